//! What is known already: verdicts by content, over restarts and over gateways, and what a request leaves for its
//! response.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::Path;
use crate::body;
use crate::curl::Curl;
use crate::fixture::gateway::Gateway;
use crate::fixture::program::Program;
use crate::head::read_head;
use crate::origin::Origin;
use crate::squid::Squid;

#[test]
fn an_object_of_a_trusted_site_stays_with_squid_once_it_is_known() {
    let mut path = Path::open("TrustedValidators = 127.0.0.1\n");
    let length = 3_000_000;
    for _ in 0..3 {
        path.curl().fetch(&path.origin.url(&format!("/kept/{length}"))).must_be_whole(length);
    }
    // Longer than what Squid keeps of a body: it is answered before that has come.
    path.squid.wait_for_icap_log(&format!(" 204 RESPMOD {}", path.origin.url("/kept/3000000")));
    path.close_without_icap_errors();
}

/// The digest of the bytes that came decides, never what a server says about them.
#[test]
fn a_server_that_lies_about_its_validators_gets_nothing_through() {
    let mut path = Path::open("");
    let length = 300_000;
    let url = path.origin.url(&format!("/liar/{length}"));
    for _ in 0..2 {
        path.curl().fetch(&url).must_be_whole(length);
    }
    let third = path.curl().fetch(&url);
    assert!(third.status == 403 || third.code != 0, "{}", third.heads);
    assert!(third.body.length < length, "{} bytes came", third.body.length);
    path.gateway.program.wait_for("the virus", |line| {
        (line.contains("/liar/") && line.contains("Eicar")).then_some(())
    });
    // What is honest is still known afterwards.
    for _ in 0..4 {
        path.curl().fetch(&path.origin.url("/kept/300000")).must_be_whole(length);
    }
    path.gateway.stop();
}

#[test]
fn what_one_gateway_has_scanned_another_one_knows_by_redis() {
    let folder = TempDir::new().expect("a temporary folder");
    let (socket, key) = (folder.path().join("redis.sock"), folder.path().join("key"));
    std::fs::write(&key, "0123456789abcdef0123456789abcdef\n").expect("a writable folder");
    let mut redis = Command::new("redis-server");
    redis.args(["--port", "0", "--save", "", "--unixsocket"]).arg(&socket);
    let mut redis = Program::start(redis.current_dir(folder.path()).stdout(Stdio::null()));
    redis.wait_for("it listens", |_line| UnixStream::connect(&socket).is_ok().then_some(()));
    let settings = format!(
        "SharedCache = unix:{}\nSharedCacheKeyFile = {}\nSharedCacheTimeout = 1s\n",
        socket.display(),
        key.display()
    );
    let (first, second) = (Gateway::start(&settings), Gateway::start(&settings));
    let object = body::bytes(100_000);
    // Digested from the second time on, and kept in the store then.
    let mut asked = 0;
    while number(&socket, "keyspace_hits") == 0 {
        for gateway in [&first, &second] {
            let answer = respmod(gateway.icap(), &object, "");
            assert!(answer.starts_with("ICAP/1.0 204 "), "{answer}");
        }
        asked += 1;
        assert!(asked < 1_000, "the second gateway never asks for what the first one has put");
    }
    assert!(number(&socket, "keyspace_misses") > 0, "nobody knew it before");
}

/// A number of the store's statistics.
fn number(socket: &std::path::Path, name: &str) -> u64 {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(b"INFO stats\r\nQUIT\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("every version has it").trim().parse().expect("a number")
}

/// A response with a validator; the answer's head.
#[track_caller]
fn respmod(gateway: SocketAddr, object: &[u8], fields: &str) -> String {
    let request = "GET http://o.test/file HTTP/1.1\r\nHost: o.test\r\n\r\n";
    let response =
        format!("HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: {}\r\n\r\n", object.len());
    let (http, body) = (request.len(), request.len() + response.len());
    let mut message = format!(
        "RESPMOD icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nAllow: 204\r\n{fields}\
         Encapsulated: req-hdr=0, res-hdr={http}, res-body={body}\r\n\r\n{request}{response}{:x}\r\n",
        object.len()
    )
    .into_bytes();
    message.extend_from_slice(object);
    message.extend_from_slice(b"\r\n0\r\n\r\n");
    ask(gateway, &message)
}

/// Asks, and reads the head of the answer.
#[track_caller]
fn ask(gateway: SocketAddr, message: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(message).expect("it reads");
    read_head(&mut stream)
}

/// Squid carries the field from one answer to the next request, so that both have one name on the page and in the log.
#[test]
fn a_response_has_the_name_of_its_request() {
    let settings = "SharedHeader = X-Baleen-Context\n[Root]\nShards = 1\n";
    for (lines, id) in [("adaptation_masterx_shared_names X-Baleen-Context\n", "0-1"), ("", "0-2")]
    {
        let mut gateway = Gateway::start(settings);
        let squid = Squid::start_with(Some(gateway.icap()), lines);
        let origin = Origin::start();
        Curl::through(squid.address()).fetch(&origin.url("/eicar")).must_be_blocked();
        gateway.program.wait_for("the event", |line| {
            line.contains(&format!("blocked {id} RESPMOD")).then_some(())
        });
        squid.stop_without_icap_errors();
    }
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
