//! Partitions and file systems, made here sector by sector, and lists of XAR archives.

use super::walk::{Walk, Walked, check_opened};
use super::zlib;
use crate::engine::unpack::Whole::{Disk, Storage, Xar};
use crate::engine::verdict::{Limit, Why};

fn set(bytes: &mut [u8], at: usize, part: &[u8]) {
    bytes[at..at + part.len()].copy_from_slice(part);
}

fn entry(name: &[u8; 11], traits: u8, cluster: u16, size: u32) -> Vec<u8> {
    let mut out = vec![0; 32];
    set(&mut out, 0, name);
    out[11] = traits;
    set(&mut out, 26, &cluster.to_le_bytes());
    set(&mut out, 28, &size.to_le_bytes());
    out
}

/// FAT12 with one sector in a cluster: the table in sector 1, the root in 2, cluster 2 in 3.
fn fat(table: &[u16], root: &[Vec<u8>], clusters: &[&[u8]]) -> Vec<u8> {
    let mut image = vec![0; 512 * 24];
    set(&mut image, 0, b"\xeb\x3c\x90MSDOS5.0\x00\x02\x01\x01\x00\x01\x10\x00\x18\x00\xf8\x01\x00");
    set(&mut image, 510, b"\x55\xaa");
    for (index, next) in table.iter().enumerate() {
        let (at, shift) = (512 + (index + 2) * 3 / 2, 4 * (index & 1));
        let pair = u16::from_le_bytes([image[at], image[at + 1]]) | next << shift;
        set(&mut image, at, &pair.to_le_bytes());
    }
    set(&mut image, 1_024, &root.concat());
    for (index, bytes) in clusters.iter().enumerate() {
        set(&mut image, 512 * (index + 3), bytes);
    }
    image
}

/// A part of a long name of the entry with a short one.
fn long(order: u8, letters: &str, short: &[u8; 11]) -> Vec<u8> {
    let mut units: Vec<u16> = letters.encode_utf16().collect();
    units.resize(13, 0);
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let mut out = vec![0; 32];
    let sum = short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    (out[0], out[11], out[13]) = (order, 0x0f, sum);
    set(&mut out, 1, &bytes[..10]);
    set(&mut out, 14, &bytes[10..22]);
    set(&mut out, 28, &bytes[22..]);
    out
}

const END: u16 = 0xfff;

#[test]
fn files_of_fat_come_out_with_their_long_names_and_in_pieces() {
    let root = [
        entry(b"A DISK     ", 0x08, 0, 0),
        entry(b"\xe5ONE    TXT", 0x20, 2, 9),
        long(0x42, "me.text", b"ARATHE~1TXT"),
        long(0x01, "a rather long", b"ARATHE~1TXT"),
        entry(b"ARATHE~1TXT", 0x20, 2, 1_030),
        entry(b"SUB        ", 0x10, 5, 0),
        entry(b"EMPTY      ", 0x20, 0, 0),
    ];
    let inner = [
        entry(b".          ", 0x10, 5, 0),
        entry(b"..         ", 0x10, 0, 0),
        entry(b"B       COM", 0x20, 6, 4),
    ];
    // Cluster 2 goes on with 4, that with 7.
    let image = fat(
        &[4, 0, 7, END, END, END],
        &root,
        &[&[1; 512], b"not of it", &[2; 512], &inner.concat(), b"four", b"ending"],
    );
    let walked = check_opened(Storage, &image);
    let whole = [&[1; 512][..], &[2; 512], b"ending"].concat();
    let wanted = vec![
        Walk::whole("fat:a rather longme.text", &whole),
        Walk::whole("fat:SUB/B.COM", b"four"),
    ];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
    // The same volume in each kind of partition.
    let mut disk = vec![0; 512 * 4];
    set(&mut disk, 446, &[0x80, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 24, 0, 0, 0]);
    set(&mut disk, 510, b"\x55\xaa");
    let mut apple = vec![0; 512 * 4];
    set(&mut apple, 0, b"ER\x02\x00");
    set(&mut apple, 512, b"PM\0\0\0\0\0\x01\0\0\0\x04\0\0\0\x18");
    for front in [disk, apple] {
        let walked = check_opened(Storage, &[&front[..], &image].concat());
        assert_eq!((walked.members.len(), walked.missed.len()), (2, 0));
    }
}

