//! PE: DOS header, COFF header, optional header, section table.
//!
//! Microsoft, PE Format, sections 2 to 4. Where a section lies in the file follows `clamscan`: its start
//! is rounded down and its size up to the file alignment, unless the table itself shows that the
//! alignment is not meant: a section at a multiple of 512 that is none of the alignment makes it 512
//! for all. A table with a value of 2 GiB or more is no table.
//!
//! The entry point is an address in memory; it is translated by the section that holds it, or is a
//! place in the headers as it stands.

use super::field::{Order, u16_at, u32_at};
use super::{ExecutableMap, Known, Next, RawSection, Stage as Step};

/// What is being gathered.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// The DOS header.
    Start,
    /// The signature and the COFF header, at this place.
    Coff { at: u64 },
    /// The optional header and the section table.
    Tables { optional_bytes: u16, sections: u16 },
}

pub(super) const FIRST: std::ops::Range<u64> = 0..64;

/// What the headers say beyond the map: enough to translate addresses and to find two directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Layout {
    /// In the order of the table.
    pub rows: Box<[Row]>,
    /// Bytes in front of the sections, in memory as in the file.
    pub header_bytes: u32,
    /// Whether addresses have 64 bits.
    pub is_wide: bool,
    /// Address and size of the import directory.
    pub imports: Option<(u32, u32)>,
    /// Address of the resource directory.
    pub resources: Option<u32>,
}

/// One line of the section table, rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Row {
    /// Of its first byte in memory.
    pub address: u64,
    /// Its place in the file.
    pub raw_start: u64,
    /// Bytes in the file.
    pub raw_size: u64,
    /// As `raw_size`, before it was rounded.
    pub declared_size: u64,
}

impl Stage {
    pub(super) fn next(&self, bytes: &[u8]) -> Option<Next> {
        match *self {
            Self::Start => {
                let at = u64::from(u32_at(bytes, 0x3c, LITTLE)?);
                (at > 0).then_some(())?;
                Some(gather(Self::Coff { at }, at, COFF_BYTES))
            }
            Self::Coff { at } => {
                (bytes.get(..4)? == b"PE\0\0").then_some(())?;
                let sections = u16_at(bytes, 6, LITTLE)?;
                let optional_bytes = u16_at(bytes, 20, LITTLE)?;
                (1..=SECTIONS_MAX).contains(&sections).then_some(())?;
                let table_bytes = u64::from(sections).saturating_mul(SECTION_BYTES);
                let bytes = table_bytes.saturating_add(u64::from(optional_bytes));
                let stage = Self::Tables { optional_bytes, sections };
                Some(gather(stage, at.saturating_add(COFF_BYTES), bytes))
            }
            Self::Tables { optional_bytes, sections } => {
                let (optional, table) = bytes.split_at_checked(usize::from(optional_bytes))?;
                let (layout, entry) = Layout::read(optional, table, usize::from(sections))?;
                let map = ExecutableMap {
                    entry_point: layout.place(entry),
                    sections: layout
                        .rows
                        .iter()
                        .map(|row| RawSection { start: row.raw_start, size: row.raw_size })
                        .collect(),
                    ..ExecutableMap::default()
                };
                Some(Next::Known(Known { map, layout: Some(layout) }))
            }
        }
    }
}

fn gather(stage: Stage, at: u64, bytes: u64) -> Next {
    Next::Gather(Step::Pe(stage), at..at.saturating_add(bytes))
}

