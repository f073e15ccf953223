//! The progress bar: on standard error, on a terminal, and only when there is something to wait for.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a run is.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    files: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = io::stderr().is_terminal().then(ProgressBar::hidden);
        Self { bar, files: 0 }
    }

    /// A file begins.
    pub(super) fn begin(&mut self, path: &Path, size: Option<u64>) {
        let Some(bar) = &mut self.bar else {
            return;
        };
        self.files += 1;
        let is_large = size.is_none_or(|size| size >= LARGE_BYTES);
        if !is_large && self.files < MANY_FILES {
            return;
        }
        if bar.is_hidden() {
            *bar = ProgressBar::new_spinner();
        }
        // Without a size there is no bar to fill, but there are bytes to count.
        let template = if size.is_some() {
            "{bar:24} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}"
        } else {
            "{spinner} {bytes} {bytes_per_sec} {wide_msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_length(size.unwrap_or(0));
        bar.reset();
        bar.set_message(format!("{}: {}", self.files, path.display()));
    }

    /// So many bytes of the file were read.
    pub(super) fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
    }

    /// Prints something while the bar is out of the way.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A file of so many bytes takes long enough to be watched.
const LARGE_BYTES: u64 = 64 << 20;
/// So do so many files.
const MANY_FILES: u64 = 200;
