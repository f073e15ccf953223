//! From a gram to its place in the filter: one multiplication, three fields.
//!
//! The same function at build time and in every version of the filter, so it is written once. The word
//! comes from the top bits of the product, two bits within it from the ones below: two bits in one word
//! square the false candidates for one load.

#![forbid(unsafe_code)]

/// The product that all fields are taken from.
#[inline]
pub(super) const fn product(gram: u64, factor: u64) -> u64 {
    gram.wrapping_mul(factor)
}

/// The index of the word, for 2^`words_log2` words.
#[inline]
pub(super) const fn word(product: u64, words_log2: u32) -> u64 {
    product >> (64 - words_log2)
}

/// The two bits that a gram sets, and must find set, in its word.
#[inline]
pub(super) const fn bits(product: u64) -> u32 {
    1 << (product >> FIRST_SHIFT & 31) | 1 << (product >> SECOND_SHIFT & 31)
}

/// The bucket of the entries, for 2^`buckets_log2` buckets: mixed again, as word and bits are equal for
/// whatever passed the filter by chance.
#[inline]
pub(super) const fn bucket(product: u64, buckets_log2: u32) -> u64 {
    let mixed = (product ^ product >> 29).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    if buckets_log2 == 0 { 0 } else { mixed >> (64 - buckets_log2) }
}

/// Whether eight bytes lie across the edge of a run: four neighbours in them are one byte repeated, and
/// not all eight are.
#[inline]
pub(super) const fn is_edge(gram: u64) -> bool {
    // Byte i is zero where bytes i and i + 1 of the gram are equal.
    let differ = (gram ^ gram >> 8) & 0x00FF_FFFF_FFFF_FFFF;
    let mut four = false;
    let mut at = 0;
    while at <= 32 {
        four |= differ >> at & 0x00FF_FFFF == 0;
        at += 8;
    }
    four && differ != 0
}

/// Below the largest word index (18 bits).
pub(super) const FIRST_SHIFT: u32 = 41;
pub(super) const SECOND_SHIFT: u32 = 36;

const _: () =
    assert!(FIRST_SHIFT + 5 <= 64 - super::image::WORDS_LOG2_MAX, "the fields do not overlap");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_has_four_equal_neighbours_and_not_eight() {
        // Every way in which eight bytes may be equal to their neighbours.
        for ways in 0..128_u32 {
            let mut bytes = [7_u8; 8];
            for at in 1..8 {
                bytes[at] = bytes[at - 1] + u8::from(ways >> (at - 1) & 1 != 0);
            }
            let same = |four: &[u8]| four.iter().all(|byte| *byte == four[0]);
            let wanted = bytes.windows(4).any(same) && !same(&bytes);
            assert_eq!(is_edge(u64::from_le_bytes(bytes)), wanted, "{bytes:?}");
        }
        assert!(!is_edge(0) && !is_edge(u64::MAX));
    }
}
