//! Admission: what is refused, what never is, and what it comes to under load.

mod load;

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};

use proptest::prelude::*;

use super::{connection, now};
use crate::adaptation::admission::{
    Admission, Asked, CEILING_DELAYS, CLIENTS_MAX, Client, DEADLINE_DELAYS, Decision, Gauges,
    HALF_LIFE_US, INTERVAL_DELAYS, Options, OverloadAnswer, REMEMBERED_DELAYS, Refusal, Share,
    Ticket, Why, refusal,
};
use crate::adaptation::{self, Cause, Passed, headers};
use crate::engine::verdict;
use crate::icap::{Connection, Fault, Output, Profile, Unscannable};

const DELAY: u64 = 100_000;
const CALM: Gauges = Gauges {
    now_us: 0,
    delay_us: 0,
    oldest_us: 0,
    waited_us: 0,
    buffers_lent: 0,
    buffers_max: 1000,
    spool_bytes: 0,
    spool_bytes_max: 1 << 30,
    scans: 1,
};

/// The queue still stands.
const BUSY: Gauges = Gauges { delay_us: DELAY, oldest_us: DELAY, ..CALM };

fn address(number: u32) -> Client {
    Client::of(IpAddr::from(number.to_be_bytes()))
}

fn admission() -> Admission {
    Admission::new(Options::default(), 7)
}

#[track_caller]
fn admitted(decision: Decision) -> Ticket {
    match decision {
        Decision::Admit(ticket) => ticket,
        Decision::Refuse(why) => panic!("refused: {why}"),
    }
}

/// An admission whose queue stands at `now_us`.
fn standing(options: Options, now_us: u64) -> Admission {
    let mut admission = Admission::new(options, 7);
    let oldest_us = DELAY * CEILING_DELAYS + 1;
    let gauges = Gauges { now_us, delay_us: oldest_us, oldest_us, ..CALM };
    let ticket = admitted(admission.begin(Asked::Scan, Client::UNKNOWN, &gauges));
    admission.done(ticket, 0, now_us);
    assert!(admission.is_overloaded());
    admission
}

#[test]
fn a_delay_has_to_stay_for_an_interval_before_the_queue_stands() {
    let mut admission = admission();
    let mut look = |now_us, delay_us| {
        let gauges = Gauges { now_us, delay_us, oldest_us: delay_us, ..CALM };
        let ticket = admitted(admission.begin(Asked::Scan, address(1), &gauges));
        admission.done(ticket, 1, now_us);
        admission.is_overloaded()
    };
    let interval = DELAY * INTERVAL_DELAYS;
    assert!(!look(0, DELAY + 1), "it is above for the first time");
    assert!(!look(interval / 2, DELAY + 1), "for half an interval");
    assert!(!look(interval - 1, DELAY), "it was not above it at the end");
    assert!(!look(interval, DELAY + 1) && !look(interval * 3 / 2, DELAY + 1));
    assert!(look(interval * 2, DELAY + 1), "for a whole interval");
    assert!(look(interval * 2 + 1, DELAY / 2), "it ends below half of it");
    assert!(!look(interval * 2 + 2, DELAY / 2 - 1));
    assert!(look(interval * 2 + 3, DELAY + 1), "soon after the last one it counts at once");
    assert!(!look(interval * 2 + 4, 0));
    let later = interval * 2 + 5 + DELAY * REMEMBERED_DELAYS;
    assert!(!look(later, DELAY + 1), "and later not");
    assert!(look(later + 1, DELAY * CEILING_DELAYS + 1), "unless it is beyond all measure");
}

#[test]
fn a_smoothed_delay_alone_is_no_queue() {
    let mut admission = admission();
    for step in 0..100 {
        let gauges =
            Gauges { now_us: step * 50_000, delay_us: DELAY * 9, waited_us: DELAY, ..CALM };
        let ticket = admitted(admission.begin(Asked::Scan, address(1), &gauges));
        admission.done(ticket, 1, step * 50_000);
        assert!(!admission.is_overloaded(), "the queue has gone, the figure lags");
    }
}

