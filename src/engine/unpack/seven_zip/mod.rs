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

use self::folder::{Got, Node};
use self::header::{Archive, DAMAGED, Folder, Header, Streams, bit};
use super::parts::{at_most, wide};
use super::{Label, Member, Pace, Progress};
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
}

#[derive(Default)]
enum Place {
    #[default]
    Start,
    /// A packed header, its bytes so far, and how many there will be.
    Header(Node, Vec<u8>, usize),
    Files,
    /// A member was described, whose folder has yet to be set up.
    Enter,
    Inside,
    Over,
}

/// The member that begins.
#[derive(Default)]
struct Next {
    name: Vec<u8>,
    closed: Option<Why>,
}

impl SevenZip {
    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match &mut self.place {
            Place::Start => (0, self.start(file)),
            Place::Header(node, bytes, size) => {
                let said = match unpack_header(node, file, bytes, *size) {
                    Ok(false) => Progress::Full,
                    Ok(true) => {
                        self.header = std::mem::take(bytes);
                        self.read_header()
                    }
                    Err(why) => Progress::Stopped(why),
                };
                (0, said)
            }
            Place::Files => (0, self.find_file()),
            Place::Enter => (0, self.enter()),
            Place::Inside => self.inside(file, output),
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// How dear what comes next is.
    pub(super) fn pace(&self) -> Pace {
        let node = match &self.place {
            Place::Header(node, ..) => Some(node),
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
            state_bytes: folder.map_or(0, state_bytes).saturating_add(wide(self.header.len())),
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
            Ok(Header::Packed(streams)) => self.begin_header(&streams),
            Ok(Header::Plain(archive)) => {
                self.name_at = archive.names.as_ref().map_or(0, |names| names.start);
                self.archive = archive;
                self.place = Place::Files;
                Ok(())
            }
        };
        said.map_or_else(Progress::Stopped, |()| Progress::Full)
    }

    fn begin_header(&mut self, streams: &Streams) -> Result<(), Why> {
        self.depth = self.depth.saturating_add(1);
        let folder = streams.folders.first().filter(|_| self.depth <= HEADERS_MAX);
        let folder = folder.ok_or(DAMAGED)?;
        if let Some(why) = refusal(folder) {
            return Err(why);
        }
        let size = folder.size();
        if size > HEADER_BYTES_MAX || state_bytes(folder) > HEADER_STATE_BYTES_MAX {
            return Err(Why::Limit(Limit::MaxScanState));
        }
        let node = Node::of(streams, folder)?;
        self.place = Place::Header(node, Vec::new(), usize::try_from(size).map_err(|_| DAMAGED)?);
        Ok(())
    }

    /// Begins the next file that has contents, or passes over some that have none.
    fn find_file(&mut self) -> Progress {
        self.leave_empty_folders();
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
        let closed = refusal(folder);
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
            match folder.ok_or(DAMAGED).and_then(|folder| Node::of(streams, folder)) {
                Ok(node) => self.node = Some(node),
                Err(why) => return self.fail(why),
            }
        }
        Progress::Full
    }

    fn inside(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if self.left == 0 {
            self.place = Place::Files;
            return (0, Progress::End(Ok(())));
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
                (made, Progress::Full)
            }
            Ok(Got::End) => (0, self.fail(folder::ENDS_EARLY)),
            Err(why) => (0, self.fail(why)),
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

/// Unpacks some of a header. True when all of it is there.
fn unpack_header(
    node: &mut Node,
    file: &[u8],
    bytes: &mut Vec<u8>,
    size: usize,
) -> Result<bool, Why> {
    let kept = bytes.len();
    if kept >= size {
        return Ok(true);
    }
    bytes.resize(kept.saturating_add(folder::HELD_BYTES).min(size), 0);
    let got = node.read(file, bytes.get_mut(kept..).unwrap_or_default())?;
    let count = match got {
        Got::Bytes(count) => count,
        Got::Later => 0,
        Got::End => return Err(folder::ENDS_EARLY),
    };
    bytes.truncate(kept.saturating_add(count));
    Ok(bytes.len() == size)
}

/// Why a folder cannot be undone, if so: its encryption comes first.
fn refusal(folder: &Folder) -> Option<Why> {
    let mut refusals = folder.coders.iter().filter_map(|coder| coder::refusal(coder.method));
    let first = refusals.next()?;
    Some(refusals.find(|why| *why == Why::Encrypted).unwrap_or(first))
}

/// The memory that a folder takes.
fn state_bytes(folder: &Folder) -> u64 {
    let mut output = 0_usize;
    let mut bytes = 0_u64;
    for coder in &folder.coders {
        let size = folder.sizes.get(output).copied().unwrap_or(u64::MAX);
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
