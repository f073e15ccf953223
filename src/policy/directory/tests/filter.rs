//! Filters: as written, as sent, and as nobody can change them with a name.

use crate::policy::directory::ber::Elements;
use crate::policy::directory::filter::{Filter, Person};
use crate::policy::user::User;

fn text(filter: &str, user: &str) -> String {
    let filter = Filter::parse(filter).unwrap_or_else(|fault| panic!("{filter}: {fault}"));
    filter.text(&Person { user: User::of(user), dn: "cn=a,dc=x" })
}

fn sent(filter: &str, user: &str) -> Vec<u8> {
    let filter = Filter::parse(filter).unwrap_or_else(|fault| panic!("{filter}: {fault}"));
    let mut out = Vec::new();
    filter.put(&mut out, &Person { user: User::of(user), dn: "cn=a,dc=x" });
    out
}

#[test]
fn filters_are_read_and_filled() {
    for (filter, user, want) in [
        ("(uid=%u)", "EXAMPLE\\anna", "(uid=anna)"),
        ("(uid=%w)", "anna@x.example", "(uid=anna@x.example)"),
        ("(&(uid=%u)(dc=%d))", "anna@x.example", "(&(uid=anna)(dc=x.example))"),
        ("(|(a=1)(!(b>=2))(c<=3)(d~=4))", "", "(|(a=1)(!(b>=2))(c<=3)(d~=4))"),
        ("(objectClass=*)", "", "(objectClass=*)"),
        ("(cn=a*b*%u*)", "anna", "(cn=a*b*anna*)"),
        ("(cn=*%u)", "anna", "(cn=*anna)"),
        ("(cn=\\2a\\28%%)", "", "(cn=\\2a\\28%)"),
        ("(member:1.2.840.113556.1.4.1941:=%D)", "", "(member:1.2.840.113556.1.4.1941:=cn=a,dc=x)"),
        ("(ou:dn:=x)", "", "(ou:dn:=x)"),
        ("(:dn:caseExactMatch:=x)", "", "(:dn:caseExactMatch:=x)"),
        ("(uid=%u)", "Jörg Müller", "(uid=Jörg Müller)"),
    ] {
        assert_eq!(text(filter, user), want, "{filter}");
    }
    assert_eq!(
        Filter::nested_groups(),
        Filter::parse("(member:1.2.840.113556.1.4.1941:=%D)").expect("it is one")
    );
}

#[test]
fn a_name_is_a_value_whatever_it_consists_of() {
    for name in ["*)(uid=*", "*", "a)(|(b=c", "\\2a", "x\0y", "(((", "%w%D", "\u{202e}\n"] {
        let bytes = sent("(&(uid=%w)(x=1))", name);
        let mut and = Elements::of(&bytes);
        let inside = and.expect(0xa0).expect("and");
        assert!(and.is_empty());
        let mut two = Elements::of(inside);
        let mut equal = Elements::of(two.expect(0xa3).expect("one comparison"));
        assert_eq!(equal.expect(4), Some(&b"uid"[..]));
        assert_eq!(equal.expect(4), Some(name.as_bytes()));
        assert!(two.expect(0xa3).is_some() && two.is_empty(), "{name}");
        let shown = text("(uid=%w)", name);
        let inner = &shown["(uid=".len()..shown.len() - 1];
        assert!(!inner.contains(['(', ')', '*']) && !inner.contains(char::is_control), "{shown}");
        // What is shown stands for the same.
        assert_eq!(sent(&shown.replace('%', "%%"), ""), sent("(uid=%w)", name), "{shown}");
    }
    assert_eq!(text("(uid=%u)", "*)(uid=*"), "(uid=\\2a\\29\\28uid=\\2a)");
}

#[test]
fn what_is_sent_is_what_the_standard_says() {
    assert_eq!(sent("(uid=%u)", "anna"), b"\xa3\x0b\x04\x03uid\x04\x04anna");
    assert_eq!(sent("(uid=*)", ""), b"\x87\x03uid");
    assert_eq!(sent("(!(a>=b))", ""), b"\xa2\x08\xa5\x06\x04\x01a\x04\x01b");
    assert_eq!(sent("(cn=%u*x*y)", "a"), b"\xa4\x0f\x04\x02cn\x30\x09\x80\x01a\x81\x01x\x82\x01y");
    assert_eq!(sent("(cn=*%d*)", "nobody"), b"\x87\x02cn", "an empty part may not be sent");
    assert_eq!(sent("(m:1.2:=v)", ""), b"\xa9\x0b\x81\x031.2\x82\x01m\x83\x01v");
    assert_eq!(sent("(m:dn:=v)", ""), b"\xa9\x09\x82\x01m\x83\x01v\x84\x01\xff");
}

#[test]
fn faults_have_a_place() {
    let deep = format!("{}(a=b){}", "(!".repeat(17), ")".repeat(17));
    let long = format!("(a={})", "x".repeat(5000));
    for (filter, at) in [
        ("", 0),
        ("uid=%u", 0),
        ("(uid=%u", 7),
        ("(uid=%u)x", 8),
        ("(uid=%x)", 5),
        ("(uid=a(b)", 6),
        ("(uid=\\2)", 5),
        ("(=x)", 1),
        ("(uid>x)", 4),
        ("(uid>=a*b)", 7),
        ("(&)", 2),
        ("(::=x)", 4),
        ("(a:b=c)", 4),
        (deep.as_str(), 34),
        (long.as_str(), 4096),
    ] {
        let fault = Filter::parse(filter).expect_err(filter);
        assert_eq!(fault.at, at, "{filter}: {fault}");
    }
    assert!(Filter::parse("(m=%D)").is_ok_and(|filter| filter.names_dn() && filter.names_user()));
    assert!(Filter::parse("(m=x)").is_ok_and(|filter| !filter.names_dn() && !filter.names_user()));
}
