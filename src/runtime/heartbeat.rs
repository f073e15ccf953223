//! Keeps shards awake that have work: a thread that wakes each shard which does nothing.
//!
//! The executor takes "the preemption timer fired before anything ran" for "there is nothing to run",
//! and then sleeps over tasks that are ready (glommio 0.9; its successor mends this in pull request 53,
//! which is in no published version). It happens where the shard's thread loses its core for longer than
//! the timer at that very place, so on machines with other work: of fifty starts on busy cores, one
//! stood still, until some other event came by.
//!
//! ```text
//!   heart ── Pulse::beat ──▶ waker of the root task ──▶ the executor leaves the kernel, and looks again
//! ```
//!
//! A shard counts its turns, so that one which works is left alone. With a request under way and no turn since
//! the last look it gets a beat at once, and then at growing distances: most such shards wait for their
//! clients. A beat that is slept over in the same way is followed by the next one. A shard without
//! connections gets one beat in [`IDLE_LOOKS`].

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use arc_swap::ArcSwapOption;

/// What the heart knows of one shard.
#[derive(Default)]
pub(super) struct Pulse {
    /// The root task of the executor, from its first turn to its end.
    root: ArcSwapOption<Waker>,
    asked: AtomicU32,
    answered: AtomicU32,
    ended: AtomicBool,
    /// Turns of the shard's connections. Only the shard writes it.
    turns: AtomicU32,
    /// Requests under way. Only the shard writes it.
    requests: AtomicU32,
}

impl Pulse {
    /// Runs `body` as a shard's root task that answers beats.
    pub(super) async fn keep<F: Future<Output = ()>>(&self, body: F) {
        let _end = End(self);
        let mut body = pin!(body);
        poll_fn(|context| {
            self.answered.store(self.asked.load(Ordering::Relaxed), Ordering::Relaxed);
            if self.root.load().is_none() {
                self.root.store(Some(Arc::new(context.waker().clone())));
            }
            body.as_mut().poll(context)
        })
        .await;
    }

