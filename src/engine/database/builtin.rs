//! The database that is used when the administrator configured none: the EICAR test file only.
//!
//! So that a fresh installation can show that it works. The test string is put together at run
//! time: neither the source nor the program contains it, or scanners would take them for it.
//!
//! Two signatures of one name: the digest of the file as its authors define it, 68 bytes, and its text
//! anywhere, so that the first thing people try, a form with the file in it, is seen too. A page that quotes
//! the whole text is found as well; with signatures of one's own this database is not there.

use super::build::BuildOptions;
use super::sources::Sources;

/// The embedded sources, loaded.
#[must_use]
pub fn builtin_sources(options: BuildOptions) -> Sources {
    use md5::Digest as _;
    let eicar = eicar();
    let mut hex = String::new();
    for byte in &eicar {
        hex.push_str(&format!("{byte:02x}"));
    }
    let mut digest = String::new();
    for byte in md5::Md5::digest(&eicar) {
        digest.push_str(&format!("{byte:02x}"));
    }
    let mut sources = Sources::new(options);
    let length = eicar.len();
    sources.add_file("builtin.hdb", format!("{digest}:{length}:{NAME}\n").as_bytes());
    sources.add_file("builtin.ndb", format!("{NAME}:0:*:{hex}\n").as_bytes());
    sources
}

/// The 68 bytes of the test file.
#[must_use]
pub fn eicar() -> Vec<u8> {
    // One half has every second character, the other half those between them.
    let (even, odd) = ("XOP@P4PX4P)C)}ECRSADR-NIIU-ETFL!HH", "5!%A[\\Z5(^7C7$IA-TNADATVRSTS-IE$+*");
    let pairs = even.bytes().zip(odd.bytes());
    pairs.flat_map(|(first, second)| [first, second]).collect()
}

const NAME: &str = "Eicar-Test-Signature";
