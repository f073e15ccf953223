//! `baleen selftest --through` with a real Squid: it passes when all is well, and names the hop when
//! it is not.

use std::net::SocketAddr;

use serde_json::Value;

use crate::Path;
use crate::fixture::gateway::{Gateway, baleen};
use crate::squid::Squid;

/// Exit code and report.
#[track_caller]
fn selftest(icap: SocketAddr, proxy: SocketAddr) -> (i32, Value) {
    let output = baleen()
        .args(["selftest", "--json", "--timeout", "60", "--icap", &icap.to_string()])
        .args(["--through", &format!("http://{proxy}")])
        .output()
        .expect("it was built");
    let report = serde_json::from_slice(&output.stdout).expect("one JSON object");
    (output.status.code().expect("it was not killed"), report)
}

/// The hops that failed.
fn hops(report: &Value) -> Vec<&str> {
    let steps = report["steps"].as_array().expect("a list");
    steps.iter().filter_map(|step| step["hop"].as_str()).collect()
}

#[test]
fn it_passes_when_traffic_is_scanned() {
    let path = Path::open("");
    let (code, report) = selftest(path.gateway.icap(), path.squid.address());
    assert_eq!((code, hops(&report)), (0, vec![]), "{report:#}");
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(7), "{report:#}");
    path.close_without_icap_errors();
}

#[test]
fn a_proxy_that_does_not_use_icap_is_named() {
    let gateway = Gateway::start("");
    let squid = Squid::start(None);
    let (code, report) = selftest(gateway.icap(), squid.address());
    assert_eq!((code, hops(&report)), (1, vec!["proxy-to-icap", "proxy-to-icap"]), "{report:#}");
    assert!(report.to_string().contains("does not use ICAP"), "{report:#}");
}

#[test]
fn a_gateway_that_is_down_is_named() {
    let path = Path::open("");
    let icap = path.gateway.icap();
    assert!(path.gateway.stop().success());
    let (code, report) = selftest(icap, path.squid.address());
    assert_eq!(
        (code, hops(&report)),
        (1, vec!["icap", "proxy-to-icap", "proxy-to-icap", "proxy-to-icap"]),
        "{report:#}"
    );
    assert!(report.to_string().contains("ICAP service down"), "{report:#}");
}
