//! A table that is saved and loaded again.

use sha2::{Digest as _, Sha256};

use super::{LIMITS, any_fact, broken, content, epoch, promise, site, table, validator};
use crate::adaptation::verdicts::snapshot::{ENTRY_BYTES_MAX, Fault};
use crate::adaptation::verdicts::{Fact, Limits, Settled, Table};
use proptest::prelude::*;

fn full() -> Table {
    let mut table = table();
    let now = *table.epoch();
    for (number, settled) in (0_u8..).zip(super::all_settled()) {
        table.learn(Fact::Verdict(content(number), settled), &now, 100);
    }
    table.learn(Fact::Promise(promise(1), content(1)), &now, 100);
    table.learn(Fact::Broken(site(1), broken("Eicar", Some(validator(1)))), &now, 100);
    table.learn(Fact::Broken(site(2), broken("Eicar", None)), &now, 100);
    table
}

/// The bytes with a checksum that fits.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let sum = Sha256::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum);
    bytes
}

#[test]
fn what_was_saved_is_there_again_and_no_younger() {
    let saved = full().save(150, 1 << 20);
    let mut table = table();
    assert_eq!(table.load(&saved, 160), Ok(11));
    for (number, settled) in (0_u8..).zip(super::all_settled()) {
        assert_eq!(table.verdict(&content(number), 1099), Some(settled));
        assert_eq!(table.verdict(&content(number), 1100), None);
    }
    assert_eq!(table.promised(&promise(1), 160), Some(content(1)));
    assert!(table.blocked(&site(1), Some(&validator(1)), 160).is_some());
    assert!(table.blocked(&site(1), Some(&validator(2)), 160).is_none());
    assert!(table.blocked(&site(2), None, 200).is_none(), "its time went on meanwhile");
    // Loaded again, nothing is new.
    let mut again = full();
    assert_eq!(again.load(&saved, 160), Ok(0));
    assert_eq!(again.counts().unheard, 0);
}

#[test]
fn what_is_too_old_is_neither_saved_nor_loaded() {
    let saved = full().save(150, 1 << 20);
    let mut late = table();
    assert_eq!(late.load(&saved, 1100), Ok(0));
    assert_eq!(late.counts().unheard, 0);
    let empty = full().save(1100, 1 << 20);
    assert_eq!(table().load(&empty, 1100), Ok(0));
    assert!(empty.len() < saved.len());
}

/// A clock that was set back between two starts makes nothing younger than now.
#[test]
fn what_was_born_in_the_future_is_born_now() {
    let saved = full().save(150, 1 << 20);
    let mut table = table();
    assert_eq!(table.load(&saved, 40), Ok(11));
    assert_eq!(table.verdict(&content(0), 1039), Some(Settled::Clean));
    assert_eq!(table.verdict(&content(0), 1040), None);
}

#[test]
fn a_file_of_another_engine_is_refused_with_the_reason() {
    let saved = full().save(150, 1 << 20);
    let mut other = Table::new(LIMITS, epoch("other"), 1);
    assert_eq!(other.load(&saved, 160), Err(Fault::Epoch));
    assert_eq!(other.counts().bytes, 0);
}

#[test]
fn every_damage_is_found_and_nothing_is_taken() {
    let saved = full().save(150, 1 << 20);
    for place in 0..saved.len() {
        let mut damaged = saved.clone();
        damaged[place] ^= 0x10;
        let mut table = table();
        let fault = table.load(&damaged, 160).expect_err("it is damaged");
        let want = match place {
            0..8 => Fault::Magic,
            8..12 => Fault::Format(u32::from_le_bytes(damaged[8..12].try_into().expect("four"))),
            _ => Fault::Checksum,
        };
        assert_eq!((fault, table.counts().bytes), (want, 0), "{place}");
        assert!(table.load(&saved[..place], 160).is_err());
    }
    assert_eq!(table().load(&[], 1), Err(Fault::Short));
}

/// With a checksum that fits: whoever writes nonsense on purpose gets an error that names it.
#[test]
fn every_field_is_checked_even_where_the_checksum_fits() {
    let saved = full().save(150, 1 << 20);
    let with = |place: usize, byte: u8| {
        let mut other = saved.clone();
        other[place] = byte;
        table().load(&sealed(other), 160)
    };
    let entry = |number, what| Err(Fault::Entry { number, what });
    // The first entry is the youngest broken download: kind, key, birth, that it has no validator, verdict.
    let first = 56;
    assert_eq!(with(first, 9), entry(0, "it is of no known kind"));
    assert_eq!(with(first + 41, 2), entry(0, "a validator is neither there nor not there"));
    assert_eq!(with(first + 42, 0), entry(0, "a broken download is clean"));
    assert_eq!(with(first + 42, 9), entry(0, "a verdict is of no known kind"));
    assert_eq!(with(52, 12), entry(11, "it ends in the middle"));
    assert!(matches!(with(52, 10), Err(Fault::Rest(73))), "{:?}", with(52, 10));
    assert_eq!(with(55, 255), entry(11, "it ends in the middle"));
    for fault in [Fault::Short, Fault::Epoch, Fault::Rest(3), Fault::Format(9), Fault::Checksum] {
        assert!(fault.to_string().len() > 10);
    }
}

#[test]
fn a_small_file_has_the_newest_and_what_blocks_first() {
    let mut big = Table::new(Limits { bytes_max: 1 << 22, ..LIMITS }, epoch("now"), 1);
    let now = *big.epoch();
    for number in 0..200 {
        big.learn(Fact::Verdict(content(number), Settled::Clean), &now, 100);
    }
    big.learn(Fact::Broken(site(1), broken("Eicar", None)), &now, 100);
    for bytes_max in [0, 87, 88, 200, 1000, 5000] {
        let saved = big.save(100, bytes_max);
        assert!(saved.len() <= bytes_max);
        if bytes_max < 88 {
            assert!(saved.is_empty());
            continue;
        }
        let mut small = Table::new(Limits { bytes_max: 1 << 22, ..LIMITS }, epoch("now"), 1);
        let count = small.load(&saved, 100).expect("it is whole");
        let kept: Vec<u8> =
            (0..200).filter(|key| small.verdict(&content(*key), 100).is_some()).collect();
        let is_blocked = small.blocked(&site(1), None, 100).is_some();
        assert_eq!(count, kept.len() + usize::from(is_blocked));
        assert_eq!(
            kept,
            (200 - kept.len()..200)
                .map(|key| u8::try_from(key).expect("small"))
                .collect::<Vec<_>>()
        );
        assert_eq!(is_blocked, bytes_max >= 200);
    }
    const { assert!(ENTRY_BYTES_MAX < 1000) };
}

proptest! {
    #[test]
    fn any_table_comes_back(facts in prop::collection::vec((any_fact(), 0_u64..90), 0..60)) {
        let mut one = table();
        let epoch = *one.epoch();
        for (fact, now) in facts {
            one.learn(fact, &epoch, now);
        }
        let mut other = table();
        let saved = one.save(99, 1 << 20);
        let count = one.counts();
        prop_assert_eq!(other.load(&saved, 99), Ok(count.verdicts + count.promises + count.broken));
        prop_assert_eq!(other.save(99, 1 << 20), saved, "in the same order, too");
    }
}
