//! The command line: one file or folder for each subcommand.
//!
//! ```text
//!   argv ──▶ Cli (clap) ──▶ <subcommand>::Args ──▶ <subcommand>::run ──▶ exit code
//! ```
//!
//! Every subcommand has the same shape, so that adding one touches two lines of this file:
//! `pub struct Args` (derives `clap::Args`) and `pub fn run(args: &Args) -> ExitCode`.
//! Exit codes are the same everywhere: 0 all is well, 1 the answer is "no" (a finding, a refusal),
//! 2 the command could not do its work or was not understood. Where a subcommand says more, its own
//! help does. Everything printed goes through [`terminal`]: colours only on a terminal and only
//! without `NO_COLOR`, and a reader that goes away (`| head`) ends the output, not the program.
//!
//! Absent on purpose: anything the data plane needs. A command decides nothing that a room below
//! could decide.

#![forbid(unsafe_code)]

pub mod categories;
pub mod check_config;
mod child;
pub mod ctl;
pub mod db;
pub mod doctor;
pub mod keys;
pub mod pages;
pub mod policy;
pub mod reputation;
pub mod scan;
pub mod selftest;
pub mod serve;
pub mod squid;
mod terminal;

use std::process::ExitCode;

/// The whole command line.
#[derive(Debug, clap::Parser)]
#[command(
    name = "baleen",
    version,
    about = "Gateway scanner: scans what a proxy sends it over ICAP, while the bytes flow",
    after_help = AFTER_HELP,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Runs the chosen subcommand. The value is the exit code of the program.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match &self.command {
            Command::Serve(args) => serve::run(args),
            Command::CheckConfig(args) => check_config::run(args),
            Command::Policy(command) => policy::run(command),
            Command::Ctl(args) => ctl::run(args),
            Command::Squid(args) => squid::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::Scan(args) => scan::run(args),
            Command::Db(command) => db::run(command, scan::tools()),
            Command::Pages(command) => pages::run(command),
            Command::Keys(command) => keys::run(command),
            Command::Categories(command) => categories::run(command),
            Command::Reputation(args) => reputation::run(args),
            Command::Selftest(args) => selftest::run(args),
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the gateway: the ICAP service and the scan engine
    Serve(serve::Args),
    /// Check a settings file, or print one with every default
    CheckConfig(check_config::Args),
    /// Scan files, directories or standard input
    Scan(scan::Args),
    /// Compile signatures into a database, look into one, test one
    #[command(subcommand)]
    Db(db::Command),
    /// Show the block pages, as they are and as the administrator's templates make them
    #[command(subcommand)]
    Pages(pages::Command),
    /// Make the lines by which clients are known
    #[command(subcommand)]
    Keys(keys::Command),
    /// Show the rules, check them, and tell why an address is decided as it is
    #[command(subcommand)]
    Policy(policy::Command),
    /// Compile lists of sites into a database of categories, look into one, ask one
    #[command(subcommand)]
    Categories(categories::Command),
    /// Ask the reputation services of the settings about addresses, now
    Reputation(reputation::Args),
    /// Ask the running service: why an address is blocked, which rules apply, what is in force
    Ctl(ctl::Args),
    /// Connect Squid to Baleen, or disconnect it
    Squid(squid::Args),
    /// Look at this machine: can Baleen run here? Each line is green or says what to do
    Doctor(doctor::Args),
    /// Send a test virus and a clean body down the real path, and name the hop that failed
    Selftest(selftest::Args),
}

const AFTER_HELP: &str = "\
Exit codes:
  0  all is well
  1  the answer is no: something was found, refused or is not right
  2  the command could not do its work, or was not understood

Examples:
  baleen doctor                                   can this machine run Baleen?
  baleen squid setup --dry-run                    show what would change in squid.conf
  baleen selftest --through http://127.0.0.1:3128 is traffic through Squid really scanned?

Colours are used on a terminal only, and never when NO_COLOR is set.";
