//! Stage 1 of the filter: which positions of a block may begin a gram of a family.
//!
//! One function in two versions, scalar and AVX2, chosen at run time; the scalar one is the oracle of
//! a property test. AVX-512 is absent: what could not be measured is not here. Both versions take the
//! same slices, so the front is safe; inside the vector version every access carries its proof.
//!
//! Measured on an AMD EPYC (Zen 4): see `benches/matcher.rs` for how, and the crate's records for figures.

#![expect(unsafe_code, reason = "vector loads and gathers; every block carries its proof")]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;

use zerocopy::little_endian::U32;

/// A family's bitmap and how it is probed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe<'t> {
    pub(super) shape: Shape,
    pub(super) factor: u64,
    /// log2 of the number of words; 11 for pairs.
    pub(super) words_log2: u32,
    /// Exactly 2^`words_log2` words.
    pub(super) words: &'t [U32],
}

/// Gram length and stride of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Eight bytes at every fourth position.
    EightByFour,
    /// Eight bytes at every position.
    EightByOne,
    /// Eight bytes at every position that is the edge of a run ([`is_edge`](super::hash::is_edge)).
    Edges,
    /// Four bytes at every fourth position.
    FourByFour,
    /// Four bytes at every second position.
    FourByTwo,
    /// Two bytes at every position.
    Pairs,
}

impl Shape {
    /// The shape of a gram length and a stride that a checked image may have.
    pub(super) const fn of(gram_bytes: u8, stride: u8, edges: bool) -> Self {
        match (gram_bytes, stride) {
            (8, 1) if edges => Self::Edges,
            (8, 4) => Self::EightByFour,
            (8, _) => Self::EightByOne,
            (4, 4) => Self::FourByFour,
            (4, _) => Self::FourByTwo,
            _ => Self::Pairs,
        }
    }

    pub(super) const fn gram_bytes(self) -> usize {
        match self {
            Self::EightByFour | Self::EightByOne | Self::Edges => 8,
            Self::FourByFour | Self::FourByTwo => 4,
            Self::Pairs => 2,
        }
    }

    pub(super) const fn stride(self) -> usize {
        match self {
            Self::EightByFour | Self::FourByFour => 4,
            Self::FourByTwo => 2,
            Self::EightByOne | Self::Edges | Self::Pairs => 1,
        }
    }
}

/// The positions found in one block, in rising order. Kept between blocks for its memory.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first `count` are positions, the rest is room.
    list: Vec<u32>,
    count: usize,
}

impl Found {
    pub(super) fn positions(&self) -> &[u32] {
        self.list.get(..self.count).unwrap_or_default()
    }

    /// Writes `index` behind the positions and keeps it when `passes`: no branch that could be mispredicted.
    #[inline]
    fn note(&mut self, index: u32, passes: bool) {
        if let Some(slot) = self.list.get_mut(self.count) {
            *slot = index;
            self.count += usize::from(passes);
        }
    }

    fn start(&mut self, room: usize) {
        self.count = 0;
        if self.list.len() < room {
            self.list.resize(room, 0);
        }
    }
}

/// Writes the indices of `data` at which a probe passes: 0, the stride, twice the stride, … as far as
/// whole grams go. `data` is at most `u32::MAX` bytes long; callers bring blocks of 4 KiB.
pub(super) fn probe(probe: &Probe<'_>, data: &[u8], found: &mut Found) {
    assert!(probe.words.len() == 1 << probe.words_log2, "the image was checked");
    found.start(data.len() / probe.shape.stride() + 1);
    #[cfg(target_arch = "x86_64")]
    let done = avx2::probe(probe, data, found);
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    scalar::probe(probe, data, done, found);
}

/// The scalar version alone: the oracle of the others, and their rival in the bench.
#[cfg(test)]
pub(super) fn probe_scalar(probe: &Probe<'_>, data: &[u8], found: &mut Found) {
    found.start(data.len() / probe.shape.stride() + 1);
    scalar::probe(probe, data, 0, found);
}
