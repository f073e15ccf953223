//! S01 to S08: the extension headers of requests, answers and OPTIONS.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use baleen::icap::{
    Connection, Event, Extra, Finding, FindingKind, IsTag, Options, Output, Profile, Resolution,
    ScanStatus, Subject, UsernameCoding, Violation, Violations,
};

/// The subject of a request with these fields.
fn subject(fields: &str, coding: UsernameCoding) -> Subject {
    let mut options = Options::new(IsTag::of(b"", b""));
    options.username = coding;
    let (core, _) = ask(options, fields);
    core.request().subject().clone()
}

/// A connection at the end of a request's heads, and its clock.
fn ask(options: Options, fields: &str) -> (Connection, Instant) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs an instant to count from; its value plays no part"
    )]
    let now = Instant::now();
    let mut core = Connection::new(Arc::new(options), now);
    let head = "GET / HTTP/1.1\r\n\r\n";
    let request = format!(
        "REQMOD icap://gw.test/reqmod ICAP/1.0\r\nHost: gw.test\r\nAllow: 204\r\n{fields}\
         Encapsulated: req-hdr=0, null-body={}\r\n\r\n{head}",
        head.len()
    );
    let taken = core.handle_bytes(request.as_bytes(), now);
    assert_eq!((taken.bytes, taken.event), (request.len(), Some(Event::Request)));
    (core, now)
}

/// The ICAP head of a 204 with these extension headers.
fn answer(profile: Profile, extra: &Extra) -> String {
    let mut options = Options::new(IsTag::of(b"", b""));
    options.profile = profile;
    let (mut core, now) = ask(options, "");
    core.answer_unmodified(extra, now);
    match core.poll_output() {
        Some(Output::Send(bytes)) => String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        other => panic!("expected an answer, got {other:?}"),
    }
}

#[test]
fn what_a_request_shares_with_its_response_is_one_field_on_the_wire() {
    let name = "X-Baleen-Context";
    let mut extra = Extra::new();
    extra.field(name, "0-1;0123456789abcdef;0.0.0.0.0.0");
    let line = "X-Baleen-Context: 0-1;0123456789abcdef;0.0.0.0.0.0\r\n";
    assert!(answer(Profile::SQUID, &extra).contains(line));
    let read = |fields: &str| {
        let (core, _) = ask(Options::new(IsTag::of(b"", b"")), fields);
        core.request().single_field(name).map(<[u8]>::to_vec)
    };
    let want = b"0-1;0123456789abcdef;0.0.0.0.0.0".to_vec();
    assert_eq!(read(line), Some(want.clone()));
    assert_eq!(read(&line.to_lowercase()), Some(want));
    assert_eq!(read(&format!("{line}{line}")), None);
    assert_eq!(read(""), None);
}

#[track_caller]
fn check_user(fields: &str, coding: UsernameCoding, want: &str) {
    assert_eq!(subject(fields, coding).user, want);
}

#[test]
fn s01_options_lists_the_fields_wanted_and_no_standard_one() {
    let answer = options_answer(None, "");
    let wanted = answer.lines().find_map(|line| line.strip_prefix("X-Include: ")).unwrap();
    assert!(wanted.split(", ").all(|name| name.starts_with("X-")));
}

