//! The client of a shared store: its replies, its deadlines, and values that nobody can forge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use sha2::Sha256;

use super::{all_settled, any_settled, content, infected, now};
use crate::adaptation::verdicts::Settled;
use crate::adaptation::verdicts::second::connection::SILENCE_MAX;
use crate::adaptation::verdicts::second::resp::{Reader, Reply};
use crate::adaptation::verdicts::second::value::{Foul, VALUE_BYTES_MAX, open, seal};
use crate::adaptation::verdicts::second::{
    Absence, Answer, Connection, Fault, Health, Options, Secret, SecretFault,
};
use crate::policy::reputation::breaker::{Change, FAILURES_MAX, PAUSE_MIN};

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes()).expect("long enough")
}

fn ours() -> Secret {
    secret("0123456789abcdef")
}

fn options() -> Options {
    Options {
        secret: ours(),
        password: None,
        database: 0,
        in_flight_max: 4,
        time_max: Duration::from_millis(20),
        lifetime_s: 1000,
    }
}

fn connection(options: Options) -> (Connection, Instant) {
    let begun = now();
    (Connection::new(Arc::new(options), begun), begun)
}

fn bulk(value: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
}

fn answers(connection: &mut Connection) -> Vec<Answer> {
    std::iter::from_fn(|| connection.poll_answer()).collect()
}

