//! What a whole decision costs: an address read from its text, looked up in lists and in the database of
//! categories, and tried against two hundred rules; with one and with ten million entries.
//!
//! | case | what |
//! | --- | --- |
//! | hit | `http://www.<host of a list>/index.html?x=1`: blocked by its category |
//! | miss | the same of a host that is on no list: goes on |
//! | path | a host some of whose paths are listed, at another path: goes on |
//! | odd path | the same spelled with dot segments, percent-encoding and capitals |
//! | exempt | a host of a list, asked for by a user whom a rule lets pass |
//!
//! A case goes through 65,536 different addresses, users and client addresses, so that nothing is found in
//! the caches of the last round. The clock is read around 64 decisions; told are the median and the 99th of
//! a hundred of such rounds, in nanoseconds a decision, and how often memory was allocated in all. Answers
//! are checked before they are timed. `cargo bench --profile quick --bench decision`; with `-- --test`
//! twenty thousand entries and one round, to see that it runs.

#![expect(clippy::print_stdout, reason = "figures are what this is for")]
#![expect(clippy::disallowed_methods, reason = "a clock is what this needs")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Cursor;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baleen::policy::category::{Builder, Database, Format};
use baleen::policy::{
    Categories, Category, Facts, List, Moment, Options, Outcome, Policy, RuleSource, UrlParts,
};

const LISTED: Categories = Categories::NONE.with(Category::Gambling);

const CASES: [(&str, &str); 5] =
    [("hit", "block"), ("miss", "go"), ("path", "go"), ("odd path", "go"), ("exempt", "pass")];

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let sizes = if is_test { [10_000, 20_000] } else { [1_000_000, 10_000_000] };
    println!(
        "{:>10} {:>10} {:>10} {:>10} {:>11}",
        "entries", "case", "median ns", "99th ns", "allocations"
    );
    for entries in sizes {
        let policy = policy(entries);
        for (case, want) in CASES {
            let messages = messages(case, entries);
            for message in &messages {
                assert_eq!(decided(&policy, message), want, "{case}: {}", message.url);
            }
            let rounds = if is_test { 1 } else { ROUNDS };
            let mut nanoseconds = Vec::with_capacity(messages.len() * rounds / BATCH);
            let counted = allocation_counter::measure(|| {
                for _ in 0..rounds {
                    for batch in messages.chunks_exact(BATCH) {
                        let start = Instant::now();
                        for message in batch {
                            black_box(decided(&policy, black_box(message)));
                        }
                        nanoseconds.push(start.elapsed().as_nanos() / BATCH as u128);
                    }
                }
            });
            nanoseconds.sort_unstable();
            let (median, last) =
                (nanoseconds[nanoseconds.len() / 2], nanoseconds[nanoseconds.len() * 99 / 100]);
            println!(
                "{entries:>10} {case:>10} {median:>10} {last:>10} {:>11}",
                counted.count_total
            );
            assert_eq!(counted.count_total, 0, "a decision allocates nothing");
        }
    }
}

/// A message as a proxy tells it.
struct Message {
    url: String,
    user: String,
    client: IpAddr,
}

fn decided(policy: &Policy, message: &Message) -> &'static str {
    let url = UrlParts::of(b"GET", message.url.as_bytes(), None).expect("an address");
    let facts = Facts {
        method: b"GET",
        url: Some(&url),
        user: &message.user,
        client: Some(message.client),
        moment: Moment::new(1, 10 * 60),
        ..Facts::NOTHING
    };
    match policy.decide(&facts, &mut ()) {
        Outcome::Go(way) if way.rule.is_some() => "pass",
        Outcome::Go(_) => "go",
        Outcome::Block(_) => "block",
        Outcome::Ask(_) | Outcome::Unanswered(_) => "ask",
    }
}

fn policy(entries: u64) -> Policy {
    let mut black = List::default();
    let mut white = List::default();
    for number in 0..BLACK {
        black.add(&format!("ads{number}.tracker{}.example", number % 97)).expect("an entry");
        white.add(&format!("partner{number}.example")).expect("an entry");
    }
    let options = Options {
        black,
        white,
        rules: vec![RuleSource { name: "bench".into(), text: rules() }],
        groups: groups(),
        blocked_categories: LISTED,
        ..Options::default()
    };
    let policy = Policy::compile(options).expect("good rules");
    assert_eq!(policy.rules().len(), 204, "two hundred, and those of the settings");
    policy.with_database(Some(Arc::new(database(entries))))
}

