//! Images of discs, made here block by block: what a reader finds, and what nobody ought to write.

use super::walk::{Walk, Walked, check_opened};
use crate::engine::unpack::Whole::Disk;
use crate::engine::verdict::Why;

/// Blocks of 2,048 bytes, by their numbers.
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
}

impl Image {
    fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    fn put(&mut self, block: usize, bytes: &[u8]) -> &mut Self {
        let (at, end) = (block * 2_048, block * 2_048 + bytes.len());
        self.bytes.resize(self.bytes.len().max(end.next_multiple_of(2_048)), 0);
        self.bytes[at..end].copy_from_slice(bytes);
        self
    }
}

fn set(bytes: &mut [u8], at: usize, part: &[u8]) {
    bytes[at..at + part.len()].copy_from_slice(part);
}

fn record(name: &[u8], block: u32, size: usize, flags: u8, more: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 33];
    out.extend_from_slice(name);
    if name.len().is_multiple_of(2) {
        out.push(0);
    }
    out.extend_from_slice(more);
    if !out.len().is_multiple_of(2) {
        out.push(0);
    }
    out[0] = u8::try_from(out.len()).expect("short");
    set(&mut out, 2, &block.to_le_bytes());
    set(&mut out, 10, &u32::try_from(size).expect("small").to_le_bytes());
    out[25] = flags;
    out[32] = u8::try_from(name.len()).expect("short");
    out
}

fn volume(kind: u8, root: u32, root_bytes: usize) -> Vec<u8> {
    let mut sector = vec![0; 2_048];
    sector[0] = kind;
    set(&mut sector, 1, b"CD001\x01");
    if kind == 2 {
        set(&mut sector, 88, b"%/E");
    }
    set(&mut sector, 128, &2_048_u16.to_le_bytes());
    set(&mut sector, 156, &record(b"\0", root, root_bytes, 2, b""));
    sector
}

/// An image with these records in its root, at block 20; files are put behind.
fn iso(records: &[Vec<u8>]) -> Image {
    let mut image = Image::new();
    let own = record(b"\0", 20, 2_048, 2, b"");
    let parent = record(b"\x01", 20, 2_048, 2, b"");
    image.put(16, &volume(1, 20, 2_048)).put(17, b"\xffCD001\x01");
    image.put(20, &[&own[..], &parent, &records.concat()].concat());
    image
}

fn opened(image: &Image) -> Walked {
    check_opened(Disk, &image.bytes)
}

#[test]
fn files_in_folders_in_several_extents_and_with_longer_names_come_out() {
    let deep = record(b"DEEP.TXT;1", 22, 5, 0, b"");
    let mut image = iso(&[
        record(b"A.;1", 23, 2_100, 0, b""),
        record(b"SUB", 21, 2_048, 2, b""),
        record(b"BIG.BIN;1", 25, 2_048, 0x80, b""),
        record(b"BIG.BIN;1", 27, 3, 0, b""),
        record(b"LONG~1;1", 28, 4, 0, b"NM\x0a\x01\x01long NM\x09\x01\0name"),
        record(b"EMPTY;1", 0, 0, 0, b""),
    ]);
    let long: Vec<u8> = (0..2_100_u32).map(|at| at.to_le_bytes()[0]).collect();
    image.put(21, &deep).put(22, b"deep!").put(23, &long);
    image.put(25, &[7; 2_048]).put(27, b"end").put(28, b"four");
    let walked = opened(&image);
    let big = [&[7; 2_048][..], b"end"].concat();
    let wanted = vec![
        Walk::whole("iso9660:A", &long),
        Walk::whole("iso9660:BIG.BIN", &big),
        Walk::whole("iso9660:long name", b"four"),
        Walk::whole("iso9660:SUB/DEEP.TXT", b"deep!"),
    ];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
}

#[test]
fn what_two_trees_share_comes_out_once_by_its_better_name() {
    let mut image = iso(&[record(b"SHORT~1.TXT;1", 22, 5, 0, b"")]);
    let wide: Vec<u8> = "länger.txt;1".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let records = [record(&wide, 22, 5, 0, b""), record(b"\0x", 23, 6, 0, b"")].concat();
    image.put(17, &volume(2, 21, 2_048)).put(18, b"\xffCD001\x01");
    image.put(21, &records).put(22, b"bytes").put(23, b"hidden");
    let walked = opened(&image);
    let wanted =
        vec![Walk::whole("iso9660:länger.txt", b"bytes"), Walk::whole("iso9660:x", b"hidden")];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
}

