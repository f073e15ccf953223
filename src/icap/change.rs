//! What becomes different in the head of a message that goes on, and the 206 that spares its body the way back.
//!
//! draft-icap-ext-partial-content: a 206 carries the new head, and its last chunk says from which byte on the
//! client appends its own copy of the body. Here that is always byte 0: the body never changes. Squid
//! keeps 64 KiB of a body, so it allows 206 in a preview, and elsewhere only for short bodies; both are
//! in its `Allow` field:
//!
//! ```text
//!   the client waits after a preview that is not the whole body    Allow: 206
//!   everywhere else: no preview, `ieof`, after 100 Continue         Allow: 204, 206
//! ```
//!
//! After `ieof` the draft can be read both ways. Squid has written its whole request by then and takes
//! a 206 for one outside of the preview, so both tokens are wanted there.

use super::state::{Answer, Reading};
use super::{Connection, Extra, Method, NoContent, Offer, Unmodified};
use crate::http::is_token_byte;

/// Fields that leave a head, and one that joins it. The body stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change<'a> {
    /// The names of the fields that leave, in any case; an empty name is none.
    pub without: [&'a str; Change::WITHOUT_MAX],
    /// Name and value of the field that joins. A name that is no token joins nothing, and control
    /// characters of the value become blanks.
    pub with: Option<(&'a str, &'a str)>,
}

impl Change<'_> {
    /// How many names of fields can leave.
    pub const WITHOUT_MAX: usize = 5;

    /// The head stays as it is.
    pub const NONE: Self = Self { without: [""; Self::WITHOUT_MAX], with: None };

    /// Whether the head stays as it is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.with.is_none() && self.without.iter().all(|name| name.is_empty())
    }

    fn drops(&self, name: &[u8]) -> bool {
        self.without.iter().any(|one| !one.is_empty() && name.eq_ignore_ascii_case(one.as_bytes()))
    }
}

impl Connection {
    /// The message is to reach its destination with another head and the body that it has. The first
    /// answer to a request counts.
    pub fn answer_changed(
        &mut self,
        change: &Change<'_>,
        extra: &Extra,
        now: std::time::Instant,
    ) -> Unmodified {
        if change.is_none() || !self.is_undecided() {
            return self.answer_unmodified(extra, now);
        }
        self.advance_clock(now);
        self.render_head(change);
        self.is_changed = true;
        if self.may_send_partial_content() {
            self.write_partial_content(extra);
            return Unmodified::PartialContent;
        }
        self.begin_echo(extra);
        Unmodified::Echo
    }

    /// The answer begins before the verdict: the message as it came, but for `change`. Where the client takes
    /// ICAP trailers the verdict follows in one, and [`Connection::body_sent`] counts only once
    /// [`Connection::verdict`] has told it. The first answer to a request counts.
    pub fn answer_ahead(&mut self, change: &Change<'_>, now: std::time::Instant) {
        self.advance_clock(now);
        if self.is_undecided() {
            self.render_head(change);
            self.is_changed = true;
            self.promise_verdict();
            self.begin_echo(&Extra::new());
        }
    }

    /// Whether the draft, the client and the profile allow a 206 now.
    pub(super) fn may_send_partial_content(&self) -> bool {
        let allow = self.request.allow();
        let may_speak = self.options.profile.partial_content == Offer::Yes && allow.partial_content;
        let is_long_as_kept =
            allow.no_content && self.options.advertised.no_content == NoContent::Offer;
        may_speak
            && self.request.has_body()
            && match self.reading {
                Reading::Paused => true,
                Reading::Body | Reading::Trailer | Reading::Ended => is_long_as_kept,
                // In a preview the answer waits for its end: Squid takes no 206 while it writes one.
                Reading::Preview | Reading::AtEnd(_) => {
                    !self.decoder.is_preview() && is_long_as_kept
                }
                Reading::Idle
                | Reading::Head
                | Reading::Claim
                | Reading::Heads
                | Reading::NullBody
                | Reading::Closed => false,
            }
    }

    /// 206 with the head that was rendered, and the client's own body behind it.
    pub(super) fn write_partial_content(&mut self, extra: &Extra) {
        self.write_head(206, "Partial Content");
        self.write_extra(extra);
        self.write_parts(true);
        self.outbox.bytes.extend_from_slice(b"0; use-original-body=0\r\n\r\n");
        self.answer_written();
    }

    /// Puts the head of the message, changed, where the answer takes it from.
    pub(super) fn render_head(&mut self, change: &Change<'_>) {
        let head = match self.request.method() {
            Method::Reqmod => self.request.http_request().map(crate::http::RequestHead::head),
            Method::Respmod => self.request.http_response().map(crate::http::ResponseHead::head),
            Method::Options => None,
        };
        self.scratch.clear();
        let Some(head) = head else { return };
        // The body is framed by ICAP now (RFC 3507 section 4.4.2).
        let stays =
            |name: &[u8]| !name.eq_ignore_ascii_case(b"Transfer-Encoding") && !change.drops(name);
        head.write_where(stays, &mut self.scratch);
        if let Some((name, value)) = change.with
            && !name.is_empty()
            && name.bytes().all(is_token_byte)
        {
            // The blank line is moved behind the new field, be it CR LF or LF.
            let blank = if self.scratch.ends_with(b"\r\n") { 2 } else { 1 };
            self.scratch.truncate(self.scratch.len().saturating_sub(blank));
            self.scratch.extend_from_slice(name.as_bytes());
            self.scratch.extend_from_slice(b": ");
            super::head::push_text(&mut self.scratch, value);
            self.scratch.extend_from_slice(b"\r\n\r\n");
        }
    }

    /// Whether an answer waits for the end of the preview, and may then be a 206.
    pub(super) fn is_change_deferred(&self) -> bool {
        self.answer == Answer::Deferred && self.is_changed && self.late == super::trailer::Late::No
    }
}
