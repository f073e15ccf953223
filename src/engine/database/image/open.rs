//! Opening an image: the only place that doubts its bytes.
//!
//! Everything later relies on what is checked here, in this order: header, then the sum
//! and the sections side by side, then the facts. After that, a view is a slice.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use zerocopy::FromBytes;
use zerocopy::little_endian::{U32, U64};

use crate::engine::database::DatabaseFacts;
use crate::engine::database::names::NameTable;
use crate::engine::database::signature::{NameId, SignatureId, Target};
use crate::engine::database::workers::{Alone, Workers, gather};
use crate::engine::digest::{Tables, TablesFault};
use crate::engine::file_type::{Types, TypesFault};
use crate::engine::links::{LinksFault, Lists, Regexes};
use crate::engine::logical::{Logical, LogicalFault};
use crate::engine::matcher::{Matcher, MatcherFault, TargetSet};
use crate::engine::members::Members;
use crate::engine::regex::{RegexFlags, Shelf};
use crate::engine::yara::{Rules, YaraFault};

use super::layout::{
    ALIGN, Directory, HEADER_BYTES, MAGIC, OffsetKind, PatternKind, RecordBytes, SUM_AT,
    SectionKind, VERSION, target_from_number,
};
use super::seal::{self, PIECE_BYTES, PieceSum};
use super::write::HEAD_BYTES;

/// A checked image. Cheap to share: the bytes stay where they are.
#[derive(Clone)]
pub struct Image {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    sections: Sections,
    facts: Arc<DatabaseFacts>,
    regexes: Regexes,
    /// Compiled when they are needed for the first time.
    shelf: Arc<Shelf>,
    kept: Option<TargetSet>,
    /// Rules are not read in place: they are made once, here.
    yara: Option<Arc<Rules>>,
    /// Nor are these.
    members: Arc<Members>,
}

/// One body pattern as the image knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureView<'a> {
    /// As reported, `.UNOFFICIAL` included.
    pub name: Cow<'a, str>,
    /// The kind of layer it is matched in.
    pub target: Target,
    /// What its place depends on.
    pub offset: OffsetKind,
}

impl Image {
    /// The first bytes of every image.
    pub const MAGIC: [u8; 8] = MAGIC;

    /// Checks everything once: header, sum and every index of every section.
    ///
    /// # Errors
    ///
    /// [`ImageFault`] says where the bytes are not those of an image of this version.
    pub fn open(bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Result<Self, ImageFault> {
        Self::open_with(bytes, &Alone)
    }

    /// [`Image::open`] with the checks spread over `workers`.
    ///
    /// # Errors
    ///
    /// As [`Image::open`]; the same bytes give the same fault.
    pub fn open_with(
        bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
        workers: &dyn Workers,
    ) -> Result<Self, ImageFault> {
        let (sections, facts) = checked((*bytes).as_ref(), workers)?;
        let links = section((*bytes).as_ref(), &sections, SectionKind::Links);
        let regexes = Lists::check(links).map_err(ImageFault::Links)?;
        let names = open_names((*bytes).as_ref(), &sections)?.count();
        let members = section((*bytes).as_ref(), &sections, SectionKind::Members);
        let members = Members::open(members, names);
        let members = members.map_err(|fault| ImageFault::Members(fault.into()))?;
        let yara = open_yara(
            section((*bytes).as_ref(), &sections, SectionKind::Yara),
            section((*bytes).as_ref(), &sections, SectionKind::Signatures),
        )?;
        let logical = section((*bytes).as_ref(), &sections, SectionKind::Logical);
        let logical = Logical::open(logical).ok();
        let rows = logical.iter().flat_map(Logical::regexes);
        let rows = rows.map(|(pattern, flags)| {
            (pattern, RegexFlags::parse(flags).unwrap_or(RegexFlags::NONE))
        });
        let shelf = Arc::new(Shelf::new(rows));
        let kept = logical.as_ref().and_then(Logical::kept);
        let facts = Arc::new(facts);
        Ok(Self { bytes, sections, facts, regexes, shelf, kept, yara, members: Arc::new(members) })
    }

    /// What the image says about itself.
    #[must_use]
    pub fn facts(&self) -> &DatabaseFacts {
        &self.facts
    }

    /// The digest tables.
    #[must_use]
    pub fn digests(&self) -> Tables<'_> {
        Tables::opened(self.section(SectionKind::Digests))
    }

