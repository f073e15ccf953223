//! Nothing hides an archive that stands behind it: what a reader of archives finds there is found, or the whole is
//! said not to be scanned.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Verdict, Why};

use crate::carried::archives;
use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, gzip, noise, scan,
};

/// Files of all kinds that have nothing in them, by what they are.
fn fronts() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    let quiet = noise(9_000, 21);
    let members: [(&str, &[u8]); 2] = [("d/a", &quiet), ("d/b", b"some words of a member\n")];
    for (name, command, result) in [
        ("ole2", "gsf createole out.ole d", "out.ole"),
        ("zip", "zip -q -r out.zip d", "out.zip"),
        ("tar", "tar -cf out.tar d", "out.tar"),
        ("cpio", "find d | cpio --quiet -o -H newc >out", "out"),
        ("cpio-odc", "find d | cpio --quiet -o -H odc >out", "out"),
        ("ar", "ar qc out.a d/a d/b", "out.a"),
        ("gzip", "gzip -c d/a >out", "out"),
        ("bzip2", "bzip2 -c d/a >out", "out"),
        ("xz", "xz -c d/a >out", "out"),
        ("lzma", "xz --format=lzma -c d/a >out", "out"),
        ("zstd", "zstd -q -c d/a >out", "out"),
        ("lz4", "lz4 -q -c d/a >out", "out"),
        ("lzip", "lzip -c d/a >out", "out"),
        ("compress", "compress -c d/b >out || true", "out"),
        ("iso", "genisoimage -quiet -o out.iso d", "out.iso"),
    ] {
        all.push((name, made(&members, command, result)));
    }
    let texts: [(&str, &[u8]); 9] = [
        ("rtf", b"{\\rtf1 some text {\\b bold} and more}\n"),
        ("open rtf", b"{\\rtf1 some text {\\b bold} and more\n"),
        ("rtf with an object", b"{\\rtf1{\\object{\\*\\objdata 414243444546}}text}\n"),
        ("rtf in an object", b"{\\rtf1{\\object{\\*\\objdata 414243444546\n"),
        ("mail", b"From: a@b.example\nTo: c@d.example\nSubject: e\n\nSome words.\n"),
        (
            "mail of parts",
            b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\
              Content-Type: text/plain\n\nwords\n--x--\n",
        ),
        ("page", b"<html><body>some words</body></html>\n"),
        ("text", b"some words of a text\n"),
        ("script", b"<script>var a = 1;</script>\n"),
    ];
    all.extend(texts.map(|(name, text)| (name, text.to_vec())));
    let mut note = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    note.extend([7; 400]);
    all.push(("onenote", note));
    let mut link = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46".to_vec();
    link.resize(80, 0);
    all.push(("link", link));
    let mut tnef = b"\x78\x9f\x3e\x22\x01\0".to_vec();
    tnef.extend(b"\x01\x06\x90\x08\0\x04\0\0\0\0\0\x01\0\x01\0");
    all.push(("tnef", tnef));
    let szdd = [&b"SZDD\x88\xf0\x27\x33A\0\x08\0\0\0\xff"[..], b"some wor"].concat();
    all.push(("szdd", szdd));
    let mut sis = [1_u32, 0x1000_3a12, 0x1000_0419, 0]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect::<Vec<_>>();
    sis.extend([0, 0, 1, 0, 0, 0]);
    sis.resize(100, 0);
    sis[52..56].copy_from_slice(&100_u32.to_le_bytes());
    all.push(("sis", sis));
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend(noise(600, 5));
    all.push(("picture", picture));
    let mut film = b"FWS\x0d\x42\x02\0\0".to_vec();
    film.extend(noise(600, 6));
    all.push(("film", film));
    let body = b"the body of a film ".repeat(30);
    all.push(("packed film", [&b"CWS\x0d\x42\x02\0\0"[..], &crate::kit::zlib(&body)].concat()));
    all
}

#[test]
fn no_file_hides_an_archive_behind_it() {
    let engine = eicar_engine(Limits::default());
    let hidden = archives(&[("e.gz", &gzip(&eicar()))]);
    let mut silent = Vec::new();
    for (front, bytes) in fronts() {
        if front != "rtf in an object" {
            check_clean(&engine, &Object::default(), &bytes);
        }
        for (name, archive) in &hidden {
            for (gap, tail) in [(0, 0), (1, 0), (1_200, 2_000)] {
                let both = [&bytes[..], &vec![0; gap], archive, &vec![0; tail]].concat();
                let found = scan(&engine, &Object::default(), &both, 4_096);
                if found == Verdict::Clean {
                    silent.push((front, *name, gap));
                }
            }
        }
    }
    assert!(silent.is_empty(), "{silent:?}");
}

/// Files in which an archive is found, and not only missed.
#[test]
fn archives_behind_documents_are_opened() {
    let engine = eicar_engine(Limits::default());
    let hidden = archives(&[("e.gz", &gzip(&eicar()))]);
    for (front, bytes) in fronts() {
        let is_opened = matches!(
            front,
            "ole2" | "zip" | "sis" | "onenote" | "rtf" | "open rtf" | "rtf with an object"
        );
        for (name, archive) in hidden.iter().filter(|_| is_opened) {
            let both = [&bytes[..], &[0; 700], archive].concat();
            let path = format!("sfx>{name}:e.gz>gzip");
            check_infected(&engine, &Object::default(), &both, EICAR, &path);
        }
    }
}

/// An archive in a stream is found there, and not a second time in the sectors that the stream is in.
#[test]
fn an_archive_in_pieces_of_a_document_is_no_stray() {
    let engine = eicar_engine(Limits::default());
    for (_, archive) in archives(&[("a.gz", &gzip(&noise(20_000, 4)))]) {
        let members: [(&str, &[u8]); 2] = [("d/a", &archive), ("d/b", &noise(9_000, 2))];
        let bytes = made(&members, "gsf createole out.ole d", "out.ole");
        check_clean(&engine, &Object::default(), &bytes);
    }
}

/// 7z leaves zeros in the front until it has written everything, and readers look for what is there.
#[test]
fn an_archive_that_was_not_finished_is_not_clean() {
    let engine = eicar_engine(Limits::default());
    let mut archive = made(&[("e.gz", &gzip(&eicar()))], "7z a -bd o.7z e.gz >&2", "o.7z");
    archive[8..32].fill(0);
    let reason = Why::Broken("7z: no header");
    check_unscanned(&engine, &Object::default(), &archive, reason);
    for front in [&noise(40_000, 12)[..], b"some words of a text\n"] {
        let bytes = [front, &archive].concat();
        check_unscanned(&engine, &Object::default(), &bytes, reason);
    }
}
