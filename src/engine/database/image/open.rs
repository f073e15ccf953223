//! Opening an image: the only place that doubts its bytes.
//!
//! Everything later relies on what is checked here, in this order: header, digest, directory,
//! facts, names, records, digests, matcher. After that, a view is a slice.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use sha2::Digest as _;
use zerocopy::FromBytes;
use zerocopy::little_endian::{U32, U64};

use crate::engine::database::DatabaseFacts;
use crate::engine::database::signature::{NameId, SignatureId, Target};
use crate::engine::digest::{Tables, TablesFault};
use crate::engine::matcher::{Matcher, MatcherFault};
use crate::engine::yara::{Rules, YaraFault};

use super::layout::{
    ALIGN, Directory, HEADER_BYTES, MAGIC, OffsetKind, PatternKind, RecordBytes, SectionKind,
    VERSION, target_from_number,
};

/// A checked image. Cheap to share: the bytes stay where they are.
#[derive(Clone)]
pub struct Image {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    sections: [Range<usize>; SectionKind::ALL.len()],
    facts: Arc<DatabaseFacts>,
    /// Rules are not read in place: they are made once, here.
    yara: Option<Arc<Rules>>,
}

/// One body pattern as the image knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureView<'a> {
    /// As reported, `.UNOFFICIAL` included.
    pub name: &'a str,
    /// The kind of layer it is matched in.
    pub target: Target,
    /// What its place depends on.
    pub offset: OffsetKind,
}

impl Image {
    /// The first bytes of every image.
    pub const MAGIC: [u8; 8] = MAGIC;

    /// Checks everything once: header, digest and every index of every section.
    ///
    /// # Errors
    ///
    /// [`ImageFault`] says where the bytes are not those of an image of this version.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<Self, ImageFault> {
        let all: &[u8] = (*bytes).as_ref();
        check_header(all)?;
        let sections = directory(all)?;
        let facts = {
            let part = |kind: SectionKind| section(all, &sections, kind);
            let facts = serde_json::from_slice(part(SectionKind::Meta))
                .map_err(|fault| ImageFault::Meta(fault.to_string().into()))?;
            let names = Names::open(part(SectionKind::Names)).ok_or(ImageFault::Names)?;
            names.check().ok_or(ImageFault::Names)?;
            check_records(part(SectionKind::Signatures), &names)?;
            let tables = Tables::open(part(SectionKind::Digests)).map_err(ImageFault::Digests)?;
            tables.check(names.count()).map_err(ImageFault::Digests)?;
            let patterns = part(SectionKind::Matcher);
            if !patterns.is_empty() {
                let patterns = Matcher::open(patterns).map_err(ImageFault::Matcher)?;
                patterns.check().map_err(ImageFault::Matcher)?;
            }
            facts
        };
        let yara = open_yara(
            section(all, &sections, SectionKind::Yara),
            section(all, &sections, SectionKind::Signatures),
        )?;
        Ok(Self { bytes, sections, facts: Arc::new(facts), yara })
    }

    /// What the image says about itself.
    #[must_use]
    pub fn facts(&self) -> &DatabaseFacts {
        &self.facts
    }

    /// The digest tables.
    ///
    /// # Panics
    ///
    /// Never: [`Image::open`] opened the same bytes.
    #[must_use]
    pub fn digests(&self) -> Tables<'_> {
        Tables::open(self.section(SectionKind::Digests)).unwrap_or(Tables::EMPTY)
    }

    /// The compiled body patterns; `None` in an image that was built without any.
    #[must_use]
    pub fn matcher(&self) -> Option<Matcher<'_>> {
        Matcher::open(self.section(SectionKind::Matcher)).ok()
    }

    /// The YARA rules; `None` in an image that was built without any.
    pub(in crate::engine) const fn yara(&self) -> Option<&Arc<Rules>> {
        self.yara.as_ref()
    }

    /// The bytes of a section, as `engine::matcher` wrote them for [`SectionKind::Matcher`].
    #[must_use]
    pub fn section(&self, kind: SectionKind) -> &[u8] {
        section((*self.bytes).as_ref(), &self.sections, kind)
    }

    /// The size of the whole image in bytes.
    #[must_use]
    pub fn bytes_count(&self) -> usize {
        (*self.bytes).as_ref().len()
    }

    /// The number of patterns of the matcher; every smaller id names one.
    #[must_use]
    pub fn pattern_count(&self) -> usize {
        self.records().len()
    }

    /// What a pattern belongs to, and its number among those of its kind: for a body pattern that of
    /// its name. `None` when the image has no such id.
    #[must_use]
    pub fn pattern(&self, id: SignatureId) -> Option<(PatternKind, u32)> {
        let [number, word] = self.records().get(id.0 as usize)?;
        let [_, _, kind, _] = word.get().to_le_bytes();
        Some((PatternKind::from_number(kind)?, number.get()))
    }

    /// One body pattern; `None` when the image has no such id, or another kind of pattern there.
    #[must_use]
    pub fn signature(&self, id: SignatureId) -> Option<SignatureView<'_>> {
        let [name, word] = self.records().get(id.0 as usize)?;
        let [target, offset, kind, _] = word.get().to_le_bytes();
        if PatternKind::from_number(kind)? != PatternKind::Body {
            return None;
        }
        Some(SignatureView {
            name: self.name(NameId(name.get())),
            target: target_from_number(target)?,
            offset: OffsetKind::from_number(offset)?,
        })
    }

    /// A name; empty when the image has no such id.
    #[must_use]
    pub fn name(&self, id: NameId) -> &str {
        Names::open(self.section(SectionKind::Names))
            .and_then(|names| names.get(id.0 as usize))
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }

    fn records(&self) -> &[RecordBytes] {
        <[RecordBytes]>::ref_from_bytes(self.section(SectionKind::Signatures)).unwrap_or_default()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Image")
            .field("version", &self.facts.version)
            .field("content", &self.facts.content)
            .finish_non_exhaustive()
    }
}

