//! The matcher over what gateways carry, beside aho-corasick.
//!
//! `cargo bench --profile quick --bench matcher`; with `-- --test` everything runs once, over little.
//! Inputs are scanned in chunks of 64 KiB, typed as a gateway would: executables as Windows', which is what
//! nine in ten patterns of the official set are for. Before the clock starts the literals that are for
//! every layer are counted by aho-corasick: they must be the ones that the matcher hits.
//!
//! | input | why |
//! | --- | --- |
//! | elf | executables and libraries: the patterns come from such bytes, so near misses are many |
//! | text | markup and documentation: few distinct bytes, dense common grams |
//! | random | compressed and encrypted bodies |
//! | zeros | sparse files: nothing should be looked at twice |
//! | anchors | hostile: the costliest anchors of the set, shuffled |
//! | repeated | hostile: one anchor, over and over |
//! | small | 1 KiB a layer: the fixed cost of a layer |
//!
//! | set | what |
//! | --- | --- |
//! | parts-1000 | as the next but one, for the test |
//! | body-1000, -10000, -50000 | as `.ndb` lines (`clamav.md` C4.5) |
//! | parts-115000 | the distinct parts of `main.ldb`, by length, kind, case and target (C2) |
//! | parts-900000 | those of 300,000 logical signatures |

mod inputs;
mod sets;

use aho_corasick::AhoCorasick;
use baleen::engine::database::signature::Target;
use baleen::engine::matcher::{
    Executable, GramCounts, HITS_MAX, Hit, LayerFacts, Matcher, State, TargetSet, compile,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use inputs::Dice;
use sets::Set;
use std::hint::black_box;

criterion_group!(benches, throughput);
criterion_main!(benches);

/// Bytes and the layer that they are.
struct Input {
    name: &'static str,
    bytes: Vec<u8>,
    layer: LayerFacts,
}

impl Input {
    fn new(name: &'static str, bytes: Vec<u8>, target: Target) -> Self {
        let layer = LayerFacts {
            targets: TargetSet::of(target),
            executable: Executable::Absent,
            size: None,
        };
        Self { name, bytes, layer }
    }
}

fn throughput(criterion: &mut Criterion) {
    let brief = std::env::args().any(|argument| argument == "--test");
    let (input_bytes, source_bytes) = if brief { (64 << 10, 2 << 20) } else { (8 << 20, 64 << 20) };
    let library = inputs::executables(source_bytes);
    let texts = inputs::texts(source_bytes / 2);
    let inputs = [
        Input::new("elf", inputs::executables(input_bytes), Target::Pe),
        Input::new("text", inputs::texts(input_bytes), Target::Text),
        Input::new("random", inputs::random(input_bytes), Target::Other),
        Input::new("zeros", vec![0; input_bytes], Target::Pe),
    ];
    let mut counts = GramCounts::new();
    counts.train(&inputs::executables(source_bytes / 8));
    for (name, parts, count) in SETS {
        if brief && count > BRIEF_MAX {
            continue;
        }
        let set = if parts {
            Set::parts(name, count, &library, &texts)
        } else {
            Set::body(name, count, &library)
        };
        let image = compile(&set.signatures, &counts);
        let matcher = Matcher::open(&image).expect("just compiled");
        measure(criterion, &set, &matcher, &inputs);
    }
}

fn measure(criterion: &mut Criterion, set: &Set, matcher: &Matcher<'_>, inputs: &[Input]) {
    let rival = AhoCorasick::new(&set.literals).expect("plain literals");
    let hostile = hostile(matcher, inputs[0].bytes.len());
    let mut group = criterion.benchmark_group(format!("matcher/{}", set.name));
    group.sample_size(10);
    for input in inputs.iter().chain(&hostile) {
        let checked = &input.bytes[..input.bytes.len().min(CHECKED_BYTES)];
        check(set, matcher, &rival, checked, &input.layer);
        group.throughput(Throughput::Bytes(input.bytes.len() as u64));
        group.bench_function(input.name, |bench| {
            let mut state = State::new();
            bench.iter(|| black_box(scan(matcher, &mut state, &input.bytes, &input.layer).len()));
        });
        if !hostile.iter().any(|one| one.name == input.name) {
            group.throughput(Throughput::Bytes(checked.len() as u64));
            group.bench_function(format!("{}/aho-corasick", input.name), |bench| {
                bench.iter(|| black_box(rival.find_overlapping_iter(checked).count()));
            });
        }
    }
    for input in &inputs[..2] {
        let small = &input.bytes[input.bytes.len() / 2..][..1_024];
        group.throughput(Throughput::Bytes(1_024));
        group.bench_function(format!("small/{}", input.name), |bench| {
            let mut state = State::new();
            bench.iter(|| black_box(scan(matcher, &mut state, small, &input.layer).len()));
        });
    }
    group.finish();
}

/// Inputs made of the set's own anchors.
fn hostile(matcher: &Matcher<'_>, bytes: usize) -> [Input; 2] {
    let costly = matcher.facts().costly;
    let mut dice = Dice(3);
    let mut anchors = Vec::new();
    while anchors.len() < bytes && !costly.is_empty() {
        anchors.extend_from_slice(&costly[dice.roll(costly.len())].bytes);
    }
    let mut repeated = Vec::new();
    while repeated.len() < bytes && !costly.is_empty() {
        repeated.extend_from_slice(&costly[0].bytes);
    }
    [Input::new("anchors", anchors, Target::Pe), Input::new("repeated", repeated, Target::Pe)]
}

/// A layer from start to end.
fn scan(matcher: &Matcher<'_>, state: &mut State, input: &[u8], layer: &LayerFacts) -> Vec<Hit> {
    let mut hits = Vec::new();
    state.reset();
    for chunk in input.chunks(CHUNK_BYTES) {
        matcher.feed(state, chunk, layer, &mut hits);
    }
    matcher.finish(state, layer, &mut hits);
    hits
}

/// The answer before the clock: the same literals, as often.
fn check(set: &Set, matcher: &Matcher<'_>, rival: &AhoCorasick, input: &[u8], layer: &LayerFacts) {
    let mut wanted = vec![0_u32; set.signatures.len()];
    for found in rival.find_overlapping_iter(input) {
        wanted[set.ids[found.pattern().as_usize()] as usize] += 1;
    }
    let mut got = vec![0_u32; set.signatures.len()];
    for hit in scan(matcher, &mut State::new(), input, layer) {
        got[hit.signature.0 as usize] += 1;
    }
    for id in &set.ids {
        let index = *id as usize;
        assert_eq!(got[index], wanted[index].min(HITS_MAX), "signature {id}");
    }
}

/// Name, whether they are parts of logical signatures, and how many.
const SETS: [(&str, bool, usize); 6] = [
    ("body-1000", false, 1_000),
    ("parts-1000", true, 1_000),
    ("body-10000", false, 10_000),
    ("body-50000", false, 50_000),
    ("parts-115000", true, 115_000),
    ("parts-900000", true, 900_000),
];

/// The largest set of a run that is only a test.
const BRIEF_MAX: usize = 1_000;

const CHUNK_BYTES: usize = 64 << 10;

/// The rival is slow: it is checked and measured on the first part of the input.
const CHECKED_BYTES: usize = 1 << 20;
