//! From occurrences of segments to hits: targets, offsets, gaps, and the bytes that must follow.
//!
//! The rule for several segments: an occurrence continues the match whose previous segment ended
//! earliest among those that the gap allows (of two with the same end, the one that began first). So
//! the answer for every last segment is unique, and there is one hit for each (`clamav.md` A3.5).
//! Occurrences are handed in by the position at which they were decided; `compile` chose those so that
//! whatever may precede an occurrence is decided strictly before it.

#![forbid(unsafe_code)]

use super::Hit;
use super::facts::LayerFacts;
use super::image::{Content, GapRange, NO_MAX, OFFSET_END, Rule, Tables, User, range};
use super::offset::{self, Place};
use super::scan::BLOCK;
use super::state::{
    Candidate, Chain, ENDS_MAX, End, HELD_MAX, Held, State, TRAILING_MAX, Trailing,
};
use crate::engine::database::signature::SignatureId;
use std::cmp::Reverse;
use std::collections::VecDeque;

/// One occurrence of a segment: any of its starts goes with any of its ends. Neither list is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence<'o> {
    pub(super) due: u64,
    /// The position that starts and ends are counted from.
    pub(super) from: u64,
    pub(super) starts: &'o [usize],
    pub(super) ends: &'o [usize],
    /// Whether another occurrence may have one of the same starts.
    pub(super) varies: bool,
}

impl Occurrence<'_> {
    fn starts(&self) -> impl Iterator<Item = u64> {
        self.starts.iter().map(|start| self.from + *start as u64)
    }

    fn ends(&self) -> impl Iterator<Item = u64> {
        self.ends.iter().map(|end| self.from + *end as u64)
    }
}

/// What an occurrence at some place could still do for a user of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It counts.
    Counts,
    /// Not this one: nothing precedes it. A later one may.
    NotNow,
    /// Neither this one nor any later one.
    Never,
}

impl Tables<'_> {
    /// What the candidate could do for `user`, before its bytes are compared.
    pub(super) fn usefulness(
        &self,
        state: &State,
        layer: &LayerFacts,
        user: User,
        candidate: Candidate,
        content: &Content,
    ) -> Use {
        let (signature, segment) = (user.signature.get(), user.segment.get());
        let Some((rule, gaps)) = self.rule(signature) else {
            return Use::Never;
        };
        if rule.targets.get() & layer.targets.bits() == 0
            || state.is_full(signature, rule.hits_max.get())
        {
            return Use::Never;
        }
        let waits = content.follows != 0;
        if waits && !state.has_started(signature, candidate.pass, candidate.again) {
            return Use::NotNow;
        }
        let last_begin = match offset::resolve(rule, layer) {
            Place::Never => return Use::Never,
            Place::Later => return Use::Counts,
            place @ (Place::Between(..) | Place::Among(_) | Place::Untold) => {
                place.last().unwrap_or(u64::MAX)
            }
        };
        let earliest_start = candidate.anchor.saturating_sub(content.head_max.get().into());
        if segment == 0 && earliest_start > last_begin.saturating_add(rule.lead.get().into()) {
            return Use::Never;
        }
        if let Some(before) = segment.checked_sub(1) {
            let chain = state.chains.get(&(signature, before));
            let gap = gaps.get(before as usize);
            if !chain.zip(gap).is_some_and(|(chain, gap)| chain.reaches(earliest_start, *gap)) {
                return Use::NotNow;
            }
        }
        let settled = gaps.get(segment as usize).is_some_and(|gap| gap.max.get() == NO_MAX)
            && matches!(state.chains.get(&(signature, segment)), Some(Chain::First(end)) if end.at < candidate.anchor);
        if settled { Use::Never } else { Use::Counts }
    }

    /// Takes an occurrence for one of the users of its content.
    pub(super) fn occur(
        &self,
        state: &mut State,
        layer: &LayerFacts,
        user: User,
        occurrence: Occurrence<'_>,
    ) {
        let (signature, segment) = (user.signature.get(), user.segment.get());
        let Some((rule, gaps)) = self.rule(signature) else {
            return;
        };
        state.work += 1;
        match offset::resolve(rule, layer) {
            Place::Never => {}
            Place::Later => hold(state, rule, signature, segment, occurrence),
            place @ (Place::Between(..) | Place::Among(_) | Place::Untold) => {
                let step = Step {
                    rule,
                    gaps,
                    signature,
                    segment,
                    place,
                    now: 0,
                    window: self.header.window_bytes.get().into(),
                };
                step.apply(state, occurrence);
            }
        }
    }

    /// Replays what was held for signatures whose offset can be resolved now.
    pub(super) fn release_held(&self, state: &mut State, layer: &LayerFacts) {
        if state.held.is_empty() {
            return;
        }
        for (signature, list) in std::mem::take(&mut state.held) {
            let Some((rule, gaps)) = self.rule(signature) else {
                continue;
            };
            let place = offset::resolve(rule, layer);
            if place == Place::Later {
                state.held.insert(signature, list);
                continue;
            }
            state.held_count -= list.iter().map(held_numbers).sum::<usize>();
            if place == Place::Never {
                continue;
            }
            for held in list {
                let window = self.header.window_bytes.get().into();
                let step = Step {
                    rule,
                    gaps,
                    signature,
                    segment: held.segment,
                    place,
                    now: state.position,
                    window,
                };
                step.apply(
                    state,
                    Occurrence {
                        due: held.due,
                        from: held.from,
                        starts: &held.starts,
                        ends: &held.ends,
                        varies: held.varies,
                    },
                );
            }
        }
    }

    /// Reports the matches that are certain at `position`.
    pub(super) fn report(&self, state: &mut State, position: u64, hits: &mut Vec<Hit>) {
        while let Some(Reverse(one)) =
            state.trailing.peek().copied().filter(|Reverse(one)| one.at <= position)
        {
            state.trailing.pop();
            if !one.varies || self.is_first_report(state, one) {
                hits.push(Hit {
                    at: one.at,
                    signature: SignatureId(one.signature),
                    offset: one.offset,
                });
            }
        }
    }

    fn is_first_report(&self, state: &mut State, one: Trailing) -> bool {
        let list = state.reported.entry(one.signature).or_default();
        if list.contains(&one.last) {
            return false;
        }
        // The same start can come again only while one of its anchors is inside the window.
        let reach = u64::from(self.header.window_bytes.get()).saturating_mul(4);
        let before = list.len();
        list.retain(|start| start.saturating_add(reach) >= one.last);
        state.ends_count -= before - list.len();
        if state.ends_count >= ENDS_MAX {
            state.overflowed = true;
            return true;
        }
        list.push(one.last);
        state.ends_count += 1;
        true
    }

    fn rule(&self, signature: u32) -> Option<(&Rule, &[GapRange])> {
        let rule = self.rules.get(signature as usize)?;
        Some((rule, range(self.gaps, rule.gaps_start, rule.gaps_end)?))
    }
}

