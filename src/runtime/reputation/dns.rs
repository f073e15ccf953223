//! Sockets of DNS lookups: a new port for every message, and the kernel lets only the server's answers in.
//!
//! Ids come from the system's generator and ports from the kernel, so a guess has to hit both, from the right
//! address, within the time of one attempt.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, Socket, Type};

use crate::policy::reputation::NoAnswer;
use crate::policy::reputation::dns::{Kind, Name, Records};
use crate::policy::reputation::lookup::{Lookup, Step};

use super::super::clock;

/// The lookups that are out.
pub(super) struct Sockets {
    servers: Vec<SocketAddr>,
    active: BTreeMap<u64, Active>,
    done: Vec<(u64, Result<Records, NoAnswer>)>,
    random: Random,
}

struct Active {
    lookup: Lookup,
    link: Link,
}

enum Link {
    None,
    Udp(UdpSocket),
    Tcp(Exchange),
}

/// A message and its answer over TCP, each behind its length (RFC 1035 section 4.2.2).
struct Exchange {
    stream: TcpStream,
    output: Vec<u8>,
    sent: usize,
    input: Vec<u8>,
}

impl Sockets {
    /// # Errors
    ///
    /// When there are no random numbers.
    pub(super) fn new(servers: Vec<SocketAddr>) -> io::Result<Self> {
        let random = Random::open()?;
        Ok(Self { servers, active: BTreeMap::new(), done: Vec::new(), random })
    }

    /// Begins a lookup.
    pub(super) fn ask(&mut self, id: u64, name: Name, kind: Kind, end: Instant) {
        let times = (clock::now(), end);
        let (lookup, step) = Lookup::new(name, kind, self.servers.len(), times, self.random.id());
        self.active.insert(id, Active { lookup, link: Link::None });
        self.take(id, step);
    }

    /// Results that came in.
    pub(super) fn take_done(&mut self) -> Vec<(u64, Result<Records, NoAnswer>)> {
        std::mem::take(&mut self.done)
    }

    /// Whether results wait to be taken.
    pub(super) const fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    /// When the next attempt is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.active.values().map(|active| active.lookup.deadline()).min()
    }

    /// Waits for answers, for the bell, or for so long; and does what is due then.
    pub(super) fn wait(&mut self, bell: &OwnedFd, time: Duration) {
        let ready = self.poll(bell, time);
        let mut rung = [0_u8; 8];
        // Empty when it was not the bell.
        let _silent = rustix::io::read(bell, &mut rung);
        for id in ready {
            self.advance(id);
        }
        let now = clock::now();
        let late: Vec<u64> = self
            .active
            .iter()
            .filter(|(_, active)| active.lookup.deadline() <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            let random = self.random.id();
            if let Some(active) = self.active.get_mut(&id) {
                let step = active.lookup.handle_deadline(now, random);
                self.take(id, step);
            }
        }
    }

    fn poll(&self, bell: &OwnedFd, time: Duration) -> Vec<u64> {
        let mut ids = vec![None];
        let mut polled = vec![PollFd::from_borrowed_fd(bell.as_fd(), PollFlags::IN)];
        for (id, active) in &self.active {
            if let Some((descriptor, flags)) = active.link.wanted() {
                ids.push(Some(*id));
                polled.push(PollFd::from_borrowed_fd(descriptor, flags));
            }
        }
        // Rounded up: a deadline that is almost there is not waited for in vain, again and again.
        let time = time.saturating_add(Duration::from_micros(500));
        let time = Timespec::try_from(time).ok();
        if poll(&mut polled, time.as_ref()).is_err() {
            return Vec::new();
        }
        let ready = ids.into_iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        ready.filter_map(|(id, _)| id).collect()
    }

    /// Reads or writes what is ready.
    fn advance(&mut self, id: u64) {
        let now = clock::now();
        for _ in 0..MESSAGES_AT_ONCE {
            let random = self.random.id();
            let Some(active) = self.active.get_mut(&id) else { return };
            let mut buffer = [0_u8; UDP_BYTES_MAX];
            let received = match &mut active.link {
                Link::None => return,
                Link::Udp(socket) => {
                    socket.recv(&mut buffer).map(|length| Some(buffer[..length].to_vec()))
                }
                Link::Tcp(exchange) => exchange.advance(),
            };
            let step = match received {
                Ok(Some(message)) => active.lookup.handle_message(&message, now, random),
                Ok(None) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => Step::Wait,
                Err(_) => active.lookup.handle_failure(now, random),
            };
            let is_over = step != Step::Wait;
            self.take(id, step);
            if is_over {
                return;
            }
        }
    }

    /// Carries a step out, and those that follow when it fails.
    fn take(&mut self, id: u64, mut step: Step) {
        loop {
            let Some(active) = self.active.get_mut(&id) else { return };
            let opened = match step {
                Step::Wait => return,
                Step::Done(result) => {
                    self.active.remove(&id);
                    self.done.push((id, result));
                    return;
                }
                Step::Send { server, message } => send(self.servers.get(server), &message),
                Step::Connect { server, message } => connect(self.servers.get(server), &message),
            };
            match opened {
                Ok(link) => {
                    active.link = link;
                    return;
                }
                Err(_) => {
                    active.link = Link::None;
                    step = active.lookup.handle_failure(clock::now(), self.random.id());
                }
            }
        }
    }
}

