//! One connection to a server, without the connection: what to send, and what comes of what was received.
//!
//! ```text
//!   begin ─▶ StartTls ─▶ Secure ─▶ Bind ─▶ User ─▶ Groups ─▶ Done
//!              where it is wanted    │       └─ nobody ─────▶ Done
//!                a new connection ───┘  a kept one begins with User
//! ```
//!
//! The user is searched with `LdapUserFilter`. A proxy may name him by his DN instead (`LDAP://server/cn=…`);
//! one that ends with `LdapBase` is read as it is. His groups are the values of `LdapGroupAttributes`, and the
//! entries that `LdapGroupFilter` finds. A group is known by its name, which is the first part of its DN, and
//! by its whole DN.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ber::{Frame, frame};
use super::filter::{Filter, Person};
use super::message::{
    self, Entry, NO_SUCH_OBJECT, Outcome, SIZE_LIMIT, Said, Scope, Search, meaning,
};
use super::options::Options;
use super::{Failure, FailureKind};
use crate::policy::user::User;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, and call [`Session::handle_input`] with nothing.
    Send(Vec<u8>),
    /// Begin TLS now, then call [`Session::handle_secured`].
    Secure,
    /// Receive more.
    Wait,
    /// It is over.
    Done(Result<Found, Failure>),
}

/// What is known about a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// His DN; `None`: there is no such user.
    pub dn: Option<Box<str>>,
    /// Names and DNs of his groups, in order, each once.
    pub groups: Vec<Box<str>>,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    options: Arc<Options>,
    state: State,
    user: Box<str>,
    by_dn: bool,
    found: Found,
    names: BTreeSet<Box<str>>,
    names_bytes: usize,
    input: Vec<u8>,
    last_id: i32,
    ignored: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New { wants_tls: bool },
    StartTls,
    Securing,
    Bind,
    Ready,
    User,
    Groups,
    Over,
}

impl Session {
    /// Of a new connection, which may be inside TLS already.
    #[must_use]
    pub fn new(options: Arc<Options>, is_tls: bool) -> Self {
        let wants_tls = options.start_tls && !is_tls;
        Self {
            options,
            state: State::New { wants_tls },
            user: "".into(),
            by_dn: false,
            found: Found::default(),
            names: BTreeSet::new(),
            names_bytes: 0,
            input: Vec::new(),
            last_id: 0,
            ignored: 0,
        }
    }

