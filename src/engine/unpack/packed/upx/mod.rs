//! Programs packed by UPX: where it put the blocks is known, so they are decompressed without running
//! anything, also those of 64 bits.
//!
//! | | |
//! | --- | --- |
//! | methods | NRV2B, NRV2D, NRV2E with words of 8, 16 and 32 bits; LZMA |
//! | filters | targets of calls and jumps on x86; others leave the code as it was filtered |
//! | programs | PE of 32 and 64 bits, ELF of 32 and 64 bits in both orders of bytes |
//!
//! A program for Windows comes out with the headers and the sections that it had; its table of imports is
//! as UPX left it, without names. What is not as UPX writes it is run instead, if it can be.
//!
//! Absent on purpose: Mach-O, DOS, shared objects, kernels.

pub(super) mod elf;
mod filter;
mod nrv;

use crate::engine::unpack::numbers::le32;
use std::ops::Range;

use self::elf::Elf;
use self::nrv::{Code, Nrv};
use super::headers::{CODE, Headers};
use super::rebuild::Rebuilt;
use crate::engine::unpack::Progress;
use crate::engine::unpack::lzma::Lzma;
use crate::engine::verdict::Why;

/// A program being decompressed.
pub(super) struct Upx {
    kind: Kind,
    /// What came out of all blocks so far.
    out: Vec<u8>,
    /// Bytes that all blocks together may have.
    bytes_max: usize,
    block: Option<Working>,
}

enum Kind {
    /// One block: the memory of the program from this address on.
    Windows { base: u32, headers: Box<Headers> },
    /// Blocks, the next of which is at this place; the first had so many bytes.
    Elf { elf: Elf, next: usize, first: Option<usize> },
}

/// A compressed part of a file.
#[derive(Debug)]
struct Block {
    packed: Range<usize>,
    /// Bytes that come out of it.
    plain: usize,
    method: Method,
    filter: Filter,
}

#[derive(Clone, Copy, Debug)]
struct Filter {
    kind: u8,
    mark: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Stored,
    Nrv(Code, u8),
    Lzma,
}

/// A block that is being decompressed.
struct Working {
    block: Block,
    /// Where its first byte is in what comes out.
    start: usize,
    decoder: Decoder,
}

enum Decoder {
    Stored,
    Nrv(Nrv),
    /// With the bytes of the input that were read.
    Lzma(Box<Lzma>, usize),
}

impl Method {
    /// Of its number in UPX's headers.
    const fn of(number: u8) -> Option<Self> {
        Some(match number {
            2 => Self::Nrv(Code::B, 4),
            3 => Self::Nrv(Code::B, 1),
            4 => Self::Nrv(Code::B, 2),
            5 => Self::Nrv(Code::D, 4),
            6 => Self::Nrv(Code::D, 1),
            7 => Self::Nrv(Code::D, 2),
            8 => Self::Nrv(Code::E, 4),
            9 => Self::Nrv(Code::E, 1),
            10 => Self::Nrv(Code::E, 2),
            14 => Self::Lzma,
            _ => return None,
        })
    }
}

impl Upx {
    /// For a program for Windows, when UPX's header is in front of its compressed section.
    pub(super) fn of_windows(headers: &Headers, file: &[u8]) -> Option<Self> {
        let [memory, packed, ..] = headers.sections.as_slice() else { return None };
        let front = file.get(..(packed.start as usize).saturating_add(64).min(file.len()))?;
        let found = memchr::memmem::rfind(front, b"UPX!")?;
        let head = file.get(found..found.checked_add(HEADER_BYTES)?)?;
        let [_, _, _, _, _, _, method, _, ..] = *head else { return None };
        let plain = le32(head, 16)? as usize;
        let start = found.checked_add(HEADER_BYTES)?;
        let end = start.checked_add(le32(head, 20)? as usize)?;
        let filter = Filter { kind: *head.get(28)?, mark: *head.get(29)? };
        (end <= file.len() && plain <= PLAIN_BYTES_MAX).then_some(())?;
        let block = Block { packed: start..end, plain, method: Method::of(method)?, filter };
        let kind = Kind::Windows { base: memory.address, headers: Box::new(headers.clone()) };
        let mut upx = Self { kind, out: Vec::new(), bytes_max: plain, block: None };
        upx.begin(block, file)?;
        Some(upx)
    }