#[test]
fn loops_of_folders_and_extents_that_are_not_there_end() {
    let mut image = iso(&[
        record(b"LOOP", 20, 2_048, 2, b""),
        record(b"FAR", 9_999, 2_048, 2, b""),
        record(b"CUT.BIN;1", 21, 9_000, 0, b""),
        record(b"GONE;1", 4_000_000_000, 10, 0, b""),
        record(b"FRONT;1", 3, 10, 0, b""),
        record(b"ZIP;1", 21, 5, 0, b"ZF\x10\x01pz\x04\x0f\0\0\0\0\0\0\0\0"),
    ]);
    image.put(21, b"bytes");
    let walked = opened(&image);
    let ends = Some(Err(Why::Broken("disc image: a file ends early")));
    let fates: Vec<_> = walked.members.iter().map(|it| (it.label.as_str(), it.fate)).collect();
    let wanted = [("iso9660:CUT.BIN", ends), ("iso9660:GONE", ends), ("iso9660:ZIP", Some(Ok(())))];
    assert_eq!(fates, wanted);
    let missed = [
        Why::Broken("disc image: a file before the volume"),
        Why::Unsupported("ISO 9660: a zisofs file"),
        Why::Broken("ISO 9660: a folder ends early"),
    ];
    assert_eq!((walked.missed.as_slice(), walked.end), (&missed[..], Ok(())));
}

#[test]
fn folders_over_each_other_are_not_read_for_ever() {
    // Each folder lies one sector behind the one before, and is said to reach to the end.
    let mut image = Image::new();
    image.put(16, &volume(1, 20, 2_048)).put(17, b"\xffCD001\x01");
    let folders: Vec<_> = (21..80).map(|at| record(b"F", at, 2_048 * 60, 2, b"")).collect();
    for (index, folder) in folders.iter().enumerate() {
        image.put(20 + index, folder);
    }
    image.put(160, &[0]);
    let walked = opened(&image);
    assert_eq!(walked.missed, [Why::Broken("disc image: folders of more than the image")]);
}

/// A descriptor of UDF: its number, where it is, and the sum of its first bytes.
fn tagged(number: u16, block: u32, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    set(&mut out, 0, &number.to_le_bytes());
    set(&mut out, 12, &block.to_le_bytes());
    out[4] = out[..16].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    out
}

fn long(length: u32, block: u32, map: u16) -> Vec<u8> {
    [&length.to_le_bytes()[..], &block.to_le_bytes(), &map.to_le_bytes(), &[0; 6]].concat()
}

/// A file entry with these allocation descriptors of a kind (3: they are the bytes).
fn entry(folder: bool, size: usize, kind: u8, area: &[u8]) -> Vec<u8> {
    let mut out = tagged(261, 0, 176);
    out[27] = if folder { 4 } else { 5 };
    out[34] = kind;
    set(&mut out, 56, &u64::try_from(size).expect("small").to_le_bytes());
    set(&mut out, 172, &u32::try_from(area.len()).expect("small").to_le_bytes());
    out.extend_from_slice(area);
    out
}

