//! One request and its answer: asks policy, runs the scan, and tells the core what to answer.
//!
//! ```text
//!   Waiting ─ begin ─┬─ Ask: the answer, or none in time, then begin again
//!                    ├─ Decided ─ end of preview or body ─┐
//!                    └─ Scanning ─ preview end: continue ─┼─▶ answer ─▶ Answered
//!                             │ body end, limit, detection ┘
//! ```
//!
//! A scan that fails answers as not scanned, and is one event for the message.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::adaptation::admission::{self, Refusal, refusal};
use crate::adaptation::bequest::{self, Bequest};
use crate::adaptation::page::{PageFacts, Rendered};
use crate::adaptation::{self, Begin, Cause, Decided, Decision, Passed, Released, RuleReason};
use crate::engine::verdict::{Limit, Verdict, Why};
use crate::icap::{self, Method, Unmodified, Unscannable};
use crate::observe::{Event, Level, Message};
use crate::policy::{self, ThreatKind};

use super::admitting::Admitted;
use super::asking::Answers;
use super::clock;
use super::releasing::Releasing;
use super::scanning::Scanning;
use super::shard::{Live, Shard};
use super::verdicts::{Recall, Recalled};

pub(super) use super::releasing::Leaves;

/// What the connection does with the body from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Keep it until the verdict.
    Hold,
    /// Send it back as it is.
    Echo,
    /// Forget it.
    Drop,
    /// As before.
    Unchanged,
}

/// One request under way.
pub(super) struct Exchange {
    state: State,
    in_preview: bool,
    /// What of the answer has left before the verdict.
    released: Released,
    /// Of the body that is scanned: what may leave.
    releasing: Option<Releasing>,
    /// So much of the body had come when it paused last.
    paused_at: u64,
    number: (u64, u64),
    /// What rules have changed, for the response.
    ruled: policy::State,
    /// What is known of the body that is scanned, and is to be learned from it.
    recall: Option<Box<Recall>>,
    /// The right to the scan that is under way.
    ticket: Option<Admitted>,
    body_bytes: u64,
    /// What was found out for the policy.
    answers: Answers,
    /// The step that decided, for the event.
    decided: Decided,
    /// A scan that has ended, until the answer is out: its memory is not freed before.
    ended: Option<Box<Scanning>>,
}

enum State {
    Waiting,
    /// The answer is known; it goes out when the preview, or the body, has been seen.
    Decided(Decision),
    Scanning(Box<Scanning>),
    Answered,
}

impl Exchange {
    pub(super) fn new() -> Self {
        Self {
            state: State::Waiting,
            in_preview: false,
            released: Released::Nothing,
            releasing: None,
            paused_at: 0,
            number: (0, 0),
            ruled: policy::State::default(),
            recall: None,
            ticket: None,
            body_bytes: 0,
            answers: Answers::NONE,
            decided: Decided::Nothing,
            ended: None,
        }
    }

    /// Forgets the request: its answer is out.
    pub(super) fn reset(&mut self) {
        self.state = State::Waiting;
    }

