//! Streams in all their ways, scripts, and what nobody ought to write.
#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::cipher::Rc4;
use super::dictionary::{Dictionary, Filter, Parameters};
use super::token::{Token, Tokens};
use crate::engine::unpack::Whole::Pdf;
use crate::engine::unpack::tests::walk::{Walk, Walked, check_opened};
use crate::engine::verdict::{Limit, Why};

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("to memory");
    encoder.finish().expect("to memory")
}

/// A document of objects, each with a dictionary and its stream.
fn document(objects: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    for (number, (dictionary, bytes)) in objects.iter().enumerate() {
        out.extend(format!("{} 0 obj\n<<{dictionary}>>\nstream\r\n", number + 1).bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\nendstream\nendobj\n");
    }
    out.extend_from_slice(b"trailer\n<</Root 1 0 R>>\n%%EOF\n");
    out
}

#[track_caller]
fn check(bytes: &[u8], members: &[Walk]) {
    let walked = check_opened(Pdf, bytes);
    let wanted =
        Walked { members: Vec::new(), missed: Vec::new(), listed: Vec::new(), end: Ok(()) };
    assert_eq!(walked.members, members);
    assert_eq!(Walked { members: Vec::new(), ..walked }, wanted);
}

#[test]
fn every_filter_is_undone_and_so_are_several() {
    let plain = b"some bytes, some more bytes, and zeros: \0\0\0\0\0\0\0\0\0\0\0\0.".repeat(90);
    let hex: String = plain.iter().map(|byte| format!("{byte:02x} ")).collect();
    let lzw = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let late = weezl::encode::Encoder::new(weezl::BitOrder::Msb, 8);
    let runs: Vec<u8> = plain.iter().flat_map(|byte| [0, *byte]).chain([255, b'!', 128]).collect();
    let coded_hex: String = zlib(&plain).iter().map(|byte| format!("{byte:02X}")).collect();
    let cases: [(&str, Vec<u8>, Vec<u8>); 9] = [
        ("", plain.clone(), plain.clone()),
        ("/Filter/FlateDecode", zlib(&plain), plain.clone()),
        ("/Filter [ /Fl ] /Length 99 0 R", zlib(&plain), plain.clone()),
        ("/Filter/LZWDecode", { lzw }.encode(&plain).expect("to memory"), plain.clone()),
        (
            "/Filter/LZWDecode/DecodeParms<</EarlyChange 0>>",
            { late }.encode(&plain).expect("to memory"),
            plain.clone(),
        ),
        ("/Filter/ASCIIHexDecode", [hex.as_bytes(), b">"].concat(), plain.clone()),
        ("/Filter/RunLengthDecode", runs, [&plain[..], b"!!"].concat()),
        ("/Filter[/AHx/Fl]", [coded_hex.as_bytes(), b">"].concat(), plain.clone()),
        (
            "/Filter[/FlateDecode/DCTDecode]",
            zlib(b"\xff\xd8\xffpicture"),
            b"\xff\xd8\xffpicture".to_vec(),
        ),
    ];
    for (dictionary, coded, wanted) in cases {
        let walked = check_opened(Pdf, &document(&[(dictionary, &coded)]));
        let [member] = walked.members.as_slice() else { panic!("{dictionary}: {walked:?}") };
        let bytes = match dictionary.is_empty() || dictionary.contains("DCT") {
            // The line end before `endstream` may be part of it, when no length is said.
            true => member.bytes.strip_suffix(b"\n").unwrap_or(&member.bytes),
            false => &member.bytes,
        };
        assert!(bytes == wanted, "{dictionary}: {}", String::from_utf8_lossy(bytes));
        assert_eq!((member.label.as_str(), member.fate), ("pdf:1", Some(Ok(()))), "{dictionary}");
    }
}

/// From the standard's own words (ISO 32000-1, 7.4.3): groups of five letters, `z`, and a short last one.
#[test]
fn base_85_is_undone() {
    let coded = b"9jqo^BlbD-BleB1DJ+*+F(f,q/0JhKF<GL>Cj@.4Gp$d7F!,L7@<6@)z/0JDEF<G%<+EV:2F!,\n\
        O<DJ+*.@<*K0@<6L(Df-\\0Ec5e;DffZ(EZee.Bl.9pF\"AGXBPCsi+DGm>@3BB/F*&OCAfu2/AKY~>";
    let plain = b"Man is distinguished, not only by his reason, \0\0\0\0but by this singular passion from other animals, which is a lust of the mind, th";
    let walked = check_opened(Pdf, &document(&[("/Filter/ASCII85Decode", coded)]));
    let bytes = &walked.members[0].bytes;
    assert!(bytes.starts_with(b"Man is distinguished, not only by his reason"), "{bytes:?}");
    assert!(bytes.windows(4).any(|four| four == [0; 4]), "{}", plain.len());
}

#[test]
fn a_stream_ends_where_it_ends_and_not_where_its_bytes_say_so() {
    let plain = b"one endstream two endstream three";
    let stored = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(plain).expect("to memory");
        encoder.finish().expect("to memory")
    };
    let next: (&str, &[u8]) = ("/Length 4", b"next");
    for dictionary in
        ["/Filter/Fl/Length 9 0 R".to_owned(), format!("/Filter/Fl/Length {}", stored.len())]
    {
        let bytes = document(&[(&dictionary, &stored), next]);
        check(&bytes, &[Walk::whole("pdf:1", plain), Walk::whole("pdf:2", b"next")]);
    }
    let length = format!("/Length {}", plain.len());
    check(
        &document(&[(&length, plain), next]),
        &[Walk::whole("pdf:1", plain), Walk::whole("pdf:2", b"next")],
    );
}

