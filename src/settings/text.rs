//! The settings file as text: lines with positions, nothing lost.
//!
//! A line is empty, a comment (`;` or `#` in front), a section (`[Name]`) or an entry (`Key = value`).
//! What it is decides nothing about what it means: unknown names are found later. Putting all lines
//! together again gives the text, byte for byte, so that a program can change one line and leave
//! the others alone.

/// A settings file, cut into lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document<'t> {
    /// The lines in order.
    pub lines: Vec<Line<'t>>,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'t> {
    /// Counted from 1.
    pub number: u32,
    /// The line without its end.
    pub text: &'t str,
    /// `\n`, `\r\n`, or nothing at the end of the file.
    pub ending: &'t str,
    /// What it is.
    pub form: Form,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Only blanks.
    Empty,
    /// A comment.
    Comment,
    /// `[Name]`: where the name is.
    Section(Span),
    /// `Key = value`: where both are, without the blanks around them.
    Entry {
        /// The key.
        key: Span,
        /// The value; empty for `Key =`.
        value: Span,
    },
    /// None of these: where, and what was expected.
    Fault {
        /// The part that is wrong.
        at: Span,
        /// What should be there.
        expected: &'static str,
    },
}

/// A part of a line, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Bytes before it.
    pub start: usize,
    /// Bytes in it.
    pub length: usize,
}

impl Span {
    /// The part itself.
    #[must_use]
    pub fn of(self, line: &str) -> &str {
        line.get(self.start..self.start.saturating_add(self.length)).unwrap_or_default()
    }

    /// This part of a part that begins at `start`.
    #[must_use]
    pub const fn moved(self, start: usize) -> Self {
        Self { start: self.start.saturating_add(start), length: self.length }
    }
}

impl<'t> Document<'t> {
    /// Cuts a text into lines.
    #[must_use]
    pub fn parse(text: &'t str) -> Self {
        let lines = text.split_inclusive('\n').enumerate().map(|(index, whole)| {
            let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
            let text = whole
                .strip_suffix('\n')
                .map_or(whole, |line| line.strip_suffix('\r').unwrap_or(line));
            let ending = whole.get(text.len()..).unwrap_or_default();
            Line { number, text, ending, form: form(text, number) }
        });
        Self { lines: lines.collect() }
    }

    /// The text again.
    #[must_use]
    pub fn render(&self) -> String {
        self.lines.iter().flat_map(|line| [line.text, line.ending]).collect()
    }
}

fn form(line: &str, number: u32) -> Form {
    // An editor's byte order mark is no part of the first name.
    let mark = if number == 1 { BYTE_ORDER_MARK } else { "" };
    let all = trimmed(line, line.strip_prefix(mark).unwrap_or(line));
    let text = all.of(line);
    match text.chars().next() {
        None => Form::Empty,
        Some(';' | '#') => Form::Comment,
        Some('[') => section(line, all),
        Some(_) => match text.split_once('=') {
            Some((key, value)) => {
                let key = trimmed(line, key);
                if key.length == 0 {
                    return Form::Fault { at: all, expected: "a setting's name before '='" };
                }
                Form::Entry { key, value: trimmed(line, value) }
            }
            None => Form::Fault {
                at: all,
                expected: "[Section], Key = value, or a comment that begins with ;",
            },
        },
    }
}

fn section(line: &str, all: Span) -> Form {
    let inside = all.of(line).strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inside.map(|name| trimmed(line, name)) {
        Some(name) if name.length > 0 => Form::Section(name),
        Some(_) | None => {
            Form::Fault { at: all, expected: "a section's name in brackets, alone on its line" }
        }
    }
}

/// Where `part`, a slice of `line`, is without the blanks around it.
fn trimmed(line: &str, part: &str) -> Span {
    let text = part.trim();
    // Both point into the same line, so the difference of their addresses is the distance in bytes.
    let start = text.as_ptr().addr().saturating_sub(line.as_ptr().addr());
    Span { start, length: text.len() }
}

const BYTE_ORDER_MARK: &str = "\u{feff}";
