//! Encrypted archives that a password of the list opens, made by zip and 7-Zip.

use std::sync::Arc;

use baleen::engine::limits::Limits;
use baleen::engine::passwords::Passwords;
use baleen::engine::verdict::Why;
use baleen::engine::{Engine, Object};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine_with, noise, test_file,
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
    // Members that no password fits: the others are not tried any more.
    let locked = made(
        &[
            ("a", b"aaaaaa"),
            ("b", b"bbbbbb"),
            ("c", b"cccccc"),
            ("d", b"dddddd"),
            ("e", &test_file()),
        ],
        "zip -q -P other out.zip a b c d && zip -q -P infected out.zip e",
        "out.zip",
    );
    check_unscanned(&engine, &object, &locked, Why::Encrypted);
}
