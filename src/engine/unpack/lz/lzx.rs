//! LZX, as cabinets and compiled help have it (MS-PATCH 2.6, "LZX DELTA" without what is new there).
//!
//! Frames of 32 KiB, each of which ends with a whole word of the input. Blocks of three kinds, which do not
//! care for frames; codes are written as differences to those of the block before. In code of x86 the targets
//! of calls were made absolute, frame by frame: that is undone here.
//!
//! A frame is decoded in one go: that is the most that one step does.

use super::bits::Bits;
use super::prefix::Prefix;
use super::{Bytes as _, Packed};
use crate::engine::verdict::Why;

/// A stream being read.
#[expect(
    clippy::struct_excessive_bools,
    reason = "marks of the format, which do not depend on each other"
)]
pub(in crate::engine::unpack) struct Lzx {
    bits: Bits,
    /// Bytes of words that were read ahead of a block that is not packed.
    raw: Vec<u8>,
    window: Box<[u8]>,
    at: usize,
    /// Bytes that came out since the codes were forgotten.
    total: u64,
    recent: [u32; 3],
    main_lengths: Vec<u8>,
    length_lengths: Vec<u8>,
    main: Prefix,
    lengths: Prefix,
    aligned: Option<Prefix>,
    is_raw: bool,
    /// Bytes of the block that have still to come out, and whether a byte is behind it.
    block: usize,
    has_padding: bool,
    has_header: bool,
    /// The size of the code whose calls were made absolute, or 0.
    code_bytes: i32,
    frames: u32,
    /// After so many frames everything but the window is forgotten.
    reset_frames: Option<u32>,
    /// A match that goes on in the next frame: how many bytes, and from how far back.
    open: (usize, usize),
    slots: Vec<(u32, u32)>,
}

impl Lzx {
    /// With a window of 2 to the power of `width` bytes, 15 to 21.
    pub(in crate::engine::unpack) fn new(width: u32, reset_frames: Option<u32>) -> Option<Self> {
        let count = match width {
            15..=19 => width.wrapping_mul(2),
            20 => 42,
            21 => 50,
            _ => return None,
        };
        let mut least = 0_u32;
        let mut slots = Vec::new();
        for slot in 0..count {
            let extra = if slot < 4 { 0 } else { (slot / 2).saturating_sub(1).min(17) };
            slots.push((least, extra));
            least = least.wrapping_add(1_u32.wrapping_shl(extra));
        }
        let main_count = slots.len().wrapping_mul(8).wrapping_add(256);
        Some(Self {
            bits: Bits::of_words(),
            raw: Vec::new(),
            window: vec![0; 1_usize.wrapping_shl(width)].into(),
            at: 0,
            total: 0,
            recent: [1; 3],
            main_lengths: vec![0; main_count],
            length_lengths: vec![0; LENGTHS_COUNT],
            main: Prefix::default(),
            lengths: Prefix::default(),
            aligned: None,
            is_raw: false,
            block: 0,
            has_padding: false,
            has_header: false,
            code_bytes: 0,
            frames: 0,
            reset_frames,
            open: (0, 0),
            slots,
        })
    }

    /// The stream goes on at another place, where it begins anew.
    pub(in crate::engine::unpack) fn jump(&mut self) {
        self.bits = Bits::of_words();
        self.raw.clear();
    }

    /// The memory that it takes, in bytes.
    pub(in crate::engine::unpack) const fn state_bytes(width: u32) -> u64 {
        1_u64.wrapping_shl(width).saturating_add(64 << 10)
    }

