//! What cannot be looked at is said, and only when it would have mattered.

use super::{engine, scan};
use crate::engine::limits::Limits;
use crate::engine::verdict::{Limit, Verdict, Why};

const RULE: &[u8] = b"rule r { strings: $a = \"planted string\" condition: #a > 1 }";

fn verdict(rules: &[u8], limits: Limits, bytes: &[u8]) -> Verdict {
    scan(&engine(&[("t.yar", rules)], limits), bytes, 4_096).0
}

#[test]
fn a_layer_too_large_matters_when_a_rule_would_run() {
    let limits = Limits { deferred_bytes_max: 10_000, ..Limits::default() };
    let mut bytes = vec![b'.'; 20_000];
    assert_eq!(verdict(RULE, limits, &bytes), Verdict::Clean);
    bytes.extend_from_slice(b"planted string");
    let limit = |limit| Verdict::Unscanned(Why::Limit(limit));
    assert_eq!(verdict(RULE, limits, &bytes), limit(Limit::MaxDeferredSize));
    let always = b"rule r { strings: $a = /[0-9]+x/ condition: $a and filesize < 15KB }";
    assert_eq!(verdict(always, limits, &bytes), Verdict::Clean, "too large for the rule");
    assert_eq!(verdict(always, limits, &bytes[..12_000]), limit(Limit::MaxDeferredSize));
    let memory = Limits { deferred_memory_max: 10_000, ..Limits::default() };
    assert_eq!(verdict(RULE, memory, &bytes), limit(Limit::DeferredMemory));
}

#[test]
fn strings_without_end_are_told() {
    let rule = b"rule r { strings: $a = \"abc\" condition: #a > 100000 }";
    let bytes = b"abc ".repeat(6_000);
    let told = Verdict::Unscanned(Why::Limit(Limit::MatchLimit));
    assert_eq!(verdict(rule, Limits::default(), &bytes), told);
    assert_eq!(verdict(rule, Limits::default(), &bytes[..4_000]), Verdict::Clean);
}

#[test]
fn work_that_does_not_come_back_is_told() {
    let engine = engine(&[("t.yar", RULE)], Limits::default());
    let bytes = b"planted string ".repeat(1_000);
    let mut scan = engine.start(crate::engine::Object::default());
    assert_eq!(scan.feed(&bytes).consumed, bytes.len());
    while !scan.end() {
        if let Some(work) = scan.deferred() {
            assert_eq!(work.bytes(), 2 * 15_000, "raw and normal text");
            assert!(scan.deferred().is_none());
            scan.lose(Why::Failed);
        }
    }
    assert_eq!(scan.finish(), Verdict::Unscanned(Why::Failed));
    let mut scan = engine.start(crate::engine::Object::default());
    let _fed = scan.feed(&bytes);
    let _ended = scan.end();
    let taken = scan.deferred();
    assert!(taken.is_some());
    assert_eq!(scan.finish(), Verdict::Unscanned(Why::Failed));
}

#[test]
fn time_that_is_over_drops_the_work() {
    let engine = engine(&[("t.yar", RULE)], Limits::default());
    let bytes = b"planted string ".repeat(1_000);
    let mut scan = engine.start(crate::engine::Object::default());
    let _fed = scan.feed(&bytes);
    let _ended = scan.end();
    scan.expire();
    assert!(scan.deferred().is_none());
    assert_eq!(scan.finish(), Verdict::Unscanned(Why::Time));
}

#[test]
fn a_damaged_section_is_an_error() {
    use super::super::rules::Rules;
    let mut collection = super::super::collection::Collection::default();
    let _fates = collection.add_file("t.yar", RULE, &|_, _| false);
    let compiled = collection.compile();
    assert_eq!(compiled.atoms.len(), 1);
    assert!(Rules::open(&compiled.section).is_ok());
    // Every cut, and every byte of the rows changed: an error or another set, never a panic.
    let head = 200.min(compiled.section.len());
    for at in 0..compiled.section.len() {
        assert!(Rules::open(&compiled.section[..at]).is_err(), "cut at {at}");
    }
    for at in 0..head {
        let mut section = compiled.section.clone();
        section[at] ^= 0x81;
        let _opened = Rules::open(&section);
    }
}
