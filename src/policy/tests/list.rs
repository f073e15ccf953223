//! Black and white lists: what an entry covers, who wins, and that the table agrees with a plain search.

use proptest::prelude::{prop, prop_assert_eq, proptest};

use crate::policy::list::{PATH_BORDERS_MAX, PATH_BYTES_MAX};
use crate::policy::{List, Options, Policy, UrlDecision, UrlParts};

fn list(entries: &[&str]) -> List {
    let mut list = List::default();
    for entry in entries {
        list.add(entry).expect("a good entry");
    }
    list
}

fn policy(black: &[&str], white: &[&str]) -> Policy {
    let options = Options { black: list(black), white: list(white), ..Options::default() };
    Policy::compile(options).expect("small lists")
}

fn decision(policy: &Policy, url: &str) -> String {
    let url = UrlParts::of(b"GET", url.as_bytes(), None).expect("a good address");
    match policy.check_url(&url) {
        UrlDecision::Black(entry) => format!("black {entry}"),
        UrlDecision::White(entry) => format!("white {entry}"),
        UrlDecision::None => "-".to_owned(),
    }
}

#[track_caller]
fn check(black: &[&str], url: &str, want: &str) {
    let got = decision(&policy(black, &[]), url);
    assert_eq!(got, want, "{black:?} {url}");
}

#[test]
fn an_entry_covers_its_host_and_everything_below() {
    for entry in [
        "example.com",
        ".example.com",
        "*.example.com",
        "EXAMPLE.com.",
        "http://example.com:8080/",
        "example.com/",
    ] {
        check(&[entry], "http://example.com/", "black example.com");
        check(&[entry], "https://a.b.example.com:444/x", "black example.com");
        check(&[entry], "http://badexample.com/", "-");
        check(&[entry], "http://example.com.evil.example/", "-");
        check(&[entry], "http://com/", "-");
    }
}

#[test]
fn the_nearest_entry_is_named() {
    let entries = ["com", "example.com", "b.example.com", "a-b.example.com", "example.org"];
    check(&entries, "http://x.b.example.com/", "black b.example.com");
    check(&entries, "http://c.example.com/", "black example.com");
    check(&entries, "http://b-c.example.com/", "black example.com");
    check(&entries, "http://other.com/", "black com");
    check(&entries, "http://other.org/", "-");
    check(&entries, "http://zzz/", "-");
    check(&entries, "http://aaa/", "-");
}

#[test]
fn a_path_matches_up_to_a_border() {
    let entries = ["example.com/ad", "example.com/dir/", "example.com/?q=1"];
    check(&entries, "http://example.com/ad", "black example.com/ad");
    check(&entries, "http://www.example.com/ad/x", "black example.com/ad");
    check(&entries, "http://example.com/ad?x", "black example.com/ad");
    check(&entries, "http://example.com/%61%64/x", "black example.com/ad");
    check(&entries, "http://example.com/adventure", "-");
    check(&entries, "http://example.com/dir/x", "black example.com/dir/");
    check(&entries, "http://example.com/dir", "-");
    check(&entries, "http://example.com?q=1&x", "black example.com/?q=1");
    check(&entries, "http://example.com/?q=12", "-");
    check(&entries, "http://example.com/", "-");
    check(&entries, "http://example.com", "-");
    check(&entries, "http://example.com/x/../ad", "black example.com/ad");
    check(&entries, "http://example.com/AD", "black example.com/ad");
}

#[test]
fn a_path_entry_below_a_host_entry_and_the_other_way_round() {
    check(&["a.example.com/x", "example.com"], "http://a.example.com/y", "black example.com");
    check(&["a.example.com/x", "example.com"], "http://a.example.com/x", "black a.example.com/x");
    check(&["a.example.com", "example.com/x"], "http://a.example.com/y", "black a.example.com");
    check(&["example.com/x", "example.com"], "http://example.com/x", "black example.com");
}

#[test]
fn paths_at_the_limits_match_and_cost_a_bounded_time() {
    let long = format!("example.com/{}", "p".repeat(PATH_BYTES_MAX - 1));
    check(&[&long], &format!("http://{long}"), &format!("black {long}"));
    check(&[&long], &format!("http://{long}/more"), &format!("black {long}"));
    check(&[&long], &format!("http://{long}more"), "-");
    let deep = format!("example.com{}/", "/a".repeat(PATH_BORDERS_MAX - 1));
    check(&[&deep], &format!("http://{deep}x"), &format!("black {deep}"));
    check(&[&deep], &format!("http://{deep}{}", "/b".repeat(9000)), &format!("black {deep}"));
}

