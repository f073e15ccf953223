//! What the policy has to ask about a message, and the answers: reputation, groups, the script.
//!
//! A question has a deadline, and when it passes "no answer" is the answer. A connection that waits here
//! holds up nobody else; when its task is cancelled, the waiting ends with it.

use super::clock;
use super::shard::{Live, Shard};
use crate::adaptation::Known;
use crate::icap;
use crate::policy::{Directory, Hook, Moment, Policy, Question, Reputation};

/// The answers for one message.
#[derive(Debug)]
pub(super) struct Answers {
    moment: Moment,
    reputation: Reputation,
    groups: Groups,
    hook: Hook,
}

/// What a directory said about the user.
#[derive(Debug)]
enum Groups {
    Unasked,
    NoAnswer,
}

impl Answers {
    /// Nothing was asked.
    pub(super) const NONE: Self = Self {
        moment: Moment::START,
        reputation: Reputation::Unasked,
        groups: Groups::Unasked,
        hook: Hook::Absent,
    };

    /// What is known of a message without asking: the time, when a rule looks at it.
    pub(super) fn begin(policy: &Policy, _shard: &Shard) -> Self {
        let moment = if policy.needs_time() { clock::local_moment() } else { Moment::START };
        Self { moment, ..Self::NONE }
    }

    /// As the policy takes it.
    pub(super) fn known(&self) -> Known<'_> {
        let directory = match &self.groups {
            Groups::Unasked => Directory::Unasked,
            Groups::NoAnswer => Directory::NoAnswer,
        };
        Known { moment: self.moment, reputation: self.reputation, directory, hook: self.hook }
    }

    /// Finds out what was asked; after this it is answered, if only by "no answer".
    pub(super) async fn ask(
        &mut self,
        question: Question,
        _request: &icap::Request,
        _live: &Live,
        _shard: &Shard,
    ) {
        match question {
            Question::Reputation => self.reputation = Reputation::NoAnswer,
            Question::Groups => self.groups = Groups::NoAnswer,
            Question::Hook => self.hook = Hook::Absent,
        }
    }
}
