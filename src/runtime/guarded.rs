//! A scan and what the edge owes it: a panic is caught, the engine's time is counted.
//!
//! Here is the one place where a panic of a scan is caught. It ends the scan, and whoever asked answers as
//! not scanned. Time that is over is told to the scan once; what was found before counts.
//!
//! Absent on purpose: whose turn it is, and what a verdict means.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use super::clock;
use super::side::{SideFault, SideThreads};
use crate::engine::verdict::{Detection, Verdict};
use crate::engine::{Ended, Fed, Remains, Scan};

/// A scan under way; by default one that is over.
#[derive(Default)]
pub(super) struct Guarded {
    /// `None` after a panic, and when it has ended.
    scan: Option<Scan>,
    /// `None`: no limit, or over already.
    time_left: Option<Duration>,
    /// What the scan held when it ended.
    remains: Remains,
}

/// There is no scan any more: it panicked, now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

impl Guarded {
    /// `time` is the engine's, not that of waiting for bytes; `None` for no limit.
    pub(super) fn new(scan: Scan, time: Option<Duration>) -> Self {
        Self { scan: Some(scan), time_left: time, remains: Remains::default() }
    }

    /// Whether there is nothing left to ask.
    pub(super) const fn is_over(&self) -> bool {
        self.scan.is_none()
    }

    /// One call of [`Scan::feed`].
    ///
    /// # Errors
    ///
    /// [`Panicked`]
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Fed, Panicked> {
        let (fed, time) = self.ask(|scan| scan.feed(bytes))?;
        if !fed.decided {
            self.spend(time);
        }
        Ok(fed)
    }

    /// One call of [`Scan::end`].
    ///
    /// # Errors
    ///
    /// [`Panicked`]
    pub(super) fn end(&mut self) -> Result<bool, Panicked> {
        let (is_done, time) = self.ask(Scan::end)?;
        if !is_done {
            self.spend(time);
        }
        Ok(is_done)
    }

    /// Ends the scan: the verdict, and every detection kept.
    ///
    /// # Errors
    ///
    /// [`Panicked`]
    pub(super) fn finish(&mut self) -> Result<(Verdict, Vec<Detection>), Panicked> {
        let scan = self.scan.take().ok_or(Panicked)?;
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| scan.conclude()));
        let Ended { verdict, detections, remains } = ended.map_err(|_panic| Panicked)?;
        self.remains = remains;
        Ok((verdict, detections))
    }

    /// What the scan held when it ended: to be dropped once the answer is out.
    pub(super) fn take_remains(&mut self) -> Remains {
        std::mem::take(&mut self.remains)
    }

    /// Has a side thread do what the scan cannot do in slices.
    pub(super) async fn run_deferred(&mut self, side: &SideThreads) {
        let Some(work) = self.scan.as_mut().and_then(Scan::deferred) else { return };
        let begun = clock::now();
        let done = side.run(move || work.run()).await;
        if let Some(scan) = self.scan.as_mut() {
            match done {
                Ok(done) => scan.resume(done),
                Err(SideFault::Busy | SideFault::Panicked) => scan.lose(),
            }
        }
        self.spend(clock::now().duration_since(begun));
    }

    /// What the scan answers, and how long that took.
    fn ask<R>(&mut self, ask: impl FnOnce(&mut Scan) -> R) -> Result<(R, Duration), Panicked> {
        let scan = self.scan.as_mut().ok_or(Panicked)?;
        let begun = clock::now();
        let Ok(answer) = std::panic::catch_unwind(AssertUnwindSafe(|| ask(scan))) else {
            self.scan = None;
            return Err(Panicked);
        };
        Ok((answer, clock::now().duration_since(begun)))
    }

    /// Whether dropping it takes long.
    pub(super) fn is_large(&self) -> bool {
        self.scan.as_ref().map_or_else(|| self.remains.is_large(), Scan::is_large)
    }

    /// Counts the engine's time; when it is used up the scan is told once.
    fn spend(&mut self, time: Duration) {
        if let Some(left) = self.time_left {
            self.time_left = left.checked_sub(time);
            if self.time_left.is_none()
                && let Some(scan) = self.scan.as_mut()
            {
                scan.expire();
            }
        }
    }
}