    /// Whether another question may be asked here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready && self.input.is_empty()
    }

    /// Asks for the groups of this user.
    pub fn begin(&mut self, user: &str) -> Step {
        self.user = user.into();
        self.found = Found::default();
        self.names.clear();
        self.names_bytes = 0;
        self.ignored = 0;
        match self.state {
            State::New { wants_tls: true } => {
                self.state = State::StartTls;
                let id = self.next_id();
                Step::Send(message::start_tls(id))
            }
            State::New { wants_tls: false } => self.bind(),
            State::Ready => self.search_user(),
            State::StartTls
            | State::Securing
            | State::Bind
            | State::User
            | State::Groups
            | State::Over => self.fail(FailureKind::Protocol, "the connection is not free"),
        }
    }

    /// The connection is inside TLS now.
    pub fn handle_secured(&mut self) -> Step {
        self.bind()
    }

    /// This was received; with nothing: what was received before may be enough.
    pub fn handle_input(&mut self, bytes: &[u8]) -> Step {
        self.input.extend_from_slice(bytes);
        loop {
            let length = match frame(&self.input) {
                Frame::Whole(length) => length,
                Frame::Part => return Step::Wait,
                Frame::Broken => {
                    return self.fail(FailureKind::Protocol, "what came is no LDAP message");
                }
            };
            let rest = self.input.split_off(length);
            let message = std::mem::replace(&mut self.input, rest);
            let step = match message::read(&message) {
                Some((id, said)) if id == self.last_id => self.heard(&said),
                Some((0, Said::Extended(outcome))) => {
                    let text = format!("the server ends the connection: {}", words(outcome));
                    self.fail(FailureKind::Protocol, &text)
                }
                Some(_) | None => self.ignore(),
            };
            if step != Step::Wait {
                return step;
            }
        }
    }

    /// What to send before a connection is closed.
    #[must_use]
    pub fn farewell(&mut self) -> Vec<u8> {
        self.state = State::Over;
        let id = self.next_id();
        message::unbind(id)
    }

    fn heard(&mut self, said: &Said<'_>) -> Step {
        match (self.state, said) {
            (State::StartTls, Said::Extended(outcome)) => self.secure(*outcome),
            (State::Bind, Said::Bound(outcome)) => {
                if outcome.code != 0 {
                    return self.fail(FailureKind::Bind, &words(*outcome));
                }
                self.search_user()
            }
            (State::User, Said::Entry(entry)) => self.user_entry(entry),
            (State::User, Said::Searched(outcome)) => self.user_end(*outcome),
            (State::Groups, Said::Entry(entry)) => self.group_entry(entry),
            (State::Groups, Said::Searched(outcome)) => self.groups_end(*outcome),
            _ => self.ignore(),
        }
    }

    /// What nobody asked for does not matter, up to a point.
    fn ignore(&mut self) -> Step {
        self.ignored = self.ignored.saturating_add(1);
        if self.ignored > IGNORED_MAX {
            return self.fail(FailureKind::Protocol, "too many messages that answer nothing");
        }
        Step::Wait
    }

    fn secure(&mut self, outcome: Outcome<'_>) -> Step {
        if outcome.code != 0 {
            return self.fail(FailureKind::StartTls, &words(outcome));
        }
        // Whoever sends more before TLS wants it to be read as if it came from inside.
        if !self.input.is_empty() {
            return self.fail(FailureKind::Protocol, "something follows the answer to StartTLS");
        }
        self.state = State::Securing;
        Step::Secure
    }

    fn bind(&mut self) -> Step {
        if self.options.bind_dn.is_empty() {
            return self.search_user();
        }
        self.state = State::Bind;
        let id = self.next_id();
        Step::Send(message::bind(id, &self.options.bind_dn, &self.options.password))
    }

    fn search_user(&mut self) -> Step {
        let id = self.next_id();
        let options = Arc::clone(&self.options);
        let whole = self.user.clone();
        let mut user = User::of(&whole);
        // A DN may hold what separates a name from its domain, behind its first attribute.
        let begins = whole.find(['=', '\\', '/']).and_then(|at| whole.as_bytes().get(at));
        if begins == Some(&b'=') && is_below(&whole, &options.base) {
            user.name = &whole;
        }
        let person = Person { user, dn: "" };
        self.by_dn = is_below(user.name, &options.base);
        let (anything, base, scope, filter);
        if self.by_dn {
            anything = Filter::anything();
            (base, scope, filter) = (user.name, Scope::Base, &anything);
        } else {
            (base, scope, filter) = (&*options.base, Scope::Subtree, &options.user_filter);
        }
        // Two: then it is known that one is not enough to know who is meant.
        let search = Search {
            base,
            scope,
            entries_max: 2,
            seconds_max: seconds(&options),
            filter,
            person,
            attributes: &options.group_attributes,
        };
        let message = message::search(id, &search);
        self.state = State::User;
        Step::Send(message)
    }

    fn user_entry(&mut self, entry: &Entry<'_>) -> Step {
        if self.found.dn.is_some() {
            return self.fail(FailureKind::Ambiguous, "LdapUserFilter finds more than one entry");
        }
        self.found.dn = Some(String::from_utf8_lossy(entry.dn()).into());
        let options = Arc::clone(&self.options);
        for attribute in entry.attributes() {
            if !options.group_attributes.iter().any(|name| attribute.is(name)) {
                continue;
            }
            if attribute.is_cut() {
                return self.too_large();
            }
            for value in attribute.values() {
                if !self.add(value) {
                    return self.too_large();
                }
            }
        }
        Step::Wait
    }

    fn user_end(&mut self, outcome: Outcome<'_>) -> Step {
        let is_nobody = self.by_dn && outcome.code == NO_SUCH_OBJECT;
        match outcome.code {
            0 => {}
            SIZE_LIMIT => {
                return self.fail(FailureKind::Ambiguous, "LdapUserFilter finds too many entries");
            }
            _ if is_nobody => {}
            NO_SUCH_OBJECT => {
                let text = format!("LdapBase \"{}\": {}", self.options.base, words(outcome));
                return self.fail(FailureKind::Base, &text);
            }
            _ => return self.fail(FailureKind::Search, &words(outcome)),
        }
        let options = Arc::clone(&self.options);
        let Some((dn, filter)) = self.found.dn.clone().zip(options.group_filter.as_ref()) else {
            return self.done();
        };
        let id = self.next_id();
        let search = Search {
            base: group_base(&options),
            scope: Scope::Subtree,
            entries_max: i32::try_from(options.groups_max).unwrap_or(i32::MAX),
            seconds_max: seconds(&options),
            filter,
            person: Person { user: User::of(&self.user), dn: &dn },
            attributes: std::slice::from_ref(&options.group_name),
        };
        let message = message::search(id, &search);
        self.state = State::Groups;
        Step::Send(message)
    }

    fn group_entry(&mut self, entry: &Entry<'_>) -> Step {
        let options = Arc::clone(&self.options);
        let named = entry.attributes().filter(|attribute| attribute.is(&options.group_name));
        for value in named.flat_map(|attribute| attribute.values()) {
            if !self.insert(&String::from_utf8_lossy(value)) {
                return self.too_large();
            }
        }
        if self.add(entry.dn()) { Step::Wait } else { self.too_large() }
    }

    fn groups_end(&mut self, outcome: Outcome<'_>) -> Step {
        match outcome.code {
            0 => self.done(),
            SIZE_LIMIT => self.too_large(),
            NO_SUCH_OBJECT => {
                let base = group_base(&self.options).to_owned();
                let text = format!("LdapGroupBase \"{base}\": {}", words(outcome));
                self.fail(FailureKind::Base, &text)
            }
            _ => self.fail(FailureKind::Search, &words(outcome)),
        }
    }

    /// A group by what names it: a DN, which holds its name, or the name alone.
    fn add(&mut self, value: &[u8]) -> bool {
        let value = String::from_utf8_lossy(value);
        first_name(&value).is_none_or(|name| self.insert(&name)) && self.insert(&value)
    }

    fn insert(&mut self, name: &str) -> bool {
        let visible = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
        let name: String = name.chars().map(visible).collect();
        let bytes = name.len();
        if self.names.insert(name.into()) {
            self.names_bytes = self.names_bytes.saturating_add(bytes);
        }
        // Each has a name and a DN.
        self.names.len() <= self.options.groups_max.saturating_mul(2)
            && self.names_bytes <= NAMES_BYTES_MAX
    }

    fn done(&mut self) -> Step {
        self.state = State::Ready;
        let mut found = std::mem::take(&mut self.found);
        found.groups = std::mem::take(&mut self.names).into_iter().collect();
        Step::Done(Ok(found))
    }

    fn too_large(&mut self) -> Step {
        let text = format!("more groups than LdapSizeLimit ({})", self.options.groups_max);
        self.fail(FailureKind::TooLarge, &text)
    }

    fn fail(&mut self, kind: FailureKind, text: &str) -> Step {
        self.state = State::Over;
        Step::Done(Err(Failure::new(kind, text)))
    }

    const fn next_id(&mut self) -> i32 {
        self.last_id = if self.last_id == i32::MAX { 1 } else { self.last_id.saturating_add(1) };
        self.last_id
    }
}

