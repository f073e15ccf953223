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

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::icap::{self, Event, Note, Output};
use crate::observe::{self, Level};

use super::clock;
use super::exchange::{Exchange, Next};
use super::executor::{Stream, yield_if_needed};
use super::heartbeat::Pulse;
use super::held::{Held, HoldFault};
use super::input::Input;
use super::outgoing::{SLICES_MAX, send_all};
use super::shard::{Live, Shard};
use super::transport::{Door, Way};

/// What the shard sees of a connection.
pub(super) struct Seat {
    /// Set while a request is under way; without one a connection may be closed at any time.
    busy: Cell<bool>,
    pulse: Arc<Pulse>,
}

impl Seat {
    pub(super) fn new(pulse: Arc<Pulse>) -> Self {
        Self { busy: Cell::new(false), pulse }
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        !self.busy.get()
    }

    fn begin(&self) {
        if !self.busy.replace(true) {
            self.pulse.begin();
        }
    }

    /// True if there was a request.
    fn finish(&self) -> bool {
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

/// Serves a connection until either side ends it.
pub(super) async fn serve(mut stream: Stream, door: Door, shard: Rc<Shard>, seat: Rc<Seat>) {
    let live = shard.live();
    stream.set_write_timeout(live.server.write_timeout);
    // Who does not get this far has asked for nothing yet, so there is nobody to answer.
    if let Err(why) = admit(&mut stream, door.way, &live).await {
        return shard.refused(stream.client(), why);
    }
    let profile = door.profile;
    let core = icap::Connection::new(Arc::clone(live.icap_of(profile)), clock::now());
    let mut session = Session {
        input: Input::default(),
        held: Held::new(shard.pool.clone(), Arc::clone(&shard.side)),
        out: Vec::with_capacity(OUT_BYTES),
        body: Body::Dropped,
        exchange: Exchange::new(),
        asked: false,
        stalled: false,
        memory: Memory::Kept,
        stream,
        profile,
        core,
        live,
        shard,
        seat,
    };
    // How a connection ends is the client's affair: a reset is as good as a close.
    let _ended = session.run().await;
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

/// What the loop does next.
enum Turn {
    Again,
    Receive,
    Close,
}

impl Session {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            self.shard.pulse.turn();
            if self.flush().await? {
                return Ok(());
            }
            self.sent();
            // A client that is faster than the scan always has bytes waiting, so nothing else may pause.
            yield_if_needed().await;
            match self.step().await? {
                Turn::Again => {}
                Turn::Receive => self.receive().await?,
                Turn::Close => return Ok(()),
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
        match taken.event {
            None if taken.bytes > 0 => return Ok(Turn::Again),
            None => return Ok(Turn::Receive),
            Some(Event::Request) => {
                self.seat.begin();
                self.memory = Memory::Kept;
                let next = self.exchange.begin(&mut self.core, &self.live, &self.shard).await;
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
        self.body = Body::Dropped;
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
        }
        let next = self
            .exchange
            .scan(self.input.slice(data), &mut self.core, &self.live, &self.shard)
            .await;
        self.follow(next);
        if let Body::Held { ended: false } = self.body
            && self.held.bytes() > self.live.server.hold_bytes_max
        {
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
        let next = self.exchange.body_end(&mut self.core, &self.live, &self.shard).await;
        if !matches!(next, Next::Echo) {
            self.follow(next);
        }
        Ok(())
    }

    async fn receive(&mut self) -> io::Result<()> {
        if let Body::Echoed { ended: false } = self.body {
            self.send_body().await?;
        } else if self.asked && self.exchange.is_tailing() && !self.core.is_behind_body() {
            self.send_all_but_tail().await?;
        }
        if self.shard.pool.is_tight()
            && let Body::Held { .. } = self.body
        {
            if self.shard.pool.is_exhausted() {
                self.input.seal_if_full(&mut self.held);
            }
            self.spill().await;
        }
        let (shard, input, held) = (&self.shard, &mut self.input, &mut self.held);
        std::future::poll_fn(|context| input.poll_room(context, &shard.pool, held)).await;
        if !self.input.has_room() {
            // Only a core that takes nothing of a full buffer comes here: a defect, not a wait.
            return Err(io::ErrorKind::InvalidData.into());
        }
        let stalls = self.set_read_timeout();
        let (shard, stream, input) = (&self.shard, &mut self.stream, &mut self.input);
        let received =
            std::future::poll_fn(|context| input.poll_receive(context, stream, &shard.pool)).await;
        self.received(received, stalls)
    }

    /// Sets how long to wait for bytes. True if the end of the wait means that the proxy stalls.
    fn set_read_timeout(&self) -> bool {
        let Some(deadline) = self.core.poll_deadline() else { return false };
        let left = deadline.saturating_duration_since(clock::now());
        let stall = self.exchange.stall_time(&self.core, &self.live).filter(|time| *time < left);
        let wait = match stall {
            Some(time) => time,
            None if self.may_get_lean() => left.min(LEAN_AFTER),
            None => left,
        };
        self.stream.set_read_timeout(wait);
        stall.is_some()
    }

    fn received(&mut self, received: io::Result<usize>, stalls: bool) -> io::Result<()> {
        match received {
            Ok(0) => self.core.handle_end(clock::now()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                if stalls {
                    self.stalled = self.exchange.is_tailing();
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

    /// Sends the answer's head, the whole body and its tail, in one call where they fit.
    async fn send_whole_body(&mut self) -> io::Result<()> {
        self.send_spilled().await?;
        while self.held.sealed().count() >= SLICES_MAX - SLICES_SPARE {
            self.send_sealed(usize::MAX).await?;
        }
        self.core.body_sent(clock::now());
        let mut tail = Vec::new();
        let mut close = false;
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Send(bytes) => tail.extend_from_slice(bytes),
                Output::Close => close = true,
                Output::Body => {}
            }
        }
        self.send_rest(&tail).await?;
        self.body = Body::Dropped;
        if close {
            self.stream.end();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Sends what is held except for the tail, while the verdict is still to come. What is sent has been
    /// scanned; the end of the body never leaves before the verdict.
    async fn send_all_but_tail(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.stalled) {
            return self.send_body().await;
        }
        self.send_spilled().await?;
        while self.held.sealed().count() > TAIL_BUFFERS {
            let beyond = self.held.sealed().count() - TAIL_BUFFERS;
            self.send_sealed(beyond).await?;
        }
        Ok(())
    }

    /// Sends what has arrived of a body that is still coming.
    async fn send_body(&mut self) -> io::Result<()> {
        self.send_spilled().await?;
        while !self.held.is_empty() {
            self.send_sealed(usize::MAX).await?;
        }
        self.send_rest(&[]).await
    }

    async fn send_spilled(&mut self) -> io::Result<()> {
        while self.held.is_spilled() {
            let shard = Rc::clone(&self.shard);
            if shard.pool.is_exhausted() {
                // A buffer to read into is needed. Everybody may be waiting for one with the end of a
                // body in hand, so this one's goes to the file, too.
                self.input.seal(&mut self.held);
                let _full = self.held.spill(&shard.spool).await;
            }
            let buffer = std::future::poll_fn(|context| shard.pool.poll_take(context)).await;
            let read = self.held.unspill(buffer).await;
            let Ok((buffer, count)) = read else {
                // The answer has begun and cannot be completed: it must not look complete.
                self.stream.break_off();
                return Err(io::ErrorKind::Other.into());
            };
            let mut slices = [IoSlice::new(&self.out), IoSlice::new(&buffer.bytes()[..count])];
            let sent = send_all(&mut self.stream, &mut slices).await;
            shard.pool.give(buffer);
            sent?;
            self.out.clear();
        }
        Ok(())
    }

    /// Sends as many sealed buffers as fit one call, at most `buffers_max`, and gives them back.
    async fn send_sealed(&mut self, buffers_max: usize) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        slices[0] = IoSlice::new(&self.out);
        let mut used = 1;
        let mut whole = 0;
        let mut sent_alone = false;
        for sealed in self.held.sealed().take(buffers_max) {
            let count = sealed.runs.len();
            if used + count > SLICES_MAX {
                sent_alone = whole == 0;
                break;
            }
            for (slot, slice) in slices[used..].iter_mut().zip(sealed.slices()) {
                *slot = IoSlice::new(slice);
            }
            used += count;
            whole += 1;
        }
        if !sent_alone {
            send_all(&mut self.stream, &mut slices[..used]).await?;
            self.out.clear();
            self.held.release(whole);
            return Ok(());
        }
        self.send_many_runs().await
    }

    /// Sends the oldest sealed buffer, which is cut into more ranges than fit one call.
    async fn send_many_runs(&mut self) -> io::Result<()> {
        send_all(&mut self.stream, &mut [IoSlice::new(&self.out)]).await?;
        self.out.clear();
        if let Some(sealed) = self.held.sealed().next() {
            send_runs(&mut self.stream, sealed.slices()).await?;
        }
        self.held.release(1);
        Ok(())
    }

    /// Sends the head, the last sealed buffers, the current buffer's ranges and `tail`.
    async fn send_rest(&mut self, tail: &[u8]) -> io::Result<()> {
        let runs: usize = self.held.sealed().map(|sealed| sealed.runs.len()).sum();
        let all = self.held.sealed().flat_map(super::held::Sealed::slices).chain(self.input.held());
        if runs + self.input.runs.len() + 2 <= SLICES_MAX {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            slices[0] = IoSlice::new(&self.out);
            let mut used = 1;
            for (slot, slice) in slices[1..].iter_mut().zip(all) {
                *slot = IoSlice::new(slice);
                used += 1;
            }
            slices[used] = IoSlice::new(tail);
            send_all(&mut self.stream, &mut slices[..=used]).await?;
        } else {
            send_all(&mut self.stream, &mut [IoSlice::new(&self.out)]).await?;
            send_runs(&mut self.stream, all).await?;
            send_all(&mut self.stream, &mut [IoSlice::new(tail)]).await?;
        }
        self.out.clear();
        self.held.release(usize::MAX);
        self.input.runs.clear();
        Ok(())
    }

    async fn send_out(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            send_all(&mut self.stream, &mut [IoSlice::new(&self.out)]).await?;
            self.out.clear();
        }
        Ok(())
    }
}

/// Sends ranges that are many and small, as a client makes them that cuts its chunks byte by byte.
async fn send_runs<'r>(
    stream: &mut Stream,
    runs: impl Iterator<Item = &'r [u8]>,
) -> io::Result<()> {
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    let mut used = 0;
    for run in runs {
        slices[used] = IoSlice::new(run);
        used += 1;
        if used == SLICES_MAX {
            send_all(stream, &mut slices).await?;
            slices = [IoSlice::new(&[]); SLICES_MAX];
            used = 0;
        }
    }
    send_all(stream, &mut slices[..used]).await
}

/// Full buffers that stay while an answer runs ahead of its verdict: 128 KiB.
const TAIL_BUFFERS: usize = 2;

/// Slices of a call that are not sealed buffers: the head, the current buffer, the tail, a spare.
const SLICES_SPARE: usize = 4;

/// An idle connection keeps its memory for so long.
const LEAN_AFTER: Duration = Duration::from_secs(2);

/// How long a client may take to agree on TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// An answer's head with its encapsulated head fits without growing.
const OUT_BYTES: usize = 1 << 10;
