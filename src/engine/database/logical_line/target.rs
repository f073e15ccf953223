//! Target descriptions: `Engine:51-255,Target:1,FileSize:10-800` (clamav.md A5.2).
//!
//! As clamscan 1.4.6 reads them: keys between commas, each with a colon; `Engine` comes first; other
//! keys than `Target` need it to begin at 51 or later; of a key that comes twice the last one counts;
//! a number left out is 0, so `FileSize:5-` fits nothing.

use crate::engine::database::body_line;
use crate::engine::database::line::{Field, LineFault, Read, digits};
use crate::engine::database::report::Unsupported;
use crate::engine::database::signature::Target;
use crate::engine::logical::LayerType;
use crate::engine::logical::value::Conditions;

/// What a description says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) target: Target,
    pub(super) conditions: Conditions,
    /// Why it cannot be used, when it cannot.
    pub(super) unsupported: Option<Unsupported>,
}

/// Reads a description for an engine of functionality level `level`.
pub(super) fn parse(field: Field<'_>, level: u32) -> Result<Read<Description>, LineFault> {
    let mut target = None;
    let mut description =
        Description { target: Target::Any, conditions: Conditions::default(), unsupported: None };
    let mut oldest = 0;
    let mut has_conditions = false;
    for (place, (key, value)) in pairs(field)?.into_iter().enumerate() {
        match key.text {
            b"Engine" if place == 0 => {
                let (min, max) = range(value)?;
                if !(min..=max).contains(&u64::from(level)) {
                    return Ok(Read::ByLevel);
                }
                oldest = min;
            }
            b"Engine" => return Err(LineFault::rule(key.at, "Engine comes first")),
            b"Target" => target = Some(body_line::target(value, "the number of a target")?),
            _ => {
                has_conditions = true;
                description.take(key, value)?;
            }
        }
    }
    if has_conditions && oldest < CONDITIONS_SINCE {
        let rule = "keys beside Engine and Target need an Engine of 51 or later in front";
        return Err(LineFault::rule(field.at, rule));
    }
    match target {
        None => return Err(LineFault::rule(field.at, "a target description without Target")),
        Some(Read::Signature(target)) => description.target = target,
        Some(Read::ByLevel) => return Ok(Read::ByLevel),
        Some(Read::Unsupported(reason)) => return Ok(Read::Unsupported(reason)),
    }
    description.check(field)?;
    Ok(Read::Signature(description))
}

impl Description {
    fn take(&mut self, key: Field<'_>, value: Field<'_>) -> Result<(), LineFault> {
        let conditions = &mut self.conditions;
        match key.text {
            b"FileSize" => conditions.size = Some(range(value)?),
            b"EntryPoint" => conditions.entry_point = Some(range(value)?),
            b"NumberOfSections" => conditions.sections = Some(range(value)?),
            b"Container" => match LayerType::of_name(value.text) {
                Some(container) => conditions.container = Some(container),
                None => self.unsupported = Some(Unsupported::LayerType),
            },
            b"Intermediates" => match types(value)? {
                Some(types) => conditions.intermediates = types,
                None => self.unsupported = Some(Unsupported::LayerType),
            },
            b"IconGroup1" | b"IconGroup2" => self.unsupported = Some(Unsupported::Icon),
            b"HandlerType" => match LayerType::of_name(value.text) {
                Some(handler) => conditions.handler = Some(handler),
                None => self.unsupported = Some(Unsupported::LayerType),
            },
            _ => self.unsupported = Some(Unsupported::Key),
        }
        Ok(())
    }

    fn check(&self, field: Field<'_>) -> Result<(), LineFault> {
        let Conditions { entry_point, sections, .. } = &self.conditions;
        let asks_headers = entry_point.is_some() || sections.is_some();
        if asks_headers && !self.target.is_executable() {
            let rule = "EntryPoint and NumberOfSections in a target that is no executable: 1, 6 \
                        and 9 are allowed";
            return Err(LineFault::rule(field.at, rule));
        }
        if self.unsupported == Some(Unsupported::Icon) && self.target != Target::Pe {
            return Err(LineFault::rule(field.at, "IconGroup in another target than 1"));
        }
        Ok(())
    }
}

/// `Key:Value` between commas.
fn pairs(field: Field<'_>) -> Result<Vec<(Field<'_>, Field<'_>)>, LineFault> {
    let mut pairs = Vec::new();
    let mut at = field.at;
    for text in field.text.split(|byte| *byte == b',') {
        let colon = text.iter().position(|byte| *byte == b':');
        let Some(colon) = colon else {
            return Err(LineFault::rule(at, "a key without ':'"));
        };
        if pairs.len() >= KEYS_MAX {
            return Err(LineFault::rule(at, "more than 32 keys"));
        }
        let (key, value) = text.split_at(colon);
        let value_at = at.saturating_add(colon).saturating_add(1);
        let value = Field { at: value_at, text: value.get(1..).unwrap_or_default() };
        pairs.push((Field { at, text: key }, value));
        at = at.saturating_add(text.len()).saturating_add(1);
    }
    Ok(pairs)
}

/// `a-b`, both ends inclusive.
fn range(field: Field<'_>) -> Result<(u64, u64), LineFault> {
    let Some(dash) = field.text.iter().position(|byte| *byte == b'-') else {
        return Err(LineFault::rule(field.at, "a range a-b is wanted"));
    };
    let (min, max) = field.text.split_at(dash);
    let max_at = field.at.saturating_add(dash).saturating_add(1);
    let max = max.get(1..).unwrap_or_default();
    let allowed = "digits of a range a-b";
    Ok((digits(min, field.at, allowed)?, digits(max, max_at, allowed)?))
}

/// `T>T>T`; `None` when one of them is not known.
fn types(field: Field<'_>) -> Result<Option<Vec<LayerType>>, LineFault> {
    let types: Option<Vec<LayerType>> =
        field.text.split(|byte| *byte == b'>').map(LayerType::of_name).collect();
    if types.as_ref().is_some_and(|types| types.len() > INTERMEDIATES_MAX) {
        return Err(LineFault::rule(field.at, "more than 16 intermediates"));
    }
    Ok(types)
}

/// The level that brought the other keys.
const CONDITIONS_SINCE: u64 = 51;

/// The language has eight keys.
const KEYS_MAX: usize = 32;

/// The language's own limit.
const INTERMEDIATES_MAX: usize = 16;
