//! What a part is made of: bytes, alternatives, boundaries, distances; and braces.

use crate::engine::database::line::{Field, LineFault, Refusal, digits};
use crate::engine::database::signature::{Edge, EdgeKind, Gap, Unit};

use super::parts::Parts;
use super::reader::Reader;

/// Reads one unit outside of alternatives.
pub(super) fn read(reader: &mut Reader<'_>, parts: &mut Parts) -> Result<(), LineFault> {
    let at = reader.at();
    let unit = match reader.peek() {
        Some(b'[') => distance(reader)?,
        Some(b'!' | b'(') => {
            let negated = reader.take(b"!");
            if !reader.take(b"(") {
                return Err(reader.refuse("'(' after '!'"));
            }
            match boundary(reader) {
                Some(kind) => Unit::Boundary(Edge { kind, negated }),
                None => choice(reader, negated, 1)?,
            }
        }
        _ => byte(reader)?,
    };
    parts.push(unit, at);
    Ok(())
}

/// The rest of `(B)`, `(L)`, `(W)` after the parenthesis, if it is one of them.
fn boundary(reader: &mut Reader<'_>) -> Option<EdgeKind> {
    let kinds: [(&[u8], EdgeKind); 3] =
        [(b"B)", EdgeKind::Word), (b"L)", EdgeKind::Line), (b"W)", EdgeKind::NonAlphanumeric)];
    kinds.into_iter().find_map(|(text, kind)| reader.take(text).then_some(kind))
}

/// Two characters, each a hex digit or `?`.
fn byte(reader: &mut Reader<'_>) -> Result<Unit, LineFault> {
    reader.spend(1)?;
    let (high, high_mask) = nibble(reader, "a hex digit, '?', '*', '{', '(', '!' or '['")?;
    let (low, low_mask) = nibble(reader, "a second hex digit or '?'")?;
    Ok(Unit::Byte { value: high.rotate_left(4) | low, mask: high_mask.rotate_left(4) | low_mask })
}

fn nibble(reader: &mut Reader<'_>, allowed: &'static str) -> Result<(u8, u8), LineFault> {
    let nibble = match reader.peek() {
        Some(b'?') => (0, 0),
        Some(digit @ b'0'..=b'9') => (digit.wrapping_sub(b'0'), 0x0f),
        Some(digit @ b'a'..=b'f') => (digit.wrapping_sub(b'a').wrapping_add(10), 0x0f),
        Some(digit @ b'A'..=b'F') => (digit.wrapping_sub(b'A').wrapping_add(10), 0x0f),
        Some(_) | None => return Err(reader.refuse(allowed)),
    };
    reader.skip();
    Ok(nibble)
}

/// The rest of an alternative after its parenthesis. `depth` counts those around it, itself included.
fn choice(reader: &mut Reader<'_>, negated: bool, depth: usize) -> Result<Unit, LineFault> {
    reader.spend(1)?;
    let at = reader.at();
    if depth > NESTING_MAX {
        let rule = "alternatives inside each other more than 16 deep";
        return Err(LineFault::rule(at, rule));
    }
    let mut choices = Vec::new();
    loop {
        let choice_at = reader.at();
        let choice = run(reader, depth)?;
        if !choice.is_empty() {
            choices.push(choice);
        } else if choices.is_empty() {
            return Err(LineFault::rule(choice_at, "an empty first alternative"));
        }
        if reader.take(b")") {
            break;
        }
        if !reader.take(b"|") {
            return Err(reader.refuse("a hex digit, '?', '(', '{', '|' or ')'"));
        }
    }
    if negated {
        check_negated(&choices, at)?;
    }
    Ok(Unit::Choice { negated, choices: choices.into() })
}

/// One alternative: bytes, alternatives inside it, short exact gaps.
fn run(reader: &mut Reader<'_>, depth: usize) -> Result<Vec<Unit>, LineFault> {
    let mut units = Vec::new();
    loop {
        let at = reader.at();
        match reader.peek() {
            Some(b'|' | b')') | None => return Ok(units),
            Some(b'(') => {
                reader.skip();
                units.push(choice(reader, false, depth.saturating_add(1))?);
            }
            Some(b'!') => {
                return Err(LineFault::rule(at, "a negation inside an alternative"));
            }
            Some(b'{') => match brace(reader)? {
                Brace::Wildcards(count) => {
                    units.extend(std::iter::repeat_n(WILDCARD, usize::from(count)));
                }
                Brace::Gap(_) => {
                    let rule = "a gap inside an alternative: only {n} with n from 1 to 127, and \
                                not after another kind of gap, is allowed";
                    return Err(LineFault::rule(at, rule));
                }
            },
            Some(b'*') => return Err(LineFault::rule(at, "'*' inside an alternative")),
            Some(_) => units.push(byte(reader)?),
        }
    }
}

