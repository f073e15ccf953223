//! Passing over rules that cannot apply changes nothing: not the outcome, not the state, not the counters.
//!
//! The oracle is the same decision in front of a witness, which tries every rule in order.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::decide::{atlas, list};
use crate::policy::{
    AdExpressions, Categories, Category, Direction, Directory, Facts, Moment, Options, Policy,
    Reputation, RuleSource, Story, Unanswered, UrlParts,
};

const CONDITIONS: [&str; 42] = [
    "direction request",
    "direction not in (request)",
    "protocol in (http, ftp)",
    "protocol not in (https)",
    "weekday in (Sat, Sun)",
    "weekday not in (Mon)",
    "time in (Mon-Fri 08:00-12:00)",
    "time not in (22:00-06:00)",
    "time gt 12:00",
    "time lt 09:30",
    "size gt 1KB",
    "size lt 1KB",
    "method in (POST, put)",
    "method not in (GET)",
    "src_ip in (10.0.0.0/8)",
    "src_ip in (10.0.0.7, 10.0.0.8-10.0.0.20, 2001:db8::/32)",
    "src_ip not in (10.0.0.0/24, 192.0.2.0/24)",
    "dst_ip in (192.0.2.1)",
    "dst_ip not in (192.0.2.0/25)",
    "url_host in (casino.example, both.example)",
    "url_host not in (casino.example)",
    "url in (other.example/a, white.example)",
    "url not in (other.example/a/b)",
    "url in (\"ICAPD.BlackList\", other.example)",
    "url in \"ICAPD.WhiteList\"",
    "url not in \"ICAPD.WhiteList\"",
    "url in \"ICAPD.AdList\"",
    "user in (anna, BERT@example.com, \u{414}\u{43c}\u{438}\u{442}\u{440}\u{438}\u{439})",
    "user not in (anna)",
    "user in (\"FILE@staff\", carl)",
    "user not in \"FILE@staff\"",
    "user in \"LDAP@admins\"",
    "user_domain in (example.com)",
    "user_domain not in (EXAMPLE)",
    "user_group in (staff, added)",
    "user_group not in (guests)",
    "content_type in (\"text/*\")",
    "url match \"/a/\"",
    "url_category in (Gambling)",
    "url_category not in (Jobs, Weapons)",
    "url_category in \"ICAPD.BlockCategory\"",
    "url_category in (Jobs, Weapons)",
];

const ACTIONS: [&str; 10] = [
    "PASS",
    "BLOCK",
    "BLOCK as \"words\"",
    "BLOCK as Gambling",
    "SET scan = No",
    "SET scan = Yes",
    "ADD user_group = added",
    "SET user_group = guests",
    "ADD url_category = Weapons",
    "SET url_category = Jobs",
];

const USERS: [&str; 8] = [
    "",
    "anna",
    "Anna@example.com",
    "EXAMPLE\\bert",
    "bert@example.com",
    "carl",
    "\u{434}\u{43c}\u{438}\u{442}\u{440}\u{438}\u{439}",
    "EXAMPLE/guest",
];

const ADDRESSES: [&str; 9] = [
    "http://www.casino.example/",
    "https://both.example/x",
    "http://other.example/a/b?c",
    "ftp://other.example/",
    "http://white.example/a/",
    "http://black.example/",
    "http://ads.example/",
    "http://10.0.0.7/a",
    "gopher://nowhere.example/",
];

prop_compose! {
    /// A rule; few of them change state, or the rules behind would never see plain facts.
    fn rule()(
        conditions in vec(select(&CONDITIONS[..]), 1..4),
        action in prop_oneof![4 => 0_usize..6, 1 => 6_usize..ACTIONS.len()],
    ) -> String {
        format!("{} : {}", conditions.join(", "), ACTIONS[action])
    }
}

#[derive(Clone, Debug)]
struct Given {
    address: Option<&'static str>,
    user: &'static str,
    client: Option<IpAddr>,
    moment: Moment,
    direction: Direction,
    method: &'static str,
    size: Option<u64>,
    reputation: Reputation,
    directory: u8,
}

