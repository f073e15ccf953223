//! A decision allocates nothing: counted by an allocator that counts.

use std::fmt::Write as _;

use baleen::policy::{Facts, Moment, Options, Outcome, Policy, RuleSource, UrlParts};

/// Two hundred rules as a school might have them: sets of sites, users, networks, times.
fn rules() -> String {
    let mut rules = String::new();
    for number in 0..200 {
        let rule = match number % 5 {
            0 => format!("url_host in (a{number}.example, b{number}.example) : BLOCK as Gambling"),
            1 => format!(
                "user in (user{number}, \"FILE@staff\"), url_host in (c{number}.example) : PASS"
            ),
            2 => format!("src_ip in (10.{number}.0.0/16), method POST : BLOCK as \"no uploads\""),
            3 => format!("time in (Mon-Fri 08:00-12:00), url in (d{number}.example/games) : BLOCK"),
            _ => format!("url_category in (Jobs), user_group in (group{number}) : BLOCK as _match"),
        };
        writeln!(rules, "{rule}").expect("a string");
    }
    rules
}

#[test]
fn a_decision_with_two_hundred_rules_allocates_nothing() {
    let options = Options {
        rules: vec![RuleSource { name: "rules".into(), text: rules() }],
        groups: "staff: anna, bert".to_owned(),
        ..Options::default()
    };
    let policy = Policy::compile(options).expect("good rules");
    assert_eq!(policy.rules().len(), 204);
    for (target, want) in [
        ("http://www.somewhere.example/a/path?with=a&query", "go"),
        ("http://www.a100.example/", "block"),
        ("http://c101.example/", "pass"),
        ("http://d103.example/games/1", "block"),
    ] {
        let url = UrlParts::of(b"GET", target.as_bytes(), None).expect("an address");
        let facts = Facts {
            method: b"GET",
            url: Some(&url),
            user: "anna@example.com",
            moment: Moment::new(0, 9 * 60),
            client: Some([192, 0, 2, 1].into()),
            ..Facts::NOTHING
        };
        let mut said = "";
        let counted = allocation_counter::measure(|| {
            said = match policy.decide(&facts, &mut ()) {
                Outcome::Go(way) if way.rule.is_some() => "pass",
                Outcome::Go(_) => "go",
                Outcome::Block(_) => "block",
                Outcome::Ask(_) | Outcome::Unanswered(_) => "ask",
            };
        });
        assert_eq!(said, want, "{target}");
        assert_eq!(counted.count_total, 0, "{target}: {counted:?}");
    }
}

/// The counter counts, or the test above says nothing.
#[test]
fn what_allocates_is_counted() {
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(counted.count_total, 1);
}
