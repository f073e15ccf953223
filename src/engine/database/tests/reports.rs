//! Whole files: which loader, what is counted, what is set aside.

use std::fmt::Write as _;

use crate::engine::database::report::BAD_LINES_KEPT;
use crate::engine::database::{BuildOptions, Report, Sources, builtin, builtin_sources, format};

/// Adds files in order and prints what became of them, in words.
#[track_caller]
fn check(files: &[(&str, &str)], want: &[&str]) {
    let mut sources = Sources::new(BuildOptions::default());
    for (name, text) in files {
        sources.add_file(name, text.as_bytes());
    }
    assert_eq!(story(sources.report()), want);
}

fn story(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &report.files {
        let totals = &file.totals;
        let mut line = format!("{}:", file.name);
        if let Some(reason) = file.not_read {
            write!(line, " {reason};").expect("a string");
        }
        for (what, count) in [
            ("lines", totals.lines),
            ("comments", totals.comments),
            ("loaded", totals.loaded),
            ("ignored", totals.ignored),
            ("by level", totals.by_level),
            ("off", totals.switched_off),
            ("bad", totals.bad),
        ] {
            if count > 0 {
                write!(line, " {what} {count}").expect("a string");
            }
        }
        for (reason, count) in &totals.unsupported {
            write!(line, " [{reason} {count}]").expect("a string");
        }
        lines.push(line);
        lines.extend(file.bad.iter().map(|bad| format!("  {bad}")));
        if file.not_read.is_none() {
            let sum = totals.comments
                + totals.loaded
                + totals.ignored
                + totals.by_level
                + totals.unsupported_count()
                + totals.bad;
            assert_eq!(sum, totals.lines, "{}", file.name);
        }
    }
    lines
}

#[test]
fn a_bad_line_costs_one_line() {
    check(
        &[(
            "dir/t.ndb",
            "# comment\r\nA:0:*:616263\r\n\nB:0:*:61zz\n A:0:*:616264\n # x\nC:0:*:616265",
        )],
        &[
            "t.ndb: lines 7 comments 1 loaded 3 bad 3",
            "  line 3, column 1: a blank line, a signature or a comment is allowed",
            "  line 4, column 9: found 'z', allowed: a hex digit, '?', '*', '{', '(', '!' or '['",
            "  line 6, column 5: 1 fields, 4 to 6 are allowed",
        ],
    );
}

#[test]
fn ends_of_files_and_lines() {
    check(&[("t.ndb", "")], &["t.ndb:"]);
    check(&[("t.ndb", "# placeholder\n")], &["t.ndb: lines 1 comments 1"]);
    check(&[("t.ndb", "A:0:*:616263\r\r\n")], &["t.ndb: lines 1 loaded 1"]);
    check(&[("t.ndb", "\u{feff}A:0:*:616263")], &["t.ndb: lines 1 loaded 1"]);
    let (hex, long) = ("61".repeat(9_000), "61".repeat(1 << 19));
    check(&[("t.ndb", &format!("A:0:*:{hex}\n"))], &["t.ndb: lines 1 loaded 1"]);
    check(
        &[("t.ndb", &format!("A:0:*:{long}\nB:0:*:616263\n"))],
        &[
            "t.ndb: lines 2 loaded 1 bad 1",
            "  line 1, column 1: a line of 1048582 bytes, 1048576 are allowed",
        ],
    );
}

#[test]
fn only_so_many_bad_lines_are_kept() {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("t.ndb", "x\n".repeat(1_000).as_bytes());
    let file = &sources.report().files[0];
    assert_eq!((file.totals.bad, file.bad.len()), (1_000, BAD_LINES_KEPT));
}

#[test]
fn levels_and_what_is_not_supported_yet_are_counted() {
    check(
        &[("t.ndb", "A:0:*:616263:300\nB:1:VI:616263\nC:0:$1$:616263\nD:15:*:zz\nE:8:*:616263\n")],
        &[
            "t.ndb: lines 5 loaded 2 by level 1 [target 8 is not used 1] [a target of a later version 1]",
        ],
    );
}

