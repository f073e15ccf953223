//! The small parsers: `Encapsulated`, the request line, lists, numbers, the end of a head.

use crate::http::{Head, Rules};
use crate::icap::allow::tokens;
use crate::icap::head::HeadEnd;
use crate::icap::{Allow, Encapsulated, Method, Profile, RequestLine, UriForm};

#[track_caller]
fn check_parts(method: Method, value: &str, want: &str) {
    check_parts_by(Profile::STRICT, method, value, want);
}

#[track_caller]
fn check_parts_by(profile: Profile, method: Method, value: &str, want: &str) {
    let parsed = Encapsulated::parse(value.as_bytes(), &profile)
        .and_then(|parts| parts.check(method).map(|()| parts));
    let said = match parsed {
        Ok(parts) => format!(
            "{:?} {:?} {:?}",
            parts.request_head_bytes, parts.response_head_bytes, parts.body
        ),
        Err(rule) => rule.to_owned(),
    };
    assert_eq!(said, want, "{method:?} {value:?}");
}

#[test]
fn encapsulated_is_a_table_of_contents() {
    use Method::{Options, Reqmod, Respmod};
    check_parts(Reqmod, "req-hdr=0, null-body=10", "Some(10) None NullBody");
    check_parts(Reqmod, "req-hdr=0,req-body=010", "Some(10) None ReqBody");
    check_parts(Reqmod, "req-body=0", "None None ReqBody");
    check_parts(Respmod, "req-hdr=0, res-hdr=10, res-body=25", "Some(10) Some(15) ResBody");
    check_parts(Respmod, "res-hdr=0, null-body=25", "None Some(25) NullBody");
    check_parts(Options, "null-body=0", "None None NullBody");
    check_parts(Options, "OPT-Body = 0", "None None OptBody");
}

#[test]
fn encapsulated_without_commas_and_with_wrong_numbers_is_for_those_who_write_it_so() {
    use Method::{Reqmod, Respmod};
    let (legacy, owncloud) = (Profile::LEGACY, Profile::OWNCLOUD);
    check_parts_by(legacy, Respmod, "req-hdr=0 res-hdr=10  res-body=25", "Some(0) Some(0) ResBody");
    check_parts_by(
        legacy,
        Respmod,
        "req-hdr=0, res-hdr=10,\tres-body=25",
        "Some(0) Some(0) ResBody",
    );
    check_parts_by(owncloud, Respmod, "res-hdr=0 res-body=25", "an offset is a number up to 2^31");
    check_parts_by(
        owncloud,
        Respmod,
        "req-hdr=9, res-hdr=3, res-body=3",
        "Some(0) Some(0) ResBody",
    );
    check_parts_by(owncloud, Reqmod, "req-body=3", "None None ReqBody");
    // Names and order still count, and a number has to be one.
    for profile in [legacy, owncloud] {
        check_parts_by(
            profile,
            Reqmod,
            "req-hdr=0, req-hdr=9, req-body=20",
            "req-hdr comes first, and once",
        );
        check_parts_by(
            profile,
            Respmod,
            "res-hdr=0, req-hdr=9, res-body=9",
            "req-hdr comes first, and once",
        );
        check_parts_by(profile, Respmod, "res-hdr=0, res-hdr=9, res-body=9", "res-hdr comes once");
        check_parts_by(
            profile,
            Reqmod,
            "req-hdr=0, req-body=-1",
            "an offset is a number up to 2^31",
        );
        check_parts_by(
            profile,
            Reqmod,
            "req-hdr=0, req-body=9, null-body=9",
            "a body or null-body ends the list",
        );
        check_parts_by(
            profile,
            Reqmod,
            "",
            if profile == legacy {
                "a body or null-body ends the list"
            } else {
                "a part is written name=offset"
            },
        );
    }
}

