//! A shard: one executor, its connections, its buffers.
//!
//! ```text
//!   acceptor ─ Connection ─▶ inbox ─▶ serve
//!   control thread ─ Drain ─▶ inbox: idle connections close, busy ones finish, then the shard ends
//! ```
//!
//! Shards share the values in force, the count of connections and nothing else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::Receiver;

use crate::observe::{Event, Level};
use crate::policy::directory::Membership;
use crate::policy::reputation::Opinion;

use super::admitting::Gate;
use super::claims::Claims;
use super::connection::serve;
use super::directory;
use super::executor::{Spawner, Stream, TaskHandle, Weight, pause};
use super::heartbeat::Pulse;
use super::journal::Journal;
use super::live::{Publisher, Reader};
use super::pool::Pool;
use super::reputation::Front;
use super::script;
use super::seat::Seat;
use super::side::SideThreads;
use super::spool::Spool;
use super::traffic::Traffic;
use super::transport::Door;
use super::verdicts;

pub(super) use super::assemble::Live;

/// What a shard is told.
pub(super) enum Message {
    /// A connection that was accepted for this shard, and where it came in.
    Connection(OwnedFd, Door),
    /// Finish what is under way, for at most so long, then end.
    Drain(Duration),
}

/// What a shard is made of; everything may move to its thread.
pub(super) struct Parts {
    pub(super) index: usize,
    pub(super) inbox: Receiver<Message>,
    pub(super) loads: Arc<[AtomicUsize]>,
    pub(super) publisher: Arc<Publisher<Live>>,
    pub(super) journal: Journal,
    pub(super) side: Arc<SideThreads>,
    pub(super) spool: Spool,
    pub(super) pool_bytes: u64,
    pub(super) cut_off: Arc<AtomicUsize>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) verdicts: verdicts::Parts,
}

/// What the connections of a shard share.
pub(super) struct Shard {
    pub(super) pool: Pool,
    pub(super) side: Arc<SideThreads>,
    pub(super) spool: Spool,
    pub(super) journal: Journal,
    pub(super) pulse: Arc<Pulse>,
    /// Set when the service stops: connections close as soon as they are idle.
    pub(super) draining: Cell<bool>,
    index: usize,
    reader: Reader<Live>,
    /// The script of `MessageHook`.
    pub(super) script: script::Seat,
    /// What was scanned before.
    pub(super) verdicts: verdicts::Front,
    /// Who is let in to be scanned.
    pub(super) gate: Rc<Gate>,
    /// Who clients are.
    pub(super) claims: Claims,
    reputation: Front,
    directory: directory::Front,
    spawner: Spawner,
    loads: Arc<[AtomicUsize]>,
    seats: RefCell<BTreeMap<u64, (TaskHandle, Rc<Seat>)>>,
    opened: Cell<u64>,
    transactions: Cell<u64>,
    refusing: Cell<bool>,
}

impl Shard {
    /// The values in force now.
    pub(super) fn live(&self) -> Arc<Live> {
        self.reader.get()
    }

    /// A number for a new transaction, unique in the process: the shard and a count.
    pub(super) fn next_transaction(&self) -> (u64, u64) {
        let number = self.transactions.get() + 1;
        self.transactions.set(number);
        (self.index as u64, number)
    }

    /// A client was not let in.
    pub(super) fn refused(&self, client: Option<SocketAddr>, why: String) {
        if self.journal.wants(Level::Warning) {
            let client = client.map_or_else(|| "unix".to_owned(), |address| address.to_string());
            self.journal.write(Event::Refused { client, why });
        }
    }

    /// What the reputation services say about a host and path in canonical form: at once where it is known
    /// or nobody is to be asked, else within `Timeout`.
    pub(super) async fn reputation(&self, live: &Live, host: &str, path: &str) -> Opinion {
        self.reputation.ask(live.reputation.as_ref(), host, path).await
    }

    /// What the directory says about a user: at once where it is known, else within `LdapTimeout`.
    pub(super) async fn directory(&self, live: &Live, user: &str) -> Membership {
        self.directory.ask(live.directory.as_ref(), user).await
    }

    fn load(&self) -> &AtomicUsize {
        &self.loads[self.index]
    }

