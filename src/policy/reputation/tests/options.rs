//! Lists as administrators write them, and what their answers mean; what is never asked.

use std::net::Ipv4Addr;

use super::list;
use crate::policy::reputation::names::{Kind, names, never_listed};
use crate::policy::reputation::options::DnsList;
use crate::policy::reputation::{NoAnswer, Question};
use crate::policy::{Categories, Category};

fn meant(text: &str, answers: &[[u8; 4]]) -> Result<Categories, NoAnswer> {
    let answers: Vec<Ipv4Addr> = answers.iter().map(|octets| Ipv4Addr::from(*octets)).collect();
    list(text).categories(&answers)
}

fn set(categories: &[Category]) -> Categories {
    categories.iter().copied().collect()
}

#[test]
fn answers_mean_what_the_administrator_says() {
    use Category::{Drugs, Gambling, InfectionSource, NotRecommended};
    let mixed =
        "l.example 127.0.0.2=Gambling 127.0.1.0/24=infection_source &8=Drugs *=NotRecommended";
    for (text, answers, want) in [
        ("l.example", vec![[127, 0, 0, 2]], set(&[NotRecommended])),
        ("l.example", vec![], Categories::NONE),
        (mixed, vec![[127, 0, 0, 2]], set(&[Gambling])),
        (mixed, vec![[127, 0, 1, 77]], set(&[InfectionSource, Drugs])),
        (mixed, vec![[127, 0, 1, 64]], set(&[InfectionSource])),
        (mixed, vec![[127, 0, 9, 12]], set(&[Drugs])),
        (mixed, vec![[127, 0, 9, 2]], set(&[NotRecommended])),
        (mixed, vec![[127, 0, 0, 2], [127, 0, 1, 1]], set(&[Gambling, InfectionSource])),
        ("l.example 127.0.0.2=Gambling", vec![[127, 0, 0, 3]], Categories::NONE),
        ("l.example &16=Gambling &128=Drugs", vec![[127, 0, 0, 144]], set(&[Gambling, Drugs])),
    ] {
        assert_eq!(meant(text, &answers), Ok(want), "{text} {answers:?}");
    }
}

#[test]
fn an_answer_that_no_list_gives_is_a_refusal() {
    for answer in [[127, 0, 0, 1], [127, 255, 255, 254], [192, 0, 2, 1], [0, 0, 0, 0]] {
        assert_eq!(meant("l.example", &[answer]), Err(NoAnswer::Refused), "{answer:?}");
        assert_eq!(meant("l.example", &[[127, 0, 0, 2], answer]), Err(NoAnswer::Refused));
    }
}

#[test]
fn a_list_that_cannot_be_read_is_refused_with_its_word() {
    for (text, want) in [
        ("", "\"\" is no zone of the DNS"),
        ("a..b", "\"a..b\" is no zone of the DNS"),
        ("a/b", "\"a/b\" is no zone of the DNS"),
        (
            "l.example mails",
            "\"mails\": expected domains, hosts, addresses, urls, or answer=category",
        ),
        ("l.example 127.0.0.2=Fun", "there is no category \"Fun\""),
        (
            "l.example 10.0.0.1=Drugs",
            "\"10.0.0.1\" is no answer of a list: expected 127.a.b.c, 127.a.b.c/length, &bit or *",
        ),
        (
            "l.example 127.0.0.1/24=Drugs",
            "\"127.0.0.1/24\" is no answer of a list: expected 127.a.b.c, 127.a.b.c/length, &bit or *",
        ),
        (
            "l.example &3=Drugs",
            "\"&3\" is no answer of a list: expected 127.a.b.c, 127.a.b.c/length, &bit or *",
        ),
        (
            "l.example 127.0.0.0/33=Drugs",
            "\"127.0.0.0/33\" is no answer of a list: expected 127.a.b.c, 127.a.b.c/length, &bit or *",
        ),
    ] {
        assert_eq!(DnsList::parse(text).map_err(|fault| fault.to_string()), Err(want.to_owned()));
    }
    assert_eq!(&*list("Dbl.Example.ORG.").zone, "dbl.example.org");
}

fn asked(list_text: &str, host: &str, path: &str) -> Vec<String> {
    let question = Question::of(host, path).expect("a public host");
    let wire = |name: &[u8]| {
        let mut text = String::new();
        let mut rest = name;
        while let Some((&length, after)) = rest.split_first().filter(|(length, _)| **length > 0) {
            let (label, after) = after.split_at(usize::from(length));
            text = format!("{text}{}.", String::from_utf8_lossy(label));
            rest = after;
        }
        text
    };
    names(&list(list_text), &question).iter().map(|(_, name)| wire(name.wire())).collect()
}

#[test]
fn names_are_asked_as_the_list_wants_them() {
    assert_eq!(
        asked("l.example", "A.b.C.example.co.uk", "/"),
        ["a.b.c.example.co.uk.l.example.", "example.co.uk.l.example.", "co.uk.l.example."]
    );
    assert_eq!(asked("l.example", "c.de", "/"), ["c.de.l.example."]);
    assert_eq!(asked("l.example hosts", "a.b.c.de.", "/"), ["a.b.c.de.l.example."]);
    assert!(asked("l.example", "192.0.2.99", "/").is_empty());
    assert_eq!(asked("l.example addresses", "192.0.2.99", "/"), ["99.2.0.192.l.example."]);
    assert_eq!(asked("l.example addresses", "[2001:db8::1]", "/").len(), 1);
    assert!(asked("l.example addresses", "a.example", "/").is_empty());
    let url = asked("l.example urls", "a.example", "/x?secret=1");
    assert_eq!(url, asked("l.example urls", "a.example", "/x"));
    assert_ne!(url, asked("l.example urls", "a.example", "/y"));
    assert_eq!(url[0].len(), 52 + ".l.example.".len());
    let deep = format!("{}.example", "a.".repeat(118) + "b");
    assert_eq!(asked("l.example", &deep, "/"), ["a.b.example.l.example.", "b.example.l.example."]);
}

#[test]
fn nothing_is_asked_that_nobody_outside_can_know() {
    for host in [
        "intranet",
        "printer.local",
        "router.home.arpa",
        "a.b.internal",
        "x.onion",
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.31.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::1",
        "[fe80::1]",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "",
        ".",
        "a..b",
        "-\u{fc}.de",
        "1.2.3.4.5",
        "a b.de",
    ] {
        assert!(Question::of(host, "/").is_none(), "{host}");
    }
    for host in [
        "example.com",
        "xn--mnchen-3ya.de",
        "8.8.8.8",
        "2001:4860:4860::8888",
        "a_b.example",
        "local.example",
    ] {
        assert!(Question::of(host, "").is_some(), "{host}");
    }
    let mapped = Question::of("::ffff:8.8.8.8", "").expect("a public host");
    assert_eq!((mapped.host(), mapped.path()), ("8.8.8.8".to_owned(), "/"));
    let long = Question::of("a.example", &format!("/{}", "ü".repeat(2000))).expect("a public host");
    assert_eq!(long.path().len(), 1023);
}

#[test]
fn every_kind_of_name_has_a_test_point() {
    for kind in [Kind::V4, Kind::V6, Kind::Host, Kind::Url] {
        assert!(never_listed(&list("l.example"), kind).is_some(), "{kind:?}");
    }
}
