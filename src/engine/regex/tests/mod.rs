//! What clamscan 1.4.6 counts, flag by flag and offset by offset; faults with their place; limits.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and its inputs are its own"
)]

mod automata;
mod counts;
mod equal;
mod limits;

use super::{Outcome, RegexFlags, Shelf, Window};

/// The count of one regex; `letters` are its flags.
fn count(regex: &[u8], letters: &str, window: Option<(u64, u64)>, bytes: &[u8]) -> Outcome {
    let flags = RegexFlags::parse(letters.as_bytes()).expect("flags of the test");
    super::check(regex, flags).expect("a regex of the test");
    let window = window.map(|(offset, shift)| Window { from: offset, to: offset + shift });
    Shelf::new([(regex, flags)]).count(0, bytes, window)
}
