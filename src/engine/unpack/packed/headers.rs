//! The headers of a program for Windows, as the loader of Windows reads them (Microsoft, PE Format).
//!
//! Other than [`executable`](crate::engine::executable), which looks for places in the file as ClamAV
//! does, this tells what is where in memory.

/// What of the headers is needed to load it.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    /// Where `PE\0\0` is.
    pub(super) at: usize,
    /// What it runs on.
    pub(super) platform: Platform,
    pub(super) is_library: bool,
    pub(super) entry: u32,
    pub(super) base: u32,
    pub(super) header_bytes: u32,
    /// In memory, of all of it.
    pub(super) image_bytes: u32,
    pub(super) optional_bytes: usize,
    pub(super) imports: Option<u32>,
    pub(super) sections: Vec<Section>,
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    I386,
    /// .NET, whatever the processor is.
    Managed,
    Other,
}

/// A row of the table of sections.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: [u8; 8],
    pub(super) address: u32,
    pub(super) memory_bytes: u32,
    /// In the file.
    pub(super) start: u32,
    pub(super) bytes: u32,
    pub(super) flags: u32,
}

use crate::engine::unpack::numbers::{le16, le32};

pub(super) const CODE: u32 = 0x20;
pub(super) const EXECUTABLE: u32 = 0x2000_0000;
pub(super) const WRITABLE: u32 = 0x8000_0000;

impl Headers {
    /// Of a file that begins with `file`. `None` when these are none, or not all of them are there.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        file.starts_with(b"MZ").then_some(())?;
        let at = usize::try_from(le32(file, 0x3c)?).ok()?;
        Self::at(file, at)
    }

    /// Of headers that are at this place.
    pub(super) fn at(file: &[u8], at: usize) -> Option<Self> {
        let coff = file.get(at..)?;
        coff.starts_with(b"PE\0\0").then_some(())?;
        let count = usize::from(le16(coff, 6)?);
        (1..=SECTIONS_MAX).contains(&count).then_some(())?;
        let optional_bytes = usize::from(le16(coff, 20)?);
        let optional = coff.get(24..)?;
        let is_wide = match le16(optional, 0)? {
            0x010b => false,
            0x020b => true,
            _ => return None,
        };
        let directories: usize = if is_wide { 112 } else { 96 };
        let has = |number: usize| {
            let counted = le32(optional, directories.checked_sub(4)?)?;
            (number < usize::try_from(counted).ok()?).then_some(())?;
            let place = number.checked_mul(8)?.checked_add(directories)?;
            (place.checked_add(8)? <= optional_bytes.max(directories)).then_some(())?;
            le32(optional, place).filter(|address| *address != 0)
        };
        let table = optional.get(optional_bytes..)?;
        let rows = (0..count).map(|row| Section::of(table.get(row.checked_mul(40)?..)?));
        let sections: Vec<_> = rows.collect::<Option<_>>()?;
        let ends = sections.iter().map(|it| it.address.saturating_add(it.memory_size()));
        let image_bytes = ends.chain([le32(optional, 56)?]).max()?;
        Some(Self {
            at,
            platform: match le16(coff, 4)? {
                _ if has(14).is_some() => Platform::Managed,
                0x014c if !is_wide => Platform::I386,
                _ => Platform::Other,
            },
            is_library: le16(coff, 22)? & 0x2000 != 0,
            entry: le32(optional, 16)?,
            // Of a wide one, its lower half, which nobody uses.
            base: le32(optional, if is_wide { 24 } else { 28 })?,
            header_bytes: le32(optional, 60)?,
            image_bytes,
            optional_bytes,
            imports: has(1),
            sections,
        })
    }

    /// The number of the section that has an address in memory.
    pub(super) fn section_of(&self, address: u32) -> Option<usize> {
        self.sections.iter().position(|section| {
            address.checked_sub(section.address).is_some_and(|at| at < section.memory_size())
        })
    }

    /// Where the file ends for the loader: behind the last section, and behind the table of sections.
    pub(super) fn end(&self) -> usize {
        let sections = self.sections.iter().filter(|section| section.bytes > 0);
        let ends = sections.map(|section| section.start.saturating_add(section.bytes) as usize);
        let table = self.at.saturating_add(24).saturating_add(self.optional_bytes);
        let table = table.saturating_add(self.sections.len().saturating_mul(40));
        ends.chain([table]).max().unwrap_or(table)
    }
}

impl Section {
    fn of(row: &[u8]) -> Option<Self> {
        Some(Self {
            name: *row.first_chunk()?,
            memory_bytes: le32(row, 8)?,
            address: le32(row, 12)?,
            bytes: le32(row, 16)?,
            start: le32(row, 20)?,
            flags: le32(row, 36)?,
        })
    }

    /// Its bytes in memory: where nothing is said, those of the file.
    pub(super) const fn memory_size(&self) -> u32 {
        if self.memory_bytes == 0 { self.bytes } else { self.memory_bytes }
    }

    pub(super) const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// The loader accepts no more.
const SECTIONS_MAX: usize = 96;
