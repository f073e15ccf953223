//! What comes out of a decoder, on its way through filters: bytes wait until the block that a filter is for has
//! come out whole.

use super::filters::{Kind, undo};
use crate::engine::unpack::lz::window::Room;
use crate::engine::unpack::parts::{copy, wide};

/// The window of a member, or of all that are packed as one, and what waits behind it.
pub(super) struct Output {
    window: Vec<u8>,
    at: usize,
    /// Bytes in the window since it was made.
    total: u64,
    /// Bytes that were not given out, and where they begin in the member.
    queue: Vec<u8>,
    given: usize,
    start: u64,
    /// In the order in which they were read.
    filters: Vec<Filter>,
    /// Whether a filter came too late or was for too much.
    pub(super) is_damaged: bool,
}

#[derive(Clone, Copy)]
struct Filter {
    kind: Kind,
    /// Where its block begins in the member.
    start: u64,
    length: usize,
}

impl Output {
    /// With a window of 2 to the power of `width` bytes.
    pub(super) fn new(width: u32) -> Self {
        Self {
            window: vec![0; 1_usize.wrapping_shl(width)],
            at: 0,
            total: 0,
            queue: Vec::new(),
            given: 0,
            start: 0,
            filters: Vec::new(),
            is_damaged: false,
        }
    }

    /// For the next member, which may refer to what came out before.
    pub(super) fn begin(&mut self) {
        self.queue.clear();
        self.given = 0;
        self.start = 0;
        self.filters.clear();
        self.is_damaged = false;
    }

    /// Forgets what came out before.
    pub(super) const fn forget(&mut self) {
        self.total = 0;
    }

    pub(super) fn put(&mut self, byte: u8) {
        if let Some(slot) = self.window.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1) & self.mask();
        self.total = self.total.saturating_add(1);
        self.queue.push(byte);
    }

    /// Puts bytes again that came out `distance` bytes ago. In front of the first byte are zeros, as for RAR itself.
    pub(super) fn copy(&mut self, length: usize, distance: u64) {
        let back = usize::try_from(distance).unwrap_or(usize::MAX);
        let is_before = distance == 0 || distance > self.total || back > self.window.len();
        for _ in 0..length {
            if is_before {
                self.put(0);
                continue;
            }
            let from = self.at.wrapping_sub(back) & self.mask();
            let byte = self.window.get(from).copied().unwrap_or(0);
            self.put(byte);
        }
    }

    /// A filter for `length` bytes which begin so many behind the next byte that comes out.
    pub(super) fn filter(&mut self, kind: Kind, ahead: u64, length: usize) {
        let place = self.start.saturating_add(wide(self.queue.len()));
        let start = place.saturating_add(ahead);
        if length > FILTER_BYTES_MAX || self.filters.len() >= FILTERS_MAX {
            self.is_damaged = true;
        } else if length > 0 {
            self.filters.push(Filter { kind, start, length });
        }
    }

    /// Gives out what waits for nothing.
    pub(super) fn give(&mut self, room: &mut Room<'_>) {
        self.settle();
        let end = self.filters.iter().map(|filter| filter.start).min();
        let ready = end.map_or(self.queue.len(), |end| self.place_of(end).min(self.queue.len()));
        let bytes = self.queue.get(self.given..ready).unwrap_or_default();
        let count = copy(bytes, room.output.get_mut(room.made..).unwrap_or_default());
        room.made = room.made.saturating_add(count);
        self.given = self.given.saturating_add(count);
        if self.given == self.queue.len() || self.given >= QUEUE_BYTES {
            self.queue.drain(..self.given.min(self.queue.len()));
            self.start = self.start.saturating_add(wide(self.given));
            self.given = 0;
        }
    }

    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len().saturating_sub(self.given)
    }

    /// Nothing more will come out: filters whose block is not whole are not undone.
    pub(super) fn end(&mut self) {
        self.settle();
        self.is_damaged |= !self.filters.is_empty();
        self.filters.clear();
    }

    /// Undoes the filters whose blocks are whole.
    fn settle(&mut self) {
        while let Some(filter) = self.filters.first().copied() {
            let begin = self.place_of(filter.start);
            let end = begin.saturating_add(filter.length);
            if filter.start < self.start.saturating_add(wide(self.given)) {
                // Its first bytes are out.
                self.is_damaged = true;
                self.filters.remove(0);
                continue;
            }
            let Some(block) = self.queue.get(begin..end) else { return };
            let mut block = block.to_vec();
            undo(filter.kind, filter.start, &mut block);
            if let Some(slots) = self.queue.get_mut(begin..end) {
                copy(&block, slots);
            }
            self.filters.remove(0);
        }
    }

    fn place_of(&self, place: u64) -> usize {
        usize::try_from(place.saturating_sub(self.start)).unwrap_or(usize::MAX)
    }

    const fn mask(&self) -> usize {
        self.window.len().wrapping_sub(1)
    }
}

/// RAR itself has no larger blocks.
const FILTER_BYTES_MAX: usize = 4 << 20;
const FILTERS_MAX: usize = 8_192;
/// Given bytes are dropped in pieces.
const QUEUE_BYTES: usize = 64 << 10;
/// What waits takes no more than this, beside the window: a block and what comes out at a time.
pub(super) const OUTPUT_BYTES: u64 = 8 << 20;
