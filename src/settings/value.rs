//! Values: from the text behind `=` to something typed, with the place of what is wrong.
//!
//! A value with blanks stands in double quotes, where `\"` is a quote and `\\` a backslash. Lists are
//! separated by commas outside of quotes. Words are read in any case; file names are kept as they are.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::address::{self, ServiceUrl, Uplink};
use super::answer;
use super::list;
use super::quantity::{interval_ms, show_interval, show_size, size_bytes};
use super::row::{Kind, Never};
use super::text::Span;
use crate::policy::directory::{Filter, Server};
use crate::policy::reputation::DnsList;
use crate::policy::{
    AdExpressions, Category, List, MimeRule, Networks, Pattern, RuleSource, rules,
};

/// A value that was read and found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Integer`] and [`Kind::Size`].
    Integer(u64),
    /// Of [`Kind::SizeOrNone`]; `None`: without limit.
    SizeOrNone(Option<u64>),
    /// Of [`Kind::AutoInteger`]; `None`: `Auto`.
    AutoInteger(Option<u64>),
    /// Of [`Kind::Interval`], in milliseconds; `None`: without limit.
    Interval(Option<u64>),
    /// Of [`Kind::Choice`]: the word as in the row.
    Choice(&'static str),
    /// Of [`Kind::Words`]: as in the row.
    Words(Vec<&'static str>),
    /// Of [`Kind::Text`], [`Kind::Field`], [`Kind::FieldName`], [`Kind::Proxy`], [`Kind::LogTarget`] and [`Kind::User`]; empty: none.
    Text(String),
    /// Of [`Kind::Path`]; `None`: none.
    Path(Option<PathBuf>),
    /// Of [`Kind::Paths`].
    Paths(Vec<PathBuf>),
    /// Of [`Kind::Address`]; `None`: none.
    Address(Option<SocketAddr>),
    /// Of [`Kind::Addresses`].
    Addresses(Vec<SocketAddr>),
    /// Of [`Kind::Service`]; `None`: none.
    Service(Option<ServiceUrl>),
    /// Of [`Kind::DnsLists`].
    DnsLists(Vec<DnsList>),
    /// Of [`Kind::CategoryNames`].
    CategoryNames(Vec<(String, Category)>),
    /// Of [`Kind::LdapServers`].
    LdapServers(Vec<Server>),
    /// Of [`Kind::LdapFilter`]; `None`: none.
    LdapFilter(Option<Filter>),
    /// Of [`Kind::Attributes`].
    Attributes(Vec<Box<str>>),
    /// Of [`Kind::Listeners`]: the profile as in its room.
    Listeners(Vec<(SocketAddr, &'static str)>),
    /// Of [`Kind::Names`].
    Names(Vec<String>),
    /// Of [`Kind::Uplinks`].
    Uplinks(Vec<Uplink>),
    /// Of [`Kind::Sites`].
    Sites(Sites),
    /// Of [`Kind::Networks`].
    Networks(Networks),
    /// Of [`Kind::Types`].
    Types(Vec<Pattern>),
    /// Of [`Kind::MimeRules`].
    MimeRules(Vec<MimeRule>),
    /// Of [`Kind::Rules`], in the order of their numbers.
    Rules(Vec<RuleText>),
    /// Of [`Kind::Expressions`].
    Expressions(Ads),
}

/// A rule as it stands in the settings, or `@` and a file of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// The number behind the name; 0: none.
    pub number: u32,
    /// The rule.
    pub text: String,
}

/// Regular expressions, written directly or in files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ads {
    /// Written directly.
    pub list: AdExpressions,
    /// Files that hold more.
    pub files: Vec<PathBuf>,
}

/// Domains and addresses, written directly or in files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// Written directly.
    pub list: List,
    /// Files that hold more.
    pub files: Vec<PathBuf>,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValueFault {
    /// The part of the value that is wrong.
    pub(super) at: Span,
    /// What was found, and what is allowed.
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: Option<String>,
    /// Whether the type is right and only the amount is not.
    pub(super) out_of_range: bool,
}

impl ValueFault {
    fn or_remedy(self, remedy: &str) -> Self {
        Self { remedy: Some(remedy.to_owned()), ..self }
    }

    pub(super) fn new(at: Span, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), remedy: None, out_of_range: false }
    }
}

