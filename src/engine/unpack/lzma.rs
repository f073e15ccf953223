//! LZMA: as a file of its own (`.lzma`), and bare inside other formats.
//!
//! A file is five bytes of properties, eight of size (all ones when it is not known) and the stream
//! (`lzma-file-format.txt` of XZ Utils). It ends by its size or by a mark, and nothing may follow. Behind a
//! size there may be a mark, too; the library finds it damaged when it comes in pieces, so it is not asked:
//! the size is counted here, and as many bytes as a mark may have are passed over.
//!
//! It has no magic number: [`is_plausible`] asks for what every writer writes, as `xz` and `file` do. A
//! dictionary that is larger than the contents is not needed as large, so it is not counted and not taken.
//! Absent on purpose: more than four bits of literal context and position together, which the library does
//! not read and no known program writes.

use liblzma::stream::{Action, Error, Status, Stream};

use super::inflate::{Inflated, Outcome};
use super::parts::{Gathered, difference, pass};
use super::{Progress, Step};
use crate::engine::verdict::{Limit, Why};

/// An LZMA stream being read.
pub(in crate::engine) struct Lzma {
    place: Place,
    /// The header, as far as it came.
    header: Gathered,
    /// The most memory that it may take, in bytes.
    state_bytes: u64,
    /// Of a stream with a size: bytes that have still to come out.
    left: Option<u64>,
    /// Bytes behind its end that may be those of a mark.
    mark: u64,
}

enum Place {
    Header,
    Body(Core),
    End,
}

/// A decoder of the library.
pub(super) struct Core(Stream);

impl Lzma {
    /// For a file. One that needs more than `state_bytes` of memory is not read.
    pub(super) fn new(state_bytes: u64) -> Self {
        Self { place: Place::Header, header: Gathered::default(), state_bytes, left: None, mark: 0 }
    }

    /// For a stream inside something else that knows its properties, and perhaps how many bytes come
    /// out. Without a size it ends by its mark. [`state_bytes`] says what it takes.
    ///
    /// # Errors
    ///
    /// The reason for which it cannot be read.
    pub(super) fn raw(properties: [u8; PROPERTIES_BYTES], size: Option<u64>) -> Result<Self, Why> {
        let mut header = [0xff; HEADER_BYTES];
        let said = size.unwrap_or(u64::MAX).to_le_bytes();
        for (to, from) in header.iter_mut().zip(properties.iter().chain(&said)) {
            *to = *from;
        }
        let mut lzma = Self::new(state_bytes(&header));
        lzma.begin(&header)?;
        Ok(lzma)
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            match &mut self.place {
                Place::Header => {
                    if self.header.fill(&mut rest, HEADER_BYTES).is_none() {
                        break Progress::Hungry;
                    }
                    let header = std::mem::take(&mut self.header);
                    if let Err(why) = self.begin(header.bytes()) {
                        break Progress::Stopped(why);
                    }
                }
                Place::Body(core) => {
                    let room = output.get_mut(made..).unwrap_or_default();
                    let unpacked = step_of(core, self.left, rest, room);
                    rest = rest.get(unpacked.used..).unwrap_or_default();
                    made = made.saturating_add(unpacked.made);
                    let came = u64::try_from(unpacked.made).unwrap_or(u64::MAX);
                    self.left = self.left.map(|left| left.saturating_sub(came));
                    match unpacked.outcome {
                        _ if self.left == Some(0) => {
                            self.mark = MARK_BYTES_MAX;
                            self.place = Place::End;
                        }
                        Outcome::End if self.left.is_some() => {
                            break Progress::Stopped(Why::Broken(DAMAGED));
                        }
                        Outcome::End => self.place = Place::End,
                        Outcome::Hungry if rest.is_empty() => break Progress::Hungry,
                        Outcome::Full if made == output.len() => break Progress::Full,
                        Outcome::Hungry | Outcome::Full => {}
                        Outcome::Stopped(why) => break Progress::Stopped(why),
                    }
                }
                Place::End => {
                    pass(&mut rest, &mut self.mark);
                    if rest.is_empty() {
                        break Progress::Hungry;
                    }
                    break Progress::Stopped(Why::Broken("lzma: bytes after the end"));
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the stream may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::End => Ok(()),
            Place::Header | Place::Body(_) => Err(Why::Broken("lzma: ends early")),
        }
    }

    /// Begins to read what follows a header.
    fn begin(&mut self, header: &[u8]) -> Result<(), Why> {
        let Some(Header { properties, dictionary, size }) = Header::of(header) else {
            return Err(Why::Broken("lzma: not an lzma file"));
        };
        if literal_bits(properties) > 4 {
            return Err(Why::Unsupported("lzma with more than four literal bits"));
        }
        let needed = state_bytes(header);
        if needed > self.state_bytes {
            return Err(Why::Limit(Limit::MaxScanState));
        }
        let mut core = Core::of(Stream::new_lzma_decoder(needed))?;
        let mut told = vec![properties];
        told.extend_from_slice(&useful(dictionary, size).to_le_bytes());
        told.extend_from_slice(&u64::MAX.to_le_bytes());
        core.take_header(&told, "lzma: not an lzma file")?;
        self.left = size;
        self.place = Place::Body(core);
        if size == Some(0) {
            self.mark = MARK_BYTES_MAX;
            self.place = Place::End;
        }
        Ok(())
    }
}

/// One step of a stream of which `left` bytes have still to come. The last of them is asked for with as
/// little input as it needs, so that the bytes behind it are the same ones whatever the pieces are.
fn step_of(core: &mut Core, left: Option<u64>, input: &[u8], output: &mut [u8]) -> Inflated {
    let before_last = match left {
        None => usize::MAX,
        Some(left) => usize::try_from(left.saturating_sub(1)).unwrap_or(usize::MAX),
    };
    if before_last > 0 {
        let wanted = before_last.min(output.len());
        return core.step(input, output.get_mut(..wanted).unwrap_or_default(), DAMAGED);
    }
    let room = output.get_mut(..1).unwrap_or_default();
    let last = core.step(&[], room, DAMAGED);
    match last.outcome {
        Outcome::Hungry => core.step(input.get(..1).unwrap_or_default(), room, DAMAGED),
        Outcome::Full | Outcome::End | Outcome::Stopped(_) => last,
    }
}

impl Core {
    /// Around a decoder that the library could give.
    pub(super) fn of(made: Result<Stream, Error>) -> Result<Self, Why> {
        made.map(Self).map_err(|error| reason(&error, "xz: options that nobody knows"))
    }

