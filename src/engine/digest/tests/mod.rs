//! Tests of digests: known answers, tables against a naive list, gates, damaged sections.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and its inputs are its own"
)]

use proptest::prelude::*;

use super::{Computed, Entry, Kind, Kinds, Rows, Running, Tables, TablesFault};
use crate::engine::database::Alone;
use crate::engine::database::signature::{Digest, NameId, Purpose, Subject};

fn hex(digest: &Digest) -> String {
    let bytes: &[u8] = match digest {
        Digest::Md5(bytes) => bytes,
        Digest::Sha1(bytes) => bytes,
        Digest::Sha256(bytes) => bytes,
    };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn computed(wanted: Kinds, pieces: &[&[u8]]) -> Computed {
    let mut running = Running::new(wanted);
    for piece in pieces {
        running.update(piece);
    }
    running.finish()
}

#[test]
fn digests_of_abc_are_the_published_ones() {
    let all = computed(Kinds::ALL, &[b"a", b"", b"bc"]);
    let found: Vec<String> = all.iter().map(hex).collect();
    assert_eq!(
        found,
        [
            "900150983cd24fb0d6963f7d28e17f72",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ]
    );
}

#[test]
fn only_what_is_wanted_is_computed() {
    let one = computed(Kinds::NONE.with(Kind::Sha1), &[b"abc"]);
    assert_eq!((one.get(Kind::Md5), one.get(Kind::Sha256)), (None, None));
    assert_eq!(one.iter().count(), 1);
    assert_eq!(computed(Kinds::NONE, &[b"abc"]).iter().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn digests_do_not_depend_on_the_pieces(
        bytes in prop::collection::vec(any::<u8>(), 0..40_000),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for place in places {
            pieces.push(&bytes[from..place]);
            from = place;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(computed(Kinds::ALL, &pieces), computed(Kinds::ALL, &[&bytes]));
    }

    /// The tables against a list that is searched from its start.
    #[test]
    fn lookups_agree_with_a_plain_list(
        rows in prop::collection::vec((0_u8..3, 0_u16..40, prop::option::of(1_u32..6)), 0..300),
        asked in prop::collection::vec((0_u8..3, 0_u16..44, 0_u64..8), 0..100),
    ) {
        let mut table = Rows::default();
        for (index, (kind, seed, size)) in (0_u32..).zip(&rows) {
            table.add(Purpose::Detect, &digest(*kind, *seed), *size, NameId(index));
        }
        let section = table.compile(&Alone);
        let tables = Tables::open(&section).expect("a section that was just written");
        prop_assert_eq!(tables.check(300), Ok(()));
        for (kind, seed, size) in asked {
            let fits = |row: &(u8, u16, Option<u32>)| {
                row.0 == kind && row.1 == seed && row.2.is_none_or(|want| u64::from(want) == size)
            };
            let digest = digest(kind, seed);
            let want = (0_u32..).zip(&rows).find(|(_, row)| fits(row)).map(|(index, row)| Entry {
                name: NameId(index),
                kind: Kind::from(&digest),
                size: row.2,
            });
            prop_assert_eq!(tables.lookup(Purpose::Detect, &digest, size), want);
            prop_assert_eq!(tables.lookup(Purpose::Trust, &digest, size), None);
            if want.is_some() {
                prop_assert!(tables.needs(Some(size)).detect.contains(Kind::from(&digest)));
            }
        }
    }
}

/// Twelve descriptors.
const HEAD_BYTES: usize = 12 * 8 * 8;

/// A digest made of a small number, spread over the buckets.
fn digest(kind: u8, seed: u16) -> Digest {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&seed.wrapping_mul(40_503).to_be_bytes());
    bytes[31] = u8::try_from(seed).expect("seeds are small");
    match kind {
        0 => Digest::Md5(*bytes.first_chunk().expect("16 of 32")),
        1 => Digest::Sha1(*bytes.first_chunk().expect("20 of 32")),
        _ => Digest::Sha256(bytes),
    }
}

fn section() -> Vec<u8> {
    let mut rows = Rows::default();
    rows.add(Purpose::Detect, &Digest::Md5([1; 16]), Some(68), NameId(0));
    rows.add(Purpose::Detect, &Digest::Sha1([2; 20]), None, NameId(1));
    rows.add(Purpose::Trust, &Digest::Sha256([3; 32]), Some(70), NameId(2));
    rows.compile(&Alone)
}

#[test]
fn the_size_gate_keeps_detection_and_trust_apart() {
    let section = section();
    let tables = Tables::open(&section).expect("a section");
    let needs = |size: Option<u64>| {
        let needs = tables.needs(size);
        assert_eq!(needs.all(), needs.detect.union(needs.trust));
        (needs.detect, needs.trust)
    };
    let none = Kinds::NONE;
    let (md5, sha1, sha256) =
        (none.with(Kind::Md5), none.with(Kind::Sha1), none.with(Kind::Sha256));
    assert_eq!(needs(Some(68)), (md5.union(sha1), none));
    assert_eq!(needs(Some(70)), (sha1, sha256));
    assert_eq!(needs(Some(71)), (sha1, none));
    assert_eq!(needs(Some(68 + (1 << 32))), (sha1, none));
    assert_eq!(needs(None), (md5.union(sha1), sha256));
    assert!(Tables::opened(&[]).needs(None).all().is_empty());
}

#[test]
fn any_size_is_any_size() {
    let section = section();
    let tables = Tables::open(&section).expect("a section");
    let entry = tables.lookup(Purpose::Detect, &Digest::Sha1([2; 20]), u64::MAX);
    assert_eq!(entry.map(|entry| (entry.name, entry.size)), Some((NameId(1), None)));
    let beyond = tables.lookup(Purpose::Detect, &Digest::Md5([1; 16]), 68 + (1 << 32));
    assert_eq!(beyond, None, "sizes are not cut to 32 bits");
}

#[test]
fn a_section_says_what_is_wrong_with_it() {
    let good = section();
    let check = |section: &[u8], names: u32| -> Result<(), TablesFault> {
        Tables::open(section)?.check(names)
    };
    assert_eq!(check(&good, 3), Ok(()));
    assert_eq!(check(&good, 2), Err(TablesFault::Name(2)));
    let changed = |at: usize, byte: u8| {
        let mut section = good.clone();
        section[at] = byte;
        check(&section, 3)
    };
    assert_eq!(check(&good[..100], 3), Err(TablesFault::Short));
    assert_eq!(check(&good[..good.len() - 1], 3), Err(TablesFault::Short));
    // The first table: descriptor at 0, columns behind twelve descriptors: one digest, its name, its
    // size, one exact size, and at the next multiple of 64 its line.
    let digest = HEAD_BYTES;
    let (name, size, line) = (digest + 16, digest + 17, (digest + 22_usize).next_multiple_of(64));
    assert_eq!(changed(16, 0), Err(TablesFault::Lines), "a row, and no line");
    assert_eq!(changed(16, 200), Err(TablesFault::Short));
    assert_eq!(changed(48, 5), Err(TablesFault::Width(5)));
    assert_eq!(changed(56, 0), Err(TablesFault::Width(0)));
    assert_eq!(changed(line, 1), Err(TablesFault::Lines), "the row in front of it");
    assert_eq!(changed(line + 4, 0), Err(TablesFault::Lines), "a row without a mark");
    assert_eq!(changed(line + 4, 2), Err(TablesFault::Lines), "a mark without a row");
    assert_eq!(changed(line + 4, 255), Err(TablesFault::Lines), "one row is no crowd");
    assert_eq!(changed(line + 5, 0), Err(TablesFault::Lines), "another digest's mark");
    assert_eq!(changed(name, 9), Err(TablesFault::Name(9)));
    assert_eq!(changed(size, 2), Err(TablesFault::Sizes));
    assert_eq!(changed(size, 1), Err(TablesFault::Sizes), "any size, and none is counted");
    assert_eq!(changed(40, 1), Err(TablesFault::Sizes));
}

#[test]
fn digests_out_of_order_are_refused() {
    let mut rows = Rows::default();
    for first in 0..200_u8 {
        rows.add(Purpose::Detect, &Digest::Md5([first; 16]), Some(7), NameId(0));
    }
    let good = rows.compile(&Alone);
    let digests = HEAD_BYTES;
    let (order, lines) = (Err(TablesFault::Order), Err(TablesFault::Lines));
    for (row, place, byte, want) in
        [(0, 0, 200, order), (100, 15, 0, Ok(())), (199, 0, 0, order), (100, 1, 255, lines)]
    {
        let mut section = good.clone();
        section[digests + 16 * row + place] = byte;
        let tables = Tables::open(&section).expect("the columns are where they were");
        assert_eq!(tables.check(1), want, "{row} {place}");
    }
}

/// Tables are checked in pieces: what is wrong at the border of two is seen as well.
#[test]
fn damage_in_every_piece_of_a_table_is_refused() {
    let count = 150_000_u32;
    let mut rows = Rows::default();
    for index in 0..count {
        let digest = u128::from(index) * (u128::MAX / u128::from(count));
        rows.add(Purpose::Detect, &Digest::Md5(digest.to_be_bytes()), Some(7), NameId(index));
    }
    let mut section = rows.compile(&Alone);
    let outcome = |section: &[u8]| Tables::open(section).expect("columns in place").check(count);
    assert_eq!(outcome(&section), Ok(()));
    let digests = HEAD_BYTES;
    let names = digests + 150_000 * 16;
    // One exact size behind names and sizes.
    let lines = (names + 150_000 * (3 + 1) + 4_usize).next_multiple_of(64);
    for row in [1, 65_535, 65_536, 65_537, 131_071, 131_072, 149_999] {
        let at = digests + row * 16;
        section[at - 16..at + 16].rotate_left(16);
        assert_eq!(outcome(&section), Err(TablesFault::Order), "row {row}");
        section[at - 16..at + 16].rotate_left(16);
        let name = names + row * 3 + 2;
        section[name] ^= 0x80;
        assert!(matches!(outcome(&section), Err(TablesFault::Name(_))), "row {row}");
        section[name] ^= 0x80;
    }
    // One row more in the line before; one mark that is another's.
    for line in [1, 1_388, 1_389, 1_390, 2_777, 2_778, 4_166] {
        for place in [0, 5, 39] {
            let at = lines + line * 64 + place;
            section[at] ^= 1;
            assert_eq!(outcome(&section), Err(TablesFault::Lines), "line {line}, byte {place}");
            section[at] ^= 1;
        }
    }
    assert_eq!(outcome(&section), Ok(()));
}

#[test]
fn columns_are_as_wide_as_they_need_to_be() {
    for (count, width) in [(255_u32, 1), (300, 2), (70_000, 3)] {
        let mut rows = Rows::default();
        for index in 0..count {
            let digest = Digest::Md5(u128::from(index).wrapping_mul(u128::MAX / 977).to_be_bytes());
            rows.add(Purpose::Detect, &digest, Some(index + 1), NameId(count - 1 - index));
        }
        let section = rows.compile(&Alone);
        assert_eq!([section[48], section[56]], [width, width], "{count}");
        let tables = Tables::open(&section).expect("a section");
        assert_eq!(tables.check(count), Ok(()));
        for index in (0..count).step_by(97) {
            let digest = Digest::Md5(u128::from(index).wrapping_mul(u128::MAX / 977).to_be_bytes());
            let size = u64::from(index) + 1;
            let entry = tables.lookup(Purpose::Detect, &digest, size).map(|entry| entry.name);
            assert_eq!(entry, Some(NameId(count - 1 - index)));
        }
    }
}

#[test]
fn subjects_do_not_mix() {
    let mut rows = Rows::default();
    for (index, subject) in (0_u8..).zip(Subject::ALL) {
        rows.add(subject, &Digest::Md5([index; 16]), Some(100), NameId(index.into()));
    }
    assert_eq!(rows.total(), 4);
    let section = rows.compile(&Alone);
    let tables = Tables::open(&section).expect("a section");
    assert_eq!(tables.check(4), Ok(()));
    for (index, of) in (0_u8..).zip(Subject::ALL) {
        for asked in Subject::ALL {
            let found = tables.lookup(asked, &Digest::Md5([index; 16]), 100);
            assert_eq!(found.is_some(), asked == of, "{of:?} {asked:?}");
            assert_eq!(tables.kinds(asked, Some(100)), Kinds::NONE.with(Kind::Md5));
        }
    }
}

#[test]
fn digests_with_a_common_head_are_found() {
    let mut rows = Rows::default();
    for index in 0..5_000_u32 {
        let mut bytes = [7; 16];
        bytes[12..].copy_from_slice(&index.to_be_bytes());
        rows.add(Purpose::Detect, &Digest::Md5(bytes), None, NameId(index));
    }
    let section = rows.compile(&Alone);
    let tables = Tables::open(&section).expect("a section");
    assert_eq!(tables.check(5_000), Ok(()));
    let mut bytes = [7; 16];
    bytes[12..].copy_from_slice(&4_321_u32.to_be_bytes());
    let entry = tables.lookup(Purpose::Detect, &Digest::Md5(bytes), 1);
    assert_eq!(entry.map(|entry| entry.name), Some(NameId(4_321)));
}

/// A line has 59 marks: up to there, and beyond, every row is found and no stranger is.
#[test]
fn lines_may_be_full_and_crowded() {
    let common = |index: u32| {
        let mut bytes = [0x77; 16];
        bytes[12..].copy_from_slice(&index.to_be_bytes());
        Digest::Md5(bytes)
    };
    let spread =
        |index: u32| Digest::Md5(u128::from(index).wrapping_mul(u128::MAX / 401).to_be_bytes());
    for count in [57, 58, 59, 60, 61, 300] {
        let mut rows = Rows::default();
        (0..count).for_each(|at| rows.add(Purpose::Detect, &common(at), None, NameId(at)));
        (0..400).for_each(|at| rows.add(Purpose::Detect, &spread(at), None, NameId(count + at)));
        let section = rows.compile(&Alone);
        let tables = Tables::open(&section).expect("a section");
        assert_eq!(tables.check(count + 400), Ok(()), "{count}");
        let name = |digest: &Digest| tables.lookup(Purpose::Detect, digest, 9).map(|it| it.name);
        assert!((0..count).all(|at| name(&common(at)) == Some(NameId(at))), "{count}");
        assert!((0..400).all(|at| name(&spread(at)) == Some(NameId(count + at))), "{count}");
        assert_eq!((name(&common(count)), name(&spread(400))), (None, None), "{count}");
    }
}
