//! A cursor over the text of a pattern that knows its place in the line.

use crate::engine::database::line::{Field, LineFault};

/// The cursor.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
    units: usize,
    braces_are_wildcards: bool,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(field: Field<'a>) -> Self {
        Self { rest: field.text, at: field.at, units: 0, braces_are_wildcards: true }
    }

    /// Whether a short `{n}` still is another way to write wildcards.
    pub(super) const fn braces_are_wildcards(&self) -> bool {
        self.braces_are_wildcards
    }

    /// A brace of another form was read: from here on, every brace is a gap.
    pub(super) const fn braces_are_gaps(&mut self) {
        self.braces_are_wildcards = false;
    }

    /// Bytes of the line before the cursor.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn skip(&mut self) {
        self.skip_many(1);
    }

    fn skip_many(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
        self.at = self.at.saturating_add(count);
    }

    /// Steps over `text` if it comes next.
    pub(super) fn take(&mut self, text: &[u8]) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.skip_many(text.len());
        }
        found
    }

    /// The text up to `end`, which is stepped over, too.
    pub(super) fn until(&mut self, end: u8, allowed: &'static str) -> Result<Field<'a>, LineFault> {
        let length = memchr::memchr(end, self.rest);
        let at = self.at;
        let length = length.ok_or_else(|| {
            LineFault::unexpected(at.saturating_add(self.rest.len()), None, allowed)
        })?;
        let text = self.rest.get(..length).unwrap_or_default();
        self.skip_many(length.saturating_add(1));
        Ok(Field { at, text })
    }

    /// Counts units, inside of alternatives as well as outside.
    pub(super) fn spend(&mut self, units: usize) -> Result<(), LineFault> {
        self.units = self.units.saturating_add(units);
        if self.units > UNITS_MAX {
            let rule = "a pattern of more than 65536 bytes and wildcards";
            return Err(LineFault::rule(self.at, rule));
        }
        Ok(())
    }

    /// Refuses what comes next.
    pub(super) fn refuse(&self, allowed: &'static str) -> LineFault {
        LineFault::unexpected(self.at, self.peek(), allowed)
    }
}

/// Units of one pattern: short gaps become wildcards, so a short text could otherwise make a huge
/// pattern. A unit takes 32 bytes: 2 MiB at most.
const UNITS_MAX: usize = 1 << 16;
