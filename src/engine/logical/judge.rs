//! The counts of one signature's subsignatures in a layer, and what its expression says of them.

use super::condition::{self, Place};
use super::image::{
    COMPARE, CompareRow, MACRO, MacroRow, NO_RELATION, PATTERNS, REGEX, RegexRow, SignatureRow,
    SubRow, Tables, form_of, range,
};
use super::need::{self, Need};
use super::program::{self, Counted, Truth};
use super::search::{Search, Wanted};
use super::state::{State, Value};
use super::value::SUBSIGNATURES_MAX;
use super::{Facts, compare};
use crate::engine::matcher::HITS_MAX;
use zerocopy::little_endian::U32;

/// A signature and what was seen in a layer.
pub(super) struct Counts<'s> {
    pub(super) tables: &'s Tables<'s>,
    pub(super) state: &'s State,
    pub(super) row: &'s SignatureRow,
}

impl<'s> Counts<'s> {
    /// What has to happen before the signature is true for certain, while the layer flows.
    pub(super) fn now(&self) -> Need {
        let counts = |id: u8| {
            let count = self.sub(id).filter(|sub| sub.kind == PATTERNS);
            Counted { low: count.map_or(0, |sub| self.patterns(sub)), high: HITS_MAX }
        };
        let is_pattern = |id: u8| self.sub(id).is_some_and(|sub| sub.kind == PATTERNS);
        need::now(self.program(), counts, is_pattern)
    }

    /// What the expression says at the end of the layer.
    pub(super) fn at_end(&self, facts: Facts<'_>, search: &mut dyn Search) -> Truth {
        let mut counts = [Counted::default(); SUBSIGNATURES_MAX];
        let subs = self.subs();
        let mut has_regex = false;
        for (slot, sub) in counts.iter_mut().zip(subs) {
            let Some(sub) = self.tables.subs.get(sub.get() as usize) else {
                continue;
            };
            has_regex |= sub.kind == REGEX;
            *slot = self.without_search(sub);
        }
        let says = |counts: &_| program::evaluate(self.program(), |id| at(counts, id));
        let mut truth = says(&counts);
        if !has_regex {
            return truth;
        }
        // In their order: a trigger speaks of what comes before its own place. None is looked for where
        // the answer is certain without it.
        for (sub, place) in subs.iter().zip(0_usize..) {
            if truth.must || !truth.may {
                break;
            }
            let sub = self.tables.subs.get(sub.get() as usize).filter(|sub| sub.kind == REGEX);
            let row = sub.and_then(|sub| {
                self.tables.regexes.get(sub.start.get() as usize).map(|row| (sub.start, row))
            });
            let Some((number, row)) = row else {
                continue;
            };
            let counted = self.regex(number.get(), row, &counts, facts, search);
            if let Some(slot) = counts.get_mut(place) {
                *slot = counted;
            }
            truth = says(&counts);
        }
        truth
    }

