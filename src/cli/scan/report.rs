//! Results as lines: clamscan's text, JSON, drweb-ctl's text; and the sum of a run.

use std::io;
use std::process::ExitCode;

use serde::Serialize;

use super::Format;
use super::tree::{Node, tree};
use crate::cli::terminal::{Screen, Tone};
use crate::engine::verdict::{Detection, Verdict};
use crate::engine::{Engine, Layers};

/// What became of one file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was read: the verdict, every detection that was asked for, and the layers for a report.
    Scanned(Verdict, Vec<Detection>, Layers),
    /// It could not be read.
    Error(String),
}

/// Prints results and counts them.
pub(super) struct Reporter {
    out: Screen<io::Stdout>,
    errors: Screen<io::Stderr>,
    format: Format,
    only_findings: bool,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    files: u64,
    infected: u64,
    unscanned: u64,
    errors: u64,
    bytes: u64,
}

impl Reporter {
    pub(super) fn new(format: Format, only_findings: bool) -> Self {
        Self {
            out: Screen::stdout(),
            errors: Screen::stderr(),
            format,
            only_findings,
            counts: Counts::default(),
        }
    }

    /// Prints the result of one file, of which so many bytes were read.
    pub(super) fn report(&mut self, path: &str, outcome: &Outcome, bytes: u64) {
        self.counts.add(outcome, bytes);
        if self.only_findings && matches!(outcome, Outcome::Scanned(Verdict::Clean, ..)) {
            return;
        }
        match self.format {
            Format::Text => self.text(path, outcome),
            Format::Json => self.out.line(json(path, outcome, bytes)),
            Format::Drweb => self.out.line(drweb(path, outcome)),
        }
    }

    /// The end of the run: the summary where it is wanted, and the exit code.
    pub(super) fn conclude(&mut self, summary: bool, engine: &Engine) -> ExitCode {
        if summary || (self.format == Format::Text && self.errors.is_terminal()) {
            self.errors.line(self.counts.summary(engine));
        }
        self.counts.exit_code()
    }

    fn text(&mut self, path: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Scanned(Verdict::Infected(_), detections, _) => {
                for detection in detections {
                    self.out.line(format_args!("{path}: {} FOUND", detection.name));
                }
            }
            Outcome::Scanned(Verdict::Clean, ..) => self.out.line(format_args!("{path}: OK")),
            Outcome::Scanned(Verdict::Unscanned(why), ..) => {
                self.out.line(format_args!("{path}: {why} UNSCANNED"));
            }
            Outcome::Error(fault) => {
                self.errors.tagged(Tone::Bad, "error:", format_args!("{path}: {fault}"));
            }
        }
    }
}

impl Counts {
    fn add(&mut self, outcome: &Outcome, bytes: u64) {
        self.bytes += bytes;
        match outcome {
            Outcome::Scanned(verdict, ..) => {
                self.files += 1;
                match verdict {
                    Verdict::Clean => {}
                    Verdict::Infected(_) => self.infected += 1,
                    Verdict::Unscanned(_) => self.unscanned += 1,
                }
            }
            Outcome::Error(_) => self.errors += 1,
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self { infected: 1.., .. } => ExitCode::from(1),
            Self { unscanned: 0, errors: 0, .. } => ExitCode::SUCCESS,
            Self { .. } => ExitCode::from(2),
        }
    }

    fn summary(&self, engine: &Engine) -> String {
        let Self { files, infected, unscanned, errors, bytes } = self;
        let signatures = engine.database().signatures();
        let database = &engine.database().version;
        let mebibytes = bytes >> 20;
        format!(
            "\n----------- SCAN SUMMARY -----------\n\
             Known signatures: {signatures}\n\
             Database version: {database}\n\
             Scanned files: {files}\n\
             Infected files: {infected}\n\
             Unscanned files: {unscanned}\n\
             Errors: {errors}\n\
             Data read: {mebibytes} MiB"
        )
    }
}

