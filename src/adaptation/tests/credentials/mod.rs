//! Names and passwords: what is read, what is right, and how often that is found out.

use proptest::prelude::*;

use super::now;
use crate::adaptation::credentials::{
    ACCEPTED_MAX, AT_ONCE_MAX, Asked, BURST, Desk, NAMES_MAX, PER_SECOND, Passwords, REFUSED_MAX,
    SALT_BYTES, VERIFY_US_MAX, line,
};
use crate::icap::ClaimAnswer::{Right, Wrong};
use crate::icap::{Authentication, Claim, Connection, IsTag, Options};

const SALT: [u8; SALT_BYTES] = *b"0123456789abcdef";

/// A hash that is cheap to check: `password` with the salt `somesalt`, as the reference implementation prints it
/// (`echo -n password | argon2 somesalt -id -t 2 -k 256 -p 1 -e`, test vector of its test.c).
const CHEAP: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

#[test]
fn a_line_that_was_made_is_read_and_right() {
    let made = line("squid-1", "pass: wörd", &SALT).expect("a good name and password");
    assert!(
        made.starts_with("squid-1:$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"),
        "{made}"
    );
    assert!(!made.contains("wörd") && made.len() < 140);
    let (passwords, set_aside) = Passwords::read(&made);
    assert_eq!((passwords.count(), set_aside), (1, Vec::new()));
    assert!(passwords.verify("squid-1", "pass: wörd"));
    assert!(!passwords.verify("squid-1", "pass: word"));
    assert!(!passwords.verify("squid-2", "pass: wörd"));
    assert!(!passwords.verify("", "") && !Passwords::default().verify("squid-1", ""));
    let other = line("squid-1", "pass: wörd", b"another salt 16b").expect("good");
    assert_ne!(made, other);
}

#[test]
fn lines_of_other_programs_are_read() {
    let (passwords, set_aside) =
        Passwords::read(&format!("a:{CHEAP}\r\n\n  \n# c:x\nb b:{CHEAP}\n"));
    assert_eq!((passwords.count(), set_aside), (2, Vec::new()));
    assert!(passwords.verify("a", "password") && passwords.verify("b b", "password"));
    assert!(!passwords.verify("a", "Password") && !passwords.verify("c", "password"));
}

#[test]
fn a_bad_line_is_set_aside_with_its_place_and_the_others_count() {
    let hash = |from: &str, to: &str| format!("é:{}", CHEAP.replacen(from, to, 1));
    for (text, column, why) in [
        ("nothing".to_owned(), 1, "expected name:$argon2id$…"),
        (format!(":{CHEAP}"), 1, "a name has 1 to 128 bytes"),
        (format!("{}:{CHEAP}", "n".repeat(129)), 1, "a name has 1 to 128 bytes"),
        (format!("a\tb:{CHEAP}"), 1, "a name has no colon and no control character"),
        (format!("good:{CHEAP}"), 1, "this name was there before"),
        ("é:secret".to_owned(), 3, "expected $argon2id$, as baleen keys password prints it"),
        (hash("argon2id", "argon2i"), 3, "expected $argon2id$, as baleen keys password prints it"),
        (hash("v=19", "v=16"), 3, "expected v=19"),
        (hash("m=256", "m=4294967296"), 3, "expected m=…,t=…,p=… within limits"),
        (hash("m=256", "m=262145"), 3, "expected m=…,t=…,p=… within limits"),
        (hash("m=256", "m=+256"), 3, "expected m=…,t=…,p=… within limits"),
        (hash("t=2", "t=17"), 3, "expected m=…,t=…,p=… within limits"),
        (hash("p=1", "p=0"), 3, "expected m=…,t=…,p=… within limits"),
        (hash("p=1", "p=1,x=1"), 3, "expected m=…,t=…,p=… within limits"),
        (hash("c29tZXNhbHQ", "c29t"), 3, "expected a salt of 8 to 64 bytes in base64"),
        (hash("c29tZXNhbHQ", "c29tZXNhbHR"), 3, "expected a salt of 8 to 64 bytes in base64"),
        (hash("Gi/4", "Gi/4="), 3, "expected a hash of 16 to 64 bytes in base64"),
        (hash("nf65", "nf6"), 3, "expected a hash of 16 to 64 bytes in base64"),
        (hash("Gi/4", "Gi/4$"), 3, "something follows the hash"),
    ] {
        let (passwords, set_aside) = Passwords::read(&format!("good:{CHEAP}\n{text}\n"));
        assert_eq!(passwords.count(), 1, "{text}");
        let told: Vec<_> = set_aside.iter().map(|one| (one.line, one.column, one.why)).collect();
        assert_eq!(told, [(2, column, why)], "{text}");
    }
    let many: String = (0..=NAMES_MAX).map(|number| format!("n{number}:{CHEAP}\n")).collect();
    let (passwords, set_aside) = Passwords::read(&many);
    assert_eq!((passwords.count(), set_aside.len()), (NAMES_MAX, 1));
    assert_eq!(set_aside[0].why, "there are too many names");
}

