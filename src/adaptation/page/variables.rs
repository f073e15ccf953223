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
        let at_detail = |reason, detail| (reason, String::new(), String::new(), detail);
        let (reason, threat, place, detail) = match facts.cause {
            Cause::Threat(threat) => (
                "threat",
                shown(&threat.detection.name),
                shown(&threat.detection.path),
                String::new(),
            ),
            Cause::Unchecked(why) => at_detail("unchecked", language.why(*why).to_owned()),
            Cause::BlackList(entry) => at_detail("black-list", shown(entry)),
            Cause::Type(mime) => at_detail("type", shown(mime)),
            Cause::Category { category, .. }
            | Cause::Rule { reason: RuleReason::Category(category), .. } => {
                at_detail("category", category.name().to_owned())
            }
            Cause::Advertisement(_) => at_detail("advertisement", String::new()),
            Cause::Rule { reason: RuleReason::BlackList, .. } => {
                at_detail("black-list", String::new())
            }
            Cause::Rule { reason: RuleReason::Text(text), .. } => at_detail("rule", shown(text)),
            Cause::Hook => at_detail("hook", String::new()),
            Cause::PolicyUnchecked(why) => {
                at_detail("policy-unchecked", language.policy_why(*why).to_owned())
            }
        };
        Self {
            lang: language.tag,
            reason,
            title,
            lead,
            advice,
            threat,
            place,
            detail,
            url: address(facts.url, facts.host),
            user: shown(facts.user),
            time: facts.time,
            request_id: facts.request_id,
            contact: facts.contact,
        }
    }

    /// What an administrator's template is tried with: every variable says something.
    pub(super) fn sample(language: &Language) -> Self {
        let MessageText { title, lead, advice } = language.sample();
        let word = || "sample".to_owned();
        Self {
            lang: language.tag,
            reason: "threat",
            title,
            lead,
            advice,
            threat: word(),
            place: word(),
            detail: word(),
            url: "http://example.com/".to_owned(),
            user: word(),
            time: "Thu, 01 Jan 1970 00:00:00 GMT",
            request_id: "sample",
            contact: "sample",
        }
    }
}

/// The variables with the words of their language, for the template engine.
pub(super) fn context(variables: &Variables<'_>, language: &'static Language) -> Value {
    Value::from(Serde(Context { variables, labels: &language.labels }))
}

/// The address for people: a target that is only a path says nothing without its host.
fn address(url: &[u8], host: &[u8]) -> String {
    let host = if url.starts_with(b"/") { host } else { b"" };
    shown(&String::from_utf8_lossy(&[host, url].concat()))
}

/// A text from outside as one readable line: control characters could turn the direction of writing
/// or hide a part, and an address can be as long as a head.
fn shown(text: &str) -> String {
    let visible = |letter: char| {
        let hides = letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if hides { '\u{fffd}' } else { letter }
    };
    let mut line: String = text.chars().take(SHOWN_CHARS_MAX).map(visible).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        line.push('…');
    }
    line
}

/// Characters of an address or name that a page shows.
const SHOWN_CHARS_MAX: usize = 1000;
