//! String instructions, with their repetitions.
//!
//! A repetition is no single step: after [`TURNS_MAX`] of its turns the instruction is begun again with
//! what is left in its counter, as the processor does after an interrupt.

use super::decode::{Instruction, Repeat, Size};
use super::flags::DIRECTION;
use super::{EAX, ECX, EDI, ESI, Machine, Trap};

impl Machine {
    /// `movs`, `cmps`, `stos`, `lods`, `scas`.
    pub(super) fn string(&mut self, it: &Instruction) -> Result<(), Trap> {
        if it.repeat == Repeat::Once {
            return self.string_turn(it);
        }
        let begin = self.next.wrapping_sub(it.length.into());
        let compares = matches!(it.opcode, 0xa6 | 0xa7 | 0xae | 0xaf);
        let counter = if it.is_short { Size::Word } else { Size::Long };
        for _ in 0..TURNS_MAX {
            let left = self.part(ECX, counter);
            if left == 0 {
                return Ok(());
            }
            self.string_turn(it)?;
            self.set_part(ECX, counter, left.wrapping_sub(1));
            self.executed = self.executed.wrapping_add(1);
            let goes_on = match it.repeat {
                Repeat::WhileUnequal => !self.flags.is_zero(),
                Repeat::WhileEqual | Repeat::Once => self.flags.is_zero(),
            };
            if compares && !goes_on {
                return Ok(());
            }
        }
        self.next = begin;
        Ok(())
    }

    fn string_turn(&mut self, it: &Instruction) -> Result<(), Trap> {
        let size = it.size;
        let from = self.in_segment(it, self.index(it, ESI));
        let to = self.index(it, EDI);
        let (moves_from, moves_to) = match it.opcode & 0xfe {
            0xa4 => {
                let value = self.load(from, size)?;
                self.store(to, size, value)?;
                (true, true)
            }
            0xa6 => {
                let (left, right) = (self.load(from, size)?, self.load(to, size)?);
                self.flags.subtract(size, left, right, 0);
                (true, true)
            }
            0xaa => {
                self.store(to, size, self.part(EAX, size))?;
                (false, true)
            }
            0xac => {
                let value = self.load(from, size)?;
                self.set_part(EAX, size, value);
                (true, false)
            }
            _ => {
                let right = self.load(to, size)?;
                self.flags.subtract(size, self.part(EAX, size), right, 0);
                (false, true)
            }
        };
        let step = match self.flags.has(DIRECTION) {
            true => size.bytes().wrapping_neg(),
            false => size.bytes(),
        };
        for (number, moves) in [(ESI, moves_from), (EDI, moves_to)] {
            if moves {
                let index = self.register(number).wrapping_add(step);
                self.set_part(number, if it.is_short { Size::Word } else { Size::Long }, index);
            }
        }
        Ok(())
    }

    fn index(&self, it: &Instruction, number: u8) -> u32 {
        self.part(number, if it.is_short { Size::Word } else { Size::Long })
    }
}

/// Turns of one repetition before others have theirs.
const TURNS_MAX: u32 = 256;