    /// Decodes the next frame, of `size` bytes, to the end of `out`. What came out in front of damage is there,
    /// too.
    pub(in crate::engine::unpack) fn frame(
        &mut self,
        packed: &mut Packed<'_>,
        size: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Why> {
        if let Some(frames) = self.reset_frames
            && self.frames.checked_rem(frames) == Some(0)
        {
            self.reset();
        }
        let begin = out.len();
        let end = begin.saturating_add(size);
        let done = self.fill(packed, end, out);
        if let Some(frame) = out.get_mut(begin..) {
            self.undo_calls(frame);
        }
        self.frames = self.frames.wrapping_add(1);
        done?;
        if !self.is_raw || self.block == 0 {
            let left = self.bits.left_of_word();
            self.bits.pass(left);
        }
        Ok(())
    }

    fn fill(&mut self, packed: &mut Packed<'_>, end: usize, out: &mut Vec<u8>) -> Result<(), Why> {
        if !self.has_header {
            self.has_header = true;
            self.code_bytes = 0;
            if self.bits.flag(packed) {
                let high = self.bits.take(16, packed);
                let low = self.bits.take(16, packed);
                self.code_bytes = (high.wrapping_shl(16) | low).cast_signed();
            }
        }
        while out.len() < end {
            let (length, distance) = std::mem::take(&mut self.open);
            if length > 0 {
                self.copy(length, distance, end, out)?;
            } else if self.block == 0 {
                self.begin_block(packed)?;
            } else if self.is_raw {
                self.raw_byte(packed, out)?;
            } else {
                self.item(packed, end, out)?;
            }
        }
        Ok(())
    }

    /// A byte or a match of a packed block.
    fn item(&mut self, packed: &mut Packed<'_>, end: usize, out: &mut Vec<u8>) -> Result<(), Why> {
        let symbol = self.main.read(&mut self.bits, packed).ok_or(DAMAGED)?;
        if self.bits.is_over() {
            return Err(ENDS_EARLY);
        }
        let Some(rest) = symbol.checked_sub(256) else {
            self.put(symbol.to_le_bytes()[0], out);
            return Ok(());
        };
        let mut length = usize::from(rest & 7).wrapping_add(2);
        if rest & 7 == 7 {
            let more = self.lengths.read(&mut self.bits, packed).ok_or(DAMAGED)?;
            length = length.wrapping_add(usize::from(more));
        }
        let distance = self.distance(usize::from(rest.wrapping_shr(3)), packed)?;
        if self.bits.is_over() {
            return Err(ENDS_EARLY);
        }
        let distance = usize::try_from(distance).unwrap_or(usize::MAX);
        if distance == 0 || distance > self.window.len() || length > self.block {
            return Err(DAMAGED);
        }
        self.copy(length, distance, end, out)
    }

    fn distance(&mut self, slot: usize, packed: &mut Packed<'_>) -> Result<u32, Why> {
        let [first, second, third] = self.recent;
        let distance = match slot {
            0 => return Ok(first),
            1 => {
                self.recent = [second, first, third];
                return Ok(second);
            }
            2 => {
                self.recent = [third, second, first];
                return Ok(third);
            }
            _ => {
                let (least, extra) = *self.slots.get(slot).ok_or(DAMAGED)?;
                let more = match (&self.aligned, extra.checked_sub(3)) {
                    (Some(aligned), Some(high)) => {
                        let high = self.bits.take(high, packed).wrapping_shl(3);
                        high | u32::from(aligned.read(&mut self.bits, packed).ok_or(DAMAGED)?)
                    }
                    _ => self.bits.take(extra, packed),
                };
                least.wrapping_add(more).wrapping_sub(2)
            }
        };
        self.recent = [distance, first, second];
        Ok(distance)
    }

    fn begin_block(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        if std::mem::take(&mut self.has_padding) {
            self.next_raw(packed);
        }
        if self.is_raw {
            self.is_raw = false;
            let given = std::mem::take(&mut self.raw);
            self.bits = Bits::of_words();
            let mut again = Packed { rest: &given, is_last: true };
            self.bits.peek(16, &mut again);
        }
        let kind = self.bits.take(3, packed);
        let size = self.bits.take(24, packed);
        if self.bits.is_over() {
            return Err(ENDS_EARLY);
        }
        self.block = usize::try_from(size).unwrap_or(0);
        match kind {
            1 | 2 => {
                self.aligned = None;
                if kind == 2 {
                    let mut lengths = [0; 8];
                    for length in &mut lengths {
                        *length = self.bits.take(3, packed).to_le_bytes()[0];
                    }
                    self.aligned = Some(Prefix::of_any(&lengths).ok_or(DAMAGED)?);
                }
                self.read_codes(packed)?;
            }
            3 => {
                if self.bits.left_of_word() == 0 {
                    self.bits.take(16, packed);
                }
                self.raw = self.bits.give_back();
                self.is_raw = true;
                for slot in 0..3_usize {
                    let bytes = [(); 4].map(|()| self.next_raw(packed).unwrap_or(0));
                    if let Some(recent) = self.recent.get_mut(slot) {
                        *recent = u32::from_le_bytes(bytes);
                    }
                }
                self.has_padding = size % 2 == 1;
            }
            _ => return Err(DAMAGED),
        }
        if self.bits.is_over() { Err(ENDS_EARLY) } else { Ok(()) }
    }

    fn read_codes(&mut self, packed: &mut Packed<'_>) -> Result<(), Why> {
        let mut main = std::mem::take(&mut self.main_lengths);
        let mut lengths = std::mem::take(&mut self.length_lengths);
        let done = main.split_at_mut_checked(256).ok_or(DAMAGED).and_then(|(bytes, matches)| {
            self.read_lengths(bytes, packed)?;
            self.read_lengths(matches, packed)?;
            self.read_lengths(&mut lengths, packed)
        });
        self.main_lengths = main;
        self.length_lengths = lengths;
        done?;
        self.main = Prefix::of(&self.main_lengths).ok_or(DAMAGED)?;
        self.lengths = Prefix::of_any(&self.length_lengths).ok_or(DAMAGED)?;
        Ok(())
    }

    /// Lengths of codes, as differences to what they were.
    fn read_lengths(&mut self, lengths: &mut [u8], packed: &mut Packed<'_>) -> Result<(), Why> {
        let mut of_code = [0; 20];
        for length in &mut of_code {
            *length = self.bits.take(4, packed).to_le_bytes()[0];
        }
        let code = Prefix::of(&of_code).ok_or(DAMAGED)?;
        let mut slots = lengths.iter_mut();
        while slots.len() > 0 {
            let mut next = || code.read(&mut self.bits, packed).ok_or(DAMAGED);
            let symbol = next()?;
            let (count, symbol) = match symbol {
                17 => (self.bits.take(4, packed).wrapping_add(4), None),
                18 => (self.bits.take(5, packed).wrapping_add(20), None),
                19 => {
                    let count = self.bits.take(1, packed).wrapping_add(4);
                    (count, Some(code.read(&mut self.bits, packed).ok_or(DAMAGED)?))
                }
                symbol => (1, Some(symbol)),
            };
            if self.bits.is_over() {
                return Err(ENDS_EARLY);
            }
            let Some(first) = slots.next() else { return Ok(()) };
            let value = match symbol {
                None => 0,
                Some(less @ 0..=16) => u16::from(*first).wrapping_add(17).wrapping_sub(less) % 17,
                Some(_) => return Err(DAMAGED),
            };
            let value = value.to_le_bytes()[0];
            *first = value;
            let more = usize::try_from(count).unwrap_or(0).saturating_sub(1);
            for slot in slots.by_ref().take(more) {
                *slot = value;
            }
        }
        Ok(())
    }

    fn raw_byte(&mut self, packed: &mut Packed<'_>, out: &mut Vec<u8>) -> Result<(), Why> {
        let byte = self.next_raw(packed).ok_or(ENDS_EARLY)?;
        self.put(byte, out);
        Ok(())
    }

    /// The next byte of a block that is not packed.
    fn next_raw(&mut self, packed: &mut Packed<'_>) -> Option<u8> {
        if self.raw.is_empty() { packed.next() } else { Some(self.raw.remove(0)) }
    }

    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        if let Some(slot) = self.window.get_mut(self.at) {
            *slot = byte;
        }
        out.push(byte);
        self.at = self.at.wrapping_add(1) & self.window.len().wrapping_sub(1);
        self.block = self.block.saturating_sub(1);
        self.total = self.total.saturating_add(1);
    }