/// An occurrence is taken into a signature whose offset is resolved.
struct Step<'t> {
    rule: &'t Rule,
    gaps: &'t [GapRange],
    signature: u32,
    segment: u32,
    /// Where the match may begin.
    place: Place<'t>,
    /// Nothing becomes certain before this position: what was held is reported where it is released.
    now: u64,
    window: u64,
}

impl Step<'_> {
    fn apply(&self, state: &mut State, occurrence: Occurrence<'_>) {
        match self.gaps.get(self.segment as usize) {
            None => self.complete(state, occurrence),
            Some(gap) => {
                let offsets = occurrence.starts().filter_map(|start| self.offset_of(state, start));
                if let Some(offset) = offsets.min() {
                    self.remember(state, *gap, offset, occurrence);
                }
            }
        }
    }

    /// Where the match began that an occurrence at `start` continues or begins.
    fn offset_of(&self, state: &State, start: u64) -> Option<u64> {
        let Some(before) = self.segment.checked_sub(1) else {
            let offset = start.checked_sub(self.rule.lead.get().into())?;
            return self.place.allows(offset).then_some(offset);
        };
        let gap = self.gaps.get(before as usize)?;
        let latest = start.checked_sub(gap.min.get().into())?;
        let end = match state.chains.get(&(self.signature, before))? {
            Chain::First(end) => end,
            Chain::Recent(ends) => {
                let earliest = start.saturating_sub(gap.max.get());
                ends.get(ends.partition_point(|end| end.at < earliest))?
            }
        };
        (end.at <= latest).then_some(end.offset)
    }

    fn complete(&self, state: &mut State, occurrence: Occurrence<'_>) {
        let Some(end) = occurrence.ends().min() else {
            return;
        };
        let at = occurrence.due.max(self.now).max(end.saturating_add(self.rule.trail.get().into()));
        for start in occurrence.starts() {
            let Some(offset) = self.offset_of(state, start) else {
                continue;
            };
            if self.place == Place::Untold {
                state.overflowed = true;
                return;
            }
            // Counted before it is certain: of two matches the one found first is certain first.
            let count = state.hits_count.entry(self.signature).or_default();
            if *count >= self.rule.hits_max.get() {
                return;
            }
            *count += 1;
            if *count >= self.rule.hits_max.get() {
                state.stop(self.signature, self.rule.follows);
            }
            if state.trailing.len() >= TRAILING_MAX {
                state.overflowed = true;
                return;
            }
            let one = Trailing {
                at,
                signature: self.signature,
                last: start,
                offset,
                varies: occurrence.varies,
            };
            state.trailing.push(Reverse(one));
        }
    }

    fn remember(&self, state: &mut State, gap: GapRange, offset: u64, occurrence: Occurrence<'_>) {
        state.start(self.signature, self.rule.follows);
        let key = (self.signature, self.segment);
        if !state.chains.contains_key(&key) {
            if state.ends_count >= ENDS_MAX {
                state.overflowed = true;
                return;
            }
            state.ends_count += 1;
        }
        if gap.max.get() == NO_MAX {
            let Some(at) = occurrence.ends().min() else {
                return;
            };
            let new = Chain::First(End { at, offset });
            state
                .chains
                .entry(key)
                .and_modify(|chain| chain.keep_first(End { at, offset }))
                .or_insert(new);
            return;
        }
        let chain = state.chains.entry(key).or_insert_with(|| Chain::Recent(VecDeque::new()));
        // Whatever follows begins at most one window before the position at which this was decided; the
        // block in which later segments are first looked for is decided after its first segments.
        let useless_before = occurrence
            .due
            .saturating_sub(gap.max.get().saturating_add(self.window).saturating_add(BLOCK));
        state.ends_count -= chain.forget_before(useless_before);
        for at in occurrence.ends() {
            if state.ends_count >= ENDS_MAX {
                state.overflowed = true;
                return;
            }
            state.ends_count += usize::from(chain.add(End { at, offset }));
        }
    }
}

