//! Heads: what is indexed, what is passed over, what is refused, with `httparse` as the second opinion.

use proptest::prelude::*;

use crate::http::{Head, HeadFault, RequestHead, ResponseHead, Rules};

const RULES: Rules = Rules::tolerant(1000, 10);

/// Checks a response head: `status | name=value, … | lines passed over`, or the fault.
#[track_caller]
fn check(raw: &str, want: &str) {
    let mut head = ResponseHead::new();
    let said = match head.parse(raw.as_bytes(), &RULES) {
        Ok(()) => format!("{} | {}", head.status(), fields(head.head())),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(said, want, "{raw:?}");
    assert_eq!(head.raw(), raw.as_bytes(), "the raw head is untouched");
}

fn fields(head: &Head) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pairs: Vec<String> =
        head.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
    format!("{} | {}", pairs.join(", "), head.odd_line_count())
}

/// Checks a request line: `method | target | version`, or the fault.
#[track_caller]
fn check_line(line: &str, want: &str) {
    let mut head = RequestHead::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = match head.parse(format!("{line}\r\n\r\n").as_bytes(), &RULES) {
        Ok(()) => [text(head.method()), text(head.target()), text(head.version())].join(" | "),
        Err(fault) => fault.to_string(),
    };
    assert_eq!(said, want, "{line:?}");
}

#[test]
fn well_formed_heads_are_indexed() {
    check("HTTP/1.1 200 OK\r\n\r\n", "200 |  | 0");
    check("HTTP/1.1 404 Not Found\r\nA: b\r\nc:d \r\nE:\r\n\r\n", "404 | A=b, c=d, E= | 0");
    check(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
        "200 | Set-Cookie=a, Set-Cookie=b | 0",
    );
}

