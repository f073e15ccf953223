//! As much of HTTP/1 and ICAP framing as a client needs that wrote the other side's answer itself,
//! nearly: heads, chunked bodies, everything bounded.
//!
//! The server's own parser is not used on purpose. A test that reads with the parser under test finds
//! only what both sides agree on.

use std::io::{self, BufRead, Read};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// The head of an HTTP or ICAP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The status code.
    pub(super) status: u16,
    lines: Vec<String>,
}

impl Head {
    /// Reads a head up to and including its empty line.
    ///
    /// # Errors
    ///
    /// What the connection says, or `InvalidData` when this is no answer.
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let lines = read_lines(from)?;
        let first = lines.first().map_or("", String::as_str);
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| invalid("the first line has no status code"))?;
        Ok(Self { status, lines })
    }

    /// The value of a field; the first one, if it is repeated.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The first line.
    pub(super) fn first_line(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }
}

/// Reads over the head of a request.
///
/// # Errors
///
/// What the connection says, or `InvalidData` when it ends within the head.
pub(super) fn skip_head(from: &mut impl BufRead) -> io::Result<()> {
    read_lines(from).map(drop)
}

fn read_lines(from: &mut impl BufRead) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut bounded = from.take(HEAD_BYTES_MAX);
    loop {
        let mut line = Vec::new();
        if bounded.read_until(b'\n', &mut line)? == 0 {
            return Err(invalid("the answer ends within its head"));
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            return Ok(lines);
        }
        lines.push(line);
    }
}

/// Connects within the time allowed, which from then on holds for each read and write.
///
/// # Errors
///
/// What the last of the name's addresses says.
pub(super) fn connect(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Reads a chunked body to its end.
///
/// # Errors
///
/// What the connection says, or `InvalidData` when the framing is wrong.
pub(super) fn read_chunked(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.take(CHUNK_LINE_BYTES_MAX).read_line(&mut line)?;
        let digits = line.split(';').next().unwrap_or("").trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| invalid("a chunk has no size"))?;
        let already = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if already.saturating_add(size) > BODY_BYTES_MAX {
            return Err(invalid("the body is longer than anything that was sent"));
        }
        if size > 0 && from.take(size).read_to_end(&mut body)? == 0 {
            return Err(invalid("the body ends within a chunk"));
        }
        let mut end = String::new();
        from.take(CHUNK_LINE_BYTES_MAX).read_line(&mut end)?;
        if !end.trim().is_empty() {
            return Err(invalid("a chunk is longer than its size says"));
        }
        if size == 0 {
            return Ok(body);
        }
    }
}

/// Reads until the other side closes.
///
/// # Errors
///
/// What the connection says, or `InvalidData` when the body is too long.
pub(super) fn read_to_close(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let read = from.take(BODY_BYTES_MAX).read_to_end(&mut body)?;
    if u64::try_from(read).is_ok_and(|read| read == BODY_BYTES_MAX) {
        return Err(invalid("the body is longer than anything that was sent"));
    }
    Ok(body)
}

pub(super) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Heads of proxies with long cookies stay below this.
const HEAD_BYTES_MAX: u64 = 64 << 10;
/// Sixteen digits and some extensions.
const CHUNK_LINE_BYTES_MAX: u64 = 1 << 10;
/// The longest body that is sent has 156 KiB; a block page with pictures in it is not longer than this.
const BODY_BYTES_MAX: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::{Head, read_chunked};

    #[test]
    fn a_head_is_read_to_its_empty_line_and_not_further() {
        let mut bytes: &[u8] = b"ICAP/1.0 200 OK\r\nISTag: \"x\"\r\n\r\nrest";
        let head = Head::read(&mut bytes).expect("a head");
        assert_eq!((head.status, head.field("istag"), bytes), (200, Some("\"x\""), &b"rest"[..]));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for bytes in ["", "ICAP/1.0 200 OK\r\n", "hello\r\n\r\n", "\r\n"] {
            assert!(Head::read(&mut bytes.as_bytes()).is_err(), "{bytes}");
        }
    }

    #[test]
    fn chunks_are_joined_and_wrong_ones_refused() {
        let read = |text: &str| read_chunked(&mut text.as_bytes());
        assert_eq!(
            read("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n").expect("right"),
            b"abc0123456789"
        );
        for wrong in ["", "x\r\n", "3\r\nabcd\r\n", "3\r\nab", "fffffff\r\n", "3\r\n"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
