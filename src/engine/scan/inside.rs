//! The layers inside a layer: what its unpacker says begins, ends, or cannot be seen.

use super::Scan;
use crate::engine::layer::{End, Layer, Window};
use crate::engine::logical::LayerType;
use crate::engine::spool::SpoolFull;
use crate::engine::unpack::{
    Coding, Container, ContentCodings, Decoder, Label, Member, Progress, Unpacker, Whole,
};
use crate::engine::verdict::{Limit, Why};

impl Scan {
    /// Begins the one layer inside a coded layer, which is the last.
    pub(super) fn undo(&mut self, index: usize, coding: Coding, state_bytes: u64) {
        let member = Member { label: Label::of(coding.name()), state_bytes, ..Member::default() };
        let codings = self.layers[index].codings;
        let refused = self.refusal(member.state_bytes).map(Why::Limit);
        let decoder = refused.map_or_else(|| Decoder::of(coding, state_bytes), Err);
        match decoder {
            Err(why) => self.findings.miss(why),
            Ok(decoder) => {
                self.layers[index].unpacker = Some(Unpacker::Coding(decoder));
                self.enter(member, codings);
            }
        }
    }

    /// Begins to walk the container that the last layer is.
    pub(super) fn walk(&mut self, index: usize, container: Container) {
        self.layers[index].unpacker = Some(Unpacker::of(container));
    }

    /// Opens the container that a layer is at its end, and keeps its bytes until then.
    pub(super) fn keep(&mut self, index: usize, whole: Whole, size: Option<u64>) {
        let layer = &mut self.layers[index];
        layer.unpacker = Some(Unpacker::Waiting(whole));
        if let Some(body) = &mut layer.body {
            body.keep_whole(&self.engine.spools, size);
        }
    }

    /// The input of a layer has ended: whether there is still something inside of it to be looked at.
    pub(super) fn ends_inside(&mut self, index: usize) -> bool {
        let layer = &mut self.layers[index];
        let end = layer.end;
        match layer.unpacker.take() {
            None => false,
            Some(Unpacker::Waiting(whole)) => end == End::Whole && self.open(index, whole),
            Some(Unpacker::Whole(opened)) => {
                layer.take_back(*opened);
                false
            }
            Some(unpacker) => {
                self.end_inside(index, unpacker.finish());
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
        match spool.bytes() {
            Ok(_) => {
                layer.unpacker = Some(Unpacker::open(whole, spool));
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
        if let Some(why) = member.closed {
            self.findings.miss(why);
        } else if let Some(limit) = self.refusal(member.state_bytes) {
            self.findings.miss(Why::Limit(limit));
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
        self.remains.clear();
        self.layers.push(child);
        self.layers_begun += 1;
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

    /// Looks no further into a layer that is longer than one may be. Of a container, the members that
    /// follow are looked at.
    pub(super) fn cut_short(&mut self, index: usize) {
        let why = Why::Limit(Limit::MaxFileSize);
        let parent = index.checked_sub(1).map(|parent| &mut self.layers[parent]);
        let kept = parent.and_then(|parent| match parent.unpacker {
            Some(Unpacker::Container(_) | Unpacker::Whole(_)) => parent.unpacker.take(),
            Some(Unpacker::Coding(_) | Unpacker::Waiting(_)) | None => None,
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
/// What a beginning or an end counts for: setting up a layer takes some microseconds.
const EVENT_UNITS: u64 = 4 << 10;
