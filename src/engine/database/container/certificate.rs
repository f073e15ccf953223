//! Certificates: reading them, and following a chain to one that is trusted (RFC 5280, what applies here).
//!
//! Names are compared byte for byte. Revocation, policies and name constraints are absent: the chain is
//! the publisher's own, three links long, and a critical extension that is not known ends it.

use der::asn1::{ObjectIdentifier, Uint};
use der::{Decode, Encode};
use num_bigint::BigUint;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::rsa::{Hash, RsaKey};

/// A certificate that chains may end at.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    certificate: Certificate,
    der: Vec<u8>,
    key: RsaKey,
}

impl Anchor {
    /// Its bytes.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }
}

/// The certificates of a file: PEM, any number, or DER, one. `None` without any, or with one that
/// cannot be used.
pub(super) fn anchors(bytes: &[u8]) -> Option<Vec<Anchor>> {
    let blocks = if bytes.first() == Some(&SEQUENCE) { vec![bytes.to_vec()] } else { pem(bytes)? };
    let anchors: Option<Vec<Anchor>> = blocks.into_iter().map(anchor).collect();
    anchors.filter(|anchors| !anchors.is_empty())
}

fn anchor(der: Vec<u8>) -> Option<Anchor> {
    let certificate = Certificate::from_der(&der).ok()?;
    let key = key(&certificate.tbs_certificate.subject_public_key_info)?;
    Some(Anchor { certificate, der, key })
}

/// The key of `leaf` when a chain leads from it to an anchor and every certificate of the chain is valid
/// at `now_seconds`. `others` are certificates that came along.
pub(super) fn trusted_key(
    leaf: &Certificate,
    others: &[&Certificate],
    anchors: &[Anchor],
    now_seconds: u64,
) -> Result<RsaKey, &'static str> {
    check_leaf(leaf, now_seconds)?;
    let leaf_key = key(&leaf.tbs_certificate.subject_public_key_info).ok_or(NO_KEY)?;
    let mut current = leaf;
    for below in 0..CHAIN_MAX {
        if let Some(anchor) =
            anchors.iter().find(|anchor| issued(current, &anchor.key, &anchor.certificate))
        {
            check_time(&anchor.certificate, now_seconds)?;
            return Ok(leaf_key);
        }
        if anchors.iter().any(|anchor| anchor.certificate == *current) {
            return Ok(leaf_key);
        }
        let issuer = others.iter().copied().find(|other| {
            let key = key(&other.tbs_certificate.subject_public_key_info);
            key.is_some_and(|key| issued(current, &key, other))
        });
        let issuer = issuer.ok_or("no chain leads to a configured certificate")?;
        check_issuer(issuer, below, now_seconds)?;
        current = issuer;
    }
    Err("the chain of certificates is too long")
}

/// Whether `issuer`, whose key is `key`, issued a certificate.
fn issued(certificate: &Certificate, key: &RsaKey, issuer: &Certificate) -> bool {
    let tbs = &certificate.tbs_certificate;
    if tbs.issuer != issuer.tbs_certificate.subject
        || tbs.signature != certificate.signature_algorithm
    {
        return false;
    }
    let (Ok(message), Some(signature)) = (tbs.to_der(), certificate.signature.as_bytes()) else {
        return false;
    };
    let scheme = Scheme::of(&certificate.signature_algorithm, None);
    scheme.is_some_and(|scheme| scheme.verify(key, signature, &message))
}

fn check_leaf(leaf: &Certificate, now_seconds: u64) -> Result<(), &'static str> {
    check_time(leaf, now_seconds)?;
    check_extensions(leaf)?;
    match leaf.tbs_certificate.get::<KeyUsage>() {
        Ok(Some((_, usage))) if !usage.digital_signature() => {
            Err("the certificate is not one for signatures")
        }
        Ok(_) => Ok(()),
        Err(_) => Err(BAD_EXTENSION),
    }
}

