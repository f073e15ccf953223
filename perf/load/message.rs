//! ICAP requests, rendered once (RFC 3507 sections 4.4, 4.5, 4.8, 4.9).
//!
//! ```text
//!  front, copied and stamped for each request              shared by all requests
//!  ┌───────────┬──────┬─────────┬──────────┬─────────────┐┌──────────┬───────┬──────────┬──
//!  │ ICAP head │ HTTP │ preview │ 0 CRLF 2 ││ size, first  ││ rest of  │ frame │ chunk    │…
//!  │           │heads │ chunk   │          ▲│ 1 KiB       ││ chunk    │       │          │
//!  └───────────┴──────┴─────────┴──────────┼┴─────────────┘└──────────┴───────┴──────────┴──
//!                                          └ waits here for 100 Continue
//! ```
//!
//! A small message is one contiguous front, so it goes out with one plain `send`. Of a large one
//! only the first kilobyte behind the preview is copied; the rest lies once in memory for all
//! connections and is what an echo is compared with. Absent on purpose: trailers, and bodies that
//! are not chunked (ICAP has none).

use std::ops::Range;
use std::sync::Arc;

use crate::content::{EICAR_BYTES, eicar};
use crate::judge::{Block, BodyMatch, Content, Expected, Form, HeadMatch, NoContent};
use crate::random::mix;
use crate::size::BodySize;

/// What all messages of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// REQMOD or RESPMOD.
    pub(crate) method: Method,
    /// The service, as in the request line: `icap://127.0.0.1:1344/respmod`.
    pub(crate) uri: String,
    /// Host and port of the service, for `Host`.
    pub(crate) host: String,
    /// Bytes of preview offered, or none.
    pub(crate) preview: Option<usize>,
    /// `Allow: 204` is sent.
    pub(crate) allow_204: bool,
    /// `Connection: close` is sent.
    pub(crate) close: bool,
    /// Further lines of the ICAP head, without their ends.
    pub(crate) fields: Vec<String>,
    /// Payload bytes of one chunk at most.
    pub(crate) chunk_bytes: usize,
    /// Payload bytes that are kept back until the server is idle.
    pub(crate) hold_last: Option<usize>,
    /// The form of answer insisted on.
    pub(crate) form: Form,
    /// What counts as a block.
    pub(crate) block: Block,
}

/// The two methods that carry messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Method {
    /// Requests on their way to a server.
    Reqmod,
    /// Responses on their way to a browser.
    Respmod,
}

/// One message, rendered, to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    front: Vec<u8>,
    /// Where the client waits for `100 Continue`.
    pub(crate) wait_at: Option<usize>,
    url_stamp: Range<usize>,
    body_stamp: Range<usize>,
    http_head: Range<usize>,
    /// Where the payload lies in the front: the preview, and what follows it.
    payload_front: [Range<usize>; 2],
    payload: Arc<[u8]>,
    /// `Connection: close` is in the head.
    closes: bool,
    frames: Vec<u8>,
    pieces: Vec<Piece>,
    /// The first piece that is kept back until the server is idle.
    pub(crate) hold_at: Option<usize>,
    /// What a right answer is.
    pub(crate) expected: Expected,
}

/// A stretch of the wire behind the front.
#[derive(Clone, Debug)]
enum Piece {
    Frame(Range<usize>),
    Payload(Range<usize>),
}

/// The body and what is to be known about it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// Whether there is one.
    pub(crate) size: BodySize,
    /// The payload; empty without a body.
    pub(crate) payload: Arc<[u8]>,
    /// Clean, or with the test virus at its beginning.
    pub(crate) content: Content,
    /// Where a stamp may begin that makes each request's body unique.
    pub(crate) stamp_at: Option<usize>,
    /// What the HTTP head claims.
    pub(crate) media_type: &'static str,
}