    /// The heads are complete. Where the policy depends on what only a service knows, this waits for the
    /// answer, up to the question's deadline; other connections go on meanwhile.
    pub(super) async fn begin(
        &mut self,
        core: &mut icap::Connection,
        peer: Option<IpAddr>,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        let request = core.request();
        self.in_preview = request.preview().is_some() && request.has_body();
        self.number = shard.next_transaction();
        self.released = Released::Nothing;
        self.releasing = None;
        self.recall = None;
        self.body_bytes = 0;
        self.paused_at = 0;
        self.decided = Decided::Nothing;
        self.answers = Answers::begin(live);
        let told = live.remarks.shared.as_deref();
        let told = told.and_then(|name| Bequest::of(request, name, &live.policy, &live.icap.istag));
        if let Some(told) = told {
            self.number = told.id;
        }
        let before = told.and_then(|told| told.state).unwrap_or_default();
        let begun = loop {
            let known = self.answers.known();
            let (policy, options) = (&live.policy, &live.adaptation);
            let (begun, state) = adaptation::begin_after(before, request, policy, options, &known);
            self.ruled = state;
            match begun {
                Begin::Ask(asking) => self.answers.ask(asking, request, live, shard).await,
                begun => break begun,
            }
        };
        let blocks = live.adaptation.unchecked == adaptation::Unchecked::Block;
        if let Some(why) = self.answers.failed_hook().filter(|_| !blocks) {
            // It goes on although the script did not see it through: as with a body that was not scanned.
            let (reason, decided) = (why.to_string(), "BlockUnchecked".to_owned());
            let message = self.message(request, reason, "passed", decided);
            if shard.journal.wants(Level::Warning) {
                shard.journal.write(Event::Unscanned(message));
            }
        }
        match begun {
            Begin::Scan(mut plan) => match shard.verdicts.recall(&mut plan, request, live) {
                Recalled::Look(_) if !self.is_admitted(request, peer, live, shard) => {
                    self.refuse(core, live, shard)
                }
                Recalled::Known(verdict) => {
                    let options = &live.adaptation;
                    let decision = adaptation::decide_by(verdict, self.released, options, |_| true);
                    self.answer_or_wait(decision, Decided::Known, core, live, shard)
                }
                Recalled::Look(recall) => {
                    self.recall = Some(recall);
                    self.releasing = Some(Releasing::new(plan.release, clock::now()));
                    let scanning = Scanning::start(&plan, live);
                    self.state = State::Scanning(Box::new(scanning));
                    Next::Hold
                }
            },
            // Every question was answered above.
            Begin::Ask(_) => Next::Unchanged,
            Begin::Answer(decision, decided) => {
                let (decision, decided) = match retry(
                    &decision,
                    request,
                    (self.ruled, &self.answers.known()),
                    live,
                    shard,
                ) {
                    Some(refused) => (refused, Decided::Retry),
                    None => (decision, decided),
                };
                self.answer_or_wait(decision, decided, core, live, shard)
            }
        }
    }

    /// Whether the shard takes on another scan; it counts as begun.
    fn is_admitted(
        &mut self,
        request: &icap::Request,
        peer: Option<IpAddr>,
        live: &Live,
        shard: &Shard,
    ) -> bool {
        match shard.gate.begin(request, peer, live, (&shard.pool, &shard.spool)) {
            admission::Decision::Admit(ticket) => {
                self.ticket = Some(Admitted::new(Rc::clone(&shard.gate), ticket));
                true
            }
            admission::Decision::Refuse(why) => {
                shard.gate.tell(why, &shard.journal);
                self.decided = Decided::Overload(why);
                false
            }
        }
    }

    /// There is too much to do.
    fn refuse(&mut self, core: &mut icap::Connection, live: &Live, shard: &Shard) -> Next {
        let unscannable = core.request().unscannable();
        match refusal(live.server.admission.answer, unscannable) {
            Refusal::Decision(decision) => {
                self.answer_or_wait(decision, self.decided, core, live, shard)
            }
            Refusal::Fault(fault) => {
                self.state = State::Answered;
                core.answer_fault(fault, clock::now());
                Next::Drop
            }
        }
    }

    /// The scan that was admitted is over.
    fn give_ticket_back(&mut self, work: Duration) {
        if let Some(ticket) = self.ticket.take() {
            ticket.done(work);
        }
    }

    /// Answers now, or, inside a preview, when it has ended.
    fn answer_or_wait(
        &mut self,
        decision: Decision,
        decided: Decided,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        self.decided = decided;
        if self.in_preview {
            self.state = State::Decided(decision);
            return Next::Hold;
        }
        let has_body = core.request().has_body();
        let next = self.answer(decision, core, live, shard);
        if has_body { next } else { Next::Drop }
    }

