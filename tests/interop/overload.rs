//! Too much to do, and clients that have to say who they are.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::body;
use crate::fixture::gateway::{Gateway, baleen};
use crate::head::read_head;

const OPTIONS: &str = "OPTIONS icap://gw/respmod ICAP/1.0\r\nHost: gw\r\n";

#[test]
fn beyond_max_scans_messages_are_refused_or_pass_as_the_settings_say_and_options_never() {
    for (answer, status) in [("503", "503 "), ("Pass", "204 ")] {
        let lines = format!("MaxScans = 1\nOverloadAnswer = {answer}\n[Root]\nShards = 1\n");
        let mut gateway = Gateway::start(&lines);
        let mut first = connect(&gateway);
        // A scan that waits for its body.
        first.write_all(respmod(10).as_bytes()).expect("it reads");
        first.write_all(b"5\r\nabcde\r\n").expect("it reads");
        let mut second = connect(&gateway);
        loop {
            // Until the first one has been seen.
            second.write_all(whole(b"harmless").as_bytes()).expect("it reads");
            let head = read_head(&mut second);
            if !head.starts_with("ICAP/1.0 204 ") || answer == "Pass" {
                assert!(head.starts_with(&format!("ICAP/1.0 {status}")), "{head}");
                break;
            }
        }
        let options = format!("{OPTIONS}\r\n");
        second.write_all(options.as_bytes()).expect("it reads");
        assert!(read_head(&mut second).starts_with("ICAP/1.0 200 "), "OPTIONS is always answered");
        first.write_all(b"5\r\nfghij\r\n0\r\n\r\n").expect("it reads");
        assert!(read_head(&mut first).starts_with("ICAP/1.0 204 "));
        // The first one is over, so there is room again, on the same connection.
        second.write_all(whole(body::eicar().as_slice()).as_bytes()).expect("it reads");
        assert!(read_head(&mut second).contains("X-Infection-Found: "));
        if answer == "503" {
            gateway.program.wait_for("the event", |line| {
                line.contains("too much to do: 1 messages").then_some(())
            });
        }
        gateway.stop();
    }
}

#[test]
fn a_client_has_to_say_who_it_is_where_passwords_are_set() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("clients");
    let mut keys = baleen();
    let keys =
        keys.args(["keys", "password", "proxy"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = keys.spawn().expect("it was built");
    child.stdin.take().expect("piped").write_all(b"open sesame\n").expect("it reads");
    let made = child.wait_with_output().expect("a child of ours");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(&file, [b"# proxies\n", &made.stdout[..]].concat()).expect("a writable folder");
    let gateway = Gateway::start(&format!("ClientPasswords = {}\n", file.display()));
    let mut client = connect(&gateway);
    let mut ask = |field: &str| {
        client.write_all(format!("{OPTIONS}{field}\r\n").as_bytes()).expect("it reads");
        read_head(&mut client)
    };
    for wrong in ["", "Proxy-Authorization: Basic cHJveHk6d3Jvbmc=\r\n"] {
        let head = ask(wrong);
        assert!(head.starts_with("ICAP/1.0 407 "), "{head}");
        assert!(head.contains("\r\nProxy-Authenticate: Basic realm=\"Baleen\"\r\n"), "{head}");
    }
    let right = "Proxy-Authorization: Basic cHJveHk6b3BlbiBzZXNhbWU=\r\n";
    for _ in 0..3 {
        assert!(ask(right).starts_with("ICAP/1.0 200 "));
    }
    // A client that we did not write: with the field it gets its answer, without it none.
    let port = gateway.icap().port().to_string();
    let seen = |fields: &[&str]| {
        let mut command = Command::new("c-icap-client");
        command.args(["-i", "127.0.0.1", "-p", &port, "-s", "respmod", "-v"]).args(fields);
        let output = command.output().expect("sh tests/run installs it");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let known = seen(&["-x", right.trim_end()]);
    assert!(known.contains("Allow 204: Yes"), "{known}");
    assert!(!seen(&[]).contains("Allow 204: Yes"));
    gateway.stop();
}

/// The heads of a response whose body follows.
fn respmod(length: usize) -> String {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    format!(
        "RESPMOD icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nAllow: 204\r\n\
         Encapsulated: res-hdr=0, res-body={}\r\n\r\n{head}",
        head.len()
    )
}

fn whole(object: &[u8]) -> String {
    let text = String::from_utf8_lossy(object);
    format!("{}{:x}\r\n{text}\r\n0\r\n\r\n", respmod(object.len()), object.len())
}

#[track_caller]
fn connect(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(gateway.icap()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
