//! R02 to R24: transport as far as the core sees it, URI, start line, head fields, error statuses.

use super::{GET, converse, refused, served};

/// A request in which only the first line varies.
fn first_line(line: &str) -> String {
    GET.replacen("> REQMOD icap://gw.test/reqmod ICAP/1.0", line, 1)
}

/// The request of [`GET`] with one more field.
fn with_field(field: &str) -> String {
    GET.replacen("> Allow: 204\n", &format!("> Allow: 204\n{field}\n"), 1)
}

#[test]
fn r02_a_connection_serves_many_requests_of_mixed_methods() {
    let options = "> OPTIONS icap://gw.test/echo ICAP/1.0\n> Host: gw.test\n>\n";
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Methods: REQMOD, RESPMOD\n< Service: Baleen\n\
        < Service-ID: baleen\n< ServiceId: baleen\n< Options-TTL: 3600\n< Allow: 204\n< Preview: 4096\n\
        < Transfer-Preview: *\n< X-Include: X-Client-IP, X-Server-IP, X-Client-Username, X-Authenticated-User, X-Authenticated-Groups, X-Subscriber-ID\n\
        < Encapsulated: null-body=0\n<\n";
    let mut text = "= unmodified\n".repeat(6);
    for _ in 0..3 {
        text.push_str(&format!("{GET}<: 204\n{options}{answer}{GET}<: 204\n"));
    }
    converse(&text);
}

#[test]
fn r03_pipelined_bytes_wait_for_the_answer_and_none_are_lost() {
    converse(&format!(
        "= block One\n= unmodified\n= block Three\n{GET}{GET}{GET}<: block One\n<: 204\n<: block Three\n"
    ));
}

#[test]
fn r05_the_uri_is_absolute_with_or_without_port() {
    served(GET);
    served(&first_line("> REQMOD icap://gw.test:1344/reqmod ICAP/1.0"));
    served(&first_line("> REQMOD icap://gw.test:/reqmod ICAP/1.0"));
    served(&first_line("> REQMOD icaps://gw.test:11344/reqmod ICAP/1.0"));
    served(&first_line("> REQMOD ICAP://gw.test/reqmod ICAP/1.0"));
    for line in [
        "> REQMOD /reqmod ICAP/1.0",
        "> REQMOD * ICAP/1.0",
        "> REQMOD reqmod ICAP/1.0",
        "> REQMOD http://gw.test/reqmod ICAP/1.0",
        "> REQMOD icap:///reqmod ICAP/1.0",
        "> REQMOD icap://gw.test:0/reqmod ICAP/1.0",
        "> REQMOD icap://gw.test:65536/reqmod ICAP/1.0",
        "> REQMOD icap://gw.test:12x/reqmod ICAP/1.0",
        "> REQMOD icap://anna@gw.test/reqmod ICAP/1.0",
        "> REQMOD icap://gw.test/reqmod#part ICAP/1.0",
        "> REQMOD icap://[::1/reqmod ICAP/1.0",
        "> REQMOD icap://[v1.x]/reqmod ICAP/1.0",
        ">> REQMOD icap://gw.test/req\\x80mod ICAP/1.0\\r\\n",
    ] {
        refused("400 Bad Request", &format!("{line}\n> Host: gw.test\n>"));
    }
    served(&format!("= uri path-too\n{}", first_line("> REQMOD /reqmod ICAP/1.0")));
}

#[test]
fn r06_every_name_and_address_of_ours_is_recognised() {
    for host in
        ["gw", "GW.TEST", "192.0.2.1", "192.0.2.1:1344", "[2001:db8::1]", "[::1]:1344", "a_b.test"]
    {
        served(&first_line(&format!("> REQMOD icap://{host}/reqmod ICAP/1.0")));
    }
}

#[test]
fn r07_query_arguments_are_harmless_and_paths_may_be_percent_encoded() {
    for path in [
        "reqmod?",
        "reqmod?allow204=on&force=on&sizelimit=off&mode=simple",
        "avscan?x=%zz&&=&y",
        "virus_scan/",
        "squidclamav",
        "srv_clamav",
        "echo",
        "%72eqmo%64",
    ] {
        served(&first_line(&format!("> REQMOD icap://gw.test/{path} ICAP/1.0")));
    }
    for path in [
        "",
        "reqmod/x",
        "Reqmod",
        "reqmo",
        "reqmodx",
        "reqmod%",
        "reqmod%zz",
        "?reqmod",
        "//reqmod",
    ] {
        let request = first_line(&format!("> REQMOD icap://gw.test/{path} ICAP/1.0"));
        converse(&format!("{request}<: fault 404 ICAP Service Not Found\n"));
    }
}

#[test]
fn r08_field_names_have_any_case_and_lists_may_be_repeated() {
    served(
        "> REQMOD icap://gw.test/reqmod ICAP/1.0
        >> hOsT:\\t gw.test \\t\\r\\n
        > ALLOW: 206
        >> allow:   trailers ,204\\t\\r\\n
        > encapsulated: req-hdr=0, null-body=18
        >
        > GET / HTTP/1.1
        >",
    );
}

#[test]
fn r09_folded_lines_are_unfolded_or_refused_but_never_guessed() {
    let folded = "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Allow:\n>  206,\n>> \\t204\\r\\n\n\
        > Encapsulated: req-hdr=0, null-body=?\n>\n> GET / HTTP/1.1\n>\n";
    served(folded);
    let head = folded.split("\n> GET").next().unwrap();
    refused("400 Bad Request", &format!("= profile strict\n{head}"));
    refused(
        "400 Bad Request",
        "> REQMOD icap://gw.test/reqmod ICAP/1.0\n>  folded\n> Host: gw.test\n>",
    );
}

