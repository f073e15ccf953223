//! Fuzzing in every test run: each target takes its corpus and then mutations of it for a bounded
//! time. `BALEEN_FUZZ_SECONDS` makes it longer, `BALEEN_FUZZ_SEED` repeats a failure.
//!
//! To add a target: a function of bytes in `targets.rs` that panics when a promise is broken, and a
//! row in its table.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness bounds itself in time and takes its seed from the environment"
)]

mod archives;
mod block_pages;
mod carriers;
mod clamd;
mod containers;
mod credentials;
mod directory;
mod documents;
mod encrypted;
mod harness;
mod lists;
mod mails;
mod places;
mod programs;
mod regexes;
mod reputation;
mod rules;
mod targets;
mod unpack;
mod verdicts;
mod volumes;
mod zips;

use std::time::Duration;

use harness::{Target, fuzz};

#[test]
fn every_target_survives_its_corpus_and_mutations_of_it() {
    let seconds = number("BALEEN_FUZZ_SECONDS", 2);
    let seed = number("BALEEN_FUZZ_SEED", 20_261_121);
    let files = unpack::ALL.into_iter().chain(documents::ALL).chain(carriers::ALL);
    let files = files.chain(programs::ALL).chain(mails::ALL).chain(archives::ALL);
    let files = files
        .chain(places::ALL)
        .chain(rules::ALL)
        .chain(directory::ALL)
        .chain(volumes::ALL)
        .chain(credentials::ALL)
        .chain(verdicts::ALL);
    for target in targets::ALL.into_iter().chain(containers::ALL).chain(files) {
        let count = fuzz(target, seed, Duration::from_secs(seconds));
        println!("{}: {count} inputs from seed {seed}", target.name);
        assert!(count >= INPUTS_MIN, "{}: only {count} inputs: it has become slow", target.name);
    }
}

/// A harness that finds nothing in a broken target is dead.
#[test]
fn the_canary_is_found() {
    let canary = Target {
        name: "canary",
        corpus: || vec![b"tweet".to_vec()],
        words: &[b"hawk"],
        run: |input| assert!(!input.windows(4).any(|word| word == b"hawk"), "found"),
    };
    let outcome = std::panic::catch_unwind(|| fuzz(canary, 1, Duration::from_secs(60)));
    assert!(outcome.is_err(), "the harness did not find a word that it was given");
}

fn number(variable: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text}: a number is wanted"))
}

/// Every target must get through this many inputs in its time, on a busy machine, too.
const INPUTS_MIN: u64 = 20;
