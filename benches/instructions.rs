//! The hot path in instructions instead of time: `perf/instructions` runs each case a few times and many times
//! under callgrind and divides the difference, which is the same on a busy machine.
//!
//! ```text
//! cargo bench --profile quick --bench instructions -- --list
//! cargo bench --profile quick --bench instructions -- small-random 100
//! ```
//!
//! | case | what one round is |
//! | --- | --- |
//! | `icap` | a RESPMOD whose body ends in its preview, from the first byte to a 204, without policy and scan |
//! | `request` | the same with the first look of the policy and the scan: all but the socket |
//! | `small-*` | a scan of 1 KiB from the start to the verdict |
//! | `bulk-*` | a scan of 1 MiB in pieces of 64 KiB |
//! | `chunks` | 1 MiB of chunks of 4 KiB through the chunked decoder |
//! | `decision` | the policy about an address, with lists |
//!
//! `--test` runs every case once and checks its outcome.

#![expect(clippy::print_stdout, reason = "the list is what is asked for")]
#![expect(clippy::disallowed_methods, reason = "the protocol wants an instant to count from")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use baleen::adaptation::{self, Begin, Known};
use baleen::engine::database::{BuildOptions, Image, build, builtin_sources};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{GramCounts, compile};
use baleen::engine::verdict::Verdict;
use baleen::engine::{Engine, Object};
use baleen::icap::{Connection, Event, Extra, IsTag, Options, Output, Unmodified};
use baleen::policy::{self, List, Policy};

/// The gateway's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SMALL_BYTES: usize = 1 << 10;
const BULK_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 64 << 10;

/// A case: its name, and what prepares it and gives the round.
type Case = (&'static str, fn() -> Box<dyn FnMut()>);

const CASES: &[Case] = &[
    ("icap", icap),
    ("request", request),
    ("small-random", || scan(random(SMALL_BYTES))),
    ("small-text", || scan(text(SMALL_BYTES))),
    ("small-program", || scan(program(SMALL_BYTES))),
    ("bulk-random", || scan(random(BULK_BYTES))),
    ("bulk-text", || scan(text(BULK_BYTES))),
    ("bulk-program", || scan(program(BULK_BYTES))),
    ("chunks", chunks),
    ("decision", decision),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => CASES.iter().for_each(|(name, _)| println!("{name}")),
        [name, count] => {
            let count = count.parse().expect("a number of rounds");
            let (_, make) = CASES.iter().find(|(known, _)| *known == name).expect("a known case");
            rounds(make(), count);
        }
        // With `--test`, and without words, as a test runner asks.
        _ => CASES.iter().for_each(|(_, make)| rounds(make(), 1)),
    }
}

fn rounds(mut round: Box<dyn FnMut()>, count: u32) {
    for _ in 0..count {
        round();
    }
}

