//! The first look at a message, before a byte of its body: answer it, or scan it, and how.
//!
//! ```text
//!   Message + Known ─▶ rules ─▶ script ─▶ MIME rules ─┬─ Answer
//!        ▲               │         │                  └─ Scan
//!        └──── answer ◀─ Ask ◀─────┘
//! ```
//!
//! The address is checked in both directions, for some proxies only send responses. A message without
//! a body (HEAD, 204, 304, most requests) goes on once its address is fine. A request with a body is an
//! upload and scanned like a download.
//!
//! What only a service knows is asked by data: the caller finds out, and begins anew with the answer.
//!
//! Absent on purpose: trust in `Content-Length`. It decides which half of a MIME rule applies, which is
//! what the rule is about, and is announced to the scan, which saves digests by it and notices when it
//! was not true.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::engine::verdict::Detection;
use crate::icap::{Ahead, HttpLength, Method, Request, ServiceKind};
use crate::policy::{
    Asking, BlockReason, BodyAction, CategorySource, Direction, Directory, Facts, Hook, HookAnswer,
    Judgement, Moment, Outcome, Policy, Question, Reputation, State, ThreatFact, ThreatKind,
    UrlParts, Witness,
};

use super::Unchecked;
use super::decision::{Cause, Decision, Passed, PolicyWhy, RuleReason};
use super::range::{PARTIAL_CONTENT, RANGE_FIELDS, is_fragment};
use super::release::{self, RADIO_FIELDS, ReleasePlan};
use super::{Options, Ranges};

/// What is to be done with a message whose heads are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin<'a> {
    /// Answer at once.
    Answer(Decision, Decided),
    /// Scan its body, then [`super::decide`].
    Scan(ScanPlan<'a>),
    /// Find this out, and begin again with the answer in [`Known`].
    Ask(Asking),
}

/// Which step of the policy decided: for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// No step but the default one.
    Nothing,
    /// The rule at this place.
    Rule(usize),
    /// The script.
    Hook,
    /// A question without an answer.
    Unanswered(Question),
    /// A MIME rule.
    Type,
    /// The switch of a kind of threat.
    Switch(ThreatKind),
    /// The same ended broken a short time ago.
    Retry,
    /// The verdict was known before the body came.
    Known,
    /// There is too much to do.
    Overload(super::admission::Why),
}

/// What the edge has found out about a message besides the message itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// The local time of the week; any, where [`Policy::needs_time`] says no.
    pub moment: Moment,
    /// What reputation services said.
    pub reputation: Reputation,
    /// What the directory said about the user.
    pub directory: Directory<'a>,
    /// What the script said.
    pub hook: Hook,
    /// How far the decision came before the last question: the place of [`Asking`].
    pub counted: usize,
}

impl Known<'_> {
    /// Nothing, and no script to ask.
    pub const NOTHING: Self = Self {
        moment: Moment::START,
        reputation: Reputation::Unasked,
        directory: Directory::Unasked,
        hook: Hook::Absent,
        counted: 0,
    };
}

/// How a body is to be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanPlan<'a> {
    /// The raw value of `Content-Encoding`; several fields are joined by commas. `None`: not coded.
    pub content_encoding: Option<Cow<'a, [u8]>>,
    /// The value of `Content-Type`: a body with parts is scanned part by part.
    pub content_type: Option<&'a [u8]>,
    /// `Content-Length`, in bytes: the size that the body will probably have.
    pub content_length: Option<u64>,
    /// What the rules found out and changed, for the rules about threats. That the address is on the white
    /// list changes nothing about the scan.
    pub state: State,
    /// It is a part of an object.
    pub fragment: Option<Fragment>,
    /// What may leave of it before its verdict.
    pub release: ReleasePlan,
}

/// A part of an object, by the rule about its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// `BlockFragments` decides.
    Judged,
    /// `RangeSites` lets it pass when nothing is found in it.
    Allowed,
}

