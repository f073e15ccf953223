//! zip: every form that headers, sizes and the directory can take, and what nobody ought to write.

use std::ops::Range;

use super::streams::{bzip2, lzma, xz};
use super::walk::{Walk, Walked, check_walk, walk};
use super::{plain, raw_deflate, zstd};
use crate::engine::passwords::Passwords;
use crate::engine::unpack::Container::{CarriedZip, Zip};
use crate::engine::unpack::zip::MEMBERS_MAX;
use crate::engine::unpack::{Member, Progress, Unpacker};
use crate::engine::verdict::{Limit, Why};

const ENDS_EARLY: Why = Why::Broken("zip: ends early");
const ELSEWHERE: Why = Why::Broken("zip: the directory is not where its end says");
const UNMET: Why = Why::Broken("zip: a member that only the directory knows");

/// How the sizes of a member are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sizes {
    #[default]
    Before,
    /// In an extra field.
    Before64,
    /// Behind it: with a signature, and of 64 bits.
    Behind(bool, bool),
}

/// Changes a line of the directory.
type Lie = fn(&mut Vec<u8>);

/// A member to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) method: u16,
    pub(super) flags: u16,
    pub(super) packed: Vec<u8>,
    pub(super) plain: usize,
    pub(super) sizes: Sizes,
    /// Written in front of its header.
    pub(super) gap: &'static [u8],
    /// What the directory says is changed by this.
    pub(super) lie: Option<Lie>,
    pub(super) is_unlisted: bool,
}

pub(super) fn stored(name: &'static str, bytes: &[u8]) -> Part {
    Part { name, packed: bytes.to_vec(), plain: bytes.len(), ..Part::default() }
}

fn deflated(name: &'static str, bytes: &[u8]) -> Part {
    Part { method: 8, packed: raw_deflate(bytes), ..stored(name, bytes) }
}

/// An archive, and where its directory is.
fn archive_at(parts: &[Part], comment: &[u8]) -> (Vec<u8>, Range<usize>) {
    let (mut out, mut directory, mut entries) = (Vec::new(), Vec::new(), 0_u16);
    for part in parts {
        out.extend_from_slice(part.gap);
        let at = out.len();
        let is_behind = matches!(part.sizes, Sizes::Behind(..));
        let flags = part.flags | if is_behind { 8 } else { 0 };
        let sizes = [part.packed.len(), part.plain];
        let short = sizes.map(|size| u32::try_from(size).expect("small").to_le_bytes()).concat();
        let long = sizes.map(|size| u64::try_from(size).expect("small").to_le_bytes()).concat();
        let name_length = u16::try_from(part.name.len()).expect("short").to_le_bytes();
        let extra: Vec<u8> = match part.sizes {
            Sizes::Before64 => [&[1, 0, 16, 0][..], &long[8..], &long[..8]].concat(),
            Sizes::Before | Sizes::Behind(..) => vec![0xfe, 0xca, 0, 0],
        };
        let before = match part.sizes {
            Sizes::Before => short.clone(),
            Sizes::Before64 => vec![0xff; 8],
            Sizes::Behind(..) => vec![0; 8],
        };
        let facts =
            [&flags.to_le_bytes()[..], &part.method.to_le_bytes(), &[0; 4], b"crc!"].concat();
        let extra_length = u16::try_from(extra.len()).expect("short").to_le_bytes();
        out.extend_from_slice(&[b"PK\x03\x04\x2d\0", &facts[..], &before].concat());
        out.extend_from_slice(
            &[&name_length, &extra_length, part.name.as_bytes(), &extra].concat(),
        );
        out.extend_from_slice(&part.packed);
        if let Sizes::Behind(is_signed, is_long) = part.sizes {
            let signature: &[u8] = if is_signed { b"PK\x07\x08" } else { b"" };
            let sizes = if is_long { &long } else { &short };
            out.extend_from_slice(&[signature, b"crc!", sizes].concat());
        }
        if part.is_unlisted {
            continue;
        }
        let mut line = [b"PK\x01\x02\x2d\0\x2d\0", &facts[..], &short, &name_length].concat();
        line.extend_from_slice(&[0; 12]);
        line.extend_from_slice(&u32::try_from(at).expect("small").to_le_bytes());
        line.extend_from_slice(part.name.as_bytes());
        if let Some(lie) = part.lie {
            lie(&mut line);
        }
        directory.extend_from_slice(&line);
        entries += 1;
    }
    let range = out.len()..out.len() + directory.len();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[entries.to_le_bytes(), entries.to_le_bytes()].concat());
    for number in [range.len(), range.start] {
        out.extend_from_slice(&u32::try_from(number).expect("small").to_le_bytes());
    }
    out.extend_from_slice(&u16::try_from(comment.len()).expect("short").to_le_bytes());
    out.extend_from_slice(comment);
    (out, range)
}

