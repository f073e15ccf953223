//! The headers of an answer, as they stand on the wire.

use super::{connection, detection, now};
use crate::adaptation::{
    Cause, Decision, Options, Passed, PolicyWhy, Released, RuleReason, Unchecked, decide, extra,
};
use crate::engine::verdict::{Limit, Verdict, Why};
use crate::icap::{Extra, Output};
use crate::policy::Category;

/// The `X-` lines of an ICAP answer with the headers of a decision.
fn lines(decision: &Decision) -> Vec<String> {
    let request = "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\nAllow: 204\n";
    let mut connection =
        connection(request, &[("req-hdr", "GET http://a.example/ HTTP/1.1\n")], None);
    let page = "HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\n";
    connection.answer_with(page.as_bytes(), b"x", &extra(decision), now());
    let mut wire = Vec::new();
    while let Some(Output::Send(bytes)) = connection.poll_output() {
        wire.extend_from_slice(bytes);
    }
    let text = String::from_utf8(wire).expect("a head is text");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head ends");
    head.split("\r\n").filter(|line| line.starts_with("X-")).map(str::to_owned).collect()
}

fn outcome(verdict: Verdict) -> Decision {
    decide(verdict, Released::Nothing, &Options::default())
}

#[test]
fn a_threat_is_reported_in_the_form_that_clients_parse() {
    assert_eq!(
        lines(&outcome(Verdict::Infected(detection("Eicar-Test-Signature", "")))),
        [
            "X-Response-Info: Blocked",
            "X-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test-Signature;",
            "X-Virus-ID: Eicar-Test-Signature",
        ]
    );
}

#[test]
fn a_name_cannot_end_a_header_or_the_field_in_it() {
    let found = lines(&outcome(Verdict::Infected(detection("A;B\r\nX-Evil: 1", ""))));
    assert_eq!(found[1], "X-Infection-Found: Type=0; Resolution=2; Threat=A_B__X-Evil: 1;");
    assert_eq!(found.len(), 3);
}

#[test]
fn what_could_not_be_checked_is_type_two_with_a_reason() {
    assert_eq!(
        lines(&outcome(Verdict::Unscanned(Why::Encrypted))),
        [
            "X-Response-Info: Blocked",
            "X-Infection-Found: Type=2; Resolution=2; Threat=encrypted;",
            "X-Error-Code: password_protected",
        ]
    );
    let limit = lines(&outcome(Verdict::Unscanned(Why::Limit(Limit::MaxRecursion))));
    assert_eq!(limit[1], "X-Infection-Found: Type=2; Resolution=2; Threat=limit: MaxRecursion;");
}

#[test]
fn what_was_let_through_unchecked_says_so() {
    let options = Options { unchecked: Unchecked::Pass, ..Options::default() };
    let decision = decide(Verdict::Unscanned(Why::Time), Released::Nothing, &options);
    assert_eq!(lines(&decision), ["X-Response-Info: Unchecked"]);
}

#[test]
fn lists_and_rules_say_which_it_was() {
    let black = Decision::Block(Box::new(Cause::BlackList("bad.example".into())));
    assert_eq!(lines(&black), ["X-Response-Info: Blocked", "X-Response-Desc: on the black list"]);
    let kind = Decision::Block(Box::new(Cause::Type("image/png".into())));
    let want = [
        "X-Response-Info: Blocked",
        "X-Response-Desc: type not allowed",
        "X-Error-Code: file_type_blocked",
    ];
    assert_eq!(lines(&kind), want);
}

#[test]
fn what_policy_blocks_says_why_and_a_category_is_named_exactly() {
    let rule = |reason| Cause::Rule { rule: "3: …".into(), reason };
    let games = Category::OnlineGames;
    for (cause, info, desc) in [
        (
            Cause::Category { category: games, source: "ut1 games".into() },
            "OnlineGames",
            "unwanted category",
        ),
        (rule(RuleReason::Category(Category::Jobs)), "Jobs", "by a rule"),
        (rule(RuleReason::BlackList), "Blocked", "by a rule"),
        (rule(RuleReason::Text("after\r\nX-Evil: six".into())), "Blocked", "after  X-Evil: six"),
        (rule(RuleReason::Text("".into())), "Blocked", "by a rule"),
        (Cause::Advertisement("^ad\\.".into()), "Blocked", "advertisement"),
        (Cause::Hook, "Blocked", "by the script"),
    ] {
        let want = [format!("X-Response-Info: {info}"), format!("X-Response-Desc: {desc}")];
        assert_eq!(lines(&Decision::Block(Box::new(cause))), want);
    }
    for category in Category::ALL {
        let cause = Cause::Category { category, source: "list".into() };
        let want = format!("X-Response-Info: {}", category.name());
        assert_eq!(lines(&Decision::Block(Box::new(cause)))[0], want);
    }
    let unchecked = Decision::Block(Box::new(Cause::PolicyUnchecked(PolicyWhy::HookFailed)));
    let want = [
        "X-Response-Info: Blocked",
        "X-Response-Desc: could not be checked",
        "X-Error-Code: hook_failed",
    ];
    assert_eq!(lines(&unchecked), want);
}

#[test]
fn a_clean_message_has_no_header_of_ours() {
    for passed in [Passed::Clean, Passed::NoBody, Passed::Rule, Passed::Echo] {
        assert_eq!(extra(&Decision::Unmodified(passed)), Extra::new());
    }
}
