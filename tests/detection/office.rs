//! Office documents of before 2007, made by the real tool: every stream is a layer.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};
use md5::Digest as _;

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, engine, gzip, noise,
    test_file, zlib,
};

#[test]
fn streams_large_and_small_are_opened() {
    let quiet = noise(300_000, 11);
    for eicar_first in [false, true] {
        let small = gzip(&eicar());
        let members: [(&str, &[u8]); 2] = [("d/a", &small), ("d/b", &quiet)];
        let order = if eicar_first { "d/a d/b" } else { "d/b d/a" };
        let bytes = made(&members, &format!("gsf createole out.ole {order}"), "out.ole");
        let engine = eicar_engine(Limits::default());
        check_infected(&engine, &Object::default(), &bytes, EICAR, "ole2:a>gzip");
        check_infected(&engine, &Object::default(), &gzip(&bytes), EICAR, "gzip>ole2:a>gzip");
        let clean = made(&members[1..], "gsf createole out.ole d", "out.ole");
        check_clean(&engine, &Object::default(), &clean);
        let limits = Limits { whole_bytes_max: 200_000, ..Limits::default() };
        let reason = Why::Limit(Limit::MaxWholeSize);
        check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, reason);
        let limits = Limits { deferred_memory_max: 200_000, ..Limits::default() };
        let reason = Why::Limit(Limit::DeferredMemory);
        check_unscanned(&eicar_engine(limits), &Object::default(), &clean, reason);
    }
}

#[test]
fn signatures_for_documents_see_their_streams() {
    let bytes = made(&[("d/a", b"some words of a stream")], "gsf createole out.ole d", "out.ole");
    let line = "Words:2:0:736f6d6520776f726473\n";
    let engine = engine(&[("a.ndb", line)], Limits::default());
    check_infected(&engine, &Object::default(), &bytes, "Words.UNOFFICIAL", "ole2:a");
}

#[test]
fn what_qpdf_writes_is_read() {
    let coded = gzip(&eicar());
    let first = [
        &b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(a)3 0 R]>>>>>>endobj\n\
           2 0 obj<</Type/Pages/Kids[5 0 R]/Count 1>>endobj\n3 0 obj<</Type/Filespec/F(a)/EF<</F 4 0 R>>>>endobj\n\
           5 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"[..],
        format!("4 0 obj<</Type/EmbeddedFile/Length {}>>stream\n", coded.len()).as_bytes(),
        &coded,
        b"\nendstream endobj\ntrailer<</Root 1 0 R/Size 6>>\n%%EOF\n",
    ]
    .concat();
    let engine = eicar_engine(Limits::default());
    check_infected(&engine, &Object::default(), &first, EICAR, "pdf:4>gzip");
    for options in [
        "--stream-data=compress --object-streams=generate",
        "--stream-data=uncompress --object-streams=disable",
        "--linearize --compress-streams=y --recompress-flate",
    ] {
        let command = format!("qpdf --warning-exit-0 {options} in.pdf out.pdf");
        let bytes = made(&[("in.pdf", &first)], &command, "out.pdf");
        let verdict = crate::kit::verdict(&engine, &Object::default(), &bytes);
        assert!(format!("{verdict:?}").contains(EICAR), "{options}: {verdict:?}");
    }
}

