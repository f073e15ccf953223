//! T01 to T09: ICAP trailers, ours with a late verdict and the client's.

use super::options::options_answer;
use super::{GET, converse, refused};

const RESPONSE: &str = "> HTTP/1.1 200 OK\n> X-Mark: forged\n> Server: o\n>\n";

fn respmod(fields: &[&str], body: &str) -> String {
    let fields: String = fields.iter().map(|field| format!("> {field}\n")).collect();
    format!(
        "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n{fields}\
         > Encapsulated: res-hdr=0, res-body=?\n>\n{RESPONSE}{body}"
    )
}

/// An answer that begins before the verdict, with these fields more, and this behind its head.
fn early(fields: &str, body: &str) -> String {
    format!(
        "< ICAP/1.0 200 OK\n< ISTag: {{istag}}\n{fields}< Encapsulated: res-hdr=0, res-body=?\n<\n\
         < HTTP/1.1 200 OK\n< Server: o\n<\n{}",
        body.replace('>', "<")
    )
}

const PROMISE: &str = "< Allow: trailers\n< Trailer: X-Response-Info, X-Virus-ID\n";
const BODY: &str = "> 3\n> abc\n> 2\n> de\n> 0\n>\n";
const CLEAN: &str = "> X-Response-Info: Clean\n>\n";

#[test]
fn t01_trailers_are_offered_to_who_asks_and_to_nobody_else() {
    let answer = options_answer("reqmod", "REQMOD");
    converse(&answer);
    let asked = answer.replace("> Host: gw.test\n", "> Host: gw.test\n> Allow: trailers\n");
    converse(&asked.replace("< Allow: 204\n", "< Allow: 204, trailers\n"));
    for profile in ["strict", "fortinet", "c-icap-client"] {
        converse(&format!("= profile {profile}\n{asked}"));
    }
}

#[test]
fn t02_t03_t05_t09_a_late_verdict_follows_the_body() {
    let request = respmod(&["Allow: 204, trailers"], BODY);
    let answer = early(PROMISE, &format!("{BODY}{CLEAN}"));
    converse(&format!(
        "= ahead after 3\n= verdict Clean\n= unmodified\n{request}{answer}{GET}<: 204\n"
    ));
    // The encapsulated body's own trailer stays where it is (E04).
    let own = "> 3\n> abc\n> 0\n> Server-Timing: x\n>\n";
    let answer = early(PROMISE, &format!("{own}{CLEAN}"));
    let request = respmod(&["Allow: trailers"], own);
    converse(&format!(
        "= ahead at request\n= verdict Clean\n= unmodified\n{request}{answer}{GET}<: 204\n"
    ));
}

#[test]
fn t02_without_the_token_or_the_profile_nothing_follows() {
    let request = respmod(&["Allow: 204"], BODY);
    let answer = early("", BODY);
    converse(&format!(
        "= ahead after 3\n= verdict Clean\n= unmodified\n{request}{answer}{GET}<: 204\n"
    ));
    let request = respmod(&["Allow: 204, trailers"], BODY);
    converse(&format!(
        "= profile strict\n= ahead after 3\n= verdict Clean\n= unmodified\n{request}{answer}{GET}<: 204\n"
    ));
}

#[test]
fn t08_after_100_and_after_ieof_the_trailer_is_behind_the_body() {
    let request = respmod(&["Preview: 3", "Allow: trailers"], "> 3\n> abc\n> 0\n>\n");
    let rest = "> 2\n> de\n> 0\n>\n";
    let answer = early(PROMISE, &format!("{BODY}{CLEAN}"));
    converse(&format!(
        "= continue\n= ahead after 5\n= verdict Clean\n{request}<: 100\n{rest}{answer}"
    ));
    let request = respmod(&["Preview: 9", "Allow: trailers"], "> 3\n> abc\n> 0; ieof\n>\n");
    let answer = early(PROMISE, &format!("> 3\n> abc\n> 0\n>\n{CLEAN}"));
    converse(&format!("= ahead at request\n= verdict Clean\n{request}{answer}"));
}

#[test]
fn t09_a_threat_found_late_ends_the_answer_broken_and_without_a_trailer() {
    let request = respmod(&["Allow: trailers"], BODY);
    let begun = early(PROMISE, "> 3\n> abc\n> 2\n> de\n> 0\n>\n");
    converse(&format!("= ahead after 3\n= abort\n{request}{begun}! server\n"));
}

