//! Marks, next services, and the names that a proxy may keep to itself.

use super::{connection, detection};
use crate::adaptation::{Cause, Decision, Mark, Passed, Remarks, Threat, headers, transfer};
use crate::engine::verdict::Why;
use crate::icap::{Change, Connection, Extra, Output};
use crate::policy::{List, MimeRule, Options, Pattern, Policy, RuleSource, ThreatKind};

fn remarks() -> Remarks {
    let mark = |name: &str, value: &str| Some(Mark { name: name.into(), value: value.into() });
    Remarks {
        scanned: mark("X-Scanned", "yes"),
        unchecked: mark("X-Unchecked", "beware"),
        next: Some(Vec::new()),
        next_unchecked: Some(vec!["sandbox".into(), "audit".into()]),
        shared: None,
    }
}

const RESPMOD: &str = "RESPMOD icap://gw.test/respmod ICAP/1.0\nHost: gw.test\n";

fn response(fields: &str) -> Connection {
    connection(RESPMOD, &[("res-hdr", &format!("HTTP/1.1 200 OK\n{fields}"))], Some("x"))
}

fn tolerated() -> Decision {
    let threat = Threat { kind: ThreatKind::Jokes, detection: detection("Joke", "") };
    Decision::Unmodified(Passed::Tolerated(Box::new(threat)))
}

