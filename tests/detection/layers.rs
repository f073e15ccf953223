//! Layers: what each is matched against, where a detection says it is, and which one is reported.

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Detection, Verdict, Why};

use crate::kit::{
    check_clean, check_infected, check_unscanned, coded, engine, feed, gzip, noise, verdict,
};

#[test]
fn the_coded_bytes_are_a_layer_of_their_own() {
    let plain = noise(3_000, 21);
    let stored = gzip(&plain);
    let digest = hex(&md5(&stored));
    let line = format!("{digest}:{}:Stored\n", stored.len());
    let engine = engine(&[("a.hdb", &line)], Limits::default());
    check_infected(&engine, &coded("gzip"), &stored, "Stored.UNOFFICIAL", "");
    check_infected(&engine, &Object::default(), &stored, "Stored.UNOFFICIAL", "");
    check_clean(&engine, &Object::default(), &plain);
}

#[test]
fn digests_are_those_of_each_layer_by_size_or_for_any_size() {
    let plain = noise(40_000, 22);
    let size = plain.len();
    let by_size = format!("{}:{size}:Sized\n", hex(&md5(&plain)));
    let any_size = format!("{}:*:Any:73\n", hex(&sha256(&plain)));
    let wrong_size = format!("{}:{}:Wrong\n", hex(&md5(&plain)), size + 1);
    for (line, name) in [(&by_size, "Sized.UNOFFICIAL"), (&any_size, "Any.UNOFFICIAL")] {
        let engine = engine(&[("a.hsb", line)], Limits::default());
        check_infected(&engine, &Object::default(), &plain, name, "");
        check_infected(&engine, &Object::default(), &gzip(&plain), name, "gzip");
    }
    let engine = engine(&[("a.hdb", &wrong_size)], Limits::default());
    check_clean(&engine, &Object::default(), &plain);
}

#[test]
fn a_pattern_is_found_across_every_seam() {
    let engine = engine(
        &[("a.ndb", "Seam:0:*:736561 6d2d6d61726b6572\n".replace(' ', "").as_str())],
        Limits::default(),
    );
    for seam in [1_024, 16 << 10, 32 << 10, 64 << 10, 128 << 10] {
        for shift in [-12_i64, -11, -6, -1, 0, 1] {
            let at = usize::try_from(seam + shift).expect("positive");
            let mut plain = noise(at + 60, 7);
            plain[at..at + 11].copy_from_slice(b"seam-marker");
            let found = Verdict::Infected(Detection {
                name: "Seam.UNOFFICIAL".into(),
                path: "".into(),
                offset: u64::try_from(at).expect("small"),
            });
            assert_eq!(verdict(&engine, &Object::default(), &plain), found, "at {at}");
            check_infected(&engine, &coded("gzip"), &gzip(&plain), "Seam.UNOFFICIAL", "gzip");
        }
    }
}

#[test]
fn which_of_several_is_reported_does_not_depend_on_the_cut() {
    // One in the coded bytes, and one inside; long and short patterns that end in another order than
    // they begin.
    let lines =
        "Coded:0:*:1f8b08\nLong:0:*:4c4f4e472d2d2d2d2d2d2d2d2d2d2d2d2d2d454e44\nShort:0:*:2d2d2d\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    let mut plain = noise(30_000, 9);
    plain[20_000..20_021].copy_from_slice(b"LONG--------------END");
    check_infected(&engine, &Object::default(), &plain, "Short.UNOFFICIAL", "");
    // The outer bytes settle at their first block, the inner ones before that.
    let stored = gzip(&plain);
    assert!(matches!(verdict(&engine, &Object::default(), &stored), Verdict::Infected(_)));
    assert!(matches!(verdict(&engine, &coded("gzip"), &gzip(&stored)), Verdict::Infected(_)));
}

