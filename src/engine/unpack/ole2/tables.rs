//! The tables of a compound file (MS-CFB): which sector follows which, and the directory.
//!
//! Everything in them is somebody's word. A sector that is not in the file ends a chain, and a chain is
//! at most as long as the file has sectors, so loops end.

use super::super::parts::hand_on;
use crate::engine::unpack::numbers::{le16, le32};
use crate::engine::verdict::Why;

/// The tables of one file.
#[derive(Debug, Default)]
pub(super) struct Tables {
    sector_shift: u32,
    mini_shift: u32,
    /// Streams of fewer bytes lie in the mini stream.
    mini_below: u64,
    /// The sectors of the table of sectors, in order.
    fat: Vec<u32>,
    /// The sectors of the table of mini sectors, in order.
    mini_fat: Vec<u32>,
    /// The sectors of the directory, in order.
    directory: Vec<u32>,
    /// The sectors of the mini stream, in order.
    mini_stream: Vec<u32>,
    /// Sectors that the file can have.
    sectors: usize,
}

/// An entry of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// UTF-16, as far as it can be shown.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) size: u64,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Stream,
    /// A storage, or nothing.
    Other,
}

/// The bytes of a stream, from its first to its last.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    sector: u32,
    /// Bytes of the sector that were read.
    within: usize,
    /// Bytes of the stream that are left.
    pub(super) left: u64,
    is_mini: bool,
    /// Sectors that may still follow.
    fuel: usize,
}

impl Tables {
    /// Reads the header and what it leads to.
    ///
    /// # Errors
    ///
    /// [`Why::Broken`] when there is no header of a compound file.
    pub(super) fn read(file: &[u8]) -> Result<Self, Why> {
        let sector_shift = le16(file, 30).map(u32::from).filter(|shift| (7..=16).contains(shift));
        let mini_shift = le16(file, 32).map(u32::from).filter(|shift| (4..=12).contains(shift));
        let (Some(sector_shift), Some(mini_shift), Some(mini_below)) =
            (sector_shift, mini_shift, le32(file, 56))
        else {
            return Err(BAD_HEADER);
        };
        let mut tables = Self {
            sector_shift,
            mini_shift,
            mini_below: mini_below.into(),
            sectors: file.len() >> sector_shift,
            ..Self::default()
        };
        tables.fat = tables.sectors_of_fat(file);
        tables.directory = tables.sectors_from(file, le32(file, 48).unwrap_or(END));
        tables.mini_fat = tables.sectors_from(file, le32(file, 60).unwrap_or(END));
        if tables.entry(file, 0).is_none() {
            return Err(Why::Broken("OLE2: no directory"));
        }
        let root = (0..ROOT_WITHIN).map_while(|index| tables.entry(file, index));
        if let Some(root) = root.into_iter().find(|entry| entry.kind == Kind::Root) {
            tables.mini_stream = tables.sectors_from(file, root.start);
        }
        Ok(tables)
    }

    /// The entry of the directory with a number; `None` behind the last.
    pub(super) fn entry(&self, file: &[u8], index: usize) -> Option<Entry> {
        let within = (1_usize << self.sector_shift) / ENTRY_BYTES;
        let sector = *self.directory.get(index.checked_div(within)?)?;
        let from = index.checked_rem(within)?.checked_mul(ENTRY_BYTES)?;
        let entry = self.sector(file, sector)?.get(from..)?.get(..ENTRY_BYTES)?;
        let name_bytes = usize::from(le16(entry, 64)?).min(64).saturating_sub(2);
        let size = u64::from(le32(entry, 120)?);
        // Files with sectors of 512 bytes keep rubbish in the high half.
        let high = if self.sector_shift > 9 { le32(entry, 124)? } else { 0 };
        Some(Entry {
            name: utf16(entry.get(..name_bytes)?),
            kind: match entry.get(66)? {
                2 => Kind::Stream,
                5 => Kind::Root,
                _ => Kind::Other,
            },
            start: le32(entry, 116)?,
            size: u64::from(high) << 32 | size,
        })
    }

    /// The bytes of a stream.
    pub(super) fn chain(&self, entry: &Entry) -> Chain {
        let is_mini = entry.size < self.mini_below;
        let per_sector = self.sector_shift.saturating_sub(self.mini_shift);
        let minis = self.mini_stream.len().checked_shl(per_sector).unwrap_or(usize::MAX);
        Chain {
            sector: entry.start,
            within: 0,
            left: entry.size,
            is_mini,
            fuel: if is_mini { minis } else { self.sectors },
        }
    }

    /// The sector that a byte of the file is in; `None` for the header.
    pub(super) fn sector_of(&self, place: u64) -> Option<u32> {
        u32::try_from(place.wrapping_shr(self.sector_shift).checked_sub(1)?).ok()
    }

