//! `baleen db`: build an image from signature files, say what is in one, test one.
//!
//! Answers go to standard output, progress and problems to standard error; the exit code is 0 when
//! the command did what it says, 2 when not. A bad line of a source is not a failure: it is counted
//! and shown, and the rest is built.
//!
//! Absent on purpose: the clock, the matcher's compiler and the scan, which the caller lends
//! through [`Tools`].

mod print;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::engine::database::signature::BodySignature;
use crate::engine::database::{
    BuildOptions, Image, Progress, Sources, build, builtin, builtin_sources,
};
use crate::runtime::storage;

use print::{write_facts, write_problems};

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
    /// Makes the MATCHER section.
    pub compile_matcher: &'a dyn Fn(&[BodySignature]) -> Vec<u8>,
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
    let sources = load(&args.sources, tools.now_seconds, &bar)?;
    let built = build(sources, tools.compile_matcher, &mut |step| {
        bar.set_message(match step {
            Progress::Rules(count) => format!("compiling {count} YARA rules"),
            Progress::Matcher(count) => format!("compiling {count} patterns"),
            Progress::Digests(count) => format!("sorting {count} digests"),
            Progress::Image => "writing".to_owned(),
        });
    });
    storage::write_atomically(&args.output, &built.image)?;
    bar.finish_and_clear();
    write_facts(&built.facts, Some(built.image.len() as u64), out)?;
    write_problems(&built.report.files, out)?;
    Ok(())
}

fn run_info(args: &InfoArgs, tools: Tools<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    if let Some(path) = &args.image {
        let image = open(path)?;
        let bytes = image.bytes_count() as u64;
        if args.json {
            let value = json!({ "facts": image.facts(), "image_bytes": bytes });
            writeln!(out, "{value:#}")?;
        } else {
            write_facts(image.facts(), Some(bytes), out)?;
        }
        return Ok(());
    }
    let bar = progress_bar();
    let sources = load(&args.sources, tools.now_seconds, &bar)?;
    bar.finish_and_clear();
    let facts = sources.facts();
    if args.json {
        let value = json!({ "facts": facts, "files": sources.report().files });
        writeln!(out, "{value:#}")?;
    } else {
        write_facts(&facts, None, out)?;
        write_problems(&sources.report().files, out)?;
    }
    Ok(())
}

fn run_test(args: &TestArgs, tools: Tools<'_>, out: &mut dyn Write) -> Result<(), Failure> {
    let image = open(&args.image)?;
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

fn open(path: &Path) -> Result<Image, Failure> {
    let bytes = storage::map_image(path)?;
    Image::open(bytes).map_err(|fault| Failure(format!("{}: {fault}", path.display())))
}

/// Reads the sources one file at a time.
fn load(args: &SourceArgs, now_seconds: u64, bar: &ProgressBar) -> Result<Sources, Failure> {
    let options = BuildOptions {
        potentially_unwanted: args.detect_pua,
        level: args.level,
        created_seconds: now_seconds,
        version: None,
    };
    if args.db.is_empty() {
        return Ok(builtin_sources(options));
    }
    let files = storage::database_files(&args.db)?;
    if files.is_empty() {
        return Err(Failure("there is no file in the directories named".to_owned()));
    }
    bar.set_length(files.len() as u64);
    let mut sources = Sources::new(options);
    storage::read_database(&files, &mut sources, &mut |index| {
        bar.set_position(index as u64);
        if let Some(name) = files.get(index).and_then(|path| path.file_name()) {
            bar.set_message(name.to_string_lossy().into_owned());
        }
    })?;
    bar.set_position(files.len() as u64);
    Ok(sources)
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

/// What no signature may find.
const CLEAN: &[u8] = b"A page about whales: the baleen of a whale is a filter, and a good one.\n";
