//! What reputation services know about addresses: DNS block lists and a service over HTTPS.
//!
//! ```text
//!   Question ─▶ Desk ─┬─ cache ──────────────────────────────▶ Opinion
//!                     ├─ Lookup (DNS), a few for each list ─┐
//!                     └─ Batch (JSON over HTTPS) ───────────┴▶ Opinion, kept in the cache
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | what is asked about: host and path, never a query | [`question`] |
//! | what an administrator configures | [`options`] |
//! | names in the zones of lists (RFC 5782) | [`names`] |
//! | DNS messages (RFC 1035) | [`dns`] |
//! | one DNS question: servers, attempts, TCP | [`lookup`] |
//! | documents of the HTTPS service | [`service`] |
//! | answers that are still good | [`cache`] |
//! | leaving a service alone that fails | [`breaker`] |
//! | all of it together, as a state machine | [`desk`] |
//!
//! A reputation service is asked only when local data knows nothing, and only behind `[Root] UseCloud`.
//! It learns which hosts are visited, so what nobody outside can know about (private addresses, names
//! without a dot, `.local` and the like) is never asked.
//!
//! A dead block list is often sold, and then lists the whole world. So the first hit of a list, and the first
//! of every hour, counts only after the list was asked for its test point that must not be listed.
//!
//! Absent on purpose: sockets, threads, clocks, random numbers (all passed in).

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::Categories;

pub mod breaker;
pub mod cache;
pub mod desk;
pub mod dns;
pub mod lookup;
pub mod names;
pub mod options;
pub mod question;
pub mod service;

#[cfg(test)]
mod tests;

pub use desk::{Desk, Output};
pub use options::{DnsList, ListFault, Options, ServiceOptions};
pub use question::Question;

/// What the reputation services say about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in these categories; at least one.
    Categories(Categories),
    /// Every service that was asked answered, and none knows it.
    Unknown,
    /// It could not be asked to the end, and nothing was found before.
    NoAnswer(NoAnswer),
}

/// An answer, who gave it, and how long it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// The answer.
    pub answer: Answer,
    /// Lists and reasons, for the log and the administrator; empty where nothing was found.
    pub source: Arc<str>,
    /// Until when the answer may be used again; `None`: not at all.
    pub until: Option<Instant>,
}

impl Opinion {
    /// No answer, for this reason.
    #[must_use]
    pub fn none(why: NoAnswer) -> Self {
        Self { answer: Answer::NoAnswer(why), source: Arc::from(""), until: None }
    }

    /// Nobody knows the address; not to be kept.
    #[must_use]
    pub fn unknown() -> Self {
        Self { answer: Answer::Unknown, source: Arc::from(""), until: None }
    }
}

impl cache::Kept for Opinion {
    fn until(&self) -> Option<Instant> {
        self.until
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoAnswer {
    /// No service is configured, or `UseCloud` is off.
    Off,
    /// Too many questions are waiting.
    Busy,
    /// No answer came in time.
    Time,
    /// The services failed too often and are left alone for a while.
    Broken,
    /// A service answered with something that is no answer.
    Refused,
    /// The service has ended.
    Ended,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Off => "not asked",
            Self::Busy => "too many questions are waiting",
            Self::Time => "no answer in time",
            Self::Broken => "left alone after failures",
            Self::Refused => "the service refused the question",
            Self::Ended => "the service has ended",
        })
    }
}
