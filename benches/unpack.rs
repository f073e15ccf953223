//! What it costs to look into a packed file: whole scans in pieces of 64 KiB, for each coding 16 MiB of text and of
//! data out of it.
//!
//! The row `plain` is the same bytes without a coding: what is over it is the coding's. The files are packed by the
//! tools that people use; a tool that is not there is left out, and said. The database has no signatures.

#![expect(clippy::print_stderr, reason = "what is left out is said")]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;

use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Verdict;
use baleen::engine::{Engine, Object};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

criterion_group!(benches, codings);
criterion_main!(benches);

/// Rows, and what packs `in` to standard output.
const ROWS: &[(&str, &str)] = &[
    ("plain", "cat in"),
    ("gzip", "gzip -6 -c in"),
    ("zstd", "zstd -q -3 -c in"),
    ("lz4", "lz4 -1 -c in"),
    ("compress", "compress -f -c in"),
    ("bzip2", "bzip2 -9 -c in"),
    ("xz", "xz -6 -c in"),
    ("xz-x86", "xz --x86 --lzma2=preset=6 -c in"),
    ("lzma", "xz --format=lzma -6 -c in"),
    ("lzip", "lzip -6 -c in"),
    ("tar", "tar -cf - in"),
    ("cpio", "echo in | cpio -o -H newc"),
    ("ar", "rm -f a; ar rc a in; cat a"),
];

fn codings(criterion: &mut Criterion) {
    let built = build(Sources::new(BuildOptions::default()), &|_| Vec::new(), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
    for (kind, plain) in [("text", text()), ("data", data())] {
        let mut group = criterion.benchmark_group(format!("unpack-{kind}"));
        group.throughput(Throughput::Bytes(PLAIN_BYTES as u64)).sample_size(10);
        for (name, command) in ROWS {
            let Some(packed) = packed(&plain, command) else {
                eprintln!("{name}: left out, `{command}` does not work here");
                continue;
            };
            assert_eq!(scan(&engine, &packed), Verdict::Clean, "{name}");
            group.bench_function(*name, |bench| bench.iter(|| black_box(scan(&engine, &packed))));
        }
        group.finish();
    }
}

fn packed(plain: &[u8], command: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("in"), plain).expect("a file");
    let output = Command::new("sh").args(["-c", command]).current_dir(folder.path()).output();
    output.ok().filter(|output| output.status.success()).map(|output| output.stdout)
}

/// Lines of a log: words that come again, numbers that do not.
fn text() -> Vec<u8> {
    let words = ["GET", "POST", "/index.html", "/images/logo.png", "Mozilla/5.0", "OK", "cached"];
    let (mut out, mut seed) = (String::new(), 1_u64);
    while out.len() < PLAIN_BYTES {
        write!(out, "10.{}.{} ", draw(&mut seed) % 256, draw(&mut seed) % 256).expect("to memory");
        for _ in 0..draw(&mut seed) % 6 + 3 {
            let index = usize::try_from(draw(&mut seed)).expect("small") % words.len();
            out.push_str(words[index]);
            out.push(' ');
        }
        writeln!(out, "{}", draw(&mut seed)).expect("to memory");
    }
    out.truncate(PLAIN_BYTES);
    out.into_bytes()
}

/// Something like code: short patterns with a few bits of chance in each word.
fn data() -> Vec<u8> {
    let (mut out, mut seed) = (vec![0; 12], 1_u64);
    while out.len() < PLAIN_BYTES {
        let draw = draw(&mut seed);
        let [kind, a, b, c, ..] = draw.to_le_bytes();
        out.extend_from_slice(match kind % 4 {
            0 => &[0x8b, 0x45, 0xf0],
            1 => &[0x48, 0x89, 0xe5, 0x5d],
            _ => &[0x0f, 0xb6],
        });
        out.extend_from_slice(&[0xe8, a, b & 7, 0]);
        out.push(c & 0x3f | 0xc0);
    }
    out.truncate(PLAIN_BYTES);
    out
}

fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn scan(engine: &Arc<Engine>, input: &[u8]) -> Verdict {
    let mut scan = engine.start(Object::default());
    for piece in input.chunks(64 << 10) {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = &rest[scan.feed(rest).consumed..];
        }
    }
    scan.finish()
}

const PLAIN_BYTES: usize = 16 << 20;
