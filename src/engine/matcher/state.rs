//! What is remembered of one layer between two chunks: little, sparse, and bounded.
//!
//! Nothing here is as large as the set of signatures: tables are hash maps with entries only for what
//! was seen in this layer, so a new layer costs nothing and an old one costs what it used. Each table
//! has a limit at the bottom of this file. Where a limit is reached something is forgotten, a match may
//! be lost, and [`State::overflowed`] says so for the rest of the layer.

#![forbid(unsafe_code)]

use super::simd::Found;
use ahash::{AHashMap, AHashSet, RandomState};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::ops::Range;

/// The state of one layer.
#[derive(Debug)]
pub struct State {
    /// Bytes fed so far.
    pub(super) position: u64,
    /// The last bytes fed, at least as many as the set's window where there were so many.
    pub(super) tail: Vec<u8>,
    /// Where bytes from both sides of a seam are put together.
    pub(super) scratch: Vec<u8>,
    /// What the filter found in a block; kept for its memory.
    pub(super) found: Found,
    /// Grams whose entries are being fetched; kept for its memory.
    pub(super) lookups: Vec<Lookup>,
    /// Where a part may end and begin while it is compared; kept for their memory.
    pub(super) ends: Vec<usize>,
    pub(super) starts: Vec<usize>,
    /// Candidates of the current block, in no order: most are decided with it, sorted all at once.
    pub(super) fresh: Vec<Candidate>,
    /// Those of later segments that were found with the first ones: decided after them, with the others.
    pub(super) early: Vec<Candidate>,
    /// Candidates that are being decided; kept for its memory.
    pub(super) due: Vec<Candidate>,
    /// Candidates that wait for the bytes after them, the earliest decision first.
    pub(super) candidates: BinaryHeap<Reverse<Candidate>>,
    /// Matches whose trailing bytes must still come.
    pub(super) trailing: BinaryHeap<Reverse<Trailing>>,
    /// For each signature and segment: where it ended.
    pub(super) chains: AHashMap<(u32, u32), Chain>,
    /// Occurrences of signatures whose offset cannot be resolved yet. Ordered: they are replayed.
    pub(super) held: BTreeMap<u32, Vec<Held>>,
    /// Starts already reported, of segments that may find one twice.
    pub(super) reported: AHashMap<u32, Vec<u64>>,
    /// Hits of each signature.
    pub(super) hits_count: AHashMap<u32, u32>,
    /// Contents that cannot contribute any more.
    pub(super) dead: AHashSet<u32>,
    /// Grams that lead to nothing any more.
    pub(super) muted: Muted,
    /// Signatures whose first segment was seen, with the pass in which it was: their later ones are looked for.
    /// Those that have all the hits that are asked for are taken out.
    pub(super) started: AHashMap<u32, u64>,
    /// What they have that nobody looked for before.
    pub(super) follows: Follows,
    /// Counts passes over blocks.
    pub(super) pass: u64,
    /// The next row of the table of fixed places.
    pub(super) fixed_next: usize,
    /// Ends in all chains, and starts in all lists of reported ones.
    pub(super) ends_count: usize,
    /// Numbers in all held occurrences.
    pub(super) held_count: usize,
    pub(super) overflowed: bool,
    pub(super) work: u64,
}

/// Where segments are that are looked for because a first one was seen: by kind of family, and those
/// without an anchor.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Follows {
    /// Signatures that wait for some, one count for each bit.
    waiting: [u32; 4],
    /// Signatures that ever began to wait.
    pub(super) begun: u64,
}

impl Follows {
    /// Segments without an anchor.
    pub(super) const EVERYWHERE: u8 = 8;

    /// The bit of a family.
    pub(super) const fn of(gram_bytes: u8) -> u8 {
        match gram_bytes {
            6 => 1,
            3 => 2,
            _ => 4,
        }
    }

    fn begin(&mut self, bits: u8) {
        self.begun += u64::from(bits != 0);
        for (bit, count) in self.waiting.iter_mut().enumerate() {
            *count += u32::from(bits >> bit & 1);
        }
    }

    fn end(&mut self, bits: u8) {
        for (bit, count) in self.waiting.iter_mut().enumerate() {
            *count -= u32::from(bits >> bit & 1);
        }
    }

    /// The bits of what is waited for.
    pub(super) fn bits(&self) -> u8 {
        self.waiting.iter().rev().fold(0, |bits, count| bits << 1 | u8::from(*count > 0))
    }
}

/// A gram that passed the filter, and where its entries are.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// Where in the data that is being looked at.
    pub(super) offset: u32,
    pub(super) gram: u64,
    pub(super) entries: Range<u32>,
}

/// Some of the grams that lead to nothing any more: one for each slot, the latest one stays. Whatever
/// does not fit is only looked up again.
#[derive(Debug, Default)]
pub(super) struct Muted {
    /// Empty until the first gram is muted; then a gram and its family in each, 0 for none.
    slots: Vec<u64>,
}

