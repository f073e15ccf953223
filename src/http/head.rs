//! A message head in one owned buffer, with a table of where its fields lie.
//!
//! RFC 9112 sections 2.1, 2.2 and 5. The same table serves HTTP heads (tolerant) and ICAP heads
//! (strict): [`Rules`] says which. The buffer is filled once and indexed once; looking a field up
//! allocates nothing, and clearing keeps the memory for the next message.
//!
//! A folded line (RFC 9112 section 5.2) is replaced, for the reader, by the same number of spaces: in
//! a second copy, so that [`Head::raw`] stays what the sender wrote.
//!
//! Absent on purpose: what the start line means; the two front ends know.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use super::{HeadFault, is_token_byte, trim};

/// One head: its bytes, its start line and its fields.
#[derive(Clone, Debug, Default)]
pub struct Head {
    raw: Vec<u8>,
    /// Same length as `raw`, folds blanked out; empty while there is no fold.
    unfolded: Vec<u8>,
    start_line: Range<usize>,
    fields: Vec<Field>,
    odd_lines: usize,
}

/// Where one field lies.
#[derive(Clone, Debug)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
    /// The whole line or lines, line end included.
    lines: Range<usize>,
}

/// How a head has to look, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of the head, blank line included. Costs that much memory for each head that is kept.
    pub bytes_max: usize,
    /// Lines after the start line. Costs one table row (48 bytes) each.
    pub fields_max: usize,
    /// What ends a line.
    pub line_ends: LineEnds,
    /// What a line that begins with a blank means.
    pub folding: Folding,
    /// What becomes of a line that is no field.
    pub unreadable: Unreadable,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// CR LF and nothing else.
    Exact,
    /// CR LF, or LF alone (RFC 9112 section 2.2 allows a recipient to do so).
    LfToo,
}

/// What a line that begins with a space or tab means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// It continues the value of the field before it.
    Unfold,
    /// It makes the head malformed.
    Refuse,
}

/// What becomes of a line after the start line that is not `name: value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It stays in the raw head and is not indexed; blanks between name and colon are ignored.
    PassOver,
    /// It makes the head malformed.
    Refuse,
}

impl Rules {
    /// For heads of browsers and origin servers, carried by the ICAP client.
    #[must_use]
    pub const fn tolerant(bytes_max: usize, fields_max: usize) -> Self {
        Self {
            bytes_max,
            fields_max,
            line_ends: LineEnds::LfToo,
            folding: Folding::Unfold,
            unreadable: Unreadable::PassOver,
        }
    }

    /// For heads that frame the conversation itself.
    #[must_use]
    pub const fn strict(bytes_max: usize, fields_max: usize) -> Self {
        Self {
            bytes_max,
            fields_max,
            line_ends: LineEnds::Exact,
            folding: Folding::Refuse,
            unreadable: Unreadable::Refuse,
        }
    }
}

