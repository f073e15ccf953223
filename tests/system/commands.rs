//! What all commands have in common: help, version, exit codes, colours.

use std::io::Write as _;

use baleen::engine::database::builtin::eicar;
use serde_json::json;

use crate::fixture::gateway::baleen;
use crate::{run, said};

#[test]
fn help_shows_every_command_and_the_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0, "{help:?}");
    for word in ["squid", "doctor", "selftest", "Exit codes", "Examples"] {
        assert!(help.stdout.contains(word), "{word} is missing:\n{}", help.stdout);
    }
    for command in [&["squid", "--help"][..], &["doctor", "--help"], &["selftest", "--help"]] {
        let help = run(command);
        assert!(help.code == 0 && help.stdout.contains("Exit codes"), "{command:?}: {help:?}");
    }
}

#[test]
fn the_version_is_the_one_of_the_package() {
    assert_eq!(run(&["--version"]).stdout, format!("baleen {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_not_understood_ends_with_2_and_says_what_was_meant() {
    let typo = run(&["selftset"]);
    assert_eq!((typo.code, typo.stderr.contains("selftest")), (2, true), "{typo:?}");
}

#[test]
fn a_scan_tells_its_layers_as_a_tree() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    coder.write_all(&eicar()).expect("a Vec takes everything");
    let file = folder.path().join("a.gz");
    std::fs::write(&file, coder.finish().expect("a Vec takes everything")).expect("a file");
    let name = file.to_str().expect("UTF-8");
    let said = run(&["scan", "--all", "--format", "json", name]);
    assert_eq!(said.code, 1, "{said:?}");
    let row: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let (root, inside) = (&row["layers"], &row["layers"]["inside"][0]);
    assert_eq!((&root["type"], &root["verdict"]), (&json!("CL_TYPE_GZ"), &json!("infected")));
    assert_eq!(root["detections"], json!(null), "it is in the layer inside: {row}");
    assert_eq!((&inside["name"], &inside["complete"]), (&json!("gzip"), &json!(true)));
    assert_eq!(inside["detections"], json!(["Eicar-Test-Signature.UNOFFICIAL"]));
    assert_eq!((&inside["bytes"], inside["sha256"].as_str()), (&json!(68), Some(EICAR_SHA256)));
    assert!(inside["milliseconds"].as_f64() <= root["milliseconds"].as_f64(), "{row}");
}

#[test]
fn nothing_is_coloured_when_the_output_is_no_terminal() {
    let plain = said(baleen().args(["doctor", "--listen", "127.0.0.1:0"]).env_remove("NO_COLOR"));
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
}

/// As published.
const EICAR_SHA256: &str = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";
