//! Single questions with known answers: `clamav.md` A3 and A4, and what a state does.

use super::super::facts::{Executable, ExecutableMap, RawSection, TargetSet, VersionInformation};
use super::*;

/// No offset; its type tells which comparison is meant.
const NONE: [u64; 0] = [];

/// The offsets of all hits of one signature.
fn offsets(signature: &BodySignature, data: &[u8], layer: &LayerFacts) -> Vec<u64> {
    let bytes = compiled(std::slice::from_ref(signature));
    let (hits, state) = scan(&Matcher::open(&bytes).unwrap(), data, [], layer);
    assert!(!state.overflowed());
    hits.iter().map(|hit| hit.offset).collect()
}

fn parts(parts: &[&[u8]], gap: Gap) -> BodySignature {
    let gaps = vec![gap; parts.len() - 1];
    let parts = parts.iter().map(|part| literal(part)).collect();
    signature(Pattern { parts, gaps, lead: 0, trail: 0 })
}

#[test]
fn every_start_counts_and_every_last_part_counts() {
    let layer = LayerFacts::default();
    assert_eq!(offsets(&single(literal(b"aaaa")), b"aaaaaaaa", &layer), [0, 1, 2, 3, 4]);
    let star = parts(&[b"abcd", b"wxyz"], Gap { min: 0, max: None });
    assert_eq!(offsets(&star, b"abcd.wxyz.wxyz", &layer), [0, 0]);
    assert_eq!(offsets(&star, b"abcd.abcd.wxyz", &layer), [0]);
    assert_eq!(offsets(&star, b"abcwxyzd", &layer), NONE);
}

#[test]
fn no_candidate_is_forgotten_among_many_leads() {
    // clamscan keeps nine ends of a part; only the second of ten leads fits here.
    let gap = Gap { min: 49, max: Some(51) };
    let data =
        [b"abcdabcd".to_vec(), b".".repeat(14), b"abcd".repeat(9), b"wxyz".to_vec()].concat();
    assert_eq!(offsets(&parts(&[b"abcd", b"wxyz"], gap), &data, &LayerFacts::default()), [4]);
}

#[test]
fn a_header_that_comes_late_is_waited_for() {
    let mut at_entry = single(literal(b"entry"));
    at_entry.target = Target::Pe;
    at_entry.offset = Offset { base: OffsetBase::EntryPoint(-2), shift: 1 };
    let bytes = compiled(std::slice::from_ref(&at_entry));
    let matcher = Matcher::open(&bytes).unwrap();
    let map = ExecutableMap {
        entry_point: Some(12),
        sections: Box::new([RawSection::default()]),
        ..ExecutableMap::default()
    };
    let facts =
        |executable| LayerFacts { targets: TargetSet::of(Target::Pe), executable, size: None };
    let (mut state, mut hits) = (State::new(), Vec::new());
    matcher.feed(&mut state, b"entry.....entry", &facts(Executable::Unknown), &mut hits);
    assert_eq!(hits, []);
    matcher.feed(&mut state, b".", &facts(Executable::Known(map)), &mut hits);
    assert_eq!(hits.iter().map(|hit| (hit.at, hit.offset)).collect::<Vec<_>>(), [(15, 10)]);
    matcher.finish(&mut state, &facts(Executable::Unknown), &mut hits);
    assert_eq!(hits.len(), 1);
    assert_eq!(offsets(&at_entry, b"..........entry", &facts(Executable::Absent)), NONE);
}

