//! The table of magic numbers that a database brings (`.ftm`, `clamav.md` A6.2), compiled.
//!
//! ```text
//!   counts ┃ fixed rows: place, bytes, kind ┃ embedded rows: parent, kind ┃ the bytes of all magic
//! ```
//!
//! Fixed rows are compared with the head of a layer, from the last line to the first: the last line
//! that fits decides. Embedded rows belong to patterns of the matcher, by their number among those of
//! kind `Magic`. A table that is not empty replaces the one of the program as a whole, as with clamscan.

use std::fmt;

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::FileType;
use super::kinds::Kind;

/// Bytes at a fixed place of the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct FixedMagic {
    /// Bytes before it.
    pub(in crate::engine) at: u32,
    /// What must be there.
    pub(in crate::engine) bytes: Vec<u8>,
    /// What the layer is then.
    pub(in crate::engine) kind: Kind,
}

/// What begins where a pattern of the matcher matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct EmbeddedMagic {
    /// The kind of layer it may lie in; `CL_TYPE_ANY` for each.
    pub(in crate::engine) parent: Kind,
    /// What it is.
    pub(in crate::engine) kind: Kind,
}

/// The rows of a table while it is put together.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct TypeRows {
    /// In the order of their lines.
    pub(in crate::engine) fixed: Vec<FixedMagic>,
    /// In the order of their patterns.
    pub(in crate::engine) embedded: Vec<EmbeddedMagic>,
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct FixedBytes {
    at: U32,
    from: U32,
    length: U16,
    kind: u8,
    zero: u8,
}

/// Parent and kind.
type EmbeddedBytes = [u8; 2];

/// A compiled table, viewed in place.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Types<'image> {
    fixed: &'image [FixedBytes],
    embedded: &'image [EmbeddedBytes],
    bytes: &'image [u8],
}

/// Which rule of the layout a TYPES section breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypesFault {
    /// It is shorter than its counts say.
    Short,
    /// The row of this number, of those with bytes.
    Fixed(usize),
    /// The row of this number, of those with a pattern.
    Embedded(usize),
    /// Another number of patterns than the matcher has for it.
    Patterns(usize),
}

impl fmt::Display for TypesFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("it ends before its last row"),
            Self::Fixed(row) => write!(out, "row {row} of magic numbers is not valid"),
            Self::Embedded(row) => write!(out, "row {row} of embedded types is not valid"),
            Self::Patterns(count) => {
                write!(out, "{count} embedded types, and as many patterns are not there")
            }
        }
    }
}

impl TypeRows {
    /// The bytes of the section; none for an empty table.
    pub(in crate::engine) fn compile(&self) -> Vec<u8> {
        if self.fixed.is_empty() && self.embedded.is_empty() {
            return Vec::new();
        }
        let count = |length: usize| U32::new(u32::try_from(length).unwrap_or(u32::MAX));
        let mut section = Vec::new();
        section.extend_from_slice(count(self.fixed.len()).as_bytes());
        section.extend_from_slice(count(self.embedded.len()).as_bytes());
        let mut from = 0_u32;
        for row in &self.fixed {
            // A line has at most 1 MiB, and its magic half of that at most: the loader refuses longer ones.
            let length = u16::try_from(row.bytes.len()).unwrap_or(u16::MAX);
            let kind = row.kind.number();
            let (at, length) = (U32::new(row.at), U16::new(length));
            let row = FixedBytes { at, from: U32::new(from), length, kind, zero: 0 };
            section.extend_from_slice(row.as_bytes());
            from = from.saturating_add(u32::from(length.get()));
        }
        for row in &self.embedded {
            section.extend_from_slice(&[row.parent.number(), row.kind.number()]);
        }
        for row in &self.fixed {
            let kept = row.bytes.get(..usize::from(u16::MAX)).unwrap_or(&row.bytes);
            section.extend_from_slice(kept);
        }
        section
    }
}

