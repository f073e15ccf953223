//! `baleen db`: build an image from signature files, say what is in one, test one.
//!
//! Answers go to standard output, progress and problems to standard error; the exit code is 0 when
//! the command did what it says, 2 when not. A bad line of a source is not a failure: it is counted
//! and shown, and the rest is built. A refused container is one: `build` makes nothing then, `info` shows why.
//!
//! Absent on purpose: how a database is made, which `runtime::database` knows; the clock and the scan,
//! which the caller lends through [`Tools`].

mod print;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::engine::database::{BuildOptions, Image, Progress, builtin};
use crate::runtime::database::{self, Plan, Stage};
use crate::runtime::{self, Threads};
use crate::settings::options::DatabaseTrust;

pub(super) use print::utc;
use print::{formats, write_facts, write_problems};

/// What `baleen db` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Compile signature files into one image.
    Build(BuildArgs),
    /// Show what signature files or an image contain, and what could not be used.
    Info(InfoArgs),
    /// Open an image, check it, and see that it detects the EICAR test file and nothing else.
    Test(TestArgs),
}

/// Where signatures come from, and which of them count.
#[derive(Clone, Debug, Default, Args)]
pub struct SourceArgs {
    /// Directories and files with signatures; without any, the embedded test signature.
    #[arg(long, value_name = "DIR|FILE", num_args = 1..)]
    pub db: Vec<PathBuf>,
    /// Also detect potentially unwanted applications (.hdu, .hsu, .ndu).
    #[arg(long)]
    pub detect_pua: bool,
    /// The functionality level to claim: signatures may ask for a range.
    #[arg(long, value_name = "N", default_value_t = BuildOptions::default().level)]
    pub level: u32,
    /// Files with public keys for signed containers, besides ClamAV's own.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub keys: Vec<PathBuf>,
    /// Certificates, or folders of them, for the external signatures of containers (.sign).
    #[arg(long, value_name = "DIR|FILE", num_args = 1..)]
    pub certificates: Vec<PathBuf>,
    /// Load containers that nobody signed (.cud).
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Threads that read and compile; without it one for each core.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<usize>,
}

/// Arguments of `db build`.
#[derive(Clone, Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the help of the command")]
    pub sources: SourceArgs,
    /// The image to write; an older one is replaced in one step.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `db info`.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the help of the command")]
    pub sources: SourceArgs,
    /// A compiled image instead of signature files.
    #[arg(long, value_name = "FILE", conflicts_with = "db")]
    pub image: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `db test`.
#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// The image to test.
    #[arg(long, value_name = "FILE")]
    pub image: PathBuf,
}

/// What the commands borrow from the rest of the program.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Seconds since 1970, for the facts of an image that is built.
    pub now_seconds: u64,
    /// Scans some bytes with an image; the name of what was detected.
    pub scan: &'a dyn Fn(&Image, &[u8]) -> Option<String>,
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tools").finish_non_exhaustive()
    }
}

/// Runs a command with standard output.
pub fn run(command: &Command, tools: Tools<'_>) -> ExitCode {
    match run_to(command, tools, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            // There is nobody left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "baleen db: {text}"));
            ExitCode::from(2)
        }
    }
}

/// Why a command did not do what it says, for people.
#[derive(Debug)]
struct Failure(String);

impl From<io::Error> for Failure {
    fn from(fault: io::Error) -> Self {
        Self(fault.to_string())
    }
}

fn run_to(command: &Command, tools: Tools<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Build(args) => run_build(args, tools, out),
        Command::Info(args) => run_info(args, tools, out),
        Command::Test(args) => run_test(args, tools, out),
    }
}

