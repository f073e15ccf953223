//! What is wrong with a settings file, where, and what to do about it.
//!
//! A problem is drawn with its line and a caret, for people; the same fields go out as JSON, for
//! programs. The exact text is frozen by golden files.

use std::fmt::Write as _;

use serde::Serialize;

use super::text::{Line, Span};

/// One finding in a settings file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// A fixed word for the kind of problem.
    pub code: Code,
    /// The line, counted from 1; 0 when the problem is the whole file's.
    pub line: u32,
    /// The first character of the place in its line, counted from 1; 0 for the whole file.
    pub column: usize,
    /// Characters in the place.
    pub width: usize,
    /// What was found.
    pub message: String,
    /// What to do; one step each.
    pub remedies: Vec<String>,
    /// The text of the line.
    pub source: String,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The settings cannot be used.
    Error,
    /// They can be used, but hardly mean what was wanted.
    Warning,
    /// Something to know.
    Note,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The kinds of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A line that is no section, entry or comment.
    Syntax,
    /// An entry before the first section.
    NoSection,
    /// No such section.
    UnknownSection,
    /// No such setting in this section.
    UnknownSetting,
    /// Set twice, and it is no list.
    Duplicate,
    /// The value is of another type.
    Value,
    /// The value is of the right type, and too small or too large.
    Range,
    /// The values of two settings do not go together.
    Conflict,
    /// Accepted, and without effect in this version.
    NotInEffect,
    /// The file is too large, or has too many problems.
    TooMuch,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::NoSection => "no-section",
            Self::UnknownSection => "unknown-section",
            Self::UnknownSetting => "unknown-setting",
            Self::Duplicate => "duplicate",
            Self::Value => "value",
            Self::Range => "range",
            Self::Conflict => "conflict",
            Self::NotInEffect => "not-in-effect",
            Self::TooMuch => "too-much",
        }
    }
}

impl Problem {
    /// A problem at a place of a line.
    pub(super) fn at(line: &Line<'_>, span: Span, code: Code, message: String) -> Self {
        let before = line.text.get(..span.start).unwrap_or_default();
        Self {
            severity: if code == Code::NotInEffect { Severity::Note } else { Severity::Error },
            code,
            line: line.number,
            column: before.chars().count().saturating_add(1),
            width: span.of(line.text).chars().count().max(1),
            message,
            remedies: Vec::new(),
            source: line.text.to_owned(),
        }
    }

    /// A problem of the whole file.
    pub(super) const fn of_file(code: Code, message: String) -> Self {
        Self {
            severity: Severity::Error,
            code,
            line: 0,
            column: 0,
            width: 0,
            message,
            remedies: Vec::new(),
            source: String::new(),
        }
    }

    pub(super) fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedies.push(text.into());
        self
    }

    /// Whether the settings cannot be used because of it.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self.severity, Severity::Error)
    }

    /// The problem as people read it, with the line and a caret under the place; ends with a line feed.
    #[must_use]
    pub fn render(&self, file: &str) -> String {
        let mut out = String::new();
        let place =
            if self.line == 0 { String::new() } else { format!("{}:{}:", self.line, self.column) };
        let (severity, code) = (self.severity.name(), self.code.name());
        // Writing to a string cannot fail.
        let _infallible = writeln!(out, "{file}:{place} {severity}[{code}]: {}", self.message);
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        if self.line > 0 {
            let (source, lead, carets) = self.excerpt();
            let _infallible =
                writeln!(out, "{margin} |\n{number} | {source}\n{margin} | {lead}{carets}");
        }
        for remedy in &self.remedies {
            let mut width = usize::MAX;
            for word in remedy.split(' ') {
                let letters = word.chars().count().saturating_add(1);
                if width == usize::MAX {
                    let _infallible = write!(out, "{margin} = {word}");
                    width = letters;
                } else if width.saturating_add(letters) > REMEDY_WIDTH {
                    let _infallible = write!(out, "\n{margin}   {word}");
                    width = letters;
                } else {
                    let _infallible = write!(out, " {word}");
                    width = width.saturating_add(letters);
                }
            }
            out.push('\n');
        }
        out
    }

    /// The line around the place, what stands under it before the caret, and the caret.
    fn excerpt(&self) -> (String, String, String) {
        let before = self.column.saturating_sub(1);
        let skipped =
            if before > EXCERPT_BEFORE_MAX { before.saturating_sub(EXCERPT_BEFORE_MAX) } else { 0 };
        let dots = if skipped > 0 { "…" } else { "" };
        // Control characters could move the cursor; a tab is one blank wide in both lines.
        let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
        let mut letters = self.source.chars().skip(skipped).map(shown);
        let source: String = letters.by_ref().take(EXCERPT_MAX).collect();
        let more = if letters.next().is_some() { "…" } else { "" };
        let lead = " ".repeat(before.saturating_sub(skipped).saturating_add(dots.chars().count()));
        let room = EXCERPT_MAX.saturating_sub(before.saturating_sub(skipped)).max(1);
        (format!("{dots}{source}{more}"), lead, "^".repeat(self.width.min(room)))
    }
}

/// Columns of a remedy before it goes on in the next line.
const REMEDY_WIDTH: usize = 96;

/// Characters of a line that are shown: black lists may be long lines.
const EXCERPT_MAX: usize = 120;

/// Characters before the place that are shown of a long line.
const EXCERPT_BEFORE_MAX: usize = 80;
