//! Compiled HTML help: a directory of names, of which some are as they are and most in one LZX stream.
//!
//! The entries that begin with `::` describe the file itself; they are not handed on, as their bytes were
//! matched as those of the file. Everything else is, in the order of its place.
//!
//! The stream is read from its front, and known to begin anew after so many frames. Readers go there by a table
//! ([`Packing::resets`]), and so does this: it may lead elsewhere.
//!
//! Absent on purpose: the index of the directory.

mod directory;

use self::directory::{DAMAGED, ENDS_EARLY, Entry, Header};
use super::lz::Packed;
use super::lz::frames::Frames;
use super::lz::lzx::{FRAME_BYTES, Lzx};
use super::parts::{at_most, copy, wide};
use super::ranges::Ranges;
use super::{Label, Member, Progress};
use crate::engine::unpack::numbers::{le32, le64};
use crate::engine::verdict::{Limit, Why};

/// A help file being read.
#[derive(Default)]
pub(super) struct Chm {
    place: Place,
    header: Header,
    /// The chunk of the directory that is next.
    chunk: usize,
    entries: Vec<Entry>,
    /// Where those are that are not packed.
    taken: Ranges,
    /// What describes the packed section: its bytes, how it is packed, how long it is.
    content: Option<Entry>,
    control: Option<Entry>,
    span: Option<Entry>,
    resets: Option<Entry>,
    /// The entry that is next.
    index: usize,
    entry: Option<Entry>,
    name: Vec<u8>,
    /// Where the next byte of the entry lies, and how many are left.
    at: u64,
    left: u64,
    packing: Packing,
    stream: Option<Lzx>,
    /// Where the stream goes on in the file.
    stream_at: usize,
    frames: Frames,
}

/// How the packed section is packed.
#[derive(Clone, Copy, Default)]
struct Packing {
    width: u32,
    reset_frames: u32,
    /// Where it is in the file.
    begin: usize,
    end: usize,
    /// How many bytes come out.
    size: u64,
    /// The places of frames in the packed section: where in the file they are told, and how many.
    resets: (usize, u64),
    /// Why it cannot be unpacked.
    closed: Option<Why>,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Header,
    Directory,
    Entries,
    Inside,
    Over,
}

