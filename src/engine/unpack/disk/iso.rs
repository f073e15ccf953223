//! ISO 9660 (ECMA-119), with the names of Joliet and of Rock Ridge (RRIP 1.12), files in several extents.
//!
//! Every tree that a volume descriptor leads to is walked: that of Joliet before the primary one, as it has
//! the better names. A file that both know is handed on once. The lengths and places are read in their
//! little-endian form, as the systems do on which images are opened.
//!
//! Absent on purpose: the image that a boot record leads to, which is not compressed and so is seen in the
//! bytes of the volume; path tables; the volumes of other sessions than the first.

use super::extents::{Extents, Piece};
use super::{File, Notes, SYSTEM_BYTES, Turn, joined};
use crate::engine::unpack::numbers::{le16, le32, part};
use crate::engine::verdict::{Limit, Why};

/// The trees of one image.
#[derive(Default)]
pub(super) struct Iso {
    pending: Vec<Folder>,
    open: Option<Folder>,
    /// A file whose last extent was not met yet.
    gathered: Option<(Vec<u8>, Vec<Piece>)>,
}

/// A folder to be read.
struct Folder {
    at: u64,
    from: u64,
    to: u64,
    path: Vec<u8>,
    kind: Kind,
}

/// What a tree is like.
#[derive(Clone, Copy)]
struct Kind {
    /// Names are in 16 bits.
    is_wide: bool,
    block: u64,
}

/// What the fields behind a name say.
#[derive(Default)]
struct Rock {
    name: Vec<u8>,
    /// It stands for a folder that is somewhere else.
    is_moved: bool,
    /// The file is packed, and unpacked when it is read.
    is_packed: bool,
}

impl Iso {
    /// Reads the volume descriptors.
    pub(super) fn open(file: &[u8]) -> Option<Self> {
        let mut iso = Self::default();
        let mut wide = Vec::new();
        for index in 0..DESCRIPTORS_MAX {
            let at = SYSTEM_BYTES.saturating_add(index.saturating_mul(SECTOR_BYTES));
            let Some(sector) = part(file, at, SECTOR_BYTES) else { break };
            if sector.get(1..6) != Some(b"CD001") {
                break;
            }
            match sector.first() {
                Some(1) => iso.pending.extend(root(sector, false)),
                Some(2) => {
                    let escape = sector.get(88..91);
                    let is_joliet = matches!(escape, Some(b"%/@" | b"%/C" | b"%/E"));
                    wide.extend(root(sector, is_joliet));
                }
                Some(255) => break,
                _ => {}
            }
        }
        iso.pending.append(&mut wide);
        (!iso.pending.is_empty()).then_some(iso)
    }

    /// Looks for the next file, through a few records.
    pub(super) fn next(&mut self, file: &[u8], notes: &mut Notes) -> Turn {
        for _ in 0..RECORDS_PER_STEP {
            let Some(folder) = &mut self.open else {
                let Some(folder) = self.pending.pop() else { return Turn::Over };
                if notes.enters(folder.from, folder.to.saturating_sub(folder.from)) {
                    self.open = Some(folder);
                }
                return Turn::More;
            };
            if folder.at >= folder.to {
                self.open = None;
                self.gathered = None;
                return Turn::More;
            }
            match folder.record(file) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    if let Some(found) = self.take(file, record, notes) {
                        return Turn::Found(found);
                    }
                }
                Err(why) => {
                    notes.miss(why);
                    self.open = None;
                }
            }
        }
        Turn::More
    }

    /// What a record is of: a folder to be read later, a part of a file, a file.
    fn take(&mut self, file: &[u8], record: &[u8], notes: &mut Notes) -> Option<File> {
        let folder = self.open.as_ref()?;
        let name_bytes = usize::from(*record.get(32)?);
        let Some(name) = record.get(33..33_usize.checked_add(name_bytes)?) else {
            notes.miss(DAMAGED);
            return None;
        };
        if matches!(name, [0 | 1]) {
            return None;
        }
        // The name is padded to an even place.
        let area_at = 33_usize.checked_add(name_bytes | 1)?;
        let rock = rock_ridge(file, record.get(area_at..).unwrap_or_default());
        let own = if folder.kind.is_wide { narrow(name) } else { name.to_vec() };
        let own = if rock.name.is_empty() { without_version(own) } else { rock.name };
        let path = joined(&folder.path, &own);
        let (from, length) = extent(record, folder.kind.block)?;
        let flags = *record.get(25)?;
        if flags & IS_FOLDER != 0 {
            if self.pending.len() >= FOLDERS_MAX {
                notes.miss(Why::Limit(Limit::MaxScanState));
                return None;
            }
            let to = from.saturating_add(length);
            self.pending.push(Folder { at: from, from, to, path, kind: folder.kind });
            return None;
        }
        if record.get(26..28)? != [0, 0] {
            notes.miss(Why::Unsupported("ISO 9660: an interleaved file"));
        }
        if rock.is_packed {
            notes.miss(Why::Unsupported("ISO 9660: a zisofs file"));
        }
        let (path, mut pieces) = self.gathered.take().unwrap_or((path, Vec::new()));
        if length > 0 && !rock.is_moved {
            pieces.push(Piece { from: Some(from), length });
        }
        if flags & GOES_ON != 0 {
            self.gathered = Some((path, pieces));
            return None;
        }
        let size = pieces.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.length));
        (size > 0).then(|| File { name: path, extents: Extents::new(pieces, size) })
    }
}

