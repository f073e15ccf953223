//! Version information in the resources of a PE: where its strings begin, for `VI` offsets.
//!
//! Microsoft, PE Format, section 6.9 (`.rsrc`): three levels of directories, type, name and language,
//! then a leaf that says where the data is. Type 16 is version information: `VS_VERSIONINFO`, with
//! `StringFileInfo`, `StringTable` and `String` inside each other, every one a length, a length of the
//! value, a type, a key in UTF-16 and, at a multiple of four bytes, value or children. `clamscan` lets a `VI`
//! pattern begin at the key of any `String` of any version information in the file.
//!
//! Resource compilers put the directories first, so they are kept in one [`Window`] and their leaves
//! say what to keep next.

use super::field::{u16_at, u32_at};
use super::pe::{LITTLE, Layout};
use super::window::{Absent, Window};
use crate::engine::matcher::VersionInformation;

/// Reads the resources as they pass.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    directories: Window,
    start: u64,
    /// The data of version information, once the directories are known.
    data: Option<Vec<Window>>,
}

/// No bytes, or one answer at last.
type Answer = Option<VersionInformation>;

impl Resources {
    /// `None` for a file without resources.
    pub(super) fn new(layout: &Layout) -> Option<Self> {
        let address = layout.resources?;
        let start = layout.place(address)?;
        let end = layout
            .row_of(address)
            .map_or(u64::MAX, |row| row.raw_start.saturating_add(row.raw_size));
        let directories = Window::new(start..end.min(start.saturating_add(WINDOW_BYTES_MAX)));
        Some(Self { directories, start, data: None })
    }

    /// Up to where bytes are wanted before something is decided.
    pub(super) fn until(&self) -> u64 {
        match &self.data {
            None => self.directories.end(),
            Some(data) => {
                let open = data.iter().filter(|window| !window.is_full());
                open.map(Window::end).min().unwrap_or(0)
            }
        }
    }

    /// Takes bytes at `position`, none behind [`Resources::until`].
    pub(super) fn feed(&mut self, layout: &Layout, position: u64, bytes: &[u8]) -> Answer {
        match &mut self.data {
            None => {
                self.directories.feed(position, bytes);
                if self.directories.is_full() {
                    self.resolve(layout, position.saturating_add(bytes.len() as u64))
                } else {
                    None
                }
            }
            Some(data) => {
                for window in data.iter_mut() {
                    window.feed(position, bytes);
                }
                data.iter().all(Window::is_full).then(|| strings(data))
            }
        }
    }

    /// The file has ended after `size` bytes.
    pub(super) fn finish(&mut self, layout: &Layout, size: u64) -> VersionInformation {
        if self.data.is_none() {
            if !self.directories.is_full() && self.directories.next() < size {
                return VersionInformation::OutOfReach;
            }
            if let Some(answer) = self.resolve(layout, size) {
                return answer;
            }
        }
        strings(self.data.as_deref().unwrap_or_default())
    }

    /// The directories are there, and the file has passed up to `passed`: what is to be kept next.
    fn resolve(&mut self, layout: &Layout, passed: u64) -> Answer {
        let mut data = Vec::new();
        match self.leaves(layout, &mut data) {
            Ok(()) | Err(Absent::BeyondFile) => {}
            Err(Absent::NotKept) => return Some(VersionInformation::OutOfReach),
        }
        for window in &mut data {
            // Small data follows its directories at once.
            let next = window.next();
            if let Ok(kept) = self.directories.from(next) {
                window.feed(next, kept);
            }
            if !window.is_full() && window.next() < passed {
                return Some(VersionInformation::OutOfReach);
            }
        }
        let is_complete = data.iter().all(Window::is_full);
        let answer = is_complete.then(|| strings(&data));
        self.data = Some(data);
        answer
    }

    fn leaves(&self, layout: &Layout, data: &mut Vec<Window>) -> Result<(), Absent> {
        let mut seen = 0_usize;
        for (kind, names) in self.entries(0)? {
            if kind != VERSION || !is_directory(names) {
                continue;
            }
            for (_, languages) in self.entries(names)? {
                seen = seen.saturating_add(1);
                if seen > VERSIONS_MAX {
                    return Err(Absent::NotKept);
                }
                let leaves = if is_directory(languages) {
                    self.entries(languages)?
                } else {
                    vec![(0, languages)]
                };
                for (_, leaf) in leaves.into_iter().filter(|(_, at)| !is_directory(*at)) {
                    seen = seen.saturating_add(1);
                    let leaf = self.directories.get(self.at(leaf), 16)?;
                    let (address, size) = (u32_at(leaf, 0, LITTLE), u32_at(leaf, 4, LITTLE));
                    let place = address.and_then(|address| layout.place(address));
                    let (Some(place), Some(size)) = (place, size) else { continue };
                    if seen > VERSIONS_MAX || u64::from(size) > VERSION_BYTES_MAX {
                        return Err(Absent::NotKept);
                    }
                    data.push(Window::new(place..place.saturating_add(size.into())));
                }
            }
        }
        Ok(())
    }

