//! Extended regular expressions of POSIX in the words of the crate `regex`.
//!
//! Inside of brackets POSIX knows no escapes and no sets in sets: signs that mean something there to
//! the crate are escaped. What the crate cannot do (back references, `[=a=]`, `[.a.]`) is refused.
//! Which of several matches is found differs, whether there is one does not.

use regex::bytes::{Regex, RegexBuilder};

/// Compiles an expression that must match up to the end of its subject, a `/` at the end aside.
/// Upper and lower case are alike, as subjects are in lower case.
///
/// `None` when it is none that can be used, or one that would grow over [`SIZE_MAX`].
pub(in crate::engine) fn compile(expression: &str) -> Option<Regex> {
    let translated = translate(expression)?;
    build(&format!("(?:{translated})/?$"), true)
}

/// Compiles an expression that may match anywhere, with upper and lower case told apart.
///
/// `None` as of [`compile`].
pub(in crate::engine) fn compile_as_written(expression: &str) -> Option<Regex> {
    build(&translate(expression)?, false)
}

fn build(expression: &str, ignores_case: bool) -> Option<Regex> {
    RegexBuilder::new(expression)
        .unicode(false)
        .case_insensitive(ignores_case)
        .size_limit(SIZE_MAX)
        .dfa_size_limit(SIZE_MAX)
        .nest_limit(NEST_MAX)
        .build()
        .ok()
}

fn translate(expression: &str) -> Option<String> {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression.chars().peekable();
    while let Some(sign) = rest.next() {
        match sign {
            '\\' => {
                let escaped = rest.next()?;
                // A letter or digit may mean something to the crate that it does not mean in POSIX.
                if escaped.is_ascii_alphanumeric() {
                    return None;
                }
                out.push('\\');
                out.push(escaped);
            }
            '[' => bracket(&mut rest, &mut out)?,
            _ if sign.is_ascii() => out.push(sign),
            _ => return None,
        }
    }
    Some(out)
}

/// A bracket expression from behind its `[`.
fn bracket(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Option<()> {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut is_first = true;
    loop {
        match rest.next()? {
            ']' if !is_first => {
                out.push(']');
                return Some(());
            }
            '[' => match rest.peek() {
                Some(':') => {
                    out.push('[');
                    class(rest, out)?;
                }
                Some('=' | '.') => return None,
                Some(_) | None => out.push_str("\\["),
            },
            sign @ (']' | '\\' | '&' | '~' | '^') => {
                out.push('\\');
                out.push(sign);
            }
            // At an end it is itself, anywhere else it makes a range.
            '-' if is_first || rest.peek() == Some(&']') => out.push_str("\\-"),
            sign if sign.is_ascii() => out.push(sign),
            _ => return None,
        }
        is_first = false;
    }
}

/// `:alpha:]` of `[:alpha:]`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Option<()> {
    out.push(rest.next()?);
    loop {
        let sign = rest.next()?;
        out.push(sign);
        match sign {
            ']' => return Some(()),
            ':' => {}
            _ if sign.is_ascii_lowercase() => {}
            _ => return None,
        }
    }
}

/// Bytes of one compiled expression. At worst, expressions × this twice.
const SIZE_MAX: usize = 1 << 20;
/// Groups in groups.
const NEST_MAX: u32 = 32;
