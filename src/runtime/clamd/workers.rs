//! The threads that scan for clamd clients: each takes what is next, a connection's turn or a file.
//!
//! A panic inside a scan is caught where the scan is; one anywhere else costs the connection it happened
//! in, and no thread.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use crossbeam_channel::Receiver;

use crate::clamd::Tag;
use crate::clamd::reply::Item;
use crate::observe::Event;

use super::conversation::{Conversation, Next, TURN_BYTES};
use super::scanning::{FileScan, Outcome};
use super::{Back, Shared};
use crate::runtime::clock;

/// Something for a thread to do.
pub(super) enum Work {
    /// A connection has something to do.
    Turn(Box<Conversation>),
    /// A file of a connection.
    Job(Box<Job>),
    /// The service ends.
    End,
}

/// A file that is scanned beside its connection.
pub(super) struct Job {
    pub(super) connection: u64,
    pub(super) tag: Tag,
    pub(super) name: Vec<u8>,
    pub(super) scan: FileScan,
    /// Set when the connection is closed: nobody wants the answer any more.
    pub(super) gone: Arc<AtomicBool>,
    pub(super) since: Instant,
}

/// A job that is done.
pub(super) struct Done {
    pub(super) connection: u64,
    pub(super) tag: Tag,
    pub(super) name: Vec<u8>,
    pub(super) outcome: io::Result<Outcome>,
}

/// What each thread is doing, for `STATS`.
pub(super) struct Slots {
    working: Box<[ArcSwapOption<Working>]>,
}

/// What a thread is doing.
pub(super) struct Working {
    pub(super) command: &'static str,
    pub(super) name: String,
    pub(super) since: Instant,
}

impl Slots {
    pub(super) fn new(threads: usize) -> Self {
        Self { working: (0..threads).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// Says what a thread does from now on; `None`: nothing.
    fn set(&self, thread: usize, working: Option<Working>) {
        if let Some(slot) = self.working.get(thread) {
            slot.store(working.map(Arc::new));
        }
    }

    /// How many threads there are.
    pub(super) const fn count(&self) -> usize {
        self.working.len()
    }

    /// What all of them are doing.
    pub(super) fn items(&self) -> Vec<Item> {
        let now = clock::now();
        let item = |working: Arc<Working>| Item {
            command: working.command,
            time: now.saturating_duration_since(working.since),
            name: working.name.clone(),
        };
        self.working.iter().filter_map(|slot| slot.load_full().map(item)).collect()
    }
}

/// Starts the threads.
///
/// # Errors
///
/// When the system refuses one.
pub(super) fn start(shared: &Arc<Shared>, work: &Receiver<Work>, threads: usize) -> io::Result<()> {
    for thread in 0..threads {
        let (shared, work) = (Arc::clone(shared), work.clone());
        std::thread::Builder::new()
            .name(format!("clamd-{thread}"))
            .spawn(move || work_on(&shared, &work, thread))?;
    }
    Ok(())
}

fn work_on(shared: &Shared, queue: &Receiver<Work>, thread: usize) {
    let mut buffer = vec![0; WINDOW_BYTES];
    for work in queue {
        match work {
            Work::Turn(conversation) => turn(shared, conversation, &mut buffer, thread),
            Work::Job(job) => run(shared, job, &mut buffer, thread),
            Work::End => return,
        }
        shared.slots.set(thread, None);
    }
}

fn turn(shared: &Shared, mut conversation: Box<Conversation>, buffer: &mut [u8], thread: usize) {
    let token = conversation.token();
    shared.slots.set(thread, Some(conversation.working()));
    let next = std::panic::catch_unwind(AssertUnwindSafe(|| conversation.turn(shared, buffer)));
    match next {
        Ok(Next::Again) => shared.submit(Work::Turn(conversation)),
        Ok(Next::Park(wait)) => shared.tell(Back::Parked(conversation, wait)),
        Ok(Next::Close) => {
            drop(conversation);
            shared.tell(Back::Closed(token));
        }
        Err(_panic) => {
            shared.journal.write(Event::ConnectionPanicked);
            drop(conversation);
            shared.tell(Back::Closed(token));
        }
    }
}

fn run(shared: &Shared, mut job: Box<Job>, buffer: &mut [u8], thread: usize) {
    if job.gone.load(Ordering::Relaxed) {
        shared.jobs.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let name = String::from_utf8_lossy(&job.name).into_owned();
    shared.slots.set(thread, Some(Working { command: "SCAN", name, since: job.since }));
    let Some(outcome) = job.scan.turn(buffer, TURN_BYTES) else {
        return shared.submit(Work::Job(job));
    };
    shared.jobs.fetch_sub(1, Ordering::Relaxed);
    let Job { connection, tag, name, .. } = *job;
    shared.tell(Back::Done(Done { connection, tag, name, outcome }));
}

/// What is received or read at a time.
const WINDOW_BYTES: usize = 64 << 10;
