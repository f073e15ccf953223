//! One ICAP connection: moves bytes between the socket, the protocol, the scanner and the answer.
//!
//! ```text
//!   socket ─▶ Input ─▶ icap::Connection ─▶ events ─▶ Exchange (policy, scan) ─▶ decision
//!                │ ranges                                                        │
//!                └────▶ Held (buffers, then a file) ─▶ socket ◀── answer ────────┘
//! ```
//!
//! The loop has no opinion about ICAP: it asks the core what to send, gives it what arrived and tells
//! it when time is over. Scanning happens in place, a slice at a time, with a pause between slices if
//! somebody else of the shard has waited long enough.

#![forbid(unsafe_code)]

mod sending;

use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::icap::{self, Event, Note, Output};
use crate::observe::{self, Level};

use super::clock;
use super::exchange::{Exchange, Leaves, Next};
use super::executor::{Stream, Weight, give_way};
use super::held::{Held, HoldFault};
use super::input::Input;
use super::seat::Seat;
use super::shard::{Live, Place, Shard};
use super::transport::{Door, Way};

/// Serves a connection until either side ends it.
pub(super) async fn serve(mut stream: Stream, door: Door, place: Place, seat: Rc<Seat>) {
    let shard = place.shard();
    let live = shard.live();
    stream.set_write_timeout(live.server.write_timeout);
    // Who does not get this far has asked for nothing yet, so there is nobody to answer.
    if let Err(why) = admit(&mut stream, door.way, &live).await {
        return shard.refused(stream.client(), why);
    }
    let profile = door.profile;
    let core = icap::Connection::new(Arc::clone(live.icap_of(profile)), clock::now());
    let session = Box::new(Session {
        input: Input::default(),
        held: Held::new(shard.pool.clone(), Arc::clone(&shard.side), stream.is_coded()),
        out: Vec::with_capacity(OUT_BYTES),
        body: Body::Dropped,
        exchange: Exchange::new(),
        asked: false,
        stalled: false,
        memory: Memory::Kept,
        weight: Weight::Light,
        stream,
        profile,
        core,
        live,
        shard,
        seat,
    });
    go_on(session, place).await;
}

/// Serves a connection until it ends, or has another weight than its task.
async fn go_on(mut session: Box<Session>, place: Place) {
    if let Ok(Pause::Reweighed(weight)) = session.run().await {
        session.weight = weight;
        return place.go_on(weight, |place| go_on(session, place));
    }
    // How a connection ends is the client's affair: a reset is as good as a close.
    session.exchange.leave(&session.shard);
    session.input.clear(&session.shard.pool);
}

/// Lets a client in: it is one of those that may connect, and speaks TLS where that is spoken.
async fn admit(stream: &mut Stream, way: Way, live: &Live) -> Result<(), String> {
    let access = &live.access;
    if way != Way::Unix {
        stream.learn_client(&access.proxies).await?;
        if !access.admits(stream.client()) {
            return Err("AllowedClients does not have this address".to_owned());
        }
    }
    match (way, &access.icaps) {
        // Who listens for TLS has what it needs; a reload keeps it.
        (Way::Tls, None) => Err("there is no certificate".to_owned()),
        (Way::Tls, Some(config)) => {
            let started = stream.start_tls(Arc::clone(config), HANDSHAKE_TIME).await;
            started.map_err(|error| format!("no TLS: {error}"))
        }
        (Way::Tcp | Way::Unix, _) => Ok(()),
    }
}

struct Session {
    stream: Stream,
    /// The listener's, if it has one of its own.
    profile: Option<&'static str>,
    core: icap::Connection,
    input: Input,
    held: Held,
    /// Answer bytes of the core that wait to go out together with what follows them.
    out: Vec<u8>,
    body: Body,
    exchange: Exchange,
    /// The core has asked for the body; it gets it once there is a verdict.
    asked: bool,
    /// The proxy stalls although the answer has begun: the tail goes, too.
    stalled: bool,
    memory: Memory,
    /// That of the task which serves it.
    weight: Weight,
    live: Arc<Live>,
    shard: Rc<Shard>,
    seat: Rc<Seat>,
}

