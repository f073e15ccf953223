//! Lines of `.pdb`, `.wdb` and `.gdb`: lists about links (clamav.md A6.5).
//!
//! A line ends with an optional window of functionality levels, `:17-` or `:17-80`. What stands between
//! the letter and it is one text: `R` and `X` are expressions over `real:display`, in which the colon
//! is one of the expression.

use super::build::BuildOptions;
use super::line::{Field, LineFault, Read, digits};
use crate::engine::links::{Class, LinkRows, RegexUse, compile};

/// Which list a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkList {
    /// `.pdb`: domains that are imitated.
    Imitated,
    /// `.wdb`: pairs and targets that are right.
    Allowed,
    /// `.gdb`: digests of addresses.
    Digests,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LinkLine {
    /// `H`
    Domain(Box<str>),
    /// `M`
    Pair(Box<str>, Box<str>),
    /// `R`, `X`, `Y`
    Regex(RegexUse, Box<str>),
    /// `S:F`, `S:W`
    Digest([u8; 32], Class),
    /// `S:P`: the first bytes of another line.
    Prefix,
}

impl LinkLine {
    /// Puts the line into its table.
    pub(super) fn add_to(self, rows: &mut LinkRows) {
        match self {
            Self::Domain(host) => rows.domains.push(host),
            Self::Pair(real, shown) => rows.pairs.push((real, shown)),
            Self::Regex(purpose, text) => rows.regexes.push((purpose, text)),
            Self::Digest(digest, class) => rows.digests.push((digest, class)),
            Self::Prefix => {}
        }
    }
}

/// Reads one line of a list.
pub(super) fn parse(
    line: &[u8],
    list: LinkList,
    options: &BuildOptions,
) -> Result<Read<LinkLine>, LineFault> {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let (mark, rest) = line.split_at_checked(colon).unwrap_or((line, &[]));
    let Some((_, rest)) = rest.split_first() else {
        return Err(LineFault::rule(line.len(), "a letter, ':' and what it is about are wanted"));
    };
    let at = colon.saturating_add(1);
    let (text, is_wanted) = window(Field { at, text: rest }, options.level)?;
    if !is_wanted {
        return Ok(Read::ByLevel);
    }
    // Behind R, H, X, Y and M there may be flags of a filter that nobody uses any more.
    let read = match (list, mark) {
        (LinkList::Imitated, [b'H', ..]) => LinkLine::Domain(host(text)?),
        (LinkList::Imitated, [b'R', ..]) => expression(RegexUse::Imitated, text)?,
        (LinkList::Allowed, [b'X', ..]) => expression(RegexUse::AllowedPair, text)?,
        (LinkList::Allowed, [b'Y', ..]) => expression(RegexUse::AllowedReal, text)?,
        (LinkList::Allowed, [b'M', ..]) => pair(text)?,
        (LinkList::Digests, b"S") => digest(text, Class::Malware)?,
        (LinkList::Digests, b"S1") => digest(text, Class::Blocked)?,
        (LinkList::Digests, b"S2") => digest(text, Class::Phishing)?,
        (LinkList::Imitated, _) => return Err(LineFault::rule(0, "H or R is wanted")),
        (LinkList::Allowed, _) => return Err(LineFault::rule(0, "M, X or Y is wanted")),
        (LinkList::Digests, _) => return Err(LineFault::rule(0, "S, S1 or S2 is wanted")),
    };
    Ok(Read::Signature(read))
}

