//! The sieve with AVX2: eight positions at a time, words fetched by gather; pairs thirty-two at a time,
//! by the halves of their bytes.
//!
//! A gram is asked for by where it may lie around the middle of a window; the bit to ask for is brought
//! to the sign by a shift to the left, so that the test of four bits is two `or`s, an `and` and one
//! collection of signs. Eights of positions are listed without a branch.

use super::super::hash::{AFTER_SHIFT, BEFORE_SHIFT, BESIDE_FACTOR, MIDDLE_SHIFT, QUAD_FACTOR};
use super::{Found, PAIR_SIEVE_WORDS, Probe, Shape};
use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_add_epi32, _mm256_and_si256,
    _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_i32gather_epi32, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_mullo_epi16, _mm256_mullo_epi32,
    _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi64x,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32,
    _mm256_srli_epi16, _mm256_srli_epi32, _mm256_xor_si256,
};

/// Sieves as far as whole vectors go; the answer is the index to go on from. 0 on a machine without AVX2.
pub(super) fn sieve(probe: &Probe<'_>, data: &[u8], found: &mut Found) -> usize {
    if !is_x86_feature_detected!("avx2") {
        return 0;
    }
    // SAFETY: the processor has AVX2, and the caller asserted the number of words.
    unsafe { dispatch(probe, data, found) }
}

/// # Safety
///
/// The processor must have AVX2, and the tables exactly as many words as `probe` says (2^11 for pairs).
#[target_feature(enable = "avx2")]
unsafe fn dispatch(probe: &Probe<'_>, data: &[u8], found: &mut Found) -> usize {
    match probe.shape {
        Shape::Sixes => walk::<30, 24>(data, found, |bytes: &[u8; 30]| {
            // SAFETY: as for this function.
            unsafe { sixes(probe, bytes) }
        }),
        Shape::Threes => walk::<24, 16>(data, found, |bytes: &[u8; 24]| {
            // SAFETY: as for this function.
            unsafe { threes(probe, bytes) }
        }),
        // SAFETY: as for this function.
        Shape::Pairs => unsafe { walk_pairs(probe, data, found) },
    }
}

/// Calls `test` for every window of `REACH` bytes, `STEP` apart, and lists what it lets through.
#[inline(always)]
fn walk<const REACH: usize, const STEP: u32>(
    data: &[u8],
    found: &mut Found,
    test: impl Fn(&[u8; REACH]) -> u32,
) -> usize {
    let mut rest = data;
    let mut first = 0;
    while let Some(bytes) = rest.first_chunk::<REACH>() {
        found.mark(first, test(bytes));
        first += STEP;
        rest = &rest[STEP as usize..];
    }
    data.len() - rest.len()
}

/// Lists the positions at which a pair may begin.
///
/// # Safety
///
/// As for [`dispatch`].
#[target_feature(enable = "avx2")]
unsafe fn walk_pairs(probe: &Probe<'_>, data: &[u8], found: &mut Found) -> usize {
    let Some(table) = probe.sieve.first_chunk::<PAIR_SIEVE_WORDS>() else { return 0 };
    let halves: [__m256i; 4] = std::array::from_fn(|half| {
        let [low, high] = [0, 2].map(|at| {
            let (first, second) = (table[4 * half + at].get(), table[4 * half + at + 1].get());
            (u64::from(second) << 32 | u64::from(first)).cast_signed()
        });
        _mm256_setr_epi64x(low, high, low, high)
    });
    let mut rest = data;
    let mut first = 0_u32;
    while let Some(bytes) = rest.first_chunk::<33>() {
        let passing = pairs(probe, &halves, bytes);
        if passing != 0 {
            for (eight, index) in passing.to_le_bytes().into_iter().zip(0_u32..) {
                found.mark(first + 8 * index, eight.into());
            }
        }
        first += 32;
        rest = &rest[32..];
    }
    data.len() - rest.len()
}

/// Bit `i` is set when the window of eight bytes from index `3 * i` passes.
///
/// # Safety
///
/// As for [`dispatch`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn sixes(probe: &Probe<'_>, bytes: &[u8; 30]) -> u32 {
    let mask = _mm256_set1_epi8(probe.byte_mask().cast_signed());
    // Bytes 0 and 1 of each window come from the first load, 2 to 7 from the second.
    let before = _mm256_and_si256(load_pair(bytes, 0, 12), mask);
    let after = _mm256_and_si256(load_pair(bytes, 2, 14), mask);
    let quads = _mm256_shuffle_epi8(after, twice(0x0605_0403_0302_0100, 0x0C0B_0A09_0908_0706));
    // The two bytes before the middle in the lower half of each lane, the two after it in the upper one.
    let sides = _mm256_or_si256(
        _mm256_shuffle_epi8(before, twice(0xFFFF_0403_FFFF_0100, 0xFFFF_0A09_FFFF_0706)),
        _mm256_shuffle_epi8(after, twice(0x0807_FFFF_0504_FFFF, 0x0E0D_FFFF_0B0A_FFFF)),
    );
    let middle = _mm256_mullo_epi32(
        _mm256_xor_si256(quads, _mm256_set1_epi32(probe.salt.cast_signed())),
        _mm256_set1_epi32(QUAD_FACTOR.cast_signed()),
    );
    // SAFETY: as for this function.
    let words = unsafe { fetch(probe, middle) };
    let factor = _mm256_set1_epi32(BESIDE_FACTORS);
    let outer = _mm256_xor_si256(_mm256_mullo_epi16(sides, factor), middle);
    let inner = _mm256_mullo_epi16(_mm256_srli_epi32::<8>(sides), factor);
    let inner = _mm256_xor_si256(inner, middle);
    let low5 = _mm256_set1_epi32(31);
    let known = _mm256_and_si256(_mm256_srli_epi32::<{ MIDDLE_SHIFT.cast_signed() }>(middle), low5);
    let low = _mm256_and_si256(_mm256_srli_epi32::<11>(outer), low5);
    let mixed = _mm256_and_si256(_mm256_srli_epi32::<11>(inner), low5);
    let high = _mm256_srli_epi32::<27>(outer);
    let grams = _mm256_or_si256(
        _mm256_or_si256(_mm256_sllv_epi32(words, low), _mm256_sllv_epi32(words, mixed)),
        _mm256_sllv_epi32(words, high),
    );
    signs(_mm256_and_si256(_mm256_sllv_epi32(words, known), grams))
}

