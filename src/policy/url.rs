//! The address of a request: what the lists and the block page need of it.
//!
//! RFC 9112 section 3.2 knows four forms of request target: absolute (`http://host/path`, also with
//! `https:` from a proxy that decrypts), origin (`/path`, the host comes from `Host`), authority
//! (`host:443`, only with CONNECT) and `*`. User information ends at the last `@` before the path, as
//! Squid reads it.
//!
//! Absent on purpose: the canonical form of paths and queries.

use std::fmt;

use super::host::{Host, HostFault};

/// A request's address, with its host in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlParts<'a> {
    /// The host.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// Path and query as sent, without a fragment; empty for CONNECT and `*`.
    pub path: &'a [u8],
}

impl<'a> UrlParts<'a> {
    /// Takes the address out of a request head: its method, its target and its first `Host` field.
    ///
    /// # Errors
    ///
    /// [`UrlFault`] when no host can be read: such a request cannot be on any list.
    pub fn of(method: &[u8], target: &'a [u8], host: Option<&[u8]>) -> Result<Self, UrlFault> {
        if method == b"CONNECT" {
            return Self::with_authority(target, b"");
        }
        if target.starts_with(b"/") || target == b"*" {
            let path = target.strip_prefix(b"*").unwrap_or(target);
            return Self::with_authority(
                host.ok_or(UrlFault::NoHost)?.trim_ascii(),
                cut(path, b"#").0,
            );
        }
        let after_scheme = scheme_end(target).ok_or(UrlFault::Form)?;
        let (authority, path) = cut(after_scheme, b"/?#");
        Self::with_authority(authority, cut(path, b"#").0)
    }

    fn with_authority(authority: &[u8], path: &'a [u8]) -> Result<Self, UrlFault> {
        let at = authority.iter().rposition(|&byte| byte == b'@');
        let host_port = at.and_then(|at| authority.get(at..)?.get(1..)).unwrap_or(authority);
        let (host, port) = split_port(host_port)?;
        Ok(Self { host: Host::parse(host).map_err(UrlFault::Host)?, port, path })
    }
}

/// What follows `scheme://`.
fn scheme_end(target: &[u8]) -> Option<&[u8]> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let letters = scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    (letters && scheme.first().is_some_and(u8::is_ascii_alphabetic)).then_some(())?;
    rest.strip_prefix(b"://")
}

/// `text` before and from the first byte that is one of `ends`.
fn cut<'a>(text: &'a [u8], ends: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, &[]))
}

/// Host and port of `host:port`; the colons of an IPv6 address are inside its brackets.
fn split_port(text: &[u8]) -> Result<(&[u8], Option<u16>), UrlFault> {
    let host_end = match text.iter().position(|&byte| byte == b']') {
        Some(bracket) if text.starts_with(b"[") => bracket.saturating_add(1),
        Some(_) | None => text.iter().position(|&byte| byte == b':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at_checked(host_end).unwrap_or((text, &[]));
    match rest.strip_prefix(b":") {
        None if rest.is_empty() => Ok((host, None)),
        None => Err(UrlFault::Port),
        Some([]) => Ok((host, None)),
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
            let digits = std::str::from_utf8(digits).map_err(|_| UrlFault::Port)?;
            Ok((host, Some(digits.parse().map_err(|_| UrlFault::Port)?)))
        }
        Some(_) => Err(UrlFault::Port),
    }
}

/// Why no address can be read from a request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// The target is none of the four forms.
    Form,
    /// The target names no host and there is no `Host` field.
    NoHost,
    /// The host is none.
    Host(HostFault),
    /// The port is no number up to 65535.
    Port,
}

impl fmt::Display for UrlFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => out.write_str("the request target is no address"),
            Self::NoHost => out.write_str("the request names no host"),
            Self::Host(fault) => fault.fmt(out),
            Self::Port => out.write_str("the port is no number up to 65535"),
        }
    }
}

impl std::error::Error for UrlFault {}