impl Muted {
    pub(super) fn contains(&self, family: usize, gram: u64) -> bool {
        let key = Self::key(family, gram);
        self.slots.get(Self::slot(key)).is_some_and(|muted| *muted == key)
    }

    pub(super) fn add(&mut self, family: usize, gram: u64) {
        if self.slots.is_empty() {
            self.slots.resize(1 << MUTED_LOG2, 0);
        }
        let key = Self::key(family, gram);
        if let Some(slot) = self.slots.get_mut(Self::slot(key)) {
            *slot = key;
        }
    }

    /// Takes back what is muted in one family.
    pub(super) fn clear(&mut self, family: usize) {
        let mark = Self::key(family, 0);
        for slot in self.slots.iter_mut().filter(|slot| **slot >> 56 == mark >> 56) {
            *slot = 0;
        }
    }

    /// Takes back everything.
    fn forget(&mut self) {
        self.slots.fill(0);
    }

    /// A gram has six bytes at most; a family's number, with one added, is above them.
    const fn key(family: usize, gram: u64) -> u64 {
        gram | (family as u64 + 1) << 56
    }

    fn slot(key: u64) -> usize {
        let slot = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - MUTED_LOG2);
        usize::try_from(slot).unwrap_or(0)
    }
}

/// A place where a content may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The position of the stream at which it can be decided.
    pub(super) due: u64,
    pub(super) anchor: u64,
    pub(super) content: u32,
    /// The pass in which it was found.
    pub(super) pass: u64,
    /// Looked for once more, for signatures that started in that pass only.
    pub(super) again: bool,
}

/// A match that is certain once the stream reaches `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trailing {
    pub(super) at: u64,
    pub(super) signature: u32,
    /// Where its last segment begins: tells matches with the same offset apart.
    pub(super) last: u64,
    pub(super) offset: u64,
    /// Whether the same `last` may come again.
    pub(super) varies: bool,
}

/// One occurrence of a segment: any of its starts goes with any of its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) segment: u32,
    pub(super) due: u64,
    /// The position that starts and ends are counted from.
    pub(super) from: u64,
    pub(super) starts: Box<[usize]>,
    pub(super) ends: Box<[usize]>,
    pub(super) varies: bool,
}

/// Where a segment ended, and where the match began that it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Before a gap without upper end only the earliest end counts.
    First(End),
    /// Before any other gap: the ends inside the gap's reach, sorted.
    Recent(VecDeque<End>),
}

/// One end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) at: u64,
    pub(super) offset: u64,
}

impl State {
    /// The state at the start of a layer. Takes no memory before there is something to remember.
    #[must_use]
    pub fn new() -> Self {
        let seeds = RandomState::with_seeds(9, 10, 11, 12);
        Self {
            position: 0,
            tail: Vec::new(),
            scratch: Vec::new(),
            found: Found::default(),
            lookups: Vec::new(),
            ends: Vec::new(),
            starts: Vec::new(),
            fresh: Vec::new(),
            early: Vec::new(),
            due: Vec::new(),
            candidates: BinaryHeap::new(),
            trailing: BinaryHeap::new(),
            chains: AHashMap::with_hasher(seeds.clone()),
            held: BTreeMap::new(),
            reported: AHashMap::with_hasher(seeds.clone()),
            hits_count: AHashMap::with_hasher(seeds.clone()),
            dead: AHashSet::with_hasher(seeds.clone()),
            muted: Muted::default(),
            started: AHashMap::with_hasher(seeds),
            follows: Follows::default(),
            pass: 0,
            fixed_next: 0,
            ends_count: 0,
            held_count: 0,
            overflowed: false,
            work: 0,
        }
    }

    /// Makes the state new for another layer. Small tables keep their memory, large ones give it back.
    pub fn reset(&mut self) {
        let mut fresh = Self::new();
        fresh.tail = recycled(&mut self.tail);
        fresh.scratch = recycled(&mut self.scratch);
        fresh.found = std::mem::take(&mut self.found);
        fresh.lookups = std::mem::take(&mut self.lookups);
        fresh.ends = std::mem::take(&mut self.ends);
        fresh.starts = std::mem::take(&mut self.starts);
        self.muted.forget();
        fresh.muted = std::mem::take(&mut self.muted);
        fresh.fresh = recycled(&mut self.fresh);
        fresh.early = recycled(&mut self.early);
        fresh.due = recycled(&mut self.due);
        let is_small = |capacity: usize| capacity <= RECYCLED_MAX;
        if is_small(self.candidates.capacity()) {
            self.candidates.clear();
            fresh.candidates = std::mem::take(&mut self.candidates);
        }
        if is_small(self.chains.capacity()) {
            self.chains.clear();
            std::mem::swap(&mut fresh.chains, &mut self.chains);
        }
        if is_small(self.hits_count.capacity()) {
            self.hits_count.clear();
            std::mem::swap(&mut fresh.hits_count, &mut self.hits_count);
        }
        *self = fresh;
    }