impl Chain {
    /// Whether what begins at `start` or later may follow any of the ends over the gap behind them.
    fn reaches(&self, start: u64, gap: GapRange) -> bool {
        match self {
            Self::First(_) => true,
            Self::Recent(ends) => {
                ends.back().is_some_and(|end| end.at.saturating_add(gap.max.get()) >= start)
            }
        }
    }

    fn keep_first(&mut self, end: End) {
        if let Self::First(first) = self {
            *first = end.min(*first);
        }
    }

    /// Forgets ends; says how many.
    fn forget_before(&mut self, position: u64) -> usize {
        let Self::Recent(ends) = self else { return 0 };
        let count = ends.partition_point(|end| end.at < position);
        ends.drain(..count);
        count
    }

    /// Adds an end; says whether there was none at its place.
    fn add(&mut self, end: End) -> bool {
        let Self::Recent(ends) = self else {
            return false;
        };
        let index = ends.partition_point(|other| other.at < end.at);
        match ends.get_mut(index).filter(|other| other.at == end.at) {
            Some(same) => {
                *same = end.min(*same);
                false
            }
            None => {
                ends.insert(index, end);
                true
            }
        }
    }
}

fn hold(state: &mut State, rule: &Rule, signature: u32, segment: u32, occurrence: Occurrence<'_>) {
    state.start(signature, rule.follows);
    let held = Held {
        segment,
        due: occurrence.due,
        from: occurrence.from,
        starts: occurrence.starts.into(),
        ends: occurrence.ends.into(),
        varies: occurrence.varies,
    };
    let list = state.held.entry(signature).or_default();
    let numbers = held_numbers(&held);
    let full = state.held_count + numbers > HELD_MAX;
    // Thinned whenever the list has doubled, and when there is no room.
    if rule.offset.get() == OFFSET_END
        && (full || (list.len() >= 64 && list.len().is_power_of_two()))
    {
        state.held_count -= thin(list, rule, occurrence.due);
    }
    if state.held_count + numbers > HELD_MAX {
        state.overflowed = true;
        return;
    }
    state.held_count += numbers;
    list.push(held);
}

/// Drops what is too far from any end that can still come; says how many numbers.
fn thin(list: &mut Vec<Held>, rule: &Rule, position: u64) -> usize {
    let reach = rule.plus.get();
    let lead = u64::from(rule.lead.get());
    let before: usize = list.iter().map(held_numbers).sum();
    let may_begin = |held: &Held| {
        held.starts.iter().any(|start| {
            let start = held.from + *start as u64;
            start.saturating_sub(lead).saturating_add(reach) >= position
        })
    };
    list.retain(|held| held.segment > 0 || may_begin(held));
    match list.iter().find(|held| held.segment == 0).map(|held| held.due) {
        Some(first) => list.retain(|held| held.due >= first),
        None => list.clear(),
    }
    before - list.iter().map(held_numbers).sum::<usize>()
}

fn held_numbers(held: &Held) -> usize {
    held.starts.len() + held.ends.len() + HELD_OVERHEAD
}

/// What an occurrence takes beside its starts and ends, in numbers of eight bytes.
const HELD_OVERHEAD: usize = 7;
