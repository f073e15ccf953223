//! Where something encoded begins in a text: four words and long runs of letters, found in leaps.
//!
//! Text that has none is passed by searches of whole words, and by one that looks at every sixtieth byte and
//! backwards from there: of ordinary text it reads about one byte in ten. What is found, and where, does
//! not depend on how the text was cut.

use memchr::memmem;

use crate::engine::unpack::armor::inline::letter;
use crate::engine::unpack::armor::{hex, is_control};

/// What may begin behind the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// `data:` of an address.
    Data,
    /// `;base64,`, whatever stands before it.
    Base64,
    /// `begin` of uuencode, or `=ybegin`; the line tells which.
    Begin,
    /// The line in front of `BinHex`.
    Binhex,
    /// The first [`RUN_LETTERS`] of a run of letters, which are the last bytes that were read.
    Run,
}

/// The last bytes of the text that were read.
#[derive(Debug, Default)]
pub(super) struct Finder {
    tail: Vec<u8>,
    /// Letters that the tail ends with, up to [`RUN_LETTERS`].
    run: usize,
}

impl Finder {
    /// Looks for the first thing that is complete in `bytes`: how many of them that takes, and what it is.
    /// It is for the caller to [`Finder::pass`] them.
    pub(super) fn find(&self, bytes: &[u8]) -> (usize, Option<Found>) {
        let mut first = (bytes.len(), None);
        let border = self.border(bytes);
        let known = border.len().saturating_sub(bytes.len().min(BORDER_BYTES));
        for (word, what) in WORDS {
            // In front of the border a word would be complete before it.
            let in_border = memmem::find_iter(&border, word)
                .map(|at| at.saturating_add(word.len()))
                .find(|end| *end > known && self.fits(*what, &border, *end, word.len()))
                .map(|end| end.saturating_sub(known));
            let within = bytes.get(..first.0).unwrap_or(bytes);
            let inside = || {
                memmem::find_iter(within, word)
                    .map(|at| at.saturating_add(word.len()))
                    .find(|end| *end > BORDER_BYTES && self.fits(*what, within, *end, word.len()))
            };
            if let Some(end) = in_border.or_else(inside)
                && end < first.0.saturating_add(usize::from(first.1.is_none()))
            {
                first = (end, Some(*what));
            }
        }
        match self.runs(bytes.get(..first.0).unwrap_or(bytes)) {
            (Some(end), _) => (end, Some(Found::Run)),
            (None, _) => first,
        }
    }

    /// Where the first run of letters in `bytes` is long enough; or how many letters there are at their end.
    fn runs(&self, bytes: &[u8]) -> (Option<usize>, usize) {
        let (mut from, mut run) = (0_usize, self.run);
        loop {
            match run_end(bytes.get(from..).unwrap_or_default(), run) {
                Err(letters) => return (None, letters),
                Ok(end) => from = from.saturating_add(end),
            }
            match self.false_start(bytes, from) {
                None => return (Some(from), 0),
                Some(letters) => run = letters,
            }
        }
    }

    /// The bytes were read.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        (_, self.run) = self.runs(bytes);
        let kept = bytes.get(bytes.len().saturating_sub(TAIL_BYTES)..).unwrap_or(bytes);
        let too_many = self.tail.len().saturating_add(kept.len()).saturating_sub(TAIL_BYTES);
        self.tail.drain(..too_many.min(self.tail.len()));
        self.tail.extend_from_slice(kept);
    }

    /// Something else was read since: nothing goes on over it. `last` is the byte before what comes.
    pub(super) fn restart(&mut self, last: Option<u8>) {
        self.tail.clear();
        self.tail.extend(last);
        self.run = 0;
    }

    /// The run that was found.
    pub(super) fn run(&self) -> &[u8] {
        self.tail.get(self.tail.len().saturating_sub(RUN_LETTERS)..).unwrap_or_default()
    }

    /// The byte in front of the last `count` ones.
    pub(super) fn before(&self, count: usize) -> Option<u8> {
        self.tail
            .len()
            .checked_sub(count.saturating_add(1))
            .and_then(|at| self.tail.get(at))
            .copied()
    }

    /// The end of what was read, and the front of `bytes`.
    fn border(&self, bytes: &[u8]) -> Vec<u8> {
        let from = self.tail.len().saturating_sub(BORDER_BYTES);
        let front = bytes.get(..BORDER_BYTES).unwrap_or(bytes);
        [self.tail.get(from..).unwrap_or_default(), front].concat()
    }

    /// Whether a word of so many bytes that ends at `end` is where it should be.
    fn fits(&self, what: Found, bytes: &[u8], end: usize, length: usize) -> bool {
        let start = end.saturating_sub(length);
        let before = |count: usize| start.checked_sub(count).and_then(|at| bytes.get(at)).copied();
        let begins_line = |byte: Option<u8>| matches!(byte, None | Some(b'\r' | b'\n'));
        match what {
            Found::Begin => {
                let is_y = before(1) == Some(b'y') && before(2) == Some(b'=');
                begins_line(before(if is_y { 3 } else { 1 }))
            }
            Found::Base64 => matches!(before(1), Some(b';' | b' ')),
            Found::Data => !before(1).is_some_and(|byte| byte.is_ascii_alphanumeric()),
            Found::Binhex | Found::Run => true,
        }
    }

    /// Of a run that ends at `end` of `bytes`: how many letters at its end may begin another one, when it is none
    /// itself.
    fn false_start(&self, bytes: &[u8], end: usize) -> Option<usize> {
        let missing = RUN_LETTERS.saturating_sub(end);
        let old = self.tail.get(self.tail.len().saturating_sub(missing)..).unwrap_or_default();
        let new = bytes.get(end.saturating_sub(RUN_LETTERS)..end).unwrap_or_default();
        let run = [old, new].concat();
        let (mut at, mut letters) = (0_usize, None);
        while let Some(byte) = run.get(at) {
            let rest = run.get(at.saturating_add(1)..).unwrap_or_default();
            if let Some(length) = escape(*byte, rest) {
                at = at.saturating_add(length);
                continue;
            }
            // Another escape than base64 has: what may begin begins behind it.
            let is_percent = *byte == b'%' && rest.iter().take(2).all(u8::is_ascii_hexdigit);
            let length = match byte {
                b'\\' => 2,
                _ if is_percent => 3,
                _ => 1,
            };
            at = at.saturating_add(length);
            letters = Some(run.len().saturating_sub(at));
        }
        letters
    }
}

