//! The words on pages, by language. To add a language: one more row in [`LANGUAGES`].

use serde::Serialize;

use super::negotiate::best_language;
use crate::adaptation::decision::{Cause, PolicyWhy, RuleReason};
use crate::engine::verdict::Why;

/// All words of one language.
#[derive(Debug)]
pub(super) struct Language {
    /// Its tag (RFC 5646), the primary part only.
    pub(super) tag: &'static str,
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
}

/// Words in front of facts.
#[derive(Debug, Serialize)]
pub(super) struct Labels {
    address: &'static str,
    user: &'static str,
    threat: &'static str,
    place: &'static str,
    detail: &'static str,
    time: &'static str,
    request: &'static str,
    contact: &'static str,
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

impl Language {
    /// The language that fits `Accept-Language` best; English when none does.
    pub(super) fn choose(accept_language: Option<&[u8]>) -> &'static Self {
        let tags = LANGUAGES.each_ref().map(|language| language.tag);
        LANGUAGES.get(best_language(accept_language, &tags)).copied().unwrap_or(&ENGLISH)
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

    /// Any message, to try a template with.
    pub(super) const fn sample(&self) -> MessageText {
        self.threat
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
}

impl Language {
    pub(super) const fn policy_why(&self, why: PolicyWhy) -> &'static str {
        match why {
            PolicyWhy::HookFailed | PolicyWhy::HookDisabled => self.policy_why.script,
            PolicyWhy::NoReputation => self.policy_why.reputation,
            PolicyWhy::NoGroups => self.policy_why.groups,
        }
    }
}

/// Why an address could not be checked, for people.
#[derive(Debug)]
struct PolicyWhyText {
    script: &'static str,
    reputation: &'static str,
    groups: &'static str,
}

/// The languages; the first is used when a client wants none of them.
static LANGUAGES: [&Language; 1] = [&ENGLISH];

static ENGLISH: Language = Language {
    tag: "en",
    labels: Labels {
        address: "Address",
        user: "User",
        threat: "Threat",
        place: "Found in",
        detail: "Reason",
        time: "Time",
        request: "Request",
        contact: "Contact",
    },
    threat: MessageText {
        title: "A threat was blocked",
        lead: "The content you asked for, or sent, contains a threat. It was stopped before it could do harm.",
        advice: "Do not try to get it another way. If you believe this is a mistake, tell your administrator.",
    },
    black_list: MessageText {
        title: "This address is blocked",
        lead: "The address is on the list of addresses that may not be visited from this network.",
        advice: "If you need it for your work, ask your administrator.",
    },
    type_rule: MessageText {
        title: "This kind of file is blocked",
        lead: "Files of this kind, or of this size, may not be transferred through this network.",
        advice: "If you need it for your work, ask your administrator.",
    },
    unchecked: MessageText {
        title: "The content could not be checked",
        lead: "The content could not be checked for threats to the end, so it was not let through.",
        advice: "You can try again later. If it happens again, tell your administrator.",
    },
    category: MessageText {
        title: "This site is blocked",
        lead: "The site belongs to a category that may not be visited from this network.",
        advice: "If you need it for your work, or believe that the site is in the wrong category, ask your administrator.",
    },
    advertisement: MessageText {
        title: "An advertisement was blocked",
        lead: "The address belongs to an advertisement, and this network does not load advertisements.",
        advice: "The rest of the page is not affected. If something you need is missing, ask your administrator.",
    },
    rule: MessageText {
        title: "This address is blocked",
        lead: "A rule of this network does not allow this address, for you or at this time.",
        advice: "If you need it for your work, ask your administrator.",
    },
    policy_unchecked: MessageText {
        title: "The address could not be checked",
        lead: "It could not be decided whether this address may be visited, so it was not opened.",
        advice: "You can try again in a few minutes. If it happens again, tell your administrator.",
    },
    policy_why: PolicyWhyText {
        script: "The check that your administrator set up did not finish.",
        reputation: "The services that know about addresses did not answer.",
        groups: "It is not known which groups you belong to.",
    },
    why: WhyText {
        encrypted: "It is encrypted or protected by a password.",
        broken: "It is damaged.",
        limit: "It is too large, or packed too deeply.",
        fragment: "It is only a part of a file: download the file from its beginning.",
        unsupported: "It is in a format that cannot be read.",
        time: "Checking it took too long.",
        engine: "The scanner is not ready.",
    },
};