/// One line of JSON output.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    detections: Vec<DetectionRow<'a>>,
    bytes_read: u64,
    /// The layers of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Node>,
    /// Layers that are not in the tree, because there were too many.
    #[serde(skip_serializing_if = "is_none")]
    layers_unlisted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct DetectionRow<'a> {
    name: &'a str,
    /// The way to the layer inside the file, `gzip>gzip`; empty for the file itself.
    layer: &'a str,
    offset: u64,
}

fn json(path: &str, outcome: &Outcome, bytes_read: u64) -> String {
    let (verdict, reason, detections) = match outcome {
        Outcome::Scanned(Verdict::Clean, ..) => ("clean", None, &[][..]),
        Outcome::Scanned(Verdict::Infected(_), all, _) => ("infected", None, all.as_slice()),
        Outcome::Scanned(Verdict::Unscanned(why), ..) => {
            ("unscanned", Some(why.to_string()), &[][..])
        }
        Outcome::Error(fault) => ("error", Some(fault.clone()), &[][..]),
    };
    let (layers, unlisted) = match outcome {
        Outcome::Scanned(_, _, layers) => (tree(layers, detections), layers.unlisted),
        Outcome::Error(_) => (None, 0),
    };
    let detections = detections
        .iter()
        .map(|detection| DetectionRow {
            name: &detection.name,
            layer: &detection.path,
            offset: detection.offset,
        })
        .collect();
    let row =
        Row { path, verdict, reason, detections, bytes_read, layers, layers_unlisted: unlisted };
    // Nothing in a row can fail to be written: keys are fixed and values are text and numbers.
    serde_json::to_string(&row).unwrap_or_default()
}

/// The line that programs around `drweb-ctl scan` look for.
fn drweb(path: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Scanned(Verdict::Clean, ..) => format!("{path} - Ok"),
        Outcome::Scanned(Verdict::Infected(first), ..) => {
            format!("{path} - infected with {}", first.name)
        }
        Outcome::Scanned(Verdict::Unscanned(why), ..) => format!("{path} - not checked: {why}"),
        Outcome::Error(fault) => format!("{path} - not checked: {fault}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Outcome, drweb, json};
    use crate::engine::Layers;
    use crate::engine::verdict::{Detection, Limit, Verdict, Why};
    use std::process::ExitCode;

    fn infected() -> Outcome {
        let detection = Detection { name: "Eicar".into(), path: "gzip".into(), offset: 7 };
        Outcome::Scanned(Verdict::Infected(detection.clone()), vec![detection], Layers::default())
    }

    fn unscanned() -> Outcome {
        Outcome::Scanned(
            Verdict::Unscanned(Why::Limit(Limit::MaxRecursion)),
            vec![],
            Layers::default(),
        )
    }

    #[test]
    fn every_outcome_has_a_line_in_the_manner_of_drweb() {
        let clean = Outcome::Scanned(Verdict::Clean, vec![], Layers::default());
        assert_eq!(drweb("/a b", &clean), "/a b - Ok");
        assert_eq!(drweb("x", &infected()), "x - infected with Eicar");
        assert_eq!(drweb("x", &unscanned()), "x - not checked: limit: MaxRecursion");
        let error = Outcome::Error("gone".to_owned());
        assert_eq!(drweb("x", &error), "x - not checked: gone");
    }

    #[test]
    fn json_says_what_and_where() {
        assert_eq!(
            json("a\"b", &infected(), 68),
            r#"{"path":"a\"b","verdict":"infected","detections":[{"name":"Eicar","layer":"gzip","offset":7}],"bytes_read":68}"#
        );
        assert_eq!(
            json("x", &unscanned(), 1),
            r#"{"path":"x","verdict":"unscanned","reason":"limit: MaxRecursion","bytes_read":1}"#
        );
    }

    #[test]
    fn a_finding_outweighs_what_could_not_be_scanned() {
        let mut counts = Counts::default();
        assert_eq!(counts.exit_code(), ExitCode::SUCCESS);
        counts.add(&unscanned(), 1);
        assert_eq!(counts.exit_code(), ExitCode::from(2));
        counts.add(&infected(), 1);
        assert_eq!(counts.exit_code(), ExitCode::from(1));
    }
}
