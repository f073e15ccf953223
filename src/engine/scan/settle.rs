//! Settling: what was found in a layer becomes findings, and its bytes are charged; and its end.
//!
//! A layer is settled at each multiple of 16 KiB and at its end, after everything inside it has caught up,
//! so the order of findings and the place where a limit is met depend on the object alone.

use std::sync::Arc;

use super::{Pending, Scan, WRONG_SIZE};
use crate::engine::body::Body;
use crate::engine::deferred::{Deferred, INLINE_BYTES_MAX};
use crate::engine::embedded::{Embedded, Room};
use crate::engine::findings::Findings;
use crate::engine::harvest::{Spot, join};
use crate::engine::layer::{End, Ended, SETTLE_BYTES, Window, path, types};
use crate::engine::limits::RATIO_FREE_BYTES;
use crate::engine::links::Watch;
use crate::engine::verdict::{Limit, Why};

impl Scan {
    /// Takes over what was found in a layer since the last time, and charges its bytes. Says how many
    /// units of work that was.
    pub(super) fn settle(&mut self, index: usize) -> u64 {
        let mut spent = Vec::new();
        let work = self.each_body(index, |spot, body, findings| {
            spent.extend(body.take_spent());
            spot.settle(body, findings)
        });
        self.remains.keep_spools(spent);
        let copies = self.count_embedded(index).saturating_add(1);
        self.settle_links(index);
        let layer = &mut self.layers[index];
        let bytes = layer.position - layer.settled;
        layer.settled = layer.position;
        self.decoded = self.decoded.saturating_add(std::mem::take(&mut layer.dropped));
        if let Some(body) = &mut layer.body {
            body.narrow(layer.position, &self.engine.image.digests());
        }
        self.charge(index, bytes, copies);
        work
    }

    /// Charges the settled bytes of a layer, which were looked at `copies` times, to the budgets.
    fn charge(&mut self, index: usize, bytes: u64, copies: u64) {
        self.scanned = self.scanned.saturating_add(bytes.saturating_mul(copies));
        if index > 0 {
            self.decoded = self.decoded.saturating_add(bytes);
        }
        if self.is_over_ratio() {
            self.cut(index.max(1), Why::Limit(Limit::MaxCompressionRatio));
        }
        if self.scanned > self.engine.limits.scan_bytes_max {
            self.stop(Why::Limit(Limit::MaxScanSize));
        }
    }

    /// Whether all decoders gave out more than the outer object may become.
    pub(super) fn is_over_ratio(&self) -> bool {
        // What the outer object settled is behind what it gave out by less than one block.
        let outer = self.layers[0].settled.saturating_add(SETTLE_BYTES);
        let allowed = outer.saturating_mul(u64::from(self.engine.limits.ratio_max));
        self.decoded > RATIO_FREE_BYTES.max(allowed)
    }

