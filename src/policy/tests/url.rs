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
fn what_breaks_the_rules_is_read_as_somebody_may_read_it() {
    check("GET", "http://example.com:99999/", None, "example.com - /");
    check("GET", "http://example.com:8a/", None, "example.com - /");
    check("GET", "http://[::1]x/", None, "::1 - /");
    check("GET", "http://[::1/", None, "::1 - /");
    check("GET", "http://[127.0.0.1]:8080/", None, "127.0.0.1 8080 /");
    check("GET", "http://2001:db8::1/", None, "2001:db8::1 - /");
    check("CONNECT", "[2001:db8::1:443", None, "2001:db8::1:443 - ");
    check("GET", "http://exa mple.com/", None, "example.com - /");
    check("GET", "http://exa%09mple%2ecom/", None, "example.com - /");
    check("GET", "http://example.com%00.good.example/", None, "example.com - /");
    check("GET", "http://example.com%2f.good.example/", None, "example.com - /");
    check("GET", "http://good.example%40example.com/", None, "example.com - /");
    check("GET", "http://example%25252ecom/", None, "example.com - /");
    check("GET", "http://.example..com/", None, "example.com - /");
    check("GET", "http:///example.com/a", None, "example.com - /a");
    check("GET", "http:example.com/a", None, "example.com - /a");
    check("GET", "https:\\\\example.com\\a", None, "example.com - \\\\a");
    check("GET", "h\ttp://example.com/", None, "example.com - /");
    check("GET", "1http://example.com/a", Some("other.example"), "example.com - /a");
    check("GET", "example.com/a", None, "example.com - /a");
    check("GET", "example.com/a", Some("other.example"), "other.example - example.com/a");
    check("GET", "urn:isbn:1", Some("example.com"), "example.com - urn:isbn:1");
    check("GET", "http://\u{fffd}.example.com/", None, "*.example.com - /");
    check("GET", "http://256.0.0.1/", None, "0.0.0.1 - /");
    check("GET", "http://a.b.1/", None, "a.b.1 - /");
    check("GET", "/a", Some("exa mple.com:80x"), "example.com - /a");
    check("CONNECT", "http://example.com:443/", None, "example.com 443 ");
    let long = format!("http://{}.example.com/", "a".repeat(300));
    check("GET", &long, None, "example.com - /");
}

#[test]
fn only_what_names_no_host_is_a_fault() {
    check("GET", "", None, "fault: the request target is no address");
    check("GET", "urn:isbn:1", None, "fault: the request target is no address");
    check("GET", "http:///?q", None, "fault: the host is empty");
    check("GET", "http://%20/", None, "fault: a host cannot contain ' '");
    check("GET", "http://.../", None, "fault: the host is empty");
    check("CONNECT", ":443", None, "fault: the host is empty");
    check("GET", "/", Some("@"), "fault: the host is empty");
}

#[test]
fn the_port_that_is_meant_depends_on_the_scheme() {
    let port = |method: &str, target: &str| {
        let url = UrlParts::of(method.as_bytes(), target.as_bytes(), Some(b"example.com"));
        url.expect("an address").effective_port()
    };
    assert_eq!(port("GET", "http://example.com/"), Some(80));
    assert_eq!(port("GET", "/"), Some(80));
    assert_eq!(port("GET", "https://example.com:/"), Some(443));
    assert_eq!(port("GET", "ftp://example.com/"), Some(21));
    assert_eq!(port("CONNECT", "example.com"), Some(443));
    assert_eq!(port("GET", "gopher://example.com/"), None);
    assert_eq!(port("GET", "http://example.com:8080/"), Some(8080));
    let named = UrlParts::of_host(b"WWW.Example.com.", None).expect("a name");
    assert_eq!((named.host.as_str(), named.effective_port()), ("www.example.com", Some(443)));
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

#[test]
fn a_colon_in_a_path_makes_no_host_of_what_follows() {
    for (target, host) in [
        ("/a://good.example/", "blocked.example:99999"),
        ("/a://good.example/", "blocked.example"),
        ("blocked.example/?u=http://good.example/", "blocked.example"),
    ] {
        let url = UrlParts::of(b"GET", target.as_bytes(), Some(host.as_bytes()));
        let url = url.unwrap_or_else(|fault| panic!("{target}: {fault}"));
        assert_eq!(url.host.as_str(), "blocked.example", "{target}");
    }
}
