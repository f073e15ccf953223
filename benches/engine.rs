//! The whole engine on one core: throughput, time from the last byte to the verdict, cost of a small
//! object, opening an image; and boreal on literals of the same set. `perf/engine` runs it and
//! puts it beside other programs.
//!
//! ```text
//! cargo bench --profile quick --bench engine -- --image FILE --rounds 5 elf.bin text.html …
//! cargo bench --profile quick --bench engine -- --boreal LITERALS elf.bin …
//! ```
//!
//! Each measurement is one line of JSON on standard output. Scans are in chunks of 64 KiB, as the
//! gateway feeds them; the best of the rounds counts, because other work on a machine only adds.
//! `--test` measures a small object with the embedded signature once, and checks that it is found.

#![expect(clippy::print_stdout, reason = "figures are what this is for")]
#![expect(clippy::disallowed_methods, reason = "a clock is what this needs")]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use baleen::engine::database::{BuildOptions, Image, build, builtin, builtin_sources};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{GramCounts, compile};
use baleen::engine::{Engine, Object, Scan};
use baleen::runtime::storage;
use serde_json::json;

/// The gateway's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHUNK_BYTES: usize = 64 << 10;
/// What comes last before the verdict.
const LAST_BYTES: usize = 1 << 10;
const SMALL_BYTES: usize = 1 << 10;
const SMALL_SCANS: u32 = 20_000;

/// What the command line says.
struct Chosen {
    image: Option<PathBuf>,
    boreal: Option<PathBuf>,
    rounds: u32,
    /// Samples of the time to a verdict at 1 MiB; larger objects get fewer.
    samples: usize,
    inputs: Vec<PathBuf>,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mut chosen =
        Chosen { image: None, boreal: None, rounds: 5, samples: 0, inputs: Vec::new() };
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a value after the option");
        match word.as_str() {
            "--test" => return check(),
            "--image" => chosen.image = Some(value().into()),
            "--boreal" => chosen.boreal = Some(value().into()),
            "--rounds" => chosen.rounds = value().parse().expect("a number of rounds"),
            "--samples" => chosen.samples = value().parse().expect("a number of samples"),
            // What cargo adds.
            "--bench" => {}
            _ => chosen.inputs.push(word.into()),
        }
    }
    if let Some(literals) = &chosen.boreal {
        boreal(literals, &chosen);
    } else if let Some(image) = &chosen.image {
        ours(image, &chosen);
    } else {
        check();
    }
}

/// The embedded signature is found in its sample and in nothing else.
fn check() {
    let sources = builtin_sources(BuildOptions::default());
    let built = build(sources, &|bodies| compile(bodies, &GramCounts::new()), &mut |_| {});
    let engine = engine(Image::open(Arc::new(built.image)).expect("just built"));
    assert!(scan(&engine, &builtin::eicar()), "the sample is detected");
    assert!(!scan(&engine, &[0x5a; SMALL_BYTES]), "and nothing else");
    report(&json!({"what": "small", "ns": small(&engine, &[0x5a; SMALL_BYTES], 100)}));
}

fn engine(image: Image) -> Arc<Engine> {
    Arc::new(Engine::new(Arc::new(image), Limits::default()))
}

fn ours(path: &Path, chosen: &Chosen) {
    let before = memory();
    let began = Instant::now();
    let workers = baleen::runtime::Threads::new(None);
    let image = storage::open_image(path, &workers).expect("an image that opens");
    let opened = began.elapsed();
    let after = memory();
    report(&json!({
        "what": "open", "ms": milliseconds(opened),
        "rss_kib": after.0.saturating_sub(before.0), "private_kib": after.1.saturating_sub(before.1),
    }));
    let engine = engine(image);
    for path in &chosen.inputs {
        let input = fs::read(path).expect("an input");
        // Whether it detects says on the record that benign inputs stayed benign.
        let detected = scan(&engine, &input);
        let best = best(chosen.rounds, || scan(&engine, &input));
        throughput("baleen", path, input.len(), best, detected);
        if let Some(object) = input.get(..SMALL_BYTES) {
            let ns = small(&engine, object, SMALL_SCANS);
            report(&json!({"what": "small", "input": name(path), "ns": ns}));
        }
        if chosen.samples > 0 {
            last_byte(&engine, path, &input, chosen.samples);
        }
    }
    let now = memory();
    report(&json!({"what": "resident", "rss_kib": now.0, "private_kib": now.1}));
}

