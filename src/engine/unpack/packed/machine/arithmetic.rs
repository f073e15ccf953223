//! Addition to division, and the decimal adjustments.

use super::decode::{Instruction, Size};
use super::flags::{ADJUST, CARRY, OVERFLOW, low};
use super::{EAX, Machine, Trap};

impl Machine {
    /// One of the eight operations of the first block of opcodes. `None` for a comparison.
    pub(super) fn combine(&mut self, kind: u8, size: Size, left: u32, right: u32) -> Option<u32> {
        let carry = self.flags.carry();
        Some(match kind & 7 {
            0 => self.flags.add(size, left, right, 0),
            2 => self.flags.add(size, left, right, carry),
            3 => self.flags.subtract(size, left, right, carry),
            5 => self.flags.subtract(size, left, right, 0),
            7 => {
                self.flags.subtract(size, left, right, 0);
                return None;
            }
            logical => {
                let result = match logical {
                    1 => left | right,
                    4 => left & right,
                    _ => left ^ right,
                };
                self.flags.logic(result, size);
                result
            }
        })
    }

    /// `inc`, `dec`: carry stays as it was.
    pub(super) fn step(&mut self, size: Size, value: u32, is_down: bool) -> u32 {
        let carry = self.flags.has(CARRY);
        let result = if is_down {
            self.flags.subtract(size, value, 1, 0)
        } else {
            self.flags.add(size, value, 1, 0)
        };
        self.flags.set(CARRY, carry);
        result
    }

    /// The group of `f6` and `f7`.
    pub(super) fn unary_group(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (size, value) = (it.size, self.operand(it)?);
        match it.register {
            0 | 1 => self.flags.logic(value & it.immediate & size.mask(), size),
            2 => self.set_operand(it, !value & size.mask())?,
            3 => {
                let mut flags = self.flags;
                let result = flags.subtract(size, 0, value, 0);
                self.set_operand(it, result)?;
                self.flags = flags;
            }
            4 => {
                let product = u64::from(self.part(EAX, size)).wrapping_mul(value.into());
                self.set_wide(size, product);
                self.overflow(product >> size.bits() != 0, low(product), size);
            }
            5 => {
                let product = signed_product(size, self.part(EAX, size), value);
                self.set_wide(size, product.cast_unsigned());
                self.overflow(!fits(size, product), low(product.cast_unsigned()), size);
            }
            6 => self.divide(size, value)?,
            _ => self.divide_signed(size, value)?,
        }
        Ok(())
    }

    /// `imul` with two operands: the result that fits.
    pub(super) fn multiply(&mut self, size: Size, left: u32, right: u32) -> u32 {
        let product = signed_product(size, left, right);
        let result = low(product.cast_unsigned()) & size.mask();
        self.overflow(!fits(size, product), result, size);
        result
    }

    fn overflow(&mut self, is_set: bool, result: u32, size: Size) {
        self.flags.result(result & size.mask(), size);
        self.flags.set(CARRY, is_set);
        self.flags.set(OVERFLOW, is_set);
        self.flags.set(ADJUST, false);
    }

    fn divide(&mut self, size: Size, by: u32) -> Result<(), Trap> {
        let (whole, by) = (self.wide(size), u64::from(by));
        let (quotient, rest) =
            whole.checked_div(by).zip(whole.checked_rem(by)).ok_or(Trap::Divide)?;
        if quotient > u64::from(size.mask()) {
            return Err(Trap::Divide);
        }
        self.set_quotient(size, low(quotient), low(rest));
        Ok(())
    }

    fn divide_signed(&mut self, size: Size, by: u32) -> Result<(), Trap> {
        let whole = match size {
            Size::Byte => Size::Word.extend(low(self.wide(size))).cast_signed().into(),
            Size::Word => i64::from(low(self.wide(size)).cast_signed()),
            Size::Long => self.wide(size).cast_signed(),
        };
        let by = i64::from(size.extend(by).cast_signed());
        let (quotient, rest) =
            whole.checked_div(by).zip(whole.checked_rem(by)).ok_or(Trap::Divide)?;
        if !fits(size, quotient) {
            return Err(Trap::Divide);
        }
        self.set_quotient(size, low(quotient.cast_unsigned()), low(rest.cast_unsigned()));
        Ok(())
    }

    fn set_quotient(&mut self, size: Size, quotient: u32, rest: u32) {
        if size == Size::Byte {
            self.set_part(EAX, Size::Word, quotient & 0xff | (rest & 0xff) << 8);
        } else {
            self.set_part(EAX, size, quotient);
            self.set_part(super::EDX, size, rest);
        }
    }

    /// `daa`, `das`.
    pub(super) fn adjust_decimal(&mut self, is_down: bool) {
        let (old, had_carry) = (self.part(EAX, Size::Byte), self.flags.has(CARRY));
        let mut value = old;
        let mut has_carry = false;
        let moved = |value: u32, by: u32| {
            let by = if is_down { by.wrapping_neg() } else { by };
            value.wrapping_add(by)
        };
        let has_adjust = old & 0xf > 9 || self.flags.has(ADJUST);
        if has_adjust {
            value = moved(value, 6);
            has_carry = had_carry || value > 0xff;
        }
        if old > 0x99 || had_carry {
            value = moved(value, 0x60);
            has_carry = true;
        }
        self.flags.set(ADJUST, has_adjust);
        self.flags.set(CARRY, has_carry);
        self.flags.result(value & 0xff, Size::Byte);
        self.set_part(EAX, Size::Byte, value);
    }

    /// `aaa`, `aas`.
    pub(super) fn adjust_ascii(&mut self, is_down: bool) {
        let old = self.part(EAX, Size::Word);
        let is_adjusted = old & 0xf > 9 || self.flags.has(ADJUST);
        let value = match (is_adjusted, is_down) {
            (false, _) => old,
            (true, false) => old.wrapping_add(0x106),
            (true, true) => old.wrapping_sub(0x106),
        };
        self.set_part(EAX, Size::Word, value & 0xff0f);
        self.flags.set(ADJUST, is_adjusted);
        self.flags.set(CARRY, is_adjusted);
    }

    /// `aam`.
    pub(super) fn split_decimal(&mut self, base: u32) -> Result<(), Trap> {
        let value = self.part(EAX, Size::Byte);
        let (high, rest) =
            value.checked_div(base).zip(value.checked_rem(base)).ok_or(Trap::Divide)?;
        self.set_part(EAX, Size::Word, high << 8 | rest);
        self.flags.result(rest, Size::Byte);
        Ok(())
    }

    /// `aad`.
    pub(super) fn join_decimal(&mut self, base: u32) {
        let value = self.part(EAX, Size::Word);
        let joined = (value >> 8).wrapping_mul(base).wrapping_add(value) & 0xff;
        self.set_part(EAX, Size::Word, joined);
        self.flags.result(joined, Size::Byte);
    }
}

fn signed_product(size: Size, left: u32, right: u32) -> i64 {
    let signed = |value: u32| i64::from(size.extend(value).cast_signed());
    signed(left).wrapping_mul(signed(right))
}

/// Whether a number can be written in a size with its sign.
fn fits(size: Size, value: i64) -> bool {
    i64::from(size.extend(low(value.cast_unsigned())).cast_signed()) == value
}
