//! The sieve without vectors: the oracle, the tail of every block, and all there is on other machines.
//! Beside it what follows the sieve in every version: the bitmap, gram by gram.

use super::super::hash;
use super::{Found, Probe, Shape, word};

/// Sieves from index `from` (a multiple of the stride) on, as far as whole windows go; the answer is the
/// index to go on from.
pub(super) fn sieve(probe: &Probe<'_>, data: &[u8], from: usize, found: &mut Found) -> usize {
    let (stride, window) = (probe.shape.stride(), probe.shape.window());
    if probe.shape == Shape::Pairs || data.len() < from + window {
        return from;
    }
    let mut index = from;
    while index + window <= data.len() {
        let (mut mark, mut lane) = (0, 0);
        let first = index;
        while lane < 8 && index + window <= data.len() {
            let passes = match probe.shape {
                Shape::Sixes => six_passes(probe, load(data, index)),
                Shape::Threes | Shape::Pairs => three_passes(probe, load_four(data, index)),
            };
            mark |= u32::from(passes) << lane;
            lane += 1;
            index += stride;
        }
        found.mark(u32::try_from(first).unwrap_or(u32::MAX), mark);
    }
    index
}

/// Whether the sieve lets a window of eight bytes through.
#[inline]
fn six_passes(probe: &Probe<'_>, window: u64) -> bool {
    let window = probe.folded(window);
    let quad = u32::try_from(window >> 16 & 0xFFFF_FFFF).unwrap_or(0);
    let middle = hash::middle(quad, probe.salt);
    let (known, [low, mixed, high]) = hash::sieve_bits(window, middle);
    let found = word(probe.sieve, hash::sieve_word(middle, probe.sieve_log2).into());
    found & known != 0 && found & (low | mixed | high) != 0
}

/// Whether the sieve lets a window of four bytes through.
#[inline]
fn three_passes(probe: &Probe<'_>, window: u32) -> bool {
    let window = u32::try_from(probe.folded(window.into())).unwrap_or(0);
    let middle = hash::middle_pair(window >> 8 & 0xFFFF, probe.salt);
    let [before, after] = hash::sieve_bits_of_threes(window, middle);
    let found = word(probe.sieve, hash::sieve_word(middle, probe.sieve_log2).into());
    found & (before | after) != 0
}

/// Looks up the grams of what the sieve listed, and those from index `rest` on, which it did not see.
pub(super) fn look_up(probe: &Probe<'_>, data: &[u8], rest: usize, found: &mut Found) {
    let marks = std::mem::take(&mut found.marks);
    for &mark in marks.get(..found.marks_count).unwrap_or_default() {
        let (first, mut passing) = (mark >> 8, mark & 0xFF);
        while passing != 0 {
            let lane = passing.trailing_zeros();
            passing &= passing - 1;
            match probe.shape {
                Shape::Sixes => six(probe, data, first + 3 * lane, found),
                Shape::Threes => three(probe, data, first + 2 * lane, found),
                Shape::Pairs => {
                    let pair = probe.folded(load_two(data, (first + lane) as usize).into());
                    found.note(first + lane, knows_pair(probe, pair));
                }
            }
        }
    }
    found.marks = marks;
    let bytes = probe.shape.gram_bytes();
    for index in rest..(data.len() + 1).saturating_sub(bytes) {
        let gram = data[index..index + bytes].iter().rev();
        let gram = probe.folded(gram.fold(0, |gram, byte| gram << 8 | u64::from(*byte)));
        let passes = match probe.shape {
            Shape::Sixes | Shape::Threes => probe.knows(gram),
            Shape::Pairs => knows_pair(probe, gram),
        };
        found.note(u32::try_from(index).unwrap_or(u32::MAX), passes);
    }
}

/// The three grams of six bytes in a window of eight.
#[inline]
fn six(probe: &Probe<'_>, data: &[u8], at: u32, found: &mut Found) {
    let window = probe.folded(load(data, at as usize));
    for step in 0..3 {
        let gram = window >> (8 * step) & SIX_BYTES;
        found.note(at + step, probe.knows(gram));
    }
}

/// The two grams of three bytes in a window of four.
#[inline]
fn three(probe: &Probe<'_>, data: &[u8], at: u32, found: &mut Found) {
    let window = probe.folded(load_four(data, at as usize).into());
    for step in 0..2 {
        let gram = window >> (8 * step) & THREE_BYTES;
        found.note(at + step, probe.knows(gram));
    }
}

/// Eight bytes; 0 where they are not all there, which no caller asks for.
#[inline]
fn load(data: &[u8], at: usize) -> u64 {
    data.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// Whether the bitmap of pairs knows one, folded before.
#[inline]
fn knows_pair(probe: &Probe<'_>, pair: u64) -> bool {
    word(probe.words, pair >> 5) >> (pair & 31) & 1 != 0
}

/// Two bytes; 0 where they are not both there, which no caller asks for.
#[inline]
fn load_two(data: &[u8], at: usize) -> u16 {
    data.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |two| u16::from_le_bytes(*two))
}

/// Four bytes; 0 where they are not all there, which no caller asks for.
#[inline]
fn load_four(data: &[u8], at: usize) -> u32 {
    data.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four))
}

const SIX_BYTES: u64 = 0xFFFF_FFFF_FFFF;
const THREE_BYTES: u64 = 0xFF_FFFF;
