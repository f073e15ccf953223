//! Archives: any bytes end, and what is said of them does not depend on how they were cut.
//!
//! The seeds are what the real programs make of three lines of text, and archives of RAR by a writer that is
//! not ours.

use rars::{ArchiveVersion, Builder};

use crate::harness::Target;
use crate::unpack::scan;

pub(crate) const ALL: [Target; 8] = [
    Target { name: "seven_zip", corpus: seven_zips, words: SEVEN_ZIP_WORDS, run: scan },
    Target { name: "cab", corpus: cabinets, words: CABINET_WORDS, run: scan },
    Target { name: "chm", corpus: help_files, words: &[b"\xff\xff\xff\xff", b"PMGL"], run: scan },
    Target {
        name: "szdd",
        corpus: szdd_files,
        words: &[b"KWAJ\x88\xf0\x27\xd1\x02\0\x0e\0"],
        run: scan,
    },
    Target { name: "arj", corpus: arj_archives, words: &[b"\x60\xea", b"\0\0"], run: scan },
    Target { name: "lha", corpus: lha_archives, words: LHA_WORDS, run: scan },
    Target { name: "rar", corpus: rar_archives, words: RAR_WORDS, run: scan },
    Target { name: "carried", corpus: carriers, words: CARRIED_WORDS, run: scan },
];

const SEVEN_ZIP_WORDS: &[&[u8]] = &[
    b"\x21\x21\x01\x18",
    b"\x23\x03\x04\x01\x05\x06\0\0\x01\0",
    b"\x04\x03\x03\x01\x1b",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x01\x04\x06",
    b"\x17\x06",
];
const CABINET_WORDS: &[&[u8]] =
    &[b"CK", b"\x03\x0f", b"\x02\x0f", b"\x01\0", b"\xfe\xff", b"\xff\xff\xff\xff"];
const LHA_WORDS: &[&[u8]] =
    &[b"-lh1-", b"-lh6-", b"-lh7-", b"-lhx-", b"-lzs-", b"-lz5-", b"-lh0-", b"\x02", b"\x03"];
const RAR_WORDS: &[&[u8]] =
    &[b"Rar!\x1a\x07\x01\0", b"Rar!\x1a\x07\0", b"\xff\xff\xff\xff", b"\x80\x80\x80\x01"];
const CARRIED_WORDS: &[&[u8]] = &[
    b"\xef\xbe\xad\xdeNullsoftInst",
    b"7z\xbc\xaf\x27\x1c",
    b"\x60\xea",
    b"MSCF\0\0\0\0",
    b"Rar!\x1a\x07\x01\0",
    b"\x5d\0\0\x80\0\0\0",
];

const TEXT: &[u8] = b"abcde and then abcde and f, hello world hello\n\
    abcde and then abcde and f, hello world hello\nhello then\n";

/// Of LZMA2, `PPMd`, BCJ2 with LZMA, and Deflate behind Delta.
fn seven_zips() -> Vec<Vec<u8>> {
    [SEVEN_ZIP_LZMA2, SEVEN_ZIP_PPMD, SEVEN_ZIP_BCJ2, SEVEN_ZIP_DELTA].map(<[u8]>::to_vec).to_vec()
}

/// Of `gcab -c -z`, and the same with a folder of LZX that is not packed.
fn cabinets() -> Vec<Vec<u8>> {
    let folder_at = CABINET.windows(2).rposition(|method| method == b"\x01\0").expect("a method");
    let mut lzx = CABINET.to_vec();
    lzx[folder_at..folder_at + 2].copy_from_slice(b"\x03\x0f");
    vec![CABINET.to_vec(), lzx]
}

