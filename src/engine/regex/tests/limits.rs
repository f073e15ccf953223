//! A regex that would take for ever is told, not silently clean.

use super::super::{Outcome, RegexFlags, Shelf};
use super::count;

#[test]
fn a_limit_is_told() {
    let mut bytes = vec![b'a'; 60];
    bytes.push(b'!');
    assert_eq!(count(b"(a+)+(?=b)|(a+)+(?=c)", "", None, &bytes), Outcome::LimitReached);
    assert_eq!(count(b"(a+)+(?=b)|(a+)+(?=c)", "A", None, &bytes), Outcome::LimitReached);
}

#[test]
fn more_steps_than_the_first_search_may_take_are_found_place_by_place() {
    // Some thousand steps at each place: too many for the first search, few for the full limit.
    let mut bytes = vec![b'x'; 300];
    bytes.extend_from_slice(&[b'a'; 12]);
    bytes.push(b'!');
    bytes.extend_from_slice(&[b'y'; 300]);
    bytes.extend_from_slice(b"aab");
    assert_eq!(count(b"(a+)+(?=b)", "", None, &bytes), Outcome::Count(1));
    assert_eq!(count(b"(a+)+(?=c)", "", None, &bytes), Outcome::Count(0));
}

#[test]
fn the_sum_of_all_places_is_limited() {
    let mut bytes = Vec::new();
    for _ in 0..8_000 {
        bytes.extend_from_slice(b"aaaaaaaaaaa!");
    }
    assert_eq!(count(b"(a+)+(?=[bc])", "", None, &bytes), Outcome::LimitReached);
}

#[test]
fn a_number_without_a_row_matches_nothing() {
    let shelf = Shelf::new([(&b"a"[..], RegexFlags::NONE)]);
    assert_eq!((shelf.len(), shelf.is_empty()), (1, false));
    assert_eq!(shelf.count(1, b"a", None), Outcome::Count(0));
    assert_eq!(shelf.count(0, b"a", None), Outcome::Count(1));
}

#[test]
fn equal_regexes_with_equal_flags_are_one_row_with_several_numbers() {
    let (none, global) = (RegexFlags::NONE, RegexFlags::GLOBAL);
    let shelf = Shelf::new([(&b"a"[..], none), (b"b", none), (b"a", global), (b"a", none)]);
    assert_eq!(
        [0, 1, 2, 3, 4].map(|id| shelf.row_of(id)),
        [0, 1, 2, 0, 9].map(|row| (row < 9).then_some(row))
    );
    assert_eq!(
        [0, 1, 2, 3].map(|id| shelf.count(id, b"aab", None)),
        [1, 1, 2, 1].map(Outcome::Count)
    );
}
