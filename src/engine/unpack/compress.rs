//! `.Z` files and the content coding `compress` (RFC 9110 section 8.4.1.1): LZW as `compress` of Unix writes it.
//!
//! Two bytes of magic and one that says how wide codes may become (9 to 16 bits) and whether 256 clears the table.
//! Codes come in groups of eight, the lowest bit first, and a group is filled up before the width changes.
//!
//! The format has no end and no sum: a file that is cut between two codes is whole, as far as anybody can
//! tell. Of one that is cut within a code the bits that are left over are told by not being zero.

use super::parts::{Gathered, hand_on, wide};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A `.Z` file being read.
pub(in crate::engine) struct Compress {
    header: Gathered,
    /// The table, once the header was read.
    table: Option<Table>,
    /// Bits that were read and belong to no code yet, and how many.
    bits: u32,
    bits_count: u32,
    /// Bytes that fill a group up.
    filling: u32,
}

/// The strings that codes stand for: each is another one with one byte more.
struct Table {
    prefix: Vec<u16>,
    suffix: Vec<u8>,
    /// What came out of a code and was not given out: from `start` on.
    string: Vec<u8>,
    start: usize,
    /// The next code to be given a string.
    free: u32,
    /// The width of codes, and how wide they become.
    width: u32,
    width_max: u32,
    has_clear: bool,
    /// The code before, and the first byte of its string.
    before: Option<u16>,
    first: u8,
    /// Codes of the group that were read.
    codes: u32,
}

impl Compress {
    pub(super) fn new() -> Self {
        Self { header: Gathered::default(), table: None, bits: 0, bits_count: 0, filling: 0 }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            let Some(table) = &mut self.table else {
                match self.begin(&mut rest) {
                    Ok(true) => continue,
                    Ok(false) => break Progress::Hungry,
                    Err(why) => break Progress::Stopped(why),
                }
            };
            let mut kept = table.string.get(table.start..).unwrap_or_default();
            let mut left = wide(kept.len());
            let room = output.get_mut(made..).unwrap_or_default();
            let given = hand_on(&mut kept, &mut left, room);
            made = made.saturating_add(given);
            table.start = table.start.saturating_add(given);
            if left > 0 {
                break Progress::Full;
            }
            if self.filling == 0 {
                self.filling = table.grow();
            }
            if self.filling > 0 {
                // Within a group, so the bits that are left over are part of what fills it.
                (self.bits, self.bits_count) = (0, 0);
                let Some((_, after)) = rest.split_first() else { break Progress::Hungry };
                rest = after;
                self.filling = self.filling.saturating_sub(1);
            } else if self.bits_count >= table.width {
                let code = self.bits & 1_u32.wrapping_shl(table.width).wrapping_sub(1);
                self.bits = self.bits.wrapping_shr(table.width);
                self.bits_count = self.bits_count.saturating_sub(table.width);
                match table.take(code) {
                    Ok(filling) => self.filling = filling,
                    Err(why) => break Progress::Stopped(why),
                }
                if self.filling > 0 {
                    (self.bits, self.bits_count) = (0, 0);
                }
            } else {
                let Some((&byte, after)) = rest.split_first() else { break Progress::Hungry };
                rest = after;
                self.bits |= u32::from(byte).wrapping_shl(self.bits_count);
                self.bits_count = self.bits_count.saturating_add(8);
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the file may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        if self.table.is_some() && self.bits == 0 {
            Ok(())
        } else {
            Err(Why::Broken("compress: ends early"))
        }
    }

    /// Reads the header. False when it is not all there.
    fn begin(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        let is_whole = self.header.fill(rest, HEADER_BYTES).is_some();
        let flags = self.header.bytes().get(2).copied();
        if !self.header.agrees_with(MAGIC) || !flags.is_none_or(is_known) {
            return Err(Why::Broken("compress: not a .Z file"));
        }
        if let Some(flags) = flags.filter(|_| is_whole) {
            self.table = Some(Table::new(flags));
        }
        Ok(is_whole)
    }
}

impl Table {
    fn new(flags: u8) -> Self {
        let has_clear = flags & HAS_CLEAR != 0;
        let mut table = Self {
            prefix: vec![0; CODES_MAX],
            suffix: vec![0; CODES_MAX],
            string: vec![0; CODES_MAX],
            start: CODES_MAX,
            free: if has_clear { CLEAR.saturating_add(1) } else { CLEAR },
            width: WIDTH_MIN,
            width_max: u32::from(flags & WIDTH),
            has_clear,
            before: None,
            first: 0,
            codes: 0,
        };
        for (byte, suffix) in (0..=u8::MAX).zip(&mut table.suffix) {
            *suffix = byte;
        }
        table
    }

