//! P01 to P10: 206, which puts another head before the body that the client has kept.

use super::options::options_answer;
use super::{GET, converse};

/// A response with a mark that is not ours, and a field that a proxy's hop needs.
const RESPONSE: &str =
    "> HTTP/1.1 200 OK\n> X-Mark: forged\n> Transfer-Encoding: chunked\n> Server: o\n>\n";
const PREVIEW: &str = "> 3\n> abc\n> 0\n>\n";
const WHOLE: &str = "> 3\n> abc\n> 0; ieof\n>\n";
const REST: &str = "> 2\n> de\n> 0\n>\n";

fn respmod(fields: &[&str], body: &str) -> String {
    let fields: String = fields.iter().map(|field| format!("> {field}\n")).collect();
    format!(
        "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n{fields}\
         > Encapsulated: res-hdr=0, res-body=?\n>\n{RESPONSE}{body}"
    )
}

/// The marked head, by 206 or in full.
fn marked(status: &str, body: &str) -> String {
    format!(
        "< ICAP/1.0 {status}\n< ISTag: {{istag}}\n< Encapsulated: res-hdr=0, res-body=?\n<\n\
         < HTTP/1.1 200 OK\n< Server: o\n< X-Mark: clean\n<\n{}",
        body.replace('>', "<")
    )
}

fn partial() -> String {
    marked("206 Partial Content", "> 0; use-original-body=0\n>\n")
}

/// The body comes back: after 100, because the preview is not all of it.
fn sent_back() -> String {
    let begun = marked("200 OK", "> 3\n> abc\n");
    format!("<: 100\n{begun}{REST}{}", REST.replace('>', "<"))
}

#[test]
fn p02_206_is_offered_to_who_asks_and_to_nobody_else() {
    let answer = options_answer("respmod", "RESPMOD");
    converse(&answer);
    let asked = answer.replace("> Host: gw.test\n", "> Host: gw.test\n> Allow: 206\n");
    converse(&asked.replace("< Allow: 204\n", "< Allow: 204, 206\n"));
    converse(&format!("= profile strict\n{asked}"));
    let withheld = asked.replace("< Allow: 204\n", "< Allow: 206\n");
    converse(&format!("= no_content withhold\n{withheld}"));
}

#[test]
fn p03_p05_206_in_a_preview_for_a_request_that_allows_it() {
    for allow in ["Allow: 206, trailers", "Allow: 204, 206"] {
        let request = respmod(&["Preview: 3", allow], PREVIEW);
        converse(&format!("= changed\n= unmodified\n{request}{}{GET}<: 204\n", partial()));
    }
    // Without the token the body comes back: after 100, because it is not whole.
    for fields in [&["Preview: 3"][..], &["Preview: 3", "Allow: 204"]] {
        let request = respmod(fields, PREVIEW);
        converse(&format!("= changed\n{request}{}", sent_back()));
    }
}

#[test]
fn p03_a_profile_without_206_sends_the_body_back() {
    for profile in ["strict", "c-icap-client", "fortinet", "legacy", "rspamd"] {
        let request = respmod(&["Preview: 3", "Allow: 204, 206"], PREVIEW);
        converse(&format!("= profile {profile}\n= changed\n{request}{}", sent_back()));
    }
}

#[test]
fn p04_outside_a_preview_both_tokens_are_needed() {
    let body = "> 3\n> abc\n> 0\n>\n";
    let both = respmod(&["Allow: 204, 206"], body);
    converse(&format!("= changed\n= unmodified\n{both}{}{GET}<: 204\n", partial()));
    for allow in ["Allow: 206", "Allow: 204"] {
        let request = respmod(&[allow], body);
        converse(&format!("= changed\n{request}{}", marked("200 OK", body)));
    }
    // After 100 Continue it is outside, too.
    let continued = |allow, answer: String| {
        let request = respmod(&["Preview: 3", allow], PREVIEW);
        converse(&format!("= continue\n= changed\n{request}<: 100\n{REST}{answer}"));
    };
    continued("Allow: 204, 206", partial());
    continued("Allow: 206", marked("200 OK", &format!("> 3\n> abc\n{REST}")));
}

