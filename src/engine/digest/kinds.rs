//! The three digests, and small sets of them.
//!
//! A set is three bits: it is made, joined and asked once per layer and never grows.

use crate::engine::database::signature::Digest;

/// One of the three digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// 16 bytes.
    Md5,
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
}

impl Kind {
    /// Every kind, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    /// The name as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Md5 => 1,
            Self::Sha1 => 2,
            Self::Sha256 => 4,
        }
    }
}

impl From<&Digest> for Kind {
    fn from(digest: &Digest) -> Self {
        match digest {
            Digest::Md5(_) => Self::Md5,
            Digest::Sha1(_) => Self::Sha1,
            Digest::Sha256(_) => Self::Sha256,
        }
    }
}

/// A set of [`Kind`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// No digest.
    pub const NONE: Self = Self(0);
    /// All three.
    pub const ALL: Self = Self(7);

    /// The set with `kind` in it as well.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Self {
        Self(self.0 | kind.bit())
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Which digests of a layer can matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Those that can make a detection.
    pub detect: Kinds,
    /// Those that can drop one: of no use unless something in the layer, or inside it, was detected.
    pub trust: Kinds,
}

impl Needs {
    /// What is needed by either purpose in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            detect: self.detect.intersection(other.detect),
            trust: self.trust.intersection(other.trust),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn all(self) -> Kinds {
        self.detect.union(self.trust)
    }
}
