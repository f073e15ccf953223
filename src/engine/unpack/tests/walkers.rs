//! cpio, ar and rpm: archives as their tools write them, and as nobody ought to.

use super::walk::{Walk, Walked, check_walk};
use crate::engine::unpack::Container::{self, Ar, Cpio, Rpm};
use crate::engine::unpack::Inside;
use crate::engine::verdict::{Limit, Why};

/// A member of a cpio in one of the dialects.
fn cpio_member(dialect: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let (name_bytes, size) = (name.len() + 1, bytes.len());
    let word = |value: usize| u16::try_from(value).expect("small");
    let words = |to_bytes: fn(u16) -> [u8; 2]| {
        let words = [0o70707, 0, 0, 0o100_644, 0, 0, 1, 0, 0, 0, word(name_bytes), 0, word(size)];
        words.into_iter().flat_map(to_bytes).collect::<Vec<u8>>()
    };
    let (header, alignment) = match dialect {
        "bin" => (words(u16::to_le_bytes), 2),
        "swapped" => (words(u16::to_be_bytes), 2),
        "odc" => (format!("070707{:053}{name_bytes:06o}{size:011o}", 0).into_bytes(), 1),
        _ => {
            let magic = if dialect == "crc" { "070702" } else { "070701" };
            let text = format!("{magic}{:048}{size:08X}{:032}{name_bytes:08X}{:08}", 0, 0, 0);
            (text.into_bytes(), 4)
        }
    };
    let mut out = header;
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(alignment), 0);
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(alignment), 0);
    out
}

fn cpio(dialect: &str, members: &[(&str, &[u8])]) -> Vec<u8> {
    let members = members.iter().map(|(name, bytes)| cpio_member(dialect, name, bytes));
    members.chain([cpio_member(dialect, "TRAILER!!!", b"")]).flatten().collect()
}

fn ar_member(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 0, bytes.len());
    if bytes.len() % 2 == 1 {
        out.push('\n');
    }
    let at = out.len() - bytes.len() % 2;
    let mut out = out.into_bytes();
    out.splice(at..at, bytes.iter().copied());
    out
}

fn rpm(payload: &[u8]) -> Vec<u8> {
    let mut lead = vec![0; 96];
    lead[..6].copy_from_slice(b"\xed\xab\xee\xdb\x03\0");
    lead[79] = 5;
    let header = |entries: u8, bytes: u8| {
        let front = [b"\x8e\xad\xe8\x01\0\0\0\0\0\0\0", &[entries][..], &[0, 0, 0, bytes]].concat();
        [front, vec![7; usize::from(entries) * 16 + usize::from(bytes)]].concat()
    };
    let mut out = [lead, header(2, 5)].concat();
    out.resize(out.len().next_multiple_of(8), 0);
    [out, header(3, 7), payload.to_vec()].concat()
}

#[track_caller]
fn check_members(container: Container, bytes: &[u8], members: &[Walk]) {
    let walked = check_walk(container, bytes);
    assert_eq!(walked.members, members);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
}

#[test]
fn members_of_every_dialect_of_cpio_come_out() {
    let big: Vec<u8> = (0..40_001_u32).map(|at| at.to_le_bytes()[0]).collect();
    for dialect in ["newc", "crc", "odc", "bin", "swapped"] {
        let bytes = cpio(dialect, &[("a.txt", b"short"), ("folder", b""), ("b/c", &big)]);
        let wanted = [Walk::whole("cpio:a.txt", b"short"), Walk::whole("cpio:b/c", &big)];
        check_members(Cpio, &bytes, &wanted);
        // Padding, and another archive.
        let twice = [&bytes[..], &[0; 300], &bytes, &[0; 9]].concat();
        assert_eq!(check_walk(Cpio, &twice).members.len(), 4);
        for kept in [1, 20, 90, 130, 20_000, bytes.len() - 9] {
            let cut = check_walk(Cpio, &bytes[..kept]);
            assert_eq!(cut.end, Err(Why::Broken("cpio: ends early")), "{dialect}, {kept}");
        }
    }
}

#[test]
fn what_follows_the_trailer_of_a_cpio_is_a_member() {
    let rest = Walk { fate: None, ..Walk::whole("cpio", b"\x1f\x8b\x08 and so on") };
    let bytes = cpio("newc", &[("a", b"one")]);
    let bytes = [&bytes[..], &[0; 50], b"\x1f\x8b\x08 and so on"].concat();
    check_members(Cpio, &bytes, &[Walk::whole("cpio:a", b"one"), rest]);
    let small = cpio("odc", &[("a", b"one")]);
    check_members(Cpio, &[&small[..], b"\n\n"].concat(), &[Walk::whole("cpio:a", b"one")]);
}

