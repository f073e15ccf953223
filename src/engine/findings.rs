//! What a scan has found so far: detections that trust may still drop, and the first reason why
//! something was not looked at.

use super::verdict::{Detection, Limit, Verdict, Why};

/// Which detections are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As few as make a verdict.
    First,
    /// All, each signature once for each place: for people.
    All,
}

/// Detections and a reason.
#[derive(Debug)]
pub(super) struct Findings {
    mode: Mode,
    /// In the order in which they were made.
    found: Vec<Finding>,
    /// Reported where no signature matched.
    alerts: Vec<Finding>,
    reason: Option<Why>,
    /// Of what the scan has looked at since it asked.
    fresh: Option<Why>,
}

/// A detection, and the innermost open layer whose trust would drop it: its own, and when that one
/// has ended without being trusted, the one around it.
#[derive(Debug)]
struct Finding {
    layer: usize,
    detection: Detection,
}

impl Findings {
    pub(super) const fn new(mode: Mode) -> Self {
        Self { mode, found: Vec::new(), alerts: Vec::new(), reason: None, fresh: None }
    }

    /// Adds a detection made in a layer, counted from the outer object.
    pub(super) fn detect(&mut self, layer: usize, detection: impl FnOnce() -> Detection) {
        let is_wanted = match self.mode {
            // Whatever drops a finding further out drops this one, too.
            Mode::First => self.found.iter().all(|known| known.layer > layer),
            Mode::All => self.found.len() < DETECTIONS_MAX,
        };
        if !is_wanted {
            if self.mode == Mode::All {
                // Whoever tolerates those that are kept cannot know this one.
                self.miss(Why::Limit(Limit::MaxScanState));
            }
            return;
        }
        let detection = detection();
        let is_known = self.found.iter().any(|known| {
            known.detection.name == detection.name && known.detection.path == detection.path
        });
        if !is_known {
            self.found.push(Finding { layer, detection });
        }
    }

    /// Adds what is reported for another reason than a signature. The scan goes on: a signature says more.
    pub(super) fn alert(&mut self, layer: usize, detection: Detection) {
        let is_known = self.alerts.iter().any(|known| known.detection == detection);
        if !is_known && self.alerts.len() < ALERTS_MAX {
            self.alerts.push(Finding { layer, detection });
        }
    }

    /// A layer is trusted: what was found in it, and inside it, goes.
    pub(super) fn trust(&mut self, layer: usize) {
        self.found.retain(|known| known.layer < layer);
        self.alerts.retain(|known| known.layer < layer);
    }

    /// A layer has ended: what was found in it now depends on the one around it.
    pub(super) fn end(&mut self, layer: usize) {
        for known in self.found.iter_mut().chain(&mut self.alerts) {
            known.layer = known.layer.min(layer.saturating_sub(1));
        }
    }

    /// Something was not looked at. The first reason stays, unless a later one is of the moment: then another scan may
    /// see more, which nobody must be kept from.
    pub(super) fn miss(&mut self, why: Why) {
        let is_better = |known: Why| why.is_momentary() && !known.is_momentary();
        if self.reason.is_none_or(is_better) {
            self.reason = Some(why);
        }
        self.fresh.get_or_insert(why);
    }

    /// The first reason since the last call.
    pub(super) const fn take_fresh(&mut self) -> Option<Why> {
        self.fresh.take()
    }

    /// Whether there is a detection that was not dropped.
    pub(super) const fn has_some(&self) -> bool {
        !self.found.is_empty() || !self.alerts.is_empty()
    }

    /// The layer of the detection that is the hardest to drop, when one is enough for a verdict.
    pub(super) fn deciding_layer(&self) -> Option<usize> {
        match self.mode {
            Mode::First => self.found.iter().map(|known| known.layer).min(),
            Mode::All => None,
        }
    }

    /// The verdict, every detection kept, and why not all was looked at.
    pub(super) fn conclude(self) -> (Verdict, Vec<Detection>, Option<Why>) {
        let first =
            self.found.iter().min_by_key(|known| known.layer).or_else(|| self.alerts.first());
        let verdict = match (first, self.reason) {
            (Some(first), _) => Verdict::Infected(first.detection.clone()),
            (None, Some(why)) => Verdict::Unscanned(why),
            (None, None) => Verdict::Clean,
        };
        let detections = self.found.into_iter().chain(self.alerts).map(|known| known.detection);
        (verdict, detections.collect(), self.reason)
    }
}

/// More are not told: there is a name for the object by then.
const ALERTS_MAX: usize = 64;
/// A list for people: nobody reads more. At worst this × the longest name and path.
const DETECTIONS_MAX: usize = 4_096;
