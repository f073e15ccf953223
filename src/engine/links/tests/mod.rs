//! Links against lists, as clamscan 1.4.6 answers; expressions of POSIX; hostile sections.

use super::check::{Lists, Regexes};
use super::table::{Class, LinkRows, RegexUse};
use super::url::Place;
use super::{LinkFinding, LinksFault, Watch, compile};
use crate::engine::database::LinkOptions;
use crate::engine::file_type::FileType;
use sha2::{Digest as _, Sha256};

struct Image {
    section: Vec<u8>,
    regexes: Regexes,
}

impl Image {
    fn of(rows: LinkRows) -> Self {
        let section = rows.compile();
        let regexes = Lists::check(&section).expect("just written");
        Self { section, regexes }
    }

    fn lists(&self) -> Lists<'_> {
        Lists::open(&self.section, &self.regexes).expect("lists")
    }

    /// What is found in a mail with this page in it, after checking that no cut changes it.
    fn mail(&self, page: &str) -> Option<LinkFinding> {
        let mail = format!("Subject: x\nContent-Type: Text/HTML\n\n<html><body>{page}</body>\n");
        let found = self.watch(FileType::Mail, mail.as_bytes(), usize::MAX);
        for piece in [1, 3, 16] {
            assert_eq!(self.watch(FileType::Mail, mail.as_bytes(), piece), found, "{page}");
        }
        found
    }

    fn watch(&self, file_type: FileType, bytes: &[u8], piece: usize) -> Option<LinkFinding> {
        let mut watch = Watch::of(file_type, false, Some(self.lists()))?;
        let mut found = None;
        for piece in bytes.chunks(piece) {
            watch.feed(piece, &[], self.lists());
            found = found.or_else(|| watch.take());
        }
        watch.finish(&[], self.lists());
        found.or_else(|| watch.take())
    }
}

fn domains(names: &[&str]) -> LinkRows {
    let domains = names.iter().map(|name| (*name).into()).collect();
    LinkRows { domains, ..LinkRows::default() }
}

fn link(target: &str, text: &str) -> String {
    format!("<a href=\"{target}\">{text}</a>")
}

const SPOOFED: Option<LinkFinding> = Some(LinkFinding::SpoofedDomain);

/// Each row was asked of clamscan with `H:bank.com`.
#[test]
fn pairs_are_judged_as_clamscan_judges_them() {
    let image = Image::of(domains(&["bank.com"]));
    let rows = [
        ("http://evil.org/x", "http://www.bank.com/l", true),
        ("http://evil.org/x", "www.bank.com", true),
        ("http://evil.org/x", "bank.com", true),
        ("http://evil.org/x", "Click http://bank.com now", false),
        ("http://evil.org/x", "mybank.com", false),
        ("http://evil.org/x", "http://bank.com.org", false),
        ("http://sub.bank.com/x", "http://www.bank.com", false),
        ("http://bank.com/", "http://www.bank.com", false),
        ("evil.org", "bank.com", true),
        ("/rel", "bank.com", false),
        ("mailto:x@y.ex", "bank.com", false),
        ("mailto:x@y.ex", "a@bank.com", false),
        ("http://evil.org", "BANK.COM", true),
        ("http://evil.org", "bank . com", true),
        ("https://evil.org", "https://bank.com:8080/", true),
        ("ftp://evil.org", "http://bank.com", true),
        ("http://1.2.3.4/x", "http://bank.com", true),
        ("http://bank.com@evil.org/", "bank.com", true),
        ("http://evil.org", "<b>bank</b>.com", true),
        ("http://evil.org", "<img src=\"http://bank.com/i.png\">", true),
        ("http://evil.org", "bank.com <img src=x>", true),
        ("http://evil.org", "bank.com/a b", true),
        ("javascript:x", "bank.com", false),
        ("#x", "bank.com", false),
        ("http://evil.org", "login bank.com", true),
        ("http://evil.org", "bank.com!", true),
        ("http://evil.org", "(bank.com)", true),
        ("http://EVIL.org", "bank.com, evil", false),
    ];
    for (target, text, is_found) in rows {
        let found = image.mail(&link(target, text));
        assert_eq!(found, SPOOFED.filter(|_| is_found), "{target} {text}");
    }
    let in_form =
        "<form action=\"http://evil.org\"><a href=\"http://bank.com\">bank.com</a></form>";
    assert_eq!(image.mail(in_form), SPOOFED);
    let behind = "<form action=\"http://evil.org\"></form><a href=\"http://bank.com\">bank.com</a>";
    assert_eq!(image.mail(behind), None);
    assert_eq!(image.mail("<form action=\"http://evil.org\">bank.com</form>"), None);
    assert_eq!(image.mail("<img src=\"http://bank.com/x\">"), None);
    assert_eq!(image.mail("<area href=\"http://evil.org\" alt=\"bank.com\">"), None);
    // clamscan does not decode references in the text of a link; here they do not hide it.
    assert_eq!(image.mail(&link("http://evil.org", "&#98;ank.com")), None);
}

