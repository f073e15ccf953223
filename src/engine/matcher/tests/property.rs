//! The matcher equals the oracle, and itself, on random sets, layers and chunkings.

use super::super::facts::{Executable, TargetSet};
use super::super::simd::{self, Found, Probe, Shape};
use super::generate::Dice;
use super::*;
use zerocopy::little_endian::U32;

/// One seed: a set, a layer, the oracle's answer, and many ways of feeding it.
fn check(seed: u64) {
    let mut dice = Dice(seed);
    let signatures: Vec<BodySignature> = (0..1 + dice.roll(6)).map(|_| dice.signature()).collect();
    let data = dice.data(&signatures);
    let targets =
        if dice.one_in(2) { TargetSet::of(Target::Pe) } else { TargetSet::of(Target::Text) };
    let size = dice.one_in(3).then_some(data.len() as u64);
    let layer = LayerFacts { targets, executable: dice.executable(), size };
    let want = oracle::hits(&signatures, &data, &layer);
    let bytes = compiled(&signatures);
    let matcher = Matcher::open(&bytes).unwrap();
    let mut first: Option<Vec<Hit>> = None;
    for way in 0..6 {
        let hits = fed(&matcher, &data, &layer, way, &mut dice);
        let mut got: Vec<(usize, u64)> =
            hits.iter().map(|hit| (hit.signature.0 as usize, hit.offset)).collect();
        got.sort_unstable();
        assert_eq!(
            got, want,
            "seed {seed}, way {way}: {data:?} with {layer:?} and {signatures:#?}"
        );
        assert!(hits.is_sorted_by_key(|hit| hit.at), "seed {seed}, way {way}");
        // The facts come at the same time in the first ways, so the hits are the same in the same order.
        if way < 4 {
            assert_eq!(first.get_or_insert_with(|| hits.clone()), &hits, "seed {seed}, way {way}");
        }
    }
}

/// Ways 0 to 3 know the facts from the start; in 4 and 5 the header is read later, and the size never.
fn fed(
    matcher: &Matcher<'_>,
    data: &[u8],
    layer: &LayerFacts,
    way: usize,
    dice: &mut Dice,
) -> Vec<Hit> {
    let (mut state, mut hits, mut rest) = (State::new(), Vec::new(), data);
    let early = LayerFacts { targets: layer.targets, executable: Executable::Unknown, size: None };
    let known_at = if way < 4 { 0 } else { dice.roll(data.len() + 1) };
    while !rest.is_empty() {
        let length = match way {
            0 => rest.len(),
            1 => 1,
            _ => 1 + dice.roll([4, 30, 30, 4][way - 2]),
        };
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        let facts = if data.len() - rest.len() >= known_at { layer } else { &early };
        matcher.feed(&mut state, chunk, facts, &mut hits);
        rest = after;
    }
    matcher.finish(&mut state, layer, &mut hits);
    assert!(!state.overflowed());
    hits
}

#[test]
fn hits_equal_the_oracle_for_every_chunking() {
    for seed in 0..SEEDS {
        check(seed);
    }
}

#[test]
fn every_version_of_the_filter_finds_what_the_scalar_one_finds() {
    let mut dice = Dice(7);
    for round in 0..200 {
        let shape = [
            Shape::EightByFour,
            Shape::EightByOne,
            Shape::Edges,
            Shape::FourByFour,
            Shape::FourByTwo,
            Shape::Pairs,
        ][round % 6];
        let words_log2 = if shape == Shape::Pairs { 11 } else { 12 };
        let mut random = || u32::try_from(dice.roll(1 << 32)).unwrap();
        let words: Vec<U32> = (0..1 << words_log2).map(|_| U32::new(random() & random())).collect();
        // Every other round in runs of one byte, of all short lengths.
        let mut data = Vec::new();
        while data.len() < round * 23 % 4_200 {
            let [byte, length, ..] = random().to_le_bytes();
            let length = if round % 4 < 2 { 1 } else { 1 + usize::from(length % 12) };
            data.resize(data.len() + length, byte & 3);
        }
        let probe = Probe { shape, factor: 0x6A09_E667_F3BC_C909, words_log2, words: &words };
        let (mut fast, mut plain) = (Found::default(), Found::default());
        simd::probe(&probe, &data, &mut fast);
        simd::probe_scalar(&probe, &data, &mut plain);
        assert_eq!(fast.positions(), plain.positions(), "{shape:?} over {} bytes", data.len());
    }
}

#[test]
fn a_large_set_finds_every_pattern_at_every_place_around_a_seam() {
    let mut dice = Dice(11);
    let mut random = |count: usize| -> Vec<u8> {
        (0..count).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect()
    };
    let patterns: Vec<Vec<u8>> = (0..2_000).map(|index| random(2 + index % 60)).collect();
    let signatures: Vec<BodySignature> =
        patterns.iter().map(|pattern| single(literal(pattern))).collect();
    let bytes = compiled(&signatures);
    let matcher = Matcher::open(&bytes).unwrap();
    for (id, pattern) in patterns.iter().enumerate().step_by(37) {
        for cut in 0..=pattern.len() {
            let data = [&random(4_090 - cut)[..], pattern, &random(40)].concat();
            let (hits, _) = scan(&matcher, &data, [4_090], &LayerFacts::default());
            let there =
                |hit: &Hit| hit.signature.0 as usize == id && hit.offset == (4_090 - cut) as u64;
            assert!(
                hits.iter().any(there),
                "pattern {id} of {} bytes, cut at {cut}",
                pattern.len()
            );
        }
    }
}

#[test]
fn the_same_signatures_give_the_same_bytes() {
    let signatures = |seed| (0..50).map(|_| Dice(seed).signature()).collect::<Vec<_>>();
    assert_eq!(
        compile(&signatures(3), &GramCounts::new()),
        compile(&signatures(3), &GramCounts::new())
    );
    assert_ne!(
        compile(&signatures(3), &GramCounts::new()),
        compile(&signatures(4), &GramCounts::new())
    );
}

/// A few seconds' worth.
const SEEDS: u64 = 4_000;
