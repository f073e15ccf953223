//! From a regex as ClamAV takes it to one that the crate takes.
//!
//! The crate has no switch for `E`, `U` or `A`, none for limits, and takes a pattern as text. PCRE2
//! itself has ways to say all of these inside a pattern: limits and `(?U)` in front, `\z` for a `$`
//! at the very end, `\xHH` for a byte. Everything else is passed on as it is.

use std::fmt;

use pcre2::bytes::{Regex, RegexBuilder};

use super::flags::RegexFlags;

/// Why a regex cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexFault {
    /// Bytes from the start of the regex.
    pub at: usize,
    /// What is wrong there.
    pub text: Box<str>,
}

impl fmt::Display for RegexFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "regex, byte {}: {}", self.at, self.text)
    }
}

impl std::error::Error for RegexFault {}

/// Whether a regex can be used, for whoever loads it.
///
/// # Errors
///
/// [`RegexFault`] with the place in the regex.
pub fn check(pattern: &[u8], flags: RegexFlags) -> Result<(), RegexFault> {
    compile(pattern, flags, STEPS_MAX).map(|_regex| ())
}

/// Compiles with a limit of so many steps for each place where a match may begin.
pub(super) fn compile(
    pattern: &[u8],
    flags: RegexFlags,
    steps_max: u32,
) -> Result<Regex, RegexFault> {
    let translated = Translated::of(pattern, flags)?;
    let text = format!("{}{}", limits(steps_max), translated.text);
    builder(flags).build(&text).map_err(|error| {
        let prefix = limits(steps_max).len();
        let at = error.offset().unwrap_or(0).saturating_sub(prefix);
        RegexFault { at: translated.original(at), text: message(&error.to_string()) }
    })
}

/// As [`compile`], but a match has to begin where the search does; `None` when the regex cannot be
/// put into a group (an open comment in it).
pub(super) fn compile_here(pattern: &[u8], flags: RegexFlags, steps_max: u32) -> Option<Regex> {
    let Translated { text, head_bytes, .. } = Translated::of(pattern, flags).ok()?;
    let (head, body) = text.split_at_checked(head_bytes)?;
    // A comment of an extended regex goes to the end of the line.
    let close = if flags.has(RegexFlags::EXTENDED) { "\n)" } else { ")" };
    let text = format!("{}{head}\\G(?:{body}{close}", limits(steps_max));
    builder(flags).build(&text).ok()
}

/// The regex as PCRE2 gets it, without limits; nothing when it has switches at its start.
pub(super) fn as_pcre2_reads_it(pattern: &[u8], flags: RegexFlags) -> Option<String> {
    let Translated { text, head_bytes, .. } = Translated::of(pattern, flags).ok()?;
    (head_bytes == 0).then_some(text)
}

fn limits(steps_max: u32) -> String {
    // Steps inside each other cannot be more than steps; what they take is bounded by the heap.
    format!("(*LIMIT_MATCH={steps_max})(*LIMIT_DEPTH={steps_max})(*LIMIT_HEAP={HEAP_KIB_MAX})")
}

fn builder(flags: RegexFlags) -> RegexBuilder {
    let mut builder = RegexBuilder::new();
    builder
        .caseless(flags.has(RegexFlags::CASELESS))
        .dotall(flags.has(RegexFlags::DOT_ALL))
        .multi_line(flags.has(RegexFlags::MULTI_LINE))
        .extended(flags.has(RegexFlags::EXTENDED))
        .utf(false)
        .ucp(false)
        .jit(false);
    builder
}

/// The part of the crate's message that speaks of the regex; its offset is that of our text.
fn message(text: &str) -> Box<str> {
    text.rsplit_once(": ").map_or(text, |(_, message)| message).into()
}

/// A regex as text, and where each piece of it comes from.
struct Translated {
    text: String,
    /// Bytes of the switches at its start, which nothing may come before.
    head_bytes: usize,
    /// Pieces: where in the text, where in the original.
    marks: Vec<(usize, usize)>,
}

