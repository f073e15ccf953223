//! The table of names: every name once, in the order of first use.
//!
//! Equal names are found by a 64-bit hash of fixed seed; in the rare case that two names share it,
//! the later one is written again, which costs its bytes and nothing else. So a name costs its
//! bytes, four for its end, and about 20 while loading.

use ahash::{AHashMap, RandomState};

use super::signature::NameId;

/// Names while sources load.
#[derive(Debug)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// The end of each name in `bytes`; 0 first.
    ends: Vec<u32>,
    by_hash: AHashMap<u64, NameId>,
    hasher: RandomState,
}

impl Names {
    pub(super) fn new() -> Self {
        // The seeds are fixed: the same sources give the same table in every run.
        let hasher = RandomState::with_seeds(0x6261, 0x6c65, 0x656e, 0x6e73);
        Self {
            bytes: Vec::new(),
            ends: vec![0],
            by_hash: AHashMap::with_hasher(hasher.clone()),
            hasher,
        }
    }

    /// The place of a name; `None` when the table is full (4 GiB of names).
    pub(super) fn intern(&mut self, name: &str) -> Option<NameId> {
        let hash = self.hasher.hash_one(name);
        if let Some(known) = self.by_hash.get(&hash)
            && self.get(*known) == Some(name.as_bytes())
        {
            return Some(*known);
        }
        let id = NameId(u32::try_from(self.count()).ok()?);
        let end = self.bytes.len().checked_add(name.len())?;
        self.ends.push(u32::try_from(end).ok()?);
        self.bytes.extend_from_slice(name.as_bytes());
        self.by_hash.entry(hash).or_insert(id);
        Some(id)
    }

    fn get(&self, id: NameId) -> Option<&[u8]> {
        let index = id.0 as usize;
        let from = *self.ends.get(index)? as usize;
        let to = *self.ends.get(index.checked_add(1)?)? as usize;
        self.bytes.get(from..to)
    }

    fn count(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// The NAMES section: ends, then bytes. The number of names is the second word's worth of
    /// knowledge that the reader needs, so it comes first.
    pub(super) fn into_section(self) -> Vec<u8> {
        let mut section = (self.count() as u64).to_le_bytes().to_vec();
        for end in &self.ends {
            section.extend_from_slice(&end.to_le_bytes());
        }
        section.extend_from_slice(&self.bytes);
        section
    }
}