pub(super) fn archive(parts: &[Part]) -> Vec<u8> {
    archive_at(parts, b"").0
}

fn long() -> Vec<u8> {
    (0..70_000_u32).map(|at| (at / 3).to_le_bytes()[0]).collect()
}

#[track_caller]
pub(super) fn check(walked: &Walked, members: &[Walk], missed: &[Why]) {
    assert_eq!(walked.members, members);
    assert_eq!((walked.missed.as_slice(), walked.end), (missed, Ok(())));
}

#[test]
fn members_come_out_however_their_sizes_are_said() {
    let big = long();
    let all = [
        Sizes::Before,
        Sizes::Before64,
        Sizes::Behind(true, false),
        Sizes::Behind(true, true),
        Sizes::Behind(false, false),
        Sizes::Behind(false, true),
    ];
    for sizes in all {
        let parts = [
            Part { sizes, ..deflated("a/b", b"hello hello") },
            Part { sizes, ..stored("c", b"PK\x07\x08 as it is") },
            Part { sizes, ..deflated("d", &big) },
            Part { sizes, ..stored("e", &big) },
            Part { sizes, ..stored("f", b"x") },
        ];
        let wanted = [
            Walk::whole("zip:a/b", b"hello hello"),
            Walk::whole("zip:c", b"PK\x07\x08 as it is"),
            Walk::whole("zip:d", &big),
            Walk::whole("zip:e", &big),
            Walk::whole("zip:f", b"x"),
        ];
        check(&check_walk(Zip, &archive(&parts)), &wanted, &[]);
    }
}

#[test]
fn folders_and_empty_members_are_no_layers_and_duplicates_are() {
    let parts =
        [stored("d/", b""), stored("e", b""), stored("d/x", b"one"), deflated("d/x", b"two")];
    let wanted = [Walk::whole("zip:d/x", b"one"), Walk::whole("zip:d/x", b"two")];
    check(&check_walk(Zip, &archive(&parts)), &wanted, &[]);
    check(&check_walk(Zip, &archive(&[])), &[], &[]);
    // A folder whose sizes are promised, and do not come.
    let parts = [Part { flags: 8, ..stored("d/", b"") }, stored("d/x", b"one")];
    check(&check_walk(Zip, &archive(&parts)), &[Walk::whole("zip:d/x", b"one")], &[]);
    let parts =
        [Part { sizes: Sizes::Behind(true, false), ..stored("d/", b"") }, stored("e", b"one")];
    check(&check_walk(Zip, &archive(&parts)), &[Walk::whole("zip:e", b"one")], &[]);
}

#[test]
fn an_archive_is_found_behind_between_and_in_front_of_other_bytes() {
    let parts = [
        Part {
            gap: b"PPK\x03\x04 not a header, only its first bytes ......",
            ..stored("a", b"one")
        },
        Part { gap: b"PK\x07\x08 gap P", ..deflated("b", b"two") },
    ];
    let wanted = [Walk::whole("zip:a", b"one"), Walk::whole("zip:b", b"two")];
    for prefix in [&b""[..], b"PK00", b"#!/bin/sh\nexec java -jar $0 PK\x05\x06 PK"] {
        let bytes = [prefix, &archive(&parts), b" appended PK"].concat();
        check(&check_walk(Zip, &bytes), &wanted, &[]);
        check(&check_walk(CarriedZip, &bytes), &wanted, &[]);
    }
    // Two archives, each with its directory, one in the comment of the other.
    let (both, _) = archive_at(&parts, &archive(&[stored("c", b"three")]));
    let [first, second] = wanted;
    let wanted = [first, second, Walk::whole("zip:c", b"three")];
    check(&check_walk(Zip, &both), &wanted, &[]);
}

