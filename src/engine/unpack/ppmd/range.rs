//! The two range decoders that feed a `PPMd` model.

use crate::engine::unpack::lz::Bytes;

/// How a range is carried on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::unpack) enum Style {
    /// By an interval with no carry (7z).
    SevenZip,
    /// By the lower end and the range (RAR).
    Rar,
}

/// A range decoder.
pub(in crate::engine::unpack) struct Range {
    style: Style,
    range: u32,
    code: u32,
    low: u32,
    is_over: bool,
}

impl Range {
    /// Reads the first bytes. Nothing when they cannot be those of a stream.
    pub(in crate::engine::unpack) fn new(style: Style, packed: &mut impl Bytes) -> Option<Self> {
        let mut made = Self { style, range: u32::MAX, code: 0, low: 0, is_over: false };
        if style == Style::SevenZip && made.next(packed) != 0 {
            return None;
        }
        for _ in 0..4 {
            made.code = made.code.wrapping_shl(8) | made.next(packed);
        }
        (!made.is_over).then_some(made)
    }

    /// Whether bytes were used that are not there.
    pub(in crate::engine::unpack) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Which of `total` parts of the range the code lies in.
    pub(super) const fn threshold(&mut self, total: u32) -> u32 {
        self.range = match self.range.checked_div(total) {
            Some(range) if range > 0 => range,
            Some(_) | None => 1,
        };
        match self.code.wrapping_sub(self.low).checked_div(self.range) {
            Some(part) => part,
            None => 0,
        }
    }

    /// Goes into `size` parts from the part `start` on, after [`Range::threshold`].
    pub(super) fn enter(&mut self, start: u32, size: u32, packed: &mut impl Bytes) {
        let skipped = start.wrapping_mul(self.range);
        match self.style {
            Style::SevenZip => self.code = self.code.wrapping_sub(skipped),
            Style::Rar => self.low = self.low.wrapping_add(skipped),
        }
        self.range = self.range.wrapping_mul(size);
        self.normalize(packed);
    }

    /// One of two, the first having `size` of 2^14 parts. True for the second.
    pub(super) fn bit(&mut self, size: u32, packed: &mut impl Bytes) -> bool {
        match self.style {
            Style::SevenZip => {
                let bound = self.range.wrapping_shr(BIN_BITS).wrapping_mul(size);
                let is_second = self.code >= bound;
                if is_second {
                    self.code = self.code.wrapping_sub(bound);
                    self.range = self.range.wrapping_sub(bound);
                } else {
                    self.range = bound;
                }
                self.normalize(packed);
                is_second
            }
            Style::Rar => {
                let is_second = self.threshold(1 << BIN_BITS) >= size;
                if is_second {
                    self.enter(size, (1_u32 << BIN_BITS).wrapping_sub(size), packed);
                } else {
                    self.enter(0, size, packed);
                }
                is_second
            }
        }
    }

    fn normalize(&mut self, packed: &mut impl Bytes) {
        // At most four bytes are 32 bits.
        for _ in 0..4 {
            let is_settled = match self.style {
                Style::SevenZip => self.range < TOP,
                Style::Rar => {
                    let is_same = self.low ^ self.low.wrapping_add(self.range) < TOP;
                    if !is_same && self.range < BOTTOM {
                        self.range = self.low.wrapping_neg() & (BOTTOM - 1);
                    }
                    is_same || self.range < BOTTOM
                }
            };
            if !is_settled {
                return;
            }
            self.code = self.code.wrapping_shl(8) | self.next(packed);
            self.range = self.range.wrapping_shl(8);
            self.low = self.low.wrapping_shl(8);
        }
    }

    fn next(&mut self, packed: &mut impl Bytes) -> u32 {
        let byte = packed.next();
        self.is_over |= byte.is_none();
        byte.map_or(0, u32::from)
    }
}

pub(super) const BIN_BITS: u32 = 14;
const TOP: u32 = 1 << 24;
const BOTTOM: u32 = 1 << 15;
