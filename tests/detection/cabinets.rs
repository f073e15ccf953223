//! Cabinets, compiled help and files of `COMPRESS.EXE`: as their programs write them, and damaged.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, engine, gzip, noise, scan,
};
use crate::seven_zips::{code, digest_line};

#[test]
fn files_of_cabinets_are_found_in_every_block_and_at_any_depth() {
    let (first, code) = (noise(100_001, 5), code(90_000));
    let (eicar, packed) = (eicar(), gzip(&eicar()));
    let members: [(&str, &[u8]); 5] =
        [("a", &first), ("code", &code), ("d/e.gz", &packed), ("empty", b""), ("z", &first)];
    let engine = eicar_engine(Limits::default());
    let by_digest = crate::kit::engine(&[("a.hdb", &digest_line(&code))], Limits::default());
    for options in ["-c", "-c -z"] {
        let command = format!("gcab {options} out.cab a code d/e.gz empty z >&2");
        let bytes = made(&members, &command, "out.cab");
        let eicar_path = if bytes.windows(7).any(|name| name == b"d\\e.gz\0") { "d/" } else { "" };
        let path = format!("cab:{eicar_path}e.gz>gzip");
        check_infected(&engine, &Object::default(), &bytes, EICAR, &path);
        check_infected(&engine, &Object::default(), &gzip(&bytes), EICAR, &format!("gzip>{path}"));
        check_infected(&by_digest, &Object::default(), &bytes, "Code.UNOFFICIAL", "cab:code");
        let clean = made(&members, &format!("gcab {options} out.cab a code >&2"), "out.cab");
        check_clean(&engine, &Object::default(), &clean);
        for kept in [9, 40, 200, clean.len() / 2, clean.len() - 1] {
            let reason = Why::Broken("cab: ends early");
            check_unscanned(&engine, &Object::default(), &clean[..kept], reason);
        }
        for at in (8..clean.len()).step_by(clean.len() / 80).chain(8..140) {
            let mut damaged = clean.clone();
            damaged[at] ^= 0x41;
            let whole = scan(&engine, &Object::default(), &damaged, usize::MAX);
            assert_eq!(whole, scan(&engine, &Object::default(), &damaged, 999), "at {at}");
            assert_ne!(whole, Verdict::Unscanned(Why::Failed), "at {at}");
        }
    }
    let nest = "gzip e; mv e.gz 0; for i in $(seq 15); do gcab -c -z n 0 >&2; mv n 0; done";
    let deep = made(&[("e", &eicar)], nest, "0");
    let path = format!("{}gzip", "cab:0>".repeat(15));
    check_infected(&engine, &Object::default(), &deep, EICAR, &path);
}

#[test]
fn bombs_in_cabinets_meet_their_limit() {
    let engine = eicar_engine(Limits::default());
    let bytes = made(&[], "truncate -s 300M z; gcab -c -z out.cab z >&2", "out.cab");
    let reason = Why::Limit(Limit::MaxCompressionRatio);
    assert_eq!(scan(&engine, &Object::default(), &bytes, usize::MAX), Verdict::Unscanned(reason));
}

#[test]
fn a_set_of_cabinets_says_what_lies_in_another_one() {
    let quiet = noise(50_000, 3);
    let bytes = made(&[("a", &quiet), ("b", &quiet)], "gcab -c out.cab a b >&2", "out.cab");
    let engine = eicar_engine(Limits::default());
    check_clean(&engine, &Object::default(), &bytes);
    let files_at = usize::from(bytes[16]);
    for (folder, why) in [
        (0xfd, "cab: a file that began in another cabinet"),
        (0xff, "cab: a file that began in another cabinet"),
    ] {
        let mut set = bytes.clone();
        set[files_at + 8..files_at + 10].copy_from_slice(&[folder, 0xff]);
        check_unscanned(&engine, &Object::default(), &set, Why::Unsupported(why));
    }
    let mut set = bytes.clone();
    set[files_at + 8..files_at + 10].copy_from_slice(&[0xfe, 0xff]);
    set[files_at + 2] = 9;
    let reason = Why::Unsupported("cab: a file that ends in another cabinet");
    check_unscanned(&engine, &Object::default(), &set, reason);
    let mut other = bytes;
    other[files_at - 2] = 4;
    let reason = Why::Unsupported("cab: a method that is not known");
    check_unscanned(&engine, &Object::default(), &other, reason);
}

/// The program in ClamAV's test files, byte by byte, out of each container that holds it.
#[test]
fn the_program_in_published_test_files_comes_out_whole() {
    let Some(folder) = std::env::var_os("BALEEN_TEST_DATA") else {
        eprintln!("skipped: the test files are not there (BALEEN_TEST_DATA)");
        return;
    };
    let folder = std::path::Path::new(&folder).join("gpl2-clamav-testfiles");
    let read = |name: &str| std::fs::read(folder.join(name)).expect("beside the others");
    let line = digest_line(&read("clam.exe"));
    let engine = engine(&[("a.hdb", &line)], Limits::default());
    for (name, path) in [
        ("clam.7z", "7z:clam.exe"),
        ("clam.cab", "cab:clam.exe"),
        ("clam.chm", "chm:clam.exe.txt"),
        ("clam.exe.szdd", "szdd"),
        ("clam.arj", "arj:clam.exe"),
        ("clam-nsis.exe", "sfx>nsis:1"),
    ] {
        check_infected(&engine, &Object::default(), &read(name), "Code.UNOFFICIAL", path);
    }
}
