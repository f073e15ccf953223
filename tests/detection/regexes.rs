//! Regular expressions of logical signatures, through whole scans: a trigger among the patterns lets the
//! expression be looked for in all bytes of the layer, once the layer has ended.

use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};
use baleen::engine::{Deferred, Object, Scan};

use crate::kit::{check_clean, check_infected, check_unscanned, coded, engine, feed, gzip, noise};

/// `token=` lets an expression be looked for that no pattern could say.
const LINES: &str =
    "Token;Engine:81-255,Target:0;0&1;746f6b656e3d;0/key-([0-9]{2,})-\\1[A-Z]+end/\n";
const NAME: &str = "Token.UNOFFICIAL";
const TRIGGER: &[u8] = b"token=";
const HIT: &[u8] = b"key-4711-4711ABCend";
/// What the expression nearly matches: the number does not come back.
const MISS: &[u8] = b"key-4711-4712ABCend";

/// An object of this size with words at these places.
fn object(size: usize, words: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = noise(size, 31);
    for (at, word) in words {
        bytes[*at..*at + word.len()].copy_from_slice(word);
    }
    bytes
}

/// Sizes whose work is done within a call, and beside one, each with a place for a word: there the
/// window of a decoder, a block of settling or a piece ends within it.
const SIZES: [(usize, usize); 4] =
    [(900, 400), (4_000, 1_020), (40_000, (16 << 10) - 7), (150_000, (64 << 10) - 3)];

#[test]
fn trigger_and_expression_are_a_detection() {
    let engine = engine(&[("a.ldb", LINES)], Limits::default());
    for (size, at) in SIZES {
        // The trigger may stand behind what it lets be looked for.
        for words in [[(100, TRIGGER), (at, HIT)], [(100, HIT), (at, TRIGGER)]] {
            let bytes = object(size, &words);
            check_infected(&engine, &Object::default(), &bytes, NAME, "");
            check_infected(&engine, &coded("gzip"), &gzip(&bytes), NAME, "gzip");
        }
    }
}

#[test]
fn one_without_the_other_is_none() {
    let engine = engine(&[("a.ldb", LINES)], Limits::default());
    for (size, at) in SIZES {
        for words in [&[(at, TRIGGER)][..], &[(at, HIT)], &[(100, TRIGGER), (at, MISS)]] {
            let bytes = object(size, words);
            check_clean(&engine, &Object::default(), &bytes);
            check_clean(&engine, &coded("gzip"), &gzip(&bytes));
        }
        // Not in the same layer: the trigger stands in the header of the stream, as a file name.
        let mut stored = gzip(&object(size, &[(at, HIT)]));
        stored[3] |= FILE_NAME;
        stored.splice(10..10, [TRIGGER, b"\0"].concat());
        check_clean(&engine, &Object::default(), &stored);
    }
}

#[test]
fn bytes_that_cannot_be_kept_are_unscanned_only_where_they_matter() {
    let limits = Limits { deferred_bytes_max: 30_000, ..Limits::default() };
    let engine = engine(&[("a.ldb", LINES)], limits);
    let why = Why::Limit(Limit::MaxDeferredSize);
    for word in [HIT, MISS] {
        let bytes = object(40_000, &[(100, TRIGGER), (20_000, word)]);
        check_unscanned(&engine, &Object::default(), &bytes, why);
        check_unscanned(&engine, &coded("gzip"), &gzip(&bytes), why);
    }
    check_clean(&engine, &Object::default(), &object(40_000, &[(20_000, HIT)]));
    check_infected(
        &engine,
        &Object::default(),
        &object(30_000, &[(100, TRIGGER), (20_000, HIT)]),
        NAME,
        "",
    );
}

/// Ends a scan as a server does: `elsewhere` gets the work that a call may not do.
fn ended(mut scan: Scan, elsewhere: impl Fn(&mut Scan, Deferred)) -> (Verdict, usize) {
    let mut pieces = 0;
    loop {
        let is_done = scan.end();
        match scan.deferred() {
            Some(work) => {
                pieces += 1;
                elsewhere(&mut scan, work);
            }
            None if is_done => return (scan.finish(), pieces),
            None => {}
        }
    }
}

#[test]
fn the_work_may_be_done_elsewhere_and_its_loss_is_no_verdict() {
    let engine = engine(&[("a.ldb", LINES)], Limits::default());
    let started = |bytes: &[u8]| {
        let mut scan = engine.start(coded("gzip"));
        assert!(!feed(&mut scan, &gzip(bytes)));
        scan
    };
    let run = |scan: &mut Scan, work: Deferred| scan.resume(work.run());
    let bytes = object(40_000, &[(100, TRIGGER), (20_000, HIT)]);
    let (verdict, pieces) = ended(started(&bytes), run);
    assert!(matches!(verdict, Verdict::Infected(found) if &*found.name == NAME));
    assert_eq!(pieces, 1);
    let (verdict, pieces) = ended(started(&bytes), |scan, _work| scan.lose(Why::Failed));
    assert_eq!((verdict, pieces), (Verdict::Unscanned(Why::Failed), 1));
    let without = object(40_000, &[(20_000, HIT)]);
    assert_eq!(ended(started(&without), run), (Verdict::Clean, 0));
}

/// RFC 1952 section 2.3.1: a name follows the header.
const FILE_NAME: u8 = 8;
