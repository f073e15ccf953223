//! Names of kinds, and tables of magic as the image has them.

use super::{EmbeddedMagic, FileType, FixedMagic, Kind, TypeRows, Types, TypesFault, UnknownType};

fn kind(name: &str) -> Kind {
    Kind::named(name.as_bytes()).expect("a known name")
}

fn fixed(at: u32, bytes: &[u8], name: &str) -> FixedMagic {
    FixedMagic { at, bytes: bytes.to_vec(), kind: kind(name) }
}

#[test]
fn every_kind_is_found_by_its_name() {
    assert_eq!(kind("CL_TYPE_ANY"), Kind::ANY);
    for number in 0..=u8::MAX {
        let Some(kind) = Kind::from_number(number) else { continue };
        assert_eq!(Kind::named(kind.clam_name().as_bytes()), Ok(kind), "{}", kind.clam_name());
        assert_eq!(kind.file_type().clam_name(), kind.clam_name());
        assert_eq!(FileType::from_clam_name(kind.clam_name().as_bytes()), Ok(kind.file_type()));
    }
    assert_eq!(Kind::named(b"CL_TYPE_NO_SUCH"), Err(UnknownType));
    assert_eq!(Kind::named(b"cl_type_zip"), Err(UnknownType), "names are as they are written");
}

#[test]
fn without_a_table_the_one_of_the_program_is_used() {
    let of = |head: &[u8]| FileType::of(head, Types::EMPTY).clam_name();
    assert_eq!(of(b"MZ\x90\0"), "CL_TYPE_MSEXE");
    assert_eq!(of(b"PK\x03\x04"), "CL_TYPE_ZIP");
    assert_eq!(of(b"GIF89a"), "CL_TYPE_GIF");
    assert_eq!(of(b"\xca\xfe\xba\xbe\0\0\0\x34"), "CL_TYPE_JAVA");
    assert_eq!(of(b"\xca\xfe\xba\xbe\0\0\0\x02"), "CL_TYPE_MACHO_UNIBIN");
    assert_eq!(of(b"some text"), "CL_TYPE_TEXT_ASCII");
    assert_eq!(of(b"\0\0\0\0"), "CL_TYPE_BINARY_DATA");
}

#[test]
fn a_byte_that_no_text_has_hides_nothing() {
    let of = |head: &[u8]| FileType::of(head, Types::EMPTY).clam_name();
    assert_eq!(of(b"<html><head></head><body> a\0b\0c\0 </body></html>"), "CL_TYPE_HTML");
    assert_eq!(of(b"a plain text with a\0 and more"), "CL_TYPE_TEXT_ASCII");
    assert_eq!(of(b"From: a\0\0\0\0\0\x01\x02\x03"), "CL_TYPE_MAIL");
    // clamscan 1.4.6 makes a page of data with some marks, and not with others.
    let data = |mark: &str| [&[0; 12][..], b"\x01\x02\x03", mark.as_bytes()].concat();
    for mark in ["<HTML>", "<head>", "<script>", "<iframe", "<table>", "<a href=", "<img "] {
        assert_eq!(of(&data(mark)), "CL_TYPE_HTML", "{mark}");
    }
    for mark in ["<html lang", "<body>", "<title>", "<form ", "<meta ", "<font"] {
        assert_eq!(of(&data(mark)), "CL_TYPE_BINARY_DATA", "{mark}");
    }
}

#[test]
fn of_a_table_the_last_row_that_fits_decides() {
    let rows = TypeRows {
        fixed: vec![
            fixed(0, b"MZ", "CL_TYPE_ZIP"),
            fixed(0, b"MZ", "CL_TYPE_MSEXE"),
            fixed(2, b"RR", "CL_TYPE_RAR"),
            fixed(0, b"\xca\xfe\xba\xbe", "CL_TYPE_MACHO_UNIBIN"),
        ],
        embedded: Vec::new(),
    };
    let section = rows.compile();
    let types = Types::open(&section).expect("just written");
    assert_eq!(types.check(0), Ok(()));
    let of = |head: &[u8]| FileType::of(head, types).clam_name();
    assert_eq!(of(b"MZ\0\0"), "CL_TYPE_MSEXE");
    assert_eq!(of(b"MZRR"), "CL_TYPE_RAR");
    assert_eq!(of(b"\xca\xfe\xba\xbe\0\0\0\x34"), "CL_TYPE_JAVA");
    // The table replaces the one of the program.
    assert_eq!(of(b"PK\x03\x04\0\0"), "CL_TYPE_BINARY_DATA");
    // What has no magic is still told by its content.
    assert_eq!(of(b"<html><body>"), "CL_TYPE_HTML");
}

#[test]
fn a_damaged_table_is_refused() {
    let embedded = EmbeddedMagic { parent: kind("CL_TYPE_ANY"), kind: kind("CL_TYPE_MSEXE") };
    let rows = TypeRows { fixed: vec![fixed(0, b"MZ", "CL_TYPE_MSEXE")], embedded: vec![embedded] };
    let good = rows.compile();
    let check =
        |section: &[u8], patterns| Types::open(section).and_then(|types| types.check(patterns));
    assert_eq!(check(&good, 1), Ok(()));
    assert_eq!(check(&good, 2), Err(TypesFault::Patterns(1)));
    for length in 1..good.len() {
        assert!(check(&good[..length], 1).is_err(), "cut to {length}");
    }
    let mut kind_of_none = good.clone();
    kind_of_none[18] = 0xff;
    assert_eq!(check(&kind_of_none, 1), Err(TypesFault::Fixed(0)));
    let mut parent_of_none = good;
    parent_of_none[20] = 0xff;
    assert_eq!(check(&parent_of_none, 1), Err(TypesFault::Embedded(0)));
}
