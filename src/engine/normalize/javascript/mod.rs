//! Scripts printed again: one way of writing what can be written in many.
//!
//! ```text
//!   block ─▶ words, numbers, strings, signs ─▶ sums and eval undone ─▶ names by scope ─▶ print
//! ```
//!
//! `clamav.md` A9.4, and what clamscan 1.4.6 answers: white space goes but where it divides words;
//! `/* */` goes, of `//` the two signs only; strings are written with `"` and without escapes; sums of
//! strings are one string; `unescape("…")` is what it gives, `eval("…")` what it runs; names declared
//! by `var`, by `function` and as parameters are `n000`, `n001`, … in the order of their declarations;
//! all in lower case.
//!
//! A script is worked in blocks of [`SCRIPT_BYTES_MAX`]; names and strings do not reach from one block
//! into the next. Time and memory are proportional to the block: scopes deeper than [`SCOPES_MAX`] are
//! one, an `eval` in an `eval` in an `eval` stays as it is.

mod lexer;
mod names;

use lexer::{Kind, Lexer};
use names::Names;

/// Prints a block of a script.
pub(super) fn print(block: &[u8], out: &mut Vec<u8>) {
    let mut lexer = Lexer::new(block.len());
    lexer.read(block);
    let (tokens, text) = lexer.finish();
    let names = Names::of(&tokens, &text);
    let mut last = Kind::Sign;
    for (index, token) in tokens.iter().enumerate() {
        let written = text.get(token.range()).unwrap_or_default();
        let divides = |kind: Kind| matches!(kind, Kind::Word | Kind::Number);
        if divides(last) && divides(token.kind) {
            out.push(b' ');
        }
        last = token.kind;
        match token.kind {
            Kind::Word => match names.number(index) {
                Some(number) => push_name(number, out),
                None => push_lower(written, out),
            },
            Kind::Text | Kind::Decoded => {
                out.push(b'"');
                push_lower(written, out);
                out.push(b'"');
            }
            Kind::Number | Kind::Regex | Kind::Sign => push_lower(written, out),
        }
    }
}

fn push_lower(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.iter().map(u8::to_ascii_lowercase));
}

/// `n`, and at least three digits.
fn push_name(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("n{number:03}").as_bytes());
}

/// A longer script is printed in blocks of so many bytes.
pub(super) const SCRIPT_BYTES_MAX: usize = 64 << 10;
/// Functions in functions deeper than this share a scope.
const SCOPES_MAX: usize = 64;
