//! The `Encapsulated` field: which parts follow the ICAP head, and where each begins.
//!
//! RFC 3507 section 4.4.1 with the errata that make its absence mean "no body". The field is a table of contents
//! written by the client, so nothing in it is believed: names are known, offsets rise from zero, one
//! body (or `null-body`) ends the list, and the order is the one the method allows.
//!
//! Profiles relax two of these rules: blanks may stand for commas, and numbers may be wrong. In the second
//! case names and order are all that is read, and the lengths found are 0.
//!
//! Absent on purpose: the parts themselves, and limits on their size; the connection knows both.

use super::{Method, Offsets, Profile, Separators};
use crate::http::trim;

/// A checked table of contents: zero, one or two heads, then a body or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encapsulated {
    /// Bytes of the `req-hdr` part, if there is one. It always comes first. With [`Offsets::ByHeads`] it is 0.
    pub request_head_bytes: Option<usize>,
    /// Bytes of the `res-hdr` part, if there is one; likewise.
    pub response_head_bytes: Option<usize>,
    /// Which body, or `null-body`, ends the list.
    pub body: Entity,
}

/// A part as named in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// `req-hdr`
    ReqHdr,
    /// `res-hdr`
    ResHdr,
    /// `req-body`
    ReqBody,
    /// `res-body`
    ResBody,
    /// `opt-body`
    OptBody,
    /// `null-body`
    NullBody,
}

impl Encapsulated {
    /// What an OPTIONS request without the field means (erratum E01): no part, no body.
    pub const NOTHING: Self =
        Self { request_head_bytes: None, response_head_bytes: None, body: Entity::NullBody };

    /// Reads the value of the field.
    ///
    /// # Errors
    ///
    /// The rule of section 4.4.1 that is broken, as a sentence.
    pub fn parse(value: &[u8], profile: &Profile) -> Result<Self, &'static str> {
        let mut found = Self::NOTHING;
        // The head that is open: its length is known when the next part begins.
        let mut open: Option<(Entity, usize)> = None;
        let separates = |byte: &u8| match profile.separators {
            Separators::Comma => *byte == b',',
            Separators::BlankToo => matches!(byte, b',' | b' ' | b'\t'),
        };
        // Between blanks there is nothing; between commas there has to be something.
        let is_item =
            |item: &&[u8]| profile.separators == Separators::Comma || !trim(item).is_empty();
        let mut items = value.split(separates).filter(is_item);
        loop {
            let item = items.next().ok_or("a body or null-body ends the list")?;
            let (entity, offset) = parse_part(trim(item))?;
            match open {
                _ if profile.offsets == Offsets::ByHeads => {
                    if let Some((before, _)) = open {
                        found.close(before, 0);
                    }
                }
                None if offset != 0 => return Err("the first part begins at 0"),
                Some((before, start)) => {
                    let length = offset
                        .checked_sub(start)
                        .filter(|length| *length > 0)
                        .ok_or("offsets rise")?;
                    found.close(before, length);
                }
                None => {}
            }
            match entity {
                Entity::ReqHdr if open.is_some() => return Err("req-hdr comes first, and once"),
                Entity::ResHdr if found.response_head_bytes.is_some() => {
                    return Err("res-hdr comes once");
                }
                Entity::ReqHdr | Entity::ResHdr => open = Some((entity, offset)),
                Entity::ReqBody | Entity::ResBody | Entity::OptBody | Entity::NullBody => {
                    found.body = entity;
                    return if items.next().is_none() {
                        Ok(found)
                    } else {
                        Err("a body or null-body ends the list")
                    };
                }
            }
        }
    }

    /// Whether `method` may carry these parts.
    ///
    /// # Errors
    ///
    /// The rule of section 4.4.1 that is broken, as a sentence.
    pub const fn check(&self, method: Method) -> Result<(), &'static str> {
        let heads = (self.request_head_bytes.is_some(), self.response_head_bytes.is_some());
        match (method, heads, self.body) {
            (Method::Reqmod, (_, true), _) => Err("REQMOD carries no res-hdr"),
            (Method::Reqmod, (_, false), Entity::ReqBody)
            | (Method::Reqmod, (true, false), Entity::NullBody) => Ok(()),
            (Method::Respmod, _, Entity::ResBody)
            | (Method::Respmod, (true, _) | (false, true), Entity::NullBody)
            | (Method::Options, (false, false), Entity::OptBody | Entity::NullBody) => Ok(()),
            (Method::Reqmod | Method::Respmod, (false, false), Entity::NullBody) => {
                Err("at least one part")
            }
            (Method::Reqmod, ..) => Err("REQMOD carries req-body or null-body"),
            (Method::Respmod, ..) => Err("RESPMOD carries res-body or null-body"),
            (Method::Options, ..) => Err("OPTIONS carries opt-body or null-body alone"),
        }
    }

    /// Whether a chunked body follows the heads.
    #[must_use]
    pub const fn has_body(&self) -> bool {
        match self.body {
            Entity::ReqBody | Entity::ResBody | Entity::OptBody => true,
            Entity::NullBody | Entity::ReqHdr | Entity::ResHdr => false,
        }
    }

    const fn close(&mut self, head: Entity, length: usize) {
        match head {
            Entity::ReqHdr => self.request_head_bytes = Some(length),
            Entity::ResHdr => self.response_head_bytes = Some(length),
            Entity::ReqBody | Entity::ResBody | Entity::OptBody | Entity::NullBody => {}
        }
    }
}

/// Reads `name=offset`.
fn parse_part(item: &[u8]) -> Result<(Entity, usize), &'static str> {
    let equals = memchr::memchr(b'=', item).ok_or("a part is written name=offset")?;
    let (name, number) = item.split_at(equals);
    let name = trim(name);
    let known = ENTITIES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    let (_, entity) = known.ok_or("an unknown part")?;
    let number = trim(number.get(1..).unwrap_or_default());
    let offset = super::decimal(number)
        .filter(|offset| *offset <= OFFSET_MAX)
        .ok_or("an offset is a number up to 2^31")?;
    Ok((*entity, usize::try_from(offset).map_err(|_| "an offset is a number up to 2^31")?))
}

const ENTITIES: [(&str, Entity); 6] = [
    ("req-hdr", Entity::ReqHdr),
    ("res-hdr", Entity::ResHdr),
    ("req-body", Entity::ReqBody),
    ("res-body", Entity::ResBody),
    ("opt-body", Entity::OptBody),
    ("null-body", Entity::NullBody),
];

/// Offsets lie within the heads, which are far smaller; this keeps the arithmetic within 32 bits.
const OFFSET_MAX: u64 = 1 << 31;
