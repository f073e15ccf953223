//! Published signatures over published files: main.hdb, daily.ndb and the lists of trusted files over
//! ClamAV's harmless test files. The data is not part of this repository.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::oracle::{Batch, is_installed, skip};

#[test]
fn published_sets_over_the_test_files() {
    if !is_installed() {
        return;
    }
    let Some(data) = data_directory() else {
        skip("no test data: set BALEEN_TEST_DATA");
        return;
    };
    let official = data.join("gpl2-clamav-official");
    let mut batch = Batch::new();
    for name in ["main.hdb.xz", "daily.ndb.gz", "daily.fp.gz", "main.fp.gz", "daily.hdb.gz"] {
        let Some(bytes) = unpacked(&official.join(name)) else {
            skip(&format!("{name} cannot be unpacked"));
            return;
        };
        let (name, _) = name.rsplit_once('.').expect("two extensions");
        batch.add_database(name, &bytes);
    }
    let files = fs::read_dir(data.join("gpl2-clamav-testfiles")).expect("beside the others");
    for entry in files {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file").to_string_lossy();
        batch.add_file(&name, &fs::read(&path).expect("readable"));
    }
    batch.compare("published");
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
