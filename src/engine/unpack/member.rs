//! A member of a container: what is said of it before its first byte.

use std::fmt;
use std::sync::Arc;

use super::Said;
use crate::engine::database::signature::Target;
use crate::engine::file_type::Kind;
use crate::engine::verdict::Why;

/// A member that begins.
#[derive(Debug, Default)]
pub(in crate::engine) struct Member {
    /// What it is taken out of, and its name there.
    pub(in crate::engine) label: Label,
    /// Bytes that it is said to have. It may not be true.
    pub(in crate::engine) size: Option<u64>,
    /// Bytes that it has in the container, when they are known.
    pub(in crate::engine) packed: Option<u64>,
    /// CRC-32 of it, when it is known.
    pub(in crate::engine) sum: Option<u32>,
    /// It is encrypted, whether or not it can be read.
    pub(in crate::engine) is_encrypted: bool,
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
    /// It is the layer around it once more, as this kind.
    pub(in crate::engine) again: Option<Kind>,
    /// Why it is not read: then neither bytes nor an end follow.
    pub(in crate::engine) closed: Option<Why>,
}

/// A step in the path of a detection: `gzip`, `zip:a/b.exe`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Label {
    what: &'static str,
    /// Shared with the report of the layers.
    name: Option<Arc<[u8]>>,
}

impl Label {
    /// What it was taken out of.
    pub(in crate::engine) const fn what(&self) -> &'static str {
        self.what
    }

    /// Of a layer that has no name.
    pub(in crate::engine) const fn of(what: &'static str) -> Self {
        Self { what, name: None }
    }

    /// Of a member, with its name as the container has it.
    pub(in crate::engine) fn named(what: &'static str, name: &[u8]) -> Self {
        let kept = name.get(..NAME_BYTES_KEPT).unwrap_or(name);
        Self { what, name: Some(kept.into()) }
    }

    /// Its name, as the container has it.
    pub(in crate::engine) fn name(&self) -> &[u8] {
        self.name.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => {
                write!(out, "{}:", self.what)?;
                show(name, out)
            }
            None => out.write_str(self.what),
        }
    }
}

/// A name as far as it can be shown: cut at [`NAME_BYTES_SHOWN`], with an escape for what is not a printable
/// character or would be read as another step.
fn show(name: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shown = name.get(..NAME_BYTES_SHOWN).unwrap_or(name);
    for chunk in shown.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '>' | '\\' => write!(out, "\\{letter}")?,
                letter if letter.is_control() => write!(out, "{}", letter.escape_default())?,
                letter => write!(out, "{letter}")?,
            }
        }
        for byte in chunk.invalid() {
            write!(out, "{}", std::ascii::escape_default(*byte))?;
        }
    }
    if shown.len() < name.len() { out.write_str("…") } else { Ok(()) }
}

/// Longer names are cut: a path that nobody reads helps nobody.
const NAME_BYTES_SHOWN: usize = 256;
/// Signatures see so much of a name: no file system has longer paths.
const NAME_BYTES_KEPT: usize = 4 << 10;
