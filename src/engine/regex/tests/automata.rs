//! Which regexes automata take, what they say of the others, and where they give up.

use super::super::automaton::GaveUp;
use super::super::row::{Fast, Row};
use super::super::search::Search;
use super::super::shelf::Place;
use super::super::{Outcome, RegexFlags};
use super::count;

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Exact,
    Loose,
    Foreign,
}

fn kind(regex: &str, letters: &str) -> Kind {
    let flags = RegexFlags::parse(letters.as_bytes()).expect("flags of the test");
    super::super::check(regex.as_bytes(), flags).expect("a regex of the test");
    let fast = Fast::of(regex.as_bytes(), flags);
    match (fast.exact(), fast.loose()) {
        (Some(_), _) => Kind::Exact,
        (None, Some(_)) => Kind::Loose,
        (None, None) => Kind::Foreign,
    }
}

#[test]
fn what_an_automaton_can_say_it_says() {
    let rows: [(&str, &str); 22] = [
        ("a(b|c)*d", "g"),
        ("a{3}b{2,}c{1,4}?", "g"),
        ("(?i:a)b(?-i)c", "i"),
        ("^a$", "E"),
        ("^a$", "m"),
        ("(?m)^a", ""),
        ("\\Aa\\bb\\Bc\\z", ""),
        ("a+?", "gU"),
        ("a # b\n c", "x"),
        ("\\Qa+\\E+", ""),
        ("[]a-]|[^]a]|[[:^alpha:]\\d\\2-\\5]", "i"),
        ("\\x00\\x{ff}\\07\\e\\.", ""),
        ("(?<n>a)(?P<m>b)(?'o'c)", ""),
        ("(?|a|b)", ""),
        ("a{4-7}{}{a}", ""),
        ("\\h\\H\\v\\V\\N\\s\\S", ""),
        ("(a*)*", ""),
        ("(a|b*){2}", ""),
        ("\\xff[\\x80-\\xff]", "i"),
        ("(?s).(?#c)a", ""),
        ("^", ""),
        ("[a-f0-9]{37}\\.exe", ""),
    ];
    for (regex, letters) in rows {
        assert_eq!(kind(regex, letters), Kind::Exact, "/{regex}/{letters}");
    }
}

#[test]
fn what_it_cannot_say_it_does_not() {
    let loose: [(&str, &str); 20] = [
        ("(a)\\1", ""),
        ("(?<n>a)\\k<n>\\k'n'\\k{n}(?P=n)\\g{1}", ""),
        ("a(?=b)", ""),
        ("a(?!b)", ""),
        ("(?<=a)b", ""),
        ("(?<!a)b", ""),
        ("(?>a+)b", ""),
        ("a++b", ""),
        ("a*+b", ""),
        ("a$", ""),
        ("a\\Z", ""),
        ("\\R", ""),
        // Behind the last end of line there is no `^`.
        ("a\n^", "m"),
        ("^", "m"),
        ("(^|b)*", "m"),
        // Where the match ends is another question than whether there is one.
        ("(a*)*", "g"),
        ("(a|b*){2,}", "g"),
        ("(|a)+", "g"),
        // Too large for an automaton.
        (".{65535}a", "s"),
        ("(a{200}){200}", ""),
    ];
    for (regex, letters) in loose {
        assert_eq!(kind(regex, letters), Kind::Loose, "/{regex}/{letters}");
    }
    let foreign: [(&str, &str); 14] = [
        ("\\Ga", ""),
        ("a\\Kb", ""),
        ("\\Xa", ""),
        ("(a)(?1)", ""),
        ("(?R)?a", ""),
        ("(a)(?(1)b|c)", ""),
        ("a(*ACCEPT)b", ""),
        ("(*CRLF)a.", ""),
        ("a(?C1)b", ""),
        ("(?^i:a)", "i"),
        ("(?xx:[a b])", ""),
        ("\\cA", ""),
        ("\\o{101}", ""),
        ("[\\Qa\\E]", ""),
    ];
    for (regex, letters) in foreign {
        assert_eq!(kind(regex, letters), Kind::Foreign, "/{regex}/{letters}");
    }
}

