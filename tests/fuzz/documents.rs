//! Documents: any bytes end, and what is said of them does not depend on how they were cut.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::encrypted;
use super::harness::Target;
use super::unpack::scan;

pub(crate) const ALL: [Target; 3] = [
    Target { name: "tar", corpus: tars, words: TAR_WORDS, run: scan },
    Target { name: "ole2", corpus: compound_files, words: OLE2_WORDS, run: scan },
    Target { name: "pdf", corpus: documents, words: PDF_WORDS, run: scan },
];

const TAR_WORDS: &[&[u8]] = &[b"ustar\x0000", b"00000000777\0", b"L", b"x", b"\x80\0\0\0"];
const OLE2_WORDS: &[&[u8]] = &[
    b"\xfe\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x01\0\0\0",
    b"\x09\0\x06\0",
    b"d\0i\0r\0",
    b"\x11\x10",
    b"\x01\x19\xb0",
];
const PDF_WORDS: &[&[u8]] = &[
    b"stream\n",
    b"endstream",
    b"/Filter/FlateDecode",
    b"/Filter[/A85/LZW/RL/AHx]",
    b"/Length 9",
    b"/JS(",
    b"<<",
    b">>",
    b" obj",
    b"/Encrypt",
    b"/DecodeParms<</Predictor 12/Columns 5>>",
    b"/V 4",
    b"/CFM/AESV2",
];

fn tars() -> Vec<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [("a.txt", "some bytes of it"), (&*"long/".repeat(40), "more")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).expect("small"));
        builder.append_data(&mut header, name, bytes.as_bytes()).expect("memory takes everything");
    }
    let whole = builder.into_inner().expect("memory takes everything");
    vec![whole[..1_024].to_vec(), whole]
}

/// A header, a table, a directory of four entries, and three streams: one in the mini stream, one of
/// macros, one of slides with an object.
fn compound_files() -> Vec<Vec<u8>> {
    let mut file = vec![0; 512];
    file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    for (at, value) in [(30, 9_u32), (32, 6), (48, 1), (56, 64), (60, 5), (68, !1)] {
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    file[76..].fill(0xff);
    file[76..80].fill(0);
    let table = [!2_u32, !1, !1, !1, !1, !1];
    file.extend(table.iter().flat_map(|next| next.to_le_bytes()));
    file.resize(1_024, 0xff);
    let entries = [
        ("Root Entry", 5, 2_u32, 64_u32),
        ("mini", 2, 0, 60),
        ("dir", 2, 3, 100),
        ("PowerPoint Document", 2, 4, 90),
    ];
    for (name, kind, start, size) in entries {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u8::try_from(entry.len() + 2).expect("short");
        entry.resize(128, 0);
        (entry[64], entry[66]) = (length, kind);
        entry[116..120].copy_from_slice(&start.to_le_bytes());
        entry[120..124].copy_from_slice(&size.to_le_bytes());
        file.extend(entry);
    }
    let mini = b"a stream of fewer bytes than a sector has, in the mini stream".to_vec();
    let macros = b"\x01\x19\xb0\0abcdefgh\0ijklmnop\0qrstuv.\0Attribut\0e".to_vec();
    let object = zlib(b"\xd0\xcf\x11\xe0 is what an object begins with");
    let length = u32::try_from(object.len() + 4).expect("small").to_le_bytes();
    let slides = [b"\x10\0\x11\x10", &length[..], &[0; 4], &object].concat();
    for sector in [mini, macros, slides, vec![0xff; 8]] {
        let end = file.len() + 512;
        file.extend(sector);
        file.resize(end, 0);
    }
    vec![file]
}

fn documents() -> Vec<Vec<u8>> {
    let object = |dictionary: &str, bytes: &[u8]| {
        let front = format!("1 0 obj<<{dictionary}>>stream\n");
        [front.as_bytes(), bytes, b"\nendstream endobj\n"].concat()
    };
    let flate = object("/Filter/FlateDecode/Length 2 0 R", &zlib(&b"some bytes ".repeat(40)));
    let ascii = object("/Filter[/ASCII85Decode/RunLengthDecode]", b"!!*'!!!$!z9jqo^~>");
    let script = b"2 0 obj<</S/JavaScript/JS(app.alert\\(1\\))>>endobj\n";
    let page = b"<</Type/Page/Contents 1 0 R>>";
    vec![
        [b"%PDF-1.4\n", &flate[..], script, page].concat(),
        [b"%PDF-1.7\n", &ascii[..], &flate, b"%%EOF"].concat(),
        encrypted::RC4.to_vec(),
        encrypted::AES_128.to_vec(),
        encrypted::AES_256.to_vec(),
    ]
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
