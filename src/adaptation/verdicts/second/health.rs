//! When a store is asked, and what is said about it once.
//!
//! Faults in a row open the breaker of [`crate::policy::reputation::breaker`]: five of them, then a pause of 5 s
//! that doubles up to 5 min. A refusal (`-NOAUTH`, `-OOM`, `-READONLY`, `-MOVED`) is a matter for the
//! administrator: it is told once for each kind, until the store works again or there are too many kinds.

use std::time::Instant;

use crate::policy::reputation::breaker::{Breaker, Change};

/// Words of the store about a command that it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The first word, as in `OOM`; bounded, printable.
    pub code: Box<str>,
    /// All of it; bounded, printable.
    pub text: Box<str>,
}

impl Refusal {
    pub(super) fn of(line: &[u8]) -> Self {
        let shown = |bytes: &[u8], max: usize| {
            let bytes = bytes.get(..max).unwrap_or(bytes);
            bytes.escape_ascii().to_string().into_boxed_str()
        };
        let code = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        Self { code: shown(code, CODE_BYTES_MAX), text: shown(line, TEXT_BYTES_MAX) }
    }
}

/// How a store is doing, over all connections to it.
#[derive(Debug)]
pub struct Health {
    breaker: Breaker,
    told: Vec<Box<str>>,
}

impl Health {
    /// Of a store that nothing is known about.
    #[must_use]
    pub const fn new() -> Self {
        Self { breaker: Breaker::new(), told: Vec::new() }
    }

    /// Whether it may be connected to, or asked, now.
    pub fn may_ask(&mut self, now: Instant) -> bool {
        self.breaker.may_ask(now)
    }

    /// It answered a question, whatever it knows. What that changed, for the log.
    pub fn answered(&mut self) -> Option<Change> {
        let change = self.breaker.succeeded();
        if change.is_some() {
            self.told.clear();
        }
        change
    }

    /// It did not: late, closed, or not to be understood. What that changed, for the log.
    pub fn failed(&mut self, now: Instant) -> Option<Change> {
        self.breaker.failed(now)
    }

    /// It refused; whether that is to be told.
    pub fn refused(&mut self, refusal: &Refusal) -> bool {
        let is_new = !self.told.contains(&refusal.code) && self.told.len() < TOLD_MAX;
        if is_new {
            self.told.push(refusal.code.clone());
        }
        is_new
    }
}

/// Kinds of refusals that are told.
const TOLD_MAX: usize = 16;
/// Bytes of the first word; the longest of Redis is `NOREPLICAS`.
const CODE_BYTES_MAX: usize = 24;
/// Bytes of a text, before it is escaped.
const TEXT_BYTES_MAX: usize = 200;