#[test]
fn what_nobody_looked_at_is_no_interval() {
    let mut admission = admission();
    let far = DELAY * INTERVAL_DELAYS;
    for step in 0..20 {
        let gauges =
            Gauges { now_us: step * far, delay_us: DELAY + 1, oldest_us: DELAY + 1, ..CALM };
        let ticket = admitted(admission.begin(Asked::Scan, address(1), &gauges));
        admission.done(ticket, 1, step * far);
        assert!(!admission.is_overloaded(), "the delay may have been nothing in between");
    }
}

#[test]
fn what_asks_for_no_scan_is_never_refused_and_never_counted() {
    let mut admission = standing(Options::default(), 0);
    let worst = Gauges {
        now_us: 1,
        delay_us: u64::MAX,
        oldest_us: u64::MAX,
        waited_us: u64::MAX,
        buffers_lent: 1000,
        spool_bytes: 1 << 30,
        scans: u32::MAX,
        ..CALM
    };
    let ticket = admitted(admission.begin(Asked::Nothing, address(1), &worst));
    assert_eq!(admission.tickets(), 0);
    admission.done(ticket, 1000, 1);
    assert_eq!(admission.begin(Asked::Scan, address(1), &worst), Decision::Refuse(Why::Memory));
    let get: &[(&str, &str)] = &[("req-hdr", "GET http://o.test/ HTTP/1.1\n")];
    let page: &[(&str, &str)] = &[("res-hdr", "HTTP/1.1 200 OK\n")];
    for (line, parts, body, asked) in [
        ("REQMOD icap://g/reqmod ICAP/1.0\nHost: g\n", get, None, Asked::Nothing),
        ("REQMOD icap://g/reqmod ICAP/1.0\nHost: g\n", get, Some("x"), Asked::Scan),
        ("RESPMOD icap://g/respmod ICAP/1.0\nHost: g\n", page, None, Asked::Nothing),
        ("RESPMOD icap://g/avscan ICAP/1.0\nHost: g\n", page, Some("x"), Asked::Scan),
        ("RESPMOD icap://g/echo ICAP/1.0\nHost: g\n", page, Some("x"), Asked::Nothing),
    ] {
        assert_eq!(Asked::by(connection(line, parts, body).request()), asked, "{line}");
    }
}

#[test]
fn without_room_everybody_is_refused_and_before_that_who_uses_much() {
    let options =
        Options { delay_us_max: None, scans_max: NonZeroU32::new(8), ..Options::default() };
    let mut admission = Admission::new(options, 7);
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(admitted(admission.begin(Asked::Scan, address(1), &CALM)));
    }
    tickets.push(admitted(admission.begin(Asked::Scan, address(2), &CALM)));
    let scans = |scans| Gauges { scans, now_us: 20_000, ..CALM };
    let mut ask = |who, gauges| match admission.begin(Asked::Scan, address(who), &gauges) {
        Decision::Admit(ticket) => {
            tickets.push(ticket);
            None
        }
        Decision::Refuse(why) => Some(why),
    };
    assert_eq!(ask(1, scans(5)), None, "there is plenty of room");
    assert_eq!(ask(1, scans(6)), Some(Why::Share), "the last quarter is for others");
    assert_eq!(ask(2, scans(6)), None);
    assert_eq!(ask(3, scans(7)), None);
    assert_eq!(ask(3, scans(8)), Some(Why::Scans));
    let memory = |buffers_lent, spool_bytes| Gauges {
        buffers_lent,
        spool_bytes,
        spool_bytes_max: 8 << 20,
        now_us: 40_000,
        ..CALM
    };
    assert_eq!(ask(1, memory(749, 8 << 20)), None, "the pool has room");
    assert_eq!(ask(1, memory(750, (6 << 20) - 1)), None, "the spool has");
    assert_eq!(ask(1, memory(750, 6 << 20)), Some(Why::Share));
    assert_eq!(ask(3, memory(750, 7 << 20)), None);
    assert_eq!(ask(3, memory(750, (7 << 20) + 1)), None, "the last quarter is for light clients");
    assert_eq!(ask(1, memory(750, (7 << 20) + 1)), Some(Why::Share));
    assert_eq!(ask(3, memory(1000, 7 << 20)), None, "the spool has room");
    assert_eq!(ask(3, memory(1000, (7 << 20) + 1)), Some(Why::Memory));
    let no_spool = |lent| Gauges { spool_bytes_max: 0, ..memory(lent, 0) };
    assert_eq!(ask(3, no_spool(999)), None);
    assert_eq!(ask(3, no_spool(1000)), Some(Why::Memory));
    let unknown = Gauges { buffers_max: 0, ..no_spool(1000) };
    assert_eq!(ask(3, unknown), None, "what is not known refuses nobody");
}

