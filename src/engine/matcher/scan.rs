//! The pass over the bytes: blocks, seams, and from what the filter lets through to candidates.
//!
//! A chunk is walked in blocks that end on multiples of [`BLOCK`] of the layer's positions, so that
//! limits are looked at in the same places however the layer is cut. For each block every family is
//! probed at the grams that *end* inside it; grams that begin in an earlier chunk are probed in a copy of
//! the few bytes around the seam. A block that is one byte repeated is not probed at all by a family
//! that has no such gram: zeros cost a comparison.

#![forbid(unsafe_code)]

use super::Hit;
use super::compile::narrow;
use super::decide::View;
use super::facts::LayerFacts;
use super::hash;
use super::image::{
    ALL_PARTS, Content, Entry, FIRST_PARTS, Family, LATER_PARTS, Tables, User, range,
};
use super::simd::{self, Found, Probe, Shape};
use super::state::{CANDIDATES_BLOCK_MAX, CANDIDATES_MAX, Candidate, Follows, Lookup, State};
use std::ops::Range;

impl Tables<'_> {
    pub(super) fn feed(
        &self,
        state: &mut State,
        chunk: &[u8],
        layer: &LayerFacts,
        hits: &mut Vec<Hit>,
    ) {
        // An empty set looks at no byte and keeps none.
        if self.contents.is_empty() || chunk.is_empty() {
            state.position += chunk.len() as u64;
            return;
        }
        let first_hit = hits.len();
        self.release_held(state, layer);
        let tail = std::mem::take(&mut state.tail);
        let mut found = std::mem::take(&mut state.found);
        let view = View { tail: &tail, chunk, chunk_start: state.position };
        let seam = Seam::of(&view);
        while state.position < view.end() {
            let from = state.position;
            let to = view.end().min((from / BLOCK + 1) * BLOCK);
            let mut pass =
                Pass { tables: self, view: &view, seam: &seam, layer, found: &mut found };
            let started = state.follows.begun;
            state.pass += 1;
            pass.probe(state, from..to, Segments::First);
            self.add_fixed(state, to, &view, layer);
            state.position = to;
            self.decide_until(state, to, &view, layer, hits);
            // Those found with the first ones wait for these, and go with the other later ones.
            state.fresh.append(&mut state.early);
            pass.follow(state, started, from..to);
            self.decide_until(state, to, &view, layer, hits);
            if to.is_multiple_of(BLOCK) && state.candidates.len() > CANDIDATES_MAX {
                state.candidates.clear();
                state.overflowed = true;
            }
        }
        hits[first_hit..].sort_unstable();
        state.found = found;
        state.tail = tail;
        state.keep_tail(chunk, self.header.window_bytes.get() as usize);
    }

    pub(super) fn finish(&self, state: &mut State, layer: &LayerFacts, hits: &mut Vec<Hit>) {
        let first_hit = hits.len();
        let tail = std::mem::take(&mut state.tail);
        let view = View { tail: &tail, chunk: &[], chunk_start: state.position };
        self.release_held(state, layer);
        state.pass += 1;
        let started = state.follows.begun;
        self.decide_all(state, &view, layer, hits);
        let (seam, mut found) = (Seam::of(&view), std::mem::take(&mut state.found));
        let mut pass = Pass { tables: self, view: &view, seam: &seam, layer, found: &mut found };
        pass.follow(state, started, view.end()..view.end());
        self.decide_all(state, &view, layer, hits);
        hits[first_hit..].sort_unstable();
        state.found = found;
        state.tail = tail;
    }

    fn filter(&self, index: usize, family: &'_ Family) -> Option<Filter<'_>> {
        let probe = Probe {
            shape: Shape::of(family.gram_bytes),
            fold: family.fold != 0,
            salt: family.salt(),
            factor: family.factor.get(),
            sieve_log2: family.sieve_log2.get(),
            sieve: self.family_sieve(family)?,
            words_log2: family.words_log2.get(),
            words: self.family_words(family)?,
        };
        Some(Filter {
            index,
            runs: family.runs,
            probe,
            buckets: self.family_buckets(family)?,
            buckets_log2: family.buckets_log2.get(),
        })
    }

    /// Contents that are looked for at one position only.
    fn add_fixed(&self, state: &mut State, block_end: u64, view: &View<'_>, layer: &LayerFacts) {
        while let Some(fixed) =
            self.fixed.get(state.fixed_next).filter(|fixed| fixed.position.get() < block_end)
        {
            state.fixed_next += 1;
            state.work += 1;
            let position = fixed.position.get();
            if fixed.targets.get() & layer.targets.bits() == 0
                || view.differs(position, fixed.value.get(), fixed.mask.get())
            {
                continue;
            }
            self.add_candidate(state, position, fixed.content.get(), layer, Segments::First);
        }
    }

    /// Contents that the filter cannot look for: tried at every position.
    fn add_dense(
        &self,
        state: &mut State,
        block: &Range<u64>,
        layer: &LayerFacts,
        segments: Segments,
    ) {
        for id in self.dense {
            let follows =
                self.contents.get(id.get() as usize).is_some_and(|content| content.follows != 0);
            if follows == segments.follow() {
                for position in block.clone() {
                    state.work += 1;
                    self.add_candidate(state, position, id.get(), layer, segments);
                }
            }
        }
    }

    /// Whether nothing can come of the content now: dead, not for this layer, not looked for here, or
    /// later and not begun.
    fn is_idle(
        &self,
        state: &State,
        content: &Content,
        id: u32,
        layer: &LayerFacts,
        segments: Segments,
    ) -> bool {
        if content.targets.get() & layer.targets.bits() == 0
            || (!state.dead.is_empty() && state.dead.contains(&id))
        {
            return true;
        }
        let (pass, again) = match (segments, content.follows != 0) {
            (Segments::First | Segments::Both, false) => return false,
            (Segments::First, true) | (Segments::Later | Segments::Again, false) => return true,
            (Segments::Both, true) => (state.pass_before(), false),
            (Segments::Later, true) => (state.pass, false),
            (Segments::Again, true) => (state.pass, true),
        };
        let began = |user: &User| state.has_started(user.signature.get(), pass, again);
        let users = range(self.users, content.users_start, content.users_end);
        !users.unwrap_or_default().iter().any(began)
    }

    /// Makes a candidate, unless nothing can come of it.
    fn add_candidate(
        &self,
        state: &mut State,
        anchor: u64,
        id: u32,
        layer: &LayerFacts,
        segments: Segments,
    ) -> Lively {
        let Some(content) = self.contents.get(id as usize) else {
            return Lively::No;
        };
        if self.is_idle(state, content, id, layer, segments) {
            return Lively::No;
        }
        if state.made() >= CANDIDATES_BLOCK_MAX {
            state.overflowed = true;
            return Lively::Yes;
        }
        state.work += 1;
        let due = anchor.saturating_add(content.delay.get().into());
        let again = segments == Segments::Again;
        let candidate = Candidate { due, anchor, content: id, pass: state.pass, again };
        if segments == Segments::Both && content.follows != 0 {
            // For what began before: what begins in this pass looks once more, see `Pass::follow`.
            let pass = state.pass_before();
            state.early.push(Candidate { pass, ..candidate });
        } else {
            state.fresh.push(candidate);
        }
        Lively::Yes
    }
}

