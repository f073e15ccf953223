//! What became of every line of every file.
//!
//! For a file that is read, the counts add up: lines = comments + loaded + ignored + by level +
//! unsupported + bad. Of a file that is not read, the signatures are counted as unsupported, or as
//! switched off; of a YARA file each rule counts as a line; a container counts with the number of signatures that it says it has. Places of
//! bad lines are kept for the first [`BAD_LINES_KEPT`] of a file: about 100 bytes each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::facts::{ContainerFacts, Sha256};

/// One report per file, in the order the files were added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The files.
    pub files: Vec<FileReport>,
}

impl Report {
    /// A rule of a file that was loaded when it was read, and cannot be compiled after all.
    pub(super) fn lose(&mut self, file: &str, rule: &str) {
        let Some(file) = self.files.iter_mut().find(|known| &*known.name == file) else { return };
        file.totals.loaded = file.totals.loaded.saturating_sub(1);
        file.totals.bad = file.totals.bad.saturating_add(1);
        let text = format!("rule {rule}: it compiles alone, and not among the others").into();
        file.bad.push(BadLine { line: 1, column: 1, text });
    }

    /// The sums over all files.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for file in &self.files {
            totals.add(&file.totals);
        }
        totals
    }
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name, without a directory; that of a member has its container's in front:
    /// `daily.cvd/daily.ndb`.
    pub name: Box<str>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Set when the file as a whole was not read, and why.
    pub not_read: Option<NotRead>,
    /// Why a container was refused.
    pub refused: Option<Box<str>>,
    /// Set for a container that was verified.
    pub container: Option<ContainerFacts>,
    /// What became of its lines.
    pub totals: Totals,
    /// The first bad lines.
    pub bad: Vec<BadLine>,
}

impl FileReport {
    /// The report of a file of which nothing was read yet.
    pub(super) fn of(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.len() as u64,
            sha256: Sha256::of(bytes),
            not_read: None,
            refused: None,
            container: None,
            totals: Totals::default(),
            bad: Vec::new(),
        }
    }
}

/// Why a file as a whole was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotRead {
    /// The extension is not one of ClamAV's.
    UnknownExtension,
    /// A ClamAV format that Baleen cannot use yet; its signatures are counted as unsupported.
    NotSupportedYet,
    /// Potentially unwanted signatures, and these were not asked for.
    PotentiallyUnwantedIsOff,
    /// An ignore list that came after signatures: what it names may already be loaded.
    IgnoreListTooLate,
    /// A container that is not what somebody known signed; [`FileReport::refused`] says why.
    ContainerRefused,
    /// A container that nobody signed, and such are not accepted.
    UnsignedContainer,
    /// A container inside a container.
    ContainerInside,
    /// The external signature of a container: it is checked with its container.
    Seal,
}

impl fmt::Display for NotRead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::UnknownExtension => "not read: the extension is not that of a signature file",
            Self::NotSupportedYet => "not read: the format is not supported yet",
            Self::PotentiallyUnwantedIsOff => {
                "not read: detection of potentially unwanted applications is off"
            }
            Self::IgnoreListTooLate => "not read: an ignore list has to come before signatures",
            Self::ContainerRefused => "not read: the container is refused",
            Self::UnsignedContainer => "not read: containers that nobody signed are not accepted",
            Self::ContainerInside => "not read: a container inside a container",
            Self::Seal => "checked with its container",
        })
    }
}

/// Counts of lines by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Lines in all, comments included.
    pub lines: u64,
    /// Comments.
    pub comments: u64,
    /// Signatures loaded, and entries of ignore lists.
    pub loaded: u64,
    /// Signatures that an ignore list names.
    pub ignored: u64,
    /// Signatures for another functionality level.
    pub by_level: u64,
    /// Valid signatures that cannot be used yet, by reason, in the order of [`Unsupported`].
    pub unsupported: Vec<(Unsupported, u64)>,
    /// Signatures of files that are not read because nobody asked for what they find.
    pub switched_off: u64,
    /// Lines that are not valid.
    pub bad: u64,
}

impl Totals {
    /// Valid signatures that cannot be used yet, over all reasons.
    #[must_use]
    pub fn unsupported_count(&self) -> u64 {
        self.unsupported.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Counts `count` signatures under a reason.
    pub(super) fn add_unsupported(&mut self, reason: Unsupported, count: u64) {
        match self.unsupported.binary_search_by_key(&reason, |row| row.0) {
            Ok(at) => {
                if let Some((_, sum)) = self.unsupported.get_mut(at) {
                    *sum = sum.saturating_add(count);
                }
            }
            Err(at) => self.unsupported.insert(at, (reason, count)),
        }
    }

    fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.lines, other.lines),
            (&mut self.comments, other.comments),
            (&mut self.loaded, other.loaded),
            (&mut self.ignored, other.ignored),
            (&mut self.by_level, other.by_level),
            (&mut self.switched_off, other.switched_off),
            (&mut self.bad, other.bad),
        ];
        for (sum, count) in sums {
            *sum = sum.saturating_add(count);
        }
        for (reason, count) in &other.unsupported {
            self.add_unsupported(*reason, *count);
        }
    }
}