    /// The entries of a directory: an id (names have none that is asked for), and what they point to.
    fn entries(&self, directory: u32) -> Result<Vec<(u32, u32)>, Absent> {
        let at = self.at(directory);
        let head = self.directories.get(at, 16)?;
        let count = |at| u16_at(head, at, LITTLE).map_or(0, usize::from);
        let bytes = count(12).saturating_add(count(14)).saturating_mul(8);
        let entries = self.directories.get(at.saturating_add(16), bytes)?;
        let field = |entry: &[u8], at| u32_at(entry, at, LITTLE).unwrap_or(0);
        let pairs = entries.chunks_exact(8).map(|entry| (field(entry, 0), field(entry, 4)));
        Ok(pairs.take(ENTRIES_MAX).collect())
    }

    fn at(&self, offset: u32) -> u64 {
        self.start.saturating_add(u64::from(offset & !DIRECTORY))
    }
}

const fn is_directory(offset: u32) -> bool {
    offset & DIRECTORY != 0
}

/// The places of all keys in all version information.
fn strings(data: &[Window]) -> VersionInformation {
    let mut places = Vec::new();
    for window in data {
        let bytes = window.bytes();
        for info in Block::at(bytes, 0).into_iter().flat_map(|block| block.children(bytes)) {
            // `VarFileInfo` has other children than tables of strings.
            if info.has_key(bytes, "StringFileInfo") {
                for table in info.children(bytes) {
                    let strings = table.children(bytes).map(|string| string.key_at);
                    places.extend(strings.map(|at| window.start().saturating_add(at as u64)));
                }
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    VersionInformation::Known(places.into_boxed_slice())
}

/// One block of version information, as places in the data.
#[derive(Clone, Copy, Debug)]
struct Block {
    key_at: usize,
    inside_at: usize,
    end: usize,
}

impl Block {
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let length = usize::from(u16_at(bytes, at, LITTLE)?);
        let value = usize::from(u16_at(bytes, at.checked_add(2)?, LITTLE)?);
        let is_text = u16_at(bytes, at.checked_add(4)?, LITTLE)? == 1;
        let key_at = at.checked_add(6)?;
        let end = at.checked_add(length)?.min(bytes.len());
        (length >= 6).then_some(())?;
        let key = bytes.get(key_at..end)?;
        let key_units = key.chunks_exact(2).position(|unit| unit == [0, 0])?;
        let key_end = key_at.checked_add(key_units.checked_add(1)?.checked_mul(2)?)?;
        let value_bytes = if is_text { value.checked_mul(2)? } else { value };
        let value_end = key_end.checked_next_multiple_of(4)?.checked_add(value_bytes)?;
        Some(Self { key_at, inside_at: value_end.checked_next_multiple_of(4)?, end })
    }

    fn children(self, bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let mut at = self.inside_at;
        std::iter::from_fn(move || {
            let inside = bytes.get(..self.end)?;
            let child = Self::at(inside, at)?;
            at = child.end.checked_next_multiple_of(4)?;
            Some(child)
        })
    }

    fn has_key(self, bytes: &[u8], key: &str) -> bool {
        let units = bytes.get(self.key_at..).unwrap_or_default().chunks_exact(2);
        let wanted = key.encode_utf16().chain([0]);
        units.zip(wanted.clone()).filter(|(unit, want)| **unit == want.to_le_bytes()).count()
            == wanted.count()
    }
}

/// The type of resources that is version information.
const VERSION: u32 = 16;
/// Marks an offset to a directory.
const DIRECTORY: u32 = 1 << 31;
/// What is kept of the resources: directories of some thousand resources.
const WINDOW_BYTES_MAX: u64 = 128 << 10;
/// Files have one version information, or one for each language: two steps each.
const VERSIONS_MAX: usize = 64;
/// Version information has a 16-bit length.
const VERSION_BYTES_MAX: u64 = 64 << 10;
/// No directory of types, names or languages of version information has more.
const ENTRIES_MAX: usize = 4_096;
