//! What the dictionary of a stream says of its bytes.

use super::token::{Token, Tokens};

/// A filter, as the dictionary names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Flate,
    Lzw,
    AsciiHex,
    Ascii85,
    RunLength,
    /// Its result is a picture of a format of its own, or its input is encrypted by itself.
    AsItIs,
    /// No filter of the standard.
    Unknown,
    /// More than anybody applies, or named by a reference.
    Unreadable,
}

/// What is known of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// In the order in which they are undone.
    pub(super) filters: Vec<Filter>,
    /// In bytes, when it is not a reference.
    pub(super) length: Option<u64>,
    /// Codes of LZW grow one later than they usually do.
    pub(super) is_late: bool,
}

impl Dictionary {
    /// Reads it from what stands between `obj` and `stream`.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut known = Self::default();
        let mut tokens = Tokens::new(bytes).peekable();
        while let Some(token) = tokens.next() {
            let Token::Name(key) = token else { continue };
            match key.as_slice() {
                b"Filter" => {
                    let mut is_list = false;
                    while let Some(token) = tokens.peek() {
                        match token {
                            Token::Bracket(b"[") => is_list = true,
                            Token::Name(name) => known.filters.push(filter(name)),
                            Token::Number(_) => known.filters.push(Filter::Unreadable),
                            Token::Word(b"null") => {}
                            Token::Bracket(_) | Token::Text(_) | Token::Word(_) => break,
                        }
                        tokens.next();
                        if !is_list {
                            break;
                        }
                    }
                }
                b"Length" => {
                    if let Some(Token::Number(length)) = tokens.peek() {
                        known.length = Some(*length);
                        tokens.next();
                        // `12 0 R` is a reference.
                        if matches!(tokens.peek(), Some(Token::Number(_))) {
                            known.length = None;
                        }
                    }
                }
                b"EarlyChange" => known.is_late = tokens.peek() == Some(&Token::Number(0)),
                _ => {}
            }
        }
        if known.filters.len() > FILTERS_MAX {
            known.filters = vec![Filter::Unreadable];
        }
        known
    }
}

fn filter(name: &[u8]) -> Filter {
    match name {
        b"FlateDecode" | b"Fl" => Filter::Flate,
        b"LZWDecode" | b"LZW" => Filter::Lzw,
        b"ASCIIHexDecode" | b"AHx" => Filter::AsciiHex,
        b"ASCII85Decode" | b"A85" => Filter::Ascii85,
        b"RunLengthDecode" | b"RL" => Filter::RunLength,
        b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode"
        | b"Crypt" => Filter::AsItIs,
        _ => Filter::Unknown,
    }
}

/// Real streams have one or two; hostile ones a few more.
const FILTERS_MAX: usize = 16;