impl Translated {
    fn of(pattern: &[u8], flags: RegexFlags) -> Result<Self, RegexFault> {
        let head_bytes = head(pattern)?;
        let mut walk = Walk {
            pattern,
            at: 0,
            mode: Mode::Plain,
            only_end: flags.has(RegexFlags::DOLLAR_END) && !flags.has(RegexFlags::MULTI_LINE),
            extended: flags.has(RegexFlags::EXTENDED),
            out: Self { text: String::new(), head_bytes: 0, marks: Vec::new() },
        };
        while walk.at < head_bytes {
            walk.copy(1);
        }
        walk.out.head_bytes = walk.out.text.len();
        if flags.has(RegexFlags::UNGREEDY) {
            walk.out.text.push_str("(?U)");
        }
        while walk.at < pattern.len() {
            walk.step()?;
        }
        Ok(walk.out)
    }

    /// The place in the original of a place in the text.
    fn original(&self, at: usize) -> usize {
        let next = self.marks.partition_point(|mark| mark.0 <= at);
        let mark = next.checked_sub(1).and_then(|last| self.marks.get(last));
        mark.map_or(0, |mark| mark.1.saturating_add(at.saturating_sub(mark.0).min(1)))
    }
}

/// Bytes of the switches `(*NAME)` that are valid at the very start only.
fn head(pattern: &[u8]) -> Result<usize, RegexFault> {
    let mut at = 0_usize;
    while let Some(rest) = pattern.get(at..).and_then(|rest| rest.strip_prefix(b"(*")) {
        let Some(length) = rest.iter().position(|byte| *byte == b')') else { break };
        let name = rest.get(..length).unwrap_or_default();
        let name = name.split(|byte| *byte == b'=').next().unwrap_or_default();
        if matches!(name, b"UTF" | b"UTF8" | b"UCP") {
            let text = "characters of several bytes: regexes are matched by bytes".into();
            return Err(RegexFault { at, text });
        }
        if !START_SWITCHES.contains(&name) {
            break;
        }
        at = at.saturating_add(length).saturating_add(3);
    }
    Ok(at)
}

/// Where in a regex a byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// In `[…]`; whether it is right at its start, where a `]` is a member.
    Class {
        begun: bool,
    },
    /// In `\Q…\E`; and whether that is in a class.
    Quote {
        in_class: bool,
    },
    /// In `(?#…)`.
    Comment,
    /// In `#…` of an extended regex.
    LineComment,
}

struct Walk<'p> {
    pattern: &'p [u8],
    at: usize,
    mode: Mode,
    only_end: bool,
    extended: bool,
    out: Translated,
}

impl<'p> Walk<'p> {
    fn rest(&self) -> &'p [u8] {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    /// Passes bytes on; those that are not ASCII as numbers.
    fn copy(&mut self, count: usize) {
        for _ in 0..count {
            let Some(byte) = self.pattern.get(self.at).copied() else { return };
            self.out.marks.push((self.out.text.len(), self.at));
            match (byte.is_ascii(), self.mode) {
                (true, _) => self.out.text.push(char::from(byte)),
                (false, Mode::Quote { .. }) => {
                    self.out.text.push_str(&format!("\\E\\x{byte:02x}\\Q"));
                }
                (false, _) => self.out.text.push_str(&format!("\\x{byte:02x}")),
            }
            self.at = self.at.saturating_add(1);
        }
    }

    fn step(&mut self) -> Result<(), RegexFault> {
        match self.mode {
            Mode::Plain => return self.plain(),
            Mode::Class { begun } => self.class(begun),
            Mode::Quote { in_class } => {
                if self.rest().starts_with(b"\\E") {
                    self.copy(2);
                    let begun = Mode::Class { begun: true };
                    self.mode = if in_class { begun } else { Mode::Plain };
                } else {
                    self.copy(1);
                }
            }
            Mode::Comment => {
                if self.rest().first() == Some(&b')') {
                    self.mode = Mode::Plain;
                }
                self.copy(1);
            }
            Mode::LineComment => {
                if self.rest().first() == Some(&b'\n') {
                    self.mode = Mode::Plain;
                }
                self.copy(1);
            }
        }
        Ok(())
    }

