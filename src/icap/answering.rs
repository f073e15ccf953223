//! Writing answers: status line, ISTag, `Connection`, extension headers, `Encapsulated`, and what follows.
//!
//! RFC 3507 sections 4.3.3, 4.4, 4.6 to 4.9. Every answer except 100 carries the ISTag, and every answer
//! after which the connection closes says `Connection: close`. Heads of ours are written into one reusable
//! buffer; only a block page makes it grow.
//!
//! Absent on purpose: `Date` (there is no clock here, and Squid measures OPTIONS by it), and text in the
//! body of errors (erratum E03: only 200 carries a body).

use std::fmt::Write as _;

use super::extension::Text;
use super::request::Persistence;
use super::state::{Answer, EchoBody, PreviewEnd, Reading};
use super::{
    Aftermath, Connection, Extra, Fault, Method, NoContent, Note, PreviewNoContent, Timer,
};

impl Connection {
    /// Whether RFC 3507 section 4.6 allows a 204 now.
    pub(super) fn may_send_no_content(&self) -> bool {
        let is_offered = self.options.advertised.no_content == NoContent::Offer;
        let is_allowed = self.request.allow().no_content && is_offered;
        let in_preview =
            self.request.preview().is_some() && self.preview_end != PreviewEnd::Continued;
        match (in_preview, self.options.profile.preview_no_content) {
            (true, PreviewNoContent::Always) => true,
            (true, PreviewNoContent::WhenAllowed) | (false, _) => is_allowed,
        }
    }

    pub(super) fn write_no_content(&mut self, extra: &Extra) {
        self.write_head(204, "No Content");
        self.write_extra(extra);
        self.outbox.bytes.extend_from_slice(b"Encapsulated: null-body=0\r\n\r\n");
        self.answer_written();
    }

    pub(super) fn write_continue(&mut self) {
        self.outbox.bytes.extend_from_slice(b"ICAP/1.0 100 Continue\r\n\r\n");
    }

    /// Begins to send the message back, or remembers to do so when the preview has ended: while it is
    /// arriving, a 200 would leave no place for the 100 Continue that the echo needs.
    pub(super) fn begin_echo(&mut self, extra: &Extra) {
        match self.reading {
            Reading::Preview | Reading::AtEnd(_) if self.decoder.is_preview() => {
                self.deferred_extra.clone_from(extra);
                self.answer = Answer::Deferred;
            }
            Reading::Paused => {
                self.read_on();
                self.write_echo(extra);
            }
            Reading::Idle
            | Reading::Head
            | Reading::Claim
            | Reading::Heads
            | Reading::NullBody
            | Reading::Preview
            | Reading::Body
            | Reading::Trailer
            | Reading::AtEnd(_)
            | Reading::Ended
            | Reading::Closed => self.write_echo(extra),
        }
    }

    /// The preview has ended: an echo that waited for it begins.
    pub(super) fn start_deferred_echo(&mut self) {
        if self.answer == Answer::Deferred {
            let extra = std::mem::take(&mut self.deferred_extra);
            self.write_echo(&extra);
            self.deferred_extra = extra;
        }
    }

    /// The same for an answer with another head, which is a 206 now.
    pub(super) fn start_deferred_change(&mut self) {
        let extra = std::mem::take(&mut self.deferred_extra);
        self.write_partial_content(&extra);
        self.deferred_extra = extra;
    }

    /// The message with the head that was rendered, and the body as it came.
    pub(super) fn write_echo(&mut self, extra: &Extra) {
        self.write_head(200, "OK");
        self.write_promise();
        self.write_extra(extra);
        let has_body = self.request.has_body();
        self.write_parts(has_body);
        if has_body {
            self.answer = Answer::Echo(EchoBody::NotAsked);
        } else {
            self.answer_written();
        }
    }

    /// `Encapsulated`, the blank line, and the head that was rendered.
    pub(super) fn write_parts(&mut self, has_body: bool) {
        let (head_name, body_name) = match self.request.method() {
            Method::Reqmod | Method::Options => ("req-hdr", "req-body"),
            Method::Respmod => ("res-hdr", "res-body"),
        };
        let out = &mut self.outbox.bytes;
        let part = if self.scratch.is_empty() { None } else { Some(head_name) };
        let body = if has_body { body_name } else { "null-body" };
        write_encapsulated(out, part, body, self.scratch.len());
        out.extend_from_slice(&self.scratch);
    }

