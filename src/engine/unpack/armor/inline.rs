//! base64 in the middle of a text: a string of JSON, the address of an image, lines between two tags.
//!
//! Both alphabets of RFC 4648 are read, and what writers of such texts make of letters: `\/`, `\u002b` and `\n` in
//! strings, `%2B` in addresses. It goes on behind a line end when the next line is base64 as well, and ends
//! with the first byte that belongs to none of that.

use super::base64::{Base64, value};
use super::{Poured, hex};

/// The rest of such a run.
#[derive(Debug)]
pub(in crate::engine::unpack) struct Inline {
    base64: Base64,
    place: Place,
    /// What is read of an escape, or the letters behind a gap.
    kept: Vec<u8>,
    /// It stands between quotes: a gap of any kind is part of it.
    is_quoted: bool,
    /// Letters of [`Inline::kept`] that are to be decoded before the input.
    given: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Letters,
    /// Behind `\`.
    Escape,
    /// In `\uXXXX`, or in `%XX`: so many digits belong to it.
    Digits(usize),
    /// In white space, and whether a line has ended in it.
    Gap(bool),
    /// What was kept behind a gap is decoded.
    Kept,
    /// Behind `=`.
    Padding,
    Over,
}

impl Inline {
    pub(in crate::engine::unpack) fn new(is_quoted: bool) -> Self {
        Self {
            base64: Base64::default(),
            place: Place::Letters,
            kept: Vec::new(),
            is_quoted,
            given: 0,
        }
    }

    /// What was taken and does not belong to it, once it has ended.
    pub(in crate::engine::unpack) fn leftover(&self) -> &[u8] {
        &self.kept
    }

