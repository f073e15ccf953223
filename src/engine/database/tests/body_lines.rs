//! Lines of `.ndb`: text in, canonical text or refusal out.

use crate::engine::database::{body_line, render};

use super::outcome;

/// The only place that touches the reader. `U` stands for the mark of unsigned sources.
#[track_caller]
fn check(line: &str, want: &str) {
    let found = outcome(body_line::parse(line.as_bytes(), 214), render::body);
    assert_eq!(found.replace(".UNOFFICIAL", ".U"), want, "{line}");
}

/// A pattern for any target at any offset.
#[track_caller]
fn pattern(text: &str, want: &str) {
    check(&format!("A:7:*:{text}"), &format!("A.U:7:*:{want}"));
}

/// A pattern that is refused; the column counts from the start of the pattern.
#[track_caller]
fn refused(text: &str, want: &str) {
    let found = outcome(body_line::parse(format!("A:7:*:{text}").as_bytes(), 214), render::body);
    let (column, rule) = found
        .strip_prefix("column ")
        .and_then(|rest| rest.split_once(": "))
        .unwrap_or_else(|| panic!("{text} was read as {found}"));
    let column: usize = column.parse().expect("a number");
    assert_eq!(format!("{}: {rule}", column - 6), want, "{text}");
}

#[test]
fn bytes_nibbles_and_wildcards() {
    pattern("616263", "616263");
    pattern("AbCdEf", "abcdef");
    pattern("??6162??", "??6162??");
    pattern("6?6162?a", "6?6162?a");
    refused("", "1: an empty pattern");
    refused("61626", "6: found the end, allowed: a second hex digit or '?'");
    refused("?6162", "6: found the end, allowed: a second hex digit or '?'");
    refused("6162zz", "5: found 'z', allowed: a hex digit, '?', '*', '{', '(', '!' or '['");
    refused("6162 6364", "5: found ' ', allowed: a hex digit, '?', '*', '{', '(', '!' or '['");
    refused("6162|63", "5: found '|', allowed: a hex digit, '?', '*', '{', '(', '!' or '['");
    refused("6162}63", "5: found '}', allowed: a hex digit, '?', '*', '{', '(', '!' or '['");
}

#[test]
fn every_part_has_two_fixed_bytes_side_by_side() {
    let rule = "a part without two fixed bytes side by side";
    pattern("61??6364", "61??6364");
    refused("61??63", &format!("1: {rule}"));
    refused("6?63", &format!("1: {rule}"));
    refused("6162*63*6465", &format!("6: {rule}"));
    refused("61(62|63)64", &format!("1: {rule}"));
    refused("(6162|6364)", &format!("1: {rule}"));
    refused("????", &format!("1: {rule}"));
    refused("(B)", &format!("1: {rule}"));
    refused("61[3-5]62", &format!("1: {rule}"));
    check("A:7:*:6162", "A.U:7:*:6162");
    check("A:0:*:6162??", "A.U:0:*:6162??");
    check("A:0:*:(B)6162", "A.U:0:*:(B)6162");
    check("A:0:*:6162", "column 11: a pattern of fixed bytes in target 0 needs three of them");
}

#[test]
fn gaps_between_parts() {
    pattern("6162*6364", "6162*6364");
    pattern("6162{-5}6364", "6162{-5}6364");
    pattern("6162{5-}6364", "6162{5-}6364");
    pattern("6162{5-7}6364", "6162{5-7}6364");
    pattern("6162{128}6364", "6162{128-128}6364");
    pattern("6162{4294967295}6364", "6162{4294967295-4294967295}6364");
    refused("6162{4294967296}6364", "5: a number larger than 4294967295");
    refused("6162{5-3}6364", "5: a gap {n-m} needs n <= m");
    refused("6162{a}6364", "6: found 'a', allowed: digits of a gap, '-'");
    refused("6162{5-a}6364", "8: found 'a', allowed: digits of a gap, '-'");
    refused("6162{5-7-9}6364", "9: found '-', allowed: digits of a gap, '-'");
    refused("6162{5", "7: found the end, allowed: '}' at the end of a gap");
}

#[test]
fn a_maximum_of_zero_is_no_maximum() {
    for gap in ["{0}", "{-0}", "{0-0}", "{0-}", "{}", "{-}"] {
        pattern(&format!("6162{gap}6364"), "6162*6364");
    }
}

