//! Candidates become occurrences: the bytes around an anchor are compared, all of them.
//!
//! Every candidate waits in one queue until the stream has reached the position at which its content can
//! be decided, however the bytes were cut; so the order of decisions, and of hits, is a property of the
//! layer alone.

#![forbid(unsafe_code)]

use super::Hit;
use super::boundary;
use super::chain::{Occurrence, Use};
use super::facts::LayerFacts;
use super::image::{Content, Tables, range};
use super::program::{self, Walk};
use super::state::{Candidate, State};
use std::cmp::Reverse;

/// The bytes at hand: the end of what was fed before, and the chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'b> {
    pub(super) tail: &'b [u8],
    pub(super) chunk: &'b [u8],
    /// The position of the chunk's first byte.
    pub(super) chunk_start: u64,
}

impl View<'_> {
    pub(super) const fn end(&self) -> u64 {
        self.chunk_start + self.chunk.len() as u64
    }

    /// Whether the eight masked bytes at a position are others; no where they are not all in the chunk.
    #[inline]
    pub(super) fn differs(&self, position: u64, value: u64, mask: u64) -> bool {
        let at = position.checked_sub(self.chunk_start).map(|at| offset_in(0, at));
        let bytes = at.and_then(|at| self.chunk.get(at..)?.first_chunk::<8>());
        bytes.is_some_and(|bytes| u64::from_le_bytes(*bytes) & mask != value)
    }

    /// The bytes between two positions. Those before the tail are not there; nobody asks for them, as
    /// the tail is as long as the window.
    fn between<'v>(&'v self, from: u64, to: u64, scratch: &'v mut Vec<u8>) -> &'v [u8] {
        let chunk_to = offset_in(self.chunk_start, to).min(self.chunk.len());
        if let Some(chunk_from) = from.checked_sub(self.chunk_start) {
            return self.chunk.get(offset_in(0, chunk_from)..chunk_to).unwrap_or_default();
        }
        let back = offset_in(from, self.chunk_start).min(self.tail.len());
        let ahead = offset_in(to, self.chunk_start).min(back);
        scratch.clear();
        scratch.extend_from_slice(&self.tail[self.tail.len() - back..self.tail.len() - ahead]);
        scratch.extend_from_slice(&self.chunk[..chunk_to]);
        scratch
    }
}

impl Tables<'_> {
    /// Decides every candidate that is due at `position`, and reports what is certain by then.
    pub(super) fn decide_until(
        &self,
        state: &mut State,
        position: u64,
        view: &View<'_>,
        layer: &LayerFacts,
        hits: &mut Vec<Hit>,
    ) {
        self.decide_due(state, position, view, layer);
        self.report(state, position, hits);
    }

    fn decide_due(&self, state: &mut State, position: u64, view: &View<'_>, layer: &LayerFacts) {
        state.gather_due(position);
        let due = std::mem::take(&mut state.due);
        for candidate in &due {
            self.decide(state, *candidate, view, layer);
        }
        state.due = due;
    }

    /// Decides all candidates: the layer ends here, so nothing they wait for will come.
    pub(super) fn decide_all(
        &self,
        state: &mut State,
        view: &View<'_>,
        layer: &LayerFacts,
        hits: &mut Vec<Hit>,
    ) {
        let end = view.end();
        self.decide_due(state, u64::MAX, view, layer);
        // Certain now, and not at a position that the layer does not have.
        let trailing = std::mem::take(&mut state.trailing);
        let needs_more = |bytes: u64| bytes > end;
        state.trailing = trailing.into_iter().filter(|Reverse(one)| !needs_more(one.at)).collect();
        self.report(state, end, hits);
    }

    fn decide(&self, state: &mut State, candidate: Candidate, view: &View<'_>, layer: &LayerFacts) {
        let Some(content) = self.contents.get(candidate.content as usize) else {
            return;
        };
        let users = range(self.users, content.users_start, content.users_end).unwrap_or_default();
        let mut best = Use::Never;
        for user in users {
            state.work += 1;
            match self.usefulness(state, layer, *user, candidate, content) {
                Use::Never => {}
                Use::NotNow => best = Use::NotNow,
                Use::Counts => {
                    best = Use::Counts;
                    break;
                }
            }
        }
        match best {
            Use::Never => {
                state.dead.insert(candidate.content);
            }
            Use::NotNow => {}
            Use::Counts => self.compare(state, candidate, content, view, layer),
        }
    }

    fn compare(
        &self,
        state: &mut State,
        candidate: Candidate,
        content: &Content,
        view: &View<'_>,
        layer: &LayerFacts,
    ) {
        let due = candidate.due.min(view.end());
        let from = candidate
            .anchor
            .saturating_sub((content.head_max.get() + boundary::LOOK_BEFORE).into());
        let mut scratch = std::mem::take(&mut state.scratch);
        let (mut starts, mut ends) =
            (std::mem::take(&mut state.starts), std::mem::take(&mut state.ends));
        let text = view.between(from, due, &mut scratch);
        let anchor = offset_in(from, candidate.anchor);
        state.work += self.places(content, text, anchor, &mut starts, &mut ends);
        if !starts.is_empty() {
            let occurrence =
                Occurrence { due, from, starts: &starts, ends: &ends, varies: content.varies != 0 };
            let users = range(self.users, content.users_start, content.users_end);
            for user in users.unwrap_or_default() {
                if self.usefulness(state, layer, *user, candidate, content) == Use::Counts {
                    self.occur(state, layer, *user, occurrence);
                }
            }
        }
        state.scratch = scratch;
        (state.starts, state.ends) = (starts, ends);
    }

    /// Where a content with its anchor at an index of `text` may begin and end; no starts when it is not
    /// there. The answer is the work done.
    fn places(
        &self,
        content: &Content,
        text: &[u8],
        anchor: usize,
        starts: &mut Vec<usize>,
        ends: &mut Vec<usize>,
    ) -> u64 {
        starts.clear();
        ends.clear();
        ends.push(anchor);
        let tail = range(self.programs, content.tail_start, content.tail_end).unwrap_or_default();
        let mut work = program::advance(tail, Walk::Forwards, text, ends);
        if let Some(edge) = boundary::decode(content.right) {
            ends.retain(|end| boundary::holds_after(edge, text, *end));
        }
        if ends.is_empty() {
            return work;
        }
        starts.push(anchor);
        let head = range(self.programs, content.head_start, content.tail_start).unwrap_or_default();
        work += program::advance(head, Walk::Backwards, text, starts);
        if let Some(edge) = boundary::decode(content.left) {
            starts.retain(|start| boundary::holds_before(edge, text, *start));
        }
        work
    }
}

/// How far `position` lies behind `start`, as an index; 0 when it lies before.
fn offset_in(start: u64, position: u64) -> usize {
    usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX)
}
