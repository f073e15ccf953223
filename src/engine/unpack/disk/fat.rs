//! FAT12, FAT16 and FAT32 (Microsoft's specification of 2000), with long names.
//!
//! ```text
//!   boot sector ┃ tables of clusters ┃ root folder (not of FAT32) ┃ clusters 2, 3, …
//! ```
//!
//! A folder is read up to its first free entry, as by every system. Each cluster of folders is read once.
//!
//! Absent on purpose: what was deleted, which no system shows; sums of long names.

use super::extents::{Extents, Piece};
use super::{File, Notes, Turn, joined};
use crate::engine::unpack::numbers::{le16, le32, part};
use crate::engine::verdict::{Limit, Why};

/// A file system being read.
pub(super) struct Fat {
    /// Bits of an entry in the table of clusters, and where that is.
    bits: u32,
    table: u64,
    cluster_bytes: u64,
    /// Where cluster 2 is, and how many there are.
    data: u64,
    clusters: u32,
    pending: Vec<Folder>,
    open: Option<Folder>,
    /// The long name of the entry that comes next.
    long: Vec<u16>,
}

/// A folder to be read.
struct Folder {
    /// The part of it that is read, in bytes of the image.
    at: u64,
    to: u64,
    /// The cluster that this is; `None` for a root folder that is in none.
    cluster: Option<u32>,
    path: Vec<u8>,
}

impl Fat {
    /// Of a volume that begins at a place.
    pub(super) fn open(image: &[u8], from: u64) -> Option<Self> {
        let boot = part(image, from, BOOT_BYTES)?;
        let shape = Shape::of(boot)?;
        let sectors = |count: u64| count.saturating_mul(shape.sector);
        let active = if shape.bits == 32 { le16(boot, 40)? } else { 0 };
        let copy = if active & 0x80 == 0 { 0 } else { u64::from(active & 0x0f) };
        let tables = from.saturating_add(sectors(shape.reserved));
        let root = tables.saturating_add(sectors(shape.tables.saturating_mul(shape.table)));
        let root_bytes = shape.root_entries.saturating_mul(ENTRY_BYTES);
        let data = root.saturating_add(sectors(root_bytes.div_ceil(shape.sector)));
        let mut fat = Self {
            bits: shape.bits,
            table: tables.saturating_add(sectors(shape.table.saturating_mul(copy))),
            cluster_bytes: sectors(shape.cluster),
            data,
            clusters: shape.clusters,
            pending: Vec::new(),
            open: None,
            long: Vec::new(),
        };
        if fat.bits == 32 {
            let cluster = le32(boot, 44)?;
            fat.pending.extend(fat.folder(cluster, Vec::new()));
        } else {
            let to = root.saturating_add(root_bytes);
            fat.open = Some(Folder { at: root, to, cluster: None, path: Vec::new() });
        }
        Some(fat)
    }

    /// Looks for the next file, through a few entries.
    pub(super) fn next(&mut self, image: &[u8], notes: &mut Notes) -> Turn {
        for _ in 0..ENTRIES_PER_STEP {
            let Some(folder) = &mut self.open else {
                let Some(folder) = self.pending.pop() else { return Turn::Over };
                self.long.clear();
                if notes.enters(folder.at, self.cluster_bytes) {
                    self.open = Some(folder);
                }
                return Turn::More;
            };
            if folder.at >= folder.to {
                let cluster = folder.cluster;
                self.go_on(image, cluster, notes);
                return Turn::More;
            }
            let entry = part(image, folder.at, ENTRY_BYTES);
            folder.at = folder.at.saturating_add(ENTRY_BYTES);
            let Some(entry) = entry else {
                notes.miss(FOLDER_ENDS_EARLY);
                self.open = None;
                return Turn::More;
            };
            match entry.first() {
                Some(0) | None => {
                    self.open = None;
                    return Turn::More;
                }
                Some(&DELETED) => self.long.clear(),
                Some(_) => {
                    if let Some(file) = self.take(image, entry, notes) {
                        return Turn::Found(file);
                    }
                }
            }
        }
        Turn::More
    }

