//! How strictly a client is read: one value per kind of client.
//!
//! The strict reading is the default everywhere. A profile lists, field by field, which rule is
//! relaxed for a client known to break it, so that the relaxation is visible, named and tested, and
//! no other client gets it. The reasons stand in the fields; a profile is data, never an `if` on a name.
//!
//! Absent on purpose: recognising a client by its behaviour. The administrator chooses per listener.

use crate::http::Folding;

/// The choices that differ between clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the settings and in the log.
    pub name: &'static str,
    /// Whether a request without `Host` is malformed (RFC 3507 section 4.3.2 demands the field).
    pub host: Host,
    /// Whether a service may be named by a path alone (section 4.2 demands an absolute URI).
    pub uri: UriForm,
    /// What a folded line in the ICAP head means (appendix A has it in the grammar).
    pub folding: Folding,
    /// What an empty line between two requests means.
    pub stray_line_ends: StrayLineEnds,
    /// What a preview longer than announced means.
    pub preview_overrun: PreviewOverrun,
    /// When a preview may be answered with 204 (section 4.6 allows it always).
    pub preview_no_content: PreviewNoContent,
    /// Whether `X-Violations-Found` is sent: its lines are folded, which many clients cannot read.
    pub violations: Violations,
}

impl Profile {
    /// RFC 3507 to the letter.
    pub const STRICT: Self = Self {
        name: "strict",
        host: Host::Required,
        uri: UriForm::Absolute,
        folding: Folding::Refuse,
        stray_line_ends: StrayLineEnds::Refuse,
        preview_overrun: PreviewOverrun::Refuse,
        preview_no_content: PreviewNoContent::Always,
        violations: Violations::Omit,
    };

    /// Squid 5 to 7: sends what the RFC asks for; folded and stray lines come from chained proxies.
    pub const SQUID: Self = Self {
        name: "squid",
        folding: Folding::Unfold,
        stray_line_ends: StrayLineEnds::Skip,
        preview_overrun: PreviewOverrun::Accept,
        ..Self::STRICT
    };

    /// Every profile, for the settings.
    pub const ALL: [Self; 2] = [Self::STRICT, Self::SQUID];

    /// The profile called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name == name)
    }
}

/// Whether a request without `Host` is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// It is malformed: 400.
    Required,
    /// It is served.
    Optional,
}

/// How a service may be named in the request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriForm {
    /// `icap://host/path` only.
    Absolute,
    /// `/path` as well.
    PathToo,
}

/// What CR LF before a request line means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrayLineEnds {
    /// The request is malformed.
    Refuse,
    /// Up to eight bytes of it are skipped before each request.
    Skip,
}

/// What preview data beyond the announced size means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewOverrun {
    /// The request is malformed.
    Refuse,
    /// The data is taken as it comes.
    Accept,
}

/// When a preview may be answered with 204.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewNoContent {
    /// Always.
    Always,
    /// Only if the request has `Allow: 204`; otherwise the body is fetched and sent back.
    WhenAllowed,
}

/// Whether `X-Violations-Found` is part of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violations {
    /// Never.
    Omit,
    /// In the folded form of draft-stecher-icap-subid-00 section 3.7.
    Folded,
}