impl Head {
    /// An empty head; no memory is taken before the first byte.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            raw: Vec::new(),
            unfolded: Vec::new(),
            start_line: 0..0,
            fields: Vec::new(),
            odd_lines: 0,
        }
    }

    /// Forgets the content and keeps the memory, up to `retain` bytes of it.
    pub fn clear(&mut self, retain: usize) {
        self.raw.clear();
        self.raw.shrink_to(retain);
        self.unfolded.clear();
        self.unfolded.shrink_to(retain);
        self.start_line = 0..0;
        self.fields.clear();
        self.fields.shrink_to(retain.checked_div(size_of::<Field>()).unwrap_or_default());
        self.odd_lines = 0;
    }

    /// Appends bytes as they arrive. The table is stale until [`Head::index`].
    pub fn extend(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
    }

    /// Builds the table over the bytes received so far, which must be one complete head.
    ///
    /// # Errors
    ///
    /// [`HeadFault`] names the broken rule and, where there is one, the byte.
    pub fn index(&mut self, rules: &Rules) -> Result<(), HeadFault> {
        if self.raw.len() > rules.bytes_max {
            return Err(HeadFault::TooLong { max: rules.bytes_max });
        }
        let raw = std::mem::take(&mut self.raw);
        let outcome = self.index_lines(&raw, rules);
        self.raw = raw;
        outcome
    }

    /// The request or status line, without its line end.
    #[must_use]
    pub fn start_line(&self) -> &[u8] {
        self.raw.get(self.start_line.clone()).unwrap_or_default()
    }

    /// The value of the first field called `name` (any case), blanks around it removed.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The values of every field called `name` (any case), in order.
    pub fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Every indexed field as name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let text = if self.unfolded.is_empty() { &self.raw } else { &self.unfolded };
        self.fields.iter().map(move |field| {
            (
                text.get(field.name.clone()).unwrap_or_default(),
                text.get(field.value.clone()).unwrap_or_default(),
            )
        })
    }

    /// How many fields are indexed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.fields.len()
    }

    /// How many lines were passed over because they are no field.
    #[must_use]
    pub const fn odd_line_count(&self) -> usize {
        self.odd_lines
    }

    /// The head exactly as received, blank line included.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Appends the head as received to `out`, without the fields whose name `stays` refuses.
    ///
    /// RFC 3507 section 4.4.2: `Transfer-Encoding`, for one, describes a hop that ended at the proxy.
    pub fn write_where(&self, stays: impl Fn(&[u8]) -> bool, out: &mut Vec<u8>) {
        let mut from = 0;
        for field in &self.fields {
            let found = self.raw.get(field.name.clone()).unwrap_or_default();
            if !stays(found) {
                out.extend_from_slice(self.raw.get(from..field.lines.start).unwrap_or_default());
                from = field.lines.end;
            }
        }
        out.extend_from_slice(self.raw.get(from..).unwrap_or_default());
    }

    fn index_lines(&mut self, raw: &[u8], rules: &Rules) -> Result<(), HeadFault> {
        self.fields.clear();
        self.unfolded.clear();
        self.odd_lines = 0;
        let mut lines = Lines { raw, at: 0, line_ends: rules.line_ends };
        let first = lines.next_line()?;
        if first.text.is_empty() {
            return Err(HeadFault::StartLine);
        }
        self.start_line = first.text;
        let mut count = 0_usize;
        // A fold continues the line before it: a field, or a line that was passed over.
        let mut open = Open::StartLine;
        loop {
            let line = lines.next_line()?;
            if line.text.is_empty() {
                return if line.whole.end == raw.len() {
                    Ok(())
                } else {
                    Err(HeadFault::AfterBlankLine { at: line.whole.end })
                };
            }
            count = count.saturating_add(1);
            if count > rules.fields_max {
                return Err(HeadFault::TooManyFields { max: rules.fields_max });
            }
            open = self.index_line(raw, &line, open, rules)?;
        }
    }

    fn index_line(
        &mut self,
        raw: &[u8],
        line: &Line,
        open: Open,
        rules: &Rules,
    ) -> Result<Open, HeadFault> {
        let text = raw.get(line.text.clone()).unwrap_or_default();
        if matches!(text.first(), Some(b' ' | b'\t')) {
            return self.fold(raw, line, open, rules);
        }
        let colon = memchr(b':', text);
        let name = match (colon, rules.unreadable) {
            (Some(colon), Unreadable::PassOver) => trim(text.get(..colon).unwrap_or_default()),
            (Some(colon), Unreadable::Refuse) => text.get(..colon).unwrap_or_default(),
            (None, Unreadable::PassOver | Unreadable::Refuse) => &[],
        };
        let (Some(colon), true) =
            (colon, !name.is_empty() && name.iter().copied().all(is_token_byte))
        else {
            return match rules.unreadable {
                Unreadable::Refuse => Err(HeadFault::Field { at: line.text.start }),
                Unreadable::PassOver => {
                    self.odd_lines = self.odd_lines.saturating_add(1);
                    Ok(Open::PassedOver)
                }
            };
        };
        let name_start = line.text.start;
        let value_start = name_start.saturating_add(colon).saturating_add(1);
        self.fields.push(Field {
            name: name_start..name_start.saturating_add(name.len()),
            value: trim_range(raw, value_start..line.text.end),
            lines: line.whole.clone(),
        });
        Ok(Open::Field)
    }

    fn fold(
        &mut self,
        raw: &[u8],
        line: &Line,
        open: Open,
        rules: &Rules,
    ) -> Result<Open, HeadFault> {
        match (open, rules.folding) {
            (Open::StartLine, _) | (Open::Field | Open::PassedOver, Folding::Refuse) => {
                return Err(HeadFault::Fold { at: line.text.start });
            }
            (Open::PassedOver, Folding::Unfold) => return Ok(Open::PassedOver),
            (Open::Field, Folding::Unfold) => {}
        }
        if self.unfolded.is_empty() {
            self.unfolded.extend_from_slice(raw);
        }
        let Some(field) = self.fields.last_mut() else {
            return Ok(open);
        };
        // Everything between the two texts is a line end, and becomes blank for the reader.
        if let Some(gap) = self.unfolded.get_mut(field.lines.start..line.text.start) {
            for byte in gap.iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')) {
                *byte = b' ';
            }
        }
        field.lines.end = line.whole.end;
        field.value = trim_range(&self.unfolded, field.value.start..line.text.end);
        Ok(Open::Field)
    }
}