/// A password that nobody is asked for hides nothing; any other is said.
#[test]
fn encrypted_documents_are_read_when_everybody_can_open_them() {
    let page = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(77\\))>>\
        /Names<</EmbeddedFiles<</Names[(a)3 0 R]>>>>>>endobj\n\
        2 0 obj<</Type/Pages/Kids[5 0 R]/Count 1>>endobj\n\
        3 0 obj<</Type/Filespec/F(a)/EF<</F 4 0 R>>>>endobj\n\
        5 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n";
    let document = |file: &[u8]| {
        let front = format!("4 0 obj<</Type/EmbeddedFile/Length {}>>stream\n", file.len());
        let end = b"\nendstream endobj\ntrailer<</Root 1 0 R/Size 6>>\n%%EOF\n";
        [page.as_bytes(), front.as_bytes(), file, end].concat()
    };
    let (plain, hidden) = (eicar_engine(Limits::default()), gzip(&eicar()));
    // The size of a file that is not packed is that without padding; a script is one without its escapes.
    let digest = md5::Md5::digest(b"an odd number of bytes");
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let first = engine(&[("a.hdb", &format!("{digest}:22:Odd\n"))], Limits::default());
    let second = engine(&[("b.ndb", "Script:0:*:6170702e616c657274\n")], Limits::default());
    for options in [
        "40 --",
        "128 --use-aes=n --",
        "128 --use-aes=y --",
        "128 --use-aes=y --cleartext-metadata --",
        "256 --force-R5 --",
        "256 --",
        "256 -- --object-streams=generate",
        "256 -- --linearize",
    ] {
        let command = format!(
            "qpdf --warning-exit-0 --allow-weak-crypto --encrypt '' owner {options} in.pdf out.pdf"
        );
        let made = |file: &[u8]| made(&[("in.pdf", &document(file))], &command, "out.pdf");
        let found = |engine, bytes: &[u8], name| {
            let verdict = crate::kit::verdict(engine, &Object::default(), bytes);
            assert!(format!("{verdict:?}").contains(name), "{options}: {verdict:?}");
        };
        found(&plain, &made(&hidden), EICAR);
        let odd = made(b"an odd number of bytes");
        check_clean(&plain, &Object::default(), &odd);
        found(&first, &odd, "Odd");
        found(&second, &odd, "Script");
        let command = command.replace("''", "secret");
        let closed = crate::containers::made(&[("in.pdf", &document(b"x"))], &command, "out.pdf");
        check_unscanned(&plain, &Object::default(), &closed, Why::Encrypted);
    }
}

#[test]
fn a_zip_behind_a_document_is_found_too() {
    let zip = made(&[("a", &test_file())], "zip -q out.zip a", "out.zip");
    let locked = made(&[("a", &test_file())], "zip -q -P pass out.zip a", "out.zip");
    let page = b"%PDF-1.4\n1 0 obj<</Length 5>>stream\nhello\nendstream endobj\n%%EOF\n".to_vec();
    let old = made(&[("d/a", &noise(9_000, 5))], "gsf createole out.ole d", "out.ole");
    let engine = eicar_engine(Limits::default());
    for document in [page, old] {
        check_clean(&engine, &Object::default(), &document);
        let both = [&document[..], &zip].concat();
        check_infected(&engine, &Object::default(), &both, EICAR, "zip:a");
        let both = [&document[..], &locked].concat();
        check_unscanned(&engine, &Object::default(), &both, Why::Encrypted);
    }
}

#[test]
fn what_is_too_long_to_be_scanned_is_paid_for() {
    let bomb = zlib(&vec![b' '; 24 << 20]);
    let harmful = zlib(&test_file());
    let stream = |bytes: &[u8], number: u32| {
        let head = format!("{number} 0 obj<</Filter/FlateDecode/Length {}>>stream\n", bytes.len());
        [head.as_bytes(), bytes, b"\nendstream endobj\n"].concat()
    };
    let bytes = [&b"%PDF-1.4\n"[..], &stream(&bomb, 1), &stream(&harmful, 2), b"%%EOF\n"].concat();
    let limits = Limits { object_bytes_max: 100_000, ..Limits::default() };
    let rich = eicar_engine(Limits { ratio_max: 2_000, ..limits });
    check_infected(&rich, &Object::default(), &bytes, EICAR, "pdf:2");
    // The first stream alone is more than the document may become: the second is not read any more.
    let reason = Why::Limit(Limit::MaxFileSize);
    check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, reason);
}