    /// Bytes fed since the start of the layer.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Whether a limit of this state was reached, so that a match may have been missed: without a
    /// detection the layer is not clean but unscanned (`Limit::MaxScanState`).
    #[must_use]
    pub const fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Units of work spent on this layer beyond the filter: one for each entry looked at, for each step
    /// of a program at one position, for each eight bytes compared, for each signature asked.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// Moves the candidates that can be decided at `position` to `due`, in the order of their decision.
    pub(super) fn gather_due(&mut self, position: u64) {
        self.due.clear();
        for candidate in self.fresh.drain(..) {
            if candidate.due <= position {
                self.due.push(candidate);
            } else {
                self.candidates.push(Reverse(candidate));
            }
        }
        while self.candidates.peek().is_some_and(|Reverse(one)| one.due <= position) {
            self.due.extend(self.candidates.pop().map(|Reverse(one)| one));
        }
        self.due.sort_unstable();
        self.due.dedup();
    }

    /// Remembers that a first segment was seen.
    pub(super) fn start(&mut self, signature: u32, follows: u8) {
        let pass = self.pass;
        self.started.entry(signature).or_insert_with(|| {
            self.follows.begin(follows);
            pass
        });
    }

    /// Forgets it again: the signature has all the hits that are asked for.
    pub(super) fn stop(&mut self, signature: u32, follows: u8) {
        if self.started.remove(&signature).is_some() {
            self.follows.end(follows);
        }
    }

    /// Candidates of the current block.
    pub(super) const fn made(&self) -> usize {
        self.fresh.len() + self.early.len()
    }

    /// The pass before this one.
    pub(super) const fn pass_before(&self) -> u64 {
        self.pass.saturating_sub(1)
    }

    /// Whether a first segment was seen by `pass`; `again` asks for that pass only.
    pub(super) fn has_started(&self, signature: u32, pass: u64, again: bool) -> bool {
        let fits = |started: &u64| {
            if again { *started == pass } else { *started <= pass }
        };
        self.started.get(&signature).is_some_and(fits)
    }

    /// Whether the signature has as many hits as are reported.
    pub(super) fn is_full(&self, signature: u32, hits_max: u32) -> bool {
        self.hits_count.get(&signature).is_some_and(|count| *count >= hits_max)
    }

    /// Keeps the last `window` bytes of what was fed.
    pub(super) fn keep_tail(&mut self, chunk: &[u8], window: usize) {
        if let Some(from) = chunk.len().checked_sub(window) {
            self.tail.clear();
            self.tail.extend_from_slice(&chunk[from..]);
            return;
        }
        // Compacted when twice as long as needed: small chunks move each byte a constant number of times.
        if self.tail.len() + chunk.len() > window.saturating_mul(2) {
            let from = self.tail.len() - (window - chunk.len()).min(self.tail.len());
            self.tail.drain(..from);
        }
        self.tail.extend_from_slice(chunk);
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

fn recycled<T>(buffer: &mut Vec<T>) -> Vec<T> {
    let mut taken = std::mem::take(buffer);
    if taken.capacity() > RECYCLED_MAX {
        return Vec::new();
    }
    taken.clear();
    taken
}

/// The most hits of one signature in one layer that are reported, whatever its `hits_max` asks for;
/// then the signature is done with this layer. Bounds inputs that are one long match (a signature of
/// zeros over zeros). Counts of logical signatures are compared with less.
pub const HITS_MAX: u32 = 65_535;

/// Candidates that wait for later bytes: 40 bytes each, 2.5 MiB.
pub(super) const CANDIDATES_MAX: usize = 1 << 16;

/// Candidates inside a block of the filter, where they are not decided yet: 40 MiB at the very
/// worst, freed at once.
pub(super) const CANDIDATES_BLOCK_MAX: usize = 1 << 20;

/// Ends of segments remembered before gaps, and starts remembered as reported: 16 bytes each, 1 MiB.
pub(super) const ENDS_MAX: usize = 1 << 16;

/// Numbers in occurrences held until an offset can be resolved: 8 bytes each, 1 MiB with the rest.
pub(super) const HELD_MAX: usize = 1 << 16;

/// Matches that wait for their trailing bytes: 32 bytes each, 2 MiB.
pub(super) const TRAILING_MAX: usize = 1 << 16;

/// 1,024 grams, 8 KiB.
const MUTED_LOG2: u32 = 10;

/// Tables with at most this capacity are kept over a reset: they will be needed again.
const RECYCLED_MAX: usize = 16_384;
