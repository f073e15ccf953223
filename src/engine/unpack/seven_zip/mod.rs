//! 7z archives (7-Zip's `7zFormat.txt`).
//!
//! ```text
//!   signature ─▶ header, packed itself or not ─▶ folders ─▶ files one after another out of each
//!                                    coders joined to one ─┘
//! ```
//!
//! A folder is undone once, from its front: its files are handed on as they come out. Names are clear unless
//! the header is encrypted, in which case nothing is seen. Files without contents are passed over.
//!
//! Absent on purpose: sums, times and attributes; volumes (each but the last lacks its header, and is
//! broken); anti-items, which have no contents.

mod bcj2;
mod coder;
mod folder;
mod header;
mod unlock;

use flate2::Crc;

use self::folder::{Got, Node};
use self::header::{Archive, DAMAGED, Folder, Header, Streams, bit};
use self::unlock::Unlock;
use super::key::Key;
use super::parts::{at_most, wide};
use super::{Label, Member, Pace, Progress};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::{Limit, Why};

/// A 7z archive being read.
#[derive(Default)]
pub(super) struct SevenZip {
    place: Place,
    archive: Archive,
    header: Vec<u8>,
    /// Headers that were unpacked.
    depth: u32,
    /// The file that is next, and where its name begins in the header.
    file: u64,
    name_at: usize,
    /// The folder that is next or being read, and its files that were begun.
    folder: usize,
    begun: u64,
    /// The size that is next.
    size: usize,
    /// The folder at work.
    node: Option<Node>,
    member: Next,
    /// Bytes of the member that are left.
    left: u64,
    unlock: Unlock,
    /// The folder on which passwords were tried last, and the key that opens it.
    tried: Option<(usize, Option<Key>)>,
    /// The sum of the member that is read, when a key has opened it.
    sum: Option<Crc>,
}

#[derive(Default)]
enum Place {
    #[default]
    Start,
    Header(Box<Packed>),
    /// A header that is encrypted, on which passwords are tried.
    LockedHeader(Streams),
    Files,
    /// Passwords are tried on the next folder.
    Locked,
    /// A member was described, whose folder has yet to be set up.
    Enter,
    Inside,
    Over,
}

/// A packed header.
struct Packed {
    node: Node,
    /// Its bytes so far, and how many there will be.
    bytes: Vec<u8>,
    size: usize,
    /// Its sum; it has to be right, when a key has opened it.
    sum: Option<u32>,
    is_locked: bool,
}

/// The member that begins.
#[derive(Default)]
struct Next {
    name: Vec<u8>,
    closed: Option<Why>,
}

