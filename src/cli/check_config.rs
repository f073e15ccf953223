//! `baleen check-config`: reads a settings file and says everything that is wrong with it in one run.
//!
//! Exit codes: 0, the settings can be used (there may be notes and warnings); 1, they cannot; 2, the file
//! or one of the list files and templates it names cannot be read. Problems go to standard output, because
//! they are what was asked for.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::adaptation::page::{Pages, TEMPLATE_NAMES, Template};
use crate::policy::{List, Policy};
use crate::settings::{Problem, Settings, manual};

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
        out.write_all(manual::sample().as_bytes())
            .map(|()| EXIT_GOOD)
    } else {
        let findings = check(args.file.as_deref());
        let text = if args.json {
            findings.json()
        } else {
            findings.text()
        };
        out.write_all(text.as_bytes())
            .map(|()| findings.exit_code())
    };
    // A reader that went away (`| head`) has seen what it wanted.
    ExitCode::from(
        written
            .and_then(|code| out.flush().map(|()| code))
            .unwrap_or(EXIT_UNREADABLE),
    )
}

/// Everything that is to be said about a file.
#[derive(Debug, Serialize)]
struct Findings {
    file: String,
    usable: bool,
    problems: Vec<Problem>,
    /// Files that the settings name, and what is wrong with them.
    files: Vec<FileFinding>,
    #[serde(skip)]
    unreadable: bool,
}

/// Something wrong with a file that the settings name.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct FileFinding {
    file: String,
    /// 0: the whole file.
    line: usize,
    message: String,
    error: bool,
}

fn check(file: Option<&Path>) -> Findings {
    let path = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    let mut findings = Findings {
        file: path.display().to_string(),
        usable: false,
        problems: Vec::new(),
        files: Vec::new(),
        unreadable: false,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        // The server runs without a file, so one that nobody asked for may be missing.
        Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => {
            let message = "there is no such file; the defaults are in force".to_owned();
            let file = findings.file.clone();
            findings.files.push(FileFinding {
                file,
                line: 0,
                message,
                error: false,
            });
            String::new()
        }
        Err(error) => {
            findings.cannot_read(path, &error);
            return findings;
        }
    };
    let (settings, problems) = Settings::parse(&text);
    findings.problems = problems;
    findings.check_policy(&settings);
    findings.check_templates(&settings);
    let errors = findings.problems.iter().any(Problem::is_error)
        || findings.files.iter().any(|found| found.error);
    findings.usable = !errors;
    findings
}

impl Findings {
    /// The lists with their files, and the rules, as the server would compile them.
    fn check_policy(&mut self, settings: &Settings) {
        let mut options = settings.policy_options();
        let files = settings.list_files();
        for path in &files.black {
            self.add_list(&mut options.black, path);
        }
        for path in &files.white {
            self.add_list(&mut options.white, path);
        }
        if let Err(fault) = Policy::compile(options) {
            let file = self.file.clone();
            self.files.push(FileFinding {
                file,
                line: 0,
                message: fault.to_string(),
                error: true,
            });
        }
    }

    fn add_list(&mut self, list: &mut List, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let file = path.display().to_string();
                let faults = list.add_file(&text).into_iter();
                // A bad line is set aside and the rest is used, so it does not stop the server.
                self.files.extend(faults.map(|fault| FileFinding {
                    file: file.clone(),
                    line: fault.line,
                    message: fault.fault.to_string(),
                    error: false,
                }));
            }
            Err(error) => self.cannot_read(path, &error),
        }
    }

    fn check_templates(&mut self, settings: &Settings) {
        let Some(dir) = settings.server().templates_dir else {
            return;
        };
        let mut own = Vec::new();
        for name in TEMPLATE_NAMES {
            let path = dir.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => own.push(Template {
                    name: name.to_owned(),
                    text,
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && dir.is_dir() => {}
                Err(error) => self.cannot_read(&path, &error),
            }
        }
        if let Err(fault) = Pages::compile(own) {
            let file = dir.join(&fault.template).display().to_string();
            let line = fault.line.unwrap_or_default();
            self.files.push(FileFinding {
                file,
                line,
                message: fault.message,
                error: true,
            });
        }
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        self.unreadable = true;
        let message = format!("cannot be read: {error}");
        self.files.push(FileFinding {
            file: path.display().to_string(),
            line: 0,
            message,
            error: true,
        });
    }

    const fn exit_code(&self) -> u8 {
        match (self.usable, self.unreadable) {
            (_, true) => EXIT_UNREADABLE,
            (true, false) => EXIT_GOOD,
            (false, false) => EXIT_BAD,
        }
    }

    fn json(&self) -> String {
        // Strings and numbers always have a JSON form.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    fn text(&self) -> String {
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&problem.render(&self.file));
            out.push('\n');
        }
        for found in &self.files {
            let place = if found.line == 0 {
                String::new()
            } else {
                format!("{}:", found.line)
            };
            let severity = if found.error { "error" } else { "warning" };
            out.push_str(&format!(
                "{}:{place} {severity}: {}\n",
                found.file, found.message
            ));
        }
        out.push_str(if self.usable {
            "the settings can be used\n"
        } else {
            "the settings cannot be used\n"
        });
        out
    }
}

