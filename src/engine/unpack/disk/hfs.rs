//! HFS+ (Apple's Technical Note 1150): both forks of every file that the catalog has.
//!
//! ```text
//!   header at 1,024 ─▶ catalog, a tree in nodes of one size ─▶ leaves ─▶ files ─▶ up to eight pieces of a fork
//! ```
//!
//! All nodes of the catalog are looked at, one after another, and those that are leaves read, so that no link can lead
//! past one. Names are without their folders.
//!
//! Absent on purpose, and said: files that the system packs, forks in more than eight pieces. The journal.

use super::extents::{Extents, Piece};
use super::{File, Notes, Turn};
use crate::engine::unpack::numbers::{be32, be64, part};
use crate::engine::verdict::Why;

/// A file system being read.
pub(super) struct Hfs {
    from: u64,
    block: u64,
    catalog: Vec<Piece>,
    catalog_bytes: u64,
    node_bytes: u64,
    /// The node that is next.
    node: u64,
    /// The leaf that is read, and its record that is next.
    leaf: Vec<u8>,
    record: u64,
    /// Where the records that were read end.
    behind: usize,
    /// The other fork of the file that was found.
    other: Option<File>,
}

impl Hfs {
    /// Of a volume that begins at a place.
    pub(super) fn open(image: &[u8], from: u64) -> Result<Self, Why> {
        let header = part(image, from.saturating_add(1_024), 512).ok_or(NO_CATALOG)?;
        let block = u64::from(be32(header, 40).ok_or(NO_CATALOG)?);
        if !block.is_power_of_two() || block < 512 {
            return Err(NO_CATALOG);
        }
        let fork = header.get(272..352).ok_or(NO_CATALOG)?;
        let (catalog, catalog_bytes) = pieces(fork, from, block)?;
        if overlap(&catalog) {
            return Err(NO_CATALOG);
        }
        let mut hfs = Self {
            from,
            block,
            catalog,
            catalog_bytes,
            node_bytes: 512,
            node: 0,
            leaf: Vec::new(),
            record: 0,
            behind: 0,
            other: None,
        };
        let head = hfs.read(image, 0).ok_or(NO_CATALOG)?;
        hfs.node_bytes = short(&head, 32).ok_or(NO_CATALOG)?;
        if !hfs.node_bytes.is_power_of_two() || !(512..=32_768).contains(&hfs.node_bytes) {
            return Err(NO_CATALOG);
        }
        Ok(hfs)
    }

    /// Looks for the next file, through a few records or a node.
    pub(super) fn next(&mut self, image: &[u8], notes: &mut Notes) -> Turn {
        if let Some(file) = self.other.take() {
            return Turn::Found(file);
        }
        let count = short(&self.leaf, 10).unwrap_or(0);
        for _ in 0..RECORDS_PER_STEP {
            if self.record >= count {
                break;
            }
            match self.next_files() {
                Ok([None, None]) => {}
                Ok([Some(file), other] | [other @ None, Some(file)]) => {
                    self.other = other;
                    return Turn::Found(file);
                }
                Err(why) => {
                    notes.miss(why);
                    if self.record > self.node_bytes / 4 {
                        // No node has room for so many.
                        self.record = count;
                    }
                }
            }
        }
        if self.record < count {
            return Turn::More;
        }
        self.leaf.clear();
        (self.record, self.behind) = (0, LEAF_HEADER_BYTES);
        if self.node.saturating_mul(self.node_bytes) >= self.catalog_bytes {
            return Turn::Over;
        }
        let Some(node) = self.read(image, self.node) else {
            notes.miss(Why::Broken("HFS+: the catalog ends early"));
            return Turn::Over;
        };
        self.node = self.node.saturating_add(1);
        if node.get(8) == Some(&LEAF) {
            self.leaf = node;
        }
        Turn::More
    }

    /// The forks of the file that the next record of the leaf is of.
    fn next_files(&mut self) -> Result<[Option<File>; 2], Why> {
        let index = self.record;
        self.record = index.saturating_add(1);
        let entry = |index: u64| {
            let back = index.checked_add(1)?.checked_mul(2)?;
            let at = self.node_bytes.checked_sub(back)?;
            usize::try_from(short(&self.leaf, usize::try_from(at).ok()?)?).ok()
        };
        let (from, to) = entry(index).zip(entry(self.record)).ok_or(BAD_RECORD)?;
        // Records lie one behind another: those that lie over others are none.
        if from < self.behind || to <= from {
            return Err(BAD_RECORD);
        }
        self.behind = to;
        self.files(self.leaf.get(from..to).ok_or(BAD_RECORD)?)
    }

