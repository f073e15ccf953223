//! The matcher: all body patterns against one stream of bytes, in one pass.
//!
//! ```text
//!            BodySignature…                        bytes of a layer, in any chunks
//!                  │ compile                                   │ feed
//!                  ▼                                           ▼
//!   segments ─▶ anchors ─▶ tables ═══▶ sieve ─▶ bitmap ─▶ entries by gram ─▶ check 8 bytes
//!                                                                                          │
//!                                Hit ◀── gaps, offsets, targets ◀── program over the part ◀┘
//! ```
//!
//! A caller gives every layer a [`State`], feeds it in order with what is known of the layer, and ends
//! it with [`Matcher::finish`]. Hits come in the order in which they became certain, and both the hits
//! and their order are the same for every way of cutting the layer into chunks.
//!
//! Absent on purpose: names, digests, decoding, and any opinion about what a hit means.

mod anchor;
mod bitmap;
mod boundary;
mod chain;
mod compile;
mod decide;
pub mod facts;
pub mod grams;
mod hash;
mod image;
mod offset;
mod program;
mod scan;
mod segment;
mod simd;
mod state;
#[cfg(test)]
mod tests;

use crate::engine::database::signature::SignatureId;
pub use compile::compile;
pub use facts::{Executable, ExecutableMap, LayerFacts, RawSection, TargetSet, VersionInformation};
pub use grams::GramCounts;
pub use image::MatcherFault;
use image::Tables;
pub(super) use simd::block;
pub use state::{HITS_MAX, State};

/// A signature matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// The position in the layer at which it became certain, in bytes. Hits come sorted by it.
    pub at: u64,
    /// Which one.
    pub signature: SignatureId,
    /// Where the match begins, in bytes from the start of the layer.
    pub offset: u64,
}

/// A compiled set, viewed in place.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'image> {
    tables: Tables<'image>,
}

impl<'image> Matcher<'image> {
    /// Views a block made by [`compile()`]. Looks at the header and the section directory only; see
    /// [`Matcher::check`].
    ///
    /// # Errors
    ///
    /// [`MatcherFault`] says which rule of the layout is broken.
    pub fn open(bytes: &'image [u8]) -> Result<Self, MatcherFault> {
        Ok(Self { tables: Tables::open(bytes)? })
    }

    /// Looks at every index of the block. An image from outside is checked once before it is used;
    /// without that a damaged one may miss matches or panic, but never reads outside its bytes.
    ///
    /// # Errors
    ///
    /// [`MatcherFault`] says which rule of the layout is broken.
    pub fn check(&self) -> Result<(), MatcherFault> {
        self.tables.check()
    }

    /// Takes the next bytes of a layer; new hits are appended to `hits`, sorted.
    ///
    /// Of each signature at most its `hits_max` hits are reported in one layer (never more than
    /// [`HITS_MAX`]), one for each place where its last part begins. Without signatures this looks at
    /// no byte.
    pub fn feed(&self, state: &mut State, bytes: &[u8], layer: &LayerFacts, hits: &mut Vec<Hit>) {
        self.tables.feed(state, bytes, layer, hits);
    }

    /// Ends a layer: offsets from the end, right edges at the end, hits that were held. Nothing may be
    /// fed to the state after it but by [`State::reset`]. An executable still unknown is absent.
    pub fn finish(&self, state: &mut State, layer: &LayerFacts, hits: &mut Vec<Hit>) {
        let executable = match &layer.executable {
            Executable::Unknown => Executable::Absent,
            known @ (Executable::Absent | Executable::Known(_)) => known.clone(),
        };
        let layer = LayerFacts { targets: layer.targets, executable, size: Some(state.position()) };
        self.tables.finish(state, &layer, hits);
    }

    /// Figures of the set, for `db info` and for bounds in tests.
    #[must_use]
    pub fn facts(&self) -> MatcherFacts {
        MatcherFacts::of(&self.tables)
    }
}

