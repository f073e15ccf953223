//! What the compiler makes, in one number: it changes when the compiler does.
//!
//! A kept image is right only for the compiler that made it. Instead of versions that somebody has to
//! remember to raise, a small set of every format is compiled, and its image is the version: whatever
//! changes a section's bytes or what is read from a line changes it.

use super::build::{BuildOptions, build};
use super::facts::Sha256;
use super::signature::BodySignature;
use super::sources::Sources;

/// The digest of the image of a fixed set.
#[must_use]
pub fn fingerprint(compile_matcher: &dyn Fn(&[BodySignature]) -> Vec<u8>) -> Sha256 {
    let options = BuildOptions { potentially_unwanted: true, ..BuildOptions::default() };
    let mut sources = Sources::new(options);
    for (name, text) in SET {
        sources.add_file(name, text.as_bytes());
    }
    Sha256::of(&build(sources, compile_matcher, &mut |_| {}).image)
}

/// One of each kind of line; also of those that are not used yet, so that the day they are counts.
const SET: [(&str, &str); 13] = [
    ("a.ign2", "Ignored\n"),
    (
        "a.ndb",
        "A:0:*:6162636465*66??67{2-4}(68|69)70717273\nB:1:EP+4,16:4d5a??00!(61|62)636465:51:255\n\
         C:7:0:68656c6c6f(W)\nD:0:EOF-40,20:(B)6162(L)6364\nE:0:*:61[2-9]626364\nIgnored:0:*:616263\n\
         F:1:SE0+1:6a6b6c6d\nG:6:S1+5:6a6b6c6e\nH:0:VI:616263\nI:8:*:616263\nJ:3:*:{-4}616263\n",
    ),
    ("a.ndu", "U:0:*:7576777879\n"),
    ("a.hdb", "44d88612fea8a8f36de82e1278abb02f:68:A\n"),
    ("a.hsb", "3395856ce81f2b7382dee72602f798b642f14140:*:B:73\n"),
    ("a.fp", "44d88612fea8a8f36de82e1278abb02e:69:C\n"),
    ("a.mdb", "68:44d88612fea8a8f36de82e1278abb02f:D\n"),
    ("a.imp", "44d88612fea8a8f36de82e1278abb02f:68:E\n"),
    (
        "a.ldb",
        "L;Engine:81-255,Target:1;(0&1)|2>3;6162636465;EP+0:66676869::i;0/a.c/\n\
         M;Target:0;0=2;61626364::fwa\n",
    ),
    (
        "a.ftm",
        "0:0:4d5a:MS-EXE:CL_TYPE_ANY:CL_TYPE_MSEXE\n1:*:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP\n",
    ),
    ("a.pdb", "H:example.com\n"),
    ("a.wdb", "M:example.org:example.com\n"),
    ("a.yar", "rule a { strings: $a = \"abcdef\" condition: $a }\n"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind the eight bytes of magic.
    const VERSION_AT: usize = 8;

    #[test]
    fn it_is_the_same_until_the_compiler_changes() {
        let matcher = |bodies: &[BodySignature]| {
            crate::engine::matcher::compile(bodies, &crate::engine::matcher::GramCounts::new())
        };
        assert_eq!(fingerprint(&matcher), fingerprint(&matcher));
        assert_ne!(fingerprint(&matcher), fingerprint(&|_| Vec::new()));
        // The version of a section's layout stands in its header.
        let other_layout = |bodies: &[BodySignature]| {
            let mut section = matcher(bodies);
            section[VERSION_AT] ^= 1;
            section
        };
        assert_ne!(fingerprint(&matcher), fingerprint(&other_layout));
    }
}
