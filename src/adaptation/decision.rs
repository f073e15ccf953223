//! From a verdict to an answer.
//!
//! Pure on purpose: this is what an auditor reads. [`answer`] is the whole policy as one table, and a
//! test walks every row of it.

use std::fmt;

use crate::engine::verdict::{Detection, Verdict, Why};
use crate::policy::Category;

use super::Options;
use super::threat::ThreatKind;

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on as it came.
    Unmodified(Passed),
    /// The request goes on without [`super::range::RANGE_FIELDS`].
    AskForAll,
    /// A block page takes its place.
    Block(Box<Cause>),
    /// A part of it has left already: the answer has to end so that the client sees it broken.
    Abort(Box<Cause>),
}

/// Why a message goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Everything was scanned and nothing was found.
    Clean,
    /// It has no body.
    NoBody,
    /// A MIME rule says `pass`.
    Rule,
    /// A rule says `SET scan = No`.
    Unscanned,
    /// The service returns what it gets.
    Echo,
    /// It was not checked to the end, and `BlockUnchecked` is off.
    Unchecked(Why),
    /// A threat was found, and its kind is not blocked.
    Tolerated(Box<Threat>),
}

/// A threat that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threat {
    /// Its kind.
    pub kind: ThreatKind,
    /// The signature and the place.
    pub detection: Detection,
}

/// Why a message is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A threat was found.
    Threat(Threat),
    /// It could not be checked to the end, for this reason.
    Unchecked(Why),
    /// The address is on the black list, by this entry.
    BlackList(Box<str>),
    /// A MIME rule says `reject` for this type; empty where the message names none.
    Type(Box<str>),
    /// The site is in an unwanted category.
    Category {
        /// The category that is unwanted.
        category: Category,
        /// The list and the entry that say so: for the log and the administrator, not for the page.
        source: Box<str>,
    },
    /// The address matches this expression of `AdList`.
    Advertisement(Box<str>),
    /// A rule says `BLOCK as`.
    Rule {
        /// The rule's number and text: for the log and the administrator, not for the page.
        rule: Box<str>,
        /// As what it is blocked.
        reason: RuleReason,
    },
    /// The script of `MessageHook` said `block`.
    Hook,
    /// The check of the address failed, and `BlockUnchecked` is on.
    PolicyUnchecked(PolicyWhy),
}

impl Cause {
    /// The category that a user is told, whoever put the site into it.
    #[must_use]
    pub const fn category(&self) -> Option<Category> {
        match self {
            Self::Category { category, .. }
            | Self::Rule { reason: RuleReason::Category(category), .. } => Some(*category),
            Self::Threat(_)
            | Self::Unchecked(_)
            | Self::BlackList(_)
            | Self::Type(_)
            | Self::Advertisement(_)
            | Self::Rule { .. }
            | Self::Hook
            | Self::PolicyUnchecked(_) => None,
        }
    }

    /// Whether a client with a word for it is told that the message cannot be checked: its type is not allowed to
    /// be, or the scan did not come to its end.
    #[must_use]
    pub const fn is_unscannable(&self) -> bool {
        matches!(self, Self::Unchecked(_) | Self::Type(_))
    }

    /// Whether it is not that something was found, but that it could not be checked.
    #[must_use]
    pub const fn is_unchecked(&self) -> bool {
        matches!(self, Self::Unchecked(_) | Self::PolicyUnchecked(_))
    }
}

/// As what a rule blocks: the page and the headers are those of the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleReason {
    /// As if the address were on the black list.
    BlackList,
    /// As if the site were in this category.
    Category(Category),
    /// For a reason in the administrator's own words, which the page shows; may be empty.
    Text(Box<str>),
}

/// Why the policy could not be asked to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyWhy {
    /// The script ended with an error, at a limit, or said neither `pass` nor `block`.
    HookFailed,
    /// The script broke its limits too often and is switched off.
    HookDisabled,
    /// The reputation services gave no answer, and the administrator wants one.
    NoReputation,
    /// The groups of the user, which a rule asks for, are not known.
    NoGroups,
}