    /// The compiled body patterns; `None` in an image that was built without any.
    #[must_use]
    pub fn matcher(&self) -> Option<Matcher<'_>> {
        Matcher::open(self.section(SectionKind::Matcher)).ok()
    }

    /// The signatures about members of containers.
    pub(in crate::engine) fn members(&self) -> &Members {
        &self.members
    }

    /// The lists about links; `None` when the database brings none.
    #[must_use]
    pub(in crate::engine) fn links(&self) -> Option<Lists<'_>> {
        Lists::open(self.section(SectionKind::Links), &self.regexes)
    }

    /// The table of magic numbers that the database brings; empty when it brings none.
    #[must_use]
    pub(in crate::engine) fn types(&self) -> Types<'_> {
        Types::open(self.section(SectionKind::Types)).unwrap_or(Types::EMPTY)
    }

    /// The logical signatures; `None` in an image that was built without any.
    #[must_use]
    pub fn logical(&self) -> Option<Logical<'_>> {
        Logical::open(self.section(SectionKind::Logical)).ok()
    }

    /// The layers that something may have to look at as a whole, if there are any.
    pub(in crate::engine) fn deferred_targets(&self) -> Option<TargetSet> {
        match self.yara {
            Some(_) => Some(TargetSet::ANY),
            None => self.kept,
        }
    }

    /// The regular expressions of the logical signatures.
    pub(in crate::engine) const fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
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
    pub fn name(&self, id: NameId) -> Cow<'_, str> {
        NameTable::open(self.section(SectionKind::Names))
            .and_then(|names| names.get(id.0 as usize))
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

fn section<'a>(all: &'a [u8], sections: &Sections, kind: SectionKind) -> &'a [u8] {
    let [meta, names, signatures, digests, logical, yara, members, links, types, matcher] =
        sections;
    let range = match kind {
        SectionKind::Meta => meta,
        SectionKind::Names => names,
        SectionKind::Signatures => signatures,
        SectionKind::Matcher => matcher,
        SectionKind::Digests => digests,
        SectionKind::Logical => logical,
        SectionKind::Yara => yara,
        SectionKind::Members => members,
        SectionKind::Links => links,
        SectionKind::Types => types,
    };
    all.get(range.clone()).unwrap_or_default()
}

/// Where each section lies.
type Sections = [Range<usize>; SectionKind::ALL.len()];

/// Everything that is doubted. The sections are looked at while the sum is still being made, but a
/// wrong sum has the first word: what else is wrong is then its consequence.
fn checked(all: &[u8], workers: &dyn Workers) -> Result<(Sections, DatabaseFacts), ImageFault> {
    let sum = check_header(all)?;
    let sections = directory(all);
    let body = all.get(HEAD_BYTES..).unwrap_or_default();
    let pieces = body.len().div_ceil(PIECE_BYTES);
    let checks = sections.as_ref().map(|sections| checks(all, sections)).unwrap_or_default();
    let jobs = checks.len().saturating_add(pieces);
    let found = gather(workers, jobs, &|job| match (checks.get(job), &sections) {
        (Some(check), Ok(sections)) => Found::Checked(check.run(all, sections)),
        (Some(_) | None, _) => {
            let start = job.saturating_sub(checks.len()).saturating_mul(PIECE_BYTES);
            let end = start.saturating_add(PIECE_BYTES).min(body.len());
            Found::Sum(seal::piece_sum(body.get(start..end).unwrap_or_default()))
        }
    });
    let mut sums = Vec::with_capacity(pieces);
    let mut verdict = Ok(());
    for found in found {
        match found {
            Found::Sum(sum) => sums.push(sum),
            Found::Checked(outcome) => verdict = verdict.and(outcome),
        }
    }
    let unsummed = all.get(..SUM_AT).unwrap_or_default();
    let places = all.get(HEADER_BYTES..HEAD_BYTES).unwrap_or_default();
    if seal::root([unsummed, places], &sums) != sum {
        return Err(ImageFault::Digest);
    }
    let sections = sections?;
    verdict?;
    let facts = serde_json::from_slice(section(all, &sections, SectionKind::Meta))
        .map_err(|fault| ImageFault::Meta(fault.to_string().into()))?;
    Ok((sections, facts))
}