impl Body {
    /// The same body with the test virus in front: 68 bytes at least.
    pub(crate) fn infect(&self) -> Self {
        let mut payload = eicar();
        payload.extend_from_slice(self.payload.get(EICAR_BYTES..).unwrap_or_default());
        Self {
            size: BodySize::Bytes(payload.len()),
            stamp_at: self.stamp_at.map(|_| EICAR_BYTES),
            payload: payload.into(),
            content: Content::Infected,
            media_type: self.media_type,
        }
    }
}

impl Template {
    /// Renders a message.
    pub(crate) fn new(shape: &Shape, body: &Body) -> Self {
        let (heads, http_head, encapsulated) = http_heads(shape.method, body);
        let has_body = body.size != BodySize::None;
        // Squid's form: a message without a body is previewed as zero bytes, without a chunk.
        let preview = shape.preview.map(|bytes| if has_body { bytes } else { 0 });
        let mut front = icap_head(shape, preview, &encapsulated).into_bytes();
        let http_at = front.len();
        front.extend_from_slice(heads.as_bytes());
        let mut template = Self {
            url_stamp: stamp_range(&front[http_at..], http_at),
            front,
            wait_at: None,
            body_stamp: 0..0,
            http_head: http_at + http_head.start..http_at + http_head.end,
            payload_front: [0..0, 0..0],
            payload: Arc::clone(&body.payload),
            closes: shape.close,
            frames: Vec::new(),
            pieces: Vec::new(),
            hold_at: None,
            expected: Expected {
                content: body.content,
                no_content: match (shape.allow_204, preview) {
                    (true, _) => NoContent::Allowed,
                    (false, Some(_)) => NoContent::InPreview,
                    (false, None) => NoContent::Forbidden,
                },
                form: shape.form,
                block: shape.block,
            },
        };
        if has_body {
            template.render_body(preview, shape);
            template.place_stamp(body.stamp_at);
        }
        template
    }

    /// Copies the front into a connection's buffer and makes it unique, when `stamp` is given.
    pub(crate) fn stamp_into(&self, buffer: &mut Vec<u8>, stamp: Option<u64>) {
        buffer.clear();
        buffer.extend_from_slice(&self.front);
        if let Some(stamp) = stamp {
            let digits = hex(mix(stamp));
            for range in [&self.url_stamp, &self.body_stamp] {
                buffer[range.clone()].copy_from_slice(&digits[..range.len()]);
            }
        }
    }

    /// Whether `Connection: close` asks the server to close behind its answer.
    pub(crate) const fn closes(&self) -> bool {
        self.closes
    }

    /// Wire pieces behind the front.
    pub(crate) const fn piece_count(&self) -> usize {
        self.pieces.len()
    }

    /// The bytes of a wire piece.
    pub(crate) fn piece(&self, index: usize) -> &[u8] {
        match &self.pieces[index] {
            Piece::Frame(range) => &self.frames[range.clone()],
            Piece::Payload(range) => &self.payload[range.clone()],
        }
    }

    /// Bytes of payload.
    pub(crate) fn payload_bytes(&self) -> u64 {
        self.payload.len() as u64
    }

    /// Bytes of payload in front of this place of the wire.
    pub(crate) fn payload_until(&self, front_at: usize, piece: usize, piece_at: usize) -> u64 {
        let in_front = |range: &Range<usize>| front_at.min(range.end).saturating_sub(range.start);
        let in_pieces = |(index, part): (usize, &Piece)| match part {
            Piece::Payload(range) if index < piece => range.len(),
            Piece::Payload(_) if index == piece => piece_at,
            Piece::Payload(_) | Piece::Frame(_) => 0,
        };
        let front: usize = self.payload_front.iter().map(in_front).sum();
        let pieces: usize = self.pieces.iter().take(piece + 1).enumerate().map(in_pieces).sum();
        (front + pieces) as u64
    }

    /// The message as it was sent with this front, to compare an echo with.
    pub(crate) fn original<'a>(&'a self, front: &'a [u8]) -> Original<'a> {
        let [preview, behind] = self.payload_front.clone();
        Original {
            head: &front[self.http_head.clone()],
            preview: &front[preview],
            behind: &front[behind],
            payload: &self.payload,
        }
    }