/// Where the settings are on an installed system.
pub const DEFAULT_FILE: &str = "/etc/baleen/baleen.conf";

const EXIT_GOOD: u8 = 0;
const EXIT_BAD: u8 = 1;
const EXIT_UNREADABLE: u8 = 2;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{Findings, check};

    /// A folder with these files, and what is said about `baleen.conf` in it.
    fn findings(files: &[(&str, &str)]) -> (tempfile::TempDir, Findings) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            // Settings name other files by absolute paths.
            let text = text.replace("DIR", &dir.path().display().to_string());
            fs::write(dir.path().join(name), text).expect("a file in it");
        }
        let findings = check(Some(&dir.path().join("baleen.conf")));
        (dir, findings)
    }

    fn said(dir: &Path, findings: &Findings) -> String {
        findings.text().replace(&dir.display().to_string(), "DIR")
    }

    #[test]
    fn a_good_file_can_be_used_and_notes_do_not_change_that() {
        let (dir, found) = findings(&[(
            "baleen.conf",
            "[ICAPD]\nUsePreview = Yes\n[MeshD]\nUpdateChannel = On\n",
        )]);
        assert_eq!(found.exit_code(), 0);
        let want = "DIR/baleen.conf:4:1: note[not-in-effect]: UpdateChannel: accepted; not in effect in this version\n  |\n\
                    4 | UpdateChannel = On\n  | ^^^^^^^^^^^^^\n\nthe settings can be used\n";
        assert_eq!(said(dir.path(), &found), want);
    }

    #[test]
    fn a_bad_file_cannot_be_used() {
        let (dir, found) = findings(&[("baleen.conf", "[ICAPD]\nUse204 = Perhaps\n")]);
        assert_eq!(found.exit_code(), 1);
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
        assert_eq!(found.exit_code(), 0);
        let want = "DIR/black:2: warning: an IP network cannot be listed: list addresses one by one\nthe settings can be used\n";
        assert_eq!(said(dir.path(), &found), want);
        let (dir, found) = findings(&[
            ("baleen.conf", conf),
            good,
            ("ERR_FAILED_CHECK.html", "\n{{ nothing }}"),
        ]);
        assert_eq!(found.exit_code(), 1);
        assert!(
            said(dir.path(), &found)
                .contains("DIR/ERR_FAILED_CHECK.html:2: error: undefined value")
        );
    }

    #[test]
    fn rules_that_disagree_are_an_error() {
        let (dir, found) = findings(&[(
            "baleen.conf",
            "[ICAPD]\nMimeRules = image/* pass, image/* scan\n",
        )]);
        assert_eq!(found.exit_code(), 1);
        let want = "DIR/baleen.conf: error: MimeRules: two different rules for 'image/*'\n";
        assert!(said(dir.path(), &found).starts_with(want));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_another_exit_code() {
        let (_dir, found) = findings(&[]);
        assert_eq!(found.exit_code(), 2);
        let (dir, found) = findings(&[(
            "baleen.conf",
            "[ICAPD]\nWhiteList = @DIR/missing\nTemplatesDir = DIR/none\n",
        )]);
        assert_eq!(found.exit_code(), 2);
        assert!(said(dir.path(), &found).contains("DIR/missing: error: cannot be read: "));
        assert!(
            said(dir.path(), &found)
                .contains("DIR/none/ERR_ACCESS_DENIED.html: error: cannot be read: ")
        );
        let binary = PathBuf::from(dir.path()).join("binary.conf");
        fs::write(&binary, b"\xff\xfe").expect("a file");
        assert_eq!(check(Some(&binary)).exit_code(), 2);
    }
}
