//! `baleen policy show`: every rule in order.

use std::process::ExitCode;

use super::{EXIT_GOOD, Source};
use crate::cli::terminal::finish;

/// Arguments of `policy show`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Print the rules as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    finish("policy", shown(args).map(|text| (text, EXIT_GOOD)))
}

fn shown(args: &Args) -> Result<String, String> {
    let configuration = args.source.read()?;
    let rules = configuration.policy.rules();
    if args.json {
        let json = serde_json::to_string_pretty(&rules.views());
        return json.map(|json| json + "\n").map_err(|error| error.to_string());
    }
    Ok(rules.show(false))
}