/// What an idle connection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    /// What the last request needed.
    Kept,
    /// Next to nothing: it has been idle for a while.
    GivenBack,
}

/// What the end of a wait for bytes means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// That none came.
    Bytes,
    /// That the next piece of a body may leave.
    Piece,
    /// That the proxy stalls.
    Stall,
}

/// What becomes of the body's wire bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// They are not needed.
    Dropped,
    /// They wait for the verdict.
    Held { ended: bool },
    /// They go back out as they are.
    Echoed { ended: bool },
}

/// Why the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// The connection is over.
    Over,
    /// It is for a task of this weight to go on.
    Reweighed(Weight),
}

/// What the loop does next.
enum Turn {
    Again,
    Receive,
    Close,
}

impl Session {
    async fn run(&mut self) -> io::Result<Pause> {
        loop {
            self.shard.pulse.turn();
            if self.flush().await? {
                return Ok(Pause::Over);
            }
            self.sent();
            let weight = Weight::of_bytes(self.exchange.body_bytes());
            if weight != self.weight {
                return Ok(Pause::Reweighed(weight));
            }
            // A client that is faster than the scan always has bytes waiting, so nothing else may pause.
            give_way(weight).await;
            match self.step().await? {
                Turn::Again => {}
                Turn::Receive => self.receive().await?,
                Turn::Close => return Ok(Pause::Over),
            }
        }
    }

    /// Sends what the core wants sent. True when the connection is over.
    async fn flush(&mut self) -> io::Result<bool> {
        loop {
            match self.core.poll_output() {
                Some(Output::Send(bytes)) => self.out.extend_from_slice(bytes),
                Some(Output::Body) => self.asked = true,
                Some(Output::Close) => {
                    self.send_out().await?;
                    if self.asked {
                        // An answer that has begun and cannot be completed must not look complete.
                        self.stream.break_off();
                    } else {
                        self.stream.end();
                    }
                    return Ok(true);
                }
                None => break,
            }
        }
        if self.asked && !self.exchange.is_scanning() {
            self.asked = false;
            let ended = self.body_has_ended();
            self.body = Body::Echoed { ended };
            if ended {
                self.send_whole_body().await?;
                return Ok(false);
            }
        }
        while let Some(note) = self.core.poll_note() {
            self.report(note);
        }
        // Of a body that is echoed while it comes, the head waits for the first bytes.
        if self.body != (Body::Echoed { ended: false }) {
            self.send_out().await?;
        }
        Ok(false)
    }

    /// What there was to send is out: what nobody needs any more is given back now, not before.
    fn sent(&mut self) {
        self.exchange.sent(&self.shard);
        if self.body == Body::Dropped && !self.held.is_empty() {
            self.held.clear();
        }
    }

    fn report(&self, note: Note) {
        if let Note::Fault(fault) = note
            && self.shard.journal.wants(Level::Debug)
        {
            let client = self.stream.client().map(|peer| peer.to_string()).unwrap_or_default();
            let fault = fault.to_string();
            self.shard.journal.write(observe::Event::ProtocolFault { client, fault });
        }
    }

    /// Lets the core look at what is there, and does what it says.
    async fn step(&mut self) -> io::Result<Turn> {
        if self.core.is_idle() {
            if self.shard.draining.get() {
                return Ok(Turn::Close);
            }
            self.begin_anew();
        } else if self.shard.draining.get() {
            self.core.retire(clock::now());
        }
        let taken = self.core.handle_bytes(self.input.unread(), clock::now());
        let base = self.input.position();
        self.input.consume(taken.bytes);
        if let Some(claim) = self.core.claim() {
            let answer = self.shard.claims.answer(claim, &self.live, &self.shard.side).await;
            self.core.answer_claim(answer, clock::now());
            return Ok(Turn::Again);
        }
        match taken.event {
            None if taken.bytes > 0 => return Ok(Turn::Again),
            None => return Ok(Turn::Receive),
            Some(Event::Request) => {
                if !self.seat.is_idle() {
                    // The request before it ended within the same bytes.
                    self.begin_anew();
                }
                self.seat.begin();
                self.memory = Memory::Kept;
                let peer = self.stream.client().map(|client| client.ip());
                let exchange = &mut self.exchange;
                let next = exchange.begin(&mut self.core, peer, &self.live, &self.shard).await;
                self.follow(next);
            }
            Some(Event::Body { wire, data }) => {
                let shift = |range: Range<usize>| base + range.start..base + range.end;
                self.take_body(shift(wire), shift(data)).await?;
            }
            Some(Event::PreviewEnd) => {
                let next = self.exchange.preview_end(&mut self.core, &self.live, &self.shard);
                self.follow(next);
            }
            Some(Event::BodyEnd) => self.end_body().await?,
        }
        Ok(Turn::Again)
    }

