//! `baleen policy try`: a script in its sandbox, for one address.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{EXIT_BLOCKED, EXIT_GOOD, EXIT_TROUBLE, Source};
use crate::cli::terminal::finish;
use crate::policy::HookAnswer;
use crate::runtime::script::Rehearsal;

/// Arguments of `policy try`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The script; that of the settings if not given
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The address of the request
    #[arg(long, value_name = "URL")]
    url: String,
    #[command(flatten)]
    source: Source,
    /// The HTTP method
    #[arg(long, default_value = "GET")]
    method: String,
    /// The user
    #[arg(long, value_name = "USER", default_value = "")]
    user: String,
    /// The address of the user's machine
    #[arg(long, value_name = "IP")]
    client: Option<IpAddr>,
    /// A field of the request, as "Name: value"; several allowed
    #[arg(long, value_name = "FIELD")]
    header: Vec<String>,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    finish("policy", tried(args))
}

fn tried(args: &Args) -> Result<(String, u8), String> {
    let configuration = args.source.read()?;
    let text = match &args.script {
        Some(path) => {
            let said = |error| format!("{}: {error}", path.display());
            Some((path.display().to_string(), std::fs::read_to_string(path).map_err(said)?))
        }
        None => None,
    };
    let rehearsal = Rehearsal {
        method: args.method.to_ascii_uppercase(),
        url: args.url.clone(),
        user: args.user.clone(),
        client: args.client,
        fields: args.header.clone(),
    };
    let asked = configuration.rehearse(text, &rehearsal)?;
    let mut out = String::new();
    for line in &asked.log {
        out.push_str(&format!("{}: {}\n", line.level, line.text));
    }
    if let Some(trouble) = &asked.trouble {
        out.push_str(&format!("{trouble}\n"));
    }
    out.push_str(&format!("answer: {}\n", asked.answer));
    let code = match asked.answer {
        HookAnswer::Pass => EXIT_GOOD,
        HookAnswer::Block => EXIT_BLOCKED,
        HookAnswer::Failed | HookAnswer::Disabled => EXIT_TROUBLE,
    };
    Ok((out, code))
}