#[test]
fn short_exact_gaps_are_wildcards_up_to_the_first_other_brace() {
    pattern("6162{3}6364", "6162??????6364");
    pattern("{1}6162{1}", "??6162??");
    pattern("6162{1}*6364", "6162??*6364");
    pattern("6162*63{1}6465", "6162*63??6465");
    pattern("6162{1}{2}6364", "6162??????6364");
    pattern("6162{-5}6364{5}6566", "6162{-5}6364{5-5}6566");
    pattern("6162{1}(B)6364", "6162??(B)6364");
    refused("6162{-5}63{5}6465", "9: a part without two fixed bytes side by side");
}

#[test]
fn gaps_at_the_ends() {
    pattern("{500}616263", "{500}616263");
    pattern("616263{500}", "616263{500}");
    pattern("6162{-5}6364{5}", "6162{-5}6364{5}");
    let lonely = "a gap at the start, at the end or beside another gap";
    let only_exact = "a gap at an end of the pattern: only {n} is allowed";
    refused("*6162", &format!("1: {lonely}"));
    refused("6162*", "5: '*' at the end of a pattern");
    refused("6162**6364", &format!("6: {lonely}"));
    refused("6162{-5}{-6}6364", &format!("9: {lonely}"));
    refused("6162*{500}6364", &format!("6: {lonely}"));
    refused("{500}{500}6162", &format!("6: {lonely}"));
    refused("{500}*6162", &format!("6: {lonely}"));
    refused("{-5}6162", &format!("1: {only_exact}"));
    refused("{5-}6162", &format!("1: {only_exact}"));
    refused("{0}6162", &format!("1: {only_exact}"));
    refused("6162{5-7}", &format!("5: {only_exact}"));
    refused("6162{5-}", &format!("5: {only_exact}"));
}

#[test]
fn alternatives() {
    pattern("6162(63|64)", "6162(63|64)");
    pattern("(61|62)6364", "(61|62)6364");
    pattern("6162(63)", "6162(63)");
    pattern("6162(BB)", "6162(bb)");
    pattern("6162(63|6465)", "6162(63|6465)");
    pattern("6162(6?|?4|??|6364)", "6162(6?|?4|??|6364)");
    pattern("6162(63|64(65|66)67)", "6162(63|64(65|66)67)");
    pattern("6162((61|62)|(63|64))", "6162((61|62)|(63|64))");
    pattern("6162(63{2}64|65)", "6162(63????64|65)");
    pattern("6162(63|)6465", "6162(63)6465");
    pattern("6162(63||64)", "6162(63|64)");
    refused("6162(|63)", "6: an empty first alternative");
    refused("6162()", "6: an empty first alternative");
    refused("6162(63|64", "11: found the end, allowed: a hex digit, '?', '(', '{', '|' or ')'");
    refused("6162(63|64))", "12: found ')', allowed: a hex digit, '?', '*', '{', '(', '!' or '['");
    refused("6162(636|64)", "9: found '|', allowed: a second hex digit or '?'");
    refused("6162(63*64|65)", "8: '*' inside an alternative");
    let gap = "a gap inside an alternative: only {n} with n from 1 to 127, and not after another \
               kind of gap, is allowed";
    refused("6162(63{200}64|65)", &format!("8: {gap}"));
    refused("6162(63{-2}64|65)", &format!("8: {gap}"));
    refused("6162{-5}6364(63{2}64|65)", &format!("16: {gap}"));
    refused("6162((B)|63)", "8: found ')', allowed: a second hex digit or '?'");
    refused(
        "6162(63|64[3-5]65)",
        "11: found '[', allowed: a hex digit, '?', '*', '{', '(', '!' or '['",
    );
}

#[test]
fn negated_alternatives() {
    pattern("6162!(63|64)", "6162!(63|64)");
    pattern("6162!(6364|6566)", "6162!(6364|6566)");
    pattern("!(61|62)6162", "!(61|62)6162");
    let rule = "a negated alternative: fixed bytes of one length are allowed";
    refused("6162!(63|6566)", &format!("7: {rule}"));
    refused("6162!(6?|64)", &format!("7: {rule}"));
    refused("6162!(63|(64|65))", &format!("7: {rule}"));
    refused("6162(63|!(64|65))", "9: a negation inside an alternative");
    refused("!6162", "2: found '6', allowed: '(' after '!'");
    refused("6162!!(63|64)", "6: found '!', allowed: '(' after '!'");
}

