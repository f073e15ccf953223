//! Inputs made to cost: the work per byte stays under a bound that the set alone decides.
//!
//! The unit is that of [`State::work`]. A byte costs at most what its grams lead to: for each family one
//! unit for every entry in the bucket of its gram (`chain_max` and what shares the bucket), and for every
//! entry whose eight bytes agree one decision, which is a unit for each user of the content and one for
//! each step of its program at each place where the part may end. No table of the state is walked.

use super::generate::Dice;
use super::*;

/// Scans and says how many units of work a byte cost, rounded up.
#[track_caller]
fn check(signatures: &[BodySignature], data: &[u8], bound: u64) {
    let bytes = compiled(signatures);
    let (_, state) =
        scan(&Matcher::open(&bytes).unwrap(), data, [5_000, 60_000], &LayerFacts::default());
    assert!(!state.overflowed());
    let per_byte = state.work().div_ceil(data.len() as u64);
    assert!(per_byte <= bound, "{per_byte} units a byte, the bound is {bound}");
}

fn random_literals(count: usize, length: usize) -> Vec<Vec<u8>> {
    let mut dice = Dice(5);
    (0..count)
        .map(|_| (0..length).map(|_| u8::try_from(dice.roll(256)).unwrap()).collect())
        .collect()
}

fn singles(literals: &[Vec<u8>]) -> Vec<BodySignature> {
    literals.iter().map(|bytes| single(literal(bytes))).collect()
}

#[test]
fn zeros_cost_nothing_once_their_signatures_are_done() {
    let mut signatures = singles(&random_literals(1_000, 24));
    signatures.push(single(literal(&[0; 32])));
    signatures.push(single(literal(&[0; 9])));
    check(&signatures, &vec![0; 1 << 20], 1);
}

#[test]
fn runs_cost_nothing_for_patterns_that_are_runs_with_a_little_beside_them() {
    let mut signatures = Vec::new();
    for length in 12..200 {
        for byte in [1, 7] {
            signatures.push(single(literal(&[&vec![0; length][..], &[byte, 2]].concat())));
            signatures.push(single(literal(&[&[byte, 3], &vec![0; length][..]].concat())));
        }
    }
    check(&signatures, &vec![0; 1 << 20], 1);
    // Many runs, no pattern at their ends.
    let runs: Vec<u8> = (0..1 << 18).map(|at| if at % 40 < 38 { 0 } else { 9 }).collect();
    check(&signatures, &runs, 1);
}

/// A part with its only two adjacent fixed bytes in a run of zeros.
fn operand(code: u8, operand_bytes: usize) -> Part {
    let byte = |value| Unit::Byte { value, mask: 0xFF };
    let mut units = vec![byte(code)];
    units.extend(vec![Unit::Byte { value: 0, mask: 0 }; operand_bytes]);
    units.extend([byte(0), byte(0)]);
    Part { left: None, units, right: None }
}

#[test]
fn runs_inside_blocks_cost_their_ends_though_short_parts_have_nothing_else() {
    let parts = [operand(0x68, 2), operand(0xE8, 2), operand(0xBA, 1), folded(b"if    ")];
    let bytes = compiled(&parts.map(single));
    let matcher = Matcher::open(&bytes).unwrap();
    for byte in [0, b' '] {
        // Runs that begin and end anywhere in a block, and one that is blocks long.
        let short = [&[byte; 700][..], b"\x81\x93\xA5"].concat().repeat(100);
        for data in [short, vec![byte; 70_000]] {
            let (hits, state) =
                scan(&matcher, &data, [5_000, 20_000, 21_000], &LayerFacts::default());
            assert_eq!(hits, []);
            let bound = data.len() as u64 / 8;
            assert!(state.work() <= bound, "{byte}: {} units of {bound}", state.work());
        }
    }
}