/// "None of these" is only defined where all have one length, and every byte is fixed.
fn check_negated(choices: &[Vec<Unit>], at: usize) -> Result<(), LineFault> {
    let length = choices.first().map_or(0, Vec::len);
    let fixed = |unit: &Unit| matches!(unit, Unit::Byte { mask: 0xff, .. });
    let alike = |choice: &Vec<Unit>| choice.len() == length && choice.iter().all(fixed);
    if choices.iter().all(alike) {
        return Ok(());
    }
    let rule = "a negated alternative: fixed bytes of one length are allowed";
    Err(LineFault::rule(at, rule))
}

/// `[x]` or `[x-y]`.
fn distance(reader: &mut Reader<'_>) -> Result<Unit, LineFault> {
    let at = reader.at();
    reader.skip();
    let field = reader.until(b']', "']' at the end of a distance")?;
    let (min, max) = range(field, "digits of a distance, '-'")?;
    let (Some(min), Some(max)) = (min, max) else {
        return Err(LineFault::rule(at, "a distance [x] or [x-y] needs both numbers"));
    };
    match (u8::try_from(min), u8::try_from(max)) {
        (Ok(min), Ok(max)) if min <= max && max <= DISTANCE_MAX => Ok(Unit::Skip { min, max }),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => {
            let rule = "a distance [x-y] needs x <= y <= 32";
            Err(LineFault::rule(at, rule))
        }
    }
}

/// What a brace says.
#[derive(Debug)]
pub(super) enum Brace {
    /// So many times `??`.
    Wildcards(u8),
    /// A gap.
    Gap(Gap),
}

/// Reads `{n}`, `{-n}`, `{n-}` or `{n-m}`.
pub(super) fn brace(reader: &mut Reader<'_>) -> Result<Brace, LineFault> {
    let at = reader.at();
    reader.skip();
    let field = reader.until(b'}', "'}' at the end of a gap")?;
    let dash = field.text.contains(&b'-');
    let (min, max) = range(field, "digits of a gap, '-'")?;
    let (min, max) = (min.unwrap_or(0), max.unwrap_or(0));
    if !dash
        && reader.braces_are_wildcards()
        && let Ok(count @ 1..=WILDCARDS_MAX) = u8::try_from(min)
    {
        reader.spend(usize::from(count))?;
        return Ok(Brace::Wildcards(count));
    }
    reader.braces_are_gaps();
    let number = |value: u64| {
        u32::try_from(value)
            .map_err(|_| LineFault { at, refusal: Refusal::Number { max: u64::from(u32::MAX) } })
    };
    let (min, max) = (number(min)?, number(max)?);
    if max != 0 && max < min {
        return Err(LineFault::rule(at, "a gap {n-m} needs n <= m"));
    }
    // Zero is how the language writes "no maximum", also where it is written out.
    let max = (max != 0).then_some(max);
    Ok(Brace::Gap(Gap { min, max }))
}

/// The two numbers of `n`, `n-`, `-m` or `n-m`; a single number is both.
fn range(field: Field<'_>, allowed: &'static str) -> Result<(Option<u64>, Option<u64>), LineFault> {
    let number = |text: &[u8], at: usize| match text {
        [] => Ok(None),
        _ => digits(text, at, allowed).map(Some),
    };
    match field.text.iter().position(|byte| *byte == b'-') {
        None => {
            let both = number(field.text, field.at)?;
            Ok((both, both))
        }
        Some(dash) => {
            let (min, max) = field.text.split_at(dash);
            let max_at = field.at.saturating_add(dash).saturating_add(1);
            let max = max.get(1..).unwrap_or_default();
            Ok((number(min, field.at)?, number(max, max_at)?))
        }
    }
}

/// `??`.
pub(super) const WILDCARD: Unit = Unit::Byte { value: 0, mask: 0 };

/// The outermost alternative and fifteen inside it, as clamscan 1.4.6.
const NESTING_MAX: usize = 16;

/// The language's own limit of `HH[x-y]`.
const DISTANCE_MAX: u8 = 32;

/// Longer exact gaps stay gaps.
const WILDCARDS_MAX: u8 = 127;
