//! Which loader a file gets: the extension alone decides (clamav.md A1.1).

pub use super::link_line::LinkList;
use super::report::Unsupported;
use super::signature::Subject;
pub use super::unused_line::UnusedList;

/// What is inside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Body patterns.
    Body,
    /// Logical signatures.
    Logical,
    /// Digests of this subject.
    Digest(Subject),
    /// Magic numbers of file types.
    FileTypes,
    /// Facts about members of containers.
    Members,
    /// A list about links.
    Links(LinkList),
    /// Lines that are checked and do nothing yet.
    Unused(UnusedList),
    /// Names to ignore.
    Ignore,
    /// A container of such files.
    Container,
    /// The external signature of a container.
    Seal,
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
    use Format::{
        Body, Container, Digest, FileTypes, Ignore, Links, Logical, Members, NotYet, Seal, Unused,
        Yara,
    };
    use Unsupported as No;
    use Wanted::{Always, WithPotentiallyUnwanted as Unwanted};
    [
        ("hdb", Digest(Subject::Bad), Always),
        ("hsb", Digest(Subject::Bad), Always),
        ("hdu", Digest(Subject::Bad), Unwanted),
        ("hsu", Digest(Subject::Bad), Unwanted),
        ("fp", Digest(Subject::Trusted), Always),
        ("sfp", Digest(Subject::Trusted), Always),
        ("ndb", Body, Always),
        ("ndu", Body, Unwanted),
        ("ign", Ignore, Always),
        ("ign2", Ignore, Always),
        ("ldb", Logical, Always),
        ("ldu", Logical, Unwanted),
        ("mdb", Digest(Subject::Section), Always),
        ("msb", Digest(Subject::Section), Always),
        ("mdu", Digest(Subject::Section), Unwanted),
        ("msu", Digest(Subject::Section), Unwanted),
        ("imp", Digest(Subject::Imports), Always),
        ("cvd", Container, Always),
        ("cld", Container, Always),
        ("cud", Container, Always),
        ("db", NotYet(No::OldBody), Always),
        ("sdb", NotYet(No::SelfProtection), Always),
        ("cdb", Members, Always),
        ("zmd", Unused(UnusedList::OldMembers), Always),
        ("rmd", Unused(UnusedList::OldMembers), Always),
        ("idb", Unused(UnusedList::Icons), Always),
        ("ftm", FileTypes, Always),
        ("crb", Unused(UnusedList::Certificates), Always),
        ("cat", NotYet(No::Authenticode), Always),
        ("pdb", Links(LinkList::Imitated), Always),
        ("gdb", Links(LinkList::Digests), Always),
        ("wdb", Links(LinkList::Allowed), Always),
        ("cfg", Unused(UnusedList::Switches), Always),
        ("pwdb", Unused(UnusedList::Passwords), Always),
        ("cbc", NotYet(No::Bytecode), Always),
        ("yar", Yara, Always),
        ("yara", Yara, Always),
        ("ioc", NotYet(No::OpenIoc), Always),
        ("info", NotYet(No::ContainerList), Always),
        ("sign", Seal, Always),
        ("cdiff", NotYet(No::Patch), Always),
        ("script", NotYet(No::Patch), Always),
    ]
};
