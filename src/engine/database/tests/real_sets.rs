//! The published sets load to the last line. They are not part of the project: the test looks for
//! them in `BALEEN_TEST_DATA` or beside the crate, and says so when they are not there.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::engine::database::report::Unsupported;
use crate::engine::database::{BuildOptions, Image, Sources, build};

/// The folder of the sets, if it is there.
fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("BALEEN_TEST_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = named.unwrap_or_else(beside).join("gpl2-clamav-official");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there (set BALEEN_TEST_DATA)", folder.display());
    None
}

/// A file, unpacked; `None` when it is not there or the tool is not.
fn unpacked(path: &Path) -> Option<Vec<u8>> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if extension == Some("gz") {
        let mut bytes = Vec::new();
        let file = fs::File::open(path).ok()?;
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).ok()?;
        return Some(bytes);
    }
    let output = Command::new("xz").arg("-dc").arg(path).output();
    match output {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(_) | Err(_) => {
            println!("skipped: xz could not unpack {}", path.display());
            None
        }
    }
}

#[test]
fn the_published_sets_load_to_the_last_line() {
    let Some(folder) = folder() else {
        return;
    };
    let mut sources = Sources::new(BuildOptions::default());
    for (name, packed, loaded) in [
        ("daily.ndb", "daily.ndb.gz", 258),
        ("daily.hdb", "daily.hdb.gz", 2),
        ("daily.fp", "daily.fp.gz", 483),
        ("main.fp", "main.fp.gz", 513),
        ("main.hdb", "main.hdb.xz", 82_211),
        ("daily.hsb", "daily.hsb.partial.xz", 146_348),
    ] {
        let Some(bytes) = unpacked(&folder.join(packed)) else {
            continue;
        };
        sources.add_file(name, &bytes);
        let file = sources.report().files.last().expect("it was just added");
        let totals = &file.totals;
        assert_eq!(totals.bad, 0, "{name}: {:?}", file.bad.first());
        assert_eq!(totals.loaded, loaded, "{name}: {totals:?}");
    }
}

/// Every line of the official logical set is loaded, or counted under one of these reasons.
#[test]
fn the_published_logical_set_loads_to_the_last_line() {
    let Some(folder) = folder() else {
        return;
    };
    let Some(bytes) = unpacked(&folder.join("main.ldb.xz")) else {
        return;
    };
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("main.ldb", &bytes);
    let file = sources.report().files.last().expect("it was just added");
    let totals = file.totals.clone();
    println!("{totals:?}");
    assert_eq!(totals.bad, 0, "{:?}", file.bad);
    let sum = totals.loaded + totals.unsupported_count() + totals.by_level + totals.comments;
    assert_eq!((sum, totals.lines), (38_890, 38_890));
    for (reason, _) in &totals.unsupported {
        assert_eq!(*reason, Unsupported::Icon);
    }
    let built = build(sources, &|_| Vec::new(), &mut |_| {});
    let image = Image::open(std::sync::Arc::new(built.image)).expect("what was built opens");
    let facts = image.logical().expect("there are signatures").facts();
    println!("{facts:?}");
    assert_eq!(facts.signatures_count as u64, totals.loaded);
    // Fifteen thousand signatures share two of their three parts, and are woken by the third. These have
    // nothing but the first two bytes of an archive and a regular expression.
    assert_eq!(facts.wakes_max, 399, "{facts:?}");
}
