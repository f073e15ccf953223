//! Threads for work that falls into jobs: parsing, compiling and checking databases.
//!
//! They live as long as one call and are placed nowhere: this is work beside the data plane, at the start
//! and at a reload.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::database::Workers;

/// So many threads at a time.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    count: usize,
}

impl Threads {
    /// `count` threads; `None`: as many as there are cores.
    #[must_use]
    pub fn new(count: Option<usize>) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Self { count: count.unwrap_or_else(cores).clamp(1, THREADS_MAX) }
    }
}

impl Workers for Threads {
    fn count(&self) -> usize {
        self.count
    }

    fn each(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= jobs {
                    return;
                }
                job(number);
            }
        };
        std::thread::scope(|scope| {
            for index in 1..self.count.min(jobs) {
                let builder = std::thread::Builder::new().name(format!("database-{index}"));
                // A thread that the system refuses leaves its share to the others.
                let _ignored = builder.spawn_scoped(scope, work);
            }
            work();
        });
    }
}

/// More would wait for memory, not for cores.
const THREADS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::database::workers::gather;

    #[test]
    fn every_job_is_done_once_and_in_its_place() {
        for count in [1, 2, 7] {
            let threads = Threads::new(Some(count));
            assert_eq!(threads.count(), count);
            let made = gather(&threads, 1_000, &|number| number * number);
            assert!(made.iter().enumerate().all(|(number, square)| *square == number * number));
            assert!(gather(&threads, 0, &|number| number).is_empty());
        }
        assert!(Threads::new(None).count() >= 1);
    }
}