/// Reads a value of a kind; `None` for an empty one that means "back to the default".
pub(super) fn parse(kind: Kind, raw: &str) -> Result<Option<Value>, ValueFault> {
    if kind == Kind::Rules {
        return rules(raw).map(|rules| Some(Value::Rules(rules)));
    }
    if kind.is_list() {
        return list::list(kind, &list::items(raw)?).map(Some);
    }
    let at = Span { start: 0, length: raw.len() };
    let text = unquote(raw, at)?;
    let fault = |message: String| ValueFault::new(at, message);
    if text.is_empty() {
        return empty(kind).map_err(|why| fault(why.to_owned()));
    }
    let value = match kind {
        Kind::Switch => {
            switch(&text).map(Value::Switch).ok_or_else(|| fault(expected(&text, "Yes or No")))
        }
        Kind::Integer { min, max } => integer(&text, at, min, max).map(Value::Integer),
        Kind::AutoInteger { .. } if text.eq_ignore_ascii_case("Auto") => {
            Ok(Value::AutoInteger(None))
        }
        Kind::AutoInteger { min, max } => integer(&text, at, min, max)
            .map(|number| Value::AutoInteger(Some(number)))
            .map_err(|fault| fault.or_remedy("write Auto to let the program choose")),
        Kind::Interval { min_ms, max_ms, never } => {
            interval(&text, at, (min_ms, max_ms), never).map(Value::Interval)
        }
        Kind::Size { min, max } => size(&text, at, min, max).map(Value::Integer),
        Kind::SizeOrNone { .. }
            if ["None", "Off"].iter().any(|no| text.eq_ignore_ascii_case(no)) =>
        {
            Ok(Value::SizeOrNone(None))
        }
        Kind::SizeOrNone { min, max } => size(&text, at, min, max)
            .map(|bytes| Value::SizeOrNone(Some(bytes)))
            .map_err(|fault| fault.or_remedy("write None for no limit")),
        Kind::Choice(words) => choice(&text, words).map(Value::Choice).map_err(fault),
        Kind::Path => Ok(Value::Path(Some(PathBuf::from(text)))),
        Kind::Address => {
            address::socket(&text).map(|found| Value::Address(Some(found))).map_err(fault)
        }
        Kind::Service => service(&text).map_err(fault),
        Kind::LdapFilter => filter(raw, &text),
        Kind::Text => Ok(Value::Text(text)),
        Kind::Field => answer::field(&text).map(|()| Value::Text(text)).map_err(fault),
        Kind::FieldName => answer::field_name(&text).map(|()| Value::Text(text)).map_err(fault),
        Kind::Proxy => address::proxy(&text).map(|()| Value::Text(text)).map_err(fault),
        Kind::LogTarget => address::log_target(&text).map(|()| Value::Text(text)).map_err(fault),
        Kind::User => address::user(&text).map(|()| Value::Text(text)).map_err(fault),
        Kind::Words(_)
        | Kind::Paths
        | Kind::Addresses
        | Kind::Uplinks
        | Kind::DnsLists
        | Kind::CategoryNames
        | Kind::LdapServers
        | Kind::Attributes
        | Kind::Sites
        | Kind::Networks
        | Kind::Listeners
        | Kind::Names
        | Kind::Types
        | Kind::MimeRules
        | Kind::Rules
        | Kind::Expressions => {
            return Ok(None);
        }
    };
    value.map(Some)
}