    /// A connection of the shard has its turn.
    pub(super) fn turn(&self) {
        self.turns.store(self.turns.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A request of the shard has begun.
    pub(super) fn begin(&self) {
        self.requests
            .store(self.requests.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A request of the shard is over.
    pub(super) fn finish(&self) {
        self.requests
            .store(self.requests.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
    }

    /// Wakes the shard. A shard that has answered nothing for [`UNANSWERED_MAX`] beats is busy, not
    /// asleep, and each beat holds a reference to its root task, of which there are 32,767: it gets none
    /// until it has answered.
    fn beat(&self) {
        let asked = self.asked.load(Ordering::Relaxed);
        if asked.wrapping_sub(self.answered.load(Ordering::Relaxed)) >= UNANSWERED_MAX {
            return;
        }
        if let Some(root) = self.root.load().as_deref() {
            self.asked.store(asked.wrapping_add(1), Ordering::Relaxed);
            root.wake_by_ref();
        }
    }
}

/// Lets go of the root task, however it ends.
struct End<'a>(&'a Pulse);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.root.store(None);
        self.0.ended.store(true, Ordering::Relaxed);
    }
}

/// Starts the heart of these shards; `loads` counts their connections. It ends with the last shard.
///
/// # Errors
///
/// When the system refuses a thread.
pub(super) fn start(pulses: Vec<Arc<Pulse>>, loads: Arc<[AtomicUsize]>) -> io::Result<()> {
    std::thread::Builder::new().name("heart".to_owned()).spawn(move || {
        let mut watches = vec![Watch::default(); pulses.len()];
        while pulses.iter().any(|pulse| !pulse.ended.load(Ordering::Relaxed)) {
            // Whoever has waited for its client for long is no reason to look so often.
            let is_busy = pulses.iter().zip(&watches).any(|(pulse, watch)| {
                pulse.requests.load(Ordering::Relaxed) > 0 && watch.quiet < 2 * LOOKS_IN_TICK
            });
            std::thread::sleep(if is_busy { LOOK } else { LOOK * LOOKS_IN_TICK });
            for ((pulse, load), watch) in pulses.iter().zip(loads.iter()).zip(&mut watches) {
                let looks = if is_busy { 1 } else { LOOKS_IN_TICK };
                let seen = Seen {
                    turns: pulse.turns.load(Ordering::Relaxed),
                    has_requests: pulse.requests.load(Ordering::Relaxed) > 0,
                    has_connections: load.load(Ordering::Relaxed) > 0,
                };
                if watch.look(seen, looks) {
                    pulse.beat();
                }
            }
        }
    })?;
    Ok(())
}

/// What a shard shows.
#[derive(Clone, Copy)]
struct Seen {
    turns: u32,
    has_requests: bool,
    has_connections: bool,
}

/// What is known of a shard from the looks before.
#[derive(Clone, Default)]
struct Watch {
    turns: u32,
    /// Looks since its last turn.
    quiet: u32,
    /// Looks since its last beat.
    rest: u32,
}

impl Watch {
    /// Another look, after the time of `looks` of them. True if the shard needs a beat.
    fn look(&mut self, seen: Seen, looks: u32) -> bool {
        if seen.turns != self.turns {
            *self = Self { turns: seen.turns, ..Self::default() };
            // Its last turn may have been just before it slept over the next one.
            return false;
        }
        self.quiet = self.quiet.saturating_add(looks);
        self.rest = self.rest.saturating_add(looks);
        let wait = match seen {
            Seen { has_requests: true, .. } => (self.quiet / 2).clamp(1, LOOKS_IN_TICK),
            Seen { has_connections: true, .. } => LOOKS_IN_TICK,
            Seen { .. } => IDLE_LOOKS,
        };
        let is_due = self.rest >= wait;
        if is_due {
            self.rest = 0;
        }
        is_due
    }
}

/// Time between two looks: what a request loses, twice at most while the shard works, and up to eleven times
/// where it had been quiet, when the shard slept over it. A look without
/// a beat costs the shard nothing, a beat about twenty microseconds.
const LOOK: Duration = Duration::from_micros(500);

/// Looks in the five milliseconds after which a shard with connections gets a beat, whatever it waits for.
const LOOKS_IN_TICK: u32 = 10;

/// A shard without connections waits for new ones only, which wake it by themselves.
const IDLE_LOOKS: u32 = 20 * LOOKS_IN_TICK;

/// Beats without an answer, five seconds of them at most, after which no more are sent.
const UNANSWERED_MAX: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(mut watch: Watch, has_requests: bool, turns: u32, looks: u32) -> u32 {
        let seen = Seen { turns, has_requests, has_connections: true };
        (0..looks).filter(|_| watch.look(seen, 1)).count().try_into().expect("few")
    }

    #[test]
    fn a_shard_that_works_is_left_alone() {
        let mut watch = Watch::default();
        for turns in 1..1_000 {
            let seen = Seen { turns, has_requests: true, has_connections: true };
            assert!(!watch.look(seen, 1), "it had turn {turns}");
        }
    }

    #[test]
    fn a_request_that_stands_still_is_seen_at_the_next_look() {
        let mut watch = Watch::default();
        let seen = Seen { turns: 7, has_requests: true, has_connections: true };
        assert!(!watch.look(seen, 1), "the turn was just before");
        assert!(watch.look(seen, 1), "none since");
    }

    #[test]
    fn who_waits_for_a_client_gets_fewer_beats() {
        let looks = 1_000;
        let busy = beats(Watch::default(), true, 0, looks);
        assert!(busy <= looks / LOOKS_IN_TICK + 12, "{busy} beats");
        assert_eq!(beats(Watch::default(), false, 0, looks), looks / LOOKS_IN_TICK);
        let idle = Seen { turns: 0, has_requests: false, has_connections: false };
        let mut watch = Watch::default();
        let beats = (0..100).filter(|_| watch.look(idle, LOOKS_IN_TICK)).count();
        assert_eq!(beats, 5, "one for each hundred milliseconds");
    }
}
