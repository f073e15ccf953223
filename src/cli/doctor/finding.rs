//! What the doctor says about one thing: found, and if need be the remedy.

use std::io::Write;

use crate::cli::terminal::{Screen, Tone};

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How it is.
    pub(super) state: State,
    /// What was found, with numbers.
    pub(super) found: String,
    /// What to do, as exactly as can be said; nothing when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Good,
    /// Baleen runs, but not at its best, or without something most people want.
    Note,
    /// Baleen cannot do its work like this.
    Bad,
}

impl Finding {
    /// All is well.
    pub(super) fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, state: State::Good, found: found.into(), remedy: None }
    }

    /// Could be better.
    pub(super) fn note(
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, state: State::Note, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// Has to be repaired.
    pub(super) fn bad(
        check: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, state: State::Bad, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// Prints the finding as one line, and a second one with the remedy.
    pub(super) fn print<W: Write>(&self, screen: &mut Screen<W>) {
        screen.tagged(
            self.state.tone(),
            self.state.tag(),
            format_args!("{:<14} {}", self.check, self.found),
        );
        if let Some(remedy) = &self.remedy {
            screen.line(format_args!("       {:<14} → {remedy}", ""));
        }
    }
}

impl State {
    const fn tone(self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::Note => Tone::Note,
            Self::Bad => Tone::Bad,
        }
    }

    /// All tags have one width, so that the lines stand in columns.
    const fn tag(self) -> &'static str {
        match self {
            Self::Good => "  ok  ",
            Self::Note => " note ",
            Self::Bad => "  BAD ",
        }
    }
}
