//! Whether an answer is right: one pure table.
//!
//! RFC 3507 leaves a server choices (204 or an echo, a block page in any shape); the table accepts
//! each legal one and names every other. A wrong answer never counts as throughput.

/// What a message allows as an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Whether the body begins with the test virus.
    pub(crate) content: Content,
    /// 204 is allowed: `Allow: 204` was sent, or the answer came inside the preview.
    pub(crate) no_content: NoContent,
    /// Which form the caller insists on for clean bodies.
    pub(crate) form: Form,
    /// What counts as a block.
    pub(crate) block: Block,
}

/// How a server says that it blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Block {
    /// With the HTTP status 403, or with X-Infection-Found
    Told,
    /// Also with a page of any other status, if nothing of the message's head and body is in it
    Page,
}

/// What the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// To be left unmodified.
    Clean,
    /// To be blocked.
    Infected,
}

/// Where 204 is legal (RFC 3507 section 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoContent {
    /// `Allow: 204` was sent.
    Allowed,
    /// Only as the answer to a preview, before `100 Continue`.
    InPreview,
    /// Never.
    Forbidden,
}

/// Which answer to a clean body the measurement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// Either legal one.
    Any,
    /// Only `204 No Content`.
    #[value(name = "204")]
    NoContent,
    /// Only 200 with the message byte-exact.
    Echo,
}

/// What came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// ICAP status of the final answer.
    pub(crate) status: u16,
    /// `100 Continue` came before.
    pub(crate) continued: bool,
    /// `X-Infection-Found` was in the ICAP head.
    pub(crate) infection: bool,
    /// Status of the encapsulated HTTP response, or 0.
    pub(crate) http_status: u16,
    /// How the encapsulated head compares with the one sent.
    pub(crate) head: HeadMatch,
    /// How the body compares with the one sent.
    pub(crate) body: BodyMatch,
}

/// The returned head against the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HeadMatch {
    /// There is none.
    #[default]
    Absent,
    /// Byte for byte the same.
    Exact,
    /// Every line is there in order, and fields were added (`Via`, as RFC 3507 4.4.2 asks).
    Added,
    /// Another head.
    Different,
}

/// The returned body against the original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BodyMatch {
    /// There is none.
    #[default]
    Absent,
    /// Byte for byte the same, to the last.
    Exact,
    /// The same as far as it goes.
    Short,
    /// Another body.
    Different,
}

/// A right answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// 204.
    NoContent,
    /// 200 with the message unmodified.
    Echo,
    /// Blocked, as it should be.
    Blocked,
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// A clean body was blocked.
    CleanBlocked,
    /// An infected body was let through.
    InfectedPassed,
    /// 204 where it is not legal.
    NoContentNotAllowed,
    /// The echoed head is another.
    EchoHead,
    /// The echoed body is shorter than the original.
    EchoShort,
    /// The echoed body differs.
    EchoBody,
    /// A legal answer, but not the form asked for with `--expect`.
    OtherForm,
    /// An ICAP status that is no answer to this request.
    Status(u16),
    /// The answer is not ICAP, or breaks its framing.
    Malformed(&'static str),
    /// The connection ended before the answer was complete.
    ClosedEarly,
    /// No complete answer in time.
    TimedOut,
    /// `Connection: close` was sent or asked for, and the server left the connection open.
    LeftOpen,
    /// The connection could not be made.
    Connect,
}

impl Wrong {
    /// One line for the table.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::CleanBlocked => "a clean body was blocked".into(),
            Self::InfectedPassed => "an infected body was let through".into(),
            Self::NoContentNotAllowed => "204 where RFC 3507 4.6 does not allow it".into(),
            Self::EchoHead => "the echoed HTTP head is another".into(),
            Self::EchoShort => "the echoed body is too short".into(),
            Self::EchoBody => "the echoed body differs".into(),
            Self::OtherForm => "a legal answer, but not the one --expect asks for".into(),
            Self::Status(status) => format!("ICAP status {status}"),
            Self::Malformed(rule) => format!("malformed: {rule}"),
            Self::ClosedEarly => "connection closed before the answer was complete".into(),
            Self::TimedOut => "no complete answer in time".into(),
            Self::LeftOpen => "connection left open after 'Connection: close'".into(),
            Self::Connect => "connection refused or failed".into(),
        }
    }
}

