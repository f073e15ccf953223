//! bzip2: streams, one after another, each of blocks that are sorted back as a whole.
//!
//! The format has no standard; the file is `BZh`, a digit for the size of its blocks in 100 kB, the
//! blocks and a sum, without bytes between. Zero bytes after a stream are padding, as in
//! [`gzip`](super::gzip); any other bytes that are no stream end it with a reason.
//!
//! A block is undone by code of our own ([`block`]): libraries put one back in a single call of 10 to 30 ms, and
//! nobody else on the shard would have a turn in that time.
//!
//! Absent on purpose: the sums.

mod bits;
mod block;
mod code;

use self::bits::{Bits, Reader};
use self::block::Blocks;
use super::inflate::{Inflated, Outcome};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// A bzip2 file being read.
pub(in crate::engine) struct Bzip2 {
    place: Place,
    /// Whether a whole stream was read: what follows may be anything.
    has_stream: bool,
}

/// What the next byte belongs to.
enum Place {
    /// So many bytes of the magic number were read.
    Magic(usize),
    /// The digit behind it.
    Level,
    Body(Box<Stream>),
    /// After a stream: another one, padding, or the end.
    Between,
}

/// The blocks of a stream, and its end.
pub(super) struct Stream {
    bits: Bits,
    blocks: Blocks,
}

/// In what form a stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Of bzip2.
    File,
    /// Of NSIS: marks of a byte, no sums.
    Nsis,
}

impl Stream {
    /// A stream behind its magic number and level, which is 1 to 9.
    pub(super) fn new(style: Style, level: u8) -> Self {
        let rows_max = usize::from(level).saturating_mul(ROWS_PER_LEVEL);
        Self { bits: Bits::default(), blocks: Blocks::new(style, rows_max) }
    }

    /// Undoes as much as fits, and as one step may. [`Outcome::Full`] with room left says that the step is over.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        if output.is_empty() {
            return Inflated { used: 0, made: 0, outcome: Outcome::Full };
        }
        let mut reader = Reader::new(&mut self.bits, input);
        let (made, outcome) = self.blocks.run(&mut reader, output);
        let left = reader.end(matches!(outcome, Outcome::Hungry));
        let used = input.len().saturating_sub(left);
        Inflated { used, made, outcome }
    }
}

impl Bzip2 {
    pub(super) const fn new() -> Self {
        Self { place: Place::Magic(0), has_stream: false }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            if let Place::Body(state) = &mut self.place {
                let room = output.get_mut(made..).unwrap_or_default();
                let unpacked = state.step(rest, room);
                rest = rest.get(unpacked.used..).unwrap_or_default();
                made = made.saturating_add(unpacked.made);
                match unpacked.outcome {
                    Outcome::Hungry => break Progress::Hungry,
                    Outcome::Full => break Progress::Full,
                    Outcome::Stopped(why) => break Progress::Stopped(why),
                    Outcome::End => {
                        self.has_stream = true;
                        self.place = Place::Between;
                    }
                }
            } else {
                let Some((&byte, after)) = rest.split_first() else {
                    break Progress::Hungry;
                };
                match self.take(byte) {
                    Ok(place) => self.place = place,
                    Err(why) => break Progress::Stopped(why),
                }
                rest = after;
                if matches!(self.place, Place::Body(_)) {
                    // A stream may have as few as 14 bytes.
                    break Progress::Full;
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the file may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Between => Ok(()),
            Place::Magic(_) | Place::Level | Place::Body(_) => {
                Err(Why::Broken("bzip2: ends early"))
            }
        }
    }

    /// One byte in front of a stream: where the next one belongs.
    fn take(&self, byte: u8) -> Result<Place, Why> {
        match self.place {
            Place::Between if byte == 0 => Ok(Place::Between),
            Place::Between => self.magic(0, byte),
            Place::Magic(read) => self.magic(read, byte),
            Place::Level | Place::Body(_) if byte.is_ascii_digit() && byte != b'0' => {
                Ok(begin(byte))
            }
            Place::Level | Place::Body(_) => Err(self.no_stream()),
        }
    }

    fn magic(&self, read: usize, byte: u8) -> Result<Place, Why> {
        let after = read.saturating_add(1);
        match MAGIC.get(read) {
            Some(wanted) if *wanted != byte => Err(self.no_stream()),
            Some(_) if after < MAGIC.len() => Ok(Place::Magic(after)),
            Some(_) | None => Ok(Place::Level),
        }
    }

    const fn no_stream(&self) -> Why {
        Why::Broken(match self.has_stream {
            true => "bzip2: bytes after the last stream",
            false => "bzip2: not a bzip2 file",
        })
    }
}

/// A stream whose magic number and level were read.
fn begin(level: u8) -> Place {
    Place::Body(Box::new(Stream::new(Style::File, level.wrapping_sub(b'0'))))
}

/// Whether these are the first bytes of a file, with those of a block or of an end behind them: three letters may
/// begin a text.
pub(super) fn is_front(head: &[u8]) -> bool {
    match head {
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] => {
            let agrees = |wanted: &[u8]| rest.iter().zip(wanted).all(|(one, other)| one == other);
            agrees(BLOCK) || agrees(END)
        }
        _ => false,
    }
}

const MAGIC: &[u8] = b"BZh";
/// The digits of pi, and of its root.
const BLOCK: &[u8] = b"1AY&SY";
const END: &[u8] = b"\x17rE8P\x90";
/// The first of each.
const BLOCK_OF_NSIS: &[u8] = b"1";
const END_OF_NSIS: &[u8] = b"\x17";
/// Bytes of a block for each level.
const ROWS_PER_LEVEL: usize = 100_000;
const DAMAGED: &str = "bzip2: damaged";
