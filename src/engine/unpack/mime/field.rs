//! The fields of a header that say what a part is: RFC 2045, 2183 and 2231, and names as RFC 2047 encodes them.
//!
//! Fields may come twice and say different things, and readers differ in which one they believe. All are
//! kept: every boundary is looked for, and what has two encodings is looked at in both ways.

use crate::engine::unpack::armor::Transfer;
use crate::engine::unpack::armor::base64::Base64;
use crate::engine::unpack::armor::hex;

/// What the header of a part says.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// Whether there was a field at all.
    pub(super) has_fields: bool,
    /// Every type, in lower case.
    pub(super) kinds: Vec<Vec<u8>>,
    /// Every boundary.
    pub(super) boundaries: Vec<Vec<u8>>,
    /// Every encoding; `None` for one that leaves bytes as they are.
    pub(super) transfers: Vec<Option<Transfer>>,
    /// The best name so far, and how good it is.
    name: Option<(u8, Vec<u8>)>,
}

impl Section {
    /// Whether a type begins like this.
    pub(super) fn is_kind(&self, front: &[u8]) -> bool {
        self.kinds.iter().any(|kind| kind.starts_with(front))
    }

    /// Its file's name.
    pub(super) fn take_name(&mut self) -> Option<Vec<u8>> {
        self.name.take().map(|(_, name)| name)
    }

    /// Takes a field, with all of its lines.
    pub(super) fn take(&mut self, field: &[u8]) {
        let colon = memchr::memchr(b':', field).unwrap_or(field.len());
        let (name, value) = field.split_at_checked(colon).unwrap_or((field, &[]));
        let value = value.get(1..).unwrap_or_default();
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"content-type" => {
                let (kind, parameters) = parameters(value);
                self.kinds.push(kind.to_ascii_lowercase());
                for (name, value) in parameters {
                    match name.as_slice() {
                        b"boundary" => self.add_boundary(value),
                        b"name" => self.offer(1, &value),
                        _ => {}
                    }
                }
            }
            b"content-disposition" => {
                for (name, value) in parameters(value).1 {
                    match name.as_slice() {
                        b"filename" => self.offer(3, &value),
                        b"name" => self.offer(2, &value),
                        _ => {}
                    }
                }
            }
            b"content-transfer-encoding" => self.transfers.push(transfer(value)),
            b"content-location" => self.offer(0, value.trim_ascii()),
            _ => {}
        }
    }

    /// A name is believed when it is better than the one before.
    fn offer(&mut self, rank: u8, name: &[u8]) {
        if self.name.as_ref().is_none_or(|(known, _)| *known < rank) && !name.is_empty() {
            self.name = Some((rank, decoded(name)));
        }
    }

    fn add_boundary(&mut self, value: Vec<u8>) {
        // Without quotes it ends with the first space, or a comment; not every reader knows.
        let short = value.split(|byte| matches!(byte, b' ' | b'\t' | b'(')).next();
        let short = short.unwrap_or_default().to_vec();
        for boundary in [value, short] {
            if !boundary.is_empty() && !self.boundaries.contains(&boundary) {
                self.boundaries.push(boundary);
            }
        }
    }
}

/// What a `Content-Transfer-Encoding` makes of bytes. Readers look for the word, whatever is around it.
fn transfer(value: &[u8]) -> Option<Transfer> {
    let value = value.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&value, word).is_some();
    match () {
        () if has(b"base64") || has(b"base-64") => Some(Transfer::Base64),
        () if has(b"quoted") => Some(Transfer::Quoted),
        () => None,
    }
}

/// Names in lower case, and values.
type Parameters = Vec<(Vec<u8>, Vec<u8>)>;

