//! Reading a request: one step at a time, each consuming what belongs to one state.
//!
//! RFC 3507 sections 4.3 to 4.5. A step answers how many bytes it took, an event if there is one, and
//! whether anything more can happen without the owner or further bytes.

use super::connection::chunk_limits;
use super::head::HeadEnd;
use super::request::Persistence;
use super::state::{Answer, EchoBody, PreviewEnd, Reading};
use super::trailer::Late;
use super::{
    AfterAnswer, Authentication, Connection, Event, Fault, Method, Note, Offsets, PreviewOverrun,
    StrayLineEnds, Timer,
};
use crate::http::HeadFault;
use crate::http::chunked::{Decoder, End, Mode};

/// What one step did.
pub(super) struct Step {
    pub(super) bytes: usize,
    pub(super) event: Option<Event>,
    /// Nothing more can be done with these bytes now.
    pub(super) is_blocked: bool,
}

impl Step {
    pub(super) const BLOCKED: Self = Self { bytes: 0, event: None, is_blocked: true };

    pub(super) const fn took(bytes: usize) -> Self {
        Self { bytes, event: None, is_blocked: false }
    }

    const fn event(bytes: usize, event: Event) -> Self {
        Self { bytes, event: Some(event), is_blocked: false }
    }
}

impl Connection {
    /// One step of reading.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Step {
        match self.reading {
            Reading::Idle => self.receive_first(bytes),
            Reading::Head => self.receive_head(bytes),
            Reading::Heads => match self.options.profile.offsets {
                Offsets::Exact => self.receive_http_heads(bytes),
                Offsets::ByHeads => self.receive_uncounted_heads(bytes),
            },
            Reading::NullBody => self.body_ended(),
            Reading::Preview | Reading::Body => self.receive_body(bytes),
            Reading::AtEnd(End::Preview) => self.preview_ended(),
            Reading::AtEnd(End::Ieof) => {
                self.preview_end = PreviewEnd::Ieof;
                self.behind_body()
            }
            Reading::AtEnd(End::Last) => self.behind_body(),
            Reading::Trailer => self.receive_trailer(bytes),
            Reading::Ended => {
                self.settle();
                if self.reading == Reading::Ended { Step::BLOCKED } else { Step::took(0) }
            }
            Reading::Claim | Reading::Paused => Step::BLOCKED,
            Reading::Closed => Step { bytes: bytes.len(), event: None, is_blocked: true },
        }
    }

    fn receive_first(&mut self, bytes: &[u8]) -> Step {
        let Some(first) = bytes.first() else {
            return Step::BLOCKED;
        };
        if self.stray_bytes == 0
            && let Some(options) = self.next_options.take()
        {
            self.options = options;
            // Who was known may be so no longer.
            self.accepted = None;
        }
        let is_stray = matches!(first, b'\r' | b'\n')
            && self.options.profile.stray_line_ends == StrayLineEnds::Skip;
        if is_stray && self.stray_bytes < STRAY_BYTES_MAX {
            self.stray_bytes = self.stray_bytes.saturating_add(1);
            return Step::took(1);
        }
        self.request.clear(self.options.limits.retained_bytes);
        self.decoder = Decoder::new(Mode::Body, chunk_limits(&self.options));
        self.head_end = HeadEnd::default();
        self.trailer.clear();
        self.preview_end = PreviewEnd::NotYet;
        self.drained_bytes = 0;
        self.progress_bytes = 0;
        self.heads_found = 0;
        self.is_changed = false;
        self.late = Late::No;
        self.answer = Answer::Waiting;
        self.reading = Reading::Head;
        self.request_count = self.request_count.saturating_add(1);
        if self.options.requests_max.is_some_and(|max| self.request_count >= max.get()) {
            self.persistence = Persistence::Close;
        }
        self.set_timer(Timer::Head);
        Step::took(0)
    }

    fn receive_head(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::BLOCKED;
        }
        let (length, is_complete) = self.head_end.find(bytes);
        let max = self.options.limits.icap_head_bytes_max;
        if self.request.head.raw().len().saturating_add(length) > max {
            self.refuse(Fault::Head(HeadFault::TooLong { max }));
            return Step::took(0);
        }
        self.request.head.extend(bytes.get(..length).unwrap_or_default());
        if is_complete {
            self.head_received();
        }
        Step::took(length)
    }

    /// The ICAP head is complete: checks it, and decides what it can decide alone.
    fn head_received(&mut self) {
        if let Err(fault) =
            self.request.read_head(&self.options).and_then(|()| self.check_head_sizes())
        {
            self.refuse(fault);
            return;
        }
        if self.request.connection() == Persistence::Close
            || self.options.profile.after_answer == AfterAnswer::Close
        {
            self.persistence = Persistence::Close;
        }
        self.head_end = HeadEnd::default();
        if self.options.authentication == Authentication::Off || !self.ask_for_claim() {
            self.find_service();
        }
    }

    /// The client may ask: looks the service up, and answers OPTIONS.
    pub(super) fn find_service(&mut self) {
        self.reading = Reading::Heads;
        if let Err(fault) = self.request.find_service(&self.options) {
            self.refuse(fault);
        } else if self.request.method() == Method::Options {
            self.note = Some(Note::Options);
            self.write_options();
        }
    }

    fn check_head_sizes(&self) -> Result<(), Fault> {
        let max = self.options.limits.http_head_bytes_max;
        let parts = &self.request.encapsulated;
        if parts.request_head_bytes.is_some_and(|bytes| bytes > max) {
            return Err(Fault::HttpRequest(HeadFault::TooLong { max }));
        }
        if parts.response_head_bytes.is_some_and(|bytes| bytes > max) {
            return Err(Fault::HttpResponse(HeadFault::TooLong { max }));
        }
        Ok(())
    }

    fn receive_http_heads(&mut self, bytes: &[u8]) -> Step {
        let parts = self.request.encapsulated;
        let missing =
            |wanted: Option<usize>, have: usize| wanted.unwrap_or_default().saturating_sub(have);
        let of_request = missing(parts.request_head_bytes, self.request.http_request.raw().len());
        if of_request > 0 {
            let piece = bytes.get(..of_request).unwrap_or(bytes);
            self.request.http_request.extend(piece);
            return if piece.is_empty() { Step::BLOCKED } else { Step::took(piece.len()) };
        }
        let of_response =
            missing(parts.response_head_bytes, self.request.http_response.raw().len());
        if of_response > 0 {
            let piece = bytes.get(..of_response).unwrap_or(bytes);
            self.request.http_response.extend(piece);
            return if piece.is_empty() { Step::BLOCKED } else { Step::took(piece.len()) };
        }
        self.http_heads_received()
    }

    /// The heads of a client that miscounts: each ends where its blank line does.
    fn receive_uncounted_heads(&mut self, bytes: &[u8]) -> Step {
        let parts = &self.request.encapsulated;
        let (request, response) =
            (parts.request_head_bytes.is_some(), parts.response_head_bytes.is_some());
        let head = match (self.heads_found, request, response) {
            (0, true, _) => HttpHead::Request,
            (0, false, true) | (1, true, true) => HttpHead::Response,
            _ => return self.http_heads_received(),
        };
        if bytes.is_empty() {
            return Step::BLOCKED;
        }
        let (length, is_complete) = self.head_end.find(bytes);
        let max = self.options.limits.http_head_bytes_max;
        let held = match head {
            HttpHead::Request => self.request.http_request.raw().len(),
            HttpHead::Response => self.request.http_response.raw().len(),
        };
        if held.saturating_add(length) > max {
            let fault = HeadFault::TooLong { max };
            self.refuse(match head {
                HttpHead::Request => Fault::HttpRequest(fault),
                HttpHead::Response => Fault::HttpResponse(fault),
            });
            return Step::took(0);
        }
        let piece = bytes.get(..length).unwrap_or_default();
        match head {
            HttpHead::Request => self.request.http_request.extend(piece),
            HttpHead::Response => self.request.http_response.extend(piece),
        }
        if is_complete {
            self.head_end = HeadEnd::default();
            self.heads_found = self.heads_found.saturating_add(1);
        }
        Step::took(length)
    }

    fn http_heads_received(&mut self) -> Step {
        // Heads of a request that is answered already are of no interest, broken or not.
        if self.answer != Answer::Complete
            && let Err(fault) = self.request.read_http_heads(&self.options)
        {
            self.refuse(fault);
            return Step::took(0);
        }
        self.reading = match (self.request.has_body(), self.request.preview()) {
            (false, _) => Reading::NullBody,
            (true, None) => Reading::Body,
            (true, Some(announced)) => {
                let bytes_max = match self.options.profile.preview_overrun {
                    PreviewOverrun::Refuse => announced,
                    PreviewOverrun::Accept => u64::MAX,
                };
                self.decoder =
                    Decoder::new(Mode::Preview { bytes_max }, chunk_limits(&self.options));
                Reading::Preview
            }
        };
        match (self.answer, self.reading) {
            (Answer::Complete, _) => return Step::took(0),
            (_, Reading::Preview) => self.set_timer(Timer::Preview),
            (_, Reading::Body) => self.set_timer(Timer::Body),
            (Answer::Waiting | Answer::Deferred | Answer::Echo(_), _) => self.timer = None,
        }
        Step::event(0, Event::Request)
    }

    fn receive_body(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::BLOCKED;
        }
        let step = match self.decoder.decode(bytes) {
            Ok(step) => step,
            Err(fault) => {
                self.refuse(Fault::Body(fault));
                return Step::took(0);
            }
        };
        if self.reading == Reading::Preview {
            // The decoder bounds the trailer, so this buffer is bounded.
            self.trailer.extend_from_slice(bytes.get(step.trailer.clone()).unwrap_or_default());
        }
        if let Some(end) = step.end {
            self.reading = Reading::AtEnd(end);
        }
        if self.answer == Answer::Complete {
            return self.drain(step.bytes);
        }
        self.note_progress(step.bytes);
        if step.wire.is_empty() {
            return Step::took(step.bytes);
        }
        Step::event(step.bytes, Event::Body { wire: step.wire, data: step.data })
    }

    /// Body bytes after a final answer: counted, then forgotten.
    fn drain(&mut self, bytes: usize) -> Step {
        self.drained_bytes =
            self.drained_bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.drained_bytes > self.options.limits.drain_bytes_max {
            self.stop_reading();
        }
        Step::took(bytes)
    }

    /// The body's deadline moves when enough has arrived since it was set.
    fn note_progress(&mut self, bytes: usize) {
        self.progress_bytes =
            self.progress_bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.reading == Reading::Body
            && self.progress_bytes >= self.options.deadlines.body_progress_bytes
        {
            self.progress_bytes = 0;
            self.set_timer(Timer::Body);
        }
    }

    fn preview_ended(&mut self) -> Step {
        self.timer = None;
        self.reading = Reading::Paused;
        match self.answer {
            Answer::Waiting => Step::event(0, Event::PreviewEnd),
            Answer::Deferred if self.is_change_deferred() && self.may_send_partial_content() => {
                self.start_deferred_change();
                Step::took(0)
            }
            Answer::Deferred | Answer::Echo(_) => {
                self.read_on();
                self.start_deferred_echo();
                Step::took(0)
            }
            Answer::Complete => {
                self.reading = Reading::Ended;
                Step::took(0)
            }
        }
    }

    /// Behind the last chunk: the client's trailer, or nothing more.
    fn behind_body(&mut self) -> Step {
        if self.begin_trailer() { Step::took(0) } else { self.body_ended() }
    }

    pub(super) fn body_ended(&mut self) -> Step {
        self.timer = None;
        self.reading = Reading::Ended;
        if self.is_change_deferred() && self.may_send_partial_content() {
            self.start_deferred_change();
        }
        self.start_deferred_echo();
        match self.answer {
            Answer::Complete => Step::took(0),
            Answer::Waiting
            | Answer::Deferred
            | Answer::Echo(EchoBody::NotAsked | EchoBody::Asked) => Step::event(0, Event::BodyEnd),
        }
    }

    /// 100 Continue: the rest of the body follows.
    pub(super) fn read_on(&mut self) {
        self.write_continue();
        self.decoder.resume();
        self.preview_end = PreviewEnd::Continued;
        self.progress_bytes = 0;
        self.reading = Reading::Body;
        self.set_timer(Timer::Body);
        // A client that closed its side cannot send the rest.
        if self.is_half_closed {
            self.close_now();
        }
    }
}

/// Which of the encapsulated heads is being read.
#[derive(Clone, Copy)]
enum HttpHead {
    Request,
    Response,
}

/// Two empty lines written by a careless client, twice over.
const STRAY_BYTES_MAX: u8 = 8;
