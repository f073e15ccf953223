//! Each construct as a table of subsignatures and bytes. The answers are those of clamscan 1.4.6.

use super::kit::{engine, found, scan, which};
use crate::engine::verdict::{Limit, Verdict, Why};

fn wide(text: &str) -> Vec<u8> {
    text.bytes().flat_map(|byte| [byte, 0]).collect()
}

#[test]
fn modifiers() {
    let subs = [
        "61626364::w",
        "61626364::f",
        "61626364::wf",
        "61626364::aw",
        "61626364::awf",
        "(B)61626364::w",
        "(W)61626364(W)::w",
        "61626364::i",
        "6162{2}6364::w",
        "6162{-2}6364::w",
        "6?626364::iw",
    ];
    let of = |places: &[usize]| places.iter().map(|place| subs[*place]).collect::<Vec<_>>();
    let all = [0, 2, 3, 4, 6, 9, 10];
    let inside = [0, 3, 9, 10];
    let check = |before: &[u8], text: &[u8], after: &[u8], places: &[usize]| {
        let bytes = [before, text, after].concat();
        assert_eq!(which(&subs, &bytes), of(places), "{:?}", bytes.escape_ascii().to_string());
    };
    let text = wide("abcd");
    for before in [&b""[..], b"\0\0", b"A\x01", b"\x01A", b" \0", b"A", b"\0A"] {
        check(before, &text, b"\0\0\0\0", &all);
    }
    check(b" ", &text, b"\0\0\0\0", &[0, 2, 3, 4, 5, 6, 9, 10]);
    for before in [b"A\0", b"9\0"] {
        check(before, &text, b"\0\0\0\0", &inside);
    }
    for after in [&b""[..], b"\0", b"A\x01", b" \0", b"\0A", b" A"] {
        check(b"", &text, after, &all);
    }
    for after in [&b"A"[..], b"A\0"] {
        check(b"", &text, after, &inside);
    }
    check(b"", b"abcd", b"\0\0", &[1, 3, 4, 7]);
    check(b" ", b"abcd", b" \0\0", &[1, 3, 4, 7]);
    check(b"x", b"abcd", b"\0\0", &[3, 7]);
    check(b"", b"abcd", b"x\0\0", &[3, 7]);
    check(b"", b"aBCd", b"\0\0", &[7]);
    check(b"", &[&wide("ab")[..], b"xx", &wide("cd")].concat(), b"\0\0", &[8, 9]);
    check(b"", &[wide("ab"), wide("xx"), wide("cd")].concat(), b"\0\0", &[]);
    check(b"", &wide("fbcd"), b"\0\0", &[10]);
    check(b"", &wide("ABCD"), b"\0\0", &[]);
}

#[test]
fn case_is_ignored_in_alternatives_and_only_of_letters() {
    let subs = ["61(62|63)6464::i", "5b5b5b::i", "6162!(63|64)65::i", "61624?::i"];
    assert_eq!(which(&subs, b"ACDd"), ["61(62|63)6464::i"]);
    assert_eq!(which(&subs, b"[[["), ["5b5b5b::i"]);
    assert_eq!(which(&subs, b"{{{"), [""; 0]);
    assert_eq!(which(&subs, b"ABCE"), ["61624?::i"]);
    assert_eq!(which(&subs, b"abXe"), ["6162!(63|64)65::i"]);
    assert_eq!(which(&subs, b"abce"), [""; 0]);
}

#[test]
fn offsets_in_front_of_a_subsignature() {
    let subs = ["12:61626364", "13:61626364", "EOF-4:61626364", "12,2:61626364::i", "*:61626364"];
    assert_eq!(which(&subs, b"abcd"), [subs[0], subs[2], subs[3], subs[4]]);
    assert_eq!(which(&subs, b".abcd."), [subs[1], subs[3], subs[4]]);
}

