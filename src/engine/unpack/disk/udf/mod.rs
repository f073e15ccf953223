//! UDF 1.02 to 2.60 (ECMA-167, third edition), with sectors of 512 to 4,096 bytes: the tree of every file
//! set, and named streams.
//!
//! A block of a partition is where the map of the partition says: in a row, through the metadata file, past
//! spared packets, or through the virtual table of a disc that is written once ([`volume`]). What a map
//! that cannot be read leads to is said to be missing. Files that were deleted are not part of a tree.
//!
//! Absent on purpose: the sums of descriptors but for the anchor's; owners and times; hard links (a file is
//! handed on once, by its first name).

mod volume;

use std::collections::BTreeSet;

use self::volume::{Place, Volumes, tag};
use super::extents::{Extents, Piece};
use super::{File, Notes, Turn, joined};
use crate::engine::unpack::numbers::{le16, le32, le64, part};
use crate::engine::verdict::{Limit, Why};

/// The trees of one image.
pub(super) struct Udf {
    volumes: Volumes,
    /// Folders to be read.
    pending: Vec<Link>,
    open: Option<Folder>,
    /// Where file entries were read.
    entries: BTreeSet<u64>,
}

/// What leads to a file entry.
struct Link {
    place: Place,
    path: Vec<u8>,
    /// Of a folder, whatever the entry says.
    is_folder: bool,
}

/// A folder being read.
struct Folder {
    bytes: Vec<u8>,
    at: usize,
    path: Vec<u8>,
}

/// What a file entry says.
struct Entry {
    is_folder: bool,
    extents: Extents,
    streams: Option<Place>,
}

impl Udf {
    /// Looks for the anchor, and reads what it leads to. `None` when nothing says that there is one.
    pub(super) fn open(file: &[u8]) -> Result<Option<Self>, Why> {
        let Some((volumes, sets)) = Volumes::open(file)? else { return Ok(None) };
        let (mut pending, mut next) = (Vec::new(), Some(sets));
        for _ in 0..FILE_SETS_MAX {
            let Some(place) = next.take().filter(|place| place.length > 0) else { break };
            let Some(block) = volumes.block(file, place) else { break };
            if tag(block) != Some(TAG_FILE_SET) {
                break;
            }
            let link = |at| Place::read_long(block, at);
            for (at, path) in [(464, &b"streams"[..]), (400, b"")] {
                if let Some(place) = link(at).filter(|place| place.length > 0) {
                    pending.push(Link { place, path: path.to_vec(), is_folder: true });
                }
            }
            next = link(448);
        }
        if pending.is_empty() {
            return Err(Why::Broken("UDF: no file set"));
        }
        Ok(Some(Self { volumes, pending, open: None, entries: BTreeSet::new() }))
    }

    /// Looks for the next file, through a few records.
    pub(super) fn next(&mut self, file: &[u8], notes: &mut Notes) -> Turn {
        for _ in 0..RECORDS_PER_STEP {
            let Some(folder) = &mut self.open else {
                let Some(link) = self.pending.pop() else { return Turn::Over };
                return self.follow(file, link, notes);
            };
            if folder.at >= folder.bytes.len() {
                self.open = None;
                return Turn::More;
            }
            match folder.record() {
                Ok(None) => {}
                Ok(Some(link)) if link.is_folder => self.wait(link, notes),
                Ok(Some(link)) => return self.follow(file, link, notes),
                Err(why) => {
                    notes.miss(why);
                    self.open = None;
                }
            }
        }
        Turn::More
    }

    /// Reads the file entry that something leads to.
    fn follow(&mut self, file: &[u8], link: Link, notes: &mut Notes) -> Turn {
        let Some(at) = self.volumes.offset(link.place) else {
            notes.miss(BAD_PLACE);
            return Turn::More;
        };
        if !self.entries.insert(at) {
            return Turn::More;
        }
        let entry = match self.entry(file, link.place) {
            Ok(entry) => entry,
            Err(why) => {
                notes.miss(why);
                return Turn::More;
            }
        };
        if let Some(place) = entry.streams {
            self.wait(Link { place, path: link.path.clone(), is_folder: true }, notes);
        }
        if entry.extents.left() == 0 {
            return Turn::More;
        }
        if !entry.is_folder && !link.is_folder {
            return Turn::Found(File { name: link.path, extents: entry.extents });
        }
        if self.open.is_some() {
            // An entry that is a folder and was not said to be one.
            self.entries.remove(&at);
            self.wait(Link { is_folder: true, ..link }, notes);
        } else {
            self.enter(file, (at, link.path), entry.extents, notes);
        }
        Turn::More
    }

    fn enter(
        &mut self,
        file: &[u8],
        (at, path): (u64, Vec<u8>),
        mut extents: Extents,
        notes: &mut Notes,
    ) {
        let size = extents.left();
        if size > FOLDER_BYTES_MAX {
            notes.miss(Why::Limit(Limit::MaxScanState));
        } else if notes.enters(at, size) {
            let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
            let count = extents.read(file, &mut bytes);
            bytes.truncate(count);
            if extents.left() > 0 {
                notes.miss(ENDS_EARLY);
            }
            self.open = Some(Folder { bytes, at: 0, path });
        }
    }