#[test]
fn version_information_that_comes_late_is_waited_for() {
    let mut at_key = single(literal(b"entry"));
    at_key.target = Target::Pe;
    at_key.offset = Offset { base: OffsetBase::VersionInformation, shift: 9 };
    let bytes = compiled(std::slice::from_ref(&at_key));
    let matcher = Matcher::open(&bytes).unwrap();
    let found = |information: VersionInformation| {
        let facts = |version_information| {
            let map = ExecutableMap { version_information, ..ExecutableMap::default() };
            let executable = Executable::Known(map);
            LayerFacts { targets: TargetSet::of(Target::Pe), executable, size: None }
        };
        let (mut state, mut hits) = (State::new(), Vec::new());
        let text = b"entry.....entry..entry";
        matcher.feed(&mut state, text, &facts(VersionInformation::Unknown), &mut hits);
        assert_eq!(hits, []);
        matcher.feed(&mut state, b".entry", &facts(information.clone()), &mut hits);
        matcher.finish(&mut state, &facts(information), &mut hits);
        let places: Vec<_> = hits.iter().map(|hit| (hit.at, hit.offset)).collect();
        (places, state.overflowed())
    };
    let known = |places: &[u64]| found(VersionInformation::Known(places.into()));
    // A shift counts for nothing. What is held is certain where it is released.
    assert_eq!(known(&[3, 10, 23]), (vec![(22, 10), (28, 23)], false));
    assert_eq!(known(&[3, 9]), (vec![], false));
    assert_eq!(known(&[]), (vec![], false));
    assert_eq!(found(VersionInformation::OutOfReach), (vec![], true));
}

#[test]
fn the_end_is_counted_from_only_when_there_is_enough_before_it() {
    let mut near_end = single(literal(b"defg"));
    near_end.offset = Offset { base: OffsetBase::End(100), shift: 100 };
    assert_eq!(offsets(&near_end, &b"abcdefgh".repeat(2), &LayerFacts::default()), NONE);
    near_end.offset = Offset { base: OffsetBase::End(13), shift: 0 };
    assert_eq!(offsets(&near_end, &b"abcdefgh".repeat(2), &LayerFacts::default()), [3]);
    near_end.target = Target::Elf;
    let elf = LayerFacts { targets: TargetSet::of(Target::Elf), ..LayerFacts::default() };
    assert_eq!(offsets(&near_end, &b"abcdefgh".repeat(2), &elf), NONE);
}

#[test]
fn a_signature_reports_so_many_hits_and_no_more() {
    let data = vec![0; 100_000];
    assert_eq!(
        offsets(&single(literal(&[0; 20])), &data, &LayerFacts::default()).len(),
        HITS_MAX as usize
    );
}

#[test]
fn a_long_part_is_found_whole_and_never_in_pieces() {
    let long: Vec<u8> = (0..9_000_u32).map(|index| (index * index / 7).to_le_bytes()[0]).collect();
    let data = [b"head", &long[..], b"tail"].concat();
    let layer = LayerFacts::default();
    assert_eq!(offsets(&single(literal(&long)), &data, &layer), [4]);
    let mut broken = data;
    broken[7_000] ^= 1;
    assert_eq!(offsets(&single(literal(&long)), &broken, &layer), NONE);
}

#[test]
fn a_reset_state_remembers_nothing() {
    let star = parts(&[b"abcd", b"wxyz"], Gap { min: 0, max: None });
    let bytes = compiled(&[star]);
    let matcher = Matcher::open(&bytes).unwrap();
    let (mut state, mut hits) = (State::new(), Vec::new());
    matcher.feed(&mut state, b"abcd.wx", &LayerFacts::default(), &mut hits);
    state.reset();
    matcher.feed(&mut state, b"yz.wxyz", &LayerFacts::default(), &mut hits);
    matcher.finish(&mut state, &LayerFacts::default(), &mut hits);
    assert_eq!((hits, state.position()), (vec![], 7));
}

#[test]
fn an_empty_set_looks_at_nothing() {
    let bytes = compiled(&[]);
    let (hits, state) =
        scan(&Matcher::open(&bytes).unwrap(), &[7; 10_000], [3], &LayerFacts::default());
    assert_eq!((hits, state.work(), state.position()), (vec![], 0, 10_000));
}

#[test]
fn a_block_that_is_cut_or_changed_is_refused_or_harmless() {
    let bytes = compiled(&[single(literal(b"abcdefghijklmnop")), single(literal(b"xy"))]);
    for length in 0..bytes.len().min(400) {
        assert!(Matcher::open(&bytes[..length]).is_err(), "{length}");
    }
    for at in 0..bytes.len().min(300) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x81;
        if let Ok(matcher) = Matcher::open(&changed)
            && matcher.check().is_ok()
        {
            scan(&matcher, b"abcdefghijklmnop xy", [5], &LayerFacts::default());
        }
    }
}
