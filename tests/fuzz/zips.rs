//! Zips under fuzz: whatever the bytes are, the walk ends, moves on with each call or says so, and comes
//! to the same verdict however they are cut. Alone, and behind something else.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use baleen::engine::database::{BuildOptions, Image, build, builtin_sources};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::{Verdict, Why};
use baleen::engine::{Engine, Object};

use crate::harness::Target;

pub(crate) const TARGET: Target = Target { name: "zips", corpus: zips, words: WORDS, run: walk };

const WORDS: &[&[u8]] = &[
    b"PK\x03\x04\x14\0\0\0\0\0",
    b"PK\x03\x04\x14\0\x08\0\x08\0",
    b"PK\x07\x08",
    b"PK\x01\x02",
    b"PK\x05\x06\0\0\0\0\x01\0\x01\0",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"PK00",
    b"\xff\xff\xff\xff",
    b"\x01\0\x10\0",
    b"\0\0\x09\0",
    b"\x09\x14\x05\0\x5d\0\0\x10\0",
    b"BZh9",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"word/",
];

fn walk(input: &[u8]) {
    let behind = [b"MZ and then", input].concat();
    for object in [input, &behind] {
        let verdicts = [usize::MAX, 4_096, 61].map(|piece| verdict(object, piece));
        assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
        assert_ne!(verdicts[0], Verdict::Unscanned(Why::Failed));
    }
}

fn verdict(object: &[u8], piece: usize) -> Verdict {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(engine);
    let mut scan = ENGINE.start(Object::default());
    let mut idle = 0;
    for cut in object.chunks(piece.min(object.len().max(1))) {
        let mut done = 0;
        while done < cut.len() {
            let fed = scan.feed(&cut[done..]);
            done += fed.consumed;
            if fed.decided {
                return scan.finish();
            }
            // Each call does 64 KiB of work, and all of it is bounded by the limits below.
            idle = if fed.consumed == 0 { idle + 1 } else { 0 };
            assert!(idle < 1_000, "the walk does not end");
        }
    }
    let mut calls = 0;
    while !scan.end() {
        calls += 1;
        assert!(calls < 1_000, "the walk does not end");
    }
    scan.finish()
}

fn engine() -> Arc<Engine> {
    let training = GramCounts::default();
    let sources = builtin_sources(BuildOptions::default());
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    let limits = Limits { scan_bytes_max: 4 << 20, objects_max: 64, ..Limits::default() };
    Arc::new(Engine::new(Arc::new(image), limits))
}

/// Archives of a few members, each of another method, with sizes before and behind them.
fn zips() -> Vec<Vec<u8>> {
    let text = b"some words that are said again and again, and again ".repeat(9);
    let mut deflate =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    deflate.write_all(&text).expect("memory takes everything");
    let deflate = deflate.finish().expect("memory takes everything");
    let zstd = zstd::bulk::compress(&text, 3).expect("memory takes everything");
    // A fixed block of `x` and its end, which deflate64 has in common with deflate.
    let members: [(&str, u16, &[u8]); 4] = [
        ("[Content_Types].xml", 8, &deflate),
        ("word/a", 0, &text),
        ("b", 93, &zstd),
        ("c", 9, &deflate),
    ];
    let inner = archive(&members, false, text.len());
    let nested = archive(&[("inner.zip", 0, &inner), ("d", 8, &deflate)], false, text.len());
    vec![
        inner,
        archive(&members, true, text.len()),
        nested,
        BZIP2.to_vec(),
        LZMA.to_vec(),
        XZ.to_vec(),
        DEFLATE64.to_vec(),
    ]
}

fn archive(members: &[(&str, u16, &[u8])], is_behind: bool, plain: usize) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, method, packed) in members {
        let at = out.len();
        let plain = if *method == 0 { packed.len() } else { plain };
        let sizes = [word(packed.len()), word(plain)].concat();
        let flags = if is_behind { 8_u16 } else { 0 };
        let front = [&flags.to_le_bytes()[..], &method.to_le_bytes(), b"timecrc!"].concat();
        let said = if is_behind { vec![0; 8] } else { sizes.clone() };
        let length = [u8::try_from(name.len()).expect("short"), 0];
        out.extend([b"PK\x03\x04\x14\0", &front[..], &said, &length, b"\0\0"].concat());
        out.extend([name.as_bytes(), packed].concat());
        if is_behind {
            out.extend([b"PK\x07\x08crc!", &sizes[..]].concat());
        }
        directory.extend([b"PK\x01\x02\x14\0\x14\0", &front[..], &sizes, &length].concat());
        directory.extend([&[0; 12][..], &word(at), name.as_bytes()].concat());
    }
    let count = [u8::try_from(members.len()).expect("few"), 0];
    let at = out.len();
    out.extend(&directory);
    out.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count].concat());
    out.extend([&word(directory.len())[..], &word(at), &[0; 2]].concat());
    out
}