    pub(super) fn of_elf(file: &[u8]) -> Option<Self> {
        let front = elf::read(file)?;
        let bytes_max = front.program_bytes.min(PLAIN_BYTES_MAX);
        let kind = Kind::Elf { elf: front.elf, next: front.blocks, first: None };
        Some(Self { kind, out: Vec::new(), bytes_max, block: None })
    }

    /// The most memory that it takes, in bytes: what comes out, once more while its room grows, and a
    /// dictionary of the same size.
    pub(super) fn state_bytes(&self) -> u64 {
        u64::try_from(self.bytes_max).unwrap_or(u64::MAX).saturating_mul(3).saturating_add(1 << 20)
    }

    /// Decompresses some of it. At the end: everything that came out, and the file to make of it.
    pub(super) fn step(&mut self, file: &[u8]) -> Result<Option<(Vec<u8>, Rebuilt)>, Why> {
        let Some(mut working) = self.block.take() else { return self.next_block(file) };
        if !working.step(file, &mut self.out)? {
            self.block = Some(working);
            return Ok(None);
        }
        let Working { block, start, .. } = working;
        match &mut self.kind {
            Kind::Windows { base, headers } => {
                let rebuilt = windows(&mut self.out, *base, headers, file, block.filter);
                let rebuilt = rebuilt.ok_or(DAMAGED)?;
                Ok(Some((std::mem::take(&mut self.out), rebuilt)))
            }
            Kind::Elf { next, first, .. } => {
                first.get_or_insert(block.plain);
                let Filter { kind, mark } = block.filter;
                filter::undo(kind, mark, self.out.get_mut(start..).unwrap_or_default());
                *next = block.packed.end;
                Ok(None)
            }
        }
    }

    /// Of an ELF file: begins the next block, or makes a file of all of them.
    fn next_block(&mut self, file: &[u8]) -> Result<Option<(Vec<u8>, Rebuilt)>, Why> {
        let Kind::Elf { elf, next, first } = self.kind else { return Err(DAMAGED) };
        let left = self.bytes_max.saturating_sub(self.out.len());
        let block = elf.block(file, next).filter(|block| block.plain <= left);
        if let Some(block) = block
            && self.begin(block, file).is_some()
        {
            return Ok(None);
        }
        let first = first.ok_or(DAMAGED)?;
        let rebuilt = segments(elf, &self.out, first).ok_or(DAMAGED)?;
        Ok(Some((std::mem::take(&mut self.out), rebuilt)))
    }

    fn begin(&mut self, block: Block, file: &[u8]) -> Option<()> {
        let packed = file.get(block.packed.clone())?;
        let decoder = match block.method {
            Method::Stored => Decoder::Stored,
            Method::Nrv(code, word_bytes) => Decoder::Nrv(Nrv::new(code, word_bytes)),
            Method::Lzma => {
                let (lzma, read) = lzma(packed, block.plain)?;
                Decoder::Lzma(Box::new(lzma), read)
            }
        };
        self.block = Some(Working { block, start: self.out.len(), decoder });
        Some(())
    }
}

impl Working {
    /// Adds some bytes to `out`. True when the block has given all of its bytes.
    fn step(&mut self, file: &[u8], out: &mut Vec<u8>) -> Result<bool, Why> {
        let packed = file.get(self.block.packed.clone()).ok_or(DAMAGED)?;
        let end = self.start.saturating_add(self.block.plain);
        let until = out.len().saturating_add(BYTES_PER_STEP).min(end);
        match &mut self.decoder {
            Decoder::Stored => {
                let from = out.len().saturating_sub(self.start);
                let to = until.saturating_sub(self.start);
                out.extend_from_slice(packed.get(from..to).ok_or(DAMAGED)?);
            }
            Decoder::Nrv(nrv) => {
                if nrv.step(packed, out, until)? {
                    return if out.len() == end { Ok(true) } else { Err(DAMAGED) };
                }
            }
            Decoder::Lzma(lzma, read) => {
                let before = out.len();
                out.resize(until, 0);
                let room = out.get_mut(before..).unwrap_or_default();
                let step = lzma.step(packed.get(*read..).unwrap_or_default(), room);
                *read = read.saturating_add(step.used);
                out.truncate(before.saturating_add(step.made));
                let is_stuck = step.made == 0 && out.len() < end;
                if is_stuck || matches!(step.progress, Progress::Stopped(_)) && out.len() < end {
                    return Err(DAMAGED);
                }
            }
        }
        Ok(out.len() >= end)
    }
}

