//! Mails and bodies of parts: as programs write them, and as nobody ought to.

use super::walk::{Walk, Walked, check_walk};
use crate::engine::unpack::Container::Mail;
use crate::engine::verdict::{Limit, Why};

/// The members of a mail that is all right, after checking that every way of cutting it agrees.
#[track_caller]
fn members(mail: &str) -> Vec<Walk> {
    let Walked { members, missed, end, .. } = check_walk(Mail, mail.as_bytes());
    assert_eq!((missed.as_slice(), end), (&[][..], Ok(())), "{members:#?}");
    members
}

#[track_caller]
fn check(mail: &str, wanted: &[(&str, &str)]) {
    let wanted: Vec<Walk> =
        wanted.iter().map(|(label, bytes)| Walk::whole(label, bytes.as_bytes())).collect();
    assert_eq!(members(mail), wanted, "{mail}");
    // Line ends of every kind.
    let unix = mail.replace("\r\n", "\n");
    assert_eq!(members(&unix).len(), wanted.len(), "{unix}");
}

const TYPED: &str = "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n";

#[test]
fn the_body_of_a_mail_without_parts_is_a_member() {
    check("From: a\r\nSubject: b\r\n\r\nSome text.\r\n", &[("mail", "Some text.\r\n")]);
    check("From: a\r\n\r\n", &[]);
    check("From: a\r\n", &[]);
    let coded = "From: a\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8s\r\nIHdvcmxk\r\n";
    check(coded, &[("mail", "Hello, world")]);
    let quoted =
        "From: a\r\nContent-Transfer-Encoding:\r\n Quoted-Printable\r\n\r\na=3Db=\r\nc\r\n";
    assert_eq!(members(quoted), [Walk::whole("mail", b"a=bc\r\n")]);
}

