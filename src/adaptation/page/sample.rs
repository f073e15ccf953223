//! A cause of each kind: to try templates with, and for previews.

use crate::adaptation::decision::{Cause, PolicyWhy, RuleReason, Threat};
use crate::adaptation::threat::ThreatKind;
use crate::engine::verdict::{Detection, Why};
use crate::policy::Category;

/// The codes of reasons, as pages, JSON and previews name them.
pub const REASONS: [&str; 9] = [
    "threat",
    "unchecked",
    "black-list",
    "type",
    "category",
    "advertisement",
    "rule",
    "hook",
    "policy-unchecked",
];

/// A cause with this code: `detail` is the threat, the list's entry, the type or the rule's words.
#[must_use]
pub fn sample(reason: &str, category: Category, detail: Option<&str>) -> Option<Cause> {
    let or = |default: &str| Box::from(detail.unwrap_or(default));
    Some(match reason {
        "threat" => Cause::Threat(Threat {
            kind: ThreatKind::KnownVirus,
            detection: Detection {
                name: or("Eicar-Test-Signature"),
                path: "zip:eicar.com".into(),
                offset: 0,
            },
        }),
        "unchecked" => Cause::Unchecked(Why::Encrypted),
        "black-list" => Cause::BlackList(or("bad.example")),
        "type" => Cause::Type(or("application/x-msdownload")),
        "category" => Cause::Category { category, source: "sample".into() },
        "advertisement" => Cause::Advertisement("sample".into()),
        "rule" => Cause::Rule {
            rule: "sample".into(),
            reason: RuleReason::Text(or("Films only after work")),
        },
        "hook" => Cause::Hook,
        "policy-unchecked" => Cause::PolicyUnchecked(PolicyWhy::NoReputation),
        _ => return None,
    })
}
