//! What is remembered of one form of a layer: little, sparse, and bounded.
//!
//! Nothing here is as large as the set: there are entries only for parts that matched and signatures
//! that were woken. Each table has a limit at the bottom of this file. Where one is reached something
//! is forgotten, and [`State::overflowed`] says so for the rest of the layer.

use ahash::{AHashMap, RandomState};

use super::history::{History, Look};
use super::image::{ReadRow, SignatureRow, range};
use super::judge::Counts;
use super::need::Need;
use super::search::Search;
use super::{Facts, Logical, condition};
use crate::engine::database::signature::Target;
use crate::engine::logical::condition::Fit;
use crate::engine::matcher::HITS_MAX;

/// The state of one form of a layer.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) parts: AHashMap<u32, Seen>,
    /// Parts that matched since the layer was settled last.
    fresh: Vec<u32>,
    awake: AHashMap<u32, Awake>,
    /// Who waits for a part: signature, and the place of the subsignature.
    watch: AHashMap<u32, Vec<(u32, u8)>>,
    watched: usize,
    pub(super) reads: AHashMap<u32, Reading>,
    /// Reads whose bytes have not come.
    waiting: Vec<u32>,
    history: History,
    kept: usize,
    overflowed: bool,
    work: u64,
}

/// The matches of one part.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) count: u32,
    /// The smallest place at which one begins.
    pub(super) first: u64,
    is_fresh: bool,
    /// Where all of them begin, for parts of macros.
    pub(super) starts: Vec<u64>,
}

/// A signature that was woken.
#[derive(Clone, Copy, Debug, Default)]
struct Awake {
    is_done: bool,
    /// The subsignatures that it waits for, one bit each.
    waits_for: u64,
}

/// Bytes beside the last match.
#[derive(Debug)]
pub(super) struct Reading {
    /// Where that match begins.
    of: u64,
    pub(super) value: Value,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Bytes(Box<[u8]>),
    /// From this position on, when they come. When they never do, they lie outside.
    Awaited(u64),
    /// Before the start of the layer.
    Outside,
    /// They were there, but are not kept any more.
    Gone,
}

/// A signature that is true of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) signature: u32,
    /// Where the first match begins that it counts; 0 without any.
    pub(crate) offset: u64,
}

impl State {
    /// The state at the start of a layer, for the set that its hits will be of.
    pub(crate) fn new(logical: Option<&Logical<'_>>) -> Self {
        let seeds = RandomState::with_seeds(13, 14, 15, 16);
        let keep = logical.map_or(0, |logical| logical.tables.header.history.get());
        Self {
            parts: AHashMap::with_hasher(seeds.clone()),
            fresh: Vec::new(),
            awake: AHashMap::with_hasher(seeds.clone()),
            watch: AHashMap::with_hasher(seeds.clone()),
            watched: 0,
            reads: AHashMap::with_hasher(seeds),
            waiting: Vec::new(),
            history: History::new(usize::try_from(keep).unwrap_or(0)),
            kept: 0,
            overflowed: false,
            work: 0,
        }
    }

