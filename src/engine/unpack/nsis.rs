//! Installers of NSIS: what lies behind the program, from the first header on.
//!
//! Flags, a mark, the size of the script and of all that follows. Then blocks of a size and that many bytes:
//! the script, and the files in the order in which it has them. Each block is packed by itself, or all of them
//! are packed as one stream. By what is not said: it is told from the first bytes, as LZMA has its properties
//! there and bzip2, in a form of its own, a digit; all else is deflate.
//!
//! Names are in the script, which is not read: members have numbers. Absent on purpose: LZMA behind a filter,
//! which says so.

use super::inflate::{Inflate, Outcome};
use super::lzma::{self, Lzma};
use super::parts::{at_most, copy, wide};
use super::{Coding, Label, Member, Progress, Step, bzip2};
use crate::engine::unpack::numbers::le32;
use crate::engine::verdict::{Limit, Why};

/// An installer being read.
#[derive(Default)]
pub(super) struct Nsis {
    place: Place,
    method: Option<Method>,
    /// Where the next block is, and where all of them end.
    at: usize,
    end: usize,
    /// Where the block begins and ends that was found last.
    block: (usize, usize),
    /// The stream of the block, or of all of them.
    stream: Option<Stream>,
    /// The size of the next block, as far as it came out of the stream of all.
    size: Vec<u8>,
    /// Bytes of the member that are left, when that is known.
    left: Option<u64>,
    members: u64,
    /// What reading the member takes.
    state_bytes: u64,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Start,
    Blocks,
    SetUp,
    Inside,
    Over,
}

/// How blocks are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Method {
    packing: Packing,
    is_solid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Stored,
    Deflate,
    Lzma,
    Bzip2,
    Other(Why),
}

/// Bytes of the file that are unpacked from their front.
struct Stream {
    codec: Codec,
    at: usize,
    end: usize,
}

enum Codec {
    Stored,
    Inflate(Inflate),
    Lzma(Box<Lzma>),
    Bzip2(Box<bzip2::Stream>),
}

impl Nsis {
    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        match self.place {
            Place::Start => (0, self.start(file)),
            Place::Blocks => (0, self.next_block(file)),
            Place::SetUp => {
                self.place = Place::Inside;
                let is_there = self.stream.is_some();
                let made = match is_there {
                    true => Ok(()),
                    false => self.set_up(file),
                };
                (0, made.map_or_else(|why| self.fail(why), |()| Progress::Full))
            }
            Place::Inside => self.inside(file, output),
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        let number = self.members.saturating_sub(1).to_string();
        Member {
            label: Label::named("nsis", number.as_bytes()),
            size: self.left,
            state_bytes: self.state_bytes,
            ..Member::default()
        }
    }

    fn start(&mut self, file: &[u8]) -> Progress {
        let (Some(header), Some(following)) = (le32(file, 20), le32(file, 24)) else {
            return Progress::Stopped(ENDS_EARLY);
        };
        let whole = usize::try_from(following).unwrap_or(usize::MAX);
        if whole > file.len() {
            return Progress::Stopped(ENDS_EARLY);
        }
        self.end = whole;
        self.at = HEADER_BYTES;
        let body = file.get(HEADER_BYTES..whole).unwrap_or_default();
        let method = Method::of(body, header);
        self.method = Some(method);
        self.place = Place::Blocks;
        if let Packing::Other(why) = method.packing {
            self.place = Place::Over;
            return Progress::Missed(why);
        }
        Progress::Full
    }

    /// Finds the next block, and begins its member.
    fn next_block(&mut self, file: &[u8]) -> Progress {
        let Some(method) = self.method else { return Progress::Stopped(ENDS_EARLY) };
        if method.is_solid {
            return self.next_of_stream(file);
        }
        let size = le32(file, self.at).filter(|_| self.at.saturating_add(SUM_BYTES) < self.end);
        let Some(size) = size else {
            self.place = Place::Over;
            return Progress::Full;
        };
        let is_packed = size & IS_PACKED != 0;
        let begin = self.at.saturating_add(4);
        let length = usize::try_from(size & !IS_PACKED).unwrap_or(usize::MAX);
        let end = begin.saturating_add(length);
        self.at = end;
        if end > self.end {
            return Progress::Stopped(ENDS_EARLY);
        }
        if length == 0 {
            return Progress::Full;
        }
        self.stream = None;
        self.block = (begin, end);
        if !is_packed {
            self.stream = Some(Stream { codec: Codec::Stored, at: begin, end });
        }
        self.left = (!is_packed).then_some(wide(length));
        self.begin(file)
    }