impl SevenZip {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self { unlock: Unlock::new(passwords), ..Self::default() }
    }

    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match &mut self.place {
            Place::Start => (0, self.start(file)),
            Place::Header(packed) => {
                let said = match packed.step(file) {
                    Ok(false) => Progress::Full,
                    Ok(true) => {
                        self.header = std::mem::take(&mut packed.bytes);
                        self.read_header()
                    }
                    Err(why) => Progress::Stopped(why),
                };
                (0, said)
            }
            Place::LockedHeader(_) => (0, self.unlock_header(file)),
            Place::Locked => (0, self.unlock_folder(file)),
            Place::Files => (0, self.find_file()),
            Place::Enter => (0, self.enter()),
            Place::Inside => self.inside(file, output),
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// How dear what comes next is.
    pub(super) fn pace(&self) -> Pace {
        let node = match &self.place {
            Place::Header(packed) => Some(&packed.node),
            // Keys are made in steps.
            Place::LockedHeader(_) | Place::Locked => return Pace::Steady,
            Place::Start | Place::Files | Place::Enter | Place::Inside | Place::Over => {
                self.node.as_ref()
            }
        };
        node.map_or(Pace::Quick, Node::pace)
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let folder = self.archive.streams.folders.get(self.folder);
        Member {
            label: Label::named("7z", &self.member.name),
            size: Some(self.left),
            state_bytes: folder
                .map_or(0, |folder| state_bytes(folder, u64::MAX))
                .saturating_add(wide(self.header.len())),
            is_encrypted: folder.is_some_and(is_locked),
            closed: self.member.closed,
            ..Member::default()
        }
    }

    /// There is no memory for the folder of the member that has just begun: goes on behind it.
    pub(super) fn pass_over(&mut self) -> bool {
        self.leave_folder();
        true
    }

    fn start(&mut self, file: &[u8]) -> Progress {
        let field = |at: usize| {
            let bytes = file.get(at..).and_then(|bytes| bytes.first_chunk());
            bytes.map(|bytes| u64::from_le_bytes(*bytes))
        };
        let (Some(offset), Some(size)) = (field(12), field(20)) else {
            return Progress::Stopped(ENDS_EARLY);
        };
        if size == 0 {
            self.place = Place::Over;
            let is_empty = wide(file.len()) <= header::START_BYTES;
            return match is_empty {
                true => Progress::Full,
                false => Progress::Stopped(Why::Broken("7z: no header")),
            };
        }
        if size > HEADER_BYTES_MAX {
            return Progress::Stopped(Why::Limit(Limit::MaxScanState));
        }
        let at = offset.checked_add(header::START_BYTES).and_then(|at| usize::try_from(at).ok());
        let end = at.and_then(|at| at.checked_add(usize::try_from(size).ok()?));
        let header = at.zip(end).and_then(|(at, end)| file.get(at..end));
        let Some(header) = header else { return Progress::Stopped(ENDS_EARLY) };
        self.header = header.to_vec();
        self.read_header()
    }

    fn read_header(&mut self) -> Progress {
        let said = match header::read(&self.header) {
            Err(why) => Err(why),
            Ok(Header::Packed(streams)) => self.begin_header(streams),
            Ok(Header::Plain(archive)) => {
                self.name_at = archive.names.as_ref().map_or(0, |names| names.start);
                self.archive = archive;
                self.place = Place::Files;
                Ok(())
            }
        };
        said.map_or_else(Progress::Stopped, |()| Progress::Full)
    }

    fn begin_header(&mut self, streams: Streams) -> Result<(), Why> {
        self.depth = self.depth.saturating_add(1);
        let folder = streams.folders.first().filter(|_| self.depth <= HEADERS_MAX);
        let folder = folder.ok_or(DAMAGED)?;
        if let Some(why) = refusal(folder) {
            return Err(why);
        }
        if folder.size() > HEADER_BYTES_MAX
            || state_bytes(folder, u64::MAX) > HEADER_STATE_BYTES_MAX
        {
            return Err(Why::Limit(Limit::MaxScanState));
        }
        if !is_locked(folder) {
            self.place = Place::Header(Box::new(Packed::of(&streams, folder, None)?));
        } else if self.unlock.is_worth() {
            self.place = Place::LockedHeader(streams);
        } else {
            return Err(Why::Encrypted);
        }
        Ok(())
    }

    /// Tries a password on the header.
    fn unlock_header(&mut self, file: &[u8]) -> Progress {
        let Place::LockedHeader(streams) = &self.place else { return Progress::Full };
        let Some(folder) = streams.folders.first() else { return Progress::Stopped(DAMAGED) };
        let first = (folder.size(), folder.sum);
        match self.unlock.step(file, (streams, folder), first) {
            None => Progress::Full,
            Some(None) => Progress::Stopped(Why::Encrypted),
            Some(key @ Some(_)) => match Packed::of(streams, folder, key.as_ref()) {
                Ok(packed) => {
                    self.place = Place::Header(Box::new(packed));
                    Progress::Full
                }
                Err(why) => Progress::Stopped(why),
            },
        }
    }

    /// Tries a password on the next folder.
    fn unlock_folder(&mut self, file: &[u8]) -> Progress {
        let streams = &self.archive.streams;
        let first = (
            self.archive.sizes.get(self.size).copied().unwrap_or(0),
            self.archive.sums.get(self.size).copied().flatten(),
        );
        let said = match streams.folders.get(self.folder) {
            Some(folder) => self.unlock.step(file, (streams, folder), first),
            None => Some(None),
        };
        if let Some(key) = said {
            self.tried = Some((self.folder, key));
            self.place = Place::Files;
        }
        Progress::Full
    }

    /// The key that opens the folder, when it has one.
    fn key(&self) -> Option<&Key> {
        let (folder, key) = self.tried.as_ref()?;
        key.as_ref().filter(|_| *folder == self.folder)
    }

    /// Whether passwords have to be tried on the folder that is next.
    fn is_to_be_tried(&self) -> bool {
        let folder = self.archive.streams.folders.get(self.folder);
        folder.is_some_and(|folder| is_locked(folder) && refusal(folder).is_none())
            && self.tried.as_ref().is_none_or(|(tried, _)| *tried != self.folder)
            && self.unlock.is_worth()
    }

    /// Begins the next file that has contents, or passes over some that have none.
    fn find_file(&mut self) -> Progress {
        self.leave_empty_folders();
        if self.is_to_be_tried() {
            self.place = Place::Locked;
            return Progress::Full;
        }
        for _ in 0..FILES_PER_STEP {
            if self.file >= self.archive.files {
                return self.find_nameless();
            }
            let name = self.take_name();
            let is_empty = self.is_empty(self.file);
            self.file = self.file.saturating_add(1);
            if is_empty {
                continue;
            }
            return match self.describe(name) {
                true => Progress::Begin,
                false => {
                    self.place = Place::Over;
                    Progress::Missed(Why::Broken("7z: a file without a stream"))
                }
            };
        }
        Progress::Full
    }

    /// Behind the last file: streams that no file has.
    fn find_nameless(&mut self) -> Progress {
        if self.describe(Vec::new()) {
            return Progress::Begin;
        }
        self.place = Place::Over;
        Progress::Full
    }

    /// Describes the next stream as a member. False when there is none.
    fn describe(&mut self, name: Vec<u8>) -> bool {
        let folder = self.archive.streams.folders.get(self.folder);
        let size = self.archive.sizes.get(self.size).copied();
        let (Some(folder), Some(size)) = (folder, size) else { return false };
        let is_closed = is_locked(folder) && self.key().is_none();
        let closed = if is_closed { Some(Why::Encrypted) } else { refusal(folder) };
        self.sum = is_locked(folder).then(Crc::new);
        self.size = self.size.saturating_add(1);
        self.begun = self.begun.saturating_add(1);
        self.left = size;
        self.place = if closed.is_some() { Place::Files } else { Place::Enter };
        self.member = Next { name, closed };
        true
    }

    /// Sets up the folder of the member that has begun, when it is the first of it.
    fn enter(&mut self) -> Progress {
        self.place = Place::Inside;
        if self.node.is_none() {
            let streams = &self.archive.streams;
            let folder = streams.folders.get(self.folder);
            let key = self.key();
            match folder.ok_or(DAMAGED).and_then(|folder| Node::of(streams, folder, key, u64::MAX))
            {
                Ok(node) => self.node = Some(node),
                Err(why) => return self.fail(why),
            }
        }
        Progress::Full
    }

    fn inside(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if self.left == 0 {
            self.place = Place::Files;
            return (0, Progress::End(self.check_sum()));
        }
        let room = at_most(output.len(), self.left);
        let room = output.get_mut(..room).unwrap_or_default();
        if room.is_empty() {
            return (0, Progress::Full);
        }
        let Some(node) = &mut self.node else { return (0, self.fail(DAMAGED)) };
        match node.read(file, room) {
            Ok(Got::Later) => (0, Progress::Full),
            Ok(Got::Bytes(made)) => {
                self.left = self.left.saturating_sub(wide(made));
                if let Some(sum) = &mut self.sum {
                    sum.update(room.get(..made).unwrap_or_default());
                }
                (made, Progress::Full)
            }
            Ok(Got::End) => (0, self.fail(folder::ENDS_EARLY)),
            Err(why) => (0, self.fail(why)),
        }
    }

    /// What a key has opened has to have the right sum: another key makes something as well.
    fn check_sum(&self) -> Result<(), Why> {
        let said = self.size.checked_sub(1).and_then(|at| self.archive.sums.get(at)).copied();
        match &self.sum {
            Some(sum) if said.flatten() != Some(sum.sum()) => Err(Why::Encrypted),
            Some(_) | None => Ok(()),
        }
    }

    /// The folder goes no further: neither its member nor those behind it in the same folder can be seen.
    fn fail(&mut self, why: Why) -> Progress {
        self.leave_folder();
        Progress::End(Err(why))
    }

    /// Goes on behind the folder that is being read.
    fn leave_folder(&mut self) {
        let count = self.archive.counts.get(self.folder).copied().unwrap_or(0);
        let unseen = count.saturating_sub(self.begun);
        for _ in 0..unseen {
            // Their names belong to nothing that will be read.
            while self.file < self.archive.files && self.is_empty(self.file) {
                self.take_name();
                self.file = self.file.saturating_add(1);
            }
            if self.file >= self.archive.files {
                break;
            }
            self.take_name();
            self.file = self.file.saturating_add(1);
        }
        self.size = self.size.saturating_add(usize::try_from(unseen).unwrap_or(usize::MAX));
        self.begun = count;
        self.place = Place::Files;
        self.leave_empty_folders();
    }

    /// Goes on to the next folder of which a file was not begun.
    fn leave_empty_folders(&mut self) {
        while self.archive.counts.get(self.folder).is_some_and(|count| self.begun >= *count) {
            self.folder = self.folder.saturating_add(1);
            self.begun = 0;
            self.node = None;
        }
    }

    fn is_empty(&self, file: u64) -> bool {
        let marks = self.archive.empty.clone().and_then(|range| self.header.get(range));
        let at = usize::try_from(file).unwrap_or(usize::MAX);
        marks.is_some_and(|marks| bit(marks, at))
    }

    /// The name of the next file, in UTF-8.
    fn take_name(&mut self) -> Vec<u8> {
        let end = self.archive.names.as_ref().map_or(0, |names| names.end);
        let rest = self.header.get(self.name_at..end).unwrap_or_default();
        let units = rest.chunks_exact(2).map(|unit| match unit {
            [low, high] => u16::from_le_bytes([*low, *high]),
            _ => 0,
        });
        let name: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        let length = name.len().saturating_add(1).saturating_mul(2);
        self.name_at = self.name_at.saturating_add(length).min(end);
        String::from_utf16_lossy(&name).into_bytes()
    }
}

