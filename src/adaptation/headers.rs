//! Dr.Web's answer headers for a decision.
//!
//! draft-stecher-icap-subid-00 ("ICAP Extensions"); how they are spelled is `icap::extension`'s business. Of
//! a threat the first is reported: type 0 (virus), resolution 2 (blocked). What could not be checked is
//! type 2, which rspamd and Nextcloud read so, with `X-Error-Code` in the words that Nextcloud knows. A
//! site in an unwanted category is answered with the category's exact name in `X-Response-Info`, as Dr.Web
//! does.

use super::decision::{Cause, Decision, Passed, RuleReason};
use crate::engine::verdict::Why;
use crate::icap::{Extra, Finding, FindingKind, Resolution, Violation};
use crate::policy::Category;

/// The headers that go with a decision; none, and nothing allocated, for a clean message.
#[must_use]
pub fn extra(decision: &Decision) -> Extra {
    let mut extra = Extra::new();
    match decision {
        Decision::Unmodified(passed) => match passed {
            Passed::Clean | Passed::NoBody | Passed::Rule | Passed::Unscanned | Passed::Echo => {}
            Passed::Unchecked(_) => {
                extra.response_info("Unchecked");
            }
            // Not `X-Infection-Found`: clients take it for "do not deliver".
            Passed::Tolerated(threat) => {
                extra.response_info("Allowed").tolerated(&threat.detection.name);
            }
        },
        Decision::AskForAll => {}
        Decision::Block(cause) | Decision::Abort(cause) => blocked(cause, &mut extra),
    }
    extra
}

/// The verdict about a message whose answer began before it, for the trailer; there is always something to say.
#[must_use]
pub fn verdict(decision: &Decision) -> Extra {
    let mut extra = extra(decision);
    match decision {
        Decision::Unmodified(Passed::Clean) => {
            extra.response_info("Clean");
        }
        Decision::Unmodified(Passed::NoBody | Passed::Rule | Passed::Unscanned | Passed::Echo)
        | Decision::AskForAll => {
            extra.response_info("Unscanned");
        }
        Decision::Unmodified(Passed::Unchecked(_) | Passed::Tolerated(_))
        | Decision::Block(_)
        | Decision::Abort(_) => {}
    }
    extra
}

fn blocked(cause: &Cause, extra: &mut Extra) {
    extra.response_info(cause.category().map_or("Blocked", Category::name));
    let resolution = Resolution::Blocked;
    match cause {
        Cause::Threat(threat) => {
            let name = &*threat.detection.name;
            let path = &*threat.detection.path;
            let file = if path.is_empty() { "-" } else { path };
            extra
                .infection_found(&Finding { kind: FindingKind::Virus, resolution, threat: name })
                .violations_found(&[Violation { file, threat: name, problem: 0, resolution }])
                .virus_id(name);
        }
        Cause::Unchecked(why) => {
            let threat = why.to_string();
            extra
                .infection_found(&Finding {
                    kind: FindingKind::Container,
                    resolution,
                    threat: &threat,
                })
                .field("X-Error-Code", error_code(*why));
        }
        Cause::BlackList(_) => {
            extra.response_desc("on the black list");
        }
        Cause::Type(_) => {
            extra.response_desc("type not allowed").field("X-Error-Code", "file_type_blocked");
        }
        Cause::Category { .. } => {
            extra.response_desc("unwanted category");
        }
        Cause::Advertisement(_) => {
            extra.response_desc("advertisement");
        }
        Cause::Rule { reason: RuleReason::Text(text), .. } if !text.is_empty() => {
            extra.response_desc(text);
        }
        Cause::Rule { .. } => {
            extra.response_desc("by a rule");
        }
        Cause::Hook => {
            extra.response_desc("by the script");
        }
        Cause::PolicyUnchecked(why) => {
            extra.response_desc("could not be checked").field("X-Error-Code", why.code());
        }
    }
}

/// A word for clients that tell reasons apart; Nextcloud knows the first three.
const fn error_code(why: Why) -> &'static str {
    match why {
        Why::Encrypted => "password_protected",
        Why::Broken(_) => "decode_error",
        Why::Limit(_) => "max_archive_layers_exceeded",
        Why::Fragment => "fragment",
        Why::Unsupported(_) => "unsupported",
        Why::Time => "timeout",
        Why::EngineMissing => "engine_missing",
        Why::Failed | Why::Busy => "engine_error",
    }
}
