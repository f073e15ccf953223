//! The last bytes of a layer, for numbers that are read beside a match.
//!
//! Bytes are added as they flow and thinned when the layer is settled, so what is kept does not depend
//! on how the layer was cut. Without byte comparisons in the set nothing is kept at all.

/// The bytes.
#[derive(Debug, Default)]
pub(super) struct History {
    bytes: Vec<u8>,
    /// The position of the first one.
    start: u64,
    keep: usize,
}

/// What can be said of a range of the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look<'b> {
    /// Its bytes.
    Bytes(&'b [u8]),
    /// Not all of them have come.
    Later,
    /// Some of them are no longer there.
    Gone,
}

impl History {
    pub(super) const fn new(keep: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, keep }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.keep > 0 {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Drops what is too far back.
    pub(super) fn settle(&mut self) {
        if let Some(old @ 1..) = self.bytes.len().checked_sub(self.keep) {
            self.bytes.drain(..old);
            self.start = self.start.saturating_add(old as u64);
        }
    }

    pub(super) fn look(&self, from: u64, length: u8) -> Look<'_> {
        let Some(before) = from.checked_sub(self.start) else {
            return Look::Gone;
        };
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        let range = before..before.saturating_add(length.into());
        self.bytes.get(range).map_or(Look::Later, Look::Bytes)
    }
}