    /// Between two requests: the values in force are looked up, memory goes back.
    fn begin_anew(&mut self) {
        // Also when it has been idle: what was put in force meanwhile decides about the next request.
        let live = self.shard.live();
        if !Arc::ptr_eq(&live, &self.live) {
            self.core.set_options(Arc::clone(live.icap_of(self.profile)));
            self.live = live;
        }
        if !self.seat.finish() {
            return;
        }
        self.held.clear();
        self.input.runs.clear();
        self.input.data.clear();
        self.body = Body::Dropped;
        self.stalled = false;
        self.exchange.reset();
    }

    fn follow(&mut self, next: Next) {
        match next {
            Next::Hold => self.body = Body::Held { ended: false },
            // The core asks for the body when its head is out.
            Next::Echo => self.body = Body::Held { ended: self.body_has_ended() },
            Next::Drop => {
                self.body = Body::Dropped;
                self.input.runs.clear();
                self.input.data.clear();
            }
            Next::Unchanged => {}
        }
    }

    fn body_has_ended(&self) -> bool {
        matches!(self.body, Body::Held { ended: true } | Body::Echoed { ended: true })
    }

    async fn take_body(&mut self, wire: Range<usize>, data: Range<usize>) -> io::Result<()> {
        if self.body != Body::Dropped {
            self.held.count(wire.len());
            self.input.runs.add(wire);
            if self.exchange.is_betting() {
                self.input.data.add(data.clone());
            }
        }
        let next = self
            .exchange
            .scan(self.input.slice(data), &mut self.core, &self.live, &self.shard)
            .await;
        self.follow(next);
        if self.input.data.len() > DATA_RUNS_MAX {
            // A client that cuts its chunks small: to remember them costs more than to scan.
            self.catch_up().await;
        }
        if let Body::Held { ended: false } = self.body
            && self.held.bytes() - self.held.sent_bytes() > self.live.server.hold_bytes_max
        {
            if self.exchange.is_betting() {
                // A detection beats the limit.
                self.catch_up().await;
            }
            let next = self.exchange.hold_limit(&mut self.core, &self.live, &self.shard);
            self.follow(next);
        }
        Ok(())
    }

    async fn end_body(&mut self) -> io::Result<()> {
        match &mut self.body {
            Body::Held { ended } | Body::Echoed { ended } => *ended = true,
            Body::Dropped => {}
        }
        if self.body == (Body::Echoed { ended: true }) {
            return self.send_whole_body().await;
        }
        if !self.exchange.look_up(&self.live, &self.shard).await && self.exchange.is_betting() {
            self.catch_up().await;
        }
        let next = self.exchange.body_end(&mut self.core, &self.live, &self.shard).await;
        if !matches!(next, Next::Echo) {
            self.follow(next);
        }
        Ok(())
    }

    /// The body turns out to need a scan after all: what has come of it is scanned now.
    async fn catch_up(&mut self) {
        let sealed = self.held.sealed().flat_map(super::held::Sealed::data);
        let parts = sealed.chain(self.input.data());
        let (exchange, core) = (&mut self.exchange, &mut self.core);
        let next = exchange.catch_up(parts, core, &self.live, &self.shard).await;
        self.input.data.clear();
        self.follow(next);
    }

