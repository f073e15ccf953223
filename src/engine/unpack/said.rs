//! What was said of a layer before its first byte, and what its first bytes make of that.
//!
//! A type that somebody else announced decides how a server or a reader of mails looks at the bytes; the bytes
//! themselves decide how everybody else does. Where both cannot be followed, one is, and the layer is not
//! clean.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::armor::Transfer;
use super::mime::{Mime, front_boundary, parameters};
use super::{Coding, Container, Inside, Unpacker};
use crate::engine::file_type::FileType;

/// What a layer is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Said {
    /// A mail.
    Mail,
    /// Parts with this boundary; an empty one is told by the first line.
    Multipart(Box<[u8]>),
    /// Encoded, besides what it is itself.
    Encoded(Transfer),
    /// Nothing, but that it was encoded in a mail: its links are those of the mail, which has not seen them.
    Mailed,
}

/// The media type of an object, as an HTTP header tells it: as much of it as decides how it is scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaType {
    said: Option<Said>,
}

impl MediaType {
    /// Reads the value of a `Content-Type` (RFC 9110 section 8.3). Any value is taken; of those that are no
    /// `multipart/…` and no mail nothing is kept, and of a boundary at most 1 KiB.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let (kind, parameters) = parameters(value.get(..VALUE_BYTES_MAX).unwrap_or(value));
        let kind = kind.to_ascii_lowercase();
        let boundary = || {
            let found = parameters.iter().find(|(name, _)| name == b"boundary");
            found.map(|(_, boundary)| boundary.as_slice()).unwrap_or_default().into()
        };
        let said = match kind.as_slice() {
            kind if kind.starts_with(b"multipart/") => Some(Said::Multipart(boundary())),
            b"message/rfc822" | b"message/global" => Some(Said::Mail),
            _ => None,
        };
        Self { said }
    }

    pub(in crate::engine) fn said(&self) -> Option<Said> {
        self.said.clone()
    }
}

/// How a layer is read.
pub(in crate::engine) enum Reading {
    /// As its first bytes tell.
    Natural(Inside),
    /// As was said.
    Walked(Unpacker),
}

impl Reading {
    /// Of a layer that begins with `head`, given what its type makes of that. Says what is wrong, too.
    ///
    /// The text of a mail that has no header may look as the mail around it: inside of one (`in_mail`) another
    /// has to begin with its first byte, or the same bytes would be opened again and again.
    pub(in crate::engine) fn of(
        said: Option<&Said>,
        (file_type, in_mail): (FileType, bool),
        natural: Inside,
        head: &[u8],
    ) -> (Self, Option<&'static str>) {
        let mail = Inside::Container(Container::Mail);
        let begins = begins_with_field(head) || head.starts_with(b"From ");
        let natural = match natural == mail && in_mail && !begins {
            true => Inside::Container(Container::Text),
            false => natural,
        };
        let is_plain = matches!(natural, Inside::Nothing);
        match said {
            Some(Said::Multipart(boundary)) => {
                let front = head.trim_ascii_start().strip_prefix(b"--");
                let is_right = front.is_some_and(|front| front.starts_with(boundary));
                let is_text = file_type.text().is_some() && (is_plain || natural == mail);
                let fault = (!is_right).then_some("multipart: does not begin with its boundary");
                match is_right || is_text {
                    true => (Self::multipart(boundary), fault),
                    false => (Self::Natural(natural), fault),
                }
            }
            Some(Said::Mail) if is_plain || natural == mail || begins_with_field(head) => {
                (Self::Natural(mail), None)
            }
            Some(Said::Mail) => (Self::Natural(natural), Some("mail: does not begin as one")),
            Some(Said::Encoded(transfer)) if is_plain => {
                let coding = match transfer {
                    Transfer::Base64 => Coding::Base64,
                    Transfer::Quoted => Coding::Quoted,
                };
                (Self::Natural(Inside::Coding(coding)), None)
            }
            Some(Said::Encoded(_)) => {
                (Self::Natural(natural), Some("mail: a part that is of two kinds"))
            }
            Some(Said::Mailed) | None => match front_boundary(head) {
                Some(boundary) => (Self::multipart(boundary), None),
                None if is_plain && (file_type.text().is_some() || begins_yenc(head)) => {
                    (Self::Natural(Inside::Container(Container::Text)), None)
                }
                None => (Self::Natural(natural), None),
            },
        }
    }

    fn multipart(boundary: &[u8]) -> Self {
        Self::Walked(Unpacker::Container(Box::new(Mime::multipart(boundary))))
    }
}

/// Whether a name and a colon begin some bytes.
fn begins_with_field(head: &[u8]) -> bool {
    let name = head.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-');
    let length = name.count();
    length > 0 && head.get(length) == Some(&b':')
}

/// Whether a file in yEnc begins in `head`: it is no text as to its other bytes.
fn begins_yenc(head: &[u8]) -> bool {
    static BEGIN: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"=ybegin "));
    BEGIN.find(head).is_some()
}

/// A header of HTTP is hardly longer.
const VALUE_BYTES_MAX: usize = 8 << 10;
