//! Published signatures: the complete main.ldb, main.hdb and daily.ndb with the lists of trusted files,
//! over ClamAV's harmless test files and over files in which every tenth signature is planted. The data
//! is not part of this repository.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::corpus::{Random, gzip};
use crate::oracle::{Batch, is_installed, say, settle, skip};
use crate::planting::{Aim, Line, plant};

/// All sets; the packed name says how.
const SETS: &[&str] =
    &["main.ldb.xz", "main.hdb.xz", "daily.ndb.gz", "daily.fp.gz", "main.fp.gz", "daily.hdb.gz"];

#[test]
fn published_sets_over_the_test_files() {
    if !is_installed() {
        return;
    }
    let Some((data, mut batch)) = with_sets() else { return };
    let files = fs::read_dir(data.join("gpl2-clamav-testfiles")).expect("beside the others");
    for entry in files {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file").to_string_lossy();
        batch.add_file(&name, &fs::read(&path).expect("readable"));
    }
    batch.compare("published");
}

#[test]
fn published_sets_over_files_with_every_tenth_signature() {
    if !is_installed() {
        return;
    }
    let Some((data, mut batch)) = with_sets() else { return };
    let mut random = Random::new(0x5eed_0020);
    let (mut planted, mut unknown) = (0, 0);
    for (set, prefix) in [("main.ldb.xz", "L"), ("daily.ndb.gz", "N")] {
        let text = unpacked(&data.join("gpl2-clamav-official").join(set)).expect("read before");
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for (number, text) in lines.enumerate().step_by(10) {
            let line = if prefix == "L" { Line::logical(text) } else { Line::body(text) };
            let line = line.unwrap_or_else(|| panic!("{text} has a second reading"));
            if add_files(&mut batch, &format!("{prefix}{number}"), &line, &mut random) {
                planted += 1;
            } else {
                unknown += 1;
            }
        }
    }
    let outcome = batch.ask("planted");
    let (shared, waiting) = (outcome.shared.len(), outcome.waiting);
    say(&format!(
        "{planted} signatures planted, {unknown} not; {shared} findings of both, {waiting} of what is left out"
    ));
    settle("planted", &outcome, &|| format!("files are in {}", batch.kept().display()));
    assert!(unknown * 20 < planted, "the planter does not know {unknown} signatures");
    assert!(shared + waiting > planted * 2, "only {shared} and {waiting} findings");
}

/// The signature whole, broken in one place, sometimes packed or across a seam.
fn add_files(batch: &mut Batch, name: &str, line: &Line<'_>, random: &mut Random) -> bool {
    let Some(hit) = plant(line, Aim::Hit, 0, random) else { return false };
    batch.add_file(name, &hit);
    if random.one_in(4) {
        batch.add_file(&format!("{name}.gz"), &gzip(&hit));
    }
    if let Some(broken) = plant(line, Aim::Broken, 0, random) {
        batch.add_file(&format!("{name}-broken"), &broken);
    }
    let is_small = line.key("FileSize").is_none() && !matches!(line.target(), 2 | 3 | 4 | 7);
    if is_small && random.one_in(24) {
        let seam = *random.pick(&[16 << 10, 64 << 10, 128 << 10]);
        let before = seam - random.between(0, 0x1300);
        if let Some(across) = plant(line, Aim::Hit, before, random) {
            batch.add_file(&format!("{name}-seam"), &across);
        }
    }
    true
}

/// A batch with all sets, and where the data is.
pub(crate) fn with_sets() -> Option<(PathBuf, Batch)> {
    let Some(data) = data_directory() else {
        skip("no test data: set BALEEN_TEST_DATA");
        return None;
    };
    let official = data.join("gpl2-clamav-official");
    let mut batch = Batch::new();
    for name in SETS {
        let Some(bytes) = unpacked(&official.join(name)) else {
            skip(&format!("{name} cannot be unpacked"));
            return None;
        };
        let (name, _) = name.rsplit_once('.').expect("two extensions");
        batch.add_database(name, &bytes);
    }
    Some((data, batch))
}

/// Where the data sets are: as the environment says, or beside the crate.
fn data_directory() -> Option<PathBuf> {
    let named = std::env::var_os("BALEEN_TEST_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    named.or(Some(beside)).filter(|path| path.join("gpl2-clamav-official").is_dir())
}

fn unpacked(path: &Path) -> Option<Vec<u8>> {
    if path.extension()? == "xz" {
        let output = Command::new("xz").arg("-dc").arg(path).output().ok()?;
        return output.status.success().then_some(output.stdout);
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
