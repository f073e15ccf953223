//! Encrypted archives that a password of the list opens, made by zip and 7-Zip.

use std::sync::Arc;

use baleen::engine::limits::Limits;
use baleen::engine::passwords::Passwords;
use baleen::engine::verdict::{Verdict, Why};
use baleen::engine::{Engine, Object};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine_with, gzip, noise, scan,
    test_file,
};

fn engine(passwords: &str) -> Arc<Engine> {
    let passwords = Passwords::read(passwords.as_bytes()).expect("a good list");
    eicar_engine_with(Limits::default(), |engine| engine.with_passwords(passwords))
}

/// What locks an archive with the password `infected`.
const LOCKS: [&str; 6] = [
    "zip -q -P infected out.zip",
    "zip -q -0 -P infected out.zip",
    "7z a -bd -tzip -mem=ZipCrypto -pinfected out.zip",
    "7z a -bd -tzip -mem=AES128 -pinfected out.zip",
    "7z a -bd -tzip -mem=AES192 -mm=Copy -pinfected out.zip",
    "7z a -bd -tzip -mem=AES256 -mm=Deflate64 -pinfected out.zip",
];

#[test]
fn a_password_of_the_list_opens_every_lock() {
    let object = Object::default();
    let knows = engine("1234\ninfected\nlast");
    let not = engine("1234\nlast");
    let quiet = noise(30_000, 8);
    for lock in LOCKS {
        let members: [(&str, &[u8]); 2] = [("a", &quiet), ("b", &test_file())];
        let bytes = made(&members, &format!("{lock} a b"), "out.zip");
        check_infected(&knows, &object, &bytes, EICAR, "zip:b");
        check_unscanned(&not, &object, &bytes, Why::Encrypted);
        let clean = made(&members[..1], &format!("{lock} a"), "out.zip");
        check_clean(&knows, &object, &clean);
        check_unscanned(&not, &object, &clean, Why::Encrypted);
        // Behind a program that unpacks itself.
        let carried = [&noise(5_000, 2)[..], &bytes].concat();
        check_infected(&knows, &object, &carried, EICAR, "zip:b");
    }
}

#[test]
fn what_is_packed_by_lzma_stays_locked() {
    let command = "7z a -bd -tzip -mem=AES256 -mm=LZMA -pinfected out.zip b";
    let text = b"some words ".repeat(900);
    let bytes = made(&[("b", &text)], command, "out.zip");
    check_unscanned(&engine("infected"), &Object::default(), &bytes, Why::Encrypted);
}

/// A check of one byte fits one password in 256: about every fourth of these archives is opened with a
/// wrong one, and every one stays encrypted.
#[test]
fn a_password_that_fits_by_chance_is_none() {
    let list: Vec<String> = (0..64).map(|number| format!("wrong{number}")).collect();
    let engine = engine(&list.join("\n"));
    for (number, level) in (0..24).zip([0, 9].into_iter().cycle()) {
        let command = format!("zip -q -{level} -P right{number} out.zip b");
        let bytes = made(&[("b", &noise(300, number + 1))], &command, "out.zip");
        check_unscanned(&engine, &Object::default(), &bytes, Why::Encrypted);
    }
}

#[test]
fn damage_behind_a_lock_is_never_clean() {
    let engine = engine("infected");
    let bytes = made(
        &[("a", &noise(600, 8))],
        "7z a -bd -tzip -mem=AES256 -mm=Copy -pinfected out.zip a",
        "out.zip",
    );
    let object = Object::default();
    check_clean(&engine, &object, &bytes);
    for at in (60..600).step_by(37) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x20;
        check_unscanned(&engine, &object, &damaged, Why::Encrypted);
    }
    // Members that no password fits: the others are not tried any more. One of them may fit by chance, in one
    // archive of a hundred, so there are twice as many as it takes.
    let locked = made(
        &[
            ("a", b"aaaaaa"),
            ("b", b"bbbbbb"),
            ("c", b"cccccc"),
            ("d", b"dddddd"),
            ("f", b"ffffff"),
            ("g", b"gggggg"),
            ("h", b"hhhhhh"),
            ("i", b"iiiiii"),
            ("e", &test_file()),
        ],
        "zip -q -P other out.zip a b c d f g h i && zip -q -P infected out.zip e",
        "out.zip",
    );
    check_unscanned(&engine, &object, &locked, Why::Encrypted);
}

#[test]
fn folders_and_headers_of_7z_are_opened() {
    let object = Object::default();
    let knows = engine("1234\n\u{e4}rger\nlast");
    let not = engine("1234\nlast");
    let (quiet, hidden) = (noise(90_000, 8), gzip(&test_file()));
    for options in [
        "",
        "-mhe",
        "-ms=off",
        "-ms=off -mhe -mhc=off",
        "-mx0",
        "-mx0 -ms=off",
        "-m0=PPMd",
        "-m0=BCJ2 -m1=LZMA:d=20 -m2=LZMA:d=18 -m3=LZMA:d=18 -mb0:1 -mb0s1:2 -mb0s2:3",
        "-m0=Deflate -ms=off",
        "-m0=lzma",
    ] {
        let members: [(&str, &[u8]); 2] = [("a", &quiet), ("b.gz", &hidden)];
        for names in ["a b.gz", "b.gz a"] {
            let command = format!("7z a -bd {options} -p\u{e4}rger out.7z {names} >&2");
            let bytes = made(&members, &command, "out.7z");
            let found = format!("{:?}", scan(&knows, &object, &bytes, 997));
            assert!(found.contains("7z:b.gz>gzip"), "{options} {names}: {found}");
            let locked = scan(&not, &object, &bytes, 4_096);
            assert_eq!(locked, Verdict::Unscanned(Why::Encrypted), "{options} {names}");
        }
        let command = format!("7z a -bd {options} -p\u{e4}rger out.7z a >&2");
        let clean = made(&members[..1], &command, "out.7z");
        assert_eq!(scan(&knows, &object, &clean, usize::MAX), Verdict::Clean, "{options}");
    }
}

