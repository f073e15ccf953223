//! Whether a queue stands: delay that stays, as against delay that comes and goes.
//!
//! ```text
//!            above for an interval, or beyond the ceiling
//!   Calm ───────────────────────────────────────────────▶ Stands
//!    ▲ │ above, soon after the last time: at once           │
//!    │ └──────────────────────────────────────────────────▶ │
//!    └───────────────── below half of it ───────────────────┘
//! ```
//!
//! After `CoDel` (RFC 8289): a queue is there to take bursts, so its length says nothing; that its delay has been
//! above the target for a whole interval does. Refusing ends a standing queue soon, and it would come back for a
//! whole interval: so for a while after one it counts at once. A delay beyond the ceiling counts at once, too: no
//! burst that ends soon makes it.

use super::Gauges;

/// What was seen of the delay.
#[derive(Debug, Default)]
pub(super) struct Standing {
    state: State,
    looked_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The delay is fine, or was above the target for a moment.
    Calm { above_since: Option<u64>, ended: Option<u64> },
    /// The queue stands.
    Stands,
}

impl Default for State {
    fn default() -> Self {
        Self::Calm { above_since: None, ended: None }
    }
}

impl Standing {
    pub(super) const fn stands(&self) -> bool {
        matches!(self.state, State::Stands)
    }

    /// Takes the gauges into account; whether the queue stands now. `delay` is the target in microseconds.
    pub(super) fn look(&mut self, delay: u64, gauges: &Gauges) -> bool {
        let now = gauges.now_us.max(self.looked_us);
        let unseen = now.saturating_sub(self.looked_us);
        self.looked_us = now;
        self.state = match self.state {
            State::Stands if lasting(gauges) < delay / 2 => {
                State::Calm { above_since: None, ended: Some(now) }
            }
            State::Stands => State::Stands,
            State::Calm { above_since, ended } => {
                // What nobody looked at for so long may have been anything.
                let above_since =
                    above_since.filter(|_| unseen < delay.saturating_mul(INTERVAL_DELAYS));
                calm(delay, gauges, now, above_since, ended)
            }
        };
        self.stands()
    }
}

/// The delay that is there: lately, and now. The smoothed one alone lags behind a queue that has gone.
fn lasting(gauges: &Gauges) -> u64 {
    gauges.delay_us.min(gauges.oldest_us.max(gauges.waited_us))
}

fn calm(
    delay: u64,
    gauges: &Gauges,
    now: u64,
    above_since: Option<u64>,
    ended: Option<u64>,
) -> State {
    if gauges.oldest_us.max(lasting(gauges)) > delay.saturating_mul(CEILING_DELAYS) {
        return State::Stands;
    }
    if lasting(gauges) <= delay {
        return State::Calm { above_since: None, ended };
    }
    let since = above_since.unwrap_or(now);
    let lasts = now.saturating_sub(since) >= delay.saturating_mul(INTERVAL_DELAYS);
    let again =
        ended.is_some_and(|at| now.saturating_sub(at) < delay.saturating_mul(REMEMBERED_DELAYS));
    if lasts || again { State::Stands } else { State::Calm { above_since: Some(since), ended } }
}

/// How many times `OverloadDelay` the delay has to be above it. Shorter refuses bursts; longer lets a queue grow:
/// at twice of what can be done it grows by a second each second.
pub const INTERVAL_DELAYS: u64 = 8;

/// How many times `OverloadDelay` is too much at once, without any interval.
pub const CEILING_DELAYS: u64 = 10;

/// For how many times `OverloadDelay` the next standing queue needs no interval. Shorter lets the delay swing under
/// a load that stays; longer takes a burst for one.
pub const REMEMBERED_DELAYS: u64 = 100;

const _: () = assert!(INTERVAL_DELAYS < CEILING_DELAYS && CEILING_DELAYS < REMEMBERED_DELAYS);
