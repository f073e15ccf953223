//! Every fault: its status, its reason, its text, what it does to the connection, and who has to act.

use crate::http::{HeadFault, chunked};
use crate::icap::{Aftermath, Blame, Fault, Profile, Timer};

/// Checks a row: status, aftermath and text.
#[track_caller]
fn check(fault: Fault, status: u16, aftermath: Aftermath, text: &str) {
    let blame = if matches!(status, 500 | 503) { Blame::Gateway } else { Blame::Client };
    assert_eq!((fault.status(), fault.aftermath(), fault.blame()), (status, aftermath, blame));
    assert_eq!(fault.to_string(), text);
}

#[test]
fn a_head_that_cannot_be_read_closes_the_connection() {
    let (long, many) = (HeadFault::TooLong { max: 9 }, HeadFault::TooManyFields { max: 9 });
    let broken = |fault, text: &str| check(fault, 400, Aftermath::Close, text);
    broken(Fault::RequestLine("x"), "ICAP request line: x");
    broken(Fault::Head(HeadFault::StartLine), "ICAP head: the first line is no start line");
    broken(Fault::Field("no Host field"), "ICAP head: no Host field");
    broken(Fault::Encapsulated("offsets rise"), "Encapsulated header: offsets rise");
    let large = |fault, text: &str| check(fault, 413, Aftermath::Close, text);
    large(Fault::Head(long), "ICAP head: the head is longer than 9 bytes");
    large(Fault::HttpRequest(many), "encapsulated request: the head has more than 9 fields");
    large(Fault::HttpResponse(long), "encapsulated response: the head is longer than 9 bytes");
}

#[test]
fn a_message_that_cannot_be_read_closes_the_connection() {
    let broken = |fault, text: &str| check(fault, 400, Aftermath::Close, text);
    let head = HeadFault::NoBlankLine;
    broken(Fault::HttpRequest(head), "encapsulated request: the head ends without a blank line");
    broken(Fault::HttpResponse(head), "encapsulated response: the head ends without a blank line");
    let chunk = chunked::Fault::ChunkEnd;
    broken(Fault::Body(chunk), "encapsulated body: chunk data: not followed by CR LF");
}

#[test]
fn what_is_not_ours_is_told_apart() {
    let what = "the method is not REQMOD, RESPMOD or OPTIONS";
    check(Fault::Method, 501, Aftermath::Close, &format!("ICAP request line: {what}"));
    check(Fault::Version, 505, Aftermath::Close, "ICAP request line: the version is not ICAP/1.0");
    check(Fault::NoSuchService, 404, Aftermath::GoOn, "nobody serves this path");
    let unknown = "no name and password that are known here";
    check(Fault::Unauthenticated, 407, Aftermath::GoOn, unknown);
    check(Fault::MethodNotAllowed, 405, Aftermath::GoOn, "the service does not offer this method");
    check(Fault::Internal, 500, Aftermath::GoOn, "the gateway failed");
    check(Fault::Overloaded, 503, Aftermath::GoOn, "every place for a transaction is taken");
}

#[test]
fn each_timer_says_what_was_late() {
    let late = |timer, text: &str| check(Fault::Timeout(timer), 408, Aftermath::Close, text);
    late(Timer::Idle, "no request in time");
    late(Timer::Head, "the head did not arrive in time");
    late(Timer::Preview, "the preview did not arrive in time");
    late(Timer::Body, "the body stopped arriving");
    late(Timer::Drain, "the unneeded rest of the body did not arrive in time");
}

#[test]
fn profiles_are_found_by_name() {
    assert_eq!(Profile::named("strict"), Some(Profile::STRICT));
    assert_eq!(Profile::named("squid"), Some(Profile::SQUID));
    assert_eq!(Profile::named("Squid"), Some(Profile::SQUID));
    assert_eq!(Profile::named("squids"), None);
}
