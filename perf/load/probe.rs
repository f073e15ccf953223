//! `--check-only`: each way a body can travel, a few times, one line each.
//!
//! The same code that makes load makes the probes, so what passes here is what is measured. Absent
//! on purpose: malformed requests (the conformance tests send those).

use rustix::event::PollFlags;
use rustix::net::SendFlags;

use crate::answer::IcapHead;
use crate::clock::{Clock, Nanos, SECOND_NS};
use crate::crowd::{options_request, read_options, wait};
use crate::message::{Body, Shape, Template};
use crate::options::Options;
use crate::plan::{Plan, make_body};
use crate::process::Processes;
use crate::random::Random;
use crate::run;
use crate::size::{BodySize, show_bytes};
use crate::socket;
use crate::stats::Stats;

/// Probes a service: whether every answer was right.
///
/// # Errors
///
/// The probes could not be made.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let plan = Plan::new(options)?;
    let mut is_right = true;
    let mut tell = |name: &str, outcome: Result<String, String>| match outcome {
        Ok(answer) => println!("ok     {name}: {answer}"),
        Err(fault) => {
            is_right = false;
            println!("WRONG  {name}: {fault}");
        }
    };
    tell("OPTIONS", probe_options(&plan));
    let mut random = Random::new(options.shape.seed);
    for (name, way) in ways() {
        let shape = way.shape(&plan.shape);
        for size in way.sizes {
            let body = make_body(&options.shape.content.0[0].item, *size, &mut random)?;
            let name = format!("{} {name}", describe(*size));
            tell(&name, probe(&plan, &shape, &body)?);
            if options.shape.infected > 0 && *size != BodySize::None {
                tell(&format!("infected {name}"), probe(&plan, &shape, &body.infect())?);
            }
        }
    }
    Ok(is_right)
}

/// A way that bodies travel.
struct Way {
    preview: Option<usize>,
    allow_204: bool,
    close: bool,
    chunk_bytes: usize,
    sizes: &'static [BodySize],
}

impl Way {
    fn shape(&self, base: &Shape) -> Shape {
        Shape {
            preview: self.preview,
            allow_204: self.allow_204,
            close: self.close,
            chunk_bytes: self.chunk_bytes,
            ..base.clone()
        }
    }
}

fn ways() -> [(&'static str, Way); 7] {
    let way = |preview, allow_204| Way {
        preview,
        allow_204,
        close: false,
        chunk_bytes: CHUNK_BYTES,
        sizes: &SIZES,
    };
    [
        ("with Allow: 204", way(None, true)),
        ("to be echoed", way(None, false)),
        ("with preview 1024 and Allow: 204", way(Some(1_024), true)),
        ("with preview 1024", way(Some(1_024), false)),
        ("with preview 0 and Allow: 204", way(Some(0), true)),
        (
            "in chunks of one byte",
            Way { chunk_bytes: 1, sizes: &[BodySize::Bytes(3_000)], ..way(None, false) },
        ),
        (
            "with Connection: close",
            Way {
                close: true,
                sizes: &[BodySize::None, BodySize::Bytes(1_024), BodySize::Bytes(100_000)],
                ..way(None, true)
            },
        ),
    ]
}

/// Sends one message a few times on one connection.
fn probe(plan: &Plan, shape: &Shape, body: &Body) -> Result<Result<String, String>, String> {
    let plan = plan.single(Template::new(shape, body), PROBE_REQUESTS, PROBE_TIME_NS);
    let stats = run::load(&plan, 0, &Processes::of(&[])?)?.stats;
    Ok(match stats.wrong.first_key_value() {
        Some((wrong, _)) => Err(wrong.describe()),
        None if stats.right() < PROBE_REQUESTS => Err("too few answers in time".to_owned()),
        None => Ok(answered(&stats)),
    })
}

fn answered(stats: &Stats) -> String {
    let kinds = [("204", stats.no_content), ("echo", stats.echo), ("blocked", stats.blocked)];
    let kinds = kinds.iter().filter(|(_, count)| *count > 0);
    let kinds: Vec<_> = kinds.map(|(kind, count)| format!("{kind} x{count}")).collect();
    kinds.join(", ")
}

/// OPTIONS: 200 with an ISTag (RFC 3507 section 4.10.2).
fn probe_options(plan: &Plan) -> Result<String, String> {
    let clock = Clock::start();
    let socket = socket::connect(&plan.address).map_err(|fault| fault.to_string())?;
    let request = options_request(&plan.shape);
    if !wait(&socket, PollFlags::OUT, &clock, PROBE_TIME_NS) {
        return Err("no connection in time".to_owned());
    }
    rustix::net::send(&socket, request.as_bytes(), SendFlags::NOSIGNAL)
        .map_err(|fault| fault.to_string())?;
    let head = read_options(&socket, &clock, PROBE_TIME_NS).ok_or("no answer in time")?;
    let head = IcapHead::parse(&head)?;
    match (head.status, head.istag) {
        (200, true) => Ok("200 with an ISTag".to_owned()),
        (200, false) => Err("200 without an ISTag".to_owned()),
        (status, _) => Err(format!("ICAP status {status}")),
    }
}

fn describe(size: BodySize) -> String {
    match size {
        BodySize::None => "no body".to_owned(),
        BodySize::Bytes(bytes) => show_bytes(bytes),
    }
}

/// Around every border that clients and servers have.
const SIZES: [BodySize; 10] = [
    BodySize::None,
    BodySize::Bytes(0),
    BodySize::Bytes(1),
    BodySize::Bytes(1_024),
    BodySize::Bytes(1_025),
    BodySize::Bytes(65_535),
    BodySize::Bytes(65_536),
    BodySize::Bytes(65_537),
    BodySize::Bytes(1 << 20),
    BodySize::Bytes(16 << 20),
];

const CHUNK_BYTES: usize = 64 * 1_024;

/// Keep-alive shows from the second request on.
const PROBE_REQUESTS: u64 = 3;

/// All requests of a probe together.
const PROBE_TIME_NS: Nanos = 20 * SECOND_NS;