/// Two hundred rules as an administrator writes them: departments, machines, hours, sites, categories.
fn rules() -> String {
    let mut rules = String::new();
    for number in 0..200 {
        let rule = match number % 8 {
            0 => format!(
                "url_host in (a{number}.example, b{number}.example) : BLOCK as \"not at work\""
            ),
            1 => format!(
                "user in (user{number}, otto{number}), url_host in (c{number}.example) : PASS"
            ),
            2 => format!("src_ip in (10.{number}.0.0/16), method POST : BLOCK as \"no uploads\""),
            3 => format!("time in (Mon-Fri 08:00-12:00), url in (d{number}.example/games) : BLOCK"),
            4 => format!(
                "url_category in (Jobs), user in (eve{number}, adam{number}) : BLOCK as _match"
            ),
            5 => format!("user in (\"FILE@team{number}\"), url_category in (Gambling) : PASS"),
            6 => format!(
                "src_ip in (172.16.{number}.0/24), time in (Sat, Sun), url_category in (SocialNetworks) : BLOCK as _match"
            ),
            _ => format!(
                "user in (\"FILE@team{}\"), time in (Mon-Fri 12:00-13:00), url_category in (Chats, FreeEmail) : PASS",
                number - 2
            ),
        };
        writeln!(rules, "{rule}").expect("a string");
    }
    rules
}

fn groups() -> String {
    let mut groups = String::new();
    for team in 0..200 {
        writeln!(groups, "team{team}: boss{team}, worker{team}, helper{team}").expect("a string");
    }
    groups
}

/// The name of a host: three labels, as long as names of real lists are.
fn host(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let top = ["com", "net", "org", "info", "de", "ru", "fr", "xyz"][(number % 8) as usize];
    format!("{:x}.{:x}site.{top}", mixed % 251, mixed / 251)
}

fn database(entries: u64) -> Database {
    let mut builder = Builder::new();
    let mut list = builder.list("l/domains", LISTED, Format::Sites).expect("one list");
    for number in 0..entries {
        // One in twenty is a path, one in twenty an address.
        let line = match number % 20 {
            0 => format!("{}/download/{number:x}", host(number)),
            1 => format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255),
            _ => host(number),
        };
        list.line(line.as_bytes()).expect("there is room");
    }
    assert_eq!(list.finish().bad, 0);
    let mut image = Cursor::new(Vec::new());
    builder.write(0, &mut image).expect("memory can be written");
    Database::open(Arc::new(image.into_inner())).expect("what was built opens")
}

fn messages(case: &str, entries: u64) -> Vec<Message> {
    let one = |place: u64| {
        let number = place.wrapping_mul(2_654_435_761) % entries;
        let (listed, with_path) = (number - number % 20 + 2, number - number % 20);
        let url = match case {
            "hit" | "exempt" => format!("http://www.{}/index.html?x=1", host(listed)),
            "path" => format!("https://{}/download/other/file.zip?v=2", host(with_path)),
            "odd path" => format!("https://{}/a/../%64ownload/Other/file.zip?v=2", host(with_path)),
            _ => format!("http://www.{}/index.html?x=1", host(number + entries)),
        };
        let user = match case {
            "exempt" => format!("boss{}@corp.example", place % 25 * 8 + 5),
            _ => format!("employee{place}@corp.example"),
        };
        let client = [192, 168, place.to_le_bytes()[1], place.to_le_bytes()[0]].into();
        Message { url, user, client }
    };
    (0..MESSAGES).map(one).collect()
}

/// More than caches hold of the lines that they touch.
const MESSAGES: u64 = 65_536;

/// Decisions between two looks at the clock.
const BATCH: usize = 64;

const ROUNDS: usize = 10;

/// Entries of the black list, and of the white one.
const BLACK: usize = 5_000;
