//! Lines of `.ldb` and `.ldu`: `Name;TDB;Expression;Subsig0;Subsig1;…` (clamav.md A5).
//!
//! ```text
//!   line ─▶ split at ';' ─▶ target description ─▶ expression ─▶ each subsignature
//!                              `target`           `expression`   `subsignature`: pattern with
//!                                                                modifiers, comparison, regex, macro
//! ```
//!
//! A signature with something that cannot be evaluated is counted under its reason as a whole; a line
//! that breaks a rule is set aside, whatever else is in it. A window of levels without this one comes
//! before everything else but the name: such a line may be written in a later version of the language.

mod comparison;
pub(super) mod expression;
mod modifiers;
mod regex;
mod subsignature;
mod target;

use super::line::{Field, LineFault, Read, Refusal, reported_name};
use super::report::Unsupported;
use crate::engine::database::signature::Target;
use crate::engine::logical::value::{LogicalSignature, SUBSIGNATURES_MAX, Subsignature};
use expression::Expression;
use target::Description;

/// Reads one line for an engine of functionality level `level`.
pub(super) fn parse(line: &[u8], level: u32) -> Result<Read<LogicalSignature>, LineFault> {
    let fields = split(line);
    let mut rest = fields.iter().copied();
    let (Some(name), Some(description), Some(text), 4..=FIELDS_MAX) =
        (rest.next(), rest.next(), rest.next(), fields.len())
    else {
        let refusal = Refusal::Fields { found: fields.len(), min: 4, max: FIELDS_MAX };
        return Err(LineFault { at: line.len(), refusal });
    };
    let name = reported_name(name)?;
    let Description { target, conditions, mut unsupported } =
        match target::parse(description, level)? {
            Read::Signature(description) => description,
            Read::ByLevel => return Ok(Read::ByLevel),
            Read::Unsupported(reason) => return Ok(Read::Unsupported(reason)),
        };
    let Expression { steps, ids_count, is_too_large } = expression::parse(text, "subsignature")?;
    let count = fields.len().saturating_sub(3);
    if ids_count != count {
        let rule = "the expression names another number of subsignatures than there are";
        return Err(LineFault::rule(text.at, rule));
    }
    unsupported = unsupported.or_else(|| is_too_large.then_some(Unsupported::Count));
    let mut subsignatures = Vec::with_capacity(count);
    for (field, place) in rest.zip(0_usize..) {
        match subsignature::parse(field, place, count, target)? {
            Read::Signature(subsignature) => subsignatures.push(subsignature),
            Read::Unsupported(reason) => {
                unsupported.get_or_insert(reason);
            }
            Read::ByLevel => return Ok(Read::ByLevel),
        }
    }
    // Regular expressions are looked for when the layer is over.
    let has_regex = subsignatures.iter().any(|sub| matches!(sub, Subsignature::Regex(_)));
    let is_bound = target != Target::Any
        || conditions.container.is_some()
        || !conditions.intermediates.is_empty();
    if conditions.handler.is_some() && has_regex && is_bound {
        unsupported.get_or_insert(Unsupported::HandlerType);
    }
    Ok(match unsupported {
        Some(reason) => Read::Unsupported(reason),
        None => Read::Signature(LogicalSignature {
            name,
            target,
            conditions,
            expression: steps,
            subsignatures,
        }),
    })
}

/// The name of a signature, for ignore lists.
pub(super) fn name(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b';').next().unwrap_or_default()
}

/// The steps of an expression, for tests of what they mean.
#[cfg(test)]
pub(in crate::engine) fn expression_of(
    text: &str,
) -> Result<Vec<crate::engine::logical::value::Step>, String> {
    match expression::parse(Field { at: 0, text: text.as_bytes() }, "a subsignature") {
        Ok(expression) => Ok(expression.steps),
        Err(fault) => Err(format!("column {}: {}", fault.at.saturating_add(1), fault.refusal)),
    }
}

/// Fields between semicolons. From the fourth on, a semicolon between two slashes is none; a slash
/// after a backslash is part of what is between them.
fn split(line: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut start = 0_usize;
    let mut before = 0_u8;
    let mut is_inside = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'/' if fields.len() >= 3 && before != b'\\' => is_inside = !is_inside,
            b';' if !is_inside => {
                fields.push(Field { at: start, text: line.get(start..at).unwrap_or_default() });
                start = at.saturating_add(1);
            }
            _ => {}
        }
        before = *byte;
    }
    fields.push(Field { at: start, text: line.get(start..).unwrap_or_default() });
    fields
}

/// Name, description, expression, subsignatures.
const FIELDS_MAX: usize = 3 + SUBSIGNATURES_MAX;
