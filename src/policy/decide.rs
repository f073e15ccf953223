//! From facts to an outcome: the rules are tried in order, and what they need is found out when it is needed.
//!
//! ```text
//!   Facts ─▶ rules before the scan ─┬─ BLOCK ──────────▶ Block
//!                                   ├─ PASS, or none ──▶ Go: the body is scanned, unless SET scan = No
//!                                   └─ not known yet ──▶ Ask: come back with the answer
//!   ThreatFact ─▶ rules about threats ─▶ PASS, BLOCK, or the switch of its kind
//! ```
//!
//! Asking is by data. A caller that cannot ask comes back with "no answer"; then a site has no category by
//! reputation, and a user is neither in nor outside of a directory's groups, unless the administrator
//! wants such messages blocked ([`Outcome::Unanswered`]). The same for threats: with `BlockUnanswered`, one that
//! a rule would have decided about is blocked.
//!
//! Nothing is allocated on the way unless a [`Witness`] wants to see the steps.

use super::Policy;
use super::category::{Categories, Category};
use super::explain::{Step, Witness};
use super::facts::{Directory, Facts, ThreatFact};
use super::release::Release;
use super::table::Entry;
use super::threat::ThreatKinds;
use super::trial::{Trial, Turn};

/// What becomes of a message before its body is seen.
#[derive(Clone, Debug)]
pub enum Outcome<'p> {
    /// It goes on, and its body is scanned unless a rule says otherwise.
    Go(Way),
    /// It is blocked.
    Block(Block<'p>),
    /// The decision depends on this: ask, and decide again with the answer.
    Ask(Asking),
    /// This was asked and gave no answer, and the administrator wants one.
    Unanswered(Question),
}

/// Something that only a service knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// What reputation services say about the site.
    Reputation,
    /// Which groups of a directory the user is in.
    Groups,
    /// What the script of `MessageHook` says.
    Hook,
}

/// A question, and how far the decision came without its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The question.
    pub question: Question,
    /// Rules before this place have been tried and counted; [`Facts::counted`] of the next decision.
    pub place: usize,
}

impl Asking {
    /// A question that comes when every rule has been tried.
    #[must_use]
    pub const fn at_the_end(question: Question) -> Self {
        Self { question, place: usize::MAX }
    }
}

/// How a message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The place of the rule that said `PASS`.
    pub rule: Option<usize>,
    /// What the rules found out and changed.
    pub state: State,
}

/// What rules that are not final have changed, and what was found out on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
#[expect(clippy::partial_pub_fields, reason = "what rules changed is for the rules alone")]
pub struct State {
    /// The address is on the white list: known where a rule asked.
    pub white_listed: bool,
    /// A rule says `SET scan = No`.
    pub unscanned: bool,
    /// A rule says `SET release`.
    pub release: Option<RuledRelease>,
    /// The plan of a rule that says `SET next_services`: [`Policy::next_services`].
    pub(super) next_services: Option<u16>,
    /// Categories that rules set in place of what is known.
    pub(super) replaced: Option<Categories>,
    /// Categories that rules added.
    pub(super) added: Categories,
    /// Groups that rules set or added, a bit each.
    pub(super) groups: u64,
    /// The groups that are known otherwise do not count.
    pub(super) groups_replaced: bool,
}

/// What a rule says about what leaves before the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuledRelease {
    /// The way.
    pub way: Release,
    /// The place of the rule, counted from 0.
    pub rule: u16,
}

/// A block before the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'p> {
    /// The place of the rule that says so.
    pub rule: usize,
    /// As what.
    pub reason: BlockReason<'p>,
}

/// As what a message is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockReason<'p> {
    /// The address is on the black list, by this entry where that is known.
    BlackList(Option<Entry<'p>>),
    /// The address is an advertisement's, by this expression where that is known.
    Advertisement(Option<&'p str>),
    /// The site is in this category.
    Category {
        /// The category.
        category: Category,
        /// Who says so.
        source: CategorySource,
    },
    /// It is a threat: after the scan only.
    Threat,
    /// The administrator's own words.
    Text(&'p str),
    /// The rule says no more than `BLOCK`.
    Rule,
}

/// Who put a site into a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CategorySource {
    /// The local database.
    Database,
    /// A reputation service.
    Reputation,
    /// A rule: with `SET`, `ADD`, or `BLOCK as`.
    Rule,
}

/// What becomes of a threat that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement<'p> {
    /// Whether it is blocked.
    pub blocks: bool,
    /// The place of the rule that says so; `None`: the switch of its kind.
    pub rule: Option<usize>,
    /// As what it is blocked.
    pub reason: BlockReason<'p>,
}