/// Which segments are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segments {
    First,
    /// First ones, and later ones of signatures whose first one was seen before this pass.
    Both,
    /// Later ones, of signatures whose first one was seen.
    Later,
    /// Later ones, of signatures whose first one was seen in this pass.
    Again,
}

impl Segments {
    const fn follow(self) -> bool {
        matches!(self, Self::Later | Self::Again)
    }

    /// What a family with such parts is probed for when this is looked for; nothing for most.
    const fn of_family(self, parts: u8) -> Option<Self> {
        match (self, parts) {
            (Self::First, FIRST_PARTS) => Some(Self::First),
            (Self::First, ALL_PARTS) => Some(Self::Both),
            (Self::Later, LATER_PARTS) => Some(Self::Later),
            (Self::Again, LATER_PARTS | ALL_PARTS) => Some(Self::Again),
            _ => None,
        }
    }
}

/// What a pass over blocks of one chunk needs.
struct Pass<'w, 't> {
    tables: &'w Tables<'t>,
    view: &'w View<'w>,
    seam: &'w Seam,
    layer: &'w LayerFacts,
    found: &'w mut Found,
}

impl Pass<'_, '_> {
    /// Looks for later segments in a block whose first ones are decided. `started` is how many signatures
    /// had begun before: for new ones the window before the block is looked at once more, as their first
    /// segment is decided up to a window after it ends; and the block itself with families of all parts,
    /// which had nothing to look for then.
    fn follow(&mut self, state: &mut State, started: u64, block: Range<u64>) {
        if state.follows.bits() == 0 {
            return;
        }
        if state.follows.begun > started {
            let families = self.tables.families.iter().enumerate();
            for (index, _) in families.filter(|(_, family)| family.parts != FIRST_PARTS) {
                state.muted.clear(index);
            }
            let window = self.tables.header.window_bytes.get().into();
            let before = block.start.saturating_sub(window)..block.start;
            self.probe(state, before, Segments::Again);
            let anew = |parts| (parts == ALL_PARTS).then_some(Segments::Again);
            self.probe_families(state, &block, anew);
        }
        self.probe(state, block, Segments::Later);
    }

