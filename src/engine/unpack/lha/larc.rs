//! lzs and lz5 of `LArc`, which LHA reads as well: LZSS without codes.

use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::lz::bits::Bits;
use crate::engine::unpack::lz::window::{Room, Window};
use crate::engine::unpack::lz::{Bytes as _, Packed, UNIT_BYTES, Unpack};

/// lzs: a mark of one bit in front of each byte and each match.
pub(super) struct Lzs {
    bits: Bits,
    window: Window,
    open: (u32, u32),
}

/// lz5: a byte of eight marks in front of eight bytes and matches.
pub(super) struct Lz5 {
    window: Window,
    marks: u32,
    /// How many of them are left.
    left: u32,
    open: (u32, u32),
}

impl Lzs {
    pub(super) fn new() -> Self {
        Self { bits: Bits::default(), window: Window::filled(11, b' '), open: (0, 0) }
    }
}

impl Lz5 {
    pub(super) fn new() -> Self {
        let mut bytes = vec![b' '; 18];
        for byte in 0..=255 {
            bytes.extend([byte; 13]);
        }
        bytes.extend(0..=255_u8);
        bytes.extend((0..=255_u8).rev());
        bytes.extend([0; 128]);
        bytes.extend([b' '; 110]);
        Self { window: Window::of(bytes), marks: 0, left: 0, open: (0, 0) }
    }
}

/// From how far back a match is whose place in a window of `size` bytes is known. Places are counted from
/// `first` on.
fn distance(window: &Window, place: u32, first: u32, size: u32) -> u32 {
    let total = u32::try_from(window.total() & u64::from(size.wrapping_sub(1))).unwrap_or(0);
    let back = total.wrapping_sub(place).wrapping_sub(first) & size.wrapping_sub(1);
    if back == 0 { size } else { back }
}

impl Unpack for Lzs {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        loop {
            let (length, back) = self.open;
            if length > 0 {
                self.open.0 = self.window.copy(length, back, room);
            }
            if room.check().is_err() {
                return Outcome::Full;
            }
            if !packed.has(UNIT_BYTES) {
                return Outcome::Hungry;
            }
            let is_byte = self.bits.flag(packed);
            let value = self.bits.take(if is_byte { 8 } else { 15 }, packed);
            if self.bits.is_over() {
                return Outcome::Stopped(super::ENDS_EARLY);
            }
            if is_byte {
                self.window.put(value.to_le_bytes()[0], room);
            } else {
                let back = distance(&self.window, value.wrapping_shr(4), 17, 1 << 11);
                self.open = ((value & 15).wrapping_add(2), back);
            }
        }
    }
}

impl Unpack for Lz5 {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        loop {
            let (length, back) = self.open;
            if length > 0 {
                self.open.0 = self.window.copy(length, back, room);
            }
            if room.check().is_err() {
                return Outcome::Full;
            }
            if !packed.has(UNIT_BYTES) {
                return Outcome::Hungry;
            }
            if self.left == 0 {
                let Some(marks) = packed.next() else { return Outcome::Stopped(super::ENDS_EARLY) };
                self.marks = u32::from(marks);
                self.left = 8;
            }
            let Some(first) = packed.next() else { return Outcome::Stopped(super::ENDS_EARLY) };
            if self.marks & 1 == 1 {
                self.window.put(first, room);
            } else {
                let Some(second) = packed.next() else {
                    return Outcome::Stopped(super::ENDS_EARLY);
                };
                let place = u32::from(first) | u32::from(second & 0xf0).wrapping_shl(4);
                let back = distance(&self.window, place, 18, 1 << 12);
                self.open = (u32::from(second & 15).wrapping_add(3), back);
            }
            self.marks = self.marks.wrapping_shr(1);
            self.left = self.left.wrapping_sub(1);
        }
    }
}