#[test]
fn scripts_come_out_of_dictionaries() {
    let bytes =
        b"%PDF-1.4\n1 0 obj <</S/JavaScript/JS (app.alert\\(\\047x\\047\\);\\\r\n)>> endobj\n\
        2 0 obj <</JS <feff0061006C>>> endobj 3 0 obj <</JS 4 0 R>> endobj";
    check(
        bytes,
        &[Walk::whole("pdf-script", b"app.alert('x');"), Walk::whole("pdf-script", b"al")],
    );
}

#[test]
fn what_cannot_be_seen_is_said() {
    for (dictionary, why) in [
        ("/Filter/JustMine", Why::Unsupported("PDF: a filter")),
        ("/Filter 7 0 R", Why::Unsupported("PDF: a list of filters")),
        (
            "/Filter[/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl/Fl]",
            Why::Unsupported("PDF: a list of filters"),
        ),
    ] {
        let walked = check_opened(Pdf, &document(&[(dictionary, b"x"), ("/Length 1", b"y")]));
        assert_eq!((walked.missed, walked.members), (vec![why], vec![Walk::whole("pdf:2", b"y")]));
    }
    let mut encrypted = document(&[("/Length 1", b"y")]);
    encrypted.extend_from_slice(b"trailer <</Encrypt 5 0 R>>");
    assert_eq!(check_opened(Pdf, &encrypted).missed, [Why::Encrypted]);
    let mut hidden = document(&[("/Length 1", b"y")]);
    let place = hidden.len();
    hidden.extend(format!("xref\ntrailer <</#45ncrypt 5 0 R>>\nstartxref\n{place}\n%%EOF").bytes());
    assert_eq!(check_opened(Pdf, &hidden).missed, [Why::Encrypted]);
}

#[test]
fn damage_is_said_and_does_not_hide_what_follows() {
    let coded = zlib(&b"some bytes that are many".repeat(50));
    let mut damaged = coded.clone();
    damaged[2..].fill(0xff);
    for coded in [&coded[..20], &damaged] {
        let bytes = document(&[("/Filter/Fl", coded), ("/Length 1", b"y")]);
        let walked = check_opened(Pdf, &bytes);
        let [first, second] = walked.members.as_slice() else { panic!("{walked:?}") };
        // More was looked for behind the end, and made no sense.
        let broken = Some(Err(Why::Broken("PDF: a deflate stream")));
        assert_eq!((first.fate, second), (broken, &Walk::whole("pdf:2", b"y")));
    }
    let last = document(&[("/Filter/Fl", &coded[..20])]);
    let early = Some(Err(Why::Broken("PDF: a stream ends early")));
    assert_eq!(check_opened(Pdf, &last).members[0].fate, early);
    let empty = document(&[("/Filter/Fl/Length 0", b"")]);
    assert_eq!(check_opened(Pdf, &empty).members, [Walk::whole("pdf:1", b"")]);
    let endless = b"%PDF-1.4 1 0 obj <<>> stream\nabc 2 0 obj <<>> stream\ndef";
    assert_eq!(check_opened(Pdf, endless).members.len(), 1, "the rest is its bytes");
}