/// Bit `i` is set when the window of four bytes from index `2 * i` passes.
///
/// # Safety
///
/// As for [`dispatch`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn threes(probe: &Probe<'_>, bytes: &[u8; 24]) -> u32 {
    let mask = _mm256_set1_epi8(probe.byte_mask().cast_signed());
    let both = _mm256_and_si256(load_pair(bytes, 0, 8), mask);
    let windows = _mm256_shuffle_epi8(both, twice(0x0504_0302_0302_0100, 0x0908_0706_0706_0504));
    let pairs = _mm256_and_si256(_mm256_srli_epi32::<8>(windows), _mm256_set1_epi32(0xFFFF));
    let salt = _mm256_set1_epi32((probe.salt & 0xFFFF).cast_signed());
    let middle = _mm256_mullo_epi32(
        _mm256_xor_si256(pairs, salt),
        _mm256_set1_epi32(QUAD_FACTOR.cast_signed()),
    );
    // SAFETY: as for this function.
    let words = unsafe { fetch(probe, middle) };
    let low5 = _mm256_set1_epi32(31);
    let before =
        _mm256_add_epi32(windows, _mm256_srli_epi32::<{ BEFORE_SHIFT.cast_signed() }>(middle));
    let after = _mm256_add_epi32(
        _mm256_srli_epi32::<24>(windows),
        _mm256_srli_epi32::<{ AFTER_SHIFT.cast_signed() }>(middle),
    );
    signs(_mm256_or_si256(
        _mm256_sllv_epi32(words, _mm256_and_si256(before, low5)),
        _mm256_sllv_epi32(words, _mm256_and_si256(after, low5)),
    ))
}

/// Bit `i` is set when the pair at index `i` may be one of the family.
#[inline]
#[target_feature(enable = "avx2")]
fn pairs(probe: &Probe<'_>, halves: &[__m256i; 4], bytes: &[u8; 33]) -> u32 {
    let mask = _mm256_set1_epi8(probe.byte_mask().cast_signed());
    let low4 = _mm256_set1_epi8(15);
    let sets = |at: usize, low: __m256i, high: __m256i| {
        let bytes = _mm256_and_si256(load(bytes, at), mask);
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low4);
        let lower = _mm256_and_si256(bytes, low4);
        _mm256_and_si256(_mm256_shuffle_epi8(low, lower), _mm256_shuffle_epi8(high, upper))
    };
    let [low, high, next_low, next_high] = *halves;
    let common = _mm256_and_si256(sets(0, low, high), sets(1, next_low, next_high));
    let none = _mm256_cmpeq_epi8(common, _mm256_setzero_si256());
    !_mm256_movemask_epi8(none).cast_unsigned()
}

/// The words of the sieve for eight hashed middles.
///
/// # Safety
///
/// As for [`dispatch`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn fetch(probe: &Probe<'_>, middle: __m256i) -> __m256i {
    let shift = _mm_cvtsi32_si128(32 - probe.sieve_log2.cast_signed());
    let indices = _mm256_srl_epi32(middle, shift);
    let table = probe.sieve.as_ptr().cast::<i32>();
    // SAFETY: an index of `sieve_log2` bits is below the number of words.
    unsafe { _mm256_i32gather_epi32::<4>(table, indices) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn signs(lanes: __m256i) -> u32 {
    _mm256_movemask_ps(_mm256_castsi256_ps(lanes)).cast_unsigned()
}

/// 16 bytes from index `low` in the lower half, 16 from `high` in the upper one.
#[inline]
#[target_feature(enable = "avx2")]
fn load_pair<const REACH: usize>(bytes: &[u8; REACH], low: usize, high: usize) -> __m256i {
    _mm256_set_m128i(load_half(bytes, high), load_half(bytes, low))
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half<const REACH: usize>(bytes: &[u8; REACH], at: usize) -> __m128i {
    let from = bytes[at..at + 16].as_ptr();
    // SAFETY: the slice has 16 bytes; `loadu` asks for no alignment.
    unsafe { _mm_loadu_si128(from.cast::<__m128i>()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load<const REACH: usize>(bytes: &[u8; REACH], at: usize) -> __m256i {
    let from = bytes[at..at + 32].as_ptr();
    // SAFETY: the slice has 32 bytes; `loadu` asks for no alignment.
    unsafe { _mm256_loadu_si256(from.cast::<__m256i>()) }
}

/// The same sixteen bytes in both halves.
#[inline]
#[target_feature(enable = "avx2")]
fn twice(low: u64, high: u64) -> __m256i {
    let (low, high) = (low.cast_signed(), high.cast_signed());
    _mm256_setr_epi64x(low, high, low, high)
}

/// The factor in both halves of a lane.
const BESIDE_FACTORS: i32 = (BESIDE_FACTOR << 16 | BESIDE_FACTOR).cast_signed();
