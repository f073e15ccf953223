//! One connection to a store: commands go out in a row, replies come in the same order.
//!
//! ```text
//!   new ─▶ AUTH, SELECT ─▶ ready ─▶ get, put … ─▶ handle_bytes ─▶ poll_answer
//!                │                     └ handle_deadline: late, answered; its reply is thrown away in its turn
//!                └ refused: over
//! ```
//!
//! Nothing is asked before password and database were accepted, so nothing is ever written into the wrong one. In
//! flight are at most [`Options::in_flight_max`] commands; who comes then is told that nothing is known. Every
//! question gets exactly one answer, at its deadline at the latest, as long as the caller keeps time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::health::Refusal;
use super::resp::{Fault, Reader, Reply};
use super::value::{self, Foul, Secret, VALUE_BYTES_MAX};
use crate::adaptation::verdicts::key::{ContentKey, write_hex};
use crate::adaptation::verdicts::settled::Settled;

/// How a store is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// `SharedCacheKeyFile`.
    pub secret: Secret,
    /// `SharedCachePasswordFile`.
    pub password: Option<Box<str>>,
    /// The number behind the `/` of `SharedCache`.
    pub database: u32,
    /// Commands without a reply at the same time.
    pub in_flight_max: usize,
    /// `SharedCacheTimeout`: how long a question waits.
    pub time_max: Duration,
    /// `VerdictLifetime`, in seconds: how long a verdict is good, and kept.
    pub lifetime_s: u64,
}

/// The number of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What came of a question, or of a command that nobody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The store knows the verdict.
    Found {
        /// The question.
        ticket: Ticket,
        /// What it was about.
        key: ContentKey,
        /// The verdict.
        settled: Settled,
        /// When it was made, in seconds: it is not younger for having been found.
        born: u64,
    },
    /// Nothing is known.
    Absent {
        /// The question.
        ticket: Ticket,
        /// Why.
        why: Absence,
    },
    /// The store refused a command, in these words.
    Refused(Refusal),
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It is not there.
    Unknown,
    /// There is something, and it is not what we wrote.
    Foul(Foul),
    /// No reply in time.
    Late,
    /// The store refused.
    Refused,
    /// The connection is over.
    Gone,
}

/// What came of all questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Verdicts.
    pub found: u64,
    /// Questions about what is not there.
    pub unknown: u64,
    /// Values that are not what we wrote, or too old.
    pub foul: u64,
    /// Questions without a reply in time.
    pub late: u64,
    /// Commands that were refused.
    pub refused: u64,
    /// Commands that were not sent, because too many were on their way.
    pub full: u64,
}

/// The connection, without its socket.
#[derive(Debug)]
pub struct Connection {
    options: Arc<Options>,
    reader: Reader,
    pending: VecDeque<Pending>,
    out: Vec<u8>,
    answers: VecDeque<Answer>,
    tickets: u64,
    fault: Option<Fault>,
    counts: Counts,
}

/// A command whose reply is still to come.
#[derive(Debug)]
struct Pending {
    what: What,
    sent: Instant,
}

#[derive(Debug)]
enum What {
    /// `AUTH` or `SELECT`.
    Hello,
    Get {
        ticket: Ticket,
        key: ContentKey,
    },
    /// A `GET` that was answered at its deadline.
    Late,
    Put,
}

impl Connection {
    /// A connection that was just made.
    #[must_use]
    pub fn new(options: Arc<Options>, now: Instant) -> Self {
        let mut new = Self {
            options,
            reader: Reader::new(VALUE_BYTES_MAX),
            pending: VecDeque::new(),
            out: Vec::new(),
            answers: VecDeque::new(),
            tickets: 0,
            fault: None,
            counts: Counts::default(),
        };
        let options = Arc::clone(&new.options);
        if let Some(password) = &options.password {
            new.command(&[b"AUTH", password.as_bytes()], What::Hello, now);
        }
        if options.database != 0 {
            let number = options.database.to_string();
            new.command(&[b"SELECT", number.as_bytes()], What::Hello, now);
        }
        new
    }

