//! Single bits: tested, changed, looked for.

use super::decode::{Instruction, Size};
use super::flags::CARRY;
use super::{Machine, Trap};

impl Machine {
    /// `bt`, `bts`, `btr`, `btc`. With a register as the number, the bit may lie far from the operand.
    pub(super) fn bit(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (kind, number) = match it.opcode {
            0x1ba if it.register < 4 => return Err(Trap::Invalid),
            0x1ba => (it.register & 3, it.immediate),
            other => {
                let [kind, _] = (other >> 3).to_le_bytes();
                (kind & 3, self.part(it.register, it.size))
            }
        };
        let bits = it.size.bits();
        let mask = 1_u32.wrapping_shl(number & bits.wrapping_sub(1));
        let far = match (it.opcode, it.place) {
            (0x1ba, _) | (_, None) => None,
            (_, Some(_)) => {
                let words = it.size.extend(number).cast_signed() >> bits.trailing_zeros();
                let bytes = words.cast_unsigned().wrapping_mul(it.size.bytes());
                Some(self.address(it)?.wrapping_add(bytes))
            }
        };
        let value = match far {
            Some(address) => self.load(address, it.size)?,
            None => self.operand(it)?,
        };
        let result = match kind {
            0 => value,
            1 => value | mask,
            2 => value & !mask,
            _ => value ^ mask,
        };
        if kind > 0 {
            match far {
                Some(address) => self.store(address, it.size, result)?,
                None => self.set_operand(it, result)?,
            }
        }
        self.flags.set(CARRY, value & mask != 0);
        Ok(())
    }

    /// `bsf`, `bsr`: nothing is written when no bit is set.
    pub(super) fn find_bit(&mut self, it: &Instruction) -> Result<(), Trap> {
        let value = self.operand(it)?;
        self.flags.set_zero(value == 0);
        if value != 0 {
            let found = match it.opcode {
                0x1bc => value.trailing_zeros(),
                _ => value.ilog2(),
            };
            self.set_part(it.register, it.size, found);
        }
        Ok(())
    }

    /// `xadd`.
    pub(super) fn exchange_and_add(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (left, right) = (self.operand(it)?, self.part(it.register, it.size));
        let mut flags = self.flags;
        let sum = flags.add(it.size, left, right, 0);
        // The register first: when both are the same one, the sum stays.
        let address = it.place.is_some().then(|| self.address(it)).transpose()?;
        if let Some(address) = address {
            self.store(address, it.size, sum)?;
        }
        self.set_part(it.register, it.size, left);
        if address.is_none() {
            self.set_part(it.other, it.size, sum);
        }
        self.flags = flags;
        Ok(())
    }

    /// `cmpxchg`.
    pub(super) fn compare_and_exchange(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (value, wanted) = (self.operand(it)?, self.part(super::EAX, it.size));
        let mut flags = self.flags;
        flags.subtract(it.size, wanted, value, 0);
        if value == wanted {
            self.set_operand(it, self.part(it.register, it.size))?;
        } else {
            self.set_operand(it, value)?;
            self.set_part(super::EAX, it.size, value);
        }
        self.flags = flags;
        Ok(())
    }

    /// `cmpxchg8b`.
    pub(super) fn compare_and_exchange_eight(&mut self, it: &Instruction) -> Result<(), Trap> {
        if it.register != 1 {
            return Err(Trap::Invalid);
        }
        let address = self.address(it)?;
        let value = u64::from_le_bytes(self.memory.get(address)?);
        let is_equal = value == self.wide(Size::Long);
        if is_equal {
            let upper = u64::from(self.register(super::ECX)) << 32;
            let new = upper | u64::from(self.register(super::EBX));
            self.put(address, &new.to_le_bytes())?;
        } else {
            self.set_wide(Size::Long, value);
        }
        self.flags.set_zero(is_equal);
        Ok(())
    }
}