/// From the last KiB to the verdict, over objects of 1, 16 and 256 MiB; and the longest call before it, for
/// which the neighbours of a scan have to wait.
fn last_byte(engine: &Arc<Engine>, path: &Path, input: &[u8], samples: usize) {
    for (mib, samples) in
        [(1_usize, samples), (16, samples.div_ceil(4)), (256, samples.div_ceil(32))]
    {
        let (mut times, mut longest) = (Vec::with_capacity(samples), Vec::with_capacity(samples));
        for _ in 0..samples {
            let mut scan = engine.start(Object::default());
            let mut left = (mib << 20) - LAST_BYTES;
            let mut slowest = Duration::ZERO;
            while left > 0 {
                let part = &input[..left.min(input.len())];
                for chunk in part.chunks(CHUNK_BYTES) {
                    slowest = slowest.max(feed(&mut scan, chunk));
                }
                left -= part.len();
            }
            longest.push(slowest);
            let last = &input[input.len() - LAST_BYTES..];
            let began = Instant::now();
            feed(&mut scan, last);
            // As the gateway: memory is given back behind the answer.
            let ended = black_box(scan.conclude());
            times.push(began.elapsed());
            drop(ended);
        }
        report(&json!({
            "what": "verdict", "input": name(path), "mib": mib, "samples": samples,
            "p50_ms": at(&mut times, 50), "p99_ms": at(&mut times, 99),
            "longest_call_ms": at(&mut longest, 50),
        }));
    }
}

/// Milliseconds at a hundredth of some times.
fn at(times: &mut [Duration], share: usize) -> f64 {
    times.sort_unstable();
    milliseconds(times[(times.len() * share / 100).min(times.len() - 1)])
}

/// Feeds all of it, and says how long the longest call took.
fn feed(scan: &mut Scan, mut bytes: &[u8]) -> Duration {
    let mut longest = Duration::ZERO;
    while !bytes.is_empty() {
        let began = Instant::now();
        let fed = scan.feed(bytes);
        longest = longest.max(began.elapsed());
        bytes = &bytes[fed.consumed..];
    }
    longest
}

/// Whether anything is detected.
fn scan(engine: &Arc<Engine>, input: &[u8]) -> bool {
    let mut scan = engine.start(Object::default());
    input.chunks(CHUNK_BYTES).for_each(|chunk| {
        feed(&mut scan, chunk);
    });
    matches!(scan.finish(), baleen::engine::verdict::Verdict::Infected(_))
}

/// Nanoseconds for one small object.
fn small(engine: &Arc<Engine>, object: &[u8], scans: u32) -> u128 {
    let all = best(3, || (0..scans).fold(false, |found, _| found | scan(engine, object)));
    all.as_nanos() / u128::from(scans)
}

fn best(rounds: u32, mut work: impl FnMut() -> bool) -> Duration {
    let one = |_| {
        let began = Instant::now();
        black_box(work());
        began.elapsed()
    };
    (0..rounds.max(1)).map(one).min().expect("one round")
}

/// Rules of one literal each, as a second engine that knows no ClamAV signatures.
fn boreal(literals: &Path, chosen: &Chosen) {
    let text = fs::read_to_string(literals).expect("literals");
    let began = Instant::now();
    let mut compiler = boreal::Compiler::new();
    let (mut rules, mut count) = (String::new(), 0);
    for line in text.lines() {
        let (folded, digits) = line.split_once(' ').expect("flags and digits");
        write!(rules, "rule r{count} {{ strings: $a = \"").expect("a string");
        for pair in digits.as_bytes().chunks(2) {
            let pair = std::str::from_utf8(pair).expect("digits");
            write!(rules, "\\x{pair}").expect("a string");
        }
        let folded = if folded == "i" { "nocase" } else { "" };
        writeln!(rules, "\" {folded} condition: $a }}").expect("a string");
        count += 1;
        if rules.len() > 1 << 20 {
            compiler.add_rules_str(&rules).expect("rules of literals");
            rules.clear();
        }
    }
    compiler.add_rules_str(&rules).expect("rules of literals");
    let scanner = compiler.finalize();
    report(&json!({"what": "compile", "engine": "boreal", "rules": count,
        "ms": milliseconds(began.elapsed()), "rss_kib": memory().0}));
    for path in &chosen.inputs {
        let input = fs::read(path).expect("an input");
        let mut found = 0;
        let best = best(chosen.rounds.min(2), || {
            // It takes the whole object at once; a stream it cannot scan.
            found = scanner.scan_mem(&input).map_or(0, |said| said.rules.len());
            found > 0
        });
        throughput("boreal", path, input.len(), best, found > 0);
    }
}

fn throughput(engine: &str, path: &Path, bytes: usize, time: Duration, detected: bool) {
    let megabytes = bytes as f64 / 1e6 / time.as_secs_f64();
    report(&json!({"what": "throughput", "engine": engine, "input": name(path),
        "mb_per_s": megabytes, "detected": detected}));
}

fn name(path: &Path) -> String {
    path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// KiB resident, and those of them that no file stands behind.
fn memory() -> (u64, u64) {
    let text = fs::read_to_string("/proc/self/status").expect("Linux");
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    (field("VmRSS:"), field("RssAnon:"))
}

fn report(what: &serde_json::Value) {
    println!("{what}");
}
