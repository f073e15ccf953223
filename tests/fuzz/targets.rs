//! What is fuzzed: every parser that sees bytes from outside.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use baleen::engine::database::image::SectionKind;
use baleen::engine::database::signature::{Digest, NameId, Subject};
use baleen::engine::database::{BuildOptions, Image, Sources, build, builtin_sources};
use baleen::engine::digest::{Rows, Tables};
use baleen::engine::limits::Limits;
use baleen::engine::logical::Logical;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::Verdict;
use baleen::engine::{ContentCodings, Engine, Object};
use baleen::http::{RequestHead, ResponseHead, Rules, chunked};
use baleen::icap::{self, Change, Event, Extra, IsTag, Options, Output, Profile};
use baleen::settings::Settings;

use super::harness::Target;
use super::lists;

pub(crate) const ALL: [Target; 22] = [
    Target { name: "icap_head", corpus: icap_messages, words: ICAP_WORDS, run: icap_connection },
    Target { name: "chunked", corpus: chunked_bodies, words: ICAP_WORDS, run: chunked_body },
    Target {
        name: "encapsulated",
        corpus: encapsulated_values,
        words: ICAP_WORDS,
        run: encapsulated,
    },
    Target { name: "http_head", corpus: http_heads, words: ICAP_WORDS, run: http_head },
    Target { name: "ndb_lines", corpus: ndb_files, words: NDB_WORDS, run: signature_files },
    Target { name: "yara_rules", corpus: yara_files, words: YARA_WORDS, run: yara_rules },
    Target { name: "ldb_lines", corpus: ldb_files, words: LDB_WORDS, run: logical_files },
    Target { name: "logical_section", corpus: sections, words: &[], run: section },
    Target { name: "image", corpus: images, words: &[], run: image },
    Target { name: "sealed_image", corpus: images, words: &[], run: sealed_image },
    Target { name: "digest_tables", corpus: digest_tables, words: &[], run: digest_table },
    Target { name: "executables", corpus: executables, words: EXECUTABLE_WORDS, run: scan },
    Target { name: "scan", corpus: objects, words: &[], run: scan },
    Target {
        name: "lists",
        corpus: lists::list_files,
        words: lists::LIST_WORDS,
        run: lists::lists,
    },
    Target { name: "sections", corpus: lists::changes, words: &[], run: lists::sections },
    Target { name: "page", corpus: lists::pages, words: lists::PAGE_WORDS, run: lists::page },
    crate::block_pages::TARGET,
    crate::clamd::TARGET,
    crate::regexes::TARGET,
    crate::reputation::TARGET,
    crate::zips::TARGET,
    Target { name: "settings", corpus: settings_files, words: SETTINGS_WORDS, run: settings },
];

const ICAP_WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"0; ieof\r\n\r\n",
    b"Encapsulated: ",
    b"null-body=0",
    b"Preview: 0\r\n",
    b"Allow: 204\r\n",
    b"res-body=",
    b", ",
    b"ffffffffffffffff",
    b"-1",
    b"OPTIONS icap://h/respmod ICAP/1.0\r\nHost: h\r\n\r\n",
    b"Connection: close\r\n",
    b";x=\"",
];

const NDB_WORDS: &[&[u8]] = &[
    b":*:",
    b":EP+0:",
    b":SL+4,8:",
    b":EOF-10,10:",
    b"{4}",
    b"{-4}",
    b"{4-}",
    b"{2-9}",
    b"*",
    b"??",
    b"(61|62)",
    b"!(61|62)",
    b"(6162|63)",
    b"(B)",
    b"!(L)",
    b"(W)",
    b"61[1-3]",
    b"a?",
    b":73:214\n",
];

const EXECUTABLE_WORDS: &[&[u8]] = &[
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\0\0\0\0\0\0\0\0",
    b"\0\x10\0\0",
    b"\0\x02\0\0",
    b"ws2_32.dll\0",
    b"S\0t\0r\0i\0n\0g\0F\0i\0l\0e\0I\0n\0f\0o\0\0\0",
];

