//! The list of a container's members: `<db>.info` (A11.1).

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::fault::{ContainerFault, Part};
use super::header::Header;
use super::rsa::RsaKey;

/// A list whose form is checked.
#[derive(Debug)]
pub(super) struct List {
    /// The first line: the header of the container without MD5 and signature.
    pub header: Header,
    /// Size and SHA-256 of each member.
    pub members: BTreeMap<Box<str>, Listed>,
    /// Over the bytes before the signature.
    pub digest: [u8; 32],
    pub signature: Vec<u8>,
}

/// What the list says about one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub bytes: u64,
    pub sha256: [u8; 32],
}

impl List {
    /// Reads a list. Whether somebody signed it is another question: [`List::check_signed`].
    pub(super) fn parse(text: &[u8]) -> Result<Self, ContainerFault> {
        let at = memchr::memmem::rfind(text, SIGNATURE).ok_or(ContainerFault::ListLine(0))?;
        let (signed, rest) = text.split_at_checked(at).ok_or(ContainerFault::ListLine(0))?;
        let mut members = BTreeMap::new();
        let lines = signed.strip_suffix(b"\n").ok_or(ContainerFault::ListLine(0))?;
        let mut lines = lines.split(|byte| *byte == b'\n').zip(1_usize..);
        let (first, _) = lines.next().ok_or(ContainerFault::ListLine(1))?;
        let header = Header::parse_line(first).map_err(|_| ContainerFault::ListLine(1))?;
        for (line, number) in lines {
            let (name, listed) = row(line).ok_or(ContainerFault::ListLine(number))?;
            if members.len() >= MEMBERS_MAX || members.insert(name, listed).is_some() {
                return Err(ContainerFault::ListLine(number));
            }
        }
        let signature = rest.strip_prefix(SIGNATURE).unwrap_or_default();
        let signature = signature.strip_suffix(b"\n").unwrap_or(signature).to_vec();
        Ok(Self { header, members, digest: Sha256::digest(signed).into(), signature })
    }

    /// Fails when none of the keys signed the list.
    pub(super) fn check_signed(&self, keys: &[RsaKey]) -> Result<(), ContainerFault> {
        let signed = keys.iter().any(|key| key.signs_list(&self.signature, self.digest));
        signed.then_some(()).ok_or(ContainerFault::Signature(Part::List))
    }

    /// Fails when the list was signed with another header: everything but MD5 and signature counts.
    pub(super) fn check_header(&self, header: &Header) -> Result<(), ContainerFault> {
        let blank = Header { md5: "X".into(), signature: "X".into(), ..header.clone() };
        (blank == self.header).then_some(()).ok_or(ContainerFault::OtherHeader)
    }
}

/// `name:size:sha256`.
fn row(line: &[u8]) -> Option<(Box<str>, Listed)> {
    let mut fields = str::from_utf8(line).ok()?.split(':');
    let (name, bytes, digest) = (fields.next()?, fields.next()?, fields.next()?);
    let digits = bytes.bytes().all(|byte| byte.is_ascii_digit());
    if fields.next().is_some() || name.is_empty() || !digits || digest.len() != 64 {
        return None;
    }
    let mut sha256 = [0; 32];
    for (byte, pair) in sha256.iter_mut().zip(digest.as_bytes().as_chunks::<2>().0) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some((name.into(), Listed { bytes: bytes.parse().ok()?, sha256 }))
}

const SIGNATURE: &[u8] = b"DSIG:";

/// Rows at most: the official sets have about 25.
const MEMBERS_MAX: usize = 4_096;
