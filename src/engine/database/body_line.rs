//! Lines of `.ndb` and `.ndu`: `name:target:offset:pattern[:min[:max]]` (clamav.md A3.1).
//!
//! The order of checks is clamscan's, because it decides what a wrong line for another level or an
//! unknown target is: skipped, not wrong.

use super::line::{Field, Fields, LineFault, Read, digits, reported_name};
use super::report::Unsupported;
use super::signature::{BodySignature, Offset, OffsetBase, Target};
use super::{offset, pattern};
use crate::engine::matcher::HITS_MAX;

/// Reads one line for an engine of functionality level `level`.
pub(super) fn parse(line: &[u8], level: u32) -> Result<Read<BodySignature>, LineFault> {
    let fields = Fields::split(line, 4, 6)?;
    let name = reported_name(fields.required(0))?;
    if !fields.in_window(4, 5, level)? {
        return Ok(Read::ByLevel);
    }
    let target = match any_target(fields.required(1))? {
        Read::Signature(target) => target,
        Read::ByLevel => return Ok(Read::ByLevel),
        Read::Unsupported(reason) => return Ok(Read::Unsupported(reason)),
    };
    let offset = offset::parse(fields.required(2), target)?;
    let pattern = pattern::parse(fields.required(3), target)?;
    Ok(match (offset, pattern) {
        (Read::Signature(offset), Read::Signature(pattern)) => {
            Read::Signature(BodySignature { name, target, offset, pattern, hits_max: 1 })
        }
        (Read::Unsupported(reason), _) | (_, Read::Unsupported(reason)) => {
            Read::Unsupported(reason)
        }
        (Read::ByLevel, _) | (_, Read::ByLevel) => Read::ByLevel,
    })
}

/// The macro group that a line is a member of, and its pattern; for lines that [`parse`] counts as
/// members of one.
pub(super) fn member(line: &[u8]) -> Result<Read<(u8, BodySignature)>, LineFault> {
    let fields = Fields::split(line, 4, 6)?;
    let name = reported_name(fields.required(0))?;
    let group = offset::group(fields.required(2))?;
    Ok(match (any_target(fields.required(1))?, group) {
        (Read::Signature(target), Some(group)) => {
            let offset = Offset { base: OffsetBase::Any, shift: 0 };
            match pattern::parse(fields.required(3), target)? {
                Read::Signature(pattern) => {
                    let hits_max = HITS_MAX;
                    let body = BodySignature { name, target, offset, pattern, hits_max };
                    Read::Signature((group, body))
                }
                Read::ByLevel => Read::ByLevel,
                Read::Unsupported(reason) => Read::Unsupported(reason),
            }
        }
        (Read::Unsupported(reason), _) => Read::Unsupported(reason),
        (Read::Signature(_) | Read::ByLevel, _) => Read::ByLevel,
    })
}

/// `*` and nothing are 0.
fn any_target(field: Field<'_>) -> Result<Read<Target>, LineFault> {
    match field.text {
        b"*" => Ok(Read::Signature(Target::Any)),
        _ => target(field, "the number of a target or '*'"),
    }
}

/// The target of a number; nothing is 0.
pub(super) fn target(field: Field<'_>, allowed: &'static str) -> Result<Read<Target>, LineFault> {
    let number = digits(field.text, field.at, allowed)?;
    let known = |target: &Target| u64::from(*target as u8) == number;
    Ok(match (Target::ALL.into_iter().find(known), number) {
        (Some(target), _) => Read::Signature(target),
        (None, 8) => Read::Unsupported(Unsupported::UnusedTarget),
        (None, 13) => Read::Unsupported(Unsupported::MetadataTarget),
        (None, _) => Read::Unsupported(Unsupported::UnknownTarget),
    })
}
