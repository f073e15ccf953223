//! From the anchor of a UDF volume to its partitions, and from a block of a partition to a place in the image.

use std::collections::BTreeMap;

use super::super::SYSTEM_BYTES;
use super::super::extents::{Extents, Piece};
use super::{TAG_FILE, TAG_LARGE_FILE};
use crate::engine::unpack::numbers::{le16, le32, le64, part};
use crate::engine::verdict::{Limit, Why};

/// The partitions of a volume.
pub(super) struct Volumes {
    block_bytes: u64,
    maps: Vec<Map>,
    /// Pieces that may yet be read, over all files.
    fuel: usize,
}

/// How blocks of a partition are found.
enum Map {
    /// One after another from a place on.
    Row(u64),
    /// In a file: the place in the file and the piece there.
    Metadata(Vec<(u64, Piece)>),
    /// In a row, but for packets that lie elsewhere: the first block of each, and the place of the packet.
    Sparable { from: u64, packet: u64, spared: BTreeMap<u64, u64> },
    /// By the number in a table, in a row.
    Virtual { from: u64, table: Vec<u32> },
    /// It is not there, or of no kind of the standard.
    Unreadable,
}

/// A block of a partition, and how many bytes begin there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) length: u32,
    block: u32,
    map: u16,
}

/// What the sequence of volume descriptors says.
#[derive(Default)]
struct Found<'a> {
    logical: Option<&'a [u8]>,
    /// Number and first sector of partitions.
    partitions: BTreeMap<u16, u32>,
}

/// Number of a descriptor.
pub(super) fn tag(bytes: &[u8]) -> Option<u16> {
    le16(bytes, 0)
}

impl Place {
    /// A long allocation descriptor.
    pub(super) fn read_long(bytes: &[u8], at: usize) -> Option<Self> {
        let bytes = bytes.get(at..)?;
        Some(Self { length: le32(bytes, 0)?, block: le32(bytes, 4)?, map: le16(bytes, 8)? })
    }
}

impl Volumes {
    /// The partitions of the image, and what leads to the first file set.
    pub(super) fn open(file: &[u8]) -> Result<Option<(Self, Place)>, Why> {
        if !is_announced(file) {
            return Ok(None);
        }
        let (sector, anchor) = anchor(file).ok_or(Why::Broken("UDF: no anchor"))?;
        let mut found = Found::default();
        for at in [16, 24] {
            if found.logical.is_none() {
                found.read(file, sector, anchor, at);
            }
        }
        let logical = found.logical.ok_or(Why::Broken("UDF: no logical volume"))?;
        let block_bytes = u64::from(le32(logical, 212).unwrap_or(0));
        if !matches!(block_bytes, 512 | 1_024 | 2_048 | 4_096) {
            return Err(Why::Broken("UDF: size of a block"));
        }
        let mut volumes = Self { block_bytes, maps: Vec::new(), fuel: PIECES_MAX };
        let length = u64::from(le32(logical, 264).unwrap_or(0));
        let mut maps = part(logical, 440, length).unwrap_or_default();
        while let [_, size, ..] = maps
            && *size >= 6
            && let Some((map, rest)) = maps.split_at_checked(usize::from(*size))
            && volumes.maps.len() < MAPS_MAX
        {
            let map = volumes.map(file, sector, map, &found.partitions);
            volumes.maps.push(map);
            maps = rest;
        }
        let sets = Place::read_long(logical, 248).ok_or(Why::Broken("UDF: no file set"))?;
        Ok(Some((volumes, sets)))
    }

    fn map(
        &mut self,
        file: &[u8],
        sector: u64,
        map: &[u8],
        partitions: &BTreeMap<u16, u32>,
    ) -> Map {
        let is_plain = map.first() == Some(&1);
        let number = le16(map, if is_plain { 4 } else { 38 });
        let Some(start) = number.and_then(|number| partitions.get(&number)) else {
            return Map::Unreadable;
        };
        let from = u64::from(*start).saturating_mul(sector);
        if is_plain {
            return Map::Row(from);
        }
        let name = map.get(5..28).unwrap_or_default();
        let mapped = match name {
            _ if name.starts_with(b"*UDF Metadata Partition") => self.metadata(file, from, map),
            _ if name.starts_with(b"*UDF Sparable Partition") => sparable(file, sector, from, map),
            _ if name.starts_with(b"*UDF Virtual Partition") => self.virtual_table(file, from),
            _ => None,
        };
        mapped.unwrap_or(Map::Unreadable)
    }

