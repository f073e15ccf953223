//! The list of functions that a PE imports, as one line of text: what `.imp` digests are taken of.
//!
//! Microsoft, PE Format, section 6.4, tells where the functions are; `dll.function` for each in the
//! order of the file, in lower case, joined by commas, is the convention known as imphash. In detail
//! as `clamscan` does it: the directory is read while more than one entry is left of its size, a library
//! whose name ends in `.dll`, `.ocx` or `.sys` at its first dot loses that, names are cut at 256 bytes,
//! ordinals have the names of [`ordinals`] or are `ord` and the number, a function
//! whose name lies nowhere has an empty one, and a library whose name lies nowhere ends it all.
//! Unlike it, files of 64 bits and names of other signs than letters, digits, `_` and `.` have a list,
//! too.
//!
//! The bytes are those of one [`Window`]: linkers put all of it into one section.

use super::field::{u32_at, u64_at};
use super::ordinals;
use super::pe::{LITTLE, Layout};
use super::window::{Absent, Window};

/// What came of reading the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// There is none, or it is damaged.
    None,
    /// The text.
    Text(Vec<u8>),
    /// It lies outside of the window, or is longer than [`TEXT_BYTES_MAX`].
    OutOfReach,
}

/// The window that the imports have to lie in; `None` without imports.
pub(super) fn window(layout: &Layout) -> Option<Window> {
    let (address, _) = layout.imports?;
    let at = layout.place(address)?;
    let section = layout.row_of(address);
    let (first, end) = section
        .map_or((0, u64::MAX), |row| (row.raw_start, row.raw_start.saturating_add(row.raw_size)));
    let start = first.max(at.saturating_sub(BEFORE_BYTES_MAX));
    Some(Window::new(start..end.min(start.saturating_add(WINDOW_BYTES_MAX))))
}

/// Reads the list.
pub(super) fn list(layout: &Layout, window: &Window) -> List {
    let mut text = Vec::new();
    match read(layout, window, &mut text) {
        Ok(()) => List::Text(text),
        Err(Absent::BeyondFile) => List::None,
        Err(Absent::NotKept) => List::OutOfReach,
    }
}

fn read(layout: &Layout, window: &Window, text: &mut Vec<u8>) -> Result<(), Absent> {
    let (address, size) = layout.imports.ok_or(Absent::BeyondFile)?;
    let at = layout.place(address).ok_or(Absent::BeyondFile)?;
    let directory = window.get(at, usize::try_from(size).unwrap_or(usize::MAX))?;
    // An entry is read only while more than it is left.
    let count = directory.len().saturating_sub(1).checked_div(ENTRY_BYTES).unwrap_or(0);
    for entry in directory.chunks_exact(ENTRY_BYTES).take(count.min(LIBRARIES_MAX)) {
        let field = |at| u32_at(entry, at, LITTLE).unwrap_or(0);
        let (originals, name, thunks) = (field(0), field(12), field(16));
        if name == 0 {
            break;
        }
        let name = layout.place(name).ok_or(Absent::BeyondFile)?;
        let library = window.text(name, NAME_BYTES_MAX)?.to_ascii_lowercase();
        let place = |address: u32| (address > 0).then(|| layout.place(address)).flatten();
        if let Some(thunks) = place(originals).or_else(|| place(thunks)) {
            functions(layout, window, &library, thunks, text)?;
        }
    }
    Ok(())
}

/// Adds the functions of one library.
fn functions(
    layout: &Layout,
    window: &Window,
    library: &[u8],
    thunks: u64,
    text: &mut Vec<u8>,
) -> Result<(), Absent> {
    let width = if layout.is_wide { 8 } else { 4 };
    let short = without_extension(library);
    for thunk in window.from(thunks)?.chunks_exact(width) {
        let (value, by_ordinal) = if layout.is_wide {
            let value = u64_at(thunk, 0, LITTLE).unwrap_or(0);
            (value, value.leading_zeros() == 0)
        } else {
            let value = u32_at(thunk, 0, LITTLE).unwrap_or(0);
            (u64::from(value), value.leading_zeros() == 0)
        };
        if value == 0 {
            return Ok(());
        }
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend_from_slice(short);
        text.push(b'.');
        let [low, high, ..] = value.to_le_bytes();
        let ordinal = u16::from_le_bytes([low, high]);
        match ordinals::name(library, ordinal) {
            Some(name) if by_ordinal => text.extend_from_slice(name.as_bytes()),
            _ if by_ordinal => text.extend_from_slice(format!("ord{ordinal}").as_bytes()),
            _ => {
                let place = u32::try_from(value).ok().and_then(|address| layout.place(address));
                if let Some(place) = place {
                    // A hint of two bytes is before the name.
                    let name = window.text(place.saturating_add(2), NAME_BYTES_MAX)?;
                    text.extend(name.iter().map(u8::to_ascii_lowercase));
                }
            }
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(Absent::NotKept);
        }
    }
    // The list has no end in what is kept of the file.
    Err(Absent::NotKept)
}

fn without_extension(library: &[u8]) -> &[u8] {
    let dot = memchr::memchr(b'.', library);
    let parts = dot.and_then(|dot| library.split_at_checked(dot));
    match parts {
        Some((name, b".dll" | b".ocx" | b".sys")) => name,
        Some(_) | None => library,
    }
}

const ENTRY_BYTES: usize = 20;
/// As `clamscan`.
const LIBRARIES_MAX: usize = 1_024;
/// As `clamscan`; the Windows loader knows no limit.
const NAME_BYTES_MAX: usize = 256;
/// What is kept of a file for its imports, while it has a directory of them and the database asks.
const WINDOW_BYTES_MAX: u64 = 1 << 20;
/// Of that, before the directory: the address table of an old linker.
const BEFORE_BYTES_MAX: u64 = 256 << 10;
/// Ten thousand functions have less. It bounds the work: names may be pointed to many times.
const TEXT_BYTES_MAX: usize = 256 << 10;
