//! When requests are meant to be sent in the open loop.
//!
//! An intended moment is fixed before the server is asked, and latency counts from it. A stall
//! therefore shows in every request that was due meanwhile, not in one.

use crate::clock::{Nanos, nanos};
use crate::random::Random;
use std::time::Duration;

/// How intended moments are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Arrival {
    /// Equal distances.
    Even,
    /// Independent clients: exponential distances with the same mean.
    Poisson,
}

/// The intended moments of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    arrival: Arrival,
    /// Requests per million seconds of this worker.
    rate_micro: u64,
    first: Nanos,
    index: u64,
    next: Nanos,
    random: Random,
}

impl Schedule {
    /// Moments from `first` on, `rate` a second.
    ///
    /// # Errors
    ///
    /// The rate is below one request in a thousand seconds, or above a billion a second.
    pub(crate) fn new(
        arrival: Arrival,
        rate: f64,
        first: Nanos,
        random: Random,
    ) -> Result<Self, String> {
        if !(0.001..=1e9).contains(&rate) {
            return Err(format!("a rate is from 0.001 to 1e9 requests a second, not {rate}"));
        }
        let rate_micro = u64::try_from(Duration::from_secs_f64(rate).as_micros()).unwrap_or(1);
        Ok(Self { arrival, rate_micro, first, index: 0, next: first, random })
    }

    /// The intended moment of the next request.
    pub(crate) const fn next(&self) -> Nanos {
        self.next
    }

    /// Takes the next request if it is due: its intended moment.
    pub(crate) fn take(&mut self, now: Nanos) -> Option<Nanos> {
        if self.next > now {
            return None;
        }
        let due = self.next;
        self.index += 1;
        self.next = match self.arrival {
            // From the index, not by adding: rounding does not pile up.
            Arrival::Even => self.first.saturating_add(self.distance(self.index)),
            Arrival::Poisson => {
                let mean_s = 1e6 / self.rate_micro as f64;
                let pause = Duration::from_secs_f64(-self.random.unit().ln() * mean_s);
                due.saturating_add(nanos(pause))
            }
        };
        Some(due)
    }

    /// Nanoseconds that `count` requests take at the rate.
    fn distance(&self, count: u64) -> Nanos {
        let ns = u128::from(count) * 1_000_000_000_000_000 / u128::from(self.rate_micro);
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Schedule};
    use crate::clock::SECOND_NS;
    use crate::random::Random;

    fn schedule(arrival: Arrival, rate: f64) -> Schedule {
        Schedule::new(arrival, rate, 5, Random::new(9)).unwrap()
    }

    #[test]
    fn even_moments_do_not_drift() {
        let mut schedule = schedule(Arrival::Even, 3.0);
        let moments: Vec<_> = (0..7).filter_map(|_| schedule.take(u64::MAX)).collect();
        let third = SECOND_NS / 3;
        assert_eq!(moments[0], 5);
        assert_eq!(moments[1], 5 + third);
        assert_eq!(moments[3], 5 + SECOND_NS);
        assert_eq!(moments[6], 5 + 2 * SECOND_NS);
    }

    #[test]
    fn nothing_is_taken_before_it_is_due_and_everything_after_a_stall() {
        let mut schedule = schedule(Arrival::Even, 1_000.0);
        assert_eq!(schedule.take(4), None);
        assert_eq!(schedule.take(5), Some(5));
        assert_eq!(schedule.take(5), None);
        // A stall of 10 ms: ten requests were due, each keeps its own moment.
        let late: Vec<_> = std::iter::from_fn(|| schedule.take(5 + SECOND_NS / 100)).collect();
        assert_eq!(late.len(), 10);
        assert_eq!(late[0], 5 + SECOND_NS / 1_000);
    }

    #[test]
    fn poisson_moments_keep_the_mean_rate() {
        let mut schedule = schedule(Arrival::Poisson, 10_000.0);
        let count = std::iter::from_fn(|| schedule.take(10 * SECOND_NS)).count();
        assert!((98_000..102_000).contains(&count), "{count} in ten seconds");
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, 1e10] {
            assert!(Schedule::new(Arrival::Even, rate, 0, Random::new(1)).is_err(), "{rate}");
        }
    }
}