const YARA_WORDS: &[&[u8]] = &[
    b"rule a { ",
    b"private rule ",
    b"global ",
    b"import \"pe\"\n",
    b"include \"x\"",
    b"strings: $a = ",
    b"{ 61 [2-4] (62|63) }",
    b"/a+b{2,3}/i",
    b" nocase wide ascii xor base64",
    b" condition: ",
    b"any of them",
    b"#a > 2",
    b"for all i in (1..#a) : (",
    b"uint16(0) == 0x5A4D",
    b"filesize < 1KB",
    b"}",
    b"*/",
];

const LDB_WORDS: &[&[u8]] = &[
    b";Target:0;",
    b";Engine:51-255,Target:1,FileSize:1-9;",
    b",EntryPoint:1-9",
    b",NumberOfSections:1-9",
    b",Container:CL_TYPE_ZIP",
    b",Intermediates:CL_TYPE_ANY>CL_TYPE_GZ",
    b"(0|1)>2,2",
    b"&(1=0)",
    b"0<3",
    b";61626364::iwfa",
    b";0(>>4#hl4#=0x12,<9)",
    b";${1-4}3$",
    b";0/a\\/b;c/gi",
    b";EOF-4:61626364",
];

const SETTINGS_WORDS: &[&[u8]] = &[
    b"[ICAPD]\n",
    b"ListenAddress = ",
    b"= 30m2.5s\n",
    b"\"",
    b"\\",
    b"@/",
    b"=",
    b", ",
    b"MimeRules = ",
];

/// Every message is taken whole and byte by byte; what the core says must be the same.
fn icap_connection(input: &[u8]) {
    let whole = converse(input, usize::MAX);
    let bytes = converse(input, 1);
    assert_eq!(whole.sent, bytes.sent, "the answer depends on the cutting");
    // Where the body is broken, the bytes before the fault may or may not have been handed out.
    let (short, long) = if whole.payload.len() < bytes.payload.len() {
        (&whole.payload, &bytes.payload)
    } else {
        (&bytes.payload, &whole.payload)
    };
    assert!(long.starts_with(short), "the payload depends on the cutting");
    let is_refused = whole.sent.windows(13).any(|text| text == b"ICAP/1.0 400 ");
    assert!(is_refused || long.len() == short.len(), "payload is lost without a fault");
}

#[derive(Default)]
struct Conversation {
    sent: Vec<u8>,
    payload: Vec<u8>,
}

fn converse(input: &[u8], piece: usize) -> Conversation {
    let now = Instant::now();
    let mut options = Options::new(IsTag::of(b"database", b"policy"));
    // Every profile has its turn, by a property of the input that cutting does not change.
    options.profile = Profile::ALL[input.len() % Profile::ALL.len()];
    let options = Arc::new(options);
    let way = input.len() / Profile::ALL.len() % 3;
    let change = Change { with: Some(("X-Mark", "clean")), ..Change::NONE };
    let mut core = icap::Connection::new(options, now);
    let mut said = Conversation::default();
    let mut kept = Vec::new();
    for cut in input.chunks(piece.min(input.len().max(1))) {
        let mut unread = cut;
        loop {
            let taken = core.handle_bytes(unread, now);
            if let Some(Event::Body { wire, data }) = &taken.event {
                kept.extend_from_slice(&unread[wire.clone()]);
                said.payload.extend_from_slice(&unread[data.clone()]);
            }
            unread = &unread[taken.bytes..];
            match taken.event {
                Some(Event::PreviewEnd) => core.continue_(now),
                Some(Event::BodyEnd) if way == 0 => {
                    core.answer_unmodified(&Extra::new(), now);
                }
                Some(Event::BodyEnd) if way == 1 => {
                    core.answer_changed(&change, &Extra::new(), now);
                }
                Some(Event::BodyEnd) => {
                    core.answer_ahead(&change, now);
                    core.verdict(&Extra::new(), now);
                }
                Some(Event::Request | Event::Body { .. }) | None => {}
            }
            let moved = drain(&mut core, &mut kept, &mut said.sent, now);
            if taken.bytes == 0 && taken.event.is_none() && !moved {
                break;
            }
        }
    }
    core.handle_end(now);
    drain(&mut core, &mut kept, &mut said.sent, now);
    said
}

