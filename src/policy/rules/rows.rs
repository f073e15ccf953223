//! Sets of rules as rows of bits, and three ways to find the row that a fact has: by name, by place in an
//! order, by minute of the week.
//!
//! A row says for which rules a condition finds the fact in its set. [`Base`] knows which rules ask at all,
//! and which of them ask for the opposite: so `base ^ row` are the rules that the fact does not rule out.

use std::collections::BTreeMap;

use ahash::{AHashMap, RandomState};

use super::RULES_MAX;
use super::network::Networks;
use super::words::lowered;
use crate::policy::facts::{MINUTES_OF_WEEK, Moment};

/// Rows of one width, each content once; the first is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    width: usize,
    words: Vec<u64>,
}

impl Rows {
    /// The row with this number; one that is not there is empty.
    pub(super) fn get(&self, number: u32) -> &[u64] {
        let at = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(self.width);
        self.words.get(at..at.saturating_add(self.width)).unwrap_or_default()
    }
}

/// Rows on their way.
struct Packer {
    rows: Rows,
    known: BTreeMap<Box<[u64]>, u32>,
}

impl Packer {
    fn new(width: usize) -> Self {
        let empty = vec![0; width];
        let known = BTreeMap::from([(empty.clone().into(), 0)]);
        Self { rows: Rows { width, words: empty }, known }
    }

    /// The number of a row; `None` when there is no room for it.
    fn number(&mut self, row: &[u64]) -> Option<u32> {
        if let Some(&number) = self.known.get(row) {
            return Some(number);
        }
        let number = u32::try_from(self.known.len()).ok()?;
        if self.rows.words.len() >= ROW_WORDS_MAX {
            return None;
        }
        self.rows.words.extend_from_slice(row);
        self.known.insert(row.into(), number);
        Some(number)
    }
}

/// Which rules ask about a fact, and which of them ask for the opposite.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    asking: Box<[u64]>,
    /// The rules that hold for a fact that is in no set.
    open: Box<[u64]>,
}

impl Base {
    pub(super) fn new(width: usize) -> Self {
        Self { asking: vec![0; width].into(), open: vec![u64::MAX; width].into() }
    }

    pub(super) fn has(&self, rule: usize) -> bool {
        is_marked(&self.asking, rule)
    }

    /// Notes that a rule asks; `false` when it does so already.
    pub(super) fn ask(&mut self, rule: usize, negated: bool) -> bool {
        if self.has(rule) {
            return false;
        }
        mark(&mut self.asking, rule);
        if !negated {
            toggle(&mut self.open, rule);
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asking.iter().all(|&word| word == 0)
    }
}

/// The rules that are still to be tried.
pub(in crate::policy) struct Candidates {
    words: [u64; WIDTH_MAX],
    width: usize,
}

impl Candidates {
    pub(super) fn of(all: &[u64]) -> Self {
        let mut words = [0; WIDTH_MAX];
        words.iter_mut().zip(all).for_each(|(slot, &word)| *slot = word);
        Self { words, width: all.len().min(WIDTH_MAX) }
    }

    /// Drops the rules that a fact with these rows rules out.
    pub(super) fn narrow(&mut self, base: &Base, rows: [&[u64]; 2]) {
        let [one, other] = rows;
        for (((slot, open), one), other) in
            self.words.iter_mut().zip(&base.open).zip(one).zip(other)
        {
            *slot &= open ^ (one | other);
        }
    }

    /// Drops the rules that are not in a row.
    pub(super) fn keep(&mut self, row: &[u64]) {
        self.words.iter_mut().zip(row).for_each(|(slot, word)| *slot &= word);
    }

    /// The first rule that is left from this place on.
    pub(in crate::policy) fn next(&self, from: usize) -> Option<usize> {
        let mut at = from / 64;
        let mut word =
            self.words.get(at)? & u64::MAX.checked_shl(u32::try_from(from % 64).ok()?)?;
        while word == 0 {
            at = at.saturating_add(1);
            word = *self.words.get(..self.width)?.get(at)?;
        }
        let bit = usize::try_from(word.trailing_zeros()).ok()?;
        Some(at.saturating_mul(64).saturating_add(bit))
    }
}

/// Rules by names: of users, groups' members, domains, methods.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) base: Base,
    rows: Rows,
    numbers: AHashMap<Box<[u8]>, u32>,
}

impl Names {
    /// The rows of up to two names that stand for one thing; `None` when one of them is too long to be looked up.
    pub(super) fn find(&self, names: [Option<&str>; 2]) -> Option<[&[u64]; 2]> {
        let mut rows = [self.rows.get(0); 2];
        for (row, name) in rows.iter_mut().zip(names) {
            let Some(name) = name else { continue };
            let mut room = [0; NAME_BYTES_MAX];
            let number = self.numbers.get(lowered(name, &mut room)?);
            *row = self.rows.get(number.copied().unwrap_or(0));
        }
        Some(rows)
    }
}

/// [`Names`] on their way.
pub(super) struct NamesMaker {
    base: Base,
    names: BTreeMap<Box<[u8]>, Vec<usize>>,
    count: usize,
}

impl NamesMaker {
    pub(super) fn new(width: usize) -> Self {
        Self { base: Base::new(width), names: BTreeMap::new(), count: 0 }
    }

