//! A body without an end, scanned in windows.
//!
//! ```text
//!   body    ├──────────────────────────────┬──────────────────────────────┬────────
//!   scan 1  ├──────────────────────────────┤
//!   scan 2                          ├──────┴──────────────────────────────┤
//!                                   overlap: seen twice
//! ```
//!
//! One scan has budgets, and an endless body reaches them all. So its scan is ended as if the body had, and a new
//! one begins, which first sees the last bytes of the one before: what lies over a seam lies in the new window
//! whole. A window that does not end clean is the verdict of the body.
//!
//! What is longer than the overlap and lies over a seam can be missed: a signature with a gap of more than 64 KiB, a
//! file inside the stream that needs its beginning. The first window is where a file that only pretends to be
//! a stream is seen as a file, up to its length; at its end what was not understood counts as unchecked.
//!
//! Absent on purpose: scans; the caller has them.

/// How large windows are, and how far they overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rolling {
    /// Bytes that one scan sees, the overlap included.
    pub window_bytes: u64,
    /// Bytes that the next scan sees again.
    pub overlap_bytes: usize,
}

impl Rolling {
    /// Windows that fit the budgets of a scan: `MaxScanSize`, which is for everything inside as well, and
    /// `MaxFileSize`. With very small budgets the overlap is what has to give way.
    #[must_use]
    pub fn within(scan_bytes_max: u64, object_bytes_max: u64) -> Self {
        // What is inside costs about as much as what it is in, or the scan ends unchecked.
        let window = WINDOW_BYTES.min(scan_bytes_max / 2).min(object_bytes_max).max(WINDOW_MIN);
        let overlap = usize::try_from(window / 4).unwrap_or(OVERLAP_BYTES).min(OVERLAP_BYTES);
        Self { window_bytes: window, overlap_bytes: overlap }
    }
}

/// The windows of one body, and its last bytes. Holds at most [`Rolling::overlap_bytes`].
#[derive(Clone, Debug)]
pub struct Windows {
    rolling: Rolling,
    /// Bytes that the scan of this window has seen.
    seen: u64,
    /// The last bytes, a ring once it is full.
    last: Vec<u8>,
    /// Where the oldest byte of the ring is.
    oldest: usize,
}

impl Windows {
    /// The first window. Takes memory as the body comes.
    #[must_use]
    pub const fn new(rolling: Rolling) -> Self {
        Self { rolling, seen: 0, last: Vec::new(), oldest: 0 }
    }

    /// Takes the bytes of the body that this window still has room for, and says how many: the scan has to see them.
    /// Fewer than there are: the window is full, and [`Windows::begin_anew`] comes before the rest.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let room = self.rolling.window_bytes.saturating_sub(self.seen);
        let count = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let taken = bytes.get(..count).unwrap_or_default();
        self.seen = self.seen.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.keep(taken);
        count
    }

    /// Whether the window has room for nothing more.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.seen >= self.rolling.window_bytes
    }

    /// The next window begins: what its scan has to see before anything else, in order, in two parts.
    pub fn begin_anew(&mut self) -> [&[u8]; 2] {
        self.seen = u64::try_from(self.last.len()).unwrap_or(u64::MAX);
        let (newer, older) = self.last.split_at_checked(self.oldest).unwrap_or_default();
        [older, newer]
    }

    /// Bytes of memory it holds.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        self.last.capacity()
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.rolling.overlap_bytes;
        // Only the last of them can stay.
        let bytes = bytes.get(bytes.len().saturating_sub(room)..).unwrap_or_default();
        let growth = room.saturating_sub(self.last.len()).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(growth).unwrap_or_default();
        if self.last.len().saturating_add(growth) > self.last.capacity() {
            // In steps that double, but never beyond the overlap.
            let wanted = self.last.len().saturating_add(growth).next_power_of_two().min(room);
            self.last.reserve_exact(wanted.saturating_sub(self.last.len()));
        }
        self.last.extend_from_slice(first);
        for part in rest.chunks(room.max(1)) {
            self.turn(part);
        }
    }

    /// Writes over the oldest bytes of a ring that is full.
    fn turn(&mut self, bytes: &[u8]) {
        let to_end = self.last.len().saturating_sub(self.oldest).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(to_end).unwrap_or_default();
        let old = self.oldest;
        for (at, part) in [(old, first), (0, rest)] {
            let end = at.saturating_add(part.len());
            if let Some(slot) = self.last.get_mut(at..end) {
                slot.copy_from_slice(part);
            }
        }
        let next = old.saturating_add(bytes.len());
        self.oldest = next.checked_rem(self.last.len()).unwrap_or_default();
    }
}

/// 64 MiB: radio of an hour, a film of two minutes. Less would cut up files that pretend to be streams, more would
/// let the pictures of a camera, of 7 KiB and more each, pass `MaxFiles` in one scan.
const WINDOW_BYTES: u64 = 64 << 20;
/// No window is smaller, whatever the budgets are: the settings allow none below a mebibyte.
const WINDOW_MIN: u64 = 64;
/// 64 KiB: far more than signatures in use have between two gaps, though the longest line that is read could have
/// eight times as much. So much is kept of each stream.
const OVERLAP_BYTES: usize = 64 << 10;

const _: () = assert!(WINDOW_MIN / 4 > 0, "a window is longer than what it sees again");
