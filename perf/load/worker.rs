//! One thread: an epoll instance, its connections, its counts.
//!
//! ```text
//!   launch due requests ─▶ wait for events ─▶ read, compare, send ─▶ finished: count, launch
//!          ▲                                                              │
//!          └──── every 100 ms: time-outs, closed connections ◀────────────┘
//! ```
//!
//! A small request costs one `send`, one `recv` and its share of one `epoll_wait`. Readiness is
//! level-triggered; room to send is asked for only while a body does not fit the socket.

use rustix::event::{PollFd, PollFlags, Timespec, epoll};
use std::os::fd::OwnedFd;

use crate::clock::{Clock, MILLISECOND_NS, Nanos, SECOND_NS};
use crate::connection::{Connection, Phase, Received, Sending, idle_event};
use crate::judge::{Seen, Wrong, judge};
use crate::plan::Plan;
use crate::quiet::LOOK_NS;
use crate::random::Random;
use crate::schedule::Schedule;
use crate::socket;
use crate::stats::{Sample, Stats};

/// A thread's share of a run.
#[derive(Debug)]
pub(crate) struct Worker<'plan> {
    plan: &'plan Plan,
    clock: Clock,
    epoll: OwnedFd,
    connections: Vec<Connection<'plan>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    stats: Stats,
    random: Random,
    schedule: Option<Schedule>,
    stamp: u64,
    /// Measured requests that may still begin.
    left: Option<u64>,
    /// Measured requests under way.
    measured: u64,
    swept: Nanos,
}

impl<'plan> Worker<'plan> {
    /// Prepares a worker; its connections are opened when it runs.
    ///
    /// # Errors
    ///
    /// The kernel gives no epoll instance.
    pub(crate) fn new(plan: &'plan Plan, index: u32, clock: Clock) -> Result<Self, String> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC);
        let count = plan.connections_of(index);
        Ok(Self {
            plan,
            clock,
            epoll: epoll.map_err(|fault| format!("epoll: {fault}"))?,
            connections: (0..count).map(|_| Connection::default()).collect(),
            free: Vec::new(),
            buffer: vec![0; READ_BYTES],
            stats: Stats::new(),
            random: plan.random(index),
            schedule: plan.schedule(index)?,
            // Workers' stamps never meet.
            stamp: u64::from(index) << 48,
            left: plan.requests_of(index),
            measured: 0,
            swept: 0,
        })
    }

    /// Loads the server until the plan ends.
    ///
    /// # Errors
    ///
    /// The kernel refuses to wait for events.
    pub(crate) fn run(mut self) -> Result<Stats, String> {
        if self.schedule.is_some() {
            // The default slack of 50 us would be added to every pause. Older kernels refuse.
            let _: rustix::io::Result<()> =
                rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        }
        for index in 0..self.connections.len() {
            self.open(index);
        }
        let mut events = Vec::with_capacity(EVENTS_MAX);
        loop {
            let now = self.clock.now();
            self.launch_due(now);
            if self.is_over(now) {
                break;
            }
            if now >= self.swept + SWEEP_NS {
                self.sweep(now);
            }
            self.wait(&mut events, now)?;
            for event in events.drain(..) {
                let epoll::Event { flags, data, .. } = event;
                self.handle(usize::try_from(data.u64()).unwrap_or(usize::MAX), flags);
            }
            self.release_held();
        }
        self.settle();
        Ok(self.stats)
    }

    /// Sends ends of bodies that were kept back, to servers that are idle now.
    fn release_held(&mut self) {
        if self.plan.shape.hold_last.is_none() {
            return;
        }
        for index in 0..self.connections.len() {
            let now = self.clock.now();
            if self.connections[index].release_when_quiet(now) {
                self.send(index);
            }
        }
    }

    /// Begins requests: as many as are due and there are connections for.
    fn launch_due(&mut self, now: Nanos) {
        while let Some(index) = self.free.last().copied() {
            let measures = now >= self.plan.measure_from;
            if self.left == Some(0) && measures {
                return;
            }
            let intended = match &mut self.schedule {
                None => Some(now),
                Some(schedule) if schedule.next() >= self.plan.measure_until => None,
                Some(schedule) => schedule.take(now),
            };
            let Some(intended) = intended else { return };
            self.free.pop();
            self.launch(index, intended);
        }
    }

    fn launch(&mut self, index: usize, intended: Nanos) {
        let template = self.plan.choose(&mut self.random);
        self.stamp += 1;
        let stamp = self.plan.unique.then_some(self.stamp);
        let connection = &mut self.connections[index];
        connection.begin(template, stamp);
        connection.since = self.clock.now();
        connection.intended = if self.schedule.is_some() { intended } else { connection.since };
        connection.is_measured = intended >= self.plan.measure_from;
        if connection.is_measured {
            self.measured += 1;
            if let Some(left) = &mut self.left {
                *left -= 1;
            }
        }
        self.send(index);
    }

