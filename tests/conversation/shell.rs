//! The smallest owner of a connection: keeps body bytes, decides by script, collects what we send.
//!
//! It does what the runtime does with a socket, in the same order of calls, with memory in place of the
//! socket and a counter in place of the clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baleen::icap::{
    Change, ClaimAnswer, Connection, Event, Extra, Fault, Finding, FindingKind, IsTag, Options,
    Output, Resolution, Unmodified,
};

/// What the owner decides, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) what: What,
    pub(crate) when: When,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Unmodified,
    /// As it is, but for the field `X-Mark` of the head.
    Changed,
    /// The same before the verdict is known: without any `X-Mark`.
    Ahead,
    /// The verdict after that.
    Verdict(String),
    Unscannable,
    Block(String),
    Continue,
    Fault(Fault),
    Abort,
    /// Decide later: when time has passed.
    Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At the end of the preview or body, whichever comes first.
    AtEnd,
    /// As soon as the heads are known.
    AtRequest,
    /// When so many bytes of payload have been seen.
    After(usize),
}

/// The owner of one connection.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts of a test apparatus")]
pub(crate) struct Shell {
    core: Connection,
    now: Instant,
    /// Bytes of the client that the core has not taken.
    input: Vec<u8>,
    decisions: VecDeque<Decision>,
    /// Wire bytes kept for an echo.
    kept: Vec<u8>,
    payload_bytes: usize,
    is_echo_open: bool,
    is_body_ended: bool,
    is_held: bool,
    /// What went to the client since the last look.
    pub(crate) sent: Vec<u8>,
    pub(crate) is_closed: bool,
}

