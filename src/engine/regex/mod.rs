//! Regexes of logical signatures (`clamav.md` A5.5): what PCRE2 means by them, over the bytes of a layer.
//!
//! ```text
//!   load   (pattern, flags) ─▶ check ─▶ a row, or the place of the fault
//!   open   rows ─▶ Shelf: nothing compiled yet
//!   scan   Shelf::count(id, bytes, window) ─▶ compile at first use
//!            ├─ bytes that every match has are not there ─────────────▶ Count(0)
//!            ├─ an automaton that is equal to the regex ──────────────▶ Count
//!            └─ PCRE2, where an automaton that matches more has a match ─▶ Count | LimitReached
//! ```
//!
//! Nine of ten regexes of published sets are regular. [`grammar`] turns those into automata, which
//! read each byte once, so that a long page takes time in proportion and no layer is unscanned because of
//! them. The others have back references or look around; for them an automaton says where PCRE2 need not
//! look.
//!
//! The subject is bytes, never UTF-8. PCRE2's just-in-time compiler stays off: it needs pages that
//! are writable and executable, which a hardened unit (`MemoryDenyWriteExecute=yes`) forbids.
//!
//! Limits: [`automaton`] has those of automata, after which mostly PCRE2 is asked. Its limits are ClamAV's
//! 100,000 steps for each place where a match may begin; where those are not enough, at a few places
//! 20 million steps; 64 MiB of heap. ClamAV, which also has a depth of 2,000, takes a regex that reaches
//! a limit for no match; here it is looked for further, and when that is not enough either the caller is told
//! ([`Outcome::LimitReached`]), so that the layer is unscanned instead of silently clean. PCRE2 counts
//! steps anew for each place, so their sum has no limit of its own; [`search`] gives it one.
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
