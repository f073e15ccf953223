//! Spellings of blocked sites, each of which somebody may hope to get through with: all are blocked, by the
//! black list and by the database of categories alike.

use std::sync::LazyLock;

use baleen::policy::category::Database;
use baleen::policy::{List, Options, Policy, UrlDecision, UrlParts};

use crate::lists::{BLOCKED, database};

/// Entries that black list and database have both.
pub(crate) const ENTRIES: &str = "blocked.example
files.example/bad/page
query.example/get?id=7
10.1.2.3
2001:db8::bad
bücher.example
xn--e1afmkfd.xn--p1ai
";

/// Entries that only the database knows: ports, paths for all hosts.
const MORE: &str = "10.9.9.9:8080
port.example:443
/drop/evil.sh
";

/// How black list and database answer.
pub(crate) struct Judges {
    policy: Policy,
    database: Database,
}

impl Judges {
    pub(crate) fn get() -> &'static Self {
        static JUDGES: LazyLock<Judges> = LazyLock::new(|| {
            let mut black = List::default();
            assert!(black.add_file(ENTRIES).is_empty());
            let policy = Policy::compile(Options { black, ..Options::default() });
            let database = database(&[("l/domains", ENTRIES), ("l/urls", MORE)]);
            Judges { policy: policy.expect("a small list"), database }
        });
        &JUDGES
    }

    /// Whether the black list blocks a request, and whether the database does.
    pub(crate) fn blocked(&self, method: &str, target: &[u8], host: Option<&str>) -> (bool, bool) {
        let url = UrlParts::of(method.as_bytes(), target, host.map(str::as_bytes));
        let url = url.unwrap_or_else(|fault| panic!("{method} {}: {fault}", target.escape_ascii()));
        let black = matches!(self.policy.check_url(&url), UrlDecision::Black(_));
        (black, self.database.categories(&url) == BLOCKED)
    }
}

#[track_caller]
fn all_blocked(rows: &[&str]) -> usize {
    for row in rows {
        let blocked = Judges::get().blocked("GET", row.as_bytes(), None);
        assert_eq!(blocked, (true, true), "black list and database of {row:?}");
    }
    rows.len()
}

