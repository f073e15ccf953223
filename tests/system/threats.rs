//! Kinds of threat that the administrator tolerates.

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
