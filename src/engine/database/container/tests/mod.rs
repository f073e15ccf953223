//! Tests of containers: what ClamAV signed, what a test key signed, and everything that was changed.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and its inputs are its own"
)]

mod archives;
mod fixtures;
mod loading;
mod patches;
mod seals;
mod signing;

use super::*;
use crate::engine::database::Alone;

/// A time at which the certificates of the test data are valid: January 2027.
const NOW: u64 = 1_800_000_000;

fn verified(name: &str, bytes: &[u8], trust: &Trust) -> Result<(), ContainerFault> {
    verify(name, bytes, None, trust, Limits::default(), &Alone).map(drop)
}
