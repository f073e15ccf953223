//! `baleen categories`: compile lists into a database of site categories, say what is in one, ask one.
//!
//! Answers go to standard output, progress and problems of reading to standard error. The exit code is 0
//! when the command did what it says, 2 when not; `lookup` exits with 1 when an address is in no category.
//! A bad line of a list is not a failure: it is counted and shown with its place, and the rest is used.
//!
//! Absent on purpose: how a database is made, which `runtime::categories` knows.

mod print;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::policy::category::{Database, Mapping};
use crate::policy::{Categories, UrlParts};
use crate::runtime::categories::{self, Built};
use crate::runtime::{self, configuration};
use crate::settings::Settings;
use crate::settings::options::CategoryFiles;

use print::{write_built, write_database};

/// What `baleen categories` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Compile lists into one image.
    Build(BuildArgs),
    /// Show what a database contains, and from which lists.
    Info(InfoArgs),
    /// Say in which categories addresses are, and which entries of which lists say so.
    Lookup(LookupArgs),
}

/// Arguments of `categories build`.
#[derive(Clone, Debug, Args)]
pub struct BuildArgs {
    /// Folders and files with lists: UT1 or squidGuard trees, plain lists, hosts files, CSV, maltrail.
    #[arg(value_name = "DIR|FILE", required = true)]
    pub lists: Vec<PathBuf>,
    /// Which list is about which category: "list category = category[, category]", or - to leave it out.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The image to write; an older one is replaced in one step.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Where the database is.
#[derive(Clone, Debug, Default, Args)]
pub struct DatabaseArgs {
    /// An image, or a folder of lists; without it what the settings name.
    #[arg(long, value_name = "FILE|DIR")]
    pub db: Option<PathBuf>,
    /// Which list is about which category, where the database is a folder.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The settings file; /etc/baleen/baleen.conf if not given.
    #[arg(long, value_name = "FILE", conflicts_with = "db")]
    pub config: Option<PathBuf>,
}

/// Arguments of `categories info`.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the help of the command")]
    pub database: DatabaseArgs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `categories lookup`.
#[derive(Clone, Debug, Args)]
pub struct LookupArgs {
    /// Addresses, complete or only a host.
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the help of the command")]
    pub database: DatabaseArgs,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Runs a command with standard output.
pub fn run(command: &Command) -> ExitCode {
    let mut out = io::stdout().lock();
    match run_to(command, runtime::unix_seconds(), &mut out) {
        Ok(code) => ExitCode::from(code),
        Err(Failure(text)) => {
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "baleen categories: {text}"));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Why a command did not do what it says, for people.
#[derive(Debug, PartialEq, Eq)]
struct Failure(String);

impl From<io::Error> for Failure {
    fn from(fault: io::Error) -> Self {
        Self(fault.to_string())
    }
}

fn run_to(command: &Command, now_seconds: u64, out: &mut dyn Write) -> Result<u8, Failure> {
    match command {
        Command::Build(args) => run_build(args, now_seconds, out),
        Command::Info(args) => run_info(args, out),
        Command::Lookup(args) => run_lookup(args, out),
    }
}

fn run_build(args: &BuildArgs, now_seconds: u64, out: &mut dyn Write) -> Result<u8, Failure> {
    let mapping = mapping(args.mapping.as_deref())?;
    let lists = categories::list_files(&args.lists, &mapping).map_err(Failure)?;
    let bar = progress_bar(lists.len());
    let built = categories::build(&lists, &args.output, now_seconds, &mut |index, entries| {
        bar.set_position(index as u64);
        let name = lists.get(index).map_or("writing", |list| &list.name);
        bar.set_message(format!("{entries} entries, {name}"));
    });
    bar.finish_and_clear();
    let built = built.map_err(Failure)?;
    if args.json {
        writeln!(out, "{:#}", built_json(&built))?;
    } else {
        write_built(&built, out)?;
        if let Some(bytes) = runtime::peak_memory_bytes() {
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "peak memory {} MiB", bytes >> 20));
        }
    }
    Ok(EXIT_GOOD)
}

fn built_json(built: &Built) -> serde_json::Value {
    json!({
        "entries": built.written.counts,
        "image_bytes": built.written.image_bytes,
        "digest": crate::policy::category::Hex(&built.written.digest).to_string(),
        "lists": built.written.sources,
        "problems": built.lists.iter().filter(|list| list.bad > 0).collect::<Vec<_>>(),
        "left_out": built.left_out,
        "unknown": built.unknown,
    })
}

fn run_info(args: &InfoArgs, out: &mut dyn Write) -> Result<u8, Failure> {
    let database = database(&args.database)?;
    if args.json {
        let value = json!({
            "entries": database.counts(),
            "image_bytes": database.bytes_count(),
            "digest": crate::policy::category::Hex(&database.digest()).to_string(),
            "created_seconds": database.created_seconds(),
            "lists": database.sources(),
        });
        writeln!(out, "{value:#}")?;
    } else {
        write_database(&database, out)?;
    }
    Ok(EXIT_GOOD)
}

fn run_lookup(args: &LookupArgs, out: &mut dyn Write) -> Result<u8, Failure> {
    let database = database(&args.database)?;
    let mut answers = Vec::new();
    let mut code = EXIT_GOOD;
    for text in &args.urls {
        let url = UrlParts::of(b"GET", text.as_bytes(), None)
            .or_else(|fault| UrlParts::of_host(text.as_bytes(), None).map_err(|_| fault))
            .map_err(|fault| Failure(format!("{text}: {fault}")))?;
        let found = database.categories(&url);
        if found.is_empty() {
            code = EXIT_NO;
        }
        let mut reasons = Vec::new();
        database.explain(&url, &mut |source| {
            reasons.push((source.category, source.list.to_owned(), source.entry.to_owned()));
        });
        if args.json {
            answers.push(answer_json(text, &url, found, &reasons));
            continue;
        }
        let names = if found.is_empty() { "in no category".to_owned() } else { found.to_string() };
        writeln!(out, "{text}: {names}")?;
        for (category, list, entry) in reasons {
            writeln!(out, "  {category}: {entry} ({list})")?;
        }
    }
    if args.json {
        writeln!(out, "{:#}", json!(answers))?;
    }
    Ok(code)
}

fn answer_json(
    text: &str,
    url: &UrlParts<'_>,
    found: Categories,
    reasons: &[(crate::policy::Category, String, String)],
) -> serde_json::Value {
    let reasons = reasons.iter().map(|(category, list, entry)| {
        json!({ "category": category.name(), "list": list, "entry": entry })
    });
    json!({
        "url": text,
        "host": url.host.as_str(),
        "categories": found.iter().map(|category| category.name()).collect::<Vec<_>>(),
        "reasons": reasons.collect::<Vec<_>>(),
    })
}

/// The built-in mapping with the rows of a file; bad rows are told on standard error.
fn mapping(file: Option<&Path>) -> Result<Mapping, Failure> {
    let (mapping, faults) = categories::mapping(file).map_err(Failure)?;
    for fault in faults {
        let name = file.unwrap_or_else(|| Path::new("")).display();
        // There is nobody left to tell when standard error is closed.
        drop(writeln!(io::stderr(), "{name}:{fault}"));
    }
    Ok(mapping)
}

/// The database that is named, or that of the settings.
fn database(args: &DatabaseArgs) -> Result<Database, Failure> {
    let (files, mapping_file) = match &args.db {
        Some(path) => {
            let files = CategoryFiles { database: Some(path.clone()), ..CategoryFiles::default() };
            (files, args.mapping.clone())
        }
        None => {
            let files = settings(args.config.as_deref())?.category_files();
            let mapping = args.mapping.clone().or_else(|| files.mapping.clone());
            (files, mapping)
        }
    };
    let mapping = mapping(mapping_file.as_deref())?;
    let loaded = categories::load(&files, &mapping).map_err(Failure)?;
    let loaded = loaded.ok_or_else(|| {
        Failure("no database: name one with --db, or in [URLCheck] CategoryDatabase".to_owned())
    })?;
    Ok(Database::clone(&loaded.database))
}

fn settings(file: Option<&Path>) -> Result<Settings, Failure> {
    let path = file.unwrap_or_else(|| Path::new(configuration::DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let (settings, problems) = Settings::parse(&text);
            match problems.iter().find(|problem| problem.is_error()) {
                Some(problem) => Err(Failure(problem.render(&path.display().to_string()))),
                None => Ok(settings),
            }
        }
        Err(fault) if file.is_none() && fault.kind() == io::ErrorKind::NotFound => {
            Ok(Settings::default())
        }
        Err(fault) => Err(Failure(format!("{}: {fault}", path.display()))),
    }
}

/// A bar on standard error; nothing is drawn when that is not a terminal.
fn progress_bar(lists: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    let bar = ProgressBar::new(lists as u64 + 1);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The command did what it says.
const EXIT_GOOD: u8 = 0;

/// An address is in no category.
const EXIT_NO: u8 = 1;

/// The command could not do its work.
const EXIT_FAILED: u8 = 2;
