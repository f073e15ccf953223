//! Block pages: what they say, what they never let through, and that there is always one.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::{connection, detection};
use crate::adaptation::page::{PageFacts, Pages, Rendered, TEMPLATE_NAMES, Template};
use crate::adaptation::{Cause, PolicyWhy, RuleReason, Threat, ThreatKind};
use crate::engine::verdict::Why;
use crate::policy::Category;

fn threat(name: &str, path: &str) -> Cause {
    Cause::Threat(Threat { kind: ThreatKind::of(name), detection: detection(name, path) })
}

fn facts(cause: &Cause) -> PageFacts<'_> {
    PageFacts {
        cause,
        url: b"http://example.com/file?a=1&b=2",
        host: b"example.com",
        user: "anna",
        time: "Sun, 06 Nov 1994 08:49:37 GMT",
        request_id: "0-17",
        contact: "help@example.com",
        accept: None,
        accept_language: None,
        is_head: false,
    }
}

fn embedded() -> Pages {
    Pages::compile(Vec::new()).expect("embedded templates are good")
}

fn own(name: &str, text: &str) -> Result<Pages, String> {
    let template = Template { name: name.to_owned(), text: text.to_owned() };
    Pages::compile(vec![template]).map_err(|fault| fault.to_string())
}

fn head(page: &Rendered) -> String {
    String::from_utf8(page.head.clone()).expect("a head is text")
}

fn body(page: &Rendered) -> String {
    String::from_utf8(page.body.clone()).expect("a page is UTF-8")
}

