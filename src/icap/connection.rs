//! One client connection as a state machine: what it waits for, what has been answered, what is to be sent.
//!
//! Two things run side by side, because an answer may begin while the body still arrives (erratum E09):
//! *reading* a request (drawn on the front page of the room) and *answering* it:
//!
//! ```text
//!   Waiting ─▶ Complete                       204, block page, fault: the rest of the body is drained
//!      │ ╲
//!      │   ▶ Deferred ─▶ Echo ─▶ Complete     the body is sent back; in a preview, once that has ended
//!      └────────────────▲
//! ```
//!
//! The next request is read when the body has ended, the answer is complete, and its bytes are with the
//! owner. Until then further bytes stay with the owner, unconsumed (RFC 3507 section 4.1: one request at a
//! time, answers in order).
//!
//! The owner keeps body bytes; this type keeps heads, positions and its own output. Time may not run backwards.

use std::sync::Arc;
use std::time::Instant;

use super::head::HeadEnd;
use super::request::Persistence;
use super::state::{Answer, Closing, EchoBody, Outbox, PreviewEnd, Reading};
use super::trailer::Late;
use super::{
    Change, Claim, Extra, Fault, Note, Options, Output, Request, Taken, Timer, Unmodified,
};
use crate::http::chunked;

/// One ICAP connection. See the page of this file and of the room.
#[derive(Debug)]
pub struct Connection {
    pub(super) options: Arc<Options>,
    pub(super) next_options: Option<Arc<Options>>,
    pub(super) request: Request,
    pub(super) reading: Reading,
    pub(super) answer: Answer,
    pub(super) closing: Closing,
    pub(super) persistence: Persistence,
    pub(super) outbox: Outbox,
    pub(super) decoder: chunked::Decoder,
    pub(super) head_end: HeadEnd,
    /// Bytes of CR LF skipped before this request.
    pub(super) stray_bytes: u8,
    /// Trailer fields that came with `ieof`: they are no part of `wire`, so they wait here.
    pub(super) trailer: Vec<u8>,
    pub(super) preview_end: PreviewEnd,
    /// The extension headers of an echo that waits for the end of the preview.
    pub(super) deferred_extra: Extra,
    /// The HTTP head of an answer while its length is being found, or the preview's end awaited.
    pub(super) scratch: Vec<u8>,
    /// The answer that is being given or deferred has another head than the message.
    pub(super) is_changed: bool,
    /// Whether the answer owes a verdict, and its lines once they are known.
    pub(super) late: Late,
    pub(super) verdict: Vec<u8>,
    /// Encapsulated heads that are complete, where only their blank lines tell.
    pub(super) heads_found: usize,
    pub(super) is_half_closed: bool,
    pub(super) drained_bytes: u64,
    pub(super) progress_bytes: u64,
    pub(super) request_count: u64,
    pub(super) timer: Option<(Timer, Instant)>,
    pub(super) now: Instant,
    pub(super) note: Option<Note>,
    /// What the client says it is, while the owner finds out.
    pub(super) claim: Option<Claim>,
    /// SHA-256 of the credentials that were right on this connection.
    pub(super) accepted: Option<[u8; 32]>,
}

impl Connection {
    /// A fresh connection, which waits for its first request.
    #[must_use]
    pub fn new(options: Arc<Options>, now: Instant) -> Self {
        let timer = now.checked_add(options.deadlines.idle).map(|at| (Timer::Idle, at));
        let limits = chunk_limits(&options);
        Self {
            options,
            next_options: None,
            request: Request::new(),
            reading: Reading::Idle,
            answer: Answer::Complete,
            closing: Closing::No,
            persistence: Persistence::Keep,
            outbox: Outbox::default(),
            decoder: chunked::Decoder::new(chunked::Mode::Body, limits),
            head_end: HeadEnd::default(),
            stray_bytes: 0,
            trailer: Vec::new(),
            preview_end: PreviewEnd::NotYet,
            deferred_extra: Extra::new(),
            scratch: Vec::new(),
            is_changed: false,
            late: Late::No,
            verdict: Vec::new(),
            heads_found: 0,
            is_half_closed: false,
            drained_bytes: 0,
            progress_bytes: 0,
            request_count: 0,
            timer,
            now,
            note: None,
            claim: None,
            accepted: None,
        }
    }

    /// Other options, from the next request on.
    pub fn set_options(&mut self, options: Arc<Options>) {
        self.next_options = Some(options);
    }

