//! Answers are read the same however they are cut, and every deviation has a name.

use std::sync::Arc;

use super::{After, Event, IcapHead, Reader};
use crate::judge::{Block, BodyMatch, Content, Form, HeadMatch, Seen, Wrong};
use crate::message::{Body, Method, Shape, Template};
use crate::size::BodySize;

fn template(payload: &[u8]) -> Template {
    let shape = Shape {
        method: Method::Respmod,
        uri: "icap://h/respmod".to_owned(),
        host: "h".to_owned(),
        preview: None,
        allow_204: true,
        close: false,
        fields: Vec::new(),
        chunk_bytes: 65_536,
        hold_last: None,
        form: Form::Any,
        block: Block::Told,
    };
    let body = Body {
        size: BodySize::Bytes(payload.len()),
        payload: Arc::from(payload),
        content: Content::Clean,
        stamp_at: None,
        media_type: "text/plain",
    };
    Template::new(&shape, &body)
}

/// Reads a wire cut into pieces: the events but `NeedMore`.
fn events(wire: &str, cut: usize) -> Result<Vec<Event>, Wrong> {
    let template = template(b"hello");
    let mut front = Vec::new();
    template.stamp_into(&mut front, None);
    let original = template.original(&front);
    let mut reader = Reader::default();
    let mut events = Vec::new();
    for mut bytes in wire.as_bytes().chunks(cut) {
        while !bytes.is_empty() {
            let event = reader.read(&mut bytes, &original)?;
            if event != Event::NeedMore {
                events.push(event);
            }
        }
    }
    Ok(events)
}

#[track_caller]
fn check(wire: &str, want: Result<&[Event], &'static str>) {
    for cut in 1..=wire.len() {
        let got = events(wire, cut);
        let want = want.map(<[Event]>::to_vec).map_err(Wrong::Malformed);
        assert_eq!(got, want, "cut every {cut} bytes");
    }
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nServer: load\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n";

fn echo(body: &str) -> String {
    let at = HEAD.len();
    format!("ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body={at}\r\n\r\n{HEAD}{body}")
}

const ECHO: Seen = Seen {
    status: 200,
    continued: false,
    infection: false,
    http_status: 200,
    head: HeadMatch::Exact,
    body: BodyMatch::Exact,
};

const NO_CONTENT: Seen = Seen {
    status: 204,
    continued: false,
    infection: false,
    http_status: 0,
    head: HeadMatch::Absent,
    body: BodyMatch::Absent,
};

#[test]
fn no_content_is_read_with_and_without_parts() {
    check("ICAP/1.0 204 No Content\r\nISTag: \"a\"\r\n\r\n", Ok(&[Event::Complete(NO_CONTENT)]));
    let parts = "ICAP/1.0 204 No Content\r\nEncapsulated: null-body=0\r\n\r\n";
    check(parts, Ok(&[Event::Complete(NO_CONTENT)]));
}

#[test]
fn an_echo_is_compared() {
    check(&echo("5\r\nhello\r\n0\r\n\r\n"), Ok(&[Event::Complete(ECHO)]));
    check(&echo("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), Ok(&[Event::Complete(ECHO)]));
    let body = |body| Seen { body, ..ECHO };
    let wire = echo("5\r\nhellO\r\n0\r\n\r\n");
    check(&wire, Ok(&[Event::Complete(body(BodyMatch::Different))]));
    let wire = echo("6\r\nhello!\r\n0\r\n\r\n");
    check(&wire, Ok(&[Event::Complete(body(BodyMatch::Different))]));
    let wire = echo("4\r\nhell\r\n0\r\n\r\n");
    check(&wire, Ok(&[Event::Complete(body(BodyMatch::Short))]));
}

#[test]
fn continue_comes_before_the_answer_and_once() {
    let wire = "ICAP/1.0 100 Continue\r\n\r\nICAP/1.0 204 No\r\n\r\n";
    let seen = Seen { continued: true, ..NO_CONTENT };
    check(wire, Ok(&[Event::Continue, Event::Complete(seen)]));
    let twice = "ICAP/1.0 100 Continue\r\n\r\nICAP/1.0 100 Continue\r\n\r\n";
    check(twice, Err("a second 100 Continue"));
}

#[test]
fn a_block_page_is_seen() {
    let page = "HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n";
    let wire = format!(
        "ICAP/1.0 200 OK\r\nx-infection-found: Type=0; Resolution=2; Threat=T;\r\n\
         Encapsulated: res-hdr=0, res-body={}\r\n\r\n{page}3\r\nno!\r\n0\r\n\r\n",
        page.len()
    );
    let seen = Seen {
        infection: true,
        http_status: 403,
        head: HeadMatch::Different,
        body: BodyMatch::Different,
        ..ECHO
    };
    check(&wire, Ok(&[Event::Complete(seen)]));
}

#[test]
fn deviations_are_named() {
    check("HTTP/1.1 200 OK\r\n\r\n", Err("the answer does not begin with ICAP/1.0"));
    check("ICAP/1.0 20 OK\r\n\r\n", Err("the ICAP status is not three digits"));
    check("ICAP/1.0 204 No\r\nfoo\r\n\r\n", Err("a field without a colon"));
    check("ICAP/1.0 204 No\r\nA: b\nC: d\r\n\r\n", Err("a line of the ICAP head ends without CR"));
    let list = |list| format!("ICAP/1.0 200 OK\r\nEncapsulated: {list}\r\n\r\n");
    let broken = "Encapsulated is no list of parts with rising offsets";
    check(&list("res-hdr=9, res-body=20"), Err(broken));
    check(&list("res-hdr=0, res-body=-1"), Err(broken));
    check(&list("res-hdr=0"), Err("Encapsulated has no body part"));
    check(&list("res-hdr=0, foo=4"), Err("Encapsulated names an unknown part"));
    let body = "ICAP/1.0 204 No\r\nEncapsulated: res-body=0\r\n\r\n";
    check(body, Err("204 with a body or a head"));
    let offset = format!("{}0123456789", list("res-hdr=0, res-body=10"));
    check(&offset, Err("the encapsulated head does not end where Encapsulated says"));
}

#[test]
fn bytes_behind_the_answer_are_wrong() {
    let wire = "ICAP/1.0 204 No\r\n\r\nI";
    check(wire, Err("bytes behind the end of the answer"));
}

#[test]
fn a_head_without_end_is_refused() {
    let wire = format!("ICAP/1.0 204 No\r\nA: {}", "x".repeat(70_000));
    let want = Err(Wrong::Malformed("the ICAP head is longer than 64 KiB"));
    assert_eq!(events(&wire, 70_100), want);
    assert_eq!(events(&wire, 1_000), want);
}

#[test]
fn heads_say_whether_the_connection_stays() {
    let head = |field: &str| {
        IcapHead::parse(format!("ICAP/1.0 200 OK\r\n{field}\r\n\r\n").as_bytes()).unwrap()
    };
    assert_eq!(head("CONNECTION:  Close ").connection, After::Close);
    assert_eq!(head("Connection: keep-alive").connection, After::Keep);
    assert!(head("istag: \"x\"").istag);
    assert!(head("X-Violations-Found: 1\r\n\tfile\r\n name\r\nISTag: x").istag);
}
