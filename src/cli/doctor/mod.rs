//! `baleen doctor`: can Baleen run on this machine, and if not, what exactly has to be done?
//!
//! ```text
//!   Subject ──▶ each check: gather facts ──▶ judge (pure) ──▶ Finding ──▶ text or JSON
//! ```
//!
//! A check never changes anything that stays: files it writes are taken away again, ports it opens are
//! closed at once. Judging is apart from gathering, so that tests can show every diagnosis without
//! having the illness.
//!
//! Absent on purpose: repairing. The remedy is printed as a command; whoever runs it knows why.

mod finding;
mod io_uring;
mod machine;
mod network;
mod storage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use self::finding::{Finding, State};
use super::squid::DEFAULT_CONFIG;
use super::terminal::{Screen, Tone};
use crate::runtime::configuration;
use crate::settings::options::Server;

/// Looks at this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The settings file that `serve` is given; what the options below name comes first
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An address that Baleen listens on; may be repeated [default: 127.0.0.1:1344]
    #[arg(long, value_name = "IP:PORT")]
    listen: Vec<SocketAddr>,
    /// The folder for the database and everything else that stays [default: ./baleen-data]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The folder for bodies that do not fit into memory [default: "spool" in the state folder]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Connections to be served at once [default: 16384]
    #[arg(long, value_name = "COUNT")]
    max_connections: Option<u64>,
    /// Scan shards [default: one for each usable processor]
    #[arg(long, value_name = "COUNT")]
    shards: Option<u64>,
    /// The configuration of the Squid on this machine
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    squid_config: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Used by the doctor itself: try `io_uring` in this process
    #[arg(long, hide = true)]
    probe_io_uring: bool,
}

/// Looks at everything and says what it found. 0 when nothing is bad.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    if args.probe_io_uring {
        return io_uring::run_probe();
    }
    let (read, configuration) = configuration::read(args.config.as_deref());
    let mut findings = Vec::new();
    if !read.is_usable() {
        findings.push(Finding::bad("settings", read.texts().join("; "), "baleen check-config"));
    }
    let server = configuration.map(|read| read.settings).unwrap_or_default().server();
    findings.extend(Subject::of(args, server).examine());
    findings.push(network::squid(&args.squid_config));
    let mut screen = Screen::stdout();
    if args.json {
        let report = serde_json::json!({ "ok": is_healthy(&findings), "findings": findings });
        screen.line(report);
    } else {
        for finding in &findings {
            finding.print(&mut screen);
        }
        let (tone, summary) = summary(&findings);
        screen.tagged(tone, "==", summary);
    }
    if is_healthy(&findings) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is going to run here, as far as the machine has to bear it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
    listen: Vec<SocketAddr>,
    state_dir: PathBuf,
    spool_dir: PathBuf,
    connections_max: u64,
    shards: u64,
    database: Vec<PathBuf>,
}

impl Subject {
    /// What the arguments name, and the settings for the rest.
    fn of(args: &Args, server: Server) -> Self {
        let usable = std::thread::available_parallelism().map_or(1, usize::from);
        let shards = server.shards.map_or_else(|| u64::try_from(usable).unwrap_or(1), u64::from);
        let state_dir = args.state_dir.clone().unwrap_or(server.state_dir);
        let spool_dir = args.spool_dir.clone().or(server.budgets.spool_dir);
        Self {
            listen: if args.listen.is_empty() { server.listen } else { args.listen.clone() },
            spool_dir: spool_dir.unwrap_or_else(|| state_dir.join("spool")),
            state_dir,
            connections_max: args.max_connections.unwrap_or_else(|| server.connections_max.into()),
            shards: args.shards.unwrap_or(shards),
            database: server.database,
        }
    }

    fn examine(&self) -> Vec<Finding> {
        let mut findings = vec![
            machine::kernel(),
            io_uring::check(),
            machine::memlock(self.shards),
            machine::descriptors(self.connections_max),
            machine::processors(self.shards),
            machine::clock(&self.state_dir),
        ];
        findings.extend(self.listen.iter().map(|address| network::listener(*address)));
        findings.push(storage::folder("state folder", &self.state_dir, STATE_BYTES_WANTED));
        findings.push(storage::folder("spool folder", &self.spool_dir, SPOOL_BYTES_WANTED));
        findings.push(storage::database(&self.database, machine::now()));
        findings
    }
}

fn is_healthy(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.state != State::Bad)
}

fn summary(findings: &[Finding]) -> (Tone, String) {
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    match (count(State::Bad), count(State::Note)) {
        (0, 0) => (Tone::Good, "all is well".to_owned()),
        (0, 1) => (Tone::Note, "Baleen can run; one thing could be better".to_owned()),
        (0, notes) => (Tone::Note, format!("Baleen can run; {notes} things could be better")),
        (1, _) => {
            (Tone::Bad, "one thing has to be repaired before Baleen can do its work".to_owned())
        }
        (bad, _) => {
            (Tone::Bad, format!("{bad} things have to be repaired before Baleen can do its work"))
        }
    }
}

/// Sources and two images of ClamAV's whole database.
const STATE_BYTES_WANTED: u64 = 1 << 30;
/// A handful of large downloads held at once.
const SPOOL_BYTES_WANTED: u64 = 4 << 30;

const AFTER_HELP: &str = "\
Exit codes:
  0  nothing is bad (notes are allowed)
  1  at least one line is bad; each says what to do
  2  the command was not understood

Examples:
  baleen doctor
  baleen doctor --listen 0.0.0.0:1344 --state-dir /var/lib/baleen
  baleen doctor --json | jq '.findings[] | select(.state != \"good\")'

Run it as the user that Baleen runs as: limits and rights are those of the caller.";

#[cfg(test)]
mod tests {
    use super::{Finding, is_healthy, summary};

    #[test]
    fn a_note_does_not_fail_and_a_bad_line_does() {
        let good = Finding::good("a", "x");
        let note = Finding::note("b", "x", "do");
        let bad = Finding::bad("c", "x", "do");
        assert!(is_healthy(&[good.clone(), note.clone()]));
        assert!(!is_healthy(&[good.clone(), note.clone(), bad.clone()]));
        assert_eq!(summary(std::slice::from_ref(&good)).1, "all is well");
        assert_eq!(
            summary(&[good.clone(), note.clone()]).1,
            "Baleen can run; one thing could be better"
        );
        assert_eq!(
            summary(&[good, note, bad]).1,
            "one thing has to be repaired before Baleen can do its work"
        );
    }

    #[test]
    fn a_finding_in_json_has_its_remedy_only_when_there_is_one() {
        let json = |finding: Finding| serde_json::to_string(&finding).expect("plain values");
        assert_eq!(json(Finding::good("a", "x")), r#"{"check":"a","state":"good","found":"x"}"#);
        assert_eq!(
            json(Finding::bad("a", "x", "y")),
            r#"{"check":"a","state":"bad","found":"x","remedy":"y"}"#
        );
    }
}
