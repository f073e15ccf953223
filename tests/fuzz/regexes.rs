//! Regexes under fuzz: automata and PCRE2 share a count, and whatever is asked of them has to agree.

use baleen::engine::regex::{Outcome, RegexFlags, Shelf, Window, check};

use crate::harness::Target;

pub(crate) const TARGET: Target =
    Target { name: "regexes", corpus: regexes, words: WORDS, run: count };

const WORDS: &[&[u8]] = &[
    b"(?i)",
    b"(?s-m:",
    b"(?=",
    b"(?!",
    b"(?<=",
    b"(?>",
    b"(?P<n>",
    b"(?P=n)",
    b"\\1",
    b"\\Q",
    b"\\E",
    b"[^]",
    b"[[:^alpha:]]",
    b"\\x{41}",
    b"\\R",
    b"\\b",
    b"{2,}",
    b"{0,3}?",
    b"*+",
    b"$",
    b"^",
    b"|",
    b")",
];

/// Flags, a slash, the regex, a zero byte, the bytes.
fn regexes() -> Vec<Vec<u8>> {
    vec![
        b"g/foo[0-9]+|b(a|r)*?\0foo12 bar foo3\n".to_vec(),
        b"gi/(?<n>[a-z]{2,4})\\s+\\k<n>\0ab AB abc abc".to_vec(),
        b"msg/^.*?\\x3cscript(?!.*x)$\0a\n<script\n".to_vec(),
        b"xU/a # b\n [^\\W_]{3,}\0axyz".to_vec(),
        b"E/(?:a|(?i:b))++\\Q.*\\E[]\\d-]$\0aB.*-".to_vec(),
    ]
}

fn count(input: &[u8]) {
    let Some((letters, rest)) = split(input, b'/') else { return };
    let Some((pattern, bytes)) = split(rest, 0) else { return };
    let Ok(flags) = RegexFlags::parse(letters) else { return };
    // A mutation soon has nested repetitions, whose limits are what takes time.
    if pattern.len() > 200 || bytes.len() > 400 || check(pattern, flags).is_err() {
        return;
    }
    let shelf = Shelf::new([(pattern, flags), (pattern, flags.with(RegexFlags::GLOBAL))]);
    for window in [None, Some(Window { from: 2, to: 2 }), Some(Window { from: 1, to: 9 })] {
        let (one, all) = (shelf.count(0, bytes, window), shelf.count(1, bytes, window));
        assert_eq!(one, shelf.count(0, bytes, window), "it was asked before");
        if let (Outcome::Count(one), Outcome::Count(all)) = (one, all) {
            assert_eq!(one.min(1), all.min(1), "to count all of them finds as many or none");
            assert!(flags.has(RegexFlags::GLOBAL) || one <= 1, "one at most");
        }
    }
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let length = memchr::memchr(at, bytes)?;
    Some((&bytes[..length], &bytes[length + 1..]))
}
