//! ClamAV's own containers, changes and seals: all are good, and nothing that was changed is.
//! They are not part of the project: without them the tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::patch::{Files, Patch};
use super::*;

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("BALEEN_TEST_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = named.unwrap_or_else(beside).join("gpl2-clamav-unittest");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there (set BALEEN_TEST_DATA)", folder.display());
    None
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join("freshclam_testfiles").join(name)).expect("a file of the set")
}

fn trust(folder: &Path) -> Trust {
    let mut trust = Trust::builtin(NOW);
    for name in ["clamav.crt", "clamav-test.crt"] {
        let bytes = fs::read(folder.join("certs").join(name)).expect("a certificate");
        trust.add_certificates(&bytes).expect("a certificate");
    }
    trust
}

#[test]
fn containers_and_seals_are_good() {
    let Some(folder) = folder() else { return };
    let trust = trust(&folder);
    for version in 1..=6_u32 {
        let name = format!("test-{version}.cvd");
        let bytes = read(&folder, &name);
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!(header.version, version);
        assert!(seal::names("test.cvd", &header).contains(&format!("{name}.sign")));
        let sign = read(&folder, &format!("{name}.sign"));
        let good = verify(&name, &bytes, Some(&sign), &trust, Limits::default(), &Alone);
        let good = good.expect("ClamAV signed it");
        assert_eq!((good.signed(), good.sealed()), (Signed::HeaderAndMembers, Sealed::Valid));
        let unchecked =
            verify(&name, &bytes, Some(&sign), &Trust::builtin(NOW), Limits::default(), &Alone);
        assert_eq!(unchecked.expect("good all the same").sealed(), Sealed::NoCertificates);
        let mut members = Vec::new();
        good.each_member(&|_| true, &mut |name, _| members.push(name.to_owned())).expect("members");
        assert!(members.contains(&"test.ndb".to_owned()), "{members:?}");
        assert_eq!(members.len(), good.members().len());
    }
    for version in 2..=6 {
        let name = format!("test-{version}.cdiff");
        let sign = read(&folder, &format!("{name}.sign"));
        assert_eq!(seal::check(&sign, &read(&folder, &name), &trust), Ok(()), "{name}");
    }
}

#[test]
fn no_flipped_bit_of_a_container_is_believed() {
    let Some(folder) = folder() else { return };
    let trust = Trust::builtin(NOW);
    let bytes = read(&folder, "test-1.cvd");
    let header = (0..512).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let rest = (512..bytes.len()).map(|at| (at, at % 8));
    for (at, bit) in header.chain(rest) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        assert!(verified("test.cvd", &changed, &trust).is_err(), "byte {at}, bit {bit}");
    }
}

#[test]
fn no_flipped_bit_of_a_change_is_believed() {
    let Some(folder) = folder() else { return };
    let trust = Trust::builtin(NOW);
    let bytes = read(&folder, "test-2.cdiff");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(Patch::open(&changed, &trust).is_err(), "byte {at}, bit {bit}");
        }
    }
}

/// The window of levels is signed by nobody; every other bit is.
#[test]
fn no_flipped_bit_of_a_seal_is_believed() {
    let Some(folder) = folder() else { return };
    let trust = trust(&folder);
    let (file, text) = (read(&folder, "test-1.cvd"), read(&folder, "test-1.cvd.sign"));
    assert_eq!(seal::check(&text, &file, &trust), Ok(()));
    let window = text.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    let levels = window..window + 3;
    // Every bit of the head, one of every eleventh byte of the rest: a check takes milliseconds.
    let head = (0..levels.end).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let rest = (levels.end..text.len()).step_by(11).map(|at| (at, at % 8));
    let mut believed = Vec::new();
    for (at, bit) in head.chain(rest) {
        let mut changed = text.clone();
        changed[at] ^= 1 << bit;
        if seal::check(&changed, &file, &trust).is_ok() {
            believed.push(at);
        }
    }
    assert!(believed.iter().all(|at| levels.contains(at)), "{believed:?}");
    let mut other = file;
    other[4_000] ^= 1;
    let fault = ContainerFault::Seal("it belongs to another file");
    assert_eq!(seal::check(&text, &other, &trust), Err(fault));
}

#[test]
fn a_seal_needs_its_certificate_and_its_time() {
    let Some(folder) = folder() else { return };
    let (file, text) = (read(&folder, "test-1.cvd"), read(&folder, "test-1.cvd.sign"));
    let at = |now_seconds| seal::check(&text, &file, &Trust { now_seconds, ..trust(&folder) });
    assert_eq!(at(1_700_000_000), Err(ContainerFault::Seal("a certificate is not valid yet")));
    let late = ContainerFault::Seal("a certificate is not valid any more");
    assert_eq!(at(1_900_000_000), Err(late));
    let mut other = Trust::builtin(NOW);
    let certificate = fs::read(folder.join("certs/clamav.crt")).expect("a certificate");
    other.add_certificates(&certificate).expect("a certificate");
    let fault = ContainerFault::Seal("no chain leads to a configured certificate");
    assert_eq!(seal::check(&text, &file, &other), Err(fault.clone()));
    let container = verify("test.cvd", &file, Some(&text), &other, Limits::default(), &Alone);
    assert_eq!(container.map(drop), Err(fault), "a bad seal is never passed over");
}

/// The files of a container, its list included.
fn unpacked(bytes: &[u8]) -> Files {
    let mut files = Files::new();
    archive::each_member(&bytes[512..], &Limits::default(), &mut |member| {
        let mut content = Vec::new();
        member.content.read_to_end(&mut content).expect("a good archive");
        files.insert(member.name.into(), content);
        Ok(())
    })
    .expect("a good archive");
    files
}

#[test]
fn changes_lead_from_version_to_version() {
    let Some(folder) = folder() else { return };
    let trust = Trust::builtin(NOW);
    let mut files = unpacked(&read(&folder, "test-1.cvd"));
    for version in 2..=6_u32 {
        let patch = Patch::open(&read(&folder, &format!("test-{version}.cdiff")), &trust);
        let patch = patch.expect("ClamAV signed it");
        assert_eq!(patch.version(), version);
        let header = patch.apply(&mut files, &trust).expect("it fits");
        assert_eq!(header.version, version);
        assert_eq!(files, unpacked(&read(&folder, &format!("test-{version}.cvd"))));
    }
    let again = Patch::open(&read(&folder, "test-6.cdiff"), &trust).expect("ClamAV signed it");
    let before = files.clone();
    assert!(again.apply(&mut files, &trust).is_err(), "it does not fit twice");
    assert_eq!(files, before);
}
