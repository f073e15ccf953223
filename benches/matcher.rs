//! The matcher over what gateways carry, beside aho-corasick.
//!
//! A case is a number of patterns and an input. Patterns are cut at run time from this machine's own
//! libraries, as `clamav.md` C4.5 draws them: lengths around 70 with a tail to 1,000, one in four with a
//! gap of any length, some with exact gaps and wildcards. Inputs are 32 MiB in chunks of 64 KiB. Before the
//! clock starts every engine's answer is compared: the literals of the set, counted by aho-corasick, must
//! be the literals the matcher hits.
//!
//! | input | why |
//! | --- | --- |
//! | elf | executables and libraries: the patterns come from such bytes, so near misses are many |
//! | text | markup and documentation: few distinct bytes, dense common grams |
//! | random | compressed and encrypted bodies |
//! | zeros | sparse files: nothing should be looked at twice |
//! | small | 1 KiB a layer: the fixed cost of a layer |

use aho_corasick::AhoCorasick;
use baleen::engine::database::signature::{
    BodySignature, Gap, Offset, OffsetBase, Part, Pattern, Target, Unit,
};
use baleen::engine::matcher::{GramCounts, Hit, LayerFacts, Matcher, State, compile};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

criterion_group!(benches, throughput, fixed_cost);
criterion_main!(benches);

fn throughput(criterion: &mut Criterion) {
    let library = library();
    let inputs = [
        ("elf", sized(library.clone())),
        ("text", sized(text())),
        ("random", sized(random(INPUT_BYTES))),
        ("zeros", vec![0; INPUT_BYTES]),
    ];
    for patterns in [0, 1_000, 10_000, 50_000] {
        let set = Set::draw(patterns, &library);
        let image = compile(&set.signatures, &GramCounts::new());
        let matcher = Matcher::open(&image).expect("just compiled");
        let rival = AhoCorasick::new(&set.literals).expect("plain literals");
        for (name, input) in &inputs {
            set.check(&matcher, &rival, &input[..CHECKED_BYTES]);
            let mut group = criterion.benchmark_group(format!("matcher/{name}"));
            group.throughput(Throughput::Bytes(INPUT_BYTES as u64)).sample_size(10);
            group.bench_with_input(BenchmarkId::new("baleen", patterns), input, |bench, input| {
                let mut state = State::new();
                bench.iter(|| black_box(scan(&matcher, &mut state, input).len()));
            });
            if patterns > 0 {
                let part = &input[..CHECKED_BYTES];
                group.throughput(Throughput::Bytes(CHECKED_BYTES as u64));
                group.bench_with_input(
                    BenchmarkId::new("aho-corasick", patterns),
                    part,
                    |bench, part| {
                        bench.iter(|| black_box(rival.find_overlapping_iter(part).count()));
                    },
                );
            }
            group.finish();
        }
    }
}

fn fixed_cost(criterion: &mut Criterion) {
    let library = library();
    let set = Set::draw(10_000, &library);
    let image = compile(&set.signatures, &GramCounts::new());
    let matcher = Matcher::open(&image).expect("just compiled");
    let text = sized(text());
    let mut group = criterion.benchmark_group("matcher/small");
    group.throughput(Throughput::Bytes(1_024));
    group.bench_function("baleen/10000", |bench| {
        let mut state = State::new();
        bench.iter(|| black_box(scan(&matcher, &mut state, &text[..1_024]).len()));
    });
    group.finish();
}

/// A layer from start to end in chunks of 64 KiB.
fn scan(matcher: &Matcher<'_>, state: &mut State, input: &[u8]) -> Vec<Hit> {
    let (layer, mut hits) = (LayerFacts::default(), Vec::new());
    state.reset();
    for chunk in input.chunks(CHUNK_BYTES) {
        matcher.feed(state, chunk, &layer, &mut hits);
    }
    matcher.finish(state, &layer, &mut hits);
    hits
}

/// Signatures and, where one is a plain literal, its bytes.
struct Set {
    signatures: Vec<BodySignature>,
    literals: Vec<Vec<u8>>,
    /// The signature of each literal.
    ids: Vec<u32>,
}

impl Set {
    fn draw(count: usize, library: &[u8]) -> Self {
        let mut dice = Dice(count as u64 + 1);
        let mut set = Self { signatures: Vec::new(), literals: Vec::new(), ids: Vec::new() };
        while set.signatures.len() < count {
            let length = match dice.roll(10) {
                0 => 16 + dice.roll(16),
                1..=6 => 32 + dice.roll(80),
                7 | 8 => 100 + dice.roll(200),
                _ => 300 + dice.roll(700),
            };
            // Half of the bytes are the library's, half are changed: malware is not a system library.
            let at = dice.roll(library.len() - length);
            let mut bytes = library[at..at + length].to_vec();
            let from = dice.roll(length / 2 + 1);
            for byte in &mut bytes[from..from + length / 2] {
                *byte = byte.wrapping_add(dice.byte());
            }
            if bytes.windows(6).all(|window| window.iter().all(|byte| *byte == window[0])) {
                continue;
            }
            set.push(&bytes, &mut dice);
        }
        set
    }

