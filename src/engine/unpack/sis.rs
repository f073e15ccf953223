//! Packages of Symbian OS: SIS of releases 5 and 6 (tables of files by place), and of 9.x (fields in each other).
//!
//! Every file of every language is a member, unpacked (zlib). Of 9.x also the controller is, which says how it is
//! installed; files have no names there but in the controller, so they are numbered.
//!
//! Absent on purpose: conditions and options, whatever they ask for; certificates; files that are only named.

use super::numbers::{le16, le32, le64, part};
use super::ranges::Ranges;
use super::slice::Slice;
use super::{Coding, Decoder, Label, Member, Progress};
use crate::engine::verdict::{Limit, Why};

/// A package being read.
#[derive(Default)]
pub(super) struct Sis {
    has_begun: bool,
    said: Option<Why>,
    /// The files, the last one first.
    files: Vec<File>,
    open: Option<(Slice, File)>,
    /// Where those are that are not packed.
    taken: Ranges,
}

struct File {
    name: Vec<u8>,
    from: u64,
    length: u64,
    is_packed: bool,
}

impl Sis {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The next step, given all of the package: bytes made, and what there is to say.
    pub(super) fn step(&mut self, package: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if let Some(why) = self.said.take() {
            return (0, Progress::Missed(why));
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            let is_new = le32(package, 0) == Some(UID_NEW);
            let read = if is_new {
                fields(package, &mut self.files)
            } else {
                table(package, &mut self.files)
            };
            self.said = read.err();
            for file in self.files.iter().filter(|file| !file.is_packed) {
                self.taken.add(file.from, file.length);
            }
            self.taken.sort();
            self.files.reverse();
            return (0, Progress::Full);
        }
        if let Some((slice, _)) = &mut self.open {
            let (made, fate) = slice.read(package, output, ENDS_EARLY);
            let Some(fate) = fate else { return (made, Progress::Full) };
            self.open = None;
            return (0, Progress::End(fate));
        }
        let Some(file) = self.files.pop() else { return (0, Progress::Hungry) };
        if file.length == 0 {
            return (0, Progress::Full);
        }
        let decoder = if file.is_packed {
            Decoder::of(Coding::Deflate, Coding::Deflate.state_bytes(&[])).map(Some)
        } else {
            Ok(None)
        };
        match decoder {
            Ok(decoder) => {
                let slice = Slice::new(file.from, file.length, decoder);
                self.open = Some((slice, file));
                (0, Progress::Begin)
            }
            Err(why) => (0, Progress::Missed(why)),
        }
    }

    /// Whether a byte of the package is one of a file that is not packed.
    pub(super) fn has(&self, place: u64) -> bool {
        self.taken.contains(place)
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let Some((slice, file)) = &self.open else { return Member::default() };
        Member {
            label: Label::named("sis", &file.name),
            size: slice.size(),
            state_bytes: if file.is_packed { Coding::Deflate.state_bytes(&[]) } else { 0 },
            ..Member::default()
        }
    }
}

/// Releases 5 and 6: a header, and records of files, options and conditions at a place that it names.
fn table(package: &[u8], files: &mut Vec<File>) -> Result<(), Why> {
    let word = |at: u64| le32(package, usize::try_from(at).ok()?).map(u64::from);
    let next = |at: u64| word(at).ok_or(BAD_RECORD);
    let languages = u64::from(le16(package, 18).ok_or(BAD_RECORD)?).max(1);
    let records = le16(package, 20).ok_or(BAD_RECORD)?;
    let is_six = le32(package, 4) == Some(UID_SIX);
    let mut at = next(52)?;
    for _ in 0..records {
        let kind = next(at)?;
        let count = match kind {
            0 => 1,
            1 => languages,
            2 => {
                let names = next(at.saturating_add(4))?.saturating_mul(languages);
                at = at.saturating_add(names.saturating_mul(8)).saturating_add(8 + 16);
                continue;
            }
            3 | 4 => {
                at = at.saturating_add(next(at.saturating_add(4))?).saturating_add(8);
                continue;
            }
            5 | 6 => {
                at = at.saturating_add(4);
                continue;
            }
            _ => return Err(BAD_RECORD),
        };
        let (length, from) = (next(at.saturating_add(20))?, next(at.saturating_add(24))?);
        let name = readable(part(package, from, length).unwrap_or_default(), is_six);
        let lengths = at.saturating_add(28);
        let places = lengths.saturating_add(count.saturating_mul(4));
        for index in 0..count {
            let shift = index.saturating_mul(4);
            let length = next(lengths.saturating_add(shift))?;
            let from = next(places.saturating_add(shift))?;
            let is_packed = part(package, from, 2).is_some_and(is_zlib);
            add(files, File { name: name.clone(), from, length, is_packed })?;
        }
        at = places.saturating_add(count.saturating_mul(if is_six { 8 } else { 4 }));
        at = at.saturating_add(if is_six { 8 } else { 0 });
    }
    Ok(())
}