#[test]
fn encapsulated_refuses_what_a_hostile_client_writes() {
    use Method::{Options, Reqmod, Respmod};
    check_parts(Reqmod, "req-hdr=1, null-body=10", "the first part begins at 0");
    check_parts(Reqmod, "null-body=7", "the first part begins at 0");
    check_parts(Respmod, "res-hdr=0, res-body=0", "offsets rise");
    check_parts(Respmod, "req-hdr=0, res-hdr=9, res-body=8", "offsets rise");
    check_parts(Respmod, "res-body=0, res-hdr=9", "a body or null-body ends the list");
    check_parts(Reqmod, "req-hdr=0", "a body or null-body ends the list");
    check_parts(Reqmod, "req-hdr=0, req-hdr=9, req-body=20", "req-hdr comes first, and once");
    check_parts(Respmod, "res-hdr=0, req-hdr=9, res-body=20", "req-hdr comes first, and once");
    check_parts(Respmod, "res-hdr=0, res-hdr=9, res-body=20", "res-hdr comes once");
    check_parts(Reqmod, "foo=0", "an unknown part");
    check_parts(Reqmod, "req-hdr", "a part is written name=offset");
    check_parts(Reqmod, "", "a part is written name=offset");
    for offset in ["", "-1", "+1", "1 1", "0x1", "2147483649", "99999999999999999999"] {
        check_parts(
            Reqmod,
            &format!("req-hdr=0, req-body={offset}"),
            "an offset is a number up to 2^31",
        );
    }
    check_parts(Reqmod, "null-body=0", "at least one part");
    check_parts(Respmod, "null-body=0", "at least one part");
    check_parts(Reqmod, "res-hdr=0, req-body=9", "REQMOD carries no res-hdr");
    check_parts(Reqmod, "req-hdr=0, res-body=9", "REQMOD carries req-body or null-body");
    check_parts(Respmod, "res-hdr=0, req-body=9", "RESPMOD carries res-body or null-body");
    check_parts(Options, "req-hdr=0, null-body=9", "OPTIONS carries opt-body or null-body alone");
}

#[track_caller]
fn check_line(form: UriForm, line: &str, want: &str) {
    let part = |range: std::ops::Range<usize>| line[range].to_owned();
    let said = match RequestLine::parse(line.as_bytes(), form) {
        Ok(parsed) => {
            format!("{} {} {}", parsed.method.as_str(), part(parsed.path), part(parsed.arguments))
        }
        Err(fault) => format!("{}: {fault}", fault.status()),
    };
    assert_eq!(said, want, "{line:?}");
}

#[test]
fn a_request_line_names_method_path_and_arguments() {
    use UriForm::{Absolute, PathToo};
    check_line(Absolute, "REQMOD icap://gw/reqmod ICAP/1.0", "REQMOD reqmod ");
    check_line(Absolute, "RESPMOD icaps://[::1]:11344/a/b?x=y&z ICAP/1.0", "RESPMOD a/b x=y&z");
    check_line(Absolute, "OPTIONS icap://gw ICAP/1.0", "OPTIONS  ");
    check_line(Absolute, "OPTIONS icap://gw?x ICAP/1.0", "OPTIONS  x");
    check_line(Absolute, "OPTIONS icap://gw/?x?y ICAP/1.0", "OPTIONS  x?y");
    check_line(PathToo, "OPTIONS /x?y ICAP/1.0", "OPTIONS x y");
}

#[test]
fn a_request_line_that_is_none_is_refused_by_rule() {
    let check = |line: &str, want: &str| {
        check_line(UriForm::Absolute, line, &format!("400: ICAP request line: {want}"));
    };
    check("OPTIONS icap://gw/x", "expected `method uri version`");
    check("OPTIONS icap://gw/x HTTP/1.0", "the version is not ICAP/1.0");
    check("P@SH icap://gw/x ICAP/1.0", "the method is no token");
    check(" icap://gw/x ICAP/1.0", "the method is empty");
    let ours = "the method is not REQMOD, RESPMOD or OPTIONS";
    let known = format!("501: ICAP request line: {ours}");
    check_line(UriForm::Absolute, "PUSH icap://gw/x ICAP/1.0", &known);
    let version = "505: ICAP request line: the version is not ICAP/1.0";
    check_line(UriForm::Absolute, "OPTIONS icap://gw/x ICAP/3.0", version);
}

