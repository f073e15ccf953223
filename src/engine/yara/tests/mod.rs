//! Rules as they are read, staged and run; always against boreal alone as the judge.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and its inputs are its own"
)]

mod gates;
mod limits;
mod reading;
mod sets;
mod staged;

use std::collections::BTreeSet;
use std::sync::Arc;

use boreal::{Compiler, Scanner};

use crate::engine::database::{BuildOptions, FileReport, Image, Sources, build};
use crate::engine::limits::Limits;
use crate::engine::matcher::{self, GramCounts};
use crate::engine::verdict::{Detection, Verdict};
use crate::engine::{Engine, Object};

/// A file of rules: name and text.
type Rules<'t> = (&'t str, &'t [u8]);

fn image(files: &[Rules<'_>]) -> (Arc<Image>, Vec<FileReport>) {
    let mut sources = Sources::new(BuildOptions::default());
    files.iter().for_each(|(name, text)| sources.add_file(name, text));
    let training = GramCounts::default();
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    (Arc::new(image), built.report.files)
}

fn engine(files: &[Rules<'_>], limits: Limits) -> Arc<Engine> {
    Arc::new(Engine::new(image(files).0, limits))
}

/// Scans in pieces of so many bytes; every other piece of deferred work is run by the caller.
fn scan(engine: &Arc<Engine>, bytes: &[u8], piece: usize) -> (Verdict, Vec<Detection>) {
    let mut scan = engine.start_all(Object::default());
    let mut turn = piece % 2;
    for piece in bytes.chunks(piece.max(1)) {
        let mut done = 0;
        while done < piece.len() {
            done += scan.feed(&piece[done..]).consumed;
            run_deferred(&mut scan, &mut turn);
        }
    }
    while !scan.end() {
        run_deferred(&mut scan, &mut turn);
    }
    scan.finish_all()
}

fn run_deferred(scan: &mut crate::engine::Scan, turn: &mut usize) {
    *turn += 1;
    if turn.is_multiple_of(2)
        && let Some(work) = scan.deferred()
    {
        scan.resume(work.run());
    }
}

/// The rules found in the bytes as they are.
fn found(engine: &Arc<Engine>, bytes: &[u8]) -> BTreeSet<String> {
    let (_, found) = scan(engine, bytes, 1 << 20);
    let raw = found.into_iter().filter(|found| found.path.is_empty());
    raw.map(|found| found.name.into_string()).collect()
}

/// boreal alone: every rule of a file in one scanner, over the whole file.
fn plain(files: &[Rules<'_>]) -> Vec<Scanner> {
    let scanner = |(_, text): &Rules<'_>| {
        let mut compiler = Compiler::new();
        for item in super::split::split(text) {
            use super::split::Item;
            let (Item::Import(range, _)
            | Item::Include(range)
            | Item::Rule(range)
            | Item::Other(range)) = item;
            let piece = String::from_utf8_lossy(&text[range]).into_owned();
            if !piece.starts_with("include") {
                // What is not valid is no rule for either side.
                let _added = compiler.add_rules_str(piece);
            }
        }
        compiler.finalize()
    };
    files.iter().map(scanner).collect()
}

fn found_plain(scanners: &[Scanner], bytes: &[u8]) -> BTreeSet<String> {
    let names = scanners.iter().flat_map(|scanner| {
        let result = scanner.scan_mem(bytes).expect("no limit of time is set");
        result.rules.into_iter().map(|rule| format!("YARA.{}.UNOFFICIAL", rule.name))
    });
    names.collect()
}
