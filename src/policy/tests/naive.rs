//! Rules evaluated a second time, by code that knows nothing of the first: no index, no order of cost, no bits.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{select, subsequence};

use crate::policy::{
    Categories, Category, Defaults, Direction, Facts, Moment, Options, Outcome, Policy, RuleSource,
    UrlParts,
};

const HOSTS: [&str; 6] =
    ["a.example", "b.a.example", "c.b.a.example", "xa.example", "example", "10.0.0.1"];
const PATHS: [&str; 5] = ["/", "/x", "/x/y", "/xy", "/x?y"];
const USERS: [&str; 5] = ["", "anna", "ANNA@one.example", "bert@two.example", "TWO\\anna"];
const NAMES: [&str; 4] = ["anna", "bert", "anna@one.example", "otto"];
const CATEGORIES: [Category; 3] = [Category::Jobs, Category::Gambling, Category::Chats];
const METHODS: [&str; 3] = ["GET", "POST", "CONNECT"];

#[derive(Clone, Debug)]
enum Condition {
    Direction(bool),
    Method(Vec<&'static str>),
    /// Host and path of each entry.
    Url(Vec<(&'static str, &'static str)>),
    Host(Vec<&'static str>),
    Source(Vec<(u8, u8)>),
    User(Vec<&'static str>),
    SizeOver(u64),
    SizeUnder(u64),
    /// First day, last day, first minute, end.
    Time(Vec<(usize, usize, u16, u16)>),
    Category(Vec<Category>),
}

#[derive(Clone, Debug)]
enum Action {
    Pass,
    Block,
    Scan(bool),
    Add(Category),
    Set(Category),
}

#[derive(Clone, Debug)]
struct Rule {
    conditions: Vec<(bool, Condition)>,
    actions: Vec<Action>,
}

#[derive(Clone, Debug)]
struct Case {
    host: &'static str,
    path: &'static str,
    method: &'static str,
    response: bool,
    source: Option<u8>,
    user: &'static str,
    size: Option<u64>,
    weekday: u8,
    minute: u16,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl Condition {
    fn text(&self, negated: bool) -> String {
        let relation = if negated { "not in" } else { "in" };
        let set = |items: Vec<String>| format!("{relation} ({})", items.join(", "));
        match self {
            Self::Direction(response) => {
                format!(
                    "direction {}",
                    set(vec![if *response { "response" } else { "request" }.to_owned()])
                )
            }
            Self::Method(names) => {
                format!("method {}", set(names.iter().map(|name| name.to_lowercase()).collect()))
            }
            Self::Url(entries) => format!(
                "url {}",
                set(entries.iter().map(|(host, path)| format!("{host}{path}")).collect())
            ),
            Self::Host(hosts) => {
                format!("url_host {}", set(hosts.iter().map(|&host| host.to_owned()).collect()))
            }
            Self::Source(ranges) => format!(
                "src_ip {}",
                set(ranges.iter().map(|(from, to)| format!("10.0.0.{from}-10.0.0.{to}")).collect())
            ),
            Self::User(names) => {
                format!("user {}", set(names.iter().map(|name| format!("\"{name}\"")).collect()))
            }
            Self::SizeOver(size) => format!("size gt {size}"),
            Self::SizeUnder(size) => format!("size lt {size}"),
            Self::Time(times) => format!(
                "time {}",
                set(times
                    .iter()
                    .map(|(first, last, start, end)| format!(
                        "{}-{} {:02}:{:02}-{:02}:{:02}",
                        DAYS[*first],
                        DAYS[*last],
                        start / 60,
                        start % 60,
                        end / 60,
                        end % 60
                    ))
                    .collect())
            ),
            Self::Category(names) => format!(
                "url_category {}",
                set(names.iter().map(|name| name.snake_name().to_owned()).collect())
            ),
        }
    }

    /// Whether it holds, without its negation.
    fn holds(&self, case: &Case, categories: &[Category]) -> Option<bool> {
        Some(match self {
            Self::Direction(response) => case.response == *response,
            Self::Method(names) => names.contains(&case.method),
            Self::Url(entries) => {
                entries.iter().any(|(host, path)| below(case.host, host) && begins(case.path, path))
            }
            Self::Host(hosts) => hosts.iter().any(|host| below(case.host, host)),
            Self::Source(ranges) => case.source.is_some_and(|source| {
                ranges.iter().any(|&(from, to)| from <= source && source <= to)
            }),
            Self::User(names) => names.iter().any(|name| is_user(case.user, name)),
            Self::SizeOver(size) => case.size? > *size,
            Self::SizeUnder(size) => case.size? < *size,
            Self::Time(times) => times.iter().any(|time| in_time(case, *time)),
            Self::Category(names) => names.iter().any(|name| categories.contains(name)),
        })
    }

    const fn may_be_negated(&self) -> bool {
        !matches!(self, Self::SizeOver(_) | Self::SizeUnder(_))
    }
}

fn below(host: &str, entry: &str) -> bool {
    let is_number = host.starts_with("10.");
    host == entry || (!is_number && host.ends_with(&format!(".{entry}")))
}

fn begins(path: &str, entry: &str) -> bool {
    if entry == "/" {
        return true;
    }
    let border = |rest: &str| rest.is_empty() || rest.starts_with(['/', '?']);
    path.strip_prefix(entry).is_some_and(border)
}

fn is_user(user: &str, name: &str) -> bool {
    let user = user.to_lowercase();
    let bare = user.split(['@']).next().unwrap_or_default();
    let bare = bare.rsplit('\\').next().unwrap_or_default();
    !user.is_empty() && (user == name || bare == name)
}

fn in_time(case: &Case, (first, last, start, end): (usize, usize, u16, u16)) -> bool {
    // Each day's span is walked minute by minute; spans that end before they begin go into the next day.
    let mut day = first;
    loop {
        let mut at = start;
        let mut on = day;
        loop {
            if on == usize::from(case.weekday) && at == case.minute {
                return true;
            }
            at += 1;
            if at == 1440 && end != 1440 {
                (at, on) = (0, (on + 1) % 7);
            }
            if at == end {
                break;
            }
        }
        if day == last {
            return false;
        }
        day = (day + 1) % 7;
    }
}

impl Rule {
    fn text(&self) -> String {
        let mut text = String::new();
        for (number, (negated, condition)) in self.conditions.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            let negated = *negated && condition.may_be_negated();
            write!(text, "{comma}{}", condition.text(negated)).expect("a string");
        }
        text.push_str(if self.conditions.is_empty() { "" } else { " : " });
        let actions = self.actions.iter().map(|action| match action {
            Action::Pass => "PASS".to_owned(),
            Action::Block => "BLOCK".to_owned(),
            Action::Scan(on) => format!("SET scan = {}", if *on { "Yes" } else { "No" }),
            Action::Add(category) => format!("ADD url_category = {category}"),
            Action::Set(category) => format!("SET url_category = {category}"),
        });
        text.push_str(&actions.collect::<Vec<_>>().join(", "));
        text
    }
}

/// What the rules say, told the slow way.
fn naive(rules: &[Rule], case: &Case) -> String {
    let mut categories = Vec::new();
    let mut scanned = true;
    for (number, rule) in rules.iter().enumerate() {
        let applies = rule.conditions.iter().all(|(negated, condition)| {
            let negated = *negated && condition.may_be_negated();
            condition.holds(case, &categories).is_some_and(|holds| holds != negated)
        });
        if !applies {
            continue;
        }
        for action in &rule.actions {
            match action {
                Action::Pass => return format!("pass {number} {scanned}"),
                Action::Block => return format!("block {number}"),
                Action::Scan(on) => scanned = *on,
                Action::Add(category) => categories.push(*category),
                Action::Set(category) => categories = vec![*category],
            }
        }
    }
    format!("go {scanned}")
}

fn real(rules: &[Rule], case: &Case) -> String {
    let text = rules.iter().map(Rule::text).collect::<Vec<_>>().join("\n");
    let options = Options {
        rules: vec![RuleSource { name: "rules".into(), text: text.clone() }],
        defaults: Defaults::LeaveOut,
        blocked_categories: Categories::NONE,
        ..Options::default()
    };
    let policy = Policy::compile(options).unwrap_or_else(|fault| panic!("{text}\n{fault}"));
    let target = format!("http://{}{}", case.host, case.path);
    let url = UrlParts::of(b"GET", target.as_bytes(), None).expect("an address");
    let facts = Facts {
        direction: if case.response { Direction::Response } else { Direction::Request },
        method: case.method.as_bytes(),
        url: Some(&url),
        client: case.source.map(|last| Ipv4Addr::new(10, 0, 0, last).into()),
        user: case.user,
        size: case.size,
        moment: Moment::new(case.weekday, case.minute),
        ..Facts::NOTHING
    };
    match policy.decide(&facts, &mut ()) {
        Outcome::Go(way) => match way.rule {
            Some(rule) => format!("pass {rule} {}", !way.state.unscanned),
            None => format!("go {}", !way.state.unscanned),
        },
        Outcome::Block(block) => format!("block {}", block.rule),
        other => format!("{other:?}"),
    }
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    subsequence(of.to_vec(), 1..=of.len())
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        any::<bool>().prop_map(Condition::Direction),
        some(&METHODS).prop_map(Condition::Method),
        vec((select(&HOSTS[..]), select(&PATHS[..])), 1..3).prop_map(Condition::Url),
        some(&HOSTS).prop_map(Condition::Host),
        vec((0_u8..20, 0_u8..20), 1..3).prop_map(|ranges| {
            Condition::Source(ranges.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect())
        }),
        some(&NAMES).prop_map(Condition::User),
        (0_u64..4).prop_map(Condition::SizeOver),
        (0_u64..4).prop_map(Condition::SizeUnder),
        vec((0_usize..7, 0_usize..7, 0_u16..1440, 0_u16..=1440), 1..3).prop_map(Condition::Time),
        some(&CATEGORIES).prop_map(Condition::Category),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => Just(Action::Pass),
        2 => Just(Action::Block),
        1 => any::<bool>().prop_map(Action::Scan),
        2 => select(&CATEGORIES[..]).prop_map(Action::Add),
        1 => select(&CATEGORIES[..]).prop_map(Action::Set),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    (vec((any::<bool>(), condition()), 0..4), vec(action(), 1..3))
        .prop_map(|(conditions, actions)| Rule { conditions, actions })
}

fn case() -> impl Strategy<Value = Case> {
    let address = (select(&HOSTS[..]), select(&PATHS[..]), select(&METHODS[..]), any::<bool>());
    let who = (proptest::option::of(0_u8..20), select(&USERS[..]));
    let rest = (proptest::option::of(0_u64..5), 0_u8..7, 0_u16..1440);
    (address, who, rest).prop_map(|(address, who, rest)| Case {
        host: address.0,
        path: address.1,
        method: address.2,
        response: address.3,
        source: who.0,
        user: who.1,
        size: rest.0,
        weekday: rest.1,
        minute: rest.2,
    })
}

proptest! {
    #[test]
    fn rules_decide_as_the_naive_reading_of_them(rules in vec(rule(), 0..8), cases in vec(case(), 1..8)) {
        for case in cases {
            prop_assert_eq!(real(&rules, &case), naive(&rules, &case), "{:?}", case);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z_ :,()\"@\\\\.0-9=\n#-]{0,80}") {
        let source = RuleSource { name: "fuzz".into(), text };
        let _either = crate::policy::rules::check(&source);
    }
}
