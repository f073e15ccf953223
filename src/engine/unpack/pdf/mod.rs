//! PDF (ISO 32000-1): every stream, its filters undone, and every script that stands in a dictionary.
//!
//! ```text
//!   bytes ─▶ next `stream` or `/JS` ─┬─▶ dictionary before it ─▶ filters ─▶ the stream
//!                                    └─▶ the string behind it ─▶ the script
//! ```
//!
//! Streams are found by their keyword, wherever they stand, in the order in which they stand: what no
//! table of references leads to is seen as well, and so are streams of objects. A stream ends where its
//! length says, when `endstream` is there, and else at the next `endstream`; a filter that wants more is
//! given more. What is encrypted is decrypted when nobody has to know a password ([`crypt`]); else it is not
//! seen, and said.
//!
//! Pictures are handed on as they are. Absent on purpose: fonts; the page tree.

mod ascii;
mod cipher;
mod crypt;
mod dictionary;
mod filter;
mod hash;
mod marks;
mod predictor;
#[cfg(test)]
mod tests;
mod token;

use memchr::memmem;

use self::crypt::{Crypt, Found, Lock};
use self::dictionary::Dictionary;
use self::filter::Pipe;
use self::marks::Marks;
use self::token::{Token, Tokens, is_space};
use super::parts::copy;
use super::{Label, Member, Progress};
use crate::engine::passwords::Passwords;
use crate::engine::verdict::Why;

/// A PDF being read.
#[derive(Default)]
pub(super) struct Pdf {
    place: Place,
    /// Where the search goes on.
    at: usize,
    /// What stands before it belongs to another object.
    behind: usize,
    /// There is no `endstream` from here on.
    no_end_from: Option<usize>,
    crypt: Option<Crypt>,
    said: Option<Why>,
    passwords: Passwords,
}

enum Place {
    /// Whether it is encrypted is asked first.
    Start(Marks),
    /// Passwords are tried; and whether every viewer takes it for encrypted.
    Locked(Box<Lock>, bool),
    Between,
    Stream(Stream),
    Script {
        text: Vec<u8>,
        given: usize,
    },
    Over,
}

impl Default for Place {
    fn default() -> Self {
        Self::Start(Marks::default())
    }
}

/// A stream whose beginning was said.
struct Stream {
    label: Label,
    pipe: Pipe,
    /// Where its bytes go on, and where they end.
    at: usize,
    end: usize,
    /// Where they ended at first: the search goes on there when more of them made no sense.
    first_end: usize,
    /// How often the end may still be moved, as a filter wanted more.
    moves: u32,
}

impl Pdf {
    pub(super) fn new(passwords: &Passwords) -> Self {
        Self { passwords: passwords.clone(), ..Self::default() }
    }

    /// The next step, given all of the file: bytes made, and what there is to say.
    pub(super) fn step(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Progress) {
        if let Some(why) = self.said.take() {
            return (0, Progress::Missed(why));
        }
        match &mut self.place {
            Place::Start(marks) => {
                if !marks.search(file) {
                    return (0, Progress::Full);
                }
                let (found, is_certain) = Crypt::find(file, marks);
                self.place = Place::Between;
                let is_read = match found {
                    Found::Plain => is_certain,
                    Found::Closed => false,
                    Found::Locked(lock) => {
                        self.place = Place::Locked(lock, is_certain);
                        true
                    }
                };
                (0, if is_read { Progress::Full } else { Progress::Missed(Why::Encrypted) })
            }
            Place::Locked(lock, is_certain) => {
                let Some(crypt) = lock.step(&self.passwords) else { return (0, Progress::Full) };
                let is_read = crypt.is_some() && *is_certain;
                self.crypt = crypt;
                self.place = Place::Between;
                (0, if is_read { Progress::Full } else { Progress::Missed(Why::Encrypted) })
            }
            Place::Between => (0, self.search(file)),
            Place::Stream(stream) => {
                let (made, fate) = stream.read(file, output);
                let Some(fate) = fate else { return (made, Progress::Full) };
                let end = if fate.is_ok() { stream.end } else { stream.first_end };
                self.at = end.max(self.at);
                self.behind = self.at;
                self.place = Place::Between;
                (0, Progress::End(fate))
            }
            Place::Script { text, given } => {
                let count = copy(text.get(*given..).unwrap_or_default(), output);
                *given = given.saturating_add(count);
                if count > 0 || output.is_empty() {
                    return (count, Progress::Full);
                }
                self.place = Place::Between;
                (0, Progress::End(Ok(())))
            }
            Place::Over => (0, Progress::Hungry),
        }
    }

