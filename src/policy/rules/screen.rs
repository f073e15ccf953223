//! Which rules need not be tried, found by a look at each fact in place of a look at each rule.
//!
//! ```text
//!   user ─▶ row ─┐
//!   address ─▶ row ─┤
//!   minute ─▶ row ─┼─▶ rules that are left, in order ─▶ tried one by one, as if all were
//!   sites ─▶ row ─┤
//!   categories ─▶ row ─┘  (when the first rule is reached that asks for them)
//! ```
//!
//! A rule is left out only when a condition of it does not hold, and no condition that is tried before that
//! one has an effect of its own: looking into the white list is noted, categories and groups may have to be
//! asked for. So the outcome, the counters and the state are those of trying every rule
//! (`policy::trial`), which is what a decision in front of a witness does.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named leaves no rule out")]

use super::condition::{Condition, Lists, Test};
use super::network::number;
use super::rows::{Base, Candidates, Minutes, Names, NamesMaker, Spans, WIDTH_MAX, clear, mark};
use super::{Action, Rule, SiteBits};
use crate::policy::category::{Categories, Category};
use crate::policy::facts::{Direction, Directory, Facts, Moment};
use crate::policy::groups::Groups;
use crate::policy::trial::protocol_bit;
use crate::policy::user::User;

/// What facts say about rules.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Screen {
    /// The rules that are tried before the scan.
    all: Box<[u64]>,
    kinds: Option<Box<[Box<[u64]>]>>,
    minutes: Option<Minutes>,
    clients: Option<Spans>,
    servers: Option<Spans>,
    users: Option<Names>,
    members: Option<Names>,
    domains: Option<Names>,
    methods: Option<Names>,
    sites: Option<Sites>,
    categories: Option<ByCategory>,
}

/// Rules by the sets of sites that they ask for.
#[derive(Clone, Debug)]
struct Sites {
    base: Base,
    /// The rule of each set, by the set's number.
    rules: Box<[Option<u16>]>,
}

/// Rules by categories.
#[derive(Clone, Debug)]
struct ByCategory {
    base: Base,
    /// The rules that name a category, by its place among all.
    rows: Box<[Box<[u64]>]>,
    /// Those that name the categories which are switched on.
    blocked: Box<[u64]>,
}

impl Screen {
    /// `groups_change`: rules put users into groups, or a directory has to be asked for them.
    pub(super) fn new(
        rules: &[Rule],
        before: &[usize],
        groups: &Groups,
        groups_change: bool,
    ) -> Self {
        let width = rules.len().div_ceil(64).min(WIDTH_MAX);
        let mut all = vec![0; width];
        before.iter().for_each(|&place| mark(&mut all, place));
        let asked: Vec<(usize, &Condition)> = before
            .iter()
            .filter_map(|&place| Some((place, rules.get(place)?)))
            .flat_map(|(place, rule)| quiet(rule, groups_change).map(move |one| (place, one)))
            .collect();
        let by_group = members(groups, &asked);
        let in_groups = |file: &[u32]| {
            let lists = file.iter().filter_map(|group| by_group.get(usize::try_from(*group).ok()?));
            lists.flatten().copied().collect::<Vec<&str>>()
        };
        let new = || NamesMaker::new(width);
        let (mut users, mut members, mut domains, mut methods) = (new(), new(), new(), new());
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for &(rule, condition) in &asked {
            let negated = condition.negated;
            match &condition.test {
                Test::User { names, groups } => {
                    let inside = in_groups(&groups.file);
                    users.ask(rule, negated, names.iter().chain(inside.iter().copied()));
                }
                Test::Group { groups, .. } if !groups_change => {
                    members.ask(rule, negated, in_groups(&groups.file).iter().copied());
                }
                Test::Domain(names) => domains.ask(rule, negated, names.iter()),
                Test::Method(names) => methods.ask(rule, negated, names.iter()),
                Test::Client(networks) => clients.push((rule, negated, networks)),
                Test::Server(networks) => servers.push((rule, negated, networks)),
                _ => {}
            }
        }
        Self {
            all: all.into(),
            kinds: kinds(width, &asked),
            minutes: minutes(width, &asked),
            clients: Spans::new(width, &clients),
            servers: Spans::new(width, &servers),
            users: users.finish(),
            members: members.finish(),
            domains: domains.finish(),
            methods: methods.finish(),
            sites: Sites::new(width, &asked),
            categories: ByCategory::new(width, &asked, rules),
        }
    }

