//! Every fault: its status, its reason, its text, what it does to the connection, and who has to act.

use crate::http::{HeadFault, chunked};
use crate::icap::{Aftermath, Blame, Fault, Profile, Timer};

#[track_caller]
fn check(fault: Fault, status: u16, reason: &str, aftermath: Aftermath, text: &str) {
    let blame = if matches!(status, 500 | 503) {
        Blame::Gateway
    } else {
        Blame::Client
    };
    assert_eq!(
        (
            fault.status(),
            fault.reason(),
            fault.aftermath(),
            fault.blame()
        ),
        (status, reason, aftermath, blame)
    );
    assert_eq!(fault.to_string(), text);
}

#[test]
fn every_fault_has_a_row() {
    use Aftermath::{Close, GoOn};
    let long = HeadFault::TooLong { max: 9 };
    let many = HeadFault::TooManyFields { max: 9 };
    check(
        Fault::RequestLine("x"),
        400,
        "Bad Request",
        Close,
        "ICAP request line: x",
    );
    check(
        Fault::Head(HeadFault::NoBlankLine),
        400,
        "Bad Request",
        Close,
        "ICAP head: the head ends without a blank line",
    );
    check(
        Fault::Field("no Host field"),
        400,
        "Bad Request",
        Close,
        "ICAP head: no Host field",
    );
    check(
        Fault::Encapsulated("offsets rise"),
        400,
        "Bad Request",
        Close,
        "Encapsulated header: offsets rise",
    );
    check(
        Fault::HttpRequest(HeadFault::StartLine),
        400,
        "Bad Request",
        Close,
        "encapsulated request: the first line is no start line",
    );
    check(
        Fault::HttpResponse(HeadFault::StartLine),
        400,
        "Bad Request",
        Close,
        "encapsulated response: the first line is no start line",
    );
    check(
        Fault::Body(chunked::Fault::ChunkEnd),
        400,
        "Bad Request",
        Close,
        "encapsulated body: chunk data: not followed by CR LF",
    );
    check(
        Fault::PreviewOverrun { announced: 3 },
        400,
        "Bad Request",
        Close,
        "preview: more than the announced 3 bytes",
    );
    check(
        Fault::Head(long),
        413,
        "Request Head Too Large",
        Close,
        "ICAP head: the head is longer than 9 bytes",
    );
    check(
        Fault::HttpRequest(many),
        413,
        "Request Head Too Large",
        Close,
        "encapsulated request: the head has more than 9 fields",
    );
    check(
        Fault::HttpResponse(long),
        413,
        "Request Head Too Large",
        Close,
        "encapsulated response: the head is longer than 9 bytes",
    );
    check(
        Fault::NoSuchService,
        404,
        "ICAP Service Not Found",
        GoOn,
        "nobody serves this path",
    );
    check(
        Fault::MethodNotAllowed,
        405,
        "Method Not Allowed For Service",
        GoOn,
        "the service does not offer this method",
    );
    check(
        Fault::Timeout(Timer::Idle),
        408,
        "Request Timeout",
        Close,
        "no request in time",
    );
    check(
        Fault::Timeout(Timer::Head),
        408,
        "Request Timeout",
        Close,
        "the head did not arrive in time",
    );
    check(
        Fault::Timeout(Timer::Preview),
        408,
        "Request Timeout",
        Close,
        "the preview did not arrive in time",
    );
    check(
        Fault::Timeout(Timer::Body),
        408,
        "Request Timeout",
        Close,
        "the body stopped arriving",
    );
    check(
        Fault::Timeout(Timer::Drain),
        408,
        "Request Timeout",
        Close,
        "the unneeded rest of the body did not arrive in time",
    );
    check(
        Fault::Internal,
        500,
        "Server Error",
        GoOn,
        "the gateway failed",
    );
    check(
        Fault::Method,
        501,
        "Method Not Implemented",
        Close,
        "ICAP request line: the method is not REQMOD, RESPMOD or OPTIONS",
    );
    check(
        Fault::Overloaded,
        503,
        "Service Overloaded",
        GoOn,
        "every place for a transaction is taken",
    );
    check(
        Fault::Version,
        505,
        "ICAP Version Not Supported",
        Close,
        "ICAP request line: the version is not ICAP/1.0",
    );
}

#[test]
fn profiles_are_found_by_name() {
    assert_eq!(Profile::named("strict"), Some(Profile::STRICT));
    assert_eq!(Profile::named("squid"), Some(Profile::SQUID));
    assert_eq!(Profile::named("Squid"), None);
}
