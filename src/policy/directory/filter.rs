//! Search filters as an administrator writes them (RFC 4515), with places for the user's name.
//!
//! | in the filter | stands for |
//! | --- | --- |
//! | `%u` | the user's name without a domain |
//! | `%w` | the whole name, as the proxy writes it |
//! | `%d` | the domain; empty: none |
//! | `%D` | the DN of the user's entry (in `LdapGroupFilter` only) |
//! | `%%` | a percent sign |
//!
//! A filter is taken apart when the settings are read, and what comes in place of a word above is put into
//! the message as a value, with its length in front. So a name that consists of signs like `*)(uid=*` is a
//! strange name and nothing else; [`Filter::text`] shows it with RFC 4515's escapes.

use std::fmt;

use super::ber::{BOOLEAN, OCTETS, SEQUENCE, put};
use crate::policy::user::User;

/// A filter that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    node: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// Tag, sign, attribute, value.
    Compare(Comparison, Box<str>, Pattern),
    Present(Box<str>),
    /// The parts between asterisks; the first and the last may be empty.
    Substrings(Box<str>, Vec<Pattern>),
    Rule {
        attribute: Box<str>,
        with_dn: bool,
        rule: Box<str>,
        value: Pattern,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Greater,
    Less,
    Approximate,
}

/// A value in pieces.
type Pattern = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Name,
    Whole,
    Domain,
    Dn,
}

/// What comes in place of the words with a percent sign.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The user.
    pub user: User<'a>,
    /// The DN of the entry; empty: not known yet.
    pub dn: &'a str,
}

/// What is wrong with a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterFault {
    /// Where, in bytes.
    pub at: usize,
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for FilterFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "column {}: expected {}", self.at.saturating_add(1), self.expected)
    }
}

impl std::error::Error for FilterFault {}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// [`FilterFault`] with the place.
    pub fn parse(text: &str) -> Result<Self, FilterFault> {
        let mut reader = Reader { text, at: 0 };
        if text.len() > FILTER_BYTES_MAX {
            return Err(FilterFault { at: FILTER_BYTES_MAX, expected: "a shorter filter" });
        }
        let node = reader.filter(0)?;
        if reader.at < text.len() {
            return Err(reader.fault("the end of the filter"));
        }
        Ok(Self { node })
    }

    /// The groups that have this entry as a member, directly or through other groups: a rule of Active Directory.
    #[must_use]
    pub fn nested_groups() -> Self {
        let (attribute, rule) = ("member".into(), "1.2.840.113556.1.4.1941".into());
        Self { node: Node::Rule { attribute, with_dn: false, rule, value: vec![Piece::Dn] } }
    }

    /// The entry itself, whatever it is.
    #[must_use]
    pub fn anything() -> Self {
        Self { node: Node::Present("objectClass".into()) }
    }

    /// Whether it speaks of the DN of the user's entry.
    #[must_use]
    pub fn names_dn(&self) -> bool {
        self.node.any(&mut |piece| *piece == Piece::Dn)
    }

    /// Whether it speaks of the user at all.
    #[must_use]
    pub fn names_user(&self) -> bool {
        self.node.any(&mut |piece| !matches!(piece, Piece::Bytes(_)))
    }

    /// The filter about a person, as RFC 4511 section 4.5.1.7 has it.
    pub(super) fn put(&self, out: &mut Vec<u8>, person: &Person<'_>) {
        self.node.put(out, person);
    }

    /// The filter about a person, as RFC 4515 has it: for people.
    #[must_use]
    pub fn text(&self, person: &Person<'_>) -> String {
        let mut out = String::new();
        self.node.text(&mut out, person);
        out
    }
}

impl Piece {
    fn bytes<'a>(&'a self, person: &Person<'a>) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Name => person.user.name.as_bytes(),
            Self::Whole => person.user.whole.as_bytes(),
            Self::Domain => person.user.domain.as_bytes(),
            Self::Dn => person.dn.as_bytes(),
        }
    }
}

fn filled(pattern: &[Piece], person: &Person<'_>) -> Vec<u8> {
    pattern.iter().flat_map(|piece| piece.bytes(person)).copied().collect()
}

/// A value with the signs escaped that mean something in a filter (RFC 4515 section 3).
fn escape(out: &mut String, value: &[u8]) {
    for chunk in value.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '*' | '(' | ')' | '\\' | '\0'..='\x1f' | '\x7f' => hex(out, u32::from(letter)),
                _ => out.push(letter),
            }
        }
        for byte in chunk.invalid() {
            hex(out, u32::from(*byte));
        }
    }
}

fn hex(out: &mut String, byte: u32) {
    out.push('\\');
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from_digit(digit & 15, 16).unwrap_or('0'));
    }
}

