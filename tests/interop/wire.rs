//! What is on the wire, judged by tshark: an ICAP reader that neither we nor Squid wrote.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::body;
use crate::fixture::gateway::Gateway;
use crate::pcap::{Capture, Speaker};

/// Speaks to the gateway and lets tshark read both sides. The value has one line for each answer.
#[track_caller]
fn decoded(gateway: &Gateway, requests: &[Vec<u8>]) -> String {
    let mut capture = Capture::new(gateway.icap().port());
    let mut stream = TcpStream::connect(gateway.icap()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    for request in requests {
        stream.write_all(request).expect("it reads");
        capture.say(Speaker::Client, request);
        capture.say(Speaker::Server, &read_answer(&mut stream));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("exchange.pcap");
    fs::write(&file, capture.into_bytes()).expect("a writable folder");
    let port = gateway.icap().port();
    let read = |filter: &str, fields: &[&str]| {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&file).args([
            "-d",
            &format!("tcp.port=={port},icap"),
            "-Y",
            filter,
            "-T",
            "fields",
        ]);
        let fields = fields.iter().flat_map(|field| ["-e", field]);
        let output = command.args(fields).output().expect("sh tests/run installs tshark");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let malformed = read(
        "_ws.malformed || _ws.expert.severity >= \"Error\"",
        &["frame.number", "_ws.expert.message"],
    );
    assert_eq!(malformed, "", "tshark finds fault with these packets");
    let asked = read("icap && !icap.response", &["frame.number"]);
    assert_eq!(asked.lines().count(), requests.len(), "each request is read as one");
    read("icap.response", &["_ws.col.Info"])
}

/// Reads one answer: a head, and what `Encapsulated` announces, down to the last chunk.
#[track_caller]
fn read_answer(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut byte = [0];
    let mut read_until = |answer: &mut Vec<u8>, end: &[u8]| {
        while !answer.ends_with(end) {
            stream.read_exact(&mut byte).expect("a whole answer");
            answer.push(byte[0]);
        }
    };
    read_until(&mut answer, b"\r\n\r\n");
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let parts = head.lines().find_map(|line| line.strip_prefix("encapsulated:")).unwrap_or("");
    if parts.contains("-body") && !parts.contains("null-body") {
        read_until(&mut answer, b"\r\n0\r\n\r\n");
    }
    answer
}

fn options(host: SocketAddr, service: &str) -> Vec<u8> {
    format!(
        "OPTIONS icap://{host}/{service} ICAP/1.0\r\nHost: {host}\r\nAllow: 206, trailers\r\n\r\n"
    )
    .into_bytes()
}

/// A download with this body, as a proxy without preview shows it.
fn respmod(host: SocketAddr, allow: &str, content: &[u8]) -> Vec<u8> {
    let request = "GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n";
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
    let (first, second) = (request.len(), request.len() + response.len());
    let mut message = format!(
        "RESPMOD icap://{host}/respmod ICAP/1.0\r\nHost: {host}\r\n{allow}\
         Encapsulated: req-hdr=0, res-hdr={first}, res-body={second}\r\n\r\n{request}{response}{:x}\r\n",
        content.len()
    )
    .into_bytes();
    message.extend_from_slice(content);
    message.extend_from_slice(b"\r\n0\r\n\r\n");
    message
}

#[test]
fn options_of_both_services_decode_clean() {
    let gateway = Gateway::start("");
    let requests = ["reqmod", "respmod"].map(|service| options(gateway.icap(), service));
    let answers = decoded(&gateway, &requests);
    assert_eq!(answers.lines().filter(|line| line.contains("200 OK")).count(), 2, "{answers}");
    assert_eq!(answers.lines().count(), 2, "{answers}");
}

#[test]
fn no_content_echo_and_block_page_decode_clean() {
    let gateway = Gateway::start("");
    let host = gateway.icap();
    let small = body::bytes(900);
    let requests = [
        respmod(host, "Allow: 204\r\n", &small),
        respmod(host, "", &small),
        respmod(host, "", &body::eicar()),
    ];
    let answers = decoded(&gateway, &requests);
    // The last status line of each: of the message inside, if there is one.
    let lines: Vec<_> = answers.lines().collect();
    assert_eq!(lines.len(), 3, "{answers}");
    for (line, status) in lines.iter().zip(["204", "200", "403"]) {
        assert!(line.contains(&format!(" {status} ")), "{status} is wanted: {answers}");
    }
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
