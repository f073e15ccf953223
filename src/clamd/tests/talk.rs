//! Conversations: what is asked and what is heard, however the bytes are cut.

use super::Client;

/// Bytes of a client, what it asks for, and what it hears when every answer is `answer`.
const TALKS: &[(&[u8], &[&str], &str)] = &[
    (b"PING\n", &["Ping"], "answer/"),
    (b"PING\r\n", &["Ping"], "answer/"),
    (b"nPING\n", &["Ping"], "answer/"),
    (b"nPING\r\n", &["Ping"], "answer/"),
    (b"zPING\0", &["Ping"], "answer|"),
    (b"zPING\0garbage", &["Ping"], "answer|"),
    (b"nPING\nnPING\n", &["Ping"], "answer/"),
    (b"zPING\n\0", &[], "UNKNOWN COMMAND|"),
    (b"ping\n", &[], "UNKNOWN COMMAND/"),
    (b"\n", &[], "UNKNOWN COMMAND/"),
    (b"z\0", &[], "UNKNOWN COMMAND|"),
    (b"VERSION\n", &["Version"], "answer/"),
    (b"VERSIONCOMMANDS\n", &[], "UNKNOWN COMMAND/"),
    (b"nVERSIONCOMMANDS\n", &["VersionCommands"], "answer/"),
    (b"STATS\n", &[], "UNKNOWN COMMAND/"),
    (b"zSTATS\0", &["Stats"], "answer|"),
    (b"RELOAD\n", &["Reload"], "answer/"),
    (b"zSHUTDOWN\0", &[], "UNKNOWN COMMAND|"),
    (b"SHUTDOWN\n", &[], "UNKNOWN COMMAND/"),
    (b"SCAN /a b \n", &["scan /a b "], "answer/"),
    (b"CONTSCAN /a\n", &["all of /a"], "answer/"),
    (b"zMULTISCAN /a\nb\0", &["at once /a\nb"], "answer|"),
    (b"nALLMATCHSCAN /a\n", &["every match in /a"], "answer/"),
    (b"ALLMATCHSCAN /a\n", &[], "UNKNOWN COMMAND/"),
    (b"SCAN\n", &[], "UNKNOWN COMMAND/"),
    (b"INSTREAM\n", &[], "UNKNOWN COMMAND/"),
    (
        b"zINSTREAM\0\0\0\0\x05hello\0\0\0\x02 !\0\0\0\0zPING\0",
        &["stream", "data hello !", "end of stream"],
        "answer|",
    ),
    (b"nINSTREAM\n\0\0\0\0", &["stream", "end of stream"], "answer/"),
    (b"zINSTREAM\0\0\0\0\x65", &["stream", "dropped"], "INSTREAM size limit exceeded. ERROR|"),
    (b"zINSTREAM\0\xff\xff\xff\xffabc", &["stream", "dropped"], "INSTREAM size limit exceeded. ERROR|"),
    (b"FILDES\nx", &["descriptor"], "answer/"),
    (b"zFILDES\0x", &["descriptor"], "answer|"),
    (b"zEND\0", &[], "UNKNOWN COMMAND|"),
    (
        b"zIDSESSION\0zPING\0nVERSION\nzINSTREAM\0\0\0\0\x01a\0\0\0\0zFILDES\0xzSCAN /a\0zEND\0zPING\0",
        &["Ping", "Version", "stream", "data a", "end of stream", "descriptor", "scan /a"],
        "1: answer|2: answer/3: answer|4: answer|5: answer|",
    ),
    (b"zIDSESSION\0zRELOAD\0zPING\0", &[], "1: Command invalid inside IDSESSION. ERROR|"),
    (b"zIDSESSION\0zIDSESSION\0", &[], "1: Command invalid inside IDSESSION. ERROR|"),
    (b"zIDSESSION\0zPING\0zCONTSCAN /a\0", &["Ping"], "1: answer|2: Command invalid inside IDSESSION. ERROR|"),
    (b"zIDSESSION\0zALLMATCHSCAN /a\0", &[], "1: Command invalid inside IDSESSION. ERROR|"),
    (b"zIDSESSION\0zSHUTDOWN\0", &[], "1: Command invalid inside IDSESSION. ERROR|"),
    (b"zIDSESSION\0PING\n", &[], "1: Command invalid inside IDSESSION. ERROR/"),
    (
        b"zIDSESSION\0zINSTREAM\0\0\0\0\x64",
        &["stream", "dropped"],
        "",
    ),
    (b"IDSESSION\n", &[], "UNKNOWN COMMAND/"),
];

