//! The installed Squid: where it is, how old it is, and what it thinks of a configuration.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::block::Version;
use crate::cli::child::{self, Silence};

/// A Squid that can be asked.
#[derive(Debug)]
pub(in crate::cli) struct Squid {
    program: PathBuf,
    version: Version,
}

/// Why there is no Squid to work with.
#[derive(Debug)]
pub(in crate::cli) enum Missing {
    /// No program of that name in the usual places.
    NotFound,
    /// The program does not answer `-v`.
    Silent(PathBuf, Silence),
    /// The program answers `-v` with something else than a version.
    NotSquid(PathBuf),
    /// The version has no ICAP client.
    TooOld(Version),
}

/// Squid's objections to a configuration, in its words.
#[derive(Debug)]
pub(super) struct Objections(Vec<String>);

impl Squid {
    /// Looks for Squid: the named program, or the usual places.
    ///
    /// # Errors
    ///
    /// [`Missing`] says what is wrong, with the remedy.
    pub(in crate::cli) fn find(named: Option<&Path>) -> Result<Self, Missing> {
        let program = match named {
            Some(path) => path.to_owned(),
            None => installed().ok_or(Missing::NotFound)?,
        };
        let said = child::ask(Command::new(&program).arg("-v"), PATIENCE)
            .map_err(|silence| Missing::Silent(program.clone(), silence))?;
        let version =
            Version::parse(&said.stdout).ok_or_else(|| Missing::NotSquid(program.clone()))?;
        if version < Version::OLDEST {
            return Err(Missing::TooOld(version));
        }
        Ok(Self { program, version })
    }

    /// Its version.
    pub(in crate::cli) const fn version(&self) -> Version {
        self.version
    }

    /// Where it is.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Lets Squid read a configuration as it would at its start.
    ///
    /// # Errors
    ///
    /// [`Objections`] are Squid's own lines.
    pub(super) fn parse(&self, config: &Path) -> Result<(), Objections> {
        let answer = child::ask(
            Command::new(&self.program).args(["-k", "parse", "-f"]).arg(config),
            PATIENCE,
        )
        .map_err(|silence| Objections(vec![format!("{} {silence}", self.program.display())]))?;
        let said: Vec<_> =
            answer.stderr.lines().filter(|line| is_objection(line)).map(clean).collect();
        // Some versions end with 0 after an unknown directive, hence the look at the words.
        if answer.status.success() && said.is_empty() {
            return Ok(());
        }
        Err(Objections(if said.is_empty() {
            vec![format!("it ended with {}", answer.status)]
        } else {
            said
        }))
    }
}

/// `PATH` first; Squid lives in `sbin`, which an ordinary user's `PATH` often lacks.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SQUID_FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join("squid"))
        .find(|program| program.is_file())
}

fn is_objection(line: &str) -> bool {
    ["FATAL:", "ERROR:", "Bungled", "unrecognized:"].iter().any(|sign| line.contains(sign))
}

/// A line without the time stamp that Squid puts in front.
fn clean(line: &str) -> String {
    let text = line.split_once("| ").map_or(line, |(_, text)| text);
    text.trim().to_owned()
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => out.write_str(
                "Squid is not installed here, or not where it is looked for. \
                 On Debian: apt-get install squid. Elsewhere: --squid /path/to/squid",
            ),
            Self::Silent(program, silence) => write!(out, "{}: {silence}", program.display()),
            Self::NotSquid(program) => {
                write!(out, "{} -v does not print Squid's version", program.display())
            }
            Self::TooOld(version) => {
                write!(
                    out,
                    "Squid {version} has no ICAP client; {} is the oldest that has",
                    Version::OLDEST
                )
            }
        }
    }
}

impl fmt::Display for Objections {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().take(OBJECTIONS_SHOWN_MAX);
        for (index, line) in shown.enumerate() {
            write!(out, "{}  squid: {line}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Parsing takes about 50 ms; large access lists on a slow disk take seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Squid repeats itself; its first words are the ones that matter.
const OBJECTIONS_SHOWN_MAX: usize = 8;
/// Debian and most others; the default prefix of Squid's own build.
const SQUID_FOLDERS: [&str; 4] =
    ["/usr/sbin", "/usr/local/sbin", "/usr/local/squid/sbin", "/opt/squid/sbin"];

#[cfg(test)]
mod tests {
    use super::{Missing, Squid, clean, is_objection};
    use std::path::Path;

    #[test]
    fn objections_are_told_from_chatter() {
        assert!(is_objection(
            "2026/01/02 03:04:05| FATAL: Bungled /etc/squid/squid.conf line 3: http_port x"
        ));
        assert!(is_objection("2026/01/02 03:04:05| ERROR: unrecognized: 'foo'"));
        assert!(!is_objection("2026/01/02 03:04:05| Processing: http_port 3128"));
        assert_eq!(clean("2026/01/02 03:04:05| ERROR: x "), "ERROR: x");
        assert_eq!(clean("FATAL: y"), "FATAL: y");
    }

    #[test]
    fn another_program_is_not_taken_for_squid() {
        let missing = Squid::find(Some(Path::new("/bin/true"))).expect_err("not a Squid");
        assert!(matches!(missing, Missing::NotSquid(_)), "{missing}");
        let missing = Squid::find(Some(Path::new("/nowhere/squid"))).expect_err("not there");
        assert!(matches!(missing, Missing::Silent(..)), "{missing}");
    }
}
