//! The edge against servers of our own on the loopback that do what real ones should not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_lite::future::block_on;

use super::{Asked, Client, Cloud, Front, ring};
use crate::observe::Level;
use crate::policy::reputation::{Answer, DnsList, NoAnswer, Opinion, Options, Question};
use crate::policy::{Categories, Category};
use crate::runtime::executor::NewShard;
use crate::runtime::heartbeat::{self, Pulse};
use crate::runtime::journal::Journal;

/// What a server of block lists does with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    Good,
    /// First a wrong id, a wrong question and garbage, then the answer.
    Guessed,
    /// The answer comes from another port only.
    OtherPort,
    /// UDP is cut off, TCP is good, in pieces.
    Truncated,
    /// UDP is cut off, TCP hangs up.
    TruncatedAndGone,
    Silent,
    /// The first question is lost.
    SecondTime,
    Refusing,
}

/// A server that lists `bad.example` in `l.example`; it ends with the test's process.
fn server(habit: Habit) -> std::net::SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        // The same port over TCP may be somebody else's: then the next.
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("bound")) {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().expect("bound");
    std::thread::spawn(move || {
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let mut buffer = [0_u8; 600];
        let mut count = 0;
        while let Ok((length, client)) = udp.recv_from(&mut buffer) {
            let query = &buffer[..length];
            count += 1;
            let send = |message: &[u8]| udp.send_to(message, client).map(drop).expect("sent");
            match habit {
                Habit::Good => send(&answer(query, 0)),
                Habit::Guessed => {
                    let mut wrong = answer(query, 0);
                    wrong[0] ^= 0x55;
                    send(&wrong);
                    let mut wrong = answer(query, 0);
                    wrong[13] ^= 1;
                    send(&wrong);
                    send(b"garbage");
                    send(&[]);
                    send(&answer(query, 0));
                }
                Habit::OtherPort => drop(other.send_to(&answer(query, 0), client)),
                Habit::Truncated | Habit::TruncatedAndGone => send(&answer(query, 2)),
                Habit::Silent => {}
                Habit::SecondTime if count % 2 == 1 => {}
                Habit::SecondTime => send(&answer(query, 0)),
                Habit::Refusing => {
                    let mut refused = answer(query, 0);
                    refused[3] |= 5;
                    send(&refused);
                }
            }
        }
    });
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = tcp.accept() {
            let mut length = [0_u8; 2];
            if habit != Habit::Truncated || stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut query = vec![0_u8; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).expect("a whole question");
            let answer = answer(&query, 0);
            let length = u16::try_from(answer.len()).expect("short").to_be_bytes();
            for byte in length.iter().chain(&answer) {
                stream.write_all(&[*byte]).expect("written");
            }
        }
    });
    address
}

/// The answer to a query, with more flags in its second byte.
fn answer(query: &[u8], flags: u8) -> Vec<u8> {
    let is_listed = query[12..].starts_with(b"\x03bad\x07example\x01l\x07example\0");
    let is_text = query[query.len() - 3] == 16;
    let mut message = query.to_vec();
    message[2] = 0x81 | flags;
    message[3] = if is_listed { 0x80 } else { 0x83 };
    if is_listed && flags & 2 == 0 {
        message[7] = 1;
        message.extend([0xc0, 12]);
        message.extend(&query[query.len() - 4..]);
        message.extend([0, 0, 0, 60, 0]);
        message.extend(if is_text { &b"\x04\x03why"[..] } else { &[4, 127, 0, 0, 2] });
    }
    message
}

fn cloud(servers: Vec<std::net::SocketAddr>, milliseconds: u64) -> Cloud {
    let options = Options {
        lists: vec![DnsList::parse("l.example hosts *=Weapons").expect("a good list")],
        service: None,
        time_max: Duration::from_millis(milliseconds),
        cache_entries_max: 100,
        cache_time: Duration::from_secs(60),
        negative_time: Duration::from_secs(60),
    };
    Cloud { options, servers, service: None }
}

fn started(cloud: Cloud) -> Arc<Client> {
    let (journal, _writer) = Journal::start(Level::Error).expect("a journal");
    Client::start(cloud, &journal).expect("threads")
}

fn asked(client: &Client, host: &str) -> Opinion {
    block_on(client.ask(Question::of(host, "/").expect("a public host")))
}

fn listed() -> Answer {
    Answer::Categories(Categories::NONE.with(Category::Weapons))
}

