//! What is wrong with a rule: where, what was found, what is allowed, and the line with a caret under it.

use std::fmt;

/// Why a rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// The setting or file that the rule stands in.
    pub source: Box<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// The first character of the place, counted from 1.
    pub column: usize,
    /// Characters in the place.
    pub width: usize,
    /// What was found.
    pub message: String,
    /// What to do; may be empty.
    pub remedy: String,
    /// The text of the line.
    pub text: String,
    /// Bytes of the source before the place: for whoever draws it himself.
    pub start: usize,
    /// Bytes in the place.
    pub length: usize,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, line, column, message, .. } = self;
        writeln!(out, "{source}:{line}:{column}: error: {message}")?;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let before = column.saturating_sub(1);
        let skipped = before.saturating_sub(BEFORE_MAX);
        let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
        let excerpt: String =
            self.text.chars().skip(skipped).take(EXCERPT_MAX).map(shown).collect();
        let lead = " ".repeat(before.saturating_sub(skipped));
        let room = EXCERPT_MAX.saturating_sub(before.saturating_sub(skipped)).max(1);
        let carets = "^".repeat(self.width.clamp(1, room));
        write!(out, "{margin} |\n{number} | {excerpt}\n{margin} | {lead}{carets}")?;
        if !self.remedy.is_empty() {
            write!(out, "\n{margin} = {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleFault {}

/// A fault before its place is known by line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) at: Span,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Trouble {
    pub(super) fn new(at: Span, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), remedy: String::new() }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    /// The fault in the source that it was found in.
    pub(super) fn in_source(self, source: &str, text: &str) -> RuleFault {
        let before = text.get(..self.at.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let line = before.bytes().filter(|&byte| byte == b'\n').count().saturating_add(1);
        let rest = text.get(line_start..).unwrap_or_default();
        let line_text = rest.lines().next().unwrap_or_default();
        let column = text.get(line_start..self.at.start).unwrap_or_default().chars().count();
        let place = text.get(self.at.start..).unwrap_or_default();
        let place = place.get(..self.at.length).unwrap_or(place).lines().next().unwrap_or_default();
        RuleFault {
            source: source.into(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: column.saturating_add(1),
            width: place.chars().count().max(1),
            message: self.message,
            remedy: self.remedy,
            text: line_text.to_owned(),
            start: self.at.start,
            length: self.at.length,
        }
    }
}

/// A part of a source, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) length: usize,
}

impl Span {
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self { start, length: end.saturating_sub(start) }
    }

    pub(super) const fn end(self) -> usize {
        self.start.saturating_add(self.length)
    }

    /// From the start of this one to the end of the other.
    pub(super) const fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end())
    }
}

/// The word that was probably meant: swapped letters are one mistake, a third of the letters may be wrong.
pub(super) fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let text = text.to_lowercase();
    let rated = names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&text, &name.to_lowercase()), name));
    let (distance, best) = rated.min_by_key(|(distance, _)| *distance)?;
    (distance.saturating_mul(3) <= text.chars().count().max(best.len())).then_some(best)
}

/// "did you mean …?" and all that is allowed.
pub(super) fn advice(text: &str, names: &[&str]) -> String {
    let allowed = format!("allowed are {}", names.join(", "));
    match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean {near}? {allowed}"),
        None => allowed,
    }
}

/// Characters of a line that are shown.
const EXCERPT_MAX: usize = 120;

/// Characters before the place that are shown of a long line.
const BEFORE_MAX: usize = 80;
