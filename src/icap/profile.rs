//! How strictly a client is read, and what it is told: one value per kind of client.
//!
//! The strict reading is the default everywhere. A profile lists, field by field, which rule is
//! relaxed for a client known to break it, so that the relaxation is visible, named and tested, and
//! no other client gets it. The reasons stand in the fields; a profile is data, never an `if` on a name.
//!
//! To add a quirk: a field here with its reason, its place in `STRICT`, and the one line that asks for it. The
//! compiler finds the rest, and `tests/conformance/profiles.rs` wants a conversation.
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
    /// What stands between the parts of `Encapsulated` (section 4.4.1: commas).
    pub separators: Separators,
    /// Whether the numbers in `Encapsulated` say where a head ends.
    pub offsets: Offsets,
    /// What a preview longer than announced means.
    pub preview_overrun: PreviewOverrun,
    /// Whether OPTIONS asks for previews.
    pub previews: Offer,
    /// When a preview may be answered with 204 (section 4.6 allows it always).
    pub preview_no_content: PreviewNoContent,
    /// Whether 206 is spoken (draft-icap-ext-partial-content). Even then only with who asks for it.
    pub partial_content: Offer,
    /// Whether ICAP trailers are sent (draft-rousskov-icap-trailers). Even then only to who asks for them.
    pub trailers: Offer,
    /// Whether the connection goes on after an answer.
    pub after_answer: AfterAnswer,
    /// Whether an answer may begin before its verdict.
    pub ahead: Ahead,
    /// Whether the encapsulated `Content-Length` means anything.
    pub http_length: HttpLength,
    /// How it is said that a message could not be checked and is not to be used.
    pub unscannable: Unscannable,
    /// Under which names a threat is reported.
    pub threat_names: ThreatNames,
    /// Whether a threat that is let through is named.
    pub tolerated: Tolerated,
    /// Whether `X-Violations-Found` is sent: its lines are folded, which many clients cannot read.
    pub violations: Violations,
}

impl Profile {
    /// RFC 3507 to the letter, and nothing of the drafts that change what a message looks like.
    pub const STRICT: Self = Self {
        name: "strict",
        host: Host::Required,
        uri: UriForm::Absolute,
        folding: Folding::Refuse,
        stray_line_ends: StrayLineEnds::Refuse,
        separators: Separators::Comma,
        offsets: Offsets::Exact,
        preview_overrun: PreviewOverrun::Refuse,
        previews: Offer::Yes,
        preview_no_content: PreviewNoContent::Always,
        partial_content: Offer::No,
        trailers: Offer::No,
        after_answer: AfterAnswer::Keep,
        ahead: Ahead::May,
        http_length: HttpLength::Claim,
        unscannable: Unscannable::Page,
        threat_names: ThreatNames::Draft,
        tolerated: Tolerated::Named,
        violations: Violations::Omit,
    };

    /// Squid 5 to 7: sends what the RFC asks for; folded and stray lines come from chained proxies. It
    /// speaks 206 within the 64 KiB it keeps of a body, and reads trailers.
    pub const SQUID: Self = Self {
        name: "squid",
        folding: Folding::Unfold,
        stray_line_ends: StrayLineEnds::Skip,
        preview_overrun: PreviewOverrun::Accept,
        partial_content: Offer::Yes,
        trailers: Offer::Yes,
        ..Self::STRICT
    };

    /// Nextcloud's antivirus app: a file in a message that it makes up, with `Content-Length: 1` whatever
    /// the file has. It looks for one configured header, so all customary ones are sent, and for `403` in
    /// the message inside; 500 with `X-Error-Code` is its word for a file that cannot be checked.
    pub const NEXTCLOUD: Self = Self {
        name: "nextcloud",
        stray_line_ends: StrayLineEnds::Skip,
        previews: Offer::No,
        after_answer: AfterAnswer::Close,
        ahead: Ahead::Never,
        http_length: HttpLength::Dummy,
        unscannable: Unscannable::ServerError,
        threat_names: ThreatNames::Customary,
        tolerated: Tolerated::Unnamed,
        ..Self::STRICT
    };

