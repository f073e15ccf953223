//! The crowd beside the measured load: idle connections and slow clients.
//!
//! An idle connection has served one OPTIONS request before, as those of a proxy have: a server
//! that gives buffers back between requests shows it. A slow client sends a byte every 100 ms;
//! every other one sends its heads at once and is slow with the body only. A server may cut slow
//! clients off; that is counted and is no wrong answer.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendFlags};

use crate::answer::{Event, Reader};
use crate::clock::{Clock, MILLISECOND_NS, Nanos, SECOND_NS};
use crate::connection::idle_event;
use crate::judge::{Content, Form, Wrong, judge};
use crate::message::{Body, Shape, Template};
use crate::plan::Plan;
use crate::size::BodySize;
use crate::socket::connect;

/// Open connections that do nothing.
#[derive(Debug)]
pub(crate) struct Idle {
    sockets: Vec<OwnedFd>,
    report: IdleReport,
}

/// How idle connections fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdleReport {
    /// Asked for.
    pub(crate) wanted: u32,
    /// Whose OPTIONS request was answered.
    pub(crate) served: u32,
    /// Still open at the end of the run.
    pub(crate) open: u32,
}

impl Idle {
    /// Opens connections and has one OPTIONS request answered on each, for ten seconds at most.
    pub(crate) fn open(plan: &Plan, wanted: u32) -> Self {
        let clock = Clock::start();
        let mut idle =
            Self { sockets: Vec::new(), report: IdleReport { wanted, ..IdleReport::default() } };
        let request = options_request(&plan.shape);
        let mut left = wanted;
        while left > 0 {
            // Batches stay below what a listener's queue holds.
            let batch = left.min(IDLE_BATCH);
            left -= batch;
            let sockets: Vec<_> = (0..batch).filter_map(|_| connect(&plan.address).ok()).collect();
            let asked = |socket: &OwnedFd| {
                wait(socket, PollFlags::OUT, &clock, IDLE_TIME_NS)
                    && rustix::net::send(socket, request.as_bytes(), SendFlags::NOSIGNAL).is_ok()
            };
            let waiting: Vec<bool> = sockets.iter().map(asked).collect();
            for (socket, waits) in sockets.into_iter().zip(waiting) {
                let served = waits && read_options(&socket, &clock, IDLE_TIME_NS).is_some();
                idle.report.served += u32::from(served);
                idle.sockets.push(socket);
            }
        }
        idle
    }

    /// What became of them.
    pub(crate) fn report(&self) -> IdleReport {
        let open = self.sockets.iter().filter(|socket| idle_event(socket) == Ok(false)).count();
        IdleReport { open: u32::try_from(open).unwrap_or(u32::MAX), ..self.report }
    }
}

/// The OPTIONS request of a service.
pub(crate) fn options_request(shape: &Shape) -> String {
    format!(
        "OPTIONS {} ICAP/1.0\r\nHost: {}\r\nUser-Agent: icap-load\r\nEncapsulated: null-body=0\r\n\r\n",
        shape.uri, shape.host
    )
}

/// Reads the head of an answer to OPTIONS, until the clock says `until`.
pub(crate) fn read_options(socket: &OwnedFd, clock: &Clock, until: Nanos) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let mut part = [0; 2_048];
    while !head.ends_with(b"\r\n\r\n") && head.len() < OPTIONS_BYTES_MAX {
        if !wait(socket, PollFlags::IN, clock, until) {
            return None;
        }
        match rustix::net::recv(socket, &mut part, RecvFlags::empty()) {
            Ok((bytes, _)) if bytes > 0 => head.extend_from_slice(&part[..bytes]),
            Ok(_) | Err(_) => return None,
        }
    }
    Some(head)
}

/// Waits until a socket is ready, or the clock says `until`.
pub(crate) fn wait(socket: &OwnedFd, flags: PollFlags, clock: &Clock, until: Nanos) -> bool {
    let left = until.saturating_sub(clock.now());
    let timeout = Timespec {
        tv_sec: i64::try_from(left / SECOND_NS).unwrap_or(0),
        tv_nsec: i64::try_from(left % SECOND_NS).unwrap_or(0),
    };
    let mut ready = [PollFd::new(socket, flags)];
    matches!(rustix::event::poll(&mut ready, Some(&timeout)), Ok(count) if count > 0)
}

/// How slow clients fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlowReport {
    /// Asked for.
    pub(crate) wanted: u32,
    /// Right answers.
    pub(crate) right: u64,
    /// Cut off by the server: closed, or 408.
    pub(crate) cut: u64,
    /// Wrong answers.
    pub(crate) wrong: u64,
    /// In the middle of a request at the end.
    pub(crate) open: u32,
}

