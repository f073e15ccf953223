//! The bytes of the header, the directory and the small records.

use zerocopy::little_endian::{U32, U64};

use crate::engine::database::signature::{OffsetBase, Target};

/// Says that a file is an image at all.
pub(super) const MAGIC: [u8; 8] = *b"BALEEN\r\n";

/// Grows with every change of any section's bytes or of their meaning; other versions are refused,
/// because an image can always be built again.
pub(super) const VERSION: u32 = 7;

/// Magic 8, version 4, zeros 4, number of sections 8, length 8, sum 32.
pub(super) const HEADER_BYTES: usize = 64;

/// Where the sum begins: the last field of the header.
pub(super) const SUM_AT: usize = 32;

/// Sections begin at multiples of this: a cache line, and with it every wider load of the matcher.
pub(super) const ALIGN: usize = 64;

/// Where one section lies: kind, offset, length. The offset counts from the start of the image.
pub(super) type SectionBytes = [U64; 3];

/// The directory, right after the header.
pub(super) type Directory = [SectionBytes; SectionKind::ALL.len()];

/// One pattern of the matcher: the name of a body pattern, or the number of any other among its kind;
/// then target in the low byte, kind of offset, [`PatternKind`], zero.
pub(super) type RecordBytes = [U32; 2];

/// What a pattern of the matcher belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PatternKind {
    /// A body signature: a match is a detection.
    Body = 0,
    /// A subsignature of logical signatures.
    Part = 1,
    /// A string that YARA rules need.
    Atom = 2,
    /// The magic of an embedded object.
    Magic = 3,
}

impl PatternKind {
    const ALL: [Self; 4] = [Self::Body, Self::Part, Self::Atom, Self::Magic];

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Where it stands in the second word of a record.
    pub(super) const fn word(self) -> u32 {
        u32::from_le_bytes([0, 0, self as u8, 0])
    }
}

/// The parts of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// Facts.
    Meta,
    /// Names.
    Names,
    /// Body patterns.
    Signatures,
    /// Digest tables.
    Digests,
    /// Logical signatures.
    Logical,
    /// YARA rules.
    Yara,
    /// Signatures about members of containers.
    Members,
    /// Lists about the links of pages and mails.
    Links,
    /// File types by their magic.
    Types,
    /// The matcher's tables: last, because making them takes the most memory, and what is written by
    /// then takes none.
    Matcher,
}

impl SectionKind {
    /// Every section, in its order.
    pub const ALL: [Self; 10] = [
        Self::Meta,
        Self::Names,
        Self::Signatures,
        Self::Digests,
        Self::Logical,
        Self::Yara,
        Self::Members,
        Self::Links,
        Self::Types,
        Self::Matcher,
    ];

    /// As in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "META",
            Self::Names => "NAMES",
            Self::Signatures => "SIGNATURES",
            Self::Matcher => "MATCHER",
            Self::Digests => "DIGESTS",
            Self::Logical => "LOGICAL",
            Self::Yara => "YARA",
            Self::Members => "MEMBERS",
            Self::Links => "LINKS",
            Self::Types => "TYPES",
        }
    }

    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Meta => 1,
            Self::Names => 2,
            Self::Signatures => 3,
            Self::Matcher => 10,
            Self::Digests => 4,
            Self::Logical => 5,
            Self::Yara => 6,
            Self::Members => 7,
            Self::Links => 8,
            Self::Types => 9,
        }
    }
}

/// What a body pattern's place depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OffsetKind {
    /// Nothing: it may be anywhere.
    Anywhere = 0,
    /// The start of the layer.
    Start = 1,
    /// The end of the layer.
    End = 2,
    /// The entry point or a section of an executable.
    Executable = 3,
}

impl OffsetKind {
    const ALL: [Self; 4] = [Self::Anywhere, Self::Start, Self::End, Self::Executable];

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

impl From<&OffsetBase> for OffsetKind {
    fn from(base: &OffsetBase) -> Self {
        match base {
            OffsetBase::Any => Self::Anywhere,
            OffsetBase::Start(_) => Self::Start,
            OffsetBase::End(_) => Self::End,
            OffsetBase::EntryPoint(_)
            | OffsetBase::Section { .. }
            | OffsetBase::LastSection { .. }
            | OffsetBase::InSection { .. }
            | OffsetBase::VersionInformation => Self::Executable,
        }
    }
}

/// The target of a number, if it is one that signatures are loaded for.
pub(super) fn target_from_number(number: u8) -> Option<Target> {
    Target::ALL.into_iter().find(|target| *target as u8 == number)
}