#[test]
fn a_member_without_a_line_is_walked_and_a_line_without_a_member_is_missed() {
    let parts = [stored("a", b"one"), Part { is_unlisted: true, ..stored("b", b"two") }];
    let both = [Walk::whole("zip:a", b"one"), Walk::whole("zip:b", b"two")];
    check(&check_walk(Zip, &archive(&parts)), &both, &[]);
    // A member in the bytes of another one, where only the directory leads.
    let hidden = archive(&[stored("hidden", b"three")]);
    let inner = hidden.len();
    let lie: Lie = |line| line[42] += 36;
    let parts = [stored("a", &hidden), Part { lie: Some(lie), ..stored("b", b"two") }];
    let walked = check_walk(Zip, &archive(&parts));
    assert_eq!(walked.members[0].bytes.len(), inner);
    assert_eq!(walked.missed, [UNMET]);
}

#[test]
fn what_a_reader_of_the_directory_would_take_out_differently_is_missed() {
    let lies: [(Lie, &str); 6] = [
        (|line| line[10] = 0, "zip: the directory names another method"),
        (|line| line[8] |= 1, "zip: encrypted in the directory only"),
        (|line| line[20] += 1, "zip: the directory names another size"),
        (|line| line[24] -= 1, "zip: the directory names another size"),
        (|line| line[46] = b'b', "zip: the directory gives another name"),
        (|line| line[42] += 1, "zip: a member that only the directory knows"),
    ];
    for (lie, why) in lies {
        for sizes in [Sizes::Before, Sizes::Behind(true, false)] {
            let part = Part { lie: Some(lie), sizes, ..deflated("a", b"one one one") };
            let bytes = archive(&[part, stored("z", b"last")]);
            let wanted = [Walk::whole("zip:a", b"one one one"), Walk::whole("zip:z", b"last")];
            check(&check_walk(Zip, &bytes), &wanted, &[Why::Broken(why)]);
        }
    }
}

#[test]
fn an_end_that_names_another_directory_is_missed() {
    let (bytes, directory) = archive_at(&[stored("a", b"one")], b"");
    let end = directory.end;
    let wanted = [Walk::whole("zip:a", b"one")];
    // Entries, size, place.
    for at in [end + 10, end + 12, end + 16] {
        let mut changed = bytes.clone();
        changed[at] += 1;
        check(&check_walk(Zip, &changed), &wanted, &[ELSEWHERE]);
    }
    let mut apart = bytes;
    apart.insert(end, 0);
    check(&check_walk(Zip, &apart), &wanted, &[ELSEWHERE]);
}

/// Puts the long form of the end in front of the short one.
fn with_long_end(bytes: &[u8], directory: &Range<usize>, entries: u64) -> Vec<u8> {
    let wide = |number: usize| u64::try_from(number).expect("small").to_le_bytes();
    let mut long = b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0".to_vec();
    long.extend_from_slice(&[entries.to_le_bytes(), entries.to_le_bytes()].concat());
    long.extend_from_slice(&[wide(directory.len()), wide(directory.start)].concat());
    long.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    long.extend_from_slice(&wide(directory.end));
    long.extend_from_slice(&[1, 0, 0, 0]);
    let (before, end) = bytes.split_at(directory.end);
    [before, &long, end].concat()
}

