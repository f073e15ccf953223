//! Lines, fields, numbers and names: what all text formats share (clamav.md A1.2 to A1.4).

use std::fmt;

use memchr::memchr_iter;

use super::report::Unsupported;

/// What a good line turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// A signature to load.
    Signature(T),
    /// For another functionality level.
    ByLevel,
    /// Valid, but not usable yet.
    Unsupported(Unsupported),
}

impl<T> Read<T> {
    /// The same with another form of the signature.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Signature(signature) => Read::Signature(change(signature)),
            Self::ByLevel => Read::ByLevel,
            Self::Unsupported(reason) => Read::Unsupported(reason),
        }
    }
}

/// What is wrong with a line, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    /// Bytes before the place.
    pub at: usize,
    /// The rule that is broken there.
    pub refusal: Refusal,
}

/// Which rule a line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing in it.
    Blank,
    /// So many bytes.
    TooLong(usize),
    /// Another number of fields.
    Fields { found: usize, min: usize, max: usize },
    /// A byte, or the end, where something else has to be.
    Unexpected { found: Option<u8>, allowed: &'static str },
    /// A number beyond its range.
    Number { max: u64 },
    /// A rule in words.
    Rule(&'static str),
}

impl LineFault {
    pub(super) const fn rule(at: usize, rule: &'static str) -> Self {
        let refusal = Refusal::Rule(rule);
        Self { at, refusal }
    }

    /// `found` is not what is `allowed` at this place.
    pub(super) const fn unexpected(at: usize, found: Option<u8>, allowed: &'static str) -> Self {
        let refusal = Refusal::Unexpected { found, allowed };
        Self { at, refusal }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => out.write_str("a blank line, a signature or a comment is allowed"),
            Self::TooLong(found) => {
                write!(out, "a line of {found} bytes, {LINE_BYTES_MAX} are allowed")
            }
            Self::Fields { found, min, max } => {
                write!(out, "{found} fields, {min} to {max} are allowed")
            }
            Self::Unexpected { found: Some(found), allowed } => {
                write!(out, "found '{}', allowed: {allowed}", found.escape_ascii())
            }
            Self::Unexpected { found: None, allowed } => {
                write!(out, "found the end, allowed: {allowed}")
            }
            Self::Number { max } => write!(out, "a number larger than {max}"),
            Self::Rule(rule) => out.write_str(rule),
        }
    }
}

/// The lines of a file with their numbers, from 1; ends of line removed, LF or CRLF.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    plain_lines(without_mark(bytes))
}

/// A file without a mark of byte order, which is not part of the first name.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// [`lines`] of a piece of a file.
pub(super) fn plain_lines(text: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut start = 0_usize;
    let ends = memchr_iter(b'\n', text).chain((!text.ends_with(b"\n")).then_some(text.len()));
    let lines = ends.map(move |end| {
        let line = text.get(start..end).unwrap_or_default();
        start = end.saturating_add(1);
        let kept = line.iter().rposition(|byte| *byte != b'\r');
        line.get(..kept.map_or(0, |last| last.saturating_add(1))).unwrap_or_default()
    });
    // An empty file has no lines, not one blank line.
    let count = if text.is_empty() { 0 } else { usize::MAX };
    (1_u64..).zip(lines).take(count)
}

/// One field of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field<'a> {
    /// Bytes of the line before it.
    pub at: usize,
    /// Its text.
    pub text: &'a [u8],
}

impl Field<'_> {
    /// A number of at most `max`. ClamAV reads an empty field as 0, so it is 0 here.
    pub(super) fn number(&self, max: u64) -> Result<u64, LineFault> {
        let value = digits(self.text, self.at, "digits")?;
        if value > max {
            let refusal = Refusal::Number { max };
            return Err(LineFault { at: self.at, refusal });
        }
        Ok(value)
    }
}

