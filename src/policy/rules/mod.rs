//! The language of rules: what an administrator writes about addresses, users, times and threats.
//!
//! ```text
//!   text ─▶ token ─▶ syntax ─▶ compile ─▶ Rules ─▶ decide
//!           words    shape     values     conditions, actions, counters
//!             └────────┴──────────┴─▶ RuleFault: source:line:column, the line, a caret, the way out
//! ```
//!
//! `condition, condition : action, action`. Rules are tried from top to bottom; `PASS` and `BLOCK` are final,
//! `SET` and `ADD` are not. The rules of the administrator come first, then [`DEFAULT_RULES`], which do
//! what the settings say. A bad rule makes no policy at all: one with a rule missing is not the policy.
//!
//! To add a variable: `variable` (its name), `condition` (its test), `compile` (its values), and the
//! evaluation in `decide`.
//!
//! Absent on purpose: reading files. [`named_files`] tells which files the rules need, and the edge gives
//! their text.

#![expect(
    clippy::result_large_err,
    reason = "a fault is made once a load, and holds what a person needs"
)]

mod compile;
pub(super) mod condition;
mod fault;
mod network;
mod rows;
mod screen;
mod sites;
mod syntax;
mod token;
mod value;
mod variable;
pub(super) mod week;
pub(super) mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::category::Category;
use super::groups::Groups;
use super::release::Release;
use condition::Condition;
pub use fault::RuleFault;
pub use network::Networks;
pub(super) use rows::Candidates;
use screen::Screen;
pub(super) use sites::SiteBits;
use sites::SiteIndex;

/// Rules as somebody wrote them: a setting's value, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSource {
    /// The setting or the file, for messages.
    pub name: Box<str>,
    /// The rules, one a line; a line that ends with a comma, a colon or inside parentheses goes on.
    pub text: String,
}

/// The text of each file that rules name.
pub type Files = BTreeMap<Box<str>, String>;

/// What rules are compiled with.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The text of the files that rules name; `None` while only the rules themselves are checked.
    pub files: Option<&'a Files>,
    /// The groups of the group file.
    pub groups: &'a Groups,
    /// Whether a directory can be asked for groups.
    pub directory: bool,
}

/// Compiled rules with their counters.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Box<[Rule]>,
    /// Places of the rules that are looked at before the scan, and after it.
    before: Box<[usize]>,
    after: Box<[usize]>,
    index: SiteIndex,
    screen: Screen,
    hits: Arc<[AtomicU64]>,
    needs: Needs,
    /// Which services rules want to see messages next, each plan once.
    plans: Box<[Plan]>,
}

/// Names of services, in order; none: no service.
type Plan = Box<[Box<str>]>;

/// What some rule looks at: what no rule looks at need not be found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct Needs {
    pub(super) url: bool,
    pub(super) time: bool,
    /// A rule about threats looks at the directory, or at categories: they are asked for before the scan.
    pub(super) directory_after: bool,
    pub(super) category_after: bool,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) conditions: Box<[Condition]>,
    pub(super) actions: Box<[Action]>,
    source: Box<str>,
    line: u32,
    text: Box<str>,
    is_default: bool,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Pass,
    Block(Reason),
    /// `SET scan = …`.
    Scan(bool),
    /// `SET release = …`.
    Release(Release),
    /// `SET next_services = …`, by the number of the plan.
    NextServices(u16),
    SetCategory(Category),
    AddCategory(Category),
    /// A group, by the number of its bit.
    SetGroup(u8),
    AddGroup(u8),
}

/// What a blocked user is told.
#[derive(Clone, Debug)]
pub(super) enum Reason {
    /// That a rule says so.
    Rule,
    BlackList,
    AdList,
    Category(Category),
    /// What the condition at this place found.
    Match(usize),
    Text(Box<str>),
}

/// One rule, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// Its number, counted from 1 over all sources.
    pub number: usize,
    /// The setting or file that it stands in; `default` for the embedded ones.
    pub source: String,
    /// The line in it, counted from 1.
    pub line: u32,
    /// As written.
    pub text: String,
    /// Messages that it applied to, since it is in force.
    pub hits: u64,
}

