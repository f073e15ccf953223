//! Reputation by simulation: the time is given, services are played.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "tests stop where a number is not what it should be"
)]

mod cache;
mod desk;
mod dns;
mod options;

use std::time::{Duration, Instant};

use super::Options;
use super::options::{DnsList, ServiceOptions};

/// A time to begin with.
#[expect(
    clippy::disallowed_methods,
    reason = "any time will do, and there is no other way to make one"
)]
fn start() -> Instant {
    Instant::now()
}

fn list(text: &str) -> DnsList {
    DnsList::parse(text).expect("a good list")
}

fn options(lists: &[&str]) -> Options {
    Options {
        lists: lists.iter().map(|text| list(text)).collect(),
        service: None,
        time_max: Duration::from_secs(1),
        cache_entries_max: 100,
        cache_time: Duration::from_secs(3600),
        negative_time: Duration::from_secs(300),
    }
}

fn with_service(lists: &[&str], with_paths: bool) -> Options {
    let service = ServiceOptions {
        with_paths,
        names: vec![("betting".to_owned(), crate::policy::Category::Gambling)],
    };
    Options { service: Some(service), ..options(lists) }
}
