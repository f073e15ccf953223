//! quoted-printable (RFC 2045 section 6.7). What follows `=` and is no escape is given out as it is.

/// How far an escape was read.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) enum Quoted {
    #[default]
    Plain,
    /// Behind `=`.
    Equals,
    /// Behind `=` and a digit.
    Digit(u8),
    /// Behind `=` and spaces, which should not be there.
    Spaces,
    /// Behind `=` and a carriage return.
    Return,
    /// This is given out next.
    Owed(u8),
}

use super::hex;
use crate::engine::unpack::parts::copy;

impl Quoted {
    /// Says how much of `input` was taken and how much of `output` was written.
    pub(in crate::engine::unpack) fn pour(
        &mut self,
        input: &[u8],
        output: &mut [u8],
    ) -> (usize, usize) {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let room = output.get_mut(made..).unwrap_or_default();
            let (Some(byte), false) = (rest.first().copied(), room.is_empty()) else { break };
            if let Self::Plain = self {
                let until = memchr::memchr(b'=', rest).unwrap_or(rest.len());
                let count = copy(rest.get(..until).unwrap_or(rest), room);
                used = used.saturating_add(count);
                made = made.saturating_add(count);
                if count == until && until < rest.len() {
                    used = used.saturating_add(1);
                    *self = Self::Equals;
                }
                continue;
            }
            let (is_taken, out) = self.step(byte);
            used = used.saturating_add(usize::from(is_taken));
            if let (Some(out), Some(slot)) = (out, room.first_mut()) {
                *slot = out;
                made = made.saturating_add(1);
            }
        }
        (used, made)
    }

    /// One byte of an escape. Says whether it is taken, and what to give out.
    fn step(&mut self, byte: u8) -> (bool, Option<u8>) {
        let (next, is_taken, out) = match *self {
            Self::Plain => (Self::Plain, true, Some(byte)),
            Self::Equals => match byte {
                b'\r' => (Self::Return, true, None),
                b'\n' => (Self::Plain, true, None),
                b' ' | b'\t' => (Self::Spaces, true, None),
                _ if hex(byte).is_some() => (Self::Digit(byte), true, None),
                _ => (Self::Plain, false, Some(b'=')),
            },
            Self::Digit(high) => match (hex(high), hex(byte)) {
                (Some(high), Some(low)) => (Self::Plain, true, Some(high.wrapping_shl(4) | low)),
                _ => (Self::Owed(high), false, Some(b'=')),
            },
            Self::Spaces => match byte {
                b' ' | b'\t' => (Self::Spaces, true, None),
                b'\r' => (Self::Return, true, None),
                b'\n' => (Self::Plain, true, None),
                _ => (Self::Plain, false, Some(b'=')),
            },
            Self::Return => (Self::Plain, byte == b'\n', None),
            Self::Owed(owed) => (Self::Plain, false, Some(owed)),
        };
        *self = next;
        (is_taken, out)
    }
}
