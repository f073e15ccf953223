//! The layers inside a layer: what its unpacker says begins, ends, or cannot be seen.

use super::Scan;
use crate::engine::harvest::join;
use crate::engine::layer::{End, Layer, Window, path};
use crate::engine::logical::LayerType;
use crate::engine::members::{Match, MemberFacts};
use crate::engine::spool::{Spool, SpoolFull};
use crate::engine::unpack::{
    Coding, Container, ContentCodings, Decoder, Label, Member, Progress, Unpacker, Whole,
};
use crate::engine::verdict::{Detection, Limit, Why};
use crate::engine::volume::Image;

impl Scan {
    /// Begins the one layer inside a coded layer, which is the last.
    pub(super) fn undo(&mut self, index: usize, coding: Coding, state_bytes: u64) {
        let member = Member { label: Label::of(coding.name()), state_bytes, ..Member::default() };
        let codings = self.layers[index].codings;
        let refused = self.refusal(member.state_bytes).map(Why::Limit);
        let decoder = refused.map_or_else(|| Decoder::of(coding, state_bytes), Err);
        match decoder {
            Err(why) => {
                self.miss_member(index, &member.label, why);
            }
            Ok(decoder) => {
                self.layers[index].unpacker = Some(Unpacker::Coding(decoder));
                self.enter(member, codings);
            }
        }
    }

    /// Begins to walk the container that the last layer is.
    pub(super) fn walk(&mut self, index: usize, container: Container) {
        self.layers[index].unpacker = Some(Unpacker::of(container, &self.passwords));
    }

    /// Opens the container that a layer is at its end, and keeps its bytes until then.
    pub(super) fn keep(&mut self, index: usize, whole: Whole, size: Option<u64>) {
        let layer = &mut self.layers[index];
        layer.unpacker = Some(Unpacker::waiting(whole, &self.passwords));
        if let Some(body) = &mut layer.body {
            body.keep_whole(&self.engine.spools, size);
        }
    }

    /// The input of a layer has ended: whether there is still something inside of it to be looked at.
    pub(super) fn ends_inside(&mut self, index: usize) -> bool {
        let layer = &mut self.layers[index];
        let end = layer.end;
        match layer.unpacker.take() {
            None => self.open_volume(index),
            Some(Unpacker::Waiting(whole, None)) => {
                (end == End::Whole && self.open(index, whole)) || self.open_volume(index)
            }
            Some(Unpacker::Whole(opened)) => {
                layer.take_back(*opened);
                self.open_volume(index)
            }
            Some(mut unpacker) => {
                if end == End::Whole && unpacker.end() {
                    layer.unpacker = Some(unpacker);
                    layer.is_unpacking = true;
                    return true;
                }
                let fate = unpacker.finish();
                if let Unpacker::Waiting(whole, Some(_)) = unpacker {
                    layer.unpacker = Some(Unpacker::Waiting(whole, None));
                }
                self.end_inside(index, fate);
                if let Some(child) = self.layers.get_mut(index + 1) {
                    child.end = end;
                }
                true
            }
        }
    }

    /// Opens a container all of whose bytes are there. False when they are not.
    fn open(&mut self, index: usize, whole: Whole) -> bool {
        let layer = &mut self.layers[index];
        let Some(spool) = layer.body.as_mut().and_then(|body| body.take_whole()) else {
            return false;
        };
        self.open_kept(index, whole, spool)
    }

    /// Opens the image of a disc that an ended layer is, besides what it is by its head. False when it is none.
    fn open_volume(&mut self, index: usize) -> bool {
        loop {
            let layer = &mut self.layers[index];
            let is_whole = layer.end == End::Whole;
            let image =
                layer.body.as_mut().filter(|_| is_whole).and_then(|body| body.take_volume());
            match image {
                None => return false,
                Some(Image::Closed(why)) => self.findings.miss(why),
                Some(Image::Open(whole, spool)) => {
                    if self.open_kept(index, whole, spool) {
                        return true;
                    }
                }
            }
        }
    }

    /// Looks at an ended layer again as another kind, where a signature asked for that. False when there is nothing
    /// to be looked at.
    pub(super) fn scan_again(&mut self, index: usize) -> bool {
        loop {
            let layer = &mut self.layers[index];
            let Some(body) = &mut layer.body else { return false };
            let Some((kind, is_reported)) = body.take_asked() else { return false };
            let whole = Whole::Again(kind);
            let why = match body.take_whole().map(|spool| (spool.bytes().map(|_| ()), spool)) {
                Some((Ok(()), spool)) => {
                    layer.unpacker = Some(Unpacker::open(whole, spool, &self.passwords));
                    layer.is_unpacking = true;
                    return true;
                }
                Some((Err(full), spool)) => {
                    body.give_whole(whole, spool);
                    full.limit()
                }
                None => Limit::MaxDeferredSize,
            };
            if !is_reported {
                self.findings.miss(Why::Limit(why));
            }
        }
    }

