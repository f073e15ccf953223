//! R50, R70 to R91: ISTag, what OPTIONS tells, and what answers look like.

use super::{GET, converse, served};
use baleen::icap::{IsTag, Service, Transfer, TransferFault};

/// What OPTIONS answers for a path, between ISTag and the blank line.
pub(super) fn options_answer(path: &str, methods: &str) -> String {
    format!(
        "> OPTIONS icap://gw.test/{path} ICAP/1.0\n> Host: gw.test\n>\n\
         < ICAP/1.0 200 OK\n< ISTag: {{istag}}\n< Methods: {methods}\n< Service: Baleen\n< Service-ID: baleen\n\
         < ServiceId: baleen\n< Options-TTL: 3600\n< Allow: 204\n< Preview: 4096\n< Transfer-Preview: *\n\
         < X-Include: X-Client-IP, X-Server-IP, X-Client-Username, X-Authenticated-User, X-Authenticated-Groups, X-Subscriber-ID\n\
         < Encapsulated: null-body=0\n<\n"
    )
}

#[test]
fn r15_r50_r78_every_service_answers_options_with_its_methods_and_a_preview() {
    converse(&options_answer("reqmod", "REQMOD"));
    converse(&options_answer("respmod", "RESPMOD"));
    for path in [
        "echo",
        "avscan",
        "virus_scan",
        "squidclamav",
        "srv_clamav",
        "avscan?allow204=on&mode=simple",
    ] {
        converse(&options_answer(path, "REQMOD, RESPMOD"));
    }
}

#[test]
fn r70_every_answer_but_100_has_the_tag() {
    // Every answer of every conversation is compared byte for byte; these are the short ones.
    converse(&format!(
        "= failed\n{GET}< ICAP/1.0 500 Server Error\n< ISTag: {{istag}}\n< Encapsulated: null-body=0\n<\n"
    ));
    converse(
        "> X\n>\n< ICAP/1.0 400 Bad Request\n< ISTag: {istag}\n< Connection: close\n< Encapsulated: null-body=0\n<\n! server\n",
    );
}

