//! The clock: the only place that reads the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time that deadlines are measured in.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The date, for people.
pub(super) fn date() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970.
#[must_use]
pub fn unix_seconds() -> u64 {
    date().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
