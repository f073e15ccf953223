//! `baleen serve`: the gateway itself.

use std::path::PathBuf;
use std::process::ExitCode;

use super::terminal;
use crate::runtime;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The settings file. Without it: the embedded defaults, everything on loopback, state in
    /// ./baleen-data.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    match runtime::serve(args.config.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            terminal::Screen::stderr().line(format_args!("baleen serve: {fault}"));
            ExitCode::from(2)
        }
    }
}