#[test]
fn s02_addresses_are_read() {
    let parsed = |text: &str| text.parse::<IpAddr>().ok();
    let both =
        subject("X-Client-IP: 192.0.2.7\r\nx-server-ip: 2001:db8::1\r\n", UsernameCoding::Detect);
    assert_eq!((both.client_ip, both.server_ip), (parsed("192.0.2.7"), parsed("2001:db8::1")));
    for (written, meant) in [
        ("[2001:db8::1]", "2001:db8::1"),
        ("192.0.2.7:55555", "192.0.2.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("-", ""),
        ("192.0.2.256", ""),
        ("o.test", ""),
    ] {
        let found = subject(&format!("X-Client-IP: {written}\r\n"), UsernameCoding::Detect);
        assert_eq!(found.client_ip, parsed(meant), "{written}");
    }
}

#[test]
fn s02_user_names_are_read_plain_and_in_base64() {
    use UsernameCoding::{Base64, Detect, Plain};
    check_user("X-Client-Username: anna\r\n", Detect, "anna");
    check_user("X-Client-Username: anna@example.test\r\n", Detect, "anna@example.test");
    check_user("X-Client-Username: J\u{fc}rgen\r\n", Detect, "J\u{fc}rgen");
    // `YW5uYQ==` is `anna`.
    check_user("X-Client-Username: YW5uYQ==\r\n", Detect, "anna");
    check_user("X-Client-Username: YW5uYQ==\r\n", Plain, "YW5uYQ==");
    check_user("X-Client-Username: YW5uYQ\r\n", Base64, "anna");
    check_user("X-Client-Username: YW5uYQ\r\n", Detect, "YW5uYQ");
    check_user("X-Client-Username: not base64!\r\n", Base64, "");
    // `V2luTlQ6Ly9ET01BSU4vYW5uYQ==` is `WinNT://DOMAIN/anna`, `TERBUDovL2NuPWFubmE` is `LDAP://cn=anna`.
    check_user("X-Authenticated-User: V2luTlQ6Ly9ET01BSU4vYW5uYQ==\r\n", Detect, "DOMAIN/anna");
    check_user("X-Authenticated-User: TERBUDovL2NuPWFubmE\r\n", Detect, "cn=anna");
    check_user("X-Authenticated-User: local://anna\r\n", Detect, "anna");
    check_user("X-Authenticated-User: x\r\nX-Client-Username: anna\r\n", Detect, "anna");
    check_user("X-Client-Username:\r\nX-Authenticated-User: anna\r\n", Detect, "anna");
}

#[track_caller]
fn check_groups(fields: &str, coding: UsernameCoding, want: &[&str]) {
    let groups = subject(fields, coding).groups;
    let groups: Vec<&str> = groups.iter().map(AsRef::as_ref).collect();
    assert_eq!(groups, want, "{fields}");
}

#[test]
fn s02_groups_are_lines_in_base64_or_names_between_commas() {
    use UsernameCoding::{Base64, Detect, Plain};
    // `WinNT://D/staff`, `LDAP://cn=boss`, `Local://all`.
    let coded =
        "X-Authenticated-Groups: V2luTlQ6Ly9EL3N0YWZmCkxEQVA6Ly9jbj1ib3NzDQpMb2NhbDovL2FsbA==\r\n";
    check_groups(coded, Detect, &["D/staff", "cn=boss", "all"]);
    check_groups(coded, Base64, &["D/staff", "cn=boss", "all"]);
    check_groups(coded, Plain, &["V2luTlQ6Ly9EL3N0YWZmCkxEQVA6Ly9jbj1ib3NzDQpMb2NhbDovL2FsbA=="]);
    check_groups("X-Authenticated-Groups: staff, local://boss,\r\n", Detect, &["staff", "boss"]);
    // `staff` is base64 of something, too; a short name is a name.
    check_groups("X-Authenticated-Groups: staff\r\n", Detect, &["staff"]);
    check_groups("X-Authenticated-Groups: a\r\nX-Authenticated-Groups: b\r\n", Detect, &["a", "b"]);
    check_groups("X-Authenticated-Groups: not base64!\r\n", Base64, &[]);
    check_groups("", Detect, &[]);
    let many = format!("X-Authenticated-Groups: {}\r\n", vec!["g"; 1000].join(","));
    assert_eq!(subject(&many, Detect).groups.len(), 256);
}

#[test]
fn s02_a_subscriber_stands_for_the_user_that_nobody_names() {
    use UsernameCoding::Detect;
    check_user("X-Subscriber-ID: 4711\r\n", Detect, "4711");
    check_user("X-Subscriber-ID: 4711\r\nX-Authenticated-User: anna\r\n", Detect, "anna");
}

#[test]
fn s02_what_is_no_name_is_unknown() {
    use UsernameCoding::{Base64, Detect};
    check_user("", Detect, "");
    check_user(&format!("X-Client-Username: {}\r\n", "x".repeat(257)), Detect, "");
    check_user("X-Client-Username: a\u{7f}b\r\n", Detect, "");
    // `YQoNYg==` has line ends in it.
    check_user("X-Client-Username: YQoNYg==\r\n", Base64, "");
    check_user(&format!("X-Client-Username: {}\r\n", "YWFh".repeat(200)), Base64, "");
}

#[test]
fn s03_a_finding_has_exactly_the_drafts_form() {
    let mut extra = Extra::new();
    let threat = "Win.Test.EICAR_HDB-1";
    extra.infection_found(&Finding {
        kind: FindingKind::Virus,
        resolution: Resolution::Blocked,
        threat,
    });
    assert!(
        answer(Profile::SQUID, &extra).contains(
            "\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Win.Test.EICAR_HDB-1;\r\n"
        )
    );
    extra.clear();
    extra.infection_found(&Finding {
        kind: FindingKind::Container,
        resolution: Resolution::NotRepaired,
        threat,
    });
    extra.infection_found(&Finding {
        kind: FindingKind::MailPolicy,
        resolution: Resolution::Repaired,
        threat,
    });
    let text = answer(Profile::SQUID, &extra);
    assert!(
        text.contains("Type=2; Resolution=0; Threat=")
            && text.contains("Type=1; Resolution=1; Threat=")
    );
}

#[test]
fn s03_nothing_in_a_name_can_end_the_value_or_the_line() {
    let mut extra = Extra::new();
    let threat = "a;b\"c\r\nX-Evil: 1\u{0}\u{fc}";
    let finding = Finding { kind: FindingKind::Virus, resolution: Resolution::Blocked, threat };
    extra
        .infection_found(&finding)
        .virus_id(threat)
        .response_desc(threat)
        .response_info("x\r\n\r\nHTTP/1.1");
    extra
        .field("X-Own", "a\nb")
        .field("Bad Name", "x")
        .field("X-Bad\r\n", "x")
        .field("Encapsulated", "x");
    let text = answer(Profile::SQUID, &extra);
    assert!(text.contains("Threat=a_b_c__X-Evil: 1__;\r\nX-Virus-ID: a_b_c__X-Evil: 1__\r\n"));
    assert!(text.contains("\r\nX-Response-Desc: a;b\"c  X-Evil: 1 \u{fc}\r\n"));
    assert!(text.contains("\r\nX-Response-Info: x    HTTP/1.1\r\nX-Own: a b\r\n"));
    assert_eq!(text.lines().count(), 9, "no line more than the headers:\n{text}");
    assert!(!text.contains("Bad") && text.matches("Encapsulated").count() == 1);
}

#[test]
fn s05_violations_are_folded_lines_where_the_profile_has_them() {
    let mut extra = Extra::new();
    let entry =
        Violation { file: "a.zip", threat: "Eicar", problem: 0, resolution: Resolution::Blocked };
    extra.violations_found(&[entry, Violation { file: "-", ..entry }]);
    let folded = Profile { violations: Violations::Folded, ..Profile::SQUID };
    let want = "\r\nX-Violations-Found: 2\r\n\ta.zip\r\n\tEicar\r\n\t0\r\n\t2\r\n\t-\r\n\tEicar\r\n\t0\r\n\t2\r\nEncapsulated";
    assert!(answer(folded, &extra).contains(want));
    assert!(!answer(Profile::SQUID, &extra).contains("X-Violations-Found"));
}

#[test]
fn s06_virus_id_info_and_description_are_one_line_each() {
    let mut extra = Extra::new();
    extra.virus_id("Eicar").response_info("Blocked").response_desc("A virus was found.");
    let want = "\r\nX-Virus-ID: Eicar\r\nX-Response-Info: Blocked\r\nX-Response-Desc: A virus was found.\r\n";
    assert!(answer(Profile::STRICT, &extra).contains(want));
}

/// The answer to OPTIONS with these fields.
fn options_answer(status: Option<ScanStatus>, fields: &str) -> String {
    let mut options = Options::new(IsTag::of(b"", b""));
    options.scan_status = status;
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs an instant to count from; its value plays no part"
    )]
    let now = Instant::now();
    let mut core = Connection::new(Arc::new(options), now);
    let request =
        format!("OPTIONS icap://gw.test/reqmod ICAP/1.0\r\nHost: gw.test\r\n{fields}\r\n");
    assert_eq!(core.handle_bytes(request.as_bytes(), now).event, None);
    match core.poll_output() {
        Some(Output::Send(bytes)) => String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        other => panic!("expected an answer, got {other:?}"),
    }
}

