//! A program as a file again: made of what lies in memory, and given out in windows.
//!
//! Signatures count from the entry point and from sections, so a file has headers that say where those
//! are now. A section has in the file what it has in memory, but for the empty pages at its end.

use crate::engine::unpack::numbers::le32;
use std::ops::Range;

use super::headers::{CODE, EXECUTABLE, Headers, Section, WRITABLE};
use crate::engine::unpack::parts::copy;

/// A file to be given out.
#[derive(Debug, Default)]
pub(super) struct Rebuilt {
    /// Its first bytes.
    front: Vec<u8>,
    /// What follows, in order: places in the file, and in memory.
    parts: Vec<(usize, Range<usize>)>,
    size: usize,
    /// Bytes that were given out.
    given: usize,
}

impl Rebuilt {
    /// A file that lies in memory as it is.
    pub(super) fn plain(range: Range<usize>) -> Self {
        let size = range.len();
        Self { parts: vec![(0, range)], size, ..Self::default() }
    }

    /// A file of a front, and of parts at their places.
    pub(super) fn of_parts(front: Vec<u8>, mut parts: Vec<(usize, Range<usize>)>) -> Self {
        parts.sort_by_key(|(to, _)| *to);
        let ends = parts.iter().map(|(to, from)| to.saturating_add(from.len()));
        let size = ends.chain([front.len()]).max().unwrap_or(0);
        Self { front, parts, size, given: 0 }
    }

    /// A program for Windows whose sections lie in `image`, with another entry point. `file` is where
    /// its headers are. Its sections are as a compiler makes them: it is not taken for packed again.
    pub(super) fn program(
        headers: &Headers,
        file: &[u8],
        image: &[u8],
        entry: u32,
    ) -> Option<Self> {
        let optional_end = headers.optional_bytes.checked_add(24)?;
        let coff = file.get(headers.at..headers.at.checked_add(optional_end)?)?;
        let mut front = vec![0; DOS_BYTES];
        put(&mut front, 0, b"MZ");
        put(&mut front, 0x3c, &u32::try_from(DOS_BYTES).ok()?.to_le_bytes());
        front.extend_from_slice(coff);
        let table = front.len();
        let rows = headers.sections.len().checked_mul(40)?;
        let header_bytes = table.checked_add(rows)?.checked_next_multiple_of(ALIGNMENT)?;
        front.resize(header_bytes, 0);
        for (at, value) in [
            (16, entry),
            (36, u32::try_from(ALIGNMENT).ok()?),
            (60, u32::try_from(header_bytes).ok()?),
        ] {
            put(&mut front, DOS_BYTES.checked_add(24)?.checked_add(at)?, &value.to_le_bytes());
        }
        let mut end = header_bytes;
        let mut parts = Vec::new();
        for (index, section) in headers.sections.iter().enumerate() {
            let from = usize::try_from(section.address).ok()?;
            let until = from.saturating_add(usize::try_from(section.memory_size()).ok()?);
            let range = from.min(image.len())..until.min(image.len());
            let used = without_empty_pages(image.get(range.clone())?);
            let size = used.checked_next_multiple_of(ALIGNMENT)?;
            let row = index.checked_mul(40)?.checked_add(table)?;
            put(&mut front, row, &section.name);
            for (at, value) in [
                (8, section.memory_size()),
                (12, section.address),
                (16, u32::try_from(size).ok()?),
                (20, if size == 0 { 0 } else { u32::try_from(end).ok()? }),
                (36, plain_flags(section, entry, size)),
            ] {
                put(&mut front, row.checked_add(at)?, &value.to_le_bytes());
            }
            parts.push((end, range.start..range.start.saturating_add(used)));
            end = end.checked_add(size)?;
        }
        let mut whole = Self::of_parts(front, parts);
        whole.size = end;
        Some(whole)
    }

    /// Fills the front of `output` with the next bytes of the file; none are left when it gives 0.
    pub(super) fn read(&mut self, image: &[u8], output: &mut [u8]) -> usize {
        let room = output.len().min(self.size.saturating_sub(self.given));
        let Some(output) = output.get_mut(..room) else { return 0 };
        let mut made = 0_usize;
        while made < room {
            let rest = output.get_mut(made..).unwrap_or_default();
            let (source, next) = self.at(image, self.given);
            let count = match source {
                Some(bytes) => copy(bytes, rest),
                None => {
                    let count = rest.len().min(next.saturating_sub(self.given));
                    rest.get_mut(..count).unwrap_or_default().fill(0);
                    count
                }
            };
            if count == 0 {
                break;
            }
            made = made.saturating_add(count);
            self.given = self.given.saturating_add(count);
        }
        made
    }

    /// What is at a place of the file: bytes, or zeros up to another place.
    fn at<'a>(&'a self, image: &'a [u8], place: usize) -> (Option<&'a [u8]>, usize) {
        if let Some(front) = self.front.get(place..).filter(|front| !front.is_empty()) {
            return (Some(front), self.front.len());
        }
        let behind = self.parts.partition_point(|(to, _)| *to <= place);
        let next = self.parts.get(behind).map_or(self.size, |(to, _)| *to);
        let Some((to, from)) = behind.checked_sub(1).and_then(|at| self.parts.get(at)) else {
            return (None, next);
        };
        let start = from.start.saturating_add(place.saturating_sub(*to));
        let bytes = image.get(start..from.end.min(image.len())).filter(|bytes| !bytes.is_empty());
        (bytes, next)
    }
}

/// Code that is not written to, where control begins; no code where nothing is.
fn plain_flags(section: &Section, entry: u32, size: usize) -> u32 {
    let has_entry = entry.checked_sub(section.address).is_some_and(|at| at < section.memory_size());
    match (has_entry, size) {
        (true, _) => section.flags & !WRITABLE | CODE | EXECUTABLE,
        (false, 0) => section.flags & !EXECUTABLE,
        (false, _) => section.flags,
    }
}

/// How long something is without the pages of zeros at its end.
fn without_empty_pages(bytes: &[u8]) -> usize {
    let pages = bytes.chunks(PAGE_BYTES);
    let count = pages.clone().count();
    let empty = pages.rev().take_while(|page| page.iter().all(|byte| *byte == 0)).count();
    let kept = count.saturating_sub(empty).saturating_mul(PAGE_BYTES);
    kept.min(bytes.len())
}

fn put(to: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = to.get_mut(at..at.saturating_add(bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

/// A program that lies somewhere in memory as a file: how long it is. At most what is there.
pub(super) fn inner(bytes: &[u8]) -> Option<usize> {
    let at = le32(bytes, 0x3c)? as usize;
    (at < INNER_HEADER_MAX).then_some(())?;
    let headers = Headers::of(bytes)?;
    (headers.entry < headers.image_bytes).then_some(())?;
    Some(headers.end().min(bytes.len()))
}

const DOS_BYTES: usize = 0x40;
const ALIGNMENT: usize = 0x200;
const PAGE_BYTES: usize = 0x1000;
/// Headers of programs inside of programs are not further away.
const INNER_HEADER_MAX: usize = 4 << 10;
