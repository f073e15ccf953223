//! One subsignature: which kind it is, and patterns (clamav.md A5.4).

use super::{comparison, modifiers, regex};
use crate::engine::database::line::{Field, LineFault, Read, Refusal, digits};
use crate::engine::database::report::Unsupported;
use crate::engine::database::signature::{Offset, OffsetBase, Target};
use crate::engine::database::{offset, pattern};
use crate::engine::logical::value::Subsignature;

/// Reads the subsignature at `place` of `count`.
pub(super) fn parse(
    field: Field<'_>,
    place: usize,
    count: usize,
    target: Target,
) -> Result<Read<Subsignature>, LineFault> {
    if field.text.is_empty() {
        return Err(LineFault::rule(field.at, "an empty subsignature"));
    }
    if field.text.starts_with(b"$") {
        return macro_group(field).map(Read::Signature);
    }
    if let Some(hash) = field.text.strip_prefix(b"fuzzy_img#") {
        return fuzzy_image(Field { at: field.at.saturating_add(10), text: hash });
    }
    if field.text.contains(&b'/') {
        return regex::parse(field, place, target);
    }
    if field.text.contains(&b'#') {
        return comparison::parse(field, count).map(Read::Signature);
    }
    patterns(field, target)
}

/// `[offset:]hex[::modifiers]`.
fn patterns(field: Field<'_>, target: Target) -> Result<Read<Subsignature>, LineFault> {
    let (rest, letters) = match memchr::memmem::find(field.text, b"::") {
        Some(at) => {
            let (rest, letters) = field.text.split_at(at);
            let letters_at = field.at.saturating_add(at).saturating_add(2);
            (rest, Field { at: letters_at, text: letters.get(2..).unwrap_or_default() })
        }
        None => (field.text, Field { at: field.at, text: b"" }),
    };
    let modifiers = match memchr::memmem::rfind(letters.text, b"::") {
        None => modifiers::parse(letters)?,
        // As clamscan 1.4.6: the last letters are read, and what is used is the pattern before the
        // first ones, as it stands. The official set has a line of this kind.
        Some(at) => {
            let at = at.saturating_add(2);
            let text = letters.text.get(at..).unwrap_or_default();
            modifiers::parse(Field { at: letters.at.saturating_add(at), text })?;
            modifiers::Modifiers::default()
        }
    };
    let (place, text) = offset_and_rest(Field { at: field.at, text: rest }, target)?;
    let place = match place {
        Read::Signature(place) => place,
        Read::ByLevel => return Ok(Read::ByLevel),
        Read::Unsupported(reason) => {
            // The pattern may be wrong all the same.
            pattern::parse_part(text, target)?;
            return Ok(Read::Unsupported(reason));
        }
    };
    Ok(match modifiers::apply(modifiers, place, text, target)? {
        Read::Signature(patterns) => Read::Signature(Subsignature::Patterns(patterns)),
        Read::ByLevel => Read::ByLevel,
        Read::Unsupported(reason) => Read::Unsupported(reason),
    })
}

/// What is before the first colon, if there is one, and the rest.
pub(super) fn offset_and_rest(
    field: Field<'_>,
    target: Target,
) -> Result<(Read<Offset>, Field<'_>), LineFault> {
    let anywhere = Offset { base: OffsetBase::Any, shift: 0 };
    let Some(colon) = field.text.iter().position(|byte| *byte == b':') else {
        return Ok((Read::Signature(anywhere), field));
    };
    let (before, after) = field.text.split_at(colon);
    let place = offset::parse(Field { at: field.at, text: before }, target)?;
    let at = field.at.saturating_add(colon).saturating_add(1);
    Ok((place, Field { at, text: after.get(1..).unwrap_or_default() }))
}

/// `${min-max}group$`.
fn macro_group(field: Field<'_>) -> Result<Subsignature, LineFault> {
    let rule = "a macro ${min-max}group$";
    let fault = || LineFault::rule(field.at, rule);
    let inner = field.text.strip_prefix(b"${").and_then(|rest| rest.strip_suffix(b"$"));
    let inner = inner.ok_or_else(fault)?;
    let dash = inner.iter().position(|byte| *byte == b'-').ok_or_else(fault)?;
    let brace = inner.iter().position(|byte| *byte == b'}').ok_or_else(fault)?;
    let part = |from: usize, to: usize| inner.get(from..to).filter(|text| !text.is_empty());
    let number = |from: usize, to: usize, max: u64| {
        let text = part(from, to).ok_or_else(fault)?;
        let at = field.at.saturating_add(2).saturating_add(from);
        let value = digits(text, at, "digits of a macro")?;
        match u32::try_from(value) {
            Ok(number) if value <= max => Ok(number),
            Ok(_) | Err(_) => Err(LineFault { at, refusal: Refusal::Number { max } }),
        }
    };
    let min = number(0, dash, u32::MAX.into())?;
    let max = number(dash.saturating_add(1), brace, u32::MAX.into())?;
    let group = number(brace.saturating_add(1), inner.len(), MACRO_GROUP_MAX.into())?;
    let group = u8::try_from(group).unwrap_or(MACRO_GROUP_MAX);
    Ok(Subsignature::Macro { min, max, group })
}

/// `hash[#0]`: read, and counted as not supported.
fn fuzzy_image(field: Field<'_>) -> Result<Read<Subsignature>, LineFault> {
    let hash = field.text.strip_suffix(b"#0").unwrap_or(field.text);
    if hash.len() != 16 || !hash.iter().all(u8::is_ascii_hexdigit) {
        let rule = "the hash of an image: 16 hex digits, and a distance of 0";
        return Err(LineFault::rule(field.at, rule));
    }
    Ok(Read::Unsupported(Unsupported::FuzzyImage))
}

/// Groups are numbered from 0.
const MACRO_GROUP_MAX: u8 = 31;
