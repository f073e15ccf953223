//! The calls that loaders make, answered without a system.
//!
//! A loader asks for addresses of functions, for memory, and whether somebody watches it. Memory is
//! given, up to [`HEAP_BYTES_MAX`]; everything else gets the answer of a machine on which nothing
//! happens. What is not in the table ends the run.

use super::library::{self, Function};
use super::{HEAP_HANDLE, PROCESS_NUMBER, Process, Stop, THREAD, THREAD_NUMBER};
use crate::engine::unpack::packed::machine::{EAX, EBP, ESP};

/// A function that is answered.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    /// Arguments that it takes off the stack.
    arguments: u32,
    answer: Answer,
}

/// What is answered.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Number(u32),
    Exit,
    Ticks,
    ProcAddress,
    /// A module by its name, which is of letters of so many bytes.
    Module(u32),
    /// Memory, with its address, if one is wished for, and its size in these arguments.
    Memory(Option<u32>, u32),
    /// The old protection is written to the fourth argument.
    Protect,
    LastError,
    SetLastError,
    /// The link of the chain of handlers is set to the first argument.
    Unwind,
    /// Eight bytes of time are written to the first argument.
    Time,
    Fill(FillKind),
    Length,
    File(FileCall),
}

/// Calls for the program's own file.
#[derive(Clone, Copy, Debug)]
enum FileCall {
    /// Its path is written to the second argument.
    Name,
    Open,
    Size,
    Read,
    Seek,
}

/// What is written to memory.
#[derive(Clone, Copy, Debug)]
enum FillKind {
    Zero,
    Copy,
}

impl Process {
    /// Control is at an address of the library.
    pub(super) fn call(&mut self, file: &[u8]) -> Result<(), Stop> {
        self.machine.executed = self.machine.executed.wrapping_add(COST);
        let (function, offset) = library::at(self.machine.next);
        if offset >= library::FRAME_FROM {
            // The program ran the first instructions itself, somewhere else.
            let frame = self.machine.pop().map_err(|_| Stop::Fault)?;
            self.machine.set_register(EBP, frame);
        }
        let known = match function {
            Function::Return => return Err(Stop::Exit),
            Function::Handled => return self.handled(),
            Function::Fault => return Err(Stop::Fault),
            Function::Foreign => return Err(Stop::Foreign),
            Function::Known(index) => KNOWN.get(index).ok_or(Stop::Foreign)?,
        };
        let answer = self.answer(known.answer, file)?;
        self.machine.set_register(EAX, answer);
        self.machine.next = self.machine.pop().map_err(|_| Stop::Fault)?;
        let top = self.machine.register(ESP).wrapping_add(known.arguments.wrapping_mul(4));
        self.machine.set_register(ESP, top);
        Ok(())
    }

    fn argument(&self, number: u32) -> Result<u32, Stop> {
        let at = self.machine.register(ESP).wrapping_add(number.wrapping_mul(4));
        self.machine.memory.long(at.wrapping_add(4)).map_err(|_| Stop::Fault)
    }

    fn answer(&mut self, answer: Answer, file: &[u8]) -> Result<u32, Stop> {
        Ok(match answer {
            Answer::Number(number) => number,
            Answer::Exit => return Err(Stop::Exit),
            Answer::Ticks => self.machine.ticks(),
            Answer::LastError => self.last_error,
            Answer::SetLastError => {
                self.last_error = self.argument(0)?;
                0
            }
            Answer::ProcAddress => self.proc_address()?,
            Answer::Module(letter) => self.module(letter)?,
            Answer::Memory(wish, size) => {
                let wish = wish.map_or(Ok(0), |wish| self.argument(wish))?;
                let size = self.argument(size)?;
                self.allocate(wish, size)
            }
            Answer::Protect => {
                let old = self.argument(3)?;
                u32::from(old == 0 || self.write(old, 0x40))
            }
            Answer::Unwind => {
                let link = self.argument(0)?;
                u32::from(!self.write(THREAD, link))
            }
            Answer::Time => {
                let place = self.argument(0)?;
                let ticks = self.machine.ticks();
                u32::from(
                    self.write(place, ticks) && self.write(place.wrapping_add(4), 0x01d0_0000),
                )
            }
            Answer::Fill(kind) => self.fill(kind)?,
            Answer::File(call) => self.file_answer(call, file)?,
            Answer::Length => {
                let text = self.machine.memory.text(self.argument(0)?, TEXT_BYTES_MAX);
                u32::try_from(text.len()).unwrap_or(0)
            }
        })
    }

