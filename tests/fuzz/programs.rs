//! Packed programs: whatever the code in them does, the scan ends, and with the same verdict however the
//! program was cut.

use super::harness::Target;
use super::unpack::scan;

pub(crate) const ALL: [Target; 2] = [
    Target { name: "packed", corpus: programs, words: CODE, run: scan },
    Target { name: "upx", corpus: upx, words: MARKS, run: scan },
];

/// Instructions: strings, stack, loops, calls, faults, a jump to what was written.
const CODE: &[&[u8]] = &[
    b"\xf3\xa4",
    b"\xf3\xab",
    b"\xf2\xae",
    b"\x60\x61",
    b"\xe2\xfe",
    b"\xe8\0\0\0\0",
    b"\xff\x15\0\x22\x40\0",
    b"\xff\x15\x04\x22\x40\0",
    b"\xcc",
    b"\xf7\xf0",
    b"\x64\xa1\0\0\0\0",
    b"\xa3\0\x20\x40\0",
    b"\xb8\0\x10\x40\0\xff\xe0",
    b"\x9d",
    b"\xd9\x74\x24\xf4",
];
const MARKS: &[&[u8]] = &[b"UPX!", b"UPX0", b"UPX1", b"\xff\xff\xff\xff", b"\x0d\x09\x08", b"\x0e"];

/// A program of two sections, of which the second is in the file and has these bytes of code.
fn program(names: [&[u8]; 2], code: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 0x800];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &[0x40]);
    put(0x40, b"PE\0\0\x4c\x01\x02\0");
    put(0x54, &[0xe0, 0, 0x02, 0x01, 0x0b, 0x01]);
    for (at, value) in [
        (16, 0x2000_u32),
        (28, 0x40_0000),
        (32, 0x1000),
        (36, 0x200),
        (56, 0x3000),
        (60, 0x200),
        (92, 16),
        (104, 0x2180),
    ] {
        put(0x58 + at, &value.to_le_bytes());
    }
    for (row, name, address, size) in
        [(0x138, names[0], 0x1000_u32, 0_u32), (0x160, names[1], 0x2000, 0x600)]
    {
        put(row, name);
        for (at, value) in [(8, 0x1000), (12, address), (16, size), (20, 0x200), (36, 0xe000_0060)]
        {
            put(row + at, &value.to_le_bytes());
        }
    }
    put(0x200, code);
    put(0x380 + 12, &0x2300_u32.to_le_bytes());
    put(0x380 + 16, &0x2200_u32.to_le_bytes());
    put(0x500, b"KERNEL32.dll");
    for (index, name) in [&b"VirtualAlloc"[..], b"GetProcAddress"].into_iter().enumerate() {
        let place = 0x2340 + 0x20 * u32::try_from(index).expect("few");
        put(0x400 + 4 * index, &place.to_le_bytes());
        put(0x542 + 0x20 * index, name);
    }
    file
}

/// One that decodes itself, one that asks for memory, one that handles its own exception.
fn programs() -> Vec<Vec<u8>> {
    let codes: [&[u8]; 3] = [
        b"\xbe\0\x21\x40\0\xbf\0\x10\x40\0\xb9\x80\0\0\0\xac\x34\x5a\xaa\xe2\xfa\xb8\0\x10\x40\0\xff\xe0",
        b"\x6a\x40\x68\0\x30\0\0\x68\0\x10\0\0\x6a\0\xff\x15\0\x22\x40\0\x8b\xf8\xab\xc3",
        b"\x68\x14\x20\x40\0\x64\xff\x35\0\0\0\0\x64\x89\x25\0\0\0\0\xcc\
          \x8b\x44\x24\x0c\xc7\x80\xb8\0\0\0\x25\x20\x40\0\x33\xc0\xc3",
    ];
    codes.into_iter().map(|code| program([b"first", b"second"], code)).collect()
}

/// The front of one for Windows with the three codes, and of an ELF file.
fn upx() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for method in [2, 5, 8, 14] {
        let mut file = program([b"UPX0", b"UPX1"], b"\xc3");
        let head = [&b"UPX!\x0d\x09"[..], &[method, 9], &[0; 8]].concat();
        file[0x1e0..0x1e0 + head.len()].copy_from_slice(&head);
        file[0x1f0..0x1f4].copy_from_slice(&0x800_u32.to_le_bytes());
        file[0x1f4..0x1f8].copy_from_slice(&0x500_u32.to_le_bytes());
        (file[0x1fc], file[0x1fd]) = (0x26, 1);
        files.push(file);
    }
    let mut elf = vec![0; 0xa0];
    elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (elf[32], elf[54], elf[56]) = (64, 56, 1);
    elf[120 + 4..120 + 8].copy_from_slice(b"UPX!");
    (elf[120 + 17], elf[120 + 21], elf[120 + 24], elf[120 + 28]) = (2, 2, 60, 40);
    elf[120 + 32] = 8;
    elf.extend(b"\xff\xff\xff\xff some bytes of a block of which each is itself and then more");
    files.push(elf);
    files
}
