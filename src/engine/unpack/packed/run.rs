//! A program loaded and run by the machine, in slices.

use super::headers::{Headers, Platform};
use super::windows::{HEAP_BYTES_MAX, Process, Start, is_free, ordinal};

/// A program that is run.
#[derive(Debug)]
pub(super) struct Run {
    process: Process,
    headers: Headers,
    /// How much was written when that was last more than before, and after how many instructions.
    progress: (u64, u64),
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) headers: Headers,
    /// The program in memory, then what it asked for; each with its address.
    pub(super) stretches: Vec<(u32, Vec<u8>)>,
    /// Where what was packed begins: its distance from the base, and whether that is in another section
    /// than the one where all began.
    pub(super) entry: Option<(u32, bool)>,
    /// Bytes that it wrote to.
    pub(super) written: u64,
}

impl Run {
    /// The most memory that it takes, in bytes; `None` for what cannot be run.
    pub(super) fn state_bytes(headers: &Headers) -> Option<u64> {
        let size = image_bytes(headers);
        let may_run = headers.platform == Platform::I386
            && size <= IMAGE_BYTES_MAX
            && is_free(headers.base, size);
        // For each byte another one, which says how it came to be there.
        may_run.then(|| u64::from(size).saturating_add(HEAP_BYTES_MAX.into()).saturating_mul(2))
    }

    /// Loads a program for which [`Run::state_bytes`] says that it can be run.
    pub(super) fn new(headers: Headers, file: &[u8]) -> Self {
        let image = load(&headers, file);
        let (base, is_library) = (headers.base, headers.is_library);
        let entry = base.wrapping_add(headers.entry);
        let home = headers.section_of(headers.entry).and_then(|at| headers.sections.get(at));
        let home = home.map_or((entry, entry), |section| {
            let from = base.wrapping_add(section.address);
            (from, from.saturating_add(section.memory_size()))
        });
        let mut process = Process::new(Start { base, entry, home, is_library }, image);
        if let Some(imports) = headers.imports {
            bind(&mut process, base, base.wrapping_add(imports));
        }
        Self { process, headers, progress: (0, 0) }
    }

    /// Runs some instructions. Says whether it has come to its end, by itself or at the limit.
    pub(super) fn step(&mut self, file: &[u8]) -> bool {
        let done = self.process.machine.executed;
        let until = done.saturating_add(INSTRUCTIONS_PER_STEP);
        let stop = self.process.run(until.min(INSTRUCTIONS_MAX), file);
        let (written, executed) =
            (self.process.machine.memory.written(), self.process.machine.executed);
        if written > self.progress.0 {
            self.progress = (written, executed);
        }
        let idle = executed.saturating_sub(self.progress.1);
        stop.is_some() || until >= INSTRUCTIONS_MAX || idle > IDLE_MAX
    }

    /// What is in memory.
    pub(super) fn end(self) -> Unpacked {
        let Self { process, headers, .. } = self;
        let machine = process.machine;
        // A loader that had nothing to unpack ends with control elsewhere, too.
        let entry = machine.entry().or_else(|| machine.left()).map(|entry| {
            let entry = entry.wrapping_sub(headers.base);
            let section = headers.section_of(entry);
            (entry, section.is_some() && section != headers.section_of(headers.entry))
        });
        let written = machine.memory.written();
        let stretches = machine.memory.into_own().collect();
        Unpacked { headers, stretches, entry, written }
    }
}

fn image_bytes(headers: &Headers) -> u32 {
    let size = headers.image_bytes.max(headers.header_bytes);
    size.checked_next_multiple_of(PAGE_BYTES).unwrap_or(u32::MAX)
}

/// The sections at their addresses.
fn load(headers: &Headers, file: &[u8]) -> Vec<u8> {
    let mut image = vec![0; image_bytes(headers) as usize];
    let mut place = |to: u32, from: u32, count: u32| {
        let (to, from) = (to as usize, from as usize);
        let rest = file.get(from..).unwrap_or_default();
        let count = rest.len().min(count as usize).min(image.len().saturating_sub(to));
        let to = image.get_mut(to..to.saturating_add(count));
        if let (Some(to), Some(from)) = (to, rest.get(..count)) {
            to.copy_from_slice(from);
        }
    };
    place(0, 0, headers.header_bytes.max(PAGE_BYTES));
    for section in &headers.sections {
        // The loader counts in sectors of the disk, and fills whole pages.
        let start = section.start & !SECTOR_MASK;
        let skipped = section.start & SECTOR_MASK;
        let bytes =
            section.bytes.saturating_add(skipped).saturating_add(SECTOR_MASK) & !SECTOR_MASK;
        let pages = section.memory_size().checked_next_multiple_of(PAGE_BYTES).unwrap_or(u32::MAX);
        if section.bytes > 0 {
            place(section.address, start, bytes.min(pages));
        }
    }
    image
}

/// Gives addresses to the functions that the program imports.
fn bind(process: &mut Process, base: u32, directory: u32) {
    let mut left = FUNCTIONS_MAX;
    for row in 0..LIBRARIES_MAX {
        let row = directory.wrapping_add(row.wrapping_mul(20));
        let memory = &process.machine.memory;
        let field = |at: u32| memory.long(row.wrapping_add(at)).unwrap_or(0);
        let (names, library, places) = (field(0), field(12), field(16));
        if library == 0 || places == 0 {
            return;
        }
        let names = if names == 0 { places } else { names };
        for index in (0_u32..).step_by(4) {
            let at = base.wrapping_add(names).wrapping_add(index);
            let Ok(name) = process.machine.memory.long(at) else { break };
            if name == 0 || left == 0 {
                break;
            }
            left = left.saturating_sub(1);
            let name = if name >> 31 == 0 {
                let text = base.wrapping_add(name).wrapping_add(2);
                process.machine.memory.text(text, NAME_BYTES_MAX)
            } else {
                ordinal(name & 0xffff)
            };
            process.bind(base.wrapping_add(places).wrapping_add(index), &name);
        }
    }
}

/// A program that takes more is not run.
const IMAGE_BYTES_MAX: u32 = 32 << 20;
/// Instructions of one program: what a loader of the slowest kind needs for a megabyte.
const INSTRUCTIONS_MAX: u64 = 60_000_000;
/// Instructions of one that writes nothing where nothing was written before: it waits, or goes in a circle.
const IDLE_MAX: u64 = 8_000_000;
/// Instructions of one step: some tens of microseconds.
const INSTRUCTIONS_PER_STEP: u64 = 4_096;
const PAGE_BYTES: u32 = 0x1000;
const SECTOR_MASK: u32 = 0x1ff;
/// Imports that are given an address.
const FUNCTIONS_MAX: u32 = 8_192;
const LIBRARIES_MAX: u32 = 256;
const NAME_BYTES_MAX: usize = 256;
