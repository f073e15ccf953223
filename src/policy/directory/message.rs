//! LDAP messages (RFC 4511), as far as asking for groups needs them: simple bind, `StartTLS`, search, unbind,
//! and what a server says to them.

use super::ber::{
    BOOLEAN, ENUMERATED, Elements, INTEGER, OCTETS, SEQUENCE, SET, number, put, put_number,
};
use super::filter::{Filter, Person};

/// What is to be searched.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Where.
    pub base: &'a str,
    /// Everything below, or the base alone.
    pub scope: Scope,
    /// Entries at most.
    pub entries_max: i32,
    /// Seconds at most.
    pub seconds_max: i32,
    /// Which.
    pub filter: &'a Filter,
    /// About whom.
    pub person: Person<'a>,
    /// What of them; none at all when it is empty.
    pub attributes: &'a [Box<str>],
}

/// Where a search looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base alone.
    Base,
    /// The base and everything below it.
    Subtree,
}

/// `BindRequest` with a name and a password (section 4.2).
#[must_use]
pub fn bind(id: i32, name: &str, password: &str) -> Vec<u8> {
    let mut inside = Vec::new();
    put_number(&mut inside, INTEGER, 3);
    put(&mut inside, OCTETS, name.as_bytes());
    put(&mut inside, 0x80, password.as_bytes());
    message(id, 0x60, &inside)
}

/// `ExtendedRequest` for TLS (section 4.14).
#[must_use]
pub fn start_tls(id: i32) -> Vec<u8> {
    let mut inside = Vec::new();
    put(&mut inside, 0x80, b"1.3.6.1.4.1.1466.20037");
    message(id, 0x77, &inside)
}

/// `UnbindRequest` (section 4.3).
#[must_use]
pub fn unbind(id: i32) -> Vec<u8> {
    message(id, 0x42, &[])
}

/// `SearchRequest` (section 4.5.1). Aliases are not followed.
#[must_use]
pub fn search(id: i32, search: &Search<'_>) -> Vec<u8> {
    let mut inside = Vec::new();
    put(&mut inside, OCTETS, search.base.as_bytes());
    let scope = match search.scope {
        Scope::Base => 0,
        Scope::Subtree => 2,
    };
    put_number(&mut inside, ENUMERATED, scope);
    put_number(&mut inside, ENUMERATED, 0);
    put_number(&mut inside, INTEGER, search.entries_max);
    put_number(&mut inside, INTEGER, search.seconds_max);
    put(&mut inside, BOOLEAN, &[0]);
    search.filter.put(&mut inside, &search.person);
    let mut attributes = Vec::new();
    for attribute in search.attributes {
        put(&mut attributes, OCTETS, attribute.as_bytes());
    }
    if search.attributes.is_empty() {
        // "1.1" is no attribute: only the name of the entry is wanted.
        put(&mut attributes, OCTETS, b"1.1");
    }
    put(&mut inside, SEQUENCE, &attributes);
    message(id, 0x63, &inside)
}

fn message(id: i32, tag: u8, content: &[u8]) -> Vec<u8> {
    let mut inside = Vec::new();
    put_number(&mut inside, INTEGER, id);
    put(&mut inside, tag, content);
    let mut out = Vec::new();
    put(&mut out, SEQUENCE, &inside);
    out
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// To a bind.
    Bound(Outcome<'a>),
    /// An entry that was found: its DN and its attributes.
    Entry(Entry<'a>),
    /// Somebody else may know more. Nobody is asked.
    Reference,
    /// The search is over.
    Searched(Outcome<'a>),
    /// To `StartTLS`; with the id 0, why it ends the connection.
    Extended(Outcome<'a>),
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    dn: &'a [u8],
    attributes: &'a [u8],
}

/// An attribute of an entry.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// With options: `memberOf;range=0-1499`.
    name: &'a [u8],
    values: &'a [u8],
}

/// How something ended (`LDAPResult`, section 4.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// 0 is good.
    pub code: i32,
    /// In the server's words.
    pub text: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Its name.
    #[must_use]
    pub const fn dn(&self) -> &'a [u8] {
        self.dn
    }

    /// Its attributes.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let attributes = Elements::of(self.attributes).filter(|found| found.tag == SEQUENCE);
        attributes.filter_map(|found| {
            let mut parts = Elements::of(found.content);
            Some(Attribute { name: parts.expect(OCTETS)?, values: parts.expect(SET)? })
        })
    }
}

impl<'a> Attribute<'a> {
    /// Whether it is called so, whatever its options are.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        let bare = self.name.split(|byte| *byte == b';').next().unwrap_or_default();
        bare.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether the server keeps some of the values back: Active Directory tells 1500 at once.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let mut options = self.name.split(|byte| *byte == b';').skip(1);
        options.any(|option| {
            option.to_ascii_lowercase().starts_with(b"range=") && !option.ends_with(b"*")
        })
    }

    /// Its values.
    pub fn values(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Elements::of(self.values).filter(|found| found.tag == OCTETS).map(|found| found.content)
    }
}

/// Reads a message: its id and what it says. `None`: a client has nothing to do with it.
#[must_use]
pub fn read(message: &[u8]) -> Option<(i32, Said<'_>)> {
    let mut parts = Elements::of(Elements::of(message).expect(SEQUENCE)?);
    let id = number(parts.expect(INTEGER)?).filter(|id| *id >= 0)?;
    let said = parts.next()?;
    let mut inside = Elements::of(said.content);
    let said = match said.tag {
        0x61 => Said::Bound(outcome(&mut inside)?),
        0x64 => {
            Said::Entry(Entry { dn: inside.expect(OCTETS)?, attributes: inside.expect(SEQUENCE)? })
        }
        0x65 => Said::Searched(outcome(&mut inside)?),
        0x73 => Said::Reference,
        0x78 => Said::Extended(outcome(&mut inside)?),
        _ => return None,
    };
    Some((id, said))
}

fn outcome<'a>(parts: &mut Elements<'a>) -> Option<Outcome<'a>> {
    let code = number(parts.expect(ENUMERATED)?)?;
    // The DN up to which the server found its way.
    parts.expect(OCTETS)?;
    Some(Outcome { code, text: parts.expect(OCTETS)? })
}

/// What codes mean (section 4.1.9 and appendix A), for people.
#[must_use]
pub const fn meaning(code: i32) -> &'static str {
    match code {
        0 => "good",
        1 => "operations error",
        2 => "protocol error",
        3 => "time limit exceeded",
        4 => "size limit exceeded",
        7 => "authentication method not supported",
        8 => "stronger authentication required",
        10 => "referral to another server",
        11 => "administrative limit exceeded",
        13 => "confidentiality required",
        18 => "matching rule not known",
        32 => "no such object",
        34 => "invalid DN",
        48 => "inappropriate authentication",
        49 => "invalid credentials",
        50 => "insufficient access rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling to perform",
        _ => "refused",
    }
}

/// No such object.
pub const NO_SUCH_OBJECT: i32 = 32;
/// More entries than asked for.
pub const SIZE_LIMIT: i32 = 4;