    fn probe(&mut self, state: &mut State, block: Range<u64>, segments: Segments) {
        if !segments.follow() || state.follows.bits() & Follows::EVERYWHERE != 0 {
            self.tables.add_dense(state, &block, self.layer, segments);
        }
        self.probe_families(state, &block, |parts| segments.of_family(parts));
    }

    /// Probes the families that serve the layer for what `asked` says of their parts.
    fn probe_families(
        &mut self,
        state: &mut State,
        block: &Range<u64>,
        asked: impl Fn(u8) -> Option<Segments>,
    ) {
        let tables = self.tables;
        for (index, family) in tables.families.iter().enumerate() {
            if family.serves(self.layer.targets.bits())
                && let Some(segments) = asked(family.parts)
                && (!segments.follow()
                    || state.follows.bits() & Follows::of(family.gram_bytes) != 0)
                && let Some(filter) = tables.filter(index, family)
            {
                let mut block_pass = Block {
                    tables,
                    filter: &filter,
                    view: self.view,
                    layer: self.layer,
                    segments,
                    state,
                };
                block_pass.probe(self.seam, block.clone(), self.found);
            }
        }
    }
}

/// A family, ready to probe.
struct Filter<'t> {
    index: usize,
    probe: Probe<'t>,
    /// The bytes of which a run passes, one bit each.
    runs: [u8; 32],
    buckets: &'t [zerocopy::little_endian::U32],
    buckets_log2: u32,
}

impl Filter<'_> {
    /// Where the entries of a bucket lie.
    fn bucket(&self, bucket: usize) -> Range<u32> {
        match (self.buckets.get(bucket), self.buckets.get(bucket + 1)) {
            (Some(from), Some(to)) => from.get()..to.get(),
            _ => 0..0,
        }
    }
}

/// One family at work on one block.
struct Block<'w, 't> {
    tables: &'w Tables<'t>,
    filter: &'w Filter<'w>,
    view: &'w View<'w>,
    layer: &'w LayerFacts,
    segments: Segments,
    state: &'w mut State,
}

impl Block<'_, '_> {
    /// Probes the grams that end inside `block`, which may begin before the chunk.
    fn probe(&mut self, seam: &Seam, block: Range<u64>, found: &mut Found) {
        let gram = self.filter.probe.shape.gram_bytes() as u64;
        let Some(last) = block.end.checked_sub(gram) else {
            return;
        };
        let first = (block.start + 1).saturating_sub(gram);
        let chunk_start = self.view.chunk_start;
        let tail_start = chunk_start - self.view.tail.len() as u64;
        // Grams that lie before the chunk, those that begin there and end in it, and those inside it.
        if block.start < chunk_start
            && let Some(to) = chunk_start.checked_sub(gram)
        {
            let (from, to) = (first.max(tail_start), last.min(to));
            let data = self.view.tail.get(
                index(from.saturating_sub(tail_start))
                    ..index((to + gram).saturating_sub(tail_start)),
            );
            self.probe_data(from, data.filter(|_| from <= to).unwrap_or_default(), found);
        }
        let from = (chunk_start + 1).saturating_sub(gram).max(first);
        let to = last.min(chunk_start.saturating_sub(1));
        if from <= to && from < chunk_start {
            self.probe_data(from, seam.between(from, to + gram), found);
        }
        let from = first.max(chunk_start);
        if from <= last {
            let data =
                self.view.chunk.get(index(from - chunk_start)..index(last + gram - chunk_start));
            self.probe_data(from, data.unwrap_or_default(), found);
        }
    }

