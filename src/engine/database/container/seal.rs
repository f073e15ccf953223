//! External signatures: `.sign` beside a container or a change (A11.2).
//!
//! ```text
//! #clamsign-1.0
//! 230::pkcs7-pem:MIIPCQYJKoZIhvcNAQcCoII…
//! ```
//!
//! The payload is a detached CMS signature (RFC 5652) over the whole file. A line counts when its window
//! of levels includes the one that this program implements; at least one has to count, and each that
//! counts has to be good. The window itself is signed by nobody: a change of it can only take lines away.

use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::certificate::{self, Scheme};
use super::fault::ContainerFault;
use super::header::Header;
use super::keys::Trust;

/// The names under which the seal of a container is looked for, in this order: beside it under its own
/// name, and under the name of its version, as ClamAV keeps it.
#[must_use]
pub fn names(container: &str, header: &Header) -> Vec<String> {
    let mut names = vec![format!("{container}.sign")];
    if let Some((stem, extension)) = container.rsplit_once('.') {
        names.push(format!("{stem}-{}.{extension}.sign", header.version));
    }
    names
}

/// Fails unless `text` is a good external signature of `file`.
///
/// # Errors
///
/// [`ContainerFault::Seal`] says why not.
pub fn check(text: &[u8], file: &[u8], trust: &Trust) -> Result<(), ContainerFault> {
    seal(text, file, trust).map_err(ContainerFault::Seal)
}

fn seal(text: &[u8], file: &[u8], trust: &Trust) -> Result<(), &'static str> {
    if text.len() > TEXT_BYTES_MAX {
        return Err("it is longer than 1 MiB");
    }
    let text = text.strip_suffix(b"\n").ok_or("its last line has no end")?;
    let mut lines = text.split(|byte| *byte == b'\n');
    if lines.next() != Some(FIRST_LINE) {
        return Err("it does not begin with #clamsign-1.0");
    }
    let mut good = 0_usize;
    for line in lines {
        if let Some(payload) = applicable(line)? {
            let der = certificate::base64(payload).ok_or("the signature is not Base64")?;
            check_cms(&der, file, trust)?;
            good = good.saturating_add(1);
            if good > LINES_MAX {
                return Err("it has more than 16 signatures");
            }
        }
    }
    if good == 0 { Err("it has no signature for this level") } else { Ok(()) }
}

/// The payload of a line that counts.
fn applicable(line: &[u8]) -> Result<Option<&[u8]>, &'static str> {
    let mut fields = line.splitn(4, |byte| *byte == b':');
    let (Some(min), Some(max), Some(format), Some(payload)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("a line does not have four fields");
    };
    let (min, max) = (level(min, 0)?, level(max, u64::MAX)?);
    Ok(((min..=max).contains(&LEVEL) && format == b"pkcs7-pem").then_some(payload))
}

fn level(text: &[u8], default: u64) -> Result<u64, &'static str> {
    if text.is_empty() {
        return Ok(default);
    }
    let digits =
        str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or("a level is not a number")
}

fn check_cms(der: &[u8], file: &[u8], trust: &Trust) -> Result<(), &'static str> {
    let content = ContentInfo::from_der(der).map_err(|_| NOT_CMS)?;
    if content.content_type != SIGNED_DATA {
        return Err("it is CMS, but not signed data");
    }
    let signed: SignedData = content.content.decode_as().map_err(|_| NOT_CMS)?;
    if signed.encap_content_info.econtent.is_some()
        || signed.encap_content_info.econtent_type != DATA
    {
        return Err("it is not a detached signature");
    }
    let all = signed.certificates.iter().flat_map(|set| set.0.iter());
    let certificates: Vec<&Certificate> = all
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let signers = signed.signer_infos.0.as_slice();
    if signers.is_empty() || signers.len() > SIGNERS_MAX || certificates.len() > CERTIFICATES_MAX {
        return Err("it has no signer, or too many signers or certificates");
    }
    for signer in signers {
        let listed = signed.digest_algorithms.iter().any(|listed| *listed == signer.digest_alg);
        if !listed || signed.version != signer.version {
            return Err("its parts do not fit together");
        }
        check_signer(signer, &certificates, file, trust)?;
    }
    Ok(())
}

fn check_signer(
    signer: &SignerInfo,
    certificates: &[&Certificate],
    file: &[u8],
    trust: &Trust,
) -> Result<(), &'static str> {
    let (version, leaf) = match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(sid) => {
            let is_it = |certificate: &&&Certificate| {
                let tbs = &certificate.tbs_certificate;
                tbs.issuer == sid.issuer && tbs.serial_number == sid.serial_number
            };
            (CmsVersion::V1, certificates.iter().find(is_it))
        }
        SignerIdentifier::SubjectKeyIdentifier(sid) => {
            let is_it = |certificate: &&&Certificate| {
                let found = certificate.tbs_certificate.get::<SubjectKeyIdentifier>();
                found.is_ok_and(|found| found.is_some_and(|(_, id)| id == *sid))
            };
            (CmsVersion::V3, certificates.iter().find(is_it))
        }
    };
    if signer.version != version {
        return Err("its parts do not fit together");
    }
    let leaf = leaf.ok_or("the signer's certificate did not come along")?;
    let hash = certificate::hash(&signer.digest_alg).ok_or("it uses another hash than SHA-2")?;
    let scheme = Scheme::of(&signer.signature_algorithm, Some(hash))
        .ok_or("it uses another scheme than RSA with SHA-2")?;
    let key = certificate::trusted_key(leaf, certificates, &trust.anchors, trust.now_seconds)?;
    let good = match &signer.signed_attrs {
        None => scheme.verify(&key, signer.signature.as_bytes(), file),
        Some(attributes) => {
            if one_value(attributes, CONTENT_TYPE)?.decode_as() != Ok(DATA) {
                return Err("it is not about plain data");
            }
            let digest: OctetString = one_value(attributes, MESSAGE_DIGEST)?
                .decode_as()
                .map_err(|_| "its digest is damaged")?;
            if digest.as_bytes() != hash.of(&[file]) {
                return Err("it belongs to another file");
            }
            let message = attributes.to_der().map_err(|_| NOT_CMS)?;
            scheme.verify(&key, signer.signature.as_bytes(), &message)
        }
    };
    if good { Ok(()) } else { Err("the signer's key did not make it") }
}

/// The value of an attribute that has to be there once, with one value (RFC 5652 11.1, 11.2).
fn one_value(
    attributes: &cms::signed_data::SignedAttributes,
    oid: ObjectIdentifier,
) -> Result<&Any, &'static str> {
    let fault = "it lacks a signed attribute";
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
        (Some([value]), None) => Ok(value),
        _ => Err(fault),
    }
}

const FIRST_LINE: &[u8] = b"#clamsign-1.0";
const NOT_CMS: &str = "it is not CMS in DER";

/// ClamAV 1.5, the first whose signatures these are.
const LEVEL: u64 = 232;

const TEXT_BYTES_MAX: usize = 1 << 20;
const LINES_MAX: usize = 16;
const SIGNERS_MAX: usize = 4;
const CERTIFICATES_MAX: usize = 16;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
