//! Reading an address and looking it up takes no memory, unless an expression may fit.

use std::hint::black_box;

use baleen::policy::{AdExpressions, AdList, Categories, UrlParts};

use crate::counting::allocations;
use crate::lists::{TestLists, database};

#[test]
fn a_lookup_allocates_nothing() {
    let lists: TestLists<'_> = &[
        ("l/domains", "blocked.example\nexample.org\n10.0.0.1\n"),
        ("l/urls", "files.example/bad/page\nexample.org/a?b=c\n10.0.0.2:8080\n/any/evil.sh\n"),
        ("l/expressions", "(/banner/|/sponsor/)\n"),
    ];
    let database = database(lists);
    let mut expressions = AdExpressions::default();
    for text in ["^adserver[0-9]*\\.", "/banners?/", "^https?://track"] {
        expressions.add(text).expect("a good expression");
    }
    let ads = AdList::compile(expressions).expect("three expressions");
    let long = format!("http://{}files.example/{}", "a.b.c.".repeat(30), "x/../%62ad//".repeat(50));
    let addresses = [
        "http://www.blocked.example/",
        "http://files.example/bad/page/x?y=z",
        "http://files.example/%2562ad/./page",
        "http://user@10.0.0.2:8080/",
        "http://0xa.1/",
        "http://[2001:db8::1]/",
        "http://a.b.c.d.e.f.g.h.example.net/any/evil.sh",
        "http://example.org/a/b/c/d?e=f&g=h",
        &long,
    ];
    for address in addresses {
        let mut found = Categories::NONE;
        let count = allocations(|| {
            let url = UrlParts::of(b"GET", address.as_bytes(), None).expect("an address");
            found = black_box(database.categories(&url));
            assert!(black_box(ads.find(&url)).is_none());
        });
        assert_eq!(count, 0, "{address}: {found}");
    }
}
