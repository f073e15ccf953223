//! Exceptions: the chain of handlers that a program keeps at the front of its thread block (structured
//! exception handling), and the record and the context that they are given.
//!
//! Loaders make exceptions on purpose, to get lost in a debugger; what they do next is in the handler.

use super::library;
use super::{Process, Stop};
use crate::engine::unpack::packed::machine::{EAX, EBP, EBX, ECX, EDI, EDX, ESI, ESP, Trap};

/// An exception whose handler has not come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// Where the record is; the context is behind it.
    record: u32,
    /// The link of the chain whose handler was called.
    link: u32,
    /// The front of the chain before.
    front: u32,
}

impl Pending {
    /// The link that the system puts in front of the chain.
    const fn system_link(self) -> u32 {
        self.record.wrapping_sub(16)
    }
}

impl Process {
    /// Delivers what interrupted the program to its first handler.
    pub(super) fn raise(&mut self, trap: Trap) -> Result<(), Stop> {
        self.machine.executed = self.machine.executed.wrapping_add(COST);
        let (code, parameters) = match trap {
            Trap::Access { address, is_write } => (0xc000_0005, Some([is_write.into(), address])),
            Trap::Divide => (0xc000_0094, None),
            Trap::Breakpoint => (0x8000_0003, None),
            Trap::SingleStep => (0x8000_0004, None),
            Trap::Invalid => (0xc000_001d, None),
            Trap::Privileged => (0xc000_0096, None),
            Trap::Overflow => (0xc000_0095, None),
            Trap::Bounds => (0xc000_008c, None),
            Trap::Unsupported => return Err(Stop::Unsupported),
        };
        let top = self.machine.register(ESP);
        // A handler that was left by a jump has nothing on the stack any more.
        self.pending.retain(|pending| pending.record > top);
        if self.pending.len() >= PENDING_MAX {
            return Err(Stop::Fault);
        }
        let word = self.machine.flags.word() & !TRAP_FLAG;
        self.machine.flags.set_word(word);
        let record = top.wrapping_sub(RECORD_BYTES.wrapping_add(CONTEXT_BYTES)) & !3;
        let count: u32 = if parameters.is_some() { 2 } else { 0 };
        let [first, second] = parameters.unwrap_or_default();
        let fields = [code, 0, 0, self.machine.next, count, first, second];
        let is_written = self.write_all(record, &fields) && self.save_context(record);
        if !is_written {
            return Err(Stop::Fault);
        }
        let front = self.machine.memory.long(super::THREAD).map_err(|_| Stop::Fault)?;
        self.call_handler(Pending { record, link: front, front })
    }

    /// A handler has come back.
    pub(super) fn handled(&mut self) -> Result<(), Stop> {
        let pending = self.pending.pop().ok_or(Stop::Fault)?;
        self.write(super::THREAD, pending.front);
        if self.machine.register(EAX) == 0 {
            return self.restore_context(pending.record.wrapping_add(RECORD_BYTES));
        }
        let link = self.machine.memory.long(pending.link).map_err(|_| Stop::Fault)?;
        self.call_handler(Pending { link, ..pending })
    }

    /// While a handler runs, a link of the system is at the front of the chain: handlers look behind it.
    fn call_handler(&mut self, mut pending: Pending) -> Result<(), Stop> {
        let is_system = |link: u32| self.pending.iter().any(|other| other.system_link() == link);
        if is_system(pending.link) {
            let behind = self.machine.memory.long(pending.link).map_err(|_| Stop::Fault)?;
            pending.link = behind;
        }
        let Pending { record, link, front } = pending;
        if link == u32::MAX {
            return Err(Stop::Fault);
        }
        let handler = self.machine.memory.long(link.wrapping_add(4)).map_err(|_| Stop::Fault)?;
        let context = record.wrapping_add(RECORD_BYTES);
        let system = [front, library::FAULT, link, self.machine.register(EBP)];
        let arguments = [library::HANDLED, record, link, context, 0];
        let top = pending.system_link().wrapping_sub(20);
        let is_written = self.write_all(pending.system_link(), &system)
            && self.write_all(top, &arguments)
            && self.write(super::THREAD, pending.system_link());
        if !is_written {
            return Err(Stop::Fault);
        }
        self.machine.set_register(ESP, top);
        self.machine.next = handler;
        self.pending.push(pending);
        Ok(())
    }

    fn save_context(&mut self, record: u32) -> bool {
        let context = record.wrapping_add(RECORD_BYTES);
        let segments = [0, 0x3b, 0x23, 0x23];
        let tail = [
            self.machine.register(EBP),
            self.machine.next,
            0x1b,
            self.machine.flags.word(),
            self.machine.register(ESP),
            0x23,
        ];
        let registers = GENERAL.map(|number| self.machine.register(number));
        self.write(context, 0x0001_003f)
            && self.write_all(context.wrapping_add(0x04), &[0; 6])
            && self.write_all(context.wrapping_add(0x8c), &segments)
            && self.write_all(context.wrapping_add(0x9c), &registers)
            && self.write_all(context.wrapping_add(0xb4), &tail)
    }

    fn restore_context(&mut self, context: u32) -> Result<(), Stop> {
        let field = |at: u32| {
            let address = context.wrapping_add(at);
            self.machine.memory.long(address).map_err(|_| Stop::Fault)
        };
        let mut values = [0; 6];
        for (value, at) in values.iter_mut().zip((0x9c..).step_by(4)) {
            *value = field(at)?;
        }
        let (frame, next) = (field(0xb4)?, field(0xb8)?);
        let (word, top) = (field(0xc0)?, field(0xc4)?);
        for (number, value) in GENERAL.into_iter().zip(values) {
            self.machine.set_register(number, value);
        }
        self.machine.set_register(EBP, frame);
        self.machine.set_register(ESP, top);
        self.machine.flags.set_word(word);
        self.machine.next = next;
        Ok(())
    }

    fn write_all(&mut self, from: u32, values: &[u32]) -> bool {
        let mut places = (0_u32..).map(|index| from.wrapping_add(index.wrapping_mul(4)));
        values.iter().all(|value| places.next().is_some_and(|place| self.write(place, *value)))
    }
}

/// As they follow each other in a context.
const GENERAL: [u8; 6] = [EDI, ESI, EBX, EDX, ECX, EAX];
const RECORD_BYTES: u32 = 0x50;
const CONTEXT_BYTES: u32 = 0x2cc;
const TRAP_FLAG: u32 = 0x100;
/// Exceptions in handlers of exceptions.
const PENDING_MAX: usize = 16;
/// Instructions that an exception counts for.
const COST: u64 = 64;
