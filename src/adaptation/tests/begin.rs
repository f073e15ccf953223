//! The first look at a message, from real ICAP requests.

use super::connection;
use crate::adaptation::{self, Begin, Cause, Decided, Decision, Fragment, Known, Passed, Ranges};
use crate::icap::{Connection, Request};
use crate::policy::{BodyAction, List, MimeRule, Options, Pattern, Policy, RuleSource};

const REQMOD: &str = "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\nAllow: 204\n";
const RESPMOD: &str = "RESPMOD icap://gw.test/respmod ICAP/1.0\nHost: gw.test\nAllow: 204\n";
const ECHO: &str = "RESPMOD icap://gw.test/echo ICAP/1.0\nHost: gw.test\nAllow: 204\n";
const GET: &str = "GET http://example.com/ HTTP/1.1\nHost: example.com\n";

/// The first look where nothing has to be asked.
fn begin<'a>(request: &'a Request, policy: &Policy, options: &adaptation::Options) -> Begin<'a> {
    adaptation::begin(request, policy, options, &Known::NOTHING)
}

fn policy() -> Policy {
    let list = |entry| {
        let mut list = List::default();
        list.add(entry).expect("a good entry");
        list
    };
    let rule = |pattern, action, above| MimeRule {
        pattern: Pattern::parse(pattern).expect("good"),
        action,
        above,
    };
    let mime_rules = vec![
        rule("image/*", BodyAction::Pass, None),
        rule("video/*", BodyAction::Scan, Some((1000, BodyAction::Pass))),
        rule("application/x-msdownload", BodyAction::Reject, None),
    ];
    Policy::compile(Options {
        black: list("bad.example"),
        white: list("example.com"),
        ranges: list("films.example"),
        mime_rules,
        ..Options::default()
    })
    .expect("good")
}

fn shown(connection: &Connection) -> String {
    match begin(connection.request(), &policy(), &adaptation::Options::default()) {
        Begin::Answer(Decision::Unmodified(passed), _) => match passed {
            Passed::NoBody => "pass: no body".to_owned(),
            Passed::Rule => "pass: rule".to_owned(),
            Passed::Unscanned => "pass: unscanned".to_owned(),
            Passed::Echo => "pass: echo".to_owned(),
            other => format!("unexpected {other:?}"),
        },
        Begin::Answer(Decision::Block(cause), _) => match *cause {
            Cause::BlackList(entry) => format!("block: list {entry}"),
            Cause::Type(mime) => format!("block: type {mime}"),
            other => format!("unexpected {other:?}"),
        },
        Begin::Answer(Decision::AskForAll, _) => "ask for all".to_owned(),
        Begin::Answer(other, _) => format!("unexpected {other:?}"),
        Begin::Ask(asking) => format!("ask: {}", asking.question.name()),
        Begin::Scan(plan) => {
            let coding =
                plan.content_encoding.as_deref().unwrap_or(b"-").escape_ascii().to_string();
            let fragment = match plan.fragment {
                None => "",
                Some(Fragment::Judged) => " fragment",
                Some(Fragment::Allowed) => " allowed fragment",
            };
            format!(
                "scan: {coding}{}{fragment}",
                if plan.state.white_listed { " white" } else { "" }
            )
        }
    }
}

#[track_caller]
fn response(request: &str, head: &str, body: Option<&str>, want: &str) {
    let head = format!("HTTP/1.1 200 OK\n{head}");
    let connection = connection(RESPMOD, &[("req-hdr", request), ("res-hdr", &head)], body);
    assert_eq!(shown(&connection), want, "{request} {head}");
}

