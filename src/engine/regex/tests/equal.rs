//! Automata against PCRE2 itself: whatever regex is made, both count alike and find the same places.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

use super::super::row::{Fast, Row};
use super::super::search::Search;
use super::super::shelf::Place;
use super::super::translate::{STEPS_MAX, compile};
use super::super::{Outcome, RegexFlags, Window, check};

/// Pieces that stand alone.
const PIECES: &[&str] = &[
    "a", "b", "A", "0", "_", " ", "-", "\n", ".", "^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z",
    "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\h", "\\H", "\\v", "\\V", "\\N", "\\R", "\\n",
    "\\r", "\\t", "\\x61", "\\x{41}", "\\xff", "\\xa0", "\\x85", "\\0", "\\060", "\\-", "\\.",
    "\\ ", "\\_", "\\Qa.\\E", "\\Q+b\\E", "{", "{a}", "}", "]", "#", "(?#b)", "a{4-7}", "\\\\1",
];

/// Members of classes; the last ones may have no byte behind them.
const MEMBERS: &[&str] = &[
    "a",
    "b",
    "B",
    "0",
    "_",
    " ",
    "\n",
    ".",
    "^",
    "$",
    "[",
    "{",
    "#",
    "\\]",
    "\\\\",
    "\\n",
    "\\b",
    "\\2",
    "\\060",
    "\\x61",
    "a-b",
    "A-b",
    "0-9",
    "\\x00-\\x60",
    "\\x80-\\xff",
    "\\t-\\r",
    "+--",
    "[:alpha:]",
    "[:^alpha:]",
    "[:upper:]",
    "[:^upper:]",
    "[:lower:]",
    "[:punct:]",
    "[:space:]",
    "[:^space:]",
    "[:print:]",
    "[:graph:]",
    "[:cntrl:]",
    "[:xdigit:]",
    "[:word:]",
    "[:ascii:]",
    "[:blank:]",
    "[:digit:]",
    "[:alnum:]",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\h",
    "\\H",
    "\\v",
    "\\V",
    "-",
];

const COUNTS: &[&str] = &[
    "", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,2}", "{0,3}?", "{2,}",
    "{0,}?", "++", "*+", "?+",
];

/// The bytes of subjects: few, so that they meet the pieces.
const BYTES: &[u8] = b"aaabbAB001_ -.\n\n\r\t\x0b+\xff\xa0\x85\0\x02\x08#{}]$";

fn class() -> impl Strategy<Value = String> {
    let members = prop::collection::vec(prop::sample::select(MEMBERS), 1..4);
    (any::<bool>(), any::<bool>(), members).prop_map(|(is_negated, has_bracket, members)| {
        let not = if is_negated { "^" } else { "" };
        let bracket = if has_bracket { "]" } else { "" };
        format!("[{not}{bracket}{}]", members.concat())
    })
}

fn regex() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![4 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => class()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let counted = (inner.clone(), prop::sample::select(COUNTS));
        let several = prop::collection::vec(inner.clone(), 1..4);
        let either = prop::collection::vec(inner.clone(), 2..4);
        let opening = prop::sample::select(
            &[
                "(", "(", "(?:", "(?i:", "(?s-i:", "(?m:", "(?x:", "(?U:", "(?<n>", "(?P<n>",
                "(?'n'", "(?|", "(?i)(", "(?-i)(", "(?=", "(?!", "(?<=", "(?<!", "(?>",
            ][..],
        );
        prop_oneof![
            4 => counted.prop_map(|(inner, count)| format!("{inner}{count}")),
            4 => several.prop_map(|pieces| pieces.concat()),
            2 => either.prop_map(|pieces| pieces.join("|")),
            4 => (opening, inner.clone()).prop_map(|(opening, inner)| format!("{opening}{inner})")),
            1 => (inner.clone(), inner).prop_map(|(first, last)| format!("({first}){last}\\1")),
            1 => Just("|".to_owned()),
        ]
    })
}

fn flags() -> impl Strategy<Value = RegexFlags> {
    let letters = prop::collection::vec(prop::sample::select(&b"ggismxAEUre"[..]), 0..4);
    letters.prop_map(|letters| RegexFlags::parse(&letters).expect("flags"))
}

fn window() -> impl Strategy<Value = Option<Window>> {
    let some =
        (0..12_u64, 0..12_u64).prop_map(|(from, shift)| Some(Window { from, to: from + shift }));
    prop_oneof![3 => Just(None), 1 => some]
}

fn subject() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(BYTES), 0..40)
}

/// All matches of PCRE2, the way they are counted.
fn places_of_pcre2(regex: &str, flags: RegexFlags, bytes: &[u8]) -> Option<Vec<(usize, usize)>> {
    let regex = compile(regex.as_bytes(), flags, STEPS_MAX).expect("checked");
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(found) = regex.find_at(bytes, at).ok()? {
        places.push((found.start(), found.end()));
        if found.end() <= found.start() {
            break;
        }
        at = found.end();
    }
    Some(places)
}

proptest! {
    #[test]
    fn counts_are_those_of_pcre2(
        regex in regex(),
        flags in flags(),
        window in window(),
        bytes in subject(),
    ) {
        if check(regex.as_bytes(), flags).is_err() {
            return Ok(());
        }
        let row = Row::new(regex.as_bytes().into(), flags);
        let Some(by_steps) = Place::of(flags, &bytes, window) else { return Ok(()) };
        let by_steps = Search::new(&row, by_steps).by_steps(None);
        if by_steps == Outcome::LimitReached {
            return Ok(());
        }
        let place = || Place::of(flags, &bytes, window).expect("as before");
        if let Some(automaton) = row.fast().exact() {
            let count = Search::new(&row, place()).by_automaton(automaton).expect("few bytes");
            prop_assert_eq!(Outcome::Count(count), by_steps, "exact");
        }
        prop_assert_eq!(Search::new(&row, place()).count(), by_steps, "as it is asked for");
    }

    #[test]
    fn places_are_those_of_pcre2(regex in regex(), flags in flags(), bytes in subject()) {
        let flags = flags.with(RegexFlags::GLOBAL);
        // PCRE2 has no switch for it: `counts_are_those_of_pcre2` anchors by hand.
        if check(regex.as_bytes(), flags).is_err() || flags.has(RegexFlags::ANCHORED) {
            return Ok(());
        }
        let fast = Fast::of(regex.as_bytes(), flags);
        let (Some(automaton), Some(wanted)) =
            (fast.exact(), places_of_pcre2(&regex, flags, &bytes))
        else {
            return Ok(());
        };
        let mut pass = automaton.pass(&bytes);
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(end) = pass.end(at, false, false).expect("few bytes") {
            let start = pass.start(at, end).expect("few bytes");
            found.push((start, end));
            if end <= start {
                break;
            }
            at = end;
        }
        prop_assert_eq!(found, wanted);
    }
}
