//! A compiled list: hosts sorted by their labels from the right, found by one binary search.
//!
//! `ads.example.com` is stored as `com␀example␀ads`, where the separator is the smallest byte there is.
//! So everything below a host follows it directly, and of all entries that are a host or one of
//! its parents, the nearest is found by going from the last entry not greater than the wanted host up
//! the chain of parents: an entry between a parent and the wanted host begins with that parent, or it
//! would not sort between them. The search costs log2(entries) comparisons and at most one step per
//! label; nothing is allocated. An address is stored whole behind a byte that no name has.

use std::fmt;

use sha2::{Digest, Sha256};

use super::host::{HOST_BYTES_MAX, Host};
use super::list::List;
use super::path::{CanonicalPath, LazyPath};
use super::url::UrlParts;

/// The sort key of a host.
#[derive(Clone, Copy)]
pub(super) struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    length: usize,
}

impl Key {
    /// The key of `host`.
    pub(super) fn of(host: &Host) -> Self {
        let mut key = Self { bytes: [0; KEY_BYTES_MAX], length: 0 };
        if host.is_address() {
            key.push(&[ADDRESS]);
            key.push(host.as_bytes());
            return key;
        }
        for label in host.as_bytes().rsplit(|&byte| byte == b'.') {
            if key.length > 0 {
                key.push(&[SEPARATOR]);
            }
            key.push(label);
        }
        key
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(slots) = self.bytes.get_mut(self.length..end) {
            slots.copy_from_slice(bytes);
            self.length = end;
        }
    }

    /// The key's bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A compiled list.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// All keys, then all paths, one behind the other.
    text: Box<[u8]>,
    hosts: Box<[HostRow]>,
    paths: Box<[Span]>,
}

#[derive(Clone, Copy, Debug)]
struct HostRow {
    key: Span,
    /// The nearest entry above, or [`NO_PARENT`].
    parent: u32,
    /// This host's paths in [`Table::paths`], sorted; none when the whole host is listed.
    paths: Span,
}

/// A range, as start and length.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    length: u32,
}

impl Span {
    fn of<T>(self, all: &[T]) -> &[T] {
        let start = usize::try_from(self.start).unwrap_or(usize::MAX);
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        all.get(start..start.saturating_add(length)).unwrap_or_default()
    }
}

impl Table {
    /// Sorts and packs a list; `None` when it needs more than 32 bits can address.
    pub(super) fn compile(list: List) -> Option<Self> {
        let mut entries = list.entries;
        entries.sort_unstable();
        entries.dedup();
        let mut text = Vec::new();
        let mut hosts: Vec<HostRow> = Vec::new();
        let mut paths = Vec::new();
        for group in entries.chunk_by(|one, other| one.key == other.key) {
            let Some(first) = group.first() else { continue };
            let parent = nearest_parent(&hosts, &text, &first.key);
            let key = append(&mut text, &first.key)?;
            let start = u32::try_from(paths.len()).ok()?;
            // The empty path sorts first: the whole host is listed, and its paths add nothing.
            if !first.path.is_empty() {
                for entry in group {
                    paths.push(append(&mut text, &entry.path)?);
                }
            }
            let length = u32::try_from(paths.len()).ok()?.checked_sub(start)?;
            hosts.push(HostRow { key, parent, paths: Span { start, length } });
            u32::try_from(hosts.len()).ok()?;
        }
        Some(Self { text: text.into(), hosts: hosts.into(), paths: paths.into() })
    }

    /// The entry that covers this address, the nearest one first.
    pub(super) fn find(&self, url: &UrlParts<'_>) -> Option<Entry<'_>> {
        let key = Key::of(&url.host);
        let wanted = key.as_bytes();
        let after = self.hosts.partition_point(|row| row.key.of(&self.text) <= wanted);
        let mut row = self.hosts.get(after.checked_sub(1)?)?;
        let mut path = LazyPath::new(url.path);
        loop {
            if covers(row.key.of(&self.text), wanted) {
                if row.paths.length == 0 {
                    return Some(Entry { key: row.key.of(&self.text), path: &[] });
                }
                if let Some(found) = self.find_path(row, &path.get()) {
                    return Some(Entry { key: row.key.of(&self.text), path: found });
                }
            }
            row = self.hosts.get(usize::try_from(row.parent).ok()?)?;
        }
    }

    fn find_path(&self, row: &HostRow, path: &CanonicalPath<'_>) -> Option<&[u8]> {
        let listed = row.paths.of(&self.paths);
        let at = path.prefixes().find_map(|prefix| {
            listed.binary_search_by(|span| span.of(&self.text).cmp(prefix)).ok()
        })?;
        listed.get(at).map(|span| span.of(&self.text))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    pub(super) fn entry_count(&self) -> usize {
        self.hosts
            .iter()
            .filter(|row| row.paths.length == 0)
            .count()
            .saturating_add(self.paths.len())
    }

    /// Adds the content to a digest, every part behind its length so that no two lists look alike.
    pub(super) fn digest_into(&self, digest: &mut Sha256) {
        digest.update(u64::try_from(self.hosts.len()).unwrap_or(u64::MAX).to_le_bytes());
        for row in &self.hosts {
            digest.update(row.key.length.to_le_bytes());
            digest.update(row.key.of(&self.text));
            digest.update(row.paths.length.to_le_bytes());
            for path in row.paths.of(&self.paths) {
                digest.update(path.length.to_le_bytes());
                digest.update(path.of(&self.text));
            }
        }
    }
}

/// Where the entry above `key` is: the newest row, or one of its parents.
fn nearest_parent(hosts: &[HostRow], text: &[u8], key: &[u8]) -> u32 {
    let mut at =
        hosts.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()).unwrap_or(NO_PARENT);
    while let Some(row) = usize::try_from(at).ok().and_then(|at| hosts.get(at)) {
        if covers(row.key.of(text), key) {
            return at;
        }
        at = row.parent;
    }
    NO_PARENT
}

/// Whether the host with key `entry` is the one with key `wanted`, or above it.
fn covers(entry: &[u8], wanted: &[u8]) -> bool {
    wanted
        .strip_prefix(entry)
        .is_some_and(|rest| rest.first().is_none_or(|&next| next == SEPARATOR))
}

fn append(text: &mut Vec<u8>, bytes: &[u8]) -> Option<Span> {
    let start = u32::try_from(text.len()).ok()?;
    let length = u32::try_from(bytes.len()).ok()?;
    start.checked_add(length)?;
    text.extend_from_slice(bytes);
    Some(Span { start, length })
}

/// The entry of a list that an address hit. Its text is put together when it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'p> {
    key: &'p [u8],
    path: &'p [u8],
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.key.strip_prefix(&[ADDRESS]) {
            write!(out, "{}", address.escape_ascii())?;
        } else {
            for (index, label) in self.key.rsplit(|&byte| byte == SEPARATOR).enumerate() {
                let dot = if index == 0 { "" } else { "." };
                write!(out, "{dot}{}", label.escape_ascii())?;
            }
        }
        write!(out, "{}", self.path.escape_ascii())
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Entry({self})")
    }
}

/// Between labels; smaller than every byte of a label.
const SEPARATOR: u8 = 0;

/// In front of an address; no label begins with it.
const ADDRESS: u8 = 0xff;

/// The row has no entry above it. A table has fewer rows than this.
const NO_PARENT: u32 = u32::MAX;

/// A host and the mark of an address.
const KEY_BYTES_MAX: usize = HOST_BYTES_MAX.saturating_add(1);
