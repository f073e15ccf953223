//! Shards that tell each other what they learned.

use super::{LIMITS, any_fact, broken, content, epoch, promise, site, table};
use crate::adaptation::verdicts::{Fact, News, Settled, Table};
use proptest::prelude::*;

#[test]
fn a_new_fact_is_told_once_and_heard_by_another() {
    for fact in [
        Fact::Verdict(content(1), Settled::Clean),
        Fact::Promise(promise(1), content(1)),
        Fact::Broken(site(1), broken("Eicar", None)),
    ] {
        let (mut one, mut other) = (table(), table());
        let now = *one.epoch();
        let news = one.learn(fact.clone(), &now, 10).expect("it is new");
        assert_eq!(*news.fact(), fact);
        assert_eq!(one.learn(fact.clone(), &now, 11), None, "{fact:?}");
        other.hear(&news, 12);
        assert_eq!(other.learn(fact.clone(), &now, 13), None, "it was heard: {fact:?}");
        assert!(size_of::<News>() <= 176, "{} bytes", size_of::<News>());
    }
}

#[test]
fn what_is_heard_again_is_no_younger_and_what_is_old_or_foreign_is_not_heard() {
    let (mut one, mut other) = (table(), table());
    let now = *one.epoch();
    let clean = Fact::Verdict(content(1), Settled::Clean);
    let news = one.learn(clean, &now, 10).expect("it is new");
    other.hear(&news, 10);
    other.hear(&news, 900);
    assert_eq!(other.verdict(&content(1), 1009), Some(Settled::Clean));
    assert_eq!(other.verdict(&content(1), 1010), None, "ten and a lifetime");
    other.hear(&news, 1010);
    assert_eq!(other.verdict(&content(1), 1010), None);
    let mut foreign = Table::new(LIMITS, epoch("other"), 1);
    foreign.hear(&news, 10);
    assert_eq!((foreign.verdict(&content(1), 10), foreign.counts().unheard), (None, 1));
    // Of the future, for a shard whose clock is behind: not for longer than if it were learned now.
    let mut behind = table();
    behind.hear(&news, 5);
    assert_eq!(behind.verdict(&content(1), 1005), None);
}

proptest! {
    /// Several tables, and news that are lost, doubled and come in any order: no table ever says what was not
    /// learned somewhere under the same key and epoch, and a detection that all heard of is said by all.
    #[test]
    fn no_table_says_what_nobody_learned(
        learned in prop::collection::vec((any_fact(), 0_usize..3, any::<bool>()), 1..40),
        heard in prop::collection::vec((0_usize..40, 0_usize..3), 0..160),
    ) {
        let epochs = [epoch("now"), epoch("next")];
        let mut tables: Vec<Table> =
            (0..3).map(|seed| Table::new(LIMITS, epochs[0], seed)).collect();
        let (mut news, mut known) = (Vec::new(), Vec::new());
        for (number, (fact, at, of_next)) in learned.into_iter().enumerate() {
            let now = u64::try_from(number).expect("small");
            let epoch = &epochs[usize::from(of_next)];
            if !of_next {
                known.push(fact.clone());
            }
            let told = tables[at].learn(fact, epoch, now);
            prop_assert!(!of_next || told.is_none());
            news.extend(told);
        }
        for (number, at) in heard {
            if let Some(news) = news.get(number) {
                tables[at].hear(news, 50);
            }
        }
        for table in &mut tables {
            check(table, &known)?;
        }
        // In the end nothing is lost, in another order for each.
        for (at, table) in tables.iter_mut().enumerate() {
            let turn = at.min(news.len());
            news.rotate_left(turn);
            news.iter().for_each(|news| table.hear(news, 60));
            check(table, &known)?;
        }
        for key in 0..6 {
            let ranks: Vec<_> = tables
                .iter_mut()
                .map(|table| table.verdict(&content(key), 60).map(|settled| settled.weight()))
                .collect();
            let worst = known.iter().filter_map(|fact| match fact {
                Fact::Verdict(of, settled) if *of == content(key) => Some(settled.weight()),
                _ => None,
            });
            prop_assert_eq!(ranks, vec![worst.max(); 3]);
        }
    }
}

fn check(table: &mut Table, known: &[Fact]) -> Result<(), TestCaseError> {
    for key in 0..6 {
        if let Some(settled) = table.verdict(&content(key), 60) {
            prop_assert!(known.contains(&Fact::Verdict(content(key), settled)));
        }
        if let Some(to) = table.promised(&promise(key), 60) {
            prop_assert!(known.contains(&Fact::Promise(promise(key), to)));
        }
        if let Some(broken) = table.blocked(&site(key), None, 60) {
            prop_assert!(known.contains(&Fact::Broken(site(key), broken.clone())));
        }
    }
    Ok(())
}
