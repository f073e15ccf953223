//! Block pages.

use super::decision::Cause;

/// What a page says.
#[derive(Clone, Copy, Debug)]
pub struct PageFacts<'a> {
    /// Why the message is blocked.
    pub cause: &'a Cause,
    /// The address as the client sent it; empty where it is not known.
    pub url: &'a [u8],
    /// The user behind the proxy; empty where it is not known.
    pub user: &'a str,
    /// When, as an HTTP date (RFC 9110 section 5.6.7): it is also the page's `Date`.
    pub time: &'a str,
    /// Names this transaction in the log.
    pub request_id: &'a str,
    /// Whom to ask; empty: nobody is named.
    pub contact: &'a str,
    /// `Accept` of the request: programs that ask for JSON get it.
    pub accept: Option<&'a [u8]>,
    /// `Accept-Language` of the request.
    pub accept_language: Option<&'a [u8]>,
    /// Whether the request was HEAD: then the page has its head only.
    pub is_head: bool,
}

/// A page as an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Status line and fields, the empty line included.
    pub head: Vec<u8>,
    /// The body; empty for HEAD.
    pub body: Vec<u8>,
}