    fn probe_data(&mut self, start: u64, data: &[u8], found: &mut Found) {
        if let Some(byte) = run_of(data) {
            if self.passes_run(byte) {
                self.walk_run(start, data, byte);
            }
            return;
        }
        simd::probe(&self.filter.probe, data, found);
        let mut resume = 0;
        let mut lookups = std::mem::take(&mut self.state.lookups);
        for positions in found.positions().chunks(LOOKUPS) {
            self.prepare(data, positions, &mut lookups);
            for lookup in &lookups {
                let position = start + u64::from(lookup.offset);
                if position >= resume && !self.state.muted.contains(self.filter.index, lookup.gram)
                {
                    resume = self.visit(position, lookup);
                }
            }
        }
        lookups.clear();
        self.state.lookups = lookups;
    }

    /// The same for data of one byte only: its one gram, at every position that may see something else.
    fn walk_run(&mut self, start: u64, data: &[u8], byte: u8) {
        let gram = self.run_gram(byte);
        let product = hash::product(gram, self.filter.probe.factor);
        let bucket = index(hash::bucket(product, self.filter.buckets_log2));
        let lookup = Lookup { offset: 0, gram, entries: self.filter.bucket(bucket) };
        let gram_bytes = self.filter.probe.shape.gram_bytes() as u64;
        let end = (start + data.len() as u64 + 1).saturating_sub(gram_bytes);
        let mut position = start;
        while position < end && !self.state.muted.contains(self.filter.index, gram) {
            position = self.visit(position, &lookup).max(position + 1);
        }
    }

    /// Looks up a gram; the answer is the next position at which anything else may come of the same gram.
    fn visit(&mut self, position: u64, lookup: &Lookup) -> u64 {
        let candidates = self.state.made();
        if self.look_up(position, lookup.gram, lookup.entries.clone()) == Lively::No {
            // What is idle in a second look is not idle for those that began earlier.
            if self.segments != Segments::Again {
                self.state.muted.add(self.filter.index, lookup.gram);
            }
        } else if self.state.made() == candidates && is_run(lookup.gram, self.filter) {
            return self.end_of_run(position, lookup).unwrap_or(position);
        }
        position
    }

    /// Inside a run of one byte every place whose entries see nothing but the run is like every other: the
    /// first position after `position` that is not. `None` where the entries see more than the run.
    fn end_of_run(&self, position: u64, lookup: &Lookup) -> Option<u64> {
        let at = index(position.checked_sub(self.view.chunk_start)?);
        let (mut before, mut after) = (0, self.filter.probe.shape.gram_bytes());
        let entries = lookup.entries.start as usize..lookup.entries.end as usize;
        for entry in self.tables.entries.get(entries)? {
            if entry.gram.get() == lookup.gram {
                let from = isize::from(entry.check.get());
                before = before.max(usize::try_from(-from).unwrap_or(0));
                after = after.max(usize::try_from(from.saturating_add(8)).unwrap_or(0));
            }
        }
        let chunk = self.view.chunk;
        let byte = *chunk.get(at)?;
        let seen = chunk.get(at.checked_sub(before)?..at.checked_add(after)?)?;
        if seen.iter().any(|other| *other != byte) {
            return None;
        }
        let ahead = chunk.get(at + after..)?.iter().take(index(BLOCK));
        let more = ahead.take_while(|other| **other == byte).count() as u64;
        Some(position + more + 1)
    }

    /// Finds the entries of the grams at some positions. Every table is asked for all of them before any
    /// answer is needed, so that the waits for memory overlap.
    fn prepare(&self, data: &[u8], positions: &[u32], lookups: &mut Vec<Lookup>) {
        lookups.clear();
        let (probe, muted) = (&self.filter.probe, &self.state.muted);
        for &offset in positions {
            let gram = gram_at(data, offset as usize, probe.shape.gram_bytes());
            let gram = probe.folded(gram);
            if muted.contains(self.filter.index, gram) {
                continue;
            }
            let product = hash::product(gram, probe.factor);
            let bucket = narrow(index(hash::bucket(product, self.filter.buckets_log2)));
            if let Some(start) = self.filter.buckets.get(bucket as usize) {
                simd::prefetch(start);
                lookups.push(Lookup { offset, gram, entries: bucket..bucket });
            }
        }
        for lookup in lookups {
            lookup.entries = self.filter.bucket(lookup.entries.start as usize);
            if let Some(entry) = self.tables.entries.get(lookup.entries.start as usize) {
                simd::prefetch(entry);
            }
        }
    }

    /// Whether a run of this byte passes the bitmap.
    const fn passes_run(&self, byte: u8) -> bool {
        self.filter.runs[(byte / 8) as usize] >> (byte % 8) & 1 != 0
    }

    fn run_gram(&self, byte: u8) -> u64 {
        let gram = gram_at(&[byte; 8], 0, self.filter.probe.shape.gram_bytes());
        self.filter.probe.folded(gram)
    }

