//! Verdicts that come from a file or from a store that somebody else may write to.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use baleen::adaptation::verdicts::second::value::{VALUE_BYTES_MAX, open, seal};
use baleen::adaptation::verdicts::second::{Answer, Connection, Options, Secret};
use baleen::adaptation::verdicts::{
    Broken, ContentKey, Epoch, Fact, Limits, PromiseKey, Settled, SiteKey, Table,
};
use baleen::engine::verdict::{Detection, Limit, Verdict, Why};
use sha2::Digest as _;

use super::harness::Target;

pub(crate) const ALL: [Target; 4] = [
    Target { name: "settled_verdict", corpus: verdicts, words: &[], run: verdict },
    Target { name: "saved_verdicts", corpus: snapshots, words: &[b"baleen.v"], run: snapshot },
    Target { name: "stored_verdict", corpus: values, words: &[], run: value },
    Target { name: "shared_store", corpus: replies, words: WORDS, run: store },
];

const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"$-1\r\n",
    b"+OK\r\n",
    b":1\r\n",
    b"-MOVED 1 h:1\r\n",
    b"$42\r\n",
    b"*1\r\n",
    b"$999999999\r\n",
];

fn all() -> Vec<Settled> {
    let found = Detection { name: "Eicar".into(), path: "zip:a".into(), offset: 3 };
    [
        Verdict::Clean,
        Verdict::Infected(found),
        Verdict::Unscanned(Why::Encrypted),
        Verdict::Unscanned(Why::Limit(Limit::MaxFiles)),
        Verdict::Unscanned(Why::Broken("cut off")),
        Verdict::Unscanned(Why::Unsupported("method")),
    ]
    .map(|verdict| Settled::of(&verdict).expect("it stays"))
    .to_vec()
}

fn verdicts() -> Vec<Vec<u8>> {
    let encoded = |settled: &Settled| {
        let mut bytes = Vec::new();
        settled.encode(&mut bytes);
        bytes
    };
    all().iter().map(encoded).collect()
}

/// What is read is something that may be kept, and says the same when it is written again.
fn verdict(input: &[u8]) {
    let mut rest = input;
    let Ok(settled) = Settled::decode(&mut rest) else { return };
    assert_eq!(Settled::of(&settled.verdict()), Some(settled.clone()));
    let mut again = Vec::new();
    settled.encode(&mut again);
    assert_eq!(Settled::decode(&mut &again[..]), Ok(settled.clone()));
    // Reasons beyond those that there is room for become one general word.
    if !matches!(settled, Settled::Unscanned(_)) {
        assert_eq!(again, input[..input.len() - rest.len()]);
    }
}

fn table() -> Table {
    let limits = Limits { bytes_max: 1 << 16, lifetime_s: 100, block_s: 50 };
    Table::new(limits, Epoch::of(&[b"fuzz"]), 1)
}

fn key(number: u8) -> ContentKey {
    ContentKey::from_bytes([number; 32])
}

fn snapshots() -> Vec<Vec<u8>> {
    let mut table = table();
    let empty = table.save(10, 1 << 16);
    let epoch = *table.epoch();
    for (number, settled) in (0..).zip(all()) {
        table.learn(Fact::Verdict(key(number), settled.clone()), &epoch, 10);
        table.learn(Fact::Promise(PromiseKey::from_bytes([number; 32]), key(number)), &epoch, 10);
        if let Some(broken) = Broken::of(&settled.verdict(), None) {
            let site = SiteKey::from_bytes([number; 32]);
            table.learn(Fact::Broken(site, broken), &epoch, 10);
        }
    }
    vec![empty, table.save(10, 1 << 16), table.save(10, 200)]
}

/// As it is only what we wrote is taken; with a checksum that fits whatever is taken can be saved again.
fn snapshot(input: &[u8]) {
    static GENUINE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(snapshots);
    let is_taken = table().load(input, 20).is_ok();
    assert_eq!(is_taken, GENUINE.iter().any(|bytes| bytes == input));
    let mut sealed = input.to_vec();
    if let Some(end) = sealed.len().checked_sub(32) {
        let sum = sha2::Sha256::digest(&sealed[..end]);
        sealed[end..].copy_from_slice(&sum);
    }
    let mut one = table();
    let Ok(count) = one.load(&sealed, 20) else {
        assert_eq!(one.counts().bytes, 0, "all or nothing");
        return;
    };
    let counts = one.counts();
    assert!(counts.verdicts + counts.promises + counts.broken <= count);
    let saved = one.save(20, 1 << 16);
    let mut other = table();
    assert!(other.load(&saved, 20).is_ok());
    assert_eq!(other.save(20, 1 << 16), saved);
}

fn secret() -> Secret {
    Secret::new(b"a secret of the fuzzer").expect("long enough")
}

fn values() -> Vec<Vec<u8>> {
    all().iter().map(|settled| seal(&secret(), &key(1), settled, 10)).collect()
}

/// Only what we wrote for this place is a verdict.
fn value(input: &[u8]) {
    static GENUINE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(values);
    let is_genuine = GENUINE.iter().any(|bytes| bytes == input);
    assert_eq!(open(&secret(), &key(1), input, 100, 20).is_ok(), is_genuine);
    assert!(open(&secret(), &key(2), input, 100, 20).is_err());
    assert!(input.len() <= VALUE_BYTES_MAX || !is_genuine);
}

fn replies() -> Vec<Vec<u8>> {
    let value = values().remove(1);
    let found = [format!("${}\r\n", value.len()).as_bytes(), &value, b"\r\n"].concat();
    vec![
        [&found[..], b"+OK\r\n$-1\r\n"].concat(),
        b"+OK\r\n-ERR DB index is out of range\r\n".to_vec(),
        b"+OK\r\n+OK\r\n-OOM full\r\n-READONLY no\r\n:1\r\n".to_vec(),
    ]
}

/// Whatever a store says: every question has one answer, however it is cut, and no verdict that we did not seal.
fn store(input: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "a core needs some instant")]
    let now = Instant::now();
    let play = |piece: usize, greets: bool| {
        let options = Options {
            secret: secret(),
            password: greets.then(|| "p".into()),
            database: u32::from(greets),
            in_flight_max: 8,
            time_max: Duration::from_secs(1),
            lifetime_s: 100,
        };
        let mut connection = Connection::new(Arc::new(options), now);
        let mut asked: Vec<_> = connection.get(&key(1), now).into_iter().collect();
        connection.put(&key(2), &Settled::Clean, 20, (now, 20));
        asked.extend(connection.get(&key(2), now));
        assert_eq!(asked.len(), if greets { 0 } else { 2 });
        for part in input.chunks(piece) {
            connection.handle_bytes(part, now, 20);
        }
        let fault = connection.fault();
        connection.handle_end();
        let answers: Vec<_> = std::iter::from_fn(|| connection.poll_answer()).collect();
        let mut told = Vec::new();
        for answer in &answers {
            match answer {
                Answer::Found { ticket, key: of, settled, .. } => {
                    assert!(*of == key(1) && all().contains(settled));
                    told.push(*ticket);
                }
                Answer::Absent { ticket, .. } => told.push(*ticket),
                Answer::Refused(refusal) => assert!(refusal.text.len() <= 1000),
            }
        }
        assert_eq!(told, asked);
        (fault, answers)
    };
    for greets in [false, true] {
        assert_eq!(play(1, greets), play(input.len().max(1), greets), "in pieces");
    }
}
