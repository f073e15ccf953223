//! Work at the end of a layer that cannot be cut into slices: YARA rules over its spool.
//!
//! A scan never does more than a little of it in one call. What is more becomes a [`Deferred`] that
//! the caller takes ([`Scan::deferred`](super::Scan::deferred)), runs wherever it may take long, and
//! gives back ([`Scan::resume`](super::Scan::resume)). A caller that does not take it gets it run in
//! its next call: slower for its neighbours, the same verdict.

use std::fmt;
use std::sync::Arc;

use super::spool::Spool;
use super::verdict::{Detection, Why};
use super::yara::{Rules, Selection};

/// A piece of work. It owns all it needs.
pub struct Deferred {
    rules: Arc<Rules>,
    layer: usize,
    tasks: Vec<Task>,
}

/// The rules selected for one form of a layer.
pub(super) struct Task {
    pub(super) path: Box<str>,
    pub(super) selection: Selection,
    pub(super) spool: Spool,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    pub(super) layer: usize,
    pub(super) found: Vec<Detection>,
    pub(super) why: Option<Why>,
}

impl Deferred {
    pub(super) const fn new(rules: Arc<Rules>, layer: usize, tasks: Vec<Task>) -> Self {
        Self { rules, layer, tasks }
    }

    /// Bytes that are looked at: whoever has little may run it at once.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let lengths = self.tasks.iter().map(|task| task.spool.bytes().map_or(0, <[u8]>::len));
        lengths.fold(0, |sum, length| sum.saturating_add(length as u64))
    }

    /// Does the work. Takes some microseconds for a kilobyte, at worst ten seconds for each group of
    /// rules; never panics.
    #[must_use]
    pub fn run(self) -> Done {
        let mut done = Done { layer: self.layer, found: Vec::new(), why: None };
        for Task { path, selection, spool } in self.tasks {
            let ran = match spool.bytes() {
                Ok(bytes) => self.rules.scan(&selection, bytes),
                Err(full) => {
                    done.why = done.why.or_else(|| Some(Why::Limit(full.limit())));
                    continue;
                }
            };
            let found = ran.found.into_iter();
            done.found.extend(found.map(|name| Detection { name, path: path.clone(), offset: 0 }));
            done.why = done.why.or(ran.why);
        }
        done
    }
}

impl fmt::Debug for Deferred {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Deferred")
            .field("layer", &self.layer)
            .field("tasks", &self.tasks.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

/// Up to so many bytes a scan runs it in its own call: about the work of a slice.
pub(super) const INLINE_BYTES_MAX: u64 = 4 << 10;
