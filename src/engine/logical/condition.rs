//! What a layer must be like for a signature to count in it, and where regular expressions may match.

use super::image::{
    self, BASE_ANY, BASE_END, BASE_ENTRY, BASE_IN_SECTION, BASE_LAST_SECTION, BASE_SECTION,
    BASE_START, ConditionRow, RegexRow, range,
};
use super::layer_type::LayerType;
use super::{Facts, Tables};
use crate::engine::matcher::{Executable, ExecutableMap};
use zerocopy::little_endian::U64;

/// Whether a layer is as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    No,
    /// The facts that decide are not known yet.
    Later,
    Yes,
}

/// Compares a layer with the conditions of a signature.
pub(super) fn fit(tables: &Tables<'_>, row: &ConditionRow, facts: Facts<'_>) -> Fit {
    let types = range(tables.types, row.types_start, row.types_end).unwrap_or_default();
    let has = |bit: u8| row.has & bit != 0;
    let mut fit = Fit::Yes;
    if has(image::HAS_CONTAINER) && !in_container(row.container, facts.around) {
        return Fit::No;
    }
    if !types.is_empty() && !within(types, facts.around) {
        return Fit::No;
    }
    if has(image::HAS_SIZE) {
        fit = fit.min(facts.layer.size.map_or(Fit::Later, |size| between(&row.size, size)));
    }
    if has(image::HAS_ENTRY_POINT) {
        let entry = |map: &ExecutableMap| map.entry_point;
        fit = fit.min(of_executable(facts, entry, &row.entry_point));
    }
    if has(image::HAS_SECTIONS) {
        let sections = |map: &ExecutableMap| u64::try_from(map.sections.len()).ok();
        fit = fit.min(of_executable(facts, sections, &row.sections));
    }
    fit
}

/// `ANY` stands for no layer around.
fn in_container(wanted: u8, around: &[LayerType]) -> bool {
    match around.last() {
        None => wanted == LayerType::ANY.0,
        Some(parent) => wanted == parent.0,
    }
}

/// The last of `types` is the layer right around this one; `ANY` stands for any type.
fn within(types: &[u8], around: &[LayerType]) -> bool {
    let is = |(wanted, found): (&u8, &LayerType)| *wanted == LayerType::ANY.0 || *wanted == found.0;
    types.len() <= around.len() && types.iter().rev().zip(around.iter().rev()).all(is)
}

fn between(bounds: &[U64; 2], value: u64) -> Fit {
    let [min, max] = bounds.map(U64::get);
    if min <= value && value <= max { Fit::Yes } else { Fit::No }
}

fn of_executable(
    facts: Facts<'_>,
    value: impl Fn(&ExecutableMap) -> Option<u64>,
    bounds: &[U64; 2],
) -> Fit {
    match &facts.layer.executable {
        Executable::Unknown => Fit::Later,
        Executable::Absent => Fit::No,
        Executable::Known(map) => value(map).map_or(Fit::No, |value| between(bounds, value)),
    }
}

/// Where a regular expression may match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    /// From the first to the last of these positions.
    Between(u64, u64),
    Nowhere,
}

/// Resolves the offset of a regular expression in a layer that has ended.
pub(super) fn place(row: &RegexRow, facts: Facts<'_>) -> Place {
    let plus = row.plus.get();
    let shift = u64::from(row.shift.get());
    let map = match &facts.layer.executable {
        Executable::Known(map) => Some(map),
        Executable::Unknown | Executable::Absent => None,
    };
    let section = |map: &ExecutableMap| {
        map.sections
            .get(usize::from(row.section.get()))
            .map(|section| (section.start, section.size))
    };
    let first = match row.base {
        BASE_ANY => return Place::Anywhere,
        BASE_START => Some(plus),
        BASE_END => facts.layer.size.and_then(|size| size.checked_sub(plus)),
        BASE_ENTRY => map
            .and_then(|map| map.entry_point)
            .and_then(|entry| entry.checked_add_signed(plus.cast_signed())),
        BASE_SECTION => map.and_then(section).and_then(|(start, _)| start.checked_add(plus)),
        BASE_LAST_SECTION => map
            .and_then(|map| map.sections.last())
            .and_then(|section| section.start.checked_add(plus)),
        BASE_IN_SECTION => {
            let Some((start, size)) = map.and_then(section) else {
                return Place::Nowhere;
            };
            return Place::Between(start, start.saturating_add(size).saturating_add(shift));
        }
        _ => None,
    };
    first.map_or(Place::Nowhere, |first| Place::Between(first, first.saturating_add(shift)))
}
