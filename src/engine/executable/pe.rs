//! PE: DOS header, COFF header, optional header, section table.
//!
//! Section starts are rounded down to 512 as the Windows loader does, sizes up to the file alignment.
//! The entry point is an address in memory; it is translated by the section that holds it, or is a
//! place in the headers as it stands.

use super::field::{Order, u16_at, u32_at};
use super::{ExecutableMap, Next, RawSection, Stage as Step};

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
                places(bytes, usize::from(optional_bytes), usize::from(sections)).map(Next::Known)
            }
        }
    }
}

fn gather(stage: Stage, at: u64, bytes: u64) -> Next {
    Next::Gather(Step::Pe(stage), at..at.saturating_add(bytes))
}

fn places(bytes: &[u8], optional_bytes: usize, count: usize) -> Option<ExecutableMap> {
    let (optional, table) = bytes.split_at_checked(optional_bytes)?;
    matches!(u16_at(optional, 0, LITTLE)?, MAGIC_32 | MAGIC_64).then_some(())?;
    let entry = u32_at(optional, 16, LITTLE)?;
    let section_alignment = u32_at(optional, 32, LITTLE)?;
    let file_alignment = u32_at(optional, 36, LITTLE)?;
    let header_bytes = u32_at(optional, 60, LITTLE)?;
    let rows: Vec<Row> = table
        .chunks_exact(40)
        .take(count)
        .map(|row| Row::read(row, section_alignment, file_alignment))
        .collect::<Option<_>>()?;
    Some(ExecutableMap {
        entry_point: entry_point(entry, header_bytes, &rows),
        sections: rows
            .iter()
            .map(|row| RawSection { start: row.raw_start, size: row.raw_size })
            .collect(),
        ..ExecutableMap::default()
    })
}

/// One line of the section table, rounded as the loader rounds.
struct Row {
    address: u64,
    raw_start: u64,
    raw_size: u64,
}

impl Row {
    fn read(row: &[u8], section_alignment: u32, file_alignment: u32) -> Option<Self> {
        let address = u64::from(u32_at(row, 12, LITTLE)?);
        let raw_size = u64::from(u32_at(row, 16, LITTLE)?);
        let raw_start = u64::from(u32_at(row, 20, LITTLE)?);
        Some(Self {
            address: down(address, u64::from(section_alignment)),
            raw_start: down(raw_start, SECTOR_BYTES),
            raw_size: up(raw_size, u64::from(file_alignment).min(SECTOR_BYTES)),
        })
    }
}

fn entry_point(address: u32, header_bytes: u32, rows: &[Row]) -> Option<u64> {
    let address = u64::from(address);
    if address < u64::from(header_bytes) {
        return Some(address);
    }
    let row = rows
        .iter()
        .rev()
        .find(|row| row.address <= address && address < row.address.saturating_add(row.raw_size))?;
    address.checked_sub(row.address)?.checked_add(row.raw_start)
}

fn down(value: u64, unit: u64) -> u64 {
    value.saturating_sub(value.checked_rem(unit).unwrap_or(0))
}

fn up(value: u64, unit: u64) -> u64 {
    value.checked_next_multiple_of(unit).unwrap_or(value)
}

const LITTLE: Order = Order::Little;
/// The signature and the COFF header.
const COFF_BYTES: u64 = 24;
const SECTION_BYTES: u64 = 40;
/// The Windows loader accepts no more.
const SECTIONS_MAX: u16 = 96;
/// What the loader rounds raw section starts down to.
const SECTOR_BYTES: u64 = 512;
const MAGIC_32: u16 = 0x010b;
const MAGIC_64: u16 = 0x020b;
