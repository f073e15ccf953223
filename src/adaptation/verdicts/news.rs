//! What was learned, as a value: for the table of this shard, and for those of the others.
//!
//! [`super::Table::learn`] gives a [`News`] when a fact is new to its shard, and none when it is not. Whoever owns
//! the shard sends it to the mailboxes of the others, and they [`super::Table::hear`] it. Hearing makes
//! no news, so nothing goes round in a circle; to hear the same again changes nothing; and a full mailbox may
//! lose any of it, for what a shard does not know it scans.

use super::key::{ContentKey, Epoch, PromiseKey, SiteKey, Validator};
use super::settled::Settled;
use crate::engine::verdict::Verdict;

/// Something that was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A body was scanned to its end, or as far as the limits go.
    Verdict(ContentKey, Settled),
    /// A response that was known by this had this body.
    Promise(PromiseKey, ContentKey),
    /// An answer ended broken, after a part of it had left.
    Broken(SiteKey, Broken),
}

/// Why an answer ended broken, and of which version of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    found: Settled,
    validator: Option<Validator>,
}

impl Broken {
    /// `None` where the verdict gives no reason to refuse a retry: clean, or unscanned for the moment only.
    #[must_use]
    pub fn of(verdict: &Verdict, validator: Option<Validator>) -> Option<Self> {
        Self::settled(Settled::of(verdict)?, validator)
    }

    pub(super) fn settled(found: Settled, validator: Option<Validator>) -> Option<Self> {
        (found != Settled::Clean).then_some(Self { found, validator })
    }

    /// What was found: a detection, or why it could not be scanned.
    #[must_use]
    pub const fn found(&self) -> &Settled {
        &self.found
    }

    /// The strong validator of the response that it was found in.
    #[must_use]
    pub const fn validator(&self) -> Option<&Validator> {
        self.validator.as_ref()
    }

    /// Whether a response with this validator is the same object. It is another one only where both say so.
    #[must_use]
    pub fn is_about(&self, validator: Option<&Validator>) -> bool {
        match (&self.validator, validator) {
            (Some(known), Some(seen)) => known == seen,
            (None, _) | (_, None) => true,
        }
    }
}

/// A fact for another shard: small, and cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub(super) epoch: Epoch,
    pub(super) fact: Fact,
    /// When it was learned, in seconds.
    pub(super) born: u64,
}

impl News {
    /// What was learned: for the second level, which wants to know about verdicts.
    #[must_use]
    pub const fn fact(&self) -> &Fact {
        &self.fact
    }
}