    async fn receive(&mut self) -> io::Result<()> {
        let was_scanning = self.exchange.is_scanning();
        let now = clock::now();
        if self.exchange.is_betting() && self.exchange.may_begin_early(&self.core, now) {
            // Nothing leaves that was not scanned.
            self.catch_up().await;
        }
        if self.exchange.begin_early(&mut self.core, &self.live, now) {
            // The head of the answer goes out first.
            return Ok(());
        }
        self.send_early().await?;
        if self.shard.pool.is_tight() && self.exchange.is_betting() {
            // What is in the file cannot be scanned any more.
            self.catch_up().await;
        }
        if was_scanning && !self.exchange.is_scanning() {
            // The answer is made: it goes out before anything is waited for.
            return Ok(());
        }
        if self.shard.pool.is_tight()
            && let Body::Held { .. } = self.body
        {
            if self.shard.pool.is_exhausted() {
                self.input.seal_if_full(&mut self.held);
            }
            self.spill().await;
            if was_scanning && !self.exchange.is_scanning() {
                return Ok(());
            }
        }
        let (shard, input, held) = (&self.shard, &mut self.input, &mut self.held);
        std::future::poll_fn(|context| input.poll_room(context, &shard.pool, held)).await;
        if !self.input.has_room() {
            // Only a core that takes nothing of a full buffer comes here: a defect, not a wait.
            return Err(io::ErrorKind::InvalidData.into());
        }
        let wait = self.set_read_timeout();
        let (shard, stream, input) = (&self.shard, &mut self.stream, &mut self.input);
        let received =
            std::future::poll_fn(|context| input.poll_receive(context, stream, &shard.pool)).await;
        self.received(received, wait).await
    }

    /// Sets how long to wait for bytes, and says what the end of the wait means.
    fn set_read_timeout(&self) -> Wait {
        let Some(deadline) = self.core.poll_deadline() else { return Wait::Bytes };
        let now = clock::now();
        let mut wait = (deadline.saturating_duration_since(now), Wait::Bytes);
        let sooner = |time: Option<Duration>, wait: &mut (Duration, Wait), why: Wait| {
            if let Some(time) = time.filter(|time| *time < wait.0) {
                *wait = (time, why);
            }
        };
        sooner(self.may_get_lean().then_some(LEAN_AFTER), &mut wait, Wait::Bytes);
        sooner(self.exchange.piece_time(&self.core, now), &mut wait, Wait::Piece);
        sooner(self.exchange.stall_time(&self.core, &self.live), &mut wait, Wait::Stall);
        self.stream.set_read_timeout(wait.0);
        wait.1
    }

    async fn received(&mut self, received: io::Result<usize>, wait: Wait) -> io::Result<()> {
        match received {
            Ok(0) => self.core.handle_end(clock::now()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                if wait == Wait::Stall {
                    if self.exchange.is_betting() {
                        self.catch_up().await;
                    }
                    let exchange = &mut self.exchange;
                    let next = exchange.pause(&mut self.core, &self.live, &self.shard).await;
                    self.follow(next);
                    self.stalled = self.exchange.leaves() == Leaves::AllButTail;
                    self.exchange.stalled(&mut self.core, &self.live);
                }
                if self.may_get_lean() {
                    self.get_lean();
                }
                self.core.handle_deadline(clock::now());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn may_get_lean(&self) -> bool {
        self.memory == Memory::Kept && self.core.is_idle()
    }

    /// Gives back what only a busy connection needs; thousands of idle ones are the normal case.
    fn get_lean(&mut self) {
        self.memory = Memory::GivenBack;
        self.core.release_memory();
        self.out = Vec::new();
        self.stream.release_memory();
    }

    async fn spill(&mut self) {
        let fault = match self.held.spill(&self.shard.spool).await {
            Ok(()) => return,
            Err(fault) => fault,
        };
        let next = match fault {
            HoldFault::SpoolFull => {
                self.exchange.hold_limit(&mut self.core, &self.live, &self.shard)
            }
            HoldFault::Io(error) => self.exchange.hold_failed(&error, &mut self.core, &self.shard),
        };
        self.follow(next);
    }
}

/// Pieces of a body, in one buffer, that are remembered while it is not scanned.
const DATA_RUNS_MAX: usize = 64;

/// An idle connection keeps its memory for so long.
const LEAN_AFTER: Duration = Duration::from_secs(2);

/// How long a client may take to agree on TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// An answer's head with its encapsulated head fits without growing.
const OUT_BYTES: usize = 1 << 10;
