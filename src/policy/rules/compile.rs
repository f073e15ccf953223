//! From rules as written to rules that can be tried: files are put in, values read, names looked up.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named is refused by its name")]
#![expect(
    clippy::result_large_err,
    reason = "a fault is made once a load, and holds what a person needs"
)]

use super::condition::{Condition, Lists, Members, SizeTest, Subject, Test};
use super::fault::{Span, Trouble, advice, nearest};
use super::network::{Networks, Range};
use super::sites::{ENTRIES_MAX, SETS_MAX, SiteIndex};
use super::syntax::{
    ActionText, ConditionText, Item, ItemKind, Reference, Relation, RuleText, parse,
};
use super::token::tokens;
use super::variable::Variable;
use super::week::{Week, days, minute};
use super::words::Words;
use super::{
    Action, Plan, RULES_MAX, Reason, Rule, RuleFault, RuleSource, SOURCE_BYTES_MAX, Surroundings,
    value,
};
use crate::policy::category::{Categories, Category};
use crate::policy::facts::Direction;
use crate::policy::list::List;
use crate::policy::mime::Pattern;
use crate::policy::release::Release;
use crate::policy::threat::{ThreatKind, ThreatKinds};
use crate::policy::trial::protocol_bit;
use crate::policy::url::Scheme;

pub(super) struct Compiler<'a> {
    surroundings: Surroundings<'a>,
    rules: Vec<Rule>,
    index: SiteIndex,
    /// Groups that rules add, in the order of their bits.
    added: Vec<Box<str>>,
    /// Plans of next services, each once.
    plans: Vec<Plan>,
}

/// What rules were compiled to.
pub(super) struct Compiled {
    pub(super) rules: Vec<Rule>,
    /// The sites that they name.
    pub(super) index: SiteIndex,
    /// The plans of next services that they name.
    pub(super) plans: Box<[Plan]>,
    /// Whether it can change who is in which group: when rules put users into some, or a directory has to
    /// be asked.
    pub(super) groups_change: bool,
}