fn given() -> impl Strategy<Value = Given> {
    let client = prop_oneof![
        Just(None),
        (0_u8..30).prop_map(|last| Some(IpAddr::from([10, 0, 0, last]))),
        Just(Some(IpAddr::from([192, 0, 2, 200]))),
        Just("2001:db8::5".parse().ok()),
    ];
    let reputation = prop_oneof![
        Just(Reputation::Unasked),
        Just(Reputation::Unknown),
        Just(Reputation::NoAnswer),
        Just(Reputation::Known(Categories::NONE.with(Category::Gambling))),
    ];
    (
        prop_oneof![9 => select(&ADDRESSES[..]).prop_map(Some), 1 => Just(None)],
        select(&USERS[..]),
        client,
        (0_u16..10_080).prop_map(Moment::of_minute),
        select(&[Direction::Request, Direction::Response][..]),
        select(&["GET", "POST", "Put", ""][..]),
        select(&[None, Some(10), Some(10_000)][..]),
        reputation,
        0_u8..3,
    )
        .prop_map(
            |(address, user, client, moment, direction, method, size, reputation, directory)| {
                Given {
                    address,
                    user,
                    client,
                    moment,
                    direction,
                    method,
                    size,
                    reputation,
                    directory,
                }
            },
        )
}

fn policy(rules: &[String], switches: [bool; 3]) -> Policy {
    let [directory, reputation, strict] = switches;
    let mut rules = rules.join("\n");
    if !directory {
        rules = rules.replace("LDAP@admins", "FILE@staff");
    }
    let mut ads = AdExpressions::default();
    ads.add("^ads\\.").expect("an expression");
    let options = Options {
        black: list(&["black.example", "other.example/a/b"]),
        white: list(&["white.example", "both.example"]),
        rules: vec![RuleSource { name: "rules".into(), text: rules }],
        blocked_categories: Categories::NONE.with(Category::Gambling).with(Category::Weapons),
        ads,
        groups: "staff: anna, EXAMPLE\\bert\nguests: guest, carl\n".to_owned(),
        directory,
        reputation,
        unanswered: if strict { Unanswered::Block } else { Unanswered::Pass },
        ..Options::default()
    };
    let policy = Policy::compile(options).unwrap_or_else(|fault| panic!("{fault}"));
    policy.with_database(Some(std::sync::Arc::new(atlas())))
}

fn hits(policy: &Policy) -> Vec<u64> {
    policy.rules().views().iter().map(|rule| rule.hits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 400 }))]

    #[test]
    fn passing_over_rules_changes_nothing(
        rules in vec(rule(), 0..90),
        switches in any::<[bool; 3]>(),
        messages in vec(given(), 1..24),
    ) {
        let (screened, plain) = (policy(&rules, switches), policy(&rules, switches));
        let groups: [Box<str>; 2] = ["admins".into(), "guests".into()];
        for given in &messages {
            let url = given.address.map(|address| {
                UrlParts::of(b"GET", address.as_bytes(), None).expect("an address")
            });
            let facts = Facts {
                direction: given.direction,
                method: given.method.as_bytes(),
                url: url.as_ref(),
                client: given.client,
                server: Some([192, 0, 2, 1].into()),
                user: given.user,
                content_type: b"text/html; charset=utf-8",
                size: given.size,
                moment: given.moment,
                reputation: given.reputation,
                directory: match given.directory {
                    0 => Directory::Unasked,
                    1 => Directory::NoAnswer,
                    _ => Directory::Groups(&groups),
                },
                counted: 0,
            };
            let want = format!("{:?}", plain.decide(&facts, &mut Story::default()));
            prop_assert_eq!(format!("{:?}", screened.decide(&facts, &mut ())), want, "{:?}", given);
            prop_assert_eq!(hits(&screened), hits(&plain), "{:?}", given);
        }
    }
}

/// More rules than one word has bits, each for one user, and what is in between.
#[test]
fn a_rule_behind_many_others_is_found() {
    let rules: Vec<String> = (0..1_000)
        .map(|number| {
            format!("user in (user{number}), src_ip in (10.0.{}.0/24) : BLOCK", number % 200)
        })
        .collect();
    let policy = policy(&rules, [false; 3]);
    for number in [0_u8, 63, 64, 127, 128, 199] {
        let user = format!("user{number}@example.com");
        let decided = |client: [u8; 4]| {
            let facts = Facts { user: &user, client: Some(client.into()), ..Facts::NOTHING };
            format!("{:?}", policy.decide(&facts, &mut ()))
        };
        assert!(decided([10, 0, number, 9]).contains(&format!("Block {{ rule: {number},")));
        assert!(decided([10, 1, number, 9]).starts_with("Go"));
    }
    assert_eq!(hits(&policy).iter().sum::<u64>(), 6);
}
