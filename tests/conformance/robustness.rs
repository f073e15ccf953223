//! What no document demands and every network brings: endless, slow, broken and hostile clients.

use super::{GET, converse, refused, served};

#[test]
fn heads_have_limits() {
    let head = "> OPTIONS icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n";
    let fields: String = (0..11).map(|number| format!("> X-{number}: x\n")).collect();
    refused("413 Request Head Too Large", &format!("= icap_fields_max 11\n{head}{fields}>"));
    refused(
        "413 Request Head Too Large",
        &format!("= icap_head_bytes_max 200\n{head}>> X: {}", "y".repeat(200)),
    );
    let request = GET.replace("> Host: o.test\n", "> A: b\n> A: b\n> A: b\n");
    refused("413 Request Head Too Large", &format!("= http_fields_max 2\n{request}"));
    served(&format!("= http_fields_max 3\n{request}"));
}

#[test]
fn an_icap_head_has_no_nul_no_bare_cr_and_no_bare_lf() {
    for line in [
        ">> X: a\\0b\\r\\n",
        ">> X: a\\rb\\r\\n",
        ">> X: a\\n",
        ">> X : a\\r\\n",
        "> no colon",
        "> : x",
        "> X(: y",
    ] {
        refused(
            "400 Bad Request",
            &format!("> OPTIONS icap://gw.test/reqmod ICAP/1.0\n{line}\n> Host: gw.test\n>"),
        );
    }
    refused("400 Bad Request", ">> OPTIONS icap://gw.test/reqmod ICAP/1.0\\nHost: gw.test\\n\\n");
}

#[test]
fn an_encapsulated_head_has_no_nul_and_no_bare_cr() {
    for line in ["X: a\\0b", "X: a\\rb", "X: a\\r"] {
        refused("400 Bad Request", &GET.replace("> Host: o.test\n", &format!(">> {line}\\r\\n\n")));
    }
}

#[test]
fn fields_that_frame_the_message_stand_once() {
    let double =
        GET.replacen("> Encapsulated", "> Encapsulated: req-hdr=0, null-body=9\n> Encapsulated", 1);
    refused("400 Bad Request", double.split("\n> GET").next().unwrap());
}

#[test]
fn a_content_length_in_the_icap_head_means_nothing() {
    served(&GET.replacen("> Allow", "> Content-Length: 1000\n> Allow", 1));
}

#[test]
fn a_content_length_in_the_http_head_means_nothing_to_the_framing() {
    for length in ["0", "2", "1000", "x"] {
        served(&format!(
            "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n> Encapsulated: res-hdr=0, res-body=?\n>\n\
             > HTTP/1.1 200 OK\n> Content-Length: {length}\n>\n> 3\n> abc\n> 0\n>\n"
        ));
    }
}

#[test]
fn a_body_that_looks_chunked_inside_is_not_decoded_twice() {
    let parts = "> HTTP/1.1 200 OK\n> Server: o\n>\n>* 12 3\\r\\nabc\\r\\n0\\r\\n\\r\\n\n> 0\n>\n";
    let request = format!(
        "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: res-hdr=0, res-body=?\n>\n{parts}"
    );
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, res-body=?\n<\n";
    converse(&format!("= unmodified\n{request}{answer}{}", parts.replace('>', "<")));
}

#[test]
fn expect_in_the_http_head_asks_the_origin_server_and_not_us() {
    let request = GET.replace("> Host: o.test", "> Expect: 100-continue");
    served(&request);
}

#[test]
fn empty_lines_between_requests_are_skipped_up_to_eight_bytes() {
    served(&format!(">\n>\n>\n>\n{GET}"));
    refused("400 Bad Request", ">\n>\n>\n>\n>");
    refused("400 Bad Request", "= profile strict\n>");
}

#[test]
fn extensions_of_chunks_have_a_limit() {
    let request = |extension: &str| {
        format!(
            "= chunk_extension_bytes_max 20\n> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n\
             > Encapsulated: res-hdr=0, res-body=?\n>\n> HTTP/1.1 200 OK\n>\n>> 3;{extension}"
        )
    };
    served(&format!("{}\\r\\n\n> abc\n> 0\n>\n", request("a=34567890123456789")));
    refused("400 Bad Request", &request("a=345678901234567890"));
}

#[test]
fn many_chunks_of_one_byte_are_a_body_like_any_other() {
    let chunks = "> 1\n> x\n".repeat(500);
    let request = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n> Encapsulated: res-hdr=0, res-body=?\n>\n\
        > HTTP/1.1 200 OK\n>\n";
    served(&format!("{request}{chunks}> 0\n>\n"));
}

#[test]
fn a_hundred_options_in_one_go_get_a_hundred_answers() {
    let request = "> OPTIONS icap://gw.test/x ICAP/1.0\n> Host: gw.test\n>\n";
    let fault = "<: fault 404 ICAP Service Not Found\n";
    converse(&format!("{}{}", request.repeat(100), fault.repeat(100)));
}

#[test]
fn a_client_that_goes_away_ends_the_transaction() {
    let begun = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: res-hdr=0, res-body=?\n>\n\
        > HTTP/1.1 200 OK\n>\n> 5\n> ab\n";
    converse(&format!("{begun}! client\n! server\n"));
    converse("> OPTIONS icap://gw.test/x ICAP/1.0\n! client\n! server\n");
    converse("! client\n! server\n");
    converse(&format!("= unmodified\n{GET}<: 204\n! client\n! server\n"));
}

#[test]
fn a_client_that_goes_away_while_the_owner_thinks_cannot_be_asked_for_more() {
    let preview = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Preview: 0\n> Encapsulated: res-hdr=0, res-body=?\n>\n\
        > HTTP/1.1 200 OK\n>\n> 0\n>\n";
    converse(&format!("= hold\n= continue\n{preview}! client\n~ 1 s\n! server\n"));
    converse(&format!(
        "= hold\n= unmodified\n{preview}! client\n~ 1 s\n<: closing 204\n! server\n"
    ));
}

#[test]
fn the_state_of_one_request_does_not_leak_into_the_next() {
    let rich = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n> Preview: 2\n> X-Client-IP: 192.0.2.1\n\
        > Encapsulated: req-hdr=0, res-hdr=?, res-body=?\n>\n> GET / HTTP/1.1\n>\n> HTTP/1.1 200 OK\n>\n> 2\n> ab\n> 0; ieof\n>\n";
    let poor = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: res-body=0\n>\n> 1\n> a\n> 0\n>\n";
    let answer =
        "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-body=0\n<\n< 1\n< a\n< 0\n<\n";
    converse(&format!("= unmodified\n= unmodified\n{rich}<: 204\n{poor}{answer}"));
}
