//! Packed files and archives: any bytes end, and what is said of them does not depend on how they were cut.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use baleen::engine::database::{BuildOptions, Image, build, builtin_sources};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::{Verdict, Why};
use baleen::engine::{Engine, Object};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

use super::harness::Target;
use super::lists;

pub(crate) const ALL: [Target; 9] = [
    Target { name: "bzip2", corpus: bzip2_files, words: &[b"BZh9", b"1AY&SY"], run: scan },
    Target { name: "xz", corpus: xz_files, words: XZ_WORDS, run: scan },
    Target { name: "lzma", corpus: lzma_files, words: &[b"\xff\xff\xff\xff"], run: scan },
    Target { name: "lzip", corpus: lzip_files, words: &[b"LZIP\x01\x0c"], run: scan },
    Target { name: "lz4", corpus: lz4_files, words: LZ4_WORDS, run: scan },
    Target { name: "compress", corpus: compress_files, words: &[b"\x1f\x9d"], run: scan },
    Target { name: "cpio", corpus: cpio_archives, words: CPIO_WORDS, run: scan },
    Target { name: "ar", corpus: ar_archives, words: AR_WORDS, run: scan },
    Target { name: "rpm", corpus: rpm_packages, words: &[RPM_HEADER], run: scan },
];

const XZ_WORDS: &[&[u8]] =
    &[b"\xfd7zXZ\0\0\x04", b"\x21\x01\x16", b"\x04\0", b"\x03\x01\x05", b"YZ"];
const LZ4_WORDS: &[&[u8]] =
    &[b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", b"\x50\x2a\x4d\x18", b"\xff\xff", b"\x01\0"];
const CPIO_WORDS: &[&[u8]] =
    &[b"070701", b"070702", b"070707", b"\xc7\x71", b"TRAILER!!!\0", b"FFFFFFFF", b"00000000"];
const AR_WORDS: &[&[u8]] = &[b"!<arch>\n", b"`\n", b"#1/20", b"//", b"/12", b"9999999999"];
const RPM_HEADER: &[u8] = b"\x8e\xad\xe8\x01\0\0\0\0\0\0\0\x01\0\0\0\x04";

/// The verdict is the same in one piece and in small ones, and nothing fails.
pub(crate) fn scan(input: &[u8]) {
    scan_in(input, &[usize::MAX, 4_096, 61, 1]);
}

/// As [`scan`], in pieces of these sizes.
pub(crate) fn scan_in(input: &[u8], pieces: &[usize]) {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
        let training = GramCounts::default();
        let sources = builtin_sources(BuildOptions::default());
        let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        let limits = Limits { scan_bytes_max: 4 << 20, objects_max: 64, ..Limits::default() };
        Arc::new(Engine::new(Arc::new(image), limits))
    });
    let verdict = |piece: &usize| lists::scan(ENGINE.start(Object::default()), input, *piece);
    let verdicts: Vec<Verdict> = pieces.iter().map(verdict).collect();
    assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
    assert!(!matches!(verdicts[0], Verdict::Unscanned(Why::Failed)));
}

fn text() -> Vec<u8> {
    b"abcde and then abcde and f, hello world hello\n".repeat(30)
}

fn bzip2_files() -> Vec<Vec<u8>> {
    let packed = |plain: &[u8]| {
        let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        out.write_all(plain).expect("memory takes everything");
        out.finish().expect("memory takes everything")
    };
    let (one, none) = (packed(&text()), packed(b""));
    vec![[&one[..], &none, &one].concat(), one, none]
}

fn encoded(stream: Stream) -> Vec<u8> {
    let mut out = XzEncoder::new_stream(Vec::new(), stream);
    out.write_all(&text()).expect("memory takes everything");
    out.finish().expect("memory takes everything")
}

fn xz_files() -> Vec<Vec<u8>> {
    let options = LzmaOptions::new_preset(0).expect("a preset");
    let mut filtered = Filters::new();
    filtered.delta_properties(&[3]).expect("a distance").x86().lzma2(&options);
    let filtered = Stream::new_stream_encoder(&filtered, Check::Sha256).expect("a chain");
    let plain = encoded(Stream::new_easy_encoder(0, Check::Crc32).expect("a preset"));
    vec![[&plain[..], &[0; 4], &plain].concat(), plain, encoded(filtered)]
}

fn lzma_files() -> Vec<Vec<u8>> {
    let options = LzmaOptions::new_preset(0).expect("a preset");
    let open = encoded(Stream::new_lzma_encoder(&options).expect("options"));
    let mut sized = open.clone();
    let size = u64::try_from(text().len()).expect("small");
    sized[5..13].copy_from_slice(&size.to_le_bytes());
    vec![open, sized]
}

