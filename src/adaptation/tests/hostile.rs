//! Values from outside that try to become markup, script or a header: every variable, every form.
//!
//! The oracle reads a page as a browser does, tag by tag, and compares it with the page of harmless
//! values: the tags and their attributes have to be the same, and the text has to be the value again.

use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::adaptation::page::{
    LANGUAGE_TAGS, Options, PageFacts, Pages, REASONS, Rendered, sample, sample_facts,
};
use crate::policy::Category;

/// What stands between the tags of a page, and the tags.
#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    tags: Vec<String>,
    texts: Vec<String>,
}

/// Reads markup strictly: whatever an HTML parser could take for something else is refused.
fn parse(html: &str) -> Parsed {
    let (mut tags, mut texts) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        texts.push(unescaped(&rest[..open]));
        let inner = &rest[open + 1..];
        let close = inner.find('>').expect("every tag ends");
        let tag = &inner[..close];
        assert!(
            tag.starts_with(|letter: char| letter.is_ascii_alphabetic() || "/!".contains(letter)),
            "no tag: {tag}"
        );
        assert!(!tag.contains('<'), "a tag in a tag: {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes pair up: {tag}");
        assert!(!tag.contains('\''), "only double quotes: {tag}");
        tags.push(tag.to_owned());
        rest = &inner[close + 1..];
        if tag == "style" {
            let end = rest.find("</style").expect("the style sheet ends");
            tags.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    texts.push(unescaped(rest));
    Parsed { tags, texts }
}

/// Text with the references that the template engine writes; any other `&` is a fault.
fn unescaped(text: &str) -> String {
    const REFERENCES: [(&str, char); 6] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&#x27;", '\''),
        ("&#x2f;", '/'),
    ];
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = REFERENCES.iter().find(|(reference, _)| rest.starts_with(reference));
        let (reference, letter) = found.unwrap_or_else(|| panic!("a bare ampersand: {rest}"));
        plain.push(*letter);
        rest = &rest[reference.len()..];
    }
    plain + rest
}

fn pages() -> Pages {
    Pages::compile(Options::default()).expect("embedded templates are good")
}

fn html(page: &Rendered) -> String {
    String::from_utf8(page.body.clone()).expect("a page is UTF-8")
}

/// Every variable that comes from outside, or from a file, is this text. All begin with a letter, for an
/// empty one has no tags of its own.
fn render(pages: &Pages, reason: &str, value: &str, accept: &str) -> Rendered {
    let cause = sample(reason, Category::Gambling, Some(value)).expect("a reason");
    let facts = PageFacts {
        url: value.as_bytes(),
        host: value.as_bytes(),
        user: value,
        time: value,
        request_id: value,
        contact: value,
        accept: Some(accept.as_bytes()),
        accept_language: Some(value.as_bytes()),
        ..sample_facts(&cause)
    };
    pages.render(&facts)
}

