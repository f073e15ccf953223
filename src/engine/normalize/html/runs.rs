//! Runs of bytes to which nothing happens but that they are written: sixteen at a time.
//!
//! Each state has its run; what ends one is for [`super::feed`] to read, byte by byte. White space that is
//! a single space between two bytes of a run belongs to it. A run is looked at as long as a block and
//! the byte behind it are there; the rest of a piece goes byte by byte, which gives the same forms: a page
//! fed in single bytes is what the tests compare with.

use super::{Forms, Html, State, is_space};
use crate::engine::normalize::block::{BLOCK, Mask, append, lower};

impl Html {
    /// Writes the run that the page goes on with; how long it is, which may be nothing.
    #[inline]
    pub(super) fn run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        match self.state {
            State::Text => self.text_run(rest, out),
            State::Comment => memchr::memchr(b'>', rest).unwrap_or(rest.len()),
            State::Name => self.name_run(rest, out),
            State::Attribute => self.attribute_run(rest, out),
            State::Gap => self.gap_run(rest),
            State::Value(Some(_)) => self.value_run(rest, out),
            State::Script | State::Style if self.closing == 0 => self.raw_run(rest, out),
            State::Value(None) => self.unquoted_run(rest, out),
            State::Open | State::Before | State::Script | State::Style => 0,
        }
    }

    /// Words with single spaces between them go to both forms, in lower case.
    fn text_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        if self.is_plain_space && (self.is_space_due || self.is_after_tag) {
            // White space after white space, and after a tag, is not written.
            let spaces = spaces(rest);
            if spaces > 0 {
                return spaces;
            }
        }
        if rest.len() <= BLOCK || !rest.first().is_some_and(|byte| is_text(*byte)) {
            return 0;
        }
        if self.is_space_due {
            out.no_comment.push(b' ');
            self.is_space_due = false;
        }
        let (mut at, mut length) = (rest, 0_usize);
        while let Some((block, spaced)) = words(at, is_text) {
            let run = spaced.before();
            let small = lower(&block);
            append(&small, run, &mut out.no_comment);
            append(&small, run, &mut out.no_tags);
            length = length.saturating_add(run);
            if run < BLOCK {
                break;
            }
            at = at.get(BLOCK..).unwrap_or_default();
        }
        // A space behind the last block: what follows it is not known yet.
        if out.no_tags.last() == Some(&b' ') {
            out.no_comment.pop();
            out.no_tags.pop();
            length = length.saturating_sub(1);
        }
        if self.open.is_some() {
            let shown = out.no_tags.len().saturating_sub(length);
            self.show(out.no_tags.get(shown..).unwrap_or_default());
        }
        self.is_after_tag = false;
        self.is_plain_space = false;
        length
    }

    fn name_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let length = write(rest, is_name, &mut out.no_comment);
        self.tag.extend(last(&out.no_comment, length));
        length
    }

    fn attribute_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let length = write(rest, |byte| is_name(byte) & (byte != b'='), &mut out.no_comment);
        self.attribute.extend(last(&out.no_comment, length));
        length
    }

    fn gap_run(&mut self, rest: &[u8]) -> usize {
        let length = spaces(rest);
        self.is_gap |= length > 0;
        length
    }

    fn value_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        if rest.len() <= BLOCK || !rest.first().is_some_and(|byte| is_value(*byte)) {
            return 0;
        }
        let (mut at, mut length) = (rest, 0_usize);
        while let Some((block, spaced)) = words(at, is_value) {
            let run = spaced.before();
            append(&lower(&block), run, &mut out.no_comment);
            length = length.saturating_add(run);
            if run < BLOCK {
                break;
            }
            at = at.get(BLOCK..).unwrap_or_default();
        }
        if out.no_comment.last() == Some(&b' ') {
            out.no_comment.pop();
            length = length.saturating_sub(1);
        }
        self.record_run(rest.get(..length).unwrap_or_default());
        self.is_gap = false;
        length
    }

    fn unquoted_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let length = write(rest, |byte| is_value(byte) & (byte != b'>'), &mut out.no_comment);
        self.record_run(rest.get(..length).unwrap_or_default());
        self.is_gap &= length == 0;
        length
    }

    fn raw_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let mut length = write(rest, is_raw, &mut out.no_comment);
        length = length.saturating_add(spaces(rest.get(length..).unwrap_or_default()));
        if self.state == State::Script {
            self.keep_script(rest.get(..length).unwrap_or_default(), out);
        }
        length
    }
}

/// The next block with its white space as spaces, and what ends a run in it: what is none of `is`, but
/// for a single space with such a byte behind it.
#[inline]
fn words(at: &[u8], is: impl Fn(u8) -> bool) -> Option<([u8; BLOCK], Mask)> {
    let block = at.first_chunk::<BLOCK>()?;
    let next = at.get(1..)?.first_chunk::<BLOCK>()?;
    let (inside, follows) = (Mask::of(block, &is), Mask::of(next, &is));
    let space = Mask::of(block, is_space_of_block);
    let spaced = block.map(|byte| if is_space_of_block(byte) { b' ' } else { byte });
    Some((spaced, inside.or(space.and(follows)).not()))
}

/// Appends the bytes up to the first one that is none of `is`, in lower case; says how many.
#[inline]
fn write(rest: &[u8], is: impl Fn(u8) -> bool, form: &mut Vec<u8>) -> usize {
    let (mut at, mut length) = (rest, 0_usize);
    while let Some(block) = at.first_chunk::<BLOCK>() {
        let run = Mask::of(block, &is).not().before();
        append(&lower(block), run, form);
        length = length.saturating_add(run);
        if run < BLOCK {
            break;
        }
        at = at.get(BLOCK..).unwrap_or_default();
    }
    length
}

/// The last bytes that were written.
fn last(form: &[u8], length: usize) -> &[u8] {
    form.get(form.len().saturating_sub(length)..).unwrap_or_default()
}

/// How much white space comes first.
#[inline]
fn spaces(rest: &[u8]) -> usize {
    rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len())
}

/// As [`is_space`], without a branch.
const fn is_space_of_block(byte: u8) -> bool {
    (byte.wrapping_sub(0x09) < 5) | (byte == b' ')
}

/// Ends no run of text.
const fn is_text(byte: u8) -> bool {
    (byte > b' ') & (byte != b'&') & (byte != b'<')
}

/// Ends no name of a tag; a `=` belongs to it.
const fn is_name(byte: u8) -> bool {
    (byte != 0) & !is_space_of_block(byte) & (byte != b'>') & (byte != b'/')
}

/// Ends no quoted value.
const fn is_value(byte: u8) -> bool {
    (byte > b' ') & (byte != b'&') & (byte != b'"') & (byte != b'\'')
}

/// Ends no run of a script or a style sheet.
const fn is_raw(byte: u8) -> bool {
    (byte > b' ') & (byte != b'&') & (byte != b'<') & (byte != b'"') & (byte != b'\'')
}