/// The values of a set, with the place to point at.
struct Values<'v> {
    texts: Vec<(Box<str>, Span)>,
    references: Vec<(&'v Reference, Span)>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(surroundings: Surroundings<'a>) -> Self {
        Self {
            surroundings,
            rules: Vec::new(),
            index: SiteIndex::new(),
            added: Vec::new(),
            plans: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Compiled {
        Compiled {
            groups_change: !self.added.is_empty() || self.surroundings.directory,
            rules: self.rules,
            index: self.index,
            plans: self.plans.into(),
        }
    }

    /// Adds the rules of a source.
    pub(super) fn source(
        &mut self,
        source: &RuleSource,
        is_default: bool,
    ) -> Result<(), RuleFault> {
        let rules = read(source)?;
        let said = |trouble: Trouble| trouble.in_source(&source.name, &source.text);
        // A group that is added by one rule may be named by those before it: they just never see it.
        for rule in &rules {
            self.collect_groups(rule).map_err(said)?;
        }
        for rule in &rules {
            let mut compiled = self.rule(rule, source).map_err(said)?;
            compiled.is_default = is_default;
            self.rules.push(compiled);
            if self.rules.len() > RULES_MAX {
                let trouble = Trouble::new(rule.at, format!("more than {RULES_MAX} rules"));
                return Err(said(trouble));
            }
        }
        Ok(())
    }

    fn collect_groups(&mut self, rule: &RuleText) -> Result<(), Trouble> {
        for action in &rule.actions {
            if let ActionText::Add { variable: Variable::UserGroup, value, .. }
            | ActionText::Set { variable: Variable::UserGroup, value, .. } = action
            {
                let name = single(value)?;
                if self.added_group(name).is_none() {
                    self.added.push(name.into());
                }
                if self.added.len() > ADDED_GROUPS_MAX {
                    let message = format!("rules can add {ADDED_GROUPS_MAX} different groups");
                    return Err(Trouble::new(value.at, message));
                }
            }
        }
        Ok(())
    }

    fn added_group(&self, name: &str) -> Option<u8> {
        let found = self.added.iter().position(|one| one.eq_ignore_ascii_case(name))?;
        u8::try_from(found).ok()
    }

    fn rule(&mut self, rule: &RuleText, source: &RuleSource) -> Result<Rule, Trouble> {
        let mut conditions = Vec::new();
        for condition in &rule.conditions {
            let test = self.test(condition)?;
            let at = condition.at;
            let text = source.text.get(at.start..at.end()).unwrap_or_default();
            conditions.push(Condition { negated: condition.negated, test, text: text.into() });
        }
        // The condition that `_match` speaks of is the last one, as written, that can find something.
        let found = conditions.iter().rposition(|one| !one.negated && finds(&one.test));
        let marked: Vec<(usize, Condition)> = conditions.into_iter().enumerate().collect();
        let mut sorted = marked;
        sorted.sort_by_key(|(_, condition)| condition.test.cost());
        let found = found.and_then(|found| sorted.iter().position(|(place, _)| *place == found));
        let mut actions = Vec::new();
        let is_of_threat = rule.conditions.iter().any(|one| one.variable.is_of_threat());
        for action in &rule.actions {
            actions.push(self.action(action, found, is_of_threat)?);
        }
        let before = source.text.get(..rule.at.start).unwrap_or_default();
        let line = before.bytes().filter(|&byte| byte == b'\n').count().saturating_add(1);
        Ok(Rule {
            conditions: sorted.into_iter().map(|(_, condition)| condition).collect(),
            actions: actions.into(),
            source: source.name.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            text: source.text.get(rule.at.start..rule.at.end()).unwrap_or_default().trim().into(),
            is_default: false,
        })
    }

    fn action(
        &mut self,
        action: &ActionText,
        found: Option<usize>,
        is_of_threat: bool,
    ) -> Result<Action, Trouble> {
        match action {
            ActionText::Pass => Ok(Action::Pass),
            ActionText::Block { reason: None } => Ok(Action::Block(Reason::Rule)),
            ActionText::Block { reason: Some(reason) } => {
                reason_of(reason, found).map(Action::Block)
            }
            ActionText::Set { variable, at, .. }
                if is_of_threat && variable.example().is_some() =>
            {
                Err(Trouble::new(*at, "a rule about threats comes after the scan")
                    .remedy("PASS lets a threat pass"))
            }
            ActionText::Set { variable, value, at } => self.set(*variable, value, *at),
            ActionText::Add { variable, value, at } => {
                let word = single(value)?;
                match variable {
                    Variable::UrlCategory => category(word, value.at).map(Action::AddCategory),
                    Variable::UserGroup => self.group_bit(word, value.at).map(Action::AddGroup),
                    other => Err(Trouble::new(
                        *at,
                        format!("{} holds one value: nothing can be added", other.name()),
                    )
                    .remedy("something can be added to url_category and user_group")),
                }
            }
        }
    }

    fn set(&mut self, variable: Variable, value: &Item, at: Span) -> Result<Action, Trouble> {
        let word = single(value)?;
        match variable {
            Variable::Scan => switch(word)
                .map(Action::Scan)
                .ok_or_else(|| Trouble::new(value.at, format!("\"{word}\": expected Yes or No"))),
            Variable::Release => Release::named(word).map(Action::Release).ok_or_else(|| {
                let names = Release::ALL.map(Release::name);
                Trouble::new(value.at, format!("\"{word}\": expected {}", names.join(" or ")))
                    .remedy("SET scan = No lets a body pass unscanned")
            }),
            Variable::NextServices => self.plan(word, value.at).map(Action::NextServices),
            Variable::UrlCategory => category(word, value.at).map(Action::SetCategory),
            Variable::UserGroup => self.group_bit(word, value.at).map(Action::SetGroup),
            other => Err(Trouble::new(at, format!("{} is a fact and cannot be set", other.name()))
                .remedy("scan, release, next_services, url_category and user_group can be set")),
        }
    }

    /// The number of a plan of next services.
    fn plan(&mut self, text: &str, at: Span) -> Result<u16, Trouble> {
        let plan = value::services(text).map_err(|why| Trouble::new(at, why))?;
        let place = self.plans.iter().position(|known| *known == plan).unwrap_or_else(|| {
            self.plans.push(plan);
            self.plans.len().saturating_sub(1)
        });
        let number = u16::try_from(place).ok().filter(|_| place < PLANS_MAX);
        number.ok_or_else(|| {
            Trouble::new(at, format!("rules can have {PLANS_MAX} different next_services"))
        })
    }

    fn group_bit(&self, name: &str, at: Span) -> Result<u8, Trouble> {
        self.added_group(name).ok_or_else(|| Trouble::new(at, "too many groups"))
    }

    fn test(&mut self, condition: &ConditionText) -> Result<Test, Trouble> {
        let variable = condition.variable;
        match condition.relation {
            Relation::In => {
                let values = self.values(condition)?;
                self.membership(variable, &values, condition)
            }
            Relation::Match => self.matching(condition),
            Relation::Greater | Relation::Less => comparison(condition),
        }
    }

    /// The values of a set, those of files included.
    fn values<'c>(&self, condition: &'c ConditionText) -> Result<Values<'c>, Trouble> {
        let mut values = Values { texts: Vec::new(), references: Vec::new() };
        for item in &condition.items {
            match &item.kind {
                ItemKind::Value(text) => values.texts.push((text.clone(), item.at)),
                ItemKind::Reference(reference) => values.references.push((reference, item.at)),
                ItemKind::File(path) => {
                    let Some(files) = self.surroundings.files else { continue };
                    let text = files.get(path).ok_or_else(|| {
                        Trouble::new(item.at, format!("the file {path} cannot be read"))
                    })?;
                    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
                    let lines =
                        lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
                    values.texts.extend(lines.map(|line| (line.into(), item.at)));
                }
            }
            if values.texts.len() > ENTRIES_MAX {
                let message = format!("a set can have {ENTRIES_MAX} values");
                return Err(Trouble::new(item.at, message));
            }
        }
        Ok(values)
    }

    fn membership(
        &mut self,
        variable: Variable,
        values: &Values<'_>,
        condition: &ConditionText,
    ) -> Result<Test, Trouble> {
        if !matches!(
            variable,
            Variable::Url
                | Variable::UrlHost
                | Variable::UrlCategory
                | Variable::ThreatCategory
                | Variable::User
                | Variable::UserGroup
        ) && let Some((_, at)) = values.references.first()
        {
            return Err(Trouble::new(
                *at,
                format!("this is no set of values for {}", variable.name()),
            ));
        }
        match variable {
            Variable::Direction => directions(values),
            Variable::Protocol => protocols(values),
            Variable::Weekday => {
                let days = values.each(days)?;
                Ok(Test::Weekday(days.into_iter().fold(0, |all, one| all | one)))
            }
            Variable::Time => {
                let mut week = Week::new();
                values.each(|text| week.add(text))?;
                Ok(Test::Week(week))
            }
            Variable::Size => match (values.texts.as_slice(), condition.negated) {
                ([(text, at)], false) => {
                    let size = value::size(text)
                        .map_err(|why| Trouble::new(*at, format!("\"{text}\": {why}")))?;
                    Ok(Test::Size(SizeTest::Equal(size)))
                }
                _ => Err(Trouble::new(condition.at, "a size is compared, not looked up")
                    .remedy("write size gt 10MB, size lt 64KB or size 0")),
            },
            Variable::Method => Ok(Test::Method(values.words())),
            Variable::SrcIp => Ok(Test::Client(networks(values)?)),
            Variable::DstIp => Ok(Test::Server(networks(values)?)),
            Variable::Url | Variable::UrlHost => self.sites(variable, values, condition),
            Variable::User => {
                Ok(Test::User { names: values.words(), groups: self.members(values)? })
            }
            Variable::UserDomain => Ok(Test::Domain(values.words())),
            Variable::UserGroup => {
                let names = values.words();
                let mut groups = self.members(values)?;
                let named = |name: &str| self.added_group(name).map_or(0, |bit| 1_u64 << bit);
                groups.added = names.iter().fold(0, |all, name| all | named(name));
                let file = names.iter().filter_map(|name| self.surroundings.groups.group(name));
                groups.file = sorted(file.chain(groups.file.iter().copied()).collect());
                Ok(Test::Group { names, groups })
            }
            Variable::ContentType => {
                let patterns =
                    values.each(|text| Pattern::parse(text).map_err(|fault| fault.to_string()))?;
                Ok(Test::Type(patterns.into()))
            }
            Variable::UrlCategory => categories(values),
            Variable::ThreatCategory => threat_kinds(values),
            Variable::Threat => Ok(Test::Threat(values.words())),
            Variable::Scan | Variable::Release | Variable::NextServices => {
                Err(only_set(variable, condition.at))
            }
        }
    }

    fn sites(
        &mut self,
        variable: Variable,
        values: &Values<'_>,
        condition: &ConditionText,
    ) -> Result<Test, Trouble> {
        let mut lists = Lists::default();
        for (reference, at) in &values.references {
            match reference {
                Reference::BlackList => lists.black = true,
                Reference::WhiteList => lists.white = true,
                Reference::AdList => lists.ads = true,
                Reference::BlockCategory
                | Reference::BlockThreat
                | Reference::FileGroup(_)
                | Reference::DirectoryGroup(_) => {
                    return Err(Trouble::new(*at, "this is no set of sites").remedy(
                        "sets of sites are \"ICAPD.BlackList\", \"ICAPD.WhiteList\" and \"ICAPD.AdList\"",
                    ));
                }
            }
        }
        if values.texts.is_empty() {
            return Ok(Test::Sites { set: None, lists });
        }
        let mut list = List::default();
        for (text, at) in &values.texts {
            list.add(text).map_err(|fault| Trouble::new(*at, format!("\"{text}\": {fault}")))?;
            let has_path = list.entries.last().is_some_and(|entry| !entry.path.is_empty());
            if has_path && variable == Variable::UrlHost {
                return Err(Trouble::new(*at, format!("\"{text}\" is more than a host"))
                    .remedy("write url in place of url_host"));
            }
        }
        let set = self.index.add(list).ok_or_else(|| {
            let message =
                format!("rules can have {SETS_MAX} sets of sites with {ENTRIES_MAX} entries");
            Trouble::new(condition.at, message)
        })?;
        Ok(Test::Sites { set: Some(set), lists })
    }

    fn members(&self, values: &Values<'_>) -> Result<Members, Trouble> {
        let mut file = Vec::new();
        let mut directory = Vec::new();
        for (reference, at) in &values.references {
            match reference {
                Reference::FileGroup(name) => match self.surroundings.groups.group(name) {
                    Some(group) => file.push(group),
                    // Without files, only the rules themselves are checked.
                    None if self.surroundings.files.is_none() => {}
                    None => {
                        let trouble =
                            Trouble::new(*at, format!("the group file has no group \"{name}\""));
                        let near = nearest(name, self.surroundings.groups.names());
                        return Err(match near {
                            Some(near) => trouble.remedy(format!("did you mean {near}?")),
                            None => trouble.remedy("the group file is [LookupD] Groups"),
                        });
                    }
                },
                Reference::DirectoryGroup(name) if self.surroundings.directory => {
                    directory.push(name.clone());
                }
                Reference::DirectoryGroup(_) => {
                    return Err(Trouble::new(*at, "there is no directory to ask for groups")
                        .remedy("write \"FILE@group\" and name the groups in [LookupD] Groups"));
                }
                Reference::BlackList
                | Reference::WhiteList
                | Reference::AdList
                | Reference::BlockCategory
                | Reference::BlockThreat => {
                    return Err(Trouble::new(*at, "this is no set of users")
                        .remedy("sets of users are \"FILE@group\" and \"LDAP@group\""));
                }
            }
        }
        Ok(Members { file: sorted(file), directory: Words::new(directory), added: 0 })
    }

    fn matching(&self, condition: &ConditionText) -> Result<Test, Trouble> {
        let subject = match condition.variable {
            Variable::Url => Subject::Url,
            Variable::UrlHost => Subject::Host,
            Variable::Method => Subject::Method,
            Variable::User => Subject::User,
            Variable::UserDomain => Subject::Domain,
            Variable::ContentType => Subject::Type,
            Variable::Threat => Subject::Threat,
            other if other.example().is_some() => return Err(only_set(other, condition.at)),
            other => {
                return Err(Trouble::new(
                    condition.at,
                    format!("{} is no text: regular expressions do not fit", other.name()),
                )
                .remedy(format!("write {} in (…)", other.name())));
            }
        };
        let values = self.values(condition)?;
        if let Some((_, at)) = values.references.first() {
            return Err(Trouble::new(*at, "this set has no regular expressions").remedy("write in"));
        }
        let patterns: Vec<&str> = values.texts.iter().map(|(text, _)| text.as_ref()).collect();
        let patterns = value::regexes(&patterns).map_err(|(place, why)| {
            let at =
                place.and_then(|place| values.texts.get(place)).map_or(condition.at, |(_, at)| *at);
            Trouble::new(at, why)
        })?;
        Ok(Test::Matches { subject, patterns })
    }
}

