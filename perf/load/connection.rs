//! One connection: the request on its way out, the answer on its way in, both at once.
//!
//! ```text
//!   Closed ─▶ Free ─▶ Busy ─▶ Free …            keep-alive
//!                       └───▶ Ending ─▶ Closed   `Connection: close`: the server closes
//! ```
//!
//! Knows sockets and moments, not schedules or counts: those are the
//! [`Worker`](crate::worker::Worker)'s.

use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use crate::answer::{Event, Reader};
use crate::clock::{Clock, Nanos};
use crate::judge::{Seen, Wrong};
use crate::message::Template;
use crate::quiet::{self, QUIET_NS};

/// A connection of a worker.
#[derive(Debug, Default)]
pub(crate) struct Connection<'plan> {
    /// The socket, unless closed.
    pub(crate) socket: Option<OwnedFd>,
    /// What it is doing.
    pub(crate) phase: Phase,
    /// The kernel was asked to tell when there is room to send.
    pub(crate) asked_for_room: bool,
    /// The request under way counts.
    pub(crate) is_measured: bool,
    /// From when latency counts.
    pub(crate) intended: Nanos,
    /// When the request under way began; in `Ending`: when its answer was complete.
    pub(crate) since: Nanos,
    template: Option<&'plan Template>,
    front: Vec<u8>,
    front_at: usize,
    piece: usize,
    piece_at: usize,
    sending: Sending,
    /// The first piece of the body's end, while that is kept back.
    hold_at: Option<usize>,
    /// Since when nothing is under way to the server, while the end is kept back.
    quiet_since: Option<Nanos>,
    reader: Reader,
    /// The complete answer, when the request is not yet all sent.
    answer: Option<Seen>,
    last_sent: Option<Nanos>,
    answer_began: Option<Nanos>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no socket; another attempt at this moment.
    #[default]
    Closed,
    /// Ready for a request.
    Free,
    /// A request is under way.
    Busy,
    /// Its answer is complete; the server is to close.
    Ending,
}

/// How far the request is out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sending {
    /// More is to be sent when there is room.
    #[default]
    More,
    /// The preview is out; the server decides.
    Waiting,
    /// All is out but the end, which is kept back until the server is idle.
    Held,
    /// All of it is out.
    Finished,
}

/// What reading brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Nothing that changes anything; there may be more to read.
    More,
    /// Nothing that changes anything, and the socket is empty.
    Empty,
    /// `100 Continue`: the rest may be sent.
    Resume,
    /// The answer is complete and so is the request.
    Complete(Seen),
}

impl<'plan> Connection<'plan> {
    /// Prepares a request; nothing is sent yet.
    pub(crate) fn begin(&mut self, template: &'plan Template, stamp: Option<u64>) {
        debug_assert_eq!(self.phase, Phase::Free);
        template.stamp_into(&mut self.front, stamp);
        self.template = Some(template);
        (self.front_at, self.piece, self.piece_at) = (0, 0, 0);
        self.sending = Sending::More;
        (self.hold_at, self.quiet_since) = (template.hold_at, None);
        self.reader.reset();
        (self.answer, self.last_sent, self.answer_began) = (None, None, None);
        self.phase = Phase::Busy;
    }

