//! Which positions of a block may begin a gram of a family.
//!
//! Two steps. The *sieve* looks at some positions (every third for grams of six bytes, every second for
//! grams of three, every one for pairs, of which it sees halves of bytes only) and lists those around
//! which a gram may lie; it is one function in several versions, scalar, SSE2 and AVX2, chosen at run
//! time, and the scalar one is the oracle of a property test. What it lists is then looked up in the
//! *bitmap*, gram by gram. AVX-512 is absent: what could not be
//! measured is not here. All versions take the same slices, so the front is safe; inside the vector
//! versions every access carries its proof.
//!
//! Measured on an AMD EPYC (Zen 4), `benches/matcher/`: a list of positions written where one passes costs
//! a misprediction each, about 30 ns, so eights of positions are listed with a mask and without a branch.

#![expect(unsafe_code, reason = "vector loads and gathers; every block carries its proof")]

#[cfg(target_arch = "x86_64")]
mod avx2;
pub(in crate::engine) mod block;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod sse2;

use super::hash;
use zerocopy::little_endian::U32;

/// A family's tables and how they are probed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe<'t> {
    pub(super) shape: Shape,
    /// Whether letters are looked at without their case.
    pub(super) fold: bool,
    /// Of the sieve's hash.
    pub(super) salt: u32,
    /// Of the bitmap's hash.
    pub(super) factor: u64,
    /// log2 of the number of words.
    pub(super) sieve_log2: u32,
    /// Exactly 2^`sieve_log2` words; for pairs [`PAIR_SIEVE_WORDS`].
    pub(super) sieve: &'t [U32],
    /// log2 of the number of words; 11 for pairs.
    pub(super) words_log2: u32,
    /// Exactly 2^`words_log2` words.
    pub(super) words: &'t [U32],
}

/// The grams of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Six bytes, sieved at every third position.
    Sixes,
    /// Three bytes, sieved at every second position.
    Threes,
    /// Two bytes, looked up at every position.
    Pairs,
}

impl Shape {
    /// The shape of a gram length that a checked image may have.
    pub(super) const fn of(gram_bytes: u8) -> Self {
        match gram_bytes {
            6 => Self::Sixes,
            3 => Self::Threes,
            _ => Self::Pairs,
        }
    }

    pub(super) const fn gram_bytes(self) -> usize {
        match self {
            Self::Sixes => 6,
            Self::Threes => 3,
            Self::Pairs => 2,
        }
    }

    /// From one position of the sieve to the next.
    const fn stride(self) -> usize {
        match self {
            Self::Sixes => 3,
            Self::Threes => 2,
            Self::Pairs => 1,
        }
    }

    /// Bytes that the sieve looks at from each position: the grams that begin before the next one.
    const fn window(self) -> usize {
        self.gram_bytes() + self.stride() - 1
    }
}

impl Probe<'_> {
    /// What bytes are masked with, the same in each.
    #[inline]
    const fn byte_mask(&self) -> u8 {
        if self.fold { FOLD } else { 0xFF }
    }

    /// The gram as it is looked up.
    #[inline]
    pub(super) const fn folded(&self, gram: u64) -> u64 {
        gram & u64::from_le_bytes([self.byte_mask(); 8])
    }

    /// Whether the bitmap knows a gram, folded before.
    #[inline]
    fn knows(&self, gram: u64) -> bool {
        let product = hash::product(gram, self.factor);
        let bits = hash::bits(product);
        word(self.words, hash::word(product, self.words_log2)) & bits == bits
    }
}

/// The positions found in one block, in rising order. Kept between blocks for its memory.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What the sieve lists: the index of the first of eight positions, and a bit for each.
    marks: Vec<u32>,
    marks_count: usize,
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

    /// Lists eight positions from `first` on, one stride apart, unless none of them passes.
    #[inline]
    fn mark(&mut self, first: u32, passing: u32) {
        if let Some(slot) = self.marks.get_mut(self.marks_count) {
            *slot = first << 8 | passing;
            self.marks_count += usize::from(passing != 0);
        }
    }

    fn start(&mut self, bytes: usize) {
        self.count = 0;
        self.marks_count = 0;
        if self.list.len() <= bytes {
            self.list.resize(bytes + 1, 0);
            self.marks.resize(bytes / 8 + 2, 0);
        }
    }
}

/// Writes the indices of `data` at which a gram may begin. `data` is at most 16 MiB long; callers bring
/// blocks of 4 KiB.
pub(super) fn probe(probe: &Probe<'_>, data: &[u8], found: &mut Found) {
    probe_with(best(), probe, data, found);
}

/// The versions of the sieve, the best one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    #[cfg(any(test, not(target_arch = "x86_64")))]
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// The best version for this machine.
fn best() -> Version {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") { Version::Avx2 } else { Version::Sse2 }
    }
    #[cfg(not(target_arch = "x86_64"))]
    Version::Scalar
}

/// As [`probe`], in one version. A version that the machine does not have is the scalar one.
pub(super) fn probe_with(version: Version, probe: &Probe<'_>, data: &[u8], found: &mut Found) {
    assert!(probe.words.len() == 1 << probe.words_log2, "the image was checked");
    assert!(probe.sieve.len() == 1 << probe.sieve_log2, "the image was checked");
    found.start(data.len());
    let done = match version {
        #[cfg(any(test, not(target_arch = "x86_64")))]
        Version::Scalar => 0,
        #[cfg(target_arch = "x86_64")]
        Version::Sse2 => sse2::sieve(probe, data, found),
        #[cfg(target_arch = "x86_64")]
        Version::Avx2 => avx2::sieve(probe, data, found),
    };
    let done = scalar::sieve(probe, data, done, found);
    scalar::look_up(probe, data, done, found);
}

/// Asks for the cache line of a value before it is needed.
#[inline]
pub(super) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is part of the architecture, and a prefetch reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::hint::black_box(value);
}

/// A word of a table; 0 where there is none.
#[inline]
fn word(words: &[U32], index: u64) -> u32 {
    usize::try_from(index).ok().and_then(|index| words.get(index)).map_or(0, |word| word.get())
}

/// For the lower and the upper half of the first byte of a pair, and of the second one: sixteen bytes,
/// one for each value, with a bit for each of eight groups of pairs. A pair may be one of the family
/// where one group has all four of its halves.
pub(super) const PAIR_SIEVE_WORDS: usize = 16;

/// What makes both cases of a letter equal: other bytes collide too, and are told apart later.
pub(super) const FOLD: u8 = 0xDF;