impl Shell {
    pub(crate) fn new(options: Options, decisions: Vec<Decision>) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs an instant to count from; its value plays no part"
        )]
        let now = Instant::now();
        Self {
            core: Connection::new(Arc::new(options), now),
            now,
            input: Vec::new(),
            decisions: decisions.into(),
            kept: Vec::new(),
            payload_bytes: 0,
            is_echo_open: false,
            is_body_ended: false,
            is_held: false,
            sent: Vec::new(),
            is_closed: false,
        }
    }

    /// Bytes from the client.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        let mut input = std::mem::take(&mut self.input);
        let mut at = 0;
        loop {
            let rest = &input[at..];
            let taken = self.core.handle_bytes(rest, self.now);
            at += taken.bytes;
            let is_event = taken.event.is_some();
            if let Some(event) = taken.event {
                self.handle_event(event, rest);
            }
            let is_output = self.send_all() || self.answer_claim();
            if !is_event && !is_output && taken.bytes == 0 {
                break;
            }
        }
        input.drain(..at);
        self.input = input;
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        if self.core.poll_deadline().is_some_and(|at| at <= self.now) {
            self.core.handle_deadline(self.now);
        }
        if std::mem::take(&mut self.is_held) {
            self.decide_if(|_, _| true);
        }
        self.send_all();
        self.receive(&[]);
    }

    pub(crate) fn end(&mut self) {
        self.core.handle_end(self.now);
        self.send_all();
        self.receive(&[]);
    }

    pub(crate) fn retire(&mut self) {
        self.core.retire(self.now);
        self.send_all();
    }

    /// Decisions nobody asked for: the script and the core disagree about what happened.
    pub(crate) fn unused_decisions(&self) -> usize {
        self.decisions.len()
    }

    /// One name and one password are known here; true if there was somebody to ask about.
    fn answer_claim(&mut self) -> bool {
        let Some(claim) = self.core.claim() else { return false };
        let is_right = claim.name == "name" && claim.password == "secret";
        let answer = if is_right { ClaimAnswer::Right } else { ClaimAnswer::Wrong };
        self.core.answer_claim(answer, self.now);
        true
    }

    fn handle_event(&mut self, event: Event, slice: &[u8]) {
        match event {
            Event::Request => {
                self.kept.clear();
                self.payload_bytes = 0;
                self.is_echo_open = false;
                self.is_body_ended = false;
                self.decide_if(|when, _| when == When::AtRequest);
            }
            Event::Body { wire, data } => {
                assert!(
                    data.is_empty() || (wire.start <= data.start && data.end <= wire.end),
                    "data lies within wire"
                );
                self.payload_bytes += data.len();
                let kept = if self.is_echo_open { &mut self.sent } else { &mut self.kept };
                kept.extend_from_slice(&slice[wire]);
                self.decide_if(|when, seen| matches!(when, When::After(bytes) if seen >= bytes));
            }
            Event::PreviewEnd => self.decide_if(|when, _| when == When::AtEnd),
            Event::BodyEnd => {
                self.is_body_ended = true;
                let is_due = self.decisions.front().is_some_and(|next| is_any_time(&next.what));
                if self.core.is_undecided() || is_due {
                    self.decide_if(|_, _| true);
                }
            }
        }
    }

    fn decide_if(&mut self, is_time: impl Fn(When, usize) -> bool) {
        let is_possible = |what: &What| is_any_time(what) || self.core.is_undecided();
        let is_due =
            |next: &Decision| is_time(next.when, self.payload_bytes) && is_possible(&next.what);
        if !self.decisions.front().is_some_and(is_due) {
            return;
        }
        let Some(decision) = self.decisions.pop_front() else {
            return;
        };
        match decision.what {
            What::Unmodified => {
                let way = self.core.answer_unmodified(&Extra::new(), self.now);
                self.follow(way);
            }
            What::Changed => {
                let with = Some(("X-Mark", "clean"));
                let change = Change { with, ..without_mark() };
                let way = self.core.answer_changed(&change, &Extra::new(), self.now);
                self.follow(way);
            }
            What::Ahead => self.core.answer_ahead(&without_mark(), self.now),
            What::Verdict(word) => {
                let mut extra = Extra::new();
                extra.response_info(&word);
                self.core.verdict(&extra, self.now);
            }
            What::Unscannable => {
                let mut extra = Extra::new();
                extra.field("X-Error-Code", "password_protected");
                self.core.answer_unscannable(&extra, self.now);
            }
            What::Block(name) => {
                let body = page(&name);
                self.core.answer_with(
                    page_head(body.len()).as_bytes(),
                    body.as_bytes(),
                    &extra(&name),
                    self.now,
                );
            }
            What::Continue => self.core.continue_(self.now),
            What::Fault(fault) => self.core.answer_fault(fault, self.now),
            What::Abort => self.core.abort(self.now),
            What::Hold => self.is_held = true,
        }
    }

    fn follow(&mut self, way: Unmodified) {
        match way {
            Unmodified::NoContent | Unmodified::PartialContent => self.kept.clear(),
            Unmodified::Echo => {}
        }
    }

    /// Carries out every output; true if there was one.
    fn send_all(&mut self) -> bool {
        let mut is_output = false;
        loop {
            while let Some(output) = self.core.poll_output() {
                assert!(!self.is_closed, "nothing follows a close");
                is_output = true;
                match output {
                    Output::Send(bytes) => self.sent.extend_from_slice(bytes),
                    Output::Body => {
                        self.is_echo_open = true;
                        self.sent.append(&mut self.kept);
                    }
                    Output::Close => self.is_closed = true,
                }
            }
            if !(self.is_echo_open && self.is_body_ended) {
                return is_output;
            }
            self.is_echo_open = false;
            self.core.body_sent(self.now);
        }
    }
}

fn is_any_time(what: &What) -> bool {
    matches!(what, What::Abort | What::Verdict(_))
}

fn without_mark() -> Change<'static> {
    let mut change = Change::NONE;
    change.without[0] = "x-mark";
    change
}

/// The body of a block page that names `threat`.
pub(crate) fn page(threat: &str) -> String {
    format!("<p>{threat}</p>")
}

/// The head that goes with it.
pub(crate) fn page_head(bytes: usize) -> String {
    format!("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: {bytes}\r\n\r\n")
}

/// The extension headers that go with it.
pub(crate) fn extra(threat: &str) -> Extra {
    let mut extra = Extra::new();
    let finding = Finding { kind: FindingKind::Virus, resolution: Resolution::Blocked, threat };
    extra.infection_found(&finding).virus_id(threat).response_info("Blocked");
    extra
}

/// The tag of every test.
pub(crate) fn istag() -> IsTag {
    IsTag::of(b"database", b"policy")
}
