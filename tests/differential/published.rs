//! Published signatures: the complete main.ldb, main.hdb and daily.ndb with the lists of trusted files,
//! over ClamAV's harmless test files and over files in which every tenth signature is planted. The data
//! is not part of this repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::corpus::{Random, gzip};
use crate::oracle::{Batch, is_installed, say, settle, skip};
use crate::planting::{Aim, Line, plant, plant_together};

/// All sets; the packed name says how.
const SETS: &[&str] =
    &["main.ldb.xz", "main.hdb.xz", "daily.ndb.gz", "daily.fp.gz", "main.fp.gz", "daily.hdb.gz"];

/// Signatures of one file: clamscan evaluates every signature for each file, which costs it 25 ms.
const TOGETHER: usize = 48;

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
        let mut together: BTreeMap<u8, Vec<Line<'_>>> = BTreeMap::new();
        for (number, text) in lines.enumerate().step_by(10) {
            let line = if prefix == "L" { Line::logical(text) } else { Line::body(text) };
            let line = line.unwrap_or_else(|| panic!("{text} has a second reading"));
            let name = format!("{prefix}{number}");
            let target = line.target();
            let is_known = if line.is_sociable() && plant(&line, Aim::Hit, 0, &mut random).is_some()
            {
                let group = together.entry(target).or_default();
                group.push(line);
                if group.len() == TOGETHER {
                    add_together(&mut batch, &name, &std::mem::take(group), &mut random);
                }
                true
            } else {
                add_files(&mut batch, &name, &line, &mut random)
            };
            planted += usize::from(is_known);
            unknown += usize::from(!is_known);
        }
        for (target, group) in together {
            add_together(&mut batch, &format!("{prefix}-target{target}"), &group, &mut random);
        }
    }
    let outcome = batch.ask("planted");
    let (shared, waiting) = (outcome.shared.len(), outcome.waiting);
    say(&format!(
        "{planted} signatures planted, {unknown} not; {shared} findings of both, {waiting} of what is left out"
    ));
    settle("planted", &outcome, &|| format!("files are in {}", batch.kept().display()));
    assert!(unknown * 20 < planted, "the planter does not know {unknown} signatures");
    assert!(shared + waiting > planted, "only {shared} and {waiting} findings");
}

/// Signatures that need nothing but their pieces, several to a file: whole, each broken in one place,
/// sometimes packed.
fn add_together(batch: &mut Batch, name: &str, lines: &[Line<'_>], random: &mut Random) {
    if let Some(hit) = plant_together(lines, Aim::Hit, random) {
        batch.add_file(&format!("{name}-all"), &hit);
        if random.one_in(4) {
            batch.add_file(&format!("{name}-all.gz"), &gzip(&hit));
        }
    }
    if let Some(broken) = plant_together(lines, Aim::Broken, random) {
        batch.add_file(&format!("{name}-all-broken"), &broken);
    }
    if let Some(across) = lines.first().and_then(|line| seam(line, random)) {
        batch.add_file(&format!("{name}-all-seam"), &across);
    }
}

/// The pieces around a place where either program starts a new buffer.
fn seam(line: &Line<'_>, random: &mut Random) -> Option<Vec<u8>> {
    let is_text = matches!(line.target(), 2 | 3 | 4 | 7);
    if is_text || line.key("FileSize").is_some() {
        return None;
    }
    let seam = *random.pick(&[16 << 10, 64 << 10, 128 << 10]);
    plant(line, Aim::Hit, seam - random.between(0, 0x1300), random)
}

/// The signature whole, broken in one place, sometimes packed or across a seam.
fn add_files(batch: &mut Batch, name: &str, line: &Line<'_>, random: &mut Random) -> bool {
    let Some(hit) = plant(line, Aim::Hit, 0, random) else { return false };
    batch.add_file(name, &hit);
    if random.one_in(8) {
        batch.add_file(&format!("{name}.gz"), &gzip(&hit));
    }
    if random.one_in(2)
        && let Some(broken) = plant(line, Aim::Broken, 0, random)
    {
        batch.add_file(&format!("{name}-broken"), &broken);
    }
    if random.one_in(24)
        && let Some(across) = seam(line, random)
    {
        batch.add_file(&format!("{name}-seam"), &across);
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
        let (name, _) = name.rsplit_once('.')?;
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