    /// The preview is over and more of the body would follow.
    pub(super) fn preview_end(
        &mut self,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        self.in_preview = false;
        match std::mem::replace(&mut self.state, State::Answered) {
            State::Decided(decision) => self.answer(decision, core, live, shard),
            State::Scanning(scanning) if scanning.verdict.is_some() => {
                self.conclude(scanning, core, live, shard)
            }
            State::Scanning(scanning) => {
                self.state = State::Scanning(scanning);
                core.continue_(clock::now());
                Next::Unchanged
            }
            State::Waiting | State::Answered => Next::Unchanged,
        }
    }

    /// Scans the next bytes of the body, in slices.
    pub(super) async fn scan(
        &mut self,
        bytes: &[u8],
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        self.body_bytes += bytes.len() as u64;
        let State::Scanning(scanning) = &mut self.state else { return Next::Unchanged };
        let is_bet = self.recall.as_mut().is_some_and(|recall| {
            recall.update(bytes);
            recall.is_bet()
        });
        if is_bet {
            return Next::Unchanged;
        }
        scanning.feed(bytes, live, &shard.side).await;
        self.conclude_if_due(core, live, shard)
    }

    /// Inside a preview the answer waits for its end, which is at hand.
    fn conclude_if_due(&mut self, core: &mut icap::Connection, live: &Live, shard: &Shard) -> Next {
        // An answer that has begun ends at once: nothing more of the body leaves.
        let may_be =
            !self.in_preview && (live.server.early_response || self.released == Released::Part);
        match std::mem::replace(&mut self.state, State::Answered) {
            State::Scanning(scanning) if may_be && scanning.verdict.is_some() => {
                self.conclude(scanning, core, live, shard)
            }
            other => {
                self.state = other;
                Next::Unchanged
            }
        }
    }

    /// Bytes of the body that have come.
    pub(super) const fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// Whether the body is digested and not scanned, as long as nothing speaks against it.
    pub(super) fn is_betting(&self) -> bool {
        self.is_scanning() && self.recall.as_ref().is_some_and(|recall| recall.is_bet())
    }

    /// The body has ended: asks what is known about the digest that it has. True where that is a verdict.
    pub(super) async fn look_up(&mut self, live: &Live, shard: &Shard) -> bool {
        let (State::Scanning(scanning), Some(recall)) = (&mut self.state, &mut self.recall) else {
            return false;
        };
        if scanning.verdict.is_none() {
            scanning.verdict = shard.verdicts.look_up(recall, live).await;
        }
        scanning.verdict.is_some()
    }

