//! LZSS with static Huffman codes, as LHA has it from lh4 to lh7, and ARJ in its methods 1 to 3.
//!
//! Blocks of so many symbols, each with three codes in front: one for the lengths of the second, which is for
//! bytes and lengths of matches, and one for the number of bits of a distance. What lies in front of the
//! first byte are spaces.

use super::bits::Bits;
use super::prefix::Prefix;
use super::window::{Room, Window};
use super::{Packed, UNIT_BYTES, Unpack};
use crate::engine::unpack::inflate::Outcome;
use crate::engine::verdict::Why;

/// A stream being read.
pub(in crate::engine::unpack) struct Lh {
    bits: Bits,
    window: Window,
    /// How many bits say how many distance codes there are, and how many there may be.
    distance_width: u32,
    distances_max: usize,
    symbols: Prefix,
    distances: Prefix,
    /// Symbols of the block that are left.
    block: u32,
    /// Bytes to copy, and from how far back.
    open: (u32, u32),
    damaged: Why,
    ends_early: Why,
}

impl Lh {
    /// With a window of 2 to the power of `width` bytes, and so many distance codes at most, whose number has so
    /// many bits.
    pub(in crate::engine::unpack) fn new(
        width: u32,
        (distances_max, distance_width): (usize, u32),
        (damaged, ends_early): (Why, Why),
    ) -> Self {
        Self {
            bits: Bits::default(),
            window: Window::filled(width, b' '),
            distance_width,
            distances_max,
            symbols: Prefix::default(),
            distances: Prefix::default(),
            block: 0,
            open: (0, 0),
            damaged,
            ends_early,
        }
    }

    /// A symbol, or the codes in front of it.
    fn item(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Option<()> {
        if self.block == 0 {
            self.block = self.bits.take(16, packed);
            let of_lengths = self.short_code(5, (19, Some(3)), packed)?;
            self.symbols = self.long_code(&of_lengths, packed)?;
            self.distances =
                self.short_code(self.distance_width, (self.distances_max, None), packed)?;
            return (self.block > 0).then_some(());
        }
        let symbol = self.symbols.read(&mut self.bits, packed)?;
        self.block = self.block.saturating_sub(1);
        let Some(length) = symbol.checked_sub(256) else {
            if !self.bits.is_over() {
                self.window.put(symbol.to_le_bytes()[0], room);
            }
            return Some(());
        };
        let distance = match u32::from(self.distances.read(&mut self.bits, packed)?) {
            0 => 0,
            width => {
                let width = width.wrapping_sub(1);
                1_u32.wrapping_shl(width) | self.bits.take(width, packed)
            }
        };
        self.open = (u32::from(length).wrapping_add(3), distance.wrapping_add(1));
        Some(())
    }

    /// A code whose lengths are written with three bits, or more when these are all set. Behind the symbol
    /// `skip` it is said how many have none.
    fn short_code(
        &mut self,
        width: u32,
        (most, skip): (usize, Option<usize>),
        packed: &mut Packed<'_>,
    ) -> Option<Prefix> {
        let count = usize::try_from(self.bits.take(width, packed)).ok()?;
        if count == 0 {
            return Some(Prefix::only(low_bits(self.bits.take(width, packed))));
        }
        if count > most {
            return None;
        }
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < count {
            let mut length = self.bits.take(3, packed).to_le_bytes()[0];
            while length >= 7 && self.bits.flag(packed) {
                length = length.wrapping_add(1);
                if length > 16 {
                    return None;
                }
            }
            lengths.push(length);
            if Some(lengths.len()) == skip {
                let more = usize::try_from(self.bits.take(2, packed)).unwrap_or(0);
                lengths.resize(lengths.len().saturating_add(more), 0);
            }
        }
        Prefix::of(&lengths)
    }

    fn long_code(&mut self, of_lengths: &Prefix, packed: &mut Packed<'_>) -> Option<Prefix> {
        let count = usize::try_from(self.bits.take(9, packed)).ok()?;
        if count == 0 {
            return Some(Prefix::only(low_bits(self.bits.take(9, packed))));
        }
        if count > SYMBOLS_MAX {
            return None;
        }
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < count {
            let zeros = match of_lengths.read(&mut self.bits, packed)? {
                0 => 1,
                1 => self.bits.take(4, packed).wrapping_add(3),
                2 => self.bits.take(9, packed).wrapping_add(20),
                length => {
                    lengths.push(length.wrapping_sub(2).to_le_bytes()[0]);
                    continue;
                }
            };
            let zeros = usize::try_from(zeros).unwrap_or(0);
            lengths.resize(lengths.len().saturating_add(zeros), 0);
        }
        Prefix::of(&lengths)
    }
}

impl Unpack for Lh {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        loop {
            let (length, distance) = self.open;
            if length > 0 {
                self.open.0 = self.window.copy(length, distance, room);
            }
            if room.check().is_err() {
                return Outcome::Full;
            }
            if !packed.has(UNIT_BYTES) {
                return Outcome::Hungry;
            }
            let done = self.item(packed, room);
            if self.bits.is_over() {
                return Outcome::Stopped(self.ends_early);
            }
            if done.is_none() {
                return Outcome::Stopped(self.damaged);
            }
        }
    }
}

const fn low_bits(value: u32) -> u16 {
    let bytes = value.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// 256 bytes, and matches of 3 to 256 bytes.
const SYMBOLS_MAX: usize = 510;