#[test]
fn a_response_body_is_scanned_and_its_coding_is_passed_on() {
    response("GET http://a.example/ HTTP/1.1\n", "Content-Type: text/html\n", Some("x"), "scan: -");
    response(
        "GET http://a.example/ HTTP/1.1\n",
        "Content-Encoding: gzip\n",
        Some("x"),
        "scan: gzip",
    );
    let twice = "Content-Encoding: gzip\nContent-Encoding: br, zstd\n";
    response("GET http://a.example/ HTTP/1.1\n", twice, Some("x"), "scan: gzip, br, zstd");
}

#[test]
fn a_part_of_an_object_is_told_from_all_of_it() {
    let part = |request: &str, status: &str, head: &str, want: &str| {
        let head = format!("HTTP/1.1 {status} X\n{head}");
        let connection =
            connection(RESPMOD, &[("req-hdr", request), ("res-hdr", &head)], Some("x"));
        assert_eq!(shown(&connection), want, "{request} {head}");
    };
    let get = "GET http://a.example/ HTTP/1.1\n";
    part(get, "206", "Content-Range: bytes 5-9/10\n", "scan: - fragment");
    part(get, "206", "Content-Range: bytes 0-9/10\n", "scan: -");
    part(get, "206", "Content-Type: multipart/byteranges; boundary=x\n", "scan: - fragment");
    part(get, "200", "Content-Range: bytes 5-9/10\n", "scan: -");
    let films = "GET http://www.films.example/ HTTP/1.1\n";
    part(films, "206", "Content-Range: bytes 5-9/10\n", "scan: - allowed fragment");
    let put = |range| format!("PUT http://a.example/ HTTP/1.1\nContent-Range: {range}\n");
    for (range, want) in [("bytes 5-9/10", "scan: - fragment"), ("bytes 0-9/10", "scan: -")] {
        let connection = connection(REQMOD, &[("req-hdr", &put(range))], Some("x"));
        assert_eq!(shown(&connection), want);
    }
}

#[test]
fn a_request_for_a_part_becomes_one_for_all() {
    let ask = |request: &str, want: &str| {
        let connection = connection(REQMOD, &[("req-hdr", request)], None);
        assert_eq!(shown(&connection), want, "{request}");
        connection
    };
    ask("GET http://a.example/ HTTP/1.1\nRange: bytes=5-\n", "ask for all");
    ask("GET http://a.example/ HTTP/1.1\nREQUEST-RANGE: bytes=5-\n", "ask for all");
    ask("GET http://films.example/ HTTP/1.1\nRange: bytes=5-\n", "pass: no body");
    ask("GET http://bad.example/ HTTP/1.1\nRange: bytes=5-\n", "block: list bad.example");
    let connection = ask(GET, "pass: no body");
    let keep = adaptation::Options { ranges: Ranges::Keep, ..adaptation::Options::default() };
    let kept = begin(connection.request(), &policy(), &keep);
    assert_eq!(kept, Begin::Answer(Decision::Unmodified(Passed::NoBody), Decided::Nothing));
    // The request of a response was answered already.
    response("GET http://a.example/ HTTP/1.1\nRange: bytes=5-\n", "", None, "pass: no body");
}

#[test]
fn the_white_list_never_exempts_from_scanning() {
    response(GET, "Content-Type: text/html\n", Some("x"), "scan: - white");
}

#[test]
fn the_black_list_counts_in_both_directions_and_before_everything_else() {
    let get = "GET http://www.BAD.example./ HTTP/1.1\n";
    response(get, "Content-Type: image/png\n", Some("x"), "block: list bad.example");
    response(get, "", None, "block: list bad.example");
    for line in [get, "CONNECT bad.example:443 HTTP/1.1\n", "POST / HTTP/1.1\nHost: bad.example\n"]
    {
        let connection = connection(REQMOD, &[("req-hdr", line)], None);
        assert_eq!(shown(&connection), "block: list bad.example", "{line}");
    }
}

#[test]
fn messages_without_a_body_go_on() {
    for request in [GET, "HEAD http://a.example/ HTTP/1.1\n", "CONNECT a.example:443 HTTP/1.1\n"] {
        let connection = connection(REQMOD, &[("req-hdr", request)], None);
        assert_eq!(shown(&connection), "pass: no body", "{request}");
    }
    response(GET, "Content-Length: 5\n", None, "pass: no body");
}