    /// As [`Nsis::next_block`], of blocks that are packed as one.
    fn next_of_stream(&mut self, file: &[u8]) -> Progress {
        if self.stream.is_none()
            && let Err(why) = self.set_up(file)
        {
            return Progress::Stopped(why);
        }
        let Some(stream) = &mut self.stream else { return Progress::Stopped(ENDS_EARLY) };
        let mut field = [0; 4];
        let missing = field.get_mut(self.size.len()..).unwrap_or_default();
        match stream.read(file, missing) {
            Ok(Some(made)) => self.size.extend(missing.iter().take(made)),
            Ok(None) => {
                self.place = Place::Over;
                let is_cut = !self.size.is_empty() || self.members == 0;
                return if is_cut { Progress::Stopped(ENDS_EARLY) } else { Progress::Full };
            }
            Err(why) => return Progress::Stopped(why),
        }
        let Some(size) = le32(&self.size, 0) else { return Progress::Full };
        self.size.clear();
        if size == 0 {
            return Progress::Full;
        }
        self.left = Some(u64::from(size & !IS_PACKED));
        self.begin(file)
    }

    fn begin(&mut self, file: &[u8]) -> Progress {
        let (at, end) = self.packed();
        let properties = file.get(at..end).and_then(|bytes| bytes.first_chunk::<5>());
        self.state_bytes = match (self.method.map(|method| method.packing), properties) {
            (Some(Packing::Lzma), Some(properties)) => {
                lzma::state_bytes(&[&properties[..], &[0xff; 8]].concat())
            }
            (Some(Packing::Bzip2), _) => Coding::Bzip2.state_bytes(&[]),
            _ => Coding::Gzip.state_bytes(&[]),
        };
        self.members = self.members.saturating_add(1);
        self.place = Place::SetUp;
        Progress::Begin
    }

    /// Where the packed bytes of the block, or of all of them, are.
    const fn packed(&self) -> (usize, usize) {
        match self.method {
            Some(Method { is_solid: true, .. }) => (HEADER_BYTES, self.end),
            _ => self.block,
        }
    }

    /// Takes the memory for the block that was found last, or for all of them.
    fn set_up(&mut self, file: &[u8]) -> Result<(), Why> {
        let Some(method) = self.method else { return Err(ENDS_EARLY) };
        let (begin, end) = self.packed();
        let bytes = file.get(begin..end).unwrap_or_default();
        let (codec, skipped) = match method.packing {
            Packing::Lzma => {
                let properties = *bytes.first_chunk().ok_or(ENDS_EARLY)?;
                let whole = [&properties[..], &[0xff; 8]].concat();
                if method.is_solid && lzma::state_bytes(&whole) > LZMA_BYTES_MAX {
                    return Err(Why::Limit(Limit::MaxScanState));
                }
                (Codec::Lzma(Box::new(Lzma::raw(properties, None)?)), properties.len())
            }
            Packing::Bzip2 => {
                let stream = bzip2::Stream::new(bzip2::Style::Nsis, BZIP2_LEVEL);
                (Codec::Bzip2(Box::new(stream)), 0)
            }
            Packing::Stored | Packing::Deflate | Packing::Other(_) => {
                (Codec::Inflate(Inflate::new()), 0)
            }
        };
        self.stream = Some(Stream { codec, at: begin.saturating_add(skipped), end });
        Ok(())
    }

    fn inside(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if self.left == Some(0) {
            self.place = Place::Blocks;
            return (0, Progress::End(Ok(())));
        }
        let room = at_most(output.len(), self.left.unwrap_or(u64::MAX));
        let room = output.get_mut(..room).unwrap_or_default();
        if room.is_empty() {
            return (0, Progress::Full);
        }
        let Some(stream) = &mut self.stream else { return (0, self.fail(ENDS_EARLY)) };
        match stream.read(file, room) {
            Ok(Some(made)) => {
                self.left = self.left.map(|left| left.saturating_sub(wide(made)));
                (made, Progress::Full)
            }
            Ok(None) if self.left.is_none() => {
                self.place = Place::Blocks;
                (0, Progress::End(Ok(())))
            }
            Ok(None) => (0, self.fail(ENDS_EARLY)),
            Err(why) => (0, self.fail(why)),
        }
    }

    /// The member goes no further. Of blocks that are packed as one nothing else does.
    fn fail(&mut self, why: Why) -> Progress {
        let is_solid = self.method.is_some_and(|method| method.is_solid);
        self.place = if is_solid { Place::Over } else { Place::Blocks };
        Progress::End(Err(why))
    }
}