#[test]
fn alternatives_nest_sixteen_deep() {
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!("6162{open}61|62{close}")
    };
    pattern(&nested(16), &nested(16));
    refused(&nested(17), "22: alternatives inside each other more than 16 deep");
}

#[test]
fn boundaries() {
    pattern("(B)6162(B)", "(B)6162(B)");
    pattern("!(L)6162!(L)", "!(L)6162!(L)");
    pattern("!(W)6162(W)6364", "!(W)6162(W)6364");
    pattern("(B)(L)6162", "(B)(L)6162");
    pattern("6162(B)*(B)6364", "6162(B)*(B)6364");
    refused("6162(b)", "7: found ')', allowed: a second hex digit or '?'");
    refused("6162(X)", "6: found 'X', allowed: a hex digit, '?', '*', '{', '(', '!' or '['");
}

#[test]
fn distances() {
    pattern("61[3-5]6263", "61[3-5]6263");
    pattern("61[3]6263", "61[3]6263");
    pattern("6162[0-32]63", "6162[0-32]63");
    pattern("61[3-5]6263[3-5]64", "61[3-5]6263[3-5]64");
    pattern("6?[3-5]6263*61[1]6263", "6?[3-5]6263*61[1]6263");
    let place = "a distance [x-y] is allowed after the first or before the last byte of a part, \
                 once on each side";
    refused("6261[3-5]6263", &format!("1: {place}"));
    refused("[3-5]6263", &format!("1: {place}"));
    refused("6263[3-5]", &format!("1: {place}"));
    refused("61[3-5]6263[3-5]64[3-5]65", &format!("1: {place}"));
    refused("(B)61[3-5]6263", &format!("1: {place}"));
    refused("6162[3-5]63(B)", &format!("1: {place}"));
    let numbers = "a distance [x-y] needs x <= y <= 32";
    refused("61[5-3]6263", &format!("3: {numbers}"));
    refused("61[1-33]6263", &format!("3: {numbers}"));
    refused("61[300]6263", &format!("3: {numbers}"));
    refused("61[5-]6263", "3: a distance [x] or [x-y] needs both numbers");
    refused("61[]6263", "3: a distance [x] or [x-y] needs both numbers");
    refused("61[a-b]6263", "4: found 'a', allowed: digits of a distance, '-'");
    refused("61[3", "5: found the end, allowed: ']' at the end of a distance");
    check("A:7:*:61[3-5](B)6263", "A.U:7:*:61[2-4](20|2d|2e|2f|3c|40|5f)6263");
    check("A:7:*:61[3](L)6263", "A.U:7:*:61[2](0a)6263");
    check("A:7:*:6263!(B)[1-2]61", "A.U:7:*:6263!(0a|0d|20|22|27|2d|2f|3d|3e|5f)[0-1]61");
    for text in ["61[0-5](B)6263", "61[3-5]!(W)6263", "6263(L)[3-5]61"] {
        check(&format!("A:7:*:{text}"), "not yet: a boundary beside a distance");
    }
}

#[test]
fn a_pattern_stays_bounded_when_short_gaps_become_wildcards() {
    let blown_up = format!("6162{}", "{127}".repeat(600));
    let at = 4 + 5 * (65_534 / 127 + 1) + 1;
    refused(&blown_up, &format!("{at}: a pattern of more than 65536 bytes and wildcards"));
    let inside = format!("6162(61{}|62)", "{127}".repeat(600));
    refused(&inside, "2593: a pattern of more than 65536 bytes and wildcards");
}

#[test]
fn offsets() {
    for (offset, want) in [
        ("*", "*"),
        ("0", "0"),
        ("5,10", "5,10"),
        ("5,", "5"),
        ("", "0"),
        (",5", "0,5"),
        ("EOF-5", "EOF-5"),
        ("EOF-5,5", "EOF-5,5"),
        ("EOF-", "EOF-0"),
        ("EP+5", "EP+5"),
        ("EP-5", "EP-5"),
        ("EP+", "EP+0"),
        ("S0+5", "S0+5"),
        ("S99999999+5", "S65535+5"),
        ("SL+5,7", "SL+5,7"),
        ("SE1", "SE1"),
        ("SE", "SE0"),
        ("VI", "VI"),
        ("VI,5", "VI,5"),
    ] {
        check(&format!("A:1:{offset}:616263"), &format!("A.U:1:{want}:616263"));
    }
    check("A:0:$31$:616263", "not yet: offset $n$: a macro group that cannot be used");
}

