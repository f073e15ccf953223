//! Zips made by the real tools: every method, every way to say sizes, and everything around the archive.

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};

use crate::containers;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, engine, noise, scan,
    test_file,
};

/// `out.zip`, which a command makes of `members`.
fn made(members: &[(&str, &[u8])], command: &str) -> Vec<u8> {
    containers::made(members, command, "out.zip")
}

/// `python3` with a module that writes to something that cannot seek, so that sizes come behind members.
fn streamed(statements: &str) -> String {
    format!(
        "cat > w.py <<'END'
import zipfile, zlib
class Pipe:
    def __init__(self): self.file = open('out.zip', 'wb')
    def write(self, data): return self.file.write(data)
    def flush(self): self.file.flush()
{statements}
END
python3 w.py"
    )
}

#[test]
fn what_zip_and_seven_zip_and_python_write_is_read() {
    let engine = eicar_engine(Limits::default());
    let eicar = test_file();
    let noise = noise(70_000, 3);
    let members: [(&str, &[u8]); 2] = [("d/noise", &noise), ("d/eicar.com", &eicar)];
    let commands = [
        "zip -qr out.zip d".to_owned(),
        "zip -qr0 out.zip d".to_owned(),
        "zip -qr9 - d > out.zip".to_owned(),
        "zip -qr -fz out.zip d".to_owned(),
        "7z a -tzip -mm=Copy out.zip d".to_owned(),
        "7z a -tzip -mm=Deflate out.zip d".to_owned(),
        "7z a -tzip -mm=Deflate64 -mx=9 out.zip d".to_owned(),
        "7z a -tzip -mm=BZip2 out.zip d".to_owned(),
        "7z a -tzip -mm=LZMA out.zip d".to_owned(),
        "7z a -tzip -mm=XZ out.zip d".to_owned(),
        // As it comes out of a pipe.
        "zip -qr -fz - d | cat > out.zip".to_owned(),
        streamed(
            "with zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED) as z:
    z.write('d/noise'); z.write('d/eicar.com')",
        ),
        streamed(
            "with zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_STORED) as z:
    z.write('d/noise'); z.write('d/eicar.com')",
        ),
        streamed(
            "with zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_STORED) as z:
    for name in ['d/noise', 'd/eicar.com']:
        with z.open(name, 'w', force_zip64=True) as f: f.write(open(name, 'rb').read())",
        ),
    ];
    for command in commands {
        let bytes = made(&members, &command);
        check_infected(&engine, &Object::default(), &bytes, EICAR, "zip:d/eicar.com");
        let clean = made(
            &members[..1],
            &command.replace("z.write('d/eicar.com')", "").replace(", 'd/eicar.com'", ""),
        );
        check_clean(&engine, &Object::default(), &clean);
        let cut = &clean[..clean.len() / 2];
        check_unscanned(&engine, &Object::default(), cut, Why::Broken("zip: ends early"));
    }
}

#[test]
fn an_archive_is_found_at_any_depth() {
    // Blanks behind the test file belong to it, and let it be packed.
    let member = [test_file(), vec![b' '; 60]].concat();
    let members: [(&str, &[u8]); 1] = [("0", &member)];
    for depth in [1_u32, 2, 15] {
        let nest =
            format!("for i in $(seq {depth}); do zip -q n 0; mv n.zip 0; done; mv 0 out.zip");
        let bytes = made(&members, &nest);
        let path = "zip:0>".repeat(usize::try_from(depth).expect("small"));
        let path = path.trim_end_matches('>');
        check_infected(&eicar_engine(Limits::default()), &Object::default(), &bytes, EICAR, path);
        let limits = Limits { layers_max: depth, ..Limits::default() };
        let why = Why::Limit(Limit::MaxRecursion);
        check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, why);
    }
}

