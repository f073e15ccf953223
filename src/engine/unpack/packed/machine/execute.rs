//! One instruction: the opcodes of one byte. Those of two are in [`extended`](super::extended).

use super::decode::{Instruction, Size};
use super::flags::{CARRY, DIRECTION, OVERFLOW};
use super::{EAX, EBX, ESP, Machine, Trap};

impl Machine {
    /// Executes it; `next` is already behind it.
    pub(super) fn execute(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode >> 4 {
            0x0..=0x3 => self.combine_block(it),
            0x4 => {
                let number = low_byte(it.opcode) & 7;
                let value = self.part(number, it.size);
                let result = self.step(it.size, value, it.opcode & 8 != 0);
                self.set_part(number, it.size, result);
                Ok(())
            }
            0x5 => self.stack_block(it),
            0x6 => self.block_60(it),
            0x7 => {
                self.jump_if(it, self.flags.meets(low_byte(it.opcode)));
                Ok(())
            }
            0x8 => self.block_80(it),
            0x9 => self.block_90(it),
            0xa => self.block_a0(it),
            0xb => {
                self.set_part(low_byte(it.opcode) & 7, it.size, it.immediate);
                Ok(())
            }
            0xc => self.block_c0(it),
            0xd => self.block_d0(it),
            0xe => self.block_e0(it),
            0xf => self.block_f0(it),
            _ => self.execute_extended(it),
        }
    }

    /// The eight operations, each with its operands in six ways.
    fn combine_block(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (kind, size) = (low_byte(it.opcode) >> 3, it.size);
        match it.opcode & 7 {
            0 | 1 => {
                let (left, right) = (self.operand(it)?, self.part(it.register, size));
                self.combine_into(it, kind, left, right)
            }
            2 | 3 => {
                let (left, right) = (self.part(it.register, size), self.operand(it)?);
                if let Some(result) = self.combine(kind, size, left, right) {
                    self.set_part(it.register, size, result);
                }
                Ok(())
            }
            4 | 5 => {
                let left = self.part(EAX, size);
                if let Some(result) = self.combine(kind, size, left, it.immediate & size.mask()) {
                    self.set_part(EAX, size, result);
                }
                Ok(())
            }
            _ => self.odd_of_first_block(it),
        }
    }

    /// With the result where the first operand was. Where that cannot be written, nothing has happened.
    pub(super) fn combine_into(
        &mut self,
        it: &Instruction,
        kind: u8,
        left: u32,
        right: u32,
    ) -> Result<(), Trap> {
        let before = self.flags;
        let Some(result) = self.combine(kind, it.size, left, right) else { return Ok(()) };
        let fate = self.set_operand(it, result);
        if fate.is_err() {
            self.flags = before;
        }
        fate
    }

    fn odd_of_first_block(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode {
            0x06 | 0x0e | 0x16 | 0x1e => {
                let segment = self.segment(low_byte(it.opcode) >> 3);
                self.push_sized(it.size, segment.into())
            }
            0x07 | 0x17 | 0x1f => self.pop_sized(it.size).map(|_| ()),
            0x27 | 0x2f => {
                self.adjust_decimal(it.opcode == 0x2f);
                Ok(())
            }
            0x37 | 0x3f => {
                self.adjust_ascii(it.opcode == 0x3f);
                Ok(())
            }
            _ => Err(Trap::Invalid),
        }
    }

    fn stack_block(&mut self, it: &Instruction) -> Result<(), Trap> {
        let number = low_byte(it.opcode) & 7;
        if it.opcode & 8 == 0 {
            return self.push_sized(it.size, self.register(number));
        }
        let value = self.pop_sized(it.size)?;
        self.set_part(number, it.size, value);
        Ok(())
    }

    fn block_60(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode {
            0x60 => self.push_all(it.size),
            0x61 => self.pop_all(it.size),
            0x62 => self.check_bounds(it),
            0x68 | 0x6a => self.push_sized(it.size, it.immediate),
            0x69 | 0x6b => {
                let value = self.operand(it)?;
                let result = self.multiply(it.size, value, it.immediate & it.size.mask());
                self.set_part(it.register, it.size, result);
                Ok(())
            }
            0x6c..=0x6f => Err(Trap::Privileged),
            _ => Err(Trap::Invalid),
        }
    }

    fn block_80(&mut self, it: &Instruction) -> Result<(), Trap> {
        let size = it.size;
        match it.opcode {
            0x80..=0x83 => {
                let left = self.operand(it)?;
                self.combine_into(it, it.register, left, it.immediate & size.mask())
            }
            0x84 | 0x85 => {
                let both = self.operand(it)? & self.part(it.register, size);
                self.flags.logic(both, size);
                Ok(())
            }
            0x86 | 0x87 => {
                let value = self.operand(it)?;
                self.set_operand(it, self.part(it.register, size))?;
                self.set_part(it.register, size, value);
                Ok(())
            }
            0x88 | 0x89 => self.set_operand(it, self.part(it.register, size)),
            0x8a | 0x8b => {
                let value = self.operand(it)?;
                self.set_part(it.register, size, value);
                Ok(())
            }
            0x8c => {
                let size = if it.place.is_some() { Size::Word } else { size };
                let segment = self.segment(it.register);
                self.set_operand_of(it, size, segment.into())
            }
            0x8d => {
                let place = it.place.as_ref().ok_or(Trap::Invalid)?;
                let offset = self.offset(place, it.is_short);
                self.set_part(it.register, size, offset);
                Ok(())
            }
            0x8e => self.operand_of(it, Size::Word).map(|_| ()),
            // The address of the operand is that after the stack has moved.
            _ => {
                let top = self.register(ESP);
                let value = self.pop_sized(size)?;
                let fate = self.set_operand(it, value);
                if fate.is_err() {
                    self.set_register(ESP, top);
                }
                fate
            }
        }
    }

