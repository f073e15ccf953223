//! ARJ archives as `arj` writes them, and LHA archives as `jlha` does: each of their methods, damaged, locked
//! and cut off.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, engine, gzip, noise, scan,
    verdict,
};
use crate::seven_zips::{code, digest_line};

/// Archives with a member of code, each made by a command, with the path of the member.
fn check_methods(commands: &[(&str, &str)], path: &str, length: usize) {
    let code = code(length);
    let engine = engine(&[("a.hdb", &digest_line(&code))], Limits::default());
    let members: [(&str, &[u8]); 2] = [("code", &code), ("first", &noise(9_000, 4))];
    for (command, result) in commands {
        let bytes = made(&members, command, result);
        let found = verdict(&engine, &Object::default(), &bytes);
        let Verdict::Infected(found) = found else { panic!("{command}: {found:?}") };
        assert_eq!((&*found.name, &*found.path), ("Code.UNOFFICIAL", path), "{command}");
    }
}

/// Cut off, an archive is not clean, and whatever its bytes are, the verdict does not depend on the pieces.
fn check_damage(clean: &[u8], ends_early: Why) {
    let engine = eicar_engine(Limits::default());
    check_clean(&engine, &Object::default(), clean);
    for kept in [40, 90, clean.len() / 2, clean.len() - 40] {
        check_unscanned(&engine, &Object::default(), &clean[..kept], ends_early);
    }
    for at in (4..clean.len()).step_by(clean.len() / 80).chain(4..140) {
        let mut damaged = clean.to_vec();
        damaged[at] ^= 0x41;
        let whole = scan(&engine, &Object::default(), &damaged, usize::MAX);
        for piece in [997, 13] {
            assert_eq!(whole, scan(&engine, &Object::default(), &damaged, piece), "at {at}");
        }
        assert_ne!(whole, Verdict::Unscanned(Why::Failed), "at {at}");
    }
}

#[test]
fn every_method_of_arj_is_undone() {
    let commands: Vec<String> =
        (0..=4).map(|method| format!("arj a -y -m{method} out.arj first code >&2")).collect();
    let commands: Vec<(&str, &str)> =
        commands.iter().map(|command| (command.as_str(), "out.arj")).collect();
    check_methods(&commands, "arj:code", 150_000);
}

#[test]
fn members_of_arj_archives_are_found_at_any_depth() {
    let members: [(&str, &[u8]); 4] =
        [("a", &noise(70_000, 5)), ("d/e.gz", &gzip(&eicar())), ("empty", b""), ("z", b"zz")];
    let engine = eicar_engine(Limits::default());
    let bytes = made(&members, "arj a -y -r out.arj a d empty z >&2", "out.arj");
    check_infected(&engine, &Object::default(), &bytes, EICAR, "arj:d/e.gz>gzip");
    let clean = made(&members, "arj a -y out.arj a empty z >&2", "out.arj");
    check_damage(&clean, Why::Broken("ARJ: ends early"));
    let locked = made(&members, "arj a -y -gword out.arj a z >&2", "out.arj");
    check_unscanned(&engine, &Object::default(), &locked, Why::Encrypted);
    let nest = "mv d/e.gz 0; for i in $(seq 15); do arj a -y n.arj 0 >&2; mv n.arj 0; done";
    let deep = made(&members, nest, "0");
    let path = format!("{}gzip", "arj:0>".repeat(15));
    check_infected(&engine, &Object::default(), &deep, EICAR, &path);
    let zeros = made(&[], "truncate -s 300M z; arj a -y out.arj z >&2", "out.arj");
    let reason = Why::Limit(Limit::MaxCompressionRatio);
    assert_eq!(scan(&engine, &Object::default(), &zeros, usize::MAX), Verdict::Unscanned(reason));
}

#[test]
fn volumes_of_an_arj_archive_say_what_lies_in_another_one() {
    let members: [(&str, &[u8]); 1] = [("a", &noise(150_000, 5))];
    let command = "arj a -y -m0 -v100k out.arj a >&2; ls >&2";
    let engine = eicar_engine(Limits::default());
    let reason = Why::Unsupported("ARJ: a member that ends in another volume");
    check_unscanned(&engine, &Object::default(), &made(&members, command, "out.arj"), reason);
    let reason = Why::Unsupported("ARJ: a member that began in another volume");
    check_unscanned(&engine, &Object::default(), &made(&members, command, "out.a01"), reason);
}