/// Figures of a compiled set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatcherFacts {
    /// Signatures, those that can never match included.
    pub signatures_count: usize,
    /// Distinct segments.
    pub contents_count: usize,
    /// One for each family of the filter that is in use.
    pub families: Vec<FamilyFacts>,
    /// Contents looked for at given positions only.
    pub fixed_count: usize,
    /// Contents without two adjacent fixed bytes: tried at every position, and slow.
    pub dense_count: usize,
    /// The most entries that one gram leads to.
    pub chain_max: u32,
    /// The anchors expected most often, the worst one first: 20, or all where there are fewer.
    pub costly: Vec<CostlyAnchor>,
    /// The most signatures that share one content.
    pub users_max: u32,
    /// Bytes of a layer kept between two chunks.
    pub window_bytes: u32,
}

/// Figures of one family of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyFacts {
    /// Bytes of a gram.
    pub gram_bytes: u8,
    /// Whether it is looked at without regard to case.
    pub ignores_case: bool,
    /// Whether it holds later parts only, which nobody looks for before a first one was seen.
    pub follows: bool,
    /// The kinds of layers that it serves, as bits by target number: in a large set families that differ
    /// in nothing else are for one kind each, and one is for all others.
    pub targets: u16,
    /// Parts that have their anchor here.
    pub parts_count: u32,
    /// Bits of the sieve; none for grams of two bytes.
    pub sieve_bits: usize,
    /// Bits of the sieve that are set.
    pub sieve_bits_set: usize,
    /// Bits of the bitmap.
    pub bits_count: usize,
    /// Bits that are set: the share of these, squared, is the share of probes that pass by chance.
    pub bits_set: usize,
    /// The most entries of one gram.
    pub chain_max: u32,
    /// Anchors expected in a MiB of the traffic that was trained on (of the built-in model, untrained).
    pub expected_per_mib: u64,
}

/// An anchor that is expected often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostlyAnchor {
    /// Its bytes; letters in upper case in a set that ignores case.
    pub bytes: Box<[u8]>,
    /// Parts that have it.
    pub parts_count: u32,
    /// How often it is expected in a MiB.
    pub expected_per_mib: u64,
}

impl MatcherFacts {
    fn of(tables: &Tables<'_>) -> Self {
        Self {
            signatures_count: tables.rules.len(),
            contents_count: tables.contents.len(),
            families: tables.families.iter().map(|family| family_facts(tables, family)).collect(),
            costly: tables.costly.iter().map(costly_anchor).collect(),
            fixed_count: tables.fixed.len(),
            dense_count: tables.dense.len(),
            chain_max: tables.header.chain_max.get(),
            users_max: tables.header.users_max.get(),
            window_bytes: tables.header.window_bytes.get(),
        }
    }
}

fn family_facts(tables: &Tables<'_>, family: &image::Family) -> FamilyFacts {
    let words = tables.family_words(family).unwrap_or_default();
    let sieve = tables.family_sieve(family).unwrap_or_default();
    let set = |words: &[zerocopy::little_endian::U32]| {
        words.iter().map(|word| word.get().count_ones() as usize).sum()
    };
    let served = (0..u16::BITS).map(|bit| 1 << bit).filter(|bit| family.serves(*bit));
    FamilyFacts {
        gram_bytes: family.gram_bytes,
        ignores_case: family.fold != 0,
        follows: family.parts == image::LATER_PARTS,
        targets: served.fold(0, |all, bit| all | bit),
        parts_count: family.parts_count.get(),
        sieve_bits: sieve.len() * 32,
        sieve_bits_set: set(sieve),
        bits_count: words.len() * 32,
        bits_set: set(words),
        chain_max: family.chain_max.get(),
        expected_per_mib: family.rate.get() >> 10,
    }
}

fn costly_anchor(row: &image::Costly) -> CostlyAnchor {
    let bytes = row.gram.get().to_le_bytes();
    let bytes = bytes.get(..row.gram_bytes.get() as usize).unwrap_or(&bytes);
    CostlyAnchor {
        bytes: bytes.into(),
        parts_count: row.parts_count.get(),
        expected_per_mib: row.rate.get() >> 10,
    }
}