#[test]
fn the_long_end_is_believed_where_the_short_one_has_no_room_and_both_have_to_agree() {
    let (bytes, directory) = archive_at(&[stored("a", b"one"), deflated("b", b"two")], b"");
    let wanted = [Walk::whole("zip:a", b"one"), Walk::whole("zip:b", b"two")];
    check(&check_walk(Zip, &with_long_end(&bytes, &directory, 2)), &wanted, &[]);
    let mut full = bytes.clone();
    full[directory.end + 8..directory.end + 20].fill(0xff);
    check(&check_walk(Zip, &with_long_end(&full, &directory, 2)), &wanted, &[]);
    check(&check_walk(Zip, &with_long_end(&full, &directory, 3)), &wanted, &[ELSEWHERE]);
    check(&check_walk(Zip, &with_long_end(&bytes, &directory, 3)), &wanted, &[ELSEWHERE]);
}

#[test]
fn members_that_lie_over_each_other_are_walked_once() {
    // A member quotes the header of the next one in a block that is not packed, and goes on with its bytes.
    let kernel = deflated("b", &long());
    let (quoted, _) = archive_at(std::slice::from_ref(&kernel), b"");
    let header = &quoted[..30 + 1 + 4];
    let size = u16::try_from(header.len()).expect("short");
    let block = [&[0][..], &size.to_le_bytes(), &(!size).to_le_bytes(), header].concat();
    let outer = Part {
        method: 8,
        packed: [&block[..], &kernel.packed].concat(),
        plain: header.len() + long().len(),
        ..stored("a", b"")
    };
    let (mut bomb, directory) = archive_at(&[outer], b"");
    let line = [&quoted[quoted.len() - 22 - 47..quoted.len() - 26 - 1], &[35 + 5, 0, 0, 0], b"b"];
    bomb.splice(directory.end..directory.end, line.concat());
    let end = bomb.len() - 22;
    bomb[end + 8..end + 12].copy_from_slice(&[2, 0, 2, 0]);
    let bytes = u32::try_from(2 * directory.len()).expect("small");
    bomb[end + 12..end + 16].copy_from_slice(&bytes.to_le_bytes());
    check(&check_walk(Zip, &bomb), &[Walk::whole("zip:a", &[header, &long()].concat())], &[UNMET]);
    // Three lines of the directory for one member.
    let part = deflated("a", &long());
    let (bytes, directory) = archive_at(&[part], b"");
    let line = bytes[directory.clone()].to_vec();
    let mut bomb = bytes[..directory.end].to_vec();
    bomb.extend_from_slice(&[&line[..], &line].concat());
    bomb.extend_from_slice(&bytes[directory.end..]);
    let end = bomb.len() - 22;
    bomb[end + 8..end + 12].copy_from_slice(&[3, 0, 3, 0]);
    bomb[end + 12..end + 16]
        .copy_from_slice(&u32::try_from(3 * line.len()).expect("small").to_le_bytes());
    check(&check_walk(Zip, &bomb), &[Walk::whole("zip:a", &long())], &[]);
}

#[test]
fn encrypted_and_unsupported_members_are_closed_and_the_others_are_not() {
    for sizes in [Sizes::Before, Sizes::Behind(true, false)] {
        for (method, flags, why) in [
            (8, 1, Why::Encrypted),
            (0, 1 << 6 | 1, Why::Encrypted),
            (0, 1 << 13, Why::Encrypted),
            (99, 1, Why::Encrypted),
            (99, 0, Why::Encrypted),
            (96, 0, Why::Unsupported("zip: jpeg")),
            (10, 0, Why::Unsupported("zip: PKWARE DCL implode")),
            (98, 0, Why::Unsupported("zip: ppmd")),
            (77, 0, Why::Unsupported("zip: a method that has no name")),
        ] {
            let parts = [
                stored("a", b"one"),
                Part { method, flags, sizes, ..stored("b", &[0xe5; 900]) },
                deflated("c", b"three"),
            ];
            let wanted = [Walk::whole("zip:a", b"one"), Walk::whole("zip:c", b"three")];
            check(&check_walk(Zip, &archive(&parts)), &wanted, &[why]);
        }
    }
}

