//! Byte comparisons: numbers from bytes as clamscan 1.4.6 reads them, and where they are read.

use super::kit::{found, which};

#[test]
fn numbers() {
    let check = |subs: &[&str], bytes: &[u8], wanted: &[&str]| {
        let lines = |(sub, place): (&&str, usize)| {
            format!("S{place};Engine:51-255,Target:0;0&1;61616161;{sub}\n")
        };
        let ldb: String = subs.iter().zip(0_usize..).map(lines).collect();
        let found = found(&ldb, bytes);
        let named = subs.iter().zip(0_usize..);
        let named: Vec<&str> = named
            .filter(|(_, place)| found.contains(&format!("S{place}")))
            .map(|(sub, _)| *sub)
            .collect();
        assert_eq!(named, wanted, "{}", bytes.escape_ascii());
    };
    let hex = [
        "0(>>4#hb4#=0x12)",
        "0(>>4#hb4#=0)",
        "0(>>4#hbe4#=0x12)",
        "0(>>4#hl4#=0x12)",
        "0(>>4#hl4#=0x1200)",
    ];
    check(&hex, b"aaaa0012zz", &[hex[0], hex[2], hex[4]]);
    check(&hex, b"aaaa  12zz", &[hex[0], hex[3]]);
    check(&hex, b"aaaa12  zz", &[hex[0], hex[3]]);
    check(&hex, b"aaaa12zzzz", &[hex[0], hex[3]]);
    check(&hex, b"aaaazzzzzz", &[hex[1]]);
    check(&hex, b"aaaa0x12zz", &[hex[0], hex[2], hex[3]]);
    check(&hex, b"aaaa1200zz", &[hex[3]]);
    check(&hex, b"aaaa\t\n12z", &[hex[0], hex[3]]);
    check(&hex, b"aaaa12", &[]);
    let ten =
        ["0(>>4#d4#=12)", "0(>>4#d4#=0)", "0(>>4#de4#=12)", "0(>>4#d4#>1000)", "0(>>4#d4#<0)"];
    check(&ten, b"aaaa0012zz", &[ten[0], ten[2]]);
    check(&ten, b"aaaa  12zz", &[ten[0]]);
    check(&ten, b"aaaa12zzzz", &[ten[0]]);
    check(&ten, b"aaaa0x12zz", &[ten[1]]);
    check(&ten, b"aaaa+12zzz", &[ten[0]]);
    check(&ten, b"aaaa-12zzz", &[ten[4]]);
    let auto = ["0(>>4#ab4#=12)", "0(>>4#ab4#=0x12)", "0(>>4#abe4#=12)", "0(>>4#a4#=12)"];
    check(&auto, b"aaaa0012zz", &[auto[0], auto[2]]);
    check(&auto, b"aaaa0x12zz", &[auto[1]]);
    let raw = [
        "0(>>4#ib4#=0x01020304)",
        "0(>>4#il4#=0x01020304)",
        "0(>>4#ib4#>0xfffffff0)",
        "0(>>4#i4#=0x01020304)",
        "0(>>4#ib8#<5)",
        "0(>>4#ib8#=-1)",
        "0(>>4#ib2#>1,<3)",
        "0(<<4#ib2#=0x4142)",
    ];
    check(&raw, b"aaaa\x01\x02\x03\x04zzzz", &[raw[0]]);
    check(&raw, b"aaaa\x04\x03\x02\x01zzzz", &[raw[1]]);
    check(&raw, b"aaaa\xff\xff\xff\xff\xff\xff\xff\xff", &[raw[2], raw[4], raw[5]]);
    check(&raw, b"ABCDaaaa\0\x02", &[raw[6], raw[7]]);
    check(&raw, b"aaaa\x01\x02\x03", &[]);
    // The last match counts.
    check(&raw, b"ABCDaaaa0000aaaa\0\x02", &[raw[6]]);
}

#[test]
fn a_comparison_counts_once_and_may_be_negated() {
    let line = |name: &str, expression: &str, value: &str| {
        format!("{name};Engine:51-255,Target:0;{expression};61616161;0(>>4#ib1#={value})\n")
    };
    let ldb = [
        line("A", "0&1=2", "0x5a"),
        line("B", "0&1=1", "0x5a"),
        line("C", "0&1=0", "0x5a"),
        line("D", "0&1=0", "0x5b"),
    ]
    .concat();
    assert_eq!(found(&ldb, b"aaaaZaaaaZ"), ["B", "D"]);
    // It may stand before what it speaks of.
    let before = "A;Engine:51-255,Target:0;0&1;1(>>4#ib1#=0x5a);61616161\n";
    assert_eq!(found(before, b"aaaaZ"), ["A"]);
}

/// clamscan is blind behind its window of 128 KiB, and for distances that cross it.
#[test]
fn far_from_the_start_and_far_from_the_match() {
    let line = |sub: &str| format!("A;Engine:51-255,Target:0;0&1;61616161;{sub}\n");
    let far = [&vec![1; 300_000][..], b"aaaaZ"].concat();
    assert_eq!(found(&line("0(>>4#ib1#=0x5a)"), &far), ["A"]);
    let ahead = [&b"aaaa"[..], &vec![1; 200_000], b"Z..."].concat();
    assert_eq!(found(&line("0(>>200004#ib1#=0x5a)"), &ahead), ["A"]);
    let back = [&vec![1; 70_000][..], b"Z", &vec![1; 60_000], b"aaaa"].concat();
    assert_eq!(found(&line("0(<<60001#ib1#=0x5a)"), &back), ["A"]);
    assert_eq!(found(&line("0(<<60000#ib1#=0x5a)"), &back), [""; 0]);
    // From the start of a match of several parts, and of `{2}` in front.
    let several = "A;Engine:51-255,Target:0;0&1;6161*6262;0(>>6#ib1#=0x5a)\n";
    assert_eq!(found(several, b"aaQQbbZ"), ["A"]);
    assert_eq!(which(&["{2}61616262"], b"QQaabb"), ["{2}61616262"]);
}
