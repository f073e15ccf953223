//! bzip2: what its library says, for streams of every kind, cut anywhere.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not expected fails")]

use bzip2::read::BzEncoder;
use bzip2::{Compression, Decompress};
use proptest::prelude::*;
use std::io::Read as _;

use crate::engine::unpack::Progress;
use crate::engine::unpack::bzip2::Bzip2;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_the_library_packs_comes_out_again(
        plain in texts(), level in 1_u32..=9, cut in 1_usize..5_000, room in 1_usize..5_000,
    ) {
        let packed = pack(&plain, level);
        let (made, end) = undo(&packed, cut, room);
        prop_assert_eq!(end, Ok(()));
        prop_assert!(made == plain);
    }

    #[test]
    fn damage_gives_what_the_library_gives_up_to_it(
        plain in texts(), at in 4_usize..2_000, bit in 0_u8..8, cut in 1_usize..3_000,
    ) {
        let mut packed = pack(&plain, 1);
        let at = at.min(packed.len() - 1);
        packed[at] ^= 1 << bit;
        let theirs = undo_by_library(&packed);
        let (ours, end) = undo(&packed, cut, 4_096);
        // The library looks at sums, and may stop where nothing else is wrong; and it reads codes that are none,
        // of which we say that they are damaged.
        let is_same = ours.starts_with(&theirs) || (end.is_err() && theirs.starts_with(&ours));
        prop_assert!(is_same, "{} bytes of {}", ours.len(), theirs.len());
    }
}

#[test]
fn a_block_that_was_turned_round_is_turned_back() {
    let plain: Vec<u8> =
        (0..200_000_u32).flat_map(|word| word.wrapping_mul(word).to_le_bytes()).collect();
    let mut packed = pack(&plain, 9);
    // Behind the marks of the file and of the block, and its sum.
    packed[14] |= 0x80;
    let theirs = undo_by_library(&packed);
    assert!(theirs.len() > 300_000 && theirs[..1_000] != plain[..1_000]);
    let (ours, _) = undo(&packed, 4_000, 4_000);
    assert!(ours.starts_with(&theirs));
}

#[test]
fn no_step_undoes_a_block_at_once() {
    let plain: Vec<u8> =
        (0..225_000_u32).flat_map(|word| word.wrapping_mul(word).to_le_bytes()).collect();
    let packed = pack(&plain, 9);
    let (mut decoder, mut rest, mut idle) = (Bzip2::new(), &packed[..], 0);
    let mut output = vec![0; 1 << 20];
    loop {
        let step = decoder.step(rest, &mut output);
        rest = &rest[step.used..];
        match step.progress {
            Progress::Full if step.made == 0 => idle += 1,
            Progress::Full => break assert!(step.made > 0),
            other => panic!("{other:?}"),
        }
    }
    // Rows of 16 Ki, symbols of 4 Ki: 900,000 of each.
    assert!((270..300).contains(&idle), "{idle}");
}

/// Everything that comes out, and whether the file may end there.
fn undo(packed: &[u8], cut: usize, room: usize) -> (Vec<u8>, Result<(), ()>) {
    let (mut decoder, mut made) = (Bzip2::new(), Vec::new());
    let mut output = vec![0; room];
    for piece in packed.chunks(cut) {
        let mut rest = piece;
        loop {
            let step = decoder.step(rest, &mut output);
            rest = &rest[step.used..];
            made.extend_from_slice(&output[..step.made]);
            match step.progress {
                Progress::Hungry => break assert!(rest.is_empty()),
                Progress::Full => {}
                Progress::Stopped(_) => return (made, Err(())),
                other => panic!("{other:?}"),
            }
        }
    }
    (made, decoder.finish().map_err(|_| ()))
}

fn undo_by_library(packed: &[u8]) -> Vec<u8> {
    let (mut decoder, mut made) = (Decompress::new(false), Vec::with_capacity(4 << 20));
    // An error says that nothing follows.
    decoder.decompress_vec(packed, &mut made).ok();
    made
}

fn pack(plain: &[u8], level: u32) -> Vec<u8> {
    let mut packed = Vec::new();
    BzEncoder::new(plain, Compression::new(level)).read_to_end(&mut packed).expect("to memory");
    packed
}

/// Runs of all lengths, words, and bytes without an order.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let runs = prop::collection::vec((any::<u8>(), 1_usize..700), 0..120)
        .prop_map(|runs| runs.iter().flat_map(|&(byte, count)| vec![byte; count]).collect());
    let words = (0_usize..60_000).prop_map(|count| b"words and more words, ".repeat(count / 20));
    let noise = prop::collection::vec(any::<u8>(), 0..3_000);
    let long = (any::<u32>(), 1_usize..300_000).prop_map(|(seed, count)| {
        let mut state = seed | 1;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0] & 0x3f
        };
        (0..count).map(next).collect()
    });
    prop_oneof![runs, words, noise, long]
}