#[test]
fn damage_in_a_member_does_not_hide_the_next_one() {
    for sizes in [Sizes::Before, Sizes::Behind(true, false)] {
        let mut broken = Part { sizes, ..deflated("a", &long()) };
        let middle = broken.packed.len() / 2;
        broken.packed[middle..middle + 9].fill(0xff);
        let walked = check_walk(Zip, &archive(&[broken, deflated("b", b"two")]));
        assert!(walked.members[0].fate.is_some_and(|fate| fate.is_err()), "{sizes:?}");
        assert_eq!(walked.members[1], Walk::whole("zip:b", b"two"));
    }
    // Cut short, and longer than it says.
    let mut short = deflated("a", &long());
    short.packed.truncate(100);
    let walked = check_walk(Zip, &archive(&[short, stored("b", b"two")]));
    assert_eq!(walked.members[0].fate, Some(Err(Why::Broken("zip: a member ends early"))));
    assert_eq!(walked.members[1], Walk::whole("zip:b", b"two"));
}

#[test]
fn an_archive_that_is_cut_says_so_wherever_it_is() {
    let (bytes, directory) = archive_at(&[stored("a", b"one"), deflated("b", &long())], b"");
    for length in [4, 20, 35, 40, 300, directory.start, directory.end, directory.end + 21] {
        assert_eq!(check_walk(Zip, &bytes[..length]).end, Err(ENDS_EARLY), "{length} bytes");
    }
    let open = Part { sizes: Sizes::Behind(true, false), ..stored("a", &long()) };
    let (bytes, _) = archive_at(&[open], b"");
    assert_eq!(check_walk(Zip, &bytes[..50_000]).end, Err(ENDS_EARLY));
}

#[test]
fn what_is_carried_by_something_else_is_no_archive_without_a_directory_at_its_end() {
    let parts = [Part { method: 96, ..stored("a", b"one") }, stored("b", b"two")];
    let (bytes, directory) = archive_at(&parts, b"");
    let carried = [b"MZ and then ", &bytes[..]].concat();
    let walked = check_walk(CarriedZip, &carried);
    assert_eq!(walked.members, [Walk::whole("zip:b", b"two")]);
    assert_eq!((walked.missed.len(), walked.end), (0, Err(Why::Unsupported("zip: jpeg"))));
    // What programs that know of archives have in them.
    let constants = [&b"\x7fELF PK\x03\x04\0PK\x01\x02\0PK\x05\x06"[..], &[0; 90]].concat();
    check(&check_walk(CarriedZip, &constants), &[], &[]);
    // Without its end, or with too much behind it.
    let cut = [b"MZ and then ", &bytes[..directory.end]].concat();
    assert_eq!(check_walk(CarriedZip, &cut).end, Ok(()));
    let far = [&carried[..], &vec![0; 65_536]].concat();
    assert_eq!(walk(CarriedZip, &far, usize::MAX, 64).end, Ok(()));
}

#[test]
fn more_members_than_are_kept_are_said_once_and_walked_all_the_same() {
    let header = |name: u8, size: u8| {
        let mut bytes = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0crc!".to_vec();
        bytes.extend_from_slice(&[size, 0, 0, 0, size, 0, 0, 0, 1, 0, 0, 0, name]);
        bytes
    };
    let mut bytes = header(b'/', 0).repeat(MEMBERS_MAX + 2);
    bytes.extend_from_slice(&header(b'z', 4));
    bytes.extend_from_slice(b"last");
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let walked = walk(Zip, &bytes, 65_536, 64);
    check(&walked, &[Walk::whole("zip:z", b"last")], &[Why::Limit(Limit::MaxFiles)]);
}

/// A member for each method that is a coding of files elsewhere.
fn coded(name: &'static str, method: u16, bytes: &[u8]) -> Part {
    let (packed, flags) = match method {
        12 => (bzip2(bytes), 0),
        14 => {
            let file = lzma(bytes);
            ([&[9, 20, 5, 0], &file[..5], &file[13..]].concat(), 1 << 1)
        }
        95 => (xz(bytes), 0),
        93 | 20 => (zstd(bytes), 0),
        6 => (imploded(bytes, true), 1 << 2),
        _ => (raw_deflate(bytes), 0),
    };
    Part { method, flags, packed, ..stored(name, bytes) }
}

