//! One connection of a clamd client, in turns: what it asks, what is scanned for it, what it is told.
//!
//! ```text
//!   turn: results of jobs ▶ replies out ▶ the task at hand ▶ bytes that were left ▶ bytes that are there
//!            each as long as it goes, until something has to be waited for or TURN_BYTES are done
//! ```
//!
//! Order of replies: commands outside of sessions are one to a connection. In a session, files are jobs
//! that run beside it, streams are scanned as they come, and each is answered when it is done.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::clamd::reply::{self, Statistics};
use crate::clamd::{Command, Connection, How, Tag};
use crate::clamd::{Event as Asked, Unchecked};
use crate::engine::Remains;
use crate::engine::verdict::{Verdict, Why};
use crate::observe::{Event, Message};

use super::paths::{self, Found, Opened, Walk, words};
use super::porter::FIRST_TOKEN;
use super::scanning::{FileScan, Outcome, Scanning};
use super::sockets::Stream;
use super::workers::{Done, Job, Work, Working};
use super::{Shared, Wait};
use crate::runtime::clock;
use crate::runtime::shard::Live;

/// What is to happen with a connection after its turn.
pub(super) enum Next {
    /// Another turn, after the others.
    Again,
    /// Nothing, until what it waits for is there.
    Park(Wait),
    /// It is over.
    Close,
}

/// One connection.
pub(super) struct Conversation {
    token: u64,
    stream: Stream,
    core: Connection,
    /// Received, and not looked at yet.
    unread: Vec<u8>,
    /// Came along with the bytes received last.
    descriptor: Option<OwnedFd>,
    /// The stream that is coming in.
    streaming: Option<Scanning>,
    /// What is being worked on in turns.
    task: Option<Task>,
    /// Jobs that were done since the last turn.
    results: Vec<Done>,
    /// What scans held, until their answers are out.
    remains: Vec<Remains>,
    gone: Arc<AtomicBool>,
    since: Instant,
    /// When a client that reads nothing has had enough time.
    write_until: Option<Instant>,
    read_time: Duration,
    has_ended: bool,
    /// Whether the kernel says that the client is gone.
    pub(super) is_hung_up: bool,
}

enum Task {
    /// One file.
    File { tag: Tag, name: Vec<u8>, scan: Box<FileScan> },
    /// A directory.
    Walk(Box<Walking>),
}

/// A directory under way.
struct Walking {
    tag: Tag,
    how: How,
    name: Vec<u8>,
    /// `None` when every file was come by.
    walk: Option<Walk>,
    /// The file that is scanned now, in turns.
    file: Option<(Vec<u8>, FileScan)>,
    /// Files that are jobs.
    under_way: usize,
    /// Whether a line was said about something in it.
    is_said: bool,
}

/// What came of a step.
enum Step {
    Worked,
    Waits,
}

impl Conversation {
    pub(super) fn new(token: u64, stream: Stream, live: &Live) -> Self {
        let now = clock::now();
        let options = live.clamd.protocol;
        Self {
            token,
            stream,
            core: Connection::new(options, now),
            unread: Vec::new(),
            descriptor: None,
            streaming: None,
            task: None,
            results: Vec::new(),
            remains: Vec::new(),
            gone: Arc::new(AtomicBool::new(false)),
            since: now,
            write_until: None,
            read_time: options.read_time,
            has_ended: false,
            is_hung_up: false,
        }
    }

    pub(super) const fn token(&self) -> u64 {
        self.token
    }