    /// Whether any rule that is left out needs to know where an address is.
    pub(in crate::policy) const fn looks_at_sites(&self) -> bool {
        self.sites.is_some()
    }

    /// The rules that are left by everything but categories.
    pub(in crate::policy) fn candidates(
        &self,
        facts: &Facts<'_>,
        user: &User<'_>,
        found: Option<&SiteBits>,
    ) -> Candidates {
        let mut left = Candidates::of(&self.all);
        if let Some(row) = self.kinds.as_ref().and_then(|rows| rows.get(kind_of(facts))) {
            left.keep(row);
        }
        if let Some(minutes) = &self.minutes {
            left.narrow(&minutes.base, [minutes.find(facts.moment); 2]);
        }
        for (spans, address) in [(&self.clients, facts.client), (&self.servers, facts.server)] {
            if let Some(spans) = spans {
                left.narrow(&spans.base, [spans.find(address.map(number)); 2]);
            }
        }
        let domain = Some(user.domain).filter(|domain| !domain.is_empty());
        let method = std::str::from_utf8(facts.method).ok().filter(|method| !method.is_empty());
        // Where the request names the groups, the file's are not all that count.
        let is_told = matches!(facts.directory, Directory::Groups(_));
        let members = if is_told { &None } else { &self.members };
        for (names, wanted) in [
            (&self.users, user.spellings()),
            (members, user.spellings()),
            (&self.domains, [domain, None]),
            (&self.methods, [method, None]),
        ] {
            if let Some(names) = names
                && let Some(rows) = names.find(wanted)
            {
                left.narrow(&names.base, rows);
            }
        }
        if let Some(sites) = &self.sites {
            let mut row = [0; WIDTH_MAX];
            let sets = found.into_iter().flat_map(SiteBits::iter);
            let rules = sets.filter_map(|set| *sites.rules.get(usize::from(set))?);
            rules.for_each(|rule| mark(&mut row, usize::from(rule)));
            left.narrow(&sites.base, [&row, &row]);
        }
        left
    }

    /// Whether the categories of the site may leave out this rule.
    pub(in crate::policy) fn looks_at_categories(&self, rule: usize) -> bool {
        self.categories.as_ref().is_some_and(|categories| categories.base.has(rule))
    }

    /// Leaves out what these categories of the site leave out. `blocked`: one of them is switched on.
    pub(in crate::policy) fn narrow(
        &self,
        left: &mut Candidates,
        known: Categories,
        blocked: bool,
    ) {
        let Some(categories) = &self.categories else { return };
        let mut row = [0; WIDTH_MAX];
        let add = |row: &mut [u64], more: &[u64]| {
            row.iter_mut().zip(more).for_each(|(slot, &word)| *slot |= word);
        };
        for (category, more) in Category::ALL.iter().zip(&categories.rows) {
            if known.has(*category) {
                add(&mut row, more);
            }
        }
        if blocked {
            add(&mut row, &categories.blocked);
        }
        left.narrow(&categories.base, [&row, &row]);
    }
}

impl Sites {
    fn new(width: usize, asked: &[(usize, &Condition)]) -> Option<Self> {
        let mut base = Base::new(width);
        let mut rules = Vec::new();
        for (rule, condition) in asked {
            if let Test::Sites { set: Some(set), lists } = condition.test
                && lists == Lists::default()
                && let Ok(number) = u16::try_from(*rule)
                && base.ask(*rule, condition.negated)
            {
                rules.resize(rules.len().max(usize::from(set).saturating_add(1)), None);
                if let Some(slot) = rules.get_mut(usize::from(set)) {
                    *slot = Some(number);
                }
            }
        }
        (!base.is_empty()).then(|| Self { base, rules: rules.into() })
    }
}

impl ByCategory {
    /// `None` too when rules change the categories of a site.
    fn new(width: usize, asked: &[(usize, &Condition)], rules: &[Rule]) -> Option<Self> {
        let mut actions = rules.iter().flat_map(|rule| &rule.actions);
        if actions.any(|one| matches!(one, Action::SetCategory(_) | Action::AddCategory(_))) {
            return None;
        }
        let mut base = Base::new(width);
        let empty: Box<[u64]> = vec![0; width].into();
        let mut rows: Box<[Box<[u64]>]> = Category::ALL.map(|_| empty.clone()).into();
        let mut all_blocked = empty;
        for (rule, condition) in asked {
            let Test::Category { named, blocked } = condition.test else { continue };
            if base.ask(*rule, condition.negated) {
                for (category, row) in Category::ALL.iter().zip(&mut rows) {
                    if named.has(*category) {
                        mark(row, *rule);
                    }
                }
                if blocked {
                    mark(&mut all_blocked, *rule);
                }
            }
        }
        (!base.is_empty()).then_some(Self { base, rows, blocked: all_blocked })
    }
}

