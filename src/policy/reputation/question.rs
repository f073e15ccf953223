//! What a reputation service is asked about: a host, and a path where one is known. Never a query.

use std::net::{IpAddr, Ipv6Addr};

/// An address to ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The host.
    pub(super) host: Host,
    /// Begins with `/`; cut at [`PATH_BYTES_MAX`].
    pub(super) path: Box<str>,
}

/// A host as services know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name of at least two labels, in lower case, without a dot at its end.
    Name(Box<str>),
    /// An address of the internet.
    Address(IpAddr),
}

impl Question {
    /// The question about a host and path in canonical form. `None`: nobody outside can know anything about
    /// it, so nobody is asked.
    #[must_use]
    pub fn of(host: &str, path: &str) -> Option<Self> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let host = match bare.parse::<IpAddr>() {
            Ok(address) => Host::Address(public(address.to_canonical())?),
            Err(_) => Host::Name(public_name(host)?),
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut end = path.len().min(PATH_BYTES_MAX);
        while !path.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let path = path.get(..end).unwrap_or_default();
        Some(Self { host, path: if path.is_empty() { "/" } else { path }.into() })
    }

    /// The host as text.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            Host::Name(name) => name.to_string(),
            Host::Address(address) => address.to_string(),
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What answers are kept under.
    #[must_use]
    pub fn key(&self, with_path: bool) -> String {
        let mut key = self.host();
        if with_path {
            key.push_str(&self.path);
        }
        key
    }
}

/// The address, if it is one of the internet.
fn public(address: IpAddr) -> Option<IpAddr> {
    let is_public = match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || first == 0
                || first >= 240
                || is_shared)
        }
        IpAddr::V6(v6) => is_global(&v6),
    };
    is_public.then_some(address)
}

/// `2000::/3` is all of IPv6 that is given out.
const fn is_global(address: &Ipv6Addr) -> bool {
    let [first, ..] = address.octets();
    first & 0xe0 == 0x20
}

/// The name in lower case, if it is one of the public DNS.
fn public_name(name: &str) -> Option<Box<str>> {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let labels = name.split('.').all(|label| (1..=63).contains(&label.len()));
    let name = name.to_ascii_lowercase();
    let (_, top) = name.rsplit_once('.')?;
    let numeric = top.bytes().all(|byte| byte.is_ascii_digit());
    let is_private = PRIVATE.iter().any(|zone| {
        name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    (letters && labels && name.len() <= NAME_BYTES_MAX && !numeric && !is_private)
        .then(|| name.into_boxed_str())
}

/// Zones that are not part of the public DNS (RFC 6761, 6762, 7686, 8375, 9476, and ICANN's `internal`).
const PRIVATE: [&str; 9] = [
    "local",
    "localhost",
    "internal",
    "home.arpa",
    "onion",
    "invalid",
    "test",
    "alt",
    "localdomain",
];

/// RFC 1035 section 2.3.4, without the final dot.
const NAME_BYTES_MAX: usize = 253;

/// What services get of a path.
const PATH_BYTES_MAX: usize = 1024;
