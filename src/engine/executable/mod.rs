//! Headers of executables, read while the file flows by: the entry point and the sections, as places
//! in the file.
//!
//! ```text
//!   bytes of a layer ──▶ Headers ──▶ gather the range that is wanted next ──▶ pe · elf · mach_o
//!                           ▲                                                      │
//!                           └───────────── the next range ◀────────────────────────┤
//!                                                                 Absent or Known ◀┘
//! ```
//!
//! Nothing is looked at twice and nothing is sought: a format says which range of the file it needs
//! next, [`Headers`] keeps those bytes as they pass. The first 4 KiB are kept, so a range may also
//! lie there. A header that points back behind that is `Executable::Absent`; no linker writes one.
//!
//! Behind the headers of a PE three more things are read as they pass, each bounded: its sections, for
//! their digests; its imports, as a text to take a digest of; and the places of its version information.
//!
//! | what | where |
//! | --- | --- |
//! | headers: entry point and sections | `pe`, `elf`, `mach_o`, `field` |
//! | imports | `imports`, `ordinals` |
//! | version information | `resources` |
//! | bytes kept to look things up in | `window` |
//! | all of it for one layer | `inspector` |
//!
//! Absent on purpose: overlays; the parts of universal (fat) Mach-O files, which are members of a
//! container and no headers.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod elf;
mod field;
mod imports;
mod inspector;
mod mach_o;
mod ordinals;
mod pe;
mod resources;
#[cfg(test)]
mod tests;
mod window;

use std::ops::Range;

use super::matcher::{ExecutableMap, RawSection};
pub(super) use inspector::{Found, Inspector};

/// Reads the headers of one layer.
#[derive(Debug)]
struct Headers {
    stage: Stage,
    prefix: Vec<u8>,
    wanted: Range<u64>,
    gathered: Vec<u8>,
    position: u64,
}

/// Which header is being gathered.
#[derive(Clone, Debug)]
enum Stage {
    Pe(pe::Stage),
    Elf(elf::Stage),
    MachO(mach_o::Stage),
}

/// The formats with sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `MZ`.
    Pe,
    /// `\x7fELF`.
    Elf,
    /// One architecture of Mach-O.
    MachO,
}

/// What a format wants after it saw a range.
enum Next {
    Gather(Stage, Range<u64>),
    Absent,
    Known(Known),
}

/// What the headers said.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    map: ExecutableMap,
    /// Of a PE.
    layout: Option<pe::Layout>,
}

/// What is known of the headers after some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heads {
    Unknown,
    Absent,
    Known(Known),
}

impl From<ExecutableMap> for Known {
    fn from(map: ExecutableMap) -> Self {
        Self { map, layout: None }
    }
}

impl Headers {
    fn new(format: Format) -> Self {
        let (stage, wanted) = match format {
            Format::Pe => (Stage::Pe(pe::Stage::Start), pe::FIRST),
            Format::Elf => (Stage::Elf(elf::Stage::Start), elf::FIRST),
            Format::MachO => (Stage::MachO(mach_o::Stage::Start), mach_o::FIRST),
        };
        Self { stage, prefix: Vec::new(), wanted, gathered: Vec::new(), position: 0 }
    }

    /// The next bytes of the layer: how many of them it read, and what is known then. After another
    /// answer than [`Heads::Unknown`] it is done, and the facts are known from that byte on, however
    /// the bytes were cut.
    fn feed(&mut self, bytes: &[u8]) -> (usize, Heads) {
        let mut taken = 0_usize;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            taken = taken.saturating_add(self.gather(rest));
            if self.is_wanting() {
                return (taken, Heads::Unknown);
            }
            match self.stage.next(&self.gathered) {
                Next::Absent => return (taken, Heads::Absent),
                Next::Known(known) => return (taken, Heads::Known(known)),
                Next::Gather(stage, wanted) => {
                    if !self.want(stage, wanted) {
                        return (taken, Heads::Absent);
                    }
                }
            }
        }
    }

    fn is_wanting(&self) -> bool {
        self.position < self.wanted.end
            && self.gathered.len() < usize::try_from(span(&self.wanted)).unwrap_or(usize::MAX)
    }

    /// Keeps what is wanted of `bytes`, up to the end of the wanted range and no further: where the
    /// next stage begins must not depend on how much happened to arrive at once.
    fn gather(&mut self, bytes: &[u8]) -> usize {
        let until_end = self.wanted.end.saturating_sub(self.position);
        let taken = bytes.len().min(usize::try_from(until_end).unwrap_or(usize::MAX));
        let piece = bytes.get(..taken).unwrap_or_default();
        let prefix_room = PREFIX_BYTES.saturating_sub(self.prefix.len());
        self.prefix.extend_from_slice(piece.get(..prefix_room.min(taken)).unwrap_or_default());
        let before = self.wanted.start.saturating_sub(self.position);
        let skipped = usize::try_from(before).unwrap_or(usize::MAX).min(taken);
        self.gathered.extend_from_slice(piece.get(skipped..).unwrap_or_default());
        self.position = self.position.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        taken
    }

    /// Whether the range can still be had: it lies ahead, or in the prefix.
    fn want(&mut self, stage: Stage, wanted: Range<u64>) -> bool {
        if wanted.end < wanted.start || span(&wanted) > GATHERED_BYTES_MAX {
            return false;
        }
        self.gathered.clear();
        let passed = wanted.start..wanted.end.min(self.position);
        if passed.start < passed.end {
            let start = usize::try_from(passed.start).unwrap_or(usize::MAX);
            let end = usize::try_from(passed.end).unwrap_or(usize::MAX);
            let Some(kept) = self.prefix.get(start..end) else {
                return false;
            };
            self.gathered.extend_from_slice(kept);
        }
        self.stage = stage;
        self.wanted = wanted;
        true
    }
}

impl Stage {
    fn next(&self, bytes: &[u8]) -> Next {
        let next = match self {
            Self::Pe(stage) => stage.next(bytes),
            Self::Elf(stage) => stage.next(bytes),
            Self::MachO(stage) => stage.next(bytes),
        };
        next.unwrap_or(Next::Absent)
    }
}

fn span(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// Headers that point back do so to the first page: tiny files that overlap their headers.
const PREFIX_BYTES: usize = 4 << 10;
/// The longest table: 2,048 ELF sections of 64 bytes.
const GATHERED_BYTES_MAX: u64 = 128 << 10;