/// What nothing stands for; `None`: back to the default.
fn empty(kind: Kind) -> Result<Option<Value>, &'static str> {
    match kind {
        Kind::Text | Kind::Field | Kind::FieldName | Kind::Proxy => {
            Ok(Some(Value::Text(String::new())))
        }
        Kind::Path => Ok(Some(Value::Path(None))),
        Kind::Address => Ok(Some(Value::Address(None))),
        Kind::Service => Ok(Some(Value::Service(None))),
        Kind::LdapFilter => Ok(Some(Value::LdapFilter(None))),
        Kind::User => Err("an empty user lets no component start"),
        Kind::Switch
        | Kind::Integer { .. }
        | Kind::AutoInteger { .. }
        | Kind::Interval { .. }
        | Kind::Size { .. }
        | Kind::SizeOrNone { .. }
        | Kind::Choice(_)
        | Kind::LogTarget
        | Kind::Words(_)
        | Kind::Paths
        | Kind::Addresses
        | Kind::Uplinks
        | Kind::DnsLists
        | Kind::CategoryNames
        | Kind::LdapServers
        | Kind::Attributes
        | Kind::Sites
        | Kind::Networks
        | Kind::Listeners
        | Kind::Names
        | Kind::Types
        | Kind::MimeRules
        | Kind::Rules
        | Kind::Expressions => Ok(None),
    }
}

/// Adds the items of another line to a list.
pub(super) fn append(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Words(all), Value::Words(more)) => all.extend(more),
        (Value::Paths(all), Value::Paths(more)) => all.extend(more),
        (Value::Addresses(all), Value::Addresses(more)) => all.extend(more),
        (Value::Uplinks(all), Value::Uplinks(more)) => all.extend(more),
        (Value::Listeners(all), Value::Listeners(more)) => all.extend(more),
        (Value::Names(all), Value::Names(more)) => all.extend(more),
        (Value::DnsLists(all), Value::DnsLists(more)) => all.extend(more),
        (Value::CategoryNames(all), Value::CategoryNames(more)) => all.extend(more),
        (Value::LdapServers(all), Value::LdapServers(more)) => all.extend(more),
        (Value::Attributes(all), Value::Attributes(more)) => all.extend(more),
        (Value::Types(all), Value::Types(more)) => all.extend(more),
        (Value::MimeRules(all), Value::MimeRules(more)) => all.extend(more),
        (Value::Rules(all), Value::Rules(more)) => {
            all.extend(more);
            // Stable: rules with one number stay in the order of their lines.
            all.sort_by_key(|rule| rule.number);
        }
        (Value::Sites(all), Value::Sites(more)) => {
            all.list.append(more.list);
            all.files.extend(more.files);
        }
        (Value::Networks(all), Value::Networks(more)) => all.append(&more),
        (Value::Expressions(all), Value::Expressions(more)) => {
            all.list.append(more.list);
            all.files.extend(more.files);
        }
        (value, more) => *value = more,
    }
}

/// One rule, checked by itself: the files and groups it names are the edge's to find.
fn rules(raw: &str) -> Result<Vec<RuleText>, ValueFault> {
    let at = Span { start: 0, length: raw.len() };
    // No rule begins with a quote, so quotes around everything are the settings file's.
    let text = if raw.starts_with('"') { unquote(raw, at)? } else { raw.to_owned() };
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let is_file = text.starts_with('@');
    if !is_file {
        let source = RuleSource { name: "".into(), text: text.clone() };
        rules::check(&source).map_err(|fault| {
            let start = fault.start.saturating_add(usize::from(raw.starts_with('"')));
            let at =
                Span { start: start.min(raw.len().saturating_sub(1)), length: fault.length.max(1) };
            let remedy = (!fault.remedy.is_empty()).then_some(fault.remedy);
            ValueFault { remedy, ..ValueFault::new(at, fault.message) }
        })?;
    }
    Ok(vec![RuleText { number: 0, text }])
}

fn service(text: &str) -> Result<Value, String> {
    ServiceUrl::parse(text).map(|url| Value::Service(Some(url)))
}

/// A filter, with the place of what is wrong where quotes and backslashes do not shift it.
fn filter(raw: &str, text: &str) -> Result<Value, ValueFault> {
    Filter::parse(text).map(|filter| Value::LdapFilter(Some(filter))).map_err(|fault| {
        let quote = usize::from(raw.starts_with('"'));
        let is_verbatim = raw.len() == text.len().saturating_add(quote.saturating_mul(2));
        let at = if is_verbatim {
            let start = fault.at.saturating_add(quote).min(raw.len().saturating_sub(1));
            Span { start, length: 1 }
        } else {
            Span { start: 0, length: raw.len() }
        };
        ValueFault::new(at, format!("expected {}", fault.expected))
            .or_remedy("a filter is written as in (&(objectClass=person)(uid=%u))")
    })
}

