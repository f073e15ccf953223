//! Tables in which equal runs of rows are kept once.
//!
//! A run is found by a 64-bit hash of fixed seed. Two runs that share it are both kept; only the first
//! is found again, which costs room and nothing else.

use std::hash::Hash;

use ahash::{AHashMap, RandomState};

/// Rows that grow.
#[derive(Debug)]
pub(super) struct Pool<T> {
    rows: Vec<T>,
    runs: AHashMap<u64, (u32, u32)>,
    hasher: RandomState,
}

impl<T: Hash + Eq + Clone> Pool<T> {
    pub(super) fn new() -> Self {
        // The seeds are fixed: the same sources give the same tables in every run.
        let hasher = RandomState::with_seeds(0x6c6f, 0x6769, 0x6361, 0x6c00);
        Self { rows: Vec::new(), runs: AHashMap::with_hasher(hasher.clone()), hasher }
    }

    /// The place of a run, from its first row to behind its last.
    pub(super) fn intern(&mut self, run: &[T]) -> (u32, u32) {
        let hash = self.hasher.hash_one(run);
        if let Some((start, end)) = self.runs.get(&hash)
            && self.rows.get(*start as usize..*end as usize) == Some(run)
        {
            return (*start, *end);
        }
        let place = (narrow(self.rows.len()), narrow(self.rows.len().saturating_add(run.len())));
        self.rows.extend_from_slice(run);
        self.runs.entry(hash).or_insert(place);
        place
    }

    /// The place of one row.
    pub(super) fn intern_one(&mut self, row: &T) -> u32 {
        self.intern(std::slice::from_ref(row)).0
    }

    pub(super) fn rows(&self) -> &[T] {
        &self.rows
    }

    pub(super) fn into_rows(self) -> Vec<T> {
        self.rows
    }
}

/// An index of a table. A set whose tables pass four thousand million rows does not fit a machine.
pub(super) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
