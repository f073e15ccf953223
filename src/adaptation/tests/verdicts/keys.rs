//! What makes two things the same, and what keeps them apart.

use super::{connection, epoch};
use crate::adaptation::verdicts::{ContentKey, Epoch, Fingerprint, PromiseKey, SiteKey, Validator};
use crate::adaptation::{Begin, Known, Message, Options, begin};
use crate::icap::Connection;
use crate::policy::{Options as PolicyOptions, Policy, UrlParts};
use proptest::prelude::*;

fn key(epoch: &Epoch, coding: Option<&[u8]>, media: Option<&[u8]>, body: &[u8]) -> ContentKey {
    let mut print = Fingerprint::new(epoch, coding, media, None);
    print.update(body);
    print.finish().expect("no length was announced")
}

#[test]
fn every_part_of_a_content_key_counts_and_none_runs_into_another() {
    let now = epoch("now");
    let all = [
        key(&now, None, None, b"abc"),
        key(&now, None, None, b"abcd"),
        key(&now, None, None, b""),
        key(&epoch("other"), None, None, b"abc"),
        key(&now, Some(b""), None, b"abc"),
        key(&now, None, Some(b""), b"abc"),
        key(&now, Some(b"gzip"), None, b"abc"),
        key(&now, None, Some(b"gzip"), b"abc"),
        key(&now, Some(b"gzip"), Some(b"text/html"), b"abc"),
        key(&now, Some(b"gziptext"), Some(b"/html"), b"abc"),
        key(&now, Some(b"gzip"), Some(b"text/html"), b"abc"),
    ];
    for (place, one) in all.iter().enumerate() {
        let same = all.iter().filter(|other| one == *other).count();
        let want = if matches!(place, 8 | 10) { 2 } else { 1 };
        assert_eq!(same, want, "{place}");
    }
    let parts: [&[&[u8]]; 5] =
        [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""], &[b"", b"abc"]];
    for (place, one) in parts.iter().enumerate() {
        let same = parts.iter().filter(|other| Epoch::of(one) == Epoch::of(other)).count();
        assert_eq!(same, 1, "{place}");
    }
}

/// The engine may say something else about a body that is not as long as announced, so it has no key.
#[test]
fn a_body_of_another_length_than_announced_has_no_key() {
    for (announced, has_key) in [(None, true), (Some(3), true), (Some(2), false), (Some(4), false)]
    {
        let mut print = Fingerprint::new(&epoch("now"), None, None, announced);
        print.update(b"ab");
        print.update(b"c");
        let want = has_key.then(|| key(&epoch("now"), None, None, b"abc"));
        assert_eq!(print.finish(), want, "{announced:?}");
    }
}

proptest! {
    #[test]
    fn the_cutting_of_a_body_does_not_matter(
        body in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(0_usize..300, 0..8),
    ) {
        let mut print = Fingerprint::new(&epoch("now"), None, Some(b"a/b"), None);
        let mut from = 0;
        for cut in cuts {
            let to = cut.clamp(from, body.len());
            print.update(&body[from..to]);
            from = to;
        }
        print.update(&body[from..]);
        prop_assert_eq!(print.finish(), Some(key(&epoch("now"), None, Some(b"a/b"), &body)));
    }
}

const RESPMOD: &str = "RESPMOD icap://gw.test/respmod ICAP/1.0\nHost: gw.test\n";
const GET: &str = "GET http://a.example/f HTTP/1.1\nHost: a.example\n";
const GOOD: &str = "Content-Length: 5\nETag: \"v1\"\n";

fn response(request: &str, status: &str, fields: &str) -> Connection {
    let head = format!("HTTP/1.1 {status}\n{fields}");
    connection(RESPMOD, &[("req-hdr", request), ("res-hdr", &head)], Some("x"))
}

fn promised(request: &str, status: &str, fields: &str) -> Option<PromiseKey> {
    let core = response(request, status, fields);
    PromiseKey::of(core.request(), &Message::of(core.request()))
}