fn switch(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["Yes", "On", "True"]) {
        return Some(true);
    }
    is(["No", "Off", "False"]).then_some(false)
}

pub(super) fn choice(text: &str, words: &[&'static str]) -> Result<&'static str, String> {
    let found = words.iter().find(|word| text.eq_ignore_ascii_case(word));
    found.copied().ok_or_else(|| expected(text, &format!("one of {}", words.join(", "))))
}

fn integer(text: &str, at: Span, min: u64, max: u64) -> Result<u64, ValueFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ValueFault::new(
            at,
            expected(text, &format!("a whole number from {min} to {max}")),
        ));
    }
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| out_of_range(text, at, &min.to_string(), &max.to_string()))
}

fn size(text: &str, at: Span, min: u64, max: u64) -> Result<u64, ValueFault> {
    let bytes =
        size_bytes(text).map_err(|why| ValueFault::new(at, format!("\"{text}\": {why}")))?;
    let fits = (min..=max).contains(&bytes);
    fits.then_some(bytes).ok_or_else(|| out_of_range(text, at, &show_size(min), &show_size(max)))
}

fn interval(
    text: &str,
    at: Span,
    range: (u64, u64),
    never: Never,
) -> Result<Option<u64>, ValueFault> {
    if never == Never::None && text.eq_ignore_ascii_case("None") {
        return Ok(None);
    }
    let ms = interval_ms(text).map_err(|why| ValueFault::new(at, format!("\"{text}\": {why}")))?;
    if never == Never::Zero && ms == 0 {
        return Ok(None);
    }
    let (min, max) = range;
    let fits = (min..=max).contains(&ms);
    fits.then_some(Some(ms)).ok_or_else(|| {
        let mut fault = out_of_range(text, at, &show_interval(min), &show_interval(max));
        fault.remedy = match never {
            Never::Unsaid => fault.remedy,
            Never::Zero => Some("write 0 for no limit".to_owned()),
            Never::None => Some("write None for no limit".to_owned()),
        };
        fault
    })
}

fn out_of_range(text: &str, at: Span, min: &str, max: &str) -> ValueFault {
    let message = format!("{text} is out of range: from {min} to {max} is allowed");
    ValueFault { out_of_range: true, ..ValueFault::new(at, message) }
}

pub(super) fn expected(found: &str, wanted: &str) -> String {
    if found.is_empty() {
        return format!("expected {wanted}");
    }
    format!("\"{found}\": expected {wanted}")
}

/// The text of a value without its quotes.
pub(super) fn unquote(raw: &str, at: Span) -> Result<String, ValueFault> {
    let Some(inside) = raw.strip_prefix('"') else {
        return plain(raw, at);
    };
    let mut text = String::new();
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if letters.as_str().is_empty() => return Ok(text),
            '"' => return Err(ValueFault::new(at, "something follows the closing quote")),
            '\\' => match letters.as_str().chars().next() {
                Some(next @ ('"' | '\\')) => {
                    text.push(next);
                    letters = letters.as_str().get(1..).unwrap_or_default().chars();
                }
                Some(_) | None => text.push(letter),
            },
            _ => text.push(letter),
        }
    }
    Err(ValueFault::new(at, "the closing quote is missing"))
}

fn plain(raw: &str, at: Span) -> Result<String, ValueFault> {
    let Some(blank) = raw.find(char::is_whitespace) else {
        return Ok(raw.to_owned());
    };
    let rest = raw.get(blank..).unwrap_or_default();
    let remedy = if rest.trim_start().starts_with([';', '#']) {
        "a comment needs a line of its own".to_owned()
    } else {
        format!("write \"{}\"", raw.replace('\\', "\\\\").replace('"', "\\\""))
    };
    Err(ValueFault {
        remedy: Some(remedy),
        ..ValueFault::new(at, "a value with blanks needs quotes")
    })
}
