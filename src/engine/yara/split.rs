//! A file of rules cut into its pieces, so that one bad rule costs one rule.
//!
//! Only as much of the language is known here as it takes to find the brace that ends a rule:
//! comments, texts and regexes. Division is `\` in YARA, so a slash always opens one of these.

use std::ops::Range;

/// A piece of a file, by its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// `import "name"`: the whole of it, and the name.
    Import(Range<usize>, Range<usize>),
    /// `include "path"`.
    Include(Range<usize>),
    /// From its first word to its last brace.
    Rule(Range<usize>),
    /// Something else, up to the next line that begins with a word of the language.
    Other(Range<usize>),
}

/// Cuts a file.
pub(super) fn split(text: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(start) = skip_space(text, at) {
        let item = item(text, start);
        at = match &item {
            Item::Import(range, _)
            | Item::Include(range)
            | Item::Rule(range)
            | Item::Other(range) => range.end.max(start.saturating_add(1)),
        };
        items.push(item);
    }
    items
}

fn item(text: &[u8], start: usize) -> Item {
    let word = word(text, start);
    match text.get(word.clone()).unwrap_or_default() {
        b"rule" | b"private" | b"global" => {
            let end = rule_end(text, word.end).unwrap_or_else(|| resume(text, word.end));
            Item::Rule(start..end)
        }
        keyword @ (b"import" | b"include") => {
            let quote = skip_space(text, word.end).filter(|at| text.get(*at) == Some(&b'"'));
            let Some(quote) = quote else { return Item::Other(start..resume(text, word.end)) };
            let end = token_end(text, quote);
            let name = quote.saturating_add(1)..end.saturating_sub(1).max(quote.saturating_add(1));
            match keyword {
                b"import" => Item::Import(start..end, name),
                _ => Item::Include(start..end),
            }
        }
        _ => Item::Other(start..resume(text, start)),
    }
}

/// The next place that is neither white space nor in a comment.
fn skip_space(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text.get(at..)? {
            [] => return None,
            [b'/', b'/' | b'*', ..] => at = token_end(text, at),
            [byte, ..] if byte.is_ascii_whitespace() => at = at.saturating_add(1),
            // A byte order mark.
            [0xef, 0xbb, 0xbf, ..] if at == 0 => at = 3,
            _ => return Some(at),
        }
    }
}

fn word(text: &[u8], start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    start..start.saturating_add(length.count())
}

/// The end of the block that begins after `at`; `None` when it does not end.
fn rule_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_u32;
    loop {
        at = skip_space(text, at)?;
        match text.get(at)? {
            b'{' => depth = depth.saturating_add(1),
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at.saturating_add(1));
                }
            }
            _ => {}
        }
        at = token_end(text, at);
    }
}

/// The end of the token at `at`: a comment, a text, a regex, or one byte.
fn token_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let length = match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', body @ ..] => {
            let end = memchr::memmem::find(body, b"*/");
            end.map_or(rest.len(), |end| end.saturating_add(4))
        }
        [quote @ (b'"' | b'/'), body @ ..] => quoted(body, *quote).saturating_add(1),
        _ => 1,
    };
    at.saturating_add(length).min(text.len())
}

/// Bytes up to and with the closing quote; neither a text nor a regex goes past the end of its line.
fn quoted(body: &[u8], quote: u8) -> usize {
    let mut at = 0_usize;
    while let Some(byte) = body.get(at) {
        match byte {
            b'\\' => at = at.saturating_add(1),
            b'\n' => return at,
            _ if *byte == quote => return at.saturating_add(1),
            _ => {}
        }
        at = at.saturating_add(1);
    }
    body.len()
}

/// The next line that begins with a word of the language.
fn resume(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(length) = memchr::memchr(b'\n', text.get(at..).unwrap_or_default()) {
        at = at.saturating_add(length).saturating_add(1);
        let word = word(text, at);
        let is_known = matches!(
            text.get(word).unwrap_or_default(),
            b"rule" | b"private" | b"global" | b"import" | b"include"
        );
        if is_known {
            return at;
        }
    }
    text.len()
}