    fn wait(&mut self, link: Link, notes: &mut Notes) {
        if self.pending.len() < FOLDERS_MAX {
            self.pending.push(link);
        } else {
            notes.miss(Why::Limit(Limit::MaxScanState));
        }
    }

    /// Reads a file entry, or the one that an indirect entry leads to.
    fn entry(&mut self, file: &[u8], mut place: Place) -> Result<Entry, Why> {
        for _ in 0..INDIRECT_MAX {
            let block = self.volumes.block(file, place).ok_or(BAD_PLACE)?;
            let is_large = match tag(block) {
                Some(TAG_FILE) => false,
                Some(TAG_LARGE_FILE) => true,
                Some(TAG_INDIRECT) => {
                    place = Place::read_long(block, 36).ok_or(BAD_ENTRY)?;
                    continue;
                }
                _ => return Err(BAD_ENTRY),
            };
            let streams = if is_large { Place::read_long(block, 152) } else { None };
            let extents = self.extents(file, place, block, is_large)?;
            return Ok(Entry {
                is_folder: matches!(block.get(27), Some(4 | 13)),
                extents,
                streams: streams.filter(|place| place.length > 0),
            });
        }
        Err(BAD_ENTRY)
    }

    /// Where the bytes of a file are.
    fn extents(
        &mut self,
        file: &[u8],
        place: Place,
        block: &[u8],
        is_large: bool,
    ) -> Result<Extents, Why> {
        let size = le64(block, 56).ok_or(BAD_ENTRY)?;
        let (front, lengths) = if is_large { (216, 208) } else { (176, 168) };
        let attributes = le32(block, lengths).ok_or(BAD_ENTRY)?;
        let length = u64::from(le32(block, lengths.saturating_add(4)).ok_or(BAD_ENTRY)?);
        let from = u64::from(attributes).saturating_add(front);
        let area = part(block, from, length).ok_or(BAD_ENTRY)?;
        let kind = block.get(34).ok_or(BAD_ENTRY)? & 7;
        let mut pieces = Vec::new();
        if kind == 3 {
            let at = self.volumes.offset(place).ok_or(BAD_PLACE)?;
            pieces.push(Piece { from: Some(at.saturating_add(from)), length });
        } else {
            self.volumes.allocated(file, (place, kind), area, &mut pieces)?;
        }
        Ok(Extents::new(pieces, size))
    }
}

impl Folder {
    /// The next file identifier; `None` for one that leads to nothing new.
    fn record(&mut self) -> Result<Option<Link>, Why> {
        let record = self.bytes.get(self.at..).unwrap_or_default();
        if tag(record) != Some(TAG_FILE_IDENTIFIER) {
            return Err(BAD_RECORD);
        }
        let name_bytes = usize::from(*record.get(19).ok_or(BAD_RECORD)?);
        let skipped = usize::from(le16(record, 36).ok_or(BAD_RECORD)?);
        let name_at = skipped.saturating_add(38);
        let end = name_at.saturating_add(name_bytes);
        let name = record.get(name_at..end).ok_or(BAD_RECORD)?;
        let place = Place::read_long(record, 20).ok_or(BAD_RECORD)?;
        let traits = *record.get(18).ok_or(BAD_RECORD)?;
        let path = joined(&self.path, &plain_name(name));
        self.at = self.at.saturating_add(end.saturating_add(3) & !3);
        if traits & (IS_DELETED | IS_PARENT) != 0 {
            return Ok(None);
        }
        Ok(Some(Link { place, path, is_folder: traits & IS_FOLDER != 0 }))
    }
}

/// A name in 8 or in 16 bits, as its first byte says.
fn plain_name(name: &[u8]) -> Vec<u8> {
    let Some((kind, letters)) = name.split_first() else { return Vec::new() };
    let units: Vec<u16> = if *kind == 16 || *kind == 255 {
        let pairs = letters.chunks_exact(2);
        pairs.filter_map(|pair| pair.first_chunk().copied().map(u16::from_be_bytes)).collect()
    } else {
        letters.iter().copied().map(u16::from).collect()
    };
    String::from_utf16_lossy(&units).into_bytes()
}

const TAG_FILE_SET: u16 = 256;
const TAG_FILE_IDENTIFIER: u16 = 257;
const TAG_INDIRECT: u16 = 259;
const TAG_FILE: u16 = 261;
const TAG_LARGE_FILE: u16 = 266;
const IS_FOLDER: u8 = 0x02;
const IS_DELETED: u8 = 0x04;
const IS_PARENT: u8 = 0x08;
/// Real volumes have one.
const FILE_SETS_MAX: usize = 16;
const INDIRECT_MAX: usize = 8;
/// Records of folders that one step looks at.
const RECORDS_PER_STEP: usize = 64;
/// Folders that wait to be read. Each has a path.
const FOLDERS_MAX: usize = 16_384;
/// One folder, all of which is read in one step: some sixty thousand names.
const FOLDER_BYTES_MAX: u64 = 4 << 20;
const BAD_PLACE: Why = Why::Broken("UDF: a block that is not there");
const BAD_ENTRY: Why = Why::Broken("UDF: a file entry");
const BAD_RECORD: Why = Why::Broken("UDF: a record of a folder");
const ENDS_EARLY: Why = Why::Broken("UDF: a folder ends early");
