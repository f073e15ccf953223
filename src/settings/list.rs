//! List values: their items, with the place of each, and what an item can be.
//!
//! Items are separated by commas outside of quotes. A list of sites may name files: `@/path/to/file` or
//! `file("path")`; reading them is the edge's business.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::address::{self, Uplink};
use super::answer;
use super::quantity::size_bytes;
use super::row::Kind;
use super::text::Span;
use super::value::{Ads, Sites, Value, ValueFault, choice, expected, unquote};
use crate::policy::directory::Server;
use crate::policy::reputation::DnsList;
use crate::policy::{BodyAction, Category, ExpressionFault, MimeRule, Networks, Pattern};

pub(super) fn list(kind: Kind, items: &[Item<'_>]) -> Result<Value, ValueFault> {
    let fault = |item: &Item<'_>, message: String| ValueFault::new(item.at, message);
    match kind {
        Kind::Words(words) => each(items, |text| choice(text, words)).map(Value::Words),
        Kind::Paths => each(items, |text| Ok(PathBuf::from(text))).map(Value::Paths),
        Kind::Addresses => each(items, address::socket).map(Value::Addresses),
        Kind::Listeners => {
            items.iter().map(listener).collect::<Result<_, _>>().map(Value::Listeners)
        }
        Kind::Names => items.iter().map(name).collect::<Result<_, _>>().map(Value::Names),
        Kind::Uplinks => each(items, Uplink::parse).map(Value::Uplinks),
        // A list consists of words, too.
        Kind::DnsLists => {
            let read = |item: &Item<'_>| {
                let text = words(item)?;
                DnsList::parse(&text).map_err(|why| fault(item, why.to_string()))
            };
            items.iter().map(read).collect::<Result<_, _>>().map(Value::DnsLists)
        }
        Kind::CategoryNames => {
            items.iter().map(category_name).collect::<Result<_, _>>().map(Value::CategoryNames)
        }
        Kind::LdapServers => {
            each(items, |text| Server::parse(text).map_err(|why| format!("\"{text}\": {why}")))
                .map(Value::LdapServers)
        }
        Kind::Attributes => each(items, attribute).map(Value::Attributes),
        Kind::Sites => sites(items).map(Value::Sites),
        Kind::Networks => {
            let read =
                |text: &str| Networks::parse(text).map_err(|why| format!("\"{text}\": {why}"));
            let mut all = Networks::default();
            each(items, read)?.iter().for_each(|networks| all.append(networks));
            Ok(Value::Networks(all))
        }
        Kind::Types => {
            each(items, |text| Pattern::parse(text).map_err(|why| format!("\"{text}\": {why}")))
                .map(Value::Types)
        }
        Kind::Expressions => ads(items).map(Value::Expressions),
        // A rule consists of words, so it needs no quotes for its blanks.
        Kind::MimeRules => {
            items.iter().map(mime_rule).collect::<Result<_, _>>().map(Value::MimeRules)
        }
        Kind::Switch
        | Kind::Integer { .. }
        | Kind::AutoInteger { .. }
        | Kind::Interval { .. }
        | Kind::Size { .. }
        | Kind::SizeOrNone { .. }
        | Kind::Choice(_)
        | Kind::Text
        | Kind::Path
        | Kind::Address
        | Kind::Service
        | Kind::LdapFilter
        | Kind::Proxy
        | Kind::Field
        | Kind::FieldName
        | Kind::Rules
        | Kind::LogTarget
        | Kind::User => Err(ValueFault::new(Span::default(), "this is no list")),
    }
}

