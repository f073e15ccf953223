//! R20: 503, wherever in a request the gateway says it; the connection can be used after it.

use super::{GET, converse};

const SAID: &str = "<: fault 503 Service Overloaded\n";

fn respmod(fields: &str, body: &str) -> String {
    format!(
        "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n{fields}\
         > Encapsulated: res-hdr=0, res-body=?\n>\n> HTTP/1.1 200 OK\n> Server: o\n>\n{body}"
    )
}

/// Refuses `request` when `when`, and expects that the next request, sent at once or after the answer, is served.
#[track_caller]
fn refused_and_goes_on(when: &str, request: &str, then: &str) {
    let script = format!("= overloaded{when}\n= unmodified\n");
    converse(&format!("{script}{request}{SAID}{then}{GET}<: 204\n"));
    converse(&format!("{script}{request}{then}{GET}{SAID}<: 204\n"));
}

#[test]
fn r20_503_without_preview() {
    let body = "> 3\n> abc\n> 2\n> de\n> 0\n>\n";
    refused_and_goes_on(" at request", &respmod("", body), "");
    refused_and_goes_on(" after 3", &respmod("", body), "");
    refused_and_goes_on("", &respmod("", body), "");
}

#[test]
fn r20_503_in_a_preview_and_at_its_end() {
    for when in [" at request", " after 1", ""] {
        // The client waits for the answer behind its preview, and sends nothing more of this body.
        refused_and_goes_on(when, &respmod("> Preview: 3\n", "> 3\n> abc\n> 0\n>\n"), "");
        refused_and_goes_on(when, &respmod("> Preview: 9\n", "> 3\n> abc\n> 0; ieof\n>\n"), "");
    }
    refused_and_goes_on("", &respmod("> Preview: 0\n", "> 0\n>\n"), "");
}

#[test]
fn r20_503_after_100_continue() {
    let preview = respmod("> Preview: 3\n", "> 3\n> abc\n> 0\n>\n");
    converse(&format!(
        "= continue\n= overloaded\n= unmodified\n{preview}<: 100\n> 2\n> de\n> 0\n>\n{SAID}{GET}<: 204\n"
    ));
}

#[test]
fn r20_503_without_a_body() {
    refused_and_goes_on(" at request", GET, "");
    refused_and_goes_on("", &GET.replacen("> Allow", "> Preview: 0\n> Allow", 1), "");
}

#[test]
fn r20_503_a_body_that_does_not_end_closes_the_connection() {
    let endless = "= drain_bytes_max 100\n= overloaded at request\n";
    let body = ">* 90 x\n>* 90 x\n";
    converse(&format!("{endless}{}{SAID}{body}! server\n", respmod("", ">* 3 x\n")));
    let slow = format!("= overloaded at request\n{}", respmod("", ">> 3\\r\\nab\n"));
    converse(&format!("{slow}{SAID}~ 30 s\n! server\n"));
}

#[test]
fn r20_503_to_a_client_that_closes_says_so() {
    let request = respmod("> Connection: close\n", "> 3\n> abc\n> 0\n>\n");
    converse(&format!(
        "= overloaded at request\n{request}<: closing fault 503 Service Overloaded\n! server\n"
    ));
}

#[test]
fn r20_options_is_answered_whatever_the_owner_thinks_of_load() {
    // Nobody is asked: a decision would be left over.
    let options = "> OPTIONS icap://gw.test/echo ICAP/1.0\n> Host: gw.test\n>\n";
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Methods: REQMOD, RESPMOD\n< Service: Baleen\n\
        < Service-ID: baleen\n< ServiceId: baleen\n< Options-TTL: 3600\n< Allow: 204\n< Preview: 4096\n\
        < Transfer-Preview: *\n< X-Include: X-Client-IP, X-Server-IP, X-Client-Username, \
        X-Authenticated-User, X-Authenticated-Groups, X-Subscriber-ID\n< Encapsulated: null-body=0\n<\n";
    converse(&format!("= overloaded at request\n{options}{answer}{GET}{SAID}"));
}

#[test]
fn r20_a_client_with_a_third_state_gets_its_500() {
    let put = "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: req-hdr=0, req-body=?\n>\n\
        > PUT /f HTTP/1.0\n>\n> 3\n> abc\n> 0\n>\n";
    converse(&format!(
        "= profile nextcloud\n= unscannable at request\n{put}< ICAP/1.0 500 Server Error\n< ISTag: {{istag}}\n\
         < Connection: close\n< X-Error-Code: password_protected\n< Encapsulated: null-body=0\n<\n! server\n"
    ));
}
