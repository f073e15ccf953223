//! Archives behind programs, as self-extracting ones are, and installers.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Verdict;

use crate::containers::made;
use crate::kit::{EICAR, check_clean, check_infected, eicar_engine, gzip, noise};

/// What begins as a program, and has the magic numbers of all archives in it.
fn program() -> Vec<u8> {
    let mut bytes = noise(40_000, 12);
    bytes[..2].copy_from_slice(b"MZ");
    bytes.extend(
        b"7z\xbc\xaf\x27\x1c\0\x04....Rar!\x1a\x07\0....Rar!\x1a\x07\x01\0....MSCF\0\0\0\0....",
    );
    bytes.extend(b"\x60\xea\x60\xea..PK\x03\x04..");
    bytes.extend(noise(70_000, 13));
    bytes
}

#[test]
fn archives_behind_programs_are_opened() {
    let engine = eicar_engine(Limits::default());
    let program = program();
    check_clean(&engine, &Object::default(), &program);
    let members: [(&str, &[u8]); 2] = [("a", &noise(50_000, 3)), ("e.gz", &gzip(&eicar()))];
    for (command, result, path) in [
        ("7z a -bd o.7z a e.gz >&2", "o.7z", "sfx>7z:e.gz>gzip"),
        ("gcab -c o.cab a e.gz >&2", "o.cab", "sfx>cab:e.gz>gzip"),
        ("arj a -y o.arj a e.gz >&2", "o.arj", "sfx>arj:e.gz>gzip"),
        ("zip -q o.zip a e.gz", "o.zip", "zip:e.gz>gzip"),
    ] {
        let archive = made(&members, command, result);
        for between in [0, 1, 7] {
            let bytes = [&program[..], &vec![b'.'; between], &archive].concat();
            let found = crate::kit::verdict(&engine, &Object::default(), &bytes);
            let text = format!("{found:?}");
            let is_found = text.contains(EICAR) && text.contains(&format!("{path:?}"));
            assert!(is_found, "{command}, {between} bytes between: {text}");
        }
        let cut = [&program[..], &archive[..archive.len() - 9]].concat();
        let verdict = crate::kit::verdict(&engine, &Object::default(), &cut);
        assert_ne!(verdict, Verdict::Clean, "{command}");
    }
    for version in [rars::ArchiveVersion::Rar40, rars::ArchiveVersion::Rar50] {
        let mut builder = rars::Builder::new(version);
        builder.add_bytes(b"e.gz".to_vec(), gzip(&eicar()), None, None).expect("a member");
        let bytes = [&program[..], &builder.to_bytes().expect("an archive")].concat();
        check_infected(&engine, &Object::default(), &bytes, EICAR, "sfx>rar:e.gz>gzip");
    }
}

#[test]
fn files_of_installers_are_found() {
    let engine = eicar_engine(Limits::default());
    let members: [(&str, &[u8]); 2] = [("a", &noise(50_000, 3)), ("e.gz", &gzip(&eicar()))];
    for compressor in ["zlib", "/SOLID zlib", "lzma", "/SOLID lzma", "bzip2", "/SOLID bzip2"] {
        let script = format!(
            "printf 'SetCompressor {compressor}\\nOutFile o.exe\\nSection\\nFile a\\nFile e.gz\\nSectionEnd\\n' \
             > s.nsi; makensis -V2 s.nsi >&2"
        );
        let bytes = made(&members, &script, "o.exe");
        let verdict = crate::kit::verdict(&engine, &Object::default(), &bytes);
        let text = format!("{verdict:?}");
        assert!(text.contains(EICAR) && text.contains("sfx>nsis:2>gzip"), "{compressor}: {text}");
        let cut = crate::kit::verdict(&engine, &Object::default(), &bytes[..bytes.len() - 50]);
        assert_ne!(cut, Verdict::Clean, "{compressor}");
    }
}

