//! What commands print, and in which colour.
//!
//! Colour is used when the output is a terminal and `NO_COLOR` is unset or empty
//! (<https://no-color.org>). A closed pipe is not an error of ours: the rest of the output is dropped,
//! because the reader has said that it wants no more.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

/// Prints the result of a command to standard output, and exits as it says; or a refusal to standard error, and
/// exits with 2. `name` is that of the command.
pub(super) fn finish(name: &str, result: Result<(String, u8), String>) -> ExitCode {
    match result {
        Ok((text, code)) => {
            let mut out = io::stdout().lock();
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            ExitCode::from(if written.is_ok() { code } else { EXIT_TROUBLE })
        }
        Err(why) => {
            Screen::stderr().line(format_args!("baleen {name}: {why}"));
            ExitCode::from(EXIT_TROUBLE)
        }
    }
}

/// Writes to standard output. A reader that went away (`| head`) has seen what it wanted.
///
/// # Errors
///
/// What else went wrong, in words.
pub(super) fn put(bytes: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A text output with or without colours.
#[derive(Debug)]
pub(super) struct Screen<W: Write> {
    out: W,
    paint: Paint,
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// Escape sequences are written.
    Colours,
    /// Plain text only.
    Plain,
}

/// What a piece of text means to its reader; each tone has one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is well.
    Good,
    /// Worth knowing, nothing is broken.
    Note,
    /// Something has to be done.
    Bad,
}

impl Screen<io::Stdout> {
    /// The standard output.
    pub(super) fn stdout() -> Self {
        let out = io::stdout();
        let paint = Paint::wanted(out.is_terminal());
        Self { out, paint }
    }
}

impl Screen<io::Stderr> {
    /// The standard error: for refusals, so that standard output stays what was asked for.
    pub(super) fn stderr() -> Self {
        let out = io::stderr();
        let paint = Paint::wanted(out.is_terminal());
        Self { out, paint }
    }

    /// Whether somebody is looking.
    pub(super) fn is_terminal(&self) -> bool {
        self.out.is_terminal()
    }
}

impl<W: Write> Screen<W> {
    /// Any other output, for tests.
    #[cfg(test)]
    pub(super) const fn new(out: W, paint: Paint) -> Self {
        Self { out, paint }
    }

    /// Writes one line.
    pub(super) fn line(&mut self, text: impl fmt::Display) {
        self.write(format_args!("{text}\n"));
    }

    /// Writes one line whose first word has a tone.
    pub(super) fn tagged(&mut self, tone: Tone, tag: &str, text: impl fmt::Display) {
        match self.paint {
            Paint::Plain => self.write(format_args!("{tag} {text}\n")),
            Paint::Colours => {
                let code = tone.code();
                self.write(format_args!("\x1b[{code}m{tag}\x1b[0m {text}\n"));
            }
        }
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        // The reader may have gone away; nobody is left who could be told.
        drop(self.out.write_fmt(text).and_then(|()| self.out.flush()));
    }

    /// Gives the output back.
    #[cfg(test)]
    pub(super) fn into_inner(self) -> W {
        self.out
    }
}

impl Paint {
    fn wanted(is_terminal: bool) -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_terminal && !forbidden { Self::Colours } else { Self::Plain }
    }
}

impl Tone {
    /// The escape code: green, yellow, bold red.
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Note => "33",
            Self::Bad => "1;31",
        }
    }
}

/// The command could not do its work.
const EXIT_TROUBLE: u8 = 2;

#[cfg(test)]
mod tests {
    use super::{Paint, Screen, Tone};

    fn printed(paint: Paint) -> String {
        let mut screen = Screen::new(Vec::new(), paint);
        screen.tagged(Tone::Bad, "bad ", "no database");
        screen.line("end");
        String::from_utf8(screen.into_inner()).expect("ASCII only")
    }

    #[test]
    fn plain_output_has_no_escape_sequence() {
        assert_eq!(printed(Paint::Plain), "bad  no database\nend\n");
    }

    #[test]
    fn a_colour_ends_with_the_word_it_belongs_to() {
        assert_eq!(printed(Paint::Colours), "\x1b[1;31mbad \x1b[0m no database\nend\n");
    }
}
