//! Sets of bytes in a regex: `[…]`, the letters that stand for one, and bytes written as numbers.
//!
//! PCRE2 without UTF sorts bytes by the tables of the C locale: what is not ASCII is no letter, no
//! digit and no white space, and has no other case; but `\h` and `\v` have one such byte each.

use regex_syntax::hir::{ClassBytes, ClassBytesRange};

use super::{Foreign, Reader, RegexFlags};

fn of(ranges: &[(u8, u8)]) -> ClassBytes {
    ClassBytes::new(ranges.iter().map(|(first, last)| ClassBytesRange::new(*first, *last)))
}

fn but(ranges: &[(u8, u8)]) -> ClassBytes {
    let mut set = of(ranges);
    set.negate();
    set
}

/// Every byte.
pub(super) fn any() -> ClassBytes {
    of(&[(0, u8::MAX)])
}

/// What a dot is without the flag `s`.
pub(super) fn not_line_end() -> ClassBytes {
    but(&[(b'\n', b'\n')])
}

/// What `\v` is.
pub(super) fn vertical() -> ClassBytes {
    of(VERTICAL)
}

/// A letter and its other case.
pub(super) fn either_case(letter: u8) -> ClassBytes {
    let (lower, upper) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
    of(&[(lower, lower), (upper, upper)])
}

/// The set behind a backslash and a letter.
pub(super) fn named(letter: u8) -> Option<ClassBytes> {
    Some(match letter {
        b'd' => of(DIGIT),
        b'D' => but(DIGIT),
        b'w' => of(WORD),
        b'W' => but(WORD),
        b's' => of(SPACE),
        b'S' => but(SPACE),
        b'h' => of(HORIZONTAL),
        b'H' => but(HORIZONTAL),
        b'v' => of(VERTICAL),
        b'V' => but(VERTICAL),
        b'N' => not_line_end(),
        _ => return None,
    })
}

/// `[:alpha:]`, by its name.
fn posix(name: &[u8], is_caseless: bool) -> Option<ClassBytes> {
    Some(of(match name {
        b"lower" | b"upper" | b"alpha" if is_caseless => ALPHA,
        b"alpha" => ALPHA,
        b"lower" => &[(b'a', b'z')],
        b"upper" => &[(b'A', b'Z')],
        b"alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"ascii" => &[(0, 0x7f)],
        b"blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        b"cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        b"digit" => DIGIT,
        b"graph" => &[(b'!', b'~')],
        b"print" => &[(b' ', b'~')],
        b"punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        b"space" => SPACE,
        b"word" => WORD,
        b"xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    }))
}

/// A byte behind a backslash: as it is, as a number, or one of the letters for control bytes.
/// `letter` is what follows the backslash.
pub(super) fn number(reader: &mut Reader<'_>, letter: u8) -> Result<u8, Foreign> {
    match letter {
        b'a' => Ok(0x07),
        b'e' => Ok(0x1b),
        b'f' => Ok(0x0c),
        b'n' => Ok(b'\n'),
        b'r' => Ok(b'\r'),
        b't' => Ok(b'\t'),
        b'0' => octal(reader, 0),
        b'x' => match reader.rest() {
            [b'{', high, low, b'}', ..] => {
                reader.pass(4);
                hex(*high, *low)
            }
            [high, low, ..] => {
                reader.pass(2);
                hex(*high, *low)
            }
            _ => Err(Foreign),
        },
        _ if !letter.is_ascii_alphanumeric() => Ok(letter),
        _ => Err(Foreign),
    }
}

fn hex(high: u8, low: u8) -> Result<u8, Foreign> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low);
    value.and_then(|value| u8::try_from(value).ok()).ok_or(Foreign)
}

/// Up to two more digits.
fn octal(reader: &mut Reader<'_>, first: u32) -> Result<u8, Foreign> {
    let mut value = first;
    for _ in 0..2 {
        let Some(digit @ b'0'..=b'7') = reader.rest().first() else { break };
        value = value << 3 | u32::from(digit & 7);
        reader.pass(1);
    }
    u8::try_from(value).map_err(|_too_large| Foreign)
}

/// A member of a class.
enum Member {
    Byte(u8),
    Set(ClassBytes),
}

/// Reads a class behind its bracket.
pub(super) fn set(reader: &mut Reader<'_>) -> Result<ClassBytes, Foreign> {
    let is_caseless = reader.has(RegexFlags::CASELESS);
    let mut set = ClassBytes::empty();
    let is_negated = reader.rest().starts_with(b"^");
    reader.pass(usize::from(is_negated));
    // The byte that a hyphen may make the start of a range.
    let mut first: Option<u8> = None;
    let mut is_begun = false;
    loop {
        if is_begun && reader.rest().starts_with(b"]") {
            reader.pass(1);
            break;
        }
        is_begun = true;
        let has_hyphen = matches!(reader.rest(), [b'-', next, ..] if *next != b']');
        if let Some(start) = first.take().filter(|_| has_hyphen) {
            reader.pass(1);
            let Member::Byte(end) = member(reader, is_caseless)? else { return Err(Foreign) };
            if end < start {
                return Err(Foreign);
            }
            set.push(ClassBytesRange::new(start, end));
            continue;
        }
        match member(reader, is_caseless)? {
            Member::Byte(byte) => {
                set.push(ClassBytesRange::new(byte, byte));
                first = Some(byte);
            }
            Member::Set(other) => {
                set.union(&other);
                // PCRE2 refuses a hyphen here, or did not always.
                if matches!(reader.rest(), [b'-', next, ..] if *next != b']') {
                    return Err(Foreign);
                }
            }
        }
    }
    if is_caseless {
        set.case_fold_simple();
    }
    if is_negated {
        set.negate();
    }
    Ok(set)
}

fn member(reader: &mut Reader<'_>, is_caseless: bool) -> Result<Member, Foreign> {
    match reader.next()? {
        b'\\' => match reader.next()? {
            b'b' => Ok(Member::Byte(0x08)),
            b'N' => Err(Foreign),
            digit @ b'1'..=b'7' => octal(reader, u32::from(digit & 7)).map(Member::Byte),
            letter => match named(letter) {
                Some(set) => Ok(Member::Set(set)),
                None => number(reader, letter).map(Member::Byte),
            },
        },
        b'[' => match reader.rest().first() {
            Some(b':') => {
                reader.pass(1);
                let name = reader.until(b':')?;
                if !reader.rest().starts_with(b"]") {
                    return Err(Foreign);
                }
                reader.pass(1);
                let positive = name.strip_prefix(b"^").unwrap_or(name);
                let mut set = posix(positive, is_caseless).ok_or(Foreign)?;
                if positive.len() < name.len() {
                    set.negate();
                }
                Ok(Member::Set(set))
            }
            Some(b'.' | b'=') => Err(Foreign),
            Some(_) | None => Ok(Member::Byte(b'[')),
        },
        byte => Ok(Member::Byte(byte)),
    }
}

const ALPHA: &[(u8, u8)] = &[(b'A', b'Z'), (b'a', b'z')];
const DIGIT: &[(u8, u8)] = &[(b'0', b'9')];
const WORD: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];
const SPACE: &[(u8, u8)] = &[(b'\t', b'\r'), (b' ', b' ')];
const HORIZONTAL: &[(u8, u8)] = &[(b'\t', b'\t'), (b' ', b' '), (0xa0, 0xa0)];
const VERTICAL: &[(u8, u8)] = &[(b'\n', b'\r'), (0x85, 0x85)];
