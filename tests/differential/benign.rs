//! Harmless files: neither program may find anything, and what one of them would find the other
//! would, too. A sample of this machine's libraries, programs, documents and pictures; `perf/benign`
//! does the same over a gibibyte of packages (`BALEEN_BENIGN` names the directory,
//! `BALEEN_BENIGN_MIB` how much of it).

use std::fs;
use std::path::{Path, PathBuf};

use crate::oracle::{is_installed, say, settle, skip};
use crate::published::with_sets;

/// How much of this machine is scanned in every run.
const SAMPLE_MIB: u64 = 100;
/// clamscan evaluates every signature for each file, however small: the sample of every run has few.
const SAMPLE_FILE_BYTES_MIN: u64 = 64 << 10;
/// Larger ones would be the whole sample, and clamscan looks at no more by default.
const FILE_BYTES_MAX: u64 = 20 << 20;

#[test]
fn harmless_files_have_nothing_in_them() {
    if !is_installed() {
        return;
    }
    let Some((_, mut batch)) = with_sets() else { return };
    let named = std::env::var_os("BALEEN_BENIGN").map(PathBuf::from);
    let most = std::env::var_os("BALEEN_BENIGN_MIB")
        .map_or(SAMPLE_MIB, |text| text.to_string_lossy().parse().expect("a number"));
    let mut files = Vec::new();
    match &named {
        Some(folder) => collect(folder, 0, &mut files),
        None => {
            for folder in ["/usr/lib", "/usr/share", "/usr/bin"] {
                collect(Path::new(folder), 0, &mut files);
            }
        }
    }
    // A sample over all folders, the same on every machine that has the same files.
    files.sort_by_key(|(_, path)| mixed(&path.to_string_lossy()));
    let (mut bytes, mut count) = (0, 0);
    for (size, path) in files {
        if bytes + size <= most << 20 && (named.is_some() || size >= SAMPLE_FILE_BYTES_MIN) {
            bytes += size;
            count += 1;
            batch.add_path(path);
        }
    }
    if bytes < 10 << 20 {
        skip("nothing on this machine to scan");
        return;
    }
    let outcome = batch.ask("benign");
    say(&format!("{count} harmless files, {} MiB", bytes >> 20));
    settle("benign", &outcome, &|| "files are where they were".to_owned());
    assert!(outcome.shared.is_empty(), "false positives of both: {:?}", outcome.shared);
    assert_eq!(outcome.waiting, 0, "false positives of clamscan");
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<(u64, PathBuf)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // clamscan reads names line by line.
        if path.to_str().is_none_or(|text| text.contains('\n')) {
            continue;
        }
        match fs::symlink_metadata(&path) {
            Ok(facts) if facts.is_file() && (1..=FILE_BYTES_MAX).contains(&facts.len()) => {
                // ClamAV's own test files are there to be found.
                let is_test = path.components().any(|part| part.as_os_str() == "clamav-testfiles");
                if !is_test && fs::File::open(&path).is_ok() {
                    files.push((facts.len(), path));
                }
            }
            Ok(facts) if facts.is_dir() && depth < 12 => collect(&path, depth + 1, files),
            Ok(_) | Err(_) => {}
        }
    }
}

/// FNV-1a.
fn mixed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