fn section<'a>(
    all: &'a [u8],
    sections: &[Range<usize>; SectionKind::ALL.len()],
    kind: SectionKind,
) -> &'a [u8] {
    let [meta, names, signatures, matcher, digests, logical, yara, links, types] = sections;
    let range = match kind {
        SectionKind::Meta => meta,
        SectionKind::Names => names,
        SectionKind::Signatures => signatures,
        SectionKind::Matcher => matcher,
        SectionKind::Digests => digests,
        SectionKind::Logical => logical,
        SectionKind::Yara => yara,
        SectionKind::Links => links,
        SectionKind::Types => types,
    };
    all.get(range.clone()).unwrap_or_default()
}

fn check_header(all: &[u8]) -> Result<(), ImageFault> {
    let (header, body) = all.split_at_checked(HEADER_BYTES).ok_or(ImageFault::Short(all.len()))?;
    let fault = ImageFault::Short(all.len());
    let (magic, rest) = <[u8; 8]>::read_from_prefix(header).map_err(|_| fault.clone())?;
    if magic != MAGIC {
        return Err(ImageFault::Magic);
    }
    let (version, rest) = U32::read_from_prefix(rest).map_err(|_| fault.clone())?;
    if version.get() != VERSION {
        return Err(ImageFault::Version(version.get()));
    }
    let (zeros, rest) = U32::read_from_prefix(rest).map_err(|_| fault.clone())?;
    let (count, rest) = U64::read_from_prefix(rest).map_err(|_| fault.clone())?;
    let (length, digest) = U64::read_from_prefix(rest).map_err(|_| fault)?;
    if zeros.get() != 0 || count.get() != SectionKind::ALL.len() as u64 {
        return Err(ImageFault::Header);
    }
    if length.get() != all.len() as u64 {
        return Err(ImageFault::Length { said: length.get(), found: all.len() as u64 });
    }
    if sha2::Sha256::digest(body).as_slice() == digest { Ok(()) } else { Err(ImageFault::Digest) }
}

/// Rules and the patterns that select them belong together.
fn open_yara(rules: &[u8], records: &[u8]) -> Result<Option<Arc<Rules>>, ImageFault> {
    let records = <[RecordBytes]>::ref_from_bytes(records).unwrap_or_default();
    let is_atom = |[_, word]: &&RecordBytes| {
        let [_, _, kind, _] = word.get().to_le_bytes();
        PatternKind::from_number(kind) == Some(PatternKind::Atom)
    };
    let atoms = records.iter().filter(is_atom).count();
    if rules.is_empty() && atoms == 0 {
        return Ok(None);
    }
    let rules = Rules::open(rules).map_err(ImageFault::Yara)?;
    if rules.atom_count() != atoms {
        return Err(ImageFault::Yara(YaraFault::Index));
    }
    Ok(Some(Arc::new(rules)))
}

