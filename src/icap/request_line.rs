//! The first line of a request: method, URI, version.
//!
//! RFC 3507 sections 4.2 and 4.3.2. The URI is absolute (`icap:` or, over TLS, `icaps:`); its host is not
//! compared with anything, because a server behind addresses, aliases and balancers has more names than
//! it knows (section 4.2 demands that it recognise all of them).
//!
//! Absent on purpose: which services exist; the options know.

use std::ops::Range;

use memchr::{memchr, memchr2};

use super::{Fault, UriForm};
use crate::http::is_token_byte;

/// What the client wants done (RFC 3507 section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A request is to be checked before the proxy sends it on.
    Reqmod,
    /// A response is to be checked before the proxy delivers it.
    Respmod,
    /// What does this service offer?
    Options,
}

impl Method {
    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reqmod => "REQMOD",
            Self::Respmod => "RESPMOD",
            Self::Options => "OPTIONS",
        }
    }
}

/// A checked request line; the ranges lie within the line given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// The method.
    pub method: Method,
    /// The path without its first `/`, still percent-encoded.
    pub path: Range<usize>,
    /// What follows `?`, still percent-encoded; empty if there is none.
    pub arguments: Range<usize>,
}

impl RequestLine {
    /// Reads a line without its line end.
    ///
    /// # Errors
    ///
    /// [`Fault::RequestLine`], [`Fault::Version`] or [`Fault::Method`], in this order of precedence.
    pub fn parse(line: &[u8], form: UriForm) -> Result<Self, Fault> {
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(method), Some(uri), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Fault::RequestLine("expected `method uri version`"));
        };
        if !uri.iter().all(|byte| matches!(byte, b'!'..=b'~')) {
            return Err(Fault::RequestLine("the URI has characters that a URI cannot have"));
        }
        check_version(version)?;
        let method = match method {
            b"REQMOD" => Method::Reqmod,
            b"RESPMOD" => Method::Respmod,
            b"OPTIONS" => Method::Options,
            [] => return Err(Fault::RequestLine("the method is empty")),
            _ if method.iter().copied().all(is_token_byte) => return Err(Fault::Method),
            _ => return Err(Fault::RequestLine("the method is no token")),
        };
        let start = memchr(b' ', line).map_or(0, |at| at.saturating_add(1));
        let end = start.saturating_add(uri.len());
        let after_authority = start.saturating_add(authority_end(uri, form)?);
        let rest = line.get(after_authority..end).unwrap_or_default();
        let question = memchr(b'?', rest).map_or(end, |at| after_authority.saturating_add(at));
        let path = match rest.first() {
            Some(b'/') => after_authority.saturating_add(1)..question,
            Some(_) | None => question..question,
        };
        Ok(Self { method, path, arguments: question.saturating_add(1).min(end)..end })
    }
}

/// `ICAP/1.` and a digit is ours; another ICAP is 505; anything else is no ICAP at all.
fn check_version(version: &[u8]) -> Result<(), Fault> {
    match version {
        [b'I', b'C', b'A', b'P', b'/', b'1', b'.', minor] if minor.is_ascii_digit() => Ok(()),
        [b'I', b'C', b'A', b'P', b'/', number @ ..] if is_version_number(number) => {
            Err(Fault::Version)
        }
        _ => Err(Fault::RequestLine("the version is not ICAP/1.0")),
    }
}

/// Digits, a dot, digits.
fn is_version_number(number: &[u8]) -> bool {
    let mut parts = number.split(|byte| *byte == b'.');
    let is_digits = |part: Option<&[u8]>| {
        part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    is_digits(parts.next()) && is_digits(parts.next()) && parts.next().is_none()
}

/// Checks scheme and authority; returns where path or query begin.
fn authority_end(uri: &[u8], form: UriForm) -> Result<usize, Fault> {
    if memchr(b'#', uri).is_some() {
        return Err(Fault::RequestLine("a URI in a request has no fragment"));
    }
    let scheme = ["icap://", "icaps://"].into_iter().find(|scheme| {
        uri.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme.as_bytes()))
    });
    match (scheme, form, uri.first()) {
        (Some(scheme), UriForm::Absolute | UriForm::PathToo, _) => {
            let rest = uri.get(scheme.len()..).unwrap_or_default();
            let length = memchr2(b'/', b'?', rest).unwrap_or(rest.len());
            check_authority(rest.get(..length).unwrap_or_default()).map_err(Fault::RequestLine)?;
            Ok(scheme.len().saturating_add(length))
        }
        (None, UriForm::PathToo, Some(b'/')) => Ok(0),
        (None, UriForm::PathToo | UriForm::Absolute, _) => {
            Err(Fault::RequestLine("expected an absolute icap: or icaps: URI"))
        }
    }
}

/// A name, an IPv4 address or `[IPv6]`, and an optional port (RFC 3986 section 3.2, without user information).
fn check_authority(authority: &[u8]) -> Result<(), &'static str> {
    let (host, port) = match authority.strip_prefix(b"[") {
        Some(inner) => {
            let close = memchr(b']', inner).ok_or("the IPv6 address has no `]`")?;
            let (address, rest) = inner.split_at(close);
            let text = std::str::from_utf8(address).unwrap_or_default();
            text.parse::<std::net::Ipv6Addr>()
                .map_err(|_| "the host in brackets is no IPv6 address")?;
            (address, rest.get(1..).unwrap_or_default())
        }
        None => authority.split_at(memchr(b':', authority).unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err("the URI has no host");
    }
    let is_name_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:".contains(byte);
    if !host.iter().all(is_name_byte) {
        return Err("the host has characters that a host cannot have");
    }
    match port {
        [] | [b':'] => Ok(()),
        [b':', digits @ ..]
            if super::decimal(digits).is_some_and(|port| (1..=65_535).contains(&port)) =>
        {
            Ok(())
        }
        _ => Err("the port is a number from 1 to 65535"),
    }
}