/// What is asked for a user, as filters for people: the one for him, and the one for his groups.
#[must_use]
pub fn filters(options: &Options, user: &str, dn: &str) -> (String, Option<String>) {
    let person = Person { user: User::of(user), dn };
    let groups = options.group_filter.as_ref().map(|filter| filter.text(&person));
    (options.user_filter.text(&person), groups)
}

fn group_base(options: &Options) -> &str {
    if options.group_base.is_empty() { &options.base } else { &options.group_base }
}

fn seconds(options: &Options) -> i32 {
    // A part of a second is one: 0 would be no limit.
    i32::try_from(options.time_max.as_secs().saturating_add(1)).unwrap_or(i32::MAX)
}

/// Whether a user's name is a DN below the base.
fn is_below(name: &str, base: &str) -> bool {
    let start = name.len().checked_sub(base.len()).filter(|_| !base.is_empty());
    let Some((front, end)) = start.and_then(|start| name.split_at_checked(start)) else {
        return false;
    };
    end.eq_ignore_ascii_case(base) && front.ends_with(',') && front.contains('=')
}

/// A result in words: its code, what that means, and what the server says, as far as it can be shown.
fn words(outcome: Outcome<'_>) -> String {
    let text = String::from_utf8_lossy(outcome.text);
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    let text: String = text.chars().take(TEXT_CHARS_MAX).map(visible).collect();
    let text = text.trim();
    let colon = if text.is_empty() { "" } else { ": " };
    format!("{} ({}){colon}{text}", meaning(outcome.code), outcome.code)
}

/// The value of the first part of a DN, without its escapes (RFC 4514 section 3). `None`: this is no DN.
fn first_name(dn: &str) -> Option<String> {
    let (attribute, rest) = dn.split_once('=')?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
    if attribute.is_empty() || !attribute.chars().all(is_name) {
        return None;
    }
    let mut name = Vec::new();
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ',' | '+' => break,
            '\\' => {
                let digits = letters.as_str().get(..2);
                let byte = digits
                    .filter(|digits| !digits.starts_with('+'))
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                if let Some(byte) = byte {
                    name.push(byte);
                    letters.nth(1);
                } else if let Some(letter) = letters.next() {
                    name.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            _ => name.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(String::from_utf8_lossy(&name).into_owned()).filter(|name| !name.is_empty())
}

/// Bytes of names and DNs of one user's groups.
const NAMES_BYTES_MAX: usize = 256 << 10;

/// Messages without a meaning for us: references to other servers, for instance.
const IGNORED_MAX: u32 = 1000;

/// Of a server's words, so much is kept.
const TEXT_CHARS_MAX: usize = 300;
