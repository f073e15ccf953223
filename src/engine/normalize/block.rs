//! Sixteen bytes at a time: a run is written as a whole block and cut to its length.
//!
//! That is a store and a subtraction, whatever the length is, where a byte at a time costs a branch each
//! and a wrong guess at the end of every run.

pub(super) use crate::engine::matcher::block::{BLOCK, ends, spaces};

/// Appends the first `length` bytes of a block.
#[inline]
pub(super) fn append(block: &[u8; BLOCK], length: usize, out: &mut Vec<u8>) {
    let end = out.len().saturating_add(length);
    out.extend_from_slice(block);
    out.truncate(end);
}

/// In lower case.
#[inline]
pub(super) fn lower(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    each(block, |byte| byte.to_ascii_lowercase())
}

/// In lower case, and all white space as spaces.
#[inline]
pub(super) fn lower_and_spaced(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    each(block, |byte| {
        let spaced = if byte.wrapping_sub(0x09) < 5 { b' ' } else { byte };
        spaced.to_ascii_lowercase()
    })
}

/// What becomes of each byte: a loop, which becomes a few vector instructions; a `map` of an array does not always.
#[inline]
pub(super) fn each(block: &[u8; BLOCK], made: impl Fn(u8) -> u8) -> [u8; BLOCK] {
    let mut out = [0; BLOCK];
    for (to, from) in out.iter_mut().zip(block) {
        *to = made(*from);
    }
    out
}
