//! The scan of one object: a stack of layers, worked in slices.
//!
//! ```text
//!   feed ─▶ deepest layer that is ready ─▶ step ─┬─▶ head: type, body, unpacker (`coding`)
//!             ▲          until 64 KiB of work    ├─▶ piece: unpacker ─▶ window of the layer inside
//!             │                                  │          └─▶ body: digests, matcher, forms
//!             └──────────────────────────────────┴─▶ settle, close ─▶ findings, budgets, deferred work
//! ```
//!
//! The outer object is layer 0. While an unpacker takes bytes out of a layer, what it gives out is the
//! next layer; of a container the members are, one after another ([`inside`]). The deepest layer with
//! something to do is worked first, so a window is empty before its unpacker is asked for more, and
//! memory does not depend on what is inside.
//!
//! Whatever could depend on how the caller cut the object is done at *settling*: a layer is settled at
//! each multiple of 16 KiB and at its end, after everything inside it has caught up. There its hits
//! become findings and its bytes are charged to the budgets, in an order that the object alone
//! decides. Limits are therefore exact to 16 KiB for each layer.

#![forbid(unsafe_code)]

mod chart;
mod coding;
mod engine;
mod inside;
mod remains;
mod settle;
mod step;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chart::{Chart, Facts};

pub(super) use chart::Row;
pub use chart::{LayerReport, Layers};
pub use engine::Engine;
pub use remains::Remains;

use super::deferred::{Deferred, Done};
use super::file_type::{FileType, HEAD_BYTES};
use super::findings::{Findings, Mode};
use super::harvest::join;
use super::layer::{End, Layer, Window, path};
use super::object::{Fed, Object};
use super::unpack::Label;
use super::verdict::{Detection, Verdict, Why};
use crate::engine::passwords::Passwords;

/// The scan of one object. Feed it, then finish it.
pub struct Scan {
    engine: Arc<Engine>,
    /// Those of the engine, and what trying them may still cost.
    passwords: Passwords,
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
    /// Of those that count less, the ones that were not counted there yet.
    inline_begun: u32,
    /// Settled bytes of all layers.
    scanned: u64,
    /// Settled bytes of all layers but the outer object.
    decoded: u64,
    /// Work that has to be done before anything else.
    pending: Pending,
    /// The room of a layer that is over.
    spare: Option<Window>,
    /// What layers that ended behind the last byte held.
    remains: Remains,
    /// What it met.
    chart: Chart,
}

