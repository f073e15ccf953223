//! Trusted digests: what they drop and what they do not.

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Verdict;

use crate::kit::{check_clean, check_infected, coded, engine, feed, gzip, noise};

const LINES: &str = "Bad:0:*:6261642d6d61726b6572\n";

fn marked() -> Vec<u8> {
    let mut plain = noise(30_000, 4);
    plain[100..110].copy_from_slice(b"bad-marker");
    plain
}

fn trust(bytes: &[u8]) -> String {
    use md5::Digest as _;
    use std::fmt::Write as _;
    let mut line = String::new();
    for byte in md5::Md5::digest(bytes) {
        write!(line, "{byte:02x}").expect("to memory");
    }
    format!("{line}:{}:trusted\n", bytes.len())
}

#[test]
fn a_trusted_object_is_clean_and_its_neighbour_is_not() {
    let plain = marked();
    let engine = engine(&[("a.ndb", LINES), ("a.fp", &trust(&plain))], Limits::default());
    check_clean(&engine, &Object::default(), &plain);
    let mut other = plain;
    other[29_999] ^= 1;
    check_infected(&engine, &Object::default(), &other, "Bad.UNOFFICIAL", "");
}

#[test]
fn a_trusted_layer_drops_what_is_inside_it_and_nothing_else() {
    let plain = marked();
    let stored = gzip(&plain);
    // The inner object is trusted: clean behind any coding.
    let inner = engine(&[("a.ndb", LINES), ("a.fp", &trust(&plain))], Limits::default());
    check_clean(&inner, &Object::default(), &stored);
    check_clean(&inner, &coded("gzip"), &gzip(&stored));
    // The outer object is trusted: all it contains is.
    let outer = engine(&[("a.ndb", LINES), ("a.fp", &trust(&stored))], Limits::default());
    check_clean(&outer, &Object::default(), &stored);
    check_infected(&outer, &Object::default(), &plain, "Bad.UNOFFICIAL", "");
    // Trusting what is inside does not cover bytes of the layer around it.
    let lines = format!("{LINES}Around:0:0:1f8b08\n");
    let around = engine(&[("a.ndb", &lines), ("a.fp", &trust(&plain))], Limits::default());
    check_infected(&around, &Object::default(), &stored, "Around.UNOFFICIAL", "");
}

#[test]
fn a_detection_is_final_at_once_where_no_trusted_digest_can_fit() {
    let plain = marked();
    let line = trust(&plain);
    let with_trust = engine(&[("a.ndb", LINES), ("a.fp", &line)], Limits::default());
    let without = engine(&[("a.ndb", LINES)], Limits::default());
    let sized = |size: usize| Object { size: u64::try_from(size).ok(), ..Object::default() };
    let half = &plain[..20_000];
    assert!(feed(&mut without.start(Object::default()), half));
    assert!(feed(&mut with_trust.start(sized(plain.len() + 1)), half), "no trust of that size");
    let mut waiting = with_trust.start(sized(plain.len()));
    assert!(!feed(&mut waiting, half), "it may turn out to be trusted");
    assert!(feed(&mut waiting, &plain[20_000..]), "its last byte tells");
    assert_eq!(waiting.finish(), Verdict::Clean);
}
