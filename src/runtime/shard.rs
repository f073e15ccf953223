//! A shard: one executor, its listeners, its connections, its buffers.
//!
//! ```text
//!   listener (SO_REUSEPORT) ─ accept ─┬─▶ serve here
//!                                     └─▶ inbox of the least loaded shard ─▶ serve there
//!   control thread ─ Drain ─▶ inbox: idle connections close, busy ones finish, then the shard ends
//! ```
//!
//! Clients keep few and long connections, so the kernel's spreading alone leaves cores idle: a
//! shard that has two more than the emptiest one passes the new connection on.
//!
//! Shards share the values in force, the count of connections and nothing else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::{Receiver, Sender};

use crate::observe::{Event, Level};

use super::connection::{Seat, serve};
use super::executor::{Accepted, Listener, Spawner, Stream, TaskHandle, pause};
use super::journal::Journal;
use super::live::{Publisher, Reader};
use super::pool::Pool;
use super::side::SideThreads;
use super::spool::Spool;

pub(super) use super::assemble::Live;

/// What a shard is told.
pub(super) enum Message {
    /// A connection that another shard accepted.
    Connection(Accepted),
    /// Finish what is under way, for at most so long, then end.
    Drain(Duration),
}

/// What a shard is made of; everything may move to its thread.
pub(super) struct Parts {
    pub(super) index: usize,
    pub(super) listeners: Vec<TcpListener>,
    pub(super) inbox: Receiver<Message>,
    pub(super) neighbours: Vec<Sender<Message>>,
    pub(super) loads: Arc<[AtomicUsize]>,
    pub(super) publisher: Arc<Publisher<Live>>,
    pub(super) journal: Journal,
    pub(super) side: Arc<SideThreads>,
    pub(super) spool: Spool,
    pub(super) pool_bytes: u64,
    pub(super) cut_off: Arc<AtomicUsize>,
}

/// What the connections of a shard share.
pub(super) struct Shard {
    pub(super) pool: Pool,
    pub(super) side: Arc<SideThreads>,
    pub(super) spool: Spool,
    pub(super) journal: Journal,
    /// Set when the service stops: connections close as soon as they are idle.
    pub(super) draining: Cell<bool>,
    index: usize,
    reader: Reader<Live>,
    spawner: Spawner,
    neighbours: Vec<Sender<Message>>,
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
    pub(super) fn next_transaction(&self) -> (usize, u64) {
        let number = self.transactions.get() + 1;
        self.transactions.set(number);
        (self.index, number)
    }

    fn load(&self) -> &AtomicUsize {
        &self.loads[self.index]
    }

    /// Serves the connection on the least loaded shard.
    fn place(self: &Rc<Self>, accepted: Accepted) {
        let loads = self.loads.iter().map(|load| load.load(Ordering::Relaxed));
        let emptiest = loads.enumerate().min_by_key(|(_, load)| *load);
        match emptiest {
            Some((other, load)) if load + 1 < self.load().load(Ordering::Relaxed) => {
                let message = Message::Connection(accepted);
                let refused = self.neighbours[other].try_send(message).err();
                if let Some(Message::Connection(accepted)) =
                    refused.map(async_channel::TrySendError::into_inner)
                {
                    self.open(accepted);
                }
            }
            Some(_) | None => self.open(accepted),
        }
    }

    fn open(self: &Rc<Self>, accepted: Accepted) {
        let Ok(stream) = Stream::new(accepted) else { return };
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
        let seat = Rc::new(Seat::default());
        let leave = Leave { shard: Rc::clone(self), id };
        let journal = self.journal.clone();
        let task = {
            let (shard, seat) = (Rc::clone(self), Rc::clone(&seat));
            self.spawner.spawn(
                async move {
                    let _leave = leave;
                    serve(stream, shard, seat).await;
                },
                move || journal.write(Event::ConnectionPanicked),
            )
        };
        self.seats.borrow_mut().insert(id, (task, seat));
    }

    /// Ends the connections: idle ones now, busy ones when they are done or at the deadline.
    async fn drain(&self, time: Duration) -> usize {
        self.draining.set(true);
        self.cancel(|seat| seat.idle.get()).await;
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

/// Takes a connection out of the books when its task ends, however it ends.
struct Leave {
    shard: Rc<Shard>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.shard.load().fetch_sub(1, Ordering::Relaxed);
        self.shard.seats.borrow_mut().remove(&self.id);
    }
}

/// Runs a shard until it is told to drain.
pub(super) async fn run(spawner: Spawner, parts: Parts) {
    let shard = Rc::new(Shard {
        pool: Pool::new(parts.pool_bytes),
        side: parts.side,
        spool: parts.spool,
        journal: parts.journal,
        draining: Cell::new(false),
        index: parts.index,
        reader: Reader::new(parts.publisher),
        spawner,
        neighbours: parts.neighbours,
        loads: parts.loads,
        seats: RefCell::default(),
        opened: Cell::new(0),
        transactions: Cell::new(0),
        refusing: Cell::new(false),
    });
    let mut accepting = Vec::new();
    for listener in parts.listeners {
        let journal = shard.journal.clone();
        let task = accept_all(Listener::new(listener), Rc::clone(&shard));
        accepting.push(spawner.spawn(task, move || journal.write(Event::ConnectionPanicked)));
    }
    while let Ok(message) = parts.inbox.recv().await {
        match message {
            Message::Connection(accepted) => shard.open(accepted),
            Message::Drain(time) => {
                let cut_off = shard.drain(time).await;
                parts.cut_off.fetch_add(cut_off, Ordering::Relaxed);
                break;
            }
        }
    }
    // The control thread has shut the listening sockets down, so every accept has ended.
    for task in accepting {
        task.finished().await;
    }
    // Connections that were on their way to this shard are closed, not leaked.
    while let Ok(Message::Connection(accepted)) = parts.inbox.try_recv() {
        drop(Stream::new(accepted));
    }
}

/// Accepts until the listening socket is shut down.
async fn accept_all(listener: Listener, shard: Rc<Shard>) {
    loop {
        match listener.accept().await {
            Ok(accepted) => shard.place(accepted),
            Err(error) if error.raw_os_error() == Some(EINVAL) => return,
            Err(error) => {
                // Descriptors are used up, most likely: without a pause this would spin.
                if shard.journal.wants(Level::Debug) {
                    let fault = format!("accept: {error}");
                    shard.journal.write(Event::ProtocolFault { client: String::new(), fault });
                }
                pause(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What accept says once its socket was shut down.
const EINVAL: i32 = rustix::io::Errno::INVAL.raw_os_error();

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How often a draining shard looks whether it is empty.
const DRAIN_LOOK: Duration = Duration::from_millis(10);