impl Policy {
    /// Which services a rule wants to see the message next; none: no service. `None`: no rule says so.
    #[must_use]
    pub fn next_services(&self, state: &State) -> Option<&[Box<str>]> {
        self.rules.plan(state.next_services?)
    }

    /// Decides about a message before its body is seen.
    pub fn decide<W: Witness>(&self, facts: &Facts<'_>, witness: &mut W) -> Outcome<'_> {
        self.decide_after(State::default(), facts, witness)
    }

    /// The same, where rules have changed something before: about the request of a response.
    pub fn decide_after<W: Witness>(
        &self,
        before: State,
        facts: &Facts<'_>,
        witness: &mut W,
    ) -> Outcome<'_> {
        let mut trial = Trial::new(self, facts, None, before, witness);
        let mut end = None;
        if W::LOOKS {
            end = self.rules.before().find_map(|(place, rule)| trial.turn(place, rule));
        } else {
            let mut left = trial.candidates();
            let (mut from, mut narrowed) = (0, false);
            while let Some(place) = left.next(from) {
                if !narrowed && self.rules.screen().looks_at_categories(place) {
                    narrowed = true;
                    trial.narrow(&mut left);
                    continue;
                }
                end = self.rules.get(place).and_then(|rule| trial.turn(place, rule));
                if end.is_some() {
                    break;
                }
                from = place.saturating_add(1);
            }
        }
        match end {
            None => self.gone(&trial, None),
            Some((place, Turn::Pass | Turn::Next)) => self.gone(&trial, Some(place)),
            Some((rule, Turn::Block(reason))) => Outcome::Block(Block { rule, reason }),
            Some((place, Turn::Ask(question))) => Outcome::Ask(Asking { question, place }),
            Some((_, Turn::Unanswered(question))) => Outcome::Unanswered(question),
        }
    }

    /// It goes on; what rules about threats will look at is asked for now, while there is time.
    fn gone<W: Witness>(&self, trial: &Trial<'_, '_, '_, W>, rule: Option<usize>) -> Outcome<'_> {
        let needs = self.rules.needs();
        if needs.directory_after
            && self.directory
            && trial.facts.directory == Directory::Unasked
            && !trial.facts.user.is_empty()
        {
            return Outcome::Ask(Asking::at_the_end(Question::Groups));
        }
        if needs.category_after && trial.may_ask_reputation() {
            return Outcome::Ask(Asking::at_the_end(Question::Reputation));
        }
        Outcome::Go(Way { rule, state: trial.state })
    }

    /// Decides about a threat, with the facts and the state of the message it was found in. `blocked` are
    /// the kinds whose switch is on.
    pub fn judge<W: Witness>(
        &self,
        facts: &Facts<'_>,
        state: State,
        threat: ThreatFact<'_>,
        blocked: ThreatKinds,
        witness: &mut W,
    ) -> Judgement<'_> {
        let mut trial = Trial::new(self, facts, Some((threat, blocked)), state, witness);
        for (place, rule) in self.rules.after() {
            match trial.rule(place, rule) {
                // No questions after the scan: what is not known by now is in no set.
                Turn::Next | Turn::Ask(_) => {}
                // A rule that might have been for the threat or against it, and the administrator wants answers.
                Turn::Unanswered(_) => {
                    return Judgement {
                        blocks: true,
                        rule: Some(place),
                        reason: BlockReason::Threat,
                    };
                }
                Turn::Pass => {
                    return Judgement {
                        blocks: false,
                        rule: Some(place),
                        reason: BlockReason::Rule,
                    };
                }
                Turn::Block(reason) => {
                    return Judgement { blocks: true, rule: Some(place), reason };
                }
            }
        }
        let blocks = blocked.has(threat.kind);
        trial.witness.see(|| Step::Switch { kind: threat.kind.name(), blocks });
        Judgement { blocks, rule: None, reason: BlockReason::Threat }
    }

    /// The lists and entries that put the site into its categories, for people.
    #[must_use]
    pub fn category_entries(&self, facts: &Facts<'_>) -> Vec<String> {
        let mut entries = Vec::new();
        if let Some((database, url)) = self.database.as_ref().zip(facts.url) {
            database.explain(url, &mut |source| {
                if entries.len() < ENTRIES_MAX {
                    entries.push(format!("{} {}: {}", source.category, source.list, source.entry));
                }
            });
        }
        entries
    }

    /// The categories that the local database knows of a site.
    pub(super) fn local_categories(&self, facts: &Facts<'_>) -> Categories {
        let database = self.database.as_ref().zip(facts.url);
        database.map_or(Categories::NONE, |(database, url)| database.categories(url))
    }
}

impl Question {
    /// The word in explanations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reputation => "reputation",
            Self::Groups => "groups",
            Self::Hook => "hook",
        }
    }
}

/// Entries about one site that are told.
const ENTRIES_MAX: usize = 64;