    /// Of the program's own file, which some loaders read to see whether it was changed.
    fn file_answer(&mut self, call: FileCall, file: &[u8]) -> Result<u32, Stop> {
        let size = u32::try_from(file.len()).unwrap_or(u32::MAX);
        Ok(match call {
            FileCall::Name => {
                let place = self.argument(1)?;
                let is_written = self.machine.put(place, PATH).is_ok();
                if is_written { u32::try_from(PATH.len()).unwrap_or(1).wrapping_sub(1) } else { 0 }
            }
            FileCall::Open => {
                let name = self.machine.memory.text(self.argument(0)?, NAME_BYTES_MAX);
                let is_own = PATH.strip_suffix(b"\0").is_some_and(|path| path.ends_with(&name));
                let is_read = self.argument(1)? & GENERIC_WRITE == 0;
                self.file_position = 0;
                if is_own && !name.is_empty() && is_read { FILE_HANDLE } else { u32::MAX }
            }
            FileCall::Size => size,
            FileCall::Seek => {
                let from = match self.argument(3)? {
                    0 => 0,
                    1 => self.file_position,
                    _ => size,
                };
                self.file_position = from.wrapping_add(self.argument(1)?);
                self.file_position
            }
            FileCall::Read => {
                let rest = file.get(self.file_position as usize..).unwrap_or_default();
                let bytes = rest.get(..self.argument(2)? as usize).unwrap_or(rest);
                let bytes = bytes.get(..HEAP_BYTES_MAX as usize).unwrap_or(bytes);
                let count = u32::try_from(bytes.len()).unwrap_or(0);
                let (to, place) = (self.argument(1)?, self.argument(3)?);
                self.machine.executed = self.machine.executed.wrapping_add(u64::from(count >> 2));
                self.file_position = self.file_position.wrapping_add(count);
                let is_read = self.machine.put(to, bytes).is_ok();
                u32::from(is_read && (place == 0 || self.write(place, count)))
            }
        })
    }

    fn proc_address(&mut self) -> Result<u32, Stop> {
        let name = self.argument(1)?;
        let name = match name {
            0..=0xffff => ordinal(name),
            place => self.machine.memory.text(place, NAME_BYTES_MAX),
        };
        Ok(if name.is_empty() { 0 } else { self.library.address_of(&name).unwrap_or(0) })
    }

    fn module(&mut self, letter: u32) -> Result<u32, Stop> {
        let place = self.argument(0)?;
        if place == 0 {
            return Ok(self.base);
        }
        let mut name = Vec::new();
        for index in 0..NAME_BYTES_MAX {
            let at = u32::try_from(index).unwrap_or(0).wrapping_mul(letter);
            match self.machine.memory.get(place.wrapping_add(at)) {
                Ok([0]) | Err(_) => break,
                Ok([byte]) => name.push(byte.to_ascii_lowercase()),
            }
        }
        let name = name.strip_suffix(b".dll").unwrap_or(&name);
        Ok(match name {
            b"kernel32" => library::BASE,
            b"ntdll" => library::LOWEST,
            b"" => 0,
            other => {
                let known = self.loaded.iter().position(|known| known == other);
                if known.is_none() && self.loaded.len() < MODULES_MAX {
                    self.loaded.push(other.to_vec());
                }
                let index = known.unwrap_or(self.loaded.len());
                MODULES.wrapping_add(u32::try_from(index).unwrap_or(0) << 16)
            }
        })
    }

    /// Memory of whole pages, where it is wished for, if nothing is there; 0 when there is none.
    fn allocate(&mut self, wish: u32, size: u32) -> u32 {
        if wish != 0 && self.machine.memory.has(wish) {
            return wish & !PAGE_MASK;
        }
        let size = size.max(1).checked_next_multiple_of(PAGE_MASK.wrapping_add(1));
        let Some(size) = size.filter(|size| *size <= HEAP_BYTES_MAX.wrapping_sub(self.heap_bytes))
        else {
            return 0;
        };
        let base = if wish == 0 { self.heap_next } else { wish & !PAGE_MASK };
        let is_possible = base >= LOWEST_WISH && self.machine.memory.is_free(base, size);
        if !is_possible || self.machine.memory.count() >= STRETCHES_MAX {
            return 0;
        }
        if wish == 0 {
            // Programs expect them at multiples of 64 KiB.
            let next = base.wrapping_add(size).wrapping_add(0xffff) & !0xffff;
            self.heap_next = next;
        }
        self.heap_bytes = self.heap_bytes.wrapping_add(size);
        self.machine.memory.add(base, vec![0; size as usize], true);
        base
    }

    fn fill(&mut self, kind: FillKind) -> Result<u32, Stop> {
        let to = self.argument(0)?;
        let (from, count) = match kind {
            FillKind::Zero => (None, self.argument(1)?),
            FillKind::Copy => (Some(self.argument(1)?), self.argument(2)?),
        };
        let bytes = match from {
            None => vec![0; count.min(HEAP_BYTES_MAX) as usize],
            Some(from) => {
                let (base, length) = self.machine.memory.around(from).ok_or(Stop::Fault)?;
                let room = length.wrapping_sub(from.wrapping_sub(base) as usize);
                self.machine.memory.bytes(from, room.min(count as usize))
            }
        };
        self.machine.executed = self.machine.executed.wrapping_add(u64::from(count >> 2));
        let is_written = self.machine.put(to, &bytes).is_ok();
        if is_written { Ok(to) } else { Err(Stop::Fault) }
    }
}

