//! What of one body has left before its verdict, and when more of it may.
//!
//! The plan is adaptation's; here are its clock and its counts.

use std::time::{Duration, Instant};

use crate::adaptation::release::{Chosen, Early, ReleasePlan};

/// What may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Nothing.
    Nothing,
    /// A piece from time to time.
    Pieces,
    /// What was scanned, but for the end.
    AllButTail,
}

/// The release of one body.
pub(super) struct Releasing {
    plan: ReleasePlan,
    since: Instant,
    early: Option<Early>,
    /// Pieces that have left.
    pieces: u64,
    /// Bytes that have left.
    bytes: u64,
}

impl Releasing {
    /// Of a body of which nothing has arrived.
    pub(super) const fn new(plan: ReleasePlan, now: Instant) -> Self {
        Self { plan, since: now, early: None, pieces: 0, bytes: 0 }
    }

    /// What may leave now.
    pub(super) const fn leaves(&self) -> Leaves {
        match self.early {
            None => Leaves::Nothing,
            Some(Early::Slow) => Leaves::Pieces,
            Some(Early::Way | Early::Grown | Early::Stalled) => Leaves::AllButTail,
        }
    }

    /// Whether more may leave now that so many bytes have arrived. True when the answer begins with this.
    pub(super) fn grow(&mut self, body_bytes: u64, now: Instant) -> bool {
        // What is no longer than the tail would wait for its verdict all the same.
        let is_short = body_bytes < BEGIN_BYTES && !self.plan.is_endless;
        if self.leaves() == Leaves::AllButTail || body_bytes == 0 {
            return false;
        }
        let held = now.saturating_duration_since(self.since);
        let early = self.plan.early(body_bytes, held);
        let Some(early) = early.filter(|early| !is_short || *early == Early::Slow) else {
            return false;
        };
        self.early.replace(early).is_none()
    }

    /// Whether [`grow`](Self::grow) would let the answer begin.
    pub(super) fn would_grow(&self, body_bytes: u64, now: Instant) -> bool {
        let held = now.saturating_duration_since(self.since);
        self.early.is_none() && body_bytes > 0 && self.plan.early(body_bytes, held).is_some()
    }

    /// The proxy stalls. True when the answer begins with this.
    pub(super) fn stall(&mut self) -> bool {
        match self.early {
            None => self.early.replace(Early::Stalled).is_none(),
            Some(Early::Slow) => {
                self.early = Some(Early::Stalled);
                false
            }
            Some(Early::Way | Early::Grown | Early::Stalled) => false,
        }
    }

    /// Whether the body has no end.
    pub(super) const fn is_endless(&self) -> bool {
        self.plan.is_endless
    }

    /// Whether a stall may begin the answer: not where the client is no proxy.
    pub(super) fn may_stall(&self) -> bool {
        self.plan.chosen != Chosen::Profile
    }

    /// Whether another piece may leave; it counts as gone.
    pub(super) fn takes_piece(&mut self, now: Instant) -> bool {
        let held = now.saturating_duration_since(self.since);
        let may = self.plan.trickle.is_some_and(|trickle| self.pieces < trickle.pieces(held));
        self.pieces += u64::from(may);
        may
    }

    /// How long it takes until the next piece may leave; `None`: none will.
    pub(super) fn piece_time(&self, now: Instant) -> Option<Duration> {
        let trickle = self.plan.trickle.filter(|_| self.leaves() != Leaves::AllButTail)?;
        Some(trickle.next(now.saturating_duration_since(self.since)))
    }

    /// So many bytes have left by now.
    pub(super) fn note(&mut self, bytes: u64) {
        self.bytes = bytes;
    }

    /// What has left, and by which step, for events; empty: nothing has.
    pub(super) fn story(&self) -> String {
        self.early.map_or_else(String::new, |early| {
            format!("{} bytes ({})", self.bytes, self.plan.reason(early))
        })
    }
}

/// A shorter body waits for its verdict: its end, which stays, would be all of it.
const BEGIN_BYTES: u64 = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adaptation::release::{Trickle, Way};
    use crate::runtime::clock;

    fn plan(way: Way) -> ReleasePlan {
        let second = Duration::from_secs(1);
        let trickle = Trickle { delay: second * 30, interval: second * 10 };
        ReleasePlan {
            way,
            is_endless: false,
            tail_from: Some(1 << 20),
            trickle: (way == Way::Hold).then_some(trickle),
            chosen: Chosen::Release,
        }
    }

    #[test]
    fn a_held_body_turns_to_tail_when_it_has_grown_and_trickles_when_it_is_slow() {
        let start = clock::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let mut release = Releasing::new(plan(Way::Hold), start);
        assert!(!release.grow(1 << 20, later(29)), "neither long nor slow");
        assert_eq!((release.leaves(), release.story()), (Leaves::Nothing, String::new()));
        assert_eq!(release.piece_time(later(29)), Some(Duration::from_secs(1)));
        assert!(release.grow(1 << 20, later(30)), "slow");
        assert_eq!(release.leaves(), Leaves::Pieces);
        assert!(release.takes_piece(later(30)) && !release.takes_piece(later(39)));
        assert!(release.takes_piece(later(40)), "one for each ten seconds");
        release.note(65_536);
        assert_eq!(release.story(), "65536 bytes (TrickleDelay)");
        assert!(!release.grow((1 << 20) + 1, later(41)), "the answer has begun before");
        assert_eq!((release.leaves(), release.piece_time(later(41))), (Leaves::AllButTail, None));
        assert_eq!(release.story(), "65536 bytes (TailSize)");
    }

    #[test]
    fn what_fits_the_tail_waits_unless_it_has_no_end() {
        let now = clock::now();
        let mut tail = Releasing::new(plan(Way::Tail), now);
        assert!(!tail.grow(BEGIN_BYTES - 1, now), "its end is all of it");
        assert!(tail.grow(BEGIN_BYTES, now) && !tail.grow(BEGIN_BYTES + 1, now));
        let mut endless = Releasing::new(ReleasePlan { is_endless: true, ..plan(Way::Tail) }, now);
        assert!(!endless.grow(0, now) && endless.grow(1, now), "its first event");
    }

    #[test]
    fn a_stall_begins_the_answer_once() {
        let now = clock::now();
        let mut held = Releasing::new(plan(Way::Hold), now);
        assert!(held.stall() && !held.stall());
        assert_eq!(
            (held.leaves(), held.story().as_str()),
            (Leaves::AllButTail, "0 bytes (StallTimeout)")
        );
        let late = now + Duration::from_secs(31);
        let mut slow = Releasing::new(plan(Way::Hold), now);
        assert!(slow.grow(1, late), "slow");
        assert!(!slow.stall(), "it has begun");
        assert_eq!(slow.leaves(), Leaves::AllButTail);
    }
}
