//! What heads say about the identity of an object (RFC 9110 sections 8.8 and 12.5.5).
//!
//! A response makes a promise when it is the whole answer to a GET (200, no `Content-Range`), says how
//! long it is, and has a strong validator: bytes with the same one are the same bytes.
//!
//! | validator | counts |
//! | --- | --- |
//! | one `ETag`, quoted, not empty | yes: it is another one for each representation |
//! | `ETag` with `W/`, broken, or two of them | no, and `Last-Modified` does not make up for it |
//! | `Last-Modified` a minute or more before `Date`, no `ETag` | yes, where `Vary` names at most `Accept-Encoding` |
//!
//! `Vary: *` makes no promise. `Cache-Control: no-store` makes none either: it says nothing about
//! identity, but whoever sends it wants no record that this address was visited, and a promise is one. The
//! verdict about the content is kept all the same; nothing in it says where it came from.
//!
//! An address is taken by the letter: host in canonical form, scheme, port, path and query as sent. The
//! forgiving form of [`crate::policy::path`] would make one of two addresses that a server keeps apart.

use super::key::{Parts, PromiseKey, SiteKey, Validator};
use crate::adaptation::Message;
use crate::http::ResponseHead;
use crate::icap::{Method, Request};
use crate::policy::{Scheme, UrlParts};

impl SiteKey {
    /// The key of an address. `None` for tunnels, where a whole site would stand for one object, and for schemes
    /// that this program does not know by name.
    #[must_use]
    pub fn of(url: &UrlParts<'_>) -> Option<Self> {
        let mut hash = Parts::new("baleen site 1");
        address(url, &mut hash)?;
        Some(Self::from_bytes(hash.finish()))
    }
}

fn address(url: &UrlParts<'_>, hash: &mut Parts) -> Option<()> {
    let scheme: &[u8] = match url.scheme {
        Scheme::Http => b"http",
        Scheme::Https => b"https",
        Scheme::Ftp => b"ftp",
        Scheme::Tunnel | Scheme::Other => return None,
    };
    hash.part(Some(scheme));
    hash.part(Some(url.host.as_bytes()));
    hash.part(Some(&url.effective_port()?.to_le_bytes()));
    // `http://host` and `http://host?x` ask for the path `/` (RFC 9110 section 4.2.3).
    hash.part(Some(url.path.strip_prefix(b"/").unwrap_or(url.path)));
    Some(())
}

impl Validator {
    /// The strong validator of a response.
    #[must_use]
    pub fn of(head: &ResponseHead) -> Option<Self> {
        let mut tags = head.fields("ETag");
        let (kind, value) = match (tags.next(), tags.next()) {
            (Some(tag), None) => ("etag", strong_tag(tag)?),
            (Some(_), Some(_)) => return None,
            (None, _) => ("last-modified", strong_date(head)?),
        };
        let mut hash = Parts::new("baleen validator 1");
        hash.part(Some(kind.as_bytes()));
        hash.part(Some(value));
        Some(Self::from_bytes(hash.finish()))
    }
}

/// An opaque tag in its quotes (RFC 9110 section 8.8.3).
fn strong_tag(tag: &[u8]) -> Option<&[u8]> {
    let inside = tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_opaque = |byte: &u8| matches!(*byte, 0x21 | 0x23..=0x7e | 0x80..);
    (!inside.is_empty() && inside.iter().all(is_opaque)).then_some(inside)
}

/// `Last-Modified`, where nothing can have changed within the same second unseen (section 8.8.2.2), and where no
/// other representation has the same.
fn strong_date(head: &ResponseHead) -> Option<&[u8]> {
    let mut dates = head.fields("Last-Modified");
    let (Some(modified), None) = (dates.next(), dates.next()) else { return None };
    let age = seconds(head.field("Date")?)?.checked_sub(seconds(modified)?)?;
    let varies = words(head, "Vary").any(|word| !word.eq_ignore_ascii_case(b"Accept-Encoding"));
    (age >= AGE_MIN_S && !varies).then_some(modified)
}

impl PromiseKey {
    /// What the response that this RESPMOD request is about promises; `None`: nothing.
    #[must_use]
    pub fn of(request: &Request, message: &Message<'_>) -> Option<Self> {
        let head = request.http_response().filter(|_| request.method() == Method::Respmod)?;
        let (method, _) = message.request_line?;
        let is_whole = method == b"GET"
            && head.status() == 200
            && head.field("Content-Range").is_none()
            && !message.is_fragment;
        let is_secret =
            words(head, "Cache-Control").any(|word| word.eq_ignore_ascii_case(b"no-store"));
        let varies_by_all = words(head, "Vary").any(|word| word == b"*");
        if !is_whole || is_secret || varies_by_all {
            return None;
        }
        let length = message.content_length?;
        let validator = Validator::of(head)?;
        let mut hash = Parts::new("baleen promise 1");
        address(&message.url()?, &mut hash)?;
        hash.part(Some(validator.as_bytes()));
        hash.part(Some(&length.to_le_bytes()));
        hash.part(message.content_encoding.as_deref());
        hash.part(message.content_type);
        Some(Self::from_bytes(hash.finish()))
    }
}

/// The members of all lists in fields of this name, without what follows a `=`.
fn words<'a>(head: &'a ResponseHead, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let members = head.fields(name).flat_map(|value| value.split(|byte| *byte == b','));
    let names = members.map(|member| member.split(|byte| *byte == b'=').next().unwrap_or_default());
    names.map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds of a calendar whose months have 31 days: enough to tell what is
/// earlier. Over the end of a month a minute is counted too early, and then it is a second at least, which is
/// what RFC 9110 asks for. Older forms of a date are not read.
fn seconds(date: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(date).ok()?;
    let (_, text) = text.split_once(", ")?;
    let mut words = text.split(' ');
    let mut next = || words.next();
    let (day, month, year, time, zone) = (next()?, next()?, next()?, next()?, next()?);
    if zone != "GMT" || next().is_some() || (day.len(), year.len()) != (2, 4) {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)?;
    let mut clock = time.split(':').map(|part| number(part, 60));
    let mut part = || clock.next().flatten();
    let (hour, minute, second) = (part()?, part()?, part()?);
    let days = number(year, 9999)?
        .checked_mul(12)?
        .checked_add(u64::try_from(month).ok()?)?
        .checked_mul(31)?
        .checked_add(number(day, 31)?)?;
    let hours = days.checked_mul(24)?.checked_add(hour)?;
    hours.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?.checked_add(second)
}

fn number(text: &str, max: u64) -> Option<u64> {
    let is_number = matches!(text.len(), 2 | 4) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().filter(|value| *value <= max)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A minute, as RFC 7232 had it: clocks of a server that answers for others are not one clock.
const AGE_MIN_S: u64 = 60;
