//! What a connection sends: the answer's head, the body that was held, and what may leave of it before its verdict.

use std::io::{self, IoSlice};
use std::rc::Rc;

use super::super::clock;
use super::super::exchange::Leaves;
use super::super::executor::Stream;
use super::super::held::{HoldFault, Sealed};
use super::super::outgoing::{SLICES_MAX, send_all};
use super::super::pool::BUFFER_BYTES;
use super::{Body, Session};
use crate::icap::Output;

impl Session {
    /// Sends of a body that is still coming what may leave: all where it is echoed, and while the verdict is
    /// awaited what its release allows.
    pub(super) async fn send_early(&mut self) -> io::Result<()> {
        if self.body == (Body::Echoed { ended: false }) {
            return self.send_body().await;
        }
        if !self.asked || self.core.is_behind_body() {
            return Ok(());
        }
        if self.exchange.leaves() != Leaves::Nothing && self.exchange.is_betting() {
            // Nothing leaves that was not scanned.
            self.catch_up().await;
        }
        match self.exchange.leaves() {
            Leaves::Nothing => return Ok(()),
            Leaves::Pieces => self.send_pieces().await?,
            Leaves::AllButTail => self.send_all_but_tail().await?,
        }
        self.exchange.note_released(self.held.sent_bytes());
        Ok(())
    }

    /// Sends the answer's head, the whole body and its tail, in one call where they fit.
    pub(super) async fn send_whole_body(&mut self) -> io::Result<()> {
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
        while self.may_send_spilled() {
            self.send_spilled_piece().await?;
        }
        while !self.held.is_spilled() && self.held.sealed().count() > TAIL_BUFFERS {
            let beyond = self.held.sealed().count() - TAIL_BUFFERS;
            self.send_sealed(beyond).await?;
        }
        Ok(())
    }

    /// Sends the oldest of what is held, a buffer of it, where its time has come. What is sent has been scanned, and
    /// is never of the tail.
    async fn send_pieces(&mut self) -> io::Result<()> {
        while self.exchange.takes_piece(clock::now()) {
            if self.may_send_spilled() {
                self.send_spilled_piece().await?;
            } else if !self.held.is_spilled() && self.held.sealed().count() > TAIL_BUFFERS {
                self.send_sealed(1).await?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Sends what has arrived of a body that is still coming.
    pub(super) async fn send_body(&mut self) -> io::Result<()> {
        self.send_spilled().await?;
        while !self.held.is_empty() {
            self.send_sealed(usize::MAX).await?;
        }
        self.send_rest(&[]).await
    }

    async fn send_spilled(&mut self) -> io::Result<()> {
        while self.held.is_spilled() {
            self.send_spilled_piece().await?;
        }
        Ok(())
    }

    /// Whether a buffer from the file is not of the tail, which may lie there, too.
    fn may_send_spilled(&self) -> bool {
        let left = self.held.bytes() - self.held.sent_bytes();
        self.held.is_spilled() && left > ((TAIL_BUFFERS + 1) * BUFFER_BYTES) as u64
    }

    /// Sends a buffer from the file.
    async fn send_spilled_piece(&mut self) -> io::Result<()> {
        let shard = Rc::clone(&self.shard);
        if shard.pool.is_exhausted() {
            // A buffer to read into is needed. Everybody may be waiting for one with the end of a
            // body in hand, so this one's goes to the file, too.
            self.input.seal(&mut self.held);
            if let Err(HoldFault::Io(_)) = self.held.spill(&shard.spool).await {
                // What was to go to the file is lost: the answer must not look complete.
                self.stream.break_off();
                return Err(io::ErrorKind::Other.into());
            }
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
        let all = self.held.sealed().flat_map(Sealed::slices).chain(self.input.held());
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
        self.held.count_sent(self.input.held().map(<[u8]>::len).sum());
        self.input.runs.clear();
        Ok(())
    }

    pub(super) async fn send_out(&mut self) -> io::Result<()> {
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
