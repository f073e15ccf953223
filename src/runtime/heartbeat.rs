//! Keeps shards awake that have work: a thread that wakes each shard a few hundred times a second.
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
//! A beat that is slept over in the same way is followed by the next one. A shard without connections
//! gets one beat in [`IDLE_TICKS`].

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
        let mut tick = 0_u32;
        while pulses.iter().any(|pulse| !pulse.ended.load(Ordering::Relaxed)) {
            std::thread::sleep(TICK);
            tick = tick.wrapping_add(1);
            for (pulse, load) in pulses.iter().zip(loads.iter()) {
                if load.load(Ordering::Relaxed) > 0 || tick.is_multiple_of(IDLE_TICKS) {
                    pulse.beat();
                }
            }
        }
    })?;
    Ok(())
}

/// Time between two beats: what a request loses where a shard slept over it. A beat costs the shard about
/// twenty microseconds.
const TICK: Duration = Duration::from_millis(5);

/// A shard without connections waits for new ones only, which wake it by themselves.
const IDLE_TICKS: u32 = 20;

/// Beats without an answer, five seconds of them, after which no more are sent.
const UNANSWERED_MAX: u32 = 1000;