    /// The partition in the metadata file, or in its mirror.
    fn metadata(&mut self, file: &[u8], from: u64, map: &[u8]) -> Option<Map> {
        [40, 44].into_iter().find_map(|at| {
            let block = u64::from(le32(map, at)?).checked_mul(self.block_bytes)?;
            let pieces = self.pieces_of(file, from, from.checked_add(block)?)?;
            let mut place = 0_u64;
            let row = pieces.into_iter().map(|piece| {
                let here = place;
                place = place.saturating_add(piece.length);
                (here, piece)
            });
            Some(Map::Metadata(row.collect()))
        })
    }

    /// The table is the last file that was written.
    fn virtual_table(&mut self, file: &[u8], from: u64) -> Option<Map> {
        let size = u64::try_from(file.len()).ok()?;
        let last = size.checked_div(self.block_bytes)?;
        (1..=TABLE_WITHIN).find_map(|back| {
            let at = last.checked_sub(back)?.checked_mul(self.block_bytes)?;
            let kind = *part(file, at, 28)?.get(27)?;
            if !matches!(kind, 0 | 248) {
                return None;
            }
            let pieces = self.pieces_of(file, from, at)?;
            let length = le64(part(file, at, 64)?, 56).filter(|size| *size <= TABLE_BYTES_MAX)?;
            let mut bytes = vec![0; usize::try_from(length).ok()?];
            let count = Extents::new(pieces, length).read(file, &mut bytes);
            bytes.truncate(count);
            let skipped = if kind == 248 { usize::from(le16(&bytes, 0)?) } else { 0 };
            let numbers = bytes.get(skipped..)?.chunks_exact(4);
            let table = numbers.filter_map(|number| le32(number, 0)).collect();
            Some(Map::Virtual { from, table })
        })
    }

    /// The pieces of the file whose entry is at a place of the image, in a partition in a row.
    fn pieces_of(&mut self, file: &[u8], from: u64, at: u64) -> Option<Vec<Piece>> {
        let block = part(file, at, self.block_bytes)?;
        let (front, lengths) = match tag(block)? {
            TAG_FILE => (176_u64, 168),
            TAG_LARGE_FILE => (216, 208),
            _ => return None,
        };
        let front = front.checked_add(u64::from(le32(block, lengths)?))?;
        let length = u64::from(le32(block, lengths.saturating_add(4))?);
        let area = part(block, front, length)?;
        let kind = block.get(34)? & 7;
        if kind == 3 {
            return Some(vec![Piece { from: Some(at.checked_add(front)?), length }]);
        }
        let maps = vec![Map::Row(from)];
        let mut row = Self { block_bytes: self.block_bytes, maps, fuel: self.fuel };
        let mut pieces = Vec::new();
        row.allocated(file, (Place::default(), kind), area, &mut pieces).ok()?;
        self.fuel = row.fuel;
        Some(pieces)
    }

    /// Where a block lies in the image.
    pub(super) fn offset(&self, place: Place) -> Option<u64> {
        self.located(place.block, place.map, 1).and_then(|piece| piece.from)
    }

