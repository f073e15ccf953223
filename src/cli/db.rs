//! `baleen db`: build an image from signature files, say what is in one, test one.
//!
//! Answers go to standard output, progress and problems to standard error; the exit code is 0 when
//! the command did what it says, 2 when not. A bad line of a source is not a failure: it is counted
//! and shown, and the rest is built.
//!
//! Absent on purpose: the clock, the matcher's compiler and the scan, which the caller lends
//! through [`Tools`].

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::engine::database::signature::BodySignature;
use crate::engine::database::{
    BuildOptions, DatabaseFacts, FileReport, Image, Progress, Sources, build, builtin,
    builtin_sources,
};
use crate::runtime::storage;

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
    #[expect(
        missing_docs,
        reason = "clap would print it as the help of the command"
    )]
    pub sources: SourceArgs,
    /// The image to write; an older one is replaced in one step.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `db info`.
#[derive(Clone, Debug, Args)]
pub struct InfoArgs {
    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "clap would print it as the help of the command"
    )]
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
    writeln!(
        out,
        "ok: image {} is whole, {} signatures",
        facts.version,
        facts.signatures()
    )?;
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
        return Err(Failure(
            "there is no file in the directories named".to_owned(),
        ));
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

fn write_facts(facts: &DatabaseFacts, bytes: Option<u64>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "version      {}", facts.version)?;
    writeln!(out, "content      {}", facts.content)?;
    if let Some(bytes) = bytes {
        writeln!(out, "built        {}", utc(facts.created_seconds))?;
        writeln!(out, "image        {bytes} bytes")?;
    }
    writeln!(out, "level        {}", facts.level)?;
    writeln!(out, "signatures   {}", facts.signatures())?;
    writeln!(out, "  patterns   {}", facts.bodies)?;
    for (name, counts) in [("detect", &facts.detected), ("trust", &facts.trusted)] {
        let (md5, sha1, sha256) = (counts.md5, counts.sha1, counts.sha256);
        writeln!(
            out,
            "  {name:<10} MD5 {md5}, SHA-1 {sha1}, SHA-256 {sha256}"
        )?;
    }
    let lines = &facts.lines;
    writeln!(out, "lines        {}", lines.lines)?;
    for (name, count) in [
        ("comments", lines.comments),
        ("ignored", lines.ignored),
        ("level", lines.by_level),
        ("off", lines.switched_off),
        ("bad", lines.bad),
    ] {
        if count > 0 {
            writeln!(out, "  {name:<10} {count}")?;
        }
    }
    if !lines.unsupported.is_empty() {
        writeln!(out, "not supported yet: {}", lines.unsupported_count())?;
    }
    for (reason, count) in &lines.unsupported {
        writeln!(out, "  {count:<10} {reason}")?;
    }
    writeln!(out, "sources      {}", facts.sources.len())?;
    for source in &facts.sources {
        let (sha256, bytes, name) = (source.sha256, source.bytes, &source.name);
        writeln!(
            out,
            "  {sha256} {bytes} bytes, {} loaded: {name}",
            source.loaded
        )?;
    }
    Ok(())
}

/// Files that were not read, and bad lines with their places.
fn write_problems(files: &[FileReport], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        if let Some(reason) = file.not_read {
            writeln!(out, "{}: {reason}", file.name)?;
        }
        for bad in &file.bad {
            writeln!(out, "{}: {bad}", file.name)?;
        }
        let more = file.totals.bad.saturating_sub(file.bad.len() as u64);
        if more > 0 {
            writeln!(out, "{}: {more} more bad lines", file.name)?;
        }
    }
    Ok(())
}

