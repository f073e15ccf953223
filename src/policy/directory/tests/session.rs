//! One connection with a server that is played here, good ones and others.

use super::{options, shared};
use crate::policy::directory::ber::{
    ENUMERATED, Elements, Frame, INTEGER, MESSAGE_BYTES_MAX, OCTETS, SEQUENCE, SET, frame, number,
    put, put_number,
};
use crate::policy::directory::{FailureKind, Filter, Found, Options, Session, Step};

fn message(id: i32, tag: u8, content: &[u8]) -> Vec<u8> {
    let mut inside = Vec::new();
    put_number(&mut inside, INTEGER, id);
    put(&mut inside, tag, content);
    let mut out = Vec::new();
    put(&mut out, SEQUENCE, &inside);
    out
}

fn result(id: i32, tag: u8, code: i32, text: &str) -> Vec<u8> {
    let mut inside = Vec::new();
    put_number(&mut inside, ENUMERATED, code);
    put(&mut inside, OCTETS, b"");
    put(&mut inside, OCTETS, text.as_bytes());
    message(id, tag, &inside)
}

fn entry(id: i32, dn: &str, attributes: &[(&str, &[&str])]) -> Vec<u8> {
    let mut all = Vec::new();
    for (name, values) in attributes {
        let mut set = Vec::new();
        values.iter().for_each(|value| put(&mut set, OCTETS, value.as_bytes()));
        let mut one = Vec::new();
        put(&mut one, OCTETS, name.as_bytes());
        put(&mut one, SET, &set);
        put(&mut all, SEQUENCE, &one);
    }
    let mut inside = Vec::new();
    put(&mut inside, OCTETS, dn.as_bytes());
    put(&mut inside, SEQUENCE, &all);
    message(id, 0x64, &inside)
}

/// The id and the tag of what a session sends, and its content.
fn sent(step: Step) -> (i32, u8, Vec<u8>) {
    let Step::Send(bytes) = step else { panic!("{step:?}") };
    assert_eq!(frame(&bytes), Frame::Whole(bytes.len()));
    let mut parts = Elements::of(Elements::of(&bytes).expect(SEQUENCE).expect("a message"));
    let id = number(parts.expect(INTEGER).expect("an id")).expect("a number");
    let operation = parts.next().expect("an operation");
    (id, operation.tag, operation.content.to_vec())
}

