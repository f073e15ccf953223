//! Signature files while they load.
//!
//! Files are read one at a time and not kept: what stays in memory is what they gave.

use crate::engine::digest::Rows;
use crate::engine::yara;

use super::build::{BuildOptions, facts};
use super::facts::{DatabaseFacts, Sha256};
use super::format::{Format, Wanted};
use super::ignore::Ignored;
use super::line::{LINE_BYTES_MAX, LineFault, Read, Refusal, lines};
use super::names::Names;
use super::report::{BAD_LINES_KEPT, BadLine, FileReport, NotRead, Report, Totals, Unsupported};
use super::signature::{BodySignature, Purpose};
use super::{body_line, digest_line, origin};

/// Everything that was read so far.
#[derive(Debug)]
pub struct Sources {
    loaded: Loaded,
    ignored: Ignored,
}

/// What the files gave.
#[derive(Debug)]
pub(super) struct Loaded {
    pub options: BuildOptions,
    pub names: Names,
    pub bodies: Vec<BodySignature>,
    /// Subsignatures of logical signatures; their names mean nothing.
    pub parts: Vec<BodySignature>,
    /// Strings of YARA rules; their names mean nothing.
    pub atoms: Vec<BodySignature>,
    /// Magic of embedded objects; their names mean nothing.
    pub magics: Vec<BodySignature>,
    pub digests: Rows,
    /// YARA rules.
    pub yara: yara::Collection,
    pub report: Report,
}

impl Sources {
    /// Nothing read yet.
    #[must_use]
    pub fn new(options: BuildOptions) -> Self {
        Self {
            loaded: Loaded {
                options,
                names: Names::new(),
                bodies: Vec::new(),
                parts: Vec::new(),
                atoms: Vec::new(),
                magics: Vec::new(),
                digests: Rows::default(),
                yara: yara::Collection::default(),
                report: Report::default(),
            },
            ignored: Ignored::new(),
        }
    }

