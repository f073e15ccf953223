//! One layer: bytes that are looked at as one thing, by everything the database asks for.
//!
//! ```text
//!   window or caller ─▶ head: the type ─▶ piece ─┬─▶ digests
//!                                                ├─▶ inspector of executables ─▶ facts, digests
//!                                                ├─▶ matcher, on the bytes as they are
//!                                                └─▶ normaliser ─▶ matcher, on each normal form
//! ```
//!
//! A layer knows nothing of the layers above and below it; the scan moves bytes between them. Hits
//! are held until the scan settles the layer: at each multiple of [`SETTLE_BYTES`] and at its end,
//! when everything inside has caught up. That makes the order of findings the same however the
//! object was cut into pieces.

use std::sync::Arc;

use super::database::Image;
use super::digest::{Computed, Kinds, Needs, Running, Tables};
use super::embedded::Embedded;
use super::executable::{Found, Inspector};
use super::file_type::FileType;
use super::forms::{Normal, Place};
use super::links::Watch;
use super::logical::{self, Facts, Finding, LayerType, Logical};
use super::matcher::{Executable, Hit, LayerFacts, Matcher, State, TargetSet};
use super::normalize::Link;
use super::spool::{Spool, SpoolBudget};
use super::unpack::{ContentCodings, Decoder};
use super::verdict::Why;
use super::yara::AtomSet;

/// A layer of the stack.
pub(super) struct Layer {
    /// What it was taken out of, as in the path of a detection.
    pub(super) label: &'static str,
    /// Bytes that came and were not looked at yet.
    pub(super) window: Window,
    /// Whether more will come.
    pub(super) end: End,
    /// The content codings that are still to be undone below this layer.
    pub(super) codings: ContentCodings,
    /// Takes the next layer out of this one.
    pub(super) decoder: Option<Decoder>,
    /// The decoder may have more to give out without more input.
    pub(super) is_decoder_full: bool,
    /// Why the bytes of this layer ended early, said when the layer closes.
    pub(super) fault: Option<Why>,
    /// Memory that its parent's decoder may take, in bytes.
    pub(super) state_bytes: u64,
    /// Bytes looked at.
    pub(super) position: u64,
    /// Bytes whose findings were taken over.
    pub(super) settled: u64,
    /// What looks at its bytes; `None` until the type is known.
    pub(super) body: Option<Box<Body>>,
    /// Objects that begin in the middle of it; `None` until the type is known.
    pub(super) embedded: Option<Embedded>,
    /// Follows its links, when somebody asks for that.
    pub(super) watch: Option<Watch>,
}

/// How a layer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// More will come.
    Open,
    /// What came is all there is.
    Whole,
    /// There is more that is not looked at: its end, size and digests are not known.
    Cut,
}

impl Layer {
    pub(super) fn new(label: &'static str, window: Window, codings: ContentCodings) -> Self {
        Self {
            label,
            window,
            end: End::Open,
            codings,
            decoder: None,
            is_decoder_full: false,
            fault: None,
            state_bytes: 0,
            position: 0,
            settled: 0,
            body: None,
            embedded: None,
            watch: None,
        }
    }

    /// Whether there is something to do, given whether the caller has bytes for it.
    pub(super) fn is_ready(&self, head_bytes: usize, has_outer: bool) -> bool {
        if has_outer || self.end != End::Open {
            return true;
        }
        match self.body {
            None => self.window.len() >= head_bytes,
            Some(_) => self.is_decoder_full || !self.window.is_empty() || self.is_settling(),
        }
    }

    /// Whether findings have to be taken over before the next byte.
    pub(super) const fn is_settling(&self) -> bool {
        self.position > self.settled && self.position.is_multiple_of(SETTLE_BYTES)
    }

    /// Bytes up to the next place where findings are taken over.
    pub(super) const fn until_settling(&self) -> u64 {
        SETTLE_BYTES - self.position % SETTLE_BYTES
    }

    /// Whether a digest may prove the layer to be trusted.
    pub(super) fn may_be_trusted(&self) -> bool {
        self.body.as_ref().is_none_or(|body| !body.needs.trust.is_empty())
    }
}

/// What looks at the bytes of a layer.
pub(super) struct Body {
    /// What the layer is.
    pub(super) file_type: FileType,
    /// As conditions of logical signatures inside call it; `None` for what only a content coding made.
    pub(super) layer_type: Option<LayerType>,
    needs: Needs,
    digests: Running,
    inspector: Option<Inspector>,
    raw: Form,
    /// Its normal forms, each with a matcher of its own.
    forms: Vec<(Place, Form)>,
    normal: Normal,
}

/// A stream of bytes with the matcher on it.
pub(super) struct Form {
    pub(super) facts: LayerFacts,
    state: State,
    pub(super) logical: logical::State,
    hits: Vec<Hit>,
    pub(super) fed_bytes: u64,
    /// Its bytes, when something may have to look at all of them.
    pub(super) spool: Option<Spool>,
    /// Whether regular expressions have to be looked for in all of its bytes.
    pub(super) is_waiting: bool,
    /// The strings of YARA rules that were seen.
    pub(super) atoms: Option<AtomSet>,
}