/// `below` is the number of issuers between it and the leaf.
fn check_issuer(issuer: &Certificate, below: usize, now_seconds: u64) -> Result<(), &'static str> {
    check_time(issuer, now_seconds)?;
    check_extensions(issuer)?;
    let tbs = &issuer.tbs_certificate;
    match tbs.get::<BasicConstraints>() {
        Ok(Some((_, limits))) if limits.ca => {
            let depth = limits.path_len_constraint.map_or(usize::MAX, usize::from);
            if below > depth {
                return Err("a certificate has more below it than it may");
            }
        }
        Ok(_) => return Err("a certificate was issued by one that may not issue"),
        Err(_) => return Err(BAD_EXTENSION),
    }
    match tbs.get::<KeyUsage>() {
        Ok(Some((_, usage))) if !usage.key_cert_sign() => {
            Err("a certificate was issued by one that may not issue")
        }
        Ok(_) => Ok(()),
        Err(_) => Err(BAD_EXTENSION),
    }
}

fn check_time(certificate: &Certificate, now_seconds: u64) -> Result<(), &'static str> {
    let validity = &certificate.tbs_certificate.validity;
    if now_seconds < validity.not_before.to_unix_duration().as_secs() {
        return Err("a certificate is not valid yet");
    }
    if now_seconds > validity.not_after.to_unix_duration().as_secs() {
        return Err("a certificate is not valid any more");
    }
    Ok(())
}

/// RFC 5280 4.2: a critical extension that is not understood makes a certificate useless.
fn check_extensions(certificate: &Certificate) -> Result<(), &'static str> {
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let mut critical = extensions.filter(|extension| extension.critical);
    if critical.all(|extension| KNOWN_EXTENSIONS.contains(&extension.extn_id)) {
        return Ok(());
    }
    Err("a certificate has a critical extension that is not known")
}

/// The RSA key of a certificate.
pub(super) fn key(info: &SubjectPublicKeyInfoOwned) -> Option<RsaKey> {
    if ![RSA, PSS].contains(&info.algorithm.oid) {
        return None;
    }
    let numbers = Vec::<Uint>::from_der(info.subject_public_key.as_bytes()?).ok()?;
    let [modulus, exponent] = numbers.as_slice() else {
        return None;
    };
    RsaKey::new(
        BigUint::from_bytes_be(modulus.as_bytes()),
        BigUint::from_bytes_be(exponent.as_bytes()),
    )
}

/// How a signature is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Pkcs1(Hash),
    Pss(Hash, usize),
}

impl Scheme {
    /// The scheme of an algorithm. A plain RSA key says nothing about the hash function, so `hash` does.
    pub(super) fn of(algorithm: &AlgorithmIdentifierOwned, hash: Option<Hash>) -> Option<Self> {
        let scheme = match algorithm.oid {
            RSA => Self::Pkcs1(hash?),
            RSA_SHA256 => Self::Pkcs1(Hash::Sha256),
            RSA_SHA384 => Self::Pkcs1(Hash::Sha384),
            RSA_SHA512 => Self::Pkcs1(Hash::Sha512),
            PSS => {
                return pss(algorithm)
                    .filter(|scheme| hash.is_none_or(|hash| hash == scheme.hash()));
            }
            _ => return None,
        };
        let fits = hash.is_none_or(|hash| hash == scheme.hash());
        (fits && has_no_parameters(algorithm)).then_some(scheme)
    }

    pub(super) const fn hash(self) -> Hash {
        match self {
            Self::Pkcs1(hash) | Self::Pss(hash, _) => hash,
        }
    }

    pub(super) fn verify(self, key: &RsaKey, signature: &[u8], message: &[u8]) -> bool {
        match self {
            Self::Pkcs1(hash) => key.signs_pkcs1(signature, hash, message),
            Self::Pss(hash, salt_bytes) => key.signs_pss(signature, hash, message, salt_bytes),
        }
    }
}

/// A SHA-2 hash function by its algorithm.
pub(super) fn hash(algorithm: &AlgorithmIdentifierOwned) -> Option<Hash> {
    let hash = match algorithm.oid {
        SHA256 => Hash::Sha256,
        SHA384 => Hash::Sha384,
        SHA512 => Hash::Sha512,
        _ => return None,
    };
    has_no_parameters(algorithm).then_some(hash)
}

