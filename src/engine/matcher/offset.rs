//! Where a match may begin: a signature's offset, resolved with what is known of the layer.
//!
//! `clamav.md` A4. Answers: a range of positions, a list of them, never in this layer, or not known yet. The
//! header of an executable may still be on its way, and the end of a stream is known at its end.
//! A place before the start of the layer makes the signature void, whatever its shift: `EOF-100,100`
//! does not match in fifty bytes (asked of clamscan 1.4.6).

#![forbid(unsafe_code)]

use super::facts::{Executable, ExecutableMap, LayerFacts, TargetSet, VersionInformation};
use super::image::{
    OFFSET_ANY, OFFSET_END, OFFSET_ENTRY, OFFSET_IN_SECTION, OFFSET_LAST_SECTION, OFFSET_SECTION,
    OFFSET_START, OFFSET_VERSION, Rule,
};
use crate::engine::database::signature::Target;

/// Where the matches of a signature may begin in one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'l> {
    /// From the first to the last of these positions.
    Between(u64, u64),
    /// At one of these positions, which rise.
    Among(&'l [u64]),
    /// Somewhere in this layer, and it cannot be told where.
    Untold,
    /// Nowhere in this layer.
    Never,
    /// The facts that decide are not known yet.
    Later,
}

/// Resolves the offset of a rule.
pub(super) fn resolve<'l>(rule: &Rule, layer: &'l LayerFacts) -> Place<'l> {
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
        // A shift counts for nothing here, as in clamscan.
        OFFSET_VERSION => with_map(layer, |map| match &map.version_information {
            VersionInformation::Unknown => Place::Later,
            VersionInformation::Known(places) if places.is_empty() => Place::Never,
            VersionInformation::Known(places) => Place::Among(places),
            VersionInformation::OutOfReach => Place::Untold,
        }),
        _ => Place::Never,
    }
}

impl Place<'_> {
    /// The last position at which a match may begin, if it may begin anywhere.
    pub(super) fn last(&self) -> Option<u64> {
        match self {
            Self::Between(_, last) => Some(*last),
            Self::Among(places) => places.last().copied(),
            Self::Untold => Some(u64::MAX),
            Self::Never | Self::Later => None,
        }
    }

    /// Whether a match may begin at `offset`, as far as that can be told.
    pub(super) fn allows(&self, offset: u64) -> bool {
        match self {
            Self::Between(first, last) => (*first..=*last).contains(&offset),
            Self::Among(places) => places.binary_search(&offset).is_ok(),
            Self::Untold => true,
            Self::Never | Self::Later => false,
        }
    }
}

fn from_end<'l>(rule: &Rule, layer: &'l LayerFacts) -> Place<'l> {
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

fn with_map<'l>(
    layer: &'l LayerFacts,
    resolve: impl FnOnce(&'l ExecutableMap) -> Place<'l>,
) -> Place<'l> {
    match &layer.executable {
        Executable::Unknown => Place::Later,
        Executable::Absent => Place::Never,
        Executable::Known(map) => resolve(map),
    }
}

fn place<'l>(first: Option<u64>, rule: &Rule) -> Place<'l> {
    first.map_or(Place::Never, |first| {
        Place::Between(first, first.saturating_add(rule.shift.get().into()))
    })
}
