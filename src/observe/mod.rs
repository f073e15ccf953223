//! What happened, in one table: every event with its level and its text.
//!
//! ```text
//!   shards, control ── Event ──▶ journal (runtime) ── render ──▶ the log
//! ```
//!
//! An event is a fact with values; its text is made here and nowhere else, so that a message can be
//! found, translated and counted. To add one: a variant, its level, its text, a row in the test.
//!
//! Absent on purpose: where events go, and the time they happened (the edge adds it).

#![forbid(unsafe_code)]

mod event;

pub use event::{DirectoryState, Event, Level, Message, ReputationState};
