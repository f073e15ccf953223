//! The check sum of an image: a tree, so that it is made and verified in pieces, at the speed of memory.
//!
//! ```text
//!   sections ─▶ pieces of 1 MiB ─▶ 32 bytes each ─┐
//!   header (without the sum) · directory ─────────┴─▶ SHA-256 ─▶ header
//! ```
//!
//! It finds damage: a torn write, a bad disk, a wrong file. It is no protection against intent, and no
//! digest inside the file could be, because whoever may write the file may write its digest, too. So the
//! sum of a piece is not cryptographic but fast: four lanes, each folding a product of 64 by 64 bits, run
//! several times faster than memory delivers. Against intent, everything is checked in `open`.

use sha2::{Digest as _, Sha256};

use super::layout::{HEADER_BYTES, SUM_AT};
use super::write::HEAD_BYTES;
use crate::engine::database::workers::{Alone, Workers, gather};

/// The sum over one piece.
pub(super) type PieceSum = [u8; 32];

/// The sum of a whole image: `head` is what precedes the sections, without the place of the sum.
pub(super) fn root(head: [&[u8]; 2], pieces: &[PieceSum]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in head {
        digest.update(part);
    }
    for piece in pieces {
        digest.update(piece);
    }
    digest.finalize().into()
}

/// The sums of all pieces of `bytes`.
pub(super) fn piece_sums(bytes: &[u8], workers: &dyn Workers) -> Vec<PieceSum> {
    let count = bytes.len().div_ceil(PIECE_BYTES);
    gather(workers, count, &|index| {
        let start = index.saturating_mul(PIECE_BYTES);
        let end = start.saturating_add(PIECE_BYTES).min(bytes.len());
        piece_sum(bytes.get(start..end).unwrap_or_default())
    })
}

/// The sum of one piece.
pub(super) fn piece_sum(bytes: &[u8]) -> PieceSum {
    let mut lanes = SEEDS;
    let (stripes, rest) = bytes.as_chunks::<STRIPE_BYTES>();
    for stripe in stripes {
        add(&mut lanes, stripe);
    }
    // The rest is filled up with zeros; the length keeps it apart from real ones.
    let mut last = [0; STRIPE_BYTES];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    add(&mut lanes, &last);
    let mut sum = [0; 32];
    for ((to, lane), seed) in sum.as_chunks_mut::<8>().0.iter_mut().zip(lanes).zip(SEEDS) {
        *to = fold(lane ^ bytes.len() as u64, seed).to_le_bytes();
    }
    sum
}

/// A lane keeps its old value beside the product, so that a factor of zero cannot wipe it out.
fn add(lanes: &mut [u64; 4], stripe: &[u8; STRIPE_BYTES]) {
    let (pairs, _) = stripe.as_chunks::<16>();
    for ((lane, seed), pair) in lanes.iter_mut().zip(SEEDS).zip(pairs) {
        let [low, high] = halves(pair);
        *lane = fold(*lane ^ low, seed ^ high) ^ lane.rotate_left(29).wrapping_add(low);
    }
}

fn halves(pair: &[u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(*pair).to_le_bytes();
    let (words, _) = both.as_chunks::<8>();
    let mut halves = [0; 2];
    for (half, word) in halves.iter_mut().zip(words) {
        *half = u64::from_le_bytes(*word);
    }
    halves
}

/// The two halves of the product, one over the other.
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left).wrapping_mul(u128::from(right));
    let (words, high) = (product.to_le_bytes(), product.wrapping_shr(64).to_le_bytes());
    let word =
        |bytes: [u8; 16]| bytes.first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word));
    word(words) ^ word(high)
}

/// Small enough for all cores to have some, large enough that a sum costs nothing beside its piece.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// One step: 16 bytes for each of four lanes.
const STRIPE_BYTES: usize = 64;

/// The first 256 bits of the fraction of pi: nothing up the sleeve.
const SEEDS: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];

/// An image with the length and the sum that fit its bytes, as somebody would write who makes one with
/// intent: for tests that look behind the sum.
#[must_use]
pub fn resealed(mut image: Vec<u8>) -> Vec<u8> {
    let length = (image.len() as u64).to_le_bytes();
    if let Some(place) = image.get_mut(LENGTH_AT..SUM_AT) {
        place.copy_from_slice(&length);
    }
    let pieces = piece_sums(image.get(HEAD_BYTES..).unwrap_or_default(), &Alone);
    let places = image.get(HEADER_BYTES..HEAD_BYTES.min(image.len())).unwrap_or_default();
    let sum = root([image.get(..SUM_AT).unwrap_or_default(), places], &pieces);
    if let Some(place) = image.get_mut(SUM_AT..HEADER_BYTES) {
        place.copy_from_slice(&sum);
    }
    image
}

/// Where the length of the image stands, right before its sum.
const LENGTH_AT: usize = SUM_AT - 8;