    /// The objects that a layer may begin to look at inside of it.
    pub(super) fn room(&self, index: usize) -> Room {
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
            self.at(index, |spot, findings| spot.link(found, findings));
        }
    }

    /// Looks no further into a layer: what came out of it so far was looked at, the rest is not.
    pub(super) fn cut(&mut self, index: usize, why: Why) {
        self.findings.miss(why);
        for (at, layer) in self.layers.iter_mut().enumerate().skip(index.saturating_sub(1)) {
            layer.drop_unpacker();
            if at >= index {
                layer.window.clear();
                layer.end = End::Cut;
            }
        }
    }

    /// Looks no further at all.
    pub(super) fn stop(&mut self, why: Why) {
        self.findings.miss(why);
        let row = self.layers.last().and_then(|layer| layer.row);
        self.note(row);
        self.leave_layers();
    }

    /// The end of a layer. With a layer still inside, that one ends first.
    pub(super) fn close(&mut self, index: usize) {
        if self.ends_inside(index) {
            return;
        }
        let ended = match self.layers[index].ended {
            Some(ended) => ended,
            None => match self.conclude_layer(index) {
                Some(ended) => ended,
                None => return,
            },
        };
        if ended.is_trusted {
            self.findings.trust(index);
        } else if ended.is_whole && !self.is_decided() {
            if self.scan_again(index) {
                return;
            }
            self.defer(index);
        }
        self.pop(index);
    }

    /// Everything that looks at a layer ends. `None` when nothing more is looked at.
    fn conclude_layer(&mut self, index: usize) -> Option<Ended> {
        let is_whole = self.layers[index].end == End::Whole && self.has_right_size(index);
        let is_trusted = is_whole && self.complete(index);
        self.settle(index);
        if self.layers.is_empty() {
            return None;
        }
        if is_whole {
            self.judge_size(index);
            self.each_body(index, |spot, body, findings| {
                spot.conclude(body, findings);
                0
            });
        }
        let layer = &self.layers[index];
        if layer.body.as_ref().is_some_and(|body| body.overflowed())
            || layer.embedded.as_ref().is_some_and(Embedded::overflowed)
        {
            self.findings.miss(Why::Limit(Limit::MaxScanState));
        }
        let ended = Ended { is_whole, is_trusted };
        self.layers[index].ended = Some(ended);
        Some(ended)
    }

    /// All bytes of a layer were looked at: ends everything that looks at them, and says whether one of
    /// its digests is trusted.
    fn complete(&mut self, index: usize) -> bool {
        let Self { engine, layers, findings, .. } = self;
        let layer = &mut layers[index];
        let size = layer.position;
        let Some(body) = &mut layer.body else { return false };
        body.finish(size, engine.image.matcher());
        if let Some(embedded) = &mut layer.embedded {
            embedded.finish(size, &engine.image);
        }
        if let (Some(watch), Some(lists)) = (&mut layer.watch, engine.image.links()) {
            watch.finish(body.links(), lists);
        }
        if body.lacks(engine.image.digests().needs(Some(size)).detect) {
            findings.miss(WRONG_SIZE);
        }
        let digests = body.take_digests();
        self.at(index, |spot, findings| spot.look_up(&digests, size, findings))
    }

    /// Whether the outer object has the size that was said to be certain.
    pub(super) fn has_right_size(&mut self, index: usize) -> bool {
        let is_right =
            index > 0 || self.object.size.is_none_or(|size| size == self.layers[0].position);
        if !is_right {
            self.findings.miss(WRONG_SIZE);
        }
        is_right
    }

    /// Puts aside what has to look at the whole of a layer that has ended.
    fn defer(&mut self, index: usize) {
        if self.engine.spools.targets.is_none() {
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
        let work = Deferred::new(Arc::clone(&self.engine.image), index, tasks, self.is_ending());
        if work.bytes() <= INLINE_BYTES_MAX {
            self.resume(work.run());
        } else {
            self.pending = Pending::Ready(work);
        }
    }

    /// Removes a layer that is over.
    pub(super) fn pop(&mut self, index: usize) {
        debug_assert_eq!(index + 1, self.layers.len(), "the deepest layer ends first");
        let layer = &mut self.layers[index];
        let (row, is_whole) = (layer.row, layer.end == End::Whole && layer.fault.is_none());
        if let Some(why) = layer.fault.take() {
            self.findings.miss(why);
        }
        self.note(row);
        self.chart_end(index, is_whole);
        self.findings.end(index);
        let Some(mut layer) = self.layers.pop() else { return };
        // Members come in thousands: the next one gets the room of this one.
        if index > 0 {
            self.spare = Some(std::mem::replace(&mut layer.window, Window::new(0)));
        }
        if self.is_ending() {
            self.remains.keep_layer(layer);
        }
    }

    /// Calls `look` with the place of a layer.
    fn at<R>(&mut self, index: usize, look: impl FnOnce(&Spot<'_>, &mut Findings) -> R) -> R {
        let Self { engine, layers, findings, .. } = self;
        let (way, around) = (|| path(&layers[..=index]), types(&layers[..index]));
        let spot = Spot { image: &engine.image, layer: index, way: &way, around: &around };
        look(&spot, findings)
    }

    /// Calls `look` with the body of a layer, and with those of the objects in the middle of it. Adds up
    /// what it gives.
    fn each_body(
        &mut self,
        index: usize,
        mut look: impl FnMut(&Spot<'_>, &mut Body, &mut Findings) -> u64,
    ) -> u64 {
        let layer = &mut self.layers[index];
        let (mut body, mut embedded) = (layer.body.take(), layer.embedded.take());
        let work = self.at(index, |spot, findings| {
            let Some(body) = &mut body else { return 0 };
            let mut work = look(spot, body, findings);
            let Some(embedded) = embedded.as_mut().filter(|embedded| embedded.count() > 0) else {
                return work;
            };
            let around: Vec<_> = spot.around.iter().copied().chain(body.layer_type).collect();
            for (label, inside) in embedded.bodies() {
                let way = || join(&(spot.way)(), Some(&label()));
                work += look(&Spot { way: &way, around: &around, ..*spot }, inside, findings);
            }
            work
        });
        let layer = &mut self.layers[index];
        layer.body = body;
        layer.embedded = embedded;
        work
    }
}