/// The conditions of a rule that are tried before any that has an effect of its own, and the first of these
/// if that effect is a question about categories: where none has to be asked, there is no effect.
fn quiet(rule: &Rule, groups_change: bool) -> impl Iterator<Item = &Condition> {
    let mut is_over = false;
    rule.conditions.iter().take_while(move |condition| {
        let was_over = is_over;
        let is_loud = match &condition.test {
            Test::Sites { lists, .. } => lists.white,
            Test::User { groups, .. } => groups.asks(),
            Test::Group { .. } => groups_change,
            Test::Category { .. } => {
                is_over = true;
                false
            }
            _ => false,
        };
        !was_over && !is_loud
    })
}

/// The members of each group that a rule names, by the group's number.
fn members<'g>(groups: &'g Groups, asked: &[(usize, &Condition)]) -> Vec<Vec<&'g str>> {
    let mut by_group = vec![Vec::new(); groups.len()];
    let named = asked.iter().flat_map(|(_, condition)| match &condition.test {
        Test::User { groups, .. } | Test::Group { groups, .. } => groups.file.iter(),
        _ => [].iter(),
    });
    let mut wanted = vec![false; groups.len()];
    let at = |group: &u32| usize::try_from(*group).unwrap_or(usize::MAX);
    for group in named {
        if let Some(slot) = wanted.get_mut(at(group)) {
            *slot = true;
        }
    }
    for (user, groups) in groups.memberships() {
        for group in groups.iter().map(at).filter(|&at| wanted.get(at) == Some(&true)) {
            if let Some(names) = by_group.get_mut(group) {
                names.push(user);
            }
        }
    }
    by_group
}

fn minutes(width: usize, asked: &[(usize, &Condition)]) -> Option<Minutes> {
    let mut timed: Vec<(usize, Vec<&Condition>)> = Vec::new();
    for (rule, condition) in asked.iter().filter(|(_, one)| one.test.looks_at_time()) {
        match timed.last_mut() {
            Some((last, conditions)) if last == rule => conditions.push(condition),
            _ => timed.push((*rule, vec![condition])),
        }
    }
    let rules: Vec<usize> = timed.iter().map(|(rule, _)| *rule).collect();
    let holds = |at: usize, moment: Moment| {
        let conditions = timed.get(at).map_or(&[][..], |(_, conditions)| conditions);
        conditions.iter().all(|one| one.test.holds_at(moment) != Some(one.negated))
    };
    Minutes::new(width, &rules, holds)
}

/// For each kind of message the rules that its direction and protocol do not leave out.
fn kinds(width: usize, asked: &[(usize, &Condition)]) -> Option<Box<[Box<[u64]>]>> {
    let of_kind = |test: &Test| matches!(test, Test::Direction { .. } | Test::Protocol(_));
    if !asked.iter().any(|(_, condition)| of_kind(&condition.test)) {
        return None;
    }
    let rows = (0..KINDS).map(|kind| {
        let (direction, protocol) = (kind / 16, kind % 16);
        let mut row = vec![u64::MAX; width];
        for (rule, condition) in asked {
            let holds = match condition.test {
                Test::Direction { request, response } => {
                    if direction == 0 {
                        request
                    } else {
                        response
                    }
                }
                Test::Protocol(bits) => usize::from(bits) & protocol != 0,
                _ => continue,
            };
            if holds == condition.negated {
                clear(&mut row, *rule);
            }
        }
        row.into()
    });
    Some(rows.collect())
}

fn kind_of(facts: &Facts<'_>) -> usize {
    let protocol = facts.url.map_or(0, |url| usize::from(protocol_bit(url.scheme)));
    match facts.direction {
        Direction::Request => protocol,
        Direction::Response => protocol.saturating_add(16),
    }
}

/// Two directions, each with a bit for each of four protocols.
const KINDS: usize = 32;
