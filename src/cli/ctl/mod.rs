//! `baleen ctl`: asks the running service, over its control socket.
//!
//! Everything is said as text, or with `--json` as the service wrote it. Exit codes as everywhere; `url-check` of
//! an address that is blocked, or may be when a service or the script is asked, is 1.

#[cfg(test)]
mod tests;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use super::terminal::finish;
use crate::control::{Request, UrlCheck};
use crate::runtime::{configuration, control_socket};

/// Arguments of `ctl`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// The settings file of the service; /etc/baleen/baleen.conf if not given
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The control socket, if it is not in the `StateDir` of the settings
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What can be asked.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell how an address is decided about now, step by step
    UrlCheck(UrlCheckArgs),
    /// Print the rules in force, and how often each applied
    Rules,
    /// Have settings, lists, pages and signatures read again
    Reload,
    /// Print what is in force
    Status,
}

/// Arguments of `ctl url-check`.
#[derive(Debug, clap::Args)]
struct UrlCheckArgs {
    /// The address, as `http://example.com/path` or `example.com`
    #[arg(value_name = "URL")]
    url: String,
    /// The user
    #[arg(long, value_name = "USER", default_value = "")]
    user: String,
    /// A group of a directory that the user is in; several allowed
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// The address of the user's machine
    #[arg(long, value_name = "IP")]
    client: Option<IpAddr>,
    /// The local time, as "Mon 09:00"; now if not given
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    finish("ctl", told(args))
}

/// What is printed, and the exit code.
fn told(args: &Args) -> Result<(String, u8), String> {
    let socket = match &args.socket {
        Some(path) => path.clone(),
        None => control_socket(&state_dir(args.config.as_deref())?),
    };
    let answer = ask(&socket, &args.command.request())?;
    if let Some(why) = answer.get("error").and_then(Value::as_str) {
        return Err(why.to_owned());
    }
    // What depends on somebody else's answer does not pass for certain.
    let is_blocked = answer.get("blocked").is_some_and(|blocked| *blocked != Value::Bool(false));
    let text = match answer.get("text").and_then(Value::as_str) {
        Some(text) if !args.json => text.to_owned(),
        _ if args.json => pretty(&answer) + "\n",
        _ => lines(&answer),
    };
    Ok((text, if is_blocked { EXIT_NO } else { EXIT_GOOD }))
}

fn state_dir(config: Option<&Path>) -> Result<PathBuf, String> {
    let (findings, read) = configuration::read(config);
    let read = read.ok_or_else(|| findings.texts().join("\n"))?;
    Ok(read.settings.server().state_dir)
}

fn ask(socket: &Path, request: &Request) -> Result<Value, String> {
    let at = socket.display();
    let trouble = |error| format!("{at}: {error}; is the service running, and are you its user?");
    let mut stream = UnixStream::connect(socket).map_err(trouble)?;
    let mut line = Vec::new();
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.write_all((request.line() + "\n").as_bytes()))
        .and_then(|()| {
            BufReader::new((&stream).take(ANSWER_BYTES_MAX)).read_until(b'\n', &mut line)
        })
        .map_err(|error| format!("{at}: {error}"))?;
    serde_json::from_slice(&line).map_err(|error| format!("{at}: the answer: {error}"))
}

fn pretty(answer: &Value) -> String {
    // What was read as JSON has a JSON form.
    serde_json::to_string_pretty(answer).unwrap_or_default()
}

/// An answer without a text of its own: a line for each value, with the way to it.
fn lines(answer: &Value) -> String {
    fn add(out: &mut String, way: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let way = if way.is_empty() { name.clone() } else { format!("{way}.{name}") };
                    add(out, &way, value);
                }
            }
            Value::String(text) => out.push_str(&format!("{way}: {text}\n")),
            other => out.push_str(&format!("{way}: {other}\n")),
        }
    }
    let mut out = String::new();
    add(&mut out, "", answer);
    out
}

impl Command {
    fn request(&self) -> Request {
        match self {
            Self::UrlCheck(args) => Request::UrlCheck(UrlCheck {
                url: args.url.clone(),
                user: args.user.clone(),
                groups: args.group.clone(),
                client: args.client,
                time: args.time.clone(),
            }),
            Self::Rules => Request::Rules,
            Self::Reload => Request::Reload,
            Self::Status => Request::Status,
        }
    }
}

/// An answer with every rule there may be is smaller.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// The service answers one client after another.
const PATIENCE: Duration = Duration::from_secs(10);
const EXIT_GOOD: u8 = 0;
const EXIT_NO: u8 = 1;
