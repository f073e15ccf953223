//! Counts, each as clamscan 1.4.6 has it (asked with `0&1`, `0&(1=n)` over a trigger that is there).

use super::super::{Outcome, RegexFlags, check};
use super::count;

const TEXT: &[u8] = b"abcabcabcXfoo1foo2foo3\nline2 END\n";

/// Regex, flags, offset and shift, how many matches.
type Row = (&'static str, &'static str, Option<(u64, u64)>, u32);

#[test]
fn every_flag_and_every_form_of_offset_counts_as_clamscan_does() {
    let rows: [Row; 51] = [
        ("foo[0-9]", "", None, 1),
        ("foo[0-9]", "g", None, 3),
        ("foo1", "", Some((10, 0)), 1),
        ("foo1", "", Some((9, 0)), 0),
        ("foo1", "r", Some((9, 0)), 1),
        ("foo1", "r", Some((11, 0)), 0),
        ("foo1", "", Some((5, 5)), 1),
        ("foo1", "", Some((5, 4)), 0),
        ("foo1", "r", Some((5, 4)), 0),
        ("foo1", "e", Some((5, 9)), 1),
        ("foo1", "e", Some((5, 8)), 0),
        ("foo1", "e", Some((10, 4)), 1),
        ("foo1", "e", Some((10, 3)), 0),
        ("foo1", "e", Some((5, 300)), 1),
        ("foo1", "er", Some((5, 9)), 1),
        ("foo[0-9]", "eg", Some((5, 300)), 3),
        ("foo[0-9]", "eg", Some((10, 8)), 2),
        ("foo[0-9]", "g", Some((10, 0)), 3),
        ("foo[0-9]", "g", Some((10, 4)), 2),
        ("foo[0-9]", "gr", Some((14, 0)), 2),
        ("foo1", "A", None, 0),
        ("abc", "A", None, 1),
        ("foo1", "A", Some((10, 0)), 1),
        ("foo1", "A", Some((5, 5)), 0),
        ("foo1", "Ar", Some((5, 0)), 0),
        ("abc", "Ag", None, 3),
        ("foo[0-9]", "gAr", Some((10, 0)), 3),
        ("FOO1", "i", None, 1),
        ("FOO1", "", None, 0),
        ("END$", "", None, 1),
        ("END$", "E", None, 0),
        ("foo3$", "mE", None, 1),
        ("^line2", "m", None, 1),
        ("^line2", "", None, 0),
        ("foo3.line2", "s", None, 1),
        ("foo3.line2", "", None, 0),
        ("foo 1 # c", "x", None, 1),
        ("foo.*[0-9]", "gU", None, 3),
        ("foo.*[0-9]", "gs", None, 1),
        ("z*", "g", None, 1),
        ("foo1", "r", Some((1_000, 0)), 0),
        ("foo1", "", Some((u64::MAX, 0)), 0),
        ("(?<=X)foo1", "", Some((10, 0)), 0),
        ("(?<=X)foo1", "e", Some((10, 4)), 0),
        ("^foo1", "", Some((10, 0)), 1),
        ("foo1$", "e", Some((10, 4)), 1),
        ("\\Gabc", "", None, 1),
        ("foo 1 # c", "xA", Some((10, 0)), 1),
        ("[]$]|foo[$]|\\$|\\Q$\\E|[[:digit:]$]", "gE", None, 4),
        ("END\\s$", "E", None, 1),
        ("a|b|foo1", "A", Some((10, 0)), 1),
    ];
    for (regex, letters, window, wanted) in rows {
        let found = count(regex.as_bytes(), letters, window, TEXT);
        assert_eq!(found, Outcome::Count(wanted), "/{regex}/{letters} {window:?}");
    }
}

#[test]
fn a_regex_is_bytes() {
    let rows: [(&[u8], &[u8], u32); 6] = [
        (b"\xc3\xa9+x", b"\xc3\xa9\xa9\xa9x", 1),
        (b"[\x80-\xff]{3}", b"a\x80\x90\xffb", 1),
        (b"\\\xe4b", b"\xe4b", 1),
        (b"\\Q\xe4.\\E", b"\xe4.", 1),
        (b"a.c", b"a\xffc", 1),
        (b"\\x00\\xff", b"\x00\xff", 1),
    ];
    for (regex, bytes, wanted) in rows {
        assert_eq!(count(regex, "", None, bytes), Outcome::Count(wanted), "{regex:?}");
    }
}

#[test]
fn faults_have_a_place() {
    let rows: [(&[u8], &str, usize); 5] = [
        (b"foo1(", "", 5),
        (b"\xe4\xe4[a", "", 4),
        (b"ab(?<", "U", 5),
        (b"(*UTF)a", "", 0),
        (b"a(?m)b$", "E", 1),
    ];
    for (regex, letters, at) in rows {
        let flags = RegexFlags::parse(letters.as_bytes()).expect("flags");
        let fault = check(regex, flags).expect_err("a fault");
        assert_eq!(fault.at, at, "{regex:?}: {fault}");
        assert!(!fault.text.is_empty());
    }
    assert_eq!(RegexFlags::parse(b"gqi"), Err(1));
    let all = RegexFlags::parse(b"gismxAEUre").expect("all flags");
    assert_eq!(RegexFlags::from_bits(all.bits()), Some(all));
    assert_eq!(RegexFlags::from_bits(1 << 10), None);
}