/// Judges one complete answer.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn judge(expected: Expected, seen: Seen) -> Result<Right, Wrong> {
    let answer = classify(expected, seen)?;
    match (expected.content, answer) {
        (Content::Clean, Right::Blocked) => Err(Wrong::CleanBlocked),
        (Content::Infected, Right::NoContent | Right::Echo) => Err(Wrong::InfectedPassed),
        (Content::Infected, Right::Blocked) => Ok(answer),
        (Content::Clean, Right::NoContent | Right::Echo) => match (expected.form, answer) {
            (Form::NoContent, Right::Echo) | (Form::Echo, Right::NoContent) => {
                Err(Wrong::OtherForm)
            }
            (Form::Any | Form::NoContent | Form::Echo, _) => Ok(answer),
        },
    }
}

/// What an answer means, whatever was sent.
fn classify(expected: Expected, seen: Seen) -> Result<Right, Wrong> {
    match seen.status {
        204 => match (expected.no_content, seen.continued) {
            (NoContent::Allowed, _) | (NoContent::InPreview, false) => Ok(Right::NoContent),
            (NoContent::InPreview, true) | (NoContent::Forbidden, _) => {
                Err(Wrong::NoContentNotAllowed)
            }
        },
        403 if seen.infection => Ok(Right::Blocked),
        200 | 201 => match (seen.head, seen.body) {
            _ if seen.http_status == 403 || seen.infection => Ok(Right::Blocked),
            (HeadMatch::Different, BodyMatch::Different)
                if expected.block == Block::Page && expected.content == Content::Infected =>
            {
                Ok(Right::Blocked)
            }
            (HeadMatch::Different | HeadMatch::Absent, _) => Err(Wrong::EchoHead),
            (HeadMatch::Exact | HeadMatch::Added, BodyMatch::Exact) => Ok(Right::Echo),
            (HeadMatch::Exact | HeadMatch::Added, BodyMatch::Different) => Err(Wrong::EchoBody),
            (HeadMatch::Exact | HeadMatch::Added, BodyMatch::Short | BodyMatch::Absent) => {
                Err(Wrong::EchoShort)
            }
        },
        status => Err(Wrong::Status(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Block, BodyMatch, Content, Expected, Form, HeadMatch, NoContent, Right, Seen, Wrong, judge,
    };

    const CLEAN: Expected = Expected {
        content: Content::Clean,
        no_content: NoContent::Allowed,
        form: Form::Any,
        block: Block::Told,
    };
    const INFECTED: Expected = Expected { content: Content::Infected, ..CLEAN };

    const NO_CONTENT: Seen = Seen {
        status: 204,
        continued: false,
        infection: false,
        http_status: 0,
        head: HeadMatch::Absent,
        body: BodyMatch::Absent,
    };
    const ECHO: Seen = Seen {
        status: 200,
        http_status: 200,
        head: HeadMatch::Exact,
        body: BodyMatch::Exact,
        ..NO_CONTENT
    };
    const PAGE: Seen =
        Seen { http_status: 403, head: HeadMatch::Different, body: BodyMatch::Different, ..ECHO };

    #[test]
    fn clean_bodies_come_back_or_stay() {
        assert_eq!(judge(CLEAN, NO_CONTENT), Ok(Right::NoContent));
        assert_eq!(judge(CLEAN, ECHO), Ok(Right::Echo));
        let added = Seen { head: HeadMatch::Added, ..ECHO };
        assert_eq!(judge(CLEAN, added), Ok(Right::Echo));
        assert_eq!(judge(CLEAN, PAGE), Err(Wrong::CleanBlocked));
    }

    #[test]
    fn infected_bodies_are_blocked_in_any_shape() {
        assert_eq!(judge(INFECTED, PAGE), Ok(Right::Blocked));
        let named = Seen { http_status: 200, infection: true, ..PAGE };
        assert_eq!(judge(INFECTED, named), Ok(Right::Blocked));
        let bare = Seen { status: 403, infection: true, ..NO_CONTENT };
        assert_eq!(judge(INFECTED, bare), Ok(Right::Blocked));
        let unnamed = Seen { status: 403, ..NO_CONTENT };
        assert_eq!(judge(INFECTED, unnamed), Err(Wrong::Status(403)));
        assert_eq!(judge(INFECTED, NO_CONTENT), Err(Wrong::InfectedPassed));
        assert_eq!(judge(INFECTED, ECHO), Err(Wrong::InfectedPassed));
    }

    #[test]
    fn a_page_of_any_status_is_a_block_only_where_it_was_said() {
        let page = Seen { http_status: 200, ..PAGE };
        let by_page = |content| Expected { block: Block::Page, content, ..CLEAN };
        assert_eq!(judge(INFECTED, page), Err(Wrong::EchoHead));
        assert_eq!(judge(by_page(Content::Infected), page), Ok(Right::Blocked));
        assert_eq!(judge(by_page(Content::Clean), page), Err(Wrong::EchoHead));
        for body in [BodyMatch::Exact, BodyMatch::Short, BodyMatch::Absent] {
            let kept = Seen { body, ..page };
            assert_eq!(judge(by_page(Content::Infected), kept), Err(Wrong::EchoHead));
        }
        assert_eq!(judge(by_page(Content::Infected), ECHO), Err(Wrong::InfectedPassed));
    }

    #[test]
    fn no_content_needs_leave() {
        let forbidden = Expected { no_content: NoContent::Forbidden, ..CLEAN };
        assert_eq!(judge(forbidden, NO_CONTENT), Err(Wrong::NoContentNotAllowed));
        let preview = Expected { no_content: NoContent::InPreview, ..CLEAN };
        assert_eq!(judge(preview, NO_CONTENT), Ok(Right::NoContent));
        let late = Seen { continued: true, ..NO_CONTENT };
        assert_eq!(judge(preview, late), Err(Wrong::NoContentNotAllowed));
        assert_eq!(judge(CLEAN, late), Ok(Right::NoContent));
    }

    #[test]
    fn an_echo_is_exact_or_wrong() {
        let body = |body| judge(CLEAN, Seen { body, ..ECHO });
        assert_eq!(body(BodyMatch::Short), Err(Wrong::EchoShort));
        assert_eq!(body(BodyMatch::Absent), Err(Wrong::EchoShort));
        assert_eq!(body(BodyMatch::Different), Err(Wrong::EchoBody));
        let head = Seen { head: HeadMatch::Different, ..ECHO };
        assert_eq!(judge(CLEAN, head), Err(Wrong::EchoHead));
    }

    #[test]
    fn a_form_can_be_insisted_on() {
        let form = |form| Expected { form, ..CLEAN };
        assert_eq!(judge(form(Form::NoContent), ECHO), Err(Wrong::OtherForm));
        assert_eq!(judge(form(Form::Echo), NO_CONTENT), Err(Wrong::OtherForm));
        assert_eq!(judge(form(Form::Echo), ECHO), Ok(Right::Echo));
    }

    #[test]
    fn other_statuses_are_no_answers() {
        for status in [100, 206, 400, 404, 500, 503] {
            let seen = Seen { status, ..NO_CONTENT };
            assert_eq!(judge(CLEAN, seen), Err(Wrong::Status(status)));
        }
    }
}
