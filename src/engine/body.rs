//! What looks at the bytes of a layer, or of an object in the middle of one: everything the database
//! asks for.
//!
//! ```text
//!   piece ─┬─▶ digests
//!          ├─▶ inspector of executables ─▶ facts, digests
//!          ├─▶ matcher, on the bytes as they are
//!          └─▶ normaliser ─▶ matcher, on each normal form
//! ```
//!
//! Hits are held until the scan settles the layer, which makes the order of findings the same however
//! the object was cut into pieces.

use std::sync::Arc;

use super::database::Image;
use super::database::signature::Target;
use super::digest::{Computed, Kinds, Needs, Running, Tables};
use super::executable::{Found, Inspector};
use super::file_type::{FileType, Kind};
use super::forms::{Normal, Place};
use super::logical::{self, Facts, Finding, LayerType, Logical};
use super::matcher::{Executable, Hit, LayerFacts, Matcher, State, TargetSet};
use super::normalize::Link;
use super::spool::{Spool, SpoolBudget};
use super::unpack::Whole;
use super::volume::{self, Volume};
use super::yara::AtomSet;

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
    /// Whether it is an image of a disc; `None` when nobody asks.
    volume: Option<Volume>,
    /// It is looked at again: nothing more is asked of it.
    pub(super) is_again: bool,
    /// It is a layer, which can be looked at again.
    pub(super) may_ask: bool,
    /// The kinds that signatures want it to be looked at again as, and whether they were reported themselves.
    asked: Vec<(Kind, bool)>,
    /// How many of them were taken.
    asked_taken: usize,
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

/// Where the spools of layers come from.
#[derive(Debug)]
pub(super) struct Spools {
    /// Bytes of a form that regular expressions or rules may have to look at.
    pub(super) limit_bytes: u64,
    /// Bytes of a container that is opened at its end.
    pub(super) whole_bytes: u64,
    /// Forms with one of these may be looked at as a whole; `None` when nothing in the database does that.
    pub(super) targets: Option<TargetSet>,
    pub(super) budget: Arc<SpoolBudget>,
}

impl Spools {
    /// One for a form with these targets, if something may look at all of it; with room for so many bytes.
    fn spool(&self, targets: TargetSet, size: Option<u64>) -> Option<Spool> {
        let spool = || Spool::with_hint(self.limit_bytes, Arc::clone(&self.budget), size);
        self.targets.is_some_and(|wanted| wanted.intersects(targets)).then(spool)
    }

    /// One for a container that is opened at its end.
    fn whole(&self, size: Option<u64>) -> Spool {
        Spool::with_hint(self.whole_bytes, Arc::clone(&self.budget), size)
    }

    /// As [`Spools::whole`], for something that will hardly be needed: it takes no memory yet.
    fn rarely(&self, size: Option<u64>) -> Spool {
        self.whole(size.filter(|size| *size > self.whole_bytes))
    }
}

impl Body {
    /// What is of no kind of its own is matched with the signatures for the container it is a part of.
    pub(super) fn new(
        (file_type, part_of): (FileType, Option<Target>),
        needs: Needs,
        size: Option<u64>,
        image: &Arc<Image>,
        spools: &Spools,
    ) -> Self {
        let format = file_type.executable();
        let executable = match format {
            Some(_) => Executable::Unknown,
            None => Executable::Absent,
        };
        let logical = image.logical();
        let form = |targets, executable, size, room| {
            let mut form = Form::new(LayerFacts { targets, executable, size }, logical.as_ref());
            form.spool = spools.spool(targets, room);
            form
        };
        // Of normal forms no size is known; these two are not much shorter than what they are made of.
        let room = |place| match place {
            Place::Text | Place::NoComment => size.filter(|size| *size <= spools.limit_bytes),
            Place::Raw | Place::NoTags | Place::Script => None,
        };
        let targets = part_of.filter(|_| file_type.is_plain());
        let targets = targets.map_or_else(|| file_type.targets(), TargetSet::of);
        let (normal, forms) = Normal::of(file_type);
        let forms = forms.into_iter();
        Self {
            file_type,
            layer_type: Some(LayerType::of(file_type)),
            needs,
            digests: Running::new(needs.all()),
            inspector: format.map(|format| Inspector::new(format, size, Arc::clone(image))),
            raw: form(targets, executable, size, size),
            forms: forms
                .map(|(place, targets)| {
                    (place, form(targets, Executable::Absent, None, room(place)))
                })
                .collect(),
            normal,
            volume: None,
            is_again: false,
            may_ask: false,
            asked: Vec::new(),
            asked_taken: 0,
        }
    }

