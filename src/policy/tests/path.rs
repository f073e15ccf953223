//! One path, one spelling; what browsers say about it; and no bytes that break it.

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use crate::policy::path::{CanonicalPath, PATH_BYTES_MAX, PathScratch};

fn canonical(raw: &[u8]) -> (Vec<u8>, bool) {
    let mut scratch = PathScratch::new();
    let path = CanonicalPath::of(raw, &mut scratch);
    (path.as_bytes().to_vec(), path.is_complete())
}

#[track_caller]
fn check(raw: &str, want: &str) {
    let (bytes, complete) = canonical(raw.as_bytes());
    assert_eq!(bytes.escape_ascii().to_string(), want, "{raw:?}");
    assert!(complete, "{raw:?}");
}

#[test]
fn spellings_of_a_path_are_one() {
    for raw in [
        "/a/b",
        "/a//b",
        "//a/./b",
        "/x/../a/b",
        "/../a/b",
        "/a/x/y/../../b",
        "/%61/b",
        "/%2561/b",
        "/%25252561/b",
        "/%%361/b",
        "/a%2fb",
        "/a%5cb",
        "\\a\\b",
        "/a/%2e/b",
        "/a/x/%2E%2e/b",
        "/a/x/.%252e/b",
        "/A/B",
        "/a/b#fragment",
        "/a\t/\r\nb",
        "/a%c0%afb",
        "/a/x%c0%af%c0%ae%c0%ae/b",
        "/a%u002fb",
        "/x/..;y/a/b",
        "/x/..;/a/.;/b",
        "a/b",
    ] {
        check(raw, "/a/b");
    }
}

#[test]
fn what_is_another_path_stays_one() {
    check("", "/");
    check("?q", "/?q");
    check("/a/b/", "/a/b/");
    check("/a/b/.", "/a/b/");
    check("/a/b/..", "/a/");
    check("/a/...", "/a/...");
    check("/a/.b", "/a/.b");
    check("/a/..b", "/a/..b");
    check("/a;p", "/a;p");
    check("/%", "/%");
    check("/%g1", "/%g1");
    check("/%u12", "/%u12");
    check("/a?x=../b//c\\d", "/a?x=../b//c\\\\d");
    check("/a?X+y=%20%3f", "/a?x y= ?");
    check("/a%3fx/../b", "/b");
    check("/%c0", "/\\xc0");
    check("/\u{e9}", "/\\xc3\\xa9");
}

#[test]
fn what_is_behind_the_room_counts_for_dot_segments_only() {
    let long = "x".repeat(3 * PATH_BYTES_MAX);
    check(&format!("/{long}/../ad"), "/ad");
    check(&format!("/a/{long}/y/z/../../../b"), "/a/b");
    check(&format!("/a/{}b", format!("{long}/y/../../").repeat(9)), "/a/b");
    check(&format!("/{}ad", "y/".repeat(2000) + &"../".repeat(2000)), "/ad");
    let (bytes, complete) = canonical(format!("/a/{long}").as_bytes());
    assert!(!complete && bytes.len() == PATH_BYTES_MAX + 1 && bytes.starts_with(b"/a/xx"));
}

/// The same, written as plainly as possible: rounds, then segments on a stack.
fn naive(raw: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> = raw.trim_ascii().to_vec();
    if let Some(end) = text.iter().position(|&byte| byte == b'#') {
        text.truncate(end);
    }
    text.retain(|byte| !b"\t\r\n".contains(byte));
    let at = text.iter().position(|&byte| byte == b'?').unwrap_or(text.len());
    let query = text.split_off(at);
    let mut stack: Vec<Vec<u8>> = Vec::new();
    let path: Vec<u8> =
        rounds(text).into_iter().map(|byte| if byte == b'\\' { b'/' } else { byte }).collect();
    let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let mut open = false;
    for (index, segment) in segments.iter().enumerate() {
        let name = segment.split(|&byte| byte == b';').next().expect("one at least");
        open = false;
        match name {
            b"." => {}
            b".." => drop(stack.pop()),
            _ if segment.is_empty() => continue,
            _ => {
                stack.push(segment.to_vec());
                open = index + 1 == segments.len();
            }
        }
    }
    let mut out = b"/".to_vec();
    out.extend(stack.join(&b'/'));
    if !open && !stack.is_empty() {
        out.push(b'/');
    }
    out.extend(rounds(query).into_iter().map(|byte| if byte == b'+' { b' ' } else { byte }));
    out.make_ascii_lowercase();
    out
}

fn rounds(mut text: Vec<u8>) -> Vec<u8> {
    for _ in 0..4 {
        let mut next = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let pair = text.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
            let is_hex = |pair: &&str| pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            match pair.filter(is_hex).filter(|_| text[at] == b'%') {
                Some(pair) => {
                    next.push(u8::from_str_radix(pair, 16).expect("two digits"));
                    at += 3;
                }
                None => {
                    next.push(text[at]);
                    at += 1;
                }
            }
        }
        text = next;
    }
    text
}

proptest! {
    #[test]
    fn it_agrees_with_a_plain_reading(raw in "[/.;%2eEfF5cC?#+ab\\\\\t]{0,60}") {
        prop_assert_eq!(canonical(raw.as_bytes()), (naive(raw.as_bytes()), true), "{}", raw);
    }

    #[test]
    fn no_bytes_make_it_panic_and_its_borders_are_inside(raw in prop::collection::vec(any::<u8>(), 0..3000)) {
        let mut scratch = PathScratch::new();
        let path = CanonicalPath::of(&raw, &mut scratch);
        prop_assert!(path.as_bytes().starts_with(b"/") && path.query_at() <= path.as_bytes().len());
        prop_assert!(path.prefixes().all(|prefix| path.as_bytes().starts_with(prefix)));
    }

    /// Browsers decode less and keep case and doubled slashes, so both are read by them first.
    #[test]
    fn what_a_browser_makes_of_an_address_is_the_same_place(
        host in "[a-zA-Z0-9àß]{1,8}(\\.|。|%2e)[a-zA-Z]{2,5}",
        path in "(/|\\\\|/\\./|/x/\\.\\./|/%2e%2E/)[a-z/.%&=é ]{0,20}",
    ) {
        let raw = format!("http://{host}{path}");
        if let Ok(browser) = url::Url::parse(&raw) {
            let ours = crate::policy::UrlParts::of(b"GET", raw.as_bytes(), None).expect("a host");
            let theirs = crate::policy::UrlParts::of(b"GET", browser.as_str().as_bytes(), None).expect("a host");
            prop_assert_eq!(ours.host, theirs.host);
            prop_assert_eq!(Some(ours.host.as_str()), browser.host_str());
            prop_assert_eq!(canonical(ours.path), canonical(theirs.path));
        }
    }
}