#[test]
fn parts_are_members_with_their_names() {
    let mail = format!(
        "{TYPED}A note for readers of old.\r\n--=_b\r\nContent-Type: text/plain\r\n\r\nHello\r\n\
         --=_b\r\nContent-Type: application/octet-stream;\r\n\tname=\"a; b\\\"c.exe\"\r\n\
         Content-Transfer-Encoding: BASE64\r\n\r\nSGk=\r\n--=_b--\r\nbye\r\n"
    );
    check(&mail, &[("mail", "Hello"), ("mail:a; b\"c.exe", "Hi")]);
    for (field, name) in [
        ("attachment; filename=plain.exe", "plain.exe"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20x.exe", "naïve x.exe"),
        ("attachment; filename*0=long; filename*1=er.ex; filename*2=e", "longer.exe"),
        ("attachment; filename*0*=UTF-8''%41b; filename*1*=%2E; filename*2=exe", "Ab.exe"),
        ("attachment; filename=\"=?utf-8?B?w6QuZXhl?=\"", "ä.exe"),
        ("attachment; filename=\"=?iso-8859-1?Q?=E4_=62?=\r\n =?us-ascii?q?.exe?=\"", "ä b.exe"),
        ("attachment; filename=\"=?bad", "=?bad"),
        ("form-data; name=field", "field"),
        ("form-data; filename=a\\b.exe; name=x", "a\\\\b.exe"),
    ] {
        let mail = format!("{TYPED}--=_b\r\nContent-Disposition: {field}\r\n\r\nHello\r\n--=_b--");
        check(&mail, &[(&format!("mail:{name}"), "Hello")]);
    }
}

#[test]
fn parts_of_parts_end_with_any_boundary_around_them() {
    let inner = "Content-Type: multipart/related; boundary=in\r\n\r\n--in\r\n\r\none\r\n";
    let mail = format!("{TYPED}--=_b\r\n{inner}--in--\r\n--=_b\r\n\r\ntwo\r\n--=_b--");
    check(&mail, &[("mail", "one"), ("mail", "two")]);
    // Without closing lines.
    let mail = format!("{TYPED}--=_b\r\n{inner}--=_b\r\n\r\ntwo");
    check(&mail, &[("mail", "one"), ("mail", "two")]);
    // Behind a closing line.
    let mail = format!("{TYPED}--=_b--\r\n--=_b\r\n\r\ntwo\r\n--=_b \t\r\n\r\nthree\r\n--=_b--");
    check(&mail, &[("mail", "two"), ("mail", "three")]);
    // A boundary that another one begins with, and one with something behind it.
    let mail = "From: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
                Content-Type: multipart/mixed; boundary=xy\r\n\r\n--xy\r\n\r\none\r\n--xy--\r\n\
                --x\r\n\r\ntwo\r\n--xz: 1\r\n\r\nthree\r\n--x--\r\n";
    check(mail, &[("mail", "one"), ("mail", "two"), ("mail", "three")]);
    // Told by nothing but the first line.
    let mail =
        "From: a\r\nContent-Type: multipart/mixed\r\n\r\n--q\r\n\r\none\r\n--q\r\n\r\ntwo\r\n--q--";
    check(mail, &[("mail", "one"), ("mail", "two")]);
}

#[test]
fn two_readings_of_a_header_are_both_followed() {
    let mail = "From: a\r\nContent-Type: multipart/mixed; boundary=x\r\nContent-Type: \
                multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--y\r\n\r\nthree";
    check(mail, &[("mail", "one"), ("mail", "two"), ("mail", "three")]);
    let mail =
        "From: a\r\nContent-Type: multipart/mixed; boundary=x (why)\r\n\r\n--x\r\n\r\none\r\n--x--";
    check(mail, &[("mail", "one")]);
    // What is no field: passed over in front of one, and otherwise the body.
    let odd = "From: a\r\nno field\r\nContent-Transfer-Encoding: base64\r\n\r\nSGk=\r\n";
    check(odd, &[("mail", "Hi")]);
    check("From: a\r\nno field\r\nanother\r\n", &[("mail", "no field\r\nanother\r\n")]);
    let mail = format!("{TYPED}--=_b\r\nNo header here.\r\n\r\nmore\r\n--=_b--");
    check(&mail, &[("mail", "No header here.\r\n\r\nmore")]);
    let mail = format!("{TYPED}--=_b\r\nContent-Type : text/plain\r\n--=_b\r\n\r\ntwo\r\n--=_b--");
    check(&mail, &[("mail", "two")]);
}

#[test]
fn what_is_between_the_parts_is_a_member_when_it_is_long() {
    let long = "begin of something ".repeat(5);
    let mail = format!("{TYPED}{long}\r\n--=_b\r\n\r\none\r\n--=_b--\r\n{long}");
    check(&mail, &[("mail", &long), ("mail", "one"), ("mail", &long)]);
}

#[test]
fn every_mail_of_a_mailbox_is_read() {
    let mail = |name: &str| {
        format!(
            "From a@b.example Thu Jul 31 13:49:50 2008\r\nFrom: a\r\nContent-Type: x/y; name={name}\r\n\
             \r\nFrom here on it is text\r\n"
        )
    };
    let text = "From here on it is text";
    let all = format!("{}\r\n{}", mail("one"), mail("two"));
    let with = |end: &str| format!("{text}{end}");
    check(&all, &[("mail:one", &with("\r\n")), ("mail:two", &with("\r\n"))]);
    // In a mail that is none of a mailbox such a line is text.
    let mail = "From: a\r\n\r\nx\r\nFrom a@b Thu Jul 31 13:49:50 2008\r\ny\r\n";
    assert_eq!(members(mail).len(), 1);
    // Nor is one with bytes that no such line has, or a very long one.
    for odd in ["\u{1}", &"x".repeat(600)] {
        let mail = "From a Thu Jul 31 13:49:50 2008\nFrom: a\n\nx\nFrom a Thu Jul 31 13:49:50 2008";
        assert_eq!(members(&format!("{mail}{odd}\ny\n")).len(), 1);
    }
    // A boundary of the mail before goes on.
    let open = format!(
        "From a Thu Jul 31 13:49:50 2008\r\n{TYPED}--=_b\r\n\r\none\r\n\
         From a Thu Jul 31 13:49:50 2008\r\nFrom: b\r\n\r\ntwo\r\n--=_b\r\n\r\nthree"
    );
    check(&open, &[("mail", "one"), ("mail", "two"), ("mail", "three")]);
}

#[test]
fn what_is_not_encoded_as_it_says_is_read_as_it_is() {
    let mail = "From: a\r\nContent-Transfer-Encoding: base64\r\n\r\n<html>not encoded</html>\r\n";
    check(mail, &[("mail", "<html>not encoded</html>\r\n")]);
    let late = format!(
        "From: a\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\x03\x04\x01\x02\x05",
        "SGkh".repeat(300)
    );
    let walked = check_walk(Mail, late.as_bytes());
    assert_eq!(walked.missed, [Why::Broken("mail: other bytes than its encoding has")]);
    assert_eq!(walked.members, [Walk::whole("mail", &b"Hi!".repeat(300))]);
}

#[test]
fn what_cannot_be_read_is_said() {
    for (kind, why) in [
        ("message/partial; id=a; number=2", Why::Unsupported("part of a mail in several mails")),
        ("application/pkcs7-mime; name=smime.p7m", Why::Unsupported("S/MIME")),
        ("multipart/encrypted; boundary=x", Why::Encrypted),
    ] {
        let mail = format!("From: a\r\nContent-Type: {kind}\r\n\r\nbytes of it\r\n");
        assert_eq!(check_walk(Mail, mail.as_bytes()).missed, [why], "{kind}");
    }
}

#[test]
fn bombs_of_headers_and_boundaries_have_an_end() {
    let nest: String = (0..300)
        .map(|at| format!("--{at}\nContent-Type: multipart/mixed; boundary={}\n\n", at + 1))
        .collect();
    let mail = format!("From: a\nContent-Type: multipart/mixed; boundary=0\n\n{nest}");
    let walked = super::walk::walk(Mail, mail.as_bytes(), usize::MAX, 4_096);
    assert!(walked.missed.iter().all(|why| *why == Why::Limit(Limit::MaxRecursion)));
    assert!(!walked.missed.is_empty());
    let long =
        format!("From: a\nContent-Type: multipart/mixed; boundary={}\n\nx", "b".repeat(5_000));
    let walked = super::walk::walk(Mail, long.as_bytes(), 100, 100);
    assert_eq!(walked.missed, [Why::Limit(Limit::MaxRecursion)]);
    let fields = format!("From: a\n{}\n\nx", "X-More: of them\n".repeat(80_000));
    let walked = super::walk::walk(Mail, fields.as_bytes(), usize::MAX, 4_096);
    assert_eq!(walked.missed, [Why::Limit(Limit::MaxScanState)]);
    let field = format!("From: a\nContent-Type: {}\n\nx", "b".repeat(100_000));
    let walked = super::walk::walk(Mail, field.as_bytes(), 1_000, 4_096);
    assert_eq!(walked.missed, [Why::Limit(Limit::MaxScanState)]);
    assert_eq!(walked.members, [Walk::whole("mail", b"x")]);
}