    /// Makes codes wider when the table asks for it. Gives the bytes that fill the group up.
    fn grow(&mut self) -> u32 {
        // Every reader goes on to ten bits, also where nine are said to be the most.
        let is_last = self.width >= self.width_max.max(WIDTH_MIN.saturating_add(1));
        if is_last || self.free < 1_u32.wrapping_shl(self.width) {
            return 0;
        }
        let filling = self.filling();
        self.width = self.width.saturating_add(1);
        filling
    }

    /// The string of a code. Gives the bytes that fill the group up, after the table was cleared.
    fn take(&mut self, code: u32) -> Result<u32, Why> {
        self.codes = self.codes.saturating_add(1) % GROUP_CODES;
        if code == CLEAR && self.has_clear {
            self.free = CLEAR;
            let filling = self.filling();
            self.width = WIDTH_MIN;
            return Ok(filling);
        }
        let code = u16::try_from(code).map_err(|_| Why::Broken(DAMAGED))?;
        let Some(before) = self.before else {
            self.first = u8::try_from(code).map_err(|_| Why::Broken(DAMAGED))?;
            self.start = CODES_MAX;
            self.push(self.first)?;
            self.before = Some(code);
            return Ok(0);
        };
        self.start = CODES_MAX;
        let mut at = code;
        if u32::from(code) >= self.free {
            if u32::from(code) > self.free {
                return Err(Why::Broken(DAMAGED));
            }
            // The string that is about to be made: the one before, and its own first byte.
            self.push(self.first)?;
            at = before;
        }
        while u32::from(at) >= CLEAR {
            self.push(self.suffix.get(usize::from(at)).copied().unwrap_or_default())?;
            at = self.prefix.get(usize::from(at)).copied().unwrap_or_default();
        }
        self.first = u8::try_from(at).unwrap_or_default();
        self.push(self.first)?;
        self.add(before);
        self.before = Some(code);
        Ok(0)
    }

    /// A string for the next code, when there is room for one more.
    fn add(&mut self, before: u16) {
        if self.free >= 1_u32.wrapping_shl(self.width_max) {
            return;
        }
        let at = usize::try_from(self.free).unwrap_or(usize::MAX);
        if let (Some(prefix), Some(suffix)) = (self.prefix.get_mut(at), self.suffix.get_mut(at)) {
            (*prefix, *suffix) = (before, self.first);
        }
        self.free = self.free.saturating_add(1);
    }

    /// Puts a byte in front of the string.
    fn push(&mut self, byte: u8) -> Result<(), Why> {
        self.start = self.start.checked_sub(1).ok_or(Why::Broken(DAMAGED))?;
        if let Some(place) = self.string.get_mut(self.start) {
            *place = byte;
        }
        Ok(())
    }

    /// Whole bytes up to the end of the group, of which those that hold bits of the last code were read.
    fn filling(&mut self) -> u32 {
        let read = self.codes.saturating_mul(self.width).div_ceil(8);
        let codes = std::mem::take(&mut self.codes);
        if codes == 0 { 0 } else { self.width.saturating_sub(read) }
    }
}

/// Whether the third byte is one that `compress` writes.
const fn is_known(flags: u8) -> bool {
    let width = flags & WIDTH;
    flags & !(WIDTH | HAS_CLEAR) == 0 && width >= 9 && width <= 16
}

/// Whether these are the first bytes of a file.
pub(super) fn is_front(head: &[u8]) -> bool {
    matches!(head, [0x1f, 0x9d, flags, ..] if is_known(*flags))
}

const MAGIC: &[u8] = b"\x1f\x9d";
const HEADER_BYTES: usize = 3;
/// Of the third byte.
const WIDTH: u8 = 0x1f;
const HAS_CLEAR: u8 = 0x80;
const CLEAR: u32 = 256;
const WIDTH_MIN: u32 = 9;
const CODES_MAX: usize = 1 << 16;
const GROUP_CODES: u32 = 8;
const DAMAGED: &str = "compress: damaged";
