//! ELF: file header, program headers, section headers, 32 and 64 bits, both byte orders.
//!
//! The entry point is an address in memory; the segment that holds it gives its place in the file.
//! The section headers usually lie at the end of the file, so offsets of sections are known late;
//! either table may come first, and the nearer one is gathered first.

use std::ops::Range;

use super::field::{Order, u16_at, u32_at, u64_at};
use super::{ExecutableMap, Next, RawSection, Stage as Step};

/// What is being gathered.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// The file header.
    Start,
    /// The nearer table; afterwards the other one.
    First { shape: Shape, table: Table, later: Option<(Table, Range<u64>)>, known: ExecutableMap },
}

/// Which of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Segments,
    Sections,
}

/// How numbers are written in this file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    order: Order,
    is_wide: bool,
    entry: u64,
    segment_bytes: u16,
    section_bytes: u16,
}

pub(super) const FIRST: Range<u64> = 0..64;

impl Stage {
    pub(super) fn next(&self, bytes: &[u8]) -> Option<Next> {
        match self {
            Self::Start => start(bytes),
            Self::First { shape, table, later, known } => {
                let mut known = known.clone();
                match table {
                    Table::Segments => known.entry_point = shape.entry_point(bytes),
                    Table::Sections => known.sections = shape.sections(bytes)?,
                }
                Some(match later {
                    None => Next::Known(known.into()),
                    Some((table, range)) => gather(*shape, *table, range.clone(), None, known),
                })
            }
        }
    }
}

fn start(bytes: &[u8]) -> Option<Next> {
    let order = match bytes.get(5)? {
        1 => Order::Little,
        2 => Order::Big,
        _ => return None,
    };
    let is_wide = match bytes.get(4)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    // The two classes differ in the width of three fields; what follows them has the same order.
    let tail: usize = if is_wide { 0x34 } else { 0x28 };
    let shape = Shape {
        order,
        is_wide,
        entry: Shape::word(is_wide, order, bytes, 0x18, 0x18)?,
        segment_bytes: u16_at(bytes, tail.checked_add(2)?, order)?,
        section_bytes: u16_at(bytes, tail.checked_add(6)?, order)?,
    };
    let segments = table(
        Shape::word(is_wide, order, bytes, 0x20, 0x1c)?,
        u16_at(bytes, tail.checked_add(4)?, order)?,
        shape.segment_bytes,
        SEGMENTS_MAX,
    )?;
    let sections = table(
        Shape::word(is_wide, order, bytes, 0x28, 0x20)?,
        u16_at(bytes, tail.checked_add(8)?, order)?,
        shape.section_bytes,
        SECTIONS_MAX,
    )?;
    let mut tables = [(Table::Segments, segments), (Table::Sections, sections)];
    tables.sort_by_key(|(_, range)| range.start);
    let mut wanted = tables.into_iter().filter(|(_, range)| range.start < range.end);
    let known = ExecutableMap::default();
    Some(match wanted.next() {
        None => Next::Known(known.into()),
        Some((table, range)) => gather(shape, table, range, wanted.next(), known),
    })
}

/// The range of a table of `count` rows of `row_bytes` bytes.
fn table(at: u64, count: u16, row_bytes: u16, count_max: u16) -> Option<Range<u64>> {
    (count <= count_max).then_some(())?;
    let bytes = u64::from(count).checked_mul(u64::from(row_bytes))?;
    Some(at..at.checked_add(bytes)?)
}

fn gather(
    shape: Shape,
    table: Table,
    range: Range<u64>,
    later: Option<(Table, Range<u64>)>,
    known: ExecutableMap,
) -> Next {
    let stage = Stage::First { shape, table, later, known };
    Next::Gather(Step::Elf(stage), range)
}

impl Shape {
    /// A field of the width of an address: at one place in wide files, at another in narrow ones.
    fn word(is_wide: bool, order: Order, bytes: &[u8], wide: usize, narrow: usize) -> Option<u64> {
        if is_wide {
            u64_at(bytes, wide, order)
        } else {
            u32_at(bytes, narrow, order).map(u64::from)
        }
    }

    fn field(&self, row: &[u8], wide: usize, narrow: usize) -> Option<u64> {
        Self::word(self.is_wide, self.order, row, wide, narrow)
    }

    /// The segment that holds the entry address says where in the file it is.
    fn entry_point(&self, table: &[u8]) -> Option<u64> {
        table.chunks_exact(usize::from(self.segment_bytes).max(1)).find_map(|row| {
            let offset = self.field(row, 0x08, 0x04)?;
            let address = self.field(row, 0x10, 0x08)?;
            let memory_bytes = self.field(row, 0x28, 0x14)?;
            let into = self.entry.checked_sub(address)?;
            (into < memory_bytes).then(|| offset.checked_add(into))?
        })
    }

    fn sections(&self, table: &[u8]) -> Option<Box<[RawSection]>> {
        table
            .chunks_exact(usize::from(self.section_bytes).max(1))
            .map(|row| {
                Some(RawSection {
                    start: self.field(row, 0x18, 0x10)?,
                    size: self.field(row, 0x20, 0x14)?,
                })
            })
            .collect()
    }
}

/// Linkers write about ten.
const SEGMENTS_MAX: u16 = 128;
/// Objects built with a section for each function have hundreds.
const SECTIONS_MAX: u16 = 2_048;