fn drain(
    core: &mut icap::Connection,
    kept: &mut Vec<u8>,
    sent: &mut Vec<u8>,
    now: Instant,
) -> bool {
    let mut moved = false;
    loop {
        match core.poll_output() {
            Some(Output::Send(bytes)) => sent.extend_from_slice(bytes),
            Some(Output::Body) => {
                sent.append(kept);
                core.body_sent(now);
            }
            Some(Output::Close) => sent.extend_from_slice(b"<close>"),
            None => return moved,
        }
        moved = true;
        assert!(sent.len() < 64 << 20, "the core never stops sending");
    }
}

fn icap_messages() -> Vec<Vec<u8>> {
    let options = b"OPTIONS icap://gw/respmod ICAP/1.0\r\nHost: gw\r\nAllow: 206, trailers\r\n\r\n";
    let get = "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    let respmod = |more: &str, body: &str| {
        format!(
            "RESPMOD icap://gw:1344/respmod ICAP/1.0\r\nHost: gw:1344\r\n{more}Encapsulated: \
             req-hdr=0, res-hdr={}, res-body={}\r\n\r\n{get}{ok}{body}",
            get.len(),
            get.len() + ok.len()
        )
        .into_bytes()
    };
    let reqmod = format!(
        "REQMOD icap://gw/reqmod ICAP/1.0\r\nHost: gw\r\nPreview: 0\r\nEncapsulated: req-hdr=0, \
         null-body={}\r\n\r\n{get}",
        get.len()
    );
    vec![
        options.to_vec(),
        reqmod.into_bytes(),
        respmod("Allow: 204\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        respmod("Preview: 4\r\n", "4\r\nhell\r\n0\r\n\r\n1;x=y\r\no\r\n0\r\nT: r\r\n\r\n"),
        respmod("Preview: 9\r\nConnection: close\r\n", "5\r\nhello\r\n0; ieof\r\n\r\n"),
        respmod("Preview: 4\r\nAllow: 206, trailers\r\n", "4\r\nhell\r\n0\r\n\r\n1\r\no\r\n0\r\n\r\n"),
        respmod("Allow: 204, 206\r\nTrailer: X\r\n", "5\r\nhello\r\n0\r\n\r\nX: y\r\n\r\n"),
        respmod("Allow: 206, trailers\r\nTrailer: X\r\n", "5\r\nhello\r\n0\r\n\r\nX: y\r\n\r\n"),
        respmod("Allow: trailers\r\nTrailer: X\r\nPreview: 9\r\n", "1\r\nh\r\n0; ieof\r\n\r\n\r\n"),
        respmod("X-Authenticated-Groups: YQpi\r\nX-Subscriber-ID: 1\r\n", "0\r\n\r\n"),
        b"RESPMOD /avscan?allow204=on ICAP/1.0\r\nEncapsulated: req-hdr=3 res-hdr=1 res-body=0\r\n\r\n\
          GET / HTTP/1.0\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
            .to_vec(),
    ]
}

/// The decoder's ranges stay inside what it was given, and it always moves on or waits.
fn chunked_body(input: &[u8]) {
    for piece in [usize::MAX, 7, 1] {
        let mut decoder = chunked::Decoder::new(
            chunked::Mode::Body,
            chunked::Limits { extension_bytes_max: 64, trailer_bytes_max: 256 },
        );
        let mut unread = input;
        while !unread.is_empty() {
            let offered = &unread[..unread.len().min(piece)];
            let Ok(step) = decoder.decode(offered) else { break };
            assert!(step.wire.end <= offered.len() && step.data.end <= offered.len());
            assert!(step.bytes <= offered.len());
            if step.end.is_some() || step.bytes == 0 {
                break;
            }
            unread = &unread[step.bytes..];
        }
    }
}

