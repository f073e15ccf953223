//! Members of a stream that is decoded frame by frame: those of a cabinet's folder, and those of compiled help.
//!
//! The members lie in the stream one behind another, and are handed on as it is decoded. One that begins in
//! front of what was decoded last is read by decoding the stream again, which is done a few times only.

use crate::engine::unpack::parts::{at_most, copy, wide};
use crate::engine::verdict::Why;

/// Where in a stream decoding stands.
#[derive(Default)]
pub(in crate::engine::unpack) struct Frames {
    /// What came out of the last frame, and where that begins.
    pub(in crate::engine::unpack) frame: Vec<u8>,
    start: u64,
    /// Why no frame follows.
    pub(in crate::engine::unpack) fault: Option<Why>,
    restarts: u32,
}

impl Frames {
    /// Whether a place may still be read: if not, the stream has to be decoded again.
    pub(in crate::engine::unpack) const fn may_read(&self, place: u64) -> bool {
        place >= self.start
    }

    /// For another stream.
    pub(in crate::engine::unpack) fn reset(&mut self) {
        *self = Self::default();
    }

    /// To decode the same stream again. False when that was done too often.
    pub(in crate::engine::unpack) fn restart(&mut self) -> bool {
        let restarts = self.restarts.saturating_add(1);
        *self = Self { restarts, ..Self::default() };
        restarts <= RESTARTS_MAX
    }

    /// Makes room for the next frame.
    pub(in crate::engine::unpack) fn advance(&mut self) {
        self.start = self.end();
        self.frame.clear();
    }

    /// Where the next frame begins.
    pub(in crate::engine::unpack) fn end(&self) -> u64 {
        self.start.saturating_add(wide(self.frame.len()))
    }

    /// Hands on what there is from a place on, at most `left` bytes.
    pub(in crate::engine::unpack) fn give(
        &self,
        place: u64,
        left: u64,
        output: &mut [u8],
    ) -> usize {
        let skipped = place.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let rest = skipped.and_then(|skip| self.frame.get(skip..)).unwrap_or_default();
        copy(rest.get(..at_most(rest.len(), left)).unwrap_or_default(), output)
    }
}

/// No program writes members that overlap.
const RESTARTS_MAX: u32 = 16;
