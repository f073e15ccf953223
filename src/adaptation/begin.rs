//! The first look at a message, before a byte of its body: answer it, or scan it, and how.
//!
//! The address is checked in both directions, for some proxies only send responses. A message without
//! a body (HEAD, 204, 304, most requests) goes on once its address is fine. A request with a body is an
//! upload and scanned like a download.
//!
//! Absent on purpose: trust in `Content-Length`. It decides which half of a MIME rule applies, which is
//! what the rule is about; the scan never sees it.

use std::borrow::Cow;

use crate::policy::{BodyAction, Policy, UrlDecision, UrlParts};

use super::decision::{Cause, Decision, Passed};

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
    /// The address was on the white list: for the log, for it changes nothing about the scan.
    pub white_listed: bool,
}

/// What a service does with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Policy and scan.
    Scan,
    /// Returns what it gets, for tests of the path.
    Echo,
}

/// What the first look needs of a message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// What the service does.
    pub kind: Kind,
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
    /// Whether a body follows: what `Encapsulated` says, not what the method suggests.
    pub has_body: bool,
}

/// Policy before the scan.
#[must_use]
pub fn begin_message<'a>(message: Message<'a>, policy: &Policy) -> Begin<'a> {
    if message.kind == Kind::Echo {
        return Begin::Answer(Decision::Unmodified(Passed::Echo));
    }
    // An address that cannot be read is on no list. Nothing is lost by that: the body is scanned.
    let url = message
        .request_line
        .and_then(|(method, target)| UrlParts::of(method, target, message.host).ok());
    let white_listed = match url
        .as_ref()
        .map_or(UrlDecision::None, |url| policy.check_url(url))
    {
        UrlDecision::Black(entry) => return block(Cause::BlackList(entry.to_string().into())),
        UrlDecision::White(_) => true,
        UrlDecision::None => false,
    };
    if !message.has_body {
        return Begin::Answer(Decision::Unmodified(Passed::NoBody));
    }
    let mime = message.content_type.unwrap_or_default();
    match policy.body_rule(mime, message.content_length) {
        BodyAction::Pass => Begin::Answer(Decision::Unmodified(Passed::Rule)),
        BodyAction::Reject => block(Cause::Type(mime.escape_ascii().to_string().into())),
        BodyAction::Scan => Begin::Scan(ScanPlan {
            content_encoding: message.content_encoding,
            white_listed,
        }),
    }
}

fn block<'a>(cause: Cause) -> Begin<'a> {
    Begin::Answer(Decision::Block(Box::new(cause)))
}
