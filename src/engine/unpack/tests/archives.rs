//! Archives made here byte by byte: packings that no program at hand makes, and headers that nobody ought to write.

use super::check;
use super::walk::{Walk, Walked, check_opened, check_walk};
use crate::engine::unpack::Coding::Szdd;
use crate::engine::unpack::Container::{CarriedZip, Lha, Rar};
use crate::engine::unpack::Whole::{Cab, Chm, SevenZip};
use crate::engine::unpack::{Inside, Whole};
use crate::engine::verdict::{Limit, Why};

/// Bits, the highest first.
#[derive(Default)]
struct Bits {
    bits: Vec<bool>,
}

impl Bits {
    fn put(&mut self, value: u32, width: u32) -> &mut Self {
        self.bits.extend(
            (0..width).rev().map(|at| value.checked_shr(at).is_some_and(|rest| rest & 1 == 1)),
        );
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let bytes = self.bits.chunks(8).map(|bits| {
            bits.iter().zip(0..).fold(0, |byte, (bit, at)| byte | u8::from(*bit) << (7 - at))
        });
        bytes.collect()
    }

    /// In words with their low byte first.
    fn words(&mut self) -> Vec<u8> {
        self.bits.resize(self.bits.len().next_multiple_of(16), false);
        self.bytes().chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect()
    }
}

/// A 7z archive of bytes that are not packed, with a header.
fn seven_zip(body: &[u8], header: &[u8]) -> Vec<u8> {
    let mut out = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0".to_vec();
    out.extend(u64::try_from(body.len()).expect("small").to_le_bytes());
    out.extend(u64::try_from(header.len()).expect("small").to_le_bytes());
    out.extend([0; 4]);
    [&out, body, header].concat()
}

/// Streams of one folder of `Copy`, eight bytes long.
const STREAMS: &[u8] = b"\x04\x06\0\x01\x09\x08\0\x07\x0b\x01\0\x01\x01\0\x0c\x08\0";
/// 2^63 - 1.
const HUGE: &[u8] = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f";

#[test]
fn a_7z_header_is_believed_as_far_as_it_has_bytes() {
    let names = b"\x11\x05\0a\0\0\0";
    let good = [b"\x01", STREAMS, b"\0\x05\x01", names, b"\0\0"].concat();
    let walked = check_opened(SevenZip, &seven_zip(b"contents", &good));
    assert_eq!(walked.members, [Walk::whole("7z:a", b"contents")]);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
    let damaged = Err(Why::Broken("7z: damaged header"));
    for header in [
        [b"\x01\x04\x06\0", HUGE, b"\x09\x08\0"].concat(),
        [b"\x01\x04\x06\0\x01\x09\x08\0\x07\x0b", HUGE, b"\0"].concat(),
        b"\x01\x04\x06\0\x01\x09\x08\0\x07\x0b\x01\0\x21\x01\0".to_vec(),
        [b"\x01", STREAMS, b"\x08\x0d", HUGE, b"\x09\x01"].concat(),
        b"\x01\x05\x01\x11\x7f\0".to_vec(),
        b"\x02".to_vec(),
    ] {
        assert_eq!(check_opened(SevenZip, &seven_zip(b"contents", &header)).end, damaged);
    }
    // More files than streams, and none of them marked as empty.
    let many = [b"\x01", STREAMS, b"\0\x05", HUGE, b"\0\0"].concat();
    let walked = check_opened(SevenZip, &seven_zip(b"contents", &many));
    assert_eq!(walked.members.len(), 1);
    assert_eq!(walked.missed, [Why::Broken("7z: a file without a stream")]);
    // A stream that no file has.
    let none = [b"\x01", STREAMS, b"\0\0"].concat();
    let walked = check_opened(SevenZip, &seven_zip(b"contents", &none));
    assert_eq!(walked.members, [Walk::whole("7z:", b"contents")]);
}