/// What a job gave.
enum Found {
    Sum(PieceSum),
    Checked(Result<(), ImageFault>),
}

/// A look at one section, or at a piece of a large one.
#[derive(Clone, Copy)]
enum Check {
    Names(usize),
    Records(usize),
    Digests(usize),
    Matcher,
    Logical,
    Types,
}

/// The checks of sections, in the order in which their faults are told. Where a table cannot be opened,
/// its first piece says so.
fn checks(all: &[u8], sections: &Sections) -> Vec<Check> {
    let names = open_names(all, sections).map_or(1, |names| names.pieces());
    let records = records(all, sections).map_or(1, |records| records.len().div_ceil(PIECE_RECORDS));
    let digests = open_digests(all, sections).map_or(1, |tables| tables.pieces());
    let large = (0..names).map(Check::Names).chain((0..records).map(Check::Records));
    let large = large.chain((0..digests).map(Check::Digests));
    large.chain([Check::Matcher, Check::Logical, Check::Types]).collect()
}

impl Check {
    fn run(self, all: &[u8], sections: &Sections) -> Result<(), ImageFault> {
        match self {
            Self::Names(piece) => {
                let names = open_names(all, sections)?;
                names.check_piece(piece).ok_or(ImageFault::Names)
            }
            Self::Records(piece) => {
                check_records(records(all, sections)?, piece, open_names(all, sections)?.count())
            }
            Self::Digests(piece) => {
                let names = open_names(all, sections)?;
                let tables = open_digests(all, sections)?;
                tables.check_piece(piece, names.count()).map_err(ImageFault::Digests)
            }
            Self::Matcher => check_matcher(all, sections),
            Self::Logical => check_logical(all, sections),
            Self::Types => check_types(all, sections),
        }
    }
}

fn check_matcher(all: &[u8], sections: &Sections) -> Result<(), ImageFault> {
    let patterns = section(all, sections, SectionKind::Matcher);
    if patterns.is_empty() {
        return Ok(());
    }
    let patterns = Matcher::open(patterns).map_err(ImageFault::Matcher)?;
    patterns.check().map_err(ImageFault::Matcher)
}

fn check_logical(all: &[u8], sections: &Sections) -> Result<(), ImageFault> {
    let logical = section(all, sections, SectionKind::Logical);
    if logical.is_empty() {
        return Ok(());
    }
    let names = open_names(all, sections)?.count();
    let parts = count_of(PatternKind::Part, section(all, sections, SectionKind::Signatures));
    let logical = Logical::open(logical).map_err(ImageFault::Logical)?;
    logical.check(names, parts).map_err(ImageFault::Logical)
}

fn check_types(all: &[u8], sections: &Sections) -> Result<(), ImageFault> {
    let types = section(all, sections, SectionKind::Types);
    let types = Types::open(types).map_err(ImageFault::Types)?;
    let magics = count_of(PatternKind::Magic, section(all, sections, SectionKind::Signatures));
    types.check(magics).map_err(ImageFault::Types)
}

/// The number of patterns of a kind.
fn count_of(kind: PatternKind, records: &[u8]) -> usize {
    let records = <[RecordBytes]>::ref_from_bytes(records).unwrap_or_default();
    // Plain arithmetic without a branch: several records are looked at in one step.
    let is_one = |[_, word]: &RecordBytes| usize::from(word.get() & 0x00ff_0000 == kind.word());
    records.iter().fold(0, |count, record| count.wrapping_add(is_one(record)))
}

