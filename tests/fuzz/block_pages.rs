//! The context of block pages: whatever a client, a list or a threat is called, a page stays a page.

use std::sync::LazyLock;

use baleen::adaptation::page::{Options, PageFacts, Pages, REASONS, sample, sample_facts};
use baleen::policy::Category;

use super::harness::Target;

pub(crate) const TARGET: Target =
    Target { name: "block_page", corpus: seeds, words: WORDS, run: page };

const WORDS: &[&[u8]] = &[
    b"<script>",
    b"</title>",
    b"\">",
    b"{{ 7 }}",
    b"{% if %}",
    b"&amp;",
    b"\r\n\r\n",
    b"*/",
    b"de;q=0.5, ",
    b"text/html",
    b"application/json",
    b"image/*",
    b"@",
    b"\xe2\x80\xae",
];

fn seeds() -> Vec<Vec<u8>> {
    vec![
        b"\x00http://a.example/\nanna\nen\ntext/html\ndocument".to_vec(),
        b"\x04/path\nanna@b\nde-CH, de;q=0.9\napplication/json\nempty".to_vec(),
        b"\x06a:443\n\n*;q=0.1\n*/*\nimage".to_vec(),
        b"\x02\n\n\ntext/css,*/*;q=0.1\nstyle".to_vec(),
    ]
}

/// The first byte is the reason; then lines: address, user, languages, types, destination.
fn page(input: &[u8]) {
    static PAGES: LazyLock<Pages> =
        LazyLock::new(|| Pages::compile(Options::default()).expect("embedded templates are good"));
    let (number, rest) = input.split_first().unwrap_or((&0, &[]));
    let mut lines = rest.split(|&byte| byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (url, user, languages, types, destination) = (line(), line(), line(), line(), line());
    let user = String::from_utf8_lossy(user);
    let reason = REASONS[usize::from(*number) % REASONS.len()];
    let cause = sample(reason, Category::Chats, Some(&user)).expect("a reason");
    let facts = PageFacts {
        url,
        host: url,
        user: &user,
        contact: &user,
        time: &user,
        request_id: &user,
        accept: Some(types),
        accept_language: Some(languages),
        destination: Some(destination),
        ..sample_facts(&cause)
    };
    let page = PAGES.render(&facts);
    let head = std::str::from_utf8(&page.head).expect("a head is text");
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n") && head.ends_with("\r\n\r\n"));
    assert_eq!(head.matches("\r\n\r\n").count(), 1, "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", page.body.len())), "{head}");
    if head.contains("Content-Type: text/html") {
        let html = std::str::from_utf8(&page.body).expect("a page is UTF-8");
        assert!(html.contains("<h1 id=\"what\">"), "{html}");
        for markup in ["<script", "<img", "onerror=\"", "javascript:\""] {
            assert!(!html.contains(markup), "{html}");
        }
        assert_eq!(html.matches("<title>").count(), 1, "{html}");
    } else if head.contains("Content-Type: application/json") {
        let read: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
        assert_eq!(read["reason"], reason);
    } else if head.contains("Content-Type: text/css") || head.contains("javascript") {
        let text = std::str::from_utf8(&page.body).expect("text");
        assert_eq!((text.matches("*/").count(), text.lines().count()), (1, 1), "{text}");
    }
}