    /// Reads one file. The extension of `name` decides how; a directory in front of it is cut off.
    ///
    /// Ignore lists come first: one that comes after signatures is refused and reported, because
    /// what it names may be loaded already.
    pub fn add_file(&mut self, name: &str, bytes: &[u8]) {
        let name = name.rsplit_once('/').map_or(name, |(_, base)| base);
        let mut report = FileReport {
            name: name.into(),
            bytes: bytes.len() as u64,
            sha256: Sha256::of(bytes),
            not_read: None,
            totals: Totals::default(),
            bad: Vec::new(),
        };
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

    fn read(&mut self, bytes: &[u8], report: &mut FileReport) {
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
            Format::Ignore if self.has_signatures() => {
                report.not_read = Some(NotRead::IgnoreListTooLate);
            }
            Format::Ignore => {
                each_line(bytes, report, |line| self.ignored.add(line).map(|()| Fate::Loaded));
            }
            Format::Yara => self.yara(bytes, report),
            Format::Body => each_line(bytes, report, |line| self.body(line)),
            Format::Digest(purpose) => each_line(bytes, report, |line| self.digest(line, purpose)),
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
        let Self { loaded, ignored } = self;
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

    fn body(&mut self, line: &[u8]) -> Result<Fate, LineFault> {
        let name = line.split(|byte| *byte == b':').next();
        if self.ignored.covers(name.unwrap_or_default(), line) {
            return Ok(Fate::Ignored);
        }
        let read = body_line::parse(line, self.loaded.options.level)?;
        let Loaded { names, bodies, .. } = &mut self.loaded;
        let mut full = false;
        let fate = Fate::of(read, |body| match names.intern(&body.name) {
            Some(_) => bodies.extend(origin::moved(body)),
            None => full = true,
        });
        room_for_name(full).map(|()| fate)
    }

    fn digest(&mut self, line: &[u8], purpose: Purpose) -> Result<Fate, LineFault> {
        let name = line.split(|byte| *byte == b':').nth(2);
        if self.ignored.covers(name.unwrap_or_default(), line) {
            return Ok(Fate::Ignored);
        }
        let read = digest_line::parse(line, purpose, self.loaded.options.level)?;
        let Loaded { names, digests, .. } = &mut self.loaded;
        let mut full = false;
        let fate = Fate::of(read, |found| match names.intern(&found.name) {
            Some(name) => digests.add(purpose, &found.digest, found.size, name),
            None => full = true,
        });
        room_for_name(full).map(|()| fate)
    }

    pub(super) fn into_loaded(self) -> Loaded {
        self.loaded
    }
}

/// A signature without a name of its own would be reported as another one, so it is set aside.
const fn room_for_name(full: bool) -> Result<(), LineFault> {
    if full {
        return Err(LineFault::rule(0, "the table of names is full: 4 GiB"));
    }
    Ok(())
}

/// What became of one line that is not a comment and not wrong.
enum Fate {
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
fn each_line(
    bytes: &[u8],
    report: &mut FileReport,
    mut take: impl FnMut(&[u8]) -> Result<Fate, LineFault>,
) {
    let FileReport { totals, bad, .. } = report;
    for (number, line) in lines(bytes) {
        totals.lines = number;
        if line.first() == Some(&b'#') {
            count(&mut totals.comments);
            continue;
        }
        match check(line).and_then(|()| take(line)) {
            Ok(Fate::Loaded) => count(&mut totals.loaded),
            Ok(Fate::Ignored) => count(&mut totals.ignored),
            Ok(Fate::ByLevel) => count(&mut totals.by_level),
            Ok(Fate::Unsupported(reason)) => totals.add_unsupported(reason, 1),
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
}

fn check(line: &[u8]) -> Result<(), LineFault> {
    let refusal = match line.len() {
        0 => Refusal::Blank,
        length if length > LINE_BYTES_MAX => Refusal::TooLong(length),
        _ => return Ok(()),
    };
    Err(LineFault { at: 0, refusal })
}

const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// How many signatures a file has that is not read.
fn count_of(reason: Unsupported, bytes: &[u8]) -> u64 {
    match reason {
        Unsupported::Container => container_count(bytes),
        // Not made of lines with a signature each.
        Unsupported::Bytecode
        | Unsupported::OpenIoc
        | Unsupported::Seal
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
        | Unsupported::Logical
        | Unsupported::SectionDigest
        | Unsupported::ImportDigest
        | Unsupported::OldBody
        | Unsupported::SelfProtection
        | Unsupported::ContainerMetadata
        | Unsupported::Icon
        | Unsupported::FileType
        | Unsupported::Authenticode
        | Unsupported::Phishing
        | Unsupported::Switches
        | Unsupported::Passwords => signature_lines(bytes),
    }
}

/// Lines that are neither blank nor comments.
fn signature_lines(bytes: &[u8]) -> u64 {
    let signature = |(_, line): &(u64, &[u8])| !line.is_empty() && !line.starts_with(b"#");
    lines(bytes).filter(signature).count() as u64
}

/// The header of a container says how many signatures it has: its fourth field.
fn container_count(bytes: &[u8]) -> u64 {
    let header = bytes.get(..CONTAINER_HEADER_BYTES).unwrap_or(bytes);
    let field = header.split(|byte| *byte == b':').nth(3);
    let text = field.and_then(|field| std::str::from_utf8(field).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(1)
}

/// A place in a file that is not made of lines with a signature each.
fn bad_place(bytes: &[u8], at: usize, text: Box<str>) -> BadLine {
    let before = bytes.get(..at).unwrap_or(bytes);
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end.saturating_add(1));
    let lines = memchr::memchr_iter(b'\n', before).count() as u64;
    let column = (before.len().saturating_sub(start) as u64).saturating_add(1);
    BadLine { line: lines.saturating_add(1), column, text }
}

/// As A11: 512 bytes of text.
const CONTAINER_HEADER_BYTES: usize = 512;