    /// Whether questions are taken: password and database were accepted, and it is not over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.fault.is_none() && !self.pending.iter().any(|one| matches!(one.what, What::Hello))
    }

    /// Why it is over, once it is: close the socket then.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// What came of all questions.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Asks for a verdict. `None`: it cannot be asked now, so nothing is known.
    pub fn get(&mut self, key: &ContentKey, now: Instant) -> Option<Ticket> {
        if !self.has_room() {
            return None;
        }
        self.tickets = self.tickets.saturating_add(1);
        let ticket = Ticket(self.tickets);
        self.command(&[b"GET", name(key).as_bytes()], What::Get { ticket, key: *key }, now);
        Some(ticket)
    }

    /// Stores a verdict that was made at `born`, for as long as it is good at `seconds`; whether it was sent. What
    /// comes of it is told where the store refuses.
    pub fn put(
        &mut self,
        key: &ContentKey,
        settled: &Settled,
        born: u64,
        (now, seconds): (Instant, u64),
    ) -> bool {
        let age = seconds.saturating_sub(born);
        let left = self.options.lifetime_s.saturating_sub(age);
        if left == 0 || !self.has_room() {
            return false;
        }
        let value = value::seal(&self.options.secret, key, settled, born);
        let (name, left) = (name(key), left.to_string());
        let parts: [&[u8]; 5] = [b"SET", name.as_bytes(), &value, b"EX", left.as_bytes()];
        self.command(&parts, What::Put, now);
        true
    }

    /// Bytes for the socket, all there are; `None`: none.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        (!self.out.is_empty()).then(|| std::mem::take(&mut self.out))
    }

    /// The next answer.
    pub fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// When [`Self::handle_deadline`] is to be called, unless something comes before.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Instant> {
        let question = self.pending.iter().find(|one| matches!(one.what, What::Get { .. }));
        let late = question.and_then(|one| one.sent.checked_add(self.options.time_max));
        let silent = self.pending.front().and_then(|one| one.sent.checked_add(SILENCE_MAX));
        late.into_iter().chain(silent).min()
    }

    /// Time has passed: questions that waited long enough are answered, and a store that says nothing at all for
    /// [`SILENCE_MAX`] is given up.
    pub fn handle_deadline(&mut self, now: Instant) {
        let has_waited = |sent: Instant, time: Duration| {
            now.checked_duration_since(sent).is_some_and(|waited| waited >= time)
        };
        for one in &mut self.pending {
            if let What::Get { ticket, .. } = one.what
                && has_waited(one.sent, self.options.time_max)
            {
                one.what = What::Late;
                self.counts.late = self.counts.late.saturating_add(1);
                self.answers.push_back(Answer::Absent { ticket, why: Absence::Late });
            }
        }
        if self.pending.front().is_some_and(|one| has_waited(one.sent, SILENCE_MAX)) {
            self.end(Fault::Silent);
        }
    }

    /// The socket was closed, or failed.
    pub fn handle_end(&mut self) {
        self.end(Fault::Closed);
    }

    /// Bytes from the socket. `seconds` is the time by which the age of verdicts is measured.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant, seconds: u64) {
        self.handle_deadline(now);
        let mut rest = bytes;
        while self.fault.is_none() {
            match self.reader.read(&mut rest) {
                Ok(Some(reply)) => self.reply(reply, seconds),
                Ok(None) => return,
                Err(fault) => self.end(fault),
            }
        }
    }

    fn reply(&mut self, reply: Reply, seconds: u64) {
        let Some(one) = self.pending.pop_front() else {
            self.end(Fault::Unasked);
            return;
        };
        let is_error = matches!(reply, Reply::Error(_));
        if let Reply::Error(line) = &reply {
            self.counts.refused = self.counts.refused.saturating_add(1);
            self.answers.push_back(Answer::Refused(Refusal::of(line)));
        }
        match (one.what, reply) {
            (What::Hello, Reply::Error(_)) => self.end(Fault::Refused),
            (What::Get { ticket, .. }, Reply::Error(_)) => self.absent(ticket, Absence::Refused),
            (What::Get { ticket, .. }, Reply::Null) => self.absent(ticket, Absence::Unknown),
            (What::Get { ticket, key }, Reply::Bulk(value)) => {
                let Options { secret, lifetime_s, .. } = &*self.options;
                match value::open(secret, &key, &value, *lifetime_s, seconds) {
                    Ok((settled, born)) => {
                        self.counts.found = self.counts.found.saturating_add(1);
                        self.answers.push_back(Answer::Found { ticket, key, settled, born });
                    }
                    Err(foul) => self.absent(ticket, Absence::Foul(foul)),
                }
            }
            (What::Hello | What::Put, Reply::Simple)
            | (What::Late, Reply::Bulk(_) | Reply::Null) => {}
            (What::Late | What::Put, _) if is_error => {}
            (What::Get { ticket, .. }, Reply::Simple | Reply::Integer) => {
                self.absent(ticket, Absence::Gone);
                self.end(Fault::Unfit);
            }
            (What::Hello | What::Put | What::Late, _) => self.end(Fault::Unfit),
        }
    }

    fn absent(&mut self, ticket: Ticket, why: Absence) {
        let count = match why {
            Absence::Unknown => Some(&mut self.counts.unknown),
            Absence::Foul(_) => Some(&mut self.counts.foul),
            Absence::Late => Some(&mut self.counts.late),
            // Refusals are counted as such, and what is gone is told by the fault.
            Absence::Refused | Absence::Gone => None,
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
        self.answers.push_back(Answer::Absent { ticket, why });
    }

    /// It is over: whoever still waits is told.
    fn end(&mut self, fault: Fault) {
        if self.fault.is_some() {
            return;
        }
        self.fault = Some(fault);
        self.out.clear();
        for one in std::mem::take(&mut self.pending) {
            if let What::Get { ticket, .. } = one.what {
                self.answers.push_back(Answer::Absent { ticket, why: Absence::Gone });
            }
        }
    }

    /// Whether one more command may be sent. Answers that nobody fetched count, so that they are bounded, too.
    fn has_room(&mut self) -> bool {
        if !self.is_ready() {
            return false;
        }
        let max = self.options.in_flight_max;
        let has_room = self.pending.len() < max && self.answers.len() < max;
        if !has_room {
            self.counts.full = self.counts.full.saturating_add(1);
        }
        has_room
    }

    /// Appends a command: an array of bulk strings.
    fn command(&mut self, parts: &[&[u8]], what: What, now: Instant) {
        self.out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
        for part in parts {
            self.out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            self.out.extend_from_slice(part);
            self.out.extend_from_slice(b"\r\n");
        }
        self.pending.push_back(Pending { what, sent: now });
    }
}

/// The key on the wire.
fn name(key: &ContentKey) -> String {
    let mut name = NAME_FRONT.to_owned();
    // A string takes everything.
    let _always_ok = write_hex(key.as_bytes(), &mut name);
    name
}

/// In front of every key: whose it is, and the version of its value.
pub const NAME_FRONT: &str = "baleen:v1:";

/// How long a store may say nothing while a command waits. Far longer than any question waits: a slow store is
/// no dead one, and its late replies have to be thrown away one by one.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
