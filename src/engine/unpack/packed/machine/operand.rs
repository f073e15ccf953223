//! Operands: registers of three widths, and places in memory.

use super::decode::{Instruction, Place, Size};
use super::flags::low;
use super::{Machine, Trap};

impl Machine {
    /// A register of a width. Of bytes, the second four are the upper halves of the first.
    pub(super) fn part(&self, number: u8, size: Size) -> u32 {
        match size {
            Size::Byte if number & 4 != 0 => (self.register(number & 3) >> 8) & 0xff,
            Size::Byte | Size::Word | Size::Long => self.register(number) & size.mask(),
        }
    }

    pub(super) fn set_part(&mut self, number: u8, size: Size, value: u32) {
        match size {
            Size::Byte if number & 4 != 0 => {
                let whole = self.register(number & 3) & !0xff00 | (value & 0xff) << 8;
                self.set_register(number & 3, whole);
            }
            Size::Byte | Size::Word => {
                let whole = self.register(number) & !size.mask() | value & size.mask();
                self.set_register(number, whole);
            }
            Size::Long => self.set_register(number, value),
        }
    }

    /// The address of a place, without its segment.
    pub(super) fn offset(&self, place: &Place, is_short: bool) -> u32 {
        let base = place.base.map_or(0, |number| self.register(number));
        let index = place.index.map_or(0, |number| self.register(number));
        let index = index.wrapping_shl(place.scale.into());
        let address = base.wrapping_add(index).wrapping_add(place.displacement);
        if is_short { address & 0xffff } else { address }
    }

    /// The address of the operand in memory.
    ///
    /// # Errors
    ///
    /// [`Trap::Invalid`] when the operand is a register.
    pub(super) fn address(&self, it: &Instruction) -> Result<u32, Trap> {
        let place = it.place.as_ref().ok_or(Trap::Invalid)?;
        Ok(self.in_segment(it, self.offset(place, it.is_short)))
    }

    pub(super) const fn in_segment(&self, it: &Instruction, offset: u32) -> u32 {
        if it.is_thread { self.thread.wrapping_add(offset) } else { offset }
    }

    /// The operand that may be in memory.
    pub(super) fn operand(&self, it: &Instruction) -> Result<u32, Trap> {
        self.operand_of(it, it.size)
    }

    pub(super) fn operand_of(&self, it: &Instruction, size: Size) -> Result<u32, Trap> {
        match it.place {
            None => Ok(self.part(it.other, size)),
            Some(_) => self.load(self.address(it)?, size),
        }
    }

    pub(super) fn set_operand(&mut self, it: &Instruction, value: u32) -> Result<(), Trap> {
        self.set_operand_of(it, it.size, value)
    }

    pub(super) fn set_operand_of(
        &mut self,
        it: &Instruction,
        size: Size,
        value: u32,
    ) -> Result<(), Trap> {
        match it.place {
            None => {
                self.set_part(it.other, size, value);
                Ok(())
            }
            Some(_) => {
                let address = self.address(it)?;
                self.store(address, size, value)
            }
        }
    }

    pub(super) fn load(&self, address: u32, size: Size) -> Result<u32, Trap> {
        Ok(match size {
            Size::Byte => {
                let [byte] = self.memory.get(address)?;
                byte.into()
            }
            Size::Word => u16::from_le_bytes(self.memory.get(address)?).into(),
            Size::Long => self.memory.long(address)?,
        })
    }

    pub(super) fn store(&mut self, address: u32, size: Size, value: u32) -> Result<(), Trap> {
        let bytes = value.to_le_bytes();
        let [first, second, ..] = bytes;
        match size {
            Size::Byte => self.put(address, &[first]),
            Size::Word => self.put(address, &[first, second]),
            Size::Long => self.put(address, &bytes),
        }
    }

    /// Pushes a number of the instruction's width.
    pub(super) fn push_sized(&mut self, size: Size, value: u32) -> Result<(), Trap> {
        if size == Size::Long {
            return self.push(value);
        }
        let top = self.register(super::ESP).wrapping_sub(2);
        self.store(top, Size::Word, value)?;
        self.set_register(super::ESP, top);
        Ok(())
    }

    pub(super) fn pop_sized(&mut self, size: Size) -> Result<u32, Trap> {
        if size == Size::Long {
            return self.pop();
        }
        let top = self.register(super::ESP);
        let value = self.load(top, Size::Word)?;
        self.set_register(super::ESP, top.wrapping_add(2));
        Ok(value)
    }

    /// The two halves of a product or a dividend: `dx:ax`, `edx:eax`, or `ax` for bytes.
    pub(super) fn set_wide(&mut self, size: Size, value: u64) {
        let (lower, upper) = (low(value), low(value >> size.bits()));
        if size == Size::Byte {
            self.set_part(super::EAX, Size::Word, lower);
        } else {
            self.set_part(super::EAX, size, lower);
            self.set_part(super::EDX, size, upper);
        }
    }

    pub(super) fn wide(&self, size: Size) -> u64 {
        if size == Size::Byte {
            return self.part(super::EAX, Size::Word).into();
        }
        let upper = u64::from(self.part(super::EDX, size)) << size.bits();
        upper | u64::from(self.part(super::EAX, size))
    }
}
