//! What a connection tells its owner, and the few values that are its state.
//!
//! The public half is the contract with the owner: [`Event`] comes out of bytes, [`Output`] has to be
//! carried out, [`Note`] is for the log. The private half are the states drawn on the pages of the room and
//! of [`super::Connection`]; the enums have no data of the body, which stays with the owner.

use std::ops::Range;

use super::Fault;
use crate::http::chunked;

/// What a call of [`super::Connection::handle_bytes`] did with the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Bytes consumed from the front of the slice.
    pub bytes: usize,
    /// What they amount to. `None`: all bytes are consumed, or the rest has to wait for the owner's
    /// decision or output.
    pub event: Option<Event>,
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The ICAP head and the encapsulated HTTP heads are complete; see [`super::Connection::request`].
    Request,
    /// A piece of the body, as ranges into the slice just given. Either may be empty.
    Body {
        /// The bytes to keep for an echo: framing included, chunk extensions cut out.
        wire: Range<usize>,
        /// The payload to scan; lies within `wire`.
        data: Range<usize>,
    },
    /// The preview ended and is not the whole body: answer, or [`super::Connection::continue_`].
    PreviewEnd,
    /// The whole body has been seen, or there is none.
    BodyEnd,
}

/// What is to be done towards the client, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Send these bytes. They count as sent with the next call of any `&mut self` method.
    Send(&'a [u8]),
    /// Send every `wire` byte of the body, those kept and those to come, then call [`super::Connection::body_sent`].
    Body,
    /// Close the connection: nothing more will be sent or read.
    Close,
}

/// How a message that goes on is answered (RFC 3507 section 4.6, draft-icap-ext-partial-content).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmodified {
    /// 204: the client uses its own copy; body bytes need not be kept.
    NoContent,
    /// 200: the message is sent back. If it has a body, [`Output::Body`] will ask for it.
    Echo,
    /// 206: the client puts its own copy of the body behind another head; body bytes need not be kept.
    PartialContent,
}

/// What the core did by itself, for the log and the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// An OPTIONS request was answered.
    Options,
    /// A request was refused, or a connection given up, for this reason.
    Fault(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Between requests.
    Idle,
    /// In the ICAP head.
    Head,
    /// Behind the ICAP head; the owner checks what the client claims to be.
    Claim,
    /// In the encapsulated HTTP heads.
    Heads,
    /// At the end of heads that no body follows.
    NullBody,
    /// In the preview.
    Preview,
    /// At the end of a preview that is not the whole body; the owner decides.
    Paused,
    /// In the body.
    Body,
    /// Behind the body, in the client's ICAP trailer.
    Trailer,
    /// At an end whose bytes have been handed out, but not the event.
    AtEnd(chunked::End),
    /// The request is complete.
    Ended,
    /// Whatever arrives means nothing any more.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The owner has not decided.
    Waiting,
    /// An echo that begins when the preview has ended.
    Deferred,
    /// The head of an echo is in the outbox; the owner sends the body.
    Echo(EchoBody),
    /// Every byte of the answer is in the outbox or sent.
    Complete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EchoBody {
    NotAsked,
    Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// The connection lives.
    No,
    /// It closes when the outbox is empty.
    WhenSent,
    /// The owner has been told.
    Told,
}

/// How the preview of this request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PreviewEnd {
    /// There is none, or it has not ended.
    NotYet,
    /// With `ieof`: the last chunk of an echo is ours to write.
    Ieof,
    /// With 100 Continue: the preview's right to a 204 is used up.
    Continued,
}

/// Bytes of ours on their way out.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) bytes: Vec<u8>,
    /// The owner holds a reference to the bytes and sends them.
    pub(super) is_handed: bool,
}

impl Outbox {
    /// Forgets what the owner was given.
    pub(super) fn settle(&mut self, retain: usize) {
        if self.is_handed {
            self.bytes.clear();
            self.bytes.shrink_to(retain);
            self.is_handed = false;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.is_handed || self.bytes.is_empty()
    }
}

impl Event {
    /// The same event in a slice with `start` more bytes in front.
    pub(super) fn shifted(self, start: usize) -> Self {
        let shift = |range: Range<usize>| {
            range.start.saturating_add(start)..range.end.saturating_add(start)
        };
        match self {
            Self::Body { wire, data } => Self::Body { wire: shift(wire), data: shift(data) },
            Self::Request | Self::PreviewEnd | Self::BodyEnd => self,
        }
    }
}
