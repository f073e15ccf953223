//! As much of a Windows process as loaders look at: a stack, the blocks of thread and process, one
//! library with exports, exceptions, and the calls that loaders make.
//!
//! ```text
//!   Process::run ─▶ Machine::run ─┬─▶ an address of the library ─▶ calls ─▶ back, or Stop::Foreign
//!                                 └─▶ Trap ─▶ exceptions ─▶ the handler of the program, or Stop::Fault
//! ```
//!
//! Calls that reach for files, windows, the net or other programs are not answered: the first of them
//! ends the run, as a program that is unpacked makes them, and what unpacks it needs none.
//!
//! Layouts are those of Windows XP, which such loaders were made for. Absent on purpose: threads, vectored
//! handlers, and everything that lasts longer than the process.

mod calls;
mod exceptions;
mod library;

pub(super) use self::calls::{HEAP_BYTES_MAX, ordinal};
use self::exceptions::Pending;
use self::library::Library;
use super::machine::{EAX, EBP, EBX, ECX, EDX, ESP, Machine, Memory, Trap};

/// A program that runs.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) machine: Machine,
    library: Library,
    /// Of the program.
    base: u32,
    /// Exceptions whose handlers have not come back.
    pending: Vec<Pending>,
    /// Libraries that were loaded by name.
    loaded: Vec<Vec<u8>>,
    /// Memory that it asked for: where the next of it will be, and how much it was.
    heap_next: u32,
    heap_bytes: u32,
    last_error: u32,
    /// Where it reads on in its own file.
    file_position: u32,
}

/// Why it runs no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It ended itself.
    Exit,
    /// It made a call that is not answered.
    Foreign,
    /// Nobody handles its exception.
    Fault,
    /// It needs an instruction that the machine has not.
    Unsupported,
}

/// Where a program is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) base: u32,
    pub(super) entry: u32,
    /// The addresses of the section that the entry is in.
    pub(super) home: (u32, u32),
    pub(super) is_library: bool,
}

impl Process {
    /// With the bytes of a program at its base, where [`is_free`] says that it may be.
    pub(super) fn new(start: Start, image: Vec<u8>) -> Self {
        let end = start.base.saturating_add(u32::try_from(image.len()).unwrap_or(u32::MAX));
        let mut memory = Memory::default();
        memory.add(start.base, image, true);
        memory.add(STACK, vec![0; STACK_BYTES as usize], false);
        let library = Library::new();
        memory.add(library::BASE, library.image(), false);
        memory.add(SYSTEM, system_blocks(start), false);
        let mut machine = Machine::new(memory);
        machine.thread = THREAD;
        machine.begin_at(start.entry, start.home.0..start.home.1);
        // Whatever the program is not in the way of.
        let heap_next = if start.base < HEAP_END && end > HEAP { HEAP_END } else { HEAP };
        let loaded = Vec::new();
        let pending = Vec::new();
        let base = start.base;
        let (heap_bytes, last_error, file_position) = (0, 0, 0);
        let mut process = Self {
            machine,
            library,
            base,
            pending,
            loaded,
            heap_next,
            heap_bytes,
            last_error,
            file_position,
        };
        process.set_up(start);
        process
    }

    /// Registers and stack as the system leaves them. All of it is in the stack, which is there.
    fn set_up(&mut self, start: Start) {
        let frame = STACK_TOP.wrapping_sub(16);
        for (register, value) in [
            (EAX, 0),
            (ECX, frame),
            (EDX, library::BASE),
            (EBX, PROCESS),
            (EBP, frame),
            (ESP, frame),
        ] {
            self.machine.set_register(register, value);
        }
        // The last handler, whose chain ends there.
        let last = STACK_TOP.wrapping_sub(32);
        let record = [u32::MAX, library::FAULT];
        for (address, value) in (last..).step_by(4).zip(record) {
            let _there = self.machine.put(address, &value.to_le_bytes());
        }
        let _there = self.machine.put(THREAD, &last.to_le_bytes());
        self.machine.set_register(ESP, last.wrapping_sub(28));
        let arguments: &[u32] = if start.is_library { &[1, 1, start.base] } else { &[] };
        for value in arguments {
            let _there = self.machine.push(*value);
        }
        let _there = self.machine.push(library::RETURN);
    }