#[test]
fn offsets_that_are_refused() {
    let base = "'*', digits, EOF-n, EP+n, EP-n, Sx+n, SL+n, SEx, VI or $n$";
    check("A:0:foo:616263", &format!("column 5: found 'f', allowed: {base}"));
    check("A:0:-5:616263", &format!("column 5: found '-', allowed: {base}"));
    check("A:0:*,5:616263", &format!("column 5: found '*', allowed: {base}"));
    check("A:1:EP:616263", &format!("column 5: found 'E', allowed: {base}"));
    check("A:0:EOF-a:616263", "column 9: found 'a', allowed: digits after EOF-");
    check("A:0:5,6,7:616263", "column 8: found ',', allowed: digits of a shift");
    check("A:0:5,4294967296:616263", "column 7: a number larger than 4294967295");
    check(
        "A:1:EP+99999999999999999999:616263",
        "column 8: a number larger than 9223372036854775807",
    );
}

#[test]
fn offsets_of_executables_and_macros_that_are_refused() {
    let section = "the number of a section, '+' and digits";
    check("A:1:S0:616263", &format!("column 7: found the end, allowed: {section}"));
    check("A:1:S+5:616263", &format!("column 6: found '+', allowed: {section}"));
    check("A:1:S0-5:616263", &format!("column 7: found '-', allowed: {section}"));
    check("A:1:SE1+5:616263", "column 8: found '+', allowed: the number of a section");
    let rule = "an offset of executables in a target that is none: 1, 6 and 9 are allowed";
    for offset in ["EP+5", "S1+5", "SL+5", "SE1", "VI"] {
        check(&format!("A:0:{offset}:616263"), &format!("column 5: {rule}"));
    }
    check("A:0:$32$:616263", "column 6: a number larger than 31");
    check("A:0:$:616263", "column 6: found the end, allowed: the number of a macro group");
    check("A:0:$a$:616263", "column 6: found 'a', allowed: the number of a macro group and '$'");
    let long = "1".repeat(65);
    check(&format!("A:0:{long}:616263"), "column 5: an offset of more than 64 characters");
}

#[test]
fn targets() {
    check("A:*:*:616263", "A.U:0:*:616263");
    check("A::*:616263", "A.U:0:*:616263");
    check("A:01:*:616263", "A.U:1:*:616263");
    check("A:14:*:616263", "A.U:14:*:616263");
    check("A:8:*:616263", "not yet: target 8 is not used");
    check("A:13:*:616263", "not yet: target 13: descriptions of files are not matched");
    check("A:15:*:616263", "not yet: a target of a later version");
    check("A:4294967296:foo:zz", "not yet: a target of a later version");
    check("A:-1:*:616263", "column 3: found '-', allowed: the number of a target or '*'");
    check("A:1a:*:616263", "column 4: found 'a', allowed: the number of a target or '*'");
}

#[test]
fn levels_skip_before_anything_else_is_looked_at() {
    check("A:0:*:616263:214", "A.U:0:*:616263");
    check("A:0:*:616263:70:214", "A.U:0:*:616263");
    check("A:0:*:616263:", "A.U:0:*:616263");
    check("A:0:*:616263::300", "A.U:0:*:616263");
    check("A:0:*:616263:215", "another level");
    check("A:0:*:616263:70:213", "another level");
    check("A:0:*:616263:70:", "another level");
    check("A:0:*:zz:300:a", "another level");
    check("A:0:*:616263:7a", "column 15: found 'a', allowed: digits");
    check("A:0:*:616263:70:a", "column 17: found 'a', allowed: digits");
}

#[test]
fn fields_and_names() {
    check("A:0:*", "column 6: 3 fields, 4 to 6 are allowed");
    check("A:0:*:616263:1:2:3", "column 19: 7 fields, 4 to 6 are allowed");
    check(":0:*:616263", "column 1: an empty name");
    check("A B:0:*:616263", "A B.U:0:*:616263");
    check("A\u{e9}\t:0:*:616263", "A\\xc3\\xa9\\t.U:0:*:616263");
    let long = "A".repeat(1025);
    check(&format!("{long}:0:*:616263"), "column 1: a name of more than 1024 bytes");
}