#[test]
fn damage_in_a_cpio_stops_it_with_a_reason() {
    let good = cpio("newc", &[("a", b"one"), ("b", b"two")]);
    let with = |at: usize, text: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + text.len()].copy_from_slice(text);
        check_walk(Cpio, &bytes)
    };
    let (magic, number) = ("cpio: not a header", "cpio: a number in a header");
    assert_eq!(with(0, b"X").end, Err(Why::Broken(magic)));
    let second = with(116, b"X");
    assert_eq!((second.members.len(), second.end), (1, Err(Why::Broken(magic))));
    assert_eq!(with(54, b"+0000003").end, Err(Why::Broken(number)));
    assert_eq!(with(94, b"7FFFFFFF").end, Err(Why::Limit(Limit::MaxScanState)));
}

#[test]
fn members_of_an_ar_archive_come_out_with_their_long_names() {
    let table = "a name of more than sixteen bytes.o/\nanother/of these/\n";
    let members = [
        ar_member("/", b"symbols"),
        ar_member("//", table.as_bytes()),
        ar_member("short.o/", b"odd"),
        ar_member("/0", b"even"),
        ar_member("/37", b"x"),
        ar_member("/99", b"y"),
        ar_member("bsd", b"z"),
        ar_member("#1/20", b"a name of BSD\0\0\0\0\0\0\0bytes"),
        ar_member("empty", b""),
    ];
    let bytes = [b"!<arch>\n".to_vec(), members.concat()].concat();
    let wanted = [
        Walk::whole("ar:/", b"symbols"),
        Walk::whole("ar:short.o", b"odd"),
        Walk::whole("ar:a name of more than sixteen bytes.o", b"even"),
        Walk::whole("ar:another/of these", b"x"),
        Walk::whole("ar:/99", b"y"),
        Walk::whole("ar:bsd", b"z"),
        Walk::whole("ar:a name of BSD", b"bytes"),
    ];
    check_members(Ar, &bytes, &wanted);
    assert_eq!(Inside::of(&bytes), Inside::Container(Ar));
    check_members(Ar, b"!<arch>\n", &[]);
    let odd = [b"!<arch>\n".to_vec(), ar_member("a", b"odd")].concat();
    check_members(Ar, &odd[..odd.len() - 1], &[Walk::whole("ar:a", b"odd")]);
}

#[test]
fn damage_in_an_ar_archive_stops_it_with_a_reason() {
    let end = |members: &[u8]| check_walk(Ar, &[b"!<arch>\n", members].concat()).end;
    let good = ar_member("a", b"contents");
    assert_eq!(end(&good[..30]), Err(Why::Broken("ar: ends early")));
    assert_eq!(end(&good[..64]), Err(Why::Broken("ar: ends early")));
    assert_eq!(end(&[&good[..], &[b'x'; 60]].concat()), Err(Why::Broken("ar: not a header")));
    assert_eq!(end(&ar_member("#1/9", b"short")), Err(Why::Broken("ar: the length of a name")));
    let mut table = ar_member("//", b"");
    table[48..55].copy_from_slice(b"9999999");
    assert_eq!(end(&table), Err(Why::Limit(Limit::MaxScanState)));
    assert_eq!(check_walk(Ar, b"!<thin>\n").end, Err(Why::Broken("ar: not an ar archive")));
}

#[test]
fn the_payload_of_an_rpm_package_is_its_member() {
    let bytes = rpm(b"\x1f\x8b\x08 payload");
    let payload = Walk { fate: None, ..Walk::whole("rpm", b"\x1f\x8b\x08 payload") };
    check_members(Rpm, &bytes, &[payload]);
    assert_eq!(Inside::of(&bytes), Inside::Container(Rpm));
    let empty = Walked {
        members: vec![Walk { fate: None, ..Walk::whole("rpm", b"") }],
        missed: vec![],
        listed: vec![],
        end: Ok(()),
    };
    assert_eq!(check_walk(Rpm, &rpm(b"")), empty);
    for kept in [3, 95, 100, 130, 170, 200] {
        let cut = check_walk(Rpm, &bytes[..kept]);
        assert_eq!(cut.end, Err(Why::Broken("rpm: ends early")), "{kept}");
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        check_walk(Rpm, &bytes).end
    };
    assert_eq!(with(0, 0), Err(Why::Broken("rpm: not an rpm package")));
    assert_eq!(with(4, 1), Err(Why::Unsupported("rpm package of before 1997")));
    assert_eq!(with(79, 1), Err(Why::Unsupported("rpm package of before 1997")));
    assert_eq!(with(96, 0), Err(Why::Broken("rpm: not a header")));
    assert_eq!(with(106, 0xff), Err(Why::Broken("rpm: ends early")));
    assert_eq!(Inside::of(b"07070X00000000"), Inside::Unopened("payload of a large rpm package"));
}
