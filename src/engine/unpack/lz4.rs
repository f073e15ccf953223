//! LZ4: frames (`lz4_Frame_format.md` 1.6.4), one after another, frames to be skipped, and the legacy frame of
//! `lz4 -l` and of Linux kernels.
//!
//! Blocks are decoded as they come, over a window of 64 KiB, so a block of 4 MiB takes no more memory than a
//! small one, and what comes before damage is given out. Every block may refer to those before it, also where
//! the frame says that none does. Zero bytes after a frame are padding, as in [`gzip`](super::gzip); any other
//! bytes that are no frame end the file with a reason.
//!
//! Absent on purpose: all sums, and dictionaries that are not in the file (a frame with one is not read).

use super::parts::{Gathered, pass};
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// An LZ4 file being read.
pub(in crate::engine) struct Lz4 {
    place: Place,
    gathered: Gathered,
    window: Window,
    frame: Frame,
    /// Whether a whole frame was read: what follows may be anything.
    has_frame: bool,
    /// Bytes of the block that were not read.
    left: u64,
}

/// What of a frame is needed behind its header.
#[derive(Clone, Copy, Default)]
struct Frame {
    block_bytes_max: u64,
    /// Of the sum behind each block, and behind the last one.
    block_sum_bytes: u64,
    sum_bytes: u64,
    is_legacy: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Copy)]
enum Place {
    Around(Around),
    Sequence(Sequence),
    Data(Data),
}

/// What is around blocks.
#[derive(Clone, Copy)]
enum Around {
    Magic,
    /// The rest of a frame's header.
    Header,
    /// The size of a frame to be skipped.
    SkipSize,
    /// So many bytes to be skipped, then a block, or what is between frames.
    Skip(u64, After),
    BlockSize,
    /// After a frame: another one, padding, or the end.
    Between,
}

/// What says which bytes come out next.
#[derive(Clone, Copy)]
enum Sequence {
    Token,
    /// The number of literals goes on. The length is that of the match behind them, if there is one.
    Literals {
        literals: usize,
        length: usize,
    },
    /// The low byte of a distance.
    Distance {
        length: usize,
    },
    DistanceHigh {
        low: u8,
        length: usize,
    },
    /// The length of a match goes on.
    Length {
        distance: usize,
        length: usize,
    },
}

/// Bytes that come out: so many are left.
#[derive(Clone, Copy)]
enum Data {
    Stored,
    Literals { literals: usize, length: usize },
    Match { distance: usize, length: usize },
}

#[derive(Clone, Copy)]
enum After {
    Block,
    Frame,
}

/// The last 64 KiB that came out.
struct Window {
    bytes: Box<[u8]>,
    /// Where the next byte goes.
    at: usize,
    /// How many there are, up to all.
    filled: usize,
}