/// A directory of three entries, and a frame of LZX that is not packed.
fn help_files() -> Vec<Vec<u8>> {
    let mut stream = Vec::new();
    // No code of x86, a block that is not packed, its size, up to a whole word.
    let size = u32::try_from(TEXT.len()).expect("small");
    let front = 3 << 28 | size << 4;
    for word in [front >> 16, front & 0xffff] {
        stream.extend(u16::try_from(word).expect("16 bits").to_le_bytes());
    }
    stream.extend([1_u32; 3].iter().flat_map(|recent| recent.to_le_bytes()));
    stream.extend(TEXT);
    stream.resize(stream.len().next_multiple_of(2), 0);
    let mut control = b"\x06\0\0\0LZXC".to_vec();
    control.extend([2_u32, 1, 1, 0].iter().flat_map(|field| field.to_le_bytes()));
    let mut chunk = b"PMGL\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
    let stream_at = u8::try_from(control.len()).expect("small");
    let storage = "::DataSpace/Storage/MSCompressed/";
    for (name, section, at, length) in [
        ("/a".to_owned(), 1, 0, TEXT.len()),
        (format!("{storage}ControlData"), 0, 0, control.len()),
        (format!("{storage}Content"), 0, stream_at, stream.len()),
    ] {
        chunk.push(u8::try_from(name.len()).expect("short"));
        chunk.extend(name.as_bytes());
        let length = u8::try_from(length).expect("small");
        chunk.extend([section, at]);
        chunk.extend([0x80 | length >> 7, length & 0x7f]);
    }
    let free = u32::try_from(512 - chunk.len()).expect("a chunk");
    chunk[4..8].copy_from_slice(&free.to_le_bytes());
    chunk.resize(512, 0);
    let mut directory = b"ITSP".to_vec();
    let fields = [1_u32, 84, 10, 512, 2, 1, 0, 0, 0, 0, 1];
    directory.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    directory.resize(84, 0);
    let mut out = b"ITSF\x03\0\0\0\x60\0\0\0".to_vec();
    out.resize(72, 0);
    out.extend([96_u64, 84 + 512, 96 + 84 + 512].iter().flat_map(|field| field.to_le_bytes()));
    vec![[out, directory, chunk, control, stream].concat()]
}

fn szdd_files() -> Vec<Vec<u8>> {
    let items = b"\xffabcde an\x0fd f,\xe4\xf0\xf1\x05";
    let szdd = [&b"SZDD\x88\xf0\x27\x33A\0\x20\0\0\0"[..], items].concat();
    let basic = [&b"SZ \x88\xf0\x27\x33\xd1\x20\0\0\0"[..], items].concat();
    let kwaj = [&b"KWAJ\x88\xf0\x27\xd1\x02\0\x0e\0\0\0"[..], items].concat();
    let turned = [&b"KWAJ\x88\xf0\x27\xd1\x01\0\x0e\0\0\0"[..], TEXT].concat();
    vec![szdd, basic, kwaj, turned]
}

/// Of the methods 1 and 4.
fn arj_archives() -> Vec<Vec<u8>> {
    [ARJ_PACKED, ARJ_FASTEST].map(<[u8]>::to_vec).to_vec()
}

/// Of lh5 with a header of level 0, lh6 and 1, lh7 and 2, and the same bytes under other names.
fn lha_archives() -> Vec<Vec<u8>> {
    let mut archives = [LHA_5, LHA_6, LHA_7].map(<[u8]>::to_vec).to_vec();
    for method in [b"-lh1-", b"-lzs-", b"-lz5-"] {
        let mut archive = LHA_5.to_vec();
        archive[2..7].copy_from_slice(method);
        archives.push(archive);
    }
    archives
}

fn rar_archives() -> Vec<Vec<u8>> {
    let versions = [
        ArchiveVersion::Rar29,
        ArchiveVersion::Rar40,
        ArchiveVersion::Rar50,
        ArchiveVersion::Rar70,
    ];
    let archive = |version, solid| {
        let mut builder = Builder::new(version).solid(solid);
        for name in ["a", "b"] {
            builder.add_bytes(name.into(), TEXT.repeat(4), None, None).expect("a member");
        }
        builder.to_bytes().expect("an archive")
    };
    versions
        .iter()
        .flat_map(|version| [archive(*version, false), archive(*version, true)])
        .collect()
}

/// Archives behind something else, and the front of an installer.
fn carriers() -> Vec<Vec<u8>> {
    let all = [seven_zips(), cabinets(), arj_archives(), rar_archives()].concat();
    let mut carriers: Vec<Vec<u8>> =
        all.iter().map(|archive| [b"MZ and then ", &archive[..]].concat()).collect();
    let front = b"MZ..\0\0\0\0\xef\xbe\xad\xdeNullsoftInst\x04\0\0\0\x30\0\0\0";
    let blocks = b"\x04\0\0\0abcd\x05\0\0\0efghi sum";
    let packed = b"\x07\0\0\x80\x4b\x4c\x4a\x06\0\0\0....sum";
    carriers.extend([[&front[..], blocks].concat(), [&front[..], packed].concat()]);
    carriers
}

