//! What an image says about itself: the META section.
//!
//! Kept as JSON: it is read once, at open, and `baleen db info --json` prints it as it stands.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::container::{Sealed, Signed};
use super::report::Totals;
use crate::engine::yara::RuleCounts;

/// The facts of one compiled database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// Shown to people and to ICAP clients; made from the content unless the builder named one.
    pub version: Box<str>,
    /// When it was built, in seconds since 1970, as the builder said.
    pub created_seconds: u64,
    /// The same for equal sources, equal options and an equal version of the compiler, whenever
    /// they were built: what ISTag is made from.
    pub content: Sha256,
    /// The functionality level that the level windows of the lines were compared with.
    pub level: u32,
    /// Whether potentially-unwanted signatures were asked for.
    pub potentially_unwanted: bool,
    /// Body patterns.
    pub bodies: u64,
    /// Logical signatures.
    #[serde(default)]
    pub logical: u64,
    /// Digests of bad objects.
    pub detected: DigestCounts,
    /// Digests of trusted objects.
    pub trusted: DigestCounts,
    /// Digests of sections of bad executables.
    pub sections: DigestCounts,
    /// Digests of the imports of bad executables.
    pub imports: DigestCounts,
    /// YARA rules by when they run.
    #[serde(default)]
    pub rules: RuleCounts,
    /// The files it was built from, in their order.
    pub sources: Vec<SourceFacts>,
    /// The containers among them.
    pub containers: Vec<ContainerFacts>,
    /// What became of their lines.
    pub lines: Totals,
}

/// One container that went into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFacts {
    /// Its name, without a directory.
    pub name: Box<str>,
    /// Grows with every release.
    pub version: u32,
    /// When it was made, as it says.
    pub date: Box<str>,
    /// Who made it, as it says.
    pub builder: Box<str>,
    /// The functionality level that its maker had in mind.
    pub level: u32,
    /// Signatures that it says it has.
    pub signatures: u64,
    /// Who signed it.
    pub signed: Signed,
    /// What became of its external signature.
    pub sealed: Sealed,
}

impl DatabaseFacts {
    /// Every signature that can make a detection.
    #[must_use]
    pub const fn signatures(&self) -> u64 {
        self.bodies
            .saturating_add(self.logical)
            .saturating_add(self.rules.total())
            .saturating_add(self.detected.total())
            .saturating_add(self.sections.total())
            .saturating_add(self.imports.total())
    }
}

/// Digests by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestCounts {
    /// MD5.
    pub md5: u64,
    /// SHA-1.
    pub sha1: u64,
    /// SHA-256.
    pub sha256: u64,
}

impl DigestCounts {
    /// All kinds together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.md5.saturating_add(self.sha1).saturating_add(self.sha256)
    }
}

/// One file that went into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Its name, without a directory.
    pub name: Box<str>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Signatures that it gave.
    pub loaded: u64,
}

/// A SHA-256 digest; text form is 64 lower-case hex digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, at) in digest.iter_mut().zip((0_usize..).step_by(2)) {
            let pair = text.get(at..at.checked_add(2)?)?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("64 hex digits are expected"))
    }
}