fn run_build(args: &BuildArgs, tools: Tools<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let bar = progress_bar();
    let plan = plan(&args.sources, tools.now_seconds)?;
    let written = database::compile_to(&plan, &args.output, &mut |stage| show(&bar, stage));
    bar.finish_and_clear();
    let written = written.map_err(Failure)?;
    write_facts(&written.facts, Some(written.image_bytes), out)?;
    write_problems(&written.report.files, out)?;
    if let Some(bytes) = runtime::peak_memory_bytes() {
        let (jobs, mib) = (plan.workers.count(), bytes >> 20);
        // There is nobody left to tell when standard error is closed.
        drop(writeln!(io::stderr(), "peak memory {mib} MiB, {jobs} threads"));
    }
    Ok(())
}

fn run_info(args: &InfoArgs, tools: Tools<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(path) = &args.image {
        let image = database::open(path, &Threads::new(args.sources.jobs)).map_err(Failure)?;
        let (facts, bytes) = (image.facts(), image.bytes_count() as u64);
        if args.json {
            let value = json!({ "facts": facts, "formats": formats(facts), "image_bytes": bytes });
            writeln!(out, "{value:#}")?;
        } else {
            write_facts(facts, Some(bytes), out)?;
        }
        return Ok(());
    }
    let bar = progress_bar();
    let plan = plan(&args.sources, tools.now_seconds)?;
    let sources = database::sources(&plan, &mut |stage| show(&bar, stage));
    bar.finish_and_clear();
    let sources = sources.map_err(Failure)?;
    let facts = sources.facts();
    if args.json {
        let files = &sources.report().files;
        let value = json!({ "facts": facts, "formats": formats(&facts), "files": files });
        writeln!(out, "{value:#}")?;
    } else {
        write_facts(&facts, None, out)?;
        write_problems(&sources.report().files, out)?;
    }
    Ok(())
}

fn run_test(args: &TestArgs, tools: Tools<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let image = database::open(&args.image, &Threads::new(None)).map_err(Failure)?;
    let facts = image.facts();
    writeln!(out, "ok: image {} is whole, {} signatures", facts.version, facts.signatures())?;
    match (tools.scan)(&image, &builtin::eicar()) {
        Some(name) => writeln!(out, "ok: the EICAR test file is detected as {name}")?,
        None => {
            let text = "the EICAR test file is not detected: no source has a signature for it";
            return Err(Failure(text.to_owned()));
        }
    }
    if let Some(name) = (tools.scan)(&image, CLEAN) {
        return Err(Failure(format!("harmless text is detected as {name}")));
    }
    writeln!(out, "ok: harmless text is clean")?;
    Ok(())
}

fn plan(args: &SourceArgs, now_seconds: u64) -> Result<Plan<'_>, Failure> {
    let trust = DatabaseTrust {
        keys: args.keys.clone(),
        certificates: args.certificates.clone(),
        unsigned: args.allow_unsigned,
    };
    let options = BuildOptions {
        potentially_unwanted: args.detect_pua,
        level: args.level,
        created_seconds: now_seconds,
        version: None,
        ..BuildOptions::default()
    };
    Ok(Plan {
        names: &args.db,
        options,
        trust: Arc::new(runtime::read_trust(&trust, now_seconds).map_err(Failure)?),
        workers: Arc::new(Threads::new(args.jobs)),
    })
}

fn show(bar: &ProgressBar, stage: Stage<'_>) {
    let message = match stage {
        Stage::File(path, index, count) => {
            bar.set_length(count as u64 + STEPS);
            bar.set_position(index as u64);
            path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        }
        Stage::Build(step) => {
            bar.inc(1);
            match step {
                Progress::Rules(count) => format!("compiling {count} YARA rules"),
                Progress::Matcher(count) => format!("compiling {count} patterns"),
                Progress::Digests(count) => format!("sorting {count} digests"),
                Progress::Image => "writing".to_owned(),
            }
        }
    };
    bar.set_message(message);
}

/// A bar on standard error; nothing is drawn when that is not a terminal.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    let bar = ProgressBar::new(0);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What comes after reading: patterns, digests, the rest.
const STEPS: u64 = 3;

/// What no signature may find.
const CLEAN: &[u8] = b"A page about whales: the baleen of a whale is a filter, and a good one.\n";
