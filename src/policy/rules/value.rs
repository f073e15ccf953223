//! What the values of a rule mean: numbers with units, regular expressions, names of things.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library may add errors; all others are told by its words"
)]

use regex::bytes::{RegexSet, RegexSetBuilder};

/// `4096`, `64KB`, `1.5 MB` is not: a whole number with a unit of steps of 1024.
pub(super) fn size(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "a size is a whole number with B, KB, MB or GB behind it";
    let digits =
        text.len().saturating_sub(text.trim_start_matches(|c: char| c.is_ascii_digit()).len());
    let (number, unit) = text.split_at_checked(digits).ok_or(WRONG)?;
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    let unit = unit.trim();
    let units = [
        ("", 0),
        ("b", 0),
        ("k", 10),
        ("kb", 10),
        ("m", 20),
        ("mb", 20),
        ("g", 30),
        ("gb", 30),
        ("t", 40),
        ("tb", 40),
    ];
    let found = units.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name));
    let (_, shift) = found.ok_or(WRONG)?;
    let factor = 1_u64.checked_shl(*shift).ok_or(WRONG)?;
    number.checked_mul(factor).ok_or("the size is too large")
}

/// Names of a proxy's services between commas; nothing, or `None`: no service.
pub(super) fn services(text: &str) -> Result<Box<[Box<str>]>, String> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("None") {
        return Ok(Box::default());
    }
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if names.len() > SERVICES_MAX {
        return Err(format!("a message can go to {SERVICES_MAX} more services"));
    }
    let is_name = |name: &&str| {
        (1..=SERVICE_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&b))
    };
    match names.iter().find(|name| !is_name(name)) {
        Some(name) => Err(format!("\"{name}\": expected the name of a service")),
        None => Ok(names.into_iter().map(Into::into).collect()),
    }
}

/// Regular expressions without regard to case, over bytes: `.` is one byte. `Err` says why, and which
/// of them it is, where that is known.
pub(super) fn regexes(patterns: &[&str]) -> Result<RegexSet, (Option<usize>, String)> {
    let build = |patterns: &[&str]| {
        RegexSetBuilder::new(patterns)
            .unicode(false)
            .case_insensitive(true)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_DFA_BYTES_MAX)
            .nest_limit(REGEX_NEST_MAX)
            .build()
    };
    for (place, pattern) in patterns.iter().enumerate() {
        if pattern.len() > REGEX_TEXT_MAX {
            let why = format!("a regular expression can have {REGEX_TEXT_MAX} bytes");
            return Err((Some(place), why));
        }
        if let Err(error) = build(&[pattern]) {
            return Err((Some(place), said(&error)));
        }
    }
    build(patterns).map_err(|error| (None, said(&error)))
}

/// An error of the library in one line.
fn said(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the regular expressions need more than {limit} bytes when compiled")
        }
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("no regular expression: {last}")
        }
    }
}

/// More services in a row than a proxy would ask.
const SERVICES_MAX: usize = 16;

/// Names in a proxy's configuration are short.
const SERVICE_BYTES_MAX: usize = 128;

/// Compiled expressions of one condition.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// The lazily built automaton of one condition, for each thread that uses it.
const REGEX_DFA_BYTES_MAX: usize = 2 << 20;

const REGEX_NEST_MAX: u32 = 64;

const REGEX_TEXT_MAX: usize = 16 << 10;
