//! Images of disks and packages of macOS, made by the real tools: every file in them is a layer.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Why;

use crate::containers::made;
use crate::kit::{EICAR, check_infected, check_unscanned, eicar_engine, gzip, noise, scan};

/// Programs that stand where users that are not root may have no path to.
const PATH: &str = "PATH=$PATH:/sbin:/usr/sbin; ";

#[test]
fn packed_files_in_fat_are_opened() {
    let engine = eicar_engine(Limits::default());
    let (quiet, packed) = (noise(70_000, 5), gzip(&eicar()));
    let members: [(&str, &[u8]); 2] =
        [("in/quiet.bin", &quiet), ("in/sub/the long name.gz", &packed)];
    for (bits, kilobytes) in [(12, 1_440), (16, 9_000), (32, 40_000)] {
        let volume = format!(
            "{PATH}mkfs.fat -C -F {bits} -s 1 v.img {kilobytes} >&2; mcopy -s -i v.img in/* ::"
        );
        let image = made(&members, &volume, "v.img");
        let path = "fat:sub/the long name.gz>gzip";
        let check = |image: &[u8]| {
            let found = format!("{:?}", scan(&engine, &Object::default(), image, 65_536));
            assert!(found.contains(EICAR) && found.contains(path), "{bits}: {found}");
        };
        check(&image);
        let clean = made(&members[..1], &volume, "v.img");
        let found = scan(&engine, &Object::default(), &clean, 65_536);
        assert_eq!(format!("{found:?}"), "Clean", "{bits}");
        for label in ["dos", "gpt"] {
            let disk = format!(
                "{volume}; truncate -s {}K d.img; printf 'label: {label}\\nstart=2048\\n' | sfdisk -q d.img >&2; \
                 dd if=v.img of=d.img bs=512 seek=2048 conv=notrunc status=none",
                kilobytes + 2_048
            );
            check(&made(&members, &disk, "d.img"));
        }
    }
}

#[test]
fn a_logical_partition_is_found_and_small_images_in_every_cut() {
    let engine = eicar_engine(Limits::default());
    let command = format!(
        "{PATH}mkfs.fat -C -F 12 v.img 100 >&2; mcopy -i v.img e.gz ::; truncate -s 400K d.img; \
         printf 'label: dos\\nstart=64,type=5\\nstart=128,type=1\\n' | sfdisk -q d.img >&2; \
         dd if=v.img of=d.img bs=512 seek=128 conv=notrunc status=none"
    );
    let image = made(&[("e.gz", &gzip(&eicar()))], &command, "d.img");
    check_infected(&engine, &Object::default(), &image, EICAR, "fat:e.gz>gzip");
}

#[test]
fn file_systems_that_are_not_read_are_said() {
    let engine = eicar_engine(Limits::default());
    let sector = |place: usize, mark: &[u8]| {
        let mut bytes = vec![0; 4_096];
        bytes[place..place + mark.len()].copy_from_slice(mark);
        bytes
    };
    for (place, mark, why) in [
        (3, &b"NTFS    "[..], Why::Unsupported("NTFS volume")),
        (3, b"EXFAT   ", Why::Unsupported("exFAT volume")),
        (32, b"NXSB", Why::Unsupported("APFS container")),
        (0, b"XFSB\0\0", Why::Unsupported("XFS volume")),
        (3, b"-FVE-FS-", Why::Encrypted),
        (0, b"LUKS\xba\xbe", Why::Encrypted),
        (0, b"pbzx", Why::Unsupported("pbzx stream")),
    ] {
        check_unscanned(&engine, &Object::default(), &sector(place, mark), why);
    }
    // In a partition, too.
    let mut disk = vec![0; 1_024];
    disk[446..462].copy_from_slice(&[0, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk.extend(sector(3, b"NTFS    "));
    check_unscanned(&engine, &Object::default(), &disk, Why::Unsupported("NTFS volume"));
}

#[test]
fn members_of_xar_archives_are_opened() {
    let engine = eicar_engine(Limits::default());
    let (quiet, packed) = (noise(70_000, 5), gzip(&eicar()));
    let members: [(&str, &[u8]); 2] = [("in/a/quiet.bin", &quiet), ("in/b & c/e.gz", &packed)];
    for compression in ["none", "gzip", "bzip2", "lzma", "xz"] {
        let command =
            format!("bsdtar --format=xar --options xar:compression={compression} -cf o.xar in");
        let archive = made(&members, &command, "o.xar");
        let path = "xar:in/b & c/e.gz>gzip";
        check_infected(&engine, &Object::default(), &archive, EICAR, path);
        let clean = made(&members[..1], &command, "o.xar");
        let found = scan(&engine, &Object::default(), &clean, 4_096);
        assert_eq!(format!("{found:?}"), "Clean", "{compression}");
        let found = scan(&engine, &Object::default(), &clean[..clean.len() - 40_000], 4_096);
        assert!(format!("{found:?}").starts_with("Unscanned"), "{compression}: {found:?}");
    }
}