impl Values<'_> {
    fn words(&self) -> Words {
        Words::new(self.texts.iter().map(|(text, _)| text.clone()).collect())
    }

    /// Reads each value; what is wrong with one is said at its place.
    fn each<T>(&self, mut read: impl FnMut(&str) -> Result<T, String>) -> Result<Vec<T>, Trouble> {
        let read_one =
            |(text, at): &(Box<str>, Span)| read(text).map_err(|why| Trouble::new(*at, why));
        self.texts.iter().map(read_one).collect()
    }
}

fn read(source: &RuleSource) -> Result<Vec<RuleText>, RuleFault> {
    let said = |trouble: Trouble| trouble.in_source(&source.name, &source.text);
    if source.text.len() > SOURCE_BYTES_MAX {
        let message = format!("more than {SOURCE_BYTES_MAX} bytes of rules");
        return Err(said(
            Trouble::new(Span::default(), message)
                .remedy("put long sets into files of their own: @/path/to/file"),
        ));
    }
    let tokens = tokens(&source.text).map_err(said)?;
    parse(&tokens).map_err(said)
}

pub(super) fn named_files(source: &RuleSource) -> Result<Vec<Box<str>>, RuleFault> {
    let rules = read(source)?;
    let conditions = rules.into_iter().flat_map(|rule| rule.conditions);
    let items = conditions.flat_map(|condition| condition.items);
    let files = items.filter_map(|item| match item.kind {
        ItemKind::File(path) => Some(path),
        ItemKind::Value(_) | ItemKind::Reference(_) => None,
    });
    Ok(files.collect())
}

