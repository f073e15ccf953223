//! Films, packages, notes and links, made here byte by byte.

use super::walk::{Walk, check_opened, check_walk};
use super::{check, zlib};
use crate::engine::unpack::Coding::Flash;
use crate::engine::unpack::Container::{Link, OneNote};
use crate::engine::unpack::Whole::{Dmg, Sis};
use crate::engine::verdict::Why;
use liblzma::stream::{LzmaOptions, Stream};

fn film() -> Vec<u8> {
    let body: Vec<u8> = (0..20_000_u32).flat_map(|at| (at * at / 9).to_le_bytes()).collect();
    let length = u32::try_from(body.len() + 8).expect("small").to_le_bytes();
    [b"FWS\x0d", &length[..], &body].concat()
}

/// As `.lzma` files are, without their header, behind that of a film.
fn with_lzma(film: &[u8]) -> Vec<u8> {
    let options = LzmaOptions::new_preset(1).expect("a preset");
    let mut encoder = Stream::new_lzma_encoder(&options).expect("options");
    let mut packed = Vec::with_capacity(film.len() + 1_000);
    encoder
        .process_vec(&film[8..], &mut packed, liblzma::stream::Action::Finish)
        .expect("there is room");
    let (properties, stream) = (&packed[..5], &packed[13..]);
    let length = u32::try_from(stream.len()).expect("small").to_le_bytes();
    [b"ZWS", &film[3..8], &length, properties, stream].concat()
}