    /// The forks of the file that a record is of.
    fn files(&self, record: &[u8]) -> Result<[Option<File>; 2], Why> {
        let key = short(record, 0).and_then(|length| usize::try_from(length).ok());
        let data = key.and_then(|length| record.get(length.checked_add(2)?..)).ok_or(BAD_RECORD)?;
        if short(data, 0) != Some(FILE) {
            return Ok([None, None]);
        }
        let letters = short(record, 6).and_then(|length| usize::try_from(length).ok());
        let letters = letters.filter(|letters| *letters <= NAME_UNITS_MAX);
        let end = letters.and_then(|letters| letters.checked_mul(2)?.checked_add(8));
        let name = end.and_then(|end| record.get(8..end)).ok_or(BAD_RECORD)?;
        let units = name.chunks_exact(2).filter_map(|pair| pair.first_chunk().copied());
        let units: Vec<u16> = units.map(u16::from_be_bytes).collect();
        let name = String::from_utf16_lossy(&units).into_bytes();
        if data.get(41).ok_or(BAD_RECORD)? & PACKED != 0 {
            return Err(Why::Unsupported("HFS+: a file that the system packs"));
        }
        let fork = |at: usize, name: Vec<u8>| {
            let fork = data.get(at..at.saturating_add(80)).ok_or(BAD_RECORD)?;
            let (pieces, size) = pieces(fork, self.from, self.block)?;
            let file = File { name, extents: Extents::new(pieces, size) };
            Ok::<Option<File>, Why>((size > 0).then_some(file))
        };
        let other = [&name[..], b"/..namedfork/rsrc"].concat();
        Ok([fork(88, name)?, fork(168, other)?])
    }

    /// A node of the catalog.
    fn read(&self, image: &[u8], node: u64) -> Option<Vec<u8>> {
        let mut left = node.checked_mul(self.node_bytes)?;
        let size = usize::try_from(self.node_bytes).ok()?;
        let mut bytes = Vec::with_capacity(size);
        for piece in &self.catalog {
            if left >= piece.length {
                left = left.saturating_sub(piece.length);
                continue;
            }
            let wanted = self.node_bytes.saturating_sub(u64::try_from(bytes.len()).ok()?);
            let length = piece.length.saturating_sub(left).min(wanted);
            bytes.extend_from_slice(part(image, piece.from?.checked_add(left)?, length)?);
            left = 0;
            if bytes.len() == size {
                return Some(bytes);
            }
        }
        None
    }
}

/// The pieces of a fork, and its size.
fn pieces(fork: &[u8], from: u64, block: u64) -> Result<(Vec<Piece>, u64), Why> {
    let size = be64(fork, 0).ok_or(BAD_RECORD)?;
    let mut pieces = Vec::new();
    let mut there = 0_u64;
    for extent in fork.get(16..80).ok_or(BAD_RECORD)?.chunks_exact(8) {
        let (start, count) = (be32(extent, 0).unwrap_or(0), be32(extent, 4).unwrap_or(0));
        if count == 0 {
            break;
        }
        let begin = u64::from(start).saturating_mul(block).saturating_add(from);
        let length = u64::from(count).saturating_mul(block);
        there = there.saturating_add(length);
        pieces.push(Piece { from: Some(begin), length });
    }
    if there < size {
        return Err(Why::Unsupported("HFS+: a file in many pieces"));
    }
    Ok((pieces, size))
}

/// Whether pieces have bytes in common.
fn overlap(pieces: &[Piece]) -> bool {
    let place = |piece: &Piece| piece.from.map(|from| (from, from.saturating_add(piece.length)));
    let mut places: Vec<(u64, u64)> = pieces.iter().filter_map(place).collect();
    places.sort_unstable();
    places.iter().zip(places.iter().skip(1)).any(|(before, next)| next.0 < before.1)
}

/// Two bytes, the highest first.
fn short(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u64::from(u16::from_be_bytes(*bytes)))
}

const LEAF: u8 = 0xff;
/// In front of the records of a leaf.
const LEAF_HEADER_BYTES: usize = 14;
const RECORDS_PER_STEP: usize = 64;
/// Of a name, in UTF-16.
const NAME_UNITS_MAX: usize = 255;
const FILE: u64 = 2;
/// Of the flags that the owner may set.
const PACKED: u8 = 0x20;
const NO_CATALOG: Why = Why::Broken("HFS+: no catalog");
const BAD_RECORD: Why = Why::Broken("HFS+: a record of the catalog");
