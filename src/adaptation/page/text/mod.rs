//! The words on pages, by language. To add a language: a file with its words, and a row in [`LANGUAGES`].
//!
//! A sentence says what happened, why, and what one can do now, to somebody who is no administrator.
//! The advice never says how to get around the block.

mod english;
mod german;
mod russian;
mod spanish;

use serde::Serialize;

use super::negotiate::best_language;
use crate::adaptation::decision::{Cause, PolicyWhy, RuleReason};
use crate::engine::verdict::Why;
use crate::policy::Category;

/// All words of one language.
#[derive(Debug)]
pub(super) struct Language {
    /// Its tag (RFC 5646), the primary part only.
    pub(super) tag: &'static str,
    /// Its name in itself.
    pub(super) name: &'static str,
    /// Words in front of facts.
    pub(super) labels: Labels,
    threat: MessageText,
    black_list: MessageText,
    type_rule: MessageText,
    unchecked: MessageText,
    category: MessageText,
    advertisement: MessageText,
    rule: MessageText,
    policy_unchecked: MessageText,
    why: WhyText,
    policy_why: PolicyWhyText,
    /// In the order of [`Category::ALL`].
    categories: [&'static str; Category::ALL.len()],
}

/// Words in front of facts.
#[derive(Debug, Serialize)]
pub(super) struct Labels {
    pub(super) address: &'static str,
    pub(super) user: &'static str,
    pub(super) threat: &'static str,
    pub(super) category: &'static str,
    pub(super) place: &'static str,
    pub(super) detail: &'static str,
    pub(super) time: &'static str,
    pub(super) request: &'static str,
    pub(super) contact: &'static str,
}

/// Headline, what happened, what to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageText {
    pub(super) title: &'static str,
    pub(super) lead: &'static str,
    pub(super) advice: &'static str,
}

/// Why something could not be checked, for people.
#[derive(Debug)]
struct WhyText {
    encrypted: &'static str,
    broken: &'static str,
    limit: &'static str,
    fragment: &'static str,
    unsupported: &'static str,
    time: &'static str,
    engine: &'static str,
}

/// Why an address could not be checked, for people.
#[derive(Debug)]
struct PolicyWhyText {
    script: &'static str,
    reputation: &'static str,
    groups: &'static str,
}

impl Language {
    /// The language with this tag, in any case.
    pub(super) fn named(tag: &str) -> Option<&'static Self> {
        LANGUAGES.into_iter().find(|language| language.tag.eq_ignore_ascii_case(tag))
    }

    /// Of the offered languages the one that fits `Accept-Language` best; the first when none does.
    pub(super) fn choose(
        offered: &[&'static Self],
        accept_language: Option<&[u8]>,
    ) -> &'static Self {
        let tags: Vec<&str> = offered.iter().map(|language| language.tag).collect();
        offered.get(best_language(accept_language, &tags)).copied().unwrap_or(&english::WORDS)
    }

    pub(super) const fn message(&self, cause: &Cause) -> MessageText {
        match cause {
            Cause::Threat(_) => self.threat,
            Cause::BlackList(_) | Cause::Rule { reason: RuleReason::BlackList, .. } => {
                self.black_list
            }
            Cause::Type(_) => self.type_rule,
            Cause::Unchecked(_) => self.unchecked,
            Cause::Category { .. } | Cause::Rule { reason: RuleReason::Category(_), .. } => {
                self.category
            }
            Cause::Advertisement(_) => self.advertisement,
            Cause::Rule { reason: RuleReason::Text(_), .. } | Cause::Hook => self.rule,
            Cause::PolicyUnchecked(_) => self.policy_unchecked,
        }
    }

    pub(super) const fn why(&self, why: Why) -> &'static str {
        match why {
            Why::Encrypted => self.why.encrypted,
            Why::Broken(_) => self.why.broken,
            Why::Limit(_) => self.why.limit,
            Why::Fragment => self.why.fragment,
            Why::Unsupported(_) => self.why.unsupported,
            Why::Time => self.why.time,
            Why::EngineMissing | Why::Failed | Why::Busy => self.why.engine,
        }
    }

    pub(super) const fn policy_why(&self, why: PolicyWhy) -> &'static str {
        match why {
            PolicyWhy::HookFailed | PolicyWhy::HookDisabled => self.policy_why.script,
            PolicyWhy::NoReputation => self.policy_why.reputation,
            PolicyWhy::NoGroups => self.policy_why.groups,
        }
    }

    /// The name of a category, for people.
    pub(super) fn category(&self, category: Category) -> &'static str {
        let names = Category::ALL.into_iter().zip(self.categories);
        names.into_iter().find(|(one, _)| *one == category).map_or("", |(_, name)| name)
    }
}

/// The tags of the languages of the program, English first.
pub const LANGUAGE_TAGS: [&str; LANGUAGES.len()] = ["en", "de", "ru", "es"];

/// The languages of the program; English first, for those who ask for none of them.
pub(super) static LANGUAGES: [&Language; 4] =
    [&english::WORDS, &german::WORDS, &russian::WORDS, &spanish::WORDS];

#[cfg(test)]
mod tests {
    use super::{LANGUAGE_TAGS, LANGUAGES, Language};
    use crate::policy::Category;

    #[test]
    fn every_language_has_all_its_words() {
        for language in LANGUAGES {
            let messages = [
                language.threat,
                language.black_list,
                language.type_rule,
                language.unchecked,
                language.category,
                language.advertisement,
                language.rule,
                language.policy_unchecked,
            ];
            for text in messages {
                for sentence in [text.lead, text.advice] {
                    assert!(sentence.ends_with('.') && sentence.len() > 30, "{sentence}");
                    assert!(!sentence.contains("  "), "{sentence}");
                }
                assert!(!text.title.is_empty() && !text.title.ends_with('.'), "{}", text.title);
            }
            let mut names: Vec<&str> =
                Category::ALL.into_iter().map(|category| language.category(category)).collect();
            assert!(names.iter().all(|name| !name.is_empty()), "{}", language.tag);
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), Category::ALL.len(), "{}", language.tag);
        }
    }

    #[test]
    fn every_language_has_its_tag_in_the_list() {
        assert_eq!(LANGUAGES.map(|language| language.tag), LANGUAGE_TAGS);
    }

    #[test]
    fn categories_keep_their_names_in_the_order_of_the_documents() {
        let german = Language::named("DE").expect("German is there");
        for (category, name) in [
            (Category::InfectionSource, "Verbreitung von Schadsoftware"),
            (Category::Gambling, "Glücksspiel"),
            (Category::CryptocurrencyMiningPool, "Schürfen von Kryptowährungen"),
            (Category::Jobs, "Stellenangebote"),
        ] {
            assert_eq!(german.category(category), name);
        }
        assert!(Language::named("tlh").is_none());
    }
}
