//! Zips made by the real tools: every method, every way to say sizes, and everything around the archive.

use std::fs;
use std::path::Path;
use std::process::Command;

use baleen::engine::Object;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};

use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine, noise, test_file,
};

/// Runs a command in a folder of its own that holds `members`, and gives `out.zip`, which it makes.
fn made(members: &[(&str, &[u8])], command: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in members {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    let output = Command::new("sh").args(["-ec", command]).current_dir(folder.path()).output();
    let output = output.expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.path().join("out.zip")).expect("the result")
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
fn an_archive_is_found_at_any_depth_and_behind_anything() {
    let members: [(&str, &[u8]); 1] = [("eicar.com", &test_file())];
    for depth in [1, 2, 15] {
        let nest = format!(
            "mv eicar.com 0; for i in $(seq {depth}); do zip -q n 0; mv n.zip 0; done; mv 0 out.zip"
        );
        let bytes = made(&members, &nest);
        let path = vec!["zip:0"; depth].join(">");
        check_infected(&eicar_engine(Limits::default()), &Object::default(), &bytes, EICAR, &path);
        let limits =
            Limits { layers_max: u32::try_from(depth).expect("small"), ..Limits::default() };
        let why = Why::Limit(Limit::MaxRecursion);
        check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, why);
    }
    let engine = eicar_engine(Limits::default());
    let bytes = made(&members, "zip -q out.zip eicar.com");
    let program = [&b"MZ"[..], &[0; 900]].concat();
    let prefixes: [&[u8]; 5] =
        [b"PK00", b"PK\x05\x06", b"#!/bin/sh\nexit\n", &program, &noise(40_000, 8)];
    for prefix in prefixes {
        for suffix in [&b""[..], b"PK", &noise(30_000, 9)] {
            let whole = [prefix, &bytes, suffix].concat();
            check_infected(&engine, &Object::default(), &whole, EICAR, "zip:eicar.com");
        }
    }
}

#[test]
fn a_member_that_is_too_long_hides_no_other() {
    let engine = eicar_engine(Limits { object_bytes_max: 20_000, ..Limits::default() });
    let members: [(&str, &[u8]); 2] = [("0", &[b' '; 300_000]), ("1", &test_file())];
    let bytes = made(&members, "zip -q out.zip 0 1");
    check_infected(&engine, &Object::default(), &bytes, EICAR, "zip:1");
    let clean = made(&members[..1], "zip -q out.zip 0");
    check_unscanned(&engine, &Object::default(), &clean, Why::Limit(Limit::MaxFileSize));
}
