//! The matcher: all body patterns against one stream of bytes, in one pass.
//!
//! ```text
//!            BodySignature…                        bytes of a layer, in any chunks
//!                  │ compile                                   │ feed
//!                  ▼                                           ▼
//!   segments ─▶ anchors ─▶ tables ════════▶ stage 1: bitmap in L2 ─▶ entries by gram ─▶ check 8 bytes
//!                                                                                          │
//!                                Hit ◀── gaps, offsets, targets ◀── program over the part ◀┘
//! ```
//!
//! A caller gives every layer a [`State`], feeds it in order with what is known of the layer, and ends
//! it with [`Matcher::finish`]. Hits come in the order in which they became certain, and both the hits
//! and their order are the same for every way of cutting the layer into chunks.
//!
//! Absent on purpose: names, digests, decoding, and any opinion about what a hit means.

pub mod facts;
pub mod grams;

use crate::engine::database::signature::{BodySignature, SignatureId};
pub use facts::{Executable, ExecutableMap, LayerFacts, RawSection, TargetSet};
pub use grams::GramCounts;

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

/// Compiles patterns into one position-independent block of bytes. The n-th signature gets the id n.
/// The same signatures and counts give the same bytes.
#[must_use]
pub fn compile(signatures: &[BodySignature], training: &GramCounts) -> Vec<u8> {
    let _ = (signatures, training);
    Vec::new()
}

/// A compiled set, viewed in place.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'image> {
    bytes: &'image [u8],
}

/// Why a block of bytes is not a compiled set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatcherFault(pub &'static str);

impl<'image> Matcher<'image> {
    /// Views a block made by [`compile`]. Looks at the header and the section directory only; see [`Matcher::check`].
    ///
    /// # Errors
    ///
    /// [`MatcherFault`] says which rule of the layout is broken.
    pub fn open(bytes: &'image [u8]) -> Result<Self, MatcherFault> {
        Ok(Self { bytes })
    }

    /// Looks at every index of the block. An image from outside is checked once before it is used.
    ///
    /// # Errors
    ///
    /// [`MatcherFault`] says which rule of the layout is broken.
    pub fn check(&self) -> Result<(), MatcherFault> {
        let _ = self.bytes;
        Ok(())
    }

    /// Takes the next bytes of a layer; new hits are appended to `hits`.
    pub fn feed(&self, state: &mut State, bytes: &[u8], layer: &LayerFacts, hits: &mut Vec<Hit>) {
        let _ = (layer, hits);
        state.position += bytes.len() as u64;
    }

    /// Ends a layer: offsets from the end, right edges at the end, held hits.
    pub fn finish(&self, state: &mut State, layer: &LayerFacts, hits: &mut Vec<Hit>) {
        let _ = (state, layer, hits);
    }
}

/// What is remembered of one layer between two chunks.
#[derive(Debug, Default)]
pub struct State {
    position: u64,
}

impl State {
    /// The state at the start of a layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the state new again, for another layer; costs what was used.
    pub fn reset(&mut self) {
        self.position = 0;
    }

    /// Whether a limit of this state was reached, so that a match may have been missed
    /// (`Limit::MaxScanState`).
    #[must_use]
    pub const fn overflowed(&self) -> bool {
        false
    }

    /// Units of work spent so far: one for each candidate looked at and each eight bytes compared.
    #[must_use]
    pub const fn work(&self) -> u64 {
        0
    }
}
