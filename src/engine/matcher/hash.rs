//! From a gram to its places in the filter.
//!
//! The same functions at build time and in every version of the filter, so they are written once.
//!
//! The *sieve* is looked at for a fraction of all positions, so it must be cheap: one word, whose index
//! comes from the middle of a gram (four bytes, or two), and bits in it. One bit says that the middle is
//! known at all; others say which bytes may lie beside it, for each way in which the gram may lie around
//! its middle. The *bitmap* is asked for what passed: two bits in one word from a product over the
//! whole gram. The *bucket* leads to the entries.

#![forbid(unsafe_code)]

/// A bit of a word, counted from the top: a shift by the count brings it to the sign.
#[inline]
const fn bit(count: u32) -> u32 {
    0x8000_0000 >> (count & 31)
}

/// The hash of the four bytes in the middle of a window of eight.
#[inline]
pub(super) const fn middle(quad: u32, salt: u32) -> u32 {
    (quad ^ salt).wrapping_mul(QUAD_FACTOR)
}

/// The hash of the two bytes in the middle of a window of four.
#[inline]
pub(super) const fn middle_pair(pair: u32, salt: u32) -> u32 {
    (pair ^ (salt & 0xFFFF)).wrapping_mul(QUAD_FACTOR)
}

/// The index of the sieve's word, for 2^`words_log2` words.
#[inline]
pub(super) const fn sieve_word(middle: u32, words_log2: u32) -> u32 {
    middle >> (32 - words_log2)
}

/// The bits for a window of eight bytes whose middle is hashed: the bit of the middle, then one for each
/// gram of six in the window, in the order in which they begin.
#[inline]
pub(super) const fn sieve_bits(window: u64, middle: u32) -> (u32, [u32; 3]) {
    let [b0, b1, .., b6, b7] = window.to_le_bytes();
    let low = beside(b0, b1, middle & 0xFFFF);
    let mixed = beside(b1, b6, middle & 0xFFFF);
    let high = beside(b6, b7, middle >> 16);
    (bit(middle >> MIDDLE_SHIFT), [bit(low), bit(mixed), bit(high)])
}

/// Five bits from two bytes beside a middle.
#[inline]
const fn beside(first: u8, second: u8, middle: u32) -> u32 {
    let pair = first as u32 | (second as u32) << 8;
    ((pair.wrapping_mul(BESIDE_FACTOR) ^ middle) & 0xFFFF) >> 11
}

/// The bits for a window of four bytes whose middle is hashed: one for each gram of three in it.
#[inline]
pub(super) const fn sieve_bits_of_threes(window: u32, middle: u32) -> [u32; 2] {
    let before = window.wrapping_add(middle >> BEFORE_SHIFT);
    let after = (window >> 24).wrapping_add(middle >> AFTER_SHIFT);
    [bit(before), bit(after)]
}

/// The product that bitmap and bucket are taken from.
#[inline]
pub(super) const fn product(gram: u64, factor: u64) -> u64 {
    gram.wrapping_mul(factor)
}

/// The index of the bitmap's word, for 2^`words_log2` words.
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

/// Odd numbers without a pattern.
pub(super) const QUAD_FACTOR: u32 = 0x9E37_79B1;
pub(super) const BESIDE_FACTOR: u32 = 0xA3D5;

/// Just below the largest word index of the sieve (20 bits).
pub(super) const MIDDLE_SHIFT: u32 = 7;

/// Different ones, so that the same byte before and after is told apart.
pub(super) const BEFORE_SHIFT: u32 = 8;
pub(super) const AFTER_SHIFT: u32 = 13;

/// Below the largest word index of the bitmap (19 bits).
const FIRST_SHIFT: u32 = 40;
const SECOND_SHIFT: u32 = 35;

const _: () =
    assert!(FIRST_SHIFT + 5 <= 64 - super::image::WORDS_LOG2_MAX, "the fields do not overlap");
const _: () =
    assert!(MIDDLE_SHIFT + 5 <= 32 - super::image::SIEVE_LOG2_MAX, "the fields do not overlap");
