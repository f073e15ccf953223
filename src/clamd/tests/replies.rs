//! The words of the replies.

use std::time::Duration;

use super::super::Unchecked;
use super::super::reply::{self, Item, Statistics};
use super::Client;
use crate::engine::verdict::{Detection, Limit, Verdict, Why};

fn lines(verdict: &Verdict, found: &[Detection], unchecked: Unchecked) -> Vec<String> {
    let lines = reply::verdict(b"/a", verdict, found, unchecked);
    lines.into_iter().map(|line| String::from_utf8(line).expect("UTF-8")).collect()
}

fn detection(name: &str) -> Detection {
    Detection { name: name.into(), path: "gzip".into(), offset: 7 }
}

#[test]
fn verdicts_have_the_endings_that_clients_look_for() {
    let error = Unchecked::Error;
    assert_eq!(lines(&Verdict::Clean, &[], error), ["/a: OK"]);
    let infected = Verdict::Infected(detection("A"));
    let found = [detection("A"), detection("B"), detection("A")];
    assert_eq!(lines(&infected, &found, error), ["/a: A FOUND", "/a: B FOUND"]);
    assert_eq!(lines(&infected, &[], error), ["/a: A FOUND"]);
}

#[test]
fn what_was_not_scanned_is_never_ok() {
    for (why, error, found) in [
        (Why::Encrypted, "encrypted", "Heuristics.Encrypted FOUND"),
        (Why::Broken("gzip: its end"), "broken gzip its end", "Heuristics.Broken FOUND"),
        (
            Why::Limit(Limit::MaxFiles),
            "limit MaxFiles",
            "Heuristics.Limits.Exceeded.MaxFiles FOUND",
        ),
        (Why::Unsupported("zip"), "unsupported zip", "Heuristics.Unsupported FOUND"),
        (Why::Time, "time MaxScanTime", "Heuristics.Limits.Exceeded.MaxScanTime FOUND"),
        (Why::EngineMissing, "no database loaded", "Not scanned (no database loaded) ERROR"),
        (Why::Failed, "the scan failed", "Not scanned (the scan failed) ERROR"),
        (Why::Busy, "no thread was free in time", "Not scanned (no thread was free in time) ERROR"),
    ] {
        let verdict = Verdict::Unscanned(why);
        let wanted = format!("/a: Not scanned ({error}) ERROR");
        assert_eq!(lines(&verdict, &[], Unchecked::Error), [wanted]);
        assert_eq!(lines(&verdict, &[], Unchecked::Found), [format!("/a: {found}")]);
    }
}

#[test]
fn a_name_from_a_disk_forges_no_reply() {
    let mut client = Client::new();
    client.answers_at_once = false;
    client.send(b"nIDSESSION\nnPING\nzPING\0", usize::MAX);
    let name = b"/a\n/b: OK\0\r\xff";
    for tag in std::mem::take(&mut client.open) {
        client.core.answer(tag, &reply::found(name, "A"));
    }
    assert_eq!(
        client.core.output(),
        &b"1: /a?/b: OK??\xff: A FOUND\n2: /a\n/b: OK?\r\xff: A FOUND\0"[..]
    );
}

#[test]
fn the_statistics_are_in_the_form_that_clamdtop_reads() {
    let figures = Statistics {
        threads: 4,
        busy: 1,
        queued: 2,
        items: vec![Item {
            command: "SCAN",
            time: Duration::from_millis(1_500),
            name: "/a".to_owned(),
        }],
        memory_bytes: 5 << 20,
        memory_peak_bytes: (6 << 20) + (1 << 19),
    };
    assert_eq!(
        reply::stats(&figures),
        "POOLS: 1\n\nSTATE: VALID PRIMARY\nTHREADS: live 4  idle 3 max 4 idle-timeout 0\n\
         QUEUE: 2 items\n\tSCAN 1.500000 /a\n\nMEMSTATS: heap N/A mmap N/A used N/A free N/A \
         releasable N/A pools 1 pools_used 5.000M pools_total 6.500M\nEND"
    );
    assert_eq!(reply::stats(&Statistics::default()).lines().count(), 8);
}

#[test]
fn the_version_can_be_taken_apart_at_the_slashes() {
    let version = reply::version("1.2.3", "27000", "Sat Nov 21 10:00:00 2026");
    assert_eq!(version, "Baleen 1.2.3/27000/Sat Nov 21 10:00:00 2026");
    let commands = reply::version_commands(&version);
    let (_, commands) = commands.split_once("| COMMANDS: ").expect("clients look for this");
    assert!(commands.split(' ').any(|command| command == "IDSESSION"));
    assert!(commands.split(' ').all(|command| command != "SHUTDOWN"));
}
