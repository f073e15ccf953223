//! `baleen doctor` on this machine, which runs these tests and is therefore mostly well.

use std::net::TcpListener;

use serde_json::Value;

use crate::run;

/// The report about a temporary folder and this address; the exit code, too.
#[track_caller]
fn report(listen: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let state = folder.path().to_str().expect("UTF-8");
    let said = run(&["doctor", "--json", "--listen", listen, "--state-dir", state]);
    (said.code, serde_json::from_str(&said.stdout).expect("one JSON object"))
}

fn state_of<'a>(report: &'a Value, check: &str) -> &'a str {
    let findings = report["findings"].as_array().expect("a list");
    let finding =
        findings.iter().find(|finding| finding["check"] == check).expect("this check exists");
    finding["state"].as_str().expect("a word")
}

#[test]
fn io_uring_is_tried_for_real() {
    // The gateway itself cannot run in a place where this fails, nor can the tests that start it.
    assert_eq!(state_of(&report("127.0.0.1:0").1, "io_uring"), "good");
}

#[test]
fn a_database_that_is_not_there_is_bad_and_fails_with_a_remedy() {
    let (_, bare) = report("127.0.0.1:0");
    assert_eq!(state_of(&bare, "database"), "note", "only the test file is detected");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("baleen.conf");
    let text = format!(
        "[Root]\nStateDir = {0}\n[ScanEngine]\nDatabaseDir = {0}/none\n",
        folder.path().display()
    );
    std::fs::write(&config, text).expect("a writable folder");
    let said = run(&[
        "doctor",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--config",
        config.to_str().expect("UTF-8"),
    ]);
    let report: Value = serde_json::from_str(&said.stdout).expect("one JSON object");
    assert_eq!(state_of(&report, "database"), "bad");
    assert_eq!((said.code, &report["ok"]), (1, &Value::Bool(false)));
    for finding in report["findings"].as_array().expect("a list") {
        assert_eq!(finding["state"] == "good", finding["remedy"].is_null(), "{finding}");
    }
}

#[test]
fn a_port_that_another_program_has_is_bad() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = taken.local_addr().expect("bound").to_string();
    // Nobody accepts: the doctor must give up by itself.
    assert_eq!(state_of(&report(&address).1, "port"), "bad");
    assert_eq!(state_of(&report("127.0.0.1:0").1, "port"), "good");
}
