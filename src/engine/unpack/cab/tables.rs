//! The tables of a cabinet: its folders, and the files in them by their places.

use crate::engine::unpack::numbers::{le16, le32};
use crate::engine::verdict::Why;

/// What a cabinet tells of itself.
#[derive(Default)]
pub(super) struct Cabinet {
    pub(super) folders: Vec<Folder>,
    /// By folder and place.
    pub(super) files: Vec<File>,
    /// Bytes that are kept for others in front of each block.
    pub(super) block_reserve: usize,
    /// Whether the first folder began in another cabinet.
    pub(super) is_continued: bool,
    /// Whether the last one goes on in another.
    pub(super) goes_on: bool,
    /// Where the next file is told of, and how many are still to be read.
    files_at: usize,
    files_left: u16,
}

/// Blocks that are packed as one stream.
#[derive(Clone, Copy)]
pub(super) struct Folder {
    pub(super) at: usize,
    pub(super) blocks: u16,
    /// The method in the low four bits, its level behind.
    pub(super) method: u16,
}

/// A file in a folder.
#[derive(Clone, Copy)]
pub(super) struct File {
    pub(super) folder: usize,
    /// Where it begins in what comes out of the folder.
    pub(super) place: u64,
    pub(super) size: u64,
    /// Where its name is.
    pub(super) name: usize,
    /// Whether it ends in the next cabinet.
    pub(super) goes_on: bool,
}

impl Cabinet {
    /// Reads the header and the folders; the files follow ([`Cabinet::read_files`]). Nothing is kept that is not in the
    /// file.
    pub(super) fn read(cabinet: &[u8]) -> Result<Self, Why> {
        let flags = le16(cabinet, 30).ok_or(ENDS_EARLY)?;
        let (folders, files) = (le16(cabinet, 26), le16(cabinet, 28));
        let files_at =
            usize::try_from(le32(cabinet, 16).ok_or(ENDS_EARLY)?).map_err(|_| ENDS_EARLY)?;
        let mut at = HEADER_BYTES;
        let mut read = Self { files_at, files_left: files.ok_or(ENDS_EARLY)?, ..Self::default() };
        let mut folder_reserve = 0_usize;
        if flags & HAS_RESERVE != 0 {
            let header_reserve = usize::from(le16(cabinet, 36).ok_or(ENDS_EARLY)?);
            folder_reserve = usize::from(*cabinet.get(38).ok_or(ENDS_EARLY)?);
            read.block_reserve = usize::from(*cabinet.get(39).ok_or(ENDS_EARLY)?);
            at = at.saturating_add(4).saturating_add(header_reserve);
        }
        for (flag, strings) in [(HAS_PREVIOUS, 2), (HAS_NEXT, 2)] {
            for _ in 0..if flags & flag == 0 { 0 } else { strings } {
                at = behind_string(cabinet, at).ok_or(ENDS_EARLY)?;
            }
        }
        for _ in 0..folders.ok_or(ENDS_EARLY)? {
            let blocks_at = le32(cabinet, at).ok_or(ENDS_EARLY)?;
            let blocks = le16(cabinet, at.saturating_add(4)).ok_or(ENDS_EARLY)?;
            let method = le16(cabinet, at.saturating_add(6)).ok_or(ENDS_EARLY)?;
            let blocks_at = usize::try_from(blocks_at).map_err(|_| ENDS_EARLY)?;
            read.folders.push(Folder { at: blocks_at, blocks, method });
            at = at.saturating_add(8).saturating_add(folder_reserve);
        }
        Ok(read)
    }

    /// Reads what is told of some files. False when there are no more, which are in their order then.
    pub(super) fn read_files(&mut self, cabinet: &[u8]) -> Result<bool, Why> {
        for _ in 0..FILES_PER_STEP {
            let Some(left) = self.files_left.checked_sub(1) else {
                self.files.sort_by_key(|file| (file.folder, file.place));
                return Ok(false);
            };
            self.files_left = left;
            let at = self.files_at;
            let size = le32(cabinet, at).ok_or(ENDS_EARLY)?;
            let place = le32(cabinet, at.saturating_add(4)).ok_or(ENDS_EARLY)?;
            let folder = le16(cabinet, at.saturating_add(8)).ok_or(ENDS_EARLY)?;
            let name = at.saturating_add(16);
            self.files_at = behind_string(cabinet, name).ok_or(ENDS_EARLY)?;
            let last = self.folders.len().saturating_sub(1);
            let is_from_previous = matches!(folder, FROM_PREVIOUS | FROM_PREVIOUS_TO_NEXT);
            let goes_on = matches!(folder, TO_NEXT | FROM_PREVIOUS_TO_NEXT);
            self.is_continued |= is_from_previous;
            self.goes_on |= goes_on;
            let folder = match folder {
                FROM_PREVIOUS | FROM_PREVIOUS_TO_NEXT => 0,
                TO_NEXT => last,
                folder => usize::from(folder),
            };
            let (place, size) = (u64::from(place), u64::from(size));
            self.files.push(File { folder, place, size, name, goes_on });
        }
        Ok(true)
    }
}

/// The bytes of a string that ends with a zero.
pub(super) fn string(cabinet: &[u8], at: usize) -> &[u8] {
    let rest = front(cabinet, at);
    rest.get(..memchr::memchr(0, rest).unwrap_or(rest.len())).unwrap_or_default()
}

fn behind_string(cabinet: &[u8], at: usize) -> Option<usize> {
    let end = memchr::memchr(0, front(cabinet, at))?;
    at.checked_add(end)?.checked_add(1)
}

/// As much as a string may be long.
fn front(cabinet: &[u8], at: usize) -> &[u8] {
    let rest = cabinet.get(at..).unwrap_or_default();
    rest.get(..STRING_BYTES_MAX).unwrap_or(rest)
}

const FILES_PER_STEP: usize = 256;
const HEADER_BYTES: usize = 36;
/// Names have up to 256 bytes.
const STRING_BYTES_MAX: usize = 4 << 10;
const HAS_PREVIOUS: u16 = 1;
const HAS_NEXT: u16 = 2;
const HAS_RESERVE: u16 = 4;
const FROM_PREVIOUS: u16 = 0xfffd;
const TO_NEXT: u16 = 0xfffe;
const FROM_PREVIOUS_TO_NEXT: u16 = 0xffff;
pub(super) const ENDS_EARLY: Why = Why::Broken("cab: ends early");