    /// The bet is off: what has come of the body, in `parts`, is scanned now.
    pub(super) async fn catch_up<'p>(
        &mut self,
        parts: impl Iterator<Item = &'p [u8]>,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        let (State::Scanning(scanning), Some(recall)) = (&mut self.state, &mut self.recall) else {
            return Next::Unchanged;
        };
        recall.call_off();
        for part in parts {
            scanning.feed(part, live, &shard.side).await;
        }
        self.conclude_if_due(core, live, shard)
    }

    /// The body pauses while it is released by tail: all that has come is to leave.
    pub(super) async fn pause(
        &mut self,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        if self.leaves() != Leaves::AllButTail {
            return Next::Unchanged;
        }
        self.paused_at = self.body_bytes;
        let State::Scanning(scanning) = &mut self.state else { return Next::Unchanged };
        scanning.pause(live, &shard.side).await;
        self.conclude_if_due(core, live, shard)
    }

    /// What there was to send is out.
    pub(super) fn sent(&mut self, shard: &Shard) {
        if let Some(scanning) = self.ended.take() {
            scanning.give_back(&shard.side);
        }
    }

    /// The connection is over.
    pub(super) fn leave(&mut self, shard: &Shard) {
        self.sent(shard);
        if let State::Scanning(scanning) = std::mem::replace(&mut self.state, State::Answered) {
            self.give_ticket_back(scanning.spent());
            scanning.give_back(&shard.side);
        }
    }

    /// Whether the verdict is still to come.
    pub(super) const fn is_scanning(&self) -> bool {
        matches!(self.state, State::Scanning(_))
    }

    /// How long the body may pause before something has to be sent ahead of the verdict; `None`:
    /// nothing is.
    ///
    /// Squid up to 6.13 stops reading from an origin that is faster than the answer, and goes on only
    /// when its own client reads something (Squid bug 5352). While everything is held back nothing
    /// would ever move again. Short bodies, for which 204 is allowed, and uploads do not stall.
    pub(super) fn stall_time(&self, core: &icap::Connection, live: &Live) -> Option<Duration> {
        // Nothing but the client's trailer is waited for, and the end of the body waits for the verdict.
        if core.is_behind_body() {
            return None;
        }
        if self.leaves() == Leaves::AllButTail {
            let is_endless = self.releasing.as_ref().is_some_and(Releasing::is_endless);
            // Only a proxy that stalls needs more than what is in front of the tail.
            let may_need = core.request().method() == Method::Respmod;
            let stall = live.server.stall_time.filter(|_| may_need);
            let time = if is_endless { Some(STREAM_STALL) } else { stall.map(|_| TAIL_STALL) };
            return time.filter(|_| self.body_bytes > self.paused_at);
        }
        let request = core.request();
        let may_stall = self.is_scanning()
            && !self.in_preview
            && request.method() == Method::Respmod
            && !request.allow().no_content
            && self.body_bytes >= STALL_BYTES_MIN
            && self.releasing.as_ref().is_some_and(Releasing::may_stall);
        if may_stall { live.server.stall_time } else { None }
    }

    /// What may leave of the body while its verdict is awaited.
    pub(super) fn leaves(&self) -> Leaves {
        match &self.state {
            State::Scanning(scanning) if scanning.verdict.is_none() => {
                self.releasing.as_ref().map_or(Leaves::Nothing, Releasing::leaves)
            }
            State::Scanning(_) | State::Waiting | State::Decided(_) | State::Answered => {
                Leaves::Nothing
            }
        }
    }

    /// How long it takes until another piece of a held body may leave; `None`: no wait for bytes has to end for that.
    pub(super) fn piece_time(&self, core: &icap::Connection, now: Instant) -> Option<Duration> {
        let may_leave = self.is_scanning() && !self.in_preview && !core.is_behind_body();
        self.releasing.as_ref().filter(|_| may_leave)?.piece_time(now)
    }

    /// Whether another piece of a held body may leave; it counts as gone.
    pub(super) fn takes_piece(&mut self, now: Instant) -> bool {
        self.releasing.as_mut().is_some_and(|releasing| releasing.takes_piece(now))
    }

    /// So many bytes of the body have left before its verdict.
    pub(super) fn note_released(&mut self, bytes: u64) {
        if let Some(releasing) = &mut self.releasing {
            releasing.note(bytes);
        }
    }

    /// Whether the scan has not come to a verdict.
    fn awaits_verdict(&self) -> bool {
        matches!(&self.state, State::Scanning(scanning) if scanning.verdict.is_none())
    }

    /// Whether [`begin_early`](Self::begin_early) would begin.
    pub(super) fn may_begin_early(&self, core: &icap::Connection, now: Instant) -> bool {
        let may_be = self.awaits_verdict() && !self.in_preview && !core.is_behind_body();
        let releasing = self.releasing.as_ref().filter(|_| may_be);
        releasing.is_some_and(|releasing| releasing.would_grow(self.body_bytes, now))
    }

    /// Begins the answer before the verdict where the plan for this body says so. True when it has begun.
    pub(super) fn begin_early(
        &mut self,
        core: &mut icap::Connection,
        live: &Live,
        now: Instant,
    ) -> bool {
        if !self.awaits_verdict() || self.in_preview || core.is_behind_body() {
            return false;
        }
        let body_bytes = self.body_bytes;
        let begins = self.releasing.as_mut().is_some_and(|release| release.grow(body_bytes, now));
        if begins {
            self.begin_ahead(core, live);
        }
        begins
    }

    /// The body pauses: the answer begins, its tail stays.
    pub(super) fn stalled(&mut self, core: &mut icap::Connection, live: &Live) {
        if self.awaits_verdict() && self.releasing.as_mut().is_some_and(Releasing::stall) {
            self.begin_ahead(core, live);
        }
    }

    /// A detection after this ends the answer broken instead of with a page.
    fn begin_ahead(&mut self, core: &mut icap::Connection, live: &Live) {
        self.released = Released::Part;
        let change = live.remarks.before_verdict(core.request());
        core.answer_ahead(&change, clock::now());
    }

    /// The body has been seen to its end.
    pub(super) async fn body_end(
        &mut self,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        self.in_preview = false;
        match std::mem::replace(&mut self.state, State::Answered) {
            State::Decided(decision) => self.answer(decision, core, live, shard),
            State::Scanning(mut scanning) => {
                if scanning.verdict.is_none() {
                    scanning.end(&shard.side).await;
                }
                self.conclude(scanning, core, live, shard)
            }
            State::Waiting | State::Answered => Next::Unchanged,
        }
    }

    /// The body is longer than may be held back.
    pub(super) fn hold_limit(
        &mut self,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        self.give_up(Why::Limit(Limit::HoldLimit), core, live, shard)
    }

    /// The body could not be kept: it cannot be answered unchanged any more.
    pub(super) fn hold_failed(
        &mut self,
        error: &io::Error,
        core: &mut icap::Connection,
        shard: &Shard,
    ) -> Next {
        shard.journal.write(Event::HoldFailed { why: error.to_string() });
        if let State::Scanning(scanning) = std::mem::replace(&mut self.state, State::Answered) {
            self.give_ticket_back(scanning.spent());
            self.ended = Some(scanning);
        }
        match self.released {
            Released::Nothing => core.answer_fault(icap::Fault::Internal, clock::now()),
            Released::Part => core.abort(clock::now()),
        }
        Next::Drop
    }

    fn give_up(
        &mut self,
        why: Why,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        match std::mem::replace(&mut self.state, State::Answered) {
            State::Scanning(mut scanning) => {
                scanning.give_up(why);
                self.conclude(scanning, core, live, shard)
            }
            State::Decided(decision) => self.answer(decision, core, live, shard),
            State::Waiting | State::Answered => Next::Unchanged,
        }
    }

    fn conclude(
        &mut self,
        mut scanning: Box<Scanning>,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        let options = scanning.options(&live.adaptation);
        let (known, state) = (self.answers.known(), scanning.state);
        let message = adaptation::Message::of(core.request());
        let (verdict, judgement) = scanning.judged(|detection| {
            let judgement = adaptation::judge(
                &message,
                &live.policy,
                &options,
                &known,
                state,
                detection,
                &mut (),
            );
            let switch = Decided::Switch(ThreatKind::of(&detection.name));
            (judgement.blocks, judgement.rule.map_or(switch, Decided::Rule))
        });
        if let Some(trouble) = scanning.take_trouble() {
            shard.journal.write(trouble.event(url_of(core.request())));
        }
        self.give_ticket_back(scanning.spent());
        self.ended = Some(scanning);
        let (blocks, decided) = judgement.unwrap_or((false, Decided::Nothing));
        self.decided = decided;
        let recall = self.recall.take();
        let known = recall.as_ref().map(|_| verdict.clone());
        let decision = adaptation::decide_by(verdict, self.released, &options, |_| blocks);
        if let (Some(recall), Some(verdict)) = (recall, known) {
            // What was tolerated on the way is no part of a verdict that is kept.
            if verdict == Verdict::Clean || live.blocks_every_threat() {
                shard.verdicts.learned(&recall, &verdict, live);
            }
            if matches!(decision, Decision::Abort(_)) {
                shard.verdicts.ended_broken(&recall, &verdict, core.request(), live);
            }
        }
        self.answer(decision, core, live, shard)
    }

    fn answer(
        &mut self,
        decision: Decision,
        core: &mut icap::Connection,
        live: &Live,
        shard: &Shard,
    ) -> Next {
        self.state = State::Answered;
        self.report(&decision, core.request(), live, shard);
        let mut extra = adaptation::headers::extra(&decision);
        live.remarks.route_by(&decision, live.policy.next_services(&self.ruled), &mut extra);
        if let Some(name) = live.remarks.shared.as_deref() {
            let value = || bequest::encode(self.number, &self.ruled, &live.icap.istag);
            bequest::share(core.request(), name, value, &decision, &mut extra);
        }
        let now = clock::now();
        match decision {
            Decision::Unmodified(_) if self.released == Released::Part => {
                core.verdict(&adaptation::headers::verdict(&decision), now);
                Next::Echo
            }
            Decision::Unmodified(_) | Decision::AskForAll => {
                let change = live.remarks.change(core.request(), &decision);
                match core.answer_changed(&change, &extra, now) {
                    Unmodified::NoContent | Unmodified::PartialContent => Next::Drop,
                    Unmodified::Echo => Next::Echo,
                }
            }
            Decision::Block(cause)
                if core.request().unscannable() == Unscannable::ServerError
                    && cause.is_unscannable() =>
            {
                core.answer_unscannable(&extra, now);
                Next::Drop
            }
            Decision::Block(cause) => {
                let page = self.page(&cause, core.request(), live);
                core.answer_with(&page.head, &page.body, &extra, now);
                Next::Drop
            }
            Decision::Abort(_) => {
                core.abort(now);
                Next::Drop
            }
        }
    }

    fn page(&self, cause: &Cause, request: &icap::Request, live: &Live) -> Rendered {
        let time = httpdate::fmt_http_date(clock::date());
        let id = self.id();
        let contact = &live.server.contact;
        live.pages.render(&PageFacts::of(request, cause, &time, &id, contact))
    }

    /// The transaction's name in the log and on the page.
    fn id(&self) -> String {
        format!("{}-{}", self.number.0, self.number.1)
    }

    /// The step of the policy that decided, as the log names it.
    fn deciding_step(&self, decision: &Decision, live: &Live) -> String {
        match self.decided {
            Decided::Rule(place) => live.policy.rule_name(place),
            Decided::Hook => "MessageHook".to_owned(),
            Decided::Unanswered(question) => format!("BlockUnanswered ({})", question.name()),
            Decided::Type => "MimeRules".to_owned(),
            Decided::Retry => "RetryBlockTime".to_owned(),
            Decided::Known => "TrustedValidators".to_owned(),
            Decided::Overload(why) => format!("overload ({})", why.name()),
            Decided::Switch(kind) => format!("Block{}", kind.name()),
            Decided::Nothing => match decision {
                Decision::Block(cause) | Decision::Abort(cause)
                    if matches!(**cause, Cause::Unchecked(Why::Fragment)) =>
                {
                    "BlockFragments".to_owned()
                }
                Decision::Block(_) | Decision::Abort(_) | Decision::Unmodified(_) => {
                    "BlockUnchecked".to_owned()
                }
                Decision::AskForAll => String::new(),
            },
        }
    }

    fn report(&self, decision: &Decision, request: &icap::Request, live: &Live, shard: &Shard) {
        let (reason, action, scanned) = match decision {
            Decision::Unmodified(Passed::Unchecked(why)) => (why.to_string(), "passed", false),
            Decision::Unmodified(Passed::Tolerated(threat)) => {
                (threat.detection.name.to_string(), "passed", true)
            }
            Decision::Unmodified(Passed::Unscanned) => {
                ("a rule says SET scan = No".to_owned(), "passed", false)
            }
            Decision::Unmodified(_) | Decision::AskForAll => return,
            Decision::Block(cause) => (reason(cause), "blocked", !cause.is_unchecked()),
            Decision::Abort(cause) => (reason(cause), "broken off", !cause.is_unchecked()),
        };
        let decided = self.deciding_step(decision, live);
        let message = self.message(request, reason, action, decided);
        let event = if scanned { Event::Blocked(message) } else { Event::Unscanned(message) };
        if shard.journal.wants(Level::Warning) {
            shard.journal.write(event);
        }
    }

    /// What the log tells of this message.
    fn message(
        &self,
        request: &icap::Request,
        reason: String,
        action: &'static str,
        decided: String,
    ) -> Box<Message> {
        let subject = request.subject();
        Box::new(Message {
            id: self.id(),
            url: url_of(request),
            direction: request.method().as_str(),
            client: subject.client_ip.map(|address| address.to_string()).unwrap_or_default(),
            user: subject.user.clone(),
            reason,
            action,
            decided,
            bytes: self.body_bytes,
            layers: self.ended.as_ref().map(|scan| scan.story.clone()).unwrap_or_default(),
            released: self.releasing.as_ref().map(Releasing::story).unwrap_or_default(),
        })
    }
}

