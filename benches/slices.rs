//! How long a shard is held up: the longest of the slices in which files are scanned, in processor time.
//!
//!   cargo bench --bench slices -- FILE…     a line for each file: slices, the longest ones, and where they were
//!
//! A slice is one call of `feed`, `end` or `conclude`; between two of them other connections have their turn. Without
//! files a nest of gzip and zeros are scanned, so that `--test` has something to do. The database has no signatures:
//! what is measured is unpacking.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Verdict;
use baleen::engine::{Engine, Object};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let built = build(Sources::new(BuildOptions::default()), &|_| Vec::new(), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
    println!("| file | KiB | slices | sum ms | longest us, with where | verdict |");
    println!("| --- | ---: | ---: | ---: | --- | --- |");
    let paths: Vec<_> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    for path in &paths {
        let data = std::fs::read(path).expect("a file that can be read");
        println!("{}", row(path, &data, &engine));
    }
    if paths.is_empty() {
        let zeros = gzip(&vec![0; 64 << 20]);
        println!("{}", row("64 MiB of zeros", &zeros, &engine));
        let nest = (0..100).fold(b"the innermost".to_vec(), |inner, _| gzip(&inner));
        println!("{}", row("100 times gzip", &nest, &engine));
    }
}

/// One file, scanned as a shard does it.
fn row(name: &str, data: &[u8], engine: &Arc<Engine>) -> String {
    let mut scan = Some(engine.start(Object::default()));
    let mut slices = Slices::default();
    let mut offset = 0;
    while let (Some(open), true) = (&mut scan, offset < data.len()) {
        let piece = &data[offset..data.len().min(offset + PIECE_BYTES)];
        let fed = slices.time(format_args!("@{offset}"), || open.feed(piece));
        offset += fed.consumed;
        run_deferred(open);
        if fed.decided {
            break;
        }
    }
    let Some(mut open) = scan.take() else { return String::new() };
    let mut count = 0_u64;
    while !slices.time(format_args!("end {count}"), || open.end()) {
        count += 1;
        run_deferred(&mut open);
    }
    let ended = slices.time(format_args!("conclude"), || open.conclude());
    let verdict = match ended.verdict {
        Verdict::Clean => "clean".to_owned(),
        Verdict::Infected(found) => found.name.to_string(),
        Verdict::Unscanned(why) => format!("unscanned: {why}"),
    };
    format!("| {name} | {} | {} | {verdict} |", data.len() >> 10, slices.cells())
}

/// What a side thread does, and what is freed there.
fn run_deferred(scan: &mut baleen::engine::Scan) {
    drop(scan.take_remains());
    if let Some(work) = scan.deferred() {
        scan.resume(work.run());
    }
}

/// The times of slices.
#[derive(Default)]
struct Slices {
    count: u64,
    sum: Duration,
    longest: Vec<(Duration, String)>,
}

impl Slices {
    fn time<R>(&mut self, place: std::fmt::Arguments<'_>, slice: impl FnOnce() -> R) -> R {
        let begun = processor_time();
        let answer = slice();
        let time = processor_time().saturating_sub(begun);
        self.count += 1;
        self.sum += time;
        let is_long = self.longest.len() < SHOWN
            || self.longest.last().is_some_and(|&(shortest, _)| time > shortest);
        if is_long {
            self.longest.push((time, place.to_string()));
            self.longest.sort_by_key(|&(time, _)| std::cmp::Reverse(time));
            self.longest.truncate(SHOWN);
        }
        answer
    }

    fn cells(&self) -> String {
        let mut longest = String::new();
        for (time, place) in &self.longest {
            write!(longest, " {} ({place})", time.as_micros()).expect("a text takes it");
        }
        format!("{} | {:.1} |{longest}", self.count, self.sum.as_secs_f64() * 1e3)
    }
}

/// What this thread has used of its processor: other programs do not count.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(data).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

/// Bytes of each call, as a shard's buffers have them.
const PIECE_BYTES: usize = 64 << 10;
/// Slices that are shown.
const SHOWN: usize = 4;