impl<'image> Types<'image> {
    /// No table: that of the program is used.
    pub(in crate::engine) const EMPTY: Self = Self { fixed: &[], embedded: &[], bytes: &[] };

    /// Views a section. Looks at its counts only; see [`Types::check`].
    ///
    /// # Errors
    ///
    /// [`TypesFault::Short`] when the rows are not all there.
    pub(in crate::engine) fn open(section: &'image [u8]) -> Result<Self, TypesFault> {
        if section.is_empty() {
            return Ok(Self::EMPTY);
        }
        let short = |_| TypesFault::Short;
        let (counts, rest) = <[U32; 2]>::ref_from_prefix(section).map_err(|_| TypesFault::Short)?;
        let [fixed, embedded] = counts.map(|count| usize::try_from(count.get()));
        let (fixed, embedded) = (fixed.map_err(short)?, embedded.map_err(short)?);
        let (fixed, rest) = <[FixedBytes]>::ref_from_prefix_with_elems(rest, fixed)
            .map_err(|_| TypesFault::Short)?;
        let (embedded, bytes) = <[EmbeddedBytes]>::ref_from_prefix_with_elems(rest, embedded)
            .map_err(|_| TypesFault::Short)?;
        Ok(Self { fixed, embedded, bytes })
    }

    /// Looks at every row. `patterns` is the number of patterns of kind `Magic` that the matcher has.
    ///
    /// # Errors
    ///
    /// [`TypesFault`] says which rule of the layout is broken.
    pub(in crate::engine) fn check(&self, patterns: usize) -> Result<(), TypesFault> {
        for (index, row) in self.fixed.iter().enumerate() {
            let is_valid =
                row.zero == 0 && Kind::from_number(row.kind).is_some() && self.magic(row).is_some();
            if !is_valid {
                return Err(TypesFault::Fixed(index));
            }
        }
        for (index, [parent, kind]) in self.embedded.iter().enumerate() {
            if Kind::from_number(*parent).is_none() || Kind::from_number(*kind).is_none() {
                return Err(TypesFault::Embedded(index));
            }
        }
        match self.embedded.len() == patterns {
            true => Ok(()),
            false => Err(TypesFault::Patterns(self.embedded.len())),
        }
    }

    /// Whether the database brought no table.
    pub(in crate::engine) const fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.embedded.is_empty()
    }

    /// The type of a layer by the last row that fits its head.
    pub(in crate::engine) fn file_type(&self, head: &[u8]) -> Option<FileType> {
        let fits = |row: &&FixedBytes| {
            let at = usize::try_from(row.at.get()).unwrap_or(usize::MAX);
            self.magic(row)
                .is_some_and(|magic| head.get(at..).is_some_and(|rest| rest.starts_with(magic)))
        };
        let row = self.fixed.iter().rev().find(fits)?;
        let found = Kind::from_number(row.kind)?.file_type();
        // The table has one row for two kinds whose difference lies behind the magic.
        Some(if found == FileType::MachOUniversal {
            super::cafe_babe(head).unwrap_or(found)
        } else {
            found
        })
    }

    /// What begins where the pattern of this number among those of kind `Magic` matches.
    pub(in crate::engine) fn embedded(&self, number: u32) -> Option<EmbeddedMagic> {
        let [parent, kind] = self.embedded.get(usize::try_from(number).ok()?)?;
        Some(EmbeddedMagic { parent: Kind::from_number(*parent)?, kind: Kind::from_number(*kind)? })
    }

    /// Whether there are patterns that find embedded objects.
    pub(in crate::engine) const fn has_embedded(&self) -> bool {
        !self.embedded.is_empty()
    }

    fn magic(&self, row: &FixedBytes) -> Option<&'image [u8]> {
        let from = usize::try_from(row.from.get()).ok()?;
        self.bytes.get(from..from.checked_add(usize::from(row.length.get()))?)
    }
}