fn chunked_bodies() -> Vec<Vec<u8>> {
    vec![
        b"5\r\nhello\r\n0\r\n\r\n".to_vec(),
        b"00005 ; a=\"b;c\"\r\nhello\r\n0; ieof\r\n\r\n".to_vec(),
        b"1\r\nh\r\nA\r\n0123456789\r\n0\r\nTrailer: yes\r\n\r\nnext".to_vec(),
    ]
}

fn encapsulated(input: &[u8]) {
    for profile in &Profile::ALL {
        let Ok(list) = icap::Encapsulated::parse(input, profile) else { continue };
        let has_body = list.has_body();
        assert_eq!(
            icap::Encapsulated::parse(input, profile).map(|again| again.has_body()),
            Ok(has_body)
        );
    }
}

fn encapsulated_values() -> Vec<Vec<u8>> {
    vec![
        b"req-hdr=0, res-hdr=137, res-body=296".to_vec(),
        b"null-body=0".to_vec(),
        b"req-hdr=0,req-body=4294967295".to_vec(),
    ]
}

fn http_head(input: &[u8]) {
    let rules = Rules::tolerant(4096, 64);
    let mut request = RequestHead::new();
    if request.parse(input, &rules).is_ok() {
        assert!(!request.method().is_empty() && !request.target().is_empty());
    }
    let mut response = ResponseHead::new();
    let _either = response.parse(input, &rules);
}

fn http_heads() -> Vec<Vec<u8>> {
    vec![
        b"GET http://a.example/b?c HTTP/1.1\r\nHost: a.example\r\nAccept: a\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX:\ty\r\n z\r\n\r\n".to_vec(),
    ]
}

/// Whatever loads must compile and open; nothing may be lost without being counted.
fn signature_files(input: &[u8]) {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("fuzz.ndb", input);
    sources.add_file("fuzz.hdb", input);
    sources.add_file("fuzz.msb", input);
    sources.add_file("fuzz.imp", input);
    let training = GramCounts::default();
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    assert_eq!(image.facts(), &built.facts);
}

fn ndb_files() -> Vec<Vec<u8>> {
    vec![
        b"A.B-1:0:*:6162636465*66??67{2-4}(68|69)70717273\n".to_vec(),
        b"A.B-2:1:EP+4,16:4d5a??00!(61|62)636465:51:255\nA.B-3:7:0:68656c6c6f(W)\n".to_vec(),
        b"# note\n44d88612fea8a8f36de82e1278abb02f:68:A.B-4\n".to_vec(),
        b"A.B-5:0:EOF-40,20:(B)6162(L)6364\nA.B-6:0:*:61[2-9]626364\n".to_vec(),
    ]
}

/// Whatever loads compiles and opens, and finds the same however the object is cut.
fn logical_files(input: &[u8]) {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("fuzz.ndb", b"M:0:$3$:6d6d6d6d\n");
    sources.add_file("fuzz.ldb", input);
    let training = GramCounts::default();
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    assert_eq!(image.facts(), &built.facts);
    let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
    let object = [&[0; 12][..], b"abcd aaaa..mmmm ABCD a\0b\0c\0d\0 0x12 abcdbbbb", input].concat();
    let outcomes = [usize::MAX, 7].map(|piece| {
        let mut scan = engine.start_all(Object::default());
        for cut in object.chunks(piece.min(object.len())) {
            let mut done = 0;
            while done < cut.len() {
                done += scan.feed(&cut[done..]).consumed;
            }
        }
        scan.finish_all()
    });
    assert_eq!(outcomes[0], outcomes[1], "the outcome depends on the cutting");
}

