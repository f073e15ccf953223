//! Regular expressions: `[offset:]trigger/regex/flags` (clamav.md A5.5).
//!
//! The last slash without a backslash before it ends the expression. Whether the expression itself is
//! valid is the engine's to say ([`check`]).

use super::expression::{self, Expression};
use super::subsignature::offset_and_rest;
use crate::engine::database::line::{Field, LineFault, Read};
use crate::engine::database::report::Unsupported;
use crate::engine::database::signature::{Offset, OffsetBase, Target};
use crate::engine::logical::value::{Regex, Subsignature};
use crate::engine::regex::{RegexFlags, check};

/// Reads the regular expression at `place` of a signature.
pub(super) fn parse(
    field: Field<'_>,
    place: usize,
    target: Target,
) -> Result<Read<Subsignature>, LineFault> {
    let mut before = 0_u8;
    let is_slash = |(_, byte): &(usize, &u8)| {
        let is_slash = **byte == b'/' && before != b'\\';
        before = **byte;
        is_slash
    };
    let slashes: Vec<usize> =
        field.text.iter().enumerate().filter(is_slash).map(|(at, _)| at).collect();
    let (Some(first), Some(last)) = (slashes.first().copied(), slashes.last().copied()) else {
        return Err(LineFault::rule(field.at, "a regular expression between slashes"));
    };
    let piece = |from: usize, to: usize| Field {
        at: field.at.saturating_add(from),
        text: field.text.get(from..to).unwrap_or_default(),
    };
    let pattern = piece(first.saturating_add(1), last);
    if first == last || pattern.text.is_empty() {
        let at = field.at.saturating_add(first);
        return Err(LineFault::rule(
            at,
            "a regular expression of at least one byte between slashes",
        ));
    }
    let flags = piece(last.saturating_add(1), field.text.len());
    // clamscan takes the letters of patterns there, too, and leaves them alone.
    let letters = memchr::memmem::find(flags.text, b"::").unwrap_or(flags.text.len());
    let letters = flags.text.get(..letters).unwrap_or_default();
    if let Some(wrong) = letters.iter().position(|letter| !b"gismxAEUre".contains(letter)) {
        let at = flags.at.saturating_add(wrong);
        let found = letters.get(wrong).copied();
        return Err(LineFault::unexpected(at, found, "the flags g i s m x A E U r e"));
    }
    let (offset, trigger) = offset_and_rest(piece(0, first), target)?;
    let Expression { steps, ids_count, is_too_large } =
        expression::parse(trigger, "an earlier subsignature")?;
    if ids_count > place {
        let rule = "a trigger may speak of earlier subsignatures only";
        return Err(LineFault::rule(trigger.at, rule));
    }
    let offset = match offset {
        Read::Signature(Offset { base: OffsetBase::VersionInformation, .. }) => {
            return Ok(Read::Unsupported(Unsupported::VersionInformation));
        }
        Read::Signature(offset) => offset,
        Read::ByLevel => return Ok(Read::ByLevel),
        Read::Unsupported(reason) => return Ok(Read::Unsupported(reason)),
    };
    let regex =
        Regex { trigger: steps, offset, pattern: pattern.text.into(), flags: letters.into() };
    if is_too_large {
        return Ok(Read::Unsupported(Unsupported::Count));
    }
    let known = RegexFlags::parse(letters).unwrap_or(RegexFlags::NONE);
    check(pattern.text, known).map_err(|fault| {
        let at = pattern.at.saturating_add(fault.at);
        LineFault::rule(at, "a regular expression that PCRE2 can compile")
    })?;
    Ok(Read::Signature(Subsignature::Regex(regex)))
}