impl Packed {
    /// Takes the memory to unpack it.
    fn of(streams: &Streams, folder: &Folder, key: Option<&Key>) -> Result<Self, Why> {
        Ok(Self {
            node: Node::of(streams, folder, key, u64::MAX)?,
            bytes: Vec::new(),
            size: usize::try_from(folder.size()).map_err(|_| DAMAGED)?,
            sum: folder.sum,
            is_locked: key.is_some(),
        })
    }

    /// Unpacks some of it. True when all of it is there.
    fn step(&mut self, file: &[u8]) -> Result<bool, Why> {
        let kept = self.bytes.len();
        if kept < self.size {
            self.bytes.resize(kept.saturating_add(folder::HELD_BYTES).min(self.size), 0);
            let got = self.node.read(file, self.bytes.get_mut(kept..).unwrap_or_default())?;
            let count = match got {
                Got::Bytes(count) => count,
                Got::Later => 0,
                Got::End => return Err(folder::ENDS_EARLY),
            };
            self.bytes.truncate(kept.saturating_add(count));
        }
        if self.bytes.len() < self.size {
            return Ok(false);
        }
        let mut sum = Crc::new();
        if self.is_locked {
            sum.update(&self.bytes);
        }
        if self.is_locked && self.sum != Some(sum.sum()) { Err(Why::Encrypted) } else { Ok(true) }
    }
}

