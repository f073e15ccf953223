//! By which parts each signature is woken, what each part moves, and how much of a layer to keep.
//!
//! A signature is listed under the parts of its cheapest need ([`super::need::ever`]). The cost of a
//! part is how often it is expected in a layer, guessed from its fixed bytes and its place, times the
//! number of signatures that use it: what many share is common, and waking by it would wake many.

use zerocopy::little_endian::U32;

use super::image::{
    self, AlwaysRow, CompareRow, MacroRow, PartRow, RegexRow, SignatureRow, SubRow, range,
};
use super::need::{Need, ever};
use super::pool::narrow;
use crate::engine::database::signature::{BodySignature, OffsetBase, Part, Unit};

/// What is known when all signatures are there.
pub(super) struct Tables<'t> {
    pub(super) parts: &'t [BodySignature],
    pub(super) signatures: &'t [SignatureRow],
    pub(super) sub_ids: &'t [U32],
    pub(super) subs: &'t [SubRow],
    pub(super) members: &'t [U32],
    pub(super) compares: &'t [CompareRow],
    pub(super) regexes: &'t [RegexRow],
    pub(super) macros: &'t [MacroRow],
    /// Members, distance and length.
    pub(super) reads: &'t [(u32, u32, i64, u8)],
    pub(super) programs: &'t [u8],
}

/// What is decided.
pub(super) struct Wakes {
    pub(super) parts: Vec<PartRow>,
    pub(super) wakes: Vec<U32>,
    pub(super) part_reads: Vec<U32>,
    pub(super) always: Vec<AlwaysRow>,
    pub(super) history: u32,
}

/// Decides for all signatures.
pub(super) fn choose(tables: &Tables<'_>) -> Wakes {
    let costs = tables.costs();
    let mut wakes: Vec<(u32, u32)> = Vec::with_capacity(tables.signatures.len());
    let mut always = Vec::new();
    for (signature, number) in tables.signatures.iter().zip(0_u32..) {
        let subs = range(tables.sub_ids, signature.subs_start, signature.subs_end);
        let subs = subs.unwrap_or_default();
        match tables.need(signature, subs, &costs) {
            Need::Match(mask) => {
                let named = subs.iter().zip(0_u32..).filter(|(_, id)| mask >> id & 1 != 0);
                let parts = named.flat_map(|(sub, _)| tables.members_of(*sub));
                wakes.extend(parts.map(|part| (part.get(), number)));
            }
            Need::Nothing | Need::End => {
                always.push(AlwaysRow { target: signature.target, signature: number.into() });
            }
        }
    }
    always.sort_by_key(|row| (row.target, row.signature.get()));
    wakes.sort_unstable();
    wakes.dedup();
    let mut reads: Vec<(u32, u32)> = Vec::new();
    for ((start, end, _, _), number) in tables.reads.iter().zip(0_u32..) {
        let parts = range(tables.members, (*start).into(), (*end).into()).unwrap_or_default();
        reads.extend(parts.iter().map(|part| (part.get(), number)));
    }
    reads.sort_unstable();
    Wakes {
        parts: tables.part_rows(&wakes, &reads),
        wakes: wakes.iter().map(|(_, signature)| (*signature).into()).collect(),
        part_reads: reads.iter().map(|(_, read)| (*read).into()).collect(),
        always,
        history: tables.history(),
    }
}

