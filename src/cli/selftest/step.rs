//! One step of the self-test: what was tried, at which hop it failed, and the remedy.

use std::io::Write;

use crate::cli::terminal::{Screen, Tone};

/// The result of one step.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Step {
    /// What was tried.
    pub(super) step: &'static str,
    /// How it went.
    pub(super) result: Outcome,
    /// What was seen.
    pub(super) found: String,
    /// Where it went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hop: Option<Hop>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// Not tried: an earlier step failed on the same way.
    Skipped,
}

/// The stations of a message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Hop {
    /// From here to the proxy.
    Proxy,
    /// From the proxy to Baleen.
    ProxyToIcap,
    /// From here to Baleen.
    Icap,
    /// Baleen's scan and policy.
    Scan,
    /// From the proxy to the web server that this test starts.
    Origin,
}

impl Step {
    pub(super) fn passed(step: &'static str, found: impl Into<String>) -> Self {
        Self { step, result: Outcome::Passed, found: found.into(), hop: None, remedy: None }
    }

    pub(super) fn failed(
        step: &'static str,
        hop: Hop,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            step,
            result: Outcome::Failed,
            found: found.into(),
            hop: Some(hop),
            remedy: Some(remedy.into()),
        }
    }

    pub(super) fn skipped(step: &'static str, why: impl Into<String>) -> Self {
        Self { step, result: Outcome::Skipped, found: why.into(), hop: None, remedy: None }
    }

    /// Prints the step, and what to do if it failed.
    pub(super) fn print<W: Write>(&self, screen: &mut Screen<W>) {
        let (tone, tag) = match self.result {
            Outcome::Passed => (Tone::Good, "  ok  "),
            Outcome::Failed => (Tone::Bad, " FAIL "),
            Outcome::Skipped => (Tone::Note, " skip "),
        };
        screen.tagged(tone, tag, format_args!("{:<32} {}", self.step, self.found));
        if let (Some(hop), Some(remedy)) = (self.hop, &self.remedy) {
            screen.line(format_args!("       {:<32} at: {}", "", hop.words()));
            screen.line(format_args!("       {:<32} → {remedy}", ""));
        }
    }
}

impl Hop {
    const fn words(self) -> &'static str {
        match self {
            Self::Proxy => "this machine → the proxy",
            Self::ProxyToIcap => "the proxy → Baleen's ICAP service",
            Self::Icap => "this machine → Baleen's ICAP service",
            Self::Scan => "Baleen's scan and policy",
            Self::Origin => "the proxy → the web server of this test",
        }
    }
}
