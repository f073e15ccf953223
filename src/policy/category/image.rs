//! The compiled database: one block of bytes that is mapped, checked once, and then only read.
//!
//! ```text
//!   Head         256 bytes: magic · version · time of build · counts · where sections are · two digests
//!   RECORDS      one for each host or address: which set of lists it is on, its text
//!   BUCKETS      64 bytes each: 10 × (16 bits of hash, 32 bits of place), by hash
//!   SETS         sets of lists, in the order of their numbers
//!   SOURCES      the lists: name, categories, SHA-256, counts
//!   EXPRESSIONS  regular expressions, each with its list
//! ```
//!
//! A key is a host (`example.com`), a host with a port (`10.0.0.1:81`), a host with a canonical path
//! (`example.com/ad`), or a path for all hosts (`/bad.sh`). Where it is in BUCKETS its hash says: the bucket
//! at that part of the section, or one of the next few, as many as that bucket says. So a key that is not
//! there costs one line of cache, nearly always; one that is there costs one more for its record. A
//! bucket is eight tenths full and a record is its text and two or three bytes: about 30 bytes an entry.
//!
//! Nothing in it is an address, every integer is little endian and unaligned: it can be mapped anywhere,
//! on any machine. The head carries SHA-256 of the body (that is the identity of the content: the time of
//! the build is not in it) and SHA-256 of itself. Numbers in the body are not believed even so: every
//! access is checked, and a place that is none is an entry that is none.
//!
//! Absent on purpose: the file. Bytes come from the caller, mapped or read.

use sha2::{Digest, Sha256};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::names::Categories;
use super::source::{Counts, SourceFacts};

/// Slots of one line of cache.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Bucket {
    /// Slots that are taken, from the first.
    pub(super) count: u8,
    /// How many buckets behind this one may hold what belongs here.
    pub(super) further: u8,
    reserved: [u8; 2],
    pub(super) tags: [U16; SLOTS],
    pub(super) records: [U32; SLOTS],
}

impl Bucket {
    pub(super) const EMPTY: Self = Self {
        count: 0,
        further: 0,
        reserved: [0; 2],
        tags: [U16::ZERO; SLOTS],
        records: [U32::ZERO; SLOTS],
    };
}

/// Slots of a bucket.
pub(super) const SLOTS: usize = 10;

const _: () = assert!(size_of::<Bucket>() == 64);

/// The bucket of a hash, of so many without those at the end that only take what does not fit.
pub(super) fn home(hash: u64, buckets: usize) -> usize {
    let product = u128::from(hash).saturating_mul(u128::try_from(buckets).unwrap_or(0));
    usize::try_from(product >> 64).unwrap_or(usize::MAX)
}

/// What is compared before a record is looked at. The high bits of a hash say where it is.
pub(super) fn tag(hash: u64) -> u16 {
    u16::try_from(hash & 0xffff).unwrap_or(0)
}

/// Buckets behind the last home: nothing is further away.
pub(super) const FURTHER_MAX: usize = 32;

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'i> {
    /// The number of its set of lists; 0 is the empty set.
    pub(super) set: usize,
    /// Whether there are keys of this host with a path.
    pub(super) has_paths: bool,
    /// Whether there are keys of this host with a port.
    pub(super) has_ports: bool,
    pub(super) text: &'i [u8],
}

