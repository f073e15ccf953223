//! A source of rules, cut into words.
//!
//! Blanks separate words; `,` `:` `=` `(` `)` stand for themselves. A colon separates only beside a blank or
//! at the end of a line and never inside parentheses, so times, ports and IPv6 addresses need no quotes; an
//! equals sign is a part of a word inside parentheses. A quoted text may contain everything; `\"` is a
//! quote and `\\` a backslash, every other backslash stays, as regular expressions want it. `#` and `;`
//! begin a comment, at the start of a word. The end of a line ends a rule, except inside parentheses and
//! after `,` and `:`.

use std::borrow::Cow;

use super::fault::{Span, Trouble};

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind<'t>,
    pub(super) at: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'t> {
    Word(&'t str),
    Quoted(Cow<'t, str>),
    Comma,
    Colon,
    Equals,
    Open,
    Close,
    /// The end of a rule.
    End,
}

/// Cuts a source into words; each rule ends with [`TokenKind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Trouble> {
    let mut cutter = Cutter { text, at: 0, depth: 0, tokens: Vec::new() };
    cutter.run()?;
    Ok(cutter.tokens)
}

struct Cutter<'t> {
    text: &'t str,
    at: usize,
    depth: u32,
    tokens: Vec<Token<'t>>,
}

impl<'t> Cutter<'t> {
    fn run(&mut self) -> Result<(), Trouble> {
        while let Some(letter) = self.peek() {
            if self.tokens.len() >= TOKENS_MAX {
                let at = Span::new(self.at, self.at);
                return Err(Trouble::new(at, format!("more than {TOKENS_MAX} words of rules"))
                    .remedy("put long sets into files of their own: @/path/to/file"));
            }
            match letter {
                '\n' => {
                    self.end_line();
                    self.at = self.at.saturating_add(1);
                }
                '#' | ';' => self.skip_comment(),
                '"' => self.quoted()?,
                ',' => self.sign(TokenKind::Comma),
                '(' => {
                    self.depth = self.depth.saturating_add(1);
                    self.sign(TokenKind::Open);
                }
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.sign(TokenKind::Close);
                }
                '=' if self.depth == 0 => self.sign(TokenKind::Equals),
                ':' if self.depth == 0 && self.letter_after() != Some(':') => {
                    self.sign(TokenKind::Colon);
                }
                blank if blank.is_whitespace() => self.skip(blank),
                _ => self.word(),
            }
        }
        self.end_line();
        if self.tokens.last().is_some_and(|token| token.kind != TokenKind::End) {
            // A rule that stops after a comma or inside of parentheses: the parser says what is missing.
            self.push(TokenKind::End, Span::new(self.at, self.at));
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn letter_after(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().nth(1)
    }

    fn skip(&mut self, letter: char) {
        self.at = self.at.saturating_add(letter.len_utf8());
    }

    fn skip_comment(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at = self.at.saturating_add(rest.find('\n').unwrap_or(rest.len()));
    }

    fn push(&mut self, kind: TokenKind<'t>, at: Span) {
        self.tokens.push(Token { kind, at });
    }

    fn sign(&mut self, kind: TokenKind<'t>) {
        let end = self.at.saturating_add(1);
        self.push(kind, Span::new(self.at, end));
        self.at = end;
    }

    fn end_line(&mut self) {
        let goes_on = |kind: &TokenKind<'_>| {
            matches!(kind, TokenKind::Comma | TokenKind::Colon | TokenKind::End)
        };
        let is_open = self.depth > 0;
        if !is_open && self.tokens.last().is_some_and(|token| !goes_on(&token.kind)) {
            self.push(TokenKind::End, Span::new(self.at, self.at));
        }
    }

    fn word(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut letters = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            let next = letters.peek().map(|&(_, next)| next);
            let is_border = match letter {
                ',' | '(' | ')' | '"' => true,
                '=' => self.depth == 0,
                ':' => self.depth == 0 && next.is_none_or(char::is_whitespace),
                other => other.is_whitespace(),
            };
            if is_border {
                end = at;
                break;
            }
        }
        let word = rest.get(..end).unwrap_or_default();
        let stop = self.at.saturating_add(end);
        self.push(TokenKind::Word(word), Span::new(self.at, stop));
        self.at = stop;
    }

    fn quoted(&mut self) -> Result<(), Trouble> {
        let start = self.at;
        let inside = self.text.get(start.saturating_add(1)..).unwrap_or_default();
        let mut escaped = false;
        let mut has_escape = false;
        for (at, letter) in inside.char_indices() {
            match letter {
                '\n' => break,
                '"' if !escaped => {
                    let raw = inside.get(..at).unwrap_or_default();
                    let text =
                        if has_escape { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) };
                    self.at = start.saturating_add(at).saturating_add(2);
                    self.push(TokenKind::Quoted(text), Span::new(start, self.at));
                    return Ok(());
                }
                _ => {
                    has_escape |= letter == '\\';
                    escaped = letter == '\\' && !escaped;
                }
            }
        }
        Err(Trouble::new(Span::new(start, start.saturating_add(1)), "the closing quote is missing"))
    }
}

/// `\"` and `\\` become one character; every other backslash stays.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut letters = raw.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('"')) => {}
            ('\\', Some('\\')) => {
                letters.next();
                text.push('\\');
            }
            _ => text.push(letter),
        }
    }
    text
}

/// Words of all rules of a source; a set of a hundred thousand belongs into a file.
const TOKENS_MAX: usize = 200_000;