#[test]
fn methods_and_headers_of_lha_are_undone() {
    let commands: Vec<String> =
        [("0o5", 0), ("1o5", 1), ("2o5", 2), ("1o6", 3), ("2o7", 4), ("0z", 5), ("2z", 6)]
            .iter()
            .map(|(options, _)| format!("jlha a{options} out.lzh first code >&2"))
            .collect();
    let commands: Vec<(&str, &str)> =
        commands.iter().map(|command| (command.as_str(), "out.lzh")).collect();
    check_methods(&commands, "lha:code", 150_000);
}

#[test]
fn members_of_lha_archives_are_found_in_folders() {
    let members: [(&str, &[u8]); 4] =
        [("a", &noise(70_000, 5)), ("d/e.gz", &gzip(&eicar())), ("empty", b""), ("z", b"zz")];
    let engine = eicar_engine(Limits::default());
    for level in 0..=2 {
        let command = format!("jlha a{level} out.lzh a d/e.gz empty z >&2");
        let bytes = made(&members, &command, "out.lzh");
        check_infected(&engine, &Object::default(), &bytes, EICAR, "lha:d/e.gz>gzip");
    }
    let clean = made(&members, "jlha a1 out.lzh a empty z >&2", "out.lzh");
    check_damage(&clean, Why::Broken("LHA: ends early"));
}

/// An ARJ archive of one stored member, whose header is changed, and its sum with it.
fn changed(arj: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = arj.to_vec();
    let at = 2 + memchr::memmem::find(&bytes[2..], b"\x60\xea").expect("a header");
    let size = usize::from(u16::from_le_bytes([bytes[at + 2], bytes[at + 3]]));
    let header = at + 4..at + 4 + size;
    change(&mut bytes[header.clone()]);
    let mut sum = flate2::Crc::new();
    sum.update(&bytes[header.clone()]);
    bytes[header.end..header.end + 4].copy_from_slice(&sum.sum().to_le_bytes());
    bytes
}

#[test]
fn sizes_and_kinds_that_readers_pass_over_hide_nothing_in_arj() {
    let engine = eicar_engine(Limits::default());
    let hidden: [(&str, &[u8]); 1] = [("e.gz", &gzip(&eicar()))];
    let arj = made(&hidden, "arj a -y -m0 o.arj e.gz >&2", "o.arj");
    for size in [0_u32, 3] {
        let bytes = changed(&arj, |header| header[16..20].copy_from_slice(&size.to_le_bytes()));
        check_infected(&engine, &Object::default(), &bytes, EICAR, "arj:e.gz>gzip");
    }
    // 7-Zip takes labels and comments with contents for files.
    for kind in [2, 4, 5, 9] {
        let bytes = changed(&arj, |header| header[6] = kind);
        check_infected(&engine, &Object::default(), &bytes, EICAR, "arj:e.gz>gzip");
    }
}

/// A member of an LHA archive that is as it is, with a header of level 2 that is so long.
fn member(bytes: &[u8], header_bytes: usize, size: usize) -> Vec<u8> {
    let long = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let word = |value: usize| u16::try_from(value).expect("small").to_le_bytes();
    let mut out = [&word(header_bytes)[..], b"-lh0-", &long(bytes.len()), &long(size)].concat();
    out.extend(b"....\x20\x02..U\x04\0\x01e");
    out.extend(word(header_bytes - out.len() - 2));
    out.push(0x3f);
    out.resize(header_bytes, 0);
    [&out, bytes].concat()
}

#[test]
fn sizes_that_readers_pass_over_hide_nothing_in_lha() {
    let engine = eicar_engine(Limits::default());
    let packed = gzip(&eicar());
    let first = member(b"nothing", 60, 7);
    check_clean(&engine, &Object::default(), &[&first[..], b"\0"].concat());
    for size in [0, 3, packed.len()] {
        // A header whose first byte is zero is no end.
        for header_bytes in [60, 256] {
            let bytes = [&first[..], &member(&packed, header_bytes, size), b"\0"].concat();
            check_infected(&engine, &Object::default(), &bytes, EICAR, "lha:e>gzip");
        }
    }
}
