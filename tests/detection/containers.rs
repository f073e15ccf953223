//! Members of containers made by the real tools: found at any depth and with the way to them, and what
//! cannot be seen is never clean.

use std::fs;
use std::path::Path;
use std::process::Command;

use baleen::engine::Object;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};

use crate::kit::{EICAR, check_clean, check_infected, check_unscanned, eicar_engine, gzip, noise};

/// Runs a command in a folder of its own that holds `members`, and gives the file that it made.
pub(crate) fn made(members: &[(&str, &[u8])], command: &str, result: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in members {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or_else(|| Path::new(""))).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    let output = Command::new("sh").args(["-ec", command]).current_dir(folder.path()).output();
    let output = output.expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.path().join(result)).expect("the result")
}

#[test]
fn every_dialect_of_tar_is_read() {
    let engine = eicar_engine(Limits::default());
    let eicar = eicar();
    let long = format!("{}/eicar.com", "d".repeat(90));
    for dialect in ["v7", "oldgnu", "gnu", "ustar", "pax"] {
        for (name, is_long) in [("eicar.com", false), (long.as_str(), true)] {
            if dialect == "v7" && is_long {
                continue;
            }
            let members: [(&str, &[u8]); 2] = [("noise", &noise(70_000, 3)), (name, &eicar)];
            let command = format!("tar --format={dialect} -cf out.tar noise {name}");
            let bytes = made(&members, &command, "out.tar");
            let path = format!("tar:{name}");
            check_infected(&engine, &Object::default(), &bytes, EICAR, &path);
            check_infected(
                &engine,
                &Object::default(),
                &gzip(&bytes),
                EICAR,
                &format!("gzip>{path}"),
            );
            let clean = made(&members[..1], "tar -cf out.tar noise", "out.tar");
            check_clean(&engine, &Object::default(), &clean);
            let reason = Why::Broken("tar: ends early");
            check_unscanned(&engine, &Object::default(), &clean[..50_000], reason);
        }
    }
}

#[test]
fn a_container_in_a_container_is_opened_up_to_the_limit() {
    let members: [(&str, &[u8]); 1] = [("eicar.com", &eicar())];
    let nest =
        "gzip eicar.com; mv eicar.com.gz 0; for i in $(seq 15); do tar -cf n 0; mv n 0; done";
    let bytes = made(&members, nest, "0");
    let path = format!("{}gzip", "tar:0>".repeat(15));
    check_infected(&eicar_engine(Limits::default()), &Object::default(), &bytes, EICAR, &path);
    let limits = Limits { layers_max: 16, ..Limits::default() };
    let reason = Why::Limit(Limit::MaxRecursion);
    check_unscanned(&eicar_engine(limits), &Object::default(), &bytes, reason);
}

#[test]
fn more_members_than_allowed_are_not_clean() {
    let members: [(&str, &[u8]); 1] = [("noise", &noise(100, 9))];
    let command = "for i in $(seq 30); do cp noise n$i; done; tar -cf out.tar n*";
    let bytes = made(&members, command, "out.tar");
    check_clean(&eicar_engine(Limits::default()), &Object::default(), &bytes);
    let engine = eicar_engine(Limits { objects_max: 20, ..Limits::default() });
    check_unscanned(&engine, &Object::default(), &bytes, Why::Limit(Limit::MaxFiles));
}
