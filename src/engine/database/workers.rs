//! Work on several cores, without threads of our own.
//!
//! Parsing, sorting and checking fall into jobs that know nothing of each other. Whoever has threads lends
//! them as [`Workers`]; [`Alone`] does one job after the other. The result never depends on who did what:
//! jobs are numbered, and [`gather`] puts what they made into the order of their numbers.

use std::fmt;
use std::sync::OnceLock;

/// Somebody who does jobs.
pub trait Workers: Send + Sync {
    /// How many jobs run at the same time; at least 1.
    fn count(&self) -> usize;

    /// Runs `job` once for every number below `jobs`, in any order, and comes back when all are done.
    fn each(&self, jobs: usize, job: &(dyn Fn(usize) + Sync));
}

impl fmt::Debug for dyn Workers + '_ {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} workers", self.count())
    }
}

/// The caller's own thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Workers for Alone {
    fn count(&self) -> usize {
        1
    }

    fn each(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..jobs).for_each(job);
    }
}

/// What `make` gives for every number below `jobs`, in the order of the numbers.
pub fn gather<T: Send + Sync>(
    workers: &dyn Workers,
    jobs: usize,
    make: &(dyn Fn(usize) -> T + Sync),
) -> Vec<T> {
    let slots: Vec<OnceLock<T>> = (0..jobs).map(|_| OnceLock::new()).collect();
    workers.each(jobs, &|number| {
        if let Some(slot) = slots.get(number) {
            slot.get_or_init(|| make(number));
        }
    });
    // Workers that leave a job out would be broken ones; the result is whole all the same.
    let made = slots.into_iter().enumerate();
    made.map(|(number, slot)| slot.into_inner().unwrap_or_else(|| make(number))).collect()
}
