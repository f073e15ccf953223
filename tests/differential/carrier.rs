//! Files of each kind that signatures ask for, with room for what is planted.
//!
//! clamscan types each of them as its target says; the engine has to agree or the findings differ.

use std::io::Write as _;

use flate2::Crc;

use crate::corpus::gzip;

/// What is asked of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) target: u8,
    pub(crate) sections: usize,
    /// The entry point's place in the file, where a signature names it.
    pub(crate) entry: Option<usize>,
}

/// A file with room.
#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    pub(crate) bytes: Vec<u8>,
    /// Where planting begins.
    pub(crate) room: usize,
    pub(crate) entry: usize,
    /// Start and size of each section.
    pub(crate) sections: Vec<(usize, usize)>,
    /// What has to stand behind everything.
    pub(crate) tail: &'static [u8],
}

/// What may stand between and inside planted pieces without meaning anything.
pub(crate) const fn filler(target: u8) -> &'static [u8] {
    match target {
        3 | 4 | 7 => b"kqzk",
        _ => b"\x00\x01\xf1\x02",
    }
}

/// What separates planted pieces.
pub(crate) const fn separator(target: u8) -> &'static [u8] {
    match target {
        3 | 4 | 7 => b" ",
        _ => b"\0\0\0",
    }
}

/// A carrier of the frame's target with `capacity` bytes of room.
pub(crate) fn carrier(frame: Frame, capacity: usize) -> Carrier {
    match frame.target {
        1 => pe(frame, capacity),
        6 => elf(frame, capacity),
        9 => mach_o(capacity),
        2 => ole2(capacity),
        3 => simple(b"<html><head></head><body> ", capacity, b" </body></html>\n"),
        4 => simple(
            b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\nFrom: a@example.org\nTo: b@example.org\nSubject: k\nMIME-Version: 1.0\nContent-Type: text/plain\n\n ",
            capacity,
            b"\n",
        ),
        5 => simple(b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff", capacity, b"\x3b"),
        7 => simple(b"some plain text ", capacity, b"\n"),
        10 => simple(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", capacity, b"\n%%EOF\n"),
        11 => simple(b"FWS\x08\x00\x10\x00\x00\x00\x00\x00\x00", capacity, b""),
        12 => simple(b"\xca\xfe\xba\xbe\x00\x00\x00\x34\x00\x10", capacity, b""),
        _ => simple(&[0; 12], capacity, b""),
    }
}

fn simple(head: &[u8], capacity: usize, tail: &'static [u8]) -> Carrier {
    let mut bytes = head.to_vec();
    let room = bytes.len();
    // Room in text is filled with spaces, in data with zeros.
    let fill = if head.ends_with(b" ") { b' ' } else { 0 };
    bytes.resize(room + capacity, fill);
    Carrier { bytes, room, entry: 0, sections: Vec::new(), tail }
}

/// Writes into a file that is long enough.
pub(crate) fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Four bytes of a header.
pub(crate) fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_le_bytes()
}

/// Two bytes of a header.
pub(crate) fn half(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("small").to_le_bytes()
}

/// Headers, then sections; the room is the first one, the entry point behind what is planted there.
fn pe(frame: Frame, capacity: usize) -> Carrier {
    let count = frame.sections.clamp(1, 90);
    let start = 0x1200_usize.max(frame.entry.map_or(0, |entry| entry.min(0x8000) & !0x1ff));
    let start = if frame.entry.is_some() { start } else { 0x1200 };
    let size = (capacity + 0x400).next_multiple_of(0x200);
    let entry = frame.entry.map_or(start + capacity + 0x40, |entry| entry.max(start));
    let size = size.max((entry + 0x400).saturating_sub(start).next_multiple_of(0x200));
    let mut file = vec![0; start + size + 0x200 * (count - 1)];
    put(&mut file, 0, b"MZ");
    put(&mut file, 0x3c, &word(0x80));
    put(&mut file, 0x80, b"PE\0\0\x4c\x01");
    put(&mut file, 0x86, &half(count));
    put(&mut file, 0x94, &half(224));
    put(&mut file, 0x96, &half(0x102));
    let optional = 0x98;
    let pages = size.next_multiple_of(0x1000);
    put(&mut file, optional, &half(0x10b));
    put(&mut file, optional + 16, &word(0x2000 + entry - start));
    put(&mut file, optional + 28, &word(0x40_0000));
    put(&mut file, optional + 32, &word(0x1000));
    put(&mut file, optional + 36, &word(0x200));
    put(&mut file, optional + 56, &word(0x2000 + pages + 0x1000 * count));
    put(&mut file, optional + 60, &word(start));
    put(&mut file, optional + 92, &word(16));
    let (mut sections, mut at, mut address) = (Vec::new(), start, 0x2000);
    for index in 0..count {
        let size = if index == 0 { size } else { 0x200 };
        let row = optional + 224 + index * 40;
        put(&mut file, row, b".sect");
        put(&mut file, row + 8, &word(size));
        put(&mut file, row + 12, &word(address));
        put(&mut file, row + 16, &word(size));
        put(&mut file, row + 20, &word(at));
        put(&mut file, row + 36, &word(0x6000_0020));
        sections.push((at, size));
        at += size;
        address += size.next_multiple_of(0x1000);
    }
    Carrier { bytes: file, room: start, entry, sections, tail: b"" }
}

/// For 64 bits: one segment over everything, sections with their table at the end.
fn elf(frame: Frame, capacity: usize) -> Carrier {
    let count = frame.sections.clamp(1, 90);
    let mut file = vec![0; 120];
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put(&mut file, 16, &half(2));
    put(&mut file, 18, &half(62));
    put(&mut file, 20, &word(1));
    let entry = frame.entry.unwrap_or(120 + capacity + 0x40).max(120);
    put(&mut file, 24, &word(0x40_0000 + entry));
    put(&mut file, 32, &word(64));
    put(&mut file, 52, &half(64));
    put(&mut file, 54, &half(56));
    put(&mut file, 56, &half(1));
    put(&mut file, 58, &half(64));
    put(&mut file, 60, &half(count));
    put(&mut file, 64, &word(1));
    put(&mut file, 68, &word(5));
    put(&mut file, 64 + 16, &word(0x40_0000));
    put(&mut file, 64 + 24, &word(0x40_0000));
    put(&mut file, 64 + 48, &word(0x1000));
    let first = (capacity + 0x200).max(entry + 0x200 - 120);
    let mut sections = vec![(120, first)];
    sections.extend((1..count).map(|index| (120 + first + 0x100 * (index - 1), 0x100)));
    let table = 120 + first + 0x100 * (count - 1);
    file.resize(table, 0);
    put(&mut file, 40, &word(table));
    put(&mut file, 64 + 32, &word(table));
    put(&mut file, 64 + 40, &word(table));
    for &(start, size) in &sections {
        let mut row = [0; 64];
        put(&mut row, 4, &word(1));
        put(&mut row, 16, &word(0x40_0000 + start));
        put(&mut row, 24, &word(start));
        put(&mut row, 32, &word(size));
        file.extend_from_slice(&row);
    }
    Carrier { bytes: file, room: 120, entry, sections, tail: b"" }
}

/// For x86-64: one segment with one section.
fn mach_o(capacity: usize) -> Carrier {
    let size = capacity + 0x200;
    let mut file = vec![0; 0x200 + size];
    for (at, value) in [
        (0, 0xfeed_facf),
        (4, 0x0100_0007),
        (8, 3),
        (12, 2),
        (16, 1),
        (20, 152),
        (32, 0x19),
        (36, 152),
        (56, 0x1000),
        (64, 0x1_0000),
        (80, 0x200 + size),
        (88, 7),
        (92, 5),
        (96, 1),
    ] {
        put(&mut file, at, &word(value));
    }
    put(&mut file, 40, b"__TEXT");
    put(&mut file, 104, b"__text");
    put(&mut file, 120, b"__TEXT");
    put(&mut file, 136, &word(0x1200));
    put(&mut file, 144, &word(size));
    put(&mut file, 152, &word(0x200));
    Carrier { bytes: file, room: 0x200, entry: 0, sections: vec![(0x200, size)], tail: b"" }
}

/// A compound file with one stream, large enough to have sectors of its own.
fn ole2(capacity: usize) -> Carrier {
    let sectors = capacity.max(4_096).div_ceil(512).min(120);
    let mut file = vec![0; 512 * (3 + sectors)];
    put(&mut file, 0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    put(&mut file, 24, &half(0x3e));
    put(&mut file, 26, &half(3));
    put(&mut file, 28, &half(0xfffe));
    put(&mut file, 30, &half(9));
    put(&mut file, 32, &half(6));
    put(&mut file, 44, &word(1));
    put(&mut file, 48, &word(1));
    put(&mut file, 56, &word(4_096));
    put(&mut file, 60, &word(0xffff_fffe));
    put(&mut file, 68, &word(0xffff_fffe));
    for at in 0..109 {
        put(&mut file, 76 + at * 4, &word(if at == 0 { 0 } else { 0xffff_ffff }));
    }
    // The table: itself, the directory, the stream.
    let mut chain = vec![0xffff_fffd, 0xffff_fffe];
    chain.extend((0..sectors).map(|at| if at + 1 == sectors { 0xffff_fffe } else { at + 3 }));
    chain.resize(128, 0xffff_ffff);
    for (at, next) in chain.into_iter().enumerate() {
        put(&mut file, 512 + at * 4, &word(next));
    }
    let rows =
        [("Root Entry", 5, 1, 0xffff_fffe, 0), ("Contents", 2, 0xffff_ffff, 2, sectors * 512)];
    for (index, (name, kind, child, start, size)) in rows.into_iter().enumerate() {
        let row = 1_024 + index * 128;
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(&mut file, row, &wide);
        put(&mut file, row + 64, &half(wide.len() + 2));
        put(&mut file, row + 66, &[kind, 1]);
        put(&mut file, row + 68, &word(0xffff_ffff));
        put(&mut file, row + 72, &word(0xffff_ffff));
        put(&mut file, row + 76, &word(child));
        put(&mut file, row + 116, &word(start));
        put(&mut file, row + 120, &word(size));
    }
    Carrier { bytes: file, room: 1_536, entry: 0, sections: Vec::new(), tail: b"" }
}

/// Puts a file into a container of ClamAV's name; nothing where none is made here.
pub(crate) fn contained(container: &str, file: &[u8]) -> Option<Vec<u8>> {
    match container {
        "CL_TYPE_ANY" => Some(file.to_vec()),
        "CL_TYPE_GZ" => Some(gzip(file)),
        "CL_TYPE_ZIP" => Some(zip(file)),
        "CL_TYPE_MAIL" => Some(mail(file)),
        _ => None,
    }
}

/// One stored member.
fn zip(file: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(file);
    let mut facts = [0; 26];
    put(&mut facts, 0, &half(20));
    put(&mut facts, 10, &crc.sum().to_le_bytes());
    put(&mut facts, 14, &word(file.len()));
    put(&mut facts, 18, &word(file.len()));
    put(&mut facts, 22, &half(5));
    let mut made = b"PK\x03\x04".to_vec();
    made.extend_from_slice(&facts);
    made.extend_from_slice(b"a.bin");
    made.extend_from_slice(file);
    let directory = made.len();
    made.extend_from_slice(b"PK\x01\x02\x14\x00");
    made.extend_from_slice(&facts);
    made.extend_from_slice(&[0; 14]);
    made.extend_from_slice(b"a.bin");
    let size = made.len() - directory;
    made.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    made.extend_from_slice(&word(size));
    made.extend_from_slice(&word(directory));
    made.extend_from_slice(&[0; 2]);
    made
}

/// One attachment in base64.
fn mail(file: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut made = b"From: a@example.org\nTo: b@example.org\nSubject: k\nMIME-Version: 1.0\nContent-Type: application/octet-stream; name=\"a.bin\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"a.bin\"\n\n".to_vec();
    for line in file.chunks(57) {
        for group in line.chunks(3) {
            let mut bits = 0_usize;
            for at in 0..3 {
                bits = bits << 8 | usize::from(group.get(at).copied().unwrap_or(0));
            }
            for at in 0..4 {
                let digit = DIGITS[bits >> (18 - 6 * at) & 63];
                made.push(if at > group.len() { b'=' } else { digit });
            }
        }
        made.write_all(b"\n").expect("to memory");
    }
    made
}