    fn plain(&mut self) -> Result<(), RegexFault> {
        match self.rest() {
            [b'\\', b'Q', ..] => {
                self.copy(2);
                self.mode = Mode::Quote { in_class: false };
            }
            [b'\\', ..] => self.escape(),
            [b'[', ..] => {
                self.copy(1);
                self.mode = Mode::Class { begun: false };
            }
            [b'(', b'?', b'#', ..] => {
                self.copy(3);
                self.mode = Mode::Comment;
            }
            [b'(', b'?', rest @ ..] => {
                self.switches(rest)?;
                self.copy(2);
            }
            [b'#', ..] if self.extended => {
                self.copy(1);
                self.mode = Mode::LineComment;
            }
            [b'$', ..] if self.only_end => {
                self.out.marks.push((self.out.text.len(), self.at));
                self.out.text.push_str("\\z");
                self.at = self.at.saturating_add(1);
            }
            _ => self.copy(1),
        }
        Ok(())
    }

    fn class(&mut self, begun: bool) {
        match self.rest() {
            [b'\\', b'Q', ..] => {
                self.copy(2);
                self.mode = Mode::Quote { in_class: true };
                return;
            }
            [b'\\', ..] => self.escape(),
            [b'^', ..] if !begun => {
                self.copy(1);
                // A bracket right after it is still a member.
                if self.rest().first() == Some(&b']') {
                    self.copy(1);
                }
            }
            [b']', ..] if begun => {
                self.copy(1);
                self.mode = Mode::Plain;
                return;
            }
            // `[:alpha:]`: its closing bracket does not end the class.
            [b'[', b':', rest @ ..] => {
                let name =
                    rest.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'^');
                let length = name.count();
                let is_named = rest.get(length..).is_some_and(|rest| rest.starts_with(b":]"));
                self.copy(if is_named { length.saturating_add(4) } else { 1 });
            }
            _ => self.copy(1),
        }
        self.mode = Mode::Class { begun: true };
    }

    /// A backslash and what follows. Before a byte that is not ASCII it means nothing.
    fn escape(&mut self) {
        match self.rest() {
            [_, byte, ..] if !byte.is_ascii() => {
                self.at = self.at.saturating_add(1);
                self.copy(1);
            }
            _ => self.copy(2),
        }
    }

    /// Switches inside the regex that would change what was decided about `$` and `#`.
    fn switches(&mut self, rest: &[u8]) -> Result<(), RegexFault> {
        let count = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let ends = matches!(rest.get(count), Some(b')' | b':' | b'-'));
        let on = rest.get(..count).unwrap_or_default();
        if ends && self.only_end && on.contains(&b'm') {
            let text = "(?m) together with the flag E".into();
            return Err(RegexFault { at: self.at, text });
        }
        if ends && on.contains(&b'x') {
            self.extended = true;
        }
        Ok(())
    }
}

/// ClamAV's match limit: more is tried at few places only.
pub(super) const STEPS_MAX: u32 = 100_000;
/// PCRE2 would take 20 GB.
const HEAP_KIB_MAX: u32 = 64 << 10;

/// What PCRE2 takes at the very start of a pattern and nowhere else.
const START_SWITCHES: [&[u8]; 17] = [
    b"ANY",
    b"ANYCRLF",
    b"BSR_ANYCRLF",
    b"BSR_UNICODE",
    b"CR",
    b"CRLF",
    b"LF",
    b"LIMIT_DEPTH",
    b"LIMIT_HEAP",
    b"LIMIT_MATCH",
    b"LIMIT_RECURSION",
    b"NOTEMPTY",
    b"NOTEMPTY_ATSTART",
    b"NO_AUTO_POSSESS",
    b"NO_DOTSTAR_ANCHOR",
    b"NO_START_OPT",
    b"NUL",
];
