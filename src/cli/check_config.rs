//! `baleen check-config`: reads a settings file and says everything that is wrong with it in one run.
//!
//! Exit codes: 0, the settings can be used (there may be notes and warnings); 1, they cannot; 2, the file
//! or one of the list files and templates it names cannot be read. Problems go to standard output, because
//! they are what was asked for.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::runtime::configuration::{self, Findings};
use crate::settings::manual;

/// Arguments of `check-config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The settings file; /etc/baleen/baleen.conf if not given
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    /// Print a sample file with every setting, its default and its meaning, and check nothing
    #[arg(long, conflicts_with_all = ["json", "file"])]
    render: bool,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = if args.render {
        out.write_all(manual::sample().as_bytes()).map(|()| EXIT_GOOD)
    } else {
        let (findings, _configuration) = configuration::read(args.file.as_deref());
        let text = if args.json { findings.json() + "\n" } else { text(&findings) };
        out.write_all(text.as_bytes()).map(|()| exit_code(&findings))
    };
    // A reader that went away (`| head`) has seen what it wanted.
    ExitCode::from(written.and_then(|code| out.flush().map(|()| code)).unwrap_or(EXIT_UNREADABLE))
}

const fn exit_code(findings: &Findings) -> u8 {
    match (findings.is_usable(), findings.is_unreadable()) {
        (_, true) => EXIT_UNREADABLE,
        (true, false) => EXIT_GOOD,
        (false, false) => EXIT_BAD,
    }
}

fn text(findings: &Findings) -> String {
    let mut out = String::new();
    for text in findings.texts() {
        out.push_str(&text);
        out.push('\n');
    }
    out.push_str(if findings.is_usable() {
        "the settings can be used\n"
    } else {
        "the settings cannot be used\n"
    });
    out
}

const EXIT_GOOD: u8 = 0;
const EXIT_BAD: u8 = 1;
const EXIT_UNREADABLE: u8 = 2;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{Findings, configuration, exit_code, text};

    /// A folder with these files, and what is said about `baleen.conf` in it.
    fn findings(files: &[(&str, &str)]) -> (tempfile::TempDir, Findings) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            // Settings name other files by absolute paths.
            let text = text.replace("DIR", &dir.path().display().to_string());
            fs::write(dir.path().join(name), text).expect("a file in it");
        }
        let (findings, _) = configuration::read(Some(&dir.path().join("baleen.conf")));
        (dir, findings)
    }

    fn said(dir: &Path, findings: &Findings) -> String {
        text(findings).replace(&dir.display().to_string(), "DIR")
    }

    #[test]
    fn a_good_file_can_be_used_and_notes_do_not_change_that() {
        let (dir, found) = findings(&[(
            "baleen.conf",
            "[ICAPD]\nUsePreview = Yes\n[MeshD]\nUpdateChannel = On\n",
        )]);
        assert_eq!(exit_code(&found), 0);
        let want = "DIR/baleen.conf:4:1: note[not-in-effect]: UpdateChannel: accepted; not in effect in this version\n  |\n\
                    4 | UpdateChannel = On\n  | ^^^^^^^^^^^^^\n\nthe settings can be used\n";
        assert_eq!(said(dir.path(), &found), want);
    }

    #[test]
    fn a_bad_file_cannot_be_used() {
        let (dir, found) = findings(&[("baleen.conf", "[ICAPD]\nUse204 = Perhaps\n")]);
        assert_eq!(exit_code(&found), 1);
        assert!(said(dir.path(), &found).ends_with("the settings cannot be used\n"));
        let json: serde_json::Value = serde_json::from_str(&found.json()).expect("JSON");
        assert_eq!(
            (&json["usable"], &json["problems"][0]["code"]),
            (&false.into(), &"value".into())
        );
    }

    #[test]
    fn list_files_and_templates_are_checked_too() {
        let conf = "[ICAPD]\nBlackList = @DIR/black\nTemplatesDir = DIR\n";
        let good = ("black", "a.example\n10.0.0.0/8\n");
        let (dir, found) = findings(&[("baleen.conf", conf), good]);
        assert_eq!(exit_code(&found), 0);
        let want = "DIR/black:2: warning: an IP network cannot be listed: list addresses one by one\nthe settings can be used\n";
        assert_eq!(said(dir.path(), &found), want);
        let (dir, found) =
            findings(&[("baleen.conf", conf), good, ("ERR_FAILED_CHECK.html", "\n{{ nothing }}")]);
        assert_eq!(exit_code(&found), 1);
        assert!(
            said(dir.path(), &found)
                .contains("DIR/ERR_FAILED_CHECK.html:2: error: undefined value")
        );
    }

    #[test]
    fn rules_that_disagree_are_an_error() {
        let (dir, found) =
            findings(&[("baleen.conf", "[ICAPD]\nMimeRules = image/* pass, image/* scan\n")]);
        assert_eq!(exit_code(&found), 1);
        let want = "DIR/baleen.conf: error: MimeRules: two different rules for 'image/*'\n";
        assert!(said(dir.path(), &found).starts_with(want));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_another_exit_code() {
        let (_dir, found) = findings(&[]);
        assert_eq!(exit_code(&found), 2);
        let (dir, found) = findings(&[(
            "baleen.conf",
            "[ICAPD]\nWhiteList = @DIR/missing\nTemplatesDir = DIR/none\n",
        )]);
        assert_eq!(exit_code(&found), 2);
        assert!(said(dir.path(), &found).contains("DIR/missing: error: cannot be read: "));
        assert!(
            said(dir.path(), &found)
                .contains("DIR/none/ERR_ACCESS_DENIED.html: error: cannot be read: ")
        );
        let binary = PathBuf::from(dir.path()).join("binary.conf");
        fs::write(&binary, b"\xff\xfe").expect("a file");
        assert_eq!(exit_code(&configuration::read(Some(&binary)).0), 2);
    }
}