fn engine() -> Engine {
    let sources = builtin_sources(BuildOptions::default());
    let built = build(sources, &|bodies| compile(bodies, &GramCounts::new()), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("just built");
    Engine::new(Arc::new(image), Limits::default())
}

fn scan(object: Vec<u8>) -> Box<dyn FnMut()> {
    let engine = Arc::new(engine());
    Box::new(move || {
        assert_eq!(verdict(&engine, &object), Verdict::Clean, "nothing is in it");
    })
}

fn verdict(engine: &Arc<Engine>, object: &[u8]) -> Verdict {
    let mut scan = engine.start(Object::default());
    scan.announce(object.len() as u64);
    for piece in object.chunks(PIECE_BYTES) {
        let mut rest = black_box(piece);
        while !rest.is_empty() {
            let fed = scan.feed(rest);
            rest = &rest[fed.consumed..];
        }
    }
    while !scan.end() {}
    scan.conclude().verdict
}

fn icap() -> Box<dyn FnMut()> {
    let mut core = connection();
    let message = message();
    Box::new(move || {
        serve(&mut core, &message, |_, _| Verdict::Clean);
    })
}

fn request() -> Box<dyn FnMut()> {
    let engine = Arc::new(engine());
    let (policy, options) = (policy(), adaptation::Options::default());
    let mut core = connection();
    let message = message();
    Box::new(move || {
        serve(&mut core, &message, |core, body| {
            let begun = adaptation::begin(core.request(), &policy, &options, &Known::NOTHING);
            assert!(matches!(begun, Begin::Scan(_)), "the body is scanned");
            verdict(&engine, body)
        });
    })
}

/// One request through a connection: `judge` gets the body, which has to be clean.
fn serve(core: &mut Connection, message: &[u8], judge: impl Fn(&Connection, &[u8]) -> Verdict) {
    let now = Instant::now();
    let mut rest = black_box(message);
    let mut body = &message[..0];
    let mut answered = false;
    while !rest.is_empty() || !answered {
        let taken = core.handle_bytes(rest, now);
        match taken.event {
            Some(Event::Body { data, .. }) => body = &rest[data],
            Some(Event::BodyEnd) => {
                assert_eq!(judge(core, body), Verdict::Clean, "nothing is in it");
                let way = core.answer_unmodified(&Extra::new(), now);
                assert_eq!(way, Unmodified::NoContent, "the body ended in its preview");
                answered = true;
            }
            Some(Event::Request | Event::PreviewEnd) | None => {}
        }
        rest = &rest[taken.bytes..];
    }
    while let Some(output) = core.poll_output() {
        match output {
            Output::Send(bytes) => drop(black_box(bytes)),
            Output::Body | Output::Close => panic!("a 204 leaves the connection open"),
        }
    }
}

fn connection() -> Connection {
    let options = Options::new(IsTag::of(&[1; 32], &[2; 32]));
    Connection::new(Arc::new(options), Instant::now())
}

/// What Squid sends for a response of 1 KiB.
fn message() -> Vec<u8> {
    let request = "GET http://www.example.com/pictures/2026/cat-sleeping.bin?size=large HTTP/1.1\r\n\
                   Host: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 \
                   Firefox/128.0\r\nAccept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, br\r\n\
                   Referer: http://www.example.com/\r\nCookie: session=4f2d1c8a9b\r\n\r\n";
    let response = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nServer: nginx\r\nContent-Type: \
                    application/octet-stream\r\nContent-Length: 1024\r\nLast-Modified: Fri, 20 Nov 2026 08:00:00 \
                    GMT\r\nETag: \"5f3a-400\"\r\nCache-Control: max-age=3600\r\n\r\n";
    let mut message = format!(
        "RESPMOD icap://127.0.0.1:1344/respmod ICAP/1.0\r\nHost: 127.0.0.1:1344\r\nDate: Sun, 22 Nov 2026 10:00:00 \
         GMT\r\nEncapsulated: req-hdr=0, res-hdr={}, res-body={}\r\nPreview: 1024\r\nAllow: 204, trailers\r\n\
         X-Client-IP: 192.0.2.17\r\n\r\n{request}{response}400\r\n",
        request.len(),
        request.len() + response.len()
    )
    .into_bytes();
    message.extend_from_slice(&random(SMALL_BYTES));
    message.extend_from_slice(b"\r\n0; ieof\r\n\r\n");
    message
}

fn chunks() -> Box<dyn FnMut()> {
    let mut message = message();
    let head = message.windows(4).position(|four| four == b"400\r").expect("its body");
    message.truncate(head);
    let message = String::from_utf8(message).expect("heads are text");
    let mut message = message.replace("Preview: 1024\r\n", "").into_bytes();
    for piece in random(BULK_BYTES).chunks(4 << 10) {
        message.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        message.extend_from_slice(piece);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    let mut core = connection();
    Box::new(move || {
        serve(&mut core, &message, |_, _| Verdict::Clean);
    })
}

fn policy() -> Policy {
    let mut black = List::default();
    for number in 0..1_000 {
        black.add(&format!("ads{number}.tracker{}.example", number % 97)).expect("an entry");
    }
    let options = policy::Options { black, ..policy::Options::default() };
    Policy::compile(options).expect("no rules are good rules")
}

fn decision() -> Box<dyn FnMut()> {
    let policy = policy();
    Box::new(move || {
        let url = policy::UrlParts::of(b"GET", b"http://www.example.com/a/b.bin?c=d", None);
        let url = url.expect("an address");
        let facts = facts(&url);
        let outcome = policy.decide(black_box(&facts), &mut ());
        assert!(matches!(outcome, policy::Outcome::Go(_)), "it is on no list");
    })
}

fn facts<'a>(url: &'a policy::UrlParts<'a>) -> policy::Facts<'a> {
    policy::Facts {
        direction: policy::Direction::Response,
        method: b"GET",
        url: Some(url),
        client: None,
        server: None,
        user: "",
        content_type: b"application/octet-stream",
        size: Some(1 << 10),
        moment: Known::NOTHING.moment,
        reputation: Known::NOTHING.reputation,
        directory: Known::NOTHING.directory,
        counted: 0,
    }
}

/// Bytes of a small generator: the same in each run.
fn random(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..length).map(|_| next()).collect()
}

/// A page.
fn text(length: usize) -> Vec<u8> {
    let line =
        "<p class=\"note\">The quick brown fox jumps over <a href=\"/dog\">the lazy dog</a>.</p>\n";
    let page = format!("<!DOCTYPE html>\n<html><body>\n{}", line.repeat(length / line.len() + 1));
    page.into_bytes().into_iter().take(length).collect()
}

/// An ELF file by its header, with data behind it.
fn program(length: usize) -> Vec<u8> {
    let mut bytes = random(length);
    let head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0";
    bytes[..head.len()].copy_from_slice(head);
    bytes[head.len()..64].fill(0);
    bytes
}
