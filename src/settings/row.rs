//! A setting, declared once: parser, sample file, manual and check are made from its row.
//!
//! To add a setting: add a line to its section in `table/`, and read it in `resolve`. Nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::address::{ServiceUrl, Uplink};
use super::value::{Ads, RuleText, Sites, Value};
use crate::policy::directory::{Filter, Server};
use crate::policy::reputation::DnsList;
use crate::policy::{Category, MimeRule, Networks, Pattern};

/// What is known about a setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The section, as in the sample file.
    pub section: &'static str,
    /// The name, as in the sample file.
    pub key: &'static str,
    /// The type, with its bounds.
    pub kind: Kind,
    /// The default as one would write it; empty: none.
    pub default: &'static str,
    /// When a change takes effect.
    pub effect: Effect,
    /// What it does, for the manual.
    pub meaning: &'static str,
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// With the next reload, for messages that begin after it.
    Reload,
    /// When the program is started again.
    Restart,
    /// Not in this version: the name is accepted so that existing files work.
    NotYet,
}

/// The types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Yes`, `No`, `On`, `Off`, `True`, `False`.
    Switch,
    /// A whole number.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A whole number, or `Auto`.
    AutoInteger {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A time interval, in milliseconds.
    Interval {
        /// Shortest, but for `None` and 0 where [`Never`] allows them.
        min_ms: u64,
        /// Longest.
        max_ms: u64,
        /// How "without limit" is written.
        never: Never,
    },
    /// A size in bytes.
    Size {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A size in bytes, or `None`.
    SizeOrNone {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words, in an order of the administrator's.
    Words(&'static [&'static str]),
    /// Any text.
    Text,
    /// A file or folder.
    Path,
    /// Files and folders.
    Paths,
    /// `IP:port`.
    Address,
    /// Several of them.
    Addresses,
    /// Providers of a mesh service: `host:port`, `udp://:port`, `srv://name@domain`.
    Uplinks,
    /// A service as `https://host/path`.
    Service,
    /// DNS block lists.
    DnsLists,
    /// Words of a service and what they are as categories.
    CategoryNames,
    /// Servers of a directory: `ldap://host`, `ldaps://host`.
    LdapServers,
    /// A search filter of LDAP, or none.
    LdapFilter,
    /// Names of attributes of LDAP.
    Attributes,
    /// `host:port`, with user and password in front of an `@` where needed.
    Proxy,
    /// Domains and addresses, and files that hold some.
    Sites,
    /// Sets of IP addresses.
    Networks,
    /// Sockets, each with the profile of the clients that connect there.
    Listeners,
    /// A header field of ours, `X-Name: value`.
    Field,
    /// The name of a header field of ours, `X-Name`.
    FieldName,
    /// Names of services that others have given, or `None`.
    Names,
    /// MIME types, or beginnings of some.
    Types,
    /// Rules by MIME type and size.
    MimeRules,
    /// Rules of the policy, or a file of them; the name may have a number behind it.
    Rules,
    /// Regular expressions, and files that hold some.
    Expressions,
    /// Where the log goes.
    LogTarget,
    /// A user, by name or number.
    User,
}

/// How an interval says "without limit".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {
    /// It cannot.
    Unsaid,
    /// `0`.
    Zero,
    /// `None`.
    None,
}

impl Kind {
    /// Whether the name may have a number behind it, which gives the order: `RuleSet`, `RuleSet1`, `RuleSet20`.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::Rules)
    }

    /// Whether the setting may stand on several lines.
    #[must_use]
    pub const fn is_list(self) -> bool {
        match self {
            Self::Words(_)
            | Self::Paths
            | Self::Addresses
            | Self::Uplinks
            | Self::DnsLists
            | Self::CategoryNames
            | Self::LdapServers
            | Self::Attributes
            | Self::Sites
            | Self::Networks
            | Self::Listeners
            | Self::Names
            | Self::Types
            | Self::MimeRules
            | Self::Rules
            | Self::Expressions => true,
            Self::Switch
            | Self::Integer { .. }
            | Self::AutoInteger { .. }
            | Self::Interval { .. }
            | Self::Size { .. }
            | Self::SizeOrNone { .. }
            | Self::Choice(_)
            | Self::Text
            | Self::Path
            | Self::Address
            | Self::Service
            | Self::LdapFilter
            | Self::Proxy
            | Self::Field
            | Self::FieldName
            | Self::LogTarget
            | Self::User => false,
        }
    }
}

/// A row together with the Rust type of its values.
///
/// The functions below are the only ones that make one, and each ties a [`Kind`] to the reader of that
/// kind's values: reading the wrong type cannot be written.
#[derive(Clone, Copy, Debug)]
pub struct Setting<T> {
    pub(super) row: Row,
    pub(super) read: fn(&Value) -> Option<T>,
}

impl<T> Setting<T> {
    /// The row.
    #[must_use]
    pub const fn row(&self) -> &Row {
        &self.row
    }
}

/// A section and its rows.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub meaning: &'static str,
    /// Its settings, in the order of the sample file.
    pub rows: &'static [&'static Row],
}

impl<T> Setting<T> {
    const fn new(
        key: &'static str,
        kind: Kind,
        default: &'static str,
        read: fn(&Value) -> Option<T>,
    ) -> Self {
        let row = Row { section: "", key, kind, default, effect: Effect::NotYet, meaning: "" };
        Self { row, read }
    }