/// Items that are read one by one; what is wrong with one is at its place.
fn each<T>(
    items: &[Item<'_>],
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, ValueFault> {
    let texts = items.iter().map(|item| (item, unquote(item.raw, item.at)));
    let read =
        texts.map(|(item, text)| read(&text?).map_err(|message| ValueFault::new(item.at, message)));
    read.collect()
}

/// The name of an attribute of LDAP.
fn attribute(text: &str) -> Result<Box<str>, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let fits = !text.is_empty() && text.bytes().all(is_name);
    fits.then(|| text.into()).ok_or_else(|| expected(text, "the name of an attribute"))
}

/// An address and a word need no quotes for the blank between them.
fn listener(item: &Item<'_>) -> Result<(SocketAddr, &'static str), ValueFault> {
    let text = words(item)?;
    answer::listener(&text).map_err(|message| ValueFault::new(item.at, message))
}

fn name(item: &Item<'_>) -> Result<String, ValueFault> {
    let text = unquote(item.raw, item.at)?;
    answer::name(text).map_err(|message| ValueFault::new(item.at, message))
}

fn sites(items: &[Item<'_>]) -> Result<Sites, ValueFault> {
    let mut sites = Sites::default();
    for item in items {
        match entry_or_file(item)? {
            EntryOrFile::File(path) => sites.files.push(path),
            EntryOrFile::Entry(text) => {
                let added = sites.list.add(&text);
                added.map_err(|entry| ValueFault::new(item.at, format!("\"{text}\": {entry}")))?;
            }
        }
    }
    Ok(sites)
}

fn ads(items: &[Item<'_>]) -> Result<Ads, ValueFault> {
    let mut ads = Ads::default();
    for item in items {
        match entry_or_file(item)? {
            EntryOrFile::File(path) => ads.files.push(path),
            EntryOrFile::Entry(text) => {
                ads.list.add(&text).map_err(|fault| expression_fault(item, &text, &fault))?;
            }
        }
    }
    Ok(ads)
}

/// Points at the place in the expression, where backslashes and quotes do not shift it.
fn expression_fault(item: &Item<'_>, text: &str, fault: &ExpressionFault) -> ValueFault {
    let quote = usize::from(item.raw.starts_with('"'));
    let is_verbatim = item.raw.len() == text.len().saturating_add(quote.saturating_mul(2));
    let at = if is_verbatim && matches!(fault, ExpressionFault::Syntax { .. }) {
        let before = fault.column().saturating_sub(1).saturating_add(quote);
        let start = item.at.start.saturating_add(before.min(item.raw.len().saturating_sub(1)));
        Span { start, length: 1 }
    } else {
        item.at
    };
    ValueFault::new(at, format!("\"{text}\": {fault}"))
}

/// What stands in a list: an entry, or the name of a file with more of them.
enum EntryOrFile {
    Entry(String),
    File(PathBuf),
}

fn entry_or_file(item: &Item<'_>) -> Result<EntryOrFile, ValueFault> {
    let function = item.raw.strip_prefix("file(").and_then(|rest| rest.strip_suffix(')'));
    let text = unquote(function.unwrap_or(item.raw).trim(), item.at)?;
    let path = if function.is_some() { Some(text.as_str()) } else { text.strip_prefix('@') };
    match path {
        Some("") => Err(ValueFault::new(item.at, "the name of the list file is missing")),
        Some(path) => Ok(EntryOrFile::File(PathBuf::from(path))),
        None => Ok(EntryOrFile::Entry(text)),
    }
}

/// Words, which need no quotes for the blanks between them.
fn words(item: &Item<'_>) -> Result<String, ValueFault> {
    if item.raw.starts_with('"') { unquote(item.raw, item.at) } else { Ok(item.raw.to_owned()) }
}

/// `word=Category`.
fn category_name(item: &Item<'_>) -> Result<(String, Category), ValueFault> {
    let text = unquote(item.raw, item.at)?;
    let fault = |message: String| ValueFault::new(item.at, message);
    let (word, category) = text
        .split_once('=')
        .filter(|(word, _)| !word.trim().is_empty())
        .ok_or_else(|| fault(expected(&text, "word=category, as in betting=Gambling")))?;
    let category = Category::named(category.trim())
        .ok_or_else(|| fault(format!("there is no category \"{}\"", category.trim())))?;
    Ok((word.trim().to_lowercase(), category))
}

/// `<mime> <action>` or `<mime> <action> <size|all> <action>`.
fn mime_rule(item: &Item<'_>) -> Result<MimeRule, ValueFault> {
    let fault = |message: String| ValueFault {
        remedy: Some("a rule is \"image/* pass\" or \"video/* scan 100MB pass\"".to_owned()),
        ..ValueFault::new(item.at, message)
    };
    let text = words(item)?;
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
                Some((size_bytes(size).map_err(|why| fault(why.to_owned()))?, second))
            }
        }
    };
    match words.next() {
        Some(extra) => Err(fault(format!("\"{extra}\" is too much for a rule"))),
        None => Ok(MimeRule { pattern, action: first, above }),
    }
}

/// One item of a list, and where it is in the value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'v> {
    raw: &'v str,
    at: Span,
}

/// The items of a list: separated by commas outside of quotes. An empty value is an empty list.
pub(super) fn items(raw: &str) -> Result<Vec<Item<'_>>, ValueFault> {
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
                    at: Span { start: start.saturating_add(lead), length: part.trim().len() },
                };
                if item.raw.is_empty() && !raw.is_empty() {
                    let at = Span { start: at.min(raw.len().saturating_sub(1)), length: 1 };
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