    /// Makes candidates of the entries for a gram at `position`.
    fn look_up(&mut self, position: u64, gram: u64, entries: Range<u32>) -> Lively {
        let mut lively = Lively::No;
        let entries = self.tables.entries.get(entries.start as usize..entries.end as usize);
        for entry in entries.unwrap_or_default() {
            self.state.work += 1;
            if entry.gram.get() != gram || entry.targets.get() & self.layer.targets.bits() == 0 {
                continue;
            }
            if !self.check(entry, position) {
                // What is different here may be equal at the next place, unless nobody waits for it; that
                // is not asked everywhere, as the answer costs more than the comparison.
                if !position.is_multiple_of(IDLE_ASKED_EVERY) || !self.is_idle(entry.content.get())
                {
                    lively = Lively::Yes;
                }
                continue;
            }
            let id = entry.content.get();
            if self.tables.add_candidate(self.state, position, id, self.layer, self.segments)
                == Lively::Yes
            {
                lively = Lively::Yes;
            }
        }
        lively
    }

    fn is_idle(&self, content: u32) -> bool {
        let (state, segments) = (&*self.state, self.segments);
        self.tables
            .contents
            .get(content as usize)
            .is_none_or(|row| self.tables.is_idle(state, row, content, self.layer, segments))
    }

    /// Compares the eight masked bytes of an entry, where they are in the chunk; true where they are not.
    fn check(&self, entry: &Entry, position: u64) -> bool {
        let at = position.checked_add_signed(entry.check.get().into());
        !at.is_some_and(|at| self.view.differs(at, entry.value.get(), entry.mask.get()))
    }
}

/// Whether a gram led to anything that may still matter in this layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lively {
    Yes,
    No,
}

/// The bytes on both sides of the start of a chunk.
struct Seam {
    bytes: [u8; 2 * SIDE],
    len: usize,
    /// The position of the first byte.
    start: u64,
}

impl Seam {
    fn of(view: &View<'_>) -> Self {
        let before = view.tail.len().min(SIDE);
        let after = view.chunk.len().min(SIDE);
        let mut bytes = [0; 2 * SIDE];
        bytes[..before].copy_from_slice(&view.tail[view.tail.len() - before..]);
        bytes[before..before + after].copy_from_slice(&view.chunk[..after]);
        Self { bytes, len: before + after, start: view.chunk_start - before as u64 }
    }

    fn between(&self, from: u64, to: u64) -> &[u8] {
        let from = index(from.saturating_sub(self.start));
        let to = index(to.saturating_sub(self.start)).min(self.len);
        self.bytes.get(from..to).unwrap_or_default()
    }
}

/// Whether a gram may be a run of one byte, in either case where that is ignored.
fn is_run(gram: u64, filter: &Filter<'_>) -> bool {
    let bytes = filter.probe.shape.gram_bytes();
    let [first, ..] = gram.to_le_bytes();
    gram_at(&[first; 8], 0, bytes) == gram
}

/// The byte that `data` consists of, where it is one.
fn run_of(data: &[u8]) -> Option<u8> {
    let (first, rest) = data.split_first()?;
    // The last byte first: it differs in nearly every block that is no run.
    let same = data.last() == Some(first) && *rest == data[..rest.len()];
    same.then_some(*first)
}

/// The gram of so many bytes (at most eight) at an index; 0 where it is not there.
#[inline]
fn gram_at(data: &[u8], at: usize, gram_bytes: usize) -> u64 {
    let Some(rest) = data.get(at..) else { return 0 };
    // A load of eight bytes and a shift: a copy of a length known at run time only would be a call.
    if let Some(eight) = rest.first_chunk::<8>() {
        return u64::from_le_bytes(*eight) << (64 - 8 * gram_bytes) >> (64 - 8 * gram_bytes);
    }
    let bytes = rest.get(..gram_bytes).unwrap_or_default();
    bytes.iter().rev().fold(0, |gram, byte| gram << 8 | u64::from(*byte))
}

fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Positions filtered at a time: what is found in a block stays in the first-level cache.
pub(super) const BLOCK: u64 = 4_096;

/// Whether anybody waits for a gram is asked at the multiples of this position only.
const IDLE_ASKED_EVERY: u64 = 8;

/// Grams whose entries are fetched at a time.
const LOOKUPS: usize = 64;

/// Bytes of a gram that may lie before a seam.
const SIDE: usize = 5;