    fn sector<'a>(&self, file: &'a [u8], number: u32) -> Option<&'a [u8]> {
        // The header takes the place of the first.
        let from = usize::try_from(number).ok()?.checked_add(1)?.checked_shl(self.sector_shift)?;
        if number > LAST || from >> self.sector_shift > self.sectors {
            return None;
        }
        let rest = file.get(from..)?;
        // The last sector of a file is often cut.
        Some(rest.get(..1 << self.sector_shift).unwrap_or(rest)).filter(|sector| !sector.is_empty())
    }

    fn mini_sector<'a>(&self, file: &'a [u8], number: u32) -> Option<&'a [u8]> {
        let at = usize::try_from(number).ok()?.checked_shl(self.mini_shift)?;
        let sector = *self.mini_stream.get(at >> self.sector_shift)?;
        let within = at & !(usize::MAX << self.sector_shift);
        let rest = self.sector(file, sector)?.get(within..)?;
        Some(rest.get(..1 << self.mini_shift).unwrap_or(rest)).filter(|sector| !sector.is_empty())
    }

    /// The sector after one.
    fn next(&self, file: &[u8], number: u32, table: &[u32]) -> Option<u32> {
        let within = (1_usize << self.sector_shift) / 4;
        let index = usize::try_from(number).ok()?;
        let sector = *table.get(index.checked_div(within)?)?;
        let at = index.checked_rem(within)?.checked_mul(4)?;
        le32(self.sector(file, sector)?, at).filter(|next| *next <= LAST)
    }

    /// The sectors of a chain, in order.
    fn sectors_from(&self, file: &[u8], start: u32) -> Vec<u32> {
        let first = Some(start).filter(|start| self.sector(file, *start).is_some());
        let chain = std::iter::successors(first, |sector| self.next(file, *sector, &self.fat));
        chain.take(self.sectors).collect()
    }

    /// 109 of them are in the header, the others in sectors of their own, each of which names the next.
    fn sectors_of_fat(&self, file: &[u8]) -> Vec<u32> {
        let listed = |list: &[u8]| -> Vec<u32> {
            let numbers = list.chunks_exact(4).filter_map(|bytes| le32(bytes, 0));
            numbers.take_while(|number| *number <= LAST).collect()
        };
        let mut fat = listed(file.get(76..HEADER_BYTES).unwrap_or_default());
        let mut more = le32(file, 68).unwrap_or(END);
        // Each lists a hundred and more; a file has no more of them than sectors.
        for _ in 0..self.sectors {
            let Some((last, list)) = self
                .sector(file, more)
                .and_then(<[u8]>::split_last_chunk)
                .map(|(list, last)| (*last, list))
            else {
                break;
            };
            fat.extend(listed(list));
            if fat.len() > self.sectors {
                break;
            }
            more = u32::from_le_bytes(last);
        }
        fat.truncate(self.sectors);
        fat
    }
}

impl Chain {
    /// Reads into the front of `output`, at most one sector. 0 when the stream has ended; when bytes of
    /// it are left then, the chain is broken.
    pub(super) fn read(&mut self, tables: &Tables, file: &[u8], output: &mut [u8]) -> usize {
        let sector = match self.is_mini {
            true => tables.mini_sector(file, self.sector),
            false => tables.sector(file, self.sector),
        };
        let rest = sector.and_then(|sector| sector.get(self.within..)).unwrap_or_default();
        let mut unread = rest;
        let count = hand_on(&mut unread, &mut self.left, output);
        self.within = self.within.saturating_add(count);
        if unread.is_empty() {
            self.advance(tables, file);
        }
        count
    }

    /// Fills `output`, or reads the stream to its end.
    pub(super) fn fill(&mut self, tables: &Tables, file: &[u8], output: &mut [u8]) -> usize {
        let mut made = 0;
        while let Some(room) = output.get_mut(made..).filter(|room| !room.is_empty()) {
            match self.read(tables, file, room) {
                0 => break,
                count => made = made.saturating_add(count),
            }
        }
        made
    }

    /// Passes over bytes.
    pub(super) fn skip(&mut self, tables: &Tables, file: &[u8], mut count: u64) {
        let mut scrap = [0; 512];
        while count > 0 {
            let most = usize::try_from(count).unwrap_or(usize::MAX).min(scrap.len());
            let room = scrap.get_mut(..most).unwrap_or_default();
            match self.read(tables, file, room) {
                0 => break,
                read => count = count.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX)),
            }
        }
    }

    /// Passes over the next sector, when all of it is of the stream, and gives its number.
    pub(super) fn next_whole(&mut self, tables: &Tables, file: &[u8]) -> Option<u32> {
        let sector = tables.sector(file, self.sector).filter(|_| !self.is_mini)?;
        let length = u64::try_from(sector.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length)?;
        let number = self.sector;
        self.advance(tables, file);
        Some(number)
    }

    fn advance(&mut self, tables: &Tables, file: &[u8]) {
        let table = if self.is_mini { &tables.mini_fat } else { &tables.fat };
        let next = self.fuel.checked_sub(1).and_then(|fuel| {
            self.fuel = fuel;
            tables.next(file, self.sector, table)
        });
        self.sector = next.unwrap_or(END);
        self.within = 0;
    }
}

/// Text in UTF-16, as far as it can be shown.
pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2);
    let units = units.filter_map(|pair| pair.first_chunk().copied().map(u16::from_le_bytes));
    char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
}

/// A name as people know it. Installers write two letters in one unit: 64 of each, and one for tables.
pub(super) fn readable(name: &str) -> String {
    let letter = |number: u32| {
        let at = usize::try_from(number & 63).unwrap_or(0);
        LETTERS.get(at).copied().map_or('_', char::from)
    };
    let mut shown = String::with_capacity(name.len());
    for unit in name.chars() {
        match u32::from(unit).checked_sub(FIRST_PAIR) {
            Some(pair @ 0..PAIRS) => shown.extend([letter(pair), letter(pair >> 6)]),
            Some(single @ PAIRS..TABLE) => shown.push(letter(single)),
            Some(TABLE) => shown.push('!'),
            Some(_) | None => shown.push(unit),
        }
    }
    shown
}

const LETTERS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
const FIRST_PAIR: u32 = 0x3800;
/// Units for pairs of letters; those for single letters follow, and the mark of a table.
const PAIRS: u32 = 64 * 64;
const TABLE: u32 = PAIRS + 64;
const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
/// Higher numbers are marks: free, end of chain.
const LAST: u32 = 0xffff_fffa;
const END: u32 = 0xffff_fffe;
/// The root is the first entry; files that were mended have it a little later.
const ROOT_WITHIN: usize = 64;
const BAD_HEADER: Why = Why::Broken("OLE2: header");
