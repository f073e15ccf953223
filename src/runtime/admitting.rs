//! Who is let in to be scanned: the edge around [`admission`](crate::adaptation::admission).
//!
//! How long work waits for the shard is measured by a task that sleeps for [`PROBE`] and looks how much later
//! it woke up: it waits in the same queue as every connection. It sleeps for good while nothing is scanned.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::adaptation::Message;
use crate::adaptation::admission::{Admission, Asked, Client, Decision, Gauges, Ticket, Why};
use crate::icap::Request;
use crate::observe::Event;

use super::clock;
use super::executor::{Bell, pause};
use super::journal::Journal;
use super::pool::Pool;
use super::shard::Live;
use super::spool::Spool;

/// The right to a scan. It goes back when it is dropped, however the connection ends.
pub(super) struct Admitted {
    gate: Rc<Gate>,
    ticket: Option<Ticket>,
}

impl Admitted {
    /// A scan that was admitted by this gate.
    pub(super) const fn new(gate: Rc<Gate>, ticket: Ticket) -> Self {
        Self { gate, ticket: Some(ticket) }
    }

    /// The scan is over, after so much work of the engine.
    pub(super) fn done(mut self, work: Duration) {
        self.give_back(work);
    }

    fn give_back(&mut self, work: Duration) {
        if let Some(ticket) = self.ticket.take() {
            self.gate.done(ticket, work);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.give_back(Duration::ZERO);
    }
}

/// The admission of one shard, and what it is told by.
pub(super) struct Gate {
    admission: RefCell<Admission>,
    start: Instant,
    /// Scans under way.
    scans: Cell<u32>,
    /// Smoothed, in microseconds.
    delay_us: Cell<u64>,
    /// When the probe should have woken up.
    due: Cell<Option<Instant>>,
    /// Rung when the first scan begins.
    begun: Bell,
    /// Since the last event: requests refused.
    refused: Cell<u64>,
    closed: Cell<bool>,
    told: Cell<Option<Instant>>,
}

impl Gate {
    /// Nothing is under way yet.
    pub(super) fn new(live: &Live) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self {
            admission: RefCell::new(Admission::new(live.server.admission, seed)),
            start: clock::now(),
            scans: Cell::new(0),
            delay_us: Cell::new(0),
            due: Cell::new(None),
            begun: Bell::default(),
            refused: Cell::new(0),
            closed: Cell::new(false),
            told: Cell::new(None),
        }
    }

    /// Nobody is let in any more.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.begun.ring();
    }

    /// Measures the delay of this shard until it is closed.
    pub(super) async fn watch(self: Rc<Self>) {
        while !self.closed.get() {
            std::future::poll_fn(|context| {
                if self.scans.get() > 0 || self.closed.get() {
                    return std::task::Poll::Ready(());
                }
                self.begun.wait(context);
                std::task::Poll::Pending
            })
            .await;
            let due = clock::now() + PROBE;
            self.due.set(Some(due));
            pause(PROBE).await;
            self.due.set(None);
            // One look alone, after a pause of the whole machine for instance, is no overload.
            let late = micros(clock::now().saturating_duration_since(due)).min(LATE_US_MAX);
            let smoothed = self.delay_us.get() * (SMOOTHING - 1) / SMOOTHING + late / SMOOTHING;
            self.delay_us.set(if self.scans.get() == 0 { 0 } else { smoothed });
        }
    }

    /// A request with this body wants to be scanned. `peer`: who is connected.
    pub(super) fn begin(
        &self,
        request: &Request,
        peer: Option<IpAddr>,
        live: &Live,
        room: (&Pool, &Spool),
    ) -> Decision {
        let now = clock::now();
        let mut gauges = self.gauges(now, room);
        let length = Message::of(request).content_length;
        if length.is_some_and(|length| length <= SMALL_BYTES) {
            // It needs the buffer that it is received with, and memory is no reason to refuse it.
            gauges.buffers_max = 0;
        }
        let client = Client::behind(request.subject().client_ip, peer);
        let mut admission = self.admission.borrow_mut();
        admission.set_options(live.server.admission);
        let decision = admission.begin(Asked::by(request), client, &gauges);
        if matches!(decision, Decision::Admit(_)) {
            self.scans.set(self.scans.get() + 1);
            self.begun.ring();
        }
        decision
    }

    /// A scan that was admitted is over, after so much work of the engine.
    fn done(&self, ticket: Ticket, work: Duration) {
        self.scans.set(self.scans.get().saturating_sub(1));
        let now = micros(clock::now().saturating_duration_since(self.start));
        self.admission.borrow_mut().done(ticket, micros(work), now);
    }

    /// Tells the log that requests are refused: at most once in [`TOLD_EVERY`], with their number.
    pub(super) fn tell(&self, why: Why, journal: &Journal) {
        self.refused.set(self.refused.get() + 1);
        let now = clock::now();
        let is_due = self.told.get().is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if is_due {
            self.told.set(Some(now));
            journal.write(Event::TooMuch { requests: self.refused.replace(0), why: why.name() });
        }
    }

    fn gauges(&self, now: Instant, (pool, spool): (&Pool, &Spool)) -> Gauges {
        let delay_us = self.delay_us.get();
        let oldest = self.due.get().map(|due| now.saturating_duration_since(due));
        let (spool_bytes, spool_bytes_max) = spool.used();
        Gauges {
            now_us: micros(now.saturating_duration_since(self.start)),
            delay_us,
            oldest_us: oldest.map_or(0, micros),
            waited_us: delay_us,
            buffers_lent: pool.lent() as u64,
            buffers_max: pool.lent_max() as u64,
            spool_bytes,
            spool_bytes_max,
            scans: self.scans.get(),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A body that says it is no longer fits one buffer with its framing.
const SMALL_BYTES: u64 = 60 << 10;

/// How often the delay is looked at.
const PROBE: Duration = Duration::from_millis(5);

/// Of so many looks the delay is the mean, roughly.
const SMOOTHING: u64 = 8;

/// The most that one look counts: with ten times the default of `OverloadDelay` the queue would stand at once.
const LATE_US_MAX: u64 = 500_000;

/// An overload that stays is told so often.
const TOLD_EVERY: Duration = Duration::from_secs(60);