impl Lz4 {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Around(Around::Magic),
            gathered: Gathered::default(),
            window: Window { bytes: vec![0; WINDOW_BYTES].into(), at: 0, filled: 0 },
            frame: Frame::default(),
            has_frame: false,
            left: 0,
        }
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let mut rest = input;
        let mut made = 0_usize;
        let progress = loop {
            let room = output.get_mut(made..).unwrap_or_default();
            let moved = match self.place {
                Place::Around(place) => self.around(place, &mut rest),
                Place::Sequence(place) => self.sequence(place, &mut rest),
                Place::Data(place) => Ok(self.data(place, &mut rest, room)),
            };
            match moved {
                Ok(Moved::On(count)) => made = made.saturating_add(count),
                Ok(Moved::Hungry(count)) => {
                    made = made.saturating_add(count);
                    break Progress::Hungry;
                }
                Ok(Moved::Full(count)) => {
                    made = made.saturating_add(count);
                    break Progress::Full;
                }
                Err(why) => break Progress::Stopped(why),
            }
        };
        Step { used: input.len().saturating_sub(rest.len()), made, progress }
    }

    /// Whether the file may end here.
    pub(super) fn finish(&self) -> Result<(), Why> {
        let is_between = match self.place {
            Place::Around(Around::Between) => true,
            // The legacy frame has no mark at its end.
            Place::Around(Around::BlockSize) => {
                self.frame.is_legacy && self.gathered.bytes().is_empty()
            }
            Place::Around(Around::Magic | Around::Header | Around::SkipSize | Around::Skip(..))
            | Place::Sequence(_)
            | Place::Data(_) => false,
        };
        if is_between { Ok(()) } else { Err(Why::Broken("lz4: ends early")) }
    }

    /// Reads the next part of what is around blocks.
    fn around(&mut self, place: Around, rest: &mut &[u8]) -> Result<Moved, Why> {
        match place {
            Around::Magic => {
                let is_whole = self.gathered.fill(rest, 4).is_some();
                let is_known = MAGICS.iter().any(|magic| self.gathered.agrees_with(magic));
                if !is_known && !is_skipped(self.gathered.bytes()) {
                    return Err(self.no_frame());
                }
                if !is_whole {
                    return Ok(Moved::Hungry(0));
                }
                self.enter();
            }
            Around::Header => {
                let wanted = self.gathered.bytes().first().map_or(1, |flags| header_bytes(*flags));
                let Some(header) = self.gathered.fill(rest, wanted) else {
                    return Ok(Moved::Hungry(0));
                };
                if wanted > 1 {
                    self.frame = Frame::of(header)?;
                    self.gathered.clear();
                    self.place = Place::Around(Around::BlockSize);
                }
            }
            Around::SkipSize => {
                let Some(size) = self.gathered.fill(rest, 4).map(number) else {
                    return Ok(Moved::Hungry(0));
                };
                self.gathered.clear();
                self.place = Place::Around(Around::Skip(u64::from(size), After::Frame));
            }
            Around::Skip(mut left, after) => {
                let is_over = pass(rest, &mut left);
                self.place = Place::Around(match after {
                    _ if !is_over => Around::Skip(left, after),
                    After::Block => Around::BlockSize,
                    After::Frame => Around::Between,
                });
                if !is_over {
                    return Ok(Moved::Hungry(0));
                }
                self.has_frame |= matches!(after, After::Frame);
            }
            Around::BlockSize => {
                let Some(size) = self.gathered.fill(rest, 4).map(number) else {
                    return Ok(Moved::Hungry(0));
                };
                self.block(size)?;
            }
            Around::Between => match rest.split_first() {
                None => return Ok(Moved::Hungry(0)),
                Some((0, after)) => *rest = after,
                Some(_) => self.place = Place::Around(Around::Magic),
            },
        }
        Ok(Moved::On(0))
    }

    /// A magic number was gathered, which is known.
    fn enter(&mut self) {
        let is_skipped = is_skipped(self.gathered.bytes());
        let is_legacy = self.gathered.agrees_with(LEGACY);
        self.gathered.clear();
        self.window.filled = 0;
        self.place = Place::Around(match () {
            () if is_skipped => Around::SkipSize,
            () if is_legacy => Around::BlockSize,
            () => Around::Header,
        });
        self.frame =
            Frame { block_bytes_max: LEGACY_BLOCK_BYTES_MAX, is_legacy, ..Frame::default() };
    }

    /// What the size of a block says.
    fn block(&mut self, size: u32) -> Result<(), Why> {
        let is_legacy = self.frame.is_legacy;
        if is_legacy {
            self.has_frame = true;
            let bytes = self.gathered.bytes();
            if MAGICS.contains(&bytes) || is_skipped(bytes) {
                // No block is that large: it is the next frame.
                self.enter();
                return Ok(());
            }
        }
        self.gathered.clear();
        let is_stored = size & STORED != 0 && !is_legacy;
        self.left = u64::from(if is_stored { size & !STORED } else { size });
        if size == 0 {
            self.place = Place::Around(Around::Skip(self.frame.sum_bytes, After::Frame));
            return Ok(());
        }
        if self.left > self.frame.block_bytes_max {
            return Err(if is_legacy { self.no_frame() } else { Why::Broken(DAMAGED) });
        }
        self.place = match is_stored {
            true => Place::Data(Data::Stored),
            false => Place::Sequence(Sequence::Token),
        };
        Ok(())
    }

    /// Reads a byte of what is between bytes that come out.
    fn sequence(&mut self, place: Sequence, rest: &mut &[u8]) -> Result<Moved, Why> {
        // The last of a block are literals.
        let left = self.left.checked_sub(1).ok_or(Why::Broken(DAMAGED))?;
        let Some((&byte, after)) = rest.split_first() else { return Ok(Moved::Hungry(0)) };
        (self.left, *rest) = (left, after);
        let (count, goes_on) = (usize::from(byte), byte == 255);
        self.place = match place {
            Sequence::Token => {
                let (literals, length) = (count.wrapping_shr(4), count & 15);
                match literals {
                    15 => Place::Sequence(Sequence::Literals { literals, length }),
                    0..15 | 16.. => Place::Data(Data::Literals { literals, length }),
                }
            }
            Sequence::Literals { literals, length } => {
                let literals = literals.saturating_add(count);
                match goes_on {
                    true => Place::Sequence(Sequence::Literals { literals, length }),
                    false => Place::Data(Data::Literals { literals, length }),
                }
            }
            Sequence::Distance { length } => {
                Place::Sequence(Sequence::DistanceHigh { low: byte, length })
            }
            Sequence::DistanceHigh { low, length } => {
                let distance = usize::from(u16::from_le_bytes([low, byte]));
                if distance == 0 || distance > self.window.filled {
                    return Err(Why::Broken(DAMAGED));
                }
                let goes_on = length == 15;
                let length = length.saturating_add(MATCH_BYTES_MIN);
                match goes_on {
                    true => Place::Sequence(Sequence::Length { distance, length }),
                    false => Place::Data(Data::Match { distance, length }),
                }
            }
            Sequence::Length { distance, length } => {
                let length = length.saturating_add(count);
                match goes_on {
                    true => Place::Sequence(Sequence::Length { distance, length }),
                    false => Place::Data(Data::Match { distance, length }),
                }
            }
        };
        Ok(Moved::On(0))
    }

    /// Gives out bytes of the block, or of what came before.
    fn data(&mut self, place: Data, rest: &mut &[u8], room: &mut [u8]) -> Moved {
        let (made, wanted) = match place {
            Data::Match { distance, length } => {
                (self.window.repeat(distance, length, room), length)
            }
            Data::Literals { literals, .. } => {
                let count = literals.min(narrow(self.left));
                (self.window.take(rest, count, room), literals)
            }
            Data::Stored => {
                let wanted = narrow(self.left);
                (self.window.take(rest, wanted, room), wanted)
            }
        };
        let still = wanted.saturating_sub(made);
        let came = u64::try_from(made).unwrap_or(u64::MAX);
        let is_stuck = rest.is_empty();
        self.place = match place {
            Data::Match { distance, .. } if still > 0 => {
                self.place = Place::Data(Data::Match { distance, length: still });
                return Moved::Full(made);
            }
            Data::Match { .. } => {
                self.place = Place::Sequence(Sequence::Token);
                return Moved::On(made);
            }
            Data::Literals { length, .. } if still > 0 && self.left == came => {
                // More literals than the block has bytes: the next byte is refused.
                Place::Sequence(Sequence::Distance { length })
            }
            Data::Literals { length, .. } if still > 0 => {
                Place::Data(Data::Literals { literals: still, length })
            }
            Data::Stored if still > 0 => Place::Data(Data::Stored),
            Data::Literals { length, .. } if self.left > came => {
                Place::Sequence(Sequence::Distance { length })
            }
            Data::Literals { .. } | Data::Stored => {
                Place::Around(Around::Skip(self.frame.block_sum_bytes, After::Block))
            }
        };
        self.left = self.left.saturating_sub(came);
        match () {
            () if still == 0 || self.left == 0 => Moved::On(made),
            () if is_stuck => Moved::Hungry(made),
            () => Moved::Full(made),
        }
    }

    const fn no_frame(&self) -> Why {
        Why::Broken(match self.has_frame {
            true => "lz4: bytes after the last frame",
            false => "lz4: not an lz4 file",
        })
    }
}