    /// Goes on with the next cluster of the folder that is read.
    fn go_on(&mut self, image: &[u8], cluster: Option<u32>, notes: &mut Notes) {
        let path = self.open.take().map(|folder| folder.path).unwrap_or_default();
        let next = cluster.and_then(|cluster| self.after(image, cluster));
        self.open = next
            .and_then(|next| self.folder(next, path))
            .filter(|folder| notes.enters(folder.at, self.cluster_bytes));
    }

    /// What an entry is of: a part of a long name, a folder to be read later, a file.
    fn take(&mut self, image: &[u8], entry: &[u8], notes: &mut Notes) -> Option<File> {
        let traits = *entry.get(11)?;
        if traits & LONG == LONG {
            self.lengthen(entry);
            return None;
        }
        let long = std::mem::take(&mut self.long);
        let own = if long.is_empty() { short_name(entry) } else { wide_name(&long) };
        if traits & LABEL != 0 || matches!(own.as_slice(), b"." | b"..") {
            return None;
        }
        let path = joined(self.open.as_ref().map_or(&[][..], |folder| &folder.path), &own);
        let high = if self.bits == 32 { u32::from(le16(entry, 20)?) << 16 } else { 0 };
        let cluster = high | u32::from(le16(entry, 26)?);
        if traits & FOLDER != 0 {
            match self.folder(cluster, path) {
                Some(folder) if self.pending.len() < FOLDERS_MAX => self.pending.push(folder),
                Some(_) => notes.miss(Why::Limit(Limit::MaxScanState)),
                None => notes.miss(Why::Broken("FAT: a folder without clusters")),
            }
            return None;
        }
        let size = u64::from(le32(entry, 28)?);
        if size == 0 {
            return None;
        }
        Some(File { name: path, extents: Extents::new(self.pieces(image, cluster, size), size) })
    }

    /// The clusters of a file, as far as they are told.
    fn pieces(&self, image: &[u8], first: u32, size: u64) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut left, mut next) = (size, Some(first));
        let mut fuel = self.clusters;
        while let Some(from) = next.and_then(|cluster| self.place(cluster))
            && let Some(rest) = fuel.checked_sub(1)
            && left > 0
        {
            fuel = rest;
            left = left.saturating_sub(self.cluster_bytes);
            match pieces.last_mut() {
                Some(last)
                    if last.from.and_then(|begin| begin.checked_add(last.length)) == Some(from) =>
                {
                    last.length = last.length.saturating_add(self.cluster_bytes);
                }
                _ => pieces.push(Piece { from: Some(from), length: self.cluster_bytes }),
            }
            next = next.and_then(|cluster| self.after(image, cluster));
        }
        pieces
    }

    /// The folder that begins with a cluster.
    fn folder(&self, cluster: u32, path: Vec<u8>) -> Option<Folder> {
        let at = self.place(cluster)?;
        let to = at.saturating_add(self.cluster_bytes);
        Some(Folder { at, to, cluster: Some(cluster), path })
    }

    /// Where a cluster is; `None` for one that there is not.
    fn place(&self, cluster: u32) -> Option<u64> {
        let index = cluster.checked_sub(2).filter(|index| *index < self.clusters)?;
        self.data.checked_add(u64::from(index).checked_mul(self.cluster_bytes)?)
    }

    /// The cluster behind one, by the table.
    fn after(&self, image: &[u8], cluster: u32) -> Option<u32> {
        let cluster = u64::from(cluster);
        let entry = |at: u64, bytes| part(image, self.table.checked_add(at)?, bytes);
        match self.bits {
            12 => {
                let pair = le16(entry(cluster.checked_add(cluster / 2)?, 2)?, 0)?;
                Some(u32::from(if cluster & 1 == 0 { pair & 0xfff } else { pair >> 4 }))
            }
            16 => Some(u32::from(le16(entry(cluster.checked_mul(2)?, 2)?, 0)?)),
            _ => Some(le32(entry(cluster.checked_mul(4)?, 4)?, 0)? & 0x0fff_ffff),
        }
    }

    /// A part of a long name: thirteen letters at a place that it tells.
    fn lengthen(&mut self, entry: &[u8]) {
        let Some(order) = entry.first() else { return };
        let at = usize::from(order & 0x3f).saturating_sub(1).saturating_mul(LETTERS);
        if order & 0x40 != 0 {
            self.long.clear();
        }
        if self.long.len() < at.saturating_add(LETTERS) {
            self.long.resize(at.saturating_add(LETTERS), 0);
        }
        let places = (1..11).step_by(2).chain((14..26).step_by(2)).chain([28, 30]);
        let units = places.filter_map(|place| le16(entry, place));
        for (slot, unit) in self.long.iter_mut().skip(at).zip(units) {
            *slot = unit;
        }
    }
}

