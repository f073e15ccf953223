//! Signing, as a private mirror does: keys of fixed seeds, RSA by the book. For tests only.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

use super::super::digits;
use super::*;

/// A key with its secret.
pub(super) struct Secret {
    modulus: BigUint,
    exponent: BigUint,
    secret: BigUint,
}

/// The key of these tests.
pub(super) static KEY: LazyLock<Secret> = LazyLock::new(|| Secret::of(7));

/// Another key, which nobody trusts.
pub(super) static STRANGER: LazyLock<Secret> = LazyLock::new(|| Secret::of(1 << 40));

impl Secret {
    /// Two primes of 520 bits and what follows from them.
    fn of(seed: u64) -> Self {
        let exponent = BigUint::from(65_537_u32);
        let one = BigUint::from(1_u32);
        let (p, q) = (prime(seed), prime(seed + 1));
        let phi = (&p - &one) * (&q - &one);
        let secret = exponent.modinv(&phi).expect("the exponent is a prime");
        Self { modulus: p * q, exponent, secret }
    }

    /// A line of a file of keys.
    pub(super) fn line(&self, used: &str) -> String {
        format!("{used} {} {}\n", self.modulus, self.exponent)
    }

    fn raised(&self, number: &BigUint) -> String {
        digits::written(&number.modpow(&self.secret, &self.modulus))
    }

    /// The signature in a header.
    pub(super) fn sign_md5(&self, md5: &[u8]) -> String {
        self.raised(&BigUint::from_bytes_be(md5))
    }

    /// EMSA-PSS (RFC 8017 9.1.1) with a salt of 32 equal bytes.
    pub(super) fn sign_list(&self, signed: &[u8]) -> String {
        let bits = usize::try_from(self.modulus.bits()).expect("small") - 1;
        let (length, salt) = (bits.div_ceil(8), [0x5a; 32]);
        let digest = Sha256::digest(signed);
        let inner: [u8; 32] = Sha256::digest([&[0; 8], &digest[..], &salt].concat()).into();
        let mut block = vec![0; length - 32 - 33 - 1];
        block.push(1);
        block.extend(salt);
        let mut counter = 0_u32;
        let mut mask = Vec::new();
        while mask.len() < block.len() {
            mask.extend(Sha256::digest([&inner[..], &counter.to_be_bytes()].concat()));
            counter += 1;
        }
        for (byte, mask) in block.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        block[0] &= 0xff >> (8 * length - bits);
        block.extend(inner);
        block.push(0xbc);
        self.raised(&BigUint::from_bytes_be(&block))
    }
}

/// A prime of 520 bits: Fermat's test with a few bases is enough for one that nobody chose.
fn prime(seed: u64) -> BigUint {
    let one = BigUint::from(1_u32);
    let mut bytes: Vec<u8> = Vec::new();
    for index in 0..3_u64 {
        bytes.extend(sha2::Sha512::digest((seed * 31 + index).to_be_bytes()));
    }
    bytes.truncate(65);
    bytes[0] |= 0xc0;
    bytes[64] |= 1;
    let mut candidate = BigUint::from_bytes_be(&bytes);
    let is_prime = |number: &BigUint| {
        [2_u32, 3, 5, 7]
            .iter()
            .all(|base| BigUint::from(*base).modpow(&(number - &one), number) == one)
    };
    while !is_prime(&candidate) {
        candidate += 2_u32;
    }
    candidate
}

/// Trust in the test key for everything.
pub(super) fn trust() -> Trust {
    let mut trust = Trust::builtin(NOW);
    let text: String = ["container", "list", "patch"].iter().map(|used| KEY.line(used)).collect();
    trust.add_keys(text.as_bytes()).expect("good lines");
    trust
}

/// The header's line with a version.
pub(super) fn header_line(version: u32, md5: &str, signature: &str) -> String {
    format!("ClamAV-VDB:21 Nov 2026 10-00 +0000:{version}:3:90:{md5}:{signature}:tester:1795255200")
}

/// The list of some members.
pub(super) fn list(version: u32, members: &[(&str, &[u8])], key: &Secret) -> Vec<u8> {
    let mut text = header_line(version, "X", "X") + "\n";
    for (name, bytes) in members {
        let digest = crate::engine::database::Sha256::of(bytes);
        text += &format!("{name}:{}:{digest}\n", bytes.len());
    }
    let signature = key.sign_list(text.as_bytes());
    format!("{text}DSIG:{signature}\n").into_bytes()
}

/// A tar of plain files.
pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).expect("memory takes everything");
    }
    builder.into_inner().expect("memory takes everything")
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory takes everything");
    out.finish().expect("memory takes everything")
}

/// A header in front of an archive, signed.
pub(super) fn under_header(version: u32, packed: &[u8], key: &Secret) -> Vec<u8> {
    let md5 = md5::Md5::digest(packed);
    let text: String = md5.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut bytes = header_line(version, &text, &key.sign_md5(&md5)).into_bytes();
    bytes.resize(512, b' ');
    bytes.extend_from_slice(packed);
    bytes
}

/// A whole container with its licence and its list.
pub(super) fn container(version: u32, members: &[(&str, &[u8])], key: &Secret) -> Vec<u8> {
    let list = list(version, members, key);
    let mut files: Vec<(&str, &[u8])> = vec![("COPYING", b"free"), ("test.info", &list)];
    files.extend_from_slice(members);
    under_header(version, &gzip(&tar(&files)), key)
}

#[test]
fn a_signed_container_is_good_with_its_key_and_only_with_it() {
    let bytes = container(4, &[("test.ndb", b"A:0:*:616263\n")], &KEY);
    assert_eq!(verified("test.cvd", &bytes, &trust()), Ok(()));
    let nobody = verified("test.cvd", &bytes, &Trust::builtin(NOW));
    assert_eq!(nobody, Err(ContainerFault::Signature(Part::Header)));
    let stranger = container(4, &[("test.ndb", b"A:0:*:616263\n")], &STRANGER);
    let found = verified("test.cvd", &stranger, &trust());
    assert_eq!(found, Err(ContainerFault::Signature(Part::Header)));
}

#[test]
fn each_key_signs_only_what_it_is_for() {
    let bytes = container(4, &[("test.ndb", b"A:0:*:616263\n")], &KEY);
    for (used, want) in [("list", Part::Header), ("container", Part::List)] {
        let mut trust = Trust::builtin(NOW);
        trust.add_keys(KEY.line(used).as_bytes()).expect("a good line");
        assert_eq!(verified("test.cvd", &bytes, &trust), Err(ContainerFault::Signature(want)));
    }
}

#[test]
fn keys_of_a_file() {
    let mut trust = Trust::builtin(NOW);
    let before = trust.digest();
    assert_eq!(trust.add_keys(b"# a note\n\n"), Ok(()));
    assert_eq!(trust.digest(), before);
    assert_eq!(trust.add_keys(KEY.line("list").as_bytes()), Ok(()));
    assert_ne!(trust.digest(), before);
    for (line, text) in
        [(2, "\nlist 12 3\n"), (1, "other 1 1\n"), (1, "list 1 1 1\n"), (1, "list\n")]
    {
        assert_eq!(trust.add_keys(text.as_bytes()), Err(TrustFault::Line(line)), "{text}");
    }
    let even = format!("list {}0 3\n", KEY.modulus);
    assert_eq!(trust.add_keys(even.as_bytes()), Err(TrustFault::Line(1)));
    assert_eq!(trust.add_certificates(b"no certificate"), Err(TrustFault::Certificate));
}
