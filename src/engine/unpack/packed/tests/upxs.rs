//! Programs as UPX writes them, made here: each code with each size of words, filters, and what is broken.

use std::io::Write as _;

use liblzma::stream::{LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::super::Suspect;
use super::made::program;
use crate::engine::file_type::HEAD_BYTES;
use crate::engine::unpack::Whole;
use crate::engine::unpack::tests::walk::{Walked, check_opened};
use crate::engine::verdict::Why;

/// The codes, in the order of their numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    B,
    D,
    E,
}

/// Bits in words among bytes: a word lies where its first bit is needed.
struct Writer {
    out: Vec<u8>,
    word_bytes: usize,
    word_at: usize,
    word: u32,
    left: usize,
}

impl Writer {
    fn bit(&mut self, bit: u32) {
        if self.left == 0 {
            (self.word_at, self.word, self.left) = (self.out.len(), 0, 8 * self.word_bytes);
            self.out.resize(self.word_at + self.word_bytes, 0);
        }
        self.left -= 1;
        self.word |= (bit & 1) << self.left;
        let bytes = self.word.to_le_bytes();
        self.out[self.word_at..self.word_at + self.word_bytes]
            .copy_from_slice(&bytes[..self.word_bytes]);
    }

    /// A number from 2 on, each bit below the highest followed by one that says whether it was the last.
    fn number(&mut self, number: u32) {
        let bits = number.ilog2();
        for place in (0..bits).rev() {
            self.bit(number >> place);
            self.bit(u32::from(place == 0));
        }
    }

    /// The upper part of a distance, as the later codes write it.
    fn upper(&mut self, number: u32) {
        let (last, mut before, mut pairs) = (number & 1, number >> 1, Vec::new());
        while before > 1 {
            let middle = before & 1;
            let whole = (before >> 1) + 1;
            pairs.push((whole & 1, middle));
            before = whole >> 1;
        }
        for (first, second) in pairs.into_iter().rev() {
            self.bit(first);
            self.bit(0);
            self.bit(second);
        }
        self.bit(last);
        self.bit(1);
    }

    fn distance(&mut self, code: Code, raw: u32) {
        let upper = (raw >> 8).wrapping_add(3);
        if code == Code::B {
            self.number(upper);
        } else {
            self.upper(upper);
        }
        self.out.push(raw.to_le_bytes()[0]);
    }

    /// Copies `length` bytes from so far behind.
    fn copy(&mut self, code: Code, distance: u32, length: u32, is_same: bool) {
        self.bit(0);
        let far = if code == Code::B { 0xd00 } else { 0x500 };
        let length = length - 1 - u32::from(distance > far);
        let first = match code {
            Code::B | Code::D => {
                if length < 4 {
                    length >> 1
                } else {
                    0
                }
            }
            Code::E => u32::from(length < 3),
        };
        match (code, is_same) {
            (Code::B, true) => self.number(2),
            (_, true) => self.upper(2),
            (Code::B, false) => self.distance(code, distance - 1),
            (_, false) => self.distance(code, (distance - 1) << 1 | (1 - first)),
        }
        if code == Code::B || is_same {
            self.bit(first);
        }
        match (code, length) {
            (Code::B | Code::D, 1..=3) => self.bit(length),
            (Code::B | Code::D, _) => {
                self.bit(0);
                self.number(length - 2);
            }
            (Code::E, 1 | 2) => self.bit(length - 1),
            (Code::E, 3 | 4) => {
                self.bit(1);
                self.bit(length - 3);
            }
            (Code::E, _) => {
                self.bit(0);
                self.number(length - 3);
            }
        }
    }
}

/// Matches of at least four bytes, the nearest one first; then the mark of the end.
fn packed(code: Code, word_bytes: usize, plain: &[u8]) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new(), word_bytes, word_at: 0, word: 0, left: 0 };
    let (mut at, mut last) = (0, 1);
    while at < plain.len() {
        let length_at = |distance: usize| {
            let pairs = plain[at..].iter().zip(&plain[at - distance..]);
            pairs.take(70).take_while(|(left, right)| left == right).count()
        };
        let found = (1..=at).find(|distance| length_at(*distance) >= 4);
        if let Some(distance) = found {
            let length = length_at(distance);
            let narrow = |number: usize| u32::try_from(number).expect("small");
            writer.copy(code, narrow(distance), narrow(length), distance == last);
            (at, last) = (at + length, distance);
        } else {
            writer.bit(1);
            writer.out.push(plain[at]);
            at += 1;
        }
    }
    writer.bit(0);
    writer.distance(code, u32::MAX);
    writer.out
}

