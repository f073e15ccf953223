//! Bytes written as text: how each way of writing them is undone, through windows of a fixed size.
//!
//! | armor | described in | here |
//! | --- | --- | --- |
//! | base64 of mails: what is no letter is passed over | RFC 2045 section 6.8 | [`base64`] |
//! | base64 in the middle of a text: it ends with the first byte that is none | RFC 4648 sections 4 and 5 | [`inline`] |
//! | quoted-printable | RFC 2045 section 6.7 | [`quoted`] |
//! | percent-escapes of `data:` addresses | RFC 2397, RFC 3986 section 2.1 | [`percent`] |
//! | uuencode | POSIX.1-2017 `uuencode` | [`uu`] |
//! | yEnc | yEnc draft 1.3 | [`yenc`] |
//! | `BinHex` 4.0 | RFC 1741 | [`binhex`] |
//!
//! Whoever reads mails reads broken ones, too, so a decoder gives out all that any reader would make of
//! its input. Absent on purpose: check sums.

pub(super) mod base64;
pub(super) mod binhex;
pub(super) mod inline;
pub(super) mod percent;
pub(super) mod quoted;
#[cfg(test)]
mod tests;
pub(super) mod uu;
pub(super) mod yenc;

use super::parts::copy;
use super::{Progress, Step};
use crate::engine::verdict::Why;

/// What one call of a decoder did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Poured {
    /// Bytes taken from the front of the input.
    pub(super) used: usize,
    /// Bytes written to the front of the output.
    pub(super) made: usize,
    /// How it ended, when it did: what was not taken does not belong to it. Without an end it wants more
    /// input when all of it was taken, and more room otherwise.
    pub(super) end: Option<Result<(), Why>>,
}

/// A `Content-Transfer-Encoding` that makes other bytes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Transfer {
    Base64,
    Quoted,
}

/// Undoes a transfer encoding.
pub(in crate::engine) enum Undo {
    /// Nothing was done to the bytes.
    Nothing,
    Base64(base64::Base64),
    Quoted(quoted::Quoted),
}

impl Undo {
    pub(super) fn of(transfer: Option<Transfer>) -> Self {
        match transfer {
            None => Self::Nothing,
            Some(Transfer::Base64) => Self::Base64(base64::Base64::default()),
            Some(Transfer::Quoted) => Self::Quoted(quoted::Quoted::default()),
        }
    }

    /// As a decoder of a layer.
    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (used, made) = self.pour(input, output);
        let is_all = used == input.len();
        Step { used, made, progress: if is_all { Progress::Hungry } else { Progress::Full } }
    }

    /// Says how much of `input` was taken and how much of `output` was written.
    pub(super) fn pour(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize) {
        match self {
            Self::Nothing => {
                let count = copy(input, output);
                (count, count)
            }
            Self::Base64(base64) => base64.pour(input, output),
            Self::Quoted(quoted) => quoted.pour(input, output),
        }
    }
}

/// The value of a hexadecimal digit.
pub(super) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// Whether a byte is in no text: archives have such bytes, and nothing that is written as text has.
pub(super) const fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f)
}

/// No letter: its high bits are in no value.
const NONE: u8 = 0xff;

/// What each byte stands for, given the letters in the order of their values.
const fn values(letters: &[u8; 64]) -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut rest: &[u8] = letters;
    let mut value = 0_u8;
    while let Some((letter, after)) = rest.split_first() {
        #[expect(clippy::indexing_slicing, reason = "a byte is always an index of 256 entries")]
        {
            table[*letter as usize] = value;
        }
        value = value.wrapping_add(1);
        rest = after;
    }
    table
}
