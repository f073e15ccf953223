//! Work at the end of a layer that cannot be cut into slices: YARA rules and regular expressions over
//! its spool.
//!
//! A scan never does more than a little of it in one call. What is more becomes a [`Deferred`] that
//! the caller takes ([`Scan::deferred`](super::Scan::deferred)), runs wherever it may take long, and
//! gives back ([`Scan::resume`](super::Scan::resume)). A caller that does not take it gets it run in
//! its next call: slower for its neighbours, the same verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::database::Image;
use super::logical::{Facts, LayerType, Search, State, Wanted};
use super::matcher::LayerFacts;
use super::regex::{Outcome, Window};
use super::spool::Spool;
use super::verdict::{Detection, Limit, Why};
use super::yara::Selection;

/// A piece of work. It owns all it needs.
pub struct Deferred {
    image: Arc<Image>,
    layer: usize,
    tasks: Vec<Task>,
    /// The verdict waits for nothing else.
    is_last: bool,
}

/// What has to look at the whole of one form of a layer.
pub(super) struct Task {
    pub(super) path: Box<str>,
    /// YARA rules.
    pub(super) selection: Option<Selection>,
    /// Logical signatures.
    pub(super) undecided: Option<Undecided>,
    pub(super) spool: Spool,
}

/// Logical signatures that hang on regular expressions.
pub(super) struct Undecided {
    pub(super) state: State,
    pub(super) facts: LayerFacts,
    pub(super) around: Box<[LayerType]>,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    pub(super) layer: usize,
    pub(super) found: Vec<Detection>,
    pub(super) why: Option<Why>,
    /// What was looked at, when the verdict is due: freed behind it.
    pub(super) spools: Vec<Spool>,
}

impl Deferred {
    /// `is_last` says that the verdict waits for it: what was looked at is then freed behind the verdict.
    pub(super) const fn new(
        image: Arc<Image>,
        layer: usize,
        tasks: Vec<Task>,
        is_last: bool,
    ) -> Self {
        Self { image, layer, tasks, is_last }
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
        let mut done = Done { layer: self.layer, found: Vec::new(), why: None, spools: Vec::new() };
        for Task { path, selection, undecided, spool } in self.tasks {
            done.look(&self.image, &path, (selection, undecided), &spool);
            if self.is_last {
                done.spools.push(spool);
            }
        }
        done
    }
}

impl Done {
    fn look(
        &mut self,
        image: &Image,
        path: &str,
        (selection, undecided): (Option<Selection>, Option<Undecided>),
        spool: &Spool,
    ) {
        let bytes = match spool.bytes() {
            Ok(bytes) => bytes,
            Err(full) => return self.miss(Why::Limit(full.limit())),
        };
        if let (Some(selection), Some(rules)) = (selection, image.yara()) {
            let ran = rules.scan(&selection, bytes);
            let found = ran.found.into_iter();
            self.found.extend(found.map(|name| Detection { name, path: path.into(), offset: 0 }));
            self.why = self.why.or(ran.why);
        }
        if let Some(undecided) = undecided {
            self.judge(image, undecided, path, bytes);
        }
    }

    fn judge(&mut self, image: &Image, undecided: Undecided, path: &str, bytes: &[u8]) {
        let Undecided { mut state, facts, around } = undecided;
        let Some(logical) = image.logical() else { return };
        let facts = Facts { layer: &facts, around: &around };
        let mut shelf = Shelved { image, bytes, known: BTreeMap::new(), is_limited: false };
        let mut found = Vec::new();
        if state.finish(&logical, facts, &mut shelf, &mut found) {
            self.miss(Why::Limit(match shelf.is_limited {
                true => Limit::MatchLimit,
                false => Limit::MaxScanState,
            }));
        }
        for finding in found {
            let Some(name) = logical.name(finding.signature) else { continue };
            let name = image.name(name).into();
            self.found.push(Detection { name, path: path.into(), offset: finding.offset });
        }
    }

    fn miss(&mut self, why: Why) {
        self.why.get_or_insert(why);
    }
}

/// The regular expressions of an image over the bytes of a form.
struct Shelved<'a> {
    image: &'a Image,
    bytes: &'a [u8],
    /// What was counted already, by row and window: several signatures may ask for the same.
    known: BTreeMap<(Option<usize>, Option<Window>), Outcome>,
    is_limited: bool,
}

impl Search for Shelved<'_> {
    fn count(&mut self, wanted: Wanted) -> Option<u32> {
        let window = wanted.window.map(|(from, to)| Window { from, to });
        let shelf = self.image.shelf();
        let counted = self.known.entry((shelf.row_of(wanted.row), window));
        match *counted.or_insert_with(|| shelf.count(wanted.row, self.bytes, window)) {
            Outcome::Count(count) => Some(count),
            Outcome::LimitReached => {
                self.is_limited = true;
                None
            }
        }
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