const HOSTS: &[&str] = &[
    "http://blocked.example/",
    "http://blocked.example",
    "http://blocked.example?x",
    "http://blocked.example#x",
    "https://blocked.example/",
    "HTTP://BLOCKED.EXAMPLE/",
    "http://Blocked.Example/",
    "ftp://blocked.example/x",
    "gopher://blocked.example/",
    "ws://blocked.example/",
    "http://www.blocked.example/",
    "http://a.b.c.d.e.f.g.h.blocked.example/",
    "http://blocked.example./",
    "http://blocked.example../",
    "http://www.blocked.example./",
    "http://.blocked.example/",
    "http://www..blocked.example/",
    "http://blocked..example/",
    "http://blocked.example:80/",
    "http://blocked.example:/",
    "http://blocked.example:8080/",
    "http://blocked.example:0/",
    "http://blocked.example:000080/",
    "http://blocked.example:99999/",
    "http://blocked.example:http/",
    "http://blocked.example:80:80/",
    "http://blocked.example:+80/",
    "http://user@blocked.example/",
    "http://user:password@blocked.example/",
    "http://@blocked.example/",
    "http://:@blocked.example/",
    "http://good.example@blocked.example/",
    "http://good.example:80@blocked.example/",
    "http://good.example%2f@blocked.example/",
    "http://good.example%23@blocked.example/",
    "http://good.example%40blocked.example/",
    "http://a@b@blocked.example/",
    "http://good.example\\@blocked.example/",
    "http://b%6cocked.example/",
    "http://%62%6c%6f%63%6b%65%64.example/",
    "http://blocked%2eexample/",
    "http://blocked%2Eexample/",
    "http://blocked.example%2e/",
    "http://%2562locked.example/",
    "http://%252562locked.example/",
    "http://blocked%252eexample/",
    "http://%%362locked.example/",
    "http://blo\tcked.example/",
    "http://blocked\r\n.example/",
    "http://blo cked.example/",
    "http://blocked.example%20/",
    "http://blocked.example%09/",
    "http://%20blocked.example/",
    "http://blocked.example%00/",
    "http://blocked.example%00.good.example/",
    "http://blocked.example%0d%0a/",
    "http://blocked.example%2f.good.example/",
    "http://blocked.example%5c.good.example/",
    "http://blocked.example%3f.good.example/",
    "http://blocked.example%23.good.example/",
    "http://blocked.example\\.good.example/",
    "http://blocked.example\\good.example/",
    "http://blocked.example%3a80/",
    "http:blocked.example/",
    "http:/blocked.example/",
    "http:///blocked.example/",
    "http:\\\\blocked.example/",
    "http:/\\blocked.example/",
    "https:\t//blocked.example/",
    "h\tttp://blocked.example/",
    " http://blocked.example/",
    "blocked.example/",
    "blocked.example",
    "1http://blocked.example/",
    "http://ｂｌｏｃｋｅｄ.example/",
    "http://blocked．example/",
    "http://blocked。example/",
    "http://blocked｡example/",
    "http://ⓑlocked.example/",
    "http://𝐛𝐥𝐨𝐜𝐤𝐞𝐝.example/",
    "http://blo\u{ad}cked.example/",
    "http://blo\u{200b}cked.example/",
    "http://blo\u{feff}cked.example/",
    "http://blo\u{2060}cked.example/",
    "http://bloc\u{212a}ed.example/",
    "http://%ef%bd%82locked.example/",
    "http://％62locked.example/",
    "http://\u{fffd}.blocked.example/",
    "http://%ff.blocked.example/",
    "http://-.blocked.example/",
    "http://_.blocked.example/",
    "http://a^b.blocked.example/",
    "http://xn--.blocked.example/",
    "http://xn--\u{e9}.blocked.example/",
    "http://[blocked.example]/",
    "http://[blocked.example/",
];

const ADDRESSES: &[&str] = &[
    "http://10.1.2.3/",
    "http://10.1.2.3./",
    "http://10.1.2.3:8080/",
    "http://10.1.515/",
    "http://10.66051/",
    "http://167838211/",
    "http://0xa010203/",
    "http://0XA010203/",
    "http://0xa.0x1.0x2.0x3/",
    "http://0x0a.0x01.0x02.0x03/",
    "http://012.01.02.03/",
    "http://0012.0001.0002.0003/",
    "http://01200201003/",
    "http://0xa.1.0x203/",
    "http://10.1.0x203/",
    "http://%31%30.1.2.3/",
    "http://10%2e1%2e2%2e3/",
    "http://１０.１.２.３/",
    "http://10。1。2。3/",
    "http://①0.1.2.3/",
    "http://266.257.258.259/",
    "http://4462805507/",
    "http://0x10a010203/",
    "http://user@10.1.2.3/",
    "http://[::ffff:10.1.2.3]/",
    "http://[::ffff:a01:203]/",
    "http://[::FFFF:0A01:0203]/",
    "http://[0:0:0:0:0:ffff:10.1.2.3]/",
    "http://[::10.1.2.3]/",
    "http://[::ffff:0:10.1.2.3]/",
    "http://[64:ff9b::10.1.2.3]/",
    "http://[64:ff9b::a01:203]/",
    "http://[::ffff:10.1.2.3%25eth0]/",
    "http://[10.1.2.3]/",
    "http://[2001:db8::bad]/",
    "http://[2001:DB8::BAD]/",
    "http://[2001:0db8:0000:0000:0000:0000:0000:0bad]/",
    "http://[2001:db8:0:0::bad]:80/",
    "http://[2001:db8::0.0.11.173]/",
    "http://[2001:db8::bad%25lo]/",
    "http://2001:db8::bad/",
    "http://[2001:db8::bad/",
    "http://[2001:db8::bad]x/",
    "http://%5b2001:db8::bad%5d/",
    "http://bücher.example/",
    "http://BÜCHER.example/",
    "http://bu\u{308}cher.example/",
    "http://b%C3%BCcher.example/",
    "http://xn--bcher-kva.example/",
    "http://XN--BCHER-KVA.example/",
    "http://www.bücher。example/",
    "http://пример.рф/",
    "http://ПРИМЕР.РФ/",
    "http://xn--e1afmkfd.рф/",
    "http://%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.%D1%80%D1%84/",
];

