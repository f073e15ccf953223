//! Regexes of logical signatures (`clamav.md` A5.5): PCRE2 over the bytes of a layer.
//!
//! ```text
//!   load   (pattern, flags) ─▶ check ─▶ a row, or the place of the fault
//!   open   rows ─▶ Shelf: nothing compiled yet
//!   scan   Shelf::count(id, bytes, window) ─▶ compile at first use ─▶ Count | LimitReached
//! ```
//!
//! The subject is bytes, never UTF-8. PCRE2's just-in-time compiler stays off: it needs pages that
//! are writable and executable, which a hardened unit (`MemoryDenyWriteExecute=yes`) forbids.
//!
//! Limits: ClamAV's 100,000 steps and depth of 2,000 for each place where a match may begin; where
//! those are not enough, at a few places 20 million steps; 64 MiB of heap. ClamAV takes a regex that
//! reaches its limit for no match; here it is looked for further, and when that is not enough either the
//! caller is told ([`Outcome::LimitReached`]), so that the layer is unscanned instead of silently clean.
//! PCRE2 counts steps anew for each place, so their sum has no limit of its own; `shelf` gives it one.
//!
//! Absent on purpose: triggers, offsets as written, and the meaning of a count, which belong to
//! logical signatures.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod automaton;
mod caches;
mod class;
mod flags;
mod grammar;
mod row;
mod search;
mod shelf;
#[cfg(test)]
mod tests;
mod translate;

pub use flags::RegexFlags;
pub use shelf::{Outcome, Shelf, Window};
pub use translate::{RegexFault, check};