fn lzip_files() -> Vec<Vec<u8>> {
    let body = lzma_files().swap_remove(0).split_off(13);
    let mut out = [b"LZIP\x01\x12", &body[..], &[0; 4]].concat();
    out.extend_from_slice(&u64::try_from(text().len()).expect("small").to_le_bytes());
    let size = u64::try_from(out.len() + 8).expect("small");
    out.extend_from_slice(&size.to_le_bytes());
    vec![out.repeat(2), out]
}

/// Of `lz4 -9` and `lz4 -l`, from three lines.
fn lz4_files() -> Vec<Vec<u8>> {
    let frame = b"\x04\x22\x4d\x18\x64\x40\xa7\x2f\0\0\0\xf6\0abcde and then \x0f\0\
        \xe2f, hello world\x0c\0\x1f\x0a\x2e\0\x44Pello\x0a\0\0\0\0\x0d\x3d\x39\x1b";
    let legacy = b"\x02\x21\x4c\x18\x32\0\0\0\xf6\0abcde and then \x0f\0\
        \xe2f, hello world\x0c\0\x16\x0a\x1f\0\x0f\x2e\0\x3aPello\x0a";
    let skipped = b"\x53\x2a\x4d\x18\x02\0\0\0ab";
    vec![frame.to_vec(), legacy.to_vec(), [&frame[..], skipped, legacy, frame].concat()]
}

/// Of `compress -b 12`, from three lines.
fn compress_files() -> Vec<Vec<u8>> {
    let file = b"\x1f\x9d\x8c\x61\xc4\x8c\x21\x53\x06\x44\x18\x37\x64\x40\xd0\x41\x53\xc6\x8d\x41\x81\
        \x04\x0d\x22\x04\x61\x86\x05\x08\x86\x6c\xd8\xbc\x01\x71\xe7\x8d\x1c\x36\x09\x31\x6a\x54\x10\
        \x70\x60\xc1\x83\x09\x17\x36\x7c\x68\x52\x62\xc2\x8a\x17\xcb\x64\xdc\xd8\xf1\x63\x48\x99\x23\
        \x4b\x46\x44\xa9\x90\xa1\x43\x9d\x27\x27\xc2\x14\x49\xd3\x23\xc8\x98\x33\x15\0";
    // Codes of one width only, and none that clears the table.
    let mut narrow = file.to_vec();
    narrow[2] = 9;
    vec![file.to_vec(), narrow]
}

fn cpio_archives() -> Vec<Vec<u8>> {
    let new = |name: &str, bytes: &str| {
        let (size, length) = (bytes.len(), name.len() + 1);
        let mut out = format!("070701{:048}{size:08X}{:032}{length:08X}{:08}{name}\0", 0, 0, 0);
        while !out.len().is_multiple_of(4) {
            out.push('\0');
        }
        out.push_str(bytes);
        while !out.len().is_multiple_of(4) {
            out.push('\0');
        }
        out.into_bytes()
    };
    let old = |name: &str, bytes: &str| {
        let length = name.len() + 1;
        format!("070707{:053}{length:06o}{:011o}{name}\0{bytes}", 0, bytes.len()).into_bytes()
    };
    let end = "TRAILER!!!";
    let new = [new("a.txt", "some bytes of it"), new("b", "more"), new(end, "")].concat();
    let old = [old("a.txt", "some bytes of it"), old("b", "more"), old(end, "")].concat();
    let mut binary = vec![0xc7, 0x71];
    binary.resize(20, 0);
    binary.extend_from_slice(b"\x02\0\0\0\x06\0a\0binary");
    vec![[&new[..], &[0; 60], &old].concat(), new, old, binary]
}

fn ar_archives() -> Vec<Vec<u8>> {
    let member = |name: &str, bytes: &str| {
        let mut out = format!("{name:<16}{:<32}{:<10}`\n{bytes}", 0, bytes.len());
        if !bytes.len().is_multiple_of(2) {
            out.push('\n');
        }
        out
    };
    let gnu = [member("//", "a name that is long/\n"), member("/0", "odd"), member("b/", "even")];
    let bsd = [member("#1/8", "bsd name and bytes"), member("c", "plain old member")];
    let whole = |members: &[String]| ["!<arch>\n", &members.concat()].concat().into_bytes();
    vec![whole(&gnu), whole(&bsd)]
}

fn rpm_packages() -> Vec<Vec<u8>> {
    let mut lead = [0; 96];
    lead[..6].copy_from_slice(b"\xed\xab\xee\xdb\x03\0");
    lead[79] = 5;
    let header = [RPM_HEADER, &[7; 20]].concat();
    let package = |payload: &[u8]| [&lead[..], &header, &[0; 4], &header, payload].concat();
    vec![package(&cpio_archives()[1]), package(&bzip2_files()[0])]
}