    fn program(&self) -> &'s [u8] {
        range(self.tables.programs, self.row.program_start, self.row.program_end)
            .unwrap_or_default()
    }

    fn subs(&self) -> &'s [U32] {
        range(self.tables.sub_ids, self.row.subs_start, self.row.subs_end).unwrap_or_default()
    }

    fn sub(&self, id: u8) -> Option<&'s SubRow> {
        let number = self.subs().get(usize::from(id))?;
        self.tables.subs.get(number.get() as usize)
    }

    /// The count of a subsignature at the end; of a regular expression, what it may be.
    fn without_search(&self, sub: &SubRow) -> Counted {
        let row = sub.start.get() as usize;
        match sub.kind {
            PATTERNS => Counted::exactly(self.patterns(sub)),
            COMPARE => self.tables.compares.get(row).map_or(NOTHING, |row| self.compare(row)),
            MACRO => self.tables.macros.get(row).map_or(NOTHING, |row| self.followed(row)),
            _ => Counted { low: 0, high: HITS_MAX },
        }
    }

    /// Counts are exact below [`HITS_MAX`], and nothing is compared with more.
    fn patterns(&self, sub: &SubRow) -> u32 {
        let members = range(self.tables.members, sub.start, sub.end).unwrap_or_default();
        members.iter().fold(0, |sum, part| sum.saturating_add(self.count(*part)))
    }

    fn count(&self, part: U32) -> u32 {
        self.state.parts.get(&part.get()).map_or(0, |seen| seen.count)
    }

    fn compare(&self, row: &CompareRow) -> Counted {
        let Some(reading) = self.state.reads.get(&row.read.get()) else {
            return NOTHING;
        };
        let members = range(self.tables.members, row.members_start, row.members_end);
        // After so many matches no further one is reported: which was the last is not known.
        let is_cut = members.unwrap_or_default().iter().any(|part| self.count(*part) >= HITS_MAX);
        match &reading.value {
            Value::Gone => Counted { low: 0, high: 1 },
            _ if is_cut => Counted { low: 0, high: 1 },
            Value::Awaited(_) | Value::Outside => NOTHING,
            Value::Bytes(bytes) => {
                let form = form_of(row.form);
                let number = form.and_then(|form| compare::number(bytes, form, row.is_exact != 0));
                let holds = number.is_some_and(|number| is_right(row, number));
                Counted::exactly(holds.into())
            }
        }
    }

    /// How many members of the group follow the pattern before at the right distance.
    fn followed(&self, row: &MacroRow) -> Counted {
        let starts = |start: U32, end: U32| {
            let members = range(self.tables.members, start, end).unwrap_or_default().iter();
            let seen = members.filter_map(|part| self.state.parts.get(&part.get()));
            let is_cut = seen.clone().any(|seen| seen.count >= HITS_MAX);
            let mut starts: Vec<u64> = seen.flat_map(|seen| seen.starts.iter().copied()).collect();
            starts.sort_unstable();
            starts.dedup();
            (starts, is_cut)
        };
        let (before, before_cut) = starts(row.before_start, row.before_end);
        let (group, group_cut) = starts(row.group_start, row.group_end);
        let (min, max) = (u64::from(row.min.get()), u64::from(row.max.get()));
        let follows = |at: &&u64| {
            let earliest = at.saturating_sub(max);
            let index = before.partition_point(|start| *start < earliest);
            before.get(index).is_some_and(|start| start.saturating_add(min) <= **at)
        };
        let count = u32::try_from(group.iter().filter(follows).count()).unwrap_or(u32::MAX);
        let high = if before_cut || group_cut { HITS_MAX.max(count) } else { count };
        Counted { low: count, high }
    }

    fn regex(
        &self,
        number: u32,
        row: &'s RegexRow,
        counts: &[Counted; SUBSIGNATURES_MAX],
        facts: Facts<'_>,
        search: &mut dyn Search,
    ) -> Counted {
        let trigger = range(self.tables.programs, row.trigger_start, row.trigger_end);
        let trigger = program::evaluate(trigger.unwrap_or_default(), |id| at(counts, id));
        let window = match condition::place(row, facts) {
            Place::Nowhere => return NOTHING,
            Place::Anywhere => None,
            Place::Between(first, last) => Some((first, last)),
        };
        if !trigger.may {
            return NOTHING;
        }
        let count = search.count(Wanted { row: number, window });
        let high = count.map_or(HITS_MAX, |count| count.min(HITS_MAX));
        // Where the trigger itself is in doubt, so is the count.
        let low = if trigger.must { count.map_or(0, |count| count.min(HITS_MAX)) } else { 0 };
        Counted { low, high }
    }
}

impl<'image> Tables<'image> {
    /// The parts of a subsignature; none when it is no pattern.
    pub(super) fn members_of(&self, sub: U32) -> &'image [U32] {
        let row = self.subs.get(sub.get() as usize).filter(|row| row.kind == PATTERNS);
        row.and_then(|row| range(self.members, row.start, row.end)).unwrap_or_default()
    }

    /// A regular expression and its flags.
    pub(super) fn regex_text(&self, row: &RegexRow) -> (&'image [u8], &'image [u8]) {
        let pattern = range(self.texts, row.pattern_start, row.pattern_end);
        let flags = range(self.texts, row.pattern_end, row.flags_end);
        (pattern.unwrap_or_default(), flags.unwrap_or_default())
    }
}

fn at(counts: &[Counted; SUBSIGNATURES_MAX], id: u8) -> Counted {
    counts.get(usize::from(id)).copied().unwrap_or_default()
}

fn is_right(row: &CompareRow, number: i64) -> bool {
    let mut tests = row.relations.iter().zip(&row.values);
    tests.all(|(relation, value)| {
        *relation == NO_RELATION
            || program::relation_of(*relation)
                .is_some_and(|relation| compare::holds(number, relation, value.get()))
    })
}

const NOTHING: Counted = Counted { low: 0, high: 0 };
