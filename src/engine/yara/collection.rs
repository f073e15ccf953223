//! Rules while they load: one entry for each file, in its order.

use serde::{Deserialize, Serialize};

use super::gate::Gate;

/// Every rule that was read so far.
#[derive(Debug, Default)]
pub(in crate::engine) struct Collection {
    pub(super) files: Vec<File>,
}

/// The rules of one file: they may refer to each other.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: Box<str>,
    /// Modules it imports that are there.
    pub(super) imports: Vec<String>,
    pub(super) rules: Vec<Rule>,
}

/// A rule that boreal takes.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) gate: Gate,
    /// Rules of the same file that it refers to.
    pub(super) needs: Vec<usize>,
    /// Every rule of the file depends on it.
    pub(super) is_global: bool,
    /// Whether it is reported.
    pub(super) is_private: bool,
}

/// YARA rules by when they run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCounts {
    /// On layers that hold a string of the rule.
    pub by_string: u64,
    /// On layers that begin as the rule wants it: every executable, for example.
    pub by_head: u64,
    /// On every layer, if it is not too large for the rule: these cost.
    pub always: u64,
    /// Rules that only others refer to.
    pub private: u64,
}

impl RuleCounts {
    /// Rules that can make a detection.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.by_string.saturating_add(self.by_head).saturating_add(self.always)
    }
}

/// When a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    String,
    Head,
    Always,
}

impl Rule {
    pub(super) fn stage(&self) -> Stage {
        match &self.gate.atoms {
            None => Stage::Always,
            Some(atoms) if atoms.iter().any(|atom| atom.at.is_some()) => Stage::Head,
            Some(_) => Stage::String,
        }
    }
}

impl Collection {
    /// The rules by when they run.
    pub(in crate::engine) fn counts(&self) -> RuleCounts {
        let mut counts = RuleCounts::default();
        for rule in self.files.iter().flat_map(|file| &file.rules) {
            let count = match rule.stage() {
                _ if rule.is_private => &mut counts.private,
                Stage::String => &mut counts.by_string,
                Stage::Head => &mut counts.by_head,
                Stage::Always => &mut counts.always,
            };
            *count = count.saturating_add(1);
        }
        counts
    }
}
