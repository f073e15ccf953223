//! A bounded copy of the bytes of one form, for what can only look at them when all are there.
//!
//! Regexes of logical signatures and YARA rules read forwards and backwards, so they cannot run on
//! the stream. A spool keeps a layer's bytes until its end, up to a limit a layer and a budget that
//! all scans of an engine share. A spool that would pass either gives everything back at once and
//! says so; that matters only when something deferred would have had to run on that layer.
//!
//! No call moves or frees much: behind the first 256 KiB room is taken once, as addresses only, and pages
//! come with their bytes; what a spool gives up is handed over ([`Spool::take_spent`]).
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
    /// Bytes that spools have copied so far.
    kept: AtomicU64,
}

impl SpoolBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(bytes), kept: AtomicU64::new(0) })
    }

    /// Bytes that nobody holds.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Bytes that were copied into spools until now, those that are gone again included.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
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
    /// What was taken out of the budget; not less than the pages that `bytes` has touched.
    charged: u64,
    budget: Arc<SpoolBudget>,
    full: Option<SpoolFull>,
    /// Bytes that were given up, charged as they were, until somebody has time to free them.
    spent: Option<Box<Self>>,
}

impl Spool {
    /// An empty spool; it takes memory with its first byte.
    #[must_use]
    pub fn new(limit_bytes: u64, budget: Arc<SpoolBudget>) -> Self {
        let limit_bytes = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
        Self { bytes: Vec::new(), limit_bytes, charged: 0, budget, full: None, spent: None }
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
        if u64::try_from(length).unwrap_or(u64::MAX) > self.charged {
            let doubled = self.bytes.capacity().saturating_mul(2).max(FIRST_BYTES);
            let wanted = if length <= MOVED_BYTES_MAX {
                doubled.clamp(length, MOVED_BYTES_MAX)
            } else {
                length.checked_next_multiple_of(MOVED_BYTES_MAX).unwrap_or(length)
            };
            self.grow(wanted.min(self.limit_bytes));
        }
        if self.full.is_none() {
            self.bytes.extend_from_slice(piece);
            let copied = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.budget.kept.fetch_add(copied, Ordering::Relaxed);
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

    /// What it held when it gave that up, if it takes long to free.
    pub(super) fn take_spent(&mut self) -> Option<Self> {
        self.spent.take().map(|spent| *spent)
    }

    /// Enlarges what may be filled to `wanted` bytes. Up to 256 KiB the room is moved, and while it is,
    /// the old and the new one exist; the budget counts the new one.
    fn grow(&mut self, wanted: usize) {
        let charge = u64::try_from(wanted).unwrap_or(u64::MAX);
        if charge <= self.charged {
            return;
        }
        if !self.budget.take(charge - self.charged) {
            self.give_up(SpoolFull::Memory);
            return;
        }
        self.charged = charge;
        if wanted > self.bytes.capacity() {
            let room = match wanted > MOVED_BYTES_MAX {
                true => wanted.saturating_mul(ROOM_FACTOR).min(self.limit_bytes),
                false => wanted,
            };
            let held = self.bytes.len();
            let mut reserve = |room: usize| self.bytes.try_reserve_exact(room.saturating_sub(held));
            // Where addresses are scarce, no more than is needed.
            if reserve(room).or_else(|_scarce| reserve(wanted)).is_err() {
                self.give_up(SpoolFull::Memory);
            }
        }
    }

    fn give_up(&mut self, why: SpoolFull) {
        let mut empty = Self::new(0, Arc::clone(&self.budget));
        empty.full = Some(why);
        let held = std::mem::replace(self, empty);
        if held.charged > u64::try_from(MOVED_BYTES_MAX).unwrap_or(u64::MAX) {
            self.spent = Some(Box::new(held));
        }
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

/// As much is moved when it has to grow, in a slice of work; what is beyond is charged in such steps.
const MOVED_BYTES_MAX: usize = 256 << 10;

/// So much more room than is needed is reserved then: mostly all that the limit allows.
const ROOM_FACTOR: usize = 256;

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
    #[test]
    fn a_large_one_never_moves_and_is_charged_as_it_fills() {
        let budget = SpoolBudget::new(64 << 20);
        let mut spool = Spool::new(32 << 20, Arc::clone(&budget));
        let piece = vec![7; 60_000];
        let mut place = None;
        for count in 1..=500_u64 {
            spool.push(&piece);
            let taken = (64 << 20) - budget.left();
            let held = count * 60_000;
            assert!((held..=(2 * held).min(held + (1 << 20)).max(16 << 10)).contains(&taken));
            if held > 1 << 20 {
                let here = spool.bytes().map(<[u8]>::as_ptr);
                assert_eq!(*place.get_or_insert(here), here, "it was moved at {held}");
            }
        }
        assert_eq!(spool.bytes().map(<[u8]>::len), Ok(30_000_000));
        // What it gives up is charged until it is freed.
        (0..100).for_each(|_| spool.push(&piece));
        assert_eq!(spool.bytes(), Err(SpoolFull::Layer));
        assert!(budget.left() <= (64 << 20) - 30_000_000);
        let spent = spool.take_spent();
        assert!(spent.is_some() && spool.take_spent().is_none());
        drop(spent);
        assert_eq!(budget.left(), 64 << 20);
    }
}
