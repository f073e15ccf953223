//! Shrink (APPNOTE 5.1, method 1), as PKZIP 1 wrote it: LZW with codes of 9 to 13 bits.
//!
//! One code stands for two orders: to read wider codes, or to forget all codes that no other is made of, whose numbers
//! are given again, the lowest first. A code may be made of one that was forgotten and given anew: then it is what that
//! one is by now. There is no mark at the end, so a member whose size is not known cannot be read.

use super::huffman::Bits;
use crate::engine::unpack::inflate::{Inflated, Outcome};
use crate::engine::unpack::lz::window::{Room, run};
use crate::engine::verdict::Why;

/// A stream being read.
pub(super) struct Shrink {
    bits: Bits,
    place: Place,
    /// Bytes that are still to come out.
    left: u64,
    width: u32,
    /// Of each code, the one that it is longer than by a byte, and that byte.
    codes: Vec<(u16, u8)>,
    /// The codes that may be given, the last one first.
    free: Vec<u16>,
    /// The code before, and the first byte of it.
    last: Option<u16>,
    first: u8,
    /// What a code stands for, the last byte first.
    string: Vec<u8>,
}

/// What the next bit belongs to.
#[derive(Clone, Copy)]
enum Place {
    Code,
    Order,
    /// What a code stands for is given out.
    Out,
}

impl Shrink {
    /// For a member of this size.
    pub(super) fn new(size: u64) -> Self {
        Self {
            bits: Bits::default(),
            place: Place::Code,
            left: size,
            width: WIDTH_MIN,
            codes: vec![(NONE, 0); CODES],
            free: (FIRST..LIMIT).rev().collect(),
            last: None,
            first: 0,
            string: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        run(input, output, |rest, room| {
            self.place = self.advance(rest, room)?;
            Ok(())
        })
    }

    /// One step of the format: where the next bit belongs, or why it goes no further now.
    fn advance(&mut self, rest: &mut &[u8], room: &mut Room<'_>) -> Result<Place, Outcome> {
        match self.place {
            Place::Code if self.left == 0 => Err(Outcome::End),
            Place::Code => {
                room.check()?;
                let code = u16::try_from(self.bits.take(self.width, rest)?).unwrap_or(NONE);
                if code == ORDER {
                    return Ok(Place::Order);
                }
                self.read(code)?;
                Ok(Place::Out)
            }
            Place::Order => {
                match self.bits.take(self.width, rest)? {
                    1 if self.width < WIDTH_MAX => self.width = self.width.saturating_add(1),
                    2 => {
                        self.forget();
                        // That takes as long as to give out some kilobytes.
                        self.place = Place::Code;
                        return Err(Outcome::Full);
                    }
                    _ => return Err(DAMAGED),
                }
                Ok(Place::Code)
            }
            Place::Out => {
                while self.left > 0
                    && let Some(byte) = self.string.last()
                {
                    room.check()?;
                    if let Some(slot) = room.output.get_mut(room.made) {
                        *slot = *byte;
                    }
                    room.made = room.made.saturating_add(1);
                    self.left = self.left.saturating_sub(1);
                    self.string.pop();
                }
                Ok(Place::Code)
            }
        }
    }

    /// A code was read: what it stands for, and the next code, which is the one before and a byte more.
    fn read(&mut self, code: u16) -> Result<(), Outcome> {
        self.string.clear();
        match self.last {
            // Behind the one before comes its own first byte.
            Some(last) if self.free.last() == Some(&code) => {
                self.string.push(self.first);
                self.spell(last)?;
            }
            _ => self.spell(code)?,
        }
        self.first = self.string.last().copied().ok_or(DAMAGED)?;
        if let Some(last) = self.last
            && let Some(free) = self.free.pop()
            && let Some(slot) = self.codes.get_mut(usize::from(free))
        {
            *slot = (last, self.first);
        }
        self.last = Some(code);
        Ok(())
    }

    /// Adds what a code stands for, from its last byte to its first.
    fn spell(&mut self, mut code: u16) -> Result<(), Outcome> {
        for _ in 0..CODES {
            if let Ok(byte) = u8::try_from(code) {
                self.string.push(byte);
                return Ok(());
            }
            let (before, byte) = self.of(code);
            if before == NONE {
                return Err(DAMAGED);
            }
            self.string.push(byte);
            code = before;
        }
        // Codes that are made of each other.
        Err(DAMAGED)
    }

    fn of(&self, code: u16) -> (u16, u8) {
        self.codes.get(usize::from(code)).copied().unwrap_or((NONE, 0))
    }

    /// Forgets the codes that no other is made of.
    fn forget(&mut self) {
        let mut is_part = vec![false; CODES];
        for (before, _) in &self.codes {
            if let Some(part) = is_part.get_mut(usize::from(*before)) {
                *part = true;
            }
        }
        self.free.clear();
        let codes = (0..LIMIT).zip(&mut self.codes).zip(is_part);
        for ((code, slot), is_part) in codes.skip(usize::from(FIRST)) {
            // One that was forgotten may be a part of another, and is not given again then.
            if !is_part {
                *slot = (NONE, 0);
                self.free.push(code);
            }
        }
        self.free.reverse();
    }
}

const WIDTH_MIN: u32 = 9;
const WIDTH_MAX: u32 = 13;
const CODES: usize = 1 << 13;
/// Behind the last code.
const LIMIT: u16 = 1 << 13;
/// The code that stands for an order.
const ORDER: u16 = 256;
const FIRST: u16 = 257;
/// Of a code that is free.
const NONE: u16 = u16::MAX;
const DAMAGED: Outcome = Outcome::Stopped(Why::Broken("zip: not a shrunk member"));
