//! What a server of a directory sends, and filters as an administrator writes them.

use std::sync::Arc;
use std::time::Duration;

use baleen::policy::directory::ber::{Frame, MESSAGE_BYTES_MAX, frame};
use baleen::policy::directory::filter::Person;
use baleen::policy::directory::{Filter, Options, Server, Session, Step, message};
use baleen::policy::user::User;

use super::harness::Target;

pub(crate) const ALL: [Target; 2] = [
    Target { name: "ldap_server", corpus: servers, words: WORDS, run: server },
    Target { name: "ldap_filter", corpus: filters, words: FILTER_WORDS, run: filter },
];

const WORDS: &[&[u8]] = &[
    b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0",
    b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\0\x04\0\x04\0",
    b"\x30\x0c\x02\x01\x03\x65\x07\x0a\x01\x04\x04\0\x04\0",
    b"\x02\x01\x02",
    b"\x04\x08memberOf\x31\x09\x04\x07cn=a,o=",
    b"\x04\x02cn\x31\x03\x04\x01a",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\\2c",
];

const FILTER_WORDS: &[&[u8]] = &[
    b"(&", b"(|", b"(!", b"uid=", b"%u", b"%D", b"*", b"\\2a", b":dn:", b":=", b">=", b")", b"))",
];

fn servers() -> Vec<Vec<u8>> {
    let bound = WORDS[0].to_vec();
    let mut entry = b"\x30\x22\x02\x01\x02\x64\x1d\x04\x04cn=u\x30\x15\x30\x13".to_vec();
    entry.extend_from_slice(WORDS[4]);
    let group =
        b"\x30\x17\x02\x01\x03\x64\x12\x04\x05cn=g,\x30\x09\x30\x07\x04\x02cn\x31\x01\x04\0"
            .to_vec();
    let all = [&bound[..], &entry, WORDS[1], &group, WORDS[2]].concat();
    vec![all, bound, entry, group]
}

fn filters() -> Vec<Vec<u8>> {
    ["(|(uid=%u)(sAMAccountName=%u))", "(cn=a*%w*b)", "(m:1.2.3:=%D)", "(!(a>=%d))", "(o:dn:=x)"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

fn options() -> Options {
    let filter = |text| Filter::parse(text).expect("a filter");
    Options {
        servers: vec![Server::parse("ldap://h").expect("a server")],
        start_tls: false,
        bind_dn: "cn=r".to_owned(),
        password: "p".to_owned(),
        base: "o=x".to_owned(),
        user_filter: filter("(uid=%u)"),
        group_attributes: vec!["memberOf".into()],
        group_filter: Some(filter("(member=%D)")),
        group_base: String::new(),
        group_name: "cn".into(),
        groups_max: 8,
        time_max: Duration::from_secs(1),
        cache_entries_max: 1,
        cache_time: Duration::from_secs(1),
        negative_time: Duration::from_secs(1),
    }
}

/// Whatever a server says, it ends, what it leads to is bounded, and it does not depend on how it is cut.
fn server(input: &[u8]) {
    let play = |piece: usize| {
        let mut session = Session::new(Arc::new(options()), false);
        let mut step = session.begin("anna");
        let mut parts = input.chunks(piece);
        let mut sends = 0;
        loop {
            step = match step {
                Step::Send(message) => {
                    assert_eq!(frame(&message), Frame::Whole(message.len()));
                    sends += 1;
                    session.handle_input(&[])
                }
                Step::Wait => match parts.next() {
                    Some(part) => session.handle_input(part),
                    None => return (sends, None),
                },
                Step::Secure => panic!("nobody asked for TLS"),
                Step::Done(result) => return (sends, Some(result)),
            };
        }
    };
    let whole = play(input.len().max(1));
    assert_eq!(whole, play(1), "in pieces");
    assert!(whole.0 <= 3, "bind, user, groups");
    if let Some(Ok(found)) = whole.1 {
        assert!(found.groups.len() <= 16);
        assert!(found.groups.iter().all(|name| !name.contains(char::is_control)));
    }
    if let Frame::Whole(length) = frame(input) {
        assert!(length <= input.len() && length <= MESSAGE_BYTES_MAX + 6);
    }
    drop(message::read(input));
}

/// A filter that is read says the same when it is written out and read again, and a name changes no structure.
fn filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Filter::parse(text) {
        Ok(filter) => {
            let person = Person { user: User::of("*)(a=b"), dn: "cn=\\2a,o=(x)" };
            let shown = filter.text(&person);
            let again =
                Filter::parse(&shown.replace('%', "%%")).expect("what is shown is a filter");
            assert_eq!(again.text(&person), shown);
            let plain = Person { user: User::of("anna"), dn: "cn=a" };
            let count = |text: &str| text.matches('(').count();
            assert_eq!(count(&filter.text(&plain)), count(&shown));
        }
        Err(fault) => assert!(fault.at <= text.len(), "{fault}"),
    }
}
