//! xz (the .xz file format, version 1.2.1): streams of blocks, one after another.
//!
//! The frame is read here and the library only gets the chain of filters of a block ([`block`](super::block)),
//! so the dictionary of each block is known before memory is taken for it.
//!
//! Absent on purpose: all sums (as everywhere here), and the sizes in the index. A block counts as whole
//! when its stream of LZMA2 says that it ends.

use super::block::{Block, LZMA2, Number, each_filter, state_bytes_of, take};
use super::inflate::Outcome;
use super::lzma::CORE_BYTES;
use super::parts::{Gathered, pass, wide};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// An xz file being read.
pub(in crate::engine) struct Xz {
    place: Place,
    gathered: Gathered,
    /// Whether a whole stream was read: what follows may be anything.
    has_stream: bool,
    /// The most memory that a block may take, in bytes.
    state_bytes_max: u64,
    /// Of each block of this stream: bytes of its sum.
    sum_bytes: u64,
    /// Blocks of this stream so far.
    blocks: u64,
    /// Bytes of the block or of the index that were read.
    length: u64,
}

/// What the next byte belongs to.
enum Place {
    StreamHeader,
    /// The size of a block's header, or 0 for the index.
    BlockFront,
    /// The rest of a block's header, of so many bytes.
    BlockHeader(usize),
    Block(Box<Block>),
    /// Padding and sum of a block: so many bytes.
    BlockEnd(u64),
    /// A number in the index, of which this much is known.
    Index(Number, Field),
    /// Padding and sum of the index: so many bytes.
    IndexEnd(u64),
    Footer,
    /// After a stream: another one, padding, or the end.
    Between,
}

/// Fields of the index.
#[derive(Clone, Copy)]
enum Field {
    /// How many blocks there are.
    Count,
    /// So many numbers are left: two of each block.
    Records(u64),
}