fn ldb_files() -> Vec<Vec<u8>> {
    vec![
        b"A;Target:0;0&1|2;61626364;62626262::iw;EOF-10,10:6d6d6d6d\n".to_vec(),
        b"B;Engine:51-255,Target:0,FileSize:1-900;(0|1)>1,2&(2=0);61626364::i;61616161;7a7a7a\n"
            .to_vec(),
        b"C;Engine:51-255,Target:0;0&1&2;61616161;0(>>5#hb4#=0x12);${1-9}3$\n".to_vec(),
        b"D;Engine:81-255,Target:0;0&1;61626364::awf;0/ab+c\\/;/gi\nE;Target:7;0=0;616263\n"
            .to_vec(),
    ]
}

/// A section that passes its check may be asked anything.
fn section(input: &[u8]) {
    let Ok(logical) = Logical::open(input) else { return };
    for parts in 0..16 {
        if logical.check(4, parts).is_ok() {
            let facts = logical.facts();
            assert_eq!(facts.parts_count, parts);
            assert!(
                (0..u32::try_from(logical.count()).unwrap_or(0))
                    .all(|one| logical.name(one).is_some())
            );
            assert!(logical.regexes().count() <= input.len());
        }
    }
}

fn sections() -> Vec<Vec<u8>> {
    let section = |file: &Vec<u8>| {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file("corpus.ldb", file);
        let built = build(sources, &|_| Vec::new(), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        image.section(SectionKind::Logical).to_vec()
    };
    ldb_files().iter().map(section).collect()
}

fn images() -> Vec<Vec<u8>> {
    let training = GramCounts::default();
    let compile = |files: &[Vec<u8>]| {
        let mut sources = Sources::new(BuildOptions::default());
        for file in files {
            sources.add_file("corpus.ndb", file);
        }
        build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {}).image
    };
    vec![compile(&ndb_files()), compile(&[])]
}

/// Every piece of a file of rules is counted, and what was taken can be built and opened.
fn yara_rules(input: &[u8]) {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("fuzz.yar", input);
    let totals = sources.report().totals();
    assert_eq!(totals.lines, totals.loaded + totals.bad + totals.unsupported_count());
    if totals.loaded == 0 || input.len() > 4_096 {
        return;
    }
    let training = GramCounts::default();
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    assert_eq!(built.report.totals(), totals, "a rule that was taken was lost");
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
    let mut scan = engine.start(Object::default());
    let _fed = scan.feed(input);
    assert_ne!(scan.finish(), Verdict::Unscanned(baleen::engine::verdict::Why::Failed));
}

fn yara_files() -> Vec<Vec<u8>> {
    vec![
        b"rule a { strings: $a = \"abcd\" nocase wide condition: $a and filesize < 1MB }".to_vec(),
        b"import \"pe\" private rule b { condition: pe.is_pe } rule c { condition: b }".to_vec(),
        b"rule d { strings: $x = { 61 ?? [2-4] (62|63) } $y = /ab+c/i condition: 1 of them }"
            .to_vec(),
        b"rule e { strings: $ = \"xyz\" condition: for any of them : ( @ > 3 ) }\nrule f {"
            .to_vec(),
    ]
}

/// An image that is not exactly what was written is refused, never believed.
fn image(input: &[u8]) {
    let opened = Image::open(Arc::new(input.to_vec()));
    static GENUINE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(images);
    let is_genuine = GENUINE.iter().any(|image| image == input);
    assert_eq!(opened.is_ok(), is_genuine, "a changed image was opened");
}