    fn open_kept(&mut self, index: usize, whole: Whole, spool: Spool) -> bool {
        let layer = &mut self.layers[index];
        match spool.bytes() {
            Ok(_) => {
                layer.unpacker = Some(Unpacker::open(whole, spool, &self.passwords));
                layer.is_unpacking = true;
                true
            }
            // What only may have something in it was looked at as everything else.
            Err(SpoolFull::Layer) if !whole.is_certain() => false,
            Err(full) => {
                self.findings.miss(Why::Limit(match full {
                    SpoolFull::Layer => Limit::MaxWholeSize,
                    SpoolFull::Memory => Limit::DeferredMemory,
                }));
                false
            }
        }
    }

    /// Does what the unpacker of a layer has said. Says how many units of work that was.
    pub(super) fn obey(&mut self, index: usize, said: Progress) -> u64 {
        match said {
            Progress::Hungry | Progress::Full => return 0,
            Progress::Missed(why) => self.findings.miss(why),
            Progress::Listed => {
                let member = self.layers[index].unpacker.as_mut().map(Unpacker::member);
                self.layers[index].members_listed += 1;
                let place = self.layers[index].members_listed;
                self.judge(index, &member.unwrap_or_default(), place);
                return LISTED_UNITS;
            }
            Progress::Stopped(why) => {
                self.layers[index].drop_unpacker();
                self.end_inside(index, Err(why));
            }
            Progress::End(fate) => self.end_inside(index, fate),
            Progress::Begin => {
                let member = self.layers[index].unpacker.as_mut().map(Unpacker::member);
                self.admit(index, member.unwrap_or_default());
            }
        }
        EVENT_UNITS
    }

    /// Begins the layer of a member, when there is room for it.
    fn admit(&mut self, index: usize, member: Member) {
        if let (Some(name), Some(body)) = (member.around, &mut self.layers[index].body) {
            body.layer_type = LayerType::of_name(name.as_bytes());
        }
        self.layers[index].members += 1;
        let place = self.layers[index].members;
        if member.again.is_none() {
            self.judge(index, &member, place);
        }
        if let Some(name) = self.engine.alerts.of_member(member.label.what()) {
            self.report(index, Some(&member.label), name.into());
        }
        if let Some(why) = member.closed {
            self.miss_member(index, &member.label, why);
        } else if let Some(limit) = self.refusal(member.state_bytes) {
            self.miss_member(index, &member.label, Why::Limit(limit));
            let layer = &mut self.layers[index];
            // A member that needs less memory may follow; no other limit has room for another one.
            let goes_on = limit == Limit::MaxScanState
                && layer.unpacker.as_mut().is_some_and(Unpacker::pass_over);
            if !goes_on {
                layer.drop_unpacker();
            }
        } else {
            self.enter(member, ContentCodings::NONE);
        }
    }

    /// Asks the signatures about members of containers.
    fn judge(&mut self, index: usize, member: &Member, place: u64) {
        let Self { engine, layers, findings, object, .. } = self;
        let rules = engine.image.members();
        let (Some(layer), false) = (layers.get(index), rules.is_empty()) else { return };
        let known = if index == 0 { object.size } else { None };
        let facts = MemberFacts {
            container: layer.body.as_ref().map_or("", |body| body.file_type.clam_name()),
            container_size: known.or_else(|| (layer.end == End::Whole).then_some(layer.position)),
            name: member.label.name(),
            packed: member.packed,
            size: member.size,
            is_encrypted: member.is_encrypted || member.closed == Some(Why::Encrypted),
            place,
            sum: member.sum,
        };
        let mut waiting = Vec::new();
        for found in rules.find(&facts) {
            let way = || {
                join(
                    &path(layers.get(..=index).unwrap_or_default()),
                    Some(&member.label.to_string()),
                )
            };
            let detection = |name| Detection {
                name: engine.image.name(name).into(),
                path: way().into(),
                offset: 0,
            };
            match found {
                Match::Found(name) => findings.detect(index, || detection(name)),
                Match::Waits(name, range) => waiting.push((name, range, detection(name))),
            }
        }
        for (name, range, detection) in waiting {
            layers[index].wait_for_size(name, range, detection);
        }
    }

    /// The size of a container is known: what waited for it is found, or is not.
    pub(super) fn judge_size(&mut self, index: usize) {
        let layer = &mut self.layers[index];
        let size = layer.position;
        for (_, (from, to), detection) in std::mem::take(&mut layer.waiting) {
            if (from..=to).contains(&size) {
                self.findings.detect(index, || detection);
            }
        }
    }

