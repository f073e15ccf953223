//! Images of discs, and what carries files: any bytes end, and what is said of them does not depend on how they
//! were cut.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::harness::Target;
use super::unpack::{scan, scan_in};

pub(crate) const ALL: [Target; 7] = [
    Target { name: "discs", corpus: discs, words: DISC_WORDS, run: scan_disc },
    Target { name: "rtf", corpus: rtfs, words: RTF_WORDS, run: scan },
    Target { name: "flash", corpus: films, words: &[b"CWS", b"ZWS", b"\x78\x9c"], run: scan },
    Target { name: "sis", corpus: packages, words: SIS_WORDS, run: scan },
    Target { name: "dmg", corpus: images, words: DMG_WORDS, run: scan },
    Target { name: "onenote", corpus: notes, words: &[FILE_GUID, b"\xff\xff"], run: scan },
    Target { name: "lnk", corpus: links, words: &[b"\xff\xff", b"\0\0\0\0"], run: scan },
];

const DISC_WORDS: &[&[u8]] = &[
    b"\x01CD001\x01",
    b"\x02CD001\x01",
    b"\0NSR02\x01",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"NM\x09\x01\0name",
    b"\x01\x01",
    b"\x05\x01",
    b"\x0a\x01",
];
const RTF_WORDS: &[&[u8]] = &[
    b"{\\*\\objdata ",
    b"{\\pict ",
    b"\\bin9 ",
    b"\\'41",
    b"{\\*\\x ",
    b"}",
    b"0105000002000000",
    b"\\par",
    b"\\-9",
];
const SIS_WORDS: &[&[u8]] = &[b"\x02\0\0\0", b"\x03\0\0\0", b"\x20\0\0\0", b"\xff\xff\xff\xff"];
const DMG_WORDS: &[&[u8]] = &[b"gAAA", b"</data>", b"<data>bWlzaAAA", b"</dict>", b"////", b"AAAA"];
const FILE_GUID: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";

/// Images are large: one byte at a time would take too long.
fn scan_disc(input: &[u8]) {
    scan_in(input, &[usize::MAX, 4_096, 997]);
}

/// Writes parts at their places.
fn put(parts: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, part) in parts {
        out.resize(out.len().max(at + part.len()), 0);
        out[*at..at + part.len()].copy_from_slice(part);
    }
    out
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn number(value: usize) -> u32 {
    u32::try_from(value).expect("small")
}

fn discs() -> Vec<Vec<u8>> {
    let record = |name: &[u8], block: u32, size: u32, flags: u8| {
        let length = u8::try_from((34 + name.len()) & !1).expect("short");
        let mut out = vec![0; usize::from(length)];
        (out[0], out[25]) = (length, flags);
        out[2..6].copy_from_slice(&block.to_le_bytes());
        out[10..14].copy_from_slice(&size.to_le_bytes());
        out[32] = u8::try_from(name.len()).expect("short");
        out[33..33 + name.len()].copy_from_slice(name);
        out
    };
    let sector = |number: usize| number * 2_048;
    let folder = [
        record(b"\0", 18, 2_048, 2),
        record(b"A.TXT;1", 20, 30, 0),
        record(b"D", 19, 2_048, 2),
        record(b"M;1", 20, 9, 0x80),
        record(b"M;1", 20, 9, 0),
    ];
    let iso = put(&[
        (sector(16), b"\x01CD001\x01".to_vec()),
        (sector(16) + 156, record(b"\0", 18, 2_048, 2)),
        (sector(17), b"\xffCD001\x01".to_vec()),
        (sector(18), folder.concat()),
        (sector(19), record(b"B.TXT;1", 20, 40, 0)),
        (sector(20), b"some bytes of a file, and some more bytes".to_vec()),
        (sector(21) - 1, vec![0]),
    ]);
    vec![iso, udf()]
}

/// Sectors of 512 bytes, and the anchor in the last one.
fn udf() -> Vec<u8> {
    let tag = |kind: u16, block: u32, length: usize| {
        let mut out = vec![0; length];
        out[..2].copy_from_slice(&kind.to_le_bytes());
        out[12..16].copy_from_slice(&block.to_le_bytes());
        out[4] = out[..16].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        out
    };
    let with = |mut out: Vec<u8>, at: usize, part: &[u8]| {
        out.resize(out.len().max(at + part.len()), 0);
        out[at..at + part.len()].copy_from_slice(part);
        out
    };
    let long = |length: usize, block: u32| words(&[number(length), block, 0, 0]);
    let entry = |kind: u8, area: &[u8], allocation: u8, size: usize| {
        let mut out = with(tag(261, 0, 176), 172, &words(&[number(area.len())]));
        (out[27], out[34]) = (kind, allocation);
        out[56..60].copy_from_slice(&words(&[number(size)]));
        [&out[..], area].concat()
    };
    let name = |name: &str, block: u32| {
        let mut out = with(tag(257, 0, 38), 20, &long(512, block));
        out[19] = u8::try_from(name.len() + 1).expect("short");
        out.push(8);
        out.extend(name.bytes());
        out.resize(out.len().next_multiple_of(4), 0);
        out
    };
    let names = [name("first", 2), name("second", 3)].concat();
    let logical = with(tag(6, 81, 440), 212, &words(&[512]));
    let logical = with(logical, 248, &long(512, 0));
    let logical = with(logical, 264, &words(&[6]));
    let logical = with(logical, 440, &[1, 6, 1, 0, 0, 0]);
    let sector = |number: usize| number * 512;
    let areas = [words(&[512, 5]), words(&[3, 6])].concat();
    put(&[
        (32_768, b"\0BEA01\x01".to_vec()),
        (34_816, b"\0NSR02\x01".to_vec()),
        (sector(80), with(tag(5, 80, 500), 188, &words(&[90]))),
        (sector(81), logical),
        (sector(82), tag(8, 82, 16)),
        (sector(90), with(tag(256, 0, 500), 400, &long(512, 1))),
        (sector(91), entry(4, &names, 3, names.len())),
        (sector(92), entry(5, b"embedded bytes", 3, 14)),
        (sector(93), entry(5, &areas, 0, 515)),
        (sector(95), vec![b'x'; 515]),
        (sector(100), with(tag(2, 100, 512), 16, &words(&[512 * 4, 80]))),
    ])
}