#[test]
fn loops_and_clusters_that_are_not_there_end() {
    let root = [
        entry(b"LOOP       ", 0x10, 2, 0),
        entry(b"FAR        ", 0x10, 900, 0),
        entry(b"ROUND      ", 0x20, 3, 2_000),
        entry(b"SHORT      ", 0x20, 4, 2_000),
        entry(b"NONE       ", 0x20, 0, 9),
    ];
    let inner = entry(b"SELF       ", 0x10, 2, 0);
    let image = fat(&[2, 3, END], &root, &[&inner, b"x", b"y"]);
    let walked = check_opened(Storage, &image);
    let fates: Vec<_> =
        walked.members.iter().map(|it| (it.label.as_str(), it.bytes.len())).collect();
    assert_eq!(fates, [("fat:ROUND", 2_000), ("fat:SHORT", 512), ("fat:NONE", 0)]);
    let ends = Some(Err(Why::Broken("disc image: a file ends early")));
    assert_eq!(walked.members[1].fate, ends);
    assert_eq!(walked.members[2].fate, ends);
    assert_eq!(walked.missed, [Why::Broken("FAT: a folder without clusters")]);
}

/// FAT32 in 2 KiB that says to have all the world: the table in sector 1, cluster 2 in 2.
fn wide_fat(root: u8, table: &[u32], entries: &[Vec<u8>]) -> Vec<u8> {
    let mut image = vec![0; 2_048];
    set(&mut image, 0, b"\xeb\x58\x90MSDOS5.0\x00\x02\x01\x01\x00\x01\0\0\0\0\xf8");
    set(&mut image, 32, b"\xf0\xff\xff\xff\x01\0\0\0");
    image[44] = root;
    for (index, next) in table.iter().enumerate() {
        set(&mut image, 512 + 4 * (index + 2), &next.to_le_bytes());
    }
    set(&mut image, 1_024, &entries.concat());
    image
}

#[test]
fn chains_of_clusters_are_no_longer_than_the_image() {
    let entry = |index| entry(b"A       COM", 0x20, 3, u32::MAX - index);
    let entries: Vec<Vec<u8>> = (0..15).map(|index| entry(index / 2)).collect();
    let walked = check_opened(Storage, &wide_fat(2, &[0x0fff_ffff, 2], &entries));
    // Eight files, each of which is to be followed over both clusters; there are links for four.
    let sizes: Vec<usize> = walked.members.iter().map(|member| member.bytes.len()).collect();
    assert_eq!(sizes, [1_024, 1_024, 1_024, 1_024, 0, 0, 0, 0]);
    assert_eq!(walked.missed.first(), Some(&Why::Limit(Limit::MaxScanState)));
    let ends = Some(Err(Why::Broken("disc image: a file ends early")));
    assert!(walked.members.iter().all(|member| member.fate == ends));
}

#[test]
fn folders_whose_chain_breaks_are_said() {
    let root = [entry(b"SUB        ", 0x10, 2, 0)];
    let inner = entry(b"\xe5       COM", 0x20, 9, 9);
    let missed = |next| {
        let inner = vec![inner.clone(); 16].concat();
        check_opened(Storage, &fat(&[next], &root, &[&inner])).missed
    };
    let ends = Why::Broken("FAT: a folder ends early");
    assert_eq!([0, 1, 2, 900, 0xff7].map(&missed), [[ends]; 5]);
    assert_eq!([0xff8, END].map(missed), [[]; 2]);
    let none = check_opened(Storage, &wide_fat(0, &[], &[])).missed;
    assert_eq!(none, [Why::Broken("FAT: no root folder")]);
}