#[test]
fn p04_after_ieof_both_tokens_are_needed_for_squid_takes_it_for_outside() {
    let both = respmod(&["Preview: 9", "Allow: 204, 206"], WHOLE);
    converse(&format!("= changed\n= unmodified\n{both}{}{GET}<: 204\n", partial()));
    let one = respmod(&["Preview: 9", "Allow: 206"], WHOLE);
    converse(&format!("= changed\n{one}{}", marked("200 OK", "> 3\n> abc\n> 0\n>\n")));
}

#[test]
fn p04_204_withheld_outside_previews_withholds_206_there() {
    let request = respmod(&["Allow: 204, 206"], "> 3\n> abc\n> 0\n>\n");
    let whole = marked("200 OK", "> 3\n> abc\n> 0\n>\n");
    converse(&format!("= no_content withhold\n= changed\n{request}{whole}"));
    let preview = respmod(&["Preview: 3", "Allow: 206"], PREVIEW);
    converse(&format!("= no_content withhold\n= changed\n{preview}{}", partial()));
}

#[test]
fn p08_a_206_waits_for_the_end_of_the_preview() {
    // Decided at once; Squid refuses a 206 while it is writing the preview.
    let request = respmod(&["Preview: 3", "Allow: 206"], PREVIEW);
    converse(&format!("= changed at request\n= unmodified\n{request}{}{GET}<: 204\n", partial()));
    let ieof = respmod(&["Preview: 9", "Allow: 204, 206"], WHOLE);
    converse(&format!("= changed at request\n= unmodified\n{ieof}{}{GET}<: 204\n", partial()));
    let alone = respmod(&["Preview: 9", "Allow: 206"], WHOLE);
    let whole = marked("200 OK", "> 3\n> abc\n> 0\n>\n");
    converse(&format!("= changed at request\n{alone}{whole}"));
    let none = respmod(&["Preview: 3"], PREVIEW);
    converse(&format!("= changed at request\n{none}{}", sent_back()));
}

#[test]
fn p06_p09_p10_the_body_is_appended_from_its_first_byte() {
    // Byte 0 is inside of what Squid keeps, whatever the preview's size, and inside of every body.
    assert!(partial().contains("0; use-original-body=0\n"));
    let empty = respmod(&["Preview: 0", "Allow: 204, 206"], "> 0; ieof\n>\n");
    converse(&format!("= changed\n{empty}{}", partial()));
    let large = respmod(&["Preview: 65536", "Allow: 206"], ">* 65536 abc\n> 0\n>\n");
    converse(&format!("= changed\n= unmodified\n{large}{}{GET}<: 204\n", partial()));
}

#[test]
fn p07_without_a_body_there_is_none_to_append() {
    let request = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Preview: 0\n> Allow: 204, 206\n\
        > Encapsulated: res-hdr=0, null-body=?\n>\n> HTTP/1.1 304 Not Modified\n> X-Mark: forged\n>\n";
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, null-body=?\n<\n\
        < HTTP/1.1 304 Not Modified\n< X-Mark: clean\n<\n";
    converse(&format!("= changed\n= unmodified\n{request}{answer}{GET}<: 204\n"));
}

#[test]
fn p05_a_request_is_changed_like_a_response() {
    let request = "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Preview: 3\n> Allow: 206\n\
        > Encapsulated: req-hdr=0, req-body=?\n>\n> POST / HTTP/1.1\n> X-Mark: forged\n> Host: o\n>\n";
    let answer = "< ICAP/1.0 206 Partial Content\n< ISTag: {istag}\n< Encapsulated: req-hdr=0, req-body=?\n<\n\
        < POST / HTTP/1.1\n< Host: o\n< X-Mark: clean\n<\n< 0; use-original-body=0\n<\n";
    converse(&format!("= changed\n{request}{PREVIEW}{answer}"));
}
