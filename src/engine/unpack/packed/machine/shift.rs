//! Shifts and rotations, by one register or through two.

use super::decode::{Instruction, Size};
use super::flags::{ADJUST, CARRY, OVERFLOW, low};
use super::{ECX, Machine, Trap};

impl Machine {
    /// The groups of `c0`, `c1` and `d0` to `d3`.
    pub(super) fn shift_group(&mut self, it: &Instruction) -> Result<(), Trap> {
        let count = match it.opcode {
            0xc0 | 0xc1 => it.immediate,
            0xd0 | 0xd1 => 1,
            _ => self.part(ECX, Size::Byte),
        } & 31;
        let (value, before) = (self.operand(it)?, self.flags);
        if count == 0 {
            return Ok(());
        }
        let result = match it.register {
            0 => self.rotate_left(it.size, value, count),
            1 => self.rotate_right(it.size, value, count),
            2 => self.rotate_carry(it.size, value, count, false),
            3 => self.rotate_carry(it.size, value, count, true),
            5 => self.shift_right(it.size, value, count),
            7 => self.shift_arithmetic(it.size, value, count),
            _ => self.shift_left(it.size, value, count),
        };
        let fate = self.set_operand(it, result);
        if fate.is_err() {
            self.flags = before;
        }
        fate
    }

    fn rotate_left(&mut self, size: Size, value: u32, count: u32) -> u32 {
        let count = count & size.bits().wrapping_sub(1);
        let result = turned(size, value, count);
        let carry = result & 1 != 0;
        self.flags.set(CARRY, carry);
        self.flags.set(OVERFLOW, carry != (result & size.sign() != 0));
        result
    }

    fn rotate_right(&mut self, size: Size, value: u32, count: u32) -> u32 {
        let left = size.bits().wrapping_sub(count) & size.bits().wrapping_sub(1);
        let result = turned(size, value, left);
        let carry = result & size.sign() != 0;
        self.flags.set(CARRY, carry);
        self.flags.set(OVERFLOW, carry != (result & (size.sign() >> 1) != 0));
        result
    }

    /// Through carry, which is one more bit on top.
    fn rotate_carry(&mut self, size: Size, value: u32, count: u32, is_right: bool) -> u32 {
        let bits = size.bits().wrapping_add(1);
        let mask = 1_u64.wrapping_shl(bits).wrapping_sub(1);
        let whole = u64::from(self.flags.carry()).wrapping_shl(size.bits()) | u64::from(value);
        let count = count.checked_rem(bits).unwrap_or(0);
        let left = if is_right { bits.wrapping_sub(count) } else { count };
        let right = bits.wrapping_sub(left);
        let result = (whole.wrapping_shl(left) | whole.wrapping_shr(right)) & mask;
        let (carry, result) = (result >> size.bits() != 0, low(result) & size.mask());
        let top = result & size.sign() != 0;
        let other = if is_right { result & (size.sign() >> 1) != 0 } else { carry };
        self.flags.set(CARRY, carry);
        self.flags.set(OVERFLOW, top != other);
        result
    }

    fn shift_left(&mut self, size: Size, value: u32, count: u32) -> u32 {
        let wide = u64::from(value).wrapping_shl(count);
        let result = low(wide) & size.mask();
        let carry = (wide >> size.bits()) & 1 != 0;
        self.shifted(size, result, carry, carry != (result & size.sign() != 0));
        result
    }

    fn shift_right(&mut self, size: Size, value: u32, count: u32) -> u32 {
        let result = value.wrapping_shr(count);
        let carry = value.wrapping_shr(count.wrapping_sub(1)) & 1 != 0;
        self.shifted(size, result, carry, value & size.sign() != 0);
        result
    }

    fn shift_arithmetic(&mut self, size: Size, value: u32, count: u32) -> u32 {
        let signed = size.extend(value).cast_signed();
        let result = signed.wrapping_shr(count).cast_unsigned() & size.mask();
        let carry = signed.wrapping_shr(count.wrapping_sub(1)) & 1 != 0;
        self.shifted(size, result, carry, false);
        result
    }

    fn shifted(&mut self, size: Size, result: u32, carry: bool, overflow: bool) {
        self.flags.result(result, size);
        self.flags.set(CARRY, carry);
        self.flags.set(OVERFLOW, overflow);
        self.flags.set(ADJUST, false);
    }

    /// `shld`, `shrd`: bits of a register follow those that leave.
    pub(super) fn shift_double(&mut self, it: &Instruction) -> Result<(), Trap> {
        let is_right = it.opcode & 8 != 0;
        let count = match it.opcode & 1 {
            0 => it.immediate,
            _ => self.part(ECX, Size::Byte),
        } & 31;
        let (value, more) = (self.operand(it)?, self.part(it.register, it.size));
        if count == 0 {
            return Ok(());
        }
        let bits = it.size.bits();
        let (result, carry) = if is_right {
            let whole = u64::from(more) << bits | u64::from(value);
            let carry = whole.wrapping_shr(count.wrapping_sub(1)) & 1 != 0;
            (low(whole.wrapping_shr(count)), carry)
        } else {
            let whole = u64::from(value) << bits | u64::from(more);
            let whole = whole.wrapping_shl(count);
            let carry = whole.wrapping_shr(bits.wrapping_mul(2)) & 1;
            let carry = if it.size == Size::Long {
                value.wrapping_shr(bits.wrapping_sub(count)) & 1 != 0
            } else {
                carry != 0
            };
            (low(whole >> bits), carry)
        };
        let result = result & it.size.mask();
        self.set_operand(it, result)?;
        self.shifted(it.size, result, carry, (value ^ result) & it.size.sign() != 0);
        Ok(())
    }
}

/// A number of a size with its bits moved round in a circle, by less than the size has.
fn turned(size: Size, value: u32, left: u32) -> u32 {
    let wide = u64::from(value).wrapping_shl(left);
    (low(wide) | low(wide >> size.bits())) & size.mask()
}