#[test]
fn odd_heads_of_origin_servers_are_read() {
    check("HTTP/1.1 200\r\n\r\n", "200 |  | 0");
    check("HTTP/1.0  200  OK\r\n\r\n", "200 |  | 0");
    check("HTTP 200 OK\r\n\r\n", "200 |  | 0");
    check("ICY 200 OK\r\nicy-name: x\r\n\r\n", "200 | icy-name=x | 0");
    check("HTTP/1.1 200 OK\nA: b\n\n", "200 | A=b | 0");
    check("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "200 | A=b | 0");
    check(
        "HTTP/1.1 200 OK\r\nno colon\r\n: nothing\r\nA b: c\r\nD: \u{e9}\u{1}\r\n\r\n",
        "200 | D=\u{e9}\u{1} | 3",
    );
}

#[test]
fn folded_lines_are_unfolded_for_the_reader() {
    check("HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\td\r\nE: f\r\n\r\n", "200 | A=b    c  \td, E=f | 0");
    check("HTTP/1.1 200 OK\r\nA:\r\n b\r\n\r\n", "200 | A=b | 0");
    check("HTTP/1.1 200 OK\nA: b\n c\n\n", "200 | A=b  c | 0");
    // The fold of a line that means nothing means nothing.
    check("HTTP/1.1 200 OK\r\nA: b\r\nodd\r\n c\r\n\r\n", "200 | A=b | 1");
    check("HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "byte 17: a folded line");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    check("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", "byte 21: NUL or CR within a line");
    check("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", "byte 21: NUL or CR within a line");
    check("HTTP/1.1 200 OK\r\nA: b\r\n", "the head ends without a blank line");
    check("HTTP/1.1 200 OK\r\n\r\nA: b\r\n\r\n", "byte 19: bytes follow the blank line");
    check("\r\nHTTP/1.1 200 OK\r\n\r\n", "the first line is no start line");
    check("", "the head ends without a blank line");
    for line in [
        "HTTP/1.1",
        "HTTP/1.1 20",
        "HTTP/1.1 2000",
        "HTTP/1.1 abc",
        "HTTP/1.1 099",
        "HTTPS 200",
        " HTTP/1.1 200",
    ] {
        check(&format!("{line}\r\n\r\n"), "the first line is no start line");
    }
}

#[test]
fn limits_are_exact() {
    let head = |fields: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(fields));
    let mut response = ResponseHead::new();
    assert_eq!(response.parse(head(10).as_bytes(), &RULES), Ok(()));
    assert_eq!(
        response.parse(head(11).as_bytes(), &RULES),
        Err(HeadFault::TooManyFields { max: 10 })
    );
    let raw = head(3);
    assert_eq!(response.parse(raw.as_bytes(), &Rules::tolerant(raw.len(), 10)), Ok(()));
    let max = raw.len() - 1;
    assert_eq!(
        response.parse(raw.as_bytes(), &Rules::tolerant(max, 10)),
        Err(HeadFault::TooLong { max })
    );
}

#[test]
fn the_strict_rules_name_the_byte() {
    let strict = |raw: &str| {
        let mut head = Head::new();
        head.extend(raw.as_bytes());
        head.index(&Rules::strict(1000, 10)).map_err(|fault| fault.to_string())
    };
    assert_eq!(strict("X y z\r\nA: b\r\n\r\n"), Ok(()));
    assert_eq!(strict("X\nA: b\r\n\r\n"), Err("byte 1: a line ends with LF alone".to_owned()));
    assert_eq!(strict("X\r\nA: b\r\n c\r\n\r\n"), Err("byte 9: a folded line".to_owned()));
    assert_eq!(strict("X\r\nA : b\r\n\r\n"), Err("byte 3: expected `name: value`".to_owned()));
    assert_eq!(strict("X\r\nA b\r\n\r\n"), Err("byte 3: expected `name: value`".to_owned()));
}

#[test]
fn a_request_line_is_cut_at_its_first_and_last_blank() {
    check_line("GET / HTTP/1.1", "GET | / | HTTP/1.1");
    check_line("CONNECT o.test:443 HTTP/1.1", "CONNECT | o.test:443 | HTTP/1.1");
    check_line("GET https://o.test/a b HTTP/1.0", "GET | https://o.test/a b | HTTP/1.0");
    check_line("OPTIONS  *  HTTP/1.1", "OPTIONS | * | HTTP/1.1");
    for line in [
        "GET /",
        "GET HTTP/1.1",
        "GET  HTTP/1.1",
        " / HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / FTP/1.1",
        "GET / ",
        "GET",
    ] {
        check_line(line, "the first line is no start line");
    }
}

#[test]
fn fields_are_found_in_any_case_and_in_order() {
    let mut head = RequestHead::new();
    head.parse(b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nhOST: b\r\n\r\n", &RULES).unwrap();
    assert_eq!(head.field("HOST"), Some(&b"a"[..]));
    assert_eq!(head.fields("host").collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!((head.field("Y"), head.head().count()), (None, 3));
    // A second use of the same memory forgets the first.
    head.parse(b"GET / HTTP/1.1\r\n\r\n", &RULES).unwrap();
    assert_eq!((head.field("Host"), head.head().count()), (None, 0));
}

#[test]
fn fields_are_left_out_with_their_folds() {
    let mut head = Head::new();
    head.extend(b"X\r\nA: 1\r\nB: 2\r\n 3\r\na: 4\r\n\t5\r\nC: 6\r\n\r\n");
    head.index(&RULES).unwrap();
    let without = |name: &str| {
        let mut out = Vec::new();
        head.write_where(|found| !found.eq_ignore_ascii_case(name.as_bytes()), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(without("a"), "X\r\nB: 2\r\n 3\r\nC: 6\r\n\r\n");
    assert_eq!(without("b"), "X\r\nA: 1\r\na: 4\r\n\t5\r\nC: 6\r\n\r\n");
    assert_eq!(without("d").as_bytes(), head.raw());
}

/// Lines as servers, clients and attackers write them.
fn nearly_a_head(first: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        6 => Just("Server: o\r\n".to_owned()),
        2 => Just("X-Empty:\r\n".to_owned()),
        1 => Just("a:b:c \t\r\n".to_owned()),
        1 => Just("LfOnly: x\n".to_owned()),
        1 => Just(" fold\r\n".to_owned()),
        1 => Just("no colon\r\n".to_owned()),
        1 => Just("Name : blank\r\n".to_owned()),
        1 => "[ -~]{0,12}\r\n",
        1 => "[A-Za-z-]{1,5}:[ -~\\t\u{80}-\u{ff}]{0,8}\r?\n",
    ];
    let lines = proptest::collection::vec(line, 0..8);
    let end = proptest::sample::select(&["\r\n", "\n", "\r\n", "\r\n", ""][..]);
    (proptest::sample::select(first), lines, end)
        .prop_map(|(first, lines, end)| format!("{first}{}{end}", lines.concat()).into_bytes())
}

const REQUEST_LINES: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST http://o.test/x?y HTTP/1.0\r\n",
    "GET /\r\n",
    "A B C\r\n",
    "GET /\u{e9} HTTP/1.1\n",
];
const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 404\r\n",
    "HTTP/1.1 200 \r\n",
    "HTTP/2 200\r\n",
    "HTTP/1.1 20 x\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_httparse_reads_as_a_request_we_read_the_same(raw in nearly_a_head(REQUEST_LINES)) {
        let mut slots = [httparse::EMPTY_HEADER; 16];
        let mut theirs = httparse::Request::new(&mut slots);
        if theirs.parse(&raw) == Ok(httparse::Status::Complete(raw.len())) {
            let mut ours = RequestHead::new();
            prop_assert_eq!(ours.parse(&raw, &RULES), Ok(()));
            prop_assert_eq!(ours.method(), theirs.method.unwrap_or_default().as_bytes());
            prop_assert_eq!(ours.target(), theirs.path.unwrap_or_default().as_bytes());
            let fields: Vec<_> = theirs.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
            prop_assert_eq!(ours.head().iter().collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn what_httparse_reads_as_a_response_we_read_the_same(raw in nearly_a_head(STATUS_LINES)) {
        let mut slots = [httparse::EMPTY_HEADER; 16];
        let mut theirs = httparse::Response::new(&mut slots);
        if theirs.parse(&raw) == Ok(httparse::Status::Complete(raw.len())) {
            let mut ours = ResponseHead::new();
            prop_assert_eq!(ours.parse(&raw, &RULES), Ok(()));
            prop_assert_eq!(Some(ours.status()), theirs.code);
            let fields: Vec<_> = theirs.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
            prop_assert_eq!(ours.head().iter().collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn leaving_out_a_field_leaves_a_head(raw in nearly_a_head(STATUS_LINES)) {
        let mut head = ResponseHead::new();
        if head.parse(&raw, &RULES).is_ok() {
            let mut out = Vec::new();
            head.head().write_where(|name| !name.eq_ignore_ascii_case(b"server"), &mut out);
            let mut less = ResponseHead::new();
            prop_assert_eq!(less.parse(&out, &RULES), Ok(()));
            prop_assert_eq!(less.field("Server"), None);
        }
    }
}
