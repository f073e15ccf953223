//! Archives behind programs, as self-extracting ones are, and installers.

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::Why;

use crate::containers::made;
use crate::kit::{EICAR, check_clean, check_infected, check_unscanned, eicar_engine, gzip, noise};

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
        assert_ne!(verdict, baleen::engine::verdict::Verdict::Clean, "{command}");
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
        assert_ne!(cut, baleen::engine::verdict::Verdict::Clean, "{compressor}");
    }
}
