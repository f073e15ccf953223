//! Lists and types: their loaders, their sections, and what is done with them.

use std::sync::{Arc, LazyLock};

use baleen::engine::database::image::{SectionKind, resealed};
use baleen::engine::database::{BuildOptions, Image, ImageFault, LinkOptions, Sources, build};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::Verdict;
use baleen::engine::{Engine, Object, Scan};

pub(crate) const LIST_WORDS: &[&[u8]] = &[
    b"CL_TYPE_ANY",
    b"CL_TYPE_HTML",
    b"CL_TYPE_MSEXE",
    b":CL_TYPE_ANY:CL_TYPE_PDF:1:999\n",
    b"1:*:",
    b"0:0:",
    b"4:1024:",
    b"R:.+:.+\\.com",
    b"X:",
    b"M:a.com:b.com",
    b"[[:alpha:]]",
    b"(a|b)*",
    b"{2,3}",
    b":17-80",
    b"S2:P:af983cae",
    b";1;",
    b"0x1:1:999",
];

pub(crate) const PAGE_WORDS: &[&[u8]] = &[
    b"<script>",
    b"</script>",
    b"<style>",
    b"<!--",
    b"-->",
    b"<a href=\"http://evil.example/\">",
    b"</a>",
    b"<form action=",
    b"<img src='",
    b"&amp;",
    b"&#x41;",
    b"&nosuch",
    b"eval(\"",
    b"function f(a){var b;",
    b"unescape('%41')+'",
    b"/*",
    b"//",
    b"\xff\xfe<\0",
    b"MZ",
    b"PE\0\0",
    b"text/html\r\n\r\n",
    b"From: ",
];

const EXTENSIONS: [&str; 12] =
    ["ftm", "pdb", "wdb", "gdb", "cdb", "zmd", "rmd", "idb", "crb", "cfg", "pwdb", "ndb"];

fn built(files: &[(&str, &[u8])]) -> (Vec<u8>, Sources) {
    let links = LinkOptions { in_pages: true, ssl: true, cloaked: true };
    let options = BuildOptions { links, ..BuildOptions::default() };
    let sources = || {
        let mut sources = Sources::new(options.clone());
        for (name, bytes) in files {
            sources.add_file(name, bytes);
        }
        sources
    };
    let training = GramCounts::default();
    let built = build(sources(), &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    (built.image, sources())
}

/// Every line is loaded or counted, and what was built opens.
pub(crate) fn lists(input: &[u8]) {
    let files: Vec<(String, &[u8])> =
        EXTENSIONS.iter().map(|extension| (format!("fuzz.{extension}"), input)).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|file| (&*file.0, file.1)).collect();
    let (image, sources) = built(&files);
    Image::open(Arc::new(image)).expect("what was built opens");
    for file in &sources.report().files {
        let totals = &file.totals;
        let sum = totals.comments + totals.loaded + totals.ignored + totals.by_level + totals.bad;
        assert_eq!(totals.lines, sum + totals.unsupported_count(), "{}", file.name);
    }
}

pub(crate) fn list_files() -> Vec<Vec<u8>> {
    vec![
        FTM.to_vec(),
        PDB.to_vec(),
        WDB.to_vec(),
        GDB.to_vec(),
        b"A:CL_TYPE_ZIP:*:\\.exe$:1-5:*:1:*:12ab:*:1:999\nB:1:.*:*:*:*:*:*:*\n".to_vec(),
        b"A;Engine:1-255;1;616263\nPE:0x1:1:999\n".to_vec(),
    ]
}

const FTM: &[u8] = b"0:0:3c68746d6c:HTML:CL_TYPE_ANY:CL_TYPE_HTML\n\
    1:*:4d5a{0-300}50450000:PE:CL_TYPE_ANY:CL_TYPE_MSEXE\n\
    1:*:3c68746d6c3e:HTML:CL_TYPE_ANY:CL_TYPE_HTML:1:999\n";
