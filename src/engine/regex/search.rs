//! How the matches of one regex in one layer are counted.
//!
//! An automaton that is exact counts them alone ([`row`](super::row) has the table). PCRE2 counts its
//! steps anew for each place where a match may begin, so ClamAV's limit of 100,000 is no limit of the
//! whole: a crafted layer of some megabytes could take hours. Here its first search may take few
//! steps for each place; only where that is not enough, places are tried one by one with the full
//! limit, at most [`COSTLY_PLACES_MAX`] of them for one count, and of those at most
//! [`DEEP_PLACES_MAX`] with more than ClamAV's.

use pcre2::bytes::Regex;

use super::automaton::{Automaton, GaveUp};
use super::flags::RegexFlags;
use super::row::Row;
use super::shelf::{Outcome, Place};

pub(super) struct Search<'r, 'b> {
    row: &'r Row,
    place: Place<'b>,
    /// Places that an automaton has named.
    named: u32,
    /// Places that were tried with the full limit.
    costly: u32,
    /// Places that were tried with more.
    deep: u32,
}

/// A step of a search hit its limit.
pub(super) struct Limited;

impl<'r, 'b> Search<'r, 'b> {
    pub(super) const fn new(row: &'r Row, place: Place<'b>) -> Self {
        Self { row, place, named: 0, costly: 0, deep: 0 }
    }

    pub(super) fn count(self) -> Outcome {
        let fast = self.row.fast();
        // At one place the regex itself is tried as fast as its bytes are looked for everywhere.
        if !self.place.exact && !fast.may_match(self.place.bytes) {
            return Outcome::Count(0);
        }
        if let Some(Ok(count)) = fast.exact().map(|automaton| self.by_automaton(automaton)) {
            return Outcome::Count(count);
        }
        self.by_steps(fast.loose())
    }

    /// By an automaton that is exact.
    pub(super) fn by_automaton(&self, automaton: &Automaton) -> Result<u32, GaveUp> {
        let Place { bytes, last, exact } = self.place;
        let is_global = self.row.flags().has(RegexFlags::GLOBAL);
        let has_bytes = automaton.bytes_min() > 0;
        // Where a match begins is asked for only if something depends on it.
        let needs_start = !exact && (last < bytes.len() || (is_global && !has_bytes));
        automaton.run(bytes, |pass| {
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
        })
    }

    /// By PCRE2. `loose` matches wherever the regex does.
    pub(super) fn by_steps(mut self, loose: Option<&Automaton>) -> Outcome {
        let is_global = self.row.flags().has(RegexFlags::GLOBAL);
        let mut count = 0_u32;
        let mut at = 0;
        loop {
            match self.next(at, loose) {
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
        loose: Option<&Automaton>,
    ) -> Result<Option<(usize, usize)>, Limited> {
        if self.place.exact {
            return self.here(at);
        }
        if let Some(automaton) = loose {
            match self.named(automaton, at)? {
                Named::Match(start, end) => return Ok(Some((start, end))),
                Named::Nothing => return Ok(None),
                Named::From(place) => at = place,
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

    /// Tries the places that the automaton names.
    fn named(&mut self, automaton: &Automaton, from: usize) -> Result<Named, Limited> {
        let bytes = self.place.bytes;
        let mut at = from;
        let asked = automaton.run(bytes, |pass| {
            while self.named < NAMED_PLACES_MAX {
                let Some(end) = pass.end(at, false, false)? else { return Ok(Ok(Named::Nothing)) };
                let start = pass.start(at, end)?;
                if start > self.place.last {
                    return Ok(Ok(Named::Nothing));
                }
                // Nothing begins before this place.
                at = start;
                self.named = self.named.saturating_add(1);
                match self.here(start) {
                    Err(limited) => return Ok(Err(limited)),
                    Ok(Some((start, end))) => return Ok(Ok(Named::Match(start, end))),
                    Ok(None) => at = start.saturating_add(1),
                }
                if at > bytes.len() {
                    return Ok(Ok(Named::Nothing));
                }
            }
            Ok(Ok(Named::From(at)))
        });
        asked.unwrap_or(Ok(Named::From(at)))
    }

    /// A match that begins at `at`.
    fn here(&mut self, at: usize) -> Result<Option<(usize, usize)>, Limited> {
        let tried = self.row.here_few().map(|regex| regex.find_at(self.place.bytes, at));
        if let Some(Ok(found)) = tried {
            return Ok(found.map(|found| (found.start(), found.end())));
        }
        self.costly = self.costly.saturating_add(1);
        if self.costly > COSTLY_PLACES_MAX {
            return Err(Limited);
        }
        if let Ok(found) = self.begins(self.row.here().ok_or(Limited)?, at) {
            return Ok(found);
        }
        // ClamAV stops here and sees no match. Pages that are just long get there, so a few places
        // may take more before the layer counts as not scanned.
        self.deep = self.deep.saturating_add(1);
        if self.deep > DEEP_PLACES_MAX {
            return Err(Limited);
        }
        self.begins(self.row.here_deep().ok_or(Limited)?, at)
    }

    fn begins(&self, regex: &Regex, at: usize) -> Result<Option<(usize, usize)>, Limited> {
        let found = regex.find_at(self.place.bytes, at).map_err(|_limit| Limited)?;
        Ok(found.map(|found| (found.start(), found.end())).filter(|(start, _)| *start == at))
    }
}

/// What came of the places that an automaton names.
enum Named {
    /// A match, from and to.
    Match(usize, usize),
    /// There is none.
    Nothing,
    /// None begins before this place; from here on the automaton does not help.
    From(usize),
}

/// Places that an automaton may name for one count before PCRE2 searches itself.
const NAMED_PLACES_MAX: u32 = 256;

/// Places tried with the full limit in one count: together at most some seconds.
const COSTLY_PLACES_MAX: u32 = 1_000;

/// Places of one count that may take so many.
const DEEP_PLACES_MAX: u32 = 8;

/// Places tried one by one after the first one that was too much.
const PLACES_FIRST: usize = 64;
