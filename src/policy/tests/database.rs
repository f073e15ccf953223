//! Lists in, categories out: what an entry covers, why, and what happens to bad lines and bad images.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use crate::policy::category::{Builder, Database, Format, ImageFault, ListReport, Mapped, Mapping};
use crate::policy::{Categories, Category, UrlParts};

const ONE: Categories = Categories::NONE.with(Category::Gambling);
const TWO: Categories = Categories::NONE.with(Category::Drugs).with(Category::Weapons);

fn add(builder: &mut Builder, name: &str, categories: Categories, text: &str) -> ListReport {
    let format = Format::of(name.rsplit('/').next().expect("a name")).expect("a list");
    let mut list = builder.list(name, categories, format).expect("a few lists");
    for line in text.split_inclusive('\n') {
        list.line(line.as_bytes()).expect("a few lines");
    }
    list.finish()
}

fn image(lists: &[(&str, Categories, &str)]) -> Vec<u8> {
    let mut builder = Builder::new();
    for (name, categories, text) in lists {
        add(&mut builder, name, *categories, text);
    }
    let mut image = Cursor::new(Vec::new());
    let written = builder.write(7, &mut image).expect("memory can be written");
    assert_eq!(written.image_bytes, image.get_ref().len() as u64);
    image.into_inner()
}

fn database(lists: &[(&str, Categories, &str)]) -> Database {
    Database::open(Arc::new(image(lists))).expect("what was built opens")
}

fn url(text: &str) -> UrlParts<'_> {
    UrlParts::of(b"GET", text.as_bytes(), None).expect("an address")
}

fn reasons(database: &Database, address: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut union = Categories::NONE;
    database.explain(&url(address), &mut |source| {
        union = union.with(source.category);
        all.push(format!("{} {} {}", source.category, source.list, source.entry));
    });
    assert_eq!(
        union,
        database.categories(&url(address)),
        "{address}: reasons and categories differ"
    );
    all
}

#[track_caller]
fn check(text: &str, address: &str, want: &[&str]) {
    let found = reasons(&database(&[("l/domains", ONE, text)]), address);
    let found: Vec<&str> = found.iter().filter_map(|found| found.rsplit(' ').next()).collect();
    assert_eq!(found, want, "{text:?} {address}");
}

#[test]
fn a_host_counts_for_everything_below_it() {
    for entry in ["example.com", ".Example.com", "*.example.com", "http://example.com/"] {
        check(entry, "http://example.com/x", &["example.com"]);
        check(entry, "https://a.b.example.com:81/", &["example.com"]);
        check(entry, "http://badexample.com/", &[]);
        check(entry, "http://example.com.org/", &[]);
        check(entry, "http://com/", &[]);
    }
    check(
        "b.example.com\nexample.com",
        "http://a.b.example.com/",
        &["example.com", "b.example.com"],
    );
    check("b.example.com", "http://example.com/", &[]);
    check("пример.рф", "http://www.пример.рф/", &["xn--e1afmkfd.xn--p1ai"]);
}

#[test]
fn an_address_counts_for_itself() {
    check("10.0.0.1", "http://0xa.1/", &["10.0.0.1"]);
    check("10.0.0.1", "http://x.10.0.0.1/", &[]);
    check("0.0.1", "http://10.0.0.1/", &[]);
    check("2001:db8::1", "http://[2001:DB8:0::1]/", &["2001:db8::1"]);
}

#[test]
fn a_port_is_the_one_that_is_meant() {
    check("10.0.0.1:8080", "http://10.0.0.1:8080/", &["10.0.0.1:8080"]);
    check("10.0.0.1:8080", "http://10.0.0.1/", &[]);
    check("10.0.0.1:80", "http://10.0.0.1/", &["10.0.0.1:80"]);
    check("10.0.0.1:443", "https://10.0.0.1/", &["10.0.0.1:443"]);
    check("example.com:81", "http://www.example.com:81/", &["example.com:81"]);
    check("http://example.com:80/", "http://example.com:81/", &["example.com"]);
    let tunnel = UrlParts::of(b"CONNECT", b"10.0.0.1:4443", None).expect("an address");
    assert_eq!(database(&[("l", ONE, "10.0.0.1:4443")]).categories(&tunnel), ONE);
}

