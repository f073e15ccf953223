//! Quantum, as a few cabinets have it: models of adaptive frequencies, an arithmetic coder of 16 bits, and a
//! window of up to 2 MiB. There is no standard; the format is known from David Stafford's archiver.
//!
//! Each frame of 32 KiB begins the coder anew and keeps the models and the window.

use super::Packed;
use super::bits::Bits;
use crate::engine::verdict::Why;

/// A stream being read.
pub(in crate::engine::unpack) struct Quantum {
    window: Box<[u8]>,
    at: usize,
    selector: Model,
    /// By the two high bits of a byte.
    bytes: [Model; 4],
    /// Places of matches of three bytes, of four, and of more; and how many these are.
    places: [Model; 3],
    lengths: Model,
    coder: Coder,
    /// A match that goes on in the next frame.
    open: (u32, u32),
}

/// How often symbols came, the most frequent first.
struct Model {
    /// Each with the sum of its own frequency and of those behind it; one of nothing is the last.
    symbols: Vec<(u16, u16)>,
    until_sorted: u8,
}

#[derive(Default)]
struct Coder {
    bits: Bits,
    low: u16,
    high: u16,
    code: u16,
}

impl Quantum {
    /// With a window of 2 to the power of `width` bytes, 10 to 21.
    pub(in crate::engine::unpack) fn new(width: u32) -> Option<Self> {
        if !(10..=21).contains(&width) {
            return None;
        }
        let slots = u16::try_from(width.saturating_mul(2)).unwrap_or(0);
        Some(Self {
            window: vec![0; 1_usize.wrapping_shl(width)].into(),
            at: 0,
            selector: Model::new(0, 7),
            bytes: [0, 0x40, 0x80, 0xc0].map(|first| Model::new(first, 64)),
            places: [24, 36, 42].map(|most| Model::new(0, slots.min(most))),
            lengths: Model::new(0, 27),
            coder: Coder::default(),
            open: (0, 0),
        })
    }

    /// The memory that it takes, in bytes.
    pub(in crate::engine::unpack) const fn state_bytes(width: u32) -> u64 {
        1_u64.wrapping_shl(width).saturating_add(8 << 10)
    }

    /// Decodes a frame of `size` bytes to the end of `out`. What came out in front of damage is there, too.
    pub(in crate::engine::unpack) fn frame(
        &mut self,
        packed: &mut Packed<'_>,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Why> {
        let end = out.len().saturating_add(size);
        self.coder = Coder { high: u16::MAX, ..Coder::default() };
        self.coder.code = low_bits(self.coder.bits.take(16, packed));
        while out.len() < end {
            let (length, distance) = std::mem::take(&mut self.open);
            if length > 0 {
                self.copy(length, distance, end, out);
                continue;
            }
            let selector = self.coder.symbol(&mut self.selector, packed);
            if let Some(model) = self.bytes.get_mut(usize::from(selector)) {
                let byte = self.coder.symbol(model, packed);
                self.check()?;
                self.put(byte.to_le_bytes()[0], out);
                continue;
            }
            let length = match selector {
                4 => 3,
                5 => 4,
                _ => {
                    let symbol = u32::from(self.coder.symbol(&mut self.lengths, packed));
                    let (least, extra) = length_of(symbol);
                    self.coder.bits.take(extra, packed).wrapping_add(least).wrapping_add(5)
                }
            };
            let model = self.places.get_mut(usize::from(selector).saturating_sub(4));
            let slot = u32::from(self.coder.symbol(model.ok_or(DAMAGED)?, packed));
            let (least, extra) = place_of(slot);
            let distance = self.coder.bits.take(extra, packed).wrapping_add(least).wrapping_add(1);
            self.check()?;
            self.copy(length, distance, end, out);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Why> {
        // The coder may look at bits behind the last one.
        if self.coder.bits.is_over() { Err(ENDS_EARLY) } else { Ok(()) }
    }

    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        if let Some(slot) = self.window.get_mut(self.at) {
            *slot = byte;
        }
        out.push(byte);
        self.at = self.at.wrapping_add(1) & self.window.len().wrapping_sub(1);
    }

    fn copy(&mut self, length: u32, distance: u32, end: usize, out: &mut Vec<u8>) {
        let room = u32::try_from(end.saturating_sub(out.len())).unwrap_or(u32::MAX);
        let back = usize::try_from(distance).unwrap_or(0);
        for _ in 0..length.min(room) {
            let from = self.at.wrapping_sub(back) & self.window.len().wrapping_sub(1);
            let byte = self.window.get(from).copied().unwrap_or(0);
            self.put(byte, out);
        }
        self.open = (length.saturating_sub(room), distance);
    }
}

impl Coder {
    fn symbol(&mut self, model: &mut Model, packed: &mut Packed<'_>) -> u16 {
        let total = u32::from(model.total());
        let range = u32::from(self.high.wrapping_sub(self.low)).wrapping_add(1);
        let inside = u32::from(self.code.wrapping_sub(self.low)).wrapping_add(1);
        let wanted = inside.wrapping_mul(total).wrapping_sub(1).checked_div(range).unwrap_or(0);
        let behind = model.symbols.iter().skip(1);
        let at = behind.take_while(|(_, sum)| u32::from(*sum) > wanted & 0xffff).count();
        let at = at.min(model.symbols.len().saturating_sub(2));
        let (symbol, upper) = model.symbols.get(at).copied().unwrap_or_default();
        let lower = model.symbols.get(at.wrapping_add(1)).map_or(0, |behind| behind.1);
        let part = |sum: u16| u32::from(sum).wrapping_mul(range).checked_div(total).unwrap_or(0);
        let low = u32::from(self.low);
        self.high = low_bits(low.wrapping_add(part(upper)).wrapping_sub(1));
        self.low = low_bits(low.wrapping_add(part(lower)));
        model.count(at);
        self.shift(packed);
        symbol
    }

