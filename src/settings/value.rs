//! Values: from the text behind `=` to something typed, with the place of what is wrong.
//!
//! A value with blanks stands in double quotes, where `\"` is a quote and `\\` a backslash. Lists are
//! separated by commas outside of quotes. Words are read in any case; file names are kept as they are.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::address::{self, Uplink};
use super::quantity::{interval_ms, show_interval, show_size, size_bytes};
use super::row::{Kind, Never};
use super::text::Span;
use crate::policy::{BodyAction, List, MimeRule, Pattern};

/// A value that was read and found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Integer`] and [`Kind::Size`].
    Integer(u64),
    /// Of [`Kind::AutoInteger`]; `None`: `Auto`.
    AutoInteger(Option<u64>),
    /// Of [`Kind::Interval`], in milliseconds; `None`: without limit.
    Interval(Option<u64>),
    /// Of [`Kind::Choice`]: the word as in the row.
    Choice(&'static str),
    /// Of [`Kind::Text`], [`Kind::Proxy`], [`Kind::LogTarget`] and [`Kind::User`]; empty: none.
    Text(String),
    /// Of [`Kind::Path`]; `None`: none.
    Path(Option<PathBuf>),
    /// Of [`Kind::Paths`].
    Paths(Vec<PathBuf>),
    /// Of [`Kind::Address`]; `None`: none.
    Address(Option<SocketAddr>),
    /// Of [`Kind::Addresses`].
    Addresses(Vec<SocketAddr>),
    /// Of [`Kind::Uplinks`].
    Uplinks(Vec<Uplink>),
    /// Of [`Kind::Sites`].
    Sites(Sites),
    /// Of [`Kind::MimeRules`].
    MimeRules(Vec<MimeRule>),
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
    fn new(at: Span, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            remedy: None,
            out_of_range: false,
        }
    }
}

/// Reads a value of a kind; `None` for an empty one that means "back to the default".
pub(super) fn parse(kind: Kind, raw: &str) -> Result<Option<Value>, ValueFault> {
    if kind.is_list() {
        return list(kind, &items(raw)?).map(Some);
    }
    let at = Span {
        start: 0,
        length: raw.len(),
    };
    let text = unquote(raw, at)?;
    let fault = |message: String| ValueFault::new(at, message);
    if text.is_empty() {
        return match kind {
            Kind::Text | Kind::Proxy => Ok(Some(Value::Text(text))),
            Kind::Path => Ok(Some(Value::Path(None))),
            Kind::Address => Ok(Some(Value::Address(None))),
            Kind::User => Err(fault("an empty user lets no component start".to_owned())),
            _ => Ok(None),
        };
    }
    let value = match kind {
        Kind::Switch => switch(&text)
            .map(Value::Switch)
            .ok_or_else(|| fault(expected(&text, "Yes or No"))),
        Kind::Integer { min, max } => integer(&text, at, min, max).map(Value::Integer),
        Kind::AutoInteger { .. } if text.eq_ignore_ascii_case("Auto") => {
            Ok(Value::AutoInteger(None))
        }
        Kind::AutoInteger { min, max } => {
            integer(&text, at, min, max).map(|number| Value::AutoInteger(Some(number)))
        }
        Kind::Interval {
            min_ms,
            max_ms,
            never,
        } => interval(&text, at, (min_ms, max_ms), never).map(Value::Interval),
        Kind::Size { min, max } => size(&text, at, min, max).map(Value::Integer),
        Kind::Choice(words) => choice(&text, words).map(Value::Choice).map_err(fault),
        Kind::Path => Ok(Value::Path(Some(PathBuf::from(text)))),
        Kind::Address => address::socket(&text)
            .map(|found| Value::Address(Some(found)))
            .map_err(fault),
        Kind::Text => Ok(Value::Text(text)),
        Kind::Proxy => address::proxy(&text)
            .map(|()| Value::Text(text))
            .map_err(fault),
        Kind::LogTarget => address::log_target(&text)
            .map(|()| Value::Text(text))
            .map_err(fault),
        Kind::User => address::user(&text)
            .map(|()| Value::Text(text))
            .map_err(fault),
        Kind::Paths | Kind::Addresses | Kind::Uplinks | Kind::Sites | Kind::MimeRules => {
            return Ok(None);
        }
    };
    value.map(Some)
}

