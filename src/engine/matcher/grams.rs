//! How often short runs of bytes occur in ordinary traffic: what makes an anchor rare.
//!
//! An anchor is the piece of a pattern that the filter looks for, so the whole speed of a scan is
//! decided by how seldom anchors occur in files that are clean. Without training the answer comes
//! from a model: three byte distributions (machine code and tables, text and markup, compressed
//! data), each written down here as classes of bytes with weights. A site may train on its own
//! traffic; what was seen then counts more than the model.
//!
//! Absent on purpose: sampling and files. Whoever trains decides what is representative.

#![forbid(unsafe_code)]

/// Counts of 4-grams, and the model behind them.
#[derive(Clone, Debug, Default)]
pub struct GramCounts {
    /// Counters by hash, empty until the first training.
    counters: Vec<u32>,
    /// Bytes trained on.
    trained_bytes: u64,
}

impl GramCounts {
    /// No training yet: the model alone.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            counters: Vec::new(),
            trained_bytes: 0,
        }
    }

    /// Adds a piece of traffic. The end of one piece and the start of the next are not seen as adjacent.
    pub fn train(&mut self, bytes: &[u8]) {
        if self.counters.is_empty() {
            self.counters = vec![0; COUNTERS];
        }
        for gram in bytes.array_windows::<4>() {
            let slot = slot(u32::from_le_bytes(*gram));
            self.counters[slot] = self.counters[slot].saturating_add(1);
        }
        self.trained_bytes = self.trained_bytes.saturating_add(bytes.len() as u64);
    }

    /// Bytes trained on so far.
    #[must_use]
    pub const fn trained_bytes(&self) -> u64 {
        self.trained_bytes
    }
}

fn slot(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - COUNTERS_LOG2)) as usize
}

/// 2^20 counters of four bytes: 4 MiB while training, and collisions of one in a thousand on 1 GiB of text.
const COUNTERS_LOG2: u32 = 20;
const COUNTERS: usize = 1 << COUNTERS_LOG2;