/// What fits by chance has another sum, and stays encrypted: of bytes that are stored every one does.
#[test]
fn a_7z_archive_is_never_clean_with_another_password() {
    let quiet = noise(32_000, 9);
    for (at, options) in ["-mx0", "-m0=PPMd", "-m0=Deflate", "-m0=lzma2"].iter().enumerate() {
        let command = format!("7z a -bd {options} -pword{at} out.7z a >&2");
        let bytes = made(&[("a", &quiet)], &command, "out.7z");
        let others: Vec<String> = (0..4).map(|other| format!("other{at}{other}")).collect();
        let verdict = scan(&engine(&others.join("\n")), &Object::default(), &bytes, 4_096);
        let is_locked = matches!(verdict, Verdict::Unscanned(Why::Encrypted | Why::Broken(_)));
        assert!(is_locked, "{options}: {verdict:?}");
    }
}

#[test]
fn members_and_headers_of_rar_are_opened() {
    let object = Object::default();
    let knows = engine("1234\ninfected\nlast");
    let not = engine("1234\nlast");
    let quiet = noise(90_000, 8);
    let archive = |members: &[(&str, &[u8])], set_up: fn(rars::Builder) -> rars::Builder| {
        let builder = rars::Builder::new(rars::ArchiveVersion::Rar50);
        let mut builder = set_up(builder.password(Some(b"infected".to_vec())));
        for (name, bytes) in members {
            builder
                .add_bytes(name.as_bytes().to_vec(), bytes.to_vec(), None, None)
                .expect("a member");
        }
        builder.to_bytes().expect("an archive")
    };
    let ways: [fn(rars::Builder) -> rars::Builder; 4] = [
        |builder| builder,
        |builder| builder.header_encryption(true),
        |builder| builder.compression_level(Some(0)),
        |builder| builder.solid(true),
    ];
    for set_up in ways {
        let bytes = archive(&[("a", &quiet), ("b.gz", &gzip(&test_file())), ("c", b"c")], set_up);
        let clean = archive(&[("a", &quiet), ("b", &quiet[..777])], set_up);
        for piece in [13, 997, usize::MAX] {
            let found = format!("{:?}", scan(&knows, &object, &bytes, piece));
            assert!(found.contains("rar:b.gz>gzip"), "{found}");
            assert_eq!(scan(&knows, &object, &clean, piece), Verdict::Clean);
        }
        for bytes in [&bytes, &clean] {
            let locked = scan(&not, &object, bytes, 4_096);
            assert_eq!(locked, Verdict::Unscanned(Why::Encrypted));
        }
        let cut = scan(&knows, &object, &clean[..clean.len() - 99], 4_096);
        assert!(matches!(cut, Verdict::Unscanned(_)), "{cut:?}");
    }
}

#[test]
fn documents_are_opened() {
    let object = Object::default();
    let knows = engine("1234\ninfected\nlast");
    let not = engine("1234\nlast");
    let document = |file: &[u8]| {
        let front = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a)3 0 R]>>>>>>endobj\n\
            2 0 obj<</Type/Pages/Kids[5 0 R]/Count 1>>endobj\n3 0 obj<</Type/Filespec/F(a)/EF<</F 4 0 R>>>>endobj\n\
            5 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n";
        let stream = format!("4 0 obj<</Type/EmbeddedFile/Length {}>>stream\n", file.len());
        let end = b"\nendstream endobj\ntrailer<</Root 1 0 R/Size 6>>\n%%EOF\n";
        [front.as_bytes(), stream.as_bytes(), file, end].concat()
    };
    for options in
        ["40 --", "128 --use-aes=n --", "128 --use-aes=y --", "256 --force-R5 --", "256 --"]
    {
        let command = format!(
            "qpdf --warning-exit-0 --allow-weak-crypto --encrypt infected owner {options} in.pdf out.pdf"
        );
        let hidden = made(&[("in.pdf", &document(&gzip(&test_file())))], &command, "out.pdf");
        let found = format!("{:?}", crate::kit::verdict(&knows, &object, &hidden));
        assert!(found.contains(EICAR), "{options}: {found}");
        check_unscanned(&not, &object, &hidden, Why::Encrypted);
        let quiet = made(&[("in.pdf", &document(b"nothing"))], &command, "out.pdf");
        check_clean(&knows, &object, &quiet);
    }
}

/// As many rounds as the formats allow are more than one object may cost: what asks for them stays locked at once.
#[test]
fn keys_that_take_too_long_are_not_made() {
    let knows = engine("infected");
    let mut builder =
        rars::Builder::new(rars::ArchiveVersion::Rar50).password(Some(b"infected".to_vec()));
    builder.add_bytes(b"b".to_vec(), test_file(), None, None).expect("a member");
    let mut bytes = builder.to_bytes().expect("an archive");
    // The record of the encryption: its size, its kind, a version, flags with a check; then the power of two.
    let at = memchr::memmem::find(&bytes, b"\x30\x01\x00\x03").expect("a record") + 4;
    for power in [24, 25, 255] {
        bytes[at] = power;
        let verdict = scan(&knows, &Object::default(), &bytes, usize::MAX);
        assert_eq!(verdict, Verdict::Unscanned(Why::Encrypted), "{power}");
    }
}
