//! The packing of RAR 5.0 and 7.0: blocks of LZ symbols behind four prefix codes, and filters.

use super::filters::Kind;
use super::output::Output;
use super::{DAMAGED, MEMBER_ENDS_EARLY as ENDS_EARLY};
use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::lz::bits::Bits;
use crate::engine::unpack::lz::prefix::Prefix;
use crate::engine::unpack::lz::window::Room;
use crate::engine::unpack::lz::{Packed, UNIT_BYTES, Unpack};
use crate::engine::verdict::Why;

/// A stream being read, or several that are packed as one.
#[expect(
    clippy::struct_excessive_bools,
    reason = "marks of the format, which do not depend on each other"
)]
pub(super) struct Five {
    output: Output,
    bits: Bits,
    has_codes: bool,
    symbols: Prefix,
    distances: Prefix,
    low_distances: Prefix,
    lengths: Prefix,
    /// 64 of RAR 5.0, 80 of RAR 7.0.
    slots: usize,
    recent: [u64; 4],
    last_length: usize,
    /// Bits of the block that are left.
    block: u64,
    is_last_block: bool,
    is_over: bool,
    fault: Option<Why>,
}

impl Five {
    /// With a window of 2 to the power of `width` bytes.
    pub(super) fn new(width: u32) -> Self {
        Self {
            output: Output::new(width),
            bits: Bits::default(),
            has_codes: false,
            symbols: Prefix::default(),
            distances: Prefix::default(),
            low_distances: Prefix::default(),
            lengths: Prefix::default(),
            slots: 64,
            recent: [0; 4],
            last_length: 0,
            block: 0,
            is_last_block: false,
            is_over: false,
            fault: None,
        }
    }

    /// For the next member. One that is not packed as one with those before knows nothing of them.
    pub(super) fn begin(&mut self, is_solid: bool, is_seven: bool) {
        self.bits = Bits::default();
        self.output.begin();
        self.block = 0;
        self.is_last_block = false;
        self.is_over = false;
        self.fault = None;
        self.slots = if is_seven { 80 } else { 64 };
        if !is_solid {
            self.output.forget();
            self.has_codes = false;
            self.recent = [0; 4];
            self.last_length = 0;
        }
    }

    /// The front of a block.
    fn begin_block(&mut self, packed: &mut Packed<'_>) -> Option<()> {
        self.bits.align();
        let flags = self.bits.take(8, packed);
        let sum = self.bits.take(8, packed);
        let count = (flags.wrapping_shr(3) & 3).wrapping_add(1);
        if count > 3 {
            return None;
        }
        let (mut size, mut found) = (0_u32, 0x5a ^ flags);
        for at in 0..count {
            let byte = self.bits.take(8, packed);
            found ^= byte;
            size |= byte.wrapping_shl(at.wrapping_mul(8));
        }
        if found & 0xff != sum {
            return None;
        }
        let whole = u64::from(size).checked_sub(1)?.wrapping_mul(8);
        self.block = whole.wrapping_add(u64::from(flags & 7)).wrapping_add(1);
        self.is_last_block = flags & 0x40 != 0;
        if flags & 0x80 != 0 {
            self.read_codes(packed)?;
        }
        self.has_codes.then_some(())
    }

    fn read_codes(&mut self, packed: &mut Packed<'_>) -> Option<()> {
        let code = self.code_of_lengths(packed)?;
        let sizes = [306, self.slots, 16, 44];
        let count: usize = sizes.iter().sum();
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < count {
            let symbol = read(&code, &mut self.bits, &mut self.block, packed)?;
            let (value, more) = match symbol {
                16 | 17 => (*lengths.last()?, symbol == 17),
                18 | 19 => (0, symbol == 19),
                length => {
                    lengths.push(length.to_le_bytes()[0]);
                    continue;
                }
            };
            let more = if more {
                self.bits(7, packed).wrapping_add(11)
            } else {
                self.bits(3, packed).wrapping_add(3)
            };
            let whole = lengths.len().saturating_add(usize::try_from(more).unwrap_or(0));
            lengths.resize(whole.min(count), value);
        }
        let mut rest = &lengths[..];
        let codes = sizes.map(|size| {
            let (own, behind) = rest.split_at_checked(size)?;
            rest = behind;
            Prefix::of_any(own)
        });
        let [symbols, distances, low_distances, lengths] = codes;
        self.symbols = symbols?;
        self.distances = distances?;
        self.low_distances = low_distances?;
        self.lengths = lengths?;
        self.has_codes = true;
        Some(())
    }

    fn code_of_lengths(&mut self, packed: &mut Packed<'_>) -> Option<Prefix> {
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < 20 {
            let length = self.bits(4, packed).to_le_bytes()[0];
            let zeros = if length == 15 { self.bits(4, packed) } else { 0 };
            if zeros == 0 {
                lengths.push(length);
            } else {
                let more = usize::try_from(zeros).unwrap_or(0).saturating_add(2);
                lengths.resize(lengths.len().saturating_add(more).min(20), 0);
            }
        }
        Prefix::of(&lengths)
    }

