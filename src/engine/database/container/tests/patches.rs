//! Changes: what a script may say, and that nothing half done stays.

use super::super::patch::{Files, Patch, PatchFault};
use super::super::script;
use super::signing::{KEY, gzip, list, trust};
use super::*;

fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|(name, text)| ((*name).into(), text.as_bytes().to_vec())).collect()
}

/// What a script makes of some files.
fn run(text: &str, before: &[(&str, &str)]) -> Result<Vec<(String, Option<String>)>, String> {
    let changed =
        script::run(text.as_bytes(), &files(before)).map_err(|fault| fault.to_string())?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ok(changed.into_iter().map(|(name, file)| (name.into(), file.map(text))).collect())
}

fn one(text: &str, before: &str) -> Result<String, String> {
    let changed = run(&format!("OPEN a.ndb\n{text}CLOSE\n"), &[("a.ndb", before)])?;
    Ok(changed.into_iter().find_map(|(_, file)| file).unwrap_or_default())
}

#[test]
fn edits_count_lines_as_they_were() {
    assert_eq!(
        one("DEL 1 a\nXCHG 3 c C with blanks\nADD d e\n", "a\nb\nc\n").as_deref(),
        Ok("b\nC with blanks\nd e\n")
    );
    assert_eq!(one("ADD b\n", "a").as_deref(), Ok("a\nb\n"), "a last line without an end");
    assert_eq!(one("XCHG 2 b x\n", "a\nb").as_deref(), Ok("a\nx\n"));
    assert_eq!(one("# a note\nADD \n", "").as_deref(), Ok("\n"));
    assert_eq!(
        run("OPEN new.ndb\nADD a\nCLOSE\n", &[]),
        Ok(vec![("new.ndb".into(), Some("a\n".into()))])
    );
}

#[test]
fn files_go_and_lines_move() {
    let before = [("a.ndb", "1\n2\n3\n4\n"), ("b.ndb", "x")];
    let moved = run("MOVE a.ndb b.ndb 2 2 3 3\nUNLINK a.ndb\n", &before).expect("a good script");
    assert_eq!(moved, [("a.ndb".into(), None), ("b.ndb".into(), Some("x\n2\n3\n".into()))]);
    assert_eq!(
        run("MOVE a.ndb b.ndb 2 9 3 3\n", &before),
        Err("line 1 of the script: the old line is another one".into())
    );
    assert!(run("MOVE a.ndb a.ndb 1 1 2 2\n", &before).is_err());
    assert!(run("MOVE a.ndb b.ndb 3 3 2 2\n", &before).is_err());
    assert!(run("MOVE a.ndb b.ndb 4 4 5 5\n", &before).is_err(), "a line that is not there");
}

#[test]
fn a_script_that_does_not_fit_names_its_line() {
    let fault = |text: &str| one(text, "a\nb\n").expect_err("a bad script");
    assert_eq!(fault("DEL 2 x\n"), "line 3 of the script: the old line is another one");
    assert_eq!(fault("DEL 3 x\n"), "line 3 of the script: the file has fewer lines");
    assert_eq!(
        fault("DEL 2 b\nDEL 1 a\n"),
        "line 3 of the script: the numbers of lines do not ascend"
    );
    assert_eq!(fault("DEL 0 a\n"), "line 2 of the script: the number of a line is expected");
    assert_eq!(fault("DEL 1\n"), "line 2 of the script: the start of the old line is missing");
    assert_eq!(fault("OPEN b\n"), "line 2 of the script: ADD, DEL, XCHG, CLOSE or # is expected");
    for (text, want) in [
        ("ADD a\n", "line 1 of the script: OPEN, MOVE, UNLINK or # is expected"),
        ("OPEN ../a\n", "line 1 of the script: the name of a file is expected"),
        ("OPEN .a\n", "line 1 of the script: the name of a file is expected"),
        ("UNLINK a\n", "line 1 of the script: there is no such file"),
        ("OPEN a\n", "line 0 of the script: a file is open at the end"),
    ] {
        assert_eq!(run(text, &[]), Err(want.to_owned()));
    }
}

