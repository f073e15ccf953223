//! What decoders promise: the same bytes for every way of cutting input and output, and a reason for
//! every stream that does not end well.
#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod archives;
mod bzip2s;
mod carriers;
mod codings;
mod disks;
mod mails;
mod ole2s;
mod rars;
mod rtfs;
mod shrunk;
mod streams;
mod tars;
mod texts;
mod tnefs;
mod volumes;
pub(super) mod walk;
mod walkers;
mod zips;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{Coding, Decoder, Progress};
use crate::engine::verdict::{Limit, Why};

/// Everything that comes out, and how it ended.
fn decode(
    coding: Coding,
    coded: &[u8],
    input_max: usize,
    room: usize,
) -> (Vec<u8>, Result<(), Why>) {
    let mut decoder = Decoder::of(coding, coding.state_bytes(coded)).expect("memory");
    let mut out = Vec::new();
    let mut window = vec![0; room];
    let mut rest = coded;
    loop {
        let piece = &rest[..rest.len().min(input_max)];
        let step = decoder.step(piece, &mut window);
        out.extend_from_slice(&window[..step.made]);
        rest = &rest[step.used..];
        match step.progress {
            Progress::Stopped(why) => return (out, Err(why)),
            Progress::Hungry if rest.is_empty() => return (out, decoder.finish()),
            Progress::Hungry => assert_eq!(step.used, piece.len(), "hungry, and did not eat"),
            Progress::Full => {}
            other @ (Progress::Begin
            | Progress::Listed
            | Progress::End(_)
            | Progress::Missed(_)) => {
                panic!("a coding has no members: {other:?}")
            }
        }
    }
}

/// Checks a stream with every pairing of a few sizes of input and output pieces.
#[track_caller]
fn check(coding: Coding, coded: &[u8], plain: &[u8], end: Result<(), Why>) {
    for input_max in [1, 2, 7, 4_096, usize::MAX] {
        for room in [1, 3, 1_024, 65_536] {
            let (out, ended) = decode(coding, coded, input_max, room);
            assert!(out == plain, "{input_max} in, {room} out: {} bytes", out.len());
            assert_eq!(ended, end, "{input_max} in, {room} out");
        }
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

fn raw_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    ::zstd::bulk::compress(plain, 3).expect("to memory")
}

/// One stored meta-block of at most 64 KiB and an empty last one (RFC 7932 section 9.2).
fn brotli(plain: &[u8]) -> Vec<u8> {
    let length = u32::try_from(plain.len() - 1).expect("at most 64 KiB");
    // Window code 0 (one bit), not last, four nibbles, length, stored; then padding to a byte.
    let header = length << 4 | 1 << 20;
    let mut out = header.to_le_bytes()[..3].to_vec();
    out.extend_from_slice(plain);
    out.push(0b11);
    out
}

fn plain() -> Vec<u8> {
    (0..20_000_u32).flat_map(|n| (n * n / 7).to_be_bytes()).take(60_000).collect()
}

#[test]
fn streams_of_every_coding_come_out_whole_however_they_are_cut() {
    let plain = plain();
    check(Coding::Gzip, &gzip(&plain), &plain, Ok(()));
    check(Coding::Deflate, &zlib(&plain), &plain, Ok(()));
    check(Coding::Deflate, &raw_deflate(&plain), &plain, Ok(()));
    check(Coding::Brotli, &brotli(&plain), &plain, Ok(()));
    check(Coding::Zstd, &zstd(&plain), &plain, Ok(()));
}

#[test]
fn a_stream_cut_short_gives_what_it_has_and_says_so() {
    let plain = plain();
    let cases = [
        (Coding::Gzip, gzip(&plain), "gzip: ends early"),
        (Coding::Deflate, zlib(&plain), "deflate: ends early"),
        (Coding::Deflate, raw_deflate(&plain), "deflate: ends early"),
        (Coding::Brotli, brotli(&plain), "br: ends early"),
        (Coding::Zstd, zstd(&plain), "zstd: ends early"),
    ];
    for (coding, coded, why) in cases {
        for kept in [coded.len() - 1, coded.len() / 2, 1] {
            let (out, ended) = decode(coding, &coded[..kept], usize::MAX, 4_096);
            assert!(plain.starts_with(&out));
            assert_eq!(ended, Err(Why::Broken(why)), "{kept} of {}", coded.len());
        }
    }
}

#[test]
fn bytes_after_the_end_are_never_passed_over_in_silence() {
    let plain = plain();
    let cases = [
        (Coding::Gzip, gzip(&plain), "gzip: bytes after the last member"),
        (Coding::Deflate, zlib(&plain), "deflate: bytes after the end"),
        (Coding::Deflate, raw_deflate(&plain), "deflate: bytes after the end"),
        (Coding::Brotli, brotli(&plain), "br: bytes after the end"),
        (Coding::Zstd, zstd(&plain), "zstd: bytes after the last frame"),
    ];
    for (coding, mut coded, why) in cases {
        coded.extend_from_slice(b"more");
        check(coding, &coded, &plain, Err(Why::Broken(why)));
    }
}

#[test]
fn members_and_frames_one_after_another_are_one_stream() {
    let both = [plain(), plain()].concat();
    let half = &both[..both.len() / 2];
    check(Coding::Gzip, &[gzip(half), gzip(half)].concat(), &both, Ok(()));
    check(
        Coding::Gzip,
        &[gzip(half), vec![0; 700], gzip(half), vec![0; 9]].concat(),
        &both,
        Ok(()),
    );
    check(Coding::Zstd, &[zstd(half), zstd(half)].concat(), &both, Ok(()));
}

#[test]
fn a_damaged_second_member_gives_the_first_and_says_so() {
    let plain = plain();
    let mut second = gzip(&plain);
    second.truncate(2_000);
    let coded = [gzip(&plain), second].concat();
    let (out, ended) = decode(Coding::Gzip, &coded, usize::MAX, 4_096);
    assert!(out.starts_with(&plain) && out.len() > plain.len());
    assert_eq!(ended, Err(Why::Broken("gzip: ends early")));
}

#[test]
fn every_optional_field_of_a_gzip_header_is_passed_over() {
    let body = gzip(b"contents").split_off(10);
    let fields: [(u8, &[u8]); 4] = [
        (0b0000_0100, b"\x05\x00extra"),
        (0b0000_1000, b"name\0"),
        (0b0001_0000, b"comment\0"),
        (0b0000_0010, b"CC"),
    ];
    for chosen in 0_u8..16 {
        let wanted = fields
            .iter()
            .enumerate()
            .filter(|(index, _)| chosen >> index & 1 == 1)
            .map(|(_, field)| field);
        let mut coded = vec![0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 0, 255];
        for (flag, bytes) in wanted {
            coded[3] |= flag;
            coded.extend_from_slice(bytes);
        }
        coded.extend_from_slice(&body);
        check(Coding::Gzip, &coded, b"contents", Ok(()));
    }
}

#[test]
fn an_empty_extra_field_is_passed_over() {
    let mut coded = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 0, 0];
    coded.extend_from_slice(&gzip(b"contents")[10..]);
    check(Coding::Gzip, &coded, b"contents", Ok(()));
}

