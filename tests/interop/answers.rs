//! Answers beyond 204 and 200: another head before the same body (206), a verdict behind the body (trailers), services
//! that a message goes to next, and clients with a profile of their own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Path;
use crate::body;
use crate::curl::Curl;
use crate::fixture::gateway::Gateway;
use crate::head::read_head;
use crate::origin::Origin;
use crate::squid::Squid;

const MARK: &str = "ScannedHeader = \"X-Scanned-By: Baleen\"\n";

#[test]
fn a_marked_response_arrives_whole_through_squid_and_short_ones_by_206() {
    let mut path = Path::open(MARK);
    for length in [0, 1, 1000, 61_439, 61_440, 61_441, 65_535, 65_536, 200_000] {
        for kind in ["size", "chunked"] {
            let fetched = path.curl().fetch(&path.origin.url(&format!("/{kind}/{length}")));
            fetched.must_be_whole(length);
            let marks = fetched.heads.matches("X-Scanned-By: Baleen").count();
            match (kind, length) {
                // What has no body at all was not scanned, and goes back as it is.
                ("size", 0) => assert_eq!(marks, 0),
                (_, ..65_535) => assert_eq!(marks, 1, "{kind} {length}"),
                // Where this Squid stalls (its bug 5352) the answer begins before the verdict.
                _ => assert!(marks <= 1, "{kind} {length}"),
            }
        }
    }
    let blocked = path.curl().fetch(&path.origin.url("/eicar"));
    blocked.must_be_blocked();
    assert!(!blocked.heads.contains("X-Scanned-By"), "{}", blocked.heads);
    path.squid.wait_for_icap_log(" 206 RESPMOD ");
    path.squid.wait_for_icap_log(" 200 RESPMOD ");
    path.close_without_icap_errors();
}

#[test]
fn a_forged_mark_is_gone_and_a_long_body_stays_with_squid() {
    let rule = "MimeRules = \"application/octet-stream pass\"\n";
    let mut path = Path::open(&format!("{MARK}{rule}"));
    for length in [10, 61_440, 65_536, 3_000_000] {
        let fetched = path.curl().fetch(&path.origin.url(&format!("/forged/{length}")));
        fetched.must_be_whole(length);
        assert!(!fetched.heads.contains("X-Scanned-By"), "{}", fetched.heads);
    }
    path.squid.wait_for_icap_log(" 206 RESPMOD ");
    path.close_without_icap_errors();
    // Switched off, the body goes there and back.
    let path = Path::open(&format!("{MARK}{rule}Use206 = No\n"));
    let fetched = path.curl().fetch(&path.origin.url("/forged/300000"));
    fetched.must_be_whole(300_000);
    assert!(!fetched.heads.contains("X-Scanned-By"), "{}", fetched.heads);
    path.close_without_icap_errors();
}