const PATHS: &[&str] = &[
    "http://files.example/bad/page",
    "http://files.example/bad/page/",
    "http://files.example/bad/page/more",
    "http://files.example/bad/page?x=y",
    "http://files.example/bad/page?",
    "http://files.example/bad/page#x",
    "http://files.example/bad/page;jsessionid=1",
    "http://files.example/bad/page&x",
    "https://WWW.FILES.EXAMPLE:8443/bad/page",
    "http://u:p@files.example/bad/page",
    "http://files.example./bad/page",
    "http://files.example/BAD/Page",
    "http://files.example//bad/page",
    "http://files.example/bad//page",
    "http://files.example///bad///page///",
    "http://files.example/./bad/page",
    "http://files.example/bad/./page",
    "http://files.example/x/../bad/page",
    "http://files.example/../bad/page",
    "http://files.example/../../../bad/page",
    "http://files.example/bad/x/../page",
    "http://files.example/bad/x/y/z/../../../page",
    "http://files.example/bad/page/x/..",
    "http://files.example/%62ad/page",
    "http://files.example/%62%61%64/%70%61%67%65",
    "http://files.example/%42ad/page",
    "http://files.example/%2562ad/page",
    "http://files.example/%252562ad/page",
    "http://files.example/%%36%32ad/page",
    "http://files.example/bad%2fpage",
    "http://files.example/bad%2Fpage",
    "http://files.example/bad%252fpage",
    "http://files.example/bad%5cpage",
    "http://files.example/bad\\page",
    "http://files.example\\bad\\page",
    "http://files.example/x/%2e%2e/bad/page",
    "http://files.example/x/%2e./bad/page",
    "http://files.example/x/.%2E/bad/page",
    "http://files.example/x/%252e%252e/bad/page",
    "http://files.example/x%2f..%2fbad/page",
    "http://files.example/x/..%2fbad/page",
    "http://files.example/x\\..\\bad\\page",
    "http://files.example/bad/%2e/page",
    "http://files.example/bad%c0%afpage",
    "http://files.example/x/%c0%ae%c0%ae/bad/page",
    "http://files.example/%c1%a2ad/page",
    "http://files.example/bad%u002fpage",
    "http://files.example/%u0062ad/page",
    "http://files.example/bad/page%00",
    "http://files.example/bad/page%00.jpg",
    "http://files.example/bad/page%3fx",
    "http://files.example/bad/page%23x",
    "http://files.example/x/..;/bad/page",
    "http://files.example/;a/../bad/page",
    "http://files.example/x/..;y=z/bad/page",
    "http://files.example/b\tad/page",
    "http://files.example/bad/pa\r\nge",
    "http://files.example/bad/page%2f",
    "http://query.example/get?id=7",
    "http://query.example/get?ID=7",
    "http://query.example/get?id=7&x=y",
    "http://query.example/get?id=7;x",
    "http://query.example/get?%69d=7",
    "http://query.example/get?id%3d7",
    "http://query.example/get?id=%37",
    "http://query.example/get?id=%2537",
    "http://query.example/get?id=7#x",
    "http://query.example/x/../get?id=7",
    "http://query.example//get?id=7",
    "http://query.example/get%3fid=7",
];

#[test]
fn no_spelling_of_a_blocked_site_gets_through() {
    let rows = all_blocked(HOSTS) + all_blocked(ADDRESSES) + all_blocked(PATHS);
    assert!(rows >= 150, "{rows} rows");
}

