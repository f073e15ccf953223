//! Ignore lists: `.ign` and `.ign2` (clamav.md A1.6).
//!
//! `name` ignores every signature of that name, `name:md5` only the one whose line has that MD5,
//! `database:line:name` is the old form. As clamscan reads it, place and line of the old form do
//! not matter: databases are sorted anew with every release. Names are compared without
//! `.UNOFFICIAL` and without a closing `.{…}`.

use ahash::{AHashMap, RandomState};
use md5::{Digest as _, Md5};

use super::digest_line::bytes;
use super::line::{Field, Fields, LineFault, Read, UNOFFICIAL, digits};

/// What is to be ignored.
#[derive(Debug)]
pub(super) struct Ignored {
    /// By bare name.
    entries: AHashMap<Box<[u8]>, Entry>,
}

/// What is ignored under one name.
#[derive(Debug, Default)]
struct Entry {
    every: bool,
    texts: Vec<[u8; 16]>,
}

impl Ignored {
    pub(super) fn new() -> Self {
        // Fixed seeds: the lists come from the administrator, and replays shall not differ.
        let hasher = RandomState::with_seeds(0x6967, 0x6e6f, 0x7265, 0x6400);
        Self { entries: AHashMap::with_hasher(hasher) }
    }

    /// Takes one line of an ignore list.
    pub(super) fn add(&mut self, line: IgnoreLine) {
        let entry = self.entries.entry(line.name).or_default();
        match line.text {
            None => entry.every = true,
            Some(text) => entry.texts.push(text),
        }
    }

    /// Whether the signature that `line` writes is to be ignored. `name` is the line's name field.
    pub(super) fn covers(&self, name: &[u8], line: &[u8]) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let Some(entry) = self.entries.get(stripped(name)) else {
            return false;
        };
        entry.every || (!entry.texts.is_empty() && entry.texts.contains(&Md5::digest(line).into()))
    }
}

/// What a line ignores: a bare name, and the MD5 of a signature's line where it names one.
#[derive(Debug)]
pub(super) struct IgnoreLine {
    name: Box<[u8]>,
    text: Option<[u8; 16]>,
}

/// Reads one line of an ignore list.
pub(super) fn parse(line: &[u8]) -> Result<Read<IgnoreLine>, LineFault> {
    let fields = Fields::split(line, 1, 3)?;
    let (name, text) = match (fields.get(1), fields.get(2)) {
        (None, _) => (fields.required(0), None),
        (Some(text), None) => (fields.required(0), Some(bytes::<16>(text)?)),
        (Some(line), Some(name)) => {
            digits(line.text, line.at, "the number of a line")?;
            (name, None)
        }
    };
    Ok(Read::Signature(IgnoreLine { name: bare(name)?.into(), text }))
}

fn bare<'a>(field: Field<'a>) -> Result<&'a [u8], LineFault> {
    match stripped(field.text) {
        [] => Err(LineFault::rule(field.at, "an empty name")),
        name => Ok(name),
    }
}

/// A name without the mark of unsigned sources and without a closing `.{…}`.
fn stripped(name: &[u8]) -> &[u8] {
    let name = name.strip_suffix(UNOFFICIAL.as_bytes()).unwrap_or(name);
    if !name.ends_with(b"}") {
        return name;
    }
    match memchr::memmem::rfind(name, b".{") {
        Some(start) => name.get(..start).unwrap_or(name),
        None => name,
    }
}
