//! What the dictionary of a stream says of its bytes.

use std::iter::Peekable;

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
    /// Encrypted in another way than the others, or not at all.
    Crypt,
    /// No filter of the standard.
    Unknown,
    /// More than anybody applies, or named by a reference.
    Unreadable,
}

/// What a filter has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) predictor: u64,
    pub(super) columns: u64,
    pub(super) colors: u64,
    pub(super) bits: u64,
    /// Of the filter for encryption: there is none.
    is_identity: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { predictor: 1, columns: 1, colors: 1, bits: 8, is_identity: false }
    }
}

/// What is known of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// In the order in which they are undone.
    pub(super) filters: Vec<Filter>,
    /// Of each filter, as far as there are any.
    pub(super) parameters: Vec<Parameters>,
    /// Its type, when it has one.
    pub(super) kind: Vec<u8>,
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
                b"DecodeParms" | b"DP" => known.read_parameters(&mut tokens),
                b"Type" => {
                    if let Some(Token::Name(kind)) = tokens.peek() {
                        known.kind.clone_from(kind);
                        tokens.next();
                    }
                }
                _ => {}
            }
        }
        if known.filters.len() > FILTERS_MAX {
            known.filters = vec![Filter::Unreadable];
        }
        known
    }

    /// Whether it says that it is not encrypted.
    pub(super) fn is_identity(&self) -> bool {
        let mut filters = self.filters.iter().zip(&self.parameters);
        filters.any(|(filter, parameters)| *filter == Filter::Crypt && parameters.is_identity)
    }

    /// One dictionary, or a list of them with `null` for filters that have none.
    fn read_parameters(&mut self, tokens: &mut Peekable<Tokens<'_>>) {
        let mut is_list = false;
        while let Some(token) = tokens.peek() {
            match token {
                Token::Bracket(b"[") => is_list = true,
                Token::Bracket(b"<<") => {
                    tokens.next();
                    self.read_one(tokens);
                    if is_list {
                        continue;
                    }
                    return;
                }
                Token::Word(b"null") => self.parameters.push(Parameters::default()),
                // Elsewhere.
                Token::Number(_) => {
                    self.parameters
                        .push(Parameters { predictor: u64::MAX, ..Parameters::default() });
                    tokens.next();
                    return;
                }
                Token::Bracket(_) | Token::Name(_) | Token::Text(_) | Token::Word(_) => return,
            }
            tokens.next();
            if !is_list {
                return;
            }
        }
    }

    fn read_one(&mut self, tokens: &mut Peekable<Tokens<'_>>) {
        let mut said = Parameters::default();
        let mut depth = 1_usize;
        while let Some(token) = tokens.next() {
            match token {
                Token::Bracket(b"<<") => depth = depth.saturating_add(1),
                Token::Bracket(b">>") => depth = depth.saturating_sub(1),
                Token::Name(key) => match (key.as_slice(), tokens.peek()) {
                    (b"Predictor", Some(Token::Number(number))) => said.predictor = *number,
                    (b"Columns", Some(Token::Number(number))) => said.columns = *number,
                    (b"Colors", Some(Token::Number(number))) => said.colors = *number,
                    (b"BitsPerComponent", Some(Token::Number(number))) => said.bits = *number,
                    (b"EarlyChange", Some(Token::Number(number))) => self.is_late = *number == 0,
                    (b"Name", Some(Token::Name(name))) => said.is_identity = name == b"Identity",
                    _ => {}
                },
                Token::Bracket(_) | Token::Number(_) | Token::Text(_) | Token::Word(_) => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.parameters.push(said);
    }
}

fn filter(name: &[u8]) -> Filter {
    match name {
        b"FlateDecode" | b"Fl" => Filter::Flate,
        b"LZWDecode" | b"LZW" => Filter::Lzw,
        b"ASCIIHexDecode" | b"AHx" => Filter::AsciiHex,
        b"ASCII85Decode" | b"A85" => Filter::Ascii85,
        b"RunLengthDecode" | b"RL" => Filter::RunLength,
        b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
            Filter::AsItIs
        }
        b"Crypt" => Filter::Crypt,
        _ => Filter::Unknown,
    }
}

/// Real streams have one or two; hostile ones a few more.
const FILTERS_MAX: usize = 16;
