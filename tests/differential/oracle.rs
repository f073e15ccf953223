//! Asking clamscan, asking ourselves, and comparing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use baleen::engine::Engine;
use baleen::engine::database::{BuildOptions, Image, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};

use crate::accepted::{ACCEPTED, Accepted, Finder, RECOGNISED, Rule};
use crate::feeding::{Way, scan};
use crate::left_out::LeftOut;

/// (file name, signature name without `.UNOFFICIAL`).
pub(crate) type Found = BTreeSet<(String, String)>;

/// Signature files and files to scan, in a directory of their own.
pub(crate) struct Batch {
    directory: tempfile::TempDir,
    databases: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// What we found, and could not.
struct Ours {
    found: Found,
    /// Files of which something could not be looked at.
    unscanned: BTreeSet<String>,
    left_out: LeftOut,
}

/// What a comparison came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Findings of both.
    pub(crate) shared: Found,
    /// Findings of clamscan by signatures that are left out: what the comparison will gain.
    pub(crate) waiting: usize,
    /// What only one of them found, and nobody explains: (who, file, signature).
    pub(crate) differences: Vec<(Finder, String, String)>,
    /// Differences that a rule explains.
    pub(crate) recognised: BTreeMap<Rule, Found>,
    /// What was left out.
    pub(crate) left_out: LeftOut,
    /// Rows of the tables that do not fit any more.
    pub(crate) stale: Vec<String>,
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

    /// A file that lies somewhere else; it is named by its whole path.
    pub(crate) fn add_path(&mut self, path: PathBuf) {
        self.files.push(path);
    }

