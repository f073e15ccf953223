//! Who the client says it is: `Proxy-Authorization: Basic`, and the 407 that asks for it.
//!
//! RFC 3507 section 7.1: client and server authenticate each other as an HTTP client and a proxy do, with 407,
//! `Proxy-Authenticate` and `Proxy-Authorization`; RFC 7617 is the scheme. The fields belong to this hop: they
//! stand in the ICAP head and are never part of a message that is sent back. Every method is asked, OPTIONS too.
//!
//! ```text
//!   ICAP head ─┬─ nothing that is `Basic` ─────────────────────────▶ 407, the body is drained
//!              ├─ what was right on this connection before ────────▶ on
//!              └─ something else ─▶ claim() ─▶ answer_claim ─┬─ Right ─▶ on
//!                                                            └─ Wrong ─▶ 407
//! ```
//!
//! Passwords are compared where it may take its time, so the owner is asked, and reading waits. The connection
//! remembers what was right as a SHA-256 of the field, until other options come.
//!
//! Absent on purpose: the passwords, and any way to see one of a claim in a log.

use std::fmt;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::allow::single;
use super::extension::base64;
use super::state::Reading;
use super::{Connection, Fault, Timer};
use crate::http::{Head, trim};

/// Whether clients have to say who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// They need not; what they say is not looked at.
    #[default]
    Off,
    /// By name and password (RFC 7617).
    Basic,
}

/// What a client says it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// The name; never empty.
    pub name: String,
    /// The password.
    pub password: String,
    /// SHA-256 of the credentials as they came: the same again means the same name and password.
    pub digest: [u8; 32],
}

impl fmt::Debug for Claim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Claim").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether a claim is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimAnswer {
    /// Name and password are known.
    Right,
    /// They are not.
    Wrong,
}

impl Connection {
    /// What the client says it is, if the owner has to find out whether it is true. Nothing more is read until
    /// [`Connection::answer_claim`], and no deadline runs.
    #[must_use]
    pub const fn claim(&self) -> Option<&Claim> {
        if matches!(self.reading, Reading::Claim) { self.claim.as_ref() } else { None }
    }

    /// The claim is true, or not. Does nothing when there is none. Call
    /// [`Connection::handle_bytes`] again, with the unconsumed rest and be it empty.
    pub fn answer_claim(&mut self, answer: ClaimAnswer, now: Instant) {
        self.advance_clock(now);
        if self.reading != Reading::Claim {
            return;
        }
        let claim = self.claim.take();
        self.set_timer(Timer::Head);
        match answer {
            ClaimAnswer::Right => {
                self.accepted = claim.map(|claim| claim.digest);
                self.find_service();
            }
            ClaimAnswer::Wrong => {
                self.reading = Reading::Heads;
                self.refuse(Fault::Unauthenticated);
            }
        }
    }

    /// Looks at the credentials of the head that has just arrived. False if the request may go on; otherwise it
    /// waits for the owner or is refused.
    pub(super) fn ask_for_claim(&mut self) -> bool {
        match read(&self.request.head) {
            None => {
                self.reading = Reading::Heads;
                self.refuse(Fault::Unauthenticated);
            }
            Some(claim) if self.accepted.is_some_and(|known| same(&known, &claim.digest)) => {
                return false;
            }
            Some(claim) => {
                self.claim = Some(claim);
                self.timer = None;
                self.reading = Reading::Claim;
            }
        }
        true
    }

    /// What the client is to show, in the answer that says it did not.
    pub(super) fn write_challenge(&mut self, fault: Fault) {
        if fault == Fault::Unauthenticated {
            self.outbox.bytes.extend_from_slice(b"Proxy-Authenticate: Basic realm=\"Baleen\"\r\n");
        }
    }
}

/// The claim in a head; `None` if there is none, or none that can be understood in one way only.
fn read(head: &Head) -> Option<Claim> {
    let value = trim(single(head, PROXY_AUTHORIZATION).ok()??);
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    let encoded = rest.strip_prefix(b" ").map(trim)?;
    let is_plain = scheme.eq_ignore_ascii_case(SCHEME) && is_strict(encoded);
    let mut decoded = [0_u8; CREDENTIALS_BYTES_MAX];
    let pair = Some(encoded).filter(|_| is_plain).and_then(|text| base64(text, &mut decoded))?;
    let text = text(pair);
    let (name, password) = text.split_once(':')?;
    if name.is_empty() || text.chars().any(char::is_control) {
        return None;
    }
    let mut digest = Sha256::new();
    digest.update(encoded);
    let (name, password) = (name.to_owned(), password.to_owned());
    Some(Claim { name, password, digest: digest.finalize().into() })
}

/// UTF-8, and what cannot be that is Latin-1: RFC 7617 leaves the choice to the client.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Whether base64 is padded as RFC 4648 wants it, with nothing in the bits that the padding leaves over: the same
/// credentials have one spelling only.
fn is_strict(text: &[u8]) -> bool {
    let whole = !text.is_empty() && text.len().is_multiple_of(4);
    whole
        && match text {
            [.., last, b'=', b'='] => b"AQgw".contains(last),
            [.., last, b'='] => b"AEIMQUYcgkosw048".contains(last),
            _ => true,
        }
}

/// Compares without telling by its time how much was equal.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let differs = left.iter().zip(right).fold(0, |all, (left, right)| all | (left ^ right));
    std::hint::black_box(differs) == 0
}

/// Where the claim stands.
pub(super) const PROXY_AUTHORIZATION: &str = "Proxy-Authorization";
const SCHEME: &[u8] = b"Basic";

/// Bytes of name, colon and password together; longer is refused like a wrong one.
pub const CREDENTIALS_BYTES_MAX: usize = 512;
