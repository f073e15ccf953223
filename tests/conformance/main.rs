//! RFC 3507, its errata and the drafts around it, rule by rule: each test carries the rule's number.
//!
//! The numbers are those of the project's reference page on ICAP, section 1. Each rule is a conversation in
//! the notation of `tests/conversation/script.rs` and is replayed whole, cut at every place and byte by
//! byte. What only a socket can show (R01, R04, and the closing of R24 in time) is left to the system
//! tests; what the core contributes to it is asserted here.

#[path = "../conversation/script.rs"]
mod script;
#[path = "../conversation/shell.rs"]
mod shell;

mod authentication;
mod encapsulation;
mod extensions;
mod options;
mod overload;
mod partial;
mod preview;
mod profiles;
mod robustness;
mod start_line;
mod trailers;

use script::converse;

/// A request without body that is allowed a 204.
const GET: &str = "> REQMOD icap://gw.test/reqmod ICAP/1.0
> Host: gw.test
> Allow: 204
> Encapsulated: req-hdr=0, null-body=?
>
> GET http://o.test/ HTTP/1.1
> Host: o.test
>
";

/// Replays `text` and expects that it is refused with `status`, and that we close.
#[track_caller]
fn refused(status: &str, text: &str) {
    converse(&format!("{text}\n<: closing fault {status}\n! server\n"));
}

/// Replays `text` and expects a 204 on a connection that goes on with another request.
#[track_caller]
fn served(text: &str) {
    let directives: Vec<&str> =
        text.lines().filter(|line| line.trim_start().starts_with("= ")).collect();
    let rest: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("= ")).collect();
    let (directives, rest) = (directives.join("\n"), rest.join("\n"));
    converse(&format!("{directives}\n= unmodified\n= unmodified\n{rest}\n<: 204\n{GET}<: 204\n"));
}
