//! A piece of a file, kept as it passes, in which things are then looked up in any order.

use std::ops::Range;

/// Bytes of a file from one place to another.
#[derive(Clone, Debug)]
pub(super) struct Window {
    range: Range<u64>,
    bytes: Vec<u8>,
}

/// Why bytes cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// The file has ended there.
    BeyondFile,
    /// They were not kept.
    NotKept,
}

impl Window {
    pub(super) const fn new(range: Range<u64>) -> Self {
        Self { range, bytes: Vec::new() }
    }

    /// The next place it has no byte of.
    pub(super) fn next(&self) -> u64 {
        self.range.start.saturating_add(self.bytes.len() as u64)
    }

    pub(super) const fn start(&self) -> u64 {
        self.range.start
    }

    pub(super) const fn end(&self) -> u64 {
        self.range.end
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_full(&self) -> bool {
        self.next() >= self.range.end
    }

    /// Takes what it wants of bytes that lie at `position`.
    pub(super) fn feed(&mut self, position: u64, bytes: &[u8]) {
        let Some(skipped) = self.next().checked_sub(position) else { return };
        let Some(rest) = usize::try_from(skipped).ok().and_then(|at| bytes.get(at..)) else {
            return;
        };
        let room = self.range.end.saturating_sub(self.next());
        let taken = rest.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.bytes.extend_from_slice(rest.get(..taken).unwrap_or_default());
    }

    /// So many bytes at a place of the file.
    pub(super) fn get(&self, at: u64, length: usize) -> Result<&[u8], Absent> {
        let rest = self.from(at)?;
        rest.get(..length).ok_or_else(|| self.absence())
    }

    /// Everything from a place of the file on.
    pub(super) fn from(&self, at: u64) -> Result<&[u8], Absent> {
        let start = at.checked_sub(self.range.start).ok_or(Absent::NotKept)?;
        let rest = usize::try_from(start).ok().and_then(|start| self.bytes.get(start..));
        rest.ok_or_else(|| if at < self.range.end { self.absence() } else { Absent::NotKept })
    }

    /// Text up to a zero byte, at most `length` bytes of it.
    pub(super) fn text(&self, at: u64, length: usize) -> Result<&[u8], Absent> {
        let rest = self.from(at)?;
        let text = rest.get(..length).unwrap_or(rest);
        match memchr::memchr(0, text) {
            Some(end) => Ok(text.get(..end).unwrap_or_default()),
            None if text.len() == length => Ok(text),
            None => Err(self.absence()),
        }
    }

    /// Behind what is kept is either the end of the window or that of the file.
    fn absence(&self) -> Absent {
        if self.is_full() { Absent::NotKept } else { Absent::BeyondFile }
    }
}