#[test]
fn a_name_or_password_that_cannot_be_sent_gets_no_line() {
    let long = "p".repeat(510);
    for (name, password, why) in [
        ("", "p", "a name has 1 to 128 bytes"),
        ("a:b", "p", "a name has no colon and no control character"),
        ("#a", "p", "a name does not begin with #"),
        ("a", "", "the password is empty"),
        ("a", "p\n", "the password has a control character, which HTTP cannot carry"),
        ("ab", &long, "name and password are too long"),
    ] {
        assert_eq!(line(name, password, &SALT), Err(why), "{name}");
    }
    assert!(line("a", &long, &SALT).is_ok(), "with the colon it is as long as may be");
}

#[test]
fn nothing_that_can_be_printed_shows_a_password() {
    let (passwords, _) = Passwords::read(&format!("somebody:{CHEAP}"));
    assert_eq!(format!("{passwords:?}"), "Passwords { names: 1, .. }");
    let claim = claim("Basic bmFtZTpzZWNyZXQ=").expect("a claim");
    assert_eq!((claim.name.as_str(), claim.password.as_str()), ("name", "secret"));
    assert_eq!(format!("{claim:?}"), "Claim { name: \"name\", .. }");
    let core = asked("Basic bmFtZTpzZWNyZXQ=");
    assert_eq!(core.request().field("proxy-AUTHORIZATION"), None);
    assert_eq!(core.request().field("host"), Some(&b"g"[..]));
}

fn asked(value: &str) -> Connection {
    let mut options = Options::new(IsTag::of(b"", b""));
    options.authentication = Authentication::Basic;
    let mut core = Connection::new(std::sync::Arc::new(options), now());
    let head = format!(
        "OPTIONS icap://g/reqmod ICAP/1.0\r\nHost: g\r\nProxy-Authorization: {value}\r\n\r\n"
    );
    let taken = core.handle_bytes(head.as_bytes(), now());
    assert_eq!((taken.bytes, taken.event), (head.len(), None));
    core
}

fn claim(value: &str) -> Option<Claim> {
    asked(value).claim().cloned()
}

#[test]
fn a_claim_is_utf_8_or_else_latin_1() {
    let told = |value| claim(value).map(|claim| (claim.name, claim.password));
    let pair = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
    assert_eq!(told("Basic w6k6w7w="), pair("é", "ü"));
    assert_eq!(told("Basic 6Tr8"), pair("é", "ü"));
    assert_eq!(told("Basic YTpiOmM="), pair("a", "b:c"));
    assert_eq!(told("Basic YTo="), pair("a", ""));
    let digest = |value| claim(value).map(|claim| claim.digest);
    assert_eq!(digest("Basic YTo="), digest("basic  YTo= "));
    assert_ne!(digest("Basic YTo="), digest("Basic YTpiOmM="));
}

#[test]
fn new_options_ask_a_known_client_again() {
    let mut core = asked("Basic YTo=");
    core.answer_claim(Right, now());
    while core.poll_output().is_some() {}
    let head =
        b"OPTIONS icap://g/reqmod ICAP/1.0\r\nHost: g\r\nProxy-Authorization: Basic YTo=\r\n\r\n";
    core.handle_bytes(b"", now());
    core.handle_bytes(head, now());
    assert!(core.claim().is_none(), "it is known");
    while core.poll_output().is_some() {}
    core.handle_bytes(b"", now());
    let mut options = Options::new(IsTag::of(b"", b""));
    options.authentication = Authentication::Basic;
    core.set_options(std::sync::Arc::new(options));
    core.handle_bytes(head, now());
    assert!(core.claim().is_some(), "by these options it may be known no longer");
    core.answer_claim(Wrong, now());
    assert!(core.claim().is_none());
    core.answer_claim(Right, now());
    assert!(core.claim().is_none(), "an answer without a question does nothing");
}

