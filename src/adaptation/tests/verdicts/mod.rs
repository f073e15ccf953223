//! The promises of the verdict cache: nothing is clean that was not scanned, whoever says so.

mod expect;
mod keys;
mod news;
mod second;
mod settled;
mod snapshot;
mod table;

use proptest::prelude::*;

use super::{connection, detection, now};
use crate::adaptation::verdicts::{
    Broken, ContentKey, Epoch, Fact, Limits, PromiseKey, Settled, SiteKey, Table, Validator,
};
use crate::engine::verdict::{Limit, Verdict, Why};

fn epoch(name: &str) -> Epoch {
    Epoch::of(&[name.as_bytes()])
}

fn content(number: u8) -> ContentKey {
    ContentKey::from_bytes([number; 32])
}

fn promise(number: u8) -> PromiseKey {
    PromiseKey::from_bytes([number; 32])
}

fn site(number: u8) -> SiteKey {
    SiteKey::from_bytes([number; 32])
}

fn validator(number: u8) -> Validator {
    Validator::from_bytes([number; 32])
}

fn infected(name: &str) -> Settled {
    Settled::of(&Verdict::Infected(detection(name, "zip:a"))).expect("it is kept")
}

fn broken(name: &str, validator: Option<Validator>) -> Broken {
    Broken::of(&Verdict::Infected(detection(name, "")), validator).expect("it is no clean one")
}

const LIMITS: Limits = Limits { bytes_max: 1 << 20, lifetime_s: 1000, block_s: 100 };

fn table() -> Table {
    Table::new(LIMITS, epoch("now"), 1)
}

/// One of each kind, in every form.
fn all_settled() -> Vec<Settled> {
    let reasons = [
        Why::Encrypted,
        Why::Broken("truncated"),
        Why::Limit(Limit::MaxFiles),
        Why::Limit(Limit::MatchLimit),
        Why::Unsupported("method 99"),
    ];
    let mut all = vec![Settled::Clean, infected("Eicar"), infected("Ä.UNOFFICIAL")];
    all.extend(reasons.map(Settled::Unscanned));
    all
}

fn any_settled() -> impl Strategy<Value = Settled> {
    prop::sample::select(all_settled())
}

/// Facts about few things, so that they meet.
fn any_fact() -> impl Strategy<Value = Fact> {
    let validators = prop::option::of((0_u8..3).prop_map(validator));
    prop_oneof![
        (0_u8..6, any_settled()).prop_map(|(key, settled)| Fact::Verdict(content(key), settled)),
        (0_u8..6, 0_u8..6).prop_map(|(key, to)| Fact::Promise(promise(key), content(to))),
        (0_u8..6, "[ab]", validators)
            .prop_map(|(key, name, validator)| Fact::Broken(site(key), broken(&name, validator))),
    ]
}
