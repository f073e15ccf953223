//! The body of one message through the engine: in slices, between which other connections have their turn.

use std::time::Duration;

use super::executor::{Weight, give_way};
use super::guarded::{Guarded, Panicked, Trouble};
use super::shard::Live;
use super::side::SideThreads;
use crate::adaptation::release::{Rolling, Windows};
use crate::adaptation::{self, Fragment, ScanPlan, ThreatKind, ThreatKinds, Unchecked};
use crate::engine::verdict::{Detection, Limit, Verdict, Why};
use crate::engine::{ContentCodings, MediaType, Object, Scan};
use crate::policy::State;

/// A scan under way.
pub(super) struct Scanning {
    /// The kinds of threat that are blocked; with fewer than all the scan goes on after a detection.
    blocked: ThreatKinds,
    scan: Guarded,
    fragment: Option<Fragment>,
    /// What the rules found out before the scan, for those about threats.
    pub(super) state: State,
    /// Everything that was found, where rules judge threats one by one.
    found: Vec<Detection>,
    by_rules: bool,
    /// Of a body without an end: where one scan follows another.
    windows: Option<Windows>,
    /// Whether what has come of such a body can be judged at any place: it has no content coding.
    cuts: Cuts,
    /// The engine's time for the windows before this one.
    spent_before: Duration,
    /// A scan ends, and the body goes on: what it tolerates is not the end of it.
    goes_on: bool,
    /// Why not all was looked at: a threat that is tolerated does not make up for it.
    missed: Option<Why>,
    /// Once there is one, the scan is over.
    pub(super) verdict: Option<Verdict>,
    /// The way to what made it, for the log.
    pub(super) story: String,
}

/// Where the scan of a body without an end may be ended, and another one begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cuts {
    Anywhere,
    AtWindows,
}

impl Scanning {
    /// Begins one.
    pub(super) fn start(plan: &ScanPlan<'_>, live: &Live) -> Self {
        let codings = plan.content_encoding.as_deref().map_or(ContentCodings::NONE, |value| {
            ContentCodings::parse(value).unwrap_or(ContentCodings::UNREADABLE)
        });
        let media = plan.content_type.map(MediaType::parse).unwrap_or_default();
        let object = Object { size: None, codings, media, name: None };
        let blocked = live.adaptation.blocked_threats;
        let by_rules = live.policy.judges_threats();
        let mut scan = begin(live, object);
        if let Some(size) = plan.content_length {
            scan.announce(size);
        }
        let limits = live.engine.limits();
        let windows = plan
            .release
            .is_endless
            .then(|| Windows::new(Rolling::within(limits.scan_bytes_max, limits.object_bytes_max)));
        Self {
            blocked,
            scan: Guarded::new(scan, live.server.scan_time),
            fragment: plan.fragment,
            state: plan.state,
            found: Vec::new(),
            by_rules,
            windows,
            cuts: if plan.content_encoding.is_none() { Cuts::Anywhere } else { Cuts::AtWindows },
            spent_before: Duration::ZERO,
            goes_on: false,
            missed: None,
            verdict: None,
            story: String::new(),
        }
    }

    /// Scans the next bytes.
    pub(super) async fn feed(&mut self, bytes: &[u8], live: &Live, side: &SideThreads) {
        if self.windows.is_none() {
            return self.feed_scan(bytes, side).await;
        }
        let mut rest = bytes;
        while !rest.is_empty() && self.verdict.is_none() {
            let Some(windows) = &mut self.windows else { return };
            if windows.is_full() {
                self.begin_window(live, side).await;
                continue;
            }
            let (now, later) = rest.split_at(windows.take(rest));
            self.feed_scan(now, side).await;
            rest = later;
        }
    }

    /// The body pauses, and all of it is to leave: of text without an end what has come is judged first. A body that is
    /// coded would end within a block, and of a file the rest would not be seen as one.
    pub(super) async fn pause(&mut self, live: &Live, side: &SideThreads) {
        let may_cut = self.cuts == Cuts::Anywhere && self.scan.may_be_cut();
        if self.windows.is_some() && may_cut && self.verdict.is_none() {
            self.begin_window(live, side).await;
        }
    }

    /// Ends the scan as if the body had ended, and begins another one, which sees the last bytes again. What did not end
    /// clean is the verdict of the body.
    async fn begin_window(&mut self, live: &Live, side: &SideThreads) {
        self.end(side).await;
        self.goes_on = true;
        let verdict = self.finish();
        self.goes_on = false;
        // A part of an object is never clean, and all of it is looked at.
        if !matches!(verdict, Verdict::Clean | Verdict::Unscanned(Why::Fragment)) {
            self.verdict = Some(verdict);
            return;
        }
        self.spent_before += self.scan.spent();
        side.discard(self.scan.take_remains());
        self.scan = Guarded::new(begin(live, Object::default()), live.server.scan_time);
        let Some(mut windows) = self.windows.take() else { return };
        for again in windows.begin_anew() {
            self.feed_scan(again, side).await;
        }
        self.windows = Some(windows);
    }