    /// The bytes of one block.
    pub(super) fn block<'a>(&self, file: &'a [u8], place: Place) -> Option<&'a [u8]> {
        part(file, self.offset(place)?, self.block_bytes)
    }

    /// What lies in a row from a block on, of so many bytes that are wanted.
    fn located(&self, block: u32, map: u16, wanted: u64) -> Option<Piece> {
        let block = u64::from(block);
        let within = block.saturating_mul(self.block_bytes);
        let (from, most) = match self.maps.get(usize::from(map))? {
            Map::Row(from) => (from.checked_add(within)?, wanted),
            Map::Metadata(pieces) => {
                let index = pieces.partition_point(|(place, _)| *place <= within).checked_sub(1)?;
                let (place, piece) = pieces.get(index)?;
                let skipped = within.saturating_sub(*place);
                let most = piece.length.checked_sub(skipped).filter(|most| *most > 0)?;
                (piece.from?.checked_add(skipped)?, most)
            }
            Map::Sparable { from, packet, spared } => {
                let inside = block.checked_rem(*packet)?;
                let most = packet.saturating_sub(inside).saturating_mul(self.block_bytes);
                let first = spared.get(&block.saturating_sub(inside));
                let moved = inside.saturating_mul(self.block_bytes);
                match first {
                    Some(first) => (first.checked_add(moved)?, most),
                    None => (from.checked_add(within)?, most),
                }
            }
            Map::Virtual { from, table } => {
                let block = u64::from(*table.get(usize::try_from(block).ok()?)?);
                (from.checked_add(block.checked_mul(self.block_bytes)?)?, self.block_bytes)
            }
            Map::Unreadable => return None,
        };
        Some(Piece { from: Some(from), length: wanted.min(most) })
    }

    /// The pieces that allocation descriptors of a kind (0 short, 1 long, 2 extended) name.
    pub(super) fn allocated<'a>(
        &mut self,
        file: &'a [u8],
        (home, kind): (Place, u8),
        mut area: &'a [u8],
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Why> {
        let (size, at) = match kind {
            0 => (8, 4),
            1 => (16, 4),
            2 => (20, 12),
            _ => return Err(Why::Broken("UDF: a file entry")),
        };
        while let Some((row, rest)) = area.split_at_checked(size) {
            area = rest;
            self.fuel = self.fuel.checked_sub(1).ok_or(Why::Limit(Limit::MaxScanState))?;
            let word = le32(row, 0).unwrap_or(0);
            let length = u64::from(word & LENGTH_MASK);
            let block = le32(row, at).unwrap_or(0);
            let map = le16(row, at.saturating_add(4)).filter(|_| kind > 0).unwrap_or(home.map);
            match word >> 30 {
                _ if length == 0 => break,
                0 => self.add(block, map, length, pieces)?,
                3 => {
                    let next = self.block(file, Place { length: 0, block, map });
                    let next = next.filter(|block| tag(block) == Some(TAG_ALLOCATION));
                    let next = next.ok_or(Why::Broken("UDF: allocation descriptors"))?;
                    let length = u64::from(le32(next, 20).unwrap_or(0));
                    area = part(next, 24, length).unwrap_or_default();
                }
                _ => pieces.push(Piece { from: None, length }),
            }
        }
        Ok(())
    }

    /// Adds an extent, which may lie in several pieces.
    fn add(
        &mut self,
        mut block: u32,
        map: u16,
        mut left: u64,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Why> {
        while left > 0 {
            self.fuel = self.fuel.checked_sub(1).ok_or(Why::Limit(Limit::MaxScanState))?;
            let piece = self.located(block, map, left).ok_or(super::BAD_PLACE)?;
            left = left.saturating_sub(piece.length);
            let blocks = piece.length.checked_div(self.block_bytes).unwrap_or(0);
            block = block.saturating_add(u32::try_from(blocks).unwrap_or(u32::MAX));
            pieces.push(piece);
            if blocks == 0 && left > 0 {
                return Err(super::BAD_PLACE);
            }
        }
        Ok(())
    }
}

/// Whether the sequence that says what kind of volume this is names UDF.
fn is_announced(file: &[u8]) -> bool {
    let mut at = SYSTEM_BYTES;
    for _ in 0..SEQUENCE_MAX {
        match part(file, at, 6).and_then(|sector| sector.get(1..6)) {
            Some(b"NSR02" | b"NSR03") => return true,
            Some(b"CD001" | b"BEA01" | b"BOOT2" | b"CDW02" | b"TEA01") => {}
            _ => return false,
        }
        at = at.saturating_add(SEQUENCE_BYTES);
    }
    false
}

