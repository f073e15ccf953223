//! What a template can name, made from a cause and facts that come from outside.
//!
//! Texts from outside become one line of bounded length without characters that hide or turn anything;
//! the template engine escapes them.

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::PageFacts;
use super::text::{Labels, Language, MessageText};
use crate::adaptation::decision::{Cause, RuleReason};

/// Everything a template can name, and the JSON form of a page.
#[derive(Debug, Serialize)]
pub(super) struct Variables<'a> {
    lang: &'static str,
    reason: &'static str,
    title: &'static str,
    lead: &'static str,
    advice: &'static str,
    category: &'static str,
    category_name: &'static str,
    threat: String,
    place: String,
    detail: String,
    url: String,
    user: String,
    time: &'a str,
    request_id: &'a str,
    contact: &'a str,
}

/// The variables and the words of their language.
#[derive(Debug, Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    variables: &'a Variables<'a>,
    labels: &'static Labels,
}

impl<'a> Variables<'a> {
    /// What a page says about a blocked message.
    pub(super) fn of(facts: &PageFacts<'a>, language: &'static Language) -> Self {
        let MessageText { title, lead, advice } = language.message(facts.cause);
        let (threat, place) = if let Cause::Threat(threat) = facts.cause {
            (shown(&threat.detection.name), shown(&threat.detection.path))
        } else {
            (String::new(), String::new())
        };
        let category = facts.cause.category();
        Self {
            lang: language.tag,
            reason: reason(facts.cause),
            title,
            lead,
            advice,
            category: category.map_or("", |category| category.name()),
            category_name: category.map_or("", |category| language.category(category)),
            threat,
            place,
            detail: detail(facts.cause, language),
            url: address(facts.url, facts.host),
            user: shown(facts.user),
            time: facts.time,
            request_id: facts.request_id,
            contact: facts.contact,
        }
    }

    /// The same as lines of text.
    pub(super) fn text(&self, labels: &Labels) -> String {
        let facts = [
            (labels.category, self.category_name),
            (labels.threat, &self.threat),
            (labels.place, &self.place),
            (labels.detail, &self.detail),
            (labels.address, &self.url),
            (labels.user, &self.user),
            (labels.contact, self.contact),
            (labels.time, self.time),
            (labels.request, self.request_id),
        ];
        let mut text = format!("{}\n\n{}\n{}\n\n", self.title, self.lead, self.advice);
        for (label, fact) in facts.into_iter().filter(|(_, fact)| !fact.is_empty()) {
            text.push_str(label);
            text.push_str(": ");
            text.push_str(fact);
            text.push('\n');
        }
        text
    }
}

/// The variables with the words of their language, for the template engine.
pub(super) fn context(variables: &Variables<'_>, language: &'static Language) -> Value {
    Value::from(Serde(Context { variables, labels: &language.labels }))
}

/// The code of a cause, for programs and templates.
pub(super) const fn reason(cause: &Cause) -> &'static str {
    match cause {
        Cause::Threat(_) => "threat",
        Cause::Unchecked(_) => "unchecked",
        Cause::BlackList(_) | Cause::Rule { reason: RuleReason::BlackList, .. } => "black-list",
        Cause::Type(_) => "type",
        Cause::Category { .. } | Cause::Rule { reason: RuleReason::Category(_), .. } => "category",
        Cause::Advertisement(_) => "advertisement",
        Cause::Rule { reason: RuleReason::Text(_), .. } => "rule",
        Cause::Hook => "hook",
        Cause::PolicyUnchecked(_) => "policy-unchecked",
    }
}

/// More about the cause. What names lists and rules is for the log, not for the page.
fn detail(cause: &Cause, language: &Language) -> String {
    match cause {
        Cause::Unchecked(why) => language.why(*why).to_owned(),
        Cause::PolicyUnchecked(why) => language.policy_why(*why).to_owned(),
        Cause::BlackList(text) | Cause::Type(text) => shown(text),
        Cause::Rule { reason: RuleReason::Text(text), .. } => shown(text),
        Cause::Threat(_)
        | Cause::Category { .. }
        | Cause::Advertisement(_)
        | Cause::Rule { .. }
        | Cause::Hook => String::new(),
    }
}

/// The address for people: a target that is only a path says nothing without its host.
fn address(url: &[u8], host: &[u8]) -> String {
    let host = if url.starts_with(b"/") { host } else { b"" };
    shown(&String::from_utf8_lossy(&[host, url].concat()))
}

/// A text from outside as one readable line: control characters could turn the direction of writing
/// or hide a part, and an address can be as long as a head.
fn shown(text: &str) -> String {
    let visible = |letter: char| if hides(letter) { '\u{fffd}' } else { letter };
    let mut line: String = text.chars().take(SHOWN_CHARS_MAX).map(visible).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        line.push('…');
    }
    line
}

/// Whether a letter hides, turns or breaks a line: controls, marks of direction, letters without width.
fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters of an address or name that a page shows.
const SHOWN_CHARS_MAX: usize = 1000;
