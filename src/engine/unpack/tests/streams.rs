//! The codings of files: what their libraries and tools write, and what nobody ought to write.

use std::io::Write as _;

use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::{Coding, Decoder, Progress, check, decode, plain};
use crate::engine::unpack::lzma::Lzma;
use crate::engine::verdict::{Limit, Why};

/// Bytes that all codings can do something with, and that look like a program.
fn program() -> Vec<u8> {
    let code = |at: u32| [&[0xe8][..], &(at * 7 % 900).to_le_bytes(), b"\x8b\x45\x08"].concat();
    (0..6_000).flat_map(code).collect()
}

fn encoded(stream: Stream, plain: &[u8]) -> Vec<u8> {
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

pub(super) fn bzip2(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

pub(super) fn xz(plain: &[u8]) -> Vec<u8> {
    encoded(Stream::new_easy_encoder(1, Check::Crc64).expect("options"), plain)
}

/// With filters in front of LZMA2.
fn xz_of(plain: &[u8], filters: impl FnOnce(&mut Filters)) -> Vec<u8> {
    let mut chain = Filters::new();
    filters(&mut chain);
    chain.lzma2(&LzmaOptions::new_preset(1).expect("options"));
    encoded(Stream::new_stream_encoder(&chain, Check::Sha256).expect("options"), plain)
}

pub(super) fn lzma(plain: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::new_preset(1).expect("options");
    encoded(Stream::new_lzma_encoder(&options).expect("options"), plain)
}

/// The stream of an LZMA file in the frame of lzip; the sum of its bytes is not looked at.
pub(super) fn lzip(plain: &[u8]) -> Vec<u8> {
    let body = lzma(plain).split_off(13);
    let mut out = [b"LZIP\x01\x14".as_slice(), &body, &[0; 4]].concat();
    out.extend_from_slice(&u64::try_from(plain.len()).expect("small").to_le_bytes());
    let size = u64::try_from(out.len() + 8).expect("small");
    out.extend_from_slice(&size.to_le_bytes());
    out
}

/// Each coding with a writer for it.
pub(super) type Writer = fn(&[u8]) -> Vec<u8>;
pub(super) const ALL: [(Coding, Writer); 4] =
    [(Coding::Bzip2, bzip2), (Coding::Xz, xz), (Coding::Lzma, lzma), (Coding::Lzip, lzip)];

#[test]
fn streams_come_out_whole_however_they_are_cut() {
    for (coding, write) in ALL {
        for plain in [plain(), program(), b"x".to_vec()] {
            check(coding, &write(&plain), &plain, Ok(()));
        }
        check(coding, &write(b""), b"", Ok(()));
    }
}

#[test]
fn streams_one_after_another_are_one_and_zeros_between_are_padding() {
    let (one, two) = (plain(), program());
    let both = [&one[..], &two].concat();
    for (coding, write) in ALL {
        let ends_there = coding == Coding::Lzma;
        if !ends_there {
            check(coding, &[write(&one), write(&two)].concat(), &both, Ok(()));
            let padded = [write(&one), vec![0; 8], write(&two), vec![0; 4]].concat();
            check(coding, &padded, &both, Ok(()));
        }
    }
}

#[test]
fn what_follows_or_is_missing_is_said_and_what_came_before_is_given() {
    let plain = plain();
    let names = ["bzip2", "xz", "lzma", "lzip"];
    let after = [
        "bzip2: bytes after the last stream",
        "xz: bytes after the last stream",
        "lzma: bytes after the end",
        "lzip: bytes after the last member",
    ];
    for (((coding, write), name), after) in ALL.into_iter().zip(names).zip(after) {
        let good = write(&plain);
        for more in [&b"m"[..], b"more than that, and longer"] {
            let coded = [&good[..], more].concat();
            check(coding, &coded, &plain, Err(Why::Broken(after)));
        }
        for kept in [good.len() - 1, good.len() / 2, 7, 1] {
            let (out, ended) = decode(coding, &good[..kept], usize::MAX, 4_096);
            assert!(plain.starts_with(&out));
            let Err(Why::Broken(why)) = ended else { panic!("{name}, {kept}: {ended:?}") };
            assert_eq!(why, format!("{name}: ends early"), "{kept} of {}", good.len());
        }
        let (out, ended) = decode(coding, b"<html>this is not that</html>", usize::MAX, 64);
        // Of text, the first byte may be properties of LZMA that nobody uses.
        let is_right = match ended {
            Err(Why::Broken(why)) => why.starts_with(name) && why.contains(" not a"),
            Err(Why::Unsupported(_)) => coding == Coding::Lzma,
            other => panic!("{name}: {other:?}"),
        };
        assert!(out.is_empty() && is_right, "{name}: {ended:?}");
    }
}

#[test]
fn damage_costs_nothing_that_came_before_and_does_not_depend_on_the_cut() {
    let plain = program();
    let filtered: [Writer; 3] = [
        |plain| {
            xz_of(plain, |chain| {
                chain.x86();
            })
        },
        |plain| {
            xz_of(plain, |chain| {
                chain.delta_properties(&[3]).expect("a distance");
            })
        },
        |plain| {
            xz_of(plain, |chain| {
                chain.delta_properties(&[0]).expect("a distance").arm64();
            })
        },
    ];
    for (coding, write) in ALL.into_iter().chain(filtered.map(|write| (Coding::Xz, write))) {
        let good = write(&plain);
        check(coding, &good, &plain, Ok(()));
        for at in (1..40).map(|part| part * good.len() / 40) {
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

#[test]
fn xz_blocks_of_every_filter_and_sum_are_read() {
    let plain = program();
    let filters: [fn(&mut Filters); 8] = [
        |chain| {
            chain.powerpc();
        },
        |chain| {
            chain.ia64();
        },
        |chain| {
            chain.arm();
        },
        |chain| {
            chain.arm_thumb();
        },
        |chain| {
            chain.sparc();
        },
        |chain| {
            chain.arm64();
        },
        |chain| {
            chain.riscv();
        },
        |chain| {
            chain.x86().delta_properties(&[0]).expect("a distance");
        },
    ];
    for filter in filters {
        check(Coding::Xz, &xz_of(&plain, filter), &plain, Ok(()));
    }
    for sum in [Check::None, Check::Crc32, Check::Crc64, Check::Sha256] {
        let stream = Stream::new_easy_encoder(0, sum).expect("options");
        check(Coding::Xz, &encoded(stream, &plain), &plain, Ok(()));
    }
}

#[test]
fn a_dictionary_is_counted_before_it_is_taken() {
    let options = |dictionary| {
        let mut options = LzmaOptions::new_preset(0).expect("options");
        options.dict_size(dictionary);
        options
    };
    let xz_with = |dictionary| {
        let mut chain = Filters::new();
        chain.lzma2(&options(dictionary));
        encoded(Stream::new_stream_encoder(&chain, Check::None).expect("options"), b"contents")
    };
    let (small, large) = (xz_with(1 << 20), xz_with(48 << 20));
    assert_eq!(Coding::Xz.state_bytes(&small), (8 << 20) + (128 << 10));
    assert_eq!(Coding::Xz.state_bytes(&large), (48 << 20) + (128 << 10));
    // A later block may not take more than the first one was counted for.
    let mixed = [small, large].concat();
    check(Coding::Xz, &mixed, b"contents", Err(Why::Limit(Limit::MaxScanState)));

    let mut file = lzma(b"contents");
    assert_eq!(Coding::Lzma.state_bytes(&file), (1 << 20) + (128 << 10));
    // With a size, more than that is of no use to the dictionary.
    file[1..5].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    assert_eq!(Coding::Lzma.state_bytes(&file), (1 << 30) + (128 << 10));
    file[5..13].copy_from_slice(&8_u64.to_le_bytes());
    assert_eq!(Coding::Lzma.state_bytes(&file), (4 << 10) + (128 << 10));
    check(Coding::Lzma, &file, b"contents", Ok(()));
    check(
        Coding::Lzma,
        &[&file[..], &[0; 40]].concat(),
        b"contents",
        Err(Why::Broken("lzma: bytes after the end")),
    );
    file[5] = 0;
    check(Coding::Lzma, &file[..30], b"", Ok(()));
    file[5] = 7;
    check(Coding::Lzma, &file, b"content", Ok(()));
    file[5] = 9;
    check(Coding::Lzma, &file, b"contents", Err(Why::Broken("lzma: damaged")));
    assert_eq!(Coding::Lzip.state_bytes(b"LZIP\x01\x3d"), (1 << 29) / 16 * 15 + (128 << 10));
}

#[test]
fn a_bare_lzma_stream_ends_by_its_size_or_by_its_mark() {
    let plain = plain();
    let file = lzma(&plain);
    let properties = *file.first_chunk().expect("a header");
    for size in [None, u64::try_from(plain.len()).ok()] {
        let mut raw = Lzma::raw(properties, size).expect("memory");
        let (mut out, mut rest) = (Vec::new(), &file[13..]);
        let mut window = [0; 5_000];
        loop {
            let step = raw.step(rest, &mut window);
            out.extend_from_slice(&window[..step.made]);
            rest = &rest[step.used..];
            match step.progress {
                Progress::Hungry => break,
                Progress::Full => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(out == plain && rest.is_empty() && raw.finish() == Ok(()), "{size:?}");
    }
    let many = [5 * 9 + 8, 0, 0, 1, 0];
    assert!(matches!(Lzma::raw(many, None).err(), Some(Why::Unsupported(_))));
    assert!(matches!(Lzma::raw([225, 0, 0, 1, 0], None).err(), Some(Why::Broken(_))));
}

#[test]
fn chance_is_not_taken_for_an_lzma_file() {
    use super::super::Inside;
    let file = lzma(b"contents");
    assert_eq!(Inside::of(&file), Inside::Coding(Coding::Lzma));
    assert_eq!(Inside::of(&lzip(b"x")), Inside::Coding(Coding::Lzip));
    for (at, byte) in [(0, 225), (0, 0x2c), (1, 1), (4, 0x03), (12, 0x01), (13, 1)] {
        let mut other = file.clone();
        other[at] = byte;
        assert_eq!(Inside::of(&other), Inside::Nothing, "byte {at}");
    }
    let mut random = 1_u64;
    for _ in 0..100_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let head = [random.to_be_bytes(), random.rotate_left(17).to_be_bytes()].concat();
        assert_eq!(Inside::of(&head), Inside::Nothing);
    }
}

#[test]
fn any_bytes_end_every_decoder() {
    let mut seed = 1_u64;
    for length in 0..300_usize {
        let noise: Vec<u8> = (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                seed.to_be_bytes()[0]
            })
            .collect();
        for (coding, write) in ALL {
            let front = write(b"front");
            let front = &front[..front.len().min(length / 4)];
            let bytes = [front, &noise].concat();
            let whole = decode(coding, &bytes, usize::MAX, 512);
            assert_eq!(whole, decode(coding, &bytes, 1, 512), "{coding:?}, {length} bytes");
        }
    }
}

#[test]
fn a_decoder_that_was_not_granted_enough_says_so() {
    for coding in [Coding::Xz, Coding::Lzma, Coding::Lzip] {
        let (_, write) = ALL.into_iter().find(|(other, _)| *other == coding).expect("it is there");
        let mut decoder = Decoder::of(coding, 100 << 10).expect("memory");
        let step = decoder.step(&write(b"contents"), &mut [0; 64]);
        assert_eq!(step.progress, Progress::Stopped(Why::Limit(Limit::MaxScanState)));
    }
}