#[test]
fn addresses_are_listed_whole() {
    check(&["10.0.0.1"], "http://10.0.0.1/", "black 10.0.0.1");
    check(&["10.0.0.1"], "http://0xa.1/", "black 10.0.0.1");
    check(&["10.0.0.1"], "http://10.0.0.12/", "-");
    check(&["0.0.1"], "http://10.0.0.1/", "-");
    check(&["2001:DB8::1"], "http://[2001:db8:0::1]/", "black 2001:db8::1");
    check(&["[2001:db8::1]:80/x"], "http://[2001:db8::1]/x", "black 2001:db8::1/x");
}

#[test]
fn black_beats_white_and_white_says_only_that_it_is_white() {
    let policy = policy(&["bad.example.com"], &["example.com"]);
    assert_eq!(decision(&policy, "http://bad.example.com/"), "black bad.example.com");
    assert_eq!(decision(&policy, "http://good.example.com/"), "white example.com");
    assert_eq!(decision(&policy, "http://example.org/"), "-");
    assert_eq!(policy.entry_counts(), (1, 1));
    assert!(policy.has_lists());
}

#[test]
fn a_bad_entry_is_refused_with_the_reason() {
    #[track_caller]
    fn refused(text: &str, want: &str) {
        let mut list = List::default();
        assert_eq!(list.add(text).expect_err("a bad entry").to_string(), want, "{text:?}");
        assert!(list.is_empty());
    }
    refused("", "the host is empty");
    refused("exa*mple.com", "a '*' can only stand in front, as in *.example.com");
    refused("10.0.0.0/8", "an IP network cannot be listed: list addresses one by one");
    refused("2001:db8::/32", "an IP network cannot be listed: list addresses one by one");
    refused("при\u{fffd}мер.рф", "the host is no international name (UTS 46)");
    refused("a b.example", "a host cannot contain ' '");
    let long = format!("example.com/{}", "p".repeat(PATH_BYTES_MAX));
    refused(&long, "a path can have 1024 bytes and 64 parts at most");
    let deep = format!("example.com{}", "/a".repeat(PATH_BORDERS_MAX + 1));
    refused(&deep, "a path can have 1024 bytes and 64 parts at most");
}

#[test]
fn a_list_file_sets_bad_lines_aside() {
    let mut list = List::default();
    let faults = list.add_file("\u{feff}# our list\nexample.com\r\n\n ; note\n bad host.example \n.example.org\n10.0.0.0/8");
    let faults: Vec<String> =
        faults.iter().map(|fault| format!("{}: {}", fault.line, fault.fault)).collect();
    assert_eq!(
        faults,
        [
            "5: a host cannot contain ' '",
            "7: an IP network cannot be listed: list addresses one by one"
        ]
    );
    assert_eq!(list.len(), 2);
}

#[test]
fn a_file_that_is_no_list_is_given_up() {
    let mut list = List::default();
    assert_eq!(
        list.add_file(&"no list\n".repeat(5000)).len(),
        crate::policy::list::LINE_FAULTS_MAX
    );
}

#[test]
fn the_digest_follows_the_content_and_not_the_order() {
    let digest = |black: &[&str], white: &[&str]| policy(black, white).digest();
    let first = digest(&["a.example", "b.example/x"], &["c.example"]);
    assert_eq!(first, digest(&["b.example/x", "*.a.example", "a.example"], &["c.example"]));
    assert_ne!(first, digest(&["a.example", "b.example/y"], &["c.example"]));
    assert_ne!(first, digest(&["a.example", "b.example/x", "c.example"], &[]));
    assert_ne!(first, digest(&["c.example"], &["a.example", "b.example/x"]));
}

proptest! {
    #[test]
    fn the_table_agrees_with_a_plain_search(
        entries in prop::collection::vec("([ab-]{1,2}\\.){0,3}[ab]", 0..30),
        host in "([ab-]{1,2}\\.){0,4}[ab]",
    ) {
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let covering = entries.iter().filter(|entry| host == **entry || host.ends_with(&format!(".{entry}")));
        let want = covering.max_by_key(|entry| entry.len()).map_or_else(|| "-".to_owned(), |entry| format!("black {entry}"));
        prop_assert_eq!(decision(&policy(&entries, &[]), &format!("http://{host}/")), want);
    }
}

#[test]
fn without_lists_nothing_is_looked_up() {
    let empty = policy(&[], &[]);
    assert!(!empty.has_lists());
    assert_eq!(decision(&empty, "http://example.com/"), "-");
    assert!(policy(&[], &["a.example"]).has_lists() && policy(&["a.example"], &[]).has_lists());
}