impl Folder {
    /// The next record; `None` when there is none up to the next sector.
    fn record<'a>(&mut self, file: &'a [u8]) -> Result<Option<&'a [u8]>, Why> {
        let length = part(file, self.at, 1).and_then(<[u8]>::first).ok_or(ENDS_EARLY)?;
        if *length == 0 {
            let within = self.at.saturating_sub(self.from) & !(SECTOR_BYTES.saturating_sub(1));
            self.at = self.from.saturating_add(within).saturating_add(SECTOR_BYTES);
            return Ok(None);
        }
        let record = part(file, self.at, u64::from(*length)).ok_or(ENDS_EARLY)?;
        if record.len() < RECORD_BYTES_MIN {
            return Err(DAMAGED);
        }
        self.at = self.at.saturating_add(u64::from(*length));
        Ok(Some(record))
    }
}

/// The root of the tree of a volume descriptor.
fn root(sector: &[u8], is_wide: bool) -> Option<Folder> {
    let block = u64::from(le16(sector, 128)?);
    let block = if matches!(block, 512 | 1_024) { block } else { SECTOR_BYTES };
    let (from, length) = extent(sector.get(156..190)?, block)?;
    let to = from.saturating_add(length);
    Some(Folder { at: from, from, to, path: Vec::new(), kind: Kind { is_wide, block } })
}

/// Where the bytes of a record lie, and how many they are. They begin behind the blocks of attributes.
fn extent(record: &[u8], block: u64) -> Option<(u64, u64)> {
    let attributes = u64::from(*record.get(1)?);
    let from = u64::from(le32(record, 2)?).saturating_add(attributes);
    Some((from.saturating_mul(block), u64::from(le32(record, 10)?)))
}

/// Reads the fields of the system use area, and of what continues it (SUSP 1.12).
fn rock_ridge(file: &[u8], area: &[u8]) -> Rock {
    let mut rock = Rock::default();
    // Those of CD-ROM XA have 14 bytes of their own in front.
    let is_shifted = !area.get(..2).is_some_and(|name| name.iter().all(u8::is_ascii_uppercase))
        || area.get(6..8) == Some(b"XA");
    let mut area = if is_shifted { area.get(14..).unwrap_or_default() } else { area };
    for _ in 0..CONTINUATIONS_MAX {
        let mut next = None;
        while let [first, second, length, _, ..] = area
            && let Some((field, rest)) = area.split_at_checked(usize::from(*length))
            && field.len() >= 4
        {
            match &[*first, *second] {
                b"NM" => rock.name.extend_from_slice(field.get(5..).unwrap_or_default()),
                b"CL" => rock.is_moved = true,
                b"ZF" => rock.is_packed = true,
                b"CE" => next = continuation(file, field),
                _ => {}
            }
            area = rest;
        }
        let Some(more) = next else { break };
        area = more;
    }
    rock.name.truncate(NAME_BYTES_MAX);
    rock
}

fn continuation<'a>(file: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    let block = u64::from(le32(field, 4)?).saturating_mul(SECTOR_BYTES);
    let from = block.saturating_add(u64::from(le32(field, 12)?));
    part(file, from, u64::from(le32(field, 20)?).min(SECTOR_BYTES))
}

/// A name in UCS-2.
fn narrow(name: &[u8]) -> Vec<u8> {
    let units = name.chunks_exact(2);
    let units = units.filter_map(|pair| pair.first_chunk().copied().map(u16::from_be_bytes));
    let letters = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}'));
    letters.collect::<String>().into_bytes()
}

/// `NAME.EXT;1` without what nobody shows.
fn without_version(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(at) = name.iter().rposition(|byte| *byte == b';') {
        name.truncate(at);
    }
    if name.last() == Some(&b'.') {
        name.pop();
    }
    name
}

const SECTOR_BYTES: u64 = 2_048;
/// Real images have three to five.
const DESCRIPTORS_MAX: u64 = 256;
const RECORD_BYTES_MIN: usize = 34;
/// Records of folders that one step looks at.
const RECORDS_PER_STEP: usize = 64;
/// Folders that wait to be read. Each has a path.
const FOLDERS_MAX: usize = 16_384;
const CONTINUATIONS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 255;
const IS_FOLDER: u8 = 0x02;
const GOES_ON: u8 = 0x80;
const DAMAGED: Why = Why::Broken("ISO 9660: a record of a folder");
const ENDS_EARLY: Why = Why::Broken("ISO 9660: a folder ends early");
