//! What is written as text in a text, however it is cut, and a zip behind it.

use super::walk::{Walk, check_walk, walk};
use crate::engine::unpack::Container::{CarriedZip, Text};
use crate::engine::unpack::armor::base64::Base64;

/// base64, without what ends it.
fn encoded(plain: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in plain.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for at in 0..4 {
            let letter = letters[usize::try_from(bits >> (18 - 6 * at) & 63).expect("small")];
            out.push(if at > group.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[track_caller]
fn check(text: &[u8], wanted: &[(&str, &[u8])]) {
    let walked = check_walk(Text, text);
    let wanted: Vec<Walk> = wanted.iter().map(|(label, bytes)| Walk::whole(label, bytes)).collect();
    assert_eq!(walked.members, wanted);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
}

fn plain() -> Vec<u8> {
    (0..200_u32).map(|at| at.wrapping_mul(37).to_le_bytes()[0]).collect()
}

#[test]
fn the_encoder_of_these_tests_is_right() {
    assert_eq!(encoded(b"Hello, world!"), "SGVsbG8sIHdvcmxkIQ==");
    let (coded, mut out) = (encoded(&plain()), vec![0; 300]);
    let (_, made) = Base64::default().pour(coded.as_bytes(), &mut out);
    assert_eq!(out[..made], plain());
}

#[test]
fn data_in_addresses_comes_out() {
    let plain = plain();
    let coded = encoded(&plain);
    for page in [
        format!("<a href=\"data:application/x;base64,{coded}\">t</a>"),
        format!("<a href='data:application/x;base64,{coded}'>t</a>"),
        format!("a {{ b: url(data:application/x;base64,{coded}) no-repeat }}"),
        format!("<a href=\"data:application/x;base64,{}\n  {}\">", &coded[..70], &coded[70..]),
        format!(
            "x=\"data:application/x;base64,{}\"",
            coded.replace('+', "%2B").replace('/', "%2f")
        ),
    ] {
        check(page.as_bytes(), &[("data:application/x", &plain)]);
    }
    check(format!("<img src=\"DATA:a/b;base64,{coded}\">").as_bytes(), &[("data", &plain)]);
    // With escapes, and what is between quotes may be between others.
    let svg = "<a href=\"data:image/svg+xml;utf8,%3Csvg onload='x()'%3E a %3c/svg%3E\">";
    check(svg.as_bytes(), &[("data:image/svg+xml;utf8", b"<svg onload='x()'> a </svg>")]);
    // Small ones: a script is one, a dot is none.
    let small = "PHNjcmlwdCBzcmM9Ly9hLmI+";
    check(
        format!("'data:text/html;base64,{small}'").as_bytes(),
        &[("data:text/html", b"<script src=//a.b>")],
    );
    check(format!("'data:image/gif;base64,{small}'").as_bytes(), &[]);
    check(b"{data:e,b:1} data: x, data:a:b, metadata:a/b,cccccccccccccccccccccc", &[]);
}

#[test]
fn long_runs_of_letters_come_out_of_every_text() {
    let plain = plain();
    let coded = encoded(&plain);
    let lines = |width: usize| {
        let lines: Vec<&[u8]> = coded.as_bytes().chunks(width).collect();
        lines.join(&b"\n"[..])
    };
    for text in [
        format!("{{\"file\":\"{coded}\",\"n\":1}}").into_bytes(),
        format!("{{\"file\":\"{}\"}}", coded.replace('/', "\\/").replace('+', "\\u002b"))
            .into_bytes(),
        format!("{{\"file\":\"{}\"}}", coded.replace('/', "_").replace('+', "-")).into_bytes(),
        [&b"<w:binData>\n"[..], &lines(76), b"\n</w:binData>"].concat(),
        [&b"some words\n"[..], &lines(60), b"\n\nother words"].concat(),
        format!("file={}&x=1", coded.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"))
            .into_bytes(),
    ] {
        check(&text, &[("base64", &plain)]);
    }
    // At the end of the text, and in front of something that is none.
    check(format!("x {coded}").as_bytes(), &[("base64", &plain)]);
    let zeros = "a".repeat(60);
    check(format!("{zeros}* {coded}.").as_bytes().split_at(61).1, &[("base64", &plain)]);
}

#[test]
fn digests_addresses_and_words_are_no_base64() {
    for text in [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        "0123456789abcdef".repeat(8),
        format!("https://a.example/{}", "a-title-of-a-page-in-words-".repeat(4)),
        format!("C:\\{}", "folder\\".repeat(20)),
        "%20and%20so%20on".repeat(10),
        "a+b/c ".repeat(100),
    ] {
        check(text.as_bytes(), &[]);
    }
    // Digits that go on with letters are.
    let coded = format!("{}{}", "0123456789abcdef".repeat(8), encoded(&plain()));
    assert_eq!(check_walk(Text, coded.as_bytes()).members.len(), 1);
    // A run behind an escape that is none.
    let coded = encoded(&plain());
    check(format!("%20{coded} ").as_bytes(), &[("base64", &plain())]);
    check(format!("\\t{coded} ").as_bytes(), &[("base64", &plain())]);
}

#[test]
fn where_a_run_begins_does_not_depend_on_how_the_text_is_cut() {
    let coded = encoded(&plain());
    for front in [
        "%".repeat(200),
        "\\".repeat(201),
        "\\".repeat(90),
        "%41%".repeat(40),
        "\\u00".repeat(40),
        "a\\x".repeat(60),
        format!("{}\\q", "b".repeat(40)),
    ] {
        let text = format!("{front}{coded} ");
        assert_eq!(check_walk(Text, text.as_bytes()).members.len(), 1, "{front}");
    }
}

#[test]
fn files_in_lines_come_out_with_their_names() {
    let uu = "begin 644 a b.exe\n4:&5L;&\\L('=O<FQD(2!A9V%I;@$ \n`\nend\n";
    let python = b"hello, world! again\x01".to_vec();
    check(format!("words\n\n{uu}more").as_bytes(), &[("uuencode:a b.exe", &python)]);
    check(uu.replace('\n', "\r\n").as_bytes(), &[("uuencode:a b.exe", &python)]);
    check(b"to begin 644 x\n and begin\nbegin of it\nbegin 64x y\n#0V%T\n", &[]);
    let coded = encoded(&plain());
    let posix = format!("begin-base64 644 x.exe\n{}\n{}\n====\n", &coded[..60], &coded[60..]);
    check(posix.as_bytes(), &[("base64:x.exe", &plain())]);
    let shifted: Vec<u8> = b"a file of more than some bytes".iter().map(|byte| byte + 42).collect();
    let yenc = [
        &b"=ybegin part=1 line=128 size=30 name=y.exe\r\n=ypart begin=1 end=30\r\n"[..],
        &shifted,
        b"\r\n=yend size=30\r\ntext",
    ];
    check(&yenc.concat(), &[("yenc:y.exe", b"a file of more than some bytes")]);
}

#[test]
fn a_zip_is_found_in_front_of_and_behind_everything() {
    let name = b"a";
    let member = b"bytes of the member";
    let mut zip = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    zip.extend([19, 0, 0, 0, 19, 0, 0, 0, 1, 0, 0, 0]);
    zip.extend_from_slice(name);
    zip.extend_from_slice(member);
    let coded = encoded(&plain());
    let found = ("zip:a", &member[..]);
    for front in ["text ".to_owned(), "text PK PKP".to_owned(), "P".to_owned()] {
        check(&[front.as_bytes(), &zip].concat(), &[found]);
    }
    // Directly behind something encoded, which takes its first two letters.
    let text = [format!("data:a/b;base64,{}", &coded[..80]).as_bytes(), &zip].concat();
    let walked = check_walk(Text, &text);
    assert_eq!(walked.members[1], Walk::whole("zip:a", member));
    // In front of it, and behind a line that promises something else.
    let between = [&zip[..], format!(" \"data:a/b;base64,{coded}\"").as_bytes(), &zip].concat();
    check(&between, &[found, ("data:a/b", &plain()), found]);
    for lead in ["data:", "begin 644 ", "=ybegin name=", "text (BinHex 4.0)\n"] {
        let text = [b"\n", lead.as_bytes(), &zip].concat();
        check(&text, &[found]);
    }
    let yenc = [&b"=ybegin line=128 size=999999 name=x\r\n"[..], &[b'x'; 40], &zip].concat();
    let walked = check_walk(Text, &yenc);
    assert_eq!(walked.members.last(), Some(&Walk::whole("zip:a", member)));
    // As it was found without anything else.
    assert_eq!(walk(CarriedZip, &zip, 7, 7).members, walk(Text, &zip, 7, 7).members);
}
