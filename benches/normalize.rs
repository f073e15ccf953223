//! What the normal forms cost, beside the bytes alone: whole scans of one object in pieces of 64 KiB.
//!
//! | input | why |
//! | --- | --- |
//! | data | no forms: the floor |
//! | text | one form |
//! | page | three forms; markup and text as pages have them |
//! | script | a page that is one script |
//! | comment | a page that is one comment |
//!
//! The database has no signatures, so what is measured is the way of the bytes through the tokeniser.

use std::hint::black_box;
use std::sync::Arc;

use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Verdict;
use baleen::engine::{Engine, Object};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

criterion_group!(benches, forms);
criterion_main!(benches);

fn forms(criterion: &mut Criterion) {
    let built = build(Sources::new(BuildOptions::default()), &|_| Vec::new(), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
    let words = "Gateways carry more Text than anything else; it has, on average, short words.\n";
    let row = "<tr class=\"row even\"><td><a href=\"/item?id=1&amp;x=2\" title='An Item'>Item one, \
        with some words</a></td>\n  <td align=right>12.50</td></tr><!-- note -->\n";
    let script =
        "function add(first, second) { var sum = first + second; // adds\n return sum; }\n";
    let inputs = [
        ("data", repeated("\0\0\0\0", "some bytes that are no text\0", "")),
        ("text", repeated("", words, "")),
        ("page", repeated("<html><table>", row, "</table>")),
        ("script", repeated("<html><script>", script, "</script>")),
        ("comment", repeated("<html><!-- ", words, "-->")),
    ];
    let mut group = criterion.benchmark_group("normalize");
    group.throughput(Throughput::Bytes(INPUT_BYTES as u64)).sample_size(10);
    for (name, input) in &inputs {
        assert_eq!(scan(&engine, input), Verdict::Clean, "{name}");
        group.bench_function(*name, |bench| bench.iter(|| black_box(scan(&engine, input))));
    }
    group.finish();
}

fn repeated(start: &str, unit: &str, end: &str) -> Vec<u8> {
    let mut bytes = start.as_bytes().to_vec();
    while bytes.len() < INPUT_BYTES {
        bytes.extend_from_slice(unit.as_bytes());
    }
    bytes.truncate(INPUT_BYTES - end.len());
    bytes.extend_from_slice(end.as_bytes());
    bytes
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

const INPUT_BYTES: usize = 4 << 20;
