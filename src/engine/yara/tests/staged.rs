//! Staged rules find what boreal alone finds, however the bytes were cut.

use proptest::prelude::*;

use super::{engine, found, found_plain, plain, scan};
use crate::engine::limits::Limits;

/// Rules of every kind that is staged, and some that cannot be.
const RULES: &[u8] = br#"
import "pe"
import "elf"
import "math"
rule plain { strings: $a = "alpha beta" condition: $a }
rule nocase { strings: $a = "GaMma" nocase condition: $a }
rule wide { strings: $a = "delta" wide ascii fullword condition: $a }
rule xored { strings: $a = "epsilon" xor condition: $a }
rule coded { strings: $a = "zeta zeta zeta" base64 base64wide condition: $a }
rule hex { strings: $a = { 65 74 61 [1-4] 65 7? ~00 61 } condition: $a }
rule regex { strings: $a = /th[e3]ta[0-9]{1,3}/i condition: $a }
rule head { condition: uint16(0) == 0x5A4D and filesize < 300 }
rule head_big { condition: uint32be(0) == 0x7F454C46 }
rule first { strings: $a = "MZ" condition: $a at 0 }
rule two { strings: $a = "iota1" $b = "kappa2" $c = "lambda" condition: 2 of them }
rule counts { strings: $a = "mu!" condition: #a > 2 }
rule none { strings: $a = "alpha" $b = "gamma" condition: none of them and filesize < 40 }
rule negated { strings: $a = "alpha beta" condition: not $a and uint8(0) == 0x61 }
rule in_range { strings: $a = "iota" condition: $a in (0..filesize \ 2) }
rule module { condition: pe.number_of_sections > 0 or elf.machine == elf.EM_X86_64 }
rule no_module { condition: pe.is_pe == 0 and filesize < 12 }
rule defined { condition: not defined pe.entry_point and filesize == 7 }
rule entropy { condition: math.entropy(0, filesize) < 1.0 and filesize > 3 }
rule loops { strings: $a = "mu!" condition: for any i in (1..#a) : ( @a[i] > 30 ) }
rule each { strings: $a = "iota1" $b = "kappa2" condition: for all of them : ( @ > 3 ) }
private rule hidden { strings: $a = "lambda" condition: $a }
rule above { condition: hidden and not two }
rule sets { condition: any of (h*) }
"#;

const PIECES: [&[u8]; 24] = [
    b"MZ",
    b"\x7fELF\x02\x01\x01",
    b"alpha beta",
    b"gAMMA",
    b" delta ",
    b" d\0e\0l\0t\0a\0 ",
    b"xdelta",
    b"gsrwknl",
    b"emV0YSB6ZXRhIHpldGE=",
    b"eta..ez?a",
    b"THETA12",
    b"th3ta9",
    b"iota1",
    b"kappa2",
    b"lambda",
    b"mu!",
    b"mu!mu!",
    b"a",
    b"\0\0\0\0",
    b"some words between, ",
    b"\xff\xfe\x00\x01\x80",
    b"0123456789abcdef0123456789abcdef",
    b"<html>",
    b"%PDF-1.4\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn as_boreal_alone(order in prop::collection::vec(0..PIECES.len(), 0..14)) {
        use std::sync::LazyLock;
        static ENGINE: LazyLock<std::sync::Arc<crate::engine::Engine>> =
            LazyLock::new(|| engine(&[("t.yar", RULES)], Limits::default()));
        static PLAIN: LazyLock<Vec<boreal::Scanner>> = LazyLock::new(|| plain(&[("t.yar", RULES)]));
        let bytes: Vec<u8> = order.iter().flat_map(|piece| PIECES[*piece]).copied().collect();
        // Layers of five bytes and fewer are clean by rule.
        prop_assume!(bytes.len() > 5);
        prop_assert_eq!(found(&ENGINE, &bytes), found_plain(&PLAIN, &bytes));
    }
}

#[test]
fn every_rule_of_the_table_is_read_and_can_be_found() {
    let (image, files) = super::image(&[("t.yar", RULES)]);
    assert_eq!((files[0].totals.loaded, files[0].totals.bad), (24, 0), "{:?}", files[0].bad);
    let rules = image.facts().rules;
    assert_eq!((rules.total(), rules.private), (23, 1), "{rules:?}");
}

#[test]
fn the_verdict_does_not_depend_on_how_the_bytes_were_cut() {
    let engine = engine(&[("t.yar", RULES)], Limits::default());
    let mut bytes = b"MZ and alpha beta, mu!mu!mu! ".to_vec();
    bytes.resize(50_000, b'.');
    bytes.extend_from_slice(b"iota1 kappa2 lambda");
    let whole = scan(&engine, &bytes, usize::MAX);
    assert!(whole.1.len() >= 5, "{whole:?}");
    for piece in [1, 7, 1_000, 4_096, 16_384, 49_999] {
        assert_eq!(scan(&engine, &bytes, piece), whole, "pieces of {piece}");
    }
}

#[test]
fn what_is_inside_a_layer_is_found_with_its_path() {
    use std::io::Write as _;
    let engine = engine(&[("t.yar", RULES)], Limits::default());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut bytes = vec![b'\x01'; 20_000];
    bytes.extend_from_slice(b" alpha beta ");
    gzip.write_all(&bytes).expect("memory takes everything");
    let gzip = gzip.finish().expect("memory takes everything");
    let whole = scan(&engine, &gzip, usize::MAX);
    let found: Vec<_> = whole.1.iter().map(|found| (&*found.name, &*found.path)).collect();
    assert!(found.contains(&("YARA.plain.UNOFFICIAL", "gzip")), "{found:?}");
    for piece in [1, 2, 33] {
        assert_eq!(scan(&engine, &gzip, piece), whole);
    }
}

#[test]
fn a_global_rule_rules_its_file_only() {
    let one =
        b"global rule g { strings: $g = \"the key\" condition: $g } rule a { condition: true }";
    let two = b"rule b { strings: $b = \"alpha\" condition: $b }";
    let files: [super::Rules<'_>; 2] = [("one.yar", one), ("two.yar", two)];
    let engine = engine(&files, Limits::default());
    let names = |bytes: &[u8]| found(&engine, bytes).into_iter().collect::<Vec<_>>();
    assert_eq!(names(b"only alpha here"), ["YARA.b.UNOFFICIAL"]);
    assert_eq!(names(b"with the key, no letter"), ["YARA.a.UNOFFICIAL", "YARA.g.UNOFFICIAL"]);
}
