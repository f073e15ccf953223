//! Changes from one version of a container to the next: `.cdiff` (A11.3).
//!
//! ```text
//!   ClamAV-Diff:<version>:<size of the script>: gzip(script) :<signature>
//! ```
//!
//! The signature covers everything before the last colon. What is changed are the members, as a set of
//! named files; they change all together or not at all, and the list among them has to be signed and to
//! fit the result.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::fault::ContainerFault;
use super::header::Header;
use super::keys::Trust;
use super::list::List;
use super::script;

/// The unpacked members of a container, by name, its list included.
pub type Files = BTreeMap<Box<str>, Vec<u8>>;

/// Why a change is not made. The files are as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchFault {
    /// It is not a `.cdiff`.
    Form,
    /// No known key signed it.
    Signature,
    /// The script is larger than 256 MiB, or not as large as it says.
    Size,
    /// A line of the script, counted from 1, and why.
    Script(usize, &'static str),
    /// The files as they would be would take more than 4 GiB.
    TooLarge,
    /// The result is not what was signed.
    Result(ContainerFault),
}

impl fmt::Display for PatchFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => out.write_str("not a change of a container (.cdiff)"),
            Self::Signature => out.write_str("no known key signed it"),
            Self::Size => out.write_str("the script does not have the size that it says"),
            Self::Script(line, why) => write!(out, "line {line} of the script: {why}"),
            Self::TooLarge => out.write_str("the changed files would be larger than 4 GiB"),
            Self::Result(fault) => write!(out, "the result is not what was signed: {fault}"),
        }
    }
}

impl std::error::Error for PatchFault {}

/// A change whose signature is good.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The version that it leads to.
    version: u32,
    script: Vec<u8>,
}

impl Patch {
    /// Verifies a change and unpacks its script.
    ///
    /// # Errors
    ///
    /// [`PatchFault`] for anything that is not exactly what was signed.
    pub fn open(bytes: &[u8], trust: &Trust) -> Result<Self, PatchFault> {
        let end = bytes.iter().rposition(|byte| *byte == b':').ok_or(PatchFault::Form)?;
        let (signed, signature) = bytes.split_at_checked(end).ok_or(PatchFault::Form)?;
        let signature = signature.strip_prefix(b":").unwrap_or(signature);
        if signature.len() > SIGNATURE_DIGITS_MAX {
            return Err(PatchFault::Form);
        }
        let digest: [u8; 32] = Sha256::digest(signed).into();
        if !trust.patch.iter().any(|key| key.signs_list(signature, digest)) {
            return Err(PatchFault::Signature);
        }
        let mut fields = signed.splitn(4, |byte| *byte == b':');
        let (Some(MAGIC), Some(version), Some(size), Some(packed)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(PatchFault::Form);
        };
        let version = number(version).and_then(|number| u32::try_from(number).ok());
        let size = number(size).filter(|size| *size <= SCRIPT_BYTES_MAX).ok_or(PatchFault::Size)?;
        Ok(Self { version: version.ok_or(PatchFault::Form)?, script: unpacked(packed, size)? })
    }

    /// The version that it leads to.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Applies the change. `files` are the members of the version before, with their list.
    ///
    /// # Errors
    ///
    /// [`PatchFault`]; `files` are as they were.
    pub fn apply(&self, files: &mut Files, trust: &Trust) -> Result<Header, PatchFault> {
        let changed = script::run(&self.script, files)?;
        let after = |name: &str| match changed.get(name) {
            Some(after) => after.as_deref(),
            None => files.get(name).map(Vec::as_slice),
        };
        let names = files.keys().chain(changed.keys()).map(|name| &**name);
        let mut names: Vec<&str> = names.filter(|name| after(name).is_some()).collect();
        names.sort_unstable();
        names.dedup();
        let header = check(&names, &after, trust).map_err(PatchFault::Result)?;
        if header.version != self.version {
            return Err(PatchFault::Result(ContainerFault::OtherHeader));
        }
        for (name, after) in changed {
            match after {
                Some(after) => files.insert(name, after),
                None => files.remove(&name),
            };
        }
        Ok(header)
    }
}

/// Compares the files as they would be with the list among them.
fn check<'a>(
    names: &[&str],
    after: &dyn Fn(&str) -> Option<&'a [u8]>,
    trust: &Trust,
) -> Result<Header, ContainerFault> {
    let mut lists = names.iter().filter(|name| name.ends_with(".info"));
    let (Some(name), None) = (lists.next(), lists.next()) else {
        return Err(ContainerFault::NoList);
    };
    let list = List::parse(after(name).unwrap_or_default())?;
    list.check_signed(&trust.list)?;
    for (member, listed) in &list.members {
        let content = after(member).ok_or_else(|| ContainerFault::Missing(member.clone()))?;
        let sha256: [u8; 32] = Sha256::digest(content).into();
        if (content.len() as u64, sha256) != (listed.bytes, listed.sha256) {
            return Err(ContainerFault::Member(member.clone()));
        }
    }
    let known = |name: &str| {
        name == "COPYING" || name.ends_with(".info") || list.members.contains_key(name)
    };
    match names.iter().find(|name| !known(name)) {
        Some(name) => Err(ContainerFault::NotListed((*name).into())),
        None => Ok(list.header),
    }
}

/// Exactly `size` bytes, and nothing behind them.
fn unpacked(packed: &[u8], size: u64) -> Result<Vec<u8>, PatchFault> {
    let mut decoder = GzDecoder::new(packed);
    let mut script = Vec::new();
    let read = decoder.by_ref().take(size.saturating_add(1)).read_to_end(&mut script);
    let whole = read.is_ok() && script.len() as u64 == size && decoder.into_inner().is_empty();
    if whole { Ok(script) } else { Err(PatchFault::Size) }
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| str::from_utf8(text).ok()?.parse().ok()).flatten()
}

const MAGIC: &[u8] = b"ClamAV-Diff";

/// The longest signature that ClamAV takes.
const SIGNATURE_DIGITS_MAX: usize = 350;

/// A hundred times the largest of ClamAV's.
const SCRIPT_BYTES_MAX: u64 = 256 << 20;
