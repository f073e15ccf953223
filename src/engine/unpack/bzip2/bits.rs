//! Bits, the highest of a byte first, from an input that comes in pieces of any length.
//!
//! A unit is read when all its bits are there. What was taken of a piece and not used goes back to it, so no
//! more is kept than the beginning of a unit, and the stream ends with the byte that its last bit is in.

/// Bits at hand.
#[derive(Default)]
pub(super) struct Bits {
    /// From the highest down; those behind are 0.
    bits: u64,
    count: u32,
}

/// The bits of one step: those that were kept, and its input behind them.
pub(super) struct Reader<'a, 'b> {
    bits: &'a mut Bits,
    rest: &'b [u8],
    /// Bytes that were taken from the input in this step.
    taken: usize,
}

impl<'a, 'b> Reader<'a, 'b> {
    pub(super) const fn new(bits: &'a mut Bits, input: &'b [u8]) -> Self {
        Self { bits, rest: input, taken: 0 }
    }

    /// Whether so many bits are there, at most 57.
    #[inline]
    pub(super) fn has(&mut self, width: u32) -> bool {
        if self.bits.count < width {
            self.fill();
        }
        self.bits.count >= width
    }

    /// The next 32 bits, as zeros where there are none; and how many there are.
    #[inline]
    pub(super) fn peek(&mut self) -> (u32, u32) {
        if self.bits.count < 32 {
            self.fill();
        }
        let [a, b, c, d, ..] = self.bits.bits.to_be_bytes();
        (u32::from_be_bytes([a, b, c, d]), self.bits.count)
    }

    /// Uses bits, of which so many are there.
    #[inline]
    pub(super) const fn pass(&mut self, width: u32) {
        self.bits.bits = self.bits.bits.wrapping_shl(width);
        self.bits.count = self.bits.count.saturating_sub(width);
    }

    /// The next bits, at most 32. Nothing when there are fewer.
    #[inline]
    pub(super) fn take(&mut self, width: u32) -> Option<u32> {
        if !self.has(width) {
            return None;
        }
        let value = self.bits.bits.wrapping_shr(32).wrapping_shr(32_u32.wrapping_sub(width));
        self.pass(width);
        u32::try_from(value).ok()
    }

    /// Passes over what is left of a byte.
    pub(super) const fn align(&mut self) {
        self.pass(self.bits.count % 8);
    }

    /// Gives back whole bytes that were not used, unless they are the beginning of a unit that needs more. What is
    /// left of the input.
    pub(super) fn end(self, is_hungry: bool) -> usize {
        if is_hungry {
            return self.rest.len();
        }
        let whole = usize::try_from(self.bits.count / 8).unwrap_or(0).min(self.taken);
        let given = u32::try_from(whole).unwrap_or(0).wrapping_mul(8);
        self.bits.count = self.bits.count.saturating_sub(given);
        let behind = 64_u32.wrapping_sub(self.bits.count);
        self.bits.bits = self.bits.bits.checked_shr(behind).unwrap_or(0);
        self.bits.bits = self.bits.bits.checked_shl(behind).unwrap_or(0);
        self.rest.len().saturating_add(whole)
    }

    fn fill(&mut self) {
        if let Some(next) = self.rest.first_chunk::<8>() {
            let bytes = 64_u32.wrapping_sub(self.bits.count) / 8;
            let count = usize::try_from(bytes).unwrap_or(0);
            let next = u64::from_be_bytes(*next);
            let added = bytes.wrapping_mul(8);
            let kept = next & u64::MAX.checked_shl(64_u32.wrapping_sub(added)).unwrap_or(0);
            self.bits.bits |= kept.checked_shr(self.bits.count).unwrap_or(0);
            self.bits.count = self.bits.count.wrapping_add(added);
            self.rest = self.rest.get(count..).unwrap_or_default();
            self.taken = self.taken.saturating_add(count);
            return;
        }
        while self.bits.count <= 56 {
            let Some((byte, rest)) = self.rest.split_first() else { return };
            let place = 56_u32.wrapping_sub(self.bits.count);
            self.bits.bits |= u64::from(*byte).wrapping_shl(place);
            self.bits.count = self.bits.count.wrapping_add(8);
            self.rest = rest;
            self.taken = self.taken.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_the_same_however_the_input_is_cut() {
        let input: Vec<u8> = (0..60_u8).map(|byte| byte.wrapping_mul(77)).collect();
        let widths = [1, 32, 7, 24, 3, 20, 8, 31, 5, 2, 17, 32, 32, 9, 1];
        let mut whole = Vec::new();
        for cut in 1..input.len() {
            let (mut bits, mut values, mut next) = (Bits::default(), Vec::new(), 0);
            let mut at = 0;
            while next < widths.len() {
                let piece = &input[at..input.len().min(at + cut)];
                let mut reader = Reader::new(&mut bits, piece);
                while let Some(value) = widths.get(next).and_then(|width| reader.take(*width)) {
                    values.push(value);
                    next += 1;
                }
                let is_hungry = next < widths.len();
                at += piece.len() - reader.end(is_hungry);
            }
            let used: u32 = widths.iter().sum();
            assert_eq!(at, usize::try_from(used.div_ceil(8)).expect("small"), "cut {cut}");
            if whole.is_empty() {
                whole.clone_from(&values);
            }
            assert_eq!(values, whole, "cut {cut}");
        }
        assert_eq!(whole[0], u32::from(input[0] >> 7));
    }
}
