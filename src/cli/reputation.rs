//! `baleen reputation`: asks the services of `[CloudD]` about addresses, as the gateway would, and says what
//! they know, who said it and how long it took. Nothing is kept, and `UseCloud` has to be on.
//!
//! Exit codes: 0, nobody knows anything bad; 1, an address is in a category; 2, the settings cannot be used,
//! no service is configured, or one gave no answer.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::terminal::{Screen, put};
use crate::policy::UrlParts;
use crate::policy::reputation::Answer;
use crate::runtime::configuration;
use crate::runtime::reputation::{Told, ask_once};

/// Arguments of `reputation`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Addresses: `http://host/path`, or a host
    #[arg(value_name = "URL", required = true)]
    addresses: Vec<String>,
    /// The settings file; /etc/baleen/baleen.conf if not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object for each address
    #[arg(long)]
    json: bool,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let asked = ask(args).and_then(|told| print(args, &told).map(|()| told));
    let code = match asked {
        Ok(told) => told.iter().map(|told| code(&told.opinion.answer)).max().unwrap_or(EXIT_CLEAN),
        Err(why) => {
            Screen::stderr().line(format_args!("baleen reputation: {why}"));
            EXIT_FAILED
        }
    };
    ExitCode::from(code)
}

fn ask(args: &Args) -> Result<Vec<Told>, String> {
    let (findings, configuration) = configuration::read(args.config.as_deref());
    let configuration = configuration.ok_or_else(|| findings.texts().join("\n"))?;
    let note = configuration.settings.cloud_note();
    let cloud = configuration.cloud.ok_or_else(|| {
        note.unwrap_or("UseCloud of [Root] is No, and [CloudD] names no services").to_owned()
    })?;
    let parts: Result<Vec<_>, String> = args.addresses.iter().map(|text| parts(text)).collect();
    ask_once(cloud, &parts?)
}

/// Host and path of an address.
fn parts(text: &str) -> Result<(String, String), String> {
    let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let parts =
        UrlParts::of(b"GET", url.as_bytes(), None).map_err(|why| format!("{text}: {why}"))?;
    Ok((parts.host.as_str().to_owned(), String::from_utf8_lossy(parts.path).into_owned()))
}

fn print(args: &Args, all: &[Told]) -> Result<(), String> {
    let mut text = String::new();
    for (address, told) in args.addresses.iter().zip(all) {
        let milliseconds = told.time.as_millis();
        let source = &*told.opinion.source;
        let (word, categories) = match told.opinion.answer {
            Answer::Categories(categories) => ("listed", categories.to_string()),
            Answer::Unknown if told.is_asked => ("unknown", String::new()),
            Answer::Unknown => ("not asked", String::new()),
            Answer::NoAnswer(why) => ("no answer", why.to_string()),
        };
        if args.json {
            let row = json!({
                "address": address, "answer": word, "detail": categories, "source": source,
                "milliseconds": u64::try_from(milliseconds).unwrap_or(u64::MAX),
            });
            text += &format!("{row}\n");
        } else {
            let more = [&*categories, source].map(str::to_owned);
            let more: Vec<String> = more.into_iter().filter(|text| !text.is_empty()).collect();
            let colon = if more.is_empty() { "" } else { ": " };
            text += &format!("{address}: {word}{colon}{} ({milliseconds} ms)\n", more.join(", "));
        }
    }
    put(text.as_bytes())
}

const fn code(answer: &Answer) -> u8 {
    match answer {
        Answer::Unknown => EXIT_CLEAN,
        Answer::Categories(_) => EXIT_LISTED,
        Answer::NoAnswer(_) => EXIT_FAILED,
    }
}

const EXIT_CLEAN: u8 = 0;
const EXIT_LISTED: u8 = 1;
const EXIT_FAILED: u8 = 2;
