//! The codings of files: what their libraries and tools write, and what nobody ought to write.

use std::collections::BTreeMap;
use std::io::Write as _;

use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::{Coding, Decoder, Progress, check, decode, plain};
use crate::engine::unpack::Inside;
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
fn lzip(plain: &[u8]) -> Vec<u8> {
    let body = lzma(plain).split_off(13);
    let mut out = [b"LZIP\x01\x14".as_slice(), &body, &[0; 4]].concat();
    out.extend_from_slice(&u64::try_from(plain.len()).expect("small").to_le_bytes());
    let size = u64::try_from(out.len() + 8).expect("small");
    out.extend_from_slice(&size.to_le_bytes());
    out
}

/// A frame of independent blocks, packed as simply as can be.
fn lz4(plain: &[u8]) -> Vec<u8> {
    let mut out = b"\x04\x22\x4d\x18\x60\x40\0".to_vec();
    for block in plain.chunks(64 << 10) {
        let packed = lz4_block(block);
        out.extend_from_slice(&u32::try_from(packed.len()).expect("small").to_le_bytes());
        out.extend_from_slice(&packed);
    }
    out.extend_from_slice(&[0; 4]);
    out
}

fn lz4_block(plain: &[u8]) -> Vec<u8> {
    let mut seen = BTreeMap::new();
    let (mut out, mut at, mut start) = (Vec::new(), 0, 0);
    while at + 12 < plain.len() {
        let last = seen.insert(&plain[at..at + 4], at);
        let Some(from) = last.filter(|from| at - from < 1 << 16) else {
            at += 1;
            continue;
        };
        let same = plain[at..plain.len() - 5].iter().zip(&plain[from..]);
        let length = same.take_while(|(one, other)| one == other).count();
        lz4_sequence(&mut out, &plain[start..at], Some((at - from, length)));
        at += length;
        start = at;
    }
    lz4_sequence(&mut out, &plain[start..], None);
    out
}

fn lz4_sequence(out: &mut Vec<u8>, literals: &[u8], repeat: Option<(usize, usize)>) {
    let small = |count: usize| u8::try_from(count).expect("a byte");
    let more = |out: &mut Vec<u8>, count: usize| {
        if count >= 15 {
            out.extend(std::iter::repeat_n(255, (count - 15) / 255));
            out.push(small((count - 15) % 255));
        }
    };
    let length = repeat.map_or(0, |(_, length)| length - 4);
    out.push(small(literals.len().min(15)) << 4 | small(length.min(15)));
    more(out, literals.len());
    out.extend_from_slice(literals);
    if let Some((distance, _)) = repeat {
        out.extend_from_slice(&u16::try_from(distance).expect("near").to_le_bytes());
        more(out, length);
    }
}

/// A `.Z` file with codes of up to `width_max` bits; its table is never cleared.
fn compress(plain: &[u8], width_max: u32) -> Vec<u8> {
    let mut out = vec![0x1f, 0x9d, 0x80 | u8::try_from(width_max).expect("small")];
    let mut codes = Vec::new();
    let mut strings = BTreeMap::new();
    let mut free = 257_u32;
    let mut bytes = plain.iter();
    let Some(first) = bytes.next() else { return out };
    let mut string = u32::from(*first);
    for byte in bytes {
        if let Some(longer) = strings.get(&(string, *byte)) {
            string = *longer;
            continue;
        }
        codes.push(string);
        if free < 1 << width_max {
            strings.insert((string, *byte), free);
            free += 1;
        }
        string = u32::from(*byte);
    }
    codes.push(string);
    let (mut width, mut bits, mut in_group) = (9, Bits::default(), 0);
    for (index, code) in codes.into_iter().enumerate() {
        let known = 256 + u32::try_from(index).expect("few").max(1);
        // As readers have it, nine bits become ten.
        if width < width_max.max(10) && known.min(1 << width_max) >= 1 << width {
            bits.put(0, (8 - in_group) % 8 * width);
            (width, in_group) = (width + 1, 0);
        }
        bits.put(u64::from(code), width);
        in_group = (in_group + 1) % 8;
    }
    bits.put(0, (8 - bits.count) % 8);
    out.extend_from_slice(&bits.bytes);
    out
}

/// Bits, the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u64, width: u32) {
        for bit in 0..width {
            let bit = value.checked_shr(bit).unwrap_or(0) & 1;
            self.pending |= bit << self.count;
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.pending.to_le_bytes()[0]);
                (self.pending, self.count) = (0, 0);
            }
        }
    }
}