#[test]
fn layers_of_five_bytes_are_clean_by_rule_and_of_six_are_not() {
    let engine = engine(&[("a.ndb", "Five:0:*:6162636465\n")], Limits::default());
    check_clean(&engine, &Object::default(), b"abcde");
    check_infected(&engine, &Object::default(), b"abcde!", "Five.UNOFFICIAL", "");
    check_clean(&engine, &coded("gzip"), &gzip(b"abcde"));
    check_infected(&engine, &coded("gzip"), &gzip(b"!abcde"), "Five.UNOFFICIAL", "gzip");
}

#[test]
fn targets_choose_the_layers() {
    let lines = "Pe:1:*:6d61726b6564\nElf:6:*:6d61726b6564\nPdf:10:*:6d61726b6564\nOther:14:*:6d61726b6564\nGraphics:5:*:6d61726b6564\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    let with = |head: &[u8]| [head, &noise(2_000, 3), b"marked"].concat();
    let cases: [(&[u8], &str); 5] = [
        (b"MZ\0\0", "Pe.UNOFFICIAL"),
        (b"\x7fELF", "Elf.UNOFFICIAL"),
        (b"%PDF-1.4\n", "Pdf.UNOFFICIAL"),
        (b"\0\0\0\0", "Other.UNOFFICIAL"),
        (b"GIF89a", "Graphics.UNOFFICIAL"),
    ];
    for (head, name) in cases {
        check_infected(&engine, &Object::default(), &with(head), name, "");
        check_infected(&engine, &Object::default(), &gzip(&with(head)), name, "gzip");
    }
    check_clean(&engine, &Object::default(), &with(b"RIFF"));
}

/// What is packed in a way that nobody undoes here may hold anything: it is never called clean. What
/// shows in its bytes is still found.
#[test]
fn a_container_that_is_not_opened_is_not_clean() {
    let lines = "Any:0:*:6d61726b6564\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    let cases: [(&[u8], &str); 2] =
        [(b"ALZ\x01\x0a\0\0\0", "ALZ archive"), (b"EGGA\0\x01\0\0", "EGG archive")];
    for (head, name) in cases {
        let bare = [head, &noise(2_000, 3)].concat();
        let why = Why::Unsupported(name);
        check_unscanned(&engine, &Object::default(), &bare, why);
        check_unscanned(&engine, &coded("gzip"), &gzip(&bare), why);
        let shown = [head, &noise(2_000, 3), b"marked"].concat();
        check_infected(&engine, &Object::default(), &shown, "Any.UNOFFICIAL", "");
    }
    // Two bytes of an old magic in front of anything else are no archive.
    check_clean(
        &engine,
        &Object::default(),
        &[b"\x60\xea\xff\xff".as_slice(), &noise(2_000, 3)].concat(),
    );
}

#[test]
fn a_scan_for_people_finds_all_of_them_once() {
    let lines = "One:0:*:6f6e652121\nTwo:0:*:74776f2121\n";
    let engine = engine(&[("a.ndb", lines)], Limits::default());
    let mut plain = noise(50_000, 2);
    for (at, text) in [(100, b"two!!"), (40_000, b"one!!"), (45_000, b"two!!")] {
        plain[at..at + 5].copy_from_slice(text);
    }
    let stored = gzip(&plain);
    let mut answers = Vec::new();
    for piece_bytes in [1_000, 16_384, usize::MAX] {
        let mut scan = engine.start_all(Object::default());
        for piece in stored.chunks(piece_bytes) {
            assert!(!feed(&mut scan, piece), "such a scan goes on to the end");
        }
        let (_, found) = scan.finish_all();
        let names = found.into_iter().map(|found| format!("{} {}", found.path, found.name));
        answers.push(names.collect::<Vec<_>>());
    }
    answers.dedup();
    assert_eq!(answers, [["gzip Two.UNOFFICIAL", "gzip One.UNOFFICIAL"]]);
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    use md5::Digest as _;
    md5::Md5::digest(bytes).to_vec()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("to memory");
        text
    })
}
