//! `baleen squid setup` and `baleen squid remove`: our lines in a real squid.conf.
//!
//! ```text
//!   squid -v ──▶ Version ──▶ block::Link ──▶ text of the block
//!   squid.conf ─▶ Document (before │ block │ after) ──▶ new file ──▶ install (check, backup, rename)
//! ```
//!
//! The block stands between two markers; running `setup` again replaces it, and changes nothing when
//! it is as it should be. Squid itself checks every file before it counts. Restarting Squid is left to
//! the administrator: the command to type is printed.

mod block;
mod document;
mod install;
mod program;

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::block::{Failure, Link};
use self::document::Document;
use self::install::{Config, Refusal};
pub(super) use self::program::{Missing, Squid};
use super::terminal::{Screen, Tone};

/// Connects Squid to Baleen, or disconnects it.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write Baleen's lines into squid.conf, or bring them up to date
    Setup(Setup),
    /// Take Baleen's lines out of squid.conf
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
struct Setup {
    #[command(flatten)]
    target: Target,
    /// Name or address of Baleen, as Squid reaches it
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1", value_parser = parse_host)]
    icapd_host: String,
    /// Port of Baleen's ICAP listener
    #[arg(long, value_name = "PORT", default_value_t = 1344)]
    icapd_port: u16,
    /// Let traffic pass unscanned while Baleen does not answer
    #[arg(long, value_name = "on|off", default_value = "off")]
    bypass: Bypass,
}

#[derive(Debug, clap::Args)]
struct Remove {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct Target {
    /// The configuration to change
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    squid_config: PathBuf,
    /// The Squid that has to accept it [default: the one that is installed]
    #[arg(long, value_name = "PROGRAM")]
    squid: Option<PathBuf>,
    /// Print what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Bypass {
    On,
    Off,
}

/// How a run ended well.
enum Done {
    Unchanged(&'static str),
    Shown,
    Changed { backup: PathBuf, squid: PathBuf },
}

/// Why a run ended otherwise.
enum Problem {
    NoSquid(Missing),
    Markers(PathBuf, document::Fault),
    Refused(Refusal),
    /// Nobody is there to be asked.
    NotConfirmed,
    /// The administrator said no.
    Declined,
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut screen = Screen::stdout();
    let result = match &args.action {
        Action::Setup(setup) => setup.run(&mut screen),
        Action::Remove(remove) => remove.run(&mut screen),
    };
    match result {
        Ok(done) => {
            done.report(&mut screen);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            Screen::stderr().tagged(Tone::Bad, "refused:", &problem);
            ExitCode::from(problem.code())
        }
    }
}

impl Setup {
    fn run(&self, screen: &mut Screen<io::Stdout>) -> Result<Done, Problem> {
        let squid = Squid::find(self.target.squid.as_deref()).map_err(Problem::NoSquid)?;
        let failure = match self.bypass {
            Bypass::On => Failure::Open,
            Bypass::Off => Failure::Closed,
        };
        let link = Link {
            version: squid.version(),
            host: &self.icapd_host,
            port: self.icapd_port,
            failure,
        };
        let config = Config::read(&self.target.squid_config)?;
        let document = parse(&config)?;
        for (line, text) in document.rivals() {
            let note =
                format!("line {line} of your configuration speaks about adaptation, too: {text}");
            screen.tagged(Tone::Note, "note:", note);
        }
        let new = document.with_block(&link.render());
        self.target.apply(
            &config,
            &new,
            &squid,
            screen,
            "squid.conf is set up already; nothing to do",
        )
    }
}

impl Remove {
    fn run(&self, screen: &mut Screen<io::Stdout>) -> Result<Done, Problem> {
        let squid = Squid::find(self.target.squid.as_deref()).map_err(Problem::NoSquid)?;
        let config = Config::read(&self.target.squid_config)?;
        let new = parse(&config)?.without_block();
        self.target.apply(
            &config,
            &new,
            &squid,
            screen,
            "there is no block of ours in squid.conf; nothing to do",
        )
    }
}

impl Target {
    fn apply(
        &self,
        config: &Config,
        new: &[u8],
        squid: &Squid,
        screen: &mut Screen<io::Stdout>,
        unchanged: &'static str,
    ) -> Result<Done, Problem> {
        config.check(squid)?;
        let diff = document::diff(&config.path().display().to_string(), config.bytes(), new);
        if diff.is_empty() {
            return Ok(Done::Unchanged(unchanged));
        }
        if self.dry_run {
            screen.line(diff.trim_end());
            return Ok(Done::Shown);
        }
        if !self.yes {
            screen.line(diff.trim_end());
            confirm(screen)?;
        }
        let backup = config.replace(new, squid)?;
        Ok(Done::Changed { backup, squid: squid.program().to_owned() })
    }
}

fn parse(config: &Config) -> Result<Document<'_>, Problem> {
    Document::parse(config.bytes())
        .map_err(|fault| Problem::Markers(config.path().to_owned(), fault))
}

fn confirm(screen: &mut Screen<io::Stdout>) -> Result<(), Problem> {
    if !io::stdin().is_terminal() {
        return Err(Problem::NotConfirmed);
    }
    screen.line("Write this? [y/N]");
    let mut answer = String::new();
    // An unreadable answer is no consent.
    drop(io::stdin().read_line(&mut answer));
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Problem::Declined),
    }
}

