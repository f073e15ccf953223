//! bzip2: streams, one after another, each of blocks that are sorted back as a whole.
//!
//! The format has no standard; the file is `BZh`, a digit for the size of its blocks in 100 kB, the
//! blocks and a sum, without bytes between. Zero bytes after a stream are padding, as in
//! [`gzip`](super::gzip); any other bytes that are no stream end it with a reason.
//!
//! The library puts a block back in one go: its call takes some 10 ms for one of 900 kB, once for each,
//! whatever the pieces of input are. That is the longest thing one step of this engine does. The sum of
//! a block is looked at after its bytes came out, so damage costs none of them.

use bzip2::{Decompress, Error, Status};

use super::inflate::{Inflated, Outcome};
use super::parts::difference;
use super::{Progress, Step};
use crate::engine::verdict::{Limit, Why};

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
    Body(Decompress),
    /// After a stream: another one, padding, or the end.
    Between,
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
                let unpacked = unpack(state, rest, room);
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
                    // Taking its memory is dear, and a stream may have as few as 14 bytes.
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
            Place::Level | Place::Body(_) if byte.is_ascii_digit() && byte != b'0' => begin(byte),
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
fn begin(level: u8) -> Result<Place, Why> {
    let mut state = Decompress::new(false);
    let head = [MAGIC, &[level]].concat();
    match state.decompress(&head, &mut []) {
        Ok(Status::MemNeeded) => Err(Why::Limit(Limit::MaxScanState)),
        Ok(_) => Ok(Place::Body(state)),
        Err(_) => Err(Why::Broken(DAMAGED)),
    }
}

fn unpack(state: &mut Decompress, input: &[u8], output: &mut [u8]) -> Inflated {
    if output.is_empty() {
        return Inflated { used: 0, made: 0, outcome: Outcome::Full };
    }
    let (in_before, out_before) = (state.total_in(), state.total_out());
    let status = state.decompress(input, output);
    let used = difference(in_before, state.total_in());
    let made = difference(out_before, state.total_out());
    let outcome = match status {
        Err(Error::Data | Error::DataMagic | Error::Param | Error::Sequence) => {
            Outcome::Stopped(Why::Broken(DAMAGED))
        }
        Ok(Status::StreamEnd) => Outcome::End,
        Ok(Status::MemNeeded) => Outcome::Stopped(Why::Limit(Limit::MaxScanState)),
        Ok(_) if made == output.len() => Outcome::Full,
        Ok(_) if used == input.len() => Outcome::Hungry,
        Ok(_) => Outcome::Stopped(Why::Broken(DAMAGED)),
    };
    Inflated { used, made, outcome }
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
const DAMAGED: &str = "bzip2: damaged";