fn digest(number: u64) -> [u8; 32] {
    let mut digest = [7; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    digest
}

#[test]
fn each_claim_is_found_out_once() {
    let mut desk = Desk::new(0);
    assert_eq!(desk.ask(&digest(1), 0), Asked::Verify);
    assert_eq!(desk.ask(&digest(1), 1), Asked::Wait, "somebody is at it");
    desk.found(&digest(1), Some(Right));
    assert_eq!(desk.ask(&digest(1), 2), Asked::Known(Right));
    assert_eq!(desk.ask(&digest(2), 3), Asked::Verify);
    desk.found(&digest(2), None);
    assert_eq!(desk.ask(&digest(2), 4), Asked::Verify, "it was not found out");
    desk.found(&digest(2), Some(Wrong));
    assert_eq!(desk.ask(&digest(2), 5), Asked::Known(Wrong));
    assert_eq!(desk.ask(&digest(1), 6), Asked::Known(Right));
}

#[test]
fn few_are_found_out_at_once_and_a_lost_one_is_begun_anew() {
    let mut desk = Desk::new(0);
    let count = u64::try_from(AT_ONCE_MAX).expect("a small number");
    for number in 0..count {
        assert_eq!(desk.ask(&digest(number), 0), Asked::Verify);
    }
    assert_eq!(desk.ask(&digest(99), VERIFY_US_MAX - 1), Asked::Wait);
    assert_eq!(desk.ask(&digest(99), VERIFY_US_MAX), Asked::Verify);
}

#[test]
fn a_flood_of_wrong_passwords_costs_few_comparisons_and_pushes_out_nobody() {
    let mut desk = Desk::new(0);
    assert_eq!(desk.ask(&digest(0), 0), Asked::Verify);
    desk.found(&digest(0), Some(Right));
    let (mut compared, mut told) = (0, 0);
    for number in 1..100_000_u64 {
        match desk.ask(&digest(number), number * 100) {
            Asked::Verify => {
                compared += 1;
                desk.found(&digest(number), Some(Wrong));
            }
            Asked::TooMany => told += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(compared <= BURST + 10 * PER_SECOND, "{compared} in ten seconds");
    assert_eq!(told + compared, 99_999);
    assert_eq!(desk.ask(&digest(0), 10_000_000), Asked::Known(Right));
}

#[test]
fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
    for (answer, max) in [(Right, ACCEPTED_MAX), (Wrong, REFUSED_MAX)] {
        let mut desk = Desk::new(0);
        let max = u64::try_from(max).expect("a small number");
        for number in 0..=max {
            desk.found(&digest(number), Some(answer));
            desk.found(&digest(number), Some(answer));
        }
        assert_eq!(desk.ask(&digest(1), 0), Asked::Known(answer));
        assert_eq!(desk.ask(&digest(max), 0), Asked::Known(answer));
        assert_eq!(desk.ask(&digest(0), 0), Asked::Verify, "the oldest is forgotten");
    }
}

proptest! {
    /// No line makes the reader panic, and none is lost without being told.
    #[test]
    fn every_line_counts_or_is_told(lines in prop::collection::vec("[a-c:$=,0-9argon2idvmtp]{0,60}", 0..20)) {
        let text = lines.join("\n");
        let (passwords, set_aside) = Passwords::read(&text);
        let written = text.lines().filter(|line| !line.trim().is_empty()).count();
        prop_assert_eq!(passwords.count() + set_aside.len(), written);
    }

    /// Any bytes may stand in the field.
    #[test]
    fn any_credentials_are_a_claim_or_refused(value in "[ -~]{0,80}") {
        let core = asked(&format!("Basic {value}"));
        if let Some(claim) = core.claim() {
            prop_assert!(!claim.name.is_empty() && !claim.name.contains(':'));
        }
    }
}