impl Comparison {
    const fn tag(self) -> u8 {
        match self {
            Self::Equal => 0xa3,
            Self::Greater => 0xa5,
            Self::Less => 0xa6,
            Self::Approximate => 0xa8,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Greater => ">=",
            Self::Less => "<=",
            Self::Approximate => "~=",
        }
    }
}

impl Node {
    fn any(&self, is_it: &mut dyn FnMut(&Piece) -> bool) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(|node| node.any(is_it)),
            Self::Not(node) => node.any(is_it),
            Self::Present(_) => false,
            Self::Compare(_, _, value) | Self::Rule { value, .. } => value.iter().any(is_it),
            Self::Substrings(_, parts) => parts.iter().flatten().any(is_it),
        }
    }

    fn put(&self, out: &mut Vec<u8>, person: &Person<'_>) {
        let mut inside = Vec::new();
        let tag = match self {
            Self::And(nodes) | Self::Or(nodes) => {
                for node in nodes {
                    node.put(&mut inside, person);
                }
                if matches!(self, Self::And(_)) { 0xa0 } else { 0xa1 }
            }
            Self::Not(node) => {
                node.put(&mut inside, person);
                0xa2
            }
            Self::Compare(comparison, attribute, value) => {
                put(&mut inside, OCTETS, attribute.as_bytes());
                put(&mut inside, OCTETS, &filled(value, person));
                comparison.tag()
            }
            Self::Present(attribute) => {
                inside.extend_from_slice(attribute.as_bytes());
                0x87
            }
            Self::Substrings(attribute, parts) => {
                put(&mut inside, OCTETS, attribute.as_bytes());
                let mut pieces = Vec::new();
                let last = parts.len().saturating_sub(1);
                for (at, part) in parts.iter().enumerate() {
                    let part = filled(part, person);
                    // An empty one says nothing, and may not be sent.
                    if !part.is_empty() {
                        let tag = if at == 0 {
                            0x80
                        } else if at == last {
                            0x82
                        } else {
                            0x81
                        };
                        put(&mut pieces, tag, &part);
                    }
                }
                if pieces.is_empty() {
                    // `*%d*` with an empty domain: present.
                    put(out, 0x87, attribute.as_bytes());
                    return;
                }
                put(&mut inside, SEQUENCE, &pieces);
                0xa4
            }
            Self::Rule { attribute, with_dn, rule, value } => {
                if !rule.is_empty() {
                    put(&mut inside, 0x81, rule.as_bytes());
                }
                if !attribute.is_empty() {
                    put(&mut inside, 0x82, attribute.as_bytes());
                }
                put(&mut inside, 0x83, &filled(value, person));
                if *with_dn {
                    let mut yes = Vec::new();
                    put(&mut yes, BOOLEAN, &[0xff]);
                    // The same under the tag [4].
                    if let Some(first) = yes.first_mut() {
                        *first = 0x84;
                    }
                    inside.extend_from_slice(&yes);
                }
                0xa9
            }
        };
        put(out, tag, &inside);
    }

    fn text(&self, out: &mut String, person: &Person<'_>) {
        out.push('(');
        match self {
            Self::And(nodes) | Self::Or(nodes) => {
                out.push(if matches!(self, Self::And(_)) { '&' } else { '|' });
                for node in nodes {
                    node.text(out, person);
                }
            }
            Self::Not(node) => {
                out.push('!');
                node.text(out, person);
            }
            Self::Compare(comparison, attribute, value) => {
                out.push_str(attribute);
                out.push_str(comparison.sign());
                escape(out, &filled(value, person));
            }
            Self::Present(attribute) => {
                out.push_str(attribute);
                out.push_str("=*");
            }
            Self::Substrings(attribute, parts) => {
                out.push_str(attribute);
                out.push('=');
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        out.push('*');
                    }
                    escape(out, &filled(part, person));
                }
            }
            Self::Rule { attribute, with_dn, rule, value } => {
                out.push_str(attribute);
                if *with_dn {
                    out.push_str(":dn");
                }
                if !rule.is_empty() {
                    out.push(':');
                    out.push_str(rule);
                }
                out.push_str(":=");
                escape(out, &filled(value, person));
            }
        }
        out.push(')');
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    const fn fault(&self, expected: &'static str) -> FilterFault {
        FilterFault { at: self.at, expected }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, word: &str) -> bool {
        let is_there = self.rest().starts_with(word);
        if is_there {
            self.at = self.at.saturating_add(word.len());
        }
        is_there
    }

    fn filter(&mut self, depth: usize) -> Result<Node, FilterFault> {
        if depth > DEPTH_MAX {
            return Err(self.fault("a filter that is nested less deeply"));
        }
        if !self.eat("(") {
            return Err(self.fault("( before a condition"));
        }
        let node = if self.eat("&") {
            Node::And(self.filters(depth)?)
        } else if self.eat("|") {
            Node::Or(self.filters(depth)?)
        } else if self.eat("!") {
            Node::Not(Box::new(self.filter(depth.saturating_add(1))?))
        } else {
            self.item()?
        };
        if !self.eat(")") {
            return Err(self.fault(") behind a condition"));
        }
        Ok(node)
    }

    fn filters(&mut self, depth: usize) -> Result<Vec<Node>, FilterFault> {
        let mut nodes = vec![self.filter(depth.saturating_add(1))?];
        while self.rest().starts_with('(') {
            nodes.push(self.filter(depth.saturating_add(1))?);
        }
        Ok(nodes)
    }

    /// Letters, digits and what else stands in names of attributes, their options and rules.
    fn word(&mut self) -> Box<str> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-;._".contains(letter);
        let rest = self.rest();
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(end);
        rest.get(..end).unwrap_or_default().into()
    }

    fn item(&mut self) -> Result<Node, FilterFault> {
        let attribute = self.word();
        if self.rest().starts_with(':') {
            return self.rule(attribute);
        }
        if attribute.is_empty() {
            return Err(self.fault("the name of an attribute, as in (uid=%u)"));
        }
        for comparison in [Comparison::Greater, Comparison::Less, Comparison::Approximate] {
            if self.eat(comparison.sign()) {
                let mut parts = self.value(false)?;
                return Ok(Node::Compare(comparison, attribute, parts.pop().unwrap_or_default()));
            }
        }
        if !self.eat("=") {
            return Err(self.fault("=, >=, <=, ~= or := behind the attribute"));
        }
        let mut parts = self.value(true)?;
        Ok(match parts.as_slice() {
            [_] => Node::Compare(Comparison::Equal, attribute, parts.pop().unwrap_or_default()),
            [first, last] if first.is_empty() && last.is_empty() => Node::Present(attribute),
            _ => Node::Substrings(attribute, parts),
        })
    }

    /// `attribute[:dn][:rule]:=value`, with the attribute or the rule or both.
    fn rule(&mut self, attribute: Box<str>) -> Result<Node, FilterFault> {
        let mut with_dn = false;
        let mut rule: Box<str> = "".into();
        if self.rest().to_ascii_lowercase().starts_with(":dn:") {
            self.at = self.at.saturating_add(3);
            with_dn = true;
        }
        if !self.rest().starts_with(":=") && self.eat(":") {
            rule = self.word();
        }
        if !self.eat(":=") || (attribute.is_empty() && rule.is_empty()) {
            return Err(self.fault("attribute:rule:=value"));
        }
        let value = self.value(false)?.pop().unwrap_or_default();
        Ok(Node::Rule { attribute, with_dn, rule, value })
    }

    /// The value up to the parenthesis, in the parts between asterisks.
    fn value(&mut self, may_split: bool) -> Result<Vec<Pattern>, FilterFault> {
        let mut parts = vec![Pattern::new()];
        let mut letters = self.rest().char_indices();
        let start = self.at;
        while let Some((at, letter)) = letters.next() {
            self.at = start.saturating_add(at);
            let piece = match letter {
                ')' => return Ok(parts),
                '(' => return Err(self.fault("\\28 in place of ( in a value")),
                '\0' => return Err(self.fault("\\00 in place of a zero byte")),
                '*' if may_split => {
                    parts.push(Pattern::new());
                    continue;
                }
                '*' => return Err(self.fault("\\2a in place of * in this value")),
                '\\' => {
                    let digits = letters.as_str().get(..2);
                    let byte = digits
                        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    let Some(byte) = byte else {
                        return Err(self.fault("two hexadecimal digits behind \\"));
                    };
                    letters.nth(1);
                    Piece::Bytes(vec![byte])
                }
                '%' => match letters.next() {
                    Some((_, 'u')) => Piece::Name,
                    Some((_, 'w')) => Piece::Whole,
                    Some((_, 'd')) => Piece::Domain,
                    Some((_, 'D')) => Piece::Dn,
                    Some((_, '%')) => Piece::Bytes(b"%".to_vec()),
                    Some(_) | None => return Err(self.fault("%u, %w, %d, %D or %%")),
                },
                _ => Piece::Bytes(letter.to_string().into_bytes()),
            };
            let Some(part) = parts.last_mut() else { continue };
            match (part.last_mut(), piece) {
                (Some(Piece::Bytes(before)), Piece::Bytes(more)) => before.extend(more),
                (_, piece) => part.push(piece),
            }
        }
        self.at = self.text.len();
        Ok(parts)
    }
}

/// A filter of the settings.
const FILTER_BYTES_MAX: usize = 4096;

/// Filters in filters.
const DEPTH_MAX: usize = 16;