/// Where the spools of a layer come from.
pub(super) struct Spools<'a> {
    pub(super) limit_bytes: u64,
    /// Forms with one of these may be looked at as a whole.
    pub(super) targets: TargetSet,
    pub(super) budget: &'a Arc<SpoolBudget>,
}

impl Spools<'_> {
    /// One for a form with these targets, if something may look at all of it.
    fn spool(&self, targets: TargetSet, size: Option<u64>) -> Option<Spool> {
        let spool = || Spool::with_hint(self.limit_bytes, Arc::clone(self.budget), size);
        self.targets.intersects(targets).then(spool)
    }
}

impl Body {
    /// `spools` is given when something in the database may have to look at all of its bytes.
    pub(super) fn new(
        file_type: FileType,
        needs: Needs,
        size: Option<u64>,
        image: &Arc<Image>,
        spools: Option<&Spools<'_>>,
    ) -> Self {
        let format = file_type.executable();
        let executable = match format {
            Some(_) => Executable::Unknown,
            None => Executable::Absent,
        };
        let (normal, forms) = Normal::of(file_type);
        let form = |(place, targets)| {
            let mut form = Form::new(targets, Executable::Absent, None);
            form.spool = spools.and_then(|spools| spools.spool(targets, None));
            (place, form)
        };
        let mut raw = Form::new(file_type.targets(), executable, size);
        raw.spool = spools.and_then(|spools| spools.spool(file_type.targets(), size));
        Self {
            file_type,
            layer_type: Some(LayerType::of(file_type)),
            needs,
            digests: Running::new(needs.all()),
            inspector: format.map(|format| Inspector::new(format, size, Arc::clone(image))),
            raw,
            forms: forms.into_iter().map(form).collect(),
            normal,
        }
    }

    /// Gives up digests that cannot matter for a layer of so many bytes or more.
    pub(super) fn narrow(&mut self, position: u64, tables: &Tables<'_>) {
        if !self.needs.all().is_empty() {
            self.needs = self.needs.intersection(tables.needs_from(position));
            self.digests.keep(self.needs.all());
        }
    }

    /// Looks at the next bytes, and says how many units of work that was.
    pub(super) fn scan(&mut self, mut piece: &[u8], matcher: Option<Matcher<'_>>) -> u64 {
        let mut work = 0;
        self.digests.update(piece);
        self.normal.feed(piece);
        for (place, form) in &mut self.forms {
            work += form.feed(self.normal.written(*place), matcher);
        }
        // The facts change between two bytes, the same two however the bytes were cut.
        while let Some(inspector) = &mut self.inspector
            && !piece.is_empty()
        {
            let (taken, news) = inspector.feed(piece);
            let (before, after) = piece.split_at(taken);
            work += self.raw.feed(before, matcher);
            piece = after;
            if let Some(executable) = news {
                self.raw.facts.executable = executable;
            }
        }
        work + self.raw.feed(piece, matcher)
    }

    /// The layer ended after `size` bytes, and those were all.
    pub(super) fn finish(&mut self, size: u64, matcher: Option<Matcher<'_>>) {
        if let Some(executable) = self.inspector.as_mut().and_then(|it| it.finish(size)) {
            self.raw.facts.executable = executable;
        }
        self.raw.finish(size, matcher);
        self.normal.finish();
        for (place, form) in &mut self.forms {
            form.feed(self.normal.written(*place), matcher);
            form.finish(form.fed_bytes, matcher);
        }
        // A page without scripts has no such form, nor has a text of nothing that its form keeps:
        // what asks for the absence of something would be true in it.
        self.forms.retain(|(_, form)| form.fed_bytes > 0);
    }

    /// Whether one of these digests was not computed.
    pub(super) fn lacks(&self, kinds: Kinds) -> bool {
        kinds.intersection(self.needs.all()) != kinds
    }

    /// The digests, which can be taken once.
    pub(super) fn take_digests(&mut self) -> Computed {
        std::mem::replace(&mut self.digests, Running::new(Kinds::NONE)).finish()
    }

    /// What was found in the parts of an executable since the last call.
    pub(super) fn take_found(&mut self) -> Found {
        self.inspector.as_mut().map(Inspector::take_found).unwrap_or_default()
    }

    /// The hits in the bytes as they are since [`Body::take_hits`].
    pub(super) fn raw_hits(&self) -> &[Hit] {
        &self.raw.hits
    }

    /// The links in the bytes of the last call of [`Body::scan`] or [`Body::finish`].
    pub(super) fn links(&self) -> &[Link] {
        self.normal.links()
    }

