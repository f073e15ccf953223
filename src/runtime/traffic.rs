//! What becomes of the bytes of a shard's bodies: how many came in, went out, and were moved on the way.
//!
//! The kernel moves a byte into a buffer of the [pool](super::pool) and out of it again; nobody else should. So
//! whoever does move bytes of such a buffer counts them here, and `baleen ctl status` shows the sums.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

/// Counts of one shard since it started, in bytes. Only the shard writes them.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    received: AtomicU64,
    sent: AtomicU64,
    copied: AtomicU64,
    spilled: AtomicU64,
}

/// What a count is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Into a buffer, from a connection: heads and bodies.
    Received,
    /// Out of buffers, to a connection: bodies as they came, with their framing.
    Sent,
    /// By the processor: from one buffer to another, or between a buffer and TLS.
    Copied,
    /// To a file, because memory was short.
    Spilled,
}

impl Traffic {
    /// Counts `bytes` that were moved.
    pub(super) fn count(&self, moved: Moved, bytes: usize) {
        let count = self.of(moved);
        // There is one writer, so nothing is lost, and no bus is locked.
        let sum = count.load(Ordering::Relaxed).wrapping_add(bytes as u64);
        count.store(sum, Ordering::Relaxed);
    }

    /// Bytes so far.
    pub(super) fn bytes(&self, moved: Moved) -> u64 {
        self.of(moved).load(Ordering::Relaxed)
    }

    fn of(&self, moved: Moved) -> &AtomicU64 {
        match moved {
            Moved::Received => &self.received,
            Moved::Sent => &self.sent,
            Moved::Copied => &self.copied,
            Moved::Spilled => &self.spilled,
        }
    }
}

/// The sums over shards, as `baleen ctl status` shows them; `kept` is the engine's.
pub(super) fn sums(shards: &[Arc<Traffic>], kept: u64) -> Value {
    let sum = |moved| shards.iter().map(|traffic| traffic.bytes(moved)).sum::<u64>();
    json!({
        "received": sum(Moved::Received),
        "sent": sum(Moved::Sent),
        "copied": sum(Moved::Copied),
        "spilled": sum(Moved::Spilled),
        "kept": kept,
    })
}
