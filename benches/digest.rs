//! Eight million digests: what they cost while they are collected, in the image, to check, to look up.
//!
//! Rows are generated as lines of `.hdb` and `.mdb` files, half each, and pass through the loaders, so
//! names and reports are in the figures, too. `cargo bench --profile quick --bench digest`; with
//! `-- --test` ten thousand rows, to see that it runs. Every answer is checked before it is timed.

#![expect(clippy::print_stdout, reason = "sizes and the peak of memory are results, too")]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use baleen::engine::database::image::SectionKind;
use baleen::engine::database::signature::{Digest, NameId, Subject};
use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::digest::{Kind, Kinds, Running, Tables};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Digest, size and name of a row.
fn row(index: u64) -> ([u8; 16], u64, String) {
    let mix = |seed| mix(index, seed);
    let digest = row_digest(index);
    let size = 1 + mix(3) % 400 * (mix(4) % 400) * 7;
    let family = mix(5) % 3_000;
    (digest, size, format!("Win.Trojan.Family{family:x}-{index}-0"))
}

const fn subject(index: u64) -> Subject {
    if index.is_multiple_of(2) { Subject::Bad } else { Subject::Section }
}

fn sources(rows: u64) -> Sources {
    let mut sources = Sources::new(BuildOptions::default());
    let mut text = String::new();
    for (name, first) in [("a.hdb", 0), ("a.mdb", 1)] {
        for begin in (first..rows).step_by(200_000) {
            text.clear();
            for index in (begin..rows.min(begin + 200_000)).step_by(2) {
                let (digest, size, name) = row(index);
                let digest = u128::from_be_bytes(digest);
                match subject(index) {
                    Subject::Section => writeln!(text, "{size}:{digest:032x}:{name}:73"),
                    _ => writeln!(text, "{digest:032x}:{size}:{name}:73"),
                }
                .expect("a string");
            }
            sources.add_file(name, text.as_bytes());
        }
    }
    sources
}

/// The most memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) << 10
}

fn tables(bench: &mut Criterion) {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let rows = if is_test { 10_000 } else { 8_000_000 };
    let sources = sources(rows);
    assert_eq!(sources.report().totals().loaded, rows);
    println!("peak with {rows} rows collected: {} MB", peak() >> 20);
    let built = build(sources, &|_| Vec::new(), &mut |_| {});
    println!("peak with the image built: {} MB", peak() >> 20);
    let image = Image::open(Arc::new(built.image)).expect("just built");
    for kind in [SectionKind::Digests, SectionKind::Names] {
        let bytes = image.section(kind).len() as f64;
        println!("{}: {bytes} bytes, {:.2} a row", kind.name(), bytes / rows as f64);
    }
    let section = image.section(SectionKind::Digests);
    let names = u32::try_from(rows).expect("millions");
    let mut group = bench.benchmark_group("tables");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    group.bench_function("open and check", |bench| {
        bench.iter(|| Tables::open(black_box(section)).expect("it opened before").check(names));
    });
    group.finish();
    let mut group = bench.benchmark_group("lookup");
    group.throughput(Throughput::Elements(1));
    let tables = image.digests();
    for index in (0..rows).step_by(977) {
        let (digest, size, name) = row(index);
        let entry = tables.lookup(subject(index), &Digest::Md5(digest), size).expect("a row");
        assert_eq!(image.name(entry.name), format!("{name}.UNOFFICIAL"));
    }
    // A large odd step visits the rows in an order that no prefetcher follows.
    let mut at = 0;
    group.bench_function("hit", |bench| {
        bench.iter(|| {
            at = (at + 104_729) % rows;
            tables.lookup(subject(at), &Digest::Md5(row_digest(at)), 5_000)
        });
    });
    group.bench_function("miss", |bench| {
        bench.iter(|| {
            at += 104_729;
            tables.lookup(Subject::Bad, &Digest::Md5(row_digest(rows + at)), 5_000)
        });
    });
    group.bench_function("size of a section", |bench| {
        bench.iter(|| {
            at = (at + 104_729) % 1_000_000;
            tables.kinds(Subject::Section, Some(black_box(at)))
        });
    });
    group.bench_function("name", |bench| {
        bench.iter(|| {
            at = (at + 104_729) % rows;
            image.name(NameId(u32::try_from(at).expect("millions")))
        });
    });
    group.finish();
}

/// The digest of a row without the cost of its name.
fn row_digest(index: u64) -> [u8; 16] {
    (u128::from(mix(index, 1)) << 64 | u128::from(mix(index, 2))).to_be_bytes()
}

/// A number of a row that looks like chance.
const fn mix(index: u64, seed: u64) -> u64 {
    let one = (index ^ seed << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let two = (one ^ one >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    two ^ two >> 32
}

/// One stream of each digest.
fn streams(bench: &mut Criterion) {
    let bytes = vec![0x5a; 1 << 20];
    let mut group = bench.benchmark_group("stream");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    for kind in Kind::ALL {
        group.bench_function(kind.name(), |bench| {
            bench.iter(|| {
                let mut running = Running::new(Kinds::NONE.with(kind));
                running.update(black_box(&bytes));
                running.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tables, streams);
criterion_main!(benches);
