//! A shard's receive buffers: recycled, counted, bounded.
//!
//! A body lies in the buffers it was received into until it is answered; the same bytes go back out.
//! Nothing is copied by us, and in steady state nothing is allocated: a buffer that is given back is
//! taken by the next connection. The pool is the shard's memory budget for bodies: when it is used
//! up, held bodies move to a file, and a connection that needs a buffer waits for one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use super::executor::Bell;
use super::traffic::{Moved, Traffic};

/// One receive buffer. 64 KiB is the size at which one loopback stream is fastest; 8 KiB costs a
/// third of the throughput and 256 KiB a sixth.
pub(super) const BUFFER_BYTES: usize = 64 << 10;

/// A receive buffer on loan. Given back to its pool it is used again; dropped, on whatever thread
/// and for whatever reason, it still leaves the count.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    lent: Arc<AtomicUsize>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.lent.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Buffer {
    /// The whole buffer.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole buffer, to receive into.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

/// The buffers of one shard.
#[derive(Clone)]
pub(super) struct Pool {
    inner: Rc<Inner>,
}

struct Inner {
    free: RefCell<Vec<Box<[u8]>>>,
    lent: Arc<AtomicUsize>,
    lent_max: usize,
    kept_max: usize,
    returned: Bell,
    traffic: Arc<Traffic>,
}

impl Pool {
    /// A pool that lends at most `budget_bytes`, rounded down to whole buffers, and at least
    /// [`BUFFERS_MIN`] buffers; what becomes of their bytes is counted in `traffic`.
    pub(super) fn new(budget_bytes: u64, traffic: Arc<Traffic>) -> Self {
        let wanted = usize::try_from(budget_bytes).unwrap_or(usize::MAX) / BUFFER_BYTES;
        let lent_max = wanted.max(BUFFERS_MIN);
        let inner = Inner {
            free: RefCell::new(Vec::new()),
            lent: Arc::new(AtomicUsize::new(0)),
            lent_max,
            kept_max: lent_max.min(KEPT_MAX),
            returned: Bell::default(),
            traffic,
        };
        Self { inner: Rc::new(inner) }
    }

    /// A buffer, or a promise to wake the task when one comes back.
    pub(super) fn poll_take(&self, context: &Context<'_>) -> Poll<Buffer> {
        if let Some(buffer) = self.try_take() {
            return Poll::Ready(buffer);
        }
        self.inner.returned.wait(context);
        Poll::Pending
    }

    /// A buffer, if the budget has one left.
    pub(super) fn try_take(&self) -> Option<Buffer> {
        if self.lent() >= self.inner.lent_max {
            return None;
        }
        let kept = self.inner.free.borrow_mut().pop();
        let bytes = kept.unwrap_or_else(|| vec![0; BUFFER_BYTES].into_boxed_slice());
        self.inner.lent.fetch_add(1, Ordering::Relaxed);
        Some(Buffer { bytes, lent: Arc::clone(&self.inner.lent) })
    }

    /// Takes a buffer back.
    pub(super) fn give(&self, mut buffer: Buffer) {
        let bytes = std::mem::take(&mut buffer.bytes);
        drop(buffer);
        let mut free = self.inner.free.borrow_mut();
        if free.len() < self.inner.kept_max {
            free.push(bytes);
        }
        drop(free);
        self.inner.returned.ring();
    }

    /// Counts bytes of buffers that were moved.
    pub(super) fn count(&self, moved: Moved, bytes: usize) {
        self.inner.traffic.count(moved, bytes);
    }

    /// Whether bodies should move to files: three quarters of the budget are lent. The last quarter
    /// is for receiving, so that a large body never starves a small one.
    pub(super) fn is_tight(&self) -> bool {
        self.lent() >= self.inner.lent_max - self.inner.lent_max / 4
    }

    /// Whether the next one who asks has to wait.
    pub(super) fn is_exhausted(&self) -> bool {
        self.lent() >= self.inner.lent_max
    }

    /// Buffers that may be on loan.
    pub(super) fn lent_max(&self) -> usize {
        self.inner.lent_max
    }

    /// Buffers on loan.
    pub(super) fn lent(&self) -> usize {
        self.inner.lent.load(Ordering::Relaxed)
    }
}

/// Fewer than this and one body could not be received and spilled at the same time.
const BUFFERS_MIN: usize = 16;

/// Free buffers kept for the next connection: 64 MiB a shard; more are given back to the system.
const KEPT_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_buffer_is_lent_again_and_the_budget_holds() {
        let pool = Pool::new(0, Arc::default());
        let mut lent: Vec<_> = (0..BUFFERS_MIN).filter_map(|_| pool.try_take()).collect();
        assert_eq!(lent.len(), BUFFERS_MIN);
        assert!(pool.try_take().is_none(), "the budget is used up");
        let mut back = lent.pop().expect("one was lent");
        back.bytes_mut()[0] = 7;
        pool.give(back);
        let again = pool.try_take().expect("one came back");
        assert_eq!(again.bytes()[0], 7, "it is the same memory");
        lent.push(again);
        for buffer in lent {
            pool.give(buffer);
        }
        assert_eq!(pool.lent(), 0);
    }

    #[test]
    fn three_quarters_of_the_budget_make_it_tight() {
        let pool = Pool::new(0, Arc::default());
        let mut lent = Vec::new();
        while !pool.is_tight() {
            lent.push(pool.try_take().expect("tight comes before empty"));
        }
        assert_eq!(lent.len(), BUFFERS_MIN / 4 * 3);
        for buffer in lent {
            pool.give(buffer);
        }
        assert!(!pool.is_tight());
    }
}
