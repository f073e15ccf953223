//! Replies of RESP2 (the serialization protocol of Redis), as far as the commands in use can be answered.
//!
//! ```text
//!   +OK\r\n     -ERR text\r\n     :17\r\n     $5\r\nhello\r\n     $-1\r\n
//! ```
//!
//! Everything is bounded: a line that is too long, a bulk string that is longer than any value of ours, an array,
//! or whatever else does not belong here ends the connection. Input may be cut anywhere.

use std::fmt;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+`: done.
    Simple,
    /// `-`: refused, in these words.
    Error(Vec<u8>),
    /// `:`, whose value says nothing that is asked.
    Integer,
    /// `$`: a value.
    Bulk(Vec<u8>),
    /// `$-1`: there is no such key.
    Null,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line without an end.
    Line,
    /// A reply begins with this byte.
    Kind(u8),
    /// A length that is none.
    Length,
    /// A value of so many bytes: more than any of ours.
    TooLong(u64),
    /// A value does not end where it should.
    End,
    /// A reply that nobody asked for.
    Unasked,
    /// A reply of another kind than its command has.
    Unfit,
    /// Password or database were refused.
    Refused,
    /// It has not answered for long.
    Silent,
    /// It was closed.
    Closed,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line => out.write_str("a line of a reply has no end"),
            Self::Kind(byte) => write!(out, "a reply begins with 0x{byte:02x}"),
            Self::Length => out.write_str("the length of a value is no number"),
            Self::TooLong(bytes) => write!(out, "a value has {bytes} bytes, more than any of ours"),
            Self::End => out.write_str("a value does not end where it should"),
            Self::Unasked => out.write_str("a reply that nobody asked for"),
            Self::Unfit => out.write_str("a reply that does not belong to its command"),
            Self::Refused => out.write_str("password or database were refused"),
            Self::Silent => out.write_str("it does not answer"),
            Self::Closed => out.write_str("it was closed"),
        }
    }
}

impl std::error::Error for Fault {}

/// Reads replies from bytes that come in pieces.
#[derive(Debug)]
pub struct Reader {
    bulk_bytes_max: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A line, without its end.
    Line(Vec<u8>),
    /// A value of `length` bytes and the end of its line.
    Bulk { length: usize, bytes: Vec<u8> },
}

impl Reader {
    /// One that takes values of so many bytes.
    #[must_use]
    pub const fn new(bulk_bytes_max: usize) -> Self {
        Self { bulk_bytes_max, state: State::Line(Vec::new()) }
    }

    /// Takes what it needs off the front of `bytes`; `None`: there has to come more.
    ///
    /// # Errors
    ///
    /// [`Fault`]: what follows cannot be understood any more.
    pub fn read(&mut self, bytes: &mut &[u8]) -> Result<Option<Reply>, Fault> {
        loop {
            match &mut self.state {
                State::Line(line) => {
                    let Some(line) = take_line(line, bytes)? else { return Ok(None) };
                    match self.begin(&line)? {
                        Begun::Reply(reply) => return Ok(Some(reply)),
                        Begun::Bulk(length) => {
                            let bytes = Vec::with_capacity(length.saturating_add(END.len()));
                            self.state = State::Bulk { length, bytes };
                        }
                    }
                }
                State::Bulk { length, bytes: value } => {
                    let whole = length.saturating_add(END.len());
                    let count = whole.saturating_sub(value.len()).min(bytes.len());
                    value.extend_from_slice(bytes.split_off(..count).unwrap_or_default());
                    if value.len() < whole {
                        return Ok(None);
                    }
                    if !value.ends_with(END) {
                        return Err(Fault::End);
                    }
                    value.truncate(*length);
                    let value = std::mem::take(value);
                    self.state = State::Line(Vec::new());
                    return Ok(Some(Reply::Bulk(value)));
                }
            }
        }
    }

    fn begin(&self, line: &[u8]) -> Result<Begun, Fault> {
        let (kind, rest) = line.split_first().ok_or(Fault::Line)?;
        Ok(Begun::Reply(match kind {
            b'+' => Reply::Simple,
            b'-' => Reply::Error(rest.to_vec()),
            b':' => Reply::Integer,
            b'$' if rest == b"-1" => Reply::Null,
            b'$' => {
                let digits = matches!(rest.len(), 1..=10) && rest.iter().all(u8::is_ascii_digit);
                let text = std::str::from_utf8(rest).ok().filter(|_| digits);
                let length: u64 = text.and_then(|text| text.parse().ok()).ok_or(Fault::Length)?;
                let fits = usize::try_from(length).ok().filter(|fits| *fits <= self.bulk_bytes_max);
                return fits.map(Begun::Bulk).ok_or(Fault::TooLong(length));
            }
            other => return Err(Fault::Kind(*other)),
        }))
    }
}

enum Begun {
    Reply(Reply),
    Bulk(usize),
}

/// A whole line, as soon as its end is there.
fn take_line(line: &mut Vec<u8>, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let count = end.map_or(bytes.len(), |end| end.saturating_add(1));
    // What is too long is not even looked at.
    if line.len().saturating_add(count) > LINE_BYTES_MAX {
        return Err(Fault::Line);
    }
    line.extend_from_slice(bytes.split_off(..count).unwrap_or_default());
    if end.is_none() {
        return Ok(None);
    }
    let mut line = std::mem::take(line);
    if !line.ends_with(END) {
        return Err(Fault::Line);
    }
    line.truncate(line.len().saturating_sub(END.len()));
    Ok(Some(line))
}

const END: &[u8] = b"\r\n";
/// Bytes of a line with its end. Errors of scripts can be long, and those of our commands are not.
const LINE_BYTES_MAX: usize = 4096;
