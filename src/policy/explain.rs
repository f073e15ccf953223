//! Every step of a decision, for the person who wants to know why.
//!
//! A decision is made in front of a [`Witness`]. The usual one is `()`, which looks away: the steps are
//! never made, and nothing is allocated. A [`Story`] keeps them.

use std::fmt::Write as _;

use serde::Serialize;

use super::category::Categories;
use super::decide::{BlockReason, CategorySource, Judgement, Outcome, State};
use super::directory::{Answer, Membership};
use super::facts::{Facts, Reputation};
use super::{Policy, rules::RuleView};

/// Somebody in front of whom a decision is made.
pub trait Witness {
    /// Whether it looks at all. Who looks sees every rule; otherwise those that cannot apply are passed over.
    const LOOKS: bool = true;

    /// Sees a step, which is made only for those who look.
    fn see(&mut self, step: impl FnOnce() -> Step);
}

impl Witness for () {
    const LOOKS: bool = false;

    fn see(&mut self, _step: impl FnOnce() -> Step) {}
}

/// The steps of a decision in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Witness for Story {
    fn see(&mut self, step: impl FnOnce() -> Step) {
        if self.steps.len() < STEPS_MAX {
            let step = step();
            // One list may be looked at by several conditions.
            if !matches!(step, Step::List { .. } | Step::Categories { .. })
                || !self.steps.contains(&step)
            {
                self.steps.push(step);
            }
        }
    }
}

/// One step of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// The address is on a list.
    List {
        /// Its name in the settings.
        list: &'static str,
        /// The entry.
        entry: String,
    },
    /// What is known about the categories of the site.
    Categories {
        /// Their names; empty: nothing is known.
        categories: Vec<&'static str>,
        /// `database`, or `reputation`.
        source: &'static str,
        /// The lists and entries that say so, where the database tells.
        entries: Vec<String>,
    },
    /// A rule was tried.
    Rule {
        /// The rule.
        #[serde(flatten)]
        rule: RuleView,
        /// What came of it.
        verdict: Verdict,
        /// The condition that it failed at.
        #[serde(skip_serializing_if = "Option::is_none")]
        condition: Option<String>,
    },
    /// A rule depends on something that has to be asked.
    Question {
        /// The rule's number.
        rule: usize,
        /// What.
        question: &'static str,
    },
    /// It was asked, and nobody answered.
    Unanswered {
        /// What.
        question: &'static str,
    },
    /// A directory was asked for the groups of the user.
    Directory {
        /// The user.
        user: String,
        /// The server that answered; empty: none did, or somebody says so by hand.
        server: String,
        /// Whether the answer was known before.
        cached: bool,
        /// Names and DNs of the groups.
        groups: Vec<String>,
        /// Why it is not known; `None`: it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
        /// All of it in words.
        text: String,
    },
    /// A scan found a threat.
    Threat {
        /// Its name.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// The switch of a kind of threat.
    Switch {
        /// The kind.
        kind: &'static str,
        /// Whether it is on.
        blocks: bool,
    },
    /// What the script of `MessageHook` said.
    Hook {
        /// Its answer, or what went wrong.
        answer: String,
    },
    /// The end of it.
    Outcome {
        /// `pass`, `block`, `ask` or `unchecked`.
        outcome: &'static str,
        /// In words.
        text: String,
    },
}

/// What came of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All its conditions hold.
    Applies,
    /// One does not.
    DoesNotHold,
    /// Of one it is not known.
    NotKnown,
}

impl Step {
    pub(super) fn rule(
        policy: &Policy,
        place: usize,
        verdict: Verdict,
        condition: Option<&str>,
    ) -> Self {
        let rule = policy.rules.view(place).unwrap_or_else(|| RuleView {
            number: place.saturating_add(1),
            source: String::new(),
            line: 0,
            text: String::new(),
            hits: 0,
        });
        Self::Rule { rule, verdict, condition: condition.map(str::to_owned) }
    }

    pub(super) fn categories(policy: &Policy, facts: &Facts<'_>, local: Categories) -> Self {
        if local.is_empty()
            && let Reputation::Known(categories) = facts.reputation
        {
            return Self::Categories {
                categories: names(categories),
                source: "reputation",
                entries: Vec::new(),
            };
        }
        let entries = policy.category_entries(facts);
        Self::Categories { categories: names(local), source: "database", entries }
    }

