//! R30 to R46, E01 to E10: parts, offsets, chunks.

use super::{GET, converse, refused, served};

fn respmod(encapsulated: &str, parts: &str) -> String {
    format!(
        "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Allow: 204\n> Encapsulated: {encapsulated}\n>\n{parts}"
    )
}

fn reqmod(encapsulated: &str, parts: &str) -> String {
    respmod(encapsulated, parts).replace("RESPMOD", "REQMOD").replace("/respmod", "/reqmod")
}

/// A RESPMOD request with this body, framing and all.
fn body(lines: &str) -> String {
    respmod("res-hdr=0, res-body=?", &format!("{RESPONSE}{lines}"))
}

const REQUEST: &str = "> GET http://o.test/ HTTP/1.1\n> Host: o.test\n>\n";
const RESPONSE: &str = "> HTTP/1.1 200 OK\n> Server: o\n>\n";
const BODY: &str = "> 3\n> abc\n> 0\n>\n";

#[test]
fn r30_heads_are_raw_and_bodies_are_chunked() {
    served(&respmod("req-hdr=0, res-hdr=?, res-body=?", &format!("{REQUEST}{RESPONSE}{BODY}")));
    refused("400 Bad Request", &body("> xyz"));
}

#[test]
fn r31_answers_carry_encapsulated() {
    // 200, 204 and OPTIONS are compared byte for byte everywhere; here the errors.
    converse(&format!(
        "= failed\n{GET}< ICAP/1.0 500 Server Error\n< ISTag: {{istag}}\n< Encapsulated: null-body=0\n<\n"
    ));
}

#[test]
fn r32_offsets_are_numbers_that_rise_from_zero() {
    for value in [
        "res-hdr=1, res-body=20",
        "res-body=20, res-hdr=0",
        "req-hdr=0, res-hdr=0, res-body=20",
        "req-hdr=0, res-hdr=20, res-body=19",
        "res-hdr=0, res-body=2147483649",
        "res-hdr=0, res-body=99999999999999999999",
        "res-hdr=-0, res-body=20",
        "res-hdr=+0, res-body=20",
        "res-hdr=0, res-body=0x14",
        "res-hdr=0, res-body=",
        "res-hdr=0, res-body",
        "res-hdr=0 res-body=20",
        "res-hdr=0, , res-body=20",
        "res-hdr=0, res-body=20,",
        "res-hdr=0; res-body=20",
        "res-hdr=0",
        "=0",
        "",
    ] {
        refused("400 Bad Request", &respmod(value, ""));
    }
    served(&respmod("res-hdr=0,res-body=?", &format!("{RESPONSE}{BODY}")));
    served(&respmod("  RES-HDR = 0 ,\tRes-Body = ?  ", &format!("{RESPONSE}{BODY}")));
}

#[test]
fn r33_reqmod_carries_a_request() {
    served(&reqmod("req-hdr=0, null-body=?", REQUEST));
    served(&reqmod("req-hdr=0, req-body=?", &format!("{REQUEST}{BODY}")));
    served(&reqmod("req-body=0", BODY));
    for value in [
        "res-hdr=0, req-body=9",
        "req-hdr=0, res-body=9",
        "req-hdr=0, opt-body=9",
        "res-hdr=0, null-body=9",
    ] {
        refused("400 Bad Request", &reqmod(value, ""));
    }
}

#[test]
fn r34_reqmod_is_answered_with_a_request_or_a_response() {
    let unmodified = format!(
        "= unmodified\n{}",
        reqmod("req-hdr=0, req-body=?", &format!("{REQUEST}{BODY}")).replace("204", "0")
    );
    let echo = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: req-hdr=0, req-body=?\n<\n";
    converse(&format!("{unmodified}{echo}{}", format!("{REQUEST}{BODY}").replace('>', "<")));
    converse(&format!(
        "= block X\n{}<: block X\n",
        reqmod("req-hdr=0, req-body=?", &format!("{REQUEST}{BODY}"))
    ));
}

#[test]
fn r35_respmod_carries_a_response_with_or_without_its_request() {
    served(&respmod("req-hdr=0, res-hdr=?, res-body=?", &format!("{REQUEST}{RESPONSE}{BODY}")));
    served(&respmod("res-hdr=0, res-body=?", &format!("{RESPONSE}{BODY}")));
    served(&respmod("req-hdr=0, res-body=?", &format!("{REQUEST}{BODY}")));
    served(&respmod("res-body=0", BODY));
    for value in
        ["req-hdr=0, req-body=9", "res-hdr=0, req-hdr=9, res-body=20", "res-hdr=0, opt-body=9"]
    {
        refused("400 Bad Request", &respmod(value, ""));
    }
}