    /// Adds a rule with its names; it is left out, and so always tried, when there is no room.
    pub(super) fn ask<'n>(
        &mut self,
        rule: usize,
        negated: bool,
        names: impl Iterator<Item = &'n str> + Clone,
    ) {
        let count = self.count.saturating_add(names.clone().count());
        if count > NAMES_MAX || !self.base.ask(rule, negated) {
            return;
        }
        self.count = count;
        for name in names {
            let mut room = [0; NAME_BYTES_MAX];
            // A name that is too long for the room is never looked up either.
            if let Some(name) = lowered(name, &mut room) {
                self.names.entry(name.into()).or_default().push(rule);
            }
        }
    }

    pub(super) fn finish(self) -> Option<Names> {
        if self.base.is_empty() {
            return None;
        }
        let width = self.base.asking.len();
        let mut packer = Packer::new(width);
        // Fixed seeds: the keys are the administrator's, not the attacker's.
        let hasher = RandomState::with_seeds(1, 2, 3, 4);
        let mut numbers = AHashMap::with_capacity_and_hasher(self.names.len(), hasher);
        for (name, rules) in self.names {
            let mut row = vec![0; width];
            rules.into_iter().for_each(|rule| mark(&mut row, rule));
            numbers.insert(name, packer.number(&row)?);
        }
        Some(Names { base: self.base, rows: packer.rows, numbers })
    }
}

/// Rules by IP addresses.
#[derive(Clone, Debug)]
pub(super) struct Spans {
    pub(super) base: Base,
    rows: Rows,
    /// Where a row begins to be the right one.
    starts: Box<[u128]>,
    numbers: Box<[u32]>,
}

impl Spans {
    /// The row of an address, or of none.
    pub(super) fn find(&self, address: Option<u128>) -> &[u64] {
        let number = address.and_then(|address| {
            let after = self.starts.partition_point(|&start| start <= address);
            self.numbers.get(after.checked_sub(1)?)
        });
        self.rows.get(number.copied().unwrap_or(0))
    }

    pub(super) fn new(width: usize, asking: &[(usize, bool, &Networks)]) -> Option<Self> {
        let mut base = Base::new(width);
        let mut changes: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
        let mut count = 0_usize;
        for &(rule, negated, networks) in asking {
            let more = count.saturating_add(networks.ranges().count());
            if more > NAMES_MAX || !base.ask(rule, negated) {
                continue;
            }
            count = more;
            for (first, last) in networks.ranges() {
                changes.entry(first).or_default().push(rule);
                if let Some(after) = last.checked_add(1) {
                    changes.entry(after).or_default().push(rule);
                }
            }
        }
        if base.is_empty() {
            return None;
        }
        let mut packer = Packer::new(width);
        let mut row = vec![0; width];
        let (mut starts, mut numbers) = (Vec::new(), Vec::new());
        for (start, rules) in changes {
            rules.into_iter().for_each(|rule| toggle(&mut row, rule));
            starts.push(start);
            numbers.push(packer.number(&row)?);
        }
        Some(Self { base, rows: packer.rows, starts: starts.into(), numbers: numbers.into() })
    }
}

/// Rules by minutes of the week.
#[derive(Clone, Debug)]
pub(super) struct Minutes {
    pub(super) base: Base,
    rows: Rows,
    numbers: Box<[u32]>,
}

impl Minutes {
    pub(super) fn find(&self, moment: Moment) -> &[u64] {
        let number = self.numbers.get(usize::from(moment.of_week()));
        self.rows.get(number.copied().unwrap_or(0))
    }

    /// `holds` says of the rule at a place of `asking` whether all that it asks about the time holds then.
    pub(super) fn new(
        width: usize,
        asking: &[usize],
        holds: impl Fn(usize, Moment) -> bool,
    ) -> Option<Self> {
        let mut base = Base::new(width);
        asking.iter().for_each(|&rule| _ = base.ask(rule, false));
        if base.is_empty() {
            return None;
        }
        let mut packer = Packer::new(width);
        let (mut row, mut before) = (vec![0; width], (vec![0; width], 0));
        let mut numbers = Vec::new();
        for moment in (0..MINUTES_OF_WEEK).map(Moment::of_minute) {
            row.fill(0);
            for (at, &rule) in asking.iter().enumerate() {
                if holds(at, moment) {
                    mark(&mut row, rule);
                }
            }
            if row != before.0 {
                before = (row.clone(), packer.number(&row)?);
            }
            numbers.push(before.1);
        }
        Some(Self { base, rows: packer.rows, numbers: numbers.into() })
    }
}

pub(super) fn is_marked(row: &[u64], rule: usize) -> bool {
    row.get(rule / 64).is_some_and(|word| word & (1 << (rule % 64)) != 0)
}

pub(super) fn mark(row: &mut [u64], rule: usize) {
    if let Some(word) = row.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

pub(super) fn clear(row: &mut [u64], rule: usize) {
    if let Some(word) = row.get_mut(rule / 64) {
        *word &= !(1 << (rule % 64));
    }
}

fn toggle(row: &mut [u64], rule: usize) {
    if let Some(word) = row.get_mut(rule / 64) {
        *word ^= 1 << (rule % 64);
    }
}

/// Words of the widest row.
pub(super) const WIDTH_MAX: usize = RULES_MAX.div_ceil(64);

/// Different rows of one kind: 16 MiB. With more than that all rules are tried.
const ROW_WORDS_MAX: usize = 2 << 20;

/// Names, or ranges of addresses, of one kind in all rules; rules that have more are always tried.
const NAMES_MAX: usize = 250_000;

/// Bytes of a name in lower case; a user with a longer one has all rules tried.
const NAME_BYTES_MAX: usize = 128;