    fn block_90(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (size, number) = (it.size, low_byte(it.opcode) & 7);
        match it.opcode {
            0x90..=0x97 => {
                let (left, right) = (self.part(EAX, size), self.part(number, size));
                self.set_part(EAX, size, right);
                self.set_part(number, size, left);
            }
            0x98 => {
                let half = if size == Size::Long { Size::Word } else { Size::Byte };
                let value = half.extend(self.part(EAX, half));
                self.set_part(EAX, size, value);
            }
            0x99 => {
                let is_negative = self.part(EAX, size) & size.sign() != 0;
                self.set_part(super::EDX, size, if is_negative { size.mask() } else { 0 });
            }
            0x9b => {}
            0x9c => self.push_sized(size, self.flags.word())?,
            0x9d => {
                let value = self.pop_sized(size)?;
                let upper = self.flags.word() & !size.mask();
                self.flags.set_word(value | upper);
            }
            0x9e => {
                let upper = self.flags.word() & !0xff;
                self.flags.set_word(upper | self.part(4, Size::Byte));
            }
            0x9f => self.set_part(4, Size::Byte, self.flags.word()),
            _ => return Err(Trap::Unsupported),
        }
        Ok(())
    }

    fn block_a0(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode {
            0xa0 | 0xa1 => {
                let value = self.load(self.in_segment(it, it.immediate), it.size)?;
                self.set_part(EAX, it.size, value);
                Ok(())
            }
            0xa2 | 0xa3 => {
                let address = self.in_segment(it, it.immediate);
                self.store(address, it.size, self.part(EAX, it.size))
            }
            0xa8 | 0xa9 => {
                let both = self.part(EAX, it.size) & it.immediate;
                self.flags.logic(both, it.size);
                Ok(())
            }
            _ => self.string(it),
        }
    }

    fn block_c0(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode {
            0xc0 | 0xc1 => self.shift_group(it),
            0xc2 | 0xc3 => self.leave_call(it),
            0xc6 | 0xc7 => self.set_operand(it, it.immediate),
            0xc8 => self.enter(it),
            0xc9 => {
                let frame = self.register(super::EBP);
                let value = self.load(frame, it.size)?;
                self.set_register(ESP, frame.wrapping_add(it.size.bytes()));
                self.set_part(super::EBP, it.size, value);
                Ok(())
            }
            0xcc => Err(Trap::Breakpoint),
            0xcd if it.immediate == 3 => Err(Trap::Breakpoint),
            0xcd => Err(Trap::Access { address: u32::MAX, is_write: false }),
            0xce if self.flags.has(OVERFLOW) => Err(Trap::Overflow),
            0xce => Ok(()),
            _ => Err(Trap::Unsupported),
        }
    }

    fn block_d0(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode {
            0xd0..=0xd3 => self.shift_group(it),
            0xd4 => self.split_decimal(it.immediate),
            0xd5 => {
                self.join_decimal(it.immediate);
                Ok(())
            }
            0xd6 => {
                let all = if self.flags.has(CARRY) { 0xff } else { 0 };
                self.set_part(EAX, Size::Byte, all);
                Ok(())
            }
            0xd7 => {
                let offset = self.register(EBX).wrapping_add(self.part(EAX, Size::Byte));
                let offset = if it.is_short { offset & 0xffff } else { offset };
                let value = self.load(self.in_segment(it, offset), Size::Byte)?;
                self.set_part(EAX, Size::Byte, value);
                Ok(())
            }
            _ => self.float(it),
        }
    }

    fn block_f0(&mut self, it: &Instruction) -> Result<(), Trap> {
        match it.opcode {
            0xf1 => return Err(Trap::SingleStep),
            0xf5 => {
                let carry = self.flags.has(CARRY);
                self.flags.set(CARRY, !carry);
            }
            0xf6 | 0xf7 => return self.unary_group(it),
            0xf8 => self.flags.set(CARRY, false),
            0xf9 => self.flags.set(CARRY, true),
            0xfc => self.flags.set(DIRECTION, false),
            0xfd => self.flags.set(DIRECTION, true),
            0xfe | 0xff => return self.last_group(it),
            _ => return Err(Trap::Privileged),
        }
        Ok(())
    }

    fn last_group(&mut self, it: &Instruction) -> Result<(), Trap> {
        match (it.register, it.opcode) {
            (0 | 1, _) => {
                let (value, before) = (self.operand(it)?, self.flags);
                let result = self.step(it.size, value, it.register == 1);
                let fate = self.set_operand(it, result);
                if fate.is_err() {
                    self.flags = before;
                }
                fate
            }
            (2, 0xff) => {
                let to = self.operand(it)?;
                self.call(it, to)
            }
            (4, 0xff) => {
                self.next = self.operand(it)?;
                Ok(())
            }
            (6, 0xff) => {
                let value = self.operand(it)?;
                self.push_sized(it.size, value)
            }
            (3 | 5, 0xff) => Err(Trap::Unsupported),
            _ => Err(Trap::Invalid),
        }
    }
}

/// The opcode without what says that it has two bytes.
pub(super) const fn low_byte(opcode: u16) -> u8 {
    let [low, _] = opcode.to_le_bytes();
    low
}