impl<'i> Record<'i> {
    /// Reads the record at a place.
    pub(super) fn read(records: &'i [u8], at: usize) -> Option<Self> {
        let mut rest = records.get(at..)?;
        let head = varint(&mut rest)?;
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        Some(Self {
            set: usize::try_from(head >> 2).ok()?,
            has_paths: head & 1 != 0,
            has_ports: head & 2 != 0,
            text: rest.get(..length)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let set = u32::try_from(self.set).unwrap_or(u32::MAX >> 2);
        put_varint((set << 2) | u32::from(self.has_ports) << 1 | u32::from(self.has_paths), out);
        put_varint(u32::try_from(self.text.len()).unwrap_or(u32::MAX), out);
        out.extend_from_slice(self.text);
    }
}

fn varint(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn put_varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

/// What stands in the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) created_seconds: u64,
    /// Labels of the longest host name: longer ones are not looked up.
    pub(super) labels_max: u64,
    pub(super) counts: Counts,
    /// Start and end of each section, in the order of the file.
    pub(super) sections: [(u64, u64); SECTIONS],
    pub(super) body: [u8; 32],
}

impl Head {
    pub(super) fn render(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend_from_slice(MAGIC);
        let counts = &self.counts;
        let numbers = [
            FORMAT,
            self.created_seconds,
            self.labels_max,
            counts.hosts,
            counts.addresses,
            counts.ports,
            counts.paths,
            counts.paths_anywhere,
            counts.expressions,
        ];
        let places = self.sections.iter().flat_map(|&(start, end)| [start, end]);
        numbers.into_iter().chain(places).for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend_from_slice(&self.body);
        let sum: [u8; 32] = Sha256::digest(&bytes).into();
        bytes.extend_from_slice(&sum);
        let mut head = [0; HEAD_BYTES];
        for (slot, byte) in head.iter_mut().zip(bytes) {
            *slot = byte;
        }
        head
    }

    /// Reads a head whose own digest is right, and whose sections are inside of `length` bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImageFault> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ImageFault::Magic)?;
        let mut words = rest.chunks_exact(8).map_while(|word| word.try_into().ok());
        let mut number = || words.next().map(u64::from_le_bytes).ok_or(ImageFault::Short);
        let version = number()?;
        if version != FORMAT {
            return Err(ImageFault::Version { found: version });
        }
        let mut head =
            Self { created_seconds: number()?, labels_max: number()?, ..Self::default() };
        head.counts = Counts {
            hosts: number()?,
            addresses: number()?,
            ports: number()?,
            paths: number()?,
            paths_anywhere: number()?,
            expressions: number()?,
        };
        for section in &mut head.sections {
            *section = (number()?, number()?);
        }
        let (before, after) = bytes.split_at_checked(BODY_AT).ok_or(ImageFault::Short)?;
        let (body, after) = after.split_first_chunk::<32>().ok_or(ImageFault::Short)?;
        let sum = after.first_chunk::<32>().ok_or(ImageFault::Short)?;
        let mut digest = Sha256::new();
        digest.update(before);
        digest.update(body);
        if <[u8; 32]>::from(digest.finalize()) != *sum {
            return Err(ImageFault::Digest);
        }
        head.body = *body;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut end = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
        for section in head.sections {
            if section.0 < end || section.1 < section.0 || section.1 > length {
                return Err(ImageFault::Section);
            }
            end = section.1;
        }
        if end == length { Ok(head) } else { Err(ImageFault::Section) }
    }

    /// The bytes of a section.
    pub(super) fn section<'i>(&self, section: Section, bytes: &'i [u8]) -> &'i [u8] {
        let place = self.sections.get(section as usize).copied().unwrap_or_default();
        let at = |place| usize::try_from(place).unwrap_or(usize::MAX);
        bytes.get(at(place.0)..at(place.1)).unwrap_or_default()
    }
}

/// The sections, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Records,
    Buckets,
    Sets,
    Sources,
    Expressions,
}

/// A set of lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) categories: Categories,
    pub(super) sources: Box<[u16]>,
}

pub(super) fn render_sets(sets: &[Box<[u16]>]) -> Vec<u8> {
    let mut out = Vec::new();
    for set in sets {
        put_varint(u32::try_from(set.len()).unwrap_or(u32::MAX), &mut out);
        set.iter().for_each(|&source| put_varint(u32::from(source), &mut out));
    }
    out
}

pub(super) fn read_sets(
    mut rest: &[u8],
    sources: &[SourceFacts],
) -> Result<Box<[Set]>, ImageFault> {
    let mut sets = Vec::new();
    while !rest.is_empty() {
        let count = varint(&mut rest).ok_or(ImageFault::Section)?;
        let mut set = Set::default();
        let mut numbers = Vec::new();
        for _ in 0..count {
            let number = varint(&mut rest).ok_or(ImageFault::Section)?;
            let number = u16::try_from(number).map_err(|_| ImageFault::Section)?;
            let source = sources.get(usize::from(number)).ok_or(ImageFault::Section)?;
            set.categories = set.categories.union(source.categories);
            numbers.push(number);
        }
        set.sources = numbers.into();
        sets.push(set);
    }
    Ok(sets.into())
}

