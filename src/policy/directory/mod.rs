//! Groups of users in a directory: LDAP and Active Directory, for rules with `"LDAP@group"` and `user_group`.
//!
//! ```text
//!   user ─▶ Desk ─┬─ known ──────────────────────────────────▶ Membership
//!                 └─ servers in order ─▶ Session ─▶ Found ────▶ Membership, kept
//!                       left alone by their Breaker             or a Failure that says why
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | what an administrator configures | [`options`] |
//! | search filters (RFC 4515) with places for the name | [`filter`] |
//! | the encoding (X.690) | [`ber`] |
//! | messages (RFC 4511) | [`message`] |
//! | one connection: TLS, bind, the user, his groups | [`session`] |
//! | what is known, and who may be asked | [`desk`] |
//!
//! No answer is an answer of its own: nobody is "not a member" because a server is down. `BlockUnanswered`
//! says what becomes of a message whose rules depend on it, and the log says that it did.
//!
//! The client is our own because the crates for it read whatever length and nesting a server claims, and end
//! the whole process with it; here a message is bounded, and read without recursion.
//!
//! Absent on purpose: sockets, TLS, threads and clocks (passed in); SASL; referrals to other servers, which
//! are not followed; the primary group of Active Directory, which is no value of `memberOf`.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::facts::Directory;
use super::reputation::cache::Kept;

pub mod ber;
pub mod desk;
pub mod filter;
pub mod message;
pub mod options;
pub mod session;

#[cfg(test)]
mod tests;

pub use desk::Desk;
pub use filter::{Filter, FilterFault};
pub use options::{Options, Server, ServerFault};
pub use session::{Found, Session, Step};

/// What a directory says about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// He is there.
    Groups {
        /// The name of his entry.
        dn: Arc<str>,
        /// Names and DNs of his groups.
        groups: Arc<[Box<str>]>,
    },
    /// There is no such user, so he is in no group.
    NoUser,
    /// It is not known.
    NoAnswer(Failure),
}

/// An answer, who gave it, and how long it is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The answer.
    pub answer: Answer,
    /// The server that gave it; empty: none did.
    pub server: Arc<str>,
    /// Until when it may be used again; `None`: not at all.
    pub until: Option<Instant>,
    /// Whether it was known before.
    pub is_cached: bool,
}

impl Membership {
    /// No answer, for this reason.
    #[must_use]
    pub fn none(failure: Failure) -> Self {
        Self {
            answer: Answer::NoAnswer(failure),
            server: Arc::from(""),
            until: None,
            is_cached: false,
        }
    }

    /// What somebody says by hand.
    #[must_use]
    pub fn given(groups: Vec<Box<str>>) -> Self {
        let answer = Answer::Groups { dn: Arc::from(""), groups: groups.into() };
        Self { answer, server: Arc::from(""), until: None, is_cached: false }
    }

    /// As a fact for rules.
    #[must_use]
    pub fn fact(&self) -> Directory<'_> {
        match &self.answer {
            Answer::Groups { groups, .. } => Directory::Groups(groups),
            Answer::NoUser => Directory::Groups(&[]),
            Answer::NoAnswer(_) => Directory::NoAnswer,
        }
    }
}

impl fmt::Display for Membership {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Answer::Groups { groups, .. } if groups.is_empty() => out.write_str("no groups")?,
            Answer::Groups { groups, .. } => {
                // The names; their DNs would say the same again.
                let names = groups.iter().filter(|name| !name.contains('=')).take(SHOWN_MAX);
                let names: Vec<&str> = names.map(AsRef::as_ref).collect();
                out.write_str(&names.join(", "))?;
            }
            Answer::NoUser => out.write_str("no such user")?,
            Answer::NoAnswer(failure) => write!(out, "no answer: {failure}")?,
        }
        let cached = if self.is_cached { ", known before" } else { "" };
        if self.server.is_empty() { Ok(()) } else { write!(out, " ({}{cached})", self.server) }
    }
}

impl Kept for Membership {
    fn until(&self) -> Option<Instant> {
        self.until
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// In more words.
    pub detail: Arc<str>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No directory is configured.
    Off,
    /// Too many questions are waiting.
    Busy,
    /// Whoever asks has ended.
    Ended,
    /// The proxy's word is no name of a user.
    Name,
    /// No answer came in time.
    Time,
    /// The server failed too often and is left alone for a while.
    LeftAlone,
    /// Nobody takes the connection, or it broke.
    Connect,
    /// The server's certificate is not trusted.
    Certificate,
    /// TLS does not come about for another reason.
    Tls,
    /// The server refuses `StartTLS`.
    StartTls,
    /// The server refuses the bind.
    Bind,
    /// The base of a search does not exist.
    Base,
    /// The server refuses a search.
    Search,
    /// The filter finds several users.
    Ambiguous,
    /// The user is in more groups than are read.
    TooLarge,
    /// What came is not what LDAP says.
    Protocol,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub fn new(kind: FailureKind, detail: &str) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.detail.is_empty() { "" } else { ": " };
        write!(out, "{}{colon}{}", self.kind, self.detail)
    }
}

impl FailureKind {
    /// Whether another server may know more.
    #[must_use]
    pub const fn is_of_server(self) -> bool {
        match self {
            Self::Off
            | Self::Busy
            | Self::Ended
            | Self::Name
            | Self::LeftAlone
            | Self::Ambiguous
            | Self::TooLarge => false,
            Self::Time
            | Self::Connect
            | Self::Certificate
            | Self::Tls
            | Self::StartTls
            | Self::Bind
            | Self::Base
            | Self::Search
            | Self::Protocol => true,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Off => "no directory is configured",
            Self::Busy => "too many questions are waiting",
            Self::Ended => "the asker has ended",
            Self::Name => "no name of a user",
            Self::Time => "no answer in time",
            Self::LeftAlone => "left alone after failures",
            Self::Connect => "cannot connect",
            Self::Certificate => "the certificate is not trusted",
            Self::Tls => "TLS fails",
            Self::StartTls => "StartTLS refused",
            Self::Bind => "bind refused",
            Self::Base => "the base does not exist",
            Self::Search => "search refused",
            Self::Ambiguous => "several users",
            Self::TooLarge => "too many groups",
            Self::Protocol => "no LDAP",
        })
    }
}

/// Whether a word of a proxy can be the name of a user.
#[must_use]
pub fn is_name(user: &str) -> bool {
    !user.is_empty() && user.len() <= USER_BYTES_MAX && !user.chars().any(char::is_control)
}

/// The longest name that is asked for.
pub const USER_BYTES_MAX: usize = 256;

/// Names that are shown of one user.
const SHOWN_MAX: usize = 100;
