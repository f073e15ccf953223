//! The coders of 7z archives, and what undoes them.
//!
//! Filters of the library stand in front of an LZMA2 decoder only: so one that stands alone is given what it
//! filters as blocks of LZMA2 that are not packed.

use liblzma::stream::{Error, Filters, Stream};

use super::header::Coder;
use super::unlock::Lock;
use crate::engine::unpack::cbc::{self, BLOCK_BYTES, Block, Chain};
use crate::engine::unpack::inflate::{Inflate, Inflated, Outcome};
use crate::engine::unpack::key::Key;
use crate::engine::unpack::lz::window::Room;
use crate::engine::unpack::lz::{Packed, Unpack};
use crate::engine::unpack::lzma::{self, Core, Lzma};
use crate::engine::unpack::parts::copy;
use crate::engine::unpack::ppmd::{self, Model, Range, Style};
use crate::engine::unpack::zip::deflate64::Deflate64;
use crate::engine::unpack::{Coding, Pace, Progress, Step, bzip2, zstd};
use crate::engine::verdict::Why;

/// A coder at work.
pub(super) enum Codec {
    Copy,
    Lzma(Lzma),
    Lzma2(Core),
    Filter(Filter),
    Inflate(Inflate),
    Deflate64(Box<Deflate64>),
    Bzip2(bzip2::Bzip2),
    Zstd(zstd::Zstd),
    Ppmd(Box<Ppmd>),
    Aes(Box<Aes>),
}

/// AES, and what came out of a block and was not given out.
pub(super) struct Aes {
    chain: Chain,
    ready: Block,
    given: usize,
}

/// A filter by itself.
pub(super) struct Filter {
    core: Core,
    /// The header of a block that was not taken yet, or the mark of the end.
    header: Vec<u8>,
    /// Bytes of the block that have still to follow.
    left: usize,
    has_begun: bool,
    has_ended: bool,
}

/// A stream of `PPMd`, variant H.
pub(super) struct Ppmd {
    model: Model,
    range: Option<Range>,
}

impl Codec {
    /// Takes the memory for a coder out of which so many bytes come.
    pub(super) fn of(coder: &Coder, size: u64, key: Option<&Key>) -> Result<Self, Why> {
        let properties = &*coder.properties;
        Ok(match coder.method {
            COPY => Self::Copy,
            LZMA => {
                let properties = *properties.first_chunk().ok_or(PROPERTIES)?;
                Self::Lzma(Lzma::raw(properties, Some(size))?)
            }
            LZMA2 => Self::Lzma2(raw(Filters::new().lzma2_properties(&[lzma2_size(coder, size)]))?),
            PPMD => {
                let (order, memory) = ppmd_properties(properties).ok_or(PROPERTIES)?;
                let model = Model::new(order, memory);
                Self::Ppmd(Box::new(Ppmd { model, range: None }))
            }
            DEFLATE => Self::Inflate(Inflate::new()),
            DEFLATE64 => Self::Deflate64(Box::new(Deflate64::new())),
            BZIP2 => Self::Bzip2(bzip2::Bzip2::new()),
            ZSTD => Self::Zstd(zstd::Zstd::new()?),
            AES => {
                let lock = Lock::of(coder).ok_or(Why::Encrypted)?;
                let key = key.and_then(|key| cbc::Key::of(key)).ok_or(Why::Encrypted)?;
                let chain = Chain::new(key, lock.iv());
                let given = BLOCK_BYTES;
                Self::Aes(Box::new(Aes { chain, ready: Block::default(), given }))
            }
            _ => Self::Filter(Filter::of(coder)?),
        })
    }

    /// How dear what comes out of it is.
    pub(super) const fn pace(&self) -> Pace {
        match self {
            Self::Copy | Self::Inflate(_) | Self::Zstd(_) => Pace::Quick,
            Self::Lzma(_)
            | Self::Lzma2(_)
            | Self::Filter(_)
            | Self::Deflate64(_)
            | Self::Aes(_)
            | Self::Bzip2(_) => Pace::Steady,
            Self::Ppmd(_) => Pace::Slowest,
        }
    }

    /// Undoes as much as fits. `is_last` says that nothing follows this input.
    pub(super) fn step(&mut self, input: &[u8], is_last: bool, output: &mut [u8]) -> Inflated {
        match self {
            Self::Copy => {
                let count = copy(input, output);
                Inflated { used: count, made: count, outcome: Outcome::Hungry }
            }
            Self::Lzma(lzma) => of_coding(lzma.step(input, output)),
            Self::Lzma2(core) => core.step(input, output, "7z: damaged LZMA2"),
            Self::Filter(filter) => filter.step(input, is_last, output),
            Self::Aes(aes) => aes.step(input, output),
            Self::Inflate(inflate) => inflate.step(input, output),
            Self::Deflate64(deflate64) => deflate64.step(input, output),
            Self::Bzip2(bzip2) => of_coding(bzip2.step(input, output)),
            Self::Zstd(zstd) => of_coding(zstd.step(input, output)),
            Self::Ppmd(ppmd) => {
                let mut packed = Packed { rest: input, is_last };
                let mut room = Room { output, made: 0 };
                let outcome = ppmd.run(&mut packed, &mut room);
                let used = input.len().saturating_sub(packed.rest.len());
                Inflated { used, made: room.made, outcome }
            }
        }
    }
}