/// Archives with a member, as the real tools make them, with what their layers are called.
pub(crate) fn archives(members: &[(&str, &[u8]); 1]) -> Vec<(&'static str, Vec<u8>)> {
    let mut all = Vec::new();
    for (name, command, result) in [
        ("7z", "7z a -bd o.7z *.gz >&2", "o.7z"),
        ("cab", "gcab -c o.cab *.gz >&2", "o.cab"),
        ("arj", "arj a -y o.arj *.gz >&2", "o.arj"),
        ("lha", "jlha a0 o.lzh *.gz >&2", "o.lzh"),
        ("lha", "jlha a2 o.lzh *.gz >&2", "o.lzh"),
    ] {
        all.push((name, made(members, command, result)));
    }
    for version in [rars::ArchiveVersion::Rar40, rars::ArchiveVersion::Rar50] {
        let mut builder = rars::Builder::new(version);
        let [(name, bytes)] = members;
        builder.add_bytes(name.as_bytes().to_vec(), bytes.to_vec(), None, None).expect("a member");
        all.push(("rar", builder.to_bytes().expect("an archive")));
    }
    all
}

#[test]
fn an_archive_hides_none_behind_it() {
    let engine = eicar_engine(Limits::default());
    let quiet = archives(&[("a.gz", &gzip(&noise(3_000, 4)))]);
    let hiding = archives(&[("e.gz", &gzip(&eicar()))]);
    for (front, clean) in &quiet {
        check_clean(&engine, &Object::default(), clean);
        for (name, archive) in &hiding {
            let path = format!("sfx>{name}:e.gz>gzip");
            let both = [&clean[..], archive].concat();
            if clean.starts_with(b"Rar!\x1a\x07\0") {
                // The writer sets no end mark, without which the rest is one of it, and is damaged.
                let found = crate::kit::verdict(&engine, &Object::default(), &both);
                assert_ne!(found, Verdict::Clean, "{name}");
                continue;
            }
            check_infected(&engine, &Object::default(), &both, EICAR, &path);
            let carried = [&program()[..], clean, b".....", archive].concat();
            let found = crate::kit::scan(&engine, &Object::default(), &carried, 4_096);
            let text = format!("{found:?}");
            assert!(text.contains(&format!("sfx>{path}")), "{front}, {name}: {text}");
        }
    }
}

#[test]
fn archives_behind_texts_and_documents_are_opened() {
    let engine = eicar_engine(Limits::default());
    let text = "A text of some lines, as a script has them.\n".repeat(40);
    let document = "%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";
    for (name, archive) in archives(&[("e.gz", &gzip(&eicar()))]) {
        for front in [&text, document] {
            let bytes = [front.as_bytes(), &archive].concat();
            let path = format!("sfx>{name}:e.gz>gzip");
            check_infected(&engine, &Object::default(), &bytes, EICAR, &path);
        }
    }
}

#[test]
fn a_header_that_is_odd_hides_no_archive() {
    let engine = eicar_engine(Limits::default());
    let mut cabinet = made(&[("e.gz", &gzip(&eicar()))], "gcab -c o.cab e.gz >&2", "o.cab");
    // Words that every reader passes over.
    for at in [4, 12, 20] {
        cabinet[at] = 1;
    }
    check_infected(&engine, &Object::default(), &cabinet, EICAR, "cab:e.gz>gzip");
    let carried = [&program()[..], &cabinet].concat();
    check_infected(&engine, &Object::default(), &carried, EICAR, "sfx>cab:e.gz>gzip");
    // Sums behind which unrar goes on.
    for (version, at) in [(rars::ArchiveVersion::Rar40, 7), (rars::ArchiveVersion::Rar50, 8)] {
        let mut builder = rars::Builder::new(version);
        builder.add_bytes(b"e.gz".to_vec(), gzip(&eicar()), None, None).expect("a member");
        let mut archive = builder.to_bytes().expect("an archive");
        archive[at] ^= 1;
        let bytes = [&program()[..], &archive].concat();
        check_infected(&engine, &Object::default(), &bytes, EICAR, "sfx>rar:e.gz>gzip");
    }
}

#[test]
fn what_only_begins_as_an_archive_hides_none() {
    let engine = eicar_engine(Limits::default());
    let mut builder = rars::Builder::new(rars::ArchiveVersion::Rar50);
    builder.add_bytes(b"e.gz".to_vec(), gzip(&eicar()), None, None).expect("a member");
    // As long as a header of ARJ may be, which this is not.
    let bait = [&b"\x60\xea\x20\x0a\x1e\0\0\0\0\0\x02"[..], &[b'.'; 60]].concat();
    for front in [program(), vec![b'x'; 900]] {
        let bytes = [&front[..], &bait, &builder.to_bytes().expect("an archive"), &[0; 4_000]];
        check_infected(&engine, &Object::default(), &bytes.concat(), EICAR, "sfx>rar:e.gz>gzip");
    }
}
