//! A service that fails is left alone for a while, so that nobody waits for it in vain.
//!
//! ```text
//!            FAILURES_MAX in a row              the pause is over
//!   Closed ─────────────────────────▶ Open ◀───────────────────────▶ HalfOpen: one question
//!     ▲                                 ▲        it fails: twice the pause │
//!     └─────────────────────────────────┴──────────────────────────────────┘ it is answered
//! ```

use std::time::{Duration, Instant};

/// The breaker of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    state: State,
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { until: Instant },
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is left alone from now on.
    Opened,
    /// It answers again.
    Closed,
}

impl Breaker {
    /// Of a service that nothing is known about.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Closed { failures: 0 }, pause: PAUSE_MIN }
    }

    /// Whether the service may be asked now. After a pause one question is let through; another one only when
    /// that one has been lost for as long as the pause.
    pub fn may_ask(&mut self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { until } | State::HalfOpen { until } => {
                let is_over = now >= until;
                if is_over {
                    self.state =
                        State::HalfOpen { until: now.checked_add(self.pause).unwrap_or(now) };
                }
                is_over
            }
        }
    }

    /// The service answered.
    pub const fn succeeded(&mut self) -> Option<Change> {
        let was_closed = matches!(self.state, State::Closed { .. });
        *self = Self::new();
        if was_closed { None } else { Some(Change::Closed) }
    }

    /// The service did not answer.
    pub fn failed(&mut self, now: Instant) -> Option<Change> {
        match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if failures < FAILURES_MAX {
                    self.state = State::Closed { failures };
                    return None;
                }
                self.open(now);
                Some(Change::Opened)
            }
            State::HalfOpen { .. } => {
                self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
                self.open(now);
                None
            }
            // Of a question that was under way before.
            State::Open { .. } => None,
        }
    }

    fn open(&mut self, now: Instant) {
        self.state = State::Open { until: now.checked_add(self.pause).unwrap_or(now) };
    }
}

/// Failures in a row after which a service is left alone.
pub const FAILURES_MAX: u32 = 5;

/// The first pause.
pub const PAUSE_MIN: Duration = Duration::from_secs(5);

/// The longest pause.
pub const PAUSE_MAX: Duration = Duration::from_secs(300);
