//! Spill files: unnamed, on disk, bounded over the whole process.
//!
//! A file has no name (`O_TMPFILE`), so nothing is left behind however the process ends. The room is
//! reserved before it is written; [`Reservation`] gives it back.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};

/// Where spill files are made, and how much they may hold together.
#[derive(Clone)]
pub(super) struct Spool {
    folder: Arc<Path>,
    used: Arc<AtomicU64>,
    bytes_max: u64,
}

impl Spool {
    /// A spool in `folder`, which is made when missing.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or does not take unnamed files.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let spool =
            Self { folder: Arc::from(folder), used: Arc::new(AtomicU64::new(0)), bytes_max };
        // Found out now rather than with the first large body.
        drop(spool.create()?);
        Ok(spool)
    }

    /// A new spill file.
    ///
    /// # Errors
    ///
    /// As the file system says.
    pub(super) fn create(&self) -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = rustix::fs::open(&*self.folder, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(File::from(file))
    }

    /// Bytes in use, and how many may be.
    pub(super) fn used(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.bytes_max)
    }

    /// A reservation of nothing yet.
    pub(super) fn reservation(&self) -> Reservation {
        Reservation { used: Arc::clone(&self.used), bytes_max: self.bytes_max, bytes: 0 }
    }
}

/// Room in the spool; given back when dropped.
pub(super) struct Reservation {
    used: Arc<AtomicU64>,
    bytes_max: u64,
    bytes: u64,
}

impl Reservation {
    /// Reserves more, or nothing when the spool is full.
    pub(super) fn grow(&mut self, bytes: u64) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.bytes_max {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_bounded_and_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(folder.path(), 100).expect("a spool");
        let mut first = spool.reservation();
        assert!(first.grow(60) && first.grow(40));
        let mut second = spool.reservation();
        assert!(!second.grow(1), "the spool is full");
        drop(first);
        assert!(second.grow(100), "the room came back");
        let left = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 0, "spill files have no name");
    }
}