impl Method {
    /// By the first bytes behind the header, and the size of the script.
    fn of(body: &[u8], script: u32) -> Self {
        let size = le32(body, 0).unwrap_or(0);
        let inner = body.get(4..).unwrap_or_default();
        match () {
            () if is_lzma(body) => Self { packing: Packing::Lzma, is_solid: true },
            () if is_filtered(body) => Self { packing: FILTERED, is_solid: true },
            () if size == script => Self { packing: Packing::Stored, is_solid: false },
            () if size & IS_PACKED != 0 && size & 0x7f00_0000 == 0 => {
                let packing = match () {
                    () if is_lzma(inner) => Packing::Lzma,
                    () if is_filtered(inner) => FILTERED,
                    () if is_bzip2(inner) => Packing::Bzip2,
                    () => Packing::Deflate,
                };
                Self { packing, is_solid: false }
            }
            () if is_bzip2(body) => Self { packing: Packing::Bzip2, is_solid: true },
            () => Self { packing: Packing::Deflate, is_solid: true },
        }
    }
}

/// Properties as NSIS writes them, a dictionary of at least 64 KiB, and a stream.
fn is_lzma(bytes: &[u8]) -> bool {
    matches!(bytes, [0x5d, 0, 0, _, _, 0, second, ..] if second & 0x80 == 0)
}

fn is_filtered(bytes: &[u8]) -> bool {
    bytes.split_first().is_some_and(|(filter, rest)| *filter <= 1 && is_lzma(rest))
}

fn is_bzip2(bytes: &[u8]) -> bool {
    matches!(bytes, [b'1', 0..=13, ..])
}

impl Stream {
    /// Bytes made, perhaps none yet; nothing at the end.
    fn read(&mut self, file: &[u8], output: &mut [u8]) -> Result<Option<usize>, Why> {
        let rest = file.get(self.at..self.end).unwrap_or_default();
        let piece = rest.get(..rest.len().min(PIECE_BYTES)).unwrap_or_default();
        let is_last = piece.len() == rest.len();
        let (used, made, outcome) = match &mut self.codec {
            Codec::Stored => {
                let count = copy(piece, output);
                (count, count, Outcome::Hungry)
            }
            Codec::Inflate(inflate) => {
                let step = inflate.step(piece, output);
                (step.used, step.made, step.outcome)
            }
            Codec::Bzip2(stream) => {
                let step = stream.step(piece, output);
                (step.used, step.made, step.outcome)
            }
            Codec::Lzma(lzma) => {
                let Step { used, made, progress } = lzma.step(piece, output);
                let outcome = match progress {
                    Progress::Stopped(why) => Outcome::Stopped(why),
                    Progress::Full => Outcome::Full,
                    Progress::Hungry
                    | Progress::Listed
                    | Progress::Begin
                    | Progress::End(_)
                    | Progress::Missed(_) => Outcome::Hungry,
                };
                (used, made, outcome)
            }
        };
        self.at = self.at.saturating_add(used);
        if made > 0 {
            return Ok(Some(made));
        }
        match outcome {
            Outcome::End => Ok(None),
            Outcome::Hungry if is_last && used == piece.len() => self.end(),
            Outcome::Hungry | Outcome::Full => Ok(Some(0)),
            // What follows a stream of LZMA is the sum of the installer.
            Outcome::Stopped(_) if self.has_ended() => Ok(None),
            Outcome::Stopped(why) => Err(why),
        }
    }

    /// The packed bytes are used up.
    fn end(&self) -> Result<Option<usize>, Why> {
        match &self.codec {
            Codec::Stored => Ok(None),
            Codec::Inflate(_) | Codec::Bzip2(_) => Err(ENDS_EARLY),
            Codec::Lzma(lzma) => lzma.finish().map(|()| None),
        }
    }

    fn has_ended(&self) -> bool {
        matches!(&self.codec, Codec::Lzma(lzma) if lzma.finish().is_ok())
    }
}

/// Whether a layer begins with the header of an installer.
pub(super) fn is_front(head: &[u8]) -> bool {
    head.get(4..).is_some_and(|rest| rest.starts_with(MARK))
}

pub(super) const MARK: &[u8] = b"\xef\xbe\xad\xdeNullsoftInst";
const HEADER_BYTES: usize = 28;
/// Of a size: that the block is packed.
const IS_PACKED: u32 = 1 << 31;
/// The sum at the end.
const SUM_BYTES: usize = 4;
/// Packed bytes that one step takes.
const PIECE_BYTES: usize = 32 << 10;
/// Of a solid one the stream is begun before its first member is: dictionaries of 64 MiB are the largest that anybody
/// sets.
const LZMA_BYTES_MAX: u64 = (64 << 20) + lzma::CORE_BYTES;
const FILTERED: Packing = Packing::Other(Why::Unsupported("NSIS: LZMA behind a filter"));
/// Its blocks have 900,000 bytes at most.
const BZIP2_LEVEL: u8 = 9;
const ENDS_EARLY: Why = Why::Broken("NSIS: ends early");
