//! From the bytes of a script to its tokens.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    Number,
    /// A string, without quotes and escapes.
    Text,
    /// A string that was computed; nothing is added to it.
    Decoded,
    /// A regular expression with its slashes.
    Regex,
    /// One byte of anything else.
    Sign,
}

/// One token: its kind, and where its text lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    from: usize,
    to: usize,
}

impl Token {
    pub(super) const fn range(&self) -> Range<usize> {
        self.from..self.to
    }
}

/// Reads a block; what `eval` runs is read in its place.
#[derive(Debug)]
pub(super) struct Lexer {
    tokens: Vec<Token>,
    text: Vec<u8>,
    depth: u32,
}

impl Lexer {
    pub(super) fn new(bytes: usize) -> Self {
        Self { tokens: Vec::new(), text: Vec::with_capacity(bytes), depth: 0 }
    }

    pub(super) fn finish(self) -> (Vec<Token>, Vec<u8>) {
        (self.tokens, self.text)
    }

    pub(super) fn read(&mut self, block: &[u8]) {
        let mut rest = block;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match byte {
                b'"' | b'\'' => self.string(byte, after),
                b'/' => self.slash(after),
                b'0'..=b'9' => self.number(rest),
                _ if is_word(byte) => {
                    let (word, after) = split_while(rest, is_word);
                    self.push(Kind::Word, word);
                    after
                }
                _ if byte <= b' ' => after,
                _ => {
                    self.push(Kind::Sign, &[byte]);
                    if byte == b')' {
                        self.call();
                    }
                    after
                }
            };
        }
    }

    fn push(&mut self, kind: Kind, text: &[u8]) {
        let from = self.text.len();
        self.text.extend_from_slice(text);
        self.close(kind, from);
    }

    fn close(&mut self, kind: Kind, from: usize) {
        self.tokens.push(Token { kind, from, to: self.text.len() });
    }

    fn token_text(&self, token: &Token) -> &[u8] {
        self.text.get(token.range()).unwrap_or_default()
    }

    /// A string, read from behind its quote; without an end it goes on to the end of the block.
    fn string<'a>(&mut self, quote: u8, mut rest: &'a [u8]) -> &'a [u8] {
        // The sign of a sum goes first, so that both strings lie together.
        let adds = self.is_sum();
        if adds {
            self.tokens.pop();
            self.text.pop();
        }
        let from = match self.tokens.last().filter(|_| adds) {
            Some(before) => before.from,
            None => self.text.len(),
        };
        if adds {
            self.tokens.pop();
        }
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                _ if byte == quote => break,
                b'\\' => rest = self.escape(after),
                _ => self.text.push(if is_space(byte) { b' ' } else { byte }),
            }
        }
        self.close(Kind::Text, from);
        rest
    }

    /// Whether a string and a `+` were last.
    fn is_sum(&self) -> bool {
        match self.tokens.as_slice() {
            [.., before, sign] => {
                before.kind == Kind::Text
                    && sign.kind == Kind::Sign
                    && self.token_text(sign) == b"+"
                    && sign.to == self.text.len()
            }
            _ => false,
        }
    }

    /// What stands behind a backslash.
    fn escape<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((&byte, after)) = rest.split_first() else { return rest };
        let digits = match byte {
            b'x' => 2,
            b'u' => 4,
            _ => 0,
        };
        if let Some((code, after)) = hex(after, digits).filter(|_| digits > 0) {
            push_code(code, &mut self.text);
            return after;
        }
        self.text.push(match byte {
            b'n' | b'r' | b't' | b'v' | b'f' | b'\n' | b'\r' => b' ',
            _ => byte,
        });
        after
    }

    /// A comment, a regular expression, or a division.
    fn slash<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        match after.first() {
            Some(b'/') => return after.get(1..).unwrap_or_default(),
            Some(b'*') => {
                let end = memchr::memmem::find(after.get(1..).unwrap_or_default(), b"*/");
                let end = end.map_or(after.len(), |end| end.saturating_add(3));
                return after.get(end..).unwrap_or_default();
            }
            Some(_) | None => {}
        }
        let divides = self.tokens.last().is_some_and(|last| match last.kind {
            Kind::Word => !matches!(self.token_text(last), b"return" | b"typeof" | b"case" | b"in"),
            Kind::Number | Kind::Text | Kind::Decoded | Kind::Regex => true,
            Kind::Sign => matches!(self.token_text(last), b")" | b"]"),
        });
        match regex_length(after).filter(|_| !divides) {
            Some(length) => {
                let (body, after) = after.split_at_checked(length).unwrap_or((after, &[]));
                let from = self.text.len();
                self.text.push(b'/');
                self.text.extend_from_slice(body);
                self.close(Kind::Regex, from);
                after
            }
            None => {
                self.push(Kind::Sign, b"/");
                after
            }
        }
    }

    /// A number in one way of writing: no zeros around it, an exponent only behind a point.
    fn number<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let (whole, after) = split_while(rest, |byte| byte.is_ascii_digit());
        let is_fraction = after.first() == Some(&b'.');
        if !is_fraction {
            let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
            let kept = whole.get(zeros.min(whole.len().saturating_sub(1))..);
            self.push(Kind::Number, kept.unwrap_or(whole));
            return after;
        }
        let (digits, mut end) =
            split_while(after.get(1..).unwrap_or_default(), |byte| byte.is_ascii_digit());
        let exponent = match end {
            [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => 2,
            [b'e' | b'E', b'0'..=b'9', ..] => 1,
            _ => 0,
        };
        if exponent > 0 && digits.len() < FRACTION_DIGITS_MAX {
            let (_, after) =
                split_while(end.get(exponent..).unwrap_or_default(), |byte| byte.is_ascii_digit());
            end = after;
        }
        let length = rest.len().saturating_sub(end.len());
        let written = rest.get(..length).unwrap_or_default();
        let value = str::from_utf8(written).ok().and_then(|text| text.parse::<f64>().ok());
        match value.filter(|value| value.abs() < 1e15 && length < FRACTION_DIGITS_MAX) {
            Some(value) => self.push(Kind::Number, value.to_string().as_bytes()),
            None => self.push(Kind::Number, written),
        }
        end
    }

    /// After `)`: `unescape("…")` and `eval("…")` are done.
    fn call(&mut self) {
        let [.., name, open, text, _] = self.tokens.as_slice() else { return };
        let is_call = name.kind == Kind::Word
            && matches!(text.kind, Kind::Text | Kind::Decoded)
            && self.token_text(open) == b"("
            && open.kind == Kind::Sign;
        if !is_call {
            return;
        }
        let text = *text;
        let (is_eval, is_unescape) =
            (self.token_text(name) == b"eval", self.token_text(name) == b"unescape");
        if is_unescape || (is_eval && self.depth < EVAL_DEPTH_MAX) {
            let argument = self.token_text(&text).to_vec();
            let kept = self.tokens.len().saturating_sub(4);
            self.text.truncate(self.tokens.get(kept).map_or(0, |token| token.from));
            self.tokens.truncate(kept);
            if is_eval {
                self.depth = self.depth.saturating_add(1);
                self.read(&argument);
                self.depth = self.depth.saturating_sub(1);
            } else {
                let from = self.text.len();
                unescape(&argument, &mut self.text);
                self.close(Kind::Decoded, from);
            }
        }
    }
}

