//! Requests that are understood, and those that are not.

use super::{REQUEST_BYTES_MAX, Request, UrlCheck, refusal};

#[test]
fn a_request_is_read_as_it_was_written() {
    let check = UrlCheck {
        url: "http://example.com/\"\u{e4}".to_owned(),
        user: "anna".to_owned(),
        groups: vec!["staff".to_owned()],
        client: "192.0.2.1".parse().ok(),
        time: Some("Mon 09:00".to_owned()),
    };
    for request in [Request::UrlCheck(check), Request::Rules, Request::Reload, Request::Status] {
        assert_eq!(Request::read(request.line().as_bytes()), Ok(request));
    }
    let short = Request::read(br#"{"command":"url-check","url":"a.test"}"#);
    let bare = UrlCheck { url: "a.test".to_owned(), ..UrlCheck::default() };
    assert_eq!(short, Ok(Request::UrlCheck(bare)));
}

#[test]
fn what_is_not_understood_is_refused_with_the_place() {
    for line in ["", "{}", "[]", r#"{"command":"stop"}"#, r#"{"command":"url-check","uzer":"x"}"#] {
        let why = Request::read(line.as_bytes()).expect_err("no request");
        assert!(why.starts_with("the request: "), "{line}: {why}");
    }
    let long = vec![b' '; REQUEST_BYTES_MAX + 1];
    assert!(Request::read(&long).is_err());
    assert_eq!(refusal("a \"word\""), r#"{"error":"a \"word\""}"#);
}