/// What the first look needs of a message.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Message<'a> {
    /// What the service does.
    pub kind: ServiceKind,
    /// Which way the message goes.
    pub direction: Direction,
    /// `X-Client-IP`.
    pub client: Option<IpAddr>,
    /// `X-Server-IP`.
    pub server: Option<IpAddr>,
    /// The user as the proxy names him; empty: not known.
    pub user: &'a str,
    /// The groups of the user as the proxy names them; empty: not known.
    pub groups: &'a [Box<str>],
    /// Method and target of the HTTP request, where it is known.
    pub request_line: Option<(&'a [u8], &'a [u8])>,
    /// The first `Host` field of the HTTP request.
    pub host: Option<&'a [u8]>,
    /// `Content-Type` of the head that goes with the body.
    pub content_type: Option<&'a [u8]>,
    /// All `Content-Encoding` fields of the head that goes with the body, joined by commas.
    pub content_encoding: Option<Cow<'a, [u8]>>,
    /// `Content-Length` of the head that goes with the body, in bytes.
    pub content_length: Option<u64>,
    /// Whether the request asks for a part of an object.
    pub asks_for_part: bool,
    /// Whether the body is a part of an object.
    pub is_fragment: bool,
    /// Whether a body follows: what `Encapsulated` says, not what the method suggests.
    pub has_body: bool,
    /// Whether it is a response of a radio station: its body has no end where it has no length.
    pub is_radio: bool,
    /// Whether this client's answers may begin before their verdict.
    pub ahead: Ahead,
}

impl<'a> Message<'a> {
    /// What an ICAP request says.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        let http_request = request.http_request();
        let http_response = request.http_response();
        let response = |name| http_response.and_then(|head| head.field(name));
        let upload = |name| http_request.and_then(|head| head.field(name));
        // The body is the response's if there is a response, whatever the request was.
        let field = |name| {
            if request.method() == Method::Respmod { response(name) } else { upload(name) }
        };
        let content_encoding = match request.method() {
            Method::Respmod => {
                http_response.and_then(|head| joined(head.fields("Content-Encoding")))
            }
            Method::Reqmod | Method::Options => {
                http_request.and_then(|head| joined(head.fields("Content-Encoding")))
            }
        };
        let content_range = field("Content-Range");
        let is_fragment = match http_response.filter(|_| request.method() == Method::Respmod) {
            Some(head) => head.status() == PARTIAL_CONTENT && is_fragment(content_range),
            // A piece of an upload (RFC 9110 section 14.5).
            None => content_range.is_some() && is_fragment(content_range),
        };
        let content_length = match request.http_length() {
            HttpLength::Claim => field("Content-Length").and_then(length),
            HttpLength::Dummy => None,
        };
        let is_asked = request.method() == Method::Reqmod;
        let subject = request.subject();
        Self {
            kind: request.kind(),
            direction: match request.method() {
                Method::Reqmod | Method::Options => Direction::Request,
                Method::Respmod => Direction::Response,
            },
            client: subject.client_ip,
            server: subject.server_ip,
            user: &subject.user,
            groups: &subject.groups,
            request_line: http_request.map(|head| (head.method(), head.target())),
            host: upload("Host"),
            content_type: field("Content-Type"),
            content_encoding,
            content_length,
            asks_for_part: is_asked && RANGE_FIELDS.iter().any(|name| upload(name).is_some()),
            is_fragment,
            has_body: request.has_body(),
            is_radio: http_response
                .filter(|_| content_length.is_none() && !is_asked && request.has_body())
                .is_some_and(|head| RADIO_FIELDS.iter().any(|name| head.field(name).is_some())),
            ahead: request.ahead(),
        }
    }
}

