//! Bytes to plant instances in.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A repeatable sequence of numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        let span = u64::try_from(high - low + 1).expect("small");
        low + usize::try_from(self.next() % span).expect("small")
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[2]
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.between(1, count) == 1
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.between(0, from.len() - 1)]
    }
}

/// Data of no known type: the zeros keep clamscan from taking it for text (clamav.md A9.2).
pub(crate) fn data(random: &mut Random, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    bytes.extend(random.bytes(length.saturating_sub(12)));
    bytes
}

/// `data` with `planted` at a place.
pub(crate) fn planted(random: &mut Random, before: usize, planted: &[u8], after: usize) -> Vec<u8> {
    let mut bytes = data(random, before);
    bytes.extend_from_slice(planted);
    bytes.extend(random.bytes(after));
    bytes
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}