    /// Puts the body's chunks behind the heads.
    fn render_body(&mut self, preview: Option<usize>, shape: &Shape) {
        let chunk_bytes = shape.chunk_bytes;
        let payload = Arc::clone(&self.payload);
        let size = payload.len();
        let mut at = 0;
        if let Some(preview_bytes) = preview {
            at = preview_bytes.min(size);
            if at > 0 {
                self.front.extend_from_slice(format!("{at:x}\r\n").as_bytes());
                self.payload_front[0] = self.extend_front(&payload[..at]);
                self.front.extend_from_slice(b"\r\n");
            }
            if at == size {
                self.front.extend_from_slice(b"0; ieof\r\n\r\n");
                return;
            }
            self.front.extend_from_slice(b"0\r\n\r\n");
            self.wait_at = Some(self.front.len());
        }
        if at == size {
            self.front.extend_from_slice(b"0\r\n\r\n");
            return;
        }
        let mut chunk_end = (at + chunk_bytes).min(size);
        let copied_end = (at + COPIED_BYTES).min(chunk_end);
        self.front.extend_from_slice(format!("{:x}\r\n", chunk_end - at).as_bytes());
        self.payload_front[1] = self.extend_front(&payload[at..copied_end]);
        if copied_end == size {
            self.front.extend_from_slice(b"\r\n0\r\n\r\n");
            return;
        }
        at = copied_end;
        loop {
            let held_from = shape.hold_last.map(|bytes| size.saturating_sub(bytes));
            if let Some(held_from) = held_from.filter(|from| (at..chunk_end).contains(from)) {
                self.pieces.push(Piece::Payload(at..held_from));
                at = held_from;
                self.hold_at = Some(self.pieces.len());
            }
            if at < chunk_end {
                self.pieces.push(Piece::Payload(at..chunk_end));
            }
            at = chunk_end;
            chunk_end = (at + chunk_bytes).min(size);
            let frame_at = self.frames.len();
            let frame = if at == size {
                "\r\n0\r\n\r\n".to_owned()
            } else {
                format!("\r\n{:x}\r\n", chunk_end - at)
            };
            self.frames.extend_from_slice(frame.as_bytes());
            self.pieces.push(Piece::Frame(frame_at..self.frames.len()));
            if at == size {
                return;
            }
        }
    }

    /// Finds room for the body's stamp in what each request copies.
    fn place_stamp(&mut self, stamp_at: Option<usize>) {
        let Some(stamp_at) = stamp_at else { return };
        let [preview, behind] = self.payload_front.clone();
        // A preview too short to hold it: the first bytes behind the preview carry it.
        let room = if stamp_at + STAMP_BYTES <= preview.len() || behind.is_empty() {
            preview.start + stamp_at.min(preview.len())..preview.end
        } else {
            let skipped = stamp_at.saturating_sub(preview.len()).min(behind.len());
            behind.start + skipped..behind.end
        };
        self.body_stamp = room.start..room.end.min(room.start + STAMP_BYTES);
    }

    fn extend_front(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.front.len();
        self.front.extend_from_slice(bytes);
        start..self.front.len()
    }
}

/// A message as it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Original<'a> {
    head: &'a [u8],
    preview: &'a [u8],
    behind: &'a [u8],
    payload: &'a [u8],
}