/// Codes of one length each, and literals only, but for the last three bytes when they are those before.
fn imploded(bytes: &[u8], has_literals: bool) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u64, 0_u32);
    if has_literals {
        out.push(15);
        out.extend_from_slice(&[0xf7; 16]);
    }
    for _table in 0..2 {
        out.push(3);
        out.extend_from_slice(&[0xf5; 4]);
    }
    let mut put = |value: u32, width: u32, is_code: bool| {
        // Codes come with their highest bit first, and turned.
        let value = if is_code { (!value).reverse_bits() >> (32 - width) } else { value };
        bits |= u64::from(value) << count;
        count += width;
        while count >= 8 {
            out.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            count -= 8;
        }
    };
    let least = if has_literals { 3 } else { 2 };
    let repeats = bytes.len() > 6 && bytes[bytes.len() - 3..] == bytes[bytes.len() - 6..][..3];
    let literals = if repeats { &bytes[..bytes.len() - 3] } else { bytes };
    for byte in literals {
        put(1, 1, false);
        put(u32::from(*byte), 8, has_literals);
    }
    if repeats {
        // From three bytes back: six low bits of two, a high part of zero, and what is above the least length.
        put(0, 1, false);
        put(2, 6, false);
        put(0, 6, true);
        put(3 - least, 6, true);
    }
    put(0, 7, false);
    out
}

#[test]
fn imploded_members_come_out_with_and_without_a_code_for_literals() {
    for has_literals in [true, false] {
        let flags = if has_literals { 1 << 2 } else { 0 };
        let parts =
            [b"one and two and three".as_slice(), b"one and onetwotwo", b"x"].map(|plain| {
                let packed = imploded(plain, has_literals);
                (
                    Part { method: 6, flags, packed, ..stored("a", plain) },
                    Walk::whole("zip:a", plain),
                )
            });
        let (parts, wanted): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        check(&check_walk(Zip, &archive(&parts)), &wanted, &[]);
    }
    let cut = Part { packed: imploded(b"one", true)[..30].to_vec(), ..coded("a", 6, b"one") };
    let walked = check_walk(Zip, &archive(&[cut, stored("b", b"two")]));
    assert_eq!(walked.members[0].fate, Some(Err(Why::Broken("zip: a member ends early"))));
    let bare = Part { sizes: Sizes::Behind(true, false), ..coded("a", 6, b"one") };
    let walked = check_walk(Zip, &archive(&[bare, stored("b", b"two")]));
    let why = Why::Unsupported("zip: implode without a size");
    check(&walked, &[Walk::whole("zip:b", b"two")], &[why]);
}

#[test]
fn deflate64_comes_out_whole_and_damage_in_it_does_not_depend_on_the_cut() {
    // What deflate writes without its longest reference is the same in both.
    let plain = plain();
    let packed = raw_deflate(&plain);
    for sizes in [Sizes::Before, Sizes::Behind(true, false)] {
        let part = Part { method: 9, sizes, ..deflated("a", &plain) };
        let wanted = [Walk::whole("zip:a", &plain), Walk::whole("zip:b", b"two")];
        check(&check_walk(Zip, &archive(&[part, stored("b", b"two")])), &wanted, &[]);
    }
    for at in (1..12).map(|part| part * packed.len() / 12) {
        let mut part = Part { method: 9, ..deflated("a", &plain) };
        part.packed[at] ^= 0x55;
        let walked = check_walk(Zip, &archive(&[part, stored("b", b"two")]));
        assert_eq!(walked.members[1], Walk::whole("zip:b", b"two"), "damaged at {at}");
    }
    // The longest reference: 65,538 bytes from one back.
    let zeros = [0x63, 0x18, 0xfd, 0xff, 0x07, 0x00];
    let part = Part { method: 9, packed: zeros.to_vec(), plain: 65_539, ..stored("a", b"") };
    let walked = check_walk(Zip, &archive(&[part]));
    assert_eq!(walked.members, [Walk::whole("zip:a", &vec![0; 65_539])]);
}