#[test]
fn r11_unknown_fields_are_ignored() {
    let fields: String =
        (0..200).map(|number| format!("> X-Unknown-{number}: {number}\n")).collect();
    served(&with_field(fields.trim_end()));
}

#[test]
fn r12_transfer_encoding_has_no_place_in_an_icap_head() {
    let head = with_field("> Transfer-Encoding: chunked");
    refused("400 Bad Request", head.split("\n> GET").next().unwrap());
}

#[test]
fn r13_the_general_fields_are_understood_or_ignored() {
    served(&with_field(
        "> Cache-Control: no-cache\n> Connection: keep-alive\n> Date: x\n> Expires: 0\n> Pragma: x\n> Upgrade: TLS/1.2",
    ));
}

#[test]
fn r14_host_is_required() {
    refused("400 Bad Request", "> OPTIONS icap://gw.test/reqmod ICAP/1.0\n>");
    refused("400 Bad Request", "> OPTIONS icap://gw.test/reqmod ICAP/1.0\n> Host: \n>");
    refused("400 Bad Request", "> OPTIONS icap://gw.test/reqmod ICAP/1.0\n> Host: a\n> Host: a\n>");
    served(&format!("= host optional\n{}", GET.replacen("> Host: gw.test\n", "", 1)));
}

#[test]
fn r16_an_unknown_method_is_not_implemented() {
    for method in ["LOG", "FOO", "options", "Reqmod", "REQMODX"] {
        let line = first_line(&format!("> {method} icap://gw.test/reqmod ICAP/1.0"));
        refused("501 Method Not Implemented", line.split("\n> GET").next().unwrap());
    }
    refused("400 Bad Request", "> RE(MOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n>");
    refused("400 Bad Request", ">  icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n>");
}

#[test]
fn r17_options_is_never_answered_with_501() {
    converse(
        "> OPTIONS icap://gw.test/nothing ICAP/1.0\n> Host: gw.test\n>\n<: fault 404 ICAP Service Not Found\n",
    );
}

#[test]
fn r18_an_unknown_service_is_not_found_whatever_the_method() {
    let respmod = "> RESPMOD icap://gw.test/x ICAP/1.0\n> Host: gw.test\n> Encapsulated: res-body=0\n>\n> 0\n>\n";
    let reqmod = "> REQMOD icap://gw.test/x ICAP/1.0\n> Host: gw.test\n> Preview: 0\n> Encapsulated: req-body=0\n>\n> 0\n>\n";
    let fault = "<: fault 404 ICAP Service Not Found\n";
    converse(&format!("= unmodified\n{respmod}{fault}{reqmod}{fault}{GET}<: 204\n"));
}

#[test]
fn r19_a_method_the_service_lacks_is_not_allowed() {
    let fault = "<: fault 405 Method Not Allowed For Service\n";
    let respmod = "> RESPMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: res-body=0\n>\n> 0\n>\n";
    let reqmod = first_line("> REQMOD icap://gw.test/respmod ICAP/1.0");
    converse(&format!("= unmodified\n{respmod}{fault}{reqmod}{fault}{GET}<: 204\n"));
}

#[test]
fn r20_each_error_has_its_status_and_leaves_the_connection_drained_or_closed() {
    converse(&format!(
        "= overloaded at request\n= failed\n= unmodified\n{GET}<: fault 503 Service Overloaded\n{GET}<: fault 500 Server Error\n{GET}<: 204\n"
    ));
    refused("408 Request Timeout", "> OPTIONS icap://gw.test/reqmod ICAP/1.0\n~ 30 s");
}

#[test]
fn r21_only_icap_1_is_spoken() {
    for version in ["ICAP/2.0", "ICAP/0.9", "ICAP/1.10", "ICAP/10.0"] {
        refused(
            "505 ICAP Version Not Supported",
            &format!("> OPTIONS icap://gw.test/reqmod {version}\n> Host: gw.test\n>"),
        );
    }
    for version in
        ["HTTP/1.1", "icap/1.0", "ICAP/1", "ICAP/x.y", "ICAP/1.0 x", "ICAP/", "ICAP/1.0.0"]
    {
        refused(
            "400 Bad Request",
            &format!("> OPTIONS icap://gw.test/reqmod {version}\n> Host: gw.test\n>"),
        );
    }
    refused("400 Bad Request", "> OPTIONS icap://gw.test/reqmod\n> Host: gw.test\n>");
    refused("400 Bad Request", "> OPTIONS  icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n>");
    served(&first_line("> REQMOD icap://gw.test/reqmod ICAP/1.1"));
}

#[test]
fn r22_error_answers_have_no_body_and_say_so() {
    refused("400 Bad Request", "> OPTIONS icap://gw.test/reqmod ICAP/1.0\n> Host gw.test\n>");
}

#[test]
fn r23_whoever_will_be_disconnected_is_told() {
    converse(&format!("= requests_max 1\n= unmodified\n{GET}<: closing 204\n! server\n"));
    converse(&format!("= hold\n= unmodified\n{GET}! retire\n~ 1 ms\n<: closing 204\n! server\n"));
    refused("400 Bad Request", "> X\n>");
}

#[test]
fn r24_a_client_that_wants_to_close_is_obeyed() {
    for value in ["close", "Close", "keep-alive, close", "x,CLOSE ,y"] {
        let request = with_field(&format!("> Connection: {value}"));
        converse(&format!("= unmodified\n{request}<: closing 204\n! server\n"));
    }
    let twice = with_field("> Connection: x\n> Connection: close");
    converse(&format!("= unmodified\n{twice}<: closing 204\n! server\n"));
    served(&with_field("> Connection: closed"));
}