#[test]
fn while_the_queue_stands_the_greedy_pay_and_among_equals_the_late() {
    let late = |waited_us| Gauges { now_us: 30_000, waited_us, ..BUSY };
    let deadline = DELAY * DEADLINE_DELAYS;
    let mut admission = standing(Options::default(), 0);
    let work = |admission: &mut Admission, who, work_us| {
        let ticket = admitted(admission.begin(Asked::Scan, address(who), &BUSY));
        admission.done(ticket, work_us, 0);
    };
    for who in 2..12 {
        work(&mut admission, who, 10_000);
    }
    assert_eq!(
        admission.begin(Asked::Scan, address(3), &late(deadline + 1)),
        Decision::Refuse(Why::Age)
    );
    let ticket = admitted(admission.begin(Asked::Scan, address(3), &late(deadline)));
    admission.done(ticket, 0, 30_000);
    work(&mut admission, 1, 1_000_000);
    let again = |waited_us| Gauges { now_us: 50_000, ..late(waited_us) };
    assert_eq!(admission.begin(Asked::Scan, address(1), &again(0)), Decision::Refuse(Why::Share));
    let _light = admitted(admission.begin(Asked::Scan, address(3), &again(u64::MAX)));
    let _new = admitted(admission.begin(Asked::Scan, address(99), &again(u64::MAX)));
    let alike = Options { share: Share::Alike, ..Options::default() };
    let mut admission = standing(alike, 0);
    work(&mut admission, 1, 1_000_000);
    work(&mut admission, 2, 1);
    let _one = admitted(admission.begin(Asked::Scan, address(1), &late(deadline)));
    assert_eq!(
        admission.begin(Asked::Scan, address(2), &late(deadline + 1)),
        Decision::Refuse(Why::Age)
    );
}

#[test]
fn one_client_alone_is_never_greedy() {
    let mut admission = standing(Options::default(), 0);
    let late = Gauges { now_us: 30_000, ..BUSY };
    for _ in 0..1000 {
        let ticket = admitted(admission.begin(Asked::Scan, address(1), &late));
        admission.done(ticket, 1_000_000, 30_000);
    }
}

#[test]
fn what_a_client_did_is_forgotten_by_halves() {
    let mut admission = standing(Options::default(), 0);
    for (who, work) in [(1, 8_000_000), (2, 1_000_000), (3, 1_000_000), (4, 1_000_000)] {
        let ticket = admitted(admission.begin(Asked::Scan, address(who), &BUSY));
        admission.done(ticket, work, 0);
    }
    let at = |now_us| Gauges { now_us, ..BUSY };
    assert_eq!(admission.begin(Asked::Scan, address(1), &at(20_000)), Decision::Refuse(Why::Share));
    // The others go on as before, and the share with them.
    for half_life in 1..=4 {
        for who in 2..=4 {
            let ticket = admitted(admission.begin(Asked::Scan, address(who), &BUSY));
            admission.done(ticket, 500_000, half_life * HALF_LIFE_US);
        }
    }
    let _again = admitted(admission.begin(Asked::Scan, address(1), &at(4 * HALF_LIFE_US)));
}