fn open_names<'a>(all: &'a [u8], sections: &Sections) -> Result<NameTable<'a>, ImageFault> {
    NameTable::open(section(all, sections, SectionKind::Names)).ok_or(ImageFault::Names)
}

fn open_digests<'a>(all: &'a [u8], sections: &Sections) -> Result<Tables<'a>, ImageFault> {
    Tables::open(section(all, sections, SectionKind::Digests)).map_err(ImageFault::Digests)
}

fn records<'a>(all: &'a [u8], sections: &Sections) -> Result<&'a [RecordBytes], ImageFault> {
    <[RecordBytes]>::ref_from_bytes(section(all, sections, SectionKind::Signatures))
        .map_err(|_| ImageFault::Place(SectionKind::Signatures))
}

/// The header's fields; gives the sum that it claims.
fn check_header(all: &[u8]) -> Result<[u8; 32], ImageFault> {
    let header = all.get(..HEAD_BYTES).ok_or(ImageFault::Short(all.len()))?;
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
    let (length, rest) = U64::read_from_prefix(rest).map_err(|_| fault.clone())?;
    let (sum, _) = <[u8; 32]>::read_from_prefix(rest).map_err(|_| fault)?;
    if zeros.get() != 0 || count.get() != SectionKind::ALL.len() as u64 {
        return Err(ImageFault::Header);
    }
    if length.get() != all.len() as u64 {
        return Err(ImageFault::Length { said: length.get(), found: all.len() as u64 });
    }
    Ok(sum)
}

/// Rules and the patterns that select them belong together.
fn open_yara(rules: &[u8], records: &[u8]) -> Result<Option<Arc<Rules>>, ImageFault> {
    let atoms = count_of(PatternKind::Atom, records);
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
fn directory(all: &[u8]) -> Result<Sections, ImageFault> {
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

fn check_records(records: &[RecordBytes], piece: usize, names: u32) -> Result<(), ImageFault> {
    let from = piece.saturating_mul(PIECE_RECORDS);
    let some = records.get(from..).unwrap_or_default();
    for ([name, word], index) in some.iter().take(PIECE_RECORDS).zip(from..) {
        let [target, offset, kind, zero] = word.get().to_le_bytes();
        let kind = PatternKind::from_number(kind);
        if kind.is_none()
            || (kind == Some(PatternKind::Body) && name.get() >= names)
            || target_from_number(target).is_none()
            || OffsetKind::from_number(offset).is_none()
            || zero != 0
        {
            return Err(ImageFault::Record(index));
        }
    }
    Ok(())
}

/// Records of a piece: a fraction of a millisecond.
const PIECE_RECORDS: usize = 1 << 16;

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
    /// The signatures about members of containers.
    Members(Box<str>),
    /// The lists about links.
    Links(LinksFault),
    /// The table of file types.
    Types(TypesFault),
    /// The logical signatures.
    Logical(LogicalFault),
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
            Self::Digest => out.write_str("byte 32: the sum does not fit the content"),
            Self::Place(kind) => write!(out, "section {}: not inside the image", kind.name()),
            Self::Meta(text) => write!(out, "section META: {text}"),
            Self::Names => out.write_str("section NAMES: not a table of names"),
            Self::Record(index) => write!(out, "section SIGNATURES: record {index} is not valid"),
            Self::Digests(fault) => write!(out, "section DIGESTS: {fault}"),
            Self::Matcher(fault) => write!(out, "section MATCHER: {fault}"),
            Self::Members(fault) => write!(out, "section MEMBERS: {fault}"),
            Self::Links(fault) => write!(out, "section LINKS: {fault}"),
            Self::Types(fault) => write!(out, "section TYPES: {fault}"),
            Self::Logical(fault) => write!(out, "section LOGICAL: {fault}"),
            Self::Yara(fault) => write!(out, "section YARA: {fault}"),
        }
    }
}

impl std::error::Error for ImageFault {}