/// Whether a folder is encrypted.
fn is_locked(folder: &Folder) -> bool {
    folder.coders.iter().any(|coder| coder.method == coder::AES)
}

/// Why a folder cannot be undone, if so.
fn refusal(folder: &Folder) -> Option<Why> {
    let refused = folder.coders.iter().find_map(|coder| coder::refusal(coder.method))?;
    Some(if is_locked(folder) { Why::Encrypted } else { refused })
}

/// The memory that a folder takes, for no more than so many bytes of each coder.
fn state_bytes(folder: &Folder, most: u64) -> u64 {
    let mut output = 0_usize;
    let mut bytes = 0_u64;
    for coder in &folder.coders {
        let size = folder.sizes.get(output).copied().unwrap_or(u64::MAX).min(most);
        bytes = bytes.saturating_add(coder::state_bytes(coder, size));
        output = output.saturating_add(usize::try_from(coder.outputs).unwrap_or(usize::MAX));
    }
    bytes
}

/// 7-Zip writes a header into no more than one packed header.
const HEADERS_MAX: u32 = 4;
/// A header of this size tells of a hundred thousand files or more.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// What unpacking it may take, and its tables may.
const HEADER_STATE_BYTES_MAX: u64 = 40 << 20;
/// Files without contents that one step passes over.
const FILES_PER_STEP: usize = 256;
const ENDS_EARLY: Why = Why::Broken("7z: ends early");
