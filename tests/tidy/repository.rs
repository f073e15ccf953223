//! What lies where in the repository, and under which names.

use std::fs;
use std::path::Path;

use crate::complaint::Complaint;
use crate::source::Source;

/// Everything the top level may hold.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".git",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "perf",
    "src",
    "tests",
    "tuning",
];
/// What running it leaves there; `.gitignore` knows these.
const LEFT_BY_RUNS: &[&str] = &["target", "baleen-data"];

/// Names that say nothing: whatever is in there belongs to somebody.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "misc", "shared", "stuff", "lib2"];

/// Texts that may be looked at for words.
const TEXT_ENDINGS: &[&str] = &["rs", "toml", "md", "sh", "conf", "service", "txt", "py", "json"];

/// Reads a file of the repository.
pub(crate) fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names at the top level.
pub(crate) fn top_level(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).expect("the repository is readable");
    entries.map(|entry| entry.expect("a name").file_name().to_string_lossy().into_owned()).collect()
}

/// Looks for names that do not belong to the top level.
pub(crate) fn check_top_level(names: &[String]) -> Vec<Complaint> {
    names
        .iter()
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()) && !LEFT_BY_RUNS.contains(&name.as_str()))
        .map(|name| Complaint {
            path: name.clone(),
            line: 0,
            what: "does not belong to the top level".to_owned(),
            way_out: "settings of tools go beside what they are for (tests/, perf/, tuning/); scratch files go to target/",
        })
        .collect()
}

/// Looks for names that say nothing.
pub(crate) fn check_name(source: &Source) -> Vec<Complaint> {
    let parts = source.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    parts
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| Complaint {
            path: source.path.clone(),
            line: 0,
            what: format!("the name `{part}` says nothing"),
            way_out: "name the file after the thing it holds, in the lower of the rooms that need it; src/stdx/ if none owns it",
        })
        .collect()
}

/// Path and text of every text file that is ours.
pub(crate) fn texts(root: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for name in TOP_LEVEL.iter().filter(|name| **name != ".git" && **name != "Cargo.lock") {
        collect(root, name, &mut texts);
    }
    assert!(texts.len() > 10, "the walk must find the texts; it found {}", texts.len());
    texts
}

fn collect(root: &Path, path: &str, texts: &mut Vec<(String, String)>) {
    let full = root.join(path);
    if full.is_dir() {
        let entries = fs::read_dir(&full).expect("a readable folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("a name").file_name()).collect();
        names.sort();
        for name in names {
            collect(root, &format!("{path}/{}", name.to_string_lossy()), texts);
        }
    } else if is_text(path)
        && let Ok(text) = fs::read_to_string(&full)
    {
        texts.push((path.to_owned(), text));
    }
}

/// Scripts have no ending.
fn is_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_none_or(|(_, ending)| TEXT_ENDINGS.contains(&ending))
        && !path.starts_with("perf/out/")
}

#[cfg(test)]
mod canaries {
    use super::{check_name, check_top_level, is_text};
    use crate::complaint::{must_pass, must_refuse};
    use crate::source::Source;

    #[test]
    fn a_stray_file_is_refused() {
        must_refuse(&check_top_level(&["notes.md".to_owned()]), "top level");
        must_pass(&check_top_level(&["src".to_owned(), "target".to_owned()]));
    }

    #[test]
    fn a_name_that_says_nothing_is_refused() {
        must_refuse(&check_name(&Source::new("src/icap/util.rs", "")), "`util`");
        must_refuse(&check_name(&Source::new("tests/common/mod.rs", "")), "`common`");
        must_pass(&check_name(&Source::new("src/icap/utility_token.rs", "")));
    }

    #[test]
    fn scripts_and_pages_are_texts_and_samples_are_not() {
        assert!(is_text(".ci/run") && is_text("README.md") && is_text("tests/run"));
        assert!(!is_text("tests/x.bin") && !is_text("perf/out/x.md"));
    }
}
