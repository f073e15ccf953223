//! Searches whose work grows with the bytes and nothing else.
//!
//! A lazy DFA reads forward to where a match ends; where it begins, when anybody asks, a second one
//! finds backwards from there. Its states are made as bytes ask for them and kept in a [`Cache`] of at
//! most [`CACHE_BYTES_MAX`]. Three things are limited, each of which hostile bytes could drive: the size of
//! the automaton, the states that are made in vain, and bytes that the searches of one count read
//! again. Whoever reaches a limit gets [`GaveUp`].

use std::sync::OnceLock;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

/// A limit of this file was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GaveUp {
    /// Too many states, or a DFA that would be too large: PCRE2 has none.
    States,
    /// Too many bytes were read again. PCRE2 would read them as often, and counts no step for them.
    Bytes,
}

pub(super) struct Automaton {
    hir: Hir,
    forward: DFA,
    /// Bytes that begin every match; none when a look behind a place would be needed at each.
    prefix: Option<Prefilter>,
    backward: OnceLock<Option<DFA>>,
}

impl Automaton {
    /// `None` when it would be too large.
    pub(super) fn of(hir: Hir) -> Option<Self> {
        let is_free = hir.properties().look_set().is_empty();
        let prefix = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &hir);
        let prefix = prefix.filter(|prefix| is_free && prefix.is_fast());
        let config =
            Config::new().specialize_start_states(prefix.is_some()).prefilter(prefix.clone());
        let forward = build(&hir, config, false)?;
        Some(Self { hir, forward, prefix, backward: OnceLock::new() })
    }

    /// Bytes that every match has at least.
    pub(super) fn bytes_min(&self) -> usize {
        self.hir.properties().minimum_len().unwrap_or(0)
    }

    /// Searches that belong together, with fresh states: those that other bytes have left behind
    /// would decide when there are too many.
    pub(super) fn pass<'p>(&'p self, bytes: &'p [u8]) -> Pass<'p> {
        let left = bytes.len().saturating_mul(PASSES_MAX).max(BYTES_FREE);
        let (forward, backward) = (Cache::new(&self.forward), None);
        Pass { automaton: self, forward, backward, bytes, left }
    }
}

fn build(hir: &Hir, config: Config, is_backward: bool) -> Option<DFA> {
    let thompson_config = thompson::Config::new()
        .utf8(false)
        .reverse(is_backward)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(NFA_BYTES_MAX));
    let nfa = thompson::Compiler::new().configure(thompson_config).build_from_hir(hir).ok()?;
    let states_worth = nfa.states().len() / STATES_PER_BYTE;
    let config = config
        .match_kind(if is_backward { MatchKind::All } else { MatchKind::LeftmostFirst })
        .cache_capacity(CACHE_BYTES_MAX)
        .minimum_cache_clear_count(Some(CLEARS_MIN))
        .minimum_bytes_per_state(Some(states_worth.max(BYTES_PER_STATE_MIN)));
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

/// The searches of one count over the bytes of a layer. After [`GaveUp`] it is of no use any more.
pub(super) struct Pass<'p> {
    automaton: &'p Automaton,
    /// The states that were made so far.
    forward: Cache,
    backward: Option<Cache>,
    bytes: &'p [u8],
    /// Bytes that may still be read.
    left: usize,
}