    fn push(&mut self, bytes: &[u8], dice: &mut Dice) {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let pattern = match dice.roll(100) {
            0..25 => pattern(vec![part(first), part(second)], vec![Gap { min: 0, max: None }]),
            25..43 => pattern(vec![part(first), part(second)], vec![Gap { min: 4, max: Some(4) }]),
            43..53 => {
                let mut one = part(bytes);
                one.units[bytes.len() / 2] = Unit::Byte { value: 0, mask: 0 };
                pattern(vec![one], vec![])
            }
            _ => {
                self.ids.push(u32::try_from(self.signatures.len()).expect("few signatures"));
                self.literals.push(bytes.to_vec());
                pattern(vec![part(bytes)], vec![])
            }
        };
        let offset = Offset { base: OffsetBase::Any, shift: 0 };
        self.signatures.push(BodySignature {
            name: "Bench".into(),
            target: Target::Any,
            offset,
            pattern,
        });
    }

    /// The answer before the clock: the same literals, as often.
    fn check(&self, matcher: &Matcher<'_>, rival: &AhoCorasick, input: &[u8]) {
        let mut wanted = vec![0_u32; self.signatures.len()];
        for found in rival.find_overlapping_iter(input) {
            wanted[self.ids[found.pattern().as_usize()] as usize] += 1;
        }
        let mut got = vec![0_u32; self.signatures.len()];
        for hit in scan(matcher, &mut State::new(), input) {
            got[hit.signature.0 as usize] += 1;
        }
        for id in &self.ids {
            let index = *id as usize;
            assert_eq!(
                got[index],
                wanted[index].min(baleen::engine::matcher::HITS_MAX),
                "signature {id}"
            );
        }
    }
}

const fn pattern(parts: Vec<Part>, gaps: Vec<Gap>) -> Pattern {
    Pattern { parts, gaps, lead: 0, trail: 0 }
}

fn part(bytes: &[u8]) -> Part {
    let units = bytes.iter().map(|&value| Unit::Byte { value, mask: 0xFF }).collect();
    Part { left: None, units, right: None }
}

/// The largest shared libraries of this machine, one after the other.
fn library() -> Vec<u8> {
    let mut files: Vec<(u64, std::path::PathBuf)> = files("/usr/lib/x86_64-linux-gnu", 0);
    files.retain(|(_, path)| path.to_string_lossy().contains(".so"));
    joined(files)
}

/// Text files: documentation and source of whatever is installed.
fn text() -> Vec<u8> {
    let mut all = files("/usr/share", 0);
    let endings = ["html", "txt", "md", "xml", "py", "pl", "pm", "js", "css", "json"];
    all.retain(|(_, path)| {
        path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one))
    });
    joined(all)
}

fn files(folder: &str, depth: usize) -> Vec<(u64, std::path::PathBuf)> {
    let mut list = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match std::fs::symlink_metadata(&path) {
            Ok(facts) if facts.is_file() => list.push((facts.len(), path)),
            Ok(facts) if facts.is_dir() && depth < 6 => {
                list.extend(files(&path.to_string_lossy(), depth + 1));
            }
            Ok(_) | Err(_) => {}
        }
    }
    list
}

fn joined(mut files: Vec<(u64, std::path::PathBuf)>) -> Vec<u8> {
    files.sort_by(|one, other| other.cmp(one));
    let mut bytes = Vec::new();
    for (_, path) in files {
        bytes.extend(std::fs::read(path).unwrap_or_default());
        if bytes.len() > INPUT_BYTES {
            break;
        }
    }
    assert!(bytes.len() > 100_000, "nothing on this machine to measure with");
    bytes
}

fn sized(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.len() < INPUT_BYTES {
        bytes.extend_from_within(..);
    }
    bytes.truncate(INPUT_BYTES);
    bytes
}

fn random(count: usize) -> Vec<u8> {
    let mut dice = Dice(99);
    (0..count).map(|_| dice.byte()).collect()
}

/// The same numbers on every machine (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % sides as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

const INPUT_BYTES: usize = 32 << 20;
const CHUNK_BYTES: usize = 64 << 10;

/// The rival is slow: it is checked and measured on the first part of the input.
const CHECKED_BYTES: usize = 2 << 20;
