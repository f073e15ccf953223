//! Who may see what: pure decisions about addresses and types of content.
//!
//! ```text
//!   encapsulated head ──▶ UrlParts ─┐
//!   user, addresses, time ──────────┴▶ Facts ─▶ rules ─▶ Outcome: Go, Block, Ask
//!   Content-Type, size ──────────────▶ MIME rules ─────▶ BodyAction
//!   threat ──────────────────────────▶ rules, switches ▶ Judgement
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | the address of a request, its host in canonical form | [`url`], [`host`] |
//! | hosts that break the rules, as somebody may read them | `broken` |
//! | the canonical form of paths and queries | [`path`] |
//! | lines of a black or white list | [`list`] |
//! | the compiled, sorted form of a list | `table` |
//! | rules by MIME type and size | [`mime`] |
//! | types that may leave before their verdict | [`release`] |
//! | regular expressions over addresses; the list of advertisements | [`expressions`], [`ads`] |
//! | the categories of sites, and the database of them | [`category`] |
//! | what reputation services know | [`reputation`] |
//! | the groups of users in a directory | [`directory`] |
//! | what a decision is made from | [`facts`], [`user`], [`groups`] |
//! | kinds of threat, read off a signature's name | [`threat`] |
//! | the language of rules | [`rules`] |
//! | the decision, and why | [`decide`], `trial`, [`explain`], [`asked`] |
//! | what rules have changed, for the response of a request | `carried` |
//! | what a script is told and may answer | [`hook`] |
//!
//! The black list beats the white list. The white list exempts from blocking by category only, never
//! from scanning: no function of this room can say "do not scan" because of a list.
//!
//! Order of calls: fill [`Options`], [`Policy::compile`] once, then [`Policy::decide`] and
//! [`Policy::body_rule`] for every message, [`Policy::judge`] for every threat; none allocates.
//!
//! Absent on purpose: reading list files (the edge does).

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub mod ads;
pub mod asked;
mod broken;
mod carried;
pub mod category;
pub mod decide;
pub mod directory;
pub mod explain;
pub mod expressions;
pub mod facts;
pub mod groups;
pub mod hook;
pub mod host;
pub mod list;
pub mod mime;
pub mod path;
pub mod release;
pub mod reputation;
pub mod rules;
mod table;
pub mod threat;
mod trial;
pub mod url;
pub mod user;

#[cfg(test)]
mod tests;

pub use ads::{AdExpressions, AdList};
pub use asked::{Asked, Told};
pub use category::{Categories, Category, Database};
pub use decide::{
    Asking, Block, BlockReason, CategorySource, Judgement, Outcome, Question, RuledRelease, State,
    Way,
};
pub use explain::{Step, Story, Witness};
pub use expressions::ExpressionFault;
pub use facts::{Direction, Directory, Facts, Moment, Reputation, ThreatFact};
pub use groups::Groups;
pub use hook::{Hook, HookAnswer};
pub use host::{Host, HostFault};
pub use list::{EntryFault, LineFault, List};
pub use mime::{BodyAction, MimeRule, Pattern, PatternFault};
pub use release::{Release, STREAM_TYPES};
pub use rules::{Networks, RuleFault, RuleSource, RuleView, Rules};
pub use table::Entry;
pub use threat::{ThreatKind, ThreatKinds};
pub use url::{Scheme, UrlFault, UrlParts};

use mime::MimeTable;
use release::Types;
use table::Table;

