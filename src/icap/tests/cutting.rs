//! However the client's bytes are cut, and however broken they are, the same happens.
//!
//! The bytes are real requests with a few bytes changed, doubled or lost. The owner here decides by a fixed
//! rule, so outcome and output depend on the bytes alone.

use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;

use crate::icap::{
    Connection, Event, Extra, IsTag, Note, Options, Output, PreviewNoContent, Profile,
};

/// Everything that happened on one connection.
#[derive(Default, PartialEq, Eq)]
struct Outcome {
    sent: Vec<u8>,
    /// Events in order; neighbouring pieces of a body are one.
    events: Vec<String>,
    data: Vec<u8>,
    notes: Vec<Note>,
    is_closed: bool,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        writeln!(out, "{}", text(&self.sent))?;
        writeln!(
            out,
            "{:?} {:?} {:?} closed {}",
            self.events,
            text(&self.data),
            self.notes,
            self.is_closed
        )
    }
}

struct Owner {
    core: Connection,
    now: Instant,
    kept: Vec<u8>,
    is_echo_open: bool,
    is_ended: bool,
    request_count: usize,
    outcome: Outcome,
}

impl Owner {
    fn event(&mut self, event: Event, slice: &[u8]) {
        let extra = Extra::new();
        let name = match &event {
            Event::Request => format!("request {:?}", self.core.request().method()),
            Event::Body { .. } => "body".to_owned(),
            Event::PreviewEnd | Event::BodyEnd => format!("{event:?}"),
        };
        if name != "body" || self.outcome.events.last() != Some(&name) {
            self.outcome.events.push(name);
        }
        match event {
            Event::Request => {
                self.kept.clear();
                (self.is_echo_open, self.is_ended) = (false, false);
                self.request_count += 1;
                match self.request_count % 5 {
                    0 => drop(self.core.answer_unmodified(&extra, self.now)),
                    1 => {
                        let head = b"HTTP/1.1 403 No\r\n\r\n";
                        self.core.answer_with(head, b"page", &extra, self.now);
                    }
                    _ => {}
                }
            }
            Event::Body { wire, data } => {
                assert!(data.is_empty() || (wire.start <= data.start && data.end <= wire.end));
                self.outcome.data.extend_from_slice(&slice[data]);
                let target =
                    if self.is_echo_open { &mut self.outcome.sent } else { &mut self.kept };
                target.extend_from_slice(&slice[wire]);
            }
            Event::PreviewEnd if self.request_count.is_multiple_of(2) => {
                self.core.continue_(self.now);
            }
            Event::PreviewEnd => drop(self.core.answer_unmodified(&extra, self.now)),
            Event::BodyEnd => {
                self.is_ended = true;
                self.core.answer_unmodified(&extra, self.now);
            }
        }
    }

    fn outputs(&mut self) -> bool {
        let mut is_any = false;
        loop {
            while let Some(output) = self.core.poll_output() {
                assert!(!self.outcome.is_closed, "nothing follows a close");
                is_any = true;
                match output {
                    Output::Send(bytes) => self.outcome.sent.extend_from_slice(bytes),
                    Output::Body => {
                        self.is_echo_open = true;
                        self.outcome.sent.append(&mut self.kept);
                    }
                    Output::Close => self.outcome.is_closed = true,
                }
            }
            self.outcome.notes.extend(self.core.poll_note());
            if !(self.is_echo_open && self.is_ended) {
                return is_any;
            }
            self.is_echo_open = false;
            self.core.body_sent(self.now);
        }
    }
}

fn run(options: &Options, bytes: &[u8], pieces: &[usize]) -> Outcome {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs an instant to count from; its value plays no part"
    )]
    let now = Instant::now();
    let core = Connection::new(Arc::new(options.clone()), now);
    let outcome = Outcome::default();
    let mut owner = Owner {
        core,
        now,
        kept: Vec::new(),
        is_echo_open: false,
        is_ended: false,
        request_count: 0,
        outcome,
    };
    let mut lengths = pieces.iter().copied().cycle();
    let (mut end, mut at) = (0, 0);
    while end < bytes.len() {
        end = (end + lengths.next().unwrap_or(1)).min(bytes.len());
        let mut turns = 0;
        loop {
            let slice = &bytes[at..end];
            let taken = owner.core.handle_bytes(slice, now);
            at += taken.bytes;
            let is_event = taken.event.is_some();
            if let Some(event) = taken.event {
                owner.event(event, slice);
            }
            if !owner.outputs() && !is_event && taken.bytes == 0 {
                break;
            }
            turns += 1;
            assert!(turns < 4 * bytes.len() + 100, "the core goes round in circles");
        }
    }
    owner.outcome
}

const REQUESTS: [&str; 6] = [
    "OPTIONS icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nAllow: 206\r\n\r\n",
    "REQMOD icap://gw/reqmod ICAP/1.0\r\nHost: gw\r\nEncapsulated: req-hdr=0, null-body=18\r\nPreview: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "REQMOD icap://gw/echo ICAP/1.0\r\nHost: gw\r\nAllow: 204\r\nEncapsulated: req-hdr=0, req-body=19\r\n\r\n\
     POST / HTTP/1.1\r\n\r\n3;x=\"y\"\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n",
    "RESPMOD icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nEncapsulated: res-hdr=0, res-body=19\r\nPreview: 3\r\n\r\n\
     HTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n0\r\n\r\n2\r\nde\r\n0\r\n\r\n",
    "RESPMOD icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nEncapsulated: res-hdr=0, res-body=19\r\nPreview: 9\r\n\r\n\
     HTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n0; ieof\r\n\r\n",
    "RESPMOD icap://gw/nothing ICAP/1.0\r\nHost: gw\r\nEncapsulated: res-body=0\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
];

/// Bytes that a failing test prints as text.
#[derive(Clone)]
struct Shown(Vec<u8>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A few requests with a few bytes wrong.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        0_u8..4,
        prop::sample::select(b"\r\n :;=0129aX\0\xff".to_vec()),
    );
    let changes = proptest::collection::vec(change, 0..3);
    let requests = proptest::collection::vec(prop::sample::select(&REQUESTS[..]), 1..5);
    (requests, changes).prop_map(|(requests, changes)| {
        let mut bytes = requests.concat().into_bytes();
        for (place, kind, byte) in changes {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at + 1),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_outcome_does_not_depend_on_how_the_bytes_are_cut(
        text in conversation().prop_map(Shown),
        pieces in proptest::collection::vec(1_usize..60, 1..9),
        is_strict in any::<bool>(),
        is_always in any::<bool>(),
    ) {
        let bytes = text.0;
        let mut options = Options::new(IsTag::of(b"", b""));
        options.profile = if is_strict { Profile::STRICT } else { Profile::SQUID };
        if !is_always {
            options.profile.preview_no_content = PreviewNoContent::WhenAllowed;
        }
        let whole = run(&options, &bytes, &[usize::MAX >> 1]);
        prop_assert_eq!(&run(&options, &bytes, &pieces), &whole);
        prop_assert_eq!(&run(&options, &bytes, &[1]), &whole);
    }
}
