//! What was met, and what the directory says of it.
//!
//! A reader that trusts the directory goes to the places it names, and takes name, method and sizes from
//! there. Members are walked by what stands in front of them, so both have to say the same: what is
//! different for such a reader was not looked at. Members that the directory does not name were, and
//! that is no fault.
//!
//! Whatever was put in front of the archive moves all places by as much: by how much is known at the end,
//! from the place where the directory was met, so its lines are kept until then.

use std::sync::LazyLock;

use ahash::RandomState;

use super::MEMBERS_MAX;
use super::header::{End, METHOD_OPTIONS, SECRET};
use crate::engine::verdict::{Limit, Why};

/// What is known of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The place of its header.
    pub(super) at: u64,
    /// Its size in the archive and when unpacked, when they are known.
    pub(super) packed: Option<u64>,
    pub(super) plain: Option<u64>,
    pub(super) name: u64,
    pub(super) method: u16,
    pub(super) flags: u16,
}

impl Facts {
    /// Stands for a name.
    pub(super) fn digest(name: &[u8]) -> u64 {
        static STATE: LazyLock<RandomState> =
            LazyLock::new(|| RandomState::with_seeds(0x7a69_7020, 2, 3, 4));
        STATE.hash_one(name)
    }

    /// What is different for a reader that trusts the other one.
    fn disagrees(&self, said: &Self) -> Option<&'static str> {
        let is_other = |met: Option<u64>, said: Option<u64>| matches!((met, said), (Some(met), Some(said)) if met != said);
        // Of some methods, flags are part of what says how they are undone.
        let options = if matches!(self.method, 6 | 14) { METHOD_OPTIONS } else { 0 };
        let is_other_flag = |flags: u16| (self.flags ^ said.flags) & flags != 0;
        match () {
            () if self.method != said.method || is_other_flag(options) => {
                Some("zip: the directory names another method")
            }
            () if is_other_flag(SECRET) => Some("zip: encrypted in the directory only"),
            () if is_other(self.packed, said.packed) || is_other(self.plain, said.plain) => {
                Some("zip: the directory names another size")
            }
            () if self.name != said.name => Some("zip: the directory gives another name"),
            () => None,
        }
    }
}

/// What was met so far.
#[derive(Default)]
pub(super) struct Directory {
    /// Members, in the order of their places.
    met: Vec<Facts>,
    /// Lines of the directory that is read.
    lines: Vec<Facts>,
    /// Where its first line begins, and where the last one ends.
    from: u64,
    until: u64,
    /// The end in its long form, and where that record begins.
    long: Option<(End, u64)>,
    /// Something found no room.
    is_full: bool,
}

impl Directory {
    /// A member was met. Says what has to be said of that.
    pub(super) fn meet(&mut self, facts: Facts) -> Option<Why> {
        self.lines.clear();
        self.long = None;
        if self.has_room(self.met.len()) {
            self.met.push(facts);
            return None;
        }
        self.fill()
    }

    /// The sizes of the member that was met last are known now.
    pub(super) fn measure(&mut self, packed: u64, plain: u64) {
        if let Some(last) = self.met.last_mut().filter(|_| !self.is_full) {
            last.packed = Some(packed);
            last.plain = Some(plain);
        }
    }

    /// A line was read, which begins and ends at these places. Says what has to be said of that.
    pub(super) fn read(&mut self, line: Facts, from: u64, until: u64) -> Option<Why> {
        if self.until != from || self.lines.is_empty() {
            self.lines.clear();
            self.from = from;
        }
        self.until = until;
        self.long = None;
        if self.has_room(self.lines.len()) {
            self.lines.push(line);
            return None;
        }
        self.fill()
    }

    /// Something that belongs to the directory lies behind its lines.
    pub(super) const fn extend(&mut self, from: u64, until: u64) {
        if self.until == from {
            self.until = until;
        }
    }

    /// The long form of the end was read at this place.
    pub(super) const fn read_long(&mut self, end: End, at: u64) {
        self.long = Some((end, at));
    }

    /// Whether nothing was met, neither members nor lines.
    pub(super) const fn is_empty(&self) -> bool {
        self.met.is_empty() && self.lines.is_empty() && !self.is_full
    }

    /// The end was read at this place: compares what it belongs to with what was met. Says the first
    /// thing that is different.
    pub(super) fn conclude(&mut self, end: End, at: u64) -> Option<Why> {
        let long = self.long.take();
        let lines = std::mem::take(&mut self.lines);
        if self.is_full {
            return None;
        }
        let (end, at) = match long {
            Some((long, at)) => (end.widened(long), at),
            None => (Some(end), at),
        };
        let Some(end) = end else { return Some(ELSEWHERE) };
        let (from, until) = if lines.is_empty() { (at, at) } else { (self.from, self.until) };
        let is_here = until == at
            && until.checked_sub(from) == Some(end.bytes)
            && end.counts(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        let Some(shift) = from.checked_sub(end.at_or(from)).filter(|_| is_here) else {
            return Some(ELSEWHERE);
        };
        lines.iter().find_map(|line| self.differs(line, shift))
    }

    fn differs(&self, line: &Facts, shift: u64) -> Option<Why> {
        let at = line.at.saturating_add(shift);
        let met = self.met.binary_search_by_key(&at, |facts| facts.at).ok();
        match met.and_then(|index| self.met.get(index)) {
            None => Some(Why::Broken("zip: a member that only the directory knows")),
            Some(met) => met.disagrees(line).map(Why::Broken),
        }
    }

    /// Memory that is taken, in bytes.
    pub(super) fn state_bytes(&self) -> u64 {
        let count = self.met.capacity().saturating_add(self.lines.capacity());
        u64::try_from(count.saturating_mul(size_of::<Facts>())).unwrap_or(u64::MAX)
    }

    const fn has_room(&self, count: usize) -> bool {
        !self.is_full && count < MEMBERS_MAX
    }

    fn fill(&mut self) -> Option<Why> {
        self.met = Vec::new();
        self.lines = Vec::new();
        let is_first = !std::mem::replace(&mut self.is_full, true);
        is_first.then_some(Why::Limit(Limit::MaxFiles))
    }
}

const ELSEWHERE: Why = Why::Broken("zip: the directory is not where its end says");