#[test]
fn other_forms_of_requests_are_read_as_well() {
    let long = "x".repeat(5_000);
    let rows: [(&str, String, Option<&str>); 28] = [
        ("CONNECT", "blocked.example:443".into(), None),
        ("CONNECT", "blocked.example".into(), None),
        ("CONNECT", "BLOCKED.EXAMPLE.:443".into(), Some("good.example")),
        ("CONNECT", "u@blocked.example:443".into(), None),
        ("CONNECT", "https://blocked.example:443/".into(), None),
        ("CONNECT", "10.66051:443".into(), None),
        ("CONNECT", "[::ffff:10.1.2.3]:443".into(), None),
        ("CONNECT", "2001:db8::bad:443".into(), None),
        ("GET", "/".into(), Some("blocked.example")),
        ("GET", "/".into(), Some(" Blocked.Example:80 ")),
        ("GET", "/".into(), Some("u@blocked.example")),
        ("GET", "/".into(), Some("blocked.example:x")),
        ("GET", "/bad/page".into(), Some("files.example")),
        ("GET", "//bad/page".into(), Some("files.example")),
        ("GET", "\\bad\\page".into(), Some("files.example")),
        ("GET", "bad/page".into(), Some("files.example")),
        ("GET", "/bad%2fpage".into(), Some("files.example.")),
        ("OPTIONS", "*".into(), Some("blocked.example")),
        ("GET", "http://blocked.example/".into(), Some("good.example")),
        ("GET", "http:blocked.example/".into(), Some("good.example")),
        ("get", "http://blocked.example/".into(), None),
        ("GET", format!("http://{long}@blocked.example/"), None),
        ("GET", format!("http://{long}.blocked.example/"), None),
        ("GET", format!("http://{}blocked.example/", "a.".repeat(500)), None),
        ("GET", format!("http://files.example/{long}/../bad/page"), None),
        (
            "GET",
            format!("http://files.example/{}bad/page", "x/".repeat(900) + &"../".repeat(900)),
            None,
        ),
        ("GET", format!("http://files.example/{}bad/page", "./".repeat(3_000)), None),
        ("GET", format!("http://files.example{}bad/page", "/".repeat(3_000)), None),
    ];
    for (method, target, host) in &rows {
        let blocked = Judges::get().blocked(method, target.as_bytes(), *host);
        // The last label of an address without brackets may be its port: nobody can tell.
        let is_unclear = target == "2001:db8::bad:443";
        assert!(is_unclear || blocked == (true, true), "{method} {target:?} {host:?}: {blocked:?}");
    }
}

#[test]
fn bytes_that_are_no_text_hide_nothing() {
    for target in [
        &b"http://\xff.blocked.example/"[..],
        b"http://\xc3.blocked.example/",
        b"http://www.blocked.example\x00.good.example/",
        b"http://files.example/bad/page/\xff",
        b"http://files.example/\xff/../bad/page",
        b"http://files.example/bad\xc0\xafpage",
        b"http://\xef\xbd\x82locked.example/",
    ] {
        let blocked = Judges::get().blocked("GET", target, None);
        assert_eq!(blocked, (true, true), "{}", target.escape_ascii());
    }
}

#[test]
fn ports_and_paths_for_all_hosts_are_evaded_no_more_easily() {
    for target in [
        "http://10.9.9.9:8080/",
        "http://10.9.9.9:08080/",
        "http://0xa090909:8080/",
        "http://[::ffff:10.9.9.9]:8080/x",
        "https://port.example/",
        "https://port.example:443/",
        "https://port.example:/x",
        "http://anywhere.example/drop/evil.sh",
        "http://10.0.0.1:81/drop//evil.sh?x",
        "http://anywhere.example/x/../drop/%65vil.sh",
        "http://anywhere.example/DROP\\evil.sh",
    ] {
        assert_eq!(
            Judges::get().blocked("GET", target.as_bytes(), None),
            (false, true),
            "{target}"
        );
    }
    assert_eq!(Judges::get().blocked("CONNECT", b"10.9.9.9:8080", None), (false, true));
    assert_eq!(Judges::get().blocked("CONNECT", b"port.example", None), (false, true));
}