/// Seconds since 1970 as a date, in the proleptic Gregorian calendar: eras of 400 years that begin
/// in March, so that the day that some years do not have is the last of its year.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// What no signature may find.
const CLEAN: &[u8] = b"A page about whales: the baleen of a whale is a filter, and a good one.\n";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Stands for the engine: looks for the digest of the whole object only.
    fn scan(image: &Image, bytes: &[u8]) -> Option<String> {
        use crate::engine::database::signature::Purpose;
        use crate::engine::digest::{Kinds, Running};
        let mut running = Running::new(Kinds::ALL);
        running.update(bytes);
        let computed = running.finish();
        let size = bytes.len() as u64;
        let tables = image.digests();
        let mut digests = computed.iter();
        let entry = digests.find_map(|digest| tables.lookup(Purpose::Detect, digest, size))?;
        Some(image.name(entry.name).to_owned())
    }

    fn output(command: &Command) -> Result<String, String> {
        let tools = Tools {
            now_seconds: 1_700_000_000,
            compile_matcher: &|_| Vec::new(),
            scan: &scan,
        };
        let mut out = Vec::new();
        match run_to(command, tools, &mut out) {
            Ok(()) => Ok(String::from_utf8(out).expect("text")),
            Err(Failure(text)) => Err(text),
        }
    }

    fn sources(db: &[&Path]) -> SourceArgs {
        SourceArgs {
            db: db.iter().map(|path| path.to_path_buf()).collect(),
            detect_pua: false,
            level: 214,
        }
    }

    #[test]
    fn build_info_and_test_of_the_embedded_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        let built = output(&Command::Build(BuildArgs {
            sources: sources(&[]),
            output: path.clone(),
        }));
        let built = built.expect("the embedded database builds");
        assert!(
            built.contains("signatures   2\n  patterns   1\n"),
            "{built}"
        );
        assert!(
            built.contains("built        2023-11-14 22:13:20 UTC\n"),
            "{built}"
        );
        let info = |json| {
            output(&Command::Info(InfoArgs {
                sources: sources(&[]),
                image: Some(path.clone()),
                json,
            }))
        };
        assert_eq!(info(false), Ok(built));
        let json: serde_json::Value =
            serde_json::from_str(&info(true).expect("an image")).expect("JSON");
        assert_eq!(json["facts"]["detected"]["md5"], 1);
        let tested = output(&Command::Test(TestArgs { image: path }));
        let tested = tested.expect("the test file is detected");
        assert!(
            tested.contains("detected as Eicar-Test-Signature.UNOFFICIAL"),
            "{tested}"
        );
    }

    #[test]
    fn problems_are_shown_with_their_place() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.ndb"), "A:0:*:616263\nB:0:*:6z\n").expect("a file");
        fs::write(folder.path().join("b.ldb"), "A;Target:0;0;616263\n").expect("a file");
        let args = InfoArgs {
            sources: sources(&[folder.path()]),
            image: None,
            json: false,
        };
        let info = output(&Command::Info(args)).expect("files");
        assert!(
            info.contains("not supported yet: 1\n  1          logical signatures\n"),
            "{info}"
        );
        let place = "a.ndb: line 2, column 8: found 'z', allowed: a second hex digit or '?'\n";
        assert!(info.contains(place), "{info}");
        assert!(
            info.ends_with("b.ldb: not read: the format is not supported yet\n"),
            "{info}"
        );
    }

    #[test]
    fn failures_say_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("image");
        fs::write(&path, "not an image").expect("a file");
        let test = output(&Command::Test(TestArgs {
            image: path.clone(),
        }));
        let text = test.expect_err("not an image");
        assert!(
            text.ends_with("image: 12 bytes are too few for an image"),
            "{text}"
        );
        let database = folder.path().join("a.ndb");
        fs::write(&database, "A:0:*:616263\n").expect("a file");
        let args = BuildArgs {
            sources: sources(&[&database]),
            output: path.clone(),
        };
        output(&Command::Build(args)).expect("a database");
        let text = output(&Command::Test(TestArgs { image: path })).expect_err("no EICAR");
        assert!(
            text.starts_with("the EICAR test file is not detected"),
            "{text}"
        );
    }

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_709_251_199), "2024-02-29 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00 UTC");
    }
}
