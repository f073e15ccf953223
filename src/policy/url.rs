//! The address of a request: what lists, categories, rules and the block page need of it.
//!
//! RFC 9112 section 3.2 knows four forms of request target: absolute (`http://host/path`, also with
//! `https:` from a proxy that decrypts), origin (`/path`, the host comes from `Host`), authority
//! (`host:443`, only with CONNECT) and `*`. User information ends at the last `@` before the path, as
//! Squid reads it. An absolute target that contradicts `Host` counts, and `Host` does not: Squid goes to
//! the target and writes `Host` anew (RFC 9112 section 3.2.2).
//!
//! A target that breaks these rules is read once more as some program might (`broken`): scheme without
//! slashes or with backslashes, tabs and line ends inside, ports that are none, hosts with what does not
//! belong there. So [`UrlFault`] means that no host is named at all, and a proxy has nowhere to go either.
//!
//! Absent on purpose: the canonical form of path and query ([`super::path`]), which costs more and is made
//! only where an entry has a path.

use std::fmt;

use memchr::{memchr, memchr3, memrchr};

use super::broken;
use super::host::{Host, HostFault};

/// A request's address, with its host in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlParts<'a> {
    /// What is spoken there.
    pub scheme: Scheme,
    /// The host.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// Path and query as sent, without a fragment; empty for CONNECT and `*`.
    pub path: &'a [u8],
}

/// What is spoken with the host of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP, also where an origin form does not say it.
    Http,
    /// HTTP over TLS, decrypted by the proxy.
    Https,
    /// FTP, spoken by the proxy.
    Ftp,
    /// Unknown: a tunnel (CONNECT, the name in a TLS greeting).
    Tunnel,
    /// Something else.
    Other,
}

impl Scheme {
    /// The port that is meant when none is written.
    #[must_use]
    pub const fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https | Self::Tunnel => Some(443),
            Self::Ftp => Some(21),
            Self::Other => None,
        }
    }

    fn named(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("http") || is("ws") {
            Self::Http
        } else if is("https") || is("wss") {
            Self::Https
        } else if is("ftp") {
            Self::Ftp
        } else {
            Self::Other
        }
    }
}

impl<'a> UrlParts<'a> {
    /// Takes the address out of a request head: its method, its target and its first `Host` field.
    ///
    /// # Errors
    ///
    /// [`UrlFault`] when the request names no host.
    pub fn of(method: &[u8], target: &'a [u8], host: Option<&[u8]>) -> Result<Self, UrlFault> {
        Self::strict(method, target, host)
            .or_else(|fault| Self::forgiving(method, target, host).ok_or(fault))
    }

    /// The address of a host about which nothing else is known: the name in a TLS greeting (SNI).
    ///
    /// # Errors
    ///
    /// [`UrlFault`] when it is none.
    pub fn of_host(name: &[u8], port: Option<u16>) -> Result<Self, UrlFault> {
        let host = match Host::parse(name) {
            Ok(host) => host,
            Err(fault) => broken::authority(name).ok_or(UrlFault::Host(fault))?.0,
        };
        Ok(Self { scheme: Scheme::Tunnel, host, port, path: b"" })
    }

    /// The same, for lists: by the letter of the rules.
    pub(super) fn strict(
        method: &[u8],
        target: &'a [u8],
        host: Option<&[u8]>,
    ) -> Result<Self, UrlFault> {
        if method == b"CONNECT" {
            return Self::with_authority(Scheme::Tunnel, target, b"");
        }
        if target.starts_with(b"/") || target == b"*" {
            let path = target.strip_prefix(b"*").unwrap_or(target);
            let host = host.ok_or(UrlFault::NoHost)?.trim_ascii();
            return Self::with_authority(Scheme::Http, host, cut(path, b"#").0);
        }
        let (scheme, after_scheme) = scheme_end(target).ok_or(UrlFault::Form)?;
        let end = memchr3(b'/', b'?', b'#', after_scheme).unwrap_or(after_scheme.len());
        let (authority, path) = after_scheme.split_at_checked(end).ok_or(UrlFault::Form)?;
        let end = memchr(b'#', path).unwrap_or(path.len());
        Self::with_authority(scheme, authority, path.get(..end).unwrap_or_default())
    }