    /// Writes the address of a function of a library to a place of the program.
    pub(super) fn bind(&mut self, place: u32, name: &[u8]) {
        let address = self.library.address_of(name).unwrap_or(0);
        // A place outside of the program is nobody's.
        let _missing = self.machine.memory.bind(place, address);
    }

    /// Runs until `until` instructions were executed in all, or something ends it. `file` is what it
    /// finds when it reads itself.
    pub(super) fn run(&mut self, until: u64, file: &[u8]) -> Option<Stop> {
        while self.machine.executed < until {
            let done = match self.machine.run(until, library::is_inside) {
                Ok(()) if library::is_inside(self.machine.next) => self.call(file),
                Ok(()) => return None,
                Err(Trap::Unsupported) => Err(Stop::Unsupported),
                Err(trap) => self.raise(trap),
            };
            if let Err(stop) = done {
                return Some(stop);
            }
        }
        None
    }

    fn write(&mut self, address: u32, value: u32) -> bool {
        self.machine.put(address, &value.to_le_bytes()).is_ok()
    }
}

/// Whether a program of so many bytes may be at a base: nothing of the system is there.
pub(super) const fn is_free(base: u32, bytes: u32) -> bool {
    base >= STACK_TOP && base < PROGRAMS_END && bytes <= PROGRAMS_END.wrapping_sub(base)
}

/// The blocks of thread and process, and the list of loaded modules.
fn system_blocks(start: Start) -> Vec<u8> {
    let mut blocks = vec![0; SYSTEM_BYTES as usize];
    let mut put = |address: u32, value: u32| {
        let at = address.wrapping_sub(SYSTEM) as usize;
        if let Some(slot) = blocks.get_mut(at..at.wrapping_add(4)) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
    };
    for (at, value) in [
        (0, u32::MAX),
        (0x04, STACK_TOP),
        (0x08, STACK),
        (0x18, THREAD),
        (0x20, PROCESS_NUMBER),
        (0x24, THREAD_NUMBER),
        (0x30, PROCESS),
    ] {
        put(THREAD.wrapping_add(at), value);
    }
    let list = PROCESS.wrapping_sub(0x1000);
    for (at, value) in [(0x08, start.base), (0x0c, list), (0x18, HEAP_HANDLE), (0xa4, 5), (0xa8, 1)]
    {
        put(PROCESS.wrapping_add(at), value);
    }
    // The program itself, a library without exports, and the one that has them: the order of XP.
    let modules = [
        (start.base, "program.exe"),
        (library::LOWEST, "ntdll.dll"),
        (library::BASE, "kernel32.dll"),
    ];
    let entry = |number: u32| list.wrapping_add(0x100).wrapping_add(number.wrapping_mul(0x100));
    for (number, (base, name)) in (0..).zip(modules) {
        let own = entry(number);
        for (at, value) in [(0x18, base), (0x20, library::BYTES), (0x30, own.wrapping_add(0x60))] {
            put(own.wrapping_add(at), value);
        }
        put(own.wrapping_add(0x2c), 0x001a_0018);
        for (at, letter) in (own.wrapping_add(0x60)..).step_by(2).zip(name.bytes()) {
            put(at, letter.into());
        }
    }
    for link in [0, 8, 16] {
        let head = list.wrapping_add(0x0c).wrapping_add(link);
        let mut before = head;
        for number in 0..3 {
            let own = entry(number).wrapping_add(link);
            put(before, own);
            put(own.wrapping_add(4), before);
            before = own;
        }
        put(before, head);
        put(head.wrapping_add(4), before);
    }
    blocks
}

const STACK: u32 = 0x000f_0000;
const STACK_BYTES: u32 = 0x0004_0000;
const STACK_TOP: u32 = STACK + STACK_BYTES;
/// Programs are below the system.
const PROGRAMS_END: u32 = 0x7000_0000;
const HEAP: u32 = 0x2000_0000;
const HEAP_END: u32 = 0x4000_0000;
/// Behind it come a page with the list of modules, and the block of the process.
const SYSTEM: u32 = 0x7ffd_d000;
const SYSTEM_BYTES: u32 = 0x3000;
const THREAD: u32 = SYSTEM;
const PROCESS: u32 = SYSTEM + 0x2000;
const PROCESS_NUMBER: u32 = 0x0e64;
const THREAD_NUMBER: u32 = 0x0e68;
const HEAP_HANDLE: u32 = 0x0014_0000;
