//! One request: what the ICAP head said, and the HTTP heads it carried. All memory is reused.
//!
//! RFC 3507 sections 4.3.2, 4.8.1, 4.9.1, 4.10.1. Fields that frame the message may stand once; if two
//! readers could believe two different ones, the request is malformed.

use std::ops::Range;

use super::allow::{single, tokens};
use super::credentials::PROXY_AUTHORIZATION;
use super::extension::GET_SCAN_STATUS;
use super::request_line::{Method, RequestLine};
use super::{
    Ahead, Allow, Encapsulated, Fault, Host, HttpLength, Methods, Options, Profile, ServiceKind,
    Subject, Unscannable,
};
use crate::http::{Head, LineEnds, RequestHead, ResponseHead, Rules, Unreadable, trim};

/// The request that is being served, or was served last.
#[derive(Debug)]
pub struct Request {
    pub(super) head: Head,
    pub(super) http_request: RequestHead,
    pub(super) http_response: ResponseHead,
    /// The client's ICAP trailer.
    pub(super) trailer: Head,
    pub(super) encapsulated: Encapsulated,
    line: RequestLine,
    kind: ServiceKind,
    methods: Methods,
    preview: Option<u64>,
    allow: Allow,
    subject: Subject,
    connection: Persistence,
    http_length: HttpLength,
    ahead: Ahead,
    unscannable: Unscannable,
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    Keep,
    Close,
}

impl Request {
    pub(super) const fn new() -> Self {
        Self {
            head: Head::new(),
            http_request: RequestHead::new(),
            http_response: ResponseHead::new(),
            trailer: Head::new(),
            encapsulated: Encapsulated::NOTHING,
            line: RequestLine { method: Method::Options, path: 0..0, arguments: 0..0 },
            kind: ServiceKind::Scan,
            methods: Methods::Both,
            preview: None,
            allow: Allow { no_content: false, partial_content: false, trailers: false },
            subject: Subject::new(),
            connection: Persistence::Keep,
            http_length: HttpLength::Claim,
            ahead: Ahead::May,
            unscannable: Unscannable::Page,
        }
    }

    /// Forgets everything; each buffer keeps up to `retain` bytes.
    pub(super) fn clear(&mut self, retain: usize) {
        self.head.clear(retain);
        self.http_request.clear(retain);
        self.http_response.clear(retain);
        self.trailer.clear(retain);
        self.encapsulated = Encapsulated::NOTHING;
        self.line = RequestLine { method: Method::Options, path: 0..0, arguments: 0..0 };
        self.kind = ServiceKind::Scan;
        self.preview = None;
        self.allow = Allow::default();
        self.subject.clear();
        self.connection = Persistence::Keep;
    }

    /// Reads the ICAP head that was gathered in `head`.
    pub(super) fn read_head(&mut self, options: &Options) -> Result<(), Fault> {
        let rules = Rules {
            bytes_max: options.limits.icap_head_bytes_max,
            fields_max: options.limits.icap_fields_max,
            line_ends: LineEnds::Exact,
            folding: options.profile.folding,
            unreadable: Unreadable::Refuse,
        };
        self.head.index(&rules).map_err(Fault::Head)?;
        let line = RequestLine::parse(self.head.start_line(), options.profile.uri)?;
        self.line = line;
        self.allow = Allow::of(&self.head);
        self.check_fields(options.profile.host)?;
        self.preview = self.read_preview()?;
        self.encapsulated = self.read_encapsulated(&options.profile)?;
        self.http_length = options.profile.http_length;
        self.ahead = options.profile.ahead;
        self.unscannable = options.profile.unscannable;
        self.connection = self.asked_persistence();
        self.subject.read(&self.head, options.username);
        Ok(())
    }

    /// Looks the service up.
    pub(super) fn find_service(&mut self, options: &Options) -> Result<(), Fault> {
        let path = self.path();
        let service =
            options.services.iter().find(|service| is_path(path, service.path.as_bytes()));
        let service = service.ok_or(Fault::NoSuchService)?;
        self.kind = service.kind;
        self.methods = service.methods;
        if service.methods.offer(self.line.method) { Ok(()) } else { Err(Fault::MethodNotAllowed) }
    }

    /// Reads the HTTP heads that were gathered.
    pub(super) fn read_http_heads(&mut self, options: &Options) -> Result<(), Fault> {
        let rules =
            Rules::tolerant(options.limits.http_head_bytes_max, options.limits.http_fields_max);
        if self.encapsulated.request_head_bytes.is_some() {
            self.http_request.finish(&rules).map_err(Fault::HttpRequest)?;
        }
        if self.encapsulated.response_head_bytes.is_some() {
            self.http_response.finish(&rules).map_err(Fault::HttpResponse)?;
        }
        Ok(())
    }

