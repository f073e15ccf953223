//! A compiled list: hosts by a hash of their labels from the right, so that parents are fronts of children.
//!
//! `ads.example.com` is stored as `com␀example␀ads`, where the separator is the smallest byte there is.
//! A host is looked up whole and then with each domain above it, nearest first; each look costs one line
//! of cache where nothing is there, however many entries there are. Nothing is allocated. An address is
//! stored whole behind a byte that no name has.

use std::fmt;
use std::hash::BuildHasher as _;

use memchr::memrchr;
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

    /// The key, and then that of each domain above. An address has none: it has no separator.
    pub(super) fn with_parents(&self) -> impl Iterator<Item = &[u8]> {
        let mut next = Some(self.as_bytes());
        std::iter::from_fn(move || {
            let key = next?;
            next = memrchr(SEPARATOR, key).and_then(|end| key.get(..end));
            Some(key)
        })
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
    /// Where the row of a key is: from its [`home`] on, up to a free slot.
    slots: Box<[Slot]>,
    hasher: Hasher,
}

#[derive(Clone, Copy, Debug)]
struct HostRow {
    key: Span,
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
            let key = append(&mut text, &first.key)?;
            let start = u32::try_from(paths.len()).ok()?;
            // The empty path sorts first: the whole host is listed, and its paths add nothing.
            if !first.path.is_empty() {
                for entry in group {
                    paths.push(append(&mut text, &entry.path)?);
                }
            }
            let length = u32::try_from(paths.len()).ok()?.checked_sub(start)?;
            hosts.push(HostRow { key, paths: Span { start, length } });
            u32::try_from(hosts.len()).ok()?;
        }
        let hasher = Hasher::default();
        let keys = hosts.iter().map(|row| hasher.0.hash_one(row.key.of(&text)));
        let slots = slots(hosts.len(), keys);
        Some(Self { text: text.into(), hosts: hosts.into(), paths: paths.into(), slots, hasher })
    }

    /// The entry that covers this address, the nearest one first.
    pub(super) fn find(&self, url: &UrlParts<'_>) -> Option<Entry<'_>> {
        if self.is_empty() {
            return None;
        }
        self.find_key(&Key::of(&url.host), url.path)
    }

    /// The same for the key of a host and a raw path.
    pub(super) fn find_key(&self, key: &Key, path: &[u8]) -> Option<Entry<'_>> {
        let mut path = LazyPath::new(path);
        key.with_parents().filter_map(|key| self.row(key)).find_map(|row| {
            let key = row.key.of(&self.text);
            if row.paths.length == 0 {
                return Some(Entry { key, path: &[] });
            }
            self.find_path(row, &path.get()).map(|path| Entry { key, path })
        })
    }

    /// The row of exactly this key.
    fn row(&self, key: &[u8]) -> Option<&HostRow> {
        let hash = self.hasher.0.hash_one(key);
        let wanted = tag(hash);
        let mut at = home(hash, self.slots.len());
        loop {
            // Behind the last slot comes the first; a free one is always there.
            let slot = self.slots.get(at).or_else(|| self.slots.first())?;
            if slot.row == FREE {
                return None;
            }
            if slot.tag == wanted {
                let row = self.hosts.get(usize::try_from(slot.row).ok()?)?;
                if row.key.of(&self.text) == key {
                    return Some(row);
                }
            }
            at = if at < self.slots.len() { at.saturating_add(1) } else { 1 };
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

/// A place for a row.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Of the hash what does not say where it is.
    tag: u32,
    row: u32,
}

/// Seeds of this process: who writes a list does not know which of its entries meet.
#[derive(Clone, Debug)]
struct Hasher(ahash::RandomState);

impl Default for Hasher {
    fn default() -> Self {
        let seed = |number: u8| std::hash::RandomState::new().hash_one(number);
        Self(ahash::RandomState::with_seeds(seed(1), seed(2), seed(3), seed(4)))
    }
}

/// Puts each row into the first free slot from its home on.
fn slots(rows: usize, hashes: impl Iterator<Item = u64>) -> Box<[Slot]> {
    if rows == 0 {
        return Box::default();
    }
    // Two thirds are taken; one is always free, where a search ends.
    let count = rows.saturating_add(rows / 2).saturating_add(1);
    let mut slots = vec![Slot { tag: 0, row: FREE }; count];
    for (row, hash) in (0_u32..).zip(hashes) {
        let (front, back) = slots.split_at_mut(home(hash, count));
        if let Some(slot) = back.iter_mut().chain(front).find(|slot| slot.row == FREE) {
            *slot = Slot { tag: tag(hash), row };
        }
    }
    slots.into()
}

/// Where the search for a hash begins, in so many slots.
fn home(hash: u64, slots: usize) -> usize {
    let product = u128::from(hash).saturating_mul(u128::try_from(slots).unwrap_or(0));
    usize::try_from(product >> 64).unwrap_or(0)
}

fn tag(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
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

/// No row. A table has fewer rows than this.
const FREE: u32 = u32::MAX;

/// A host and the mark of an address.
const KEY_BYTES_MAX: usize = HOST_BYTES_MAX.saturating_add(1);