#[test]
fn an_archive_is_found_behind_anything() {
    let engine = eicar_engine(Limits::default());
    let member = [test_file(), vec![b' '; 60]].concat();
    let bytes = made(&[("eicar.com", &member)], "zip -q out.zip eicar.com");
    let program = [&b"MZ"[..], &[0; 900]].concat();
    let prefixes: [&[u8]; 6] =
        [b"PK00", b"PK\x05\x06", b"#!/bin/sh\nexit\n", b"GIF89a", &program, &noise(40_000, 8)];
    for prefix in prefixes {
        for suffix in [&b""[..], b"PK", &noise(30_000, 9)] {
            let whole = [prefix, &bytes, suffix].concat();
            check_infected(&engine, &Object::default(), &whole, EICAR, "zip:eicar.com");
        }
    }
    // A program that unpacks itself, as zip makes it of one.
    let members: [(&str, &[u8]); 2] = [("program", &program), ("eicar.com", &member)];
    let command = "zip -q a.zip eicar.com; cat program a.zip > out.zip; zip -qA out.zip";
    check_infected(&engine, &Object::default(), &made(&members, command), EICAR, "zip:eicar.com");
}

#[test]
fn what_is_encrypted_is_said_and_what_lies_beside_it_is_scanned() {
    let engine = eicar_engine(Limits::default());
    let noise = noise(5_000, 5);
    let members: [(&str, &[u8]); 2] = [("a", &noise), ("b", &test_file())];
    for lock in [
        "zip -q -P secret out.zip a",
        "7z a -tzip -psecret -mem=AES256 out.zip a",
        "7z a -tzip -psecret -mem=ZipCrypto out.zip a",
        // Sizes behind an encrypted member.
        "zip -q -P secret - a > out.zip",
    ] {
        let bytes = made(&members, lock);
        check_unscanned(&engine, &Object::default(), &bytes, Why::Encrypted);
        let both = made(&members, &format!("{lock}; zip -q out.zip b"));
        check_infected(&engine, &Object::default(), &both, EICAR, "zip:b");
    }
    let packed = made(&members, "7z a -tzip -mm=PPMd out.zip a");
    check_unscanned(&engine, &Object::default(), &packed, Why::Unsupported("zip: ppmd"));
}

#[test]
fn a_member_without_a_line_in_the_directory_is_scanned() {
    let engine = eicar_engine(Limits::default());
    let noise = noise(5_000, 5);
    let member = [test_file(), vec![b' '; 60]].concat();
    let members: [(&str, &[u8]); 2] = [("a", &noise), ("b", &member)];
    // Two archives, of which readers see the second one only.
    let bytes = made(&members, "zip -q 1.zip b; zip -q 2.zip a; cat 1.zip 2.zip > out.zip");
    check_infected(&engine, &Object::default(), &bytes, EICAR, "zip:b");
    let clean = made(&members, "zip -q 1.zip a; zip -q 2.zip a; cat 1.zip 2.zip > out.zip");
    check_clean(&engine, &Object::default(), &clean);
}

