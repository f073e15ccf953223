//! What a decision costs: two hundred rules, and an address that none of them knows.
//!
//! Each case has an answer that is checked before the clock starts.

use std::fmt::Write as _;
use std::hint::black_box;

use baleen::policy::{Facts, Moment, Options, Outcome, Policy, RuleSource, UrlParts};
use criterion::{Criterion, criterion_group, criterion_main};

/// Rules of one kind after the other; `count` of them.
fn rules(count: usize) -> String {
    let mut rules = String::new();
    for number in 0..count {
        let rule = match number % 5 {
            0 => format!("url_host in (a{number}.example, b{number}.example) : BLOCK as Gambling"),
            1 => format!(
                "user in (user{number}, otto{number}), url_host in (c{number}.example) : PASS"
            ),
            2 => format!(
                "src_ip in (10.{}.0.0/16), method POST : BLOCK as \"no uploads\"",
                number % 256
            ),
            3 => format!("time in (Mon-Fri 08:00-12:00), url in (d{number}.example/games) : BLOCK"),
            _ => format!("url_category in (Jobs), user in (eve{number}) : BLOCK as _match"),
        };
        writeln!(rules, "{rule}").expect("a string");
    }
    rules
}

fn policy(count: usize) -> Policy {
    let source = RuleSource { name: "bench".into(), text: rules(count) };
    Policy::compile(Options { rules: vec![source], ..Options::default() }).expect("good rules")
}

fn decisions(criterion: &mut Criterion) {
    let target = b"http://www.somewhere.example/a/path?with=a&query";
    let url = UrlParts::of(b"GET", target, None).expect("an address");
    let facts = Facts {
        method: b"GET",
        url: Some(&url),
        user: "anna@example.com",
        client: Some([192, 0, 2, 1].into()),
        moment: Moment::new(0, 9 * 60),
        ..Facts::NOTHING
    };
    for count in [0, 20, 200, 2000] {
        let policy = policy(count);
        assert!(matches!(policy.decide(&facts, &mut ()), Outcome::Go(_)), "no rule fits");
        criterion.bench_function(&format!("decide/{count}-rules"), |bencher| {
            bencher.iter(|| policy.decide(black_box(&facts), &mut ()));
        });
    }
}

criterion_group!(benches, decisions);
criterion_main!(benches);