/// An image that somebody sealed with intent is refused, or everything in it can be used.
fn sealed_image(input: &[u8]) {
    use sha2::Digest as _;
    let mut sealed = input.to_vec();
    if sealed.len() > 64 {
        let length = sealed.len() as u64;
        sealed[24..32].copy_from_slice(&length.to_le_bytes());
        let digest = sha2::Sha256::digest(&sealed[64..]);
        sealed[32..64].copy_from_slice(&digest);
    }
    let Ok(image) = Image::open(Arc::new(sealed)) else { return };
    for id in 0..64 {
        assert!(image.name(NameId(id)).len() < 64 << 10);
    }
    look_up(&image.digests());
}

/// Tables that were checked can be used.
fn digest_table(input: &[u8]) {
    let Ok(tables) = Tables::open(input) else { return };
    if tables.check(64).is_ok() {
        look_up(&tables);
    }
}

fn look_up(tables: &Tables<'_>) {
    for head in [0, 1, 0x44, 0x7f, 0xff] {
        for subject in Subject::ALL {
            for digest in
                [Digest::Md5([head; 16]), Digest::Sha1([head; 20]), Digest::Sha256([head; 32])]
            {
                let found = tables.lookup(subject, &digest, 68);
                assert!(found.is_none_or(|entry| entry.size.is_none_or(|size| size == 68)));
            }
        }
    }
}

fn digest_tables() -> Vec<Vec<u8>> {
    let mut rows = Rows::default();
    let mut sections = vec![rows.clone().compile(&baleen::engine::database::Alone)];
    for index in 0..40_u8 {
        let subject = Subject::ALL[usize::from(index % 4)];
        let size = (index % 3 > 0).then_some(u32::from(index) + 60);
        rows.add(subject, &Digest::Md5([index; 16]), size, NameId(index.into()));
        rows.add(subject, &Digest::Sha256([index; 32]), size, NameId(0));
        sections.push(rows.clone().compile(&baleen::engine::database::Alone));
    }
    sections.split_off(30)
}

/// Executables with everything that is read of them, as small as they can be.
fn executables() -> Vec<Vec<u8>> {
    let put = |file: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        file[at..at + bytes.len()].copy_from_slice(bytes);
    };
    let mut pe = vec![0; 0xa00];
    put(&mut pe, 0, b"MZ");
    put(&mut pe, 0x3c, &[0x40]);
    put(&mut pe, 0x40, b"PE\0\0\x4c\x01\x01\0");
    put(&mut pe, 0x54, &[224, 0, 2, 1, 0x0b, 1]);
    for (at, value) in [(16, 0x1000_u32), (32, 0x1000), (36, 0x200), (60, 0x200), (92, 16)] {
        put(&mut pe, 0x58 + at, &value.to_le_bytes());
    }
    // Imports at the start of the only section, resources 512 bytes behind.
    for (at, value) in [(104, 0x1000_u32), (108, 40), (112, 0x1200), (116, 0x400)] {
        put(&mut pe, 0x58 + at, &value.to_le_bytes());
    }
    for (at, value) in [(8, 0x800_u32), (12, 0x1000), (16, 0x800), (20, 0x200)] {
        put(&mut pe, 0x58 + 224 + at, &value.to_le_bytes());
    }
    for (at, value) in [(0, 0x1040_u32), (12, 0x1080), (16, 0x1060), (0x40, 0x10a0)] {
        put(&mut pe, 0x200 + at, &value.to_le_bytes());
    }
    put(&mut pe, 0x44 + 0x200, &[1, 0, 0, 0x80]);
    put(&mut pe, 0x280, b"ws2_32.dll");
    put(&mut pe, 0x2a2, b"connect");
    for (at, value) in [(14, 1_u32), (16, 16), (20, 0x8000_0018), (0x18 + 14, 1)] {
        put(&mut pe, 0x400 + at, &value.to_le_bytes());
    }
    for (at, value) in [(0x2c, 0x30_u32), (0x30, 0x1240), (0x34, 0x80)] {
        put(&mut pe, 0x400 + at, &value.to_le_bytes());
    }
    put(&mut pe, 0x440, &[0x80, 0, 0, 0, 1, 0, b'V', 0, 0, 0]);
    put(&mut pe, 0x44c, &[0x60, 0, 0, 0, 1, 0]);
    let info: Vec<u8> = "StringFileInfo\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(&mut pe, 0x452, &info);
    let mut elf = vec![0; 0x400];
    put(&mut elf, 0, b"\x7fELF\x02\x01\x01");
    for (at, value) in [(24, 0x40_0080_u32), (32, 64), (40, 0x100), (52, 0x38_0040)] {
        put(&mut elf, at, &value.to_le_bytes());
    }
    put(&mut elf, 56, &[1, 0, 64, 0, 2, 0]);
    put(&mut elf, 64 + 16, &0x40_0000_u32.to_le_bytes());
    put(&mut elf, 64 + 40, &0x1000_u32.to_le_bytes());
    let mut mach_o = vec![0; 0x200];
    put(&mut mach_o, 0, b"\xcf\xfa\xed\xfe\x07\0\0\x01");
    put(&mut mach_o, 16, &[1, 0, 0, 0, 152]);
    put(&mut mach_o, 32, &[0x19, 0, 0, 0, 152]);
    put(&mut mach_o, 32 + 64, &[1]);
    vec![pe, elf, mach_o]
}

