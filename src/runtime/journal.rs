//! Events on their way to the log: a bounded queue and one thread that writes.
//!
//! A shard never waits for the log. When the queue is full the event is counted instead, and the
//! count is an event of its own as soon as there is room.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::observe::{Event, Level};

/// A handle to the log, for every thread.
#[derive(Clone)]
pub(super) struct Journal {
    queue: Sender<Event>,
    lost: Arc<AtomicU64>,
    loudest_kept: Level,
}

impl Journal {
    /// Starts the writer; it ends when the last handle is gone. Events quieter than `level` are not kept.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub(super) fn start(level: Level) -> std::io::Result<(Self, Writer)> {
        // A second journal of one process (tests) writes to the first one's subscriber.
        let _already_there = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_max_level(tracing::Level::DEBUG)
            .try_init();
        let (queue, events) = crossbeam_channel::bounded(EVENTS_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let (tell, ended) = crossbeam_channel::bounded::<()>(0);
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
            write_all(&events, &counted);
            // Dropped with the thread: that is the message.
            drop(tell);
        })?;
        Ok((Self { queue, lost, loudest_kept: level }, Writer { ended }))
    }

    /// Whether an event of this level would be written: asked before an event is made.
    pub(super) fn wants(&self, level: Level) -> bool {
        level <= self.loudest_kept
    }

    /// Hands an event over.
    pub(super) fn write(&self, event: Event) {
        if self.wants(event.level()) && self.queue.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread that writes.
pub(super) struct Writer {
    ended: Receiver<()>,
}

impl Writer {
    /// Waits until everything written so far is in the log, if that is soon: a handle may be held by
    /// somebody who never lets go.
    pub(super) fn finish(&self) {
        let _either_way = self.ended.recv_timeout(FINISH_TIME);
    }
}

fn write_all(events: &Receiver<Event>, lost: &AtomicU64) {
    for event in events {
        write(&event);
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            write(&Event::EventsLost { count });
        }
    }
}

fn write(event: &Event) {
    match event.level() {
        Level::Error => tracing::error!("{event}"),
        Level::Warning => tracing::warn!("{event}"),
        Level::Notice => tracing::info!("{event}"),
        Level::Debug => tracing::debug!("{event}"),
    }
}

/// How long the end of the process waits for the log.
const FINISH_TIME: Duration = Duration::from_secs(1);

/// Events waiting for the writer; about a megabyte at worst.
const EVENTS_MAX: usize = 4_096;