/// Sections lie in their order, aligned, without overlap, inside the image.
fn directory(all: &[u8]) -> Result<[Range<usize>; SectionKind::ALL.len()], ImageFault> {
    let body = all.get(HEADER_BYTES..).unwrap_or_default();
    let (directory, _) =
        Directory::read_from_prefix(body).map_err(|_| ImageFault::Short(all.len()))?;
    let mut sections = [const { 0..0 }; SectionKind::ALL.len()];
    let mut free = HEADER_BYTES.saturating_add(size_of::<Directory>());
    for ((kind, place), range) in SectionKind::ALL.into_iter().zip(directory).zip(&mut sections) {
        let [number, offset, length] = place.map(|word| usize::try_from(word.get()).ok());
        let (Some(number), Some(from), Some(length)) = (number, offset, length) else {
            return Err(ImageFault::Place(kind));
        };
        let to = from.checked_add(length).ok_or(ImageFault::Place(kind))?;
        let aligned = from.is_multiple_of(ALIGN);
        if number as u64 != kind.number() || from < free || !aligned || to > all.len() {
            return Err(ImageFault::Place(kind));
        }
        *range = from..to;
        free = to;
    }
    Ok(sections)
}

fn check_records(section: &[u8], names: &Names<'_>) -> Result<(), ImageFault> {
    let records = <[RecordBytes]>::ref_from_bytes(section)
        .map_err(|_| ImageFault::Place(SectionKind::Signatures))?;
    for (index, [name, word]) in records.iter().enumerate() {
        let [target, offset, kind, zero] = word.get().to_le_bytes();
        let kind = PatternKind::from_number(kind);
        if kind.is_none()
            || (kind == Some(PatternKind::Body) && name.get() >= names.count())
            || target_from_number(target).is_none()
            || OffsetKind::from_number(offset).is_none()
            || zero != 0
        {
            return Err(ImageFault::Record(index));
        }
    }
    Ok(())
}

/// The NAMES section as a view.
#[derive(Clone, Copy)]
struct Names<'a> {
    ends: &'a [U32],
    bytes: &'a [u8],
}

impl<'a> Names<'a> {
    fn open(section: &'a [u8]) -> Option<Self> {
        let (count, rest) = U64::ref_from_prefix(section).ok()?;
        let ends = usize::try_from(count.get()).ok()?.checked_add(1)?;
        let (ends, bytes) = <[U32]>::ref_from_prefix_with_elems(rest, ends).ok()?;
        Some(Self { ends, bytes })
    }

    fn check(&self) -> Option<()> {
        let (first, last) = (self.ends.first()?.get(), self.ends.last()?.get());
        let whole = first == 0 && last as usize == self.bytes.len() && self.ends.is_sorted();
        let text = std::str::from_utf8(self.bytes).ok()?;
        let cut_well = |end: &U32| text.is_char_boundary(end.get() as usize);
        (whole && self.ends.iter().all(cut_well)).then_some(())
    }

    fn get(&self, index: usize) -> Option<&'a [u8]> {
        let from = self.ends.get(index)?.get() as usize;
        let to = self.ends.get(index.checked_add(1)?)?.get() as usize;
        self.bytes.get(from..to)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.ends.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

/// Why bytes are not an image that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageFault {
    /// So many bytes cannot hold even header and directory.
    Short(usize),
    /// The first eight bytes are not those of an image.
    Magic,
    /// An image of this version of the layout.
    Version(u32),
    /// A field of the header that is always the same is not.
    Header,
    /// The header says another length than there is, in bytes.
    Length {
        /// By the header.
        said: u64,
        /// In fact.
        found: u64,
    },
    /// The bytes after the header are not those that were written.
    Digest,
    /// A section does not lie where one can.
    Place(SectionKind),
    /// The facts cannot be read.
    Meta(Box<str>),
    /// The table of names is not one.
    Names,
    /// The record of this body pattern.
    Record(usize),
    /// The digest tables.
    Digests(TablesFault),
    /// The compiled body patterns.
    Matcher(MatcherFault),
    /// The YARA rules.
    Yara(YaraFault),
}

impl fmt::Display for ImageFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(found) => write!(out, "{found} bytes are too few for an image"),
            Self::Magic => out.write_str("byte 0: not a compiled database"),
            Self::Version(found) => write!(
                out,
                "byte 8: layout version {found}, this program reads {VERSION}: build it again"
            ),
            Self::Header => out.write_str("byte 12: the header is not that of an image"),
            Self::Length { said, found } => {
                write!(out, "byte 24: {said} bytes were written, {found} are there")
            }
            Self::Digest => out.write_str("byte 32: the digest does not fit the content"),
            Self::Place(kind) => write!(out, "section {}: not inside the image", kind.name()),
            Self::Meta(text) => write!(out, "section META: {text}"),
            Self::Names => out.write_str("section NAMES: not a table of names"),
            Self::Record(index) => write!(out, "section SIGNATURES: record {index} is not valid"),
            Self::Digests(fault) => write!(out, "section DIGESTS: {fault}"),
            Self::Matcher(fault) => write!(out, "section MATCHER: {fault}"),
            Self::Yara(fault) => write!(out, "section YARA: {fault}"),
        }
    }
}

impl std::error::Error for ImageFault {}
