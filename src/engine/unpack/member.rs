//! A member of a container: what is said of it before its first byte.

use std::fmt;

use super::Said;
use crate::engine::database::signature::Target;
use crate::engine::verdict::Why;

/// A member that begins.
#[derive(Debug, Default)]
pub(in crate::engine) struct Member {
    /// What it is taken out of, and its name there.
    pub(in crate::engine) label: Label,
    /// Bytes that it is said to have. It may not be true.
    pub(in crate::engine) size: Option<u64>,
    /// The most memory that reading it can take, in bytes.
    pub(in crate::engine) state_bytes: u64,
    /// The kind of container whose signatures it is matched with, when it is of no kind of its own.
    pub(in crate::engine) part_of: Option<Target>,
    /// The `CL_TYPE_*` name of the container, when that is known only from here on.
    pub(in crate::engine) around: Option<&'static str>,
    /// What is said of it.
    pub(in crate::engine) said: Option<Said>,
    /// It was written in a text: such are many and small, and count less for `MaxFiles`.
    pub(in crate::engine) is_inline: bool,
    /// Why it is not read: then neither bytes nor an end follow.
    pub(in crate::engine) closed: Option<Why>,
}

/// A step in the path of a detection: `gzip`, `zip:a/b.exe`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Label {
    what: &'static str,
    name: Option<Box<str>>,
}

impl Label {
    /// Of a layer that has no name.
    pub(in crate::engine) const fn of(what: &'static str) -> Self {
        Self { what, name: None }
    }

    /// Of a member. Its name is shown as far as it can be: cut at [`NAME_BYTES_MAX`], with an escape
    /// for what is not a printable character or would be read as another step.
    pub(in crate::engine) fn named(what: &'static str, name: &[u8]) -> Self {
        let shown = name.get(..NAME_BYTES_MAX).unwrap_or(name);
        let mut text = String::with_capacity(shown.len());
        for chunk in shown.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    '>' | '\\' => text.extend(['\\', letter]),
                    letter if letter.is_control() => text.extend(letter.escape_default()),
                    letter => text.push(letter),
                }
            }
            for byte in chunk.invalid() {
                text.extend(std::ascii::escape_default(*byte).map(char::from));
            }
        }
        if shown.len() < name.len() {
            text.push('…');
        }
        Self { what, name: Some(text.into()) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(out, "{}:{name}", self.what),
            None => out.write_str(self.what),
        }
    }
}

/// Longer names are cut: a path that nobody reads helps nobody.
const NAME_BYTES_MAX: usize = 256;
