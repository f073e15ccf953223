//! The filter without vectors: the oracle, the tail of every block, and all there is on other machines.

use super::super::hash;
use super::{Found, Probe, Shape};

/// Probes from index `from` (a multiple of the stride) on.
pub(super) fn probe(probe: &Probe<'_>, data: &[u8], from: usize, found: &mut Found) {
    match probe.shape {
        Shape::EightByFour => grams::<8, 4>(probe, data, from, found),
        Shape::EightByOne => grams::<8, 1>(probe, data, from, found),
        Shape::Edges => edges(probe, data, from, found),
        Shape::FourByFour => grams::<4, 4>(probe, data, from, found),
        Shape::FourByTwo => grams::<4, 2>(probe, data, from, found),
        Shape::Pairs => pairs(probe, data, from, found),
    }
}

fn grams<const GRAM: usize, const STRIDE: usize>(
    probe: &Probe<'_>,
    data: &[u8],
    from: usize,
    found: &mut Found,
) {
    let Some(rest) = data.get(from..) else { return };
    let mut index = number(from);
    for window in rest.array_windows::<GRAM>().step_by(STRIDE) {
        let product = hash::product(gram_of(window), probe.factor);
        let bits = hash::bits(product);
        found.note(index, word(probe, hash::word(product, probe.words_log2)) & bits == bits);
        index += number(STRIDE);
    }
}

fn edges(probe: &Probe<'_>, data: &[u8], from: usize, found: &mut Found) {
    let Some(rest) = data.get(from..) else { return };
    for (index, window) in (number(from)..).zip(rest.array_windows::<8>()) {
        let gram = u64::from_le_bytes(*window);
        if !hash::is_edge(gram) {
            continue;
        }
        let product = hash::product(gram, probe.factor);
        let bits = hash::bits(product);
        found.note(index, word(probe, hash::word(product, probe.words_log2)) & bits == bits);
    }
}

fn pairs(probe: &Probe<'_>, data: &[u8], from: usize, found: &mut Found) {
    let Some(rest) = data.get(from..) else { return };
    for (index, window) in (number(from)..).zip(rest.array_windows::<2>()) {
        let pair = u16::from_le_bytes(*window);
        found.note(index, word(probe, u64::from(pair >> 5)) >> (pair & 31) & 1 != 0);
    }
}

fn gram_of<const GRAM: usize>(window: &[u8; GRAM]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..GRAM].copy_from_slice(window);
    u64::from_le_bytes(bytes)
}

fn word(probe: &Probe<'_>, index: u64) -> u32 {
    usize::try_from(index)
        .ok()
        .and_then(|index| probe.words.get(index))
        .map_or(0, |word| word.get())
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