/// Whether a condition finds something that a page can name.
const fn finds(test: &Test) -> bool {
    match test {
        Test::Sites { lists, .. } => lists.black || lists.ads,
        Test::Category { .. } => true,
        other => other.is_of_threat(),
    }
}

fn reason_of(reason: &super::syntax::ReasonText, found: Option<usize>) -> Result<Reason, Trouble> {
    if reason.quoted {
        if reason.text.chars().count() > REASON_LETTERS_MAX {
            let message = format!("a reason can have {REASON_LETTERS_MAX} characters");
            return Err(Trouble::new(reason.at, message));
        }
        return Ok(Reason::Text(reason.text.clone()));
    }
    let is = |name: &str| reason.text.eq_ignore_ascii_case(name);
    if is("BlackList") {
        return Ok(Reason::BlackList);
    }
    if is("AdList") {
        return Ok(Reason::AdList);
    }
    if is("_match") {
        return found.map(Reason::Match).ok_or_else(|| {
            Trouble::new(reason.at, "no condition of this rule finds something to name").remedy(
                "_match needs a condition about url_category, threat_category, threat, or a list of the settings",
            )
        });
    }
    Category::named(&reason.text).map(Reason::Category).ok_or_else(|| {
        let mut names = vec!["BlackList", "AdList", "_match"];
        names.extend(Category::ALL.map(Category::name));
        Trouble::new(reason.at, format!("\"{}\" is no reason", reason.text))
            .remedy(format!("{}; or a text in quotes", advice(&reason.text, &names)))
    })
}