    /// 500 with headers.
    pub(super) fn write_unscannable(&mut self, extra: &Extra) {
        let fault = Fault::Internal;
        self.write_head(fault.status(), fault.reason());
        self.write_extra(extra);
        self.outbox.bytes.extend_from_slice(b"Encapsulated: null-body=0\r\n\r\n");
        self.answer_written();
    }

    /// The owner sent every body byte it was given.
    pub(super) fn finish_echo(&mut self) {
        if self.preview_end == PreviewEnd::Ieof {
            // The client's last chunk said `ieof`, which is between it and us (RFC 3507 section 4.5).
            self.outbox.bytes.extend_from_slice(b"0\r\n");
            self.outbox.bytes.extend_from_slice(&self.trailer);
            self.outbox.bytes.extend_from_slice(b"\r\n");
        }
        self.write_trailer();
        self.answer_written();
    }

    pub(super) fn write_response(&mut self, head: &[u8], body: &[u8], extra: &Extra) {
        if !head.starts_with(b"HTTP/") || !head.ends_with(b"\r\n\r\n") {
            self.refuse(Fault::Internal);
            return;
        }
        self.write_head(200, "OK");
        self.write_extra(extra);
        let out = &mut self.outbox.bytes;
        let body_name = if body.is_empty() { "null-body" } else { "res-body" };
        write_encapsulated(out, Some("res-hdr"), body_name, head.len());
        out.extend_from_slice(head);
        if !body.is_empty() {
            // Writing to memory cannot fail.
            let _ = write!(Text(out), "{:x}\r\n", body.len());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        self.answer_written();
    }

    /// Answers a fault, if an answer is still possible; otherwise ends the connection as it must.
    pub(super) fn refuse(&mut self, fault: Fault) {
        if self.answer != Answer::Complete {
            self.note = Some(Note::Fault(fault));
        }
        match self.answer {
            Answer::Waiting | Answer::Deferred => {
                if fault.aftermath() == Aftermath::Close {
                    self.persistence = Persistence::Close;
                }
                self.write_head(fault.status(), fault.reason());
                self.write_challenge(fault);
                self.outbox.bytes.extend_from_slice(b"Encapsulated: null-body=0\r\n\r\n");
                self.answer_written();
                if fault.aftermath() == Aftermath::Close {
                    self.stop_reading();
                }
            }
            // An echo that is under way can only end broken; a complete answer needs no second one.
            Answer::Echo(_) => self.close_now(),
            Answer::Complete => self.stop_reading(),
        }
    }

    /// Status line and the fields that every final answer has.
    pub(super) fn write_head(&mut self, status: u16, reason: &str) {
        let out = &mut self.outbox.bytes;
        let _ = write!(
            Text(out),
            "ICAP/1.0 {status} {reason}\r\nISTag: {}\r\n",
            self.options.istag.as_str()
        );
        match self.persistence {
            Persistence::Close => out.extend_from_slice(b"Connection: close\r\n"),
            Persistence::Keep => {}
        }
    }

    /// The answer is complete; what is left of the request is drained.
    pub(super) fn answer_written(&mut self) {
        self.answer = Answer::Complete;
        match self.reading {
            Reading::Heads
            | Reading::Preview
            | Reading::Body
            | Reading::Trailer
            | Reading::AtEnd(_) => {
                self.set_timer(Timer::Drain);
            }
            // The client waits for the answer that this is, and sends nothing more of this request.
            Reading::Paused | Reading::NullBody => self.reading = Reading::Ended,
            Reading::Idle | Reading::Head | Reading::Claim | Reading::Ended | Reading::Closed => {}
        }
    }

    pub(super) fn write_extra(&mut self, extra: &Extra) {
        extra.write(&self.options.profile, &mut self.outbox.bytes);
    }
}

/// `Encapsulated`, and the blank line that ends the ICAP head.
fn write_encapsulated(out: &mut Vec<u8>, head: Option<&str>, body: &str, head_bytes: usize) {
    out.extend_from_slice(b"Encapsulated: ");
    if let Some(head) = head {
        let _ = write!(Text(out), "{head}=0, ");
    }
    let _ = write!(Text(out), "{body}={head_bytes}\r\n\r\n");
}