#[test]
fn what_is_no_stream_of_the_coding_says_so() {
    let text = b"<html>not compressed at all</html>";
    let cases = [
        (Coding::Gzip, "gzip: not a gzip stream"),
        (Coding::Deflate, "deflate: not a deflate stream"),
        (Coding::Brotli, "br: not a brotli stream"),
        (Coding::Zstd, "zstd: not a zstd stream"),
    ];
    for (coding, why) in cases {
        let (out, ended) = decode(coding, text, usize::MAX, 4_096);
        assert_eq!((out.as_slice(), ended), (&[][..], Err(Why::Broken(why))));
    }
}

#[test]
fn a_zstd_window_beyond_eight_mebibytes_is_a_limit() {
    // Magic, no single segment, window of 2^27 bytes, then a raw last block of one byte.
    let coded = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x09, 0x00, 0x00, b'x'];
    let (_, ended) = decode(Coding::Zstd, &coded, usize::MAX, 4_096);
    assert_eq!(ended, Err(Why::Limit(Limit::MaxScanState)));
}

#[test]
fn a_brotli_stream_with_a_large_window_is_refused() {
    // The escape of the large-window extension: 1, 000, 100 reads 0b0010001.
    let (out, ended) = decode(Coding::Brotli, &[0x11, 0x1e, 0x03, 0x00], usize::MAX, 64);
    assert!(out.is_empty());
    assert_eq!(ended, Err(Why::Broken("br: not a brotli stream")));
}

#[test]
fn no_bytes_at_all_stop_no_decoder_in_an_endless_call() {
    let mut seed = 1_u64;
    for length in 0..600_usize {
        let noise: Vec<u8> = (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                seed.to_be_bytes()[0]
            })
            .collect();
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let whole = decode(coding, &noise, usize::MAX, 512);
            assert_eq!(whole, decode(coding, &noise, 1, 512), "{coding:?}, {length} bytes");
        }
    }
}

#[test]
fn a_damaged_stream_gives_the_same_bytes_however_it_is_cut() {
    let plain = plain();
    let streams = [
        (Coding::Gzip, gzip(&plain)),
        (Coding::Deflate, zlib(&plain)),
        (Coding::Brotli, brotli(&plain)),
        (Coding::Zstd, zstd(&plain)),
    ];
    for (coding, good) in streams {
        for at in (1..24).map(|part| part * good.len() / 24) {
            let mut coded = good.clone();
            coded[at] ^= 0x55;
            let whole = decode(coding, &coded, usize::MAX, 32_768);
            for (input_max, room) in [(1, 32_768), (usize::MAX, 100), (1_000, 7)] {
                let cut = decode(coding, &coded, input_max, room);
                assert!(cut == whole, "{coding:?} damaged at {at}: {:?} {:?}", cut.1, whole.1);
            }
        }
    }
}