#[test]
fn a_7z_folder_that_cannot_be_undone_says_why() {
    let folder = |coders: &[u8], sizes: &[u8]| {
        let header =
            [b"\x01\x04\x06\0\x01\x09\x08\0\x07\x0b\x01\0", coders, b"\x0c", sizes, b"\0\0\0"];
        check_opened(SevenZip, &seven_zip(b"contents", &header.concat()))
    };
    let short = folder(b"\x01\x01\0", b"\x09");
    let early = Why::Broken("7z: a stream ends early");
    assert_eq!((short.members.len(), short.members[0].fate), (1, Some(Err(early))));
    assert_eq!(folder(b"\x01\x04\x06\xf1\x07\x01", b"\x08").missed, [Why::Encrypted]);
    let unknown = Why::Unsupported("7z: a method that is not known");
    assert_eq!(folder(b"\x01\x02\x7f\x7f", b"\x08").missed, [unknown]);
    // A coder with two inputs, of which one has no stream.
    let unfit = folder(b"\x02\x01\0\x11\0\x02\x01\0\x01\0\x01", b"\x08\x08");
    let unjoined = Why::Broken("7z: coders that do not fit together");
    assert_eq!(unfit.members[0].fate, Some(Err(unjoined)));
}

/// A cabinet of one folder, with blocks each of which is so long when unpacked.
fn cabinet(method: u16, blocks: &[(&[u8], usize)]) -> Vec<u8> {
    let whole: usize = blocks.iter().map(|block| block.1).sum();
    let word = |value: usize| u16::try_from(value).expect("small").to_le_bytes();
    let long = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let mut out = b"MSCF\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(b"\x2c\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\0\0\0\0");
    out.extend(long(64));
    out.extend(word(blocks.len()));
    out.extend(method.to_le_bytes());
    out.extend(long(whole));
    out.extend(b"\0\0\0\0\0\0\0\0\0\0\0\0a.b\0");
    for (bytes, size) in blocks {
        out.extend(b"\0\0\0\0");
        out.extend([word(bytes.len()), word(*size)].concat());
        out.extend_from_slice(bytes);
    }
    out
}

/// The front of an LZX block with codes of nine bits for all bytes and matches.
fn lzx_codes(bits: &mut Bits, size: u32, is_first: bool) {
    bits.put(1, 3).put(size, 24);
    // Lengths of nine behind none, or behind themselves; and none for long matches.
    for (count, symbol) in [(256, 8), (240, 8), (249, 0)] {
        let symbol = if is_first { symbol } else { 0 };
        for at in 0..20 {
            bits.put(u32::from(at == symbol), 4);
        }
        bits.put(0, count);
    }
}

#[test]
fn lzx_of_a_cabinet_is_unpacked_block_by_block() {
    let mut bits = Bits::default();
    // Calls were made absolute: in contents of 40,000 bytes.
    bits.put(1, 1).put(0, 16).put(40_000, 16);
    lzx_codes(&mut bits, 32_768, true);
    for byte in *b"abc\xe8\x64\0\0\0" {
        bits.put(byte.into(), 9);
    }
    // Eight bytes from eight back, by slot 6 with two more bits; then from there again.
    bits.put(256 + 6 * 8 + 6, 9).put(2, 2);
    for _ in 0..(32_768 - 16) / 8 {
        bits.put(256 + 6, 9);
    }
    let first = bits.words();
    // A block that is not packed, of an odd size, and one of codes again.
    let mut raw = Bits::default();
    raw.put(3, 3).put(301, 24);
    let mut second = raw.words();
    second.extend([8_u32, 8, 8].iter().flat_map(|recent| recent.to_le_bytes()));
    second.extend([b'r'; 301]);
    second.push(0);
    let mut last = Bits::default();
    lzx_codes(&mut last, 10, false);
    last.put(u32::from(b'x'), 9).put(256 + 3 * 8 + 6, 9).put(u32::from(b'y'), 9);
    second.extend(last.words());
    let packed = cabinet(0x0f03, &[(&first, 32_768), (&second, 311)]);
    let walked = check_opened(Cab, &packed);
    assert_eq!((walked.end, walked.missed.as_slice()), (Ok(()), &[][..]));
    let bytes = &walked.members[0].bytes;
    assert_eq!(bytes.len(), 32_768 + 311);
    // The call at 3 goes to 100: from its own place that is 97; the next one lies eight further.
    assert_eq!(bytes[..8], *b"abc\xe8\x61\0\0\0");
    assert_eq!(bytes[8..16], *b"abc\xe8\x59\0\0\0");
    assert_eq!(bytes[32_768..33_069], [b'r'; 301]);
    assert_eq!(bytes[33_069..], *b"xxxxxxxxxy");
    for cut in [0, 3, first.len() / 2] {
        let short = cabinet(0x0f03, &[(&first[..cut], 32_768)]);
        let walked = check_opened(Cab, &short);
        assert!(matches!(walked.members[0].fate, Some(Err(Why::Broken(_)))), "{cut}");
    }
    let window = check_opened(Cab, &cabinet(0x1603, &[(&first, 32_768)]));
    let reason = Why::Broken("cab: the window of a folder");
    assert_eq!(window.members[0].fate, Some(Err(reason)));
}