    /// Bytes arrived. Call again, with the unconsumed rest and be it empty, until no event is returned;
    /// then poll. Body data costs constant work per chunk.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) -> Taken {
        self.advance_clock(now);
        let mut at = 0_usize;
        loop {
            let step = self.receive(bytes.get(at..).unwrap_or_default());
            let start = at;
            at = at.saturating_add(step.bytes);
            if let Some(event) = step.event {
                return Taken { bytes: at, event: Some(event.shifted(start)) };
            }
            if step.is_blocked {
                return Taken { bytes: at, event: None };
            }
        }
    }

    /// Time passed. Does nothing before [`Connection::poll_deadline`].
    pub fn handle_deadline(&mut self, now: Instant) {
        self.advance_clock(now);
        let Some((timer, _)) = self.timer.filter(|(_, at)| *at <= now) else {
            return;
        };
        match timer {
            Timer::Idle => self.close_now(),
            Timer::Drain => self.stop_reading(),
            Timer::Head | Timer::Preview | Timer::Body => self.refuse(Fault::Timeout(timer)),
        }
    }

    /// The client closed its side. A request that is not complete is dropped; a complete one may still be
    /// answered.
    pub fn handle_end(&mut self, now: Instant) {
        self.advance_clock(now);
        self.persistence = Persistence::Close;
        self.is_half_closed = true;
        let is_incomplete = match self.reading {
            Reading::Idle | Reading::Head => true,
            Reading::Claim
            | Reading::Heads
            | Reading::Preview
            | Reading::Body
            | Reading::Trailer
            | Reading::AtEnd(chunked::End::Preview) => self.answer != Answer::Complete,
            Reading::NullBody
            | Reading::Paused
            | Reading::AtEnd(_)
            | Reading::Ended
            | Reading::Closed => false,
        };
        if is_incomplete {
            self.close_now();
        } else if self.answer == Answer::Complete {
            self.stop_reading();
        }
    }

    /// The gateway is going down: close at once if idle, otherwise after the answer, which says so.
    pub fn retire(&mut self, now: Instant) {
        self.advance_clock(now);
        self.persistence = Persistence::Close;
        if self.reading == Reading::Idle {
            self.close_now();
        }
    }

    /// Fetch the rest of the body: 100 Continue. Does nothing unless [`super::Event::PreviewEnd`] awaits
    /// a decision.
    pub fn continue_(&mut self, now: Instant) {
        self.advance_clock(now);
        if self.reading == Reading::Paused && self.answer == Answer::Waiting {
            self.read_on();
        }
    }

    /// The message is to reach its destination as it is. The first answer to a request counts; a later one
    /// changes nothing.
    pub fn answer_unmodified(&mut self, extra: &Extra, now: Instant) -> Unmodified {
        self.advance_clock(now);
        match self.answer {
            Answer::Deferred | Answer::Echo(_) => Unmodified::Echo,
            Answer::Waiting | Answer::Complete if !self.is_undecided() => Unmodified::NoContent,
            Answer::Waiting | Answer::Complete if self.may_send_no_content() => {
                self.write_no_content(extra);
                Unmodified::NoContent
            }
            Answer::Waiting | Answer::Complete => {
                self.render_head(&Change::NONE);
                self.begin_echo(extra);
                Unmodified::Echo
            }
        }
    }

    /// The message could not be checked and is not to be used: 500 with headers that say why, for clients with
    /// a third state besides clean and infected. The first answer to a request counts.
    pub fn answer_unscannable(&mut self, extra: &Extra, now: Instant) {
        self.advance_clock(now);
        if self.is_undecided() {
            self.write_unscannable(extra);
        }
    }

    /// An HTTP response of ours takes the message's place: `head` with its blank line, and `body`. The
    /// first answer to a request counts. A `head` that is no HTTP response head becomes a 500.
    pub fn answer_with(&mut self, head: &[u8], body: &[u8], extra: &Extra, now: Instant) {
        self.advance_clock(now);
        if self.is_undecided() {
            self.write_response(head, body, extra);
        }
    }

    /// The request is refused. The first answer to a request counts.
    pub fn answer_fault(&mut self, fault: Fault, now: Instant) {
        self.advance_clock(now);
        if self.is_undecided() {
            self.refuse(fault);
        }
    }

    /// Every `wire` byte of an echo is sent. Counts only once [`Output::Body`] was given and the body ended, and
    /// the verdict was told where the answer has promised it.
    pub fn body_sent(&mut self, now: Instant) {
        self.advance_clock(now);
        if self.answer == Answer::Echo(EchoBody::Asked)
            && self.reading == Reading::Ended
            && self.late != Late::Awaited
        {
            self.finish_echo();
        }
    }

    /// The answer cannot be completed: close without another byte, so that the client sees a broken end.
    pub fn abort(&mut self, now: Instant) {
        self.advance_clock(now);
        self.close_now();
    }

    /// What has to happen next towards the client.
    pub fn poll_output(&mut self) -> Option<Output<'_>> {
        self.outbox.settle(self.options.limits.retained_bytes);
        if !self.outbox.bytes.is_empty() {
            self.outbox.is_handed = true;
            return Some(Output::Send(&self.outbox.bytes));
        }
        if self.answer == Answer::Echo(EchoBody::NotAsked) {
            self.answer = Answer::Echo(EchoBody::Asked);
            return Some(Output::Body);
        }
        self.settle();
        if self.closing == Closing::WhenSent {
            self.closing = Closing::Told;
            return Some(Output::Close);
        }
        None
    }

    /// What the core did by itself since the last call: at most one note for each request. A failure while
    /// the rest of an answered request is drained is none; the answer was.
    pub fn poll_note(&mut self) -> Option<Note> {
        self.note.take()
    }

    /// When to call [`Connection::handle_deadline`].
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Instant> {
        self.timer.map(|(_, at)| at)
    }

    /// The request being served, or the last one until the next begins.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Whether nothing is under way, so that the owner's buffers may be given back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.reading == Reading::Idle && self.stray_bytes == 0
    }

    /// Whether the last byte of the body was read and its end is still to be told: a trailer may come before.
    #[must_use]
    pub const fn is_behind_body(&self) -> bool {
        matches!(self.reading, Reading::Trailer | Reading::AtEnd(_))
    }

    /// Whether the request in hand has no answer yet: the owner has something to decide.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.answer == Answer::Waiting
            && !matches!(
                self.reading,
                Reading::Idle | Reading::Head | Reading::Claim | Reading::Heads
            )
    }

    /// Gives back what memory this connection holds between requests. Does nothing during one.
    pub fn release_memory(&mut self) {
        if self.is_idle() {
            self.request.clear(0);
            self.outbox.settle(0);
            self.trailer = Vec::new();
            self.verdict = Vec::new();
            self.scratch = Vec::new();
        }
    }

    /// Between two requests: nothing of the last one is left, and the next may begin.
    pub(super) fn settle(&mut self) {
        if self.answer != Answer::Complete || !self.outbox.is_empty() {
            return;
        }
        match (self.reading, self.persistence) {
            (Reading::Closed, _) | (Reading::Ended, Persistence::Close) => self.close_when_sent(),
            (Reading::Ended, Persistence::Keep) => {
                self.reading = Reading::Idle;
                self.stray_bytes = 0;
                self.set_timer(Timer::Idle);
            }
            (_, Persistence::Keep | Persistence::Close) => {}
        }
    }

    /// Nothing more is read; what is in the outbox still goes out, then the connection closes.
    pub(super) fn stop_reading(&mut self) {
        self.reading = Reading::Closed;
        self.timer = None;
        self.settle();
    }

    /// Nothing more is read or sent.
    pub(super) fn close_now(&mut self) {
        self.outbox.bytes.clear();
        self.outbox.is_handed = false;
        self.answer = Answer::Complete;
        self.stop_reading();
    }

    fn close_when_sent(&mut self) {
        self.reading = Reading::Closed;
        self.timer = None;
        if self.closing == Closing::No {
            self.closing = Closing::WhenSent;
        }
    }

    pub(super) fn set_timer(&mut self, timer: Timer) {
        let deadlines = &self.options.deadlines;
        let wait = match timer {
            Timer::Idle => deadlines.idle,
            Timer::Head => deadlines.head,
            Timer::Preview => deadlines.preview,
            Timer::Body => deadlines.body,
            Timer::Drain => deadlines.drain,
        };
        // A deadline beyond the clock's range is none.
        self.timer = self.now.checked_add(wait).map(|at| (timer, at));
    }

    pub(super) fn advance_clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.outbox.settle(self.options.limits.retained_bytes);
    }
}

pub(super) const fn chunk_limits(options: &Options) -> chunked::Limits {
    chunked::Limits {
        extension_bytes_max: options.limits.chunk_extension_bytes_max,
        trailer_bytes_max: options.limits.trailer_bytes_max,
    }
}