    /// A symbol of the block, and what belongs to it.
    fn item(&mut self, packed: &mut Packed<'_>) -> Option<()> {
        let symbol = read(&self.symbols, &mut self.bits, &mut self.block, packed);
        let symbol = symbol?;
        if self.bits.is_over() {
            return None;
        }
        match symbol {
            0..=255 => {
                self.output.put(symbol.to_le_bytes()[0]);
                Some(())
            }
            256 => self.read_filter(packed),
            257 => match self.last_length {
                0 => Some(()),
                length => self.copy(length, self.recent[0]),
            },
            258..=261 => {
                let place = usize::from(symbol.wrapping_sub(258));
                let distance = *self.recent.get(place)?;
                self.recent.get_mut(..=place)?.rotate_right(1);
                let slot = read(&self.lengths, &mut self.bits, &mut self.block, packed);
                let length = self.length(slot?, packed);
                self.last_length = length;
                self.copy(length, distance)
            }
            _ => {
                let length = self.length(symbol.wrapping_sub(262), packed);
                let distance = self.distance(packed)?;
                let more = [0x100, 0x2000, 0x4_0000].iter().filter(|least| distance > **least);
                let length = length.saturating_add(more.count());
                self.recent.rotate_right(1);
                self.recent[0] = distance;
                self.last_length = length;
                self.copy(length, distance)
            }
        }
    }

    fn copy(&mut self, length: usize, distance: u64) -> Option<()> {
        if !self.bits.is_over() {
            self.output.copy(length, distance);
        }
        Some(())
    }

    fn distance(&mut self, packed: &mut Packed<'_>) -> Option<u64> {
        let slot = read(&self.distances, &mut self.bits, &mut self.block, packed);
        let slot = u32::from(slot?);
        if slot < 4 {
            return Some(u64::from(slot).wrapping_add(1));
        }
        let width = (slot / 2).wrapping_sub(1);
        let base = u64::from(2 | slot & 1).wrapping_shl(width);
        let Some(high) = width.checked_sub(4) else {
            return Some(base.wrapping_add(u64::from(self.bits(width, packed))).wrapping_add(1));
        };
        let first = self.bits(high.min(32), packed);
        let mut more = u64::from(first);
        if let Some(rest) = high.checked_sub(32) {
            more = more.wrapping_shl(rest) | u64::from(self.bits(rest, packed));
        }
        let low = read(&self.low_distances, &mut self.bits, &mut self.block, packed);
        Some(base.wrapping_add(more.wrapping_shl(4)).wrapping_add(u64::from(low?)).wrapping_add(1))
    }

    fn length(&mut self, slot: u16, packed: &mut Packed<'_>) -> usize {
        let slot = u32::from(slot);
        let length = match slot {
            0..=7 => slot.wrapping_add(2),
            _ => {
                let width = (slot / 4).wrapping_sub(1);
                let more = self.bits(width, packed);
                (4 | slot & 3).wrapping_shl(width).wrapping_add(2).wrapping_add(more)
            }
        };
        usize::try_from(length).unwrap_or(0)
    }

    fn read_filter(&mut self, packed: &mut Packed<'_>) -> Option<()> {
        let ahead = self.number(packed);
        let length = usize::try_from(self.number(packed)).ok()?;
        let kind = match self.bits(3, packed) {
            0 => {
                let channels = self.bits(5, packed).wrapping_add(1);
                Kind::Delta { channels: usize::try_from(channels).ok()? }
            }
            1 => Kind::Calls { has_jumps: false, is_round: true },
            2 => Kind::Calls { has_jumps: true, is_round: true },
            3 => Kind::Arm,
            _ => return None,
        };
        self.output.filter(kind, u64::from(ahead), length);
        (!self.output.is_damaged).then_some(())
    }

    /// A number of one to four bytes.
    fn number(&mut self, packed: &mut Packed<'_>) -> u32 {
        let count = self.bits(2, packed).wrapping_add(1);
        (0..count)
            .fold(0, |number, at| number | self.bits(8, packed).wrapping_shl(at.wrapping_mul(8)))
    }

    fn bits(&mut self, width: u32, packed: &mut Packed<'_>) -> u32 {
        self.block = self.block.saturating_sub(u64::from(width));
        self.bits.take(width, packed)
    }
}

/// The next symbol of a code, whose bits are taken off those of the block.
fn read(code: &Prefix, bits: &mut Bits, block: &mut u64, packed: &mut Packed<'_>) -> Option<u16> {
    let (symbol, width) = code.read_counted(bits, packed)?;
    *block = block.saturating_sub(u64::from(width));
    Some(symbol)
}

impl Unpack for Five {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        for _ in 0..BATCHES_PER_STEP {
            self.output.give(room);
            if room.check().is_err() {
                return Outcome::Full;
            }
            if self.is_over {
                return self.fault.map_or(Outcome::End, Outcome::Stopped);
            }
            let enough = self.output.waiting().saturating_add(BATCH_BYTES);
            while self.output.waiting() < enough && !self.is_over {
                if !packed.has(UNIT_BYTES) {
                    self.output.give(room);
                    return if room.check().is_err() { Outcome::Full } else { Outcome::Hungry };
                }
                let done = match self.block {
                    0 if self.is_last_block => {
                        self.is_over = true;
                        Some(())
                    }
                    0 => self.begin_block(packed),
                    _ => self.item(packed),
                };
                if self.bits.is_over() {
                    self.fault = Some(ENDS_EARLY);
                } else if done.is_none() {
                    self.fault = Some(DAMAGED);
                }
                self.is_over |= self.fault.is_some();
            }
            if self.is_over {
                self.output.end();
                if self.output.is_damaged {
                    self.fault.get_or_insert(DAMAGED);
                }
            }
        }
        Outcome::Full
    }
}

/// So many bytes are decoded until it is looked at what may be given out.
const BATCH_BYTES: usize = 4 << 10;
/// In front of a filter whose block is large, one step decodes no more than this.
const BATCHES_PER_STEP: u32 = 16;
