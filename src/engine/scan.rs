//! The scan of one object: a stack of layers, worked in slices.
//!
//! The outer object is layer 0. While a decoder takes bytes out of a layer, what it gives out is the
//! next layer. The deepest layer with something to do is worked first, so a window is empty before
//! its decoder is asked for more, and memory does not depend on what is inside.
//!
//! Whatever could depend on how the caller cut the object is done at *settling*: a layer is settled at
//! each multiple of 16 KiB and at its end, after everything inside it has caught up. There its hits
//! become findings and its bytes are charged to the budgets, in an order that the object alone
//! decides. Limits are therefore exact to 16 KiB for each layer.

use std::fmt;
use std::sync::Arc;

use super::database::signature::Purpose;
use super::database::{DatabaseFacts, Image};
use super::deferred::{Deferred, Done, INLINE_BYTES_MAX};
use super::digest::{Computed, Entry};
use super::embedded::{Embedded, Room};
use super::file_type::{FileType, HEAD_BYTES};
use super::findings::{Findings, Mode};
use super::harvest::{Spot, join};
use super::layer::{Body, End, Layer, SETTLE_BYTES, Spools, Window};
use super::limits::{Limits, RATIO_FREE_BYTES};
use super::links::Watch;
use super::logical::LayerType;
use super::object::{Fed, Object};
use super::spool::SpoolBudget;
use super::unpack::{Coding, ContentCodings, Decoder, Progress};
use super::verdict::{Detection, Limit, Verdict, Why};

/// A database and the limits, ready to scan. Immutable: shards share it.
#[derive(Debug)]
pub struct Engine {
    image: Arc<Image>,
    limits: Limits,
    /// Memory for what cannot be looked at before a layer's end, shared by all scans.
    budget: Arc<SpoolBudget>,
}

impl Engine {
    /// An engine over a checked image.
    #[must_use]
    pub fn new(image: Arc<Image>, limits: Limits) -> Self {
        Self { image, limits, budget: SpoolBudget::new(limits.deferred_memory_max) }
    }

    /// Starts to scan an object.
    #[must_use]
    pub fn start(self: &Arc<Self>, object: Object) -> Scan {
        Scan::new(Arc::clone(self), object, Mode::First)
    }

    /// Starts a scan that goes on after a detection and keeps all of them ([`Scan::finish_all`]).
    #[must_use]
    pub fn start_all(self: &Arc<Self>, object: Object) -> Scan {
        Scan::new(Arc::clone(self), object, Mode::All)
    }

    /// Where the spools of layers come from, when something in the database needs them.
    fn spools(&self) -> Option<Spools<'_>> {
        let targets = self.image.deferred_targets()?;
        let limit_bytes = self.limits.deferred_bytes_max;
        Some(Spools { limit_bytes, targets, budget: &self.budget })
    }

    /// What the database says about itself.
    #[must_use]
    pub fn database(&self) -> &DatabaseFacts {
        self.image.facts()
    }

    /// The image, for tests that look at what was compiled.
    #[cfg(test)]
    pub(super) fn image_of_tests(&self) -> &Image {
        &self.image
    }

    /// The budgets of each scan.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// The scan of one object. Feed it, then finish it; dropping it costs nothing.
pub struct Scan {
    engine: Arc<Engine>,
    /// From the outer object inwards; empty when there is nothing more to look at.
    layers: Vec<Layer>,
    findings: Findings,
    /// What the caller said of it.
    object: Object,
    /// The size that somebody else said it will have.
    announced: Option<u64>,
    /// Bytes at the front of the next call that were already looked at in the last one.
    ahead: usize,
    /// Bytes of the outer object that were taken.
    given: u64,
    /// Layers begun, the outer object included.
    layers_begun: u32,
    /// Settled bytes of all layers.
    scanned: u64,
    /// Settled bytes of all layers but the outer object.
    decoded: u64,
    /// Work that has to be done before anything else.
    pending: Pending,
}

/// Work of a layer that has ended.
#[derive(Debug)]
enum Pending {
    Nothing,
    /// To be run by the caller, or else in the next call.
    Ready(Deferred),
    /// The caller has it.
    Away,
}

