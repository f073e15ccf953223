//! What leaves before the verdict: long downloads by tail, streams without an end at once, slow ones in pieces.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::Builder;
use std::time::Duration;

use crate::Path;
use crate::body;
use crate::fixture::gateway::Gateway;
use crate::head::read_head;

/// Nothing but the setting under test lets an answer begin.
const HELD: &str = "StallTimeout = None\nTrickleDelay = None\n";

#[test]
fn long_downloads_arrive_whole_and_an_infected_one_ends_broken_without_its_end() {
    let mut path = Path::open("TailSize = 1MB\n");
    for length in [1 << 20, (1 << 20) + 1, 3_000_000, 20 << 20] {
        path.curl().fetch(&path.origin.url(&format!("/size/{length}"))).must_be_whole(length);
        path.curl().fetch(&path.origin.url(&format!("/chunked/{length}"))).must_be_whole(length);
    }
    for length in [3_000_000, 20 << 20] {
        let broken = path.curl().fetch(&path.origin.url(&format!("/tail/{length}")));
        assert!(broken.code != 0, "it does not look complete: {}", broken.heads);
        // Who asks again is told why, instead of getting the same part again.
        path.curl().fetch(&path.origin.url(&format!("/tail/{length}"))).must_be_blocked();
        let most = length - TAIL_BYTES;
        assert!(broken.body.length <= most, "{} of {length} came", broken.body.length);
    }
    // Which of them lets it begin depends on when this Squid stalls.
    for step in [" bytes (", "decided=\"RetryBlockTime\""] {
        path.gateway.program.wait_for(step, |line| line.contains(step).then_some(()));
    }
    path.gateway.stop();
}

/// What stays until the verdict: two buffers of 64 KiB; the last of them may be nearly empty.
const TAIL_BYTES: u64 = 64 << 10;

#[test]
fn events_pass_one_by_one_and_the_virus_among_them_does_not() {
    for (kind, is_clean) in [("clean", true), ("eicar", false)] {
        // Squid fills the preview before it waits for an answer, and nothing comes back before that.
        let path = Path::open("PreviewSize = 0\n");
        let mut stream = TcpStream::connect(path.squid.address()).expect("Squid listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let url = path.origin.url(&format!("/events/{kind}"));
        write!(stream, "GET {url} HTTP/1.0\r\n\r\n").expect("Squid reads");
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "data: one\n" {
            line.clear();
            assert!(stream.read_line(&mut line).expect("a line") > 0, "the first event comes");
        }
        path.origin.go_on();
        let mut rest = Vec::new();
        if is_clean {
            while line != "data: two\n" {
                line.clear();
                assert!(stream.read_line(&mut line).expect("a line") > 0, "the second event comes");
            }
            path.origin.go_on();
            stream.read_to_end(&mut rest).expect("a whole body");
            assert_eq!(rest, b"\ndata: three\n\n");
            path.close_without_icap_errors();
        } else {
            // Squid may end it in order towards a client of HTTP/1.0, which knows no other end.
            let _broken = stream.read_to_end(&mut rest);
            assert_eq!(String::from_utf8_lossy(&rest), "\n", "nothing of the second event");
            path.gateway.stop();
        }
    }
}

#[test]
fn a_slow_download_trickles_and_keeps_its_end() {
    let gateway = Gateway::start("StallTimeout = None\nTrickleDelay = 1s\nTrickleInterval = 1s\n");
    let mut stream = respmod(gateway.icap(), "application/octet-stream");
    let object = body::bytes(400_000);
    stream.write_all(&chunk(&object)).expect("it reads");
    let head = read_head(&mut stream);
    assert!(head.starts_with("ICAP/1.0 200 OK"), "{head}");
    let mut seen = vec![0; 2 * PIECE_BYTES];
    // The head of the message, and two pieces, while nothing more is sent.
    stream.read_exact(&mut seen).expect("pieces");
    stream.write_all(b"0\r\n\r\n").expect("it reads");
    stream.read_to_end(&mut seen).expect("the rest");
    let wire = [
        &b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n"[..],
        &chunk(&object),
        b"0\r\n\r\n",
    ]
    .concat();
    assert!(seen == wire, "{} of {} bytes", seen.len(), wire.len());
}

/// Of what is held, a piece is one buffer.
const PIECE_BYTES: usize = 60_000;

#[test]
fn a_stream_is_scanned_to_its_last_byte_however_long_it_is() {
    let limits = "[ScanEngine]\nMaxScanSize = 2MB\nMaxFileSize = 2MB\n";
    let gateway = Gateway::start(&format!("{HELD}{limits}"));
    for (mime, last, arrives) in [
        ("audio/mpeg", &b"harmless"[..], true),
        ("audio/mpeg", &body::eicar(), false),
        // The same as a file is not scanned to its end, and blocked for that.
        ("application/octet-stream", b"harmless", false),
    ] {
        let mut stream = respmod(gateway.icap(), mime);
        let mut reader = stream.try_clone().expect("a socket");
        let reads = Builder::new().spawn(move || {
            let mut answer = Vec::new();
            // A broken end may well be a reset.
            let _broken = reader.read_to_end(&mut answer);
            answer
        });
        let reads = reads.expect("a thread");
        let part = body::bytes(1 << 20);
        // Whoever breaks off reads no more.
        let sent = (0..5).try_for_each(|_| stream.write_all(&chunk(&part)));
        let _sent = sent
            .and_then(|()| stream.write_all(&chunk(last)))
            .and_then(|()| stream.write_all(b"0\r\n\r\n"));
        let answer = reads.join().expect("it only reads");
        let is_whole = answer.ends_with(&[&chunk(last)[..], b"0\r\n\r\n"].concat());
        assert_eq!(is_whole, arrives, "{mime}: {} bytes", answer.len());
        assert_eq!(answer.len() > 5 << 20, arrives, "{mime}: {} bytes", answer.len());
    }
}

/// A response of this type whose body follows, on a connection of its own.
#[track_caller]
fn respmod(gateway: SocketAddr, mime: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\n\r\n");
    write!(
        stream,
        "RESPMOD icap://{gateway}/respmod ICAP/1.0\r\nHost: {gateway}\r\nConnection: close\r\n\
         Encapsulated: res-hdr=0, res-body={}\r\n\r\n{head}",
        head.len()
    )
    .expect("it reads");
    stream
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