/// Why a valid signature cannot be used yet. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsupported {
    /// The offset `VI` of a regular expression: patterns have it.
    VersionInformation,
    /// `$n$` offsets: members of macro groups are parts of logical signatures.
    MacroGroup,
    /// Target 8 is used by nobody.
    UnusedTarget,
    /// Target 13: ClamAV's own description of a file.
    MetadataTarget,
    /// A target of a later version.
    UnknownTarget,
    /// `61[0-5](B)6263`: a boundary at the inner side of a distance that may be nothing, a negated one
    /// in front, or the end of a line.
    BoundaryBesideDistance,
    /// `IconGroup` and `HandlerType` apart: a key of a later version.
    Key,
    /// A name of a layer type of a later version.
    LayerType,
    /// `HandlerType` with a regular expression, which is looked for when the layer is over, and a target or
    /// a condition on the layers around.
    HandlerType,
    /// A count compared with more than the matcher counts.
    Count,
    /// `fuzzy_img`: hashes of what an image looks like.
    FuzzyImage,
    /// `f` or `w` of a pattern with another edge, or with a distance.
    Modifier,
    /// A comparison or a macro beside something else than a plain pattern.
    Reference,
    /// `.cvd`, `.cld`, `.cud`: containers that were refused.
    Container,
    /// `.db`: the oldest form of body patterns.
    OldBody,
    /// `.sdb`: patterns for self protection.
    SelfProtection,
    /// `.zmd`, `.rmd`: facts about members of containers, as they were written before `.cdb`.
    ContainerMetadata,
    /// `.idb`: icons.
    Icon,
    /// `.ftm`, magic type 4: types of partitions, which are not opened.
    FileType,
    /// `.crb`, `.cat`: Authenticode.
    Authenticode,
    /// `.cfg`: switches.
    Switches,
    /// `.pwdb`: passwords of archives.
    Passwords,
    /// `.cbc`: bytecode.
    Bytecode,
    /// A YARA rule with a variable that only a command line gives.
    YaraVariable,
    /// A YARA rule with a module that is not there.
    YaraModule,
    /// `.ioc`: indicators of compromise.
    OpenIoc,
    /// `.info`: the list of a container's members.
    ContainerList,
    /// `.cdiff`, `.script`: changes to a container.
    Patch,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::VersionInformation => "offset VI of a regular expression",
            Self::MacroGroup => "offset $n$: a macro group that cannot be used",
            Self::UnusedTarget => "target 8 is not used",
            Self::MetadataTarget => "target 13: descriptions of files are not matched",
            Self::UnknownTarget => "a target of a later version",
            Self::BoundaryBesideDistance => "a boundary beside a distance",
            Self::Key => "a condition of a later version",
            Self::LayerType => "a layer type of a later version",
            Self::HandlerType => "HandlerType with a regular expression for some layers only",
            Self::Count => "a count compared with more than 65534",
            Self::FuzzyImage => "hashes of what an image looks like",
            Self::Modifier => "the modifiers f and w beside another edge or a distance",
            Self::Reference => "a comparison or a macro beside something else than a plain pattern",
            Self::Container => "containers that were refused",
            Self::OldBody => "body patterns in the oldest form (.db)",
            Self::SelfProtection => "patterns for self protection (.sdb)",
            Self::ContainerMetadata => {
                "facts about members of containers in the oldest form (.zmd, .rmd)"
            }
            Self::Icon => "icons",
            Self::FileType => "types of partitions: disk images are not opened yet",
            Self::Authenticode => "Authenticode",
            Self::Switches => "switches (.cfg)",
            Self::Passwords => "passwords of archives",
            Self::Bytecode => "bytecode",
            Self::YaraVariable => "YARA rules with external variables (filename and the like)",
            Self::YaraModule => "YARA rules with a module that is not there",
            Self::OpenIoc => "OpenIOC",
            Self::ContainerList => "list of a container's members",
            Self::Patch => "changes to containers (.cdiff)",
        })
    }
}

/// A line that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    /// Bytes from the start of the line, counted from 1.
    pub column: u64,
    /// What was found there, and what is allowed.
    pub text: Box<str>,
}

impl fmt::Display for BadLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, text } = self;
        write!(out, "line {line}, column {column}: {text}")
    }
}

/// Places of bad lines that are kept of one file; the others are counted.
pub const BAD_LINES_KEPT: usize = 100;
