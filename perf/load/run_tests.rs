//! Whole runs against a small server of the test's own, on a port of the kernel's choice.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

use super::{Outcome, load};
use crate::chunk::{Parser as Chunks, Step};
use crate::judge::Wrong;
use crate::options::Options;
use crate::plan::Plan;
use crate::process::Processes;
use crate::quiet::QUIET_NS;
use crate::report;

/// How the test's server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    NoContent,
    Echo,
    EchoCorrupted,
    Block,
    BlockEarly,
    ContinueAlways,
    CloseInstead,
    CloseBehind,
    Silent,
}

/// Runs `words` against a server of that manner.
fn run(manner: Manner, words: &[&str]) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let target = format!("icap://{address}/x");
    let fixed = ["icap-load", &target, "--warmup", "0", "--duration", "60s"];
    let options = Options::try_parse_from(fixed.iter().chain(words)).unwrap();
    let plan = Plan::new(&options).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Ok((client, _)) = listener.accept() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                // A client that hangs up is no fault of the server.
                scope.spawn(move || serve(client, manner).unwrap_or_default());
            }
        });
        let outcome = load(&plan, 0, &Processes::of(&[]).unwrap()).unwrap();
        stop.store(true, Ordering::Release);
        drop(TcpStream::connect(address));
        outcome
    })
}

/// Serves a connection until the client closes it.
fn serve(mut client: impl Read + Write, manner: Manner) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    while let Some(head) = read_until(&mut client, &mut bytes, end_of_head)? {
        let head = String::from_utf8_lossy(&head).into_owned();
        let list = head.split("Encapsulated: ").nth(1).unwrap().lines().next().unwrap().to_owned();
        let offset = |name: &str| {
            let part = list.split(", ").find_map(|part| part.strip_prefix(name));
            part.map(|offset| offset.parse::<usize>().unwrap())
        };
        let heads_end = offset("res-body=").or_else(|| offset("null-body=")).unwrap();
        let heads = read_until(&mut client, &mut bytes, |bytes| {
            (bytes.len() >= heads_end).then_some(heads_end)
        })?;
        let heads = heads.unwrap_or_default();
        if manner == Manner::BlockEarly {
            client.write_all(&answer(manner, &[], &[]))?;
        }
        let mut payload = Vec::new();
        if offset("res-body=").is_some() {
            let is_all = read_body(&mut client, &mut bytes, &mut payload)?;
            let waits = head.contains("Preview:") && !is_all;
            if waits || manner == Manner::ContinueAlways {
                client.write_all(b"ICAP/1.0 100 Continue\r\n\r\n")?;
                if waits {
                    read_body(&mut client, &mut bytes, &mut payload)?;
                }
            }
        }
        match manner {
            Manner::BlockEarly | Manner::Silent => continue,
            Manner::CloseInstead => return Ok(()),
            _ => {}
        }
        let response = &heads[offset("res-hdr=").unwrap()..];
        client.write_all(&answer(manner, response, &payload))?;
        if manner == Manner::CloseBehind || head.contains("Connection: close") {
            return Ok(());
        }
    }
    Ok(())
}

fn answer(manner: Manner, head: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let page = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\n";
    let head = match manner {
        Manner::Echo => head,
        Manner::EchoCorrupted => {
            *payload.last_mut().unwrap() ^= 1;
            head
        }
        Manner::Block | Manner::BlockEarly => page,
        Manner::CloseBehind => return b"ICAP/1.0 204 No\r\nConnection: close\r\n\r\n".to_vec(),
        _ => return b"ICAP/1.0 204 No Content\r\n\r\n".to_vec(),
    };
    let at = head.len();
    let mut answer = format!("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body={at}\r\n\r\n");
    answer.push_str(std::str::from_utf8(head).unwrap());
    let mut answer = answer.into_bytes();
    for chunk in payload.chunks(10_000) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

/// Takes what `end` delimits from the front of the stream; none when the client closed.
fn read_until(
    client: &mut impl Read,
    bytes: &mut Vec<u8>,
    end: impl Fn(&[u8]) -> Option<usize>,
) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        if let Some(end) = end(bytes) {
            return Ok(Some(bytes.drain(..end).collect()));
        }
        if !read_more(client, bytes)? {
            return Ok(None);
        }
    }
}