impl Chm {
    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match self.place {
            Place::Header => match Header::read(file) {
                Ok(header) => {
                    self.header = header;
                    self.place = Place::Directory;
                    (0, Progress::Full)
                }
                Err(why) => (0, Progress::Stopped(why)),
            },
            Place::Directory => (0, self.read_chunk(file)),
            Place::Entries => (0, self.find_entry(file)),
            Place::Inside => self.inside(file, output),
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// Whether a byte of the file is one of an entry that is not packed.
    pub(super) fn has(&self, place: u64) -> bool {
        self.taken.contains(place)
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let is_packed = self.entry.is_some_and(|entry| entry.section != 0);
        let frame = u64::from(FRAME_BYTES);
        Member {
            label: Label::named("chm", &self.name),
            size: Some(self.left),
            state_bytes: match is_packed {
                true => Lzx::state_bytes(self.packing.width).saturating_add(frame),
                false => 0,
            },
            closed: self.refusal(),
            ..Member::default()
        }
    }

    /// There is no memory for the member that has just begun.
    pub(super) fn pass_over(&mut self) -> bool {
        self.place = Place::Entries;
        true
    }

    fn read_chunk(&mut self, file: &[u8]) -> Progress {
        if self.chunk >= self.header.chunks {
            self.entries.sort_by_key(|entry| (entry.section, entry.place));
            for entry in self.entries.iter().filter(|entry| entry.section == 0) {
                let place = self.header.content_at.saturating_add(entry.place);
                self.taken.add(place, entry.size);
            }
            self.taken.sort();
            self.packing = self.packing(file);
            self.place = Place::Entries;
            return Progress::Full;
        }
        let entries = match self.header.entries(file, self.chunk) {
            Ok(entries) => entries,
            Err(why) => return Progress::Stopped(why),
        };
        self.chunk = self.chunk.saturating_add(1);
        for entry in entries.into_iter().filter(|entry| entry.size > 0) {
            let slot = match name(file, &entry) {
                CONTENT => &mut self.content,
                CONTROL => &mut self.control,
                SPAN => &mut self.span,
                RESETS => &mut self.resets,
                own if own.starts_with(b"::DataSpace/") => continue,
                _ => {
                    self.entries.push(entry);
                    continue;
                }
            };
            if slot.replace(entry).is_some() {
                // Readers differ in which of them they take.
                return Progress::Stopped(DAMAGED);
            }
        }
        if self.entries.len() > ENTRIES_MAX {
            return Progress::Stopped(Why::Limit(Limit::MaxFiles));
        }
        Progress::Full
    }

    /// How the packed section is packed.
    fn packing(&self, file: &[u8]) -> Packing {
        let bytes = |entry: Option<Entry>| {
            let entry = entry.filter(|entry| entry.section == 0)?;
            let at = self.header.content_at.checked_add(entry.place)?;
            let end = at.checked_add(entry.size)?;
            let (at, end) = (usize::try_from(at).ok()?, usize::try_from(end).ok()?);
            Some((at, file.get(at..end)?))
        };
        let closed = |why| Packing { closed: Some(why), ..Packing::default() };
        let Some((_, control)) = bytes(self.control) else {
            return closed(Why::Unsupported("chm: packed in a way that is not known"));
        };
        let Some((begin, content)) = bytes(self.content) else { return closed(ENDS_EARLY) };
        let fields = [4, 8, 12, 16].map(|at| le32(control, at).unwrap_or(0));
        let [magic, version, reset, window] = fields;
        if magic != u32::from_le_bytes(*b"LZXC") {
            return closed(Why::Unsupported("chm: packed in a way that is not known"));
        }
        let unit = if version == 2 { FRAME_BYTES } else { 1 };
        let (reset, window) = (reset.saturating_mul(unit), window.saturating_mul(unit));
        if !window.is_power_of_two()
            || !(1 << 15..=1 << 21).contains(&window)
            || reset < FRAME_BYTES
        {
            return closed(DAMAGED);
        }
        let resets = bytes(self.resets).map_or((0, 0), |(at, table)| {
            let (count, width, from) = (le32(table, 4), le32(table, 8), le32(table, 12));
            let is_known = width == Some(8) && le64(table, 32) == Some(u64::from(FRAME_BYTES));
            let from = usize::try_from(from.unwrap_or(0)).unwrap_or(usize::MAX);
            (at.saturating_add(from), if is_known { u64::from(count.unwrap_or(0)) } else { 0 })
        });
        let said = bytes(self.span).and_then(|(_, span)| le64(span, 0));
        let packed = self.entries.iter().filter(|entry| entry.section != 0);
        let needed = packed.map(|entry| entry.place.saturating_add(entry.size)).max();
        Packing {
            width: window.trailing_zeros(),
            reset_frames: reset / FRAME_BYTES,
            begin,
            end: begin.saturating_add(content.len()),
            size: said.or(needed).unwrap_or(0),
            resets,
            closed: None,
        }
    }

    fn find_entry(&mut self, file: &[u8]) -> Progress {
        let Some(entry) = self.entries.get(self.index).copied() else {
            self.place = Place::Over;
            return Progress::Full;
        };
        self.index = self.index.saturating_add(1);
        let whole = name(file, &entry);
        self.name = whole.strip_prefix(b"/").unwrap_or(whole).to_vec();
        self.entry = Some(entry);
        self.left = entry.size;
        self.at = match entry.section {
            0 => self.header.content_at.saturating_add(entry.place),
            _ => entry.place,
        };
        self.place = if self.refusal().is_some() { Place::Entries } else { Place::Inside };
        Progress::Begin
    }

    fn refusal(&self) -> Option<Why> {
        match self.entry?.section {
            0 => None,
            1 => self.packing.closed,
            _ => Some(Why::Unsupported("chm: a section that is not known")),
        }
    }

    fn inside(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if self.left == 0 {
            self.place = Place::Entries;
            return (0, Progress::End(Ok(())));
        }
        if self.entry.is_some_and(|entry| entry.section == 0) {
            let rest = usize::try_from(self.at).ok().and_then(|at| file.get(at..));
            let rest = rest.unwrap_or_default();
            if rest.is_empty() {
                return (0, self.fail(ENDS_EARLY));
            }
            let made = copy(rest.get(..at_most(rest.len(), self.left)).unwrap_or_default(), output);
            return (made, self.made(made));
        }
        if let Err(why) = self.set_up() {
            return (0, self.fail(why));
        }
        let made = self.frames.give(self.at, self.left, output);
        if made > 0 || (output.is_empty() && self.at < self.frames.end()) {
            return (made, self.made(made));
        }
        if let Some(why) = self.frames.fault {
            return (0, self.fail(why));
        }
        self.next_frame(file);
        (0, Progress::Full)
    }

    fn made(&mut self, made: usize) -> Progress {
        self.at = self.at.saturating_add(wide(made));
        self.left = self.left.saturating_sub(wide(made));
        Progress::Full
    }

    /// Makes the stream ready, or begins it anew for an entry that lies in front of what was read.
    fn set_up(&mut self) -> Result<(), Why> {
        if self.stream.is_some() && self.frames.may_read(self.at) {
            return Ok(());
        }
        if self.stream.is_some() && !self.frames.restart() {
            return Err(Why::Broken("chm: entries that overlap"));
        }
        self.stream = None;
        let Packing { width, reset_frames, begin, .. } = self.packing;
        self.stream = Some(Lzx::new(width, Some(reset_frames)).ok_or(DAMAGED)?);
        self.stream_at = begin;
        Ok(())
    }

    fn next_frame(&mut self, file: &[u8]) {
        self.frames.advance();
        if let Some(place) = self.next_place(file)
            && let Some(stream) = &mut self.stream
        {
            stream.jump();
            self.stream_at = place;
        }
        let left = self.packing.size.saturating_sub(self.frames.end());
        let size = usize::try_from(left.min(u64::from(FRAME_BYTES))).unwrap_or(0);
        let rest = file.get(self.stream_at..self.packing.end).unwrap_or_default();
        let mut packed = Packed { rest, is_last: true };
        let done = match &mut self.stream {
            Some(stream) if size > 0 => stream.frame(&mut packed, size, &mut self.frames.frame),
            Some(_) | None => Err(Why::Broken("chm: an entry behind the end")),
        };
        let used = rest.len().saturating_sub(packed.rest.len());
        self.stream_at = self.stream_at.saturating_add(used);
        self.frames.fault = done.err();
    }

    /// Where in the file the stream begins anew, when it does so with the next frame and that is told.
    fn next_place(&self, file: &[u8]) -> Option<usize> {
        let Packing { reset_frames, begin, resets: (at, count), .. } = self.packing;
        let frame = self.frames.end().checked_div(u64::from(FRAME_BYTES))?;
        let is_reset = frame.checked_rem(u64::from(reset_frames)) == Some(0);
        let index = usize::try_from(frame).ok().filter(|_| is_reset && frame < count)?;
        let place = le64(file, index.checked_mul(8)?.checked_add(at)?)?;
        begin.checked_add(usize::try_from(place).ok()?)
    }

    fn fail(&mut self, why: Why) -> Progress {
        self.place = Place::Entries;
        Progress::End(Err(why))
    }
}

fn name<'a>(file: &'a [u8], entry: &Entry) -> &'a [u8] {
    let (at, length) = entry.name;
    file.get(at..at.saturating_add(length)).unwrap_or_default()
}

const CONTENT: &[u8] = b"::DataSpace/Storage/MSCompressed/Content";
const CONTROL: &[u8] = b"::DataSpace/Storage/MSCompressed/ControlData";
const SPAN: &[u8] = b"::DataSpace/Storage/MSCompressed/SpanInfo";
const RESETS: &[u8] = b"::DataSpace/Storage/MSCompressed/Transform/\
    {7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable";
/// No scan looks at more by default; each takes 48 bytes.
const ENTRIES_MAX: usize = 32_768;