    /// The member that has just begun.
    pub(super) fn member(&self) -> Member {
        match &self.place {
            Place::Stream(stream) => Member {
                label: stream.label.clone(),
                state_bytes: stream.pipe.state_bytes(),
                ..Member::default()
            },
            Place::Script { text, .. } => Member {
                label: Label::of("pdf-script"),
                size: u64::try_from(text.len()).ok(),
                ..Member::default()
            },
            Place::Start(_) | Place::Locked(..) | Place::Between | Place::Over => Member::default(),
        }
    }

    /// Looks for the next stream or script, in one window.
    fn search(&mut self, file: &[u8]) -> Progress {
        let end = self.at.saturating_add(WINDOW_BYTES).min(file.len());
        let window = file.get(self.at..end).unwrap_or_default();
        let script = memmem::find(window, b"/JS");
        let before_script = window.get(..script.unwrap_or(window.len())).unwrap_or_default();
        // A keyword that ends behind the window, or behind the script, is met again.
        let found = memmem::find(before_script, b"stream").or(script);
        let Some(found) = found else {
            if end == file.len() {
                self.place = Place::Over;
            }
            self.at = end.saturating_sub(KEYWORD_BYTES_MAX).max(self.at.saturating_add(1)).min(end);
            return Progress::Full;
        };
        let at = self.at.saturating_add(found);
        let is_script = Some(found) == script;
        let length = if is_script { b"/JS".len() } else { b"stream".len() };
        self.at = at.saturating_add(length);
        let has_begun =
            if is_script { self.begin_script(file) } else { self.begin_stream(file, at) };
        if has_begun { Progress::Begin } else { Progress::Full }
    }

    /// A `stream` stands at `keyword`: begins the stream when there is a dictionary before it.
    fn begin_stream(&mut self, file: &[u8], keyword: usize) -> bool {
        let from = self.behind.max(keyword.saturating_sub(DICTIONARY_BYTES_MAX));
        let before = file.get(from..keyword).unwrap_or_default().trim_ascii_end();
        if !before.ends_with(b">>") {
            return false;
        }
        self.behind = keyword;
        let object = memmem::rfind(before, b"obj");
        let dictionary = object.and_then(|at| before.get(at.saturating_add(3)..)).unwrap_or(before);
        let name = object.and_then(|at| number_before(before.get(..at)?)).unwrap_or_default();
        let number = numbers(name);
        let dictionary = Dictionary::read(dictionary);
        let crypt = self.crypt.as_ref();
        let cipher = crypt.and_then(|crypt| crypt.stream(number, &dictionary));
        // The last block is held back until the end is known, so that has to be the first one.
        let moves = if cipher.is_some() { 0 } else { MOVES_MAX };
        let start = match file.get(self.at..).unwrap_or_default() {
            [b'\r', b'\n', ..] => self.at.saturating_add(2),
            [b'\r' | b'\n', ..] => self.at.saturating_add(1),
            // Spaces that do not belong there.
            [b' ', ..] => {
                let rest = file.get(self.at..).unwrap_or_default();
                let spaces = rest.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n');
                self.at.saturating_add(spaces.map_or(0, |at| at.saturating_add(1)))
            }
            _ => self.at,
        };
        match Pipe::new(&dictionary, cipher) {
            Ok(pipe) => {
                let end = self.end_of(file, start, dictionary.length);
                let label = Label::named(
                    "pdf",
                    name.split(|byte| *byte == b' ').next().unwrap_or_default(),
                );
                let (at, first_end) = (start, end);
                self.place = Place::Stream(Stream { label, pipe, at, end, first_end, moves });
                true
            }
            Err(why) => {
                self.said = Some(why);
                false
            }
        }
    }

    /// Where the bytes of a stream end.
    fn end_of(&mut self, file: &[u8], start: usize, length: Option<u64>) -> usize {
        let said = length.and_then(|length| start.checked_add(usize::try_from(length).ok()?));
        if let Some(end) = said
            && let Some(rest) = file.get(end..)
            && rest.get(..LINE_BYTES_MAX).unwrap_or(rest).trim_ascii_start().starts_with(END)
        {
            return end;
        }
        if self.no_end_from.is_some_and(|from| start >= from) {
            return file.len();
        }
        match memmem::find(file.get(start..).unwrap_or_default(), END) {
            Some(at) => start.saturating_add(at),
            None => {
                self.no_end_from = Some(start);
                file.len()
            }
        }
    }

