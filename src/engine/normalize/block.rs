//! Sixteen bytes at a time: which of them end a run, and the run written in one step.
//!
//! A run is written as a whole block and cut to its length: a store and a subtraction, whatever its
//! length is, where a byte at a time costs a branch each and a wrong guess at its end. Everything here is
//! plain code over arrays, which compilers turn into vector instructions of every machine.

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 16;

/// Some bytes of a block: all bits of those that are meant, the first eight bytes and the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask(u64, u64);

impl Mask {
    /// The bytes of which `is` is true; written without branches, `is` becomes a few comparisons.
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> Self {
        let [low, high] = {
            let meant = block.map(|byte| if is(byte) { u8::MAX } else { 0 });
            let bits = u128::from_le_bytes(meant);
            [bits, bits >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0))
        };
        Self(low, high)
    }

    #[inline]
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0, self.1 & other.1)
    }

    #[inline]
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 | other.1)
    }

    #[inline]
    pub(super) const fn not(self) -> Self {
        Self(!self.0, !self.1)
    }

    /// How many bytes lie before the first one that is meant; all where none is.
    #[inline]
    pub(super) const fn before(self) -> usize {
        let first = self.0.trailing_zeros() >> 3;
        let more = if first == 8 { self.1.trailing_zeros() >> 3 } else { 0 };
        first.saturating_add(more) as usize
    }
}

/// Appends the first `length` bytes of a block.
#[inline]
pub(super) fn append(block: &[u8; BLOCK], length: usize, out: &mut Vec<u8>) {
    let end = out.len().saturating_add(length);
    out.extend_from_slice(block);
    out.truncate(end);
}

/// In lower case.
#[inline]
pub(super) fn lower(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    block.map(|byte| byte.to_ascii_lowercase())
}
