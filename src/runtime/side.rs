//! Side threads: blocking work that a shard may not do itself, through a bounded queue.
//!
//! A job owns what it needs and gives back what it made. A panic in a job is contained and answers
//! as [`SideFault::Panicked`]. While the queue is full the asking task waits; after [`WAITS_MAX`]
//! looks it is told [`SideFault::Busy`].

use std::panic::AssertUnwindSafe;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};

use super::executor::pause;

type Job = Box<dyn FnOnce() + Send>;

/// The side threads of the process. Ends, after the jobs that were taken, when dropped.
pub(super) struct SideThreads {
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a job gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SideFault {
    /// The queue stayed full.
    Busy,
    /// The job panicked.
    Panicked,
}

impl SideThreads {
    /// Starts `count` threads behind a queue of [`QUEUE_MAX`] jobs.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub(super) fn start(count: usize) -> std::io::Result<Self> {
        let (queue, jobs) = crossbeam_channel::bounded::<Job>(QUEUE_MAX);
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let jobs = jobs.clone();
            let thread = std::thread::Builder::new()
                .name(format!("side-{index}"))
                .spawn(move || jobs.iter().for_each(|job| job()))?;
            threads.push(thread);
        }
        Ok(Self { queue: Some(queue), threads })
    }

    /// Runs `work` on a side thread and waits for what it makes.
    ///
    /// # Errors
    ///
    /// [`SideFault`]; on `Busy` the work was not begun and is dropped.
    pub(super) async fn run<T, W>(&self, work: W) -> Result<T, SideFault>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (answer, waiting) = async_channel::bounded(1);
        let job: Job = Box::new(move || {
            if let Ok(made) = std::panic::catch_unwind(AssertUnwindSafe(work)) {
                // The asker may be gone; then nobody wants the result.
                let _ignored = answer.try_send(made);
            }
        });
        let queue = self.queue.as_ref().ok_or(SideFault::Busy)?;
        let mut job = job;
        for _look in 0..WAITS_MAX {
            match queue.try_send(job) {
                Ok(()) => return waiting.recv().await.map_err(|_closed| SideFault::Panicked),
                Err(TrySendError::Disconnected(_)) => return Err(SideFault::Busy),
                Err(TrySendError::Full(refused)) => job = refused,
            }
            pause(WAIT).await;
        }
        Err(SideFault::Busy)
    }
}

impl SideThreads {
    /// Drops something large where nobody waits for it; here, when the queue is full.
    pub(super) fn discard<T: Send + 'static>(&self, value: T) {
        if let Some(queue) = &self.queue {
            let _full = queue.try_send(Box::new(|| drop(value)));
        }
    }
}

impl Drop for SideThreads {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ignored = thread.join();
        }
    }
}

/// Jobs waiting at most; each holds at most one batch of buffers, which the pools count, or what is left
/// of a scan, whose spools the engine's budget counts, or of a spilled body, which the spool counts.
const QUEUE_MAX: usize = 256;

/// How long a task waits before it looks again for room in the queue.
const WAIT: Duration = Duration::from_millis(2);

/// Looks for room: half a minute of a disk that does nothing.
const WAITS_MAX: u32 = 15_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_answers_and_a_panic_is_contained() {
        let side = SideThreads::start(1).expect("a thread starts");
        let answer = futures_lite::future::block_on(side.run(|| 6 * 7));
        assert_eq!(answer, Ok(42));
        let broken = futures_lite::future::block_on(side.run(|| -> u8 { panic!("as planned") }));
        assert_eq!(broken, Err(SideFault::Panicked));
        let after = futures_lite::future::block_on(side.run(|| "alive"));
        assert_eq!(after, Ok("alive"));
    }
}
