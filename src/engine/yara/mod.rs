//! YARA rules (`clamav.md` A8): compiled when the database is built, run at the end of a layer.
//!
//! ```text
//!   build  .yar ─▶ split ─▶ one rule at a time ─▶ gate: atoms without which it cannot be true
//!                                   │                          │
//!                                   ▼                          ▼
//!                        groups of rules: boreal      patterns of our own matcher
//!   scan   hits of atoms ─▶ Rules::select ─▶ Rules::scan over the spool, only the groups selected
//! ```
//!
//! boreal looks at a whole file and evaluates every rule of a scanner; that costs tens of
//! microseconds for a small file and cannot be cut into slices. So it is the second stage: a group of
//! rules runs only on layers in which the matcher found an atom of one of them, and which are not
//! larger than that rule allows. Rules about which nothing is known run on every layer; they are
//! counted apart, because they are what costs.
//!
//! Rules are a stranger's text: each is set aside on its own with its place, includes are refused,
//! and what boreal makes of a group is run behind a fence. The rules of a file may refer to each
//! other; those of different files know nothing of each other.
//!
//! Absent on purpose: external variables (`filename` and the like: the engine decides nothing by a
//! name), modules that need other programs (`cuckoo`, `magic`), files, clocks.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod atom;
mod collection;
mod compile;
mod condition;
mod gate;
mod read;
mod rules;
mod section;
mod split;
#[cfg(test)]
mod tests;

pub(in crate::engine) use collection::Collection;
pub use collection::RuleCounts;
pub(in crate::engine) use read::Fate;
pub(in crate::engine) use rules::{AtomSet, Rules, Selection};
pub use section::YaraFault;