#[test]
fn r71_the_tag_is_a_quoted_string_of_at_most_32_bytes() {
    let tag = IsTag::of(b"database", b"policy");
    let inside = tag.as_str().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
    assert!(tag.as_str().len() <= 32);
    assert!(!inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}

#[test]
fn r72_the_tag_follows_database_and_policy_and_nothing_else() {
    assert_eq!(IsTag::of(b"database", b"policy"), IsTag::of(b"database", b"policy"));
    assert_ne!(IsTag::of(b"database", b"policy"), IsTag::of(b"database2", b"policy"));
    assert_ne!(IsTag::of(b"database", b"policy"), IsTag::of(b"database", b"policy2"));
    assert_ne!(IsTag::of(b"ab", b"c"), IsTag::of(b"a", b"bc"));
    // Frozen: another value for the same data would empty the caches of every client at an update of ours.
    assert_eq!(IsTag::of(b"database", b"policy").as_str(), FROZEN_TAG);
}

const FROZEN_TAG: &str = "\"d5059739637c24f4ce4aaaf1d66b\"";

#[test]
fn r73_r74_r75_a_request_may_be_satisfied_with_a_response() {
    converse(&format!("= block Eicar\n{GET}<: block Eicar\n"));
}

#[test]
fn r76_r77_a_block_page_has_its_own_length_and_no_field_of_the_original() {
    let request = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: res-hdr=0, res-body=?\n>\n\
        > HTTP/1.1 200 OK\n> Content-Encoding: gzip\n> ETag: \"x\"\n> Accept-Ranges: bytes\n> Content-Length: 99\n>\n> 1\n> a\n> 0\n>\n";
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< X-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\n\
        < X-Virus-ID: Eicar\n< X-Response-Info: Blocked\n< Encapsulated: res-hdr=0, res-body=?\n<\n\
        < HTTP/1.1 403 Forbidden\n< Content-Type: text/html\n< Content-Length: 12\n<\n< c\n< <p>Eicar</p>\n< 0\n<\n";
    converse(&format!("= block Eicar\n{request}{answer}"));
}

#[test]
fn r37_r79_r80_options_has_encapsulated_and_no_body() {
    let answer = options_answer("reqmod", "REQMOD");
    assert!(answer.contains("Encapsulated: null-body=0") && !answer.contains("Opt-body-type"));
    converse(&answer);
}

#[test]
fn r81_a_date_is_not_sent() {
    assert!(!options_answer("reqmod", "REQMOD").contains("Date:"));
    converse(&options_answer("reqmod", "REQMOD"));
}

#[test]
fn r82_r83_transfer_lists_have_one_star_and_no_extension_twice() {
    assert!(Transfer::new(&["*"], &["jpg"], &["exe", "zip"]).is_ok());
    assert!(Transfer::new(&[], &[], &[]).is_ok());
    assert_eq!(Transfer::new(&["html"], &[], &[]), Err(TransferFault::NoStar));
    assert_eq!(Transfer::new(&["*"], &["*"], &[]), Err(TransferFault::Twice("*".into())));
    assert_eq!(Transfer::new(&["*"], &["jpg"], &["jpg"]), Err(TransferFault::Twice("jpg".into())));
    for bad in ["", "a,b", "a b", "a\r\nX: y", "*.exe"] {
        assert_eq!(Transfer::new(&["*"], &[bad], &[]), Err(TransferFault::NoExtension(bad.into())));
    }
}

#[test]
fn r84_options_may_carry_anything() {
    let answer = options_answer("reqmod", "REQMOD");
    let head = "> Host: gw.test\n";
    converse(
        &answer
            .replace(head, "> Host: gw.test\n> Encapsulated: null-body=0\n> X-More: 1\n> Allow: 206, trailers\n")
            .replace("< Allow: 204\n", "< Allow: 204, 206, trailers\n"),
    );
    let body =
        answer.replace("test\n>\n", "test\n> Encapsulated: opt-body=0\n>\n> 3\n> abc\n> 0\n>\n");
    converse(&format!("= unmodified\n{body}{GET}<: 204\n"));
    let preview = body
        .replace("> 0\n", "> 0; ieof\n")
        .replace("> Encapsulated", "> Preview: 10\n> Encapsulated");
    converse(&format!("= unmodified\n{preview}{GET}<: 204\n"));
}

#[test]
fn r88_authentication_fields_pass_unchanged() {
    let head =
        "> GET / HTTP/1.1\n> Authorization: Basic eDp5\n> Cookie: a=b\n> WWW-Authenticate: x\n>\n";
    let request = format!(
        "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: req-hdr=0, null-body=?\n>\n{head}"
    );
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: req-hdr=0, null-body=?\n<\n";
    converse(&format!("= unmodified\n{request}{answer}{}", head.replace('>', "<")));
}

#[test]
fn r42_r43_via_is_left_as_it_is() {
    let head = "> GET / HTTP/1.1\n> Via: 1.1 proxy.test (squid)\n>\n";
    let request = format!(
        "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n> Encapsulated: req-hdr=0, null-body=?\n>\n{head}"
    );
    let answer = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: req-hdr=0, null-body=?\n<\n";
    converse(&format!("= unmodified\n{request}{answer}{}", head.replace('>', "<")));
}

#[test]
fn r85_r86_no_answer_says_anything_about_caching() {
    // A client may then keep what the origin server allowed and no longer; the page's own head is the owner's.
    for answer in [
        options_answer("reqmod", "REQMOD"),
        format!("= block Eicar\n{GET}<: block Eicar\n"),
        format!("= unmodified\n{GET}<: 204\n"),
    ] {
        assert!(["Cache-Control", "Expires", "Pragma"].iter().all(|name| !answer.contains(name)));
        converse(&answer);
    }
}

#[test]
fn r87_distinct_services_have_distinct_paths() {
    let mut paths: Vec<_> = Service::built_in().into_iter().map(|service| service.path).collect();
    let count = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), count);
}

#[test]
fn r89_proxy_authentication_is_not_asked_for_and_does_no_harm() {
    served(&GET.replacen("> Allow", "> Proxy-Authorization: Basic eDp5\n> Allow", 1));
}

#[test]
fn r90_an_upgrade_to_tls_may_be_ignored() {
    served(&GET.replacen("> Allow", "> Upgrade: TLS/1.0\n> Connection: Upgrade\n> Allow", 1));
}

#[test]
fn p01_unknown_allow_tokens_are_ignored_and_fields_are_merged() {
    for fields in [
        "> Allow: 204, 206, trailers",
        "> Allow: 206\n> Allow: trailers\n> Allow: 204",
        "> Allow: x, ,204,,y",
        "> Allow:206,204",
    ] {
        served(&GET.replacen("> Allow: 204", fields, 1));
    }
}
