//! A bounded copy of the bytes of one form, for what can only look at them when all are there.
//!
//! Regexes of logical signatures and YARA rules read forwards and backwards, so they cannot run on
//! the stream. A spool keeps a layer's bytes until its end, up to a limit a layer and a budget that
//! all scans of an engine share. A spool that would pass either gives everything back at once and
//! says so; that matters only when something deferred would have had to run on that layer.
//!
//! Absent on purpose: files. What is larger than the limit is unscanned by the deferred stages.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::verdict::Limit;

/// Memory for the spools of all scans of one engine.
#[derive(Debug)]
pub struct SpoolBudget {
    left: AtomicU64,
}

impl SpoolBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(bytes) })
    }

    /// Bytes that nobody holds.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn give(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Why the bytes of a layer are not all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolFull {
    /// The layer is longer than one may be.
    Layer,
    /// All scans together hold as much as they may.
    Memory,
}

impl SpoolFull {
    /// The limit that was reached.
    #[must_use]
    pub const fn limit(self) -> Limit {
        match self {
            Self::Layer => Limit::MaxDeferredSize,
            Self::Memory => Limit::DeferredMemory,
        }
    }
}

/// The bytes of one form so far, or why they are not kept.
pub struct Spool {
    bytes: Vec<u8>,
    limit_bytes: usize,
    /// What was taken out of the budget; not less than the capacity of `bytes`.
    charged: u64,
    budget: Arc<SpoolBudget>,
    full: Option<SpoolFull>,
}

impl Spool {
    /// An empty spool; it takes memory with its first byte.
    #[must_use]
    pub fn new(limit_bytes: u64, budget: Arc<SpoolBudget>) -> Self {
        let limit_bytes = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
        Self { bytes: Vec::new(), limit_bytes, charged: 0, budget, full: None }
    }

    /// As [`Spool::new`], for a layer that is said to have so many bytes. The first allocation is of
    /// that size when it is believable; more than the limit makes the spool full at once.
    #[must_use]
    pub fn with_hint(limit_bytes: u64, budget: Arc<SpoolBudget>, size: Option<u64>) -> Self {
        let mut spool = Self::new(limit_bytes, budget);
        match size {
            Some(size) if size > limit_bytes => spool.give_up(SpoolFull::Layer),
            Some(size) => {
                let wanted = usize::try_from(size.min(HINT_BYTES_MAX)).unwrap_or(0);
                spool.grow(wanted);
            }
            None => {}
        }
        spool
    }

    /// Keeps the next bytes, or gives up the ones before.
    pub fn push(&mut self, piece: &[u8]) {
        if self.full.is_some() || piece.is_empty() {
            return;
        }
        let length = self.bytes.len().saturating_add(piece.len());
        if length > self.limit_bytes {
            self.give_up(SpoolFull::Layer);
            return;
        }
        if length > self.bytes.capacity() {
            let doubled = self.bytes.capacity().saturating_mul(2).max(FIRST_BYTES);
            self.grow(doubled.max(length).min(self.limit_bytes));
        }
        if self.full.is_none() {
            self.bytes.extend_from_slice(piece);
        }
    }

    /// All bytes that were pushed.
    ///
    /// # Errors
    ///
    /// [`SpoolFull`] when they were more than could be kept.
    pub fn bytes(&self) -> Result<&[u8], SpoolFull> {
        self.full.map_or(Ok(&self.bytes), Err)
    }

    /// What it holds, in bytes.
    pub(super) const fn charged(&self) -> u64 {
        self.charged
    }

    /// Enlarges the room to `capacity` bytes. While it grows, the old and the new room exist; the
    /// budget counts the new one.
    fn grow(&mut self, capacity: usize) {
        let wanted = u64::try_from(capacity).unwrap_or(u64::MAX);
        if wanted <= self.charged {
            return;
        }
        let more = capacity.saturating_sub(self.bytes.len());
        if !self.budget.take(wanted - self.charged) {
            self.give_up(SpoolFull::Memory);
            return;
        }
        self.charged = wanted;
        if self.bytes.try_reserve_exact(more).is_err() {
            self.give_up(SpoolFull::Memory);
        }
    }

    fn give_up(&mut self, why: SpoolFull) {
        self.full = Some(why);
        self.bytes = Vec::new();
        self.budget.give(self.charged);
        self.charged = 0;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.budget.give(self.charged);
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Spool")
            .field("bytes", &self.bytes.len())
            .field("limit_bytes", &self.limit_bytes)
            .field("full", &self.full)
            .finish_non_exhaustive()
    }
}

/// The first room: most layers are smaller.
const FIRST_BYTES: usize = 16 << 10;

/// The most that is taken because somebody said that it will be needed.
const HINT_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_however_they_were_cut_and_memory_is_given_back() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        for chunk in [1, 7, 4_096, 100_000] {
            let budget = SpoolBudget::new(1 << 20);
            let mut spool = Spool::new(100_000, Arc::clone(&budget));
            bytes.chunks(chunk).for_each(|piece| spool.push(piece));
            assert_eq!(spool.bytes(), Ok(&bytes[..]));
            assert!(budget.left() <= (1 << 20) - 100_000);
            drop(spool);
            assert_eq!(budget.left(), 1 << 20);
        }
    }

    #[test]
    fn a_byte_too_many_gives_everything_back() {
        let budget = SpoolBudget::new(1 << 20);
        let mut spool = Spool::new(10, Arc::clone(&budget));
        spool.push(b"0123456789");
        assert_eq!(spool.bytes(), Ok(&b"0123456789"[..]));
        spool.push(b"a");
        assert_eq!(spool.bytes(), Err(SpoolFull::Layer));
        assert_eq!(budget.left(), 1 << 20);
        spool.push(b"b");
        assert_eq!(spool.bytes(), Err(SpoolFull::Layer), "once full, always full");
    }

    #[test]
    fn scans_share_the_budget() {
        let budget = SpoolBudget::new(20 << 10);
        let mut first = Spool::new(1 << 20, Arc::clone(&budget));
        first.push(&[1; 100]);
        let mut second = Spool::new(1 << 20, Arc::clone(&budget));
        second.push(&[2; 100]);
        assert_eq!(second.bytes(), Err(SpoolFull::Memory));
        assert_eq!(first.bytes(), Ok(&[1; 100][..]), "who came first keeps its bytes");
        drop((first, second));
        assert_eq!(budget.left(), 20 << 10);
    }

    #[test]
    fn a_hint_is_used_and_not_believed() {
        let budget = SpoolBudget::new(4 << 20);
        let spool = Spool::with_hint(8 << 20, Arc::clone(&budget), Some(8 << 20));
        assert_eq!(budget.left(), 3 << 20, "at most one megabyte on somebody's word");
        drop(spool);
        let spool = Spool::with_hint(100, Arc::clone(&budget), Some(101));
        assert_eq!(spool.bytes(), Err(SpoolFull::Layer));
        assert_eq!(budget.left(), 4 << 20);
    }
}