impl PolicyWhy {
    /// One word, for headers and programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::HookFailed => "hook_failed",
            Self::HookDisabled => "hook_disabled",
            Self::NoReputation => "no_reputation",
            Self::NoGroups => "no_groups",
        }
    }
}

impl fmt::Display for PolicyWhy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::HookFailed => "the script failed",
            Self::HookDisabled => "the script is switched off",
            Self::NoReputation => "no answer from the reputation services",
            Self::NoGroups => "the user's groups are not known",
        })
    }
}

/// What `BlockUnchecked` says about data that could not be checked to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unchecked {
    /// Let through.
    Pass,
    /// Block.
    Block,
}

/// How much of a message has left before its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Released {
    /// Nothing: a page can still take its place.
    Nothing,
    /// The head or a part of the body.
    Part,
}

/// Turns the outcome of a scan into an answer.
///
/// A scan that ends at its first detection could let a tolerated threat hide another behind it: where not
/// all kinds are blocked, the scan has to go on, and the first blocked detection is the verdict.
#[must_use]
pub fn decide(verdict: Verdict, released: Released, options: &Options) -> Decision {
    decide_by(verdict, released, options, |detection| {
        options.blocked_threats.has(ThreatKind::of(&detection.name))
    })
}

/// The same, where rules have a say: `blocks` tells whether a detection is blocked.
#[must_use]
pub fn decide_by(
    verdict: Verdict,
    released: Released,
    options: &Options,
    blocks: impl FnOnce(&Detection) -> bool,
) -> Decision {
    match verdict {
        Verdict::Clean => Decision::Unmodified(Passed::Clean),
        Verdict::Infected(detection) => {
            let kind = ThreatKind::of(&detection.name);
            let blocked = blocks(&detection);
            let found = if blocked { Found::BlockedThreat } else { Found::ToleratedThreat };
            let threat = Threat { kind, detection };
            match answer(found, released, options.unchecked) {
                Answer::Unmodified => Decision::Unmodified(Passed::Tolerated(Box::new(threat))),
                Answer::Page => Decision::Block(Box::new(Cause::Threat(threat))),
                Answer::Abort => Decision::Abort(Box::new(Cause::Threat(threat))),
            }
        }
        Verdict::Unscanned(why) => match answer(Found::Unchecked, released, options.about(why)) {
            Answer::Unmodified => Decision::Unmodified(Passed::Unchecked(why)),
            Answer::Page => Decision::Block(Box::new(Cause::Unchecked(why))),
            Answer::Abort => Decision::Abort(Box::new(Cause::Unchecked(why))),
        },
    }
}

impl Options {
    /// What happens to data that could not be checked for this reason.
    const fn about(&self, why: Why) -> Unchecked {
        match why {
            Why::Fragment => self.fragments,
            Why::Encrypted
            | Why::Broken(_)
            | Why::Limit(_)
            | Why::Unsupported(_)
            | Why::Time
            | Why::EngineMissing
            | Why::Failed
            | Why::Busy => self.unchecked,
        }
    }
}

/// What a scan found, as far as the answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Everything was scanned, nothing was found.
    Nothing,
    /// A threat of a kind that is blocked.
    BlockedThreat,
    /// A threat of a kind that is not blocked.
    ToleratedThreat,
    /// Nothing was found in the part that could be scanned.
    Unchecked,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 204, or the message as it came.
    Unmodified,
    /// 200 with a block page.
    Page,
    /// A broken end.
    Abort,
}

/// The whole policy of an answer, as one table.
#[must_use]
pub const fn answer(found: Found, released: Released, unchecked: Unchecked) -> Answer {
    match (found, unchecked, released) {
        (Found::Nothing | Found::ToleratedThreat, Unchecked::Pass | Unchecked::Block, _)
        | (Found::Unchecked, Unchecked::Pass, _) => Answer::Unmodified,
        (Found::BlockedThreat, Unchecked::Pass | Unchecked::Block, Released::Nothing)
        | (Found::Unchecked, Unchecked::Block, Released::Nothing) => Answer::Page,
        (Found::BlockedThreat, Unchecked::Pass | Unchecked::Block, Released::Part)
        | (Found::Unchecked, Unchecked::Block, Released::Part) => Answer::Abort,
    }
}
