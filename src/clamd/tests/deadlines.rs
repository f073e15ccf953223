//! Time: who may be silent for how long, and who is never told that it was too slow.

use std::time::Duration;

use super::Client;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn silence_completes_a_bare_command() {
    for (bytes, asked) in [(&b"PING"[..], "Ping"), (b"PING\0", "Ping"), (b"SCAN /a", "scan /a")] {
        let mut client = Client::new();
        client.send(bytes, 1);
        client.wait(Duration::from_millis(99));
        assert!(client.asked.is_empty(), "a tenth of a second is waited for");
        client.wait(Duration::from_millis(1));
        assert_eq!((client.asked, client.core.is_cut()), (vec![asked.to_owned()], false));
    }
    let mut slow = Client::new();
    for byte in b"PIN" {
        slow.send(&[*byte], 1);
        slow.wait(Duration::from_millis(60));
    }
    slow.send(b"G\n", 1);
    assert_eq!(slow.heard(), "answer/", "each byte begins a new pause");
}

#[test]
fn who_says_nothing_for_too_long_is_told_and_left() {
    for (bytes, time) in [
        (&b""[..], 30),
        (b"zPIN", 30),
        (b"zFILDES\0", 30),
        (b"zIDSESSION\0", 120),
        (b"zIDSESSION\0zPI", 30),
        (b"zINSTREAM\0", 120),
        (b"zINSTREAM\0\0\0\0\x03ab", 120),
    ] {
        let mut client = Client::new();
        client.send(bytes, usize::MAX);
        client.wait(SECOND * time - Duration::from_millis(1));
        assert_eq!(client.heard(), "", "{}", bytes.escape_ascii());
        client.wait(Duration::from_millis(1));
        assert_eq!(client.heard(), "COMMAND READ TIMED OUT/", "{}", bytes.escape_ascii());
        assert!(client.core.is_over() && !client.core.is_cut());
    }
}

#[test]
fn a_trickle_does_not_stretch_a_command_nor_a_stream() {
    let mut client = Client::new();
    for byte in b"zIDSESSIO" {
        client.send(&[*byte], 1);
        client.wait(SECOND * 4);
    }
    assert_eq!(client.heard(), "COMMAND READ TIMED OUT/", "36 seconds for one command");
    let mut client = Client::new();
    client.send(b"zINSTREAM\0\0\0\0\x64", usize::MAX);
    for _byte in 0..60 {
        client.send(b"a", 1);
        client.wait(SECOND * 61);
    }
    assert_eq!(client.asked.last().map(String::as_str), Some("dropped"));
    assert_eq!(client.heard(), "COMMAND READ TIMED OUT/", "more than an hour for one stream");
}

#[test]
fn who_waits_for_us_is_never_too_slow() {
    let mut client = Client::new();
    client.answers_at_once = false;
    client.send(b"zIDSESSION\0zPING\0", usize::MAX);
    assert_eq!(client.core.deadline(), None);
    client.wait(SECOND * 3_600);
    client.answer_all();
    assert_eq!(client.heard(), "1: answer|");
    client.wait(SECOND * 119);
    assert_eq!(client.heard(), "");
    client.wait(SECOND);
    assert_eq!(client.heard(), "COMMAND READ TIMED OUT/");
}

#[test]
fn who_was_interrupted_is_listened_to_for_a_moment() {
    let mut client = Client::new();
    client.send(b"zINSTREAM\0\xff\xff\xff\xff", usize::MAX);
    client.heard();
    assert!(client.core.is_over() && client.core.is_cut());
    assert_eq!(client.send(&[b'a'; 1_000], 100), 1_000, "what still comes is dropped");
    client.wait(SECOND * 5);
    assert!(!client.core.is_cut());
}