/// Each coding with a writer for it.
type Writer = fn(&[u8]) -> Vec<u8>;
const ALL: [(Coding, Writer); 5] = [
    (Coding::Bzip2, bzip2),
    (Coding::Xz, xz),
    (Coding::Lzma, lzma),
    (Coding::Lzip, lzip),
    (Coding::Lz4, lz4),
];

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
    let names = ["bzip2", "xz", "lzma", "lzip", "lz4"];
    let after = [
        "bzip2: bytes after the last stream",
        "xz: bytes after the last stream",
        "lzma: bytes after the end",
        "lzip: bytes after the last member",
        "lz4: bytes after the last frame",
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
                other @ (Progress::Begin
                | Progress::Listed
                | Progress::End(_)
                | Progress::Missed(_)
                | Progress::Stopped(_)) => panic!("{other:?}"),
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
    let file = lzma(b"contents");
    assert_eq!(Inside::of(&file), Inside::Coding(Coding::Lzma));
    assert_eq!(Inside::of(&lzip(b"x")), Inside::Coding(Coding::Lzip));
    assert_eq!(Inside::of(&xz(b"x")), Inside::Coding(Coding::Xz));
    assert_eq!(Inside::of(&bzip2(b"x")), Inside::Coding(Coding::Bzip2));
    assert_eq!(Inside::of(&bzip2(b"")), Inside::Coding(Coding::Bzip2));
    assert_eq!(Inside::of(b"BZh9 is not the name of a text"), Inside::Nothing);
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

#[test]
fn a_compress_file_of_every_width_comes_out_whole_however_it_is_cut() {
    let (long, short) = ([plain(), program()].concat(), program());
    for width_max in 9..=16 {
        for plain in [&long[..], &short, b"x", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b""] {
            let coded = compress(plain, width_max);
            check(Coding::Compress, &coded, plain, Ok(()));
            assert_eq!(Inside::of(&coded), Inside::Coding(Coding::Compress));
        }
    }
    let coded = compress(b"contents", 16);
    for (kept, wanted) in [(1, "compress: ends early"), (4, "compress: ends early")] {
        check(Coding::Compress, &coded[..kept], b"", Err(Why::Broken(wanted)));
    }
    // A code that nobody made, first and later; another width; text.
    let why = |why| Err(Why::Broken(why));
    let damaged = why("compress: damaged");
    check(Coding::Compress, b"\x1f\x9d\x90\xff\xff", b"", damaged);
    check(Coding::Compress, b"\x1f\x9d\x90x\xfe\xff\xff", b"x", damaged);
    check(Coding::Compress, b"\x1f\x9d\x91", b"", why("compress: not a .Z file"));
    check(Coding::Compress, b"text", b"", why("compress: not a .Z file"));
}

#[test]
fn a_damaged_compress_file_gives_the_same_bytes_however_it_is_cut() {
    let good = compress(&program(), 12);
    for at in (1..60).map(|part| part * good.len() / 60) {
        let mut coded = good.clone();
        coded[at] ^= 0x55;
        let whole = decode(Coding::Compress, &coded, usize::MAX, 32_768);
        for (input_max, room) in [(1, 32_768), (usize::MAX, 100), (1_000, 7)] {
            let cut = decode(Coding::Compress, &coded, input_max, room);
            assert!(cut == whole, "damaged at {at}: {:?} {:?}", cut.1, whole.1);
        }
    }
}

#[test]
fn frames_of_lz4_of_every_kind_are_read() {
    let plain = program();
    let frame = |flags: u8, between: &[u8], blocks: &[&[u8]], behind: &[u8]| {
        let mut out = [b"\x04\x22\x4d\x18", &[flags, 0x70][..], between, &[0]].concat();
        for block in blocks {
            out.extend_from_slice(block);
        }
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(behind);
        out
    };
    let block = |bytes: &[u8], stored: u32, sum: &[u8]| {
        let size = u32::try_from(bytes.len()).expect("small") | stored;
        [&size.to_le_bytes()[..], bytes, sum].concat()
    };
    let packed = block(&lz4_block(&plain), 0, b"");
    check(Coding::Lz4, &frame(0x60, b"", &[&packed], b""), &plain, Ok(()));
    // Sums, a size, a stored block, and a match that reaches into it.
    let stored = block(b"0123456789", 1 << 31, b"SUM!");
    let linked = block(b"\x04\x0a\0\x50-----", 0, b"SUM!");
    let rich = frame(0x5c, &[0; 8], &[&stored, &linked], b"SUM!");
    check(Coding::Lz4, &rich, b"012345678901234567-----", Ok(()));
    let skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";
    let legacy = [b"\x02\x21\x4c\x18", &packed[..], &packed].concat();
    let all = [skipped, &rich[..], &legacy, skipped, &rich].concat();
    let wanted =
        [b"012345678901234567-----", &plain[..], &plain, b"012345678901234567-----"].concat();
    check(Coding::Lz4, &all, &wanted, Ok(()));
    check(Coding::Lz4, &legacy, &[&plain[..], &plain].concat(), Ok(()));
    let unsupported = Err(Why::Unsupported("lz4 with a dictionary"));
    check(Coding::Lz4, &frame(0x61, &[0; 4], &[], b""), b"", unsupported);
    let damaged = Err(Why::Broken("lz4: damaged"));
    // Too far back; more literals than there are; a match at the end; a block that is too large.
    check(Coding::Lz4, &frame(0x60, b"", &[&block(b"\x10a\x02\0\0", 0, b"")], b""), b"a", damaged);
    check(Coding::Lz4, &frame(0x60, b"", &[&block(b"\x40abc", 0, b"")], b""), b"abc", damaged);
    check(
        Coding::Lz4,
        &frame(0x60, b"", &[&block(b"\x10a\x01\0", 0, b"")], b""),
        b"aaaaa",
        damaged,
    );
    check(Coding::Lz4, &frame(0x60, b"", &[b"\x01\0\x40\0"], b""), b"", damaged);
    assert_eq!(Inside::of(&legacy), Inside::Coding(Coding::Lz4));
    assert_eq!(Inside::of(skipped), Inside::Coding(Coding::Zstd));
    assert_eq!(Inside::of(&[&skipped[..], &rich].concat()), Inside::Coding(Coding::Lz4));
    assert_eq!(Inside::of(b"\x51\x2a\x4d\x18\xff\xff\xff\xff"), Inside::Coding(Coding::Zstd));
    assert_eq!(
        Inside::of(&[&skipped[..], b"\x28\xb5\x2f\xfd"].concat()),
        Inside::Coding(Coding::Zstd)
    );
    assert_eq!(Inside::of(&[&skipped[..], b"text"].concat()), Inside::Nothing);
}
