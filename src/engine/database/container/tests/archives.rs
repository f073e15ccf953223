//! Archives that a signer with a key might make, by mistake or not: each is refused for its own reason.

use super::signing::{KEY, container, gzip, list, tar, trust, under_header};
use super::*;

const NDB: &[u8] = b"A:0:*:616263\n";

/// The fault of an archive of these files under a good header.
fn fault(files: &[(&str, &[u8])]) -> ContainerFault {
    let bytes = under_header(4, &gzip(&tar(files)), &KEY);
    verified("test.cvd", &bytes, &trust()).expect_err("it is not good")
}

#[test]
fn members_and_list_have_to_fit() {
    let listed = list(4, &[("test.ndb", NDB)], &KEY);
    let info = ("test.info", listed.as_slice());
    let name = || "test.ndb".into();
    assert_eq!(fault(&[("test.ndb", NDB), info]), ContainerFault::NoList);
    assert_eq!(fault(&[("COPYING", b"")]), ContainerFault::NoList);
    assert_eq!(fault(&[info, info]), ContainerFault::NoList);
    assert_eq!(fault(&[info]), ContainerFault::Missing(name()));
    let other = fault(&[info, ("test.ndb", b"B:0:*:616263\n")]);
    assert_eq!(other, ContainerFault::Member(name()));
    let twice = fault(&[info, ("test.ndb", NDB), ("test.ndb", NDB)]);
    assert_eq!(twice, ContainerFault::Twice(name()));
    let more = fault(&[info, ("test.ndb", NDB), ("more.ndb", NDB)]);
    assert_eq!(more, ContainerFault::NotListed("more.ndb".into()));
    let older = list(3, &[("test.ndb", NDB)], &KEY);
    let header = fault(&[("test.info", &older), ("test.ndb", NDB)]);
    assert_eq!(header, ContainerFault::OtherHeader);
    let mut changed = listed.clone();
    changed[2] ^= 1;
    assert!(matches!(fault(&[("test.info", &changed)]), ContainerFault::ListLine(1)));
    let digit = listed.len() - 5;
    changed = listed;
    changed[digit] = if changed[digit] == b'a' { b'b' } else { b'a' };
    let signature = fault(&[("test.info", &changed), ("test.ndb", NDB)]);
    assert_eq!(signature, ContainerFault::Signature(Part::List));
}

#[test]
fn names_are_flat_and_members_are_files() {
    let info = list(4, &[], &KEY);
    for name in ["a/b.ndb", "../x", "/etc/x", ".hidden", "a b", "a\\b", "\u{e9}.ndb"] {
        let found = fault(&[("test.info", &info), (name, NDB)]);
        assert!(matches!(found, ContainerFault::NotAFile(_)), "{name}: {found}");
    }
    for kind in [b'1', b'2', b'3', b'5', b'6', b'x', b'L', b'g', b'S'] {
        let mut bytes = tar(&[("test.ndb", b"")]);
        bytes[156] = kind;
        let sum: u32 = bytes[..512].iter().enumerate().fold(0, |sum, (at, byte)| {
            sum + if (148..156).contains(&at) { 32 } else { u32::from(*byte) }
        });
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let container = under_header(4, &gzip(&bytes), &KEY);
        let found = verified("test.cvd", &container, &trust()).expect_err("not a file");
        assert!(matches!(found, ContainerFault::NotAFile(_)), "{kind}: {found}");
    }
}

#[test]
fn every_limit_is_kept() {
    let info = list(4, &[("test.ndb", NDB)], &KEY);
    let files = [("test.info", info.as_slice()), ("test.ndb", NDB)];
    let bytes = under_header(4, &gzip(&tar(&files)), &KEY);
    let with = |limits| verify("test.cvd", &bytes, None, &trust(), limits, &Alone).map(drop);
    let limits = Limits::default();
    assert_eq!(with(limits), Ok(()));
    let fault = |name, limit| Err(ContainerFault::Limit(name, limit));
    assert_eq!(with(Limits { members_max: 1, ..limits }), fault("members", 1));
    let member = with(Limits { member_bytes_max: 12, ..limits });
    assert_eq!(member, fault("bytes of one member", 12));
    let total = with(Limits { total_bytes_max: 1_000, ..limits });
    assert_eq!(total, fault("bytes unpacked", 1_000));
    let packed = bytes.len() as u64 - 512;
    let ratio = with(Limits { ratio_max: 1, ratio_from_bytes: 0, ..limits });
    assert_eq!(ratio, fault("bytes unpacked", packed));
    let whole = tar(&files).len() as u64;
    assert_eq!(with(Limits { total_bytes_max: whole, ..limits }), Ok(()), "exactly so much");
}

/// 40 GiB of zeros in 40 MB would fill a disk or a memory; here they fill nothing.
#[test]
fn a_bomb_stops_at_the_ratio() {
    let bomb = gzip(&vec![0; 64 << 20]);
    let bytes = under_header(4, &bomb, &KEY);
    let found = verified("test.cvd", &bytes, &trust());
    // A tar of zeros is an empty one; what follows its end is read to be sure that it is zeros.
    let limit = (bomb.len() as u64 * 100).max(16 << 20);
    assert_eq!(found, Err(ContainerFault::Limit("bytes unpacked", limit)));
}

#[test]
fn an_archive_ends_where_it_ends() {
    let good = container(4, &[("test.ndb", NDB)], &KEY);
    let mut packed = good[512..].to_vec();
    packed.extend_from_slice(b"more");
    let found = verified("test.cvd", &under_header(4, &packed, &KEY), &trust());
    assert_eq!(found, Err(ContainerFault::Archive("bytes behind its end".into())));
    let cut = under_header(4, &good[512..good.len() - 9], &KEY);
    let found = verified("test.cvd", &cut, &trust());
    assert!(matches!(found, Err(ContainerFault::Archive(_))), "{found:?}");
}

/// A `.cld` is a plain tar, and its header is signed by nobody; its list is.
#[test]
fn a_patched_container_lives_by_its_list() {
    let info = list(5, &[("test.ndb", NDB)], &KEY);
    let archive = tar(&[("COPYING", b""), ("test.info", &info), ("test.ndb", NDB)]);
    let mut bytes = signing::header_line(5, "0", "0").into_bytes();
    bytes.resize(512, b' ');
    bytes.extend_from_slice(&archive);
    assert_eq!(verified("test.cld", &bytes, &trust()), Ok(()));
    assert_eq!(verified("test.cvd", &bytes, &trust()), Err(ContainerFault::Header(6)));
    let stranger = verified("test.cld", &bytes, &Trust::builtin(NOW));
    assert_eq!(stranger, Err(ContainerFault::Signature(Part::List)));
    let accepting = Trust { unsigned: Unsigned::Accept, ..Trust::builtin(NOW) };
    assert_eq!(verified("test.cud", &bytes, &accepting), Ok(()));
    assert!(verified("test.cud", &bytes, &Trust::builtin(NOW)).is_err());
}
