//! How often short runs of bytes occur in ordinary traffic: what makes an anchor rare.
//!
//! An anchor is the piece of a pattern that the filter looks for, so the speed of a scan is decided by
//! how seldom anchors occur in files that are clean. Without training the answer comes from a model:
//! two byte distributions (machine code with its tables, text with markup), written down here as
//! classes of bytes with their information in sixteenths of a bit. A site may train on its own traffic;
//! what was seen then counts sixteen times what the model believes.
//!
//! Absent on purpose: sampling and files. Whoever trains decides what is representative.

#![forbid(unsafe_code)]

/// Counts of 2-grams and 4-grams, and the model behind them.
#[derive(Clone, Debug, Default)]
pub struct GramCounts {
    /// Exact counters of 2-grams, empty until the first training.
    pairs: Vec<u32>,
    /// Counters of 4-grams by hash, empty until the first training.
    quads: Vec<u32>,
    /// Bytes trained on.
    trained_bytes: u64,
}

impl GramCounts {
    /// No training yet: the model alone.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: Vec::new(), quads: Vec::new(), trained_bytes: 0 }
    }

    /// Adds a piece of traffic. The end of one piece and the start of the next are not seen as adjacent.
    pub fn train(&mut self, bytes: &[u8]) {
        if self.quads.is_empty() {
            self.pairs = vec![0; 1 << 16];
            self.quads = vec![0; 1 << QUADS_LOG2];
        }
        for pair in bytes.array_windows::<2>() {
            let slot = usize::from(u16::from_le_bytes(*pair));
            self.pairs[slot] = self.pairs[slot].saturating_add(1);
        }
        for quad in bytes.array_windows::<4>() {
            let slot = quad_slot(*quad);
            self.quads[slot] = self.quads[slot].saturating_add(1);
        }
        self.trained_bytes = self.trained_bytes.saturating_add(bytes.len() as u64);
    }

    /// Bytes trained on so far.
    #[must_use]
    pub const fn trained_bytes(&self) -> u64 {
        self.trained_bytes
    }

    /// How often a run of two to eight bytes is expected in 2^30 bytes of traffic: never more than
    /// any run of four (of two, when it is shorter) inside it.
    #[must_use]
    pub(super) fn rate(&self, run: &[u8]) -> u64 {
        if run.len() < 4 {
            let rates = run.array_windows::<2>().map(|pair| self.pair_rate(*pair));
            return rates.min().unwrap_or(1 << 30);
        }
        let rates = run.array_windows::<4>().map(|quad| self.quad_rate(*quad));
        rates.min().unwrap_or(1 << 30)
    }

    fn pair_rate(&self, pair: [u8; 2]) -> u64 {
        let seen = self.pairs.get(usize::from(u16::from_le_bytes(pair)));
        self.blend(seen.copied(), modelled(&pair))
    }

    fn quad_rate(&self, quad: [u8; 4]) -> u64 {
        self.blend(self.quads.get(quad_slot(quad)).copied(), modelled(&quad))
    }

    fn blend(&self, seen: Option<u32>, model: u64) -> u64 {
        match seen {
            Some(count) if self.trained_bytes > 0 => {
                (u64::from(count) << 30) / self.trained_bytes + model / 16
            }
            Some(_) | None => model,
        }
    }
}

/// The model's rate of a short run: the likelier of its two worlds, per 2^30 bytes, at least 1.
fn modelled(run: &[u8]) -> u64 {
    let bits = information(run, binary_information).min(information(run, text_information)) / 16;
    1 << 30_u32.saturating_sub(bits)
}

/// Sixteenths of a bit in a run. Neighbours depend on each other, in both worlds: five eighths of the
/// sum are left, and a byte equal to the one before it is nearly expected.
fn information(run: &[u8], of: fn(u8) -> u32) -> u32 {
    let mut total = 0;
    let mut before = None;
    for &byte in run {
        let alone = of(byte) * 5 / 8;
        total += if before == Some(byte) { alone.min(24) } else { alone };
        before = Some(byte);
    }
    total
}

/// What a byte alone tells in machine code and its tables, in sixteenths of a bit.
pub(super) const fn binary_information(byte: u8) -> u32 {
    match byte {
        0x00 => 30,
        0xFF => 60,
        0x48 | 0x8B | 0x89 | 0x0F | 0xE8 | 0x24 => 76,
        0x01..=0x04
        | 0x08
        | 0x10
        | 0x20
        | 0x40
        | 0x41
        | 0x44
        | 0x4C
        | 0x83
        | 0x85
        | 0x8D
        | 0xC0
        | 0x74
        | 0x75 => 92,
        b'a' | b'c'..=b'e' | b'i' | b'l'..=b'p' | b'r'..=b't' | b'_' => 104,
        0x05..=0x3F | 0x80 | 0xC3 | 0xC7 | 0xF0..=0xFE => 124,
        0x42..=0xEF => 140,
    }
}

/// What a byte alone tells in text and markup, in sixteenths of a bit.
const fn text_information(byte: u8) -> u32 {
    match byte {
        b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 64,
        b'b'..=b'z' => 88,
        b'0'..=b'9'
        | b'\n'
        | b'\t'
        | b'.'
        | b','
        | b'-'
        | b'/'
        | b'<'
        | b'>'
        | b'='
        | b'"'
        | b'_'
        | b'('
        | b')' => 96,
        b'A'..=b'Z' => 108,
        b'!'..=b'~' => 120,
        0x80..=0xFF => 160,
        0x00..=0x1F | 0x7F => 220,
    }
}

fn quad_slot(quad: [u8; 4]) -> usize {
    (u32::from_le_bytes(quad).wrapping_mul(0x9E37_79B1) >> (32 - QUADS_LOG2)) as usize
}

/// 2^20 counters of four bytes: 4 MiB while training.
const QUADS_LOG2: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_heads_are_not_rare_and_training_overrules_the_model() {
        let model = GramCounts::new();
        assert!(model.rate(&[0; 8]) > 1_000 * model.rate(&[0xA7, 0x13, 0xD9, 0x5B]));
        assert!(model.rate(b"tion") > 50 * model.rate(b"qZ7#"));
        assert!(model.rate(b"e ") > model.rate(&[0xB7, 0x9E]));

        let mut trained = GramCounts::new();
        trained.train(&b"qZ7#".repeat(1_000));
        assert_eq!(trained.trained_bytes(), 4_000);
        assert!(trained.rate(b"qZ7#") > 1 << 27);
        assert!(trained.rate(b"qZ") > 1 << 26);
        assert!(trained.rate(b"tion") < model.rate(b"tion"));
    }
}