#[test]
fn long_names_of_other_entries_and_of_folders_hide_no_file() {
    let root = [
        long(0x41, "..", b"OTHER   COM"),
        entry(b"A       COM", 0x20, 2, 4),
        long(0x41, "..", b"B       COM"),
        entry(b"B       COM", 0x20, 3, 4),
    ];
    let walked = check_opened(Storage, &fat(&[END, END], &root, &[b"one!", b"two!"]));
    let wanted = [Walk::whole("fat:A.COM", b"one!"), Walk::whole("fat:..", b"two!")];
    assert_eq!((&walked.members[..], walked.missed), (&wanted[..], vec![]));
}

#[test]
fn archives_behind_the_end_of_a_file_in_its_cluster_are_found() {
    let rar = b"Rar!\x1a\x07\x00\xcf\x90\x73\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x00";
    let cluster = [&b"four"[..], &[0; 28], rar].concat();
    let names = |size| -> Vec<String> {
        let image = fat(&[END], &[entry(b"A          ", 0x20, 2, size)], &[&cluster]);
        let walked = check_opened(Storage, &image);
        walked.members.iter().map(|member| member.label.clone()).collect()
    };
    assert_eq!(names(4), ["fat:A", "sfx"]);
    assert_eq!(names(100), ["fat:A"]);
}

#[test]
fn a_volume_that_is_several_is_read_as_each() {
    let mut image = hfs(&[record("mac", 2, 0, &[fork(5, &[(40, 1)]), fork(0, &[])])]);
    image.resize(70_000, 0);
    // The table in sector 44, the root in 45, cluster 2 in 46.
    set(&mut image, 0, b"\xeb\x3c\x90MSDOS5.0\x00\x02\x01\x2c\x00\x01\x10\x00\x3c\x00\xf8\x01\x00");
    set(&mut image, 512 * 45, &entry(b"DOS        ", 0x20, 2, 4));
    set(&mut image, 512 * 46, b"four");
    set(&mut image, 65_600, b"_BHRfS_M");
    let walked = check_opened(Storage, &image);
    let wanted = [Walk::whole("fat:DOS", b"four"), Walk::whole("hfs+:mac", b"bytes")];
    let missed = vec![Why::Unsupported("Btrfs volume")];
    assert_eq!((&walked.members[..], walked.missed), (&wanted[..], missed));
}

fn fork(size: u64, extents: &[(u32, u32)]) -> Vec<u8> {
    let mut out = vec![0; 80];
    set(&mut out, 0, &size.to_be_bytes());
    for (index, (start, count)) in extents.iter().enumerate() {
        set(&mut out, 16 + 8 * index, &start.to_be_bytes());
        set(&mut out, 20 + 8 * index, &count.to_be_bytes());
    }
    out
}

fn record(name: &str, kind: u8, flags: u8, forks: &[Vec<u8>; 2]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let length = u16::try_from(name.len() + 6).expect("short");
    let units = u16::try_from(name.len() / 2).expect("short");
    let mut data = vec![0; 248];
    (data[1], data[41]) = (kind, flags);
    set(&mut data, 88, &forks[0]);
    set(&mut data, 168, &forks[1]);
    [&length.to_be_bytes()[..], &[0, 0, 0, 2], &units.to_be_bytes(), &name, &data].concat()
}

