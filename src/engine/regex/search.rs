//! How the matches of one regex in one layer are counted.
//!
//! An automaton that is exact counts them alone ([`row`](super::row) has the table). PCRE2 counts its
//! steps anew for each place where a match may begin, so ClamAV's limit of 100,000 is no limit of the
//! whole: a crafted layer of some megabytes could take hours. Here its first search may take few
//! steps for each place; only where that is not enough, places are tried one by one with more, in
//! all at most [`STEPS_SUM_MAX`] for one count, and at most [`DEEP_PLACES_MAX`] of them with more than
//! ClamAV's.

use super::automaton::{Automaton, GaveUp, Pass};
use super::flags::RegexFlags;
use super::row::{Row, STEPS};
use super::shelf::{Outcome, Place};
use super::translate::STEPS_MAX;

pub(super) struct Search<'r, 'b> {
    row: &'r Row,
    place: Place<'b>,
    /// Places that an automaton has named.
    named: u32,
    /// Steps that places tried one by one may still take.
    steps: u32,
    /// Places that were tried with more than ClamAV's.
    deep: u32,
}

/// A step of a search hit its limit.
pub(super) struct Limited;

impl<'r, 'b> Search<'r, 'b> {
    pub(super) const fn new(row: &'r Row, place: Place<'b>) -> Self {
        Self { row, place, named: 0, steps: STEPS_SUM_MAX, deep: 0 }
    }

    pub(super) fn count(self) -> Outcome {
        let fast = self.row.fast();
        // At one place the regex itself is tried as fast as its bytes are looked for everywhere.
        if !self.place.exact && !fast.may_match(self.place.bytes) {
            return Outcome::Count(0);
        }
        match fast.exact().map(|automaton| self.by_automaton(automaton)) {
            Some(Ok(count)) => Outcome::Count(count),
            Some(Err(GaveUp::Bytes)) => Outcome::LimitReached,
            Some(Err(GaveUp::States)) | None => self.by_steps(fast.loose()),
        }
    }

    /// By an automaton that is exact.
    pub(super) fn by_automaton(&self, automaton: &Automaton) -> Result<u32, GaveUp> {
        let Place { bytes, last, exact } = self.place;
        let is_global = self.row.flags().has(RegexFlags::GLOBAL);
        let has_bytes = automaton.bytes_min() > 0;
        // Where a match begins is asked for only if something depends on it.
        let needs_start = !exact && (last < bytes.len() || (is_global && !has_bytes));
        let mut pass = automaton.pass(bytes);
        let mut count = 0_u32;
        let mut at = 0;
        while let Some(end) = pass.end(at, exact, !is_global && !needs_start)? {
            let start = if needs_start { pass.start(at, end)? } else { at };
            if !exact && start > last {
                break;
            }
            count = count.saturating_add(1);
            // As clamscan: a match of no bytes is the last one.
            if !is_global || end <= start {
                break;
            }
            at = end;
        }
        Ok(count)
    }

    /// By PCRE2. `loose` matches wherever the regex does.
    pub(super) fn by_steps(mut self, loose: Option<&Automaton>) -> Outcome {
        let is_global = self.row.flags().has(RegexFlags::GLOBAL);
        let mut pass = loose.map(|automaton| automaton.pass(self.place.bytes));
        let mut count = 0_u32;
        let mut at = 0;
        loop {
            match self.next(at, &mut pass) {
                Err(Limited) => return Outcome::LimitReached,
                Ok(Some((start, end))) if self.place.exact || start <= self.place.last => {
                    count = count.saturating_add(1);
                    // As clamscan, here as well.
                    if !is_global || end <= start {
                        return Outcome::Count(count);
                    }
                    at = end;
                }
                Ok(Some(_) | None) => return Outcome::Count(count),
            }
        }
    }

    /// The next match at or after `at`; exactly there when the place is exact.
    fn next(
        &mut self,
        mut at: usize,
        pass: &mut Option<Pass<'_>>,
    ) -> Result<Option<(usize, usize)>, Limited> {
        if self.place.exact {
            return self.here(at);
        }
        if let Some(named) = pass {
            match self.named(named, &mut at)? {
                Ok(found) => return Ok(found),
                Err(GaveUp::Bytes) => return Err(Limited),
                Err(GaveUp::States) => *pass = None,
            }
        }
        let regex = self.row.few().ok_or(Limited)?;
        // After a place that was too much for the search, so many are tried one by one before it may
        // go on; more each time, so that it does not pass over the same bytes again and again.
        let mut single = PLACES_FIRST;
        while at <= self.place.last && at <= self.place.bytes.len() {
            if let Ok(found) = regex.find_at(self.place.bytes, at) {
                return Ok(found.map(|found| (found.start(), found.end())));
            }
            for _ in 0..single {
                if at > self.place.last || at > self.place.bytes.len() {
                    return Ok(None);
                }
                if let Some(found) = self.here(at)? {
                    return Ok(Some(found));
                }
                at = at.saturating_add(1);
            }
            single = single.saturating_mul(2);
        }
        Ok(None)
    }

    /// Tries the places that an automaton names. When it gives up, nothing begins before `at`.
    fn named(&mut self, pass: &mut Pass<'_>, at: &mut usize) -> Result<Asked, Limited> {
        while self.named < NAMED_PLACES_MAX {
            self.named = self.named.saturating_add(1);
            let start = match pass.end(*at, false, false) {
                Ok(Some(end)) => pass.start(*at, end),
                Ok(None) => return Ok(Ok(None)),
                Err(gave_up) => Err(gave_up),
            };
            let start = match start {
                Ok(start) => start,
                Err(gave_up) => return Ok(Err(gave_up)),
            };
            if start > self.place.last {
                return Ok(Ok(None));
            }
            *at = start;
            if let Some(found) = self.here(start)? {
                return Ok(Ok(Some(found)));
            }
            *at = start.saturating_add(1);
            if *at > self.place.bytes.len() {
                return Ok(Ok(None));
            }
        }
        // So many candidates: the search itself finds them sooner.
        Ok(Err(GaveUp::States))
    }

    /// A match that begins at `at`.
    fn here(&mut self, at: usize) -> Result<Option<(usize, usize)>, Limited> {
        for (rung, steps) in STEPS.into_iter().enumerate() {
            if steps > STEPS_MAX {
                // ClamAV stops here and sees no match. Pages that are just long get there, so a few
                // places may take more before the layer counts as not scanned.
                self.deep = self.deep.saturating_add(1);
                if self.deep > DEEP_PLACES_MAX {
                    return Err(Limited);
                }
            } else if rung > 0 {
                self.steps = self.steps.checked_sub(steps).ok_or(Limited)?;
            }
            let regex = self.row.here(rung).ok_or(Limited)?;
            if let Ok(found) = regex.find_at(self.place.bytes, at) {
                let found = found.map(|found| (found.start(), found.end()));
                return Ok(found.filter(|(start, _)| *start == at));
            }
        }
        Err(Limited)
    }
}

/// A match, from and to, or none.
type Asked = Result<Option<(usize, usize)>, GaveUp>;

/// Places that an automaton may name for one count before PCRE2 searches itself.
const NAMED_PLACES_MAX: u32 = 4_096;

/// Steps that places tried one by one may take in one count, as much as each may: together at most
/// some seconds.
const STEPS_SUM_MAX: u32 = 100_000_000;

/// Places of one count that may take more than ClamAV's.
const DEEP_PLACES_MAX: u32 = 8;

/// Places tried one by one after the first one that was too much.
const PLACES_FIRST: usize = 64;