/// What a policy is compiled from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `BlackList`: always blocked.
    pub black: List,
    /// `WhiteList`: never blocked by category; scanned like everything else.
    pub white: List,
    /// `RangeSites`: parts of objects may be asked for there.
    pub ranges: List,
    /// `TrustedValidators`: what has the same validator there is the same object.
    pub trusted: List,
    /// `MimeRules`: what is scanned, passed or rejected by type and size. Without a rule that fits: scanned.
    pub mime_rules: Vec<MimeRule>,
    /// `TailTypes`: bodies of these types are released by tail.
    pub tail_types: Vec<Pattern>,
    /// `StreamTypes`: bodies of these types have no end where they have no length.
    pub stream_types: Vec<Pattern>,
    /// `AdList`: addresses that fit an expression are always blocked.
    pub ads: AdExpressions,
    /// `Block<Category>`: sites in any of these categories are blocked.
    pub blocked_categories: Categories,
    /// `RuleSet` and its numbered sisters, and the files they name, in order.
    pub rules: Vec<RuleSource>,
    /// The text of the files that sets in rules name.
    pub rule_files: rules::Files,
    /// `RuleSetDefaults`: whether [`rules::DEFAULT_RULES`] come behind them.
    pub defaults: Defaults,
    /// The text of `[LookupD] Groups`: who is in which group.
    pub groups: String,
    /// Whether a directory can be asked for the groups of a user.
    pub directory: bool,
    /// Whether a reputation service can be asked about sites that nothing else knows.
    pub reputation: bool,
    /// `BlockUnanswered`: what happens when a question got no answer.
    pub unanswered: Unanswered,
}

impl Default for Options {
    /// No lists and no rules of the administrator's; the categories are blocked that nobody visits on purpose.
    fn default() -> Self {
        Self {
            black: List::default(),
            white: List::default(),
            ranges: List::default(),
            trusted: List::default(),
            mime_rules: Vec::new(),
            tail_types: Vec::new(),
            stream_types: release::stream_types(),
            ads: AdExpressions::default(),
            blocked_categories: Categories::NONE
                .with(Category::InfectionSource)
                .with(Category::NotRecommended)
                .with(Category::DueToCopyrightNotice),
            rules: Vec::new(),
            rule_files: rules::Files::new(),
            defaults: Defaults::Use,
            groups: String::new(),
            directory: false,
            reputation: false,
            unanswered: Unanswered::Pass,
        }
    }
}

/// Whether the default rules come behind those of the administrator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Defaults {
    /// They do.
    #[default]
    Use,
    /// They do not: only what the administrator wrote counts, besides the switches of threats.
    LeaveOut,
}

/// What happens to a message whose decision depends on an answer that did not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unanswered {
    /// What was asked counts as not known.
    #[default]
    Pass,
    /// It is blocked as unchecked.
    Block,
}

/// A compiled policy: immutable, shared by all shards.
#[derive(Clone, Debug)]
pub struct Policy {
    black: Table,
    white: Table,
    ranges: Table,
    trusted: Table,
    mime: MimeTable,
    tail_types: Types,
    stream_types: Types,
    ads: Arc<AdList>,
    blocked_categories: Categories,
    database: Option<Arc<Database>>,
    rules: Rules,
    groups: Groups,
    directory: bool,
    reputation: bool,
    unanswered: Unanswered,
    digest: [u8; 32],
}

