//! Lines of formats that are understood and not used yet: each is checked, so that a broken list is
//! seen, and counted under the reason why it does nothing (clamav.md A6.1, A6.3, A6.4, A6.6).

use super::line::{Field, Fields, LineFault, Read};
use super::member_line::range;
use super::report::Unsupported;
use crate::engine::links::compile_as_written;

/// Which of these formats a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnusedList {
    /// `.zmd`, `.rmd`: facts about members of containers, as they were written before `.cdb`.
    OldMembers,
    /// `.idb`: icons.
    Icons,
    /// `.crb`: certificates.
    Certificates,
    /// `.cfg`: switches.
    Switches,
    /// `.pwdb`: passwords.
    Passwords,
}

/// Reads one line; a good one is unsupported, or for another level.
pub(super) fn parse(
    line: &[u8],
    list: UnusedList,
    level: u32,
) -> Result<Read<std::convert::Infallible>, LineFault> {
    let (is_wanted, reason) = match list {
        UnusedList::OldMembers => (old_members(line)?, Unsupported::ContainerMetadata),
        UnusedList::Icons => (icon(line)?, Unsupported::Icon),
        UnusedList::Certificates => (certificate(line, level)?, Unsupported::Authenticode),
        UnusedList::Switches => (switch(line, level)?, Unsupported::Switches),
        UnusedList::Passwords => (password(line)?, Unsupported::Passwords),
    };
    Ok(if is_wanted { Read::Unsupported(reason) } else { Read::ByLevel })
}

/// `name:encrypted:file name:real:packed:crc:method:position:depth`.
fn old_members(line: &[u8]) -> Result<bool, LineFault> {
    let fields = Fields::split(line, 9, 9)?;
    not_empty(fields.required(0), "an empty name")?;
    flag(fields.required(1))?;
    file_name(fields.required(2))?;
    for index in [3, 4, 6, 7, 8] {
        range(fields.required(index))?;
    }
    checksum(fields.required(5))?;
    Ok(true)
}

/// `name:group:group:124 digits`.
fn icon(line: &[u8]) -> Result<bool, LineFault> {
    let fields = Fields::split(line, 4, 4)?;
    not_empty(fields.required(0), "an empty name")?;
    let metrics = fields.required(3);
    hex(metrics)?;
    if metrics.text.len() != ICON_DIGITS {
        return Err(LineFault::rule(metrics.at, "124 hexadecimal digits are wanted"));
    }
    Ok(true)
}

/// `name;trusted;subject;serial;key;exponent;code;time;certificate;not before;comment[;min[;max]]`.
fn certificate(line: &[u8], level: u32) -> Result<bool, LineFault> {
    let fields: Vec<Field<'_>> = split(line, b';').collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    if !(11..=13).contains(&fields.len()) {
        return Err(LineFault::rule(line.len(), "11 to 13 fields between ';' are wanted"));
    }
    not_empty(field(0), "an empty name")?;
    for index in [1, 6, 7, 8] {
        if !matches!(field(index).text, b"0" | b"1") {
            return Err(LineFault::rule(field(index).at, "0 or 1 is wanted"));
        }
    }
    for (index, digits, may_be_empty) in [(2, 40, false), (3, 40, true)] {
        let digest = field(index);
        hex(digest)?;
        if digest.text.len() != digits && !(may_be_empty && digest.text.is_empty()) {
            return Err(LineFault::rule(digest.at, "a SHA-1 of 40 hexadecimal digits is wanted"));
        }
    }
    not_empty(field(4), "no key")?;
    hex(field(4))?;
    field(9).number(u64::MAX)?;
    let level = u64::from(level);
    let min = field(11).number(u64::MAX)?;
    let max = if fields.len() > 12 { field(12).number(u64::MAX)? } else { u64::MAX };
    Ok((min..=max).contains(&level))
}

