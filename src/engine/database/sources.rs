//! Signature files while they load.
//!
//! Files are read one at a time and not kept: what stays in memory is what they gave.

use std::sync::Arc;

use crate::engine::digest::Rows;
use crate::engine::file_type::TypeRows;
use crate::engine::links::LinkRows;
use crate::engine::logical::Collector;
use crate::engine::yara;

use super::build::{BuildOptions, facts};
use super::container::Trust;
use super::facts::DatabaseFacts;
use super::format::{Format, Wanted};
use super::ignore::Ignored;
use super::line::{LINE_BYTES_MAX, LineFault, Read, Refusal, UNOFFICIAL, lines};
use super::link_line::LinkList;
use super::names::Names;
use super::report::{BAD_LINES_KEPT, BadLine, FileReport, NotRead, Report, Unsupported};
use super::signature::{BodySignature, NameId, Subject};
use super::type_line::TypeLine;
use super::workers::{Alone, Workers};
use super::{
    body_line, digest_line, link_line, logical_line, origin, parallel, type_line, unused_line,
};

/// Everything that was read so far.
#[derive(Debug)]
pub struct Sources {
    pub(super) loaded: Loaded,
    ignored: Ignored,
    pub(super) workers: Arc<dyn Workers>,
    pub(super) trust: Arc<Trust>,
    /// Where the file that is being read comes from.
    pub(super) origin: Origin,
}

/// Where a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It lies by itself; nobody signed it.
    Loose,
    /// It is a member of a container that nobody signed.
    Member,
    /// It is a member of a container that was verified.
    Signed,
}

/// What the files gave.
#[derive(Debug)]
pub(super) struct Loaded {
    pub options: BuildOptions,
    pub names: Names,
    pub bodies: Vec<BodySignature>,
    /// Logical signatures and their patterns.
    pub logical: Collector,
    /// Strings of YARA rules; their names mean nothing.
    pub atoms: Vec<BodySignature>,
    /// Magic of embedded objects; their names mean nothing.
    pub magics: Vec<BodySignature>,
    pub digests: Rows,
    /// The table of magic numbers; its embedded rows belong to `magics`, one each.
    pub types: TypeRows,
    /// Lists about links.
    pub links: LinkRows,
    /// YARA rules.
    pub yara: yara::Collection,
    pub report: Report,
}

impl Sources {
    /// Nothing read yet.
    #[must_use]
    pub fn new(options: BuildOptions) -> Self {
        let trust = Arc::new(Trust::builtin(options.created_seconds));
        Self {
            loaded: Loaded {
                options,
                names: Names::new(),
                bodies: Vec::new(),
                logical: Collector::new(),
                atoms: Vec::new(),
                magics: Vec::new(),
                digests: Rows::default(),
                types: TypeRows::default(),
                links: LinkRows::default(),
                yara: yara::Collection::default(),
                report: Report::default(),
            },
            ignored: Ignored::new(),
            workers: Arc::new(Alone),
            trust,
            origin: Origin::Loose,
        }
    }

    /// The same, with other keys and certificates for containers than ClamAV's own.
    #[must_use]
    pub fn trusting(mut self, trust: Arc<Trust>) -> Self {
        self.trust = trust;
        self
    }

    /// The same, with the work of reading and building spread over `workers`. The result does not
    /// depend on them.
    #[must_use]
    pub fn on(mut self, workers: Arc<dyn Workers>) -> Self {
        self.workers = workers;
        self
    }

    /// Who does the work.
    #[must_use]
    pub fn workers(&self) -> &Arc<dyn Workers> {
        &self.workers
    }

    /// Reads one file. The extension of `name` decides how; a directory in front of it is cut off.
    ///
    /// Ignore lists come first: one that comes after signatures is refused and reported, because
    /// what it names may be loaded already. A container is verified before anything of it is read; its
    /// external signature, when it has one, comes with [`Sources::add_container`].
    pub fn add_file(&mut self, name: &str, bytes: &[u8]) {
        let name = base_name(name);
        if let Some((Format::Container, _)) = Format::of(name) {
            return self.add_container(name, bytes, None);
        }
        let mut report = FileReport::of(name, bytes);
        self.read(bytes, &mut report);
        self.loaded.report.files.push(report);
    }