impl Policy {
    /// Compiles the lists into sorted tables and puts the rules in order.
    ///
    /// # Errors
    ///
    /// [`PolicyFault`] when there are more rules than [`mime::RULES_MAX`], two rules contradict each
    /// other, a list is too large to be addressed, or expressions need too large an automaton.
    pub fn compile(options: Options) -> Result<Self, PolicyFault> {
        let black =
            Table::compile(options.black).ok_or(PolicyFault::ListTooLarge { list: "BlackList" })?;
        let white =
            Table::compile(options.white).ok_or(PolicyFault::ListTooLarge { list: "WhiteList" })?;
        let ranges = Table::compile(options.ranges)
            .ok_or(PolicyFault::ListTooLarge { list: "RangeSites" })?;
        let trusted = Table::compile(options.trusted)
            .ok_or(PolicyFault::ListTooLarge { list: "TrustedValidators" })?;
        let mime = MimeTable::compile(options.mime_rules)?;
        // Neither is part of the digest: they change when an answer begins, and nothing about what it says.
        let tail_types = Types::compile("TailTypes", options.tail_types)?;
        let stream_types = Types::compile("StreamTypes", options.stream_types)?;
        let ads = AdList::compile(options.ads).map_err(PolicyFault::Ads)?;
        // What is wrong with a line of the group file is said by whoever reads the file.
        let (groups, _said) = Groups::read(&options.groups);
        let surroundings = rules::Surroundings {
            files: Some(&options.rule_files),
            groups: &groups,
            directory: options.directory,
        };
        let rules = Rules::compile(&options.rules, options.defaults == Defaults::Use, surroundings)
            .map_err(|fault| PolicyFault::Rule(Box::new(fault)))?;
        let mut digest = Sha256::new();
        digest.update(b"baleen policy 4");
        black.digest_into(&mut digest);
        white.digest_into(&mut digest);
        ranges.digest_into(&mut digest);
        trusted.digest_into(&mut digest);
        mime.digest_into(&mut digest);
        ads.digest_into(&mut digest);
        digest.update(options.blocked_categories.bits().to_le_bytes());
        rules.digest_into(&mut digest);
        for (name, text) in &options.rule_files {
            digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(name.as_bytes());
            digest.update(text);
        }
        digest.update(&options.groups);
        digest.update([
            u8::from(options.directory),
            u8::from(options.reputation),
            u8::from(options.unanswered == Unanswered::Block),
        ]);
        Ok(Self {
            black,
            white,
            ranges,
            trusted,
            mime,
            tail_types,
            stream_types,
            ads: Arc::new(ads),
            blocked_categories: options.blocked_categories,
            database: None,
            rules,
            groups,
            directory: options.directory,
            reputation: options.reputation,
            unanswered: options.unanswered,
            digest: digest.finalize().into(),
        })
    }

