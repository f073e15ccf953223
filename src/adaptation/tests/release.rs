//! What may leave before the verdict: each step, its place in the order, and windows over bodies without an end.

use std::borrow::Cow;
use std::time::Duration;

use super::connection;
use crate::adaptation::release::{Chosen, Early, ReleaseOptions, ReleasePlan, Trickle, Way};
use crate::adaptation::{self, Begin, Known, Rolling, Unchecked, Windows};
use crate::icap::{Ahead, Profile};
use crate::policy::{Options, Pattern, Policy, RuleSource, STREAM_TYPES};

const RESPMOD: &str = "RESPMOD icap://gw.test/respmod ICAP/1.0\nHost: gw.test\nAllow: 204\n";
const REQMOD: &str = "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\nAllow: 204\n";
const GET: &str = "GET http://a.example/ HTTP/1.1\n";

fn policy(tail_types: &[&str]) -> Policy {
    let tail_types = tail_types.iter().map(|text| Pattern::parse(text).expect("a type")).collect();
    Policy::compile(Options { tail_types, ..Options::default() }).expect("a policy")
}

/// The plan for a response with this head.
fn plan(head: &str, policy: &Policy, options: &adaptation::Options) -> ReleasePlan {
    plan_as(head, Ahead::May, policy, options)
}

fn plan_as(
    head: &str,
    ahead: Ahead,
    policy: &Policy,
    options: &adaptation::Options,
) -> ReleasePlan {
    let head = if head.starts_with("HTTP/") {
        head.to_owned()
    } else {
        format!("HTTP/1.1 200 OK\n{head}")
    };
    let connection = connection(RESPMOD, &[("req-hdr", GET), ("res-hdr", &head)], Some("x"));
    let mut message = adaptation::Message::of(connection.request());
    assert_eq!(message.ahead, Ahead::May, "the profile of the tests is a proxy's");
    message.ahead = ahead;
    match adaptation::begin_message(message, policy, options, &Known::NOTHING) {
        Begin::Scan(plan) => plan.release,
        other => panic!("{head}: not scanned: {other:?}"),
    }
}

fn upload(head: &str, policy: &Policy, options: &adaptation::Options) -> ReleasePlan {
    let head = format!("POST http://a.example/ HTTP/1.1\n{head}");
    let connection = connection(REQMOD, &[("req-hdr", &head)], Some("x"));
    match adaptation::begin(connection.request(), policy, options, &Known::NOTHING) {
        Begin::Scan(plan) => plan.release,
        other => panic!("not scanned: {other:?}"),
    }
}

fn chosen(plan: ReleasePlan) -> (Way, bool, &'static str) {
    let name = match plan.chosen.name() {
        Cow::Borrowed(name) => name,
        Cow::Owned(name) => panic!("by {name}"),
    };
    (plan.way, plan.is_endless, name)
}

#[test]
fn each_step_decides_in_its_place() {
    let options = adaptation::Options::default();
    let films = policy(&["video/*", "audio/mpeg"]);
    let said = |head: &str| chosen(plan(head, &films, &options));
    assert_eq!(said("Content-Type: text/html\nContent-Length: 5\n"), (Way::Hold, false, "Release"));
    assert_eq!(said("Content-Type: text/html\n"), (Way::Hold, false, "Release"));
    assert_eq!(said(""), (Way::Hold, false, "Release"));
    assert_eq!(said("Content-Type: video/mp4\n"), (Way::Tail, false, "TailTypes"));
    // A type of both lists is a stream where it has no length.
    assert_eq!(said("Content-Type: Audio/MPEG; x=y\n"), (Way::Tail, true, "StreamTypes"));
    let song = "Content-Type: audio/mpeg\nContent-Length: 4000000\n";
    assert_eq!(said(song), (Way::Tail, false, "TailTypes"));
    assert_eq!(chosen(plan(song, &policy(&[]), &options)), (Way::Hold, false, "Release"));
    let long = "Content-Type: application/zip\nContent-Length: 67108865\n";
    assert_eq!(said(long), (Way::Tail, false, "TailSize"));
    assert_eq!(said(&long.replace("65\n", "64\n")), (Way::Hold, false, "Release"));
    let tail = ReleaseOptions { way: Way::Tail, ..ReleaseOptions::default() };
    let tail = adaptation::Options { release: tail, ..options };
    assert_eq!(chosen(plan(long, &films, &tail)), (Way::Tail, false, "Release"));
}

#[test]
fn radio_is_known_by_its_fields_and_every_stream_type_by_its_name() {
    let (options, policy) = (adaptation::Options::default(), policy(&[]));
    for field in ["icy-name: Radio", "ICY-METAINT: 16000", "icy-br: 128", "icy-genre: Jazz"] {
        let said = |more: &str| chosen(plan(&format!("{field}\n{more}"), &policy, &options));
        assert_eq!(said(""), (Way::Tail, true, "StreamTypes"));
        assert_eq!(said("Content-Length: 5\n"), (Way::Hold, false, "Release"));
    }
    for mime in STREAM_TYPES.split(", ") {
        let head = format!("Content-Type: {mime}\n");
        assert_eq!(chosen(plan(&head, &policy, &options)), (Way::Tail, true, "StreamTypes"));
    }
}

