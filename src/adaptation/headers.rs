//! Dr.Web's answer headers, in the form that the field reads.
//!
//! draft-stecher-icap-subid-00 ("ICAP Extensions") and what clients do with it: rspamd and Nextcloud
//! look for `X-Infection-Found: Type=T; Resolution=R; Threat=name;` in exactly this form. Type 0 is an
//! infection, type 2 says "could not be checked"; resolution 2 is "blocked". `X-Violations-Found` is four
//! folded lines for each threat, which many clients cannot read: it is sent only when switched on.

use crate::engine::verdict::Why;

use super::Options;
use super::decision::{Cause, Decision, Passed};

/// One header of an ICAP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name as on the wire.
    pub name: &'static str,
    /// Its value: printable ASCII, except for the folds of `X-Violations-Found`.
    pub value: String,
}

/// Whether `X-Violations-Found` is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViolationsHeader {
    /// Sent with every infection.
    Send,
    /// Never sent.
    Omit,
}

/// The headers that go with a decision; none, and nothing allocated, for a clean message.
#[must_use]
pub fn headers(decision: &Decision, options: &Options) -> Vec<Header> {
    match decision {
        Decision::Unmodified(passed) => match passed {
            Passed::Clean | Passed::NoBody | Passed::Rule | Passed::Echo => Vec::new(),
            Passed::Unchecked(_) => vec![info("Unchecked")],
            Passed::Tolerated(threat) => {
                vec![
                    info("Allowed"),
                    Header {
                        name: "X-Virus-ID",
                        value: word(&threat.detection.name),
                    },
                ]
            }
        },
        Decision::Block(cause) | Decision::Abort(cause) => blocked(cause, options),
    }
}

fn blocked(cause: &Cause, options: &Options) -> Vec<Header> {
    let mut list = vec![info("Blocked")];
    match cause {
        Cause::Threat(threat) => {
            let name = word(&threat.detection.name);
            list.push(infection(0, &name));
            if options.violations_header == ViolationsHeader::Send {
                let file = if threat.detection.path.is_empty() {
                    "-"
                } else {
                    &*threat.detection.path
                };
                let value = format!("1\r\n\t{}\r\n\t{name}\r\n\t0\r\n\t2", word(file));
                list.push(Header {
                    name: "X-Violations-Found",
                    value,
                });
            }
            list.push(Header {
                name: "X-Virus-ID",
                value: name,
            });
        }
        Cause::Unchecked(why) => {
            list.push(infection(2, &word(&why.to_string())));
            list.push(Header {
                name: "X-Error-Code",
                value: error_code(*why).to_owned(),
            });
        }
        Cause::BlackList(_) | Cause::Type(_) => {}
    }
    list
}

fn info(value: &str) -> Header {
    Header {
        name: "X-Response-Info",
        value: value.to_owned(),
    }
}

fn infection(type_number: u8, threat: &str) -> Header {
    Header {
        name: "X-Infection-Found",
        value: format!("Type={type_number}; Resolution=2; Threat={threat};"),
    }
}

/// A word for clients that tell reasons apart; the first three are the ones Nextcloud knows.
const fn error_code(why: Why) -> &'static str {
    match why {
        Why::Encrypted => "password_protected",
        Why::Broken(_) => "decode_error",
        Why::Limit(_) => "max_archive_layers_exceeded",
        Why::Unsupported(_) => "unsupported",
        Why::Time => "timeout",
        Why::EngineMissing => "engine_missing",
        Why::Failed => "engine_error",
    }
}

/// A text as one printable word: names come from databases and archives, and a line break in a header
/// would be a header of somebody else's.
fn word(text: &str) -> String {
    let keep = |letter: char| letter.is_ascii_graphic() && letter != ';' && letter != '"';
    text.chars()
        .take(WORD_MAX)
        .map(|letter| if keep(letter) { letter } else { '_' })
        .collect()
}

/// Longer names are cut: ICAP heads of 4 KiB have to hold three of them.
const WORD_MAX: usize = 256;
