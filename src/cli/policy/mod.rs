//! `baleen policy`: the rules as they are in force, and why they decide as they do.
//!
//! `show` prints every rule, `check` says what is wrong with the settings and the files they name, `explain`
//! tells each step of one decision, `try` runs a script in its sandbox, `groups` asks the directory about users.
//! All but the last work offline (`explain` unless it is told to ask), with the settings file that the service
//! would read.

pub mod explain;
pub mod groups;
pub mod show;
pub mod try_script;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::check_config;
use crate::runtime::configuration::{self, Configuration};

/// The subcommands of `policy`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print every rule in order, the default ones included
    Show(show::Args),
    /// Check the rules, the lists and the script of a settings file
    Check(check_config::Args),
    /// Tell each step of the decision about an address
    Explain(explain::Args),
    /// Run a script in its sandbox, for one address
    Try(try_script::Args),
    /// Ask the directory of the settings for the groups of users, now
    Groups(groups::Args),
}

/// Runs the command.
#[must_use]
pub fn run(command: &Command) -> ExitCode {
    match command {
        Command::Show(args) => show::run(args),
        Command::Check(args) => check_config::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Try(args) => try_script::run(args),
        Command::Groups(args) => groups::run(args),
    }
}

/// Which settings file.
#[derive(Debug, clap::Args)]
struct Source {
    /// The settings file; /etc/baleen/baleen.conf if not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Source {
    /// The configuration; `Err` holds everything that is wrong with it.
    fn read(&self) -> Result<Configuration, String> {
        read(self.config.as_deref())
    }
}

fn read(path: Option<&Path>) -> Result<Configuration, String> {
    let (findings, configuration) = configuration::read(path);
    configuration.ok_or_else(|| findings.texts().join("\n"))
}

/// All is well, or the address passes.
const EXIT_GOOD: u8 = 0;

/// The answer is no: blocked.
const EXIT_BLOCKED: u8 = 1;

/// The command could not do its work.
const EXIT_TROUBLE: u8 = 2;