#[test]
fn domains_are_whole_names() {
    let image = Image::of(domains(&["www.bank.com", "bank.co.uk"]));
    assert_eq!(image.mail(&link("http://evil.org", "http://bank.com/l")), None);
    assert_eq!(image.mail(&link("http://evil.org", "http://a.www.bank.com/l")), SPOOFED);
    assert_eq!(image.mail(&link("http://login.bank.co.uk", "http://www.bank.co.uk")), None);
    assert_eq!(image.mail(&link("http://evil.co.uk", "http://www.bank.co.uk")), SPOOFED);
}

#[test]
fn pairs_and_expressions_allow() {
    let allowed = |rows: LinkRows, target: &str, text: &str| {
        let rows = LinkRows { domains: vec!["bank.com".into()], ..rows };
        Image::of(rows).mail(&link(target, text)).is_none()
    };
    let pair =
        || LinkRows { pairs: vec![("evil.org".into(), "bank.com".into())], ..LinkRows::default() };
    assert!(allowed(pair(), "http://www.evil.org/x", "http://bank.com/l"));
    assert!(!allowed(pair(), "http://notevil.org", "http://bank.com"));
    let regex = |purpose, text: &str| LinkRows {
        regexes: vec![(purpose, text.into())],
        ..LinkRows::default()
    };
    let both = || regex(RegexUse::AllowedPair, "http://evil\\.org:http://www\\.bank\\.com");
    assert!(allowed(both(), "http://evil.org/x", "http://www.bank.com/l"));
    assert!(!allowed(both(), "http://evil.orgx", "http://www.bank.com/l"));
    let wide = || regex(RegexUse::AllowedPair, ".+\\.?evil\\.org([/?].*)?:.+bank\\.com([/?].*)?");
    assert!(allowed(wide(), "http://www.evil.org/x", "http://www.bank.com/l"));
    let real = || regex(RegexUse::AllowedReal, "http://evil\\.org");
    assert!(allowed(real(), "http://evil.org/x", "http://www.bank.com/l"));
}

#[test]
fn expressions_name_what_is_imitated() {
    let of = |text: &str| {
        Image::of(LinkRows {
            regexes: vec![(RegexUse::Imitated, text.into())],
            ..LinkRows::default()
        })
    };
    let any = of(".+:.+bank\\.com([/?].*)?");
    assert_eq!(any.mail(&link("http://evil.org/x", "http://www.bank.com/l")), SPOOFED);
    assert_eq!(any.mail(&link("http://evil.org/x", "http://www.other.com/l")), None);
    let bare = of("evil\\.org:www\\.bank\\.com");
    assert_eq!(bare.mail(&link("http://evil.org/x", "http://www.bank.com/l")), None);
}

#[test]
fn digests_of_addresses_are_looked_up_in_every_form() {
    let digest = |text: &str| <[u8; 32]>::from(Sha256::digest(text));
    let of = |rows: &[(&str, Class)]| {
        let digests = rows.iter().map(|(text, class)| (digest(text), *class)).collect();
        Image::of(LinkRows { digests, ..LinkRows::default() })
    };
    let listed = |class| Some(LinkFinding::Listed(class));
    let host = of(&[("evil.org/", Class::Malware)]);
    // Port and case do not hide a target here; clamscan does not find the last two.
    for target in [
        "http://evil.org/",
        "http://evil.org/x/y?z",
        "http://www.evil.org/x",
        "http://evil.org",
        "HTTP://EVIL.org:80/",
        "http://evil.org/x#f",
    ] {
        assert_eq!(host.mail(&link(target, "t")), listed(Class::Malware), "{target}");
    }
    assert_eq!(host.mail(&link("http://notevil.org/", "t")), None);
    assert_eq!(host.mail("<img src=\"http://evil.org/a.png\">"), None);
    assert_eq!(host.mail("<form action=\"http://evil.org/f\"></form>"), listed(Class::Malware));
    assert_eq!(host.mail(&link("http://other.org/", "http://evil.org/")), None);
    let path = of(&[("evil.org/x/y?z", Class::Phishing)]);
    for target in [
        "http://evil.org/x/y?z",
        "http://evil.org/x/./y?z",
        "http://evil.org/x/q/../y?z",
        "http://evil.org/%78/y?z",
        "http://www.evil.org/x/y?z",
    ] {
        assert_eq!(path.mail(&link(target, "t")), listed(Class::Phishing), "{target}");
    }
    assert_eq!(path.mail(&link("http://evil.org/x/y", "t")), None);
    let allowed = of(&[("evil.org/", Class::Blocked), ("good.evil.org/", Class::Allowed)]);
    assert_eq!(allowed.mail(&link("http://good.evil.org/x", "t")), None);
    assert_eq!(allowed.mail(&link("http://evil.org/", "t")), listed(Class::Blocked));
}