/// How long what begins with `byte` is, when it may be in base64.
fn escape(byte: u8, rest: &[u8]) -> Option<usize> {
    let is_letter = |digits: Option<&[u8]>, whole: usize| match digits {
        // It goes on behind the run.
        None => true,
        Some(digits) => {
            let known = digits.get(..whole).unwrap_or(digits);
            let code = known.iter().try_fold(0_u32, |code, digit| {
                hex(*digit).map(|value| code.wrapping_shl(4) | u32::from(value))
            });
            match code {
                None => false,
                Some(code) if known.len() == whole => u8::try_from(code).is_ok_and(|byte| {
                    letter(byte).is_some() || matches!(byte, b'=' | b'\r' | b'\n')
                }),
                Some(_) => true,
            }
        }
    };
    match byte {
        b'\\' => match rest.first() {
            None => Some(1),
            Some(b'/' | b'n' | b'r') => Some(2),
            Some(b'u') => is_letter(rest.get(1..), 4).then_some(6),
            Some(_) => None,
        },
        b'%' => is_letter(Some(rest), 2).then_some(3),
        _ => Some(1),
    }
}

/// Where the run of letters that `before` letters in front of `bytes` belong to has [`RUN_LETTERS`], or the first other
/// one that has; or how many letters there are at the end.
fn run_end(bytes: &[u8], before: usize) -> Result<usize, usize> {
    let (mut start, mut known) = (0_usize, before);
    loop {
        let end = start.saturating_add(RUN_LETTERS.saturating_sub(known));
        let window = bytes.get(start..end);
        let whole = window.or_else(|| bytes.get(start..)).unwrap_or_default();
        match (whole.iter().rposition(|byte| !is_run(*byte)), window) {
            (None, Some(_)) => return Ok(end),
            (None, None) => return Err(known.saturating_add(whole.len())),
            (Some(other), Some(_)) => start = start.saturating_add(other).saturating_add(1),
            (Some(other), None) => return Err(whole.len().saturating_sub(other).saturating_sub(1)),
        }
        known = 0;
    }
}

/// Whether a byte may be in a run of base64: letters of both alphabets, and what begins an escape.
fn is_run(byte: u8) -> bool {
    RUN.get(usize::from(byte)).copied().unwrap_or(false)
}

const RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        let is_letter = byte.is_ascii_alphanumeric();
        #[expect(clippy::indexing_slicing, reason = "a byte is always an index of 256 entries")]
        {
            table[byte as usize] =
                is_letter || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'\\' | b'%');
        }
        if byte == u8::MAX {
            break table;
        }
        byte = byte.wrapping_add(1);
    }
};

/// Whether a run of letters may be base64, given the byte in front of it. Titles of pages in addresses are
/// written with dashes: with those it has to be a string, and of mixed letters.
pub(super) fn is_plausible(run: &[u8], before: Option<u8>) -> bool {
    let is_other = run.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let has = |kind: fn(&u8) -> bool| run.iter().any(kind);
    let is_mixed =
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    !is_other || (is_mixed && matches!(before, None | Some(b'"' | b'\'' | b'=' | b'`')))
}

/// Whether these are digits only: a digest, most probably.
pub(super) fn is_hex(run: &[u8]) -> bool {
    run.iter().all(|byte| hex(*byte).is_some())
}

/// Whether a byte may be in the type of a `data:` address.
pub(super) const fn is_type(byte: u8) -> bool {
    !is_control(byte)
        && !matches!(byte, b',' | b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b':' | b'{' | b'}')
        && byte.is_ascii()
        && !matches!(byte, b'\r' | b'\n' | b'\\')
}

const WORDS: &[(&[u8], Found)] = &[
    (b"data:", Found::Data),
    (b"base64,", Found::Base64),
    (b"begin", Found::Begin),
    (b"BinHex 4.0)", Found::Binhex),
];
/// No word is longer, with what is looked at in front of it.
const BORDER_BYTES: usize = 16;
/// So much of what was read is kept: a run and the byte in front of it.
const TAIL_BYTES: usize = 128;
/// A run of fewer letters is no base64: 45 bytes. Lines of encoders have 60, 64, 72 or 76.
pub(super) const RUN_LETTERS: usize = 60;
