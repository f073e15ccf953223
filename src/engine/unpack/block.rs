//! A block of an [`xz`](super::xz) file: LZMA2, and what filters are in front of it.
//!
//! What comes out of a damaged block must not depend on how it was cut, and that of the library does. Its
//! LZMA2 reads over the end of a chunk when there is input behind it, so it is given a chunk at a time
//! ([`Chunks`]). Its filters for programs hold some bytes back, and those that come out in the call that
//! fails are given out unfiltered: blocks with such a filter are decoded byte by byte through a buffer
//! of their own ([`Slow`]), which takes about twice the time.

use liblzma::stream::{Error, Filters, Stream};

use super::inflate::{Inflated, Outcome};
use super::lzma::{CORE_BYTES, Core};
use super::parts::{hand_on, wide};
use super::xz::DAMAGED;
use crate::engine::verdict::{Limit, Why};

/// A block at work.
pub(super) struct Block {
    core: Core,
    way: Way,
}

enum Way {
    Fast(Chunks),
    Slow(Slow),
}

/// Where in LZMA2 the next byte belongs.
#[derive(Default)]
struct Chunks {
    /// Of the header of a chunk, as far as it came.
    header: [u8; 5],
    header_bytes: usize,
    /// Bytes of the chunk that are left.
    left: usize,
    /// The last chunk is all there, but perhaps not all of it came out.
    is_draining: bool,
}

/// What came out of a slow block and was not given out.
struct Slow {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// What follows that.
    next: Outcome,
}

/// A number of up to nine bytes, seven bits in each, the lowest first.
#[derive(Clone, Copy, Default)]
pub(super) struct Number {
    value: u64,
    bits: u32,
}

impl Block {
    /// For a block with this header (without its first byte), when no more than `state_bytes_max` are
    /// needed for it.
    ///
    /// # Errors
    ///
    /// The reason for which it cannot be read.
    pub(super) fn of(header: &[u8], state_bytes_max: u64) -> Result<Self, Why> {
        let mut chain = Filters::new();
        let (mut needed, mut is_slow) = (None, false);
        each_filter(header, |id, properties| {
            if needed.is_some() {
                return Err(Why::Broken(DAMAGED));
            }
            match id {
                LZMA2 => needed = Some(state_bytes_of(properties)),
                DELTA => {}
                _ => is_slow = true,
            }
            add_filter(&mut chain, id, properties)
        })?;
        match needed {
            None => return Err(Why::Broken(DAMAGED)),
            Some(needed) if needed > state_bytes_max => {
                return Err(Why::Limit(Limit::MaxScanState));
            }
            Some(_) => {}
        }
        let core = Core::of(Stream::new_raw_decoder(&chain))?;
        let way = if is_slow { Way::Slow(Slow::new()) } else { Way::Fast(Chunks::default()) };
        Ok(Self { core, way })
    }

    /// As [`Unpacker::step`](super::Unpacker::step).
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        match &mut self.way {
            Way::Fast(chunks) => chunks.step(&mut self.core, input, output),
            Way::Slow(slow) => slow.step(&mut self.core, input, output),
        }
    }
}

impl Chunks {
    fn step(&mut self, core: &mut Core, input: &[u8], output: &mut [u8]) -> Inflated {
        let (mut used, mut made) = (0_usize, 0_usize);
        let outcome = loop {
            let rest = input.get(used..).unwrap_or_default();
            let room = output.get_mut(made..).unwrap_or_default();
            let is_front = self.left == 0 && !self.is_draining;
            let wanted = if is_front { 1 } else { self.left };
            let piece = rest.get(..wanted).unwrap_or(rest);
            if is_front && piece.is_empty() {
                break Outcome::Hungry;
            }
            let unpacked = core.step(piece, room, DAMAGED);
            used = used.saturating_add(unpacked.used);
            if is_front {
                match unpacked.outcome {
                    // The byte was taken for one of the chunk before it, which was not whole: what the
                    // library made of that is chance, and depends on the room.
                    Outcome::Stopped(why) => break Outcome::Stopped(why),
                    Outcome::End => break Outcome::End,
                    Outcome::Full => break Outcome::Full,
                    Outcome::Hungry => self.take(piece),
                }
                continue;
            }
            made = made.saturating_add(unpacked.made);
            self.left = self.left.saturating_sub(unpacked.used);
            self.is_draining = self.left == 0;
            match unpacked.outcome {
                Outcome::Hungry if self.is_draining => self.is_draining = false,
                Outcome::Hungry => break Outcome::Hungry,
                other @ (Outcome::Full | Outcome::End | Outcome::Stopped(_)) => break other,
            }
        };
        Inflated { used, made, outcome }
    }

    /// A byte of the header of a chunk, which the library took for one.
    fn take(&mut self, piece: &[u8]) {
        if let (Some(to), Some(byte)) = (self.header.get_mut(self.header_bytes), piece.first()) {
            *to = *byte;
        }
        self.header_bytes = self.header_bytes.saturating_add(1);
        let [control, a, b, c, d] = self.header;
        // Stored, or packed: two bytes of size, two of packed size, and perhaps one of properties.
        let (whole, size) = match control {
            0..=0x7f => (3, u16::from_be_bytes([a, b])),
            0x80..=0xbf => (5, u16::from_be_bytes([c, d])),
            0xc0..=0xff => (6, u16::from_be_bytes([c, d])),
        };
        if self.header_bytes == whole {
            self.header_bytes = 0;
            self.left = usize::from(size).saturating_add(1);
        }
    }
}