/// Release 9: every field has a type and a length; those of an array share one type.
fn fields(package: &[u8], files: &mut Vec<File>) -> Result<(), Why> {
    let size = u64::try_from(package.len()).unwrap_or(u64::MAX);
    // What is still to be read: from, to, and the type of all in it, in an array.
    let mut open = vec![(16_u64, size, None)];
    for _ in 0..FIELDS_MAX {
        let Some((at, end, shared)) = open.pop() else { return Ok(()) };
        if at >= end {
            continue;
        }
        let word = |at: u64| le32(package, usize::try_from(at).ok()?).ok_or(()).ok();
        let (kind, mut data) = match shared {
            Some(kind) => (kind, at),
            None => (word(at).ok_or(BAD_FIELD)?, at.saturating_add(4)),
        };
        let low = word(data).ok_or(BAD_FIELD)?;
        data = data.saturating_add(4);
        let mut length = u64::from(low & LOW_BITS);
        if low > LOW_BITS {
            length |= u64::from(word(data).ok_or(BAD_FIELD)?) << 31;
            data = data.saturating_add(4);
        }
        let to = data.saturating_add(length);
        if to > end {
            return Err(ENDS_EARLY);
        }
        open.push((to.saturating_add(3) & !3, end, shared));
        match kind {
            FIELD_CONTENTS | FIELD_DATA | FIELD_UNIT | FIELD_FILE => open.push((data, to, None)),
            FIELD_ARRAY if length >= 4 => open.push((data.saturating_add(4), to, word(data))),
            FIELD_COMPRESSED if length >= 12 => {
                let name = files.len().to_string().into_bytes();
                let is_packed = word(data) == Some(1);
                // The size comes between, which nobody has to believe.
                let size = usize::try_from(data.saturating_add(4)).ok();
                if size.and_then(|at| le64(package, at)).is_some() {
                    let from = data.saturating_add(12);
                    let length = to.saturating_sub(from);
                    add(files, File { name, from, length, is_packed })?;
                }
            }
            _ => {}
        }
    }
    Err(Why::Limit(Limit::MaxFiles))
}

fn add(files: &mut Vec<File>, file: File) -> Result<(), Why> {
    if files.len() >= FILES_MAX {
        return Err(Why::Limit(Limit::MaxFiles));
    }
    // Those without contents count as well: reading tables comes to an end.
    files.push(file);
    Ok(())
}

fn readable(name: &[u8], is_wide: bool) -> Vec<u8> {
    let name = name.get(..NAME_BYTES_MAX).unwrap_or(name);
    if !is_wide {
        return name.to_vec();
    }
    let units = name.chunks_exact(2);
    let units = units.filter_map(|pair| pair.first_chunk().copied().map(u16::from_le_bytes));
    let letters = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}'));
    letters.collect::<String>().into_bytes()
}

/// Whether these two bytes begin a zlib stream (RFC 1950 2.2).
fn is_zlib(front: &[u8]) -> bool {
    matches!(front, [0x78, flags] if (0x7800_u16 | u16::from(*flags)).is_multiple_of(31))
}

const UID_NEW: u32 = 0x1020_1a7a;
const UID_SIX: u32 = 0x1000_3a12;
const FIELD_ARRAY: u32 = 2;
const FIELD_COMPRESSED: u32 = 3;
const FIELD_CONTENTS: u32 = 12;
const FIELD_DATA: u32 = 30;
const FIELD_UNIT: u32 = 31;
const FIELD_FILE: u32 = 32;
const LOW_BITS: u32 = 0x7fff_ffff;
const FIELDS_MAX: usize = 65_536;
/// More than a scan looks at by default.
const FILES_MAX: usize = 16_384;
const NAME_BYTES_MAX: usize = 512;
const BAD_RECORD: Why = Why::Broken("SIS: a record of its table");
const BAD_FIELD: Why = Why::Broken("SIS: a field");
const ENDS_EARLY: Why = Why::Broken("SIS: ends early");
