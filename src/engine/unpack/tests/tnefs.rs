//! TNEF: attributes and properties as Outlook writes them.

use super::walk::{Walk, check_walk, walk};
use crate::engine::unpack::Container::Tnef;
use crate::engine::verdict::Why;

fn attribute(level: u8, id: u32, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("small");
    let sum = bytes.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    [&[level][..], &id.to_le_bytes(), &length.to_le_bytes(), bytes, &sum.to_le_bytes()].concat()
}

fn tnef(attributes: &[Vec<u8>]) -> Vec<u8> {
    [&b"\x78\x9f\x3e\x22\x01\0"[..], &attributes.concat()].concat()
}

/// A property with a value that has a length.
fn property(kind: u16, id: u16, name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("small");
    let mut out = [&kind.to_le_bytes()[..], &id.to_le_bytes(), name, &[1, 0, 0, 0]].concat();
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn properties(list: &[Vec<u8>]) -> Vec<u8> {
    [u32::try_from(list.len()).expect("few").to_le_bytes().to_vec(), list.concat()].concat()
}

const REND_DATA: u32 = 0x0006_9002;
const DATA: u32 = 0x0006_800f;
const TITLE: u32 = 0x0001_8010;
const PROPERTIES: u32 = 0x0006_9003;
const ATTACHMENT: u32 = 0x0006_9005;

#[test]
fn attachments_come_out_with_their_titles() {
    let bytes = tnef(&[
        attribute(1, 0x0008_9006, &[0, 0, 1, 0]),
        attribute(1, 0x0002_800c, b"the text"),
        attribute(2, REND_DATA, &[0; 14]),
        attribute(2, TITLE, b"a.exe\0"),
        attribute(2, DATA, b"bytes of a"),
        attribute(2, REND_DATA, &[0; 14]),
        attribute(2, DATA, b"bytes of b"),
        attribute(2, TITLE, b"b.exe\0"),
    ]);
    let walked = check_walk(Tnef, &bytes);
    let wanted = [
        Walk::whole("tnef:body", b"the text"),
        Walk::whole("tnef:a.exe", b"bytes of a"),
        Walk::whole("tnef", b"bytes of b"),
    ];
    assert_eq!((walked.members.as_slice(), walked.end), (&wanted[..], Ok(())));
    assert_eq!(walk(Tnef, &bytes[..bytes.len() - 2], 7, 7).end, Ok(()), "without the last sum");
    let cut = walk(Tnef, &bytes[..bytes.len() - 4], 7, 7).end;
    assert_eq!(cut, Err(Why::Broken("TNEF: ends early")));
}

#[test]
fn the_type_of_an_attribute_hides_nothing() {
    let bytes = tnef(&[attribute(2, 0x0002_800f, b"contents")]);
    assert_eq!(check_walk(Tnef, &bytes).members, [Walk::whole("tnef", b"contents")]);
}

#[test]
fn long_values_of_properties_come_out() {
    let long = |first: u8| -> Vec<u8> { (0..90).map(|at| at ^ first).collect() };
    let embedded = [&[7; 16][..], &long(3)].concat();
    let numbers = [&b"\x03\x10\x01\x02"[..], &[2, 0, 0, 0], &[9; 8]].concat();
    let list = properties(&[
        b"\x03\0\x01\x0e\x01\0\0\0".to_vec(),
        b"\x40\0\x06\x0e\x01\0\0\0\0\0\0\0".to_vec(),
        numbers,
        property(0x1e, 0x70, b"", b"a short one\0"),
        property(0x102, 0x1013, b"", &long(1)),
        property(0x1f, 0x8001, &[[5; 16].as_slice(), &[0; 4], &[1, 0, 0, 0]].concat(), &long(2)),
        property(
            0x102,
            0x8002,
            &[[5; 16].as_slice(), &[1, 0, 0, 0], &[6, 0, 0, 0], b"a\0b\0\0\0\0\0"].concat(),
            &long(4),
        ),
        property(0x0d, 0x3701, b"", &embedded),
    ]);
    let bytes = tnef(&[
        attribute(1, PROPERTIES, &list),
        attribute(2, TITLE, b"c.bin\0"),
        attribute(2, ATTACHMENT, &properties(&[property(0x102, 0x3701, b"", &long(5))])),
        attribute(2, DATA, b"x"),
    ]);
    let walked = check_walk(Tnef, &bytes);
    let wanted = [
        Walk::whole("tnef:body.html", &long(1)),
        Walk::whole("tnef", &long(2)),
        Walk::whole("tnef", &long(4)),
        Walk::whole("tnef", &long(3)),
        Walk::whole("tnef:c.bin", &long(5)),
        Walk::whole("tnef:c.bin", b"x"),
    ];
    assert_eq!((walked.members.as_slice(), walked.end), (&wanted[..], Ok(())));
    assert_eq!(walked.missed, []);
}

#[test]
fn bodies_in_rtf_are_unpacked() {
    // The examples of MS-OXRTFCP, section 3.
    let packed =
        b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\x09\0 bw\
                   \x05\xb0ld}\x0a\x80\x0f\xa0";
    let repeated = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4KQA\0\x04 WXYZ\x0dn}\x01\x0e\xb0";
    let plain = [&b"\x60\0\0\0\x50\0\0\0MELA\0\0\0\0"[..], &[b'x'; 60]].concat();
    for (body, wanted) in [
        (&packed[..], &b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..]),
        (repeated, b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
        (&plain, &[b'x'; 60]),
    ] {
        // Behind the end there may be anything.
        let mut body = body.to_vec();
        if wanted[0] == b'{' {
            body.resize(80, 0);
        }
        let list = properties(&[property(0x102, 0x1009, b"", &body)]);
        let walked = check_walk(Tnef, &tnef(&[attribute(1, PROPERTIES, &list)]));
        assert_eq!(walked.members, [Walk::whole("tnef:body.rtf", wanted)]);
        assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
    }
    let list = properties(&[property(0x102, 0x1009, b"", &[1; 70])]);
    let walked = check_walk(Tnef, &tnef(&[attribute(1, PROPERTIES, &list)]));
    assert_eq!(walked.members[0].fate, Some(Err(Why::Broken("TNEF: packed RTF"))));
}

#[test]
fn damage_is_said() {
    let end = |bytes: &[u8]| check_walk(Tnef, bytes).end;
    assert_eq!(end(b"\x78\x9f\x3e\x23\x01\0"), Err(Why::Broken("TNEF: not one")));
    assert_eq!(end(&tnef(&[vec![9; 20]])), Err(Why::Broken("TNEF: not an attribute")));
    let list = properties(&[b"\x99\x09\0\0\0\0\0\0".to_vec()]);
    let walked =
        check_walk(Tnef, &tnef(&[attribute(1, PROPERTIES, &list), attribute(2, DATA, b"x")]));
    assert_eq!(walked.missed, [Why::Broken("TNEF: properties")]);
    assert_eq!(walked.members, [Walk::whole("tnef", b"x")]);
    // A value that is longer than what it is in.
    let mut list = properties(&[property(0x102, 0x3701, b"", &[7; 100])]);
    list.truncate(80);
    let walked =
        check_walk(Tnef, &tnef(&[attribute(2, ATTACHMENT, &list), attribute(2, DATA, b"x")]));
    assert_eq!(walked.missed, [Why::Broken("TNEF: properties")]);
    assert_eq!(walked.members, [Walk::whole("tnef", &[7; 64]), Walk::whole("tnef", b"x")]);
}