#[test]
fn r36_respmod_is_answered_without_the_request_head() {
    let parts = format!("{REQUEST}{RESPONSE}{BODY}");
    let unmodified = format!(
        "= unmodified\n{}",
        respmod("req-hdr=0, res-hdr=?, res-body=?", &parts).replace("204", "0")
    );
    let echo = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, res-body=?\n<\n";
    converse(&format!("{unmodified}{echo}{}", format!("{RESPONSE}{BODY}").replace('>', "<")));
}

#[test]
fn r38_null_body_stands_at_the_end_of_the_heads() {
    served(&respmod("req-hdr=0, res-hdr=?, null-body=?", &format!("{REQUEST}{RESPONSE}")));
    served(&respmod("req-hdr=0, null-body=?", REQUEST));
    // With another offset the head would end elsewhere for us than for the client.
    for length in [17, 19] {
        let request =
            reqmod(&format!("req-hdr=0, null-body={length}"), "> GET / HTTP/1.1\n>\n>> x\n");
        refused("400 Bad Request", &request);
    }
}

#[test]
fn r39_unknown_and_double_parts_are_refused() {
    for value in [
        "req-hdr=0, req-hdr=9, res-body=20",
        "res-hdr=0, res-hdr=9, res-body=20",
        "foo-hdr=0, res-body=20",
        "res-hdr=0, res-body=9, res-body=20",
        "res-hdr=0, res-body=9, null-body=20",
        "res-hdr=0, foo-body=9",
    ] {
        refused("400 Bad Request", &respmod(value, ""));
    }
}

#[test]
fn r40_an_encapsulated_head_has_a_start_line_and_a_blank_line() {
    for head in [
        "Server: o\\r\\n\\r\\n",
        "HTTP/1.1 200 OK\\r\\n",
        "HTTP/1.1 200 OK\\r\\n\\r\\nx",
        "HTTP/1.1 2000 OK\\r\\n\\r\\n",
        "\\r\\n",
    ] {
        let length = head.replace("\\r", "\r").replace("\\n", "\n").len();
        refused(
            "400 Bad Request",
            &respmod(&format!("res-hdr=0, null-body={length}"), &format!(">> {head}")),
        );
    }
    for head in [
        "GET /\\r\\n\\r\\n",
        "GET HTTP/1.1\\r\\n\\r\\n",
        "GET  HTTP/1.1\\r\\n\\r\\n",
        "G(T / HTTP/1.1\\r\\n\\r\\n",
    ] {
        let length = head.replace("\\r", "\r").replace("\\n", "\n").len();
        refused(
            "400 Bad Request",
            &reqmod(&format!("req-hdr=0, null-body={length}"), &format!(">> {head}")),
        );
    }
}

#[test]
fn r41_transfer_encoding_of_the_other_hop_is_tolerated_and_not_sent_back() {
    let head = "> HTTP/1.1 200 OK\n> Transfer-Encoding: chunked\n> Server: o\n>\n";
    let request = respmod("res-hdr=0, res-body=?", &format!("{head}{BODY}")).replace("204", "0");
    let echo = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, res-body=?\n<\n";
    converse(&format!(
        "= unmodified\n{request}{echo}{}",
        format!("{RESPONSE}{BODY}").replace('>', "<")
    ));
}

#[test]
fn r44_a_body_of_known_size_is_chunked_nonetheless() {
    // The page of every block answer: its Content-Length and its chunk size say the same.
    converse(&format!("= block Eicar\n{GET}<: block Eicar\n"));
}

#[test]
fn r45_chunk_sizes_are_hex_in_any_case_with_leading_zeros_and_extensions() {
    let payload = "x".repeat(26);
    for size in [
        "1a",
        "1A",
        "001a",
        "000000000000001a",
        "1a;foo=bar",
        "1a ; x=\"a;b\"",
        "1a\t;a;b;c=\"\\\\\"\"",
        "1a ",
    ] {
        served(&body(&format!(">> {size}\\r\\n\n> {payload}\n> 0;foo=bar\n>\n")));
    }
    for size in [
        "0x1a",
        "+1a",
        "-1a",
        "",
        " 1a",
        "1g",
        "0000000000000001a",
        "10000000000000000",
        ";a=b",
        "1a;=x",
        "1a;a=\"x",
    ] {
        refused("400 Bad Request", &body(&format!("> {size}")));
    }
    refused("400 Bad Request", &body(">> 1a;\\0\\r\\n"));
    refused("400 Bad Request", &body(">> 1a;a=\"\\r\\n"));
    refused("400 Bad Request", &body("> 1\n> a\n> ffffffffffffffff"));
}

