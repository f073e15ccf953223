//! One HTTP message: policy, then scan, then answer.
//!
//! ```text
//!   request ──▶ begin ──┬─ Answer(Decision) ─────────────────────────┐
//!         ▲             ├─ Ask(Question): begin again with the answer
//!                       └─ Scan(ScanPlan) ──▶ scan ──▶ decide ──▶ Decision
//!                                                                    │
//!                 Unmodified(Passed)  ◀──────────────────────────────┼── headers, page
//!                 Block(Cause): page  ◀──────────────────────────────┤
//!                 Abort(Cause): broken end, for a part has left ◀────┘
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | from an ICAP request to "answer" or "scan these bytes" | [`begin()`] |
//! | who is refused when there is too much to do | [`admission`] |
//! | which names and passwords clients have | [`credentials`] |
//! | from a verdict to an answer: one pure table | [`decision`] |
//! | parts of objects: `Range`, 206 | [`range`] |
//! | Dr.Web's answer headers | [`headers`] |
//! | what may leave before the verdict | [`release`] |
//! | what a request leaves for its response | [`bequest`] |
//! | marks in the message, and who sees it next | [`remarks`] |
//! | which file names a proxy may keep to itself | [`transfer`] |
//! | verdicts that are known already | [`verdicts`] |
//! | block pages | [`page`] |
//!
//! It asks by data and never calls: whoever owns the body feeds the scan. A clean message allocates nothing.
//!
//! Absent on purpose: the body, the scan, the clock (times on pages are passed in), files (templates too).

#![forbid(unsafe_code)]

use sha2::{Digest, Sha256};

pub mod admission;
pub mod begin;
pub mod bequest;
pub mod credentials;
pub mod decision;
pub mod headers;
pub mod page;
pub mod range;
pub mod release;
pub mod remarks;
mod rolling;
pub mod transfer;
pub mod verdicts;

#[cfg(test)]
mod tests;

pub use crate::policy::threat::{self, ThreatKind, ThreatKinds};
pub use begin::{
    Begin, Decided, Fragment, Known, Message, ScanPlan, begin, begin_after, begin_message, judge,
};
pub use bequest::Bequest;
pub use decision::{
    Cause, Decision, Passed, PolicyWhy, Released, RuleReason, Threat, Unchecked, decide, decide_by,
};
pub use headers::extra;
pub use release::{Chosen, Early, ReleaseOptions, ReleasePlan, Rolling, Trickle, Windows};
pub use remarks::{Mark, Remarks};

/// What the administrator decided about answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `BlockUnchecked`: what happens to data that could not be checked to the end.
    pub unchecked: Unchecked,
    /// `BlockFragments`: what happens to a part of an object in which nothing was found.
    pub fragments: Unchecked,
    /// `StripRanges`: whether requests for parts become requests for all.
    pub ranges: Ranges,
    /// `BlockKnownVirus` and its sisters: the kinds of threat that are blocked.
    pub blocked_threats: ThreatKinds,
    /// What may leave of a body before its verdict. No part of the digest: it changes when an answer begins.
    pub release: ReleaseOptions,
}

/// What becomes of requests for a part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ranges {
    /// They become requests for all of it.
    Strip,
    /// They go on as they are.
    Keep,
}

impl Default for Options {
    /// Everything that was found, and everything that could not be checked, is blocked.
    fn default() -> Self {
        Self {
            unchecked: Unchecked::Block,
            fragments: Unchecked::Block,
            ranges: Ranges::Strip,
            blocked_threats: ThreatKinds::ALL,
            release: ReleaseOptions::default(),
        }
    }
}

impl Options {
    /// SHA-256 of everything that changes an answer: a part of the ISTag.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(b"baleen adaptation 2");
        digest.update([
            u8::from(self.unchecked == Unchecked::Block),
            u8::from(self.fragments == Unchecked::Block),
            u8::from(self.ranges == Ranges::Strip),
            self.blocked_threats.bits(),
        ]);
        digest.finalize().into()
    }
}
