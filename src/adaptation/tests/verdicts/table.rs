//! A table against what it should be.

use std::collections::BTreeMap;

use super::{LIMITS, any_fact, broken, content, epoch, infected, promise, site, table, validator};
use crate::adaptation::verdicts::{Broken, ContentKey, Fact, Limits, Settled, Table};
use crate::engine::verdict::{Verdict, Why};
use proptest::prelude::*;

#[test]
fn a_verdict_is_there_until_its_time_is_over() {
    let mut table = table();
    let now = *table.epoch();
    assert!(table.learn(Fact::Verdict(content(1), Settled::Clean), &now, 100).is_some());
    assert_eq!(table.verdict(&content(1), 1099), Some(Settled::Clean));
    assert_eq!(table.verdict(&content(2), 100), None);
    assert_eq!(table.verdict(&content(1), 50), Some(Settled::Clean), "the clock went back");
    assert_eq!(table.verdict(&content(1), 1100), None);
    let counts = table.counts();
    assert_eq!((counts.hits, counts.misses, counts.verdicts), (2, 2, 0));
    assert_eq!(counts.bytes, 0);
}

#[test]
fn of_two_verdicts_about_the_same_bytes_the_worse_one_counts() {
    let (clean, bad) = (Settled::Clean, infected("Eicar"));
    let unseen = Settled::Unscanned(Why::Encrypted);
    for (first, second, want) in [
        (&clean, &bad, &bad),
        (&bad, &clean, &bad),
        (&clean, &unseen, &unseen),
        (&unseen, &clean, &unseen),
        (&unseen, &bad, &bad),
        (&bad, &unseen, &bad),
    ] {
        let mut table = table();
        let now = *table.epoch();
        table.learn(Fact::Verdict(content(1), first.clone()), &now, 10);
        let news = table.learn(Fact::Verdict(content(1), second.clone()), &now, 11);
        assert_eq!(news.is_some(), want == second, "{first:?} {second:?}");
        assert_eq!(table.verdict(&content(1), 12).as_ref(), Some(want));
    }
}

#[test]
fn the_address_decides_about_a_request_and_the_validator_about_a_response() {
    let mut table = table();
    let now = *table.epoch();
    table.learn(Fact::Broken(site(1), broken("Eicar", Some(validator(1)))), &now, 10);
    table.learn(Fact::Broken(site(2), broken("Eicar", None)), &now, 10);
    for (number, seen, blocked) in [
        (1, None, true),
        (1, Some(validator(1)), true),
        (1, Some(validator(2)), false),
        (2, None, true),
        (2, Some(validator(2)), true),
        (3, None, false),
    ] {
        let found = table.blocked(&site(number), seen.as_ref(), 20).cloned();
        assert_eq!(found.is_some(), blocked, "{number} {seen:?}");
        assert!(found.is_none_or(|broken| matches!(broken.found(), Settled::Infected(_))));
    }
    assert!(table.blocked(&site(1), None, 109).is_some());
    assert!(table.blocked(&site(1), None, 110).is_none(), "RetryBlockTime is over");
}

#[test]
fn what_is_clean_or_only_late_blocks_no_retry() {
    for verdict in [Verdict::Clean, Verdict::Unscanned(Why::Time), Verdict::Unscanned(Why::Busy)] {
        assert_eq!(Broken::of(&verdict, None), None, "{verdict:?}");
    }
    assert!(Broken::of(&Verdict::Unscanned(Why::Encrypted), None).is_some());
    let mut off = Table::new(Limits { block_s: 0, ..LIMITS }, epoch("now"), 1);
    assert_eq!(off.learn(Fact::Broken(site(1), broken("Eicar", None)), &epoch("now"), 10), None);
    assert!(off.blocked(&site(1), None, 10).is_none() && off.counts().broken == 0);
}

#[test]
fn with_another_engine_everything_is_forgotten_and_nothing_of_the_old_one_is_taken() {
    let mut table = table();
    let (old, new) = (*table.epoch(), epoch("new"));
    let facts = [
        Fact::Verdict(content(1), Settled::Clean),
        Fact::Promise(promise(1), content(1)),
        Fact::Broken(site(1), broken("Eicar", None)),
    ];
    for fact in &facts {
        assert!(table.learn(fact.clone(), &old, 10).is_some());
    }
    table.turn(old);
    assert_eq!(table.counts().promises, 1, "the same epoch changes nothing");
    table.turn(new);
    for fact in facts {
        assert_eq!(table.learn(fact, &old, 10), None, "a scan that began before the reload");
    }
    let counts = table.counts();
    assert_eq!((counts.verdicts, counts.promises, counts.broken, counts.bytes), (0, 0, 0, 0));
}