/// Refuses a request whose answer ended broken a short time ago: it would do so again, and nobody sees why.
fn retry(
    decision: &Decision,
    request: &icap::Request,
    (ruled, known): (policy::State, &adaptation::Known<'_>),
    live: &Live,
    shard: &Shard,
) -> Option<Decision> {
    let is_asked =
        request.method() == Method::Reqmod && *decision == Decision::Unmodified(Passed::NoBody);
    let is_asked = is_asked && !ruled.unscanned;
    let verdict = if is_asked { shard.verdicts.broken(request, live)? } else { return None };
    let message = adaptation::Message::of(request);
    let (policy, options) = (&live.policy, &live.adaptation);
    let refused = adaptation::decide_by(verdict, Released::Nothing, options, |detection| {
        adaptation::judge(&message, policy, options, known, ruled, detection, &mut ()).blocks
    });
    matches!(refused, Decision::Block(_)).then_some(refused)
}

/// The pause that counts as a stall once the answer has begun: nothing is lost any more by going on.
const TAIL_STALL: Duration = Duration::from_millis(20);

/// The same of a body without an end, which is judged at each pause: ten times a second at most.
const STREAM_STALL: Duration = Duration::from_millis(100);

/// A pause before so much of a body is the origin's, not the proxy's: its buffers are not full yet.
const STALL_BYTES_MIN: u64 = 32 << 10;

/// The cause of a block in a few words, for the log.
fn reason(cause: &Cause) -> String {
    match cause {
        Cause::Threat(threat) if threat.detection.path.is_empty() => {
            threat.detection.name.to_string()
        }
        Cause::Threat(threat) => format!("{} in {}", threat.detection.name, threat.detection.path),
        Cause::Unchecked(why) => why.to_string(),
        Cause::BlackList(entry) => format!("black list: {entry}"),
        Cause::Type(mime) => format!("type {mime}"),
        Cause::Category { category, source } => format!("category {category}: {source}"),
        Cause::Advertisement(expression) => format!("advertisement: {expression}"),
        Cause::Rule { rule, reason } => match reason {
            RuleReason::BlackList => format!("rule {rule}: as on the black list"),
            RuleReason::Category(category) => format!("rule {rule}: as category {category}"),
            RuleReason::Text(text) if text.is_empty() => format!("rule {rule}"),
            RuleReason::Text(text) => format!("rule {rule}: {text}"),
        },
        Cause::Hook => "by the script".to_owned(),
        Cause::PolicyUnchecked(why) => why.to_string(),
    }
}

pub(super) fn url_of(request: &icap::Request) -> String {
    let target = request.http_request().map_or(Cow::Borrowed("-"), |head| {
        Cow::Owned(format!(
            "{} {}",
            String::from_utf8_lossy(head.method()),
            String::from_utf8_lossy(head.target())
        ))
    });
    target.into_owned()
}