/// Why a coder cannot be undone, if so.
pub(super) const fn refusal(method: u64) -> Option<Why> {
    match method {
        COPY
        | LZMA
        | LZMA2
        | PPMD
        | DEFLATE
        | DEFLATE64
        | BZIP2
        | ZSTD
        | DELTA
        | X86
        | X86_OLD
        | POWERPC
        | POWERPC_OLD
        | IA64
        | IA64_OLD
        | ARM
        | ARM_OLD
        | ARM_THUMB
        | ARM_THUMB_OLD
        | SPARC
        | SPARC_OLD
        | ARM64
        | RISCV
        | AES
        | super::folder::BCJ2 => None,
        _ => Some(Why::Unsupported("7z: a method that is not known")),
    }
}

/// Whether bytes that are no stream of the coder are soon known for that.
pub(super) const fn may_fail(method: u64) -> bool {
    matches!(method, LZMA | LZMA2 | DEFLATE | DEFLATE64 | BZIP2 | ZSTD)
}

/// The memory that a coder takes out of which so many bytes come.
pub(super) fn state_bytes(coder: &Coder, size: u64) -> u64 {
    let held = u64::try_from(super::folder::HELD_BYTES).unwrap_or(u64::MAX);
    let own = match coder.method {
        LZMA => lzma::state_bytes(&[&*coder.properties, &size.to_le_bytes()].concat()),
        LZMA2 => lzma2_bytes(lzma2_size(coder, size)).saturating_add(lzma::CORE_BYTES),
        PPMD => ppmd_properties(&coder.properties)
            .map_or(0, |(_, memory)| u64::from(memory))
            .saturating_add(ppmd::MODEL_BYTES),
        DEFLATE => Coding::Gzip.state_bytes(&[]),
        DEFLATE64 => 80 << 10,
        BZIP2 => Coding::Bzip2.state_bytes(&[]),
        ZSTD => Coding::Zstd.state_bytes(&[]),
        COPY | AES => 0,
        super::folder::BCJ2 => held.saturating_mul(3),
        _ => lzma::CORE_BYTES,
    };
    own.saturating_add(held)
}

/// Order and memory.
fn ppmd_properties(properties: &[u8]) -> Option<(u32, u32)> {
    let (order, rest) = properties.split_first()?;
    let memory = u32::from_le_bytes(*rest.first_chunk()?);
    let is_valid = (2..=64).contains(order) && (1 << 11..=PPMD_BYTES_MAX).contains(&memory);
    is_valid.then_some((u32::from(*order), memory))
}

/// The least dictionary, as LZMA2 writes it, that is enough for so many bytes.
fn lzma2_size(coder: &Coder, size: u64) -> u8 {
    let said = coder.properties.first().copied().unwrap_or(0).min(LZMA2_SIZE_MAX);
    (0..said).find(|least| lzma2_bytes(*least) >= size).unwrap_or(said)
}

fn lzma2_bytes(coded: u8) -> u64 {
    let half = u64::from(2 | coded & 1);
    half.wrapping_shl(u32::from(coded / 2).saturating_add(11)).min(u64::from(u32::MAX))
}

fn raw(filters: Result<&mut Filters, Error>) -> Result<Core, Why> {
    let filters = filters.map_err(|_| PROPERTIES)?;
    Core::of(Stream::new_raw_decoder(filters))
}

impl Filter {
    fn of(coder: &Coder) -> Result<Self, Why> {
        let (mut filters, properties) = (Filters::new(), &*coder.properties);
        let chain = match coder.method {
            DELTA => filters.delta_properties(properties),
            X86 | X86_OLD => filters.x86_properties(properties),
            POWERPC | POWERPC_OLD => filters.powerpc_properties(properties),
            IA64 | IA64_OLD => filters.ia64_properties(properties),
            ARM | ARM_OLD => filters.arm_properties(properties),
            ARM_THUMB | ARM_THUMB_OLD => filters.arm_thumb_properties(properties),
            SPARC | SPARC_OLD => filters.sparc_properties(properties),
            ARM64 => filters.arm64_properties(properties),
            RISCV => filters.riscv_properties(properties),
            _ => return Err(Why::Unsupported("7z: a method that is not known")),
        };
        let core = raw(chain.and_then(|chain| chain.lzma2_properties(&[0])))?;
        let (header, left) = (Vec::new(), 0);
        Ok(Self { core, header, left, has_begun: false, has_ended: false })
    }