fn rtfs() -> Vec<Vec<u8>> {
    let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let native = b"\xd0\xcf\x11\xe0 some native data";
    let object =
        [&words(&[0x501, 2, 4])[..], b"abc\0", &words(&[0, 0, number(native.len())]), native]
            .concat();
    let package = [
        &words(&[0x501, 2, 8])[..],
        b"Package\0",
        &words(&[0, 0, 60]),
        b"\x02\0a.exe\0C:\\a.exe\0\0\0\x03\0\x03\0\0\0C:\0\x08\0\0\0MZ bytes",
    ]
    .concat();
    let plain = format!("{{\\rtf1{{\\object{{\\*\\objdata {}}}}}text}}", digits(&object));
    let hidden = format!(
        "{{\\rt{{\\*\\objdata{{\\*\\x 41}}{}\\bin2 }}{{\\'4a}}}}{{\\pict\\picw1 89504e47}}}}",
        digits(&package)
    );
    vec![plain.into_bytes(), hidden.into_bytes()]
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

fn films() -> Vec<Vec<u8>> {
    let body = b"the body of a film ".repeat(30);
    let packed = [b"CWS\x0d\x42\x02\0\0", &zlib(&body)[..]].concat();
    let lzma =
        b"ZWS\x0d\x42\x02\0\0\x09\0\0\0\x5d\0\0\x01\0\0\x3a\x1a\x08\xce\x70\xb8\x11".to_vec();
    vec![packed, lzma]
}

fn packages() -> Vec<Vec<u8>> {
    let file = zlib(b"a program of a telephone");
    let mut old = words(&[1, 0x1000_3a12, 0x1000_0419, 0]);
    old.extend([0, 0, 1, 0, 1, 0]);
    old.resize(100, 0);
    old[52..56].copy_from_slice(&words(&[100]));
    old.extend(words(&[0, 0, 0, 0, 0, 4, 160, number(file.len()), 164, 9, 0, 0]));
    old.resize(160, 0);
    old.extend_from_slice(b"a\0b\0");
    old.extend_from_slice(&file);
    let field = |kind: u32, data: &[u8]| {
        let mut out = [&words(&[kind, number(data.len())])[..], data].concat();
        out.resize(out.len().next_multiple_of(4), 0);
        out
    };
    let packed = field(3, &[&words(&[1, 9, 0])[..], &file].concat());
    let list = field(2, &[&words(&[32])[..], &field(32, &packed)[4..]].concat());
    let contents = [packed, field(30, &field(31, &list))].concat();
    let new = [words(&[0x1020_1a7a, 0, 0, 0]), field(12, &contents)].concat();
    vec![old, new]
}

/// A zlib run, zeros, and an ADC run of one partition.
fn images() -> Vec<Vec<u8>> {
    let run = zlib(&[b'r'; 512]);
    let adc = b"\x83abcd\x78\0\x03";
    let mut table = b"mish\0\0\0\x01".to_vec();
    table.resize(200, 0);
    table.extend(3_u32.to_be_bytes());
    let length = number(run.len());
    for row in [[0x8000_0005, 0, length], [0, length, 0], [0x8000_0004, length, number(adc.len())]]
    {
        let [kind, from, length] = row;
        for word in [kind, 0, 0, 0, 0, 1, 0, from, 0, length] {
            table.extend(word.to_be_bytes());
        }
    }
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = table.chunks(3).flat_map(|three| {
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| letters[usize::try_from(word >> shift & 63).expect("small")])
    });
    let mut list = b"<key>blkx</key><array><dict><key>Data</key><data>".to_vec();
    list.extend(digits);
    list.extend_from_slice(b"</data><key>Name</key><string>a</string></dict></array>");
    let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
    trailer.resize(512, 0);
    trailer[220..224].copy_from_slice(&number(run.len() + adc.len()).to_be_bytes());
    trailer[228..232].copy_from_slice(&number(list.len()).to_be_bytes());
    vec![[&run[..], adc, &list, &trailer].concat()]
}

fn notes() -> Vec<Vec<u8>> {
    let mut out = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    for file in ["one file", "another file"] {
        out.extend_from_slice(FILE_GUID);
        out.extend(words(&[number(file.len()), 0, 0, 0, 0]));
        out.extend(file.bytes());
    }
    vec![out]
}

fn links() -> Vec<Vec<u8>> {
    let mut out = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46\x87\0\0\0".to_vec();
    out.resize(76, 0);
    out.extend_from_slice(b"\x03\0abc\x08\0\0\0info\x02\0a\0b\0\x0c\0\0\0\x05\0\0\xa0data\0\0\0\0");
    out.extend_from_slice(b"<script>what stands behind</script>");
    vec![out]
}
