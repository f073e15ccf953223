//! One connection of a client: commands in, replies out, and the time that everything may take.
//!
//! ```text
//!   Command ──INSTREAM──▶ Length ⇄ Data ──0──▶ Command (in a session) or Ended
//!      │ └──FILDES──────▶ Dummy ─────────────▶   "
//!      └──END, a single command, a fault ────▶ Ended: what still comes is dropped
//! ```
//!
//! The caller gives bytes as they come and gets one event a call. Replies may be given in any order;
//! in a session each carries the number of its command. The connection is over when it has ended,
//! nothing is under way and everything is sent.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::Options;
use super::command::{Command, Framing, Wish, parse};
use super::reply;

/// To which command a reply belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    framing: Framing,
    /// Its number in a session.
    number: Option<u64>,
}

/// Something for the caller to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Answer this.
    Command(Tag, Command),
    /// A stream begins: scan what comes.
    StreamBegin(Tag),
    /// Bytes of it: where they are in what was given.
    StreamData(Range<usize>),
    /// It is complete: answer it.
    StreamEnd(Tag),
    /// It will not be completed, and nobody waits for an answer.
    StreamDropped,
    /// Scan the descriptor that came with these bytes and answer, or say that there is none.
    Descriptor(Tag),
}

/// What one call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes taken from the front.
    pub bytes: usize,
    /// What to do before the next call.
    pub event: Option<Event>,
}

#[derive(Debug)]
enum State {
    /// A command, or the pause before it.
    Command,
    /// The length of a chunk.
    Length { bytes: [u8; 4], have: usize },
    /// The rest of a chunk.
    Data { left: u32 },
    /// The byte that carries a descriptor.
    Dummy(Tag),
    /// Nothing is read any more.
    Ended,
}

/// A stream that comes in.
#[derive(Clone, Copy, Debug)]
struct Stream {
    tag: Tag,
    bytes: u64,
    /// When it has to be complete.
    until: Instant,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    options: Options,
    state: State,
    /// What there is of a command.
    line: Vec<u8>,
    stream: Option<Stream>,
    /// The number of the last command, in a session.
    session: Option<u64>,
    /// Commands that wait for the end of their reply.
    under_way: u32,
    out: Vec<u8>,
    /// When the state has to change.
    deadline: Instant,
    /// When the command that has begun has to be complete.
    command_until: Instant,
    /// Whether the client may still be sending what nobody reads.
    is_cut: bool,
}

impl Connection {
    /// A connection that was just opened.
    #[must_use]
    pub fn new(options: Options, now: Instant) -> Self {
        let deadline = after(now, options.command_time);
        Self {
            options,
            state: State::Command,
            line: Vec::new(),
            stream: None,
            session: None,
            under_way: 0,
            out: Vec::new(),
            deadline,
            command_until: deadline,
            is_cut: false,
        }
    }

