//! From a verdict to an answer.
//!
//! Pure on purpose: this is what an auditor reads. [`answer`] is the whole policy as one table, and a
//! test walks every row of it.

use crate::engine::verdict::{Detection, Verdict, Why};

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
    match verdict {
        Verdict::Clean => Decision::Unmodified(Passed::Clean),
        Verdict::Infected(detection) => {
            let kind = ThreatKind::of(&detection.name);
            let blocked = options.blocked_threats.has(kind);
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
