//! `baleen keys`: makes what clients show to be let in.
//!
//! `password NAME` reads a password, from a terminal without showing it, and prints the line for the file that
//! `ClientPasswords` names; nothing is written anywhere. Exit codes: 0, printed; 2, the name or the password
//! cannot be used, or could not be read.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::process::ExitCode;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::terminal::{Screen, finish};
use crate::adaptation::credentials::{SALT_BYTES, line};

/// The subcommands of `keys`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read a password and print the line for the file that `ClientPasswords` names
    Password(PasswordArgs),
}

/// Arguments of `keys password`.
#[derive(Debug, clap::Args)]
pub struct PasswordArgs {
    /// The name that the client shows together with the password
    #[arg(value_name = "NAME")]
    name: String,
}

/// Runs the command.
#[must_use]
pub fn run(command: &Command) -> ExitCode {
    match command {
        Command::Password(args) => finish("keys password", password(args)),
    }
}

fn password(args: &PasswordArgs) -> Result<(String, u8), String> {
    let password = read_password()?;
    let mut salt = [0_u8; SALT_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut salt))
        .map_err(|error| format!("/dev/urandom: {error}"))?;
    let line = line(&args.name, &password, &salt).map_err(str::to_owned)?;
    Ok((format!("{line}\n"), 0))
}

/// One line of standard input. A terminal is asked twice, and does not show what is typed.
fn read_password() -> Result<String, String> {
    let input = io::stdin();
    if !input.is_terminal() {
        return read_line();
    }
    let hidden = Hidden::begin().map_err(|error| format!("the terminal: {error}"))?;
    Screen::stderr().line("Password (it is not shown):");
    let first = read_line()?;
    Screen::stderr().line("Once more:");
    let second = read_line()?;
    drop(hidden);
    if first == second { Ok(first) } else { Err("the two passwords differ".to_owned()) }
}

fn read_line() -> Result<String, String> {
    let mut line = Vec::new();
    io::stdin()
        .lock()
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("standard input: {error}"))?;
    let mut line = String::from_utf8(line).map_err(|_bytes| "the password is not UTF-8")?;
    if line.ends_with('\n') {
        line.pop();
    }
    Ok(line)
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Longer than any password that may be sent.
const LINE_BYTES_MAX: u64 = 4096;