const SEVEN_ZIP_LZMA2: &[u8] =
    b"7z\xbc\xaf'\x1c\0\x04\xe9\x8e\x0f\xe66\0\0\0\0\0\0\0J\0\0\0\0\0\0\0\xd0b\xd9\x05\xe0\
    \0f\0.]\x000\x98\x88\x98>\xc8\xf1u\xb0I\xfc*\xe0S\xdb\x93g\xb5\x1f\xbb\xc1\xf8\xfe\xbd\
    ~\xdao\xb5B\xa4I\x18p9u%\x1c\x1f\xf7>\xfe\xbfU\x12 \0\0\x01\x04\x06\0\x01\x096\0\x07\
    \x0b\x01\0\x01!!\x01\0\x0cg\0\x08\x0a\x01\xc8\x87\xdcq\0\0\x05\x01\x19\x0c\0\0\0\0\0\
    \0\0\0\0\0\0\0\x11\x05\0t\0\0\0\x14\x0a\x01\0K\xecm\x11\x88z\xdd\x01\x15\x06\x01\0 \
    \x80\xa4\x81\0\0";
const SEVEN_ZIP_PPMD: &[u8] =
    b"7z\xbc\xaf'\x1c\0\x04\xde:N\xf9)\0\0\0\0\0\0\0J\0\0\0\0\0\0\0LW\\\x9f\0a\x03n\x1eh\
    \xe6M_\xb4t\xb2\x17m\x90TL!\xb7\08U\xc0\xc1\xe8_\xaf`:Vb\xc5i\xd1\x08\x0f\xae\x1e\
    \x9d\x92\0\x01\x04\x06\0\x01\x09)\0\x07\x0b\x01\0\x01#\x03\x04\x01\x05\x06\0\0\x01\0\
    \x0cg\0\x08\x0a\x01\xc8\x87\xdcq\0\0\x05\x01\x19\x06\0\0\0\0\0\0\x11\x05\0t\0\0\0\
    \x14\x0a\x01\0K\xecm\x11\x88z\xdd\x01\x15\x06\x01\0 \x80\xa4\x81\0\0";
const SEVEN_ZIP_BCJ2: &[u8] =
    b"7z\xbc\xaf'\x1c\0\x04\xcc\x05v7>\0\0\0\0\0\0\0z\0\0\0\0\0\0\0\xcf\xfb/\x0f\x000\x98\
    \x88\x98>\xc8\xf1u\xb0I\xfc*\xe0S\xdb\x93g\xb5\x1f\xbb\xc1\xf8\xfe\xbd~\xdao\xb5B\
    \xa4I\x18p9u%\x1c\x1f\xf7>\xfe\xbfU\x12 \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x06\
    \0\x04\x09/\x05\x05\x05\0\x07\x0b\x01\0\x04#\x03\x01\x01\x05]\0\x10\0\0#\x03\x01\x01\
    \x05]\0\x10\0\0#\x03\x01\x01\x05]\0\x10\0\0\x14\x03\x03\x01\x1b\x04\x01\x05\0\x04\
    \x01\x03\x02\x02\x06\x01\0\x0c\0\0gg\0\x08\x0a\x01\xc8\x87\xdcq\0\0\x05\x01\x19\x0b\
    \0\0\0\0\0\0\0\0\0\0\0\x11\x05\0t\0\0\0\x14\x0a\x01\0K\xecm\x11\x88z\xdd\x01\x15\x06\
    \x01\0 \x80\xa4\x81\0\0";
const SEVEN_ZIP_DELTA: &[u8] =
    b"7z\xbc\xaf'\x1c\0\x04d\xa9\xb7\x9bI\0\0\0\0\0\0\0J\0\0\0\0\0\0\0L86\xd1\x95\x8a\xbb\
    \x09\xc0 \x14\0\xe1i>E\x8a\x0c\x94*\x10H\x95\xb4\x81T:\x98\x9d\x0b\x88\x95\xba\x94Z\
    \x89\x0aj\xe1\0vw\xc7\x11\x0a\0&=H\xec\xb7\x9d\xb5?\xbb\xc2\xa6\x8e\x0b/H\xaeo\xccN\
    \xe2\xc6\xcc}#w\xf8[\x99\xea\xc9\x0b\x01\x04\x06\0\x01\x09I\0\x07\x0b\x01\0\x02\x03\
    \x04\x01\x08!\x03\x01\x01\x01\0\x0cgg\0\x08\x0a\x01\xc8\x87\xdcq\0\0\x05\x01\x19\x05\
    \0\0\0\0\0\x11\x05\0t\0\0\0\x14\x0a\x01\0K\xecm\x11\x88z\xdd\x01\x15\x06\x01\0 \x80\
    \xa4\x81\0\0";