#[test]
fn t02_an_answer_with_a_verdict_in_its_head_has_no_trailer() {
    let request = GET.replacen("> Allow: 204", "> Allow: 204, trailers", 1);
    converse(&format!("= block Eicar\n= unmodified\n{request}<: block Eicar\n{request}<: 204\n"));
    let request = respmod(&["Allow: trailers"], BODY);
    let echo = early("", BODY).replace("< Server", "< X-Mark: forged\n< Server");
    converse(&format!("= unmodified\n{request}{echo}"));
}

/// A request that announces a trailer, and has one.
fn with_trailer(trailer: &str) -> String {
    let fields = ["Allow: 204, trailers", "Trailer: X-Late"];
    format!("{}{trailer}", respmod(&fields, BODY))
}

#[test]
fn t06_a_clients_trailer_is_read_and_the_next_request_behind_it() {
    for trailer in ["> X-Late: 1\n>\n", ">\n", "> X-Late: 1\n> X-More: a b c\n>\n"] {
        let request = with_trailer(trailer);
        converse(&format!("= unmodified\n= unmodified\n{request}<: 204\n{GET}<: 204\n"));
        // An early answer changes nothing about where the next request begins.
        converse(&format!(
            "= block X at request\n= unmodified\n{request}<: block X\n{GET}<: 204\n"
        ));
        // What is sent back has none: it was between the client and us.
        let fields = ["Allow: trailers", "Trailer: X-Late"];
        let request = format!("{}{trailer}", respmod(&fields, BODY));
        let echo = early("", BODY).replace("< Server", "< X-Mark: forged\n< Server");
        converse(&format!("= unmodified\n= unmodified\n{request}{echo}{GET}<: 204\n"));
    }
}

#[test]
fn t06_both_directions_at_once() {
    let fields = ["Preview: 9", "Allow: trailers", "Trailer: X-Late"];
    let request = respmod(&fields, "> 3\n> abc\n> 0; ieof\n>\n> X-Late: 1\n>\n");
    let answer = early(PROMISE, &format!("> 3\n> abc\n> 0\n>\n{CLEAN}"));
    converse(&format!(
        "= ahead at request\n= verdict Clean\n= unmodified\n{request}{answer}{GET}<: 204\n"
    ));
}

#[test]
fn t07_a_trailer_announced_otherwise_ends_the_connection() {
    // Nobody can say what follows: bytes behind the body are not taken for a request.
    let request = GET.replacen("> Allow: 204", "> Allow: 204\n> Trailer: X-Late", 1);
    converse(&format!("= unmodified\n{request}<: closing 204\n! server\n"));
    let request = GET.replacen("> Allow: 204", "> Allow: 204, trailers\n> Trailer: X-Late", 1);
    converse(&format!("= unmodified\n{request}<: closing 204\n! server\n"));
}

#[test]
fn t08_a_request_answered_in_its_preview_has_no_trailer() {
    let fields = ["Preview: 3", "Allow: 204, trailers", "Trailer: X-Late"];
    let request = respmod(&fields, "> 3\n> abc\n> 0\n>\n");
    converse(&format!("= unmodified\n= unmodified\n{request}<: 204\n{GET}<: 204\n"));
    let rest = "> 2\n> de\n> 0\n>\n> X-Late: 1\n>\n";
    converse(&format!(
        "= continue\n= unmodified\n= unmodified\n{request}<: 100\n{rest}<: 204\n{GET}<: 204\n"
    ));
}

#[test]
fn t04_what_frames_a_message_or_says_who_sends_it_is_refused_in_a_trailer() {
    for field in [
        "Encapsulated: null-body=0",
        "preview: 3",
        "Trailer: X",
        "Host: other",
        "Transfer-Encoding: chunked",
        "Proxy-Authorization: Basic eDp5",
    ] {
        refused("400 Bad Request", &with_trailer(&format!("> {field}\n>")));
    }
}

#[test]
fn t06_a_broken_or_endless_trailer_is_refused() {
    refused("400 Bad Request", &with_trailer("> no field\n>"));
    refused("400 Bad Request", &with_trailer("> X: 1\n>  folded\n>"));
    refused(
        "400 Bad Request",
        &format!("= trailer_bytes_max 20\n{}", with_trailer("> X-Late: 12345678901")),
    );
    let exact = format!(
        "= trailer_bytes_max 20\n= unmodified\n{}",
        with_trailer("> X-Late: 12345678\n>\n")
    );
    converse(&format!("{exact}<: 204\n"));
}
