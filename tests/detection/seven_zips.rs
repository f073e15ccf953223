//! 7z archives as 7-Zip writes them, with each of its coders; damaged, locked and larger than they may be.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};
use md5::{Digest as _, Md5};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, coded, eicar_engine, engine, gzip, noise,
    random, scan, verdict,
};

/// Bytes in which every filter finds something to change.
pub(crate) fn code(length: usize) -> Vec<u8> {
    let mut seed = 77_u64;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        seed = random(seed);
        let word = seed.to_be_bytes();
        match word[0] % 8 {
            0 => bytes.extend([0xe8, word[1], word[2], word[3] & 3, 0]),
            1 => bytes.extend([0xe9, word[1], word[2], 0xff, 0xff]),
            2 => bytes.extend([0x0f, 0x80 | word[1] & 15, word[2], word[3], 0, 0]),
            3 => bytes.extend([word[1], word[2], 0, 0xeb]),
            4 => bytes.extend([0x48, word[1], word[2], word[3] & 0xfc | 1]),
            5 => bytes.extend(b"some words in between "),
            _ => bytes.extend(&word[1..4]),
        }
    }
    bytes.truncate(length);
    bytes
}

/// A signature for exactly these bytes.
pub(crate) fn digest_line(bytes: &[u8]) -> String {
    let digest: String = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digest}:{}:Code\n", bytes.len())
}

#[test]
fn every_coder_is_undone() {
    let code = code(150_000);
    let engine = engine(&[("a.hdb", &digest_line(&code))], Limits::default());
    let members: [(&str, &[u8]); 2] = [("code", &code), ("first", &noise(9_000, 4))];
    let coders = [
        "-m0=copy",
        "-m0=lzma",
        "-m0=lzma:d=64k:lc=0:lp=2:pb=0",
        "-m0=lzma2:d=64k",
        "-m0=bzip2",
        "-m0=deflate",
        "-m0=deflate64",
        "-m0=ppmd",
        "-m0=ppmd:o=3:mem=64k",
        "-m0=ppmd:o=32:mem=16m",
        "-m0=bcj -m1=lzma",
        "-m0=bcj -m1=copy",
        "-m0=bcj2 -m1=lzma -m2=lzma -m3=lzma -mb0:1 -mb0s1:2 -mb0s2:3",
        "-m0=ppc -m1=ppmd",
        "-m0=arm -m1=lzma2",
        "-m0=armt -m1=deflate",
        "-m0=ia64 -m1=lzma",
        "-m0=sparc -m1=bzip2",
        "-m0=delta:4 -m1=lzma2",
        "-m0=lzma2 -mhc=off",
        "-m0=lzma2 -ms=off",
    ];
    for coder in coders {
        let command = format!("7z a -bd {coder} out.7z first code >&2");
        let bytes = made(&members, &command, "out.7z");
        let found = verdict(&engine, &Object::default(), &bytes);
        let Verdict::Infected(found) = found else { panic!("{coder}: {found:?}") };
        assert_eq!((&*found.name, &*found.path), ("Code.UNOFFICIAL", "7z:code"), "{coder}");
    }
}

#[test]
fn files_of_a_solid_archive_are_found_at_any_place_and_depth() {
    let eicar = eicar();
    let (one, other) = (noise(100_000, 5), noise(70_000, 6));
    let members: [(&str, &[u8]); 5] =
        [("a", &one), ("d/b", &other), ("d/é x", &eicar), ("empty", b""), ("z", &one)];
    let bytes = made(&members, "mkdir e; 7z a -bd out.7z * >&2", "out.7z");
    let engine = eicar_engine(Limits::default());
    check_infected(&engine, &Object::default(), &bytes, EICAR, "7z:d/é x");
    check_infected(&engine, &coded("gzip"), &gzip(&bytes), EICAR, "gzip>7z:d/é x");
    let clean = made(&members[..2], "7z a -bd out.7z * >&2", "out.7z");
    check_clean(&engine, &Object::default(), &clean);
    check_clean(&engine, &Object::default(), &made(&[], "mkdir e; 7z a -bd o e >&2", "o.7z"));
    let nest = "gzip eicar.com; mv eicar.com.gz 0; for i in $(seq 15); do 7z a -bd n.7z 0 >&2; mv n.7z 0; done";
    let deep = made(&[("eicar.com", &eicar)], nest, "0");
    let path = format!("{}gzip", "7z:0>".repeat(15));
    check_infected(&engine, &Object::default(), &deep, EICAR, &path);
    let limits = Limits { layers_max: 16, ..Limits::default() };
    let reason = Why::Limit(Limit::MaxRecursion);
    check_unscanned(&eicar_engine(limits), &Object::default(), &deep, reason);
}

#[test]
fn what_is_locked_or_cut_off_is_not_clean() {
    let quiet = noise(60_000, 8);
    let members: [(&str, &[u8]); 2] = [("a", &quiet), ("b", &quiet[..30_000])];
    let engine = eicar_engine(Limits::default());
    for lock in ["-pword", "-pword -mhe=on"] {
        let locked = made(&members, &format!("7z a -bd {lock} out.7z * >&2"), "out.7z");
        check_unscanned(&engine, &Object::default(), &locked, Why::Encrypted);
    }
    for options in ["", "-m0=copy -mhc=off"] {
        let bytes = made(&members, &format!("7z a -bd {options} out.7z * >&2"), "out.7z");
        for kept in [31, 32, 100, bytes.len() / 2, bytes.len() - 100, bytes.len() - 1] {
            let reason = Why::Broken("7z: ends early");
            check_unscanned(&engine, &Object::default(), &bytes[..kept], reason);
        }
        for at in (6..bytes.len()).step_by(bytes.len() / 60).chain(bytes.len() - 60..bytes.len()) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x41;
            let whole = scan(&engine, &Object::default(), &damaged, usize::MAX);
            assert_eq!(whole, scan(&engine, &Object::default(), &damaged, 999), "at {at}");
            assert_ne!(whole, Verdict::Unscanned(Why::Failed), "at {at}");
        }
    }
}

#[test]
fn bombs_meet_the_limit_that_is_meant_for_them() {
    let engine = eicar_engine(Limits::default());
    let zeros = "truncate -s 300M z; 7z a -bd -mx=1 out.7z z >&2";
    let reason = Why::Limit(Limit::MaxCompressionRatio);
    let bytes = made(&[], zeros, "out.7z");
    assert_eq!(scan(&engine, &Object::default(), &bytes, usize::MAX), Verdict::Unscanned(reason));
    let quiet = noise(1 << 20, 3);
    let limits = Limits { state_bytes_max: 1 << 20, ..Limits::default() };
    let reason = Why::Limit(Limit::MaxScanState);
    for coder in ["-m0=lzma:d=8m", "-m0=lzma2:d=8m", "-m0=ppmd:mem=8m"] {
        let command = format!("7z a -bd {coder} out.7z z >&2");
        let bytes = made(&[("z", &quiet)], &command, "out.7z");
        check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, reason);
    }
    let many = "mkdir d; (cd d; seq 20000 | xargs touch); 7z a -bd out.7z d >&2";
    check_clean(&engine, &Object::default(), &made(&[], many, "out.7z"));
}
