//! What a header makes of the body behind it: parts of its own, a mail, or a file.

use super::part::Part;
use super::{Mime, Place, Section, Turn};
use crate::engine::unpack::armor::base64::value;
use crate::engine::unpack::armor::{Transfer, is_control};
use crate::engine::unpack::{Label, Said};
use crate::engine::verdict::Why;

impl Mime {
    /// Decides how the body is read.
    pub(super) fn sort(&mut self, mut section: Section) {
        self.place = Place::Body;
        if section.is_kind(b"multipart/") {
            if section.is_kind(b"multipart/encrypted") {
                self.missed.push(Why::Encrypted);
            }
            let is_digest = section.is_kind(b"multipart/digest");
            self.push_frames(&section.boundaries, is_digest);
            self.part = Part::gap(self.what);
            return;
        }
        let name = section.take_name();
        let label = match name {
            Some(name) => Label::named(self.what, &name),
            None => Label::of(self.what),
        };
        let mut coded: Vec<Transfer> = section.transfers.iter().copied().flatten().collect();
        coded.dedup();
        let first = coded.first().copied();
        // Servers do not look at the encoding of a part of a form.
        let is_open = section.transfers.contains(&None) || self.what != "mail";
        let is_both = first.is_some() && is_open;
        let is_mail = [&b"message/rfc822"[..], b"message/global", b"message/news"]
            .iter()
            .any(|kind| section.is_kind(kind))
            || (section.kinds.is_empty() && self.head.is_digest);
        self.head.is_digest = false;
        if section.is_kind(b"message/partial") {
            self.missed.push(Why::Unsupported("part of a mail in several mails"));
        }
        if section.is_kind(b"application/pkcs7-mime")
            || section.is_kind(b"application/x-pkcs7-mime")
        {
            self.missed.push(Why::Unsupported("S/MIME"));
        }
        if coded.len() > 1 || (is_both && is_mail) {
            self.missed.push(Why::Broken("mail: two transfer encodings"));
        }
        self.part = match (is_mail, is_both) {
            (true, true) => Part::new(label, None, Some(Said::Mail)),
            (true, false) => Part::new(label, first, Some(Said::Mail)),
            (false, true) => Part::new(label, None, first.map(Said::Encoded)),
            (false, false) => Part::new(label, first, first.map(|_| Said::Mailed)),
        };
        if first.is_some() && !is_both {
            self.place = Place::Front;
        }
    }

    /// Looks at the front of an encoded body: with anything else in it, it is read as it is, too.
    pub(super) fn front(&mut self) -> Turn {
        let bytes = self.bytes();
        if bytes.len() < FRONT_BYTES && !self.input.is_over {
            return Turn::More;
        }
        let bytes = bytes.get(..FRONT_BYTES).unwrap_or(bytes);
        let end = match bytes {
            [b'-', b'-', ..] => Some(0),
            _ => memchr::memmem::find(bytes, b"\n--")
                .or_else(|| memchr::memmem::find(bytes, b"\r--")),
        };
        let front = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
        if self.part.transfer().is_some_and(|transfer| is_odd(transfer, front)) {
            self.part.read_both_ways();
        }
        self.place = Place::Body;
        Turn::Go
    }
}

/// Whether no encoder has written these bytes.
fn is_odd(transfer: Transfer, front: &[u8]) -> bool {
    match transfer {
        Transfer::Base64 => front.iter().any(|byte| {
            value(*byte).is_none() && !matches!(byte, b'=' | b' ' | b'\t' | b'\r' | b'\n')
        }),
        Transfer::Quoted => {
            front.iter().any(|byte| is_control(*byte) || !byte.is_ascii())
                || memchr::memmem::find(front, b"%PDF-").is_some()
        }
    }
}

/// The boundary that a body of HTTP begins with, when it has one that a header of a part follows.
pub(in crate::engine) fn front_boundary(head: &[u8]) -> Option<&[u8]> {
    let text = head.trim_ascii_start();
    let line_end = memchr::memchr2(b'\r', b'\n', text)?;
    let (line, rest) = text.split_at_checked(line_end)?;
    let boundary = line.strip_prefix(b"--")?.trim_ascii_end();
    let field = rest.trim_ascii_start().get(..8)?;
    let is_field = field.eq_ignore_ascii_case(b"content-");
    (is_field && !boundary.is_empty() && boundary.len() <= super::BOUNDARY_BYTES_MAX)
        .then_some(boundary)
}

/// So much of a body tells whether it is what its header says: other formats are told by no more.
const FRONT_BYTES: usize = 1_024;