#[test]
fn a_later_promise_counts_and_an_earlier_one_does_not() {
    let mut table = table();
    let now = *table.epoch();
    let promised = |to: u8| Fact::Promise(promise(1), content(to));
    assert!(table.learn(promised(1), &now, 10).is_some());
    assert!(table.learn(promised(1), &now, 11).is_none(), "nothing new");
    assert!(table.learn(promised(2), &now, 12).is_some());
    assert!(table.learn(promised(3), &now, 5).is_none(), "from before");
    assert_eq!(table.promised(&promise(1), 13), Some(content(2)));
}

#[test]
fn no_room_is_no_cache() {
    let mut none = Table::new(Limits { bytes_max: 0, ..LIMITS }, epoch("now"), 1);
    assert_eq!(none.learn(Fact::Verdict(content(1), Settled::Clean), &epoch("now"), 1), None);
    assert_eq!((none.verdict(&content(1), 1), none.counts().bytes), (None, 0));
}

/// A flood of one kind drives out neither the other kinds nor more than its room.
#[test]
fn the_memory_is_bounded_and_divided() {
    let mut table = Table::new(Limits { bytes_max: 64 << 10, ..LIMITS }, epoch("now"), 1);
    let now = *table.epoch();
    table.learn(Fact::Broken(site(1), broken("Eicar", None)), &now, 1);
    table.learn(Fact::Promise(promise(1), content(1)), &now, 1);
    for number in 0_u64..5000 {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        let found = infected(&format!("Threat.{number}"));
        table.learn(Fact::Verdict(ContentKey::from_bytes(key), found), &now, 1);
        assert!(table.counts().bytes <= 64 << 10);
    }
    assert!(table.counts().verdicts > 100 && table.counts().evicted > 4000);
    assert!(table.blocked(&site(1), None, 1).is_some());
    assert_eq!(table.promised(&promise(1), 1), Some(content(1)));
}

#[derive(Default)]
struct Model {
    verdicts: BTreeMap<ContentKey, (Settled, u64)>,
}

fn rank(settled: &Settled) -> u8 {
    match settled {
        Settled::Clean => 0,
        Settled::Unscanned(_) => 1,
        Settled::Infected(_) => 2,
    }
}

proptest! {
    /// With room for all, verdicts are those of a plain map in which the worse one wins.
    #[test]
    fn verdicts_are_those_of_a_plain_map(
        steps in prop::collection::vec((any_fact(), 0_u64..400, 0_u8..6), 1..80)
    ) {
        let mut table = table();
        let epoch = *table.epoch();
        let mut model = Model::default();
        let mut now = 0;
        for (fact, passed, asked) in steps {
            now += passed;
            model.verdicts.retain(|_, (_, born)| now - *born < LIMITS.lifetime_s);
            if let Fact::Verdict(key, settled) = &fact {
                let kept = model.verdicts.entry(*key).or_insert_with(|| (settled.clone(), now));
                kept.1 = now;
                if rank(settled) > rank(&kept.0) {
                    kept.0 = settled.clone();
                }
            }
            table.learn(fact, &epoch, now);
            let want = model.verdicts.get(&content(asked)).map(|(settled, _)| settled.clone());
            prop_assert_eq!(table.verdict(&content(asked), now), want);
        }
    }

    /// Whatever is thrown away for room, what is answered was learned under this key.
    #[test]
    fn a_small_table_forgets_and_never_invents(
        bytes_max in 0_usize..4000,
        facts in prop::collection::vec(any_fact(), 1..80),
    ) {
        let mut table = Table::new(Limits { bytes_max, ..LIMITS }, epoch("now"), 3);
        let epoch = *table.epoch();
        let mut learned = Vec::new();
        for fact in facts {
            table.learn(fact.clone(), &epoch, 1);
            learned.push(fact);
            prop_assert!(table.counts().bytes <= bytes_max);
            for key in 0..6 {
                if let Some(settled) = table.verdict(&content(key), 1) {
                    prop_assert!(learned.contains(&Fact::Verdict(content(key), settled)));
                }
                if let Some(to) = table.promised(&promise(key), 1) {
                    prop_assert!(learned.contains(&Fact::Promise(promise(key), to)));
                }
                if let Some(broken) = table.blocked(&site(key), None, 1) {
                    prop_assert!(learned.contains(&Fact::Broken(site(key), broken.clone())));
                }
            }
        }
    }
}