/// UPX's two bytes, and a bare stream.
fn packed_by_lzma(plain: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::new_preset(1).expect("a preset");
    let stream = Stream::new_lzma_encoder(&options).expect("options");
    let mut out = XzEncoder::new_stream(Vec::new(), stream);
    out.write_all(plain).expect("memory takes everything");
    let file = out.finish().expect("memory takes everything");
    [&[0x1a, 0x03], &file[13..]].concat()
}

/// What lies in memory: a page of code, then the headers that the program had, and where they are.
fn memory() -> (Vec<u8>, Vec<u8>) {
    let mut code: Vec<u8> = (0..700_u32).flat_map(|n| (n * n / 11).to_le_bytes()).collect();
    code.extend(b"what was hidden ".repeat(20));
    code.resize(0x1000, 0x33);
    let mut headers = program([b".text", b".data"], b"", &[])[0x40..0x188].to_vec();
    for (at, value) in [(28, 0x1000_u32), (44, 0x1000), (24 + 16, 0x1004)] {
        headers[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    // The first section has a place in the file, the second has none.
    headers[248 + 16..248 + 20].copy_from_slice(&0x1000_u32.to_le_bytes());
    headers[288 + 20..288 + 24].copy_from_slice(&0_u32.to_le_bytes());
    let whole = [&code[..], &headers, &0x1000_u32.to_le_bytes()].concat();
    (whole, code)
}

fn upx_program(method: u8, packed: &[u8], plain: usize, filter: [u8; 2]) -> Vec<u8> {
    let mut file = program([b"UPX0", b"UPX1"], b"", &[]);
    let narrow = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let head = [
        &b"UPX!\x0d\x09"[..],
        &[method, 9],
        &[0; 8],
        &narrow(plain),
        &narrow(packed.len()),
        &[0; 4],
        &filter,
        &[0; 2],
    ]
    .concat();
    file.truncate(0x200 - head.len());
    file.extend(head);
    file.extend_from_slice(packed);
    file.resize(file.len().max(0x1000), 0);
    file
}

#[track_caller]
fn opened(file: &[u8]) -> Walked {
    let suspect = Suspect::of(&file[..HEAD_BYTES]).expect("a suspect");
    check_opened(Whole::Packed(suspect), file)
}

#[test]
fn every_code_comes_out_as_it_went_in() {
    let (memory, code) = memory();
    let mut files = Vec::new();
    for (method, kind) in [(2, Code::B), (5, Code::D), (8, Code::E)] {
        for (number, word_bytes) in [4, 1, 2].into_iter().enumerate() {
            let method = method + u8::try_from(number).expect("small");
            files.push((method, packed(kind, word_bytes, &memory)));
        }
    }
    files.push((14, packed_by_lzma(&memory)));
    for (method, packed) in files {
        let walked = opened(&upx_program(method, &packed, memory.len(), [0, 0]));
        let member = &walked.members[0];
        assert_eq!((walked.members.len(), member.fate), (1, Some(Ok(()))), "method {method}");
        // As it was: headers, then the section at its place.
        assert_eq!(&member.bytes[0x40..0x44], b"PE\0\0");
        assert!(member.bytes[0x200..] == code, "method {method}");
    }
}

#[test]
fn targets_of_calls_are_made_relative_again() {
    let (mut memory, mut code) = memory();
    // A call at 0x10 to 0x123 behind it, and a jump with a condition, as filters write them.
    let rows: [(u8, &[u8], &[u8]); 4] = [
        (0x26, b"\xe8\x07\0\x01\x34", b"\xe8\x23\x01\0\0"),
        (0x49, b"\x0f\x84\x07\0\x01\x35", b"\x0f\x84\x23\x01\0\0"),
        (0x16, b"\xe9\x34\x01\0\0", b"\xe9\x23\x01\0\0"),
        (0x99, b"\xe8\x07\0\x01\x34", b"\xe8\x07\0\x01\x34"),
    ];
    for (filter, filtered, plain) in rows {
        memory[..0x40].fill(0);
        memory[0x10..0x10 + filtered.len()].copy_from_slice(filtered);
        code[..0x40].fill(0);
        code[0x10..0x10 + plain.len()].copy_from_slice(plain);
        let packed = packed(Code::E, 4, &memory);
        let walked = opened(&upx_program(8, &packed, memory.len(), [filter, 7]));
        assert_eq!(walked.members[0].bytes[0x200..0x240], code[..0x40], "filter {filter:x}");
    }
}

#[test]
fn what_is_broken_is_not_scanned() {
    let (memory, _) = memory();
    let whole = packed(Code::D, 4, &memory);
    let why = Some(Err(Why::Unsupported("program packed by UPX")));
    let mut far = whole.clone();
    // The first match, from before the beginning.
    far[..8].copy_from_slice(&[0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0xff, 0xff]);
    for (method, packed, plain) in [
        (5, &whole[..whole.len() / 2], memory.len()),
        (5, &whole[..], memory.len() + 1),
        (5, &far[..], memory.len()),
        (8, &whole[..], memory.len()),
        (14, &whole[..], memory.len()),
        (77, &whole[..], memory.len()),
        (5, &whole[..], usize::try_from(u32::MAX).expect("64 bits")),
    ] {
        let walked = opened(&upx_program(method, packed, plain, [0, 0]));
        assert_eq!(walked.members[0].fate, why, "method {method}, {plain} bytes");
    }
}

/// A program of two segments with a hole between them.
fn elf() -> Vec<u8> {
    let mut file = vec![0; 0x300];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (file[32], file[54], file[56]) = (64, 56, 2);
    for (row, from, length) in [(64, 0_u32, 0x180_u32), (120, 0x200, 0x100)] {
        file[row] = 1;
        file[row + 8..row + 12].copy_from_slice(&from.to_le_bytes());
        file[row + 32..row + 36].copy_from_slice(&length.to_le_bytes());
    }
    for (at, byte) in (0..=255).cycle().zip(&mut file[0xb0..0x180]) {
        *byte = at;
    }
    file[0x200..].fill(0x77);
    file
}

#[test]
fn segments_of_an_elf_file_are_at_their_places() {
    let plain = elf();
    let narrow = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let block = |method: u8, bytes: &[u8]| {
        let packed = if method == 0 { bytes.to_vec() } else { packed(Code::E, 4, bytes) };
        let head = [&narrow(bytes.len())[..], &narrow(packed.len()), &[method, 0, 0, 0]];
        [&head.concat()[..], &packed].concat()
    };
    let mut file = elf();
    file.truncate(0xb0);
    file.extend(b"\0\0\0\0UPX!\0\0\x0d\x16");
    file.extend([&[0; 4], &narrow(plain.len())[..], &narrow(plain.len())].concat());
    let headers = block(8, &plain[..0xb0]);
    let (first, second) = (block(0, &plain[0xb0..0x180]), block(8, &plain[0x200..]));
    file.extend([&headers[..], &first, &second, b"\0\0\0\0UPX!"].concat());
    let walked = opened({
        file.resize(0x600, 0);
        &file
    });
    assert_eq!((walked.members.len(), walked.members[0].fate), (1, Some(Ok(()))));
    assert!(walked.members[0].bytes == plain);
    // Without the mark it is opened, too; what is damaged is then no news.
    file[0xb4..0xb8].fill(b'x');
    assert!(opened(&file).members[0].bytes == plain);
    file[0xe0..0xf0].fill(0xff);
    assert_eq!(opened(&file).members[0].fate, Some(Ok(())));
    file[0xb4..0xb8].copy_from_slice(b"UPX!");
    let why = Why::Unsupported("program packed by UPX");
    assert_eq!(opened(&file).members[0].fate, Some(Err(why)));
}
