//! Addresses, lists of sites and the database of categories.

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use baleen::policy::category::{Builder, Database, Format};
use baleen::policy::path::{CanonicalPath, PathScratch};
use baleen::policy::{Categories, Category, Host, List, Options, Policy, UrlParts};

use super::harness::Target;

pub(crate) const ALL: [Target; 4] = [
    Target { name: "addresses", corpus: addresses, words: ADDRESS_WORDS, run: address },
    Target { name: "site_lists", corpus: lists, words: LIST_WORDS, run: list },
    Target { name: "category_image", corpus: images, words: &[], run: image },
    Target { name: "category_body", corpus: changes, words: &[], run: body },
];

const ADDRESS_WORDS: &[&[u8]] = &[
    b"http://",
    b"https:\\\\",
    b"%25",
    b"%2e%2e/",
    b"%c0%ae",
    b"%u002f",
    b"/../",
    b"//",
    b"..;/",
    b"@",
    b":80",
    b"[::ffff:10.0.0.1]",
    b"0x7f.1",
    b"xn--",
    b"\xef\xbc\x8e",
    b"\xe3\x80\x82",
    b"\xc2\xad",
    b"\0",
    b"blocked.example",
];

const LIST_WORDS: &[&[u8]] = &[
    b"\n",
    b"0.0.0.0 ",
    b"# ",
    b"/bad/path.sh",
    b":8080",
    b"*.",
    b"example.com",
    b"10.0.0.1",
    b"domain,",
    b"\"",
    b"(a|b)+",
    b"[[:alpha:]]{2,9}",
    b"://",
];