    /// Takes bytes up to the next event. Called again with the rest until nothing is taken or the
    /// connection [is full](Self::is_full).
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) -> Taken {
        match self.state {
            State::Ended => Taken { bytes: bytes.len(), event: None },
            State::Command => self.command_bytes(bytes, now),
            State::Length { bytes: length, have } => self.length_bytes(bytes, length, have, now),
            State::Data { left } => self.data_bytes(bytes, left, now),
            State::Dummy(tag) => {
                if bytes.is_empty() {
                    return Taken { bytes: 0, event: None };
                }
                self.next_command(now);
                Taken { bytes: 1, event: Some(Event::Descriptor(tag)) }
            }
        }
    }

    /// Nothing more comes from the client; what is under way is still answered.
    pub fn handle_end(&mut self, now: Instant) -> Option<Event> {
        let event = match self.state {
            State::Command if self.is_bare() => self.whole_command(now),
            State::Command | State::Dummy(_) | State::Ended => None,
            State::Length { .. } | State::Data { .. } => self.drop_stream(),
        };
        if let State::Dummy(_) = self.state {
            self.under_way = self.under_way.saturating_sub(1);
        }
        self.state = State::Ended;
        self.is_cut = false;
        event
    }

    /// The deadline has passed.
    pub fn handle_deadline(&mut self, now: Instant) -> Option<Event> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        if let State::Command = self.state
            && self.is_bare()
        {
            return self.whole_command(now);
        }
        let event = self.drop_stream();
        self.line.clear();
        if let State::Dummy(_) = self.state {
            self.under_way = self.under_way.saturating_sub(1);
        }
        if !matches!(self.state, State::Ended) {
            self.write(None, reply::TIMED_OUT.as_bytes(), b'\n');
        }
        // What it sends after this was waited for long enough.
        self.state = State::Ended;
        self.is_cut = false;
        event
    }

    /// When [`Self::handle_deadline`] is to be called; `None` while only we make the client wait.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let waits_for_us = match self.state {
            State::Command => self.line.is_empty() && self.under_way > 0,
            State::Ended => !self.is_cut,
            State::Length { .. } | State::Data { .. } | State::Dummy(_) => false,
        };
        if waits_for_us {
            return None;
        }
        match &self.stream {
            Some(stream) => Some(self.deadline.min(stream.until)),
            None => Some(self.deadline),
        }
    }

    /// Whether a command waits for a descriptor.
    #[must_use]
    pub const fn wants_descriptor(&self) -> bool {
        matches!(self.state, State::Dummy(_))
    }

    /// A descriptor came with the bytes that were just taken, and [no command waits for it](Self::wants_descriptor).
    pub fn stray_descriptor(&mut self, now: Instant) -> Option<Event> {
        let event = self.drop_stream();
        self.write(None, reply::STRAY_DESCRIPTOR.as_bytes(), b'\n');
        self.cut(now);
        event
    }

    /// Writes a line of a reply. The last one is followed by [`Self::finish`]. What could pass for the
    /// end of a line, in a name from a disk, becomes `?`.
    pub fn answer(&mut self, tag: Tag, line: &[u8]) {
        let end = tag.framing.end();
        let is_end = |byte: u8| byte == 0 || end == b'\n' && matches!(byte, b'\n' | b'\r');
        let line: Vec<u8> =
            line.iter().map(|byte| if is_end(*byte) { b'?' } else { *byte }).collect();
        self.write(tag.number, &line, end);
    }

    /// Writes a reply of several lines of our own.
    pub fn answer_text(&mut self, tag: Tag, text: &str) {
        self.write(tag.number, text.as_bytes(), tag.framing.end());
    }

    /// A command is answered completely.
    pub fn finish(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0 && self.line.is_empty() && matches!(self.state, State::Command) {
            self.deadline = after(now, self.options.idle_time);
        }
    }

    /// Whether the next command has to wait because too many are under way.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.state, State::Command) && self.under_way >= self.options.in_flight_max
    }

    /// Whether nothing is under way and nothing half said: it may be closed without harm.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.under_way == 0
            && self.line.is_empty()
            && self.out.is_empty()
            && matches!(self.state, State::Command | State::Ended)
    }

    /// Whether everything is said and done. Where the client may still be sending, it has to be read
    /// for a moment ([`Self::is_cut`]), because closing at once could destroy the reply on its way.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended) && self.under_way == 0 && self.out.is_empty()
    }

    /// Whether the client was interrupted in the middle of something.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether commands are numbered.
    #[must_use]
    pub const fn is_session(&self) -> bool {
        self.session.is_some()
    }

    /// What is to be sent.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// So many bytes of it were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.out.drain(..bytes.min(self.out.len()));
    }

    fn command_bytes(&mut self, bytes: &[u8], now: Instant) -> Taken {
        let Some(first) = self.line.first().or_else(|| bytes.first()).copied() else {
            return Taken { bytes: 0, event: None };
        };
        if self.line.is_empty() {
            self.command_until = after(now, self.options.command_time);
        }
        let (framing, _) = Framing::of(first);
        let room = COMMAND_BYTES_MAX.saturating_sub(self.line.len());
        let end = bytes.iter().take(room).position(|byte| *byte == framing.end());
        let taken = end.unwrap_or_else(|| room.min(bytes.len()));
        self.line.extend(bytes.iter().take(taken));
        if end.is_some() {
            let event = self.whole_command(now);
            return Taken { bytes: taken.saturating_add(1), event };
        }
        if self.line.len() >= COMMAND_BYTES_MAX {
            let tag = self.begin(framing);
            self.refuse(tag, now);
        } else if framing == Framing::Bare {
            self.deadline = self.command_until.min(after(now, BARE_PAUSE));
        } else {
            self.deadline = self.command_until;
        }
        Taken { bytes: taken, event: None }
    }

    /// The line is complete.
    fn whole_command(&mut self, now: Instant) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let (framing, prefix) =
            line.first().map_or((Framing::Bare, 0), |first| Framing::of(*first));
        let wish = parse(line.get(prefix..).unwrap_or_default(), framing);
        if wish == Wish::End && self.session.is_some() {
            self.state = State::Ended;
            return None;
        }
        if wish == Wish::Session && self.session.is_none() {
            self.session = Some(0);
            self.deadline = after(now, self.options.idle_time);
            return None;
        }
        let tag = self.begin(framing);
        let is_allowed = self.session.is_none() || is_for_sessions(&wish, framing);
        match wish {
            Wish::Command(command) if is_allowed => {
                self.next_command(now);
                Some(Event::Command(tag, command))
            }
            Wish::Stream if is_allowed => {
                let until = after(now, self.options.stream_time);
                self.stream = Some(Stream { tag, bytes: 0, until });
                self.next_chunk(now);
                Some(Event::StreamBegin(tag))
            }
            Wish::Descriptor if is_allowed => {
                self.state = State::Dummy(tag);
                self.deadline = after(now, self.options.command_time);
                None
            }
            Wish::Command(_)
            | Wish::Stream
            | Wish::Descriptor
            | Wish::Session
            | Wish::End
            | Wish::Unknown => {
                self.refuse(tag, now);
                None
            }
        }
    }

    fn length_bytes(
        &mut self,
        bytes: &[u8],
        mut length: [u8; 4],
        have: usize,
        now: Instant,
    ) -> Taken {
        let mut taken = 0_usize;
        for (place, byte) in length.iter_mut().skip(have).zip(bytes) {
            *place = *byte;
            taken = taken.saturating_add(1);
        }
        let have = have.saturating_add(taken);
        if taken > 0 {
            self.deadline = after(now, self.options.read_time);
        }
        if have < length.len() {
            self.state = State::Length { bytes: length, have };
            return Taken { bytes: taken, event: None };
        }
        let left = u32::from_be_bytes(length);
        let event = match &mut self.stream {
            Some(stream) if left > 0 => {
                stream.bytes = stream.bytes.saturating_add(left.into());
                let tag = stream.tag;
                if stream.bytes > self.options.stream_bytes_max {
                    self.answer_text(tag, reply::STREAM_LIMIT);
                    let event = self.drop_stream();
                    self.cut(now);
                    event
                } else {
                    self.state = State::Data { left };
                    None
                }
            }
            stream => {
                let ended = stream.take();
                self.next_command(now);
                ended.map(|stream| Event::StreamEnd(stream.tag))
            }
        };
        Taken { bytes: taken, event }
    }

    fn data_bytes(&mut self, bytes: &[u8], left: u32, now: Instant) -> Taken {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if taken == 0 {
            return Taken { bytes: 0, event: None };
        }
        let left = left.saturating_sub(u32::try_from(taken).unwrap_or(left));
        self.state = State::Data { left };
        self.deadline = after(now, self.options.read_time);
        if left == 0 {
            self.next_chunk(now);
        }
        Taken { bytes: taken, event: Some(Event::StreamData(0..taken)) }
    }

    /// Counts a command that is under way.
    fn begin(&mut self, framing: Framing) -> Tag {
        self.under_way = self.under_way.saturating_add(1);
        if let Some(number) = &mut self.session {
            *number = number.saturating_add(1);
        }
        Tag { framing, number: self.session }
    }

    /// After a command: another one in a session, nothing otherwise.
    fn next_command(&mut self, now: Instant) {
        self.state = if self.session.is_some() { State::Command } else { State::Ended };
        self.deadline = after(now, self.options.idle_time);
    }

    fn next_chunk(&mut self, now: Instant) {
        self.state = State::Length { bytes: [0; 4], have: 0 };
        self.deadline = after(now, self.options.read_time);
    }

    /// A command that is not understood is the last one: what follows cannot be made sense of.
    fn refuse(&mut self, tag: Tag, now: Instant) {
        let text = if tag.number.is_some() { reply::INVALID_IN_SESSION } else { reply::UNKNOWN };
        self.answer_text(tag, text);
        self.under_way = self.under_way.saturating_sub(1);
        self.line.clear();
        self.cut(now);
    }

    fn drop_stream(&mut self) -> Option<Event> {
        self.stream.take()?;
        self.under_way = self.under_way.saturating_sub(1);
        Some(Event::StreamDropped)
    }

    /// Ends in the middle of what the client says.
    fn cut(&mut self, now: Instant) {
        self.state = State::Ended;
        self.is_cut = true;
        self.deadline = after(now, CUT_TIME);
    }

    /// Whether a command without framing has begun: silence completes it.
    fn is_bare(&self) -> bool {
        self.line.first().is_some_and(|first| Framing::of(*first).0 == Framing::Bare)
    }

    fn write(&mut self, number: Option<u64>, text: &[u8], end: u8) {
        if let Some(number) = number {
            self.out.extend_from_slice(format!("{number}: ").as_bytes());
        }
        self.out.extend_from_slice(text);
        self.out.push(end);
    }
}

/// What may be asked in a session. clamd(8), IDSESSION.
fn is_for_sessions(wish: &Wish, framing: Framing) -> bool {
    use super::command::How;
    let is_known = match wish {
        Wish::Command(Command::Scan { how, .. }) => *how == How::First,
        Wish::Command(
            Command::Ping | Command::Version | Command::VersionCommands | Command::Stats,
        )
        | Wish::Stream
        | Wish::Descriptor => true,
        Wish::Command(Command::Reload) | Wish::Session | Wish::End | Wish::Unknown => false,
    };
    is_known && framing != Framing::Bare
}

/// The clock cannot be so far that this overflows; if it is, now is late enough.
fn after(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or(now)
}

/// A command with its prefix: the longest path of a system and the longest name.
const COMMAND_BYTES_MAX: usize = 4_096 + 16;

/// A bare command may come without an end, and silence completes it: monitoring says `PING` and waits.
const BARE_PAUSE: Duration = Duration::from_millis(100);

/// How long a client that was interrupted is listened to, so that it can read why.
const CUT_TIME: Duration = Duration::from_secs(5);
