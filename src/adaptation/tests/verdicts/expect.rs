//! Scan, bet or answer: every row of the table.

use super::{content, epoch, infected, promise, table};
use crate::adaptation::verdicts::{Expectation, Fact, Keys, Settled, expect};
use crate::engine::verdict::Why;

#[test]
fn every_row_of_the_table() {
    let encrypted = Settled::Unscanned(Why::Encrypted);
    let verdicts = [None, Some(Settled::Clean), Some(infected("Eicar")), Some(encrypted)];
    for verdict in verdicts {
        for (has_content, has_promise, is_kept, trusted) in (0_u8..16)
            .map(|bits| [1, 2, 4, 8].map(|bit| bits & bit != 0))
            .map(|[one, two, three, four]| (one, two, three, four))
        {
            let mut table = table();
            let now = *table.epoch();
            if let Some(verdict) = &verdict {
                table.learn(Fact::Verdict(content(1), verdict.clone()), &now, 10);
            }
            if is_kept {
                table.learn(Fact::Promise(promise(1), content(1)), &now, 10);
            }
            let keys = Keys {
                content: has_content.then(|| content(1)),
                promise: has_promise.then(|| promise(1)),
            };
            let want = match (&verdict, has_content, has_promise && is_kept, trusted) {
                (Some(verdict), true, ..) => Expectation::Known(verdict.clone()),
                (None, ..) | (_, false, false, _) => Expectation::Scan,
                (Some(Settled::Infected(_)), false, true, _) => Expectation::Scan,
                (Some(Settled::Clean), false, true, true) => Expectation::Known(Settled::Clean),
                (Some(Settled::Clean), false, true, false)
                | (Some(Settled::Unscanned(_)), false, true, _) => Expectation::Bet(content(1)),
            };
            let found = expect(&mut table, keys, trusted, 20);
            assert_eq!(found, want, "{verdict:?} {keys:?} {is_kept} {trusted}");
        }
    }
}

/// The product's rule: a promise alone, of a body that nobody scanned, is worth nothing.
#[test]
fn a_promise_of_what_nobody_scanned_is_worth_nothing_even_where_it_is_trusted() {
    let mut table = table();
    let now = *table.epoch();
    table.learn(Fact::Promise(promise(1), content(1)), &now, 10);
    let keys = Keys { content: None, promise: Some(promise(1)) };
    assert_eq!(expect(&mut table, keys, true, 10), Expectation::Scan);
    // A whole body that is another one than promised is judged by what it is.
    table.learn(Fact::Verdict(content(1), Settled::Clean), &now, 10);
    let keys = Keys { content: Some(content(2)), promise: Some(promise(1)) };
    assert_eq!(expect(&mut table, keys, true, 10), Expectation::Scan);
}

#[test]
fn nothing_is_expected_after_its_time_or_under_another_engine() {
    let mut table = table();
    let now = *table.epoch();
    table.learn(Fact::Verdict(content(1), Settled::Clean), &now, 10);
    table.learn(Fact::Promise(promise(1), content(1)), &now, 10);
    let keys = Keys { content: None, promise: Some(promise(1)) };
    assert_eq!(expect(&mut table, keys, false, 1009), Expectation::Bet(content(1)));
    table.turn(epoch("next"));
    assert_eq!(expect(&mut table, keys, true, 20), Expectation::Scan);
    table.turn(now);
    assert_eq!(expect(&mut table, keys, true, 20), Expectation::Scan, "forgotten for good");
    table.learn(Fact::Promise(promise(1), content(1)), &now, 500);
    table.learn(Fact::Verdict(content(1), Settled::Clean), &now, 10);
    assert_eq!(expect(&mut table, keys, true, 1010), Expectation::Scan, "the verdict is too old");
}
