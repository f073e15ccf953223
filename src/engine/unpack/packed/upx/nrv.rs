//! NRV2B, NRV2D and NRV2E: the codes of UCL, which UPX uses.
//!
//! A bit says whether a byte follows as it is. Otherwise a distance and a length follow, in bits that come
//! in pairs, one to go on and one of the number; the low eight bits of a distance are a byte. Bits come from
//! words of 8, 16 or 32 bits, the highest first, which lie among the bytes where they are needed.

use crate::engine::verdict::Why;

/// The three codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    B,
    D,
    E,
}

/// A decoder at work.
#[derive(Debug)]
pub(super) struct Nrv {
    code: Code,
    /// Of a word of bits.
    word_bytes: u8,
    /// Bytes of the input that were read.
    read: usize,
    word: u32,
    /// Bits of it that are left.
    bits: u8,
    distance: u32,
    /// Bytes of a match that are still to be copied.
    copying: usize,
}

impl Nrv {
    pub(super) const fn new(code: Code, word_bytes: u8) -> Self {
        Self { code, word_bytes, read: 0, word: 0, bits: 0, distance: 1, copying: 0 }
    }

    /// Adds to `out` until it has `until` bytes. Says whether that is the end of the stream.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        until: usize,
    ) -> Result<bool, Why> {
        while out.len() < until {
            if self.copying > 0 {
                self.copy(out, until)?;
            } else if self.bit(input)? == 1 {
                out.push(self.byte(input)?);
            } else if !self.matched(input)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads a distance and a length. False at the end of the stream.
    fn matched(&mut self, input: &[u8]) -> Result<bool, Why> {
        let mut upper = 1_u32;
        loop {
            upper = self.doubled(input, upper)?;
            if self.bit(input)? == 1 {
                break;
            }
            if self.code != Code::B {
                upper = self.doubled(input, upper.wrapping_sub(1))?;
            }
            if upper > UPPER_MAX {
                return Err(DAMAGED);
            }
        }
        let mut first = None;
        if upper != 2 {
            let low = u32::from(self.byte(input)?);
            let mut distance = upper.wrapping_sub(3).wrapping_shl(8) | low;
            if distance == u32::MAX {
                return Ok(false);
            }
            if self.code != Code::B {
                first = Some(!distance & 1);
                distance >>= 1;
            }
            self.distance = distance.wrapping_add(1);
        }
        let first = match first {
            Some(first) => first,
            None => self.bit(input)?,
        };
        let length = self.length(input, first)?;
        let far = if self.code == Code::B { FAR_B } else { FAR };
        let length = length.wrapping_add(u32::from(self.distance > far)).wrapping_add(1);
        self.copying = length as usize;
        Ok(true)
    }

    fn length(&mut self, input: &[u8], first: u32) -> Result<u32, Why> {
        if self.code == Code::E {
            if first == 1 {
                return Ok(self.bit(input)?.wrapping_add(1));
            }
            if self.bit(input)? == 1 {
                return Ok(self.bit(input)?.wrapping_add(3));
            }
            return Ok(self.number(input)?.wrapping_add(3));
        }
        match self.doubled(input, first)? {
            0 => Ok(self.number(input)?.wrapping_add(2)),
            length => Ok(length),
        }
    }

    /// A number of any size, whose highest bit is not written.
    fn number(&mut self, input: &[u8]) -> Result<u32, Why> {
        let mut number = 1;
        loop {
            number = self.doubled(input, number)?;
            if self.bit(input)? == 1 {
                return Ok(number);
            }
            if number > LENGTH_MAX {
                return Err(DAMAGED);
            }
        }
    }

    fn doubled(&mut self, input: &[u8], number: u32) -> Result<u32, Why> {
        Ok(number.wrapping_mul(2) | self.bit(input)?)
    }

    fn copy(&mut self, out: &mut Vec<u8>, until: usize) -> Result<(), Why> {
        let count = self.copying.min(until.saturating_sub(out.len()));
        let from = out.len().checked_sub(self.distance as usize).ok_or(DAMAGED)?;
        for at in from..from.saturating_add(count) {
            let byte = out.get(at).copied().ok_or(DAMAGED)?;
            out.push(byte);
        }
        self.copying = self.copying.saturating_sub(count);
        Ok(())
    }

    fn byte(&mut self, input: &[u8]) -> Result<u8, Why> {
        let byte = input.get(self.read).copied().ok_or(DAMAGED)?;
        self.read = self.read.saturating_add(1);
        Ok(byte)
    }

    fn bit(&mut self, input: &[u8]) -> Result<u32, Why> {
        if self.bits == 0 {
            self.word = 0;
            for place in 0..self.word_bytes {
                let byte = u32::from(self.byte(input)?);
                self.word |= byte.wrapping_shl(u32::from(place).wrapping_mul(8));
            }
            self.bits = self.word_bytes.wrapping_mul(8);
        }
        self.bits = self.bits.wrapping_sub(1);
        Ok(self.word.wrapping_shr(self.bits.into()) & 1)
    }
}

/// Matches from further away are one byte longer.
const FAR_B: u32 = 0xd00;
const FAR: u32 = 0x500;
/// The end of a stream is a distance of 32 ones.
const UPPER_MAX: u32 = 0x0100_0002;
const LENGTH_MAX: u32 = 1 << 28;
const DAMAGED: Why = Why::Unsupported("program packed by UPX");