/// `%41` and `%u0041`.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let code = match (byte, after) {
            (b'%', [b'u', digits @ ..]) => hex(digits, 4),
            (b'%', digits) => hex(digits, 2),
            _ => None,
        };
        match code {
            Some((code, after)) => {
                push_code(code, out);
                rest = after;
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
}

/// A character, as UTF-8; white space is a space.
fn push_code(code: u16, out: &mut Vec<u8>) {
    match char::from_u32(u32::from(code)) {
        Some(sign @ ('\t'..='\r')) => out.push(if sign.is_ascii() { b' ' } else { b'?' }),
        Some(sign) => out.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes()),
        // Half of a pair.
        None => out.push(b'?'),
    }
}

/// So many hexadecimal digits, and what follows them.
fn hex(text: &[u8], count: usize) -> Option<(u16, &[u8])> {
    let (digits, after) = text.split_at_checked(count)?;
    let code = digits.iter().try_fold(0_u16, |code, byte| {
        let digit = u16::try_from(char::from(*byte).to_digit(16)?).ok()?;
        Some(code.wrapping_shl(4) | digit)
    })?;
    Some((code, after))
}

/// The length of a regular expression behind its first slash, flags not counted; it ends in its line.
fn regex_length(text: &[u8]) -> Option<usize> {
    let (mut is_escaped, mut is_class) = (false, false);
    for (index, &byte) in text.iter().enumerate().take(REGEX_BYTES_MAX) {
        match byte {
            b'\n' | b'\r' => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'[' => is_class = true,
            b']' => is_class = false,
            b'/' if !is_class => return Some(index.saturating_add(1)),
            _ => {}
        }
    }
    None
}

fn split_while(text: &[u8], is_part: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !is_part(*byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x20)
}

/// `eval` inside of `eval` so often is undone.
const EVAL_DEPTH_MAX: u32 = 3;
/// A slash without another one so near is a division.
const REGEX_BYTES_MAX: usize = 512;
/// A number with more digits is printed as it is.
const FRACTION_DIGITS_MAX: usize = 32;
