//! Compound files (MS-CFB): Word, Excel and slides up to 2003, Outlook messages, installers.
//!
//! ```text
//!   directory ─┬─▶ every stream, in the order of the directory
//!              ├─▶ before a stream with macros: the source of each module, decompressed (MS-OVBA)
//!              ├─▶ before a workbook with macros of Excel 4: their formulas as text
//!              ├─▶ before an attached file (`\1Ole10Native`): the file
//!              └─▶ behind the stream of slides: the objects in it, unpacked (MS-PPT)
//! ```
//!
//! The directory is read as a list, so that what lies outside of its tree is seen, too. Streams and
//! macros are matched with the signatures for OLE2, whatever they look like. Documents that are
//! encrypted say so.
//!
//! Names that installers give their streams are shown as people know them.

mod excel;
mod formula;
mod powerpoint;
mod source;
mod tables;
mod taken;
mod vba;

use self::excel::Macros;
use self::source::{Coding, Source};
use self::tables::{Chain, Entry, Kind, Tables, readable};
use self::taken::Taken;
use self::vba::Module;
use super::package::Packed;
use super::{Label, Member, Progress};
use crate::engine::database::signature::Target;
use crate::engine::unpack::numbers::{le16, le32};
use crate::engine::verdict::Why;

/// A compound file being read.
#[derive(Default)]
pub(super) struct Ole2 {
    tables: Tables,
    place: Place,
    /// The entry of the directory that is next.
    index: usize,
    /// `dir` streams that were read.
    dirs: usize,
    modules: Vec<Module>,
    /// What comes before the next entry.
    waiting: Vec<Source>,
    /// The rest of a stream of slides in which objects are looked for.
    records: Option<Chain>,
    taken: Taken,
    said: Option<Why>,
}

#[derive(Default)]
enum Place {
    #[default]
    Header,
    /// The streams that tell where macros are.
    Dirs,
    Streams,
    /// Bytes of a member, whose beginning was said.
    Inside(Source),
    /// The sectors of all streams, for those that look for what is in none.
    Taken,
    Over,
}