impl Message<'_> {
    /// The address of the request, where one can be read.
    #[must_use]
    pub fn url(&self) -> Option<UrlParts<'_>> {
        let (method, target) = self.request_line?;
        UrlParts::of(method, target, self.host).ok()
    }

    /// What the policy decides by.
    #[must_use]
    pub fn facts<'f>(&'f self, url: Option<&'f UrlParts<'f>>, known: &Known<'f>) -> Facts<'f> {
        let (method, _) = self.request_line.unwrap_or_default();
        Facts {
            direction: self.direction,
            method,
            url,
            client: self.client,
            server: self.server,
            user: self.user,
            content_type: self.content_type.unwrap_or_default(),
            size: self.content_length,
            moment: known.moment,
            reputation: known.reputation,
            // Who has authenticated the user knows best; the directory is asked where he says nothing.
            directory: if self.groups.is_empty() {
                known.directory
            } else {
                Directory::Groups(self.groups)
            },
            counted: known.counted,
        }
    }
}

/// Policy before the scan, for an ICAP request whose heads are known.
#[must_use]
pub fn begin<'a>(
    request: &'a Request,
    policy: &Policy,
    options: &Options,
    known: &Known<'_>,
) -> Begin<'a> {
    begin_message(Message::of(request), policy, options, known)
}

/// The same, where rules have changed something before: about the request of a response. Also says what they have
/// found out and changed by now, which a message that is answered at once has no [`ScanPlan`] for. Who begins again
/// with an answer begins with the same `before`.
#[must_use]
pub fn begin_after<'a>(
    before: State,
    request: &'a Request,
    policy: &Policy,
    options: &Options,
    known: &Known<'_>,
) -> (Begin<'a>, State) {
    let mut state = before;
    let begun = begin_noting(Message::of(request), policy, options, known, &mut state);
    (begun, state)
}

/// Policy before the scan.
#[must_use]
pub fn begin_message<'a>(
    message: Message<'a>,
    policy: &Policy,
    options: &Options,
    known: &Known<'_>,
) -> Begin<'a> {
    begin_noting(message, policy, options, known, &mut State::default())
}

/// From what rules have changed before, to what they have changed by now.
fn begin_noting<'a>(
    message: Message<'a>,
    policy: &Policy,
    options: &Options,
    known: &Known<'_>,
    state: &mut State,
) -> Begin<'a> {
    if message.kind == ServiceKind::Echo {
        return go(Passed::Echo);
    }
    // An address that cannot be read is on no list. Nothing is lost by that: the body is scanned.
    let url = if policy.needs_url() { message.url() } else { None };
    let facts = message.facts(url.as_ref(), known);
    let way = match policy.decide_after(*state, &facts, &mut ()) {
        Outcome::Go(way) => way,
        Outcome::Block(block) => {
            let cause = cause(policy, &facts, block.rule, block.reason);
            return block_by(cause, Decided::Rule(block.rule));
        }
        Outcome::Ask(asking) => return Begin::Ask(asking),
        Outcome::Unanswered(question) => {
            let why = match question {
                Question::Reputation => PolicyWhy::NoReputation,
                Question::Groups => PolicyWhy::NoGroups,
                Question::Hook => PolicyWhy::HookFailed,
            };
            return block_by(Cause::PolicyUnchecked(why), Decided::Unanswered(question));
        }
    };
    *state = way.state;
    // A rule that says PASS has the last word about an address.
    if way.rule.is_none()
        && let Some(begun) = hooked(known.hook, options)
    {
        return begun;
    }
    let may_be_part = || url.as_ref().is_some_and(|url| policy.allows_ranges(url));
    if !message.has_body {
        let is_part = message.asks_for_part && !way.state.unscanned;
        if is_part && options.ranges == Ranges::Strip && !may_be_part() {
            return Begin::Answer(Decision::AskForAll, Decided::Nothing);
        }
        return go(Passed::NoBody);
    }
    let mime = message.content_type.unwrap_or_default();
    match policy.body_rule(mime, message.content_length) {
        BodyAction::Pass | BodyAction::Scan if way.state.unscanned => go(Passed::Unscanned),
        BodyAction::Pass => go(Passed::Rule),
        BodyAction::Reject => {
            block_by(Cause::Type(mime.escape_ascii().to_string().into()), Decided::Type)
        }
        BodyAction::Scan => {
            let fragment = message
                .is_fragment
                .then(|| if may_be_part() { Fragment::Allowed } else { Fragment::Judged });
            let release = release::plan(&message, way.state, fragment, policy, options);
            let Message { content_encoding, content_type, content_length, .. } = message;
            Begin::Scan(ScanPlan {
                content_encoding,
                content_type,
                content_length,
                state: way.state,
                fragment,
                release,
            })
        }
    }
}

