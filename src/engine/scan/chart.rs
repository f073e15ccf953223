//! What a scan met: the layers as a tree, with what became of each.
//!
//! ```text
//!   outer object           row 0
//!   ├─ zip:letter.docx     row 1, around: 0
//!   │  └─ zip:word/x.bin   row 2, around: 1   ◀─ not scanned: encrypted
//!   └─ zip:note.txt        row 3, around: 0
//! ```
//!
//! A report for people has every layer and its digest ([`Scan::report_layers`](super::Scan::report_layers)).
//! Every other scan keeps the way to what was found or not seen, for the log: a layer that ends and has
//! nothing to tell is forgotten, so a chart is no longer than the object is deep.
//!
//! Times are the caller's ([`Scan::tell_time`](super::Scan::tell_time)), and as fine as it tells them.

use std::time::Duration;

use crate::engine::database::signature::Digest;
use crate::engine::digest::{Kind, Kinds, Running};
use crate::engine::unpack::Label;
use crate::engine::verdict::{Verdict, Why};

/// The layers that a scan met.
#[derive(Debug, Default)]
pub struct Layers {
    /// The outer object first; a layer comes behind the one around it.
    pub rows: Vec<LayerReport>,
    /// Layers that are not in the list, because there were too many.
    pub unlisted: u64,
}

/// A layer, or a member that was not read.
#[derive(Clone, Debug)]
pub struct LayerReport {
    /// The row of the layer around it; `None` for the outer object.
    pub around: Option<usize>,
    /// What it was taken out of and its name there: `zip:a.exe`; empty for the outer object.
    pub label: String,
    /// Its `CL_TYPE_*` name; `None` when not enough of it was seen.
    pub file_type: Option<&'static str>,
    /// Bytes that were looked at.
    pub bytes: u64,
    /// Whether those were all.
    pub is_whole: bool,
    /// Of a whole layer, when it was asked for.
    pub sha256: Option<[u8; 32]>,
    /// From its first byte to its end, what is inside of it included.
    pub time: Duration,
    /// The first reason why something of it was not looked at.
    pub missed: Option<Why>,
}

/// A chart being drawn.
#[derive(Debug, Default)]
pub(super) struct Chart {
    rows: Vec<(Label, LayerReport)>,
    unlisted: u64,
    now: Duration,
    is_full: bool,
}

/// A row of the chart; none when it has no room for it.
pub(in crate::engine) type Row = Option<usize>;

/// What is known of a layer at its end.
pub(super) struct Facts {
    pub(super) file_type: Option<&'static str>,
    pub(super) bytes: u64,
    pub(super) is_whole: bool,
    pub(super) digest: Option<Running>,
}

impl LayerReport {
    const fn of(around: Option<usize>, began: Duration) -> Self {
        Self {
            around,
            label: String::new(),
            file_type: None,
            bytes: 0,
            is_whole: false,
            sha256: None,
            time: began,
            missed: None,
        }
    }
}

impl Chart {
    /// Every layer is kept from now on, with its digest.
    pub(super) const fn keep_all(&mut self) {
        self.is_full = true;
    }

    /// The digest of a layer that begins, when it is wanted.
    pub(super) fn digest(&self) -> Option<Running> {
        self.is_full.then(|| Running::new(Kinds::NONE.with(Kind::Sha256)))
    }

    pub(super) const fn tell_time(&mut self, now: Duration) {
        self.now = now;
    }

    /// A layer begins inside another one.
    pub(super) fn begin(&mut self, around: Row, label: &Label) -> Row {
        self.meet_outer();
        let around = around?;
        let rows_max = if self.is_full { ROWS_MAX_FULL } else { ROWS_MAX };
        if self.rows.len() >= rows_max {
            self.unlisted = self.unlisted.saturating_add(1);
            return None;
        }
        self.rows.push((label.clone(), LayerReport::of(Some(around), self.now)));
        Some(self.rows.len() - 1)
    }

    /// A member is there and is not read.
    pub(super) fn refuse(&mut self, around: Row, label: &Label, why: Why) {
        let row = self.begin(around, label);
        self.miss(row, why);
        if let Some((_, row)) = row.and_then(|row| self.rows.get_mut(row)) {
            row.time = Duration::ZERO;
        }
    }

