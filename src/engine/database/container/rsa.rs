//! Checking RSA signatures: `s^e mod n` and what has to come out of it (RFC 8017).
//!
//! Only public numbers are worked with, so nothing here has to hide its timing. Private operations are
//! absent, and with them every secret.

use num_bigint::BigUint;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::digits;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    modulus: BigUint,
    exponent: BigUint,
}

/// The hash functions of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl RsaKey {
    /// A key of 1,024 to 4,096 bits with an odd exponent of at most 64 bits; `None` for any other.
    #[must_use]
    pub fn new(modulus: BigUint, exponent: BigUint) -> Option<Self> {
        let large = (BITS_MIN..=BITS_MAX).contains(&modulus.bits()) && modulus.bit(0);
        let public = (2..=64).contains(&exponent.bits()) && exponent.bit(0);
        (large && public).then_some(Self { modulus, exponent })
    }

    /// From decimal digits.
    #[must_use]
    pub fn from_decimal(modulus: &str, exponent: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            (digits && text.len() <= DECIMALS_MAX).then(|| text.parse().ok()).flatten()
        };
        Self::new(number(modulus)?, number(exponent)?)
    }

    /// As bytes, for digests over what is trusted.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.modulus.to_bytes_be();
        bytes.push(b'/');
        bytes.extend(self.exponent.to_bytes_be());
        bytes
    }

    /// The header's own way: the MD5 as it stands, without any padding.
    pub(super) fn signs_md5(&self, signature: &[u8], md5: &[u8; 16]) -> bool {
        let opened = digits::number(signature).and_then(|number| self.opened(&number));
        opened.is_some_and(|opened| opened == BigUint::from_bytes_be(md5))
    }

    /// PSS with SHA-256, MGF1 with SHA-256, 32 bytes of salt, in ClamAV's digits. ClamAV's keys have 2,047
    /// bits, but it encodes as for whole bytes: one bit more than the standard would use.
    pub(super) fn signs_list(&self, signature: &[u8], digest: [u8; 32]) -> bool {
        let bits = self.bytes().saturating_mul(8).saturating_sub(1);
        let number = digits::number(signature);
        number.is_some_and(|number| {
            self.salted(&number, Hash::Sha256, &digest, [SALT_BYTES, bits]).unwrap_or(false)
        })
    }

    /// RSASSA-PKCS1-v1_5 (8.2.2): the encoded message is built and compared, never parsed.
    pub(super) fn signs_pkcs1(&self, signature: &[u8], hash: Hash, message: &[u8]) -> bool {
        let length = self.bytes();
        if signature.len() != length {
            return false;
        }
        let digest = hash.of(&[message]);
        let tail = [hash.prefix(), &digest].concat();
        let Some(filler) = length.checked_sub(tail.len().saturating_add(3)) else {
            return false;
        };
        let expected = [&[0, 1], vec![0xff; filler].as_slice(), &[0], &tail].concat();
        let opened = self.opened(&BigUint::from_bytes_be(signature));
        filler >= 8 && opened == Some(BigUint::from_bytes_be(&expected))
    }

    /// RSASSA-PSS (8.1.2) with one hash function in both places.
    pub(super) fn signs_pss(
        &self,
        signature: &[u8],
        hash: Hash,
        message: &[u8],
        salt_bytes: usize,
    ) -> bool {
        let number = BigUint::from_bytes_be(signature);
        let bits = usize::try_from(self.modulus.bits()).unwrap_or_default().saturating_sub(1);
        let digest = hash.of(&[message]);
        signature.len() == self.bytes()
            && self.salted(&number, hash, &digest, [salt_bytes, bits]).unwrap_or(false)
    }

    /// EMSA-PSS-VERIFY (9.1.2) for an encoded message of so many bits; `None` where it has no room.
    fn salted(
        &self,
        signature: &BigUint,
        hash: Hash,
        digest: &[u8],
        [salt_bytes, bits]: [usize; 2],
    ) -> Option<bool> {
        let opened = self.opened(signature)?;
        let length = bits.div_ceil(8);
        let free_bits = length.checked_mul(8)?.checked_sub(bits)?;
        let message = padded(&opened, length)?;
        let hash_bytes = hash.bytes();
        let masked_bytes = length.checked_sub(hash_bytes)?.checked_sub(1)?;
        let (masked, rest) = message.split_at_checked(masked_bytes)?;
        let (inner, trailer) = rest.split_at_checked(hash_bytes)?;
        let mask = mask(hash, inner, masked_bytes);
        let mut block: Vec<u8> =
            masked.iter().zip(&mask).map(|(left, right)| left ^ right).collect();
        let keep = 0xff_u8.checked_shr(u32::try_from(free_bits).ok()?)?;
        let first = block.first_mut()?;
        // The bits beyond the modulus were zero before the mask, and have to be.
        let clean = masked.first()? & !keep == 0;
        *first &= keep;
        let (zeros, salted) = block.split_at_checked(masked_bytes.checked_sub(salt_bytes)?)?;
        let (mark, zeros) = zeros.split_last()?;
        let shaped =
            clean && *mark == 1 && zeros.iter().all(|byte| *byte == 0) && trailer == [0xbc];
        Some(shaped && hash.of(&[&[0; 8], digest, salted]) == inner)
    }

    /// `signature^e mod n`; `None` when the signature is not below `n`.
    fn opened(&self, signature: &BigUint) -> Option<BigUint> {
        (*signature < self.modulus).then(|| signature.modpow(&self.exponent, &self.modulus))
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }
}

/// MGF1 (B.2.1).
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::with_capacity(length.saturating_add(hash.bytes()));
    let mut counter = 0_u32;
    while mask.len() < length {
        mask.extend(hash.of(&[seed, &counter.to_be_bytes()]));
        counter = counter.saturating_add(1);
    }
    mask.truncate(length);
    mask
}

/// A number in exactly `length` bytes; `None` when it needs more.
fn padded(number: &BigUint, length: usize) -> Option<Vec<u8>> {
    let bytes = number.to_bytes_be();
    let zeros = length.checked_sub(bytes.len())?;
    Some([vec![0; zeros], bytes].concat())
}

impl Hash {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of all parts, one after the other.
    pub(super) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut digest = D::new();
            for part in parts {
                digest.update(part);
            }
            digest.finalize().to_vec()
        }
        match self {
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// The start of the encoded digest: an algorithm and the length (9.2, note 1).
    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Sha256 => {
                b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
            }
            Self::Sha384 => {
                b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
            }
            Self::Sha512 => {
                b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
            }
        }
    }
}

/// Smaller moduli have been factored.
const BITS_MIN: u64 = 1_023;

/// Larger ones would let a file buy a lot of our time.
const BITS_MAX: u64 = 4_096;

/// Decimal digits of the largest modulus.
const DECIMALS_MAX: usize = 1_234;

/// The salt of `.info` and `.cdiff` signatures.
const SALT_BYTES: usize = 32;