/// `category:0xflags:min:max`.
fn switch(line: &[u8], level: u32) -> Result<bool, LineFault> {
    let fields = Fields::split(line, 2, 4)?;
    if !CATEGORIES.contains(&fields.required(0).text) {
        return Err(LineFault::rule(0, "not a category of switches"));
    }
    let flags = fields.required(1);
    let Some(number) = flags.text.strip_prefix(b"0x") else {
        return Err(LineFault::rule(flags.at, "a number that begins with 0x is wanted"));
    };
    let number = Field { at: flags.at.saturating_add(2), text: number };
    not_empty(number, "a number that begins with 0x is wanted")?;
    hex(number)?;
    fields.in_window(2, 3, level)
}

/// `name;condition;0 or 1;password`, a password of kind 1 in hexadecimal digits.
fn password(line: &[u8]) -> Result<bool, LineFault> {
    let fields: Vec<Field<'_>> = split(line, b';').collect();
    let [name, condition, kind, password] = fields.as_slice() else {
        return Err(LineFault::rule(line.len(), "4 fields between ';' are wanted"));
    };
    not_empty(*name, "an empty name")?;
    not_empty(*condition, "an empty condition")?;
    match kind.text {
        b"0" => {}
        b"1" if password.text.len().is_multiple_of(2) => hex(*password)?,
        b"1" => return Err(LineFault::rule(password.at, "an odd number of hexadecimal digits")),
        _ => return Err(LineFault::rule(kind.at, "0 or 1 is wanted")),
    }
    not_empty(*password, "an empty password").map(|()| true)
}

fn split(line: &[u8], at_byte: u8) -> impl Iterator<Item = Field<'_>> {
    let mut at = 0_usize;
    line.split(move |byte| *byte == at_byte).map(move |text| {
        let field = Field { at, text };
        at = at.saturating_add(text.len()).saturating_add(1);
        field
    })
}

fn not_empty(field: Field<'_>, rule: &'static str) -> Result<(), LineFault> {
    if field.text.is_empty() { Err(LineFault::rule(field.at, rule)) } else { Ok(()) }
}

/// `*` or an extended regular expression.
pub(super) fn file_name(field: Field<'_>) -> Result<(), LineFault> {
    let is_expression =
        || str::from_utf8(field.text).is_ok_and(|text| compile_as_written(text).is_some());
    if field.text == b"*" || is_expression() {
        return Ok(());
    }
    Err(LineFault::rule(field.at, "not an extended regular expression, or one too large"))
}

/// `*`, or whether it is so.
pub(super) fn flag(field: Field<'_>) -> Result<Option<bool>, LineFault> {
    match field.text {
        b"*" => Ok(None),
        b"0" => Ok(Some(false)),
        b"1" => Ok(Some(true)),
        _ => Err(LineFault::rule(field.at, "0, 1 or '*' is wanted")),
    }
}

/// `*` or a CRC-32 in at most 8 hexadecimal digits.
pub(super) fn checksum(field: Field<'_>) -> Result<Option<u32>, LineFault> {
    if field.text == b"*" {
        return Ok(None);
    }
    hex(field)?;
    if field.text.len() > 8 {
        return Err(LineFault::rule(field.at, "a CRC-32 of at most 8 digits is wanted"));
    }
    let text = str::from_utf8(field.text).unwrap_or_default();
    Ok(u32::from_str_radix(text, 16).ok())
}

fn hex(field: Field<'_>) -> Result<(), LineFault> {
    match field.text.iter().position(|byte| !byte.is_ascii_hexdigit()) {
        Some(bad) => {
            let found = field.text.get(bad).copied();
            Err(LineFault::unexpected(field.at.saturating_add(bad), found, "hexadecimal digits"))
        }
        None => Ok(()),
    }
}

const ICON_DIGITS: usize = 124;

/// What a `.cfg` may switch.
const CATEGORIES: [&[u8]; 11] = [
    b"ARCHIVE",
    b"DOCUMENT",
    b"MAIL",
    b"OTHER",
    b"PHISHING",
    b"BYTECODE",
    b"PE",
    b"ELF",
    b"MACHO",
    b"STATS",
    b"PCRE",
];