/// What 7-Zip writes.
const BZIP2: &[u8] = b"\
    PK\x03\x04.\x00\x00\x00\x0c\x00\x00\x00!\x00\xac\xc86\xe5[\x00\x00\x00\xd4\x01\x00\x00\x01\
    \x00\x00\x00sBZh91AY&SYO)f\x88\x00\x00\xd8\x11\x80@\x04&\xe3\x9c\x80 \x00pS\x00\x00\x14\xaaz\
    \x91\xa3&\xd2oK#\x98\xd4q\x19\x1a\x8c\x8c\x8e)o\x1fie.c\xa8\xf6\x8d#\xb8\xee\x97Q\xb1\x1a\
    \x8e)b:\x8f#\xd4o\x1eG\xe4dl\x8f\xe2\xeeH\xa7\x0a\x12\x09\xe5,\xd1\x00PK\x01\x02?\x03.\x00\
    \x00\x00\x0c\x00\x00\x00!\x00\xac\xc86\xe5[\x00\x00\x00\xd4\x01\x00\x00\x01\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00 \x80\xa4\x81\x00\x00\x00\x00sPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\
    /\x00\x00\x00z\x00\x00\x00\x00\x00";
/// The same by another method.
const LZMA: &[u8] = b"\
    PK\x03\x04?\x00\x02\x00\x0e\x00\x00\x00!\x00\xac\xc86\xe5=\x00\x00\x00\xd4\x01\x00\x00\x01\
    \x00\x00\x00s\x1a\x02\x05\x00]\x00\x10\x00\x00\x009\x9b\xc9\xf2\xe7P\xca\x83\xc7j\xe18+t\xd2\
    \xc1\x92\xc4r\x11\xee\xab\x18\x16\xdc\xd3\x86\x83\x1bF\x1d\xed\xffy\x1f|\xd7;\xd7\xa0\xe3\
    \xe3\x08\x84\xba\x8a~\xfa\xb3\xc3\x80PK\x01\x02?\x03?\x00\x02\x00\x0e\x00\x00\x00!\x00\xac\
    \xc86\xe5=\x00\x00\x00\xd4\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00 \x80\xa4\x81\
    \x00\x00\x00\x00sPK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00/\x00\x00\x00\\\x00\x00\x00\x00\
    \x00";
/// The same by another method.
const XZ: &[u8] = b"\
    PK\x03\x04\x14\x00\x00\x00_\x00\x00\x00!\x00\xac\xc86\xe5l\x00\x00\x00\xd4\x01\x00\x00\x01\
    \x00\x00\x00s\xfd7zXZ\x00\x00\x01i\"\xde6\x02\x00!\x01\x00\x00\x00\x007'\x97\xd6\xe0\x01\xd3\
    \x00.]\x009\x9b\xc9\xf2\xe7P\xca\x83\xc7j\xe18+t\xd2\xc1\x92\xc4r\x11\xee\xab\x18\x16\xdc\
    \xd3\x86\x83\x1bF\x1d\xed\xffy\x1f|\xd7;\xd7\xa0\xe3\xe2\xfe\x0d\x00\x00\x00\x00\x00\xac\xc8\
    6\xe5\x00\x01F\xd4\x03\x00\x00\x00\xdbK\x94t>0\x0d\x8b\x02\x00\x00\x00\x00\x01YZPK\x01\x02?\
    \x03\x14\x00\x00\x00_\x00\x00\x00!\x00\xac\xc86\xe5l\x00\x00\x00\xd4\x01\x00\x00\x01\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00 \x80\xa4\x81\x00\x00\x00\x00sPK\x05\x06\x00\x00\x00\x00\x01\x00\
    \x01\x00/\x00\x00\x00\x8b\x00\x00\x00\x00\x00";
/// The same by another method.
const DEFLATE64: &[u8] = b"\
    PK\x03\x04\x15\x00\x00\x00\x09\x00\x00\x00!\x00\xac\xc86\xe54\x00\x00\x00\xd4\x01\x00\x00\
    \x01\x00\x00\x00s\xe5\xcb\xb1\x09\x00 \x0c\x04\xc0U~\x00\x97zP4\x85\x09$\x01\xd7\xb7\x11\\A\
    \xb0\xbb\xe6\xc2f\xc32\xaf\x81\x1cL\xd0\x1b\x82R\xc1NQP\x8f\xca%\xbe?\x8f\x9f\x0dPK\x01\x02?\
    \x03\x15\x00\x00\x00\x09\x00\x00\x00!\x00\xac\xc86\xe54\x00\x00\x00\xd4\x01\x00\x00\x01\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00 \x80\xa4\x81\x00\x00\x00\x00sPK\x05\x06\x00\x00\x00\x00\x01\
    \x00\x01\x00/\x00\x00\x00S\x00\x00\x00\x00\x00";
