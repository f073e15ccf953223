//! The first look at a message, before a byte of its body: answer it, or scan it, and how.
//!
//! The address is checked in both directions, for some proxies only send responses. A message without
//! a body (HEAD, 204, 304, most requests) goes on once its address is fine. A request with a body is an
//! upload and scanned like a download.
//!
//! Absent on purpose: trust in `Content-Length`. It decides which half of a MIME rule applies, which is
//! what the rule is about, and is announced to the scan, which saves digests by it and notices when it
//! was not true.

use std::borrow::Cow;

use crate::icap::{Method, Request, ServiceKind};
use crate::policy::{BodyAction, Policy, UrlDecision, UrlParts};

use super::decision::{Cause, Decision, Passed};
use super::range::{PARTIAL_CONTENT, RANGE_FIELDS, is_fragment};
use super::{Options, Ranges};

/// What is to be done with a message whose heads are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin<'a> {
    /// Answer at once.
    Answer(Decision),
    /// Scan its body, then [`super::decide`].
    Scan(ScanPlan<'a>),
}

/// How a body is to be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanPlan<'a> {
    /// The raw value of `Content-Encoding`; several fields are joined by commas. `None`: not coded.
    pub content_encoding: Option<Cow<'a, [u8]>>,
    /// The value of `Content-Type`: a body with parts is scanned part by part.
    pub content_type: Option<&'a [u8]>,
    /// `Content-Length`, in bytes: the size that the body will probably have.
    pub content_length: Option<u64>,
    /// The address was on the white list: for the log, for it changes nothing about the scan.
    pub white_listed: bool,
    /// It is a part of an object.
    pub fragment: Option<Fragment>,
}

/// A part of an object, by the rule about its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// `BlockFragments` decides.
    Judged,
    /// `RangeSites` lets it pass when nothing is found in it.
    Allowed,
}

/// What the first look needs of a message.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Message<'a> {
    /// What the service does.
    pub kind: ServiceKind,
    /// Method and target of the HTTP request, where it is known.
    pub request_line: Option<(&'a [u8], &'a [u8])>,
    /// The first `Host` field of the HTTP request.
    pub host: Option<&'a [u8]>,
    /// `Content-Type` of the head that goes with the body.
    pub content_type: Option<&'a [u8]>,
    /// All `Content-Encoding` fields of the head that goes with the body, joined by commas.
    pub content_encoding: Option<Cow<'a, [u8]>>,
    /// `Content-Length` of the head that goes with the body, in bytes.
    pub content_length: Option<u64>,
    /// Whether the request asks for a part of an object.
    pub asks_for_part: bool,
    /// Whether the body is a part of an object.
    pub is_fragment: bool,
    /// Whether a body follows: what `Encapsulated` says, not what the method suggests.
    pub has_body: bool,
}

impl<'a> Message<'a> {
    /// What an ICAP request says.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        let http_request = request.http_request();
        let http_response = request.http_response();
        let response = |name| http_response.and_then(|head| head.field(name));
        let upload = |name| http_request.and_then(|head| head.field(name));
        // The body is the response's if there is a response, whatever the request was.
        let field = |name| {
            if request.method() == Method::Respmod { response(name) } else { upload(name) }
        };
        let content_encoding = match request.method() {
            Method::Respmod => {
                http_response.and_then(|head| joined(head.fields("Content-Encoding")))
            }
            Method::Reqmod | Method::Options => {
                http_request.and_then(|head| joined(head.fields("Content-Encoding")))
            }
        };
        let content_range = field("Content-Range");
        let is_fragment = match http_response.filter(|_| request.method() == Method::Respmod) {
            Some(head) => head.status() == PARTIAL_CONTENT && is_fragment(content_range),
            // A piece of an upload (RFC 9110 section 14.5).
            None => content_range.is_some() && is_fragment(content_range),
        };
        let is_asked = request.method() == Method::Reqmod;
        Self {
            kind: request.kind(),
            request_line: http_request.map(|head| (head.method(), head.target())),
            host: upload("Host"),
            content_type: field("Content-Type"),
            content_encoding,
            content_length: field("Content-Length").and_then(length),
            asks_for_part: is_asked && RANGE_FIELDS.iter().any(|name| upload(name).is_some()),
            is_fragment,
            has_body: request.has_body(),
        }
    }
}

/// Policy before the scan, for an ICAP request whose heads are known.
#[must_use]
pub fn begin<'a>(request: &'a Request, policy: &Policy, options: &Options) -> Begin<'a> {
    begin_message(Message::of(request), policy, options)
}

/// Policy before the scan.
#[must_use]
pub fn begin_message<'a>(message: Message<'a>, policy: &Policy, options: &Options) -> Begin<'a> {
    if message.kind == ServiceKind::Echo {
        return Begin::Answer(Decision::Unmodified(Passed::Echo));
    }
    // An address that cannot be read is on no list. Nothing is lost by that: the body is scanned.
    let request_line = message.request_line.filter(|_| policy.has_lists());
    let url =
        request_line.and_then(|(method, target)| UrlParts::of(method, target, message.host).ok());
    let white_listed = match url.as_ref().map_or(UrlDecision::None, |url| policy.check_url(url)) {
        UrlDecision::Black(entry) => return block(Cause::BlackList(entry.to_string().into())),
        UrlDecision::White(_) => true,
        UrlDecision::None => false,
    };
    let may_be_part = || url.as_ref().is_some_and(|url| policy.allows_ranges(url));
    if !message.has_body {
        if message.asks_for_part && options.ranges == Ranges::Strip && !may_be_part() {
            return Begin::Answer(Decision::AskForAll);
        }
        return Begin::Answer(Decision::Unmodified(Passed::NoBody));
    }
    let mime = message.content_type.unwrap_or_default();
    match policy.body_rule(mime, message.content_length) {
        BodyAction::Pass => Begin::Answer(Decision::Unmodified(Passed::Rule)),
        BodyAction::Reject => block(Cause::Type(mime.escape_ascii().to_string().into())),
        BodyAction::Scan => {
            let fragment = message
                .is_fragment
                .then(|| if may_be_part() { Fragment::Allowed } else { Fragment::Judged });
            let Message { content_encoding, content_type, content_length, .. } = message;
            Begin::Scan(ScanPlan {
                content_encoding,
                content_type,
                content_length,
                white_listed,
                fragment,
            })
        }
    }
}

/// Several fields are one list (RFC 9110 section 5.3); only then anything is copied.
fn joined<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Option<Cow<'a, [u8]>> {
    let mut value = Cow::Borrowed(fields.next()?);
    for field in fields {
        let list = value.to_mut();
        list.extend_from_slice(b", ");
        list.extend_from_slice(field);
    }
    Some(value)
}

fn length(value: &[u8]) -> Option<u64> {
    let digits = value.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(value).ok()?.parse().ok()).flatten()
}

fn block<'a>(cause: Cause) -> Begin<'a> {
    Begin::Answer(Decision::Block(Box::new(cause)))
}