#[test]
fn a_reference_is_at_most_what_its_group_can_match() {
    // Places where the group would have to come again are none, so PCRE2 is not asked.
    let bytes = [b"#x".repeat(5_000), b"yyy".to_vec()].concat();
    let row = |regex: &str| Row::new(regex.as_bytes().into(), RegexFlags::NONE);
    for regex in ["#([^y#])\\1{2}", "#(?<n>x)\\k{n}", "#(x)(?=#)(?i)\\1", "#((?:x|z\\b)+)(?P>n)?"] {
        let row = row(regex);
        let Some(automaton) = row.fast().loose() else { continue };
        assert_eq!(automaton.pass(&bytes).end(0, false, true), Ok(None), "{regex}");
    }
    assert_eq!(count(b"(?i)(y)\\1(?-i)\\1", "", None, b"xYyY"), Outcome::Count(1));
    assert_eq!(count(b"(y)(?i)\\1", "", None, b"xyY"), Outcome::Count(1));
    assert_eq!(count(b"(\\by)\\1", "", None, b" yy"), Outcome::Count(1));
    assert_eq!(count(b"(?|(y)|(z))\\1", "", None, b" zz"), Outcome::Count(1));
    assert_eq!(count(b"(?:\\2z|(y)(x))+", "", None, b"yxxz"), Outcome::Count(1));
}

#[test]
fn states_made_in_vain_are_limited() {
    // Every way to choose among the last eighteen bytes is a state of its own.
    let mut seed = 1_u32;
    let mut bytes: Vec<u8> = (0..300_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 { b'a' } else { b'b' }
        })
        .collect();
    let row = Row::new(b"a[ab]{18}c".as_slice().into(), RegexFlags::NONE);
    let search = || {
        let place = Place::of(RegexFlags::NONE, &bytes, None).expect("the whole");
        Search::new(&row, place)
    };
    let automaton = row.fast().exact().expect("exact");
    assert_eq!(search().by_automaton(automaton), Err(GaveUp::States));
    assert_eq!(search().count(), Outcome::Count(0));
    bytes.push(b'c');
    let is_there = bytes.get(300_000 - 19) == Some(&b'a');
    assert_eq!(count(b"a[ab]{18}c", "", None, &bytes), Outcome::Count(is_there.into()));
}

#[test]
fn bytes_that_are_read_again_are_limited() {
    // Each search reads to the end for a byte that is not there, and finds one byte.
    let bytes = vec![b'a'; 200_000];
    let flags = RegexFlags::GLOBAL;
    let row = Row::new(b"a[^b]*b|a".as_slice().into(), flags);
    let search = || Search::new(&row, Place::of(flags, &bytes, None).expect("the whole"));
    let automaton = row.fast().exact().expect("exact");
    assert_eq!(search().by_automaton(automaton), Err(GaveUp::Bytes));
    assert_eq!(search().count(), Outcome::LimitReached);
    // PCRE2 would look from each place to the end and count no step for it.
    let bytes = [&bytes[..], b"b"].concat();
    assert_eq!(count(b"a[^b]*b(?=c)", "", None, &bytes), Outcome::LimitReached);
    // One that reads each byte once is counted to the end.
    assert_eq!(count(b"a", "g", None, &bytes), Outcome::Count(200_000));
}

#[test]
fn a_limit_of_pcre2_is_none_of_an_automaton() {
    let mut bytes = vec![b'a'; 5_000];
    assert_eq!(count(b"(a+)+b", "", None, &bytes), Outcome::Count(0));
    bytes.push(b'b');
    assert_eq!(count(b"(a+)+b", "", None, &bytes), Outcome::Count(1));
    assert_eq!(count(b"(a+)+b", "g", Some((2, 7)), &bytes), Outcome::Count(1));
    assert_eq!(count(b"(a+)+[bc]", "A", None, &bytes), Outcome::Count(1));
}