    /// Sends what fits, and asks for room where it does not.
    fn send(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        match connection.send(&self.clock) {
            Ok(sending) => {
                let wants_room = sending == Sending::More;
                if wants_room != connection.asked_for_room {
                    self.ask(index, wants_room);
                }
                if let Some(Received::Complete(seen)) = self.connections[index].completed() {
                    self.finish(index, seen);
                }
            }
            // The answer may lie in the receive buffer: an early one before the server closed.
            Err(wrong) => match self.receive(index) {
                Ok(()) if self.connections[index].phase == Phase::Busy => self.fail(index, wrong),
                Ok(()) => {}
                Err(_) => self.fail(index, wrong),
            },
        }
    }

    fn ask(&mut self, index: usize, room: bool) {
        let flags = if room { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
        let connection = &mut self.connections[index];
        if let Some(socket) = &connection.socket {
            let data = epoll::EventData::new_u64(index as u64);
            let asked = epoll::modify(&self.epoll, socket, data, flags | epoll::EventFlags::IN);
            debug_assert!(asked.is_ok(), "an open socket is registered");
            connection.asked_for_room = room;
        }
    }

    /// Something happened on a connection.
    fn handle(&mut self, index: usize, flags: epoll::EventFlags) {
        let Some(connection) = self.connections.get(index) else {
            return;
        };
        match connection.phase {
            Phase::Closed => {}
            Phase::Busy => {
                if flags != epoll::EventFlags::OUT
                    && let Err(wrong) = self.receive(index)
                {
                    self.fail(index, wrong);
                    return;
                }
                let connection = &self.connections[index];
                if flags.contains(epoll::EventFlags::OUT) && connection.phase == Phase::Busy {
                    self.send(index);
                }
            }
            Phase::Free | Phase::Ending => match connection.socket.as_ref().map(idle_event) {
                None | Some(Ok(false)) => {}
                Some(Ok(true)) => self.reopen(index),
                Some(Err(wrong)) => self.fail(index, wrong),
            },
        }
    }

    /// Reads until the socket is empty, or others deserve a turn.
    fn receive(&mut self, index: usize) -> Result<(), Wrong> {
        for _ in 0..READS_MAX {
            match self.connections[index].receive(&mut self.buffer, &self.clock)? {
                Received::More => {}
                Received::Empty => return Ok(()),
                Received::Resume => {
                    self.send(index);
                    return Ok(());
                }
                Received::Complete(seen) => {
                    self.finish(index, seen);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The answer is complete: judge, count, go on.
    fn finish(&mut self, index: usize, seen: Seen) {
        let now = self.clock.now();
        let connection = &mut self.connections[index];
        let Some(template) = connection.template() else {
            return;
        };
        let counts = match (self.left, &self.schedule) {
            // Closed loop by time: throughput is what completes inside the window.
            (None, None) => now >= self.plan.measure_from && now < self.plan.measure_until,
            _ => connection.is_measured,
        };
        match judge(template.expected, seen) {
            // Framed as it should be: the connection is still good.
            Err(wrong) => self.stats.record_wrong(wrong),
            Ok(right) if counts => self.stats.record(&Sample {
                right,
                payload_bytes: template.payload_bytes(),
                sent_bytes: connection.payload_sent(),
                continued: seen.continued,
                whole_ns: now.saturating_sub(connection.intended),
                verdict_ns: connection.verdict_ns(),
                end: now,
            }),
            Ok(_) => {}
        }
        self.release(index, now);
    }

    /// Makes the connection of a complete answer ready for the next request.
    fn release(&mut self, index: usize, now: Nanos) {
        let connection = &mut self.connections[index];
        self.measured -= u64::from(std::mem::take(&mut connection.is_measured));
        let asked = connection.asked_for_room;
        if self.plan.shape.close {
            connection.phase = Phase::Ending;
            connection.since = now;
            if asked {
                self.ask(index, false);
            }
        } else if connection.closes() {
            self.stats.reconnects += 1;
            self.renew(index);
        } else {
            connection.phase = Phase::Free;
            if asked {
                self.ask(index, false);
            }
            self.free.push(index);
            self.launch_due(now);
        }
    }

    /// A wrong or missing answer: counted, and the connection is of no use.
    fn fail(&mut self, index: usize, wrong: Wrong) {
        self.stats.record_wrong(wrong);
        let connection = &mut self.connections[index];
        self.measured -= u64::from(std::mem::take(&mut connection.is_measured));
        if connection.phase == Phase::Free {
            self.free.retain(|free| *free != index);
        }
        if let Some(socket) = connection.close() {
            socket::close_hard(socket);
        }
        // Opened again by the next sweep: a server that refuses is asked ten times a second.
        connection.since = self.clock.now();
    }

    /// The server closed, as it may between requests or must after `Connection: close`.
    fn reopen(&mut self, index: usize) {
        if self.connections[index].phase == Phase::Free {
            self.free.retain(|free| *free != index);
            self.stats.reconnects += 1;
        }
        self.renew(index);
    }

    fn renew(&mut self, index: usize) {
        drop(self.connections[index].close());
        self.open(index);
    }

    fn open(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let data = epoll::EventData::new_u64(index as u64);
        let opened = socket::connect(&self.plan.address)
            .ok()
            .filter(|socket| epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN).is_ok());
        match opened {
            Some(socket) => {
                connection.socket = Some(socket);
                connection.phase = Phase::Free;
                self.free.push(index);
            }
            None => self.fail(index, Wrong::Connect),
        }
    }

    /// Looks for what no event tells: requests too old, connections to be opened again.
    fn sweep(&mut self, now: Nanos) {
        self.swept = now;
        for index in 0..self.connections.len() {
            let connection = &self.connections[index];
            let age = now.saturating_sub(connection.since);
            match connection.phase {
                Phase::Busy if age > self.plan.timeout_ns => self.fail(index, Wrong::TimedOut),
                Phase::Ending if age > ENDING_MAX_NS => self.fail(index, Wrong::LeftOpen),
                Phase::Closed if age >= SWEEP_NS => self.open(index),
                Phase::Closed | Phase::Free | Phase::Busy | Phase::Ending => {}
            }
        }
    }

    /// Waits for events, but not past the next thing to do.
    fn wait(&self, events: &mut Vec<epoll::Event>, now: Nanos) -> Result<(), String> {
        let mut until = self.swept + SWEEP_NS;
        if let (Some(schedule), false) = (&self.schedule, self.free.is_empty()) {
            until = until.min(schedule.next());
        }
        if now < self.plan.measure_until {
            until = until.min(self.plan.measure_until);
        }
        if self.connections.iter().any(Connection::is_held) {
            until = until.min(now + LOOK_NS);
        }
        let mut timeout = timespec(until.saturating_sub(now));
        if self.schedule.is_some() && until > now {
            // epoll_wait counts in milliseconds; ppoll on the epoll descriptor in nanoseconds.
            let mut ready = [PollFd::new(&self.epoll, PollFlags::IN)];
            match rustix::event::poll(&mut ready, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => timeout = timespec(0),
                Err(fault) => return Err(format!("poll: {fault}")),
            }
        }
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(fault) => Err(format!("epoll_wait: {fault}")),
        }
    }

    fn is_over(&self, now: Nanos) -> bool {
        let (end, nothing_left) = (self.plan.measure_until, self.measured == 0);
        match (self.left, &self.schedule) {
            (Some(0), _) if nothing_left => true,
            (Some(_), _) | (None, None) => now >= end,
            (None, Some(schedule)) => {
                // Everything that was due gets its time to be answered.
                let all_begun = schedule.next() >= end;
                now >= end && (all_begun && nothing_left || now >= end + self.plan.timeout_ns)
            }
        }
    }

    /// Open loop: what was due and never answered counts with the time it has waited.
    fn settle(&mut self) {
        let now = self.clock.now();
        let Some(schedule) = &mut self.schedule else {
            return;
        };
        for connection in &self.connections {
            if connection.phase == Phase::Busy && connection.is_measured {
                self.stats.record_unanswered(now.saturating_sub(connection.intended));
            }
        }
        while self.left.is_none() && schedule.next() < self.plan.measure_until {
            if let Some(due) = schedule.take(now).filter(|due| *due >= self.plan.measure_from) {
                self.stats.record_unanswered(now.saturating_sub(due));
            }
        }
    }
}

fn timespec(ns: Nanos) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(ns / SECOND_NS).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(ns % SECOND_NS).unwrap_or(0),
    }
}

/// One `recv`: measured best on loopback (the second-level cache holds it).
const READ_BYTES: usize = 64 * 1_024;

/// Reads of one connection before others have a turn.
const READS_MAX: usize = 8;

/// Events taken at once.
const EVENTS_MAX: usize = 512;

/// How often time-outs are looked for.
const SWEEP_NS: Nanos = 100 * MILLISECOND_NS;

/// A server closes within this after `Connection: close`.
const ENDING_MAX_NS: Nanos = SECOND_NS;
