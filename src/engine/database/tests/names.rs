//! Names: what is taken in comes out, whatever it looks like; a damaged table is refused or harmless.

use proptest::prelude::*;

use crate::engine::database::names::{NameTable, Names};

fn section(names: &[&str]) -> (Vec<u8>, Vec<u32>) {
    let mut table = Names::new();
    let ids = names.iter().map(|name| table.intern(name).expect("room").0).collect();
    (table.into_section(), ids)
}

#[track_caller]
fn comes_back(names: &[&str]) {
    let (section, ids) = section(names);
    let table = NameTable::open(&section).expect("just written");
    assert_eq!((0..table.pieces()).try_for_each(|piece| table.check_piece(piece)), Some(()));
    for (name, id) in names.iter().zip(ids) {
        assert_eq!(table.get(id as usize).as_deref(), Some(*name));
    }
    assert_eq!(table.get(table.count() as usize), None);
}

#[test]
fn numbers_of_every_kind_come_back() {
    comes_back(&[
        "Win.Trojan.Agent-1234567-0.UNOFFICIAL",
        "Win.Trojan.Agent-0012-7",
        "0",
        "00",
        "000000000",
        "a0000000000b",
        "a000000000000000000000000000012b",
        "4294967295",
        "99999999999999999999x",
        "no number",
        "",
        "7",
        "Größe-44-Übung-555",
        "x\u{661}\u{662}",
        "1a22b333c333d22",
    ]);
}

#[test]
fn a_family_is_kept_once() {
    let names: Vec<String> =
        (0..10_000).map(|number| format!("Win.Malware.Family-{number}-0.UNOFFICIAL")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    comes_back(&names);
    let (section, _) = section(&names);
    assert!(section.len() < 10_000 * 7 + 100, "{} bytes", section.len());
}

#[test]
fn a_name_that_comes_again_at_once_has_the_same_place() {
    let (_, ids) = section(&["A-1", "A-1", "B", "A-1", "B"]);
    assert_eq!(ids, [0, 0, 1, 0, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_names_come_back(names in prop::collection::vec("[a-c0-2é.-]{0,24}", 0..40)) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        comes_back(&names);
    }

    #[test]
    fn a_changed_table_is_refused_or_harmless(at in any::<prop::sample::Index>(), byte: u8) {
        let (mut section, _) = section(&["Family-0012-x", "é-7", "none"]);
        let at = at.index(section.len());
        section[at] = byte;
        let Some(table) = NameTable::open(&section) else { return Ok(()) };
        if (0..table.pieces()).all(|piece| table.check_piece(piece).is_some()) {
            for index in 0..table.count() as usize {
                prop_assert!(table.get(index).is_some());
            }
        }
    }
}