#[test]
fn other_formats_are_recognised_and_counted() {
    check(
        &[
            ("main.ldb", "#c\nA;Target:0;0;6162\nB;Target:0;0/x/;6162\n\n"),
            ("x.ldu", "#c\nA;Target:0;0;6162\n"),
            ("main.cvd", "ClamAV-VDB:16 Sep 2021:62:6647427:90:x:y:z:1"),
            ("broken.cld", "no header"),
            ("rules.YARA", "private rule a { }\nrule b {\n condition: rule }\n// rule c\n"),
            ("x.cbc", "a\nb\n"),
            ("notes.txt", "x"),
            ("noextension", "x"),
            ("x.ndu", "# c\nA:0:*:616263\n"),
        ],
        &[
            "main.ldb: lines 4 comments 1 loaded 1 bad 2",
            "  line 3, column 13: found '/', allowed: '&', '|', ')' or the end",
            "  line 4, column 1: a blank line, a signature or a comment is allowed",
            "x.ldu: not read: detection of potentially unwanted applications is off; off 1",
            "main.cvd: not read: the container is refused; [containers that were refused 6647427]",
            "broken.cld: not read: the container is refused; [containers that were refused 1]",
            "rules.YARA: lines 2 bad 2",
            "  line 1, column 18: syntax error",
            "  line 3, column 13: unknown identifier \"rule\"",
            "x.cbc: not read: the format is not supported yet; [bytecode 1]",
            "notes.txt: not read: the extension is not that of a signature file;",
            "noextension: not read: the extension is not that of a signature file;",
            "x.ndu: not read: detection of potentially unwanted applications is off; off 1",
        ],
    );
}

#[test]
fn potentially_unwanted_is_read_on_request() {
    let mut sources =
        Sources::new(BuildOptions { potentially_unwanted: true, ..BuildOptions::default() });
    sources.add_file("x.ndu", b"PUA.A:0:*:616263\n");
    sources.add_file("x.hsu", b"44d88612fea8a8f36de82e1278abb02f:68:PUA.B\n");
    sources.add_file("x.hdu", b"44d88612fea8a8f36de82e1278abb02f:69:PUA.B\n");
    assert_eq!(sources.report().totals().loaded, 3);
}

#[test]
fn ignore_lists() {
    // MD5 of the text "B:0:*:616263".
    let list = "# c\nA\nB:4d5fad7f2cdb3fbc7a4b6d113327244f\nold.ndb:9:C\nD.UNOFFICIAL\n\nE:44\n";
    let text = "A:0:*:616263\nA.{1}:0:*:616263\nB:0:*:616263\nB:0:*:616264\nC:0:*:616263\n\
                D:0:*:616263\nF:0:*:616263\n";
    check(
        &[("x.ign2", list), ("t.ndb", text), ("t.fp", "44d88612fea8a8f36de82e1278abb02f:68:A\n")],
        &[
            "x.ign2: lines 7 comments 1 loaded 4 bad 2",
            "  line 6, column 1: a blank line, a signature or a comment is allowed",
            "  line 7, column 3: another number of hex digits than the digest has",
            "t.ndb: lines 7 loaded 2 ignored 5",
            "t.fp: lines 1 ignored 1",
        ],
    );
}

#[test]
fn an_ignore_list_that_comes_too_late_is_reported() {
    check(
        &[("t.ndb", "A:0:*:616263\n"), ("x.ign2", "A\n"), ("y.ign", "A\n")],
        &[
            "t.ndb: lines 1 loaded 1",
            "x.ign2: not read: an ignore list has to come before signatures;",
            "y.ign: not read: an ignore list has to come before signatures;",
        ],
    );
}

#[test]
fn files_of_a_directory_have_an_order() {
    let mut names = ["main.ndb", "z.ign2", "daily.ndb", "a.hdb", "daily.ign", "README"];
    names.sort_by_key(|name| format::loading_order(name));
    assert_eq!(names, ["daily.ign", "z.ign2", "daily.ndb", "README", "a.hdb", "main.ndb"]);
}

#[test]
fn the_embedded_database_knows_the_test_file() {
    let sources = builtin_sources(BuildOptions::default());
    assert_eq!(
        story(sources.report()),
        ["builtin.hdb: lines 1 loaded 1", "builtin.ndb: lines 1 loaded 1"]
    );
    let digest: String = {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(builtin::eicar());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let published = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";
    assert_eq!(digest, published);
}
