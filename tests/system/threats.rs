//! Threats through the whole service: kinds that the administrator tolerates, and expressions that are
//! looked for beside the shard.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::fixture::gateway::Gateway;

/// The whole answer to a RESPMOD with this body, which may be answered with 204.
#[track_caller]
fn respmod(gateway: &Gateway, body: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";
    let request = format!(
        "RESPMOD icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nAllow: 204\r\nConnection: close\r\n\
         Encapsulated: res-hdr=0, res-body={}\r\n\r\n{head}{:x}\r\n{body}\r\n0\r\n\r\n",
        head.len(),
        body.len()
    );
    let mut stream = TcpStream::connect(gateway.icap()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

/// A tolerated threat in front must not let a blocked one through behind it.
#[test]
fn a_tolerated_threat_hides_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kinds.ndb");
    // "a funny marker" and "an evil marker".
    let lines = "Joke.Win.Funny:0:*:612066756e6e79206d61726b6572\n\
                 Win.Trojan.Evil:0:*:616e206576696c206d61726b6572\n";
    std::fs::write(&file, lines).expect("a writable folder");
    let settings = format!("BlockJokes = No\n[ScanEngine]\nDatabaseDir = {}", file.display());
    let gateway = Gateway::start(&settings);
    let funny = respmod(&gateway, "here is a funny marker");
    assert!(funny.starts_with("ICAP/1.0 204 "), "{funny}");
    for both in ["a funny marker, then an evil marker", "an evil marker, then a funny marker"] {
        let answer = respmod(&gateway, both);
        assert!(answer.contains("403 Forbidden") && answer.contains("Win.Trojan.Evil"), "{answer}");
    }
    assert!(gateway.stop().success());
}

/// Regular expressions look at the whole object, on a side thread: before the verdict, not after it.
#[test]
fn a_regular_expression_with_its_trigger_is_blocked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("token.ldb");
    let line =
        "Win.Trojan.Token;Engine:81-255,Target:0;0&1;746f6b656e3d;0/key-([0-9]{2,})-\\1end/\n";
    std::fs::write(&file, line).expect("a writable folder");
    let gateway = Gateway::start(&format!("[ScanEngine]\nDatabaseDir = {}", file.display()));
    let (trigger, hit, miss) = ("token=", "key-4711-4711end", "key-4711-4712end");
    // Small enough for the shard itself, and too large for it.
    for filling in [100, 20_000].map(|count| ".".repeat(count)) {
        let answer = respmod(&gateway, &format!("{trigger}{filling}{hit}{filling}"));
        assert!(answer.contains("403 Forbidden") && answer.contains("Trojan.Token"), "{answer}");
        for (first, second) in [(trigger, miss), ("", hit), (trigger, "")] {
            let answer = respmod(&gateway, &format!("{first}{filling}{second}{filling}"));
            assert!(answer.starts_with("ICAP/1.0 204 "), "{answer}");
        }
    }
    assert!(gateway.stop().success());
}