    pub(super) fn directory(user: &str, membership: &Membership) -> Self {
        let (groups, failure) = match &membership.answer {
            Answer::Groups { groups, .. } => {
                (groups.iter().map(ToString::to_string).collect(), None)
            }
            Answer::NoUser => (Vec::new(), None),
            Answer::NoAnswer(failure) => (Vec::new(), Some(failure.to_string())),
        };
        Self::Directory {
            user: user.to_owned(),
            server: membership.server.to_string(),
            cached: membership.is_cached,
            groups,
            failure,
            text: format!("the directory about {user}: {membership}"),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::List { list, entry } => format!("the address is in {list}: {entry}"),
            Self::Categories { categories, source, entries } if categories.is_empty() => {
                debug_assert!(entries.is_empty(), "no category without an entry");
                format!("the {source} knows no category of the site")
            }
            Self::Categories { categories, source, entries } => {
                let mut text = format!("the {source} says {}", categories.join(", "));
                for entry in entries {
                    // Writing to a string cannot fail.
                    let _infallible = write!(text, "\n    {entry}");
                }
                text
            }
            Self::Rule { rule, verdict, condition } => {
                let text = rule.text.split_whitespace().collect::<Vec<_>>().join(" ");
                let place = format!("rule {} ({}:{})", rule.number, rule.source, rule.line);
                match (verdict, condition) {
                    (Verdict::Applies, _) => format!("{place} applies: {text}"),
                    (Verdict::DoesNotHold, Some(condition)) => {
                        format!("{place} does not apply: {condition}")
                    }
                    (Verdict::NotKnown, Some(condition)) => {
                        format!("{place} does not apply: not known: {condition}")
                    }
                    (_, None) => format!("{place} does not apply"),
                }
            }
            Self::Question { rule, question } => {
                format!("rule {rule} depends on {question}, which has to be asked")
            }
            Self::Unanswered { question } => format!("{question}: asked, and no answer"),
            Self::Threat { name, kind } => format!("the scan finds {name}: {kind}"),
            Self::Switch { kind, blocks } => {
                format!("Block{kind} is {}", if *blocks { "on" } else { "off" })
            }
            Self::Hook { answer } => format!("MessageHook: {answer}"),
            Self::Outcome { text, .. } | Self::Directory { text, .. } => text.clone(),
        }
    }
}

impl Story {
    /// The steps, a line each; rules that do not apply only when all are wanted.
    #[must_use]
    pub fn text(&self, all: bool) -> String {
        let mut out = String::new();
        for step in &self.steps {
            let is_quiet =
                matches!(step, Step::Rule { verdict, .. } if *verdict == Verdict::DoesNotHold);
            if all || !is_quiet {
                out.push_str(&step.text());
                out.push('\n');
            }
        }
        out
    }
}

impl Policy {
    /// Says in the story how a decision before the scan ended.
    pub fn end_story(&self, outcome: &Outcome<'_>, story: &mut Story) {
        let (word, text) = match outcome {
            Outcome::Go(way) if way.state.unscanned => {
                ("pass", "it goes on, and its body is not scanned".to_owned())
            }
            Outcome::Go(way) => {
                let by = if way.rule.is_some() { " by a rule" } else { "" };
                ("pass", format!("it goes on{by}, and its body is scanned"))
            }
            Outcome::Block(block) => {
                ("block", format!("it is blocked: {}", self.reason_text(&block.reason)))
            }
            Outcome::Ask(asking) => ("ask", format!("it depends on {}", asking.question.name())),
            Outcome::Unanswered(question) => {
                ("unchecked", format!("it is blocked: no answer about {}", question.name()))
            }
        };
        let set = match outcome {
            Outcome::Go(way) => self.set_text(&way.state),
            Outcome::Block(_) | Outcome::Ask(_) | Outcome::Unanswered(_) => String::new(),
        };
        story.see(|| Step::Outcome { outcome: word, text: format!("{text}{set}") });
    }

    /// What rules have set about how a message goes on.
    fn set_text(&self, state: &State) -> String {
        let release = state.release.filter(|_| !state.unscanned).map(|release| {
            let number = usize::from(release.rule).saturating_add(1);
            format!("; release = {}, by rule {number}", release.way.name())
        });
        let next = self.next_services(state).map(|names| {
            format!(
                "; next services: {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            )
        });
        [release, next].into_iter().flatten().collect()
    }

    /// Says in the story what becomes of a threat.
    pub fn end_threat_story(&self, judgement: &Judgement<'_>, story: &mut Story) {
        let (outcome, text) = if judgement.blocks {
            ("block", "the threat is blocked")
        } else {
            ("pass", "the threat is tolerated")
        };
        story.see(|| Step::Outcome { outcome, text: text.to_owned() });
    }

    /// A reason in words, for administrators.
    #[must_use]
    pub fn reason_text(&self, reason: &BlockReason<'_>) -> String {
        match reason {
            BlockReason::BlackList(Some(entry)) => format!("black list: {entry}"),
            BlockReason::BlackList(None) => "black list".to_owned(),
            BlockReason::Advertisement(Some(entry)) => format!("advertisement: {entry}"),
            BlockReason::Advertisement(None) => "advertisement".to_owned(),
            BlockReason::Category { category, source } => {
                format!("category {category}, by {}", source.name())
            }
            BlockReason::Threat => "threat".to_owned(),
            BlockReason::Text(text) => format!("\"{text}\""),
            BlockReason::Rule => "by the rule".to_owned(),
        }
    }

    /// A rule in a few words, for events: `rule 3 (RuleSet1:1)`.
    #[must_use]
    pub fn rule_name(&self, place: usize) -> String {
        self.rules.view(place).map_or_else(String::new, |rule| {
            format!("rule {} ({}:{})", rule.number, rule.source, rule.line)
        })
    }
}

impl CategorySource {
    /// The word in explanations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "the category database",
            Self::Reputation => "reputation",
            Self::Rule => "a rule",
        }
    }
}

fn names(categories: Categories) -> Vec<&'static str> {
    categories.iter().map(super::Category::name).collect()
}

/// More steps than rules and lists can make.
const STEPS_MAX: usize = 100_000;
