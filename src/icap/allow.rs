//! Lists of tokens in the ICAP head: `Allow`, `Connection`; and the number in `Preview`.
//!
//! RFC 3507 sections 4.3.1, 4.5 and 4.6; draft-icap-ext-partial-content. Several fields of one name are one list
//! (RFC 9110 section 5.3), unknown tokens mean nothing, and tokens are compared whole: `2040` is not `204`.

use crate::http::{Head, trim};

/// What the client can take as an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "three independent tokens of the wire, in any combination"
)]
pub struct Allow {
    /// `204`: an unmodified message need not be sent back.
    pub no_content: bool,
    /// `206`: an answer may refer to a part of the original body.
    pub partial_content: bool,
    /// `trailers`: ICAP trailers are understood.
    pub trailers: bool,
}

impl Allow {
    /// Reads every `Allow` field of a head.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        let mut allow = Self::default();
        for token in tokens(head, "Allow") {
            match token {
                b"204" => allow.no_content = true,
                b"206" => allow.partial_content = true,
                _ if token.eq_ignore_ascii_case(b"trailers") => allow.trailers = true,
                _ => {}
            }
        }
        allow
    }
}

/// The tokens of every field called `name`.
pub(super) fn tokens<'a>(head: &'a Head, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    head.fields(name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(trim)
        .filter(|token| !token.is_empty())
}

/// The only value of a field that may stand once.
pub(super) fn single<'a>(head: &'a Head, name: &'a str) -> Result<Option<&'a [u8]>, Repeated> {
    let mut values = head.fields(name);
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

/// A field that may stand once stands twice: two readers could believe two different ones.
pub(super) struct Repeated;