#[test]
fn files_of_compress_exe_are_expanded() {
    let items = b"\xffabcde an\x0fd f,\xe4\xf0\xf1\x05";
    // From the front of the window, and from a place that nothing was written to.
    let plain = b"abcde and f, an        ";
    let with = |front: &[u8]| [front, items].concat();
    check(Szdd, &with(b"SZDD\x88\xf0\x27\x33A\0\x13\0\0\0"), &expanded(items, 16, 0x13), Ok(()));
    check(Szdd, &with(b"SZ \x88\xf0\x27\x33\xd1\x13\0\0\0"), &expanded(items, 18, 0x13), Ok(()));
    let kwaj = with(b"KWAJ\x88\xf0\x27\xd1\x02\0\x0e\0\0\0");
    check(Szdd, &kwaj, &expanded(items, 18, usize::MAX), Ok(()));
    assert_eq!(Inside::of(&kwaj), Inside::Coding(Szdd));
    check(Szdd, b"KWAJ\x88\xf0\x27\xd1\x01\0\x10\0\0\0..\x9e\x9d", b"ab", Ok(()));
    check(Szdd, b"KWAJ\x88\xf0\x27\xd1\0\0\x0e\0\0\0ab", b"ab", Ok(()));
    let early = Err(Why::Broken("expand: ends early"));
    check(Szdd, &with(b"SZDD\x88\xf0\x27\x33A\0\xff\0\0\0"), &expanded(items, 16, 99), early);
    let after = Err(Why::Broken("expand: bytes after the end"));
    check(Szdd, &with(b"SZDD\x88\xf0\x27\x33A\0\x03\0\0\0"), &plain[..3], after);
    let unsupported = Err(Why::Unsupported("KWAJ with Huffman codes or MSZIP"));
    check(Szdd, b"KWAJ\x88\xf0\x27\xd1\x03\0\x0e\0\0\0ab", b"", unsupported);
}