impl Xz {
    /// Blocks that need more than `state_bytes_max` of memory are not read.
    pub(super) fn new(state_bytes_max: u64) -> Self {
        Self {
            place: Place::StreamHeader,
            gathered: Gathered::default(),
            has_stream: false,
            state_bytes_max,
            sum_bytes: 0,
            blocks: 0,
            length: 0,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            if let Place::Block(block) = &mut self.place {
                let room = output.get_mut(made..).unwrap_or_default();
                let unpacked = block.step(rest, room);
                rest = rest.get(unpacked.used..).unwrap_or_default();
                made = made.saturating_add(unpacked.made);
                self.length = self.length.saturating_add(wide(unpacked.used));
                match unpacked.outcome {
                    Outcome::Hungry => break Progress::Hungry,
                    Outcome::Full => break Progress::Full,
                    Outcome::Stopped(why) => break Progress::Stopped(why),
                    Outcome::End => {
                        let left = to_multiple(self.length).saturating_add(self.sum_bytes);
                        self.place = Place::BlockEnd(left);
                    }
                }
            } else {
                match self.frame(&mut rest) {
                    // Taking its memory is dear, and a block may have few bytes.
                    Ok(true) if matches!(self.place, Place::Block(_)) => break Progress::Full,
                    Ok(true) => {}
                    Ok(false) => break Progress::Hungry,
                    Err(why) => break Progress::Stopped(why),
                }
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the file may end here.
    pub(super) const fn finish(&self) -> Result<(), Why> {
        match self.place {
            Place::Between => Ok(()),
            Place::StreamHeader
            | Place::BlockFront
            | Place::BlockHeader(_)
            | Place::Block(_)
            | Place::BlockEnd(_)
            | Place::Index(..)
            | Place::IndexEnd(_)
            | Place::Footer => Err(Why::Broken("xz: ends early")),
        }
    }

    /// Reads the next part of what is around blocks. False when it needs more input for it.
    fn frame(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        match &mut self.place {
            Place::StreamHeader => return self.stream_header(rest),
            Place::BlockFront => {
                let Some(front) = take(rest) else { return Ok(false) };
                self.place = match front {
                    0 => Place::Index(Number::default(), Field::Count),
                    words => Place::BlockHeader(usize::from(words).saturating_mul(4)),
                };
                self.length = u64::from(front == 0);
            }
            Place::BlockHeader(left) => {
                // With the four bytes of its sum.
                let wanted = left.saturating_add(3);
                let Some(header) = self.gathered.fill(rest, wanted) else { return Ok(false) };
                let block = Block::of(header, self.state_bytes_max)?;
                self.gathered.clear();
                self.blocks = self.blocks.saturating_add(1);
                self.place = Place::Block(Box::new(block));
            }
            Place::BlockEnd(left) => {
                if !pass(rest, left) {
                    return Ok(false);
                }
                self.place = Place::BlockFront;
            }
            Place::Index(..) => return self.index(rest),
            Place::IndexEnd(left) => {
                if !pass(rest, left) {
                    return Ok(false);
                }
                self.place = Place::Footer;
            }
            Place::Footer => {
                let Some(footer) = self.gathered.fill(rest, FRAME_BYTES) else { return Ok(false) };
                if !footer.ends_with(b"YZ") {
                    return Err(Why::Broken(DAMAGED));
                }
                self.gathered.clear();
                self.has_stream = true;
                self.blocks = 0;
                self.place = Place::Between;
            }
            Place::Between => match rest.split_first() {
                None => return Ok(false),
                Some((0, after)) => *rest = after,
                Some(_) => self.place = Place::StreamHeader,
            },
            Place::Block(_) => return Ok(false),
        }
        Ok(true)
    }

    fn stream_header(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        let is_whole = self.gathered.fill(rest, FRAME_BYTES).is_some();
        if !self.gathered.agrees_with(MAGIC) {
            return Err(Why::Broken(match self.has_stream {
                true => "xz: bytes after the last stream",
                false => "xz: not an xz file",
            }));
        }
        if !is_whole {
            return Ok(false);
        }
        let check = self.gathered.bytes().get(7).copied().unwrap_or_default();
        self.sum_bytes = match check & 0x0f {
            0 => 0,
            1..=3 => 4,
            4..=6 => 8,
            7..=9 => 16,
            10..=12 => 32,
            13.. => 64,
        };
        self.gathered.clear();
        self.place = Place::BlockFront;
        Ok(true)
    }

    /// Reads up to the end of a number in the index.
    fn index(&mut self, rest: &mut &[u8]) -> Result<bool, Why> {
        let Place::Index(number, field) = &mut self.place else { return Ok(true) };
        let value = loop {
            let Some(byte) = take(rest) else { return Ok(false) };
            self.length = self.length.saturating_add(1);
            if let Some(value) = number.add(byte)? {
                break value;
            }
        };
        let left = match field {
            Field::Count if value != self.blocks => return Err(Why::Broken(DAMAGED)),
            Field::Count => value.saturating_mul(2),
            Field::Records(left) => left.saturating_sub(1),
        };
        self.place = match left {
            0 => Place::IndexEnd(to_multiple(self.length).saturating_add(4)),
            left => Place::Index(Number::default(), Field::Records(left)),
        };
        Ok(true)
    }
}

/// The memory that the first block of a file with this head takes, in bytes, or more: `xz` without options
/// asks for so much, and a later block may ask for other than the first.
pub(super) fn state_bytes(head: &[u8]) -> u64 {
    let mut needed = 0;
    if let Some((front, header)) = head.get(FRAME_BYTES..).and_then(<[u8]>::split_first)
        && *front != 0
    {
        // What is no header is found out by the decoder.
        let _either = each_filter(header, |id, properties| {
            if id == LZMA2 {
                needed = state_bytes_of(properties);
            }
            Ok(())
        });
    }
    needed.max((8 << 20) + CORE_BYTES)
}

/// Bytes up to the next multiple of four.
const fn to_multiple(length: u64) -> u64 {
    length.wrapping_neg() & 3
}

const MAGIC: &[u8] = b"\xfd7zXZ\0";
/// Of the header of a stream, and of its footer.
const FRAME_BYTES: usize = 12;
pub(super) const DAMAGED: &str = "xz: damaged";