#[test]
fn a_uri_that_is_none_is_refused_by_rule() {
    let check = |uri: &str, want: &str| {
        let line = format!("OPTIONS {uri} ICAP/1.0");
        check_line(UriForm::Absolute, &line, &format!("400: ICAP request line: {want}"));
    };
    check("/x", "expected an absolute icap: or icaps: URI");
    check("icap://g\tw/x", "the URI has characters that a URI cannot have");
    check("icap:///x", "the URI has no host");
    check("icap://g<w/x", "the host has characters that a host cannot have");
    check("icap://[::1/x", "the IPv6 address has no `]`");
    check("icap://[gw]/x", "the host in brackets is no IPv6 address");
    check("icap://[::1]x/x", "the port is a number from 1 to 65535");
    check("icap://gw:0/x", "the port is a number from 1 to 65535");
    check("icap://gw/x#y", "a URI in a request has no fragment");
}

fn head(fields: &str) -> Head {
    let mut head = Head::new();
    head.extend(format!("X\r\n{fields}\r\n").as_bytes());
    head.index(&Rules::strict(1000, 20)).expect("a head");
    head
}

#[test]
fn lists_are_merged_and_tokens_compared_whole() {
    let list = head("A: x, y ,,\t z\r\nB: n\r\na: ,w\r\n");
    assert_eq!(tokens(&list, "A").collect::<Vec<_>>(), [&b"x"[..], b"y", b"z", b"w"]);
    let allow = |fields: &str| {
        let allow = Allow::of(&head(fields));
        (allow.no_content, allow.partial_content, allow.trailers)
    };
    assert_eq!(allow("Allow: 204, 206, trailers\r\n"), (true, true, true));
    assert_eq!(allow("Allow: Trailers\r\nALLOW: 204\r\n"), (true, false, true));
    assert_eq!(allow("Allow: 2040, 1204, 20 4, trailersx\r\n"), (false, false, false));
    assert_eq!(allow(""), (false, false, false));
}

#[test]
fn numbers_are_digits_and_nothing_else() {
    let check =
        |text: &str, want| assert_eq!(crate::icap::decimal(text.as_bytes()), want, "{text:?}");
    check("0", Some(0));
    check("0042", Some(42));
    check("9999999999999999999", Some(9_999_999_999_999_999_999));
    for text in
        ["", "-1", "+1", " 1", "1 ", "1e9", "0x1", "00000000000000000001", "99999999999999999999"]
    {
        check(text, None);
    }
}

#[test]
fn the_end_of_a_head_is_found_in_any_pieces() {
    for (text, end) in [
        ("X\r\n\r\nrest", Some(5)),
        ("X\r\nA: b\r\n\r\n", Some(11)),
        ("\r\nrest", Some(2)),
        ("\nrest", Some(1)),
        ("X\n\nrest", Some(3)),
        ("X\r\n\r\r\n", None),
        ("X\r\n\rY\r\n\r\n", Some(9)),
        ("X\r\n \r\n", None),
        ("X\r\n\r", None),
    ] {
        for size in 1..=text.len() {
            let (mut finder, mut taken, mut found) = (HeadEnd::default(), 0, None);
            for piece in text.as_bytes().chunks(size) {
                let (bytes, is_complete) = finder.find(piece);
                taken += bytes;
                if is_complete {
                    found = Some(taken);
                    break;
                }
                assert_eq!(bytes, piece.len());
            }
            assert_eq!(found, end, "{text:?} in pieces of {size}");
        }
    }
}
