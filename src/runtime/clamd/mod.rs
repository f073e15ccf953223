//! The clamd protocol's edge: its sockets, its threads, its files. Beside the shards, never in them.
//!
//! ```text
//!   listeners ─┐                      ┌─▶ worker 0 ─┐  a turn: read what is there, scan it, reply
//!              ▼     ready ─▶ queue ──┼─▶ worker 1  ├─ parked, closed, done ─┐
//!   porter (epoll, deadlines) ◀───────┴─────────────┴────────────────────────┘
//! ```
//!
//! A connection that waits lies with the porter and costs no thread; when there is something to read it
//! takes a turn on a worker, and after [`conversation::TURN_BYTES`] goes to the end of the queue. So
//! neither many slow clients nor one with a huge stream keep the others waiting. Files of a session and
//! of `MULTISCAN` are jobs of their own, and go through the same queue.
//!
//! | duty | file |
//! | --- | --- |
//! | sockets, and what can be received from one | `sockets` |
//! | who waits for what, and how long | `porter` |
//! | the threads | `workers` |
//! | a connection: its commands and their answers | `conversation` |
//! | paths: what may be opened, directories | `paths` |
//! | one object through the engine | `scanning` |
//!
//! At `MaxConnections` new connections wait in the kernel's queue. Every queue here has room for whatever
//! can be under way at a time, so nobody waits for anybody: neither the porter for a worker nor a worker
//! for the porter.

#![forbid(unsafe_code)]

mod conversation;
mod paths;
mod porter;
mod scanning;
mod sockets;
mod workers;

pub(super) use sockets::{SocketFile, listen_unix};

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::observe::Event;
use crate::settings::options::ClamdListening;

use self::conversation::Conversation;
use self::porter::Porter;
use self::sockets::{Listener, Wake};
use self::workers::{Done, Slots, Work};
use super::journal::Journal;
use super::live::Publisher;
use super::placement::processors;
use super::shard::Live;

/// What porter and workers share.
struct Shared {
    publisher: Arc<Publisher<Live>>,
    journal: Journal,
    queue: Sender<Work>,
    back: Sender<Back>,
    wake: Wake,
    /// Files that are jobs of their own, waiting or being scanned.
    jobs: AtomicUsize,
    draining: AtomicBool,
    slots: Slots,
    /// Asks the control thread for a reload.
    reload: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    /// Reserves room for a job; without any the asker does the work itself.
    fn reserve_job(&self) -> bool {
        let before = self.jobs.fetch_add(1, Ordering::Relaxed);
        if before >= JOBS_MAX {
            self.jobs.fetch_sub(1, Ordering::Relaxed);
        }
        before < JOBS_MAX
    }

    /// Puts work into the queue, which has room for all there can be.
    fn submit(&self, work: Work) {
        let _has_room = self.queue.try_send(work);
    }

    /// Tells the porter something.
    fn tell(&self, back: Back) {
        let _has_room = self.back.try_send(back);
        self.wake.ring();
    }
}

/// What the porter is told.
enum Back {
    /// A connection waits for something.
    Parked(Box<Conversation>, Wait),
    /// A connection is closed.
    Closed(u64),
    /// A job is done.
    Done(Done),
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// Bytes, or the end.
    Read,
    /// Room to send.
    Write,
    /// Its jobs.
    Jobs,
}

/// The running service.
pub(super) struct Service {
    shared: Arc<Shared>,
    socket: Option<SocketFile>,
    addresses: Vec<String>,
    threads: usize,
}

impl Service {
    /// Binds everything, then starts the threads. The handle ends when the service has drained.
    ///
    /// # Errors
    ///
    /// A text that says what was tried and what the system said.
    pub(super) fn start(
        listening: &ClamdListening,
        publisher: Arc<Publisher<Live>>,
        journal: Journal,
        cut_off: Arc<AtomicUsize>,
        reload: Box<dyn Fn() + Send + Sync>,
    ) -> Result<(Self, JoinHandle<()>), String> {
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in &listening.addresses {
            let (listener, bound): (_, SocketAddr) =
                Listener::tcp(*address).map_err(|error| format!("listen on {address}: {error}"))?;
            addresses.push(bound.to_string());
            listeners.push(listener);
        }
        let mut socket = None;
        if let Some(path) = &listening.socket {
            let group = &listening.socket_group;
            let (listener, file) = Listener::unix(path, listening.socket_mode, group)
                .map_err(|error| format!("listen on {}: {error}", path.display()))?;
            addresses.push(path.display().to_string());
            listeners.push(listener);
            socket = Some(file);
        }
        let wanted = listening.threads.and_then(|threads| usize::try_from(threads).ok());
        let threads = wanted.unwrap_or_else(|| processors().len().saturating_mul(2)).max(1);
        let connections_max = usize::try_from(listening.connections_max).unwrap_or(usize::MAX);
        let room = connections_max.saturating_add(JOBS_MAX).saturating_add(threads);
        let (queue, work) = crossbeam_channel::bounded(room);
        let (back, news) = crossbeam_channel::bounded(room);
        let wake = Wake::new().map_err(|error| format!("make an event: {error}"))?;
        let shared = Arc::new(Shared {
            publisher,
            journal,
            queue,
            back,
            wake,
            jobs: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            slots: Slots::new(threads),
            reload,
        });
        let porter = Porter::new(Arc::clone(&shared), listeners, news, connections_max, cut_off)
            .map_err(|error| format!("watch the clamd sockets: {error}"))?;
        workers::start(&shared, &work, threads)
            .map_err(|error| format!("start the clamd threads: {error}"))?;
        let thread = std::thread::Builder::new()
            .name("clamd-porter".to_owned())
            .spawn(move || porter.run())
            .map_err(|error| format!("start the clamd porter: {error}"))?;
        Ok((Self { shared, socket, addresses, threads }, thread))
    }

    /// Where clients connect.
    pub(super) fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Says where it listens.
    pub(super) fn announce(&self) {
        for address in &self.addresses {
            let (address, threads) = (address.clone(), self.threads);
            self.shared.journal.write(Event::ClamdListening { address, threads });
        }
    }

    /// No new connections; what is under way is finished, for at most [`DRAIN_TIME`].
    pub(super) fn stop(&mut self) {
        self.socket = None;
        self.shared.draining.store(true, Ordering::Relaxed);
        self.shared.wake.ring();
    }
}

/// Files that are jobs of their own at a time, over all connections. A connection that finds no room
/// scans the file in its own turns.
const JOBS_MAX: usize = 256;

/// How long connections may take to finish when the service stops, as those of the shards.
const DRAIN_TIME: Duration = Duration::from_secs(30);