/// A decoder of a stream behind UPX's two bytes of properties.
fn lzma(packed: &[u8], plain: usize) -> Option<(Lzma, usize)> {
    let [first, second, ..] = *packed else { return None };
    let (position, literal_position, context) = (first & 7, second >> 4, second & 15);
    let is_right = context <= 8 && literal_position <= 4 && position <= 4;
    is_right.then_some(())?;
    let properties = position.checked_mul(5)?.checked_add(literal_position)?;
    let properties = properties.checked_mul(9)?.checked_add(context)?;
    let dictionary = u32::try_from(plain).ok()?.to_le_bytes();
    let [a, b, c, d] = dictionary;
    let lzma = Lzma::raw([properties, a, b, c, d], u64::try_from(plain).ok());
    Some((lzma.ok()?, LZMA_HEADER_BYTES))
}

/// The program that UPX packed: behind its sections are its headers, and their place is in the last four
/// bytes.
fn windows(
    out: &mut [u8],
    base: u32,
    headers: &Headers,
    file: &[u8],
    filter: Filter,
) -> Option<Rebuilt> {
    let place = le32(out, out.len().checked_sub(4)?)? as usize;
    let own = Headers::at(out, place)?;
    let table = place.checked_add(24)?.checked_add(own.optional_bytes)?;
    let end = table.checked_add(own.sections.len().checked_mul(40)?)?;
    let mut front = file.get(..headers.at)?.to_vec();
    front.extend_from_slice(out.get(place..end)?);
    let code = own.sections.iter().find(|section| section.has(CODE));
    let (from, length) = (le32(out, place.checked_add(44)?)?, le32(out, place.checked_add(28)?)?);
    let from = from.checked_sub(base).or_else(|| code?.address.checked_sub(base))? as usize;
    let until = from.saturating_add(length as usize).min(out.len());
    filter::undo(filter.kind, filter.mark, out.get_mut(from..until).unwrap_or_default());
    let parts = own.sections.iter().filter(|section| section.start > 0).filter_map(|section| {
        let from = section.address.checked_sub(base)? as usize;
        let until = from.saturating_add(section.bytes as usize).min(out.len());
        (from < until && (section.start as usize) < FILE_BYTES_MAX)
            .then_some((section.start as usize, from..until))
    });
    Some(Rebuilt::of_parts(front, parts.collect()))
}

/// The bytes of each segment at its place in the file. What is left over is behind them.
fn segments(elf: Elf, out: &[u8], first: usize) -> Option<Rebuilt> {
    let mut parts = vec![(0, 0..first)];
    let (mut from, mut end) = (first, first);
    for segment in elf.segments(out.get(..first)?)? {
        // The first segment usually begins with the headers.
        let start = segment.start.max(first);
        let length = segment.end.saturating_sub(start).min(out.len().saturating_sub(from));
        if length > 0 && start < FILE_BYTES_MAX {
            parts.push((start, from..from.saturating_add(length)));
            from = from.saturating_add(length);
            end = end.max(start.saturating_add(length));
        }
    }
    if from < out.len() {
        parts.push((end, from..out.len()));
    }
    Some(Rebuilt::of_parts(Vec::new(), parts))
}

/// UPX's header in front of a compressed section.
const HEADER_BYTES: usize = 32;
const LZMA_HEADER_BYTES: usize = 2;
/// Programs that have more are not decompressed.
const PLAIN_BYTES_MAX: usize = 32 << 20;
/// Parts of a file are not further behind.
const FILE_BYTES_MAX: usize = 64 << 20;
/// Bytes that come out in one step.
const BYTES_PER_STEP: usize = 16 << 10;
const DAMAGED: Why = Why::Unsupported("program packed by UPX");