const CABINET: &[u8] =
    b"MSCF\0\0\0\0t\0\0\0\0\0\0\0,\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\0\0\0\0>\0\0\0\
    \x01\0\x01\0g\0\0\0\0\0\0\0\0\0v]\xf9m \0t\0\x1fn\x85\xaf.\0g\0CKKLJNIUH\xccKQ(\xc9H\
    \xcdSH\x84s\xd3t\x142Rsr\xf2\x15\xca\xf3\x8brR l\xaeD\x92TCD@*\xb9\0";
const ARJ_PACKED: &[u8] =
    b"`\xea*\0\"\x0b\x01\x02\x10\0\x02\xf9\x87\xf2\x02k\x87\xf2\x02k\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0a1.arj\0\0\x19\x80\x1f\x02\0\0`\xea1\0.\x0b\x01\x02\x10\x01\0\x87\x87\
    \xf2\x02k1\0\0\0g\0\0\0\xc8\x87\xdcq\0\0\xa4\x11\0\0\0\0\0\0\x87\xf2\x02k\x87\xf2\
    \x02k\0\0\0\0t\0\0,v'\xa4\0\0\0$B\x8e\x89K9\xdc\x01\xfe\x8b\x08\x1aXx\x11B \xb1\xd6\
    \x1e\x0b\x03\xe3\x80\x01H\xef\x84Pp\x83l\xb0<\xd9\xb0ew\x91\xc9\xd3\xa5\x19\x7fmC\
    \xdd$`\xea\0\0";
const ARJ_FASTEST: &[u8] =
    b"`\xea*\0\"\x0b\x01\x02\x10\0\x02\xf9\x87\xf2\x02k\x87\xf2\x02k\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0a4.arj\0\0\xbe\xaf'P\0\0`\xea1\0.\x0b\x01\x02\x10\x04\0\x87\x87\xf2\
    \x02k-\0\0\0g\0\0\0\xc8\x87\xdcq\0\0\xa4\x11\0\0\0\0\0\0\x87\xf2\x02k\x87\xf2\x02k\0\
    \0\0\0t\0\0\xba\x08f\xf6\0\x000\x98\x8cfC(\x80\xc2n2\x08\x0e\x86\x83)\xb8A\xc4\x0e3\
    \x0b\x04\x06\x83)\xb0\xd8o\x10\x1d\xcd\xe7#a\x93 X+\xe6\x85\xb9\x04hR\x0a`\xea\0\0";
const LHA_5: &[u8] =
    b"\x17\xb6-lh5-1\0\0\0g\0\0\0\xf9mv] \0\x01t\xa0M\0$Br\x89K3\xbc\x01\xfd\x17\x08\x1aXp\
    \"\x84Aq\xd6\x1c\x17\x03\xe7\0\x02\x91\xdf\x08\xa0\xe1\x06\xd9`y\xb3`\xca\xef#\x93\
    \xa7J2\xfe\xda\x87\xbaH\0";
const LHA_6: &[u8] =
    b"\x1a\xc2-lh6-6\0\0\0g\0\0\0\xf9mv] \x01\x01t\xa0M\0\x05\0\0\xbe\x1b\0\0\0$Br\x89K3\
    \xbc\x01\xfd\x17\x08\x1aXp\"\x84Aq\xd6\x1c\x17\x03\xe3\x80\x01H\xef\x84Pp\x83l\xb0<\
    \xd9\xb0ew\x91\xc9\xd3\xa5\x19\x7fmC\xdd$\0";
const LHA_7: &[u8] =
    b"#\0-lh7-1\0\0\0g\0\0\0\x87\xf2\x02k \x02\xa0M\0\x05\0\0-t\x04\0\x01t\0\0\0$Br\x89K3\
    \xbc\x01\xfd\x17\x08\x1aXp\"\x84Aq\xd6\x1c\x17\x03\xe3\x80\x01H\xef\x84Pp\x83l\xb0<\
    \xd9\xb0ew\x91\xc9\xd3\xa5\x19\x7fmC\xdd$\0";