/// What the script has to say, or what is to be done without its answer; `None`: the message goes on.
fn hooked<'a>(hook: Hook, options: &Options) -> Option<Begin<'a>> {
    let why = match hook {
        Hook::Absent | Hook::Answered(HookAnswer::Pass) => return None,
        Hook::Unasked => return Some(Begin::Ask(Asking::at_the_end(Question::Hook))),
        Hook::Answered(HookAnswer::Block) => return Some(block_by(Cause::Hook, Decided::Hook)),
        Hook::Answered(HookAnswer::Failed) => PolicyWhy::HookFailed,
        Hook::Answered(HookAnswer::Disabled) => PolicyWhy::HookDisabled,
    };
    let blocks = options.unchecked == Unchecked::Block;
    blocks.then(|| block_by(Cause::PolicyUnchecked(why), Decided::Hook))
}

/// What becomes of a threat in the body of this message: the rules about threats, then its switch.
#[expect(
    clippy::too_many_arguments,
    reason = "everything that a decision depends on, and its witness"
)]
pub fn judge<'p, W: Witness>(
    message: &Message<'_>,
    policy: &'p Policy,
    options: &Options,
    known: &Known<'_>,
    state: State,
    detection: &Detection,
    witness: &mut W,
) -> Judgement<'p> {
    let url = if policy.needs_url() { message.url() } else { None };
    let facts = message.facts(url.as_ref(), known);
    let threat = ThreatFact { kind: ThreatKind::of(&detection.name), name: &detection.name };
    policy.judge(&facts, state, threat, options.blocked_threats, witness)
}

/// A block by a rule, for the page and the log.
fn cause(policy: &Policy, facts: &Facts<'_>, rule: usize, reason: BlockReason<'_>) -> Cause {
    let by_rule = |reason| Cause::Rule { rule: policy.rule_name(rule).into(), reason };
    match reason {
        BlockReason::BlackList(Some(entry)) => Cause::BlackList(entry.to_string().into()),
        BlockReason::BlackList(None) => by_rule(RuleReason::BlackList),
        BlockReason::Advertisement(entry) => {
            let rule = || policy.rule_name(rule).into();
            Cause::Advertisement(entry.map_or_else(rule, Into::into))
        }
        BlockReason::Category { category, source: CategorySource::Rule } => {
            by_rule(RuleReason::Category(category))
        }
        BlockReason::Category { category, source } => {
            let said = policy.category_entries(facts);
            let source = if source == CategorySource::Reputation || said.is_empty() {
                source.name().to_owned()
            } else {
                said.join("; ")
            };
            Cause::Category { category, source: source.into() }
        }
        BlockReason::Text(text) => by_rule(RuleReason::Text(text.into())),
        BlockReason::Threat | BlockReason::Rule => by_rule(RuleReason::Text("".into())),
    }
}

/// Several fields are one list (RFC 9110 section 5.3); only then anything is copied.
fn joined<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Option<Cow<'a, [u8]>> {
    let mut value = Cow::Borrowed(fields.next()?);
    for field in fields {
        let list = value.to_mut();
        list.extend_from_slice(b", ");
        list.extend_from_slice(field);
    }
    Some(value)
}

fn length(value: &[u8]) -> Option<u64> {
    let digits = value.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(value).ok()?.parse().ok()).flatten()
}

fn go<'a>(passed: Passed) -> Begin<'a> {
    Begin::Answer(Decision::Unmodified(passed), Decided::Nothing)
}

fn block_by<'a>(cause: Cause, decided: Decided) -> Begin<'a> {
    Begin::Answer(Decision::Block(Box::new(cause)), decided)
}
