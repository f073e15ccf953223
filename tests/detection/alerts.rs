//! Alerts: ClamAV's names for what could not be scanned, where they are asked for.

use std::process::Command;
use std::sync::Arc;

use baleen::engine::alerts::Alerts;
use baleen::engine::database::builtin::eicar;
use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Why};
use baleen::engine::{Engine, Object};

use crate::containers::made;
use crate::kit::{
    EICAR, check_clean, check_infected, check_unscanned, eicar_engine_with, noise, test_file,
};

fn engine(limits: Limits, alerts: Alerts) -> Arc<Engine> {
    eicar_engine_with(limits, |engine| engine.with_alerts(alerts))
}

const NONE: Alerts = Alerts {
    encrypted_archives: false,
    encrypted_documents: false,
    limits: false,
    broken: false,
    macros: false,
};

/// The name that clamscan gives a file with a switch of its own on.
fn clamscan(bytes: &[u8], switch: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("a.ndb");
    std::fs::write(&database, "Nothing:0:*:00112233445566778899aabbccddeeff\n").expect("a file");
    let file = folder.path().join("sample");
    std::fs::write(&file, bytes).expect("a file");
    let output = Command::new("clamscan")
        .args(["--no-summary", switch, "-d"])
        .args([&database, &file])
        .output()
        .expect("sh tests/run installs clamscan");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = text.trim_end().strip_suffix(" FOUND").and_then(|text| text.rsplit(' ').next());
    name.unwrap_or("-").to_owned()
}

#[test]
fn what_is_encrypted_is_called_as_clamscan_calls_it() {
    let object = Object::default();
    let members: [(&str, &[u8]); 2] = [("a", &test_file()), ("b", &noise(900, 3))];
    let zip = made(&members, "zip -q -P pass out.zip b", "out.zip");
    let name = "Heuristics.Encrypted.Zip";
    let asked = engine(Limits::default(), Alerts { encrypted_archives: true, ..NONE });
    check_infected(&asked, &object, &zip, name, "zip:b");
    assert_eq!(clamscan(&zip, "--alert-encrypted=yes"), name);
    let silent = engine(Limits::default(), Alerts { encrypted_documents: true, ..NONE });
    check_unscanned(&silent, &object, &zip, Why::Encrypted);
    // A signature says more, also when it comes later.
    let both = made(&members, "zip -q -P pass out.zip b && zip -q out.zip a", "out.zip");
    check_infected(&asked, &object, &both, EICAR, "zip:a");
    let nest = made(&[("in.zip", &zip)], "tar cf out.tar in.zip", "out.tar");
    check_infected(&asked, &object, &nest, name, "tar:in.zip>zip:b");
}

#[test]
fn limits_and_damage_have_names() {
    let object = Object::default();
    let bytes = made(&[("a", &noise(90_000, 3)), ("b", &eicar())], "zip -q out.zip a b", "out.zip");
    let limits = Limits { object_bytes_max: 20_000, ..Limits::default() };
    let tight = engine(limits, Alerts { limits: true, ..NONE });
    let name = "Heuristics.Limits.Exceeded.MaxFileSize";
    let long = made(&[("a", &vec![b' '; 90_000])], "zip -q out.zip a", "out.zip");
    check_infected(&tight, &object, &long, name, "zip:a");
    check_unscanned(&engine(limits, NONE), &object, &long, Why::Limit(Limit::MaxFileSize));
    let short = &bytes[..50_000];
    let broken = engine(Limits::default(), Alerts { broken: true, ..NONE });
    check_infected(&broken, &object, short, "Heuristics.Broken", "zip:a");
    check_clean(&broken, &object, &noise(5_000, 9));
}
