//! The promises of the clamd room.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that fails may panic, and some instant has to be the first"
)]

mod deadlines;
mod replies;
mod talk;

use std::time::{Duration, Instant};

use super::{Command, Connection, Event, How, Options, Tag};

/// A connection whose limits are small enough to be met.
fn options() -> Options {
    Options { stream_bytes_max: 100, in_flight_max: 4, ..Options::default() }
}

/// What a client hears.
struct Client {
    core: Connection,
    now: Instant,
    /// Commands that were not answered yet.
    open: Vec<Tag>,
    /// What was asked, in words.
    asked: Vec<String>,
    answers_at_once: bool,
}

impl Client {
    fn new() -> Self {
        let now = Instant::now();
        let core = Connection::new(options(), now);
        Self { core, now, open: Vec::new(), asked: Vec::new(), answers_at_once: true }
    }

    /// Gives it bytes in pieces of this size; says how many were taken before it was full.
    fn send(&mut self, bytes: &[u8], piece: usize) -> usize {
        let mut done = 0;
        for cut in bytes.chunks(piece) {
            let mut rest = cut;
            while !rest.is_empty() && !self.core.is_full() {
                let taken = self.core.handle_bytes(rest, self.now);
                self.note(taken.event, rest);
                assert!(taken.bytes > 0, "bytes are taken unless it is full");
                rest = &rest[taken.bytes..];
                done += taken.bytes;
            }
        }
        done
    }

    fn end(&mut self) {
        let event = self.core.handle_end(self.now);
        self.note(event, &[]);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        let event = self.core.handle_deadline(self.now);
        self.note(event, &[]);
    }

    fn note(&mut self, event: Option<Event>, bytes: &[u8]) {
        let Some(event) = event else { return };
        let (word, tag) = match event {
            Event::Command(tag, Command::Scan { path, how }) => {
                let how = match how {
                    How::First => "scan",
                    How::Continue => "all of",
                    How::Parallel => "at once",
                    How::AllMatches => "every match in",
                };
                (format!("{how} {}", String::from_utf8_lossy(&path)), Some(tag))
            }
            Event::Command(tag, command) => (format!("{command:?}"), Some(tag)),
            Event::StreamBegin(_) => ("stream".to_owned(), None),
            Event::StreamData(range) => {
                let data = String::from_utf8_lossy(&bytes[range]).into_owned();
                // How a stream is cut says nothing.
                match self.asked.last_mut() {
                    Some(last) if last.starts_with("data ") => last.push_str(&data),
                    _ => self.asked.push(format!("data {data}")),
                }
                return;
            }
            Event::StreamEnd(tag) => ("end of stream".to_owned(), Some(tag)),
            Event::StreamDropped => ("dropped".to_owned(), None),
            Event::Descriptor(tag) => ("descriptor".to_owned(), Some(tag)),
        };
        self.asked.push(word);
        if let Some(tag) = tag {
            self.open.push(tag);
        }
        if self.answers_at_once {
            self.answer_all();
        }
    }

    fn answer_all(&mut self) {
        for tag in std::mem::take(&mut self.open) {
            self.core.answer(tag, b"answer");
            self.core.finish(self.now);
        }
    }

    /// What it has heard so far, NULs as `|` and newlines as `/`.
    fn heard(&mut self) -> String {
        let heard = String::from_utf8_lossy(self.core.output()).into_owned();
        self.core.sent(heard.len());
        heard.replace('\0', "|").replace('\n', "/")
    }
}