/// Keeps slow clients going until `stop`.
pub(crate) fn run_slow(plan: &Plan, wanted: u32, clock: Clock, stop: &AtomicBool) -> SlowReport {
    let template = slow_template(&plan.shape);
    let mut report = SlowReport { wanted, ..SlowReport::default() };
    let mut clients: Vec<Slow> = (0..wanted).map(|index| Slow::new(index, &template)).collect();
    let mut tick = 0;
    while !stop.load(Ordering::Acquire) {
        for client in clients.iter_mut().skip(tick % SLOW_PHASES).step_by(SLOW_PHASES) {
            client.step(plan, &template, &mut report);
        }
        tick += 1;
        clock.sleep_until(tick as u64 * SLOW_EVERY_NS / SLOW_PHASES as u64);
    }
    let open = clients.iter().filter(|client| client.socket.is_some()).count();
    report.open = u32::try_from(open).unwrap_or(u32::MAX);
    report
}

/// A client that sends a byte at a time.
#[derive(Debug)]
struct Slow {
    socket: Option<OwnedFd>,
    front: Vec<u8>,
    at: usize,
    /// Bytes sent at once in the beginning.
    head_start: usize,
    reader: Reader,
}

impl Slow {
    fn new(index: u32, template: &Template) -> Self {
        let mut front = Vec::new();
        template.stamp_into(&mut front, Some(u64::from(index) | SLOW_STAMPS));
        let payload = usize::try_from(template.payload_bytes()).unwrap_or(0);
        let heads = front.len().saturating_sub(payload + SLOW_FRAMING);
        Self {
            socket: None,
            head_start: if index.is_multiple_of(2) { 0 } else { heads },
            front,
            at: 0,
            reader: Reader::default(),
        }
    }

    /// Sends a byte and reads what there is.
    fn step(&mut self, plan: &Plan, template: &Template, report: &mut SlowReport) {
        let Some(socket) = &self.socket else {
            self.socket = connect(&plan.address).ok();
            self.at = 0;
            self.reader.reset();
            return;
        };
        let end = (self.at + 1).max(self.head_start).min(self.front.len());
        if self.at < end {
            match rustix::net::send(socket, &self.front[self.at..end], SendFlags::NOSIGNAL) {
                Ok(bytes) => self.at += bytes,
                Err(rustix::io::Errno::AGAIN) => {}
                Err(_) => return self.end(report, Err(Wrong::ClosedEarly)),
            }
        }
        let mut bytes = [0; 2_048];
        match rustix::net::recv(socket, &mut bytes, RecvFlags::empty()) {
            Ok((0, _)) => self.end(report, Err(Wrong::ClosedEarly)),
            Ok((count, _)) => {
                let original = template.original(&self.front);
                match self.reader.read(&mut &bytes[..count], &original) {
                    Ok(Event::Complete(seen)) => {
                        self.end(report, judge(template.expected, seen).map(drop));
                    }
                    Ok(Event::Continue | Event::NeedMore) => {}
                    Err(wrong) => self.end(report, Err(wrong)),
                }
            }
            Err(rustix::io::Errno::AGAIN) => {}
            Err(_) => self.end(report, Err(Wrong::ClosedEarly)),
        }
    }

    /// Counts how a request ended; the next one has a new connection.
    fn end(&mut self, report: &mut SlowReport, outcome: Result<(), Wrong>) {
        match outcome {
            Ok(()) => report.right += 1,
            Err(Wrong::ClosedEarly | Wrong::Status(408)) => report.cut += 1,
            Err(_) => report.wrong += 1,
        }
        self.socket = None;
    }
}

/// What slow clients send: 1 KiB without preview, the whole of it in the front.
fn slow_template(shape: &Shape) -> Template {
    let payload = vec![b'.'; SLOW_BODY_BYTES];
    let body = Body {
        size: BodySize::Bytes(payload.len()),
        payload: Arc::from(payload),
        content: Content::Clean,
        stamp_at: Some(0),
        media_type: "text/plain",
    };
    let shape =
        Shape { preview: None, allow_204: true, close: false, form: Form::Any, ..shape.clone() };
    Template::new(&shape, &body)
}

/// Connections asked for before the first answer is read.
const IDLE_BATCH: u32 = 100;

/// All idle connections together have this long to be served.
const IDLE_TIME_NS: Nanos = 10 * SECOND_NS;

/// More than any answer to OPTIONS.
const OPTIONS_BYTES_MAX: usize = 16 * 1_024;

/// Clients take turns, so that a tenth of them sends every 10 ms.
const SLOW_PHASES: usize = 10;

/// A byte of each client.
const SLOW_EVERY_NS: Nanos = 100 * MILLISECOND_NS;

/// As much as a front holds.
const SLOW_BODY_BYTES: usize = 1_024;

/// `400 CRLF` before the payload and the end behind it.
const SLOW_FRAMING: usize = 12;

/// Stamps of slow clients differ from those of workers.
const SLOW_STAMPS: u64 = 1 << 63;
