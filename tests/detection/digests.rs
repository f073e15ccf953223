//! Digests of whole objects and of sections: what a size saves, and what it must not hide.

use std::fmt::Write as _;
use std::sync::Arc;

use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Verdict, Why};
use baleen::engine::{Engine, Object};
use md5::Digest as _;

use crate::kit::{check_clean, check_infected, engine, feed, gzip, noise, verdict};

fn md5(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in md5::Md5::digest(bytes) {
        write!(text, "{byte:02x}").expect("to memory");
    }
    text
}

/// The verdict on `bytes` when so many were announced.
fn announced(engine: &Arc<Engine>, bytes: &[u8], size: usize) -> Verdict {
    let verdicts = [usize::MAX, 1_000].map(|piece_bytes| {
        let mut scan = engine.start(Object::default());
        scan.announce(u64::try_from(size).expect("small"));
        for piece in bytes.chunks(piece_bytes) {
            if feed(&mut scan, piece) {
                break;
            }
        }
        scan.finish()
    });
    assert_eq!(verdicts[0], verdicts[1], "in pieces");
    verdicts[0].clone()
}

#[test]
fn an_announced_size_hides_nothing() {
    let bad = noise(50_000, 1);
    let line = format!("{}:{}:Bad\n", md5(&bad), bad.len());
    let engine = engine(&[("a.hdb", &line)], Limits::default());
    assert!(matches!(announced(&engine, &bad, 50_000), Verdict::Infected(_)));
    // Another size is in no table: nothing was computed, and that is said where it matters.
    let broken = Verdict::Unscanned(Why::Broken("object: not of the size that was announced"));
    assert_eq!(announced(&engine, &bad, 49_999), broken);
    assert_eq!(announced(&engine, &noise(50_000, 2), 49_999), broken);
    assert_eq!(announced(&engine, &noise(49_998, 2), 49_999), Verdict::Clean);
    assert_eq!(announced(&engine, &noise(49_999, 2), 50_000), Verdict::Clean);
}

/// A PE for 32 bits with one section of these bytes.
fn pe(section: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 0x400];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    let size = u32::try_from(section.len()).expect("small");
    put(0, b"MZ");
    put(0x3c, &[0x80]);
    put(0x80, b"PE\0\0\x4c\x01\x01");
    put(0x94, &[224, 0, 2, 1, 0x0b, 1]);
    for (at, value) in [(16, 0x1000), (32, 0x1000), (36, 0x200), (60, 0x400), (92, 16)] {
        put(0x98 + at, &u32::to_le_bytes(value));
    }
    for (at, value) in [(8, size), (12, 0x1000), (16, size), (20, 0x400)] {
        put(0x98 + 224 + at, &value.to_le_bytes());
    }
    file.extend_from_slice(section);
    file
}

#[test]
fn sections_are_detected_in_every_layer_and_dropped_by_trust() {
    let section = noise(0x9000, 3);
    let file = [pe(&section), noise(30_000, 4)].concat();
    let line = format!("{}:{}:Bad.Section-1\n", section.len(), md5(&section));
    let plain = engine(&[("a.mdb", &line)], Limits::default());
    check_infected(&plain, &Object::default(), &file, "Bad.Section-1.UNOFFICIAL", "");
    check_infected(&plain, &Object::default(), &gzip(&file), "Bad.Section-1.UNOFFICIAL", "gzip");
    check_clean(&plain, &Object::default(), &pe(&noise(0x9000, 5)));
    let trust = format!("{}:{}:Trusted\n", md5(&file), file.len());
    let trusting = engine(&[("a.mdb", &line), ("a.fp", &trust)], Limits::default());
    check_clean(&trusting, &Object::default(), &file);
    // Found before the end: its last bytes need not come.
    let mut scan = plain.start(Object::default());
    assert!(feed(&mut scan, &file[..file.len() - 10_000]), "decided when the section has passed");
}

#[test]
fn a_file_that_ends_inside_a_section_is_clean_only_where_no_signature_can_fit() {
    let section = noise(0x2000, 6);
    let file = pe(&section);
    let cut = &file[..0x400 + 0x1234];
    let line = |size: usize| format!("{size}:00000000000000000000000000000000:Other\n");
    let fits = engine(&[("a.mdb", &line(0x1234))], Limits::default());
    let mut scan = fits.start(Object::default());
    feed(&mut scan, cut);
    let broken = Verdict::Unscanned(Why::Broken("PE: ends inside a section"));
    assert_eq!(scan.finish(), broken, "its size is known too late");
    let other = engine(&[("a.mdb", &line(0x1235))], Limits::default());
    assert_eq!(verdict(&other, &Object::default(), cut), Verdict::Clean);
}
