//! As much of the floating point unit as loaders use: it is set up, asked where it was, and used to move
//! eight bytes or to bring a number from one place to another.
//!
//! A value on its stack is kept as it came. What would have to compute with it is not supported.

use super::decode::{Instruction, Size};
use super::{EAX, Machine, Trap};

/// Its registers.
#[derive(Debug, Default)]
pub(super) struct Float {
    /// The last one is the top.
    stack: Vec<Value>,
    control: Option<u16>,
    /// The last instruction that was neither control nor question.
    last: u32,
}

/// What is on the stack.
#[derive(Clone, Copy, Debug)]
enum Value {
    Integer(i64),
    /// The bits of a number of 64 bits.
    Double(u64),
    Single(u32),
}

impl Machine {
    pub(super) fn float(&mut self, it: &Instruction) -> Result<(), Trap> {
        let here = self.next.wrapping_sub(it.length.into());
        match it.place {
            Some(_) => {
                let address = self.address(it)?;
                self.float_memory(it, address, here)
            }
            None => self.float_register(it, here),
        }
    }

    fn float_memory(&mut self, it: &Instruction, address: u32, here: u32) -> Result<(), Trap> {
        match (it.opcode, it.register) {
            (0xd9, 5) => {
                self.float.control = Some(u16::from_le_bytes(self.memory.get(address)?));
                return Ok(());
            }
            (0xd9, 7) => return self.put(address, &self.float.control().to_le_bytes()),
            (0xd9, 6) => return self.put(address, &self.float.environment()),
            (0xd9, 4) => return self.memory.get::<28>(address).map(|_| ()),
            (0xdd, 7) => return self.put(address, &[0, 0]),
            (0xd9, 0) => {
                let value = Value::Single(self.memory.long(address)?);
                self.float.push(value);
            }
            (0xdd, 0) => {
                let value = Value::Double(u64::from_le_bytes(self.memory.get(address)?));
                self.float.push(value);
            }
            (0xdb, 0) => {
                let value = self.memory.long(address)?.cast_signed();
                self.float.push(Value::Integer(value.into()));
            }
            (0xdf, 0) => {
                let value = i16::from_le_bytes(self.memory.get(address)?);
                self.float.push(Value::Integer(value.into()));
            }
            (0xdf, 5) => {
                let value = Value::Integer(i64::from_le_bytes(self.memory.get(address)?));
                self.float.push(value);
            }
            (_, 2 | 3) | (0xdf, 7) => self.float_store(it, address)?,
            _ => return Err(Trap::Unsupported),
        }
        self.float.last = here;
        Ok(())
    }

    /// Stores the top in the form it was loaded in, with the same width or a narrower one that it fits.
    fn float_store(&mut self, it: &Instruction, address: u32) -> Result<(), Trap> {
        let top = self.float.stack.last().copied().ok_or(Trap::Unsupported)?;
        match (it.opcode, it.register, top) {
            (0xd9, _, Value::Single(bits)) => self.put(address, &bits.to_le_bytes())?,
            (0xdd, 2 | 3, Value::Double(bits)) => self.put(address, &bits.to_le_bytes())?,
            (0xdf, 7, Value::Integer(value)) => self.put(address, &value.to_le_bytes())?,
            (0xdb, 2 | 3, Value::Integer(value)) => {
                let value = i32::try_from(value).unwrap_or(i32::MIN);
                self.put(address, &value.to_le_bytes())?;
            }
            (0xdf, 2 | 3, Value::Integer(value)) => {
                let value = i16::try_from(value).unwrap_or(i16::MIN);
                self.put(address, &value.to_le_bytes())?;
            }
            _ => return Err(Trap::Unsupported),
        }
        if it.register != 2 {
            self.float.stack.pop();
        }
        Ok(())
    }

    fn float_register(&mut self, it: &Instruction, here: u32) -> Result<(), Trap> {
        match (it.opcode, it.register, it.other) {
            // fnclex, fninit, and two of the 8087 and 80287 that do nothing any more.
            (0xdb, 4, 2) | (0xdb, 4, 0 | 1 | 4) => return Ok(()),
            (0xdb, 4, 3) => {
                self.float = Float::default();
                return Ok(());
            }
            (0xdf, 4, 0) => {
                self.set_part(EAX, Size::Word, 0);
                return Ok(());
            }
            // fnop, ffree, fincstp, fdecstp.
            (0xd9, 2, 0) | (0xdd, 0, _) | (0xd9, 6, 6 | 7) => {}
            // fld1, fldpi, fldz.
            (0xd9, 5, 0) => self.float.push(Value::Integer(1)),
            (0xd9, 5, 3) => self.float.push(Value::Double(std::f64::consts::PI.to_bits())),
            (0xd9, 5, 6) => self.float.push(Value::Integer(0)),
            (0xd9, 0, number) => {
                let index = self.float.stack.len().wrapping_sub(usize::from(number));
                let value = self.float.stack.get(index.wrapping_sub(1)).copied();
                self.float.push(value.ok_or(Trap::Unsupported)?);
            }
            // fstp to the top itself: the value is dropped.
            (0xdd, 3, 0) => {
                self.float.stack.pop();
            }
            _ => return Err(Trap::Unsupported),
        }
        self.float.last = here;
        Ok(())
    }
}

impl Float {
    /// Of more than eight the lowest is lost.
    fn push(&mut self, value: Value) {
        if self.stack.len() >= 8 {
            self.stack.remove(0);
        }
        self.stack.push(value);
    }

    fn control(&self) -> u16 {
        self.control.unwrap_or(0x037f)
    }

    /// As `fnstenv` writes it: control, status, tags, the last instruction.
    fn environment(&self) -> [u8; 28] {
        let mut bytes = [0; 28];
        let words =
            [u32::from(self.control()) | 0xffff_0000, 0xffff_0000, u32::MAX, self.last, 0x1b];
        for (slot, byte) in bytes.iter_mut().zip(words.iter().flat_map(|word| word.to_le_bytes())) {
            *slot = byte;
        }
        bytes
    }
}