impl Link {
    /// What to wait for.
    fn wanted(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        match self {
            Self::None => None,
            Self::Udp(socket) => Some((socket.as_fd(), PollFlags::IN)),
            Self::Tcp(exchange) if exchange.sent < exchange.output.len() => {
                Some((exchange.stream.as_fd(), PollFlags::OUT))
            }
            Self::Tcp(exchange) => Some((exchange.stream.as_fd(), PollFlags::IN)),
        }
    }
}

impl Exchange {
    /// Writes or reads on; the message when it is complete.
    fn advance(&mut self) -> io::Result<Option<Vec<u8>>> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..])? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => self.sent += count,
            }
        }
        let mut buffer = [0_u8; UDP_BYTES_MAX];
        loop {
            if let Some((length, message)) = self.input.split_first_chunk::<2>()
                && let Some(message) = message.get(..usize::from(u16::from_be_bytes(*length)))
            {
                return Ok(Some(message.to_vec()));
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.input.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

/// A message from a port of its own.
fn send(server: Option<&SocketAddr>, message: &[u8]) -> io::Result<Link> {
    let server = server.ok_or(ErrorKind::NotFound)?;
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    // From now on the kernel drops what comes from anywhere else.
    socket.connect(server)?;
    socket.send(message)?;
    Ok(Link::Udp(socket))
}

/// A connection that is not waited for.
fn connect(server: Option<&SocketAddr>, message: &[u8]) -> io::Result<Link> {
    let server = server.ok_or(ErrorKind::NotFound)?;
    let socket = Socket::new(Domain::for_address(*server), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&(*server).into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) => return Err(error),
    }
    let length = u16::try_from(message.len()).map_err(|_too_long| ErrorKind::InvalidInput)?;
    let output = [&length.to_be_bytes(), message].concat();
    Ok(Link::Tcp(Exchange { stream: socket.into(), output, sent: 0, input: Vec::new() }))
}

/// Numbers that nobody can guess.
struct Random {
    source: File,
    kept: Vec<u8>,
}

impl Random {
    fn open() -> io::Result<Self> {
        Ok(Self { source: File::open("/dev/urandom")?, kept: Vec::new() })
    }

    fn id(&mut self) -> u16 {
        if self.kept.len() < 2 {
            let mut fresh = [0_u8; 256];
            if self.source.read_exact(&mut fresh).is_ok() {
                self.kept.extend_from_slice(&fresh);
            }
        }
        let (one, other) = (self.kept.pop(), self.kept.pop());
        u16::from_be_bytes([one.unwrap_or_default(), other.unwrap_or_default()])
    }
}

/// Without EDNS no answer is longer (RFC 1035 section 2.3.4), but servers have been seen that do not care.
const UDP_BYTES_MAX: usize = 1500;

/// Messages of one lookup before it is the turn of others.
const MESSAGES_AT_ONCE: usize = 8;