/// Adds the items of another line to a list.
pub(super) fn append(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Paths(all), Value::Paths(more)) => all.extend(more),
        (Value::Addresses(all), Value::Addresses(more)) => all.extend(more),
        (Value::Uplinks(all), Value::Uplinks(more)) => all.extend(more),
        (Value::MimeRules(all), Value::MimeRules(more)) => all.extend(more),
        (Value::Sites(all), Value::Sites(more)) => {
            all.list.append(more.list);
            all.files.extend(more.files);
        }
        (value, more) => *value = more,
    }
}

fn list(kind: Kind, items: &[Item<'_>]) -> Result<Value, ValueFault> {
    let fault = |item: &Item<'_>, message: String| ValueFault::new(item.at, message);
    let texts = || {
        items
            .iter()
            .map(|item| Ok((item, unquote(item.raw, item.at)?)))
    };
    match kind {
        Kind::Paths => {
            let paths: Result<_, ValueFault> =
                texts().map(|found| Ok(PathBuf::from(found?.1))).collect();
            paths.map(Value::Paths)
        }
        Kind::Addresses => {
            let read = |found: Result<(&Item<'_>, String), ValueFault>| {
                let (item, text) = found?;
                address::socket(&text).map_err(|message| fault(item, message))
            };
            texts()
                .map(read)
                .collect::<Result<_, _>>()
                .map(Value::Addresses)
        }
        Kind::Uplinks => {
            let read = |found: Result<(&Item<'_>, String), ValueFault>| {
                let (item, text) = found?;
                Uplink::parse(&text).map_err(|message| fault(item, message))
            };
            texts()
                .map(read)
                .collect::<Result<_, _>>()
                .map(Value::Uplinks)
        }
        Kind::Sites => sites(items).map(Value::Sites),
        // A rule consists of words, so it needs no quotes for its blanks.
        Kind::MimeRules => items
            .iter()
            .map(mime_rule)
            .collect::<Result<_, _>>()
            .map(Value::MimeRules),
        Kind::Switch
        | Kind::Integer { .. }
        | Kind::AutoInteger { .. }
        | Kind::Interval { .. }
        | Kind::Size { .. }
        | Kind::Choice(_)
        | Kind::Text
        | Kind::Path
        | Kind::Address
        | Kind::Proxy
        | Kind::LogTarget
        | Kind::User => Err(ValueFault::new(Span::default(), "this is no list")),
    }
}

fn sites(items: &[Item<'_>]) -> Result<Sites, ValueFault> {
    let mut sites = Sites::default();
    for item in items {
        let function = item
            .raw
            .strip_prefix("file(")
            .and_then(|rest| rest.strip_suffix(')'));
        let text = unquote(function.unwrap_or(item.raw).trim(), item.at)?;
        let path = if function.is_some() {
            Some(text.as_str())
        } else {
            text.strip_prefix('@')
        };
        match path {
            Some("") => {
                return Err(ValueFault::new(
                    item.at,
                    "the name of the list file is missing",
                ));
            }
            Some(path) => sites.files.push(PathBuf::from(path)),
            None => {
                let added = sites.list.add(&text);
                added.map_err(|entry| ValueFault::new(item.at, format!("\"{text}\": {entry}")))?;
            }
        }
    }
    Ok(sites)
}

/// `<mime> <action>` or `<mime> <action> <size|all> <action>`.
fn mime_rule(item: &Item<'_>) -> Result<MimeRule, ValueFault> {
    let fault = |message: String| ValueFault {
        remedy: Some("a rule is \"image/* pass\" or \"video/* scan 100MB pass\"".to_owned()),
        ..ValueFault::new(item.at, message)
    };
    let text = if item.raw.starts_with('"') {
        unquote(item.raw, item.at)?
    } else {
        item.raw.to_owned()
    };
    let mut words = text.split_ascii_whitespace();
    let pattern = Pattern::parse(words.next().unwrap_or_default())
        .map_err(|pattern| fault(pattern.to_string()))?;
    let mut action = || {
        let word = words.next().unwrap_or_default();
        BodyAction::parse(word).ok_or_else(|| fault(expected(word, "scan, pass or reject")))
    };
    let first = action()?;
    let limit = words.next();
    let above = match limit {
        None => None,
        Some(size) => {
            let word = words.next().unwrap_or_default();
            let second = BodyAction::parse(word)
                .ok_or_else(|| fault(expected(word, "scan, pass or reject")))?;
            if size.eq_ignore_ascii_case("all") {
                None
            } else {
                Some((
                    size_bytes(size).map_err(|why| fault(why.to_owned()))?,
                    second,
                ))
            }
        }
    };
    match words.next() {
        Some(extra) => Err(fault(format!("\"{extra}\" is too much for a rule"))),
        None => Ok(MimeRule {
            pattern,
            action: first,
            above,
        }),
    }
}

fn switch(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["Yes", "On", "True"]) {
        return Some(true);
    }
    is(["No", "Off", "False"]).then_some(false)
}

fn choice(text: &str, words: &[&'static str]) -> Result<&'static str, String> {
    let found = words.iter().find(|word| text.eq_ignore_ascii_case(word));
    found
        .copied()
        .ok_or_else(|| expected(text, &format!("one of {}", words.join(", "))))
}

fn integer(text: &str, at: Span, min: u64, max: u64) -> Result<u64, ValueFault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ValueFault::new(
            at,
            expected(text, &format!("a whole number from {min} to {max}")),
        ));
    }
    let number = text
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| out_of_range(text, at, &min.to_string(), &max.to_string()))
}