#[test]
fn every_talk_goes_the_same_way_however_it_is_cut() {
    for (bytes, asked, heard) in TALKS {
        for piece in 1..=bytes.len() {
            let mut client = Client::new();
            assert_eq!(client.send(bytes, piece), bytes.len());
            client.end();
            let name = bytes.escape_ascii();
            assert_eq!(client.asked, *asked, "{name} in pieces of {piece}");
            assert_eq!(client.heard(), *heard, "{name} in pieces of {piece}");
            assert!(client.core.is_over(), "{name}: it is over after the client's end");
        }
        for cut in 1..bytes.len() {
            let mut client = Client::new();
            client.send(&bytes[..cut], cut);
            client.send(&bytes[cut..], bytes.len());
            client.end();
            assert_eq!(client.heard(), *heard, "{} cut at {cut}", bytes.escape_ascii());
        }
    }
}

#[test]
fn a_command_without_end_is_as_long_as_the_longest_path_and_no_longer() {
    for (length, wanted) in [(4_095, "answer|"), (5_000, "UNKNOWN COMMAND|")] {
        for piece in [1, 17, 100_000] {
            let path = "x".repeat(length - 1);
            let mut client = Client::new();
            client.send(format!("zSCAN /{path}\0").as_bytes(), piece);
            assert_eq!(client.heard(), wanted, "a path of {length}");
            assert_eq!(client.core.is_cut(), length > 4_096, "what is left is read for a moment");
        }
    }
}

#[test]
fn a_session_with_enough_under_way_waits_and_goes_on() {
    let mut client = Client::new();
    client.answers_at_once = false;
    let pings = b"zPING\0".repeat(6);
    let bytes = [b"zIDSESSION\0".as_slice(), &pings].concat();
    let taken = client.send(&bytes, bytes.len());
    assert_eq!((client.asked.len(), client.heard()), (4, String::new()));
    client.answer_all();
    client.send(&bytes[taken..], bytes.len());
    client.answer_all();
    assert_eq!(client.heard(), "1: answer|2: answer|3: answer|4: answer|5: answer|6: answer|");
}

#[test]
fn a_stream_is_read_even_when_the_session_is_full() {
    let mut client = Client::new();
    client.answers_at_once = false;
    let bytes = b"zIDSESSION\0zPING\0zPING\0zPING\0zINSTREAM\0\0\0\0\x01a\0\0\0\0zPING\0";
    assert_eq!(client.send(bytes, 3), bytes.len() - 6, "all but the last command");
    assert_eq!(client.asked.last().map(String::as_str), Some("end of stream"));
}

#[test]
fn the_end_of_the_client_completes_a_bare_command_and_nothing_else() {
    for (bytes, asked, heard) in [
        (&b"PING"[..], &["Ping"][..], "answer/"),
        (b"SCAN /a", &["scan /a"], "answer/"),
        (b"nPING", &[], ""),
        (b"zPING", &[], ""),
        (b"FILDES", &[], ""),
        (b"zINSTREAM\0\0\0\0\x05hel", &["stream", "data hel", "dropped"], ""),
        (b"", &[], ""),
    ] {
        let mut client = Client::new();
        client.send(bytes, usize::MAX);
        client.end();
        let name = bytes.escape_ascii();
        assert_eq!(client.asked, *asked, "{name}");
        assert_eq!(client.heard(), heard, "{name}");
        assert!(client.core.is_over());
    }
}

#[test]
fn a_descriptor_that_nobody_asked_for_ends_the_talk() {
    let mut client = Client::new();
    client.send(b"zFIL", 4);
    assert!(!client.core.wants_descriptor());
    assert_eq!(client.core.stray_descriptor(client.now), None);
    let heard = client.heard();
    assert_eq!(heard, "PROTOCOL ERROR: ancillary data sent without FILDES. ERROR/");
    assert!(client.core.is_over());
    let mut client = Client::new();
    client.send(b"zFILDES\0", 8);
    assert!(client.core.wants_descriptor(), "it may come before its byte");
}
