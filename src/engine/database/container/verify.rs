//! A container as a whole: what it is, who signed it, what is inside.

use std::collections::BTreeSet;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::archive::{self, Limits, Member, WINDOW_BYTES};
use super::fault::{ContainerFault, Part};
use super::header::{HEADER_BYTES, Header};
use super::keys::{Trust, Unsigned};
use super::list::List;
use super::seal;
use crate::engine::database::workers::{Workers, gather};

/// A container that was verified. It is the only way to its members.
#[derive(Clone, Debug)]
pub struct Verified<'a> {
    header: Header,
    signed: Signed,
    sealed: Sealed,
    packed: &'a [u8],
    limits: Limits,
    members: Vec<Box<str>>,
}

/// Who signed a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    /// A known key: the header and the list of members.
    HeaderAndMembers,
    /// A known key: the list of members. The header of a `.cld` is nobody's any more.
    Members,
    /// Nobody: a `.cud`, accepted on request.
    Nobody,
}

/// What became of the external signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sealed {
    /// There is none.
    Absent,
    /// There is one, but no certificate to check it with.
    NoCertificates,
    /// It is good.
    Valid,
}

/// Verifies a container with the extension of `name` and, when there is one, its external signature.
///
/// # Errors
///
/// [`ContainerFault`]: nothing of the container may be used.
pub fn verify<'a>(
    name: &str,
    bytes: &'a [u8],
    seal: Option<&[u8]>,
    trust: &Trust,
    limits: Limits,
    workers: &dyn Workers,
) -> Result<Verified<'a>, ContainerFault> {
    let header = Header::parse(bytes)?;
    let packed = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let signed = expected(name, trust);
    // Each reads all bytes once; none needs another. The header's fault is told first: damage shows
    // there before it shows in a member.
    let checks = gather(workers, 3, &|job| match job {
        0 if signed == Signed::HeaderAndMembers => {
            check_header(&header, packed, trust).map(|()| Good::Header)
        }
        1 => check_members(&header, packed, signed, trust, &limits).map(Good::Members),
        2 => check_seal(bytes, seal, trust).map(Good::Seal),
        _ => Ok(Good::Header),
    });
    let (mut sealed, mut members) = (Sealed::Absent, Vec::new());
    for check in checks {
        match check? {
            Good::Header => {}
            Good::Members(found) => members = found,
            Good::Seal(found) => sealed = found,
        }
    }
    Ok(Verified { header, signed, sealed, packed, limits, members })
}

/// What a check found to be good.
enum Good {
    Header,
    Members(Vec<Box<str>>),
    Seal(Sealed),
}

/// Whose signature a container needs, by its extension.
fn expected(name: &str, trust: &Trust) -> Signed {
    match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("cld") => Signed::Members,
        Some("cud") if trust.unsigned == Unsigned::Accept => Signed::Nobody,
        Some(_) | None => Signed::HeaderAndMembers,
    }
}

fn check_header(header: &Header, packed: &[u8], trust: &Trust) -> Result<(), ContainerFault> {
    let said = header.md5_bytes().ok_or(ContainerFault::Header(6))?;
    if Md5::digest(packed).as_slice() != said {
        return Err(ContainerFault::Md5);
    }
    let signature = header.signature.as_bytes();
    let known = trust.container.iter().any(|key| key.signs_md5(signature, &said));
    known.then_some(()).ok_or(ContainerFault::Signature(Part::Header))
}

fn check_seal(bytes: &[u8], text: Option<&[u8]>, trust: &Trust) -> Result<Sealed, ContainerFault> {
    match text {
        None => Ok(Sealed::Absent),
        Some(_) if trust.anchors.is_empty() => Ok(Sealed::NoCertificates),
        Some(text) => seal::check(text, bytes, trust).map(|()| Sealed::Valid),
    }
}

