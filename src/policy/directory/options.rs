//! What an administrator configures: servers, where users and groups are, times and sizes.

use std::fmt;
use std::time::Duration;

use super::filter::Filter;
use crate::policy::Host;

/// Where and how groups are asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// `LdapServers`: tried in this order.
    pub servers: Vec<Server>,
    /// `LdapStartTls`: whether `ldap://` becomes TLS before anything else is said.
    pub start_tls: bool,
    /// `LdapBindDn`; empty: nobody in particular.
    pub bind_dn: String,
    /// The first line of `LdapPasswordFile`.
    pub password: String,
    /// `LdapBase`: where users are.
    pub base: String,
    /// `LdapUserFilter`.
    pub user_filter: Filter,
    /// `LdapGroupAttributes`: those of a user that name groups.
    pub group_attributes: Vec<Box<str>>,
    /// `LdapGroupFilter`; `None`: groups are not searched.
    pub group_filter: Option<Filter>,
    /// `LdapGroupBase`; empty: as `LdapBase`.
    pub group_base: String,
    /// `LdapGroupName`: the attribute of a group that is its name.
    pub group_name: Box<str>,
    /// `LdapSizeLimit`: groups of one user.
    pub groups_max: usize,
    /// `LdapTimeout`: how long a request waits for an answer.
    pub time_max: Duration,
    /// `LdapCacheSize`: users whose groups are kept.
    pub cache_entries_max: usize,
    /// `LdapCacheTime`: how long the groups of a user are good.
    pub cache_time: Duration,
    /// `LdapNegativeCacheTime`: how long it is good that there is no such user, or that he has no groups.
    pub negative_time: Duration,
}

impl fmt::Debug for Options {
    /// Without the password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("servers", &self.servers)
            .field("bind_dn", &self.bind_dn)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whether everything is inside TLS from the first byte.
    pub is_tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Server {
    /// Reads `ldap://host`, `ldaps://host`, each with `:port` where it is not the usual one.
    ///
    /// # Errors
    ///
    /// [`ServerFault`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self, ServerFault> {
        let (scheme, rest) = text.split_once("://").ok_or(ServerFault)?;
        let is_tls = match scheme {
            _ if scheme.eq_ignore_ascii_case("ldap") => false,
            _ if scheme.eq_ignore_ascii_case("ldaps") => true,
            _ => return Err(ServerFault),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let digits = port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|port| *port > 0 && digits);
                (host, port.ok_or(ServerFault)?)
            }
            Some(_) | None => (authority, if is_tls { 636 } else { 389 }),
        };
        let host = Host::parse(host.as_bytes()).map_err(|_fault| ServerFault)?;
        let host = host.as_str().trim_matches(['[', ']']).to_owned();
        Ok(Self { is_tls, host, port })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "ldaps" } else { "ldap" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(out, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

/// This is no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerFault;

impl fmt::Display for ServerFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("expected ldap://host or ldaps://host, with :port where it is another")
    }
}

impl std::error::Error for ServerFault {}