#[test]
fn common_parts_at_the_start_are_looked_for_there_only() {
    let offset = Offset { base: OffsetBase::Start(320), shift: 0 };
    let signatures: Vec<BodySignature> = [&[0, 0, 0, 0][..], b"\0\0\0", &[0; 20]]
        .map(|bytes| BodySignature { offset, ..single(literal(bytes)) })
        .into();
    let bytes = compiled(&signatures);
    let matcher = Matcher::open(&bytes).unwrap();
    assert_eq!(matcher.facts().fixed_count, 3);
    let (hits, state) = scan(&matcher, &vec![0; 1 << 20], [320, 1, 2], &LayerFacts::default());
    let found: Vec<(u32, u64)> = hits.iter().map(|hit| (hit.signature.0, hit.offset)).collect();
    assert_eq!(found, [(1, 320), (0, 320), (2, 320)]);
    assert!(state.work() < 100, "{} units", state.work());
}

#[test]
fn one_anchor_repeated_costs_what_its_entries_cost() {
    // Every gram that the filter knows of this pattern, over and over, never with the right rest.
    let literals = random_literals(1_000, 40);
    for at in 0..30 {
        check(&singles(&literals), &literals[0][at..at + 11].repeat(20_000), 2);
    }
}

#[test]
fn every_anchor_in_a_row_costs_two_units_a_byte() {
    let literals = random_literals(2_000, 40);
    let nearly: Vec<u8> = literals.iter().flat_map(|bytes| bytes[..39].to_vec()).collect();
    check(&singles(&literals), &nearly, 2);
}

#[test]
fn one_byte_at_a_time_costs_no_more() {
    let literals = random_literals(500, 40);
    let nearly: Vec<u8> = literals.iter().flat_map(|bytes| bytes[..39].to_vec()).collect();
    let bytes = compiled(&singles(&literals));
    let matcher = Matcher::open(&bytes).unwrap();
    let (_, state) = scan(&matcher, &nearly, vec![1; nearly.len()], &LayerFacts::default());
    assert!(!state.overflowed());
    // The check of eight bytes has nothing to compare with in a chunk of one: the program does it.
    assert!(state.work() <= 8 * nearly.len() as u64, "{} units", state.work());
}

#[test]
fn heads_that_many_patterns_share_are_no_anchors() {
    let mut dice = Dice(6);
    let tails = random_literals(1_000, 12);
    let heads: [&[u8]; 3] = [b"MSVBVM60", b"VB5!6&vb", b"C:\\WINDO"];
    let literals: Vec<Vec<u8>> =
        tails.iter().map(|tail| [heads[dice.roll(3)], tail].concat()).collect();
    check(&singles(&literals), &heads.concat().repeat(4_000), 1);
    // In any case, too.
    let ignoring: Vec<BodySignature> = literals.iter().map(|one| single(folded(one))).collect();
    check(&ignoring, &heads.concat().to_ascii_lowercase().repeat(4_000), 1);
}

#[test]
fn the_commonest_anchors_shuffled_cost_what_their_entries_cost() {
    let literals: Vec<Vec<u8>> =
        random_literals(1_000, 6).into_iter().map(|one| one.repeat(3)).collect();
    let bytes = compiled(&singles(&literals));
    let costly = Matcher::open(&bytes).unwrap().facts().costly;
    assert_eq!(costly.len(), 20);
    let mut dice = Dice(8);
    let input: Vec<u8> = (0..30_000).flat_map(|_| costly[dice.roll(20)].bytes.to_vec()).collect();
    check(&singles(&literals), &input, 4);
}

#[test]
fn parts_of_three_bytes_cost_a_unit_for_each_time_they_come() {
    let literals = random_literals(300, 3);
    let row: Vec<u8> = literals.concat().repeat(50);
    check(&singles(&literals), &row, 8);
}

#[test]
fn nested_choices_over_one_byte_cost_steps_times_positions() {
    let byte = |value| Unit::Byte { value, mask: 0xFF };
    let choice = Unit::Choice {
        negated: false,
        choices: vec![vec![byte(b'a')], vec![byte(b'a'), byte(b'a')]].into(),
    };
    let mut units = vec![byte(b'a'); 4];
    units.extend(vec![choice; 30]);
    units.push(byte(b'b'));
    let part = Part { left: None, units, right: None };
    // Backtracking would try two to the thirtieth ways at each position.
    check(&[single(part)], &vec![b'a'; 1 << 14], 4_000);
}