    /// A signature wants it to be looked at again. Each kind is kept once.
    pub(super) fn ask(&mut self, kind: Kind, is_reported: bool) {
        match self.asked.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, known)) => *known &= is_reported,
            None => self.asked.push((kind, is_reported)),
        }
    }

    /// The next kind that it is to be looked at again as, and whether all who want that were reported.
    pub(super) fn take_asked(&mut self) -> Option<(Kind, bool)> {
        let next = self.asked.get(self.asked_taken).copied();
        self.asked_taken = self.asked_taken.saturating_add(usize::from(next.is_some()));
        next
    }

    /// Asks, before the first byte, whether it is an image of a disc. Keeps its bytes if it is; and those of an
    /// archive in it, when nothing else looks for one.
    pub(super) fn watch_for_volume(
        &mut self,
        head: &[u8],
        (spools, size): (&Spools, Option<u64>),
        has_strays: bool,
    ) {
        let mut volume = Volume::new(head, [spools.rarely(size), spools.rarely(size)]);
        if has_strays {
            volume.watch_for_strays(spools.whole(None));
        }
        self.volume = Some(volume);
    }

    /// What the layer is behind its head, now that it has ended. To be asked until it is nothing more.
    pub(super) fn take_volume(&mut self) -> Option<volume::Image> {
        self.volume.as_mut()?.take()
    }

    /// Keeps all of its bytes, before the first of them, for what opens it at its end.
    pub(super) fn keep_whole(&mut self, spools: &Spools, size: Option<u64>) {
        self.raw.spool = Some(spools.whole(size));
    }

    /// All bytes of an ended layer, when they are kept.
    pub(super) const fn take_whole(&mut self) -> Option<Spool> {
        self.raw.spool.take()
    }

    /// Takes the bytes back that were opened as such a container.
    pub(super) fn give_whole(&mut self, whole: Whole, spool: Spool) {
        match whole {
            // Not the bytes as they were: they go when the layer goes.
            Whole::Disk | Whole::Dmg | Whole::Stray => {
                if let Some(volume) = &mut self.volume {
                    volume.give(spool);
                }
            }
            Whole::Ole2
            | Whole::Pdf
            | Whole::Sis
            | Whole::SevenZip
            | Whole::Cab
            | Whole::Chm
            | Whole::Nsis
            | Whole::Storage
            | Whole::Xar
            | Whole::Packed(_)
            | Whole::Again(_) => self.raw.spool = Some(spool),
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
        if let Some(volume) = &mut self.volume {
            volume.feed(piece);
        }
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

    /// Whether a digest may prove the layer to be trusted.
    pub(super) const fn may_be_trusted(&self) -> bool {
        !self.needs.trust.is_empty()
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

    /// Spools that gave up what they held, where that takes long to free.
    pub(super) fn take_spent(&mut self) -> impl Iterator<Item = Spool> + '_ {
        self.forms().filter_map(|(_, form)| form.spool.as_mut()?.take_spent())
    }

    /// Whether something had to be forgotten.
    pub(super) fn overflowed(&self) -> bool {
        let overflowed = |form: &Form| form.state.overflowed() || form.logical.overflowed();
        overflowed(&self.raw) || self.forms.iter().any(|(_, form)| overflowed(form))
    }
}

impl Form {
    fn new(facts: LayerFacts, logical: Option<&Logical<'_>>) -> Self {
        Self {
            facts,
            state: State::new(),
            logical: logical::State::new(logical),
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