impl Pass<'_> {
    /// The end of the first match that begins at `at`, or later when it is not anchored. With
    /// `is_first` that of any match, the one whose end comes first.
    pub(super) fn end(
        &mut self,
        at: usize,
        is_anchored: bool,
        is_first: bool,
    ) -> Result<Option<usize>, GaveUp> {
        let dfa = &self.automaton.forward;
        let anchored = if is_anchored { Anchored::Yes } else { Anchored::No };
        let input = Input::new(self.bytes).span(at..self.bytes.len()).anchored(anchored);
        let cache = &mut self.forward;
        if !is_anchored {
            // Most searches find nothing, and find that out sooner without a look at each state. What
            // finds something is read once more, and counted then.
            let first = dfa.try_search_fwd(cache, &input.clone().earliest(true));
            let first = first.map_err(|_full| GaveUp::States)?.map(|found| found.offset());
            if is_first || first.is_none() {
                let read = first.unwrap_or(self.bytes.len()).saturating_sub(at);
                self.left = self.left.checked_sub(read.saturating_add(1)).ok_or(GaveUp::Bytes)?;
                return Ok(first);
            }
        }
        let state = dfa.start_state_forward(cache, &input).map_err(|_full| GaveUp::States)?;
        cache.search_start(at);
        let prefix = self.automaton.prefix.as_ref().filter(|_| !is_anchored);
        let mut walk = Walk { dfa, cache, bytes: self.bytes, at, state, found: None };
        let is_over = walk.walk(prefix, is_first)?;
        let (stopped, mut found, state) = (walk.at, walk.found, walk.state);
        if !is_over {
            let state = dfa.next_eoi_state(cache, state).map_err(|_full| GaveUp::States)?;
            if state.is_match() {
                found = Some(self.bytes.len());
            }
        }
        cache.search_finish(stopped);
        // One for the search itself, however little it reads.
        let read = stopped.saturating_sub(at).saturating_add(1);
        self.left = self.left.checked_sub(read).ok_or(GaveUp::Bytes)?;
        Ok(found)
    }

    /// Where the match that [`end`](Self::end) found in a search from `at` begins.
    pub(super) fn start(&mut self, at: usize, end: usize) -> Result<usize, GaveUp> {
        let Automaton { hir, backward, .. } = self.automaton;
        let dfa = backward.get_or_init(|| build(hir, Config::new(), true));
        let dfa = dfa.as_ref().ok_or(GaveUp::States)?;
        let cache = self.backward.get_or_insert_with(|| Cache::new(dfa));
        let input = Input::new(self.bytes).span(at..end).anchored(Anchored::Yes);
        self.left = self.left.checked_sub(end.saturating_sub(at)).ok_or(GaveUp::Bytes)?;
        let found = dfa.try_search_rev(cache, &input).map_err(|_full| GaveUp::States)?;
        found.map(|found| found.offset()).ok_or(GaveUp::States)
    }
}

/// One search forward.
struct Walk<'w> {
    dfa: &'w DFA,
    cache: &'w mut Cache,
    bytes: &'w [u8],
    at: usize,
    state: LazyStateID,
    /// The end of the best match so far.
    found: Option<usize>,
}

impl Walk<'_> {
    /// Whether it was over before the bytes were.
    fn walk(&mut self, prefix: Option<&Prefilter>, is_first: bool) -> Result<bool, GaveUp> {
        loop {
            if let Some(prefix) = prefix.filter(|_| self.state.is_start()) {
                let rest = (self.at..self.bytes.len()).into();
                match prefix.find(self.bytes, rest) {
                    Some(found) => self.at = found.start,
                    None => return Ok(true),
                }
            }
            let Some(state) = self.step()? else { return Ok(false) };
            if state.is_match() {
                // A match state comes one byte behind the match.
                self.found = Some(self.at);
                if is_first {
                    return Ok(true);
                }
            } else if state.is_dead() {
                return Ok(true);
            }
            self.state = state;
            self.at = self.at.saturating_add(1);
        }
    }

    /// Reads up to the next byte that leads to a state of a kind, and stops at it; nothing when there
    /// is none.
    fn step(&mut self) -> Result<Option<LazyStateID>, GaveUp> {
        if !self.state.is_tagged() {
            for byte in self.bytes.get(self.at..).unwrap_or_default() {
                let state = self.dfa.next_state_untagged(self.cache, self.state, *byte);
                if state.is_tagged() {
                    if state.is_unknown() {
                        break;
                    }
                    return Ok(Some(state));
                }
                self.state = state;
                self.at = self.at.saturating_add(1);
            }
        }
        let Some(byte) = self.bytes.get(self.at) else { return Ok(None) };
        self.cache.search_update(self.at);
        let state =
            self.dfa.next_state(self.cache, self.state, *byte).map_err(|_full| GaveUp::States)?;
        if state.is_quit() { Err(GaveUp::States) } else { Ok(Some(state)) }
    }
}

/// What an automaton may take before its states: some thousand of them. One regex of an image each,
/// those only that were ever needed, twice where starts are asked for.
const NFA_BYTES_MAX: usize = 256 << 10;

/// What the states of one automaton may take for each direction, during one count.
const CACHE_BYTES_MAX: usize = 1 << 20;

/// So often the states may be thrown away before it is asked whether they were worth making.
const CLEARS_MIN: usize = 4;

/// A state that was read by less than so many bytes was made in vain.
const BYTES_PER_STATE_MIN: usize = 32;

/// What a state costs grows with the automaton: one byte has to be read for so many states of it.
const STATES_PER_BYTE: usize = 4;

/// So often the searches of one count may read all bytes: a search that reads to the end to find a
/// short match, again and again, would take for ever.
const PASSES_MAX: usize = 64;

/// In a small layer more often, as long as it takes some tenths of a second.
const BYTES_FREE: usize = 1 << 26;