/// The verdict of an object is the same in one piece and in small ones.
fn scan(input: &[u8]) {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(engine);
    let codings = ContentCodings::parse(if input.len().is_multiple_of(2) { b"gzip" } else { b"" });
    let verdicts = [usize::MAX, 4096, 61].map(|piece| {
        let codings = codings.unwrap_or_default();
        lists::scan(ENGINE.start(Object { codings, ..Object::default() }), input, piece)
    });
    assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
    assert!(!matches!(verdicts[0], Verdict::Unscanned(baleen::engine::verdict::Why::Failed)));
}

fn engine() -> Arc<Engine> {
    let mut sources = builtin_sources(BuildOptions::default());
    for file in ndb_files() {
        sources.add_file("corpus.ndb", &file);
    }
    // Asked for of every executable: each section, and the list of imports.
    let any = b"*:00000000000000000000000000000000:A.B-8:73\n";
    sources.add_file("corpus.mdb", any);
    sources.add_file("corpus.imp", b"00000000000000000000000000000000:*:A.B-9\n");
    let training = GramCounts::default();
    let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
    let image = Image::open(Arc::new(built.image)).expect("what was built opens");
    let limits = Limits { scan_bytes_max: 4 << 20, objects_max: 64, ..Limits::default() };
    Arc::new(Engine::new(Arc::new(image), limits))
}

fn objects() -> Vec<Vec<u8>> {
    use std::io::Write as _;
    let text = b"abcde and then f\x01g..hpqrs, hello world ".repeat(40);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).expect("memory takes everything");
    let gzip = gzip.finish().expect("memory takes everything");
    let zstd = zstd::bulk::compress(&text, 3).expect("memory takes everything");
    vec![text, gzip, zstd, b"\x7fELF\x02\x01\x01".repeat(90), b"MZ".repeat(600)]
}

fn settings(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (_, problems) = Settings::parse(&text);
    for problem in problems {
        assert!(!problem.render("fuzz.conf").is_empty());
    }
}

fn settings_files() -> Vec<Vec<u8>> {
    vec![
        b"[ICAPD]\nListenAddress = 127.0.0.1:1344, [::1]:1344\nBlockUnchecked=No\n".to_vec(),
        b"[MeshD]\nUpdateChannel = On\nUpdateUplink = 10.0.0.1:7090\nListenAddress =\n".to_vec(),
        b"[ICAPD]\nListenAs = 127.0.0.1:1345 nextcloud\nScannedHeader = \"X-A: b\"\nNextServices = None\n"
            .to_vec(),
        b"; note\n[Update]\nUpdateInterval = 30m2.5s\nUseLocalCloud = Yes\n".to_vec(),
    ]
}