#[test]
fn the_page_of_a_threat_names_it() {
    let cause = threat("Win.Test.EICAR_HDB-1", "gzip>zip:a/b.exe");
    let page = embedded().render(&facts(&cause));
    let html = body(&page);
    for part in [
        "<title>A threat was blocked</title>",
        "Win.Test.EICAR_HDB-1",
        "gzip&gt;zip:a&#x2f;b.exe",
        "http:&#x2f;&#x2f;example.com&#x2f;file?a=1&amp;b=2",
        "<dd>anna</dd>",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "0-17",
        "<a href=\"mailto:help@example.com\">",
        "<html lang=\"en\">",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
}

#[test]
fn each_cause_has_its_page() {
    for (cause, title, detail) in [
        (Cause::BlackList("bad.example".into()), "This address is blocked", "bad.example"),
        (Cause::Type("image/png".into()), "This kind of file is blocked", "image&#x2f;png"),
        (
            Cause::Unchecked(Why::Encrypted),
            "The content could not be checked",
            "protected by a password",
        ),
        (
            Cause::Unchecked(Why::Broken("gzip")),
            "The content could not be checked",
            "It is damaged.",
        ),
        (
            Cause::Unchecked(Why::Failed),
            "The content could not be checked",
            "The scanner is not ready.",
        ),
    ] {
        let html = body(&embedded().render(&facts(&cause)));
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{title}\n{html}");
        assert!(html.contains(detail), "{detail}\n{html}");
    }
}

#[test]
fn each_cause_of_the_policy_has_its_words_and_its_code() {
    let rule = |reason| Cause::Rule { rule: "secret rule".into(), reason };
    for (cause, code, title, detail) in [
        (
            Cause::Category { category: Category::Gambling, source: "secret list".into() },
            "category",
            "This site is blocked",
            "Gambling",
        ),
        (rule(RuleReason::Category(Category::Jobs)), "category", "This site is blocked", "Jobs"),
        (rule(RuleReason::BlackList), "black-list", "This address is blocked", "list of addresses"),
        (rule(RuleReason::Text("not after six".into())), "rule", "This address is blocked", "six"),
        (
            Cause::Advertisement("secret.*".into()),
            "advertisement",
            "An advertisement was blocked",
            "does not load",
        ),
        (Cause::Hook, "hook", "This address is blocked", "A rule of this network"),
        (
            Cause::PolicyUnchecked(PolicyWhy::NoReputation),
            "policy-unchecked",
            "The address could not be checked",
            "did not answer",
        ),
    ] {
        let html = body(&embedded().render(&facts(&cause)));
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{title}\n{html}");
        assert!(html.contains(detail) && !html.contains("secret"), "{detail}\n{html}");
        let asked = PageFacts { accept: Some(b"application/json"), ..facts(&cause) };
        let value: serde_json::Value =
            serde_json::from_slice(&embedded().render(&asked).body).expect("JSON");
        assert_eq!(value["reason"], code);
    }
}

#[test]
fn the_head_is_exactly_this() {
    let cause = threat("A", "");
    let page = embedded().render(&facts(&cause));
    let want = format!(
        "HTTP/1.1 403 Forbidden\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: Baleen\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nContent-Language: en\r\n\
         Cache-Control: no-store\r\nVary: Accept, Accept-Language\r\nX-Content-Type-Options: nosniff\r\n\
         Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\r\n",
        page.body.len()
    );
    assert_eq!(head(&page), want);
}

#[test]
fn nothing_from_outside_becomes_markup_or_a_header() {
    let evil = "<script>alert('x')</script>\"><img src=x>\r\nX-Evil: 1\u{202e}";
    let cause = threat(evil, evil);
    let hostile =
        PageFacts { url: evil.as_bytes(), user: evil, time: "now\r\nX-Evil: 1", ..facts(&cause) };
    let page = embedded().render(&hostile);
    assert!(!head(&page).contains("X-Evil"));
    let html = body(&page);
    assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    assert!(html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains('\u{202e}'));
    let own = own("ERR_ACCESS_DENIED.html", "<p title=\"{{ threat }}\">{{ url }}</p>")
        .expect("a good template");
    let html = body(&own.render(&hostile));
    assert!(!html.contains("<script") && !html.contains("\"><img"), "{html}");
}

#[test]
fn a_page_for_head_has_the_length_and_no_body() {
    let cause = threat("A", "");
    let full = embedded().render(&facts(&cause));
    let page = embedded().render(&PageFacts { is_head: true, ..facts(&cause) });
    assert_eq!(page.head, full.head);
    assert!(page.body.is_empty());
}

#[test]
fn programs_get_the_same_facts_as_json() {
    let cause = threat("Eicar", "zip:a\"b");
    let page = embedded().render(&PageFacts { accept: Some(b"application/json"), ..facts(&cause) });
    assert!(head(&page).contains("Content-Type: application/json\r\n"));
    let value: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
    for (key, want) in [
        ("reason", "threat"),
        ("threat", "Eicar"),
        ("place", "zip:a\"b"),
        ("url", "http://example.com/file?a=1&b=2"),
        ("user", "anna"),
        ("request_id", "0-17"),
        ("contact", "help@example.com"),
    ] {
        assert_eq!(value[key], want, "{key}");
    }
    assert!(value.get("labels").is_none());
}

#[test]
fn empty_facts_leave_no_empty_lines_on_the_page() {
    let cause = Cause::Unchecked(Why::Time);
    let bare = PageFacts { url: b"", user: "", contact: "", ..facts(&cause) };
    let html = body(&embedded().render(&bare));
    for label in ["Address", "User", "Contact", "mailto"] {
        assert!(!html.contains(label), "{label}\n{html}");
    }
}

#[test]
fn long_and_broken_addresses_are_cut_and_shown() {
    let cause = threat("A", "");
    let url = [b"http://example.com/\xff".to_vec(), vec![b'a'; 5000]].concat();
    let html = body(&embedded().render(&PageFacts { url: &url, ..facts(&cause) }));
    assert!(html.contains("example.com&#x2f;\u{fffd}aaa") && html.contains("a…<"), "{html}");
    assert!(html.len() < 8000);
}

#[test]
fn embedded_pages_load_nothing() {
    for cause in [threat("A", "b"), Cause::BlackList("a".into()), Cause::Unchecked(Why::Time)] {
        let html = body(&embedded().render(&facts(&cause)));
        for outside in ["src=", "<link", "@import", "url(", "<script", "http://www", "https://"] {
            assert!(!html.contains(outside), "{outside}\n{html}");
        }
    }
}

#[test]
fn an_own_template_takes_the_place_of_its_page_only() {
    let pages = own(
        "ERR_DOWNLOAD_BLOCK.html",
        "{% extends 'base.html' %}{% block facts %}no {{ detail }}{% endblock %}",
    )
    .expect("a good template");
    let listed = Cause::BlackList("bad.example".into());
    assert!(body(&pages.render(&facts(&listed))).contains("no bad.example"));
    let cause = threat("A", "");
    assert_eq!(pages.render(&facts(&cause)), embedded().render(&facts(&cause)));
}

#[test]
fn a_bad_template_is_refused_with_its_line() {
    for (name, text, want) in [
        ("ERR_FAILED_CHECK.html", "a\n{% if %}", "ERR_FAILED_CHECK.html:2: syntax error"),
        ("ERR_FAILED_CHECK.html", "\n\n{{ treat }}", "ERR_FAILED_CHECK.html:3: undefined value"),
        (
            "ERR_OTHER.html",
            "",
            "ERR_OTHER.html: there is no such page: expected one of ERR_ACCESS_DENIED.html",
        ),
        (
            "ERR_FAILED_CHECK.html",
            "{% for i in range(9999) %}{% for j in range(9999) %}{{ j }}{% endfor %}{% endfor %}",
            "ERR_FAILED_CHECK.html:1: engine ran out of fuel",
        ),
    ] {
        let fault = own(name, text).expect_err("a bad template");
        assert!(fault.starts_with(want), "{fault}");
    }
    let large = "x".repeat(300 << 10);
    let fault = own("ERR_FAILED_CHECK.html", &large).expect_err("a large template");
    assert_eq!(fault, "ERR_FAILED_CHECK.html: the page has 307200 bytes, 262144 are allowed");
}

#[test]
fn a_template_that_fails_later_gives_way_to_the_embedded_one() {
    let pages =
        own("ERR_ACCESS_DENIED.html", "{% if threat == 'late' %}{{ missing }}{% endif %}own")
            .expect("good so far");
    let early = threat("early", "");
    assert_eq!(body(&pages.render(&facts(&early))), "own");
    let late = threat("late", "");
    assert_eq!(pages.render(&facts(&late)), embedded().render(&facts(&late)));
}

#[test]
fn the_facts_of_a_request_come_from_its_heads() {
    let icap = "REQMOD icap://gw.test/reqmod ICAP/1.0\nHost: gw.test\nX-Client-Username: anna\n";
    let http =
        "HEAD /path HTTP/1.1\nHost: example.com\nAccept: application/json\nAccept-Language: de\n";
    let connection = connection(icap, &[("req-hdr", http)], None);
    let cause = threat("A", "");
    let facts = PageFacts::of(connection.request(), &cause, "then", "7", "");
    assert_eq!((facts.url, facts.host, facts.user), (&b"/path"[..], &b"example.com"[..], "anna"));
    assert_eq!(
        (facts.accept, facts.accept_language),
        (Some(&b"application/json"[..]), Some(&b"de"[..]))
    );
    assert!(facts.is_head);
    let page = embedded().render(&PageFacts { is_head: false, ..facts });
    let value: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
    assert_eq!(value["url"], "example.com/path");
}

#[test]
fn every_template_name_is_a_page() {
    for name in TEMPLATE_NAMES {
        assert!(own(name, "text").is_ok(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_adds_a_tag_or_a_line_to_the_head(name in any::<String>(), path in any::<String>(), user in any::<String>(), url in any::<Vec<u8>>()) {
        let pages = embedded();
        let tags = |page: &Rendered| page.body.iter().filter(|&&byte| byte == b'<').count();
        let lines = |page: &Rendered| page.head.iter().filter(|&&byte| byte == b'\n').count();
        // Empty facts have no tags of their own, so every fact begins with a letter.
        let cause = threat(&format!("A{name}"), &format!("A{path}"));
        let user = format!("A{user}");
        let url = [b"A".to_vec(), url].concat();
        let page = pages.render(&PageFacts { url: &url, user: &user, time: &name, ..facts(&cause) });
        let plain = threat("A", "A");
        let plain = pages.render(&PageFacts { url: b"A", user: "A", time: "A", ..facts(&plain) });
        prop_assert_eq!(tags(&page), tags(&plain));
        let dated = usize::from(!name.is_empty() && name.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert_eq!(lines(&page) + 1 - dated, lines(&plain));
    }
}