    /// Gives it what was read of its stream so far. It takes its memory then, and makes nothing.
    pub(super) fn take_header(&mut self, header: &[u8], damaged: &'static str) -> Result<(), Why> {
        // Without any room it would not look at it.
        match self.0.process(header, &mut [0], Action::Run) {
            Ok(_) => Ok(()),
            Err(error) => Err(reason(&error, damaged)),
        }
    }

    /// As [`Unpacker::step`](super::Unpacker::step), of a stream that knows its own end.
    pub(super) fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        damaged: &'static str,
    ) -> Inflated {
        if output.is_empty() {
            return Inflated { used: 0, made: 0, outcome: Outcome::Full };
        }
        let Self(stream) = self;
        let (in_before, out_before) = (stream.total_in(), stream.total_out());
        let status = stream.process(input, output, Action::Run);
        let used = difference(in_before, stream.total_in());
        let made = difference(out_before, stream.total_out());
        let outcome = match status {
            Err(error) => Outcome::Stopped(reason(&error, damaged)),
            Ok(Status::StreamEnd) => Outcome::End,
            Ok(_) if made == output.len() => Outcome::Full,
            Ok(_) if used == input.len() => Outcome::Hungry,
            Ok(_) => Outcome::Stopped(Why::Broken(damaged)),
        };
        Inflated { used, made, outcome }
    }
}

const fn reason(error: &Error, damaged: &'static str) -> Why {
    match error {
        Error::Mem | Error::MemLimit => Why::Limit(Limit::MaxScanState),
        Error::Data
        | Error::Options
        | Error::Format
        | Error::Program
        | Error::NoCheck
        | Error::UnsupportedCheck => Why::Broken(damaged),
    }
}

/// The front of a file.
#[derive(Clone, Copy)]
struct Header {
    properties: u8,
    dictionary: u32,
    size: Option<u64>,
}

impl Header {
    /// `None` when there is less of it, or its first byte is no properties.
    fn of(head: &[u8]) -> Option<Self> {
        let (&properties, rest) = head.split_first()?;
        let (dictionary, rest) = rest.split_first_chunk()?;
        let size = u64::from_le_bytes(*rest.first_chunk()?);
        (properties < PROPERTIES_COUNT).then_some(Self {
            properties,
            dictionary: u32::from_le_bytes(*dictionary),
            size: (size != u64::MAX).then_some(size),
        })
    }
}

/// Bits of literal context and of literal position.
const fn literal_bits(properties: u8) -> u8 {
    (properties % 9).saturating_add(properties / 9 % 5)
}

/// Whether these are the first bytes of a file as programs write it: a dictionary of 2^n or 2^n + 2^(n-1)
/// bytes, contents of less than 256 GiB, and a first byte of the stream that is always 0.
pub(super) fn is_plausible(head: &[u8]) -> bool {
    Header::of(head).is_some_and(|header| {
        let dictionary = header.dictionary;
        let is_round = match dictionary.count_ones() {
            0 => false,
            1 => true,
            // Two bits side by side, or all of them.
            2 => dictionary & dictionary.wrapping_shl(1) != 0,
            _ => dictionary == u32::MAX,
        };
        is_round
            && dictionary >= DICTIONARY_BYTES_MIN
            && literal_bits(header.properties) <= 4
            && header.size.is_none_or(|size| (1..SIZE_PLAUSIBLE_MAX).contains(&size))
            && head.get(HEADER_BYTES) == Some(&0)
    })
}

/// The memory that a stream with this header takes, in bytes.
pub(super) fn state_bytes(header: &[u8]) -> u64 {
    Header::of(header)
        .map_or(0, |header| u64::from(useful(header.dictionary, header.size)))
        .saturating_add(CORE_BYTES)
}

/// So much of a dictionary as contents of this size can refer to.
fn useful(dictionary: u32, size: Option<u64>) -> u32 {
    let size = size.and_then(|size| u32::try_from(size).ok()).unwrap_or(u32::MAX);
    dictionary.min(size).max(DICTIONARY_BYTES_MIN)
}

/// Properties and dictionary.
pub(super) const PROPERTIES_BYTES: usize = 5;
const HEADER_BYTES: usize = 13;
/// 9 literal contexts, 5 literal positions, 5 positions.
const PROPERTIES_COUNT: u8 = 225;
const DICTIONARY_BYTES_MIN: u32 = 4 << 10;
/// 26 bits that are not modelled, some twenty that are, at eleven bits each if all are unlikely, and five bytes to
/// flush the coder.
const MARK_BYTES_MAX: u64 = 40;
const DAMAGED: &str = "lzma: damaged";
const SIZE_PLAUSIBLE_MAX: u64 = 1 << 38;
/// What the library takes beside the dictionary: 30 KiB of probabilities, and by its own count 32 KiB more.
pub(super) const CORE_BYTES: u64 = 128 << 10;
