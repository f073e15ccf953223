//! The bytes of a message that wait for their verdict: in the buffers they came in, then in a file.
//!
//! Kept are *wire* bytes, chunk framing included, as ranges of receive buffers: an unchanged body is
//! answered with the very bytes that were received. While the shard has memory, nothing moves. When
//! the pool is tight the oldest buffers are written to an unnamed file by a side thread and go back to the pool;
//! on the way out the file is read first, then memory: the order is that of arrival.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::pool::{BUFFER_BYTES, Buffer, Pool};
use super::side::{SideFault, SideThreads};
use super::spool::{Reservation, Spool};
use super::traffic::Moved;

/// A buffer that is full, with the ranges of it that belong to the body.
pub(super) struct Sealed {
    pub(super) buffer: Buffer,
    pub(super) runs: Runs,
    data: Runs,
}

impl Sealed {
    /// What is data of the body, and not its framing, where that had to be known.
    pub(super) fn data(&self) -> impl Iterator<Item = &[u8]> {
        self.data.slices(self.buffer.bytes())
    }

    /// The bytes that belong to the body, in order.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.runs.slices(self.buffer.bytes())
    }
}

/// Ranges of one buffer, in order, neighbours joined.
#[derive(Default)]
pub(super) struct Runs {
    list: Vec<Range<u32>>,
}

impl Runs {
    /// Adds a range that begins at or after the end of the last one.
    pub(super) fn add(&mut self, run: Range<usize>) {
        let (Ok(start), Ok(end)) = (u32::try_from(run.start), u32::try_from(run.end)) else {
            debug_assert!(false, "a run lies inside one buffer");
            return;
        };
        match self.list.last_mut() {
            Some(last) if last.end == start => last.end = end,
            Some(_) | None if start < end => self.list.push(start..end),
            Some(_) | None => {}
        }
    }

    /// Nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Number of ranges.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets everything, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// The kept slices of `bytes`, in order.
    pub(super) fn slices<'b>(&'b self, bytes: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        self.list.iter().map(|run| &bytes[run.start as usize..run.end as usize])
    }
}

/// What one message holds back.
pub(super) struct Held {
    pool: Pool,
    /// Closes files: a quarter of a GiB in one takes tens of milliseconds to go.
    side: Arc<SideThreads>,
    sealed: VecDeque<Sealed>,
    spill: Option<Spill>,
    bytes: u64,
    sent: u64,
    is_coded: bool,
}

struct Spill {
    file: Arc<File>,
    written: u64,
    read: u64,
    /// Gives the room in the spool back when dropped.
    reservation: Reservation,
}

/// Why bytes could not be held.
#[derive(Debug)]
pub(super) enum HoldFault {
    /// The spool is full (`SpoolLimit`).
    SpoolFull,
    /// The file cannot be written or read.
    Io(io::Error),
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Held {
    /// Holds nothing yet; buffers come from `pool` and go back to it. `side` does the work with files.
    /// What is sent goes through TLS if it `is_coded`.
    pub(super) fn new(pool: Pool, side: Arc<SideThreads>, is_coded: bool) -> Self {
        Self { pool, side, sealed: VecDeque::new(), spill: None, bytes: 0, sent: 0, is_coded }
    }

    /// Counts bytes that were kept in the current buffer.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Bytes of the message that were held, those that have left included.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts bytes of the current buffer that were sent.
    pub(super) fn count_sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        self.pool.count(Moved::Sent, bytes);
        if self.is_coded {
            self.pool.count(Moved::Copied, bytes);
        }
    }