fn identifier(name: &str, traits: u8, icb: &[u8]) -> Vec<u8> {
    let mut out = tagged(257, 0, 38);
    out[18] = traits;
    out[19] = u8::try_from(name.len() + 1).expect("short");
    set(&mut out, 20, icb);
    out.push(8);
    out.extend_from_slice(name.as_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// The anchor and what it leads to: a partition from block 300 on, with these maps, and the file set at
/// block 0 of map `sets`.
fn udf(maps: &[Vec<u8>], sets: u16) -> Image {
    let mut image = Image::new();
    for (block, name) in [(16, b"BEA01"), (17, b"NSR03"), (18, b"TEA01")] {
        image.put(block, &[&[0], &name[..], &[1]].concat());
    }
    let mut partition = tagged(5, 32, 512);
    set(&mut partition, 188, &300_u32.to_le_bytes());
    let all = maps.concat();
    let mut logical = tagged(6, 33, 440);
    set(&mut logical, 212, &2_048_u32.to_le_bytes());
    set(&mut logical, 248, &long(2_048, 0, sets));
    set(&mut logical, 264, &u32::try_from(all.len()).expect("small").to_le_bytes());
    logical.extend(all);
    let mut anchor = tagged(2, 256, 512);
    set(&mut anchor, 16, &(16 * 2_048_u32).to_le_bytes());
    set(&mut anchor, 20, &32_u32.to_le_bytes());
    image.put(32, &partition).put(33, &logical).put(34, &tagged(8, 34, 512)).put(256, &anchor);
    image
}

fn plain_map() -> Vec<u8> {
    vec![1, 6, 1, 0, 0, 0]
}

fn named_map(name: &str, rest: &[u8]) -> Vec<u8> {
    let mut map = vec![0; 64];
    (map[0], map[1]) = (2, 64);
    set(&mut map, 5, name.as_bytes());
    set(&mut map, 40, rest);
    map
}

fn file_set(root: u32, map: u16) -> Vec<u8> {
    let mut set_of_files = tagged(256, 0, 512);
    set(&mut set_of_files, 400, &long(2_048, root, map));
    set_of_files
}

#[test]
fn files_of_every_allocation_come_out() {
    let mut image = udf(&[plain_map()], 0);
    let link = |block| long(2_048, block, 0);
    let short = |length: u32, block: u32| [length.to_le_bytes(), block.to_le_bytes()].concat();
    let records = [
        identifier("", 0x0a, &link(1)),
        identifier("embedded", 0, &link(2)),
        identifier("short", 0, &link(3)),
        identifier("folder", 2, &link(4)),
        identifier("deleted", 4, &link(3)),
        identifier("again", 0, &link(3)),
        identifier("chained", 0, &link(9)),
    ];
    let records = records.concat();
    let inner = identifier("holes", 0, &link(6));
    image.put(300, &file_set(1, 0));
    image.put(301, &entry(true, records.len(), 3, &records));
    image.put(302, &entry(false, 3, 3, b"abc"));
    let areas = [short(2_048, 7), short(4, 8)].concat();
    image.put(303, &entry(false, 2_052, 0, &areas));
    image.put(
        304,
        &entry(true, inner.len(), 1, &long(u32::try_from(inner.len()).expect("small"), 5, 0)),
    );
    image.put(305, &inner);
    let areas = [long(2, 8, 0), long(3 | 1 << 30, 0, 0), long(2, 8, 0)].concat();
    image.put(306, &entry(false, 7, 1, &areas));
    image.put(307, &[7; 2_048]).put(308, b"tail");
    let more = short(4, 8);
    let mut next = tagged(258, 0, 24);
    set(&mut next, 20, &8_u32.to_le_bytes());
    image.put(309, &entry(false, 4, 0, &short(2_048 | 3 << 30, 10)));
    image.put(310, &[next, more].concat());
    let walked = opened(&image);
    let wanted = vec![
        Walk::whole("udf:embedded", b"abc"),
        Walk::whole("udf:short", &[&[7; 2_048][..], b"tail"].concat()),
        Walk::whole("udf:chained", b"tail"),
        Walk::whole("udf:folder/holes", b"ta\0\0\0ta"),
    ];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
}

#[test]
fn a_metadata_partition_is_read_through_its_file_and_a_spared_packet_where_it_is() {
    let link = |block| long(2_048, block, 1);
    let root = identifier("file", 0, &link(2));
    // The metadata file lies in two pieces: block 0 at 20, the others from 30 on.
    let areas = [[2_048, 20], [4_096_u32, 30]].concat();
    let areas: Vec<u8> = areas.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut image = udf(&[plain_map(), named_map("*UDF Metadata Partition", &[5, 0, 0, 0])], 1);
    image.put(305, &entry(false, 6_144, 0, &areas));
    image.put(320, &file_set(1, 1));
    image.put(330, &entry(true, root.len(), 3, &root));
    image.put(331, &entry(false, 5, 1, &long(5, 40, 0))).put(340, b"bytes");
    let walked = opened(&image);
    assert_eq!(walked.members, [Walk::whole("udf:file", b"bytes")]);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
    // The packet of 32 blocks from block 32 on lies at sector 500.
    let rest = [&[32, 0, 1, 0][..], &[0; 4], &280_u32.to_le_bytes()].concat();
    let mut image = udf(&[named_map("*UDF Sparable Partition", &rest)], 0);
    let mut table = tagged(0, 0, 56);
    set(&mut table, 17, b"*UDF Sparing Table");
    set(&mut table, 48, &1_u16.to_le_bytes());
    table.extend([32_u32, 500].iter().flat_map(|word| word.to_le_bytes()));
    let root = identifier("file", 0, &long(2_048, 31, 0));
    image.put(280, &table).put(300, &file_set(1, 0));
    image.put(301, &entry(true, root.len(), 3, &root));
    image.put(331, &entry(false, 5, 1, &long(5, 32, 0))).put(500, b"moved");
    let walked = opened(&image);
    assert_eq!(walked.members, [Walk::whole("udf:file", b"moved")]);
}

#[test]
fn a_virtual_partition_is_read_through_its_table() {
    let maps = [plain_map(), named_map("*UDF Virtual Partition", &[])];
    let mut image = udf(&maps, 1);
    let root = identifier("file", 0, &long(2_048, 2, 1));
    image.put(303, &file_set(1, 1)).put(304, &entry(true, root.len(), 3, &root));
    image.put(305, &entry(false, 5, 1, &long(5, 6, 0))).put(306, b"bytes");
    let table: Vec<u8> = [3_u32, 4, 5].iter().flat_map(|block| block.to_le_bytes()).collect();
    let table = [&[152, 0][..], &[0; 150], &table].concat();
    let mut last = entry(false, table.len(), 3, &table);
    last[27] = 248;
    image.put(400, &last);
    let walked = opened(&image);
    assert_eq!(walked.members, [Walk::whole("udf:file", b"bytes")]);
    assert_eq!((walked.missed.as_slice(), walked.end), (&[][..], Ok(())));
}

#[test]
fn what_of_a_volume_cannot_be_read_is_missing() {
    let only = |image: &Image, why| {
        let walked = opened(image);
        assert_eq!((walked.members.len(), walked.missed.first()), (0, Some(&Why::Broken(why))));
    };
    let mut image = udf(&[plain_map()], 0);
    image.bytes[256 * 2_048] = 9;
    only(&image, "UDF: no anchor");
    only(&udf(&[plain_map()], 0), "UDF: no file set");
    let mut image = udf(&[named_map("*UDF Future Partition", &[])], 0);
    image.put(300, &file_set(1, 0));
    only(&image, "UDF: no file set");
    let mut image = udf(&[plain_map()], 0);
    image.put(300, &file_set(1, 0)).put(301, b"no entry");
    only(&image, "UDF: a file entry");
    // A folder that leads to itself, and to blocks that are not there.
    let records = [identifier("a", 2, &long(2_048, 1, 0)), identifier("b", 0, &long(9, 77_777, 0))];
    image.put(301, &entry(true, records.concat().len(), 3, &records.concat()));
    only(&image, "UDF: a block that is not there");
    only(&Image { bytes: vec![0; 40_000] }, "disc image: no volume");
}

#[test]
fn what_one_tree_says_hides_nothing_of_another() {
    // A folder that is said to be one block long first, and two blocks then.
    let mut image = iso(&[record(b"A", 21, 4_096, 2, b""), record(b"B", 21, 2_048, 2, b"")]);
    image.put(21, &record(b"X;1", 23, 4, 0, b"")).put(22, &record(b"Y;1", 24, 4, 0, b""));
    image.put(23, b"this").put(24, b"that");
    let mut names: Vec<String> =
        opened(&image).members.into_iter().map(|member| member.label).collect();
    names.sort();
    assert_eq!(names, ["iso9660:A/Y", "iso9660:B/X"]);
    // A name that is longer than its record.
    let mut long = record(b"X;1", 23, 4, 0, b"");
    long[32] = 200;
    let mut image = iso(&[long]);
    image.put(23, b"this");
    assert_eq!(opened(&image).missed, [Why::Broken("ISO 9660: a record of a folder")]);
}
