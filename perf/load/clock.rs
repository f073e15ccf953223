//! The one clock of a run: nanoseconds since the run began.
//!
//! All workers and the main thread share the same beginning, so the edges of the measured window
//! are the same moments for each of them without a word exchanged.

#![expect(
    clippy::disallowed_methods,
    reason = "the load generator is an edge: it owns its clock and its pauses"
)]

use std::time::{Duration, Instant};

/// Nanoseconds since the beginning of the run.
pub(crate) type Nanos = u64;

/// One second.
pub(crate) const SECOND_NS: Nanos = 1_000_000_000;

/// One millisecond.
pub(crate) const MILLISECOND_NS: Nanos = 1_000_000;

/// A clock with a common beginning; copies agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Nanoseconds since the beginning; stops at 584 years.
    pub(crate) fn now(&self) -> Nanos {
        nanos(self.start.elapsed())
    }

    /// Sleeps until the moment, or not at all when it has passed.
    pub(crate) fn sleep_until(&self, moment: Nanos) {
        let now = self.now();
        if moment > now {
            std::thread::sleep(Duration::from_nanos(moment - now));
        }
    }
}

/// A duration in nanoseconds, at most `u64::MAX`.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds as seconds.
pub(crate) fn seconds(ns: Nanos) -> f64 {
    ns as f64 / SECOND_NS as f64
}
