//! The clock: the only place that reads the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::policy::Moment;

/// The time that deadlines are measured in.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The date, for people.
pub(super) fn date() -> SystemTime {
    SystemTime::now()
}

/// The minute of the week here, for rules about times. The zone is the system's.
#[must_use]
pub fn local_moment() -> Moment {
    let here = jiff::Zoned::now();
    let weekday = here.weekday().to_monday_zero_offset().unsigned_abs();
    let minute = i16::from(here.hour()) * 60 + i16::from(here.minute());
    Moment::new(weekday, minute.unsigned_abs())
}

/// A clock for scripts: the time that this thread has worked. What the machine gives to others does not count.
pub(super) fn thread_time() -> Box<dyn Fn() -> Duration> {
    Box::new(|| {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap_or_default()
    })
}

/// Seconds since 1970.
#[must_use]
pub fn unix_seconds() -> u64 {
    date().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
