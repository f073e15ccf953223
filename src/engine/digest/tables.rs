//! All tables of an image, as one view.

use std::fmt;

use zerocopy::FromBytes;

use crate::engine::database::signature::{Digest, NameId, Subject};

use super::layout::{Descriptor, Directory};
use super::table::Table;
use super::{Kind, Kinds, Needs};

/// The digests of an image. A view: making it reads nothing, and each question opens the tables it needs.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    section: &'a [u8],
}

/// A digest that an object was found to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, in the image's table of names.
    pub name: NameId,
    /// Which digest it was.
    pub kind: Kind,
    /// The size that the line asks for; `None` for `*`.
    pub size: Option<u32>,
}

impl<'a> Tables<'a> {
    /// Finds the tables in the section. Constant time; [`Tables::check`] reads them.
    ///
    /// # Errors
    ///
    /// [`TablesFault`] when a table is said to lie outside the section.
    pub fn open(section: &'a [u8]) -> Result<Self, TablesFault> {
        let tables = Self { section };
        for subject in Subject::ALL {
            tables.table::<16>(subject, Kind::Md5)?;
            tables.table::<20>(subject, Kind::Sha1)?;
            tables.table::<32>(subject, Kind::Sha256)?;
        }
        Ok(tables)
    }

    /// A view of a section that [`Tables::open`] has seen; of another one it has no rows.
    pub(in crate::engine) const fn opened(section: &'a [u8]) -> Self {
        Self { section }
    }

    /// One table; `N` is the length of its kind.
    fn table<const N: usize>(
        &self,
        subject: Subject,
        kind: Kind,
    ) -> Result<Table<'a, N>, TablesFault> {
        let (directory, _) =
            Directory::ref_from_prefix(self.section).map_err(|_| TablesFault::Short)?;
        let place =
            (subject as usize).saturating_mul(Kind::ALL.len()).saturating_add(kind as usize);
        let descriptor = directory.get(place).ok_or(TablesFault::Short)?;
        Table::open(self.section, &Descriptor::from_bytes(descriptor))
    }

    fn md5(&self, subject: Subject) -> Table<'a, 16> {
        self.table(subject, Kind::Md5).unwrap_or(Table::EMPTY)
    }

    fn sha1(&self, subject: Subject) -> Table<'a, 20> {
        self.table(subject, Kind::Sha1).unwrap_or(Table::EMPTY)
    }

    fn sha256(&self, subject: Subject) -> Table<'a, 32> {
        self.table(subject, Kind::Sha256).unwrap_or(Table::EMPTY)
    }

    /// Reads every table once, with `names` the number of names in the image.
    ///
    /// # Errors
    ///
    /// [`TablesFault`] says what a lookup could not rely on.
    pub fn check(&self, names: u32) -> Result<(), TablesFault> {
        (0..self.pieces()).try_for_each(|piece| self.check_piece(piece, names))
    }

    /// In how many pieces [`Tables::check_piece`] reads the tables; workers take one each.
    #[must_use]
    pub fn pieces(&self) -> usize {
        let md5 = Subject::ALL.map(|subject| self.md5(subject).pieces());
        let sha1 = Subject::ALL.map(|subject| self.sha1(subject).pieces());
        let sha256 = Subject::ALL.map(|subject| self.sha256(subject).pieces());
        [md5, sha1, sha256].as_flattened().iter().fold(0, |sum, pieces| sum.saturating_add(*pieces))
    }

    /// Reads one piece of the tables. [`Tables::check`] is all of them, in order; one that does not
    /// exist is good.
    ///
    /// # Errors
    ///
    /// As [`Tables::check`].
    pub fn check_piece(&self, piece: usize, names: u32) -> Result<(), TablesFault> {
        let mut left = piece;
        let outcome = check_in(Subject::ALL.map(|of| self.md5(of)), &mut left, names)
            .or_else(|| check_in(Subject::ALL.map(|of| self.sha1(of)), &mut left, names))
            .or_else(|| check_in(Subject::ALL.map(|of| self.sha256(of)), &mut left, names));
        outcome.unwrap_or(Ok(()))
    }

    /// Which digests can matter for an object of `size` bytes, `None` when it is not known yet.
    ///
    /// With a known size this is the size gate of the formats: a digest matters only when a row of
    /// its kind has exactly that size, or any size.
    #[must_use]
    pub fn needs(&self, size: Option<u64>) -> Needs {
        Needs { detect: self.kinds(Subject::Bad, size), trust: self.kinds(Subject::Trusted, size) }
    }

    /// Which digests can still matter for an object of which `bytes` have been seen, however many
    /// follow: past the largest size in a table, its digest is computed for nothing.
    #[must_use]
    pub fn needs_from(&self, bytes: u64) -> Needs {
        let kinds = |subject| {
            chosen(
                self.md5(subject).can_matter_from(bytes),
                self.sha1(subject).can_matter_from(bytes),
                self.sha256(subject).can_matter_from(bytes),
            )
        };
        Needs { detect: kinds(Subject::Bad), trust: kinds(Subject::Trusted) }
    }

    /// Which digests of a subject of `size` bytes can matter, `None` when the size is not known.
    #[must_use]
    pub fn kinds(&self, subject: Subject, size: Option<u64>) -> Kinds {
        chosen(
            self.md5(subject).can_matter(size),
            self.sha1(subject).can_matter(size),
            self.sha256(subject).can_matter(size),
        )
    }

    /// Looks up a digest of a subject of `size` bytes.
    ///
    /// Of several equal rows the one whose name came first answers.
    #[must_use]
    pub fn lookup(&self, subject: impl Into<Subject>, digest: &Digest, size: u64) -> Option<Entry> {
        let subject = subject.into();
        let found = match digest {
            Digest::Md5(bytes) => self.md5(subject).lookup(bytes, size),
            Digest::Sha1(bytes) => self.sha1(subject).lookup(bytes, size),
            Digest::Sha256(bytes) => self.sha256(subject).lookup(bytes, size),
        };
        found.map(|(name, size)| Entry { name, kind: Kind::from(digest), size })
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, kind: Kind, subject: impl Into<Subject>) -> usize {
        let subject = subject.into();
        match kind {
            Kind::Md5 => self.md5(subject).rows(),
            Kind::Sha1 => self.sha1(subject).rows(),
            Kind::Sha256 => self.sha256(subject).rows(),
        }
    }
}

