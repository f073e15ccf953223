//! Which of sixteen bytes end a run, for the normal forms of text and pages: one bit for each.
//!
//! SSE2, which every 64-bit x86 has; on other machines, and as the oracle of a test, byte by byte.

/// Bytes that are looked at together.
pub(in crate::engine) const BLOCK: usize = 16;

/// Those up to a space, controls and spaces alike, and those of `others`.
#[inline]
pub(in crate::engine) fn ends<const N: usize>(block: &[u8; BLOCK], others: [u8; N]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of the architecture.
    unsafe {
        sse2::ends(block, others)
    }
    #[cfg(not(target_arch = "x86_64"))]
    scalar(block, |byte| byte <= b' ' || others.contains(&byte))
}

/// White space as pages and texts have it: 9 to 13, and 32.
#[inline]
pub(in crate::engine) fn spaces(block: &[u8; BLOCK]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of the architecture.
    unsafe {
        sse2::spaces(block)
    }
    #[cfg(not(target_arch = "x86_64"))]
    scalar(block, is_space)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn scalar(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u32 {
    block.iter().rev().fold(0, |bits, byte| bits << 1 | u32::from(is(*byte)))
}

#[cfg(any(test, not(target_arch = "x86_64")))]
const fn is_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0D | 0x20)
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use super::BLOCK;
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_sub_epi8,
    };

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn ends<const N: usize>(block: &[u8; BLOCK], others: [u8; N]) -> u32 {
        let bytes = load(block);
        let mut found = at_most(bytes, b' ');
        for other in others {
            found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, all(other)));
        }
        _mm_movemask_epi8(found).cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn spaces(block: &[u8; BLOCK]) -> u32 {
        let bytes = load(block);
        // Bytes below 9 become large ones.
        let lines = at_most(_mm_sub_epi8(bytes, all(0x09)), 0x0D - 0x09);
        _mm_movemask_epi8(_mm_or_si128(lines, _mm_cmpeq_epi8(bytes, all(b' ')))).cast_unsigned()
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn at_most(bytes: __m128i, most: u8) -> __m128i {
        _mm_cmpeq_epi8(_mm_min_epu8(bytes, all(most)), bytes)
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn all(byte: u8) -> __m128i {
        _mm_set1_epi8(byte.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(block: &[u8; BLOCK]) -> __m128i {
        // SAFETY: the array has 16 bytes; `loadu` asks for no alignment.
        unsafe { _mm_loadu_si128(block.as_ptr().cast::<__m128i>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_ends_what_it_ends() {
        for byte in 0..=u8::MAX {
            for at in 0..BLOCK {
                for around in [b'x', b' ', 0, 0xFF] {
                    let mut block = [around; BLOCK];
                    block[at] = byte;
                    assert_eq!(spaces(&block), scalar(&block, is_space), "{block:?}");
                    let others = [b'&', b'<', 0xE9];
                    let wanted = scalar(&block, |one| one <= b' ' || others.contains(&one));
                    assert_eq!(ends(&block, others), wanted, "{block:?}");
                }
            }
        }
    }
}
