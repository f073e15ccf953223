//! What carries files without being an archive: documents, notes, links, films, packages, images of machines.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Why;

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, gzip, noise, zlib,
};

/// Makes something around a file.
type Maker = fn(&[u8]) -> Vec<u8>;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("small")
}

/// A document with an attached file, its digits in lines.
fn rtf(file: &[u8]) -> Vec<u8> {
    let native = [
        &b"\x02\0a.gz\0C:\\a.gz\0\0\0\x03\0\x08\0\0\0C:\\t.gz\0"[..],
        &words(&[length(file)]),
        file,
    ]
    .concat();
    let front = [&words(&[0x501, 2, 8])[..], b"Package\0", &words(&[0, 0, length(&native)])];
    let object = [&front.concat()[..], &native].concat();
    let digits: Vec<String> = object
        .chunks(39)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let digits = digits.join("\r\n");
    format!("{{\\rtf1\\ansi text{{\\object\\objemb{{\\*\\objdata {digits}}}}}}}").into_bytes()
}

fn note(file: &[u8]) -> Vec<u8> {
    let mut out = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    out.extend(noise(30_000, 3));
    out.extend_from_slice(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac");
    out.extend(words(&[length(file), 0, 0, 0, 0]));
    [&out[..], file].concat()
}

fn link(file: &[u8]) -> Vec<u8> {
    let mut out = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46".to_vec();
    out.resize(76, 0);
    out.extend([0; 4]);
    [&out[..], file].concat()
}

fn film(file: &[u8]) -> Vec<u8> {
    [b"CWS\x0d", &words(&[length(file) + 8])[..], &zlib(file)].concat()
}

fn package(file: &[u8]) -> Vec<u8> {
    let packed = zlib(file);
    let inner = [&words(&[1, 0, 0])[..], &packed].concat();
    let mut field = [&words(&[3, length(&inner)])[..], &inner].concat();
    field.resize(field.len().next_multiple_of(4), 0);
    let contents = words(&[12, length(&field)]);
    [&words(&[0x1020_1a7a, 0, 0, 0])[..], &contents, &field].concat()
}

#[test]
fn files_that_documents_and_others_carry_are_opened() {
    let engine = eicar_engine(Limits::default());
    let hidden = gzip(&eicar());
    let quiet = gzip(b"some quiet words");
    let cases: [(Maker, &str); 5] = [
        (rtf, "rtf:a.gz>gzip"),
        (note, "onenote:1>gzip"),
        (link, "lnk-overlay>gzip"),
        (package, "sis:0>gzip"),
        (film, "swf"),
    ];
    for (make, path) in cases {
        // A film is the file itself, behind its own front.
        let bytes = if path == "swf" { make(&eicar()) } else { make(&hidden) };
        check_infected(&engine, &Object::default(), &bytes, EICAR, path);
        let outer = format!("gzip>{path}");
        check_infected(&engine, &Object::default(), &gzip(&bytes), EICAR, &outer);
        check_clean(&engine, &Object::default(), &make(&quiet));
    }
    let line = "Film:11:0:465753{5}71756965742066696c6d\n";
    let films = crate::kit::engine(&[("a.ndb", line)], Limits::default());
    check_infected(&films, &Object::default(), &film(b"quiet film"), "Film.UNOFFICIAL", "swf");
}

#[test]
fn streams_of_installers_have_their_names() {
    let members: [(&str, &[u8]); 1] = [("a.gz", &gzip(&eicar()))];
    let command = "msibuild out.msi -a Icon.first_one a.gz";
    let bytes = made(&members, command, "out.msi");
    let engine = eicar_engine(Limits::default());
    let path = "ole2:Icon.first_one>gzip";
    check_infected(&engine, &Object::default(), &bytes, EICAR, path);
}

/// Blocks that are packed or out of order say nothing in the bytes as they are.
#[test]
fn images_of_machines_are_not_clean() {
    let engine = eicar_engine(Limits::default());
    let disk = noise(300_000, 17);
    for (command, why) in [
        ("wimcapture in out --compress=LZX >/dev/null", "WIM image"),
        ("qemu-img convert -q -f raw -O qcow2 in/disk out", "QCOW image"),
        ("qemu-img convert -q -f raw -O vmdk in/disk out", "VMDK image"),
        ("qemu-img convert -q -f raw -O vdi in/disk out", "VDI image"),
        ("qemu-img convert -q -f raw -O vhdx in/disk out", "VHDX image"),
        ("qemu-img convert -q -f raw -O vpc in/disk out", "VHD image"),
        ("qemu-img convert -q -f raw -O vpc -o subformat=fixed in/disk out", "VHD image"),
    ] {
        let mut bytes = made(&[("in/disk", &disk)], command, "out");
        // Most of what some tools write is empty; a disk that is not packed is known by its end.
        if !command.contains("fixed") {
            bytes.truncate(300_000);
        }
        check_unscanned(&engine, &Object::default(), &bytes, Why::Unsupported(why));
    }
    let mut raw = vec![0];
    raw.extend([0xff; 10]);
    raw.extend([0, 0, 2, 0, 1]);
    raw.extend(&disk);
    let why = Why::Unsupported("image of raw CD sectors");
    check_unscanned(&engine, &Object::default(), &raw, why);
}