    /// What became of the files so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.loaded.report
    }

    /// The facts that an image of what was read so far would have.
    #[must_use]
    pub fn facts(&self) -> DatabaseFacts {
        facts(&self.loaded)
    }

    /// The body patterns so far, in the order of their ids.
    #[must_use]
    pub fn bodies(&self) -> &[BodySignature] {
        &self.loaded.bodies
    }

    pub(super) fn read(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Some((format, wanted)) = Format::of(&report.name) else {
            report.not_read = Some(NotRead::UnknownExtension);
            return;
        };
        let off =
            wanted == Wanted::WithPotentiallyUnwanted && !self.loaded.options.potentially_unwanted;
        if off {
            report.not_read = Some(NotRead::PotentiallyUnwantedIsOff);
            report.totals.switched_off = signature_lines(bytes);
            return;
        }
        match format {
            Format::NotYet(reason) => {
                report.not_read = Some(NotRead::NotSupportedYet);
                let count = count_of(reason, bytes);
                report.totals.add_unsupported(reason, count);
            }
            // Containers are read before; beside one, its list is one more file.
            Format::Container => report.not_read = Some(NotRead::ContainerInside),
            Format::Seal => report.not_read = Some(NotRead::Seal),
            // Those of containers act from there on, as in ClamAV.
            Format::Ignore if self.origin == Origin::Loose && self.has_signatures() => {
                report.not_read = Some(NotRead::IgnoreListTooLate);
            }
            Format::Ignore => {
                each_line(bytes, report, |line| self.ignored.add(line).map(|()| Fate::Loaded));
            }
            Format::Body => self.bodies_of(bytes, report),
            Format::Logical => self.logical_of(bytes, report),
            Format::Yara => self.yara(bytes, report),
            Format::Links(list) => each_line(bytes, report, |line| self.link(line, list)),
            Format::Unused(list) => {
                let level = self.loaded.options.level;
                each_line(bytes, report, |line| {
                    Ok(Fate::of(unused_line::parse(line, list, level)?, |never| match never {}))
                });
            }
            Format::FileTypes => each_line(bytes, report, |line| self.file_type(line)),
            Format::Digest(subject) => self.digests_of(bytes, subject, report),
        }
    }

    fn has_signatures(&self) -> bool {
        let files = &self.loaded.report.files;
        files.iter().any(|file| {
            let ignore_list = matches!(Format::of(&file.name), Some((Format::Ignore, _)));
            !ignore_list && file.totals.loaded > 0
        })
    }

    fn yara(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Self { loaded, ignored, .. } = self;
        let is_ignored =
            |name: &str, text: &[u8]| ignored.covers(format!("YARA.{name}").as_bytes(), text);
        for fate in loaded.yara.add_file(&report.name, bytes, &is_ignored) {
            let totals = &mut report.totals;
            count(&mut totals.lines);
            match fate {
                yara::Fate::Loaded => count(&mut totals.loaded),
                yara::Fate::Ignored => count(&mut totals.ignored),
                yara::Fate::Variable => totals.add_unsupported(Unsupported::YaraVariable, 1),
                yara::Fate::Module => totals.add_unsupported(Unsupported::YaraModule, 1),
                yara::Fate::Bad { at, text } => {
                    count(&mut totals.bad);
                    if report.bad.len() < BAD_LINES_KEPT {
                        report.bad.push(bad_place(bytes, at, text));
                    }
                }
            }
        }
    }

    fn bodies_of(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Self { loaded, ignored, workers, origin, .. } = self;
        let Loaded { options, names, bodies, logical, .. } = loaded;
        let level = options.level;
        let parse = |line: &[u8]| {
            let name = line.split(|byte| *byte == b':').next();
            if ignored.covers(name.unwrap_or_default(), line) {
                return Ok(None);
            }
            let read = body_line::parse(line, level)?;
            if read == Read::Unsupported(Unsupported::MacroGroup) {
                let member = body_line::member(line)?;
                return Ok(Some(member.map(|(group, body)| BodyLine::Member(group, body))));
            }
            Ok(Some(read.map(BodyLine::Body)))
        };
        parallel::each_line(&**workers, bytes, report, &parse, &mut |read| {
            match read {
                BodyLine::Member(group, body) => logical.add_member(group, body),
                BodyLine::Body(mut body) => {
                    body.name = origin.named(body.name);
                    room_for_name(names.intern(&body.name).is_none())?;
                    bodies.extend(origin::moved(body));
                }
            }
            Ok(Fate::Loaded)
        });
    }

    fn logical_of(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Self { loaded, ignored, workers, origin, .. } = self;
        let Loaded { options, names, logical, .. } = loaded;
        let level = options.level;
        let parse = |line: &[u8]| {
            if ignored.covers(logical_line::name(line), line) {
                return Ok(None);
            }
            logical_line::parse(line, level).map(Some)
        };
        parallel::each_line(&**workers, bytes, report, &parse, &mut |mut signature| {
            signature.name = origin.named(signature.name);
            let name = names.intern(&signature.name);
            room_for_name(name.is_none())?;
            let refused = logical.add(name.unwrap_or(NameId(0)), &signature).err();
            Ok(refused.map_or(Fate::Loaded, Fate::Unsupported))
        });
    }

    fn digests_of(&mut self, bytes: &[u8], subject: Subject, report: &mut FileReport) {
        let Self { loaded, ignored, workers, origin, .. } = self;
        let Loaded { options, names, digests, .. } = loaded;
        let level = options.level;
        let parse = |line: &[u8]| {
            let name = line.split(|byte| *byte == b':').nth(2);
            if ignored.covers(name.unwrap_or_default(), line) {
                return Ok(None);
            }
            digest_line::parse(line, subject, level).map(Some)
        };
        parallel::each_line(&**workers, bytes, report, &parse, &mut |found| {
            let name = names.intern(&origin.named(found.name));
            room_for_name(name.is_none())?;
            digests.add(subject, &found.digest, found.size, name.unwrap_or(NameId(0)));
            Ok(Fate::Loaded)
        });
    }

    fn link(&mut self, line: &[u8], list: LinkList) -> Result<Fate, LineFault> {
        let read = link_line::parse(line, list, &self.loaded.options)?;
        Ok(Fate::of(read, |found| found.add_to(&mut self.loaded.links)))
    }

    fn file_type(&mut self, line: &[u8]) -> Result<Fate, LineFault> {
        let read = type_line::parse(line, self.loaded.options.level)?;
        let Loaded { types, magics, .. } = &mut self.loaded;
        Ok(Fate::of(read, |found| match found {
            TypeLine::Fixed(row) => types.fixed.push(row),
            TypeLine::Embedded(row, body) => {
                for body in origin::moved(*body) {
                    types.embedded.push(row);
                    magics.push(body);
                }
            }
        }))
    }

    pub(super) fn into_loaded(self) -> (Loaded, Arc<dyn Workers>) {
        (self.loaded, self.workers)
    }
}

