//! Values that name a place: sockets, uplinks, proxies, shared stores, log targets, users.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::value::expected;
use crate::policy::Host;

/// Who provides a service of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uplink {
    /// A host and its port.
    Host {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Found by search on the network, on this UDP port.
    Search {
        /// UDP port.
        port: u16,
    },
    /// Found in the DNS, as an SRV record.
    Service {
        /// The service's name.
        name: String,
        /// Where to look; `None`: in the resolver's own domains.
        domain: Option<String>,
    },
}

impl Uplink {
    /// Reads `host:port` (also `tcp://host:port`), `udp://:18008` or `srv://name@domain`.
    ///
    /// # Errors
    ///
    /// What was expected, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        match scheme.to_ascii_lowercase().as_str() {
            "tcp" => {
                let (host, port) = host_port(rest).ok_or_else(|| expected(text, UPLINK_FORMS))?;
                Ok(Self::Host { host, port })
            }
            "udp" if rest.is_empty() => Ok(Self::Search { port: SEARCH_PORT }),
            "udp" => match rest.strip_prefix(':').and_then(port_number) {
                Some(port) => Ok(Self::Search { port }),
                None => Err(expected(text, "udp:// with nothing but a port, as in udp://:18008")),
            },
            "srv" => {
                let (name, domain) =
                    rest.split_once('@').map_or((rest, None), |(name, at)| (name, Some(at)));
                let is_name = |name: &str| Host::parse(name.as_bytes()).is_ok();
                if !is_name(name) || domain.is_some_and(|domain| !is_name(domain)) {
                    return Err(expected(text, "srv://name@domain, or srv://name"));
                }
                Ok(Self::Service { name: name.to_owned(), domain: domain.map(str::to_owned) })
            }
            _ => Err(expected(text, UPLINK_FORMS)),
        }
    }
}

/// A service over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query; begins with `/`.
    pub path: String,
}

impl ServiceUrl {
    /// Reads `https://host[:port]/path`.
    ///
    /// # Errors
    ///
    /// What was expected, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fault = || expected(text, "https://host/path or https://host:port/path");
        let (scheme, rest) = text.split_once("://").ok_or_else(fault)?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or_else(fault)?;
        let good_path = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !scheme.eq_ignore_ascii_case("https") || !good_path || authority.contains('@') {
            return Err(fault());
        }
        let with_port = match authority.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => authority.to_owned(),
            Some(_) | None => format!("{authority}:443"),
        };
        let (host, port) = host_port(&with_port).ok_or_else(fault)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        Ok(Self { host, port, path })
    }
}

/// Where a store is that several gateways share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// A unix socket.
    Unix {
        /// Its path.
        path: PathBuf,
        /// The number of the database.
        database: u32,
    },
    /// A host.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// TCP port.
        port: u16,
        /// The number of the database.
        database: u32,
    },
}

impl StorePlace {
    /// Reads `unix:/path`, `unix:/path?db=2`, `host:port` or `host:port/2`.
    ///
    /// # Errors
    ///
    /// What was expected, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fault = || {
            expected(text, "unix:/path or host:port; for a database unix:/path?db=2 or host:port/2")
        };
        let number = |digits: &str| {
            let is_number =
                matches!(digits.len(), 1..=5) && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().ok()).flatten().ok_or_else(fault)
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let (path, database) = path.split_once("?db=").unwrap_or((path, "0"));
            if !path.starts_with('/') {
                return Err(fault());
            }
            return Ok(Self::Unix { path: path.into(), database: number(database)? });
        }
        let (place, database) = text.split_once('/').unwrap_or((text, "0"));
        let (host, port) = host_port(place).ok_or_else(fault)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self::Tcp { host, port, database: number(database)? })
    }

    /// The number of the database.
    #[must_use]
    pub const fn database(&self) -> u32 {
        match self {
            Self::Unix { database, .. } | Self::Tcp { database, .. } => *database,
        }
    }
}

/// `IP:port`; `:port` and `*:port` stand for every address of this machine.
pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let any = text.strip_prefix(':').or_else(|| text.strip_prefix("*:")).and_then(port_number);
    let any = any.map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    any.ok_or_else(|| expected(text, "an address as IP:port, as in 127.0.0.1:1344 or [::1]:1344"))
}

/// `host:port`, with `user:password@` in front where the proxy asks for it.
pub(super) fn proxy(text: &str) -> Result<(), String> {
    let address = text.strip_prefix("http://").unwrap_or(text);
    let address = address.rsplit_once('@').map_or(address, |(_, address)| address);
    match host_port(address) {
        Some(_) => Ok(()),
        // What was found may hold a password, so it is not repeated.
        None => Err("expected a proxy as host:port or user:password@host:port".to_owned()),
    }
}

/// `Auto`, `Stderr[:ShowTimestamp]`, `Syslog[:facility]` or a file.
pub(super) fn log_target(text: &str) -> Result<(), String> {
    let (target, option) = text.split_once(':').unwrap_or((text, ""));
    let fits = match target.to_ascii_lowercase().as_str() {
        "auto" => !text.contains(':'),
        "stderr" => !text.contains(':') || option.eq_ignore_ascii_case("ShowTimestamp"),
        "syslog" => !text.contains(':') || option.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        _ => text.starts_with('/'),
    };
    let forms = "Auto, Stderr, Stderr:ShowTimestamp, Syslog, Syslog:facility, or a file from / on";
    fits.then_some(()).ok_or_else(|| expected(text, forms))
}

/// A name, a number, or `name:` and a name that consists of digits.
pub(super) fn user(text: &str) -> Result<(), String> {
    let name = text.strip_prefix("name:").unwrap_or(text);
    let fits = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte));
    fits.then_some(()).ok_or_else(|| expected(text, "a user as name, number or name:digits"))
}

/// A host, in brackets when it is an IPv6 address, and its port.
fn host_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port_number(port)?;
    let read = Host::parse(host.as_bytes()).ok()?;
    Some((read.as_str().to_owned(), port))
}

fn port_number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&port| port > 0)
}

const UPLINK_FORMS: &str = "host:port, udp://:18008 or srv://name@domain";

/// Where servers of a local cloud answer searches, unless said otherwise.
const SEARCH_PORT: u16 = 18_008;
