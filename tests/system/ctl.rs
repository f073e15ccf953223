//! `baleen ctl` and the running service.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::fixture::gateway::{Gateway, baleen};

#[test]
fn an_address_is_explained_by_what_is_in_force_and_rules_count() {
    let gateway = Gateway::start(
        "BlackList = bad.test\nRuleSet1 = user in (anna), url_host in (x.test) : BLOCK as Jobs",
    );
    let (code, said) = ctl(&gateway, &["url-check", "http://www.bad.test/page", "--json"]);
    assert_eq!(code, 1);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["blocked"], true);
    assert!(said["steps"].to_string().contains("bad.test"), "{said}");
    let (code, text) =
        ctl(&gateway, &["url-check", "x.test", "--user", "anna", "--time", "Mon 09:00"]);
    assert_eq!(code, 1);
    assert!(text.contains("Jobs"), "{text}");
    let (code, _) = ctl(&gateway, &["url-check", "x.test", "--user", "bert"]);
    assert_eq!(code, 0);
    let (code, rules) = ctl(&gateway, &["rules", "--json"]);
    let rules: Value = serde_json::from_str(&rules).expect("JSON");
    assert_eq!((code, &rules["rules"][0]["hits"]), (0, &1.into()), "{rules}");
    let (code, status) = ctl(&gateway, &["status"]);
    assert!(code == 0 && status.contains("policy.black: 1\n"), "{status}");
    assert_eq!(ctl(&gateway, &["reload"]).0, 0);
    assert!(gateway.stop().success());
}

#[test]
fn what_cannot_be_asked_is_said() {
    let gateway = Gateway::start("");
    for (arguments, word) in [
        (&["url-check", "http://"][..], "http://"),
        (&["url-check", "a.test", "--time", "Someday"], "Someday"),
    ] {
        let (code, said) = ctl(&gateway, arguments);
        assert!(code == 2 && said.contains(word), "{said}");
    }
    let config = gateway.config();
    assert!(gateway.stop().success());
    let output = baleen().args(["ctl", "status", "--socket", "/nowhere/control.sock"]).output();
    let output = output.expect("it was built");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/control.sock"));
    assert!(!config.exists(), "the folder went with the gateway");
}

/// A body comes in and goes out again, and on the way nobody moves it: what is moved are pieces of its framing
/// that a full buffer ends in, or the end of a head.
#[test]
fn bodies_are_moved_by_the_kernel_and_by_nobody_else() {
    const BODY_BYTES: usize = 8 << 20;
    let gateway = Gateway::start("");
    for chunk_bytes in [700, 16 << 10, 100_000] {
        let before = bytes(&gateway);
        let (sent, received) = echoed(&gateway, BODY_BYTES, chunk_bytes);
        let after = bytes(&gateway);
        let [came, went, copied, spilled, kept] =
            std::array::from_fn(|place| after[place] - before[place]);
        assert_eq!(came, sent, "all that the client sent");
        assert!(went > BODY_BYTES as u64 && went < received, "{went} of {received}");
        assert_eq!((spilled, kept), (0, 0), "there was memory, and nothing needs all of it");
        // A buffer has 64 KiB; less than 1/64 of it may be the end of a line or of a head.
        assert!(copied <= BODY_BYTES as u64 / 64 / 64, "{copied} bytes were copied");
    }
    assert!(gateway.stop().success());
}

/// What `ctl status` says of bytes: received, sent, copied, spilled, kept.
fn bytes(gateway: &Gateway) -> [u64; 5] {
    let (code, status) = ctl(gateway, &["status", "--json"]);
    assert_eq!(code, 0, "{status}");
    let status: Value = serde_json::from_str(&status).expect("JSON");
    ["received", "sent", "copied", "spilled", "kept"].map(|name| {
        status["bytes"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {status}"))
    })
}

/// Sends a clean body in chunks, to be answered with itself; gives the bytes sent and received.
fn echoed(gateway: &Gateway, body_bytes: usize, chunk_bytes: usize) -> (u64, u64) {
    let mut stream = TcpStream::connect(gateway.icap()).expect("it listens");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";
    let mut message = format!(
        "RESPMOD icap://gateway/respmod ICAP/1.0\r\nHost: gateway\r\nConnection: close\r\nEncapsulated: res-hdr=0, \
         res-body={}\r\n\r\n{head}",
        head.len()
    )
    .into_bytes();
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let body: Vec<u8> = (0..body_bytes).map(|_| byte()).collect();
    for chunk in body.chunks(chunk_bytes) {
        message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        message.extend_from_slice(chunk);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    let mut answer = Vec::new();
    let mut sending = stream.try_clone().expect("a second handle");
    std::thread::scope(|scope| {
        scope.spawn(|| sending.write_all(&message).expect("it takes all"));
        stream.read_to_end(&mut answer).expect("it closes behind the answer");
    });
    let framed = message.len()
        - message.windows(4).position(|four| four == b"\r\n\r\n").expect("a head")
        - 4;
    assert!(answer.starts_with(b"ICAP/1.0 200 "), "{}", String::from_utf8_lossy(&answer[..200]));
    // The framing is the client's own, because the very bytes come back.
    assert!(
        answer.ends_with(&message[message.len() - framed + head.len()..]),
        "the body came back"
    );
    (message.len() as u64, answer.len() as u64)
}

/// The exit code, and what was said on both outputs.
fn ctl(gateway: &Gateway, arguments: &[&str]) -> (i32, String) {
    let output = baleen().arg("ctl").args(arguments).arg("--config").arg(gateway.config()).output();
    let output = output.expect("it was built");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it was not killed"), String::from_utf8_lossy(&said).into_owned())
}