/// What a fold would continue.
#[derive(Clone, Copy)]
enum Open {
    StartLine,
    Field,
    PassedOver,
}

/// One line: its text, and the text with its line end.
struct Line {
    text: Range<usize>,
    whole: Range<usize>,
}

/// The lines of a head, one after the other.
struct Lines<'a> {
    raw: &'a [u8],
    at: usize,
    line_ends: LineEnds,
}

impl Lines<'_> {
    fn next_line(&mut self) -> Result<Line, HeadFault> {
        let start = self.at;
        let rest = self.raw.get(start..).unwrap_or_default();
        // Nearly every line is as it should be, and its end is the first byte of these.
        if let Some(length) = memchr3(0, b'\r', b'\n', rest)
            && rest.get(length..).is_some_and(|end| end.starts_with(b"\r\n"))
        {
            let text = start..start.saturating_add(length);
            self.at = text.end.saturating_add(2);
            return Ok(Line { text, whole: start..self.at });
        }
        self.next_odd_line(start, rest)
    }

    /// The same for a line with another end, or with what is in no line.
    fn next_odd_line(&mut self, start: usize, rest: &[u8]) -> Result<Line, HeadFault> {
        let length = memchr(b'\n', rest).ok_or(HeadFault::NoBlankLine)?;
        let line = rest.get(..length).unwrap_or_default();
        let text = match (line.strip_suffix(b"\r"), self.line_ends) {
            (Some(text), LineEnds::Exact | LineEnds::LfToo) => text,
            (None, LineEnds::LfToo) => line,
            (None, LineEnds::Exact) => {
                return Err(HeadFault::LineEnd { at: start.saturating_add(length) });
            }
        };
        // A CR or NUL within a line is read differently by different programs; nobody may guess.
        if let Some(found) = memchr2(0, b'\r', text) {
            return Err(HeadFault::Byte { at: start.saturating_add(found) });
        }
        self.at = start.saturating_add(length).saturating_add(1);
        Ok(Line { text: start..start.saturating_add(text.len()), whole: start..self.at })
    }
}

/// `range` without the blanks at both ends of what it covers.
fn trim_range(raw: &[u8], range: Range<usize>) -> Range<usize> {
    let covered = raw.get(range.clone()).unwrap_or_default();
    let leading = covered.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = range.start.saturating_add(leading);
    start..start.saturating_add(trim(covered).len())
}
