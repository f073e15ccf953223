//! A small machine of 32 bits: the integer instructions of an i686, flat memory, and nothing outside of it.
//!
//! ```text
//!   run(count) ─▶ code at eip ─▶ decode (kept by address) ─▶ execute ─┬─▶ registers, flags, memory
//!        ▲                                                            └─▶ Trap: an exception, or the end
//!        └── whoever runs it acts as the system: delivers exceptions, answers calls
//! ```
//!
//! The references are volumes 1 and 2 of Intel's manual. Every address is looked up, every number wraps as
//! the processor's do, and one call of [`Machine::run`] executes no more than it was told.
//!
//! While it runs it notes where control went up to code of the highest generation ([`memory`]) and did
//! not come back: that is where a packed program begins ([`Machine::entry`]).
//!
//! Absent on purpose: MMX, SSE, protected-mode system instructions, descriptors, paging, and most of the
//! floating point unit. What needs them is stopped, which is right: a loader that unpacks needs none.

mod arithmetic;
mod bits;
mod decode;
mod execute;
mod extended;
mod flags;
mod float;
mod memory;
mod operand;
mod shift;
mod string;
#[cfg(test)]
mod tests;
mod transfer;

use std::ops::Range;

use self::decode::Instruction;
pub(super) use self::flags::Flags;
use self::float::Float;
use self::memory::Code;
pub(super) use self::memory::Memory;

/// Registers, flags, memory.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) registers: [u32; 8],
    /// Where the next instruction is.
    pub(super) next: u32,
    pub(super) flags: Flags,
    pub(super) memory: Memory,
    /// Where the segment of the thread begins.
    pub(super) thread: u32,
    /// Segment registers, as programs see them: es, cs, ss, ds, fs, gs.
    segments: [u16; 6],
    float: Float,
    /// Instructions and repetitions so far.
    pub(super) executed: u64,
    /// The generation of the code that runs.
    generation: u8,
    /// Where code of the highest generation was entered, from below.
    entry: Option<u32>,
    highest: u8,
    /// The addresses where the program began, and where control went when it left them last.
    home: Range<u32>,
    is_home: bool,
    left: Option<u32>,
    /// Calls down that have not come back: where they will.
    returns: Vec<u32>,
    /// The instruction before was a call.
    has_called: bool,
    decoded: Box<[Decoded]>,
}

/// An instruction that was decoded before, and the bytes it was made of: those decide whether it still is.
#[derive(Clone, Copy, Debug)]
struct Decoded {
    code: Code,
    instruction: Instruction,
}

/// What interrupts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trap {
    /// There is no memory.
    Access { address: u32, is_write: bool },
    /// Division by zero, or a quotient that does not fit.
    Divide,
    /// `int3`, or `int 3`.
    Breakpoint,
    /// The trap flag was set, or `int1` was executed.
    SingleStep,
    /// Not an instruction.
    Invalid,
    /// One that programs may not execute.
    Privileged,
    /// `into`, with overflow.
    Overflow,
    /// An array index out of its bounds.
    Bounds,
    /// An instruction that this machine has not.
    Unsupported,
}

/// Numbers of the registers.
pub(super) const EAX: u8 = 0;
pub(super) const ECX: u8 = 1;
pub(super) const EDX: u8 = 2;
pub(super) const EBX: u8 = 3;
pub(super) const ESP: u8 = 4;
pub(super) const EBP: u8 = 5;
pub(super) const ESI: u8 = 6;
pub(super) const EDI: u8 = 7;

impl Machine {
    pub(super) fn new(memory: Memory) -> Self {
        Self {
            registers: [0; 8],
            next: 0,
            flags: Flags::new(),
            memory,
            thread: 0,
            segments: [0x23, 0x1b, 0x23, 0x23, 0x3b, 0],
            float: Float::default(),
            executed: 0,
            generation: 0,
            entry: None,
            highest: 0,
            home: 0..0,
            is_home: false,
            left: None,
            returns: Vec::new(),
            has_called: false,
            decoded: vec![Decoded::none(); DECODED_COUNT].into(),
        }
    }

    pub(super) fn register(&self, number: u8) -> u32 {
        self.registers.get(usize::from(number & 7)).copied().unwrap_or(0)
    }