    pub(in crate::engine::unpack) fn pour(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        is_over: bool,
    ) -> Poured {
        let (mut used, mut made) = (0_usize, 0_usize);
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let room = output.get_mut(made..).unwrap_or_default();
            match self.place {
                Place::Over => return Poured { used, made, end: Some(Ok(())) },
                Place::Kept => {
                    let kept = self.kept.get(self.given..).unwrap_or_default();
                    let (taken, out) = self.base64.pour(kept, room);
                    self.given = self.given.saturating_add(taken);
                    made = made.saturating_add(out);
                    if self.given < self.kept.len() {
                        break;
                    }
                    self.forget();
                }
                Place::Letters => {
                    let span = rest.iter().position(|byte| value(*byte).is_none());
                    let letters = rest.get(..span.unwrap_or(rest.len())).unwrap_or(rest);
                    let (taken, out) = self.base64.pour(letters, room);
                    used = used.saturating_add(taken);
                    made = made.saturating_add(out);
                    let Some(byte) = input.get(used).copied() else { break };
                    if taken < letters.len() {
                        break;
                    }
                    if matches!(byte, b'-' | b'_') && made >= output.len() {
                        break;
                    }
                    let room = output.get_mut(made);
                    made = made.saturating_add(self.special(byte, room));
                    used = used.saturating_add(usize::from(self.place != Place::Over));
                }
                Place::Escape | Place::Digits(_) | Place::Gap(_) | Place::Padding => {
                    let Some(byte) = rest.first().copied() else {
                        if is_over && matches!(self.place, Place::Gap(_)) {
                            self.end_gap(None);
                            continue;
                        }
                        break;
                    };
                    // An escape may stand for a letter.
                    let Some(slot) = room.first_mut() else { break };
                    let (is_taken, out) = self.behind(byte);
                    used = used.saturating_add(usize::from(is_taken));
                    if let Some(out) = out {
                        *slot = out;
                        made = made.saturating_add(1);
                    }
                }
            }
        }
        Poured { used, made, end: None }
    }

    /// What is no letter of mails. Says how many bytes it gave, none or one.
    fn special(&mut self, byte: u8, room: Option<&mut u8>) -> usize {
        self.kept.clear();
        self.place = match byte {
            b'-' | b'_' => {
                let value = if byte == b'-' { 62 } else { 63 };
                if let (Some(out), Some(room)) = (self.base64.letter(value), room) {
                    *room = out;
                    return 1;
                }
                Place::Letters
            }
            b'=' => self.pad(),
            b'\\' => Place::Escape,
            b'%' => Place::Digits(2),
            b'\r' | b'\n' => Place::Gap(true),
            b' ' | b'\t' => Place::Gap(false),
            _ => Place::Over,
        };
        0
    }

    /// A byte in an escape, in a gap or behind padding. Says whether it is taken, and what it gives.
    fn behind(&mut self, byte: u8) -> (bool, Option<u8>) {
        match self.place {
            Place::Escape => {
                self.place = match byte {
                    b'u' => Place::Digits(4),
                    // A line end as strings have it, or one that continues a string.
                    b'n' | b'r' | b't' | b'\r' | b'\n' => Place::Letters,
                    b'/' => {
                        self.place = Place::Letters;
                        return (true, self.base64.letter(63));
                    }
                    _ => Place::Over,
                };
                (self.place != Place::Over, None)
            }
            Place::Digits(wanted) => {
                if hex(byte).is_none() {
                    self.place = Place::Over;
                    return (false, None);
                }
                self.kept.push(byte);
                if self.kept.len() < wanted {
                    return (true, None);
                }
                (true, self.escaped())
            }
            Place::Gap(has_line_end) => match byte {
                b' ' | b'\t' | b'\r' | b'\n' if self.kept.is_empty() => {
                    let is_line_end = matches!(byte, b'\r' | b'\n');
                    self.place = Place::Gap(has_line_end || is_line_end);
                    (true, None)
                }
                _ if value(byte).is_some() && (has_line_end || self.is_quoted) => {
                    self.kept.push(byte);
                    if self.kept.len() >= LINE_LETTERS {
                        self.place = Place::Kept;
                    }
                    (true, None)
                }
                _ => {
                    self.end_gap(Some(byte));
                    (false, None)
                }
            },
            Place::Padding if byte == b'=' => (true, None),
            Place::Padding => {
                self.place = Place::Over;
                (false, None)
            }
            Place::Letters | Place::Kept | Place::Over => (false, None),
        }
    }

    /// Whether the letters behind a gap are part of it is told by what follows them.
    fn end_gap(&mut self, next: Option<u8>) {
        let is_padded = self.base64.open_letters().saturating_add(self.kept.len()) & 3 > 1;
        let is_line = match next {
            None | Some(b'\r' | b'\n' | b'"' | b'\'' | b'<' | b')' | b'\\') => true,
            Some(b'=') => is_padded,
            // Letters of the other alphabet, and gaps in a string.
            Some(b'-' | b'_' | b' ' | b'\t' | b'%') => self.is_quoted,
            Some(_) => false,
        };
        self.place = if is_line && !self.kept.is_empty() { Place::Kept } else { Place::Over };
    }

    /// The escape is complete. Says what it gives.
    fn escaped(&mut self) -> Option<u8> {
        let digits = self.kept.iter().filter_map(|digit| hex(*digit));
        let code = digits.fold(0_u32, |code, digit| code.wrapping_shl(4) | u32::from(digit));
        self.forget();
        let Ok(byte) = u8::try_from(code) else {
            self.place = Place::Over;
            return None;
        };
        match byte {
            b'=' => self.place = self.pad(),
            b'\r' | b'\n' | b'\t' | b' ' => {}
            _ => {
                if let Some(value) = letter(byte) {
                    return self.base64.letter(value);
                }
                self.place = Place::Over;
            }
        }
        None
    }

    fn pad(&mut self) -> Place {
        self.base64.pad();
        Place::Padding
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.given = 0;
        self.place = Place::Letters;
    }
}

/// The value of a letter of either alphabet.
pub(in crate::engine::unpack) fn letter(byte: u8) -> Option<u8> {
    match byte {
        b'-' => Some(62),
        b'_' => Some(63),
        _ => value(byte),
    }
}

/// So many letters behind a gap are base64, whatever follows them.
const LINE_LETTERS: usize = 60;