/// How a scan ended.
#[derive(Debug)]
pub struct Ended {
    /// What came of it.
    pub verdict: Verdict,
    /// Every detection kept. Of a scan begun with [`Engine::start_all`] these are all there are, each
    /// signature once for each place.
    pub detections: Vec<Detection>,
    /// Why not all of it was looked at, also when something was found: for whoever tolerates that.
    pub missed: Option<Why>,
    /// The layers: every one when [`Scan::report_layers`] was called, or else the ways to what was found
    /// and not seen.
    pub layers: Layers,
    /// To be dropped when the answer is out.
    pub remains: Remains,
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
        let mut outer = Layer::new(Label::default(), Window::new(HEAD_BYTES), object.codings);
        outer.said = object.media.said();
        Self {
            passwords: engine.passwords.for_object(),
            engine,
            layers: vec![outer],
            findings,
            object,
            announced: None,
            ahead: 0,
            given: 0,
            layers_begun: 1,
            inline_begun: 0,
            scanned: 0,
            decoded: 0,
            pending: Pending::Nothing,
            spare: None,
            remains: Remains::default(),
            chart: Chart::default(),
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

    /// Keeps every layer for [`Ended::layers`], with its SHA-256, which costs as much as scanning. To be
    /// called before the first byte.
    pub fn report_layers(&mut self) {
        self.chart.keep_all();
        let digest = self.chart.digest();
        if let Some(outer) = self.layers.first_mut() {
            outer.digest = digest;
        }
    }

    /// Says what time it is, counted from the beginning of the scan: for the report, which is as fine as
    /// the calls are frequent.
    pub const fn tell_time(&mut self, now: Duration) {
        self.chart.tell_time(now);
    }

    /// Looks at the next bytes of the object: at most about 64 KiB of work over all layers, so a call
    /// is short whatever is inside. The caller gives the same bytes again from `consumed` on, until
    /// all of them are taken.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        if !self.is_ending() {
            self.remains.clear();
        }
        let mut taken = self.ahead.min(bytes.len());
        self.ahead -= taken;
        if taken < bytes.len() && self.object.size == Some(self.given) {
            self.findings.miss(WRONG_SIZE);
        }
        let mut work = self.run_pending();
        while work < WORK_UNITS_PER_CALL && !self.is_decided() && !self.is_held_up() {
            let rest = &bytes[taken..];
            if let Some(index) = self.ready_layer(!rest.is_empty()) {
                let moved = self.step_noted(index, rest);
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
        let row = self.layers.last().and_then(|layer| layer.row);
        self.stop(Why::Time);
        self.note(row);
    }

    /// Whether the object is text, or nothing is known of it yet: one that may be cut anywhere without losing what
    /// only a whole file shows.
    #[must_use]
    pub fn may_be_cut(&self) -> bool {
        let body = self.layers.first().map(|layer| layer.body.as_ref());
        body.is_some_and(|body| body.is_none_or(|body| matches!(body.file_type, FileType::Text(_))))
    }

    /// The object is complete: does about 64 KiB of the work that is left, and says whether all of it
    /// is done. Of an object whose size was not known the last kilobyte may still unpack to a lot;
    /// who must not stay away long calls this until it is true, and then [`Scan::finish`].
    pub fn end(&mut self) -> bool {
        self.close_outer();
        let mut work = self.run_pending();
        while work < WORK_UNITS_PER_CALL && !self.is_held_up() {
            match self.ready_layer(false) {
                Some(index) if !self.is_decided() => work += self.step_noted(index, &[]).work,
                Some(_) | None => return true,
            }
        }
        false
    }

    /// The object is complete: the verdict alone, when all memory is free again.
    #[must_use]
    pub fn finish(self) -> Verdict {
        self.conclude().verdict
    }

    /// As [`Scan::finish`], with every detection kept.
    #[must_use]
    pub fn finish_all(self) -> (Verdict, Vec<Detection>) {
        let Ended { verdict, detections, .. } = self.conclude();
        (verdict, detections)
    }

    /// The object is complete. Frees nothing large: who answers somebody drops what remains afterwards.
    #[must_use]
    pub fn conclude(mut self) -> Ended {
        if matches!(self.pending, Pending::Away) {
            self.lose(Why::Failed);
        }
        while !self.end() {}
        self.note(Some(0));
        self.leave_layers();
        let Self { findings, remains, chart, .. } = self;
        let (verdict, detections, missed) = findings.conclude();
        let layers = chart.conclude(&verdict);
        Ended { verdict, detections, missed, layers, remains }
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

    /// Memory of no use any more that takes long to free: to be dropped elsewhere. It is asked for as
    /// [`Scan::deferred`] is; what is not taken is freed in the next call of [`Scan::feed`].
    pub fn take_remains(&mut self) -> Option<Remains> {
        let is_due = !self.is_ending() && self.remains.is_large();
        is_due.then(|| std::mem::take(&mut self.remains))
    }

    /// Takes back what came of the work.
    pub fn resume(&mut self, done: Done) {
        self.pending = Pending::Nothing;
        let Done { layer, found, why, spools } = done;
        self.remains.keep_spools(spools);
        for detection in found {
            // The layer has ended: its findings depend on the one around it.
            self.findings.detect(layer.saturating_sub(1), || detection);
        }
        if let Some(why) = why {
            self.findings.miss(why);
        }
    }

    /// The work that was taken does not come back: [`Why::Failed`], or whatever else was in the way.
    pub fn lose(&mut self, why: Why) {
        self.pending = Pending::Nothing;
        self.findings.miss(why);
    }

    /// One step; what it did not look at is noted with its layer.
    fn step_noted(&mut self, index: usize, outer: &[u8]) -> Moved {
        let row = self.layers[index].row;
        let moved = self.step(index, outer);
        self.note(row);
        moved
    }

    /// Notes what was not looked at since the last time, of a layer or of what it holds.
    fn note(&mut self, row: Row) {
        if let Some(why) = self.findings.take_fresh() {
            self.chart.miss(row, why);
            let index = self.layers.iter().rposition(|layer| layer.row == row);
            self.alert(index.unwrap_or(0), None, why);
        }
    }

    /// Reports what was not looked at in a layer, or in a member of it, where that is asked for.
    fn alert(&mut self, index: usize, member: Option<&Label>, why: Why) {
        let body = self.layers.get(index).and_then(|layer| layer.body.as_ref());
        let layer_type = body.map_or("", |body| body.file_type.clam_name());
        if let Some(name) = self.engine.alerts.name(why, layer_type) {
            self.report(index, member, name.into());
        }
    }

    /// Raises an alert about a layer, or about a member of it.
    fn report(&mut self, index: usize, member: Option<&Label>, name: Box<str>) {
        let way = path(self.layers.get(..=index).unwrap_or_default());
        let path = join(&way, member.map(Label::to_string).as_deref()).into();
        self.findings.alert(index, Detection { name, path, offset: 0 });
    }

    /// Writes down a layer that is over, whole or not.
    fn chart_end(&mut self, index: usize, is_whole: bool) {
        let layer = &mut self.layers[index];
        let facts = Facts {
            file_type: layer.body.as_ref().map(|body| body.file_type.clam_name()),
            bytes: layer.position,
            is_whole,
            digest: layer.digest.take(),
        };
        self.chart.end(layer.row, facts, self.findings.has_some());
    }

    /// Looks no further at the layers that are left.
    fn leave_layers(&mut self) {
        for index in (0..self.layers.len()).rev() {
            self.chart_end(index, false);
        }
        self.remains.keep_layers(&mut self.layers);
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

    /// Whether dropping it takes longer than handing it to somebody who has the time.
    #[must_use]
    pub fn is_large(&self) -> bool {
        remains::are_large(&self.layers) || self.remains.is_large()
    }

    /// Whether all bytes were seen, so that the verdict is due.
    fn is_ending(&self) -> bool {
        self.layers.first().is_none_or(|outer| outer.end != End::Open)
    }

    const fn is_held_up(&self) -> bool {
        !matches!(self.pending, Pending::Nothing)
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