    /// Sends what there is room for.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn send(&mut self, clock: &Clock) -> Result<Sending, Wrong> {
        let (Some(template), Some(socket)) = (self.template, &self.socket) else {
            return Ok(self.sending);
        };
        if self.sending != Sending::More {
            return Ok(self.sending);
        }
        let waits_at = template.wait_at.filter(|_| !self.reader.continued());
        let limit = waits_at.unwrap_or(self.front.len());
        let piece_end = self.hold_at.unwrap_or_else(|| template.piece_count());
        let sent = if waits_at.is_some() || piece_end == 0 {
            rustix::net::send(socket, &self.front[self.front_at..limit], SendFlags::NOSIGNAL)
        } else {
            let mut slices = [IoSlice::new(&[]); GATHER_MAX];
            let count = self.gather(template, piece_end, &mut slices);
            rustix::io::writev(socket, &slices[..count])
        };
        match sent {
            Ok(bytes) => self.advance(template, bytes),
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Sending::More),
            Err(fault) => return Err(broken(fault)),
        }
        if self.front_at == limit && (waits_at.is_some() || self.piece == piece_end) {
            self.sending = match (waits_at, self.hold_at) {
                (Some(_), _) => Sending::Waiting,
                (None, Some(_)) => Sending::Held,
                (None, None) => Sending::Finished,
            };
            self.last_sent = Some(clock.now());
        }
        Ok(self.sending)
    }

    /// Reads once into `buffer`.
    ///
    /// # Errors
    ///
    /// The answer is wrong, or the connection ended.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], clock: &Clock) -> Result<Received, Wrong> {
        let Some(socket) = &self.socket else {
            return Ok(Received::Empty);
        };
        let bytes = match rustix::net::recv(socket, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => return self.take_end(),
            Ok((bytes, _)) => bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Received::Empty),
            // A server may reset behind an early answer that is complete.
            Err(fault) => {
                return self.answer.map(Received::Complete).ok_or_else(|| broken(fault));
            }
        };
        let idle = if bytes == buffer.len() { Received::More } else { Received::Empty };
        self.take(&buffer[..bytes], clock.now(), idle)
    }

    /// Whether the end of the body is kept back.
    pub(crate) fn is_held(&self) -> bool {
        self.phase == Phase::Busy && self.sending == Sending::Held
    }

    /// Lets the end of the body go when the server has been idle for a while; says whether it did.
    pub(crate) fn release_when_quiet(&mut self, now: Nanos) -> bool {
        let Some(socket) = self.socket.as_ref().filter(|_| self.is_held()) else { return false };
        if !quiet::is_drained(socket) {
            self.quiet_since = None;
            return false;
        }
        let since = *self.quiet_since.get_or_insert(now);
        if now.saturating_sub(since) < QUIET_NS {
            return false;
        }
        self.hold_at = None;
        self.sending = Sending::More;
        true
    }

    /// Whether the server still accepts requests on this connection.
    pub(crate) const fn closes(&self) -> bool {
        self.reader.closes()
    }

    /// The message under way.
    pub(crate) const fn template(&self) -> Option<&'plan Template> {
        self.template
    }

    /// Payload bytes that went out: only the preview, when the answer came behind it.
    pub(crate) fn payload_sent(&self) -> u64 {
        match (self.template, self.sending) {
            (None, _) => 0,
            (Some(template), Sending::Finished) => template.payload_bytes(),
            (Some(template), Sending::More | Sending::Waiting | Sending::Held) => {
                template.payload_until(self.front_at, self.piece, self.piece_at)
            }
        }
    }

    /// From the last byte sent to the first of the answer; none when the answer came before.
    pub(crate) fn verdict_ns(&self) -> Option<Nanos> {
        match (self.last_sent, self.answer_began, self.sending) {
            (Some(sent), Some(began), Sending::Waiting | Sending::Finished) => {
                began.checked_sub(sent)
            }
            (_, _, Sending::More | Sending::Waiting | Sending::Held | Sending::Finished) => None,
        }
    }

    /// Forgets the socket.
    pub(crate) fn close(&mut self) -> Option<OwnedFd> {
        self.phase = Phase::Closed;
        self.asked_for_room = false;
        self.socket.take()
    }

    /// Collects what is to be sent next.
    fn gather<'a>(
        &'a self,
        template: &'a Template,
        piece_end: usize,
        slices: &mut [IoSlice<'a>; GATHER_MAX],
    ) -> usize {
        let mut bytes = 0;
        let mut count = 0;
        let mut add = |part: &'a [u8]| {
            slices[count] = IoSlice::new(part);
            count += 1;
            bytes += part.len();
            count < GATHER_MAX && bytes < GATHER_BYTES
        };
        if self.front_at < self.front.len() && !add(&self.front[self.front_at..]) {
            return count;
        }
        let mut skip = self.piece_at;
        for piece in self.piece..piece_end {
            if !add(&template.piece(piece)[skip..]) {
                break;
            }
            skip = 0;
        }
        count
    }

    /// Moves on by what the kernel took.
    fn advance(&mut self, template: &Template, mut bytes: usize) {
        let front = bytes.min(self.front.len() - self.front_at);
        self.front_at += front;
        bytes -= front;
        while bytes > 0 {
            let left = template.piece(self.piece).len() - self.piece_at;
            if bytes < left {
                self.piece_at += bytes;
                return;
            }
            bytes -= left;
            self.piece += 1;
            self.piece_at = 0;
        }
    }

    fn take(&mut self, mut bytes: &[u8], now: Nanos, idle: Received) -> Result<Received, Wrong> {
        let Some(template) = self.template else {
            return Err(Wrong::Malformed("bytes before any request"));
        };
        let mut received = idle;
        while !bytes.is_empty() {
            if self.reader.is_at_start() {
                self.answer_began = Some(now);
            }
            match self.reader.read(&mut bytes, &template.original(&self.front))? {
                Event::NeedMore => {}
                Event::Continue if self.sending == Sending::Waiting => {
                    self.sending = Sending::More;
                    received = Received::Resume;
                }
                Event::Continue => {
                    return Err(Wrong::Malformed("100 Continue where no preview waits"));
                }
                Event::Complete(seen) => self.answer = Some(seen),
            }
        }
        Ok(self.completed().unwrap_or(received))
    }

    /// The answer, when both directions are done with.
    pub(crate) fn completed(&self) -> Option<Received> {
        let seen = self.answer?;
        let is_out = matches!(self.sending, Sending::Waiting | Sending::Finished);
        (is_out || self.closes()).then_some(Received::Complete(seen))
    }

    /// The server closed its side.
    fn take_end(&self) -> Result<Received, Wrong> {
        // Behind an early answer that is legal: the rest of the request is not wanted.
        self.answer.map(Received::Complete).ok_or(Wrong::ClosedEarly)
    }
}

/// What is wrong when the kernel says this.
fn broken(fault: Errno) -> Wrong {
    match fault {
        Errno::CONNREFUSED | Errno::NOENT | Errno::TIMEDOUT => Wrong::Connect,
        _ => Wrong::ClosedEarly,
    }
}

/// Whether the other side has closed, or has sent what nobody asked for.
pub(crate) fn idle_event(socket: impl AsFd) -> Result<bool, Wrong> {
    let mut byte = [0];
    match rustix::net::recv(socket, &mut byte, RecvFlags::empty()) {
        Ok((0, _)) => Ok(true),
        Ok(_) => Err(Wrong::Malformed("bytes without a request")),
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(Errno::CONNREFUSED) => Err(Wrong::Connect),
        Err(_) => Ok(true),
    }
}

/// Slices handed to one `writev`: the front and eight chunks with their frames.
const GATHER_MAX: usize = 17;

/// Beyond this a socket buffer is full anyhow.
const GATHER_BYTES: usize = 512 * 1_024;
