//! Bits and prefix codes as RFC 1951 and its forerunners have them: the lowest bit of a byte first, codes by
//! their lengths.

use crate::engine::unpack::inflate::Outcome;
use crate::engine::verdict::Why;

/// Bits that were taken from the input and not used. Between calls they are fewer than a symbol needs,
/// and behind one they are fewer than eight.
#[derive(Default)]
pub(super) struct Bits {
    bits: u64,
    count: u32,
}

/// A prefix code.
#[derive(Clone, Default)]
pub(super) struct Code {
    /// By the next [`FAST_BITS`] bits: a symbol and the length of its code, or nothing for a longer one.
    fast: Vec<u16>,
    /// How many codes there are of each length.
    counts: [u16; LENGTH_MAX + 1],
    /// The symbols, in the order of their codes.
    symbols: Vec<u16>,
}

impl Bits {
    /// The next `width` bits, at most 32.
    pub(super) fn take(&mut self, width: u32, rest: &mut &[u8]) -> Result<u32, Outcome> {
        while self.count < width {
            self.load(rest)?;
        }
        let mask = 1_u64.wrapping_shl(width).wrapping_sub(1);
        let value = u32::try_from(self.bits & mask).unwrap_or(0);
        self.pass(width);
        Ok(value)
    }

    /// A number of `width` bits, counted from `least`.
    pub(super) fn count(
        &mut self,
        width: u32,
        least: usize,
        rest: &mut &[u8],
    ) -> Result<usize, Outcome> {
        let more = usize::try_from(self.take(width, rest)?).unwrap_or(0);
        Ok(least.saturating_add(more))
    }

    /// The next symbol of a code.
    pub(super) fn symbol(&mut self, code: &Code, rest: &mut &[u8]) -> Result<u16, Outcome> {
        self.look_up(code, 0, rest)
    }

    /// The next symbol of a code whose bits are turned.
    pub(super) fn turned_symbol(&mut self, code: &Code, rest: &mut &[u8]) -> Result<u16, Outcome> {
        self.look_up(code, u64::MAX, rest)
    }

    fn look_up(&mut self, code: &Code, turn: u64, rest: &mut &[u8]) -> Result<u16, Outcome> {
        loop {
            match code.read(self.bits ^ turn, self.count) {
                Some((symbol, length)) => {
                    self.pass(length);
                    return Ok(symbol);
                }
                None if usize::try_from(self.count).unwrap_or(0) >= LENGTH_MAX => {
                    return Err(Outcome::Stopped(Why::Broken(
                        "zip: a code that stands for nothing",
                    )));
                }
                None => self.load(rest)?,
            }
        }
    }

    /// Passes over what is left of a byte.
    pub(super) const fn align(&mut self) {
        self.pass(self.count % 8);
    }

    fn load(&mut self, rest: &mut &[u8]) -> Result<(), Outcome> {
        let (byte, after) = rest.split_first().ok_or(Outcome::Hungry)?;
        self.bits |= u64::from(*byte).wrapping_shl(self.count);
        self.count = self.count.saturating_add(8);
        *rest = after;
        Ok(())
    }

    const fn pass(&mut self, width: u32) {
        self.bits = self.bits.wrapping_shr(width);
        self.count = self.count.saturating_sub(width);
    }
}

impl Code {
    /// Of the lengths of all symbols; 0 for one that has no code. Nothing when there are more codes than
    /// the lengths have room for. There may be fewer.
    pub(super) fn of(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0_u16; LENGTH_MAX + 1];
        for length in lengths {
            let count = counts.get_mut(usize::from(*length))?;
            *count = count.saturating_add(1);
        }
        counts[0] = 0;
        let mut left = 1_i32;
        for count in counts.iter().skip(1) {
            left = left.saturating_mul(2).saturating_sub(i32::from(*count));
            if left < 0 {
                return None;
            }
        }
        // Where the symbols of each length begin, and then where the next of them goes.
        let mut places = [0_u16; LENGTH_MAX + 1];
        let mut place = 0_u16;
        for (slot, count) in places.iter_mut().zip(&counts) {
            *slot = place;
            place = place.saturating_add(*count);
        }
        let mut symbols = vec![0; usize::from(place)];
        for (length, symbol) in lengths.iter().zip(0_u16..).filter(|(length, _)| **length > 0) {
            let place = places.get_mut(usize::from(*length))?;
            *symbols.get_mut(usize::from(*place))? = symbol;
            *place = place.saturating_add(1);
        }
        let mut code = Self { fast: Vec::new(), counts, symbols };
        code.fast = code.short();
        Some(code)
    }

    /// The table of short codes.
    fn short(&self) -> Vec<u16> {
        let mut fast = vec![0; 1 << FAST_BITS];
        let mut symbols = self.symbols.iter();
        let mut first = 0_u32;
        for (length, count) in (1..=FAST_BITS).zip(self.counts.iter().skip(1)) {
            for (code, symbol) in (first..).zip(symbols.by_ref().take(usize::from(*count))) {
                // Codes come with their highest bit first.
                let bits = code.reverse_bits().wrapping_shr(u32::BITS.saturating_sub(length));
                let entry = symbol.wrapping_shl(4) | u16::try_from(length).unwrap_or(0);
                let from = usize::try_from(bits).unwrap_or(usize::MAX);
                for slot in fast.iter_mut().skip(from).step_by(1 << length) {
                    *slot = entry;
                }
            }
            first = first.saturating_add(u32::from(*count)).wrapping_shl(1);
        }
        fast
    }

    /// The symbol whose code begins with these bits, of which so many are there, and the length of that.
    fn read(&self, bits: u64, count: u32) -> Option<(u16, u32)> {
        let index = usize::try_from(bits & FAST_MASK).unwrap_or(0);
        match self.fast.get(index).copied().unwrap_or(0) {
            0 => self.walk(bits, count),
            entry => {
                let length = u32::from(entry & 15);
                (length <= count).then_some((entry.wrapping_shr(4), length))
            }
        }
    }

    /// As [`Code::read`], bit by bit: the codes of a length are numbers one after another.
    fn walk(&self, bits: u64, count: u32) -> Option<(u16, u32)> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for (length, codes) in (1..=count).zip(self.counts.iter().skip(1)) {
            let bit = bits.wrapping_shr(length.saturating_sub(1)) & 1;
            code |= u32::try_from(bit).unwrap_or(0);
            let codes = u32::from(*codes);
            let place = code.wrapping_sub(first);
            if place < codes {
                let at = usize::try_from(index.saturating_add(place)).ok()?;
                return Some((*self.symbols.get(at)?, length));
            }
            index = index.saturating_add(codes);
            first = first.saturating_add(codes).wrapping_shl(1);
            code = code.wrapping_shl(1);
        }
        None
    }
}

/// RFC 1951 has codes of 15 bits, imploded members of 16.
const LENGTH_MAX: usize = 16;
/// Most codes are not longer.
const FAST_BITS: u32 = 9;
const FAST_MASK: u64 = (1 << FAST_BITS) - 1;