/// Parameters are absent or NULL.
fn has_no_parameters(algorithm: &AlgorithmIdentifierOwned) -> bool {
    algorithm.parameters.as_ref().is_none_or(|any| any.is_null())
}

/// The parameters of PSS (RFC 8017 A.2.3): both hash functions alike, SHA-2, trailer 1.
fn pss(algorithm: &AlgorithmIdentifierOwned) -> Option<Scheme> {
    use der::{Reader as _, TagMode, TagNumber};
    let parameters = algorithm.parameters.as_ref()?.to_der().ok()?;
    let parameters = der::asn1::AnyRef::from_der(&parameters).ok()?;
    let read: der::Result<_> = parameters.sequence(|reader| {
        let explicit = TagMode::Explicit;
        let hash = reader.context_specific::<AlgorithmIdentifierOwned>(TagNumber::N0, explicit)?;
        let mask = reader.context_specific::<AlgorithmIdentifierOwned>(TagNumber::N1, explicit)?;
        let salt = reader.context_specific::<u32>(TagNumber::N2, explicit)?;
        let trailer = reader.context_specific::<u32>(TagNumber::N3, explicit)?;
        Ok((hash, mask, salt, trailer))
    });
    let (outer, mask, salt_bytes, trailer) = read.ok()?;
    let (outer, mask) = (hash(&outer?)?, mask?);
    let inner = mask.parameters.as_ref()?.decode_as::<AlgorithmIdentifierOwned>().ok()?;
    let salt_bytes = usize::try_from(salt_bytes?).ok()?;
    let fits = mask.oid == MGF1 && hash(&inner)? == outer && trailer.is_none_or(|one| one == 1);
    (fits && salt_bytes <= SALT_MAX).then_some(Scheme::Pss(outer, salt_bytes))
}

/// The certificates in a PEM text.
fn pem(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut blocks = Vec::new();
    let mut block: Option<Vec<u8>> = None;
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        match (line, block.as_mut()) {
            (BEGIN, None) => block = Some(Vec::new()),
            (BEGIN, Some(_)) => return None,
            (END, Some(inside)) => {
                blocks.push(base64(inside)?);
                block = None;
            }
            (line, Some(inside)) => inside.extend_from_slice(line),
            (_, None) => {}
        }
    }
    block.is_none().then_some(blocks)
}

/// Base64 with its padding, without anything else (RFC 4648 section 4; unused bits are zero).
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_chunks::<4>();
    let mut bytes = Vec::with_capacity(text.len());
    let (last, whole) = groups.split_last()?;
    for group in whole {
        bytes.extend_from_slice(&triple(*group)?);
    }
    let padding = last.iter().rev().take_while(|byte| **byte == b'=').count();
    let filled = last.map(|byte| if byte == b'=' { b'A' } else { byte });
    let kept = 3_usize.checked_sub(padding)?;
    let triple = triple(filled)?;
    let (head, unused) = triple.split_at_checked(kept)?;
    // A '=' anywhere else would have become an 'A' unseen.
    let stray = last.iter().filter(|byte| **byte == b'=').count() != padding;
    if padding > 2 || stray || !rest.is_empty() || unused.iter().any(|byte| *byte != 0) {
        return None;
    }
    bytes.extend_from_slice(head);
    Some(bytes)
}

fn triple(group: [u8; 4]) -> Option<[u8; 3]> {
    let mut word = 0_u32;
    for digit in group {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = word.wrapping_shl(6) | u32::from(value);
    }
    let [_, first, second, third] = word.to_be_bytes();
    Some([first, second, third])
}

const SEQUENCE: u8 = 0x30;
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";
const NO_KEY: &str = "the certificate has no RSA key of 1024 to 4096 bits";
const BAD_EXTENSION: &str = "an extension of a certificate is damaged";

/// Links from the leaf to the anchor: the official chain has two.
const CHAIN_MAX: usize = 6;

/// The salt of PSS is as long as its hash, usually.
const SALT_MAX: usize = 64;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Key usage, basic constraints, extended key usage.
const KNOWN_EXTENSIONS: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];
