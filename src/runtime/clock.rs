//! The clock: the only place that reads the time.

use std::time::{Instant, SystemTime};

/// The time that deadlines are measured in.
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The date, for people.
pub(super) fn date() -> SystemTime {
    SystemTime::now()
}