/// Whether the block is in a configuration, for `baleen doctor`.
pub(super) fn is_set_up(config: &Path) -> Result<bool, String> {
    let config = Config::read(config).map_err(|refusal| refusal.to_string())?;
    Document::parse(config.bytes())
        .map(|document| document.has_block())
        .map_err(|fault| fault.to_string())
}

/// A host name or address that can stand in a URL of squid.conf and means one word there.
fn parse_host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    let is_name = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if bare.len() <= 253 && bare.split('.').all(is_name) {
        return Ok(bare.to_owned());
    }
    Err("a host name or an IP address is wanted here".to_owned())
}

impl Done {
    fn report(&self, screen: &mut Screen<io::Stdout>) {
        match self {
            Self::Unchanged(why) => screen.line(why),
            Self::Shown => screen.line("(--dry-run: nothing was changed)"),
            Self::Changed { backup, squid } => {
                screen.tagged(
                    Tone::Good,
                    "done:",
                    format_args!("the old file is {}", backup.display()),
                );
                screen.line(format_args!(
                    "Now let Squid read it: {} -k reconfigure",
                    squid.display()
                ));
                screen.line(
                    "Then see whether it works: baleen selftest --through http://127.0.0.1:3128",
                );
            }
        }
    }
}

impl Problem {
    /// 1: the answer is no. 2: the command could not do its work.
    const fn code(&self) -> u8 {
        match self {
            Self::Refused(
                Refusal::BrokenBefore(_) | Refusal::BrokenByUs(_) | Refusal::Restored(_),
            )
            | Self::Markers(..)
            | Self::Declined => 1,
            Self::Refused(Refusal::File { .. } | Refusal::TooLarge(_))
            | Self::NoSquid(_)
            | Self::NotConfirmed => 2,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSquid(missing) => missing.fmt(out),
            Self::Markers(path, fault) => {
                write!(
                    out,
                    "{}: {fault}; please put the markers right or delete both",
                    path.display()
                )
            }
            Self::Refused(refusal) => refusal.fmt(out),
            Self::NotConfirmed => {
                out.write_str("nobody is there to be asked; add -y to write, or --dry-run to look")
            }
            Self::Declined => out.write_str("nothing was changed"),
        }
    }
}

/// Debian's, and the most common one.
pub(super) const DEFAULT_CONFIG: &str = "/etc/squid/squid.conf";

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or nothing to do
  1  refused: Squid does not accept the file, the markers are damaged, or you said no
  2  Squid or the file cannot be reached, or nobody was there to be asked

Examples:
  baleen squid setup --dry-run
  baleen squid setup -y && squid -k reconfigure
  baleen squid setup --icapd-host gateway.example --bypass on
  baleen squid remove -y

A copy of the old file stays beside it: squid.conf.baleen-<UTC time>.";

#[cfg(test)]
mod tests {
    use super::parse_host;

    #[test]
    fn a_host_is_one_word() {
        let check = |text: &str| parse_host(text).ok();
        assert_eq!(check("gateway-1.example").as_deref(), Some("gateway-1.example"));
        assert_eq!(check("[::1]").as_deref(), Some("::1"));
        assert_eq!(check("10.0.0.1").as_deref(), Some("10.0.0.1"));
        for bad in ["", "a b", "x/y", "a..b", "host\nicap_enable off", "h:1344"] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }
}