    async fn feed_scan(&mut self, bytes: &[u8], side: &SideThreads) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.scan.is_over() {
            let Ok(fed) = self.scan.feed(rest) else {
                self.verdict = FAILED;
                return;
            };
            rest = rest.get(fed.consumed..).unwrap_or_default();
            if fed.decided {
                self.verdict = Some(self.finish());
                return;
            }
            self.scan.run_deferred(side).await;
            if !rest.is_empty() {
                give_way(self.weight()).await;
            }
        }
    }

    /// Unpacks what a few coded bytes may still hold, in slices like the rest.
    pub(super) async fn end(&mut self, side: &SideThreads) {
        while let Ok(false) = self.scan.end() {
            self.scan.run_deferred(side).await;
            give_way(self.weight()).await;
        }
    }

    fn weight(&self) -> Weight {
        Weight::of_time(self.spent())
    }

    /// The scan is given up for this reason, which a detection beats.
    pub(super) fn give_up(&mut self, why: Why) {
        if self.verdict.is_some() {
            return;
        }
        self.scan.expire();
        let verdict = match self.finish() {
            Verdict::Infected(found) => Verdict::Infected(found),
            Verdict::Clean | Verdict::Unscanned(_) => Verdict::Unscanned(why),
        };
        self.verdict = Some(verdict);
    }

    /// The verdict; after a panic that it failed.
    pub(super) fn finish(&mut self) -> Verdict {
        if let Some(verdict) = self.verdict.take() {
            return verdict;
        }
        match self.scan.finish() {
            Ok((verdict, found, missed)) => {
                let unseen = self.goes_on.then_some(Why::Limit(Limit::MaxScanSize));
                self.missed = self.fragment.map(|_| Why::Fragment).or(missed).or(unseen);
                let verdict = if self.by_rules {
                    self.found = found;
                    verdict
                } else {
                    worst(verdict, found, self.blocked, self.missed)
                };
                self.story = self.scan.layers().story(&verdict);
                self.of_part(verdict)
            }
            Err(Panicked) => Verdict::Unscanned(Why::Failed),
        }
    }

    /// The verdict that matters, and what becomes of its threat. Rules judge every detection, once each:
    /// a tolerated threat must not hide another one behind it.
    pub(super) fn judged<J: Copy>(
        &mut self,
        judge: impl Fn(&Detection) -> (bool, J),
    ) -> (Verdict, Option<(bool, J)>) {
        let verdict = self.finish();
        let found = std::mem::take(&mut self.found);
        let mut tolerated = None;
        for detection in found {
            let judgement = judge(&detection);
            if judgement.0 {
                let verdict = Verdict::Infected(detection);
                self.story = self.scan.layers().story(&verdict);
                return (verdict, Some(judgement));
            }
            tolerated = tolerated.or(Some(judgement));
        }
        if let (Verdict::Infected(_), Some(why), true) = (&verdict, self.missed, self.by_rules) {
            return (Verdict::Unscanned(why), None);
        }
        let judgement = match &verdict {
            Verdict::Infected(detection) => tolerated.or_else(|| Some(judge(detection))),
            Verdict::Clean | Verdict::Unscanned(_) => None,
        };
        (verdict, judgement)
    }

    /// A part of an object is never clean, and what is broken in it may be whole in the object.
    fn of_part(&self, verdict: Verdict) -> Verdict {
        match (verdict, self.fragment) {
            (Verdict::Clean | Verdict::Unscanned(_), Some(_)) => Verdict::Unscanned(Why::Fragment),
            (verdict, _) => verdict,
        }
    }

    /// What is to be done with what comes of it.
    pub(super) const fn options(&self, all: &adaptation::Options) -> adaptation::Options {
        match self.fragment {
            Some(Fragment::Allowed) => adaptation::Options { fragments: Unchecked::Pass, ..*all },
            Some(Fragment::Judged) | None => *all,
        }
    }

    /// The engine's time until now.
    pub(super) fn spent(&self) -> Duration {
        self.spent_before + self.scan.spent()
    }

    /// What went wrong with it, told once.
    pub(super) const fn take_trouble(&mut self) -> Option<Trouble> {
        self.scan.take_trouble()
    }

    /// Drops it where nobody waits for its memory to be free.
    pub(super) fn give_back(self: Box<Self>, side: &SideThreads) {
        if self.scan.is_large() {
            side.discard(self);
        }
    }
}

/// Begins a scan that goes on after a detection, unless each of them would be blocked.
fn begin(live: &Live, object: Object) -> Scan {
    if live.blocks_every_threat() {
        live.engine.start(object)
    } else {
        live.engine.start_all(object)
    }
}

/// The verdict that matters: a tolerated threat must hide neither another one behind it nor what was not looked at.
fn worst(
    verdict: Verdict,
    found: Vec<Detection>,
    blocked: ThreatKinds,
    missed: Option<Why>,
) -> Verdict {
    if blocked == ThreatKinds::ALL {
        return verdict;
    }
    let is_blocked = |found: &Detection| blocked.has(ThreatKind::of(&found.name));
    match (found.into_iter().find(is_blocked), verdict, missed) {
        (Some(found), _, _) => Verdict::Infected(found),
        (None, Verdict::Infected(_), Some(why)) => Verdict::Unscanned(why),
        (None, verdict, _) => verdict,
    }
}

const FAILED: Option<Verdict> = Some(Verdict::Unscanned(Why::Failed));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerated_threat_hides_neither_another_nor_what_was_not_looked_at() {
        let found = |name: &str| Detection { name: name.into(), path: "".into(), offset: 0 };
        let (joke, virus) = (found("Win.Joke.A"), found("Win.Trojan.B"));
        let but_jokes = ThreatKinds::NONE.with(ThreatKind::KnownVirus);
        let first = || Verdict::Infected(joke.clone());
        let missed = Some(Why::Encrypted);
        let both = vec![joke.clone(), virus.clone()];
        assert_eq!(worst(first(), both, but_jokes, missed), Verdict::Infected(virus));
        let alone = || vec![joke.clone()];
        assert_eq!(worst(first(), alone(), but_jokes, missed), Verdict::Unscanned(Why::Encrypted));
        assert_eq!(worst(first(), alone(), but_jokes, None), first());
        assert_eq!(worst(first(), alone(), ThreatKinds::ALL, missed), first());
        assert_eq!(worst(Verdict::Clean, vec![], but_jokes, None), Verdict::Clean);
    }
}
