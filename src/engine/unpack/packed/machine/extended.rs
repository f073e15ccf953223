//! The opcodes of two bytes that an i686 has for integers.

use super::decode::{Instruction, Repeat, Size};
use super::execute::low_byte;
use super::flags::low;
use super::{EAX, EBX, ECX, EDX, Machine, Trap};

impl Machine {
    pub(super) fn execute_extended(&mut self, it: &Instruction) -> Result<(), Trap> {
        let code = low_byte(it.opcode);
        match code {
            0x31 => {
                // Some cycles for each instruction: whoever measures time finds that little has passed.
                self.set_wide(Size::Long, self.executed.wrapping_mul(3));
                Ok(())
            }
            0x40..=0x4f => {
                let value = self.operand(it)?;
                if self.flags.meets(code) {
                    self.set_part(it.register, it.size, value);
                }
                Ok(())
            }
            0x80..=0x8f => {
                self.jump_if(it, self.flags.meets(code));
                Ok(())
            }
            0x90..=0x9f => self.set_operand(it, self.flags.meets(code).into()),
            0xa0 => self.push_sized(it.size, self.segment(4).into()),
            0xa8 => self.push_sized(it.size, self.segment(5).into()),
            0xa1 | 0xa9 => self.pop_sized(it.size).map(|_| ()),
            0xa2 => {
                self.identify();
                Ok(())
            }
            0xa3 | 0xab | 0xb3 | 0xba | 0xbb => self.bit(it),
            0xa4 | 0xa5 | 0xac | 0xad => self.shift_double(it),
            0xaf => {
                let (left, right) = (self.part(it.register, it.size), self.operand(it)?);
                let result = self.multiply(it.size, left, right);
                self.set_part(it.register, it.size, result);
                Ok(())
            }
            0xb0 | 0xb1 => self.compare_and_exchange(it),
            0xb6 | 0xb7 | 0xbe | 0xbf => self.extend(it, code),
            // With a prefix these count zeros, and i686 has none of that.
            0xbc | 0xbd if it.repeat != Repeat::WhileEqual => self.find_bit(it),
            0xc0 | 0xc1 => self.exchange_and_add(it),
            0xc7 => self.compare_and_exchange_eight(it),
            0xc8..=0xcf => {
                let number = code & 7;
                let swapped = self.register(number).swap_bytes();
                self.set_register(number, swapped);
                Ok(())
            }
            other => Self::odd(other),
        }
    }

    /// What does nothing, may not be done, is not done here, or is nothing at all.
    const fn odd(code: u8) -> Result<(), Trap> {
        match code {
            // Hints to load something, and the long forms of no operation.
            0x0d | 0x18..=0x1f => Ok(()),
            0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30 | 0x32 | 0x33 => Err(Trap::Privileged),
            0x04 | 0x05 | 0x07 | 0x0a..=0x0c | 0x0e | 0x0f | 0x24..=0x27 | 0xb9 | 0xff => {
                Err(Trap::Invalid)
            }
            _ => Err(Trap::Unsupported),
        }
    }

    /// `movzx`, `movsx`.
    fn extend(&mut self, it: &Instruction, code: u8) -> Result<(), Trap> {
        let from = if code & 1 == 0 { Size::Byte } else { Size::Word };
        let value = self.operand_of(it, from)?;
        let value = if code & 8 == 0 { value } else { from.extend(value) };
        self.set_part(it.register, it.size, value);
        Ok(())
    }

    /// `cpuid`: an i686 of 2000 with nothing beyond what is here.
    fn identify(&mut self) {
        let [a, b, c, d] = match self.register(EAX) {
            0 => [1, word(*b"Genu"), word(*b"ntel"), word(*b"ineI")],
            1 => [0x0683, 0, 0, FEATURES],
            _ => [0; 4],
        };
        for (number, value) in [(EAX, a), (EBX, b), (ECX, c), (EDX, d)] {
            self.set_register(number, value);
        }
    }

    pub(super) fn segment(&self, number: u8) -> u16 {
        self.segments.get(usize::from(number)).copied().unwrap_or(0)
    }

    /// Its last 32 bits: what `GetTickCount` and others make of the time.
    pub(in crate::engine::unpack::packed) const fn ticks(&self) -> u32 {
        low(self.executed >> 16)
    }
}

const fn word(letters: [u8; 4]) -> u32 {
    u32::from_le_bytes(letters)
}

/// Floating point, time stamp counter, `cmpxchg8b`, `cmov`.
const FEATURES: u32 = 1 | 1 << 4 | 1 << 8 | 1 << 15;