    fn step(&mut self, input: &[u8], is_last: bool, output: &mut [u8]) -> Inflated {
        let (mut used, mut made) = (0_usize, 0_usize);
        let outcome = loop {
            let room = output.get_mut(made..).unwrap_or_default();
            let rest = input.get(used..).unwrap_or_default();
            if self.header.is_empty() && self.left == 0 && !self.has_ended {
                self.begin(rest.len(), is_last);
                if self.header.is_empty() {
                    break Outcome::Hungry;
                }
            }
            let is_header = !self.header.is_empty();
            let piece = match is_header {
                true => &self.header,
                false => rest.get(..self.left.min(rest.len())).unwrap_or_default(),
            };
            let step = self.core.step(piece, room, "7z: damaged filter");
            made = made.saturating_add(step.made);
            if is_header {
                self.header.drain(..step.used);
            } else {
                self.left = self.left.saturating_sub(step.used);
                used = used.saturating_add(step.used);
            }
            match step.outcome {
                Outcome::Hungry if !self.has_ended && (step.used > 0 || step.made > 0) => {}
                other @ (Outcome::Hungry | Outcome::Full | Outcome::End | Outcome::Stopped(_)) => {
                    break other;
                }
            }
        };
        Inflated { used, made, outcome }
    }

    /// A block for so many bytes, or the end.
    fn begin(&mut self, count: usize, is_last: bool) {
        let count = count.min(BLOCK_BYTES_MAX);
        let Some(before_last) = count.checked_sub(1) else {
            if is_last {
                self.header.push(0);
                self.has_ended = true;
            }
            return;
        };
        let [.., high, low] = before_last.to_be_bytes();
        // The first block forgets the dictionary.
        let kind = if std::mem::replace(&mut self.has_begun, true) { 2 } else { 1 };
        self.header.extend([kind, high, low]);
        self.left = count;
    }
}

impl Aes {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Inflated {
        let (mut used, mut made) = (0_usize, 0_usize);
        let outcome = loop {
            let room = output.get_mut(made..).unwrap_or_default();
            let given = copy(self.ready.get(self.given..).unwrap_or_default(), room);
            self.given = self.given.saturating_add(given);
            made = made.saturating_add(given);
            if made == output.len() {
                break Outcome::Full;
            }
            let Some(coded) = input.get(used..).and_then(<[u8]>::first_chunk) else {
                break Outcome::Hungry;
            };
            self.ready = self.chain.next(*coded);
            self.given = 0;
            used = used.saturating_add(BLOCK_BYTES);
        };
        Inflated { used, made, outcome }
    }
}

impl Unpack for Ppmd {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        loop {
            if room.made == room.output.len() {
                return Outcome::Full;
            }
            if !packed.has(ppmd::BYTE_BYTES_MAX) {
                return Outcome::Hungry;
            }
            let range = match &mut self.range {
                Some(range) => range,
                empty => match Range::new(Style::SevenZip, packed) {
                    Some(range) => empty.insert(range),
                    None => return DAMAGED_PPMD,
                },
            };
            let next = self.model.next(range, packed);
            if range.is_over() {
                return Outcome::Stopped(super::folder::ENDS_EARLY);
            }
            match next {
                Err(ppmd::Damaged) => return DAMAGED_PPMD,
                Ok(None) => return Outcome::End,
                Ok(Some(byte)) => {
                    if let Some(slot) = room.output.get_mut(room.made) {
                        *slot = byte;
                    }
                    room.made = room.made.saturating_add(1);
                }
            }
        }
    }
}

/// What a coding says, as of a stream that knows its end.
fn of_coding(step: Step) -> Inflated {
    let Step { used, made, progress } = step;
    let outcome = match progress {
        Progress::Stopped(why) => Outcome::Stopped(why),
        Progress::Full => Outcome::Full,
        // A coding has no members.
        Progress::Hungry
        | Progress::Listed
        | Progress::Begin
        | Progress::End(_)
        | Progress::Missed(_) => Outcome::Hungry,
    };
    Inflated { used, made, outcome }
}

const COPY: u64 = 0;
const DELTA: u64 = 3;
const X86: u64 = 4;
const X86_OLD: u64 = 0x0303_0103;
const POWERPC: u64 = 5;
const POWERPC_OLD: u64 = 0x0303_0205;
const IA64: u64 = 6;
const IA64_OLD: u64 = 0x0303_0401;
const ARM: u64 = 7;
const ARM_OLD: u64 = 0x0303_0501;
const ARM_THUMB: u64 = 8;
const ARM_THUMB_OLD: u64 = 0x0303_0701;
const SPARC: u64 = 9;
const SPARC_OLD: u64 = 0x0303_0805;
const ARM64: u64 = 10;
const RISCV: u64 = 11;
const LZMA2: u64 = 0x21;
const LZMA: u64 = 0x03_0101;
const PPMD: u64 = 0x03_0401;
const DEFLATE: u64 = 0x04_0108;
const DEFLATE64: u64 = 0x04_0109;
const BZIP2: u64 = 0x04_0202;
const ZSTD: u64 = 0x04f7_1101;
pub(super) const AES: u64 = 0x06f1_0701;
const PPMD_BYTES_MAX: u32 = u32::MAX - 12 * 3;
const LZMA2_SIZE_MAX: u8 = 40;
const BLOCK_BYTES_MAX: usize = 1 << 16;
const PROPERTIES: Why = Why::Broken("7z: properties of a coder");
const DAMAGED_PPMD: Outcome = Outcome::Stopped(Why::Broken("7z: damaged PPMd"));
