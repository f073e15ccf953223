//! Lines of `.hdb`: text in, canonical text or refusal out.

use crate::engine::database::signature::Subject;
use crate::engine::database::{digest_line, render};

use super::outcome;

const MD5: &str = "44d88612fea8a8f36de82e1278abb02f";
const SHA1: &str = "3395856ce81f2b7382dee72602f798b642f14140";
const SHA256: &str = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";

/// `rest` follows the MD5.
#[track_caller]
fn check(rest: &str, want: &str) {
    line(&format!("{MD5}{rest}"), &want.replace("M:", &format!("{MD5}:")));
}

#[track_caller]
fn line(line: &str, want: &str) {
    let read = digest_line::parse(line.as_bytes(), Subject::Bad, 214);
    let found = outcome(read, render::digest).replace(".UNOFFICIAL", ".U");
    assert_eq!(found, want, "{line}");
}

#[test]
fn the_length_decides_the_kind() {
    for digest in [MD5, SHA1, SHA256] {
        line(&format!("{digest}:68:A"), &format!("{digest}:68:A.U"));
        let upper = digest.to_uppercase();
        line(&format!("{upper}:68:A"), &format!("{digest}:68:A.U"));
    }
    let length = "column 1: a digest of another length than 32, 40 or 64 hex digits";
    line(&format!("{SHA256}00:68:A"), length);
    line(&format!("{}:68:A", &MD5[1..]), length);
    line(&format!(" {MD5}:68:A"), length);
    line(":68:A", length);
    line(&format!("4z{}:68:A", &MD5[2..]), "column 2: found 'z', allowed: a hex digit");
}

#[test]
fn sizes() {
    check(":1:A", "M:1:A.U");
    check(":068:A", "M:68:A.U");
    check(":4294967294:A", "M:4294967294:A.U");
    let range = "column 34: a size outside of 1 to 4294967294";
    check(":0:A", range);
    check(":4294967295:A", range);
    check(":99999999999999999999999:A", range);
    check(":-1:A", "column 34: found '-', allowed: a size in bytes or '*'");
    check(":5a:A", "column 35: found 'a', allowed: a size in bytes or '*'");
    check("::A", "column 34: found the end, allowed: a size in bytes or '*'");
    check(":**:A:73", "column 34: found '*', allowed: a size in bytes or '*'");
}

#[test]
fn any_size_needs_a_level() {
    check(":*:A:73", "M:*:A.U:73");
    check(":*:A:300", "another level");
    check(":*:A:72:80", "another level");
    check(":*:A:72", "column 38: size '*' needs a minimum level of 73 or more");
    check(":*:A", "column 34: size '*' needs a minimum level of 73 or more");
    check(":*:A:a", "column 38: found 'a', allowed: digits");
}

#[test]
fn lines_of_sections_begin_with_the_size() {
    let section = |line: &str, want: &str| {
        let read = digest_line::parse(line.as_bytes(), Subject::Section, 214);
        assert_eq!(outcome(read, render::digest).replace(".UNOFFICIAL", ".U"), want, "{line}");
    };
    section(&format!("512:{MD5}:A"), &format!("512:{MD5}:A.U"));
    section(&format!("*:{SHA256}:A:73"), &format!("*:{SHA256}:A.U:73"));
    section(&format!("*:{SHA1}:A"), "column 1: size '*' needs a minimum level of 73 or more");
    section(&format!("{MD5}:512:A"), "column 3: found 'd', allowed: a size in bytes or '*'");
    section("512:abc:A", "column 5: a digest of another length than 32, 40 or 64 hex digits");
}

#[test]
fn lists_of_imports_need_no_level_for_any_size() {
    for (line, want) in [
        (format!("{MD5}:*:A"), format!("{MD5}:*:A.U:73")),
        (format!("{MD5}:39:A"), format!("{MD5}:39:A.U")),
    ] {
        let read = digest_line::parse(line.as_bytes(), Subject::Imports, 214);
        assert_eq!(outcome(read, render::digest).replace(".UNOFFICIAL", ".U"), want);
    }
}

#[test]
fn levels_and_fields() {
    check(":68:A:", "M:68:A.U");
    check(":68:A::300", "M:68:A.U");
    check(":68:A:215", "another level");
    check(":68:A:73:213", "another level");
    check(":68:A:73:", "another level");
    check(":68:A:7a", "column 40: found 'a', allowed: digits");
    check(":68", "column 36: 2 fields, 3 to 5 are allowed");
    check(":68:A:73:300:5", "column 47: 6 fields, 3 to 5 are allowed");
    check(":68:", "column 37: an empty name");
    line("zz:68:A:300", "another level");
}
