//! Verdicts that are known already: by the content of a body, and as a bet by its address and validator.
//!
//! Nothing may be reported clean that was not scanned. So a verdict belongs to a [`ContentKey`] and to
//! nothing less: SHA-256 over the bytes of a body, how they are coded, what they are said to be, and the
//! [`Epoch`] of the engine that scanned them. What an address promises only says which verdict to expect.
//!
//! ```text
//!   heads ──▶ expect ──┬─ Scan ─────────────── scan ──▶ verdict ──▶ learn ──▶ News ──▶ other shards: hear
//!                      ├─ Bet: hold, digest ──┬─ the digest has a verdict
//!                      │                      └─ it has none: scan what was held
//!                      └─ Known: answer       (a trusted site, or the whole body is in hand)
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | what a verdict, a promise and a broken download are known by | [`key`], [`heads`] |
//! | which verdicts may be kept, and their bytes | [`settled`] |
//! | the table of a shard: bounded, for a time | [`table`] |
//! | scan, bet or answer: one pure function | [`expect()`] |
//! | what shards tell each other | [`news`] |
//! | a file for the next start | [`snapshot`] |
//! | a store that several gateways share | [`second`] |
//!
//! The retry of a download that ended broken is refused for a while ([`Table::blocked`]): the client would
//! get the same part of it again and again.
//!
//! Absent on purpose: clocks (seconds are passed in), files, sockets, the choice of what is worth a digest.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

pub mod expect;
pub mod heads;
pub mod key;
pub mod news;
mod phrases;
pub mod second;
pub mod settled;
mod sieve;
pub mod snapshot;
pub mod table;

pub use expect::{Expectation, Keys, expect};
pub use key::{ContentKey, Epoch, Fingerprint, PromiseKey, SiteKey, Validator};
pub use news::{Broken, Fact, News};
pub use settled::Settled;
pub use table::{Counts, Limits, Table};
