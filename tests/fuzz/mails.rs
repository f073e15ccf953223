//! Everything that travels as text: any bytes end, and what is said of them does not depend on how they were cut.

use std::sync::{Arc, LazyLock};

use baleen::engine::database::{BuildOptions, Image, build, builtin_sources};
use baleen::engine::limits::Limits;
use baleen::engine::matcher::{self, GramCounts};
use baleen::engine::verdict::{Verdict, Why};
use baleen::engine::{Engine, MediaType, Object};

use super::harness::Target;
use super::lists;
use super::unpack::scan;

pub(crate) const ALL: [Target; 4] = [
    Target { name: "mail", corpus: mails, words: MAIL_WORDS, run: scan },
    Target { name: "upload", corpus: uploads, words: MAIL_WORDS, run: upload },
    Target { name: "text", corpus: texts, words: TEXT_WORDS, run: scan },
    Target { name: "tnef", corpus: tnefs, words: TNEF_WORDS, run: scan },
];

const MAIL_WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"--b\r\n",
    b"--b--\r\n",
    b"\n--bb",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: multipart/digest; boundary=\"bb\"\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=b\r\n",
    b"=?utf-8?B?QUI=?=",
    b"\nFrom a Thu Jul 31 13:49:50 2008\n",
    b"SGVsbG8=",
    b"=3D=\r\n",
    b"\x01\x02\x03\x04",
];

const TEXT_WORDS: &[&[u8]] = &[
    b"data:text/html;base64,",
    b"data:a/b,",
    b";base64,",
    b"\nbegin 644 a\n",
    b"\nbegin-base64 644 a\n",
    b"\n=ybegin line=128 name=a\n",
    b"\n=ypart begin=1\n",
    b"\n=yend\n",
    b"(This file must be converted with BinHex 4.0)\n:",
    b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5",
    b"\\u002b\\/\\n",
    b"%2B%0a",
    b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\0axx",
    b"`\nend\n",
];

const TNEF_WORDS: &[&[u8]] = &[
    b"\x01\x03\x90\x06\0",
    b"\x02\x05\x90\x06\0",
    b"\x02\x0f\x80\x06\0\x08\0\0\0",
    b"\x02\x01\x09\x10\x01\0\0\0\x50\0\0\0",
    b"\x0d\0\x01\x37\x01\0\0\0\x50\0\0\0",
    b"LZFu",
    b"\xff\xff\xff\xff",
];

/// With the boundary that is announced, and as it comes.
fn upload(input: &[u8]) {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
        let training = GramCounts::default();
        let sources = builtin_sources(BuildOptions::default());
        let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        let limits = Limits { scan_bytes_max: 4 << 20, objects_max: 64, ..Limits::default() };
        Arc::new(Engine::new(Arc::new(image), limits))
    });
    let media = MediaType::parse(input);
    for media in [media, MediaType::parse(b"multipart/form-data; boundary=b")] {
        let object = Object { media, ..Object::default() };
        let verdicts = [usize::MAX, 4_096, 61, 1]
            .map(|piece| lists::scan(ENGINE.start(object.clone()), input, piece));
        assert!(verdicts.windows(2).all(|pair| pair[0] == pair[1]), "{verdicts:?}");
        assert!(!matches!(verdicts[0], Verdict::Unscanned(Why::Failed)));
    }
}

fn mails() -> Vec<Vec<u8>> {
    let mixed = "From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nnote\r\n\
                 --b\r\nContent-Type: text/plain; name=\"a.txt\"\r\n\r\nHello\r\n--b\r\n\
                 Content-Type: application/octet-stream; filename*=utf-8''a%20b\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8sIHdvcmxkIQ==\r\n--b--\r\nend\r\n";
    let nested = mixed.replace("text/plain", "multipart/digest; boundary=bb")
        + "--bb\r\n\r\nFrom: c\r\n\r\nx\r\n";
    let inner = format!("From: o\nContent-Type: message/rfc822\n\n{}", mixed.replace('\r', ""));
    let quoted =
        "Received: x\nContent-Transfer-Encoding: quoted-printable\nno field\n\na=3Db=\nc=\r\n=20\n";
    let mailbox = format!(
        "From a Thu Jul 31 13:49:50 2008\n{inner}\nFrom b Thu Jul 31 13:49:51 2008\n{quoted}"
    );
    [mixed, &nested, &inner, quoted, &mailbox].map(|mail| mail.as_bytes().to_vec()).into()
}

fn uploads() -> Vec<Vec<u8>> {
    let form = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\x01\x02--b\r\n\r\n\
                --b\r\nContent-Disposition: form-data; name=g\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                SGk=\r\n--b--\r\n";
    let ranges = "\r\n--b\r\nContent-Type: a/b\r\nContent-Range: bytes 0-1/5\r\n\r\nab\r\n--b--";
    vec![
        form.as_bytes().to_vec(),
        ranges.as_bytes().to_vec(),
        b"multipart/form-data; boundary=\"b c\"; boundary*0=x".to_vec(),
    ]
}

fn texts() -> Vec<Vec<u8>> {
    let letters = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg";
    [
        format!("<html><img src=\"data:image/png;base64,{letters}==\"><a href='data:text/html,%3Cb%3E and so on'>"),
        format!("{{\"file\":\"{letters}\\/\\u002b{letters}\",\"n\":1}}"),
        format!("<w:binData>\n{letters}\n{letters}\n</w:binData>\n"),
        "text\nbegin 644 a b\n4:&5L;&\\L('=O<FQD(2!A9V%I;@$ \n`\nend\nbegin-base64 644 x\nSGk=\n====\n".to_owned(),
        "=ybegin line=128 size=9 name=a\nabcdefghijklmnopqrstuvwxyz=}abc\n=yend size=9\n".to_owned(),
        "(This file must be converted with BinHex 4.0)\n:#'0XB@dZCAKP!%9B43\"$E'&Y!!!!!!)J!!!!!EY969T3!!):\n"
            .to_owned(),
    ]
    .map(String::into_bytes)
    .into()
}

fn tnefs() -> Vec<Vec<u8>> {
    let attribute = |level: u8, id: u32, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("small");
        [&[level][..], &id.to_le_bytes(), &length.to_le_bytes(), bytes, &[0; 2]].concat()
    };
    let value = |kind: u8, id: u16, bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).expect("small");
        [&[kind, 1][..], &id.to_le_bytes(), &[1, 0, 0, 0], &length.to_le_bytes(), bytes].concat()
    };
    let packed = [
        &b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel"[..],
        &[3; 60],
    ];
    let list =
        [&[2, 0, 0, 0][..], &value(2, 0x1009, &packed.concat()), &value(2, 0x3701, &[7; 80])]
            .concat();
    let front = b"\x78\x9f\x3e\x22\x01\0";
    let data =
        [attribute(2, 0x0001_8010, b"a.bin\0"), attribute(2, 0x0006_800f, b"contents")].concat();
    vec![
        [&front[..], &data].concat(),
        [&front[..], &attribute(1, 0x0006_9003, &list), &data].concat(),
    ]
}