    /// Takes bits until the ends of the range differ in the highest one.
    fn shift(&mut self, packed: &mut Packed<'_>) {
        // A range is empty after 16 bits.
        for _ in 0..64 {
            if (self.low ^ self.high) & 0x8000 != 0 {
                if self.low & 0x4000 == 0 || self.high & 0x4000 != 0 {
                    return;
                }
                self.code ^= 0x4000;
                self.low &= 0x3fff;
                self.high |= 0x4000;
            }
            self.low = self.low.wrapping_shl(1);
            self.high = self.high.wrapping_shl(1) | 1;
            let bit = low_bits(self.bits.take(1, packed));
            self.code = self.code.wrapping_shl(1) | bit;
        }
    }
}

impl Model {
    fn new(first: u16, count: u16) -> Self {
        let symbols = (0..=count).map(|at| (first.wrapping_add(at), count.wrapping_sub(at)));
        Self { symbols: symbols.collect(), until_sorted: 4 }
    }

    fn total(&self) -> u16 {
        self.symbols.first().map_or(0, |symbol| symbol.1)
    }

    /// The symbol at this place came again.
    fn count(&mut self, at: usize) {
        for (_, sum) in self.symbols.iter_mut().take(at.wrapping_add(1)) {
            *sum = sum.wrapping_add(8);
        }
        if self.total() <= TOTAL_MAX {
            return;
        }
        self.until_sorted = self.until_sorted.wrapping_sub(1);
        if self.until_sorted > 0 {
            let mut behind = 0_u16;
            for (place, (_, sum)) in self.symbols.iter_mut().rev().enumerate() {
                if place > 0 {
                    *sum = sum.wrapping_shr(1);
                    if *sum <= behind {
                        *sum = behind.wrapping_add(1);
                    }
                }
                behind = *sum;
            }
            return;
        }
        self.until_sorted = 50;
        self.sort();
    }

    /// Halves the frequencies, and sorts by them. Which of two that are alike comes first is part of the format:
    /// each place in turn is swapped with every one behind it that is more frequent.
    fn sort(&mut self) {
        let Some(count) = self.symbols.len().checked_sub(1) else { return };
        let behind: Vec<u16> = self.symbols.iter().skip(1).map(|symbol| symbol.1).collect();
        for ((_, sum), behind) in self.symbols.iter_mut().zip(behind) {
            *sum = sum.wrapping_sub(behind).wrapping_add(1).wrapping_shr(1);
        }
        for first in 0..count {
            for second in first.wrapping_add(1)..count {
                let frequency = |at: usize| self.symbols.get(at).map_or(0, |symbol| symbol.1);
                if frequency(first) < frequency(second) {
                    self.symbols.swap(first, second);
                }
            }
        }
        let mut behind = 0_u16;
        for (_, sum) in self.symbols.iter_mut().rev().skip(1) {
            *sum = sum.wrapping_add(behind);
            behind = *sum;
        }
    }
}

/// The least distance of a slot, less one, and how many bits say how much more it is.
const fn place_of(slot: u32) -> (u32, u32) {
    match slot {
        0..=3 => (slot, 0),
        _ => {
            let extra = (slot / 2).saturating_sub(1);
            ((2 | slot & 1).wrapping_shl(extra), extra)
        }
    }
}

/// The least length of a symbol, less five, and how many bits say how much more it is.
const fn length_of(symbol: u32) -> (u32, u32) {
    match symbol {
        0..=5 => (symbol, 0),
        26.. => (254, 0),
        _ => {
            let at = symbol.wrapping_add(2);
            let extra = (at / 4).saturating_sub(1);
            ((4 | at & 3).wrapping_shl(extra).wrapping_sub(2), extra)
        }
    }
}

const fn low_bits(value: u32) -> u16 {
    let bytes = value.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// Frequencies are halved beyond.
const TOTAL_MAX: u16 = 3_800;
const DAMAGED: Why = Why::Broken("Quantum: damaged");
const ENDS_EARLY: Why = Why::Broken("Quantum: ends early");
