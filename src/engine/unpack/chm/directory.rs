//! The directory of a compiled help file: chunks of entries, each a name, a section, a place and a length.

use crate::engine::unpack::numbers::{le32, le64};
use crate::engine::verdict::Why;

/// The front of the file.
#[derive(Clone, Copy, Default)]
pub(super) struct Header {
    /// Where the first chunk is, how long each is, and how many there are.
    pub(super) chunks_at: usize,
    pub(super) chunk_bytes: usize,
    pub(super) chunks: usize,
    /// Where what entries tell of begins.
    pub(super) content_at: u64,
}

/// Something in the file.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Where its name is, and its length.
    pub(super) name: (usize, usize),
    /// 0 is as it is, 1 is packed.
    pub(super) section: u64,
    pub(super) place: u64,
    pub(super) size: u64,
}

impl Header {
    pub(super) fn read(file: &[u8]) -> Result<Self, Why> {
        let version = le32(file, 4).ok_or(ENDS_EARLY)?;
        let (at, size) = (le64(file, 72), le64(file, 80));
        let (at, size) = (at.ok_or(ENDS_EARLY)?, size.ok_or(ENDS_EARLY)?);
        let behind = at.checked_add(size).ok_or(DAMAGED)?;
        let content_at = if version < 3 { behind } else { le64(file, 88).ok_or(ENDS_EARLY)? };
        let at = usize::try_from(at).map_err(|_| ENDS_EARLY)?;
        let front = file.get(at..).ok_or(ENDS_EARLY)?;
        let header = le32(front, 8).and_then(|bytes| usize::try_from(bytes).ok());
        let chunk = le32(front, 16).and_then(|bytes| usize::try_from(bytes).ok());
        let chunks = le32(front, 44).and_then(|count| usize::try_from(count).ok());
        let (Some(header), Some(chunk_bytes), Some(chunks)) = (header, chunk, chunks) else {
            return Err(ENDS_EARLY);
        };
        if !front.starts_with(b"ITSP")
            || !(CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&chunk_bytes)
        {
            return Err(DAMAGED);
        }
        let chunks_at = at.checked_add(header).ok_or(DAMAGED)?;
        // Not more than the file has, whatever is said.
        let there = file.len().saturating_sub(chunks_at).checked_div(chunk_bytes).unwrap_or(0);
        if chunks > there {
            return Err(ENDS_EARLY);
        }
        Ok(Self { chunks_at, chunk_bytes, chunks, content_at })
    }

    /// The entries of a chunk; none for one of another kind.
    pub(super) fn entries(&self, file: &[u8], chunk: usize) -> Result<Vec<Entry>, Why> {
        let at = self.chunk_bytes.saturating_mul(chunk).saturating_add(self.chunks_at);
        let bytes = file.get(at..at.saturating_add(self.chunk_bytes)).ok_or(ENDS_EARLY)?;
        let mut entries = Vec::new();
        if !bytes.starts_with(b"PMGL") {
            return Ok(entries);
        }
        // Readers go from one chunk to the next by its number, and do not ask how many there are.
        let next = le32(bytes, 16).and_then(|next| usize::try_from(next).ok()).unwrap_or(0);
        if next >= self.chunks && next != LAST_CHUNK {
            return Err(DAMAGED);
        }
        let free = le32(bytes, 4).and_then(|free| usize::try_from(free).ok()).unwrap_or(0);
        let end = self.chunk_bytes.checked_sub(free).ok_or(DAMAGED)?;
        let bytes = bytes.get(..end).ok_or(DAMAGED)?;
        let mut place = ENTRIES_AT;
        while place < end {
            let length = number(bytes, &mut place).and_then(|length| usize::try_from(length).ok());
            let length = length.ok_or(DAMAGED)?;
            let name = (at.saturating_add(place), length);
            place = place.checked_add(length).filter(|place| *place <= end).ok_or(DAMAGED)?;
            let mut next = || number(bytes, &mut place).ok_or(DAMAGED);
            entries.push(Entry { name, section: next()?, place: next()?, size: next()? });
        }
        Ok(entries)
    }
}

/// A number of seven bits in each byte, the high ones first.
fn number(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for _ in 0..9 {
        let byte = *bytes.get(*at)?;
        *at = at.saturating_add(1);
        value = value.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

const ENTRIES_AT: usize = 20;
const CHUNK_BYTES_MIN: usize = 64;
/// Real ones have 4 KiB.
const CHUNK_BYTES_MAX: usize = 64 << 10;
const LAST_CHUNK: usize = 0xffff_ffff;
pub(super) const ENDS_EARLY: Why = Why::Broken("chm: ends early");
pub(super) const DAMAGED: Why = Why::Broken("chm: damaged directory");
