//! Block pages: what they say, what they never let through, and that there is always one.

use super::{connection, detection};
use crate::adaptation::page::{
    LANGUAGE_TAGS, Options, PageFacts, Pages, REASONS, Rendered, Status, TEMPLATE_NAMES, Template,
    sample, sample_facts, template_of,
};
use crate::adaptation::{Cause, PolicyWhy, RuleReason, Threat, ThreatKind};
use crate::engine::verdict::Why;
use crate::policy::Category;

fn threat(name: &str, path: &str) -> Cause {
    Cause::Threat(Threat { kind: ThreatKind::of(name), detection: detection(name, path) })
}

fn facts(cause: &Cause) -> PageFacts<'_> {
    PageFacts {
        cause,
        method: b"GET",
        url: b"http://example.com/file?a=1&b=2",
        host: b"example.com",
        user: "anna",
        time: "Sun, 06 Nov 1994 08:49:37 GMT",
        request_id: "0-17",
        contact: "help@example.com",
        accept: None,
        accept_language: None,
        destination: None,
    }
}

fn embedded() -> Pages {
    Pages::compile(Options::default()).expect("embedded templates are good")
}

fn own(name: &str, text: &str) -> Result<Pages, String> {
    of_files(&[(name, text)])
}

/// Pages with these files in `TemplatesDir`.
fn of_files(files: &[(&str, &str)]) -> Result<Pages, String> {
    let template = |&(path, text): &(&str, &str)| {
        let (language, name) = match path.split_once('/') {
            Some((language, name)) => (Some(language.to_owned()), name),
            None => (None, path),
        };
        Template { language, name: name.to_owned(), text: text.to_owned() }
    };
    let templates = files.iter().map(template).collect();
    Pages::compile(Options { templates, ..Options::default() }).map_err(|fault| fault.to_string())
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
        assert!(html.contains(&format!("<h1 id=\"what\">{title}</h1>")), "{title}\n{html}");
        assert!(html.contains(detail), "{detail}\n{html}");
    }
}