    /// Bytes that were sent since the message began.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent
    }

    /// Takes a full buffer over.
    pub(super) fn seal(&mut self, buffer: Buffer, runs: Runs, data: Runs) {
        self.sealed.push_back(Sealed { buffer, runs, data });
    }

    /// Whether nothing is held outside the current buffer.
    pub(super) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.spill.is_none()
    }

    /// Moves the sealed buffers to the file and gives them back to the pool.
    ///
    /// # Errors
    ///
    /// [`HoldFault`]; the message can no longer be answered unchanged.
    pub(super) async fn spill(&mut self, spool: &Spool) -> Result<(), HoldFault> {
        // In a pool that is used up every buffer counts: many messages may hold few buffers each, and
        // all of them would wait for one.
        let batch_min = if self.pool.is_exhausted() { 1 } else { SPILL_BATCH };
        if self.sealed.len() < batch_min {
            return Ok(());
        }
        let room = (self.sealed.len() * BUFFER_BYTES) as u64;
        let spill = match self.spill.as_mut() {
            Some(spill) => spill,
            None => self.spill.insert(Spill::begin(spool).map_err(HoldFault::Io)?),
        };
        if !spill.reservation.grow(room) {
            return Err(HoldFault::SpoolFull);
        }
        let batch: Vec<Sealed> = self.sealed.drain(..).collect();
        let (file, at) = (Arc::clone(&spill.file), spill.written);
        let (batch, written) = on_side(&self.side, move || {
            let written = write_batch(&file, at, &batch);
            (batch, written)
        })
        .await?;
        give_all(&self.pool, batch);
        let written = written.map_err(HoldFault::Io)?;
        let bytes = usize::try_from(written - spill.written).unwrap_or(usize::MAX);
        spill.written = written;
        self.pool.count(Moved::Spilled, bytes);
        Ok(())
    }

    /// The next bytes to send from the file, in a buffer of the pool; `None` when memory is next.
    ///
    /// # Errors
    ///
    /// [`HoldFault::Io`] when the file cannot be read back.
    pub(super) async fn unspill(&mut self, buffer: Buffer) -> Result<(Buffer, usize), HoldFault> {
        let Some(spill) = self.spill.as_mut() else { return Ok((buffer, 0)) };
        let left = usize::try_from(spill.written - spill.read).unwrap_or(usize::MAX);
        let wanted = left.min(BUFFER_BYTES);
        let (file, at) = (Arc::clone(&spill.file), spill.read);
        let (buffer, result) = on_side(&self.side, move || {
            let mut buffer = buffer;
            let result = file.read_exact_at(&mut buffer.bytes_mut()[..wanted], at);
            (buffer, result)
        })
        .await?;
        result.map_err(HoldFault::Io)?;
        spill.read += wanted as u64;
        if spill.read == spill.written {
            self.close_file();
        }
        self.count_sent(wanted);
        Ok((buffer, wanted))
    }

    /// Whether the file has bytes that come first.
    pub(super) fn is_spilled(&self) -> bool {
        self.spill.is_some()
    }

    /// The sealed buffers, oldest first.
    pub(super) fn sealed(&self) -> impl Iterator<Item = &Sealed> {
        self.sealed.iter()
    }

    /// Gives back the oldest `count` sealed buffers: they were sent.
    pub(super) fn release(&mut self, count: usize) {
        let count = count.min(self.sealed.len());
        let sent: usize =
            self.sealed.iter().take(count).flat_map(Sealed::slices).map(<[u8]>::len).sum();
        self.count_sent(sent);
        give_all(&self.pool, self.sealed.drain(..count));
    }

    /// Forgets everything: the message is over.
    pub(super) fn clear(&mut self) {
        give_all(&self.pool, self.sealed.drain(..));
        self.close_file();
        self.bytes = 0;
        self.sent = 0;
    }

    fn close_file(&mut self) {
        if let Some(spill) = self.spill.take() {
            self.side.discard(spill);
        }
    }
}

impl Spill {
    fn begin(spool: &Spool) -> io::Result<Self> {
        let file = Arc::new(spool.create()?);
        Ok(Self { file, written: 0, read: 0, reservation: spool.reservation() })
    }
}

fn give_all(pool: &Pool, batch: impl IntoIterator<Item = Sealed>) {
    for sealed in batch {
        pool.give(sealed.buffer);
    }
}

/// Writes the kept ranges one after the other; gives the new end of the file.
fn write_batch(file: &File, mut at: u64, batch: &[Sealed]) -> io::Result<u64> {
    for sealed in batch {
        for slice in sealed.runs.slices(sealed.buffer.bytes()) {
            file.write_all_at(slice, at)?;
            at += slice.len() as u64;
        }
    }
    Ok(at)
}

/// Runs `work` on a side thread.
async fn on_side<T, W>(side: &SideThreads, work: W) -> Result<T, HoldFault>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    match side.run(work).await {
        Ok(made) => Ok(made),
        Err(SideFault::Busy) => Err(HoldFault::Io(io::Error::other("every side thread is busy"))),
        Err(SideFault::Panicked) => Err(HoldFault::Io(io::Error::other("a side thread failed"))),
    }
}

/// Buffers written at once: enough that the file is written in large pieces.
const SPILL_BATCH: usize = 8;
