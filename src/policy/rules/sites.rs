//! The sites that rules name, all in one index: one look at an address tells every set that it is in.
//!
//! Two hundred rules with sets of their own would be two hundred searches. Instead the host and each host
//! above it are looked up once; what is found there are the numbers of the sets. An entry means what it
//! means in a black list: the host and everything below it, a path up to a border.

use ahash::{AHashMap, RandomState};

use crate::policy::list::List;
use crate::policy::path::{CanonicalPath, LazyPath, is_border};
use crate::policy::table::Key;

/// Every site of every set.
#[derive(Clone, Debug)]
pub(in crate::policy) struct SiteIndex {
    hosts: AHashMap<Box<[u8]>, Vec<Site>>,
    sets: u16,
    entries: usize,
}

#[derive(Clone, Debug)]
struct Site {
    path: Box<[u8]>,
    set: u16,
}

/// The sets that an address is in.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct SiteBits([u64; SETS_MAX / 64]);

impl SiteBits {
    const NONE: Self = Self([0; SETS_MAX / 64]);

    pub(in crate::policy) fn has(&self, set: u16) -> bool {
        let word = self.0.get(usize::from(set / 64)).copied().unwrap_or_default();
        word & (1 << (set % 64)) != 0
    }

    /// The numbers of the sets, smallest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().zip((0_u16..).step_by(64)).flat_map(|(&word, first)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = u16::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
                left &= left.wrapping_sub(1);
                Some(first.saturating_add(bit))
            })
        })
    }

    fn set(&mut self, set: u16) {
        if let Some(word) = self.0.get_mut(usize::from(set / 64)) {
            *word |= 1 << (set % 64);
        }
    }
}

impl SiteIndex {
    pub(super) fn new() -> Self {
        // Fixed seeds: the keys are the administrator's, not the attacker's.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        Self { hosts: AHashMap::with_hasher(hasher), sets: 0, entries: 0 }
    }

    /// Adds a set; `None` when there are too many of them, or of their entries.
    pub(super) fn add(&mut self, list: List) -> Option<u16> {
        let set = self.sets;
        self.entries = self.entries.saturating_add(list.entries.len());
        if usize::from(set) >= SETS_MAX || self.entries > ENTRIES_MAX {
            return None;
        }
        self.sets = set.saturating_add(1);
        for entry in list.entries {
            self.hosts.entry(entry.key).or_default().push(Site { path: entry.path, set });
        }
        Some(set)
    }

    /// The sets that the address with this host and raw path is in.
    pub(in crate::policy) fn find(&self, key: &Key, path: &[u8]) -> SiteBits {
        let mut bits = SiteBits::NONE;
        if self.hosts.is_empty() {
            return bits;
        }
        let mut path = LazyPath::new(path);
        for host in key.with_parents() {
            let Some(sites) = self.hosts.get(host) else { continue };
            for site in sites {
                let is_in = site.path.is_empty() || begins_with(&path.get(), &site.path);
                if is_in {
                    bits.set(site.set);
                }
            }
        }
        bits
    }
}

/// Whether a path begins with this entry, up to a border.
fn begins_with(path: &CanonicalPath<'_>, entry: &[u8]) -> bool {
    let Some(rest) = path.as_bytes().strip_prefix(entry) else { return false };
    entry.last().copied().is_some_and(is_border)
        || rest.first().copied().map_or_else(|| path.is_complete(), is_border)
}

/// Sets of sites in all rules together; their bits are 256 bytes on the stack.
pub(super) const SETS_MAX: usize = 2048;

/// Sites in all rules together; each costs about 100 bytes. Longer lists belong into categories.
pub(super) const ENTRIES_MAX: usize = 1_000_000;
