//! The clamd protocol without a socket: mail servers and file shares speak it, and use the same engine.
//!
//! ```text
//!   bytes ──▶ Connection ──▶ Event: command, piece of a stream, descriptor wanted
//!     ▲           │
//!     │           └─ deadline: when to say that enough was waited for
//!   reply ◀─ Connection ◀── answer(tag, text) ◀── verdicts, in the words of clamd 1.4
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | the words of a command, and how it was framed | `command` |
//! | one connection: commands, sessions, streams, deadlines | `connection` |
//! | what is answered, byte for byte | [`reply`] |
//!
//! The protocol is clamd(8) of ClamAV 1.4, and where the manual is silent what clamd was seen to answer.
//! What differs, on purpose:
//!
//! - What could not be scanned is never `OK`; clamd says so of what is over a limit. It is an `ERROR` with
//!   the reason, or a heuristic `FOUND` where the settings ask for it ([`Unchecked`]).
//! - `SHUTDOWN`, `DETSTATS` and `DETSTATSCLEAR` are unknown commands: no client ends an administrator's service.
//! - A stream over its limit does not cut the connection off under the answer.
//!
//! Absent on purpose: sockets, files, threads, clocks, and the scan itself.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod command;
mod connection;
pub mod reply;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use command::{Command, How};
pub use connection::{Connection, Event, Tag, Taken};

/// What a connection is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `StreamMaxLength`: bytes of one stream.
    pub stream_bytes_max: u64,
    /// Commands of one session that may be under way at a time; more wait unread.
    pub in_flight_max: u32,
    /// `CommandReadTimeout`: from the first byte of a command to its last, and for the first command at all.
    pub command_time: Duration,
    /// `IdleTimeout`: a session without anything to do.
    pub idle_time: Duration,
    /// `ReadTimeout`: a pause inside a stream.
    pub read_time: Duration,
    /// `StreamTimeout`: a stream from its beginning to its end.
    pub stream_time: Duration,
    /// What is said of an object that could not be scanned to its end.
    pub unchecked: Unchecked,
}

/// What is said of an object that could not be scanned to its end. Never `OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchecked {
    /// `ERROR` with the reason: mail filters try again later.
    Error,
    /// `FOUND` with a name that begins with `Heuristics.`: mail filters reject or quarantine at once.
    Found,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stream_bytes_max: 8 << 30,
            in_flight_max: 16,
            command_time: Duration::from_secs(30),
            idle_time: Duration::from_secs(120),
            read_time: Duration::from_secs(120),
            stream_time: Duration::from_secs(3_600),
            unchecked: Unchecked::Error,
        }
    }
}