    /// Something of a layer was not looked at.
    pub(super) fn miss(&mut self, row: Row, why: Why) {
        self.meet_outer();
        if let Some((_, row)) = row.and_then(|row| self.rows.get_mut(row)) {
            row.missed.get_or_insert(why);
        }
    }

    /// A layer has ended. `has_findings`: whether anything was found so far, perhaps in it.
    pub(super) fn end(&mut self, row: Row, facts: Facts, has_findings: bool) {
        let Some(at) = row else { return };
        if at == 0 && (self.is_full || has_findings) {
            self.meet_outer();
        }
        let is_last = at.checked_add(1) == Some(self.rows.len());
        let Some((_, row)) = self.rows.get_mut(at) else { return };
        let is_dull = !self.is_full && !has_findings && row.missed.is_none();
        if at > 0 && is_last && is_dull {
            self.rows.pop();
            return;
        }
        row.file_type = facts.file_type;
        row.bytes = facts.bytes;
        row.is_whole = facts.is_whole;
        row.time = self.now.saturating_sub(row.time);
        let digest = facts.digest.filter(|_| facts.is_whole).map(Running::finish);
        row.sha256 = match digest.as_ref().and_then(|digest| digest.get(Kind::Sha256)) {
            Some(Digest::Sha256(sum)) => Some(*sum),
            Some(Digest::Md5(_) | Digest::Sha1(_)) | None => None,
        };
    }

    /// The chart is complete. Of a clean object only a report has something to tell.
    pub(super) fn conclude(self, verdict: &Verdict) -> Layers {
        if !self.is_full && *verdict == Verdict::Clean {
            return Layers::default();
        }
        let named =
            |(label, row): (Label, LayerReport)| LayerReport { label: label.to_string(), ..row };
        Layers { rows: self.rows.into_iter().map(named).collect(), unlisted: self.unlisted }
    }

    /// The outer object has a row as soon as there is something to tell.
    fn meet_outer(&mut self) {
        if self.rows.is_empty() {
            self.rows.push((Label::default(), LayerReport::of(None, Duration::ZERO)));
        }
    }
}

impl Layers {
    /// The rows from the outer object to `row`.
    #[must_use]
    pub fn way_to(&self, row: usize) -> Vec<&LayerReport> {
        let next = |row: &&LayerReport| row.around.and_then(|around| self.rows.get(around));
        let mut way: Vec<_> = std::iter::successors(self.rows.get(row), next).collect();
        way.reverse();
        way
    }

    /// The row of the layer that a detection at `path` was made in, or the deepest one around it.
    #[must_use]
    pub fn row_at(&self, path: &str) -> Option<usize> {
        let depth = |row: usize| {
            let way = self.way_to(row);
            let labels: Vec<&str> = way.iter().skip(1).map(|row| &*row.label).collect();
            let own = labels.join(">");
            let rest = path.strip_prefix(&own)?;
            let is_there = own.is_empty() || rest.is_empty() || rest.starts_with('>');
            is_there.then_some(way.len())
        };
        let rows = 0..self.rows.len();
        rows.filter_map(|row| Some((depth(row)?, row))).max().map(|(_, row)| row)
    }

    /// The way to what made the verdict, one step for each layer: what it is called, its type, its bytes.
    /// Empty for a clean verdict, and when nothing is known of the way.
    #[must_use]
    pub fn story(&self, verdict: &Verdict) -> String {
        let row = match verdict {
            Verdict::Clean => None,
            Verdict::Infected(found) => self.row_at(&found.path),
            Verdict::Unscanned(why) => self.rows.iter().position(|row| row.missed == Some(*why)),
        };
        let way = row.map(|row| self.way_to(row)).unwrap_or_default();
        let steps = way.iter().map(|row| {
            let label = &row.label;
            let space = if label.is_empty() { "" } else { " " };
            match row.file_type {
                Some(file_type) => format!("{label}{space}{file_type} {} bytes", row.bytes),
                None => format!("{label}{space}not read"),
            }
        });
        steps.collect::<Vec<_>>().join(" > ")
    }
}

/// Rows of a report: as many as `MaxFiles` lets a scan begin by default. About 400 bytes each.
const ROWS_MAX_FULL: usize = 10_000;
/// Rows of any other scan: layers that are not scanned, and the ways to them.
const ROWS_MAX: usize = 256;