/// Reads a chunked body: whether it ended with `ieof`.
fn read_body(
    client: &mut impl Read,
    bytes: &mut Vec<u8>,
    payload: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let mut chunks = Chunks::default();
    loop {
        let mut rest = &bytes[..];
        loop {
            match chunks.step(&mut rest).map_err(std::io::Error::other)? {
                Step::Data(data) => payload.extend_from_slice(data),
                Step::NeedMore => break,
                Step::End => {
                    let used = bytes.len() - rest.len();
                    let is_all = bytes[..used].ends_with(b"ieof\r\n\r\n");
                    bytes.drain(..used);
                    return Ok(is_all);
                }
            }
        }
        bytes.clear();
        if !read_more(client, bytes)? {
            return Ok(true);
        }
    }
}

fn read_more(client: &mut impl Read, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut part = vec![0; 50_000];
    let count = client.read(&mut part)?;
    bytes.extend_from_slice(&part[..count]);
    Ok(count > 0)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

#[track_caller]
fn check_wrong(outcome: &Outcome, want: &[(Wrong, u64)]) {
    let wrong: Vec<_> = outcome.stats.wrong.iter().map(|(wrong, count)| (*wrong, *count)).collect();
    assert_eq!(wrong, want);
}

#[test]
fn every_size_is_echoed_exactly_with_and_without_preview() {
    for preview in ["off", "0", "1000"] {
        for size in ["none", "0", "1", "1000", "1001", "70KiB", "3MiB"] {
            let words = ["--preview", preview, "--size", size, "--allow-204", "off", "-n", "6"];
            let manner = if size == "none" { Manner::NoContent } else { Manner::Echo };
            if size == "none" && preview == "off" {
                continue;
            }
            let outcome = run(manner, &[&words[..], &["-c", "2"]].concat());
            check_wrong(&outcome, &[]);
            assert_eq!(outcome.stats.right(), 6, "{preview} {size}");
            assert!(report::is_right(&outcome));
        }
    }
}

#[test]
fn bytes_are_counted_both_ways() {
    let outcome = run(Manner::Echo, &["--size", "70KiB", "-n", "5", "--preview", "off"]);
    assert_eq!(outcome.stats.sent_bytes, 5 * 71_680);
    assert_eq!(outcome.stats.returned_bytes, 5 * 71_680);
    assert_eq!(outcome.stats.echo, 5);
    assert_eq!(outcome.stats.whole.len(), 5);
}

#[test]
fn a_preview_goes_on_after_continue() {
    let outcome = run(Manner::NoContent, &["--size", "5000", "-n", "4"]);
    assert_eq!(outcome.stats.continued, 4);
    assert_eq!(outcome.stats.sent_bytes, 20_000);
    let outcome = run(Manner::NoContent, &["--size", "1024", "-n", "4"]);
    assert_eq!((outcome.stats.continued, outcome.stats.no_content), (0, 4));
}

#[test]
fn a_single_wrong_byte_is_found() {
    let words = ["--size", "3MiB", "-n", "3", "--preview", "off"];
    let outcome = run(Manner::EchoCorrupted, &words);
    check_wrong(&outcome, &[(Wrong::EchoBody, 3)]);
    assert!(!report::is_right(&outcome));
}

#[test]
fn infected_bodies_have_to_be_blocked_and_clean_ones_not() {
    let infected = ["--infected", "100", "-n", "3", "--preview", "off"];
    assert_eq!(run(Manner::Block, &infected).stats.blocked, 3);
    check_wrong(&run(Manner::Echo, &infected), &[(Wrong::InfectedPassed, 3)]);
    check_wrong(&run(Manner::Block, &["-n", "3"]), &[(Wrong::CleanBlocked, 3)]);
}

#[test]
fn an_answer_may_come_before_the_request_is_out() {
    let words = ["--infected", "100", "-n", "3", "--preview", "off", "--size", "8MiB", "-c", "1"];
    let outcome = run(Manner::BlockEarly, &words);
    check_wrong(&outcome, &[]);
    assert_eq!(outcome.stats.blocked, 3);
}

#[test]
fn the_end_of_a_body_waits_for_an_idle_server() {
    for preview in ["off", "1024"] {
        let words = ["-n", "4", "-c", "2", "--size", "90000", "--hold-last", "1KiB"];
        let outcome = run(Manner::Echo, &[&words[..], &["--preview", preview]].concat());
        check_wrong(&outcome, &[]);
        assert_eq!((outcome.stats.echo, outcome.stats.returned_bytes), (4, 360_000));
        // Whoever waits for the end of the body has read the rest and waits in vain meanwhile.
        assert!(outcome.stats.whole.min() >= QUIET_NS);
        assert_eq!(outcome.stats.early, 0);
    }
    let outcome = run(
        Manner::BlockEarly,
        &[
            "-n",
            "2",
            "--size",
            "90000",
            "--infected",
            "100",
            "--preview",
            "off",
            "--hold-last",
            "1KiB",
            "-c",
            "1",
        ],
    );
    check_wrong(&outcome, &[]);
    assert_eq!(outcome.stats.early, 2, "an answer does not wait for the end");
}

#[test]
fn continue_where_nothing_waits_is_wrong() {
    let outcome = run(Manner::ContinueAlways, &["-n", "2", "--preview", "off"]);
    check_wrong(&outcome, &[(Wrong::Malformed("100 Continue where no preview waits"), 2)]);
}

#[test]
fn a_connection_that_ends_early_is_counted_and_made_anew() {
    let outcome = run(Manner::CloseInstead, &["-n", "3", "-c", "1"]);
    check_wrong(&outcome, &[(Wrong::ClosedEarly, 3)]);
}

#[test]
fn a_server_may_close_behind_its_answer_when_it_says_so() {
    let outcome = run(Manner::CloseBehind, &["-n", "5", "-c", "1"]);
    check_wrong(&outcome, &[]);
    assert_eq!((outcome.stats.no_content, outcome.stats.reconnects), (5, 5));
}

#[test]
fn a_connection_for_each_request_is_closed_by_the_server() {
    let outcome = run(Manner::NoContent, &["-n", "5", "-c", "2", "--new-connection"]);
    check_wrong(&outcome, &[]);
    assert_eq!(outcome.stats.no_content, 5);
}

#[test]
fn a_server_that_does_not_answer_is_timed_out() {
    let outcome = run(Manner::Silent, &["-n", "2", "-c", "2", "--timeout", "10ms"]);
    check_wrong(&outcome, &[(Wrong::TimedOut, 2)]);
    assert!(!report::is_right(&outcome));
}

#[test]
fn the_open_loop_counts_what_was_due_and_never_answered() {
    let words = ["--rate", "1000", "--arrival", "even", "--duration", "100ms", "--timeout", "50ms"];
    let outcome = run(Manner::Silent, &[&words[..], &["-c", "1"]].concat());
    let stats = &outcome.stats;
    assert_eq!(stats.right(), 0);
    assert_eq!(stats.unanswered + stats.wrong_total(), 100, "all that were due");
    let outcome = run(Manner::NoContent, &[&words[..4], &["--duration", "100ms"]].concat());
    assert_eq!(outcome.stats.right() + outcome.stats.wrong_total(), 100);
}

#[test]
fn a_unix_socket_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("icap");
    let listener = UnixListener::bind(&path).unwrap();
    let path = path.to_str().unwrap();
    let words = ["icap-load", "icap://h/x", "--unix", path, "--warmup", "0", "-n", "3", "-c", "1"];
    let plan = Plan::new(&Options::try_parse_from(words).unwrap()).unwrap();
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| serve(listener.accept().unwrap().0, Manner::NoContent).unwrap());
        load(&plan, 0, &Processes::of(&[]).unwrap()).unwrap()
    });
    assert_eq!(outcome.stats.no_content, 3);
}

#[test]
fn threads_add_up() {
    let outcome = run(Manner::NoContent, &["-n", "101", "-c", "5", "-t", "3"]);
    check_wrong(&outcome, &[]);
    assert_eq!(outcome.stats.no_content, 101);
}

#[test]
fn nobody_listening_is_wrong_and_not_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nobody");
    let mut words = vec!["icap-load", "icap://h/x", "--unix", path.to_str().unwrap(), "-c", "2"];
    words.extend(["--warmup", "0", "--duration", "50ms"]);
    let plan = Plan::new(&Options::try_parse_from(words).unwrap()).unwrap();
    let outcome = load(&plan, 0, &Processes::of(&[]).unwrap()).unwrap();
    assert!(outcome.stats.wrong.contains_key(&Wrong::Connect));
    assert!(!report::is_right(&outcome));
}
