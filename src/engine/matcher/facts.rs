//! What the engine knows about the layer that is being matched.
//!
//! Signatures are bound to kinds of layers ([`TargetSet`]) and to places that only a file's header
//! tells ([`Executable`]). Both are facts from outside: this file holds the values, the header
//! parsers and the file types live in other rooms.

#![forbid(unsafe_code)]

use crate::engine::database::signature::Target;

/// The kinds that a layer is, one bit for each [`Target`]. `Target::Any` is in every set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetSet(u16);

impl TargetSet {
    /// A layer of which nothing is known: only signatures for every layer apply.
    pub const ANY: Self = Self(1);

    /// The set of a layer of one kind.
    #[must_use]
    pub const fn of(target: Target) -> Self {
        Self::ANY.with(target)
    }

    /// This set and one more kind.
    #[must_use]
    pub const fn with(self, target: Target) -> Self {
        Self(self.0 | 1 << target as u16)
    }

    /// Whether signatures for `target` are matched in this layer.
    #[must_use]
    pub const fn contains(self, target: Target) -> bool {
        self.0 & 1 << target as u16 != 0
    }

    /// Whether something for one of these is matched in a layer with those: a kind in common, the one
    /// that every layer has included.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// A set without even the kind that every layer has.
    pub const NONE: Self = Self(0);

    /// The bits, as the compiled entries carry them.
    #[must_use]
    pub(super) const fn bits(self) -> u16 {
        self.0
    }
}

impl Default for TargetSet {
    fn default() -> Self {
        Self::ANY
    }
}

/// What is known about the executable that a layer is, when it is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Executable {
    /// The header is not complete yet: hits that depend on it are held.
    #[default]
    Unknown,
    /// There is no usable header. Offsets relative to one never match, and for the targets PE, ELF and
    /// Mach-O neither do offsets from the end (`clamav.md` A4).
    Absent,
    /// The header was read.
    Known(ExecutableMap),
}

/// Where the entry point and the sections of an executable lie in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutableMap {
    /// File offset of the entry point, in bytes; `None` when the file has none.
    pub entry_point: Option<u64>,
    /// In the order of the header.
    pub sections: Box<[RawSection]>,
    /// Where the strings of its version information begin.
    pub version_information: VersionInformation,
}

/// The strings of a PE's version information, for `VI` offsets. The resources lie far behind the
/// header, so this becomes known later than the map around it, and then never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VersionInformation {
    /// The resources have not passed yet.
    #[default]
    Unknown,
    /// File offsets of the first byte of each string's key (UTF-16, its value follows), rising. A
    /// `VI` pattern has to begin at one of them. Empty for a file without version information.
    Known(Box<[u64]>),
    /// The resources are larger than what is kept of a file, or point backwards: whether a `VI`
    /// pattern matches cannot be told.
    OutOfReach,
}

impl VersionInformation {
    /// Of a file that has none.
    #[must_use]
    pub fn none() -> Self {
        Self::Known(Box::default())
    }
}

/// One section as it lies in the file (not in memory).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawSection {
    /// First byte, rounded down to the file alignment unit as the format's loader does.
    pub start: u64,
    /// Length in bytes.
    pub size: u64,
}

/// The facts about one layer. They may become known while it streams, but must never change once known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerFacts {
    /// The kinds that the layer is; fixed before the first byte is fed.
    pub targets: TargetSet,
    /// What its header says.
    pub executable: Executable,
    /// Its size in bytes where that is certain before the end.
    pub size: Option<u64>,
}
