//! Runs of bytes to which nothing happens but that they are written: sixteen at a time.
//!
//! Each state has its run; what ends one is for [`super::feed`] to read, byte by byte. White space that is
//! a single space between two bytes of a run belongs to it. A run is looked at as long as a whole block is
//! there; the rest of a piece goes byte by byte, which gives the same forms: a page fed in single bytes is
//! what the tests compare with.

use super::{Forms, Html, State, is_space};
use crate::engine::normalize::block::{
    BLOCK, append, ends, lower, lower_and_spaced, spaces as spaces_of,
};

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
            State::Value(None) => self.unquoted_run(rest, out),
            State::Script | State::Style if self.closing == 0 => self.raw_run(rest, out),
            State::Open | State::Before | State::Script | State::Style => 0,
        }
    }

    /// Words with single spaces between them go to both forms, in lower case.
    #[inline]
    fn text_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        if self.is_plain_space && (self.is_space_due || self.is_after_tag) {
            // White space after white space, and after a tag, is not written.
            let spaces = spaces(rest);
            if spaces > 0 {
                return spaces;
            }
        }
        let mut length = 0_usize;
        while let Some(block) = rest.get(length..).and_then(|at| at.first_chunk::<BLOCK>()) {
            let run = words(block, ends(block, [b'&', b'<']), length > 0);
            if length == 0 && run > 0 && self.is_space_due {
                out.no_comment.push(b' ');
                self.is_space_due = false;
            }
            let small = lower_and_spaced(block);
            append(&small, run, &mut out.no_comment);
            append(&small, run, &mut out.no_tags);
            length = length.saturating_add(run);
            if run < BLOCK - 1 {
                break;
            }
        }
        if length > 0 {
            if self.open.is_some() {
                self.show(last(&out.no_tags, length));
            }
            self.is_after_tag = false;
            self.is_plain_space = false;
        }
        length
    }

    #[inline]
    fn name_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let length = write(rest, [b'>', b'/'], &mut out.no_comment);
        self.tag.extend(last(&out.no_comment, length));
        length
    }

    #[inline]
    fn attribute_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let length = write(rest, [b'>', b'/', b'='], &mut out.no_comment);
        self.attribute.extend(last(&out.no_comment, length));
        length
    }

    #[inline]
    fn gap_run(&mut self, rest: &[u8]) -> usize {
        let length = spaces(rest);
        self.is_gap |= length > 0;
        length
    }

    #[inline]
    fn value_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let mut length = 0_usize;
        while let Some(block) = rest.get(length..).and_then(|at| at.first_chunk::<BLOCK>()) {
            let run = words(block, ends(block, [b'&', b'"', b'\'']), length > 0);
            append(&lower_and_spaced(block), run, &mut out.no_comment);
            length = length.saturating_add(run);
            if run < BLOCK - 1 {
                break;
            }
        }
        self.record_run(rest.get(..length).unwrap_or_default());
        self.is_gap &= length == 0;
        length
    }

    #[inline]
    fn unquoted_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let length = write(rest, [b'&', b'"', b'\'', b'>'], &mut out.no_comment);
        self.record_run(rest.get(..length).unwrap_or_default());
        self.is_gap &= length == 0;
        length
    }

    #[inline]
    fn raw_run(&mut self, rest: &[u8], out: &mut Forms) -> usize {
        let mut length = write(rest, [b'&', b'<', b'"', b'\''], &mut out.no_comment);
        length = length.saturating_add(spaces(rest.get(length..).unwrap_or_default()));
        if self.state == State::Script && length > 0 {
            self.keep_script(rest.get(..length).unwrap_or_default(), out);
        }
        length
    }
}

/// How long a run of words is in a block where those bytes end one: a space with a byte of the run on
/// both sides does not. What lies before the block is a byte of the run where it `goes_on`. A space as
/// the last byte is left for the next block: what follows it is not seen here.
#[inline]
fn words(block: &[u8; BLOCK], ends: u32, goes_on: bool) -> usize {
    if ends & 0xFFFF == 0 {
        return BLOCK;
    }
    let letters = !ends & 0xFFFF;
    let before = letters << 1 | u32::from(goes_on);
    let between = spaces_of(block) & before & letters >> 1;
    // At most 16, by the bit above those of the block.
    (ends & !between | 1 << BLOCK).trailing_zeros() as usize
}

/// Appends the bytes up to a space or one of `others`, in lower case; says how many.
#[inline]
fn write<const N: usize>(rest: &[u8], others: [u8; N], form: &mut Vec<u8>) -> usize {
    let mut length = 0_usize;
    while let Some(block) = rest.get(length..).and_then(|at| at.first_chunk::<BLOCK>()) {
        let run = (ends(block, others) | 1 << BLOCK).trailing_zeros() as usize;
        append(&lower(block), run, form);
        length = length.saturating_add(run);
        if run < BLOCK {
            break;
        }
    }
    length
}

/// The last bytes that were written.
#[inline]
fn last(form: &[u8], length: usize) -> &[u8] {
    form.get(form.len().saturating_sub(length)..).unwrap_or_default()
}

/// How much white space comes first.
#[inline]
fn spaces(rest: &[u8]) -> usize {
    rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len())
}
