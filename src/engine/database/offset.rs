//! Offsets: where a pattern must begin (clamav.md A4).
//!
//! As clamscan reads them: a number that is left out is 0, also the whole offset (`::` is "at the
//! start", not "anywhere"); `*` takes no shift. Unlike clamscan: numbers do not wrap around; a
//! number beyond its range is a bad line, a section that cannot exist is one that never matches.

use super::line::{Field, LineFault, Read, Refusal, digits};
use super::report::Unsupported;
use super::signature::{Offset, OffsetBase, Target};

/// Reads an offset for a pattern of `target`.
pub(super) fn parse(field: Field<'_>, target: Target) -> Result<Read<Offset>, LineFault> {
    if field.text.len() > OFFSET_BYTES_MAX {
        return Err(LineFault::rule(field.at, "an offset of more than 64 characters"));
    }
    if let Some(rest) = field.text.strip_prefix(b"$") {
        return macro_group(rest, field.at.saturating_add(1));
    }
    if field.text == b"*" {
        return Ok(Read::Signature(Offset { base: OffsetBase::Any, shift: 0 }));
    }
    let comma = field.text.iter().position(|byte| *byte == b',');
    let (base, shift) = field.text.split_at(comma.unwrap_or(field.text.len()));
    let shift = match shift.split_first() {
        None => 0,
        Some((_, shift)) => {
            let at = field.at.saturating_add(base.len()).saturating_add(1);
            u32::try_from(digits(shift, at, "digits of a shift")?).map_err(|_| LineFault {
                at,
                refusal: Refusal::Number { max: u64::from(u32::MAX) },
            })?
        }
    };
    let base = parse_base(base, field.at, target)?;
    Ok(match base {
        Read::Signature(base) => Read::Signature(Offset { base, shift }),
        Read::ByLevel => Read::ByLevel,
        Read::Unsupported(reason) => Read::Unsupported(reason),
    })
}

fn parse_base(text: &[u8], at: usize, target: Target) -> Result<Read<OffsetBase>, LineFault> {
    let after = |prefix: usize| at.saturating_add(prefix);
    let base = if let Some(rest) = text.strip_prefix(b"EOF-") {
        OffsetBase::End(digits(rest, after(4), "digits after EOF-")?)
    } else if let Some(rest) = text.strip_prefix(b"EP+") {
        OffsetBase::EntryPoint(distance(rest, after(3))?)
    } else if let Some(rest) = text.strip_prefix(b"EP-") {
        OffsetBase::EntryPoint(distance(rest, after(3))?.saturating_neg())
    } else if text.starts_with(b"VI") {
        OffsetBase::VersionInformation
    } else if let Some(rest) = text.strip_prefix(b"SL+") {
        let plus = digits(rest, after(3), "digits after SL+")?;
        OffsetBase::LastSection { plus }
    } else if let Some(rest) = text.strip_prefix(b"SE") {
        let index = section(digits(rest, after(2), "the number of a section")?);
        OffsetBase::InSection { index }
    } else if let Some(rest) = text.strip_prefix(b"S") {
        section_plus(rest, after(1))?
    } else {
        let allowed = "'*', digits, EOF-n, EP+n, EP-n, Sx+n, SL+n, SEx, VI or $n$";
        return Ok(Read::Signature(OffsetBase::Start(digits(text, at, allowed)?)));
    };
    if !matches!(base, OffsetBase::End(_)) {
        only_in_executables(at, target)?;
    }
    Ok(Read::Signature(base))
}

/// `x+n` of `Sx+n`.
fn section_plus(text: &[u8], at: usize) -> Result<OffsetBase, LineFault> {
    let allowed = "the number of a section, '+' and digits";
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (index, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest_at = at.saturating_add(index.len());
    match rest.split_first() {
        Some((b'+', rest)) if !index.is_empty() => Ok(OffsetBase::Section {
            index: section(digits(index, at, allowed)?),
            plus: digits(rest, rest_at.saturating_add(1), allowed)?,
        }),
        found => {
            let found = found.map(|(byte, _)| *byte);
            Err(LineFault::unexpected(rest_at, found, allowed))
        }
    }
}

/// Section numbers of executables have 16 bits and count from 0, so the largest number names none:
/// it stands for all that are larger.
fn section(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn distance(text: &[u8], at: usize) -> Result<i64, LineFault> {
    let number = digits(text, at, "digits after EP")?;
    i64::try_from(number)
        .map_err(|_| LineFault { at, refusal: Refusal::Number { max: i64::MAX.unsigned_abs() } })
}

const fn only_in_executables(at: usize, target: Target) -> Result<(), LineFault> {
    if target.is_executable() {
        return Ok(());
    }
    let rule = "an offset of executables in a target that is none: 1, 6 and 9 are allowed";
    Err(LineFault::rule(at, rule))
}

/// The macro group of an offset `$n$`; `None` for any other offset.
pub(super) fn group(field: Field<'_>) -> Result<Option<u8>, LineFault> {
    let Some(rest) = field.text.strip_prefix(b"$") else {
        return Ok(None);
    };
    let number = rest.strip_suffix(b"$").unwrap_or(rest);
    let number = digits(number, field.at.saturating_add(1), "the number of a macro group")?;
    Ok(u8::try_from(number).ok().filter(|number| u64::from(*number) <= MACRO_GROUP_MAX))
}

/// `n$` of `$n$`; clamscan does not ask for the second `$`.
fn macro_group(rest: &[u8], at: usize) -> Result<Read<Offset>, LineFault> {
    let number = rest.strip_suffix(b"$").unwrap_or(rest);
    if number.is_empty() {
        return Err(LineFault::unexpected(at, None, "the number of a macro group"));
    }
    if digits(number, at, "the number of a macro group and '$'")? > MACRO_GROUP_MAX {
        let refusal = Refusal::Number { max: MACRO_GROUP_MAX };
        return Err(LineFault { at, refusal });
    }
    Ok(Read::Unsupported(Unsupported::MacroGroup))
}

/// The language's own limit.
const OFFSET_BYTES_MAX: usize = 64;

/// Groups are numbered from 0.
const MACRO_GROUP_MAX: u64 = 31;
