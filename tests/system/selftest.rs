//! `baleen selftest`, the direct leg: against the gateway, and against those who are not.

use std::net::TcpListener;

use serde_json::Value;

use crate::fixture::gateway::Gateway;
use crate::run;

#[track_caller]
fn selftest(icap: &str) -> (i32, Value) {
    let said = run(&["selftest", "--json", "--timeout", "10", "--icap", icap]);
    (said.code, serde_json::from_str(&said.stdout).expect("one JSON object"))
}

#[test]
fn the_gateway_passes_its_own_test() {
    let gateway = Gateway::start("");
    let (code, report) = selftest(&gateway.icap().to_string());
    assert_eq!((code, &report["ok"]), (0, &Value::Bool(true)), "{report:#}");
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(4), "{report:#}");
}

#[test]
fn nobody_at_the_address_is_named_as_the_hop() {
    let free = TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound");
    let (code, report) = selftest(&free.to_string());
    assert_eq!((code, &report["steps"][0]["hop"]), (1, &Value::from("icap")), "{report:#}");
    assert_eq!(report["steps"][1]["result"], "skipped", "{report:#}");
}

#[test]
fn a_proxy_that_is_not_there_is_named_as_the_hop() {
    let free = TcpListener::bind("127.0.0.1:0").expect("loopback").local_addr().expect("bound");
    let proxy = format!("http://{free}");
    let said = run(&["selftest", "--json", "--icap", &free.to_string(), "--through", &proxy]);
    let report: Value = serde_json::from_str(&said.stdout).expect("one JSON object");
    let steps = report["steps"].as_array().expect("a list");
    assert!(steps.iter().any(|step| step["hop"] == "proxy"), "{report:#}");
    assert_eq!(said.code, 1);
}