/// What a part of a step did: so many bytes came out, and how it goes on.
enum Moved {
    On(usize),
    Hungry(usize),
    Full(usize),
}

impl Frame {
    /// Of a header without its magic number.
    fn of(header: &[u8]) -> Result<Self, Why> {
        let &[flags, sizes, ..] = header else { return Err(Why::Broken(DAMAGED)) };
        if flags & 0xc0 != 0x40 {
            return Err(Why::Unsupported("lz4 of another version"));
        }
        if flags & HAS_DICTIONARY != 0 {
            return Err(Why::Unsupported("lz4 with a dictionary"));
        }
        let block_bytes_max = match sizes & 0x70 {
            0x40 => 64 << 10,
            0x50 => 256 << 10,
            0x60 => 1 << 20,
            0x70 => 4 << 20,
            _ => return Err(Why::Broken(DAMAGED)),
        };
        Ok(Self {
            block_bytes_max,
            block_sum_bytes: if flags & HAS_BLOCK_SUM != 0 { 4 } else { 0 },
            sum_bytes: if flags & HAS_SUM != 0 { 4 } else { 0 },
            is_legacy: false,
        })
    }
}

/// Flags, sizes and a sum, and what the flags say is between.
const fn header_bytes(flags: u8) -> usize {
    let size = if flags & HAS_SIZE != 0 { 8 } else { 0_usize };
    let dictionary = if flags & HAS_DICTIONARY != 0 { 4 } else { 0 };
    size.saturating_add(dictionary).saturating_add(3)
}