fn size(text: &str, at: Span, min: u64, max: u64) -> Result<u64, ValueFault> {
    let bytes =
        size_bytes(text).map_err(|why| ValueFault::new(at, format!("\"{text}\": {why}")))?;
    let fits = (min..=max).contains(&bytes);
    fits.then_some(bytes)
        .ok_or_else(|| out_of_range(text, at, &show_size(min), &show_size(max)))
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
    ValueFault {
        out_of_range: true,
        ..ValueFault::new(at, message)
    }
}

pub(super) fn expected(found: &str, wanted: &str) -> String {
    if found.is_empty() {
        return format!("expected {wanted}");
    }
    format!("\"{found}\": expected {wanted}")
}

/// One item of a list, and where it is in the value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'v> {
    raw: &'v str,
    at: Span,
}

/// The items of a list: separated by commas outside of quotes. An empty value is an empty list.
fn items(raw: &str) -> Result<Vec<Item<'_>>, ValueFault> {
    let mut list = Vec::new();
    let mut start = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    let end = std::iter::once((raw.len(), ','));
    for (at, letter) in raw.char_indices().chain(end) {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted || at == raw.len() => {
                let part = raw.get(start..at).unwrap_or_default();
                let lead = part.len().saturating_sub(part.trim_start().len());
                let item = Item {
                    raw: part.trim(),
                    at: Span {
                        start: start.saturating_add(lead),
                        length: part.trim().len(),
                    },
                };
                if item.raw.is_empty() && !raw.is_empty() {
                    let at = Span {
                        start: at.min(raw.len().saturating_sub(1)),
                        length: 1,
                    };
                    return Err(ValueFault::new(at, "an item is missing beside this comma"));
                }
                if !item.raw.is_empty() {
                    list.push(item);
                }
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    Ok(list)
}

/// The text of a value without its quotes.
fn unquote(raw: &str, at: Span) -> Result<String, ValueFault> {
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
    let (value, rest) = raw.split_at_checked(blank).unwrap_or((raw, ""));
    let remedy = if rest.trim_start().starts_with([';', '#']) {
        "a comment needs a line of its own".to_owned()
    } else {
        format!(
            "write \"{}\", or {value} alone",
            raw.replace('\\', "\\\\").replace('"', "\\\"")
        )
    };
    Err(ValueFault {
        remedy: Some(remedy),
        ..ValueFault::new(at, "a value with blanks needs quotes")
    })
}
