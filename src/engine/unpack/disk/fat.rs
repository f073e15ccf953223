//! FAT12, FAT16 and FAT32 (Microsoft's specification of 2000), with long names.
//!
//! ```text
//!   boot sector ┃ tables of clusters ┃ root folder (not of FAT32) ┃ clusters 2, 3, …
//! ```
//!
//! A folder is read up to its first free entry, as by every system. Each cluster of folders is read once.
//!
//! Clusters are those that the table tells of and the image has bytes of, whatever the boot sector says. Chains are
//! followed a few links at a step, and all together over no more links than two for each sector of the image: every
//! cluster is of one file, so only images that were made to keep a scanner busy have more.
//!
//! Absent on purpose: what was deleted, which no system shows.

use std::collections::BTreeSet;

use super::extents::{Extents, Piece};
use super::{File, Notes, Turn, joined};
use crate::engine::unpack::numbers::{le16, le32, part};
use crate::engine::unpack::parts::wide;
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
    /// The long name of the entry that comes next, and the sum of the short one that it is of.
    long: Vec<u16>,
    long_sum: u8,
    /// The file whose clusters are looked up.
    chain: Option<Chain>,
    /// The first clusters and sizes of files that were met.
    met: BTreeSet<(u32, u64)>,
}

/// The clusters of a file, as far as they are known.
struct Chain {
    name: Vec<u8>,
    size: u64,
    /// Bytes whose clusters are not known, and the cluster that is next.
    left: u64,
    next: Option<u32>,
    /// Links that it may have from here on: one for each cluster.
    links: u32,
    pieces: Vec<Piece>,
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
    pub(super) fn open(image: &[u8], from: u64) -> Result<Self, Why> {
        let boot = part(image, from, BOOT_BYTES).ok_or(NO_VOLUME)?;
        let shape = Shape::of(boot).ok_or(NO_VOLUME)?;
        let sectors = |count: u64| count.saturating_mul(shape.sector);
        let active = if shape.bits == 32 { le16(boot, 40).ok_or(NO_VOLUME)? } else { 0 };
        let copy = if active & 0x80 == 0 { 0 } else { u64::from(active & 0x0f) };
        let tables = from.saturating_add(sectors(shape.reserved));
        let root = tables.saturating_add(sectors(shape.tables.saturating_mul(shape.table)));
        let root_bytes = shape.root_entries.saturating_mul(ENTRY_BYTES);
        let data = root.saturating_add(sectors(root_bytes.div_ceil(shape.sector)));
        let table = tables.saturating_add(sectors(shape.table.saturating_mul(copy)));
        let cluster_bytes = sectors(shape.cluster);
        let size = wide(image.len());
        let bits = size.saturating_sub(table).min(sectors(shape.table)).saturating_mul(8);
        let told = bits.checked_div(u64::from(shape.bits)).unwrap_or(0).saturating_sub(2);
        let there = size.saturating_sub(data).div_ceil(cluster_bytes.max(1));
        let clusters = u64::from(shape.clusters).min(told).min(there);
        let mut fat = Self {
            bits: shape.bits,
            table,
            cluster_bytes,
            data,
            clusters: u32::try_from(clusters).unwrap_or(shape.clusters),
            pending: Vec::new(),
            open: None,
            long: Vec::new(),
            long_sum: 0,
            chain: None,
            met: BTreeSet::new(),
        };
        if fat.bits == 32 {
            let cluster = le32(boot, 44).ok_or(NO_VOLUME)?;
            let root = fat.folder(cluster, Vec::new());
            fat.pending.push(root.ok_or(Why::Broken("FAT: no root folder"))?);
        } else {
            let to = root.saturating_add(root_bytes);
            fat.open = Some(Folder { at: root, to, cluster: None, path: Vec::new() });
        }
        Ok(fat)
    }