#[test]
fn each_cause_of_the_policy_has_its_words_and_its_code() {
    let rule = |reason| Cause::Rule { rule: "secret rule".into(), reason };
    for (cause, code, title, detail) in [
        (
            Cause::Category { category: Category::Chats, source: "secret list".into() },
            "category",
            "This site is blocked",
            "<dt>Category</dt><dd class=\"strong\">Chats</dd>",
        ),
        (
            rule(RuleReason::Category(Category::Jobs)),
            "category",
            "This site is blocked",
            "Job offers",
        ),
        (rule(RuleReason::BlackList), "black-list", "This address is blocked", "list of addresses"),
        (rule(RuleReason::Text("not after six".into())), "rule", "This address is blocked", "six"),
        (
            Cause::Advertisement("secret.*".into()),
            "advertisement",
            "An advertisement was blocked",
            "are not loaded in this",
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
        assert!(html.contains(&format!("<h1 id=\"what\">{title}</h1>")), "{title}\n{html}");
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
         Cache-Control: no-store\r\nVary: Accept, Accept-Language, Sec-Fetch-Dest\r\nX-Content-Type-Options: nosniff\r\n\
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
    let page = embedded().render(&PageFacts { method: b"HEAD", ..facts(&cause) });
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
            "ERR_OTHER.html: there is no such page: expected one of base.html, ERR_ACCESS_DENIED.html",
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
    let http = "HEAD /path HTTP/1.1\nHost: example.com\nAccept: application/json\nAccept-Language: de\nSec-Fetch-Dest: image\n";
    let connection = connection(icap, &[("req-hdr", http)], None);
    let cause = threat("A", "");
    let facts = PageFacts::of(connection.request(), &cause, "then", "7", "");
    assert_eq!((facts.url, facts.host, facts.user), (&b"/path"[..], &b"example.com"[..], "anna"));
    assert_eq!(
        (facts.accept, facts.accept_language),
        (Some(&b"application/json"[..]), Some(&b"de"[..]))
    );
    assert_eq!((facts.method, facts.destination), (&b"HEAD"[..], Some(&b"image"[..])));
    let page = embedded().render(&PageFacts { method: b"GET", destination: None, ..facts });
    let value: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
    assert_eq!(value["url"], "example.com/path");
}

#[test]
fn a_language_has_templates_of_its_own_before_the_common_one() {
    let pages = of_files(&[
        ("de/ERR_DOWNLOAD_BLOCK.html", "deutsch {{ category_name }}"),
        ("ERR_DOWNLOAD_BLOCK.html", "{{ lang }} {{ category }}"),
    ])
    .expect("good templates");
    let cause = sample("category", Category::Gambling, None).expect("a reason");
    for (language, want) in
        [("de-AT", "deutsch Glücksspiel"), ("en", "en Gambling"), ("es", "es Gambling")]
    {
        let asked = PageFacts { accept_language: Some(language.as_bytes()), ..facts(&cause) };
        assert_eq!(body(&pages.render(&asked)), want);
    }
    let denied = threat("A", "");
    assert_eq!(pages.render(&facts(&denied)), embedded().render(&facts(&denied)));
    let path = |language| pages.own_template(&cause, language);
    assert_eq!(path("de").as_deref(), Some("de/ERR_DOWNLOAD_BLOCK.html"));
    assert_eq!(path("ru").as_deref(), Some("ERR_DOWNLOAD_BLOCK.html"));
    assert_eq!(pages.own_template(&denied, "de"), None);
    for (path, want) in [
        ("fr/ERR_DOWNLOAD_BLOCK.html", "there is no such language: expected one of en, de, ru, es"),
        ("de/base.html", "there is no such page"),
    ] {
        let fault = own(path, "text").expect_err("refused");
        assert!(fault.contains(path) && fault.contains(want), "{fault}");
    }
}

#[test]
fn an_own_base_changes_all_pages_and_one_that_fails_none() {
    let base = "<b>house</b>{{ title }}{% block advice %}{% endblock %}{% block facts %}{% endblock %}\
                {% if user == 'late' %}{{ missing }}{% endif %}";
    let pages = own("base.html", base).expect("a good base");
    for reason in REASONS {
        let cause = sample(reason, Category::Jobs, None).expect("a reason");
        let html = body(&pages.render(&facts(&cause)));
        assert!(html.starts_with("<b>house</b>"), "{html}");
        let late = PageFacts { user: "late", ..facts(&cause) };
        assert_eq!(pages.render(&late), embedded().render(&late), "{reason}");
    }
    let fault = own("base.html", "a\n{{ nothing }}").expect_err("a bad base");
    assert!(fault.starts_with("base.html:2: undefined value"), "{fault}");
}

#[test]
fn an_own_template_is_tried_with_every_reason_it_is_for() {
    let text = "{% if reason == 'advertisement' %}\n{{ nothing }}{% endif %}";
    let fault = own("ERR_DOWNLOAD_BLOCK.html", text).expect_err("a bad template");
    assert!(fault.starts_with("ERR_DOWNLOAD_BLOCK.html:2: undefined value"), "{fault}");
    assert!(own("ERR_FAILED_CHECK.html", text).is_ok());
}

#[test]
fn the_administrator_chooses_languages_and_their_default() {
    let languages = vec!["RU".to_owned(), "de".to_owned(), "tlh".to_owned()];
    let pages = Pages::compile(Options { languages, ..Options::default() }).expect("good");
    assert_eq!(pages.languages().collect::<Vec<_>>(), ["ru", "de"]);
    let cause = threat("A", "");
    for (wanted, lang) in [("de", "de"), ("en", "ru"), ("", "ru"), ("es, de;q=0.1", "de")] {
        let asked = PageFacts { accept_language: Some(wanted.as_bytes()), ..facts(&cause) };
        assert!(
            body(&pages.render(&asked)).contains(&format!("<html lang=\"{lang}\">")),
            "{wanted}"
        );
    }
    assert_eq!(embedded().languages().collect::<Vec<_>>(), LANGUAGE_TAGS);
}

#[test]
fn the_status_is_the_administrators_but_no_tunnel_is_promised() {
    let cause = threat("A", "");
    for (status, method, line) in [
        (Status::Forbidden, "GET", "HTTP/1.1 403 Forbidden\r\n"),
        (Status::Ok, "GET", "HTTP/1.1 200 OK\r\n"),
        (Status::Ok, "HEAD", "HTTP/1.1 200 OK\r\n"),
        (Status::Ok, "CONNECT", "HTTP/1.1 403 Forbidden\r\n"),
        (Status::Legal, "GET", "HTTP/1.1 451 Unavailable For Legal Reasons\r\n"),
        (Status::Legal, "CONNECT", "HTTP/1.1 451 Unavailable For Legal Reasons\r\n"),
    ] {
        let pages = Pages::compile(Options { status, ..Options::default() }).expect("good");
        let page = pages.render(&PageFacts {
            method: method.as_bytes(),
            url: b"example.com:443",
            ..facts(&cause)
        });
        assert!(head(&page).starts_with(line), "{status:?} {method}");
        assert_eq!(page.body.is_empty(), method == "HEAD");
    }
}

#[test]
fn parts_of_pages_get_next_to_nothing_and_keep_their_type() {
    let block = sample("category", Category::Gambling, None).expect("a reason");
    let advert = sample("advertisement", Category::Gambling, None).expect("a reason");
    for (cause, destination, media_type, begins, bytes_max) in [
        (&block, "image", "image/svg+xml", "<svg ", 400),
        (&advert, "image", "image/gif", "GIF89a", 43),
        (&block, "style", "text/css; charset=utf-8", "/* This site is blocked (0-17) */", 80),
        (&block, "script", "text/javascript; charset=utf-8", "/* This site", 80),
        (&block, "font", "text/plain; charset=utf-8", "This site is blocked\n\nThe site", 600),
        (&block, "empty", "application/json", "{\"lang\":\"en\",\"reason\":\"category\"", 700),
    ] {
        let page = embedded().render(&PageFacts {
            destination: Some(destination.as_bytes()),
            accept: Some(b"*/*"),
            ..facts(cause)
        });
        assert!(head(&page).contains(&format!("Content-Type: {media_type}\r\n")), "{destination}");
        assert!(head(&page).contains("Cache-Control: no-store\r\n"), "{destination}");
        assert!(
            page.body.starts_with(begins.as_bytes()) && page.body.len() <= bytes_max,
            "{destination}"
        );
    }
    let text = embedded().render(&PageFacts { accept: Some(b"text/plain"), ..facts(&block) });
    for line in
        ["Category: Gambling\n", "Address: http://example.com/file?a=1&b=2\n", "Request: 0-17\n"]
    {
        assert!(body(&text).contains(line), "{line}");
    }
}

#[test]
fn every_reason_has_a_sample_with_its_code_and_a_template() {
    for reason in REASONS {
        let cause = sample(reason, Category::Jobs, Some("given")).expect("a reason");
        let asked = PageFacts { accept: Some(b"application/json"), ..sample_facts(&cause) };
        let value: serde_json::Value =
            serde_json::from_slice(&embedded().render(&asked).body).expect("JSON");
        assert_eq!(value["reason"], reason);
        assert!(TEMPLATE_NAMES.contains(&template_of(&cause)));
    }
    assert!(sample("nothing", Category::Jobs, None).is_none());
}

#[test]
fn every_template_name_is_a_page() {
    for name in TEMPLATE_NAMES.into_iter().filter(|name| *name != "base.html") {
        assert!(own(name, "text").is_ok(), "{name}");
    }
}