    /// A member is not read.
    fn miss_member(&mut self, index: usize, label: &Label, why: Why) {
        let around = self.layers[index].row;
        self.note(around);
        self.findings.miss(why);
        self.findings.take_fresh();
        self.chart.refuse(around, label, why);
        self.alert(index, Some(label), why);
    }

    /// Why no layer may begin inside the last one.
    fn refusal(&self, state_bytes: u64) -> Option<Limit> {
        let limits = &self.engine.limits;
        let depth = u32::try_from(self.layers.len()).unwrap_or(u32::MAX);
        let held: u64 = self.layers.iter().map(|layer| layer.state_bytes).sum();
        match () {
            () if depth >= limits.layers_max => Some(Limit::MaxRecursion),
            () if self.layers_begun >= limits.objects_max => Some(Limit::MaxFiles),
            () if held.saturating_add(state_bytes) > limits.state_bytes_max => {
                Some(Limit::MaxScanState)
            }
            () => None,
        }
    }

    fn enter(&mut self, member: Member, codings: ContentCodings) {
        let window = self.spare.take().unwrap_or_else(|| Window::new(WINDOW_BYTES));
        let mut child = Layer::new(member.label, window, codings);
        child.state_bytes = member.state_bytes;
        child.announced = member.size;
        child.part_of = member.part_of;
        child.again = member.again;
        let around = self.layers.last().and_then(|layer| layer.row);
        child.row = self.chart.begin(around, &child.label);
        child.digest = self.chart.digest();
        self.remains.clear();
        child.said = member.said;
        self.layers.push(child);
        if member.is_inline && self.inline_begun < INLINE_PER_FILE {
            self.inline_begun += 1;
        } else {
            self.inline_begun = if member.is_inline { 1 } else { self.inline_begun };
            self.layers_begun += 1;
        }
    }

    /// What comes out of a layer ends. With a layer there, that one has still to be looked at.
    pub(super) fn end_inside(&mut self, index: usize, fate: Result<(), Why>) {
        self.layers[index].is_dropping = false;
        match self.layers.get_mut(index + 1) {
            Some(child) => {
                child.fault = fate.err();
                child.end = End::Whole;
            }
            None => {
                if let Err(why) = fate {
                    self.findings.miss(why);
                }
            }
        }
    }

    /// Charges what a container that is all there gave out to be dropped: it is at no multiple of bytes
    /// where it would be settled.
    pub(super) fn charge_dropped(&mut self, index: usize) {
        let layer = &mut self.layers[index];
        let is_whole = matches!(layer.unpacker, Some(Unpacker::Whole(_)));
        if is_whole && layer.dropped >= DROPPED_BYTES {
            self.decoded = self.decoded.saturating_add(std::mem::take(&mut layer.dropped));
            if self.is_over_ratio() {
                self.cut(index + 1, Why::Limit(Limit::MaxCompressionRatio));
            }
        }
    }

    /// Looks no further into a layer that is longer than one may be. Of a container, the members that
    /// follow are looked at.
    pub(super) fn cut_short(&mut self, index: usize) {
        let why = Why::Limit(Limit::MaxFileSize);
        let parent = index.checked_sub(1).map(|parent| &mut self.layers[parent]);
        let kept = parent.and_then(|parent| match parent.unpacker {
            Some(Unpacker::Container(_) | Unpacker::Waiting(..) | Unpacker::Whole(_)) => {
                parent.unpacker.take()
            }
            Some(Unpacker::Coding(_)) | None => None,
        });
        self.cut(index, why);
        if let (Some(parent), Some(unpacker)) = (index.checked_sub(1), kept) {
            let parent = &mut self.layers[parent];
            parent.unpacker = Some(unpacker);
            parent.is_unpacking = true;
            parent.is_dropping = true;
        }
    }
}

/// Room for what an unpacker gives out: the largest unit that one of ours makes at a time.
const WINDOW_BYTES: usize = 32 << 10;
/// Dropped bytes are charged when they are so many.
const DROPPED_BYTES: u64 = 1 << 20;
/// What a line of a directory counts for.
const LISTED_UNITS: u64 = 64;
/// So many layers that were written in texts count as one for `MaxFiles`: a page has thousands of images
/// of a kilobyte. Each is at least 16 bytes long, and costs as much as 8 KiB of text.
const INLINE_PER_FILE: u32 = 16;
/// What a beginning or an end counts for: setting up a layer takes some microseconds.
const EVENT_UNITS: u64 = 4 << 10;
