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
use crate::engine::verdict::{Detection, Verdict, Why};
use crate::engine::{Done, Ended, Fed, Layers, Remains, Scan};
use crate::observe::Event;

/// A scan under way; by default one that is over.
#[derive(Default)]
pub(super) struct Guarded {
    /// `None` after a panic, and when it has ended.
    scan: Option<Scan>,
    /// `None`: no limit, or over already.
    time_left: Option<Duration>,
    /// The engine's time until now.
    spent: Duration,
    /// What the scan held when it ended.
    remains: Remains,
    /// What the scan met.
    layers: Layers,
    /// Until somebody has told it.
    trouble: Option<Trouble>,
}

/// What went wrong with a scan, through no fault of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It failed, or a part of it did.
    Failed,
    /// The side threads were busy for too long.
    Busy,
}

impl Trouble {
    /// What the log is told.
    pub(super) const fn event(self, url: String) -> Event {
        match self {
            Self::Failed => Event::ScanFailed { url },
            Self::Busy => Event::ScanBusy { url },
        }
    }
}

/// There is no scan any more: it panicked, now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panicked;

impl Guarded {
    /// `time` is the engine's, not that of waiting for bytes; `None` for no limit.
    pub(super) fn new(scan: Scan, time: Option<Duration>) -> Self {
        Self { scan: Some(scan), time_left: time, ..Self::default() }
    }

    /// [`Scan::may_be_cut`].
    pub(super) fn may_be_cut(&self) -> bool {
        self.scan.as_ref().is_some_and(Scan::may_be_cut)
    }

    /// The engine's time until now.
    pub(super) const fn spent(&self) -> Duration {
        self.spent
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
        if fed.decided {
            self.spent = self.spent.saturating_add(time);
        } else {
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

    /// Nothing more is looked at; what was found counts.
    pub(super) fn expire(&mut self) {
        if let Some(scan) = self.scan.as_mut() {
            scan.expire();
        }
    }

    /// Ends the scan: the verdict, every detection kept, and why not all was looked at.
    ///
    /// # Errors
    ///
    /// [`Panicked`]
    pub(super) fn finish(&mut self) -> Result<(Verdict, Vec<Detection>, Option<Why>), Panicked> {
        let scan = self.scan.take().ok_or(Panicked)?;
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| scan.conclude()));
        let Ok(Ended { verdict, detections, missed, layers, remains }) = ended else {
            self.trouble = Some(Trouble::Failed);
            return Err(Panicked);
        };
        self.remains = remains;
        self.layers = layers;
        if verdict == Verdict::Unscanned(Why::Failed) {
            self.trouble.get_or_insert(Trouble::Failed);
        }
        Ok((verdict, detections, missed))
    }

    /// What the scan met, when it has ended.
    pub(super) const fn layers(&self) -> &Layers {
        &self.layers
    }

    /// What the scan held when it ended: to be dropped once the answer is out.
    pub(super) fn take_remains(&mut self) -> Remains {
        std::mem::take(&mut self.remains)
    }

    /// Has a side thread do what the scan cannot do in slices: free a lot, look at a whole layer.
    pub(super) async fn run_deferred(&mut self, side: &SideThreads) {
        if let Some(remains) = self.scan.as_mut().and_then(Scan::take_remains) {
            side.discard(remains);
        }
        let Some(work) = self.scan.as_mut().and_then(Scan::deferred) else { return };
        let begun = clock::now();
        let done = side.run(move || work.run()).await;
        self.resume(done);
        self.spend(clock::now().duration_since(begun));
    }

    /// What went wrong, told once.
    pub(super) const fn take_trouble(&mut self) -> Option<Trouble> {
        self.trouble.take()
    }

    fn resume(&mut self, done: Result<Done, SideFault>) {
        let Some(scan) = self.scan.as_mut() else { return };
        let (trouble, why) = match done {
            Ok(done) => return scan.resume(done),
            Err(SideFault::Busy) => (Trouble::Busy, Why::Busy),
            Err(SideFault::Panicked) => (Trouble::Failed, Why::Failed),
        };
        scan.lose(why);
        self.trouble.get_or_insert(trouble);
    }

    /// What the scan answers, and how long that took.
    fn ask<R>(&mut self, ask: impl FnOnce(&mut Scan) -> R) -> Result<(R, Duration), Panicked> {
        let scan = self.scan.as_mut().ok_or(Panicked)?;
        let begun = clock::now();
        let Ok(answer) = std::panic::catch_unwind(AssertUnwindSafe(|| ask(scan))) else {
            self.scan = None;
            self.trouble = Some(Trouble::Failed);
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
        self.spent = self.spent.saturating_add(time);
        if let Some(left) = self.time_left {
            self.time_left = left.checked_sub(time);
            if self.time_left.is_none() {
                self.expire();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_lite::future::block_on;

    use super::*;
    use crate::engine::database::{BuildOptions, Image, Sources, build};
    use crate::engine::limits::Limits;
    use crate::engine::{Engine, Object};
    use crate::runtime::database::compile_matcher;

    const RULE: &[u8] = b"rule r { strings: $a = \"planted string\" condition: #a > 1 }";

    /// A scan at its end, which wants a side thread for what is left.
    fn scan() -> Guarded {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file("t.yar", RULE);
        let built = build(sources, &compile_matcher, &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
        let mut guarded = Guarded::new(engine.start(Object::default()), None);
        let bytes = [&b"planted string "[..], &vec![b'.'; 20_000]].concat();
        let fed = guarded.feed(&bytes).expect("it does not panic");
        assert_eq!(fed.consumed, bytes.len());
        assert_eq!(guarded.end(), Ok(false), "a rule has to be run");
        guarded
    }

    /// The verdict, and what is told: twice asked.
    fn ended(mut guarded: Guarded) -> (Result<Verdict, Panicked>, [Option<Trouble>; 2]) {
        let verdict = guarded.finish().map(|(verdict, ..)| verdict);
        (verdict, [guarded.take_trouble(), guarded.take_trouble()])
    }

    #[test]
    fn what_is_in_the_way_is_told_apart_and_once() {
        let mut fine = scan();
        let side = SideThreads::start(1).expect("a thread");
        block_on(fine.run_deferred(&side));
        assert_eq!(ended(fine), (Ok(Verdict::Clean), [None, None]));
        let mut busy = scan();
        // Without a thread nobody takes a job.
        let nobody = SideThreads::start(0).expect("nothing to start");
        block_on(busy.run_deferred(&nobody));
        let told = [Some(Trouble::Busy), None];
        assert_eq!(ended(busy), (Ok(Verdict::Unscanned(Why::Busy)), told));
        let mut failed = scan();
        drop(failed.scan.as_mut().and_then(Scan::deferred));
        failed.resume(Err(SideFault::Panicked));
        let told = [Some(Trouble::Failed), None];
        assert_eq!(ended(failed), (Ok(Verdict::Unscanned(Why::Failed)), told));
    }

    #[test]
    fn a_panic_ends_the_scan_and_is_told_once() {
        let mut guarded = scan();
        let asked = guarded.ask(|_scan| -> () { panic!("as planned") });
        assert_eq!(asked.err(), Some(Panicked));
        assert!(guarded.is_over());
        assert_eq!(guarded.feed(b"more"), Err(Panicked));
        assert_eq!(ended(guarded), (Err(Panicked), [Some(Trouble::Failed), None]));
    }
}
