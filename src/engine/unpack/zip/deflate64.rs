//! Deflate64 (APPNOTE 4.4.5, method 9): RFC 1951 with a window of 64 KiB.
//!
//! What is different: the last length code has 16 extra bits, and two more distance codes have 14 each.
//!
//! Bits are taken from the input only as they are needed, so the end of the stream is known to the byte,
//! and what comes out in front of damage does not depend on how the input was cut. Bytes go to the
//! window and to the output at the same time: nothing is held back.

use std::sync::LazyLock;

use super::huffman::{Bits, Code};
use crate::engine::unpack::inflate::{Inflated, Outcome};
use crate::engine::unpack::lz::window::{Room, Window, run};
use crate::engine::verdict::Why;

/// A stream being read.
pub(in crate::engine::unpack) struct Deflate64 {
    bits: Bits,
    place: Place,
    is_last: bool,
    /// Lengths of the codes of a block, as far as they were read.
    lengths: Vec<u8>,
    /// How many of them belong to literals and lengths, and how many there are.
    literals_count: usize,
    lengths_count: usize,
    literals: Code,
    distances: Code,
    window: Window,
}

/// What the next bit belongs to.
#[derive(Clone, Copy)]
enum Place {
    Block,
    StoredLength,
    /// So many bytes are left.
    Stored(u32),
    /// How many lengths there are of each code.
    LiteralsCount,
    DistancesCount,
    OrderedCount,
    /// Lengths of the code for lengths: how many were read, and how many there are.
    OrderedLengths(usize, usize),
    Lengths,
    /// The extra bits of this symbol among the lengths.
    Repeat(u16),
    Symbol,
    /// The extra bits of this length symbol.
    Length(u16),
    /// Behind a length.
    Distance(u32),
    /// Behind a length, the extra bits of this distance symbol.
    DistanceBits(u32, u16),
    /// Bytes to copy, and from how far back.
    Copy(u32, u32),
    End,
}

impl Deflate64 {
    pub(in crate::engine::unpack) fn new() -> Self {
        Self {
            bits: Bits::default(),
            place: Place::Block,
            is_last: false,
            lengths: Vec::new(),
            literals_count: 0,
            lengths_count: 0,
            literals: Code::default(),
            distances: Code::default(),
            window: Window::new(WINDOW_WIDTH),
        }
    }

