//! RFC 3507 without a socket: bytes and time in, events and bytes out.
//!
//! ```text
//!            handle_bytes, handle_deadline, handle_end
//!                              │ one request at a time
//!                              ▼
//!   Idle ─▶ Head ─▶ Heads ─▶ Preview ─▶ Paused ─▶ Body ─▶ Ended ─▶ Idle
//!             │       │ no preview │ ieof   │ 204, 200     ▲  │
//!             │       └────────────┼────────┼──────────────┘  │ fault, Connection: close
//!             └─ fault ────────────┴────────┴─────────────────┴─▶ Closed
//! ```
//!
//! | RFC 3507 | here |
//! | --- | --- |
//! | 4.2 URIs, 4.3 request line and head | [`Request`], [`Method`], [`Service`] |
//! | 4.4 encapsulation | [`Encapsulated`] |
//! | 4.5 preview, 4.6 204 | [`Connection`], [`Allow`] |
//! | 4.7 ISTag | [`IsTag`] |
//! | 4.10 OPTIONS | [`Advertised`], [`Transfer`] |
//! | 4.3.3 errors | [`Fault`] |
//! | draft-stecher-icap-subid-00, Dr.Web headers | [`Subject`], [`Extra`], [`ScanStatus`] |
//! | 7.1 authentication | [`Authentication`], [`Connection::claim`] |
//! | draft-icap-ext-partial-content (206) | [`Connection::answer_changed`], [`Change`] |
//! | draft-rousskov-icap-trailers | [`Connection::answer_ahead`], [`Connection::verdict`], `trailer` |
//!
//! Where credentials are asked for, a request stops behind its ICAP head until [`Connection::answer_claim`].
//!
//! Order of calls: any `handle_*` or verb, then `poll_output` until `None`, then `poll_deadline`.
//!
//! Absent on purpose: sockets, TLS, the clock, logging, any opinion about what a message contains.
//!
//! To add a service path: [`Service::built_in`]. A profile: [`Profile`]. A fault: [`Fault`] and its
//! tables; the compiler finds the rest.

#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

mod allow;
mod answering;
mod change;
mod connection;
mod credentials;
mod encapsulated;
mod extension;
mod fault;
mod head;
mod istag;
mod options;
mod options_answer;
mod profile;
mod receiving;
mod request;
mod request_line;
mod state;
mod trailer;
mod transfer;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may count")]
mod tests;

pub use allow::Allow;
pub use change::Change;
pub use connection::Connection;
pub use credentials::{Authentication, CREDENTIALS_BYTES_MAX, Claim, ClaimAnswer};
pub use encapsulated::{Encapsulated, Entity};
pub(crate) use extension::base64;
pub use extension::{Extra, Finding, FindingKind, Resolution, Subject, UsernameCoding, Violation};
pub use fault::{Aftermath, Blame, Fault, Timer};
pub use istag::IsTag;
pub use options::{
    Advertised, Deadlines, Limits, Methods, NoContent, Options, ScanStatus, Service, ServiceKind,
};
pub use profile::{
    AfterAnswer, Ahead, Host, HttpLength, Offer, Offsets, PreviewNoContent, PreviewOverrun,
    Profile, Separators, StrayLineEnds, ThreatNames, Tolerated, Unscannable, UriForm, Violations,
};
pub use request::Request;
pub use request_line::{Method, RequestLine};
pub use state::{Event, Note, Output, Taken, Unmodified};
pub use transfer::{Transfer, TransferFault};

/// A number of one to nineteen decimal digits and nothing else: no sign, no blank, no overflow.
fn decimal(text: &[u8]) -> Option<u64> {
    let is_number = matches!(text.len(), 1..=19) && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| {
        text.iter().fold(0_u64, |value, digit| {
            value.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        })
    })
}
