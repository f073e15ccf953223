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
    /// The settings file.
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    file: PathBuf,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    /// Print a sample file with every setting, its default and its meaning, and check nothing.
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
        let (findings, _configuration) = configuration::read(Some(&args.file));
        let text = if args.json { findings.json() + "\n" } else { text(&findings) };
        out.write_all(text.as_bytes()).map(|()| exit_code(&findings))
    };
    // A reader that went away (`| head`) has seen what it wanted.
    ExitCode::from(
        written
            .and_then(|code| out.flush().map(|()| code))
            .unwrap_or(EXIT_UNREADABLE),
    )
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

/// Where the settings are on an installed system.
pub const DEFAULT_FILE: &str = "/etc/baleen/baleen.conf";

const EXIT_GOOD: u8 = 0;
const EXIT_BAD: u8 = 1;
const EXIT_UNREADABLE: u8 = 2;
