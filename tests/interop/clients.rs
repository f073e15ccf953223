//! Clients that others wrote: c-icap's own, and python-icap, the one that pip installs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::body;
use crate::fixture::gateway::Gateway;

/// Everything that c-icap's client says; it must end well.
#[track_caller]
fn c_icap_client(gateway: &Gateway, arguments: &[&str]) -> String {
    let (host, port) = (gateway.icap().ip().to_string(), gateway.icap().port().to_string());
    let output = Command::new("c-icap-client")
        .args(["-i", &host, "-p", &port, "-v"])
        .args(arguments)
        .output()
        .expect("sh tests/run installs c-icap");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
    said
}

/// A file with these bytes, and a name for what comes back.
fn files(content: &[u8]) -> (TempDir, String, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let (given, back) = (folder.path().join("given"), folder.path().join("back"));
    fs::write(&given, content).expect("a writable folder");
    let given = given.to_str().expect("UTF-8").to_owned();
    (folder, given, back)
}

#[test]
fn c_icap_client_reads_the_options_of_both_services() {
    let gateway = Gateway::start("");
    for (service, method) in [("reqmod", "REQMOD"), ("respmod", "RESPMOD")] {
        let said = c_icap_client(&gateway, &["-s", service]);
        assert!(
            said.contains("ICAP/1.0 200 OK") && said.contains(&format!("Methods: {method}")),
            "{said}"
        );
        assert!(said.contains("Allow 204: Yes"), "{said}");
    }
}

#[test]
fn c_icap_client_gets_its_bodies_back() {
    let gateway = Gateway::start("");
    for length in [1, 1000, 65_536, 200_000] {
        let content = body::bytes(length);
        let (_folder, given, back) = files(&content);
        let back_name = back.to_str().expect("UTF-8");
        // Without preview and without 204, only the way through and back is left.
        let arguments = ["-s", "respmod", "-nopreview", "-no204", "-f", &given, "-o", back_name];
        let said = c_icap_client(&gateway, &arguments);
        assert!(said.contains("ICAP/1.0 200 OK"), "{length}: {said}");
        assert!(
            fs::read(&back).expect("it came back") == content,
            "{length}: other bytes came back"
        );
    }
}

#[test]
fn c_icap_client_is_told_that_nothing_changes() {
    let gateway = Gateway::start("");
    for length in [1, 1000, 200_000] {
        let (_folder, given, back) = files(&body::bytes(length));
        let said = c_icap_client(
            &gateway,
            &["-s", "respmod", "-f", &given, "-o", back.to_str().expect("UTF-8")],
        );
        assert!(said.contains("ICAP/1.0 204 "), "{length}: {said}");
    }
}

#[test]
fn c_icap_client_sees_the_virus_blocked() {
    let gateway = Gateway::start("");
    let (_folder, given, _) = files(&body::eicar());
    for way in [&["-s", "respmod"][..], &["-s", "respmod", "-nopreview", "-no204"]] {
        let said = c_icap_client(&gateway, &[way, &["-f", &given]].concat());
        assert!(said.contains(" 403 "), "{way:?}: {said}");
    }
    // An upload: the client sends the file as the body of a request.
    let upload = ["-s", "reqmod", "-req", "http://origin.test/", "-method", "POST", "-f", &given];
    let said = c_icap_client(&gateway, &upload);
    assert!(said.contains(" 403 "), "{said}");
}

#[test]
fn python_icap_scans_with_it() {
    let gateway = Gateway::start("");
    let (_folder, virus, _) = files(&body::eicar());
    let output = Command::new(python())
        .args([
            "-c",
            SCRIPT,
            &gateway.icap().ip().to_string(),
            &gateway.icap().port().to_string(),
            &virus,
        ])
        .output()
        .expect("sh tests/run installs python-icap");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "all is well\n", "{words}");
}

/// The interpreter of the environment that the test command makes beside the build.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let python = target.join("python-icap/bin/python");
    assert!(python.is_file(), "{} is missing; sh tests/run makes it", python.display());
    python
}

const SCRIPT: &str = r#"
import sys
from icap import IcapClient

host, port, virus = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "rb").read()
clean = b"".join(b"%06d harmless\n" % number for number in range(20000))
request = b"GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"
post = b"POST http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\nContent-Length: %d\r\n\r\n"

def response(body):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

with IcapClient(host, port=port, timeout=60) as client:
    for service in ("reqmod", "respmod", "avscan"):
        options = client.options(service)
        assert options.status_code == 200, (service, options.status_code)
        assert options.istag, service
    # All on one connection, with the service name that this client takes by itself, too.
    for service in ("respmod", "avscan"):
        assert client.scan_bytes(clean, service=service).is_no_modification, service
        found = client.scan_bytes(virus, service=service)
        assert found.status_code == 200 and b" 403 " in found.body[:40], (service, found.body[:200])
        assert "eicar" in found.headers.get("X-Infection-Found", "").lower(), found.headers
    for preview in (1, 30, 1024):
        passed = client.respmod("respmod", request, response(clean), preview=preview)
        assert passed.is_no_modification or passed.body.endswith(clean), (preview, passed.status_code)
        found = client.respmod("respmod", request, response(virus), preview=preview)
        assert found.status_code == 200 and b" 403 " in found.body[:40], (preview, found.body[:200])
    assert client.reqmod("reqmod", request).is_no_modification
    assert client.reqmod("reqmod", post % len(clean), clean).is_no_modification
    found = client.reqmod("reqmod", post % len(virus), virus)
    assert found.status_code == 200 and b" 403 " in found.body[:40], found.body[:200]
print("all is well")
"#;
