//! What a lookup in the database of categories costs, with one and ten million entries.
//!
//! | case | what |
//! | --- | --- |
//! | hit | a host of a list, with `www.` in front |
//! | miss | a host that is on no list |
//! | deep | a host of twelve labels that is on no list |
//! | path | a host some of whose paths are listed, at another path with dot segments and encoding |
//! | address | an IP address that is on no list |
//!
//! Every address is read from its text, too ([`UrlParts::of`]), as a request brings it; a case goes through
//! 65,536 different addresses, so that nothing is found in the caches of the last round. Answers are
//! checked before they are timed. `cargo bench --profile quick --bench policy`; with `-- --test` twenty
//! thousand entries, to see that it runs.

#![expect(clippy::print_stdout, reason = "the size of an entry is a result, too")]

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use baleen::policy::category::{Builder, Database, Format};
use baleen::policy::{Categories, Category, UrlParts};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

criterion_group!(benches, lookups);
criterion_main!(benches);

const LISTED: Categories = Categories::NONE.with(Category::Gambling);

/// The name of a host: three labels, as long as names of real lists are.
fn host(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let top = ["com", "net", "org", "info", "de", "ru", "fr", "xyz"][(number % 8) as usize];
    format!("{:x}.{:x}site.{top}", mixed % 251, mixed / 251)
}

fn database(entries: u64) -> Database {
    let mut builder = Builder::new();
    let mut list = builder.list("l/domains", LISTED, Format::Sites).expect("one list");
    for number in 0..entries {
        // One in twenty is a path, one in twenty an address.
        let line = match number % 20 {
            0 => format!("{}/download/{number:x}", host(number)),
            1 => format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255),
            _ => host(number),
        };
        list.line(line.as_bytes()).expect("there is room");
    }
    assert_eq!(list.finish().bad, 0);
    let mut image = Cursor::new(Vec::new());
    builder.write(0, &mut image).expect("memory can be written");
    let database = Database::open(Arc::new(image.into_inner())).expect("what was built opens");
    let (bytes, count) = (database.bytes_count() as f64, database.counts().total() as f64);
    println!("{count} entries, {bytes} bytes, {:.2} an entry", bytes / count);
    database
}

/// Addresses of a case, and what they have to get.
fn addresses(case: &str, entries: u64) -> (Vec<String>, Categories) {
    let numbers = (0..ADDRESSES).map(|number| number.wrapping_mul(2_654_435_761) % entries);
    match case {
        "hit" => {
            let listed = numbers.map(|number| number - number % 20 + 2);
            let texts = listed.map(|number| format!("http://www.{}/index.html?x=1", host(number)));
            (texts.collect(), LISTED)
        }
        "path" => {
            let listed = numbers.map(|number| number - number % 20);
            let text = |number| format!("https://{}/a/../%64ownload/other/file.zip", host(number));
            (listed.map(text).collect(), Categories::NONE)
        }
        "deep" => {
            let text = |number| format!("http://a.b.c.d.e.f.g.h.i.{}/", host(number + entries));
            (numbers.map(text).collect(), Categories::NONE)
        }
        "address" => {
            let text = |number: u64| format!("http://11.{}.{}.9/", number % 251, number % 249);
            (numbers.map(text).collect(), Categories::NONE)
        }
        _ => {
            let text = |number| format!("http://www.{}/index.html?x=1", host(number + entries));
            (numbers.map(text).collect(), Categories::NONE)
        }
    }
}

fn read(text: &str) -> UrlParts<'_> {
    UrlParts::of(b"GET", text.as_bytes(), None).expect("an address")
}

fn lookups(bench: &mut Criterion) {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let sizes = if is_test { [10_000, 20_000] } else { [1_000_000, 10_000_000] };
    for entries in sizes {
        let database = database(entries);
        let mut group = bench.benchmark_group(format!("{entries} entries"));
        group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(2));
        for case in ["hit", "miss", "deep", "path", "address"] {
            let (texts, want) = addresses(case, entries);
            for text in &texts {
                assert_eq!(database.categories(&read(text)), want, "{text}");
            }
            let mut next = texts.iter().cycle();
            group.bench_function(case, |bench| {
                bench.iter(|| next.next().map(|text| database.categories(black_box(&read(text)))));
            });
        }
        let (texts, _) = addresses("miss", entries);
        let mut next = texts.iter().cycle();
        group.bench_function("read the address only", |bench| {
            bench.iter(|| next.next().map(|text| black_box(read(text))));
        });
    }
}

/// More than caches hold of the lines that they touch.
const ADDRESSES: u64 = 65_536;
