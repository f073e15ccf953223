//! The modifiers of a pattern: `i`, `w`, `f`, `a` (clamav.md A5.4), found by asking clamscan 1.4.6.
//!
//! * `w` puts 00 after each byte as written, `??` included; gaps, also `{2}`, stay numbers of bytes,
//!   so this is done to the text. A `(W)` edge then looks at a 16-bit unit; `(B)` does not.
//! * `f` puts `(W)` at both ends.
//! * `i` ignores the case of letters, alternatives included.
//! * `a` asks for the plain form, too, where `w` asks for the wide one.

use crate::engine::database::line::{Field, LineFault, Read};
use crate::engine::database::origin;
use crate::engine::database::pattern;
use crate::engine::database::report::Unsupported;
use crate::engine::database::signature::{
    BodySignature, Edge, EdgeKind, Offset, Pattern, Target, Unit,
};
use crate::engine::matcher::HITS_MAX;

/// Which of the letters are there, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers(u8);

impl Modifiers {
    const CASE: u8 = 1;
    const WIDE: u8 = 2;
    const FULL_WORD: u8 = 4;
    const PLAIN: u8 = 8;

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Reads the letters.
pub(super) fn parse(field: Field<'_>) -> Result<Modifiers, LineFault> {
    let mut bits = 0;
    for (letter, at) in field.text.iter().zip(field.at..) {
        bits |= match letter {
            b'i' => Modifiers::CASE,
            b'w' => Modifiers::WIDE,
            b'f' => Modifiers::FULL_WORD,
            b'a' => Modifiers::PLAIN,
            _ => return Err(LineFault::unexpected(at, Some(*letter), "the modifiers i w f a")),
        };
    }
    Ok(Modifiers(bits))
}

/// Reads a pattern as its modifiers want it: one or more patterns, whose matches add up.
pub(super) fn apply(
    modifiers: Modifiers,
    place: Offset,
    text: Field<'_>,
    target: Target,
) -> Result<Read<Vec<(Offset, Pattern)>>, LineFault> {
    let mut patterns = Vec::new();
    if !modifiers.has(Modifiers::WIDE) || modifiers.has(Modifiers::PLAIN) {
        match pattern::parse_part(text, target)? {
            Read::Signature(plain) => patterns.push((plain, false)),
            Read::ByLevel => return Ok(Read::ByLevel),
            Read::Unsupported(reason) => return Ok(Read::Unsupported(reason)),
        }
    }
    if modifiers.has(Modifiers::WIDE) {
        match wide(text, target)? {
            Read::Signature(wide) => patterns.push((wide, true)),
            Read::ByLevel => return Ok(Read::ByLevel),
            Read::Unsupported(reason) => return Ok(Read::Unsupported(reason)),
        }
    }
    let mut out = Vec::new();
    for (mut pattern, is_wide) in patterns {
        if modifiers.has(Modifiers::FULL_WORD) && !add_edges(&mut pattern) {
            return Ok(Read::Unsupported(Unsupported::Modifier));
        }
        if is_wide {
            widen_edges(&mut pattern);
        }
        if modifiers.has(Modifiers::CASE) {
            for part in &mut pattern.parts {
                part.units.iter_mut().for_each(ignore_case);
            }
        }
        let body = BodySignature {
            name: Box::default(),
            target,
            offset: place,
            pattern,
            hits_max: HITS_MAX,
        };
        out.extend(origin::moved(body).into_iter().map(|body| (body.offset, body.pattern)));
    }
    Ok(Read::Signature(out))
}

/// The wide form. The text as written has to be a pattern, but for the two bytes side by side that
/// the wide one always has.
fn wide(text: Field<'_>, target: Target) -> Result<Read<Pattern>, LineFault> {
    let written = pattern::parse_loose(text, target)?;
    if text.text.contains(&b'[') {
        return Ok(Read::Unsupported(Unsupported::Modifier));
    }
    let widened = widened(text.text);
    match written {
        Read::Signature(_) => pattern::parse_part(Field { at: text.at, text: &widened }, target),
        Read::ByLevel | Read::Unsupported(_) => Ok(written),
    }
}

/// Every two digits are followed by `00`, outside of braces and boundaries.
fn widened(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_mul(2));
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'?';
        match rest {
            [b'{', ..] => {
                let end = rest.iter().position(|byte| *byte == b'}').unwrap_or(rest.len());
                let (gap, after) = rest.split_at(end);
                out.extend_from_slice(gap);
                rest = after;
            }
            [b'(', kind @ (b'B' | b'L' | b'W'), b')', after @ ..] => {
                out.extend([b'(', *kind, b')']);
                rest = after;
            }
            [high, low, after @ ..] if is_digit(high) && is_digit(low) => {
                out.extend([*high, *low, b'0', b'0']);
                rest = after;
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    out
}

/// Puts `(W)` at both ends; says whether there was room.
fn add_edges(pattern: &mut Pattern) -> bool {
    let word = Edge { kind: EdgeKind::NonAlphanumeric, negated: false };
    let is_free = pattern.lead == 0 && pattern.trail == 0;
    let Some(first) = pattern.parts.first_mut() else {
        return false;
    };
    let left_fits = first.left.is_none_or(|edge| edge == word);
    first.left = Some(word);
    let begins_plainly =
        !matches!(first.units.as_slice(), [Unit::Byte { .. }, Unit::Skip { .. }, ..]);
    let Some(last) = pattern.parts.last_mut() else {
        return false;
    };
    let right_fits = last.right.is_none_or(|edge| edge == word);
    last.right = Some(word);
    let ends_plainly = !matches!(last.units.as_slice(), [.., Unit::Skip { .. }, Unit::Byte { .. }]);
    is_free && left_fits && right_fits && begins_plainly && ends_plainly
}

/// `(W)` edges look at units of 16 bits.
fn widen_edges(pattern: &mut Pattern) {
    for part in &mut pattern.parts {
        for edge in [&mut part.left, &mut part.right].into_iter().flatten() {
            if edge.kind == EdgeKind::NonAlphanumeric {
                edge.kind = EdgeKind::WideNonAlphanumeric;
            }
        }
    }
}

fn ignore_case(unit: &mut Unit) {
    match unit {
        Unit::Byte { value, mask: mask @ 0xff } if value.is_ascii_alphabetic() => {
            *value = value.to_ascii_uppercase();
            *mask = 0xdf;
        }
        Unit::Choice { choices, .. } => choices.iter_mut().flatten().for_each(ignore_case),
        Unit::Byte { .. } | Unit::Skip { .. } | Unit::Boundary(_) => {}
    }
}