#[test]
fn names_and_strings_are_read_as_the_standard_says() {
    let bytes = b"/F#69lter(a(b)\\)\\101\\n)<4 1 4>[12 R % comment\n>>";
    let tokens: Vec<Token<'_>> = Tokens::new(bytes).collect();
    assert_eq!(
        tokens,
        [
            Token::Name(b"Filter".to_vec()),
            Token::Text(b"a(b))A\n".to_vec()),
            Token::Text(b"A@".to_vec()),
            Token::Bracket(b"["),
            Token::Number(12),
            Token::Word(b"R"),
            Token::Bracket(b">>"),
        ]
    );
    let read = Dictionary::read(b"<</Length 5/Filter[/ASCII85Decode /Fl#61teDecode]/X<</Y 1>>>>");
    let wanted = vec![Filter::Ascii85, Filter::Flate];
    let known = Dictionary { filters: wanted, length: Some(5), ..Dictionary::default() };
    assert_eq!(read, known);
    let parameters = b"/DecodeParms[null<</Predictor 12/Columns 5/X<</Colors 9>>>>]/Type/ObjStm";
    let read = Dictionary::read(parameters);
    let said = |it: &Parameters| [it.predictor, it.columns, it.colors, it.bits];
    let said: Vec<_> = read.parameters.iter().map(said).collect();
    assert_eq!((said, read.kind), (vec![[1, 1, 1, 8], [12, 5, 9, 8]], b"ObjStm".to_vec()));
}

/// Rows of four samples of three bytes, the last one cut: each kind of row, as an encoder writes it.
#[test]
fn predictors_are_undone() {
    let plain: Vec<u8> = (0..12 * 6 + 5_u32).map(|at| (at * at / 3).to_le_bytes()[0]).collect();
    let mut png = Vec::new();
    for (index, row) in plain.chunks(12).enumerate() {
        let kind = u8::try_from(index % 5).expect("small");
        png.push(kind);
        for (at, byte) in row.iter().enumerate() {
            let left = if at < 3 { 0 } else { row[at - 3] };
            let above = if index == 0 { 0 } else { plain[(index - 1) * 12 + at] };
            let corner = if index == 0 || at < 3 { 0 } else { plain[(index - 1) * 12 + at - 3] };
            let promise = i32::from(left) + i32::from(above) - i32::from(corner);
            let nearest = [left, above, corner].into_iter();
            let nearest = nearest.min_by_key(|it| (promise - i32::from(*it)).abs());
            let guess = match kind {
                1 => left,
                2 => above,
                3 => u8::try_from((u32::from(left) + u32::from(above)) / 2).expect("a byte"),
                4 => nearest.expect("there are three"),
                _ => 0,
            };
            png.push(byte.wrapping_sub(guess));
        }
    }
    let mut tiff = Vec::new();
    for row in plain.chunks(12) {
        for (at, byte) in row.iter().enumerate() {
            tiff.push(byte.wrapping_sub(if at < 3 { 0 } else { row[at - 3] }));
        }
    }
    let mut wide = Vec::new();
    for row in plain[..72].chunks(12) {
        let samples: Vec<u16> =
            row.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        for (at, sample) in samples.iter().enumerate() {
            let left = if at < 2 { 0 } else { samples[at - 2] };
            wide.extend(sample.wrapping_sub(left).to_be_bytes());
        }
    }
    let packed = |parameters: &str, coded: &[u8], plain: &[u8]| {
        let dictionary = format!("/Filter/FlateDecode/DecodeParms<<{parameters}>>");
        check(&document(&[(&dictionary, &zlib(coded))]), &[Walk::whole("pdf:1", plain)]);
    };
    packed("/Predictor 15/Colors 3/Columns 4", &png, &plain);
    packed("/Predictor 2/Colors 3/Columns 4", &tiff, &plain);
    packed("/Predictor 2/Colors 2/BitsPerComponent 16/Columns 3", &wide, &plain[..72]);
    packed("/Predictor 1/Columns 4", &png, &png);
    for (parameters, why) in [
        ("<</Predictor 3>>", Why::Unsupported("PDF: a predictor")),
        ("<</Predictor 2/BitsPerComponent 4/Columns 9>>", Why::Unsupported("PDF: a predictor")),
        ("9 0 R", Why::Unsupported("PDF: a predictor")),
        ("<</Predictor 12/Columns 99999999>>", Why::Limit(Limit::MaxScanState)),
        ("<</Predictor 12/Columns 0>>", Why::Limit(Limit::MaxScanState)),
    ] {
        let dictionary = format!("/Filter/FlateDecode/DecodeParms {parameters}");
        assert_eq!(check_opened(Pdf, &document(&[(&dictionary, &zlib(b"x"))])).missed, [why]);
    }
}

/// A vector of which everybody knows.
#[test]
fn rc4_is_what_it_is_elsewhere() {
    let mut text = *b"Plaintext";
    Rc4::new(b"Key").apply(&mut text);
    assert_eq!(text, [0xbb, 0xf3, 0x16, 0xe8, 0xd9, 0x40, 0xaf, 0x0a, 0xd3]);
}