#[test]
fn servers_are_understood_whatever_they_do() {
    // Long times: they count only where the server is silent.
    for (habit, milliseconds, bad, good) in [
        (Habit::Good, 20_000, listed(), Answer::Unknown),
        (Habit::Guessed, 20_000, listed(), Answer::Unknown),
        (Habit::Truncated, 20_000, listed(), Answer::Unknown),
        (
            Habit::TruncatedAndGone,
            20_000,
            Answer::NoAnswer(NoAnswer::Refused),
            Answer::NoAnswer(NoAnswer::Refused),
        ),
        (
            Habit::Refusing,
            20_000,
            Answer::NoAnswer(NoAnswer::Refused),
            Answer::NoAnswer(NoAnswer::Refused),
        ),
        (Habit::Silent, 100, Answer::NoAnswer(NoAnswer::Time), Answer::NoAnswer(NoAnswer::Time)),
        (Habit::OtherPort, 100, Answer::NoAnswer(NoAnswer::Time), Answer::NoAnswer(NoAnswer::Time)),
    ] {
        let client = started(cloud(vec![server(habit)], milliseconds));
        let found = asked(&client, "bad.example");
        assert_eq!(found.answer, bad, "{habit:?}");
        let source = if bad == listed() { "l.example: why" } else { "" };
        assert_eq!(&*found.source, source, "{habit:?}");
        assert_eq!(asked(&client, "good.example").answer, good, "{habit:?}");
    }
}

#[test]
fn a_lost_question_is_asked_again_and_the_next_server_helps() {
    let lossy = started(cloud(vec![server(Habit::SecondTime)], 400));
    assert_eq!(asked(&lossy, "good.example").answer, Answer::Unknown);
    let two = started(cloud(vec![server(Habit::Refusing), server(Habit::Good)], 20_000));
    assert_eq!(asked(&two, "bad.example").answer, listed());
}

#[test]
fn many_questions_are_under_way_at_once() {
    let client = started(cloud(vec![server(Habit::Good)], 20_000));
    let hosts: Vec<String> = (0..200).map(|number| format!("h{number}.example")).collect();
    let answers = std::thread::scope(|scope| {
        let ask = |part: &[String]| part.iter().map(|host| asked(&client, host).answer).collect();
        #[expect(clippy::needless_collect, reason = "all are started before one is waited for")]
        let threads: Vec<_> = hosts
            .chunks(25)
            .map(|part| scope.spawn(move || -> Vec<Answer> { ask(part) }))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(answers, vec![Answer::Unknown; 200]);
}

#[test]
fn a_full_queue_and_a_dead_desk_are_no_reason_to_wait() {
    let (questions, queue) = crossbeam_channel::bounded(1);
    let (answer, _waiting) = async_channel::bounded(1);
    let question = Question::of("a.example", "/").expect("a public host");
    questions.send(Asked { question, answer }).expect("room");
    let flags = rustix::event::EventfdFlags::NONBLOCK;
    let bell = Arc::new(rustix::event::eventfd(0, flags).expect("a bell"));
    let client = Client { cloud: cloud(Vec::new(), 1), questions: Some(questions), bell };
    assert_eq!(asked(&client, "a.example"), Opinion::none(NoAnswer::Busy));
    drop(queue);
    assert_eq!(asked(&client, "a.example"), Opinion::none(NoAnswer::Ended));
}

#[test]
fn a_shard_remembers_answers_and_never_waits_longer_than_it_may() {
    let client = started(cloud(vec![server(Habit::Good)], 20_000));
    let (questions, _nobody_reads) = crossbeam_channel::bounded(8);
    let flags = rustix::event::EventfdFlags::NONBLOCK;
    let bell = Arc::new(rustix::event::eventfd(0, flags).expect("a bell"));
    let quiet = Arc::new(Client { cloud: cloud(Vec::new(), 20), questions: Some(questions), bell });
    let pulse = Arc::new(Pulse::default());
    heartbeat::start(vec![Arc::clone(&pulse)], Arc::new([AtomicUsize::new(1)])).expect("a thread");
    let (tell, told) = crossbeam_channel::bounded(1);
    let asking = move |_spawner| async move {
        let front = Front::new();
        let first = front.ask(Some(&client), "bad.example", "/").await;
        // The same until the same time: nobody was asked again.
        assert_eq!(front.ask(Some(&client), "bad.example", "/other").await, first);
        assert_eq!(front.ask(Some(&client), "10.0.0.1", "/").await, Opinion::unknown());
        assert_eq!(front.ask(None, "bad.example", "/").await, Opinion::none(NoAnswer::Off));
        let silent = front.ask(Some(&quiet), "bad.example", "/").await;
        tell.send((first.answer, silent)).expect("the test waits");
    };
    let shard = NewShard::new("asks", None).spawn(pulse, asking).expect("an executor");
    let found = told.recv().expect("the shard did not panic");
    assert_eq!(found, (listed(), Opinion::none(NoAnswer::Time)));
    shard.join().expect("the shard ends");
}

#[test]
fn the_threads_end_with_the_last_who_could_ask() {
    let client = started(cloud(vec![server(Habit::Good)], 20_000));
    let bell = Arc::clone(&client.bell);
    assert_eq!(asked(&client, "good.example").answer, Answer::Unknown);
    drop(client);
    while Arc::strong_count(&bell) > 1 {
        std::thread::yield_now();
    }
    ring(&bell);
}