/// A change, signed.
fn cdiff(version: u32, script: &[u8]) -> Vec<u8> {
    let mut bytes = format!("ClamAV-Diff:{version}:{}:", script.len()).into_bytes();
    bytes.extend(gzip(script));
    let signature = KEY.sign_list(&bytes);
    bytes.push(b':');
    bytes.extend(signature.bytes());
    bytes
}

/// A script that puts one line and the list for it in place of what was there.
fn step(version: u32, line: &str, listed: &[(&str, &[u8])], old_list: &[u8]) -> Vec<u8> {
    let count = old_list.split_inclusive(|byte| *byte == b'\n').count();
    let mut script = "OPEN test.info\n".to_owned();
    for (number, old) in (1..=count).zip(old_list.split(|byte| *byte == b'\n')) {
        let old = String::from_utf8_lossy(old);
        script += &format!("DEL {number} {}\n", old.split(' ').next().unwrap_or_default());
    }
    let new = String::from_utf8(list(version, listed, &KEY)).expect("text");
    for line in new.lines() {
        script += &format!("ADD {line}\n");
    }
    script += &format!("CLOSE\nOPEN test.ndb\nADD {line}\nCLOSE\n");
    script.into_bytes()
}

#[test]
fn a_change_is_made_whole_or_not_at_all() {
    let old = list(1, &[("test.ndb", b"A\n")], &KEY);
    let mut files =
        Files::from([("test.info".into(), old.clone()), ("test.ndb".into(), b"A\n".to_vec())]);
    let before = files.clone();
    let good = step(2, "B", &[("test.ndb", b"A\nB\n")], &old);
    let trust = trust();
    let wrong = step(2, "C", &[("test.ndb", b"A\nB\n")], &old);
    let fault = |bytes: &[u8], files: &mut Files| {
        Patch::open(bytes, &trust)
            .and_then(|patch| patch.apply(files, &trust))
            .expect_err("not good")
    };
    let member = PatchFault::Result(ContainerFault::Member("test.ndb".into()));
    assert_eq!(fault(&cdiff(2, &wrong), &mut files), member);
    let version = PatchFault::Result(ContainerFault::OtherHeader);
    assert_eq!(fault(&cdiff(3, &good), &mut files), version);
    assert_eq!(files, before);
    let unknown = Patch::open(&cdiff(2, &good), &Trust::builtin(NOW)).map(drop);
    assert_eq!(unknown, Err(PatchFault::Signature));
    let patch = Patch::open(&cdiff(2, &good), &trust).expect("a good change");
    let header = patch.apply(&mut files, &trust).expect("it fits");
    assert_eq!(
        (header.version, files.get("test.ndb").map(Vec::as_slice)),
        (2, Some(&b"A\nB\n"[..]))
    );
}

#[test]
fn the_form_of_a_change() {
    let trust = trust();
    let signed = |bytes: Vec<u8>| {
        let signature = KEY.sign_list(&bytes);
        let bytes = [bytes, format!(":{signature}").into_bytes()].concat();
        Patch::open(&bytes, &trust).map(drop)
    };
    let packed = gzip(b"# nothing\n");
    let with = |head: &str| signed([head.as_bytes(), &packed].concat());
    assert_eq!(with("ClamAV-Diff:2:10:"), Ok(()));
    assert_eq!(with("ClamAV-Diff:2:9:"), Err(PatchFault::Size));
    assert_eq!(with("ClamAV-Diff:2:11:"), Err(PatchFault::Size));
    assert_eq!(with("ClamAV-Diff:2:999999999999:"), Err(PatchFault::Size));
    assert_eq!(with("ClamAV-Diff::10:"), Err(PatchFault::Form));
    assert_eq!(with("ClamAV-Dif:2:10:"), Err(PatchFault::Form));
    let behind = [b"ClamAV-Diff:2:10:", packed.as_slice(), b"x"].concat();
    assert_eq!(signed(behind), Err(PatchFault::Size));
    assert_eq!(Patch::open(b"nothing", &trust).map(drop), Err(PatchFault::Form));
}