    pub(in crate::engine::unpack) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        run(input, output, |rest, room| {
            self.place = self.advance(rest, room)?;
            Ok(())
        })
    }

    /// One step of the format: where the next bit belongs, or why it goes no further now. Then nothing
    /// was taken that is not kept.
    fn advance(&mut self, rest: &mut &[u8], room: &mut Room<'_>) -> Result<Place, Outcome> {
        match self.place {
            Place::Block => self.block(rest),
            Place::StoredLength => self.stored_length(rest),
            Place::Stored(0) => Ok(self.after_block()),
            Place::Stored(left) => {
                room.check()?;
                let byte = self.bits.take(8, rest)?;
                self.window.put(byte.to_le_bytes()[0], room);
                Ok(Place::Stored(left.saturating_sub(1)))
            }
            Place::LiteralsCount => {
                self.literals_count = self.bits.count(5, 257, rest)?;
                Ok(Place::DistancesCount)
            }
            Place::DistancesCount => {
                let distances = self.bits.count(5, 1, rest)?;
                self.lengths_count = self.literals_count.saturating_add(distances);
                Ok(Place::OrderedCount)
            }
            Place::OrderedCount => {
                let count = self.bits.count(4, 4, rest)?;
                self.lengths = vec![0; ORDER.len()];
                Ok(Place::OrderedLengths(0, count))
            }
            Place::OrderedLengths(read, count) => self.ordered_length(read, count, rest),
            Place::Lengths => self.length(rest),
            Place::Repeat(symbol) => self.repeat(symbol, rest),
            Place::Symbol => {
                // An end of the block needs no room, but where the output is full must not decide
                // what is taken.
                room.check()?;
                match self.bits.symbol(&self.literals, rest)? {
                    symbol @ 0..=255 => {
                        self.window.put(symbol.to_le_bytes()[0], room);
                        Ok(Place::Symbol)
                    }
                    END_OF_BLOCK => Ok(self.after_block()),
                    symbol => Ok(Place::Length(symbol)),
                }
            }
            Place::Length(symbol) => {
                let (least, width) = length_of(symbol).ok_or(DAMAGED)?;
                let more = self.bits.take(width, rest)?;
                Ok(Place::Distance(least.saturating_add(more)))
            }
            Place::Distance(length) => {
                let symbol = self.bits.symbol(&self.distances, rest)?;
                Ok(Place::DistanceBits(length, symbol))
            }
            Place::DistanceBits(length, symbol) => {
                let (least, width) = distance_of(symbol).ok_or(DAMAGED)?;
                let distance = least.saturating_add(self.bits.take(width, rest)?);
                if u64::from(distance) > self.window.total() {
                    return Err(DAMAGED);
                }
                Ok(Place::Copy(length, distance))
            }
            Place::Copy(length, distance) => match self.window.copy(length, distance, room) {
                0 => Ok(Place::Symbol),
                left => {
                    self.place = Place::Copy(left, distance);
                    Err(Outcome::Full)
                }
            },
            Place::End => Err(Outcome::End),
        }
    }

    /// The front of a block.
    fn block(&mut self, rest: &mut &[u8]) -> Result<Place, Outcome> {
        let front = self.bits.take(3, rest)?;
        self.is_last = front & 1 == 1;
        match front.wrapping_shr(1) {
            0 => Ok(Place::StoredLength),
            1 => {
                let (literals, distances) = &*FIXED;
                self.literals = literals.clone();
                self.distances = distances.clone();
                Ok(Place::Symbol)
            }
            2 => Ok(Place::LiteralsCount),
            _ => Err(DAMAGED),
        }
    }

    /// The size of a block that is not packed, twice.
    fn stored_length(&mut self, rest: &mut &[u8]) -> Result<Place, Outcome> {
        self.bits.align();
        let both = self.bits.take(32, rest)?;
        let length = both & 0xffff;
        if both.wrapping_shr(16) == length ^ 0xffff {
            Ok(Place::Stored(length))
        } else {
            Err(DAMAGED)
        }
    }

    const fn after_block(&self) -> Place {
        if self.is_last { Place::End } else { Place::Block }
    }

    /// One length of the code in which lengths are written: how many were read, and how many there are.
    fn ordered_length(
        &mut self,
        read: usize,
        count: usize,
        rest: &mut &[u8],
    ) -> Result<Place, Outcome> {
        if read == count {
            self.literals = Code::of(&self.lengths).ok_or(DAMAGED)?;
            self.lengths.clear();
            return Ok(Place::Lengths);
        }
        let length = self.bits.take(3, rest)?;
        let slot = ORDER.get(read).and_then(|place| self.lengths.get_mut(*place));
        *slot.ok_or(DAMAGED)? = length.to_le_bytes()[0];
        Ok(Place::OrderedLengths(read.saturating_add(1), count))
    }

    /// One symbol of the lengths of the two codes of a block.
    fn length(&mut self, rest: &mut &[u8]) -> Result<Place, Outcome> {
        if self.lengths.len() < self.lengths_count {
            let symbol = self.bits.symbol(&self.literals, rest)?;
            if symbol > 15 {
                return Ok(Place::Repeat(symbol));
            }
            self.lengths.push(symbol.to_le_bytes()[0]);
            return Ok(Place::Lengths);
        }
        let (literals, distances) =
            self.lengths.split_at_checked(self.literals_count).ok_or(DAMAGED)?;
        self.literals = Code::of(literals).ok_or(DAMAGED)?;
        self.distances = Code::of(distances).ok_or(DAMAGED)?;
        Ok(Place::Symbol)
    }

    /// What stands for several lengths that are the same.
    fn repeat(&mut self, symbol: u16, rest: &mut &[u8]) -> Result<Place, Outcome> {
        let last = self.lengths.last().copied();
        let (value, least, width) = match symbol {
            16 => (last.ok_or(DAMAGED)?, 3, 2),
            17 => (0, 3, 3),
            _ => (0, 11, 7),
        };
        let more = usize::try_from(self.bits.take(width, rest)?).unwrap_or(0);
        let whole = self.lengths.len().saturating_add(more).saturating_add(least);
        if whole > self.lengths_count {
            return Err(DAMAGED);
        }
        self.lengths.resize(whole, value);
        Ok(Place::Lengths)
    }
}

/// The least length of a symbol, and how many bits say how much more it is.
fn length_of(symbol: u16) -> Option<(u32, u32)> {
    let index = u32::from(symbol.checked_sub(257)?);
    match index {
        0..=7 => Some((index.saturating_add(3), 0)),
        8..=27 => {
            let width = (index / 4).saturating_sub(1);
            Some(((4 | index & 3).wrapping_shl(width).saturating_add(3), width))
        }
        28 => Some((3, 16)),
        _ => None,
    }
}

/// The least distance of a symbol, and how many bits say how much more it is.
fn distance_of(symbol: u16) -> Option<(u32, u32)> {
    let symbol = u32::from(symbol);
    match symbol {
        0 | 1 => Some((symbol.saturating_add(1), 0)),
        2..=31 => {
            let width = (symbol / 2).saturating_sub(1);
            Some(((2 | symbol & 1).wrapping_shl(width).saturating_add(1), width))
        }
        _ => None,
    }
}

/// The codes of blocks that bring none (RFC 1951 section 3.2.6).
static FIXED: LazyLock<(Code, Code)> = LazyLock::new(|| {
    let literals: Vec<u8> =
        [(144, 8), (112, 9), (24, 7), (8, 8)].map(|(count, length)| vec![length; count]).concat();
    (Code::of(&literals).unwrap_or_default(), Code::of(&[5; 32]).unwrap_or_default())
});

const END_OF_BLOCK: u16 = 256;
const WINDOW_WIDTH: u32 = 16;
/// RFC 1951 section 3.2.7.
const ORDER: &[usize] = &[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const DAMAGED: Outcome = Outcome::Stopped(Why::Broken("zip: not a deflate64 stream"));