fn category(name: &str, at: Span) -> Result<Category, Trouble> {
    Category::named(name).ok_or_else(|| {
        Trouble::new(at, format!("there is no category \"{name}\""))
            .remedy(advice(name, &Category::ALL.map(Category::name)))
    })
}

fn categories(values: &Values<'_>) -> Result<Test, Trouble> {
    let mut named = Categories::NONE;
    let mut blocked = false;
    for (text, at) in &values.texts {
        named = named.with(category(text, *at)?);
    }
    for (reference, at) in &values.references {
        match reference {
            Reference::BlockCategory => blocked = true,
            _ => {
                return Err(Trouble::new(*at, "this is no set of categories")
                    .remedy("write \"ICAPD.BlockCategory\" for all that are switched on"));
            }
        }
    }
    Ok(Test::Category { named, blocked })
}

fn threat_kinds(values: &Values<'_>) -> Result<Test, Trouble> {
    let mut named = ThreatKinds::NONE;
    let mut blocked = false;
    for (text, at) in &values.texts {
        let kind = ThreatKind::named(text).ok_or_else(|| {
            Trouble::new(*at, format!("there is no threat category \"{text}\""))
                .remedy(advice(text, &ThreatKind::ALL.map(ThreatKind::name)))
        })?;
        named = named.with(kind);
    }
    for (reference, at) in &values.references {
        match reference {
            Reference::BlockThreat => blocked = true,
            _ => {
                return Err(Trouble::new(*at, "this is no set of threat categories")
                    .remedy("write \"ICAPD.BlockThreat\" for all that are switched on"));
            }
        }
    }
    Ok(Test::ThreatKind { named, blocked })
}

