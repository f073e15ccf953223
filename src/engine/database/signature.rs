//! Signatures as written: what the loaders read, before anything is compiled.
//!
//! The language is ClamAV's (body patterns: ndb and the subsignatures of ldb; digests: hdb, hsb, fp,
//! sfp, mdb, msb, imp). These are plain values: meaning is given by the matcher and the digest tables.

use std::ops::{Deref, DerefMut};

/// One body pattern with its name and conditions (one line of an `.ndb`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodySignature {
    /// As reported, `.UNOFFICIAL` included.
    pub name: Box<str>,
    /// The kind of layer it is matched in.
    pub target: Target,
    /// Where the match must begin.
    pub offset: Offset,
    /// What must be there.
    pub pattern: Pattern,
    /// Matches in one layer beyond so many change nothing for whoever asks; at most
    /// [`HITS_MAX`](crate::engine::matcher::HITS_MAX). With 1 any match will do, not the first alone.
    pub hits_max: u32,
}

/// The kind of layer that a body pattern is matched in (the numbers are ClamAV's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Target {
    /// Every layer.
    Any = 0,
    /// Portable executables.
    Pe = 1,
    /// OLE2 streams.
    Ole2 = 2,
    /// HTML.
    Html = 3,
    /// Mail.
    Mail = 4,
    /// Images.
    Graphics = 5,
    /// ELF.
    Elf = 6,
    /// Text.
    Text = 7,
    /// Mach-O.
    MachO = 9,
    /// PDF.
    Pdf = 10,
    /// Flash.
    Flash = 11,
    /// Java classes.
    Java = 12,
    /// Data of no known type.
    Other = 14,
}

impl Target {
    /// Every target that signatures are loaded for.
    pub const ALL: [Self; 13] = [
        Self::Any,
        Self::Pe,
        Self::Ole2,
        Self::Html,
        Self::Mail,
        Self::Graphics,
        Self::Elf,
        Self::Text,
        Self::MachO,
        Self::Pdf,
        Self::Flash,
        Self::Java,
        Self::Other,
    ];

    /// Whether layers of this kind have an entry point and sections.
    #[must_use]
    pub const fn is_executable(self) -> bool {
        matches!(self, Self::Pe | Self::Elf | Self::MachO)
    }
}

/// Where the first part of a pattern, its leading wildcards included, must begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset {
    /// The place that is counted from.
    pub base: OffsetBase,
    /// The match may begin up to this many bytes after it, both ends inclusive.
    pub shift: u32,
}

/// The place that an offset is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffsetBase {
    /// Anywhere.
    Any,
    /// So many bytes after the start of the layer.
    Start(u64),
    /// So many bytes before the end of the layer.
    End(u64),
    /// So many bytes after (before, when negative) the file offset of the entry point.
    EntryPoint(i64),
    /// So many bytes after the raw start of a section.
    Section {
        /// Of the section, from 0.
        index: u16,
        /// Bytes.
        plus: u64,
    },
    /// So many bytes after the raw start of the last section.
    LastSection {
        /// Bytes.
        plus: u64,
    },
    /// Anywhere between the raw start of a section and its raw end, both inclusive.
    InSection {
        /// Of the section, from 0.
        index: u16,
    },
    /// Where a string of the version information of a PE begins: the first byte of its key.
    VersionInformation,
}

/// Parts with gaps between them: `parts[i]`, `gaps[i]`, `parts[i + 1]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// At least one.
    pub parts: Vec<Part>,
    /// One fewer than parts. Counted from the end of a part to the start of the next.
    pub gaps: Vec<Gap>,
    /// Bytes of any value that must exist before the first part (a leading `{n}`); the match begins with them.
    pub lead: u32,
    /// Bytes of any value that must exist after the last part (a closing `{n}`).
    pub trail: u32,
}

/// How many bytes may lie between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// At least so many.
    pub min: u32,
    /// At most so many; `None` for any number (`*`, `{n-}`).
    pub max: Option<u32>,
}

