//! All six tables of an image, as one view.

use std::fmt;

use zerocopy::FromBytes;

use crate::engine::database::signature::{Digest, NameId, Purpose};

use super::layout::{Descriptor, Directory};
use super::table::Table;
use super::{Kind, Kinds, Needs};

/// The digests of an image. A view: copying it copies no table.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    md5: [Table<'a, 16>; 2],
    sha1: [Table<'a, 20>; 2],
    sha256: [Table<'a, 32>; 2],
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
    /// Tables without a row.
    pub const EMPTY: Self =
        Self { md5: [Table::EMPTY; 2], sha1: [Table::EMPTY; 2], sha256: [Table::EMPTY; 2] };

    /// Finds the tables in the section. Constant time; [`Tables::check`] reads them.
    ///
    /// # Errors
    ///
    /// [`TablesFault`] when a table is said to lie outside the section.
    pub fn open(section: &'a [u8]) -> Result<Self, TablesFault> {
        let (directory, _) =
            Directory::read_from_prefix(section).map_err(|_| TablesFault::Short)?;
        let [md5_bad, md5_trusted, sha1_bad, sha1_trusted, sha256_bad, sha256_trusted] =
            directory.each_ref().map(Descriptor::from_bytes);
        Ok(Self {
            md5: [Table::open(section, &md5_bad)?, Table::open(section, &md5_trusted)?],
            sha1: [Table::open(section, &sha1_bad)?, Table::open(section, &sha1_trusted)?],
            sha256: [Table::open(section, &sha256_bad)?, Table::open(section, &sha256_trusted)?],
        })
    }

    /// Reads every table once, with `names` the number of names in the image.
    ///
    /// # Errors
    ///
    /// [`TablesFault`] says what a lookup could not rely on.
    pub fn check(&self, names: u32) -> Result<(), TablesFault> {
        for table in &self.md5 {
            table.check(names)?;
        }
        for table in &self.sha1 {
            table.check(names)?;
        }
        for table in &self.sha256 {
            table.check(names)?;
        }
        Ok(())
    }

    /// Which digests can matter for an object of `size` bytes, `None` when it is not known yet.
    ///
    /// With a known size this is the size gate of the formats: a digest matters only when a row of
    /// its kind has exactly that size, or any size.
    #[must_use]
    pub fn needs(&self, size: Option<u64>) -> Needs {
        Needs { detect: self.kinds(Purpose::Detect, size), trust: self.kinds(Purpose::Trust, size) }
    }

    /// Which digests can still matter for an object of which `bytes` have been seen, however many
    /// follow: past the largest size in a table, its digest is computed for nothing.
    #[must_use]
    pub fn needs_from(&self, bytes: u64) -> Needs {
        let kinds = |purpose| {
            chosen(
                of(&self.md5, purpose).can_matter_from(bytes),
                of(&self.sha1, purpose).can_matter_from(bytes),
                of(&self.sha256, purpose).can_matter_from(bytes),
            )
        };
        Needs { detect: kinds(Purpose::Detect), trust: kinds(Purpose::Trust) }
    }

    fn kinds(&self, purpose: Purpose, size: Option<u64>) -> Kinds {
        chosen(
            of(&self.md5, purpose).can_matter(size),
            of(&self.sha1, purpose).can_matter(size),
            of(&self.sha256, purpose).can_matter(size),
        )
    }

    /// Looks up a digest of an object of `size` bytes.
    ///
    /// Of several equal rows the first in the order of the sources answers.
    #[must_use]
    pub fn lookup(&self, purpose: Purpose, digest: &Digest, size: u64) -> Option<Entry> {
        let found = match digest {
            Digest::Md5(bytes) => of(&self.md5, purpose).lookup(bytes, size),
            Digest::Sha1(bytes) => of(&self.sha1, purpose).lookup(bytes, size),
            Digest::Sha256(bytes) => of(&self.sha256, purpose).lookup(bytes, size),
        };
        found.map(|(name, size)| Entry { name, kind: Kind::from(digest), size })
    }

    /// How many rows a table has.
    #[must_use]
    pub const fn count(&self, kind: Kind, purpose: Purpose) -> usize {
        match kind {
            Kind::Md5 => of(&self.md5, purpose).rows(),
            Kind::Sha1 => of(&self.sha1, purpose).rows(),
            Kind::Sha256 => of(&self.sha256, purpose).rows(),
        }
    }
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

const fn of<T>([detect, trust]: &[T; 2], purpose: Purpose) -> &T {
    match purpose {
        Purpose::Detect => detect,
        Purpose::Trust => trust,
    }
}

/// Why a DIGESTS section cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TablesFault {
    /// A column is said to end beyond the section.
    Short,
    /// A bucket index of so many bits.
    Bits(u64),
    /// The bucket index does not rise from 0 to the number of rows.
    Buckets,
    /// Digests are out of order, or in a wrong bucket.
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
            Self::Bits(bits) => write!(out, "a bucket index of {bits} bits: 24 is the limit"),
            Self::Buckets => out.write_str("the bucket index does not rise from 0 to the last row"),
            Self::Order => out.write_str("digests are out of order"),
            Self::Name(name) => write!(out, "name {name} does not exist"),
            Self::Sizes => out.write_str("the list of sizes does not list what the rows have"),
        }
    }
}

impl std::error::Error for TablesFault {}
