//! What is answered, in the words that clients look for.
//!
//! Clients take a reply apart by its ending: ` OK`, ` FOUND`, ` ERROR`. A name from a disk that holds a
//! newline could therefore forge a reply in line framing; the connection writes `?` in its place.

use std::fmt::Write as _;
use std::time::Duration;

use super::Unchecked;
use super::command::COMMANDS;
use crate::engine::verdict::{Detection, Verdict, Why};

/// To `PING`.
pub const PONG: &str = "PONG";
/// To `RELOAD`.
pub const RELOADING: &str = "RELOADING";
/// To a path that does not lead to a file or a directory.
pub const NOT_SUPPORTED: &str = "Not supported file type";
/// To a path that may not be read.
pub const ACCESS_DENIED: &str = "Access denied.";
/// To `FILDES` without a descriptor.
pub const NO_DESCRIPTOR: &str = "No file descriptor received. ERROR";
/// To a descriptor of something else.
pub const NOT_REGULAR: &str = "Not a regular file";
/// To a path that is a link: what it leads to is to be named itself.
pub const LINK: &str = "Symbolic links are not followed.";
/// To a path from a client that may not name paths.
pub const PATHS_REFUSED: &str = "Paths are not scanned for clients of the network.";

/// To something that is not understood.
pub(super) const UNKNOWN: &str = "UNKNOWN COMMAND";
/// To something that is not understood, or not allowed, in a session.
pub(super) const INVALID_IN_SESSION: &str = "Command invalid inside IDSESSION. ERROR";
/// To a stream over its limit.
pub(super) const STREAM_LIMIT: &str = "INSTREAM size limit exceeded. ERROR";
/// To silence.
pub(super) const TIMED_OUT: &str = "COMMAND READ TIMED OUT";
/// To a descriptor that nobody asked for.
pub(super) const STRAY_DESCRIPTOR: &str =
    "PROTOCOL ERROR: ancillary data sent without FILDES. ERROR";

/// Nothing was found.
#[must_use]
pub fn ok(name: &[u8]) -> Vec<u8> {
    line(name, &[" OK"])
}

/// Something was found.
#[must_use]
pub fn found(name: &[u8], threat: &str) -> Vec<u8> {
    line(name, &[" ", threat, " FOUND"])
}

/// It could not be scanned.
#[must_use]
pub fn error(name: &[u8], why: &str) -> Vec<u8> {
    line(name, &[" ", why, " ERROR"])
}

/// A path that the system says something about.
#[must_use]
pub fn path_failure(name: &[u8], why: &str) -> Vec<u8> {
    line(name, &[" File path check failure: ", why, ". ERROR"])
}

/// Names are bytes: a disk does not care for encodings, and a client looks for what it asked about.
fn line(name: &[u8], words: &[&str]) -> Vec<u8> {
    let mut line = name.to_vec();
    line.push(b':');
    for word in words {
        line.extend_from_slice(word.as_bytes());
    }
    line
}

/// What became of an object: a line for each threat, or one for all the rest.
#[must_use]
pub fn verdict(
    name: &[u8],
    verdict: &Verdict,
    detections: &[Detection],
    unchecked: Unchecked,
) -> Vec<Vec<u8>> {
    match verdict {
        Verdict::Clean => vec![ok(name)],
        Verdict::Unscanned(why) => match (unchecked, why.heuristic()) {
            (Unchecked::Found, Some(threat)) => vec![found(name, &threat)],
            (Unchecked::Found | Unchecked::Error, _) => vec![unscanned(name, *why)],
        },
        Verdict::Infected(first) => {
            let mut names = vec![&first.name];
            for detection in detections {
                if !names.contains(&&detection.name) {
                    names.push(&detection.name);
                }
            }
            names.into_iter().map(|threat| found(name, threat)).collect()
        }
    }
}

/// Clients take replies apart at `: `, so the reason has none.
fn unscanned(name: &[u8], why: Why) -> Vec<u8> {
    let why = why.to_string().replace(": ", " ");
    error(name, &format!("Not scanned ({why})"))
}

/// To `VERSION`: program, database and its date, as clients take them apart at the slashes.
#[must_use]
pub fn version(program: &str, database: &str, date: &str) -> String {
    format!("Baleen {program}/{database}/{date}")
}

/// To `VERSIONCOMMANDS`.
#[must_use]
pub fn version_commands(version: &str) -> String {
    format!("{version}| COMMANDS: {COMMANDS}")
}

/// The figures of `STATS`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Threads that exist.
    pub threads: usize,
    /// Threads that work.
    pub busy: usize,
    /// Connections and files that wait for a thread.
    pub queued: usize,
    /// What is being worked on: the command, for how long, and the path where there is one.
    pub items: Vec<Item>,
    /// Memory of the whole program, in bytes.
    pub memory_bytes: u64,
    /// The most it ever had, in bytes.
    pub memory_peak_bytes: u64,
}

/// Something that is being worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The command.
    pub command: &'static str,
    /// Since it was begun.
    pub time: Duration,
    /// What it is about; may be empty.
    pub name: String,
}

/// To `STATS`, in the form that clamdtop reads. `pools_used` is the memory of the program and
/// `pools_total` the most it ever had; it has no pools, and the threads are always all there.
#[must_use]
pub fn stats(figures: &Statistics) -> String {
    let mut text = String::from("POOLS: 1\n\nSTATE: VALID PRIMARY\n");
    let idle = figures.threads.saturating_sub(figures.busy);
    let threads = figures.threads;
    // Writing to a text cannot fail.
    let _always = write!(
        text,
        "THREADS: live {threads}  idle {idle} max {threads} idle-timeout 0\nQUEUE: {} items\n",
        figures.queued
    );
    for item in &figures.items {
        let seconds = item.time.as_secs_f64();
        let _always = writeln!(text, "\t{} {seconds:.6} {}", item.command, item.name);
    }
    let (used, total) = (mebibytes(figures.memory_bytes), mebibytes(figures.memory_peak_bytes));
    let _always = write!(
        text,
        "\nMEMSTATS: heap N/A mmap N/A used N/A free N/A releasable N/A pools 1 \
         pools_used {used}M pools_total {total}M\nEND"
    );
    text
}

/// With three digits behind the point.
fn mebibytes(bytes: u64) -> String {
    let thousandths = bytes.saturating_mul(1_000) >> 20;
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}
