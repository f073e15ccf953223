//! The matcher equals the oracle, and itself, on random sets, layers and chunkings.

use super::super::bitmap::pair_sieve;
use super::super::facts::{Executable, TargetSet, VersionInformation};
use super::super::image::{ALL_PARTS, FIRST_PARTS, LATER_PARTS};
use super::super::simd::{self, Found, Probe, Shape, Version};
use super::generate::Dice;
use super::*;
use std::collections::BTreeSet;
use zerocopy::little_endian::U32;

/// Later segments in families of their own, and with the first ones: one finds what the other does.
const SETS: [u64; 2] = [0, u64::MAX];

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
    let sets = SETS.map(|merged_rate| compiled_with(&signatures, merged_rate));
    let mut first: Option<Vec<Hit>> = None;
    for (way, bytes) in (0..6).flat_map(|way| sets.iter().map(move |bytes| (way, bytes))) {
        let matcher = Matcher::open(bytes).unwrap();
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

/// The same where any match will do: there is one hit where the oracle has one or more, at a place where
/// the oracle begins a match, and the same one for every way of feeding.
fn check_any(seed: u64) {
    let mut dice = Dice(seed);
    let mut signatures: Vec<BodySignature> =
        (0..1 + dice.roll(6)).map(|_| dice.signature()).collect();
    signatures.iter_mut().for_each(|signature| signature.hits_max = 1);
    let data = dice.data(&signatures);
    let targets = TargetSet::of(Target::Text);
    let size = Some(data.len() as u64);
    let layer = LayerFacts { targets, executable: dice.executable(), size };
    let want: BTreeSet<usize> =
        oracle::hits(&signatures, &data, &layer).into_iter().map(|(id, _)| id).collect();
    let sets = SETS.map(|merged_rate| compiled_with(&signatures, merged_rate));
    let mut first: Option<Vec<Hit>> = None;
    for (way, bytes) in (0..4).flat_map(|way| sets.iter().map(move |bytes| (way, bytes))) {
        let matcher = Matcher::open(bytes).unwrap();
        let hits = fed(&matcher, &data, &layer, way, &mut dice);
        let got: Vec<usize> = hits.iter().map(|hit| hit.signature.0 as usize).collect();
        let sorted: BTreeSet<usize> = got.iter().copied().collect();
        assert_eq!(sorted, want, "seed {seed}, way {way}: {data:?} with {signatures:#?}");
        assert_eq!(sorted.len(), got.len(), "seed {seed}, way {way}: one hit each");
        assert_eq!(first.get_or_insert_with(|| hits.clone()), &hits, "seed {seed}, way {way}");
    }
}

#[test]
fn where_any_match_will_do_there_is_one_hit_for_every_chunking() {
    for seed in 0..SEEDS {
        check_any(seed);
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
    // Version information is known later than the header.
    let mut headers = layer.clone();
    if let Executable::Known(map) = &mut headers.executable {
        map.version_information = VersionInformation::Unknown;
    }
    while !rest.is_empty() {
        let length = match way {
            0 => rest.len(),
            1 => 1,
            _ => 1 + dice.roll([4, 30, 30, 4][way - 2]),
        };
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        let facts = match data.len() - rest.len() {
            fed if fed >= known_at => layer,
            fed if fed >= known_at / 2 => &headers,
            _ => &early,
        };
        matcher.feed(&mut state, chunk, facts, &mut hits);
        rest = after;
    }
    matcher.finish(&mut state, layer, &mut hits);
    assert!(!state.overflowed());
    hits
}

#[test]
fn later_segments_have_families_of_their_own_or_share_those_of_the_first() {
    let parts = |bytes: &[u8]| -> BTreeSet<u8> {
        let matcher = Matcher::open(bytes).unwrap();
        matcher.tables.families.iter().map(|family| family.parts).collect()
    };
    let mut seen: [BTreeSet<u8>; 2] = Default::default();
    for seed in 0..100 {
        let signatures = [Dice(seed).signature(), Dice(seed + 1_000).signature()];
        for (seen, merged_rate) in seen.iter_mut().zip(SETS) {
            seen.extend(parts(&compiled_with(&signatures, merged_rate)));
        }
    }
    assert_eq!(seen[0], BTreeSet::from([FIRST_PARTS, LATER_PARTS]));
    // Where no first segment has an anchor of that kind, there is nothing to share.
    assert_eq!(seen[1], BTreeSet::from([FIRST_PARTS, LATER_PARTS, ALL_PARTS]));
}

#[test]
fn hits_equal_the_oracle_for_every_chunking() {
    for seed in 0..SEEDS {
        check(seed);
    }
}

/// Random bytes, every other round in runs of one byte of all short lengths.
fn filter_data(dice: &mut Dice, round: usize) -> Vec<u8> {
    let mut data = Vec::new();
    while data.len() < round * 23 % 4_200 {
        let length = if round % 4 < 2 { 1 } else { 1 + dice.roll(12) };
        let byte = u8::try_from(dice.roll(256)).unwrap();
        data.resize(data.len() + length, if round.is_multiple_of(3) { byte } else { byte & 0x23 });
    }
    data
}

#[test]
fn every_version_of_the_filter_finds_what_the_scalar_one_finds() {
    let mut dice = Dice(7);
    for round in 0..240 {
        let shape = [Shape::Sixes, Shape::Threes, Shape::Pairs][round % 3];
        let words_log2 = if shape == Shape::Pairs { 11 } else { 12 };
        let mut random = || u32::try_from(dice.roll(1 << 32)).unwrap();
        let mut words =
            |log2: u32| (0..1 << log2).map(|_| U32::new(random() | random())).collect::<Vec<U32>>();
        let (mut sieve, mut words) = (words(13), words(words_log2));
        let mut sieve_log2 = 13;
        if shape == Shape::Pairs {
            let known = |pair: &u64| {
                let word = words[usize::try_from(pair >> 5).unwrap()].get();
                // Every other round few of them, so that the groups stop anything.
                word >> (pair & 31) & 1 != 0 && (round.is_multiple_of(2) || pair % 997 < 2)
            };
            let pairs: Vec<u64> = (0..1 << 16).filter(known).collect();
            sieve = pair_sieve(pairs.iter().copied()).map(U32::new).to_vec();
            sieve_log2 = 4;
            words = vec![U32::ZERO; 1 << 11];
            for pair in pairs {
                let index = usize::try_from(pair >> 5).unwrap();
                words[index] = U32::new(words[index].get() | 1 << (pair & 31));
            }
        }
        let data = filter_data(&mut dice, round);
        let probe = Probe {
            shape,
            fold: round.is_multiple_of(2),
            salt: 0xF3BC_C909,
            factor: 0x6A09_E667_F3BC_C909,
            sieve_log2,
            sieve: &sieve,
            words_log2,
            words: &words,
        };
        let mut plain = Found::default();
        simd::probe_with(Version::Scalar, &probe, &data, &mut plain);
        let mut versions = vec![];
        #[cfg(target_arch = "x86_64")]
        versions.extend([Version::Sse2, Version::Avx2]);
        for version in versions {
            let mut fast = Found::default();
            simd::probe_with(version, &probe, &data, &mut fast);
            assert_eq!(
                fast.positions(),
                plain.positions(),
                "{version:?}, {shape:?} over {} bytes",
                data.len()
            );
        }
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
    assert_eq!(matcher.facts().dense_count, 0);
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
fn parts_that_ignore_case_are_found_in_any_case_at_every_place_around_a_seam() {
    let mut dice = Dice(13);
    let mut letters = |count: usize| -> Vec<u8> {
        let one = |dice: &mut Dice| b"abcdefghijklmnopqrstuvwxyz0123456789._-"[dice.roll(39)];
        (0..count).map(|_| one(&mut dice)).collect()
    };
    let patterns: Vec<Vec<u8>> = (0..600).map(|index| letters(2 + index % 40)).collect();
    let signature = |(index, bytes): (usize, &Vec<u8>)| {
        single(if index % 3 == 0 { literal(bytes) } else { folded(bytes) })
    };
    let signatures: Vec<BodySignature> = patterns.iter().enumerate().map(signature).collect();
    let bytes = compiled(&signatures);
    let matcher = Matcher::open(&bytes).unwrap();
    assert_eq!(matcher.facts().dense_count, 0);
    for (id, pattern) in patterns.iter().enumerate().step_by(7) {
        for cut in [0, 1, 2, pattern.len() / 2, pattern.len() - 1, pattern.len()] {
            let changed: Vec<u8> = pattern.iter().map(u8::to_ascii_uppercase).collect();
            let data = [&letters(4_090 - cut)[..], &changed, &letters(40)].concat();
            let (hits, _) = scan(&matcher, &data, [4_090], &LayerFacts::default());
            let there =
                |hit: &Hit| hit.signature.0 as usize == id && hit.offset == (4_090 - cut) as u64;
            // Without letters either case is the same.
            assert_eq!(
                hits.iter().any(there),
                id % 3 != 0 || changed == *pattern,
                "pattern {id} {pattern:?}, cut at {cut}"
            );
        }
    }
}

#[test]
fn layers_of_each_kind_find_what_is_for_them() {
    let mut dice = Dice(17);
    let mut signatures = Vec::new();
    let mut data = Vec::new();
    for index in 0..900 {
        let bytes: Vec<u8> = (0..5 + index % 9)
            .map(|_| dice.byte().wrapping_add(40 + u8::try_from(dice.roll(90)).unwrap()))
            .collect();
        data.extend_from_slice(&bytes);
        let target = [Target::Pe, Target::Pe, Target::Pe, Target::Any, Target::Text][index % 5];
        signatures.push(BodySignature { target, ..single(literal(&bytes)) });
    }
    let bytes = compiled(&signatures);
    let matcher = Matcher::open(&bytes).unwrap();
    let families = matcher.facts().families;
    assert!(families.len() >= 4, "{families:?}");
    for target in [Target::Pe, Target::Text, Target::Pdf] {
        let layer = LayerFacts { targets: TargetSet::of(target), ..LayerFacts::default() };
        let (hits, _) = scan(&matcher, &data, [1_000, 17], &layer);
        let found: BTreeSet<u32> = hits.iter().map(|hit| hit.signature.0).collect();
        let wanted = (0_u32..).zip(&signatures);
        let wanted = wanted.filter(|(_, one)| one.target == target || one.target == Target::Any);
        assert_eq!(found, wanted.map(|(id, _)| id).collect(), "{target:?}");
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