pub(super) fn render_sources(sources: &[SourceFacts]) -> Vec<u8> {
    let mut out = Vec::new();
    for source in sources {
        put_varint(u32::try_from(source.name.len()).unwrap_or(u32::MAX), &mut out);
        out.extend_from_slice(source.name.as_bytes());
        put_varint(source.categories.bits(), &mut out);
        out.extend_from_slice(&source.sha256);
        for number in [source.lines, source.loaded, source.bad] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
    out
}

pub(super) fn read_sources(mut rest: &[u8]) -> Result<Box<[SourceFacts]>, ImageFault> {
    let mut sources = Vec::new();
    while !rest.is_empty() {
        let source = read_source(&mut rest).ok_or(ImageFault::Section)?;
        if sources.len() > usize::from(u16::MAX) {
            return Err(ImageFault::Section);
        }
        sources.push(source);
    }
    Ok(sources.into())
}

fn read_source(rest: &mut &[u8]) -> Option<SourceFacts> {
    let length = usize::try_from(varint(rest)?).ok()?;
    let (name, after) = rest.split_at_checked(length)?;
    *rest = after;
    let categories = Categories::from_bits(varint(rest)?);
    let (sha256, after) = rest.split_first_chunk::<32>()?;
    *rest = after;
    let mut number = || {
        let (word, after) = rest.split_first_chunk::<8>()?;
        *rest = after;
        Some(u64::from_le_bytes(*word))
    };
    let (lines, loaded, bad) = (number()?, number()?, number()?);
    let name = std::str::from_utf8(name).ok()?.into();
    Some(SourceFacts { name, categories, sha256: *sha256, lines, loaded, bad })
}

/// Expressions, each with its list.
pub(super) type Texts = Box<[(u16, Box<str>)]>;

pub(super) fn render_expressions(expressions: &[(u16, Box<str>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (source, text) in expressions {
        put_varint(u32::from(*source), &mut out);
        put_varint(u32::try_from(text.len()).unwrap_or(u32::MAX), &mut out);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

pub(super) fn read_expressions(
    mut rest: &[u8],
    sources: &[SourceFacts],
) -> Result<Texts, ImageFault> {
    let mut expressions = Vec::new();
    let read = |rest: &mut &[u8]| {
        let source = u16::try_from(varint(rest)?).ok()?;
        sources.get(usize::from(source))?;
        let length = usize::try_from(varint(rest)?).ok()?;
        let (text, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some((source, std::str::from_utf8(text).ok()?.into()))
    };
    while !rest.is_empty() {
        expressions.push(read(&mut rest).ok_or(ImageFault::Section)?);
    }
    Ok(expressions.into())
}

/// The same image under digests that fit, whatever is in it: for tests of what lies behind them.
#[must_use]
pub fn resealed(mut image: Vec<u8>) -> Vec<u8> {
    let body: [u8; 32] = Sha256::digest(image.get(HEAD_BYTES..).unwrap_or_default()).into();
    if let Some(slot) = image.get_mut(BODY_AT..).and_then(|rest| rest.first_chunk_mut()) {
        *slot = body;
    }
    let sum_at = BODY_AT.saturating_add(body.len());
    let sum: [u8; 32] = Sha256::digest(image.get(..sum_at).unwrap_or_default()).into();
    if let Some(slot) = image.get_mut(sum_at..).and_then(|rest| rest.first_chunk_mut()) {
        *slot = sum;
    }
    image
}

/// Why bytes are no database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageFault {
    /// They begin otherwise.
    Magic,
    /// They are of another version.
    Version {
        /// Which.
        found: u64,
    },
    /// They end early.
    Short,
    /// They are not what was written.
    Digest,
    /// A section is not where or what it should be.
    Section,
    /// The expressions cannot be compiled by this version.
    Expressions,
}

impl std::fmt::Display for ImageFault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Magic => out.write_str("this is no database of categories"),
            Self::Version { found } => {
                write!(
                    out,
                    "the database is of version {found}, version {FORMAT} is needed: build it again"
                )
            }
            Self::Short => out.write_str("the database ends early"),
            Self::Digest => out.write_str("the database is damaged: its digest does not fit"),
            Self::Section => {
                out.write_str("the database is damaged: a section is not what it should be")
            }
            Self::Expressions => {
                out.write_str("an expression of the database cannot be compiled: build it again")
            }
        }
    }
}

impl std::error::Error for ImageFault {}

/// What an image begins with.
pub(super) const MAGIC: &[u8; 8] = b"BALEENCT";

/// Grows with every change of the layout, of the canonical form, or of the hash.
pub(super) const FORMAT: u64 = 1;

/// Number of sections.
pub(super) const SECTIONS: usize = 5;

/// Where the digest of the body stands: behind magic, nine numbers, and the places of the sections.
const BODY_AT: usize = 8 + 9 * 8 + SECTIONS * 16;

/// The head with what is kept free behind it.
pub(super) const HEAD_BYTES: usize = 256;

const _: () = assert!(BODY_AT + 64 <= HEAD_BYTES);
