//! Images of disks, archives of XAR, and archives where nobody looks for them: any bytes end, and what is said of them
//! does not depend on how they were cut.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::harness::Target;
use super::unpack::scan_in;

pub(crate) const ALL: [Target; 3] = [
    Target { name: "disks", corpus: disks, words: DISK_WORDS, run },
    Target { name: "xar", corpus: archives, words: XAR_WORDS, run },
    Target { name: "strays", corpus: strays, words: STRAY_WORDS, run },
];

const DISK_WORDS: &[&[u8]] = &[
    b"\x55\xaa",
    b"EFI PART",
    b"H+\0\x04",
    b"NTFS    ",
    b"\xff\xff\xff\xff",
    b"\xff\x0f",
    b"\0\0\0\x01",
    b"\x41a\0b\0c\0\0\0\xff\xff\xff\xff\x0f",
];
const XAR_WORDS: &[&[u8]] =
    &[b"<file>", b"</file>", b"<data>", b"<offset>0</offset>", b"<!--", b"\xff\xff"];
const STRAY_WORDS: &[&[u8]] = &[
    b"Rar!\x1a\x07\0",
    b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"MSCF\0\0\0\0",
    b"\x60\xea",
    b"-lh5-",
    b"\xef\xbe\xad\xdeNullsoftInst",
    b"}",
    b"{\\rtf",
];

/// Images are large: one byte at a time would take too long.
fn run(input: &[u8]) {
    scan_in(input, &[usize::MAX, 4_096, 997]);
}

fn put(image: &mut Vec<u8>, at: usize, part: &[u8]) {
    image.resize(image.len().max(at + part.len()), 0);
    image[at..at + part.len()].copy_from_slice(part);
}

/// FAT12 with a file in two pieces and a folder, and the same in a partition; HFS+ with two files.
fn disks() -> Vec<Vec<u8>> {
    let mut fat = vec![0; 512 * 12];
    put(&mut fat, 0, b"\xeb\x3c\x90MSDOS5.0\x00\x02\x01\x01\x00\x01\x10\x00\x0c\x00\xf8\x01\x00");
    put(&mut fat, 510, b"\x55\xaa");
    // 2 goes on with 4, and 3, 4 and 5 are the last of theirs.
    put(&mut fat, 512, b"\xf8\xff\xff\x04\xf0\xff\xff\xff\xff");
    let entry = |name: &[u8; 11], traits: u8, cluster: u8, size: u32| {
        let mut out = vec![0; 32];
        put(&mut out, 0, name);
        (out[11], out[26]) = (traits, cluster);
        put(&mut out, 28, &size.to_le_bytes());
        out
    };
    let root = [entry(b"A       TXT", 0x20, 2, 600), entry(b"D          ", 0x10, 3, 0)].concat();
    put(&mut fat, 1_024, &root);
    put(&mut fat, 512 * 3, b"some bytes of a file");
    put(&mut fat, 512 * 4, &entry(b"B       TXT", 0x20, 5, 30));
    put(&mut fat, 512 * 6, b"some bytes of another file");
    let mut disk = vec![0; 1_024];
    put(&mut disk, 446, &[0x80, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0]);
    put(&mut disk, 510, b"\x55\xaa");
    disk.extend(&fat);
    vec![fat, disk, apple()]
}

fn apple() -> Vec<u8> {
    let mut image = vec![0; 512 * 24];
    put(&mut image, 1_024, b"H+\0\x04");
    put(&mut image, 1_024 + 42, &[2, 0]);
    // A catalog of 2,048 bytes in block 4 and the three behind.
    put(&mut image, 1_024 + 272 + 6, &[8, 0]);
    put(&mut image, 1_024 + 272 + 16, &[0, 0, 0, 4, 0, 0, 0, 4]);
    put(&mut image, 512 * 4 + 32, &[4, 0]);
    let leaf = 512 * 6;
    put(&mut image, leaf + 8, &[0xff, 1, 0, 2]);
    for index in 0..2_u8 {
        let at = 14 + 260 * usize::from(index);
        put(&mut image, leaf + at, &[0, 8, 0, 0, 0, 2, 0, 1, 0, b'a' + index, 0, 2]);
        put(&mut image, leaf + at + 10 + 88 + 7, &[20]);
        put(&mut image, leaf + at + 10 + 88 + 16, &[0, 0, 0, 12 + index, 0, 0, 0, 1]);
    }
    for (index, place) in [14_u16, 274, 534].iter().enumerate() {
        put(&mut image, leaf + 1_022 - 2 * index, &place.to_be_bytes());
    }
    put(&mut image, 512 * 12, b"some bytes of a file");
    image
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(plain).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn archives() -> Vec<Vec<u8>> {
    let packed = zlib(b"packed bytes");
    let list = format!(
        "<?xml version=\"1.0\"?><xar><toc><file id=\"1\"><name>a</name><data><length>5</length><offset>0</offset>\
         <size>5</size><encoding style=\"application/octet-stream\"/></data></file><file id=\"2\"><data>\
         <length>{}</length><offset>5</offset><encoding style=\"application/x-gzip\"/></data><name>b</name></file>\
         </toc></xar>",
        packed.len()
    );
    let toc = zlib(list.as_bytes());
    let mut out = b"xar!\0\x1c\0\x01".to_vec();
    out.extend((toc.len() as u64).to_be_bytes());
    out.extend([0; 12]);
    vec![[&out[..], &toc, b"plain", &packed].concat()]
}

/// A zip, an RTF and a note with an archive behind each.
fn strays() -> Vec<Vec<u8>> {
    let rar = b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0\xc4\x3d\x7b\0\x40\x07\0";
    let end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let note = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3";
    let member = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\0\0ahello";
    [&[&member[..], end].concat()[..], b"{\\rtf1{\\*\\objdata 4142}text}", note]
        .map(|front| [front, rar].concat())
        .to_vec()
}
