//! Addresses, lists and categories from outside: no spelling escapes, real lists load, the database agrees
//! with a plain search, a lookup allocates nothing.
//!
//! The real lists are read from the folder that `BALEEN_TEST_DATA` names; without it their tests say that
//! they were skipped.

#![expect(clippy::print_stdout, reason = "figures, and what was skipped")]

mod counting;
mod evasion;
mod lists;
mod lookalikes;
mod reference;
mod silence;
