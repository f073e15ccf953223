//! What every shard reads and nobody changes: the values in force, swapped whole.
//!
//! ```text
//!   control thread ── publish ──▶ Publisher { current, epoch }
//!                                     ▲ one load a request
//!   shard 0: Reader ──────────────────┤
//!   shard 1: Reader ──────────────────┘
//! ```
//!
//! A shard keeps its own `Arc` and looks at one atomic number before each request; a request keeps
//! the values it began with. The last user of old values may be a shard, and freeing a database takes
//! milliseconds, so the control thread holds on to what it replaced ([`Graveyard`]) until nobody else does.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

/// The values in force, and the number that changes with them.
pub(super) struct Publisher<T> {
    current: ArcSwap<T>,
    epoch: AtomicU64,
}

impl<T> Publisher<T> {
    /// Publishes the first values.
    pub(super) fn new(first: T) -> Arc<Self> {
        Arc::new(Self { current: ArcSwap::from_pointee(first), epoch: AtomicU64::new(0) })
    }

    /// Puts `next` in force; gives what it replaced.
    pub(super) fn publish(&self, next: T) -> Arc<T> {
        let old = self.current.swap(Arc::new(next));
        self.epoch.fetch_add(1, Ordering::Release);
        old
    }

    /// What is in force.
    pub(super) fn current(&self) -> Arc<T> {
        self.current.load_full()
    }
}

/// One shard's view.
pub(super) struct Reader<T> {
    publisher: Arc<Publisher<T>>,
    epoch: Cell<u64>,
    cached: RefCell<Arc<T>>,
}

impl<T> Reader<T> {
    /// A view that is current now.
    pub(super) fn new(publisher: Arc<Publisher<T>>) -> Self {
        let epoch = publisher.epoch.load(Ordering::Acquire);
        let cached = RefCell::new(publisher.current());
        Self { publisher, epoch: Cell::new(epoch), cached }
    }

    /// The values in force for the request that begins now.
    pub(super) fn get(&self) -> Arc<T> {
        let epoch = self.publisher.epoch.load(Ordering::Acquire);
        if epoch != self.epoch.get() {
            self.cached.replace(self.publisher.current());
            self.epoch.set(epoch);
        }
        Arc::clone(&self.cached.borrow())
    }
}

/// Replaced values that somebody may still use.
pub(super) struct Graveyard<T> {
    buried: Vec<Arc<T>>,
}

impl<T> Graveyard<T> {
    /// An empty one.
    pub(super) const fn new() -> Self {
        Self { buried: Vec::new() }
    }

    /// Takes replaced values over.
    pub(super) fn bury(&mut self, old: Arc<T>) {
        self.buried.push(old);
    }

    /// Frees what nobody uses any more; gives the number that is still in use.
    pub(super) fn sweep(&mut self) -> usize {
        self.buried.retain(|old| Arc::strong_count(old) > 1);
        self.buried.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_the_swap_and_an_old_request_keeps_its_values() {
        let publisher = Publisher::new("first");
        let reader = Reader::new(Arc::clone(&publisher));
        let request = reader.get();
        let mut graveyard = Graveyard::new();
        graveyard.bury(publisher.publish("second"));
        assert_eq!(*request, "first", "a request keeps what it began with");
        assert_eq!(*reader.get(), "second");
        assert_eq!(graveyard.sweep(), 1, "the old request still uses it");
        drop(request);
        assert_eq!(graveyard.sweep(), 0);
    }
}