/// Compares every member with the signed list, through a window; gives their names.
fn check_members(
    header: &Header,
    packed: &[u8],
    signed: Signed,
    trust: &Trust,
    limits: &Limits,
) -> Result<Vec<Box<str>>, ContainerFault> {
    let mut list: Option<List> = None;
    let mut seen: BTreeSet<Box<str>> = BTreeSet::new();
    archive::each_member(packed, limits, &mut |member| {
        let Kind::Signatures = Kind::of(member.name) else {
            if Kind::of(member.name) == Kind::List {
                let text = read_whole(member, LIST_BYTES_MAX)?;
                if list.is_some() || !seen.is_empty() {
                    return Err(ContainerFault::NoList);
                }
                let parsed = List::parse(&text)?;
                if signed != Signed::Nobody {
                    parsed.check_signed(&trust.list)?;
                }
                parsed.check_header(header)?;
                list = Some(parsed);
            }
            return Ok(());
        };
        let list = list.as_ref().ok_or(ContainerFault::NoList)?;
        let name: Box<str> = member.name.into();
        let Some(listed) = list.members.get(&name) else {
            return Err(ContainerFault::NotListed(name));
        };
        let found = digest_of(member)?;
        if found != (listed.bytes, listed.sha256) {
            return Err(ContainerFault::Member(name));
        }
        if !seen.insert(name.clone()) {
            return Err(ContainerFault::Twice(name));
        }
        Ok(())
    })?;
    let list = list.ok_or(ContainerFault::NoList)?;
    match list.members.keys().find(|name| !seen.contains(*name)) {
        Some(name) => Err(ContainerFault::Missing(name.clone())),
        None => Ok(list.members.into_keys().collect()),
    }
}

fn digest_of(member: &mut Member<'_>) -> Result<(u64, [u8; 32]), ContainerFault> {
    let mut digest = Sha256::new();
    let mut window = [0; WINDOW_BYTES];
    let mut bytes = 0_u64;
    loop {
        let count = member.content.read(&mut window).map_err(|fault| broken(&fault))?;
        let read = window.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok((bytes, digest.finalize().into()));
        }
        digest.update(read);
        bytes = bytes.saturating_add(count as u64);
    }
}

/// A member in memory; its size was compared with the limits before.
fn read_whole(member: &mut Member<'_>, bytes_max: u64) -> Result<Vec<u8>, ContainerFault> {
    if member.bytes > bytes_max {
        return Err(ContainerFault::Limit("bytes of the list of members", bytes_max));
    }
    let mut content = Vec::new();
    content
        .try_reserve_exact(usize::try_from(member.bytes).unwrap_or(usize::MAX))
        .map_err(|_| ContainerFault::Archive("a member is larger than the memory".into()))?;
    member.content.read_to_end(&mut content).map_err(|fault| broken(&fault))?;
    if content.len() as u64 == member.bytes {
        Ok(content)
    } else {
        Err(ContainerFault::Archive("a member ends too early".into()))
    }
}

fn broken(fault: &std::io::Error) -> ContainerFault {
    ContainerFault::Archive(fault.to_string().into())
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The licence: not listed, not loaded.
    Licence,
    /// The list of members.
    List,
    /// Signatures.
    Signatures,
}

impl Kind {
    fn of(name: &str) -> Self {
        if name == "COPYING" {
            return Self::Licence;
        }
        if name.ends_with(".info") { Self::List } else { Self::Signatures }
    }
}

impl Verified<'_> {
    /// What it says about itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Who signed it.
    #[must_use]
    pub const fn signed(&self) -> Signed {
        self.signed
    }

    /// What became of the external signature.
    #[must_use]
    pub const fn sealed(&self) -> Sealed {
        self.sealed
    }

    /// The names of the members, sorted; without the licence and the list.
    #[must_use]
    pub fn members(&self) -> &[Box<str>] {
        &self.members
    }

    /// Hands out the members for which `wanted` says yes, one after the other, in the order of the
    /// container; without the licence and the list.
    ///
    /// # Errors
    ///
    /// None that [`verify`] would not have found, but for want of memory.
    pub fn each_member(
        &self,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), ContainerFault> {
        archive::each_member(self.packed, &self.limits, &mut |member| {
            if Kind::of(member.name) == Kind::Signatures && wanted(member.name) {
                let name: Box<str> = member.name.into();
                let content = read_whole(member, self.limits.member_bytes_max)?;
                take(&name, &content);
            }
            Ok(())
        })
    }
}

/// Larger lists are refused: 25 rows of 100 bytes are usual.
const LIST_BYTES_MAX: u64 = 1 << 20;