#[test]
fn films_come_out_as_they_would_stand_without_packing() {
    let film = film();
    let packed = [b"CWS", &film[3..8], &zlib(&film[8..])].concat();
    check(Flash, &packed, &film, Ok(()));
    check(Flash, &with_lzma(&film), &film, Ok(()));
    let more = [&packed[..], b"more"].concat();
    check(Flash, &more, &film, Err(Why::Broken("deflate: bytes after the end")));
    check(Flash, &packed[..8], &film[..8], Err(Why::Broken("deflate: ends early")));
    check(Flash, &packed[..5], b"", Err(Why::Broken("Flash: ends early")));
    check(Flash, &with_lzma(&film)[..15], b"", Err(Why::Broken("Flash: ends early")));
    check(Flash, b"XWS\x0d12345678", b"", Err(Why::Broken("Flash: not a packed film")));
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A package of release 6 for two languages, with a condition around a file for each and an option in front.
fn old_package(name: &str, files: &[Vec<u8>; 3]) -> Vec<u8> {
    let mut out = words(&[1, 0x1000_3a12, 0x1000_0419, 0]);
    out.extend([0, 0, 2, 0, 6, 0]);
    out.resize(100, 0);
    out[52..56].copy_from_slice(&100_u32.to_le_bytes());
    let texts = 400_u32;
    let name = utf16(name);
    let name_bytes = u32::try_from(name.len()).expect("short");
    let mut place = texts + name_bytes;
    let places = files.each_ref().map(|file| {
        let here = place;
        place += u32::try_from(file.len()).expect("small");
        here
    });
    let sizes = files.each_ref().map(|file| u32::try_from(file.len()).expect("small"));
    let front = |kind| words(&[kind, 0, 0, 0, 0, name_bytes, texts]);
    out.extend(words(&[2, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
    out.extend(words(&[3, 4, 0]));
    out.extend(front(1));
    out.extend(words(&[sizes[0], sizes[1], places[0], places[1], 9, 9, 0, 0]));
    out.extend(words(&[5]));
    out.extend(words(&[6]));
    out.extend(front(0));
    out.extend(words(&[sizes[2], places[2], 9, 0, 0]));
    out.resize(400, 0);
    out.extend(name);
    out.extend(files.concat());
    out
}

#[test]
fn packages_of_both_kinds_give_their_files() {
    let plain = b"some bytes of a program".repeat(90);
    let files = [zlib(&plain), b"plain".to_vec(), zlib(b"x")];
    let package = old_package("!:\\a\\prog.exe", &files);
    let walked = check_opened(Sis, &package);
    let label = "sis:!:\\\\a\\\\prog.exe";
    let wanted =
        vec![Walk::whole(label, &plain), Walk::whole(label, b"plain"), Walk::whole(label, b"x")];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
    let cut = check_opened(Sis, &package[..package.len() - 12]);
    assert_eq!(cut.members[2].fate, Some(Err(Why::Broken("SIS: ends early"))));
    let mut wild = package;
    wild[100] = 77;
    let walked = check_opened(Sis, &wild);
    let missed = [Why::Broken("SIS: a record of its table")];
    assert_eq!((walked.members.len(), walked.missed.as_slice()), (0, &missed[..]));
}

fn field(kind: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("small");
    let mut out = [&words(&[kind, length])[..], data].concat();
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

#[test]
fn packages_of_fields_give_what_is_packed_in_them() {
    let plain = b"some bytes of a program".repeat(90);
    let packed =
        |algorithm, bytes: &[u8]| field(3, &[&words(&[algorithm, 9, 0])[..], bytes].concat());
    let array = |kind: u32, elements: &[Vec<u8>]| {
        // Elements have no type of their own.
        let inner: Vec<u8> = elements.iter().flat_map(|element| element[4..].to_vec()).collect();
        field(2, &[&words(&[kind])[..], &inner].concat())
    };
    let files = [field(32, &packed(1, &zlib(&plain))), field(32, &packed(0, b"plain!"))];
    let unit = field(31, &array(32, &files));
    let data = field(30, &array(31, &[unit]));
    let contents = [field(34, &[0; 2]), packed(1, &zlib(b"controller")), data].concat();
    let package = [words(&[0x1020_1a7a, 0, 0, 0]), field(12, &contents)].concat();
    let walked = check_opened(Sis, &package);
    let wanted = vec![
        Walk::whole("sis:0", b"controller"),
        Walk::whole("sis:1", &plain),
        Walk::whole("sis:2", b"plain!"),
    ];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
    let walked = check_opened(Sis, &package[..package.len() - 20]);
    assert_eq!(walked.missed, [Why::Broken("SIS: ends early")]);
}

fn note(files: &[&[u8]]) -> Vec<u8> {
    let mut out = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    for file in files {
        // What begins as the GUID does.
        out.extend_from_slice(b"\xe7\x16\xe3\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b");
        out.extend_from_slice(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac");
        out.extend(u64::try_from(file.len()).expect("small").to_le_bytes());
        out.extend([0; 12]);
        out.extend_from_slice(file);
    }
    out.extend([7; 40]);
    out
}

#[test]
fn files_in_notes_come_out() {
    let bytes = note(&[b"first file", b"", b"second"]);
    let walked = check_walk(OneNote, &bytes);
    let wanted = vec![Walk::whole("onenote:1", b"first file"), Walk::whole("onenote:2", b"second")];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
    let walked = check_walk(OneNote, &bytes[..bytes.len() - 43]);
    assert_eq!(walked.end, Err(Why::Broken("OneNote: a file ends early")));
}

fn link(flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46".to_vec();
    out.extend(flags.to_le_bytes());
    out.resize(76, 0);
    out.extend(parts.concat());
    out
}

#[test]
fn what_stands_behind_a_link_comes_out() {
    let list: &[u8] = b"\x05\0\x03\0x\0\0";
    let target: &[u8] = b"\x08\0\0\0info";
    let (narrow, wide): (&[u8], &[u8]) = (b"\x02\0ab", b"\x02\0a\0b\0");
    let (block, end): (&[u8], &[u8]) = (b"\x0c\0\0\0\x05\0\0\xa0data", &[0; 4]);
    let overlay: &[u8] = b"<script>hidden</script>";
    for (flags, parts) in [
        (0, vec![end]),
        (0xff, vec![list, target, wide, wide, wide, wide, wide, block, block, end]),
        (0b0010_0001, vec![list, narrow, end]),
        (0b0100_0010, vec![target, narrow, block, b"\x03\0\0\0"]),
    ] {
        let bytes = link(flags, &parts);
        let alone = check_walk(Link, &bytes);
        assert_eq!((alone.members.len(), alone.missed.len(), alone.end), (0, 0, Ok(())));
        let walked = check_walk(Link, &[&bytes[..], overlay].concat());
        let member = Walk { label: "lnk-overlay".to_owned(), bytes: overlay.to_vec(), fate: None };
        assert_eq!((walked.members, walked.end), (vec![member], Ok(())), "{flags:b}");
    }
    let early = Err(Why::Broken("shell link: ends early"));
    assert_eq!(check_walk(Link, &link(1, &[list])[..79]).end, early);
    assert_eq!(check_walk(Link, &link(0, &[])).end, Ok(()), "many lack the last block");
}

fn wide(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (index, three) in bytes.chunks(3).enumerate() {
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - three.len()));
        for digit in 0..4 {
            let at = usize::try_from(word >> (18 - 6 * digit) & 63).expect("small");
            let is_there = usize::try_from(digit).expect("small") <= three.len();
            out.push(if is_there { char::from(letters[at]) } else { '=' });
        }
        if index % 17 == 16 {
            out.push_str("\n\t\t");
        }
    }
    out
}

/// A kind, sectors, and the packed bytes.
type Run<'a> = (u32, u64, &'a [u8]);

fn image(partitions: &[(&str, &[Run<'_>])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut list = String::from("<plist><dict><key>resource-fork</key><key>blkx</key><array>");
    for (name, runs) in partitions {
        let mut table = b"mish\0\0\0\x01".to_vec();
        table.resize(200, 0);
        table.extend(u32::try_from(runs.len()).expect("few").to_be_bytes());
        for (kind, sectors, packed) in *runs {
            let place = u64::try_from(out.len()).expect("small");
            let length = u64::try_from(packed.len()).expect("small");
            table.extend(kind.to_be_bytes());
            table.extend([0; 4]);
            table.extend(wide(&[0, *sectors, place, length]));
            out.extend_from_slice(packed);
        }
        list += &format!(
            "<dict><key>Attributes</key><string>0x50</string><key>Data</key><data>\n{}</data>\
             <key>Name</key><string>{name}</string></dict>",
            base64(&table)
        );
    }
    list += "</array></dict></plist>";
    let place = u64::try_from(out.len()).expect("small");
    out.extend(list.bytes());
    let mut trailer = b"koly\0\0\0\x04\0\0\x02\0".to_vec();
    trailer.resize(216, 0);
    trailer.extend(wide(&[place, u64::try_from(list.len()).expect("small")]));
    trailer.resize(512, 0);
    out.extend(trailer);
    out
}

#[test]
fn partitions_are_put_together_from_their_runs() {
    let plain: Vec<u8> = (0..1_024_u32).map(|at| (at / 3).to_le_bytes()[0]).collect();
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut packer, &plain).expect("to memory");
    let bzip2 = packer.finish().expect("to memory");
    let mut packer = liblzma::write::XzEncoder::new(Vec::new(), 0);
    std::io::Write::write_all(&mut packer, &plain).expect("to memory");
    let xz = packer.finish().expect("to memory");
    // Four literals; a copy of 60 from 4 back, with two bytes of distance; 448 more by short copies.
    let adc: Vec<u8> = [&b"\x83abcd\x78\0\x03"[..], &b"\x3c\x03".repeat(24), b"\x34\x03"].concat();
    let adc_plain = b"abcd".repeat(128);
    let runs: &[Run<'_>] = &[
        (0x8000_0005, 2, &zlib(&plain)),
        (0, 1, b""),
        (0x7fff_fffe, 0, b""),
        (1, 2, &plain),
        (0x8000_0006, 2, &bzip2),
        (0x8000_0008, 2, &xz),
        (0x8000_0004, 1, &adc),
        (0xffff_ffff, 0, b""),
    ];
    let whole = [&plain[..], &[0; 512], &plain, &plain, &plain, &adc_plain].concat();
    let other: &[Run<'_>] = &[(2, 1, b""), (0x8000_0005, 1, &zlib(&plain))];
    let bytes = image(&[("disk image (Apple_HFS : 1)", runs), ("second", other)]);
    let walked = check_opened(Dmg, &bytes);
    let cut = [&[0; 512], &plain[..512]].concat();
    let wanted = vec![
        Walk::whole("dmg:disk image (Apple_HFS : 1)", &whole),
        Walk::whole("dmg:second", &cut),
    ];
    assert_eq!((walked.members, walked.missed, walked.end), (wanted, vec![], Ok(())));
}

#[test]
fn no_table_of_an_image_hides_behind_another() {
    let one: &[Run<'_>] = &[(1, 1, &[7; 512])];
    let list = |from: &str, to: &str| {
        let text = image(&[("a", one), ("b", one)]);
        let end = text.len() - 512;
        let place = 1_024;
        let list =
            String::from_utf8(text[place..end].to_vec()).expect("text").replacen(from, to, 1);
        let mut out = [&text[..place], list.as_bytes(), &text[end..]].concat();
        let at = out.len() - 512 + 224;
        out[at..at + 8].copy_from_slice(&wide(&[u64::try_from(list.len()).expect("small")]));
        check_opened(Dmg, &out)
    };
    // Of two arrays the second one counts as well.
    let split = "</dict></array><key>blkx</key><array><dict>";
    assert_eq!(list("</dict><dict>", split).members.len(), 2);
    for comment in ["<!-- <key>blkx</key> -->", "<![CDATA[ ]]>"] {
        let walked = list("<key>blkx</key>", &format!("{comment}<key>blkx</key>"));
        assert_eq!(walked.missed, [Why::Broken("DMG: a list with comments")]);
    }
    let walked = list("<data>\nbW", "<data>&#98;W");
    assert_eq!(walked.missed, [Why::Broken("DMG: a table of runs")]);
}

#[test]
fn what_of_an_image_cannot_be_read_is_said() {
    let fate = |kind: u32, packed: &[u8]| {
        let bytes = image(&[("a", &[(kind, 4, packed)])]);
        check_opened(Dmg, &bytes).members.swap_remove(0).fate
    };
    let early = Some(Err(Why::Broken("DMG: a run ends early")));
    assert_eq!(fate(0x8000_0007, b"bvx-"), Some(Err(Why::Unsupported("DMG packed with LZFSE"))));
    assert_eq!(fate(9, b""), Some(Err(Why::Unsupported("DMG: a kind of run"))));
    assert_eq!(fate(0x8000_0005, &zlib(b"too short")), early);
    assert_eq!(fate(1, b"too short"), early);
    assert_eq!(fate(0x8000_0004, b"\x85abc"), early);
    assert_eq!(fate(0x8000_0004, b"\x80a\x00\x09"), early, "from before its beginning");
    let missed = |bytes: &[u8]| check_opened(Dmg, bytes).missed;
    let good = image(&[("a", &[(0, 1, b"")])]);
    let mut bytes = good.clone();
    let end = bytes.len();
    bytes[end - 512 + 63] = 2;
    assert_eq!(missed(&bytes), [Why::Unsupported("DMG in several segments")]);
    let mut bytes = good.clone();
    bytes[end - 512 + 216] = 9;
    assert_eq!(missed(&bytes), [Why::Broken("DMG: its trailer")]);
    let mut bytes = good;
    bytes[end - 512 + 224..end - 512 + 232].fill(0);
    assert_eq!(missed(&bytes), [Why::Unsupported("DMG without a property list")]);
    assert_eq!(missed(&image(&[])), [Why::Broken("DMG: a table of runs")]);
}
