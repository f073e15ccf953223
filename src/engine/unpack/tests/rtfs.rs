//! RTF documents, made here letter by letter: objects come out however their digits are written.

use super::walk::{Walk, Walked, check_walk};
use crate::engine::unpack::Container::Rtf;
use crate::engine::verdict::Why;

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn string(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len() + 1).expect("short").to_le_bytes();
    [&length[..], text.as_bytes(), &[0]].concat()
}

/// An embedded object with its header.
fn object(class: &str, native: &[u8]) -> Vec<u8> {
    let size = u32::try_from(native.len()).expect("small").to_le_bytes();
    let front = [&[1, 5, 0, 0, 2, 0, 0, 0][..], &string(class), &[0; 8], &size].concat();
    [&front, native].concat()
}

/// Native data of the class `Package`.
fn package(name: &str, file: &[u8]) -> Vec<u8> {
    let size = u32::try_from(file.len()).expect("small").to_le_bytes();
    let names = format!("\x02\0{name}\0C:\\{name}\0\0\0\x03\0");
    [names.as_bytes(), &string("C:\\t"), &size, file, b"\0\0"].concat()
}

fn document(inside: &str) -> Walked {
    let text =
        format!("{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Arial abcdef;}}}}\n{inside} words 00\\par}}");
    check_walk(Rtf, text.as_bytes())
}

#[track_caller]
fn check(inside: &str, wanted: &[Walk]) {
    let walked = document(inside);
    assert_eq!((walked.members.as_slice(), walked.end), (wanted, Ok(())), "{inside}");
    assert_eq!(walked.missed, []);
}

#[test]
fn objects_come_out_without_their_headers() {
    let native = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more";
    let inner = digits(&object("Word.Document.8", native));
    let whole = Walk::whole("rtf:Word.Document.8", native);
    check(&format!("{{\\object\\objemb{{\\*\\objclass ab}}{{\\*\\objdata {inner}}}}}"), &[whole]);
    let inner = digits(&object("Package", &package("a.exe", b"MZ and more")));
    let file = [Walk::whole("rtf:a.exe", b"MZ and more"), Walk::whole("rtf-presentation", b"\0\0")];
    check(&format!("{{\\object{{\\*\\objdata {inner}}}}}"), &file);
    // One behind the other, in one group.
    let one = digits(&object("a", b"one"));
    let two = [Walk::whole("rtf:a", b"one"), Walk::whole("rtf:a", b"one")];
    check(&format!("{{\\objdata {one}\\objdata {one}}}"), &two);
    check(&format!("{{\\objdata {one}}}{{\\*\\unknown{{\\objdata {one}}}}}"), &two);
}

#[test]
fn digits_are_read_however_they_are_hidden() {
    let bytes = object("x", b"some native data");
    let plain = digits(&bytes);
    let (front, back) = plain.split_at(31);
    let whole = [Walk::whole("rtf:x", b"some native data")];
    let binary = format!("\\bin{} ", 4);
    let third = u8::from_str_radix(&plain[30..32], 16).expect("digits");
    assert_eq!(third, bytes[15]);
    for hidden in [
        plain.to_uppercase(),
        plain.chars().flat_map(|digit| [digit, '\r', '\n', ' ', '\t']).collect(),
        format!("{front}{{}}{back}"),
        format!("{front}{{\\*\\other 4142{{43}}}}{back}"),
        format!("{front}{{\\fonttbl 4142}}{back}"),
        format!("{front}\\par25 \\foobar{back}").replace("\\foobar", "\\foobar "),
        format!("{front}\\'41\\~\\{{\\}}{back}"),
        format!("{front}xyz-!{back}"),
        format!("{{{{{front}}}{{{back}}}}}"),
        format!("\\objupdate {front}\\bin0 {back}"),
        format!("{front}\\bin-5 {back}\\bin99999999999 "),
    ] {
        check(&format!("{{\\object{{\\*\\objdata{{}} {hidden}}}}}"), &whole);
    }
    // Bytes as they are count for two digits each, also braces.
    let raw = object("y", b"a}{\\b");
    let text = digits(&raw[..raw.len() - 5]);
    check(
        &format!("{{\\objdata {text}{}a}}{{\\b}}", binary.replace('4', "5")),
        &[Walk::whole("rtf:y", b"a}{\\b")],
    );
}

#[test]
fn what_has_no_header_comes_out_as_it_is() {
    let short = b"\x01\x02\x03";
    check(&format!("{{\\*\\objdata {}}}", digits(short)), &[Walk::whole("rtf-object", short)]);
    let long = [&[9; 100][..], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &[7; 9_000]].concat();
    let parts = [Walk::whole("rtf-object", &long[..100]), Walk::whole("rtf-object", &long[100..])];
    check(&format!("{{\\*\\objdata {}}}", digits(&long)), &parts);
    // Lengths that no header has.
    let bad = [&[1, 5, 0, 0, 2, 0, 0, 0][..], &[0xff; 40]].concat();
    check(&format!("{{\\*\\objdata {}}}", digits(&bad)), &[Walk::whole("rtf-object", &bad)]);
}

#[test]
fn pictures_come_out_and_their_properties_do_not() {
    let inside = "{\\*\\shppict{\\pict{\\*\\picprop{\\sp{\\sn a}{\\sv 1}}}\\pngblip\\picw9{\\*\\blipuid 00ff}89504e47}}";
    check(inside, &[Walk::whole("rtf-picture", b"\x89PNG")]);
    check("{\\*\\datastore d0cf}", &[Walk::whole("rtf-store", b"\xd0\xcf")]);
    check("{\\pict}", &[]);
}

#[test]
fn an_object_that_is_cut_is_not_whole() {
    let mut bytes = object("x", b"some native data");
    bytes.truncate(bytes.len() - 4);
    let walked = document(&format!("{{\\objdata {}}}", digits(&bytes)));
    let early = Why::Broken("RTF: an object ends early");
    assert_eq!(walked.members[0].fate, Some(Err(early)));
    let text = format!("{{\\rtf1{{\\objdata {}", digits(&bytes));
    let walked = check_walk(Rtf, text.as_bytes());
    assert_eq!(walked.members[0].bytes, b"some native ");
    assert_eq!(walked.end, Err(early));
}

#[test]
fn groups_without_end_are_counted_and_not_kept() {
    let deep = "{".repeat(100_000);
    let text = format!("{{\\rtf1{deep}{}{{\\objdata 010203}}", "}".repeat(100_000));
    let walked = super::walk::walk(Rtf, text.as_bytes(), usize::MAX, 64);
    assert_eq!(walked.members, [Walk::whole("rtf-object", b"\x01\x02\x03")]);
}

#[test]
fn a_header_that_is_longer_than_is_read_is_said() {
    let bytes = object(&"x".repeat(3_000), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    let walked = document(&format!("{{\\objdata {}}}", digits(&bytes)));
    assert_eq!(walked.missed, [Why::Broken("RTF: an object with a long header")]);
}