    /// The next bytes of the layer.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.history.push(bytes);
    }

    /// A part matched, and the match begins at `offset`.
    pub(crate) fn hit(&mut self, logical: &Logical<'_>, part: u32, offset: u64) {
        let tables = &logical.tables;
        let Some(row) = tables.parts.get(part as usize) else {
            return;
        };
        if self.parts.len() >= PARTS_MAX && !self.parts.contains_key(&part) {
            self.overflowed = true;
            return;
        }
        let seen = self.parts.entry(part).or_default();
        if seen.count >= HITS_MAX {
            return;
        }
        seen.first = if seen.count == 0 { offset } else { seen.first.min(offset) };
        seen.count = seen.count.saturating_add(1);
        if !seen.is_fresh {
            seen.is_fresh = true;
            self.fresh.push(part);
        }
        if row.keeps != 0 {
            if self.kept < KEPT_MAX {
                seen.starts.push(offset);
                self.kept = self.kept.saturating_add(1);
            } else {
                self.overflowed = true;
            }
        }
        let reads = range(tables.part_reads, row.reads_start, row.reads_end);
        for number in reads.unwrap_or_default() {
            if let Some(read) = tables.reads.get(number.get() as usize) {
                self.read(number.get(), read, offset);
            }
        }
    }

    /// The last match counts: the one that begins last.
    fn read(&mut self, number: u32, row: &ReadRow, of: u64) {
        let known = self.reads.get(&number);
        if known.is_some_and(|known| known.of > of) {
            return;
        }
        let value = match of.checked_add_signed(row.distance.get()) {
            None => Value::Outside,
            Some(from) => match self.history.look(from, row.length) {
                Look::Bytes(bytes) => Value::Bytes(bytes.into()),
                Look::Later => Value::Awaited(from),
                Look::Gone => Value::Gone,
            },
        };
        let was_waiting = known.is_some_and(|known| matches!(known.value, Value::Awaited(_)));
        if matches!(value, Value::Awaited(_)) && !was_waiting {
            self.waiting.push(number);
        }
        self.reads.insert(number, Reading { of, value });
    }

    /// The layer is settled here: adds what is certain now, by the place of the signature in its set.
    pub(crate) fn decide(
        &mut self,
        logical: &Logical<'_>,
        facts: Facts<'_>,
        found: &mut Vec<Finding>,
    ) {
        self.catch_up(logical);
        self.history.settle();
        let mut queue = Vec::new();
        for part in std::mem::take(&mut self.fresh) {
            self.wake(logical, part, &mut queue);
        }
        queue.sort_unstable();
        queue.dedup();
        for signature in queue {
            self.look(logical, signature, facts, found);
        }
    }

    /// The layer ended, whole: adds everything else that is true. Says whether something is undecided.
    pub(crate) fn finish(
        &mut self,
        logical: &Logical<'_>,
        facts: Facts<'_>,
        search: &mut dyn Search,
        found: &mut Vec<Finding>,
    ) -> bool {
        self.decide(logical, facts, found);
        let open = self.awake.iter().filter(|(_, awake)| !awake.is_done);
        let mut open: Vec<u32> = open.map(|(signature, _)| *signature).collect();
        let always = logical.tables.always;
        for target in Target::ALL.into_iter().filter(|one| facts.layer.targets.contains(*one)) {
            let from = always.partition_point(|row| row.target < target as u8);
            let rows = always.get(from..).unwrap_or_default();
            let rows = rows.iter().take_while(|row| row.target == target as u8);
            open.extend(rows.map(|row| row.signature.get()));
        }
        open.sort_unstable();
        let mut is_undecided = false;
        for number in open {
            let Some(row) = logical.tables.signatures.get(number as usize) else {
                continue;
            };
            let fits = self.fit(logical, row, facts) == Fit::Yes;
            self.work = self.work.saturating_add(1);
            let truth = Counts { tables: &logical.tables, state: self, row };
            if !fits {
                continue;
            }
            let truth = truth.at_end(facts, search);
            if truth.must {
                found.push(self.finding(logical, row, number));
            } else if truth.may {
                is_undecided = true;
            }
        }
        is_undecided
    }

    /// Whether a limit of this state was reached, so that a detection may have been missed.
    pub(crate) const fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Signatures looked at so far.
    pub(crate) const fn work(&self) -> u64 {
        self.work
    }

    /// Takes bytes that had not come when they were asked for.
    fn catch_up(&mut self, logical: &Logical<'_>) {
        let Self { waiting, reads, history, .. } = self;
        waiting.retain(|number| {
            let row = logical.tables.reads.get(*number as usize);
            let (Some(row), Some(reading)) = (row, reads.get_mut(number)) else {
                return false;
            };
            let Value::Awaited(from) = reading.value else {
                return false;
            };
            match history.look(from, row.length) {
                Look::Later => return true,
                Look::Bytes(bytes) => reading.value = Value::Bytes(bytes.into()),
                Look::Gone => reading.value = Value::Gone,
            }
            false
        });
    }

    /// Collects the signatures that a part wakes, and those that waited for it.
    fn wake(&mut self, logical: &Logical<'_>, part: u32, queue: &mut Vec<u32>) {
        let Some(seen) = self.parts.get_mut(&part) else {
            return;
        };
        seen.is_fresh = false;
        let row = logical.tables.parts.get(part as usize);
        let wakes = row.and_then(|row| range(logical.tables.wakes, row.wakes_start, row.wakes_end));
        for number in wakes.unwrap_or_default() {
            let number = number.get();
            if self.awake.contains_key(&number) {
                continue;
            }
            if self.awake.len() >= AWAKE_MAX {
                self.overflowed = true;
                break;
            }
            self.awake.insert(number, Awake::default());
            queue.push(number);
        }
        for (number, place) in self.watch.remove(&part).unwrap_or_default() {
            self.watched = self.watched.saturating_sub(1);
            if let Some(awake) = self.awake.get_mut(&number) {
                awake.waits_for &= !1_u64.checked_shl(place.into()).unwrap_or(0);
                queue.push(number);
            }
        }
    }

    /// Looks at an awake signature: it is certain, it is impossible, or it waits for something.
    fn look(
        &mut self,
        logical: &Logical<'_>,
        number: u32,
        facts: Facts<'_>,
        found: &mut Vec<Finding>,
    ) {
        let Some(row) = logical.tables.signatures.get(number as usize) else {
            return;
        };
        if self.awake.get(&number).is_none_or(|awake| awake.is_done) {
            return;
        }
        self.work = self.work.saturating_add(1);
        let fit = self.fit(logical, row, facts);
        let need = Counts { tables: &logical.tables, state: self, row }.now();
        match (fit, need) {
            (Fit::No, _) => self.done(number),
            (Fit::Yes, Need::Nothing) => {
                self.done(number);
                found.push(self.finding(logical, row, number));
            }
            // At the end, then.
            (Fit::Later, Need::Nothing) | (_, Need::End) => {}
            (Fit::Yes | Fit::Later, Need::Match(mask)) => self.wait(logical, row, number, mask),
        }
    }

    fn fit(&self, logical: &Logical<'_>, row: &SignatureRow, facts: Facts<'_>) -> Fit {
        let condition = logical.tables.conditions.get(row.condition.get() as usize);
        condition.map_or(Fit::No, |condition| condition::fit(&logical.tables, condition, facts))
    }

    fn done(&mut self, number: u32) {
        if let Some(awake) = self.awake.get_mut(&number) {
            awake.is_done = true;
        }
    }

    fn wait(&mut self, logical: &Logical<'_>, row: &SignatureRow, number: u32, mask: u64) {
        let Some(awake) = self.awake.get_mut(&number) else {
            return;
        };
        let new = mask & !awake.waits_for;
        awake.waits_for |= mask;
        let subs = range(logical.tables.sub_ids, row.subs_start, row.subs_end);
        for (sub, place) in subs.unwrap_or_default().iter().zip(0_u8..) {
            if new.checked_shr(place.into()).unwrap_or(0) & 1 == 0 {
                continue;
            }
            for part in logical.tables.members_of(*sub) {
                if self.watched >= WATCHED_MAX {
                    self.overflowed = true;
                    return;
                }
                self.watched = self.watched.saturating_add(1);
                self.watch.entry(part.get()).or_default().push((number, place));
            }
        }
    }

    fn finding(&self, logical: &Logical<'_>, row: &SignatureRow, number: u32) -> Finding {
        let subs = range(logical.tables.sub_ids, row.subs_start, row.subs_end);
        let parts = subs.unwrap_or_default().iter().flat_map(|sub| logical.tables.members_of(*sub));
        let firsts = parts.filter_map(|part| self.parts.get(&part.get())).map(|seen| seen.first);
        Finding { signature: number, offset: firsts.min().unwrap_or(0) }
    }
}

/// Parts that matched: 64 bytes each, 8 MiB.
const PARTS_MAX: usize = 1 << 17;

/// Signatures awake: 32 bytes each, 4 MiB.
const AWAKE_MAX: usize = 1 << 17;

/// Places in the lists of those that wait: 8 bytes each, 2 MiB.
const WATCHED_MAX: usize = 1 << 18;

/// Places of matches that are kept for macros: 8 bytes each, half a MiB.
const KEPT_MAX: usize = 1 << 16;
