//! What the tests share: scans of objects with a few lines, and a small generator.

use std::sync::Arc;

use crate::engine::database::{BuildOptions, Image, Sources, build};
use crate::engine::limits::Limits;
use crate::engine::matcher::{self, GramCounts};
use crate::engine::verdict::Verdict;
use crate::engine::{ContentCodings, Engine, Object};

/// An engine over lines of an `.ldb`, and of an `.ndb`, all of which must load.
pub(super) fn engine(ldb: &str, ndb: &str) -> Arc<Engine> {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("test.ndb", ndb.as_bytes());
    sources.add_file("test.ldb", ldb.as_bytes());
    let totals = sources.report().totals();
    assert_eq!(totals.loaded, totals.lines, "{:?}", sources.report());
    let training = GramCounts::default();
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    Arc::new(Engine::new(Arc::new(image), Limits::default()))
}

/// Every detection and the verdict, the same for several ways of cutting.
pub(super) fn scan(engine: &Arc<Engine>, codings: &[u8], bytes: &[u8]) -> (Verdict, Vec<String>) {
    let outcomes = [usize::MAX, 4_096, 61, 1].map(|piece| {
        let codings = ContentCodings::parse(codings).unwrap_or_default();
        let mut scan = engine.start_all(Object { codings, ..Object::default() });
        for cut in bytes.chunks(piece.min(bytes.len().max(1))) {
            let mut done = 0;
            while done < cut.len() {
                done += scan.feed(&cut[done..]).consumed;
            }
        }
        let (verdict, found) = scan.finish_all();
        let name = |name: &str| name.strip_suffix(".UNOFFICIAL").unwrap_or(name).to_owned();
        let place = |path: &str| if path.is_empty() { String::new() } else { format!("@{path}") };
        let found = found.iter().map(|one| format!("{}{}", name(&one.name), place(&one.path)));
        (verdict, found.collect::<Vec<_>>())
    });
    let [first, others @ ..] = outcomes;
    for other in others {
        assert_eq!(first, other, "the outcome depends on the cutting");
    }
    first
}

/// The names found by lines in bytes that are no text.
pub(super) fn found(ldb: &str, bytes: &[u8]) -> Vec<String> {
    let object = [&[0; 12][..], bytes].concat();
    scan(&engine(ldb, ""), b"", &object).1
}

/// Which of some subsignatures are found in bytes, each beside the others.
pub(super) fn which<'s>(subsignatures: &[&'s str], bytes: &[u8]) -> Vec<&'s str> {
    let line = |(sub, place): (&&str, usize)| format!("S{place};Engine:51-255,Target:0;0;{sub}\n");
    let ldb: String = subsignatures.iter().zip(0_usize..).map(line).collect();
    let found = found(&ldb, bytes);
    let named = subsignatures.iter().zip(0_usize..);
    named.filter(|(_, place)| found.contains(&format!("S{place}"))).map(|(sub, _)| *sub).collect()
}

/// A small generator (xorshift*): the inputs of a seed are the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits fit") % end
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}