    /// Starts clamscan on some of the files; its answer goes to a file.
    fn start_clamscan(&self, files: &[&PathBuf], more: &[&str]) -> Child {
        let mut list = String::new();
        for path in files {
            writeln!(list, "{}", path.display()).expect("a string");
        }
        let (names, answer) = (self.directory.path().join("list"), self.answer());
        fs::write(&names, list).expect("room for a list");
        Command::new("clamscan")
            // Its cache takes what a trusted archive held for clean wherever it lies.
            .args(["--no-summary", "--allmatch", "--disable-cache", "--infected"])
            .args(more)
            .arg("-d")
            .arg(self.directory.path().join("db"))
            .arg(format!("--file-list={}", names.display()))
            .stdout(fs::File::create(answer).expect("room for an answer"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("clamscan starts")
    }

    fn answer(&self) -> PathBuf {
        self.directory.path().join("answer")
    }

    /// Which of our findings clamscan makes, too, when it looks at pages and texts as they are.
    fn as_it_came(&self, ours: &Found) -> Found {
        let files: BTreeSet<&str> = ours.iter().map(|(file, _)| file.as_str()).collect();
        let is_asked =
            |path: &&PathBuf| files.contains(self.pair(&path.to_string_lossy(), "").0.as_str());
        let asked: Vec<&PathBuf> = self.files.iter().filter(is_asked).collect();
        if asked.is_empty() {
            return Found::new();
        }
        let started = self.start_clamscan(&asked, &["--normalize=no"]);
        let theirs = self.clamscan(started);
        ours.intersection(&theirs).cloned().collect()
    }

    /// What clamscan finds.
    fn clamscan(&self, started: Child) -> Found {
        let output = started.wait_with_output().expect("clamscan ends");
        let code = output.status.code();
        assert!(
            matches!(code, Some(0 | 1)),
            "clamscan ended with {code:?}: {}files are in {}",
            String::from_utf8_lossy(&output.stderr),
            self.kept().display()
        );
        let text = fs::read(self.answer()).expect("an answer");
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter_map(|line| line.strip_suffix(" FOUND"));
        lines
            .filter_map(|line| line.rsplit_once(": "))
            .map(|(path, name)| self.pair(path, name))
            .collect()
    }

    /// What we find: whole, cut, and for each eighth small file byte by byte and as a chunked body.
    fn ourselves(&self) -> Ours {
        let mut sources = Sources::new(BuildOptions::default());
        let mut left_out = LeftOut::default();
        for path in &self.databases {
            let name = path.file_name().expect("a file").to_string_lossy();
            let bytes = fs::read(path).expect("just written");
            sources.add_file(&name, &bytes);
            left_out.read(&name, &bytes);
        }
        let built =
            build(sources, &|bodies| matcher::compile(bodies, &GramCounts::new()), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("just built");
        let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
        let mut ours = Ours { found: Found::new(), unscanned: BTreeSet::new(), left_out };
        for (index, path) in self.files.iter().enumerate() {
            let bytes = fs::read(path).expect("just written");
            let said = scan(&engine, &bytes, Way::Whole);
            let mut ways = vec![Way::Pieces(16 << 10), Way::Pieces(509)];
            if index % 8 == 0 {
                ways.extend([Way::Chunked(61), Way::Chunked(64 << 10)]);
            }
            if index % 8 == 0 && bytes.len() <= 8 << 10 {
                ways.push(Way::Pieces(1));
            }
            // Large files are there for their contents: two ways, not three.
            ways.truncate(if bytes.len() > 1 << 20 { 1 } else { ways.len() });
            for way in ways {
                let cut = scan(&engine, &bytes, way);
                assert_eq!(cut, said, "{} as {way:?}", path.display());
            }
            let path = path.to_string_lossy();
            if said.is_unscanned {
                ours.unscanned.insert(self.pair(&path, "").0);
            }
            ours.found.extend(said.names.iter().map(|name| self.pair(&path, name)));
        }
        ours
    }

    /// Asks both.
    pub(crate) fn ask(&self, batch: &str) -> Outcome {
        let started = self.start_clamscan(&self.files.iter().collect::<Vec<_>>(), &[]);
        let ours = self.ourselves();
        let theirs = self.clamscan(started);
        let all = theirs.len();
        let is_used = |found: &(String, String)| !ours.left_out.names.contains(&found.1);
        let theirs: Found = theirs.into_iter().filter(is_used).collect();
        let mut outcome = Outcome {
            waiting: all - theirs.len(),
            shared: ours.found.intersection(&theirs).cloned().collect(),
            ..Outcome::default()
        };
        let accepted: Vec<&Accepted> = ACCEPTED.iter().filter(|row| row.batch == batch).collect();
        let matches = |row: &Accepted, finder: Finder, (file, name): &(String, String)| {
            row.finder == finder && row.file == file && row.name == name
        };
        for (finder, one, other) in
            [(Finder::Clamscan, &theirs, &ours.found), (Finder::Baleen, &ours.found, &theirs)]
        {
            let differs = one.difference(other).cloned();
            let open: Found = differs
                .filter(|found| !accepted.iter().any(|row| matches(row, finder, found)))
                .collect();
            let (rule, explained) = match finder {
                Finder::Clamscan => {
                    let is_unscanned =
                        |found: &&(String, String)| ours.unscanned.contains(&found.0);
                    (Rule::Unscanned, open.iter().filter(is_unscanned).cloned().collect())
                }
                Finder::Baleen => (Rule::AsItCame, self.as_it_came(&open)),
            };
            let left = open.difference(&explained).cloned();
            outcome.differences.extend(left.map(|(file, name)| (finder, file, name)));
            outcome.recognised.insert(rule, explained);
            for row in accepted.iter().filter(|row| row.finder == finder) {
                if !one.difference(other).any(|found| matches(row, finder, found)) {
                    let stale = format!("stale, {} in {}: {}", row.name, row.file, row.why);
                    outcome.stale.push(stale);
                }
            }
        }
        outcome.left_out = ours.left_out;
        outcome
    }

    /// Asks both and compares with the tables; says how many findings they share.
    #[track_caller]
    pub(crate) fn compare(&self, batch: &str) -> usize {
        let outcome = self.ask(batch);
        settle(batch, &outcome, &|| format!("files are in {}", self.kept().display()));
        outcome.shared.len()
    }

    /// Copies the files of a failed batch to where they can be looked at.
    pub(crate) fn kept(&self) -> PathBuf {
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

    fn pair(&self, path: &str, name: &str) -> (String, String) {
        let ours = Path::new(path).strip_prefix(self.directory.path().join("files"));
        let file = ours.map_or_else(|_| path.into(), Path::to_string_lossy);
        let name = name.strip_suffix(".UNOFFICIAL").unwrap_or(name);
        (file.into_owned(), name.to_owned())
    }
}

/// Fails where anything is not as the tables say.
#[track_caller]
pub(crate) fn settle(batch: &str, outcome: &Outcome, where_to_look: &dyn Fn() -> String) {
    let mut complaints = outcome.stale.clone();
    complaints.extend(outcome.left_out.complaints(batch));
    for rule in [Rule::Unscanned, Rule::AsItCame] {
        let wanted = RECOGNISED.iter().find(|row| row.0 == batch && row.1 == rule);
        let wanted = wanted.map_or(0, |row| row.2);
        let found = outcome.recognised.get(&rule).map_or(0, BTreeSet::len);
        if found != wanted {
            let found = outcome.recognised.get(&rule);
            complaints.push(format!("{rule:?} explains {found:?}; the table says {wanted}"));
        }
    }
    for (finder, file, name) in &outcome.differences {
        complaints.push(format!("only {finder:?}: {name} in {file}"));
    }
    assert!(
        complaints.is_empty(),
        "{batch}: {} complaints\n{}\n{}",
        complaints.len(),
        complaints.join("\n"),
        where_to_look()
    );
}

/// Whether clamscan is there; says so past the test harness when it is not.
pub(crate) fn is_installed() -> bool {
    let is_installed = Command::new("clamscan").arg("--version").output().is_ok();
    if !is_installed {
        say("SKIPPED: clamscan is not installed");
    }
    is_installed
}

/// Says that a test did not run, where it is seen.
pub(crate) fn skip(why: &str) {
    say(&format!("SKIPPED: {why}"));
}

/// Says what a test found out, where it is seen.
pub(crate) fn say(what: &str) {
    writeln!(std::io::stderr(), "differential test: {what}").expect("standard error");
}
