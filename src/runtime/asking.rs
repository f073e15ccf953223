//! What the policy has to ask about a message, and the answers: reputation, groups, the script.
//!
//! A question has a deadline, and when it passes "no answer" is the answer. A connection that waits here
//! holds up nobody else; when its task is cancelled, the waiting ends with it.

use super::clock;
use super::exchange::url_of;
use super::script::Told;
use super::shard::{Live, Shard};
use crate::adaptation::{Known, Message, PolicyWhy};
use crate::icap;
use crate::observe::Event;
use crate::policy::directory::{self, Membership};
use crate::policy::path::{CanonicalPath, PathScratch};
use crate::policy::reputation::Answer;
use crate::policy::{Asking, Directory, Hook, HookAnswer, Moment, Question, Reputation};

/// The answers for one message.
#[derive(Debug)]
pub(super) struct Answers {
    moment: Moment,
    reputation: Reputation,
    membership: Option<Membership>,
    hook: Hook,
    counted: usize,
}

/// What the reputation services say about the address of a message.
async fn ask_services(request: &icap::Request, live: &Live, shard: &Shard) -> Reputation {
    // Only a message with an address that can be read has a question about it.
    let Some((host, path)) = asked_place(request) else { return Reputation::Unknown };
    match shard.reputation(live, &host, &path).await.answer {
        Answer::Categories(categories) => Reputation::Known(categories),
        Answer::Unknown => Reputation::Unknown,
        Answer::NoAnswer(_) => Reputation::NoAnswer,
    }
}

/// Host and path in canonical form. A path that is longer than any list has is not told.
fn asked_place(request: &icap::Request) -> Option<(String, String)> {
    let message = Message::of(request);
    let url = message.url()?;
    let mut scratch = PathScratch::new();
    let path = CanonicalPath::of(url.path, &mut scratch);
    let path = if path.is_complete() { path.as_bytes() } else { b"/" };
    Some((url.host.as_str().to_owned(), String::from_utf8_lossy(path).into_owned()))
}

/// What the directory says about the user of a message. That it says nothing goes into the log: rules then do not
/// decide as the administrator wrote them.
async fn ask_directory(request: &icap::Request, live: &Live, shard: &Shard) -> Membership {
    let user = Message::of(request).user;
    let membership = shard.directory(live, user).await;
    if let directory::Answer::NoAnswer(failure) = &membership.answer {
        shard.journal.write(Event::GroupsUnknown {
            url: url_of(request),
            user: user.to_owned(),
            why: failure.to_string(),
            blocks: live.policy.blocks_unanswered(),
        });
    }
    membership
}

impl Answers {
    /// Nothing was asked.
    pub(super) const NONE: Self = Self {
        moment: Moment::START,
        reputation: Reputation::Unasked,
        membership: None,
        hook: Hook::Absent,
        counted: 0,
    };

    /// What is known of a message without asking: the time, when a rule looks at it.
    pub(super) fn begin(live: &Live) -> Self {
        let needs_time = live.policy.needs_time();
        let moment = if needs_time { clock::local_moment() } else { Moment::START };
        let hook = if live.hook.is_some() { Hook::Unasked } else { Hook::Absent };
        Self { moment, hook, ..Self::NONE }
    }

    /// As the policy takes it.
    pub(super) fn known(&self) -> Known<'_> {
        let directory = self.membership.as_ref().map_or(Directory::Unasked, Membership::fact);
        Known {
            moment: self.moment,
            reputation: self.reputation,
            directory,
            hook: self.hook,
            counted: self.counted,
        }
    }

    /// Why the script gave no answer; `None`: it gave one, or was not asked.
    pub(super) const fn failed_hook(&self) -> Option<PolicyWhy> {
        match self.hook {
            Hook::Answered(HookAnswer::Failed) => Some(PolicyWhy::HookFailed),
            Hook::Answered(HookAnswer::Disabled) => Some(PolicyWhy::HookDisabled),
            Hook::Absent | Hook::Unasked | Hook::Answered(HookAnswer::Pass | HookAnswer::Block) => {
                None
            }
        }
    }

    /// Finds out what was asked; after this it is answered, if only by "no answer".
    pub(super) async fn ask(
        &mut self,
        asking: Asking,
        request: &icap::Request,
        live: &Live,
        shard: &Shard,
    ) {
        self.counted = asking.place;
        match asking.question {
            Question::Reputation => self.reputation = ask_services(request, live, shard).await,
            Question::Groups => {
                self.membership = Some(ask_directory(request, live, shard).await);
            }
            Question::Hook => self.hook = Hook::Answered(self.ask_script(request, live, shard)),
        }
    }

    /// Asks the script, here and at once: it is bounded in time, and the shard does nothing else meanwhile.
    fn ask_script(&self, request: &icap::Request, live: &Live, shard: &Shard) -> HookAnswer {
        let Some(source) = &live.hook else { return HookAnswer::Failed };
        let message = Message::of(request);
        let url = message.url();
        let known = self.known();
        let facts = message.facts(url.as_ref(), &known);
        let told = Told {
            facts: &facts,
            request: request.http_request(),
            response: request.http_response(),
            has_body: request.has_body(),
            policy: &live.policy,
        };
        let asked = shard.script.ask(source, &live.policy, clock::thread_time, &told);
        for line in asked.log {
            shard.journal.write(Event::Script { level: line.level, text: line.text });
        }
        if let Some(trouble) = asked.trouble {
            shard.journal.write(Event::ScriptFailed { why: trouble.to_string() });
        }
        if asked.disabled_now {
            shard.journal.write(Event::ScriptDisabled);
        }
        asked.answer
    }
}
