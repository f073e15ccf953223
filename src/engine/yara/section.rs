//! The YARA section: rows of rules, atoms to rules, then the compiled groups.
//!
//! ```text
//!   magic 8 · counts: groups 4, rules 4, atoms 4, links 4
//!   groups     length u64 each
//!   rules      group u32, size_max u64, length of name u32, name
//!   atoms      (atoms + 1) × u32 ends into the links
//!   links      rule u32 each
//!   groups     bytes of boreal
//! ```
//!
//! The image's digest is checked before this is read, so damage means a defect or an attacker who
//! writes whole images. boreal says of its bytes that they are trusted; what it makes of others is an
//! error, or a panic that [`Parts::scanner`] turns into one.

use std::fmt;
use std::panic::AssertUnwindSafe;

use boreal::Scanner;
use boreal::scanner::DeserializeParams;

/// A row of the section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) group: u32,
    pub(super) size_max: u64,
    /// Its file and its name, as boreal has them.
    pub(super) name: String,
}

/// The section in pieces.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) rows: Vec<Row>,
    pub(super) ends: Vec<u32>,
    pub(super) links: Vec<u32>,
    pub(super) groups: Vec<std::borrow::Cow<'a, [u8]>>,
}

/// Why the bytes are not a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YaraFault {
    /// It ends early, or a count is wrong.
    Short,
    /// A number that names nothing.
    Index,
    /// A group of rules that boreal does not take.
    Group(usize),
}

impl fmt::Display for YaraFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => out.write_str("not a table of rules"),
            Self::Index => out.write_str("a number of a rule or a group that is not there"),
            Self::Group(index) => write!(out, "group {index} of rules cannot be read"),
        }
    }
}

impl std::error::Error for YaraFault {}

impl<'a> Parts<'a> {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for count in [
            self.groups.len(),
            self.rows.len(),
            self.ends.len().saturating_sub(1),
            self.links.len(),
        ] {
            out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        }
        for group in &self.groups {
            out.extend((group.len() as u64).to_le_bytes());
        }
        for Row { group, size_max, name } in &self.rows {
            out.extend(group.to_le_bytes());
            out.extend(size_max.to_le_bytes());
            out.extend(u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend(name.as_bytes());
        }
        out.extend(self.ends.iter().chain(&self.links).flat_map(|number| number.to_le_bytes()));
        self.groups.iter().for_each(|group| out.extend(group.iter()));
        out
    }

    /// Reads and checks every number.
    pub(super) fn read(section: &'a [u8]) -> Result<Self, YaraFault> {
        let mut reader = Reader { rest: section };
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(YaraFault::Short);
        }
        let [groups, rows, atoms, links] =
            [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        let lengths: Vec<u64> = (0..groups).map(|_| reader.u64()).collect::<Result<_, _>>()?;
        let row = |reader: &mut Reader<'a>| -> Result<Row, YaraFault> {
            let (group, size_max) = (reader.u32()?, reader.u64()?);
            let length = reader.u32()? as usize;
            let name = std::str::from_utf8(reader.take(length)?).map_err(|_| YaraFault::Index)?;
            Ok(Row { group, size_max, name: name.to_owned() })
        };
        let rows: Vec<Row> = (0..rows).map(|_| row(&mut reader)).collect::<Result<_, _>>()?;
        let ends: Vec<u32> = (0..=atoms).map(|_| reader.u32()).collect::<Result<_, _>>()?;
        let links: Vec<u32> = (0..links).map(|_| reader.u32()).collect::<Result<_, _>>()?;
        let is_whole = ends.first() == Some(&0)
            && ends.is_sorted()
            && ends.last().copied().map(|end| end as usize) == Some(links.len())
            && links.iter().all(|rule| (*rule as usize) < rows.len())
            && rows.iter().all(|row| row.group < groups);
        if !is_whole {
            return Err(YaraFault::Index);
        }
        let mut parts = Self { rows, ends, links, groups: Vec::new() };
        for length in lengths {
            let length = usize::try_from(length).map_err(|_| YaraFault::Short)?;
            parts.groups.push(reader.take(length)?.into());
        }
        if reader.rest.is_empty() { Ok(parts) } else { Err(YaraFault::Short) }
    }

    /// The scanner of a group.
    pub(super) fn scanner(&self, index: usize) -> Result<Scanner, YaraFault> {
        let bytes = self.groups.get(index).ok_or(YaraFault::Index)?;
        let read = || Scanner::from_bytes_unchecked(bytes, DeserializeParams::default());
        let scanner = std::panic::catch_unwind(AssertUnwindSafe(read));
        scanner.ok().and_then(Result::ok).ok_or(YaraFault::Group(index))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], YaraFault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(YaraFault::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, YaraFault> {
        let bytes = self.take(4)?.try_into().map_err(|_| YaraFault::Short)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, YaraFault> {
        let bytes = self.take(8)?.try_into().map_err(|_| YaraFault::Short)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

const MAGIC: &[u8] = b"YARA\r\n\x01\0";