const HOSTILE: [&str; 16] = [
    "x<script>alert(1)</script>",
    "x\"><img src=x onerror=alert(1)>",
    "x' onmouseover='alert(1)",
    "x</title></style></main><iframe src=//evil.example>",
    "javascript:alert(1)@x",
    "x@\" onclick=\"alert(1)",
    "x{{ 7 * 7 }}{% include 'base.html' %}",
    "x<!--",
    "x-->",
    "x]]>",
    "x&lt;script&gt;&amp;&#60;",
    "x\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "x\u{0}\u{8}\u{1b}[2J",
    "x\u{202e}gpj.exe\u{2066}",
    "x+ADw-script+AD4-",
    "x*/alert(1)/*",
];

#[test]
fn no_value_changes_the_tags_of_any_page() {
    let pages = pages();
    for reason in REASONS {
        for value in HOSTILE {
            // Whether there is an `@` decides about the link to the contact.
            let plain = if value.contains('@') && !value.contains(' ') { "x@y" } else { "xy" };
            let page = parse(&html(&render(&pages, reason, value, "text/html")));
            let harmless = parse(&html(&render(&pages, reason, plain, "text/html")));
            let tags = |parsed: &Parsed| {
                let contact = |tag: &String| !tag.starts_with("a href=\"mailto:");
                parsed.tags.iter().filter(|tag| contact(tag)).cloned().collect::<Vec<_>>()
            };
            assert_eq!(tags(&page), tags(&harmless), "{reason} {value}");
            let seen = page.texts.iter().any(|text| text.starts_with('x') || text.contains(": x"));
            assert!(seen || value.starts_with("javascript"), "{reason} {value}");
        }
    }
}

#[test]
fn no_value_becomes_a_field_of_the_head() {
    let pages = pages();
    for accept in ["text/html", "application/json", "text/plain", "text/css", "image/png"] {
        for value in HOSTILE {
            let page = render(&pages, "threat", value, accept);
            let head = String::from_utf8(page.head).expect("a head is text");
            assert!(head.ends_with("\r\n\r\n"), "{head}");
            assert_eq!(head.matches("\r\n\r\n").count(), 1, "{head}");
            assert!(!head.contains("Set-Cookie"), "{head}");
            for line in head.trim_end().split("\r\n").skip(1) {
                let (name, _) = line.split_once(": ").expect("a field");
                assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-'));
            }
            let length = format!("Content-Length: {}\r\n", page.body.len());
            assert!(head.contains(&length), "{head}");
        }
    }
}

#[test]
fn the_other_forms_hold_values_as_values() {
    let pages = pages();
    for value in HOSTILE {
        let json = render(&pages, "rule", value, "application/json");
        let read: serde_json::Value = serde_json::from_slice(&json.body).expect("JSON");
        // Letters that hide or turn a line are the only ones that change.
        let user = read["user"].as_str().expect("a string");
        assert_eq!(user.chars().count(), value.chars().count());
        let mut changed = user.chars().zip(value.chars()).filter(|(one, other)| one != other);
        assert!(changed.all(|(one, _)| one == '\u{fffd}'), "{user}");
        assert_eq!(read["request_id"], *value);
        for accept in ["text/css", "text/javascript"] {
            let stand_in = String::from_utf8(render(&pages, "rule", value, accept).body);
            let stand_in = stand_in.expect("text");
            assert!(stand_in.starts_with("/* ") && stand_in.ends_with(" */\n"), "{stand_in}");
            assert_eq!((stand_in.matches("*/").count(), stand_in.lines().count()), (1, 1));
            assert!(!stand_in.contains('<'), "{stand_in}");
        }
        let picture = render(&pages, "rule", value, "image/png").body;
        assert!(picture.starts_with(b"<svg "));
        assert_eq!(picture, render(&pages, "rule", "harmless", "image/png").body);
    }
}

#[test]
fn every_language_and_reason_is_a_page_that_says_it() {
    let pages = pages();
    for tag in LANGUAGE_TAGS {
        for reason in REASONS {
            let cause = sample(reason, Category::Gambling, None).expect("a reason");
            let facts = PageFacts { accept_language: Some(tag.as_bytes()), ..sample_facts(&cause) };
            let page = pages.render(&facts);
            let read = parse(&html(&page));
            assert!(read.tags.contains(&format!("html lang=\"{tag}\"")), "{tag} {reason}");
            let title = read.tags.iter().position(|tag| tag == "title").expect("a title");
            assert!(read.texts[title + 1].chars().count() > 10, "{tag} {reason}");
            let head = String::from_utf8(page.head).expect("text");
            assert!(head.contains(&format!("Content-Language: {tag}\r\n")), "{head}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_changes_the_tags_of_a_page(value in any::<String>(), reason in 0..REASONS.len()) {
        let pages = pages();
        let value = format!("x{}", value.replace('@', "a"));
        let page = parse(&html(&render(&pages, REASONS[reason], &value, "text/html")));
        let plain = parse(&html(&render(&pages, REASONS[reason], "x", "text/html")));
        prop_assert_eq!(page.tags, plain.tags);
    }
}