    fn with_authority(scheme: Scheme, authority: &[u8], path: &'a [u8]) -> Result<Self, UrlFault> {
        let at = memrchr(b'@', authority);
        let host_port = at.and_then(|at| authority.get(at..)?.get(1..)).unwrap_or(authority);
        let (host, port) = split_port(host_port)?;
        Ok(Self { scheme, host: Host::parse(host).map_err(UrlFault::Host)?, port, path })
    }

    /// The address of a request that breaks the rules.
    fn forgiving(method: &[u8], target: &'a [u8], host: Option<&[u8]>) -> Option<Self> {
        let target = target.trim_ascii_start();
        let absolute = forgiven_scheme(target);
        if method == b"CONNECT" {
            let after_scheme = absolute.map_or(target, |(_, rest)| rest);
            let (host, port) = broken::authority(cut(after_scheme, b"/?#").0)?;
            return Some(Self { scheme: Scheme::Tunnel, host, port, path: b"" });
        }
        if let Some((scheme, rest)) = absolute
            && let Some(url) = Self::forgiven_authority(scheme, rest)
        {
            return Some(url);
        }
        if let Some((host, port)) = host.and_then(broken::authority) {
            let path = if target == b"*" { b"" } else { cut(target, b"#").0 };
            return Some(Self { scheme: Scheme::Http, host, port, path });
        }
        // No scheme and no `Host`: only something like `example.com/path` is left.
        let named = Self::forgiven_authority(Scheme::Http, target)?;
        let host = named.host;
        (host.is_address() || host.as_bytes().contains(&b'.')).then_some(named)
    }

    fn forgiven_authority(scheme: Scheme, rest: &'a [u8]) -> Option<Self> {
        let mut end = cut(rest, b"/?#").0.len();
        let authority = rest.get(..end)?;
        let at = authority.iter().rposition(|&byte| byte == b'@');
        let begin = at.map_or(0, |at| at.saturating_add(1));
        // Behind the user information a browser would read a backslash as the slash before the path.
        if let Some(slash) = authority.get(begin..)?.iter().position(|&byte| byte == b'\\') {
            end = begin.saturating_add(slash);
        }
        let (host, port) = broken::authority(rest.get(begin..end)?)?;
        Some(Self { scheme, host, port, path: cut(rest.get(end..)?, b"#").0 })
    }

    /// The port that is meant: the written one, or that of the scheme.
    #[must_use]
    pub fn effective_port(&self) -> Option<u16> {
        self.port.or_else(|| self.scheme.default_port())
    }
}

/// The scheme, and what follows `scheme://`.
fn scheme_end(target: &[u8]) -> Option<(Scheme, &[u8])> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let letters = scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    (letters && scheme.first().is_some_and(u8::is_ascii_alphabetic)).then_some(())?;
    Some((Scheme::named(scheme), rest.strip_prefix(b"://")?))
}

/// The same without regard to blanks inside and to how many slashes of which kind there are. A scheme
/// that nobody knows needs its two slashes.
fn forgiven_scheme(target: &[u8]) -> Option<(Scheme, &[u8])> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    // Behind the beginning of a path a colon is a part of it: the host is in front, or in `Host`.
    if scheme.iter().any(|byte| b"/\\?#".contains(byte)) {
        return None;
    }
    let letters: Vec<u8> =
        scheme.iter().take(SCHEME_BYTES_MAX).copied().filter(u8::is_ascii_graphic).collect();
    let scheme = Scheme::named(&letters);
    let skipped = rest.iter().skip(1);
    let count = skipped.take_while(|byte| b"/\\ \t\r\n".contains(byte)).count();
    let (slashes, rest) = rest.get(1..)?.split_at_checked(count)?;
    (scheme != Scheme::Other || slashes.starts_with(b"//")).then_some((scheme, rest))
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

/// Why no address can be read from a request head, or from a line of a list.
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

/// Longer than the scheme of any address that is asked of a proxy.
const SCHEME_BYTES_MAX: usize = 64;