#[test]
fn s08_the_scan_status_is_told_to_whom_asks() {
    let status = ScanStatus {
        core_engine: "7.00.33.06080".into(),
        scan_engine: "0.1.0".into(),
        status: "ready\r\nX-Evil: 1".into(),
        database_timestamp: "2026-Nov-21 10:00:00".into(),
        virus_records: 8_000_123,
    };
    let told = options_answer(Some(status.clone()), "drweb-get-scan-status: yes\r\n");
    let want = "X-Allow-Out: X-Infection-Found, X-Virus-ID, X-Violations-Found, X-Response-Info, X-Response-Desc\r\n\
        DrWeb-Core-Engine: 7.00.33.06080\r\nDrWeb-Scan-Engine: 0.1.0\r\nDrWeb-Scan-Status: ready  X-Evil: 1\r\n\
        DrWeb-Database-Timestamp: 2026-Nov-21 10:00:00\r\nDrWeb-Virus-Records: 8000123\r\nEncapsulated: null-body=0\r\n\r\n";
    assert!(told.ends_with(want), "{told}");
    for fields in ["", "DrWeb-Get-Scan-Status: No\r\n"] {
        assert!(!options_answer(Some(status.clone()), fields).contains("DrWeb-"));
    }
    assert!(!options_answer(None, "DrWeb-Get-Scan-Status: Yes\r\n").contains("DrWeb-"));
}