#[test]
fn uploads_are_held_whatever_they_are() {
    let all = policy(&["*"]);
    let release = ReleaseOptions { way: Way::Tail, ..ReleaseOptions::default() };
    let options = adaptation::Options { release, ..adaptation::Options::default() };
    for head in ["Content-Type: audio/mpeg\n", "Content-Length: 99999999999\n", "icy-name: x\n"] {
        let plan = upload(head, &all, &options);
        assert_eq!(chosen(plan), (Way::Hold, false, "request"));
        assert_eq!((plan.tail_from, plan.trickle), (None, None));
        assert_eq!(plan.early(u64::MAX, Duration::MAX), None);
    }
}

#[test]
fn a_client_that_is_no_proxy_is_never_answered_ahead() {
    let all = policy(&["*"]);
    let options = adaptation::Options::default();
    let plan = plan_as("Content-Type: audio/mpeg\n", Ahead::Never, &all, &options);
    assert_eq!(chosen(plan), (Way::Hold, false, "Profile"));
    assert_eq!(plan.early(u64::MAX, Duration::MAX), None);
    let never = ["nextcloud", "owncloud", "rspamd", "c-icap-client"];
    for profile in Profile::ALL {
        let want = if never.contains(&profile.name) { Ahead::Never } else { Ahead::May };
        assert_eq!(profile.ahead, want, "{}", profile.name);
    }
}

#[test]
fn a_rule_has_the_last_word_where_somebody_waits_for_the_body() {
    let ruled = |way: &str| {
        let text = format!("user nobody : PASS\nSET release = {way}");
        let rules = vec![RuleSource { name: "rules".into(), text }];
        let tail_types = vec![Pattern::parse("video/*").expect("a type")];
        Policy::compile(Options { rules, tail_types, ..Options::default() }).expect("a policy")
    };
    let options = adaptation::Options::default();
    let all = [
        "",
        "Content-Type: video/mp4\n",
        "Content-Type: audio/mpeg\n",
        "Content-Length: 99999999\n",
    ];
    for head in all {
        let held = plan(head, &ruled("hold"), &options);
        assert_eq!((held.way, held.is_endless, held.chosen), (Way::Hold, false, Chosen::Rule(1)));
        assert_eq!(held.early(u64::MAX, Duration::MAX), None);
        let tail = plan(head, &ruled("Tail"), &options);
        assert_eq!((tail.way, tail.chosen), (Way::Tail, Chosen::Rule(1)));
        assert_eq!(tail.is_endless, head.contains("audio/mpeg"));
        assert_eq!(tail.reason(Early::Way), "rule 2");
        let sent = upload(head, &ruled("Tail"), &options);
        assert_eq!((sent.way, sent.is_endless, sent.chosen), (Way::Tail, false, Chosen::Rule(1)));
        let asked = plan_as(head, Ahead::Never, &ruled("Tail"), &options);
        assert_eq!(chosen(asked), (Way::Hold, false, "Profile"));
    }
}

#[test]
fn a_piece_that_will_be_blocked_is_held() {
    let all = policy(&["*"]);
    let options = adaptation::Options::default();
    let piece =
        "HTTP/1.1 206 Partial Content\nContent-Range: bytes 5-9/10\nContent-Type: video/mp4\n";
    assert_eq!(chosen(plan(piece, &all, &options)), (Way::Hold, false, "BlockFragments"));
    let passing = adaptation::Options { fragments: Unchecked::Pass, ..options };
    assert_eq!(chosen(plan(piece, &all, &passing)), (Way::Tail, false, "TailTypes"));
}

#[test]
fn what_is_held_turns_to_tail_when_it_is_long_and_trickles_when_it_takes_long() {
    let seconds = Duration::from_secs;
    let plan = plan("", &policy(&[]), &adaptation::Options::default());
    assert_eq!(plan.early(64 << 20, seconds(29)), None);
    assert_eq!(plan.early((64 << 20) + 1, seconds(0)), Some(Early::Grown));
    assert_eq!(plan.early(0, seconds(30)), Some(Early::Slow));
    assert_eq!(plan.early((64 << 20) + 1, seconds(30)), Some(Early::Grown));
    let whole = ReleasePlan { tail_from: None, trickle: None, ..plan };
    assert_eq!(whole.early(u64::MAX, Duration::MAX), None);
    let named = [Early::Way, Early::Grown, Early::Slow, Early::Stalled];
    assert_eq!(
        named.map(|early| plan.reason(early)),
        ["Release", "TailSize", "TrickleDelay", "StallTimeout"]
    );
    let tail = ReleasePlan { way: Way::Tail, chosen: Chosen::TailTypes, ..plan };
    assert_eq!(tail.early(0, seconds(0)), Some(Early::Way));
    assert_eq!(tail.reason(Early::Way), "TailTypes");
}

