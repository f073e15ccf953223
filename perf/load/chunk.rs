//! Chunked bodies, taken apart as the bytes arrive (RFC 3507 section 6.3, RFC 9112 section 7.1).
//!
//! ```text
//!   Size ─▶ Extension ─▶ SizeEnd ─▶ Data ─▶ DataCr ─▶ DataLf ─▶ Size …
//!                           │ size 0
//!                           └──▶ Trailer ─▶ … ─▶ Ended
//! ```
//!
//! Strict on purpose: what a server sends must be exactly framed, and a deviation is a wrong
//! answer. Absent on purpose: keeping anything; data is handed out where it lies.

/// Takes one chunked body apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parser {
    state: State,
    line_bytes: usize,
}

/// What the parser found next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Payload.
    Data(&'a [u8]),
    /// The body is complete.
    End,
    /// Every byte given is consumed.
    NeedMore,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    SizeFirst,
    Size(u64),
    Extension(u64),
    SizeEnd(u64),
    Data(u64),
    DataCr,
    DataLf,
    TrailerFirst,
    Trailer,
    TrailerEnd,
    LastEnd,
    Ended,
}

impl Parser {
    /// Takes the next step; `bytes` is moved behind what was consumed.
    ///
    /// # Errors
    ///
    /// The rule that the framing broke.
    pub(crate) fn step<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Step<'a>, &'static str> {
        loop {
            if let State::Data(left) = self.state {
                if bytes.is_empty() {
                    return Ok(Step::NeedMore);
                }
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let (data, rest) = bytes.split_at(here);
                *bytes = rest;
                let left = left - here as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data(left) };
                return Ok(Step::Data(data));
            }
            if self.state == State::Ended {
                return Ok(Step::End);
            }
            let Some((byte, rest)) = bytes.split_first() else {
                return Ok(Step::NeedMore);
            };
            *bytes = rest;
            self.state = self.framing(*byte)?;
        }
    }

    /// One byte of framing.
    fn framing(&mut self, byte: u8) -> Result<State, &'static str> {
        self.line_bytes += 1;
        if self.line_bytes > LINE_BYTES_MAX {
            return Err("a chunk line or trailer is longer than 8 KiB");
        }
        match (self.state, byte) {
            (State::SizeFirst, _) => digit(0, byte),
            (State::Size(size), b'\r') => Ok(State::SizeEnd(size)),
            (State::Size(size) | State::Extension(size), b';' | b' ' | b'\t') => {
                Ok(State::Extension(size))
            }
            (State::Size(size), _) => digit(size, byte),
            (State::Extension(size), b'\r') => Ok(State::SizeEnd(size)),
            (State::Extension(size), _) => Ok(State::Extension(size)),
            (State::SizeEnd(0), b'\n') => Ok(self.line(State::TrailerFirst)),
            (State::SizeEnd(size), b'\n') => Ok(self.line(State::Data(size))),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(self.line(State::SizeFirst)),
            (State::TrailerFirst, b'\r') => Ok(State::LastEnd),
            (State::TrailerFirst, _) => Ok(State::Trailer),
            (State::Trailer, b'\r') => Ok(State::TrailerEnd),
            (State::Trailer, _) => Ok(State::Trailer),
            (State::TrailerEnd, b'\n') => Ok(State::TrailerFirst),
            (State::LastEnd, b'\n') => Ok(State::Ended),
            (State::DataCr | State::DataLf, _) => Err("a chunk is not followed by CRLF"),
            (State::SizeEnd(_) | State::TrailerEnd | State::LastEnd, _) => {
                Err("CR without LF in chunk framing")
            }
            (State::Data(_) | State::Ended, _) => Err("framing where data belongs"),
        }
    }

    /// Enters a state that begins a new line.
    const fn line(&mut self, state: State) -> State {
        self.line_bytes = 0;
        state
    }
}

/// Adds a hexadecimal digit to a size.
fn digit(size: u64, byte: u8) -> Result<State, &'static str> {
    let value = char::from(byte).to_digit(16).ok_or("a chunk size is a hexadecimal number")?;
    size.checked_mul(16)
        .and_then(|size| size.checked_add(u64::from(value)))
        .map(State::Size)
        .ok_or("a chunk size is more than 64 bits")
}

/// More than any server sends; an endless line must not hang the run.
const LINE_BYTES_MAX: usize = 8 * 1_024;

#[cfg(test)]
mod tests {
    use super::{Parser, Step};

    /// Payload, whether the end was seen, and the bytes behind it.
    fn read(wire: &[u8], cut: usize) -> Result<(Vec<u8>, bool, Vec<u8>), &'static str> {
        let mut parser = Parser::default();
        let (mut payload, mut ended, mut rest) = (Vec::new(), false, Vec::new());
        for part in wire.chunks(cut) {
            let mut bytes = part;
            loop {
                match parser.step(&mut bytes)? {
                    Step::Data(data) => payload.extend_from_slice(data),
                    Step::NeedMore => break,
                    Step::End => {
                        ended = true;
                        rest.extend_from_slice(bytes);
                        break;
                    }
                }
            }
        }
        Ok((payload, ended, rest))
    }

    #[track_caller]
    fn check(wire: &str, want: Result<(&str, bool, &str), &'static str>) {
        let want = want.map(|(payload, ended, rest)| {
            (payload.as_bytes().to_vec(), ended, rest.as_bytes().to_vec())
        });
        for cut in 1..=wire.len() {
            assert_eq!(read(wire.as_bytes(), cut), want, "cut every {cut} bytes");
        }
    }

    #[test]
    fn whole_bodies_are_read_however_they_are_cut() {
        check("0\r\n\r\n", Ok(("", true, "")));
        check("3\r\nabc\r\n0\r\n\r\n", Ok(("abc", true, "")));
        check("3\r\nabc\r\n00A;x=y\r\n0123456789\r\n0\r\n\r\n", Ok(("abc0123456789", true, "")));
        check("1 ;x\r\na\r\n0\r\nTrailer: yes\r\nB: c\r\n\r\nICAP", Ok(("a", true, "ICAP")));
    }

    #[test]
    fn an_unfinished_body_has_no_end() {
        check("5\r\nabc", Ok(("abc", false, "")));
        check("3\r\nabc\r\n0\r\n", Ok(("abc", false, "")));
    }

    #[test]
    fn broken_framing_is_named() {
        check("\r\n", Err("a chunk size is a hexadecimal number"));
        check("+5\r\n", Err("a chunk size is a hexadecimal number"));
        check("0x5\r\n", Err("a chunk size is a hexadecimal number"));
        check("11111111111111111\r\n", Err("a chunk size is more than 64 bits"));
        check("1\r\nab", Err("a chunk is not followed by CRLF"));
        check("1\r\na\rb", Err("a chunk is not followed by CRLF"));
        check("1\rx", Err("CR without LF in chunk framing"));
        check("0\r\n\rx", Err("CR without LF in chunk framing"));
    }

    #[test]
    fn an_endless_line_is_refused() {
        let wire = format!("1;{}", "x".repeat(9_000));
        let refused = read(wire.as_bytes(), 4_096);
        assert_eq!(refused, Err("a chunk line or trailer is longer than 8 KiB"));
    }
}