#[test]
fn a_path_matches_up_to_a_border() {
    let entries = "example.com/ad\nexample.com/dir/\nexample.com/?q=1\nexample.com/a?b=c";
    check(entries, "http://www.example.com/x/../%61d/y", &["example.com/ad"]);
    check(entries, "http://example.com/AD?x", &["example.com/ad"]);
    check(entries, "http://example.com/adventure", &[]);
    check(entries, "http://example.com/dir", &[]);
    check(entries, "http://example.com/dir/x", &["example.com/dir/"]);
    check(entries, "http://example.com?q=1&x", &["example.com/?q=1"]);
    check(entries, "http://example.com/a?b=c;d", &["example.com/a?b=c"]);
    check(entries, "http://example.com/", &[]);
    let tunnel = UrlParts::of(b"CONNECT", b"example.com:443", None).expect("an address");
    assert_eq!(database(&[("l", ONE, entries)]).categories(&tunnel), Categories::NONE);
}

#[test]
fn a_path_for_all_hosts_is_the_whole_path() {
    let entries = "/bad/evil.sh\n/gate/?id=\n/long-enough/";
    check(entries, "http://example.com/bad//evil.sh", &["/bad/evil.sh"]);
    check(entries, "http://10.0.0.1/bad/evil.sh?x", &["/bad/evil.sh"]);
    check(entries, "http://example.com/bad/evil.sh/more", &[]);
    check(entries, "http://example.com/x/bad/evil.sh", &[]);
    check(entries, "http://example.com/gate/?id=5", &["/gate/?id="]);
    check(entries, "http://example.com/gate/", &[]);
    check(entries, "http://example.com/long-enough/", &["/long-enough/"]);
}

