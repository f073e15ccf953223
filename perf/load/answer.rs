//! One ICAP answer, read and compared as its bytes arrive (RFC 3507 sections 4.3.3, 4.4).
//!
//! ```text
//!   Icap ──▶ Http ──▶ Body ──▶ Done
//!    │ 100     │ null-body       ▲
//!    ▼         └─────────────────┤
//!   Icap       204, no parts ────┘
//! ```
//!
//! An echoed body is compared where it lies in the receive buffer; only a head that arrives in
//! pieces is copied. Absent on purpose: judging (see [`judge`](crate::judge)) and keeping bodies.

use crate::chunk::{Parser, Step};
use crate::judge::{BodyMatch, Seen, Wrong};
use crate::message::Original;

/// Reads one answer after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    stage: Stage,
    /// A head that arrived in pieces, so far.
    held: Vec<u8>,
    parts: Parts,
    body_at: usize,
    differs: bool,
    parser: Parser,
    seen: Seen,
    connection: After,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// `100 Continue`.
    Continue,
    /// The final answer is complete.
    Complete(Seen),
    /// Every byte given is consumed.
    NeedMore,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Icap,
    Http,
    Body,
    Done,
}

impl Reader {
    /// Gets ready for the next answer; memory is kept.
    pub(crate) fn reset(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        *self = Self { held, ..Self::default() };
    }

    /// Whether the next byte is the first of a head.
    pub(crate) fn is_at_start(&self) -> bool {
        self.stage == Stage::Icap && self.held.is_empty()
    }

    /// Whether `100 Continue` came.
    pub(crate) const fn continued(&self) -> bool {
        self.seen.continued
    }

    /// Whether the answer says that the server will close the connection.
    pub(crate) const fn closes(&self) -> bool {
        matches!(self.connection, After::Close)
    }

    /// Reads on; `bytes` is moved behind what was consumed.
    ///
    /// # Errors
    ///
    /// [`Wrong::Malformed`] says which rule is broken. The reader is of no use then.
    pub(crate) fn read(
        &mut self,
        bytes: &mut &[u8],
        original: &Original<'_>,
    ) -> Result<Event, Wrong> {
        loop {
            let stepped = match self.stage {
                Stage::Icap => self.read_icap(bytes),
                Stage::Http => self.read_http(bytes, original),
                Stage::Body => self.read_body(bytes, original),
                Stage::Done if bytes.is_empty() => Ok(Some(Event::NeedMore)),
                Stage::Done => Err("bytes behind the end of the answer"),
            };
            if let Some(event) = stepped.map_err(Wrong::Malformed)? {
                return Ok(event);
            }
        }
    }

    fn read_icap(&mut self, bytes: &mut &[u8]) -> Result<Option<Event>, &'static str> {
        let head = if self.held.is_empty() {
            match head_end(bytes) {
                Some(end) => {
                    let (head, rest) = bytes.split_at(end);
                    *bytes = rest;
                    IcapHead::parse(head)?
                }
                None => return self.hold(bytes),
            }
        } else {
            // Few answers arrive in pieces: byte by byte is enough for them.
            while !self.held.ends_with(b"\r\n\r\n") {
                let Some((byte, rest)) = bytes.split_first() else {
                    return Ok(Some(Event::NeedMore));
                };
                *bytes = rest;
                self.held.push(*byte);
                if self.held.len() > HEAD_BYTES_MAX {
                    return Err("the ICAP head is longer than 64 KiB");
                }
            }
            let head = IcapHead::parse(&self.held)?;
            self.held.clear();
            head
        };
        self.take_head(head)
    }

    fn hold(&mut self, bytes: &mut &[u8]) -> Result<Option<Event>, &'static str> {
        self.held.extend_from_slice(bytes);
        *bytes = &[];
        if self.held.len() > HEAD_BYTES_MAX {
            return Err("the ICAP head is longer than 64 KiB");
        }
        Ok(Some(Event::NeedMore))
    }

    fn take_head(&mut self, head: IcapHead) -> Result<Option<Event>, &'static str> {
        if head.status == 100 {
            if self.seen.continued {
                return Err("a second 100 Continue");
            }
            self.seen.continued = true;
            return Ok(Some(Event::Continue));
        }
        self.seen.status = head.status;
        self.seen.infection = head.infection;
        self.connection = head.connection;
        self.parts = head.parts;
        if head.status == 204 && (self.parts.has_body || self.parts.head_bytes > 0) {
            return Err("204 with a body or a head");
        }
        if self.parts.head_bytes > 0 {
            self.stage = Stage::Http;
            return Ok(None);
        }
        Ok(self.begin_body())
    }

    fn read_http(
        &mut self,
        bytes: &mut &[u8],
        original: &Original<'_>,
    ) -> Result<Option<Event>, &'static str> {
        let missing = self.parts.head_bytes - self.held.len();
        let (here, rest) = bytes.split_at(missing.min(bytes.len()));
        *bytes = rest;
        if here.len() == self.parts.head_bytes {
            self.take_http(here, original)?;
        } else {
            self.held.extend_from_slice(here);
            if self.held.len() < self.parts.head_bytes {
                return Ok(Some(Event::NeedMore));
            }
            let held = std::mem::take(&mut self.held);
            self.take_http(&held, original)?;
            self.held = held;
            self.held.clear();
        }
        let event = self.begin_body();
        if event.is_some() {
            // A message without a body came back without one.
            self.seen.body = original.compare_length(0);
            return Ok(Some(Event::Complete(self.seen)));
        }
        Ok(None)
    }

    fn take_http(&mut self, head: &[u8], original: &Original<'_>) -> Result<(), &'static str> {
        if !head.ends_with(b"\r\n\r\n") {
            return Err("the encapsulated head does not end where Encapsulated says");
        }
        self.seen.head = original.compare_head(head);
        self.seen.http_status = match head {
            [b'H', b'T', b'T', b'P', b'/', _, b'.', _, b' ', digits @ ..] => {
                status_code(digits).ok_or("the HTTP status line has no status")?
            }
            _ => 0,
        };
        Ok(())
    }

    fn begin_body(&mut self) -> Option<Event> {
        if self.parts.has_body {
            self.stage = Stage::Body;
            return None;
        }
        self.stage = Stage::Done;
        Some(Event::Complete(self.seen))
    }

    fn read_body(
        &mut self,
        bytes: &mut &[u8],
        original: &Original<'_>,
    ) -> Result<Option<Event>, &'static str> {
        loop {
            match self.parser.step(bytes)? {
                Step::Data(data) => {
                    // After the first difference the body is only counted.
                    self.differs = self.differs || !original.has(self.body_at, data);
                    self.body_at += data.len();
                }
                Step::NeedMore => return Ok(Some(Event::NeedMore)),
                Step::End => break,
            }
        }
        self.seen.body =
            if self.differs { BodyMatch::Different } else { original.compare_length(self.body_at) };
        self.stage = Stage::Done;
        Ok(Some(Event::Complete(self.seen)))
    }
}