#[test]
fn an_upload_is_scanned_by_its_own_head() {
    let post = "POST http://a.example/ HTTP/1.1\nContent-Type: text/plain\nContent-Encoding: br\n";
    let connection = connection(REQMOD, &[("req-hdr", post)], Some("x"));
    assert_eq!(shown(&connection), "scan: br");
    let Begin::Scan(plan) = begin(connection.request(), &policy(), &adaptation::Options::default())
    else {
        panic!("it is scanned")
    };
    assert_eq!(plan.content_type, Some(&b"text/plain"[..]), "it may tell where parts begin");
}

#[test]
fn the_head_that_goes_with_the_body_counts() {
    let get = "GET http://a.example/ HTTP/1.1\nContent-Type: image/png\nContent-Encoding: gzip\n";
    response(get, "Content-Type: text/html\n", Some("x"), "scan: -");
}

#[test]
fn rules_pass_reject_or_scan_by_type_and_size() {
    let get = "GET http://a.example/ HTTP/1.1\n";
    response(get, "Content-Type: image/png\n", Some("x"), "pass: rule");
    response(
        get,
        "Content-Type: application/x-msdownload\n",
        Some("x"),
        "block: type application/x-msdownload",
    );
    response(get, "Content-Type: video/mp4\nContent-Length: 1001\n", Some("x"), "pass: rule");
    response(get, "Content-Type: video/mp4\nContent-Length: 1000\n", Some("x"), "scan: -");
    response(get, "Content-Type: video/mp4\n", Some("x"), "scan: -");
    response(get, "Content-Type: video/mp4\nContent-Length: +1001\n", Some("x"), "scan: -");
}

#[test]
fn an_address_that_cannot_be_read_is_scanned_all_the_same() {
    let connection = connection(REQMOD, &[("req-hdr", "PUT /file HTTP/1.0\n")], Some("x"));
    assert_eq!(shown(&connection), "scan: -");
}

#[test]
fn a_response_without_its_request_is_scanned() {
    let head = "HTTP/1.0 200 OK\nContent-Length: 1\n";
    let connection = connection(RESPMOD, &[("res-hdr", head)], Some("x"));
    assert_eq!(shown(&connection), "scan: -");
}

#[test]
fn an_echo_service_decides_nothing() {
    let parts =
        [("req-hdr", "GET http://bad.example/ HTTP/1.1\n"), ("res-hdr", "HTTP/1.1 200 OK\n")];
    let connection = connection(ECHO, &parts, Some("x"));
    assert_eq!(shown(&connection), "pass: echo");
}

#[test]
fn groups_that_the_proxy_names_count_and_no_directory_is_asked_for_them() {
    let rules = vec![RuleSource {
        name: "RuleSet".into(),
        text: "user_group in (staff) : BLOCK as \"not for staff\"".to_owned(),
    }];
    let policy = Options { rules, directory: true, ..Options::default() };
    let policy = Policy::compile(policy).expect("good rules");
    let begun = |fields: &str| {
        let line = format!(
            "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\nX-Client-Username: anna\n{fields}"
        );
        let core = connection(&line, &[("req-hdr", "GET http://a.example/ HTTP/1.1\n")], None);
        match begin(core.request(), &policy, &adaptation::Options::default()) {
            Begin::Answer(Decision::Block(_), _) => "block",
            Begin::Answer(..) => "go",
            Begin::Ask(_) => "ask",
            Begin::Scan(_) => "scan",
        }
    };
    assert_eq!(begun("X-Authenticated-Groups: all, staff\n"), "block");
    assert_eq!(begun("X-Authenticated-Groups: all\n"), "go");
    assert_eq!(begun(""), "ask");
}