impl Ole2 {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if let Some(why) = self.said.take() {
            return (0, Progress::Missed(why));
        }
        match &mut self.place {
            Place::Header => match Tables::read(file) {
                Ok(tables) => {
                    self.tables = tables;
                    self.place = Place::Dirs;
                    (0, Progress::Full)
                }
                Err(why) => (0, Progress::Stopped(why)),
            },
            Place::Dirs => {
                self.find_modules(file);
                (0, Progress::Full)
            }
            Place::Streams => (0, self.find_stream(file)),
            Place::Inside(source) => {
                let made = source.read(&self.tables, file, output);
                if made > 0 || output.is_empty() || source.is_busy() {
                    return (made, Progress::Full);
                }
                let fate = source.fate();
                self.place = Place::Streams;
                (0, Progress::End(fate))
            }
            Place::Taken => {
                if !self.taken.step(&self.tables, file) {
                    self.place = Place::Over;
                }
                (0, Progress::Full)
            }
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// Whether a byte of the file is one of a stream. To be asked when all of it was read.
    pub(super) fn has(&self, place: u64) -> bool {
        self.taken.contains(&self.tables, place)
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let Place::Inside(source) = &self.place else { return Member::default() };
        Member {
            label: source.label.clone(),
            size: matches!(source.coding, Coding::Plain).then_some(source.chain.left),
            state_bytes: source.coding.state_bytes(),
            part_of: source.part_of,
            ..Member::default()
        }
    }

    /// Reads one `dir` stream, or passes over some other entries.
    fn find_modules(&mut self, file: &[u8]) {
        for _ in 0..ENTRIES_PER_STEP {
            let Some(entry) = self.tables.entry(file, self.index) else {
                self.index = 0;
                self.place = Place::Streams;
                return;
            };
            self.index = self.index.saturating_add(1);
            let is_dir = entry.kind == Kind::Stream && entry.name.eq_ignore_ascii_case("dir");
            if is_dir && entry.size <= DIR_BYTES_MAX && self.dirs < DIRS_MAX {
                self.dirs = self.dirs.saturating_add(1);
                let bytes = self.all(file, &entry);
                let plain = vba::decompress_all(&bytes, DIR_PLAIN_BYTES_MAX);
                for module in vba::modules(&plain) {
                    if !self.modules.contains(&module) && self.modules.len() < MODULES_MAX {
                        self.modules.push(module);
                    }
                }
                return;
            }
        }
    }

    /// Begins what waits, or the next stream of the directory.
    fn find_stream(&mut self, file: &[u8]) -> Progress {
        if let Some(source) = self.waiting.pop() {
            self.place = Place::Inside(source);
            return Progress::Begin;
        }
        if let Some(chain) = &mut self.records {
            match powerpoint::next_object(chain, &self.tables, file, PPT_RECORDS_PER_STEP) {
                None => self.records = None,
                Some(None) => {}
                Some(Some(object)) => self.waiting.push(Source {
                    label: Label::of("ppt-object"),
                    chain: object.chain,
                    coding: if object.is_packed { Coding::zlib() } else { Coding::Plain },
                    part_of: None,
                }),
            }
            return Progress::Full;
        }
        for _ in 0..ENTRIES_PER_STEP {
            let Some(entry) = self.tables.entry(file, self.index) else {
                self.place = Place::Taken;
                return Progress::Full;
            };
            self.index = self.index.saturating_add(1);
            if entry.kind == Kind::Stream && entry.size > 0 {
                self.look_into(file, &entry);
                self.place = Place::Inside(Source {
                    label: Label::named("ole2", readable(&entry.name).as_bytes()),
                    chain: self.tables.chain(&entry),
                    coding: Coding::Plain,
                    part_of: Some(Target::Ole2),
                });
                return Progress::Begin;
            }
        }
        Progress::Full
    }

    /// What a stream is besides its bytes: the source of macros, an attached file, encrypted.
    fn look_into(&mut self, file: &[u8], entry: &Entry) {
        let mut head = [0; HEAD_BYTES];
        let mut chain = self.tables.chain(entry);
        let count = chain.fill(&self.tables, file, &mut head);
        let head = head.get(..count).unwrap_or_default();
        if is_encrypted(&entry.name, head) {
            self.said = Some(Why::Encrypted);
        }
        let name = entry.name.to_lowercase();
        let named = self.modules.iter().filter(|module| module.stream == name);
        let mut offsets: Vec<u64> = named.map(|module| module.offset).collect();
        if self.modules.is_empty() && entry.size <= LOST_BYTES_MAX {
            offsets.extend(lost_module(&self.all(file, entry)));
        }
        for offset in offsets {
            let mut chain = self.tables.chain(entry);
            chain.skip(&self.tables, file, offset);
            let mut signature = [0];
            let found = chain.fill(&self.tables, file, &mut signature);
            if (found, signature) != (1, [vba::SIGNATURE]) {
                self.said.get_or_insert(Why::Broken("OLE2: the source of a macro"));
                continue;
            }
            self.waiting.push(Source {
                label: Label::named("vba", entry.name.as_bytes()),
                chain,
                coding: Coding::module(),
                part_of: Some(Target::Ole2),
            });
        }
        if entry.name == "Workbook"
            && excel::has_macros(self.tables.chain(entry), &self.tables, file)
        {
            self.waiting.push(Source {
                label: Label::of("xlm"),
                chain: self.tables.chain(entry),
                coding: Coding::Macros(Box::<Macros>::default()),
                part_of: Some(Target::Ole2),
            });
        }
        if entry.name == "PowerPoint Document" {
            self.records = Some(self.tables.chain(entry));
        }
        if let Some((name, from, size)) = attached(&entry.name, head) {
            let mut chain = self.tables.chain(entry);
            chain.skip(&self.tables, file, from);
            chain.left = chain.left.min(size);
            let label = Label::named("ole10native", name);
            self.waiting.push(Source { label, chain, coding: Coding::Plain, part_of: None });
        }
    }

    /// All bytes of a small stream.
    fn all(&self, file: &[u8], entry: &Entry) -> Vec<u8> {
        // Not more than the file has, whatever is said.
        let size = usize::try_from(entry.size).unwrap_or(usize::MAX).min(file.len());
        let mut bytes = vec![0; size];
        let count = self.tables.chain(entry).fill(&self.tables, file, &mut bytes);
        bytes.truncate(count);
        bytes
    }
}

/// Where the source of a module begins in a stream that no `dir` names: it starts with an attribute, of
/// which the first letters are not compressed.
fn lost_module(stream: &[u8]) -> Option<u64> {
    let mark = memchr::memmem::find(stream, b"\0Attribut")?;
    let at = mark.checked_sub(3)?;
    let is_start = stream.get(at) == Some(&vba::SIGNATURE);
    u64::try_from(at).ok().filter(|_| is_start)
}

/// A file in an `\1Ole10Native` stream: its name, where it begins and how long it is.
fn attached<'a>(stream: &str, head: &'a [u8]) -> Option<(&'a [u8], u64, u64)> {
    if !stream.eq_ignore_ascii_case("\u{1}Ole10Native") {
        return None;
    }
    let size = le32(head, 0)?;
    Some(match Packed::read(head.get(4..)?) {
        Some(packed) => {
            (packed.name, u64::try_from(packed.from).ok()?.checked_add(4)?, packed.size.into())
        }
        None => (&b""[..], 4, size.into()),
    })
}

/// Whether the stream says that the document is encrypted.
fn is_encrypted(stream: &str, head: &[u8]) -> bool {
    match stream {
        // MS-OFFCRYPTO 2.3.4.4.
        "EncryptedPackage" => true,
        // MS-DOC 2.5.1: fEncrypted.
        "WordDocument" => {
            head.starts_with(&[0xec, 0xa5])
                && le16(head, 10).is_some_and(|flags| flags & 0x100 != 0)
        }
        // MS-XLS 2.4.117: FilePass, among the first records.
        "Workbook" | "Book" => {
            let mut rest = head;
            for _ in 0..RECORDS_MAX {
                match le16(rest, 0) {
                    Some(0x2f) => return true,
                    None => return false,
                    Some(_) => {}
                }
                let length = le16(rest, 2).map_or(usize::MAX, usize::from);
                rest = rest.get(length.saturating_add(4)..).unwrap_or_default();
            }
            false
        }
        // MS-PPT 2.3.2: headerToken.
        "Current User" => le32(head, 12) == Some(0xf3d1_c4df),
        _ => false,
    }
}

/// Entries of the directory that one step passes over.
const ENTRIES_PER_STEP: usize = 64;
/// Projects of one file whose modules are looked for, and how large the stream that names them may be.
const DIRS_MAX: usize = 16;
const DIR_BYTES_MAX: u64 = 1 << 20;
const DIR_PLAIN_BYTES_MAX: usize = 4 << 20;
const MODULES_MAX: usize = 4_096;
/// A stream up to this size is searched for a module when no stream names any.
const LOST_BYTES_MAX: u64 = 1 << 20;
/// So much of a stream tells what else it is.
const HEAD_BYTES: usize = 1_024;
/// Records of slides that one step looks at.
const PPT_RECORDS_PER_STEP: usize = 256;
/// `FilePass` comes second or third.
const RECORDS_MAX: usize = 8;
