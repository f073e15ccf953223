//! Limits: what was inside them was scanned, what was not is said, and a detection beats them all.

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};

use crate::containers::made;
use crate::kit::{
    EICAR, brotli, brotli_zeros, check_clean, check_infected, check_unscanned, coded, eicar_engine,
    engine, feed, gzip, noise, scan, test_file, zlib, zstd,
};

/// `times` gzip layers around something.
fn nested(times: usize, inner: &[u8]) -> Vec<u8> {
    (0..times).fold(inner.to_vec(), |bytes, _| gzip(&bytes))
}

#[test]
fn depth_is_limited_and_what_lies_above_is_scanned() {
    let engine = eicar_engine(Limits { layers_max: 4, ..Limits::default() });
    check_infected(&engine, &Object::default(), &nested(3, &test_file()), EICAR, "gzip>gzip>gzip");
    check_clean(&engine, &Object::default(), &nested(3, &noise(500, 1)));
    let why = Why::Limit(Limit::MaxRecursion);
    check_unscanned(&engine, &Object::default(), &nested(4, &test_file()), why);
    check_unscanned(&engine, &coded("gzip,gzip,gzip,gzip"), &nested(4, &test_file()), why);
}

#[test]
fn the_number_of_layers_is_limited() {
    let engine = eicar_engine(Limits { objects_max: 2, ..Limits::default() });
    check_clean(&engine, &Object::default(), &nested(1, &noise(500, 1)));
    check_unscanned(
        &engine,
        &Object::default(),
        &nested(2, &test_file()),
        Why::Limit(Limit::MaxFiles),
    );
}

#[test]
fn the_size_of_a_layer_is_limited_to_the_byte() {
    let lines = "Mark:0:*:6d61726b6572\n";
    let engine =
        engine(&[("a.ndb", lines)], Limits { object_bytes_max: 20_000, ..Limits::default() });
    let with_mark = |at: usize, length: usize| {
        let mut plain = noise(length, 5);
        plain[at..at + 6].copy_from_slice(b"marker");
        plain
    };
    let why = Why::Limit(Limit::MaxFileSize);
    check_clean(&engine, &Object::default(), &noise(20_000, 5));
    check_unscanned(&engine, &Object::default(), &noise(20_001, 5), why);
    check_unscanned(&engine, &Object::default(), &with_mark(20_000, 30_000), why);
    check_infected(&engine, &Object::default(), &with_mark(19_994, 30_000), "Mark.UNOFFICIAL", "");
    check_unscanned(&engine, &coded("zstd"), &zstd(&noise(20_001, 5)), why);
}

#[test]
fn the_sum_over_all_layers_is_limited() {
    let lines = "Mark:0:*:6d61726b6572\n";
    let engine =
        engine(&[("a.ndb", lines)], Limits { scan_bytes_max: 100_000, ..Limits::default() });
    let mut plain = noise(300_000, 6);
    check_clean(&engine, &Object::default(), &plain[..90_000]);
    check_unscanned(&engine, &Object::default(), &plain, Why::Limit(Limit::MaxScanSize));
    check_unscanned(&engine, &coded("gzip"), &gzip(&plain), Why::Limit(Limit::MaxScanSize));
    plain[40_000..40_006].copy_from_slice(b"marker");
    check_infected(&engine, &Object::default(), &plain, "Mark.UNOFFICIAL", "");
    check_infected(&engine, &coded("gzip"), &gzip(&plain), "Mark.UNOFFICIAL", "gzip");
    plain[40_000] = 0;
    plain[250_000..250_006].copy_from_slice(b"marker");
    check_unscanned(&engine, &Object::default(), &plain, Why::Limit(Limit::MaxScanSize));
}

#[test]
fn memory_of_decoders_is_limited() {
    let engine = eicar_engine(Limits { state_bytes_max: 30 << 20, ..Limits::default() });
    let plain = noise(9_000, 1);
    check_clean(&engine, &coded("br"), &brotli(&plain));
    check_clean(&engine, &coded("gzip, br, gzip"), &gzip(&brotli(&gzip(&plain))));
    let why = Why::Limit(Limit::MaxScanState);
    check_unscanned(&engine, &coded("br, br"), &brotli(&brotli(&plain)), why);
}