fn has(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// A session that has asked for this user.
fn searching(options: Options, user: &str) -> (Session, i32) {
    let mut session = Session::new(shared(Options { bind_dn: String::new(), ..options }), false);
    let (id, tag, _) = sent(session.begin(user));
    assert_eq!(tag, 0x63);
    (session, id)
}

fn failure(step: &Step) -> (FailureKind, String) {
    let Step::Done(Err(failure)) = step else { panic!("{step:?}") };
    (failure.kind, failure.to_string())
}

fn found(step: Step) -> Found {
    let Step::Done(Ok(found)) = step else { panic!("{step:?}") };
    found
}

#[test]
fn a_user_is_found_with_his_groups_and_the_connection_serves_again() {
    let mut session = Session::new(shared(options()), false);
    let (id, tag, content) = sent(session.begin("EXAMPLE\\anna"));
    assert_eq!((tag, has(&content, "cn=reader,dc=x"), has(&content, "word")), (0x60, true, true));
    let (id, tag, content) = {
        assert_eq!(session.handle_input(&[]), Step::Wait);
        sent(session.handle_input(&result(id, 0x61, 0, "")))
    };
    assert_eq!((tag, has(&content, "anna"), has(&content, "EXAMPLE")), (0x63, true, false));
    let of_user = entry(
        id,
        "uid=anna,dc=x",
        &[("MEMBEROF", &["CN=A\\2c B,OU=g,DC=x", "plain"]), ("mail", &["a@x"])],
    );
    let input = [of_user, result(id, 0x65, 0, "")].concat();
    // However it is cut.
    for byte in &input[..input.len() - 1] {
        assert_eq!(session.handle_input(&[*byte]), Step::Wait);
    }
    let (id, _, content) = sent(session.handle_input(&input[input.len() - 1..]));
    assert!(has(&content, "member") && has(&content, "uid=anna,dc=x"), "{content:?}");
    let input = [
        entry(id, "cn=staff,dc=x", &[("cn", &["staff"])]),
        message(id, 0x73, b""),
        result(id, 0x65, 0, ""),
    ];
    let found = found(session.handle_input(&input.concat()));
    assert_eq!(found.dn.as_deref(), Some("uid=anna,dc=x"));
    let names: Vec<&str> = found.groups.iter().map(AsRef::as_ref).collect();
    assert_eq!(names, ["A, B", "CN=A\\2c B,OU=g,DC=x", "cn=staff,dc=x", "plain", "staff"]);
    assert!(session.is_ready());
    // The next question needs no bind, and nothing is left of the first.
    let (id, tag, content) = sent(session.begin("bert"));
    assert_eq!((tag, has(&content, "bert")), (0x63, true));
    let nobody = session.handle_input(&result(id, 0x65, 0, ""));
    assert_eq!(nobody, Step::Done(Ok(Found::default())));
    let farewell = session.farewell();
    assert_eq!((frame(&farewell), farewell[5]), (Frame::Whole(farewell.len()), 0x42));
    assert!(!session.is_ready());
}

#[test]
fn tls_comes_first_and_nothing_may_come_before_it() {
    let with = |is_tls| Session::new(shared(Options { start_tls: true, ..options() }), is_tls);
    let mut session = with(false);
    let (id, tag, content) = sent(session.begin("anna"));
    assert_eq!((tag, has(&content, "1.3.6.1.4.1.1466.20037")), (0x77, true));
    assert_eq!(session.handle_input(&result(id, 0x78, 0, "")), Step::Secure);
    assert_eq!(sent(session.handle_secured()).1, 0x60);
    let mut refused = with(false);
    let (id, ..) = sent(refused.begin("anna"));
    let (kind, text) = failure(&refused.handle_input(&result(id, 0x78, 52, "no TLS\nhere")));
    assert_eq!(kind, FailureKind::StartTls);
    assert_eq!(text, "StartTLS refused: unavailable (52): no TLS here");
    let mut injected = with(false);
    let (id, ..) = sent(injected.begin("anna"));
    let input = [result(id, 0x78, 0, ""), result(id + 1, 0x61, 0, "")].concat();
    assert_eq!(failure(&injected.handle_input(&input)).0, FailureKind::Protocol);
    assert_eq!(sent(with(true).begin("anna")).1, 0x60, "it is inside TLS already");
}

#[test]
fn a_refusal_is_told_with_its_meaning() {
    let mut session = Session::new(shared(options()), false);
    let (id, ..) = sent(session.begin("anna"));
    let step = session.handle_input(&result(id, 0x61, 49, ""));
    assert_eq!(
        failure(&step),
        (FailureKind::Bind, "bind refused: invalid credentials (49)".to_owned())
    );
    for (code, kind) in
        [(32, FailureKind::Base), (50, FailureKind::Search), (4, FailureKind::Ambiguous)]
    {
        let (mut session, id) = searching(options(), "anna");
        let step = session.handle_input(&result(id, 0x65, code, "why"));
        assert_eq!(failure(&step).0, kind, "{code}");
        assert!(!session.is_ready());
    }
    let (mut session, id) = searching(options(), "anna");
    let two = [entry(id, "uid=a,dc=x", &[]), entry(id, "uid=b,dc=x", &[])].concat();
    assert_eq!(failure(&session.handle_input(&two)).0, FailureKind::Ambiguous);
    let (mut session, _) = searching(options(), "anna");
    let (kind, text) = failure(&session.handle_input(&result(0, 0x78, 52, "going down")));
    assert_eq!(kind, FailureKind::Protocol);
    assert!(text.contains("going down"), "{text}");
}

#[test]
fn too_many_groups_are_no_answer_and_never_a_part_of_one() {
    let four = ["cn=a,dc=x", "cn=b,dc=x", "cn=c,dc=x", "cn=d,dc=x"];
    let (mut session, id) = searching(options(), "anna");
    let step = session.handle_input(&entry(id, "uid=anna,dc=x", &[("memberOf", &four)]));
    assert_eq!(failure(&step).0, FailureKind::TooLarge);
    let (mut session, id) = searching(options(), "anna");
    let cut = entry(id, "uid=anna,dc=x", &[("memberOf;range=0-1", &four[..2])]);
    assert_eq!(failure(&session.handle_input(&cut)).0, FailureKind::TooLarge);
    let (mut session, id) = searching(options(), "anna");
    let last = entry(id, "uid=anna,dc=x", &[("memberOf;range=2-*", &four[..3])]);
    let input = [last, result(id, 0x65, 0, "")].concat();
    let (id, ..) = sent(session.handle_input(&input));
    assert_eq!(failure(&session.handle_input(&result(id, 0x65, 4, ""))).0, FailureKind::TooLarge);
    let long = "x".repeat(300 << 10);
    let (mut session, id) = searching(options(), "anna");
    let step = session.handle_input(&entry(id, "uid=anna,dc=x", &[("memberOf", &[&long])]));
    assert_eq!(failure(&step).0, FailureKind::TooLarge);
}

#[test]
fn a_user_may_be_named_by_a_dn_below_the_base_and_nowhere_else() {
    let asked = |user: &str| {
        let mut session =
            Session::new(shared(Options { bind_dn: String::new(), ..options() }), false);
        let (_, _, content) = sent(session.begin(user));
        let mut parts = Elements::of(&content);
        let base = parts.expect(OCTETS).expect("a base").to_vec();
        (String::from_utf8(base).expect("UTF-8"), parts.expect(ENUMERATED).expect("a scope")[0])
    };
    assert_eq!(asked("server.example/cn=Anna,DC=X"), ("cn=Anna,DC=X".to_owned(), 0));
    let escaped = r"cn=Doe\, Anna,dc=x";
    assert_eq!(asked(escaped), (escaped.to_owned(), 0), "what separates names lies inside of one");
    for user in ["cn=Anna,dc=y", "dc=x", "Xdc=x", "anna", "/cn=a", "é,dc=x"] {
        assert_eq!(asked(user), ("dc=x".to_owned(), 2), "{user}");
    }
    let (mut session, id) = searching(options(), "cn=Anna,dc=x");
    let nobody = session.handle_input(&result(id, 0x65, 32, ""));
    assert_eq!(nobody, Step::Done(Ok(Found::default())));
}

#[test]
fn what_is_no_ldap_ends_it_and_nothing_grows() {
    let mut whole = vec![SEQUENCE, 0x84];
    whole.extend_from_slice(&u32::try_from(MESSAGE_BYTES_MAX + 1).expect("small").to_be_bytes());
    for bytes in
        [&b"HTTP/1.1 200 OK\r\n"[..], b"\x30\x80\0\0", b"\x30\x85\x01\x01\x01\x01\x01", &whole]
    {
        let (mut session, _) = searching(options(), "anna");
        assert_eq!(failure(&session.handle_input(bytes)).0, FailureKind::Protocol, "{bytes:?}");
    }
    // A message that is nested without end is one that means nothing.
    let nested = (0..20_000).fold(Vec::new(), |inner: Vec<u8>, _| {
        let mut outer = vec![SEQUENCE, 0x83];
        outer.extend_from_slice(&u32::try_from(inner.len()).expect("small").to_be_bytes()[1..]);
        if inner.len() > 50_000 {
            inner
        } else {
            outer.extend_from_slice(&inner);
            outer
        }
    });
    let (mut session, id) = searching(options(), "anna");
    assert_eq!(session.handle_input(&nested), Step::Wait);
    let other = result(id + 7, 0x65, 0, "");
    let step = (0..2000).map(|_| session.handle_input(&other)).find(|step| *step != Step::Wait);
    assert_eq!(failure(&step.expect("it ends")).0, FailureKind::Protocol);
}

#[test]
fn names_are_shown_without_signs_that_move_a_terminal() {
    let (mut session, id) = searching(Options { group_filter: None, ..options() }, "anna");
    let input =
        [entry(id, "uid=anna,dc=x", &[("memberOf", &["a\u{1b}[2J"])]), result(id, 0x65, 0, "")];
    let found = found(session.handle_input(&input.concat()));
    assert_eq!(found.groups, ["a\u{fffd}[2J".into()]);
}

#[test]
fn numbers_and_lengths_are_read_as_they_are_written() {
    for value in [0, 1, 127, 128, 255, 256, 0x7fff, 0x8000, i32::MAX] {
        let mut out = Vec::new();
        put_number(&mut out, INTEGER, value);
        assert_eq!(number(Elements::of(&out).expect(INTEGER).expect("one")), Some(value));
    }
    assert_eq!((number(&[0xff]), number(&[]), number(&[0; 5])), (Some(-1), None, None));
    for length in [0, 127, 128, 255, 256, 70_000] {
        let mut out = Vec::new();
        put(&mut out, OCTETS, &vec![7; length]);
        assert_eq!(Elements::of(&out).expect(OCTETS).map(<[u8]>::len), Some(length));
        assert!(Elements::of(&out[..out.len() - 1]).expect(OCTETS).is_none(), "cut off");
    }
    assert!(Elements::of(b"\x1f\x01\x00").next().is_none(), "a tag of several bytes");
    assert!(
        Filter::anything().text(&crate::policy::directory::filter::Person {
            user: crate::policy::user::User::of("x"),
            dn: ""
        }) == "(objectClass=*)"
    );
}