/// A run of units without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// A condition on the byte before the part.
    pub left: Option<Edge>,
    /// In order; at least one.
    pub units: Vec<Unit>,
    /// A condition on the byte after the part.
    pub right: Option<Edge>,
}

/// The runs of an alternative, behind one thin pointer: sets have tens of millions of units while they
/// load, nearly all of them bytes, and the widest unit decides what each of them costs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choices(
    #[expect(clippy::box_collection, reason = "a slice or a vector would double every unit")]
    Box<Vec<Vec<Unit>>>,
);

impl From<Vec<Vec<Unit>>> for Choices {
    fn from(choices: Vec<Vec<Unit>>) -> Self {
        Self(Box::new(choices))
    }
}

impl FromIterator<Vec<Unit>> for Choices {
    fn from_iter<I: IntoIterator<Item = Vec<Unit>>>(choices: I) -> Self {
        Self(Box::new(choices.into_iter().collect()))
    }
}

impl Deref for Choices {
    type Target = [Vec<Unit>];

    fn deref(&self) -> &[Vec<Unit>] {
        &self.0
    }
}

impl DerefMut for Choices {
    fn deref_mut(&mut self) -> &mut [Vec<Unit>] {
        &mut self.0
    }
}

impl<'a> IntoIterator for &'a Choices {
    type Item = &'a Vec<Unit>;
    type IntoIter = std::slice::Iter<'a, Vec<Unit>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One step of a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// One byte: `byte & mask == value`. Masks are FF (fixed), F0 and 0F (nibbles) and 00 (`??`).
    Byte {
        /// What the masked byte must be; no bit outside of the mask is set.
        value: u8,
        /// Which bits count.
        mask: u8,
    },
    /// One of several runs, which may nest and differ in length; negated: none of them, all of one length.
    Choice {
        /// Written with `!`.
        negated: bool,
        /// At least one, none of them empty.
        choices: Choices,
    },
    /// From `min` to `max` bytes of any value: the distance of an anchor byte, `HH[x-y]`. At most 32.
    Skip {
        /// At least so many bytes.
        min: u8,
        /// At most so many bytes.
        max: u8,
    },
    /// A boundary in the middle of a part; it consumes bytes.
    Boundary(Edge),
}

/// A boundary: `(B)`, `(L)`, `(W)` and their negations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Which one.
    pub kind: EdgeKind,
    /// Written with `!`.
    pub negated: bool,
}

/// The three boundaries of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// `(B)`: a word boundary as ClamAV draws it.
    Word,
    /// `(L)`: the start or the end of a line.
    Line,
    /// `(W)`: a byte that is not alphanumeric.
    NonAlphanumeric,
    /// `(W)` of a subsignature with the modifier `w`: a 16-bit unit that is not alphanumeric. Only at
    /// the ends of a part.
    WideNonAlphanumeric,
}

/// A digest with a name (one line of an hdb, hsb, fp, sfp, mdb, msb or imp).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestSignature {
    /// As reported.
    pub name: Box<str>,
    /// What it is the digest of.
    pub subject: Subject,
    /// MD5, SHA-1 or SHA-256.
    pub digest: Digest,
    /// The subject's size in bytes; `None` for `*`.
    pub size: Option<u32>,
}

/// What a digest is taken of, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A whole object, which is bad then.
    Bad,
    /// A whole object, which is trusted then.
    Trusted,
    /// One section of a PE, as it lies in the file.
    Section,
    /// The list of a PE's imported functions, as text.
    Imports,
}

impl Subject {
    /// Every subject, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Bad, Self::Trusted, Self::Section, Self::Imports];
}

impl From<Purpose> for Subject {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Detect => Self::Bad,
            Purpose::Trust => Self::Trusted,
        }
    }
}

/// What a digest says about the object that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// It is bad.
    Detect,
    /// It is trusted: detections in it are dropped.
    Trust,
}

/// A digest, told apart by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// 16 bytes.
    Md5([u8; 16]),
    /// 20 bytes.
    Sha1([u8; 20]),
    /// 32 bytes.
    Sha256([u8; 32]),
}

/// Names a body signature inside one image: its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignatureId(pub u32);

/// Names a name inside one image: its place in the table of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);