/// Checks a piece of these tables; `None`, and what is left of the number, when it is behind them.
fn check_in<const N: usize>(
    tables: [Table<'_, N>; Subject::ALL.len()],
    piece: &mut usize,
    names: u32,
) -> Option<Result<(), TablesFault>> {
    for table in tables {
        match piece.checked_sub(table.pieces()) {
            None => return Some(table.check_piece(*piece, names)),
            Some(left) => *piece = left,
        }
    }
    None
}

/// The kinds that are wanted.
const fn chosen(md5: bool, sha1: bool, sha256: bool) -> Kinds {
    let mut kinds = Kinds::NONE;
    if md5 {
        kinds = kinds.with(Kind::Md5);
    }
    if sha1 {
        kinds = kinds.with(Kind::Sha1);
    }
    if sha256 {
        kinds = kinds.with(Kind::Sha256);
    }
    kinds
}

/// Why a DIGESTS section cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TablesFault {
    /// A column is said to end beyond the section.
    Short,
    /// A narrow column of so many bytes.
    Width(u64),
    /// The index does not lead to the rows.
    Lines,
    /// Digests are out of order.
    Order,
    /// A row names a name that does not exist.
    Name(u32),
    /// The list of sizes is out of order or does not list what the rows have.
    Sizes,
}

impl fmt::Display for TablesFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("a table ends beyond its section"),
            Self::Width(bytes) => write!(out, "a column of {bytes} bytes a row: 4 is the limit"),
            Self::Lines => out.write_str("the index of digests does not lead to them"),
            Self::Order => out.write_str("digests are out of order"),
            Self::Name(name) => write!(out, "name {name} does not exist"),
            Self::Sizes => out.write_str("the list of sizes does not list what the rows have"),
        }
    }
}

impl std::error::Error for TablesFault {}