fn addresses() -> Vec<Vec<u8>> {
    [
        "http://user@www.Example.com:8080/a/../b//c?d=e#f",
        "http://b%6cocked.example%2e/%2562ad",
        "https://[2001:db8::1]:443/x",
        "http://0x7f.1/",
        // A sign within a number of 16 was taken once, and not twice.
        "htTp://0x+7f.1/",
        "http://пример.рф/ы",
        "blocked.example:443",
        "/only/a/path",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn judges() -> &'static (Policy, Database) {
    static JUDGES: LazyLock<(Policy, Database)> = LazyLock::new(|| {
        let entries = "blocked.example\nexample.com/b/c\n127.0.0.1\n";
        let mut black = List::default();
        assert!(black.add_file(entries).is_empty(), "good entries");
        let policy = Policy::compile(Options { black, ..Options::default() });
        let texts = [("domains", entries), ("expressions", "/ads/\n[0-9]{8}\n")];
        let database = Database::open(Arc::new(built(&texts))).expect("what was built opens");
        (policy.expect("a small list"), database)
    });
    &JUDGES
}

fn built(texts: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new();
    for (name, text) in texts {
        let format = Format::of(name).expect("a list");
        let categories = Categories::NONE.with(Category::Gambling);
        let mut list = builder.list(name, categories, format).expect("a few lists");
        for line in text.split_inclusive('\n') {
            list.line(line.as_bytes()).expect("a few lines");
        }
        assert_eq!(list.finish().bad, 0, "{text}");
    }
    let mut image = Cursor::new(Vec::new());
    builder.write(0, &mut image).expect("memory can be written");
    image.into_inner()
}

/// An address is read whatever it is; its host reads as itself, its path stays what it is; and list and
/// database agree about it.
fn address(input: &[u8]) {
    let (policy, database) = judges();
    for (method, target, host) in [
        (&b"GET"[..], input, None),
        (b"CONNECT", input, None),
        (b"GET", &b"/"[..], Some(input)),
        (b"GET", input, Some(&b"blocked.example"[..])),
    ] {
        let Ok(url) = UrlParts::of(method, target, host) else { continue };
        let text = url.host.as_str();
        assert_eq!(text.as_bytes(), url.host.as_bytes(), "a host is text");
        let again = if url.host.is_address() && text.contains(':') {
            format!("[{text}]")
        } else {
            text.to_owned()
        };
        // Deeper than it is undone, percent-encoding stays in a host that cannot exist.
        if let Ok(again) = Host::parse(again.as_bytes())
            && !text.contains('%')
        {
            assert_eq!(again.as_str(), text, "a canonical host reads as itself");
        }
        let mut scratch = PathScratch::new();
        let path = CanonicalPath::of(url.path, &mut scratch);
        assert!(path.as_bytes().starts_with(b"/"), "a canonical path begins with a slash");
        let black = matches!(policy.check_url(&url), baleen::policy::UrlDecision::Black(_));
        let mut by_entry = false;
        let mut all = Categories::NONE;
        database.explain(&url, &mut |source| {
            by_entry |= source.list == "domains";
            all = all.with(source.category);
        });
        assert_eq!(black, by_entry, "list and database disagree about {url:?}");
        assert_eq!(all, database.categories(&url), "reasons and categories of {url:?}");
    }
}

fn lists() -> Vec<Vec<u8>> {
    [
        "example.com\n*.b.example # why\n10.0.0.1:81\nhttp://c.example/x?y\n/bad/thing.sh\n",
        "127.0.0.1 localhost\n0.0.0.0 a.example b.example\n",
        "Domain,Malware\nevil.example,zeus\n\"q.example\",x\n",
        "(/banner/|/sponsor/)\n^[0-9]+\\.[0-9]+/x\\?q=[0-9]+$\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Every line is taken, left out or set aside, in every form; and what was built opens and is found.
fn list(input: &[u8]) {
    for name in ["domains", "t.csv", "expressions"] {
        let mut builder = Builder::new();
        let categories = Categories::NONE.with(Category::Gambling);
        let format = Format::of(name).expect("a list");
        let mut list = builder.list(name, categories, format).expect("one list");
        for line in input.split_inclusive(|&byte| byte == b'\n') {
            list.line(line).expect("a few lines");
        }
        let report = list.finish();
        assert!(report.loaded + report.skipped + report.bad >= report.lines, "{report:?}");
        let mut image = Cursor::new(Vec::new());
        let written = builder.write(0, &mut image);
        let Ok(written) = written else { continue };
        let opened = Database::open(Arc::new(image.into_inner()));
        let database = opened.expect("what was built opens");
        assert_eq!(database.counts(), written.counts);
    }
}

fn images() -> Vec<Vec<u8>> {
    let texts =
        [("domains", "example.com\nb.example/x\n10.0.0.1:81\n"), ("expressions", "/ads/\n")];
    vec![built(&texts), built(&[])]
}

/// Only what was written opens.
fn image(input: &[u8]) {
    if let Ok(database) = Database::open(Arc::new(input.to_vec())) {
        ask(&database);
    }
}

fn changes() -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for at in [0, 10, 60, 70, 100, 700, 2_000] {
        let mut change = vec![0; at];
        change.push(0x81);
        all.push(change);
    }
    all
}

/// A body that is not what was written, under digests that fit: opening refuses it, or every question ends.
fn body(input: &[u8]) {
    static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| images().swap_remove(0));
    let mut bytes = IMAGE.clone();
    for (byte, change) in bytes.iter_mut().skip(256).zip(input) {
        *byte ^= change;
    }
    if let Ok(database) = Database::open(Arc::new(baleen::policy::category::image::resealed(bytes)))
    {
        ask(&database);
    }
}

fn ask(database: &Database) {
    for text in [
        "http://www.example.com/ads/",
        "http://b.example/x/y",
        "http://10.0.0.1:81/",
        "http://a.example/bad/thing.sh?x",
    ] {
        let url = UrlParts::of(b"GET", text.as_bytes(), None).expect("an address");
        let mut all = Categories::NONE;
        database.explain(&url, &mut |source| all = all.with(source.category));
        assert_eq!(all, database.categories(&url));
    }
}
