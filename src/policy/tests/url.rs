//! Addresses in the four forms of a request target.

use proptest::prelude::{any, prop, prop_assert, proptest};

use crate::policy::UrlParts;

#[track_caller]
fn check(method: &str, target: &str, host: Option<&str>, want: &str) {
    let got = match UrlParts::of(method.as_bytes(), target.as_bytes(), host.map(str::as_bytes)) {
        Ok(url) => {
            let port = url.port.map_or_else(|| "-".to_owned(), |port| port.to_string());
            format!("{} {port} {}", url.host, url.path.escape_ascii())
        }
        Err(fault) => format!("fault: {fault}"),
    };
    assert_eq!(got, want, "{method} {target} {host:?}");
}

#[test]
fn the_absolute_form_names_everything_and_host_does_not_count() {
    check("GET", "http://example.com/a?b#c", Some("other.example"), "example.com - /a?b");
    check("GET", "https://EXAMPLE.com:8443/", None, "example.com 8443 /");
    check("GET", "http://example.com", None, "example.com - ");
    check("GET", "http://example.com?q", None, "example.com - ?q");
    check("GET", "ftp://example.com:/file", None, "example.com - /file");
    check("GET", "http://[::1]:80/", None, "::1 80 /");
}

#[test]
fn user_information_ends_at_the_last_at_sign() {
    check("GET", "http://user:pass@example.com/", None, "example.com - /");
    check("GET", "http://good.example@evil.example/", None, "evil.example - /");
    check("GET", "http://a@b@evil.example:81/x@y", None, "evil.example 81 /x@y");
    check("GET", "http://good.example\\@evil.example/", None, "evil.example - /");
}

#[test]
fn the_origin_form_takes_the_host_field() {
    check("GET", "/a/b?c", Some("Example.com:8080"), "example.com 8080 /a/b?c");
    check("OPTIONS", "*", Some("example.com"), "example.com - ");
    check("GET", "//evil.example/", Some("example.com"), "example.com - //evil.example/");
    check("GET", "/", None, "fault: the request names no host");
}

#[test]
fn connect_has_an_authority() {
    check("CONNECT", "Example.com.:443", None, "example.com 443 ");
    check("CONNECT", "[2001:db8::1]:443", Some("other.example"), "2001:db8::1 443 ");
    check("CONNECT", "127.1:443", None, "127.0.0.1 443 ");
}

#[test]
fn what_cannot_be_read_is_a_fault() {
    check("GET", "example.com", None, "fault: the request target is no address");
    check("GET", "", Some("example.com"), "fault: the request target is no address");
    check("GET", "urn:isbn:1", None, "fault: the request target is no address");
    check("GET", "1http://example.com/", None, "fault: the request target is no address");
    check("GET", "http:///path", None, "fault: the host is empty");
    check("GET", "http://example.com:99999/", None, "fault: the port is no number up to 65535");
    check("GET", "http://example.com:8a/", None, "fault: the port is no number up to 65535");
    check("GET", "http://[::1]x/", None, "fault: the port is no number up to 65535");
    check("GET", "http://exa mple.com/", None, "fault: a host cannot contain ' '");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        method in prop::sample::select(vec!["GET", "CONNECT"]),
        target in prop::collection::vec(any::<u8>(), 0..80),
        host in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
    ) {
        if let Ok(url) = UrlParts::of(method.as_bytes(), &target, host.as_deref()) {
            prop_assert!(!url.host.as_bytes().is_empty());
            prop_assert!(target.windows(url.path.len().max(1)).any(|part| part == url.path) || url.path.is_empty());
        }
    }
}
