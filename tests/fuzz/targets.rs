//! What is fuzzed: every parser that sees bytes from outside.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use baleen::engine::database::image::SectionKind;
use baleen::engine::database::{BuildOptions, Image, Sources, build, builtin_sources};
use baleen::engine::limits::Limits;
use baleen::engine::logical::Logical;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::Verdict;
use baleen::engine::{ContentCodings, Engine, Object};
use baleen::http::{RequestHead, ResponseHead, Rules, chunked};
use baleen::icap::{self, Event, Extra, IsTag, Options, Output};
use baleen::settings::Settings;

use super::harness::Target;

pub(crate) const ALL: [Target; 10] = [
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
    Target { name: "ldb_lines", corpus: ldb_files, words: LDB_WORDS, run: logical_files },
    Target { name: "logical_section", corpus: sections, words: &[], run: section },
    Target { name: "image", corpus: images, words: &[], run: image },
    Target { name: "scan", corpus: objects, words: &[], run: scan },
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
    let options = Arc::new(Options::new(IsTag::of(b"database", b"policy")));
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
                Some(Event::BodyEnd) => {
                    core.answer_unmodified(&Extra::new(), now);
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
    let Ok(list) = icap::Encapsulated::parse(input) else { return };
    let has_body = list.has_body();
    assert_eq!(icap::Encapsulated::parse(input).map(|again| again.has_body()), Ok(has_body));
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

/// An image that is not exactly what was written is refused, never believed.
fn image(input: &[u8]) {
    let opened = Image::open(Arc::new(input.to_vec()));
    static GENUINE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(images);
    let is_genuine = GENUINE.iter().any(|image| image == input);
    assert_eq!(opened.is_ok(), is_genuine, "a changed image was opened");
}

/// The verdict of an object is the same in one piece and in small ones.
fn scan(input: &[u8]) {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(engine);
    let codings = ContentCodings::parse(if input.len().is_multiple_of(2) { b"gzip" } else { b"" });
    let verdicts = [usize::MAX, 4096, 61].map(|piece| {
        let codings = codings.unwrap_or_default();
        let mut scan = ENGINE.start(Object { size: None, codings, name: None });
        for cut in input.chunks(piece.min(input.len().max(1))) {
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
    });
    assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
    assert!(!matches!(verdicts[0], Verdict::Unscanned(baleen::engine::verdict::Why::Failed)));
}

fn engine() -> Arc<Engine> {
    let mut sources = builtin_sources(BuildOptions::default());
    for file in ndb_files() {
        sources.add_file("corpus.ndb", &file);
    }
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
        b"; note\n[Update]\nUpdateInterval = 30m2.5s\nUseLocalCloud = Yes\n".to_vec(),
    ]
}
