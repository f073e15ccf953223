//! ICAP trailers: fields behind the body, in both directions.
//!
//! draft-rousskov-icap-trailers-01. A trailer is no part of the encapsulated message; it stands behind the last
//! chunk, whatever HTTP trailer that chunk carries, and ends with a blank line. It is there if and only if
//! the head of the same message has both `Allow: trailers` and `Trailer: names`; so nobody has to guess
//! where the next message begins.
//!
//! *Ours* carry the verdict of an answer that began before it was known: `X-Response-Info`, and
//! `X-Virus-ID` for a threat that is let through. Sent only to a client whose request says `Allow:
//! trailers`. A threat that is blocked has no trailer: such an answer ends broken, because a client that reads
//! trailers and forgets them (Squid does) would deliver what it should not.
//!
//! *The client's* are read, within `trailer_bytes_max`, and can be asked for by name.

use super::receiving::Step;
use super::state::Reading;
use super::{Connection, Extra, Fault, Offer, Request};
use crate::http::{Folding, LineEnds, Rules, Unreadable};

/// Whether the answer that is being sent owes a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// It was known before the answer began, or the client takes no trailers.
    No,
    /// It will follow, as the head of the answer has said.
    Awaited,
    /// It is in `verdict`.
    Known,
}

impl Connection {
    /// The verdict about a message whose answer began before it. Goes into the trailer, if one was promised.
    pub fn verdict(&mut self, extra: &Extra, now: std::time::Instant) {
        self.advance_clock(now);
        if self.late == Late::Awaited {
            self.verdict.clear();
            extra.write(&self.options.profile, &mut self.verdict);
            self.late = Late::Known;
        }
    }

    /// Promises a trailer with the verdict where the client takes one.
    pub(super) fn promise_verdict(&mut self) {
        let may = self.options.profile.trailers == Offer::Yes
            && self.request.allow().trailers
            && self.request.has_body();
        self.late = if may { Late::Awaited } else { Late::No };
    }

    /// The fields of the head that promise it.
    pub(super) fn write_promise(&mut self) {
        if self.late != Late::No {
            self.outbox.bytes.extend_from_slice(PROMISE);
        }
    }

    /// The trailer itself, behind the last chunk.
    pub(super) fn write_trailer(&mut self) {
        if self.late != Late::No {
            self.outbox.bytes.extend_from_slice(&self.verdict);
            self.outbox.bytes.extend_from_slice(b"\r\n");
            self.late = Late::No;
        }
    }

    /// The body has ended: is there a trailer to be read first? True if its bytes come now.
    pub(super) fn begin_trailer(&mut self) -> bool {
        let is_announced = self.request.announces_trailer();
        if is_announced {
            self.head_end = super::head::HeadEnd::default();
            self.request.trailer.clear(self.options.limits.retained_bytes);
            self.request.trailer.extend(TITLE);
            self.reading = Reading::Trailer;
        }
        is_announced
    }

    /// Bytes of the client's trailer.
    pub(super) fn receive_trailer(&mut self, bytes: &[u8]) -> Step {
        if bytes.is_empty() {
            return Step::BLOCKED;
        }
        let (length, is_complete) = self.head_end.find(bytes);
        let held = self.request.trailer.raw().len().saturating_sub(TITLE.len());
        if held.saturating_add(length) > self.options.limits.trailer_bytes_max {
            self.refuse(Fault::Trailer("it is too long"));
            return Step::took(0);
        }
        self.request.trailer.extend(bytes.get(..length).unwrap_or_default());
        if !is_complete {
            return Step::took(length);
        }
        if let Err(fault) = self.request.read_trailer(self.options.limits.icap_fields_max) {
            self.refuse(fault);
            return Step::took(length);
        }
        let mut step = self.body_ended();
        step.bytes = length;
        step
    }
}

impl Request {
    /// Whether a trailer follows the body. What it says without `Allow: trailers` may be anything, and without
    /// a body it has no place: after such a request the connection closes.
    pub(super) fn announces_trailer(&self) -> bool {
        self.allow().trailers && self.has_body() && self.head.field("Trailer").is_some()
    }

    /// A field of the client's ICAP trailer: known once [`super::Event::BodyEnd`] was given.
    #[must_use]
    pub fn trailer_field(&self, name: &str) -> Option<&[u8]> {
        self.trailer.field(name)
    }

    fn read_trailer(&mut self, fields_max: usize) -> Result<(), Fault> {
        let rules = Rules {
            bytes_max: usize::MAX,
            fields_max,
            line_ends: LineEnds::Exact,
            folding: Folding::Refuse,
            unreadable: Unreadable::Refuse,
        };
        self.trailer.index(&rules).map_err(|_| Fault::Trailer("a line is no field"))?;
        if FORBIDDEN.iter().any(|name| self.trailer.field(name).is_some()) {
            return Err(Fault::Trailer("it has a field that belongs into the head"));
        }
        Ok(())
    }
}

/// Both have to be there, or Squid gives the transaction up.
const PROMISE: &[u8] = b"Allow: trailers\r\nTrailer: X-Response-Info, X-Virus-ID\r\n";

/// The table of fields wants a first line, which a trailer has not.
const TITLE: &[u8] = b"trailer\r\n";

/// What may not stand in a trailer: what frames or routes the message, or says who sends it.
const FORBIDDEN: [&str; 7] = [
    "Encapsulated",
    "Preview",
    "Trailer",
    "Host",
    "Transfer-Encoding",
    "Proxy-Authorization",
    "Proxy-Authenticate",
];