    /// The setting with the rest of its row; called by `section!`.
    pub(super) const fn declared(
        self,
        section: &'static str,
        effect: Effect,
        meaning: &'static str,
    ) -> Self {
        let Row { key, kind, default, .. } = self.row;
        Self { row: Row { section, key, kind, default, effect, meaning }, read: self.read }
    }
}

/// Makes a function that ties a kind to the reader of its values.
macro_rules! maker {
    ($(#[$doc:meta])* $name:ident ( $($argument:ident : $type:ty),* ) $kind:expr => $variant:ident: $value:ty) => {
        $(#[$doc])*
        pub(super) const fn $name(key: &'static str, default: &'static str $(, $argument: $type)*) -> Setting<$value> {
            Setting::new(key, $kind, default, |value| match value {
                Value::$variant(value) => Some(value.clone()),
                _ => None,
            })
        }
    };
}

maker!(/** Yes or No. */ switch() Kind::Switch => Switch: bool);
maker!(/** A whole number. */ integer(min: u64, max: u64) Kind::Integer { min, max } => Integer: u64);
maker!(/** A whole number, or `Auto` (`None`). */
    auto_integer(min: u64, max: u64) Kind::AutoInteger { min, max } => AutoInteger: Option<u64>);
maker!(/** Milliseconds; `None`: without limit. */
    interval(min_ms: u64, max_ms: u64, never: Never) Kind::Interval { min_ms, max_ms, never }
        => Interval: Option<u64>);
maker!(/** Bytes. */ size(min: u64, max: u64) Kind::Size { min, max } => Integer: u64);
maker!(/** Bytes; `None`: without limit. */
    size_or_none(min: u64, max: u64) Kind::SizeOrNone { min, max } => SizeOrNone: Option<u64>);
maker!(/** One of some words. */ choice(words: &'static [&'static str]) Kind::Choice(words) => Choice: &'static str);
maker!(/** Some of these words. */ words(words: &'static [&'static str]) Kind::Words(words) => Words: Vec<&'static str>);
maker!(/** Any text. */ text() Kind::Text => Text: String);
maker!(/** A file or folder. */ path() Kind::Path => Path: Option<PathBuf>);
maker!(/** Files and folders. */ paths() Kind::Paths => Paths: Vec<PathBuf>);
maker!(/** A socket, or none. */ address() Kind::Address => Address: Option<SocketAddr>);
maker!(/** Sockets. */ addresses() Kind::Addresses => Addresses: Vec<SocketAddr>);
maker!(/** Sockets and profiles. */ listeners() Kind::Listeners => Listeners: Vec<(SocketAddr, &'static str)>);
maker!(/** A header field, or none. */ field() Kind::Field => Text: String);
maker!(/** The name of a header field, or none. */ field_name() Kind::FieldName => Text: String);
maker!(/** Names of services. */ names() Kind::Names => Names: Vec<String>);
maker!(/** Providers of a mesh service. */ uplinks() Kind::Uplinks => Uplinks: Vec<Uplink>);
maker!(/** A service over HTTPS, or none. */ service() Kind::Service => Service: Option<ServiceUrl>);
maker!(/** DNS block lists. */ dns_lists() Kind::DnsLists => DnsLists: Vec<DnsList>);
maker!(/** Words of a service, in lower case, and their categories. */
    category_names() Kind::CategoryNames => CategoryNames: Vec<(String, Category)>);
maker!(/** Servers of a directory. */ ldap_servers() Kind::LdapServers => LdapServers: Vec<Server>);
maker!(/** A search filter of LDAP, or none. */ ldap_filter() Kind::LdapFilter => LdapFilter: Option<Filter>);
maker!(/** Names of attributes of LDAP. */ attributes() Kind::Attributes => Attributes: Vec<Box<str>>);
maker!(/** A proxy. */ proxy() Kind::Proxy => Text: String);
maker!(/** Domains, addresses and files of them. */ sites() Kind::Sites => Sites: Sites);
maker!(/** Sets of IP addresses. */ networks() Kind::Networks => Networks: Networks);
maker!(/** Regular expressions and files of them. */ expressions() Kind::Expressions => Expressions: Ads);
maker!(/** MIME types. */ types() Kind::Types => Types: Vec<Pattern>);
maker!(/** Rules by MIME type and size. */ mime_rules() Kind::MimeRules => MimeRules: Vec<MimeRule>);
maker!(/** Rules of the policy. */ rules() Kind::Rules => Rules: Vec<RuleText>);
maker!(/** Where the log goes. */ log_target() Kind::LogTarget => Text: String);
maker!(/** A user. */ user() Kind::User => Text: String);

/// Declares the settings of a section and the section itself, so that none can be left out of it.
macro_rules! section {
    ($section:literal, $about:literal;
     $($name:ident: $type:ty = $make:expr, $effect:ident, $meaning:expr;)*) => {
        $(
            #[doc = concat!("A setting of `[", $section, "]`: its row says what it does.")]
            pub static $name: $crate::settings::row::Setting<$type> =
                $make.declared($section, $crate::settings::row::Effect::$effect, $meaning);
        )*

        /// The section and all its rows.
        pub static SECTION: $crate::settings::row::Section = $crate::settings::row::Section {
            name: $section,
            meaning: $about,
            rows: &[$($name.row()),*],
        };
    };
}
pub(super) use section;
