//! The desk, played through: who is asked, what counts, what is kept, and what happens when services fail.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::{options, start, with_service};
use crate::policy::reputation::desk::{ASKERS_MAX, Desk, FLIGHTS_MAX, News, Output};
use crate::policy::reputation::dns::{Kind, Records};
use crate::policy::reputation::{Answer, NoAnswer, Opinion, Options, Question};
use crate::policy::{Categories, Category};

/// A desk, the time, and what the world answers.
struct World {
    desk: Desk<u32>,
    now: Instant,
    /// Name to last octet of its answer; what is missing is not listed.
    listed: BTreeMap<String, u8>,
    answers: BTreeMap<u32, Opinion>,
    news: Vec<News>,
    lookups: Vec<String>,
    batches: Vec<(u64, serde_json::Value)>,
    /// Lookups that are never answered.
    silent: Vec<u64>,
    is_silent: bool,
}

impl World {
    fn new(options: Options) -> Self {
        Self {
            desk: Desk::new(options),
            now: start(),
            listed: BTreeMap::new(),
            answers: BTreeMap::new(),
            news: Vec::new(),
            lookups: Vec::new(),
            batches: Vec::new(),
            silent: Vec::new(),
            is_silent: false,
        }
    }

    fn listing(mut self, name: &str, octet: u8) -> Self {
        self.listed.insert(name.to_owned(), octet);
        self
    }

    #[expect(clippy::unwrap_in_result, reason = "a test stops where a host is not public")]
    fn ask(&mut self, asker: u32, host: &str, path: &str) -> Option<Opinion> {
        let question = Question::of(host, path).expect("a public host");
        self.desk.handle_question(asker, question, self.now);
        self.run();
        self.answers.get(&asker).cloned()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let silent = std::mem::take(&mut self.silent);
        if self.desk.poll_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.desk.handle_deadline(self.now);
        }
        for id in silent {
            self.desk.handle_lookup(id, Err(NoAnswer::Time), self.now);
        }
        self.run();
    }

    fn run(&mut self) {
        while let Some(output) = self.desk.poll_output() {
            match output {
                Output::Answer { asker, opinion } => {
                    assert!(
                        self.answers.insert(asker, opinion).is_none(),
                        "answered once: {asker}"
                    );
                }
                Output::News(news) => self.news.push(news),
                Output::Batch { id, body, .. } => {
                    self.batches.push((id, serde_json::from_slice(&body).expect("JSON")));
                }
                Output::Lookup { id, name, kind, .. } => {
                    let name = dotted(name.wire());
                    self.lookups.push(format!("{kind:?} {name}"));
                    if self.is_silent {
                        self.silent.push(id);
                        continue;
                    }
                    let records =
                        self.listed.get(&name).map_or_else(Records::default, |octet| Records {
                            addresses: (kind == Kind::A)
                                .then(|| Ipv4Addr::new(127, 0, 0, *octet))
                                .into_iter()
                                .collect(),
                            texts: (kind == Kind::Txt)
                                .then(|| format!("why {name}"))
                                .into_iter()
                                .collect(),
                            ttl_s: Some(120),
                        });
                    self.desk.handle_lookup(id, Ok(records), self.now);
                }
            }
        }
    }

    fn reply(&mut self, batch: usize, answers: &serde_json::Value) {
        let body = serde_json::json!({"version": 1, "answers": answers}).to_string();
        let id = self.batches[batch].0;
        self.desk.handle_batch(id, Ok(body.into_bytes()), self.now);
        self.run();
    }
}

fn dotted(wire: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = wire;
    while let Some((&length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, after) = after.split_at(usize::from(length));
        labels.push(String::from_utf8_lossy(label).into_owned());
        rest = after;
    }
    labels.join(".")
}