#[test]
fn pieces_follow_each_other_at_the_interval() {
    let ms = Duration::from_millis;
    let trickle = Trickle { delay: ms(30_000), interval: ms(10_000) };
    for (held, pieces, next) in [
        (0, 0, 30_000),
        (29_999, 0, 1),
        (30_000, 1, 10_000),
        (39_999, 1, 1),
        (40_000, 2, 10_000),
        (125_000, 10, 5_000),
    ] {
        assert_eq!(trickle.pieces(ms(held)), pieces, "{held}");
        assert_eq!(trickle.next(ms(held)), ms(next), "{held}");
    }
    let odd = Trickle { delay: ms(0), interval: ms(0) };
    assert_eq!((odd.pieces(ms(5)), odd.next(ms(5))), (6, ms(1)));
    assert!(odd.next(Duration::MAX) > ms(0));
}

#[test]
fn release_is_no_part_of_the_tag() {
    let options = adaptation::Options::default();
    let release = ReleaseOptions { way: Way::Tail, tail_bytes: None, trickle: None };
    assert_eq!(options.digest(), adaptation::Options { release, ..options }.digest());
    assert_eq!(policy(&[]).digest(), policy(&["video/*"]).digest());
}

#[test]
fn windows_fit_the_budgets_of_a_scan() {
    let large = Rolling::within(16 << 30, 8 << 30);
    assert_eq!(large, Rolling { window_bytes: 64 << 20, overlap_bytes: 64 << 10 });
    assert_eq!(Rolling::within(1 << 20, 8 << 30).window_bytes, 1 << 19);
    assert_eq!(Rolling::within(8 << 30, 1 << 20).window_bytes, 1 << 20);
    for bytes in [0, 1, 1 << 10, 1 << 16, 1 << 20] {
        let small = Rolling::within(bytes, bytes);
        assert!(small.overlap_bytes > 0, "{bytes}");
        assert!(small.overlap_bytes as u64 * 2 < small.window_bytes, "{bytes}");
    }
}

/// Feeds a body in pieces and returns what each scan would have seen.
fn scans(body: &[u8], rolling: Rolling, piece: impl Fn(usize) -> usize) -> Vec<Vec<u8>> {
    let mut windows = Windows::new(rolling);
    let mut scans = vec![Vec::new()];
    let (mut at, mut turn) = (0, 0);
    while at < body.len() {
        let mut rest = &body[at..body.len().min(at + piece(turn))];
        at += rest.len();
        turn += 1;
        while !rest.is_empty() {
            if windows.is_full() {
                scans.push(windows.begin_anew().concat());
            }
            let taken = windows.take(rest);
            scans.last_mut().expect("a scan").extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
        }
        assert!(windows.memory_bytes() <= rolling.overlap_bytes);
    }
    scans
}

#[test]
fn what_lies_over_a_seam_is_in_one_window_whole() {
    let rolling = Rolling { window_bytes: 100, overlap_bytes: 16 };
    let pattern = b"<sixteen bytes!>";
    for at in 0..600 {
        let mut body: Vec<u8> =
            (0..700).map(|place| b'a' + u8::try_from(place % 23).expect("small")).collect();
        body[at..at + pattern.len()].copy_from_slice(pattern);
        let whole = scans(&body, rolling, |_| 1000);
        let holds = |scan: &Vec<u8>| scan.windows(pattern.len()).any(|some| some == pattern);
        assert!(whole.iter().any(holds), "at {at}");
        assert!(whole.iter().all(|scan| scan.len() <= 100));
        // How the body is cut changes nothing.
        for size in [1, 7, 16, 99, 100, 101] {
            assert_eq!(scans(&body, rolling, |_| size), whole, "at {at}, by {size}");
        }
        assert_eq!(scans(&body, rolling, |turn| 1 + turn * 37 % 61), whole, "at {at}");
    }
}

#[test]
fn windows_lose_nothing_and_repeat_only_the_overlap() {
    let rolling = Rolling { window_bytes: 100, overlap_bytes: 16 };
    let body: Vec<u8> =
        (0..1000_u32).map(|place| u8::try_from(place % 251).expect("small")).collect();
    let scans = scans(&body, rolling, |turn| 1 + turn % 40);
    let mut joined = scans[0].clone();
    for scan in &scans[1..] {
        assert!(joined.ends_with(&scan[..16]));
        joined.extend_from_slice(&scan[16..]);
    }
    assert_eq!(joined, body);
}

#[test]
fn a_quiet_stream_takes_little_memory() {
    let mut windows = Windows::new(Rolling::within(16 << 30, 8 << 30));
    assert_eq!(windows.memory_bytes(), 0);
    for _ in 0..100 {
        assert_eq!(windows.take(b"data: tick\n\n"), 12);
    }
    assert!(windows.memory_bytes() <= 4096, "{}", windows.memory_bytes());
    assert!(!windows.is_full());
}
