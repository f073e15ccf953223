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

/// Below the largest word index (18 bits).
pub(super) const FIRST_SHIFT: u32 = 41;
pub(super) const SECOND_SHIFT: u32 = 36;

const _: () =
    assert!(FIRST_SHIFT + 5 <= 64 - super::image::WORDS_LOG2_MAX, "the fields do not overlap");