/// HFS+ with blocks of 512 bytes: the catalog is in two nodes of 4,096 bytes from block 8 on, in two pieces.
fn hfs(records: &[Vec<u8>]) -> Vec<u8> {
    let mut image = vec![0; 512 * 60];
    set(&mut image, 1_024, b"H+\0\x04");
    set(&mut image, 1_024 + 40, &512_u32.to_be_bytes());
    set(&mut image, 1_024 + 272, &fork(8_192, &[(8, 12), (24, 4)]));
    let mut catalog = vec![0; 8_192];
    catalog[8] = 1;
    set(&mut catalog, 32, &4_096_u16.to_be_bytes());
    catalog[4_096 + 8] = 0xff;
    set(&mut catalog, 4_096 + 10, &u16::try_from(records.len()).expect("few").to_be_bytes());
    let mut at = 14_usize;
    for (index, record) in records.iter().enumerate() {
        set(
            &mut catalog,
            8_192 - 2 * (index + 1),
            &u16::try_from(at).expect("small").to_be_bytes(),
        );
        set(&mut catalog, 4_096 + at, record);
        at += record.len();
    }
    let end = u16::try_from(at).expect("small").to_be_bytes();
    set(&mut catalog, 8_192 - 2 * (records.len() + 1), &end);
    set(&mut image, 512 * 8, &catalog[..512 * 12]);
    set(&mut image, 512 * 24, &catalog[512 * 12..]);
    set(&mut image, 512 * 40, b"bytes of a file");
    set(&mut image, 512 * 42, &[7; 512]);
    image
}

#[test]
fn both_forks_of_the_files_of_hfs_come_out() {
    let none = || fork(0, &[]);
    let image = hfs(&[
        record("folder", 1, 0, &[none(), none()]),
        record("größe", 2, 0, &[fork(15, &[(40, 1)]), none()]),
        record("two", 2, 0, &[fork(600, &[(42, 1), (40, 1)]), fork(5, &[(40, 1)])]),
        record("empty", 2, 0, &[none(), none()]),
        record("packed", 2, 0x20, &[none(), fork(5, &[(40, 1)])]),
        record("many", 2, 0, &[fork(9_000, &[(40, 1)]), none()]),
    ]);
    let mut two = vec![7; 512];
    two.extend(b"bytes of a file");
    two.resize(600, 0);
    let wanted = vec![
        Walk::whole("hfs+:gr\u{f6}\u{df}e", b"bytes of a file"),
        Walk::whole("hfs+:two", &two),
        Walk::whole("hfs+:two/..namedfork/rsrc", b"bytes"),
    ];
    let missed = [Why::Unsupported("HFS+: a file that the system packs")];
    let mut disk = vec![0; 512 * 4];
    set(&mut disk, 446, &[0, 0, 0, 0, 0xaf, 0, 0, 0, 4, 0, 0, 0, 60, 0, 0, 0]);
    set(&mut disk, 510, b"\x55\xaa");
    let names = |walked: &Walked| -> Vec<String> {
        walked.members.iter().map(|member| member.label.clone()).collect()
    };
    for (whole, bytes) in [(Disk, image.clone()), (Storage, [disk, image].concat())] {
        let walked = check_opened(whole, &bytes);
        assert_eq!(names(&walked).len(), wanted.len());
        assert_eq!((&walked.members, walked.end), (&wanted, Ok(())));
        assert_eq!(walked.missed[..1], missed[..]);
    }
    let mut bad = hfs(&[]);
    bad[1_024 + 43] = 7;
    assert_eq!(check_opened(Disk, &bad).missed, [Why::Broken("HFS+: no catalog")]);
}

#[test]
fn records_and_pieces_that_lie_over_others_are_not_read() {
    let bad = Why::Broken("HFS+: a record of the catalog");
    let named = |name: &str| record(name, 2, 0, &[fork(600, &[(42, 1), (40, 1)]), fork(0, &[])]);
    let mut image = hfs(&[named("a"), named("b"), named("c")]);
    // Where the third begins, in the second piece of the catalog.
    set(&mut image, 512 * 24 + 2_048 - 6, &[0, 14]);
    let walked = check_opened(Disk, &image);
    assert_eq!((walked.members.len(), walked.missed), (1, vec![bad]));
    let walked = check_opened(Disk, &hfs(&[named(&"n".repeat(256)), named(&"n".repeat(255))]));
    assert_eq!((walked.members.len(), walked.missed), (1, vec![bad]));
    let mut image = hfs(&[named("a")]);
    set(&mut image, 1_024 + 272, &fork(8_192, &[(8, 12), (19, 4)]));
    assert_eq!(check_opened(Disk, &image).missed, [Why::Broken("HFS+: no catalog")]);
}

