//! One DNS question until it is answered: servers one after the other, TCP where UDP is too small.
//!
//! ```text
//!   attempt: Send ─▶ packet ─┬─ answer ─────────────▶ Done
//!                            ├─ truncated ─▶ Connect ▶ packet ▶ Done
//!                            ├─ refused ─▶ next attempt
//!                            └─ not an answer to this question: ignored
//!   time of the attempt over ─▶ next attempt, with the next server and a new id
//! ```

use std::time::{Duration, Instant};

use super::NoAnswer;
use super::dns::{Kind, Name, Records, Reply, query, read};

/// A question under way.
#[derive(Clone, Debug)]
pub struct Lookup {
    name: Name,
    kind: Kind,
    servers: usize,
    attempt: usize,
    attempts: usize,
    attempt_time: Duration,
    attempt_end: Instant,
    end: Instant,
    id: u16,
    over_tcp: bool,
    ignored: u16,
}

/// What is to be done for a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this to the server, from a new port, over UDP. What was open before is closed.
    Send {
        /// The server's index.
        server: usize,
        /// The message.
        message: Vec<u8>,
    },
    /// Send this to the server over TCP, with its length in front. What was open before is closed.
    Connect {
        /// The server's index.
        server: usize,
        /// The message, without its length.
        message: Vec<u8>,
    },
    /// Nothing: wait.
    Wait,
    /// It is over.
    Done(Result<Records, NoAnswer>),
}

impl Lookup {
    /// A question to so many servers, to be answered until `end`, and its first step. `id` has to be one
    /// that nobody can guess, here and everywhere below.
    #[must_use]
    pub fn new(
        name: Name,
        kind: Kind,
        servers: usize,
        (now, end): (Instant, Instant),
        id: u16,
    ) -> (Self, Step) {
        let attempts = servers.clamp(ATTEMPTS_MIN, ATTEMPTS_MAX);
        let time = end.saturating_duration_since(now);
        let share = u32::try_from(attempts).unwrap_or(1);
        let mut lookup = Self {
            name,
            kind,
            servers,
            attempt: 0,
            attempts,
            attempt_time: time.checked_div(share).unwrap_or(time),
            attempt_end: now,
            end,
            id,
            over_tcp: false,
            ignored: 0,
        };
        let step =
            if servers == 0 { Step::Done(Err(NoAnswer::Refused)) } else { lookup.send(now, id) };
        (lookup, step)
    }

    /// When [`Self::handle_deadline`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        if self.over_tcp { self.end } else { self.attempt_end.min(self.end) }
    }

    /// Something came from the server that was asked.
    pub fn handle_message(&mut self, message: &[u8], now: Instant, id: u16) -> Step {
        match read(message, self.id, &self.name, self.kind) {
            Some(Reply::Records(records)) => Step::Done(Ok(records)),
            Some(Reply::Truncated) if !self.over_tcp => {
                self.over_tcp = true;
                self.id = id;
                Step::Connect { server: self.server(), message: query(id, &self.name, self.kind) }
            }
            Some(Reply::Truncated | Reply::Refused(_)) => self.next(NoAnswer::Refused, now, id),
            None if self.over_tcp => self.next(NoAnswer::Refused, now, id),
            None => {
                // Somebody guesses, or a late answer to an older question: the right one may follow.
                self.ignored = self.ignored.saturating_add(1);
                if self.ignored > IGNORED_MAX {
                    self.next(NoAnswer::Refused, now, id)
                } else {
                    Step::Wait
                }
            }
        }
    }

    /// The server cannot be reached, or has hung up.
    pub fn handle_failure(&mut self, now: Instant, id: u16) -> Step {
        self.next(NoAnswer::Refused, now, id)
    }

    /// A deadline may have passed.
    pub fn handle_deadline(&mut self, now: Instant, id: u16) -> Step {
        if now >= self.end {
            Step::Done(Err(NoAnswer::Time))
        } else if now >= self.deadline() {
            self.next(NoAnswer::Time, now, id)
        } else {
            Step::Wait
        }
    }

    fn next(&mut self, why: NoAnswer, now: Instant, id: u16) -> Step {
        self.attempt = self.attempt.saturating_add(1);
        if self.attempt >= self.attempts || now >= self.end {
            return Step::Done(Err(why));
        }
        self.send(now, id)
    }

    fn send(&mut self, now: Instant, id: u16) -> Step {
        self.attempt_end = now.checked_add(self.attempt_time).unwrap_or(self.end);
        self.over_tcp = false;
        self.ignored = 0;
        self.id = id;
        Step::Send { server: self.server(), message: query(id, &self.name, self.kind) }
    }

    fn server(&self) -> usize {
        self.attempt.checked_rem(self.servers).unwrap_or_default()
    }
}

/// A single server is asked twice.
const ATTEMPTS_MIN: usize = 2;
const ATTEMPTS_MAX: usize = 3;

/// Messages that are no answer, before the server counts as broken: guesses come in thousands.
const IGNORED_MAX: u16 = 100;
