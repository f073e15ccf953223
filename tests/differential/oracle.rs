//! Asking clamscan, asking ourselves, and comparing.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::{Engine, Object};

use crate::accepted::{ACCEPTED, Accepted, Finder};

/// (file name, signature name without `.UNOFFICIAL`).
pub(crate) type Found = BTreeSet<(String, String)>;

/// Signature files and files to scan, in a directory of their own.
pub(crate) struct Batch {
    directory: tempfile::TempDir,
    databases: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("db")).expect("a fresh directory");
        fs::create_dir(directory.path().join("files")).expect("a fresh directory");
        Self { directory, databases: Vec::new(), files: Vec::new() }
    }

    pub(crate) fn add_database(&mut self, name: &str, bytes: &[u8]) {
        let path = self.directory.path().join("db").join(name);
        fs::write(&path, bytes).expect("room for a database");
        self.databases.push(path);
    }

    pub(crate) fn add_file(&mut self, name: &str, bytes: &[u8]) {
        let path = self.directory.path().join("files").join(name);
        assert!(!path.exists(), "{name} twice");
        fs::write(&path, bytes).expect("room for a file");
        self.files.push(path);
    }

    /// What clamscan finds.
    pub(crate) fn clamscan(&self) -> Found {
        let output = Command::new("clamscan")
            // Its cache takes what a trusted archive held for clean wherever it lies.
            .args(["--no-summary", "--allmatch", "--disable-cache", "--infected", "-d"])
            .arg(self.directory.path().join("db"))
            .arg(self.directory.path().join("files"))
            .output()
            .expect("clamscan starts");
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 1)),
            "clamscan ended with {code:?}: {}files are in {}",
            String::from_utf8_lossy(&output.stderr),
            self.kept().display()
        );
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter_map(|line| line.strip_suffix(" FOUND"));
        lines
            .filter_map(|line| line.rsplit_once(": "))
            .map(|(path, name)| pair(path, name))
            .collect()
    }

    /// What we find.
    pub(crate) fn ourselves(&self) -> Found {
        let mut sources = Sources::new(BuildOptions::default());
        for path in &self.databases {
            let name = path.file_name().expect("a file").to_string_lossy();
            sources.add_file(&name, &fs::read(path).expect("just written"));
        }
        let totals = sources.report().totals();
        let unused = (totals.bad, totals.unsupported_count());
        assert_eq!(unused, (0, 0), "{:?}", sources.report());
        let built =
            build(sources, &|bodies| matcher::compile(bodies, &GramCounts::new()), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("just built");
        let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
        let mut found = Found::new();
        for path in &self.files {
            let bytes = fs::read(path).expect("just written");
            for name in names(&engine, &bytes) {
                found.insert(pair(&path.to_string_lossy(), &name));
            }
        }
        found
    }

    /// Asks both and compares; says how many findings they share.
    #[track_caller]
    pub(crate) fn compare(&self, batch: &str) -> usize {
        let (theirs, ours) = (self.clamscan(), self.ourselves());
        let accepted: Vec<&Accepted> = ACCEPTED.iter().filter(|row| row.batch == batch).collect();
        let matches = |row: &Accepted, finder: Finder, (file, name): &(String, String)| {
            row.finder == finder && row.file == file && row.name == name
        };
        let mut complaints = Vec::new();
        for (finder, one, other) in
            [(Finder::Clamscan, &theirs, &ours), (Finder::Baleen, &ours, &theirs)]
        {
            for found in one.difference(other) {
                if !accepted.iter().any(|row| matches(row, finder, found)) {
                    complaints.push(format!("only {finder:?}: {} in {}", found.1, found.0));
                }
            }
            for row in accepted.iter().filter(|row| row.finder == finder) {
                if !one.difference(other).any(|found| matches(row, finder, found)) {
                    complaints.push(format!("stale, {} in {}: {}", row.name, row.file, row.why));
                }
            }
        }
        assert!(
            complaints.is_empty(),
            "{batch}: {} differences\n{}\nfiles are in {}",
            complaints.len(),
            complaints.join("\n"),
            self.kept().display()
        );
        ours.intersection(&theirs).count()
    }

    /// Copies the files of a failed batch to where they can be looked at.
    fn kept(&self) -> PathBuf {
        let to = std::env::temp_dir().join("baleen-differential");
        for part in ["db", "files"] {
            fs::create_dir_all(to.join(part)).expect("room");
            for entry in fs::read_dir(self.directory.path().join(part)).expect("ours") {
                let path = entry.expect("ours").path();
                let name = path.file_name().expect("a file");
                fs::copy(&path, to.join(part).join(name)).expect("room");
            }
        }
        to
    }
}

fn names(engine: &Arc<Engine>, bytes: &[u8]) -> Vec<String> {
    let mut scan = engine.start_all(Object::default());
    let mut rest = bytes;
    while !rest.is_empty() {
        let fed = scan.feed(rest);
        rest = &rest[fed.consumed..];
    }
    let (_, found) = scan.finish_all();
    found.into_iter().map(|found| found.name.into()).collect()
}

fn pair(path: &str, name: &str) -> (String, String) {
    let file = Path::new(path).file_name().expect("a file").to_string_lossy();
    let name = name.strip_suffix(".UNOFFICIAL").unwrap_or(name);
    (file.into_owned(), name.to_owned())
}

/// Whether clamscan is there; says so past the test harness when it is not.
pub(crate) fn is_installed() -> bool {
    let is_installed = Command::new("clamscan").arg("--version").output().is_ok();
    if !is_installed {
        skip("clamscan is not installed");
    }
    is_installed
}

/// Says that a test did not run, where it is seen.
pub(crate) fn skip(why: &str) {
    writeln!(std::io::stderr(), "differential test SKIPPED: {why}").expect("standard error");
}