/// Patterns of which any match will do, each a rare piece between two common ones: joined into one
/// segment, whose anchor is the rare piece.
fn joined(literals: &[Vec<u8>], gap: u32) -> Vec<BodySignature> {
    let of = |bytes: &Vec<u8>| BodySignature {
        hits_max: 1,
        ..signature(Pattern {
            parts: vec![literal(b"function"), literal(bytes), literal(b"return x")],
            gaps: vec![Gap { min: 0, max: Some(gap) }; 2],
            lead: 0,
            trail: 0,
        })
    };
    literals.iter().map(of).collect()
}

/// What a joined anchor costs at most: its entry, the two questions whether anybody wants it, and the
/// programs to both sides. Each of those is a step over one position, one over all places that the gap
/// leaves (in eights, as the next byte is looked for among them), and one over each place that has it.
const fn joined_bound(places: u64, eights_of_piece: u64) -> u64 {
    let look_up = 4;
    let side = 1 + places / 8 + 1 + places;
    look_up + 1 + eights_of_piece + 2 * side
}

#[test]
fn joined_parts_cost_the_places_of_their_gaps_for_each_anchor() {
    let literals = random_literals(1_000, 12);
    let gap = 200;
    let signatures = joined(&literals, gap);
    let bytes = compiled(&signatures);
    let facts = Matcher::open(&bytes).unwrap().facts();
    let anchored: u32 = facts.families.iter().map(|family| family.parts_count).sum();
    assert_eq!((facts.contents_count, anchored), (1_000, 1_000), "each is one segment");
    // Nothing but anchors, a thousand in turns and one alone: nothing that is common is beside them, so
    // no place is left after the first step to either side.
    let few = (4 + 1 + 1 + 2 * (1 + 1 + u64::from(gap) / 8)).div_ceil(12);
    check(&signatures, &literals.concat().repeat(20), few);
    check(&signatures, &literals[0].repeat(20_000), few);
    // Beside each anchor what its gap looks for, at every place: first bytes, and whole pieces.
    let bound = joined_bound(gap.into(), 1).div_ceil(12);
    for before in [&b"n"[..], b"r", b"nr", b"function", b"return"] {
        let crowd = before.repeat(80 / before.len());
        let row: Vec<u8> =
            literals.iter().flat_map(|anchor| [&crowd[..], anchor].concat()).collect();
        check(&signatures, &row.repeat(3), bound);
        let one = [&crowd[..], &literals[0]].concat().repeat(5_000);
        check(&signatures, &one, bound);
    }
}

#[test]
fn joined_parts_with_the_widest_gap_cost_no_more_than_its_places() {
    // 511 more places than none: as many as one anchor may be tried for.
    let literals = random_literals(1, 6);
    let part = |bytes: &[u8]| literal(bytes);
    let widest = BodySignature {
        hits_max: 1,
        ..signature(Pattern {
            parts: vec![part(&literals[0]), part(b"aaaaaaab")],
            gaps: vec![Gap { min: 0, max: Some(511) }],
            lead: 0,
            trail: 0,
        })
    };
    let bytes = compiled(std::slice::from_ref(&widest));
    assert_eq!(Matcher::open(&bytes).unwrap().facts().contents_count, 1, "it is one segment");
    for run in [0, 10, 505] {
        // The second part fails at its last byte, at every place of the gap.
        let row = [&literals[0][..], &vec![b'a'; run]].concat().repeat(40_000 / (run + 6));
        check(std::slice::from_ref(&widest), &row, joined_bound(511, 1).div_ceil(run as u64 + 6));
    }
}

#[test]
fn limits_are_reported_when_they_are_reached() {
    let gap = Gap { min: 0, max: Some(10_000_000) };
    let parts = vec![literal(b"ab"), literal(b"xyz")];
    let far = signature(Pattern { parts, gaps: vec![gap], lead: 0, trail: 0 });
    let bytes = compiled(&[far]);
    let matcher = Matcher::open(&bytes).unwrap();
    let (_, state) = scan(&matcher, &b"ab".repeat(100_000), [], &LayerFacts::default());
    assert!(state.overflowed());
    let (_, state) = scan(&matcher, &b"ab".repeat(10_000), [], &LayerFacts::default());
    assert!(!state.overflowed());
}
