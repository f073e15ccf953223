//! The rules of an open image, and a scan with some of them.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use boreal::Scanner;
use boreal::scanner::{CallbackEvents, ScanCallbackResult, ScanError, ScanEvent, ScanParams};

use super::section::{Parts, Row, YaraFault};
use crate::engine::verdict::{Limit, Why};

/// Compiled rules. Shared by all scans.
pub(in crate::engine) struct Rules {
    scanners: Vec<Scanner>,
    rows: Vec<Row>,
    ends: Vec<u32>,
    links: Vec<u32>,
}

/// Which atoms were seen in a form.
#[derive(Debug, Default)]
pub(in crate::engine) struct AtomSet {
    words: Vec<u64>,
}

impl AtomSet {
    /// Adds an atom by its number.
    pub(in crate::engine) fn add(&mut self, atom: u32) {
        let (word, bit) = (atom as usize / 64, atom % 64);
        if word >= self.words.len() {
            self.words.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.words.iter().enumerate();
        words.flat_map(|(index, word)| {
            let base = index.saturating_mul(64);
            (0..64_usize).filter(move |bit| word >> bit & 1 == 1).map(move |bit| base | bit)
        })
    }
}

/// Rules that have to run on a layer, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::engine) struct Selection {
    rules: Vec<u32>,
}

impl Selection {
    pub(in crate::engine) const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// What a scan found, and what it could not look at.
#[derive(Debug, Default)]
pub(in crate::engine) struct Ran {
    /// Names as reported.
    pub(in crate::engine) found: Vec<Box<str>>,
    pub(in crate::engine) why: Option<Why>,
}

impl Rules {
    /// Reads a section; boreal builds its tables again here, which takes the time of an opening.
    pub(in crate::engine) fn open(section: &[u8]) -> Result<Self, YaraFault> {
        let parts = Parts::read(section)?;
        let mut scanners = Vec::with_capacity(parts.groups.len());
        for index in 0..parts.groups.len() {
            let mut scanner = parts.scanner(index)?;
            scanner.set_scan_params(params());
            scanners.push(scanner);
        }
        let Parts { rows, ends, links, groups: _ } = parts;
        Ok(Self { scanners, rows, ends, links })
    }

    /// Atoms that the matcher has to have.
    pub(in crate::engine) fn atom_count(&self) -> usize {
        // The first entry is that of the rules that always run.
        self.ends.len().saturating_sub(2)
    }

    /// The rules that may be true in a layer of so many bytes with these atoms.
    pub(in crate::engine) fn select(&self, atoms: Option<&AtomSet>, size: u64) -> Selection {
        let entries = atoms.into_iter().flat_map(AtomSet::iter).map(|atom| atom.saturating_add(1));
        let mut rules: Vec<u32> = std::iter::once(0)
            .chain(entries)
            .flat_map(|entry| self.linked(entry))
            .copied()
            .filter(|rule| self.rows.get(*rule as usize).is_some_and(|row| size <= row.size_max))
            .collect();
        rules.sort_unstable();
        rules.dedup();
        Selection { rules }
    }

    fn linked(&self, entry: usize) -> &[u32] {
        let from = self.ends.get(entry).copied().unwrap_or(0) as usize;
        let to = self.ends.get(entry.saturating_add(1)).copied().unwrap_or(0) as usize;
        self.links.get(from..to).unwrap_or_default()
    }

    /// Runs the groups of the selected rules over a whole layer.
    pub(in crate::engine) fn scan(&self, selection: &Selection, bytes: &[u8]) -> Ran {
        let mut ran = Ran::default();
        let rows = |rule: &u32| self.rows.get(*rule as usize);
        let mut groups: Vec<u32> =
            selection.rules.iter().filter_map(rows).map(|row| row.group).collect();
        groups.sort_unstable();
        groups.dedup();
        let selected: Vec<&str> =
            selection.rules.iter().filter_map(rows).map(|row| row.name.as_str()).collect();
        for group in groups {
            let Some(scanner) = self.scanners.get(group as usize) else { continue };
            let run = AssertUnwindSafe(|| scan(scanner, bytes, &selected));
            let one = std::panic::catch_unwind(run)
                .unwrap_or(Ran { found: Vec::new(), why: Some(Why::Failed) });
            ran.found.extend(one.found);
            ran.why = ran.why.or(one.why);
        }
        ran
    }
}

fn scan(scanner: &Scanner, bytes: &[u8], selected: &[&str]) -> Ran {
    let mut found: Vec<Box<str>> = Vec::new();
    let mut limited: Vec<String> = Vec::new();
    let mut matched: Vec<String> = Vec::new();
    let result = scanner.scan_mem_with_callback(bytes, |event| {
        if let ScanEvent::RuleMatch(rule) = event {
            found.push(format!("YARA.{}.UNOFFICIAL", rule.name).into());
            matched.push(format!("{}:{}", rule.namespace, rule.name));
        } else if let ScanEvent::StringReachedMatchLimit(string) = event {
            limited.push(format!("{}:{}", string.rule_namespace, string.rule_name));
        }
        ScanCallbackResult::Continue
    });
    // A rule whose strings were not all counted may be true all the same.
    let is_unsure = |rule: &String| selected.contains(&rule.as_str()) && !matched.contains(rule);
    let why = match result {
        Err(ScanError::Timeout) => Some(Why::Time),
        Err(_) => Some(Why::Failed),
        Ok(()) if limited.iter().any(is_unsure) => Some(Why::Limit(Limit::MatchLimit)),
        Ok(()) => None,
    };
    Ran { found, why }
}

fn params() -> ScanParams {
    ScanParams::default()
        .timeout_duration(Some(TIME_MAX))
        .string_max_nb_matches(MATCHES_MAX)
        .match_max_length(MATCH_BYTES_MAX)
        .callback_events(CallbackEvents::RULE_MATCH | CallbackEvents::STRING_REACHED_MATCH_LIMIT)
}

impl fmt::Debug for Rules {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Rules")
            .field("groups", &self.scanners.len())
            .field("rules", &self.rows.len())
            .field("atoms", &self.atom_count())
            .finish_non_exhaustive()
    }
}

/// For one group on one layer.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Of one string in one layer; each costs some 60 bytes while the group runs.
const MATCHES_MAX: u32 = 4_096;
/// Bytes of a match that are kept; nobody reads them.
const MATCH_BYTES_MAX: usize = 16;