/// Squid announces trailers with every request: it reads ours, and the body in front of it is whole.
#[test]
fn an_answer_that_runs_ahead_of_its_verdict_has_a_trailer_that_squid_reads() {
    let path = Path::open("StallTimeout = 0.01s\n");
    let length = 400_000;
    let mut stream = TcpStream::connect(path.squid.address()).expect("Squid listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let url = path.origin.url(&format!("/halves/{length}"));
    write!(stream, "GET {url} HTTP/1.0\r\n\r\n").expect("Squid reads");
    // The head comes although the origin has stopped: the gateway has answered ahead.
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    path.origin.go_on();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("a whole body");
    assert!(rest == body::bytes(length), "{} bytes came", rest.len());
    path.close_without_icap_errors();
}

/// Without Squid in between the trailer itself can be seen.
#[test]
fn the_trailer_tells_the_verdict_and_its_absence_breaks_the_answer() {
    let gateway = Gateway::start("StallTimeout = 0.01s\n");
    let (answer, _) = late(gateway.icap(), "Allow: trailers\r\n", b"harmless");
    assert!(answer.contains("\r\nAllow: trailers\r\nTrailer: X-Response-Info, X-Virus-ID\r\n"));
    assert!(answer.ends_with("\r\n0\r\n\r\nX-Response-Info: Clean\r\n\r\n"), "{}", end(&answer));
    let (answer, _) = late(gateway.icap(), "", b"harmless");
    assert!(!answer.contains("Trailer:") && answer.ends_with("\r\n0\r\n\r\n"), "{}", end(&answer));
    let (answer, _) = late(gateway.icap(), "Allow: trailers\r\n", &body::eicar());
    assert!(!answer.contains("\r\n0\r\n") && !answer.contains("Clean"), "{}", end(&answer));
    let switched = Gateway::start("StallTimeout = 0.01s\nUseTrailers = No\n");
    let (answer, _) = late(switched.icap(), "Allow: trailers\r\n", b"harmless");
    assert!(!answer.contains("Trailer:") && answer.ends_with("\r\n0\r\n\r\n"), "{}", end(&answer));
}

fn end(answer: &str) -> String {
    answer.chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect()
}

/// A download of which the last bytes come only after the answer has begun; closes after it.
#[track_caller]
fn late(gateway: SocketAddr, fields: &str, last: &[u8]) -> (String, usize) {
    let mut stream = TcpStream::connect(gateway).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let head = "HTTP/1.1 200 OK\r\nServer: o\r\n\r\n";
    write!(
        stream,
        "RESPMOD icap://{gateway}/respmod ICAP/1.0\r\nHost: {gateway}\r\nConnection: close\r\n{fields}\
         Encapsulated: res-hdr=0, res-body={}\r\n\r\n{head}",
        head.len()
    )
    .expect("it reads");
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    stream.write_all(&chunk(&vec![b'a'; 300_000])).expect("it reads");
    let begun = read_head(&mut stream);
    assert!(begun.starts_with("ICAP/1.0 200 OK"), "{begun}");
    stream.write_all(&chunk(last)).expect("it reads");
    stream.write_all(b"0\r\n\r\n").expect("it reads");
    let mut rest = Vec::new();
    // A broken end may well be a reset.
    let _broken = stream.read_to_end(&mut rest);
    (begun + &String::from_utf8_lossy(&rest), rest.len())
}

#[test]
fn squid_asks_the_services_that_the_answer_names() {
    let second = Gateway::start("ScannedHeader = \"X-Second: seen\"\n");
    let first = Gateway::start("NextServices = second\n");
    let alone = Gateway::start("");
    for (gateway, is_seen) in [(first, true), (alone, false)] {
        let lines = format!(
            "icap_enable on\n\
             icap_service first respmod_precache icap://{}/respmod routing=on bypass=off\n\
             icap_service second respmod_precache icap://{}/respmod bypass=off\n\
             adaptation_access first allow all\n",
            gateway.icap(),
            second.icap()
        );
        let (squid, origin) = (Squid::start_with(None, &lines), Origin::start());
        let fetched = Curl::through(squid.address()).fetch(&origin.url("/size/1000"));
        fetched.must_be_whole(1000);
        assert_eq!(fetched.heads.contains("X-Second: seen"), is_seen, "{}", fetched.heads);
        Curl::through(squid.address()).fetch(&origin.url("/eicar")).must_be_blocked();
        squid.stop_without_icap_errors();
    }
}

#[test]
fn a_listener_serves_its_clients_as_they_want_it() {
    let gateway = Gateway::start("ListenAs = 127.0.0.1:0 nextcloud, 127.0.0.1:0 owncloud\n");
    let file = gateway.config().with_file_name("state").join("run/icap.addr");
    let addresses: Vec<SocketAddr> = fs::read_to_string(file)
        .expect("it listens")
        .lines()
        .map(|line| line.parse().expect("an address"))
        .collect();
    assert_eq!(addresses.len(), 3);
    let ask = |address: SocketAddr, text: String| {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(text.as_bytes()).expect("it reads");
        read_head(&mut stream)
    };
    let options = |address: &SocketAddr| {
        ask(
            *address,
            format!("OPTIONS icap://{address}/avscan ICAP/1.0\r\nHost: {address}\r\n\r\n"),
        )
    };
    assert!(options(&addresses[0]).contains("Transfer-Preview: *"));
    for special in &addresses[1..] {
        let said = options(special);
        assert!(
            said.contains("Transfer-Complete: *") && said.contains("Connection: close"),
            "{said}"
        );
    }
    let upload = |numbers: &str, content: &[u8]| {
        let head = "PUT / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
        let content = String::from_utf8_lossy(content).into_owned();
        format!(
            "REQMOD icap://gw/avscan ICAP/1.0\r\nHost: gw\r\nAllow: 204\r\n\
             Encapsulated: req-hdr=0, req-body={numbers}\r\n\r\n{head}{:x}\r\n{content}\r\n0\r\n\r\n",
            content.len()
        )
    };
    let found = ask(addresses[1], upload("35", &body::eicar()));
    assert!(found.contains("X-Virus-Name: ") && found.contains("X-Infection-Found: "), "{found}");
    // An archive nobody can look into is neither clean nor infected.
    let broken = ask(addresses[1], upload("35", b"PK\x03\x04\x14\0\x01\0\x08\0\0\0\0\0\0\0\0\0\x10\0\0\0\x10\0\0\0\x01\0\0\0a0123456789abcdef"));
    assert!(broken.starts_with("ICAP/1.0 500 ") && broken.contains("X-Error-Code: "), "{broken}");
    let miscounted = ask(addresses[2], upload("3", b"harmless"));
    assert!(miscounted.starts_with("ICAP/1.0 204 "), "{miscounted}");
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