impl Window {
    /// Hands up to `count` bytes of `rest` on to the front of `room`, and keeps them.
    fn take(&mut self, rest: &mut &[u8], count: usize, room: &mut [u8]) -> usize {
        let count = count.min(rest.len()).min(room.len());
        let (Some((taken, after)), Some(room)) =
            (rest.split_at_checked(count), room.get_mut(..count))
        else {
            return 0;
        };
        room.copy_from_slice(taken);
        *rest = after;
        self.keep(taken);
        count
    }

    /// Gives out up to `length` bytes that came out `distance` bytes before.
    fn repeat(&mut self, distance: usize, length: usize, room: &mut [u8]) -> usize {
        let wanted = length.min(room.len());
        let mut made = 0_usize;
        while made < wanted {
            let from = self.at.wrapping_sub(distance) & MASK;
            let until_end = WINDOW_BYTES.saturating_sub(from.max(self.at));
            let run = wanted.saturating_sub(made).min(distance).min(until_end);
            let to = made.saturating_add(run);
            let source = self.bytes.get(from..from.saturating_add(run));
            let (Some(source), Some(room)) = (source, room.get_mut(made..to)) else { break };
            room.copy_from_slice(source);
            self.bytes.copy_within(from..from.saturating_add(run), self.at);
            self.advance(run);
            made = to;
        }
        made
    }

    fn keep(&mut self, bytes: &[u8]) {
        let start = bytes.len().saturating_sub(WINDOW_BYTES);
        let mut left = bytes.get(start..).unwrap_or_default();
        while !left.is_empty() {
            let run = left.len().min(WINDOW_BYTES.saturating_sub(self.at));
            let (now, after) = left.split_at_checked(run).unwrap_or((left, &[]));
            if let Some(place) = self.bytes.get_mut(self.at..self.at.saturating_add(run)) {
                place.copy_from_slice(now);
            }
            self.advance(run);
            left = after;
        }
    }

    fn advance(&mut self, count: usize) {
        self.at = self.at.wrapping_add(count) & MASK;
        self.filled = self.filled.saturating_add(count).min(WINDOW_BYTES);
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn narrow(left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// Whether these bytes are a file by their magic number. Frames to be skipped are not enough: zstd has
/// the same ones.
pub(super) fn is_front(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// What follows the frames to be skipped at the front of `head`: nothing when they reach beyond it.
pub(super) fn after_skipped(mut head: &[u8]) -> &[u8] {
    while let Some((magic, rest)) = head.split_at_checked(4)
        && is_skipped(magic)
    {
        let size = rest.first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
        let size = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(4);
        head = rest.get(size..).unwrap_or_default();
    }
    head
}

/// Whether these are the first bytes of a frame to be skipped.
fn is_skipped(bytes: &[u8]) -> bool {
    let mut wanted = bytes.iter().zip(SKIPPED);
    wanted.next().is_none_or(|(first, _)| first & 0xf0 == 0x50)
        && wanted.all(|(byte, wanted)| *byte == wanted)
}

const FRAME: &[u8] = b"\x04\x22\x4d\x18";
const LEGACY: &[u8] = b"\x02\x21\x4c\x18";
const MAGICS: [&[u8]; 2] = [FRAME, LEGACY];
/// The first may be one of sixteen.
const SKIPPED: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// Of the flags of a frame.
const HAS_BLOCK_SUM: u8 = 1 << 4;
const HAS_SIZE: u8 = 1 << 3;
const HAS_SUM: u8 = 1 << 2;
const HAS_DICTIONARY: u8 = 1;
/// Of the size of a block.
const STORED: u32 = 1 << 31;
/// 8 MiB that cannot be packed.
const LEGACY_BLOCK_BYTES_MAX: u64 = (8 << 20) + (8 << 20) / 255 + 16;
const MATCH_BYTES_MIN: usize = 4;
/// No distance is larger.
const WINDOW_BYTES: usize = 64 << 10;
const MASK: usize = WINDOW_BYTES - 1;
const DAMAGED: &str = "lz4: damaged";