impl Rules {
    /// Compiles the rules of all sources in order.
    ///
    /// # Errors
    ///
    /// The first [`RuleFault`].
    pub fn compile(
        sources: &[RuleSource],
        defaults: bool,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, RuleFault> {
        let mut compiler = compile::Compiler::new(surroundings);
        for source in sources {
            compiler.source(source, false)?;
        }
        if defaults {
            compiler.source(&default_source(), true)?;
        }
        let compile::Compiled { rules, index, plans, groups_change } = compiler.finish();
        let is_after = |rule: &Rule| rule.conditions.iter().any(|one| one.test.is_of_threat());
        let places = |after: bool| {
            let wanted = rules.iter().enumerate().filter(move |(_, rule)| is_after(rule) == after);
            wanted.map(|(place, _)| place).collect::<Box<[usize]>>()
        };
        let (before, after) = (places(false), places(true));
        let screen = Screen::new(&rules, &before, surroundings.groups, groups_change);
        let needs = needs(&rules, is_after);
        let hits = rules.iter().map(|_| AtomicU64::new(0)).collect();
        Ok(Self { rules: rules.into(), before, after, index, screen, hits, needs, plans })
    }

    pub(super) fn before(&self) -> impl Iterator<Item = (usize, &Rule)> {
        self.before.iter().filter_map(|&place| Some((place, self.rules.get(place)?)))
    }

    pub(super) fn after(&self) -> impl Iterator<Item = (usize, &Rule)> {
        self.after.iter().filter_map(|&place| Some((place, self.rules.get(place)?)))
    }

    /// Whether an administrator's rule decides about threats.
    pub(super) fn judges_threats(&self) -> bool {
        self.after().any(|(_, rule)| !rule.is_default)
    }

    /// Whether no rule is the administrator's.
    pub(super) fn are_default(&self) -> bool {
        self.rules.iter().all(|rule| rule.is_default)
    }

    pub(super) const fn needs(&self) -> Needs {
        self.needs
    }

    /// The rule at this place.
    pub(super) fn get(&self, place: usize) -> Option<&Rule> {
        self.rules.get(place)
    }

    /// The plan of this number.
    pub(super) fn plan(&self, number: u16) -> Option<&[Box<str>]> {
        self.plans.get(usize::from(number)).map(AsRef::as_ref)
    }

    pub(super) const fn screen(&self) -> &Screen {
        &self.screen
    }

    pub(super) const fn index(&self) -> &SiteIndex {
        &self.index
    }

    pub(super) fn count(&self, place: usize) {
        if let Some(hits) = self.hits.get(place) {
            // Nothing is ordered by it: it is a number for people.
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many rules there are, the default ones included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule at this place, counted from 0.
    #[must_use]
    pub fn view(&self, place: usize) -> Option<RuleView> {
        let rule = self.rules.get(place)?;
        let hits = self.hits.get(place).map_or(0, |hits| hits.load(Ordering::Relaxed));
        Some(RuleView {
            number: place.saturating_add(1),
            source: rule.source.to_string(),
            line: rule.line,
            text: rule.text.to_string(),
            hits,
        })
    }

    /// Every rule in order.
    #[must_use]
    pub fn views(&self) -> Vec<RuleView> {
        (0..self.rules.len()).filter_map(|place| self.view(place)).collect()
    }

    /// Every rule as text, numbered, each source under its name; with hits in front when they are wanted.
    #[must_use]
    pub fn show(&self, with_hits: bool) -> String {
        let mut out = String::new();
        let mut source = None;
        for view in self.views() {
            if source.as_ref() != Some(&view.source) {
                // Writing to a string cannot fail.
                let _infallible = writeln!(out, "# {}", view.source);
                source = Some(view.source);
            }
            let text = view.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let _infallible = if with_hits {
                writeln!(out, "{:>4} {:>12}  {text}", view.number, view.hits)
            } else {
                writeln!(out, "{:>4}  {text}", view.number)
            };
        }
        out
    }

    /// Adds everything that changes an answer to a digest. Texts of rules tell it all but for the files.
    pub(super) fn digest_into(&self, digest: &mut Sha256) {
        digest.update(u64::try_from(self.rules.len()).unwrap_or(u64::MAX).to_le_bytes());
        for rule in &self.rules {
            digest.update(u64::try_from(rule.text.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(rule.text.as_bytes());
        }
    }
}

impl Rule {
    pub(super) fn condition(&self, place: usize) -> Option<&Condition> {
        self.conditions.get(place)
    }
}

fn needs(rules: &[Rule], is_after: impl Fn(&Rule) -> bool) -> Needs {
    let mut needs = Needs::default();
    for rule in rules {
        let after = is_after(rule);
        for condition in &rule.conditions {
            needs.url |= condition.test.looks_at_url();
            needs.time |= condition.test.looks_at_time();
            needs.directory_after |= after && condition.test.asks_directory();
            needs.category_after |= after && condition.test.looks_at_category();
        }
    }
    needs
}

/// Checks rules by themselves, without the files and groups that they name.
///
/// # Errors
///
/// The first [`RuleFault`].
pub fn check(source: &RuleSource) -> Result<(), RuleFault> {
    let groups = Groups::default();
    let surroundings = Surroundings { files: None, groups: &groups, directory: true };
    Rules::compile(std::slice::from_ref(source), false, surroundings).map(|_| ())
}

/// The files that the rules of a source name, in order.
///
/// # Errors
///
/// [`RuleFault`] when the rules cannot be read.
pub fn named_files(source: &RuleSource) -> Result<Vec<Box<str>>, RuleFault> {
    compile::named_files(source)
}

fn default_source() -> RuleSource {
    RuleSource { name: "default".into(), text: DEFAULT_RULES.to_owned() }
}

/// What the settings say, as rules. They come behind the administrator's; `RuleSetDefaults = No` leaves
/// them out, and then the lists and the switches of categories do nothing by themselves. Threats are
/// blocked by their switches even then.
pub const DEFAULT_RULES: &str = "\
url in \"ICAPD.BlackList\" : BLOCK as BlackList
url in \"ICAPD.AdList\" : BLOCK as AdList
url not in \"ICAPD.WhiteList\", url_category in \"ICAPD.BlockCategory\" : BLOCK as _match
threat_category in \"ICAPD.BlockThreat\" : BLOCK as _match
";

/// Rules of all sources together.
pub const RULES_MAX: usize = 10_000;

/// Bytes of one source of rules.
pub const SOURCE_BYTES_MAX: usize = 4 << 20;