    fn copy(
        &mut self,
        length: usize,
        distance: usize,
        end: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Why> {
        let room = end.saturating_sub(out.len());
        for _ in 0..length.min(room) {
            let from = self.at.wrapping_sub(distance) & self.window.len().wrapping_sub(1);
            let byte = *self.window.get(from).ok_or(DAMAGED)?;
            self.put(byte, out);
        }
        self.open = (length.saturating_sub(room), distance);
        Ok(())
    }

    fn reset(&mut self) {
        self.recent = [1; 3];
        self.has_header = false;
        self.block = 0;
        self.is_raw = false;
        self.raw.clear();
        self.main_lengths.fill(0);
        self.length_lengths.fill(0);
        self.open = (0, 0);
    }

    /// Makes the targets of calls relative again.
    fn undo_calls(&self, frame: &mut [u8]) {
        if self.code_bytes == 0 || self.frames >= CODE_FRAMES_MAX {
            return;
        }
        let base = self.frames.wrapping_mul(FRAME_BYTES).cast_signed();
        let last = frame.len().saturating_sub(10);
        let mut at = 0_usize;
        while at < last {
            let here = frame.get(at..).unwrap_or_default();
            let Some(found) = memchr::memchr(0xe8, here).and_then(|skip| at.checked_add(skip))
            else {
                return;
            };
            if found >= last {
                return;
            }
            let target = found.wrapping_add(1);
            let Some(field) = frame.get_mut(target..).and_then(|rest| rest.first_chunk_mut())
            else {
                return;
            };
            let place = i32::try_from(found).unwrap_or(0).wrapping_add(base);
            let absolute = i32::from_le_bytes(*field);
            if absolute >= place.wrapping_neg() && absolute < self.code_bytes {
                let relative = match absolute >= 0 {
                    true => absolute.wrapping_sub(place),
                    false => absolute.wrapping_add(self.code_bytes),
                };
                *field = relative.to_le_bytes();
            }
            at = found.wrapping_add(5);
        }
    }
}

pub(in crate::engine::unpack) const FRAME_BYTES: u32 = 32 << 10;
/// Behind this frame calls are as they were.
const CODE_FRAMES_MAX: u32 = 32_768;
const LENGTHS_COUNT: usize = 249;
const DAMAGED: Why = Why::Broken("LZX: damaged");
const ENDS_EARLY: Why = Why::Broken("LZX: ends early");
