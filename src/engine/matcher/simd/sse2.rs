//! The sieve with SSE2, which every 64-bit x86 has: for machines without AVX2.
//!
//! Hashes of four windows at a time; SSE2 has neither a gather nor shifts by lane, so words are fetched
//! and tested one by one. Grams of three bytes and pairs are left to the scalar version, which has one
//! multiplication to do for them and gains nothing here.

use super::super::hash::{BESIDE_FACTOR, MIDDLE_SHIFT, QUAD_FACTOR, sieve_word};
use super::{Found, Probe, Shape, word};
use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cvtsi128_si64, _mm_mul_epu32, _mm_mullo_epi16, _mm_or_si128,
    _mm_set_epi32, _mm_set1_epi32, _mm_slli_epi64, _mm_srli_epi32, _mm_srli_epi64,
    _mm_unpackhi_epi64, _mm_xor_si128,
};

/// Sieves as far as whole vectors go; the answer is the index to go on from.
pub(super) fn sieve(probe: &Probe<'_>, data: &[u8], found: &mut Found) -> usize {
    if probe.shape != Shape::Sixes {
        return 0;
    }
    // SAFETY: SSE2 is part of the architecture.
    unsafe { walk(probe, data, found) }
}

#[target_feature(enable = "sse2")]
fn walk(probe: &Probe<'_>, data: &[u8], found: &mut Found) -> usize {
    let (mut index, mut first) = (0, 0);
    while let Some(bytes) = data.get(index..).and_then(|rest| rest.first_chunk::<29>()) {
        let low = [0, 3, 6, 9].map(|at| window(probe, bytes, at));
        let high = [12, 15, 18, 21].map(|at| window(probe, bytes, at));
        found.mark(first, four(probe, low) | four(probe, high) << 4);
        index += 24;
        first += 24;
    }
    index
}

/// The middle of a window, and its sides in one number.
#[inline]
fn window(probe: &Probe<'_>, bytes: &[u8; 29], at: usize) -> (i32, i32) {
    let eight = bytes[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
    let [b0, b1, b2, b3, b4, b5, b6, b7] = probe.folded(eight).to_le_bytes();
    (i32::from_le_bytes([b2, b3, b4, b5]), i32::from_le_bytes([b0, b1, b6, b7]))
}

/// Bit `i` is set when the `i`-th window passes.
#[inline]
#[target_feature(enable = "sse2")]
fn four(probe: &Probe<'_>, [a, b, c, d]: [(i32, i32); 4]) -> u32 {
    let quads = _mm_set_epi32(d.0, c.0, b.0, a.0);
    let sides = _mm_set_epi32(d.1, c.1, b.1, a.1);
    let middle = multiplied(_mm_xor_si128(quads, _mm_set1_epi32(probe.salt.cast_signed())));
    let factor = _mm_set1_epi32((BESIDE_FACTOR << 16 | BESIDE_FACTOR).cast_signed());
    let outer = _mm_xor_si128(_mm_mullo_epi16(sides, factor), middle);
    let inner = _mm_mullo_epi16(_mm_srli_epi32::<8>(sides), factor);
    let inner = _mm_xor_si128(inner, middle);
    let (middle, outer, inner) = (lanes(middle), lanes(outer), lanes(inner));
    let mut passing = 0;
    for lane in 0..4 {
        let found = word(probe.sieve, sieve_word(middle[lane], probe.sieve_log2).into());
        let grams = found << (outer[lane] >> 11 & 31)
            | found << (inner[lane] >> 11 & 31)
            | found << (outer[lane] >> 27);
        let known = found << (middle[lane] >> MIDDLE_SHIFT & 31);
        passing |= (known & grams) >> 31 << lane;
    }
    passing
}

/// Four products of 32 bits.
#[inline]
#[target_feature(enable = "sse2")]
fn multiplied(quads: __m128i) -> __m128i {
    let factor = _mm_set1_epi32(QUAD_FACTOR.cast_signed());
    let even = _mm_mul_epu32(quads, factor);
    let odd = _mm_mul_epu32(_mm_srli_epi64::<32>(quads), factor);
    let low_halves = _mm_set_epi32(0, -1, 0, -1);
    _mm_or_si128(_mm_and_si128(even, low_halves), _mm_slli_epi64::<32>(odd))
}

#[inline]
#[target_feature(enable = "sse2")]
fn lanes(vector: __m128i) -> [u32; 4] {
    let low = _mm_cvtsi128_si64(vector).cast_unsigned();
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(vector, vector)).cast_unsigned();
    let half = |two: u64, shift: u32| u32::try_from(two >> shift & 0xFFFF_FFFF).unwrap_or(0);
    [half(low, 0), half(low, 32), half(high, 0), half(high, 32)]
}