    /// When it wants a turn although nothing happened.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.write_until.or_else(|| self.core.deadline())
    }

    /// Whether it can be closed without harm.
    pub(super) fn is_idle(&self) -> bool {
        self.core.is_idle()
    }

    /// Takes the result of a job over, for the next turn.
    pub(super) fn add_result(&mut self, done: Done) {
        self.results.push(done);
    }

    /// What it is doing, for `STATS`.
    pub(super) fn working(&self) -> Working {
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let (command, name) = match &self.task {
            Some(Task::File { name: path, .. }) => ("SCAN", name(path)),
            Some(Task::Walk(walking)) => (command(walking.how), name(&walking.name)),
            None if self.streaming.is_some() => ("INSTREAM", String::new()),
            None => ("COMMAND", String::new()),
        };
        Working { command, name, since: self.since }
    }

    /// Works until something has to be waited for, or it is somebody else's turn.
    pub(super) fn turn(&mut self, shared: &Shared, buffer: &mut [u8]) -> Next {
        let now = clock::now();
        if self.write_until.is_some_and(|until| now >= until) {
            return Next::Close;
        }
        for done in std::mem::take(&mut self.results) {
            self.settle(done, shared);
        }
        if self.write_until.is_none()
            && let Some(asked) = self.core.handle_deadline(now)
        {
            self.act(asked, &[], shared);
        }
        let mut left = TURN_BYTES;
        loop {
            match self.flush() {
                Err(_gone) => return Next::Close,
                Ok(false) => return self.park(Wait::Write),
                Ok(true) => self.remains.clear(),
            }
            if self.core.is_over() && !self.core.is_cut() {
                return Next::Close;
            }
            if left == 0 {
                return Next::Again;
            }
            left = left.saturating_sub(buffer.len());
            if self.task.is_some() {
                if let Step::Waits = self.work(shared, buffer) {
                    return self.park(Wait::Jobs);
                }
            } else if self.core.is_full() {
                return self.park(Wait::Jobs);
            } else if !self.unread.is_empty() {
                let bytes = std::mem::take(&mut self.unread);
                self.take(&bytes, shared);
            } else if self.has_ended {
                return self.park(Wait::Jobs);
            } else if shared.draining.load(Ordering::Relaxed) && self.core.is_idle() {
                return Next::Close;
            } else {
                match self.receive(shared, buffer) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return self.park(Wait::Read);
                    }
                    Err(_gone) => return Next::Close,
                }
            }
        }
    }

    /// Who waits for a client that is gone waits in vain.
    const fn park(&self, wait: Wait) -> Next {
        if self.is_hung_up { Next::Close } else { Next::Park(wait) }
    }

    /// Sends what there is to send; says whether all of it went.
    fn flush(&mut self) -> io::Result<bool> {
        while !self.core.output().is_empty() {
            match self.stream.send(self.core.output()) {
                Ok(sent) => {
                    self.core.sent(sent);
                    self.write_until = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let until =
                        self.write_until.or_else(|| clock::now().checked_add(self.read_time));
                    self.write_until = until;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        if self.core.is_over() && self.core.is_cut() {
            // It learns that nothing more comes; what it still sends is read for a moment.
            self.stream.end();
        }
        Ok(true)
    }

    fn receive(&mut self, shared: &Shared, buffer: &mut [u8]) -> io::Result<()> {
        let (count, descriptor) = self.stream.receive(buffer)?;
        if count == 0 {
            self.has_ended = true;
            if let Some(asked) = self.core.handle_end(clock::now()) {
                self.act(asked, &[], shared);
            }
            return Ok(());
        }
        // One that waits for its command's last byte stays, unless another comes.
        if descriptor.is_some() {
            self.descriptor = descriptor;
        }
        self.take(buffer.get(..count).unwrap_or_default(), shared);
        Ok(())
    }

    /// Looks at bytes, until all are taken or something has to be done first.
    fn take(&mut self, bytes: &[u8], shared: &Shared) {
        let mut rest = bytes;
        while !rest.is_empty() && self.task.is_none() && !self.core.is_full() {
            let taken = self.core.handle_bytes(rest, clock::now());
            let (front, behind) = rest.split_at(taken.bytes.min(rest.len()));
            rest = behind;
            if let Some(asked) = taken.event {
                self.act(asked, front, shared);
            }
        }
        self.unread = rest.to_vec();
        if self.unread.is_empty() && self.descriptor.is_some() && !self.core.wants_descriptor() {
            self.descriptor = None;
            if let Some(asked) = self.core.stray_descriptor(clock::now()) {
                self.act(asked, &[], shared);
            }
        }
    }

    fn act(&mut self, asked: Asked, bytes: &[u8], shared: &Shared) {
        match asked {
            Asked::Command(tag, Command::Scan { path, how }) => self.scan(tag, path, how, shared),
            Asked::Command(tag, Command::Stats) => {
                self.core.answer_text(tag, &reply::stats(&statistics(shared)));
                self.core.finish(clock::now());
            }
            Asked::Command(tag, command) => self.say(tag, &simple(&command, self, shared)),
            Asked::StreamBegin(_) => {
                self.since = clock::now();
                self.streaming = Some(Scanning::start(&shared.publisher.current(), None, false));
            }
            Asked::StreamData(range) => {
                if let Some(scanning) = &mut self.streaming {
                    scanning.feed(bytes.get(range).unwrap_or_default());
                }
            }
            Asked::StreamDropped => self.streaming = None,
            Asked::StreamEnd(tag) => {
                if let Some(scanning) = self.streaming.take() {
                    self.tell(tag, b"stream", Ok(scanning.finish()), "INSTREAM", shared);
                }
                self.core.finish(clock::now());
            }
            Asked::Descriptor(tag) => match self.descriptor.take() {
                Some(descriptor) => self.scan_descriptor(tag, descriptor, shared),
                None => self.say(tag, reply::NO_DESCRIPTOR.as_bytes()),
            },
        }
    }

    /// A reply of one line, and the end of it.
    fn say(&mut self, tag: Tag, line: &[u8]) {
        self.core.answer(tag, line);
        self.core.finish(clock::now());
    }

    fn scan_descriptor(&mut self, tag: Tag, descriptor: OwnedFd, shared: &Shared) {
        let name = format!("fd[{}]", descriptor.as_raw_fd()).into_bytes();
        match paths::regular(descriptor) {
            Ok((file, size)) => {
                let live = shared.publisher.current();
                self.scan_file(tag, name, FileScan::start(&live, file, size, false), shared);
            }
            Err(_other) => self.say(tag, &reply::error(&name, reply::NOT_REGULAR)),
        }
    }

    fn scan(&mut self, tag: Tag, path: Vec<u8>, how: How, shared: &Shared) {
        let live = shared.publisher.current();
        if !self.stream.is_local && !live.clamd.network_paths {
            return self.say(tag, &reply::error(&path, reply::PATHS_REFUSED));
        }
        match paths::open(&path) {
            Ok(Opened::File(file, size)) => {
                let scan = FileScan::start(&live, file, size, how == How::AllMatches);
                self.scan_file(tag, path, scan, shared);
            }
            Ok(Opened::Directory(directory)) => {
                let walk = Walk::new(&path, directory, live.clamd.directories_max);
                self.since = clock::now();
                self.task = Some(Task::Walk(Box::new(Walking {
                    tag,
                    how,
                    name: path,
                    walk: Some(walk),
                    file: None,
                    under_way: 0,
                    is_said: false,
                })));
            }
            Err(line) => self.say(tag, &line),
        }
    }

    /// In a session beside everything else, if there is room; else before everything else.
    fn scan_file(&mut self, tag: Tag, name: Vec<u8>, scan: FileScan, shared: &Shared) {
        self.since = clock::now();
        if self.core.is_session() && shared.reserve_job() {
            self.submit(tag, name, scan, shared);
        } else {
            self.task = Some(Task::File { tag, name, scan: Box::new(scan) });
        }
    }

    /// Hands a file to the queue, where a job has been reserved.
    fn submit(&self, tag: Tag, name: Vec<u8>, scan: FileScan, shared: &Shared) {
        let (connection, gone, since) = (self.token, Arc::clone(&self.gone), clock::now());
        shared.submit(Work::Job(Box::new(Job { connection, tag, name, scan, gone, since })));
    }

    /// Does a piece of the task at hand.
    fn work(&mut self, shared: &Shared, buffer: &mut [u8]) -> Step {
        match self.task.take() {
            None => Step::Worked,
            Some(Task::File { tag, name, mut scan }) => {
                match scan.turn(buffer, buffer.len()) {
                    None => self.task = Some(Task::File { tag, name, scan }),
                    Some(outcome) => {
                        self.tell(tag, &name, outcome, "SCAN", shared);
                        self.core.finish(clock::now());
                    }
                }
                Step::Worked
            }
            Some(Task::Walk(mut walking)) => {
                let step = self.walk(&mut walking, shared, buffer);
                let is_over =
                    walking.walk.is_none() && walking.file.is_none() && walking.under_way == 0;
                if !is_over {
                    self.task = Some(Task::Walk(walking));
                    return step;
                }
                if !walking.is_said {
                    self.core.answer(walking.tag, &reply::ok(&walking.name));
                }
                self.core.finish(clock::now());
                Step::Worked
            }
        }
    }

    fn walk(&mut self, walking: &mut Walking, shared: &Shared, buffer: &mut [u8]) -> Step {
        if let Some((name, mut scan)) = walking.file.take() {
            match scan.turn(buffer, buffer.len()) {
                None => walking.file = Some((name, scan)),
                Some(outcome) => self.tell_member(walking, &name, outcome, shared),
            }
            return Step::Worked;
        }
        if walking.under_way >= PARALLEL_MAX {
            return Step::Waits;
        }
        let Some(walk) = &mut walking.walk else { return Step::Waits };
        match walk.next() {
            None => walking.walk = None,
            Some(Found::Fault(line)) => {
                walking.is_said = true;
                self.core.answer(walking.tag, &line);
            }
            Some(Found::File(name, file, size)) => {
                let live = shared.publisher.current();
                let scan = FileScan::start(&live, file, size, walking.how == How::AllMatches);
                if walking.how == How::Parallel && shared.reserve_job() {
                    walking.under_way += 1;
                    self.submit(walking.tag, name, scan, shared);
                } else {
                    walking.file = Some((name, scan));
                }
            }
        }
        Step::Worked
    }

    /// A job is done.
    fn settle(&mut self, done: Done, shared: &Shared) {
        let Done { tag, name, outcome, .. } = done;
        if let Some(Task::Walk(mut walking)) = self.task.take_if(|task| is_member(task, tag)) {
            walking.under_way = walking.under_way.saturating_sub(1);
            self.tell_member(&mut walking, &name, outcome, shared);
            self.task = Some(Task::Walk(walking));
        } else {
            self.tell(tag, &name, outcome, "SCAN", shared);
            self.core.finish(clock::now());
        }
    }

    /// Of a file in a directory only that is said which is not clean.
    fn tell_member(
        &mut self,
        walking: &mut Walking,
        name: &[u8],
        outcome: io::Result<Outcome>,
        shared: &Shared,
    ) {
        let is_clean = matches!(&outcome, Ok(outcome) if outcome.verdict == Verdict::Clean);
        if is_clean {
            return;
        }
        walking.is_said = true;
        let is_found =
            matches!(&outcome, Ok(outcome) if matches!(outcome.verdict, Verdict::Infected(_)));
        self.tell(walking.tag, name, outcome, command(walking.how), shared);
        if is_found && matches!(walking.how, How::First | How::AllMatches) {
            walking.walk = None;
        }
    }

    /// What became of an object, to the client and to the log.
    fn tell(
        &mut self,
        tag: Tag,
        name: &[u8],
        outcome: io::Result<Outcome>,
        direction: &'static str,
        shared: &Shared,
    ) {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                let line = reply::error(name, &format!("{}.", words(&error)));
                return self.core.answer(tag, &line);
            }
        };
        let unchecked = shared.publisher.current().clamd.protocol.unchecked;
        let Outcome { verdict, detections, bytes, story, remains } = outcome;
        self.remains.push(remains);
        for line in reply::verdict(name, &verdict, &detections, unchecked) {
            self.core.answer(tag, &line);
        }
        let message = |reason: String, action| {
            Box::new(Message {
                id: format!("clamd-{}", self.token.saturating_sub(FIRST_TOKEN)),
                url: String::from_utf8_lossy(name).into_owned(),
                direction,
                client: self.stream.peer.clone(),
                user: String::new(),
                reason,
                action,
                decided: String::new(),
                bytes,
                layers: story,
                released: String::new(),
            })
        };
        match verdict {
            Verdict::Clean => {}
            Verdict::Infected(first) => {
                let place = if first.path.is_empty() { "" } else { " in " };
                let reason = format!("{}{place}{}", first.name, first.path);
                shared.journal.write(Event::Reported(message(reason, "found")));
            }
            Verdict::Unscanned(why) => {
                if why == Why::Failed {
                    let url = String::from_utf8_lossy(name).into_owned();
                    shared.journal.write(Event::ScanFailed { url });
                }
                let action = match unchecked {
                    Unchecked::Error => "answered with ERROR",
                    Unchecked::Found => "answered with FOUND",
                };
                shared.journal.write(Event::Unscanned(message(why.to_string(), action)));
            }
        }
    }
}

