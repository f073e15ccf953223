//! XAR archives: packages of macOS (`.pkg`), `.xip`, and others.
//!
//! ```text
//!   header ┃ list of files, XML in zlib ┃ heap: what files have, each as it is, or in zlib, bzip2, lzma or xz
//! ```
//!
//! Whatever in the list tells a place and a length in the heap is a member, as file or as attribute of one. A list that
//! readers may understand in two ways is damaged.
//!
//! Absent on purpose: sums, signatures, times, links, which have no bytes.

mod list;

use self::list::{List, Packing, Stream};
use super::numbers::{be64, part};
use super::parts::wide;
use super::ranges::Ranges;
use super::slice::Slice;
use super::{Coding, Decoder, Label, Member, Progress};
use crate::engine::unpack::numbers::be32;
use crate::engine::verdict::{Limit, Why};

/// An archive being read.
#[derive(Default)]
pub(super) struct Xar {
    place: Place,
    said: Option<Why>,
    /// Where the heap begins.
    heap: u64,
    /// The last one first.
    streams: Vec<Stream>,
    /// Where those are that are not packed.
    taken: Ranges,
}

#[derive(Default)]
enum Place {
    #[default]
    Start,
    /// The list is unpacked.
    Packed(Slice, Vec<u8>),
    /// It is read.
    List(Box<List>),
    Streams,
    /// The bytes of a member, whose beginning was said.
    Inside(Slice, Stream, u64),
}

impl Xar {
    /// The next step, given all of the archive: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if let Some(why) = self.said.take() {
            return (0, Progress::Missed(why));
        }
        match &mut self.place {
            Place::Start => match open(file) {
                Ok((heap, slice)) => {
                    self.heap = heap;
                    self.place = Place::Packed(slice, Vec::new());
                    (0, Progress::Full)
                }
                Err(why) => (0, Progress::Stopped(why)),
            },
            Place::Packed(slice, list) => {
                let kept = list.len();
                list.resize(kept.saturating_add(LIST_BYTES_PER_STEP), 0);
                let room = list.get_mut(kept..).unwrap_or_default();
                let (made, fate) = slice.read(file, room, ENDS_EARLY);
                list.truncate(kept.saturating_add(made));
                if list.len() > LIST_BYTES_MAX {
                    return (0, Progress::Stopped(Why::Limit(Limit::MaxScanState)));
                }
                match fate {
                    None => {}
                    Some(Ok(())) => {
                        let list = std::mem::take(list);
                        self.place = Place::List(Box::new(List::new(list)));
                    }
                    Some(Err(why)) => return (0, Progress::Stopped(why)),
                }
                (0, Progress::Full)
            }
            Place::List(list) => {
                let read = list.step();
                if read == Ok(true) {
                    return (0, Progress::Full);
                }
                // What was read before damage is looked at all the same.
                self.said = read.err();
                self.streams = list.take();
                for stream in self.streams.iter().filter(|stream| stream.packing == Packing::Plain)
                {
                    self.taken.add(self.heap.saturating_add(stream.offset), stream.length);
                }
                self.taken.sort();
                self.streams.reverse();
                self.place = Place::Streams;
                (0, Progress::Full)
            }
            Place::Streams => (0, self.next(file)),
            Place::Inside(slice, ..) => {
                let (made, fate) = slice.read(file, output, ENDS_EARLY);
                let Some(fate) = fate else { return (made, Progress::Full) };
                self.place = Place::Streams;
                (0, Progress::End(fate))
            }
        }
    }

    /// Whether a byte of the archive is one of a member that is not packed.
    pub(super) fn has(&self, place: u64) -> bool {
        self.taken.contains(place)
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let Place::Inside(_, stream, state_bytes) = &self.place else { return Member::default() };
        Member {
            label: Label::named("xar", &stream.name),
            size: stream.size,
            packed: Some(stream.length),
            state_bytes: *state_bytes,
            ..Member::default()
        }
    }

    fn next(&mut self, file: &[u8]) -> Progress {
        let Some(stream) = self.streams.pop() else { return Progress::Hungry };
        if stream.length == 0 {
            return Progress::Full;
        }
        let from = self.heap.saturating_add(stream.offset);
        let head = part(file, from, stream.length.min(HEAD_BYTES)).unwrap_or_default();
        let coding = match stream.packing {
            Packing::Plain => None,
            // Readers of one write the other.
            Packing::Zlib if head.starts_with(b"\x1f\x8b") => Some(Coding::Gzip),
            Packing::Zlib => Some(Coding::Deflate),
            Packing::Bzip2 => Some(Coding::Bzip2),
            Packing::Lzma if head.starts_with(b"\xfd7zXZ\0") => Some(Coding::Xz),
            Packing::Lzma => Some(Coding::Lzma),
            Packing::Other => return Progress::Missed(Why::Unsupported("XAR: a packing")),
        };
        let state_bytes = coding.map_or(0, |coding| coding.state_bytes(head));
        match coding.map(|coding| Decoder::of(coding, state_bytes)).transpose() {
            Ok(decoder) => {
                let slice = Slice::new(from, stream.length, decoder);
                self.place = Place::Inside(slice, stream, state_bytes);
                Progress::Begin
            }
            Err(why) => Progress::Missed(why),
        }
    }
}

/// Reads the header: where the heap begins, and the packed list.
fn open(file: &[u8]) -> Result<(u64, Slice), Why> {
    let size = file.get(4..6).and_then(|size| size.first_chunk().copied()).map(u16::from_be_bytes);
    let (size, packed) = (u64::from(size.ok_or(ENDS_EARLY)?), be64(file, 8).ok_or(ENDS_EARLY)?);
    if be32(file, 0) != Some(MAGIC) || size < HEADER_BYTES {
        return Err(Why::Broken("XAR: its header"));
    }
    let heap = size.checked_add(packed).filter(|heap| *heap <= wide(file.len()));
    let heap = heap.ok_or(ENDS_EARLY)?;
    let decoder = Decoder::of(Coding::Deflate, Coding::Deflate.state_bytes(&[]))?;
    Ok((heap, Slice::new(size, packed, Some(decoder))))
}

const MAGIC: u32 = u32::from_be_bytes(*b"xar!");
const HEADER_BYTES: u64 = 28;
/// A list of some ten thousand files.
const LIST_BYTES_MAX: usize = 8 << 20;
const LIST_BYTES_PER_STEP: usize = 16 << 10;
/// What tells how much memory a packing takes.
const HEAD_BYTES: u64 = 1_024;
const ENDS_EARLY: Why = Why::Broken("XAR: ends early");
