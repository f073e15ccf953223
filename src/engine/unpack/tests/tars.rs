//! tar: what crate `tar` writes, and what nobody ought to write.

use super::walk::{Walk, check_walk};
use crate::engine::unpack::Container::Tar;
use crate::engine::verdict::{Limit, Why};

const ENDS_EARLY: Why = Why::Broken("tar: ends early");
const NOT_A_HEADER: Why = Why::Broken("tar: not a header");

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(u64::try_from(bytes.len()).expect("small"));
        builder.append_data(&mut header, name, *bytes).expect("to memory");
    }
    builder.into_inner().expect("to memory")
}

/// A header with its sum, and what follows it.
fn member(kind: u8, size: &[u8; 12], bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..4].copy_from_slice(b"name");
    block[124..136].copy_from_slice(size);
    block[148..156].fill(b' ');
    block[156] = kind;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.extend_from_slice(bytes);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

#[test]
fn members_come_out_with_names_of_any_length() {
    let long = format!("{}/file", "folder".repeat(60));
    let big: Vec<u8> = (0..70_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let bytes = archive(&[("a.txt", b"short"), (&long, &big), ("empty", b""), ("b", b"last")]);
    let walked = check_walk(Tar, &bytes);
    let shown = format!("tar:{}…", &long[..256]);
    assert_eq!(
        walked.members,
        [
            Walk::whole("tar:a.txt", b"short"),
            Walk::whole(&shown, &big),
            Walk::whole("tar:b", b"last"),
        ]
    );
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
}

#[test]
fn an_archive_after_an_archive_is_read_and_other_bytes_are_not() {
    let mut bytes = archive(&[("a", b"one")]);
    bytes.extend(archive(&[("b", b"two")]));
    let both = [Walk::whole("tar:a", b"one"), Walk::whole("tar:b", b"two")];
    assert_eq!(check_walk(Tar, &bytes).members, both);
    bytes.extend([b'x'; 700]);
    let walked = check_walk(Tar, &bytes);
    assert_eq!((walked.members.as_slice(), walked.end), (&both[..], Ok(())));
}

#[test]
fn an_archive_that_is_cut_says_so_wherever_it_is_not_between_members() {
    let bytes = archive(&[("a", &[7; 600])]);
    for (length, end) in [
        (100, Err(ENDS_EARLY)),
        (512, Err(ENDS_EARLY)),
        (1_100, Err(ENDS_EARLY)),
        (1_112, Ok(())),
        (1_536, Ok(())),
        (1_600, Ok(())),
    ] {
        assert_eq!(check_walk(Tar, &bytes[..length]).end, end, "{length} bytes");
    }
}

#[test]
fn a_pax_record_and_a_large_number_tell_the_size() {
    let mut bytes = member(b'x', b"00000000034\0", b"18 path=long name\n10 size=5\n");
    bytes.extend(member(b'0', b"00000000000\0", b"hello"));
    bytes.extend(member(b'0', b"\x80\0\0\0\0\0\0\0\0\0\0\x03", b"abc"));
    let walked = check_walk(Tar, &bytes);
    let wanted = [Walk::whole("tar:long name", b"hello"), Walk::whole("tar:name", b"abc")];
    assert_eq!((walked.members.as_slice(), walked.end), (&wanted[..], Ok(())));
}

#[test]
fn links_have_no_bytes_and_sparse_members_are_not_clean() {
    let mut bytes = member(b'2', b"00000000777\0", b"");
    bytes.extend(member(b'S', b"00000000004\0", b"part"));
    let walked = check_walk(Tar, &bytes);
    assert_eq!(walked.members, [Walk::whole("tar:name", b"part")]);
    assert_eq!(walked.missed, [Why::Unsupported("sparse member of a tar")]);
}

#[test]
fn damage_and_excess_stop_it_with_a_reason() {
    let extension = member(b'L', b"00010000001\0", b"");
    assert_eq!(check_walk(Tar, &extension).end, Err(Why::Limit(Limit::MaxScanState)));
    let mut sum = member(b'0', b"00000000001\0", b"x");
    sum[0] ^= 1;
    assert_eq!(check_walk(Tar, &sum).end, Err(NOT_A_HEADER));
    // A name for the next member, which does not come.
    let mut lost = member(b'L', b"00000000003\0", b"abc");
    lost.extend([b'x'; 512]);
    assert_eq!(check_walk(Tar, &lost).end, Err(NOT_A_HEADER));
    let huge = member(b'0', b"\x80\0\0\x01\0\0\0\0\0\0\0\x03", b"abc");
    assert_eq!(check_walk(Tar, &huge).end, Err(Why::Broken("tar: the size of a member")));
}
