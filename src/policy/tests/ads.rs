//! Expressions about advertisements.

use crate::policy::{AdExpressions, AdList, UrlParts};

fn compiled(texts: &[&str]) -> AdList {
    let mut expressions = AdExpressions::default();
    for text in texts {
        expressions.add(text).expect("a good expression");
    }
    AdList::compile(expressions).expect("a few expressions")
}

#[track_caller]
fn check(texts: &[&str], address: &str, want: Option<&str>) {
    let url = UrlParts::of(b"GET", address.as_bytes(), None).expect("an address");
    assert_eq!(compiled(texts).find(&url), want, "{address}");
}

#[test]
fn an_expression_sees_host_and_path_or_the_whole_address() {
    let texts =
        ["^ads?[0-9]*\\.", "/banners?/", "\\.example/x$", "^https?://track", "size=[0-9]+x[0-9]+"];
    check(&texts, "http://ad1.example/", Some("^ads?[0-9]*\\."));
    check(&texts, "http://bad1.example/", None);
    check(&texts, "http://a.example/BANNER/x", Some("/banners?/"));
    check(&texts, "http://a.example/y/../%62anner/x", Some("/banners?/"));
    check(&texts, "http://a.example/x", Some("\\.example/x$"));
    check(&texts, "https://tracker.example/", Some("^https?://track"));
    check(&texts, "http://a.example/?size=10x20", Some("size=[0-9]+x[0-9]+"));
    check(&texts, "http://a.example/?u=https://track", None);
    check(&[], "http://a.example/", None);
}

#[test]
fn expressions_without_a_literal_are_asked_about_every_address() {
    check(&["^[a-f0-9]{8,}\\."], "http://0123456789ab.example/", Some("^[a-f0-9]{8,}\\."));
    check(&["^[a-f0-9]{8,}\\.", "/ads/"], "http://x.example/ads/", Some("/ads/"));
    check(&["(a|b)c|d"], "http://x.example/bc", Some("(a|b)c|d"));
}

#[test]
fn bad_expressions_are_told_with_their_place() {
    let refused = |text: &str| {
        let mut expressions = AdExpressions::default();
        let fault = expressions.add(text).expect_err("a bad expression");
        assert!(expressions.is_empty());
        format!("{} {fault}", fault.column())
    };
    assert_eq!(refused("ads("), "4 unclosed group");
    assert_eq!(refused("a{2,1}"), "2 invalid repetition count range, the start must be <= the end");
    assert_eq!(
        refused("(?=x)"),
        "1 look-around, including look-ahead and look-behind, is not supported"
    );
    assert_eq!(refused("x*"), "1 the expression fits the empty text: it would fit every address");
    assert_eq!(refused("(\\w{500}){500}"), "1 the expression needs too large an automaton");
    assert_eq!(refused(&"x".repeat(2049)), "1 an expression can have 2048 bytes at most");
    let mut expressions = AdExpressions::default();
    let faults = expressions.add_file("# ours\n/ads/\n\n  x(\n");
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), ["4:4: unclosed group"]);
    assert_eq!(expressions.len(), 1);
}

#[test]
fn doubled_expressions_count_once() {
    assert_eq!(compiled(&["/ads/", "/ads/", "/x/"]).len(), 2);
}
