//! Jumps, calls, loops, and what they keep on the stack.

use super::decode::{Instruction, Size};
use super::{EBP, ECX, ESP, Machine, Trap};

impl Machine {
    pub(super) const fn jump(&mut self, it: &Instruction) {
        self.next = self.next.wrapping_add(it.immediate) & Self::reach(it);
    }

    pub(super) const fn jump_if(&mut self, it: &Instruction, is_met: bool) {
        if is_met {
            self.jump(it);
        }
    }

    /// Jumps of 16 bits stay in the first 64 KiB.
    const fn reach(it: &Instruction) -> u32 {
        match it.size {
            Size::Word => 0xffff,
            Size::Byte | Size::Long => u32::MAX,
        }
    }

    pub(super) fn call(&mut self, it: &Instruction, to: u32) -> Result<(), Trap> {
        self.push_sized(it.size, self.next)?;
        self.next = to;
        self.has_called = true;
        Ok(())
    }

    pub(super) fn leave_call(&mut self, it: &Instruction) -> Result<(), Trap> {
        self.next = self.pop_sized(it.size)?;
        let top = self.register(ESP).wrapping_add(it.immediate);
        self.set_register(ESP, top);
        Ok(())
    }

    pub(super) fn block_e0(&mut self, it: &Instruction) -> Result<(), Trap> {
        let counter = if it.is_short { Size::Word } else { Size::Long };
        match it.opcode {
            0xe0..=0xe2 => {
                let left = self.part(ECX, counter).wrapping_sub(1) & counter.mask();
                self.set_part(ECX, counter, left);
                let goes_on = match it.opcode {
                    0xe0 => !self.flags.is_zero(),
                    0xe1 => self.flags.is_zero(),
                    _ => true,
                };
                self.jump_if(it, left != 0 && goes_on);
            }
            0xe3 => self.jump_if(it, self.part(ECX, counter) == 0),
            0xe8 => {
                let to = self.next.wrapping_add(it.immediate) & Self::reach(it);
                return self.call(it, to);
            }
            0xe9 | 0xeb => self.jump(it),
            0xea => return Err(Trap::Unsupported),
            _ => return Err(Trap::Privileged),
        }
        Ok(())
    }

    /// `pusha`: the stack pointer among them is that from before.
    pub(super) fn push_all(&mut self, size: Size) -> Result<(), Trap> {
        let top = self.register(ESP);
        for number in 0..8 {
            let value = if number == ESP { top } else { self.register(number) };
            let fate = self.push_sized(size, value);
            if fate.is_err() {
                self.set_register(ESP, top);
                return fate;
            }
        }
        Ok(())
    }

    pub(super) fn pop_all(&mut self, size: Size) -> Result<(), Trap> {
        let top = self.register(ESP);
        let mut values = [0; 8];
        for (value, at) in values.iter_mut().zip(0_u32..) {
            let address = top.wrapping_add(at.wrapping_mul(size.bytes()));
            *value = self.load(address, size)?;
        }
        for (number, value) in (0..8_u8).rev().zip(values) {
            if number != ESP {
                self.set_part(number, size, value);
            }
        }
        self.set_register(ESP, top.wrapping_add(size.bytes().wrapping_mul(8)));
        Ok(())
    }

    /// `enter`, which copies up to 31 pointers of frames around.
    pub(super) fn enter(&mut self, it: &Instruction) -> Result<(), Trap> {
        let (top, frame) = (self.register(ESP), self.register(EBP));
        let fate = self.enter_frame(it, frame);
        if fate.is_err() {
            self.set_register(ESP, top);
        }
        fate
    }

    fn enter_frame(&mut self, it: &Instruction, mut frame: u32) -> Result<(), Trap> {
        self.push_sized(it.size, frame)?;
        let own = self.register(ESP);
        let depth = it.second & 31;
        for _ in 1..depth {
            frame = frame.wrapping_sub(it.size.bytes());
            let outer = self.load(frame, it.size)?;
            self.push_sized(it.size, outer)?;
        }
        if depth > 0 {
            self.push_sized(it.size, own)?;
        }
        self.set_part(EBP, it.size, own);
        let top = self.register(ESP).wrapping_sub(it.immediate);
        self.set_register(ESP, top);
        Ok(())
    }

    /// `bound`.
    pub(super) fn check_bounds(&self, it: &Instruction) -> Result<(), Trap> {
        let address = self.address(it)?;
        let signed = |value: u32| it.size.extend(value).cast_signed();
        let index = signed(self.part(it.register, it.size));
        let from = signed(self.load(address, it.size)?);
        let to = signed(self.load(address.wrapping_add(it.size.bytes()), it.size)?);
        if (from..=to).contains(&index) { Ok(()) } else { Err(Trap::Bounds) }
    }
}