impl AsFd for Conversation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

fn is_member(task: &Task, of: Tag) -> bool {
    matches!(task, Task::Walk(walking) if walking.tag == of)
}

const fn command(how: How) -> &'static str {
    match how {
        How::First => "SCAN",
        How::Continue => "CONTSCAN",
        How::Parallel => "MULTISCAN",
        How::AllMatches => "ALLMATCHSCAN",
    }
}

/// The reply to a command that needs no scan.
fn simple(command: &Command, conversation: &Conversation, shared: &Shared) -> Vec<u8> {
    match command {
        Command::Version => version(shared).into_bytes(),
        Command::VersionCommands => reply::version_commands(&version(shared)).into_bytes(),
        Command::Reload => {
            let client = conversation.stream.peer.clone();
            shared.journal.write(Event::ReloadAsked { client });
            (shared.reload)();
            reply::RELOADING.into()
        }
        Command::Ping | Command::Stats | Command::Scan { .. } => reply::PONG.into(),
    }
}

fn version(shared: &Shared) -> String {
    let live = shared.publisher.current();
    let facts = live.engine.database();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(facts.created_seconds));
    // `Sun, 22 Nov 2026 02:59:04 GMT` in the order of ctime(3), which clients of clamd parse.
    let words: Vec<&str> = date.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let date = match words.as_slice() {
        [day, number, month, year, time, ..] => {
            format!("{day} {month} {:>2} {time} {year}", number.trim_start_matches('0'))
        }
        _ => date,
    };
    reply::version(env!("CARGO_PKG_VERSION"), &facts.version, &date)
}

fn statistics(shared: &Shared) -> Statistics {
    let items = shared.slots.items();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or_default().saturating_mul(1_024)
    };
    Statistics {
        threads: shared.slots.count(),
        busy: items.len(),
        queued: shared.queue.len(),
        items,
        memory_bytes: bytes("VmRSS:"),
        memory_peak_bytes: bytes("VmHWM:"),
    }
}

/// What is done for one connection before others have their turn: about a millisecond of scanning.
pub(super) const TURN_BYTES: usize = 1 << 20;

/// Files of one `MULTISCAN` at a time.
const PARALLEL_MAX: usize = 64;
