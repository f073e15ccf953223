//! Mach-O: header and load commands, 32 and 64 bits, both byte orders.
//!
//! Sections come from the segment commands, in their order. The entry point is `LC_MAIN`'s offset, or
//! the program counter of a thread command, translated by the section that holds it.

use std::ops::Range;

use super::field::{Order, u32_at, u64_at};
use super::{ExecutableMap, Next, RawSection, Stage as Step};

/// What is being gathered.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// The header.
    Start,
    /// The load commands.
    Commands { shape: Shape },
}

/// How numbers are written in this file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    order: Order,
    processor: u32,
    commands: u32,
}

pub(super) const FIRST: Range<u64> = 0..28;

impl Stage {
    pub(super) fn next(&self, bytes: &[u8]) -> Option<Next> {
        match *self {
            Self::Start => start(bytes),
            Self::Commands { shape } => shape.places(bytes).map(|map| Next::Known(map.into())),
        }
    }
}

fn start(bytes: &[u8]) -> Option<Next> {
    let (order, is_wide) = match bytes.get(..4)? {
        b"\xce\xfa\xed\xfe" => (Order::Little, false),
        b"\xcf\xfa\xed\xfe" => (Order::Little, true),
        b"\xfe\xed\xfa\xce" => (Order::Big, false),
        b"\xfe\xed\xfa\xcf" => (Order::Big, true),
        _ => return None,
    };
    let shape =
        Shape { order, processor: u32_at(bytes, 4, order)?, commands: u32_at(bytes, 16, order)? };
    let at: u64 = if is_wide { 32 } else { 28 };
    let end = at.checked_add(u64::from(u32_at(bytes, 20, order)?))?;
    Some(Next::Gather(Step::MachO(Stage::Commands { shape }), at..end))
}

/// A section with its address in memory, which finds the entry point.
struct Mapped {
    address: u64,
    section: RawSection,
}

/// Where execution begins, as the file says it.
enum Entry {
    Offset(u64),
    Address(u64),
}

impl Shape {
    fn places(&self, bytes: &[u8]) -> Option<ExecutableMap> {
        let mut mapped: Vec<Mapped> = Vec::new();
        let mut entry = None;
        let mut rest = bytes;
        for _ in 0..self.commands {
            let command = u32_at(rest, 0, self.order)?;
            let length = usize::try_from(u32_at(rest, 4, self.order)?).ok()?;
            let (body, after) = rest.split_at_checked(length.max(8))?;
            match command {
                LC_SEGMENT => self.segment(body, &NARROW, &mut mapped)?,
                LC_SEGMENT_64 => self.segment(body, &WIDE, &mut mapped)?,
                LC_MAIN => entry = u64_at(body, 8, self.order).map(Entry::Offset),
                LC_THREAD | LC_UNIXTHREAD => {
                    entry = self.program_counter(body).map(Entry::Address);
                }
                _ => {}
            }
            rest = after;
        }
        let entry_point = entry.and_then(|entry| match entry {
            Entry::Offset(offset) => Some(offset),
            Entry::Address(address) => translate(address, &mapped),
        });
        Some(ExecutableMap {
            entry_point,
            sections: mapped.into_iter().map(|row| row.section).collect(),
            ..ExecutableMap::default()
        })
    }

    fn segment(&self, body: &[u8], layout: &Layout, mapped: &mut Vec<Mapped>) -> Option<()> {
        let count = usize::try_from(u32_at(body, layout.count_at, self.order)?).ok()?;
        let table = body.get(layout.table_at..)?;
        for row in table.chunks_exact(layout.row_bytes).take(count) {
            (mapped.len() < SECTIONS_MAX).then_some(())?;
            let (address, size) = if layout.is_wide {
                (u64_at(row, 32, self.order)?, u64_at(row, 40, self.order)?)
            } else {
                (u64::from(u32_at(row, 32, self.order)?), u64::from(u32_at(row, 36, self.order)?))
            };
            let start = u64::from(u32_at(row, layout.start_at, self.order)?);
            mapped.push(Mapped { address, section: RawSection { start, size } });
        }
        Some(())
    }

    /// The program counter's place in the registers of the processor.
    fn program_counter(&self, body: &[u8]) -> Option<u64> {
        match self.processor {
            CPU_X86 => u32_at(body, 16 + 10 * 4, self.order).map(u64::from),
            CPU_X86_64 => u64_at(body, 16 + 16 * 8, self.order),
            CPU_ARM => u32_at(body, 16 + 15 * 4, self.order).map(u64::from),
            CPU_ARM64 => u64_at(body, 16 + 32 * 8, self.order),
            CPU_POWERPC => u32_at(body, 16, self.order).map(u64::from),
            CPU_POWERPC64 => u64_at(body, 16, self.order),
            _ => None,
        }
    }
}

fn translate(address: u64, mapped: &[Mapped]) -> Option<u64> {
    mapped.iter().find_map(|row| {
        let into = address.checked_sub(row.address)?;
        (into < row.section.size).then(|| row.section.start.checked_add(into))?
    })
}

/// Where the fields of a segment command are.
struct Layout {
    is_wide: bool,
    count_at: usize,
    table_at: usize,
    row_bytes: usize,
    start_at: usize,
}

const NARROW: Layout =
    Layout { is_wide: false, count_at: 48, table_at: 56, row_bytes: 68, start_at: 40 };
const WIDE: Layout =
    Layout { is_wide: true, count_at: 64, table_at: 72, row_bytes: 80, start_at: 48 };

const LC_SEGMENT: u32 = 0x1;
const LC_THREAD: u32 = 0x4;
const LC_UNIXTHREAD: u32 = 0x5;
const LC_SEGMENT_64: u32 = 0x19;
const LC_MAIN: u32 = 0x8000_0028;
const CPU_X86: u32 = 7;
const CPU_ARM: u32 = 12;
const CPU_POWERPC: u32 = 18;
const CPU_X86_64: u32 = 0x0100_0007;
const CPU_ARM64: u32 = 0x0100_000c;
const CPU_POWERPC64: u32 = 0x0100_0012;
/// As for ELF; a section number in a signature has two digits at most in every published set.
const SECTIONS_MAX: usize = 2_048;