/// What matters of an ICAP head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IcapHead {
    /// The status.
    pub(crate) status: u16,
    /// The parts that follow.
    pub(crate) parts: Parts,
    /// `X-Infection-Found` is there.
    pub(crate) infection: bool,
    /// `ISTag` is there.
    pub(crate) istag: bool,
    /// What becomes of the connection.
    pub(crate) connection: After,
}

/// What becomes of a connection behind an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum After {
    /// It serves the next request.
    #[default]
    Keep,
    /// `Connection: close`.
    Close,
}

/// What `Encapsulated` says follows the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    head_bytes: usize,
    has_body: bool,
}

impl IcapHead {
    /// Reads a head that ends with its blank line.
    ///
    /// # Errors
    ///
    /// The rule that is broken.
    pub(crate) fn parse(head: &[u8]) -> Result<Self, &'static str> {
        let Some(rest) = head.strip_prefix(b"ICAP/1.0 ") else {
            return Err("the answer does not begin with ICAP/1.0");
        };
        let mut parsed = Self {
            status: status_code(rest).ok_or("the ICAP status is not three digits")?,
            ..Self::default()
        };
        let start = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
        let mut lines = &head[start..];
        while let Some(end) = memchr::memchr(b'\n', lines) {
            let line = &lines[..end];
            lines = &lines[end + 1..];
            parsed.field(
                line.strip_suffix(b"\r").ok_or("a line of the ICAP head ends without CR")?,
            )?;
        }
        Ok(parsed)
    }

    fn field(&mut self, line: &[u8]) -> Result<(), &'static str> {
        if matches!(line, [b' ' | b'\t', ..]) {
            // A folded line (c-icap's X-Violations-Found): no field that matters here is one.
            return Ok(());
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            return if line.is_empty() { Ok(()) } else { Err("a field without a colon") };
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"encapsulated") {
            self.parts = Parts::parse(value)?;
        } else if name.eq_ignore_ascii_case(b"connection") {
            if value.eq_ignore_ascii_case(b"close") {
                self.connection = After::Close;
            }
        } else if name.eq_ignore_ascii_case(b"x-infection-found") {
            self.infection = true;
        } else if name.eq_ignore_ascii_case(b"istag") {
            self.istag = true;
        }
        Ok(())
    }
}

impl Parts {
    fn parse(value: &[u8]) -> Result<Self, &'static str> {
        const BROKEN: &str = "Encapsulated is no list of parts with rising offsets";
        let mut last = 0;
        for (index, item) in value.split(|byte| *byte == b',').enumerate() {
            let item = std::str::from_utf8(item.trim_ascii()).map_err(|_| BROKEN)?;
            let (name, offset) = item.split_once('=').ok_or(BROKEN)?;
            let offset: usize = offset.parse().map_err(|_| BROKEN)?;
            if offset > ENCAPSULATED_BYTES_MAX || offset < last || (index == 0 && offset != 0) {
                return Err(BROKEN);
            }
            last = offset;
            let has_body = match name {
                "req-hdr" | "res-hdr" => continue,
                "req-body" | "res-body" | "opt-body" => true,
                "null-body" => false,
                _ => return Err("Encapsulated names an unknown part"),
            };
            return Ok(Self { head_bytes: offset, has_body });
        }
        Err("Encapsulated has no body part")
    }
}

/// Where a head ends, with its blank line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    // Line by line: heads are short, and preparing a search for a string costs more than that.
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    ends.find(|at| bytes[..*at].ends_with(b"\r\n\r")).map(|at| at + 1)
}

/// Three digits and then anything but a digit.
fn status_code(digits: &[u8]) -> Option<u16> {
    match digits {
        [first @ b'1'..=b'5', second @ b'0'..=b'9', third @ b'0'..=b'9', b' ' | b'\r', ..] => {
            let digit = |byte: &u8| u16::from(*byte - b'0');
            Some(digit(first) * 100 + digit(second) * 10 + digit(third))
        }
        _ => None,
    }
}

/// Far beyond any server's head.
const HEAD_BYTES_MAX: usize = 64 * 1_024;

/// The same for an encapsulated head.
const ENCAPSULATED_BYTES_MAX: usize = 64 * 1_024;

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