/// What stands in front of the first semicolon, and the parameters behind it.
pub(in crate::engine::unpack) fn parameters(value: &[u8]) -> (&[u8], Parameters) {
    let mut items = items(value).into_iter();
    let kind = items.next().unwrap_or_default().trim_ascii();
    let mut found = Parameters::new();
    for item in items.take(PARAMETERS_MAX) {
        let Some(equals) = memchr::memchr(b'=', item) else { continue };
        let (name, value) = item.split_at_checked(equals).unwrap_or((item, &[]));
        let name = name.trim_ascii().to_ascii_lowercase();
        let value = unquoted(value.get(1..).unwrap_or_default().trim_ascii());
        // RFC 2231: `name*`, `name*0`, `name*0*`.
        let mut stars = name.split(|byte| *byte == b'*');
        let base = stars.next().unwrap_or_default().trim_ascii_end().to_vec();
        let number = stars.next();
        let is_extended = name.ends_with(b"*");
        let value = if is_extended { extended(&value) } else { value };
        let is_next = number.is_some_and(|number| !number.is_empty() && number != b"0");
        match found.iter_mut().find(|(known, _)| *known == base) {
            Some((_, known)) if is_next => known.extend_from_slice(&value),
            _ => found.push((base, value)),
        }
    }
    (kind, found)
}

/// Splits at semicolons that are not in quotes.
fn items(value: &[u8]) -> Vec<&[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let split = value.split(|byte| {
        let was_escaped = is_escaped;
        is_escaped = is_quoted && *byte == b'\\' && !was_escaped;
        is_quoted ^= *byte == b'"' && !was_escaped;
        *byte == b';' && !is_quoted
    });
    split.take(PARAMETERS_MAX.saturating_add(1)).collect()
}

/// A value without its quotes, escapes and the line ends of folding.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"") else {
        return value.iter().copied().filter(|byte| !is_line_end(*byte)).collect();
    };
    // What follows the quotes, comments mostly, is nothing.
    let mut out = Vec::new();
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => out.extend(bytes.next()),
            byte if is_line_end(byte) => {}
            byte => out.push(byte),
        }
    }
    out
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// RFC 2231 section 4: character set, language, and escapes, of which the first two may be missing.
fn extended(value: &[u8]) -> Vec<u8> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let text = match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(text)) => text,
        _ => value,
    };
    escaped(text, b'%')
}

/// Undoes escapes of a sign and two digits.
fn escaped(text: &[u8], sign: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let digits = match after {
            [high, low, ..] if *byte == sign => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match digits {
            Some((high, low)) => {
                out.push(high.wrapping_shl(4) | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    out
}

/// RFC 2047: each `=?set?B?…?=` and `=?set?Q?…?=` as the bytes it stands for.
fn decoded(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = name;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        // Between two words white space is not part of the name.
        if out.is_empty() || !before.trim_ascii().is_empty() {
            out.extend_from_slice(before);
        }
        match encoded_word(word) {
            Some((text, after)) => {
                out.extend(text);
                rest = after;
            }
            None => {
                out.extend_from_slice(word.get(..2).unwrap_or_default());
                rest = word.get(2..).unwrap_or_default();
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The text of an encoded word, and what follows it.
fn encoded_word(word: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let body = word.strip_prefix(b"=?")?;
    let mut parts = body.splitn(3, |byte| *byte == b'?');
    let (set, coding, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let end = memchr::memmem::find(rest, b"?=")?;
    let (text, after) = rest.split_at_checked(end)?;
    let bytes = match coding {
        b"B" | b"b" => {
            let mut out = vec![0; text.len()];
            let (_, made) = Base64::default().pour(text, &mut out);
            out.truncate(made);
            out
        }
        b"Q" | b"q" => {
            let spaced: Vec<u8> =
                text.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect();
            escaped(&spaced, b'=')
        }
        _ => return None,
    };
    let is_latin = set.to_ascii_lowercase().starts_with(b"iso-8859-1");
    let text = match is_latin {
        true => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes(),
        false => bytes,
    };
    Some((text, after.get(2..)?))
}

/// Parameters of one field that are looked at; nothing real comes near.
const PARAMETERS_MAX: usize = 256;
