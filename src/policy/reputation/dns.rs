//! DNS messages, as far as a block list needs them: one question for A or TXT, and what comes back.
//!
//! RFC 1035 section 4, RFC 2181 section 5. Names in answers are read through compression (section 4.1.4)
//! with pointers that only ever lead backwards, so a message of any content is read in bounded time. What
//! does not repeat the question exactly is not an answer to it.
//!
//! Absent on purpose: EDNS (an answer of a list fits 512 bytes; else TCP is asked), DNSSEC (that is the
//! resolver's work), other types.

use std::net::Ipv4Addr;

/// A name in wire form, in lower case, its root label included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(Vec<u8>);

impl Name {
    /// The name written with dots. `None`: not a name of letters, digits, `-` and `_`, or too long.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut wire = Vec::with_capacity(text.len().saturating_add(2));
        for label in text.split('.') {
            let length =
                u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
            let letters =
                label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            letters.then_some(())?;
            wire.push(length);
            wire.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
        }
        wire.push(0);
        (wire.len() <= NAME_BYTES_MAX).then_some(Self(wire))
    }

    /// In wire form.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.0
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Addresses: whether a name is listed, and as what.
    A,
    /// Text: why.
    Txt,
}

impl Kind {
    const fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Txt => 16,
        }
    }
}

/// The message that asks for a name, recursion desired.
#[must_use]
pub fn query(id: u16, name: &Name, kind: Kind) -> Vec<u8> {
    let mut message = Vec::with_capacity(name.0.len().saturating_add(16));
    for word in [id, 0x0100, 1, 0, 0, 0] {
        message.extend_from_slice(&word.to_be_bytes());
    }
    message.extend_from_slice(&name.0);
    message.extend_from_slice(&kind.code().to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
    message
}

/// What a message says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is answered; without records: not listed.
    Records(Records),
    /// It was cut off: TCP has all of it.
    Truncated,
    /// The server does not answer it: its code (RFC 1035 section 4.1.1), or 0 for a broken answer.
    Refused(u8),
}

/// The records of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Of A records.
    pub addresses: Vec<Ipv4Addr>,
    /// Of TXT records, as one readable line each.
    pub texts: Vec<String>,
    /// How long the shortest-lived of them is good, in seconds.
    pub ttl_s: Option<u32>,
}

/// Reads a message as the answer to a question. `None`: it is no answer to this question, whoever sent it.
#[must_use]
pub fn read(message: &[u8], id: u16, name: &Name, kind: Kind) -> Option<Reply> {
    let mut reader = Reader { message, at: 0 };
    let found_id = reader.word()?;
    let flags = reader.word()?;
    let questions = reader.word()?;
    let answers = reader.word()?;
    reader.at = HEADER_BYTES;
    let is_answer = flags & 0x8000 != 0 && flags & 0x7800 == 0;
    if found_id != id || !is_answer || questions != 1 {
        return None;
    }
    let asked = reader.name()?;
    if asked != name.0 || reader.word()? != kind.code() || reader.word()? != CLASS_IN {
        return None;
    }
    let code = u8::try_from(flags & 0xf).unwrap_or_default();
    Some(match code {
        _ if flags & 0x0200 != 0 => Reply::Truncated,
        NO_ERROR => match records(&mut reader, answers, asked, kind) {
            Some(records) => Reply::Records(records),
            None => Reply::Refused(0),
        },
        NAME_ERROR => Reply::Records(Records::default()),
        code => Reply::Refused(code),
    })
}

/// The records of the answer section that are about the name, or about what it is an alias of.
fn records(reader: &mut Reader<'_>, count: u16, mut owner: Vec<u8>, kind: Kind) -> Option<Records> {
    let mut records = Records::default();
    for _ in 0..count.min(RECORDS_MAX) {
        let name = reader.name()?;
        let (found, class) = (reader.word()?, reader.word()?);
        let ttl_s =
            u32::from_be_bytes([reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?]);
        let length = usize::from(reader.word()?);
        let start = reader.at;
        let data = reader.message.get(start..start.checked_add(length)?)?;
        if class == CLASS_IN && name == owner {
            let mut keep = true;
            match (found, kind) {
                (CNAME, _) => owner = reader.name()?,
                (1, Kind::A) => {
                    records.addresses.push(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?));
                }
                (16, Kind::Txt) => records.texts.push(text(data)?),
                _ => keep = false,
            }
            if keep {
                // RFC 2181 section 8: a time with the highest bit is none.
                let ttl_s = if ttl_s > i32::MAX.unsigned_abs() { 0 } else { ttl_s };
                records.ttl_s = Some(records.ttl_s.map_or(ttl_s, |before| before.min(ttl_s)));
            }
        }
        reader.at = start.checked_add(length)?;
    }
    Some(records)
}

/// The strings of a TXT record as one readable line.
fn text(data: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (string, after) = after.split_at_checked(usize::from(*length))?;
        bytes.extend_from_slice(string);
        rest = after;
    }
    let line = String::from_utf8_lossy(&bytes);
    let visible = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    Some(line.chars().take(TEXT_CHARS_MAX).map(visible).collect())
}

struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.message.get(self.at).copied()?;
        self.at = self.at.checked_add(1)?;
        Some(byte)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// The name that stands here, in lower case. Each pointer has to lead further back than the last.
    fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let mut here = Self { message: self.message, at: self.at };
        let mut limit = self.at;
        let mut is_followed = false;
        loop {
            let length = here.byte()?;
            match length {
                0 => {
                    name.push(0);
                    if !is_followed {
                        self.at = here.at;
                    }
                    return Some(name);
                }
                1..=63 => {
                    let end = here.at.checked_add(usize::from(length))?;
                    let label = here.message.get(here.at..end)?;
                    name.push(length);
                    name.extend(label.iter().map(u8::to_ascii_lowercase));
                    here.at = end;
                    // The root label has to fit, too.
                    (name.len() < NAME_BYTES_MAX).then_some(())?;
                }
                0xc0.. => {
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, here.byte()?]));
                    if !is_followed {
                        self.at = here.at;
                        is_followed = true;
                    }
                    (target < limit).then_some(())?;
                    limit = target;
                    here.at = target;
                }
                _ => return None,
            }
        }
    }
}

const CLASS_IN: u16 = 1;
const CNAME: u16 = 5;
const NO_ERROR: u8 = 0;
const NAME_ERROR: u8 = 3;
const HEADER_BYTES: usize = 12;

/// RFC 1035 section 2.3.4.
const NAME_BYTES_MAX: usize = 255;

/// Records that are looked at; a list answers with a handful.
const RECORDS_MAX: u16 = 64;

/// Of a list's reason, so much is kept for the log.
const TEXT_CHARS_MAX: usize = 300;