    /// ownCloud 10, oCIS and `OpenCloud`: whole bodies at once, offsets miscounted by some versions, no idea
    /// of 100 Continue, and the answer read until the connection ends.
    pub const OWNCLOUD: Self = Self {
        name: "owncloud",
        stray_line_ends: StrayLineEnds::Skip,
        offsets: Offsets::ByHeads,
        previews: Offer::No,
        preview_no_content: PreviewNoContent::Always,
        after_answer: AfterAnswer::Close,
        ahead: Ahead::Never,
        http_length: HttpLength::Dummy,
        threat_names: ThreatNames::Customary,
        tolerated: Tolerated::Unnamed,
        ..Self::STRICT
    };

    /// rspamd: OPTIONS first, then a mail or an attachment as the body of no message at all. It takes any
    /// threat that is named for one that was found.
    pub const RSPAMD: Self = Self {
        name: "rspamd",
        stray_line_ends: StrayLineEnds::Skip,
        previews: Offer::No,
        ahead: Ahead::Never,
        tolerated: Tolerated::Unnamed,
        ..Self::STRICT
    };

    /// c-icap's command line client: it says that it takes 206 and then leaves the body of one unread.
    pub const C_ICAP_CLIENT: Self = Self {
        name: "c-icap-client",
        stray_line_ends: StrayLineEnds::Skip,
        preview_overrun: PreviewOverrun::Accept,
        partial_content: Offer::No,
        ahead: Ahead::Never,
        ..Self::STRICT
    };

    /// `FortiGate` and `FortiProxy`: previews of a length of their own, and 204 only where it is switched on
    /// there: without `Allow: 204` it is not expected, in a preview neither.
    pub const FORTINET: Self = Self {
        name: "fortinet",
        folding: Folding::Unfold,
        stray_line_ends: StrayLineEnds::Skip,
        preview_overrun: PreviewOverrun::Accept,
        preview_no_content: PreviewNoContent::WhenAllowed,
        ..Self::STRICT
    };

    /// Clients of the protocol's first years (`NetCache` and what was made after it): everything that can be
    /// understood is, and nothing newer than the RFC is said.
    pub const LEGACY: Self = Self {
        name: "legacy",
        host: Host::Optional,
        uri: UriForm::PathToo,
        folding: Folding::Unfold,
        stray_line_ends: StrayLineEnds::Skip,
        separators: Separators::BlankToo,
        offsets: Offsets::ByHeads,
        preview_overrun: PreviewOverrun::Accept,
        preview_no_content: PreviewNoContent::WhenAllowed,
        threat_names: ThreatNames::Customary,
        ..Self::STRICT
    };

    /// Every profile, for the settings.
    pub const ALL: [Self; 8] = [
        Self::STRICT,
        Self::SQUID,
        Self::NEXTCLOUD,
        Self::OWNCLOUD,
        Self::RSPAMD,
        Self::C_ICAP_CLIENT,
        Self::FORTINET,
        Self::LEGACY,
    ];

    /// The profile called `name`, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name.eq_ignore_ascii_case(name))
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

/// What separates the parts named in `Encapsulated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separators {
    /// A comma.
    Comma,
    /// A comma, or blanks alone, as in samples written before the RFC.
    BlankToo,
}

/// How the end of an encapsulated HTTP head is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offsets {
    /// By the numbers in `Encapsulated`.
    Exact,
    /// By the blank line that ends it: names and order of the parts count, the numbers do not. Only for clients
    /// that no stranger speaks through: two readers could see two different ends.
    ByHeads,
}

/// Whether something is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// What becomes of the connection after an answer, if nothing else decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterAnswer {
    /// It waits for the next request.
    Keep,
    /// It closes: the client reads until the end.
    Close,
}

/// Whether an answer may begin before its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// It may: behind a proxy somebody waits for the body.
    May,
    /// It may not: this client asks for the verdict and has the body already. It reads the verdict from the head of
    /// the answer, which an answer that has begun would say is clean.
    Never,
}

/// What the `Content-Length` of the encapsulated message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpLength {
    /// The sender's claim about the size of the body.
    Claim,
    /// A number that means nothing.
    Dummy,
}

/// The answer for a message that could not be checked and is blocked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unscannable {
    /// 200 with a block page, as for everything that is blocked.
    Page,
    /// 500 with `X-Error-Code`: the client has a third state besides clean and infected.
    ServerError,
}

/// Under which names a threat is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreatNames {
    /// `X-Infection-Found` and `X-Virus-ID`.
    Draft,
    /// `X-Virus-Name` as well: what else administrators are told to look for.
    Customary,
}

/// Whether a threat that is let through is named in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerated {
    /// By `X-Virus-ID`.
    Named,
    /// It is not: the client takes every name for a detection.
    Unnamed,
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
