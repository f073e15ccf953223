//! The store that several gateways share: a thread with one connection, and what shards ask it.
//!
//! ```text
//!   shard ─ Front ── Ask (bounded) ──▶ thread: Connection (sans-IO) ── socket ──▶ Valkey, Redis
//!     ▲                                   │
//!     └──────────── Settled ◀─────────────┘
//! ```
//!
//! A message never waits longer than `SharedCacheTimeout`, whatever the store does; with a full queue, without a
//! connection or during a pause after faults it does not wait at all. The thread connects by itself, with
//! pauses that grow, and says what changes in the log once.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use futures_lite::FutureExt as _;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::adaptation::verdicts::second::{
    Absence, Answer, Connection, Health, Options, Secret, Ticket,
};
use crate::adaptation::verdicts::{ContentKey, Settled};
use crate::observe::Event;
use crate::policy::reputation::breaker::Change;
use crate::runtime::clock;
use crate::runtime::executor::pause;
use crate::runtime::journal::Journal;
use crate::runtime::reputation::ring;
use crate::settings::address::StorePlace;
use crate::settings::options::SharedCache;

/// What the thread is told.
enum Ask {
    Get(ContentKey, async_channel::Sender<Settled>),
    Put(ContentKey, Settled, u64),
}

/// What the settings say about a store, with what is in the files that they name.
///
/// # Errors
///
/// A text that names the setting, the file and what is wrong.
pub(in crate::runtime) fn options(
    shared: &SharedCache,
    lifetime: Duration,
) -> Result<Options, String> {
    let read = |name: &str, path: &Path| {
        let text = std::fs::read_to_string(path);
        let first = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
        text.map(first).map_err(|error| format!("[ICAPD] {name}: {}: {error}", path.display()))
    };
    let key = read("SharedCacheKeyFile", &shared.key)?;
    let secret = Secret::new(key.as_bytes()).map_err(|fault| {
        format!("[ICAPD] SharedCacheKeyFile: {}: {fault}", shared.key.display())
    })?;
    let password = match &shared.password {
        None => None,
        Some(path) => Some(read("SharedCachePasswordFile", path)?.into()),
    };
    let (StorePlace::Unix { database, .. } | StorePlace::Tcp { database, .. }) = &shared.place;
    Ok(Options {
        secret,
        password,
        database: *database,
        in_flight_max: ASKS_MAX,
        time_max: shared.time_max,
        lifetime_s: lifetime.as_secs(),
    })
}

/// A store, and the thread that talks to it. The thread ends with the last shard.
pub(in crate::runtime) struct Store {
    asks: Sender<Ask>,
    bell: Arc<OwnedFd>,
    /// Whether the thread has a connection that takes questions.
    is_ready: Arc<AtomicBool>,
    time_max: Duration,
}

impl Store {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread or a descriptor.
    pub(in crate::runtime) fn start(
        place: StorePlace,
        options: Options,
        journal: Journal,
    ) -> io::Result<Arc<Self>> {
        let (asks, asked) = crossbeam_channel::bounded(ASKS_MAX);
        let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let is_ready = Arc::new(AtomicBool::new(false));
        let time_max = options.time_max;
        let worker = Worker {
            place,
            options: Arc::new(options),
            journal,
            asked,
            bell: Arc::clone(&bell),
            is_ready: Arc::clone(&is_ready),
            health: Health::new(),
            waiting: BTreeMap::new(),
        };
        std::thread::Builder::new().name("store".to_owned()).spawn(move || worker.run())?;
        Ok(Arc::new(Self { asks, bell, is_ready, time_max }))
    }

    /// The verdict about a content, where the store knows it in time.
    pub(super) async fn ask(&self, key: &ContentKey) -> Option<Settled> {
        if !self.is_ready.load(Ordering::Relaxed) {
            return None;
        }
        let (answer, waiting) = async_channel::bounded(1);
        self.asks.try_send(Ask::Get(*key, answer)).ok()?;
        ring(&self.bell);
        let late = async {
            pause(self.time_max).await;
            None
        };
        async { waiting.recv().await.ok() }.or(late).await
    }

    /// Tells the store a verdict that was just made.
    pub(super) fn tell(&self, key: &ContentKey, settled: &Settled) {
        if self.is_ready.load(Ordering::Relaxed) {
            // What the store does not hear another gateway scans once more.
            let _full = self.asks.try_send(Ask::Put(*key, settled.clone(), clock::unix_seconds()));
            ring(&self.bell);
        }
    }
}

/// The thread.
struct Worker {
    place: StorePlace,
    options: Arc<Options>,
    journal: Journal,
    asked: Receiver<Ask>,
    bell: Arc<OwnedFd>,
    is_ready: Arc<AtomicBool>,
    health: Health,
    waiting: BTreeMap<Ticket, async_channel::Sender<Settled>>,
}

/// Why a connection is over.
enum Over {
    /// Nobody will ask any more.
    Unused,
    /// The store, or the way to it.
    Fault(String),
    /// It was left alone: it is slow, or has closed a connection that nobody used.
    Slow,
}