#[test]
fn counts_sums_and_negations() {
    let line = |place: usize, expression: &str| {
        format!("S{place};Target:0;({expression})|3;61616161;62626262;63636363;7e7e7e7e7e\n")
    };
    let expressions = [
        "(0|1|2)>2",
        "(0|1)=2",
        "(0&1)>2",
        "(0&1)=0",
        "(0|1|2)>2,2",
        "0=2",
        "0>1",
        "0<2",
        "1=0",
        "2=0",
    ];
    let ldb: String = (0..).zip(expressions).map(|(place, text)| line(place, text)).collect();
    let check = |bytes: &[u8], wanted: &[&str]| {
        let found = found(&ldb, bytes);
        let is_found = |(place, _): &(usize, &&str)| found.contains(&format!("S{place}"));
        let names: Vec<&str> =
            expressions.iter().enumerate().filter(is_found).map(|(_, one)| *one).collect();
        assert_eq!(names, wanted, "{}", bytes.escape_ascii());
    };
    let (a, b) = ("(0|1|2)>2", "(0&1)=0");
    check(b"aaaa.aaaa.bbbb", &[a, "(0&1)>2", "(0|1|2)>2,2", "0=2", "0>1", "2=0"]);
    check(b"aaaa.aaaa.aaaa", &[a, b, "0>1", "1=0", "2=0"]);
    check(b"aaaa.aaaa", &["(0|1)=2", b, "0=2", "0>1", "1=0", "2=0"]);
    check(b"", &[b, "0<2", "1=0", "2=0"]);
    // Overlapping matches count.
    check(b"aaaaa", &["(0|1)=2", b, "0=2", "0>1", "1=0", "2=0"]);
}

#[test]
fn sizes_count_with_both_ends() {
    let ldb = "A;Engine:51-255,Target:0,FileSize:20-20;0;61616161\n\
               B;Engine:51-255,Target:0,FileSize:20-;0;61616161\n\
               C;Engine:51-255,Target:0,FileSize:-20;0;61616161\n\
               D;Engine:51-255,Target:0,FileSize:21-30;0;61616161\n\
               E;Engine:51-255,Target:0,FileSize:1-2,FileSize:20-20;0;61616161\n";
    assert_eq!(found(ldb, b"aaaa1234"), ["A", "C", "E"]);
    assert_eq!(found(ldb, b"aaaa12345"), ["D"]);
}

#[test]
fn layers_around() {
    use std::io::Write as _;
    let gzip = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).expect("memory takes everything");
        gzip.finish().expect("memory takes everything")
    };
    let names = [
        "Container:CL_TYPE_GZ",
        "Container:CL_TYPE_ANY",
        "Container:CL_TYPE_ZIP",
        "Intermediates:CL_TYPE_GZ",
        "Intermediates:CL_TYPE_ANY",
        "Intermediates:CL_TYPE_ANY>CL_TYPE_GZ",
        "Intermediates:CL_TYPE_GZ>CL_TYPE_ANY",
    ];
    let line = |(name, place): (&&str, usize)| {
        format!("S{place};Engine:51-255,Target:0,{name};0;61616161\n")
    };
    let ldb: String = names.iter().zip(0_usize..).map(line).collect();
    let engine = engine(&ldb, "");
    let object = [&[0; 12][..], b"aaaa and more of that"].concat();
    let (once, twice) = (gzip(&object), gzip(&gzip(&object)));
    let check = |codings: &[u8], bytes: &[u8], wanted: &[usize]| {
        let (_, found) = scan(&engine, codings, bytes);
        let names: Vec<String> =
            found.iter().map(|one| one.split('@').next().unwrap_or_default().to_owned()).collect();
        let wanted: Vec<String> = wanted.iter().map(|place| format!("S{place}")).collect();
        assert_eq!(names, wanted);
    };
    check(b"", &object, &[1]);
    check(b"", &once, &[0, 3, 4]);
    check(b"", &twice, &[0, 3, 4, 5, 6]);
    // A content coding is a way to send an object, and no container.
    check(b"gzip", &once, &[1]);
}