fn without<const N: usize>(names: [&'static str; N]) -> [&'static str; Change::WITHOUT_MAX] {
    let mut all = [""; Change::WITHOUT_MAX];
    all[..N].copy_from_slice(&names);
    all
}

#[test]
fn only_what_was_scanned_to_its_end_has_the_mark_for_it() {
    let (remarks, core) = (remarks(), response(""));
    let with = |decision: &Decision| remarks.change(core.request(), decision).with;
    assert_eq!(with(&Decision::Unmodified(Passed::Clean)), Some(("X-Scanned", "yes")));
    let unchecked = Decision::Unmodified(Passed::Unchecked(Why::Encrypted));
    assert_eq!(with(&unchecked), Some(("X-Unchecked", "beware")));
    for passed in [Passed::NoBody, Passed::Rule, Passed::Unscanned, Passed::Echo] {
        assert_eq!(with(&Decision::Unmodified(passed)), None);
    }
    assert_eq!(with(&tolerated()), None);
}

#[test]
fn a_forged_mark_is_taken_away_whatever_the_verdict() {
    let remarks = remarks();
    let forged = response("x-scanned: by me\nX-UNCHECKED: no\n");
    for decision in [
        Decision::Unmodified(Passed::Clean),
        Decision::Unmodified(Passed::Rule),
        Decision::Unmodified(Passed::Unchecked(Why::Time)),
        tolerated(),
    ] {
        let change = remarks.change(forged.request(), &decision);
        assert_eq!(change.without, without(["X-Scanned", "X-Unchecked"]), "{decision:?}");
    }
    let before = remarks.before_verdict(forged.request());
    assert_eq!((before.without, before.with), (without(["X-Scanned", "X-Unchecked"]), None));
    // Where there is nothing to be taken away, a 204 is still right.
    let honest = response("Server: o\n");
    assert!(remarks.before_verdict(honest.request()).is_none());
    assert!(remarks.change(honest.request(), &Decision::Unmodified(Passed::Rule)).is_none());
}

#[test]
fn requests_and_answers_without_settings_have_no_mark() {
    let core = response("X-Scanned: by me\n");
    let clean = Decision::Unmodified(Passed::Clean);
    assert!(Remarks::default().change(core.request(), &clean).is_none());
    let upload = connection(
        "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\n",
        &[("req-hdr", "POST / HTTP/1.1\nX-Scanned: by me\n")],
        Some("x"),
    );
    assert!(remarks().change(upload.request(), &clean).is_none());
    let none = Remarks::default();
    let all = none.change(upload.request(), &Decision::AskForAll);
    assert_eq!(all.without, without(["Range", "If-Range", "Request-Range"]));
}

/// The lines of a head with the plan for this decision.
fn plan(remarks: &Remarks, decision: &Decision) -> String {
    let mut extra = Extra::new();
    remarks.route_by(decision, None, &mut extra);
    let mut core = connection(RESPMOD, &[("res-hdr", "HTTP/1.1 200 OK\n")], None);
    core.answer_unmodified(&extra, super::now());
    let Some(Output::Send(bytes)) = core.poll_output() else { panic!("an answer") };
    let text = String::from_utf8_lossy(bytes).into_owned();
    text.lines().filter(|line| line.starts_with("X-Next")).collect()
}

#[test]
fn the_plan_follows_the_verdict_and_nothing_blocked_goes_on() {
    let remarks = remarks();
    assert_eq!(plan(&remarks, &Decision::Unmodified(Passed::Clean)), "X-Next-Services:");
    let unchecked = Decision::Unmodified(Passed::Unchecked(Why::Time));
    assert_eq!(plan(&remarks, &unchecked), "X-Next-Services: sandbox, audit");
    let blocked = Decision::Block(Box::new(Cause::Hook));
    assert_eq!(plan(&remarks, &blocked), "X-Next-Services:");
    let only = Remarks { next: None, ..remarks };
    assert_eq!(plan(&only, &Decision::Unmodified(Passed::Clean)), "");
    assert_eq!(plan(&only, &blocked), "X-Next-Services:");
    for decision in [blocked, unchecked, tolerated()] {
        assert_eq!(plan(&Remarks::default(), &decision), "");
    }
}

#[test]
fn a_plan_of_a_rule_takes_the_place_of_those_of_the_settings() {
    let plan = |remarks: &Remarks, ruled: &[&str], decision: &Decision| {
        let ruled: Vec<Box<str>> = ruled.iter().map(|&name| name.into()).collect();
        let mut extra = Extra::new();
        remarks.route_by(decision, Some(&ruled), &mut extra);
        extra
    };
    let said = |names: &[&str]| {
        let names: Vec<Box<str>> = names.iter().map(|&name| name.into()).collect();
        let mut extra = Extra::new();
        extra.next_services(&names);
        extra
    };
    let unchecked = Decision::Unmodified(Passed::Unchecked(Why::Time));
    let passing =
        [Decision::Unmodified(Passed::NoBody), unchecked, tolerated(), Decision::AskForAll];
    let blocked = Decision::Block(Box::new(Cause::Hook));
    for remarks in [remarks(), Remarks::default()] {
        for decision in &passing {
            assert_eq!(plan(&remarks, &["dlp", "icons"], decision), said(&["dlp", "icons"]));
            assert_eq!(plan(&remarks, &[], decision), said(&[]));
        }
        assert_eq!(plan(&remarks, &["dlp"], &blocked), said(&[]));
    }
}

#[test]
fn a_late_verdict_always_says_something() {
    let said = |decision: &Decision| {
        let mut core = connection(RESPMOD, &[("res-hdr", "HTTP/1.1 200 OK\n")], None);
        core.answer_unmodified(&headers::verdict(decision), super::now());
        let Some(Output::Send(bytes)) = core.poll_output() else { panic!("an answer") };
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().filter(|line| line.starts_with("X-")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(said(&Decision::Unmodified(Passed::Clean)), ["X-Response-Info: Clean"]);
    let unchecked = Decision::Unmodified(Passed::Unchecked(Why::Time));
    assert_eq!(said(&unchecked), ["X-Response-Info: Unchecked"]);
    assert_eq!(said(&Decision::Unmodified(Passed::Rule)), ["X-Response-Info: Unscanned"]);
    assert_eq!(said(&tolerated()), ["X-Response-Info: Allowed", "X-Virus-ID: Joke"]);
}

/// The names to be ignored, with these MIME rules that pass.
fn ignored(policy: Options, passed: &[&str], may_ignore: bool, is_watched: bool) -> Vec<String> {
    let rule = |pattern: &&str| MimeRule {
        pattern: Pattern::parse(pattern).expect("a pattern"),
        action: crate::policy::BodyAction::Pass,
        above: None,
    };
    let mime_rules = passed.iter().map(rule).collect();
    let policy = Policy::compile(Options { mime_rules, ..policy }).expect("a policy");
    let lists = transfer::lists(&policy, may_ignore, is_watched);
    let found = lists.lists().find(|(name, _)| *name == "Transfer-Ignore");
    assert!(lists.lists().any(|(name, list)| name == "Transfer-Preview" && *list == ["*".into()]));
    found.map(|(_, list)| list.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn names_of_passed_types_are_ignored_only_on_demand() {
    let none = Options::default;
    assert_eq!(ignored(none(), &["image/jpeg", "image/pjpeg"], true, false), ["jpg", "jpeg"]);
    assert!(ignored(none(), &["image/jpeg", "image/pjpeg"], false, false).is_empty());
    // One of the types that servers send for this name is scanned.
    assert!(ignored(none(), &["image/jpeg"], true, false).is_empty());
    assert!(ignored(none(), &[], true, false).is_empty());
    assert!(ignored(none(), &["image/*", "*"], true, false).len() > 15);
}

#[test]
fn a_policy_that_looks_at_responses_ignores_no_name() {
    let types = ["image/png"];
    let list = |entry: &str| {
        let mut list = List::default();
        list.add(entry).expect("an entry");
        list
    };
    let rules = |text: &str| vec![RuleSource { name: "RuleSet".into(), text: text.to_owned() }];
    assert_eq!(ignored(Options::default(), &types, true, false), ["png"]);
    assert!(ignored(Options::default(), &types, true, true).is_empty(), "a script, or a mark");
    for policy in [
        Options { black: list("bad.test"), ..Options::default() },
        Options { reputation: true, ..Options::default() },
        Options { rules: rules("method GET : BLOCK"), ..Options::default() },
    ] {
        assert!(ignored(policy, &types, true, false).is_empty());
    }
}

#[test]
fn a_size_decides_by_the_head_so_the_head_has_to_be_seen() {
    let rule = MimeRule {
        pattern: Pattern::parse("image/png").expect("a pattern"),
        action: crate::policy::BodyAction::Scan,
        above: Some((1000, crate::policy::BodyAction::Pass)),
    };
    let policy = Options { mime_rules: vec![rule], ..Options::default() };
    let policy = Policy::compile(policy).expect("a policy");
    let lists = transfer::lists(&policy, true, false);
    assert!(lists.lists().all(|(name, _)| name == "Transfer-Preview"));
}