/// A signature without a name of its own would be reported as another one, so it is set aside.
const fn room_for_name(full: bool) -> Result<(), LineFault> {
    if full {
        return Err(LineFault::rule(0, "the table of names is full: 16 million families"));
    }
    Ok(())
}

impl Origin {
    /// A name as it is reported: only what nobody signed is marked (A1.4).
    pub(super) fn named(self, name: Box<str>) -> Box<str> {
        match self {
            Self::Loose | Self::Member => name,
            Self::Signed => match name.strip_suffix(UNOFFICIAL) {
                Some(bare) => bare.into(),
                None => name,
            },
        }
    }
}

pub(super) fn base_name(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, base)| base)
}

/// What a line of body patterns is.
#[derive(PartialEq)]
enum BodyLine {
    Body(BodySignature),
    /// A member of this macro group.
    Member(u8, BodySignature),
}

/// What became of one line that is not a comment and not wrong.
pub(super) enum Fate {
    Loaded,
    Ignored,
    ByLevel,
    Unsupported(Unsupported),
}

impl Fate {
    fn of<T>(read: Read<T>, load: impl FnOnce(T)) -> Self {
        match read {
            Read::Signature(signature) => {
                load(signature);
                Self::Loaded
            }
            Read::ByLevel => Self::ByLevel,
            Read::Unsupported(reason) => Self::Unsupported(reason),
        }
    }
}

