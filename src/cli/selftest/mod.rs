//! `baleen selftest`: is traffic really scanned, and if not, at which hop does it go wrong?
//!
//! ```text
//!   here ──────────── ICAP ───────────▶ Baleen                 the direct leg
//!   here ──▶ proxy ──▶ web server of this test                 the real path, with --through
//!              └── ICAP ──▶ Baleen
//! ```
//!
//! Two bodies travel: the EICAR test string, which every scanner must find, and a harmless one, which
//! nobody may touch. The direct leg says whether Baleen does its part; comparing both legs says whose
//! part is not done. Everything has a time limit.

mod icap;
mod origin;
mod proxy;
mod sample;
mod step;
mod wire;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::icap::Service;
use self::proxy::Proxy;
use self::step::{Outcome, Step};
use super::terminal::{Screen, Tone};

/// Sends a test virus and a clean body down the real path.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Go through this proxy, too, as a browser does
    #[arg(long, value_name = "http://HOST:PORT", value_parser = parse_proxy)]
    through: Option<HostPort>,
    /// Where Baleen's ICAP service listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1344", value_parser = parse_icap)]
    icap: HostPort,
    /// Seconds allowed for each connect, read and write
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HostPort {
    host: String,
    port: u16,
}

/// Runs all steps. 0 when none failed.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let patience = Duration::from_secs(args.timeout);
    let HostPort { host, port } = args.icap.clone();
    let (mut steps, direct) = Service { host, port, patience }.examine();
    if let Some(HostPort { host, port }) = args.through.clone() {
        steps.extend(Proxy { host, port, patience }.examine(direct, token()));
    }
    let failed = steps.iter().filter(|step| step.result == Outcome::Failed).count();
    report(&steps, failed, args);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(steps: &[Step], failed: usize, args: &Args) {
    let mut screen = Screen::stdout();
    if args.json {
        screen.line(serde_json::json!({ "ok": failed == 0, "steps": steps }));
        return;
    }
    for step in steps {
        step.print(&mut screen);
    }
    match (failed, args.through.is_some()) {
        (0, true) => screen.tagged(
            Tone::Good,
            "==",
            "traffic through the proxy is scanned, clean bodies arrive whole",
        ),
        (0, false) => screen.tagged(
            Tone::Good,
            "==",
            "Baleen scans; add --through http://PROXY:3128 to see whether the proxy asks it",
        ),
        (failed, _) => {
            screen.tagged(
                Tone::Bad,
                "==",
                format_args!("{failed} of {} steps failed", steps.len()),
            );
        }
    }
}

/// A word that no cache has seen before.
#[expect(clippy::disallowed_methods, reason = "the time makes the name of this run its own")]
fn token() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("baleen-selftest-{}-{nanos}", std::process::id())
}

fn parse_proxy(text: &str) -> Result<HostPort, String> {
    let rest = text.strip_prefix("http://").unwrap_or(text);
    if rest.contains("://") {
        return Err("the way to the proxy is plain HTTP: http://HOST:PORT".to_owned());
    }
    parse_host_port(rest.strip_suffix('/').unwrap_or(rest), 3128)
}

fn parse_icap(text: &str) -> Result<HostPort, String> {
    parse_host_port(text, 1344)
}

/// `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`.
fn parse_host_port(text: &str, port_default: u16) -> Result<HostPort, String> {
    let wanted = || format!("HOST:PORT is wanted here, found «{text}»");
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wanted)?)),
        None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty()
        || host.contains(|sign: char| sign.is_whitespace() || matches!(sign, '/' | '@'))
    {
        return Err(wanted());
    }
    let port = match port {
        None => port_default,
        Some(port) => port.parse().map_err(|_| wanted())?,
    };
    Ok(HostPort { host: host.to_owned(), port })
}

const AFTER_HELP: &str = "\
Exit codes:
  0  every step passed
  1  a step failed; it names the hop and the remedy
  2  the command was not understood

Examples:
  baleen selftest
  baleen selftest --through http://127.0.0.1:3128
  baleen selftest --icap gateway.example:1344 --through http://proxy.example:3128 --json

The test virus is the EICAR string: harmless, and known to every scanner. With --through, a small web
server runs on this machine for the length of the test; the proxy must be able to connect to it.";

#[cfg(test)]
mod tests {
    use super::{HostPort, parse_icap, parse_proxy};

    #[test]
    fn addresses_are_read_in_their_usual_forms() {
        let is = |host: &str, port| Ok(HostPort { host: host.to_owned(), port });
        assert_eq!(parse_proxy("http://proxy:3128/"), is("proxy", 3128));
        assert_eq!(parse_proxy("proxy"), is("proxy", 3128));
        assert_eq!(parse_proxy("http://[::1]:8080"), is("::1", 8080));
        assert_eq!(parse_icap("[::1]"), is("::1", 1344));
        assert_eq!(parse_icap("gw:11344"), is("gw", 11344));
        for wrong in ["", ":1", "h:x", "h:70000", "https://h", "u@h:1", "a b", "[::1]x"] {
            assert!(parse_proxy(wrong).is_err(), "{wrong}");
        }
    }
}
