//! The flags, and the results that they are made of.
//!
//! Zero, sign and parity are not computed until somebody asks: the results they come from are kept.

use super::decode::Size;

/// EFLAGS.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine::unpack::packed) struct Flags {
    /// All bits but those of zero, sign and parity.
    bits: u32,
    /// Zero is set when this is 0.
    zero: u32,
    /// Sign is its highest bit.
    sign: u32,
    /// Parity is set when its lowest byte has an even number of ones.
    parity: u32,
}

pub(super) const CARRY: u32 = 1;
const PARITY: u32 = 1 << 2;
pub(super) const ADJUST: u32 = 1 << 4;
const ZERO: u32 = 1 << 6;
const SIGN: u32 = 1 << 7;
pub(super) const TRAP: u32 = 1 << 8;
pub(super) const DIRECTION: u32 = 1 << 10;
pub(super) const OVERFLOW: u32 = 1 << 11;
/// What a program may change: the six of arithmetic, trap, direction, alignment check, identification.
const CHANGEABLE: u32 = 0x24_0dd5;
/// Always one, and interrupts are on.
const ALWAYS: u32 = 0x202;

impl Flags {
    pub(super) const fn new() -> Self {
        Self { bits: ALWAYS, zero: 1, sign: 0, parity: 1 }
    }

    /// As `pushf` writes them.
    pub(in crate::engine::unpack::packed) const fn word(self) -> u32 {
        let mut word = self.bits;
        if self.zero == 0 {
            word |= ZERO;
        }
        if self.sign >> 31 != 0 {
            word |= SIGN;
        }
        if self.is_even() {
            word |= PARITY;
        }
        word
    }

    /// As `popf` reads them.
    pub(in crate::engine::unpack::packed) const fn set_word(&mut self, word: u32) {
        self.bits = word & CHANGEABLE & !(ZERO | SIGN | PARITY) | ALWAYS;
        self.zero = if word & ZERO == 0 { 1 } else { 0 };
        self.sign = if word & SIGN == 0 { 0 } else { 1 << 31 };
        self.parity = if word & PARITY == 0 { 1 } else { 0 };
    }

    const fn is_even(self) -> bool {
        (self.parity & 0xff).count_ones() & 1 == 0
    }

    pub(super) const fn has(self, bit: u32) -> bool {
        self.bits & bit != 0
    }

    /// Carry as a number.
    pub(super) const fn carry(self) -> u32 {
        self.bits & CARRY
    }

    pub(super) const fn set(&mut self, bit: u32, is_set: bool) {
        if is_set {
            self.bits |= bit;
        } else {
            self.bits &= !bit;
        }
    }

    /// Zero, sign and parity of a result.
    pub(super) const fn result(&mut self, result: u32, size: Size) {
        self.zero = result;
        self.sign = result << size.shift_to_top();
        self.parity = result;
    }

    pub(super) const fn set_zero(&mut self, is_set: bool) {
        self.zero = if is_set { 0 } else { 1 };
    }

    /// After a logical operation.
    pub(super) const fn logic(&mut self, result: u32, size: Size) {
        self.bits &= !(CARRY | OVERFLOW | ADJUST);
        self.result(result, size);
    }

    pub(super) const fn is_zero(self) -> bool {
        self.zero == 0
    }

    /// Whether one of the sixteen conditions of jumps is met.
    pub(super) const fn meets(self, condition: u8) -> bool {
        let is_negative = self.sign >> 31 != 0;
        let is_less = is_negative != self.has(OVERFLOW);
        let is_met = match (condition >> 1) & 7 {
            0 => self.has(OVERFLOW),
            1 => self.has(CARRY),
            2 => self.is_zero(),
            3 => self.has(CARRY) || self.is_zero(),
            4 => is_negative,
            5 => self.is_even(),
            6 => is_less,
            _ => is_less || self.is_zero(),
        };
        is_met != (condition & 1 != 0)
    }

    /// `left + right + carry`, all three within the size.
    pub(super) fn add(&mut self, size: Size, left: u32, right: u32, carry: u32) -> u32 {
        let wide = u64::from(left).wrapping_add(u64::from(right)).wrapping_add(u64::from(carry));
        let result = low(wide) & size.mask();
        let has_overflow = (left ^ result) & (right ^ result) & size.sign() != 0;
        self.arithmetic((wide >> size.bits()) & 1 != 0, has_overflow, left ^ right ^ result);
        self.result(result, size);
        result
    }

    /// `left - right - borrow`, all three within the size.
    pub(super) fn subtract(&mut self, size: Size, left: u32, right: u32, borrow: u32) -> u32 {
        let wide = u64::from(left).wrapping_sub(u64::from(right)).wrapping_sub(u64::from(borrow));
        let result = low(wide) & size.mask();
        let has_overflow = (left ^ right) & (left ^ result) & size.sign() != 0;
        self.arithmetic((wide >> size.bits()) & 1 != 0, has_overflow, left ^ right ^ result);
        self.result(result, size);
        result
    }

    fn arithmetic(&mut self, has_carry: bool, has_overflow: bool, changed: u32) {
        self.bits = self.bits & !(CARRY | OVERFLOW | ADJUST)
            | u32::from(has_carry)
            | u32::from(has_overflow) << 11
            | changed & ADJUST;
    }
}

/// The lower half.
pub(super) const fn low(wide: u64) -> u32 {
    let [a, b, c, d, ..] = wide.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
