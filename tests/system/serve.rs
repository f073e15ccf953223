//! `baleen serve`: it starts, answers, and ends when it is asked to.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::fixture::gateway::Gateway;

/// Asks for the options of a service; the whole answer.
#[track_caller]
fn options(gateway: &Gateway, service: &str) -> String {
    let mut stream = TcpStream::connect(gateway.icap()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let host = gateway.icap();
    let request = format!(
        "OPTIONS icap://{host}/{service} ICAP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

#[test]
fn it_answers_for_both_services_and_ends_in_order() {
    let gateway = Gateway::start("");
    for (service, method) in [("reqmod", "REQMOD"), ("respmod", "RESPMOD")] {
        let answer = options(&gateway, service);
        assert!(answer.starts_with("ICAP/1.0 200 "), "{answer}");
        assert!(answer.contains(&format!("Methods: {method}\r\n")), "{answer}");
    }
    let peak_bytes = gateway.memory_peak_bytes();
    assert!(peak_bytes < IDLE_BYTES_MAX, "{} MiB for two OPTIONS", peak_bytes >> 20);
    let status = gateway.stop();
    assert!(status.success(), "SIGTERM is a wish, not an accident: {status}");
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Everything but held bodies and large databases.
const IDLE_BYTES_MAX: u64 = 256 << 20;
