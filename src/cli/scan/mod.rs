//! `baleen scan`: files, directories or standard input through the same engine as the gateway's.
//!
//! ```text
//!   PATH… ──▶ Walk ──▶ one file at a time, 256 KiB pieces ──▶ Engine ──▶ one line each ──▶ summary
//!                 └──▶ what cannot be read: a line each, exit code 2
//! ```
//!
//! Exit codes: 0 nothing found, 1 something found, 2 something could not be scanned (and nothing was
//! found). Text output is clamscan's, with one line more: `PATH: REASON UNSCANNED`.
//!
//! Of a directory its files are scanned, and with `-r` those below it; symbolic links inside are not
//! followed and devices are passed over. A path that is named is opened whatever leads to it, so a
//! link or a pipe can be scanned by naming it.

mod database;
mod progress;
mod report;
mod tree;
mod walk;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;

use self::progress::Progress;
use self::report::{Outcome, Reporter};
use self::walk::{Found, Walk};
use super::db::Tools;
use super::terminal::{Screen, Tone};
use crate::engine::database::Image;
use crate::engine::limits::Limits;
use crate::engine::verdict::Verdict;
use crate::engine::{Ended, Engine, Object, Scan};
use crate::runtime::clock;

/// Scan files, directories or standard input
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line are booleans")]
pub struct Args {
    /// Scan directories with everything below them
    #[arg(short, long)]
    recursive: bool,
    /// Use these signatures: a file, or a directory of files, in ClamAV's formats; may be repeated
    #[arg(long, value_name = "PATH", conflicts_with = "image")]
    db: Vec<PathBuf>,
    /// Use this compiled database (made by `baleen db build`)
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Report every signature that matches, not only the first
    #[arg(long)]
    all: bool,
    /// Print a summary at the end (text format prints one on a terminal anyway)
    #[arg(long)]
    summary: bool,
    /// Print only what was found and what could not be scanned
    #[arg(short, long)]
    infected: bool,
    /// What to scan; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As clamscan does
    Text,
    /// One JSON object on a line for each file
    Json,
    /// As drweb-ctl does
    Drweb,
}

/// Runs the command.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut errors = Screen::stderr();
    let engine = match database::engine(args.image.as_deref(), &args.db, &mut errors) {
        Ok(engine) => Arc::new(engine),
        Err(fault) => {
            errors.tagged(Tone::Bad, "error:", fault);
            return ExitCode::from(2);
        }
    };
    let mut session = Session {
        reporter: Reporter::new(args.format, args.infected),
        progress: Progress::new(),
        all: args.all,
        format: args.format,
        buffer: vec![0; PIECE_BYTES],
        engine,
    };
    for path in &args.paths {
        if path.as_os_str() == "-" {
            session.stream(Path::new("-"), &mut io::stdin().lock(), None);
        } else {
            session.walk(path, args.recursive);
        }
    }
    session.progress.clear();
    session.reporter.conclude(args.summary, &session.engine)
}

/// What `baleen db` borrows: the clock, the scan.
#[must_use]
pub fn tools() -> Tools<'static> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line is an edge: it reads the clock for the facts of an image"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Tools { now_seconds: now.map_or(0, |since| since.as_secs()), scan: &first_name }
}

/// The name of what is found first in some bytes.
fn first_name(image: &Image, bytes: &[u8]) -> Option<String> {
    let engine = Engine::new(Arc::new(image.clone()), Limits::default());
    let mut scan = Arc::new(engine).start(Object::default());
    feed(&mut scan, bytes, clock::now());
    match scan.finish() {
        Verdict::Infected(found) => Some(found.name.into()),
        Verdict::Clean | Verdict::Unscanned(_) => None,
    }
}

/// One run over all paths.
struct Session {
    engine: Arc<Engine>,
    reporter: Reporter,
    progress: Progress,
    all: bool,
    format: Format,
    buffer: Vec<u8>,
}

impl Session {
    fn walk(&mut self, path: &Path, recursive: bool) {
        for found in Walk::new(path, recursive) {
            match found {
                Found::File(path, file, size) => self.file(&path, file, size),
                Found::Fault(path, fault) => self.report(&path, &Outcome::Error(fault), 0),
            }
        }
    }

    fn file(&mut self, path: &Path, mut file: File, size: Option<u64>) {
        self.stream(path, &mut file, size);
    }

    /// Scans one stream of bytes to its end and reports it.
    fn stream(&mut self, path: &Path, input: &mut dyn Read, size: Option<u64>) {
        let object = Object { size, ..Object::default() };
        let mut scan =
            if self.all { self.engine.start_all(object) } else { self.engine.start(object) };
        if self.format == Format::Json {
            scan.report_layers();
        }
        let begun = clock::now();
        self.progress.begin(path, size);
        let mut bytes = 0_u64;
        let fault = loop {
            match input.read(&mut self.buffer) {
                Ok(0) => break None,
                Ok(count) => {
                    bytes += u64::try_from(count).unwrap_or(u64::MAX);
                    self.progress.advance(bytes);
                    if feed(&mut scan, &self.buffer[..count], begun) {
                        break None;
                    }
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => break Some(fault),
            }
        };
        while !scan.end() {
            scan.tell_time(clock::now().duration_since(begun));
        }
        let Ended { verdict, detections, layers, .. } = scan.conclude();
        let outcome = match (verdict, fault) {
            // What was found before the file could not be read any further was found.
            (Verdict::Clean | Verdict::Unscanned(_), Some(fault)) => {
                Outcome::Error(fault.to_string())
            }
            (verdict, _) => Outcome::Scanned(verdict, detections, layers),
        };
        self.report(path, &outcome, bytes);
    }

    fn report(&mut self, path: &Path, outcome: &Outcome, bytes: u64) {
        let reporter = &mut self.reporter;
        self.progress.aside(|| reporter.report(&path.to_string_lossy(), outcome, bytes));
    }
}

/// Feeds one piece of a scan that began at `begun`; says whether the verdict is final.
fn feed(scan: &mut Scan, mut piece: &[u8], begun: Instant) -> bool {
    while !piece.is_empty() {
        scan.tell_time(clock::now().duration_since(begun));
        let fed = scan.feed(piece);
        if fed.decided {
            return true;
        }
        piece = &piece[fed.consumed..];
    }
    false
}

/// Large enough that reading costs nothing beside scanning, small enough to stay in the cache.
const PIECE_BYTES: usize = 256 << 10;

const AFTER_HELP: &str = "\
Exit codes:
  0  nothing was found
  1  something was found
  2  something could not be scanned, and nothing was found in the rest

Without --db and --image only the EICAR test file is known.";
