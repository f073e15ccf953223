//! Which loader a file gets: the extension alone decides (clamav.md A1.1).

use super::report::Unsupported;
use super::signature::Purpose;

/// What is inside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Body patterns.
    Body,
    /// Whole-file digests.
    Digest(Purpose),
    /// Names to ignore.
    Ignore,
    /// YARA rules.
    Yara,
    /// A ClamAV format that cannot be used yet.
    NotYet(Unsupported),
}

impl Format {
    /// The format of a file by its name, and whether it holds potentially unwanted applications;
    /// `None` when the extension is not that of a signature file. Upper and lower case are alike.
    #[must_use]
    pub fn of(name: &str) -> Option<(Self, Wanted)> {
        let (_, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        let row = EXTENSIONS.iter().find(|row| row.0 == extension)?;
        Some((row.1, row.2))
    }
}

/// Who wants a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everybody.
    Always,
    /// Those who asked for potentially unwanted applications.
    WithPotentiallyUnwanted,
}

/// The order in which the files of a directory load (A1.5): ignore lists first, because they have
/// to be in force before what they name; the daily set before the others; then by name, so that it
/// does not depend on the file system.
#[must_use]
pub fn loading_order(name: &str) -> (u8, &str) {
    let rank = match Format::of(name) {
        Some((Format::Ignore, _)) => 0,
        Some(_) | None if name.starts_with("daily.") => 1,
        Some(_) | None => 2,
    };
    (rank, name)
}

/// Every extension of ClamAV.
const EXTENSIONS: [(&str, Format, Wanted); 42] = {
    use Format::{Body, Digest, Ignore, NotYet, Yara};
    use Unsupported as No;
    use Wanted::{Always, WithPotentiallyUnwanted as Unwanted};
    [
        ("hdb", Digest(Purpose::Detect), Always),
        ("hsb", Digest(Purpose::Detect), Always),
        ("hdu", Digest(Purpose::Detect), Unwanted),
        ("hsu", Digest(Purpose::Detect), Unwanted),
        ("fp", Digest(Purpose::Trust), Always),
        ("sfp", Digest(Purpose::Trust), Always),
        ("ndb", Body, Always),
        ("ndu", Body, Unwanted),
        ("ign", Ignore, Always),
        ("ign2", Ignore, Always),
        ("ldb", NotYet(No::Logical), Always),
        ("ldu", NotYet(No::Logical), Unwanted),
        ("mdb", NotYet(No::SectionDigest), Always),
        ("msb", NotYet(No::SectionDigest), Always),
        ("mdu", NotYet(No::SectionDigest), Unwanted),
        ("msu", NotYet(No::SectionDigest), Unwanted),
        ("imp", NotYet(No::ImportDigest), Always),
        ("cvd", NotYet(No::Container), Always),
        ("cld", NotYet(No::Container), Always),
        ("cud", NotYet(No::Container), Always),
        ("db", NotYet(No::OldBody), Always),
        ("sdb", NotYet(No::SelfProtection), Always),
        ("cdb", NotYet(No::ContainerMetadata), Always),
        ("zmd", NotYet(No::ContainerMetadata), Always),
        ("rmd", NotYet(No::ContainerMetadata), Always),
        ("idb", NotYet(No::Icon), Always),
        ("ftm", NotYet(No::FileType), Always),
        ("crb", NotYet(No::Authenticode), Always),
        ("cat", NotYet(No::Authenticode), Always),
        ("pdb", NotYet(No::Phishing), Always),
        ("gdb", NotYet(No::Phishing), Always),
        ("wdb", NotYet(No::Phishing), Always),
        ("cfg", NotYet(No::Switches), Always),
        ("pwdb", NotYet(No::Passwords), Always),
        ("cbc", NotYet(No::Bytecode), Always),
        ("yar", Yara, Always),
        ("yara", Yara, Always),
        ("ioc", NotYet(No::OpenIoc), Always),
        ("info", NotYet(No::ContainerList), Always),
        ("sign", NotYet(No::Seal), Always),
        ("cdiff", NotYet(No::Patch), Always),
        ("script", NotYet(No::Patch), Always),
    ]
};