impl Slow {
    fn new() -> Self {
        Self { buffer: vec![0; SLOW_BYTES], start: 0, end: 0, next: Outcome::Hungry }
    }

    /// The calls of the library are the same ones whatever the input and the room.
    fn step(&mut self, core: &mut Core, input: &[u8], output: &mut [u8]) -> Inflated {
        let (mut used, mut made) = (0_usize, 0_usize);
        let outcome = loop {
            let mut kept = self.buffer.get(self.start..self.end).unwrap_or_default();
            let mut left = wide(kept.len());
            let room = output.get_mut(made..).unwrap_or_default();
            let given = hand_on(&mut kept, &mut left, room);
            made = made.saturating_add(given);
            self.start = self.start.saturating_add(given);
            if left > 0 {
                break Outcome::Full;
            }
            let piece = match std::mem::replace(&mut self.next, Outcome::Hungry) {
                Outcome::Full => &[][..],
                Outcome::Hungry => match input.get(used..).unwrap_or_default() {
                    [] => break Outcome::Hungry,
                    [byte, ..] => std::slice::from_ref(byte),
                },
                last @ (Outcome::End | Outcome::Stopped(_)) => break last,
            };
            let unpacked = core.step(piece, &mut self.buffer, DAMAGED);
            used = used.saturating_add(unpacked.used);
            (self.start, self.end) = (0, unpacked.made);
            self.next = unpacked.outcome;
        };
        Inflated { used, made, outcome }
    }
}

impl Number {
    /// Takes its next byte, and gives the number when that is the last.
    pub(super) fn add(&mut self, byte: u8) -> Result<Option<u64>, Why> {
        if self.bits > 56 {
            return Err(Why::Broken(DAMAGED));
        }
        self.value |= u64::from(byte & 0x7f).wrapping_shl(self.bits);
        self.bits = self.bits.saturating_add(7);
        Ok((byte & 0x80 == 0).then_some(self.value))
    }

    /// The number at the front of `bytes`.
    fn read(bytes: &mut &[u8]) -> Result<u64, Why> {
        let mut number = Self::default();
        while let Some(byte) = take(bytes) {
            if let Some(value) = number.add(byte)? {
                return Ok(value);
            }
        }
        Err(Why::Broken(DAMAGED))
    }
}

/// Calls `take_filter` with each filter of a block's header, which comes without its first byte.
pub(super) fn each_filter(
    header: &[u8],
    mut take_filter: impl FnMut(u64, &[u8]) -> Result<(), Why>,
) -> Result<(), Why> {
    let mut rest = header;
    let flags = take(&mut rest).ok_or(Why::Broken(DAMAGED))?;
    for has_size in [0x40, 0x80] {
        if flags & has_size != 0 {
            Number::read(&mut rest)?;
        }
    }
    for _filter in 0..=(flags & 3) {
        let id = Number::read(&mut rest)?;
        let length = Number::read(&mut rest)?;
        let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let (properties, after) = split.ok_or(Why::Broken(DAMAGED))?;
        take_filter(id, properties)?;
        rest = after;
    }
    Ok(())
}

fn add_filter(chain: &mut Filters, id: u64, properties: &[u8]) -> Result<(), Why> {
    let added = match id {
        LZMA2 => chain.lzma2_properties(properties),
        DELTA => chain.delta_properties(properties),
        0x04 => chain.x86_properties(properties),
        0x05 => chain.powerpc_properties(properties),
        0x06 => chain.ia64_properties(properties),
        0x07 => chain.arm_properties(properties),
        0x08 => chain.arm_thumb_properties(properties),
        0x09 => chain.sparc_properties(properties),
        0x0a => chain.arm64_properties(properties),
        0x0b => chain.riscv_properties(properties),
        _ => return Err(Why::Unsupported("xz with a filter of another kind")),
    };
    match added {
        Ok(_) => Ok(()),
        Err(Error::Mem) => Err(Why::Limit(Limit::MaxScanState)),
        Err(_) => Err(Why::Broken(DAMAGED)),
    }
}

/// The memory that LZMA2 with these properties takes, in bytes.
pub(super) fn state_bytes_of(properties: &[u8]) -> u64 {
    let coded = u32::from(properties.first().copied().unwrap_or_default()).min(40);
    // 2 or 3, times a power of two.
    let mantissa = 2 | u64::from(coded & 1);
    let dictionary = mantissa.wrapping_shl((coded / 2).saturating_add(11));
    dictionary.saturating_add(CORE_BYTES)
}

/// Takes the first byte.
pub(super) fn take(rest: &mut &[u8]) -> Option<u8> {
    let (&byte, after) = rest.split_first()?;
    *rest = after;
    Some(byte)
}

pub(super) const LZMA2: u64 = 0x21;
const DELTA: u64 = 0x03;
/// A multiple of what any filter holds back.
const SLOW_BYTES: usize = 4 << 10;
