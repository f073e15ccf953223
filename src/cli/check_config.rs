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
            json(&findings)
        } else {
            text(&findings)
        };
        out.write_all(text.as_bytes())
            .map(|()| exit_code(&findings))
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
}

const fn exit_code(findings: &Findings) -> u8 {
    match (findings.usable, findings.unreadable) {
        (_, true) => EXIT_UNREADABLE,
        (true, false) => EXIT_GOOD,
        (false, false) => EXIT_BAD,
    }
}

fn json(findings: &Findings) -> String {
    // Strings and numbers always have a JSON form.
    let mut text = serde_json::to_string_pretty(findings).unwrap_or_default();
    text.push('\n');
    text
}

fn text(findings: &Findings) -> String {
    let mut out = String::new();
    for problem in &findings.problems {
        out.push_str(&problem.render(&findings.file));
        out.push('\n');
    }
    for found in &findings.files {
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
    out.push_str(if findings.usable {
        "the settings can be used\n"
    } else {
        "the settings cannot be used\n"
    });
    out
}

/// Where the settings are on an installed system.
pub const DEFAULT_FILE: &str = "/etc/baleen/baleen.conf";

const EXIT_GOOD: u8 = 0;
const EXIT_BAD: u8 = 1;
const EXIT_UNREADABLE: u8 = 2;

#[cfg(test)]
#[path = "tests/check_config.rs"]
mod tests;
