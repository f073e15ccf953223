//! Where a match may begin: a signature's offset, resolved with what is known of the layer.
//!
//! `clamav.md` A4. Three answers: a range of positions, never in this layer, or not known yet. The
//! header of an executable may still be on its way, and the end of a stream is known at its end.
//! A place before the start of the layer makes the signature void, whatever its shift: `EOF-100,100`
//! does not match in fifty bytes (asked of clamscan 1.4.6).

#![forbid(unsafe_code)]

use super::facts::{Executable, ExecutableMap, LayerFacts, TargetSet};
use super::image::{
    OFFSET_ANY, OFFSET_END, OFFSET_ENTRY, OFFSET_IN_SECTION, OFFSET_LAST_SECTION, OFFSET_SECTION,
    OFFSET_START, Rule,
};
use crate::engine::database::signature::Target;

/// Where the matches of a signature may begin in one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// From the first to the last of these positions.
    Between(u64, u64),
    /// Nowhere in this layer.
    Never,
    /// The facts that decide are not known yet.
    Later,
}

/// Resolves the offset of a rule.
pub(super) fn resolve(rule: &Rule, layer: &LayerFacts) -> Place {
    let plus = rule.plus.get();
    let from = |base: Option<u64>| place(base.and_then(|base| base.checked_add(plus)), rule);
    match rule.offset.get() {
        OFFSET_ANY => Place::Between(0, u64::MAX),
        OFFSET_START => place(Some(plus), rule),
        OFFSET_END => from_end(rule, layer),
        OFFSET_ENTRY => with_map(layer, |map| {
            place(
                map.entry_point.and_then(|entry| entry.checked_add_signed(plus.cast_signed())),
                rule,
            )
        }),
        OFFSET_SECTION => with_map(layer, |map| {
            from(map.sections.get(usize::from(rule.section.get())).map(|section| section.start))
        }),
        OFFSET_LAST_SECTION => {
            with_map(layer, |map| from(map.sections.last().map(|section| section.start)))
        }
        OFFSET_IN_SECTION => {
            with_map(layer, |map| match map.sections.get(usize::from(rule.section.get())) {
                Some(section) => {
                    let end = section.start.saturating_add(section.size);
                    Place::Between(section.start, end.saturating_add(rule.shift.get().into()))
                }
                None => Place::Never,
            })
        }
        _ => Place::Never,
    }
}

fn from_end(rule: &Rule, layer: &LayerFacts) -> Place {
    let executables = TargetSet::of(Target::Pe).with(Target::Elf).with(Target::MachO).bits()
        & !TargetSet::ANY.bits();
    if rule.targets.get() & executables != 0 {
        match layer.executable {
            Executable::Unknown => return Place::Later,
            Executable::Absent => return Place::Never,
            Executable::Known(_) => {}
        }
    }
    match layer.size {
        Some(size) => place(size.checked_sub(rule.plus.get()), rule),
        None => Place::Later,
    }
}

fn with_map(layer: &LayerFacts, resolve: impl FnOnce(&ExecutableMap) -> Place) -> Place {
    match &layer.executable {
        Executable::Unknown => Place::Later,
        Executable::Absent => Place::Never,
        Executable::Known(map) => resolve(map),
    }
}

fn place(first: Option<u64>, rule: &Rule) -> Place {
    first.map_or(Place::Never, |first| {
        Place::Between(first, first.saturating_add(rule.shift.get().into()))
    })
}