impl Worker {
    fn run(mut self) {
        loop {
            if self.health.may_ask(clock::now()) {
                let why = match Link::connect(&self.place) {
                    Ok(link) => self.serve(link),
                    Err(error) => Over::Fault(error.to_string()),
                };
                self.is_ready.store(false, Ordering::Relaxed);
                self.waiting.clear();
                match why {
                    Over::Unused => return,
                    Over::Slow => {}
                    Over::Fault(text) => {
                        let change = self.failed();
                        self.note(change, &text);
                    }
                }
            }
            // What was asked meanwhile has its own deadline; who asks is seen to be gone here, too.
            loop {
                match self.asked.recv_timeout(CONNECT_PAUSE) {
                    Ok(_) => {}
                    Err(crossbeam_channel::RecvTimeoutError::Timeout) => break,
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    fn failed(&mut self) -> Option<Change> {
        self.health.failed(clock::now())
    }

    fn note(&self, change: Option<Change>, text: &str) {
        let said = match change {
            Some(Change::Opened) => format!("SharedCache is left alone for a while: {text}"),
            Some(Change::Closed) => "SharedCache answers again".to_owned(),
            None => return,
        };
        self.journal.write(Event::SettingsNote { text: said });
    }

    /// Talks to the store until the connection is over.
    fn serve(&mut self, mut link: Link) -> Over {
        let mut core = Connection::new(Arc::clone(&self.options), clock::now());
        let mut bytes = vec![0; READ_BYTES];
        loop {
            if !self.take_asks(&mut core) {
                return Over::Unused;
            }
            if let Some(out) = core.poll_output()
                && let Err(error) = link.write_all(&out)
            {
                return Over::Fault(error.to_string());
            }
            if self.tell_answers(&mut core) {
                return Over::Slow;
            }
            if let Some(fault) = core.fault() {
                return Over::Fault(fault.to_string());
            }
            self.is_ready.store(core.is_ready(), Ordering::Relaxed);
            if self.wait(&link, core.poll_deadline()) {
                match link.read(&mut bytes) {
                    // Stores end connections that nobody uses; that is no fault.
                    Ok(0) if self.waiting.is_empty() => return Over::Slow,
                    Ok(0) => core.handle_end(),
                    Ok(count) => {
                        let read = bytes.get(..count).unwrap_or_default();
                        core.handle_bytes(read, clock::now(), clock::unix_seconds());
                    }
                    Err(error) => return Over::Fault(error.to_string()),
                }
            }
            core.handle_deadline(clock::now());
        }
    }

    /// Hands questions on; false when nobody is left to ask any.
    fn take_asks(&mut self, core: &mut Connection) -> bool {
        let now = clock::now();
        // Before the password was accepted nobody asks; what is left of the last connection waits.
        while core.is_ready() {
            match self.asked.try_recv() {
                Ok(Ask::Get(key, answer)) => {
                    if let Some(ticket) = core.get(&key, now) {
                        self.waiting.insert(ticket, answer);
                    }
                }
                Ok(Ask::Put(key, settled, born)) => {
                    core.put(&key, &settled, born, (now, clock::unix_seconds()));
                }
                Err(crossbeam_channel::TryRecvError::Empty) => return true,
                Err(crossbeam_channel::TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// True when the store is to be left alone for a while.
    fn tell_answers(&mut self, core: &mut Connection) -> bool {
        let mut is_slow = false;
        while let Some(answer) = core.poll_answer() {
            match answer {
                Answer::Found { ticket, settled, .. } => {
                    if let Some(asker) = self.waiting.remove(&ticket) {
                        // Who does not wait any more has scanned it.
                        let _gone = asker.try_send(settled);
                    }
                    self.answered();
                }
                Answer::Absent { ticket, why } => {
                    self.waiting.remove(&ticket);
                    match why {
                        Absence::Late => {
                            let change = self.failed();
                            self.note(change, "it answers too late");
                            is_slow |= change.is_some();
                        }
                        Absence::Unknown | Absence::Foul(_) => self.answered(),
                        Absence::Refused | Absence::Gone => {}
                    }
                }
                Answer::Refused(refusal) => {
                    if self.health.refused(&refusal) {
                        let text = format!("SharedCache refuses: {}", refusal.text);
                        self.journal.write(Event::SettingsNote { text });
                    }
                }
            }
        }
        is_slow
    }

    fn answered(&mut self) {
        let change = self.health.answered();
        self.note(change, "");
    }

    /// Waits for the store, for a question, or for the deadline. True when the store has sent something.
    fn wait(&self, link: &Link, deadline: Option<Instant>) -> bool {
        let left = deadline.map(|at| at.saturating_duration_since(clock::now()));
        let time = Timespec::try_from(left.unwrap_or(LOOK_AFTER).min(LOOK_AFTER)).ok();
        let mut polled = [
            PollFd::from_borrowed_fd(link.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
        ];
        if poll(&mut polled, time.as_ref()).is_err() {
            return false;
        }
        let mut rung = [0; 8];
        // Empty when it was not the bell.
        let _silent = rustix::io::read(&*self.bell, &mut rung);
        !polled[0].revents().is_empty()
    }
}

/// A socket of either kind.
enum Link {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Link {
    fn connect(place: &StorePlace) -> io::Result<Self> {
        match place {
            StorePlace::Unix { path, .. } => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(WRITE_TIME))?;
                stream.set_read_timeout(Some(WRITE_TIME))?;
                Ok(Self::Unix(stream))
            }
            StorePlace::Tcp { host, port, .. } => {
                let mut last = io::ErrorKind::NotFound.into();
                for address in (host.as_str(), *port).to_socket_addrs()?.take(ADDRESSES_MAX) {
                    match TcpStream::connect_timeout(&address, CONNECT_TIME) {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            stream.set_write_timeout(Some(WRITE_TIME))?;
                            stream.set_read_timeout(Some(WRITE_TIME))?;
                            return Ok(Self::Tcp(stream));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

/// Questions that wait for the thread; one more is not asked.
const ASKS_MAX: usize = 256;
/// How often the thread looks whether anybody is left to ask, at least.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Between two attempts to connect, besides the pauses of [`Health`].
const CONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How long a host may take to accept.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long the store may take nothing.
const WRITE_TIME: Duration = Duration::from_secs(2);
/// Addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Read at once.
const READ_BYTES: usize = 64 << 10;
