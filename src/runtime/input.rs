//! What a connection has received and not yet dealt with: one buffer of the pool, filled from the
//! left, read in place.
//!
//! ```text
//!   0        start            end          BUFFER_BYTES
//!   ├─ dealt ──┼──── unread ────┼──── room ────┤
//!      runs: the ranges of the dealt part that the message holds back
//! ```
//!
//! Between requests there is no buffer at all: ten thousand idle connections cost none.

use std::ops::Range;
use std::task::{Context, Poll};

use super::executor::Stream;
use super::held::{Held, Runs};
use super::pool::{BUFFER_BYTES, Buffer, Pool};
use super::traffic::Moved;

/// The receiving side of a connection.
#[derive(Default)]
pub(super) struct Input {
    buffer: Option<Buffer>,
    start: usize,
    end: usize,
    /// What of the buffer is held back.
    pub(super) runs: Runs,
    /// Of those, what is not framing, while that has to be known.
    pub(super) data: Runs,
}

impl Input {
    /// Bytes received and not yet dealt with.
    pub(super) fn unread(&self) -> &[u8] {
        self.slice(self.start..self.end)
    }

    /// Where the unread bytes begin in the buffer.
    pub(super) fn position(&self) -> usize {
        self.start
    }

    /// A part of the buffer.
    pub(super) fn slice(&self, range: Range<usize>) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| &buffer.bytes()[range])
    }

    /// Deals with the next `count` bytes.
    pub(super) fn consume(&mut self, count: usize) {
        debug_assert!(self.start + count <= self.end, "more than was received");
        self.start += count;
    }

    /// The slices of the buffer that are held back.
    pub(super) fn held(&self) -> impl Iterator<Item = &[u8]> {
        self.runs.slices(self.buffer.as_ref().map_or(&[], Buffer::bytes))
    }

    /// The slices of the buffer that are data of the body.
    pub(super) fn data(&self) -> impl Iterator<Item = &[u8]> {
        self.data.slices(self.buffer.as_ref().map_or(&[], Buffer::bytes))
    }

    /// Receives more; gives the number of bytes, zero at the end. Without a buffer one is taken for
    /// the call and given back when nothing has arrived.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut Stream,
        pool: &Pool,
    ) -> Poll<std::io::Result<usize>> {
        let mut buffer = match self.buffer.take() {
            Some(buffer) => buffer,
            None => match pool.poll_take(context) {
                Poll::Ready(buffer) => buffer,
                Poll::Pending => return Poll::Pending,
            },
        };
        let received = stream.poll_read(context, &mut buffer.bytes_mut()[self.end..]);
        if let Poll::Ready(Ok(count)) = &received {
            self.end += count;
            pool.count(Moved::Received, *count);
            if stream.is_coded() {
                pool.count(Moved::Copied, *count);
            }
        }
        if self.end == 0 {
            pool.give(buffer);
        } else {
            self.buffer = Some(buffer);
        }
        received
    }

    /// Sees to it that there is room to receive: starts the buffer again when nothing in it is
    /// needed, or hands a full one to the held bytes and takes the unread rest along.
    pub(super) fn poll_room(
        &mut self,
        context: &Context<'_>,
        pool: &Pool,
        held: &mut Held,
    ) -> Poll<()> {
        if self.runs.is_empty() && self.start == self.end {
            self.start = 0;
            self.end = 0;
            if let Some(buffer) = self.buffer.take() {
                pool.give(buffer);
            }
            return Poll::Ready(());
        }
        if BUFFER_BYTES - self.end >= ROOM_MIN {
            return Poll::Ready(());
        }
        let Some(full) = self.buffer.take() else { return Poll::Ready(()) };
        let Poll::Ready(mut next) = pool.poll_take(context) else {
            self.buffer = Some(full);
            return Poll::Pending;
        };
        let rest = self.start..self.end;
        next.bytes_mut()[..rest.len()].copy_from_slice(&full.bytes()[rest.clone()]);
        pool.count(Moved::Copied, rest.len());
        (self.start, self.end) = (0, rest.len());
        self.buffer = Some(next);
        if self.runs.is_empty() {
            pool.give(full);
        } else {
            held.seal(full, std::mem::take(&mut self.runs), std::mem::take(&mut self.data));
        }
        Poll::Ready(())
    }

    /// Hands a full buffer to the held bytes without asking for another one, so that it can be spilled:
    /// what to do when the pool has none left.
    pub(super) fn seal_if_full(&mut self, held: &mut Held) {
        if BUFFER_BYTES - self.end < ROOM_MIN {
            self.seal(held);
        }
    }

    /// Hands the buffer to the held bytes, however full it is. Does nothing while something is unread.
    pub(super) fn seal(&mut self, held: &mut Held) {
        if self.start < self.end || self.runs.is_empty() {
            return;
        }
        if let Some(full) = self.buffer.take() {
            (self.start, self.end) = (0, 0);
            held.seal(full, std::mem::take(&mut self.runs), std::mem::take(&mut self.data));
        }
    }

    /// Whether another byte can be received. Without room after [`poll_room`](Self::poll_room) the
    /// unread bytes fill a whole buffer and nobody takes them.
    pub(super) fn has_room(&self) -> bool {
        self.end < BUFFER_BYTES
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self, pool: &Pool) {
        self.runs.clear();
        self.data.clear();
        (self.start, self.end) = (0, 0);
        if let Some(buffer) = self.buffer.take() {
            pool.give(buffer);
        }
    }
}

/// With less room than this the buffer counts as full: small receives cost more than the rest of
/// the buffer is worth.
const ROOM_MIN: usize = 8 << 10;
