//! What a request leaves for its response: the value, who is told, who is believed.

use super::connection;
use crate::adaptation::bequest::{self, Bequest};
use crate::adaptation::decision::{Cause, Decision, Passed};
use crate::adaptation::release::{Chosen, Way};
use crate::adaptation::{self, Begin, Known, Remarks};
use crate::icap::{Connection, Extra, IsTag};
use crate::policy::{Options, Policy, RuleSource, State};

const NAME: &str = "X-Baleen-Context";
const GET: &str = "GET http://a.example/ HTTP/1.1\n";

fn policy(rules: &str) -> Policy {
    let rules = vec![RuleSource { name: "rules".into(), text: rules.to_owned() }];
    Policy::compile(Options { rules, ..Options::default() }).expect("a policy")
}

fn request(body: Option<&str>) -> Connection {
    let line = "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\nAllow: 204\n";
    connection(line, &[("req-hdr", GET)], body)
}

fn response(fields: &str) -> Connection {
    let line = format!("RESPMOD icap://gw.test/respmod ICAP/1.0\nHost: gw.test\n{fields}");
    connection(&line, &[("req-hdr", GET), ("res-hdr", "HTTP/1.1 200 OK\n")], Some("x"))
}

/// What rules change about a GET of anna's.
fn state(policy: &Policy) -> State {
    let core = request(None);
    let options = adaptation::Options::default();
    let known = Known::NOTHING;
    adaptation::begin_after(State::default(), core.request(), policy, &options, &known).1
}

fn tag() -> IsTag {
    IsTag::of(b"database", b"policy")
}

const FULL: &str = "user nobody : ADD user_group g0\n\
    SET scan = No, SET url_category = Jobs, ADD url_category = Chats, SET user_group = g1, \
    SET release = Tail, SET next_services = \"sandbox, dlp\"\n";

#[test]
fn every_state_comes_back() {
    for rules in [
        "",
        "SET scan = No",
        "SET release = Hold",
        "user nobody : PASS\nSET release = Tail",
        "SET next_services = None",
        "user nobody : SET next_services = a\nSET next_services = b",
        "ADD url_category Jobs, ADD user_group g",
        "SET url_category = Jobs",
        FULL,
    ] {
        let policy = policy(rules);
        let state = state(&policy);
        assert_eq!(policy.state_of(state.words()), Some(state), "{rules}");
        for id in [(0, 1), (3, 2048), (u64::MAX, u64::MAX)] {
            let value = bequest::encode(id, &state, &tag());
            let back = Bequest::decode(value.as_bytes(), &policy, &tag());
            assert_eq!(back, Some(Bequest { id, state: Some(state) }), "{rules}: {value}");
            assert!(value.len() <= bequest::VALUE_BYTES_MAX);
            // Of another database or policy only the name is taken.
            let other = IsTag::of(b"database", b"another policy");
            let back = Bequest::decode(value.as_bytes(), &policy, &other);
            assert_eq!(back, Some(Bequest { id, state: None }));
        }
    }
    let value = bequest::encode((1, 20), &state(&policy("SET scan = No")), &tag());
    let epoch = tag().epoch().to_owned();
    assert_eq!((value, epoch.len()), (format!("1-20;{epoch};1.0.0.0.0.0"), 16));
}

