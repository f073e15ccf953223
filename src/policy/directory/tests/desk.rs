//! What is kept, for how long, and which servers are left alone.

use std::time::{Duration, Instant};

use super::{options, shared};
use crate::policy::Directory;
use crate::policy::directory::{Answer, Desk, Failure, FailureKind, Found, Membership, Options};
use crate::policy::reputation::breaker::{Change, FAILURES_MAX, PAUSE_MIN};

#[expect(
    clippy::disallowed_methods,
    reason = "any time will do, and there is no other way to make one"
)]
fn start() -> Instant {
    Instant::now()
}

fn in_groups(groups: &[&str]) -> Found {
    Found {
        dn: Some("uid=a,dc=x".into()),
        groups: groups.iter().map(|&name| name.into()).collect(),
    }
}

#[test]
fn answers_are_kept_for_their_time_and_nobody_gets_those_of_another() {
    let mut desk = Desk::new(shared(Options { cache_entries_max: 2, ..options() }));
    let now = start();
    let fresh = desk.keep("anna", 0, in_groups(&["staff"]), now);
    assert!(!fresh.is_cached && fresh.to_string() == "staff (ldap://one.example:389)", "{fresh}");
    let again = desk.known("anna", now).expect("known");
    assert_eq!(again.to_string(), "staff (ldap://one.example:389, known before)");
    assert!(matches!(again.fact(), Directory::Groups(groups) if groups == ["staff".into()]));
    assert_eq!(desk.known("Anna", now), None, "another name");
    assert_eq!(desk.known("anna", now + Duration::from_secs(600)), None);
    let nobody = desk.keep("x", 1, Found::default(), now);
    assert_eq!((&nobody.answer, nobody.fact()), (&Answer::NoUser, Directory::Groups(&[])));
    let soon = now + Duration::from_secs(59);
    assert_eq!(desk.known("x", soon).map(|known| known.is_cached), Some(true));
    assert_eq!(desk.known("x", now + Duration::from_secs(60)), None, "the negative time");
    desk.keep("y", 0, in_groups(&[]), now);
    desk.keep("z", 0, in_groups(&["staff"]), now);
    let kept = ["anna", "x", "y", "z"].iter().filter(|user| desk.known(user, now).is_some());
    assert_eq!(kept.count(), 2, "CacheSize");
}

#[test]
fn a_server_that_fails_is_left_alone_and_the_other_is_not() {
    let mut desk = Desk::new(shared(options()));
    let now = start();
    for count in 1..=FAILURES_MAX {
        assert!(desk.may_ask(0, now));
        let opened = (count == FAILURES_MAX).then_some(Change::Opened);
        assert_eq!(desk.failed(0, now), opened);
    }
    assert!(!desk.may_ask(0, now) && desk.may_ask(1, now) && !desk.may_ask(2, now));
    let later = now + PAUSE_MIN;
    assert!(desk.may_ask(0, later) && !desk.may_ask(0, later), "one question to try");
    assert_eq!(desk.succeeded(0), Some(Change::Closed));
    assert!(desk.may_ask(0, later));
}

#[test]
fn no_answer_says_why() {
    let none = Membership::none(Failure::new(FailureKind::Bind, "invalid credentials (49)"));
    assert_eq!(none.to_string(), "no answer: bind refused: invalid credentials (49)");
    assert_eq!((none.fact(), none.until), (Directory::NoAnswer, None));
    assert_eq!(Failure::new(FailureKind::Time, "").to_string(), "no answer in time");
    assert!(FailureKind::Bind.is_of_server() && !FailureKind::TooLarge.is_of_server());
}
