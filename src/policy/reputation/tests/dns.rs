//! DNS messages, good and hostile, and a lookup with its attempts.

use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::{any, prop, proptest};

use super::start;
use crate::policy::reputation::NoAnswer;
use crate::policy::reputation::dns::{Kind, Name, Records, Reply, query, read};
use crate::policy::reputation::lookup::{Lookup, Step};

fn name(text: &str) -> Name {
    Name::of(text).expect("a good name")
}

/// An answer with this code and these records: owner (none: a pointer to the question), type, data.
fn answer(
    id: u16,
    asked: &str,
    kind: Kind,
    code: u8,
    records: &[(Option<&str>, u16, Vec<u8>)],
) -> Vec<u8> {
    let mut message = query(id, &name(asked), kind);
    message[2] = 0x81;
    message[3] = 0x80 | code;
    message[7] = u8::try_from(records.len()).expect("few");
    for (owner, record, data) in records {
        match owner {
            None => message.extend([0xc0, 12]),
            Some(owner) => message.extend(name(owner).wire()),
        }
        message.extend(record.to_be_bytes());
        message.extend([0, 1, 0, 0, 1, 0x2c]);
        message.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
        message.extend(data);
    }
    message
}

fn addresses(reply: Option<Reply>) -> Vec<Ipv4Addr> {
    match reply {
        Some(Reply::Records(records)) => records.addresses,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_is_exactly_these_bytes() {
    let message = query(0xabcd, &name("2.0.0.127.l.Example"), Kind::A);
    assert_eq!(
        message,
        b"\xab\xcd\x01\0\0\x01\0\0\0\0\0\0\x012\x010\x010\x03127\x01l\x07example\0\0\x01\0\x01"
    );
    for text in ["", "a..b", "a b", &"a".repeat(64), &"a.".repeat(127), "\u{e4}.b"] {
        assert_eq!(Name::of(text), None, "{text}");
    }
    assert!(Name::of(&("a.".repeat(126) + "a")).is_some());
}

#[test]
fn an_answer_gives_addresses_through_aliases_with_the_shortest_time() {
    let hit = answer(
        7,
        "a.l.example",
        Kind::A,
        0,
        &[(None, 1, vec![127, 0, 0, 2]), (None, 1, vec![127, 0, 0, 4])],
    );
    let want = Records {
        addresses: vec![Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 4)],
        texts: Vec::new(),
        ttl_s: Some(300),
    };
    assert_eq!(read(&hit, 7, &name("A.L.example"), Kind::A), Some(Reply::Records(want)));
    let alias = answer(
        7,
        "a.l.example",
        Kind::A,
        0,
        &[
            (None, 5, name("b.example").wire().to_vec()),
            (Some("other.example"), 1, vec![127, 0, 0, 9]),
            (Some("B.example"), 1, vec![127, 0, 0, 3]),
        ],
    );
    assert_eq!(
        addresses(read(&alias, 7, &name("a.l.example"), Kind::A)),
        [Ipv4Addr::new(127, 0, 0, 3)]
    );
    let none = answer(7, "a.l.example", Kind::A, 3, &[]);
    assert!(addresses(read(&none, 7, &name("a.l.example"), Kind::A)).is_empty());
    let text =
        answer(7, "a.l.example", Kind::Txt, 0, &[(None, 16, b"\x05spam \x09and\nmore!".to_vec())]);
    let Some(Reply::Records(records)) = read(&text, 7, &name("a.l.example"), Kind::Txt) else {
        panic!("text")
    };
    assert_eq!(records.texts, ["spam and\u{fffd}more!"]);
}

#[test]
fn what_does_not_repeat_the_question_is_no_answer() {
    let good = answer(7, "a.l.example", Kind::A, 0, &[(None, 1, vec![127, 0, 0, 2])]);
    let asked = name("a.l.example");
    assert!(read(&good, 8, &asked, Kind::A).is_none());
    assert!(read(&good, 7, &name("b.l.example"), Kind::A).is_none());
    assert!(read(&good, 7, &asked, Kind::Txt).is_none());
    for (at, byte) in [(2, 0x01), (2, 0x89), (5, 0), (5, 2), (12, 2)] {
        let mut other = good.clone();
        other[at] = byte;
        assert!(read(&other, 7, &asked, Kind::A).is_none(), "{at}");
    }
    for end in 0..good.len() {
        let cut = read(&good[..end], 7, &asked, Kind::A);
        assert!(matches!(cut, None | Some(Reply::Refused(0))), "{end}: {cut:?}");
    }
}

#[test]
fn refusals_truncation_and_broken_records_are_told_apart() {
    let asked = name("a.l.example");
    for code in [1, 2, 4, 5, 9] {
        let refused = answer(7, "a.l.example", Kind::A, code, &[]);
        assert_eq!(read(&refused, 7, &asked, Kind::A), Some(Reply::Refused(code)));
    }
    let mut cut = answer(7, "a.l.example", Kind::A, 0, &[]);
    cut[2] |= 2;
    assert_eq!(read(&cut, 7, &asked, Kind::A), Some(Reply::Truncated));
    let short = answer(7, "a.l.example", Kind::A, 0, &[(None, 1, vec![127, 0, 0])]);
    assert_eq!(read(&short, 7, &asked, Kind::A), Some(Reply::Refused(0)));
    // A pointer to itself, one forward, and two in a circle.
    for pointer in [[0xc0, 29], [0xc0, 99], [0xc0, 31]] {
        let mut loops = answer(7, "a.l.example", Kind::A, 0, &[(None, 1, vec![127, 0, 0, 2])]);
        loops[29..31].copy_from_slice(&pointer);
        assert_eq!(read(&loops, 7, &asked, Kind::A), Some(Reply::Refused(0)), "{pointer:?}");
    }
    let mut many = answer(7, "a.l.example", Kind::A, 0, &[(None, 1, vec![127, 0, 0, 2])]);
    many[6] = 0xff;
    assert_eq!(read(&many, 7, &asked, Kind::A), Some(Reply::Refused(0)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..600), id in any::<u16>()) {
        let asked = name("a.l.example");
        let _reply = read(&bytes, id, &asked, Kind::A);
        let mut message = answer(id, "a.l.example", Kind::A, 0, &[]);
        message[7] = 200;
        message.extend(&bytes);
        let _reply = read(&message, id, &asked, Kind::A);
    }
}

#[test]
fn a_lookup_asks_the_next_server_with_a_new_id_and_gives_up_in_time() {
    let now = start();
    let end = now + Duration::from_millis(900);
    let (mut lookup, first) = Lookup::new(name("a.l.example"), Kind::A, 3, (now, end), 1);
    assert_eq!(first, Step::Send { server: 0, message: query(1, &name("a.l.example"), Kind::A) });
    let after = now + Duration::from_millis(300);
    assert_eq!((lookup.deadline(), lookup.handle_deadline(now, 9)), (after, Step::Wait));
    assert_eq!(
        lookup.handle_deadline(after, 2),
        Step::Send { server: 1, message: query(2, &name("a.l.example"), Kind::A) }
    );
    let late = answer(1, "a.l.example", Kind::A, 0, &[(None, 1, vec![127, 0, 0, 2])]);
    assert_eq!(lookup.handle_message(&late, after, 3), Step::Wait, "an old id");
    let refused = answer(2, "a.l.example", Kind::A, 5, &[]);
    assert_eq!(
        lookup.handle_message(&refused, after, 4),
        Step::Send { server: 2, message: query(4, &name("a.l.example"), Kind::A) }
    );
    assert_eq!(lookup.handle_failure(after, 5), Step::Done(Err(NoAnswer::Refused)));
    let (mut lookup, _) = Lookup::new(name("a.l.example"), Kind::A, 1, (now, end), 1);
    assert!(matches!(lookup.handle_deadline(lookup.deadline(), 2), Step::Send { server: 0, .. }));
    assert_eq!(lookup.handle_deadline(end, 3), Step::Done(Err(NoAnswer::Time)));
    let (_, none) = Lookup::new(name("a.l.example"), Kind::A, 0, (now, end), 1);
    assert_eq!(none, Step::Done(Err(NoAnswer::Refused)));
}

#[test]
fn a_truncated_answer_is_asked_for_over_tcp_and_a_flood_of_guesses_ends_the_attempt() {
    let now = start();
    let end = now + Duration::from_secs(1);
    let (mut lookup, _) = Lookup::new(name("a.l.example"), Kind::A, 2, (now, end), 1);
    let mut cut = answer(1, "a.l.example", Kind::A, 0, &[]);
    cut[2] |= 2;
    assert_eq!(
        lookup.handle_message(&cut, now, 6),
        Step::Connect { server: 0, message: query(6, &name("a.l.example"), Kind::A) }
    );
    assert_eq!(lookup.deadline(), end);
    let whole = answer(6, "a.l.example", Kind::A, 0, &[(None, 1, vec![127, 0, 0, 2])]);
    assert!(matches!(lookup.handle_message(&whole, now, 7), Step::Done(Ok(_))));
    let (mut lookup, _) = Lookup::new(name("a.l.example"), Kind::A, 2, (now, end), 1);
    for _ in 0..100 {
        assert_eq!(lookup.handle_message(b"guess", now, 2), Step::Wait);
    }
    assert!(matches!(lookup.handle_message(b"guess", now, 2), Step::Send { server: 1, .. }));
}
