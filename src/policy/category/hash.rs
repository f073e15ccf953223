//! One hash for a host and all its parents: it runs from the right, so each parent falls off on the way.
//!
//! A path or a port behind the host goes on from the host's state, left to right. The hash is not keyed:
//! who writes a list could make entries that collide. That list then cannot be built (the build bounds how
//! far an entry may be from its place), and what is in force stays in force.

/// The state after some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const START: Self = Self(0x243f_6a88_85a3_08d3);

    pub(super) const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
    }

    /// Goes on over bytes behind a host.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |state, &byte| state.byte(byte))
    }

    /// The state after a whole host.
    pub(super) fn of_host(host: &[u8]) -> Self {
        host.iter().rev().fold(Self::START, |state, &byte| state.byte(byte))
    }

    /// The value of the state: every bit of it depends on every byte.
    pub(super) const fn value(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }
}
