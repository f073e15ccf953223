//! ClamAV's test files: one program, with another one or an archive of it inside, packed by ten packers.

use std::path::PathBuf;

use super::super::Suspect;
use crate::engine::file_type::HEAD_BYTES;
use crate::engine::unpack::Whole;
use crate::engine::unpack::tests::walk::check_opened;
use crate::engine::verdict::Why;

/// A file of the set. `None`, said aloud, when the data is not there.
fn carrier(name: &str) -> Option<Vec<u8>> {
    let named = std::env::var_os("BALEEN_TEST_DATA").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../data");
    let path = named.unwrap_or(beside).join("gpl2-clamav-testfiles").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {} is not there (set BALEEN_TEST_DATA)", path.display());
    }
    bytes
}

#[test]
fn what_ten_packers_packed_comes_out() {
    let Some(inside) = carrier("clam.exe") else { return };
    // What the program holds, and what of it cannot be seen.
    let rows = [
        ("clam-aspack.exe", true, None),
        ("clam-mew.exe", false, None),
        ("clam-pespin.exe", true, None),
        ("clam-petite.exe", false, None),
        ("clam-upack.exe", false, None),
        ("clam-upx.exe", true, None),
        // It writes over its last bytes before it reads them, and gets lost.
        ("clam-wwpack.exe", false, Some(Why::Unsupported("program packed by WWPack"))),
        ("clam-yc.exe", true, None),
    ];
    for (name, is_plain, missed) in rows {
        let Some(file) = carrier(name) else { continue };
        let head = &file[..file.len().min(HEAD_BYTES)];
        let suspect = Suspect::of(head).expect(name);
        let walked = check_opened(Whole::Packed(suspect), &file);
        let unpacked = &walked.members[0];
        assert_eq!(
            (unpacked.label.as_str(), unpacked.fate),
            ("unpacked", Some(missed.map_or(Ok(()), Err)))
        );
        let holds = |bytes: &[u8]| memchr::memmem::find(&unpacked.bytes, bytes).is_some();
        if is_plain {
            let whole = walked.members[1..].iter().any(|member| member.bytes == inside);
            assert!(whole && holds(&inside), "{name}");
        } else {
            assert!(holds(b"PK\x03\x04") && holds(b"clam.exe"), "{name}");
        }
        // What came out is not taken for packed again.
        assert_eq!(Suspect::of(&unpacked.bytes[..HEAD_BYTES]), None, "{name}");
    }
}