#[test]
fn thousands_of_small_members_are_all_looked_at() {
    let engine = eicar_engine(Limits::default());
    let members: [(&str, &[u8]); 1] = [("eicar", &test_file())];
    let make = |last: &str| {
        format!(
            "cat > w.py <<'END'
import zipfile
with zipfile.ZipFile('out.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for n in range(4200):
        z.writestr('xl/part%d.xml' % n, '<?xml version=\"1.0\"?><row>%s</row>' % (n * 'cell '[: n % 5]))
{last}
END
python3 w.py"
        )
    };
    let clean = made(&members, &make(""));
    let bytes = made(&members, &make("    z.write('eicar')"));
    // So many layers take their time: two ways of cutting are enough here.
    for piece_bytes in [4_099, usize::MAX] {
        assert_eq!(scan(&engine, &Object::default(), &clean, piece_bytes), Verdict::Clean);
        let Verdict::Infected(found) = scan(&engine, &Object::default(), &bytes, piece_bytes)
        else {
            panic!("not found in pieces of {piece_bytes}");
        };
        assert_eq!((&*found.name, &*found.path), (EICAR, "zip:eicar"));
    }
}

#[test]
fn a_bomb_is_bounded_and_what_lies_in_front_of_it_is_found() {
    let engine = eicar_engine(Limits::default());
    let members: [(&str, &[u8]); 1] = [("0", &test_file())];
    let bomb = "cp 0 eicar; head -c 40000000 /dev/zero > zeros; zip -q out.zip";
    let clean = made(&members, &format!("{bomb} zeros"));
    let why = Why::Limit(Limit::MaxCompressionRatio);
    check_unscanned(&engine, &Object::default(), &clean, why);
    let found = made(&members, &format!("{bomb} eicar zeros"));
    check_infected(&engine, &Object::default(), &found, EICAR, "zip:eicar");
}

#[test]
fn conditions_on_an_office_document_are_met_by_what_is_in_its_folder() {
    let lines = "Word;Engine:81-255,Container:CL_TYPE_OOXML_WORD,Target:0;0;6d61726b6564\n\
        Zip;Engine:81-255,Container:CL_TYPE_ZIP,Target:0;0;6d61726b6564\n";
    let engine = engine(&[("a.ldb", lines)], Limits::default());
    let marked = [&b"marked "[..], &[b'.'; 60]].concat();
    let members: [(&str, &[u8]); 3] =
        [("[Content_Types].xml", b"<types/>"), ("word/document.xml", &marked), ("x", &marked)];
    let document = made(&members, "zip -q out.zip '[Content_Types].xml' word/document.xml");
    let path = "zip:word/document.xml";
    check_infected(&engine, &Object::default(), &document, "Word.UNOFFICIAL", path);
    let other = made(&members, "zip -q out.zip '[Content_Types].xml' x");
    check_infected(&engine, &Object::default(), &other, "Zip.UNOFFICIAL", "zip:x");
}

#[test]
fn a_member_that_is_too_long_hides_no_other() {
    let engine = eicar_engine(Limits { object_bytes_max: 20_000, ..Limits::default() });
    let members: [(&str, &[u8]); 2] = [("0", &vec![b' '; 300_000]), ("1", &test_file())];
    let bytes = made(&members, "zip -q out.zip 0 1");
    check_infected(&engine, &Object::default(), &bytes, EICAR, "zip:1");
    let clean = made(&members[..1], "zip -q out.zip 0");
    check_unscanned(&engine, &Object::default(), &clean, Why::Limit(Limit::MaxFileSize));
}

/// What looks like the header of a member in front of an archive, and says of itself that it covers it.
#[test]
fn a_header_that_is_none_hides_nothing() {
    let engine = eicar_engine(Limits::default());
    let zip = made(&[("a", &test_file())], "zip -q out.zip a");
    let header = |packed: u32, name: u16, extra: u16| {
        let mut bytes = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
        bytes.extend([0; 8]);
        bytes.extend(packed.to_le_bytes());
        bytes.extend(100_u32.to_le_bytes());
        bytes.extend(name.to_le_bytes());
        bytes.extend(extra.to_le_bytes());
        bytes
    };
    let long_name = header(40, u16::MAX, u16::MAX);
    let short_name = header(40, 400, 0);
    let large = [header(1 << 20, 1, 0), b"n\xff\xff\xff\xff".to_vec()].concat();
    for front in [b"\x7fwords ".to_vec(), b"<html>words ".to_vec(), b"%PDF-1.4\n".to_vec()] {
        for trap in [&long_name, &short_name, &large] {
            for behind in [0, 500] {
                let bytes = [&front[..], trap, &zip, &vec![b' '; behind]].concat();
                let verdict = crate::kit::verdict(&engine, &Object::default(), &bytes);
                let is_found = format!("{verdict:?}").contains(EICAR);
                assert!(is_found, "{front:?} {:?} {behind}: {verdict:?}", &trap[18..]);
            }
        }
    }
}
