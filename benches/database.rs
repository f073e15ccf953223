//! Loading, building, opening and looking up, over generated digests of the shape that was measured
//! on the published sets (clamav.md C3): 228,000 MD5, sizes spread over four decades, names of 25
//! characters, and over 20,000 body patterns of 70 fixed bytes.
//!
//! With `BALEEN_TEST_DATA` set, the published main.hdb and the part of daily.hsb as well.
//!
//! `cargo bench --profile quick --bench database`. Every case checks its answer before it is timed.

#![expect(clippy::print_stdout, reason = "the size of the image is a result, too")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use baleen::engine::database::signature::{BodySignature, Digest, Purpose};
use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::digest::{Kind, Kinds, Running};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const DIGESTS: u64 = 228_000;
const PATTERNS: u64 = 20_000;

/// Xorshift of fixed seed.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn digest(&mut self) -> [u8; 16] {
        let (high, low) = (self.next(), self.next());
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }
}

fn digest_lines() -> (String, Vec<([u8; 16], u64)>) {
    let mut seeded = Seeded(1);
    let mut text = String::new();
    let mut rows = Vec::new();
    for index in 0..DIGESTS {
        let digest = seeded.digest();
        let size = 1_000 + (seeded.next() % 1_000).pow(2);
        for byte in digest {
            write!(text, "{byte:02x}").expect("a string");
        }
        writeln!(text, ":{size}:Win.Trojan.Family-{index:07}:73").expect("a string");
        rows.push((digest, size));
    }
    (text, rows)
}

fn pattern_lines() -> String {
    let mut seeded = Seeded(2);
    let mut text = String::new();
    for index in 0..PATTERNS {
        write!(text, "Win.Trojan.Family-{index:07}:1:*:").expect("a string");
        for part in 0..5 {
            let gap = ["", "*", "{-30}", "??", "{4}"][usize::from(part > 0) * (part % 5)];
            let (one, other) = (seeded.next() >> 8, seeded.next() >> 8);
            write!(text, "{gap}{one:014x}{other:014x}").expect("a string");
        }
        text.push('\n');
    }
    text
}

fn no_matcher(_: &[BodySignature]) -> Vec<u8> {
    Vec::new()
}

fn load(name: &str, text: &str) -> Sources {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file(name, text.as_bytes());
    sources
}

fn loading(bench: &mut Criterion) {
    let (digests, _) = digest_lines();
    let patterns = pattern_lines();
    let mut group = bench.benchmark_group("load-lines");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    for (name, text, count) in [("a.hdb", &digests, DIGESTS), ("a.ndb", &patterns, PATTERNS)] {
        assert_eq!(load(name, text).report().totals().loaded, count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(name, |bench| bench.iter(|| load(name, black_box(text))));
    }
    group.finish();
}

fn images(bench: &mut Criterion) {
    let (digests, rows) = digest_lines();
    let built = build(load("a.hdb", &digests), &no_matcher, &mut |_| {});
    println!("image of {DIGESTS} digests: {} bytes", built.image.len());
    let bytes: Arc<Vec<u8>> = Arc::new(built.image);
    let image = Image::open(bytes.clone()).expect("an image that was just built");
    let mut group = bench.benchmark_group("image");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    group.bench_function("build", |bench| {
        bench.iter_batched(
            || load("a.hdb", &digests),
            |sources| build(sources, &no_matcher, &mut |_| {}),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("open", |bench| bench.iter(|| Image::open(bytes.clone())));
    group.finish();
    lookups(bench, &image, &rows);
}

/// The published sets: text to image, and opening it.
fn published(bench: &mut Criterion) {
    let Some(folder) = std::env::var_os("BALEEN_TEST_DATA") else {
        println!("skipped: published sets (set BALEEN_TEST_DATA)");
        return;
    };
    let folder = Path::new(&folder).join("gpl2-clamav-official");
    let unpacked = |name: &str| {
        let output = Command::new("xz").arg("-dc").arg(folder.join(name)).output();
        output.expect("xz unpacks the sets").stdout
    };
    let (main, daily) = (unpacked("main.hdb.xz"), unpacked("daily.hsb.partial.xz"));
    let compile = || {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file("daily.hsb", &daily);
        sources.add_file("main.hdb", &main);
        build(sources, &no_matcher, &mut |_| {})
    };
    let built = compile();
    assert_eq!(built.facts.detected.total(), 82_211 + 146_348);
    let (text, image) = (main.len() + daily.len(), built.image.len());
    println!("published digests: {text} bytes of text, image of {image} bytes");
    let bytes: Arc<Vec<u8>> = Arc::new(built.image);
    let mut group = bench.benchmark_group("published");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    group.bench_function("load-and-build", |bench| bench.iter(compile));
    group.bench_function("open", |bench| bench.iter(|| Image::open(bytes.clone())));
    group.finish();
}

fn lookups(bench: &mut Criterion, image: &Image, rows: &[([u8; 16], u64)]) {
    let tables = image.digests();
    for (digest, size) in rows {
        let entry = tables.lookup(Purpose::Detect, &Digest::Md5(*digest), *size);
        assert!(entry.is_some_and(|entry| entry.kind == Kind::Md5));
    }
    let mut group = bench.benchmark_group("lookup");
    group.throughput(Throughput::Elements(1));
    // A large odd step visits the rows in an order that no prefetcher follows.
    let mut at = 0;
    group.bench_function("hit", |bench| {
        bench.iter(|| {
            at = (at + 104_729) % rows.len();
            let (digest, size) = rows[at];
            tables.lookup(Purpose::Detect, &Digest::Md5(digest), size)
        });
    });
    let mut seeded = Seeded(3);
    group.bench_function("miss", |bench| {
        bench.iter(|| tables.lookup(Purpose::Detect, &Digest::Md5(seeded.digest()), 5_000));
    });
    group.bench_function("size-gate", |bench| {
        bench.iter(|| {
            at = (at + 104_729) % 1_000_000;
            tables.needs(Some(black_box(at as u64)))
        });
    });
    group.bench_function("view", |bench| bench.iter(|| black_box(image).digests()));
    group.finish();
}

fn digests(bench: &mut Criterion) {
    let bytes = vec![0x5a; 1 << 20];
    let mut group = bench.benchmark_group("digest");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let each = Kind::ALL.map(|kind| (kind.name(), Kinds::NONE.with(kind)));
    for (name, wanted) in each.into_iter().chain([("all", Kinds::ALL)]) {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let mut running = Running::new(wanted);
                running.update(black_box(&bytes));
                running.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, loading, images, published, digests);
criterion_main!(benches);
