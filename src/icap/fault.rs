//! Why a request is not served, the status that says so, and what becomes of the connection.
//!
//! RFC 3507 section 4.3.3. A fault after which the place of the next request is unknown closes the
//! connection; after the others the rest of the body is drained and the connection goes on.

use std::fmt;

use crate::http::{HeadFault, chunked};

/// Why the gateway does not serve a request as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request line breaks this rule of section 4.2 or 4.3.2.
    RequestLine(&'static str),
    /// The protocol version is not ICAP/1.x.
    Version,
    /// The method is none of REQMOD, RESPMOD, OPTIONS.
    Method,
    /// The ICAP head is broken.
    Head(HeadFault),
    /// A field of the ICAP head breaks this rule.
    Field(&'static str),
    /// The `Encapsulated` field breaks this rule of section 4.4.1.
    Encapsulated(&'static str),
    /// The encapsulated HTTP request head is broken.
    HttpRequest(HeadFault),
    /// The encapsulated HTTP response head is broken.
    HttpResponse(HeadFault),
    /// The chunked body is broken.
    Body(chunked::Fault),
    /// The client's ICAP trailer breaks this rule.
    Trailer(&'static str),
    /// The client did not show who it is, or nobody whom this gateway knows (section 7.1).
    Unauthenticated,
    /// Nobody serves this path.
    NoSuchService,
    /// The service does not offer this method.
    MethodNotAllowed,
    /// The client did not send in time what had to come next.
    Timeout(Timer),
    /// More work is asked for than this gateway takes at a time.
    Overloaded,
    /// The gateway itself failed.
    Internal,
}

/// What was being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The next request: when to close an idle connection.
    Idle,
    /// The rest of the ICAP head and the encapsulated heads: when to give up on a slow head.
    Head,
    /// The rest of the preview: when to give up on a slow preview.
    Preview,
    /// The next bytes of the body: when to give up on a stalled body.
    Body,
    /// The rest of a body that nobody needs any more: when to close instead of waiting for its end.
    Drain,
}

/// Who has to act so that a fault does not happen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client or its configuration.
    Client,
    /// This gateway.
    Gateway,
}

/// What becomes of the connection after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// The body is drained, then the next request is read.
    GoOn,
    /// The connection closes after the answer, which says so.
    Close,
}

impl Fault {
    /// The ICAP status code (section 4.3.3; 413 as in HTTP, which the section takes its codes from).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Head(HeadFault::TooLong { .. } | HeadFault::TooManyFields { .. })
            | Self::HttpRequest(HeadFault::TooLong { .. } | HeadFault::TooManyFields { .. })
            | Self::HttpResponse(HeadFault::TooLong { .. } | HeadFault::TooManyFields { .. }) => {
                413
            }
            Self::RequestLine(_)
            | Self::Head(_)
            | Self::Field(_)
            | Self::Encapsulated(_)
            | Self::HttpRequest(_)
            | Self::HttpResponse(_)
            | Self::Body(_)
            | Self::Trailer(_) => 400,
            Self::NoSuchService => 404,
            Self::MethodNotAllowed => 405,
            Self::Unauthenticated => 407,
            Self::Timeout(_) => 408,
            Self::Internal => 500,
            Self::Method => 501,
            Self::Overloaded => 503,
            Self::Version => 505,
        }
    }

    /// The reason phrase that goes with [`Fault::status`].
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self.status() {
            400 => "Bad Request",
            404 => "ICAP Service Not Found",
            405 => "Method Not Allowed For Service",
            407 => "Proxy Authentication Required",
            408 => "Request Timeout",
            413 => "Request Head Too Large",
            501 => "Method Not Implemented",
            503 => "Service Overloaded",
            505 => "ICAP Version Not Supported",
            _ => "Server Error",
        }
    }

    /// Whether the place of the next request is still known.
    #[must_use]
    pub const fn aftermath(self) -> Aftermath {
        match self {
            Self::Unauthenticated
            | Self::NoSuchService
            | Self::MethodNotAllowed
            | Self::Overloaded
            | Self::Internal => Aftermath::GoOn,
            Self::RequestLine(_)
            | Self::Version
            | Self::Method
            | Self::Head(_)
            | Self::Field(_)
            | Self::Encapsulated(_)
            | Self::HttpRequest(_)
            | Self::HttpResponse(_)
            | Self::Body(_)
            | Self::Trailer(_)
            | Self::Timeout(_) => Aftermath::Close,
        }
    }

    /// Who has to act.
    #[must_use]
    pub const fn blame(self) -> Blame {
        match self {
            Self::Overloaded | Self::Internal => Blame::Gateway,
            Self::RequestLine(_)
            | Self::Version
            | Self::Method
            | Self::Head(_)
            | Self::Field(_)
            | Self::Encapsulated(_)
            | Self::HttpRequest(_)
            | Self::HttpResponse(_)
            | Self::Body(_)
            | Self::Trailer(_)
            | Self::Unauthenticated
            | Self::NoSuchService
            | Self::MethodNotAllowed
            | Self::Timeout(_) => Blame::Client,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestLine(rule) => write!(out, "ICAP request line: {rule}"),
            Self::Version => out.write_str("ICAP request line: the version is not ICAP/1.0"),
            Self::Method => {
                out.write_str("ICAP request line: the method is not REQMOD, RESPMOD or OPTIONS")
            }
            Self::Head(fault) => write!(out, "ICAP head: {fault}"),
            Self::Field(rule) => write!(out, "ICAP head: {rule}"),
            Self::Encapsulated(rule) => write!(out, "Encapsulated header: {rule}"),
            Self::HttpRequest(fault) => write!(out, "encapsulated request: {fault}"),
            Self::HttpResponse(fault) => write!(out, "encapsulated response: {fault}"),
            Self::Body(fault) => write!(out, "encapsulated body: {fault}"),
            Self::Trailer(rule) => write!(out, "ICAP trailer: {rule}"),
            Self::Unauthenticated => out.write_str("no name and password that are known here"),
            Self::NoSuchService => out.write_str("nobody serves this path"),
            Self::MethodNotAllowed => out.write_str("the service does not offer this method"),
            Self::Timeout(Timer::Idle) => out.write_str("no request in time"),
            Self::Timeout(Timer::Head) => out.write_str("the head did not arrive in time"),
            Self::Timeout(Timer::Preview) => out.write_str("the preview did not arrive in time"),
            Self::Timeout(Timer::Body) => out.write_str("the body stopped arriving"),
            Self::Timeout(Timer::Drain) => {
                out.write_str("the unneeded rest of the body did not arrive in time")
            }
            Self::Overloaded => out.write_str("every place for a transaction is taken"),
            Self::Internal => out.write_str("the gateway failed"),
        }
    }
}
