//! One host, one spelling.

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use crate::policy::host::{HOST_BYTES_MAX, Host};

#[track_caller]
fn check(raw: &str, want: &str) {
    let got = match Host::parse(raw.as_bytes()) {
        Ok(host) if host.is_address() => format!("address {host}"),
        Ok(host) => host.to_string(),
        Err(fault) => format!("fault: {fault}"),
    };
    assert_eq!(got, want, "{raw:?}");
}

#[test]
fn a_final_dot_leaves_nothing_behind() {
    assert_eq!(Host::parse(b"example.com.."), Host::parse(b"example.com"));
}

#[test]
fn a_name_is_lower_case_without_dots_at_the_end_and_decoded_once() {
    check("example.com", "example.com");
    check("EXAMPLE.Com.", "example.com");
    check("example.com...", "example.com");
    check("ex%61mple%2Ecom", "example.com");
    check("under_score.example", "under_score.example");
    check("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai");
    check("1e100.net", "1e100.net");
}

#[test]
fn every_spelling_of_an_ipv4_address_is_one_host() {
    for spelling in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f.1",
        "0x7F000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0x7f.0.0x0.01",
    ] {
        check(spelling, "address 127.0.0.1");
    }
    assert!(!Host::parse(b"0x+7f.1").is_ok_and(|host| host.is_address()), "a sign is no digit");
    check("0", "address 0.0.0.0");
    check("0x", "address 0.0.0.0");
    check("255.255.255.255", "address 255.255.255.255");
    check("%31%32%37.0.0.1", "address 127.0.0.1");
}

#[test]
fn an_ipv6_address_has_one_spelling_and_may_hold_an_ipv4_address() {
    check("[::1]", "address ::1");
    check("[2001:DB8:0:0:0:0:0:1]", "address 2001:db8::1");
    check("[::ffff:10.0.0.1]", "address 10.0.0.1");
    check("[fe80::1%25eth0]", "address fe80::1");
    for long in ["::10.0.0.1", "64:ff9b::a00:1", "::ffff:0:10.0.0.1", "::ffff:a00:1"] {
        check(&format!("[{long}]"), "address 10.0.0.1");
    }
    check("[::2]", "address ::2");
    check("[2002:a00:1::]", "address 2002:a00:1::");
}

#[test]
fn a_name_that_is_not_ascii_becomes_its_ascii_form() {
    for spelling in ["пример.рф", "ПРИМЕР.РФ", "пример。рф．", "%D0%BFример.рф", "xn--e1afmkfd.РФ"]
    {
        check(spelling, "xn--e1afmkfd.xn--p1ai");
    }
    check("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com");
    check("exam\u{ad}ple.com", "example.com");
    check("１２７．０．０．１", "address 127.0.0.1");
    check("①②⑦.0.0.1", "address 127.0.0.1");
    check("straße.de", "xn--strae-oqa.de");
}

#[test]
fn what_is_no_host_is_refused() {
    check("", "fault: the host is empty");
    check("...", "fault: the host is empty");
    check("a..b", "fault: the host has two dots in a row, or one in front");
    check(".example.com", "fault: the host has two dots in a row, or one in front");
    check("a b", "fault: a host cannot contain ' '");
    check("a%00b", "fault: a host cannot contain '\\x00'");
    check("a%2fb", "fault: a host cannot contain '/'");
    check("a%2561", "fault: a host cannot contain '%'");
    check("a%4", "fault: a '%' in a host needs two hexadecimal digits");
    check("a%zz", "fault: a '%' in a host needs two hexadecimal digits");
    check("a\u{fffd}b.example", "fault: the host is no international name (UTS 46)");
    check("%ff.example", "fault: the host is no international name (UTS 46)");
    for number in [
        "256.0.0.1",
        "1.2.3.4.5",
        "1.2.3.256",
        "4294967296",
        "a.b.1",
        "08.1.1.1",
        "0xg.1",
        "1.0x100000000",
    ] {
        check(number, "fault: the host ends in a number but is no IPv4 address");
    }
    check("[::1", "fault: brackets need an IPv6 address inside");
    check("[127.0.0.1]", "fault: brackets need an IPv6 address inside");
    check(&"a".repeat(HOST_BYTES_MAX + 1), "fault: the host is longer than 254 bytes");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_the_result_reads_as_itself(raw in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(host) = Host::parse(&raw) {
            prop_assert!(host.as_bytes().len() <= HOST_BYTES_MAX);
            prop_assert_eq!(host.as_str().as_bytes(), host.as_bytes());
            let again = if host.as_str().contains(':') { format!("[{host}]") } else { host.to_string() };
            prop_assert_eq!(Host::parse(again.as_bytes()), Ok(host));
        }
    }

    #[test]
    fn ipv4_agrees_with_the_standard_library(address in any::<u32>()) {
        let address = std::net::Ipv4Addr::from(address);
        let host = Host::parse(address.to_string().as_bytes()).expect("an address is a host");
        prop_assert_eq!(host.to_string(), address.to_string());
    }
}
