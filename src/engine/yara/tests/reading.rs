//! One bad rule costs one rule, and says where it is.

use super::super::split::{Item, split};
use super::{engine, found, image};
use crate::engine::database::report::Unsupported;
use crate::engine::limits::Limits;

const MIXED: &[u8] = br#"// a set with everything
import "pe"
import "cuckoo"
include "other.yar"
rule good { strings: $a = "}{ // \" /*" $b = /[a-z"]{3}\/}/ $c = { 61 ( 62 | 63 ) [2] 64 /* } */ } condition: any of them }
rule no_string { condition: $missing }
private rule helper { strings: $h = "helper string" condition: $h }
rule uses_helper { condition: helper and filesize < 1MB }
rule outside { condition: filename == "a.exe" }
rule sandbox { condition: cuckoo.network.http_request(/x/) }
rule after_outside { condition: outside }
rule good { condition: true }
rule unfinished { strings: $a = "open
  condition: $a
rule last : tag { meta: a = "b" strings: $a = "last string" condition: $a }
"#;

#[test]
fn each_piece_has_its_fate_and_its_place() {
    let (image, files) = image(&[("mixed.yar", MIXED)]);
    let totals = &files[0].totals;
    let unsupported = vec![(Unsupported::YaraVariable, 2), (Unsupported::YaraModule, 1)];
    assert_eq!(totals.unsupported, unsupported, "{:?}", files[0].bad);
    assert_eq!((totals.loaded, totals.bad, totals.ignored), (4, 4, 0), "{:?}", files[0].bad);
    assert_eq!(totals.lines, totals.loaded + totals.bad + totals.unsupported_count());
    let places: Vec<(u64, u64)> = files[0].bad.iter().map(|bad| (bad.line, bad.column)).collect();
    assert_eq!(places, [(4, 1), (6, 29), (12, 6), (13, 33)], "{:?}", files[0].bad);
    let rules = image.facts().rules;
    assert_eq!((rules.total(), rules.private), (3, 1), "{rules:?}");
    assert_eq!(image.facts().signatures(), 3);
}

#[test]
fn the_rules_beside_a_bad_one_run() {
    let engine = engine(&[("mixed.yar", MIXED)], Limits::default());
    let names = |bytes: &[u8]| found(&engine, bytes).into_iter().collect::<Vec<_>>();
    assert_eq!(
        names(b"here is a last string and a helper string"),
        ["YARA.last.UNOFFICIAL", "YARA.uses_helper.UNOFFICIAL"]
    );
    assert_eq!(names(b"here is axb..d and }{ // \" /* "), ["YARA.good.UNOFFICIAL"]);
    assert!(names(b"nothing of the kind").is_empty());
}

#[test]
fn an_ignored_rule_is_not_reported_and_still_serves_others() {
    let mut sources = crate::engine::database::Sources::new(Default::default());
    sources.add_file("local.ign2", b"YARA.base\n");
    let text = b"rule base { strings: $a = \"base string\" condition: $a }\n\
                 rule above { condition: base }";
    sources.add_file("t.yar", text);
    let totals = sources.report().files[1].totals.clone();
    assert_eq!((totals.loaded, totals.ignored), (1, 1), "{totals:?}");
    let built = crate::engine::database::build(
        sources,
        &|bodies| crate::engine::matcher::compile(bodies, &Default::default()),
        &mut |_| {},
    );
    let image = crate::engine::database::Image::open(std::sync::Arc::new(built.image));
    let image = std::sync::Arc::new(image.expect("what was built opens"));
    let engine = std::sync::Arc::new(crate::engine::Engine::new(image, Limits::default()));
    let names: Vec<String> = found(&engine, b"a base string").into_iter().collect();
    assert_eq!(names, ["YARA.above.UNOFFICIAL"]);
}

#[test]
fn a_file_is_cut_where_rules_end() {
    let text = b"\xef\xbb\xbf/* rule no { } */ import \"pe\" rule a{condition:true}private rule b {strings:$a=/}\"/ condition:$a} junk";
    let items = split(text);
    let kinds: Vec<(&str, &[u8])> = items
        .iter()
        .map(|item| match item {
            Item::Import(_, name) => ("import", &text[name.clone()]),
            Item::Include(range) => ("include", &text[range.clone()]),
            Item::Rule(range) => ("rule", &text[range.clone()]),
            Item::Other(range) => ("other", &text[range.clone()]),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("import", &b"pe"[..]),
            ("rule", b"rule a{condition:true}"),
            ("rule", b"private rule b {strings:$a=/}\"/ condition:$a}"),
            ("other", b"junk"),
        ]
    );
    assert!(split(b" // nothing\n").is_empty());
    assert_eq!(split(b"rule"), [Item::Rule(0..4)]);
}