    /// REQMOD, RESPMOD or OPTIONS.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.line.method
    }

    /// The service's path as the client wrote it, without the first `/`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.line_part(&self.line.path)
    }

    /// Whether the service scans or only echoes.
    #[must_use]
    pub const fn kind(&self) -> ServiceKind {
        self.kind
    }

    /// The query arguments as name and value, in order, still percent-encoded. A name alone has an empty
    /// value. Unknown names mean nothing, as RFC 3507 section 4.2 leaves them to the service.
    pub fn arguments(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let pairs = self
            .line_part(&self.line.arguments)
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty());
        pairs.map(|pair| {
            let (name, value) = pair.split_at(memchr::memchr(b'=', pair).unwrap_or(pair.len()));
            (name, value.get(1..).unwrap_or_default())
        })
    }

    /// The encapsulated HTTP request head: of REQMOD, and with Squid always of RESPMOD too.
    #[must_use]
    pub fn http_request(&self) -> Option<&RequestHead> {
        self.encapsulated.request_head_bytes.map(|_| &self.http_request)
    }

    /// The encapsulated HTTP response head, of RESPMOD.
    #[must_use]
    pub fn http_response(&self) -> Option<&ResponseHead> {
        self.encapsulated.response_head_bytes.map(|_| &self.http_response)
    }

    /// Whether a body follows the heads. It may still be empty.
    #[must_use]
    pub const fn has_body(&self) -> bool {
        self.encapsulated.has_body()
    }

    /// Bytes of preview the client announced, if it did.
    #[must_use]
    pub const fn preview(&self) -> Option<u64> {
        self.preview
    }

    /// What the client can take as an answer.
    #[must_use]
    pub const fn allow(&self) -> Allow {
        self.allow
    }

    /// Who the message belongs to, as far as the client says.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Any field of the ICAP head, for policies that select by `adaptation_meta` headers; but none that shows
    /// somebody's password.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        if name.eq_ignore_ascii_case(PROXY_AUTHORIZATION) { None } else { self.head.field(name) }
    }

    /// The same for a field that may stand once: one that stands twice is as good as none.
    #[must_use]
    pub fn single_field(&self, name: &str) -> Option<&[u8]> {
        let is_repeated = self.head.fields(name).nth(1).is_some();
        self.head.field(name).filter(|_| !is_repeated)
    }

    /// Whether the encapsulated `Content-Length` means anything.
    #[must_use]
    pub const fn http_length(&self) -> HttpLength {
        self.http_length
    }

    /// Whether this client's answers may begin before their verdict.
    #[must_use]
    pub const fn ahead(&self) -> Ahead {
        self.ahead
    }

    /// How this client is told that a message could not be checked and is blocked for it.
    #[must_use]
    pub const fn unscannable(&self) -> Unscannable {
        self.unscannable
    }

    pub(super) const fn methods(&self) -> Methods {
        self.methods
    }

    pub(super) const fn connection(&self) -> Persistence {
        self.connection
    }

    pub(super) fn wants_scan_status(&self) -> bool {
        self.head.field(GET_SCAN_STATUS).is_some_and(|value| value.eq_ignore_ascii_case(b"yes"))
    }

    fn line_part(&self, range: &Range<usize>) -> &[u8] {
        self.head.start_line().get(range.clone()).unwrap_or_default()
    }

    /// `Connection: close` ends the connection, and so does a `Trailer` that is not announced as it has to be:
    /// the client may leave bytes behind that would be read as the next request.
    fn asked_persistence(&self) -> Persistence {
        let says_close =
            tokens(&self.head, "Connection").any(|token| token.eq_ignore_ascii_case(b"close"));
        let is_odd = self.head.field("Trailer").is_some() && !self.announces_trailer();
        if says_close || is_odd { Persistence::Close } else { Persistence::Keep }
    }

    fn check_fields(&self, host: Host) -> Result<(), Fault> {
        if self.head.field("Transfer-Encoding").is_some() {
            return Err(Fault::Field("Transfer-Encoding has no place in an ICAP head"));
        }
        match (single(&self.head, "Host"), host) {
            (Err(_), _) => Err(Fault::Field("two Host fields")),
            (Ok(None | Some([])), Host::Required) => Err(Fault::Field("no Host field")),
            (Ok(_), Host::Required | Host::Optional) => Ok(()),
        }
    }

    fn read_preview(&self) -> Result<Option<u64>, Fault> {
        let value =
            single(&self.head, "Preview").map_err(|_| Fault::Field("two Preview fields"))?;
        let Some(value) = value else { return Ok(None) };
        super::decimal(trim(value))
            .map(Some)
            .ok_or(Fault::Field("Preview is a decimal number of bytes"))
    }

    fn read_encapsulated(&self, profile: &Profile) -> Result<Encapsulated, Fault> {
        let value = single(&self.head, "Encapsulated")
            .map_err(|_| Fault::Field("two Encapsulated fields"))?;
        let encapsulated = match value {
            Some(value) => Encapsulated::parse(value, profile).map_err(Fault::Encapsulated)?,
            None => Encapsulated::NOTHING,
        };
        encapsulated.check(self.line.method).map_err(Fault::Encapsulated)?;
        Ok(encapsulated)
    }
}

/// Whether the percent-encoded `path` names `service`; a `/` at its end is allowed.
fn is_path(path: &[u8], service: &[u8]) -> bool {
    let mut rest = path.strip_suffix(b"/").unwrap_or(path);
    let mut wanted = service.iter();
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => ((high << 4) | low, tail),
                (None, _) | (_, None) => return false,
            },
            (_, tail) => (*first, tail),
        };
        if wanted.next() != Some(&byte) {
            return false;
        }
        rest = tail;
    }
    wanted.next().is_none()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
