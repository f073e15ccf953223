//! Which list is about which of our categories.
//!
//! ```text
//!   # list category = our category[, our category]; - leaves the list out
//!   gambling = Gambling
//!   warez    = DueToCopyrightNotice, NotRecommended
//!   cooking  = -
//! ```
//!
//! A list is known by the name of its file without extension, or else by the folders it is in, the nearest
//! first: `malware/elf_mirai.txt` is `elf_mirai`, then `malware`; `gambling/domains` is `gambling`. The
//! names of our own categories need no row. Rows of a file come before the built-in ones, which name
//! every category of UT1, and those of maltrail and blackbook.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use super::names::{Categories, Category};

/// Rows, those of a file before the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    rows: BTreeMap<Box<str>, Categories>,
}

/// What a list is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// Its entries are in these categories.
    To(Categories),
    /// It is left out on purpose.
    LeftOut,
    /// Nobody knows this list.
    Unknown,
}

impl Mapping {
    /// The built-in rows.
    #[must_use]
    pub fn builtin() -> Self {
        let mut mapping = Self { rows: BTreeMap::new() };
        let faults = mapping.add_file(BUILTIN);
        debug_assert!(faults.is_empty(), "{faults:?}");
        mapping
    }

    /// Adds the rows of a file, which then count instead of earlier ones of the same name. Bad lines are
    /// set aside and returned.
    pub fn add_file(&mut self, text: &str) -> Vec<MappingFault> {
        let mut faults = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let code = line.split_once('#').map_or(line, |(code, _)| code).trim();
            if code.is_empty() {
                continue;
            }
            if let Err((word, what)) = self.add(code) {
                let column = line.find(word).unwrap_or(0).saturating_add(1);
                faults.push(MappingFault { line: index.saturating_add(1), column, what });
            }
        }
        faults
    }

    /// Adds a row; gives the word that is wrong, and what is wrong with it.
    fn add<'l>(&mut self, code: &'l str) -> Result<(), (&'l str, String)> {
        let (name, value) = code
            .split_once('=')
            .ok_or_else(|| (code, "expected \"list category = category\"".to_owned()))?;
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            return Err((code, "the name of the list is missing".to_owned()));
        }
        let mut categories = Categories::NONE;
        let value = value.trim();
        if value != "-" {
            for word in value.split(',').map(str::trim) {
                let category = Category::named(word).ok_or_else(|| {
                    let names: Vec<&str> = Category::ALL.iter().map(|known| known.name()).collect();
                    (word, format!("\"{word}\": expected one of {}, or -", names.join(", ")))
                })?;
                categories = categories.with(category);
            }
        }
        if self.rows.len() >= ROWS_MAX {
            return Err((code, format!("{ROWS_MAX} rows are allowed")));
        }
        self.rows.insert(name.into(), categories);
        Ok(())
    }

    /// What the list at this path, with `/` between its parts, is mapped to.
    #[must_use]
    pub fn of(&self, path: &str) -> Mapped {
        let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = match file.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            Some(_) | None => file,
        };
        let names = std::iter::once(stem).chain(folders.rsplit('/'));
        let mut found = names.filter(|name| !name.is_empty()).filter_map(|name| {
            let row = self.rows.get(name.to_lowercase().as_str()).copied();
            row.or_else(|| Category::named(name).map(|category| Categories::NONE.with(category)))
        });
        match found.next() {
            None => Mapped::Unknown,
            Some(categories) if categories.is_empty() => Mapped::LeftOut,
            Some(categories) => Mapped::To(categories),
        }
    }

    /// SHA-256 of all rows.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (name, categories) in &self.rows {
            digest.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(name.as_bytes());
            digest.update(categories.bits().to_le_bytes());
        }
        digest.finalize().into()
    }
}

/// A line of a mapping file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingFault {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for MappingFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.line, self.column, self.what)
    }
}

/// Rows of a mapping, the built-in ones included.
pub const ROWS_MAX: usize = 10_000;

/// The built-in rows. What is left out is no subject of any of our categories, or says nothing bad about
/// the site: banks, newspapers, sports, shops; or is a list of what may be visited.
const BUILTIN: &str = include_str!("mapping.conf");