impl Original<'_> {
    /// Whether the payload has these bytes at this place.
    pub(crate) fn has(&self, mut at: usize, mut bytes: &[u8]) -> bool {
        let copied = self.preview.len() + self.behind.len();
        while at < copied && !bytes.is_empty() {
            let own = match at.checked_sub(self.preview.len()) {
                None => &self.preview[at..],
                Some(at) => &self.behind[at..],
            };
            let here = own.len().min(bytes.len());
            if own[..here] != bytes[..here] {
                return false;
            }
            at += here;
            bytes = &bytes[here..];
        }
        bytes.is_empty() || self.payload.get(at..at.saturating_add(bytes.len())) == Some(bytes)
    }

    /// How a body of `bytes` bytes, all of them equal so far, compares.
    pub(crate) const fn compare_length(&self, bytes: usize) -> BodyMatch {
        if bytes == self.payload.len() { BodyMatch::Exact } else { BodyMatch::Short }
    }

    /// Compares a returned HTTP head with the one sent.
    pub(crate) fn compare_head(&self, head: &[u8]) -> HeadMatch {
        if head == self.head {
            return HeadMatch::Exact;
        }
        let mut returned = head.split_inclusive(|byte| *byte == b'\n');
        let mut is_first = true;
        for line in self.head.split_inclusive(|byte| *byte == b'\n') {
            let found = returned.position(|candidate| candidate == line);
            if found.is_none_or(|skipped| is_first && skipped != 0) {
                return HeadMatch::Different;
            }
            is_first = false;
        }
        HeadMatch::Added
    }
}

/// The ICAP head up to and including its blank line.
fn icap_head(shape: &Shape, preview: Option<usize>, encapsulated: &str) -> String {
    let method = match shape.method {
        Method::Reqmod => "REQMOD",
        Method::Respmod => "RESPMOD",
    };
    let mut head = format!("{method} {} ICAP/1.0\r\nHost: {}\r\n", shape.uri, shape.host);
    head.push_str("User-Agent: icap-load\r\n");
    if shape.close {
        head.push_str("Connection: close\r\n");
    }
    if shape.allow_204 {
        head.push_str("Allow: 204\r\n");
    }
    if let Some(bytes) = preview {
        head.push_str(&format!("Preview: {bytes}\r\n"));
    }
    for field in &shape.fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head.push_str(&format!("Encapsulated: {encapsulated}\r\n\r\n"));
    head
}

/// The encapsulated heads, which of them an echo returns, and the value of `Encapsulated`.
fn http_heads(method: Method, body: &Body) -> (String, Range<usize>, String) {
    let has_body = body.size != BodySize::None;
    let entity =
        format!("Content-Type: {}\r\nContent-Length: {}\r\n", body.media_type, body.payload.len());
    let entity = if has_body { &entity[..] } else { "" };
    let verb = if has_body && method == Method::Reqmod { "POST" } else { "GET" };
    let target = format!("{verb} http://load.test/{STAMP_BLANK} HTTP/1.1\r\nHost: load.test\r\n");
    match method {
        Method::Reqmod => {
            let head = format!("{target}Accept: */*\r\n{entity}\r\n");
            let part = if has_body { "req-body" } else { "null-body" };
            let end = head.len();
            (head, 0..end, format!("req-hdr=0, {part}={end}"))
        }
        Method::Respmod => {
            let request = format!("{target}Accept: */*\r\n\r\n");
            // 304 is the usual response without a body.
            let status = if has_body { "200 OK" } else { "304 Not Modified" };
            let response = format!("HTTP/1.1 {status}\r\nServer: load\r\n{entity}\r\n");
            let part = if has_body { "res-body" } else { "null-body" };
            let (start, end) = (request.len(), request.len() + response.len());
            let encapsulated = format!("req-hdr=0, res-hdr={start}, {part}={end}");
            (request + &response, start..end, encapsulated)
        }
    }
}

/// Where the blank stamp stands in these bytes, counted from `base`.
fn stamp_range(bytes: &[u8], base: usize) -> Range<usize> {
    match memchr::memmem::find(bytes, STAMP_BLANK.as_bytes()) {
        Some(at) => base + at..base + at + STAMP_BYTES,
        None => base..base,
    }
}

/// Sixteen lower-case hexadecimal digits.
fn hex(number: u64) -> [u8; STAMP_BYTES] {
    let mut digits = [0; STAMP_BYTES];
    let bytes = number.to_be_bytes();
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    digits
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A stamp is a 64-bit number in hexadecimal digits.
const STAMP_BYTES: usize = 16;

const STAMP_BLANK: &str = "0000000000000000";

/// Payload bytes copied for each request behind the preview: room for the stamp and the test
/// virus, and small messages whole.
const COPIED_BYTES: usize = 1_024;

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