#[test]
fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
    let of = |text: &str| Client::of(text.parse().expect("an address"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    let (user, proxy) = ("10.0.0.1".parse().ok(), "10.9.9.9".parse().ok());
    assert_eq!(Client::behind(user, proxy), of("10.0.0.1"));
    assert_eq!(Client::behind(None, proxy), of("10.9.9.9"));
    assert_eq!(Client::behind(None, None), Client::UNKNOWN);
}

#[test]
fn beyond_the_table_all_share_one_entry_until_an_entry_is_idle() {
    let mut admission = standing(Options::default(), 0);
    let count = u64::try_from(CLIENTS_MAX).expect("a small number");
    let known = |index: u64| address(u32::try_from(index).expect("a small number") + 1);
    let at = |now_us| Gauges { now_us, ..BUSY };
    for index in 0..count {
        let ticket = admitted(admission.begin(Asked::Scan, known(index), &at(0)));
        admission.done(ticket, 1_000_000, 0);
    }
    // Strangers are one client: each does little, together they are greedy.
    for index in count..count + 50 {
        if let Decision::Admit(ticket) = admission.begin(Asked::Scan, known(index), &at(0)) {
            admission.done(ticket, 100_000, 0);
        }
    }
    let stranger = known(count + 99);
    assert_eq!(admission.begin(Asked::Scan, stranger, &at(20_000)), Decision::Refuse(Why::Share));
    let _known = admitted(admission.begin(Asked::Scan, known(5), &at(20_000)));
    // Much later everybody is idle, and a stranger gets an entry of its own.
    let later = 64 * HALF_LIFE_US;
    let _own = admitted(admission.begin(Asked::Scan, stranger, &at(later)));
}

#[test]
fn a_lost_ticket_counts_until_the_shard_is_idle_and_a_late_one_not_at_all() {
    let mut admission = admission();
    let lost = admitted(admission.begin(Asked::Scan, address(1), &CALM));
    let kept = admitted(admission.begin(Asked::Scan, address(1), &CALM));
    admission.done(kept, 10, 0);
    assert_eq!(admission.tickets(), 1);
    let idle = Gauges { scans: 0, now_us: 5, ..CALM };
    let next = admitted(admission.begin(Asked::Scan, address(1), &idle));
    assert_eq!(admission.tickets(), 1, "only the one that is out now");
    admission.done(lost, 10, 6);
    assert_eq!(admission.tickets(), 1, "a ticket of before is void");
    admission.done(next, 10, 7);
    assert_eq!(admission.tickets(), 0);
}

#[test]
fn a_refusal_is_a_503_or_a_500_or_a_message_on_its_way_unchecked() {
    let (unavailable, pass) = (OverloadAnswer::Unavailable, OverloadAnswer::Pass);
    assert_eq!(refusal(unavailable, Unscannable::Page), Refusal::Fault(Fault::Overloaded));
    let passed = adaptation::Decision::Unmodified(Passed::Unchecked(verdict::Why::Busy));
    for unscannable in [Unscannable::Page, Unscannable::ServerError] {
        assert_eq!(refusal(pass, unscannable), Refusal::Decision(passed.clone()));
    }
    let blocked = adaptation::Decision::Block(Box::new(Cause::Unchecked(verdict::Why::Busy)));
    assert_eq!(refusal(unavailable, Unscannable::ServerError), Refusal::Decision(blocked.clone()));
    let mut core = upload(Profile::NEXTCLOUD);
    assert_eq!(core.request().unscannable(), Unscannable::ServerError);
    core.answer_unscannable(&headers::extra(&blocked), now());
    let Some(Output::Send(bytes)) = core.poll_output() else { panic!("an answer") };
    let answer = String::from_utf8_lossy(bytes);
    assert!(answer.starts_with("ICAP/1.0 500 Server Error\r\nISTag: "), "{answer}");
    assert!(answer.contains("\r\nX-Error-Code: engine_error\r\n"), "{answer}");
    assert!(answer.contains("\r\nX-Infection-Found: Type=2; Resolution=2; "), "{answer}");
}

fn upload(profile: Profile) -> Connection {
    use crate::icap::{IsTag, Options};
    let mut options = Options::new(IsTag::of(b"", b""));
    options.profile = profile;
    let mut core = Connection::new(std::sync::Arc::new(options), now());
    let request = "REQMOD icap://g/reqmod ICAP/1.0\r\nHost: g\r\nEncapsulated: req-hdr=0, req-body=18\r\n\r\n\
        PUT / HTTP/1.1\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let _taken = core.handle_bytes(request.as_bytes(), now());
    core
}

#[test]
fn every_reason_has_a_name_and_a_sentence_of_its_own() {
    let names: Vec<_> = Why::ALL.iter().map(|why| why.name()).collect();
    assert_eq!(names, ["memory", "scans", "share", "age"]);
    let said: Vec<_> = Why::ALL.iter().map(ToString::to_string).collect();
    let mut different = said.clone();
    different.sort();
    different.dedup();
    assert!(different.len() == said.len() && said.iter().all(|text| !text.is_empty()));
}

fn gauges() -> impl Strategy<Value = Gauges> {
    let any = || prop_oneof![0..2_000_000_u64, any::<u64>()];
    let room = (any(), any(), any(), any(), proptest::num::u32::ANY);
    (0..10_000_000_u64, any(), any(), any(), room).prop_map(
        |(now_us, delay, oldest, waited, room)| Gauges {
            now_us,
            delay_us: delay,
            oldest_us: oldest,
            waited_us: waited,
            buffers_lent: room.0,
            buffers_max: room.1,
            spool_bytes: room.2,
            spool_bytes_max: room.3,
            scans: room.4,
        },
    )
}

proptest! {
    /// With room, and without delay, nobody is refused, whatever happened before.
    #[test]
    fn without_overload_nobody_is_ever_refused(
        requests in prop::collection::vec((0..50_u32, 0..=DELAY, 0..2000_u64, any::<u64>()), 1..400)
    ) {
        let mut admission = admission();
        let mut now_us = 0;
        let mut tickets = Vec::new();
        for (who, delay_us, gap, work) in requests {
            now_us += gap;
            let gauges = Gauges {
                now_us, delay_us, oldest_us: delay_us, waited_us: work, ..CALM
            };
            tickets.push(admitted(admission.begin(Asked::Scan, address(who), &gauges)));
            if tickets.len() > 20 {
                admission.done(tickets.swap_remove(who as usize % 20), work, now_us);
            }
        }
    }

    /// Any gauges, in any order, and time that runs backwards: the same answers twice, and tickets add up.
    #[test]
    fn the_same_calls_give_the_same_answers(
        calls in prop::collection::vec((0..3000_u32, gauges(), any::<u64>()), 1..200),
        delay in 0..1_000_000_u64, scans in 0..100_u32, fair: bool,
    ) {
        let options = Options {
            delay_us_max: NonZeroU64::new(delay),
            scans_max: NonZeroU32::new(scans),
            share: if fair { Share::Fair } else { Share::Alike },
            ..Options::default()
        };
        let run = || {
            let mut admission = Admission::new(options, 7);
            let mut tickets = Vec::new();
            let mut out = Vec::new();
            for (who, gauges, work) in &calls {
                let gauges = Gauges { scans: gauges.scans.max(1), ..*gauges };
                match admission.begin(Asked::Scan, address(*who), &gauges) {
                    Decision::Admit(ticket) => {
                        tickets.push(ticket);
                        out.push(None);
                    }
                    Decision::Refuse(why) => out.push(Some(why)),
                }
                assert_eq!(admission.tickets(), tickets.len() as u64);
                if work % 3 == 0 && let Some(ticket) = tickets.pop() {
                    admission.done(ticket, *work, gauges.now_us);
                }
            }
            out
        };
        prop_assert_eq!(run(), run());
    }
}