/// What a boot sector tells.
struct Shape {
    bits: u32,
    /// Bytes.
    sector: u64,
    /// Sectors of a cluster, in front of the tables, of a table.
    cluster: u64,
    reserved: u64,
    table: u64,
    tables: u64,
    root_entries: u64,
    clusters: u32,
}

impl Shape {
    fn of(boot: &[u8]) -> Option<Self> {
        let short = |at| le16(boot, at).map(u64::from);
        let byte = |at: usize| boot.get(at).copied().map(u64::from);
        let jumps = matches!(boot, [0xeb, _, 0x90, ..] | [0xe9 | 0x69, ..]);
        let (sector, cluster) = (short(11)?, byte(13)?);
        let (reserved, tables) = (short(14)?, byte(16)?);
        let root_entries = short(17)?;
        let media = byte(21)?;
        let is_known = jumps
            && matches!(sector, 512 | 1_024 | 2_048 | 4_096)
            && cluster.is_power_of_two()
            && reserved > 0
            && (1..=4).contains(&tables)
            && (media == 0xf0 || media >= 0xf8);
        let wide =
            |short: u64, at| if short == 0 { le32(boot, at).map(u64::from) } else { Some(short) };
        let (total, table) = (wide(short(19)?, 32)?, wide(short(22)?, 36)?);
        let root = root_entries.checked_mul(ENTRY_BYTES)?.div_ceil(sector.max(1));
        let front = reserved.checked_add(tables.checked_mul(table)?)?.checked_add(root)?;
        let clusters = total.checked_sub(front)?.checked_div(cluster)?;
        let bits = match clusters {
            0..4_085 if short(22)? != 0 => 12,
            4_085..65_525 if short(22)? != 0 => 16,
            _ => 32,
        };
        let is_known = is_known && table > 0 && clusters > 0 && (bits == 32 || root_entries > 0);
        let clusters = u32::try_from(clusters).ok().filter(|_| is_known)?;
        Some(Self { bits, sector, cluster, reserved, table, tables, root_entries, clusters })
    }
}

/// Whether a volume begins like that.
pub(super) fn is_front(head: &[u8]) -> bool {
    Shape::of(head).is_some()
}

/// `NAME    EXT` with a point; a field behind it tells which of both was written in small letters.
fn short_name(entry: &[u8]) -> Vec<u8> {
    let small = entry.get(12).copied().unwrap_or(0);
    let field = |from: usize, to: usize, flag: u8| {
        let field = entry.get(from..to).unwrap_or_default().trim_ascii_end();
        if small & flag == 0 { field.to_vec() } else { field.to_ascii_lowercase() }
    };
    let (name, extension) = (field(0, 8, 0x08), field(8, 11, 0x10));
    if extension.is_empty() { name } else { [&name[..], b".", &extension].concat() }
}

fn wide_name(units: &[u16]) -> Vec<u8> {
    let length = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(units.get(..length).unwrap_or_default()).into_bytes()
}

const BOOT_BYTES: u64 = 512;
const ENTRY_BYTES: u64 = 32;
const DELETED: u8 = 0xe5;
const LABEL: u8 = 0x08;
const FOLDER: u8 = 0x10;
const LONG: u8 = 0x0f;
/// Letters of a part of a long name.
const LETTERS: usize = 13;
const ENTRIES_PER_STEP: usize = 64;
/// Folders that wait to be read. Each has a path.
const FOLDERS_MAX: usize = 16_384;
const FOLDER_ENDS_EARLY: Why = Why::Broken("FAT: a folder ends early");