#[test]
fn members_of_every_method_come_out_whole() {
    let plain = &long()[..20_000];
    for method in [8, 12, 14, 20, 93, 95] {
        for sizes in [Sizes::Before, Sizes::Before64, Sizes::Behind(true, false)] {
            let parts = [
                Part { sizes, ..coded("a", method, plain) },
                Part { sizes, ..coded("b", method, b"x") },
            ];
            let wanted = [Walk::whole("zip:a", plain), Walk::whole("zip:b", b"x")];
            check(&check_walk(Zip, &archive(&parts)), &wanted, &[]);
        }
    }
}

#[test]
fn damage_in_a_member_of_any_method_does_not_hide_the_next_one() {
    for method in [12, 14, 93, 95] {
        let mut broken = coded("a", method, &long()[..20_000]);
        // A block of zstd may hold anything, but not begin with it.
        let at = if method == 93 { 5 } else { broken.packed.len() / 2 };
        broken.packed[at..at + 9].fill(0xff);
        let walked = check_walk(Zip, &archive(&[broken, deflated("b", b"two")]));
        assert!(walked.members[0].fate.is_some_and(|fate| fate.is_err()), "{method}");
        assert_eq!(walked.members[1], Walk::whole("zip:b", b"two"));
    }
    for (method, packed) in [(14, &b"\x09\x14\x05"[..]), (14, b"\x09\x14\x06\0......"), (95, b"no")]
    {
        let part = Part { method, packed: packed.to_vec(), ..stored("a", b"many bytes") };
        let walked = check_walk(Zip, &archive(&[part, deflated("b", b"two")]));
        assert!(walked.members[0].fate.is_some_and(|fate| fate.is_err()), "{method}");
        assert_eq!(walked.members[1], Walk::whole("zip:b", b"two"));
    }
}

/// The first member of an archive, and the bytes behind its beginning.
fn first(bytes: &[u8]) -> (Unpacker, Member, &[u8]) {
    let mut unpacker = Unpacker::of(Zip, &Passwords::default());
    let step = unpacker.step(bytes, &mut []);
    assert_eq!(step.progress, Progress::Begin);
    let member = unpacker.member();
    (unpacker, member, &bytes[step.used..])
}

#[test]
fn the_memory_of_a_member_is_said_before_it_is_taken_and_one_that_is_refused_is_passed_over() {
    let mut large = coded("a", 14, b"one");
    large.packed[5..9].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    for (part, least, most) in [
        (stored("a", b"one"), 1, 1 << 16),
        (deflated("a", b"one"), 1 << 15, 1 << 18),
        (coded("a", 12, b"one"), 1 << 21, 1 << 23),
        (coded("a", 93, b"one"), 1 << 23, 1 << 24),
        (coded("a", 95, b"one"), 1 << 20, 1 << 24),
        (coded("a", 14, b"one"), 1 << 20, 1 << 22),
        (large, 1 << 30, 1 << 31),
    ] {
        let bytes = archive(&[part, stored("b", b"two")]);
        let (mut unpacker, member, rest) = first(&bytes);
        assert!((least..most).contains(&member.state_bytes), "{member:?}");
        assert!(unpacker.pass_over());
        let step = unpacker.step(rest, &mut []);
        assert_eq!(step.progress, Progress::Begin);
        assert_eq!(unpacker.member().label.to_string(), "zip:b");
    }
}

#[test]
fn an_office_document_is_told_by_its_first_members() {
    let parts = [stored("[Content_Types].xml", b"t"), stored("x", b"y"), stored("word/d", b"z")];
    let bytes = archive(&parts);
    let (mut unpacker, member, mut rest) = first(&bytes);
    let mut around = vec![member.around];
    let mut room = [0; 9];
    loop {
        let step = unpacker.step(rest, &mut room);
        rest = &rest[step.used..];
        match step.progress {
            Progress::Begin => around.push(unpacker.member().around),
            Progress::Hungry => break,
            Progress::Listed => drop(unpacker.member()),
            Progress::Full | Progress::End(_) | Progress::Missed(_) | Progress::Stopped(_) => {}
        }
    }
    assert_eq!(around, [None, None, Some("CL_TYPE_OOXML_WORD")]);
}