impl<'t> Tables<'t> {
    fn members_of(&self, sub: U32) -> &'t [U32] {
        let row = self.subs.get(sub.get() as usize).filter(|row| row.kind == image::PATTERNS);
        row.and_then(|row| range(self.members, row.start, row.end)).unwrap_or_default()
    }

    /// The need of a signature in subsignatures that are patterns.
    fn need(&self, signature: &SignatureRow, subs: &[U32], costs: &[u64]) -> Need {
        let cost_of = |sub: &U32| {
            let parts = self.members_of(*sub).iter();
            let costs = parts.filter_map(|part| costs.get(part.get() as usize));
            costs.fold(0_u64, |sum, cost| sum.saturating_add(*cost))
        };
        let each: Vec<u64> = subs.iter().map(cost_of).collect();
        let cost = |mask: u64| {
            let named = each.iter().zip(0_u32..).filter(|(_, id)| mask >> id & 1 != 0);
            named.fold(0_u64, |sum, (cost, _)| sum.saturating_add(*cost))
        };
        // In their order: a trigger speaks of subsignatures before its own.
        let mut needs: Vec<Need> = Vec::with_capacity(subs.len());
        for (sub, id) in subs.iter().zip(0_u32..) {
            let need = self.leaf(*sub, id, subs, &needs, &cost);
            needs.push(need);
        }
        let leaf = |id: u8| needs.get(usize::from(id)).copied().unwrap_or(Need::Nothing);
        let program = range(self.programs, signature.program_start, signature.program_end);
        ever(program.unwrap_or_default(), leaf, cost)
    }

    /// What one subsignature needs to count at least once.
    fn leaf(
        &self,
        sub: U32,
        id: u32,
        subs: &[U32],
        needs: &[Need],
        cost: &impl Fn(u64) -> u64,
    ) -> Need {
        let Some(row) = self.subs.get(sub.get() as usize) else {
            return Need::Nothing;
        };
        let bit = |id: u32| Need::Match(1_u64.checked_shl(id).unwrap_or(0));
        match row.kind {
            image::PATTERNS => bit(id),
            image::MACRO => bit(id.saturating_sub(1)),
            image::COMPARE => {
                let compare = self.compares.get(row.start.get() as usize);
                let of = |other: &U32| {
                    let other = self.subs.get(other.get() as usize);
                    other.zip(compare).is_some_and(|(other, compare)| {
                        other.kind == image::PATTERNS
                            && other.start == compare.members_start
                            && other.end == compare.members_end
                    })
                };
                let place = subs.iter().position(of);
                place.map_or(Need::Nothing, |place| bit(narrow(place)))
            }
            _ => {
                let regex = self.regexes.get(row.start.get() as usize);
                let trigger = regex
                    .and_then(|regex| range(self.programs, regex.trigger_start, regex.trigger_end));
                let leaf = |id: u8| needs.get(usize::from(id)).copied().unwrap_or(Need::Nothing);
                trigger.map_or(Need::Nothing, |trigger| ever(trigger, leaf, cost))
            }
        }
    }

    /// For each part: how often it is expected, times its users.
    fn costs(&self) -> Vec<u64> {
        let mut uses = vec![0_u64; self.parts.len()];
        for signature in self.signatures {
            let subs = range(self.sub_ids, signature.subs_start, signature.subs_end);
            for sub in subs.unwrap_or_default() {
                for part in self.members_of(*sub) {
                    if let Some(count) = uses.get_mut(part.get() as usize) {
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        let parts = self.parts.iter().zip(uses);
        parts.map(|(part, uses)| commonness(part).saturating_mul(uses)).collect()
    }

    fn part_rows(&self, wakes: &[(u32, u32)], reads: &[(u32, u32)]) -> Vec<PartRow> {
        let mut keeps = vec![0_u8; self.parts.len()];
        for row in self.macros {
            let before = range(self.members, row.before_start, row.before_end);
            let group = range(self.members, row.group_start, row.group_end);
            for part in before.into_iter().chain(group).flatten() {
                if let Some(keep) = keeps.get_mut(part.get() as usize) {
                    *keep = 1;
                }
            }
        }
        let place =
            |list: &[(u32, u32)], part: u32| narrow(list.partition_point(|row| row.0 < part));
        let row = |(keeps, part): (u8, u32)| PartRow {
            wakes_start: place(wakes, part).into(),
            wakes_end: place(wakes, part.saturating_add(1)).into(),
            reads_start: place(reads, part).into(),
            reads_end: place(reads, part.saturating_add(1)).into(),
            keeps,
        };
        keeps.into_iter().zip(0_u32..).map(row).collect()
    }

    /// Bytes to keep, so that a read finds what lies before the end of a match.
    fn history(&self) -> u32 {
        let mut history = 0_u64;
        for (start, end, distance, length) in self.reads {
            let parts = range(self.members, (*start).into(), (*end).into()).unwrap_or_default();
            let bodies = parts.iter().filter_map(|part| self.parts.get(part.get() as usize));
            let span = bodies.map(span).max().unwrap_or(0);
            let back = if *distance < 0 { distance.unsigned_abs() } else { 0 };
            let bytes = back.saturating_add(span).saturating_add((*length).into());
            history = history.max(bytes.saturating_add(HISTORY_SLACK));
        }
        u32::try_from(history.min(HISTORY_MAX)).unwrap_or(0)
    }
}

/// The most bytes of a match; more than anything that is kept where there is no limit.
fn span(body: &BodySignature) -> u64 {
    let pattern = &body.pattern;
    let gap = |max: Option<u32>| max.map_or(HISTORY_MAX, u64::from);
    let gaps = pattern.gaps.iter().fold(0_u64, |sum, one| sum.saturating_add(gap(one.max)));
    let parts = pattern.parts.iter().map(|part| longest(&part.units));
    let parts = parts.fold(0_u64, u64::saturating_add);
    let ends = u64::from(pattern.lead).saturating_add(pattern.trail.into());
    gaps.saturating_add(parts).saturating_add(ends)
}

fn longest(units: &[Unit]) -> u64 {
    let bytes = |unit: &Unit| match unit {
        Unit::Byte { .. } => 1,
        Unit::Choice { choices, .. } => {
            choices.iter().map(|choice| longest(choice)).max().unwrap_or(0)
        }
        Unit::Skip { max, .. } => (*max).into(),
        Unit::Boundary(_) => 2,
    };
    units.iter().map(bytes).fold(0, u64::saturating_add)
}

/// How common a part is, against one that is hardly ever there.
fn commonness(body: &BodySignature) -> u64 {
    let fixed = |part: &Part| {
        let fixed = |unit: &&Unit| matches!(unit, Unit::Byte { mask: 0xff | 0xdf, .. });
        part.units.iter().filter(fixed).count()
    };
    let fixed: usize = body.pattern.parts.iter().map(fixed).fold(0, usize::saturating_add);
    let anywhere = match fixed {
        0..=2 => 4_096,
        3 => 2_048,
        4 => 512,
        5 => 128,
        6 => 48,
        7 => 24,
        8..=11 => 16,
        12..=15 => 12,
        _ => 8,
    };
    match body.offset.base {
        OffsetBase::Any => anywhere,
        OffsetBase::Start(_)
        | OffsetBase::End(_)
        | OffsetBase::EntryPoint(_)
        | OffsetBase::Section { .. }
        | OffsetBase::LastSection { .. }
        | OffsetBase::InSection { .. }
        | OffsetBase::VersionInformation => 1.max(anywhere / 8),
    }
}

/// What the matcher may be late by in saying that something matched.
const HISTORY_SLACK: u64 = 16 << 10;

/// The most bytes that are kept of a layer for reads. A read further back is not made, and what
/// depends on it is undecided.
const HISTORY_MAX: u64 = 128 << 10;
