//! Lines of `.ndb` and `.ndu`: `name:target:offset:pattern[:min[:max]]` (clamav.md A3.1).
//!
//! The order of checks is clamscan's, because it decides what a wrong line for another level or an
//! unknown target is: skipped, not wrong.

use super::line::{Field, Fields, LineFault, Read, digits, reported_name};
use super::report::Unsupported;
use super::signature::{BodySignature, Target};
use super::{offset, pattern};

/// Reads one line for an engine of functionality level `level`.
pub(super) fn parse(line: &[u8], level: u32) -> Result<Read<BodySignature>, LineFault> {
    let fields = Fields::split(line, 4, 6)?;
    let name = reported_name(fields.required(0))?;
    if !fields.in_window(4, 5, level)? {
        return Ok(Read::ByLevel);
    }
    let target = match target(fields.required(1))? {
        Read::Signature(target) => target,
        Read::ByLevel => return Ok(Read::ByLevel),
        Read::Unsupported(reason) => return Ok(Read::Unsupported(reason)),
    };
    let offset = offset::parse(fields.required(2), target)?;
    let pattern = pattern::parse(fields.required(3), target)?;
    Ok(match (offset, pattern) {
        (Read::Signature(offset), Read::Signature(pattern)) => {
            Read::Signature(BodySignature { name, target, offset, pattern })
        }
        (Read::Unsupported(reason), _) | (_, Read::Unsupported(reason)) => {
            Read::Unsupported(reason)
        }
        (Read::ByLevel, _) | (_, Read::ByLevel) => Read::ByLevel,
    })
}

/// `*` and nothing are 0.
fn target(field: Field<'_>) -> Result<Read<Target>, LineFault> {
    let number = match field.text {
        b"*" => 0,
        text => digits(text, field.at, "the number of a target or '*'")?,
    };
    let known = |target: &Target| u64::from(*target as u8) == number;
    Ok(match (Target::ALL.into_iter().find(known), number) {
        (Some(target), _) => Read::Signature(target),
        (None, 8) => Read::Unsupported(Unsupported::UnusedTarget),
        (None, 13) => Read::Unsupported(Unsupported::MetadataTarget),
        (None, _) => Read::Unsupported(Unsupported::UnknownTarget),
    })
}