    fn open(self: &Rc<Self>, accepted: OwnedFd, door: Door) {
        // Counted when it was accepted.
        self.load().fetch_sub(1, Ordering::Relaxed);
        let Ok(stream) = Stream::new(accepted, door.way) else { return };
        if self.draining.get() {
            return;
        }
        let connections: usize = self.loads.iter().map(|load| load.load(Ordering::Relaxed)).sum();
        if connections >= self.live().server.connections_max {
            // The stream closes here. The event comes once, until there was room again.
            if !self.refusing.replace(true) {
                self.journal.write(Event::Overloaded { connections });
            }
            return;
        }
        self.refusing.set(false);
        let id = self.opened.get() + 1;
        self.opened.set(id);
        self.load().fetch_add(1, Ordering::Relaxed);
        let seat = Rc::new(Seat::new(Arc::clone(&self.pulse)));
        let place = Place { shard: Rc::clone(self), id };
        let task = self.spawn(Weight::Light, serve(stream, door, place, Rc::clone(&seat)));
        self.seats.borrow_mut().insert(id, (task, seat));
    }

    fn spawn(&self, weight: Weight, future: impl Future<Output = ()> + 'static) -> TaskHandle {
        let journal = self.journal.clone();
        self.spawner.spawn(weight, future, move || journal.write(Event::ConnectionPanicked))
    }

    /// Ends the connections: idle ones now, busy ones when they are done or at the deadline.
    async fn drain(&self, time: Duration) -> usize {
        self.draining.set(true);
        self.cancel(|seat| seat.is_idle()).await;
        let mut waited = Duration::ZERO;
        while !self.seats.borrow().is_empty() && waited < time {
            pause(DRAIN_LOOK).await;
            waited += DRAIN_LOOK;
        }
        self.cancel(|_| true).await
    }

    async fn cancel(&self, which: impl Fn(&Seat) -> bool) -> usize {
        let ids: Vec<u64> = {
            let seats = self.seats.borrow();
            seats.iter().filter(|(_, (_, seat))| which(seat)).map(|(id, _)| *id).collect()
        };
        let mut cancelled = 0;
        for id in ids {
            let taken = self.seats.borrow_mut().remove(&id);
            if let Some((task, _)) = taken {
                task.cancel().await;
                cancelled += 1;
            }
        }
        cancelled
    }
}

/// A connection's entry in the books of its shard: it is taken out when its task ends, however it ends.
pub(super) struct Place {
    shard: Rc<Shard>,
    id: u64,
}

impl Place {
    /// The shard.
    pub(super) fn shard(&self) -> Rc<Shard> {
        Rc::clone(&self.shard)
    }

    /// Goes on among the tasks of another weight, with the future that `make` gives; the task that calls this has to
    /// end.
    pub(super) fn go_on<F>(self, weight: Weight, make: impl FnOnce(Self) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let (shard, id) = (self.shard(), self.id);
        let task = shard.spawn(weight, make(self));
        if let Some((held, _)) = shard.seats.borrow_mut().get_mut(&id) {
            *held = task;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shard.load().fetch_sub(1, Ordering::Relaxed);
        self.shard.seats.borrow_mut().remove(&self.id);
    }
}

/// Runs a shard until it is told to drain.
pub(super) async fn run(spawner: Spawner, parts: Parts) {
    let reader = Reader::new(parts.publisher);
    let live = reader.get();
    let verdicts = verdicts::Front::open(parts.verdicts, live.epoch, &parts.journal);
    let gate = Rc::new(Gate::new(&live));
    let journal = parts.journal.clone();
    let watch = spawner.spawn(Weight::Light, Rc::clone(&gate).watch(), move || {
        journal.write(Event::ConnectionPanicked);
    });
    let shard = Rc::new(Shard {
        pool: Pool::new(parts.pool_bytes, parts.traffic),
        side: parts.side,
        spool: parts.spool,
        journal: parts.journal,
        pulse: parts.pulse,
        draining: Cell::new(false),
        index: parts.index,
        reader,
        verdicts,
        gate,
        claims: Claims::new(&live),
        script: script::Seat::default(),
        reputation: Front::new(),
        directory: directory::Front::new(),
        spawner,
        loads: parts.loads,
        seats: RefCell::default(),
        opened: Cell::new(0),
        transactions: Cell::new(0),
        refusing: Cell::new(false),
    });
    while let Ok(message) = parts.inbox.recv().await {
        match message {
            Message::Connection(accepted, door) => shard.open(accepted, door),
            Message::Drain(time) => {
                let cut_off = shard.drain(time).await;
                parts.cut_off.fetch_add(cut_off, Ordering::Relaxed);
                shard.verdicts.close();
                break;
            }
        }
    }
    shard.gate.close();
    watch.cancel().await;
}

/// How often a draining shard looks whether it is empty.
const DRAIN_LOOK: Duration = Duration::from_millis(10);