/// How many bytes of `bomb` are read before it is refused, and that each call does little.
fn refused_after(label: &str, bomb: &[u8]) -> usize {
    let engine = eicar_engine(Limits::default());
    let mut scan = engine.start(coded(label));
    let mut read = 0;
    for piece in bomb.chunks(4_096) {
        if feed(&mut scan, piece) {
            break;
        }
        read += piece.len();
    }
    while !scan.end() {}
    let ratio = Verdict::Unscanned(Why::Limit(Limit::MaxCompressionRatio));
    assert_eq!(scan.finish(), ratio, "{label}");
    read
}

/// So many MiB of zeros, packed by a command.
fn zeros_packed(mib: u32, command: &str) -> Vec<u8> {
    made(&[], &format!("head -c {mib}M /dev/zero | {command} > out"), "out")
}

#[test]
fn bombs_end_by_their_ratio_whatever_the_coding() {
    // Ten gigabytes and more if anybody unpacked them to the end.
    assert!(brotli_zeros(640).len() < 10_000);
    refused_after("br", &brotli_zeros(640));
    let zeros = vec![0; 64 << 20];
    let stream = gzip(&zeros);
    // Members one after another are one stream: 160 of them are ten gigabytes in ten megabytes.
    refused_after("gzip", &stream.repeat(4));
    refused_after("deflate", &zlib(&zeros));
    refused_after("zstd", &zstd(&zeros).repeat(160));
    for command in ["bzip2 -9 -c", "xz -1 -c", "lzip -1 -c"] {
        refused_after("", &zeros_packed(64, command).repeat(160));
    }
    // Of these no second one may follow, and they are refused long before their end.
    for command in ["xz --format=lzma -1 -c", "compress -c"] {
        refused_after("", &zeros_packed(256, command));
    }
    // LZ4 cannot pass 255 by itself.
    refused_after("", &zeros_packed(256, "lz4 -9 -c | lz4 -c"));
    // A bomb in a bomb is counted against the bytes that really came.
    refused_after("gzip, gzip", &gzip(&stream.repeat(160)));
    refused_after("br, gzip, zstd", &zstd(&gzip(&brotli_zeros(640))));
}

#[test]
fn a_detection_before_a_bomb_beats_it() {
    let engine = engine(&[("a.ndb", "Mark:0:*:6d61726b6572\n")], Limits::default());
    let mut zeros = vec![0; 64 << 20];
    zeros[1_000..1_006].copy_from_slice(b"marker");
    let stream = zlib(&zeros);
    let found = scan(&engine, &coded("deflate"), &stream, 4_096);
    assert!(matches!(found, Verdict::Infected(_)), "{found:?}");
}

#[test]
fn one_call_does_little_even_with_a_bomb() {
    let engine = eicar_engine(Limits { ratio_max: u32::MAX, ..Limits::default() });
    let bomb = brotli_zeros(2);
    let mut scan = engine.start(coded("br"));
    let (mut rest, mut calls) = (&bomb[..], 0);
    while !rest.is_empty() {
        let fed = scan.feed(rest);
        rest = &rest[fed.consumed..];
        calls += 1;
    }
    // The head of so small an object is kept until its end is known.
    while !scan.end() {
        calls += 1;
    }
    // 32 MiB come out of a few bytes: at 64 KiB a call that is 512 calls, and the decoder's own
    // bytes count too.
    assert!((256..4_096).contains(&calls), "{calls} calls");
    assert_eq!(scan.finish(), Verdict::Clean);
}

#[test]
fn when_the_time_is_over_what_was_found_stays_found() {
    let engine = engine(&[("a.ndb", "Mark:0:*:6d61726b6572\n")], Limits::default());
    let mut plain = noise(100_000, 6);
    let mut scan = engine.start(Object::default());
    assert!(!feed(&mut scan, &plain[..50_000]));
    scan.expire();
    assert!(feed(&mut scan, &plain[50_000..]), "it is over");
    assert_eq!(scan.finish(), Verdict::Unscanned(Why::Time));
    plain[100..106].copy_from_slice(b"marker");
    let mut scan = engine.start(Object::default());
    feed(&mut scan, &plain[..50_000]);
    scan.expire();
    assert!(matches!(scan.finish(), Verdict::Infected(_)));
}

#[test]
fn an_object_of_another_size_than_announced_is_not_clean() {
    let engine = eicar_engine(Limits::default());
    let why = Verdict::Unscanned(Why::Broken("object: not of the size that was announced"));
    for announced in [0, 3, 999, 1_001, 5_000] {
        let object = Object { size: Some(announced), ..Object::default() };
        assert_eq!(scan(&engine, &object, &noise(1_000, 1), 100), why, "{announced}");
        assert_eq!(scan(&engine, &object, b"four", 100), why, "{announced}");
    }
}
