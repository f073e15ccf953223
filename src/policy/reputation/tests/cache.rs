//! The cache and the breaker, with given times.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{prop, prop_assert, proptest};

use super::start;
use crate::policy::reputation::breaker::{Breaker, Change, FAILURES_MAX, PAUSE_MAX, PAUSE_MIN};
use crate::policy::reputation::cache::Cache;
use crate::policy::reputation::{Answer, NoAnswer, Opinion};
use crate::policy::{Categories, Category};

fn opinion(category: Category, until: Option<std::time::Instant>) -> Opinion {
    let answer = Answer::Categories(Categories::NONE.with(category));
    Opinion { answer, source: Arc::from("test"), until }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_answer_is_good_until_its_time_and_no_longer() {
    let now = start();
    let mut cache = Cache::new(2);
    let kept = opinion(Category::Drugs, Some(now + 10 * SECOND));
    cache.put("a", &kept, now);
    assert_eq!(cache.get("a", now + 9 * SECOND), Some(kept));
    assert_eq!(cache.get("a", now + 10 * SECOND), None);
    let newer = opinion(Category::Jobs, Some(now + 20 * SECOND));
    cache.put("a", &newer, now + 10 * SECOND);
    assert_eq!((cache.get("a", now + 10 * SECOND), cache.entry_count()), (Some(newer), 1));
    cache.put("b", &Opinion::none(NoAnswer::Time), now);
    assert_eq!((cache.get("b", now), cache.entry_count()), (None, 1));
    let mut none = Cache::new(0);
    none.put("a", &opinion(Category::Drugs, Some(now + SECOND)), now);
    assert_eq!(none.entry_count(), 0);
}

#[test]
fn what_is_asked_for_again_outlives_a_flood_of_names() {
    let now = start();
    let mut cache = Cache::new(10);
    let kept = opinion(Category::Drugs, Some(now + 3600 * SECOND));
    cache.put("favourite", &kept, now);
    for number in 0..1000 {
        assert!(cache.get("favourite", now).is_some(), "{number}");
        cache.put(&format!("flood {number}"), &kept, now);
    }
    assert_eq!(cache.entry_count(), 10);
}

proptest! {
    /// Against a map without bounds: what the cache gives is what was put last and still good.
    #[test]
    fn the_cache_never_gives_anything_but_the_last_good_answer(
        steps in prop::collection::vec((0_u8..20, 0_u64..8, 0_usize..17, prop::bool::ANY), 1..300),
        size in 1_usize..12,
    ) {
        let mut now = start();
        let mut cache = Cache::new(size);
        let mut all = std::collections::BTreeMap::new();
        for (key, seconds, category, is_put) in steps {
            now += Duration::from_millis(300);
            let key = key.to_string();
            if is_put {
                let fresh = opinion(Category::ALL[category], Some(now + Duration::from_secs(seconds)));
                cache.put(&key, &fresh, now);
                if seconds > 0 {
                    all.insert(key, fresh);
                }
            } else if let Some(found) = cache.get(&key, now) {
                prop_assert!(all.get(&key) == Some(&found));
                prop_assert!(found.until > Some(now));
            }
            prop_assert!(cache.entry_count() <= size);
        }
    }
}

#[test]
fn a_breaker_opens_after_failures_in_a_row_and_tries_again_after_ever_longer_pauses() {
    let mut now = start();
    let mut breaker = Breaker::new();
    for _ in 1..FAILURES_MAX {
        assert!(breaker.may_ask(now) && breaker.failed(now).is_none());
    }
    assert_eq!(breaker.succeeded(), None);
    for _ in 1..FAILURES_MAX {
        assert_eq!(breaker.failed(now), None);
    }
    assert_eq!(breaker.failed(now), Some(Change::Opened));
    let mut pause = PAUSE_MIN;
    for _ in 0..10 {
        assert!(!breaker.may_ask(now + pause - SECOND / 1000));
        assert_eq!(breaker.failed(now), None, "of a question that was under way");
        now += pause;
        assert!(breaker.may_ask(now) && !breaker.may_ask(now), "one question only");
        assert_eq!(breaker.failed(now), None);
        pause = (pause * 2).min(PAUSE_MAX);
    }
    now += PAUSE_MAX;
    assert!(breaker.may_ask(now));
    assert_eq!(breaker.succeeded(), Some(Change::Closed));
    assert!(breaker.may_ask(now) && breaker == Breaker::new());
}

#[test]
fn a_trial_that_is_lost_does_not_leave_the_service_alone_for_ever() {
    let now = start();
    let mut breaker = Breaker::new();
    for _ in 0..FAILURES_MAX {
        let _changed = breaker.failed(now);
    }
    assert!(breaker.may_ask(now + PAUSE_MIN));
    assert!(!breaker.may_ask(now + PAUSE_MIN));
    assert!(breaker.may_ask(now + 2 * PAUSE_MIN));
}