    /// Looks for the next file, through a few entries or links.
    pub(super) fn next(&mut self, image: &[u8], notes: &mut Notes) -> Turn {
        if let Some(chain) = self.chain.take() {
            return self.follow(image, chain, notes);
        }
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
                    self.chain = self.take(entry, notes);
                    if self.chain.is_some() {
                        return Turn::More;
                    }
                }
            }
        }
        Turn::More
    }

    /// Goes on with the next cluster of the folder that is read.
    fn go_on(&mut self, image: &[u8], cluster: Option<u32>, notes: &mut Notes) {
        let path = self.open.take().map(|folder| folder.path).unwrap_or_default();
        // A root folder that is in no cluster ends where its last entry does.
        let Some(cluster) = cluster else { return };
        let next = self.after(image, cluster);
        if next.is_some_and(|next| self.is_end(next)) {
            return;
        }
        self.open = next
            .and_then(|next| self.folder(next, path))
            .filter(|folder| notes.enters(folder.at, self.cluster_bytes));
        if self.open.is_none() {
            notes.miss(FOLDER_ENDS_EARLY);
        }
    }

    /// Whether an entry of the table says that a chain is at its end.
    const fn is_end(&self, entry: u32) -> bool {
        match self.bits {
            12 => entry >= 0xff8,
            16 => entry >= 0xfff8,
            _ => entry >= 0x0fff_fff8,
        }
    }

    /// What an entry is of: a part of a long name, a folder to be read later, a file.
    fn take(&mut self, entry: &[u8], notes: &mut Notes) -> Option<Chain> {
        let traits = *entry.get(11)?;
        if traits & LONG == LONG {
            self.lengthen(entry);
            return None;
        }
        let long = std::mem::take(&mut self.long);
        let short = entry.get(..11)?;
        // A long name with the sum of another is a stray one, and no system shows it.
        let is_long = !long.is_empty() && self.long_sum == sum(short);
        let own = if is_long { wide_name(&long) } else { short_name(entry) };
        let is_folder = traits & FOLDER != 0;
        if traits & LABEL != 0 || (is_folder && (short == SELF || short == PARENT)) {
            return None;
        }
        let path = joined(self.open.as_ref().map_or(&[][..], |folder| &folder.path), &own);
        let high = if self.bits == 32 { u32::from(le16(entry, 20)?) << 16 } else { 0 };
        let cluster = high | u32::from(le16(entry, 26)?);
        if is_folder {
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
        // Many entries may name one chain: it is followed once. What is too much to remember costs links.
        if self.met.len() < FILES_MAX && !self.met.insert((cluster, size)) {
            return None;
        }
        let (next, links) = (Some(cluster), self.clusters);
        Some(Chain { name: path, size, left: size, next, links, pieces: Vec::new() })
    }

    /// Looks up the next clusters of a file.
    fn follow(&mut self, image: &[u8], mut chain: Chain, notes: &mut Notes) -> Turn {
        for _ in 0..LINKS_PER_STEP {
            let place = chain.next.and_then(|cluster| self.place(cluster));
            let links = chain.links.checked_sub(1);
            let (Some(from), Some(links), true) = (place, links, chain.left > 0) else {
                return Turn::Found(chain.found());
            };
            if chain.pieces.len() >= PIECES_MAX || !notes.follows() {
                notes.miss(Why::Limit(Limit::MaxScanState));
                return Turn::Found(chain.found());
            }
            chain.links = links;
            chain.add(from, self.cluster_bytes);
            chain.next = chain.next.and_then(|cluster| self.after(image, cluster));
        }
        self.chain = Some(chain);
        Turn::More
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
        let sum = entry.get(13).copied().unwrap_or(0);
        if order & 0x40 != 0 || sum != self.long_sum {
            self.long.clear();
            self.long_sum = sum;
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

impl Chain {
    /// Adds a cluster.
    fn add(&mut self, from: u64, length: u64) {
        self.left = self.left.saturating_sub(length);
        match self.pieces.last_mut() {
            Some(last)
                if last.from.and_then(|begin| begin.checked_add(last.length)) == Some(from) =>
            {
                last.length = last.length.saturating_add(length);
            }
            _ => self.pieces.push(Piece { from: Some(from), length }),
        }
    }

    /// The file, with the clusters that are known.
    fn found(self) -> File {
        File { name: self.name, extents: Extents::new(self.pieces, self.size) }
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

/// The sum of a short name that each part of its long one has.
fn sum(short: &[u8]) -> u8 {
    short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
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
/// The short names of a folder in itself, and of the one around it.
const SELF: &[u8] = b".          ";
const PARENT: &[u8] = b"..         ";
/// Letters of a part of a long name.
const LETTERS: usize = 13;
const ENTRIES_PER_STEP: usize = 64;
const LINKS_PER_STEP: usize = 1_024;
/// Files that are remembered: some 32 MiB of memory.
const FILES_MAX: usize = 1 << 20;
/// Pieces of a file: 2 MiB of memory.
const PIECES_MAX: usize = 1 << 16;
/// Folders that wait to be read. Each has a path.
const FOLDERS_MAX: usize = 16_384;
const FOLDER_ENDS_EARLY: Why = Why::Broken("FAT: a folder ends early");
const NO_VOLUME: Why = Why::Broken("FAT: no volume");