fn of(category: Category) -> Answer {
    Answer::Categories(Categories::NONE.with(category))
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_listed_host_is_found_with_its_reason_and_kept_for_its_time() {
    let mut world =
        World::new(options(&["l.example 127.0.0.3=Gambling"])).listing("bad.example.l.example", 3);
    let found = world.ask(1, "www.bad.example", "/x").expect("an answer");
    assert_eq!(found.answer, of(Category::Gambling));
    assert_eq!(&*found.source, "l.example: why bad.example.l.example");
    assert_eq!(found.until, Some(world.now + 120 * SECOND));
    assert_eq!(
        world.lookups,
        [
            "A www.bad.example.l.example",
            "A bad.example.l.example",
            "A invalid.l.example",
            "Txt bad.example.l.example",
        ]
    );
    world.lookups.clear();
    assert_eq!(world.ask(2, "www.bad.example", "/y"), Some(found));
    assert!(world.lookups.is_empty(), "hosts only, so the path does not matter");
    world.pass(121 * SECOND);
    assert!(world.ask(3, "www.bad.example", "/").is_some());
    assert!(!world.lookups.contains(&"A invalid.l.example".to_owned()), "proved within the hour");
}

#[test]
fn what_nobody_lists_is_unknown_and_kept_for_the_negative_time() {
    let mut world = World::new(options(&["a.example", "b.example addresses"]));
    let found = world.ask(1, "good.example", "/").expect("an answer");
    assert_eq!((found.answer, found.until), (Answer::Unknown, Some(world.now + 300 * SECOND)));
    assert_eq!(world.lookups, ["A good.example.a.example"]);
    world.pass(299 * SECOND);
    assert!(world.ask(2, "good.example", "/").is_some());
    assert_eq!(world.lookups.len(), 1);
    world.pass(SECOND);
    assert!(world.ask(3, "good.example", "/").is_some());
    assert_eq!(world.lookups.len(), 2);
}

#[test]
fn a_list_that_lists_everything_is_found_out_and_not_used_for_an_hour() {
    let mut world = World::new(options(&["dead.example"]))
        .listing("good.example.dead.example", 2)
        .listing("invalid.dead.example", 2);
    let found = world.ask(1, "good.example", "/").expect("an answer");
    assert_eq!(found, Opinion::none(NoAnswer::Refused));
    assert_eq!(world.news, [News::ListsEverything("dead.example".into())]);
    world.lookups.clear();
    assert_eq!(world.ask(2, "good.example", "/"), Some(Opinion::none(NoAnswer::Broken)));
    assert!(world.lookups.is_empty());
    world.listed.remove("invalid.dead.example");
    world.pass(3600 * SECOND);
    let again = world.ask(3, "good.example", "/").expect("an answer");
    assert_eq!(again.answer, of(Category::NotRecommended));
}

#[test]
fn what_is_found_counts_although_another_list_is_silent() {
    let mut world = World::new(options(&["a.example 127.0.0.2=Drugs", "b.example"]));
    world.listed.insert("bad.example.a.example".to_owned(), 2);
    let question = Question::of("bad.example", "/").expect("a public host");
    world.desk.handle_question(1, question, world.now);
    let mut first = None;
    while let Some(output) = world.desk.poll_output() {
        let Output::Lookup { id, name, .. } = output else { panic!("{output:?}") };
        let name = dotted(name.wire());
        if name.ends_with("b.example") { world.silent.push(id) } else { first = Some(id) }
    }
    let hit = Records {
        addresses: vec![Ipv4Addr::new(127, 0, 0, 2)],
        texts: Vec::new(),
        ttl_s: Some(600),
    };
    world.desk.handle_lookup(first.expect("two lists"), Ok(hit), world.now);
    world.run();
    assert!(world.answers.is_empty(), "the other may know more");
    world.pass(SECOND);
    let found = &world.answers[&1];
    assert_eq!(found.answer, of(Category::Drugs));
    assert_eq!(found.until, Some(world.now + 30 * SECOND), "a part is missing: not for long");
}

#[test]
fn silence_is_no_answer_and_enough_of_it_opens_the_breaker() {
    let mut world = World::new(options(&["slow.example hosts"]));
    world.is_silent = true;
    for asker in 0..5 {
        assert!(world.ask(asker, &format!("h{asker}.example"), "/").is_none());
        world.pass(SECOND);
        assert_eq!(world.answers[&asker], Opinion::none(NoAnswer::Time));
    }
    assert_eq!(world.news, [News::Down("slow.example".into())]);
    assert_eq!(world.ask(5, "h5.example", "/"), Some(Opinion::none(NoAnswer::Broken)));
    assert_eq!(world.lookups.len(), 5);
    world.is_silent = false;
    world.pass(5 * SECOND);
    let found = world.ask(6, "h6.example", "/").expect("an answer");
    assert_eq!(found.answer, Answer::Unknown);
    assert_eq!(world.news.last(), Some(&News::Back("slow.example".into())));
}

#[test]
fn those_who_ask_the_same_wait_together() {
    let mut world = World::new(options(&["l.example hosts"]));
    world.is_silent = true;
    for asker in 0..10 {
        assert!(world.ask(asker, "same.example", "/").is_none());
    }
    assert_eq!(world.lookups.len(), 1);
    world.pass(SECOND);
    assert_eq!(world.answers.len(), 10);
}

#[test]
fn too_many_questions_are_turned_away_at_once() {
    let mut world = World::new(options(&["l.example hosts"]));
    world.is_silent = true;
    let flights = u32::try_from(FLIGHTS_MAX).expect("a small number");
    for asker in 0..flights {
        assert!(world.ask(asker, &format!("h{asker}.example"), "/").is_none());
    }
    assert_eq!(world.ask(flights, "one-more.example", "/"), Some(Opinion::none(NoAnswer::Busy)));
    assert!(world.ask(flights + 1, "h0.example", "/").is_none(), "it is asked already");
    let askers = u32::try_from(ASKERS_MAX).expect("a small number");
    for asker in flights + 2..askers + 1 {
        assert!(world.ask(asker, "h0.example", "/").is_none());
    }
    assert_eq!(world.ask(askers + 1, "h0.example", "/"), Some(Opinion::none(NoAnswer::Busy)));
    world.pass(SECOND);
    assert_eq!(world.answers.len(), ASKERS_MAX + 2);
    assert!(world.desk.poll_deadline().is_none());
}

#[test]
fn the_service_gets_what_collected_while_it_was_busy() {
    let mut world = World::new(with_service(&[], true));
    for asker in 0..70 {
        assert!(world.ask(asker, "a.example", &format!("/{asker}?secret")).is_none());
    }
    let asked: Vec<usize> = world
        .batches
        .iter()
        .map(|(_, body)| body["urls"].as_array().expect("urls").len())
        .collect();
    assert_eq!(asked, [1, 1]);
    assert_eq!(
        world.batches[0].1,
        serde_json::json!({"version": 1, "urls": [{"id": 0, "host": "a.example", "path": "/0"}]})
    );
    world.reply(0, &serde_json::json!([{"id": 0, "categories": ["BETTING", "drugs", "new"], "ttl": 60, "reason": "seen"}]));
    let found = &world.answers[&0];
    let both = Categories::NONE.with(Category::Gambling).with(Category::Drugs);
    assert_eq!((found.answer, &*found.source), (Answer::Categories(both), "Service: seen"));
    assert_eq!(found.until, Some(world.now + 60 * SECOND));
    assert_eq!(world.batches[2].1["urls"].as_array().map(Vec::len), Some(64));
    let half: Vec<_> = (0..32).map(|id| serde_json::json!({"id": id, "categories": []})).collect();
    world.reply(2, &serde_json::Value::from(half));
    assert_eq!(world.answers[&2].answer, Answer::Unknown);
    assert_eq!(world.answers[&40], Opinion::none(NoAnswer::Refused), "its id was not answered");
    assert_eq!(world.batches[3].1["urls"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_service_that_may_not_know_paths_is_not_told() {
    let mut world = World::new(with_service(&[], false));
    assert!(world.ask(0, "a.example", "/private").is_none());
    assert_eq!(world.batches[0].1["urls"][0], serde_json::json!({"id": 0, "host": "a.example"}));
    assert!(world.ask(1, "a.example", "/other").is_none());
    assert_eq!(world.batches.len(), 1);
}

#[test]
fn documents_that_are_no_answers_fail_and_open_the_breaker() {
    let bad: [&[u8]; 5] = [
        b"",
        b"<html>",
        b"{}",
        b"{\"version\":2,\"answers\":[]}",
        b"{\"version\":1,\"answers\":[{\"id\":0}]}",
    ];
    let mut world = World::new(with_service(&[], true));
    for (asker, body) in bad.iter().enumerate() {
        let number = u32::try_from(asker).expect("a small number");
        assert!(world.ask(number, &format!("h{asker}.example"), "/").is_none());
        let id = world.batches[asker].0;
        world.desk.handle_batch(id, Ok(body.to_vec()), world.now);
        world.run();
        assert_eq!(world.answers[&number], Opinion::none(NoAnswer::Refused));
    }
    assert_eq!(world.news, [News::Down("Service".into())]);
    assert_eq!(world.ask(99, "h.example", "/"), Some(Opinion::none(NoAnswer::Broken)));
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut world = World::new(with_service(&[], true));
    assert!(world.ask(0, "a.example", "/").is_none());
    world.pass(SECOND);
    assert_eq!(world.answers[&0], Opinion::none(NoAnswer::Time));
    world.reply(0, &serde_json::json!([{"id": 0, "categories": ["Drugs"]}]));
    assert_eq!(world.answers.len(), 1);
    assert!(world.ask(1, "a.example", "/").is_none(), "it was not kept");
}

proptest! {
    /// Whatever is asked, answered, left out or late: everybody gets one answer, in time, and nothing is left.
    #[test]
    fn everybody_is_answered_once_and_in_time(
        steps in prop::collection::vec((0_u8..12, any::<bool>(), 0_u64..700), 1..60),
        seed in any::<u8>(),
    ) {
        let mut world = World::new(with_service(&["l.example", "m.example hosts 127.0.0.2=Jobs"], true));
        for host in 0..12_u8 {
            if (seed >> (host % 8)) & 1 == 1 {
                world.listed.insert(format!("h{host}.example.l.example"), host);
            }
        }
        let mut asked = BTreeMap::new();
        for (number, (host, is_silent, milliseconds)) in (0_u32..).zip(&steps) {
            world.is_silent = *is_silent;
            asked.insert(number, world.now);
            let _answer = world.ask(number, &format!("h{host}.example"), "/");
            if number % 3 == 0 && !world.batches.is_empty() {
                let (id, _) = world.batches.remove(0);
                world.desk.handle_batch(id, Err(NoAnswer::Time), world.now);
                world.run();
            }
            world.pass(Duration::from_millis(*milliseconds));
            for (asker, begun) in &asked {
                let is_due = world.now >= *begun + SECOND;
                prop_assert!(!is_due || world.answers.contains_key(asker), "{asker}");
            }
        }
        world.pass(SECOND);
        world.pass(SECOND);
        prop_assert_eq!(world.answers.len(), steps.len());
        prop_assert!(world.desk.poll_deadline().is_none());
    }
}