/// Cuts the window of levels off, and says whether `level` is in it.
fn window(field: Field<'_>, level: u32) -> Result<(Field<'_>, bool), LineFault> {
    let Some(colon) = field.text.iter().rposition(|byte| *byte == b':') else {
        return Ok((field, true));
    };
    let (text, last) = field.text.split_at_checked(colon).unwrap_or((field.text, &[]));
    let last = last.get(1..).unwrap_or_default();
    let is_window = last.first().is_some_and(u8::is_ascii_digit)
        && last.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
        && last.contains(&b'-');
    if !is_window {
        return Ok((field, true));
    }
    let at = field.at.saturating_add(colon).saturating_add(1);
    let dash = last.iter().position(|byte| *byte == b'-').unwrap_or(last.len());
    let (min, max) = last.split_at_checked(dash).unwrap_or((last, &[]));
    let max = max.get(1..).unwrap_or_default();
    let level = u64::from(level);
    let max = if max.is_empty() { u64::MAX } else { digits(max, at, "digits of a level")? };
    let is_wanted = (digits(min, at, "digits of a level")?..=max).contains(&level);
    Ok((Field { at: field.at, text }, is_wanted))
}

/// The name of a host, in lower case; a point in front of it means nothing. Published lists have hosts
/// as they stood in a link, escapes included (`www.example.com%a0`).
fn host(field: Field<'_>) -> Result<Box<str>, LineFault> {
    let name = field.text.strip_prefix(b".").unwrap_or(field.text);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._%".contains(byte);
    match name.iter().position(|byte| !is_part(byte)) {
        Some(bad) => {
            let found = name.get(bad).copied();
            let at = field.at.saturating_add(field.text.len().saturating_sub(name.len()));
            Err(LineFault::unexpected(at.saturating_add(bad), found, "the name of a host"))
        }
        None if name.is_empty() || name.len() > HOST_BYTES_MAX => {
            Err(LineFault::rule(field.at, "a host of no letters, or of more than 255"))
        }
        None => Ok(String::from_utf8_lossy(&name.to_ascii_lowercase()).into()),
    }
}

fn pair(field: Field<'_>) -> Result<LinkLine, LineFault> {
    let Some(colon) = field.text.iter().position(|byte| *byte == b':') else {
        return Err(LineFault::rule(field.at, "two hosts with ':' between them are wanted"));
    };
    let (real, shown) = field.text.split_at_checked(colon).unwrap_or((field.text, &[]));
    let at = field.at.saturating_add(colon).saturating_add(1);
    let shown = Field { at, text: shown.get(1..).unwrap_or_default() };
    Ok(LinkLine::Pair(host(Field { at: field.at, text: real })?, host(shown)?))
}

/// An expression is compiled here once, so that a wrong one is a bad line.
fn expression(purpose: RegexUse, field: Field<'_>) -> Result<LinkLine, LineFault> {
    let text = str::from_utf8(field.text).ok().filter(|text| compile(text).is_some());
    match text {
        Some(text) => Ok(LinkLine::Regex(purpose, text.into())),
        None => {
            Err(LineFault::rule(field.at, "not an extended regular expression, or one too large"))
        }
    }
}

/// `P:` and 8 digits, `F:` or `W:` and 64.
fn digest(field: Field<'_>, class: Class) -> Result<LinkLine, LineFault> {
    let (kind, text) = field.text.split_at_checked(2).unwrap_or((field.text, &[]));
    let at = field.at.saturating_add(2);
    let (class, length) = match kind {
        b"P:" => (class, 8),
        b"F:" => (class, 64),
        b"W:" if class == Class::Malware => (Class::Allowed, 64),
        _ => return Err(LineFault::rule(field.at, "P:, F: or W: is wanted")),
    };
    if text.len() != length {
        return Err(LineFault::rule(
            at,
            "8 hexadecimal digits of a prefix, or 64 of a digest, are wanted",
        ));
    }
    let mut bytes = [0; 32];
    for ((slot, pair), at) in bytes.iter_mut().zip(text.as_chunks::<2>().0).zip((at..).step_by(2)) {
        let [high, low] = pair
            .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
        let (Some(high), Some(low)) = (high, low) else {
            return Err(LineFault::unexpected(at, pair.first().copied(), "hexadecimal digits"));
        };
        *slot = high << 4 | low;
    }
    Ok(if length == 8 { LinkLine::Prefix } else { LinkLine::Digest(bytes, class) })
}

/// As in the DNS.
const HOST_BYTES_MAX: usize = 255;