/// The size of sectors, and the anchor in one of its places.
fn anchor(file: &[u8]) -> Option<(u64, &[u8])> {
    let size = u64::try_from(file.len()).ok()?;
    for sector in [2_048_u64, 512, 1_024, 4_096] {
        let last = size.checked_div(sector)?.checked_sub(1)?;
        for number in [Some(256), Some(last), last.checked_sub(256)].into_iter().flatten() {
            let from = number.saturating_mul(sector);
            if let Some(block) = part(file, from, 512)
                && tag(block) == Some(TAG_ANCHOR)
                && le32(block, 12).map(u64::from) == Some(number)
                && has_right_sum(block)
            {
                return Some((sector, block));
            }
        }
    }
    None
}

/// The sum over the first 16 bytes of a descriptor, without the byte that holds it.
fn has_right_sum(block: &[u8]) -> bool {
    let front = block.get(..16).unwrap_or_default();
    let sum = front.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let said = front.get(4).copied().unwrap_or(0);
    sum.wrapping_sub(said) == said
}

impl<'a> Found<'a> {
    /// Reads the sequence of descriptors that the anchor names at `at`.
    fn read(&mut self, file: &'a [u8], sector: u64, anchor: &[u8], at: usize) {
        let Some(mut left) = le32(anchor, at).map(u64::from) else { return };
        let Some(mut number) = le32(anchor, at.saturating_add(4)).map(u64::from) else { return };
        for _ in 0..DESCRIPTORS_MAX {
            let from = number.saturating_mul(sector);
            let Some(block) = part(file, from, sector.max(512)).filter(|_| left >= sector) else {
                return;
            };
            left = left.saturating_sub(sector);
            number = number.saturating_add(1);
            match tag(block) {
                Some(3) => {
                    left = u64::from(le32(block, 20).unwrap_or(0));
                    number = u64::from(le32(block, 24).unwrap_or(0));
                }
                Some(5) => {
                    if let (Some(key), Some(start)) = (le16(block, 22), le32(block, 188)) {
                        self.partitions.insert(key, start);
                    }
                }
                Some(6) => self.logical = Some(block),
                Some(8) => return,
                _ => {}
            }
        }
    }
}

/// In a row, but for what the first sparing table that can be read names.
fn sparable(file: &[u8], sector: u64, from: u64, map: &[u8]) -> Option<Map> {
    let packet = u64::from(le16(map, 40)?);
    let mut spared = BTreeMap::new();
    let count = usize::from(*map.get(42)?).min(4);
    for index in 0..count {
        let at = index.checked_mul(4)?.checked_add(48)?;
        let table = u64::from(le32(map, at)?).saturating_mul(sector);
        let Some(head) = part(file, table, 56) else { continue };
        if head.get(17..34) != Some(b"*UDF Sparing Tabl".as_slice()) {
            continue;
        }
        let rows = u64::from(le16(head, 48)?).saturating_mul(8);
        let rows = part(file, table.saturating_add(56), rows).unwrap_or_default();
        for row in rows.chunks_exact(8) {
            if let (Some(block), Some(moved)) = (le32(row, 0), le32(row, 4))
                && block < FREE_PACKET
            {
                spared.insert(u64::from(block), u64::from(moved).saturating_mul(sector));
            }
        }
        break;
    }
    (packet > 0).then_some(Map::Sparable { from, packet, spared })
}

const TAG_ANCHOR: u16 = 2;
const TAG_ALLOCATION: u16 = 258;
/// Descriptors of the sequence that says what kind of volume this is.
const SEQUENCE_MAX: usize = 64;
const SEQUENCE_BYTES: u64 = 2_048;
const DESCRIPTORS_MAX: usize = 256;
const MAPS_MAX: usize = 16;
/// Pieces of all files of an image: what a file system that was used for years has.
const PIECES_MAX: usize = 1 << 20;
/// The table of a disc that is written once is in one of its last blocks.
const TABLE_WITHIN: u64 = 64;
const TABLE_BYTES_MAX: u64 = 4 << 20;
/// The upper two bits say of what kind an extent is.
const LENGTH_MASK: u32 = 0x3fff_ffff;
/// Higher numbers of packets in a sparing table mean that it is free, or broken.
const FREE_PACKET: u32 = 0xffff_fff0;