/// What one step did.
struct Moved {
    /// Bytes of the caller that were taken.
    taken: usize,
    /// Units of work: a byte looked at, or a candidate of a matcher.
    work: u64,
}

impl Scan {
    fn new(engine: Arc<Engine>, object: Object, mode: Mode) -> Self {
        let mut findings = Findings::new(mode);
        if object.codings.is_unreadable() {
            findings.miss(Why::Unsupported("content coding"));
        }
        Self {
            engine,
            layers: vec![Layer::new("", Window::new(HEAD_BYTES), object.codings)],
            findings,
            object,
            announced: None,
            ahead: 0,
            given: 0,
            layers_begun: 1,
            scanned: 0,
            decoded: 0,
            pending: Pending::Nothing,
        }
    }

    /// Says how many bytes will probably come, before the first of them: what a `Content-Length` says.
    ///
    /// It saves digests that no object of that size can have, and decides nothing else. When another
    /// number of bytes comes, and a digest that was saved might have found something, the object is
    /// `Unscanned(Broken)`.
    pub const fn announce(&mut self, size: u64) {
        self.announced = Some(size);
    }

    /// Looks at the next bytes of the object: at most about 64 KiB of work over all layers, so a call
    /// is short whatever is inside. The caller gives the same bytes again from `consumed` on, until
    /// all of them are taken.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        let mut taken = self.ahead.min(bytes.len());
        self.ahead -= taken;
        if taken < bytes.len() && self.object.size == Some(self.given) {
            self.findings.miss(WRONG_SIZE);
        }
        let mut work = self.run_pending();
        while work < WORK_UNITS_PER_CALL && !self.is_decided() && !self.is_held_up() {
            let rest = &bytes[taken..];
            if let Some(index) = self.ready_layer(!rest.is_empty()) {
                let moved = self.step(index, rest);
                taken += moved.taken;
                self.given += u64::try_from(moved.taken).unwrap_or(u64::MAX);
                work += moved.work;
            } else if self.object.size == Some(self.given) {
                self.close_outer();
            } else {
                break;
            }
        }
        if self.is_decided() {
            return Fed { consumed: bytes.len(), decided: true };
        }
        // Every byte is taken, but what they unpack to is not looked at: the last one is asked for
        // again, so that the caller comes back before it ends the object.
        let is_more = self.is_held_up() || self.ready_layer(false).is_some();
        if taken == bytes.len() && taken > 0 && is_more {
            self.ahead = 1;
            taken -= 1;
        }
        Fed { consumed: taken, decided: false }
    }

    /// The caller's clock says that the time allowed is over. What was not looked at stays so.
    pub fn expire(&mut self) {
        if let Pending::Ready(_) = self.pending {
            self.pending = Pending::Nothing;
        }
        self.stop(Why::Time);
    }

    /// The object is complete: does about 64 KiB of the work that is left, and says whether all of it
    /// is done. Of an object whose size was not known the last kilobyte may still unpack to a lot;
    /// who must not stay away long calls this until it is true, and then [`Scan::finish`].
    pub fn end(&mut self) -> bool {
        self.close_outer();
        let mut work = self.run_pending();
        while work < WORK_UNITS_PER_CALL && !self.is_held_up() {
            match self.ready_layer(false) {
                Some(index) if !self.is_decided() => work += self.step(index, &[]).work,
                Some(_) | None => return true,
            }
        }
        false
    }

    /// The object is complete.
    #[must_use]
    pub fn finish(self) -> Verdict {
        self.finish_all().0
    }

    /// The object is complete: the verdict, and every detection kept. Of a scan begun with
    /// [`Engine::start_all`] these are all there are, each signature once for each place.
    #[must_use]
    pub fn finish_all(mut self) -> (Verdict, Vec<Detection>) {
        if matches!(self.pending, Pending::Away) {
            self.lose();
        }
        while !self.end() {}
        self.findings.conclude()
    }

    /// Work that takes longer than a call may: to be run elsewhere and given back with
    /// [`Scan::resume`] before the next call. It is asked for after every call of [`Scan::feed`] and
    /// [`Scan::end`]; what is not taken runs inside the next of them.
    pub fn deferred(&mut self) -> Option<Deferred> {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Ready(work) => {
                self.pending = Pending::Away;
                Some(work)
            }
            other => {
                self.pending = other;
                None
            }
        }
    }

    /// Takes back what came of the work.
    pub fn resume(&mut self, done: Done) {
        self.pending = Pending::Nothing;
        let Done { layer, found, why } = done;
        for detection in found {
            // The layer has ended: its findings depend on the one around it.
            self.findings.detect(layer.saturating_sub(1), || detection);
        }
        if let Some(why) = why {
            self.findings.miss(why);
        }
    }

    /// The work that was taken did not come back.
    pub fn lose(&mut self) {
        self.pending = Pending::Nothing;
        self.findings.miss(Why::Failed);
    }

    /// Runs the work that nobody took, and says how many units that was.
    fn run_pending(&mut self) -> u64 {
        let Pending::Ready(work) = std::mem::replace(&mut self.pending, Pending::Nothing) else {
            return 0;
        };
        let units = work.bytes();
        self.resume(work.run());
        units
    }

    const fn is_held_up(&self) -> bool {
        !matches!(self.pending, Pending::Nothing)
    }

    /// Puts aside what has to look at the whole of a layer that has ended.
    fn defer(&mut self, index: usize) {
        if self.engine.image.deferred_targets().is_none() {
            return;
        }
        let mut tasks = Vec::new();
        self.each_body(index, |spot, body, findings| {
            spot.defer(body, findings, &mut tasks);
            0
        });
        if tasks.is_empty() {
            return;
        }
        let work = Deferred::new(Arc::clone(&self.engine.image), index, tasks);
        if work.bytes() <= INLINE_BYTES_MAX {
            self.resume(work.run());
        } else {
            self.pending = Pending::Ready(work);
        }
    }

    /// Calls `look` with the body of a layer, and with those of the objects in the middle of it. Adds up
    /// what it gives.
    fn each_body(
        &mut self,
        index: usize,
        mut look: impl FnMut(&Spot<'_>, &mut Body, &mut Findings) -> u64,
    ) -> u64 {
        let Self { engine, layers, findings, .. } = self;
        let layer = &mut layers[index];
        let (mut body, mut embedded) = (layer.body.take(), layer.embedded.take());
        let around = types(&layers[..index]);
        let mut work = 0;
        if let Some(body) = &mut body {
            let way = || path(&layers[..=index]);
            let spot = Spot { image: &engine.image, layer: index, way: &way, around: &around };
            work += look(&spot, body, findings);
        }
        if let (Some(embedded), Some(body)) = (&mut embedded, &body) {
            let mut around = around;
            around.extend(body.layer_type);
            for (label, body) in embedded.bodies() {
                let way = || join(&path(&layers[..=index]), Some(&label()));
                let spot = Spot { image: &engine.image, layer: index, way: &way, around: &around };
                work += look(&spot, body, findings);
            }
        }
        layers[index].body = body;
        layers[index].embedded = embedded;
        work
    }

    /// No more bytes will come.
    fn close_outer(&mut self) {
        if let Some(outer) = self.layers.first_mut()
            && outer.end == End::Open
        {
            outer.end = End::Whole;
        }
    }

    /// Whether nothing that follows can change the verdict.
    fn is_decided(&self) -> bool {
        (self.layers.is_empty() && !self.is_held_up())
            || self.findings.deciding_layer().is_some_and(|layer| {
                let around = self.layers.iter().take(layer.saturating_add(1));
                !around.into_iter().any(Layer::may_be_trusted)
            })
    }

    fn ready_layer(&self, has_outer: bool) -> Option<usize> {
        let layers = self.layers.iter().enumerate().rev();
        layers
            .filter(|(index, layer)| layer.is_ready(HEAD_BYTES, has_outer && *index == 0))
            .map(|(index, _)| index)
            .next()
    }

    /// The next thing to do in a layer that is ready.
    fn step(&mut self, index: usize, outer: &[u8]) -> Moved {
        let layer = &self.layers[index];
        let outer = if index == 0 { outer } else { &[] };
        let has_input = !layer.window.is_empty() || !outer.is_empty();
        if layer.body.is_none() {
            return self.identify(index, outer);
        }
        if layer.is_decoder_full {
            return self.advance(index, outer);
        }
        if layer.is_settling() {
            return Moved { taken: 0, work: self.settle(index) };
        }
        if !has_input || layer.end == End::Cut {
            self.close(index);
            return MOVED_NOTHING;
        }
        if layer.position >= self.engine.limits.object_bytes_max {
            self.cut(index, Why::Limit(Limit::MaxFileSize));
            return MOVED_NOTHING;
        }
        self.advance(index, outer)
    }

    /// Collects the head of a layer, and decides from it what the layer is.
    fn identify(&mut self, index: usize, outer: &[u8]) -> Moved {
        let layer = &mut self.layers[index];
        let wanted = HEAD_BYTES.saturating_sub(layer.window.len());
        let is_direct = layer.window.is_empty() && outer.len() >= HEAD_BYTES;
        if layer.end == End::Open && wanted > 0 && !is_direct {
            let taken = wanted.min(outer.len());
            layer.window.room()[..taken].copy_from_slice(&outer[..taken]);
            layer.window.add(taken);
            return Moved { taken, work: u64::try_from(taken).unwrap_or(u64::MAX) };
        }
        // A few coded bytes may be many when they are decoded.
        let is_tiny = layer.window.len() <= IGNORED_BYTES_MAX && layer.codings.is_empty();
        if layer.end != End::Open && (is_tiny || layer.window.is_empty()) {
            self.ignore(index);
            return MOVED_NOTHING;
        }
        let head = if is_direct {
            &outer[..HEAD_BYTES]
        } else {
            let filled = layer.window.filled();
            &filled[..filled.len().min(HEAD_BYTES)]
        };
        let file_type = FileType::of(head, self.engine.image.types());
        let size = match layer.end {
            End::Whole => u64::try_from(layer.window.len()).ok(),
            End::Open | End::Cut if index == 0 => self.object.size,
            End::Open | End::Cut => None,
        };
        let unopened = file_type.unopened(head);
        let was_announced = !layer.codings.is_empty();
        let (coding, fault) = coding_of(&mut layer.codings, file_type, head);
        let announced = if index == 0 { self.announced } else { None };
        let needs = self.engine.image.digests().needs(size.or(announced));
        let engine = &self.engine;
        let spools = engine.spools();
        let mut body = Box::new(Body::new(file_type, needs, size, &engine.image, spools.as_ref()));
        if was_announced && coding.is_some() {
            // A way to send the object, not a container around it.
            body.layer_type = None;
        }
        if let Some(logical) = self.engine.image.logical() {
            body.expect(&logical);
        }
        layer.body = Some(body);
        layer.watch = Watch::of(file_type, self.engine.image.links());
        self.layers[index].embedded = Some(Embedded::new(self.room(index)));
        if let Some(why) = fault {
            self.findings.miss(Why::Broken(why));
        }
        match (coding, unopened) {
            (Some(coding), _) => self.unpack(index, coding),
            (None, Some(what)) => self.findings.miss(Why::Unsupported(what)),
            (None, None) => {}
        }
        MOVED_NOTHING
    }

    /// A layer of a few bytes: clean by rule (`clamav.md` A2.2).
    fn ignore(&mut self, index: usize) {
        let layer = &mut self.layers[index];
        layer.position = u64::try_from(layer.window.len()).unwrap_or(u64::MAX);
        layer.window.clear();
        self.has_right_size(index);
        self.pop(index);
    }

    /// Begins the layer inside a layer.
    fn unpack(&mut self, index: usize, coding: Coding) {
        let limits = &self.engine.limits;
        let depth = u32::try_from(self.layers.len()).unwrap_or(u32::MAX);
        let state_bytes: u64 = self.layers.iter().map(|layer| layer.state_bytes).sum();
        let state_bytes_max = coding.state_bytes_max();
        let limit = match () {
            () if depth >= limits.layers_max => Some(Limit::MaxRecursion),
            () if self.layers_begun >= limits.objects_max => Some(Limit::MaxFiles),
            () if state_bytes.saturating_add(state_bytes_max) > limits.state_bytes_max => {
                Some(Limit::MaxScanState)
            }
            () => None,
        };
        let decoder = match limit {
            Some(limit) => Err(Why::Limit(limit)),
            None => Decoder::of(coding),
        };
        match decoder {
            Err(why) => self.findings.miss(why),
            Ok(decoder) => {
                let layer = &mut self.layers[index];
                layer.decoder = Some(decoder);
                let codings = layer.codings;
                let mut child = Layer::new(coding.name(), Window::new(WINDOW_BYTES), codings);
                child.state_bytes = state_bytes_max;
                self.layers.push(child);
                self.layers_begun += 1;
            }
        }
    }

    /// Moves the next piece of a layer through its decoder and everything that looks at it.
    fn advance(&mut self, index: usize, outer: &[u8]) -> Moved {
        let engine = Arc::clone(&self.engine);
        let (open, inner) = self.layers.split_at_mut(index + 1);
        let layer = &mut open[index];
        let has_window = !layer.window.is_empty();
        let input = if has_window { layer.window.filled() } else { outer };
        let until_limit = engine.limits.object_bytes_max.saturating_sub(layer.position);
        let until_settling = if layer.is_settling() { 0 } else { layer.until_settling() };
        let length_max = until_settling.min(until_limit);
        let length = usize::try_from(length_max).map_or(input.len(), |max| input.len().min(max));
        let mut piece = &input[..length];
        let mut work = 0;
        // The decoder goes first: what it does not take yet is not looked at yet either, so a layer
        // and its child never drift apart.
        if let (Some(decoder), Some(child)) = (&mut layer.decoder, inner.first_mut()) {
            let step = decoder.step(piece, child.window.room());
            child.window.add(step.made);
            piece = &piece[..step.used];
            layer.is_decoder_full = step.progress == Progress::Full;
            if let Progress::Stopped(why) = step.progress {
                child.fault = Some(why);
                child.end = End::Whole;
                layer.decoder = None;
            }
            work += u64::try_from(step.made).unwrap_or(u64::MAX);
        }
        if let (Some(body), Some(embedded)) = (&mut layer.body, &mut layer.embedded) {
            let known = body.raw_hits().len();
            work += body.scan(piece, engine.image.matcher());
            let (place, hits) = ((layer.position, piece), &body.raw_hits()[known..]);
            work += embedded.feed(
                (&engine.image, engine.spools().as_ref()),
                body.file_type,
                place,
                hits,
            );
            if let (Some(watch), Some(lists)) = (&mut layer.watch, engine.image.links()) {
                watch.feed(piece, body.links(), lists);
            }
        }
        let used = piece.len();
        layer.position += u64::try_from(used).unwrap_or(u64::MAX);
        if has_window {
            layer.window.take(used);
        }
        Moved { taken: if has_window { 0 } else { used }, work }
    }

    /// The objects that a layer may begin to look at inside of it.
    fn room(&self, index: usize) -> Room {
        let limits = &self.engine.limits;
        let depth = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(2);
        match depth > limits.layers_max {
            true => Room { children: 0, limit: Limit::MaxRecursion },
            false => {
                let children = limits.objects_max.saturating_sub(self.layers_begun);
                Room { children, limit: Limit::MaxFiles }
            }
        }
    }

    /// Takes over how many objects began inside a layer, and says how many there are.
    fn count_embedded(&mut self, index: usize) -> u64 {
        let room = self.room(index);
        let Some(embedded) = &mut self.layers[index].embedded else { return 0 };
        let (begun, missed) = embedded.settle(room);
        let count = embedded.count();
        self.layers_begun = self.layers_begun.saturating_add(begun);
        if let Some(limit) = missed {
            self.findings.miss(Why::Limit(limit));
        }
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Takes over what is wrong with the links of a layer.
    fn settle_links(&mut self, index: usize) {
        let found = self.layers[index].watch.as_mut().and_then(Watch::take);
        if let Some(found) = found {
            self.findings.detect(index, || Detection {
                name: found.name().into(),
                path: path(&self.layers[..=index]).into(),
                offset: 0,
            });
        }
    }

    /// Takes over what was found in a layer since the last time, and charges its bytes. Says how many
    /// units of work that was.
    fn settle(&mut self, index: usize) -> u64 {
        let work = self.each_body(index, |spot, body, findings| spot.settle(body, findings));
        let copies = self.count_embedded(index).saturating_add(1);
        self.settle_links(index);
        let layer = &mut self.layers[index];
        let bytes = layer.position - layer.settled;
        layer.settled = layer.position;
        if let Some(body) = &mut layer.body {
            body.narrow(layer.position, &self.engine.image.digests());
        }
        self.scanned = self.scanned.saturating_add(bytes.saturating_mul(copies));
        if index > 0 {
            self.decoded = self.decoded.saturating_add(bytes);
            // What the outer object settled is behind what it gave out by less than one block.
            let outer = self.layers[0].settled.saturating_add(SETTLE_BYTES);
            let allowed = outer.saturating_mul(u64::from(self.engine.limits.ratio_max));
            if self.decoded > RATIO_FREE_BYTES.max(allowed) {
                self.cut(index, Why::Limit(Limit::MaxCompressionRatio));
            }
        }
        if self.scanned > self.engine.limits.scan_bytes_max {
            self.stop(Why::Limit(Limit::MaxScanSize));
        }
        work
    }

    /// Logical signatures that only the end of a layer decides.
    fn conclude(&mut self, index: usize) {
        self.each_body(index, |spot, body, findings| {
            spot.conclude(body, findings);
            0
        });
    }

    /// Looks no further into a layer: what came out of it so far was looked at, the rest is not.
    fn cut(&mut self, index: usize, why: Why) {
        self.findings.miss(why);
        for layer in &mut self.layers[index..] {
            layer.window.clear();
            layer.end = End::Cut;
            layer.decoder = None;
            layer.is_decoder_full = false;
        }
        if let Some(parent) = index.checked_sub(1) {
            self.layers[parent].decoder = None;
            self.layers[parent].is_decoder_full = false;
        }
    }

    /// Looks no further at all.
    fn stop(&mut self, why: Why) {
        self.findings.miss(why);
        self.layers.clear();
    }

    /// The end of a layer. With a layer still inside, that one ends first.
    fn close(&mut self, index: usize) {
        if let Some(decoder) = self.layers[index].decoder.take() {
            let end = self.layers[index].end;
            if let Some(child) = self.layers.get_mut(index + 1) {
                child.end = end;
                child.fault = decoder.finish().err();
            }
            return;
        }
        let is_whole = self.layers[index].end == End::Whole && self.has_right_size(index);
        let engine = Arc::clone(&self.engine);
        let layer = &mut self.layers[index];
        let size = layer.position;
        let mut trusted = false;
        if let (true, Some(body)) = (is_whole, &mut layer.body) {
            body.finish(size, engine.image.matcher());
            if let Some(embedded) = &mut layer.embedded {
                embedded.finish(size, &engine.image);
            }
            if let (Some(watch), Some(lists)) = (&mut layer.watch, engine.image.links()) {
                watch.finish(body.links(), lists);
            }
            if body.lacks(engine.image.digests().needs(Some(size)).detect) {
                self.findings.miss(WRONG_SIZE);
            }
            let digests = body.take_digests();
            trusted = self.look_up(index, &digests, size);
        }
        self.settle(index);
        if self.layers.is_empty() {
            return;
        }
        if is_whole {
            self.conclude(index);
        }
        let layer = &self.layers[index];
        if layer.body.as_ref().is_some_and(|body| body.overflowed())
            || layer.embedded.as_ref().is_some_and(Embedded::overflowed)
        {
            self.findings.miss(Why::Limit(Limit::MaxScanState));
        }
        if trusted {
            self.findings.trust(index);
        } else if is_whole && !self.is_decided() {
            self.defer(index);
        }
        self.pop(index);
    }

    /// Whether the outer object has the size that was said to be certain.
    fn has_right_size(&mut self, index: usize) -> bool {
        let is_right =
            index > 0 || self.object.size.is_none_or(|size| size == self.layers[0].position);
        if !is_right {
            self.findings.miss(Why::Broken("object: not of the size that was announced"));
        }
        is_right
    }

    /// Looks the digests of a layer up; says whether one of them is trusted.
    fn look_up(&mut self, index: usize, digests: &Computed, size: u64) -> bool {
        let image = &self.engine.image;
        let tables = image.digests();
        let mut trusted = false;
        for digest in digests.iter() {
            if let Some(entry) = tables.lookup(Purpose::Detect, digest, size) {
                let layers = &self.layers[..=index];
                self.findings.detect(index, || digest_detection(image, layers, entry));
            }
            trusted |= tables.lookup(Purpose::Trust, digest, size).is_some();
        }
        trusted
    }

    /// Removes a layer that is over.
    fn pop(&mut self, index: usize) {
        debug_assert_eq!(index + 1, self.layers.len(), "the deepest layer ends first");
        self.findings.end(index);
        if let Some(why) = self.layers.pop().and_then(|layer| layer.fault) {
            self.findings.miss(why);
        }
    }
}

/// The coding to undo for the layer below, and what is wrong with the announced one. The codings
/// that are left are those still to be undone further below.
fn coding_of(
    codings: &mut ContentCodings,
    file_type: FileType,
    head: &[u8],
) -> (Option<Coding>, Option<&'static str>) {
    // Whatever table tells types: a gzip file is opened.
    let is_gzip = file_type == FileType::Gzip || head.starts_with(b"\x1f\x8b\x08");
    let natural = is_gzip.then_some(Coding::Gzip);
    let fault = match (codings.take_outermost(), natural) {
        (None, _) => return (natural, None),
        (Some(Coding::Gzip), Some(_)) => return (natural, None),
        (Some(Coding::Gzip), None) => "gzip: not a gzip stream",
        (Some(_), Some(_)) => "content coding: gzip, and another was announced",
        (Some(Coding::Zstd), None) if !is_zstd(head) => "zstd: not a zstd stream",
        (Some(coding), None) => return (Some(coding), None),
    };
    *codings = ContentCodings::NONE;
    (natural, Some(fault))
}

/// A frame, or one of the sixteen frames that a reader skips.
fn is_zstd(head: &[u8]) -> bool {
    matches!(head, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The types of layers, from the outer object inwards.
fn types(layers: &[Layer]) -> Vec<LayerType> {
    let types = layers.iter().filter_map(|layer| layer.body.as_ref()?.layer_type);
    types.collect()
}

fn digest_detection(image: &Image, layers: &[Layer], entry: Entry) -> Detection {
    Detection {
        name: image.name(entry.name).into_owned().into(),
        path: path(layers).into(),
        offset: 0,
    }
}

/// The way from the outer object to the last of these layers.
fn path(layers: &[Layer]) -> String {
    let labels: Vec<&str> = layers.iter().skip(1).map(|layer| layer.label).collect();
    labels.join(">")
}

impl fmt::Debug for Scan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Scan")
            .field("object", &self.object)
            .field("layers", &self.layers.len())
            .field("scanned", &self.scanned)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

const WRONG_SIZE: Why = Why::Broken("object: not of the size that was announced");
const MOVED_NOTHING: Moved = Moved { taken: 0, work: 0 };
/// What one call does before others have their turn: about 50 µs.
const WORK_UNITS_PER_CALL: u64 = 64 << 10;
/// Room for what a decoder gives out: the largest unit that a decoder of ours makes at a time.
const WINDOW_BYTES: usize = 32 << 10;
/// Layers of so many bytes or fewer are clean by rule.
const IGNORED_BYTES_MAX: usize = 5;