impl Layout {
    fn read(optional: &[u8], table: &[u8], count: usize) -> Option<(Self, u32)> {
        let is_wide = match u16_at(optional, 0, LITTLE)? {
            MAGIC_32 => false,
            MAGIC_64 => true,
            _ => return None,
        };
        let entry = u32_at(optional, 16, LITTLE)?;
        let section_alignment = u32_at(optional, 32, LITTLE)?;
        let file_alignment = u32_at(optional, 36, LITTLE)?;
        let lines = || table.chunks_exact(40).take(count);
        let alignment = lines().try_fold(file_alignment, meant_alignment)?;
        let rows = lines().map(|line| Row::read(line, section_alignment, alignment));
        let layout = Self {
            rows: rows.collect::<Option<_>>()?,
            header_bytes: u32_at(optional, 60, LITTLE)?,
            is_wide,
            imports: directory(optional, is_wide, IMPORTS),
            resources: directory(optional, is_wide, RESOURCES).map(|(address, _)| address),
        };
        Some((layout, entry))
    }

    /// The place in the file of an address; `None` when no byte of the file is there.
    pub(in crate::engine) fn place(&self, address: u32) -> Option<u64> {
        if address < self.header_bytes {
            return Some(u64::from(address));
        }
        let row = self.row_of(address)?;
        u64::from(address).checked_sub(row.address)?.checked_add(row.raw_start)
    }

    /// The section that an address lies in; of several the last one.
    pub(in crate::engine) fn row_of(&self, address: u32) -> Option<&Row> {
        let address = u64::from(address);
        let holds = |row: &&Row| {
            row.address <= address && address < row.address.saturating_add(row.raw_size)
        };
        self.rows.iter().rev().find(holds)
    }
}

/// Address and size of one of the directories, when there are so many and it is not empty.
fn directory(optional: &[u8], is_wide: bool, index: usize) -> Option<(u32, u32)> {
    let count_at: usize = if is_wide { 108 } else { 92 };
    let count = usize::try_from(u32_at(optional, count_at, LITTLE)?).ok()?;
    (index < count).then_some(())?;
    let at = count_at.checked_add(4)?.checked_add(index.checked_mul(8)?)?;
    let address = u32_at(optional, at, LITTLE)?;
    (address > 0).then_some((address, u32_at(optional, at.checked_add(4)?, LITTLE)?))
}

/// The file alignment after one more line of the table was seen.
fn meant_alignment(alignment: u32, line: &[u8]) -> Option<u32> {
    let (size, start) = (u32_at(line, 16, LITTLE)?, u32_at(line, 20, LITTLE)?);
    let is_odd = size > 0
        && start > 0
        && start.checked_rem(alignment).unwrap_or(0) != 0
        && start.is_multiple_of(SECTOR_BYTES);
    Some(if is_odd { SECTOR_BYTES } else { alignment })
}

impl Row {
    fn read(line: &[u8], section_alignment: u32, file_alignment: u32) -> Option<Self> {
        let [memory_size, address, size, start] =
            [8, 12, 16, 20].map(|at| u32_at(line, at, LITTLE));
        let (memory_size, address) = (memory_size?, address?);
        let (size, start) = (size?, start?);
        let is_sound = [memory_size, address, size, start].iter().all(|it| it.leading_zeros() > 0);
        is_sound.then_some(())?;
        let unit = u64::from(file_alignment);
        Some(Self {
            address: down(u64::from(address), u64::from(section_alignment)),
            raw_start: down(u64::from(start), unit),
            raw_size: up(u64::from(size), unit),
            declared_size: u64::from(size),
        })
    }
}

fn down(value: u64, unit: u64) -> u64 {
    value.saturating_sub(value.checked_rem(unit).unwrap_or(0))
}

fn up(value: u64, unit: u64) -> u64 {
    value.checked_next_multiple_of(unit).unwrap_or(value)
}

pub(super) const LITTLE: Order = Order::Little;
/// The signature and the COFF header.
const COFF_BYTES: u64 = 24;
const SECTION_BYTES: u64 = 40;
/// The Windows loader accepts no more.
const SECTIONS_MAX: u16 = 96;
const SECTOR_BYTES: u32 = 512;
const MAGIC_32: u16 = 0x010b;
const MAGIC_64: u16 = 0x020b;
/// The second directory.
const IMPORTS: usize = 1;
/// The third.
const RESOURCES: usize = 2;