/// What comes out of items, by the book: a window of spaces that is written to from its end less `back` on.
fn expanded(items: &[u8], back: usize, most: usize) -> Vec<u8> {
    let mut window = [b' '; 4_096];
    let (mut at, mut out, mut rest) = (4_096 - back, Vec::new(), items.iter());
    'items: while let Some(marks) = rest.next() {
        for mark in 0..8 {
            let Some(first) = rest.next() else { break 'items };
            let bytes = if marks >> mark & 1 == 1 {
                vec![*first]
            } else {
                let Some(second) = rest.next() else { break 'items };
                let from = usize::from(*first) | usize::from(second >> 4) << 8;
                let mut bytes = Vec::new();
                for step in 0..usize::from(second & 15) + 3 {
                    let byte = window[(from + step) % 4_096];
                    window[(at + step) % 4_096] = byte;
                    bytes.push(byte);
                }
                bytes
            };
            for byte in bytes {
                window[at % 4_096] = byte;
                at += 1;
                out.push(byte);
            }
        }
    }
    out.truncate(most);
    out
}

/// A member of an LHA archive, with a header of level 0.
fn lha(method: &[u8; 5], packed: &[u8], plain: usize) -> Vec<u8> {
    let mut out = vec![24 + 1, 0];
    out.extend(method);
    for size in [packed.len(), plain] {
        out.extend(u32::try_from(size).expect("small").to_le_bytes());
    }
    out.extend(b"\0\0\0\0\x20\0\x01a\0\0..");
    [&out, packed, b"\0"].concat()
}

#[test]
fn what_larc_packed_comes_out() {
    // Four bytes, a match of three from the first on, one from in front of all.
    let mut bits = Bits::default();
    for byte in *b"abcd" {
        bits.put(1, 1).put(byte.into(), 8);
    }
    bits.put(0, 1).put(2_048 - 17, 11).put(1, 4);
    bits.put(0, 1).put(0, 11).put(0, 4);
    let walked = check_walk(Lha, &lha(b"-lzs-", &bits.bytes(), 9));
    assert_eq!(walked.members, [Walk::whole("lha:a", b"abcdabc  ")]);
    // Places are counted from 18 on; the window has runs of all bytes at first.
    let packed = b"\x0fabcd\xee\xf0\x0d\x00";
    let walked = check_walk(Lha, &lha(b"-lz5-", packed, 10));
    assert_eq!(walked.members, [Walk::whole("lha:a", b"abcdabc\x01\x01\x01")]);
    let early = check_walk(Lha, &lha(b"-lz5-", packed, 11));
    assert_eq!(early.members[0].fate, Some(Err(Why::Broken("LHA: ends early"))));
    let other = check_walk(Lha, &lha(b"-lh3-", b"", 3));
    assert_eq!(other.missed, [Why::Unsupported("LHA: a method that is not known")]);
}

#[test]
fn help_files_with_wrong_tables_say_so() {
    let open = |bytes: &[u8]| check_opened(Chm, bytes).end;
    assert_eq!(open(b"ITSF\x03\0\0\0"), Err(Why::Broken("chm: ends early")));
    let file = |chunk: u32, chunks: u32| {
        let mut out = b"ITSF\x03\0\0\0".to_vec();
        out.resize(72, 0);
        out.extend([96_u64, 84, 4_096].iter().flat_map(|field| field.to_le_bytes()));
        out.extend(b"ITSP\x01\0\0\0\x54\0\0\0\x0a\0\0\0");
        out.extend(chunk.to_le_bytes());
        out.resize(96 + 44, 0);
        out.extend(chunks.to_le_bytes());
        out.resize(96 + 84 + 512, b'P');
        out
    };
    assert_eq!(open(&file(512, 1)), Ok(()));
    assert_eq!(open(&file(512, u32::MAX)), Err(Why::Broken("chm: ends early")));
    assert_eq!(open(&file(0, 1)), Err(Why::Broken("chm: damaged directory")));
    let mut wrong = file(512, 1);
    wrong[96 + 84..96 + 84 + 8].copy_from_slice(b"PMGL\xff\xff\xff\xff");
    assert_eq!(open(&wrong), Err(Why::Broken("chm: damaged directory")));
    // A directory that goes on in a chunk that is not counted.
    let mut further = file(512, 1);
    further[96 + 84..96 + 84 + 20]
        .copy_from_slice(b"PMGL\xec\x01\0\0\0\0\0\0\xff\xff\xff\xff\x01\0\0\0");
    assert_eq!(open(&further), Err(Why::Broken("chm: damaged directory")));
    further[96 + 84 + 16..96 + 84 + 20].fill(0xff);
    assert_eq!(open(&further), Ok(()));
}

#[test]
fn archives_in_the_middle_of_something_begin_at_their_first_byte() {
    let archive = seven_zip(b"", b"");
    let mut sum = flate2::Crc::new();
    sum.update(&archive[12..32]);
    let mut archive = archive;
    archive[8..12].copy_from_slice(&sum.sum().to_le_bytes());
    let wrong = seven_zip(b"", b"x");
    let bytes = [b"MZ..7z\xbc\xaf\x27", &wrong[..], &archive, b"more"].concat();
    let walked = check_walk(CarriedZip, &bytes);
    let wanted = [&archive[..], b"more"].concat();
    assert_eq!(walked.members, [Walk { fate: None, ..Walk::whole("sfx", &wanted) }]);
    let installer = b"\0\0\0\0\xef\xbe\xad\xdeNullsoftInst";
    let walked = check_walk(CarriedZip, &[b"MZ and so on", &installer[..]].concat());
    assert_eq!(walked.members, [Walk { fate: None, ..Walk::whole("sfx", installer) }]);
    assert_eq!(Inside::of(installer), Inside::Whole(Whole::Nsis));
    assert_eq!(check_walk(CarriedZip, &wrong).members, []);
}

#[test]
fn blocks_of_an_installer_are_its_members() {
    let front = |rest: &[u8], script: u8| {
        let whole = u8::try_from(28 + rest.len()).expect("small");
        let mut out = b"\0\0\0\0\xef\xbe\xad\xdeNullsoftInst".to_vec();
        out.extend([script, 0, 0, 0, whole, 0, 0, 0]);
        [&out, rest].concat()
    };
    let stored = front(b"\x04\0\0\0abcd\x02\0\0\0ef.sum", 4);
    let walked = check_opened(Whole::Nsis, &stored);
    assert_eq!(walked.members, [Walk::whole("nsis:0", b"abcd"), Walk::whole("nsis:1", b"ef")]);
    let early = Err(Why::Broken("NSIS: ends early"));
    assert_eq!(check_opened(Whole::Nsis, &stored[..40]).end, early);
    let mut packed = super::raw_deflate(b"\x03\0\0\0abc\x02\0\0\0de");
    packed.extend(b"sum.");
    let walked = check_opened(Whole::Nsis, &front(&packed, 3));
    assert_eq!(walked.members, [Walk::whole("nsis:0", b"abc"), Walk::whole("nsis:1", b"de")]);
    let bzip2 = |rest: &[u8]| check_opened(Whole::Nsis, &front(rest, 9)).end;
    assert_eq!(bzip2(b"1\x05.........."), Err(Why::Broken("NSIS: ends early")));
    assert_eq!(bzip2(b"1\x05\0\0\0\0\0\0\0\0\0\0"), Err(Why::Broken("bzip2: damaged")));
    let large = front(b"\x5d\0\0\0\x20\0\0......", 9);
    assert_eq!(check_opened(Whole::Nsis, &large).end, Err(Why::Limit(Limit::MaxScanState)));
}

#[test]
fn a_7z_header_takes_no_more_memory_than_its_tables_may() {
    // Folders of one coder that copies nothing, of three bytes each.
    let count = 2_000_000_u32;
    let [low, middle, high, _] = count.to_le_bytes();
    let mut header = vec![1, 4, 7, 11, 0xe0, low, middle, high, 0];
    header.extend([1, 0].repeat(usize::try_from(count).expect("small")));
    header.push(12);
    header.resize(header.len() + usize::try_from(count).expect("small"), 0);
    header.extend([0, 0, 0]);
    let walked = Walked::of_opened(SevenZip, &seven_zip(b"", &header));
    assert_eq!(walked.end, Err(Why::Limit(Limit::MaxScanState)));
    // As many packed streams.
    let mut header = vec![1, 4, 6, 0, 0xf0, 0, 0, 0xb0, 0, 9];
    header.resize(header.len() + 0xb0_0000, 0);
    header.extend([0, 0, 0]);
    let walked = Walked::of_opened(SevenZip, &seven_zip(b"", &header));
    assert_eq!(walked.end, Err(Why::Limit(Limit::MaxScanState)));
}

#[test]
fn a_cabinet_that_says_to_be_longer_than_it_is_ends_early() {
    let mut packed = cabinet(0, &[(b"contents", 8)]);
    for told in [packed.len(), packed.len() + 1, 0xffff_ffff] {
        packed[8..12].copy_from_slice(&u32::try_from(told).expect("small").to_le_bytes());
        let walked = check_opened(Cab, &packed);
        let missed = [Why::Broken("cab: ends early")];
        assert_eq!(walked.members, [Walk::whole("cab:a.b", b"contents")]);
        assert_eq!(walked.missed, missed[..usize::from(told > packed.len())]);
    }
}

#[test]
fn a_name_in_a_cabinet_has_an_end() {
    let good = cabinet(0, &[(b"contents", 8)]);
    let at = memchr::memmem::find(&good, b"a.b\0").expect("a name");
    let long = |length: usize| [&good[..at], &vec![b'n'; length], &good[at..]].concat();
    // The blocks stand where the header says, which is not there; the name is the matter.
    assert_eq!(check_opened(Cab, &long(1 << 20)).end, Err(Why::Broken("cab: ends early")));
}

#[test]
fn a_stream_of_ntfs_in_an_old_rar_archive_is_a_member() {
    let word = |value: usize| u16::try_from(value).expect("small").to_le_bytes();
    let long = |value: usize| u32::try_from(value).expect("small").to_le_bytes();
    let front = b"Rar!\x1a\x07\0..\x73\0\0\x0d\0\0\0\0\0\0\0";
    let service = |name: &[u8]| {
        let mut out = b"..\x7a\0\x80".to_vec();
        out.extend(word(32 + name.len()));
        out.extend([long(8), long(8)].concat());
        out.extend(b"\x02........\x1d\x30");
        out.extend(word(name.len()));
        out.extend([0; 4]);
        [&out, name, b"contents"].concat()
    };
    let end = b"..\x7b\0\0\x07\0";
    let walked = check_walk(Rar, &[&front[..], &service(b"STM"), &service(b"RR"), end].concat());
    assert_eq!(walked.members, [Walk::whole("rar:STM", b"contents")]);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
    // As RAR 2 wrote them: a kind, a level, a size, and how it is packed.
    let mut old = b"..\x77\0\x80\x1a\0\x08\0\0\0\x02\x01\0\x08\0\0\0\x14\x33....\0\0".to_vec();
    old.extend(b"contents");
    let walked = check_walk(Rar, &[&front[..], &old, end].concat());
    assert_eq!(walked.missed, [Why::Unsupported("RAR: a stream of NTFS by RAR 2")]);
}

#[test]
fn archives_that_only_their_first_bytes_tell_of_are_said() {
    let unopened = |head: &[u8]| matches!(Inside::of(head), Inside::Unopened(_));
    assert!(unopened(b"RE\x7e\x5e\x07\0\0"));
    assert!(unopened(b"koly\0\0\0\x04\0\0\x02\0\0\0\0\x01"));
    let section = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
    let packaging = b"\x2f\xe9\x8d\x63\xd4\xa6\xc1\x4b\x9a\x36\xb3\xfc\x25\x11\xa5\xb7";
    assert!(unopened(&[&section[..], &[0; 32], packaging].concat()));
    assert!(!unopened(&[&section[..], &[0; 48]].concat()));
}

/// A frame of LZX that is not packed.
fn raw_frame(bytes: &[u8]) -> Vec<u8> {
    let front = 3 << 28 | u32::try_from(bytes.len()).expect("small") << 4;
    let words = [front >> 16, front & 0xffff].map(|word| u16::try_from(word).expect("16 bits"));
    let mut out: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    out.extend([1_u32; 3].iter().flat_map(|recent| recent.to_le_bytes()));
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

#[test]
fn the_table_of_a_help_file_leads_to_what_readers_show() {
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let (quiet, hidden) = (b"what nobody is shown", b"what everybody sees!");
    let stream = [raw_frame(quiet), raw_frame(hidden)].concat();
    let control = [&b"\x06\0\0\0LZXC"[..], &words(&[2, 1, 1, 0])].concat();
    let open = |place: usize| {
        let place = u32::try_from(place).expect("small");
        let table = words(&[2, 1, 8, 40, 20, 0, 40, 0, 0x8000, 0, place, 0]);
        let mut chunk = b"PMGL\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
        let storage = "::DataSpace/Storage/MSCompressed/";
        let resets = "Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable";
        for (name, section, at, length) in [
            ("/a".to_owned(), 1, 0, quiet.len()),
            (format!("{storage}ControlData"), 0, 0, control.len()),
            (format!("{storage}{resets}"), 0, control.len(), table.len()),
            (format!("{storage}Content"), 0, control.len() + table.len(), stream.len()),
        ] {
            chunk.push(u8::try_from(name.len()).expect("short"));
            chunk.extend(name.as_bytes());
            chunk.extend([section, u8::try_from(at).expect("small")]);
            let length = u8::try_from(length).expect("small");
            chunk.extend([0x80 | length >> 7, length & 0x7f]);
        }
        let free = u32::try_from(512 - chunk.len()).expect("a chunk");
        chunk[4..8].copy_from_slice(&free.to_le_bytes());
        chunk.resize(512, 0);
        let mut directory = [b"ITSP", &words(&[1, 84, 10, 512, 2, 1, 0, 0, 0, 0, 1])[..]].concat();
        directory.resize(84, 0);
        let mut out = b"ITSF\x03\0\0\0\x60\0\0\0".to_vec();
        out.resize(72, 0);
        out.extend([96_u64, 84 + 512, 96 + 84 + 512].iter().flat_map(|field| field.to_le_bytes()));
        check_opened(Chm, &[&out[..], &directory, &chunk, &control, &table, &stream].concat())
    };
    assert_eq!(open(0).members, [Walk::whole("chm:a", quiet)]);
    assert_eq!(open(raw_frame(quiet).len()).members, [Walk::whole("chm:a", hidden)]);
}