/// Hands every signature line to `take` and counts what became of it.
pub(super) fn each_line(
    bytes: &[u8],
    report: &mut FileReport,
    mut take: impl FnMut(&[u8]) -> Result<Fate, LineFault>,
) {
    // Lists about links may have blank lines; in the other formats they are mistakes.
    let may_be_blank = matches!(Format::of(&report.name), Some((Format::Links(_), _)));
    for (number, line) in lines(bytes) {
        report.totals.lines = number;
        if line.first() == Some(&b'#') || (may_be_blank && line.is_empty()) {
            count(&mut report.totals.comments);
        } else {
            told(report, number, &check(line).and_then(|()| take(line)));
        }
    }
}

/// Counts what became of a line.
pub(super) fn told(report: &mut FileReport, number: u64, fate: &Result<Fate, LineFault>) {
    let FileReport { totals, bad, .. } = report;
    match fate {
        Ok(Fate::Loaded) => count(&mut totals.loaded),
        Ok(Fate::Ignored) => count(&mut totals.ignored),
        Ok(Fate::ByLevel) => count(&mut totals.by_level),
        Ok(Fate::Unsupported(reason)) => totals.add_unsupported(*reason, 1),
        Err(fault) => {
            count(&mut totals.bad);
            if bad.len() < BAD_LINES_KEPT {
                bad.push(BadLine {
                    line: number,
                    column: (fault.at as u64).saturating_add(1),
                    text: fault.refusal.to_string().into(),
                });
            }
        }
    }
}

/// What is wrong with a line whatever the format.
pub(super) fn check(line: &[u8]) -> Result<(), LineFault> {
    let refusal = match line.len() {
        0 => Refusal::Blank,
        length if length > LINE_BYTES_MAX => Refusal::TooLong(length),
        _ => return Ok(()),
    };
    Err(LineFault { at: 0, refusal })
}

pub(super) const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// How many signatures a file has that is not read.
fn count_of(reason: Unsupported, bytes: &[u8]) -> u64 {
    match reason {
        // Not made of lines with a signature each.
        Unsupported::Bytecode
        | Unsupported::OpenIoc
        | Unsupported::Container
        | Unsupported::Patch
        | Unsupported::ContainerList => 1,
        Unsupported::VersionInformation
        | Unsupported::MacroGroup
        | Unsupported::UnusedTarget
        | Unsupported::MetadataTarget
        | Unsupported::UnknownTarget
        | Unsupported::BoundaryBesideDistance
        | Unsupported::YaraVariable
        | Unsupported::YaraModule
        | Unsupported::Key
        | Unsupported::LayerType
        | Unsupported::HandlerType
        | Unsupported::Count
        | Unsupported::FuzzyImage
        | Unsupported::Modifier
        | Unsupported::Reference
        | Unsupported::OldBody
        | Unsupported::SelfProtection
        | Unsupported::ContainerMetadata
        | Unsupported::Icon
        | Unsupported::FileType
        | Unsupported::Authenticode
        | Unsupported::Switches
        | Unsupported::Passwords => signature_lines(bytes),
    }
}

/// Lines that are neither blank nor comments.
fn signature_lines(bytes: &[u8]) -> u64 {
    let signature = |(_, line): &(u64, &[u8])| !line.is_empty() && !line.starts_with(b"#");
    lines(bytes).filter(signature).count() as u64
}

/// A place in a file that is not made of lines with a signature each.
fn bad_place(bytes: &[u8], at: usize, text: Box<str>) -> BadLine {
    let before = bytes.get(..at).unwrap_or(bytes);
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end.saturating_add(1));
    let lines = memchr::memchr_iter(b'\n', before).count() as u64;
    let column = (before.len().saturating_sub(start) as u64).saturating_add(1);
    BadLine { line: lines.saturating_add(1), column, text }
}
