//! Signature files while they load.
//!
//! Files are read one at a time and not kept: what stays in memory is what they gave.

use std::sync::Arc;

use crate::engine::digest::Rows;
use crate::engine::file_type::TypeRows;
use crate::engine::links::LinkRows;
use crate::engine::logical::Collector;
use crate::engine::members::MemberRule;
use crate::engine::yara;

use super::build::{BuildOptions, facts};
use super::container::Trust;
use super::facts::DatabaseFacts;
use super::format::{Format, Wanted};
use super::ignore::Ignored;
use super::line::{LineFault, Read, UNOFFICIAL, lines};
use super::link_line::LinkList;
use super::names::Names;
use super::parallel::{Fate, count, each_line};
use super::report::{BAD_LINES_KEPT, BadLine, FileReport, NotRead, Report, Unsupported};
use super::signature::{BodySignature, NameId, Subject};
use super::type_line::TypeLine;
use super::unused_line::UnusedList;
use super::workers::{Alone, Workers};
use super::{
    body_line, digest_line, ignore, link_line, logical_line, member_line, origin, type_line,
    unused_line,
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
    /// Signatures about members of containers.
    pub members: Vec<MemberRule>,
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
                members: Vec::new(),
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
            Format::Ignore => self.ignores_of(bytes, report),
            Format::Body => self.bodies_of(bytes, report),
            Format::Logical => self.logical_of(bytes, report),
            Format::Yara => self.yara(bytes, report),
            Format::Members => self.members_of(bytes, report),
            Format::Links(list) => self.links_of(bytes, list, report),
            Format::Unused(list) => self.unused_of(bytes, list, report),
            Format::FileTypes => self.file_types_of(bytes, report),
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
        each_line(&**workers, bytes, report, &parse, &mut |read| {
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
        each_line(&**workers, bytes, report, &parse, &mut |mut signature| {
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
        each_line(&**workers, bytes, report, &parse, &mut |found| {
            let name = names.intern(&origin.named(found.name));
            room_for_name(name.is_none())?;
            digests.add(subject, &found.digest, found.size, name.unwrap_or(NameId(0)));
            Ok(Fate::Loaded)
        });
    }

    fn ignores_of(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Self { ignored, workers, .. } = self;
        let parse = |line: &[u8]| ignore::parse(line).map(Some);
        each_line(&**workers, bytes, report, &parse, &mut |line| {
            ignored.add(line);
            Ok(Fate::Loaded)
        });
    }

    fn members_of(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Self { loaded, ignored, workers, origin, .. } = self;
        let Loaded { options, names, members, .. } = loaded;
        let level = options.level;
        let parse = |line: &[u8]| {
            let name = line.split(|byte| *byte == b':').next();
            if ignored.covers(name.unwrap_or_default(), line) {
                return Ok(None);
            }
            member_line::parse(line, level).map(Some)
        };
        each_line(&**workers, bytes, report, &parse, &mut |found| {
            let name = names.intern(&origin.named(found.name));
            room_for_name(name.is_none())?;
            members.push(MemberRule { name: name.unwrap_or(NameId(0)).0, ..found.rule });
            Ok(Fate::Loaded)
        });
    }

    fn links_of(&mut self, bytes: &[u8], list: LinkList, report: &mut FileReport) {
        let Self { loaded: Loaded { options, links, .. }, workers, .. } = self;
        let parse = |line: &[u8]| link_line::parse(line, list, options).map(Some);
        each_line(&**workers, bytes, report, &parse, &mut |found| {
            found.add_to(links);
            Ok(Fate::Loaded)
        });
    }

    fn file_types_of(&mut self, bytes: &[u8], report: &mut FileReport) {
        let Self { loaded: Loaded { options, types, magics, .. }, workers, .. } = self;
        let level = options.level;
        let parse = |line: &[u8]| type_line::parse(line, level).map(Some);
        each_line(&**workers, bytes, report, &parse, &mut |found| {
            match found {
                TypeLine::Fixed(row) => types.fixed.push(row),
                TypeLine::Embedded(row, body) => {
                    for body in origin::moved(*body) {
                        types.embedded.push(row);
                        magics.push(body);
                    }
                }
            }
            Ok(Fate::Loaded)
        });
    }

    fn unused_of(&self, bytes: &[u8], list: UnusedList, report: &mut FileReport) {
        let level = self.loaded.options.level;
        let parse = |line: &[u8]| unused_line::parse(line, list, level).map(Some);
        each_line(&*self.workers, bytes, report, &parse, &mut |never| match never {});
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