const PDB: &[u8] = b"H:bank.example\n\nR:.+:.+\\.shop\\.example([/?].*)?:17-\n";
const WDB: &[u8] = b"M:evil.example:bank.example\nX:http://a[^.]*:.+\nY:http://good\\.example\n";
const GDB: &[u8] =
    b"S:P:af983cae\nS:F:af983cae1ae76c24880776ff30cee5f6fd05b07f82af01c155e91fccaf8f4ade\n";

/// Sections that are not what was written, under a sum that fits: opening refuses them, or a scan with
/// them ends.
pub(crate) fn sections(input: &[u8]) {
    static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(image);
    let mut bytes = IMAGE.clone();
    let kinds = SectionKind::ALL.iter().zip(0..);
    for (_, section) in kinds.filter(|(kind, _)| CHANGED.contains(kind)) {
        let entry = 64 + section * 24;
        let word = |at: usize| {
            let word = bytes[at..at + 8].try_into().expect("eight bytes");
            usize::try_from(u64::from_le_bytes(word)).expect("a place in the image")
        };
        let (from, length) = (word(entry + 8), word(entry + 16));
        for (byte, change) in bytes[from..from + length].iter_mut().zip(input) {
            *byte ^= change;
        }
    }
    let opened = Image::open(Arc::new(resealed(bytes)));
    assert_ne!(opened.as_ref().err(), Some(&ImageFault::Digest), "the sum was made to fit");
    if let Ok(image) = opened {
        let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
        for page in pages() {
            let _verdict = scan(engine.start(Object::default()), &page, usize::MAX);
        }
    }
}

/// What the bytes of an input change, each from its start.
const CHANGED: [SectionKind; 3] = [SectionKind::Logical, SectionKind::Links, SectionKind::Types];

pub(crate) fn changes() -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for at in [0, 4, 8, 20, 40, 60, 90] {
        let mut change = vec![0; at];
        change.push(0x81);
        all.push(change);
    }
    all
}

fn image() -> Vec<u8> {
    let ndb = b"Form:3:*:3c623e626164\nText:7:*:68656c6c6f\nPe:1:80:626164\n";
    let ldb = b"Both;Engine:81-255,Target:0;0&1;626164;0/b.d[0-9]?/\n";
    let lists = [("a.ftm", FTM), ("a.pdb", PDB), ("a.wdb", WDB), ("a.gdb", GDB)];
    built(&[&lists[..], &[("a.ndb", ndb), ("a.ldb", ldb)]].concat()).0
}

/// A page, a text or a mail: the verdict does not depend on the cutting.
pub(crate) fn page(input: &[u8]) {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
        let image = Image::open(Arc::new(image())).expect("what was built opens");
        Arc::new(Engine::new(Arc::new(image), Limits::default()))
    });
    for start in [&b"<html>"[..], b"", b"From: a\nContent-Type: text/html\n\n"] {
        let object = [start, input].concat();
        let verdicts = [usize::MAX, 1_000, 7]
            .map(|piece| scan(ENGINE.start(Object::default()), &object, piece));
        assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
    }
}

/// The verdict of a scan that gets its object in pieces of so many bytes.
pub(crate) fn scan(mut scan: Scan, object: &[u8], piece: usize) -> Verdict {
    for cut in object.chunks(piece.min(object.len().max(1))) {
        let mut done = 0;
        while done < cut.len() {
            let fed = scan.feed(&cut[done..]);
            done += fed.consumed;
            if fed.decided {
                return scan.finish();
            }
        }
    }
    scan.finish()
}

pub(crate) fn pages() -> Vec<Vec<u8>> {
    vec![
        b"<p class='A  B'>Hello &amp; <b>BAD</b><a href=\"http://evil.org/\">www.bank.example</a>"
            .to_vec(),
        b"<script>var a='b'+'c'; eval('f(a)'); /* x */ x=/re/g; function g(y){y}</script>".to_vec(),
        b"words <html> more <form action=x><img src=y></form><style> a { b } </style>".to_vec(),
        [&[0; 40][..], b"MZ", &[0; 58], &[64, 0, 0, 0], b"PE\0\0", &[0; 12], b"bad"].concat(),
    ]
}
