//! HTTP as it is used: messages without bodies, kept connections, and transfers that break off.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::Path;

#[test]
fn messages_without_a_body_pass() {
    let path = Path::open("");
    let head = path.curl().with(&["--head"]).fetch(&path.origin.url("/size/1000"));
    assert_eq!((head.status, head.code), (200, 0), "{}", head.heads);
    assert!(
        head.heads.contains("Content-Length: 1000\r\n"),
        "HEAD keeps the length it speaks of:\n{}",
        head.heads
    );
    let none = path.curl().fetch(&path.origin.url("/no-content"));
    assert_eq!((none.status, none.body.length, none.code), (204, 0, 0), "{}", none.heads);
    let etag = ["-H", "If-None-Match: \"baleen\""];
    let same = path.curl().with(&etag).fetch(&path.origin.url("/etag"));
    assert_eq!((same.status, same.body.length, same.code), (304, 0, 0), "{}", same.heads);
    let fresh = path.curl().fetch(&path.origin.url("/etag"));
    assert_eq!((fresh.status, fresh.page().as_str()), (200, "fresh\n"));
    path.close_without_icap_errors();
}

#[test]
fn who_asks_for_a_part_gets_all_of_it_scanned() {
    let path = Path::open("");
    // The virus is behind the part.
    let part = path.curl().with(&["--range", "0-99"]).fetch(&path.origin.url("/parts/1000"));
    part.must_be_blocked();
    let harmless = path.curl().with(&["--range", "0-99"]).fetch(&path.origin.url("/size/1000"));
    harmless.must_be_whole(1000);
    path.close_without_icap_errors();
}

#[test]
fn a_part_alone_is_never_clean() {
    let parts = |path: &Path, range| {
        path.curl().with(&["--range", range]).fetch(&path.origin.url("/parts/1000"))
    };
    let path = Path::open("StripRanges = No\n");
    let part = parts(&path, "0-99");
    assert_eq!((part.status, part.code), (403, 0), "{}", part.heads);
    assert!(part.page().contains("only a part of a file"), "{}", part.page());
    // All of it is no part.
    parts(&path, "0-1067").must_be_blocked();
    path.close_without_icap_errors();
    let path = Path::open("RangeSites = 127.0.0.1\n");
    let part = parts(&path, "0-99");
    assert_eq!((part.status, part.body.length, part.code), (206, 100, 0), "{}", part.heads);
    parts(&path, "1000-1067").must_be_blocked();
    path.close_without_icap_errors();
}

#[test]
fn kept_connections_carry_one_message_after_the_other() {
    let path = Path::open("");
    let mut stream = TcpStream::connect(path.squid.address()).expect("Squid listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    for (target, want) in
        [("/size/10", 200), ("/eicar", 403), ("/size/70000", 200), ("/no-content", 204)]
    {
        let url = path.origin.url(target);
        write!(stream, "GET {url} HTTP/1.1\r\nHost: origin.test\r\n\r\n").expect("Squid reads");
        let (status, heads) = read_message(&mut stream);
        assert_eq!(status, want, "{target}: {heads}");
    }
    path.close_without_icap_errors();
}

#[test]
fn an_origin_that_hangs_up_is_not_taken_for_a_whole_answer() {
    let path = Path::open("");
    let short = path.curl().fetch(&path.origin.url("/short/1000000"));
    // Either curl sees the break, or the answer is an error page; never a whole 200.
    assert!(short.code != 0 || short.status >= 400, "{}", short.heads);
    path.curl().fetch(&path.origin.url("/size/1000")).must_be_whole(1000);
}

#[test]
fn a_client_that_goes_away_harms_nobody() {
    let path = Path::open("");
    for _ in 0..20 {
        let mut curl = path
            .curl()
            .with(&["--limit-rate", "100k", &path.origin.url("/size/20000000")])
            .into_command();
        let mut child = curl.stdout(Stdio::piped()).spawn().expect("sh tests/run installs curl");
        // Held back or not: whether bytes come before the verdict is the gateway's choice, so the one
        // who goes away does so without waiting for them on every second turn.
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
        let mut stream = TcpStream::connect(path.squid.address()).expect("Squid listens");
        write!(stream, "GET {} HTTP/1.1\r\nHost: o\r\n\r\n", path.origin.url("/size/20000000"))
            .expect("Squid reads");
        drop(stream);
    }
    path.curl().fetch(&path.origin.url("/size/1000000")).must_be_whole(1_000_000);
    path.curl().fetch(&path.origin.url("/eicar")).must_be_blocked();
    assert!(path.gateway.stop().success(), "the gateway has survived it");
}

/// Reads one answer with its body; status and head.
#[track_caller]
fn read_message(stream: &mut TcpStream) -> (u16, String) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("ASCII");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    if let Some(length) = length {
        let mut body = vec![0; length.trim().parse().expect("a number")];
        stream.read_exact(&mut body).expect("a whole body");
    } else {
        assert!(
            status == 204 || lower.contains("transfer-encoding: chunked"),
            "a body has an end: {head}"
        );
        if status != 204 {
            read_chunks(stream);
        }
    }
    (status, head)
}

#[track_caller]
fn read_chunks(stream: &mut TcpStream) {
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            stream.read_exact(&mut byte).expect("a whole line");
            line.push(byte[0]);
        }
        let digits = String::from_utf8(line).expect("ASCII");
        let length = usize::from_str_radix(digits.trim(), 16).expect("a size");
        let mut chunk = vec![0; length + 2];
        stream.read_exact(&mut chunk).expect("a whole chunk");
        if length == 0 {
            return;
        }
    }
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