fn directions(values: &Values<'_>) -> Result<Test, Trouble> {
    let (mut request, mut response) = (false, false);
    for (text, at) in &values.texts {
        let is = |direction: Direction| text.eq_ignore_ascii_case(direction.name());
        if is(Direction::Request) {
            request = true;
        } else if is(Direction::Response) {
            response = true;
        } else {
            return Err(Trouble::new(*at, format!("there is no direction \"{text}\""))
                .remedy(advice(text, &["request", "response"])));
        }
    }
    Ok(Test::Direction { request, response })
}

fn protocols(values: &Values<'_>) -> Result<Test, Trouble> {
    let mut bits = 0;
    for (text, at) in &values.texts {
        let named = PROTOCOLS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
        let (_, scheme) = named.ok_or_else(|| {
            Trouble::new(*at, format!("there is no protocol \"{text}\""))
                .remedy(advice(text, &PROTOCOLS.map(|(name, _)| name)))
        })?;
        bits |= protocol_bit(*scheme);
    }
    Ok(Test::Protocol(bits))
}

fn networks(values: &Values<'_>) -> Result<Networks, Trouble> {
    let ranges =
        values.each(|text| Range::parse(text).map_err(|why| format!("\"{text}\": {why}")))?;
    Ok(Networks::new(ranges))
}

fn comparison(condition: &ConditionText) -> Result<Test, Trouble> {
    let is_greater = condition.relation == Relation::Greater;
    let item = condition.items.first();
    let Some(item) = item else { return Err(Trouble::new(condition.at, "a value is missing")) };
    let text = single(item)?;
    match condition.variable {
        Variable::Size => {
            let size = value::size(text)
                .map_err(|why| Trouble::new(item.at, format!("\"{text}\": {why}")))?;
            let test = if is_greater { SizeTest::Greater(size) } else { SizeTest::Less(size) };
            Ok(Test::Size(test))
        }
        Variable::Time => {
            let minute = minute(text).map_err(|why| Trouble::new(item.at, why))?;
            Ok(if is_greater { Test::TimeAfter(minute) } else { Test::TimeBefore(minute) })
        }
        other if other.example().is_some() => Err(only_set(other, condition.at)),
        other => Err(Trouble::new(
            condition.at,
            format!("{} has no order: gt and lt do not fit", other.name()),
        )
        .remedy("gt and lt are for size and time")),
    }
}

fn only_set(variable: Variable, at: Span) -> Trouble {
    let (name, example) = (variable.name(), variable.example().unwrap_or_default());
    Trouble::new(at, format!("{name} is no fact: it can only be set"))
        .remedy(format!("write it as an action: SET {name} = {example}"))
}

fn sorted(mut groups: Vec<u32>) -> Box<[u32]> {
    groups.sort_unstable();
    groups.dedup();
    groups.into()
}

/// The one value of an item.
fn single(item: &Item) -> Result<&str, Trouble> {
    match &item.kind {
        ItemKind::Value(text) => Ok(text),
        ItemKind::File(_) | ItemKind::Reference(_) => {
            Err(Trouble::new(item.at, "a single value is wanted here, not a set"))
        }
    }
}

fn switch(word: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|one| word.eq_ignore_ascii_case(one));
    if is(["Yes", "On", "True"]) { Some(true) } else { is(["No", "Off", "False"]).then_some(false) }
}

/// The words for protocols.
const PROTOCOLS: [(&str, Scheme); 4] = [
    ("http", Scheme::Http),
    ("https", Scheme::Https),
    ("ftp", Scheme::Ftp),
    ("other", Scheme::Other),
];

/// Groups that rules add: a bit each.
const ADDED_GROUPS_MAX: usize = 64;

/// Different plans of next services.
const PLANS_MAX: usize = 1000;

/// A reason is shown on a page and in a header.
const REASON_LETTERS_MAX: usize = 200;
