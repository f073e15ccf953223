//! Lines of `.cdb`: facts about members of containers (clamav.md A6.1).
//!
//! `name:type:size:file name:packed:real:encrypted:position:crc:reserved[:min[:max]]`

use super::line::{Field, Fields, LineFault, Read, digits, reported_name};
use super::unused_line::{checksum, file_name, flag};
use crate::engine::file_type::Kind;
use crate::engine::members::MemberRule;

/// A line: its name as it is to be reported, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemberLine {
    pub(super) name: Box<str>,
    pub(super) rule: MemberRule,
}

/// Reads one line for an engine of functionality level `level`.
pub(super) fn parse(line: &[u8], level: u32) -> Result<Read<MemberLine>, LineFault> {
    let fields = Fields::split(line, 10, 12)?;
    let name = reported_name(fields.required(0))?;
    let container = fields.required(1);
    if container.text != b"*" && !container.text.starts_with(b"CL_TYPE_") {
        return Err(LineFault::rule(
            container.at,
            "a type of container, CL_TYPE_…, or '*' is wanted",
        ));
    }
    file_name(fields.required(3))?;
    let rule = MemberRule {
        name: 0,
        container: given(container).map(text),
        container_size: range(fields.required(2))?,
        file_name: given(fields.required(3)).map(text),
        packed: range(fields.required(4))?,
        size: range(fields.required(5))?,
        is_encrypted: flag(fields.required(6))?,
        place: range(fields.required(7))?,
        sum: checksum(fields.required(8))?,
    };
    // A kind of another version: the line is for that one.
    let is_known = container.text == b"*" || Kind::named(container.text).is_ok();
    if !fields.in_window(10, 11, level)? || !is_known {
        return Ok(Read::ByLevel);
    }
    Ok(Read::Signature(MemberLine { name, rule }))
}

fn given(field: Field<'_>) -> Option<Field<'_>> {
    (field.text != b"*").then_some(field)
}

fn text(field: Field<'_>) -> Box<str> {
    String::from_utf8_lossy(field.text).into()
}

/// `*`, a number, or two with `-` between them.
pub(super) fn range(field: Field<'_>) -> Result<Option<(u64, u64)>, LineFault> {
    if field.text == b"*" {
        return Ok(None);
    }
    let allowed = "'*', digits, or digits-digits";
    if field.text.is_empty() {
        return Err(LineFault::rule(field.at, allowed));
    }
    let dash = field.text.iter().position(|byte| *byte == b'-').unwrap_or(field.text.len());
    let (from, to) = field.text.split_at_checked(dash).unwrap_or((field.text, &[]));
    let from = digits(from, field.at, allowed)?;
    let at = field.at.saturating_add(dash).saturating_add(1);
    let Some(to) = to.get(1..) else { return Ok(Some((from, from))) };
    match if to.is_empty() { None } else { Some(digits(to, at, allowed)?) } {
        Some(to) if to >= from => Ok(Some((from, to))),
        Some(_) | None => Err(LineFault::rule(at, "a range that ends before it begins")),
    }
}