#[test]
fn only_a_whole_answer_with_length_and_strong_validator_is_a_promise() {
    let dates =
        "Date: Sun, 06 Nov 1994 08:50:37 GMT\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n";
    let dated = format!("Content-Length: 5\n{dates}");
    for (fields, makes) in [
        (GOOD.to_owned(), true),
        (format!("{GOOD}Vary: Accept-Encoding, Cookie\n"), true),
        (format!("{GOOD}Cache-Control: private, max-age=0\n"), true),
        ("Content-Length: 5\n".to_owned(), false),
        ("ETag: \"v1\"\n".to_owned(), false),
        ("Content-Length: 5\nETag: W/\"v1\"\n".to_owned(), false),
        (format!("{dated}ETag: W/\"v1\"\n"), false),
        ("Content-Length: 5\nETag: v1\n".to_owned(), false),
        ("Content-Length: 5\nETag: \"\"\n".to_owned(), false),
        ("Content-Length: 5\nETag: \"a\"b\"\n".to_owned(), false),
        ("Content-Length: 5\nETag: \"a b\"\n".to_owned(), false),
        (format!("{GOOD}ETag: \"v2\"\n"), false),
        (format!("{GOOD}Vary: *\n"), false),
        (format!("{GOOD}Vary: Accept\nVary: Cookie, *\n"), false),
        (format!("{GOOD}Content-Range: bytes 0-4/5\n"), false),
        (format!("{GOOD}Cache-Control: max-age=3, No-Store\n"), false),
        (dated.clone(), true),
        (format!("{dated}Vary: accept-encoding\n"), true),
        (format!("{dated}Vary: Accept-Language\n"), false),
        (dated.replace("08:50:37", "08:50:36"), false),
        (dated.replace("08:50:37", "08:00:00"), false),
        (dated.replace("06 Nov 1994 08:50", "01 Dec 1994 00:00"), true),
        (dated.replace("1994 08:50", "1995 00:00"), true),
        (dated.replace("Date: Sun, 06", "Date: Sunday, 6"), false),
        (dated.replace("Nov 1994 08:49", "Nox 1994 08:49"), false),
        (dated.replace("08:49:37", "08:99:37"), false),
        (dated.replace("37 GMT\nLast", "37 CET\nLast"), false),
        (dated.replace("Date: Sun, 06 Nov 1994 08:50:37 GMT\n", ""), false),
        (format!("{dated}Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\n"), false),
    ] {
        assert_eq!(promised(GET, "200 OK", &fields).is_some(), makes, "{fields}");
    }
    for (request, status, makes) in [
        (GET.to_owned(), "203 Changed", false),
        (GET.to_owned(), "206 Part", false),
        (GET.to_owned(), "304 Same", false),
        (GET.to_owned(), "404 None", false),
        (GET.replace("GET", "POST"), "200 OK", false),
        (GET.replace("GET", "HEAD"), "200 OK", false),
        (GET.replace("http:", "gopher:"), "200 OK", false),
        ("CONNECT a.example:443 HTTP/1.1\nHost: a.example\n".to_owned(), "200 OK", false),
        (GET.to_owned(), "200 OK", true),
    ] {
        assert_eq!(promised(&request, status, GOOD).is_some(), makes, "{request} {status}");
    }
    let upload = connection(
        "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\n",
        &[("req-hdr", &format!("{GET}{GOOD}"))],
        Some("x"),
    );
    assert_eq!(PromiseKey::of(upload.request(), &Message::of(upload.request())), None);
}

#[test]
fn everything_that_tells_objects_apart_is_in_a_promise() {
    let usual = promised(GET, "200 OK", GOOD);
    assert_eq!(usual, promised(GET, "200 Fine", &format!("{GOOD}Server: x\n")));
    assert_eq!(usual, promised(&GET.replace("a.example", "A.EXAMPLE.:80"), "200 OK", GOOD));
    for (request, fields) in [
        (GET.replace("/f", "/F"), GOOD.to_owned()),
        (GET.replace("/f", "/f?"), GOOD.to_owned()),
        (GET.replace("/f", "/%66"), GOOD.to_owned()),
        (GET.replace("http:", "https:"), GOOD.to_owned()),
        (GET.replace("a.example", "b.example"), GOOD.to_owned()),
        (GET.replace("a.example/", "a.example:81/"), GOOD.to_owned()),
        (GET.to_owned(), GOOD.replace('5', "6")),
        (GET.to_owned(), GOOD.replace("v1", "v2")),
        (GET.to_owned(), format!("{GOOD}Content-Encoding: gzip\n")),
        (GET.to_owned(), format!("{GOOD}Content-Type: text/html\n")),
    ] {
        let other = promised(&request, "200 OK", &fields);
        assert!(other.is_some() && other != usual, "{request}{fields}");
    }
}

#[test]
fn a_site_is_an_address_by_the_letter_whatever_the_method() {
    let site = |method: &str, target: &str| {
        let url = UrlParts::of(method.as_bytes(), target.as_bytes(), Some(b"a.example"));
        SiteKey::of(&url.expect("an address"))
    };
    let usual = site("GET", "http://a.example/");
    assert!(usual.is_some());
    for (method, target) in [
        ("POST", "http://a.example/"),
        ("GET", "http://a.example"),
        ("GET", "http://user@A.example:80/#part"),
        ("HEAD", "/"),
    ] {
        assert_eq!(site(method, target), usual, "{target}");
    }
    assert_eq!(site("GET", "http://a.example?q"), site("GET", "http://a.example/?q"));
    for target in [
        "https://a.example/",
        "ftp://a.example/",
        "http://a.example/a",
        "http://a.example/?",
        "http://a.example//",
        "http://b.example/",
        "http://a.example:8080/",
    ] {
        assert_ne!(site("GET", target), usual, "{target}");
    }
    assert_eq!(site("CONNECT", "a.example:443"), None, "a tunnel is not one object");
    assert_eq!(site("GET", "gopher://a.example/"), None);
}

#[test]
fn a_validator_is_the_same_at_another_address_and_a_tag_is_no_date() {
    let of = |fields: &str| {
        let core = response(GET, "200 OK", fields);
        core.request().http_response().and_then(Validator::of)
    };
    assert!(of(GOOD).is_some() && of(GOOD) == of("ETag: \"v1\"\nX: y\n"));
    assert_ne!(of(GOOD), of("ETag: \"v2\"\n"));
    assert_eq!(of(""), None);
}

#[test]
fn a_part_of_an_object_has_no_fingerprint() {
    let policy = Policy::compile(PolicyOptions::default()).expect("no lists");
    let printed = |status: &str, fields: &str| {
        let core = response(GET, status, fields);
        match begin(core.request(), &policy, &Options::default(), &Known::NOTHING) {
            Begin::Scan(plan) => Fingerprint::of(&epoch("now"), &plan).map(|mut print| {
                print.update(b"hello");
                print.finish()
            }),
            other => panic!("{other:?}"),
        }
    };
    let whole = printed("200 OK", "Content-Length: 5\nContent-Type: a/b\nContent-Encoding: gzip\n");
    assert_eq!(whole, Some(Some(key(&epoch("now"), Some(b"gzip"), Some(b"a/b"), b"hello"))));
    assert_eq!(printed("206 Part", "Content-Range: bytes 0-4/9\n"), None);
}