#[test]
fn normal_text_is_a_form_of_its_own() {
    let ldb = "A;Target:7;0&1;68656c6c6f20776f726c64;62796520776f726c64\n\
               B;Target:0;0&1;68656c6c6f20776f726c64;42594520\n\
               C;Target:0;0&1;48454c4c4f2020;42594520\n";
    let text = b"HELLO   WORLD and then BYE  WORLD, all of it in plain letters\n";
    // B asks for one half of the text as it is and one of its normal form: no form has both.
    assert_eq!(scan(&engine(ldb, ""), b"", text).1, ["C", "A@text"]);
}

#[test]
fn macros_follow_the_subsignature_before() {
    let ldb = "A;Engine:51-255,Target:0;0&1;61616161;${6-7}3$\n\
               B;Engine:51-255,Target:0;0&1>1;61616161;${0-100}3$\n";
    let ndb = "M:0:$3$:6d6d6d6d\nN:0:$3$:6e6e6e6e\nO:0:$4$:61616161\n";
    let engine = engine(ldb, ndb);
    let check = |bytes: &[u8], wanted: &[&str]| {
        let object = [&[0; 12][..], bytes].concat();
        assert_eq!(scan(&engine, b"", &object).1, wanted, "{}", bytes.escape_ascii());
    };
    check(b"aaaa..mmmm", &["A"]);
    check(b"aaaa...nnnn", &["A"]);
    check(b"aaaa.mmmm", &[]);
    check(b"aaaa....mmmm", &[]);
    check(b"mmmm..aaaa", &[]);
    check(b"aaaa.....mmmm.nnnn", &["B"]);
}

/// More matches than are counted, and what depends on the rest is undecided.
#[test]
fn a_comparison_beside_too_many_matches_is_not_clean() {
    let ldb = "A;Engine:51-255,Target:0;0&1;61626364;0(>>4#ib1#=0x5a)\n";
    let object = [&[0; 12][..], &b"abcd.".repeat(66_000)].concat();
    let (verdict, found) = scan(&engine(ldb, ""), b"", &object);
    assert_eq!(found, [""; 0]);
    assert_eq!(verdict, Verdict::Unscanned(Why::Limit(Limit::MaxScanState)));
    let few = [&[0; 12][..], &b"abcd.".repeat(60_000)].concat();
    assert_eq!(scan(&engine(ldb, ""), b"", &few).0, Verdict::Clean);
}

/// Thousands of signatures share a part: the match of it wakes none of them.
#[test]
fn a_shared_part_wakes_nobody() {
    let line = |number: usize| {
        format!("S{number};Target:0;0&1&2;4d535642564d;{number:08x}aabbccdd;56423521f01f\n")
    };
    let ldb: String = (0..500).map(line).collect();
    let engine = engine(&ldb, "");
    let logical = engine.image_of_tests().logical().expect("there are signatures").facts();
    assert_eq!((logical.signatures_count, logical.parts_count), (500, 502));
    assert_eq!((logical.wakes_max, logical.always_count), (1, 0));
    let object = [&[0; 12][..], b"MSVBVM VB5!\xf0\x1f \0\0\0\x2a\xaa\xbb\xcc\xdd"].concat();
    assert_eq!(scan(&engine, b"", &object).1, ["S42"]);
}

/// What is certain stops a download before its end.
#[test]
fn a_certain_signature_is_found_before_the_end() {
    use crate::engine::{ContentCodings, Object};
    let ldb = "A;Target:0;0&1;61616161;62626262\nB;Target:0;0&1=0;61616161;7e7e7e7e\n";
    let decided_at = |ldb: &str| {
        let engine = engine(ldb, "");
        let object = [&[0; 12][..], b"aaaa", &vec![1; 40_000], b"bbbb", &vec![1; 200_000]].concat();
        let codings = ContentCodings::default();
        let mut scan = engine.start(Object { codings, ..Object::default() });
        let mut done = 0;
        while done < object.len() {
            let fed = scan.feed(&object[done..(done + 4_096).min(object.len())]);
            if fed.decided {
                return done;
            }
            done += fed.consumed;
        }
        done
    };
    assert!((40_000..70_000).contains(&decided_at(ldb)), "at the next settling");
    let (_, negation) = ldb.split_once('\n').expect("two lines");
    assert_eq!(decided_at(negation), 240_020, "only the end decides");
}