#[test]
fn expressions_see_the_canonical_form() {
    let check = |expression: &str, address: &str, fits: bool| {
        let database = database(&[("l/expressions", ONE, expression)]);
        assert_eq!(database.categories(&url(address)) == ONE, fits, "{expression} {address}");
        assert_eq!(reasons(&database, address).len(), usize::from(fits));
    };
    check("(/banner/|/sponsor/)", "http://a.example/x/%42anner/y", true);
    check("(/banner/|/sponsor/)", "http://a.example/banner", false);
    check(r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/search\?q=[0-9]+$", "http://10.0.0.1/search?q=5", true);
    check(
        r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/search\?q=[0-9]+$",
        "http://a.example/search?q=5",
        false,
    );
    check("^https://ads", "https://ads.example/", true);
    check("^https://ads", "http://ads.example/", false);
    check("[0-9]{6}", "http://a.example/123456", true);
    check("X+Y", "http://a.example/xxy", true);
}

#[test]
fn an_entry_on_several_lists_has_all_their_categories() {
    let database = database(&[
        ("one/domains", ONE, "example.com\nonly.example"),
        ("two/domains", TWO, "example.com\nexample.com\nexample.com/x"),
    ]);
    assert_eq!(database.categories(&url("http://example.com/")), ONE.union(TWO));
    assert_eq!(database.categories(&url("http://only.example/")), ONE);
    assert_eq!(
        reasons(&database, "http://a.example.com/x"),
        [
            "Gambling one/domains example.com",
            "Weapons two/domains example.com",
            "Drugs two/domains example.com",
            "Weapons two/domains example.com/x",
            "Drugs two/domains example.com/x",
        ]
    );
    assert_eq!(
        (database.counts().hosts, database.counts().paths, database.counts().total()),
        (2, 1, 3)
    );
}

#[test]
fn lines_of_all_forms_are_read_and_bad_ones_have_their_place() {
    let read = |name: &str, text: &str| {
        let report = add(&mut Builder::new(), name, ONE, text);
        let faults = report.faults.iter();
        let faults =
            faults.map(|fault| format!("{}:{} {}", fault.line, fault.column, fault.reason));
        assert_eq!(report.bad, report.faults.len() as u64);
        (report.lines, report.loaded, report.skipped, faults.collect::<Vec<_>>())
    };
    let hosts = "127.0.0.1 localhost\n0.0.0.0 a.example b.example # both\n\n::1 ip6-localhost\n";
    assert_eq!(read("hosts", hosts), (4, 2, 3, vec![]));
    let plain =
        "\u{feff}# list\na.example # why\n; x\n http://b.example/x y\ncom\n/x\n10.0.0.0/8\n";
    let want = [
        "4:21 a blank: an entry is one word, unless the first is 0.0.0.0 or the like",
        "5:1 a name without a dot would stand for a whole top-level domain",
        "6:1 a path for all hosts needs 8 bytes: shorter ones are everywhere",
        "7:1 an IP network cannot be listed: list addresses one by one",
    ];
    assert_eq!(read("plain.txt", plain), (7, 1, 2, want.map(str::to_owned).to_vec()));
    let table = "id,Domain,x\n1,a.example,y\n2,\"b.example\",\"z,z\"\n3\n4,c d,e\n";
    let want = ["4:1 the line has too few columns", "5:3 a host cannot contain ' '"];
    assert_eq!(read("t.csv", table), (5, 2, 1, want.map(str::to_owned).to_vec()));
    assert_eq!(read("t.csv", "a.example;x\nb.example;y\n").1, 2, "without a heading");
    let expressions = "# x\n/ads/\na*\nx(\n";
    let want = [
        "3:1 the expression fits the empty text: it would fit every address",
        "4:2 unclosed group",
    ];
    assert_eq!(read("expressions", expressions), (4, 1, 1, want.map(str::to_owned).to_vec()));
}

#[test]
fn the_identity_is_that_of_the_content() {
    let lists = [("a/domains", ONE, "a.example\nb.example\n")];
    let mut builder = Builder::new();
    add(&mut builder, "a/domains", ONE, lists[0].2);
    let mut other = Cursor::new(Vec::new());
    builder.write(8, &mut other).expect("memory");
    let (first, other) =
        (database(&lists), Database::open(Arc::new(other.into_inner())).expect("good"));
    assert_eq!(first.digest(), other.digest());
    assert_ne!(first.created_seconds(), other.created_seconds());
    assert_ne!(first.digest(), database(&[("a/domains", TWO, lists[0].2)]).digest());
    assert_ne!(first.digest(), database(&[("a/domains", ONE, "a.example\n")]).digest());
}

#[test]
fn an_empty_database_knows_nothing() {
    let empty = database(&[]);
    assert_eq!(empty.categories(&url("http://a.example/x")), Categories::NONE);
    assert_eq!(empty.counts().total(), 0);
}

#[test]
fn every_entry_of_a_large_list_is_found_and_nothing_else() {
    let host =
        |number: u32| format!("h{:x}.d{}.example", number.wrapping_mul(2_654_435_761), number % 97);
    let text: String = (0..20_000).map(|number| host(number) + "\n").collect();
    let database = database(&[("l/domains", ONE, &text)]);
    for number in 0..20_000 {
        let listed = format!("http://www.{}/", host(number));
        assert_eq!(database.categories(&url(&listed)), ONE, "{listed}");
        let other = format!("http://{}/", host(number + 20_000));
        assert_eq!(database.categories(&url(&other)), Categories::NONE, "{other}");
    }
    let bytes = database.bytes_count() as u64;
    assert!(bytes < 40 * database.counts().total(), "{bytes} bytes");
}

#[test]
fn any_changed_byte_is_noticed() {
    let image =
        image(&[("a/domains", ONE, "a.example\nb.example/x\n"), ("a/expressions", TWO, "/ads/\n")]);
    for at in 0..image.len() {
        let mut damaged = image.clone();
        damaged[at] ^= 1;
        let opened = Database::open(Arc::new(damaged));
        // What is kept free behind the head says nothing.
        let is_free = (224..256).contains(&at);
        assert_eq!(opened.is_ok(), is_free, "byte {at}: {opened:?}");
    }
    for length in 0..image.len() {
        assert!(Database::open(Arc::new(image[..length].to_vec())).is_err(), "{length} bytes");
    }
    let other = Database::open(Arc::new(b"no image".to_vec()));
    assert_eq!(other.expect_err("no image"), ImageFault::Magic);
}

#[test]
fn lists_are_known_by_their_names() {
    let mut mapping = Mapping::builtin();
    let to = |category: Category| Mapped::To(Categories::NONE.with(category));
    assert_eq!(mapping.of("ut1/gambling/domains"), to(Category::Gambling));
    assert_eq!(mapping.of("trails/static/malware/elf_mirai.txt"), to(Category::InfectionSource));
    assert_eq!(mapping.of("static/suspicious/onion.txt"), to(Category::Anonymizers));
    assert_eq!(mapping.of("blackbook.csv"), to(Category::InfectionSource));
    assert_eq!(mapping.of("own/SocialNetworks/list.txt"), to(Category::SocialNetworks));
    assert_eq!(mapping.of("own/free_email.txt"), to(Category::FreeEmail));
    assert_eq!(mapping.of("ut1/cooking/domains"), Mapped::LeftOut);
    assert_eq!(mapping.of("ut1/something_new/domains"), Mapped::Unknown);
    let before = mapping.digest();
    let faults =
        mapping.add_file("# ours\nCooking = Drugs, Chats # why\n\nx\n y = Sport\ngambling = -\n");
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults[0], "4:1: expected \"list category = category\"");
    assert!(
        faults[1].starts_with("5:6: \"Sport\": expected one of InfectionSource, "),
        "{faults:?}"
    );
    assert_eq!(
        mapping.of("ut1/cooking/domains"),
        Mapped::To([Category::Drugs, Category::Chats].into_iter().collect())
    );
    assert_eq!(mapping.of("ut1/gambling/domains"), Mapped::LeftOut);
    assert_ne!(mapping.digest(), before);
}