/// The name of a function that is known by its number.
pub(in crate::engine::unpack::packed) fn ordinal(number: u32) -> Vec<u8> {
    format!("#{number}").into_bytes()
}

const fn known(name: &'static str, arguments: u32, answer: Answer) -> Known {
    Known { name, arguments, answer }
}

const fn number(name: &'static str, arguments: u32, value: u32) -> Known {
    known(name, arguments, Answer::Number(value))
}

/// What is answered. Names are those of `KERNEL32.DLL` and of a few others that loaders use.
pub(super) const KNOWN: &[Known] = &[
    known("GetProcAddress", 2, Answer::ProcAddress),
    known("LoadLibraryA", 1, Answer::Module(1)),
    known("LoadLibraryExA", 3, Answer::Module(1)),
    known("LoadLibraryW", 1, Answer::Module(2)),
    known("GetModuleHandleA", 1, Answer::Module(1)),
    known("GetModuleHandleW", 1, Answer::Module(2)),
    number("FreeLibrary", 1, 1),
    known("VirtualAlloc", 4, Answer::Memory(Some(0), 1)),
    known("VirtualProtect", 4, Answer::Protect),
    number("VirtualFree", 3, 1),
    known("GlobalAlloc", 2, Answer::Memory(None, 1)),
    known("LocalAlloc", 2, Answer::Memory(None, 1)),
    number("GlobalFree", 1, 0),
    number("LocalFree", 1, 0),
    number("HeapCreate", 3, HEAP_HANDLE),
    number("HeapDestroy", 1, 1),
    number("GetProcessHeap", 0, HEAP_HANDLE),
    known("HeapAlloc", 3, Answer::Memory(None, 2)),
    known("RtlAllocateHeap", 3, Answer::Memory(None, 2)),
    number("HeapFree", 3, 1),
    known("ExitProcess", 1, Answer::Exit),
    known("ExitThread", 1, Answer::Exit),
    known("TerminateProcess", 2, Answer::Exit),
    known("GetTickCount", 0, Answer::Ticks),
    known("QueryPerformanceCounter", 1, Answer::Time),
    known("GetSystemTimeAsFileTime", 1, Answer::Time),
    number("Sleep", 1, 0),
    number("IsDebuggerPresent", 0, 0),
    number("OutputDebugStringA", 1, 0),
    number("GetCurrentProcess", 0, u32::MAX),
    number("GetCurrentThread", 0, u32::MAX - 1),
    number("GetCurrentProcessId", 0, PROCESS_NUMBER),
    number("GetCurrentThreadId", 0, THREAD_NUMBER),
    number("GetVersion", 0, 0x0a28_0105),
    number("SetErrorMode", 1, 0),
    number("SetUnhandledExceptionFilter", 1, 0),
    number("FlushInstructionCache", 3, 1),
    known("GetLastError", 0, Answer::LastError),
    known("SetLastError", 1, Answer::SetLastError),
    known("RtlUnwind", 4, Answer::Unwind),
    known("RtlZeroMemory", 2, Answer::Fill(FillKind::Zero)),
    known("RtlMoveMemory", 3, Answer::Fill(FillKind::Copy)),
    known("lstrlenA", 1, Answer::Length),
    number("CloseHandle", 1, 1),
    known("GetModuleFileNameA", 3, Answer::File(FileCall::Name)),
    known("CreateFileA", 7, Answer::File(FileCall::Open)),
    known("GetFileSize", 2, Answer::File(FileCall::Size)),
    known("ReadFile", 5, Answer::File(FileCall::Read)),
    known("SetFilePointer", 4, Answer::File(FileCall::Seek)),
    // Threads begin, and never have their turn.
    number("CreateThread", 6, 0x84),
    number("OpenProcess", 3, 0),
    number("WaitForSingleObject", 2, 0),
    number("TerminateThread", 2, 1),
    number("MessageBoxA", 4, 1),
    number("InitCommonControls", 0, 0),
];

/// Where the program is said to be.
const PATH: &[u8] = b"C:\\program.exe\0";
const FILE_HANDLE: u32 = 0x7c;
const GENERIC_WRITE: u32 = 0x4000_0000;
const PAGE_MASK: u32 = 0xfff;
/// What a program may ask for.
pub(in crate::engine::unpack::packed) const HEAP_BYTES_MAX: u32 = 16 << 20;
/// Nothing is given below.
const LOWEST_WISH: u32 = 0x0001_0000;
/// The program, its stack, those of the system, and what it asked for.
const STRETCHES_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 4_096;
const MODULES: u32 = 0x7000_0000;
const MODULES_MAX: usize = 64;
/// Instructions that a call counts for.
const COST: u64 = 64;