#[test]
fn what_is_off_by_default_is_off() {
    let spoof = link("http://bank.com/x", "https://bank.com/");
    let cloaked = link("http://evil.org%00.bank.com/", "hello");
    let plain = Image::of(domains(&["bank.com"]));
    assert_eq!((plain.mail(&spoof), plain.mail(&cloaked)), (None, None));
    let on = Image::of(LinkRows {
        options: LinkOptions { ssl: true, cloaked: true, in_pages: false },
        ..domains(&["bank.com"])
    });
    assert_eq!(on.mail(&spoof), Some(LinkFinding::SslSpoof));
    assert_eq!(on.mail(&cloaked), Some(LinkFinding::Cloaked));
    // A page is looked at only when it was asked for.
    let page = FileType::from_clam_name(b"CL_TYPE_HTML").expect("a known name");
    assert!(Watch::of(page, false, Some(plain.lists())).is_none());
    let pages = Image::of(LinkRows {
        options: LinkOptions { in_pages: true, ..LinkOptions::default() },
        ..domains(&["bank.com"])
    });
    assert!(Watch::of(page, false, Some(pages.lists())).is_some());
    assert!(Watch::of(page, true, Some(plain.lists())).is_some(), "a page that a mail has encoded");
}

#[test]
fn a_mail_without_html_has_no_links() {
    let image = Image::of(domains(&["bank.com"]));
    let text = format!("Content-Type: text/plain\n\n{}", link("http://evil.org", "bank.com"));
    assert_eq!(image.watch(FileType::Mail, text.as_bytes(), usize::MAX), None);
}

#[test]
fn expressions_are_those_of_posix() {
    let is = |expression: &str, subject: &str| {
        compile(expression).expect("an expression").is_match(subject.as_bytes())
    };
    assert!(is("a[]b]c", "a]c") && is("a[^]b]c", "axc") && !is("a[^]b]c", "a]c"));
    assert!(is("[[:alpha:]]+-[[:digit:]]", "ab-1"));
    assert!(is("a[\\.]b", "a\\b"), "no escapes inside of brackets");
    assert!(is("a[[]b", "a[b") && is("[a-]x", "-x") && is("[&&x]", "&"));
    assert!(is("ABC", "abc/") && !is("abc", "abcd"));
    for wrong in [
        "(a",
        "a)",
        "*a",
        "[a",
        "a\\1(b)",
        "[[=a=]]",
        "[[.a.]]",
        "[[:alpha]",
        "a{2,1}",
        "\\w",
        "\u{e9}",
        "(((a{100}){100}){100}){100}",
    ] {
        assert!(compile(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn addresses_are_taken_apart() {
    let place = |text: &str| Place::of(text.as_bytes());
    let host = |text: &str| place(text).map(|place| place.host);
    assert_eq!(host("HTTP://User:Pass@Host.Example:80/p?q#f").as_deref(), Some("host.example"));
    assert_eq!(host("//host.example/p").as_deref(), Some("host.example"));
    assert_eq!(host("http:host.example").as_deref(), Some("host.example"));
    assert_eq!(host("word"), None);
    assert_eq!(host("index.html1"), None);
    assert_eq!(host("mailto:a@host.example"), None);
    assert_eq!(host(""), None);
    assert_eq!(host(&format!("http://{}", "a".repeat(256))), None);
    let registered = |text| place(text).map(|place| place.registered().to_owned());
    assert_eq!(registered("a.b.bank.com").as_deref(), Some("bank.com"));
    assert_eq!(registered("a.b.bank.co.uk").as_deref(), Some("bank.co.uk"));
    assert_eq!(registered("bank.com").as_deref(), Some("bank.com"));
    let many = format!("http://{}example/{}?q", "a.".repeat(100), "d/".repeat(100));
    let expressions = place(&many).expect("a host").expressions();
    assert!(expressions.len() <= 30, "{} lookups", expressions.len());
}

#[test]
fn a_damaged_section_is_refused() {
    let rows = || LinkRows {
        pairs: vec![("a.b".into(), "c.d".into()), ("e.f".into(), "g.h".into())],
        regexes: vec![(RegexUse::Imitated, "x:y".into())],
        digests: vec![([7; 32], Class::Malware)],
        ..domains(&["bank.com", "shop.com"])
    };
    let good = rows().compile();
    assert!(Lists::check(&good).is_ok());
    assert!(Lists::check(&[]).is_ok());
    // The last bytes are texts; a row that needs them is not valid without them.
    for length in 1..good.len() {
        assert!(Lists::check(&good[..length]).is_err(), "cut to {length}");
    }
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        Lists::check(&bad).expect_err("damaged")
    };
    assert_eq!(with(0, 8), LinksFault::Header);
    assert_eq!(with(20, 200), LinksFault::Row("domains"));
    assert_eq!(with(36, 200), LinksFault::Row("pairs"));
    assert_eq!(with(68, 9), LinksFault::Row("expressions"));
    assert_eq!(with(80 + 32, 9), LinksFault::Row("digests"));
}
