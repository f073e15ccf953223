//! One walk over the rules: conditions are tried one by one, and what they look at is found out once.
//!
//! What is not known is in no set. A condition about something that was asked and not answered holds neither
//! as written nor negated, so a rule that depends on it does not apply.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not turned around stays as it is")]

use regex::bytes::RegexSet;

use super::category::Categories;
use super::decide::{BlockReason, CategorySource, Question, RuledRelease, State};
use super::explain::{Step, Verdict, Witness};
use super::facts::{Direction, Directory, Facts, Reputation, ThreatFact};
use super::path::LazyPath;
use super::rules::condition::{Condition, Lists, Members, SizeTest, Subject, Test};
use super::rules::words::Words;
use super::rules::{Action, Candidates, Reason, Rule, SiteBits};
use super::table::{Entry, Key};
use super::threat::ThreatKinds;
use super::url::{Scheme, UrlParts};
use super::user::User;
use super::{Policy, Unanswered, expressions};

/// What a rule says.
pub(super) enum Turn<'p> {
    Next,
    Pass,
    Block(BlockReason<'p>),
    Ask(Question),
    Unanswered(Question),
}

/// What a condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    /// Neither it nor its opposite.
    Unknown,
    Ask(Question),
    Unanswered(Question),
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// One walk over the rules.
pub(super) struct Trial<'p, 'f, 'w, W> {
    policy: &'p Policy,
    pub(super) facts: &'f Facts<'f>,
    user: User<'f>,
    threat: Option<(ThreatFact<'f>, ThreatKinds)>,
    pub(super) state: State,
    key: Option<Key>,
    black: Option<Option<Entry<'p>>>,
    white: Option<Option<Entry<'p>>>,
    sites: Option<SiteBits>,
    memberships: Option<[&'p [u32]; 2]>,
    local: Option<Categories>,
    pub(super) witness: &'w mut W,
}

impl<'p, 'f, 'w, W: Witness> Trial<'p, 'f, 'w, W> {
    pub(super) fn new(
        policy: &'p Policy,
        facts: &'f Facts<'f>,
        threat: Option<(ThreatFact<'f>, ThreatKinds)>,
        state: State,
        witness: &'w mut W,
    ) -> Self {
        let user = User::of(facts.user);
        Self {
            policy,
            facts,
            user,
            threat,
            state,
            key: None,
            black: None,
            white: None,
            sites: None,
            memberships: None,
            local: None,
            witness,
        }
    }

    /// The rules that have to be tried before the scan, as far as anything but categories tells.
    pub(super) fn candidates(&mut self) -> Candidates {
        let screen = self.policy.rules.screen();
        let facts = self.facts;
        let sites = facts.url.filter(|_| screen.looks_at_sites()).map(|url| *self.sites(url));
        screen.candidates(facts, &self.user, sites.as_ref())
    }

    /// Leaves out rules that the categories of the site leave out, unless somebody has to be asked for them.
    pub(super) fn narrow(&mut self, left: &mut Candidates) {
        let known = if self.facts.url.is_none() {
            Categories::NONE
        } else {
            if self.policy.reputation && self.local().is_empty() {
                return;
            }
            self.known_categories()
        };
        let blocked = !known.intersection(self.policy.blocked_categories).is_empty();
        self.policy.rules.screen().narrow(left, known, blocked);
    }

    /// What a rule says, where that ends the decision.
    pub(super) fn turn(&mut self, place: usize, rule: &'p Rule) -> Option<(usize, Turn<'p>)> {
        match self.rule(place, rule) {
            Turn::Next => None,
            end => Some((place, end)),
        }
    }

    pub(super) fn rule(&mut self, place: usize, rule: &'p Rule) -> Turn<'p> {
        for condition in &rule.conditions {
            let verdict = match self.condition(condition) {
                Holds::Yes => continue,
                Holds::No => Verdict::DoesNotHold,
                Holds::Unknown => Verdict::NotKnown,
                Holds::Ask(question) => {
                    self.witness.see(|| Step::Question {
                        rule: place.saturating_add(1),
                        question: question.name(),
                    });
                    return Turn::Ask(question);
                }
                Holds::Unanswered(question) => {
                    self.witness.see(|| Step::Unanswered { question: question.name() });
                    return Turn::Unanswered(question);
                }
            };
            let policy = self.policy;
            self.witness.see(|| Step::rule(policy, place, verdict, Some(&condition.text)));
            return Turn::Next;
        }
        // Once for a message, however often its decision waited for an answer.
        if self.threat.is_some() || place >= self.facts.counted {
            self.policy.rules.count(place);
        }
        let policy = self.policy;
        self.witness.see(|| Step::rule(policy, place, Verdict::Applies, None));
        for action in &rule.actions {
            match action {
                Action::Pass => return Turn::Pass,
                Action::Block(reason) => return Turn::Block(self.reason(rule, reason)),
                Action::Scan(on) => self.state.unscanned = !on,
                Action::Release(way) => {
                    let rule = u16::try_from(place).unwrap_or(u16::MAX);
                    self.state.release = Some(RuledRelease { way: *way, rule });
                }
                Action::NextServices(plan) => self.state.next_services = Some(*plan),
                Action::SetCategory(category) => {
                    self.state.replaced = Some(Categories::NONE.with(*category));
                    self.state.added = Categories::NONE;
                }
                Action::AddCategory(category) => {
                    self.state.added = self.state.added.with(*category);
                }
                Action::SetGroup(bit) => {
                    self.state.groups = 1 << bit;
                    self.state.groups_replaced = true;
                }
                Action::AddGroup(bit) => self.state.groups |= 1 << bit,
            }
        }
        Turn::Next
    }

    fn reason(&mut self, rule: &'p Rule, reason: &'p Reason) -> BlockReason<'p> {
        match reason {
            Reason::Rule => BlockReason::Rule,
            Reason::Text(text) => BlockReason::Text(text),
            Reason::BlackList => BlockReason::BlackList(self.black()),
            Reason::AdList => BlockReason::Advertisement(self.advertisement()),
            Reason::Category(category) => {
                BlockReason::Category { category: *category, source: CategorySource::Rule }
            }
            Reason::Match(place) => match rule.condition(*place).map(|found| &found.test) {
                Some(Test::Sites { lists, .. }) => self.listed(*lists),
                Some(Test::Category { named, blocked }) => self.unwanted(*named, *blocked),
                Some(_) => BlockReason::Threat,
                None => BlockReason::Rule,
            },
        }
    }

    /// The list that the address is on; it may be in the rule's own set only.
    fn listed(&mut self, lists: Lists) -> BlockReason<'p> {
        if lists.black
            && let Some(entry) = self.black()
        {
            return BlockReason::BlackList(Some(entry));
        }
        let found = if lists.ads { self.advertisement() } else { None };
        found.map_or(BlockReason::Rule, |found| BlockReason::Advertisement(Some(found)))
    }

    /// The first category of the site that a condition names.
    fn unwanted(&mut self, named: Categories, blocked: bool) -> BlockReason<'p> {
        let wanted = self.wanted(named, blocked);
        let local = self.local();
        let Some(category) = self.known_categories().intersection(wanted).iter().next() else {
            return BlockReason::Rule;
        };
        let source = if self.state.replaced.is_none() && local.has(category) {
            CategorySource::Database
        } else if self.state.added.has(category) || self.state.replaced.is_some() {
            CategorySource::Rule
        } else {
            CategorySource::Reputation
        };
        BlockReason::Category { category, source }
    }

    fn condition(&mut self, condition: &Condition) -> Holds {
        match self.test(&condition.test) {
            Holds::Yes if condition.negated => Holds::No,
            Holds::No if condition.negated => Holds::Yes,
            other => other,
        }
    }

    fn test(&mut self, test: &Test) -> Holds {
        let facts = self.facts;
        match test {
            Test::Direction { request, response } => match facts.direction {
                Direction::Request => *request,
                Direction::Response => *response,
            }
            .into(),
            Test::Protocol(bits) => {
                facts.url.is_some_and(|url| bits & protocol_bit(url.scheme) != 0).into()
            }
            Test::Weekday(_) | Test::Week(_) | Test::TimeAfter(_) | Test::TimeBefore(_) => {
                (test.holds_at(facts.moment) == Some(true)).into()
            }
            Test::Size(wanted) => facts.size.map_or(Holds::Unknown, |size| {
                match wanted {
                    SizeTest::Greater(limit) => size > *limit,
                    SizeTest::Less(limit) => size < *limit,
                    SizeTest::Equal(limit) => size == *limit,
                }
                .into()
            }),
            Test::Method(words) => {
                std::str::from_utf8(facts.method).is_ok_and(|method| words.has(method)).into()
            }
            Test::Client(networks) => {
                facts.client.is_some_and(|address| networks.has(address)).into()
            }
            Test::Server(networks) => {
                facts.server.is_some_and(|address| networks.has(address)).into()
            }
            Test::Sites { set, lists } => self.is_in_sites(*set, *lists).into(),
            Test::User { names, groups } => {
                if self.user.spellings().into_iter().flatten().any(|name| names.has(name)) {
                    return Holds::Yes;
                }
                self.members(groups)
            }
            Test::Domain(names) => names.has(self.user.domain).into(),
            Test::Group { names, groups } => self.is_in_group(names, groups),
            Test::Type(patterns) => {
                let mime = bare_type(facts.content_type);
                patterns.iter().any(|pattern| pattern.fits(mime)).into()
            }
            Test::Category { named, blocked } => self.is_in_category(*named, *blocked),
            Test::ThreatKind { named, blocked } => self
                .threat
                .is_some_and(|(threat, on)| {
                    named.has(threat.kind) || (*blocked && on.has(threat.kind))
                })
                .into(),
            Test::Threat(names) => {
                self.threat.is_some_and(|(threat, _)| names.has(threat.name)).into()
            }
            Test::Matches { subject, patterns } => self.matches(*subject, patterns).into(),
        }
    }

    fn is_in_group(&mut self, names: &Words, groups: &Members) -> Holds {
        // With ADD or SET a rule may put anybody into a group.
        if self.state.groups & groups.added != 0 {
            return Holds::Yes;
        }
        if self.state.groups_replaced {
            return Holds::No;
        }
        let is_told = matches!(self.facts.directory, Directory::Groups(_));
        match self.members(groups) {
            Holds::No if self.policy.directory || is_told => {
                self.in_directory(|group| names.has(group))
            }
            other => other,
        }
    }

    fn is_in_sites(&mut self, set: Option<u16>, lists: Lists) -> bool {
        let Some(url) = self.facts.url else { return false };
        if let Some(set) = set
            && self.sites(url).has(set)
        {
            return true;
        }
        if lists.black && self.black().is_some() {
            return true;
        }
        if lists.white
            && let Some(entry) = self.white(url)
        {
            self.state.white_listed = true;
            self.witness.see(|| Step::List { list: "WhiteList", entry: entry.to_string() });
            return true;
        }
        lists.ads && self.advertisement().is_some()
    }

    fn black(&mut self) -> Option<Entry<'p>> {
        let url = self.facts.url?;
        let table = &self.policy.black;
        let entry = match self.black {
            Some(found) => found,
            None if table.is_empty() => None,
            None => *self.black.insert(table.find_key(Self::key(&mut self.key, url), url.path)),
        }?;
        self.witness.see(|| Step::List { list: "BlackList", entry: entry.to_string() });
        Some(entry)
    }

    fn white(&mut self, url: &UrlParts<'_>) -> Option<Entry<'p>> {
        let table = &self.policy.white;
        match self.white {
            Some(found) => found,
            None if table.is_empty() => None,
            None => *self.white.insert(table.find_key(Self::key(&mut self.key, url), url.path)),
        }
    }

    /// The sets of sites that the address is in.
    fn sites(&mut self, url: &UrlParts<'_>) -> &SiteBits {
        let index = self.policy.rules.index();
        let key = &mut self.key;
        self.sites.get_or_insert_with(|| index.find(Self::key(key, url), url.path))
    }

    fn key<'k>(key: &'k mut Option<Key>, url: &UrlParts<'_>) -> &'k Key {
        key.get_or_insert_with(|| Key::of(&url.host))
    }

    fn advertisement(&mut self) -> Option<&'p str> {
        let found = self.policy.ads.find(self.facts.url?)?;
        self.witness.see(|| Step::List { list: "AdList", entry: found.to_owned() });
        Some(found)
    }

    fn local(&mut self) -> Categories {
        if let Some(local) = self.local {
            return local;
        }
        let local = self.policy.local_categories(self.facts);
        self.local = Some(local);
        let (policy, facts) = (self.policy, self.facts);
        self.witness.see(|| Step::categories(policy, facts, local));
        local
    }

    /// The categories of the site as far as they are known.
    fn known_categories(&mut self) -> Categories {
        let base = match self.state.replaced {
            Some(replaced) => replaced,
            None => {
                let local = self.local();
                if local.is_empty() { self.facts.reputation.categories() } else { local }
            }
        };
        base.union(self.state.added)
    }

    fn wanted(&self, named: Categories, blocked: bool) -> Categories {
        if blocked { named.union(self.policy.blocked_categories) } else { named }
    }

    fn is_in_category(&mut self, named: Categories, blocked: bool) -> Holds {
        let wanted = self.wanted(named, blocked);
        // Nobody is asked about what cannot change anything.
        if wanted.is_empty() || self.facts.url.is_none() {
            return Holds::No;
        }
        let known = self.known_categories();
        // What a rule has added says nothing about what services know.
        let is_unknown = self.state.replaced.is_none() && self.local().is_empty();
        if is_unknown && self.policy.reputation {
            match self.facts.reputation {
                Reputation::Unasked if self.threat.is_none() => {
                    return Holds::Ask(Question::Reputation);
                }
                Reputation::NoAnswer if self.policy.unanswered == Unanswered::Block => {
                    return Holds::Unanswered(Question::Reputation);
                }
                Reputation::Unasked
                | Reputation::NoAnswer
                | Reputation::Known(_)
                | Reputation::Unknown => {}
            }
        }
        (!known.intersection(wanted).is_empty()).into()
    }

    /// Whether reputation is still to be asked about a site of which local data knows nothing.
    pub(super) fn may_ask_reputation(&self) -> bool {
        self.policy.reputation
            && self.facts.reputation == Reputation::Unasked
            && self.facts.url.is_some()
            && self.state.replaced.is_none()
            && self.local.unwrap_or_else(|| self.policy.local_categories(self.facts)).is_empty()
    }

    fn members(&mut self, groups: &Members) -> Holds {
        if !groups.file.is_empty() {
            let (policy, user) = (self.policy, &self.user);
            let places = self.memberships.get_or_insert_with(|| policy.groups.places(user));
            let is_named = |group: &u32| groups.file.binary_search(group).is_ok();
            if places.iter().copied().flatten().any(is_named) {
                return Holds::Yes;
            }
        }
        if groups.directory.is_empty() {
            return Holds::No;
        }
        self.in_directory(|group| groups.directory.has(group))
    }

    fn in_directory(&self, is_wanted: impl Fn(&str) -> bool) -> Holds {
        match self.facts.directory {
            Directory::Groups(groups) => groups.iter().any(|group| is_wanted(group)).into(),
            // Nobody can be asked about.
            Directory::Unasked | Directory::NoAnswer if self.facts.user.is_empty() => Holds::No,
            Directory::Unasked if self.threat.is_none() => Holds::Ask(Question::Groups),
            Directory::Unasked | Directory::NoAnswer => match self.policy.unanswered {
                Unanswered::Block => Holds::Unanswered(Question::Groups),
                Unanswered::Pass => Holds::Unknown,
            },
        }
    }

    fn matches(&self, subject: Subject, patterns: &RegexSet) -> bool {
        let facts = self.facts;
        match subject {
            Subject::Url => facts.url.is_some_and(|url| {
                let mut path = LazyPath::new(url.path);
                let text = expressions::Subject::of(url, &path.get());
                patterns.is_match(text.whole())
            }),
            Subject::Host => facts.url.is_some_and(|url| patterns.is_match(url.host.as_bytes())),
            Subject::Method => patterns.is_match(facts.method),
            Subject::User => !facts.user.is_empty() && patterns.is_match(facts.user.as_bytes()),
            Subject::Domain => {
                !self.user.domain.is_empty() && patterns.is_match(self.user.domain.as_bytes())
            }
            Subject::Type => patterns.is_match(facts.content_type),
            Subject::Threat => {
                self.threat.is_some_and(|(threat, _)| patterns.is_match(threat.name.as_bytes()))
            }
        }
    }
}

/// A type without its parameters.
fn bare_type(raw: &[u8]) -> &[u8] {
    raw.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// The bit of a protocol in a set; what a tunnel carries is HTTPS, as far as a proxy knows.
pub(super) const fn protocol_bit(scheme: Scheme) -> u8 {
    match scheme {
        Scheme::Http => 1,
        Scheme::Https | Scheme::Tunnel => 1 << 1,
        Scheme::Ftp => 1 << 2,
        Scheme::Other => 1 << 3,
    }
}
