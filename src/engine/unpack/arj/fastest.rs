//! Method 4 of ARJ, its fastest: LZSS with lengths and distances as numbers of few bits.

use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::lz::bits::Bits;
use crate::engine::unpack::lz::window::{Room, Window};
use crate::engine::unpack::lz::{Packed, UNIT_BYTES, Unpack};

/// A stream being read.
pub(super) struct Fastest {
    bits: Bits,
    window: Window,
    open: (u32, u32),
}

impl Fastest {
    pub(super) fn new() -> Self {
        Self { bits: Bits::default(), window: Window::filled(15, b' '), open: (0, 0) }
    }

    /// A number: each bit that is set, up to `most` bits in all, makes it a bit wider and goes to the next
    /// power of two.
    fn number(&mut self, least: u32, most: u32, packed: &mut Packed<'_>) -> u32 {
        let (mut width, mut base) = (least, 0_u32);
        while width < most && self.bits.flag(packed) {
            base = base.wrapping_add(1_u32.wrapping_shl(width));
            width = width.wrapping_add(1);
        }
        base.wrapping_add(self.bits.take(width, packed))
    }
}

impl Unpack for Fastest {
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
            let length = self.number(0, 7, packed);
            let value = match length {
                0 => self.bits.take(8, packed),
                _ => self.number(9, 13, packed),
            };
            if self.bits.is_over() {
                return Outcome::Stopped(super::ENDS_EARLY);
            }
            if length == 0 {
                self.window.put(value.to_le_bytes()[0], room);
            } else {
                self.open = (length.wrapping_add(2), value.wrapping_add(1));
            }
        }
    }
}
