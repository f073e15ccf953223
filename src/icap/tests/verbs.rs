//! What the owner may call, in the wrong order too, and what it is told besides events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::icap::{
    Connection, Event, Extra, Fault, IsTag, Note, Options, Output, ServiceKind, Timer, Unmodified,
};

fn connection() -> (Connection, Instant) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs an instant to count from; its value plays no part"
    )]
    let now = Instant::now();
    (Connection::new(Arc::new(Options::new(IsTag::of(b"", b""))), now), now)
}

/// Everything the core wants sent, as text; `#body` and `#close` for the other outputs.
fn outputs(core: &mut Connection) -> String {
    let mut text = String::new();
    while let Some(output) = core.poll_output() {
        match output {
            Output::Send(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            Output::Body => text.push_str("#body"),
            Output::Close => text.push_str("#close"),
        }
    }
    text
}

const HEAD: &str = "REQMOD icap://gw/echo?a=b&c&&d=e=f HTTP\r\n";
const POST: &str = "REQMOD icap://gw/echo?a=b&c&&d=e=f ICAP/1.0\r\nHost: gw\r\nX-Group: staff\r\n\
    Encapsulated: req-hdr=0, req-body=19\r\n\r\nPOST / HTTP/1.1\r\n\r\n";
const GET: &str = "REQMOD icap://gw/reqmod ICAP/1.0\r\nHost: gw\r\nAllow: 204\r\n\
    Encapsulated: req-hdr=0, null-body=18\r\n\r\nGET / HTTP/1.1\r\n\r\n";

#[test]
fn the_request_can_be_asked_about() {
    let (mut core, now) = connection();
    assert_eq!(core.handle_bytes(POST.as_bytes(), now).event, Some(Event::Request));
    let request = core.request();
    assert_eq!(
        (request.path(), request.kind(), request.has_body()),
        (&b"echo"[..], ServiceKind::Echo, true)
    );
    assert_eq!(request.field("x-group"), Some(&b"staff"[..]));
    assert_eq!(request.http_request().map(crate::http::RequestHead::method), Some(&b"POST"[..]));
    assert!(request.http_response().is_none() && request.preview().is_none());
    let pairs: Vec<_> = request.arguments().collect();
    assert_eq!(pairs, [(&b"a"[..], &b"b"[..]), (b"c", b""), (b"d", b"e=f")]);
}

#[test]
fn a_request_without_body_ends_at_once_even_without_further_bytes() {
    let (mut core, now) = connection();
    let taken = core.handle_bytes(GET.as_bytes(), now);
    assert_eq!((taken.bytes, taken.event), (GET.len(), Some(Event::Request)));
    assert_eq!(core.handle_bytes(b"", now).event, Some(Event::BodyEnd));
    assert_eq!(
        core.handle_bytes(GET.as_bytes(), now),
        crate::icap::Taken { bytes: 0, event: None }
    );
}

#[test]
fn verbs_at_the_wrong_time_do_nothing() {
    let (mut core, now) = connection();
    let extra = Extra::new();
    core.continue_(now);
    core.body_sent(now);
    core.answer_with(b"HTTP/1.1 403 No\r\n\r\n", b"", &extra, now);
    core.answer_fault(Fault::Internal, now);
    assert_eq!(core.answer_unmodified(&extra, now), Unmodified::NoContent);
    assert_eq!(outputs(&mut core), "");
    assert_eq!(core.handle_bytes(HEAD.get(..20).unwrap().as_bytes(), now).bytes, 20);
    assert_eq!(core.answer_unmodified(&extra, now), Unmodified::NoContent);
    core.answer_fault(Fault::Internal, now);
    assert_eq!(outputs(&mut core), "");
    assert!(!core.is_idle() && !core.is_undecided());
}

#[test]
fn the_first_answer_counts() {
    let (mut core, now) = connection();
    let extra = Extra::new();
    core.handle_bytes(POST.as_bytes(), now);
    assert!(core.is_undecided());
    assert_eq!(core.answer_unmodified(&extra, now), Unmodified::Echo);
    assert_eq!(core.answer_unmodified(&extra, now), Unmodified::Echo);
    core.answer_with(b"HTTP/1.1 403 No\r\n\r\n", b"", &extra, now);
    core.answer_fault(Fault::Internal, now);
    core.continue_(now);
    let said = outputs(&mut core);
    assert!(
        said.ends_with("POST / HTTP/1.1\r\n\r\n#body") && said.matches("ICAP/1.0").count() == 1,
        "{said}"
    );
    // Too early: the body has not ended.
    core.body_sent(now);
    assert_eq!(
        core.handle_bytes(b"0\r\n\r\n", now).event,
        Some(Event::Body { wire: 0..5, data: 0..0 })
    );
    assert_eq!(core.handle_bytes(b"", now).event, Some(Event::BodyEnd));
    assert!(!core.is_idle());
    core.body_sent(now);
    assert_eq!(outputs(&mut core), "");
    assert!(core.is_idle());
}

#[test]
fn a_page_that_is_no_http_response_becomes_a_server_error() {
    for head in [&b"403 Forbidden\r\n\r\n"[..], b"HTTP/1.1 403 Forbidden\r\n", b""] {
        let (mut core, now) = connection();
        core.handle_bytes(GET.as_bytes(), now);
        core.answer_with(head, b"x", &Extra::new(), now);
        assert!(outputs(&mut core).starts_with("ICAP/1.0 500 Server Error\r\n"));
        assert_eq!(core.poll_note(), Some(Note::Fault(Fault::Internal)));
    }
}

#[test]
fn a_page_without_body_is_a_null_body() {
    let (mut core, now) = connection();
    core.handle_bytes(GET.as_bytes(), now);
    core.answer_with(b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n", b"", &Extra::new(), now);
    let said = outputs(&mut core);
    assert!(
        said.contains("Encapsulated: res-hdr=0, null-body=43\r\n\r\nHTTP/1.1 302 Found\r\n"),
        "{said}"
    );
}

#[test]
fn other_options_take_effect_with_the_next_request() {
    let (mut core, now) = connection();
    core.handle_bytes(GET.as_bytes(), now);
    let tag = IsTag::of(b"new", b"");
    core.set_options(Arc::new(Options::new(tag)));
    core.answer_unmodified(&Extra::new(), now);
    assert!(!outputs(&mut core).contains(tag.as_str()));
    core.handle_bytes(GET.as_bytes(), now);
    core.answer_unmodified(&Extra::new(), now);
    assert!(outputs(&mut core).contains(tag.as_str()));
}

#[test]
fn deadlines_follow_the_request() {
    let (mut core, start) = connection();
    let deadlines = core.options.deadlines;
    let left = |core: &Connection, now: Instant| core.poll_deadline().map(|at| at - now);
    assert_eq!(left(&core, start), Some(deadlines.idle));
    let now = start + Duration::from_secs(10);
    core.handle_bytes(&POST.as_bytes()[..5], now);
    assert_eq!(left(&core, now), Some(deadlines.head));
    // A byte more does not buy more time for the head.
    core.handle_bytes(&POST.as_bytes()[5..6], now + Duration::from_secs(1));
    assert_eq!(left(&core, now), Some(deadlines.head));
    let now = now + Duration::from_secs(2);
    core.handle_bytes(&POST.as_bytes()[6..], now);
    assert_eq!(left(&core, now), Some(deadlines.body));
    core.answer_fault(Fault::Overloaded, now);
    assert_eq!(left(&core, now), Some(deadlines.drain));
    core.handle_bytes(b"0\r\n\r\n", now);
    outputs(&mut core);
    assert_eq!(left(&core, now), Some(deadlines.idle));
    core.handle_deadline(now);
    assert_eq!(outputs(&mut core), "", "a deadline that has not come changes nothing");
}

#[test]
fn no_deadline_runs_while_the_owner_decides() {
    let (mut core, now) = connection();
    core.handle_bytes(GET.as_bytes(), now);
    assert_eq!(core.poll_deadline(), None);
}

#[test]
fn what_the_core_did_alone_is_noted() {
    let (mut core, now) = connection();
    core.handle_bytes(b"OPTIONS icap://gw/echo ICAP/1.0\r\nHost: gw\r\n\r\n", now);
    assert_eq!((core.poll_note(), core.poll_note()), (Some(Note::Options), None));
    outputs(&mut core);
    core.handle_bytes(b"OPTIONS icap://gw/none ICAP/1.0\r\nHost: gw\r\n\r\n", now);
    assert_eq!(core.poll_note(), Some(Note::Fault(Fault::NoSuchService)));
    outputs(&mut core);
    core.handle_bytes(b"X", now);
    core.handle_deadline(now + Duration::from_secs(40));
    assert_eq!(core.poll_note(), Some(Note::Fault(Fault::Timeout(Timer::Head))));
}

#[test]
fn after_a_close_bytes_are_taken_and_forgotten() {
    let (mut core, now) = connection();
    core.abort(now);
    assert_eq!(outputs(&mut core), "#close");
    assert_eq!(core.handle_bytes(b"anything", now), crate::icap::Taken { bytes: 8, event: None });
    core.handle_deadline(now + Duration::from_secs(9999));
    core.handle_end(now);
    assert_eq!((outputs(&mut core), core.poll_deadline()), (String::new(), None));
}

#[test]
fn memory_is_given_back_between_requests_only() {
    let (mut core, now) = connection();
    core.handle_bytes(GET.as_bytes(), now);
    core.release_memory();
    assert!(core.request().http_request().is_some());
    core.answer_unmodified(&Extra::new(), now);
    outputs(&mut core);
    core.release_memory();
    assert!(core.request().http_request().is_none());
    assert_eq!(core.request.head.raw().len(), 0);
    core.handle_bytes(GET.as_bytes(), now);
    assert!(core.is_undecided());
}

#[test]
fn a_request_takes_no_memory_that_an_earlier_one_left() {
    let (mut core, now) = connection();
    let extra = Extra::new();
    let mut places = Vec::new();
    for _ in 0..50 {
        core.handle_bytes(GET.as_bytes(), now);
        core.answer_unmodified(&extra, now);
        places.push((
            core.request.head.raw().as_ptr(),
            core.request.http_request.raw().as_ptr(),
            core.outbox.bytes.as_ptr(),
        ));
        outputs(&mut core);
    }
    // The first request finds the sizes; the same buffers serve all the others.
    assert!(places.iter().skip(1).all(|place| place == &places[1]));
}

#[test]
fn a_body_of_five_gibibytes_costs_one_step_for_each_piece() {
    let (mut core, now) = connection();
    core.handle_bytes(POST.as_bytes(), now);
    core.answer_unmodified(&Extra::new(), now);
    outputs(&mut core);
    core.handle_bytes(b"140000000\r\n", now);
    let piece = vec![0_u8; 1 << 16];
    for _ in 0..0x1_4000_0000_u64 >> 16 {
        let taken = core.handle_bytes(&piece, now);
        assert_eq!(
            (taken.bytes, taken.event),
            (1 << 16, Some(Event::Body { wire: 0..1 << 16, data: 0..1 << 16 }))
        );
    }
    assert_eq!(
        core.handle_bytes(b"\r\n0\r\n\r\n", now).event,
        Some(Event::Body { wire: 0..7, data: 0..0 })
    );
    assert_eq!(core.handle_bytes(b"", now).event, Some(Event::BodyEnd));
}