proptest! {
    #[test]
    fn lookups_agree_with_a_plain_search(
        entries in prop::collection::vec("([ab]{1,2}\\.){1,3}[ab](/[ab]{1,2}){0,2}", 0..30),
        host in "([ab]{1,2}\\.){0,4}[ab]",
        path in "(/[ab]{1,2}){0,3}",
    ) {
        let database = database(&[("l/urls", ONE, &entries.join("\n"))]);
        let covers = |entry: &&String| {
            let (listed, prefix) = entry.split_at(entry.find('/').unwrap_or(entry.len()));
            let host_fits = host == listed || host.ends_with(&format!(".{listed}"));
            let path_fits = prefix.is_empty() || path == prefix || path.starts_with(&format!("{prefix}/"));
            host_fits && path_fits
        };
        let mut want: Vec<&str> = entries.iter().filter(covers).map(String::as_str).collect();
        want.sort_unstable();
        want.dedup();
        let mut found: Vec<String> = Vec::new();
        let address = format!("http://{host}{path}");
        database.explain(&url(&address), &mut |source| found.push(source.entry.to_owned()));
        found.sort_unstable();
        prop_assert_eq!(found, want);
    }

    #[test]
    fn no_line_makes_it_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..8)) {
        for name in ["domains", "t.csv", "expressions"] {
            let text = lines.join(&b'\n');
            let mut builder = Builder::new();
            let format = Format::of(name).expect("a list");
            let mut list = builder.list(name, ONE, format).expect("one list");
            for line in text.split_inclusive(|&byte| byte == b'\n') {
                list.line(line).expect("a few lines");
            }
            let report = list.finish();
            prop_assert!(report.loaded + report.skipped + report.bad >= report.lines);
            let mut image = Cursor::new(Vec::new());
            builder.write(0, &mut image).expect("memory");
            let database = Database::open(Arc::new(image.into_inner())).expect("what was built opens");
            prop_assert!(database.counts().total() <= report.loaded);
        }
    }
}