    /// A `/JS` was passed: begins the script when a string follows.
    fn begin_script(&mut self, file: &[u8]) -> bool {
        let rest = file.get(self.at..).unwrap_or_default();
        let space = rest.iter().take(LINE_BYTES_MAX).take_while(|byte| is_space(**byte)).count();
        let rest = rest.get(space..).unwrap_or_default();
        if !matches!(rest, [b'(', ..] | [b'<', b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]) {
            return false;
        }
        let rest = rest.get(..SCRIPT_BYTES_MAX).unwrap_or(rest);
        match Tokens::new(rest).next() {
            Some(Token::Text(mut text)) if !text.is_empty() => {
                if let Some(crypt) = &self.crypt {
                    let from = self.behind.max(self.at.saturating_sub(DICTIONARY_BYTES_MAX));
                    let before = file.get(from..self.at).unwrap_or_default();
                    let object = memmem::rfind(before, b"obj");
                    let name = object.and_then(|at| number_before(before.get(..at)?));
                    text = crypt.string(numbers(name.unwrap_or_default()), &text);
                }
                self.place = Place::Script { text: narrow(text), given: 0 };
                true
            }
            _ => false,
        }
    }
}

impl Stream {
    /// Fills `output`; says how the stream ended, when it did.
    fn read(&mut self, file: &[u8], output: &mut [u8]) -> (usize, Option<Result<(), Why>>) {
        loop {
            let input = file.get(self.at..self.end).unwrap_or_default();
            let poured = self.pipe.pour(input, output);
            self.at = self.at.saturating_add(poured.used);
            if poured.made > 0 || output.is_empty() {
                return (poured.made, None);
            }
            if let Some(fate) = poured.end {
                return (0, Some(fate));
            }
            if self.at >= self.end && !self.move_end(file) {
                self.pipe.close();
            }
        }
    }

    /// A filter wants more than up to `endstream`, which may have been in the middle of its bytes.
    fn move_end(&mut self, file: &[u8]) -> bool {
        let Some(moves) = self.moves.checked_sub(1).filter(|_| self.pipe.wants_more()) else {
            return false;
        };
        self.moves = moves;
        let from = self.end.saturating_add(END.len());
        let rest = file.get(from..).unwrap_or_default();
        let next = memmem::find(rest.get(..MOVE_BYTES_MAX).unwrap_or(rest), END);
        let Some(next) = next else { return false };
        self.end = from.saturating_add(next);
        true
    }
}

/// Number and generation of an object.
fn numbers(name: &[u8]) -> (u32, u16) {
    let mut numbers = Tokens::new(name).filter_map(|token| match token {
        Token::Number(number) => Some(number),
        Token::Name(_) | Token::Text(_) | Token::Bracket(_) | Token::Word(_) => None,
    });
    let number = numbers.next().and_then(|number| u32::try_from(number).ok());
    let generation = numbers.next().and_then(|number| u16::try_from(number).ok());
    (number.unwrap_or(0), generation.unwrap_or(0))
}

/// The numbers of an object, given what stands before its `obj`: `12 0`.
fn number_before(before: &[u8]) -> Option<&[u8]> {
    let before = before.trim_ascii_end();
    let from = before.iter().rposition(|byte| !byte.is_ascii_digit() && *byte != b' ');
    Some(before.get(from.map_or(0, |at| at.saturating_add(1))..)?.trim_ascii())
}

/// A string in UTF-16 as bytes, when all of it is Latin: scripts are.
fn narrow(text: Vec<u8>) -> Vec<u8> {
    match text.strip_prefix(b"\xfe\xff") {
        None => text,
        Some(wide) => {
            let pairs = wide.chunks_exact(2);
            if pairs.clone().all(|pair| pair.first() == Some(&0)) {
                pairs.filter_map(|pair| pair.last().copied()).collect()
            } else {
                text
            }
        }
    }
}

const END: &[u8] = b"endstream";
/// What one step searches.
const WINDOW_BYTES: usize = 64 << 10;
/// Less than this of the longest keyword may stand at the end of a window.
const KEYWORD_BYTES_MAX: usize = 8;
/// Spaces where a line end is expected.
const LINE_BYTES_MAX: usize = 64;
/// A dictionary in front of a stream.
const DICTIONARY_BYTES_MAX: usize = 64 << 10;
/// A script in a dictionary.
const SCRIPT_BYTES_MAX: usize = 4 << 20;
/// How often, and how far, the end of a stream is looked for again.
const MOVES_MAX: u32 = 8;
const MOVE_BYTES_MAX: usize = 1 << 20;
