//! One HTTP request over TLS and its answer, with a time for all of it.
//!
//! RFC 9112, as far as one POST at a time needs it. Reading and writing wait at most until the given time,
//! the handshake included.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::http::chunked::{Decoder, Limits, Mode};
use crate::http::{ResponseHead, Rules};
use crate::settings::address::ServiceUrl;

use super::super::timed::Timed;

/// A connection that can be used again.
pub(super) struct Connection {
    stream: StreamOwned<ClientConnection, Timed>,
    /// Whether the next request may use it.
    pub(super) is_kept: bool,
}

impl Connection {
    /// Connects to the first address of the host that takes it.
    ///
    /// # Errors
    ///
    /// What the system or TLS says. The system's resolver keeps its own time.
    pub(super) fn open(
        url: &ServiceUrl,
        tls: &Arc<ClientConfig>,
        end: Instant,
    ) -> io::Result<Self> {
        let socket = Timed::connect(&url.host, url.port, end)?;
        let name = ServerName::try_from(url.host.clone())
            .map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        let session = ClientConnection::new(Arc::clone(tls), name)
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { stream: StreamOwned::new(session, socket), is_kept: false })
    }

    /// Sends a request and reads the answer: its status and body.
    ///
    /// # Errors
    ///
    /// What the system or TLS says, `InvalidData` for what is no HTTP, `FileTooLarge` beyond
    /// [`BODY_BYTES_MAX`].
    pub(super) fn exchange(
        &mut self,
        request: &[u8],
        end: Instant,
    ) -> Result<(u16, Vec<u8>), Interrupted> {
        self.is_kept = false;
        self.stream.sock.end = end;
        let sent = self.stream.write_all(request).and_then(|()| self.stream.flush());
        sent.map_err(Interrupted::Before)?;
        let mut input = Vec::new();
        loop {
            let head_bytes = self.read_head(&mut input)?;
            let mut head = ResponseHead::new();
            let raw = input.get(..head_bytes).unwrap_or_default();
            head.parse(raw, &Rules::tolerant(HEAD_BYTES_MAX, FIELDS_MAX)).map_err(|_| invalid())?;
            input.drain(..head_bytes);
            // An interim answer; the one that counts follows.
            if (100..200).contains(&head.status()) {
                continue;
            }
            let (body, is_delimited) = self.read_body(&head, input)?;
            let closes = head.fields("Connection").any(|value| {
                value
                    .split(|&byte| byte == b',')
                    .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
            });
            self.is_kept = is_delimited && !closes && head.raw().starts_with(b"HTTP/1.1");
            return Ok((head.status(), body));
        }
    }

    /// Reads until the head is complete; its length.
    fn read_head(&mut self, input: &mut Vec<u8>) -> Result<usize, Interrupted> {
        loop {
            if let Some(at) = input.windows(4).position(|window| window == b"\r\n\r\n") {
                return Ok(at.saturating_add(4));
            }
            if input.len() > HEAD_BYTES_MAX {
                return Err(invalid());
            }
            let is_first = input.is_empty();
            let more = self.read_more(input).and_then(|count| {
                if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
            });
            more.map_err(if is_first { Interrupted::Before } else { Interrupted::Within })?;
        }
    }

    /// The body, and whether it has an end of its own.
    fn read_body(
        &mut self,
        head: &ResponseHead,
        mut input: Vec<u8>,
    ) -> Result<(Vec<u8>, bool), Interrupted> {
        if head.field("Transfer-Encoding").is_some() {
            return self.read_chunks(input).map(|body| (body, true));
        }
        let length = match head.field("Content-Length") {
            None => None,
            Some(text) => {
                let text = std::str::from_utf8(text).ok();
                let length: Option<usize> = text.and_then(|text| text.trim().parse().ok());
                Some(length.filter(|length| *length <= BODY_BYTES_MAX).ok_or_else(too_large)?)
            }
        };
        while length.is_none_or(|length| input.len() < length) {
            let count = self.read_more(&mut input).map_err(Interrupted::Within)?;
            if count == 0 {
                let is_cut = length.is_some();
                return if is_cut { Err(invalid()) } else { Ok((input, false)) };
            }
            if input.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
        }
        // More than was announced: the next answer would begin with it.
        let is_exact = length == Some(input.len());
        input.truncate(length.unwrap_or(input.len()));
        Ok((input, is_exact))
    }

    fn read_chunks(&mut self, mut input: Vec<u8>) -> Result<Vec<u8>, Interrupted> {
        let limits = Limits { extension_bytes_max: 1024, trailer_bytes_max: 4096 };
        let mut decoder = Decoder::new(Mode::Body, limits);
        let mut body = Vec::new();
        loop {
            let mut used = 0;
            while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
                let step = decoder.decode(rest).map_err(|_| invalid())?;
                body.extend_from_slice(rest.get(step.data).unwrap_or_default());
                used += step.bytes;
                if body.len() > BODY_BYTES_MAX {
                    return Err(too_large());
                }
                if step.end.is_some() {
                    return Ok(body);
                }
                if step.bytes == 0 {
                    break;
                }
            }
            input.drain(..used);
            if self.read_more(&mut input).map_err(Interrupted::Within)? == 0 {
                return Err(invalid());
            }
        }
    }

    fn read_more(&mut self, input: &mut Vec<u8>) -> io::Result<usize> {
        let mut buffer = [0_u8; 8192];
        let count = self.stream.read(&mut buffer)?;
        input.extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// Before its first byte: on a connection that was kept, the server had closed it.
    Before(io::Error),
    /// Later.
    Within(io::Error),
}

fn invalid() -> Interrupted {
    Interrupted::Within(ErrorKind::InvalidData.into())
}

fn too_large() -> Interrupted {
    Interrupted::Within(ErrorKind::FileTooLarge.into())
}

const HEAD_BYTES_MAX: usize = 16 << 10;
const FIELDS_MAX: usize = 100;

/// An answer to 64 addresses has some KiB.
const BODY_BYTES_MAX: usize = 1 << 20;