    /// The same policy with a database of categories; its digest is part of the policy's.
    #[must_use]
    pub fn with_database(self, database: Option<Arc<Database>>) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.digest);
        digest.update(database.as_ref().map_or([0; 32], |database| database.digest()));
        Self { database, digest: digest.finalize().into(), ..self }
    }

    /// The database of categories, where there is one.
    #[must_use]
    pub const fn database(&self) -> Option<&Arc<Database>> {
        self.database.as_ref()
    }

    /// The categories whose sites are blocked.
    #[must_use]
    pub const fn blocked_categories(&self) -> Categories {
        self.blocked_categories
    }

    /// The expressions about advertisements.
    #[must_use]
    pub fn ads(&self) -> &AdList {
        &self.ads
    }

    /// The groups of the group file.
    #[must_use]
    pub const fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The rules, with their counters.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a rule of the administrator's decides about threats: then a scan has to find all of them.
    #[must_use]
    pub fn judges_threats(&self) -> bool {
        self.rules.judges_threats()
    }

    /// Whether a message is blocked when its decision depends on an answer that did not come.
    #[must_use]
    pub fn blocks_unanswered(&self) -> bool {
        self.unanswered == Unanswered::Block
    }

    /// Whether any rule looks at the clock.
    #[must_use]
    pub const fn needs_time(&self) -> bool {
        self.rules.needs().time
    }

    /// Whether any address is on a list of the settings.
    #[must_use]
    pub const fn has_lists(&self) -> bool {
        !self.black.is_empty() || !self.white.is_empty() || !self.ranges.is_empty()
    }

    /// Whether anybody looks at addresses: if not, nobody needs to read them.
    #[must_use]
    pub fn needs_url(&self) -> bool {
        self.has_lists()
            || self.database.is_some()
            || !self.ads.is_empty()
            || self.reputation
            || self.rules.needs().url
    }

    /// Whether nothing but the type and the content of a message decides about it: no list of addresses, no
    /// categories, no rule of the administrator's.
    #[must_use]
    pub fn judges_bodies_only(&self) -> bool {
        let knows_addresses =
            self.has_lists() || self.database.is_some() || !self.ads.is_empty() || self.reputation;
        !knows_addresses && self.rules.are_default()
    }

    /// Looks the address up in both lists; the black list wins.
    #[must_use]
    pub fn check_url(&self, url: &UrlParts<'_>) -> UrlDecision<'_> {
        if let Some(entry) = self.black.find(url) {
            return UrlDecision::Black(entry);
        }
        self.white.find(url).map_or(UrlDecision::None, UrlDecision::White)
    }

    /// Whether parts of an object may be asked for at this address.
    #[must_use]
    pub fn allows_ranges(&self, url: &UrlParts<'_>) -> bool {
        self.ranges.find(url).is_some()
    }

    /// Whether an object of this address is the same as before when its validator is.
    #[must_use]
    pub fn trusts_validators(&self, url: &UrlParts<'_>) -> bool {
        self.trusted.find(url).is_some()
    }

    /// What the rules say about a body of this type (the raw `Content-Type`; empty when there is
    /// none) and size in bytes. A size that is not known counts as the stricter of a rule's actions.
    #[must_use]
    pub fn body_rule(&self, mime: &[u8], size: Option<u64>) -> BodyAction {
        self.mime.rule(mime).map_or(BodyAction::Scan, |rule| rule.action(size))
    }

    /// Whether a body of this type (the raw `Content-Type`) is one of `TailTypes`.
    #[must_use]
    pub fn is_tail_type(&self, mime: &[u8]) -> bool {
        self.tail_types.has(mime)
    }

    /// Whether a body of this type has no end where it has no length: `StreamTypes`.
    #[must_use]
    pub fn is_stream_type(&self, mime: &[u8]) -> bool {
        self.stream_types.has(mime)
    }

    /// SHA-256 of the content: equal contents give equal digests, in whatever order they were written.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Entries in the black and the white list, after duplicates are gone.
    #[must_use]
    pub fn entry_counts(&self) -> (usize, usize) {
        (self.black.entry_count(), self.white.entry_count())
    }
}

/// What the lists say about an address.
#[derive(Clone, Copy, Debug)]
pub enum UrlDecision<'p> {
    /// On the black list, by this entry.
    Black(Entry<'p>),
    /// On the white list only, by this entry.
    White(Entry<'p>),
    /// On neither.
    None,
}

/// Why a policy cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// The entries of this list are more than 4 GiB of text.
    ListTooLarge {
        /// The list's name in the settings.
        list: &'static str,
    },
    /// The expressions of `AdList` are too many or too large together.
    Ads(ExpressionFault),
    /// More than [`mime::RULES_MAX`] rules.
    TooManyRules {
        /// How many there are.
        count: usize,
    },
    /// More types than that in a list.
    TooManyTypes {
        /// The list's name in the settings.
        list: &'static str,
        /// How many there are.
        count: usize,
    },
    /// Two rules with the same pattern say different things.
    RulesDisagree {
        /// The pattern both are for.
        pattern: Box<str>,
    },
    /// A rule cannot be used.
    Rule(Box<RuleFault>),
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ListTooLarge { list } => write!(out, "{list}: more than 4 GiB of entries"),
            Self::Ads(fault) => write!(out, "AdList: {fault}"),
            Self::TooManyRules { count } => {
                write!(out, "MimeRules: {count} rules, {} are allowed", mime::RULES_MAX)
            }
            Self::TooManyTypes { list, count } => {
                write!(out, "{list}: {count} types, {} are allowed", mime::RULES_MAX)
            }
            Self::RulesDisagree { pattern } => {
                write!(out, "MimeRules: two different rules for '{pattern}'")
            }
            Self::Rule(fault) => fault.fmt(out),
        }
    }
}

impl std::error::Error for PolicyFault {}