    /// The hits since the last call, in the order in which they became certain.
    pub(super) fn take_hits(&mut self) -> impl Iterator<Item = (Place, Hit)> + '_ {
        let forms = self.forms.iter_mut();
        let normal = forms.flat_map(|(place, form)| form.hits.drain(..).map(|hit| (*place, hit)));
        let raw = self.raw.hits.drain(..).map(|hit| (Place::Raw, hit));
        raw.chain(normal)
    }

    /// Its logical signatures will be these. Nothing may have been looked at before.
    pub(super) fn expect(&mut self, logical: &Logical<'_>) {
        for (_, form) in self.forms() {
            form.logical = logical::State::new(Some(logical));
        }
    }

    /// Takes hits of parts, and adds the logical signatures that are true for certain. Says how many
    /// were looked at.
    pub(super) fn decide(
        &mut self,
        logical: &Logical<'_>,
        around: &[LayerType],
        parts: &[(Place, u32, u64)],
        found: &mut Vec<(Place, Finding)>,
    ) -> u64 {
        let mut work = 0;
        for (place, form) in self.forms() {
            let before = form.logical.work();
            for (_, part, offset) in parts.iter().filter(|(other, ..)| *other == place) {
                form.logical.hit(logical, *part, *offset);
            }
            let facts = Facts { layer: &form.facts, around };
            let mut here = Vec::new();
            form.logical.decide(logical, facts, &mut here);
            found.extend(here.into_iter().map(|finding| (place, finding)));
            work += form.logical.work() - before;
        }
        work
    }

    /// The layer ended whole: adds the other logical signatures that are true. Says whether one is
    /// undecided for another reason than a regular expression.
    pub(super) fn conclude(
        &mut self,
        logical: &Logical<'_>,
        around: &[LayerType],
        found: &mut Vec<(Place, Finding)>,
    ) -> bool {
        let mut is_undecided = false;
        for (place, form) in self.forms() {
            let facts = Facts { layer: &form.facts, around };
            let mut here = Vec::new();
            let mut ask = logical::Ask::default();
            let is_open = form.logical.finish(logical, facts, &mut ask, &mut here);
            form.is_waiting = is_open && ask.is_wanted;
            is_undecided |= is_open && !ask.is_wanted;
            found.extend(here.into_iter().map(|finding| (place, finding)));
        }
        is_undecided
    }

    /// Remembers that a string of YARA rules was seen.
    pub(super) fn mark(&mut self, place: Place, atom: u32) {
        if let Some((_, form)) = self.forms().find(|(other, _)| *other == place) {
            form.atoms.get_or_insert_default().add(atom);
        }
    }

    /// Every form of the layer.
    pub(super) fn forms(&mut self) -> impl Iterator<Item = (Place, &mut Form)> {
        let normal = self.forms.iter_mut().map(|(place, form)| (*place, form));
        std::iter::once((Place::Raw, &mut self.raw)).chain(normal)
    }

    /// Whether something had to be forgotten.
    pub(super) fn overflowed(&self) -> bool {
        let overflowed = |form: &Form| form.state.overflowed() || form.logical.overflowed();
        overflowed(&self.raw) || self.forms.iter().any(|(_, form)| overflowed(form))
    }
}

impl Form {
    fn new(targets: TargetSet, executable: Executable, size: Option<u64>) -> Self {
        Self {
            facts: LayerFacts { targets, executable, size },
            state: State::new(),
            logical: logical::State::new(None),
            hits: Vec::new(),
            fed_bytes: 0,
            spool: None,
            is_waiting: false,
            atoms: None,
        }
    }

    fn feed(&mut self, bytes: &[u8], matcher: Option<Matcher<'_>>) -> u64 {
        if bytes.is_empty() {
            return 0;
        }
        let before = self.state.work();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.fed_bytes = self.fed_bytes.saturating_add(length);
        self.logical.push(bytes);
        if let Some(spool) = &mut self.spool {
            spool.push(bytes);
        }
        if let Some(matcher) = matcher {
            matcher.feed(&mut self.state, bytes, &self.facts, &mut self.hits);
        }
        length.saturating_add(self.state.work().saturating_sub(before))
    }

    fn finish(&mut self, size: u64, matcher: Option<Matcher<'_>>) {
        self.facts.size = Some(size);
        if let Some(matcher) = matcher {
            matcher.finish(&mut self.state, &self.facts, &mut self.hits);
        }
    }
}

/// Bytes between a decoder and the layer it fills: a fixed room, filled at the back, read at the front.
pub(super) struct Window {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Window {
    pub(super) fn new(room_bytes: usize) -> Self {
        Self { bytes: vec![0; room_bytes].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What came and was not read.
    pub(super) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Where the next bytes go.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.is_empty() {
            self.clear();
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were written to the front of the room.
    pub(super) fn add(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    /// So many bytes were read.
    pub(super) fn take(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
    }

    /// Forgets what was not read.
    pub(super) const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

/// Findings are taken over at multiples of this: large enough for the matcher to get into its stride,
/// small enough for a detection to stop a download early.
pub(super) const SETTLE_BYTES: u64 = 16 << 10;