#[test]
fn r10_every_field_of_ours_is_in_the_standard_or_begins_with_x() {
    let standard = [
        "ISTag",
        "Connection",
        "Encapsulated",
        "Methods",
        "Service",
        "Service-ID",
        "Max-Connections",
        "Options-TTL",
        "Allow",
        "Preview",
        "Transfer-Preview",
    ];
    // Documented exceptions: what Squid reads instead of Service-ID, and Dr.Web's answers to Dr.Web's question.
    let is_known =
        |name: &str| standard.contains(&name) || name == "ServiceId" || name.starts_with("DrWeb-");
    let mut extra = Extra::new();
    extra
        .virus_id("x")
        .response_info("x")
        .response_desc("x")
        .field("Own", "x")
        .field("Set-Cookie", "x");
    let status = Some(ScanStatus::default());
    for text in
        [answer(Profile::SQUID, &extra), options_answer(status, "DrWeb-Get-Scan-Status: Yes\r\n")]
    {
        let mut names =
            text.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, _)| name);
        assert!(names.all(|name| name.starts_with("X-") || is_known(name)), "{text}");
    }
}

#[test]
fn s04_an_infected_message_is_not_part_of_the_answer_that_names_the_infection() {
    let (mut core, now) = ask(Options::new(IsTag::of(b"", b"")), "");
    let mut extra = Extra::new();
    extra.virus_id("Eicar");
    core.answer_with(b"HTTP/1.1 403 Forbidden\r\n\r\n", b"page", &extra, now);
    let Some(Output::Send(bytes)) = core.poll_output() else { panic!("expected an answer") };
    let text = String::from_utf8_lossy(bytes).into_owned();
    assert!(text.contains("X-Virus-ID: Eicar") && !text.contains("GET / HTTP/1.1"), "{text}");
}

#[test]
fn s07_s09_other_vendors_fields_are_ignored() {
    let fields = "X-ICAP-Profile: x\r\nX-Attribute: y\r\nX-Scan-Progress-Interval: 10\r\nX-Client-Abandon-Supported: 1\r\n";
    assert_eq!(subject(fields, UsernameCoding::Detect), Subject::default());
}