#[test]
fn r46_chunk_data_is_followed_by_exactly_cr_lf() {
    for lines in [
        ">> 3\\r\\nabc\\n",
        ">> 3\\r\\nabcd\\r\\n",
        ">> 3\\r\\nabc\\r\\r",
        ">> 3\\nabc",
        ">> 3\\r\\nabc\\r0",
        ">> 3\\rabc",
    ] {
        refused("400 Bad Request", &body(lines));
    }
    refused("400 Bad Request", &body(">> 0\\r\\n\\n"));
    refused("400 Bad Request", &body(">> 0\\r\\n\\r\\r"));
}

#[test]
fn e01_encapsulated_and_not_the_method_says_whether_there_is_a_body() {
    served(&reqmod("req-hdr=0, null-body=?", "> POST / HTTP/1.1\n> Content-Length: 5\n>\n"));
    served(&reqmod("req-hdr=0, req-body=?", &format!("{REQUEST}{BODY}")));
}

#[test]
fn e02_answers_100_and_204_have_no_body() {
    let preview = body("> 0\n>\n").replace("> Allow", "> Preview: 0\n> Allow");
    converse(&format!(
        "= continue\n= unmodified\n= unmodified\n{preview}<: 100\n> 0\n>\n<: 204\n{GET}<: 204\n"
    ));
}

#[test]
fn e03_only_a_200_carries_a_body() {
    refused("400 Bad Request", &body("> x"));
}

#[test]
fn e04_trailers_of_the_message_are_accepted_and_returned() {
    let trailer = "> 3\n> abc\n> 0\n> Digest: sha-256=x\n> A:\n>\n";
    served(&body(trailer));
    let echo = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, res-body=?\n<\n";
    converse(&format!(
        "= unmodified\n{}{echo}{}",
        body(trailer).replace("204", "0"),
        format!("{RESPONSE}{trailer}").replace('>', "<")
    ));
    for lines in [
        ">> 0\\r\\nA\\r\\n",
        ">> 0\\r\\n: x\\r\\n",
        ">> 0\\r\\nA:\\0",
        ">> 0\\r\\nA: b\\n",
        ">> 0\\r\\n b",
        ">> 0\\r\\nA: b\\rc",
    ] {
        refused("400 Bad Request", &body(lines));
    }
    refused("400 Bad Request", &format!("= trailer_bytes_max 10\n{}", body("> 0\n>> A: 01234567")));
}

#[test]
fn e06_at_least_one_part_exists() {
    refused("400 Bad Request", &reqmod("null-body=0", ""));
    refused("400 Bad Request", &respmod("null-body=0", ""));
    refused("400 Bad Request", "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n>");
    refused("400 Bad Request", "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n>");
}

#[test]
fn e07_no_part_is_demanded_that_a_client_may_leave_out() {
    // 418 is for servers that need more; a bare body is enough for us.
    served(&respmod("res-body=0", BODY));
    served(&reqmod("req-body=0", BODY));
}

#[test]
fn e08_a_chunk_that_is_announced_and_never_sent_costs_a_deadline_and_no_memory() {
    refused("408 Request Timeout", &format!("{}~ 300 s", body("> 10000000000\n>> abc\n")));
}

#[test]
fn e09_an_early_answer_does_not_stop_the_reading() {
    let rest = "> 100\n".to_owned() + &format!("> {}\n", "y".repeat(256)) + "> 0\n>\n";
    converse(&format!(
        "= block Eicar after 3\n= unmodified\n{}<: block Eicar\n{rest}{GET}<: 204\n",
        body("> 3\n> abc\n")
    ));
}

#[test]
fn e10_a_preview_ends_with_an_empty_line() {
    let preview = |lines: &str| body(lines).replace("> Allow", "> Preview: 3\n> Allow");
    served(&preview("> 3\n> abc\n> 0\n>\n"));
    refused("400 Bad Request", &preview(">> 3\\r\\nabc\\r\\n0\\r\\nA"));
}