/// Digits only; larger numbers than 64 bits hold end at the largest.
pub(super) fn digits(text: &[u8], at: usize, allowed: &'static str) -> Result<u64, LineFault> {
    let mut value = 0_u64;
    for (byte, place) in text.iter().zip(at..) {
        if !byte.is_ascii_digit() {
            return Err(LineFault::unexpected(place, Some(*byte), allowed));
        }
        let digit = u64::from(byte.wrapping_sub(b'0'));
        value = value.saturating_mul(10).saturating_add(digit);
    }
    Ok(value)
}

/// The fields of a line between colons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    list: [Field<'a>; FIELDS_MAX],
}

impl<'a> Fields<'a> {
    /// Splits a line that must have `min` to `max` fields.
    pub(super) fn split(line: &'a [u8], min: usize, max: usize) -> Result<Self, LineFault> {
        let mut list = [Field::default(); FIELDS_MAX];
        let mut found = 0_usize;
        let mut at = 0_usize;
        for end in memchr_iter(b':', line).chain(Some(line.len())) {
            if let Some(slot) = list.get_mut(found) {
                let text = line.get(at..end).unwrap_or_default();
                *slot = Field { at, text };
            }
            found = found.saturating_add(1);
            at = end.saturating_add(1);
        }
        if found < min || found > max.min(FIELDS_MAX) {
            let refusal = Refusal::Fields { found, min, max };
            return Err(LineFault { at: line.len(), refusal });
        }
        let mut fields = Self { list };
        // Fields that are not there have no place; an empty one has.
        for slot in fields.list.iter_mut().skip(found) {
            slot.at = usize::MAX;
        }
        Ok(fields)
    }

    /// A field that may not be there.
    pub(super) fn get(&self, index: usize) -> Option<Field<'a>> {
        self.list.get(index).copied().filter(|field| field.at != usize::MAX)
    }

    /// A field that [`Fields::split`] saw to.
    pub(super) fn required(&self, index: usize) -> Field<'a> {
        self.get(index).unwrap_or_default()
    }

    /// Whether the window of functionality levels in two fields, both optional, has `level` in it.
    pub(super) fn in_window(&self, min: usize, max: usize, level: u32) -> Result<bool, LineFault> {
        let level = u64::from(level);
        if let Some(field) = self.get(min)
            && field.number(u64::MAX)? > level
        {
            return Ok(false);
        }
        match self.get(max) {
            Some(field) => Ok(field.number(u64::MAX)? >= level),
            None => Ok(true),
        }
    }
}

/// A name as it is reported: printable ASCII as it stands, other bytes as `\xNN`, then the mark of
/// a source that nobody signed. Names end up in headers, logs and terminals.
pub(super) fn reported_name(field: Field<'_>) -> Result<Box<str>, LineFault> {
    if field.text.is_empty() {
        return Err(LineFault::rule(field.at, "an empty name"));
    }
    if field.text.len() > NAME_BYTES_MAX {
        return Err(LineFault::rule(field.at, "a name of more than 1024 bytes"));
    }
    let mut name = String::with_capacity(field.text.len().saturating_add(UNOFFICIAL.len()));
    let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    match str::from_utf8(field.text) {
        // Nearly every name: one copy.
        Ok(text) if field.text.iter().all(printable) => name.push_str(text),
        Ok(_) | Err(_) => {
            for byte in field.text {
                match printable(byte) {
                    true => name.push(char::from(*byte)),
                    false => name.extend(byte.escape_ascii().map(char::from)),
                }
            }
        }
    }
    name.push_str(UNOFFICIAL);
    Ok(name.into())
}

/// The mark on names of sources that are not signed (A1.4).
pub(super) const UNOFFICIAL: &str = ".UNOFFICIAL";

/// Longer lines are bad lines. The longest pattern of the official sets has 11 KiB of text.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

/// Longer names are bad lines: names go into headers, whose lines are bounded.
const NAME_BYTES_MAX: usize = 1024;

/// The widest line of the formats here: a cdb with both levels.
const FIELDS_MAX: usize = 12;