    pub(super) fn set_register(&mut self, number: u8, value: u32) {
        if let Some(register) = self.registers.get_mut(usize::from(number & 7)) {
            *register = value;
        }
    }

    /// Where the code began that everything before it made, if there was such code.
    pub(super) const fn entry(&self) -> Option<u32> {
        self.entry
    }

    /// Says where the program begins.
    pub(super) const fn begin_at(&mut self, entry: u32, home: Range<u32>) {
        self.next = entry;
        self.home = home;
    }

    /// Where control went when it left the addresses where it began, if it is not back.
    pub(super) const fn left(&self) -> Option<u32> {
        self.left
    }

    /// Executes until `until` instructions were executed in all, or `is_outside` has an address that is
    /// about to be executed.
    ///
    /// # Errors
    ///
    /// What interrupts it. `next` is then the instruction that did, or, after a single step or a
    /// breakpoint by `int 3`, the one behind it.
    pub(super) fn run(&mut self, until: u64, is_outside: impl Fn(u32) -> bool) -> Result<(), Trap> {
        while self.executed < until && !is_outside(self.next) {
            self.executed = self.executed.wrapping_add(1);
            let here = self.next;
            let (code, length, generation) = self.memory.code(here)?;
            if generation != self.generation {
                self.change_generation(generation);
            }
            let instruction = self.decode(here, &code)?;
            if usize::from(instruction.length) > length {
                let address = here.wrapping_add(u32::try_from(length).unwrap_or(0));
                return Err(Trap::Access { address, is_write: false });
            }
            if self.home.contains(&here) != self.is_home {
                self.is_home = !self.is_home;
                self.left = (!self.is_home).then_some(here);
            }
            let is_stepping = self.flags.has(flags::TRAP);
            self.next = here.wrapping_add(instruction.length.into());
            self.has_called = false;
            if let Err(trap) = self.execute(&instruction) {
                if !matches!(trap, Trap::SingleStep) {
                    self.next = here;
                }
                return Err(trap);
            }
            if is_stepping {
                return Err(Trap::SingleStep);
            }
        }
        Ok(())
    }

    fn decode(&mut self, here: u32, code: &Code) -> Result<Instruction, Trap> {
        let slot = (here ^ (here >> 12)) as usize & (DECODED_COUNT - 1);
        let Some(known) = self.decoded.get_mut(slot) else { return Err(Trap::Unsupported) };
        if known.code != *code {
            *known = Decoded { code: *code, instruction: Instruction::decode(code)? };
        }
        Ok(known.instruction)
    }

    /// Control goes to code of another generation.
    fn change_generation(&mut self, generation: u8) {
        if generation < self.generation {
            if self.has_called && self.returns.len() < RETURNS_MAX {
                let back = self.memory.long(self.register(ESP)).unwrap_or(0);
                self.returns.push(back);
            }
        } else if let Some(at) = self.returns.iter().rposition(|back| *back == self.next) {
            self.returns.truncate(at);
        } else if generation >= self.highest {
            self.highest = generation;
            self.entry = Some(self.next);
            self.returns.clear();
        }
        self.generation = generation;
    }

    /// Writes for the program.
    pub(super) fn put(&mut self, address: u32, bytes: &[u8]) -> Result<(), Trap> {
        self.memory.put(address, bytes, self.generation)
    }

    pub(super) fn push(&mut self, value: u32) -> Result<(), Trap> {
        let top = self.register(ESP).wrapping_sub(4);
        self.put(top, &value.to_le_bytes())?;
        self.set_register(ESP, top);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<u32, Trap> {
        let top = self.register(ESP);
        let value = self.memory.long(top)?;
        self.set_register(ESP, top.wrapping_add(4));
        Ok(value)
    }
}

impl Decoded {
    /// Of no bytes: sixteen prefixes are no instruction.
    const fn none() -> Self {
        Self { code: [0xf0; 16], instruction: Instruction::none() }
    }
}

/// Instructions that are kept decoded. A power of two.
const DECODED_COUNT: usize = 4_096;
const _: () = assert!(DECODED_COUNT.is_power_of_two());
/// Calls from unpacked code into what unpacked it, in each other.
const RETURNS_MAX: usize = 64;
