//! Bits, the highest of a byte first, or of 16 bits with their low byte first.

use super::{Bytes, Packed};

/// Bits that were taken from the packed bytes and not used.
#[derive(Clone, Default)]
pub(in crate::engine::unpack) struct Bits {
    /// From the highest down.
    bits: u64,
    count: u32,
    /// Whether more bits were used than there are.
    is_over: bool,
    /// Whether bits come in words.
    has_words: bool,
}

impl Bits {
    /// Bits of 16-bit words with their low byte first.
    pub(in crate::engine::unpack) fn of_words() -> Self {
        Self { has_words: true, ..Self::default() }
    }

    /// The next `width` bits, at most 32, without using them.
    pub(in crate::engine::unpack) fn peek(&mut self, width: u32, packed: &mut Packed<'_>) -> u32 {
        if self.count < width {
            self.fill(packed);
        }
        match width {
            0 => 0,
            _ => u32::try_from(self.bits.wrapping_shr(64_u32.wrapping_sub(width))).unwrap_or(0),
        }
    }

    /// Uses bits that were looked at.
    pub(in crate::engine::unpack) const fn pass(&mut self, width: u32) {
        self.is_over |= width > self.count;
        self.bits = self.bits.wrapping_shl(width);
        self.count = self.count.saturating_sub(width);
    }

    /// The next `width` bits, at most 32.
    pub(in crate::engine::unpack) fn take(&mut self, width: u32, packed: &mut Packed<'_>) -> u32 {
        let value = self.peek(width, packed);
        self.pass(width);
        value
    }

    pub(in crate::engine::unpack) fn flag(&mut self, packed: &mut Packed<'_>) -> bool {
        self.take(1, packed) == 1
    }

    /// Passes over what is left of a byte.
    pub(in crate::engine::unpack) const fn align(&mut self) {
        self.pass(self.count % 8);
    }

    /// Bits of the last word that are left.
    pub(in crate::engine::unpack) const fn left_of_word(&self) -> u32 {
        self.count % 16
    }

    /// Whether bits were used that are not there.
    pub(in crate::engine::unpack) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Gives back, as the bytes that they were, all words that were not used. What is left of a word is passed.
    pub(in crate::engine::unpack) fn give_back(&mut self) -> Vec<u8> {
        self.pass(self.left_of_word());
        let words = usize::try_from(self.count / 16).unwrap_or(0);
        let bytes = self.bits.to_be_bytes();
        let pairs = bytes.chunks_exact(2).take(words);
        let given = pairs.flat_map(|pair| pair.iter().rev().copied()).collect();
        self.bits = 0;
        self.count = 0;
        given
    }

    fn fill(&mut self, packed: &mut Packed<'_>) {
        if self.has_words {
            while self.count <= 48 {
                let [low, high, rest @ ..] = packed.rest else { return };
                let word = u64::from(u16::from_le_bytes([*low, *high]));
                self.bits |= word.wrapping_shl(48_u32.wrapping_sub(self.count));
                self.count = self.count.wrapping_add(16);
                packed.rest = rest;
            }
            return;
        }
        while self.count <= 56 {
            let Some(byte) = packed.next() else { return };
            self.bits |= u64::from(byte).wrapping_shl(56_u32.wrapping_sub(self.count));
            self.count = self.count.wrapping_add(8);
        }
    }
}

/// Bytes behind bits.
pub(in crate::engine::unpack) struct AsBytes<'a, 'b> {
    pub(in crate::engine::unpack) bits: &'a mut Bits,
    pub(in crate::engine::unpack) packed: &'a mut Packed<'b>,
}

impl Bytes for AsBytes<'_, '_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bits.take(8, self.packed).to_le_bytes()[0];
        (!self.bits.is_over()).then_some(byte)
    }
}
