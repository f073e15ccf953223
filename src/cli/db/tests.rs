//! Tests of `baleen db`: what is printed, and why it fails.

use std::fs;
use std::path::Path;

use super::print::utc;
use super::*;

/// Stands for the engine: looks for the digest of the whole object only.
fn scan(image: &Image, bytes: &[u8]) -> Option<String> {
    use crate::engine::database::signature::Purpose;
    use crate::engine::digest::{Kinds, Running};
    let mut running = Running::new(Kinds::ALL);
    running.update(bytes);
    let computed = running.finish();
    let size = bytes.len() as u64;
    let tables = image.digests();
    let mut digests = computed.iter();
    let entry = digests.find_map(|digest| tables.lookup(Purpose::Detect, digest, size))?;
    Some(image.name(entry.name).into_owned())
}

fn output(command: &Command) -> Result<String, String> {
    let tools = Tools { now_seconds: 1_700_000_000, scan: &scan };
    let mut out = Vec::new();
    match run_to(command, tools, &mut out) {
        Ok(()) => Ok(String::from_utf8_lossy(&out).into_owned()),
        Err(Failure(text)) => Err(text),
    }
}

fn sources(db: &[&Path]) -> SourceArgs {
    SourceArgs {
        db: db.iter().map(|path| path.to_path_buf()).collect(),
        level: 214,
        ..SourceArgs::default()
    }
}

#[test]
fn build_info_and_test_of_the_embedded_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    let built = output(&Command::Build(BuildArgs { sources: sources(&[]), output: path.clone() }));
    let built = built.expect("the embedded database builds");
    assert!(built.contains("signatures   2\n  patterns   1\n"), "{built}");
    assert!(built.contains("built        2023-11-14 22:13:20 UTC\n"), "{built}");
    let info = |json| {
        output(&Command::Info(InfoArgs { sources: sources(&[]), image: Some(path.clone()), json }))
    };
    assert_eq!(info(false), Ok(built));
    let json: serde_json::Value =
        serde_json::from_str(&info(true).expect("an image")).expect("JSON");
    assert_eq!(json["facts"]["detected"]["md5"], 1);
    let tested = output(&Command::Test(TestArgs { image: path }));
    let tested = tested.expect("the test file is detected");
    assert!(tested.contains("detected as Eicar-Test-Signature.UNOFFICIAL"), "{tested}");
}

#[test]
fn problems_are_shown_with_their_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.ndb"), "A:0:*:616263\nB:0:*:6z\n").expect("a file");
    fs::write(folder.path().join("b.cbc"), "not read\n").expect("a file");
    let args = InfoArgs { sources: sources(&[folder.path()]), image: None, json: false };
    let info = output(&Command::Info(args)).expect("files");
    assert!(info.contains("not supported yet: 1\n  1          bytecode\n"), "{info}");
    let place = "a.ndb: line 2, column 8: found 'z', allowed: a second hex digit or '?'\n";
    assert!(info.contains(place), "{info}");
    assert!(info.ends_with("b.cbc: not read: the format is not supported yet\n"), "{info}");
}

#[test]
fn formats_and_refused_containers_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.ndb"), "A:0:*:616263\nB:0:*:616264\n").expect("a file");
    fs::write(folder.path().join("main.cvd"), "ClamAV-VDB:now:1:77:90:x:y:me:1").expect("a file");
    let info = |json| {
        let sources = sources(&[folder.path()]);
        output(&Command::Info(InfoArgs { sources, image: None, json })).expect("files")
    };
    let text = info(false);
    assert!(text.contains("formats      1\n  ndb        2\n"), "{text}");
    assert!(text.contains("  77         containers that were refused\n"), "{text}");
    let why = "main.cvd: not read: the container is refused: the header is not valid: field 1\n";
    assert!(text.contains(why), "{text}");
    let json: serde_json::Value = serde_json::from_str(&info(true)).expect("JSON");
    assert_eq!(json["formats"]["ndb"], 2);
    assert_eq!(json["files"][1]["not_read"], "container-refused");
    let output_path = folder.path().join("image");
    let args = BuildArgs { sources: sources(&[folder.path()]), output: output_path.clone() };
    let text = output(&Command::Build(args)).expect_err("a container is refused");
    assert!(text.starts_with("main.cvd: the container is refused"), "{text}");
    assert!(!output_path.exists());
}

#[test]
fn failures_say_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("image");
    fs::write(&path, "not an image").expect("a file");
    let test = output(&Command::Test(TestArgs { image: path.clone() }));
    let text = test.expect_err("not an image");
    assert!(text.ends_with("image: 12 bytes are too few for an image"), "{text}");
    let database = folder.path().join("a.ndb");
    fs::write(&database, "A:0:*:616263\n").expect("a file");
    let args = BuildArgs { sources: sources(&[&database]), output: path.clone() };
    output(&Command::Build(args)).expect("a database");
    let text = output(&Command::Test(TestArgs { image: path })).expect_err("no EICAR");
    assert!(text.starts_with("the EICAR test file is not detected"), "{text}");
}

#[test]
fn dates() {
    assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
    assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
    assert_eq!(utc(1_709_251_199), "2024-02-29 23:59:59 UTC");
    assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00 UTC");
}
