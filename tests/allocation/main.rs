//! A decision allocates nothing, nor does the answer to a message: counted by an allocator that counts.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use baleen::adaptation::{Decision, Mark, Passed, Remarks, headers};
use baleen::icap::{self, Connection, Event, IsTag, Output};
use baleen::policy::{Facts, Moment, Options, Outcome, Policy, RuleSource, UrlParts};

/// Two hundred rules as a school might have them: sets of sites, users, networks, times.
fn rules() -> String {
    let mut rules = String::new();
    for number in 0..200 {
        let rule = match number % 5 {
            0 => format!("url_host in (a{number}.example, b{number}.example) : BLOCK as Gambling"),
            1 => format!(
                "user in (user{number}, \"FILE@staff\"), url_host in (c{number}.example) : PASS"
            ),
            2 => format!("src_ip in (10.{number}.0.0/16), method POST : BLOCK as \"no uploads\""),
            3 => format!("time in (Mon-Fri 08:00-12:00), url in (d{number}.example/games) : BLOCK"),
            _ => format!("url_category in (Jobs), user_group in (group{number}) : BLOCK as _match"),
        };
        writeln!(rules, "{rule}").expect("a string");
    }
    rules
}

#[test]
fn a_decision_with_two_hundred_rules_allocates_nothing() {
    let options = Options {
        rules: vec![RuleSource { name: "rules".into(), text: rules() }],
        groups: "staff: anna, bert".to_owned(),
        ..Options::default()
    };
    let policy = Policy::compile(options).expect("good rules");
    assert_eq!(policy.rules().len(), 204);
    for (target, want) in [
        ("http://www.somewhere.example/a/path?with=a&query", "go"),
        ("http://www.a100.example/", "block"),
        ("http://c101.example/", "pass"),
        ("http://d103.example/games/1", "block"),
    ] {
        let url = UrlParts::of(b"GET", target.as_bytes(), None).expect("an address");
        let facts = Facts {
            method: b"GET",
            url: Some(&url),
            user: "anna@example.com",
            moment: Moment::new(0, 9 * 60),
            client: Some([192, 0, 2, 1].into()),
            ..Facts::NOTHING
        };
        let mut said = "";
        let counted = allocation_counter::measure(|| {
            said = match policy.decide(&facts, &mut ()) {
                Outcome::Go(way) if way.rule.is_some() => "pass",
                Outcome::Go(_) => "go",
                Outcome::Block(_) => "block",
                Outcome::Ask(_) | Outcome::Unanswered(_) => "ask",
            };
        });
        assert_eq!(said, want, "{target}");
        assert_eq!(counted.count_total, 0, "{target}: {counted:?}");
    }
}

/// The ICAP core with its buffers warm: head, policy's wishes, answer.
#[test]
fn answers_that_keep_or_change_a_head_allocate_nothing() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs an instant to count from; its value plays no part"
    )]
    let now = Instant::now();
    let mut core = Connection::new(Arc::new(icap::Options::new(IsTag::of(b"", b""))), now);
    let head = "HTTP/1.1 200 OK\r\nX-Scanned: forged\r\nServer: o\r\n\r\n";
    let request = format!(
        "RESPMOD icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nAllow: 204, 206, trailers\r\nPreview: 4\r\n\
         X-Client-IP: 192.0.2.7\r\nEncapsulated: res-hdr=0, res-body={}\r\n\r\n{head}4\r\nabcd\r\n0\r\n\r\n",
        head.len()
    );
    let mark = Mark { name: "X-Scanned".into(), value: "yes".into() };
    let marked = Remarks { scanned: Some(mark), ..Remarks::default() };
    let plain = Remarks::default();
    let clean = Decision::Unmodified(Passed::Clean);
    for (remarks, status) in [(&plain, "204"), (&marked, "206")] {
        let mut exchange = || {
            let mut rest = request.as_bytes();
            while let Some(event) = {
                let taken = core.handle_bytes(rest, now);
                rest = &rest[taken.bytes..];
                taken.event
            } {
                if event == Event::PreviewEnd {
                    let mut extra = headers::extra(&clean);
                    remarks.route_by(&clean, None, &mut extra);
                    let change = remarks.change(core.request(), &clean);
                    core.answer_changed(&change, &extra, now);
                }
            }
            let mut is_right = false;
            while let Some(output) = core.poll_output() {
                let Output::Send(bytes) = output else {
                    panic!("an answer without a body of ours")
                };
                is_right = bytes[9..12] == *status.as_bytes();
            }
            assert!(is_right && core.is_idle(), "{status}");
        };
        exchange();
        exchange();
        let counted = allocation_counter::measure(exchange);
        assert_eq!(counted.count_total, 0, "{status}: {counted:?}");
    }
}

/// The counter counts, or the test above says nothing.
#[test]
fn what_allocates_is_counted() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(counted.count_total, 1);
}
