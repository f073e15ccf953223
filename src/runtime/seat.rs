//! What a shard sees of a connection: whether a request is under way.

use std::cell::Cell;
use std::sync::Arc;

use super::heartbeat::Pulse;

/// What the shard sees of a connection.
pub(super) struct Seat {
    /// Set while a request is under way; without one a connection may be closed at any time.
    busy: Cell<bool>,
    pulse: Arc<Pulse>,
}

impl Seat {
    /// Of a connection that has just been accepted.
    pub(super) fn new(pulse: Arc<Pulse>) -> Self {
        Self { busy: Cell::new(false), pulse }
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        !self.busy.get()
    }

    /// A request has begun.
    pub(super) fn begin(&self) {
        if !self.busy.replace(true) {
            self.pulse.begin();
        }
    }

    /// The request is over. True if there was one.
    pub(super) fn finish(&self) -> bool {
        let was_busy = self.busy.replace(false);
        if was_busy {
            self.pulse.finish();
        }
        was_busy
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.finish();
    }
}