#[test]
fn nothing_is_read_but_what_is_written() {
    let policy = policy("SET scan = No, SET release = Tail, SET next_services = a");
    let tag = tag();
    let epoch = tag.epoch();
    let decode = |value: &str| Bequest::decode(value.as_bytes(), &policy, &tag);
    let good = bequest::encode((1, 20), &state(&policy), &tag);
    assert!(decode(&good).is_some());
    // What is read all the same, as another count is, says nothing but what it looks like.
    let says_itself = |bytes: &[u8]| match Bequest::decode(bytes, &policy, &tag) {
        Some(Bequest { id, state: Some(state) }) => {
            bequest::encode(id, &state, &tag).as_bytes() == bytes
        }
        Some(Bequest { state: None, .. }) => {
            !bytes.windows(16).any(|some| some == epoch.as_bytes())
        }
        None => true,
    };
    for at in 0..good.len() {
        for byte in 0..=u8::MAX {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = byte;
            assert!(says_itself(&bytes), "{}", bytes.escape_ascii());
        }
        assert_eq!(decode(&good[..at]), None, "{}", &good[..at]);
        let shorter = format!("{}{}", &good[..at], &good[at + 1..]);
        assert!(says_itself(shorter.as_bytes()), "{shorter}");
    }
    for bad in [
        String::new(),
        format!("01-20;{epoch};0.0.0.0.0.0"),
        format!("+1-20;{epoch};0.0.0.0.0.0"),
        format!("1-20;{epoch};00.0.0.0.0.0"),
        format!("1-20;{epoch};+0.0.0.0.0.0"),
        format!("1-20;{epoch};0.0.0.0.0"),
        format!("1-20;{epoch};0.0.0.0.0.0.0"),
        format!("1-20;{epoch};0.0.0.0.0.0;"),
        format!("1-20;{epoch};0.0.0.0.0.0 "),
        format!("1-20;{epoch};0.0.0.A.0.0"),
        // A flag, a category, a rule, a way and a plan that do not exist, and categories without their flag.
        format!("1-20;{epoch};8.0.0.0.0.0"),
        format!("1-20;{epoch};0.0.80000000.0.0.0"),
        format!("1-20;{epoch};0.0.0.0.ffe.0"),
        format!("1-20;{epoch};0.0.0.0.4.0"),
        format!("1-20;{epoch};0.0.0.0.3.0"),
        format!("1-20;{epoch};0.0.0.0.0.2"),
        format!("1-20;{epoch};0.1.0.0.0.0"),
        format!("1-20;{epoch};{}.0.0.0.0.0", u128::MAX),
        format!("18446744073709551616-1;{epoch};0.0.0.0.0.0"),
        "0".repeat(100_000),
    ] {
        assert_eq!(decode(&bad), None, "{bad:.60}");
    }
    assert_eq!(Bequest::decode(b"\xff\xfe", &policy, &tag), None);
}

#[test]
fn a_response_takes_what_one_field_says() {
    let policy = policy("direction request : SET release = Tail");
    let value = bequest::encode((1, 20), &state(&policy), &tag());
    let read = |fields: &str| Bequest::of(response(fields).request(), NAME, &policy, &tag());
    let bequest = read(&format!("x-baleen-context: {value}\n")).expect("it is read");
    assert_eq!(bequest.id, (1, 20));
    assert_eq!(read(&format!("{NAME}: {value}\n{NAME}: {value}\n")), None);
    assert_eq!(read(&format!("X-Other: {value}\n")), None);
    assert_eq!(read(""), None);
    let line = format!("REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\n{NAME}: {value}\n");
    let asked = connection(&line, &[("req-hdr", GET)], None);
    assert_eq!(Bequest::of(asked.request(), NAME, &policy, &tag()), None);
    // What the rule said about the request decides about the response.
    let core = response("");
    let options = adaptation::Options::default();
    let before = bequest.state.expect("the same policy");
    let begin = |before| match adaptation::begin_after(
        before,
        core.request(),
        &policy,
        &options,
        &Known::NOTHING,
    ) {
        (Begin::Scan(plan), state) if plan.state == state => plan.release,
        other => panic!("{other:?}"),
    };
    assert_eq!(begin(State::default()).chosen, Chosen::Release);
    assert_eq!((begin(before).way, begin(before).chosen), (Way::Tail, Chosen::Rule(0)));
}

#[test]
fn only_a_request_that_goes_on_tells_its_response() {
    let told = |core: &Connection, decision: &Decision| {
        let mut extra = Extra::new();
        bequest::share(core.request(), NAME, || "1-2;x".to_owned(), decision, &mut extra);
        extra
    };
    let mut field = Extra::new();
    field.field(NAME, "1-2;x");
    let passed = Decision::Unmodified(Passed::NoBody);
    assert_eq!(told(&request(None), &passed), field);
    assert_eq!(told(&request(Some("x")), &Decision::AskForAll), field);
    assert_eq!(told(&request(None), &Decision::Block(Box::new(Cause::Hook))), Extra::new());
    assert_eq!(told(&response(""), &passed), Extra::new());
    assert_eq!(Remarks::default().shared, None);
}