/// An archive with this list, and a heap.
fn xar(list: &str, heap: &[u8]) -> Vec<u8> {
    let packed = zlib(list.as_bytes());
    let mut out = b"xar!\0\x1c\0\x01".to_vec();
    out.extend(u64::try_from(packed.len()).expect("small").to_be_bytes());
    out.extend(u64::try_from(list.len()).expect("small").to_be_bytes());
    out.extend([0; 4]);
    [&out[..], &packed, heap].concat()
}

fn data(offset: usize, length: usize, style: &str) -> String {
    format!(
        "<data><length>{length}</length><offset> {offset}\n</offset><size>5</size>\
         <encoding style=\"application/{style}\"/></data>"
    )
}

#[test]
fn what_a_list_tells_of_comes_out() {
    let heap = [b"plain".to_vec(), zlib(b"zlib!"), super::gzip(b"gzip!")];
    let places: Vec<usize> =
        heap.iter().scan(0, |at, bytes| Some(std::mem::replace(at, *at + bytes.len()))).collect();
    let list = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xar><toc><checksum style=\"sha1\"><offset>0</offset>\
         <size>20</size></checksum><file id='1'><name>d</name><file id=\"2\">{}<name>a &amp; b</name></file>\
         <file id=\"3\"><name>c</name>{}<ea id=\"0\"><name>com.apple.x</name><length>{}</length>\
         <offset>{}</offset><size>5</size><encoding style='application/x-gzip' /></ea></file></file>\
         </toc></xar>\n",
        data(places[0], 5, "octet-stream"),
        data(places[1], heap[1].len(), "x-gzip"),
        heap[2].len(),
        places[2],
    );
    let walked = check_opened(Xar, &xar(&list, &heap.concat()));
    let wanted = vec![
        Walk::whole("xar:d/a & b", b"plain"),
        Walk::whole("xar:d/c", b"zlib!"),
        Walk::whole("xar:d/c", b"gzip!"),
    ];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
}

#[test]
fn lists_that_readers_may_understand_in_two_ways_are_not_believed() {
    let file = |inner: &str| format!("<xar><toc><file>{inner}</file></toc></xar>");
    let missed = |list: &str| check_opened(Xar, &xar(list, b"plain")).missed;
    let good = data(0, 5, "octet-stream");
    assert_eq!(missed(&file(&good)), []);
    let number = Why::Broken("XAR: a number in its list");
    let damaged = Why::Broken("XAR: its list");
    let twice = Why::Broken("XAR: a field of its list that is there twice");
    let types = Why::Unsupported("XAR: a list with comments, or a type of its own");
    for (list, why) in [
        (file(&good.replace(" 0\n", "010")), number),
        (file(&good.replace(" 0\n", "&#48;")), number),
        (file(&good.replace(" 0\n", "")), number),
        (file(&good.replace("<size>", "<offset>1</offset><size>")), twice),
        (file(&good.replace("</data>", "<encoding/></data>")), twice),
        (file(&good.replace(" 0\n", "0<!-- 1 -->")), types),
        (format!("<!DOCTYPE xar>{}", file(&good)), types),
        (file(&good).replace("</toc>", ""), damaged),
        (file(&good) + "</xar>", damaged),
        (
            format!("<?xml encoding='UTF-7'?>{}", file(&good)),
            Why::Unsupported("XAR: a list in another script"),
        ),
        (file(&good.replace("octet-stream", "x-other")), Why::Unsupported("XAR: a packing")),
    ] {
        assert_eq!(missed(&list).first(), Some(&why), "{list}");
    }
    let early = Why::Broken("XAR: ends early");
    assert_eq!(check_opened(Xar, &xar(&file(&good), b"plai")).members[0].fate, Some(Err(early)));
    assert_eq!(check_opened(Xar, b"xar!\0\x1c\0\x01").end, Err(early));
}