/// RFC 4231, test cases 1, 2 and 6: the crate does what the standard says.
#[test]
fn the_code_is_that_of_the_standard() {
    for (key, data, want) in [
        (
            vec![0x0b; 20],
            &b"Hi There"[..],
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            vec![0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ] {
        let mut code = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
        code.update(data);
        let found: String =
            code.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, want);
    }
}

#[test]
fn a_value_counts_under_its_key_and_secret_and_for_its_time_only() {
    for settled in all_settled() {
        let value = seal(&ours(), &content(1), &settled, 100);
        assert!(value.len() <= VALUE_BYTES_MAX);
        assert_eq!(open(&ours(), &content(1), &value, 50, 149), Ok((settled.clone(), 100)));
        assert_eq!(open(&ours(), &content(1), &value, 50, 150), Err(Foul::Old));
        assert_eq!(open(&ours(), &content(1), &value, 50, 60), Ok((settled, 60)), "a clock behind");
        assert_eq!(open(&ours(), &content(2), &value, 50, 100), Err(Foul::Code), "moved");
        let other = secret("another key here");
        assert_eq!(open(&other, &content(1), &value, 50, 100), Err(Foul::Code));
        for place in 0..value.len() {
            let mut changed = value.clone();
            changed[place] ^= 1;
            assert_eq!(open(&ours(), &content(1), &changed, 50, 100), Err(Foul::Code), "{place}");
            let cut = open(&ours(), &content(1), &value[..place], 50, 100);
            assert!(matches!(cut, Err(Foul::Code | Foul::Short)), "{place}");
        }
    }
}

/// What fits its code was written by one of us, perhaps by a later version: it is still read with care.
#[test]
fn a_value_with_a_good_code_is_checked_all_the_same() {
    let coded = |content_bytes: &[u8]| {
        let mut code = Hmac::<Sha256>::new_from_slice(b"0123456789abcdef").expect("any length");
        code.update(b"baleen shared verdict 1");
        code.update(content(1).as_bytes());
        code.update(content_bytes);
        [content_bytes, &code.finalize().into_bytes()].concat()
    };
    let read = |bytes: &[u8]| open(&ours(), &content(1), &coded(bytes), 1000, 0);
    assert_eq!(read(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Ok((Settled::Clean, 0)));
    assert_eq!(read(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Foul::Version(2)));
    for bytes in [&[][..], &[1], &[1, 0, 0, 0, 0, 0, 0, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 9]] {
        assert!(matches!(read(bytes), Err(Foul::Content(_))), "{bytes:?}");
    }
    assert!(matches!(read(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Foul::Content(_))), "too long");
}

#[test]
fn a_secret_that_can_be_guessed_is_none_and_is_never_shown() {
    assert_eq!(Secret::new(b"0123456789abcde").err(), Some(SecretFault::Short(15)));
    assert_eq!(Secret::new(b"  \n").err(), Some(SecretFault::Short(0)));
    let value = seal(&secret("0123456789abcdef\n"), &content(1), &Settled::Clean, 0);
    assert!(open(&ours(), &content(1), &value, 1, 0).is_ok(), "the end of the line is not in it");
    assert_eq!(format!("{:?}", ours()), "Secret");
}

#[test]
fn questions_go_out_in_a_row_and_answers_come_in_the_same_order() {
    let (mut connection, now) = connection(options());
    assert!(connection.is_ready() && connection.poll_output().is_none());
    let one = connection.get(&content(1), now).expect("room");
    assert!(connection.put(&content(2), &Settled::Clean, 90, (now, 100)));
    let two = connection.get(&content(3), now).expect("room");
    let sent = connection.poll_output().expect("three commands");
    let name = |number: u8| format!("baleen:v1:{}", format!("{number:02x}").repeat(32));
    let value = seal(&ours(), &content(2), &Settled::Clean, 90);
    let want = [
        format!(
            "*2\r\n$3\r\nGET\r\n$74\r\n{}\r\n*5\r\n$3\r\nSET\r\n$74\r\n{}\r\n",
            name(1),
            name(2)
        )
        .as_bytes(),
        &bulk(&value),
        format!("$2\r\nEX\r\n$3\r\n990\r\n*2\r\n$3\r\nGET\r\n$74\r\n{}\r\n", name(3)).as_bytes(),
    ]
    .concat();
    assert_eq!(sent.escape_ascii().to_string(), want.escape_ascii().to_string());
    let found = infected("Eicar");
    let replies = [&bulk(&seal(&ours(), &content(1), &found, 95))[..], b"+OK\r\n$-1\r\n"].concat();
    connection.handle_bytes(&replies, now, 100);
    assert_eq!(
        answers(&mut connection),
        [
            Answer::Found { ticket: one, key: content(1), settled: found, born: 95 },
            Answer::Absent { ticket: two, why: Absence::Unknown },
        ]
    );
    assert_eq!((connection.counts().found, connection.counts().unknown), (1, 1));
    assert!(
        !connection.put(&content(2), &Settled::Clean, 90, (now, 1090)),
        "nothing is left of its time"
    );
    assert_eq!((connection.fault(), connection.poll_deadline()), (None, None));
}

#[test]
fn nothing_is_asked_before_password_and_database_are_accepted() {
    let with = Options { password: Some("pass word\r\n".into()), database: 3, ..options() };
    let (mut good, now) = connection(with.clone());
    let sent = good.poll_output().expect("a greeting");
    let want = b"*2\r\n$4\r\nAUTH\r\n$11\r\npass word\r\n\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
    assert_eq!(sent, want);
    assert!(!good.is_ready() && good.get(&content(1), now).is_none());
    good.handle_bytes(b"+OK\r\n", now, 0);
    assert!(!good.is_ready());
    good.handle_bytes(b"+OK\r\n", now, 0);
    assert!(good.is_ready() && good.get(&content(1), now).is_some());
    for replies in [&b"-WRONGPASS no\r\n"[..], b"+OK\r\n-ERR DB index is out of range\r\n"] {
        let (mut refused, now) = connection(with.clone());
        refused.handle_bytes(replies, now, 0);
        assert_eq!(refused.fault(), Some(Fault::Refused));
        assert!(matches!(&answers(&mut refused)[..], [Answer::Refused(_)]));
        assert!(!refused.is_ready() && refused.poll_output().is_none());
    }
    let (mut silent, now) = connection(with);
    silent.handle_deadline(now + SILENCE_MAX);
    assert_eq!(silent.fault(), Some(Fault::Silent));
}

#[test]
fn a_late_reply_is_thrown_away_in_its_turn() {
    let (mut connection, begun) = connection(options());
    let late = connection.get(&content(1), begun).expect("room");
    let soon = begun + Duration::from_millis(15);
    let next = connection.get(&content(2), soon).expect("room");
    let due = begun + Duration::from_millis(20);
    assert_eq!(connection.poll_deadline(), Some(due));
    connection.handle_deadline(due - Duration::from_millis(1));
    assert!(answers(&mut connection).is_empty());
    connection.handle_deadline(due);
    assert_eq!(answers(&mut connection), [Answer::Absent { ticket: late, why: Absence::Late }]);
    assert_eq!(connection.poll_deadline(), Some(soon + Duration::from_millis(20)));
    // The first reply belongs to the first question, and is nobody's by now.
    let replies = [
        bulk(&seal(&ours(), &content(1), &Settled::Clean, 0)),
        bulk(&seal(&ours(), &content(2), &infected("Eicar"), 0)),
    ]
    .concat();
    connection.handle_bytes(&replies, due, 0);
    let settled = infected("Eicar");
    let want = Answer::Found { ticket: next, key: content(2), settled, born: 0 };
    assert_eq!(answers(&mut connection), [want]);
    assert_eq!((connection.counts().late, connection.fault()), (1, None));
    // One that arrives with its deadline is late, too: the order of two events does not decide.
    let other = connection.get(&content(1), due).expect("room");
    connection.handle_bytes(b"$-1\r\n", due + Duration::from_millis(20), 0);
    assert_eq!(answers(&mut connection), [Answer::Absent { ticket: other, why: Absence::Late }]);
}

#[test]
fn a_store_that_says_nothing_is_given_up_and_everybody_is_told() {
    let (mut connection, begun) = connection(options());
    let one = connection.get(&content(1), begun).expect("room");
    connection.handle_deadline(begun + Duration::from_millis(20));
    assert_eq!(connection.poll_deadline(), Some(begun + SILENCE_MAX));
    let two = connection.get(&content(2), begun + SILENCE_MAX).expect("room");
    connection.handle_deadline(begun + SILENCE_MAX);
    assert_eq!(connection.fault(), Some(Fault::Silent));
    assert_eq!(
        answers(&mut connection),
        [
            Answer::Absent { ticket: one, why: Absence::Late },
            Answer::Absent { ticket: two, why: Absence::Gone },
        ]
    );
    assert!(connection.get(&content(1), begun).is_none());
    connection.handle_bytes(b"$-1\r\n", begun, 0);
    connection.handle_end();
    assert_eq!((connection.fault(), answers(&mut connection)), (Some(Fault::Silent), vec![]));
}

#[test]
fn refusals_are_told_in_the_words_of_the_store_and_are_no_verdicts() {
    let (mut connection, now) = connection(options());
    let ticket = connection.get(&content(1), now).expect("room");
    assert!(connection.put(&content(1), &Settled::Clean, 0, (now, 0)));
    let long = format!("-MOVED 1 \x1b[31m{}\r\n", "h".repeat(3000));
    connection.handle_bytes(long.as_bytes(), now, 0);
    connection.handle_bytes(b"-OOM command not allowed\r\n", now, 0);
    let said = answers(&mut connection);
    let [Answer::Refused(moved), absent, Answer::Refused(full)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(*absent, Answer::Absent { ticket, why: Absence::Refused });
    assert!((*moved.code == *"MOVED") && moved.text.starts_with("MOVED 1 \\x1b[31mhh"));
    assert!(moved.text.len() < 300 && *full.text == *"OOM command not allowed");
    assert_eq!((connection.fault(), connection.counts().refused), (None, 2));
    let mut health = Health::new();
    assert!(health.refused(moved) && !health.refused(moved) && health.refused(full));
}

#[test]
fn what_does_not_belong_there_ends_the_connection() {
    let too_long = format!("${}\r\n", VALUE_BYTES_MAX + 1);
    let endless = "+".repeat(5000);
    for (bytes, want) in [
        ("*1\r\n$1\r\na\r\n", Fault::Kind(b'*')),
        ("HTTP/1.1 400 Bad Request\r\n", Fault::Kind(b'H')),
        ("\r\n", Fault::Line),
        ("+OK\n", Fault::Line),
        (&endless, Fault::Line),
        (&too_long, Fault::TooLong(u64::try_from(VALUE_BYTES_MAX + 1).expect("small"))),
        ("$9999999999\r\n", Fault::TooLong(9_999_999_999)),
        ("$99999999999\r\n", Fault::Length),
        ("$-2\r\n", Fault::Length),
        ("$+1\r\n", Fault::Length),
        ("$\r\n", Fault::Length),
        ("$1\r\nabc\r\n", Fault::End),
        (":1\r\n", Fault::Unfit),
        ("+OK\r\n", Fault::Unfit),
        ("$-1\r\n$-1\r\n", Fault::Unasked),
    ] {
        let (mut connection, now) = connection(options());
        let ticket = connection.get(&content(1), now).expect("room");
        connection.handle_bytes(bytes.as_bytes(), now, 0);
        assert_eq!(connection.fault(), Some(want), "{bytes}");
        let said = answers(&mut connection);
        assert!(matches!(&said[..], [Answer::Absent { ticket: told, .. }] if *told == ticket));
        assert!(!want.to_string().is_empty());
    }
    let (mut put, now) = connection(options());
    assert!(put.put(&content(1), &Settled::Clean, 0, (now, 0)));
    put.handle_bytes(b"$-1\r\n", now, 0);
    assert_eq!(put.fault(), Some(Fault::Unfit));
}

#[test]
fn what_is_on_its_way_is_bounded() {
    let (mut connection, now) = connection(options());
    for number in 0..4 {
        assert!(connection.get(&content(number), now).is_some());
    }
    assert!(connection.get(&content(9), now).is_none());
    assert!(!connection.put(&content(9), &Settled::Clean, 0, (now, 0)));
    connection.handle_deadline(now + Duration::from_secs(1));
    assert!(connection.get(&content(9), now).is_none(), "late replies are still to come");
    connection.handle_bytes(b"$-1\r\n$-1\r\n$-1\r\n$-1\r\n", now, 0);
    assert!(connection.get(&content(9), now).is_none(), "nobody fetched the answers");
    assert_eq!(answers(&mut connection).len(), 4);
    assert!(connection.get(&content(9), now).is_some());
    assert_eq!(connection.counts().full, 4);
}

#[test]
fn a_store_that_fails_is_left_alone_for_a_while() {
    let (mut health, begun) = (Health::new(), now());
    for _ in 1..FAILURES_MAX {
        assert!(health.failed(begun).is_none() && health.may_ask(begun));
    }
    assert_eq!(health.failed(begun), Some(Change::Opened));
    assert!(!health.may_ask(begun));
    assert!(health.may_ask(begun + PAUSE_MIN) && !health.may_ask(begun + PAUSE_MIN));
    assert_eq!(health.answered(), Some(Change::Closed));
    assert!(health.may_ask(begun) && health.answered().is_none());
}

fn any_reply() -> impl Strategy<Value = (Vec<u8>, Reply)> {
    prop_oneof![
        "[ -~]{0,20}".prop_map(|text| (format!("+{text}\r\n").into_bytes(), Reply::Simple)),
        "[ -~]{0,20}".prop_map(|text| {
            (format!("-{text}\r\n").into_bytes(), Reply::Error(text.into_bytes()))
        }),
        (0_u32..999).prop_map(|number| (format!(":{number}\r\n").into_bytes(), Reply::Integer)),
        Just((b"$-1\r\n".to_vec(), Reply::Null)),
        prop::collection::vec(any::<u8>(), 0..200)
            .prop_map(|value| (bulk(&value), Reply::Bulk(value))),
    ]
}

proptest! {
    /// What is read does not depend on how it is cut.
    #[test]
    fn replies_may_be_cut_anywhere(
        replies in prop::collection::vec(any_reply(), 0..12),
        piece in 1_usize..40,
    ) {
        let (wire, want): (Vec<_>, Vec<_>) = replies.into_iter().unzip();
        let mut reader = Reader::new(200);
        let mut found = Vec::new();
        for mut part in wire.concat().chunks(piece) {
            while let Some(reply) = reader.read(&mut part).expect("it is in order") {
                found.push(reply);
            }
            prop_assert!(part.is_empty());
        }
        prop_assert_eq!(found, want);
    }

    /// A store that says what it likes: every question has one answer, and no verdict that we did not seal.
    #[test]
    fn a_hostile_store_makes_no_verdict(
        asked in 1_u8..4,
        said in prop::collection::vec(any_reply(), 0..8),
        own in any_settled(),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (mut connection, now) = connection(options());
        let tickets: Vec<_> =
            (0..asked).map(|number| connection.get(&content(number), now).expect("room")).collect();
        let mut wire: Vec<u8> = said.into_iter().flat_map(|(wire, _)| wire).collect();
        // Sealed for another place.
        wire.extend(bulk(&seal(&ours(), &content(200), &own, 0)));
        wire.extend(noise);
        connection.handle_bytes(&wire, now, 0);
        connection.handle_end();
        let mut told = Vec::new();
        for answer in answers(&mut connection) {
            match answer {
                Answer::Found { .. } => prop_assert!(false, "nobody sealed one for it"),
                Answer::Absent { ticket, .. } => told.push(ticket),
                Answer::Refused(refusal) => prop_assert!(refusal.text.is_ascii()),
            }
        }
        prop_assert_eq!(told, tickets);
    }
}
