//! Digests of stretches of a layer: the sections of an executable.
//!
//! The table of sections comes first, so it is known before a section's first byte whether any
//! signature has its size; only such sections are hashed. Sections may overlap: each stretch is hashed
//! once, and no more than [`OPEN_MAX`] at a time, so a byte costs at most so many digests, whatever a
//! table claims.
//!
//! The end of the layer may cut a section short. Its digest is that of what is there, and its size
//! is known beforehand only when that of the layer is; otherwise one that would have mattered is
//! said to be missing.

use crate::engine::database::signature::Subject;

use super::{Computed, Entry, Kinds, Running, Tables};

/// A stretch of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Stretch {
    /// Its first byte.
    pub start: u64,
    /// Bytes, rounded up as the format asks for.
    pub size: u64,
    /// Bytes before rounding: what the last section of a file often has.
    pub declared_size: u64,
}

/// The digests of the sections of one layer.
#[derive(Debug)]
pub(in crate::engine) struct Sections {
    /// By their start, the last one first.
    waiting: Vec<(Stretch, Kinds)>,
    open: Vec<Open>,
    done: Vec<(Computed, u64)>,
    /// Those whose size is in no table, for the case that the end of the layer makes it another.
    unhashed: Vec<Stretch>,
    position: u64,
    has_dropped: bool,
}

#[derive(Debug)]
struct Open {
    start: u64,
    end: u64,
    kinds: Kinds,
    running: Running,
}

impl Sections {
    /// `None` when no signature is about sections. `layer_size` is that of the layer, where it is
    /// known.
    pub(in crate::engine) fn new(
        stretches: impl Iterator<Item = Stretch>,
        layer_size: Option<u64>,
        tables: &Tables<'_>,
    ) -> Option<Self> {
        if tables.kinds(Subject::Section, None).is_empty() {
            return None;
        }
        let mut waiting = Vec::new();
        let mut unhashed = Vec::new();
        for mut stretch in stretches {
            if let Some(layer_size) = layer_size {
                stretch.size = stretch.size.min(layer_size.saturating_sub(stretch.start));
                stretch.declared_size = stretch.size;
            }
            let kinds = |size| tables.kinds(Subject::Section, Some(size));
            let wanted = kinds(stretch.size).union(kinds(stretch.declared_size));
            match () {
                () if stretch.size == 0 => {}
                () if wanted.is_empty() => unhashed.push(stretch),
                () => waiting.push((stretch, wanted)),
            }
        }
        waiting.sort_by_key(|(stretch, _)| std::cmp::Reverse((stretch.start, stretch.size)));
        waiting.dedup_by_key(|(stretch, _)| (stretch.start, stretch.size));
        if layer_size.is_some() {
            unhashed.clear();
        }
        Some(Self {
            waiting,
            open: Vec::new(),
            done: Vec::new(),
            unhashed,
            position: 0,
            has_dropped: false,
        })
    }

    /// The next bytes of the layer.
    pub(in crate::engine) fn feed(&mut self, mut bytes: &[u8]) {
        loop {
            self.begin_and_end();
            let starts = self.waiting.last().map(|(stretch, _)| stretch.start);
            let ends = self.open.iter().map(|open| open.end).min();
            let next = starts.into_iter().chain(ends).min().unwrap_or(u64::MAX);
            let until = usize::try_from(next.saturating_sub(self.position)).unwrap_or(usize::MAX);
            let (piece, rest) = bytes.split_at_checked(until).unwrap_or((bytes, &[]));
            if piece.is_empty() {
                return;
            }
            for open in &mut self.open {
                open.running.update(piece);
            }
            self.position = self.position.saturating_add(piece.len() as u64);
            bytes = rest;
        }
    }

    /// Bytes up to `position` passed unseen; says whether a section would have needed them.
    pub(in crate::engine) fn skip(&mut self, position: u64) -> bool {
        let before = (self.waiting.len(), self.open.len());
        self.waiting.retain(|(stretch, _)| stretch.start >= position);
        self.open.clear();
        self.position = position;
        before != (self.waiting.len(), 0)
    }

    /// Whether every section passed.
    pub(in crate::engine) const fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty() && self.unhashed.is_empty()
    }

    /// Whether more sections overlapped than are hashed at a time.
    pub(in crate::engine) const fn has_dropped(&self) -> bool {
        self.has_dropped
    }

    /// The layer ended after `size` bytes; says whether a digest is missing that could matter.
    pub(in crate::engine) fn finish(&mut self, size: u64, tables: &Tables<'_>) -> bool {
        self.begin_and_end();
        let needed = |start| tables.kinds(Subject::Section, Some(size.saturating_sub(start)));
        let mut is_missing = self
            .unhashed
            .drain(..)
            .filter(|stretch| {
                stretch.start < size && size < stretch.start.saturating_add(stretch.size)
            })
            .any(|stretch| !needed(stretch.start).is_empty());
        for open in self.open.drain(..) {
            let needed = needed(open.start);
            is_missing |= needed.intersection(open.kinds) != needed;
            self.done.push((open.running.finish(), size.saturating_sub(open.start)));
        }
        is_missing
    }

    /// Looks up the sections that passed.
    pub(in crate::engine) fn take_entries(&mut self, tables: &Tables<'_>, out: &mut Vec<Entry>) {
        for (digests, size) in self.done.drain(..) {
            let found = digests.iter();
            out.extend(found.filter_map(|it| tables.lookup(Subject::Section, it, size)));
        }
    }

    /// Ends what ends here, then begins what begins here.
    fn begin_and_end(&mut self) {
        let position = self.position;
        for open in self.open.extract_if(.., |open| open.end <= position) {
            let size = open.end.saturating_sub(open.start);
            self.done.push((open.running.finish(), size));
        }
        while let Some((stretch, kinds)) =
            self.waiting.pop_if(|(stretch, _)| stretch.start <= position)
        {
            if self.open.len() >= OPEN_MAX {
                self.has_dropped = true;
                continue;
            }
            self.open.push(Open {
                start: stretch.start,
                end: stretch.start.saturating_add(stretch.size),
                kinds,
                running: Running::new(kinds),
            });
        }
    }
}

/// Sections that are hashed at a time. Linkers write none that overlap.
const OPEN_MAX: usize = 8;
